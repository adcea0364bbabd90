package casefile

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/contrail-ir/contrail/keys"
	"github.com/contrail-ir/contrail/ledger"
	"github.com/contrail-ir/contrail/member"
)

// VerifyOptions say against what a case is verified.
type VerifyOptions struct {
	LedgerKey string // verifier key that the ledger must have; "" takes the one it states
	Saved     []byte // a head saved earlier; nil for none
	Evidence  bool   // also hash referenced evidence where it is said to be kept
}

// Report is the result of a verification.
type Report struct {
	Head     ledger.Head
	Entries  uint64 // that fit, counted from the first
	Sealed   bool
	Problems []ledger.Problem // files relative to the case; none: everything fits
	Notes    []string         // harmless, but worth knowing
}

// OK says that everything fits.
func (r *Report) OK() bool { return len(r.Problems) == 0 }

// Err gives the problems as one error, nil when there are none.
func (r *Report) Err() error {
	if r.OK() {
		return nil
	}
	more := ""
	if n := len(r.Problems) - 1; n > 0 {
		more = fmt.Sprintf(" (and %d more)", n)
	}
	return fmt.Errorf("casefile: verify: %s%s", r.Problems[0], more)
}

type verification struct {
	dir     string
	opts    VerifyOptions
	r       *Report
	state   *state
	sealer  string // key that entered the last case.sealed
	copies  []Evidence
	refs    []Evidence
	damaged map[string]bool // files that are known to differ from the seal

	ledgerOK bool
}

func (v *verification) problem(entry int64, file, format string, args ...any) {
	v.r.Problems = append(v.r.Problems, ledger.Problem{Entry: entry, File: file, What: fmt.Sprintf(format, args...)})
}

func (v *verification) note(format string, args ...any) {
	v.r.Notes = append(v.r.Notes, fmt.Sprintf(format, args...))
}

// Verify recomputes a case from its ledger and compares everything with it: signatures, roles, tree, head, saved head, copies of evidence,
// private keys, seal and cache. The first problem of the ledger names the first wrong entry. It writes nothing into the case. The error is
// for what kept it from verifying at all.
func Verify(ctx context.Context, dir string, opts VerifyOptions) (*Report, error) {
	v := &verification{dir: dir, opts: opts, r: &Report{}, state: newState(), damaged: map[string]bool{}}
	if err := v.run(ctx); err != nil {
		return v.r, fmt.Errorf("casefile: verify %s: %w", dir, err)
	}
	return v.r, nil
}

func (v *verification) run(ctx context.Context) error {
	if info, err := os.Stat(v.dir); err != nil {
		return err
	} else if !info.IsDir() {
		return errors.New("it is no folder")
	}
	lr, err := ledger.Verify(ctx, filepath.Join(v.dir, ledgerDir), ledger.VerifyOptions{Key: v.opts.LedgerKey, Saved: v.opts.Saved, Visit: v.visit})
	if err != nil {
		return err
	}
	v.r.Head, v.r.Entries = lr.Head, lr.Entries
	for _, p := range lr.Problems {
		if p.File != "" {
			p.File = ledgerDir + "/" + p.File
		}
		v.r.Problems = append(v.r.Problems, p)
	}
	v.r.Notes = append(v.r.Notes, lr.Notes...)
	if lr.OK() && lr.Entries == 0 {
		v.problem(-1, ledgerDir, "the ledger is empty")
	}
	if v.opts.LedgerKey == "" {
		v.note("the ledger's key was taken from the case itself; compare it with the one you were told")
	}
	v.ledgerOK = v.r.OK()
	if err := v.checkSeal(ctx); err != nil {
		return err
	}
	if err := v.checkCopies(ctx); err != nil {
		return err
	}
	v.checkPrivate()
	if !v.r.OK() {
		return nil // the cache has nothing left to be compared with
	}
	return v.checkCache(ctx)
}

func (v *verification) visit(raw *ledger.Entry) error {
	e, err := v.state.apply(raw)
	if err != nil {
		return err
	}
	switch {
	case e.Seq == 0 && v.opts.LedgerKey != "" && v.state.opened.LedgerKey != v.opts.LedgerKey:
		return errors.New("the case was opened with another ledger key")
	case e.Kind == CaseSealed:
		v.sealer = e.Author
	case e.Kind == EvidenceReceived && e.Known():
		var ev Evidence
		if err := e.Decode(&ev); err != nil {
			return err
		}
		if ev.Copy != "" {
			v.copies = append(v.copies, ev)
		} else {
			v.refs = append(v.refs, ev)
		}
	case strings.HasSuffix(string(e.Kind), ".imported") && e.Known():
		var im Import
		if err := e.Decode(&im); err != nil {
			return err
		}
		for _, f := range im.Files {
			if f.Copy != "" {
				v.copies = append(v.copies, Evidence{Name: f.Name, Digest: f.Digest, Copy: copyPath(f.Digest)})
			}
		}
	case e.Kind == HandoverReceived && e.Known():
		var d HandoverDetail
		if err := e.Decode(&d); err != nil {
			return err
		}
		for _, f := range d.Files {
			v.copies = append(v.copies, Evidence{Name: f.Name, Digest: f.Digest, Copy: copyPath(f.Digest)})
		}
	}
	return nil
}

func (v *verification) checkCopies(ctx context.Context) error {
	known := map[string]bool{}
	for _, ev := range v.copies {
		if known[ev.Copy] {
			continue
		}
		known[ev.Copy] = true
		d, _, err := digestFile(ctx, filepath.Join(v.dir, filepath.FromSlash(ev.Copy)))
		switch {
		case ctx.Err() != nil:
			return err
		case v.damaged[ev.Copy]: // said already
		case err != nil:
			v.problem(-1, ev.Copy, "the copy of evidence %q cannot be read: %v", ev.Name, err)
		case d != ev.Digest:
			v.problem(-1, ev.Copy, "the copy of evidence %q is not what was received", ev.Name)
		}
	}
	if !v.opts.Evidence {
		return nil
	}
	for _, ev := range v.refs {
		d, err := v.rehash(ctx, ev)
		switch {
		case ctx.Err() != nil:
			return err
		case errors.Is(err, fs.ErrNotExist):
			v.note("evidence %q is not at %s; it could not be hashed again", ev.Name, ev.Place)
		case err != nil:
			v.problem(-1, ev.Place, "evidence %q: %v", ev.Name, err)
		case d != ev.Digest:
			v.problem(-1, ev.Place, "evidence %q is not what was received", ev.Name)
		}
	}
	return nil
}

func (v *verification) rehash(ctx context.Context, ev Evidence) (ledger.Digest, error) {
	path := filepath.FromSlash(ev.Place)
	if ev.Folder {
		d, _, _, err := FolderDigest(ctx, path)
		return d, err
	}
	d, _, err := digestFile(ctx, path)
	return d, err
}

func (v *verification) checkPrivate() {
	if len(v.state.people) == 0 {
		return // the ledger says nothing that could be compared
	}
	b, err := readLimited(filepath.Join(v.dir, pseudonymFile), 1<<10)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		v.note("%s is not in this copy: no pseudonyms can be given", pseudonymFile)
	case err != nil:
		v.problem(-1, pseudonymFile, "%v", err)
	case ledger.DigestOf(b) != v.state.opened.Pseudonyms && !v.damaged[pseudonymFile]:
		v.problem(-1, pseudonymFile, "it is not the key with which the case was opened")
	}
	b, err = readLimited(filepath.Join(v.dir, ledgerKeyFile), 16<<10)
	if errors.Is(err, fs.ErrNotExist) {
		v.note("%s is not in this copy: it can be read but not continued", ledgerKeyFile)
		return
	}
	if v.damaged[ledgerKeyFile] {
		return
	}
	if err == nil {
		var k *keys.Private
		if k, err = keys.ParsePrivate(b); err == nil && k.VerifierKey() != v.state.opened.LedgerKey {
			err = errors.New("it is not the key of this ledger")
		}
	}
	if err != nil {
		v.problem(-1, ledgerKeyFile, "%v", err)
	}
}

// checkCache compares case.db, row by row, with one made afresh.
func (v *verification) checkCache(ctx context.Context) error {
	path := filepath.Join(v.dir, cacheFile)
	info, err := os.Lstat(path)
	if err != nil {
		v.note("%s is missing; the next query rebuilds it", cacheFile)
		return nil
	}
	if info.Size() == 0 { // the disk was full before anything could be written; nobody reads anything from it
		v.note("%s is empty; the next query rebuilds it", cacheFile)
		return nil
	}
	if unfinished(path) {
		v.note("%s was being written or its writer was interrupted; the next query puts it right", cacheFile)
		return nil
	}
	got, err := openDB(ctx, path, "ro")
	if err != nil {
		v.problem(-1, cacheFile, "it cannot be read (%v); delete it and it is rebuilt", err)
		return nil
	}
	defer got.close()
	led, err := ledger.Open(filepath.Join(v.dir, ledgerDir), ledger.Options{})
	if err != nil {
		return err
	}
	if n := got.reflects(ctx, led, v.r.Head); n > 0 && n < v.r.Head.Size {
		v.note("%s reflects %d of %d entries; the next query brings it up to date", cacheFile, n, v.r.Head.Size)
		return nil
	}
	want, err := openDB(ctx, "", "")
	if err != nil {
		return err
	}
	defer want.close()
	if err := want.follow(ctx, led, v.r.Head); err != nil {
		return err
	}
	diff, err := compareCaches(ctx, got, want)
	if diff != "" {
		v.problem(-1, cacheFile, "%s; delete it and it is rebuilt", diff)
	}
	return err
}

func decodeKey(s string) (ed25519.PublicKey, error) {
	k, err := member.ParseKey(s)
	return ed25519.PublicKey(k), err
}

// String is the report for people: one line per problem and note.
func (r *Report) String() string {
	var sb strings.Builder
	state := "open"
	if r.Sealed {
		state = "sealed"
	}
	fmt.Fprintf(&sb, "%d of %d entries fit; the case is %s\n", r.Entries, r.Head.Size, state)
	for _, p := range r.Problems {
		fmt.Fprintf(&sb, "WRONG  %s\n", printable(p.String()))
	}
	notes := slices.Clone(r.Notes)
	slices.Sort(notes)
	for _, n := range notes {
		fmt.Fprintf(&sb, "note   %s\n", printable(n))
	}
	return sb.String()
}
