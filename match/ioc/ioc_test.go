package ioc

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/internal/require"
)

func TestCanonicalValues(t *testing.T) {
	for _, c := range []struct {
		kind     Kind
		in, want string // "" for refused
	}{
		{Address, "203.0.113.7", "203.0.113.7"}, {Address, "203[.]0.113(.)7", "203.0.113.7"}, {Address, "203.0.113.7:8080", "203.0.113.7"}, {Address, "203.0.113.9/24", "203.0.113.0/24"}, {Address, "2001:DB8::1", "2001:db8::1"},
		{Address, "::ffff:203.0.113.7", "203.0.113.7"}, {Address, "203.0.113.7/32", "203.0.113.7"}, {Address, "0.0.0.0/0", ""}, {Address, "0.0.0.0", ""}, {Address, "127.0.0.1", ""}, {Address, "::/0", ""}, {Address, "300.1.1.1", ""},
		{Domain, "Evil[.]Example.", "evil.example"}, {Domain, "*.evil.example", "evil.example"}, {Domain, "evil.example:443", "evil.example"}, {Domain, "bücher.example", "xn--bcher-kva.example"}, {Domain, "com", ""}, {Domain, "co.uk", ""},
		{Domain, "evil..example", ""}, {Domain, "203.0.113.7", ""}, {Domain, `evil\.example`, "evil.example"}, {Domain, "evil[dot]example", "evil.example"},
		{URL, "hxxps://user@Evil[.]example:443/A/%7eb?q=%2f#x", "evil.example/A/~b?q=%2F"}, {URL, "evil.example/x", "evil.example/x"}, {URL, "http://evil.example", "evil.example/"}, {URL, "http[:]//evil.example:8080/x/", "evil.example:8080/x/"},
		{URL, "http://co.uk/x", ""}, {URL, "evil.example/<victim>/x", ""}, {URL, "http://[2001:db8::1]/x", ""},
		{Hash, strings.ToUpper(strings.Repeat("ab12", 8)), strings.Repeat("ab12", 8)}, {Hash, "d41d8cd98f00b204e9800998ecf8427e", ""}, {Hash, strings.Repeat("0", 64), ""}, {Hash, "abc", ""}, {Hash, strings.Repeat("AB:", 19) + "12", strings.Repeat("ab", 19) + "12"},
		{Email, "Bad[at]evil[.]example", "bad@evil.example"}, {Email, "@evil.example", ""}, {Email, "google@script", ""},
		{Registry, `HKEY_LOCAL_MACHINE\Software\\Evil\`, `hklm\software\evil`}, {Registry, `Software\Evil\Run`, `\software\evil\run`}, {Registry, `Run`, ""},
		{FilePath, `%TEMP%\Evil.exe`, `\evil.exe`}, {FilePath, `"C:\\Evil\\x.exe"`, `c:\evil\x.exe`}, {Certificate, "0A 1B:2C3d4e5f", "0a1b2c3d4e5f"}, {Certificate, "01", ""}, {Text, "ab", ""}, {Text, "----", ""},
	} {
		got, err := Canonical(c.kind, Is, c.in)
		switch {
		case c.want == "" && err == nil:
			t.Errorf("%s %q is taken as %q", c.kind, c.in, got.Value)
		case c.want != "" && (err != nil || got.Value != c.want):
			t.Errorf("%s %q is %q (%v), want %q", c.kind, c.in, got.Value, err, c.want)
		}
	}
}

func read(t *testing.T, name, text string) *Collection {
	t.Helper()
	c := &Collection{}
	c.Read(name, []byte(text))
	return c
}

func pattern1(p string) string {
	return fmt.Sprintf(`{"type":"bundle","objects":[{"type":"indicator","id":"indicator--1","name":"n","pattern":%q,"valid_from":"2021-01-01T00:00:00Z","valid_until":"2021-02-01T00:00:00Z","object_marking_refs":["marking-definition--f88d31f6-486f-44da-b317-01333bde0b82"]}]}`, p)
}

// TestStixPatterns says for each kind of pattern what it becomes, or why it is refused.
func TestStixPatterns(t *testing.T) {
	for _, c := range []struct{ pattern, want, refused string }{
		{"[ipv4-addr:value = '203.0.113.7']", "address 203.0.113.7", ""},
		{"[ipv4-addr:value ISSUBSET '203.0.113.0/24']", "address 203.0.113.0/24", ""},
		{"[ipv4-addr:value ISSUPERSET '203.0.113.7/32']", "address 203.0.113.7", ""},
		{"[ipv4-addr:value ISSUPERSET '203.0.113.0/24']", "", "events hold addresses"},
		{"[ipv6-addr:value = '2001:db8::1' OR domain-name:value = 'evil.example']", "address 2001:db8::1; domain evil.example", ""},
		{"[domain-name:value IN ('a.example','b.example')]", "domain a.example; domain b.example", ""},
		{"[url:value LIKE 'http://evil.example/%']", `url like (?s)^http://evil\.example/.*$`, ""},
		{"[url:value LIKE '%']", "", "would match nearly everything"},
		{"[file:name MATCHES '.*']", "", "would match nearly everything"},
		{"[file:name MATCHES '^evil(?=x)']", "", "cannot be run exactly"},
		{"[file:name MATCHES '^ev.l[0-9]+$']", "", "no fixed text"},
		{"[file:name MATCHES '^evil[0-9]+$']", "file-name like ^evil[0-9]+$", ""},
		{"[domain-name:value LIKE '%.com']", "", "would match nearly everything"},
		{"[file:hashes.'SHA-256' = '" + strings.Repeat("0a", 32) + "' AND file:name = 'evil.exe']", "compound (hash " + strings.Repeat("0a", 32) + " and file-name evil.exe)", ""},
		{"[file:name = 'evil.exe' AND file:size = 12]", "compound (file-name evil.exe and file:size = 12)", ""},
		{"[file:name = 'evil.exe' AND file:ctime = t'2020-01-01T00:00:00Z']", "", "file:ctime has no counterpart"},
		{"[file:name = 'evil.exe' OR file:ctime = t'2020-01-01T00:00:00Z']", "file-name evil.exe", "file:ctime has no counterpart"},
		{"[file:name != 'evil.exe']", "", "only for what nearly every event has"},
		{"[EXISTS file:name]", "", "only for what nearly every event has"},
		{"[NOT EXISTS file:name]", "", "not told from a log that does not record it"},
		{"[file:name = 'evil.exe' AND NOT EXISTS file:size]", "", "not told from a log that does not record it"},
		{"[process:name = 'cmd.exe' AND process:command_line NOT LIKE '%good%']", "compound (process cmd.exe and process:command_line NOT LIKE '%good%')", ""},
		{"[network-traffic:dst_ref.value = '203.0.113.7' AND network-traffic:dst_port IN (443, 8443)]", "compound (address 203.0.113.7 and network-traffic:dst_port IN (443, 8443))", ""},
		{"[process:opened_connection_refs[*].dst_ref.value = '203.0.113.7' AND process:opened_connection_refs[0].dst_port = 4444]", "compound (address 203.0.113.7 and process:opened_connection_refs[0].dst_port = 4444)", ""},
		{"[process:creator_user_ref.account_login = 'intruder' OR process:extensions.'windows-service-ext'.service_name = 'EvilService']", "text intruder; text EvilService", ""},
		{"[file:hashes.SSDEEP = '3:AXGBicFlgVNhBGcL6wCrFQEv:AXGHsNhxLsr2C']", "", "no counterpart in logs"},
		{"[mac-addr:value = '02:00:5e:10:00:01']", "text 02:00:5e:10:00:01", ""},
		{"[process:child_refs[*].image_ref.name = 'evil.exe']", "process evil.exe", ""},
		{"[network-traffic:protocols[*] = 'tcp']", "", "only for what nearly every event has"},
		{"[file:hashes.MD5 = h'0123456789abcdef0123456789abcdef' OR file:hashes.MD5 = b'ASNFZ4mrze8BI0VniavN7w==']", "hash 0123456789abcdef0123456789abcdef; hash 0123456789abcdef0123456789abcdef", ""},
		{"[mutex:name = 'EvilMutex']", "mutex EvilMutex", ""},
		{"[windows-registry-key:key = 'HKEY_CURRENT_USER\\\\Software\\\\Evil']", `registry hkcu\software\evil`, ""},
		{"[network-traffic:extensions.'http-request-ext'.request_header.'User-Agent' = 'EvilAgent/1']", "user-agent EvilAgent/1", ""},
		{"[network-traffic:dst_ref.type = 'ipv4-addr' AND network-traffic:dst_ref.value = '203.0.113.7']", "address 203.0.113.7", ""},
		{"[network-traffic:dst_ref.type = 'ipv6-addr' AND network-traffic:dst_port = 4444]", "compound (network-traffic:dst_ref.type = 'ipv6-addr' and network-traffic:dst_port = 4444)", ""},
		{"[network-traffic:dst_ref.value = 'evil.example']", "domain evil.example", ""},
		{"[x509-certificate:serial_number = '0a:1b:2c:3d:4e:5f']", "certificate 0a1b2c3d4e5f", ""},
		{"[process:command_line = 'evil.exe -x']", "command-line evil.exe -x", ""},
		{"[email-message:from_ref.value = 'a@evil.example']", "email a@evil.example", ""},
		{"[directory:path = 'C:\\\\Evil']", `directory c:\evil\`, ""},
		{"[file:name = 'evil.exe'] FOLLOWEDBY [domain-name:value = 'evil.example']", "observations [file:name = 'evil.exe'] FOLLOWEDBY [domain-name:value = 'evil.example']", ""},
		{"[file:name = 'evil.exe'] AND [domain-name:value = 'evil.example']", "observations [file:name = 'evil.exe'] AND [domain-name:value = 'evil.example']", ""},
		{"[file:name = 'evil.exe'] OR ([mutex:name = 'EvilMutex'] AND [domain-name:value = 'evil.example']) WITHIN 5 SECONDS", "file-name evil.exe; observations ([mutex:name = 'EvilMutex'] AND [domain-name:value = 'evil.example']) WITHIN 5 SECONDS", ""},
		{"[file:name = 'evil.exe'] AND ([x-own:name = 'EvilMutex'] OR [domain-name:value = 'evil.example'])", "observations [file:name = 'evil.exe'] AND [domain-name:value = 'evil.example']", "left out of the pattern: x-own:name has no counterpart"},
		{"[file:name = 'evil.exe'] FOLLOWEDBY [x-own:name = 'EvilMutex']", "", "x-own:name has no counterpart"},
		{"[file:name = 'evil.exe'] REPEATS 500000 TIMES", "", "more than 100000 observations"},
		{"[file:name = 'evil.exe'] START t'2021-01-01T00:00:00Z' STOP t'2021-01-02T00:00:00Z'", "observations [file:name = 'evil.exe'] START t'2021-01-01T00:00:00Z' STOP t'2021-01-02T00:00:00Z'", ""},
		{"[file:name = 'evil.exe'] OR [domain-name:value = 'evil.example']", "file-name evil.exe; domain evil.example", ""},
		{"[file:name = 'evil.exe'] WITHIN 5 SECONDS", "file-name evil.exe", ""},
		{"[file:name = 'evil.exe'] REPEATS 5 TIMES", "observations [file:name = 'evil.exe'] REPEATS 5 TIMES", ""},
		{"[file:name = ", "", "cannot be read"},
	} {
		r := read(t, "b.json", pattern1(c.pattern))
		var got []string
		for _, in := range r.Indicators {
			got = append(got, in.describe())
			if in.ID != "indicator--1" || in.About.Marking != "TLP:AMBER" || in.About.ValidFrom.Year() != 2021 {
				t.Errorf("%s: lost what it is about: %+v %+v", c.pattern, in, in.About)
			}
		}
		if strings.Join(got, "; ") != c.want {
			t.Errorf("%s\nis   %q\nwant %q (%v)", c.pattern, strings.Join(got, "; "), c.want, r.Rejected)
		}
		told := fmt.Sprint(r.Rejected)
		if c.refused == "" && len(r.Rejected) > 0 || !strings.Contains(told, c.refused) {
			t.Errorf("%s: refused with %s, want %q", c.pattern, told, c.refused)
		}
	}
}

func TestBadFiles(t *testing.T) {
	for _, c := range []struct{ name, text, why string }{
		{"a.csv", "value,type\n", "no indicators in it"}, {"a.csv", "name,size\nx,1\n", "no indicators in it"}, {"a.txt", "", "the file is empty"}, {"a.json", `{"type":"bundle","objects":[`, "is not valid JSON"},
		{"a.json", `{"x":1}`, "neither a STIX bundle nor a MISP event"}, {"a.ioc", "<ioc><definition>", "is not valid XML"}, {"a.xml", "<svg/>", "XML of no kind"}, {"a.bin", "\x00\x01\x02\x03", "binary"},
		{"a.yar", "rule x {\n condition:\n true\n}", "YARA"}, {"a.rules", `alert tcp $A any -> $B any (msg:"x";)`, "Snort"}, {"a.yml", "logsource:\n product: x\ndetection:\n a: b", "Sigma"},
		{"a.ioc", "<ioc>" + strings.Repeat("<Indicator>", 5000), "nest deeper"}, {"a.gz", "\x1f\x8b\x08\x00broken", "unpack"},
	} {
		r := read(t, c.name, c.text)
		if len(r.Reports) != 1 || !strings.Contains(r.Reports[0].Why, c.why) || len(r.Indicators) > 0 {
			t.Errorf("%s %q: %+v", c.name, c.text, r.Reports)
		}
	}
}

func batchOf(source event.Source, rows ...map[string]string) *event.Batch {
	b := event.NewBuilder(source)
	for i, r := range rows {
		b.Row(int64(i)*int64(time.Hour)+time.Date(2021, 1, 31, 23, 30, 0, 0, time.UTC).UnixNano(), uint64(i), uint64(i), nil)
		for _, k := range slices.Sorted(func(yield func(string) bool) {
			for k := range r {
				if !yield(k) {
					return
				}
			}
		}) {
			b.Text(b.Field(k), []byte(r[k]))
		}
	}
	return b.Batch()
}

func scan(t *testing.T, s *Set, b *event.Batch) (hits []string) {
	t.Helper()
	sc := s.Scanner()
	if err := sc.Scan(b, func(row int, rule event.RuleIndex) {
		h := fmt.Sprintf("%d %s", row, s.Rule(rule).describe())
		for _, m := range sc.Explain(b, row, rule) {
			h += " " + m.Field + "=" + m.Value
		}
		hits = append(hits, h)
	}); err != nil {
		t.Fatal(err)
	}
	return hits
}

func expect(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("hits\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestCompoundsNeedOneEvent(t *testing.T) {
	s := Compile(read(t, "b.json", pattern1("[file:name = 'evil.exe' AND (domain-name:value = 'a.example' OR domain-name:value = 'b.example')]")), Options{})
	expect(t, scan(t, s, batchOf(event.Source{}, map[string]string{"Image": `C:\x\EVIL.exe`, "q": "www.b.example"}, map[string]string{"Image": `C:\x\evil.exe`}, map[string]string{"q": "a.example"})),
		`0 compound (file-name evil.exe and (domain a.example or domain b.example)) Image=C:\x\EVIL.exe q=www.b.example`)
}

func TestURLInTwoColumns(t *testing.T) {
	s := Compile(read(t, "l.txt", "http://evil.example/a/b.php\n"), Options{})
	expect(t, scan(t, s, batchOf(event.Source{Product: "zeek", Service: "http"}, map[string]string{"host": "EVIL.example:80", "uri": "/a/b.php?x=1"}, map[string]string{"host": "good.example", "uri": "/a/b.php"}, map[string]string{"host": "evil.example", "uri": "/a/b.phpx"})),
		"0 url evil.example/a/b.php host=EVIL.example:80 uri=/a/b.php?x=1")
}

func TestValidityIsAskedForOnRequest(t *testing.T) {
	load := func() *Collection { return read(t, "b.json", pattern1("[domain-name:value = 'evil.example']")) }
	rows := []map[string]string{{"q": "evil.example"}, {"q": "evil.example"}} // at the end of January and an hour later
	expect(t, scan(t, Compile(load(), Options{}), batchOf(event.Source{}, rows...)), "0 domain evil.example q=evil.example", "1 domain evil.example q=evil.example")
	expect(t, scan(t, Compile(load(), Options{Valid: true}), batchOf(event.Source{}, rows...)), "0 domain evil.example q=evil.example")
}

func TestFieldsByKind(t *testing.T) {
	s := Compile(read(t, "l.txt", "evil.example\n203.0.113.7\n"), Options{Fields: map[Kind][]string{Domain: {"query"}, Address: {"dst", "src"}}})
	if w := s.Needs().Want(event.Source{}); w.All || fmt.Sprint(w.Fields) != "[dst query src]" {
		t.Errorf("wants %v", w)
	}
	expect(t, scan(t, s, batchOf(event.Source{}, map[string]string{"query": "evil.example", "other": "evil.example 203.0.113.7", "dst": "203.0.113.7"})), "0 domain evil.example query=evil.example", "0 address 203.0.113.7 dst=203.0.113.7")
	if w := Compile(read(t, "l.txt", "evil.example\n203.0.113.7\n"), Options{Fields: map[Kind][]string{Domain: {"query"}}}).Needs(); !w.Of(event.Source{}).All {
		t.Error("addresses are searched everywhere, and not every field is wanted")
	}
}

func TestDuplicatesBecomeOne(t *testing.T) {
	c := read(t, "one.txt", "evil.example\nEVIL[.]example\n")
	c.Read("two.txt", []byte("evil.example\n"))
	s := Compile(c, Options{})
	if s.Len() != 1 || len(s.Others(0)) != 1 || s.Others(0)[0].Source != "two.txt" {
		t.Errorf("%d rules, others %v", s.Len(), s.Others(0))
	}
	a, b := Compile(read(t, "x.txt", "evil.example\n"), Options{}).Rule(0).RuleID(), s.Rule(0).RuleID()
	if a != b || len(a) != 36 || a[14] != '5' {
		t.Errorf("ids %s and %s", a, b)
	}
}

func TestWarninglistsDemote(t *testing.T) {
	w, bad := LoadWarninglists(require.Data(t, "misp/warninglists"))
	if len(bad) > 0 || w.Len() < 100 {
		t.Errorf("%d lists, refused %v", w.Len(), bad)
	}
	for v, want := range map[string]bool{"10.1.2.3": true, "google.com": true, "evil-domain-nobody-has.example": false, "2001:db8::1": true, "52.219.0.0/20": true} {
		term, ok := guess(v)
		if !ok {
			term, _ = Canonical(Domain, Is, v)
		}
		if got := w.Listed(term); len(got) > 0 != want {
			t.Errorf("%s is on %q", v, got)
		}
	}
	s := Compile(read(t, "l.txt", "google.com\nnobody-has-this-one.com\n"), Options{Lists: w})
	if len(s.Warned(0)) == 0 || len(s.Warned(1)) > 0 || s.WarnedCount() != 1 {
		t.Errorf("warned %v and %v", s.Warned(0), s.Warned(1))
	}
}

func TestLoadTellsWhatIsNotThere(t *testing.T) {
	c := Load(filepath.Join(t.TempDir(), "nothing"))
	if len(c.Rejected) != 1 || !strings.Contains(c.Rejected[0].Reason, "cannot be read") {
		t.Errorf("%v", c.Rejected)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "utf16.txt"), []byte("\xff\xfee\x00v\x00i\x00l\x00.\x00i\x00n\x00f\x00o\x00\n\x00"), 0o600); err != nil {
		t.Fatal(err)
	}
	if c := Load(dir); len(c.Indicators) != 1 || c.Indicators[0].Term.Value != "evil.info" {
		t.Errorf("%v", c.Indicators)
	}
}

// What has the form of an indicator and cannot be one is refused by name, in a list as elsewhere; remarks are not.
func TestListsTellWhatTheyRefuse(t *testing.T) {
	c := read(t, "i.txt", "co.uk\n0.0.0.0/0\n127.0.0.1  # here\nd41d8cd98f00b204e9800998ecf8427e\n10.0.0.0/7\ngood.example.org\njust some words\n")
	var refused []string
	for _, r := range c.Rejected {
		refused = append(refused, r.ID)
	}
	if got, want := strings.Join(refused, " "), "co.uk 0.0.0.0/0 127.0.0.1 d41d8cd98f00b204e9800998ecf8427e 10.0.0.0/7"; got != want || len(c.Indicators) != 1 {
		t.Errorf("refused %q, want %q; %d indicators", got, want, len(c.Indicators))
	}
}
