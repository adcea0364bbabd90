package coverage

import (
	"fmt"
	"strings"
	"time"
)

// Bounds of what counts as speaking from one time to another.
const (
	slackAtEnd  = 24 * time.Hour // logs that begin or end so near reach the time, and so do those that
	silences    = 5              // end so many of their own mean silences before,
	mostSlack   = 7 * slackAtEnd // but never more than this
	longSilence = 24 * time.Hour // that could hide an intruder who calls home; and twice as long as the source's usual ones
	selection   = 20             // holes in the numbers of a log; above it only some of its records were exported
)

const day = "2006-01-02 15:04"

// Speaking gives the sources of a host, of those in question, that speak from one time to another. Where there is none it says why; of several
// that do not speak it tells of the last that says anything of the time.
func (h *Host) Speaking(from, to time.Time, which func(source string) bool) (speak []string, why string) {
	why = fmt.Sprintf("nothing of it is later than %s", from.UTC().Format(day))
	for i := range h.Sources {
		s := &h.Sources[i]
		if !which(s.Source) {
			continue
		}
		switch not, later := s.silence(from, to); {
		case !later:
		case not == "":
			speak = append(speak, s.Source)
		default:
			why = not
		}
	}
	if len(speak) > 0 {
		why = ""
	}
	return speak, why
}

// Cleared says which log of a host, of those in question, was cleared between two times, "" when none was.
func (h *Host) Cleared(from, to time.Time, which func(source string) bool) string {
	for _, s := range h.Sources {
		for _, g := range s.Gaps {
			if at, err := time.Parse(time.RFC3339Nano, g.From); g.Cleared && err == nil && at.After(from) && !at.After(to) && which(s.Source) {
				return fmt.Sprintf("its log %s was cleared at %s", s.Source, g.From)
			}
		}
	}
	return ""
}

// silence says why a source does not speak from one time to another, and whether it is later than the first at all.
func (s *Source) silence(from, to time.Time) (why string, later bool) {
	first, err1 := time.Parse(time.RFC3339Nano, s.First)
	last, err2 := time.Parse(time.RFC3339Nano, s.Last)
	if err1 != nil || err2 != nil || !last.After(from) {
		return "", false
	}
	slack := min(max(slackAtEnd, silences*last.Sub(first)/time.Duration(max(s.Records, 1))), mostSlack)
	gap := s.hole(from, to)
	switch {
	case first.After(from.Add(slackAtEnd)):
		return fmt.Sprintf("its logs begin on %s only", first.UTC().Format(day)), true
	case last.Before(to.Add(-slack)):
		return fmt.Sprintf("its logs end on %s", last.UTC().Format(day)), true
	case gap == nil:
		return "", true
	case gap.From == "" || gap.To == "":
		return fmt.Sprintf("its log %s has more gaps than are listed", s.Source), true
	case gap.Cleared:
		return fmt.Sprintf("its log %s was cleared at %s", s.Source, gap.From), true
	case gap.Missing > 0:
		return fmt.Sprintf("%d records of its log %s between %s and %s are missing", gap.Missing, s.Source, gap.From, gap.To), true
	}
	return fmt.Sprintf("its logs are silent from %s to %s", gap.From, gap.To), true
}

// hole gives the first place between two times that could hide an intruder: a silence, records that are known to have been there, a clearing. A
// silence less than twice as long as the source's usual ones is what it does by itself. Where numbers are missing everywhere the log is a selection,
// of which they say nothing.
func (s *Source) hole(after, before time.Time) *Gap {
	missing := 0
	for i := range s.Gaps {
		if s.Gaps[i].Missing > 0 {
			missing++
		}
	}
	for i := range s.Gaps {
		g := &s.Gaps[i]
		from, err1 := time.Parse(time.RFC3339Nano, g.From)
		to, err2 := time.Parse(time.RFC3339Nano, g.To)
		if err1 != nil || err2 != nil {
			return g // the list was cut off, or what it names has no time
		}
		switch {
		case !to.After(after) || !from.Before(before):
		case g.Cleared, to.Sub(from) > max(longSilence, 2*time.Duration(g.Usual*float64(time.Second))):
			return g
		case g.Missing > 0 && missing <= selection:
			return g
		}
	}
	return nil
}

// Critical says which hosts of an organisation are critical by an inventory: those that it calls so, or every host where it calls none of
// them so.
func Critical(inventory []Declared, org string) func(host string) bool {
	is, some := named(inventory, func(d *Declared) bool { return d.Critical && d.of(org) })
	return func(host string) bool { return !some || is(host) }
}

// Declares says which hosts an inventory lists for an organisation.
func Declares(inventory []Declared, org string) func(host string) bool {
	is, _ := named(inventory, func(d *Declared) bool { return d.of(org) })
	return is
}

func (d *Declared) of(org string) bool { return d.Org == "" || d.Org == org }

// named says which hosts are called like some of an inventory's, and whether there are any of those. A short name stands for the full one.
func named(inventory []Declared, which func(*Declared) bool) (is func(host string) bool, some bool) {
	names, short := map[string]bool{}, map[string]bool{}
	for i := range inventory {
		if d := &inventory[i]; which(d) {
			names[strings.ToLower(d.Host)] = true
			short[shortName(d.Host)] = true
		}
	}
	return func(host string) bool {
		host = strings.ToLower(host)
		return names[host] || names[shortName(host)] || !strings.Contains(host, ".") && short[host]
	}, len(names) > 0
}
