package kinship

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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

// Bounds of what is kept of a sweep.
const (
	maxLine = 64 << 20
	keep    = 10_000 // records per rule and organisation
)

// ReadSweep reads what a sweep wrote to a folder: findings.jsonl, coverage.json, fingerprint.json (the one it asked with) and
// orgs/NAME/trail.json where there are any. Organisations come in the certificate's order.
func ReadSweep(dir string, f *fingerprint.Fingerprint) ([]Evidence, error) {
	cert, err := readCertificate(dir)
	if err != nil {
		return nil, fmt.Errorf("kinship: read sweep: %w", err)
	}
	asked, err := askedIn(dir, cert)
	if err != nil {
		return nil, err
	}
	all := make([]Evidence, len(cert.Orgs))
	at := map[string]*Evidence{}
	for i := range cert.Orgs {
		all[i] = Evidence{Org: cert.Orgs[i].Name, Hits: map[string][]finding.Ref{}, SeenOn: map[string][]string{}, Asked: func(r string) bool { return asked[r] }, Coverage: &cert.Orgs[i]}
		at[all[i].Org] = &all[i]
		if all[i].Trail, err = trailOf(dir, all[i].Org); err != nil {
			return nil, err
		}
	}
	rules, err := f.Rules()
	if err != nil {
		return nil, fmt.Errorf("kinship: %w", err)
	}
	ours := map[string]bool{}
	for _, r := range rules {
		ours[r.ID] = true
	}
	return all, readFindings(filepath.Join(dir, "findings.jsonl"), at, ours)
}

// askedIn gives the rules of the fingerprint that the sweep asked with, without those it rejected.
func askedIn(dir string, cert *coverage.Certificate) (map[string]bool, error) {
	asked := map[string]bool{}
	b, err := os.ReadFile(filepath.Join(dir, "fingerprint.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return asked, nil
	}
	if err != nil {
		return nil, fmt.Errorf("kinship: read sweep: %w", err)
	}
	f, err := fingerprint.Read(bytes.NewReader(b))
	if err != nil {
		return nil, fmt.Errorf("kinship: read sweep: %w", err)
	}
	rules, err := f.Rules()
	if err != nil {
		return nil, fmt.Errorf("kinship: read sweep: %w", err)
	}
	for _, r := range rules {
		asked[r.ID] = true
	}
	for _, r := range cert.Rules.Rejected {
		delete(asked, r.ID)
	}
	return asked, nil
}

func trailOf(dir, org string) (*fingerprint.Trail, error) {
	if !filepath.IsLocal(org) {
		return nil, nil // a name that is no folder's
	}
	f, err := os.Open(filepath.Join(dir, "orgs", org, "trail.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("kinship: read trail of %s: %w", org, err)
	}
	defer f.Close()
	return fingerprint.ReadTrail(f)
}

func readCertificate(dir string) (*coverage.Certificate, error) {
	file, err := os.Open(filepath.Join(dir, "coverage.json"))
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return coverage.Read(file, file.Name())
}

func readFindings(path string, at map[string]*Evidence, ours map[string]bool) error {
	return eachFinding(path, func(line int, f *finding.Finding) error {
		e := at[f.Org]
		if e == nil {
			return fmt.Errorf("kinship: read %s line %d: organisation %.80q is not in the certificate", path, line, f.Org)
		}
		e.add(f, ours)
		return nil
	})
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

// add takes a finding as a hit of the fingerprint's rules, as a measured beacon or as a grave one of others.
func (e *Evidence) add(f *finding.Finding, ours map[string]bool) {
	ref, id := finding.Ref{File: f.File, Record: f.Record}, string(f.Rule.ID)
	switch {
	case ours[id]:
		if len(e.Hits[id]) < keep {
			e.Hits[id] = append(e.Hits[id], ref)
		}
		if h := strings.ToLower(f.Host); e.SeenOn != nil && !slices.Contains(e.SeenOn[id], h) && len(e.SeenOn[id]) < keep {
			e.SeenOn[id] = append(e.SeenOn[id], h)
		}
	case f.Rule.Kind == finding.Beacon:
		for _, m := range f.Matched {
			if d, err := time.ParseDuration(m.Value); err == nil && m.Field == "interval" && len(e.Beacons) < keep {
				e.Beacons = append(e.Beacons, Beacon{d, ref})
			}
		}
	case f.Rule.Level >= finding.High && len(e.Grave) < keep:
		e.Grave = append(e.Grave, ref)
	}
}

// Write writes kinship.json.
func (r *Result) Write(w io.Writer) error {
	b, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return fmt.Errorf("kinship: encode: %w", err)
	}
	_, err = w.Write(append(b, '\n'))
	return err
}
