package casefile

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/contrail-ir/contrail/dsse"
	"github.com/contrail-ir/contrail/ledger"
)

func verified(tb testing.TB, dir string, o VerifyOptions) *Report {
	tb.Helper()
	return must[*Report](tb)(Verify(bg, dir, o))
}

func sealed(tb testing.TB) (*Case, []string) {
	tb.Helper()
	c, lead, _ := filled(tb)
	if err := c.Seal(bg, lead, "handed to the court"); err != nil {
		tb.Fatal(err)
	}
	if rep := verified(tb, c.Dir(), VerifyOptions{LedgerKey: c.LedgerKey()}); !rep.OK() || !rep.Sealed {
		tb.Fatalf("%s", rep)
	}
	files, strange, err := caseFiles(c.Dir())
	if err != nil || len(strange) > 0 {
		tb.Fatal(err, strange)
	}
	return c, files
}

func TestSealNoticesEveryChangedByte(t *testing.T) {
	c, files := sealed(t)
	contents := map[string][]byte{}
	total := 0
	for _, f := range files {
		b, err := os.ReadFile(filepath.Join(c.Dir(), f))
		if err != nil {
			t.Fatal(err)
		}
		contents[f] = b
		total += len(b)
	}
	check := func(f string, pos int, flip byte) {
		path := filepath.Join(c.Dir(), f)
		bad := bytes.Clone(contents[f])
		bad[pos] ^= flip
		if err := os.WriteFile(path, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		rep := verified(t, c.Dir(), VerifyOptions{})
		named := slices.ContainsFunc(rep.Problems, func(p ledger.Problem) bool { return p.File == f })
		// A byte of the manifest, or of the head on which everything rests, may show at another file as well.
		if rep.OK() || !named {
			t.Errorf("%s: flip %02x at %d of %d not named: %s", f, flip, pos, len(bad), rep)
		}
		if err := os.WriteFile(path, contents[f], 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range files { // every file: first, middle, last
		for _, pos := range []int{0, len(contents[f]) / 2, len(contents[f]) - 1} {
			check(f, pos, 0x20)
			check(f, pos, 1)
		}
	}
	rng := rand.New(rand.NewPCG(5, 2000))
	n := 800
	if testing.Short() {
		n = 60
	}
	for range n {
		at := rng.IntN(total)
		for _, f := range files {
			if at < len(contents[f]) {
				check(f, at, 1<<rng.IntN(8))
				break
			}
			at -= len(contents[f])
		}
	}
	if rep := verified(t, c.Dir(), VerifyOptions{}); !rep.OK() {
		t.Errorf("restored: %s", rep)
	}
	for _, f := range files { // truncated and removed
		path := filepath.Join(c.Dir(), f)
		if err := os.Truncate(path, int64(len(contents[f])-1)); err != nil {
			t.Fatal(err)
		}
		if rep := verified(t, c.Dir(), VerifyOptions{}); rep.OK() {
			t.Errorf("%s truncated: not noticed", f)
		}
		os.Remove(path)
		if rep := verified(t, c.Dir(), VerifyOptions{}); rep.OK() {
			t.Errorf("%s removed: not noticed", f)
		}
		os.WriteFile(path, contents[f], 0o600)
	}
	for name, add := range map[string]func(string) error{
		"file": func(p string) error { return os.WriteFile(p, nil, 0o600) }, "link": func(p string) error { return os.Symlink("case.db", p) },
	} {
		path := filepath.Join(c.Dir(), "evidence", strings.Repeat("a", 64))
		if err := add(path); err != nil {
			t.Fatal(err)
		}
		if rep := verified(t, c.Dir(), VerifyOptions{}); rep.OK() {
			t.Errorf("an added %s was not noticed", name)
		}
		os.Remove(path)
	}
}

func TestReadingASealedCaseChangesNothing(t *testing.T) {
	c, _ := sealed(t)
	again := must[*Case](t)(Open(bg, c.Dir(), Options{}))
	var sb strings.Builder
	if err := again.WriteTimeline(bg, &sb, Query{}); err != nil {
		t.Fatal(err)
	}
	again.Close()
	if rep := verified(t, c.Dir(), VerifyOptions{}); !rep.OK() {
		t.Errorf("%s", rep)
	}
}

func TestYesterdaysCopyIsNoticedAgainstASavedHead(t *testing.T) {
	c, lead, _ := filled(t)
	if err := c.Seal(bg, lead, "evening"); err != nil {
		t.Fatal(err)
	}
	yesterday := filepath.Join(t.TempDir(), "yesterday")
	if err := os.CopyFS(yesterday, os.DirFS(c.Dir())); err != nil {
		t.Fatal(err)
	}
	if err := c.Reopen(bg, lead, "morning"); err != nil {
		t.Fatal(err)
	}
	must[[]Entry](t)(c.Record(bg, lead, Draft{Kind: Note, Why: "something inconvenient"}))
	if err := c.Seal(bg, lead, "evening"); err != nil {
		t.Fatal(err)
	}
	head := must[ledger.Head](t)(c.Head())
	if rep := verified(t, yesterday, VerifyOptions{}); !rep.OK() {
		t.Fatalf("yesterday's copy alone is whole: %s", rep)
	}
	rep := verified(t, yesterday, VerifyOptions{Saved: head.Note})
	if rep.OK() || !strings.Contains(rep.Problems[0].What, "rolled back or truncated") {
		t.Errorf("%s", rep)
	}
	if rep := verified(t, c.Dir(), VerifyOptions{Saved: head.Note}); !rep.OK() || !rep.Sealed {
		t.Errorf("%s", rep)
	}
	if rep := verified(t, c.Dir(), VerifyOptions{Saved: []byte("nonsense")}); rep.OK() {
		t.Error("a saved head that is none was accepted")
	}
}

func TestSealedCaseTakesNoEntry(t *testing.T) {
	c, lead, analyst := filled(t)
	if err := c.Seal(bg, analyst, "w"); err == nil {
		t.Fatal("an analyst sealed the case")
	}
	write(t, filepath.Join(c.Dir(), "notes.txt"), "private")
	if err := c.Seal(bg, lead, "w"); err == nil || !strings.Contains(err.Error(), "notes.txt") {
		t.Fatalf("a foreign file was sealed: %v", err)
	}
	os.Remove(filepath.Join(c.Dir(), "notes.txt"))
	if err := c.Seal(bg, lead, "w"); err != nil {
		t.Fatal(err)
	}
	other := must[*Case](t)(Open(bg, c.Dir(), Options{}))
	defer other.Close()
	if _, err := other.Record(bg, lead, Draft{Kind: Note, Why: "w"}); !errors.Is(err, ErrSealed) {
		t.Errorf("%v", err)
	}
	if err := other.Seal(bg, lead, "w"); !errors.Is(err, ErrSealed) {
		t.Errorf("%v", err)
	}
	// The manifest is removed, as an interrupted sealing would leave it.
	os.Remove(filepath.Join(c.Dir(), sealFile))
	if rep := verified(t, c.Dir(), VerifyOptions{}); rep.OK() || rep.Problems[0].File != sealFile {
		t.Errorf("%s", rep)
	}
	if _, err := other.Record(bg, lead, Draft{Kind: Note, Why: "w"}); !errors.Is(err, ErrSealed) {
		t.Errorf("%v", err)
	}
	if err := other.Seal(bg, lead, "w"); err != nil {
		t.Errorf("sealing again does not complete it: %v", err)
	}
	if err := other.Reopen(bg, lead, "w"); err != nil {
		t.Fatal(err)
	}
	must[[]Entry](t)(other.Record(bg, lead, Draft{Kind: Note, Why: "w"}))
	if rep := verified(t, c.Dir(), VerifyOptions{}); !rep.OK() || rep.Sealed {
		t.Errorf("%s", rep)
	}
}

func TestArchiveOpensElsewhere(t *testing.T) {
	c, lead, _ := filled(t)
	if err := c.Seal(bg, lead, "w"); err != nil {
		t.Fatal(err)
	}
	var a, b bytes.Buffer
	for _, w := range []io.Writer{&a, &b} {
		if err := c.Export(bg, w, ExportOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(a.Bytes(), b.Bytes()) {
		t.Error("the same case gave two archives")
	}
	dir := filepath.Join(t.TempDir(), "copy")
	rep, err := OpenArchive(bg, bytes.NewReader(a.Bytes()), dir, Limits{}, VerifyOptions{LedgerKey: c.LedgerKey()})
	if err != nil || !rep.OK() || !rep.Sealed || rep.Entries != 14 {
		t.Fatalf("%v %v", err, rep)
	}
	copied := must[*Case](t)(Open(bg, dir, Options{}))
	defer copied.Close()
	if _, err := copied.Record(bg, lead, Draft{Kind: Note, Why: "w"}); !errors.Is(err, ledger.ErrReadOnly) {
		t.Errorf("a copy without its key was continued: %v", err)
	}
	if _, err := copied.Pseudonyms(); err == nil {
		t.Error("the private key left with the archive")
	}
	if _, err := OpenArchive(bg, bytes.NewReader(a.Bytes()), dir, Limits{}, VerifyOptions{}); !errors.Is(err, fs.ErrExist) {
		t.Errorf("an existing folder was overwritten: %v", err)
	}
	if err := c.Reopen(bg, lead, "w"); err != nil {
		t.Fatal(err)
	}
	a.Reset()
	if err := c.Export(bg, &a, ExportOptions{Private: true, By: lead, Why: "moved"}); err != nil {
		t.Fatal(err)
	}
	moved := filepath.Join(t.TempDir(), "moved")
	if _, err := OpenArchive(bg, &a, moved, Limits{}, VerifyOptions{}); err != nil {
		t.Fatal(err)
	}
	m := must[*Case](t)(Open(bg, moved, Options{}))
	defer m.Close()
	es := must[[]Entry](t)(m.Record(bg, lead, Draft{Kind: Note, Why: "continued elsewhere"}))
	if es[0].Seq != 16 {
		t.Errorf("entry %d", es[0].Seq)
	}
	if rep := verified(t, moved, VerifyOptions{}); !rep.OK() {
		t.Errorf("%s", rep)
	}
}

type member1 struct {
	name string
	mode byte
	link string
	body string
}

func archiveOf(tb testing.TB, ms ...member1) []byte {
	tb.Helper()
	var buf bytes.Buffer
	zw, _ := zstd.NewWriter(&buf)
	tw := tar.NewWriter(zw)
	for _, m := range ms {
		h := tar.Header{Typeflag: m.mode, Name: m.name, Linkname: m.link, Size: int64(len(m.body)), Mode: 0o600, ModTime: time.Unix(0, 0)}
		if err := tw.WriteHeader(&h); err != nil {
			tb.Fatal(err)
		}
		io.WriteString(tw, m.body)
	}
	tw.Close()
	zw.Close()
	return buf.Bytes()
}

func TestHostileArchives(t *testing.T) {
	reg := func(name, body string) member1 { return member1{name: name, mode: tar.TypeReg, body: body} }
	c, _ := sealed(t)
	var good bytes.Buffer
	if err := c.Export(bg, &good, ExportOptions{}); err != nil {
		t.Fatal(err)
	}
	bad := map[string][]byte{
		"up":         archiveOf(t, reg("case/../../evil", "x")),
		"up inside":  archiveOf(t, reg("case/evidence/../../../evil", "x")),
		"absolute":   archiveOf(t, reg("/etc/evil", "x")),
		"backslash":  archiveOf(t, reg(`case/evidence\..\..\evil`, "x")),
		"drive":      archiveOf(t, reg("C:/evil", "x")),
		"unknown":    archiveOf(t, reg("case/evil.exe", "x")),
		"symlink":    archiveOf(t, member1{name: "case/case.db", mode: tar.TypeSymlink, link: "/etc/passwd"}),
		"hard link":  archiveOf(t, member1{name: "case/case.db", mode: tar.TypeLink, link: "/etc/passwd"}),
		"device":     archiveOf(t, member1{name: "case/case.db", mode: tar.TypeChar}),
		"folder":     archiveOf(t, member1{name: "case/ledger/", mode: tar.TypeDir}),
		"twice":      archiveOf(t, reg("case/case.db", "x"), reg("case/case.db", "y")),
		"order":      archiveOf(t, reg("case/ledger/head", "x"), reg("case/case.db", "y")),
		"pax":        archiveOf(t, reg("case/"+strings.Repeat("é", 40), "x")),
		"large":      archiveOf(t, reg("case/case.db", strings.Repeat("x", 2<<20))),
		"empty":      archiveOf(t),
		"no case":    archiveOf(t, reg("case/case.db", "x")),
		"not zstd":   []byte("PK\x03\x04 not an archive"),
		"cut":        good.Bytes()[:good.Len()-40],
		"cut early":  good.Bytes()[:good.Len()/2],
		"afterwards": append(bytes.Clone(good.Bytes()), archiveOf(t, reg("case/evil", "x"))...),
		"flipped":    func() []byte { b := bytes.Clone(good.Bytes()); b[len(b)/2] ^= 4; return b }(),
	}
	for name, b := range bad {
		parent := t.TempDir()
		dir := filepath.Join(parent, "in", "here")
		os.MkdirAll(filepath.Dir(dir), 0o700)
		if _, err := OpenArchive(bg, bytes.NewReader(b), dir, Limits{File: 1 << 20, Total: 4 << 20, Files: 1000}, VerifyOptions{}); err == nil {
			t.Errorf("%s: accepted", name)
		}
		filepath.WalkDir(parent, func(p string, d fs.DirEntry, _ error) error {
			if p != parent && p != filepath.Dir(dir) {
				t.Errorf("%s: left %s behind", name, p)
			}
			return nil
		})
	}
}

func FuzzArchive(f *testing.F) {
	f.Add([]byte("not"), true)
	f.Add([]byte(strings.Repeat("\x00", 1024)), true)
	var buf bytes.Buffer
	tw := tar.NewWriter(&buf)
	tw.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: "case/case.db", Size: 3, Mode: 0o600, ModTime: time.Unix(0, 0), Format: tar.FormatUSTAR})
	io.WriteString(tw, "abc")
	tw.Close()
	f.Add(buf.Bytes(), true)
	f.Fuzz(func(t *testing.T, b []byte, pack bool) {
		if pack { // compressed here, so that the tar reader is reached
			var z bytes.Buffer
			zw, _ := zstd.NewWriter(&z, zstd.WithEncoderConcurrency(1))
			zw.Write(b)
			zw.Close()
			b = z.Bytes()
		}
		dir := filepath.Join(t.TempDir(), "x")
		if _, err := OpenArchive(bg, bytes.NewReader(b), dir, Limits{Files: 10, File: 1 << 16, Total: 1 << 18}, VerifyOptions{}); err == nil {
			t.Error("a case out of nothing")
		}
		if _, err := os.Stat(dir); err == nil {
			t.Error("left behind")
		}
	})
}

func FuzzSeal(f *testing.F) {
	lead := key(f, "lead")
	v := verification{r: &Report{}, state: newState(), sealer: lead.ID(), ledgerOK: true}
	v.state.opened.ID = "c0ffee"
	payload := must[[]byte](f)(ledger.MarshalCanonical(manifest{Format: sealFormat, Case: "c0ffee", Files: []manifestFile{{"case.db", 1, ledger.DigestOf(nil)}}}))
	env := must[*dsse.Envelope](f)(dsse.Sign(sealType, payload, lead.Signer()))
	good := must[[]byte](f)(env.Encode())
	if _, err := v.openSeal(good); err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := v.openSeal(b); err == nil && !bytes.Equal(b, good) {
			t.Errorf("a seal that nobody made: %q", b)
		}
	})
}
