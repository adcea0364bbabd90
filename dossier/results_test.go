package dossier

import (
	"strings"
	"testing"
)

// An interval that has no width because nothing that was counted is uncertain must not look like certainty about what nobody can open.
func TestPersonsOnTheFirstLine(t *testing.T) {
	kind := func(rest string) string {
		return `{"orgs":[{"org":"a","kinds":[{"kind":"person","unit":"persons","status":"staged",` + rest + `}]}]}`
	}
	for in, want := range map[string]figure{
		kind(`"exact":300,"lower":300,"upper":300,"interval":[300,300]`):   {"Persons, staged", "300", "a"},
		kind(`"exact":null,"lower":300,"upper":null,"interval":[300,300]`): {"Persons, staged", "at least 300", "a; without what cannot be opened"},
		kind(`"exact":null,"lower":300,"upper":null,"interval":[310,900]`): {"Persons, staged", "at least 300", "a; 90 % between 310 and 900"},
	} {
		var v view
		if err := v.exposure(1, "a", strings.NewReader(in)); err != nil || len(v.Figures) != 1 || v.Figures[0] != want {
			t.Errorf("%s: %v %v, want %v", in, v.Figures, err, want)
		}
	}
}
