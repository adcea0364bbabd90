package hunt

import (
	"time"

	"github.com/contrail-ir/contrail/coverage"
	"github.com/contrail-ir/contrail/fingerprint"
	"github.com/contrail-ir/contrail/kinship"
	"github.com/contrail-ir/contrail/sweep"
)

// sightings are what a sweep, as whose handler they stand, sees of the fingerprint that it is asked with.
type sightings struct {
	*kinship.Sightings
	asked *fingerprint.Fingerprint
	cert  *coverage.Certificate
}

func newSightings(asked *fingerprint.Fingerprint) (*sightings, error) {
	s, err := kinship.NewSightings(asked)
	return &sightings{Sightings: s, asked: asked}, err
}

// End implements sweep.Handler.
func (s *sightings) End(r *sweep.Result) error {
	s.cert = r.Certificate
	return nil
}

// count counts items over what is ordinary of each organisation.
func (s *sightings) count(of func(org string) kinship.Ordinary) (*fingerprint.Baseline, error) {
	return s.Count(s.cert, of)
}

// since gives, of each organisation, when it first showed an item that can stand alone and is not the way in.
func (s *sightings) since(rated *fingerprint.Fingerprint) map[string]string {
	out := map[string]string{}
	for org, at := range s.First(Seeds(rated)) {
		out[org] = stamp(at.UnixNano())
	}
	return out
}

// earliest gives when an item that is unique was seen first anywhere, zero when none was.
func (s *sightings) earliest() (first time.Time) {
	for _, at := range s.First(rulesOf(s.asked, func(it *fingerprint.Item) bool { return it.Tier == fingerprint.Unique })) {
		if first.IsZero() || at.Before(first) {
			first = at
		}
	}
	return first
}
