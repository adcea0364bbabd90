// Package member describes an organisation that takes part: its name, its key, what it has consented to,
// and the name under which it appears where its own must not.
//
// It promises that consent is never assumed: what was not given for a purpose, at a time, by somebody,
// is refused with the reason. It refuses to make pseudonyms without a secret, because a plain digest of a name is guessed at once.
package member

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// ID names an organisation inside a case or a sector: lower-case letters, digits, dots and hyphens, at most 64 bytes.
type ID string

// ParseID checks an ID.
func ParseID(s string) (ID, error) {
	if s == "" || len(s) > 64 {
		return "", fmt.Errorf("member: id %.70q must have 1 to 64 characters", s)
	}
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '.' {
			return "", fmt.Errorf("member: id %q may hold only a-z, 0-9, dot and hyphen", s)
		}
	}
	if strings.Trim(s, ".-") != s {
		return "", fmt.Errorf("member: id %q begins or ends with a dot or hyphen", s)
	}
	return ID(s), nil
}

// Key is an Ed25519 public key; in JSON it is standard base64 of its 32 bytes.
type Key ed25519.PublicKey

// ParseKey reads the base64 of a public key.
func ParseKey(s string) (Key, error) {
	b, err := base64.StdEncoding.Strict().DecodeString(s)
	if err != nil || len(b) != ed25519.PublicKeySize || base64.StdEncoding.EncodeToString(b) != s {
		return nil, fmt.Errorf("member: %.60q is not the base64 of an Ed25519 public key", s)
	}
	return Key(b), nil
}

// String is the base64 of the key.
func (k Key) String() string { return base64.StdEncoding.EncodeToString(k) }

// MarshalJSON writes the base64 of the key.
func (k Key) MarshalJSON() ([]byte, error) { return json.Marshal(k.String()) }

// UnmarshalJSON reads the base64 of the key.
func (k *Key) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return fmt.Errorf("member: key: %w", err)
	}
	v, err := ParseKey(s)
	if err != nil {
		return err
	}
	*k = v
	return nil
}

// Member is an organisation.
type Member struct {
	ID       ID        `json:"id"`
	Name     string    `json:"name"`
	Key      Key       `json:"key"`
	Consents []Consent `json:"consents,omitempty"`
}

// Purpose is what consent is given for.
type Purpose string

const (
	Sweep     Purpose = "sweep"     // that its evidence is searched
	Share     Purpose = "share"     // that findings from it go to other members, pseudonymised
	Authority Purpose = "authority" // that a case about it is handed to an authority
	Name      Purpose = "name"      // that it is named as a victim
	Publish   Purpose = "publish"   // that facts about it are made public
	Count     Purpose = "count"     // that its numbers enter totals
)

// Purposes lists all purposes.
func Purposes() []Purpose { return []Purpose{Sweep, Share, Authority, Name, Publish, Count} }

// ParsePurpose reads the name of a purpose.
func ParsePurpose(s string) (Purpose, error) {
	for _, p := range Purposes() {
		if string(p) == s {
			return p, nil
		}
	}
	return "", fmt.Errorf("member: %.40q is not a purpose of consent (%v)", s, Purposes())
}

// Consent is what an organisation allowed: for one purpose, given by a person on its behalf, from a time, until another.
type Consent struct {
	Purpose   Purpose   `json:"purpose"`
	Scope     string    `json:"scope,omitempty"` // what it covers, in the giver's words
	By        string    `json:"by"`
	From      time.Time `json:"from"`
	Until     time.Time `json:"until,omitzero"`     // exclusive; zero has no end
	Withdrawn time.Time `json:"withdrawn,omitzero"` // zero when it stands
}

// Check says why the consent cannot stand as written.
func (c Consent) Check() error {
	if _, err := ParsePurpose(string(c.Purpose)); err != nil {
		return err
	}
	switch {
	case strings.TrimSpace(c.By) == "":
		return fmt.Errorf("member: consent for %s names nobody who gave it", c.Purpose)
	case c.From.IsZero():
		return fmt.Errorf("member: consent for %s has no beginning", c.Purpose)
	case !c.Until.IsZero() && !c.Until.After(c.From):
		return fmt.Errorf("member: consent for %s ends %s, before it begins", c.Purpose, c.Until.UTC().Format(time.RFC3339))
	}
	return nil
}

// Allows says whether the organisation has consented to the purpose at that time; if not, the error says why not.
func (m Member) Allows(p Purpose, at time.Time) error {
	why := "none was given"
	for _, c := range m.Consents {
		if c.Purpose != p || c.Check() != nil {
			continue
		}
		switch {
		case at.Before(c.From):
			why = "it begins " + c.From.UTC().Format(time.RFC3339)
		case !c.Until.IsZero() && !at.Before(c.Until):
			why = "it ended " + c.Until.UTC().Format(time.RFC3339)
		case !c.Withdrawn.IsZero() && !at.Before(c.Withdrawn):
			why = "it was withdrawn " + c.Withdrawn.UTC().Format(time.RFC3339)
		default:
			return nil
		}
	}
	return fmt.Errorf("member: %s has not consented to %q: %s", m.ID, p, why)
}
