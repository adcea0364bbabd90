package member

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
)

// SecretSize is the least number of bytes of a secret for pseudonyms.
const SecretSize = 32

// Pseudonyms replaces names inside one case. The same name gets the same pseudonym as long as the secret is the same, and
// without the secret neither the name nor whether two cases speak of the same one can be told. It is safe for concurrent use.
type Pseudonyms struct{ secret []byte }

// NewPseudonyms takes the secret of one case; it must be random, of at least SecretSize bytes, and used for no other case.
func NewPseudonyms(secret []byte) (*Pseudonyms, error) {
	if len(secret) < SecretSize {
		return nil, fmt.Errorf("member: pseudonyms need a secret of %d bytes, not %d", SecretSize, len(secret))
	}
	var or byte
	for _, b := range secret {
		or |= b
	}
	if or == 0 {
		return nil, errors.New("member: pseudonyms need a random secret, not zeros")
	}
	return &Pseudonyms{secret: append([]byte(nil), secret...)}, nil
}

var encoding = base32.NewEncoding("abcdefghijkmnpqrstuvwxyz23456789").WithPadding(base32.NoPadding)

// Of gives the pseudonym of a name of some sort ("member", "host", "user"): the sort, a hyphen and 16 letters and digits, 80 bits
// of HMAC-SHA-256. Names are compared without regard to letter case and surrounding space, as hosts and accounts are.
func (p *Pseudonyms) Of(sort, name string) string {
	sum := p.Digest(sort, []byte(strings.ToLower(strings.TrimSpace(name))))
	return sort + "-" + encoding.EncodeToString(sum[:10])
}

// Digest is the keyed digest of any bytes, for what must be recognisable to the case and to nobody else.
func (p *Pseudonyms) Digest(sort string, b []byte) [32]byte {
	h := hmac.New(sha256.New, p.secret)
	var n [8]byte
	// The length keeps ("ab","c") and ("a","bc") apart.
	binary.BigEndian.PutUint64(n[:], uint64(len(sort)))
	h.Write(n[:])
	h.Write([]byte(sort))
	h.Write(b)
	return [32]byte(h.Sum(nil))
}
