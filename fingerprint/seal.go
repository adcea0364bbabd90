package fingerprint

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/contrail-ir/contrail/dsse"
)

// PayloadType is what signatures say the payload is.
const PayloadType = "application/vnd.contrail.fingerprint+json"

// Signatures is how many different people sign by default.
const Signatures = 2

// What Open refuses.
var (
	ErrUnsigned  = errors.New("it is not signed: a draft can be used with --draft only")
	ErrExpired   = errors.New("it has expired")
	ErrTooEarly  = errors.New("it is not valid yet")
	ErrSignature = errors.New("its signatures do not hold")
)

// Sign makes the signed package of what Release made.
func Sign(f *Fingerprint, signers ...crypto.Signer) ([]byte, error) {
	if err := f.Check(); err != nil {
		return nil, err
	}
	if f.Expires == "" || f.NotBefore == "" {
		return nil, errors.New("fingerprint: sign: from when and until when is it valid?")
	}
	for i, it := range f.Items {
		if it.ApprovedBy == "" {
			return nil, fmt.Errorf("fingerprint: sign: item %d is not approved", i+1)
		}
		if len(it.Refs) > 0 {
			return nil, fmt.Errorf("fingerprint: sign: item %d still names the victim's records", i+1)
		}
	}
	payload, err := json.Marshal(f)
	if err != nil {
		return nil, fmt.Errorf("fingerprint: sign: %w", err)
	}
	e, err := dsse.Sign(PayloadType, payload, signers...)
	if err != nil {
		return nil, fmt.Errorf("fingerprint: sign: %w", err)
	}
	return e.Encode()
}

// AddSignature signs a package once more, as the second person does. The same key twice is refused. The signatures that are there are not
// judged; what is signed is, so that nobody signs what cannot be used.
func AddSignature(envelope []byte, s crypto.Signer, now time.Time) ([]byte, error) {
	e, err := dsse.Parse(envelope)
	if err != nil {
		return nil, fmt.Errorf("fingerprint: sign: %w", err)
	}
	if e.PayloadType != PayloadType {
		return nil, fmt.Errorf("fingerprint: sign: the package holds %.100q and no fingerprint", e.PayloadType)
	}
	f, err := parse(e.Payload)
	if err != nil {
		return nil, err
	}
	if err := f.timely(now); err != nil && !errors.Is(err, ErrTooEarly) {
		return nil, fmt.Errorf("fingerprint: sign: %w", err)
	}
	if err := e.AddSignature(s); err != nil {
		return nil, fmt.Errorf("fingerprint: sign: %w", err)
	}
	return e.Encode()
}

// Signed says whether bytes look like a signed package rather than a fingerprint by itself.
func Signed(b []byte) bool {
	var probe struct {
		PayloadType *string `json:"payloadType"`
		Signatures  *json.RawMessage
	}
	return json.Unmarshal(b, &probe) == nil && (probe.PayloadType != nil || probe.Signatures != nil)
}

// Open gives the fingerprint of a signed package when at least threshold of the trusted keys signed it and now lies within its time, with the
// indexes in trusted of those that did. Everything else is an error that says why, and no fingerprint.
func Open(envelope []byte, threshold int, now time.Time, trusted ...ed25519.PublicKey) (*Fingerprint, []int, error) {
	refuse := func(err error) (*Fingerprint, []int, error) {
		return nil, nil, fmt.Errorf("fingerprint refused: %w", err)
	}
	if !Signed(envelope) {
		if json.Valid(bytes.TrimSpace(envelope)) {
			return refuse(ErrUnsigned)
		}
		return refuse(errors.New("it is no JSON"))
	}
	e, err := dsse.Parse(envelope)
	if err != nil {
		return refuse(fmt.Errorf("%w: %w", ErrSignature, err))
	}
	payload, by, err := e.Verify(PayloadType, threshold, trusted...)
	if err != nil {
		return refuse(fmt.Errorf("%w: %w", ErrSignature, err))
	}
	f, err := parse(payload)
	if err != nil {
		return refuse(err)
	}
	for i, it := range f.Items {
		if it.ApprovedBy == "" {
			return refuse(fmt.Errorf("item %d is not approved", i+1))
		}
	}
	if err := f.timely(now); err != nil {
		return refuse(err)
	}
	// Items that have expired by themselves are no longer asked.
	kept := f.Items[:0]
	for _, it := range f.Items {
		if end, _ := moment(it.Expires); end.IsZero() || now.Before(end) {
			kept = append(kept, it)
		}
	}
	f.Items = kept
	return f, by, nil
}

// timely judges the time; a package that does not say until when it is valid is not valid.
func (f *Fingerprint) timely(now time.Time) error {
	from, err := moment(f.NotBefore)
	if err != nil {
		return err
	}
	until, err := moment(f.Expires)
	if err != nil {
		return err
	}
	switch {
	case until.IsZero() || from.IsZero():
		return errors.New("it does not say from when and until when it is valid")
	case !now.Before(until):
		return fmt.Errorf("%w on %s", ErrExpired, f.Expires)
	case now.Before(from):
		return fmt.Errorf("%w: it begins on %s", ErrTooEarly, f.NotBefore)
	}
	return nil
}
