package evidence

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/internal/require"
)

// asked is a sifter that suspects nothing and keeps what it was asked about.
type asked struct{ texts map[string]bool }

func (a asked) Suspects(text []byte) bool {
	a.texts[string(text)] = true
	return false
}

// answers says whether the answers clear a value: it was asked about, or is a stretch of a text that was, between ends or bytes that part it.
func (a asked) answers(value string) bool {
	if value == "" || a.texts[value] {
		return true
	}
	parts := func(c byte) bool { return event.Parts(c) || c == ':' && strings.IndexByte(value, ':') < 0 }
	for text := range a.texts {
		for at := 0; ; at++ {
			i := strings.Index(text[at:], value)
			if i < 0 {
				break
			}
			at += i
			if end := at + len(value); (at == 0 || parts(text[at-1])) && (end == len(text) || parts(text[end])) {
				return true
			}
		}
	}
	return false
}

// cleared decodes a text with everything wanted of suspected records only, and wants every value of every row that the reader takes for
// clear to have been asked about. It gives how many such rows there are.
func cleared(t *testing.T, f event.Format, name string, text []byte) (rows int) {
	t.Helper()
	a := asked{map[string]bool{}}
	needs := event.Always(func(event.Source) event.Want { return event.Want{All: true, Sifted: true} })
	needs.Sifter = func() event.Sifter { return a }
	sink := &clearRows{}
	s, err := f.Open(event.File{Name: name, Size: int64(len(text)), Body: bytes.NewReader(text)})
	if err != nil {
		return 0
	}
	for d := f.Decoder(); ; {
		seg, err := s.Next(context.Background())
		if err != nil {
			break
		}
		if err := d.Decode(seg, &needs, sink); err != nil {
			t.Fatal(err)
		}
		seg.Release()
	}
	for _, r := range sink.rows {
		for _, field := range r.Fields {
			if !field.Null && !a.answers(field.Text) {
				t.Errorf("%s, %s: a row is taken for clear, and nobody was asked about its %s %q", f.Name(), name, field.Name, field.Text)
				return len(sink.rows)
			}
		}
	}
	return len(sink.rows)
}

// clearRows keeps the whole events of rows that are not suspected.
type clearRows struct{ rows []event.Record }

func (c *clearRows) Damage(event.Damage) {}
func (c *clearRows) Batch(b *event.Batch) error {
	for row := range b.Rows {
		if _, suspect := slices.BinarySearch(b.Suspects, row); !b.Sifted || suspect {
			continue
		}
		var rec event.Record
		if err := b.Fetch(row, &rec); err != nil {
			return err
		}
		c.rows = append(c.rows, rec)
	}
	return nil
}

// clearLines are lines of the formats that leave clear records whole, and what is hard about them.
var clearLines = map[string][]string{
	"web": {webLine(1), "v.example:80 [::1]:8080 - - [12/Mar/2026:08:15:00 +0000] \"GET http://h.example/a?b HTTP/1.1\" 200 1 \"-\" \"a\\\"b\"x\n",
		"h:1 10.0.0.1 - \"bob\" [12/Mar/2026:08:15:00 +0000] \"GET /a?b?c HTTP/1.1\" 200 1 \"http://r.example/x\" \"agent\" extra \"more\n",
		"[a:b:80 10.0.0.1 - - [12/Mar/2026:08:15:00 +0000] \"CONNECT h:443 HTTP/1.1\" 200 - \"-\" \"-\"\n", "1.2.3.4 - - [12/Mar/2026:08:15:00 +0000] \"\\x16\\x03\" 400 0 \"-\" \"-\"\n"},
	"w3c": {"#Version: 1.0\n#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query c-ip cs(User-Agent) sc-status\n", "2026-03-12 08:15:00 10.0.0.1 GET /a.php x=1 10.0.0.2 a+b 200\n",
		"2026-03-12 08:15:00 10.0.0.1 GET /a.php - 10.0.0.2 \"a \"\"b\"\"\" 200\n", "#Fields: date time action protocol src-ip dst-ip\n", "2026-03-12 08:15:00 DROP TCP 10.0.0.1 10.0.0.2\n",
		"#Fields: date time c-ip cs-host cs-uri-scheme cs-uri-path cs-uri-query\n", "2026-03-12 08:15:00 10.0.0.1 h.example http /a.php ?x=1\n"},
	"syslog": {sshLine(1), "Mar 12 08:15:00 h sshd[1]: Received disconnect from 2001:db8::1: 11: bye. [preauth]\n", "Mar 12 08:15:00 h sshd[1]: User a.b. from :2001:db8::1 not allowed because x\n",
		"Mar 12 08:15:00 h sshd[1]: Accepted publickey for u from 10.0.0.1 port 1 ssh2: RSA SHA256:x/y.\n", "Mar 12 08:15:00 h sshd[1]: Accepted publickey for u from 2001:db8::1 port 1 ssh2: RSA SHA256:x/y\n", "Mar 12 08:15:00 h sshd[1]: Connection closed by (2001:db8::1) port 2:3,\n",
		"Mar 12 08:15:00 h useradd[1]: new user: name=bob, UID=1, home=/home/a:b, shell=x.\n", "Mar 12 08:15:00 h useradd[1]: pam_unix(useradd:auth): x uid=0\n", "Mar 12 08:15:00 h chpasswd[1]: pam_unix(chpasswd:chauthtok): password changed for a:b.\n",
		"Mar 12 08:15:00 h usermod[1]: a:b: name=x\n", "Mar 12 08:15:00 h userdel[1]: delete user 'a:b.'\n", "Mar 12 08:15:00 h sudo:    bob : TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/bin/ls a:b\n",
		"Mar 12 08:15:00 h CRON[1]: (root) CMD (cd / && x)\n", "Mar 12 08:15:00 h kernel: [1.2] [UFW BLOCK] IN=e OUT= MAC=0:1 SRC=10.0.0.1 DST=10.0.0.2 PROTO=TCP SPT=1\u00a0x=2\n",
		"Mar 12 08:15:00 h sshd[1]: pam_unix(sshd:auth:x): authentication failure; logname= uid=0 rhost=10.0.0.1  user=root\n", "Mar 12 08:15:00 h su[1]: (to root) bob on pts/0\n",
		"<13>1 2026-03-12T08:15:00Z h a.b 1 ID-1 [x k=\"v\\\"w\"] m\n", "<13>1 2026-03-12T08:15:00Z h a:b 1 - - \ufeffm\n", "Mar 12 08:15:00 h a:b[1]:m:n\n", "Mar 12 08:15:00 h named[1]: client 10.0.0.1#5:6: query: x IN A\n", "Mar 12 08:15:00 h named[1]: client @0x7f 2001:db8::1#53: view a: query: x.example IN A +E(0)K (10.0.0.53)\n",
		"Mar 12 08:15:00 h named[1]: client 10.0.0.1#53 (x.example): query (cache) 'x.example/A/IN' denied\n",
		"Mar 12 08:15:00 s@r/h last message repeated 2 times\n", "Mar 12 08:15:00 h sshd[1]: [ID 800047 auth.info] Failed password for x from 10.0.0.1 port 2 ssh2\n continued: here.\n"},
}

// TestEveryClearedValueWasAskedAbout holds readers to what event.Sifter promises, on hard lines and on the beginnings of the real logs.
func TestEveryClearedValueWasAskedAbout(t *testing.T) {
	formats := map[string]event.Format{}
	for _, f := range Formats() {
		formats[f.Name()] = f
	}
	for format, lines := range clearLines {
		for i := range lines {
			text := lines[i]
			if format == "w3c" {
				text = strings.Join(lines[:i+1], "")
			}
			cleared(t, formats[format], "x.log", []byte(text))
		}
		if rows := cleared(t, formats[format], "x.log", []byte(strings.Join(lines, ""))); rows < len(lines)-3 {
			t.Errorf("%s: only %d rows of %d lines can be clear", format, rows, len(lines))
		}
	}
	most := 8 << 10
	if testing.Short() {
		most = 2 << 10
	}
	rows := map[string]int{}
	for _, dir := range []string{"weblogs", "zeek", "suricata"} {
		err := filepath.WalkDir(require.Data(t, dir), func(p string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			text, err := beginning(p, most)
			if err != nil {
				return err
			}
			var best event.Format
			sure := event.No
			for _, f := range Formats() {
				if c := f.Recognise(text, p); c > sure {
					best, sure = f, c
				}
			}
			if best != nil {
				rows[best.Name()] += cleared(t, best, p, text)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Log(rows)
	for _, format := range []string{"web", "w3c", "syslog", "json", "zeek-tsv"} {
		if rows[format] == 0 {
			t.Errorf("no row of %s is clear", format)
		}
	}
}

// beginning reads the first whole lines of a file.
func beginning(path string, most int) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	in := io.Reader(file)
	if strings.HasSuffix(path, ".gz") {
		if in, err = gzip.NewReader(file); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	text, err := io.ReadAll(io.LimitReader(in, int64(most)))
	if len(text) == most {
		text = text[:bytes.LastIndexByte(text, '\n')+1]
	}
	return text, err
}

// FuzzClearedValues looks for values that a reader takes for clear without having asked.
func FuzzClearedValues(f *testing.F) {
	var formats []event.Format
	for _, x := range Formats() {
		if name := x.Name(); !strings.HasPrefix(name, "evtx") {
			formats = append(formats, x)
			for _, line := range clearLines[name] {
				f.Add(uint8(len(formats)-1), []byte(line+clearLines[name][0]+line))
			}
		}
	}
	f.Fuzz(func(t *testing.T, format uint8, text []byte) {
		if len(text) < 1<<12 {
			cleared(t, formats[int(format)%len(formats)], "x.log", text)
		}
	})
}
