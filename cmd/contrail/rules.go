package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/contrail-ir/contrail/coverage"
	"github.com/contrail-ir/contrail/match"
	"github.com/contrail-ir/contrail/rules"
)

// clearWork prepares a sweep's folder for what it keeps meanwhile: anew, or with the journal of the sweep that goes on. It gives the
// place for temporary files.
func clearWork(dir string, resume bool) (string, error) {
	temp := filepath.Join(dir, "temp")
	old := dir
	if resume {
		old = temp
	}
	if err := os.RemoveAll(old); err != nil {
		return "", fmt.Errorf("clear what an interrupted sweep left: %w", err)
	}
	if err := os.MkdirAll(temp, 0o755); err != nil {
		return "", fmt.Errorf("make working folder: %w", err)
	}
	return temp, nil
}

// digestOf tells questions apart: the flags that matter and the bytes of every file named by paths.
func digestOf(f sweepFlags, paths ...string) (string, error) {
	sum := sha256.New()
	fmt.Fprintf(sum, "%q %q %q %q %d\n", f.placeholders, f.level, f.status, f.sources, f.maxDepth)
	if f.fingerprint != "" {
		paths = append(paths, f.fingerprint)
	}
	for _, s := range f.sources {
		_, path := ofOrg(s, orgsOfFlags(f.orgs))
		paths = append(paths, path)
	}
	for _, p := range paths {
		err := filepath.WalkDir(p, func(p string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				return nil // the loader says what it could not read
			}
			file, err := os.Open(p)
			if err != nil {
				return nil
			}
			defer file.Close()
			fmt.Fprintf(sum, "%q\n", p)
			_, err = io.Copy(sum, file)
			return err
		})
		if err != nil {
			return "", fmt.Errorf("read rules: %w", err)
		}
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// loadRules makes the set that a sweep asks, from the named files of rules and indicators or from the rules that come with Contrail.
func loadRules(q match.Question) (*match.Set, []coverage.Rejected, error) {
	q.BuiltIn = rules.FS
	set, bad := match.Load(q)
	rejected := make([]coverage.Rejected, len(bad))
	for i, r := range bad {
		rejected[i] = coverage.Rejected(r)
	}
	if set.Count() == 0 {
		err := errors.New("no rule can be used: check --rules, --ioc, --level and --status")
		if len(bad) > 0 {
			err = fmt.Errorf("%w; the first of %d rejected is %s: %s", err, len(bad), bad[0].File, bad[0].Reason)
		}
		return nil, nil, err
	}
	return set, rejected, nil
}
