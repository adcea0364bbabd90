package rules_test

import (
	"testing"

	"github.com/contrail-ir/contrail/match/sigma"
	"github.com/contrail-ir/contrail/rules"
)

// TestNoRuleIsTriedOnEveryEvent: each has words by which the events are chosen that it is tried on; a dozen without would halve the speed of a sweep.
func TestNoRuleIsTriedOnEveryEvent(t *testing.T) {
	set, rejected := sigma.Compile(sigma.LoadFS(rules.FS, "."), sigma.Options{})
	if len(rejected) > 0 || set.Len() < 140 {
		t.Errorf("%d rules, rejected %+v", set.Len(), rejected)
	}
	for _, i := range set.Unwitnessed() {
		t.Errorf("%q is tried on every event of %s", set.Rule(i).Title, set.Rule(i).Logsource)
	}
}
