package sweep_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/contrail-ir/contrail/coverage"
	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/evidence"
	"github.com/contrail-ir/contrail/match"
	"github.com/contrail-ir/contrail/sweep"
)

const certificateRules = `
title: by command line
id: command-line
logsource: {product: windows, category: process_creation}
detection: {s: {CommandLine|contains: 'evil'}, condition: s}
---
title: by image
id: image
logsource: {product: windows, category: process_creation}
detection: {s: {Image|endswith: 'evil.exe'}, condition: s}
---
title: either
id: either
logsource: {product: windows, category: process_creation}
detection: {a: {CommandLine|contains: 'evil'}, b: {Image|endswith: 'evil.exe'}, condition: a or b}
---
title: image without a harmless command line
id: filtered
logsource: {product: windows, category: process_creation}
detection: {s: {Image|endswith: 'evil.exe'}, f: {CommandLine|contains: 'harmless'}, condition: s and not f}
---
title: service
id: service
logsource: {product: windows, service: system}
detection: {s: {EventID: 7045, ImagePath|contains: 'evil'}, condition: s}
---
title: web
id: web
logsource: {category: webserver}
detection: {s: {cs-uri-query|contains: 'evil'}, condition: s}
`

// world is evidence that a test takes something away from.
type world struct {
	skipSource, skipCommandLine, skipHost bool
	skipDay                               int
	since                                 int64
}

// sweepWorld writes two hosts' logs of eight days, one event every half hour, and sweeps them.
func sweepWorld(t *testing.T, w world) *coverage.Certificate {
	t.Helper()
	dir := t.TempDir()
	write := func(path, text string) string {
		p := filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return p
	}
	start := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	var security, system strings.Builder
	for i := range 8 * 48 {
		at := start.Add(time.Duration(i) * 30 * time.Minute)
		if day := i / 48; w.skipDay != 0 && day == w.skipDay {
			continue
		}
		command := fmt.Sprintf("task %d", i)
		if w.skipCommandLine {
			command = ""
		}
		fmt.Fprintf(&security, `{"Channel":"Security","SourceName":"Microsoft-Windows-Security-Auditing","EventID":4688,"Hostname":"h1.example","TimeCreated":%q,"NewProcessName":"C:\\a.exe","CommandLine":%q}`+"\n", at.Format(time.RFC3339), command)
		fmt.Fprintf(&system, `{"Channel":"System","SourceName":"Service Control Manager","EventID":7036,"Hostname":"h2.example","TimeCreated":%q,"param1":"x"}`+"\n", at.Format(time.RFC3339))
	}
	write("ev/security.json", security.String())
	if !w.skipSource {
		write("ev/system.json", system.String())
	}
	inventory := "host,addresses,role,critical\nh1,192.0.2.1,server,true\nh2.example,,server,yes\n"
	if w.skipHost {
		inventory = "host,addresses,role,critical\nh1,192.0.2.1,server,true\n"
	}
	declared, err := coverage.ReadInventory(strings.NewReader(inventory), "inventory.csv")
	if err != nil {
		t.Fatal(err)
	}
	set, rejected := match.Load(match.Question{Sigma: []string{write("rules.yml", certificateRules)}})
	if len(rejected) > 0 {
		t.Fatal(rejected)
	}
	bounds := event.Always(nil)
	q := sweep.Question{Roots: []evidence.Root{{Org: "o", Path: filepath.Join(dir, "ev")}}, Formats: evidence.Formats(), Rules: set, Inventory: declared,
		Since: bounds.Since, Until: bounds.Until, TempDir: t.TempDir()}
	if w.since != 0 {
		q.Since = w.since
	}
	m := &memory{}
	if err := sweep.Run(context.Background(), q, m, nil); err != nil {
		t.Fatal(err)
	}
	return m.result.Certificate
}

// unanswered gives a host's rules that cannot be answered, with the reason, and the host's gaps.
func unanswered(c *coverage.Certificate, host string) (out []string) {
	for _, h := range c.Orgs[0].Hosts {
		if h.Host != host {
			continue
		}
		for _, p := range c.Orgs[0].Profiles {
			if p.ID != h.Profile {
				continue
			}
			for _, u := range p.NotSearchable {
				for _, id := range u.Rules {
					if id != "contrail-beacon" && id != "contrail-upload" {
						out = append(out, id+": "+u.Reason)
					}
				}
			}
		}
		for _, s := range h.Sources {
			for _, g := range s.Gaps {
				out = append(out, "gap: "+s.Source+" "+g.From+" "+g.To)
			}
		}
	}
	slices.Sort(out)
	return out
}

// TestCertificateSaysExactlyWhatIsMissing takes one thing away at a time.
func TestCertificateSaysExactlyWhatIsMissing(t *testing.T) {
	noProcess := func(id string) string { return id + ": no source of its kind (windows/process_creation/)" }
	h1 := []string{"service: no source of its kind (windows//system)", "web: no source of its kind (/webserver/)"}
	h2 := []string{noProcess("command-line"), noProcess("either"), noProcess("filtered"), noProcess("image"), "web: no source of its kind (/webserver/)"}
	for name, c := range map[string]struct {
		world              world
		h1, h2             []string
		declared, covered  int
		silent, impossible string
	}{
		"everything":   {world{}, h1, h2, 2, 2, "", "web"},
		"a source":     {world{skipSource: true}, h1, nil, 2, 1, "h2.example", "service web"},
		"a field":      {world{skipCommandLine: true}, append([]string{"command-line: CommandLine never has a value in windows/Security/4688"}, h1...), h2, 2, 2, "", "command-line web"},
		"a host":       {world{skipHost: true}, h1, h2, 1, 1, "", "web"},
		"a day":        {world{skipDay: 4}, append([]string{"gap: windows/Security 2026-03-05T23:30:00Z 2026-03-07T00:00:00Z"}, h1...), append(append([]string{}, h2[:4]...), "gap: windows/System 2026-03-05T23:30:00Z 2026-03-07T00:00:00Z", h2[4]), 2, 2, "", "web"},
		"another span": {world{since: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano()}, nil, nil, 2, 2, "", "command-line image either filtered service web"},
	} {
		cert := sweepWorld(t, c.world)
		if name != "another span" {
			slices.Sort(c.h1)
			slices.Sort(c.h2)
			if got := unanswered(cert, "h1.example"); !slices.Equal(got, c.h1) {
				t.Errorf("without %s, h1:\n got %q\nwant %q", name, got, c.h1)
			}
			if got := unanswered(cert, "h2.example"); !slices.Equal(got, c.h2) {
				t.Errorf("without %s, h2:\n got %q\nwant %q", name, got, c.h2)
			}
		} else if got := strings.Join(unanswered(cert, "h1.example"), " "); !strings.Contains(got, "image: its source windows/Security/4688 is there, but not in the span that was asked about") {
			t.Errorf("in another span: %s", got)
		}
		org := cert.Orgs[0]
		if !org.Denominator.Known || org.Denominator.Declared != c.declared || org.Denominator.Covered != c.covered {
			t.Errorf("without %s: %+v", name, org.Denominator)
		}
		var silent, impossible []string
		for _, d := range org.Silent {
			silent = append(silent, d.Host)
		}
		for _, r := range cert.Rules.NotSearchable {
			if !strings.HasPrefix(r.ID, "contrail-") {
				impossible = append(impossible, r.ID)
			}
		}
		if got := strings.Join(silent, " "); got != c.silent {
			t.Errorf("without %s: nothing from %q, want %q", name, got, c.silent)
		}
		if got := strings.Join(impossible, " "); got != c.impossible {
			t.Errorf("without %s: not searchable %q, want %q", name, got, c.impossible)
		}
	}
}
