// Package casefile is an investigation over time: who did, saw, decided and handed over what, when and why, as signed entries of a
// ledger, with a cache to search them, a seal, an archive, and hand-overs between organisations.
// docs/formats/casefile.md describes it on disk.
//
// It promises that every change is signed by a person whose role permits it; that corrections supersede and never
// overwrite; that what later versions wrote is kept and shown; and that verification names what does not fit.
// It refuses to copy evidence unasked, to interpret what packages above record, and to send anything anywhere: hand-overs are files.
package casefile

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/contrail-ir/contrail/keys"
	"github.com/contrail-ir/contrail/ledger"
	"github.com/contrail-ir/contrail/marking"
	"github.com/contrail-ir/contrail/member"
)

const (
	ledgerDir     = "ledger"
	evidenceDir   = "evidence"
	privateDir    = "private"
	sealsDir      = "seals"
	cacheFile     = "case.db"
	sealFile      = "seal.json"
	ledgerKeyFile = "private/ledger.key"
	pseudonymFile = "private/pseudonym.key"
)

// ErrSealed is the cause when a sealed case was to be changed.
var ErrSealed = errors.New("the case is sealed; reopen it first")

// Options say how a case is opened.
type Options struct {
	ReadOnly  bool             // never write, not even the cache
	LedgerKey string           // verifier key that the ledger must have; "" takes the one it states
	Wait      time.Duration    // how long to wait for another writer; 0 is 10 s, negative does not wait
	Now       func() time.Time // the clock; nil is time.Now
	// Mask takes out of the JSON of an entry, before it is written for good, what must not stand there. May be nil.
	Mask func(json []byte) []byte
}

// NewOptions say what a new case is.
type NewOptions struct {
	Name         string // of the case; the last element of the folder when ""
	Organisation string // whose case it is
	Lead         *keys.Private
	Marking      marking.Marking
	Why          string
	Options      Options
}

// Case is an open case. It is safe for concurrent use, and several processes may work on one folder.
type Case struct {
	dir  string
	opts Options
	led  *ledger.Ledger

	mu       sync.Mutex
	state    *state           // guarded by mu
	problems []ledger.Problem // guarded by mu; entries that were refused while folding
	cache    *cache           // guarded by mu; nil until needed
}

// New makes a case in the folder dir, which must not exist.
func New(ctx context.Context, dir string, opts NewOptions) (*Case, error) {
	c, err := create(ctx, dir, opts)
	if err != nil {
		return nil, fmt.Errorf("casefile: new case %s: %w", dir, err)
	}
	return c, nil
}

func create(ctx context.Context, dir string, opts NewOptions) (*Case, error) {
	if opts.Lead == nil {
		return nil, errors.New("a case needs the key of a lead")
	}
	if opts.Name == "" {
		opts.Name = filepath.Base(dir)
	}
	if opts.Why == "" {
		opts.Why = "the case is opened"
	}
	if _, err := os.Lstat(dir); err == nil {
		return nil, fs.ErrExist
	}
	// Built beside its place and renamed, so that a crash leaves no half case under the name.
	tmp, err := os.MkdirTemp(filepath.Dir(dir), "."+filepath.Base(dir)+".new-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(tmp)
	if err := fill(ctx, tmp, opts); err != nil {
		return nil, err
	}
	if err := os.Rename(tmp, dir); err != nil {
		return nil, err
	}
	return Open(ctx, dir, opts.Options)
}

func fill(ctx context.Context, dir string, opts NewOptions) error {
	for _, sub := range []string{evidenceDir, privateDir} {
		if err := os.Mkdir(filepath.Join(dir, sub), 0o700); err != nil {
			return err
		}
	}
	secret, id := make([]byte, member.SecretSize), make([]byte, 8)
	rand.Read(secret)
	rand.Read(id)
	secretText := []byte(hex.EncodeToString(secret) + "\n")
	if err := os.WriteFile(filepath.Join(dir, pseudonymFile), secretText, 0o600); err != nil {
		return err
	}
	ledgerKey, err := keys.Generate("contrail-case-" + hex.EncodeToString(id))
	if err != nil {
		return err
	}
	if err := ledgerKey.Save(filepath.Join(dir, ledgerKeyFile)); err != nil {
		return err
	}
	signer, err := ledgerKey.NoteSigner()
	if err != nil {
		return err
	}
	led, err := ledger.Create(filepath.Join(dir, ledgerDir), ledgerKey.VerifierKey(), ledger.Options{Head: signer, Now: opts.Options.Now})
	if err != nil {
		return err
	}
	d := Draft{
		Kind: CaseOpened, Why: opts.Why, About: []string{opts.Name}, Marking: opts.Marking,
		Summary: fmt.Sprintf("case %q opened by %s", opts.Name, opts.Lead.Name),
		Detail: Opened{
			ID: hex.EncodeToString(id), Name: opts.Name, Organisation: opts.Organisation, LedgerKey: led.Key(),
			Pseudonyms: ledger.DigestOf(secretText), Marking: opts.Marking, Lead: GrantTo(opts.Lead.Public, opts.Organisation, Lead),
		},
	}
	ld, err := d.encode()
	if err != nil {
		return err
	}
	_, err = led.Append(ctx, opts.Lead.Signer(), ld)
	return err
}

// Open opens a case and reads its ledger. Entries that no role permitted are refused and listed by Problems; they have no effect. Without the
// private ledger key, as in a copy from an archive, the case opens for reading only.
func Open(ctx context.Context, dir string, opts Options) (*Case, error) {
	c := &Case{dir: dir, opts: opts, state: newState()}
	if err := c.open(ctx); err != nil {
		return nil, fmt.Errorf("casefile: open %s: %w", dir, err)
	}
	return c, nil
}

func (c *Case) open(ctx context.Context) error {
	lo := ledger.Options{Wait: c.opts.Wait, Now: c.opts.Now}
	if !c.opts.ReadOnly {
		signer, err := c.ledgerSigner()
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		lo.Head = signer
	}
	if _, err := os.Stat(filepath.Join(c.dir, ledgerDir)); errors.Is(err, fs.ErrNotExist) {
		return errors.New("no case is there: name the folder that contrail case new made")
	}
	led, err := ledger.Open(filepath.Join(c.dir, ledgerDir), lo)
	if err != nil {
		return err
	}
	if c.opts.LedgerKey != "" && led.Key() != c.opts.LedgerKey {
		return fmt.Errorf("the ledger's key is %s, not %s", led.Key(), c.opts.LedgerKey)
	}
	c.led = led
	h, err := led.Head()
	if err != nil {
		return err
	}
	if h.Size == 0 {
		return errors.New("the ledger is empty")
	}
	if err := c.catchUp(ctx, h); err != nil {
		return err
	}
	if key := c.state.opened.LedgerKey; key != led.Key() {
		return fmt.Errorf("the case was opened with the ledger key %.90q, but the ledger has %q", key, led.Key())
	}
	return nil
}

func (c *Case) ledgerSigner() (note.Signer, error) {
	k, err := keys.Load(filepath.Join(c.dir, ledgerKeyFile))
	if err != nil {
		return nil, err
	}
	return k.NoteSigner()
}

// Close gives back what the case holds open.
func (c *Case) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cache == nil {
		return nil
	}
	err := c.cache.close()
	c.cache = nil
	return err
}

// catchUp folds the entries that are new since the last look. The caller holds mu, or has the only reference.
func (c *Case) catchUp(ctx context.Context, h ledger.Head) error {
	if h.Size < c.state.size {
		return fmt.Errorf("the ledger shrank from %d to %d entries while the case was open", c.state.size, h.Size)
	}
	for raw, err := range c.led.Entries(ctx, c.state.size, h.Size) {
		if err != nil {
			return err
		}
		// What decides who may do what is believed only when it is signed; the rest is checked by Verify.
		if k := Kind(raw.Kind); k == CaseOpened || k == RoleGranted || k == RoleRevoked {
			if err := raw.VerifySignature(); err != nil {
				return err
			}
		}
		if _, err := c.state.apply(&raw); err != nil {
			if raw.Seq == 0 {
				return err
			}
			c.problems = append(c.problems, ledger.Problem{Entry: int64(raw.Seq), What: err.Error()})
		}
	}
	return nil
}

// Record enters drafts as one: all or none. by signs them; the role that by's key has decides. It waits for other writers as Options say.
// When it returns without an error the entries are durable. Errors wrap ledger.ErrReadOnly, ledger.ErrLocked, ErrSealed.
func (c *Case) Record(ctx context.Context, by *keys.Private, drafts ...Draft) ([]Entry, error) {
	entries, err := c.record(ctx, by, nil, drafts...)
	if err != nil {
		return nil, fmt.Errorf("casefile: record in %s: %w", c.dir, err)
	}
	return entries, nil
}

// record is Record with something to be done after the checks and before the entries are written, under the lock.
func (c *Case) record(ctx context.Context, by *keys.Private, before func() error, drafts ...Draft) ([]Entry, error) {
	if by == nil {
		return nil, errors.New("nobody signs")
	}
	encoded := make([]ledger.Draft, len(drafts))
	for i := range drafts {
		d, err := drafts[i].encode()
		if err != nil {
			return nil, err
		}
		if c.opts.Mask != nil {
			if d, err = masked(d, c.opts.Mask); err != nil {
				return nil, err
			}
		}
		encoded[i] = d
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	var entries []Entry
	err := c.led.Update(ctx, func(w *ledger.Writer) error {
		if err := c.catchUp(ctx, w.Head()); err != nil {
			return err
		}
		if err := c.tryOut(by, drafts, encoded); err != nil {
			return err
		}
		if before != nil {
			if err := before(); err != nil {
				return err
			}
		}
		raws, err := w.Append(by.Signer(), encoded...)
		if err != nil {
			return err
		}
		for i := range raws {
			e, err := c.state.apply(&raws[i])
			if err != nil {
				return err
			}
			entries = append(entries, e)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	c.cacheEntries(ctx, entries)
	return entries, nil
}

// tryOut applies the drafts to a copy of the state, so that nothing is written that would be refused when read.
func (c *Case) tryOut(by *keys.Private, drafts []Draft, encoded []ledger.Draft) error {
	trial := c.state.clone()
	for i, d := range encoded {
		if trial.sealed && drafts[i].Kind != CaseReopened {
			return ErrSealed
		}
		e := ledger.Entry{Seq: trial.size, Author: by.Key, Kind: d.Kind, Version: d.Version, Why: d.Why, Data: d.Data}
		if _, err := trial.apply(&e); err != nil {
			return err
		}
	}
	if _, err := os.Lstat(filepath.Join(c.dir, sealFile)); err == nil && !(len(drafts) == 1 && drafts[0].Kind == CaseReopened) {
		return ErrSealed
	}
	return nil
}

// Grant gives a person a role, instead of the one the key had.
func (c *Case) Grant(ctx context.Context, by *keys.Private, p keys.Public, organisation string, role Role, mark marking.Marking, why string) (Entry, error) {
	return c.one(ctx, by, Draft{
		Kind: RoleGranted, Why: why, About: []string{p.Name}, Marking: mark, Summary: fmt.Sprintf("%s becomes %s", p.Name, role), Detail: GrantTo(p, organisation, role),
	})
}

// Revoke takes the role from a key.
func (c *Case) Revoke(ctx context.Context, by *keys.Private, p keys.Public, mark marking.Marking, why string) (Entry, error) {
	return c.one(ctx, by, Draft{
		Kind: RoleRevoked, Why: why, About: []string{p.Name}, Marking: mark, Summary: p.Name + " loses the role", Detail: Revocation{Key: p.ID()},
	})
}

func (c *Case) one(ctx context.Context, by *keys.Private, d Draft) (Entry, error) {
	es, err := c.Record(ctx, by, d)
	if err != nil {
		return Entry{}, err
	}
	return es[0], nil
}

// Dir is the case's folder.
func (c *Case) Dir() string { return c.dir }

// Info gives what the case was opened as.
func (c *Case) Info() Opened {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state.opened
}

// Sealed says whether the case is sealed.
func (c *Case) Sealed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state.sealed
}

// People lists everybody who has or had a role, by name.
func (c *Case) People() []Person {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state.list()
}

// Person gives the person of a key, as base64.
func (c *Case) Person(key string) (Person, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p, ok := c.state.people[key]
	return p, ok
}

// Members lists the organisations of the case with their consents, by id.
func (c *Case) Members() []member.Member {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []member.Member
	for _, m := range c.state.members {
		m.Consents = slices.Clone(m.Consents)
		out = append(out, m)
	}
	slices.SortFunc(out, func(a, b member.Member) int { return strings.Compare(string(a.ID), string(b.ID)) })
	return out
}

// Member gives one organisation of the case.
func (c *Case) Member(id member.ID) (member.Member, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	m, ok := c.state.members[id]
	m.Consents = slices.Clone(m.Consents)
	return m, ok
}

// Problems lists the entries that were refused when the case was read. Verify says more.
func (c *Case) Problems() []ledger.Problem {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.problems)
}

// Head is the ledger's acknowledged head; its Note is what is saved elsewhere for VerifyOptions.Saved.
func (c *Case) Head() (ledger.Head, error) { return c.led.Head() }

// LedgerKey is the one public key with which heads and proofs of this case verify.
func (c *Case) LedgerKey() string { return c.led.Key() }

// Prove gives a proof that an entry is in the case, for ledger.VerifyInclusion.
func (c *Case) Prove(ctx context.Context, seq uint64) ([]byte, error) {
	e, err := c.led.Entry(ctx, seq)
	if err != nil {
		return nil, err
	}
	return c.led.ProveInclusion(&e)
}

// ProveGrowth gives a proof that the case extends an earlier head, for ledger.VerifyConsistency.
func (c *Case) ProveGrowth(saved []byte) ([]byte, error) {
	h, err := ledger.ParseHead(saved, c.led.Key())
	if err != nil {
		return nil, err
	}
	return c.led.ProveConsistency(h)
}

// Pseudonyms gives the case's pseudonyms. They need the private pseudonym key.
func (c *Case) Pseudonyms() (*member.Pseudonyms, error) {
	f, err := os.Open(filepath.Join(c.dir, pseudonymFile))
	if err != nil {
		return nil, fmt.Errorf("casefile: pseudonyms of %s: %w", c.dir, err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, 1<<10))
	if err != nil {
		return nil, fmt.Errorf("casefile: pseudonyms of %s: %w", c.dir, err)
	}
	if got := ledger.DigestOf(text); got != c.Info().Pseudonyms {
		return nil, fmt.Errorf("casefile: pseudonyms of %s: %s is not the key that the case was opened with", c.dir, pseudonymFile)
	}
	secret, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil {
		return nil, fmt.Errorf("casefile: pseudonyms of %s: %w", c.dir, err)
	}
	return member.NewPseudonyms(secret)
}
