package file

import (
	"bytes"
	"debug/elf"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/internal/require"
)

// TestELFOfTheSystem holds what is read of a program of the system, linked dynamically, against the standard library's own reading.
func TestELFOfTheSystem(t *testing.T) {
	system, err := os.ReadFile(require.Program(t, "ls"))
	if err != nil {
		t.Fatal(err)
	}
	x, err := elf.NewFile(bytes.NewReader(system))
	if err != nil {
		t.Fatal(err)
	}
	libraries, err := x.ImportedLibraries()
	if err != nil {
		t.Fatal(err)
	}
	got := read(t, "ls", system, event.Everything())
	if !slices.Equal(got.fields["libraries"], libraries) || len(got.fields["imports"]) == 0 || len(got.fields["interpreter"]) != 1 || !strings.HasPrefix(got.fields["interpreter"][0], "/") {
		t.Errorf("libraries %q, interpreter %q", got.fields["libraries"], got.fields["interpreter"])
	}
}
