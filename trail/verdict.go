package trail

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/contrail-ir/contrail/finding"
)

// The verdict. An intrusion is somebody from outside who acts inside, and saying so has consequences for people; so what a walk reached must
// pass three questions:
//
//   - Does it add up? Two different rules of level high and above, or one and a program that nobody installed and that both starts others and
//     connects; and two tactics. One alert, however grave, may be an administrator or a mistake of the rule; HOLMES asks for stages for the same reason.
//   - Is it explained? What goes back to somebody's own and habitual place of work (authority.go) does not count, be it ever so grave.
//   - Does it lead outside? A way in, a program that calls, something fetched or sent. A penetration test from a machine within, or a colleague
//     who tries things, adds up and is not explained, and leads nowhere. Where no log would show what leads outside, that none does proves nothing,
//     and the question is not asked.
//
// "No intrusion established" says which of the questions failed. It does not say that all is well.

// evidence is what speaks for an intrusion in a group of steps.
type evidence struct {
	steps   []int // into taken
	rules   map[finding.RuleID]bool
	tactics map[string]bool // that rules of level medium and above speak of
	implant bool            // a program that nobody installed starts others and connects
	began   int64           // first step that a rule of level high or above matched
	calls   map[string]bool
	signs   map[string]*sighted // signs.go
	stages  map[string]bool     // tactics that signs and rules speak of
	strong  bool
	noticed int64 // first sign
	asked   map[string][]int64
	starts  map[string]bool

	established bool
	why         string
	addedUp     bool         // and not by what the network alone shows
	tie         string       // to the outside
	passed      int          // questions
	explained   map[int]bool // steps
}

func newEvidence() *evidence {
	return &evidence{rules: map[finding.RuleID]bool{}, tactics: map[string]bool{}, calls: map[string]bool{}, starts: map[string]bool{}, signs: map[string]*sighted{}, stages: map[string]bool{}, asked: map[string][]int64{}, began: always, noticed: always, explained: map[int]bool{}}
}

// count tallies a step.
func (e *evidence) count(t *teller, s *edge) {
	for _, r := range t.findings[t.ref(s)] {
		if r.Level >= finding.High {
			e.rules[r.ID] = true
			e.began = min(e.began, s.Time)
		}
		if r.Level >= finding.Medium {
			for _, tactic := range tacticsOf(r.Tags) {
				e.tactics[tactic] = true
			}
		}
	}
	e.look(t, s)
	e.signsOf(t, s)
}

// look notes whether a step makes its program look like an implant.
func (e *evidence) look(t *teller, s *edge) {
	if t.kind(s.From) != Process || s.Rel != Started && s.Rel != Connected {
		return
	}
	image := t.image(s.From)
	if !strings.ContainsAny(image, `\/`) || !t.stranger(s.From) {
		return
	}
	if s.Rel == Started {
		e.starts[image] = true
	} else if t.g.hostOf[t.key(s.To).value] == "" {
		e.calls[image] = true
	}
	e.implant = e.implant || e.starts[image] && e.calls[image]
}

// addsUp is the first question.
func (e *evidence) addsUp() bool {
	return len(e.rules) > 0 && (len(e.rules) >= 2 || e.implant) && len(e.tactics) >= 2 || e.showsStages()
}

func (e *evidence) amount() string {
	s := count(len(e.rules), "rule") + " of level high or above"
	if n := len(e.signs); n > 0 {
		return s + ", " + count(len(e.tactics), "tactic") + " and " + count(n, "sign")
	}
	return s + " and " + count(len(e.tactics), "tactic")
}

// mostTold is how many signs a headline names; the others stand in a list.
const mostTold = 2

// headline is what speaks for an intrusion, in one sentence: how much there is, what ties it to the outside, and the signs that say most beside that.
func (e *evidence) headline(tie string) string {
	parts := []string{e.amount()}
	if tie != "" {
		parts = append(parts, tie)
	}
	for i := range signs {
		if x := &signs[i]; e.signs[x.name] != nil && len(parts) < 2+mostTold && (tie == "" || !x.entry) {
			parts = append(parts, x.name)
		}
	}
	return strings.Join(parts, "; ")
}

// judgeGroups puts seeds whose walks met into one group, and decides for each group whether it is an intrusion.
func (t *teller) judgeGroups() {
	owner := map[Node]int{}
	for _, s := range t.taken {
		for _, n := range []Node{s.edge.From, s.edge.To} {
			if n == noNode || !t.opened[n] {
				continue
			}
			if first, ok := owner[n]; ok {
				t.union(first, s.seed)
			} else {
				owner[n] = s.seed
			}
		}
	}
	groups := map[int]*evidence{}
	for i, s := range t.taken {
		g := t.find(s.seed)
		if groups[g] == nil {
			groups[g] = newEvidence()
		}
		groups[g].steps = append(groups[g].steps, i)
	}
	for _, e := range groups {
		t.judge(e)
	}
	closest := newEvidence() // what came closest is what somebody should look at
	closest.passed = -1
	for i, s := range t.starts {
		e := groups[t.find(i)]
		if e == nil {
			e = newEvidence()
			e.why = "no intrusion established: the record leads nowhere"
		}
		t.trail.Starts = append(t.trail.Starts, StartView{Start: s.String(), Established: e.established, Why: e.why})
		if e.passed > closest.passed {
			closest = e
		}
	}
	t.trail.Established, t.trail.Why, t.trail.Signs = closest.established, closest.why, closest.told(Rejected)
	if len(t.starts) == 0 {
		t.trail.Why = "no intrusion established: nothing to start from was found"
	}
	for i, s := range t.taken {
		switch e := groups[t.find(s.seed)]; {
		case !e.established:
			t.rejected = append(t.rejected, s)
		case e.explained[i]:
			t.beside = append(t.beside, s)
		default:
			t.kept = append(t.kept, s)
		}
	}
	slices.SortStableFunc(t.kept, t.compareSteps)
	if !t.trail.Established {
		return
	}
	whole := newEvidence() // of all that is established
	for i := range t.kept {
		whole.count(t, &t.kept[i].edge)
	}
	t.trail.Signs = whole.told(Intrusion)
	if closest.addedUp {
		t.trail.Why = whole.headline(closest.tie)
	}
}

// judge asks the three questions of a group. Where no process could be seen, what the network alone shows (network.go) answers the first and the last.
func (t *teller) judge(e *evidence) {
	slices.SortStableFunc(e.steps, func(a, b int) int { return t.compareSteps(t.taken[a], t.taken[b]) }) // what is told first does not hang on the walk's order
	for _, i := range e.steps {
		e.count(t, &t.taken[i].edge)
	}
	began := e.began
	if began == always {
		began = min(e.noticed, t.beganOnWire(e))
	}
	by := t.authorityAt(began)
	places := t.placesOf(e, by)
	wire, excused := t.seenOnWire(e, places)
	switch {
	case wire != "" && !e.addsUp():
		e.passed, e.established, e.why = 3, true, wire
		return
	case excused != "" && !e.addsUp():
		e.passed, e.why = 1, "no intrusion established: "+excused+", but programs that go back to somebody's ordinary work reach for the same; ask whose they are"
		return
	case len(e.rules) == 0 && !e.addsUp():
		e.why = fmt.Sprintf("no intrusion established: of %d steps from here none is matched by a rule of level high or above", len(e.steps))
		return
	case !e.addsUp():
		e.why = "no intrusion established: only " + e.amount()
		return
	}
	e.passed = 1
	rest := newEvidence()
	for _, i := range e.steps {
		s := &t.taken[i].edge
		if actor := t.actor(s); actor != noNode && by.explains(actor) {
			e.explained[i] = true
		}
		if p := t.outsidePlace(s); p != noNode && places[p] == explained {
			e.explained[i] = true
		}
		if !e.explained[i] {
			rest.count(t, s)
		}
	}
	switch {
	case rest.addsUp():
	case wire != "":
		e.passed, e.established, e.why = 3, true, wire
		return
	default:
		e.why = "no intrusion established: " + e.amount() + ", but what they speak of goes back to " + t.people(e) + ", at work from where they worked on earlier days; ask them"
		return
	}
	e.passed = 2
	tie := cmp.Or(t.leadsOutside(e, places), wire)
	if tie == "" && t.wouldShow(e) {
		e.why = "no intrusion established: " + rest.amount() + ", but nothing leads outside – no way in, no program that calls, nothing fetched or sent – in logs that would show it; a test or somebody of the house leaves the same: ask whose doing it was" + t.strangers(e)
		return
	}
	e.passed, e.established, e.addedUp, e.tie, e.why = 3, true, true, tie, rest.headline(tie)
}

// actor is who did what a step tells: the process, the logon, or what starts programs by itself.
func (t *teller) actor(e *edge) Node {
	switch t.kind(e.From) {
	case Process, pidRef, Session, Service, Task, WMI:
		return e.From
	}
	switch t.kind(e.To) {
	case Session:
		return e.To
	case Process, pidRef:
		if e.Rel == RanAs || e.Rel == Accepted {
			return e.To
		}
	}
	return noNode
}

// outsidePlace gives the address or name outside that a step touches and that not everybody touches, noNode for none. A private address in a network
// where no host of the organisation is known counts as outside when a program that nobody installed connects to it.
func (t *teller) outsidePlace(e *edge) Node {
	for _, n := range []Node{e.To, e.From} {
		if n == noNode {
			continue
		}
		if k := t.key(n); t.rareOutside(n) || n == e.To && t.calledByImplant(e, k) && t.foreignNetwork(k.value) && t.rare(n) {
			return n
		}
	}
	return noNode
}

// rareOutside says whether a node is an address or name outside that not everybody touches.
func (v *view) rareOutside(n Node) bool {
	k := v.key(n)
	return (k.kind == Address || k.kind == Name) && !v.internal(k) && v.rare(n)
}

func (v *view) rare(n Node) bool {
	t := v.traitsOf(n)
	return !t.many && t.programs <= 6 && t.hosts <= 12 && !v.established(n)
}

// foreignNetwork says whether no host of the organisation is known in an address's network.
func (t *teller) foreignNetwork(address string) bool {
	ip, err := netip.ParseAddr(address)
	return err == nil && t.g.network[network(ip)] == 0
}

// placesOf says of the places outside in a group whether somebody unexplained used them: a process, or nobody who is known.
func (t *teller) placesOf(e *evidence, by *authority) map[Node]verdict {
	places := map[Node]verdict{}
	for _, i := range e.steps {
		s := &t.taken[i].edge
		p := t.outsidePlace(s)
		if p == noNode {
			continue
		}
		switch k := t.kind(s.From); {
		case k != Process && k != pidRef:
			places[p] = max(places[p], unasked)
		case by.explains(s.From):
			if places[p] == unasked {
				places[p] = explained
			}
		default:
			places[p] = unexplained
		}
	}
	return places
}

// leadsOutside gives in words what ties a group to the outside, "" when nothing does.
func (t *teller) leadsOutside(e *evidence, places map[Node]verdict) string {
	best := ""
	for _, i := range e.steps {
		s := &t.taken[i].edge
		if e.explained[i] {
			continue
		}
		from, to := t.program(s.From), t.program(s.To)
		switch {
		case s.Rel == Started && servers[from] && shells[to] && t.seldomStarts(s.From, to) && !t.askedFromInside(s):
			return fmt.Sprintf("%s, which answers requests, started %s", from, to)
		case s.Rel == Started && readers[from] && !readers[to] && !browser(to):
			return fmt.Sprintf("%s, which opens what people are sent, started %s", from, to)
		case s.Rel == Started && t.key(s.From).value == webServerName && t.shellDays(s.From) <= 5:
			return "a web server, which answers requests, started " + to
		case s.Rel == Failed:
			return "a device that faces the internet broke on what it was sent"
		case s.Rel == Carried || s.Rel == SentMail:
			return "a letter brought it"
		case s.Rel == LoggedOn && t.kind(s.From) == Address && !t.internal(t.key(s.From)):
			return "a logon came from " + t.key(s.From).value
		}
		if best != "" {
			continue
		}
		if p := t.outsidePlace(s); p != noNode && places[p] != explained {
			switch k := t.kind(s.From); {
			case k != Process && k != pidRef:
				if x := t.flowOf(s); t.strange(p) && (x.upload > 0 || x.beacon >= 0.5 && t.lasts(s.From, s.To)) {
					best = fmt.Sprintf("%s called %s, which nobody did on ordinary days", t.key(s.From).value, t.key(p).value)
					continue
				}
			case installed(t.image(s.From)) && (residents[from] || servers[from] || browser(from) || readers[from]):
			default:
				best = fmt.Sprintf("%s reached for %s", from, t.key(p).value)
				continue
			}
		}
		for _, r := range t.findings[t.ref(s)] {
			if tactics := tacticsOf(r.Tags); r.Level >= finding.High && (slices.Contains(tactics, "exfiltration") || slices.Contains(tactics, "command-and-control")) {
				best = r.Title
			}
		}
	}
	return best
}

// askedFromInside says whether the requests just before a server started something all came from within.
func (t *teller) askedFromInside(s *edge) bool {
	in, _ := t.in(s.From, s.Time-2*second, s.Time)
	inside := false
	for i := range in {
		if in[i].Rel == Connected && t.kind(in[i].From) == Address {
			if !t.internal(t.key(in[i].From)) {
				return false
			}
			inside = true
		}
	}
	return inside
}

// wouldShow says whether the evidence has logs in which what leads outside from the hosts of a group would show: a network's, or those of
// the connections of each host's processes.
func (t *teller) wouldShow(e *evidence) bool {
	if t.g.sensor {
		return true
	}
	for _, i := range e.steps {
		if s := &t.taken[i].edge; t.kind(s.From) == Process && !t.g.talks[s.Host] {
			return false
		}
	}
	return true
}

// people names the accounts in whose logons the explained steps of a group were done.
func (t *teller) people(e *evidence) string {
	return t.accountsOf(e, true, "known accounts")
}

// strangers names those of the rest, as a question.
func (t *teller) strangers(e *evidence) string {
	if s := t.accountsOf(e, false, ""); s != "" {
		return " (" + s + ")"
	}
	return ""
}

func (t *teller) accountsOf(e *evidence, explained bool, none string) string {
	names := map[string]bool{}
	for _, i := range e.steps {
		s := &t.taken[i].edge
		if e.explained[i] != explained || s.Rel != OfAccount || t.kind(s.From) != Session || systemSession(t.key(s.From).value) {
			continue
		}
		if name := t.key(s.To).value; !strings.HasSuffix(name, "$") {
			names[name] = true
		}
	}
	all := sortedKeys(names)
	switch {
	case len(all) == 0:
		return none
	case len(all) > 4:
		all = append(all[:4], "others")
	}
	return strings.Join(all, ", ")
}
