package evidence

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/contrail-ir/contrail/event"
)

func write(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
}

func names(items []Item) string {
	var out []string
	for _, it := range items {
		out = append(out, it.Org+":"+it.Name)
	}
	return strings.Join(out, " ")
}

func TestWalkNamesFilesByTheEvidenceRoot(t *testing.T) {
	dir := t.TempDir()
	for _, p := range []string{"a/x/2.log", "a/x/1.log", "a/y/3.log", "b/4.log"} {
		write(t, filepath.Join(dir, p), []byte("x"))
	}
	for want, roots := range map[string][]Root{
		"o:x/1.log o:x/2.log o:y/3.log":                 {{"o", filepath.Join(dir, "a")}},
		"o:1.log":                                       {{"o", filepath.Join(dir, "a/x/1.log")}},
		"o:x/1.log o:y/3.log":                           {{"o", filepath.Join(dir, "a/y")}, {"o", filepath.Join(dir, "a/x/1.log")}},
		"p:4.log o:1.log o:2.log":                       {{"p", filepath.Join(dir, "b")}, {"o", filepath.Join(dir, "a/x")}},
		"o:a/x/1.log o:a/x/2.log o:a/y/3.log":           {{"o", filepath.Join(dir, "a")}, {"o", filepath.Join(dir, "a/x")}, {"o", dir + "/b/../a"}},
		"o:x/1.log o:x/2.log o:y/3.log q:1.log q:2.log": {{"o", filepath.Join(dir, "a")}, {"q", filepath.Join(dir, "a/x")}},
	} {
		items, unread, err := Walk(context.Background(), roots)
		if err != nil || len(unread) > 0 {
			t.Fatalf("%v %v", err, unread)
		}
		got := names(items)
		// Roots within each other are one evidence root, the outermost.
		if want == "o:a/x/1.log o:a/x/2.log o:a/y/3.log" {
			want = "o:x/1.log o:x/2.log o:y/3.log"
		}
		if got != want {
			t.Errorf("%v gives %s, want %s", roots, got, want)
		}
	}
	if _, _, err := Walk(context.Background(), []Root{{"o", filepath.Join(dir, "missing")}}); err == nil {
		t.Error("evidence that does not exist is no error")
	}
}

// lines is a format of lines that begin with "L ".
type lines struct{}

func (lines) Name() string { return "lines" }
func (lines) Recognise(head []byte, _ string) event.Confidence {
	if bytes.HasPrefix(head, []byte("L ")) {
		return event.Likely
	}
	return event.No
}
func (lines) Open(f event.File) (event.Stream, error) {
	if f.Size == 13 {
		return nil, fmt.Errorf("thirteen bytes")
	}
	return &lineStream{in: bufio.NewReader(f.Body)}, nil
}
func (lines) Decoder() event.Decoder { return nil }

type lineStream struct{ in *bufio.Reader }

func (s *lineStream) Next(context.Context) (*event.Segment, error) {
	line, err := s.in.ReadBytes('\n')
	if len(line) > 0 {
		return &event.Segment{Data: line}, nil
	}
	return nil, err
}

func read(t *testing.T, f *File) (got, digest string, damage []event.Damage) {
	t.Helper()
	var all strings.Builder
	for {
		seg, err := f.Next(context.Background())
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		all.Write(seg.Data)
	}
	digest, damage, err := f.Finish()
	if err != nil {
		t.Fatal(err)
	}
	return all.String(), digest, damage
}

func zip(s string) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = io.WriteString(w, s)
	_ = w.Close()
	return b.Bytes()
}

func openOne(t *testing.T, item Item) *File {
	t.Helper()
	r, err := Open(item, Options{Formats: []event.Format{lines{}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	f, err := r.Next(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestOpenUnpacksHashesAndKeepsWhatCameBeforeDamage(t *testing.T) {
	whole := strings.Repeat("L some words that compress\n", 20000)
	packed := zip(whole)
	for name, c := range map[string]struct {
		content []byte
		want    string
		damage  string
	}{
		"plain":            {[]byte("L one\nL two"), "L one\nL two", ""},
		"gzip":             {packed, whole, ""},
		"several members":  {append(zip("L one\n"), zip("L two\n")...), "L one\nL two\n", ""},
		"trailing garbage": {append(zip("L one\n"), "garbage, garbage"...), "L one\n", "not gzip"},
		"cut off":          {packed[:len(packed)-6], whole, "cut off"},
		"broken":           {append(bytes.Clone(packed[:len(packed)-8]), 0, 0, 0, 0, 0, 0, 0, 0), whole, "broken"},
	} {
		path := filepath.Join(t.TempDir(), "f")
		write(t, path, c.content)
		f := openOne(t, Item{Name: "f", Path: path, Size: int64(len(c.content))})
		got, digest, damage := read(t, f)
		if got != c.want {
			t.Errorf("%s: read %d bytes, want %d", name, len(got), len(c.want))
		}
		if want := fmt.Sprintf("%x", sha256.Sum256(c.content)); digest != want {
			t.Errorf("%s: digest %s, want %s", name, digest, want)
		}
		if c.damage == "" && len(damage) > 0 || c.damage != "" && (len(damage) != 1 || !strings.Contains(damage[0].Reason, c.damage)) {
			t.Errorf("%s: damage %v, want %q", name, damage, c.damage)
		}
	}
}

func TestOpenSaysWhatAnUnknownFileSeemsToBe(t *testing.T) {
	for name, c := range map[string]struct {
		content string
		why     string
		lost    bool
	}{
		"empty.evtx": {"", "empty file", true},
		"zero.bin":   {"\x00\x00\x00", "only zero bytes at the beginning", false},
		"x.exe":      {"MZ\x90\x00", "Windows executable", false},
		"note.txt":   {"hello", "text of no known log format", false},
		"blob.evtx":  {"\x01\x02\x03", "binary data of no known format", true},
		"13.log":     {"L 34567890123", "looks like lines, but: thirteen bytes", true},
		"bad.gz":     {"\x1f\x8b\x08\xff", "gzip data that cannot be unpacked: unexpected EOF", true},
	} {
		path := filepath.Join(t.TempDir(), "f")
		write(t, path, []byte(c.content))
		f := openOne(t, Item{Name: name, Path: path, Size: int64(len(c.content))})
		if f.Format != nil || f.Why != c.why || f.Lost != c.lost {
			t.Errorf("%s: %q lost %v, want %q %v", name, f.Why, f.Lost, c.why, c.lost)
		}
		if _, digest, _ := read(t, f); digest != fmt.Sprintf("%x", sha256.Sum256([]byte(c.content))) {
			t.Errorf("%s: a file that is not read has no digest", name)
		}
	}
	if _, err := Open(Item{Path: filepath.Join(t.TempDir(), "gone")}, Options{}); err == nil {
		t.Error("a file that is gone is no error")
	}
}
