package disclosure

import (
	"context"
	"embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/template"

	"github.com/contrail-ir/contrail/casefile"
	"github.com/contrail-ir/contrail/stix"
)

//go:embed templates
var shipped embed.FS

// Templates lists the templates that come with the product.
func Templates() []string { return []string{"victim-notice", "sector-advisory", "authority-report"} }

// DraftOptions say what to write. Of Proposal, Content and CutList are filled in.
type DraftOptions struct {
	Proposal Proposal
	Text     string   // a template of the caller's own instead of a shipped one, in Markdown
	Summary  string   // free text
	Actions  []string // what the audience should do
	Objects  []stix.Object
	Cut      []Cut // beside those that the case itself knows
	// Redaction is how much of the victims' inside is cut, Learned what was learned of it beside what the case's own results tell. Note is
	// told what could not be learned from; each may be absent.
	Redaction Redaction
	Learned   *Learned
	Note      func(string)
	// Screen looks for passengers' data in the texts as they were written, since on the page they are one line. May be nil.
	Screen Screen
}

// data is what a template sees.
type data struct {
	Marking, Reference, Corrects, Summary string
	Actions                               []string
	Numbers                               []number
	Times                                 []moment
	Evidence                              []source
}

type number struct{ What, Text, Anchor string }
type moment struct{ When, What, Anchor string }
type source struct {
	Anchor, What, Basis string
	Digests             []string
}

// Draft writes what is proposed into a new folder: release/ is what would leave, and beside it, never to leave, difference.json
// (what was redacted against the case) and cut.json (the values). It gives the proposal for Propose.
func Draft(ctx context.Context, c *casefile.Case, dir string, o DraftOptions) (Proposal, []Change, error) {
	p := o.Proposal
	fail := func(err error) (Proposal, []Change, error) {
		return p, nil, fmt.Errorf("disclosure: draft %s: %w", p.Release, err)
	}
	if err := o.screened(); err != nil {
		return fail(err)
	}
	s, err := Read(ctx, c)
	if err != nil {
		return fail(err)
	}
	ps, err := c.Pseudonyms()
	if err != nil {
		return fail(err)
	}
	inside, err := o.inside(ctx, c)
	if err != nil {
		return fail(err)
	}
	cuts := s.Cuts(p, append(inside, o.Cut...)...)
	scan, err := NewScanner(cuts)
	if err != nil {
		return fail(err)
	}
	if p.CutList, err = cutList(ps, cuts); err != nil {
		return fail(err)
	}
	reference := func(name string) string { return strings.TrimPrefix(ps.Of("release", name), "release-") }
	d := data{Marking: p.Marking.String(), Reference: reference(p.Release), Summary: line(o.Summary)}
	if p.Corrects != "" {
		d.Corrects = reference(p.Corrects)
	}
	for _, a := range o.Actions {
		d.Actions = append(d.Actions, line(a))
	}
	for i, seq := range p.Cites {
		e, ok := s.markings[seq]
		if !ok {
			return fail(fmt.Errorf("entry %d is not in the case", seq))
		}
		src, err := cite(&d, e, fmt.Sprintf("e%d", i+1), p.Language)
		if err != nil {
			return fail(err)
		}
		for _, seen := range e.Seen {
			sum := ps.Digest("evidence in "+p.Release, []byte(seen))
			src.Digests = append(src.Digests, "keyed-"+hex.EncodeToString(sum[:16]))
		}
		d.Evidence = append(d.Evidence, src)
	}
	full, err := render(p, o.Text, d)
	if err != nil {
		return fail(err)
	}
	text, changes := newRedactor(cuts, ps, p.Release).file("notice.md", full)
	files := map[string][]byte{"notice.md": []byte(text), "notice.html": page(text, p.Language)}
	if len(o.Objects) > 0 {
		raw, withheld, err := bundle(o.Objects, scan, p.Marking.TLP, ps, p.Release)
		if err != nil {
			return fail(err)
		}
		files["bundle.json"], changes = raw, append(changes, withheld...)
	}
	if err := writeDraft(dir, files, changes, cuts); err != nil {
		return fail(err)
	}
	p.Content, _, _, err = casefile.FolderDigest(ctx, filepath.Join(dir, "release"))
	return p, changes, err
}

// screened refuses a plan whose own words hold passengers' data that the gate would not know on the page, where they are one line; of what it
// will know it warns.
func (o *DraftOptions) screened() error {
	if o.Screen == nil {
		return nil
	}
	texts := []struct{ name, text string }{{"summary", o.Summary}, {"template", o.Text}}
	for i, a := range o.Actions {
		texts = append(texts, struct{ name, text string }{fmt.Sprintf("actions, item %d", i+1), a})
	}
	for _, t := range texts {
		found := o.Screen([]byte(t.text))
		if len(found) == 0 {
			continue
		}
		at := min(max(found[0].Offset, 0), len(t.text))
		err := fmt.Errorf("%s, line %d: what looks like a passenger's data (%s) must not leave; say it without", t.name, 1+strings.Count(t.text[:at], "\n"), found[0].Sort)
		if len(o.Screen([]byte(reading(line(t.text))))) == 0 {
			return err
		}
		if o.Note != nil {
			o.Note(err.Error())
		}
	}
	return nil
}

// inside gives the names and addresses of the victims' inside that the level of redaction cuts.
func (o *DraftOptions) inside(ctx context.Context, c *casefile.Case) ([]Cut, error) {
	level, err := o.Redaction.of(o.Proposal.Audience)
	if err != nil || level == Names {
		return nil, err
	}
	l := o.Learned
	if l == nil {
		l = NewLearned()
	}
	missing, err := l.Case(ctx, c)
	if err != nil {
		return nil, err
	}
	if len(missing) > 0 && o.Note != nil {
		o.Note("names and addresses could not be learned from " + strings.Join(missing, ", ") + ": they are not in the case and not where they were")
	}
	return l.Cuts()
}

func cite(d *data, e casefile.Entry, anchor, language string) (source, error) {
	src := source{Anchor: anchor, What: line(e.Title()), Basis: line(string(e.Kind))}
	switch e.Kind {
	case casefile.NumberStated:
		var n casefile.Number
		if err := e.Decode(&n); err != nil {
			return src, err
		}
		src.What, src.Basis = line(n.What), line(n.Basis)
		d.Numbers = append(d.Numbers, number{line(n.What), quantity(n, language), anchor})
	case casefile.MilestoneRecorded:
		var m casefile.Milestone
		if err := e.Decode(&m); err != nil {
			return src, err
		}
		src.What, src.Basis = line(m.Name), line(m.Source)
		d.Times = append(d.Times, moment{e.When.String(), line(m.Name), anchor})
	}
	return src, nil
}

// quantity writes a number in the language of the release.
func quantity(n casefile.Number, language string) string {
	if language != "zh" {
		return line(n.String())
	}
	var parts []string
	if n.Exact != nil {
		parts = append(parts, fmt.Sprint(*n.Exact))
	}
	if n.Lower != nil {
		parts = append(parts, fmt.Sprintf("至少 %d", *n.Lower))
	}
	if n.Upper != nil {
		parts = append(parts, fmt.Sprintf("至多 %d", *n.Upper))
	}
	if n.Estimate != nil {
		parts = append(parts, fmt.Sprintf("约 %d", *n.Estimate))
	}
	if n.Interval != nil {
		parts = append(parts, fmt.Sprintf("90%% 区间 %d 至 %d", n.Interval[0], n.Interval[1]))
	}
	return line(strings.Join(parts, "，") + " " + n.Unit)
}

// line keeps a value from becoming more than text of one line.
func line(s string) string {
	return strings.NewReplacer("[", "(", "]", ")", "<", "‹", ">", "›", "`", "'").Replace(strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
			return ' '
		}
		return r
	}, s)), " "))
}

func render(p Proposal, own string, d data) (string, error) {
	t := template.New("notice").Option("missingkey=error")
	parts, err := shipped.ReadFile("templates/parts.md")
	if err != nil {
		return "", err
	}
	if _, err := t.New("parts").Parse(string(parts)); err != nil {
		return "", err
	}
	if own == "" {
		if p.Language != "en" && p.Language != "zh" {
			return "", fmt.Errorf("language %q: want en or zh", p.Language)
		}
		b, err := shipped.ReadFile("templates/" + filepath.Base(p.Template) + "." + p.Language + ".md")
		if err != nil {
			return "", fmt.Errorf("no template %q: want one of %s", p.Template, strings.Join(Templates(), ", "))
		}
		own = string(b)
	}
	if t, err = t.Parse(own); err != nil {
		return "", err
	}
	var out strings.Builder
	if err := t.Execute(&out, d); err != nil {
		return "", err
	}
	return out.String(), nil
}

func writeDraft(dir string, files map[string][]byte, changes []Change, cuts []Cut) (err error) {
	if err := os.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(dir))
		}
	}()
	if err := os.Mkdir(filepath.Join(dir, "release"), 0o700); err != nil {
		return err
	}
	for name, b := range files {
		if err := os.WriteFile(filepath.Join(dir, "release", name), b, 0o600); err != nil {
			return err
		}
	}
	for name, v := range map[string]any{"difference.json": changes, "cut.json": cuts} {
		b, err := json.MarshalIndent(v, "", " ")
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, name), append(b, '\n'), 0o600); err != nil {
			return err
		}
	}
	return nil
}
