package flow

import (
	"math"
	"slices"
	"time"
)

const (
	// minConnections is how many connections a pair needs to be judged: fewer have quartiles that mean nothing.
	minConnections = 12
	// maxTimes bounds what is kept of a pair. A pair with more is judged by its first so many.
	maxTimes = 1 << 18
	// reportScore is the score from which a beacon is a finding. It is low because what is wanted is a ranking: an interactive
	// session of minutes within hours of evidence lasts too short to score high.
	reportScore = 0.40
	buckets     = 24
	// fewSources is how many sources an organisation must have for prevalence to mean anything.
	fewSources = 20
)

// series is what is kept of the pair under way.
type series struct {
	times []int64 // nanoseconds, ascending
	sizes []float64
	count int
}

// beaconParts are the four parts of the score, each 0 to 1, and whether a part could be judged.
type beaconParts struct {
	timing, size, histogram, duration float64
	sizeKnown                         bool
	interval                          time.Duration // median
}

// regularity is the mean of two measures of how alike numbers are: one minus the absolute Bowley skewness (quartiles lie
// symmetrically about the median) and one minus the median absolute deviation relative to the median.
func regularity(xs []float64) float64 {
	sorted := slices.Clone(xs)
	slices.Sort(sorted)
	q1, q2, q3 := quantile(sorted, 0.25), quantile(sorted, 0.5), quantile(sorted, 0.75)
	skew := 0.0
	if q3 > q1 && q2 != q1 && q2 != q3 { // else the quartiles are too close to speak of a side
		skew = math.Abs((q1 + q3 - 2*q2) / (q3 - q1))
	}
	if q2 <= 0 {
		return 0
	}
	for i, x := range sorted {
		sorted[i] = math.Abs(x - q2)
	}
	slices.Sort(sorted)
	deviation := math.Min(1, quantile(sorted, 0.5)/q2)
	return (1 - skew + 1 - deviation) / 2
}

// quantile interpolates linearly between neighbours of sorted numbers.
func quantile(sorted []float64, q float64) float64 {
	at := q * float64(len(sorted)-1)
	lo := int(at)
	if lo+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	return sorted[lo] + (at-float64(lo))*(sorted[lo+1]-sorted[lo])
}

// timing and size are judged as soon as the pair is complete; the other parts need the span of all evidence.
func (s *series) regularities() (p beaconParts, ok bool) {
	if len(s.times) < minConnections {
		return p, false
	}
	deltas := make([]float64, 0, len(s.times)-1)
	for i := 1; i < len(s.times); i++ {
		// Connections opened at once, as browsers do, are one moment.
		if d := s.times[i] - s.times[i-1]; d >= int64(100*time.Millisecond) {
			deltas = append(deltas, float64(d)/1e9)
		}
	}
	if len(deltas) < minConnections-1 {
		return p, false
	}
	p.timing = regularity(deltas)
	slices.Sort(deltas)
	p.interval = time.Duration(quantile(deltas, 0.5) * 1e9)
	if p.sizeKnown = len(s.sizes) >= minConnections; p.sizeKnown {
		p.size = regularity(s.sizes)
	}
	return p, true
}

// histogramOf counts times in equal parts of a span.
func histogramOf(times []int64, from, to int64) (h [buckets]float64) {
	width := float64(to-from)/buckets + 1
	for _, t := range times {
		h[min(buckets-1, max(0, int(float64(t-from)/width)))]++
	}
	return h
}

// evenness judges a histogram: one minus its coefficient of variation, so that equal work in every part of the span gives 1;
// or, when work comes in two modes (a beacon that sleeps at night), the share of parts that lie close to one of two heights.
func evenness(h [buckets]float64) float64 {
	mean, n := 0.0, 0
	for _, x := range h {
		mean += x / buckets
		if x > 0 {
			n++
		}
	}
	if mean == 0 {
		return 0
	}
	variance := 0.0
	for _, x := range h {
		variance += (x - mean) * (x - mean) / buckets
	}
	even := math.Max(0, 1-math.Sqrt(variance)/mean)
	if n < buckets/2 {
		return even
	}
	busy := make([]float64, 0, n)
	for _, x := range h {
		if x > 0 {
			busy = append(busy, x)
		}
	}
	slices.Sort(busy)
	mid := quantile(busy, 0.5)
	close := 0.0
	for _, x := range h {
		if x == 0 || math.Abs(x-mid) <= 0.2*mid+1 {
			close++
		}
	}
	return math.Max(even, close/buckets*float64(n)/buckets)
}

// lasting judges how much of the span a pair covers: from its first to its last connection, or by the longest run of
// consecutive hours with a connection, of which twelve are full marks.
func lasting(times []int64, from, to int64) float64 {
	coverage := 0.0
	if to > from {
		coverage = float64(times[len(times)-1]-times[0]) / float64(to-from)
	}
	run, longest, last := 0, 0, int64(math.MinInt64)
	for _, t := range times {
		switch hour := t / int64(time.Hour); hour {
		case last:
		case last + 1:
			run++
			last = hour
		default:
			run, last = 1, hour
		}
		longest = max(longest, run)
	}
	return math.Min(1, math.Max(coverage, float64(longest)/12))
}

// score joins the parts. A part that the source cannot tell is left out, and the others weigh more; RITA scores it 0, which hides
// beacons from sources without byte counts.
func (p *beaconParts) score() float64 {
	if !p.sizeKnown {
		return (p.timing + p.histogram + p.duration) / 3
	}
	return (p.timing + p.size + p.histogram + p.duration) / 4
}

// modify moves a score towards 1 or 0 by a share of what is left, so that order among equals is kept where adding and cutting
// off would lose it.
func modify(score, by float64) float64 {
	if by >= 0 {
		return score + by*(1-score)
	}
	return score + by*score
}
