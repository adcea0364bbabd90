// Package importlaw holds the packages to the floors that ARCHITECTURE.md describes: a package imports only what the
// table allows. Tests may import anything.
package importlaw

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/contrail-ir/contrail"

// law lists, floor by floor, what a package may import of this module. A package's own internal folder is its own affair.
// A new package earns a row here and in ARCHITECTURE.md, in the commit that brings it.
var law = map[string][]string{
	"event":        {},
	"event/packed": {},
	"member":       {},
	"marking":      {},
	"stix":         {"stix/pattern"},
	"ledger":       {},
	"keys":         {},
	"dsse":         {},

	"rules": {},

	"stix/pattern":       {},
	"evidence/archive":   {},
	"evidence/evtx":      {"event"},
	"evidence/file":      {"event"},
	"evidence/task":      {"event"},
	"evidence/utmp":      {"event"},
	"evidence/jsonlog":   {"event", "evidence/winxml"},
	"evidence/winxml":    {"event"},
	"evidence/lines":     {"event"},
	"evidence/zeek":      {"event", "evidence/lines"},
	"evidence/message":   {"event", "evidence/lines"},
	"evidence/web":       {"event", "evidence/lines", "evidence/message"},
	"evidence/w3c":       {"event", "evidence/lines", "evidence/message"},
	"evidence/squid":     {"event", "evidence/lines", "evidence/message"},
	"evidence/dnslog":    {"event", "evidence/lines", "evidence/message"},
	"evidence/maillog":   {"event", "evidence/lines", "evidence/message"},
	"evidence/dbaudit":   {"event", "evidence/lines", "evidence/message"},
	"evidence/fastlog":   {"event", "evidence/lines", "evidence/message"},
	"evidence/keyvalue":  {"event", "evidence/lines", "evidence/message"},
	"evidence/table":     {"event", "evidence/lines", "evidence/message", "evidence/jsonlog"},
	"evidence/auditd":    {"event", "evidence/lines", "evidence/message"},
	"evidence/device":    {"event", "evidence/lines", "evidence/message"},
	"evidence/syslog":    {"event", "evidence/auditd", "evidence/device", "evidence/lines", "evidence/message", "evidence/winxml"},
	"match/flow":         {"event"},
	"match/yara":         {},
	"match/sigma":        {"event"},
	"match/ioc/observed": {"event", "stix/pattern"},
	"match/ioc":          {"event", "stix/pattern", "match/ioc/observed"},

	"match/sigma/reference":        {"event", "match/sigma"},
	"match/ioc/observed/reference": {"event", "stix/pattern"},

	"evidence": {"event", "evidence/archive", "evidence/auditd", "evidence/dbaudit", "evidence/device", "evidence/dnslog", "evidence/evtx", "evidence/fastlog", "evidence/file", "evidence/jsonlog", "evidence/keyvalue", "evidence/maillog", "evidence/squid", "evidence/syslog", "evidence/table", "evidence/task", "evidence/utmp", "evidence/w3c", "evidence/web", "evidence/winxml", "evidence/zeek"},
	"finding":  {"event", "marking"},
	"coverage": {"event", "event/packed"},

	"match": {"event", "finding", "coverage", "match/sigma", "match/flow", "match/ioc", "match/ioc/observed", "match/yara"},

	"sweep": {"event", "event/packed", "evidence", "evidence/archive", "match", "finding", "coverage"},

	"legible": {},

	"report": {"legible", "event", "finding", "coverage", "sweep", "stix"},
	"trail":  {"event", "finding", "coverage"},

	"fingerprint": {"dsse", "marking", "match/sigma", "stix", "stix/pattern"},
	"kinship":     {"coverage", "event", "finding", "fingerprint"},

	"hunt": {"coverage", "event", "evidence", "finding", "fingerprint", "kinship", "match", "report", "rules", "sweep", "trail"},

	"exposure":    {},
	"census":      {"event", "evidence", "evidence/archive", "exposure"},
	"casefile":    {"legible", "dsse", "keys", "ledger", "marking", "member"},
	"attribution": {"legible", "stix", "stix/pattern"},
	"disclosure":  {"casefile", "keys", "ledger", "marking", "member", "stix"},
	"docket":      {"attribution", "casefile", "keys", "ledger", "marking"},
	"exchange":    {"attribution", "casefile", "docket", "keys", "ledger", "marking", "member", "stix"},
	"dossier":     {"attribution", "casefile", "coverage", "disclosure", "docket", "exposure", "legible", "marking", "member", "report", "trail"},

	"drill/evtxwrite":  {},
	"drill/passengers": {},
	"drill/textwrite":  {},
	"drill/scene":      {"drill/evtxwrite", "drill/textwrite"},
	"drill/background": {"drill/scene", "drill/textwrite"},
	"drill/booking":    {"drill/scene", "drill/evtxwrite"},
	"drill/intrusion":  {"drill/scene", "drill/passengers", "drill/textwrite"},
	"drill":            {"drill/scene", "drill/background", "drill/booking", "drill/intrusion"},

	"cmd/contrail": {"*"},
}

func TestPackagesImportOnlyWhatTheLawAllows(t *testing.T) {
	root := filepath.Join("..", "..")
	seen := map[string]bool{}
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() && p != root && (name == "testdata" || strings.HasPrefix(name, ".")) {
			return fs.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		rel, _ := filepath.Rel(root, filepath.Dir(p))
		pkg := filepath.ToSlash(rel)
		owner := pkg
		if i := strings.Index(pkg+"/", "/internal/"); i >= 0 {
			owner = pkg[:i]
		}
		if strings.HasPrefix(pkg, "internal/") {
			return nil
		}
		allowed, ok := law[owner]
		if !ok {
			t.Errorf("%s: package %s has no row in the law: add one here and in ARCHITECTURE.md", p, owner)
			return nil
		}
		seen[owner] = true
		src, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		set := token.NewFileSet()
		f, err := parser.ParseFile(set, p, src, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, imp := range f.Imports {
			to, _ := strconv.Unquote(imp.Path.Value)
			to, ours := strings.CutPrefix(to, module+"/")
			if !ours || slices.Contains(allowed, "*") || slices.Contains(allowed, to) || strings.Contains(to, "/internal/") || to == owner {
				// Who may import an internal package is Go's own law.
				continue
			}
			t.Errorf("%s: %s must not import %s (allowed: %s)", set.Position(imp.Pos()), owner, to, strings.Join(allowed, ", "))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(seen) == 0 {
		t.Fatal("no package was looked at")
	}
}

func TestTheLawHasNoCircle(t *testing.T) {
	state := map[string]int{}
	var visit func(pkg string, trail []string)
	visit = func(pkg string, trail []string) {
		switch state[pkg] {
		case 1:
			t.Errorf("circle: %s", strings.Join(append(trail, pkg), " → "))
			return
		case 2:
			return
		}
		state[pkg] = 1
		for _, to := range law[pkg] {
			if to == "*" {
				continue
			}
			if _, ok := law[to]; !ok {
				t.Errorf("%s may import %s, which has no row", pkg, to)
			}
			// Parents list their children; a child that imports its parent needs no mention to be a circle.
			if path.Dir(pkg) == to && !strings.HasSuffix(pkg, "/reference") {
				t.Errorf("%s must not import its parent", pkg)
			}
			visit(to, append(trail, pkg))
		}
		state[pkg] = 2
	}
	for pkg := range law {
		visit(pkg, nil)
	}
}
