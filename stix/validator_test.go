package stix

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// validate runs the common validator (PyPI stix2-validator) over a bundle. STIX2_VALIDATOR names the program where it is
// not on the path.
func validate(t *testing.T, b *Bundle) {
	t.Helper()
	program := os.Getenv("STIX2_VALIDATOR")
	if program == "" {
		program = "stix2_validator"
	}
	if _, err := exec.LookPath(program); err != nil {
		t.Skip("stix2_validator is not installed (pip install stix2-validator, or set STIX2_VALIDATOR)")
	}
	raw, err := b.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "bundle.json")
	if err := os.WriteFile(file, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(program, "--version", "2.1", file).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestCommonValidatorAcceptsEverythingWeEmit(t *testing.T) {
	validate(t, &Bundle{Objects: samples()})
}
