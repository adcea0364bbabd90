package attribution

import (
	"fmt"
	"slices"
)

// Verdict says what a claim is worth for the incident at hand.
type Verdict string

// The verdicts; docs/formats/claims.md defines them.
const (
	Covers      Verdict = "covers"
	Partial     Verdict = "partial"
	ContextOnly Verdict = "context-only"
	Contradicts Verdict = "contradicts"
	Unknown     Verdict = "unknown"
)

// Coverage is how a claim's window relates to the incident's.
type Coverage struct {
	// Fraction bounds |C∩I|/|I| in days. With the incident's start unknown it is what some start would give; see Open.
	Fraction [2]float64
	// Open says that the lower bound is not reached: there is some overlap, however small a part of the whole it may be.
	Open bool
	// GapDays bounds the days from the end of the claim's window to the start of the incident's known time, when the
	// windows may be disjoint; nil when they surely meet, or the claim comes after.
	GapDays *[2]int
	// DwellDays bounds how long the intruder must have been inside before the incident's first known day for the windows
	// to meet; only when the incident's start is unknown and the windows do not surely meet.
	DwellDays *[2]int
	// StartUnknown says that the start of the intrusion is not known.
	StartUnknown bool
}

// window is the time of the incident; where its end is unknown, the report stands for it, the intruder being inside then.
func (in *Incident) window() Window {
	w := Window{in.Start, in.End}
	if !w.To.Known() {
		w.To = in.Reported
	}
	return w
}

// Cover compares a claim's window with the incident's. published bounds a claim whose window has no end. ok is false when
// either has no dates at all.
func Cover(in *Incident, claim Window, published Day) (cov Coverage, ok bool) {
	iw := in.window()
	if !claim.Known() || !iw.To.Known() {
		return cov, false
	}
	c := boxOf(claim, published)
	if !iw.Start().Known() {
		return coverUnknownStart(in, c), true
	}
	i := box{iw.From.First, iw.From.Last, iw.To.First, iw.To.Last}
	cov.Fraction = fractionBounds(c, i)
	// Disjoint for sure or possibly: the claim may end before the incident starts.
	if gap := [2]int{int(i.from1 - c.to2), int(i.from2 - c.to1)}; gap[1] > 0 {
		gap[0] = max(gap[0], 0)
		cov.GapDays = &gap
	}
	return cov, true
}

// Start is the beginning of the window.
func (w Window) Start() Date { return w.From }

// coverUnknownStart: the intruder was inside on the first known day (report or end) and from some earlier day on.
// The best start for the claim is its own start: then |C∩I|/|I| = |C| / (first known day − start of C + 1).
func coverUnknownStart(in *Incident, c box) Coverage {
	known := in.Reported
	if !known.Known() {
		known = in.window().To
	}
	cov := Coverage{StartUnknown: true}
	switch gap := [2]int{int(known.First - c.to2), int(known.Last - c.to1)}; {
	case gap[1] > 0:
		gap[0] = max(gap[0], 0)
		cov.GapDays, cov.DwellDays = &gap, &gap
		if c.from1 <= known.First {
			inside := min(c.to2, known.First) - c.from1 + 1
			cov.Fraction[1] = float64(inside) / float64(known.First-c.from1+1)
		}
	case c.from1 > known.Last && c.from1 > in.window().To.Last:
		// The claim is about a later time altogether.
	default:
		cov.Fraction[1] = 1
		cov.Open = c.from2 <= known.First && c.to1 >= known.Last
	}
	return cov
}

// box is a window whose ends are each known to a span of days.
type box struct{ from1, from2, to1, to2 Day }

// boxOf fills in an end that is not given: a claim can reach back a century, and forward to its own publication.
func boxOf(w Window, published Day) box {
	b := box{w.From.First, w.From.Last, w.To.First, w.To.Last}
	if !w.To.Known() {
		b.to1, b.to2 = w.From.First, max(published, w.From.Last)
	}
	if !w.From.Known() {
		b.from1, b.from2 = w.To.First-36525, w.To.Last
	}
	return b
}

// fractionBounds gives the least and greatest |C∩I|/|I| over all days the ends may fall on. As a function of the start of
// I the fraction rises up to the start of C and falls after it, likewise for the ends, and in the ends of C it is
// monotone; so the extremes lie at the ends of the spans, at each other's ends, or where the order of ends binds.
func fractionBounds(c, i box) [2]float64 {
	marks := []Day{c.from1, c.from2, c.to1, c.to2, i.from1, i.from2, i.to1, i.to2}
	within := func(lo, hi Day) []Day {
		days := []Day{lo, hi}
		for _, m := range marks {
			if m > lo && m < hi {
				days = append(days, m)
			}
		}
		slices.Sort(days)
		return slices.Compact(days)
	}
	low, high, any := 1.0, 0.0, false
	for _, a := range within(c.from1, c.from2) {
		for _, b := range within(c.to1, c.to2) {
			for _, s := range within(i.from1, i.from2) {
				for _, e := range within(i.to1, i.to2) {
					if a > b || s > e {
						continue
					}
					f := float64(max(0, min(b, e)-max(a, s)+1)) / float64(e-s+1)
					low, high, any = min(low, f), max(high, f), true
				}
			}
		}
	}
	if !any {
		return [2]float64{}
	}
	return [2]float64{low, high}
}

// judge gives the verdict of a claim and its reasons in words.
func judge(in *Incident, cl *Claim, cov Coverage, dated bool) (Verdict, []string) {
	var why []string
	if len(cl.Excludes) > 0 {
		excluded := map[string]bool{}
		for _, key := range cl.Excludes {
			excluded[key] = true
		}
		for _, f := range in.Facts {
			if excluded[f.Key] {
				why = append(why, fmt.Sprintf("the claim excludes what the case holds: %s", f.Text))
			}
		}
		return Contradicts, why
	}
	if !dated {
		return Unknown, []string{"the claim gives no dates of activity"}
	}
	sectors, victims := intersect(in.Sectors, cl.Sectors), intersect(in.Victims, cl.Victims)
	if cov.StartUnknown {
		why = append(why, "dwell unknown: the start of the intrusion is not known")
		if cov.DwellDays != nil {
			why = append(why, fmt.Sprintf("the windows meet only if the intruder was inside %s days before the report", days(*cov.DwellDays)))
		}
	}
	if cov.GapDays != nil {
		what := "the start of the incident"
		if cov.StartUnknown {
			what = "the report"
		}
		why = append(why, fmt.Sprintf("the claim's window ends %s days before %s", days(*cov.GapDays), what))
	}
	switch {
	case cov.Fraction[0] >= 1:
		return Covers, append(why, "the claim's window covers the whole incident, however its dates are read")
	case cov.Fraction[0] > 0 || cov.Open:
		return Partial, append(why, "the windows overlap, however their dates are read")
	case len(sectors) > 0 || len(victims) > 0:
		for _, s := range sectors {
			why = append(why, "same sector: "+s)
		}
		for _, v := range victims {
			why = append(why, "same victim: "+v)
		}
		return ContextOnly, why
	}
	return Unknown, append(why, "neither time, sector nor victim surely connects the claim with the incident")
}

func days(d [2]int) string {
	if d[0] == d[1] {
		return fmt.Sprint(d[0])
	}
	return fmt.Sprintf("%d–%d", d[0], d[1])
}

func intersect(a, b []string) []string {
	set := map[string]bool{}
	for _, x := range b {
		set[x] = true
	}
	out := []string{}
	for _, x := range a {
		if set[x] {
			out = append(out, x)
		}
	}
	return out
}
