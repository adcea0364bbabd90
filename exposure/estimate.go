package exposure

import (
	"fmt"
	"math"
)

// Sample is a part of a payload, or of what it was made from, that could be looked into.
type Sample struct {
	Bytes   float64 // looked at, unpacked
	Data    float64 // of these, how many hold records
	Records float64 // records in them
	Packed  float64 // size of the same bytes after compression, 0 when not known
	Inside  bool    // the bytes are part of the payload, not only like it
}

// Estimate is how many records a payload of known size holds that nobody can open.
type Estimate struct {
	Records  float64
	Interval [2]float64 // 90 %
	Share    float64    // that is data
	Size     float64    // bytes of data per record
	Ratio    float64    // unpacked to packed
	Usual    bool       // no sample told the ratio: it is what is usual
}

// Without any measurement: archivers bring personal data in text to a fifth, in nine of ten cases to
// between 45 % and 9 %; the spread is that of logarithms.
const (
	usualRatio       = 5
	usualRatioSpread = 0.5
)

// EstimateRecords gives
//
//	records = payload × ratio × share ÷ size
//
// with an interval that combines, as variances of logarithms, how well the samples know each factor:
//   - share: the part of the sampled bytes that is data, as a Beta posterior with Jeffreys' prior and the
//     effective number of samples (Σb)²/Σb² (Kish);
//   - size: bytes of data per record, a ratio estimate with its linearised variance (Cochran 1977, 6.3);
//   - ratio: the mean of the logarithms of the samples' own ratios.
//
// The quantile is Student's with the combined degrees of freedom (Satterthwaite 1946), so that few
// samples give a wide interval. packed says whether the payload is compressed. It needs a sample with records.
func EstimateRecords(payload float64, packed bool, samples []Sample) (Estimate, error) {
	var e Estimate
	var bytes, data, records, squares, inside, insidePacked float64
	n, withRecords := 0.0, 0.0
	for _, s := range samples {
		if !(s.Bytes > 0) || s.Data < 0 || s.Data > s.Bytes || s.Records < 0 || math.IsInf(s.Bytes, 0) {
			continue
		}
		n++
		bytes += s.Bytes
		squares += s.Bytes * s.Bytes
		if s.Inside {
			inside += s.Bytes
			insidePacked += s.Packed
		}
		data += s.Data
		if s.Records > 0 && s.Data > 0 {
			records += s.Records
			withRecords++
		}
	}
	if withRecords == 0 || !(payload > 0) || math.IsInf(payload, 0) {
		return e, fmt.Errorf("exposure: estimate records: no sample holds records, or the payload is empty: count one readable file of the same kind first")
	}

	// What was looked into is known: only the rest is uncertain (finite population correction).
	rest := 1.0
	if packed {
		inside = insidePacked
	}
	if inside < payload {
		rest = 1 - inside/payload
	}

	// Share.
	p, effective := data/bytes, bytes*bytes/squares
	a, b := p*effective+0.5, (1-p)*effective+0.5
	variance := shareVariance(a, b) * rest
	center := math.Log(payload) + digamma(a) - digamma(a+b)
	e.Share = p

	// Size, over the samples that hold data.
	var dataOfRecords, residuals float64
	for _, s := range samples {
		if s.Records > 0 && s.Data > 0 && s.Bytes > 0 && s.Data <= s.Bytes {
			dataOfRecords += s.Data
		}
	}
	e.Size = dataOfRecords / records
	for _, s := range samples {
		if s.Records > 0 && s.Data > 0 && s.Bytes > 0 && s.Data <= s.Bytes {
			r := s.Data - e.Size*s.Records
			residuals += r * r
		}
	}
	sizeVariance := 0.15 * 0.15 // a single sample says nothing about how sizes differ
	if withRecords >= 2 {
		sizeVariance = residuals / (dataOfRecords * dataOfRecords) * withRecords / (withRecords - 1) * rest
	}
	variance += sizeVariance
	center -= math.Log(e.Size)

	// Ratio.
	e.Ratio = 1
	// Welch and Satterthwaite: each variance counts with its own degrees of freedom. The posterior of
	// the share has its uncertainty in it.
	unsure := sizeVariance * sizeVariance / math.Max(withRecords-1, 1)
	if packed {
		var sum, sumSquares, known float64
		for _, s := range samples {
			if s.Packed > 0 && s.Bytes > 0 && s.Data > 0 {
				l := math.Log(s.Bytes / s.Packed)
				sum += l
				sumSquares += l * l
				known++
			}
		}
		mean, spread := math.Log(usualRatio), usualRatioSpread*usualRatioSpread
		e.Usual = known == 0
		switch {
		case known >= 2:
			mean = sum / known
			// The payload was packed by another program or level than the samples, as a rule.
			spread = math.Max(sumSquares/known-mean*mean, 0)/(known-1) + 0.08*0.08
		case known == 1:
			mean, spread = sum, 0.2*0.2
		}
		variance += spread
		unsure += spread * spread / math.Max(known-1, 1)
		center += mean
		e.Ratio = math.Exp(mean)
	}
	freedom := variance * variance / math.Max(unsure, 1e-300)
	half := student90(freedom) * math.Sqrt(variance)
	e.Records = math.Exp(center)
	e.Interval = [2]float64{math.Exp(center - half), math.Exp(center + half)}
	// A payload cannot hold more than if all of it were data.
	if most := payload * e.Ratio / e.Size * math.Exp(student90(freedom)*math.Sqrt(math.Max(variance-shareVariance(a, b)*rest, 0))); e.Interval[1] > most {
		e.Interval[1] = math.Max(most, e.Records)
	}
	return e, nil
}

func shareVariance(a, b float64) float64 { return trigamma(a) - trigamma(a+b) }

// student90 is the two-sided 90 % quantile of Student's distribution (Hill's expansion about the normal
// quantile, good to 1 % from three degrees on).
func student90(freedom float64) float64 {
	const z = 1.6448536
	if freedom <= 2 {
		return 2.92
	}
	z3, z5 := z*z*z, z*z*z*z*z
	return z + (z3+z)/(4*freedom) + (5*z5+16*z3+3*z)/(96*freedom*freedom)
}

// digamma and trigamma by recurrence and asymptotic series (Abramowitz and Stegun 6.3.18, 6.4.12).
func digamma(x float64) float64 {
	r := 0.0
	for ; x < 8; x++ {
		r -= 1 / x
	}
	f := 1 / (x * x)
	return r + math.Log(x) - 0.5/x - f*(1.0/12-f*(1.0/120-f/252))
}

func trigamma(x float64) float64 {
	r := 0.0
	for ; x < 8; x++ {
		r += 1 / (x * x)
	}
	f := 1 / (x * x)
	return r + 1/x + f/2 + f/x*(1.0/6-f*(1.0/30-f/42))
}

// Payload is something that left, or lies ready, and cannot be read: an encrypted archive, an upload of
// which only the size is known.
type Payload struct {
	Org     string   `json:"org"`
	Status  Status   `json:"status"`
	Name    string   `json:"name"`
	Bytes   int64    `json:"bytes"`
	Packed  bool     `json:"packed"`
	Samples []Sample `json:"samples,omitempty"` // none: the files counted for the organisation serve
}

// AddPayload enters a payload; the estimate is made with the result, from all that was read by then.
func (c *Counter) AddPayload(p Payload) { c.payloads = append(c.payloads, p) }

// Observation is a count that somebody else made: rows returned in a database's audit log, bytes in the log of a sensor.
type Observation struct {
	Org     string  `json:"org"`
	Status  Status  `json:"status"`
	Kind    string  `json:"kind"` // as in results, for example passenger-record, or what the log counts
	Unit    string  `json:"unit"`
	Lower   uint64  `json:"lower"`
	Upper   *uint64 `json:"upper"`             // null when nothing bounds it
	Source  string  `json:"source"`            // where it is written
	By      string  `json:"by,omitempty"`      // whose doing it was: an account or address
	Records uint64  `json:"records,omitempty"` // of the source that tell of it
	Unsaid  uint64  `json:"unsaid,omitempty"`  // and of those that do not say how much
}

// Observe enters a count that is not in data this package can read. It is listed on its own, since it
// may speak of the same records as counted ones.
func (c *Counter) Observe(o Observation) { c.observed = append(c.observed, o) }
