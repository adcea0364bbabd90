package casefile

import (
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/contrail-ir/contrail/keys"
	"github.com/contrail-ir/contrail/ledger"
	"github.com/contrail-ir/contrail/marking"
	"github.com/contrail-ir/contrail/member"
)

// Opened is the detail of case.opened.
type Opened struct {
	ID           string          `json:"id"` // random, hexadecimal
	Name         string          `json:"name"`
	Organisation string          `json:"organisation"`
	LedgerKey    string          `json:"ledger_key"`
	Pseudonyms   ledger.Digest   `json:"pseudonyms"` // digest of the pseudonym key
	Marking      marking.Marking `json:"marking"`
	Lead         Grant           `json:"lead"`
}

func (o Opened) check() error {
	if o.ID == "" || o.Name == "" || o.LedgerKey == "" {
		return errors.New("a case has an id, a name and a ledger key")
	}
	if _, err := ledger.ParseDigest(string(o.Pseudonyms)); err != nil {
		return err
	}
	if o.Lead.Role != Lead {
		return errors.New("whoever opens a case leads it")
	}
	return o.Lead.check()
}

// Grant is the detail of role.granted: a person's key gets a role, instead of the one it had.
type Grant struct {
	Name         string `json:"name"`
	Organisation string `json:"organisation,omitempty"`
	Key          string `json:"key"`                 // verifier key, NAME+HASH+BASE64
	Recipient    string `json:"recipient,omitempty"` // age recipient
	Role         Role   `json:"role"`
}

func (g Grant) check() error {
	if _, err := ParseRole(string(g.Role)); err != nil {
		return err
	}
	if g.Name == "" {
		return errors.New("a role is granted to somebody with a name")
	}
	_, err := g.public()
	return err
}

func (g Grant) public() (keys.Public, error) {
	return keys.ParsePublic([]byte(g.Key + "\n" + g.Recipient))
}

// GrantTo makes the detail for a person's public key.
func GrantTo(p keys.Public, organisation string, role Role) Grant {
	return Grant{Name: p.Name, Organisation: organisation, Key: p.VerifierKey(), Recipient: p.Recipient, Role: role}
}

// Revocation is the detail of role.revoked.
type Revocation struct {
	Key string `json:"key"` // base64 of the public key
}

func (r Revocation) check() error {
	_, err := member.ParseKey(r.Key)
	return err
}

// MemberDetail is the detail of member.added.
type MemberDetail struct {
	ID   member.ID  `json:"id"`
	Name string     `json:"name"`
	Key  member.Key `json:"key,omitempty"`
}

func (m MemberDetail) check() error {
	if m.Name == "" {
		return errors.New("a member has a name")
	}
	_, err := member.ParseID(string(m.ID))
	return err
}

// ConsentDetail is the detail of consent.given.
type ConsentDetail struct {
	Member  member.ID      `json:"member"`
	Consent member.Consent `json:"consent"`
}

func (c ConsentDetail) check() error {
	if _, err := member.ParseID(string(c.Member)); err != nil {
		return err
	}
	return c.Consent.Check()
}

// WithdrawalDetail is the detail of consent.withdrawn: all consent of the member for the purpose ends.
type WithdrawalDetail struct {
	Member  member.ID      `json:"member"`
	Purpose member.Purpose `json:"purpose"`
	At      time.Time      `json:"at"`
}

func (w WithdrawalDetail) check() error {
	if w.At.IsZero() {
		return errors.New("say from when consent is withdrawn")
	}
	if _, err := member.ParseID(string(w.Member)); err != nil {
		return err
	}
	_, err := member.ParsePurpose(string(w.Purpose))
	return err
}

// Person is somebody with a key in a case.
type Person struct {
	Name         string
	Organisation string
	Key          string // base64 of the public key
	Recipient    string // age recipient, may be ""
	Role         Role   // "" after revocation
	Since        uint64 // entry that gave the role
	Until        uint64 // entry that took it, 0 while it stands
}

func keyID(key []byte) string { return base64.StdEncoding.EncodeToString(key) }

// state is what the entries of a case add up to. It is folded from the ledger, never stored.
type state struct {
	size    uint64
	opened  Opened
	people  map[string]Person // by key
	members map[member.ID]member.Member
	sealed  bool
}

func newState() *state {
	return &state{people: map[string]Person{}, members: map[member.ID]member.Member{}}
}

func (s *state) clone() *state {
	c := *s
	c.people, c.members = maps.Clone(s.people), maps.Clone(s.members)
	return &c
}

// apply judges the next entry and takes in what it says. An entry that is refused changes nothing but the count.
func (s *state) apply(raw *ledger.Entry) (Entry, error) {
	seq := s.size
	s.size++
	e, err := decode(raw)
	if err != nil {
		return e, err
	}
	if e.Seq != seq {
		return e, fmt.Errorf("entry %d stands where %d should", e.Seq, seq)
	}
	if seq == 0 {
		return s.open(e)
	}
	p := s.people[e.Author]
	e.Person, e.Role = p.Name, p.Role
	if err := s.permit(e, p); err != nil {
		return e, err
	}
	return e, s.take(e)
}

func (s *state) open(e Entry) (Entry, error) {
	var o Opened
	if e.Kind != CaseOpened {
		return e, fmt.Errorf("the first entry is %q, not %q", e.Kind, CaseOpened)
	}
	if err := e.Decode(&o); err != nil {
		return e, err
	}
	if err := o.check(); err != nil {
		return e, err
	}
	p, err := o.Lead.public()
	if err != nil {
		return e, err
	}
	if p.ID() != e.Author {
		return e, errors.New("the case was opened by another key than its first lead's")
	}
	s.opened = o
	s.people[e.Author] = person(o.Lead, e)
	e.Person, e.Role = o.Lead.Name, Lead
	return e, nil
}

func person(g Grant, e Entry) Person {
	pub, err := g.public()
	if err != nil {
		return Person{}
	}
	return Person{Name: g.Name, Organisation: g.Organisation, Key: pub.ID(), Recipient: pub.Recipient, Role: g.Role, Since: e.Seq}
}

func (s *state) permit(e Entry, p Person) error {
	switch {
	case p.Key == "":
		return fmt.Errorf("its author %s has no role in this case", e.Author)
	case p.Role == "":
		return fmt.Errorf("its author %s lost the role at entry %d", p.Name, p.Until)
	case !p.Role.May(e.Kind):
		return fmt.Errorf("a %s (%s) may not enter %s", p.Role, p.Name, e.Kind)
	case e.Kind == CaseOpened:
		return errors.New("a case is opened once")
	case s.sealed && e.Kind != CaseReopened:
		return errors.New("the case is sealed; reopen it first")
	case !s.sealed && e.Kind == CaseReopened:
		return errors.New("the case is not sealed")
	}
	for _, old := range e.Supersedes {
		if old >= e.Seq {
			return fmt.Errorf("it supersedes entry %d, which is not earlier", old)
		}
	}
	if rule, ok := ruleOf(e.Kind); ok && rule.check != nil && e.Version == rule.version {
		if err := rule.check(e.Detail); err != nil {
			return fmt.Errorf("%s: %w", e.Kind, err)
		}
	}
	return nil
}

func (s *state) take(e Entry) error {
	if !e.Known() {
		return nil
	}
	switch e.Kind {
	case CaseSealed:
		s.sealed = true
	case CaseReopened:
		s.sealed = false
	case RoleGranted:
		var g Grant
		if err := e.Decode(&g); err != nil {
			return err
		}
		p := person(g, e)
		if old := s.people[p.Key]; old.Role == Lead && g.Role != Lead && s.leads() == 1 {
			return errors.New("the last lead cannot step down; grant the role to somebody else first")
		}
		s.people[p.Key] = p
	case RoleRevoked:
		var r Revocation
		if err := e.Decode(&r); err != nil {
			return err
		}
		p, ok := s.people[r.Key]
		if !ok || p.Role == "" {
			return fmt.Errorf("key %s has no role to revoke", r.Key)
		}
		if p.Role == Lead && s.leads() == 1 {
			return errors.New("the last lead cannot be revoked")
		}
		p.Role, p.Until = "", e.Seq
		s.people[r.Key] = p
	case MemberAdded, ConsentGiven, ConsentWithdrawn:
		return s.takeMember(e)
	}
	return nil
}

func (s *state) takeMember(e Entry) error {
	switch e.Kind {
	case MemberAdded:
		var d MemberDetail
		if err := e.Decode(&d); err != nil {
			return err
		}
		m := s.members[d.ID]
		m.ID, m.Name, m.Key = d.ID, d.Name, d.Key
		s.members[d.ID] = m
	case ConsentGiven:
		var d ConsentDetail
		if err := e.Decode(&d); err != nil {
			return err
		}
		m, ok := s.members[d.Member]
		if !ok {
			return fmt.Errorf("consent of %q, which is no member of this case", d.Member)
		}
		m.Consents = append(slices.Clone(m.Consents), d.Consent)
		s.members[d.Member] = m
	case ConsentWithdrawn:
		var d WithdrawalDetail
		if err := e.Decode(&d); err != nil {
			return err
		}
		m, ok := s.members[d.Member]
		if !ok {
			return fmt.Errorf("consent of %q, which is no member of this case", d.Member)
		}
		m.Consents = slices.Clone(m.Consents)
		for i, c := range m.Consents {
			if c.Purpose == d.Purpose && c.Withdrawn.IsZero() {
				m.Consents[i].Withdrawn = d.At
			}
		}
		s.members[d.Member] = m
	}
	return nil
}

func (s *state) leads() int {
	n := 0
	for _, p := range s.people {
		if p.Role == Lead {
			n++
		}
	}
	return n
}

func (s *state) list() []Person {
	out := slices.Collect(maps.Values(s.people))
	slices.SortFunc(out, func(a, b Person) int {
		if c := strings.Compare(a.Name, b.Name); c != 0 {
			return c
		}
		return strings.Compare(a.Key, b.Key)
	})
	return out
}
