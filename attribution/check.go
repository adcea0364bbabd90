package attribution

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
)

// What is beyond these is no case that people weigh, and the sensitivity of a matrix costs the square of its items.
const (
	maxRoots      = 1000
	maxEvidence   = 500
	maxHypotheses = 30
	maxAnalysts   = 100
	maxErrors     = 40
)

// Check refuses a case that cannot be weighed: unknown ids, impossible windows, grades and ratings that are none. It fills
// in the digests of quotes. The errors are collected, not only the first.
func Check(c *Case) error {
	for _, l := range []struct {
		what   string
		n, max int
	}{{"roots", len(c.Roots), maxRoots}, {"items of evidence", len(c.Evidence), maxEvidence}, {"hypotheses", len(c.Hypotheses), maxHypotheses}, {"analysts", len(c.Analysts), maxAnalysts}} {
		if l.n > l.max {
			return fmt.Errorf("check case: %d %s are more than the %d that can be weighed", l.n, l.what, l.max)
		}
	}
	k := &check{c: c, sources: map[string]bool{}, facts: map[string]bool{}, roots: map[string]bool{}}
	k.incident()
	ids := map[string]bool{}
	for i := range c.Claims {
		k.claim(&c.Claims[i], ids)
	}
	for _, cl := range c.Claims {
		for _, other := range append(slices.Clone(cl.Supersedes), cl.Disputes...) {
			if !ids[other] || other == cl.ID {
				k.fail(cl.place(), 0, "it supersedes or disputes %q, which is no other claim of the case", other)
			}
		}
	}
	k.supersession()
	k.matrix()
	k.assessment()
	if len(k.errs) > 0 {
		return fmt.Errorf("check case: %s", strings.Join(k.errs, "; "))
	}
	_, err := resolveRoots(c.Roots)
	return err
}

// supersession refuses claims that supersede each other in a circle: then none would stand.
func (k *check) supersession() {
	by := map[string]*Claim{}
	for i := range k.c.Claims {
		by[k.c.Claims[i].ID] = &k.c.Claims[i]
	}
	const open, done = 1, 2
	state := map[string]int{}
	var walk func(cl *Claim)
	walk = func(cl *Claim) {
		state[cl.ID] = open
		for _, id := range cl.Supersedes {
			switch next := by[id]; {
			case next == nil || state[id] == done:
			case state[id] == open:
				k.fail(cl.place(), 0, "it supersedes %q, which supersedes it in turn", id)
			default:
				walk(next)
			}
		}
		state[cl.ID] = done
	}
	for i := range k.c.Claims {
		if cl := &k.c.Claims[i]; state[cl.ID] == 0 {
			walk(cl)
		}
	}
}

type check struct {
	c                     *Case
	sources, facts, roots map[string]bool
	errs                  []string
}

func (k *check) fail(place string, line int, format string, args ...any) {
	if len(k.errs) == maxErrors {
		k.errs = append(k.errs, "and more")
	}
	if len(k.errs) > maxErrors {
		return
	}
	if line > 0 {
		place = fmt.Sprintf("%s:%d", place, line)
	}
	k.errs = append(k.errs, place+": "+fmt.Sprintf(format, args...))
}

func (c *Claim) place() string {
	if c.file != "" {
		return c.file
	}
	return "claim " + c.ID
}

func (k *check) oneOf(place, what, value string, allowed ...string) {
	if !slices.Contains(allowed, value) {
		k.fail(place, 0, "%s is %q; it is one of %s", what, value, strings.Join(allowed, ", "))
	}
}

func (k *check) source(place, id string) {
	if id == "" {
		k.fail(place, 0, "it does not say its source (window_source for a window, source elsewhere): the id of one that case.yaml lists")
		return
	}
	if !k.sources[id] {
		k.fail(place, 0, "the source %q is not listed in case.yaml", id)
	}
}

func (k *check) unique(place, what, id string, seen map[string]bool) {
	if id == "" || seen[id] {
		k.fail(place, 0, "%s %q is missing or used twice", what, id)
	}
	seen[id] = true
}

func (k *check) quote(place string, q *Quote) {
	if q == nil {
		return
	}
	if q.Original == "" || q.Language == "" {
		k.fail(place, 0, "a quote has its original text and language")
	}
	if (q.Translation == "") != (q.Translator == "") {
		k.fail(place, 0, "a translation and its translator stand together")
	}
	sum := sha256.Sum256([]byte(q.Original))
	digest := hex.EncodeToString(sum[:])
	if q.Digest != "" && q.Digest != digest {
		k.fail(place, 0, "the digest of the original text is %s, not %s", digest, q.Digest)
	}
	q.Digest = digest
}

func (k *check) incident() {
	const place = "case.yaml"
	in := &k.c.Incident
	if k.c.Name == "" {
		k.fail(place, 0, "the case has no name")
	}
	for _, s := range k.c.Sources {
		k.unique(place, "the source", s.ID, k.sources)
	}
	for _, r := range k.c.Roots {
		k.unique(place, "the root", r.ID, k.roots)
	}
	for i := range in.Facts {
		f := &in.Facts[i]
		k.unique(place, "the fact", f.Key, k.facts)
		k.source(place, f.Source)
		k.quote(place, f.Quote)
	}
	if !in.Reported.Known() && !in.End.Known() {
		k.fail(place, in.Reported.line, "the incident has neither a date of report nor an end")
	}
	end := in.window().To
	if in.Start.Known() && end.Known() && in.Start.First > end.Last {
		k.fail(place, in.Start.line, "the incident starts %s, after its end %s", in.Start, end)
	}
	if in.Reported.Known() && in.Start.Known() && in.Start.First > in.Reported.Last {
		k.fail(place, in.Reported.line, "the incident was reported %s, before its start %s", in.Reported, in.Start)
	}
	for _, p := range in.Public {
		k.source(place, p.Source)
		if !p.Date.Known() || in.Reported.Known() && p.Date.Last < in.Reported.First {
			k.fail(place, p.Date.line, "it was public %s, before it was reported %s", p.Date, in.Reported)
		}
	}
}

func (k *check) claim(cl *Claim, ids map[string]bool) {
	place := cl.place()
	k.unique(place, "the id", cl.ID, ids)
	k.oneOf(place, "the kind of the claimant", cl.Claimant.Kind, "vendor", "government", "victim", "court", "media", "leaked-document")
	k.oneOf(place, "the kind of the actor", cl.Actor.Kind, "named", "category", "withheld", "none", "unrecorded")
	k.oneOf(place, "the audience", cl.Audience.To, "public", "state", "private")
	k.oneOf(place, "the TLP of the audience", cl.Audience.TLP, "", "clear", "green", "amber", "amber+strict", "red")
	switch {
	case cl.Claimant.Name == "":
		k.fail(place, 0, "the claimant has no name")
	case cl.Actor.Kind == "named" && cl.Actor.Name == "", cl.Actor.Kind == "category" && cl.Actor.Category == "":
		k.fail(place, 0, "an actor that is %s has a name or category", cl.Actor.Kind)
	case (cl.Actor.Kind == "withheld" || cl.Actor.Kind == "none") && cl.Actor.Name != "":
		k.fail(place, 0, "the actor is %s and yet has the name %q", cl.Actor.Kind, cl.Actor.Name)
	case (cl.Confidence.Value == "") != (cl.Confidence.Scale == ""):
		k.fail(place, 0, "a confidence stands with the scale it is on")
	}
	if len(cl.Published) == 0 {
		k.fail(place, 0, "it is not said when the claim was published")
	}
	latest := Day(0)
	for i, p := range cl.Published {
		k.source(place, p.Source)
		if !p.Date.Known() {
			k.fail(place, p.Date.line, "a date of publication is unknown; leave it out")
		}
		if i == 0 || p.Date.Last > latest {
			latest = p.Date.Last
		}
	}
	if w := cl.Window; w.From.Known() && w.To.Known() && w.From.First > w.To.Last {
		k.fail(place, w.From.line, "the window is inverted: from %s to %s", w.From, w.To)
	} else if len(cl.Published) > 0 {
		for _, d := range []Date{w.From, w.To} {
			if d.Known() && d.First > latest {
				k.fail(place, d.line, "the window reaches %s, after the claim was published %s", d, latest)
			}
		}
	}
	if cl.Window.Known() {
		k.source(place, cl.WindowSource)
	}
	for _, f := range cl.Excludes {
		if !k.facts[f] {
			k.fail(place, 0, "it excludes the fact %q, which the case does not hold", f)
		}
	}
	for _, e := range cl.Evidence {
		k.grade(place, e.Grade)
		k.rootIDs(place, e.Roots)
	}
	k.quote(place, cl.Text)
}

func (k *check) grade(place, g string) {
	if len(g) != 2 || g[0] < 'A' || g[0] > 'F' || g[1] < '1' || g[1] > '6' {
		k.fail(place, 0, "%q is not an Admiralty grade (A1 to F6)", g)
	}
}

func (k *check) rootIDs(place string, ids []string) {
	for _, id := range ids {
		if !k.roots[id] {
			k.fail(place, 0, "the root %q is not listed in case.yaml", id)
		}
	}
}

func (k *check) matrix() {
	hyps, items := map[string]bool{}, map[string]bool{}
	for _, h := range k.c.Hypotheses {
		k.unique("hypotheses.yaml", "the hypothesis", h.ID, hyps)
	}
	for _, e := range k.c.Evidence {
		place := "evidence.yaml"
		k.unique(place, "the item", e.ID, items)
		k.grade(place, e.Grade)
		k.oneOf(place, e.ID+": credibility", e.Credibility, "H", "M", "L")
		k.oneOf(place, e.ID+": relevance", e.Relevance, "H", "M", "L")
		k.rootIDs(place, e.Roots)
		if e.Source != "" {
			k.source(place, e.Source)
		}
	}
	names := map[string]bool{}
	for _, a := range k.c.Analysts {
		place := "analyst " + a.Name
		k.unique("analysts", "the analyst", a.Name, names)
		for _, e := range sortedKeys(a.Ratings) {
			if !items[e] {
				k.fail(place, 0, "the item %q is not in evidence.yaml", e)
			}
			for _, h := range sortedKeys(a.Ratings[e]) {
				if !hyps[h] {
					k.fail(place, 0, "%s: the hypothesis %q is not in hypotheses.yaml", e, h)
				}
			}
		}
	}
}

func (k *check) assessment() {
	const place = "case.yaml"
	if a := k.c.Assessment; a != nil {
		k.oneOf(place, "the level of the assessment", a.Level, "technical-cluster", "category", "named-actor")
		if a.Likelihood == "withheld" || a.Confidence == "withheld" {
			k.fail(place, 0, "withheld is a naming decision, not a likelihood or confidence")
		} else {
			if _, err := LikelihoodOf(a.Likelihood); err != nil {
				k.fail(place, 0, "%v", err)
			}
			k.oneOf(place, "the confidence of the assessment", a.Confidence, "low", "moderate", "high")
		}
		if a.Subject == "" || a.By == "" {
			k.fail(place, 0, "an assessment says of whom, and by whom it is")
		}
	}
	for _, n := range k.c.Naming {
		k.oneOf(place, "a naming decision", n.Decision, "named", "withheld")
		if (n.Decision == "named") != (n.Name != "") {
			k.fail(place, 0, "the decision for %s is %s and its name %q", n.Audience, n.Decision, n.Name)
		}
		if n.Audience == "" || n.By == "" {
			k.fail(place, 0, "a naming decision has an audience and somebody who made it")
		}
	}
}
