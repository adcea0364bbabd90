package hunt

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/contrail-ir/contrail/fingerprint"
	"github.com/contrail-ir/contrail/kinship"
	"github.com/contrail-ir/contrail/report"
)

// Plan says who decides what becomes an item, and who signs.
type Plan struct {
	Policy *Policy
	// Ask asks a person who is there; nil means that nobody is, and what the policy does not decide waits.
	Ask func(Proposal) (Answer, error)
	By  string // the person who answers
	// Seal signs versions; nil leaves them unsigned, and everything is a DRAFT.
	Seal *Seal
	// SignedBy says who signed Options.Fingerprint, nil when it is a draft.
	SignedBy []string
}

// Seal is what signing a version takes.
type Seal struct {
	Signers   []crypto.Signer
	Trusted   []ed25519.PublicKey
	Names     []string // of the trusted keys
	Threshold int
	Valid     time.Duration
	Now       func() time.Time
}

// Proposal is an item that is put forward.
type Proposal struct {
	Item   fingerprint.Item
	Lesson Lesson
	Number int // from 1
	Of     int
}

// Answer is what a person says to a proposal.
type Answer int

// The answers.
const (
	Later  Answer = iota // it waits
	Accept               // it becomes an item
	Refuse               // it does not, in this hunt
)

// Run begins a hunt, or goes on with the one in the folder, until a wave teaches nothing new, or somebody must decide. The state says which.
//
// Evidence: the first victim's is read twice before the first wave, once to trace it and once to count the draft in its past; each wave reads every
// organisation once, and those that teach something new once more, to count it in their own past.
func Run(ctx context.Context, o Options, p Plan) (*State, error) {
	s, err := ReadState(o.Out)
	if err != nil {
		return nil, err
	}
	if s != nil && o.First == "" && o.Fingerprint == nil { // what it began with is in the folder
		o.First = s.First
		if o.First == "" {
			begun := s.Version
			if len(s.Waves) > 0 {
				begun = s.Waves[0].Version
			}
			if o.Fingerprint, err = readFingerprint(filepath.Join(o.Out, versionFile(begun))); err != nil {
				return nil, fmt.Errorf("hunt: go on: %w", err)
			}
		}
	}
	if err := o.check(); err != nil {
		return nil, err
	}
	h := &hunter{Options: o, plan: p, state: s}
	if s == nil {
		if err := os.MkdirAll(o.Out, 0o755); err != nil {
			return nil, fmt.Errorf("hunt: make output folder: %w", err)
		}
		h.state = &State{Name: o.Name, First: o.First, Orgs: o.orgs(), Status: Running, Draft: p.Seal == nil, Waves: []WaveView{}, Lessons: []Lesson{}, Demoted: map[string]fingerprint.Tier{}}
		if err := h.begin(ctx); err != nil {
			return h.state, err
		}
	} else if err := h.fits(); err != nil {
		return s, err
	}
	err = h.goOn(ctx)
	return h.state, errors.Join(err, h.state.writePage(o.Out))
}

type hunter struct {
	Options
	plan  Plan
	state *State
}

// fits says whether a hunt can go on with these options.
func (h *hunter) fits() error {
	s := h.state
	switch {
	case s.First != h.First || !slices.Equal(s.Orgs, h.orgs()):
		return fmt.Errorf("hunt: %s holds another hunt, of %q from %q: name another folder", h.Out, s.Orgs, s.First)
	case s.Draft != (h.plan.Seal == nil):
		return fmt.Errorf("hunt: the hunt in %s was begun %s keys: go on so, or name another folder", h.Out, map[bool]string{true: "without", false: "with"}[s.Draft])
	}
	return nil
}

func (h *hunter) at(name string) string { return filepath.Join(h.Out, name) }

func versionFile(n int) string { return fmt.Sprintf("version-%d.json", n) }

func signedFile(n int) string { return fmt.Sprintf("version-%d.signed.json", n) }

// becomes notes where the hunt stands.
func (h *hunter) becomes(status Status, why string) error {
	h.state.Status, h.state.Why = status, why
	return h.state.save(h.Out)
}

// begin makes the first version.
func (h *hunter) begin(ctx context.Context) error {
	s := h.state
	if h.Fingerprint != nil {
		s.Name, s.Version, s.File, s.Settled = h.Fingerprint.Name, h.Fingerprint.Version, versionFile(h.Fingerprint.Version), true
		if h.plan.Seal != nil && h.plan.SignedBy == nil {
			return errors.New("hunt: an unsigned fingerprint cannot begin a hunt whose versions are signed: sign it first")
		}
		if err := report.WriteFile(h.at(s.File), h.Fingerprint.Write); err != nil {
			return err
		}
		return h.becomes(Running, "")
	}
	draft, first, err := h.drafted(ctx, h.at("first"))
	if errors.Is(err, ErrNoIntrusion) {
		return h.becomes(NoneToHunt, first.Why)
	}
	if err != nil {
		return err
	}
	s.Name, s.Version, s.File = draft.Name, 1, versionFile(1)
	for i := range draft.Items {
		it := &draft.Items[i]
		l := Lesson{Rule: it.Rule, Orgs: []string{h.First}, Tied: true}
		for _, r := range it.Refs {
			l.Refs = append(l.Refs, refOf(r))
		}
		h.propose(it, l)
	}
	draft.Items = slices.DeleteFunc(draft.Items, func(it fingerprint.Item) bool { return h.state.lesson(it.Rule).Decision == LeftOut })
	if err := report.WriteFile(h.at(s.File), draft.Write); err != nil {
		return err
	}
	return h.becomes(Running, "")
}

// propose notes an item that is put forward. What says nothing is left out at once.
func (h *hunter) propose(it *fingerprint.Item, l Lesson) {
	l.Kind, l.Value, l.Tier, l.Decibans, l.Decision = it.Kind, it.Value, it.Tier, it.Specificity.Decibans, Waiting
	l.Refs = orEmpty(l.Refs)
	if !worthAsking(it) {
		l.Decision, l.By = LeftOut, "what is never alone tells nothing"
	}
	h.state.Lessons = append(h.state.Lessons, l)
}

// goOn settles versions and asks them, one after the other.
func (h *hunter) goOn(ctx context.Context) error {
	most := DefaultWaves
	if h.plan.Policy != nil && h.plan.Policy.Waves > 0 {
		most = h.plan.Policy.Waves
	}
	for {
		s := h.state
		switch s.Status {
		case Quiet, NoneToHunt:
			return nil
		}
		if !s.Settled {
			ready, err := h.settle()
			if err != nil || !ready {
				return err
			}
		}
		if len(s.Waves) >= most {
			return h.becomes(WaveLimit, fmt.Sprintf("version %d is ready to be asked, and the policy allows %d waves", s.Version, most))
		}
		asked, by, err := h.open()
		if err != nil {
			return err
		}
		if err := h.becomes(Running, ""); err != nil {
			return err
		}
		if err := h.runWave(ctx, asked, by); err != nil {
			return err
		}
	}
}

// settle decides what of the version in the file becomes an item. It says whether the version can be asked.
func (h *hunter) settle() (ready bool, err error) {
	s := h.state
	f, err := readFingerprint(h.at(s.File))
	if err != nil {
		return false, fmt.Errorf("hunt: %w", err)
	}
	if err := h.decide(f); err != nil {
		return false, err
	}
	if err := report.WriteFile(h.at(s.File), f.Write); err != nil {
		return false, err
	}
	if waiting := len(s.WaitingItems()); waiting > 0 {
		return false, h.becomes(Approving, fmt.Sprintf("%d items of version %d wait for a person", waiting, s.Version))
	}
	added := 0
	for i := range s.Lessons {
		if l := &s.Lessons[i]; l.Decision == Approved && l.Version == s.Version {
			added++
		}
	}
	if added == 0 {
		if len(s.Waves) == 0 {
			return false, h.becomes(NoneToAsk, fmt.Sprintf("no item of version %d was let in", s.Version))
		}
		return false, h.becomes(Quiet, "nothing that the last wave taught was let in")
	}
	if h.plan.Seal != nil {
		if ready, err := h.sign(f); err != nil || !ready {
			return false, err
		}
	}
	s.Settled = true
	return true, s.save(h.Out)
}

// decide goes through what waits: what a person did to the file, then the policy, then a person who is there.
func (h *hunter) decide(f *fingerprint.Fingerprint) error {
	s := h.state
	at := map[string]int{}
	for i := range f.Items {
		at[f.Items[i].Rule] = i
	}
	waiting := len(s.WaitingItems())
	gone := map[string]bool{}
	number := 0
	for i := range s.Lessons {
		l := &s.Lessons[i]
		if l.Decision != Waiting {
			continue
		}
		number++
		k, there := at[l.Rule]
		if !there {
			l.Decision = Rejected
			continue
		}
		it := &f.Items[k]
		l.Tier, l.Decibans = it.Tier, it.Specificity.Decibans
		by := it.ApprovedBy
		if by == "" && h.plan.Policy.approves(it, l) {
			by = h.plan.Policy.By
		}
		answer := Later
		if by == "" {
			switch {
			case h.plan.Policy != nil && h.plan.Policy.Leave:
				l.Decision, l.By = LeftOut, h.plan.Policy.By
				gone[l.Rule] = true
				continue
			case h.plan.Ask != nil:
				var err error
				if answer, err = h.plan.Ask(Proposal{*it, *l, number, waiting}); err != nil {
					return errors.Join(err, s.save(h.Out), report.WriteFile(h.at(s.File), f.Write))
				}
			}
			switch answer {
			case Accept:
				by = h.plan.By
			case Refuse:
				l.Decision, l.By = Rejected, h.plan.By
				gone[l.Rule] = true
				continue
			}
		}
		if by != "" {
			if err := f.Approve(by, k); err != nil {
				return err
			}
			l.Decision, l.By, l.Version = Approved, by, s.Version
		}
	}
	// What was never put forward – a person added it by hand – counts when it is approved in the file.
	f.Items = slices.DeleteFunc(f.Items, func(it fingerprint.Item) bool { return gone[it.Rule] })
	return nil
}

// sign makes the package of a version, or takes the one that people have signed meanwhile. It says whether enough have.
func (h *hunter) sign(f *fingerprint.Fingerprint) (ready bool, err error) {
	seal, path := h.plan.Seal, h.at(signedFile(h.state.Version))
	now := seal.Now()
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		out, err := f.Release(h.Victim, now, now.Add(seal.Valid), true)
		if err != nil {
			return false, err
		}
		if b, err = fingerprint.Sign(out, seal.Signers...); err != nil {
			return false, err
		}
		if err := report.WriteFile(path, func(w io.Writer) error { _, err := w.Write(append(b, '\n')); return err }); err != nil {
			return false, err
		}
	} else if err != nil {
		return false, fmt.Errorf("hunt: %w", err)
	}
	signed, _, err := fingerprint.Open(b, seal.Threshold, now, seal.Trusted...)
	if errors.Is(err, fingerprint.ErrSignature) {
		return false, h.becomes(Signing, fmt.Sprintf("version %d is not trusted yet: %v", h.state.Version, err))
	}
	if err != nil {
		return false, fmt.Errorf("hunt: %s: %w", path, err)
	}
	return true, sameItems(signed, f)
}

// sameItems refuses a package that is not of the version that was settled: somebody put another in its place.
func sameItems(signed, settled *fingerprint.Fingerprint) error {
	approved := map[string]bool{}
	for _, it := range settled.Items {
		if it.ApprovedBy != "" {
			approved[it.Rule] = true
		}
	}
	for _, it := range signed.Items {
		if !approved[it.Rule] {
			return fmt.Errorf("hunt: the signed version holds %s %.80q, which was not approved in this hunt: refused", it.Kind, it.Value)
		}
	}
	if signed.Version != settled.Version {
		return fmt.Errorf("hunt: the signed package is version %d and not %d: refused", signed.Version, settled.Version)
	}
	return nil
}

// open gives the version that is to be asked. With keys only what is signed is asked.
func (h *hunter) open() (f *fingerprint.Fingerprint, by []string, err error) {
	s := h.state
	if f, err = readFingerprint(h.at(s.File)); err != nil {
		return nil, nil, fmt.Errorf("hunt: %w", err)
	}
	if h.Fingerprint != nil && len(s.Waves) == 0 {
		return f, orEmpty(h.plan.SignedBy), nil // it was opened by whoever gave it
	}
	if h.plan.Seal == nil {
		f.Items = slices.DeleteFunc(f.Items, func(it fingerprint.Item) bool { return it.ApprovedBy == "" })
		return f, []string{}, nil
	}
	b, err := os.ReadFile(h.at(signedFile(s.Version)))
	if err != nil {
		return nil, nil, fmt.Errorf("hunt: %w", err)
	}
	signed, who, err := fingerprint.Open(b, h.plan.Seal.Threshold, h.plan.Seal.Now(), h.plan.Seal.Trusted...)
	if err == nil {
		err = sameItems(signed, f)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("hunt: %s: %w", signedFile(s.Version), err)
	}
	for _, i := range who {
		by = append(by, h.plan.Seal.Names[i])
	}
	return signed, by, nil
}

// runWave asks a version, and puts forward what the organisations with the same intrusion teach.
func (h *hunter) runWave(ctx context.Context, asked *fingerprint.Fingerprint, by []string) error {
	s := h.state
	n := len(s.Waves) + 1
	folder := fmt.Sprintf("wave-%d", n)
	h.capped = s.Demoted
	w, err := h.wave(ctx, n, asked, len(by) == 0, h.at(folder))
	if err != nil {
		return err
	}
	view := WaveView{Wave: n, Version: asked.Version, Items: len(asked.Items), Folder: folder, SignedBy: orEmpty(by), Orgs: []OrgView{}, Demoted: orEmpty(w.demoted), Complete: w.cert.Complete()}
	for _, d := range w.demoted {
		s.Demoted[ruleOf(asked, d)] = d.To
	}
	for i := range w.kinship.Orgs {
		view.Orgs = append(view.Orgs, orgView(&w.kinship.Orgs[i], w.since))
	}
	next := nextVersion(asked, w.rated)
	lessons, err := h.learn(ctx, n, w, next)
	if err != nil {
		return err
	}
	for _, l := range lessons {
		h.propose(&l.item, l.lesson)
		if s.lesson(l.item.Rule).Decision == Waiting {
			view.Taught++
			if err := next.Add(l.item); err != nil {
				return err
			}
		}
	}
	s.Waves = append(s.Waves, view)
	if view.Taught == 0 {
		return h.becomes(Quiet, fmt.Sprintf("wave %d taught nothing new", n))
	}
	s.Version, s.File, s.Settled = next.Version, versionFile(next.Version), false
	if err := report.WriteFile(h.at(s.File), next.Write); err != nil {
		return err
	}
	return h.becomes(Running, "")
}

func orgView(k *kinship.Org, since map[string]string) OrgView {
	return OrgView{Org: k.Org, Verdict: k.Verdict, Why: k.Why, Decibans: k.Decibans, Posterior: k.Posterior, Band: k.Band, OtherIntrusion: k.OtherIntrusion, First: since[k.Org]}
}

func ruleOf(f *fingerprint.Fingerprint, d Demotion) string {
	for _, it := range f.Items {
		if it.Kind == d.Kind && it.Value == d.Value {
			return it.Rule
		}
	}
	return ""
}

// nextVersion is the asked version with what a wave demoted. Tiers that would rise stay as they were approved; validity is the next
// release's to say.
func nextVersion(asked, rated *fingerprint.Fingerprint) *fingerprint.Fingerprint {
	next := clone(asked)
	next.Version++
	next.NotBefore, next.Expires = "", ""
	better := map[string]*fingerprint.Item{}
	for i := range rated.Items {
		better[rated.Items[i].Rule] = &rated.Items[i]
	}
	for i := range next.Items {
		it := &next.Items[i]
		if r := better[it.Rule]; r != nil && worse(r.Tier, it.Tier) {
			by := it.ApprovedBy
			*it = *r
			it.ApprovedBy = by // who let the item in with more weight lets it in with less
		}
	}
	return next
}

func orEmpty[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

func readFingerprint(path string) (*fingerprint.Fingerprint, error) {
	in, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	f, err := fingerprint.Read(in)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return f, nil
}
