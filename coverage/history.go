package coverage

import (
	"cmp"
	"fmt"
	"math/bits"
	"slices"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/contrail-ir/contrail/event"
)

// stream is one kind of log of one host, event ids together: the unit that falls silent, is cleared or loses records.
type stream struct {
	host   string
	source string
}

func streamOf(host string, s event.Source) stream {
	s.ID, s.Provider = 0, ""
	return stream{host, s.String()}
}

// history is what a stream's records say about its completeness. It adds up in any order.
type history struct {
	minutes minutes     // since 1970, in which the stream spoke
	runs    []numberRun // stretches of consecutive record numbers, in order after settle
	cleared []clearing
	steps   []clockStep
	clears  int // beyond the bound
	steered int // clock steps beyond the bound
}

// minutes is a set of minutes. It begins without memory of its own: evidence can have a stream for each record.
type minutes struct {
	only int64           // its single minute plus one, 0 when there is none; no longer kept once there is more
	more *roaring.Bitmap // nil as long as one is all
}

func (m *minutes) add(minute uint32) {
	if m.more == nil {
		if m.only == 0 || m.only == int64(minute)+1 {
			m.only = int64(minute) + 1
			return
		}
		m.more = m.bitmap()
	}
	m.more.Add(minute)
}

// addMany adds minutes that rise.
func (m *minutes) addMany(list []uint32) {
	switch {
	case len(list) == 0:
	case len(list) == 1:
		m.add(list[0])
	case m.more == nil && m.only == 0:
		m.more = roaring.New()
		m.more.AddMany(list)
	default:
		m.more = m.bitmap()
		m.more.Or(roaring.BitmapOf(list...))
	}
}

func (m *minutes) or(o *minutes) {
	switch {
	case o.more == nil && o.only != 0:
		m.add(uint32(o.only - 1))
	case o.more != nil:
		m.more = m.bitmap()
		m.more.Or(o.more)
	}
}

// bitmap gives the set as a bitmap, its own where it has one.
func (m *minutes) bitmap() *roaring.Bitmap {
	if m.more != nil {
		return m.more
	}
	b := roaring.New()
	if m.only != 0 {
		b.Add(uint32(m.only - 1))
	}
	return b
}

// Bounds of a history; what is beyond is counted.
const (
	maxRuns   = 20_000
	maxEvents = 200
	maxGaps   = 100
)

// numberRun is a stretch of record numbers without a hole, with the times of its ends.
type numberRun struct {
	first, last uint64
	from, to    int64
}

// clearing is an event that says a log was cleared.
type clearing struct {
	at  int64
	why string
}

// clockStep is where the time went back although the record number went on.
type clockStep struct{ from, to int64 }

// numbered is a record's number and time.
type numbered struct {
	number uint64
	time   int64
}

func (t *Tally) history(key stream) *history {
	if h := t.streams[key]; h != nil {
		return h
	}
	if t.streams == nil {
		t.streams = map[stream]*history{}
	}
	h := &history{}
	// Streams are as many as pairs of host and source, which have their own bound; beyond it histories are not kept, and
	// the certificate lists such hosts under one name without gaps.
	if len(t.streams) < maxSpans {
		t.streams[key] = h
	}
	return h
}

// remember notes when a batch's streams spoke, and their record numbers for the end of the segment. The spans are those of the batch's hosts by
// their slot. Rows of many hosts take turns in what a collector writes, so a host's stream is looked up once a batch; and its minutes are
// gathered as bits, since to put each among those that are known took a tenth of sweeping a log.
func (t *Tally) remember(b *event.Batch, spans []Span) {
	if b.Recovered {
		return
	}
	voices := slices.Grow(t.voices[:0], len(spans))[:len(spans)]
	clear(voices)
	t.voices = voices
	words, source := 0, streamOf("", b.Schema.Source).source
	for at, span := range spans {
		if span.Records > 0 {
			voices[at].begin(t, at, span, source)
			words += voices[at].words
		}
	}
	left := slices.Grow(t.marks[:0], words)[:words]
	clear(left)
	t.marks = left
	for at := range voices {
		v := &voices[at]
		v.marks, left = left[:v.words:v.words], left[v.words:]
	}
	at := 0
	for row, ns := range b.Time {
		if !b.Host.Const || row == 0 {
			at = 0
			if codes := b.Host.At(row); len(codes) > 0 {
				at = slot(codes[0])
			}
		}
		v := &voices[at]
		if minute := ns / int64(time.Minute); v.words > 0 {
			if ns != event.NoTime {
				v.marks[(minute-v.from)>>6] |= 1 << ((minute - v.from) & 63)
			}
		} else if ns >= 0 && minute != v.spoke && minute <= 1<<32-1 { // rows follow each other within a minute
			v.h.minutes.add(uint32(minute))
			v.spoke = minute
		}
		if t.Numbered {
			v.numbers = append(v.numbers, numbered{b.Record[row], ns})
		}
	}
	for at := range voices {
		v := &voices[at]
		if v.words > 0 {
			t.minutes = t.minutes[:0]
			for i, word := range v.marks {
				for ; word != 0; word &= word - 1 {
					t.minutes = append(t.minutes, uint32(v.from)+uint32(64*i+bits.TrailingZeros64(word)))
				}
			}
			v.h.minutes.addMany(t.minutes)
		}
		if v.h != nil && t.Numbered {
			t.segment[v.key] = v.numbers
		}
	}
	t.clearings(b)
}

// voice is a stream of one batch.
type voice struct {
	key     stream
	h       *history
	numbers []numbered
	spoke   int64    // the minute added last
	from    int64    // the first minute
	words   int      // of marks; 0 when they would be many for the rows there are
	marks   []uint64 // a bit for each minute in which it spoke
}

func (v *voice) begin(t *Tally, at int, span Span, source string) {
	v.key, v.spoke = stream{t.hosts[at], source}, -1
	v.h = t.history(v.key)
	if t.Numbered {
		if t.segment == nil {
			t.segment = map[stream][]numbered{}
		}
		v.numbers = t.segment[v.key]
	}
	if span.First == event.NoTime || span.First < 0 {
		return
	}
	v.from = span.First / int64(time.Minute)
	last := span.Last / int64(time.Minute)
	if words := (last-v.from)/64 + 1; last <= 1<<32-1 && words <= int64(span.Records) {
		v.words = int(words)
	}
}

// What an event id means when it means that records are gone or may be.
const (
	whyStopped = "event logging stopped (event 1100)"
	whyCleared = "log cleared (event 1102): what was recorded before is gone"
	whyOther   = "a log was cleared (event 104): what was recorded before is gone"
	whyTold    = "log cleared (event 104 in System): what was recorded before is gone"
)

func clearingOf(s event.Source) string {
	switch {
	case s.Channel == "Security" && s.ID == 1102:
		return whyCleared
	case s.Channel == "Security" && s.ID == 1100:
		return whyStopped
	case s.Channel == "System" && s.ID == 104:
		return whyOther
	}
	return ""
}

// channelField holds, beside the event's own channel, the one that event 104 tells of.
const channelField = "Channel"

// Wants names the fields of a source that a certificate needs itself, whatever is asked.
func Wants(s event.Source) []string {
	if clearingOf(s) == whyOther {
		return []string{channelField}
	}
	return nil
}

// clearings notes events that say a log was cleared, with the log that told of it and with the one that was cleared.
func (t *Tally) clearings(b *event.Batch) {
	why := clearingOf(b.Schema.Source)
	if why == "" {
		return
	}
	var named *event.Column
	if i := b.Schema.Index(channelField); i >= 0 && why == whyOther {
		named = b.Cols[i]
	}
	for row, ns := range b.Time {
		note := func(channel, why string) {
			s := b.Schema.Source
			s.Channel = channel
			h := t.history(streamOf(b.Host.Text(row), s))
			h.cleared = append(h.cleared, clearing{ns, why})
		}
		note(b.Schema.Source.Channel, why)
		if named == nil {
			continue
		}
		for _, code := range named.At(row) {
			if i, ok := code.Value(); ok {
				if channel := string(named.Dict.Raw(i)); channel != b.Schema.Source.Channel {
					note(channel, whyTold)
				}
			}
		}
	}
}

// endSegment turns the numbers of a segment into runs.
func (t *Tally) endSegment() {
	for key, ns := range t.segment {
		if len(ns) == 0 {
			continue
		}
		h := t.history(key)
		slices.SortFunc(ns, func(a, b numbered) int { return cmp.Or(cmp.Compare(a.number, b.number), cmp.Compare(a.time, b.time)) })
		run := numberRun{ns[0].number, ns[0].number, ns[0].time, ns[0].time}
		for _, n := range ns[1:] {
			if n.number > run.last+1 {
				h.runs = append(h.runs, run)
				run = numberRun{first: n.number, from: n.time}
			} else if back := run.to - n.time; n.time != event.NoTime && run.to != event.NoTime && back > int64(time.Minute) && n.number == run.last+1 {
				h.steps = append(h.steps, clockStep{run.to, n.time})
			}
			run.last, run.to = n.number, n.time
		}
		h.runs = append(h.runs, run)
		t.segment[key] = ns[:0]
	}
	if len(t.segment) > 1000 {
		clear(t.segment)
	}
	for _, h := range t.streams {
		h.settle()
	}
}

func (h *history) add(o *history) {
	h.minutes.or(&o.minutes)
	h.runs = append(h.runs, o.runs...)
	h.cleared = append(h.cleared, o.cleared...)
	h.steps = append(h.steps, o.steps...)
	h.clears += o.clears
	h.steered += o.steered
	if len(h.runs) > 2*maxRuns || len(h.cleared) > 2*maxEvents || len(h.steps) > 2*maxEvents {
		h.settle()
	}
}

// settle orders what was gathered, joins runs that touch, and keeps to the bounds: the first so many are kept.
func (h *history) settle() {
	slices.SortFunc(h.runs, func(a, b numberRun) int { return cmp.Or(cmp.Compare(a.first, b.first), cmp.Compare(a.last, b.last)) })
	joined := h.runs[:0]
	for _, r := range h.runs {
		if n := len(joined); n > 0 && r.first <= joined[n-1].last+1 {
			if r.last > joined[n-1].last {
				joined[n-1].last, joined[n-1].to = r.last, r.to
			}
			continue
		}
		joined = append(joined, r)
	}
	h.runs = joined
	if len(h.runs) > maxRuns { // the rest becomes one run, whose holes are not told
		h.runs[maxRuns-1].last, h.runs[maxRuns-1].to = h.runs[len(h.runs)-1].last, h.runs[len(h.runs)-1].to
		h.runs = h.runs[:maxRuns]
	}
	slices.SortFunc(h.cleared, func(a, b clearing) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.why, b.why)) })
	if over := len(h.cleared) - maxEvents; over > 0 {
		h.cleared, h.clears = h.cleared[:maxEvents], h.clears+over
	}
	slices.SortFunc(h.steps, func(a, b clockStep) int { return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to)) })
	if over := len(h.steps) - maxEvents; over > 0 {
		h.steps, h.steered = h.steps[:maxEvents], h.steered+over
	}
}

// silence is a stretch of minutes in which nothing was recorded.
type silence struct{ from, to uint32 }

// usualSilence gives the length in minutes above which a silence of the stream is not its habit: one and a half times the third
// longest, and an hour at least. Nights and weekends come more than twice in a log that is long enough to judge; in one that is not,
// nothing is said. It returns 0 when the stream was too short or too sparse.
func usualSilence(all []silence) uint32 {
	if len(all) < 20 {
		return 0
	}
	lengths := make([]uint32, len(all))
	for i, s := range all {
		lengths[i] = s.to - s.from
	}
	slices.Sort(lengths)
	third := lengths[len(lengths)-3]
	return max(60, third+third/2)
}

func (h *history) silences() (all []silence) {
	it := h.minutes.bitmap().Iterator()
	if !it.HasNext() {
		return nil
	}
	last := it.Next()
	for it.HasNext() {
		m := it.Next()
		if m > last+1 {
			all = append(all, silence{last, m})
		}
		last = m
	}
	return all
}

// gaps lists, in order of time, where the stream's record is not complete: silences longer than its own usual one, record
// numbers that are missing, clearings, and steps of the clock.
func (h *history) gaps() []Gap {
	h.settle()
	type placed struct {
		at int64
		Gap
	}
	var all []placed
	minute := func(m uint32) int64 { return int64(m) * int64(time.Minute) }
	silences := h.silences()
	if usual := usualSilence(silences); usual > 0 {
		for _, s := range silences {
			if length := s.to - s.from; length > usual {
				why := fmt.Sprintf("silent for %s; its own silences are seldom longer than %s", span(length), span(usual))
				all = append(all, placed{minute(s.from), Gap{From: formatTime(minute(s.from)), To: formatTime(minute(s.to)), Why: why, Usual: float64(usual) * 60}})
			}
		}
	}
	for i := 1; i < len(h.runs); i++ {
		a, b := h.runs[i-1], h.runs[i]
		missing := b.first - a.last - 1
		all = append(all, placed{a.to, Gap{From: formatTime(a.to), To: formatTime(b.from), Why: fmt.Sprintf("records %d to %d (%d) are missing", a.last+1, b.first-1, missing), Missing: missing}})
	}
	for _, c := range h.cleared {
		all = append(all, placed{c.at, Gap{From: formatTime(c.at), To: formatTime(c.at), Why: c.why, Cleared: c.why != whyStopped}})
	}
	for _, s := range h.steps {
		all = append(all, placed{s.to, Gap{From: formatTime(s.from), To: formatTime(s.to), Why: "the clock went back: times around here are uncertain"}})
	}
	slices.SortStableFunc(all, func(a, b placed) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.Why, b.Why)) })
	var out []Gap
	for i, g := range all {
		if i == maxGaps {
			out = append(out, Gap{Why: fmt.Sprintf("and %d more", len(all)-i+h.clears+h.steered)})
			break
		}
		out = append(out, g.Gap)
	}
	return out
}

func span(minutes uint32) string {
	return (time.Duration(minutes) * time.Minute).String()[:len((time.Duration(minutes)*time.Minute).String())-2]
}
