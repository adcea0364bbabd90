// Package dossier shows a whole case as one self-contained page: what happened and how exactly that is known, who was hit and what was searched,
// the trail, what was exposed, who is said to have done it, who was told, and the ledger head that proves it.
//
// It promises that everything shown stands in an entry that the page links to, that nothing of the case becomes markup, and that the same
// case gives the same bytes. It refuses to load anything from elsewhere, and to hide what was corrected. The page is for the case's own
// people: it holds names.
package dossier

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"html/template"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/contrail-ir/contrail/attribution"
	"github.com/contrail-ir/contrail/casefile"
	"github.com/contrail-ir/contrail/disclosure"
	"github.com/contrail-ir/contrail/docket"
	"github.com/contrail-ir/contrail/legible"
	"github.com/contrail-ir/contrail/marking"
	"github.com/contrail-ir/contrail/trail"
)

//go:embed page.html
var source string

var page = template.Must(template.New("page").Funcs(template.FuncMap{"see": legible.Visible}).Parse(source))

// view is what the page shows.
type view struct {
	Info       casefile.Opened
	Title      string
	Marking    string // of everything on the page together
	Sealed     bool
	Head       string
	Entries    uint64
	Until      string // when the newest entry was made
	Style      template.CSS
	Figures    []figure
	Troubles   []string // entries that were refused, results that cannot be shown
	World      []happening
	Axis       template.HTML
	Turns      []turn
	Members    []memberRow
	Map        template.HTML
	Searched   bool
	Trails     []picture
	Exposures  []picture
	Numbers    []row
	Parts      *attribution.Parts
	NotWeighed string
	Texts      []textRow
	Releases   []releaseRow
	Pending    []pendingRow
	Embargoes  []embargoRow
	Clock      template.HTML
	Edges      []edgeRow
	Missing    []string
	Custody    []row
	Imports    []row
	All        []row
	People     []casefile.Person
}

type figure struct{ What, Value, Note string }

type picture struct {
	Seq   uint64
	Title string
	Body  template.HTML
}

type row struct {
	Seq                                                    uint64
	When, Recorded, Person, Role, Kind, Title, Why, Detail string
	Corrected                                              bool
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
	v := &view{Info: c.Info(), Title: c.Info().Name, Sealed: c.Sealed(), Head: string(head.Note), Entries: head.Size, People: c.People(),
		Style: template.CSS(trail.PictureStyle(".trail")) + attribution.PartStyle(".attribution")}
	for _, p := range c.Problems() {
		v.Troubles = append(v.Troubles, "refused: "+p.String())
	}
	entries, corrected, err := v.entries(ctx, c)
	if err != nil {
		return nil, err
	}
	state, err := disclosure.Read(ctx, c)
	if err != nil {
		return nil, err
	}
	v.members(c, state)
	v.results(ctx, c, entries, corrected)
	v.weigh(ctx, c)
	v.told(state)
	clock, err := disclosure.ReadClock(ctx, c)
	if err != nil {
		return nil, err
	}
	if err := v.clock(clock); err != nil {
		return nil, err
	}
	v.world(entries, corrected)
	v.figures(state, clock)
	return v, nil
}

// entries reads every entry as a row, in the order in which things happened.
func (v *view) entries(ctx context.Context, c *casefile.Case) (entries []casefile.Entry, corrected map[uint64]bool, err error) {
	corrected = map[uint64]bool{}
	marks := []marking.Marking{v.Info.Marking}
	for e, err := range c.Entries(ctx, casefile.Query{}) {
		if err != nil {
			return nil, nil, err
		}
		for _, seq := range e.Supersedes {
			corrected[seq] = true
		}
		marks = append(marks, e.Marking)
		v.Until = e.Recorded.UTC().Format("2006-01-02 15:04:05") + " UTC"
	}
	v.Marking = marking.Combine(marks...).String()
	for e, err := range c.Timeline(ctx, casefile.Query{}) {
		if err != nil {
			return nil, nil, err
		}
		r := row{Seq: e.Seq, When: e.When.String(), Recorded: e.Recorded.UTC().Format("2006-01-02 15:04:05"), Person: e.Person, Role: string(e.Role), Kind: string(e.Kind), Title: e.Title(), Why: e.Why,
			Corrected: corrected[e.Seq]}
		if r.Detail, err = detail(e); err != nil {
			return nil, nil, fmt.Errorf("entry %d: %w", e.Seq, err)
		}
		entries = append(entries, e)
		v.All = append(v.All, r)
		switch e.Kind {
		case casefile.EvidenceReceived, casefile.CustodyPassed, casefile.EvidenceViewed, casefile.HandoverSent, casefile.HandoverReceived, casefile.ReceiptReceived:
			v.Custody = append(v.Custody, r)
		case casefile.NumberStated:
			v.Numbers = append(v.Numbers, r)
		case casefile.TextRecorded:
			t, err := texts(e)
			if err != nil {
				return nil, nil, err
			}
			v.Texts = append(v.Texts, t)
		default:
			if strings.HasSuffix(string(e.Kind), ".imported") {
				v.Imports = append(v.Imports, r)
			}
		}
	}
	slices.SortStableFunc(v.Imports, func(a, b row) int { return int(int64(a.Seq) - int64(b.Seq)) })
	slices.SortStableFunc(v.All, func(a, b row) int { return int(int64(a.Seq) - int64(b.Seq)) })
	return entries, corrected, nil
}

// weigh works out what the case says of who did it; a case that cannot be weighed says why.
func (v *view) weigh(ctx context.Context, c *casefile.Case) {
	a, err := docket.Read(ctx, c)
	if errors.Is(err, docket.ErrNothing) {
		v.NotWeighed = "The case describes no incident against which claims could be weighed."
		if n := len(a.Claims); n > 0 {
			v.NotWeighed = fmt.Sprintf("The case holds %d claims and describes no incident against which they could be weighed.", n)
		}
		return
	}
	var r *attribution.Result
	if err == nil {
		r, err = attribution.Analyse(a)
	}
	if err == nil {
		var parts attribution.Parts
		if parts, err = r.Parts(); err == nil {
			v.Parts = &parts
			if a.Incident.Title != "" {
				v.Title = a.Incident.Title
			}
			v.judged(r)
			return
		}
	}
	v.NotWeighed = "What the case holds cannot be weighed: " + err.Error()
}

// judged puts the answer about the actor among the figures.
func (v *view) judged(r *attribution.Result) {
	verdicts := map[attribution.Verdict]int{}
	for _, cl := range r.Claims {
		verdicts[cl.Verdict]++
	}
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(verdicts)) {
		parts = append(parts, fmt.Sprintf("%d %s", verdicts[k], k))
	}
	v.Figures = append(v.Figures, figure{"Claims", fmt.Sprint(len(r.Claims)), strings.Join(parts, ", ")})
	if a := r.Assessment; a != nil {
		v.Figures = append(v.Figures, figure{"Assessment", a.Subject, a.Likelihood + ", confidence in the basis " + a.Confidence})
	}
	for _, n := range r.Naming {
		note := "decided by " + n.By
		if n.Name != "" {
			note = n.Name + ", " + note
		}
		v.Figures = append(v.Figures, figure{"Name, to " + n.Audience, n.Decision, note})
	}
}

// detail tells in words what a title does not.
func detail(e casefile.Entry) (string, error) {
	if strings.HasSuffix(string(e.Kind), ".imported") {
		var in casefile.Import
		if err := e.Decode(&in); err != nil {
			return "", err
		}
		var parts []string
		for _, k := range slices.Sorted(maps.Keys(in.Counts)) {
			parts = append(parts, fmt.Sprintf("%s %d", k, in.Counts[k]))
		}
		for _, x := range []struct{ what, who string }{{"source", in.Source}, {"from", in.From}, {"to", in.To}, {"under", in.Authority}} {
			if x.who != "" {
				parts = append(parts, x.what+" "+x.who)
			}
		}
		if in.Draft {
			parts = append(parts, "DRAFT")
		}
		for _, f := range in.Files {
			parts = append(parts, f.Name+" "+string(f.Digest))
		}
		return strings.Join(append(parts, in.Problems...), ", "), nil
	}
	switch e.Kind {
	case casefile.NumberStated:
		var n casefile.Number
		err := e.Decode(&n)
		return n.Basis, err
	case casefile.MilestoneRecorded:
		var m casefile.Milestone
		err := e.Decode(&m)
		return m.Source, err
	case casefile.EvidenceReceived:
		var ev casefile.Evidence
		err := e.Decode(&ev)
		var parts []string
		for _, x := range []struct{ what, is string }{{"under ", ev.Authority}, {"seal ", ev.Seal}, {"at ", ev.Place}, {"", string(ev.Digest)}} {
			if x.is != "" {
				parts = append(parts, x.what+x.is)
			}
		}
		return strings.Join(parts, ", "), err
	}
	return "", nil
}
