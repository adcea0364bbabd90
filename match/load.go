package match

import (
	"io/fs"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/finding"
	"github.com/contrail-ir/contrail/match/sigma"
)

// Question says what a set is to be made of.
type Question struct {
	Sigma     []string // files and folders of Sigma rules
	IOC       []string // files and folders of indicators
	Lists     string   // folder of warninglists, which demote indicators that are found everywhere
	BuiltIn   fs.FS    // rules that the program carries, used when nothing else is asked
	Beside    bool     // BuiltIn is used beside indicators, too
	YARA      *YARA    // compiled YARA rules, or nil
	Selection Selection
	Made      []string // Sigma rules as text, such as a fingerprint's; asked whatever the selection
}

// Load reads and compiles everything that a question names. A rule that cannot be used is rejected with the reason and the others
// count; an empty set is the caller's to judge.
func Load(q Question) (*Set, []Rejected) {
	var rules *sigma.Collection
	if len(q.Sigma) > 0 {
		rules = sigma.Load(q.Sigma...)
	} else if q.BuiltIn != nil && (len(q.IOC) == 0 || q.Beside) {
		rules = sigma.LoadFS(q.BuiltIn, ".")
	} else {
		rules = &sigma.Collection{}
	}
	engine, rejected := Sigma(rules, q.Selection)
	var engines []Engine
	var observers []Observer
	relied := map[finding.RuleID]bool{}
	if engine.Count() > 0 {
		engines = append(engines, engine)
		if l := q.Selection.Level; l <= finding.Medium && len(q.Selection.Status) == 0 {
			observers = append(observers, Flows())
		}
	}
	if len(q.Made) > 0 {
		made := &sigma.Collection{}
		for _, text := range q.Made {
			made.Add(sigma.Parse("fingerprint", []byte(text)))
		}
		more, bad := Sigma(made, Selection{})
		rejected = append(rejected, bad...)
		if more.Count() > 0 {
			engines = append(engines, more)
		}
		for i := range more.Count() {
			relied[more.Describe(event.RuleIndex(i)).ID] = true
		}
	}
	if len(q.IOC) > 0 {
		indicators, bad := IOC(q.IOC, q.Lists, q.Selection)
		rejected = append(rejected, bad...)
		if indicators.Count() > 0 {
			engines = append(engines, indicators)
		}
	}
	if q.YARA != nil && q.YARA.Count() > 0 {
		engines = append(engines, q.YARA)
	}
	set := New(engines, observers...)
	set.relied = relied
	return set, rejected
}
