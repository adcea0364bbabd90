package match

import (
	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/finding"
	"github.com/contrail-ir/contrail/match/flow"
)

// Flows finds beacons and uploads.
func Flows() Observer { return flows{} }

type flows struct{ flow.Observer }

func (flows) Rules() []finding.Rule {
	return []finding.Rule{
		flow.Beacon: {ID: "contrail-beacon", Kind: finding.Beacon, Title: "Connection with the regularity of a beacon", Level: finding.Medium, Status: "stable",
			Author: "Contrail project", Tags: []string{"attack.command-and-control", "attack.t1071"}, Source: "//flow"},
		flow.Upload: {ID: "contrail-upload", Kind: finding.Upload, Title: "Upload of an unusual amount or of a packed file", Level: finding.Medium, Status: "stable",
			Author: "Contrail project", Tags: []string{"attack.exfiltration", "attack.t1048"}, Source: "//flow"},
	}
}

func (flows) Searches(_ event.RuleIndex, s event.Source) bool { return flow.Searches(s) }
