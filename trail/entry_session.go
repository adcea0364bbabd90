package trail

import (
	"math"
	"strings"
	"time"
)

// The way in by sessions of remote access and by what administers devices.

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
	return once(v.leased, address, v.leasesOf)
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
