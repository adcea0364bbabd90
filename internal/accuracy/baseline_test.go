package accuracy_test

import (
	"bytes"
	"slices"
	"sync"
	"testing"

	"github.com/contrail-ir/contrail/drill"
	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/finding"
	. "github.com/contrail-ir/contrail/internal/accuracy"
)

// rows notes every record with its time and the values that an analyst would count.
type rows struct {
	mu  sync.Mutex
	all []rowSeen
	n   map[string]int
}

type rowSeen struct {
	ref    Ref
	time   int64
	values []string
}

// countedFields are what an analyst would sort by rarity, of Windows and of the network.
var countedFields = []string{"Image", "CommandLine", "TargetFilename", "TargetObject", "DestinationIp", "QueryName", "NewProcessName", "ServiceName", "TaskName", "TargetUserName", "IpAddress", "ScriptBlockText",
	"id.resp_h", "query", "server_name", "host", "uri", "dst_ip", "src_ip", "user", "cs-host", "cs-uri-stem", "c-ip", "statement", "from"}

func (*rows) want(also event.Want) event.Want {
	fields := slices.Concat(also.Fields, countedFields)
	slices.Sort(fields)
	return event.Want{All: also.All, Fields: slices.Compact(fields)}
}

func (r *rows) Flush() error { return nil }
func (r *rows) Batch(f string, b *event.Batch) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for row := range b.Rows {
		s := rowSeen{ref: Ref{File: f, Record: b.Record[row]}, time: b.Time[row]}
		for _, name := range countedFields {
			if v := b.Column(name).Text(row); v != "" && v != "-" {
				s.values = append(s.values, name+"="+v)
				r.n[name+"="+v]++
			}
		}
		r.all = append(r.all, s)
	}
	return nil
}

// trivial gives what needs no trail: the findings of level high, the rarest values, and everything about the time, told even when the intruder began
// and ended.
func (c *swept) trivial(air *drill.AirlineTruth) map[string][]Claim {
	out := map[string][]Claim{}
	for i := range c.findings {
		if f := &c.findings[i]; f.Rule.Level >= finding.High {
			for _, r := range append([]finding.Ref{{File: f.File, Record: f.Record}}, f.Refs...) {
				out["rules of level high"] = append(out["rules of level high"], Claim{Ref: Ref(r)})
			}
		}
	}
	from, to := air.Actions[0].Time.UnixNano(), air.Actions[len(air.Actions)-1].Time.UnixNano()
	for _, x := range c.rows.all {
		if from <= x.time && x.time <= to {
			out["everything about the time"] = append(out["everything about the time"], Claim{Ref: x.ref})
		}
		for _, v := range x.values {
			if c.rows.n[v] <= 2 {
				out["rarest values"] = append(out["rarest values"], Claim{Ref: x.ref})
				break
			}
		}
	}
	return out
}

// near says whether a score comes within ten points of another in recall and in precision at once.
func near(s, ours Score) bool { return s.Recall > ours.Recall-0.1 && s.Precision > ours.Precision-0.1 }

// TestTrivialBaselinesStayBelow: what needs no trail must not come near trace, or the drill would prove nothing. The sector has its own test.
func TestTrivialBaselinesStayBelow(t *testing.T) {
	for _, seed := range seedRange(t) {
		root, truth := airline(t, seed)
		air := &truth.Airlines[0]
		c := sweepOf(t, root, 2, true)
		all := actions(air, "")
		ours := Judge(all, Claims(c.traces(t, nil)[0]))
		t.Logf("seed %d: trace recall %.3f precision %.3f", seed, ours.Recall, ours.Precision)
		for name, claims := range c.trivial(air) {
			s := Judge(all, claims)
			t.Logf("seed %d: %s: recall %.3f precision %.3f of %d references", seed, name, s.Recall, s.Precision, len(claims))
			if near(s, ours) {
				t.Errorf("seed %d: %s comes within ten points of trace", seed, name)
			}
		}
	}
}

// TestThreadsChangeNothing compares trails byte by byte.
func TestThreadsChangeNothing(t *testing.T) {
	root, _ := airline(t, seedRange(t)[0])
	var first []byte
	for _, threads := range []int{1, 7} {
		out := trace(t, root, threads)
		var b bytes.Buffer
		if err := out.Write(&b); err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = b.Bytes()
		} else if !bytes.Equal(first, b.Bytes()) {
			i := 0
			for i < min(len(first), b.Len()) && first[i] == b.Bytes()[i] {
				i++
			}
			t.Errorf("%d threads give another trail: …%s… and not …%s…", threads, around(b.Bytes(), i), around(first, i))
		}
	}
}

// around gives the bytes about a place.
func around(b []byte, at int) []byte { return b[max(at-200, 0):min(at+200, len(b))] }
