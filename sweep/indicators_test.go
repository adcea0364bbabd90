package sweep

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/contrail-ir/contrail/evidence"
	"github.com/contrail-ir/contrail/internal/require"
	"github.com/contrail-ir/contrail/match"
	"github.com/contrail-ir/contrail/match/ioc"
)

// plant is a sighting written into a real log.
type plant struct {
	file  string                             // the real log, below the data folder
	how   func(t *testing.T, lines []string) // changes one line
	wants string                             // the indicator's kind and value
	field string                             // the fields that must be named
}

// column changes a column of a line of a Zeek log.
func column(t *testing.T, lines []string, line int, values map[string]string) {
	t.Helper()
	var names []string
	n := 0
	for i, l := range lines {
		if rest, ok := strings.CutPrefix(l, "#fields\t"); ok {
			names = strings.Split(rest, "\t")
		}
		if strings.HasPrefix(l, "#") || l == "" {
			continue
		}
		if n++; n != line {
			continue
		}
		cells := strings.Split(l, "\t")
		for name, v := range values {
			at := slices.Index(names, name)
			if at < 0 {
				t.Fatalf("no column %s", name)
			}
			cells[at] = v
		}
		lines[i] = strings.Join(cells, "\t")
		return
	}
	t.Fatalf("no line %d", line)
}

// of gives the first indicator of a kind in a report for which ok holds.
func of(t *testing.T, report string, kind ioc.Kind, ok func(string) bool) string {
	t.Helper()
	for _, in := range ioc.Load(report).Indicators {
		if in.Kind() == kind && in.Term.How == ioc.Is && ok(in.Term.Value) {
			return in.Term.Value
		}
	}
	t.Fatalf("%s has no %s that fits", report, kind)
	return ""
}

// TestPlantedSightings writes sightings of five reports of five formats into copies of real logs. All of them are found, and nothing else;
// in the untouched copies nothing is.
func TestPlantedSightings(t *testing.T) {
	stix := require.Data(t, "ioc/unit42/watchdog-cryptomining-operation.json")
	openioc := require.Data(t, "ioc/mandiant-openioc/APT28/0ff58bf9-1c07-42f6-b135-b18c139f631a.ioc")
	document := require.Data(t, "ioc/eset/evasive_panda/README.adoc")
	misp := require.Data(t, "ioc/eset/backdoordiplomacy/misp.event_2021-06-10_backdoordiplomacy.json")
	list := require.Data(t, "ioc/unit42/Conti_IOCs.txt")
	first := func(string) bool { return true }

	link := of(t, stix, ioc.URL, func(v string) bool {
		host, _, _ := strings.Cut(v, "/")
		return strings.Count(v, "/") > 1 && !strings.Contains(v, ":") && !slices.ContainsFunc(ioc.Load(stix).Indicators, func(in ioc.Indicator) bool { return in.Term.Value == host })
	})
	domain := of(t, openioc, ioc.Domain, first)
	network := of(t, document, ioc.Address, func(v string) bool { return strings.HasSuffix(v, ".0/24") })
	hash := of(t, misp, ioc.Hash, func(v string) bool { return len(v) == 40 })
	address := of(t, list, ioc.Address, first)
	host, path, _ := strings.Cut(link, "/")
	inside := strings.TrimSuffix(network, "0/24") + "77"
	sha1 := regexp.MustCompile(`SHA1=[0-9A-F]{40}`)

	plants := []plant{
		{"zeek/zat/http.log", func(t *testing.T, l []string) { column(t, l, 5, map[string]string{"host": host, "uri": "/" + path}) }, "url " + link, "host uri"},
		{"zeek/zat/dns.log", func(t *testing.T, l []string) {
			column(t, l, 3, map[string]string{"query": "a.b." + strings.ToUpper(domain)})
		}, "domain " + domain, "query"},
		{"zeek/zat/conn.log", func(t *testing.T, l []string) { column(t, l, 11, map[string]string{"id.resp_h": inside}) }, "address " + network, "id.resp_h"},
		{"zeek/stratosphere/005-zeek-scenario-malicious/conn.log", func(t *testing.T, l []string) { column(t, l, 7, map[string]string{"id.orig_h": address}) }, "address " + address, "id.orig_h"},
		{"winlog-json/otrf/atomic/windows/collection/msf_record_mic_2020-06-09225055.json.gz", func(t *testing.T, l []string) {
			for i := range l {
				if sha1.MatchString(l[i]) {
					l[i] = sha1.ReplaceAllString(l[i], "SHA1="+strings.ToUpper(hash))
					return
				}
			}
			t.Fatal("no event with a hash")
		}, "hash " + hash, "Hashes Message"},
	}
	clean, planted := t.TempDir(), t.TempDir()
	for _, p := range plants {
		text := require.Read(t, p.file)
		if strings.HasSuffix(p.file, ".gz") {
			z, err := gzip.NewReader(bytes.NewReader(text))
			if err != nil {
				t.Fatal(err)
			}
			if text, err = io.ReadAll(z); err != nil {
				t.Fatal(err)
			}
		}
		name := strings.TrimSuffix(strings.ReplaceAll(p.file, "/", "_"), ".gz")
		write(t, clean, name, string(text))
		lines := strings.Split(string(text), "\n")
		p.how(t, lines)
		write(t, planted, name, strings.Join(lines, "\n"))
	}
	set, rejected := match.Load(match.Question{IOC: []string{stix, openioc, document, misp, list}})
	for _, r := range rejected {
		if strings.Contains(r.Reason, "cannot be read") {
			t.Error(r)
		}
	}
	sweepOf := func(dir string) (all []string, r *Result) {
		out := &jsonl{}
		q := Question{Roots: []evidence.Root{{Org: "a", Path: dir}}, Formats: evidence.Formats(), Rules: set, TempDir: t.TempDir(), NoEvent: true}
		if err := Run(context.Background(), q, out, nil); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(out.String()) {
			var f struct {
				Kind    string         `json:"kind"`
				Title   string         `json:"rule_title"`
				File    string         `json:"file"`
				Matched map[string]any `json:"matched"`
			}
			if !strings.HasPrefix(line, `{"kind"`) {
				break
			}
			if err := json.Unmarshal([]byte(line), &f); err != nil {
				t.Fatal(err)
			}
			what, _, _ := strings.Cut(f.Title, " – ")
			for field := range f.Matched {
				all = append(all, fmt.Sprintf("%s: %s in %s", f.File, what, field))
			}
		}
		slices.Sort(all)
		return all, out.result
	}
	if got, _ := sweepOf(clean); len(got) > 0 {
		t.Fatalf("found in untouched logs: %q", got)
	}
	got, result := sweepOf(planted)
	var want []string
	for _, p := range plants {
		name := strings.TrimSuffix(strings.ReplaceAll(p.file, "/", "_"), ".gz")
		for field := range strings.FieldsSeq(p.field) {
			want = append(want, fmt.Sprintf("%s: %s in %s", name, p.wants, field))
		}
	}
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("found\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	kinds := map[string]int{}
	for _, i := range result.Certificate.Rules.Indicators {
		kinds[i.Kind] = i.Found
		if i.Loaded == 0 {
			t.Errorf("%s has no indicators and is listed", i.Kind)
		}
	}
	if kinds["ioc:address"] != 2 || kinds["ioc:url"] != 1 || kinds["ioc:domain"] != 1 || kinds["ioc:hash"] != 1 {
		t.Errorf("the certificate counts %v", kinds)
	}
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
