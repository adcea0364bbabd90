package exposure

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/contrail-ir/contrail/exposure/internal/distinct"
	"github.com/contrail-ir/contrail/exposure/internal/identifier"
	"github.com/contrail-ir/contrail/exposure/internal/record"
)

// Result is the answer, in the shape of exposure.json. The same evidence in any order gives the same
// result but for the order of files.
type Result struct {
	Orgs     []Org     `json:"orgs"`
	Overlap  []Overlap `json:"overlap"`
	Duties   []Clock   `json:"duties"`
	Unread   []Loss    `json:"unread"`
	Identity string    `json:"identity"` // by what persons are told apart
}

// Org is what was found of one organisation.
type Org struct {
	Org           string        `json:"org"`
	Kinds         []KindCount   `json:"kinds"`
	Nationalities []Nationality `json:"nationalities"`
	Routes        []Route       `json:"routes"`
	Dates         []Dates       `json:"dates"`
	Observed      []Observation `json:"observed,omitempty"`
	Files         []File        `json:"files"`
	// Unlisted counts the files without anything to tell that Files leaves out.
	Unlisted int `json:"unlisted,omitempty"`
}

// KindCount is how many of a kind, under one status.
type KindCount struct {
	Kind   string `json:"kind"`
	Unit   string `json:"unit"`
	Status Status `json:"status"`
	// Exact is the number, null when damage, an unreadable payload or the limit of distinct things
	// leaves it open.
	Exact    *uint64   `json:"exact"`
	Lower    uint64    `json:"lower"` // certain
	Upper    *uint64   `json:"upper"` // certain; null when nothing bounds it
	Estimate uint64    `json:"estimate"`
	Sealed   uint64    `json:"sealed,omitempty"` // how many of the estimate stand for what nobody can open; why says on what that rests
	Interval [2]uint64 `json:"interval"`         // 90 %
	Mentions uint64    `json:"mentions"`         // how often it was seen
	Why      []string  `json:"why,omitempty"`
}

// Nationality is how many persons of a status have it. Shares of an estimate are rounded.
type Nationality struct {
	Status  Status `json:"status"`
	Code    string `json:"code"` // ISO 3166-1 alpha-3 or ICAO 9303; "" unknown
	Persons uint64 `json:"persons"`
}

// Route is how many passenger journeys led from one place to another; "" stands for all others.
type Route struct {
	Status   Status `json:"status"`
	From     string `json:"from"`
	To       string `json:"to"`
	Journeys uint64 `json:"journeys"`
}

// Dates is when the journeys took place.
type Dates struct {
	Status Status  `json:"status"`
	First  string  `json:"first"`
	Last   string  `json:"last"`
	Months []Month `json:"months"`
}

// Month counts the journeys of a month.
type Month struct {
	Month    string `json:"month"`
	Journeys uint64 `json:"journeys"`
}

// Overlap is how many persons two organisations have in common. Only numbers of ten or more are given.
type Overlap struct {
	A      string  `json:"a"`
	B      string  `json:"b"`
	By     string  `json:"by"` // document, or name and birth date
	Count  *uint64 `json:"count"`
	Exact  bool    `json:"exact"`
	Hidden bool    `json:"hidden,omitempty"` // fewer than ten, perhaps none
}

// LeastOverlap is the smallest overlap that is given as a number.
const LeastOverlap = 10

const identityRule = "document and issuer or national identity number, else name and birth date, else record locator and index, else a contact; " +
	"a weaker identity that was also seen beside a stronger one is the same person"

// Merge adds what o counted. Both must have the same key and limits.
func (c *Counter) Merge(o *Counter) error {
	if c.key != o.key || c.opts.MaxDistinct != o.opts.MaxDistinct {
		return fmt.Errorf("exposure: merge: the counters have different keys or limits, so their hashes cannot be compared")
	}
	for org, byStatus := range o.tallies {
		for s, t := range byStatus {
			c.tally(org, s).merge(t)
		}
	}
	for org, files := range o.files {
		listed := 0
		for _, f := range files {
			before := c.empty[org]
			c.tidy(org, f)
			listed += c.empty[org] - before
		}
		c.empty[org] += o.empty[org] - listed
	}
	c.losses = append(c.losses, o.losses...)
	c.payloads = append(c.payloads, o.payloads...)
	c.observed = append(c.observed, o.observed...)
	return nil
}

// Result answers for everything counted so far. Duty clocks are added with Result.SetClocks.
func (c *Counter) Result() *Result {
	r := &Result{Orgs: []Org{}, Overlap: []Overlap{}, Duties: []Clock{}, Unread: append([]Loss{}, c.losses...), Identity: identityRule}
	names := map[string]bool{}
	for _, l := range c.losses {
		names[l.Org] = true
	}
	for org := range c.tallies {
		names[org] = true
	}
	for _, p := range c.payloads {
		names[p.Org] = true
	}
	for _, o := range c.observed {
		names[o.Org] = true
	}
	sorted := sortedKeys(names)
	for _, org := range sorted {
		r.Orgs = append(r.Orgs, c.org(org))
	}
	for i, a := range sorted {
		for _, b := range sorted[i+1:] {
			r.Overlap = append(r.Overlap, c.overlap(a, b)...)
		}
	}
	r.maskNames()
	return r
}

// maskNames takes values out of the names that evidence gives to files, tables and columns.
func (r *Result) maskNames() {
	m := NewMasker(nil)
	for _, o := range r.Orgs {
		for i := range o.Files {
			f := &o.Files[i]
			f.Name, f.Tables = m.Name(f.Name), slices.Clone(f.Tables)
			for k := range f.Tables {
				t := &f.Tables[k]
				t.Name, t.Columns = m.Name(t.Name), slices.Clone(t.Columns)
				for n, column := range t.Columns {
					t.Columns[n] = m.Value("", column)
				}
			}
		}
		for _, k := range o.Kinds {
			for n, why := range k.Why {
				k.Why[n] = m.Name(why)
			}
		}
	}
	for i := range r.Unread {
		r.Unread[i].Name = m.Name(r.Unread[i].Name)
	}
}

func sortedKeys(set map[string]bool) []string {
	keys := make([]string, 0, len(set))
	for k := range set {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func (c *Counter) org(name string) Org {
	o := Org{Org: name, Kinds: []KindCount{}, Nationalities: []Nationality{}, Routes: []Route{}, Dates: []Dates{}, Files: slices.Clone(c.files[name]), Unlisted: max(0, c.empty[name]-keptEmpty)}
	for _, s := range statuses {
		t := c.tallies[name][s]
		payloads := c.estimates(name, s)
		if t == nil {
			if len(payloads) == 0 && c.openLosses(name, s) == 0 {
				continue
			}
			t = newTally(c.key, c.opts.MaxDistinct)
		}
		kinds, nations := t.counts(s)
		if n := int(t.broken) + c.openLosses(name, s); n > 0 {
			kinds = unbound(kinds, s, fmt.Sprintf("%d files or parts of archives could not be read, or not to their end: what they hold is missing", n))
		}
		o.Kinds = append(o.Kinds, withPayloads(kinds, payloads, s)...)
		for tag, n := range nations {
			o.Nationalities = append(o.Nationalities, Nationality{s, identifier.Untag(tag), uint64(math.Round(n))})
		}
		for k, n := range t.routes {
			o.Routes = append(o.Routes, Route{s, string(k[:3]), string(k[3:]), n})
		}
		if t.otherRoutes > 0 {
			o.Routes = append(o.Routes, Route{Status: s, Journeys: t.otherRoutes})
		}
		if t.first != 0 {
			d := Dates{Status: s, First: dayText(t.first), Last: dayText(t.last), Months: []Month{}}
			for m, n := range t.months {
				d.Months = append(d.Months, Month{fmt.Sprintf("%04d-%02d", m/100, m%100), n})
			}
			slices.SortFunc(d.Months, func(a, b Month) int { return cmp.Compare(a.Month, b.Month) })
			o.Dates = append(o.Dates, d)
		}
	}
	rank := func(s Status) int { return slices.Index(statuses, s) }
	slices.SortFunc(o.Nationalities, func(a, b Nationality) int {
		return cmp.Or(rank(a.Status)-rank(b.Status), cmp.Compare(b.Persons, a.Persons), cmp.Compare(a.Code, b.Code))
	})
	slices.SortFunc(o.Routes, func(a, b Route) int {
		return cmp.Or(rank(a.Status)-rank(b.Status), cmp.Compare(b.Journeys, a.Journeys), cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To))
	})
	for _, ob := range c.observed {
		if ob.Org == name {
			o.Observed = append(o.Observed, ob)
		}
	}
	return o
}

func dayText(d identifier.Day) string {
	return fmt.Sprintf("%04d-%02d-%02d", int(d)/10000, int(d)/100%100, int(d)%100)
}

// counts turns sketches into numbers with bounds.
func (t *tally) counts(s Status) ([]KindCount, map[uint16]float64) {
	var out []KindCount
	hidden := t.missing + uint64((t.skipped+smallestRecord-1)/smallestRecord)
	var why []string
	if t.missing > 0 {
		why = append(why, fmt.Sprintf("the evidence itself speaks of %d more records than it holds", t.missing))
	}
	if t.skipped > 0 {
		why = append(why, fmt.Sprintf("%d bytes could not be read; at most one record hides in every %d of them", t.skipped, smallestRecord))
	}
	add := func(kind record.Kind, n sum, mentions uint64) {
		if mentions == 0 {
			return
		}
		k := KindCount{Kind: kind.String(), Unit: kind.Unit(), Status: s, Mentions: mentions, Lower: n.least, Estimate: round(n.estimate), Why: slices.Clone(why)}
		upper := mentions + hidden
		if n.exact {
			upper = round(n.estimate) + n.open + hidden
			k.Interval = [2]uint64{k.Estimate, k.Estimate + n.open + hidden}
			if n.open+hidden == 0 {
				v := k.Estimate
				k.Exact = &v
			}
		} else {
			k.Interval = [2]uint64{round(n.low), round(n.high) + n.open + hidden}
			k.Why = append(k.Why, "more different things than are counted exactly: estimated from a uniform sample of keyed hashes")
		}
		if n.open > 0 {
			k.Why = append(k.Why, fmt.Sprintf("%d records name nobody that could be told apart", n.open))
		}
		k.Upper = &upper
		out = append(out, k)
	}
	rows := float64(t.rows[record.Rows])
	add(record.Rows, sum{exact: true, estimate: rows, least: t.rows[record.Rows], low: rows, high: rows}, t.rows[record.Rows])

	persons := sum{exact: true}
	byDocument, nations := t.documents.Minus()
	persons.plus(byDocument)
	merge := func(alone, linked *distinct.Sketch) {
		n, tags := alone.Minus(linked)
		persons.plus(n)
		for tag, v := range tags {
			nations[tag] += v
		}
	}
	merge(t.namesAlone, t.namesTo)
	merge(t.placesAlone, t.placeTo)
	merge(t.contactsAlone, t.cntTo)
	persons.open = t.nameless
	add(record.Persons, persons, t.rows[record.Rows])

	bookings := sum{exact: true}
	bookings.plus(t.bookings.Count())
	loose, _ := t.bookLoose.Minus(t.bookLinked)
	bookings.plus(loose)
	bookings.estimate += float64(t.unlocated)
	bookings.least += t.unlocated
	bookings.low += float64(t.unlocated)
	bookings.high += float64(t.unlocated)
	add(record.Bookings, bookings, t.rows[record.Bookings])
	for k := record.Documents; int(k) < record.Kinds; k++ {
		n := sum{exact: true}
		n.plus(t.items[k].Count())
		add(k, n, t.rows[k])
	}
	return out, nations
}

// sum adds counts of sets that have nothing in common.
type sum struct {
	exact     bool
	estimate  float64
	least     uint64
	low, high float64
	open      uint64 // records that may or may not be something new
}

func (s *sum) plus(c distinct.Count) {
	s.exact = s.exact && c.Exact
	s.estimate += c.Estimate
	s.least += c.Least
	s.low += c.Interval[0]
	s.high += c.Interval[1]
}

func round(f float64) uint64 { return uint64(math.Round(math.Max(f, 0))) }

type payloadEstimate struct {
	p   Payload
	e   Estimate
	err error
}

func (c *Counter) estimates(org string, s Status) []payloadEstimate {
	var out []payloadEstimate
	for _, p := range c.payloads {
		if p.Org != org || p.Status != s {
			continue
		}
		samples := p.Samples
		if len(samples) == 0 {
			for _, status := range statuses {
				if t := c.tallies[org][status]; t != nil {
					for _, f := range t.sizes {
						samples = append(samples, Sample{Bytes: f.bytes, Data: f.bytes, Records: f.rows})
					}
				}
			}
		}
		e, err := EstimateRecords(float64(p.Bytes), p.Packed, samples)
		out = append(out, payloadEstimate{p, e, err})
	}
	return out
}

// withPayloads widens the count of records by what payloads hold that nobody can open.
func withPayloads(kinds []KindCount, payloads []payloadEstimate, s Status) []KindCount {
	if len(payloads) == 0 {
		return kinds
	}
	i := slices.IndexFunc(kinds, func(k KindCount) bool { return k.Kind == record.Rows.String() })
	if i < 0 {
		kinds = slices.Insert(kinds, 0, KindCount{Kind: record.Rows.String(), Unit: record.Rows.Unit(), Status: s})
		i = 0
	}
	k := &kinds[i]
	k.Exact, k.Upper = nil, nil
	for _, p := range payloads {
		if p.err != nil {
			k.Why = append(k.Why, fmt.Sprintf("%s: %d bytes that cannot be opened, and nothing to estimate from", p.p.Name, p.p.Bytes))
			continue
		}
		k.Sealed += round(p.e.Records)
		k.Interval[0] += round(p.e.Interval[0])
		k.Interval[1] += round(p.e.Interval[1])
	}
	k.Estimate += k.Sealed
	k.Why = append(k.Why, basisOf(payloads)...)
	for j := range kinds {
		if j == i {
			continue
		}
		kinds[j].Exact, kinds[j].Upper = nil, nil
		kinds[j].Why = append(kinds[j].Why, "payloads that cannot be opened are not in this number")
	}
	return kinds
}

// basisOf says in words on what the estimates rest, those that rest on the same together.
func basisOf(payloads []payloadEstimate) (out []string) {
	type ground struct {
		ratio, share, size float64
		packed, usual      bool
	}
	type sum struct {
		names   []string
		bytes   int64
		records uint64
	}
	var order []ground
	by := map[ground]*sum{}
	for _, p := range payloads {
		if p.err != nil {
			continue
		}
		g := ground{p.e.Ratio, p.e.Share, p.e.Size, p.p.Packed, p.e.Usual}
		if by[g] == nil {
			by[g], order = &sum{}, append(order, g)
		}
		by[g].names, by[g].bytes, by[g].records = append(by[g].names, p.p.Name), by[g].bytes+p.p.Bytes, by[g].records+round(p.e.Records)
	}
	for _, g := range order {
		s := by[g]
		text := fmt.Sprintf("an estimate, and no count: %s cannot be opened (%d bytes), and is taken to hold about %d rows, because ", s.names[0], s.bytes, s.records)
		if n := len(s.names) - 1; n > 0 {
			text = fmt.Sprintf("an estimate, and no count: %s and %d more cannot be opened (%d bytes in all), and are taken to hold about %d rows, because ", s.names[0], n, s.bytes, s.records)
		}
		switch {
		case g.usual:
			text += fmt.Sprintf("packed text usually unpacks to %.0f times its size (nothing here could be measured) and ", g.ratio)
		case g.packed:
			text += fmt.Sprintf("what could be measured here unpacks to %.1f times its size and ", g.ratio)
		}
		if g.share < 0.995 {
			text += fmt.Sprintf("%.0f %% of the bytes are data and ", 100*g.share)
		}
		out = append(out, text+fmt.Sprintf("a row takes %.0f bytes in what could be read; they may be the rows that were counted, once more", g.size))
	}
	return out
}

// overlap compares two organisations over all statuses.
func (c *Counter) overlap(a, b string) []Overlap {
	whole := func(org string) *tally {
		t := newTally(c.key, c.opts.MaxDistinct)
		for _, s := range statuses {
			if o := c.tallies[org][s]; o != nil {
				t.documents.Merge(o.documents)
				t.namesTo.Merge(o.namesTo)
				t.namesTo.Merge(o.namesAlone)
			}
		}
		return t
	}
	ta, tb := whole(a), whole(b)
	entry := func(by string, n distinct.Count) Overlap {
		o := Overlap{A: a, B: b, By: by, Exact: n.Exact}
		if v := round(n.Estimate); v >= LeastOverlap {
			o.Count = &v
		} else {
			o.Hidden, o.Exact = true, false
		}
		return o
	}
	return []Overlap{entry("document", ta.documents.Common(tb.documents)), entry("name and birth date", ta.namesTo.Common(tb.namesTo))}
}
