package scene

import (
	"slices"
	"time"
)

// Truth says what happened in a drill. Its JSON is docs/formats/drill.md.
type Truth struct {
	Scenario string           `json:"scenario"`
	Seed     uint64           `json:"seed"`
	Airlines []AirlineTruth   `json:"airlines"`
	Starts   map[string]Start `json:"starts"` // from where a trace is asked to begin
}

// AirlineTruth is the truth about one organisation.
type AirlineTruth struct {
	Name             string              `json:"name"`
	Role             string              `json:"role"` // first-victim, clean, …
	CoverageSuffices bool                `json:"coverage_suffices"`
	Actions          []Action            `json:"actions"` // by time
	Decoys           []Decoy             `json:"decoys"`
	Indicators       map[string][]string `json:"indicators"` // kind → values of this intrusion
	Persons          int                 `json:"persons"`    // passengers whose records left
	Artefacts        []Artefact          `json:"artefacts,omitempty"`
	Folder           string              `json:"folder,omitempty"` // of the airline in the sector's
}

// Start is a record of an airline from which a trace is asked to begin.
type Start struct {
	Airline string `json:"airline"`
	Ref
}

// Artefact is a file, whole, that an action or a decoy left.
type Artefact struct {
	File   string `json:"file"` // relative to the organisation's evidence folder
	What   string `json:"what"`
	Action string `json:"action,omitempty"` // its id; "" for a decoy
}

// Action is one thing the intruder did.
type Action struct {
	ID        string          `json:"id"`
	Host      string          `json:"host"`
	Technique string          `json:"technique"` // ATT&CK
	Stage     string          `json:"stage"`     // ATT&CK tactic
	Time      time.Time       `json:"time"`
	Text      string          `json:"text"`
	CausedBy  []string        `json:"caused_by"`
	Refs      []Ref           `json:"refs"`    // the records it left that are still in the logs
	Visible   bool            `json:"visible"` // at least one is
	Reachable map[string]bool `json:"reachable_from"`
}

// Decoy is innocent activity that looks like an intrusion.
type Decoy struct {
	What string `json:"what"`
	Refs []Ref  `json:"refs"`
}

// Ref is a record: the file relative to the organisation's evidence folder, and the EventRecordID.
type Ref struct {
	File   string `json:"file"`
	Record uint64 `json:"record"`
}

// Deed is an Action while its records are not numbered yet.
type Deed struct {
	Action
	entries []*Entry
}

// Note adds records to the action.
func (a *Deed) Note(entries ...*Entry) { a.entries = append(a.entries, With(entries...)...) }

type decoy struct {
	what    string
	entries []*Entry
}

func refs(entries []*Entry) []Ref {
	out := []Ref{}
	for _, e := range entries {
		if e.delivered {
			out = append(out, Ref{e.file, e.record})
		}
	}
	return out
}

// Truth settles what the logs still show, once they are written. Starts are named for a sector of one.
func (s *Scene) Truth(scenario, role string, suffices bool) Truth {
	t := Truth{Scenario: scenario, Seed: s.Seed, Starts: map[string]Start{}}
	slices.SortStableFunc(s.Actions, func(a, b *Deed) int { return a.Time.Compare(b.Time) })
	air := AirlineTruth{Name: s.Org.Name, Role: role, CoverageSuffices: suffices, Actions: []Action{},
		Indicators: s.indicators, Persons: s.Persons, Decoys: []Decoy{}, Artefacts: s.artefacts}
	for _, a := range s.Actions {
		a.Refs = refs(a.entries)
		a.Visible = len(a.Refs) > 0
		a.Reachable = map[string]bool{}
	}
	for name, records := range s.Starts {
		start := delivered(records)
		if start == nil {
			continue
		}
		t.Starts[name] = Start{s.Org.Name, Ref{start.file, start.record}}
		for a := range s.reach(start) {
			a.Reachable[name] = true
		}
	}
	for _, a := range s.Actions {
		air.Actions = append(air.Actions, a.Action)
	}
	for _, d := range s.decoys {
		if r := refs(d.entries); len(r) > 0 {
			air.Decoys = append(air.Decoys, Decoy{d.what, r})
		}
	}
	t.Airlines = []AirlineTruth{air}
	return t
}

// delivered gives the first record that is in the logs, nil when none is.
func delivered(entries []*Entry) *Entry {
	for _, e := range With(entries...) {
		if e.delivered {
			return e
		}
	}
	return nil
}

// reach follows cause links, in either direction, from the actions that own the start
// record. A link holds only where both ends are visible and their delivered records
// share a join key.
func (s *Scene) reach(start *Entry) map[*Deed]bool {
	keys := map[*Deed]map[string]bool{}
	byID := map[string]*Deed{}
	reached := map[*Deed]bool{}
	var queue []*Deed
	for _, a := range s.Actions {
		byID[a.ID] = a
		keys[a] = map[string]bool{}
		for _, e := range a.entries {
			if !e.delivered {
				continue
			}
			for _, k := range e.keys {
				keys[a][k] = true
			}
			if e == start && !reached[a] {
				reached[a] = true
				queue = append(queue, a)
			}
		}
	}
	linked := map[*Deed][]*Deed{}
	for _, a := range s.Actions {
		for _, id := range a.CausedBy {
			cause := byID[id]
			for k := range keys[a] {
				if keys[cause][k] {
					linked[a] = append(linked[a], cause)
					linked[cause] = append(linked[cause], a)
					break
				}
			}
		}
	}
	for len(queue) > 0 {
		a := queue[0]
		queue = queue[1:]
		for _, next := range linked[a] {
			if !reached[next] {
				reached[next] = true
				queue = append(queue, next)
			}
		}
	}
	return reached
}

// Entries are the records of the action so far.
func (a *Deed) Entries() []*Entry { return slices.Clone(a.entries) }
