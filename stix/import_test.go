package stix

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/contrail-ir/contrail/internal/require"
	"github.com/contrail-ir/contrail/stix/pattern"
)

func open(t testing.TB, path string) io.ReadCloser {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(path, ".gz") {
		return f
	}
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	return struct {
		io.Reader
		io.Closer
	}{z, f}
}

func TestImportOfPublishedBundles(t *testing.T) {
	dir := require.Data(t, "ioc")
	files, objects, indicators, problems := 0, 0, 0, map[string]int{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		name := filepath.ToSlash(path)
		if err != nil || d.IsDir() || !strings.HasSuffix(name, ".stix2") && !(strings.Contains(name, "unit42") && strings.Contains(name, ".json")) || strings.HasSuffix(name, "reports.json") {
			return err
		}
		files++
		f := open(t, path)
		defer f.Close()
		got, damage, err := ReadAll(f, Limits{})
		if err != nil || len(damage) > 0 {
			t.Errorf("%s: %v %v", name, damage, err)
		}
		objects += len(got)
		for _, o := range got {
			if i, ok := o.(*Indicator); ok {
				indicators++
				e, err := pattern.Parse(i.Pattern)
				if err != nil {
					problems["pattern refused"]++
					continue
				}
				if again, err := pattern.Parse(e.String()); err != nil || again.String() != e.String() {
					t.Errorf("%s: %s", i.ID, e)
				}
			}
			for _, p := range Errors(Validate(o)) {
				problems[p.Type+" "+p.Path]++
			}
			one := must(Marshal(o))
			if two := must(Marshal(must(Unmarshal(one)))); !bytes.Equal(one, two) {
				t.Errorf("%s changes in a round trip", o.Head().ID)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d files, %d objects, %d indicators; errors by place: %v", files, objects, indicators, problems)
	if files < 90 || indicators < 8000 {
		t.Errorf("only %d files and %d indicators", files, indicators)
	}
}

func TestImportOfATTACK(t *testing.T) {
	dir := require.Data(t, "attack-stix")
	for file, version := range map[string]string{"enterprise-attack-stix20.json.gz": "2.0", "ics-attack-18.1-stix21.json.gz": "2.1", "mobile-attack-14.1-stix21.json.gz": "2.1"} {
		if testing.Short() && version == "2.0" {
			continue
		}
		f := open(t, filepath.Join(dir, file))
		rd := NewReader(f, Limits{})
		counts, errors, n := map[string]int{}, map[string]int{}, 0
		for {
			o, err := rd.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			n++
			counts[TypeOf(o)]++
			for _, p := range Errors(Validate(o)) {
				errors[fmt.Sprint(p.Type, " ", p.Path, " ", p.Text)]++
			}
		}
		f.Close()
		t.Logf("%s (%s): %d objects, %d intrusion sets, %d relationships; errors %.600v", file, version, n, counts["intrusion-set"], counts["relationship"], errors)
		if counts["attack-pattern"] == 0 || counts["intrusion-set"] == 0 || counts["relationship"] == 0 {
			t.Errorf("%s: %v", file, counts)
		}
	}
}

func TestImportOfMISPEvents(t *testing.T) {
	dir := require.Data(t, "ioc/eset")
	var all []Object
	files := 0
	counts := map[string]int{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".json") {
			return err
		}
		raw, err := os.ReadFile(path)
		if err != nil || !bytes.Contains(raw, []byte(`"Event"`)) {
			return err
		}
		files++
		objects, damage, err := ReadMISP(bytes.NewReader(raw), Limits{})
		if err != nil {
			t.Errorf("%s: %v", path, err)
		}
		for _, d := range damage {
			if !strings.Contains(d.Reason, "left out") && !strings.Contains(d.Reason, "no counterpart") {
				t.Errorf("%s: %s", path, d.Reason)
			}
		}
		again, _, _ := ReadMISP(bytes.NewReader(raw), Limits{})
		one, err1 := (&Bundle{Objects: objects}).Marshal()
		two, err2 := (&Bundle{Objects: again}).Marshal()
		if err1 != nil || err2 != nil || !bytes.Equal(one, two) {
			t.Errorf("%s: two imports differ: %v %v", path, err1, err2)
		}
		all = append(all, objects...)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range all {
		counts[TypeOf(o)]++
		for _, p := range Errors(Validate(o)) {
			t.Error(p)
		}
	}
	t.Logf("%d files: %v", files, counts)
	if files != 21 || counts["report"] != 21 || counts["indicator"] < 200 || counts["observed-data"] < 800 {
		t.Error(files, counts)
	}
	seen := map[ID]bool{}
	var once []Object
	for _, o := range all {
		if id := o.Head().ID; !seen[id] {
			seen[id] = true
			once = append(once, o)
		}
	}
	// The common validator takes a second for a hundred objects.
	most := 30
	if testing.Short() {
		most = 5
	}
	kept, n := once[:0], map[string]int{}
	for _, o := range once {
		if n[TypeOf(o)]++; n[TypeOf(o)] <= most {
			kept = append(kept, o)
		}
	}
	once = kept
	validate(t, &Bundle{Objects: once})
}

// The event is made up; every kind of attribute the import knows stands in it once.
const mispSample = `{"Event":{"uuid":"5f3b1f9e-0000-4000-8000-000000000001","info":"made up","date":"2021-11-01","timestamp":"1635753600","publish_timestamp":0,
"Orgc":{"uuid":"5f3b1f9e-0000-4000-8000-000000000002","name":"Example"},"Tag":[{"name":"tlp:green"},{"name":"tlp:amber+strict"},{"name":"osint"}],
"Galaxy":[{"type":"mitre-attack-pattern","GalaxyCluster":[{"value":"Exfil - T1041","uuid":"5f3b1f9e-0000-4000-8000-000000000003","meta":{"external_id":["T1041"],"refs":["https://x.example/"],"synonyms":["out"]}}]},{"type":"whatever","GalaxyCluster":[{"value":"x"}]}],
"Attribute":[
{"type":"md5","to_ids":true,"value":"D41D8CD98F00B204E9800998ECF8427E","uuid":"bad","Sighting":[{"type":"0","date_sighting":"1635753601"},{"type":1},{"type":"2"}]},
{"type":"domain|ip","to_ids":true,"value":"Relay.example|198.51.100.3"},{"type":"ip-dst|port","to_ids":1,"value":"198.51.100.3|443"},{"type":"regkey|value","to_ids":"1","value":"HKLM\\Run|it's \\ here"},
{"type":"filename|sha1","to_ids":false,"value":"C:\\a\\b.exe|da39a3ee5e6b4b0d3255bfef95601890afd80709"},{"type":"ip-src","value":"not an address"},{"type":"ip-src","value":"2001:db8::/32"},
{"type":"text","value":"free"},{"type":"link","value":"https://x.example/report"},{"type":"vulnerability","value":"CVE-2099-0001"},{"type":"yara","to_ids":true,"value":"rule x { condition: true }"},
{"type":"malware-sample","value":"a.exe|d41d8cd98f00b204e9800998ecf8427e","data":"UEsDBA=="},{"type":"url","deleted":true,"value":"https://gone.example"},{"type":"AS","value":"AS64500"},
{"type":"user-agent","to_ids":true,"value":"x"},{"type":"threat-actor","value":"T"},{"type":"campaign-name","value":"C"},{"type":"stix2-pattern","to_ids":true,"value":"[broken"}],
"Object":[{"name":"file","uuid":"5f3b1f9e-0000-4000-8000-000000000004","Attribute":[{"type":"md5","to_ids":true,"value":"d41d8cd98f00b204e9800998ecf8427e"},{"type":"sha1","value":"da39a3ee5e6b4b0d3255bfef95601890afd80709"},{"type":"filename","value":"x.exe"},{"type":"text","value":"state"}]}],
"ShadowAttribute":[{"type":"md5"}]}}`

func TestImportOfEveryAttribute(t *testing.T) {
	objects, damage, err := ReadMISP(strings.NewReader(mispSample), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	var patterns []string
	counts := map[string]int{}
	for _, o := range objects {
		counts[TypeOf(o)]++
		for _, p := range Errors(Validate(o)) {
			t.Error(p)
		}
		if i, ok := o.(*Indicator); ok {
			patterns = append(patterns, i.PatternType+" "+i.Pattern)
			if len(i.ObjectMarkingRefs) != 1 || i.ObjectMarkingRefs[0] != TLPAmberStrict.Marking().ID {
				t.Error("the stricter of two TLP tags does not hold", i.ObjectMarkingRefs)
			}
		}
	}
	want := []string{
		"stix [file:hashes.MD5 = 'd41d8cd98f00b204e9800998ecf8427e']",
		"stix [domain-name:value = 'relay.example' AND domain-name:resolves_to_refs[*].value = '198.51.100.3']",
		"stix [network-traffic:dst_ref.value = '198.51.100.3' AND network-traffic:dst_port = 443]",
		`stix [windows-registry-key:key = 'HKEY_LOCAL_MACHINE\\Run' AND windows-registry-key:values[*].data = 'it\'s \\ here']`,
		"yara rule x { condition: true }",
		"stix [network-traffic:extensions.'http-request-ext'.request_header.'User-Agent' = 'x']",
		"stix [file:hashes.MD5 = 'd41d8cd98f00b204e9800998ecf8427e' OR file:hashes.'SHA-1' = 'da39a3ee5e6b4b0d3255bfef95601890afd80709']",
	}
	if strings.Join(patterns, "\n") != strings.Join(want, "\n") {
		t.Errorf("\n%s", strings.Join(patterns, "\n"))
	}
	for typ, n := range map[string]int{"sighting": 1, "opinion": 1, "vulnerability": 1, "threat-actor": 1, "campaign": 1, "attack-pattern": 1, "note": 4, "observed-data": 4, "report": 1} {
		if counts[typ] != n {
			t.Errorf("%d %s, want %d", counts[typ], typ, n)
		}
	}
	var reasons []string
	for _, d := range damage {
		reasons = append(reasons, d.Reason)
	}
	for _, word := range []string{"proposals", "attachment", "galaxy whatever", "expiry", "pattern"} {
		if !strings.Contains(strings.Join(reasons, "\n"), word) {
			t.Errorf("the damage does not tell of %s: %q", word, reasons)
		}
	}
	if raw := must((&Bundle{Objects: objects}).Marshal()); bytes.Contains(raw, []byte("UEsDBA")) {
		t.Error("the sample itself was taken along")
	}
	validate(t, &Bundle{Objects: objects})
}

func TestUpgradeOfSTIX20(t *testing.T) {
	const bundle = `{"type":"bundle","id":"bundle--28bb3599-77cd-4a82-a950-b5bc3caf07c4","spec_version":"2.0","objects":[
{"type":"indicator","id":"indicator--28bb3599-77cd-4a82-a950-b5bc3caf07c4","created":"2020-01-01T00:00:00.000Z","modified":"2020-01-01T00:00:00.000Z","labels":["malicious-activity","house"],"pattern":"[domain-name:value = 'x.example']","valid_from":"2020-01-01T00:00:00Z"},
{"type":"malware","id":"malware--28bb3599-77cd-4a82-a950-b5bc3caf07c4","created":"2020-01-01T00:00:00.000Z","modified":"2020-01-01T00:00:00.000Z","name":"m","labels":["trojan"]},
{"type":"marking-definition","id":"marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9","created":"2017-01-20T00:00:00.000Z","definition_type":"tlp","definition":{"tlp":"white"}},
{"type":"observed-data","id":"observed-data--28bb3599-77cd-4a82-a950-b5bc3caf07c4","created":"2020-01-01T00:00:00.000Z","modified":"2020-01-01T00:00:00.000Z","first_observed":"2020-01-01T00:00:00Z","last_observed":"2020-01-01T00:00:00Z","number_observed":1,
 "objects":{"0":{"type":"ipv4-addr","value":"198.51.100.3"},"1":{"type":"network-traffic","src_ref":"0","protocols":["tcp"]},"2":{"type":"process","pid":4,"created":"2020-01-01T00:00:00Z","binary_ref":"3"},"3":{"type":"file","name":"x","parent_directory_ref":"4"},"4":{"type":"directory","path":"/","contains_refs":["3"]}}}]}`
	objects, damage, err := ReadAll(strings.NewReader(bundle), Limits{})
	if err != nil || len(damage) > 0 {
		t.Fatal(damage, err)
	}
	if len(objects) != 9 {
		t.Fatal(len(objects))
	}
	for _, p := range Errors(ValidateBundle(&Bundle{Objects: objects})) {
		t.Error(p)
	}
	i := objects[0].(*Indicator)
	if fmt.Sprintln(i.IndicatorTypes, i.Labels, i.PatternType, i.SpecVersion) != "[malicious-activity] [house] stix 2.1\n" {
		t.Errorf("%+v", i)
	}
	for _, o := range objects {
		switch o := o.(type) {
		case *NetworkTraffic:
			if o.SrcRef != "ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4" {
				t.Error(o.SrcRef)
			}
		case *Process:
			if o.ImageRef.Type() != "file" || o.CreatedTime.IsZero() {
				t.Errorf("%+v", o)
			}
		}
	}
	validate(t, &Bundle{Objects: objects})
}

func TestReaderGoesOnAfterABadObject(t *testing.T) {
	long := strings.Repeat("x", 2000)
	const good = `{"type":"mutex","id":"mutex--28bb3599-77cd-5a82-a950-b5bc3caf07c4","name":"m"}`
	objects, damage, err := ReadAll(strings.NewReader("\xef\xbb\xbf [ "+good+`, 5, {"type":"mutex","name":"`+long+`"}, {"a":1}, "]", `+good+" ] "), Limits{ObjectBytes: 1000})
	if err != nil || len(objects) != 2 || len(damage) != 4 || damage[1].Offset == 0 {
		t.Error(len(objects), damage, err)
	}
	for _, text := range []string{"", "5", "[", `[{"type":"mutex"}`, `{"objects":[}`, `{"objects":[]`, `{"objects":[],"objects":[]}`, `{5:6}`, `[,]`, `{"a" "b"}`, `{"a":` + long + `}`} {
		if _, _, err := ReadAll(strings.NewReader(text), Limits{ObjectBytes: 1000}); err == nil {
			t.Errorf("%.40q: no error", text)
		}
	}
	if one, _, err := ReadAll(strings.NewReader(good), Limits{}); err != nil || len(one) != 1 {
		t.Error("a bare object", err)
	}
	if _, _, err := ReadAll(strings.NewReader("["+good+","+good+"]"), Limits{Objects: 1}); err == nil {
		t.Error("the limit of objects does not hold")
	}
	if _, _, err := ReadAll(strings.NewReader("["+good+","+good+"]"), Limits{TotalBytes: 100}); err == nil {
		t.Error("the limit of bytes does not hold")
	}
}

func FuzzMISP(f *testing.F) {
	f.Add([]byte(mispSample))
	f.Add([]byte(`{"response":[{"Event":{"info":5,"Attribute":{"a":{"type":"filename|md5","value":"|"}}}}]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		objects, _, err := ReadMISP(bytes.NewReader(raw), Limits{Objects: 1000})
		if err != nil {
			return
		}
		for _, o := range objects {
			if _, err := Marshal(o); err != nil {
				t.Fatal(err)
			}
		}
	})
}
