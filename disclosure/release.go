package disclosure

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/contrail-ir/contrail/casefile"
	"github.com/contrail-ir/contrail/keys"
	"github.com/contrail-ir/contrail/ledger"
)

// Release lets a draft leave: the files of dir/release are copied, held against every gate, scanned for what was cut, entered, and only
// then get the name out, which must not exist. A closed gate is a *RefusedError. screen looks for passengers' data; nil looks for none.
func Release(ctx context.Context, c *casefile.Case, by *keys.Private, release, dir, out, why string, now time.Time, screen Screen) (entry casefile.Entry, err error) {
	fail := func(err error) (casefile.Entry, error) {
		return casefile.Entry{}, fmt.Errorf("disclosure: release %s: %w", release, err)
	}
	if _, err := os.Lstat(out); err == nil {
		return fail(fmt.Errorf("%s exists already", out))
	}
	if err := os.MkdirAll(filepath.Dir(out), 0o700); err != nil {
		return fail(err)
	}
	tmp, err := os.MkdirTemp(filepath.Dir(out), ".release-*")
	if err != nil {
		return fail(err)
	}
	defer func() {
		if e := os.RemoveAll(tmp); e != nil && err == nil {
			err = e
		}
	}()
	files := filepath.Join(tmp, "release")
	// A copy is judged and leaves, so that the draft cannot change in between.
	if err := os.CopyFS(files, os.DirFS(filepath.Join(dir, "release"))); err != nil {
		return fail(err)
	}
	content, _, _, err := casefile.FolderDigest(ctx, files)
	if err != nil {
		return fail(err)
	}
	s, err := Read(ctx, c)
	if err != nil {
		return fail(err)
	}
	made, refusals := s.Gates(release, content, now)
	leaks, err := scanCuts(c, s, made.Proposal, dir, files, screen)
	if err != nil {
		return fail(err)
	}
	refusals = append(refusals, leaks...)
	if len(refusals) > 0 {
		return casefile.Entry{}, &RefusedError{Release: release, Refusals: refusals}
	}
	d := casefile.Draft{Kind: casefile.ReleaseMade, Why: why, About: []string{release}, Seen: []ledger.Digest{content}, Detail: made,
		Summary: "released: " + release + " to " + string(made.Audience)}
	if made.Corrects != "" {
		d.Kind, d.Summary = casefile.ReleaseCorrected, "released: "+release+", which corrects "+made.Corrects
		for _, m := range s.made {
			if m.what.Release == made.Corrects {
				d.Supersedes = append(d.Supersedes, m.by.Seq)
			}
		}
	}
	es, err := c.Record(ctx, by, d)
	if err != nil {
		return fail(err)
	}
	if err := os.Rename(files, out); err != nil {
		return es[0], fmt.Errorf("disclosure: release %s is entered, but: %w", release, err)
	}
	return es[0], nil
}

// scanCuts searches every file for what was cut: what the case knows now, and what the draft's own list adds, if it is the list that
// was proposed.
func scanCuts(c *casefile.Case, s *State, p Proposal, dir, files string, screen Screen) ([]Refusal, error) {
	b, err := os.ReadFile(filepath.Join(dir, "cut.json"))
	if err != nil {
		return nil, err
	}
	var listed []Cut
	if err := json.Unmarshal(b, &listed); err != nil {
		return nil, fmt.Errorf("cut.json: %w", err)
	}
	ps, err := c.Pseudonyms()
	if err != nil {
		return nil, err
	}
	digest, err := cutList(ps, listed)
	if err != nil {
		return nil, err
	}
	var out []Refusal
	if digest != p.CutList {
		out = append(out, Refusal{CutValuesGate, "the list of cut values is not the one that was proposed"})
	}
	scan, err := NewScanner(s.Cuts(p, listed...))
	if err != nil {
		return nil, err
	}
	scan.Screen = screen
	err = filepath.WalkDir(files, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == files {
			return err
		}
		name, err := filepath.Rel(files, path)
		if err != nil {
			return err
		}
		w := &walk{scanner: scan, left: maxScan}
		w.search("the name of a file", maxDepth, []byte(name))
		leaks := w.leaks
		if !d.IsDir() {
			f, err := os.Open(path)
			if err != nil {
				return err
			}
			found, err := scan.Scan(filepath.ToSlash(name), f)
			if err = errors.Join(err, f.Close()); err != nil {
				return err
			}
			leaks = append(leaks, found...)
		}
		for _, l := range leaks {
			gate := CutValuesGate
			if l.Passenger {
				gate = PassengerGate
			}
			out = append(out, Refusal{gate, l.String()})
		}
		return nil
	})
	return out, err
}
