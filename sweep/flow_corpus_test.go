package sweep_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/contrail-ir/contrail/finding"
	"github.com/contrail-ir/contrail/internal/require"
	"github.com/contrail-ir/contrail/match"
)

// ranked sweeps for flows only and gives what was found as "source destination", best first.
func ranked(t *testing.T, kind finding.Kind, paths ...string) []string {
	t.Helper()
	m := run(t, match.New(nil, match.Flows()), 2, paths...)
	var found []*finding.Finding
	for _, f := range m.findings {
		if f.Rule.Kind == kind {
			found = append(found, f)
		}
	}
	slices.SortStableFunc(found, func(a, b *finding.Finding) int { return cmp.Compare(b.Score, a.Score) })
	var out []string
	for _, f := range found {
		v := map[string]string{}
		for _, x := range f.Matched {
			v[x.Field] = x.Value
		}
		out = append(out, strings.TrimSpace(fmt.Sprintf("%s %s %s", v["source"], v["destination"], v["file"])))
	}
	return out
}

// TestKnownBeaconsRankHigh: what others have labelled as command and control in published captures.
func TestKnownBeaconsRankHigh(t *testing.T) {
	require.Time(t, "sweeps days of a network's logs; TestSameBytesOnRealEvidence runs threads in small")
	if got := ranked(t, finding.Beacon, require.Data(t, "zeek/rita/missing_host")); len(got) == 0 || got[0] != "73.54.23.243 64.225.56.201:80" {
		t.Errorf("three days of a server: first is %q", got[:min(3, len(got))])
	}
	for _, logs := range []string{"apt29/day1/zeek/individual_zeek_logs", "apt29/day1/zeek/combined_zeek.log"} {
		got := ranked(t, finding.Beacon, require.Data(t, logs))
		if !slices.Contains(got[:min(3, len(got))], "10.0.1.6 192.168.0.4:8443") {
			t.Errorf("%s: among the first three are %q", logs, got[:min(3, len(got))])
		}
		if got := ranked(t, finding.Upload, require.Data(t, logs)); !slices.Contains(got, "10.0.1.4 192.168.0.4:80 OfficeSupplies.7z") {
			t.Errorf("%s: uploads %q", logs, got)
		}
	}
}

// TestZeekTextAndJSONAgree: the same capture in both forms gives equal findings and equal counts of every kind of log.
func TestZeekTextAndJSONAgree(t *testing.T) {
	require.Time(t, "sweeps two large captures; TestSameBytesOnRealEvidence runs threads in small")
	rules := load(t, require.Data(t, "sigma/rules"))
	var counts []map[string]uint64
	var found []string
	for _, form := range []string{"zeek-default", "zeek-json"} {
		m := run(t, rules, 2, require.Data(t, "zeek/wrccdc-2018/"+form))
		n := map[string]uint64{}
		for _, h := range m.result.Certificate.Orgs[0].Hosts {
			for _, s := range h.Sources {
				n[s.Source] += s.Records
			}
		}
		counts = append(counts, n)
		hits := map[string]int{}
		for _, f := range m.findings {
			hits[fmt.Sprintf("%s %d %v", f.Rule.ID, f.Time/1000, f.Score)]++
		}
		var lines []string
		for k, n := range hits {
			lines = append(lines, fmt.Sprint(k, " ", n))
		}
		slices.Sort(lines)
		found = append(found, strings.Join(lines, "\n"))
	}
	if counts[0]["zeek/dns"] != 53615 || counts[0]["zeek/ssl"] != 49474 {
		t.Errorf("dns %d, ssl %d", counts[0]["zeek/dns"], counts[0]["zeek/ssl"])
	}
	for _, source := range union(counts[0], counts[1]) {
		if counts[0][source] != counts[1][source] {
			t.Errorf("%s: %d records as text, %d as JSON", source, counts[0][source], counts[1][source])
		}
	}
	if found[0] != found[1] {
		t.Errorf("findings differ: %s", firstDifference(found[0], found[1]))
	}
	if found[0] == "" {
		t.Error("no findings at all")
	}
}

func union(a, b map[string]uint64) []string {
	all := map[string]bool{}
	for k := range a {
		all[k] = true
	}
	for k := range b {
		all[k] = true
	}
	var out []string
	for k := range all {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
