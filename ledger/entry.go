package ledger

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

// MaxEntry is the largest line of an entry, in bytes.
const MaxEntry = 1 << 20

// maxSeen bounds the digests of one entry; larger sets belong into a file whose digest is seen.
const maxSeen = 4096

const signaturePrefix = "contrail/ledger-entry/v1\n"

// Digest is the SHA-256 of what somebody looked at: "sha256:" and 64 lower-case hexadecimal digits.
type Digest string

// DigestOf gives the digest of bytes.
func DigestOf(b []byte) Digest {
	sum := sha256.Sum256(b)
	return FromSum(sum[:])
}

// FromSum gives the Digest of a SHA-256 sum.
func FromSum(sum []byte) Digest { return Digest("sha256:" + hex.EncodeToString(sum)) }

// DigestReader gives the digest and the number of bytes that r holds.
func DigestReader(r io.Reader) (Digest, int64, error) {
	h := sha256.New()
	n, err := io.Copy(h, r)
	return FromSum(h.Sum(nil)), n, err
}

// ParseDigest checks the form of a digest.
func ParseDigest(s string) (Digest, error) {
	h, ok := strings.CutPrefix(s, "sha256:")
	if raw, err := hex.DecodeString(h); !ok || err != nil || len(raw) != sha256.Size || strings.ToLower(h) != h {
		return "", fmt.Errorf("ledger: %.80q is not a digest (sha256: and 64 lower-case hexadecimal digits)", s)
	}
	return Digest(s), nil
}

// Draft is what an author wants to have entered.
type Draft struct {
	Kind    string          // [a-z0-9.-]{1,64}
	Version int             // of the shape of Data, from 1
	Why     string          // the reason
	Seen    []Digest        // what was looked at
	Data    json.RawMessage // an object; nil is {}
}

// Entry is a draft that was entered.
type Entry struct {
	Seq     uint64
	Prev    tlog.Hash // leaf hash of the entry before, zeros for the first
	Time    time.Time // by the author's clock, UTC
	Author  ed25519.PublicKey
	Kind    string
	Version int
	Why     string
	Seen    []Digest
	Data    json.RawMessage // canonical
	Sig     []byte

	line []byte
}

// Line gives the canonical bytes of the entry, without a newline. They must not be changed.
func (e *Entry) Line() []byte { return e.line }

// Hash is the leaf hash of the entry in the tree.
func (e *Entry) Hash() tlog.Hash { return tlog.RecordHash(e.line) }

// wire has its fields in canonical order, so that encoding/json writes the keys sorted.
type wire struct {
	Author  string          `json:"author"`
	Data    json.RawMessage `json:"data"`
	Kind    string          `json:"kind"`
	Prev    string          `json:"prev"`
	Seen    []Digest        `json:"seen"`
	Seq     uint64          `json:"seq"`
	Sig     string          `json:"sig,omitempty"`
	Time    string          `json:"time"`
	Version int             `json:"version"`
	Why     string          `json:"why"`
}

func (e *Entry) encode(sig []byte) ([]byte, error) {
	w := wire{
		Author: b64(e.Author), Data: e.Data, Kind: e.Kind, Prev: b64(e.Prev[:]), Seen: e.Seen, Seq: e.Seq,
		Time: e.Time.UTC().Format(time.RFC3339Nano), Version: e.Version, Why: e.Why,
	}
	if w.Seen == nil {
		w.Seen = []Digest{}
	}
	if sig != nil {
		w.Sig = b64(sig)
	}
	return MarshalCanonical(w)
}

func b64(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

func unb64(s string, size int) ([]byte, error) {
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil || len(b) != size {
		return nil, fmt.Errorf("not the base64 of %d bytes", size)
	}
	return b, nil
}

// check says what is wrong with the parts of an entry that its author chose.
func (e *Entry) check() error {
	if e.Kind == "" || len(e.Kind) > 64 {
		return fmt.Errorf("kind %.70q must have 1 to 64 characters", e.Kind)
	}
	for _, c := range []byte(e.Kind) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '.' && c != '-' {
			return fmt.Errorf("kind %q may hold only a-z, 0-9, dot and hyphen", e.Kind)
		}
	}
	if e.Version < 1 {
		return fmt.Errorf("version %d of %s", e.Version, e.Kind)
	}
	if len(e.Seen) > maxSeen {
		return fmt.Errorf("%d digests seen, more than %d", len(e.Seen), maxSeen)
	}
	for _, d := range e.Seen {
		if _, err := ParseDigest(string(d)); err != nil {
			return err
		}
	}
	if len(e.Data) == 0 || e.Data[0] != '{' {
		return errors.New("data must be an object")
	}
	if y := e.Time.UTC().Year(); y < 1970 || y > 9999 {
		return fmt.Errorf("time in year %d", y)
	}
	return nil
}

// sign completes an entry: canonical data, signature, line.
func (e *Entry) sign(s crypto.Signer) error {
	if len(e.Data) == 0 {
		e.Data = json.RawMessage("{}")
	}
	data, err := Canonical(e.Data)
	if err != nil {
		return err
	}
	e.Data = data
	if err := e.check(); err != nil {
		return err
	}
	body, err := e.encode(nil)
	if err != nil {
		return err
	}
	if e.Sig, err = s.Sign(nil, append([]byte(signaturePrefix), body...), crypto.Hash(0)); err != nil {
		return fmt.Errorf("sign: %w", err)
	}
	if e.line, err = e.encode(e.Sig); err != nil {
		return err
	}
	if len(e.line) > MaxEntry {
		return fmt.Errorf("%d bytes are more than an entry may have (%d); enter a digest instead", len(e.line), MaxEntry)
	}
	return nil
}

// ParseEntry reads one line without its newline, which must be the one canonical spelling of the entry. It does not verify the
// signature; see Entry.VerifySignature.
func ParseEntry(line []byte) (Entry, error) {
	e, err := parseEntry(line)
	if err != nil {
		return Entry{}, fmt.Errorf("ledger: parse entry: %w", err)
	}
	return e, nil
}

func parseEntry(line []byte) (Entry, error) {
	if len(line) > MaxEntry {
		return Entry{}, fmt.Errorf("line of %d bytes or more", len(line))
	}
	var w wire
	dec := json.NewDecoder(bytes.NewReader(line))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&w); err != nil {
		return Entry{}, fmt.Errorf("not an entry: %w", err)
	}
	e := Entry{Seq: w.Seq, Kind: w.Kind, Version: w.Version, Why: w.Why, Seen: w.Seen, Data: w.Data}
	author, err := unb64(w.Author, ed25519.PublicKeySize)
	if err != nil {
		return Entry{}, fmt.Errorf("author: %w", err)
	}
	e.Author = author
	prev, err := unb64(w.Prev, tlog.HashSize)
	if err != nil {
		return Entry{}, fmt.Errorf("prev: %w", err)
	}
	e.Prev = tlog.Hash(prev)
	if e.Sig, err = unb64(w.Sig, ed25519.SignatureSize); err != nil {
		return Entry{}, fmt.Errorf("sig: %w", err)
	}
	if e.Time, err = time.Parse(time.RFC3339Nano, w.Time); err != nil {
		return Entry{}, fmt.Errorf("time: %w", err)
	}
	if err := e.check(); err != nil {
		return Entry{}, err
	}
	again, err := e.encode(e.Sig)
	if err != nil {
		return Entry{}, err
	}
	if !bytes.Equal(again, line) {
		return Entry{}, errors.New("not in canonical form")
	}
	e.line = again
	return e, nil
}

// VerifySignature says whether the author signed the entry.
func (e *Entry) VerifySignature() error {
	// The line is canonical, and after sig come only texts, in which a quote is escaped: the last match is the entry's own sig.
	sig := []byte(`,"sig":"` + b64(e.Sig) + `"`)
	i := bytes.LastIndex(e.line, sig)
	if i < 0 {
		return fmt.Errorf("ledger: entry %d has no signature", e.Seq)
	}
	signed := slices.Concat([]byte(signaturePrefix), e.line[:i], e.line[i+len(sig):])
	if !ed25519.Verify(e.Author, signed, e.Sig) {
		return fmt.Errorf("ledger: entry %d: the author's signature does not verify", e.Seq)
	}
	return nil
}
