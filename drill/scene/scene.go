// Package scene is the world in which a drill plays: an organisation, its hosts and people, and the logs that fill while
// activities play. It knows how each record of each provider looks; what happens, and why, is told by its callers.
//
// It promises that records carry the fields and types of the genuine providers, that the truth names exactly the records
// that are still in the logs, and that memory is that of a day and of the intruder's actions. It refuses to decide what
// is an intrusion.
package scene

import (
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/contrail-ir/contrail/drill/evtxwrite"
)

// Scene is one organisation over some days: its hosts, its people, and the journals that
// fill while activities play. One goroutine owns it.
type Scene struct {
	Plan

	Web, App, DB, DC, Admin, Files *Host
	Desks                          []*Host
	Portal                         *Host // a web server that is not of Windows
	Router, Wall, Gateway, Mail    *Host // network devices, and the mail relay
	Hosts                          []*Host
	byIP                           map[string]*Host

	dir      string
	journals map[journalKey]*journal
	order    []*journal
	texts    map[string]*journal

	Actions    []*Deed
	decoys     []decoy
	Starts     map[string][]*Entry // each: the first of them that is in the logs
	indicators map[string][]string
	Persons    int
	artefacts  []Artefact
	reserved   map[string]bool   // addresses outside that are somebody's
	foreign    map[string]bool   // programs that are not of Windows wherever they lie
	identity   map[string]string // file name of a program → what its hash is made from
	digests    map[string]map[string]string
	contents   map[string][]byte
	session    uint64 // counter of the firewall
}

// Entry is a record before it has a number.
type Entry struct {
	event     *evtxwrite.Event // nil once written
	line      string
	at        time.Time
	keys      []string // what it shares with records of the same happening
	also      []*Entry // what other sources saw of the same
	file      string
	record    uint64
	delivered bool // written, and not deleted by a clearing
}

// Joins notes the keys by which another record can be seen to belong to this one.
func (e *Entry) Joins(keys ...string) *Entry {
	e.keys = append(e.keys, keys...)
	return e
}

// Also notes records of other sources about the same.
func (e *Entry) Also(others ...*Entry) *Entry {
	e.also = append(e.also, others...)
	return e
}

// With gives the entries and all that other sources saw of them.
func With(entries ...*Entry) (all []*Entry) {
	for _, e := range entries {
		all = append(append(all, e), With(e.also...)...)
	}
	return all
}

// Random gives an activity a stream of its own, so that changing one activity leaves the others alone.
func (s *Scene) Random(activity string) *rand.Rand {
	h := fnv.New64a()
	h.Write([]byte(activity))
	return rand.New(rand.NewPCG(s.Seed, h.Sum64()))
}

// At gives a moment of a day of the scene.
func (s *Scene) At(day, hour, minute, second int) time.Time {
	return s.Start.AddDate(0, 0, day).Add(time.Duration(hour)*time.Hour +
		time.Duration(minute)*time.Minute + time.Duration(second)*time.Second)
}

// Between gives a random moment of a day from one hour to another.
func (s *Scene) Between(r *rand.Rand, day, from, to int) time.Time {
	span := int64(to-from) * int64(time.Hour/100)
	return s.At(day, from, 0, 0).Add(time.Duration(r.Int64N(span) * 100))
}

// Weekend says whether a day is one.
func (s *Scene) Weekend(day int) bool {
	d := s.Start.AddDate(0, 0, day).Weekday()
	return d == time.Saturday || d == time.Sunday
}

// Busy says whether a day is one of those that are told in full.
func (s *Scene) Busy(day int) bool { return day >= s.BusyFrom && day < s.BusyTo }

// Often gives how many times something happens on a day: n × scale on a busy day, and on a quiet one a sixth of n,
// whatever the scale, with chance for what is left over.
func (s *Scene) Often(r *rand.Rand, day, n int) int { return s.often(r, day, n, s.Scale) }

// OftenByHand is Often for what persons do, of whom there are not more because their machines write more: a scale beyond this one is of the
// machines alone. Otherwise everybody would forget a thousand passwords a day, and whoever guesses them would come from everybody's home.
func (s *Scene) OftenByHand(r *rand.Rand, day, n int) int {
	const most = 40
	return s.often(r, day, n, min(s.Scale, most))
}

func (s *Scene) often(r *rand.Rand, day, n, scale int) int {
	if s.Busy(day) {
		return n * scale
	}
	times := n / 6
	if r.IntN(6) < n%6 {
		times++
	}
	return times
}

// Act records something the intruder does; the actions named caused it.
func (s *Scene) Act(id string, h *Host, technique, stage string, at time.Time, text string, causedBy ...string) *Deed {
	if causedBy == nil {
		causedBy = []string{}
	}
	a := &Deed{Action: Action{ID: id, Host: h.FQDN(), Technique: technique, Stage: stage, Time: at, Text: text, CausedBy: causedBy}}
	s.Actions = append(s.Actions, a)
	return a
}

// Decoy records innocent activity that looks like an intruder's.
func (s *Scene) Decoy(what string, entries ...*Entry) {
	s.decoys = append(s.decoys, decoy{what, With(entries...)})
}

// Indicator notes values by which the intrusion can be known.
func (s *Scene) Indicator(kind string, values ...string) {
	for _, v := range values {
		if !slices.Contains(s.indicators[kind], v) {
			s.indicators[kind] = append(s.indicators[kind], v)
		}
	}
}

// Foreign says that a program is not part of Windows, wherever it lies.
func (s *Scene) Foreign(file string) { s.foreign[strings.ToLower(file)] = true }

// Identity says from what the hashes of a program are made, when it is not its file name: a public tool that was
// renamed keeps its hashes, and an implant that was built anew has others under any name.
func (s *Scene) Identity(file, of string) { s.identity[strings.ToLower(file)] = of }
