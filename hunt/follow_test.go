package hunt_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/contrail-ir/contrail/coverage"
	"github.com/contrail-ir/contrail/drill"
	"github.com/contrail-ir/contrail/evidence"
	"github.com/contrail-ir/contrail/hunt"
	"github.com/contrail-ir/contrail/match"
	"github.com/contrail-ir/contrail/rules"
	"github.com/contrail-ir/contrail/sweep"
	"github.com/contrail-ir/contrail/trail"
)

// airline writes the demo's airline once for all tests of the package.
func airline(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "airline")
	if _, err := drill.Airline(t.Context(), dir, drill.Options{Seed: 1}); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "evidence")
}

func follow(t *testing.T, roots []evidence.Root, o hunt.FollowOptions) (map[string]*trail.Trail, error) {
	t.Helper()
	set, _ := match.Load(match.Question{BuiltIn: rules.FS})
	o.TempDir, o.Orgs = t.TempDir(), len(roots)
	f := hunt.NewFollower(o)
	q := sweep.Question{Roots: roots, Formats: evidence.Formats(), Rules: set, TempDir: t.TempDir(), Tap: f, NoEvent: true}
	if err := sweep.Run(context.Background(), q, f, nil); err != nil {
		t.Fatal(err)
	}
	out := map[string]*trail.Trail{}
	err := f.Each(func(org string, tr *trail.Trail) error { out[org] = tr; return nil })
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	left, err2 := os.ReadDir(o.TempDir)
	if err2 != nil || len(left) > 0 {
		t.Errorf("left in the temporary folder: %v %v", left, err2)
	}
	return out, err
}

// An organisation's trail must not depend on who is followed beside it.
func TestOrganisationsAreFollowedApart(t *testing.T) {
	root := airline(t)
	alone, err := follow(t, []evidence.Root{{Org: "one", Path: root}}, hunt.FollowOptions{})
	if err != nil {
		t.Fatal(err)
	}
	both, err := follow(t, []evidence.Root{{Org: "zero", Path: filepath.Join(root, "ADM-WS07")}, {Org: "one", Path: root}, {Org: "two", Path: root}}, hunt.FollowOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if !alone["one"].Established || both["zero"].Established || len(both) != 3 {
		t.Fatalf("established alone %t, of one host %t, %d trails", alone["one"].Established, both["zero"].Established, len(both))
	}
	text := func(x *trail.Trail) string {
		c := *x
		c.Org = ""
		b, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	if text(alone["one"]) != text(both["one"]) || text(both["one"]) != text(both["two"]) {
		t.Error("the same evidence gives another trail beside other organisations")
	}
}

func TestAStartMayBeInOneOrganisation(t *testing.T) {
	root := airline(t)
	roots := []evidence.Root{{Org: "one", Path: root}, {Org: "desk", Path: filepath.Join(root, "ADM-WS07")}}
	start, err := trail.ParseStart("cdn.fare-sync.example")
	if err != nil {
		t.Fatal(err)
	}
	got, err := follow(t, roots, hunt.FollowOptions{From: []hunt.Start{{Start: start}}})
	if err != nil || !got["one"].Established || got["desk"].Established || got["desk"].Why == "" {
		t.Errorf("a start anywhere: %v; %+v", err, got)
	}
	for _, s := range []hunt.Start{{Org: "desk", Start: start}, {Start: trail.Start{Value: "nobody.example"}}} {
		if _, err := follow(t, roots, hunt.FollowOptions{From: []hunt.Start{s}}); !errors.Is(err, trail.ErrNoStart) {
			t.Errorf("%+v: %v, want %v", s, err, trail.ErrNoStart)
		}
	}
}

func TestFoldersOfOrganisations(t *testing.T) {
	for _, bad := range []string{"", ".", "..", "../x", "/x", "a/../.."} {
		if dir, err := hunt.OrgFolder("out", bad); err == nil {
			t.Errorf("%q is given the folder %s", bad, dir)
		}
	}
	if dir, err := hunt.OrgFolder("out", "Aurora Air"); err != nil || dir != filepath.Join("out", "orgs", "Aurora Air") {
		t.Error(dir, err)
	}
}

// optionsOf makes of a sector that was written what a hunt begins with.
func optionsOf(t *testing.T, dir string, truth *drill.Truth) hunt.Options {
	t.Helper()
	h := hunt.Options{Out: filepath.Join(t.TempDir(), "out"), First: truth.Airlines[0].Folder}
	h.Evidence.Formats = evidence.Formats()
	by := map[string]*evidence.Sources{}
	for i := range truth.Airlines {
		name := truth.Airlines[i].Folder
		h.Evidence.Roots = append(h.Evidence.Roots, evidence.Root{Org: name, Path: filepath.Join(dir, name, "evidence")})
		file, err := os.Open(filepath.Join(dir, name, "inventory.csv"))
		if err != nil {
			t.Fatal(err)
		}
		hosts, err := coverage.ReadInventory(file, "inventory.csv")
		if err != nil {
			t.Fatal(err)
		}
		for i := range hosts {
			hosts[i].Org = name
		}
		h.Evidence.Inventory = append(h.Evidence.Inventory, hosts...)
		said, err := os.Open(filepath.Join(dir, name, "sources.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		if by[name], err = evidence.ReadSources(said, h.Evidence.Formats); err != nil {
			t.Fatal(err)
		}
		file.Close()
		said.Close()
	}
	h.Evidence.Sources = evidence.JoinSources(by, nil)
	return h
}
