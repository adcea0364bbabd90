// Package exchange brings other people's intelligence into a case and the case out as STIX.
//
// It promises that what is imported is kept byte for byte with its source, marking and custody; that what it claims about actors becomes
// claims, side by side with others; that objects come out as they went in, with ids, versions, markings and custom content; and that a
// bundle which contradicts itself is refused with the object and the reason. It refuses to loosen a marking that came with the content,
// to follow references, and to decide who did it.
package exchange

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/contrail-ir/contrail/casefile"
	"github.com/contrail-ir/contrail/keys"
	"github.com/contrail-ir/contrail/marking"
	"github.com/contrail-ir/contrail/stix"
)

// Limits of what a case takes: reading is bounded by them, and what is beyond is refused.
var limits = stix.Limits{TotalBytes: 256 << 20, Objects: 200_000}

// misp is the format of an import that is a MISP event.
const misp = "misp"

// shown bounds the problems that an error or entry lists.
const shown = 20

// Options say how a bundle is imported.
type Options struct {
	casefile.ImportOptions
	MISP         bool   // it is a MISP event
	ClaimantKind string // kind of claimants whom the bundle does not describe: vendor, government, victim, court, media, leaked-document
	WithErrors   bool   // take objects that break the specification as they are, and list what is wrong
}

// Imported is what an import brought.
type Imported struct {
	Entries  []casefile.Entry // the import, then its claims
	Objects  int
	Claims   int
	Problems []string // breaches of the specification that were let pass
}

// RefusedError lists why a bundle is not taken.
type RefusedError struct{ Reasons []string }

func (e *RefusedError) Error() string {
	list, more := e.Reasons, ""
	if len(list) > shown {
		list, more = list[:shown], fmt.Sprintf("\n  and %d more", len(e.Reasons)-shown)
	}
	return "it is refused:\n  " + strings.Join(list, "\n  ") + more
}

// Import reads a STIX bundle or MISP event, checks it, and enters it with the claims it makes: all or nothing.
func Import(ctx context.Context, c *casefile.Case, by *keys.Private, path string, o Options) (*Imported, error) {
	im, err := imported(ctx, c, by, path, o)
	if err != nil {
		return nil, fmt.Errorf("exchange: import %s: %w", path, err)
	}
	return im, nil
}

func imported(ctx context.Context, c *casefile.Case, by *keys.Private, path string, o Options) (*Imported, error) {
	b, err := slurp(path)
	if err != nil {
		return nil, err
	}
	objects, left, err := read(b, o.MISP)
	if err != nil {
		return nil, err
	}
	problems, err := judge(objects, o.WithErrors)
	if err != nil {
		return nil, err
	}
	if err := agrees(ctx, c, objects, path, o.Supersedes); err != nil {
		return nil, err
	}
	o.Format = "stix"
	if o.MISP {
		o.Format = misp
	}
	out := &Imported{Objects: len(objects), Problems: problems}
	if o.Marking, err = mark(objects, o.Marking); err != nil {
		return nil, err
	}
	if o.Source == "" {
		o.Source = sourceOf(objects)
	}
	claims, bad := claimsOf(objects, o.Source, o.ClaimantKind, o.Marking.TLP)
	if len(bad) > 0 && !o.WithErrors {
		return nil, &RefusedError{append(bad, "--with-errors takes the objects and leaves these claims out")}
	}
	for _, b := range bad {
		out.Problems = append(out.Problems, "no claim: "+b)
	}
	problems = out.Problems
	for i, p := range slices.Concat(left, problems) {
		if i == shown {
			o.Problems = append(o.Problems, fmt.Sprintf("and %d more", len(left)+len(problems)-shown))
			break
		}
		o.Problems = append(o.Problems, p)
	}
	drafts := make([]casefile.Draft, 0, len(claims))
	for _, cl := range claims {
		d := cl.draft()
		d.Why, d.Marking = o.Why, o.Marking
		if cl.bound.Rank() > d.Marking.TLP.Rank() {
			d.Marking.TLP = cl.bound
		}
		drafts = append(drafts, d)
	}
	back, err := retracted(ctx, c, objects)
	if err != nil {
		return nil, err
	}
	for _, d := range back {
		d.Why, d.Marking = o.Why, o.Marking
		drafts = append(drafts, d)
	}
	out.Claims = len(claims)
	o.Counts = map[string]int64{"objects": int64(len(objects)), "claims": int64(len(claims))}
	for _, x := range objects {
		o.Counts["type."+stix.TypeOf(x)]++
	}
	out.Entries, err = c.ImportWith(ctx, by, casefile.STIXImported, path, o.ImportOptions, drafts...)
	return out, err
}

// agrees refuses what disagrees with the case about a version of an object: which of the two is right is for people to say.
func agrees(ctx context.Context, c *casefile.Case, objects []stix.Object, path string, superseded []uint64) error {
	h, err := holdings(ctx, c, superseded)
	if err != nil {
		return err
	}
	refused := &RefusedError{}
	for _, o := range objects {
		if err := h.add(o, filepath.Base(path), 0); err != nil {
			refused.Reasons = append(refused.Reasons, err.Error())
		}
	}
	if len(refused.Reasons) > 0 {
		refused.Reasons = append(refused.Reasons[:min(len(refused.Reasons), shown)], "--supersedes N enters it instead of that import")
		return refused
	}
	return nil
}

func slurp(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, limits.TotalBytes+1))
	if err == nil && int64(len(b)) > limits.TotalBytes {
		err = fmt.Errorf("it is longer than %d bytes; split it", limits.TotalBytes)
	}
	return b, err
}

// read gives the objects of a bundle or event. What a MISP event holds and STIX has no place for is told, not refused: MISP itself
// holds proposals and attachments that are no content of a case.
func read(b []byte, misp bool) (objects []stix.Object, left []string, err error) {
	var damage []stix.Damage
	if misp {
		objects, damage, err = stix.ReadMISP(bytes.NewReader(b), limits)
		for _, d := range damage {
			left = append(left, "left out: "+d.Reason)
		}
	} else {
		objects, damage, err = stix.ReadAll(bytes.NewReader(b), limits)
		if err == nil && len(damage) > 0 {
			refused := &RefusedError{}
			for _, d := range damage {
				refused.Reasons = append(refused.Reasons, fmt.Sprintf("the object at byte %d cannot be read: %s", d.Offset, d.Reason))
			}
			err = refused
		}
	}
	hasID := func(o stix.Object) bool { return strings.Contains(string(o.Head().ID), "--") }
	switch {
	case !misp && (err != nil || !slices.ContainsFunc(objects, hasID)):
		if _, _, e := stix.ReadMISP(bytes.NewReader(b), limits); e == nil {
			return nil, nil, errors.New("it is a MISP event and no STIX bundle: import it with `case add misp`")
		}
		if err == nil {
			err = errors.New("there is no object with a STIX id in it")
		}
		return nil, nil, err
	case err != nil:
		return nil, nil, err
	case len(objects) == 0:
		return nil, nil, errors.New("there is no object in it")
	}
	return objects, left, nil
}

// judge refuses what contradicts itself – two contents of one version, versions by different creators, circles where order is meant – and
// what breaks the specification, unless that is to be let pass and listed.
func judge(objects []stix.Object, withErrors bool) ([]string, error) {
	refused := &RefusedError{}
	var history stix.History
	for _, o := range versions(objects) {
		if err := history.Add(o); err != nil {
			refused.Reasons = append(refused.Reasons, strings.TrimPrefix(err.Error(), "stix: "))
		}
	}
	if circle := circleIn(objects); circle != nil {
		names := make([]string, len(circle))
		for i, id := range circle {
			names[i] = string(id)
		}
		refused.Reasons = append(refused.Reasons, "its references go in a circle: "+strings.Join(names, " → "))
	}
	var problems []string
	for _, o := range objects {
		for _, p := range stix.Errors(stix.Validate(o)) {
			problems = append(problems, fmt.Sprintf("%s: %s: %s", p.ID, p.Path, p.Text))
		}
	}
	if !withErrors && len(problems) > 0 {
		refused.Reasons = append(refused.Reasons, problems...)
		refused.Reasons = append(refused.Reasons[:min(len(refused.Reasons), shown)], fmt.Sprintf("%d breaches of the specification in all; --with-errors takes the objects as they are and lists what is wrong", len(problems)))
	}
	if len(refused.Reasons) > 0 {
		return nil, refused
	}
	return problems, nil
}

// versions orders objects by when they were modified, so that a history can follow them.
func versions(objects []stix.Object) []stix.Object {
	out := slices.Clone(objects)
	slices.SortStableFunc(out, func(a, b stix.Object) int {
		x, y := stix.CommonOf(a), stix.CommonOf(b)
		switch {
		case x == nil && y == nil:
			return 0
		case x == nil:
			return -1
		case y == nil:
			return 1
		}
		return x.Modified.Time().Compare(y.Modified.Time())
	})
	return out
}

// mark gives the marking of an import: the strictest that its objects have, and at least what the caller asks. Only an owner may loosen, so
// a looser wish is refused.
func mark(objects []stix.Object, wish marking.Marking) (marking.Marking, error) {
	own := marking.Marking{TLP: marking.Clear}
	marked := false
	owners := map[string]bool{}
	names := map[stix.ID]string{}
	for _, o := range objects {
		if id, ok := o.(*stix.Identity); ok {
			names[id.ID] = id.Name
		}
	}
	for _, o := range objects {
		if c := stix.CommonOf(o); c != nil && names[c.CreatedByRef] != "" {
			owners[names[c.CreatedByRef]] = true
		}
		for _, ref := range o.Head().ObjectMarkingRefs {
			level, ok := stix.TLPOf(ref)
			if !ok {
				continue // a statement: it stays with the object
			}
			tlp, err := marking.ParseTLP(string(level))
			if err != nil {
				return own, err
			}
			marked = true
			own.TLP = marking.Stricter(own.TLP, tlp)
		}
	}
	for name := range owners {
		own.Owners = append(own.Owners, name)
	}
	slices.Sort(own.Owners)
	if !marked {
		own.TLP = marking.Unmarked
		wish.Owners = append(wish.Owners, own.Owners...)
		slices.Sort(wish.Owners)
		wish.Owners = slices.Compact(wish.Owners)
		return wish, nil
	}
	if wish.TLP == marking.Unmarked && len(wish.Owners) == 0 && len(wish.Recipients) == 0 {
		return own, nil
	}
	if wish.TLP == marking.Unmarked {
		wish.TLP = own.TLP
	}
	if wish.TLP.Rank() < own.TLP.Rank() {
		return own, fmt.Errorf("its content is marked %s and may not be entered as %s: only its owner (%s) may loosen that", own.TLP, wish.TLP, strings.Join(own.Owners, ", "))
	}
	wish.Owners = append(wish.Owners, own.Owners...)
	slices.Sort(wish.Owners)
	wish.Owners = slices.Compact(wish.Owners)
	return wish, nil
}

// sourceOf names whose bundle it is: the creator of most of its objects.
func sourceOf(objects []stix.Object) string {
	names, counts := map[stix.ID]string{}, map[stix.ID]int{}
	for _, o := range objects {
		if id, ok := o.(*stix.Identity); ok {
			names[id.ID] = id.Name
		}
		if c := stix.CommonOf(o); c != nil && c.CreatedByRef != "" {
			counts[c.CreatedByRef]++
		}
	}
	best := ""
	most := 0
	for id, n := range counts {
		if name := names[id]; name != "" && (n > most || n == most && name < best) {
			best, most = name, n
		}
	}
	return best
}

// circleIn finds references that go in a circle where one thing is meant to contain, mark, replace or be the work of another.
func circleIn(objects []stix.Object) []stix.ID {
	next := map[stix.ID][]stix.ID{}
	for _, o := range objects {
		id := o.Head().ID
		switch o := o.(type) {
		case *stix.Report:
			next[id] = append(next[id], o.ObjectRefs...)
		case *stix.Grouping:
			next[id] = append(next[id], o.ObjectRefs...)
		case *stix.MarkingDefinition:
			next[id] = append(next[id], o.ObjectMarkingRefs...)
		case *stix.Impact:
			if o.SupersededByRef != "" {
				next[id] = append(next[id], o.SupersededByRef)
			}
		case *stix.File:
			next[id] = append(next[id], o.ContainsRefs...)
		case *stix.Directory:
			next[id] = append(next[id], o.ContainsRefs...)
		case *stix.Relationship:
			if o.RelationshipType == "attributed-to" || o.RelationshipType == "derived-from" {
				next[o.SourceRef] = append(next[o.SourceRef], o.TargetRef)
			}
		}
	}
	const visiting, done = 1, 2
	state := map[stix.ID]int{}
	for _, o := range objects {
		start := o.Head().ID
		if state[start] != 0 {
			continue
		}
		// A stack of our own: a chain of a million reports is no reason to run out of the machine's.
		type frame struct {
			id stix.ID
			at int
		}
		stack := []frame{{start, 0}}
		state[start] = visiting
		for len(stack) > 0 {
			f := &stack[len(stack)-1]
			if f.at == len(next[f.id]) {
				state[f.id] = done
				stack = stack[:len(stack)-1]
				continue
			}
			to := next[f.id][f.at]
			f.at++
			switch state[to] {
			case visiting:
				var circle []stix.ID
				for _, s := range stack {
					if len(circle) > 0 || s.id == to {
						circle = append(circle, s.id)
					}
				}
				if len(circle) > shown {
					circle = circle[:shown]
				}
				return append(circle, to)
			case 0:
				state[to] = visiting
				stack = append(stack, frame{to, 0})
			}
		}
	}
	return nil
}

// version is what tells the versions of objects apart.
type version struct{ id, modified string }

func versionOf(o stix.Object) version {
	v := version{id: string(o.Head().ID)}
	if c := stix.CommonOf(o); c != nil && !c.Modified.IsZero() {
		v.modified = c.Modified.Time().UTC().Format("2006-01-02T15:04:05.999999999Z")
	}
	return v
}

// held are the objects of a case's imports.
type held struct {
	objects []stix.Object
	from    map[version]origin
}

type origin struct {
	raw, file string
	seq       uint64
}

// add takes an object; it fails when another import holds the same version with another content.
func (h *held) add(o stix.Object, file string, seq uint64) error {
	raw, err := stix.Marshal(o)
	if err != nil {
		return err
	}
	v := versionOf(o)
	if old, ok := h.from[v]; ok {
		if old.raw != string(raw) {
			return fmt.Errorf("%s of %s is in %s (entry %d) with another content", v.id, v.modified, old.file, old.seq)
		}
		return nil
	}
	h.from[v] = origin{string(raw), file, seq}
	h.objects = append(h.objects, o)
	return nil
}

// Objects gives every object of the bundles and events that a case holds, the same version once, ordered by id and version. Two imports that
// disagree about one version are an error that names both.
func Objects(ctx context.Context, c *casefile.Case) ([]stix.Object, error) {
	h, err := holdings(ctx, c, nil)
	if err != nil {
		return nil, fmt.Errorf("exchange: %w", err)
	}
	slices.SortStableFunc(h.objects, func(a, b stix.Object) int {
		x, y := versionOf(a), versionOf(b)
		return cmp.Or(strings.Compare(x.id, y.id), strings.Compare(x.modified, y.modified))
	})
	return h.objects, nil
}

// holdings reads the imports that stand, but for some entries. What was entered by digest alone is no content of the case.
func holdings(ctx context.Context, c *casefile.Case, but []uint64) (*held, error) {
	h := &held{from: map[version]origin{}}
	for e, err := range c.Entries(ctx, casefile.Query{CurrentOnly: true, Kinds: []casefile.Kind{casefile.STIXImported}}) {
		if err != nil {
			return nil, err
		}
		var im casefile.Import
		if err := e.Decode(&im); err != nil {
			return nil, err
		}
		for _, f := range im.Files {
			if f.Copy == "" || slices.Contains(but, e.Seq) {
				continue
			}
			objects, err := kept(ctx, c, f, im.Format == misp)
			if err != nil {
				return nil, fmt.Errorf("entry %d: %w", e.Seq, err)
			}
			for _, o := range objects {
				if err := h.add(o, f.Name, e.Seq); err != nil {
					return nil, fmt.Errorf("entry %d: %s: %w; supersede one of the two imports", e.Seq, f.Name, err)
				}
			}
		}
	}
	return h, nil
}

// kept reads the copy of a bundle or event.
func kept(ctx context.Context, c *casefile.Case, f casefile.FileRef, misp bool) ([]stix.Object, error) {
	r, err := c.OpenImported(ctx, f)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(io.LimitReader(r, limits.TotalBytes+1))
	if err = errors.Join(err, r.Close()); err != nil {
		return nil, err
	}
	objects, _, err := read(b, misp)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Base(f.Name), err)
	}
	return objects, nil
}
