package report

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/contrail-ir/contrail/finding"
	"github.com/contrail-ir/contrail/sweep"
)

// recorder notes its calls, and fails at one of them.
type recorder struct {
	calls  []string
	failAt int
	err    error
}

func (r *recorder) note(call string) error {
	r.calls = append(r.calls, call)
	if r.failAt > 0 && len(r.calls) >= r.failAt {
		return r.err
	}
	return nil
}

func (r *recorder) Finding(f *finding.Finding) error { return r.note(fmt.Sprint(f.Record)) }
func (r *recorder) End(*sweep.Result) error          { return r.note("end") }

func TestHandlersBesideSeeAllInOrder(t *testing.T) {
	for _, n := range []int{0, 1, waitingFindings, 10*waitingFindings + 3} {
		first, second := &recorder{}, &recorder{}
		h, stop := Beside(first, second)
		var want []string
		for i := range n {
			f := &finding.Finding{Record: uint64(i)}
			if i%100 == 0 {
				f.Event = make([]byte, waitingBytes)
			}
			if err := h.Finding(f); err != nil {
				t.Fatal(err)
			}
			want = append(want, fmt.Sprint(i))
		}
		if err := h.End(&sweep.Result{}); err != nil {
			t.Fatal(err)
		}
		stop()
		want = append(want, "end")
		for _, r := range []*recorder{first, second} {
			if got := strings.Join(r.calls, " "); got != strings.Join(want, " ") {
				t.Fatalf("%d findings: %s", n, got)
			}
		}
	}
}

func TestAFailureBesideIsTold(t *testing.T) {
	bad := errors.New("disk full")
	for _, at := range []int{1, 300, 1001} { // the last is the end
		for which := range 2 {
			rs := []*recorder{{}, {}}
			rs[which].failAt, rs[which].err = at, bad
			h, stop := Beside(rs[0], rs[1])
			var err error
			for i := 0; i < 1000 && err == nil; i++ {
				err = h.Finding(&finding.Finding{Record: uint64(i)})
			}
			if err == nil {
				err = h.End(&sweep.Result{})
			}
			stop()
			if !errors.Is(err, bad) {
				t.Errorf("handler %d failing at call %d: %v", which, at, err)
			}
			if n := len(rs[which].calls); n != at {
				t.Errorf("handler %d was called %d times, after it had failed at %d", which, n, at)
			}
		}
	}
}

func TestStoppingBeforeTheEndEndsTheOthers(t *testing.T) {
	second := &recorder{}
	h, stop := Beside(&recorder{}, second)
	_ = h.Finding(&finding.Finding{})
	stop()
	stop()
	if len(second.calls) > 0 {
		t.Errorf("what was not handed over was handled: %v", second.calls)
	}
}
