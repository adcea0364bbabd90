package census

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/contrail-ir/contrail/drill/passengers"
	"github.com/contrail-ir/contrail/evidence"
	"github.com/contrail-ir/contrail/evidence/archive"
	"github.com/contrail-ir/contrail/exposure"
)

var key = []byte("a key for tests only, 32 bytes!!")

const people = 300

func form(t testing.TB, seed uint64, name string) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := passengers.New(seed).Write(&b, name, people); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// different counts the people of some seeds: seeds share some.
func different(seeds ...uint64) uint64 {
	all := map[string]bool{}
	for _, s := range seeds {
		g := passengers.New(s)
		for range people {
			p := g.Next()
			all[p.Nationality+p.Passport] = true
		}
	}
	return uint64(len(all))
}

func gzipped(t testing.TB, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, err := w.Write(b)
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func zstded(t testing.TB, b []byte) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return w.EncodeAll(b, nil)
}

func zipped(t testing.TB, files map[string][]byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for name, b := range files {
		f, err := w.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write(b); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func tarred(t testing.TB, files map[string][]byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for name, b := range files {
		_, err := w.Write(nil)
		if err := errors.Join(err, w.WriteHeader(&tar.Header{Name: name, Size: int64(len(b)), Mode: 0o600, Format: tar.FormatPAX})); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(b); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// locked is a zip with one member under the traditional encryption (APPNOTE 6.1).
func locked(t testing.TB, password, name string, content []byte) []byte {
	t.Helper()
	keys := [3]uint32{0x12345678, 0x23456789, 0x34567890}
	step := func(c byte) {
		keys[0] = crc32.IEEETable[byte(keys[0])^c] ^ keys[0]>>8
		keys[1] = (keys[1]+keys[0]&0xff)*134775813 + 1
		keys[2] = crc32.IEEETable[byte(keys[2])^byte(keys[1]>>24)] ^ keys[2]>>8
	}
	for i := range len(password) {
		step(password[i])
	}
	sum := crc32.ChecksumIEEE(content)
	var sealed []byte
	for _, c := range append(append(make([]byte, 11), byte(sum>>24)), content...) {
		k := keys[2] | 2
		sealed = append(sealed, c^byte(k*(k^1)>>8))
		step(c)
	}
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	f, err := w.CreateRaw(&zip.FileHeader{Name: name, Method: zip.Store, Flags: 1, CRC32: sum, CompressedSize64: uint64(len(sealed)), UncompressedSize64: uint64(len(content))})
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.Write(sealed)
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func folder(t testing.TB, files map[string][]byte) string {
	t.Helper()
	dir := t.TempDir()
	for name, b := range files {
		p := filepath.Join(dir, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(p), 0o755), os.WriteFile(p, b, 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func question(dirs ...string) Question {
	q := Question{Status: exposure.Staged, Key: key}
	for i, d := range dirs {
		q.Roots = append(q.Roots, evidence.Root{Org: string(rune('A' + i)), Path: d})
	}
	return q
}

func count(t testing.TB, q Question) (*exposure.Result, bool) {
	t.Helper()
	c, complete, err := Run(context.Background(), q, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c.Result(), complete
}

func persons(r *exposure.Result, org string) (k exposure.KindCount) {
	for _, o := range r.Orgs {
		if o.Org == org {
			for _, k := range o.Kinds {
				if k.Kind == "person" {
					return k
				}
			}
		}
	}
	return k
}

// However deep and in whatever container, everybody is counted once; containers that nobody opens are told.
func TestThroughArchives(t *testing.T) {
	deep := zipped(t, map[string][]byte{"a/b.tar.zst": zstded(t, tarred(t, map[string][]byte{"x/pnr.edi": form(t, 3, "pnrgov"), "x/more.tgz": gzipped(t, tarred(t, map[string][]byte{"p.csv": form(t, 4, "csv")}))}))})
	dir := folder(t, map[string][]byte{
		"plain.csv": form(t, 1, "csv"), "packed.sql.gz": gzipped(t, form(t, 2, "sql-mysql")), "deep.zip": deep, "api/paxlst.txt.zst": zstded(t, form(t, 5, "paxlst")),
		"locked.zip": locked(t, "loot2026", "inner.csv", form(t, 6, "csv")),
	})
	q := question(dir)
	q.Passwords = []string{"loot2026"}
	r, complete := count(t, q)
	if k := persons(r, "A"); k.Exact == nil || *k.Exact != different(1, 2, 3, 4, 5, 6) || !complete {
		t.Errorf("%+v, complete %v, unread %v", k, complete, r.Unread)
	}
	// Without the password the size of what is locked is known, and an estimate is made from what is legible.
	q.Passwords = nil
	r, complete = count(t, q)
	if k := persons(r, "A"); k.Exact != nil || k.Upper != nil || k.Lower != different(1, 2, 3, 4, 5) || complete || len(r.Unread) != 1 || !r.Unread[0].Sealed || r.Unread[0].Name != "locked.zip!inner.csv" {
		t.Errorf("%+v, complete %v, unread %+v", k, complete, r.Unread)
	}
	for _, k := range r.Orgs[0].Kinds {
		if k.Kind == "passenger-record" && (k.Estimate <= k.Lower || float64(k.Interval[0]) > 6*people || k.Interval[1] < 6*people) {
			t.Errorf("the locked member holds %d more: %+v", people, k)
		}
	}
	q.Passwords, q.Limits = []string{"loot2026"}, archive.Limits{Depth: 1}
	if r, complete := count(t, q); complete || len(r.Unread) == 0 || !strings.Contains(r.Unread[0].Reason, "not unpacked further") {
		t.Errorf("too deep: complete %v, unread %+v", complete, r.Unread)
	}
}

// What breaks off is counted as far as it goes, and no number above that is certain.
func TestBrokenEvidence(t *testing.T) {
	whole := gzipped(t, form(t, 1, "csv"))
	dir := folder(t, map[string][]byte{"cut.csv.gz": whole[:len(whole)*2/3], "old.pdf": []byte("%PDF-1.4 of tickets"), "a.rar": []byte("Rar!\x1a\x07\x00" + strings.Repeat("x", 4000)), "db.sqlite": append([]byte("SQLite format 3\x00"), make([]byte, 600)...)})
	if err := os.Symlink("cut.csv.gz", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	r, complete := count(t, question(dir))
	k := persons(r, "A")
	if complete || k.Lower == 0 || k.Lower >= people || k.Exact != nil || k.Upper != nil || len(k.Why) == 0 {
		t.Errorf("%+v, complete %v", k, complete)
	}
	told := map[string]string{}
	for _, l := range r.Unread {
		if l.Name == "a.rar" && (!l.Sealed || l.Bytes != 4007) {
			t.Errorf("an archive of which nothing can be had: %+v", l)
		}
		told[l.Name] = l.Reason
	}
	for _, f := range r.Orgs[0].Files {
		for _, d := range f.Damage {
			told[f.Name] = d.Reason
		}
	}
	for name, want := range map[string]string{"cut.csv.gz": "", "old.pdf": "PDF", "a.rar": "RAR", "db.sqlite": "SQLite", "link": "symbolic link"} {
		if got, ok := told[name]; !ok || !strings.Contains(got, want) {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// Threads change nothing, and several organisations are kept apart and compared.
func TestThreadsAndOverlap(t *testing.T) {
	a, b := map[string][]byte{}, map[string][]byte{"same.jsonl": form(t, 20, "jsonl")}
	for i := range 12 {
		a[fmt.Sprintf("d%d/%d.csv", i%3, i)] = form(t, uint64(20+i), "csv")
	}
	b["own.csv"] = form(t, 99, "csv")
	q := question(folder(t, a), folder(t, b))
	var before []byte
	for _, threads := range []int{1, 2, 7} {
		q.Threads = threads
		r, _ := count(t, q)
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		if before != nil && !bytes.Equal(before, text) {
			t.Errorf("%d threads give another result", threads)
		}
		before = text
		all := []uint64{20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31}
		if k := persons(r, "A"); k.Exact == nil || *k.Exact != different(all...) {
			t.Errorf("%+v", k)
		}
		common := different(all...) + different(20, 99) - different(append(all, 99)...)
		if o := r.Overlap[0]; o.Count == nil || *o.Count != common {
			t.Errorf("%+v, want %d", o, common)
		}
	}
}

// An interrupted census goes on and gives what an uninterrupted one gives; under another key or other evidence it does not.
func TestResume(t *testing.T) {
	files := map[string][]byte{}
	for i := range 9 {
		files[fmt.Sprintf("%d.csv", i)] = form(t, uint64(i+1), "csv")
	}
	dir := folder(t, files)
	q := question(dir)
	q.Threads = 1
	want, _ := count(t, q)
	q.Journal = filepath.Join(t.TempDir(), "journal")
	ctx, stop := context.WithCancel(context.Background())
	var progress Progress
	_, _, err := q.run(ctx, &progress, func(r *run, ctx context.Context, it evidence.Item) part {
		if it.Name == r.items[5].Name { // one thread is never more than two items ahead
			for progress.filesDone.Load() < 3 {
				runtime.Gosched()
			}
			stop()
		}
		return r.count(ctx, it)
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	kept := int(progress.filesDone.Load())
	q.Resume = true
	other := q
	other.Key = []byte("quite another key, 32 bytes long")
	if _, _, err := Run(context.Background(), other, nil); err == nil {
		t.Error("goes on under another key")
	}
	other = q
	other.Status = exposure.Taken
	if _, _, err := Run(context.Background(), other, nil); !errors.Is(err, ErrNothingToResume) {
		t.Errorf("goes on with another question: %v", err)
	}
	counted := 0
	c, _, err := q.run(context.Background(), nil, func(r *run, ctx context.Context, it evidence.Item) part {
		counted++
		return r.count(ctx, it)
	})
	if err != nil {
		t.Fatal(err)
	}
	if kept < 3 || counted != len(files)-kept {
		t.Errorf("%d of %d files were kept, %d counted after that", kept, len(files), counted)
	}
	a, _ := json.Marshal(want)
	b, _ := json.Marshal(c.Result())
	if !bytes.Equal(a, b) {
		t.Errorf("resumed\n%s\nwant\n%s", b, a)
	}
	if _, err := os.Stat(q.Journal); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the journal is left: %v", err)
	}
}

// What nobody can look into is never told as nothing: an OpenPGP message, a container of a cipher, a spreadsheet in binary form.
func TestClosedFormsAreLosses(t *testing.T) {
	noise := make([]byte, 64<<10)
	r := rand.New(rand.NewPCG(7, 7))
	for i := range noise {
		noise[i] = byte(r.Uint32())
	}
	dir := folder(t, map[string][]byte{
		"pax.csv.gpg":   append([]byte("\x8c\x0d\x04\x09\x03\x02"), noise[:300]...),
		"to-key.gpg":    append([]byte("\x85\x01\x0c\x03"), noise[:300]...),
		"container.bin": noise,
		"list.xlsb":     zipped(t, map[string][]byte{"xl/worksheets/sheet1.bin": []byte("\x81\x01\x00")}),
		"program.dll":   append([]byte("MZ\x90\x00"), bytes.Repeat([]byte("an ordinary program "), 500)...),
		"packed.exe":    append([]byte("MZ\x90\x00"), noise...),
		"even.txt":      bytes.Repeat([]byte("0123456789abcdef"), 600),
	})
	result, complete := count(t, question(dir))
	var lost []string
	for _, l := range result.Unread {
		lost = append(lost, l.Name)
		if !l.Open && !l.Sealed {
			t.Errorf("%+v", l)
		}
	}
	slices.Sort(lost)
	if want := []string{"container.bin", "list.xlsb!xl/worksheets/sheet1.bin", "pax.csv.gpg", "to-key.gpg"}; complete || !slices.Equal(lost, want) {
		t.Errorf("lost %q, complete %v", lost, complete)
	}
}
