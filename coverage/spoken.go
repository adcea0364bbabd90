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
)

// Silence says why no source of a host speaks from one time to another; "" when one does. Of several that do not it tells of the last that
// says anything of the time.
func (h *Host) Silence(from, to time.Time) string {
	const day = "2006-01-02 15:04"
	why := fmt.Sprintf("nothing of it is later than %s", from.UTC().Format(day))
	for _, s := range h.Sources {
		first, err1 := time.Parse(time.RFC3339Nano, s.First)
		last, err2 := time.Parse(time.RFC3339Nano, s.Last)
		if err1 != nil || err2 != nil || !last.After(from) {
			continue
		}
		slack := min(max(slackAtEnd, silences*last.Sub(first)/time.Duration(max(s.Records, 1))), mostSlack)
		switch gap := s.silent(from); {
		case first.After(from.Add(slackAtEnd)):
			why = fmt.Sprintf("its logs begin on %s only", first.UTC().Format(day))
		case last.Before(to.Add(-slack)):
			why = fmt.Sprintf("its logs end on %s", last.UTC().Format(day))
		case gap != nil:
			why = fmt.Sprintf("its logs are silent from %s to %s", gap.From, gap.To)
		default:
			return ""
		}
	}
	return why
}

// silent gives the first silence after a time that could hide an intruder. One less than twice as long as the source's usual ones is what it
// does by itself.
func (s *Source) silent(after time.Time) *Gap {
	for i := range s.Gaps {
		g := &s.Gaps[i]
		from, err1 := time.Parse(time.RFC3339Nano, g.From)
		to, err2 := time.Parse(time.RFC3339Nano, g.To)
		if err1 != nil || err2 != nil || to.After(after) && to.Sub(from) > max(longSilence, 2*time.Duration(g.Usual*float64(time.Second))) {
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
