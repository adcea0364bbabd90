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
	"maps"
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
	// Whose it is and how it came here.
	Format    string `json:"format,omitempty"` // where a kind has several: stix, misp
	Source    string `json:"source,omitempty"` // the feed, publisher or programme
	From      string `json:"from,omitempty"`   // who handed it over
	To        string `json:"to,omitempty"`     // who took it
	Authority string `json:"authority,omitempty"`
	// Verdicts are what a kinship says of each organisation, here because the gates of a release rest on them.
	Verdicts map[string]string `json:"verdicts,omitempty"`
	// Found counts a sweep's grave findings by organisation and day (UTC), for the map of what was searched.
	Found    map[string]map[string]int64 `json:"found,omitempty"`
	Problems []string                    `json:"problems,omitempty"` // what was wrong with it and let pass
}

// FileRef names a file by its digest.
type FileRef struct {
	Name   string        `json:"name"`
	Digest ledger.Digest `json:"digest"`
	Bytes  int64         `json:"bytes"`
	Place  string        `json:"place,omitempty"`
	Copy   string        `json:"copy,omitempty"` // path of the copy inside the case
}

func (i Import) check() error {
	if len(i.Files) == 0 {
		return errors.New("nothing was imported")
	}
	for _, f := range i.Files {
		if _, err := ledger.ParseDigest(string(f.Digest)); err != nil {
			return fmt.Errorf("%.80s: %w", f.Name, err)
		}
		if f.Copy != "" && f.Copy != copyPath(f.Digest) {
			return fmt.Errorf("%.80s: copy at %.80q is not where a copy of it stands", f.Name, f.Copy)
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
	Reference    bool // enter by digest alone; otherwise results are kept in the case, so that it can be read as a whole
	// Whose it is and how it came here.
	Format, Source, From, To, Authority string
	Problems                            []string         // what is wrong with it and is let pass
	Counts                              map[string]int64 // of what was found in it, beside what is counted here
}

const (
	maxJSON  = 1 << 30   // bytes of one JSON document
	maxKept  = 256 << 20 // bytes of a result that is kept in the case; larger ones are entered by digest
	maxLine  = 16 << 20  // bytes of one finding
	maxNames = 256       // different counters
	maxDays  = 10_000    // different days of organisations on which something was found
)

// ImportSweep enters what `contrail sweep` left in dir: findings.jsonl, counted by level and kind, coverage.json and stats.json. findings.jsonl and
// coverage.json must be there. With a sweep that did not mask passenger values, the look at them is entered.
func (c *Case) ImportSweep(ctx context.Context, by *keys.Private, dir string, o ImportOptions) ([]Entry, error) {
	im := o.detail()
	for _, f := range []struct {
		name           string
		required, keep bool
		read           func(io.Reader, *Import) error
	}{{"findings.jsonl", true, false, countFindings}, {"coverage.json", true, true, countDocument}, {"stats.json", false, true, readStats}} {
		err := im.add(ctx, filepath.Join(dir, f.name), f.keep && !o.Reference, f.read)
		if errors.Is(err, fs.ErrNotExist) && !f.required {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("casefile: import sweep %s: %w", dir, err)
		}
	}
	var look []Draft
	if im.Counts["raw"] > 0 {
		v := View{How: "case add sweep, of a sweep --raw", Of: []Viewed{{o.Organisation, filepath.ToSlash(dir)}}}
		look = append(look, v.draft(im.digests(), o.Why))
	}
	return c.enterImport(ctx, by, SweepImported, im, o, fmt.Sprintf("sweep imported: %d findings", im.Counts["findings"]), look...)
}

func (i Import) digests() (all []ledger.Digest) {
	for _, f := range i.Files {
		all = append(all, f.Digest)
	}
	return all
}

func (o ImportOptions) detail() Import {
	counts := map[string]int64{}
	maps.Copy(counts, o.Counts)
	return Import{Organisation: o.Organisation, Question: o.Question, Format: o.Format, Source: o.Source, From: o.From, To: o.To, Authority: o.Authority, Problems: o.Problems, Counts: counts}
}

// ImportDocument enters a trail, fingerprint, kinship, exposure, attribution or STIX file, or any other document. A JSON object's lists
// are counted; what is no JSON is entered under document.imported without counts.
func (c *Case) ImportDocument(ctx context.Context, by *keys.Private, kind Kind, path string, o ImportOptions) (Entry, error) {
	es, err := c.ImportWith(ctx, by, kind, path, o)
	if err != nil {
		return Entry{}, err
	}
	return es[0], nil
}

// ImportWith is ImportDocument with further entries that were made from the document: all are entered, or none. In About and Seen of
// more, the document's digest is added.
func (c *Case) ImportWith(ctx context.Context, by *keys.Private, kind Kind, path string, o ImportOptions, more ...Draft) ([]Entry, error) {
	if !strings.HasSuffix(string(kind), ".imported") || kind == SweepImported {
		return nil, fmt.Errorf("casefile: import %s: %q is not a kind for a document", path, kind)
	}
	read := countDocument
	switch kind {
	case DocumentImported:
		read = func(r io.Reader, _ *Import) error { _, err := io.Copy(io.Discard, r); return err }
	case STIXImported:
		if read = countObjects; len(o.Counts) > 0 { // the caller has read it and counted better
			read = func(r io.Reader, _ *Import) error { _, err := io.Copy(io.Discard, r); return err }
		}
	case KinshipImported:
		read = readVerdicts
	}
	im := o.detail()
	if err := im.add(ctx, path, !o.Reference, read); err != nil {
		return nil, fmt.Errorf("casefile: import %s: %w", path, err)
	}
	what, _, _ := strings.Cut(string(kind), ".")
	for i := range more {
		more[i].Seen = append(more[i].Seen, im.Files[0].Digest)
	}
	return c.enterImport(ctx, by, kind, im, o, fmt.Sprintf("%s imported: %s", what, filepath.Base(path)), more...)
}

func (c *Case) enterImport(ctx context.Context, by *keys.Private, kind Kind, im Import, o ImportOptions, summary string, more ...Draft) ([]Entry, error) {
	if im.Draft {
		summary += " (DRAFT)"
	}
	d := Draft{Kind: kind, Why: o.Why, When: o.When, Marking: o.Marking, Supersedes: o.Supersedes, Summary: summary, Seen: im.digests(), Detail: im}
	for _, a := range []string{o.Organisation, o.Source} {
		if a != "" {
			d.About = append(d.About, a)
		}
	}
	es, err := c.record(ctx, by, func() error {
		if err := c.clearUnfinished(); err != nil {
			return err
		}
		for _, f := range im.Files {
			if f.Copy == "" {
				continue
			}
			if err := c.copyIn(ctx, filepath.FromSlash(f.Place), Evidence{Copy: f.Copy, Digest: f.Digest, Bytes: f.Bytes}); err != nil {
				return fmt.Errorf("%s: %w", f.Name, err)
			}
		}
		return nil
	}, append([]Draft{d}, more...)...)
	if err != nil {
		return nil, fmt.Errorf("casefile: record in %s: %w", c.dir, err)
	}
	return es, nil
}

// add hashes a file while it is read, so that what is counted is what the digest names.
func (im *Import) add(ctx context.Context, path string, keep bool, read func(io.Reader, *Import) error) error {
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
	ref := FileRef{Name: filepath.Base(path), Digest: ledger.FromSum(h.Sum(nil)), Bytes: counted.n, Place: filepath.ToSlash(path)}
	if keep && ref.Bytes <= maxKept {
		ref.Copy = copyPath(ref.Digest)
	}
	im.Files = append(im.Files, ref)
	return nil
}

// OpenImported opens the copy of an imported file, if its bytes are those that were imported.
func (c *Case) OpenImported(ctx context.Context, f FileRef) (io.ReadCloser, error) {
	if f.Copy == "" {
		return nil, fmt.Errorf("casefile: %s was entered by digest alone; import it again to have it in the case: %w", f.Name, fs.ErrNotExist)
	}
	r, err := os.Open(filepath.Join(c.dir, filepath.FromSlash(copyPath(f.Digest))))
	if err != nil {
		return nil, fmt.Errorf("casefile: %s: %w", f.Name, err)
	}
	d, _, err := ledger.DigestReader(&patient{ctx, r})
	if err == nil && d != f.Digest {
		err = fmt.Errorf("casefile: the copy of %s is not what was imported", f.Name)
	}
	if err == nil {
		_, err = r.Seek(0, io.SeekStart)
	}
	if err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
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
	days := 0
	return eachLine(r, func(_ int, line []byte) error {
		var f struct {
			Kind  string `json:"kind"`
			Level string `json:"level"`
			Org   string `json:"org"`
			Time  string `json:"time"`
			Draft bool   `json:"draft"`
		}
		if err := json.Unmarshal(line, &f); err != nil {
			return err
		}
		day, _, _ := strings.Cut(f.Time, "T")
		grave := f.Level == "high" || f.Level == "critical" || f.Kind == "ioc" || f.Kind == "yara"
		if m, err := ParseMoment(day); grave && err == nil && m.Precision() == Day {
			if im.Found == nil {
				im.Found = map[string]map[string]int64{}
			}
			org := clip(f.Org)
			if im.Found[org][day] > 0 || days < maxDays {
				if im.Found[org] == nil {
					im.Found[org] = map[string]int64{}
				}
				if im.Found[org][day]++; im.Found[org][day] == 1 {
					days++
				}
			}
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

// countObjects counts a bundle's objects, or those of a list; what they are the package above has judged.
func countObjects(r io.Reader, im *Import) error {
	head := bufio.NewReader(r)
	for {
		b, err := head.ReadByte()
		if err != nil {
			return errors.New("it is empty")
		}
		if b == ' ' || b == '\t' || b == '\n' || b == '\r' || b == 0xef || b == 0xbb || b == 0xbf {
			continue
		}
		if err := head.UnreadByte(); err != nil {
			return err
		}
		if b != '[' {
			return countDocument(head, im)
		}
		dec := json.NewDecoder(io.LimitReader(head, maxJSON))
		if _, err := dec.Token(); err != nil {
			return err
		}
		for dec.More() {
			var skip json.RawMessage
			if err := dec.Decode(&skip); err != nil {
				return err
			}
			im.count("objects", 1)
		}
		_, err = dec.Token()
		return err
	}
}

// readVerdicts takes what a kinship says of each organisation into the ledger.
func readVerdicts(r io.Reader, im *Import) error {
	var k struct {
		Draft bool `json:"draft"`
		Orgs  []struct {
			Org     string `json:"org"`
			Verdict string `json:"verdict"`
		} `json:"orgs"`
	}
	if err := json.NewDecoder(io.LimitReader(r, maxJSON)).Decode(&k); err != nil {
		return err
	}
	if len(k.Orgs) == 0 {
		return errors.New("it judges no organisation (key \"orgs\")")
	}
	im.Draft, im.Verdicts = k.Draft, map[string]string{}
	for i, o := range k.Orgs {
		if o.Org == "" || o.Verdict == "" {
			return fmt.Errorf("organisation %d has no name or no verdict", i+1)
		}
		if old, twice := im.Verdicts[o.Org]; twice && old != o.Verdict {
			return fmt.Errorf("organisation %.80q has two verdicts, %.40s and %.40s", o.Org, old, o.Verdict)
		}
		im.Verdicts[o.Org] = o.Verdict
		im.count("verdict."+clip(o.Verdict), 1)
	}
	im.count("orgs", int64(len(k.Orgs)))
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
