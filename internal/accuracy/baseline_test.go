package accuracy_test

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/contrail-ir/contrail/drill"
	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/evidence"
	"github.com/contrail-ir/contrail/finding"
	. "github.com/contrail-ir/contrail/internal/accuracy"
	"github.com/contrail-ir/contrail/match"
	"github.com/contrail-ir/contrail/rules"
	"github.com/contrail-ir/contrail/sweep"
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

var countedFields = []string{"Image", "CommandLine", "TargetFilename", "TargetObject", "DestinationIp", "QueryName", "NewProcessName", "ServiceName", "TaskName", "TargetUserName", "IpAddress", "ScriptBlockText"}

func (*rows) Needs() event.Needs           { return event.Everything() }
func (r *rows) Tapper(string) sweep.Tapper { return r }
func (r *rows) Flush() error               { return nil }
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

// TestTrivialBaselinesStayBelow: what needs no trail – the findings of level high, the rarest values, everything about the time – must not come within
// ten points of trace in recall and in precision at once, or the drill would prove nothing.
func TestTrivialBaselinesStayBelow(t *testing.T) {
	for _, seed := range seedRange(t) {
		dir := filepath.Join(t.TempDir(), fmt.Sprint(seed))
		truth, err := drill.Airline(dir, drill.Options{Seed: seed})
		if err != nil {
			t.Fatal(err)
		}
		air := &truth.Airlines[0]
		set, _ := match.Load(match.Question{BuiltIn: rules.FS})
		r := &rows{n: map[string]int{}}
		var c collected
		q := sweep.Question{Roots: []evidence.Root{{Org: "a", Path: filepath.Join(dir, "evidence")}}, Formats: evidence.Formats(), Rules: set, TempDir: t.TempDir(), Tap: r, NoEvent: true}
		if err := sweep.Run(context.Background(), q, &c, nil); err != nil {
			t.Fatal(err)
		}
		var alerts, rare, near []Claim
		for i := range c.findings {
			if f := &c.findings[i]; f.Rule.Level >= finding.High {
				alerts = append(alerts, Claim{Ref: Ref{File: f.File, Record: f.Record}})
			}
		}
		start := truth.Starts["service"]
		at := int64(0)
		for _, x := range r.all {
			if x.ref == Ref(start.Ref) {
				at = x.time
			}
		}
		for _, x := range r.all {
			if d := x.time - at; -int64(time.Hour) <= d && d <= int64(55*time.Hour) { // even told how long it lasted
				near = append(near, Claim{Ref: x.ref})
			}
			for _, v := range x.values {
				if r.n[v] <= 2 {
					rare = append(rare, Claim{Ref: x.ref})
					break
				}
			}
		}
		out, _ := trace(t, filepath.Join(dir, "evidence"), 2)
		all := actions(air, "")
		ours := Judge(all, Claims(out))
		t.Logf("seed %d: trace recall %.3f precision %.3f", seed, ours.Recall, ours.Precision)
		for name, claims := range map[string][]Claim{"findings of level high": alerts, "rarest values": rare, "everything about the time": near} {
			s := Judge(all, claims)
			t.Logf("seed %d: %s: recall %.3f precision %.3f of %d references", seed, name, s.Recall, s.Precision, len(claims))
			if s.Recall > ours.Recall-0.1 && s.Precision > ours.Precision-0.1 {
				t.Errorf("seed %d: %s comes within ten points of trace", seed, name)
			}
		}
	}
}

// TestThreadsChangeNothing compares trails byte by byte.
func TestThreadsChangeNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "x")
	if _, err := drill.Airline(dir, drill.Options{Seed: 5}); err != nil {
		t.Fatal(err)
	}
	var first []byte
	for _, threads := range []int{1, 2, 7} {
		out, _ := trace(t, filepath.Join(dir, "evidence"), threads)
		var b bytes.Buffer
		if err := out.Write(&b); err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = b.Bytes()
		} else if !bytes.Equal(first, b.Bytes()) {
			t.Errorf("%d threads give another trail", threads)
		}
	}
}
