package drill

import (
	"bytes"
	"context"
	"crypto/sha256"
	"debug/elf"
	"debug/macho"
	"debug/pe"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/contrail-ir/contrail/drill/intrusion"
	"github.com/contrail-ir/contrail/internal/require"
)

// sector is one whole sector, written once for all tests that only look at it.
var sector = sync.OnceValues(func() (struct {
	dir   string
	truth Truth
}, error) {
	var s struct {
		dir   string
		truth Truth
	}
	dir, err := os.MkdirTemp("", "contrail-sector-")
	if err != nil {
		return s, err
	}
	sectorDir = dir
	s.dir = filepath.Join(dir, "sector")
	s.truth, err = Sector(context.Background(), s.dir, Options{Seed: 11, Scenario: intrusion.VPNAppliance})
	return s, err
})

var sectorDir string // of the sector, once it is written

func TestMain(m *testing.M) {
	code := m.Run()
	if sectorDir != "" {
		os.RemoveAll(sectorDir)
	}
	os.Exit(code)
}

func wholeSector(t *testing.T) (string, Truth) {
	t.Helper()
	require.Time(t, "writes a whole sector, some hundred megabytes; a sector of one airline is written all the same")
	s, err := sector()
	if err != nil {
		t.Fatal(err)
	}
	return s.dir, s.truth
}

// walk gives every file of a folder.
func walk(t *testing.T, dir string, do func(name string, mode fs.FileMode, content []byte)) {
	t.Helper()
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		b, err := os.ReadFile(filepath.Join(dir, path))
		if err != nil {
			return err
		}
		do(path, info.Mode(), b)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestSectorSameSeedSameBytes(t *testing.T) {
	airlines := 2
	if testing.Short() {
		airlines = 1
	}
	sums := func(seed uint64, airlines int) map[string][sha256.Size]byte {
		dir := filepath.Join(t.TempDir(), "s")
		if _, err := Sector(t.Context(), dir, Options{Seed: seed, Airlines: airlines, Scenario: intrusion.SpearPhish}); err != nil {
			t.Fatal(err)
		}
		out := map[string][sha256.Size]byte{}
		walk(t, dir, func(name string, mode fs.FileMode, b []byte) { out[name] = sha256.Sum256(b) })
		return out
	}
	first := sums(3, airlines)
	if !maps.Equal(first, sums(3, airlines)) {
		t.Error("the same seed gave other bytes")
	}
	if testing.Short() {
		return
	}
	known := map[[sha256.Size]byte]bool{}
	for _, s := range first {
		known[s] = true
	}
	other, same := sums(4, 1), 0
	for _, s := range other {
		if known[s] {
			same++
		}
	}
	if same*10 > len(other) {
		t.Errorf("another seed gave the same bytes in %d of %d files", same, len(other))
	}
}

func TestSectorTruthNamesRecordsThatAreThere(t *testing.T) {
	dir, truth := wholeSector(t)
	for _, air := range truth.Airlines {
		evidence := filepath.Join(dir, air.Folder, "evidence")
		known := map[string]map[uint64]bool{}
		there := func(r Ref) bool {
			if known[r.File] == nil {
				b, err := os.ReadFile(filepath.Join(evidence, filepath.FromSlash(r.File)))
				if err != nil {
					t.Fatalf("%s: %v", air.Name, err)
				}
				ids := map[uint64]bool{}
				if strings.HasSuffix(r.File, ".evtx") {
					for _, id := range recordIDs(t, b) {
						ids[id] = true
					}
				} else {
					for i, line := range bytes.Split(bytes.TrimSuffix(b, []byte("\n")), []byte("\n")) {
						if !bytes.HasPrefix(line, []byte("#")) {
							ids[uint64(i+1)] = true
						}
					}
				}
				known[r.File] = ids
			}
			return known[r.File][r.Record]
		}
		used := map[Ref]string{}
		byID := map[string]Action{}
		for _, a := range air.Actions {
			if _, twice := byID[a.ID]; twice {
				t.Errorf("%s: two actions are called %s", air.Name, a.ID)
			}
			byID[a.ID] = a
		}
		for _, a := range air.Actions {
			for _, c := range a.CausedBy {
				if cause, ok := byID[c]; !ok {
					t.Errorf("%s: %s is caused by %s, which is no action", air.Name, a.ID, c)
				} else if cause.Time.After(a.Time) {
					t.Errorf("%s: %s was before its cause %s", air.Name, a.ID, c)
				}
			}
			for _, r := range a.Refs {
				if !there(r) {
					t.Errorf("%s: %s: %v is not in the logs", air.Name, a.ID, r)
				}
				if other := used[r]; other != "" {
					t.Errorf("%s: %v belongs to %s and to %s", air.Name, r, other, a.ID)
				}
				used[r] = a.ID
			}
		}
		for _, d := range air.Decoys {
			for _, r := range d.Refs {
				if !there(r) || used[r] != "" {
					t.Errorf("%s: decoy %q: %v is missing or an intruder's", air.Name, d.What, r)
				}
			}
		}
		for _, f := range air.Artefacts {
			if _, err := os.Stat(filepath.Join(evidence, filepath.FromSlash(f.File))); err != nil {
				t.Errorf("%s: %v", air.Name, err)
			}
			if _, ok := byID[f.Action]; !ok {
				t.Errorf("%s: %s belongs to %q, which is no action", air.Name, f.File, f.Action)
			}
		}
	}
	first := truth.Airlines[0]
	for _, name := range []string{"first-alert", "mid-chain", "command-and-control", "exfiltration"} {
		start, ok := truth.Starts[name]
		if !ok || start.Airline != first.Name {
			t.Fatalf("start %s is at %q", name, start.Airline)
		}
		reached := 0
		for _, a := range first.Actions {
			if a.Reachable[name] {
				reached++
			}
		}
		if reached < len(first.Actions)*9/10 {
			t.Errorf("from %s %d of %d actions can be reached", name, reached, len(first.Actions))
		}
	}
	if _, ok := truth.Starts["lookalike"]; !ok {
		t.Error("there is no start at what only looks like an intruder")
	}
}

func TestRolesAreWhatTheySay(t *testing.T) {
	_, truth := wholeSector(t)
	by := map[Role]AirlineTruth{}
	for _, a := range truth.Airlines {
		by[Role(a.Role)] = a
	}
	if len(by) != len(Roles()) {
		t.Fatalf("%d roles of %d", len(by), len(Roles()))
	}
	shared := func(a, b Role, kinds ...string) (out []string) {
		for kind, values := range by[a].Indicators {
			if len(kinds) > 0 && !slices.Contains(kinds, kind) {
				continue
			}
			for _, v := range values {
				if slices.Contains(by[b].Indicators[kind], v) {
					out = append(out, kind+" "+v)
				}
			}
		}
		return out
	}
	for _, r := range []Role{Clean, Lookalike, Thin} {
		if len(by[r].Actions) != 0 || len(by[r].Indicators) != 0 {
			t.Errorf("%s has an intruder", r)
		}
	}
	for _, r := range []Role{Rebuilt, SameWayIn, SharedSupplier, Unrelated} {
		if s := shared(FirstVictim, r); len(s) > 0 {
			t.Errorf("%s shares %v with the first victim", r, s)
		}
	}
	for _, r := range []Role{SameIndicators, Earlier, Double} {
		for _, kind := range []string{"sha256", "domain", "ip", "pipe"} {
			if len(shared(FirstVictim, r, kind)) == 0 {
				t.Errorf("%s shares no %s with the first victim", r, kind)
			}
		}
	}
	techniques := func(r Role) (out []string) {
		for _, a := range by[r].Actions {
			out = append(out, a.Technique)
		}
		return out
	}
	if a, b := techniques(FirstVictim), techniques(Rebuilt); !slices.Contains(b, a[0]) || a[0] != b[0] {
		t.Errorf("the rebuilt intrusion begins with %s, the first with %s", b[0], a[0])
	}
	for _, a := range by[HopOnly].Actions {
		for _, r := range a.Refs {
			if strings.HasSuffix(r.File, ".evtx") {
				t.Errorf("hop-only: %s left %v on a computer", a.ID, r)
			}
		}
	}
	if kinds := by[HopOnly].Indicators; len(kinds) != 1 || len(shared(FirstVictim, HopOnly, "ip")) == 0 {
		t.Errorf("hop-only has the indicators %v", kinds)
	}
	if e, f := by[Earlier].Actions[0].Time, by[FirstVictim].Actions[0].Time; !e.Before(f.AddDate(0, 0, -7)) {
		t.Errorf("earlier was hit on %s, the first victim on %s", e, f)
	}
	if e := by[Earlier].Actions[0].Time; e.AddDate(0, 0, -90).Before(sectorStart) {
		t.Error("ninety days before the first activity are not in the evidence")
	}
	for _, r := range Roles() {
		if by[r].CoverageSuffices != (r != Thin && r != ThinAndHit) {
			t.Errorf("%s: coverage suffices: %t", r, by[r].CoverageSuffices)
		}
	}
	visible, hidden := 0, 0
	for _, a := range by[ThinAndHit].Actions {
		if a.Visible {
			visible++
		} else {
			hidden++
		}
	}
	if visible == 0 || hidden < visible/2 {
		t.Errorf("thin-and-hit: %d actions visible, %d not", visible, hidden)
	}
	if by[FirstVictim].Persons == 0 || by[ThinAndHit].Persons != by[FirstVictim].Persons || by[Clean].Persons != 0 {
		t.Errorf("persons: %d at the first victim, %d at the clean one", by[FirstVictim].Persons, by[Clean].Persons)
	}
}

// TestNothingInADrillRuns: no file can be executed, and what looks like a program is none.
func TestNothingInADrillRuns(t *testing.T) {
	dir, _ := wholeSector(t)
	programs := 0
	walk(t, dir, func(name string, mode fs.FileMode, b []byte) {
		if mode&0o111 != 0 {
			t.Errorf("%s is executable", name)
		}
		r := bytes.NewReader(b)
		if _, err := pe.NewFile(r); err == nil {
			t.Errorf("%s is a program of Windows", name)
		}
		if _, err := elf.NewFile(r); err == nil {
			t.Errorf("%s is a program of Linux", name)
		}
		if _, err := macho.NewFile(r); err == nil {
			t.Errorf("%s is a program of macOS", name)
		}
		if bytes.HasPrefix(b, []byte("#!")) {
			t.Errorf("%s is a script", name)
		}
		if bytes.HasPrefix(b, []byte("MZ")) {
			programs++
			if !bytes.Contains(b, []byte("inert")) {
				t.Errorf("%s does not say that it is inert", name)
			}
		}
	})
	if programs == 0 {
		t.Error("no look-alike of a program was written")
	}
}

// TestImplantsHaveTheHashTheLogsSay holds the files against the indicators.
func TestImplantsHaveTheHashTheLogsSay(t *testing.T) {
	dir, truth := wholeSector(t)
	a := truth.Airlines[0]
	found := 0
	for _, f := range a.Artefacts {
		if !strings.HasPrefix(f.What, "the implant") {
			continue
		}
		b, err := os.ReadFile(filepath.Join(dir, a.Folder, "evidence", filepath.FromSlash(f.File)))
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Contains(a.Indicators["sha256"], fmt.Sprintf("%X", sha256.Sum256(b))) {
			t.Errorf("%s has a hash that no log tells", f.File)
		}
		found++
	}
	if found == 0 {
		t.Error("no implant was left")
	}
}

func TestSectorRefusals(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "s")
	for _, c := range []struct {
		o    Options
		says string
	}{
		{Options{Scenario: "flood"}, `"flood"`},
		{Options{Airlines: -1}, "-1 airlines"},
		{Options{Airlines: 201}, "201 airlines"},
		{Options{Size: "tiny"}, `"tiny"`},
	} {
		if _, err := Sector(t.Context(), dir, c.o); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%+v: %v", c.o, err)
		}
		if _, err := os.Stat(dir); err == nil {
			t.Errorf("%+v: a folder was made", c.o)
		}
	}
}

// TestSectorSizes holds what the format's document says.
func TestSectorSizes(t *testing.T) {
	size := func(dir string) (n int64) {
		walk(t, dir, func(_ string, _ fs.FileMode, b []byte) { n += int64(len(b)) })
		return n
	}
	dir, truth := wholeSector(t)
	for _, a := range truth.Airlines {
		n := size(filepath.Join(dir, a.Folder)) >> 20
		low, high := int64(15), int64(70)
		if !a.CoverageSuffices {
			low, high = 0, 6
		}
		if n < low || n > high {
			t.Errorf("%s (%s): %d MB", a.Name, a.Role, n)
		}
	}
	medium := filepath.Join(t.TempDir(), "m")
	if _, err := Sector(t.Context(), medium, Options{Seed: 11, Size: Medium, Airlines: 1, Scenario: intrusion.VPNAppliance}); err != nil {
		t.Fatal(err)
	}
	if small, more := size(filepath.Join(dir, truth.Airlines[0].Folder)), size(medium); more < small*3/2 {
		t.Errorf("medium has %d bytes, small %d", more, small)
	}
}
