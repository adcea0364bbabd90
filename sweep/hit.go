package sweep

import (
	"cmp"
	"encoding/binary"
	"errors"
	"math"
	"slices"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/event/packed"
	"github.com/contrail-ir/contrail/finding"
	"github.com/contrail-ir/contrail/match"
)

// hit is a match on its way through the sorter: a finding, something a correlation counts, or both.
type hit struct {
	rule      event.RuleIndex
	file      *fileResult
	time      int64
	offset    uint64
	record    uint64
	recovered bool
	reported  bool // a finding by itself
	feeds     bool // counted by correlations
	host      string
	score     float64
	matched   []event.Matched
	carried   []event.Matched
	event     []byte
}

func (h *hit) size() int {
	n := 160 + len(h.host) + len(h.event)
	for _, m := range h.matched {
		n += 48 + len(m.Value)
	}
	for _, m := range h.carried {
		n += 48 + len(m.Value)
	}
	return n
}

// codec orders hits as finding.Compare orders findings.
type codec struct{ run *run }

// Compare looks no further than the first difference: cmp.Or would work out every comparison first, which took twice as long.
func (c codec) Compare(a, b *hit) int {
	if a.time != b.time {
		return cmp.Compare(a.time, b.time)
	}
	if a.file != b.file {
		if n := cmp.Compare(a.file.name, b.file.name); n != 0 {
			return n
		}
	}
	if a.record != b.record {
		return cmp.Compare(a.record, b.record)
	}
	if n := compareRules(c.run.question.Rules, a.rule, b.rule); n != 0 {
		return n
	}
	if n := a.file.compare(b.file); n != 0 { // the organisation
		return n
	}
	if n := cmp.Or(cmp.Compare(a.offset, b.offset), cmp.Compare(a.rule, b.rule)); n != 0 {
		return n
	}
	return slices.CompareFunc(a.matched, b.matched, compareMatched)
}

func compareMatched(x, y event.Matched) int {
	return cmp.Or(cmp.Compare(x.Field, y.Field), cmp.Compare(x.Value, y.Value))
}

// compareRules orders by id; descriptions are only asked for when the rules differ, since those of indicators are made anew.
func compareRules(rules *match.Set, a, b event.RuleIndex) int {
	if a == b {
		return 0
	}
	return cmp.Compare(rules.Rule(a).ID, rules.Rule(b).ID)
}

func (c codec) Append(dst []byte, h *hit) []byte {
	dst = packed.Uint(dst, uint64(h.rule))
	dst = packed.Uint(dst, uint64(h.file.id))
	dst = packed.Int(dst, h.time)
	dst = packed.Uint(dst, h.offset)
	dst = packed.Uint(dst, h.record)
	flags := byte(0)
	if h.recovered {
		flags |= 1
	}
	if h.reported {
		flags |= 2
	}
	if h.feeds {
		flags |= 4
	}
	dst = append(dst, flags)
	dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(h.score))
	dst = packed.Text(dst, h.host)
	dst = appendMatched(dst, h.matched)
	dst = appendMatched(dst, h.carried)
	return packed.Text(dst, h.event)
}

func appendMatched(dst []byte, ms []event.Matched) []byte {
	dst = packed.Uint(dst, uint64(len(ms)))
	for _, m := range ms {
		dst = packed.Text(packed.Text(dst, m.Field), m.Value)
	}
	return dst
}

func (c codec) Decode(b []byte) (*hit, error) { return c.decodeOf(nil, b) }

// decodeOf reads a hit of a known file, or, when that is nil, of the file that the hit names.
func (c codec) decodeOf(f *fileResult, b []byte) (*hit, error) {
	d := packed.NewReader(b)
	h := &hit{rule: event.RuleIndex(d.Uint()), file: c.run.fileOf(f, d.Uint()), time: d.Int(), offset: d.Uint(), record: d.Uint()}
	flags, score := d.Bytes(1), d.Bytes(8)
	if d.Bad() {
		return nil, errBrokenHit
	}
	h.score = math.Float64frombits(binary.LittleEndian.Uint64(score))
	h.recovered, h.reported, h.feeds = flags[0]&1 != 0, flags[0]&2 != 0, flags[0]&4 != 0
	h.host = d.Text()
	h.matched = matches(&d)
	h.carried = matches(&d)
	if e := d.Text(); e != "" {
		h.event = []byte(e)
	}
	if !d.Whole() || int(h.rule) >= c.run.question.Rules.Count() || h.file == nil {
		return nil, errBrokenHit
	}
	return h, nil
}

var errBrokenHit = errors.New("a temporary file of this sweep was changed by somebody else")

func matches(d *packed.Reader) (ms []event.Matched) {
	for range d.Count() {
		ms = append(ms, event.Matched{Field: d.Text(), Value: d.Text()})
	}
	return ms
}

// finding turns a hit into what handlers see.
func (s *run) finding(h *hit) *finding.Finding {
	return &finding.Finding{
		Rule: s.question.Rules.Rule(h.rule), Org: h.file.org, Time: h.time, Host: h.host, File: h.file.name, Offset: h.offset, Record: h.record,
		Recovered: h.recovered, Score: h.score, Matched: h.matched, Event: h.event, SHA256: h.file.digest,
	}
}
