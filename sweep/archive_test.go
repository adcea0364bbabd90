package sweep

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/contrail-ir/contrail/evidence"
	"github.com/contrail-ir/contrail/evidence/file"
	"github.com/contrail-ir/contrail/finding"
)

// makeArchives writes the evidence of makeEvidence again, as a zip with a zip and a tar.gz in it.
func makeArchives(t *testing.T, dir string) []evidence.Root {
	t.Helper()
	r := rand.New(rand.NewPCG(7, 8))
	log := func() []byte {
		var b strings.Builder
		for range r.IntN(80) {
			fmt.Fprintf(&b, "host%d %d %s\n", r.IntN(3), r.IntN(500), []string{"quiet", "evil", "bad", "feed", "quiet"}[r.IntN(5)])
		}
		return []byte(b.String() + "host9 7 torn\n")
	}
	zipped := func(more map[string][]byte, names ...string) []byte {
		var b bytes.Buffer
		w := zip.NewWriter(&b)
		for _, n := range names {
			content := more[n]
			if content == nil {
				content = log()
			}
			e, err := w.Create(n)
			if err == nil {
				_, err = e.Write(content)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	var packed bytes.Buffer
	gz := gzip.NewWriter(&packed)
	tw := tar.NewWriter(gz)
	for i := range 5 {
		content := log()
		if err := tw.WriteHeader(&tar.Header{Name: fmt.Sprintf("var/log/%d.log", i), Size: int64(len(content)), Mode: 0o600}); err != nil {
			t.Fatal(err)
		}
		_, _ = tw.Write(content)
	}
	if err := errors.Join(tw.Close(), gz.Close()); err != nil {
		t.Fatal(err)
	}
	for org := range 2 {
		for i := range 3 {
			more := map[string][]byte{"in.zip": zipped(nil, "x.log", "y.log", "x.log"), "t.tar.gz": packed.Bytes(), "note.txt": []byte("no log"), "MFT": []byte("FILE0\x00")}
			p := filepath.Join(dir, fmt.Sprint("org", org), fmt.Sprintf("%d.zip", i))
			if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(p, zipped(more, "a.log", "in.zip", "b.log", "t.tar.gz", "note.txt", "MFT"), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	return []evidence.Root{{Org: "alpha", Path: filepath.Join(dir, "org0")}, {Org: "beta", Path: filepath.Join(dir, "org1")}}
}

func TestArchivesGiveTheSameBytesAtAnyNumberOfThreads(t *testing.T) {
	q := question(makeArchives(t, t.TempDir()), "")
	q.Formats = append(q.Formats, file.Format{})
	sameBytes(t, q, func(out *jsonl) {
		c := out.result.Certificate
		// Of each archive: 2 logs, 3 in the zip, 5 in the tar, and the three archives.
		if len(c.Files) != 6*13 || len(c.Unrecognised) != 6 || len(c.NotRead) != 6 {
			t.Fatalf("%d files, %d unrecognised, %d not read", len(c.Files), len(c.Unrecognised), len(c.NotRead))
		}
		if u := c.Unrecognised[0]; u.Path != "0.zip!note.txt" || u.SHA256 == "" || u.Lost || u.Bytes != 6 {
			t.Errorf("%+v", u)
		}
		if !strings.Contains(out.String(), `"file":"0.zip!in.zip!x.log~2"`) || !strings.Contains(out.String(), `"file":"1.zip!t.tar.gz!var/log/3.log"`) {
			t.Error("members are not named in findings")
		}
	})
}

func TestASourceMovesFilesToAnotherOrganisation(t *testing.T) {
	dir := t.TempDir()
	roots := makeArchives(t, dir)[:1]
	s, err := evidence.ReadSources(strings.NewReader("sources:\n- {path: 0.zip/in.zip, org: gamma, custody: seal 4}\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	q := question(roots, t.TempDir())
	q.Sources = s
	var all []*finding.Finding
	var end jsonl
	if err := Run(context.Background(), q, both{collect{&all}, &end}, nil); err != nil {
		t.Fatal(err)
	}
	for _, f := range all {
		if in := strings.HasPrefix(f.File, "0.zip!in.zip"); in != (f.Org == "gamma") {
			t.Errorf("%s belongs to %s", f.File, f.Org)
		}
	}
	orgs := end.result.Certificate.Orgs
	if len(orgs) != 2 || orgs[1].Name != "gamma" || len(orgs[1].Hosts) == 0 {
		t.Errorf("%+v", orgs)
	}
}

type both struct{ a, b Handler }

func (b both) Finding(f *finding.Finding) error { return errors.Join(b.a.Finding(f), b.b.Finding(f)) }
func (b both) End(r *Result) error              { return errors.Join(b.a.End(r), b.b.End(r)) }
