package stix

import (
	"testing"

	"github.com/contrail-ir/contrail/internal/conformance"
)

// validate runs the common validator over a bundle.
func validate(t *testing.T, b *Bundle) {
	t.Helper()
	raw, err := b.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	conformance.ValidSTIX(t, map[string][]byte{"bundle": raw})
}

func TestCommonValidatorAcceptsEverythingWeEmit(t *testing.T) {
	validate(t, &Bundle{Objects: samples()})
}
