package sigma

import (
	"flag"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/internal/require"
)

var update = flag.Bool("update", false, "rewrite golden files")

// corpus loads the public rules.
func corpus(t testing.TB) *Collection {
	t.Helper()
	return Load(require.Data(t, "sigma/rules"), require.Data(t, "sigma/rules-emerging-threats"), require.Data(t, "sigma/rules-threat-hunting"))
}

func TestCorpusIsLoadedOrRejectedByName(t *testing.T) {
	c := corpus(t)
	s, rejected := Compile(c, Options{})
	if n := s.Len() + len(rejected); n != 3754 {
		t.Errorf("%d loaded and %d rejected are not 3754", s.Len(), len(rejected))
	}
	var lines []string
	for _, r := range rejected {
		lines = append(lines, r.ID+" "+r.Reason)
	}
	golden(t, "rejected.txt", strings.Join(lines, "\n")+"\n")
	if len(rejected) >= 10 {
		t.Errorf("%d rules rejected", len(rejected))
	}
	s, rejected = Compile(c, Options{Placeholders: map[string][]string{"known_cdcs": {"dc01.example.org"}}})
	if len(rejected) > 0 || s.Len() != 3754 {
		t.Errorf("with the placeholder given: %v", rejected)
	}
}

// TestUnwitnessedRulesAreFew caps the rules that must be tried on every event: twelve of them already halve the speed.
func TestUnwitnessedRulesAreFew(t *testing.T) {
	s, _ := Compile(corpus(t), Options{})
	var lines []string
	for _, i := range s.Unwitnessed() {
		r := s.Rule(i)
		lines = append(lines, fmt.Sprintf("%s %s (%s)", r.ID, r.Title, r.Logsource))
	}
	golden(t, "unwitnessed.txt", strings.Join(lines, "\n")+"\n")
	if len(lines) > 10 {
		t.Errorf("%d rules have no witness, more than 10", len(lines))
	}
}

// TestCompiledSetIsSmall measures the compiled rules with the programs of every kind of source they are for.
func TestCompiledSetIsSmall(t *testing.T) {
	c := corpus(t)
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	s, _ := Compile(c, Options{})
	compiled := heap()
	windowsOnly := 0
	for _, source := range s.sources() {
		if source.Product == event.ProductWindows {
			for _, needles := range s.program(source).found {
				needles.index() // made when first needed, otherwise
			}
			windowsOnly++
		}
	}
	all := heap()
	t.Logf("compiled %d KiB, with the programs of %d Windows sources %d KiB", (compiled-before)>>10, windowsOnly, (all-before)>>10)
	if all-before > 32<<20 {
		t.Errorf("%d KiB are more than 32 MiB", (all-before)>>10)
	}
	runtime.KeepAlive(c)
	runtime.KeepAlive(s)
}
