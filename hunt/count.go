package hunt

import (
	"fmt"
	"strings"
	"time"

	"github.com/contrail-ir/contrail/coverage"
	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/finding"
	"github.com/contrail-ir/contrail/fingerprint"
	"github.com/contrail-ir/contrail/kinship"
	"github.com/contrail-ir/contrail/sweep"
)

// sightings are what a sweep, as whose handler they stand, sees of the fingerprint that it is asked with: on which hosts, and when first. They
// serve to count how common items are where, or when, the intruder was not.
type sightings struct {
	asked *fingerprint.Fingerprint
	item  map[string]int // rule → item
	cert  *coverage.Certificate
	first map[sighting]int64
}

type sighting struct{ org, host, rule string }

// maxSightings bounds the hosts and rules that are told apart; hostile host names must not exhaust memory.
const maxSightings = 500_000

func newSightings(asked *fingerprint.Fingerprint) (*sightings, error) {
	rules, err := asked.Rules()
	if err != nil {
		return nil, fmt.Errorf("hunt: count: %w", err)
	}
	s := &sightings{asked: asked, item: map[string]int{}, first: map[sighting]int64{}}
	for _, r := range rules {
		s.item[r.ID] = r.Item
	}
	return s, nil
}

// Finding implements sweep.Handler.
func (s *sightings) Finding(f *finding.Finding) error {
	k := sighting{f.Org, strings.ToLower(f.Host), string(f.Rule.ID)}
	if _, ours := s.item[k.rule]; !ours {
		return nil
	}
	t, there := s.first[k]
	if !there && len(s.first) >= maxSightings {
		return nil
	}
	if at := f.Time; !there || at < t && at != event.NoTime {
		s.first[k] = at
	}
	return nil
}

// End implements sweep.Handler.
func (s *sightings) End(r *sweep.Result) error {
	s.cert = r.Certificate
	return nil
}

// span says which part of an organisation's evidence is ordinary.
type span struct {
	none   bool
	before time.Time // only what was before; zero for everything
}

// count counts items over what is ordinary of each organisation.
func (s *sightings) count(of func(org string) span) ([]fingerprint.Counter, error) {
	byOrg := map[string]*kinship.Count{}
	var all []fingerprint.Counter
	for i := range s.cert.Orgs {
		org := s.cert.Orgs[i]
		part := of(org.Name)
		if part.none {
			continue
		}
		c, err := kinship.NewCount(s.asked, &coverage.Certificate{Orgs: []coverage.Org{org}}, kinship.CountOptions{Before: part.before})
		if err != nil {
			return nil, fmt.Errorf("hunt: count: %w", err)
		}
		byOrg[org.Name] = c
		all = append(all, c)
	}
	for k, at := range s.first {
		if at == event.NoTime {
			at = 0 // what has no time may have been there always
		}
		if c := byOrg[k.org]; c != nil {
			c.Found(&finding.Finding{Rule: &finding.Rule{ID: finding.RuleID(k.rule)}, Org: k.org, Host: k.host, Time: at})
		}
	}
	return all, nil
}

// since gives, of each organisation, when it first showed an item that can stand alone and is not the way in.
func (s *sightings) since(rated *fingerprint.Fingerprint) map[string]string {
	counts := Seeds(rated)
	first := map[string]int64{}
	for k, at := range s.first {
		if t, there := first[k.org]; at != event.NoTime && counts(k.rule) && (!there || at < t) {
			first[k.org] = at
		}
	}
	out := map[string]string{}
	for org, at := range first {
		out[org] = stamp(at)
	}
	return out
}

// earliest gives when an item that is unique was seen first anywhere, zero when none was.
func (s *sightings) earliest() (first time.Time) {
	for k, at := range s.first {
		unique := s.asked.Items[s.item[k.rule]].Tier == fingerprint.Unique
		if t := time.Unix(0, at); unique && at != event.NoTime && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	return first
}
