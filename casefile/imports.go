package casefile

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
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

// Import is the detail of every kind that ends in .imported: files made elsewhere, by digest, with what can be counted in them.
type Import struct {
	Organisation string           `json:"organisation,omitempty"`
	Question     string           `json:"question,omitempty"` // what was asked, in words
	Files        []FileRef        `json:"files"`
	Counts       map[string]int64 `json:"counts,omitempty"`
	Draft        bool             `json:"draft,omitempty"` // made from something unsigned; must not be exported
}

// FileRef names a file by its digest.
type FileRef struct {
	Name   string        `json:"name"`
	Digest ledger.Digest `json:"digest"`
	Bytes  int64         `json:"bytes"`
	Place  string        `json:"place,omitempty"`
}

func (i Import) check() error {
	if len(i.Files) == 0 {
		return errors.New("nothing was imported")
	}
	for _, f := range i.Files {
		if _, err := ledger.ParseDigest(string(f.Digest)); err != nil {
			return fmt.Errorf("%.80s: %w", f.Name, err)
		}
	}
	return nil
}

// ImportOptions say what goes with an import.
type ImportOptions struct {
	Organisation string
	Question     string
	When         Moment // when the work was done
	Marking      marking.Marking
	Supersedes   []uint64
	Why          string
}

const (
	maxJSON  = 1 << 30  // bytes of one JSON document
	maxLine  = 16 << 20 // bytes of one finding
	maxNames = 256      // different counters
)

// ImportSweep enters what `contrail sweep` left in dir: findings.jsonl, counted by level and kind, coverage.json and stats.json. findings.jsonl and
// coverage.json must be there.
func (c *Case) ImportSweep(ctx context.Context, by *keys.Private, dir string, o ImportOptions) (Entry, error) {
	im := Import{Organisation: o.Organisation, Question: o.Question, Counts: map[string]int64{}}
	for _, f := range []struct {
		name     string
		required bool
		read     func(io.Reader, *Import) error
	}{{"findings.jsonl", true, countFindings}, {"coverage.json", true, countDocument}, {"stats.json", false, readStats}} {
		err := im.add(ctx, filepath.Join(dir, f.name), f.read)
		if errors.Is(err, fs.ErrNotExist) && !f.required {
			continue
		}
		if err != nil {
			return Entry{}, fmt.Errorf("casefile: import sweep %s: %w", dir, err)
		}
	}
	summary := fmt.Sprintf("sweep imported: %d findings", im.Counts["findings"])
	return c.enterImport(ctx, by, SweepImported, im, o, summary)
}

// ImportDocument enters a trail, fingerprint, kinship, exposure, attribution or STIX file, or any other document. A JSON object's lists
// are counted; what is no JSON is entered by digest alone, under document.imported.
func (c *Case) ImportDocument(ctx context.Context, by *keys.Private, kind Kind, path string, o ImportOptions) (Entry, error) {
	if !strings.HasSuffix(string(kind), ".imported") || kind == SweepImported {
		return Entry{}, fmt.Errorf("casefile: import %s: %q is not a kind for a document", path, kind)
	}
	read := countDocument
	if kind == DocumentImported {
		read = func(r io.Reader, _ *Import) error { _, err := io.Copy(io.Discard, r); return err }
	}
	im := Import{Organisation: o.Organisation, Question: o.Question, Counts: map[string]int64{}}
	if err := im.add(ctx, path, read); err != nil {
		return Entry{}, fmt.Errorf("casefile: import %s: %w", path, err)
	}
	what, _, _ := strings.Cut(string(kind), ".")
	return c.enterImport(ctx, by, kind, im, o, fmt.Sprintf("%s imported: %s", what, filepath.Base(path)))
}

func (c *Case) enterImport(ctx context.Context, by *keys.Private, kind Kind, im Import, o ImportOptions, summary string) (Entry, error) {
	if im.Draft {
		summary += " (DRAFT)"
	}
	d := Draft{Kind: kind, Why: o.Why, When: o.When, Marking: o.Marking, Supersedes: o.Supersedes, Summary: summary, Detail: im}
	if o.Organisation != "" {
		d.About = []string{o.Organisation}
	}
	for _, f := range im.Files {
		d.Seen = append(d.Seen, f.Digest)
	}
	return c.one(ctx, by, d)
}

// add hashes a file while it is read, so that what is counted is what the digest names.
func (im *Import) add(ctx context.Context, path string, read func(io.Reader, *Import) error) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	h := sha256.New()
	counted := &counter{r: io.TeeReader(&patient{ctx, f}, h)}
	if err := read(counted, im); err != nil {
		return fmt.Errorf("%s: %w", filepath.Base(path), err)
	}
	if _, err := io.Copy(io.Discard, counted); err != nil {
		return fmt.Errorf("%s: %w", filepath.Base(path), err)
	}
	im.Files = append(im.Files, FileRef{Name: filepath.Base(path), Digest: ledger.FromSum(h.Sum(nil)), Bytes: counted.n, Place: filepath.ToSlash(path)})
	return nil
}

type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n += int64(n)
	return n, err
}

func (im *Import) count(name string, n int64) {
	if _, ok := im.Counts[name]; ok || len(im.Counts) < maxNames {
		im.Counts[name] += n
	}
}

// eachLine calls fn with every line of JSON lines; empty lines are passed over. The slice is valid during the call.
func eachLine(r io.Reader, fn func(n int, line []byte) error) error {
	sc := bufio.NewScanner(r)
	sc.Buffer(make([]byte, 0, 64<<10), maxLine)
	n := 0
	for sc.Scan() {
		n++
		if line := sc.Bytes(); len(strings.TrimSpace(string(line))) > 0 {
			if err := fn(n, line); err != nil {
				return fmt.Errorf("line %d: %w", n, err)
			}
		}
	}
	if err := sc.Err(); err != nil {
		return fmt.Errorf("line %d: %w", n+1, err)
	}
	return nil
}

func countFindings(r io.Reader, im *Import) error {
	im.Counts["findings"] = 0
	return eachLine(r, func(_ int, line []byte) error {
		var f struct {
			Kind  string `json:"kind"`
			Level string `json:"level"`
			Draft bool   `json:"draft"`
		}
		if err := json.Unmarshal(line, &f); err != nil {
			return err
		}
		im.Draft = im.Draft || f.Draft
		im.count("findings", 1)
		if f.Level != "" {
			im.count("level."+clip(f.Level), 1)
		}
		if f.Kind != "" {
			im.count("kind."+clip(f.Kind), 1)
		}
		return nil
	})
}

func clip(s string) string {
	if len(s) > 40 {
		return strings.ToValidUTF8(s[:40], "")
	}
	return s
}

// countDocument counts the elements of every list at the top of a JSON object, element by element.
func countDocument(r io.Reader, im *Import) error {
	dec := json.NewDecoder(io.LimitReader(r, maxJSON))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return errors.Join(err, errors.New("not a JSON object"))
	}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return err
		}
		name, _ := key.(string)
		var v json.RawMessage
		if err := dec.Decode(&v); err != nil {
			return err
		}
		switch {
		case name == "draft" && string(v) == "true":
			im.Draft = true
		case len(v) > 0 && v[0] == '[':
			var list []json.RawMessage
			if err := json.Unmarshal(v, &list); err != nil {
				return err
			}
			im.count(clip(name), int64(len(list)))
		}
	}
	if _, err := dec.Token(); err != nil {
		return err
	}
	return nil
}

func readStats(r io.Reader, im *Import) error {
	var s struct {
		Events int64 `json:"events"`
		Bytes  int64 `json:"bytes"`
		Draft  bool  `json:"draft"`
		Raw    bool  `json:"raw"`
	}
	if err := json.NewDecoder(io.LimitReader(r, maxJSON)).Decode(&s); err != nil {
		return err
	}
	im.Draft = im.Draft || s.Draft
	im.count("events", s.Events)
	im.count("bytes", s.Bytes)
	if s.Raw { // passenger values were not masked
		im.count("raw", 1)
	}
	return nil
}

// Imports gives the files imported under some kinds that are not superseded, the newest first.
func (c *Case) Imports(ctx context.Context, kinds ...Kind) ([]Import, error) {
	var out []Import
	for e, err := range c.Entries(ctx, Query{Kinds: kinds, CurrentOnly: true}) {
		if err != nil {
			return nil, err
		}
		var im Import
		if err := e.Decode(&im); err != nil {
			return nil, err
		}
		out = append(out, im)
	}
	slices.Reverse(out)
	return out, nil
}

// hashing is a reader that remembers the SHA-256 of what was read.
type hashing struct {
	r io.Reader
	h hash.Hash
}

func (h *hashing) Read(b []byte) (int, error) {
	if h.h == nil {
		h.h = sha256.New()
	}
	n, err := h.r.Read(b)
	h.h.Write(b[:n])
	return n, err
}

func (h *hashing) sum() []byte {
	if h.h == nil {
		h.h = sha256.New()
	}
	return h.h.Sum(nil)
}
