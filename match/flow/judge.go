package flow

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/contrail-ir/contrail/event"
)

// judge sees an organisation's observations pair by pair, and keeps of each pair what conclusions need.
type judge struct {
	from, to int64
	sources  map[string]*traffic // by source address; bounded
	typical  float64             // what a source sends to one destination at most; set by Conclude
	pairs    []judged

	key    []byte
	pair   pair
	logs   map[uint8]*told // of the pair under way: what each kind of log tells of it
	free   []*told
	first  event.Observation
	talker int // sources that talk to the destination under way
	dst    string
	begins int // index of its first pair
}

const maxSources = 1 << 20

// What a beacon's own beats carry adds up to much in weeks, and is no upload: of a pair that keeps time and size what is beyond its beats is judged, until the whole
// is so much that it matters whatever it was sent in.
const (
	evenSizes   = 0.7
	muchInBeats = 64 << 20
)

// traffic is what one source sends to all its destinations.
type traffic struct {
	largest float64 // sent to one destination
}

// judged is a pair that may become a finding.
type judged struct {
	pair    pair
	at      event.Observation
	parts   beaconParts
	beacon  bool
	count   int
	hist    []int64 // times, kept of regular pairs only
	talkers int
	out     transfer
}

// transfer sums what a pair sent.
type transfer struct {
	sent, received, largest float64
	at                      event.Observation // of the largest, or of the packed file
	file                    string
	puts                    int
	longest                 float64
}

// told is what one kind of log tells of a pair. Several kinds tell of the same connections, each with times of its own – a sensor of their beginning, a firewall
// of their end –, so they are not added up.
type told struct {
	now series
	out transfer
}

// timed is the series of the kind of log that tells most, and sent what the one saw that saw most sent; packed files and methods are those of any.
func (j *judge) told() (timed series, sent transfer) {
	none := true
	for i := range sources {
		t := j.logs[uint8(i)]
		if t == nil {
			continue
		}
		if t.now.count > timed.count {
			timed = t.now
		}
		x := t.out
		if none {
			sent, none = x, false
			continue
		}
		puts, longest := max(sent.puts, x.puts), max(sent.longest, x.longest)
		if x.file != "" && sent.file == "" || (x.file != "") == (sent.file != "") && x.sent > sent.sent {
			x.sent, x.received = max(x.sent, sent.sent), max(x.received, sent.received)
			sent = x
		} else if x.sent > sent.sent {
			sent.sent, sent.received = x.sent, x.received
		}
		sent.puts, sent.longest = puts, longest
	}
	return timed, sent
}

// forget makes room for the next pair.
func (j *judge) forget() {
	for _, l := range j.logs {
		*l = told{now: series{times: l.now.times[:0], sizes: l.now.sizes[:0]}}
		j.free = append(j.free, l)
	}
	clear(j.logs)
}

func newJudge() *judge {
	return &judge{from: math.MaxInt64, to: math.MinInt64, sources: map[string]*traffic{}, logs: map[uint8]*told{}}
}

// Add implements event.Judge.
func (j *judge) Add(o *event.Observation) {
	if string(o.Key) != string(j.key) || j.key == nil {
		j.endPair()
		j.key = append(j.key[:0], o.Key...)
		p, ok := parsePair(o.Key)
		if !ok {
			j.key = nil
			return
		}
		j.pair, j.first = p, own(o)
		if dst := string(p.kind) + p.dst + "\x00" + p.port; dst != j.dst {
			j.endDestination()
			j.dst = dst
		}
	}
	x, ok := parseObserved(o.Value)
	if !ok {
		return
	}
	j.from, j.to = min(j.from, o.Time), max(j.to, o.Time)
	l := j.logs[x.log]
	if l == nil {
		if n := len(j.free); n > 0 {
			l, j.free = j.free[n-1], j.free[:n-1]
		} else {
			l = &told{}
		}
		j.logs[x.log] = l
	}
	s := &l.now
	s.count++
	if len(s.times) < maxTimes {
		s.times = append(s.times, o.Time)
		if !math.IsNaN(x.sent) {
			s.sizes = append(s.sizes, x.sent)
		}
	}
	t := &l.out
	if !math.IsNaN(x.received) {
		t.received += x.received
	}
	if !math.IsNaN(x.duration) {
		t.longest = max(t.longest, x.duration)
	}
	if x.puts {
		t.puts++
	}
	if !math.IsNaN(x.sent) {
		t.sent += x.sent
		if x.sent > t.largest || t.at.Key == nil {
			t.largest = x.sent
			if t.file == "" {
				t.at = own(o)
			}
		}
	}
	if x.file != "" && (t.file == "" || !math.IsNaN(x.sent) && x.sent >= t.largest) {
		t.file, t.at = x.file, own(o)
	}
}

func own(o *event.Observation) event.Observation {
	c := *o
	c.Key = append([]byte{}, o.Key...)
	c.Value = nil
	return c
}

func (j *judge) endPair() {
	if j.key == nil || len(j.logs) == 0 {
		return
	}
	j.talker++
	now, out := j.told()
	defer j.forget()
	p := judged{pair: j.pair, at: j.first, count: now.count, out: out}
	src := j.sources[j.pair.src]
	if src == nil && len(j.sources) < maxSources {
		src = &traffic{}
		j.sources[j.pair.src] = src
	}
	if src != nil && j.pair.kind == byAddress {
		src.largest = max(src.largest, out.sent)
	}
	var keep bool
	if p.parts, p.beacon = now.regularities(); p.beacon {
		// Even with full marks for what is not yet known the score would stay below.
		best := p.parts
		best.histogram, best.duration = 1, 1
		if p.beacon = modify(best.score(), 0.3) >= reportScore; p.beacon {
			p.hist = slices.Clone(now.times)
			keep = true
			if p.parts.sizeKnown && p.parts.size >= evenSizes && p.out.sent < muchInBeats {
				p.out.sent = max(0, p.out.sent-float64(p.count)*quantile(slices.Sorted(slices.Values(now.sizes)), 0.5))
			}
		}
	}
	if p.out.file != "" || p.out.sent >= minUpload {
		keep = true
	}
	if keep {
		j.pairs = append(j.pairs, p)
	}
}

func (j *judge) endDestination() {
	for i := j.begins; i < len(j.pairs); i++ {
		j.pairs[i].talkers = j.talker
	}
	j.begins, j.talker = len(j.pairs), 0
}

// Conclude implements event.Judge.
func (j *judge) Conclude(emit func(event.Conclusion)) {
	j.endPair()
	j.endDestination()
	j.typical = typicalOf(j.sources)
	var all []event.Conclusion
	for i := range j.pairs {
		p := &j.pairs[i]
		if p.beacon {
			if c, ok := j.beacon(p); ok {
				all = append(all, c)
			}
		}
		if c, ok := j.upload(p); ok {
			all = append(all, c)
		}
	}
	slices.SortStableFunc(all, func(a, b event.Conclusion) int {
		return cmp.Or(cmp.Compare(a.Rule, b.Rule), cmp.Compare(b.Score, a.Score), cmp.Compare(string(a.At.Key), string(b.At.Key)))
	})
	for _, c := range all {
		emit(c)
	}
}

func (j *judge) beacon(p *judged) (event.Conclusion, bool) {
	parts := p.parts
	parts.histogram = evenness(histogramOf(p.hist, j.from, j.to))
	parts.duration = lasting(p.hist, j.from, j.to)
	score := parts.score()
	// How many talk to a destination says something about hosts of the organisation's own. Of a server that the world talks to it
	// says nothing about any one of them.
	share := float64(p.talkers) / float64(max(1, len(j.sources)))
	if len(j.sources) >= fewSources && private(p.pair.src) {
		switch {
		case p.talkers == 1 || share <= 0.02:
			score = modify(score, 0.15)
		case share >= 0.5:
			score = modify(score, -0.15)
		}
	}
	first := p.hist[0]
	if day := int64(24 * time.Hour); j.to-j.from > 30*day {
		switch age := j.to - first; {
		case age <= 7*day:
			score = modify(score, 0.15)
		case age >= 30*day:
			score = modify(score, -0.15)
		}
	}
	if ordinary(p.pair) {
		score = modify(score, -0.3)
	}
	if score < reportScore {
		return event.Conclusion{}, false
	}
	matched := append(p.ends(),
		event.Matched{Field: "connections", Value: strconv.Itoa(p.count)},
		event.Matched{Field: "interval", Value: parts.interval.Round(10 * time.Millisecond).String()},
		event.Matched{Field: "timing", Value: figure(parts.timing)})
	if parts.sizeKnown {
		matched = append(matched, event.Matched{Field: "size", Value: figure(parts.size)})
	}
	matched = append(matched,
		event.Matched{Field: "histogram", Value: figure(parts.histogram)},
		event.Matched{Field: "duration", Value: figure(parts.duration)},
		event.Matched{Field: "prevalence", Value: fmt.Sprintf("%d of %d", p.talkers, len(j.sources))})
	return event.Conclusion{Rule: Beacon, At: p.at, Score: round(score), Matched: matched}, true
}

// ordinary says whether a service keeps time by nature: clocks, name service, liveness.
func ordinary(p pair) bool {
	switch p.port {
	case "123", "53", "137", "138", "5353", "67", "68", "1900", "3702":
		return true
	}
	return false
}

func (p *judged) ends() []event.Matched {
	to := p.pair.dst
	if p.pair.port != "" {
		to += ":" + p.pair.port
	}
	return []event.Matched{{Field: "source", Value: p.pair.src}, {Field: "destination", Value: to}}
}

func round(x float64) float64 { return math.Round(x*1000) / 1000 }
func figure(x float64) string { return strconv.FormatFloat(round(x), 'f', 3, 64) }
func amount(x float64) string { return strconv.FormatFloat(x, 'f', 0, 64) }
