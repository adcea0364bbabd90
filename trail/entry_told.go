package trail

import (
	"fmt"
	"slices"
	"strings"
)

// What the steps of the way in mean: conditions of the table of stages, the way in, and who only hands traffic on.

func (t *teller) outside(n Node) bool {
	return t.kind(n) == Address && !t.internal(t.key(n))
}

func accessFromOutside(t *teller, e *edge) bool {
	return t.access(e.To) && t.outside(e.From) && t.logonOf(e) == remoteAccess
}

func cloudFromOutside(t *teller, e *edge) bool {
	return t.outside(e.From) && t.logonOf(e) == cloudLogon
}

// inCloud says whether something was done in a session of a cloud service.
func inCloud(t *teller, e *edge) bool { return cloudServices[t.key(e.From).host] }

func consoleFromOutside(t *teller, e *edge) bool {
	return t.outside(e.From) && t.logonOf(e) == console
}

func consoleLogon(t *teller, e *edge) bool { return t.logonOf(e) == console }

func fromOutside(t *teller, e *edge) bool { return t.outside(e.From) }

// onDevice says whether something was done by whoever was on a network device, or to it.
func onDevice(t *teller, e *edge) bool {
	switch t.kind(e.From) {
	case Device, Address:
		return true
	case Session:
		return t.access(e.From)
	}
	return false
}

func opensReceived(t *teller, e *edge) bool {
	if t.kind(e.From) != Process || t.kind(e.To) != File || !readers[t.program(e.From)] {
		return false
	}
	_, _, ok := receivedFile([]byte(t.key(e.To).value))
	return ok
}

// entered says whether a step is a way in.
func (t *teller) entered(e *edge) (Access, bool) {
	host := t.g.hosts.text[e.Host]
	switch {
	case e.Rel == Failed:
		a := Access{Technique: "T1190", Host: host, Text: "A program of a device that faces the internet broke"}
		if t.kind(e.From) == Address {
			a.Text += fmt.Sprintf(" on what %s sent", t.key(e.From).value)
		}
		a.Text += t.thenAccess(e.Time)
		return a, true
	case e.Rel == LoggedOn && accessFromOutside(t, e):
		return Access{Technique: "T1133", Host: host, Text: fmt.Sprintf("Remote access%s came from the outside address %s.", t.asAccount(e.To), t.key(e.From).value)}, true
	case e.Rel == LoggedOn && cloudFromOutside(t, e):
		return Access{Technique: "T1078.004", Host: host, Text: fmt.Sprintf("A sign-in to a cloud service%s came from the outside address %s.", t.asAccount(e.To), t.key(e.From).value)}, true
	case e.Rel == LoggedOn && consoleFromOutside(t, e):
		return Access{Technique: "T1078", Host: host, Text: fmt.Sprintf("A logon%s came from the outside address %s.", t.asAccount(e.To), t.key(e.From).value)}, true
	case e.Rel == MadeAccount && t.kind(e.From) == Address && t.outside(e.From):
		return Access{Technique: "T1190", Host: host, Text: fmt.Sprintf("From %s the account %s was made on a device that faces the internet%s", t.key(e.From).value, t.key(e.To).value, t.thenAccess(e.Time))}, true
	case e.Rel == Carried, e.Rel == Received, e.Rel == SentMail:
		letter := e.From
		if e.Rel != Carried {
			letter = e.To
		}
		return t.byLetter(letter, host), true
	case e.Rel == Started && t.key(e.From).value == webServerName && t.shellDays(e.From) <= 5:
		a := Access{Technique: "T1190", Host: host, Text: fmt.Sprintf("The web server, which answers requests from outside, started %s.", t.program(e.To))}
		t.requestBehind(&a, e)
		return a, true
	}
	return Access{}, false
}

// requestBehind adds whose request made a server start something, as its log tells.
func (t *teller) requestBehind(a *Access, start *edge) {
	if !t.requestOf(a, start, Posted) {
		t.requestOf(a, start, Requested)
	}
}

func (t *teller) requestOf(a *Access, start *edge, asks Relation) bool {
	for i := range t.kept {
		c := &t.kept[i].edge
		if c.Rel != asks || t.key(c.To).value != webServerName || t.key(c.To).host != t.g.hosts.text[start.Host] || !requestAt(c, start.Time, afterShell) {
			continue
		}
		r := t.ref(c)
		a.Text += " The request came from " + t.key(c.From).value + "."
		a.Refs = append(a.Refs, Ref{r.File, r.Record, Intrusion})
		return true
	}
	return false
}

func (t *teller) asAccount(session Node) string {
	if s := t.session(session); s.account != "" {
		return " as " + s.account
	}
	return ""
}

// thenAccess tells the first session of remote access after a time.
func (t *teller) thenAccess(after int64) string {
	for i := range t.kept {
		if e := &t.kept[i].edge; e.Rel == LoggedOn && e.Time >= after && accessFromOutside(t, e) {
			return fmt.Sprintf("; later remote access%s came from %s.", t.asAccount(e.To), t.key(e.From).value)
		}
	}
	return "."
}

// byLetter tells a letter: from whom, to whom, with what.
func (t *teller) byLetter(letter Node, host string) Access {
	var from, to, file []string
	same := t.numbers(letter)
	a := Access{Technique: "T1566", Host: host}
	for i := range t.kept {
		e := &t.kept[i].edge
		switch {
		case e.Rel == SentMail && slices.Contains(same, e.To):
			from = append(from, t.key(e.From).value)
		case e.Rel == Received && slices.Contains(same, e.To):
			to = append(to, t.key(e.From).value)
		case e.Rel == Carried && slices.Contains(same, e.From):
			a.Technique = "T1566.001"
			file = append(file, t.key(e.To).value)
		default:
			continue
		}
		r := t.ref(e)
		a.Refs = append(a.Refs, Ref{r.File, r.Record, Intrusion})
	}
	a.Refs = slices.CompactFunc(a.Refs, func(x, y Ref) bool { return x == y })
	join := func(before string, all []string) string {
		if all = slices.Compact(slices.Sorted(slices.Values(all))); len(all) == 0 {
			return ""
		}
		return before + strings.Join(all[:min(len(all), 5)], ", ")
	}
	a.Text = "A letter" + join(" from ", from) + join(" to ", to) + join(" brought ", file) + "."
	return a
}

// passedOn gives the addresses to which a device was told to hand traffic: relays, which say nothing of who stands behind them.
func (t *teller) passedOn() map[Node]bool {
	out := map[Node]bool{}
	for i := range t.kept {
		if e := &t.kept[i].edge; e.Rel == PassedOn {
			out[e.To] = true
		}
	}
	return out
}

// hops gives the organisation's own devices that the intruder passed through: in from an outside address, and on – to an address inside that the device
// gave the session, or to where it was told to hand traffic.
func (t *teller) hops() []Place {
	type seen struct {
		in, on      bool
		first, last int64
		refs        map[Ref]bool
	}
	all := map[string]*seen{}
	note := func(device string, e *edge) *seen {
		if all[device] == nil {
			all[device] = &seen{first: e.Time, refs: map[Ref]bool{}}
		}
		s := all[device]
		s.last = e.Time
		if r := t.ref(e); len(s.refs) < maxRefs {
			s.refs[Ref{r.File, r.Record, Intrusion}] = true
		}
		return s
	}
	for i := range t.kept {
		e := &t.kept[i].edge
		switch {
		case e.Rel == LoggedOn && t.access(e.To) && t.outside(e.From):
			note(t.key(e.To).host, e).in = true
		case (e.Rel == Assigned || e.Rel == PassedOn) && t.access(e.From):
			note(t.key(e.From).host, e).on = true
		case e.Rel == PassedOn:
			note(t.g.hosts.text[e.Host], e).on = true
		}
	}
	var out []Place
	for _, device := range sortedKeys(all) {
		if s := all[device]; s.on && s.in && device != "" && !inFolder([]byte(device)) {
			out = append(out, Place{Value: device, Kind: "device", Role: "relay", First: stamp(s.first), Last: stamp(s.last), Refs: sortedRefs(s.refs)})
		}
	}
	return out
}
