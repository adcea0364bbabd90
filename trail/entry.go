package trail

import (
	"math"
	"path"
	"strings"
	"time"
)

// Joins by which a walk finds the way in where only gateways, servers and mail logs hold it. Each has a key, a window of time and a reason why it
// is not everybody's:
//
//	assigned address  ↔ session of remote access: the address, within the session; a host's own address is never one that was assigned
//	account           ↔ its making on a device: the name, at most a month before the session, and before it was ever used
//	making, change    ↔ failure of the device: the device, the hour before
//	file received     ↔ attachment ↔ message: the file's name and whose folder it lies in, from a fortnight before; of several the last
//	file received     ↔ message, where no log names attachments: the recipient, the day before, and only from a sender who wrote hardly ever
//	shell of a server ↔ request: the server's host, seconds, and only of whoever came for little else
//	page written      ↔ URL: the page's name, the host where both are known, and how much of the path is the same
//
// The windows are wide enough for clocks of devices that nobody sets.

const (
	// maxLease bounds a session of remote access whose end no record tells.
	maxLease = int64(24 * time.Hour)
	// deviceClock is how far the clock of a device may be off.
	deviceClock = int64(10 * time.Minute)
	// deviceSession is how long after a logon to a device a command of the same account is believed to be of it.
	deviceSession = int64(2 * time.Hour)
	// fresh is how long before its first use the making of an account belongs to it.
	fresh = int64(30 * 24 * time.Hour)
	// lately is how long a letter may lie before it is opened.
	lately = int64(14 * 24 * time.Hour)
)

// entry chooses for nodes that tell of the way in; false leaves the choice to the table.
func (w *walker) entry(a *arrival) (policy, bool) {
	switch w.kind(a.node) {
	case Address:
		return w.atAssigned(a)
	case Session:
		if w.access(a.node) {
			return w.atAccess(a), true
		}
	case Account:
		return w.atEntryAccount(a)
	case Device:
		return w.atDevice(a), true
	case Attachment:
		return w.atAttachment(a), true
	case Mail:
		if a.from == noNode {
			return policy{factor: 0.97}, true
		}
		return policy{within: int64(24 * time.Hour), factor: 0.97}, true
	case Mailbox:
		return w.atMailbox(a), true
	case Page:
		return w.atPage(a), true
	case Pair:
		return w.atDevicePair(a)
	case URL:
		if a.via.Rel == Serves && a.from != noNode && w.kind(a.from) == Page && !w.traitsOf(a.node).many {
			return policy{factor: 0.9, step: func(e *edge, _ Node, _ bool) float64 {
				return when(e.Rel.asks() && e.Time >= a.time-deviceClock, 1)
			}}, true
		}
	case Service:
		if w.key(a.node).value == webServerName && (a.via.Rel == Started || a.via.Rel.asks()) {
			return w.atWebServer(a), true
		}
	case Process:
		return w.atReader(a)
	case Setting:
		return shut, true
	}
	return policy{}, false
}

func when(yes bool, weight float64) float64 {
	if yes {
		return weight
	}
	return 0
}

// access says whether a session is of remote access or administration as a device or server tells it, not a logon of Windows.
func (v *view) access(s Node) bool {
	value := v.key(s).value
	return strings.HasPrefix(value, "number ") || strings.Contains(value, " from ") && !strings.HasPrefix(value, "desktop ")
}

// lease is the time in which an address was assigned to a session.
type lease struct {
	session  Node
	from, to int64
}

// leases gives who had an address when. A record of an end tells how long it lasted; without one a session lasts until the address is given to another.
func (v *view) leases(address Node) []lease {
	all, known := v.leased[address]
	if !known {
		all = v.leasesOf(address)
		v.leased[address] = all
	}
	return all
}

func (v *view) leasesOf(address Node) (out []lease) {
	if _, ours := v.g.hostOf[v.key(address).value]; ours {
		return nil
	}
	in, _ := v.in(address, never, always)
	for i := range in {
		e := &in[i]
		if e.Rel != Assigned {
			continue
		}
		from, to := e.Time, int64(0)
		if e.Count > 0 {
			from, to = e.Time-int64(e.Count)*second, e.Time
		}
		if n := len(out); n > 0 && out[n-1].session == e.From && from <= out[n-1].to+maxLease {
			if last := &out[n-1]; to != 0 || last.to == math.MaxInt64 {
				last.from, last.to = min(last.from, from), max(to, v.endOf(e.From, last.from))
			}
			continue
		}
		if n := len(out); n > 0 {
			out[n-1].to = min(out[n-1].to, max(from, out[n-1].from))
		}
		if to == 0 {
			to = v.endOf(e.From, from)
		}
		out = append(out, lease{e.From, from, to})
	}
	return out
}

// endOf gives the first end of a session after a time, else the longest that is believed.
func (v *view) endOf(session Node, from int64) int64 {
	out, _ := v.out(session, from, from+maxLease)
	for i := range out {
		if out[i].Rel == LoggedOff {
			return out[i].Time
		}
	}
	return from + maxLease
}

// leaseAt gives the session that had an address at a time, else the one that had it within what clocks may be off.
func leaseAt(all []lease, t int64) (lease, bool) {
	best, gap := lease{}, deviceClock+1
	for _, l := range all {
		d := int64(0)
		switch {
		case t < l.from:
			d = l.from - t
		case t > l.to:
			d = t - l.to
		}
		if d < gap {
			best, gap = l, d
		}
	}
	return best, gap <= deviceClock
}

// passage is an address that was passed on account of a session or a place. Once is enough, and the first time is the heaviest: an address that talked
// a thousand times is not looked at a thousand times.
type passage struct {
	address, why Node
	forward      bool
}

// again says whether an address was passed before for the same reason.
func (w *walker) again(address, why Node, forward bool, seed int) bool {
	p := passage{address, why, forward}
	first, ok := w.passed[p]
	if !ok {
		w.passed[p] = seed
	} else {
		w.union(first, seed)
	}
	return ok
}

// atAssigned is an address that a gateway assigns: back to the session that had it, and from a session to all that the address did in its time.
func (w *walker) atAssigned(a *arrival) (policy, bool) {
	if a.from == noNode {
		return policy{}, false
	}
	if w.kind(a.from) == Mail { // of the server that handed the letter on: it may be everybody's
		if t := w.traitsOf(a.node); t.peers > 10 || w.established(a.node) || w.internal(w.key(a.node)) {
			return shut, true
		}
		return policy{within: lately, factor: 0.8}, true
	}
	all := w.leases(a.node)
	if len(all) == 0 {
		if w.silent(a.node) && w.strange(a.from) {
			if w.again(a.node, a.from, true, a.seed) {
				return shut, true
			}
			return w.atSilent(a), true
		}
		return w.atVisitor(a), true
	}
	l, ok := leaseAt(all, a.time)
	if a.via.Rel == Assigned { // it may speak of the session's end
		for _, x := range all {
			if x.session == a.from && (!ok || x.from <= a.time && a.time <= x.to) {
				l, ok = x, true
			}
		}
		if !ok || w.again(a.node, l.session, true, a.seed) {
			return shut, true
		}
		return policy{within: max(abs(a.time-l.from), abs(l.to-a.time)) + deviceClock, factor: 0.95, step: func(e *edge, _ Node, forward bool) float64 {
			if e.Rel == Assigned {
				return when(e.From == l.session, 1)
			}
			x, ok := leaseAt(all, e.Time)
			return when(ok && x.session == l.session, 1)
		}}, true
	}
	if !ok || w.again(a.node, l.session, false, a.seed) {
		return shut, true
	}
	return policy{within: max(abs(a.time-l.from), abs(l.to-a.time)) + deviceClock, factor: 1, step: func(e *edge, _ Node, _ bool) float64 {
		return when(e.Rel == Assigned && e.From == l.session, 1)
	}}, true
}

// atVisitor is atPlace for addresses that may have come in: months apart, one address need not be one person, so what it asked for long before or after
// counts little. Where programs within call to, time does not matter.
func (w *walker) atVisitor(a *arrival) policy {
	p := w.atPlace(a)
	inner := p.step
	p.step = func(e *edge, other Node, forward bool) float64 {
		f := 1.0
		if inner != nil {
			f = inner(e, other, forward)
		}
		if forward && (e.Rel.asks() || e.Rel == Probed || e.Rel == Connected) && abs(e.Time-a.time) > lately {
			f *= 0.3
		}
		return f
	}
	return p
}

// atAccess is a session of remote access or administration. One that its account has from the same place on ordinary days is the account's owner
// at work, until something else speaks against him.
func (w *walker) atAccess(a *arrival) policy {
	factor := 0.97
	if a.trust != asSeed && w.established(a.node) {
		factor = 0.4
	}
	nameless := true // a log that tells the address given and not from where
	in, _ := w.in(a.node, never, always)
	for i := range in {
		nameless = nameless && in[i].Rel != LoggedOn
	}
	return policy{factor: factor, step: func(e *edge, other Node, forward bool) float64 {
		if e.Rel == OfAccount && !nameless {
			return 0.98
		}
		return 1
	}}
}

// atDevicePair is source and destination where one side is a device that logs those who administer it: its clock is allowed to be off when the two
// hardly ever meet.
func (w *walker) atDevicePair(a *arrival) (policy, bool) {
	if a.from == noNode || strings.HasSuffix(w.key(a.node).value, secureShellMark) {
		return policy{}, false
	}
	if t := w.traitsOf(a.node); t.many || t.edges > 60 || t.days > 3 {
		return policy{}, false
	}
	device := false
	out, _ := w.out(a.node, a.time-deviceSession, a.time+deviceSession)
	for i := range out {
		device = device || out[i].Rel == LoggedOn && w.access(out[i].To) && w.session(out[i].To).kind == console
	}
	if !device {
		return policy{}, false
	}
	return policy{within: deviceSession, factor: 0.9, step: func(e *edge, other Node, _ bool) float64 {
		switch e.Rel {
		case HasCommand, Configured, PassedOn, MadeAccount, Mentioned: // by the same account on the device
			return when(a.via.Rel == LoggedOn && e.Time >= a.time-deviceClock || side(a.via.Rel) == 0, 1)
		case LoggedOn:
			return when(w.access(other) && (abs(e.Time-a.time) <= deviceClock || side(a.via.Rel) == 0 && e.Time <= a.time+deviceClock), 1)
		}
		return when(side(e.Rel) != side(a.via.Rel) && abs(e.Time-a.time) <= deviceClock, 1)
	}}, true
}

// atEntryAccount passes an account to where it was made on a device, and from a file's owner to the letters he received.
func (w *walker) atEntryAccount(a *arrival) (policy, bool) {
	switch {
	case a.from == noNode:
		return policy{}, false
	case a.via.Rel == AddressedTo && w.kind(a.from) == File:
		return w.atRecipient(a), true
	case a.via.Rel == OfAccount && w.access(a.from):
		made, used := w.madeAt(a.node)
		freshly := made != 0 && made <= used+deviceClock && abs(a.time-made) <= fresh
		return policy{within: fresh, factor: 0.95, step: func(e *edge, other Node, forward bool) float64 {
			switch e.Rel {
			case MadeAccount, AddedMember:
				return when(freshly, 0.95)
			case OfAccount:
				near := abs(e.Time-a.time) <= 60*second && w.access(e.From)
				return when(freshly || near, 0.95)
			}
			return 0
		}}, true
	}
	return policy{}, false
}

// madeAt gives when an account was made and when it was first used, 0 and the end of time when no record tells.
func (v *view) madeAt(account Node) (made, used int64) {
	used = math.MaxInt64
	in, _ := v.in(account, never, always)
	for i := range in {
		switch in[i].Rel {
		case MadeAccount:
			if made == 0 || in[i].Time < made {
				made = in[i].Time
			}
		case OfAccount, Checked:
			used = min(used, in[i].Time)
		}
	}
	return made, used
}

// atDevice goes from what was changed or made on a device back to what broke on it before.
func (w *walker) atDevice(a *arrival) policy {
	if a.from == noNode {
		return policy{factor: 0.95}
	}
	switch a.via.Rel {
	case MadeAccount, Configured:
	default:
		return shut
	}
	return policy{within: int64(time.Hour), factor: 0.9, step: func(e *edge, _ Node, _ bool) float64 {
		return when(e.Rel == Failed && e.Time <= a.time+deviceClock, 0.95)
	}}
}

// atAttachment goes from a file that was received to the letter that brought it, and from a letter to where its file was laid.
func (w *walker) atAttachment(a *arrival) policy {
	if a.from == noNode {
		return policy{factor: 0.95}
	}
	if a.via.Rel == Carried {
		if w.traitsOf(a.node).peers > 40 || w.established(a.node) {
			return shut
		}
		return policy{within: lately, factor: 0.8, step: func(e *edge, other Node, _ bool) float64 {
			return when(e.Rel == Carried && abs(e.Time-a.time) < lately/2 || e.Rel == SavedAs && e.Time >= a.time-deviceClock && w.receivedBy(a.from, other) > 0, 1)
		}}
	}
	letter, weight := w.letterOf(a)
	return policy{within: lately, factor: 0.95, step: func(e *edge, other Node, _ bool) float64 {
		if e.Rel == SavedAs && w.key(other).host == w.key(a.from).host { // where it was laid before it was opened
			return when(e.Time <= a.time && a.time-e.Time <= day, 0.9)
		}
		return when(e.Rel == Carried && other == letter, weight)
	}}
}

// letterOf gives the letter that brought a file: the last before it was laid down that went to the owner of its folder. A letter whose recipients are
// not told counts less, one that went to others does not count unless it is the only one that carried a file of that name.
func (w *walker) letterOf(a *arrival) (Node, float64) {
	in, _ := w.in(a.node, a.time-lately, a.time+deviceClock)
	var best Node
	weight, letters := 0.0, 0
	for i := range in {
		e := &in[i]
		if e.Rel != Carried {
			continue
		}
		letters++
		x := w.receivedBy(e.From, a.from)
		if x >= weight && x > 0 {
			best, weight = e.From, x
		}
	}
	if best == noNode && letters == 1 {
		for i := range in {
			if in[i].Rel == Carried {
				best, weight = in[i].From, 0.6
			}
		}
	}
	return best, weight
}

// receivedBy says how well a letter's recipients fit the owner of the folder in which a file lies.
func (w *walker) receivedBy(letter, file Node) float64 {
	owners := map[Node]bool{}
	out, _ := w.out(file, never, always)
	for i := range out {
		if out[i].Rel == AddressedTo {
			owners[out[i].To] = true
		}
	}
	told := false
	for _, m := range w.numbers(letter) {
		in, _ := w.in(m, never, always)
		for i := range in {
			if in[i].Rel == Received {
				told = true
				if owners[in[i].From] {
					return 1
				}
			}
		}
	}
	if told && len(owners) > 0 {
		return 0
	}
	return 0.8
}

// numbers gives a letter and the same letter under its other numbers.
func (v *view) numbers(letter Node) []Node {
	all := []Node{letter}
	seen := map[Node]bool{letter: true}
	for i := 0; i < len(all) && len(all) < 20; i++ {
		out, _ := v.out(all[i], never, always)
		in, _ := v.in(all[i], never, always)
		for _, e := range append(out, in...) {
			for _, n := range []Node{e.From, e.To} {
				if e.Rel == SameMail && !seen[n] {
					seen[n] = true
					all = append(all, n)
				}
			}
		}
	}
	return all
}

// atRecipient goes from the owner of a file to a letter where no log names attachments: to the only one of the day before that came from somebody who
// hardly ever wrote.
func (w *walker) atRecipient(a *arrival) policy {
	out, _ := w.out(a.from, never, always)
	for i := range out { // the file's name was seen in mail: that join decides
		if out[i].Rel != SavedAs {
			continue
		}
		in, _ := w.in(out[i].To, never, always)
		for k := range in {
			if in[k].Rel == Carried {
				return shut
			}
		}
	}
	const day = int64(24 * time.Hour)
	var strange []Node
	letters, _ := w.out(a.node, a.time-day, a.time+deviceClock)
	for i := range letters {
		if letters[i].Rel == Received && w.strangerWrote(letters[i].To) {
			strange = append(strange, letters[i].To)
		}
	}
	if len(strange) != 1 {
		return shut
	}
	return policy{within: day, factor: 0.8, step: func(e *edge, other Node, _ bool) float64 {
		return when(e.Rel == Received && other == strange[0], 1)
	}}
}

// strangerWrote says whether a letter came from somebody outside who wrote at most three letters, none of them in the beginning of the evidence.
func (w *walker) strangerWrote(letter Node) bool {
	for _, m := range w.numbers(letter) {
		in, _ := w.in(m, never, always)
		for i := range in {
			if in[i].Rel == SentMail {
				return w.traitsOf(in[i].From).peers <= 3 && !w.established(in[i].From) && !w.ownMailbox(in[i].From)
			}
		}
	}
	return false
}

func (w *walker) ownMailbox(n Node) bool {
	_, domain, _ := strings.Cut(w.key(n).value, "@")
	return w.g.domains[domain]
}

// atMailbox goes to the other letters of a sender from outside who did not write much.
func (w *walker) atMailbox(a *arrival) policy {
	if a.from == noNode {
		return policy{factor: 0.95}
	}
	if t := w.traitsOf(a.node); t.many || t.peers > 50 || w.established(a.node) || w.ownMailbox(a.node) {
		return shut
	}
	return policy{within: lately, factor: 0.85}
}

// atPage joins a page that was written with the URLs under which it was asked for.
func (w *walker) atPage(a *arrival) policy {
	if a.from == noNode {
		return policy{factor: 0.95}
	}
	return policy{factor: 0.95, step: func(e *edge, other Node, _ bool) float64 {
		if w.kind(other) == w.kind(a.from) {
			return 0
		}
		file, url := a.from, other
		if w.kind(file) != File {
			file, url = other, a.from
		}
		return w.servedAs(w.key(file), w.key(url))
	}}
}

// servedAs says how likely a file is what a server answers with at a URL.
func (w *walker) servedAs(file, url nodeKey) float64 {
	if file.host != "" && url.host != "" && file.host != url.host && !isAddress([]byte(url.host)) && !inFolder([]byte(url.host)) {
		return 0
	}
	p, u := strings.ReplaceAll(file.value, `\`, "/"), path.Clean("/"+strings.ToLower(url.value))
	same := 0
	for p != "" && u != "" && path.Base(p) == path.Base(u) && path.Base(u) != "/" {
		same++
		p, u = strings.TrimSuffix(path.Dir(p), "/"), path.Dir(u)
	}
	switch {
	case same == 0:
		return 0
	case same > 1 || path.Base(u) == "/" || u == "":
		return 1
	}
	return 0.7 // a folder that is mapped to another place
}

const (
	// beforeShell and afterShell are between which moments a request lies that makes a server start a shell: logs tell the beginning of a request or its
	// end, and the end may be late.
	beforeShell = 5 * second
	atShell     = 2 * second
	afterShell  = 30 * second
)

// requestAt says whether a request, or one of those that are folded into it, lies about the start of a shell.
func requestAt(e *edge, shell, after int64) bool {
	return e.Time <= shell+after && e.Time+int64(e.Span)*second >= shell-beforeShell
}

// atWebServer goes from a shell that a server started to the requests that made it do so: those of the seconds about it whose sender came for little
// else, or the only one; and from the intruder's requests to the shells that they started.
func (w *walker) atWebServer(a *arrival) policy {
	if a.via.Rel.asks() {
		if a.from == noNode || w.kind(a.from) != Address || w.shellDays(a.node) > 5 {
			return shut
		}
		end := a.time + int64(a.via.Span)*second + afterShell
		return policy{within: end - a.time, factor: 0.85, step: func(e *edge, _ Node, forward bool) float64 {
			return when(forward && e.Rel == Started && requestAt(&a.via, e.Time, atShell), 1)
		}}
	}
	after := atShell
	senders := w.askedAbout(a, after)
	if len(senders) == 0 {
		after = afterShell
		senders = w.askedAbout(a, after)
	}
	return policy{within: int64(time.Hour), factor: 1, step: func(e *edge, other Node, forward bool) float64 {
		if forward || !e.Rel.asks() || !senders[other] || !requestAt(e, a.time, after) {
			return 0
		}
		switch {
		case len(senders) <= 3 && w.cameForShells(other, a.node):
			return 0.85
		case len(senders) == 1:
			return 0.7
		}
		return 0
	}}
}

// askedAbout gives who from outside asked a server about the start of a shell.
func (w *walker) askedAbout(a *arrival, after int64) map[Node]bool {
	in, _ := w.in(a.node, a.time-int64(time.Hour), a.time+after)
	senders := map[Node]bool{}
	for i := range in {
		if in[i].Rel.asks() && requestAt(&in[i], a.time, after) && !w.internal(w.key(in[i].From)) {
			senders[in[i].From] = true
		}
	}
	return senders
}

// cameForShells says whether most of what an address asked a server for was asked about the start of a shell.
func (w *walker) cameForShells(from, server Node) bool {
	var shells []int64
	out, _ := w.out(server, never, always)
	for i := range out {
		if out[i].Rel == Started {
			shells = append(shells, out[i].Time)
		}
	}
	all, more := w.out(from, never, always)
	hits, n := 0, 0
	for i := range all {
		if !all[i].Rel.asks() || all[i].To != server {
			continue
		}
		n++
		for _, t := range shells {
			if requestAt(&all[i], t, afterShell) {
				hits++
				break
			}
		}
	}
	return !more && hits*2 >= n
}

// shellDays is on how many days a server started shells: one that does so by design says nothing by it.
func (w *walker) shellDays(server Node) int {
	days := map[int64]bool{}
	out, _ := w.out(server, never, always)
	for i := range out {
		if out[i].Rel == Started {
			days[out[i].Time/int64(24*time.Hour)] = true
		}
	}
	return len(days)
}

// atReader is a program that opens what people receive and that started something of the intruder's: back to what it had opened.
func (w *walker) atReader(a *arrival) (policy, bool) {
	name := w.program(a.node)
	if !readers[name] || mailPrograms[name] || a.trust != asCause || a.via.Rel != Started || a.from == noNode {
		return policy{}, false
	}
	return policy{factor: 1, step: func(e *edge, other Node, forward bool) float64 {
		switch e.Rel {
		case Started:
			return when(!forward || abs(e.Time-a.time) < meeting, 0.9)
		case Mentioned:
			return when(w.kind(other) == File && a.time >= e.Time-deviceClock, 0.95)
		case Wrote, ReadFrom:
			k := w.key(other)
			_, _, received := receivedFile([]byte(k.value))
			return when(received && a.time-e.Time < deviceClock && e.Time-a.time < meeting && w.kind(other) == File, 0.8)
		case HasCommand:
			return 0.9
		}
		return 0
	}}, true
}

// mailPrograms are readers in which letters themselves are read; they run all day.
var mailPrograms = set("outlook.exe olk.exe thunderbird.exe hxoutlook.exe evolution thunderbird")
