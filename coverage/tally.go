package coverage

import (
	"cmp"
	"maps"
	"slices"

	"github.com/contrail-ir/contrail/event"
)

// What hostile evidence could make grow without end is bounded. Kept are the smallest keys, whatever the order in which they
// came: a key that was dropped once has that many smaller ones before it for good. So the bound does not depend on threads.
const (
	maxDamage = 1000    // places listed of one file; the rest is counted
	maxSpans  = 100_000 // pairs of host and source; the rest is counted under the host moreHosts
)

// moreHosts stands for hosts beyond the bound. It sorts behind every name.
const moreHosts = "\U0010FFFF more hosts"

// Span counts records and keeps the first and the last time.
type Span struct {
	Records     uint64
	First, Last int64 // event.NoTime when no record has a time
}

func (s *Span) add(o Span) {
	if o.Records == 0 {
		return // its times say nothing
	}
	if s.Records == 0 {
		*s = o
		return
	}
	s.Records += o.Records
	s.extend(o.First)
	s.extend(o.Last)
}

func (s *Span) extend(t int64) {
	if t == event.NoTime {
		return
	}
	if s.First == event.NoTime || t < s.First {
		s.First = t
	}
	if s.Last == event.NoTime || t > s.Last {
		s.Last = t
	}
}

type hostSource struct {
	host   string
	source event.Source
}

// seen is what is known of one source of one host.
type seen struct {
	Span
	filled []string // watched fields that had a value at least once, in order; a list takes a fifth of the memory that a map does, and evidence can have a host for each record
}

func (s *seen) add(o *seen) {
	s.Span.add(o.Span)
	for _, f := range o.filled {
		s.fill(f)
	}
}

func (s *seen) has(field string) bool {
	_, found := slices.BinarySearch(s.filled, field)
	return found
}

func (s *seen) fill(field string) {
	if i, found := slices.BinarySearch(s.filled, field); !found {
		s.filled = slices.Insert(s.filled, i, field)
	}
}

// Tally counts what one goroutine saw of one file. The order of batches does not matter: tallies of the same batches in
// any order add up to the same.
type Tally struct {
	// Watch names the fields of a source that rules need; nil watches none. Set by whoever makes the tally.
	Watch func(event.Source) []string
	// Numbered tells that the file's records carry the log's own numbers, so that missing ones can be told.
	Numbered bool

	spans     map[hostSource]*seen
	more      map[hostSource]*seen
	last      *hostSource // the greatest pair that is kept, nil while there is room for any
	streams   map[stream]*history
	watched   map[*event.Schema][]watchedField
	recovered uint64
	total     Span
	damage    []event.Damage
	lost      int // damage beyond the bound
	scratch   []Span
	segment   map[stream][]numbered // of the segment under way
	voices    []voice               // of one batch, reused as the next two
	marks     []uint64
	minutes   []uint32
	present   []hostSeen // of one batch, too
	hosts     []string   // by slot
	marked    []bool
	text      []bool
}

type watchedField struct {
	column int
	name   string
}

// Batch counts the rows of a batch.
func (t *Tally) Batch(b *event.Batch) {
	if b.Rows == 0 {
		return
	}
	if b.Recovered {
		t.recovered += uint64(b.Rows)
	}
	// Index 0 counts rows without a host, i+1 those with dictionary value i.
	n := b.Host.Dict.Len() + 1
	if cap(t.scratch) < n {
		t.scratch = make([]Span, n)
	}
	perHost := t.scratch[:n]
	for i := range perHost {
		perHost[i] = Span{First: event.NoTime, Last: event.NoTime}
	}
	at := 0
	if b.Host.Const {
		at = slot(b.Host.Codes[0])
	}
	for row, time := range b.Time {
		if !b.Host.Const {
			at = 0
			if codes := b.Host.At(row); len(codes) > 0 {
				at = slot(codes[0])
			}
		}
		perHost[at].Records++
		perHost[at].extend(time)
	}
	t.present, t.hosts = t.present[:0], slices.Grow(t.hosts[:0], n)[:n]
	for i, span := range perHost {
		if span.Records == 0 {
			continue
		}
		host := ""
		if i > 0 {
			host = string(b.Host.Dict.Raw(i - 1))
		}
		t.hosts[i] = host
		if !b.Recovered {
			t.total.add(span)
		}
		if x := t.count(hostSource{host, b.Schema.Source}, span); x != nil {
			t.present = append(t.present, hostSeen{i, x})
		}
	}
	for _, f := range t.fieldsOf(b.Schema) {
		if c := b.Cols[f.column]; c != nil {
			t.fill(b, c, f.name, n)
		}
	}
	clear(t.present) // what is kept belongs to whoever merges it
	t.remember(b, perHost)
}

// hostSeen is what is known of a host of a batch, by its slot.
type hostSeen struct {
	slot int
	*seen
}

// fill notes for which hosts of a batch a column has a value. The rows are gone through once however many hosts there are.
func (t *Tally) fill(b *event.Batch, c *event.Column, name string, slots int) {
	wanted := false
	for _, x := range t.present {
		if wanted = !x.has(name); wanted {
			break
		}
	}
	if !wanted || !slices.ContainsFunc(t.texts(c.Dict), func(has bool) bool { return has }) {
		return
	}
	all := c.Const || b.Host.Const
	if !all {
		t.marked = slices.Grow(t.marked[:0], slots)[:slots]
		clear(t.marked)
		for row := range b.Rows {
			at := 0
			if codes := b.Host.At(row); len(codes) > 0 {
				at = slot(codes[0])
			}
			if t.marked[at] {
				continue
			}
			for _, code := range c.At(row) {
				if i, ok := code.Value(); ok && t.text[i] {
					t.marked[at] = true
					break
				}
			}
		}
	}
	for _, x := range t.present {
		if all || t.marked[x.slot] {
			x.fill(name)
		}
	}
}

// texts says which values of a dictionary are values. A "-" is how Windows writes no value.
func (t *Tally) texts(d *event.Dict) []bool {
	t.text = slices.Grow(t.text[:0], d.Len())[:d.Len()]
	for i := range t.text {
		t.text[i] = hasText(d, i)
	}
	return t.text
}

// fieldsOf gives the watched columns of a schema.
func (t *Tally) fieldsOf(s *event.Schema) []watchedField {
	if t.Watch == nil || len(s.Fields) == 0 {
		return nil
	}
	fields, ok := t.watched[s]
	if !ok {
		for _, name := range t.Watch(s.Source) {
			if i := s.Index(name); i >= 0 {
				fields = append(fields, watchedField{i, name})
			}
		}
		if t.watched == nil || len(t.watched) > 10_000 {
			t.watched = map[*event.Schema][]watchedField{}
		}
		t.watched[s] = fields
	}
	return fields
}

func hasText(d *event.Dict, i int) bool {
	if d.Kind.Numeric() {
		return true
	}
	raw := d.Raw(i)
	return len(raw) > 1 || len(raw) == 1 && raw[0] != '-'
}

// count adds records of a pair, and gives what is known of it: nil when it is beyond the bound.
func (t *Tally) count(key hostSource, span Span) *seen {
	if t.beyond(key) {
		t.addMore(key, &seen{Span: span})
		return nil
	}
	x := t.at(key)
	x.Span.add(span)
	return x
}

// beyond says whether a pair has as many smaller ones before it as are kept.
func (t *Tally) beyond(key hostSource) bool {
	return t.last != nil && compareHostSource(key, *t.last) > 0
}

// at gives the entry of a pair, made when it is new.
func (t *Tally) at(key hostSource) *seen {
	if have := t.spans[key]; have != nil {
		return have
	}
	x := &seen{}
	t.keep(key, x)
	return x
}

// keep makes the entry of a pair that has none.
func (t *Tally) keep(key hostSource, x *seen) {
	if t.spans == nil {
		t.spans = map[hostSource]*seen{}
	}
	if len(t.spans) > maxSpans+maxSpans/2 {
		t.bound()
	}
	t.spans[key] = x
}

// bound keeps the smallest pairs and adds up the others by product.
func (t *Tally) bound() {
	if len(t.spans) <= maxSpans {
		return
	}
	keys := make([]hostSource, 0, len(t.spans))
	for key := range t.spans {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, compareHostSource)
	for _, key := range keys[maxSpans:] {
		t.addMore(key, t.spans[key])
		delete(t.spans, key)
	}
	t.last = &keys[maxSpans-1]
}

// addMore counts a pair beyond the bound.
func (t *Tally) addMore(key hostSource, x *seen) {
	key = hostSource{moreHosts, event.Source{Product: key.source.Product}}
	if t.more == nil {
		t.more = map[hostSource]*seen{}
	}
	if t.more[key] == nil {
		t.more[key] = &seen{}
	}
	t.more[key].Span.add(x.Span)
}

func compareHostSource(a, b hostSource) int {
	return cmp.Or(cmp.Compare(a.host, b.host), compareSource(a.source, b.source))
}

func compareSource(x, y event.Source) int {
	return cmp.Or(cmp.Compare(x.Product, y.Product), cmp.Compare(x.Category, y.Category), cmp.Compare(x.Service, y.Service),
		cmp.Compare(x.Channel, y.Channel), cmp.Compare(x.Provider, y.Provider), cmp.Compare(x.ID, y.ID))
}

func slot(c event.Code) int {
	if i, ok := c.Value(); ok {
		return i + 1
	}
	return 0
}

// Damage notes a damaged place.
func (t *Tally) Damage(d event.Damage) {
	t.damage = append(t.damage, d)
	if len(t.damage) > 2*maxDamage {
		t.boundDamage()
	}
}

func (t *Tally) boundDamage() {
	slices.SortFunc(t.damage, func(x, y event.Damage) int {
		return cmp.Or(cmp.Compare(x.Offset, y.Offset), cmp.Compare(x.Reason, y.Reason))
	})
	t.damage = slices.Compact(t.damage) // a place that the cutter and the decoder both name
	if over := len(t.damage) - maxDamage; over > 0 {
		t.lost += over
		t.damage = t.damage[:maxDamage]
	}
}

// Merge adds what another tally of the same file counted, one segment as a rule, and empties it.
func (t *Tally) Merge(o *Tally) {
	o.endSegment()
	t.merge(o)
	t.total.add(o.total)
	t.recovered += o.recovered
	t.lost += o.lost
	for _, d := range o.damage {
		t.Damage(d)
	}
	*o = Tally{Watch: o.Watch, Numbered: o.Numbered, scratch: o.scratch, watched: o.watched, segment: o.segment, voices: o.voices, marks: o.marks, minutes: o.minutes,
		present: o.present[:0], hosts: o.hosts, marked: o.marked, text: o.text}
}

// merge takes over what another tally counted by host and source, which is no longer the other's.
func (t *Tally) merge(o *Tally) {
	if len(t.spans) == 0 {
		t.spans, t.last, o.spans = o.spans, o.last, nil
	}
	for key, x := range o.spans {
		switch have := t.spans[key]; {
		case have != nil:
			have.add(x)
		case t.beyond(key):
			t.addMore(key, x)
		default:
			t.keep(key, x)
		}
	}
	for key, x := range o.more {
		t.addMore(key, x)
	}
	if len(t.streams) == 0 {
		t.streams, o.streams = o.streams, nil
	}
	for key, h := range o.streams {
		if have := t.streams[key]; have != nil {
			have.add(h)
		} else if len(t.streams) < maxSpans {
			t.streams[key] = h
		}
	}
	o.spans, o.more, o.last, o.streams = nil, nil, nil, nil
}

// Total gives the records read and their times, recovered ones left out.
func (t *Tally) Total() Span { return t.total }

// Builder gathers the certificate of a sweep. One goroutine uses it at a time.
type Builder struct {
	orgs      []string
	tallies   map[string]*Tally
	inventory map[string][]Declared
	cert      Certificate

	collections map[string][]Collection
}

// NewBuilder begins the certificate of the given organisations, in their order.
func NewBuilder(orgs []string) *Builder {
	b := &Builder{orgs: orgs, tallies: map[string]*Tally{}}
	for _, o := range orgs {
		b.tallies[o] = &Tally{}
	}
	return b
}

// File adds a file that was read, with all that was counted in it, which is taken over: the tally keeps its totals. f needs path,
// organisation, format, bytes and digest.
func (b *Builder) File(f File, t *Tally) {
	f.Records, f.Recovered = t.total.Records, t.recovered
	f.First, f.Last, f.NoTimes = bounds(t.total)
	t.boundDamage()
	f.Damage, f.MoreDamage = []Damage{}, t.lost
	for _, d := range t.damage {
		f.Damage = append(f.Damage, Damage(d))
	}
	b.tallies[f.Org].merge(t)
	b.cert.Files = append(b.cert.Files, f)
}

// Unread adds a file that was not read.
func (b *Builder) Unread(u Unread) { b.cert.Unrecognised = append(b.cert.Unrecognised, u) }

// NotRead adds an artefact that was met and is not read by this version.
func (b *Builder) NotRead(n NotRead) { b.cert.NotRead = append(b.cert.NotRead, n) }

// Described adds what was counted in files that are described and not read as logs, so that their source is among those searched.
func (b *Builder) Described(org string, t *Tally) { b.tallies[org].merge(t) }

// Collection adds a triage collection.
func (b *Builder) Collection(org string, c Collection) {
	if b.collections == nil {
		b.collections = map[string][]Collection{}
	}
	b.collections[org] = append(b.collections[org], c)
}

// Certificate gives the finished certificate, everything in a fixed order. Of rules it takes what was rejected and uncertain, and
// counts the rest from what was asked.
func (b *Builder) Certificate(rules Rules, asked Asked) *Certificate {
	c := b.cert
	j := newJudge(asked)
	found := make([]bool, asked.Len())
	for _, name := range b.orgs {
		j.begin()
		org := Org{Name: name, Hosts: b.tallies[name].told(j, func(host string) (ids []string) {
			for _, rule := range asked.Found(name, host) {
				found[rule] = true
				ids = append(ids, asked.ID(rule))
			}
			return orEmpty(ids)
		}), Collections: b.collections[name]}
		org.Profiles = orEmpty(j.profiles)
		if declared := b.inventory[name]; declared != nil {
			org.compare(declared)
		}
		c.Orgs = append(c.Orgs, org)
	}
	j.total(&rules, func(rule int) bool { return found[rule] })
	c.Rules = rules
	slices.SortStableFunc(c.Files, func(x, y File) int { return cmp.Or(cmp.Compare(x.Org, y.Org), cmp.Compare(x.Path, y.Path)) })
	slices.SortStableFunc(c.Unrecognised, func(x, y Unread) int { return cmp.Or(cmp.Compare(x.Org, y.Org), cmp.Compare(x.Path, y.Path)) })
	slices.SortStableFunc(c.NotRead, func(x, y NotRead) int { return cmp.Or(cmp.Compare(x.Org, y.Org), cmp.Compare(x.Path, y.Path)) })
	// An empty list says "none"; null would say nothing.
	c.Files = orEmpty(c.Files)
	c.Unrecognised = orEmpty(c.Unrecognised)
	c.NotRead = orEmpty(c.NotRead)
	c.Rules.Rejected = orEmpty(c.Rules.Rejected)
	c.Rules.NotSearchable = orEmpty(c.Rules.NotSearchable)
	return &c
}

func orEmpty[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

// counted is an entry of a tally.
type counted struct {
	hostSource
	*seen
	more bool // beyond the bound
}

// told tells of one host after the other: there can be as many as pairs of host and source.
func (t *Tally) told(j *judge, found func(host string) []string) []Host {
	t.bound()
	all := make([]counted, 0, len(t.spans)+len(t.more))
	for key, x := range t.spans {
		all = append(all, counted{key, x, false})
	}
	for key, x := range t.more {
		all = append(all, counted{key, x, true})
	}
	slices.SortFunc(all, func(a, b counted) int { return compareHostSource(a.hostSource, b.hostSource) })
	out := []Host{}
	var sources []present
	logs := map[string]Span{}
	for len(all) > 0 {
		host := all[0].host
		sources = sources[:0]
		clear(logs)
		for len(all) > 0 && all[0].host == host {
			c := all[0]
			all = all[1:]
			name := streamOf(host, c.source).source
			sum := logs[name]
			sum.add(c.Span)
			logs[name] = sum
			if !c.more {
				sources = append(sources, present{c.source, c.seen})
			}
		}
		h := Host{Host: host, Profile: j.host(sources), Found: found(host)}
		for _, name := range slices.Sorted(maps.Keys(logs)) {
			gaps := []Gap{}
			if past := t.streams[stream{host, name}]; past != nil {
				gaps = append(gaps, past.gaps()...)
			}
			s := Source{Source: name, Records: logs[name].Records, Gaps: gaps}
			s.First, s.Last, s.NoTimes = bounds(logs[name])
			h.Sources = append(h.Sources, s)
		}
		out = append(out, h)
	}
	return out
}
