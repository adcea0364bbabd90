package trail

import "strings"

// The way in by letters, and by what opens them.

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
