package attribution

import (
	"fmt"
	"math"
	"sort"

	"go.yaml.in/yaml/v3"
)

// Rating says how an item of evidence fits a hypothesis, from 2 (very consistent, CC) to −2 (very inconsistent, II).
type Rating int8

var ratingNames = []string{"II", "I", "N", "C", "CC"}

func (r Rating) String() string {
	if r < -2 || r > 2 {
		return "?"
	}
	return ratingNames[r+2]
}

// ParseRating reads CC, C, N, I or II.
func ParseRating(s string) (Rating, error) {
	for i, name := range ratingNames {
		if s == name {
			return Rating(i - 2), nil
		}
	}
	return 0, fmt.Errorf("%.20q is not a rating (CC, C, N, I, II)", s)
}

// UnmarshalYAML reads the letters of a rating.
func (r *Rating) UnmarshalYAML(n *yaml.Node) error {
	v, err := ParseRating(n.Value)
	if err != nil || n.Kind != yaml.ScalarNode {
		return fmt.Errorf("line %d: %.20q is not a rating (CC, C, N, I, II)", n.Line, n.Value)
	}
	*r = v
	return nil
}

// MarshalText writes the letters of a rating.
func (r Rating) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads a rating as MarshalText writes it.
func (r *Rating) UnmarshalText(text []byte) error {
	v, err := ParseRating(string(text))
	*r = v
	return err
}

var weightOf = map[string]float64{"H": math.Sqrt2, "M": 1, "L": 1 / math.Sqrt2}

// weight is credibility × relevance; 0 for an item whose source is unreliable beyond judging (F) or whose content cannot
// be judged (6).
func (e *Evidence) weight() float64 {
	if e.leftOut() {
		return 0
	}
	return weightOf[e.Credibility] * weightOf[e.Relevance]
}

func (e *Evidence) leftOut() bool {
	return len(e.Grade) == 2 && (e.Grade[0] == 'F' || e.Grade[1] == '6')
}

// matrix is one analyst's ratings, ready to be computed with and changed. Rows are evidence, columns hypotheses.
type matrix struct {
	rating  [][]Rating
	weight  []float64
	roots   [][]int // roots of each row; a row without any is a root of its own
	nroots  int
	ranked  []bool // columns that are not residual
	names   []string
	dropped []bool    // rows left out for a what-if
	lost    int       // root left out for a what-if, −1 for none
	worst   []float64 // scratch: the largest inconsistency of each root
}

func newMatrix(c *Case, resolved map[string][]string, a *Analyst) *matrix {
	m := &matrix{lost: -1, dropped: make([]bool, len(c.Evidence))}
	index := map[string]int{}
	rootOf := func(name string) int {
		if _, ok := index[name]; !ok {
			index[name] = len(m.names)
			m.names = append(m.names, name)
		}
		return index[name]
	}
	for i := range c.Evidence {
		e := &c.Evidence[i]
		row := make([]Rating, len(c.Hypotheses))
		for j, h := range c.Hypotheses {
			row[j] = a.Ratings[e.ID][h.ID]
		}
		m.rating = append(m.rating, row)
		m.weight = append(m.weight, e.weight())
		var roots []int
		for _, r := range ultimate(resolved, e.Roots) {
			roots = append(roots, rootOf(r))
		}
		if roots == nil {
			roots = []int{rootOf("item " + e.ID)}
		}
		m.roots = append(m.roots, roots)
	}
	m.nroots = len(m.names)
	m.worst = make([]float64, m.nroots)
	for _, h := range c.Hypotheses {
		m.ranked = append(m.ranked, !h.Residual)
	}
	return m
}

// inconsistency of each hypothesis: the sum over roots of the largest w·max(0, −r) in that root, so that ten reports of
// one leak weigh like one.
func (m *matrix) inconsistency() []float64 {
	out := make([]float64, len(m.ranked))
	for h := range out {
		out[h] = m.column(h)
	}
	return out
}

func (m *matrix) column(h int) float64 {
	clear(m.worst)
	for e := range m.rating {
		v := m.weight[e] * float64(max(0, -m.rating[e][h]))
		if v == 0 || m.dropped[e] {
			continue
		}
		for _, r := range m.roots[e] {
			if r != m.lost {
				m.worst[r] = max(m.worst[r], v)
			}
		}
	}
	sum := 0.0
	for _, v := range m.worst {
		sum += v
	}
	return sum
}

// diagnosticity of each item: w times the population variance of its ratings over the ranked hypotheses. What speaks
// against all of them, or for all, tells nothing.
func (m *matrix) diagnosticity() []float64 {
	out := make([]float64, len(m.rating))
	for e, row := range m.rating {
		n, sum, squares := 0.0, 0.0, 0.0
		for h, r := range row {
			if m.ranked[h] {
				n++
				sum += float64(r)
				squares += float64(r) * float64(r)
			}
		}
		if n > 0 {
			out[e] = m.weight[e] * (squares/n - (sum/n)*(sum/n))
		}
	}
	return out
}

// epsilon separates sums that differ from sums that were merely added in another order.
const epsilon = 1e-9

// ranks counts, for each ranked hypothesis, those less inconsistent, plus one; residual ones have rank 0.
func (m *matrix) ranks(inconsistency []float64) []int {
	out := make([]int, len(inconsistency))
	for h := range out {
		if !m.ranked[h] {
			continue
		}
		out[h] = 1
		for o, v := range inconsistency {
			if m.ranked[o] && v < inconsistency[h]-epsilon {
				out[h]++
			}
		}
	}
	return out
}

func (m *matrix) leaders(inconsistency []float64) []int {
	var out []int
	for h, r := range m.ranks(inconsistency) {
		if r == 1 {
			out = append(out, h)
		}
	}
	return out
}

// Change is one alteration of the matrix and what it does to the leader.
type Change struct {
	Analyst string   `json:"analyst"`
	Kind    string   `json:"kind"` // shift, drop-item or drop-root
	What    string   `json:"what"`
	Steps   int      `json:"steps,omitempty"` // of a shifted rating
	Weight  float64  `json:"weight"`          // of what is altered
	Leaders []string `json:"leaders"`         // afterwards
	Effect  string   `json:"effect"`          // displaced: a leader no longer leads; joined: another leads beside it
}

// sensitivity tries every single change: each rating shifted as little as moves the leader, each item dropped, each root
// dropped. The first is the smallest: fewest steps for a shift, then the least weight.
func (m *matrix) sensitivity(c *Case, analyst string) []Change {
	base := m.inconsistency()
	before := m.leaders(base)
	var out []Change
	note := func(kind string, what func() string, steps int, weight float64, inconsistency []float64) bool {
		after := m.leaders(inconsistency)
		effect := "joined"
		for _, h := range before {
			stays := false
			for _, o := range after {
				stays = stays || o == h
			}
			if !stays {
				effect = "displaced"
			}
		}
		if effect == "joined" && len(after) == len(before) {
			return false
		}
		ch := Change{Analyst: analyst, Kind: kind, What: what(), Steps: steps, Weight: round(weight), Effect: effect}
		for _, h := range after {
			ch.Leaders = append(ch.Leaders, c.Hypotheses[h].Name)
		}
		out = append(out, ch)
		return true
	}
	for e := range m.rating {
		for h, was := range m.rating[e] {
			if !m.ranked[h] || m.weight[e] == 0 {
				continue
			}
			kept := base[h]
			m.shift(e, h, was, func(to Rating, steps int) bool {
				base[h] = m.column(h) // a shift touches one column only
				return note("shift", func() string {
					return fmt.Sprintf("%s under %q from %s to %s", c.Evidence[e].ID, c.Hypotheses[h].Name, was, to)
				}, steps, m.weight[e], base)
			})
			m.rating[e][h], base[h] = was, kept
		}
		m.dropped[e] = true
		note("drop-item", func() string { return c.Evidence[e].ID }, 0, m.weight[e], m.inconsistency())
		m.dropped[e] = false
	}
	for r := 0; r < m.nroots; r++ {
		weight := 0.0
		for e := range m.rating {
			for _, x := range m.roots[e] {
				if x == r {
					weight += m.weight[e]
				}
			}
		}
		m.lost = r
		note("drop-root", func() string { return m.names[r] }, 0, weight, m.inconsistency())
		m.lost = -1
	}
	sortChanges(out)
	return out
}

// sortChanges puts the smallest first: shifts by steps, then items, then roots, each by weight.
func sortChanges(out []Change) {
	order := map[string]int{"shift": 0, "drop-item": 1, "drop-root": 2}
	sort.SliceStable(out, func(i, j int) bool {
		a, b := out[i], out[j]
		if order[a.Kind] != order[b.Kind] {
			return order[a.Kind] < order[b.Kind]
		}
		if a.Steps != b.Steps {
			return a.Steps < b.Steps
		}
		return a.Weight < b.Weight-epsilon
	})
}

// shift tries the ratings nearest first and stops at the first that does something.
func (m *matrix) shift(e, h int, was Rating, try func(Rating, int) bool) {
	for steps := 1; steps <= 4; steps++ {
		for _, to := range []Rating{was - Rating(steps), was + Rating(steps)} {
			if to < -2 || to > 2 {
				continue
			}
			m.rating[e][h] = to
			if try(to, steps) {
				return
			}
		}
	}
}

// round keeps output free of the last bits of floating point.
func round(f float64) float64 { return math.Round(f*1e6) / 1e6 }
