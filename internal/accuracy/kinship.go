package accuracy

import (
	"fmt"
	"math"
	"slices"

	"github.com/contrail-ir/contrail/drill"
	"github.com/contrail-ir/contrail/kinship"
)

// Judged is what kinship said of one organisation whose role is known.
type Judged struct {
	Role     drill.Role
	Suffices bool // the logs are enough to settle what happened
	Verdict  kinship.Verdict
	Other    bool // another intrusion was reported
}

// Fault is a way of being wrong, gravest first.
type Fault int

// The faults of kinship.
const (
	CleanOnThin   Fault = iota // "not found" where the logs could not have shown it
	CleanOnVictim              // "not found" where the intruder was
	WrongHand                  // "same intrusion" where he was not
	Missed                     // less than he deserves, where he was
	Suspected                  // "related" where he was not
	Abstained                  // no answer where the logs suffice
	OtherUnseen                // another intrusion was there and not reported
	OtherInvented              // another intrusion was reported where nobody but the intruder was
)

// Faults lists them.
func Faults() []Fault {
	return []Fault{CleanOnThin, CleanOnVictim, WrongHand, Missed, Suspected, Abstained, OtherUnseen, OtherInvented}
}

func (f Fault) String() string {
	return [...]string{"a clean verdict on thin evidence", "a clean verdict on a victim", "the same intrusion, where it was not", "less than the same intruder deserves", "related, where it was not",
		"abstained where coverage suffices", "another intrusion not reported", "another intrusion invented"}[f]
}

// due are the verdicts that a role deserves, and whether another intrusion is there. A look-alike is a penetration test: to call it somebody
// else's intrusion is no error, and no intrusion neither.
var due = map[drill.Role]struct {
	verdicts []kinship.Verdict
	victim   bool // of the intruder
	other    bool
	either   bool // whether another intrusion is reported does not matter
}{
	drill.SameIndicators: {[]kinship.Verdict{kinship.SameIntrusion}, true, false, false},
	drill.Earlier:        {[]kinship.Verdict{kinship.SameIntrusion}, true, false, false},
	drill.Double:         {[]kinship.Verdict{kinship.SameIntrusion}, true, true, false},
	drill.Rebuilt:        {[]kinship.Verdict{kinship.Related, kinship.SameIntrusion}, true, false, false},
	drill.HopOnly:        {[]kinship.Verdict{kinship.Related, kinship.SameIntrusion}, true, false, true},
	drill.ThinAndHit:     {[]kinship.Verdict{kinship.NotEnough, kinship.Related, kinship.SameIntrusion}, true, false, true},
	drill.SameWayIn:      {[]kinship.Verdict{kinship.Unrelated}, false, true, false},
	drill.SharedSupplier: {[]kinship.Verdict{kinship.Unrelated}, false, true, false},
	drill.Unrelated:      {[]kinship.Verdict{kinship.Unrelated}, false, true, false},
	drill.Lookalike:      {[]kinship.Verdict{kinship.NotFound, kinship.Unrelated}, false, false, true},
	drill.Clean:          {[]kinship.Verdict{kinship.NotFound}, false, false, false},
	drill.Thin:           {[]kinship.Verdict{kinship.NotEnough}, false, false, false},
}

// Faults says what is wrong with a judgement; nothing when it is right. An organisation of a role that is not judged is an error of the caller.
func (j Judged) Faults() (out []Fault, err error) {
	d, ok := due[j.Role]
	if !ok {
		return nil, fmt.Errorf("accuracy: a role %q is not judged", j.Role)
	}
	if !slices.Contains(d.verdicts, j.Verdict) {
		switch {
		case j.Verdict == kinship.NotFound && !j.Suffices:
			out = append(out, CleanOnThin)
		case j.Verdict == kinship.NotFound && d.victim:
			out = append(out, CleanOnVictim)
		case j.Verdict == kinship.NotEnough:
			out = append(out, Abstained)
		case d.victim:
			out = append(out, Missed)
		case j.Verdict == kinship.SameIntrusion:
			out = append(out, WrongHand)
		default:
			out = append(out, Suspected)
		}
	}
	switch {
	case d.either || d.other == j.Other:
	case d.other:
		out = append(out, OtherUnseen)
	default:
		out = append(out, OtherInvented)
	}
	return out, nil
}

// Upper is the 95 % upper bound of a rate of which n of all were seen: 3/N at none, and otherwise the rate at which so few would be seen
// once in twenty times (Clopper and Pearson, 1934).
func Upper(n, all int) float64 {
	switch {
	case all <= 0 || n >= all:
		return 1
	case n == 0:
		return min(3/float64(all), 1)
	}
	low, high := float64(n)/float64(all), 1.0
	for range 60 {
		p := (low + high) / 2
		if atMost(n, all, p) > 0.05 {
			low = p
		} else {
			high = p
		}
	}
	return high
}

// atMost is the probability of n or fewer of all at a rate.
func atMost(n, all int, p float64) (sum float64) {
	for k := 0; k <= n; k++ {
		a, _ := math.Lgamma(float64(all + 1))
		b, _ := math.Lgamma(float64(k + 1))
		c, _ := math.Lgamma(float64(all - k + 1))
		sum += math.Exp(a - b - c + float64(k)*math.Log(p) + float64(all-k)*math.Log(1-p))
	}
	return sum
}
