package conformance

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"testing"

	"github.com/contrail-ir/contrail/internal/require"
)

// Validator finds the common STIX validator (PyPI stix2-validator): STIX2_VALIDATOR names it, or it stands beside CONTRAIL_PYTHON, or beside the
// Python that the project's checks install, or on the path. ok is false where there is none.
func Validator() (program string, ok bool) {
	if program = os.Getenv("STIX2_VALIDATOR"); program != "" {
		return program, true
	}
	var places []string
	if python := os.Getenv("CONTRAIL_PYTHON"); python != "" {
		places = append(places, filepath.Join(filepath.Dir(python), "stix2_validator"))
	}
	if _, here, _, ok := runtime.Caller(0); ok {
		places = append(places, filepath.Join(filepath.Dir(here), "..", "..", ".cache", "tools", "python", "bin", "stix2_validator"))
	}
	for _, p := range append(places, "stix2_validator") {
		if found, err := exec.LookPath(p); err == nil {
			return found, true
		}
	}
	return "", false
}

// ValidSTIX runs the common validator over bundles of STIX 2.1 in one go: an error of it fails the test. Without the validator the rest of the
// test is left out.
func ValidSTIX(t testing.TB, bundles map[string][]byte) {
	t.Helper()
	program, ok := Validator()
	if !ok {
		require.Missing(t, "there is no stix2_validator (internal/conformance/requirements.txt, or STIX2_VALIDATOR names it): the bundles had the native checks only")
	}
	dir := t.TempDir()
	args := []string{"--version", "2.1"}
	var names []string
	for name := range bundles {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		file := filepath.Join(dir, name+".json")
		if err := os.WriteFile(file, bundles[name], 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, file)
	}
	if out, err := exec.Command(program, args...).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
