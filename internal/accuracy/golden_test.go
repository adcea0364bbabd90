package accuracy_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/contrail-ir/contrail/internal/require"
	"github.com/contrail-ir/contrail/trail"
)

var update = flag.Bool("update", false, "write golden files anew")

// shownBy are programs whose start is a technique, where no rule of the collection speaks of it.
var shownBy = map[string]string{"T1082": "systeminfo.exe", "T1033": "whoami.exe", "T1057": "tasklist.exe", "T1012": "reg.exe"}

// unfound says of techniques that the recordings' authors name why a trail does not tell them.
var unfound = map[string]string{
	"T1587.001": "done on the intruder's own machines, before anything was recorded",
	"T1608.001": "done on the intruder's own machines, before anything was recorded",
	"T1012":     "asked through the implant's own code: no program was started",
	"T1057":     "asked through the implant's own code: no program was started",
	"T1082":     "asked through the implant's own code: no program was started",
	"T1134.001": "within the implant, which logs no event of its own",
	"T1134.002": "within the implant, which logs no event of its own",
	"T1105":     "the tools came through the implant's own connection; their files are told by what wrote them",
	"T1041":     "the dump left through the implant's own connection, and no log here tells the bytes",
	"T1543.003": "no service was installed in the time that was recorded",
	"T1003.001": "the tool reads the memory by system calls of its own, and no rule of the collection speaks of its file",
	"T1055.002": "the implant moved into another process by opening it, which is logged as an access and not as an injection",
}

// campaignFacts are what a trail found of a recording – stages by technique with their first record, programs, places – and, of the techniques that its
// authors name, which were found and why others were not.
func campaignFacts(t *testing.T, name string, out *trail.Trail) []byte {
	t.Helper()
	var b bytes.Buffer
	fmt.Fprintf(&b, "established %t\naccess %s\n", out.Established, out.Access.Technique)
	for _, p := range out.Implant {
		fmt.Fprintf(&b, "implant %s\n", p.Name)
	}
	for _, p := range out.Infrastructure {
		fmt.Fprintf(&b, "place %s %s\n", p.Value, p.Role)
	}
	var lines []string
	stages := map[string]string{} // technique and tactic → its first record
	found := map[string]bool{}
	for _, s := range out.Stages {
		found[s.Technique] = true
		k := s.Tactic + " " + s.Technique
		if _, ok := stages[k]; !ok && len(s.Refs) > 0 {
			stages[k] = fmt.Sprintf("stage %s %s:%d", k, filepath.Base(s.Refs[0].File), s.Refs[0].Record)
		}
	}
	for _, line := range stages {
		lines = append(lines, line)
	}
	programs := map[string]bool{}
	for _, n := range out.Nodes {
		if n.Kind == "process" && len(n.Refs) > 0 && slices.ContainsFunc(n.Refs, func(r trail.Ref) bool { return r.Role == trail.Intrusion }) {
			image, _, _ := strings.Cut(n.Label, " [")
			programs[image[strings.LastIndexByte(image, '\\')+1:]] = true
		}
	}
	for p := range programs {
		lines = append(lines, "program "+p)
	}
	slices.Sort(lines)
	fmt.Fprintf(&b, "%s\n", strings.Join(lines, "\n"))

	text := require.Read(t, "winlog-json/otrf/_metadata/"+name+".yaml")
	var meta struct {
		Mappings []struct {
			Technique string
			Sub       string `yaml:"sub-technique"`
		} `yaml:"attack_mappings"`
	}
	if err := yaml.Unmarshal(text, &meta); err != nil {
		t.Fatal(err)
	}
	if len(meta.Mappings) == 0 {
		t.Fatalf("%s: its description names no techniques", name)
	}
	for _, m := range meta.Mappings {
		id := m.Technique
		if m.Sub != "" {
			id += "." + m.Sub
		}
		switch {
		case found[id] || out.Access.Technique == id:
			fmt.Fprintf(&b, "named %s found\n", id)
		case found[m.Technique]:
			fmt.Fprintf(&b, "named %s found as %s\n", id, m.Technique)
		case programs[shownBy[id]]:
			fmt.Fprintf(&b, "named %s found by %s\n", id, shownBy[id])
		case unfound[id] != "":
			fmt.Fprintf(&b, "named %s not found: %s\n", id, unfound[id])
		default:
			t.Errorf("%s: %s is named, is not found, and nothing says why", name, id)
		}
	}
	return b.Bytes()
}

// checkGolden holds what was found against a golden file.
func checkGolden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", "campaigns", name+".txt")
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s: found\n%s\nand not\n%s\n(-update writes the golden files anew)", name, got, want)
	}
}
