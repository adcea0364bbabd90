package kinship

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/contrail-ir/contrail/coverage"
	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/finding"
	"github.com/contrail-ir/contrail/fingerprint"
)

// Sightings are what a sweep saw of the fingerprint that it was asked with: on which hosts, and when first. They serve to count how common
// items are where, or when, the intruder was not.
type Sightings struct {
	asked *fingerprint.Fingerprint
	item  map[string]int // rule → item
	first map[sighting]int64
}

type sighting struct{ org, host, rule string }

// maxSightings bounds the hosts and rules that are told apart; hostile host names must not exhaust memory.
const maxSightings = 500_000

// NewSightings begins with nothing seen.
func NewSightings(asked *fingerprint.Fingerprint) (*Sightings, error) {
	rules, err := asked.Rules()
	if err != nil {
		return nil, fmt.Errorf("kinship: count: %w", err)
	}
	s := &Sightings{asked: asked, item: map[string]int{}, first: map[sighting]int64{}}
	for _, r := range rules {
		s.item[r.ID] = r.Item
	}
	return s, nil
}

// Finding takes a finding of the sweep; those of other rules do not count.
func (s *Sightings) Finding(f *finding.Finding) error {
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

// Ordinary says which part of an organisation's evidence is ordinary; the zero value says all of it.
type Ordinary struct {
	None    bool
	Without []string  // hosts of the intrusion, which do not count
	Before  time.Time // only what was before counts, on hosts whose logs begin before; zero for everything
}

// Count counts how common the items are in what is ordinary of each organisation of a certificate.
func (s *Sightings) Count(cert *coverage.Certificate, of func(org string) Ordinary) (*fingerprint.Baseline, error) {
	b, err := fingerprint.NewBaseline(s.asked)
	if err != nil {
		return nil, err
	}
	ordinary := map[string]Ordinary{}
	for i := range cert.Orgs {
		org := &cert.Orgs[i]
		part := of(org.Name)
		if part.None {
			continue
		}
		ordinary[org.Name] = part
		addHosts(b, org, func(h *coverage.Host) bool {
			without := slices.ContainsFunc(part.Without, func(w string) bool { return strings.EqualFold(w, h.Host) })
			return !without && (part.Before.IsZero() || beginsBefore(h, part.Before))
		})
	}
	for k, at := range s.first {
		part, counts := ordinary[k.org]
		// What has no time may have been there always.
		if counts && (part.Before.IsZero() || at == event.NoTime || at < part.Before.UnixNano()) {
			b.Found(k.rule, hostKey(k.org, k.host))
		}
	}
	return b, nil
}

// First gives, of each organisation, when it first showed something that some rules look for.
func (s *Sightings) First(rule func(id string) bool) map[string]time.Time {
	first := map[string]time.Time{}
	for k, at := range s.first {
		if at == event.NoTime || !rule(k.rule) {
			continue
		}
		if t, there := first[k.org]; !there || time.Unix(0, at).Before(t) {
			first[k.org] = time.Unix(0, at)
		}
	}
	return first
}

// addHosts adds an organisation's hosts to a count, each with what its evidence can answer.
func addHosts(b *fingerprint.Baseline, org *coverage.Org, which func(*coverage.Host) bool) {
	cannot := org.Unanswered()
	for i := range org.Hosts {
		h := &org.Hosts[i]
		if rules, known := cannot[h.Profile]; known && h.Host != "" && which(h) {
			b.Host(hostKey(org.Name, h.Host), rules)
		}
	}
}

// hostKey tells hosts of different organisations apart.
func hostKey(org, host string) string { return org + "\x00" + strings.ToLower(host) }

// beginsBefore says whether some source of a host spoke at least a day before a time.
func beginsBefore(h *coverage.Host, before time.Time) bool {
	return slices.ContainsFunc(h.Sources, func(s coverage.Source) bool {
		first, err := time.Parse(time.RFC3339Nano, s.First)
		return err == nil && first.Before(before.Add(-24*time.Hour))
	})
}

// ErrNotAsked says that a sweep was not asked with a fingerprint, so that it counted nothing.
var ErrNotAsked = errors.New("the sweep was not asked with --fingerprint, so it counted nothing")

// CountSweep counts in what a sweep wrote to a folder.
func CountSweep(dir string, o Ordinary) (*fingerprint.Baseline, error) {
	cert, err := readCertificate(dir)
	if err != nil {
		return nil, fmt.Errorf("kinship: count: %w", err)
	}
	in, err := os.Open(filepath.Join(dir, "fingerprint.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("kinship: count in %s: %w", dir, ErrNotAsked)
	}
	if err != nil {
		return nil, fmt.Errorf("kinship: count: %w", err)
	}
	defer in.Close()
	asked, err := fingerprint.Read(in)
	if err != nil {
		return nil, fmt.Errorf("kinship: count in %s: %w", dir, err)
	}
	s, err := NewSightings(asked)
	if err != nil {
		return nil, err
	}
	if err := eachFinding(filepath.Join(dir, "findings.jsonl"), func(_ int, f *finding.Finding) error { return s.Finding(f) }); err != nil {
		return nil, err
	}
	return s.Count(cert, func(string) Ordinary { return o })
}
