package casefile

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/contrail-ir/contrail/keys"
	"github.com/contrail-ir/contrail/ledger"
	"github.com/contrail-ir/contrail/marking"
)

// Evidence is the detail of evidence.received.
type Evidence struct {
	Name      string        `json:"name"`
	Digest    ledger.Digest `json:"digest"` // of the file; of a folder: of its listing, see FolderDigest
	Bytes     int64         `json:"bytes"`
	Files     int64         `json:"files"` // 1 for a file
	Folder    bool          `json:"folder,omitempty"`
	From      string        `json:"from"`                // who handed it over
	To        string        `json:"to"`                  // who took it
	Authority string        `json:"authority,omitempty"` // under which it was taken
	Seal      string        `json:"seal,omitempty"`      // number or mark of the seal
	Place     string        `json:"place,omitempty"`     // where it is kept
	Copy      string        `json:"copy,omitempty"`      // path of the copy inside the case
}

func (e Evidence) check() error {
	if e.Name == "" || e.From == "" || e.To == "" {
		return errors.New("evidence has a name and is handed from somebody to somebody: say who handed it over (--from) and who took it (--to)")
	}
	if e.Bytes < 0 || e.Files < 0 {
		return errors.New("negative size")
	}
	if e.Copy != "" && e.Copy != copyPath(e.Digest) {
		return fmt.Errorf("copy at %.80q is not where a copy of it stands", e.Copy)
	}
	_, err := ledger.ParseDigest(string(e.Digest))
	return err
}

func copyPath(d ledger.Digest) string {
	return evidenceDir + "/" + strings.TrimPrefix(string(d), "sha256:")
}

// Custody is the detail of custody.passed: evidence changed hands.
type Custody struct {
	Digest ledger.Digest `json:"digest"`
	From   string        `json:"from"`
	To     string        `json:"to"`
	Seal   string        `json:"seal,omitempty"` // found or put on at this hand-over
	Place  string        `json:"place,omitempty"`
	Intact bool          `json:"intact"` // the seal was whole
}

func (c Custody) check() error {
	if c.From == "" || c.To == "" {
		return errors.New("custody passes from somebody to somebody")
	}
	_, err := ledger.ParseDigest(string(c.Digest))
	return err
}

// Receipt says how evidence came in.
type Receipt struct {
	From, To, Authority, Seal, Place string
	When                             Moment
	Copy                             bool // copy the file into the case
	Marking                          marking.Marking
	Why                              string
}

// ReceiveEvidence hashes a file or folder and enters that it was received. It is referred to by digest and not copied, unless r.Copy.
func (c *Case) ReceiveEvidence(ctx context.Context, by *keys.Private, path string, r Receipt) (Entry, error) {
	fail := func(err error) (Entry, error) {
		return Entry{}, fmt.Errorf("casefile: receive evidence %s: %w", path, err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return fail(err)
	}
	ev := Evidence{Name: filepath.Base(path), From: r.From, To: r.To, Authority: r.Authority, Seal: r.Seal, Place: r.Place, Files: 1}
	if ev.Place == "" {
		ev.Place = filepath.ToSlash(path)
	}
	if m := info.Mode(); m&(os.ModeNamedPipe|os.ModeSocket|os.ModeCharDevice|os.ModeIrregular) != 0 {
		return fail(errors.New("it is a pipe, a socket or the like, whose bytes nobody can read again; receive a file"))
	}
	if info.IsDir() {
		if r.Copy {
			return fail(errors.New("a folder is not copied; receive its files, or an archive of it"))
		}
		ev.Folder = true
		ev.Digest, ev.Files, ev.Bytes, err = FolderDigest(ctx, path)
	} else {
		ev.Digest, ev.Bytes, err = digestFile(ctx, path)
	}
	if err != nil {
		return fail(err)
	}
	if r.Copy {
		ev.Copy = copyPath(ev.Digest)
	}
	d := Draft{
		Kind: EvidenceReceived, Why: r.Why, Seen: []ledger.Digest{ev.Digest}, About: []string{ev.Name, string(ev.Digest)}, When: r.When, Marking: r.Marking,
		Summary: fmt.Sprintf("evidence %q, %d bytes, from %s to %s", ev.Name, ev.Bytes, ev.From, ev.To), Detail: ev,
	}
	es, err := c.record(ctx, by, func() error {
		if !r.Copy {
			return nil
		}
		return c.copyIn(ctx, path, ev)
	}, d)
	if err != nil {
		return fail(err)
	}
	return es[0], nil
}

// copyIn copies a file into the case and checks that the copy is what was hashed.
func (c *Case) copyIn(ctx context.Context, path string, ev Evidence) error {
	dst := filepath.Join(c.dir, filepath.FromSlash(ev.Copy))
	if d, _, err := digestFile(ctx, dst); err == nil && d == ev.Digest {
		return nil
	}
	src, err := os.Open(path)
	if err != nil {
		return err
	}
	defer src.Close()
	got, err := writeFile(dst, &patient{ctx, src}, ev.Bytes)
	if err != nil {
		return err
	}
	if got != ev.Digest {
		return errors.Join(errors.New("the file changed while it was copied"), os.Remove(dst))
	}
	return nil
}

// writeFile writes at most limit bytes of r to a file through a temporary one, durable, and gives their digest.
func writeFile(path string, r io.Reader, limit int64) (ledger.Digest, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".tmp-*")
	if err != nil {
		return "", err
	}
	h := sha256.New()
	n, err := io.Copy(io.MultiWriter(f, h), io.LimitReader(r, limit+1))
	if err == nil && n > limit {
		err = fmt.Errorf("more than the %d bytes it should have", limit)
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return "", errors.Join(err, os.Remove(f.Name()))
	}
	return ledger.FromSum(h.Sum(nil)), nil
}

// PassCustody enters that evidence changed hands.
func (c *Case) PassCustody(ctx context.Context, by *keys.Private, d Custody, when Moment, mark marking.Marking, why string) (Entry, error) {
	state := "seal intact"
	if !d.Intact {
		state = "seal not intact"
	}
	return c.one(ctx, by, Draft{
		Kind: CustodyPassed, Why: why, Seen: []ledger.Digest{d.Digest}, About: []string{string(d.Digest)}, When: when, Marking: mark,
		Summary: fmt.Sprintf("custody from %s to %s, %s", d.From, d.To, state), Detail: d,
	})
}

// FolderDigest gives the digest of a folder's listing: a line "DIGEST BYTES PATH" per regular file, ordered by path, with the number of files
// and their bytes. Links and other special files are an error, because a digest would not say what they lead to.
func FolderDigest(ctx context.Context, dir string) (d ledger.Digest, files, bytes int64, err error) {
	h := sha256.New()
	err = filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if e.IsDir() {
			return nil
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		if !e.Type().IsRegular() {
			return fmt.Errorf("%s is not a regular file", rel)
		}
		d, n, err := digestFile(ctx, path)
		if err != nil {
			return err
		}
		files++
		bytes += n
		_, err = fmt.Fprintf(h, "%s %d %q\n", d, n, filepath.ToSlash(rel))
		return err
	})
	if err != nil {
		return "", 0, 0, err
	}
	return ledger.FromSum(h.Sum(nil)), files, bytes, nil
}

func digestFile(ctx context.Context, path string) (ledger.Digest, int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", 0, err
	}
	defer f.Close()
	return ledger.DigestReader(&patient{ctx, f})
}

// patient is a reader that a context can interrupt.
type patient struct {
	ctx context.Context
	r   io.Reader
}

func (p *patient) Read(b []byte) (int, error) {
	if err := p.ctx.Err(); err != nil {
		return 0, context.Cause(p.ctx)
	}
	return p.r.Read(b)
}

// View is the detail of evidence.viewed: passengers' values were there for somebody to see as they are.
type View struct {
	How    string   `json:"how"`              // the command
	Of     []Viewed `json:"of"`               // what it read
	Result string   `json:"result,omitempty"` // where it wrote them
}

// Viewed is one of the places that were read.
type Viewed struct {
	Organisation string `json:"organisation,omitempty"`
	Place        string `json:"place"`
}

func (v View) check() error {
	if v.How == "" || len(v.Of) == 0 {
		return errors.New("a look says by which command, and at what")
	}
	return nil
}

func (v View) draft(seen []ledger.Digest, why string) Draft {
	var whose []string
	for _, of := range v.Of {
		if of.Organisation != "" && !slices.Contains(whose, of.Organisation) {
			whose = append(whose, of.Organisation)
		}
	}
	return Draft{Kind: EvidenceViewed, Why: why, Seen: seen, About: whose, Summary: "passenger values not masked: " + v.How, Detail: v}
}

// RecordView enters that somebody is about to look at values as they are.
func (c *Case) RecordView(ctx context.Context, by *keys.Private, v View, why string) (Entry, error) {
	return c.one(ctx, by, v.draft(nil, why))
}
