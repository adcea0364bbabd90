package attribution

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
)

// Result is attribution.json; docs/formats/claims.md describes it.
type Result struct {
	Case        string             `json:"case"`
	Incident    IncidentResult     `json:"incident"`
	Claims      []ClaimResult      `json:"claims"`
	SharedRoots []SharedRoot       `json:"shared_roots"`
	Hypotheses  []HypothesisResult `json:"hypotheses"`
	Evidence    []EvidenceResult   `json:"evidence"`
	Analysts    []AnalystResult    `json:"analysts"`
	Disagree    []Disagreement     `json:"disagreement"`
	Sensitivity []Change           `json:"sensitivity"`
	Overlap     *Overlap           `json:"overlap,omitempty"`
	Assessment  *AssessmentResult  `json:"assessment"`
	Naming      []NamingResult     `json:"naming"`
}

// NamingResult is a decision about naming. Beyond says that it gives a name though the assessment names no actor.
type NamingResult struct {
	NamingDecision
	Beyond bool `json:"beyond_assessment,omitempty"`
}

// IncidentResult is the incident with the days from report to each publication.
type IncidentResult struct {
	Incident
	ReportToPublic []Lag `json:"report_to_public"`
}

// Lag bounds the days from the report to a publication.
type Lag struct {
	To     Date   `json:"to"`
	What   string `json:"what,omitempty"`
	Source string `json:"source"`
	Days   [2]int `json:"days"`
}

// ClaimResult is a claim with what it is worth here.
type ClaimResult struct {
	Claim
	Verdict      Verdict     `json:"verdict"`
	Why          []string    `json:"why"`
	Fraction     *[2]float64 `json:"fraction"`      // null without dates
	FractionOpen bool        `json:"fraction_open"` // the lower bound is approached but some overlap is certain
	StartUnknown bool        `json:"dwell_unknown"`
	GapDays      *[2]int     `json:"gap_days"`
	DwellDays    *[2]int     `json:"overlap_needs_dwell_days"`
	Roots        []string    `json:"roots"` // in the end
	Same         Same        `json:"same"`
	Conflict     bool        `json:"publication_conflict"` // sources date it differently
	// Claims by which this one no longer stands, and that dispute it.
	SupersededBy []string `json:"superseded_by,omitempty"`
	DisputedBy   []string `json:"disputed_by,omitempty"`
}

// Same is what claim and incident have in common by name.
type Same struct {
	Sectors      []string `json:"sectors"`
	Victims      []string `json:"victims"`
	Capabilities []string `json:"capabilities"`
}

// HypothesisResult is a hypothesis over all analysts: its inconsistency is the mean of theirs.
type HypothesisResult struct {
	ID            string  `json:"id"`
	Name          string  `json:"name"`
	Residual      bool    `json:"residual"`
	Inconsistency float64 `json:"inconsistency"`
	Rank          *int    `json:"rank"` // null for a residual one
}

// EvidenceResult is an item over all analysts: its diagnosticity is the mean of theirs.
type EvidenceResult struct {
	Evidence
	Weight        float64  `json:"weight"`
	LeftOut       bool     `json:"left_out"` // reliability F or credibility 6
	Diagnosticity float64  `json:"diagnosticity"`
	Ultimate      []string `json:"ultimate_roots"`
}

// AnalystResult is one analyst's matrix and what follows from it alone.
type AnalystResult struct {
	Name          string                       `json:"name"`
	Ratings       map[string]map[string]Rating `json:"ratings"`
	Unrated       int                          `json:"unrated"` // cells, counted as N
	Inconsistency map[string]float64           `json:"inconsistency"`
	Rank          map[string]int               `json:"rank"`
	Diagnosticity map[string]float64           `json:"diagnosticity"`
	Leaders       []string                     `json:"leaders"`
	Smallest      *Change                      `json:"smallest_change"` // null when no single change moves the leader
}

// Disagreement is a cell that analysts rate differently.
type Disagreement struct {
	Evidence   string            `json:"evidence"`
	Hypothesis string            `json:"hypothesis"`
	Ratings    map[string]Rating `json:"ratings"`
	Spread     int               `json:"spread"` // steps between the furthest
}

// AssessmentResult is the assessment with its likelihood in percent.
type AssessmentResult struct {
	Assessment
	Percent [2]int `json:"likelihood_percent"`
}

// Analyse computes everything. The case has to be one that [Check] accepts.
func Analyse(c *Case) (*Result, error) {
	if err := Check(c); err != nil {
		return nil, err
	}
	resolved, err := resolveRoots(c.Roots)
	if err != nil {
		return nil, err
	}
	r := &Result{Case: c.Name, Incident: IncidentResult{c.Incident, []Lag{}}, Claims: []ClaimResult{}, Naming: []NamingResult{},
		Hypotheses: []HypothesisResult{}, Evidence: []EvidenceResult{}, Analysts: []AnalystResult{}, Disagree: []Disagreement{}, Sensitivity: []Change{}}
	for _, p := range c.Incident.Public {
		if c.Incident.Reported.Known() {
			r.Incident.ReportToPublic = append(r.Incident.ReportToPublic, Lag{p.Date, p.What, p.Source, daysBetween(c.Incident.Reported, p.Date)})
		}
	}
	for i := range c.Claims {
		r.Claims = append(r.Claims, weigh(c, &c.Claims[i], resolved))
	}
	for i := range r.Claims {
		cl := &r.Claims[i]
		for _, other := range c.Claims {
			if slices.Contains(other.Supersedes, cl.ID) {
				cl.SupersededBy = append(cl.SupersededBy, other.ID)
			}
			if slices.Contains(other.Disputes, cl.ID) {
				cl.DisputedBy = append(cl.DisputedBy, other.ID)
			}
		}
	}
	for _, n := range c.Naming {
		r.Naming = append(r.Naming, NamingResult{n, n.Name != "" && (c.Assessment == nil || c.Assessment.Level != "named-actor")})
	}
	r.SharedRoots = sharedRoots(c, r.Claims)
	r.matrices(c, resolved)
	if a := c.Assessment; a != nil {
		l, err := LikelihoodOf(a.Likelihood)
		if err != nil {
			return nil, err
		}
		r.Assessment = &AssessmentResult{*a, l.Percent}
	}
	return r, nil
}

func weigh(c *Case, cl *Claim, resolved map[string][]string) ClaimResult {
	latest, earliest := cl.Published[0].Date, cl.Published[0].Date
	for _, p := range cl.Published {
		if p.Date.Last > latest.Last {
			latest = p.Date
		}
		if p.Date.First < earliest.First {
			earliest = p.Date
		}
	}
	out := ClaimResult{Claim: *cl, Roots: []string{}}
	begins, ends := earliest.First, earliest.Last
	for _, p := range cl.Published {
		begins, ends = max(begins, p.Date.First), min(ends, p.Date.Last)
	}
	out.Conflict = begins > ends // there is no day on which all sources can be right
	cov, dated := Cover(&c.Incident, cl.Window, latest.Last)
	out.Verdict, out.Why = judge(&c.Incident, cl, cov, dated)
	if dated {
		out.Fraction = &[2]float64{round(cov.Fraction[0]), round(cov.Fraction[1])}
		out.FractionOpen, out.StartUnknown, out.GapDays, out.DwellDays = cov.Open, cov.StartUnknown, cov.GapDays, cov.DwellDays
	}
	var roots []string
	for _, e := range cl.Evidence {
		roots = append(roots, e.Roots...)
	}
	if u := ultimate(resolved, roots); u != nil {
		out.Roots = u
	}
	out.Same = Same{intersect(c.Incident.Sectors, cl.Sectors), intersect(c.Incident.Victims, cl.Victims), intersect(c.Incident.Capabilities, cl.Capabilities)}
	return out
}

func (r *Result) matrices(c *Case, resolved map[string][]string) {
	if len(c.Hypotheses) == 0 {
		return
	}
	inconsistency, diagnosticity := make([]float64, len(c.Hypotheses)), make([]float64, len(c.Evidence))
	var last *matrix
	for i := range c.Analysts {
		a := &c.Analysts[i]
		m := newMatrix(c, resolved, a)
		last = m
		inc, diag := m.inconsistency(), m.diagnosticity()
		out := AnalystResult{Name: a.Name, Ratings: a.Ratings, Inconsistency: map[string]float64{}, Rank: map[string]int{}, Diagnosticity: map[string]float64{}}
		for h, rank := range m.ranks(inc) {
			out.Inconsistency[c.Hypotheses[h].ID] = round(inc[h])
			inconsistency[h] += inc[h] / float64(len(c.Analysts))
			if rank > 0 {
				out.Rank[c.Hypotheses[h].ID] = rank
			}
			if rank == 1 {
				out.Leaders = append(out.Leaders, c.Hypotheses[h].Name)
			}
			for _, e := range c.Evidence {
				if _, ok := a.Ratings[e.ID][c.Hypotheses[h].ID]; !ok {
					out.Unrated++
				}
			}
		}
		for e := range c.Evidence {
			out.Diagnosticity[c.Evidence[e].ID] = round(diag[e])
			diagnosticity[e] += diag[e] / float64(len(c.Analysts))
		}
		changes := m.sensitivity(c, a.Name)
		if len(changes) > 0 {
			out.Smallest = &changes[0]
		}
		r.Sensitivity = append(r.Sensitivity, changes...)
		r.Analysts = append(r.Analysts, out)
	}
	sortChanges(r.Sensitivity)
	for e := range c.Evidence {
		item := c.Evidence[e]
		u := ultimate(resolved, item.Roots)
		r.Evidence = append(r.Evidence, EvidenceResult{item, round(item.weight()), item.leftOut(), round(diagnosticity[e]), append([]string{}, u...)})
	}
	for h, hyp := range c.Hypotheses {
		out := HypothesisResult{ID: hyp.ID, Name: hyp.Name, Residual: hyp.Residual, Inconsistency: round(inconsistency[h])}
		if last != nil && !hyp.Residual {
			rank := last.ranks(inconsistency)[h]
			out.Rank = &rank
		}
		r.Hypotheses = append(r.Hypotheses, out)
	}
	r.disagreements(c)
}

func (r *Result) disagreements(c *Case) {
	for _, e := range c.Evidence {
		for _, h := range c.Hypotheses {
			d := Disagreement{Evidence: e.ID, Hypothesis: h.ID, Ratings: map[string]Rating{}}
			var all []Rating
			for _, a := range c.Analysts {
				if v, ok := a.Ratings[e.ID][h.ID]; ok {
					d.Ratings[a.Name] = v
					all = append(all, v)
				}
			}
			if len(all) > 1 {
				if d.Spread = int(slices.Max(all) - slices.Min(all)); d.Spread > 0 {
					r.Disagree = append(r.Disagree, d)
				}
			}
		}
	}
}

// WriteJSON writes attribution.json: the same case gives the same bytes.
func (r *Result) WriteJSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(r); err != nil {
		return fmt.Errorf("write attribution: %w", err)
	}
	return nil
}
