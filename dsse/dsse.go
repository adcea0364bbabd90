// Package dsse signs and verifies Dead Simple Signing Envelopes (github.com/secure-systems-lab/dsse, protocol v1.0.0) with Ed25519.
//
// It promises that a payload is handed out only after enough distinct trusted keys were found to have signed exactly it,
// under exactly the payload type that was asked for. It refuses to look at a payload before that, and to count one key twice.
package dsse

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
)

// Limits on what is parsed.
const (
	MaxEnvelope   = 64 << 20 // bytes
	MaxSignatures = 64
)

// Envelope is a payload with its signatures. Its JSON is that of the specification.
type Envelope struct {
	PayloadType string      `json:"payloadType"`
	Payload     []byte      `json:"payload"` // standard base64 in JSON
	Signatures  []Signature `json:"signatures"`
}

// Signature is one signature. KeyID is an unauthenticated hint.
type Signature struct {
	KeyID string `json:"keyid,omitempty"`
	Sig   []byte `json:"sig"`
}

// PAE is the pre-authentication encoding, the bytes that are signed.
func PAE(payloadType string, payload []byte) []byte {
	out := make([]byte, 0, len(payload)+len(payloadType)+32)
	out = append(out, "DSSEv1 "...)
	out = strconv.AppendInt(out, int64(len(payloadType)), 10)
	out = append(out, ' ')
	out = append(out, payloadType...)
	out = append(out, ' ')
	out = strconv.AppendInt(out, int64(len(payload)), 10)
	out = append(out, ' ')
	return append(out, payload...)
}

// KeyID is the hint this package writes: the standard base64 of the public key.
func KeyID(key ed25519.PublicKey) string { return base64.StdEncoding.EncodeToString(key) }

// Sign makes an envelope with a signature of each signer, which must hold Ed25519 keys.
func Sign(payloadType string, payload []byte, signers ...crypto.Signer) (*Envelope, error) {
	if payloadType == "" {
		return nil, errors.New("dsse: sign: no payload type")
	}
	if len(signers) == 0 {
		return nil, errors.New("dsse: sign: nobody to sign")
	}
	e := &Envelope{PayloadType: payloadType, Payload: bytes.Clone(payload)}
	for _, s := range signers {
		if err := e.AddSignature(s); err != nil {
			return nil, err
		}
	}
	return e, nil
}

// AddSignature signs the envelope's payload once more. It does not verify the signatures that are there. A signer
// that has signed already is refused.
func (e *Envelope) AddSignature(s crypto.Signer) error {
	pub, ok := s.Public().(ed25519.PublicKey)
	if !ok {
		return fmt.Errorf("dsse: sign: a %T is not an Ed25519 key", s.Public())
	}
	pae := PAE(e.PayloadType, e.Payload)
	for _, have := range e.Signatures {
		if ed25519.Verify(pub, pae, have.Sig) {
			return fmt.Errorf("dsse: sign: key %s has signed already", KeyID(pub))
		}
	}
	sig, err := s.Sign(nil, pae, crypto.Hash(0))
	if err != nil {
		return fmt.Errorf("dsse: sign with %s: %w", KeyID(pub), err)
	}
	e.Signatures = append(e.Signatures, Signature{KeyID: KeyID(pub), Sig: sig})
	return nil
}

// Encode gives the envelope's JSON on one line. Parsing it gives the same envelope.
func (e *Envelope) Encode() ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(e); err != nil {
		return nil, fmt.Errorf("dsse: encode: %w", err)
	}
	return buf.Bytes(), nil
}

// Parse reads an envelope. Both alphabets of base64 are read, as the specification asks; unknown keys are ignored, as it asks too.
func Parse(b []byte) (*Envelope, error) {
	if len(b) > MaxEnvelope {
		return nil, fmt.Errorf("dsse: parse: envelope of %d bytes is larger than %d", len(b), MaxEnvelope)
	}
	var wire struct {
		PayloadType *string `json:"payloadType"`
		Payload     *string `json:"payload"`
		Signatures  []struct {
			KeyID string `json:"keyid"`
			Sig   string `json:"sig"`
		} `json:"signatures"`
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	if err := dec.Decode(&wire); err != nil {
		return nil, fmt.Errorf("dsse: parse: %w", err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, errors.New("dsse: parse: something follows the envelope")
	}
	switch {
	case wire.PayloadType == nil || *wire.PayloadType == "":
		return nil, errors.New("dsse: parse: no payloadType")
	case wire.Payload == nil:
		return nil, errors.New("dsse: parse: no payload")
	case len(wire.Signatures) == 0:
		return nil, errors.New("dsse: parse: no signature")
	case len(wire.Signatures) > MaxSignatures:
		return nil, fmt.Errorf("dsse: parse: %d signatures, more than %d", len(wire.Signatures), MaxSignatures)
	}
	payload, err := decode(*wire.Payload)
	if err != nil {
		return nil, fmt.Errorf("dsse: parse: payload: %w", err)
	}
	e := &Envelope{PayloadType: *wire.PayloadType, Payload: payload}
	for i, s := range wire.Signatures {
		sig, err := decode(s.Sig)
		if err != nil {
			return nil, fmt.Errorf("dsse: parse: signature %d: %w", i, err)
		}
		e.Signatures = append(e.Signatures, Signature{KeyID: s.KeyID, Sig: sig})
	}
	return e, nil
}

func decode(s string) ([]byte, error) {
	b, err := base64.StdEncoding.DecodeString(s)
	if err == nil {
		return b, nil
	}
	if u, uerr := base64.URLEncoding.DecodeString(s); uerr == nil {
		return u, nil
	}
	return nil, err
}

// Verify hands out the payload when at least threshold of the trusted keys have signed it under that payload type, with the indexes in
// trusted of those that did, in order. The same key given twice counts once.
func (e *Envelope) Verify(payloadType string, threshold int, trusted ...ed25519.PublicKey) (payload []byte, by []int, err error) {
	if threshold < 1 {
		return nil, nil, errors.New("dsse: verify: a threshold below one verifies nothing")
	}
	if e.PayloadType != payloadType {
		return nil, nil, fmt.Errorf("dsse: verify: payload type is %.100q, not %q", e.PayloadType, payloadType)
	}
	if len(e.Signatures) > MaxSignatures {
		return nil, nil, fmt.Errorf("dsse: verify: %d signatures, more than %d", len(e.Signatures), MaxSignatures)
	}
	pae := PAE(e.PayloadType, e.Payload)
	seen := map[string]bool{}
	for i, key := range trusted {
		if len(key) != ed25519.PublicKeySize || seen[string(key)] {
			continue
		}
		seen[string(key)] = true
		for _, s := range e.Signatures {
			if ed25519.Verify(key, pae, s.Sig) {
				by = append(by, i)
				break
			}
		}
	}
	if len(by) < threshold {
		return nil, nil, fmt.Errorf("dsse: verify: %d of the %d needed signatures by trusted keys%s", len(by), threshold, e.misfits(pae, trusted))
	}
	return e.Payload, by, nil
}

// misfits says what the signatures are that count for nothing: those that name a trusted key and do not fit, and those of other keys. What a
// signature says of its key is a hint for people and decides nothing.
func (e *Envelope) misfits(pae []byte, trusted []ed25519.PublicKey) (text string) {
	changed, strange := 0, 0
	for _, s := range e.Signatures {
		at := slices.IndexFunc(trusted, func(k ed25519.PublicKey) bool {
			return len(k) == ed25519.PublicKeySize && (KeyID(k) == s.KeyID || ed25519.Verify(k, pae, s.Sig))
		})
		switch {
		case at < 0:
			strange++
		case !ed25519.Verify(trusted[at], pae, s.Sig):
			changed++
		}
	}
	if changed > 0 {
		text += fmt.Sprintf("; %d by trusted keys do not fit: something was changed after it was signed", changed)
	}
	if strange > 0 {
		text += fmt.Sprintf("; %d by keys that are not trusted here", strange)
	}
	return text
}
