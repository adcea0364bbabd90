package evidence

import (
	"archive/tar"
	stdzip "archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/evidence/archive"
	"github.com/contrail-ir/contrail/internal/growth"
	"github.com/contrail-ir/contrail/internal/require"
)

type named struct{ name, content string }

func zipOf(t testing.TB, files ...named) string {
	t.Helper()
	var b bytes.Buffer
	w := stdzip.NewWriter(&b)
	for _, f := range files {
		e, err := w.Create(f.name)
		if err == nil {
			_, err = io.WriteString(e, f.content)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func tarGzOf(t testing.TB, files ...named) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for _, f := range files {
		if err := w.WriteHeader(&tar.Header{Name: f.name, Size: int64(len(f.content)), Mode: 0o600}); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, f.content); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), z.Close()); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// got is what reading an item gave of one file.
type got struct {
	file   *File
	text   string
	digest string
	damage []event.Damage
}

func readAll(t *testing.T, name, content string, o Options) map[string]got {
	t.Helper()
	path := filepath.Join(t.TempDir(), "item")
	write(t, path, []byte(content))
	if o.Formats == nil {
		o.Formats = []event.Format{lines{}}
	}
	r, err := Open(Item{Org: "o", Name: name, Path: path, Size: int64(len(content))}, o)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	all := map[string]got{}
	for {
		f, err := r.Next(context.Background())
		if err == io.EOF {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		g := got{file: f}
		g.text, g.digest, g.damage = read(t, f)
		if _, twice := all[f.Name]; twice {
			t.Errorf("two files are called %q", f.Name)
		}
		all[f.Name] = g
	}
}

// TestRARWithinAnArchive reads an archive whose members' names are encrypted too.
func TestRARWithinAnArchive(t *testing.T) {
	dir := require.Named(t, "CONTRAIL_RAR_SAMPLES")
	if dir == "" {
		require.Missing(t, "CONTRAIL_RAR_SAMPLES names no folder of RAR archives")
	}
	b, err := os.ReadFile(filepath.Join(dir, "rar5-hpsw.rar"))
	if err != nil {
		t.Fatal(err)
	}
	outer := zipOf(t, named{"staged.rar", string(b)}, named{"a.log", "L a\n"})
	all := readAll(t, "o.zip", outer, Options{Passwords: []string{"password"}})
	for _, name := range []string{"o.zip!staged.rar!stest1.txt", "o.zip!staged.rar!stest2.txt", "o.zip!staged.rar", "o.zip!a.log", "o.zip"} {
		if g, ok := all[name]; !ok || len(g.damage) > 0 {
			t.Errorf("%s: %v %v", name, ok, g.damage)
		}
	}
	if f := all["o.zip!staged.rar"].file; f == nil || f.Archive != archive.RAR || f.Members != 2 || all["o.zip!staged.rar!stest1.txt"].file.Size != 2048 {
		t.Errorf("the RAR archive is %+v", f)
	}
	all = readAll(t, "o.zip", outer, Options{})
	if g := all["o.zip!staged.rar"]; len(all) != 3 || len(g.damage) != 1 || !strings.Contains(g.damage[0].Reason, "no password given opens it") {
		t.Errorf("without its password: %d files, %v", len(all), g.damage)
	}
}

func TestArchivesWithinArchives(t *testing.T) {
	big := "L " + strings.Repeat("0123456789abcdef", 5000) + "\n"
	inner := zipOf(t, named{"b.log", "L b\n"}, named{"b.log", "L again\n"}, named{"big.log", big})
	outer := zipOf(t, named{"dir/a.log", "L a\n"}, named{"in/inner.zip", inner}, named{"t.tar.gz", tarGzOf(t, named{"../var/log/c", "L c\n"})},
		named{"x.log.gz", string(zip("L packed\n"))}, named{"note.txt", "hello"})
	for _, memory := range []int64{0, 100} { // held in memory, and in a temporary file
		temp := t.TempDir()
		all := readAll(t, "case/o.zip", outer, Options{Limits: archive.Limits{Memory: memory}, TempDir: temp})
		want := map[string]string{
			"case/o.zip!dir/a.log": "L a\n", "case/o.zip!in/inner.zip!b.log": "L b\n", "case/o.zip!in/inner.zip!b.log~2": "L again\n",
			"case/o.zip!in/inner.zip!big.log": big, "case/o.zip!t.tar.gz!var/log/c": "L c\n", "case/o.zip!x.log.gz": "L packed\n",
			"case/o.zip!note.txt": "", "case/o.zip!in/inner.zip": "", "case/o.zip!t.tar.gz": "", "case/o.zip": "",
		}
		for name, text := range want {
			g, ok := all[name]
			if !ok || g.text != text {
				t.Errorf("%s: %q, want %q", name, g.text, text)
			}
		}
		if len(all) != len(want) {
			t.Errorf("%d files, want %d", len(all), len(want))
		}
		for name, content := range map[string]string{"case/o.zip": outer, "case/o.zip!in/inner.zip": inner, "case/o.zip!dir/a.log": "L a\n", "case/o.zip!note.txt": "hello"} {
			if want := fmt.Sprintf("%x", sha256.Sum256([]byte(content))); all[name].digest != want {
				t.Errorf("%s: digest %s, want %s", name, all[name].digest, want)
			}
			if all[name].file.Size != int64(len(content)) {
				t.Errorf("%s: size %d", name, all[name].file.Size)
			}
		}
		if f := all["case/o.zip"].file; f.Archive != archive.Zip || f.Members != 5 {
			t.Errorf("the archive is %q with %d members", f.Archive, f.Members)
		}
		if g := all["case/o.zip!t.tar.gz!var/log/c"]; len(g.damage) > 0 || g.file.Renamed != `"../var/log/c"` {
			t.Errorf("a name that leads out is not told: %q %v", g.file.Renamed, g.damage)
		}
		if left, _ := os.ReadDir(temp); len(left) > 0 {
			t.Error("temporary files are left")
		}
	}
}

func TestArchivesBeyondTheLimits(t *testing.T) {
	deep := zipOf(t, named{"a.log", "L a\n"})
	for range 4 {
		deep = zipOf(t, named{"z.zip", deep}, named{"b.log", "L b\n"})
	}
	all := readAll(t, "d.zip", deep, Options{Limits: archive.Limits{Depth: 2}})
	if g := all["d.zip!z.zip!z.zip"]; g.file == nil || !g.file.Lost || !strings.Contains(g.file.Why, "within 2 archives") || g.digest == "" {
		t.Errorf("depth: %+v", g)
	}
	if all["d.zip!z.zip!b.log"].text != "L b\n" {
		t.Error("what lies above the limit is not read")
	}
	// Like 42.zip: few bytes, five levels, four members each, zeros at the bottom. Small limits keep the test short.
	bomb := func(depth int) string {
		bomb := zipOf(t, named{"0.dll", strings.Repeat("\x00", 4<<20)})
		for range depth {
			bomb = zipOf(t, named{"a.zip", bomb}, named{"b.zip", bomb}, named{"c.zip", bomb}, named{"d.zip", bomb})
		}
		return bomb
	}
	explode := func(bomb string) map[string]got {
		return readAll(t, "42.zip", bomb, Options{Limits: archive.Limits{Grace: 1 << 20, Ratio: 100}})
	}
	all = explode(bomb(4))
	told := 0
	for _, g := range all {
		for _, d := range g.damage {
			if strings.Contains(d.Reason, "bomb") {
				told++
			}
		}
	}
	if told == 0 {
		t.Errorf("a bomb: %d files, and none told", len(all))
	}
	shallow, deep := bomb(3), bomb(4) // four times as much inside
	growth.AtMost(t, "a bomb one level deeper", 2.5, func() { explode(shallow) }, func() { explode(deep) })
	cut := zipOf(t, named{"a.log", "L a\n"}, named{"b.log", "L b\n"})
	all = readAll(t, "cut.zip", cut[:len(cut)-60], Options{})
	if all["cut.zip!a.log"].text != "L a\n" || len(all["cut.zip"].damage) == 0 {
		t.Errorf("a zip that is cut off: %v", all)
	}
	torn := tarGzOf(t, named{"a.log", "L a\n"}, named{"b.log", "L " + strings.Repeat("incompressible? no", 9000)})
	all = readAll(t, "t.tar.gz", torn[:len(torn)-30], Options{})
	if all["t.tar.gz!a.log"].text != "L a\n" || len(all["t.tar.gz!b.log"].damage)+len(all["t.tar.gz"].damage) == 0 {
		t.Errorf("a tar.gz that is cut off: %v", all)
	}
	if digest := fmt.Sprintf("%x", sha256.Sum256([]byte(torn[:len(torn)-30]))); all["t.tar.gz"].digest != digest {
		t.Error("the digest of a damaged archive is not that of its bytes")
	}
}

func TestArtefactsAreNamed(t *testing.T) {
	for name, c := range map[string]struct{ content, what string }{
		"C/$MFT":                          {"FILE0\x00\x03\x00", "$MFT"},
		"C/Windows/System32/config/SAM":   {"regf\x00", "registry hive"},
		"C/Windows/appcompat/Amcache.hve": {"regf\x00", "Amcache"},
		"C/Windows/Prefetch/X.pf":         {"MAM\x04\x00", "prefetch"},
		"old.pf":                          {"\x17\x00\x00\x00SCCA\x00", "prefetch"},
		"SRUDB.dat":                       {"\x00\x00\x00\x00\xef\xcd\xab\x89\x00", "SRUM"},
		"Default/History":                 {"SQLite format 3\x00", "browser history"},
		"system.journal":                  {"LPKSHHRH\x00", "systemd journal"},
		"x.vhdx":                          {"vhdxfile\x00", "VHDX"},
		"x.E01":                           {"EVF\x09\x0d\x0a\xff\x00\x01", "E01"},
		"mem.lime":                        {"EMiL\x01", "memory"},
		"x.pcap":                          {"\xd4\xc3\xb2\xa1\x02", "packet capture"},
		"x.log":                           {"hello", ""},
		"x.evtx":                          {"ElfFile\x00", ""},
	} {
		if got := artefact([]byte(c.content), name); c.what == "" && got != "" || !strings.Contains(got, c.what) {
			t.Errorf("%s: %q, want %q", name, got, c.what)
		}
	}
	all := readAll(t, "c.zip", zipOf(t, named{"C/$MFT", "FILE0\x00" + strings.Repeat("x", 100)}), Options{})
	if f := all["c.zip!C/$MFT"].file; f.NotRead == "" || f.Lost || all["c.zip!C/$MFT"].digest == "" {
		t.Errorf("%+v", f)
	}
}

// hinted is a format that keeps the hints it was opened with.
type hinted struct {
	lines
	seen map[string]event.Hints
}

func (h hinted) Open(f event.File) (event.Stream, error) {
	h.seen[f.Name] = f.Hints
	return h.lines.Open(f)
}

func TestCollectionsNameTheirHost(t *testing.T) {
	for name, c := range map[string]struct {
		item, content string
		want          Collection
		member        string
	}{
		"velociraptor": {"Collection-ws1-2026-03-01T10_11_12Z.zip", zipOf(t,
			named{"uploads/auto/C%3A/Windows/System32/winevt/Logs/Security.evtx", "L x\n"},
			named{"client_info.json", `{"Hostname":"WS01.example","OS":"windows"}`},
			named{"collection_context.json", `{"create_time":1772359999000000}`}),
			Collection{Tool: "velociraptor", Host: "WS01.example", System: "windows", Time: "2026-03-01T10:13:19Z"}, "uploads/auto/C%3A/Windows/System32/winevt/Logs/Security.evtx"},
		"uac": {"uac-web01.example-linux-20260301101112.tar.gz", tarGzOf(t, named{"[root]/var/log/auth.log", "L x\n"}),
			Collection{Tool: "uac", Host: "web01.example", System: "linux", Time: "2026-03-01T10:11:12Z"}, "[root]/var/log/auth.log"},
		"cylr": {"DC01.zip", zipOf(t, named{"C/Windows/System32/winevt/Logs/Security.evtx", "L x\n"}),
			Collection{Tool: "cylr", Host: "DC01", System: "windows"}, "C/Windows/System32/winevt/Logs/Security.evtx"},
		"kape": {"2026-03-01T101112_SRV7.zip", zipOf(t, named{"C/Windows/System32/winevt/Logs/Security.evtx", "L x\n"}),
			Collection{Tool: "kape", Host: "SRV7", System: "windows", Time: "2026-03-01T10:11:12Z"}, "C/Windows/System32/winevt/Logs/Security.evtx"},
		"kape by folder": {"triage.zip", zipOf(t, named{"SRV8/C/Windows/System32/winevt/Logs/Security.evtx", "L x\n"}),
			Collection{Tool: "drive", Host: "SRV8", System: "windows"}, "SRV8/C/Windows/System32/winevt/Logs/Security.evtx"},
		"no host": {"evidence.zip", zipOf(t, named{"C/Windows/x.log", "L x\n"}), Collection{Tool: "drive", System: "windows"}, "C/Windows/x.log"},
		"nothing": {"logs.zip", zipOf(t, named{"x.log", "L x\n"}), Collection{}, "x.log"},
	} {
		h := hinted{seen: map[string]event.Hints{}}
		all := readAll(t, "case/"+c.item, c.content, Options{Formats: []event.Format{h}})
		got := all["case/"+c.item].file.Collection
		if got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
		if hint := h.seen["case/"+c.item+"!"+c.member].Host; hint != c.want.Host {
			t.Errorf("%s: the host hint is %q", name, hint)
		}
	}
	dir := t.TempDir()
	for p, content := range map[string]string{
		"k/HOSTA/C/Windows/System32/winevt/Logs/a.log":   "L a\n",
		"k/HOSTB/C/Users/x/b.log":                        "L b\n",
		"v/uploads/auto/C%3A/Windows/c.log":              "L c\n",
		"v/client_info.json":                             `{"os_info":{"hostname":"HOSTV","system":"windows"}}`,
		"uac-lin1-linux-20260301101112/[root]/etc/d.log": "L d\n",
		"plain/e.log": "L e\n",
	} {
		write(t, filepath.Join(dir, p), []byte(content))
	}
	items, _, err := Walk(context.Background(), []Root{{"o", dir}})
	if err != nil {
		t.Fatal(err)
	}
	found := FindCollections(items)
	if len(found.All()) != 4 {
		t.Errorf("%+v", found.All())
	}
	for _, it := range items {
		want := map[string]string{"a.log": "HOSTA", "b.log": "HOSTB", "c.log": "HOSTV", "d.log": "lin1"}[filepath.Base(it.Name)]
		if got := found.of(it.Org, it.Name).Host; got != want && strings.HasSuffix(it.Name, ".log") {
			t.Errorf("%s: host %q, want %q", it.Name, got, want)
		}
	}
}

func TestSourcesSayWhatIsKnown(t *testing.T) {
	s, err := ReadSources(strings.NewReader(`
sources:
  - path: "**"
    custody: seal 1
  - path: alpha/*/logs
    org: alpha
    host: web01
    zone: Asia/Tokyo
    offset: -90s
    encoding: shift_jis
  - path: "**/*.odd"
    format: lines
    zone: "+05:30"
`), []event.Format{lines{}})
	if err != nil {
		t.Fatal(err)
	}
	a := s.For("alpha/x/logs/deep/a.log")
	if a.Org != "alpha" || a.Host != "web01" || a.Zone.String() != "Asia/Tokyo" || a.Offset != -90*time.Second || a.Encoding != "shift_jis" || a.Custody != "seal 1" || a.Format != "" {
		t.Errorf("%+v", a)
	}
	if b := s.For("c.zip!in/b.odd"); b.Format != "lines" || b.Org != "" || b.Zone.String() != "+05:30" {
		t.Errorf("%+v", b)
	}
	if got := s.Orgs(); !slices.Equal(got, []string{"alpha"}) {
		t.Error(got)
	}
	all := readAll(t, "c.zip", zipOf(t, named{"in/b.odd", "no line of the format"}), Options{Sources: s})
	if g := all["c.zip!in/b.odd"]; g.text != "no line of the format" || g.file.Custody != "seal 1" {
		t.Errorf("%+v", g)
	}
	for text, want := range map[string]string{
		"sources:\n- path: a\n  hots: x":           "line 3: unknown key \"hots\"",
		"sources:\n- path: a\n  columns: x":        "line 3: \"columns\" must be a map",
		"sources:\n- path: a\n  columns: {time: }": "line 3: \"time\" must name one column",
		"other: 1":            "line 1: unknown key \"other\"",
		"sources:\n- host: x": "line 2: path is missing",
		"sources:\n- path: a\n  zone: Mars/Olympus": "line 3: \"Mars/Olympus\" is no time zone",
		"sources:\n- path: a\n  zone: Local":        "is no time zone",
		"sources:\n- path: a\n  offset: soon":       "is no duration",
		"sources:\n- path: a\n  format: papyrus":    "format \"papyrus\" is not known",
		"sources:\n- path: a\n  encoding: morse":    "encoding \"morse\" is not known",
		"sources:\n- path: '[a'":                    "is no pattern",
		"sources:\n- path: [a, b]":                  "must have one value",
		"sources: 3":                                "must be a list",
		"- a":                                       "want the key",
		"sources:\n- path: &a x\n  host: *a":        "must have one value",
		"sources: [":                                "line",
	} {
		if _, err := ReadSources(strings.NewReader(text), nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

func FuzzSources(f *testing.F) {
	f.Add("sources:\n- path: '**/a/**/b*'\n  zone: UTC\n", "a/a/b/c")
	f.Fuzz(func(t *testing.T, text, name string) {
		s, err := ReadSources(strings.NewReader(text), nil)
		if err == nil {
			s.For(name)
		}
	})
}

func FuzzDescribers(f *testing.F) {
	f.Add([]byte("regf"), "C/Windows/x", []byte(`{"Hostname":"x"}`))
	f.Fuzz(func(t *testing.T, head []byte, name string, told []byte) {
		artefact(head, name)
		describe(head, name)
		layoutOf(name)
		c := byName(name)
		c.tell("client_info.json", told)
		c.tell("collection_context.json", told)
		if c.Host != "" && len(c.Host) > 600 {
			t.Error("a host of any length")
		}
	})
}

func TestAnOrganisationsOwnSourcesSpeakOfItAlone(t *testing.T) {
	read := func(text string) *Sources {
		s, err := ReadSources(strings.NewReader(text), []event.Format{lines{}})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	own := read("sources:\n  - path: conn.log\n    org: Alpha Airways\n    host: a1\n")
	rest := read("sources:\n  - path: conn.log\n    org: gamma\n    host: other\n")
	s := JoinSources(map[string]*Sources{"alpha": own}, rest)
	for org, want := range map[string]Setting{"alpha": {Host: "a1"}, "beta": {Org: "gamma", Host: "other"}} {
		if got := s.Of(org).For("conn.log"); got.Host != want.Host || got.Org != want.Org {
			t.Errorf("%s: %+v, want %+v", org, got, want)
		}
	}
	if got := JoinSources(map[string]*Sources{"alpha": own}, nil).Of("beta").For("conn.log"); got.Host != "" {
		t.Errorf("nobody spoke of beta: %+v", got)
	}
	if got := s.Orgs(); !slices.Equal(got, []string{"gamma"}) {
		t.Errorf("organisations %v", got)
	}
	var none *Sources
	if none.Of("x") != nil || own.For("conn.log").Org != "Alpha Airways" {
		t.Error("what was joined has changed")
	}
}
