package casefile

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/contrail-ir/contrail/dsse"
	"github.com/contrail-ir/contrail/keys"
	"github.com/contrail-ir/contrail/ledger"
)

const (
	sealType   = "application/vnd.contrail.seal+json"
	sealFormat = "contrail/seal/v1"
	maxSeal    = dsse.MaxEnvelope
)

// manifest is the payload of a seal.
type manifest struct {
	Format string         `json:"format"`
	Case   string         `json:"case"`
	Sealed time.Time      `json:"sealed"`
	Head   string         `json:"head"`
	Files  []manifestFile `json:"files"`
}

type manifestFile struct {
	Path   string        `json:"path"`
	Bytes  int64         `json:"bytes"`
	SHA256 ledger.Digest `json:"sha256"`
}

// casePath matches every file that a case consists of.
var casePath = regexp.MustCompile(`^(case\.db|seal\.json|seals/[0-9]+\.json|evidence/[0-9a-f]{64}|private/(ledger|pseudonym)\.key|` +
	`ledger/(key\.pub|head|entries/(x[0-9]{3}/){0,5}[0-9]{3}\.jsonl|tile/8/[0-7]/(x[0-9]{3}/){0,5}[0-9]{3}|torn/[0-9]+-[0-9a-f]{16}\.jsonl))$`)

const lockPath = "ledger/lock" // empty, and no part of what is sealed or archived

// caseFiles lists the files of a case, "/"-separated and sorted, without the lock. Everything that does not belong there is listed apart, with the reason.
func caseFiles(dir string) (files []string, strange []ledger.Problem, err error) {
	err = filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		switch {
		case e.IsDir():
		case !e.Type().IsRegular():
			strange = append(strange, ledger.Problem{Entry: -1, File: rel, What: "it is no regular file"})
		case rel == lockPath:
			if info, err := e.Info(); err == nil && info.Size() > 0 {
				strange = append(strange, ledger.Problem{Entry: -1, File: rel, What: "the lock must be empty"})
			}
		case !casePath.MatchString(rel):
			strange = append(strange, ledger.Problem{Entry: -1, File: rel, What: "it is no part of a case; receive it as evidence or move it away"})
		default:
			files = append(files, rel)
		}
		return nil
	})
	slices.Sort(files)
	return files, strange, err
}

// Seal closes the case: it enters case.sealed and writes a signed manifest over every file. A sealed case takes no entry until Reopen. Sealing a case
// whose sealing was interrupted completes it.
func (c *Case) Seal(ctx context.Context, by *keys.Private, why string) error {
	if err := c.seal(ctx, by, why); err != nil {
		return fmt.Errorf("casefile: seal %s: %w", c.dir, err)
	}
	return nil
}

func (c *Case) seal(ctx context.Context, by *keys.Private, why string) error {
	if _, err := os.Lstat(filepath.Join(c.dir, sealFile)); err == nil {
		return ErrSealed
	}
	// What an interrupted writer left behind, in the ledger and in the cache, is cleared away first.
	if err := c.led.Update(ctx, func(*ledger.Writer) error { return c.clearUnfinished() }); err != nil {
		return err
	}
	c.mu.Lock()
	_, err := c.current(ctx)
	c.mu.Unlock()
	if err != nil {
		return err
	}
	if _, strange, err := caseFiles(c.dir); err != nil {
		return err
	} else if len(strange) > 0 {
		return errors.New(strange[0].String())
	}
	if !c.Sealed() {
		if _, err := c.record(ctx, by, nil, Draft{Kind: CaseSealed, Why: why, Summary: "case sealed by " + by.Name}); err != nil {
			return err
		}
	}
	if err := c.Close(); err != nil { // the cache must be at rest before it is hashed
		return err
	}
	return c.led.Update(ctx, func(w *ledger.Writer) error {
		m := manifest{Format: sealFormat, Case: c.Info().ID, Sealed: c.now(), Head: string(w.Head().Note)}
		files, _, err := caseFiles(c.dir)
		if err != nil {
			return err
		}
		for _, f := range files {
			d, n, err := digestFile(ctx, filepath.Join(c.dir, filepath.FromSlash(f)))
			if err != nil {
				return err
			}
			m.Files = append(m.Files, manifestFile{f, n, d})
		}
		payload, err := ledger.MarshalCanonical(m)
		if err != nil {
			return err
		}
		env, err := dsse.Sign(sealType, payload, by.Signer())
		if err != nil {
			return err
		}
		b, err := env.Encode()
		if err != nil {
			return err
		}
		if len(b) > maxSeal {
			return fmt.Errorf("the manifest of %d files is too large", len(m.Files))
		}
		_, err = writeFile(filepath.Join(c.dir, sealFile), bytes.NewReader(b), int64(len(b)))
		return err
	})
}

// clearUnfinished removes the files that a writer who was killed did not finish; no entry knows them. The caller holds the ledger's lock,
// under which alone they are written.
func (c *Case) clearUnfinished() error {
	for _, sub := range []string{".", evidenceDir, sealsDir} {
		names, err := os.ReadDir(filepath.Join(c.dir, sub))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		for _, n := range names {
			if !strings.HasPrefix(n.Name(), ".tmp-") || !n.Type().IsRegular() {
				continue
			}
			if err := os.Remove(filepath.Join(c.dir, sub, n.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	return nil
}

func (c *Case) now() time.Time {
	if c.opts.Now != nil {
		return c.opts.Now().UTC().Round(0)
	}
	return time.Now().UTC().Round(0)
}

// Reopen breaks the seal on purpose: it enters case.reopened with the seal's digest and keeps the seal under seals/. Repeated after an
// interruption it completes what was begun.
func (c *Case) Reopen(ctx context.Context, by *keys.Private, why string) error {
	if err := c.reopen(ctx, by, why); err != nil {
		return fmt.Errorf("casefile: reopen %s: %w", c.dir, err)
	}
	return nil
}

func (c *Case) reopen(ctx context.Context, by *keys.Private, why string) error {
	path := filepath.Join(c.dir, sealFile)
	d, _, err := digestFile(ctx, path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	missing := err != nil
	if c.Sealed() {
		draft := Draft{Kind: CaseReopened, Why: why, Summary: "case reopened by " + by.Name}
		if !missing {
			draft.Seen = []ledger.Digest{d}
		}
		if _, err := c.record(ctx, by, nil, draft); err != nil {
			return err
		}
	} else if missing {
		return errors.New("the case is not sealed")
	}
	if missing {
		return nil
	}
	if err := os.MkdirAll(filepath.Join(c.dir, sealsDir), 0o700); err != nil {
		return err
	}
	h, err := c.Head()
	if err != nil {
		return err
	}
	return os.Rename(path, filepath.Join(c.dir, sealsDir, fmt.Sprintf("%d.json", h.Size-1)))
}

// checkSeal compares every file with the manifest.
func (v *verification) checkSeal(ctx context.Context) error {
	path := filepath.Join(v.dir, sealFile)
	b, err := readLimited(path, maxSeal)
	switch {
	case errors.Is(err, fs.ErrNotExist) && v.state.sealed:
		v.problem(-1, sealFile, "the case says that it is sealed, but its manifest is missing; it was removed, or sealing was interrupted")
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		v.problem(-1, sealFile, "%v", err)
		return nil
	}
	v.r.Sealed = true
	m, err := v.openSeal(b)
	if err != nil {
		v.problem(-1, sealFile, "%v", err)
		return nil
	}
	files, strange, err := caseFiles(v.dir)
	if err != nil {
		return err
	}
	v.r.Problems = append(v.r.Problems, strange...)
	have := map[string]bool{}
	private := false
	for _, f := range files {
		have[f] = f != sealFile
		private = private || strings.HasPrefix(f, privateDir+"/")
	}
	for _, f := range m.Files {
		switch {
		case have[f.Path]:
			delete(have, f.Path)
			d, n, err := digestFile(ctx, filepath.Join(v.dir, filepath.FromSlash(f.Path)))
			if ctx.Err() != nil {
				return err
			}
			if err != nil || d != f.SHA256 {
				v.damaged[f.Path] = true
				v.problem(-1, f.Path, "it was changed after the case was sealed (%d bytes then, %d now)", f.Bytes, n)
			}
		case !private && strings.HasPrefix(f.Path, privateDir+"/"):
			v.note("%s is not in this copy", f.Path)
		default:
			v.problem(-1, f.Path, "it is gone since the case was sealed")
		}
	}
	for f, extra := range have {
		if extra {
			v.problem(-1, f, "it was not there when the case was sealed")
		}
	}
	if m.Head != string(v.r.Head.Note) {
		v.problem(-1, sealFile, "the case was sealed at another head than it has now")
	}
	return nil
}

// openSeal verifies a seal and insists on its one spelling, so that none of its own bytes can change unnoticed.
func (v *verification) openSeal(b []byte) (manifest, error) {
	var m manifest
	env, err := dsse.Parse(b)
	if err != nil {
		return m, err
	}
	again, err := env.Encode()
	if err != nil {
		return m, err
	}
	if !bytes.Equal(again, b) || len(env.Signatures) != 1 {
		return m, errors.New("it is not in its canonical spelling")
	}
	// When the ledger itself does not fit, nobody can be trusted to have sealed; the manifest then only helps to name the changed files.
	stated := env.Signatures[0].KeyID
	if stated != v.sealer && v.ledgerOK {
		return m, errors.New("it was not signed by whoever entered that the case is sealed")
	}
	key, err := decodeKey(stated)
	if err != nil {
		return m, err
	}
	payload, _, err := env.Verify(sealType, 1, key)
	if err != nil {
		return m, err
	}
	if err := json.Unmarshal(payload, &m); err != nil {
		return m, err
	}
	if m.Format != sealFormat {
		return m, fmt.Errorf("its format is %.60q, not %q", m.Format, sealFormat)
	}
	if m.Case != v.state.opened.ID && v.ledgerOK {
		return m, errors.New("it is the seal of another case")
	}
	return m, nil
}

func readLimited(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(b)) > limit {
		err = fmt.Errorf("larger than %d bytes", limit)
	}
	return b, err
}
