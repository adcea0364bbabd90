package match

import (
	"fmt"
	"slices"
	"testing"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/match/sigma"
)

const twoRules = `
title: a
name: a
logsource: {category: test}
detection: {s: {kind: a}, condition: s}
---
title: b
name: b
logsource: {category: test}
detection: {s: {kind: b}, condition: s}
---
title: both
correlation: {type: event_count, rules: [a, b], timespan: 10s, condition: {gte: 2}}
---
title: alone
correlation: {type: temporal, timespan: 10s, condition: a and not b}
`

// Once every hit was an event of its own, so that one event of two rules made a pair.
func TestHitsOfOneEventAreOneEvent(t *testing.T) {
	e, rejected := Sigma(sigma.Parse("", []byte(twoRules)), Selection{})
	if len(rejected) > 0 {
		t.Fatal(rejected)
	}
	c := New([]Engine{e}).Correlator()
	var got []string
	tell := func(r Correlated) {
		at := ""
		if r.At != nil {
			at = fmt.Sprintf(" at %s %d/%d", r.At.Host, r.At.Record, r.At.Time)
		}
		got = append(got, fmt.Sprint(e.Describe(r.Rule).Title, r.Refs, at))
	}
	const second = 1_000_000_000
	hit := func(rule event.RuleIndex, time int64, record, offset uint64) {
		h := Hit{Rule: rule, Time: time * second, Host: "h", File: "f", Record: record, Offset: offset}
		c.Advance(h.Time, tell)
		c.Add(&h, tell)
	}
	hit(0, 100, 1, 10)
	hit(1, 100, 1, 10) // the same event by the other rule
	hit(0, 200, 2, 10)
	hit(0, 200, 2, 20) // another event of the same record number, from a deleted record
	hit(1, 200, 2, 10)
	hit(1, 200, 2, 20)
	hit(0, 300, 3, 10)
	c.Finish(310*second, tell)
	want := []string{"both[{f 2} {f 2}]", "alone[{f 3}] at h 3/310000000001"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
