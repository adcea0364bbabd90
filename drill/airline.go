// Package drill writes fictional evidence with known truth.
//
// It promises that the same options give the same bytes, that records carry the fields
// and types of the genuine providers, and that the truth names every record the intruder
// left. Everything is inert: text in log records about programs that do not exist, with
// addresses of RFC 5737 and names of RFC 2606. It refuses to write into a folder that
// already holds something, and it neither runs nor contains a working tool.
package drill

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"

	"github.com/contrail-ir/contrail/drill/background"
	"github.com/contrail-ir/contrail/drill/booking"
	"github.com/contrail-ir/contrail/drill/intrusion"
	"github.com/contrail-ir/contrail/drill/scene"
)

// Size says how much ordinary activity surrounds the intrusion.
type Size string

// Sizes, with about the number of events that an airline of a sector has.
const (
	Small  Size = "small"  // 75,000
	Medium Size = "medium" // 145,000
	Large  Size = "large"  // 800,000
	Huge   Size = "huge"   // 20,000,000
)

// Sizes gives all of them, the smallest first.
func Sizes() []Size { return []Size{Small, Medium, Large, Huge} }

func (z Size) scale() (int, error) {
	switch z {
	case Small, "":
		return 1, nil
	case Medium:
		return 4, nil
	case Large:
		return 40, nil
	case Huge:
		return 1500, nil
	}
	return 0, fmt.Errorf("drill: size %q is none of %v", string(z), Sizes())
}

// Options choose a drill. The zero value is seed 0, small.
type Options struct {
	Seed     uint64
	Size     Size
	Airlines int                // of a sector; 0 is one of each role
	Scenario intrusion.Scenario // of a sector; "" is web-exploit
	Only     []Role             // of a sector: airlines of other roles are drawn, so that these stay the same, and not written; nil writes all
	Roles    []Role             // of a sector's airlines, instead of Airlines; the first is the first victim
}

// What a drill says about itself: see package scene.
type (
	Truth        = scene.Truth
	AirlineTruth = scene.AirlineTruth
	Action       = scene.Action
	Decoy        = scene.Decoy
	Ref          = scene.Ref
	Start        = scene.Start
	Artefact     = scene.Artefact
)

const scenario = "airline-service-implant"

// Airline writes the evidence of one airline that was entered through its booking front
// server, and gives the truth. Under dir it makes evidence/HOST/CHANNEL.evtx,
// inventory.csv and truth.json; dir is made when absent and must be empty.
func Airline(ctx context.Context, dir string, o Options) (Truth, error) {
	scale, err := o.Size.scale()
	if err != nil {
		return Truth{}, err
	}
	if err := newFolder(dir); err != nil {
		return Truth{}, err
	}
	s := scene.New(scene.First(o.Seed, scale))
	s.Into(filepath.Join(dir, "evidence"))
	booking.Play(s)
	if err := background.Play(ctx, s); err != nil {
		return Truth{}, err
	}
	if err := s.Write(filepath.Join(dir, "evidence")); err != nil {
		return Truth{}, err
	}
	t := s.Truth(scenario, "first-victim", true)
	if err := writeInventory(s, filepath.Join(dir, "inventory.csv")); err != nil {
		return Truth{}, err
	}
	return t, writeTruth(filepath.Join(dir, "truth.json"), t)
}

func newFolder(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("drill: make folder: %w", err)
	}
	there, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("drill: read folder: %w", err)
	}
	if len(there) > 0 {
		return fmt.Errorf("drill: %s is not empty: choose a new folder", dir)
	}
	return nil
}

var brokenRef = regexp.MustCompile(`\{\s+"file": ("(?:[^"\\]|\\.)*"),\s+"record": (\d+)\s+\}`)

func writeTruth(path string, t Truth) error {
	b, err := json.MarshalIndent(t, "", "  ")
	if err != nil {
		return fmt.Errorf("drill: encode truth: %w", err)
	}
	// One reference a line: an action may have thousands.
	b = brokenRef.ReplaceAll(b, []byte(`{"file": $1, "record": $2}`))
	if err := os.WriteFile(path, append(b, '\n'), 0o644); err != nil {
		return fmt.Errorf("drill: write truth: %w", err)
	}
	return nil
}

func writeInventory(s *scene.Scene, path string) error {
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("drill: create inventory: %w", err)
	}
	w := csv.NewWriter(f)
	rows := [][]string{{"host", "addresses", "role", "critical"}}
	for _, h := range s.Hosts {
		rows = append(rows, []string{h.FQDN(), h.IP, h.Role, strconv.FormatBool(h.Critical)})
	}
	err = w.WriteAll(rows)
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		return fmt.Errorf("drill: write inventory: %w", err)
	}
	return nil
}
