package hunt

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/contrail-ir/contrail/coverage"
	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/finding"
	"github.com/contrail-ir/contrail/fingerprint"
)

// sightings are what a sweep saw of the fingerprint that it was asked with: on which hosts, and when first. They serve to count how common
// items are where, or when, the intruder was not.
type sightings struct {
	asked *fingerprint.Fingerprint
	cert  *coverage.Certificate
	first map[sighting]int64
}

type sighting struct{ org, host, rule string }

// maxLine bounds a line of findings.jsonl.
const maxLine = 64 << 20

// readSightings reads what a sweep with a fingerprint wrote to a folder.
func readSightings(dir string) (*sightings, error) {
	s := &sightings{first: map[sighting]int64{}}
	file, err := os.Open(filepath.Join(dir, "coverage.json"))
	if err != nil {
		return nil, fmt.Errorf("hunt: count: %w", err)
	}
	defer file.Close()
	if s.cert, err = coverage.Read(file, file.Name()); err != nil {
		return nil, fmt.Errorf("hunt: count: %w", err)
	}
	if s.asked, err = readFingerprint(filepath.Join(dir, "fingerprint.json")); err != nil {
		return nil, fmt.Errorf("hunt: count: %w", err)
	}
	rules, err := s.asked.Rules()
	if err != nil {
		return nil, fmt.Errorf("hunt: count: %w", err)
	}
	ours := map[string]bool{}
	for _, r := range rules {
		ours[r.ID] = true
	}
	found, err := os.Open(filepath.Join(dir, "findings.jsonl"))
	if err != nil {
		return nil, fmt.Errorf("hunt: count: %w", err)
	}
	defer found.Close()
	sc := bufio.NewScanner(found)
	sc.Buffer(make([]byte, 64<<10), maxLine)
	for line := 1; sc.Scan(); line++ {
		f, err := finding.ParseJSON(sc.Bytes())
		if err != nil {
			return nil, fmt.Errorf("hunt: count: %s line %d: %w", found.Name(), line, err)
		}
		if k := (sighting{f.Org, strings.ToLower(f.Host), string(f.Rule.ID)}); ours[k.rule] {
			// What has no time may have been there always.
			at := f.Time
			if at == event.NoTime {
				at = 0
			}
			if t, there := s.first[k]; !there || at < t {
				s.first[k] = at
			}
		}
	}
	return s, sc.Err()
}

// since gives, of each organisation, when it first showed an item that can stand alone and is not the way in.
func (s *sightings) since(rated *fingerprint.Fingerprint) map[string]string {
	counts := Seeds(rated)
	first := map[string]int64{}
	for k, at := range s.first {
		if t, there := first[k.org]; at != 0 && counts(k.rule) && (!there || at < t) {
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
	unique := map[string]bool{}
	rules, err := s.asked.Rules()
	if err != nil {
		return first
	}
	for _, r := range rules {
		unique[r.ID] = s.asked.Items[r.Item].Tier == fingerprint.Unique
	}
	for k, at := range s.first {
		if t := time.Unix(0, at); unique[k.rule] && at != 0 && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	return first
}

// span says which part of an organisation's evidence is ordinary.
type span struct {
	none   bool
	before time.Time // only what was before; zero for everything
}

// count counts items over what is ordinary of each organisation.
func (s *sightings) count(of func(org string) span) (*fingerprint.Baseline, error) {
	b, err := fingerprint.NewBaseline(s.asked)
	if err != nil {
		return nil, fmt.Errorf("hunt: count: %w", err)
	}
	key := func(org, host string) string { return org + "\x00" + strings.ToLower(host) }
	for i := range s.cert.Orgs {
		o := &s.cert.Orgs[i]
		part := of(o.Name)
		if part.none {
			continue
		}
		cannot := map[string]map[string]bool{}
		for _, p := range o.Profiles {
			cannot[p.ID] = map[string]bool{}
			for _, u := range p.NotSearchable {
				for _, r := range u.Rules {
					cannot[p.ID][r] = true
				}
			}
		}
		for _, h := range o.Hosts {
			if rules, known := cannot[h.Profile]; h.Host != "" && known && (part.before.IsZero() || spokeBefore(&h, part.before)) {
				b.Host(key(o.Name, h.Host), rules)
			}
		}
	}
	for k, at := range s.first {
		if part := of(k.org); !part.none && (part.before.IsZero() || at < part.before.UnixNano()) {
			b.Found(k.rule, key(k.org, k.host))
		}
	}
	return b, nil
}

// spokeBefore says whether some source of a host begins a day or more before a time.
func spokeBefore(h *coverage.Host, before time.Time) bool {
	for _, s := range h.Sources {
		if first, err := time.Parse(time.RFC3339Nano, s.First); err == nil && first.Before(before.Add(-24*time.Hour)) {
			return true
		}
	}
	return false
}

func readFingerprint(path string) (*fingerprint.Fingerprint, error) {
	in, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	f, err := fingerprint.Read(in)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return f, nil
}
