//go:build unix

package keys

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRefusesReadableSecret(t *testing.T) {
	dir := t.TempDir()
	if _, err := New(dir, "a"); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "a.key")
	if info, _ := os.Stat(path); info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
	os.Chmod(path, 0o640)
	if _, err := Load(path); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("Load = %v", err)
	}
}
