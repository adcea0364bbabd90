package trail

import (
	"strings"
	"time"
)

// authority judges on whose behalf something was done. An administrator's night work, a deployment and an intruder's use the same tools and
// leave the same kinds of records; what they do not share is where the orders come from. Something is explained when its causes go back, through
// programs that do not take orders from strangers, to a person's own desktop or an account's own place of work, and that account worked
// from that place on several days before any of it began. Tickets and announcements are not in logs; habits are.
//
// A cause that was not logged explains nothing. So evidence of a few days explains nothing either: it has no days before.
type authority struct {
	*view
	since int64 // when what is judged began: habits are counted before
	known map[Node]verdict
	habit map[[2]Node]bool
}

type verdict uint8

const (
	unasked verdict = iota
	asking          // being judged: a circle of causes explains nothing
	unexplained
	explained
)

// habitDays is on how many days before the day in question an account must have worked from a place, and habitSpan how far back they are looked for.
const (
	habitDays = 3
	habitSpan = 120 * day
	day       = int64(24 * time.Hour)
)

// authorityAt gives the judge of what began on a day.
func (v *view) authorityAt(since int64) *authority {
	since -= since % day
	a := v.authorities[since]
	if a == nil {
		a = &authority{view: v, since: since, known: map[Node]verdict{}, habit: map[[2]Node]bool{}}
		v.authorities[since] = a
	}
	return a
}

// explains says whether a node – a process, a logon, a service, a task or a subscription – goes back to somebody's ordinary work.
func (a *authority) explains(n Node) bool {
	if k := a.known[n]; k != unasked {
		return k == explained
	}
	a.known[n] = asking
	ok := false
	switch a.kind(n) {
	case Process, pidRef:
		ok = a.process(n)
	case Session:
		ok = a.logon(n)
	case Service, Task, WMI:
		ok = a.persistence(n)
	}
	a.known[n] = unexplained
	if ok {
		a.known[n] = explained
	}
	return ok
}

// process asks for the parent and for the logon in which it runs. Programs that answer requests or open what people are sent act for strangers.
func (a *authority) process(p Node) bool {
	name := a.program(p)
	if servers[name] || readers[name] || browser(name) {
		return false
	}
	session, parent := noNode, noNode
	out, _ := a.out(p, never, always)
	for i := range out {
		if out[i].Rel == InSession {
			session = out[i].To
			break
		}
	}
	in, _ := a.in(p, never, always)
	for i := range in {
		switch in[i].Rel {
		case Started:
			parent = in[i].From
		case Injected:
			if !a.explains(in[i].From) {
				return false
			}
		}
	}
	if !a.writtenByKnown(p) || a.atOwnDesk(session) && a.reachesOutside(p) {
		return false
	}
	if a.routine(p) {
		return true
	}
	if shells[name] && a.atOwnDesk(session) && a.startsStranger(p, 3) {
		return false
	}
	above := a.program(parent)
	switch {
	case parent == noNode || !residents[above] || !installed(a.image(parent)):
		if parent != noNode && !a.explains(parent) {
			return false
		}
		return parent != noNode && systemSession(a.key(session).value) || session != noNode && a.explains(session)
	case session != noNode && !systemSession(a.key(session).value):
		return a.explains(session) // a desktop's, a remote command's, a job's own logon
	}
	// The system runs it: whoever told the system to.
	causes := false
	for i := range in {
		if in[i].Rel == RanAs {
			if causes = true; !a.explains(in[i].From) {
				return false
			}
		}
	}
	for i := range out {
		if out[i].Rel != RunsImage {
			continue
		}
		runs, _ := a.in(out[i].To, never, always)
		for j := range runs {
			if runs[j].Rel == Runs {
				if causes = true; !a.explains(runs[j].From) {
					return false
				}
			}
		}
	}
	return causes
}

// routine says whether a process is a job's: the same command line ran on its host on most days of the evidence, from its beginning.
func (a *authority) routine(p Node) bool {
	out, _ := a.out(p, never, always)
	for i := range out {
		if out[i].Rel != HasCommand || !a.established(out[i].To) {
			continue
		}
		days := map[int64]bool{}
		in, more := a.in(out[i].To, never, always)
		for k := range in {
			if in[k].Host == out[i].Host {
				days[in[k].Time/day] = true
			}
		}
		if more || int64(len(days)) >= routineDays && int64(len(days))*2 >= (a.g.last-a.g.first)/day {
			return true
		}
	}
	return false
}

// routineDays is on how many days a job must have run.
const routineDays = 5

// atOwnDesk says whether a logon is one at the machine itself.
func (a *authority) atOwnDesk(session Node) bool {
	if session == noNode || systemSession(a.key(session).value) {
		return false
	}
	switch a.session(session).kind {
	case 3, 8, 9, 10:
		return false
	}
	return true
}

// startsStranger says whether a command interpreter started a program that nobody installed and that reaches for a place outside that few do: a link or a
// document that a person opened has others do its work.
func (a *authority) startsStranger(p Node, deep int) bool {
	out, _ := a.out(p, never, always)
	for i := range out {
		child := out[i].To
		if out[i].Rel != Started {
			continue
		}
		if image := a.image(child); strings.ContainsAny(image, `\/`) && !installed(image) && a.reachesOutside(child) {
			return true
		}
		if deep > 0 && shells[a.program(child)] && a.startsStranger(child, deep-1) {
			return true
		}
	}
	return false
}

// reachesOutside says whether a process reached for a place outside that few do. At a desk that is how people are made to start what is not theirs: nobody
// but the person vouches for it, and the person is who was deceived.
func (a *authority) reachesOutside(p Node) bool {
	out, _ := a.out(p, never, always)
	for i := range out {
		switch out[i].Rel {
		case Connected, Resolved, Requested, Posted, Mentioned:
			if a.rareOutside(out[i].To) {
				return true
			}
		}
	}
	return a.firstCalls(p) != nil
}

// writtenByKnown says whether nobody unexplained wrote the program that a process runs. A program that installers put there is everybody's.
func (a *authority) writtenByKnown(p Node) bool {
	out, _ := a.out(p, never, always)
	for i := range out {
		if out[i].Rel != RunsImage || installed(a.key(out[i].To).value) {
			continue
		}
		in, _ := a.in(out[i].To, never, out[i].Time)
		for j := range in {
			from := in[j].From
			if in[j].Rel != Wrote || a.kind(from) != Session && a.kind(from) != Process {
				continue
			}
			if residents[a.program(from)] && installed(a.image(from)) || a.kind(from) == Session && systemSession(a.key(from).value) {
				continue // the system writes what comes through shares, for whoever sent it
			}
			if !a.explains(from) {
				return false
			}
		}
	}
	return true
}

// persistence asks who made it. What the system itself wrote about it tells nothing.
func (a *authority) persistence(n Node) bool {
	causes := false
	in, _ := a.in(n, never, always)
	for i := range in {
		from := in[i].From
		switch in[i].Rel {
		case Installed, Mentioned, SetValue:
			if a.kind(from) == Session && systemSession(a.key(from).value) || a.kind(from) == Process && residents[a.program(from)] {
				continue
			}
			if causes = true; !a.explains(from) {
				return false
			}
		}
	}
	return causes
}

// logon asks whether the account works from there by habit, and, where the host that it came from logged, which program opened the connection.
func (a *authority) logon(s Node) bool {
	value := a.key(s).value
	if systemSession(value) {
		return false
	}
	info := a.session(s)
	account, from := noNode, []Node(nil)
	in, _ := a.in(s, never, always)
	var sockets, pairs []edge
	for i := range in {
		if in[i].Rel != LoggedOn && in[i].Rel != Accepted {
			continue
		}
		switch a.kind(in[i].From) {
		case Address:
			from = append(from, in[i].From)
		case Socket:
			sockets = append(sockets, in[i])
		case Pair:
			if !strings.Contains(a.key(in[i].From).value, ":") { // of two hosts, not of an account
				pairs = append(pairs, in[i])
			}
		}
	}
	if rest, ok := strings.CutPrefix(value, "desktop "); ok { // told by Terminal Services, which know no logon id
		user, address, _ := strings.Cut(rest, " from ")
		info.account, info.kind = user, 10
		if n := a.g.names.find(appendKey(nil, Address, nil, []byte(address))); n != noNode {
			from = append(from, n)
		}
	}
	if info.account != "" {
		account = a.g.names.find(appendKey(nil, Account, nil, []byte(info.account)))
	}
	if len(from) == 0 {
		switch info.kind {
		case 3, 8, 9, 10:
			return false
		}
		return a.ownDesk(s, account)
	}
	for _, address := range from {
		if l, ok := leaseAt(a.leases(address), min(info.began, a.traitsOf(s).last)); ok { // given by a gateway: what counts is whence that session came
			if !a.explains(l.session) {
				return false
			}
			continue
		}
		if !a.internal(a.key(address)) && !a.access(s) || account == noNode || !a.worksFrom(account, address) {
			return false
		}
	}
	// The exact connection where it was logged, else any between the two hosts in those seconds.
	if asked, ok := a.opened(sockets); asked {
		return ok
	}
	_, ok := a.opened(pairs)
	return ok
}

// opened asks for the programs that opened connections; none known is no objection.
func (a *authority) opened(by []edge) (asked, ok bool) {
	for _, e := range by {
		in, _ := a.in(e.From, e.Time-meeting, e.Time+meeting)
		for i := range in {
			if k := a.kind(in[i].From); in[i].Rel != Opened || k != Process && k != pidRef {
				continue
			}
			if asked = true; !a.explains(in[i].From) {
				return true, false
			}
		}
	}
	return asked, true
}

// worksFrom says whether an account logged on from an address on several days before.
func (a *authority) worksFrom(account, address Node) bool {
	k := [2]Node{account, address}
	if known, ok := a.habit[k]; ok {
		return known
	}
	days := map[int64]bool{}
	in, _ := a.in(account, a.since-habitSpan, a.since-1)
	for i := range in {
		d := in[i].Time / day
		if in[i].Rel != OfAccount || days[d] {
			continue
		}
		at, _ := a.in(in[i].From, in[i].Time-meeting, in[i].Time+meeting)
		for j := range at {
			if at[j].Rel == LoggedOn && at[j].From == address {
				days[d] = true
				break
			}
		}
		if len(days) >= habitDays {
			break
		}
	}
	a.habit[k] = len(days) >= habitDays
	return a.habit[k]
}

// ownDesk says whether a logon at the machine itself – a person's, a job's, a service's – is an ordinary one: programs ran in it on several days
// before, or the account had such logons there.
func (a *authority) ownDesk(s, account Node) bool {
	days := map[int64]bool{}
	in, _ := a.in(s, a.since-habitSpan, a.since-1)
	for i := range in {
		if in[i].Rel == InSession {
			days[in[i].Time/day] = true
		}
	}
	if len(days) >= habitDays {
		return true
	}
	if account == noNode {
		return false
	}
	host := a.key(s).host
	all, _ := a.in(account, a.since-habitSpan, a.since-1)
	for i := range all {
		if d := all[i].Time / day; all[i].Rel == OfAccount && !days[d] && a.key(all[i].From).host == host {
			switch all[i].Count { // the type of the logon
			case 2, 4, 5, 7, 11, 12, 13:
				days[d] = true
			}
		}
	}
	return len(days) >= habitDays
}
