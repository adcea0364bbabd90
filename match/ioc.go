package match

import (
	"fmt"
	"slices"
	"strings"

	"github.com/contrail-ir/contrail/coverage"
	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/finding"
	"github.com/contrail-ir/contrail/match/ioc"
)

// IOC loads and compiles indicators. lists is a folder of warninglists, or "". The selection's level counts indicators as it counts
// rules; its statuses do not, since indicators have none.
func IOC(paths []string, lists string, sel Selection) (Engine, []Rejected) {
	c := ioc.Load(paths...)
	bad := c.Rejected
	if more := c.MoreRejected; more > 0 {
		bad = append(bad, ioc.Rejected{ID: "indicators", Reason: fmt.Sprintf("%d more indicators were refused than are told one by one", more)})
	}
	var o ioc.Options
	if lists != "" {
		var refused []ioc.Rejected
		o.Lists, refused = ioc.LoadWarninglists(lists)
		bad = append(bad, refused...)
	}
	e := &iocEngine{Set: ioc.Compile(c, o), level: sel.Level}
	for i := range e.Len() {
		if _, _, part := e.Part(event.RuleIndex(i)); part {
			continue
		}
		k := e.Rule(event.RuleIndex(i)).Kind()
		if e.counts[k]++; e.counts[k] == 1 {
			e.first[k] = event.RuleIndex(i)
		}
	}
	var rejected []Rejected
	for _, r := range bad {
		if r.Unshown && e.Len() > 0 { // with nothing to ask there is no engine to tell of it
			e.unshown = append(e.unshown, coverage.NotSearchable{ID: r.ID, Reason: r.File + ": " + r.Reason})
			continue
		}
		rejected = append(rejected, Rejected{r.ID, r.File, r.Reason})
	}
	return e, rejected
}

type iocEngine struct {
	*ioc.Set
	level   finding.Level
	counts  [ioc.Several + 1]int
	first   [ioc.Several + 1]event.RuleIndex
	unshown []coverage.NotSearchable
}

// NotSearchable lists the indicators that no evidence can show.
func (e *iocEngine) NotSearchable() []coverage.NotSearchable { return e.unshown }

// Count implements Engine.
func (e *iocEngine) Count() int { return e.Len() }

// Describe implements Engine. The description is made anew: a million of them would need more memory than the indicators.
func (e *iocEngine) Describe(rule event.RuleIndex) *finding.Rule {
	if whole, _, part := e.Part(rule); part {
		rule = whole
	}
	in := e.Rule(rule)
	r := &finding.Rule{ID: finding.RuleID(in.RuleID()), Kind: finding.IOC, Level: e.levelOf(rule), Group: groupOf(in.Kind()), Source: "//"}
	what := in.Term.String()
	switch {
	case in.Several != nil:
		what = in.Several.Text
	case in.All != nil:
		what = in.All.String()
	}
	if len(what) > 200 {
		what = strings.ToValidUTF8(what[:200], "") + "…"
	}
	r.Title = what + " – " + in.About.Title
	add := func(tag string) {
		if tag != "" && !slices.Contains(r.Tags, tag) {
			r.Tags = append(r.Tags, tag)
		}
	}
	for _, name := range e.Warned(rule) {
		add("warninglist:" + name)
	}
	for _, a := range append([]*ioc.About{in.About}, e.Others(rule)...) {
		for _, t := range a.Tags {
			add(t)
		}
		if a.Marking != "" {
			add(strings.ToLower(a.Marking))
		}
	}
	for _, a := range e.Others(rule) {
		if a.Title != in.About.Title {
			add("also:" + a.Title)
		}
	}
	return r
}

// levelOf is the gravest level that a report gives, informational for what a warninglist knows: that is found everywhere.
func (e *iocEngine) levelOf(rule event.RuleIndex) finding.Level {
	if len(e.Warned(rule)) > 0 {
		return finding.Informational
	}
	in := e.Rule(rule)
	level, _ := finding.ParseLevel(in.Level())
	for _, a := range e.Others(rule) {
		other := *in
		other.About = a
		if l, _ := finding.ParseLevel(other.Level()); l > level {
			level = l
		}
	}
	return level
}

func groupOf(k ioc.Kind) finding.RuleID { return finding.RuleID("ioc:" + k.String()) }

// Groups tells the certificate of indicators by kind.
func (e *iocEngine) Groups() (groups []Group) {
	for _, k := range ioc.Kinds() {
		if n := e.counts[k]; n > 0 {
			groups = append(groups, Group{ID: groupOf(k), Source: "//", Rules: n, First: e.first[k], Joined: true})
		}
	}
	return groups
}

// Searches implements Engine: indicators are looked for in every source.
func (e *iocEngine) Searches(event.RuleIndex, event.Source) bool { return true }

// Kind implements Engine.
func (e *iocEngine) Kind(event.Source) string { return "" }

// Answers implements Engine: an indicator needs no particular field.
func (e *iocEngine) Answers(event.RuleIndex, event.Source, func(string) bool) coverage.Answer {
	return coverage.Answer{Can: true}
}

// Reports implements Engine. What fits a part of a pattern over several events is not yet a finding.
func (e *iocEngine) Reports(rule event.RuleIndex) bool {
	_, _, part := e.Part(rule)
	return !part && e.asks(rule)
}

// asks says whether a rule is grave enough to be told of.
func (e *iocEngine) asks(rule event.RuleIndex) bool {
	return e.level == finding.NoLevel || e.levelOf(rule) >= e.level
}

// Feeds implements Engine.
func (e *iocEngine) Feeds(rule event.RuleIndex) bool {
	whole, _, part := e.Part(rule)
	return part && e.asks(whole)
}

// Carry implements Engine: what is carried is what explains the hit.
func (e *iocEngine) Carry(*event.Batch, int, event.RuleIndex) []event.Matched { return nil }

// CarriesMatched says that hits carry what explains them.
func (e *iocEngine) CarriesMatched() bool { return true }
