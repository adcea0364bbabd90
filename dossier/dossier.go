// Package dossier shows a whole case as one self-contained page: what is known, when, about whom, what was stated, judged and told, and
// the ledger head that proves it.
//
// It promises that everything shown stands in an entry that the page links to, and that the same case gives the same bytes. It refuses
// to load anything from elsewhere, and to hide what was corrected. The page is for the case's own people: it holds names.
package dossier

import (
	"context"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/contrail-ir/contrail/casefile"
	"github.com/contrail-ir/contrail/disclosure"
	"github.com/contrail-ir/contrail/marking"
)

//go:embed page.html
var source string

var page = template.Must(template.New("page").Parse(source))

// view is what the page shows.
type view struct {
	Info     casefile.Opened
	Marking  string // of everything on the page together
	Sealed   bool
	Head     string
	Entries  uint64
	Members  []member
	People   []casefile.Person
	Sections []section
	Timeline []row
	Clock    template.HTML // SVG without anything from outside the case but escaped text
	Missing  []string
	Refused  []string
}

type member struct{ Name, ID, Consents string }

type section struct {
	Title string
	Rows  []row
}

type row struct {
	Seq                                                    uint64
	When, Recorded, Person, Role, Kind, Title, Why, Detail string
	Corrected                                              bool
}

// sections are what the page tells, in this order.
var sections = []struct {
	title string
	kinds []casefile.Kind
}{
	{"Reports", []casefile.Kind{casefile.IntakeReported}},
	{"Evidence and custody", []casefile.Kind{casefile.EvidenceReceived, casefile.CustodyPassed, casefile.EvidenceViewed}},
	{"Sweeps and coverage", []casefile.Kind{casefile.SweepImported, casefile.FindingJudged}},
	{"Trail, fingerprint and kinship", []casefile.Kind{casefile.TrailImported, casefile.FingerprintImported, casefile.FingerprintApproved, casefile.KinshipImported}},
	{"Exposure and numbers", []casefile.Kind{casefile.ExposureImported, casefile.NumberStated}},
	{"Attribution", []casefile.Kind{casefile.AttributionImported, casefile.ClaimRecorded, casefile.HypothesisStated, casefile.EvidenceRated, casefile.AssessmentMade, casefile.NamingDecided}},
	{"Texts and other documents", []casefile.Kind{casefile.TextRecorded, casefile.STIXImported, casefile.DocumentImported}},
	{"Disclosure", []casefile.Kind{casefile.ReleaseProposed, casefile.ReleaseChecked, casefile.ReleaseApproved, casefile.ReleaseMade, casefile.ReleaseCorrected, casefile.EmbargoSet, casefile.EmbargoLifted, casefile.EmbargoOverridden, casefile.HandoverSent, casefile.HandoverReceived, casefile.ReceiptReceived}},
}

// Write writes the page.
func Write(ctx context.Context, w io.Writer, c *casefile.Case) error {
	v, err := look(ctx, c)
	if err != nil {
		return fmt.Errorf("dossier: %w", err)
	}
	if err := page.Execute(w, v); err != nil {
		return fmt.Errorf("dossier: write page: %w", err)
	}
	return nil
}

func look(ctx context.Context, c *casefile.Case) (*view, error) {
	head, err := c.Head()
	if err != nil {
		return nil, err
	}
	v := &view{Info: c.Info(), Sealed: c.Sealed(), Head: string(head.Note), Entries: head.Size, People: c.People()}
	for _, p := range c.Problems() {
		v.Refused = append(v.Refused, p.String())
	}
	for _, m := range c.Members() {
		var allows []string
		for _, x := range m.Consents {
			if x.Withdrawn.IsZero() {
				allows = append(allows, fmt.Sprintf("%s (by %s)", x.Purpose, x.By))
			}
		}
		v.Members = append(v.Members, member{m.Name, string(m.ID), strings.Join(allows, ", ")})
	}
	corrected := map[uint64]bool{}
	marks := []marking.Marking{v.Info.Marking}
	for e, err := range c.Entries(ctx, casefile.Query{}) {
		if err != nil {
			return nil, err
		}
		for _, seq := range e.Supersedes {
			corrected[seq] = true
		}
		marks = append(marks, e.Marking)
	}
	v.Marking = marking.Combine(marks...).String()
	byKind := map[casefile.Kind][]row{}
	for e, err := range c.Timeline(ctx, casefile.Query{}) {
		if err != nil {
			return nil, err
		}
		r := row{Seq: e.Seq, When: e.When.String(), Recorded: e.Recorded.UTC().Format("2006-01-02 15:04:05"), Person: e.Person, Role: string(e.Role), Kind: string(e.Kind), Title: e.Title(), Why: e.Why,
			Corrected: corrected[e.Seq]}
		if r.Detail, err = detail(e); err != nil {
			return nil, fmt.Errorf("entry %d: %w", e.Seq, err)
		}
		v.Timeline = append(v.Timeline, r)
		byKind[e.Kind] = append(byKind[e.Kind], r)
	}
	for _, s := range sections {
		out := section{Title: s.title}
		for _, k := range s.kinds {
			out.Rows = append(out.Rows, byKind[k]...)
		}
		slices.SortStableFunc(out.Rows, func(a, b row) int { return int(int64(a.Seq) - int64(b.Seq)) })
		v.Sections = append(v.Sections, out)
	}
	clock, err := disclosure.ReadClock(ctx, c)
	if err != nil {
		return nil, err
	}
	v.Missing = clock.Missing
	var svg strings.Builder
	if err := clock.WritePicture(&svg); err != nil {
		return nil, err
	}
	v.Clock = template.HTML(svg.String())
	return v, nil
}

// detail tells in words what a title does not.
func detail(e casefile.Entry) (string, error) {
	switch e.Kind {
	case casefile.SweepImported, casefile.TrailImported, casefile.FingerprintImported, casefile.KinshipImported, casefile.ExposureImported, casefile.AttributionImported, casefile.STIXImported, casefile.DocumentImported:
		var in casefile.Import
		if err := e.Decode(&in); err != nil {
			return "", err
		}
		var parts []string
		for _, k := range slices.Sorted(maps.Keys(in.Counts)) {
			parts = append(parts, fmt.Sprintf("%s %d", k, in.Counts[k]))
		}
		if in.Draft {
			parts = append(parts, "DRAFT")
		}
		return strings.Join(parts, ", "), nil
	case casefile.NumberStated:
		var n casefile.Number
		err := e.Decode(&n)
		return n.String() + "; " + n.Basis, err
	case casefile.MilestoneRecorded:
		var m casefile.Milestone
		err := e.Decode(&m)
		return m.Source, err
	}
	return "", nil
}
