package report

import (
	_ "embed"
	"slices"
	"strings"
	"sync"
)

// tactic is a column of the ATT&CK matrix.
type tactic struct {
	ID   string `json:"id"` // as in tags: "credential-access"
	Name string `json:"name"`
	code string // as in attack.tsv
}

// tactics stand in the order of the matrix. ATT&CK parted "Defense Evasion" into "Stealth" and "Defense Impairment" in 2026;
// rules of both times are met. The last column takes what belongs to none.
var tactics = []tactic{
	{"reconnaissance", "Reconnaissance", "RC"},
	{"resource-development", "Resource Development", "RD"},
	{"initial-access", "Initial Access", "IA"},
	{"execution", "Execution", "EX"},
	{"persistence", "Persistence", "PE"},
	{"privilege-escalation", "Privilege Escalation", "PR"},
	{"defense-evasion", "Defense Evasion", "DE"},
	{"stealth", "Stealth", "DE"},
	{"defense-impairment", "Defense Impairment", "DE"},
	{"credential-access", "Credential Access", "CA"},
	{"discovery", "Discovery", "DI"},
	{"lateral-movement", "Lateral Movement", "LM"},
	{"collection", "Collection", "CO"},
	{"command-and-control", "Command and Control", "CC"},
	{"exfiltration", "Exfiltration", "XF"},
	{"impact", "Impact", "IM"},
	{"", "No tactic named", ""},
}

// technique is what attack.tsv knows of a technique: its name and the tactics it serves.
type technique struct {
	name  string
	codes []string
}

//go:embed attack.tsv
var attackTable string

// techniques reads attack.tsv: id, codes of its tactics, name; the techniques that Sigma rules commonly name.
var techniques = sync.OnceValue(func() map[string]technique {
	all := map[string]technique{}
	for line := range strings.Lines(attackTable) {
		cells := strings.Split(strings.TrimSpace(line), "\t")
		all[cells[0]] = technique{name: cells[2], codes: strings.Fields(cells[1])}
	}
	return all
})

// techniqueName gives the name of a technique, a sub-technique's behind that of its parent; "" when it is not in the table.
func techniqueName(id string) string {
	name := techniques()[id].name
	parent, _, sub := strings.Cut(id, ".")
	if sub && name != "" {
		name = techniques()[parent].name + ": " + name
	}
	return name
}

// tagged gives the techniques (T1003.001) and tactics (credential-access) that a rule's tags name, each once, in the order of the tags.
func tagged(tags []string) (ids, tacticIDs []string) {
	for _, tag := range tags {
		what, ok := strings.CutPrefix(strings.ToLower(tag), "attack.")
		if !ok {
			continue
		}
		what = strings.ReplaceAll(what, "_", "-")
		if isTechnique(what) {
			if id := strings.ToUpper(what); !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		} else if slices.ContainsFunc(tactics, func(t tactic) bool { return t.ID == what && what != "" }) && !slices.Contains(tacticIDs, what) {
			tacticIDs = append(tacticIDs, what)
		}
	}
	return ids, tacticIDs
}

// isTechnique says whether s has the form t1003 or t1003.001.
func isTechnique(s string) bool {
	main, sub, hasSub := strings.Cut(s, ".")
	digits := func(s string, n int) bool { return len(s) == n && strings.Trim(s, "0123456789") == "" }
	return strings.HasPrefix(main, "t") && digits(main[1:], 4) && (!hasSub || digits(sub, 3))
}

// cell is a place in the matrix. Technique is empty for a rule that names a tactic and no technique.
type cell struct {
	Tactic    string `json:"tactic"`
	Technique string `json:"technique"`
}

// cells places a rule in the matrix. Tags do not say which technique serves which tactic: a technique stands under those tactics of
// the rule that it is known to serve; when it is known to serve none of them, under all of them; when the rule names none, under its own.
func cells(tags []string) []cell {
	out := []cell{}
	ids, named := tagged(tags)
	if len(ids) == 0 {
		for _, t := range named {
			out = append(out, cell{Tactic: t})
		}
		return out
	}
	served := map[string]bool{}
	for _, id := range ids {
		known := techniques()[id].codes
		serves := func(t tactic) bool { return slices.Contains(known, t.code) }
		var under []string
		for _, t := range tactics {
			if slices.Contains(named, t.ID) && t.ID != "" && serves(t) {
				under = append(under, t.ID)
			}
		}
		if len(under) == 0 {
			under = named
		}
		if len(under) == 0 {
			for _, t := range tactics {
				if serves(t) && t.ID != "stealth" && t.ID != "defense-impairment" {
					under = append(under, t.ID)
				}
			}
		}
		if len(under) == 0 {
			under = []string{""}
		}
		for _, t := range under {
			served[t] = true
			out = append(out, cell{t, id})
		}
	}
	for _, t := range named {
		if !served[t] {
			out = append(out, cell{Tactic: t})
		}
	}
	return out
}
