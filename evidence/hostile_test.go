package evidence

import (
	"context"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/internal/growth"
)

// counted is a sink that counts.
type counted struct{ rows, columns, damage int }

func (c *counted) Damage(event.Damage) { c.damage++ }
func (c *counted) Batch(b *event.Batch) error {
	c.rows += b.Rows
	c.columns += len(b.Cols)
	return nil
}

// decode reads a text with the format of the name.
func decode(t testing.TB, format, name string, body io.Reader, size int64) (c counted) {
	t.Helper()
	for _, f := range Formats() {
		if f.Name() != format {
			continue
		}
		s, err := f.Open(event.File{Name: name, Size: size, Body: body})
		if err != nil {
			t.Fatal(err)
		}
		d, needs := f.Decoder(), event.Everything()
		for {
			seg, err := s.Next(context.Background())
			if err == io.EOF {
				return c
			}
			if err != nil {
				t.Fatal(err)
			}
			c.damage += len(seg.Damage)
			if err := d.Decode(seg, &needs, &c); err != nil {
				t.Fatal(err)
			}
			seg.Release()
		}
	}
	t.Fatalf("there is no format %s", format)
	return c
}

// fill repeats what a function gives for 0, 1, 2 … until there are n bytes.
func fill(n int, unit func(i int) string) string {
	var b strings.Builder
	for i := 0; b.Len() < n; i++ {
		b.WriteString(unit(i))
	}
	return b.String()[:n]
}

func same(unit string) func(n int) string {
	return func(n int) string { return strings.Repeat(unit, n/len(unit)+1)[:n] }
}

func units(unit func(i int) string) func(n int) string {
	return func(n int) string { return fill(n, unit) }
}

func behind(head string, rest func(n int) string) func(n int) string {
	return func(n int) string { return head + rest(n) }
}

const zeekHead = "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tconn\n#fields\tts\tuid\tid.orig_h\tid.orig_p\tservice\tduration\ttunnel_parents\n#types\ttime\tstring\taddr\tport\tstring\tinterval\tset[string]\n"

func zeekLine(i int) string {
	return fmt.Sprintf("16%08d.%06d\tC%dx%d\t10.1.%d.%d\t%d\tdns\t0.0%d\t(empty)\n", i, i%1000000, i*7919, i, i%250, i%199, 1024+i%50000, i%997)
}

func jsonLine(i int) string {
	return fmt.Sprintf(`{"ts":16%08d.%06d,"uid":"C%dx%d","id.orig_h":"10.1.%d.%d","id.orig_p":%d,"service":"dns","duration":0.0%d,"nested":{"a":true,"b":null}}`+"\n", i, i%1000000, i*7919, i, i%250, i%199, 1024+i%50000, i%997)
}

func webLine(i int) string {
	return fmt.Sprintf(`10.1.%d.%d - - [12/Mar/2026:08:15:%02d +0000] "GET /a/b%d.html?id=%d HTTP/1.1" 200 %d "https://www.example.com/x" "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36"`+"\n", i%250, i%199, i%60, i, i*7919, i%9999)
}

func sshLine(i int) string {
	return fmt.Sprintf("Mar 12 08:%02d:%02d web1 sshd[%d]: Failed password for invalid user u%d from 10.1.%d.%d port %d ssh2\n", i/60%60, i%60, i%30000, i%777, i%250, i%199, 1024+i%50000)
}

// hostile says for formats of the hot path what is ordinary and what is made to cost much.
var hostile = []struct {
	format, file string
	ordinary     func(n int) string
	texts        map[string]func(n int) string
}{
	{"zeek-tsv", "conn.log", behind(zeekHead, units(zeekLine)), map[string]func(n int) string{
		"wide lines":      behind(zeekHead, units(func(i int) string { return strings.Repeat("x\t", 2000) + "\n" })),
		"only separators": behind(zeekHead, same("\t")),
		"empty lines":     behind(zeekHead, same("\n")),
		"short lines":     behind(zeekHead, same("a\n")),
		"bad times":       behind(zeekHead, same("x\ta\tb\n")),
		"wide header":     behind("#separator \\x09\n#path\tx\n#fields"+strings.Repeat("\tf", 100_000)+"\n", same("1\t2\t3\n")),
		"escapes":         behind(zeekHead, same(`1600000000.1`+"\t"+strings.Repeat(`\x41\x5c`, 50)+"\t\t\t\t\t\n")),
		"broken escapes":  behind(zeekHead, same(`1600000000.1`+"\t"+strings.Repeat(`\x`, 200)+"\t\t\t\t\t\n")),
		"long lists":      behind(zeekHead, same("1600000000.1\tC\t10.1.1.1\t1\tdns\t1\t"+strings.Repeat("a,", 1000)+"\n")),
		"headers":         behind(zeekHead, units(func(i int) string { return fmt.Sprintf("#path\tp%d\n1600000000.1\tC\n", i) })),
		"same headers":    behind(zeekHead, units(func(i int) string { return fmt.Sprintf("#path\tp%d\n1600000000.1\tC\n", i%2) })),
		"headers only":    same("#path\tx\n"),
		"fields":          units(func(i int) string { return fmt.Sprintf("#fields\tts\ta%d\n1600000000.1\tC\n", i) }),
		"bytes not UTF-8": behind(zeekHead, same("1600000000.1\t\xff\xfe\xff\xfe\xff\xfe\xff\xfe\t\t\t\t\t\n")),
		"no header":       same("1600000000.1\tC\n"),
		"marks":           behind(zeekHead, same("#\n")),
	}},
	{"json", "conn.json", units(jsonLine), map[string]func(n int) string{
		"deep":       units(func(i int) string { return strings.Repeat(`{"a":`, 60) + "1" + strings.Repeat("}", 60) + "\n" }),
		"too deep":   units(func(i int) string { return strings.Repeat(`{"a":`, 2000) + "1" + strings.Repeat("}", 2000) + "\n" }),
		"deep lists": units(func(i int) string { return `{"a":` + strings.Repeat(`[`, 500) + strings.Repeat("]", 500) + "}\n" }),
		"wide": units(func(i int) string {
			return "{" + strings.TrimSuffix(fill(20_000, func(k int) string { return fmt.Sprintf(`"k%d":%d,`, k, i) }), ",") + "\"z\":1}\n"
		}),
		"new keys":        units(func(i int) string { return fmt.Sprintf(`{"a%d":1,"b%d":2}`+"\n", i, i) }),
		"long keys":       units(func(i int) string { return fmt.Sprintf(`{"%s%d":1}`+"\n", strings.Repeat("k", 4000), i) }),
		"same key":        units(func(i int) string { return "{" + strings.Repeat(`"a":1,`, 3000) + "\"a\":2}\n" }),
		"escapes":         same(`{"a":"` + strings.Repeat(`\u0041\n`, 100) + "\"}\n"),
		"escaped keys":    units(func(i int) string { return fmt.Sprintf(`{"\u0061\u006%d":1}`+"\n", i%10) }),
		"unlike escapes":  same(`{"a":"` + strings.Repeat(`\x\`+"\\u12", 100) + "\"}\n"),
		"names in turn":   units(func(i int) string { return fmt.Sprintf(`{"a%d":1,"b":{"a%d":2},"a":3}`+"\n", i%2, i%3) }),
		"surrogates":      same(`{"a":"` + strings.Repeat(`\ud83d\ude00\ud83d`, 30) + "\"}\n"),
		"long list":       same(`{"a":[` + strings.Repeat("1,", 5000) + "1]}\n"),
		"list of objects": same(`{"a":[` + strings.Repeat(`{"b":1},`, 1000) + "{}]}\n"),
		"numbers":         same(`{"a":` + strings.Repeat("1", 300) + "}\n"),
		"empty objects":   same("{}\n"),
		"broken lines":    same(`{"a":1` + "\n"),
		"broken tails":    units(func(i int) string { return jsonLine(i)[:100] + "\n" }),
		"not an object":   behind("{\"a\":1}\n", same("xyz\n")),
		"all new":         units(func(i int) string { return fmt.Sprintf(`{"a":"%d","b":"%x","c":"x%d"}`+"\n", i, i*7919, i) }),
		"nested broken":   behind("[\n", same("{\"a\":[\n")),
		"windows": units(func(i int) string {
			return fmt.Sprintf(`{"EventID":%d,"Channel":"c%d","Provider_Name":"p%d"}`+"\n", i, i, i)
		}),
		"lists in lists":  same(`{"a":[` + strings.Repeat(`[1,[2]],`, 1000) + "[]]}\n"),
		"JSON in strings": same(`{"a":"` + strings.Repeat(`{\"b\":1},`, 100) + "\"}\n"),
	}},
	{"web", "access.log", units(webLine), map[string]func(n int) string{
		"no line end": same("GET / HTTP/1.1 "),
		"quotes":      behind(webLine(1), same(strings.Repeat(`"`, 200)+"\n")),
		"open quote":  behind(webLine(1), same(`1.2.3.4 - - [12/Mar/2026:08:15:00 +0000] "`+strings.Repeat(`\"`, 500)+"\n")),
		"short lines": behind(webLine(1), same("a\n")),
		"escapes":     behind(webLine(1), same(`1.2.3.4 - - [12/Mar/2026:08:15:00 +0000] "GET /`+strings.Repeat(`\x41%41`, 50)+` HTTP/1.1" 200 1 "-" "-"`+"\n")),
		"brackets":    behind(webLine(1), same(strings.Repeat(`[`, 200)+"\n")),
		"spaces":      behind(webLine(1), same(strings.Repeat(` `, 200)+"\n")),
		"not UTF-8":   behind(webLine(1), same(`1.2.3.4 - - [12/Mar/2026:08:15:00 +0000] "GET /`+strings.Repeat("\xff", 200)+` HTTP/1.1" 200 1 "-" "-"`+"\n")),
	}},
	{"syslog", "auth.log", units(sshLine), map[string]func(n int) string{
		"no line end": behind(sshLine(1), same("Failed password for ")),
		"short lines": behind(sshLine(1), same("a\n")),
		"programs":    units(func(i int) string { return fmt.Sprintf("Mar 12 08:15:00 h%d p%d[1]: x\n", i, i) }),
		"key values":  behind(sshLine(1), same("Mar 12 08:15:00 h kernel: "+strings.Repeat("a=b ", 100)+"\n")),
		"new keys":    units(func(i int) string { return fmt.Sprintf("Mar 12 08:15:00 h kernel: [UFW BLOCK] k%d=1 l%d=2\n", i, i) }),
		"brackets":    behind(sshLine(1), same("Mar 12 08:15:00 h sshd[1]: "+strings.Repeat("[(", 100)+"\n")),
		"audit": units(func(i int) string {
			return fmt.Sprintf("Mar 12 08:15:00 h audit: type=EXECVE msg=audit(1600000000.1:%d): a0=%x k%d=1\n", i, i, i)
		}),
		"structured":      units(func(i int) string { return fmt.Sprintf("<13>1 2026-03-12T08:15:00Z h a 1 - [x k%d=\"1\"] m\n", i) }),
		"rare bytes":      behind(sshLine(1), same("Mar 12 08:15:00 h sshd[1]: "+strings.Repeat("n(./_5", 100)+"\n")),
		"nearly devices":  behind(sshLine(1), same("Mar 12 08:15:00 "+strings.Repeat(" o.a.g/opt/panlogs missing MD5 digestcp_auth_ok", 10)+"\n")),
		"open structures": behind(sshLine(1), same("<13>1 2026-03-12T08:15:00Z h a 1 - "+strings.Repeat(`[x a="`, 100)+"\n")),
	}},
}

// TestHostileTextCostsLittleMore holds texts made to defeat readers against ordinary text, of as many bytes or, where the records are
// shorter than ordinary ones, of as many records; and against themselves twice as long. Wide bounds: machines are busy, and what this
// guards against cost tens or hundreds of times as much.
func TestHostileTextCostsLittleMore(t *testing.T) {
	size := 1 << 17
	if testing.Short() {
		size = 1 << 15
	}
	work := func(format, file, text string) (run func(), c *counted) {
		c = &counted{}
		return func() { *c = decode(t, format, file, strings.NewReader(text), int64(len(text))) }, c
	}
	for _, h := range hostile {
		base, ordinary := work(h.format, h.file, h.ordinary(size))
		for name, text := range h.texts {
			what := h.format + ": " + name
			once, of := work(h.format, h.file, text(size))
			twice, _ := work(h.format, h.file, text(2*size))
			once()
			base()
			perRecord := max(1, float64(of.rows)/float64(ordinary.rows))
			ratio := growth.Ratio(8*perRecord, base, once) / perRecord
			t.Logf("%s costs %.1f times as much as ordinary text, byte for byte %.1f times (%+v)", what, ratio, ratio*perRecord, *of)
			if ratio > 8 {
				t.Errorf("%s costs %.1f times as much as ordinary text", what, ratio)
			}
			growth.AtMost(t, what+", twice as long,", 4, once, twice)
		}
	}
}

// TestHostileTextTakesLittleMemory reads texts that once made columns for every name times every row.
func TestHostileTextTakesLittleMemory(t *testing.T) {
	size := 2 << 20
	if testing.Short() {
		size = 256 << 10
	}
	wide := "#separator \\x09\n#path\tx\n#fields" + strings.TrimRight(fill(200_000, func(i int) string { return fmt.Sprintf("\tf%d", i) }), "\n") + "\n"
	for name, c := range map[string]struct {
		format, file string
		text         func(n int) string
	}{
		"a wide header over short lines":        {"zeek-tsv", "x.log", behind(wide, same("1\t2\n"))},
		"wide headers, each of them new":        {"zeek-tsv", "x.log", units(func(i int) string { return fmt.Sprintf("#path\tp%d\n%s1\t2\n", i, wide) })},
		"structured data with names of its own": {"syslog", "auth.log", units(func(i int) string { return fmt.Sprintf("<13>1 2026-03-12T08:15:00Z h a 1 - [x k%d=\"1\"] m\n", i) })},
		"objects with names of their own":       {"json", "x.json", units(func(i int) string { return fmt.Sprintf(`{"a%d":1,"b%d":2}`+"\n", i, i) })},
	} {
		text := c.text(size)
		most := uint64(0)
		held := growth.Live()
		body := &sampled{r: strings.NewReader(text), sample: func() { most = max(most, growth.Live()) }}
		asked := growth.Allocated(func() { decode(t, c.format, c.file, body, int64(len(text))) })
		live := int64(most) - int64(held)
		t.Logf("%s: %d bytes held, %d asked for", name, live, asked)
		if live > 128<<20 {
			t.Errorf("%s: %d MiB are held", name, live>>20)
		}
		if asked > 64<<20+500*uint64(size) {
			t.Errorf("%s: %d MiB are asked for", name, asked>>20)
		}
	}
}

// sampled calls a function at every read.
type sampled struct {
	r      io.Reader
	sample func()
}

func (s *sampled) Read(p []byte) (int, error) {
	s.sample()
	return s.r.Read(p[:min(len(p), 1<<20)])
}
