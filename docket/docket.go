// Package docket keeps what there is to weigh about an actor – the incident, claims, hypotheses, ratings, the assessment and the decisions
// about naming – as entries of a case, and gives it back to attribution.
//
// It promises that what is recorded comes back as it was, each item signed by whoever entered it; that a claim is never changed but
// superseded by a later entry of the same id; and that nothing is recorded which could not be weighed. It refuses to weigh: attribution does.
package docket

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/contrail-ir/contrail/attribution"
	"github.com/contrail-ir/contrail/casefile"
	"github.com/contrail-ir/contrail/keys"
	"github.com/contrail-ir/contrail/ledger"
	"github.com/contrail-ir/contrail/marking"
)

// Incident is the detail of incident.described.
type Incident struct {
	Name string `json:"name"`
	attribution.Incident
	Sources []attribution.Source `json:"sources"`
	Roots   []attribution.Root   `json:"roots"`
}

// Claim is the detail of claim.recorded: the claim with the sources and roots that it names and the incident's description may lack.
type Claim struct {
	attribution.Claim
	FromSources []attribution.Source `json:"from_sources,omitempty"`
	FromRoots   []attribution.Root   `json:"from_roots,omitempty"`
}

// Rated is the detail of evidence.rated: items with their grade and weight, or one analyst's matrix over them.
type Rated struct {
	Items   []attribution.Evidence `json:"items,omitempty"`
	Analyst *attribution.Analyst   `json:"analyst,omitempty"`
}

// ErrNothing says that a case describes no incident to weigh claims against.
var ErrNothing = errors.New("the case describes no incident to weigh claims against; enter one with `contrail case add claims`")

// Read gives what a case holds to be weighed. Of several entries with one id the last counts.
func Read(ctx context.Context, c *casefile.Case) (*attribution.Case, error) {
	r := reading{c: &attribution.Case{}}
	for e, err := range c.Entries(ctx, casefile.Query{CurrentOnly: true, Kinds: Kinds()}) {
		if err != nil {
			return nil, fmt.Errorf("docket: %w", err)
		}
		if !e.Known() {
			continue
		}
		if err := r.take(e); err != nil {
			return nil, fmt.Errorf("docket: entry %d (%s): %w", e.Seq, e.Kind, err)
		}
	}
	if !r.described {
		return r.c, fmt.Errorf("docket: %s: %w", c.Dir(), ErrNothing)
	}
	if err := attribution.Check(r.c); err != nil {
		return r.c, fmt.Errorf("docket: %s: %w", c.Dir(), err)
	}
	return r.c, nil
}

// Kinds are the kinds of entry that a docket is made of.
func Kinds() []casefile.Kind {
	return []casefile.Kind{casefile.IncidentDescribed, casefile.ClaimRecorded, casefile.HypothesisStated, casefile.EvidenceRated, casefile.AssessmentMade, casefile.NamingDecided}
}

type reading struct {
	c         *attribution.Case
	described bool
}

func (r *reading) take(e casefile.Entry) error {
	switch e.Kind {
	case casefile.IncidentDescribed:
		var in Incident
		if err := e.Decode(&in); err != nil {
			return err
		}
		r.c.Name, r.c.Incident, r.described = in.Name, in.Incident, true
		r.named(in.Sources, in.Roots)
	case casefile.ClaimRecorded:
		var cl Claim
		if err := e.Decode(&cl); err != nil {
			return err
		}
		r.named(cl.FromSources, cl.FromRoots)
		put(&r.c.Claims, cl.Claim, func(a attribution.Claim) string { return a.ID })
	case casefile.HypothesisStated:
		var h attribution.Hypothesis
		if err := e.Decode(&h); err != nil {
			return err
		}
		put(&r.c.Hypotheses, h, func(a attribution.Hypothesis) string { return a.ID })
	case casefile.EvidenceRated:
		var d Rated
		if err := e.Decode(&d); err != nil {
			return err
		}
		for _, it := range d.Items {
			put(&r.c.Evidence, it, func(a attribution.Evidence) string { return a.ID })
		}
		if d.Analyst != nil {
			put(&r.c.Analysts, *d.Analyst, func(a attribution.Analyst) string { return a.Name })
		}
	case casefile.AssessmentMade:
		var a attribution.Assessment
		if err := e.Decode(&a); err != nil {
			return err
		}
		r.c.Assessment = &a
	case casefile.NamingDecided:
		var n attribution.NamingDecision
		if err := e.Decode(&n); err != nil {
			return err
		}
		put(&r.c.Naming, n, func(a attribution.NamingDecision) string { return a.Audience })
	}
	return nil
}

func (r *reading) named(sources []attribution.Source, roots []attribution.Root) {
	for _, s := range sources {
		put(&r.c.Sources, s, func(a attribution.Source) string { return a.ID })
	}
	for _, x := range roots {
		put(&r.c.Roots, x, func(a attribution.Root) string { return a.ID })
	}
}

// put replaces the item of the same id, or adds it.
func put[T any](list *[]T, v T, id func(T) string) {
	if i := slices.IndexFunc(*list, func(o T) bool { return id(o) == id(v) }); i >= 0 {
		(*list)[i] = v
		return
	}
	*list = append(*list, v)
}

// Options say how a docket is recorded.
type Options struct {
	Marking marking.Marking
	Why     string
}

// Record enters what a description holds and the case does not yet hold as it stands, all or nothing: texts in their own language and
// dated events as well, for the timeline and the disclosure clock. Recording the same description again enters nothing.
func Record(ctx context.Context, c *casefile.Case, by *keys.Private, a *attribution.Case, o Options) ([]casefile.Entry, error) {
	if err := attribution.Check(a); err != nil {
		return nil, fmt.Errorf("docket: %w", err)
	}
	held, err := holds(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("docket: %w", err)
	}
	var drafts []casefile.Draft
	for _, d := range all(a) {
		raw, err := json.Marshal(d.Detail)
		if err != nil {
			return nil, fmt.Errorf("docket: %s: %w", d.Kind, err)
		}
		old, there := held[identity(d.Kind, raw)]
		if there && old.when.Compare(d.When) == 0 && same(old.detail, raw) {
			continue
		}
		if there {
			d.Supersedes = []uint64{old.seq}
		}
		d.Marking, d.Why = o.Marking, o.Why
		drafts = append(drafts, d)
	}
	if len(drafts) == 0 {
		return nil, nil
	}
	return c.Record(ctx, by, drafts...)
}

type heldItem struct {
	seq    uint64
	when   casefile.Moment
	detail json.RawMessage
}

func holds(ctx context.Context, c *casefile.Case) (map[string]heldItem, error) {
	held := map[string]heldItem{}
	for e, err := range c.Entries(ctx, casefile.Query{CurrentOnly: true, Kinds: append(Kinds(), casefile.TextRecorded, casefile.MilestoneRecorded)}) {
		if err != nil {
			return nil, err
		}
		held[identity(e.Kind, e.Detail)] = heldItem{e.Seq, e.When, e.Detail}
	}
	return held, nil
}

// identity tells which earlier entry an entry replaces: that of the same kind and id.
func identity(k casefile.Kind, detail json.RawMessage) string {
	var d struct {
		ID       string `json:"id"`
		Audience any    `json:"audience"`
		Name     string `json:"name"`
		Source   string `json:"source"`
		Actor    any    `json:"actor"`
		Digest   string `json:"digest"`
		Analyst  *struct {
			Name string `json:"name"`
		} `json:"analyst"`
	}
	if err := json.Unmarshal(detail, &d); err != nil {
		return string(k)
	}
	key := d.ID
	switch k {
	case casefile.IncidentDescribed, casefile.AssessmentMade:
		key = ""
	case casefile.EvidenceRated:
		if d.Analyst != nil {
			key = "analyst " + d.Analyst.Name
		}
	case casefile.NamingDecided:
		key = fmt.Sprint(d.Audience)
	case casefile.TextRecorded:
		key = d.Digest
	case casefile.MilestoneRecorded:
		key = d.Name + "\x00" + d.Source + "\x00" + fmt.Sprint(d.Actor)
	}
	return string(k) + "\x00" + key
}

func same(a, b json.RawMessage) bool {
	var x, y any
	return json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil && reflect.DeepEqual(x, y)
}

// all lists what a description says as drafts, in the order in which it is read.
func all(a *attribution.Case) []casefile.Draft {
	var out []casefile.Draft
	add := func(k casefile.Kind, summary string, when casefile.Moment, about []string, detail any) {
		out = append(out, casefile.Draft{Kind: k, Summary: summary, When: when, About: about, Detail: detail})
	}
	in := &a.Incident
	add(casefile.IncidentDescribed, "incident: "+in.Title, casefile.Moment{}, []string{a.Name}, Incident{a.Name, a.Incident, a.Sources, a.Roots})
	for _, f := range in.Facts {
		if f.Quote == nil {
			continue
		}
		t := casefile.Text{Source: f.Source, Language: f.Quote.Language, Original: f.Quote.Original, Digest: digestOf(f.Quote.Original)}
		if f.Quote.Translation != "" {
			t.Translations = []casefile.Translation{{Language: "en", Text: f.Quote.Translation, Translator: f.Quote.Translator}}
		}
		add(casefile.TextRecorded, fmt.Sprintf("text (%s) from %s: %s", t.Language, f.Source, f.Text), casefile.Moment{}, []string{f.Source}, t)
	}
	milestone := func(name, actor, source string, d attribution.Date) {
		if when := moment(d); !when.IsZero() {
			add(casefile.MilestoneRecorded, strings.TrimSuffix(name+": "+actor, ": "), when, []string{name}, casefile.Milestone{Name: name, Actor: actor, Source: source})
		}
	}
	milestone("intrusion", "", a.Name, in.Start)
	milestone("report", "", a.Name, in.Reported)
	for _, p := range in.Public {
		milestone("public", p.What, p.Source, p.Date)
	}
	for _, cl := range a.Claims {
		for _, p := range cl.Published {
			if name := map[string]string{"vendor": "vendor-claim", "government": "government-claim"}[cl.Claimant.Kind]; name != "" {
				milestone(name, cl.Claimant.Name, p.Source, p.Date)
			}
		}
		out = append(out, ClaimDraft(cl, nil, nil))
	}
	for _, h := range a.Hypotheses {
		add(casefile.HypothesisStated, "hypothesis "+h.ID+": "+h.Name, casefile.Moment{}, []string{h.ID}, h)
	}
	if len(a.Evidence) > 0 {
		add(casefile.EvidenceRated, fmt.Sprintf("%d items of evidence graded", len(a.Evidence)), casefile.Moment{}, nil, Rated{Items: a.Evidence})
	}
	for _, n := range a.Analysts {
		add(casefile.EvidenceRated, "matrix of "+n.Name, casefile.Moment{}, []string{n.Name}, Rated{Analyst: &n})
	}
	if a.Assessment != nil {
		add(casefile.AssessmentMade, fmt.Sprintf("assessment: %s, %s, confidence %s", a.Assessment.Subject, a.Assessment.Likelihood, a.Assessment.Confidence), moment(a.Assessment.Date), nil, a.Assessment)
	}
	for _, n := range a.Naming {
		add(casefile.NamingDecided, strings.TrimSuffix(fmt.Sprintf("to %s: %s, %s", n.Audience, n.Decision, n.Name), ", "), moment(n.Date), []string{n.Audience}, n)
	}
	return out
}

// ClaimDraft is the entry for a claim, dated by its first publication.
func ClaimDraft(cl attribution.Claim, sources []attribution.Source, roots []attribution.Root) casefile.Draft {
	d := casefile.Draft{Kind: casefile.ClaimRecorded, Summary: Tell(cl), About: []string{cl.ID, cl.Claimant.Name}, Detail: Claim{cl, sources, roots}}
	first := attribution.Date{}
	for _, p := range cl.Published {
		if !first.Known() || p.Date.First < first.First {
			first = p.Date
		}
	}
	d.When = moment(first)
	return d
}

// Tell says a claim in one line.
func Tell(cl attribution.Claim) string {
	who := map[string]string{"named": cl.Actor.Name, "category": cl.Actor.Category, "withheld": "an actor whose name is withheld", "none": "nobody", "unrecorded": "an actor that is not recorded here"}[cl.Actor.Kind]
	s := fmt.Sprintf("claim of %s: %s", cl.Claimant.Name, who)
	if cl.Window.Known() {
		s += fmt.Sprintf(", active from %s to %s", cl.Window.From, cl.Window.To)
	}
	return s
}

// moment keeps the precision of a date.
func moment(d attribution.Date) casefile.Moment {
	if !d.Known() {
		return casefile.Moment{}
	}
	m, err := casefile.ParseMoment(d.Text)
	if err != nil {
		return casefile.Moment{} // a date that attribution reads and a case does not; it stays in the detail
	}
	return m
}

func digestOf(text string) ledger.Digest { return ledger.DigestOf([]byte(text)) }
