package kinship

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/contrail-ir/contrail/coverage"
	"github.com/contrail-ir/contrail/finding"
	"github.com/contrail-ir/contrail/fingerprint"
)

// CountOptions say which part of a sweep is ordinary.
type CountOptions struct {
	Without []string  // hosts of the intrusion, which do not count
	Before  time.Time // only what was before counts, on hosts whose logs begin before; zero for everything
}

// Count counts how common a fingerprint's items are in a sweep that was asked with it. It is a fingerprint.Counter.
type Count struct {
	*fingerprint.Baseline
	before time.Time
}

// NewCount begins a count with the hosts of a certificate: all that are not of the intrusion, each with what its evidence can answer.
func NewCount(asked *fingerprint.Fingerprint, cert *coverage.Certificate, o CountOptions) (*Count, error) {
	b, err := fingerprint.NewBaseline(asked)
	if err != nil {
		return nil, err
	}
	for i := range cert.Orgs {
		org := &cert.Orgs[i]
		cannot := unanswered(org)
		for _, h := range org.Hosts {
			of := slices.ContainsFunc(o.Without, func(w string) bool { return strings.EqualFold(w, h.Host) })
			if rules, known := cannot[h.Profile]; h.Host != "" && known && !of && (o.Before.IsZero() || beginsBefore(&h, o.Before)) {
				b.Host(hostKey(org.Name, h.Host), rules)
			}
		}
	}
	return &Count{b, o.Before}, nil
}

// Found counts a finding of the sweep.
func (c *Count) Found(f *finding.Finding) {
	if c.before.IsZero() || f.Time < c.before.UnixNano() {
		c.Baseline.Found(string(f.Rule.ID), hostKey(f.Org, f.Host))
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
func CountSweep(dir string, o CountOptions) (*Count, error) {
	file, err := os.Open(filepath.Join(dir, "coverage.json"))
	if err != nil {
		return nil, fmt.Errorf("kinship: count: %w", err)
	}
	defer file.Close()
	cert, err := coverage.Read(file, file.Name())
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
	c, err := NewCount(asked, cert, o)
	if err != nil {
		return nil, err
	}
	return c, eachFinding(filepath.Join(dir, "findings.jsonl"), func(_ int, f *finding.Finding) error { c.Found(f); return nil })
}

// eachFinding reads a findings.jsonl.
func eachFinding(path string, do func(line int, f *finding.Finding) error) error {
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("kinship: read findings: %w", err)
	}
	defer file.Close()
	sc := bufio.NewScanner(file)
	sc.Buffer(make([]byte, 64<<10), maxLine)
	line := 0
	for sc.Scan() {
		line++
		f, err := finding.ParseJSON(sc.Bytes())
		if err != nil {
			return fmt.Errorf("kinship: read %s line %d: %w", path, line, err)
		}
		if err := do(line, f); err != nil {
			return err
		}
	}
	if err := sc.Err(); err != nil {
		return fmt.Errorf("kinship: read findings: %w", err)
	}
	return nil
}
