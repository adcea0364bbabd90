package coverage

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/event/packed"
)

// Asked is what the certificate must know of the rules that were asked, by their number.
type Asked interface {
	Len() int
	ID(rule int) string
	Source(rule int) string // its logsource, for people
	Searches(rule int, s event.Source) bool
	Kind(s event.Source) string // equal for sources that the same rules search
	// Constants is equal for sources of a kind about which every rule says the same when the same fields have values.
	Constants(s event.Source) string
	// Answers says what events of a source that the rule searches can tell it, when filled says which fields have values there.
	Answers(rule int, s event.Source, filled func(field string) bool) Answer
	// Found lists the rules found on a host, in order.
	Found(org, host string) []int
	// Relied says whether verdicts rest on the rule not being found: then it matters which log could have shown it.
	Relied(rule int) bool
	// Within says whether times from first to last touch the span that was asked about.
	Within(first, last int64) bool
}

// Answer says what a source can tell a rule. Neither Can nor Lacks means that its events are of another kind than the rule looks for,
// in a log that it searches: that the kind does not occur there is what a clean search looks like.
type Answer struct {
	Can   bool
	Lacks []string // fields that the rule cannot do without and that never have a value
}

// Profile is what the evidence of a host can answer. Hosts with the same sources and the same fields share one.
type Profile struct {
	ID            string       `json:"profile"`
	Searchable    int          `json:"searchable"` // rules that could have been found
	NotSearchable []Unanswered `json:"not_searchable"`
	// AnsweredBy says of the rules on whose absence verdicts rest which logs could show them. Nil when there are no such rules.
	AnsweredBy []Answered `json:"answered_by,omitempty"`
}

// Answered are rules that some logs of a host could show, any of them.
type Answered struct {
	Sources []string `json:"sources"` // as Source.Source
	Rules   []string `json:"rules"`
}

// Unanswered are rules that a host's evidence cannot answer, and why.
type Unanswered struct {
	Reason string   `json:"reason"`
	Rules  []string `json:"rules"`
}

// Unanswered gives, by profile, the rules that the evidence of its hosts cannot answer.
func (o *Org) Unanswered() map[string]map[string]bool {
	profiles := map[string]map[string]bool{}
	for _, p := range o.Profiles {
		rules := map[string]bool{}
		for _, u := range p.NotSearchable {
			for _, r := range u.Rules {
				rules[r] = true
			}
		}
		profiles[p.ID] = rules
	}
	return profiles
}

// Answering gives, by profile, the logs that could show a rule: all of the host's, for a rule on which the sweep was not told that verdicts rest.
func (o *Org) Answering() func(profile, rule string) func(source string) bool {
	by := map[[2]string][]string{}
	for _, p := range o.Profiles {
		for _, a := range p.AnsweredBy {
			for _, r := range a.Rules {
				by[[2]string{p.ID, r}] = a.Sources
			}
		}
	}
	return func(profile, rule string) func(string) bool {
		sources, told := by[[2]string{profile, rule}]
		return func(source string) bool { return !told || slices.Contains(sources, source) }
	}
}

// Bounds of the profiles of an organisation; hostile evidence could make every host another. The hosts beyond, in order of their names, have none.
// From fewProfiles on, hosts whose evidence answers the same share a profile although their sources differ.
const (
	maxProfiles = 2000 // worked out
	fewProfiles = 100
	maxListed   = 1 << 20 // rules and sources that they list together
)

// judge works out which rules each host's evidence could answer.
type judge struct {
	asked    Asked
	routes   map[string][]int // rules that search a kind of source
	profiles []Profile
	worked   int               // profiles worked out
	listed   int               // rules and sources in profiles
	byShape  map[string]string // shape of a host's evidence to the profile's name
	bySaying map[uint64]int    // hash of what a profile says to the profile
	none     []string          // per rule: why not, where no source is of its kind
	answers  map[string]*answers
	kept     int    // rules in answers
	answered []bool // per rule: some host could answer it
	reasons  []map[string]bool
}

func newJudge(asked Asked) *judge {
	j := &judge{asked: asked, routes: map[string][]int{}, answered: make([]bool, asked.Len()), reasons: make([]map[string]bool, asked.Len())}
	for i := range j.reasons {
		j.reasons[i] = map[string]bool{}
		j.none = append(j.none, "no source of its kind ("+asked.Source(i)+")")
	}
	j.begin()
	return j
}

// answers is what a source with certain fields filled can tell the rules that search it.
type answers struct {
	can   []int
	quiet []int
	lacks []lack
}

type lack struct {
	rule   int
	fields []string
}

// maxAnswers bounds the rules in remembered answers. Hosts differ in their sources more than sources differ from host to
// host, so that most answers are there already: without them the certificate of fifty hosts took half the time of their sweep.
const maxAnswers = 500_000

// answersOf asks every rule about a source with the fields that are filled there, unless they were asked about one like it: evidence
// names its sources, and can have one for each record.
func (j *judge) answersOf(p present) *answers {
	kind := j.asked.Kind(p.source)
	key := fmt.Sprintf("%s %q %q", kind, j.asked.Constants(p.source), p.filled)
	if known := j.answers[key]; known != nil {
		return known
	}
	a := &answers{}
	filled := p.has
	for _, rule := range j.rulesOf(kind, p.source) {
		switch answer := j.asked.Answers(rule, p.source, filled); {
		case answer.Can:
			a.can = append(a.can, rule)
		case len(answer.Lacks) > 0:
			a.lacks = append(a.lacks, lack{rule, answer.Lacks})
		default:
			a.quiet = append(a.quiet, rule)
		}
	}
	n := len(a.can) + len(a.quiet) + len(a.lacks)
	if j.kept += n; j.kept > maxAnswers || j.answers == nil {
		j.answers, j.kept = map[string]*answers{}, n
	}
	j.answers[key] = a
	return a
}

// appendShape appends what the profile of a host depends on of a source.
func appendShape(dst []byte, p present, within bool) []byte {
	s := p.source
	for _, part := range []string{s.Product, s.Category, s.Service, s.Provider, s.Channel} {
		dst = packed.Text(dst, part)
	}
	dst = packed.Uint(dst, uint64(s.ID))
	dst = packed.Uint(dst, uint64(len(p.filled)))
	for _, f := range p.filled {
		dst = packed.Text(dst, f)
	}
	return strconv.AppendBool(dst, within)
}

// begin starts a new organisation, whose profiles are numbered from 1.
func (j *judge) begin() {
	j.profiles, j.worked, j.listed = nil, 0, 0
	j.byShape, j.bySaying = map[string]string{}, map[uint64]int{}
}

// present is a source of a host.
type present struct {
	source event.Source
	*seen
}

// host gives the profile of a host and counts it.
func (j *judge) host(sources []present) string {
	slices.SortFunc(sources, func(a, b present) int { return compareSource(a.source, b.source) })
	digest := sha256.New() // of sources there can be so many that their names are not kept
	var line []byte
	for _, p := range sources {
		line = appendShape(line[:0], p, j.asked.Within(p.First, p.Last))
		digest.Write(line)
	}
	shape := string(digest.Sum(nil))
	if name, ok := j.byShape[shape]; ok {
		return name
	}
	if j.worked == maxProfiles || j.listed > maxListed {
		return ""
	}
	j.worked++
	p, unable := j.profile(fmt.Sprintf("p%d", len(j.profiles)+1), sources)
	for rule, why := range unable {
		if why == "" {
			j.answered[rule] = true
		} else {
			j.reasons[rule][why] = true
		}
	}
	hash := p.hash()
	same, ok := j.bySaying[hash]
	if name := p.ID; !ok || len(j.profiles) < fewProfiles || !p.saysAs(&j.profiles[same]) {
		j.bySaying[hash] = len(j.profiles)
		j.profiles = append(j.profiles, p)
		j.listed += p.lists()
		j.byShape[shape] = name
		return name
	}
	j.byShape[shape] = j.profiles[same].ID
	return j.profiles[same].ID
}

// hash is equal for profiles that say the same.
func (p *Profile) hash() uint64 {
	said := packed.Uint(nil, uint64(p.Searchable))
	for _, u := range p.NotSearchable {
		said = packed.Text(said, u.Reason)
		for _, r := range u.Rules {
			said = packed.Text(said, r)
		}
	}
	for _, a := range p.AnsweredBy {
		for _, x := range slices.Concat(a.Sources, a.Rules) {
			said = packed.Text(said, x)
		}
	}
	return event.Hash(said)
}

// saysAs says whether two profiles differ in their names only.
func (p *Profile) saysAs(o *Profile) bool {
	return p.Searchable == o.Searchable && slices.EqualFunc(p.NotSearchable, o.NotSearchable, func(a, b Unanswered) bool {
		return a.Reason == b.Reason && slices.Equal(a.Rules, b.Rules)
	}) && slices.EqualFunc(p.AnsweredBy, o.AnsweredBy, func(a, b Answered) bool {
		return slices.Equal(a.Sources, b.Sources) && slices.Equal(a.Rules, b.Rules)
	})
}

// lists counts the rules and sources that a profile names.
func (p *Profile) lists() (n int) {
	for _, u := range p.NotSearchable {
		n += len(u.Rules)
	}
	for _, a := range p.AnsweredBy {
		n += len(a.Rules) + len(a.Sources)
	}
	return n
}

func (j *judge) rulesOf(kind string, s event.Source) []int {
	rules, ok := j.routes[kind]
	if !ok {
		for i := range j.asked.Len() {
			if j.asked.Searches(i, s) {
				rules = append(rules, i)
			}
		}
		j.routes[kind] = rules
	}
	return rules
}

// alike are sources of a host, of those in the span that was asked about, of which all rules say the same; outside it, those that the same
// rules search.
type alike struct {
	*answers
	sources []event.Source
}

// group puts sources that are alike together, each group in their order.
func (j *judge) group(sources []present) (within, outside []alike) {
	at := map[*answers]int{}
	kinds := map[string]int{}
	for _, p := range sources {
		if !j.asked.Within(p.First, p.Last) {
			kind := j.asked.Kind(p.source)
			if _, there := kinds[kind]; !there {
				kinds[kind] = len(outside)
				outside = append(outside, alike{&answers{quiet: j.rulesOf(kind, p.source)}, []event.Source{p.source}}) // the first is told
			}
			continue
		}
		a := j.answersOf(p)
		i, there := at[a]
		if !there {
			i = len(within)
			at[a] = i
			within = append(within, alike{answers: a})
		}
		within[i].sources = append(within[i].sources, p.source)
	}
	return within, outside
}

// profile gives a profile, and per rule why it cannot be answered: the last source that lacks a field of it, before the first that is
// not in the span, before none of its kind.
func (j *judge) profile(id string, sources []present) (Profile, []string) {
	within, outside := j.group(sources)
	searchable := make([]bool, j.asked.Len())
	why := make([]string, j.asked.Len())
	last := map[int]event.Source{} // that lacks something, by rule
	lacks := map[int][]string{}
	quiet := make([]bool, j.asked.Len()) // its log is there and has no event of the rule's kind
	for _, g := range within {
		for _, rule := range g.can {
			searchable[rule] = true
		}
		for _, l := range g.lacks {
			s := g.sources[len(g.sources)-1]
			if before, there := last[l.rule]; !there || compareSource(before, s) < 0 {
				last[l.rule], lacks[l.rule] = s, l.fields
			}
		}
		for _, rule := range g.quiet {
			quiet[rule] = true
		}
	}
	for _, g := range outside {
		for _, rule := range g.quiet {
			why[rule] = cmp.Or(why[rule], "its source "+g.sources[0].String()+" is there, but not in the span that was asked about")
		}
	}
	for rule, s := range last {
		why[rule] = strings.Join(lacks[rule], " and ") + " never has a value in " + s.String()
	}
	for rule := range searchable {
		searchable[rule] = searchable[rule] || quiet[rule] && why[rule] == ""
	}
	p := Profile{ID: id, NotSearchable: []Unanswered{}, AnsweredBy: j.answeredBy(within, searchable)}
	byReason := map[string][]string{}
	for rule, ok := range searchable {
		if ok {
			p.Searchable++
			why[rule] = ""
			continue
		}
		why[rule] = cmp.Or(why[rule], j.none[rule])
		byReason[why[rule]] = append(byReason[why[rule]], j.asked.ID(rule))
	}
	for _, reason := range slices.Sorted(maps.Keys(byReason)) {
		p.NotSearchable = append(p.NotSearchable, Unanswered{reason, byReason[reason]})
	}
	return p, why
}

// answeredBy groups the relied rules that are searchable by the logs that could show them.
func (j *judge) answeredBy(groups []alike, searchable []bool) (all []Answered) {
	by := map[int][]int{} // groups that could show a rule
	for i, g := range groups {
		for _, rule := range slices.Concat(g.can, g.quiet) {
			if searchable[rule] && j.asked.Relied(rule) {
				by[rule] = append(by[rule], i)
			}
		}
	}
	logs := map[string][]string{} // by groups: their logs, each once
	at := map[string]int{}
	for _, rule := range slices.Sorted(maps.Keys(by)) {
		of := fmt.Sprint(by[rule])
		if _, there := logs[of]; !there {
			var names []string
			for _, i := range by[rule] {
				for _, s := range groups[i].sources {
					names = append(names, streamOf("", s).source)
				}
			}
			slices.Sort(names)
			logs[of] = slices.Compact(names)
		}
		key := strings.Join(logs[of], "\x00")
		i, there := at[key]
		if !there {
			i = len(all)
			at[key] = i
			all = append(all, Answered{Sources: logs[of]})
		}
		all[i].Rules = append(all[i].Rules, j.asked.ID(rule))
	}
	return all
}

// total says for each rule whether any host could answer it, and if none why not.
func (j *judge) total(rules *Rules, found func(rule int) bool) {
	for i := range j.answered {
		rules.Loaded++
		switch {
		case found(i):
			rules.Found++
		case j.answered[i]:
			rules.SearchedClean++
		default:
			reason := "no source of its kind (" + j.asked.Source(i) + ") in the evidence"
			if reasons := slices.Sorted(maps.Keys(j.reasons[i])); len(reasons) > 0 {
				// A field that is never filled says more than a source that is not there.
				specific := slices.DeleteFunc(reasons, func(r string) bool { return strings.HasPrefix(r, "no source of its kind") })
				if len(specific) > 0 {
					reason = specific[0]
				}
			}
			rules.NotSearchable = append(rules.NotSearchable, NotSearchable{ID: j.asked.ID(i), Reason: reason})
		}
	}
}
