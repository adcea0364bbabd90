package ioc

import (
	"iter"
	"net/netip"
	"slices"

	"github.com/contrail-ir/contrail/event"
)

// scanner holds the scratch memory of one goroutine. It looks at every distinct value of a batch once – of those rows that the sifter
// suspects, where the reader asked it – and at rows only when a value holds something.
type scanner struct {
	set    *Set
	finder finder
	text   []byte
	cols   []found // by column of the batch looked at last
	pairs  []found // URLs that stand in two columns
	batch  *event.Batch
	schema *event.Schema
	masks  []uint32 // kinds searched per column of schema
	split  []splitURL
	url    []byte
	query  []byte
	ids    []int
	chosen []int // values of a column to look at
	fields conditions
}

// found lists the values of a column that hold terms.
type found struct {
	bits   []uint64 // values that hold something
	values []held
	ids    []int
	from   int // where the ids of the value looked at begin
	most   int // ids of the value at which those that are there twice are taken out
}

// add notes a term of the value looked at. A term may come again and again, so what is there twice is taken out whenever the list has
// doubled: as many terms as a value can hold cost no more than sorting them.
func (f *found) add(id int) {
	f.ids = append(f.ids, id)
	if len(f.ids)-f.from >= f.most {
		f.settle()
		f.most = max(leastSettled, 2*(len(f.ids)-f.from))
	}
}

const leastSettled = 64

// settle puts the value's terms in order, each once.
func (f *found) settle() {
	if len(f.ids)-f.from > 1 {
		slices.Sort(f.ids[f.from:])
		f.ids = f.ids[:f.from+len(slices.Compact(f.ids[f.from:]))]
	}
}

// next begins a value.
func (f *found) next() { f.from, f.most = len(f.ids), leastSettled }

// close ends a value, or a row where columns are joined, and keeps it if it has terms.
func (f *found) close(value int) {
	f.settle()
	if len(f.ids) > f.from {
		f.values = append(f.values, held{value: value, from: f.from, to: len(f.ids)})
	}
}

// held is a value, or a pair of values, and its terms: ids[from:to].
type held struct {
	value    int
	from, to int
}

func newScanner(s *Set) *scanner {
	return &scanner{set: s, finder: finder{set: s}}
}

// splitURL names two columns that hold host and path of the same request.
type splitURL struct{ host, path, query int }

// splitURLs lists the columns of the logs that keep a URL in parts: host, path, and query where it stands apart.
var splitURLs = [][3]string{
	{"host", "uri", ""},               // Zeek
	{"http.hostname", "http.url", ""}, // Suricata
	{"hostname", "url", ""},
	{"cs-host", "cs-uri-stem", "cs-uri-query"}, // W3C
	{"cs-host", "cs-uri", ""},
	{"c-uri-host", "c-uri-stem", "c-uri-query"},
	{"url.domain", "url.path", "url.query"}, // ECS
	{"destination.domain", "url.path", "url.query"},
	{"r-dns", "c-uri", ""},
	{"vhost", "request", ""},
}

func (sc *scanner) prepare(b *event.Batch) {
	s := sc.set
	if sc.schema != b.Schema {
		sc.schema = b.Schema
		sc.masks = sc.masks[:0]
		for _, name := range b.Schema.Fields {
			mask := ^uint32(0)
			for k, names := range s.options.Fields {
				if !slices.Contains(names, name) {
					mask &^= 1 << k
				}
			}
			sc.masks = append(sc.masks, mask)
		}
		sc.split = sc.split[:0]
		for _, names := range splitURLs {
			if h, p := b.Schema.Index(names[0]), b.Schema.Index(names[1]); h >= 0 && p >= 0 && s.has[URL] {
				q := -1
				if names[2] != "" {
					q = b.Schema.Index(names[2])
				}
				sc.split = append(sc.split, splitURL{h, p, q})
			}
		}
	}
	sc.batch = b
	sc.fields.begin(s, b)
	for len(sc.cols) < len(b.Cols) {
		sc.cols = append(sc.cols, found{})
	}
	for i := range b.Cols {
		sc.column(&sc.cols[i], b.Cols[i], sc.masks[i])
	}
	for i, p := range sc.split {
		if i == len(sc.pairs) {
			sc.pairs = append(sc.pairs, found{})
		}
		sc.join(&sc.pairs[i], b, p)
	}
}

// column looks at every value of a column.
func (sc *scanner) column(f *found, c *event.Column, mask uint32) {
	f.values, f.ids = f.values[:0], f.ids[:0]
	if c == nil || c.Dict.Len() == 0 || c.Dict.Kind.Numeric() || sc.set.kinds&mask == 0 {
		return
	}
	n := c.Dict.Len()
	sc.finder.hit = func(id int) {
		if mask&(1<<sc.set.term(id).Kind) != 0 {
			f.add(id)
		}
	}
	for v := range sc.valuesOf(c) {
		f.next()
		switch c.Dict.Kind {
		case event.Text:
			sc.finder.find(c.Dict.Raw(v))
		case event.IP:
			if a, ok := netip.AddrFromSlice(c.Dict.Raw(v)); ok {
				sc.finder.address(a)
			}
		default:
			sc.text = c.Dict.AppendText(sc.text[:0], v)
			sc.finder.find(sc.text)
		}
		f.close(v)
	}
	if len(f.values) > 0 {
		f.mark(n)
	}
}

// valuesOf gives the values of a column to look at, ascending.
func (sc *scanner) valuesOf(c *event.Column) iter.Seq[int] {
	return func(yield func(int) bool) {
		if !sc.batch.Sifted {
			for v := range c.Dict.Len() {
				if !yield(v) {
					return
				}
			}
			return
		}
		sc.chosen = sc.chosen[:0]
		for _, row := range sc.batch.Suspects {
			for _, code := range c.At(row) {
				if v, ok := code.Value(); ok {
					sc.chosen = append(sc.chosen, v)
				}
			}
		}
		slices.Sort(sc.chosen)
		for _, v := range slices.Compact(sc.chosen) {
			if !yield(v) {
				return
			}
		}
	}
}

// rowsOf gives the rows that can hold something, ascending.
func rowsOf(b *event.Batch) iter.Seq[int] {
	if b.Sifted {
		return slices.Values(b.Suspects)
	}
	return everyRow(b)
}

func everyRow(b *event.Batch) iter.Seq[int] {
	return func(yield func(int) bool) {
		for row := range b.Rows {
			if !yield(row) {
				return
			}
		}
	}
}

func (f *found) mark(n int) {
	words := (n + 63) / 64
	f.bits = slices.Grow(f.bits[:0], words)[:words]
	clear(f.bits)
	for _, h := range f.values {
		f.bits[h.value>>6] |= 1 << (h.value & 63)
	}
}

// at gives the terms of a value.
func (f *found) at(value int) []int {
	if len(f.values) == 0 || f.bits[value>>6]&(1<<(value&63)) == 0 {
		return nil
	}
	at, ok := slices.BinarySearchFunc(f.values, value, func(h held, v int) int { return h.value - v })
	if !ok {
		return nil
	}
	return f.ids[f.values[at].from:f.values[at].to]
}

// join puts URLs together that stand in two or three columns of a row, and looks each distinct one up. A host that no indicator has is
// asked about once per value.
func (sc *scanner) join(f *found, b *event.Batch, p splitURL) {
	f.values, f.ids = f.values[:0], f.ids[:0]
	host, path := b.Cols[p.host], b.Cols[p.path]
	if host == nil || path == nil || host.Dict.Len() == 0 || host.Dict.Kind != event.Text || path.Dict.Len() == 0 || path.Dict.Kind != event.Text {
		return
	}
	if (sc.masks[p.host]&sc.masks[p.path])&(1<<URL) == 0 {
		return
	}
	any := false
	n := host.Dict.Len()
	words := (n + 63) / 64
	f.bits = slices.Grow(f.bits[:0], words)[:words]
	clear(f.bits)
	for v := range n {
		if sc.set.sieve.has(hashOf(saltHost, sc.hostOf(host.Dict.Raw(v)))) {
			f.bits[v>>6] |= 1 << (v & 63)
			any = true
		}
	}
	if !any {
		return
	}
	sc.finder.hit = f.add
	for row := range rowsOf(b) {
		f.next()
		pairs := 0
		for _, code := range host.At(row) {
			v, ok := code.Value()
			if !ok || f.bits[v>>6]&(1<<(v&63)) == 0 {
				continue
			}
			for _, pc := range path.At(row) {
				w, ok := pc.Value()
				if !ok || pairs == maxPairs {
					continue
				}
				raw := path.Dict.Raw(w)
				if len(raw) == 0 || raw[0] != '/' || len(raw) > maxURL {
					continue
				}
				pairs++
				sc.query = sc.query[:0]
				if p.query >= 0 && b.Cols[p.query] != nil {
					if sc.query = b.Cols[p.query].AppendText(append(sc.query, '?'), row); len(sc.query) == 1 || string(sc.query) == "?-" {
						sc.query = sc.query[:0]
					}
				}
				sc.finder.parts(sc.hostOf(host.Dict.Raw(v)), raw, sc.query[:min(len(sc.query), maxURL+1)], nil)
			}
		}
		f.close(row)
	}
}

// maxPairs bounds the hosts and paths of one row that are put together: both are single values in every log that is known.
const maxPairs = 64

// hostOf gives a host field as URLs have it.
func (sc *scanner) hostOf(raw []byte) []byte {
	if len(raw) > maxDomain+6 {
		return nil
	}
	sc.url = appendLower(sc.url[:0], raw)
	for _, port := range []string{":80", ":443"} {
		if n := len(sc.url) - len(port); n > 0 && string(sc.url[n:]) == port {
			sc.url = sc.url[:n]
		}
	}
	return sc.url
}

// row gathers the terms of a row in sc.ids, ascending and each once.
func (sc *scanner) row(b *event.Batch, row int) {
	sc.ids = sc.ids[:0]
	for i, c := range b.Cols {
		if len(sc.cols[i].values) == 0 {
			continue
		}
		for _, code := range c.At(row) {
			if v, ok := code.Value(); ok {
				sc.ids = append(sc.ids, sc.cols[i].at(v)...)
			}
		}
	}
	for i := range sc.split {
		for _, h := range sc.pairs[i].ofRow(row) {
			sc.ids = append(sc.ids, sc.pairs[i].ids[h.from:h.to]...)
		}
	}
	slices.Sort(sc.ids)
	sc.ids = slices.Compact(sc.ids)
}

// ofRow gives what a pair of columns holds in a row.
func (f *found) ofRow(row int) []held {
	at, _ := slices.BinarySearchFunc(f.values, row, func(h held, r int) int { return h.value - r })
	end := at
	for end < len(f.values) && f.values[end].value == row {
		end++
	}
	return f.values[at:end]
}

// Scan implements event.Scanner.
func (sc *scanner) Scan(b *event.Batch, hit func(int, event.RuleIndex)) error {
	if b.Sifted && len(b.Suspects) == 0 && len(sc.set.everywhere) == 0 {
		return nil
	}
	sc.prepare(b)
	anywhere := sc.possible()
	any := len(anywhere) > 0
	for i := range b.Cols {
		any = any || len(sc.cols[i].values) > 0
	}
	for i := range sc.split {
		any = any || len(sc.pairs[i].values) > 0
	}
	if !any {
		return nil
	}
	var rules []int
	rows := rowsOf(b)
	if len(anywhere) > 0 {
		rows = everyRow(b)
	}
	for row := range rows {
		sc.row(b, row)
		if len(sc.ids) == 0 && len(anywhere) == 0 {
			continue
		}
		rules = rules[:0]
		for _, r := range anywhere {
			if sc.holds(r, row) {
				rules = append(rules, r)
			}
		}
		for _, id := range sc.ids {
			if id < len(sc.set.rules) {
				rules = append(rules, id)
			}
			rules = append(rules, sc.completed(id, row)...)
		}
		slices.Sort(rules)
		for _, r := range slices.Compact(rules) {
			if sc.set.valid(r, b.Time[row]) {
				hit(row, event.RuleIndex(r))
			}
		}
	}
	return nil
}

// completed lists the expressions with the term that the row's terms fulfil.
func (sc *scanner) completed(id, row int) (rules []int) {
	uses := sc.set.uses[id]
	if len(uses) == 0 {
		return nil
	}
	for _, r := range uses {
		if sc.holds(r, row) {
			rules = append(rules, r)
		}
	}
	return rules
}

// Explain implements event.Scanner: the fields whose values hold the indicator's terms, in the order of the columns.
func (sc *scanner) Explain(b *event.Batch, row int, rule event.RuleIndex) (matched []event.Matched) {
	if sc.batch != b {
		sc.prepare(b)
	}
	terms := []int{int(rule)}
	if n := sc.set.nodes[int(rule)]; n != nil {
		terms = terms[:0]
		n.each(func(id int) { terms = append(terms, id) })
	}
	add := func(column int, text string) {
		m := event.Matched{Field: b.Schema.Fields[column], Value: text}
		if !slices.Contains(matched, m) {
			matched = append(matched, m)
		}
	}
	holds := func(ids []int) bool {
		return slices.ContainsFunc(ids, func(id int) bool { return slices.Contains(terms, id) })
	}
	for i, c := range b.Cols {
		if len(sc.cols[i].values) == 0 {
			continue
		}
		for _, code := range c.At(row) {
			if v, ok := code.Value(); ok && holds(sc.cols[i].at(v)) {
				add(i, string(c.Dict.AppendText(nil, v)))
			}
		}
	}
	for _, id := range terms {
		if id >= 0 {
			continue
		}
		for _, f := range sc.fields.of(-1 - id) {
			for _, v := range sc.fields.texts(f, row) {
				add(f.column, string(b.Cols[f.column].Dict.AppendText(nil, v)))
			}
		}
	}
	for i, p := range sc.split {
		for _, h := range sc.pairs[i].ofRow(row) {
			if holds(sc.pairs[i].ids[h.from:h.to]) {
				add(p.host, b.Cols[p.host].Text(row))
				add(p.path, b.Cols[p.path].Text(row))
			}
		}
	}
	return matched
}
