package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/contrail-ir/contrail/coverage"
	"github.com/contrail-ir/contrail/exposure"
)

// Wherever the certificate names a file, the name is masked, and the same name the same way.
func TestTheCertificateMasksEveryName(t *testing.T) {
	const name = "PNR_XK4P2L.log"
	m := &masking{masker: exposure.NewMasker(nil)}
	text, err := json.Marshal(m.certificate(&coverage.Certificate{
		Files:        []coverage.File{{Path: name, Original: name, SameAs: name}},
		Unrecognised: []coverage.Unread{{Path: name, Original: name}},
		NotRead:      []coverage.NotRead{{Path: name}},
	}))
	if err != nil || strings.Contains(string(text), "XK4P2L") || strings.Count(string(text), m.name(name)) != 6 {
		t.Errorf("%v %s", err, text)
	}
}
