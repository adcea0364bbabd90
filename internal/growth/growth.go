// Package growth lets tests say how the cost of work grows with its input, or compares with other work, without saying how long anything
// takes: only ratios measured in the same run are asserted, of processor time where the system tells it per thread, so neither a slow
// machine nor one that others use makes a test fail. It refuses nothing and asserts nothing about parallel work: what other goroutines
// do for the work is not counted.
package growth

import (
	"math"
	"runtime"
	"testing"
	"time"
)

const (
	rounds = 12
	// floor is what a cost counts for at least: below it the clock's steps and single interruptions decide.
	floor = time.Millisecond
)

// AtMost fails the test when work costs more than most times what base costs. Both are run in turns, the least cost of each counts, and a
// ratio that is too high is measured again before it is believed.
func AtMost(t testing.TB, what string, most float64, base, work func()) {
	t.Helper()
	if ratio := Ratio(most, base, work); ratio > most {
		t.Errorf("%s costs %.1f times as much, not %.1f times at most", what, ratio, most)
	}
}

// Linear fails the test when the work for 2n costs more than 24 times the work for n/4: what grows with its input costs eight times as
// much, what grows with the square 64 times, and the clock, the collector, growing stacks and the step to a second segment stay well within.
func Linear(t testing.TB, what string, n int, prepare func(n int) (work func())) {
	t.Helper()
	const most = 24
	if ratio := Ratio(most, prepare(n/4), prepare(2*n)); ratio > most {
		t.Errorf("%s costs %.1f times as much when there is eight times as much of it", what, ratio)
	}
}

// Ratio gives the cost of work in costs of base. It measures at least twice, and again while the ratio is above enough.
func Ratio(enough float64, base, work func()) (ratio float64) {
	least := [2]time.Duration{math.MaxInt64, math.MaxInt64}
	for round := range rounds {
		for i, run := range []func(){base, work} {
			least[i] = max(floor, min(least[i], Cost(run)))
		}
		ratio = float64(least[1]) / float64(least[0])
		if round > 0 && ratio <= enough || round > 3 && ratio > 2*enough {
			break
		}
	}
	return ratio
}

// Cost gives the processor time that the goroutine's thread worked, or the time that passed where the system does not tell.
func Cost(run func()) time.Duration {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	began := threadTime()
	run()
	return threadTime() - began
}

// Live samples how many bytes the program holds after everything that is no longer used was freed.
func Live() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// Allocated gives how many bytes a run asked for, whether they were freed again or not.
func Allocated(run func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	run()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}
