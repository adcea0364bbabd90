package report

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/contrail-ir/contrail/finding"
	"github.com/contrail-ir/contrail/legible"
	"github.com/contrail-ir/contrail/sweep"
)

// Layer writes layer.json into a folder that exists: a layer of the ATT&CK Navigator, format 4.5, with the findings per technique as score.
type Layer struct{ dir string }

// NewLayer gives the handler; nothing is written before the end.
func NewLayer(dir string) *Layer { return &Layer{dir} }

// Finding implements sweep.Handler; counts come with the end.
func (*Layer) Finding(*finding.Finding) error { return nil }

// Close has nothing to remove.
func (*Layer) Close() error { return nil }

type layerFile struct {
	Name        string            `json:"name"`
	Versions    map[string]string `json:"versions"`
	Domain      string            `json:"domain"`
	Description string            `json:"description"`
	Sorting     int               `json:"sorting"` // 3: by score, falling
	Hide        bool              `json:"hideDisabled"`
	Techniques  []layerTechnique  `json:"techniques"`
	Gradient    layerGradient     `json:"gradient"`
	Legend      []layerLegend     `json:"legendItems"`
}

type layerTechnique struct {
	ID       string          `json:"techniqueID"`
	Score    uint64          `json:"score,omitempty"` // absent for a parent that only shows its sub-techniques
	Comment  string          `json:"comment"`
	Enabled  bool            `json:"enabled"`
	Metadata []layerMetadata `json:"metadata"`
	ShowSubs bool            `json:"showSubtechniques"`
}

type layerMetadata struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type layerGradient struct {
	Colors []string `json:"colors"`
	Min    uint64   `json:"minValue"`
	Max    uint64   `json:"maxValue"`
}

type layerLegend struct {
	Label string `json:"label"`
	Color string `json:"color"`
}

// End implements sweep.Handler.
func (l *Layer) End(r *sweep.Result) error {
	layer := layerOf(r)
	return WriteFile(filepath.Join(l.dir, "layer.json"), func(out io.Writer) error {
		e := json.NewEncoder(out)
		e.SetIndent("", " ")
		return e.Encode(layer)
	})
}

func layerOf(r *sweep.Result) *layerFile {
	type counted struct {
		found uint64
		rules []*finding.Rule
	}
	byID := map[string]*counted{}
	for i := range r.Rules {
		rule := &r.Rules[i]
		n := r.Found[rule.ID]
		if n == 0 {
			continue
		}
		ids, _ := tagged(rule.Tags)
		for _, id := range ids {
			if byID[id] == nil {
				byID[id] = &counted{}
			}
			byID[id].found += n
			byID[id].rules = append(byID[id].rules, rule)
		}
	}
	layer := &layerFile{
		Name: "Contrail sweep", Versions: map[string]string{"layer": "4.5", "navigator": "5.0.0"}, Domain: "enterprise-attack", Sorting: 3,
		Description: "Findings per technique. Score: number of findings of rules that name the technique.", Techniques: []layerTechnique{},
		Gradient: layerGradient{Colors: []string{"#e6eef8", "#7fa8d9", "#1f4f8f"}, Max: 1},
		Legend:   []layerLegend{{"few findings", "#e6eef8"}, {"most findings", "#1f4f8f"}},
	}
	for _, id := range slices.Sorted(maps.Keys(byID)) {
		c := byID[id]
		slices.SortStableFunc(c.rules, func(a, b *finding.Rule) int {
			return cmp.Or(cmp.Compare(b.Level, a.Level), cmp.Compare(r.Found[b.ID], r.Found[a.ID]))
		})
		var lines []string
		for _, rule := range c.rules[:min(len(c.rules), 10)] {
			lines = append(lines, fmt.Sprintf("%s (%s): %d", legible.Visible(rule.Title), orDash(rule.Level.String()), r.Found[rule.ID]))
		}
		if n := len(c.rules) - len(lines); n > 0 {
			lines = append(lines, fmt.Sprintf("and %d more rules", n))
		}
		layer.Techniques = append(layer.Techniques, layerTechnique{ID: id, Score: c.found, Comment: strings.Join(lines, "\n"), Enabled: true,
			Metadata: []layerMetadata{{"rules", fmt.Sprint(len(c.rules))}, {"gravest level", orDash(c.rules[0].Level.String())}}})
		layer.Gradient.Max = max(layer.Gradient.Max, c.found)
	}
	// A sub-technique shows only where its parent is opened.
	for _, t := range layer.Techniques {
		parent, _, sub := strings.Cut(t.ID, ".")
		if !sub {
			continue
		}
		at := slices.IndexFunc(layer.Techniques, func(t layerTechnique) bool { return t.ID == parent })
		if at < 0 {
			at = len(layer.Techniques)
			layer.Techniques = append(layer.Techniques, layerTechnique{ID: parent, Enabled: true, Metadata: []layerMetadata{}})
		}
		layer.Techniques[at].ShowSubs = true
	}
	slices.SortFunc(layer.Techniques, func(a, b layerTechnique) int { return cmp.Compare(a.ID, b.ID) })
	return layer
}
