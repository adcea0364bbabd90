package fingerprint

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// Trail is what this package and kinship take from a trail.json; its shape is the one that docs promise to all programs.
type Trail struct {
	Org         string      `json:"org"`
	Established *bool       `json:"established"` // absent in a trail that does not say: then an implant or stages mean yes
	Nodes       []TrailNode `json:"nodes"`
	Edges       []struct {
		From string     `json:"from"`
		To   string     `json:"to"`
		Kind string     `json:"kind"`
		Time string     `json:"time"`
		Part int        `json:"part"`
		Refs []TrailRef `json:"refs"`
	} `json:"edges"`
	Stages  []Stage `json:"stages"`
	Implant []struct {
		Name   string     `json:"name"`
		Paths  []string   `json:"paths"` // "host: path"
		SHA256 []string   `json:"sha256"`
		Hosts  []string   `json:"hosts"`
		Refs   []TrailRef `json:"refs"`
	} `json:"implant"`
	Brought []struct {
		Name string `json:"name"`
	} `json:"tools"`
	Infrastructure []struct {
		Value string     `json:"value"`
		Kind  string     `json:"kind"`
		Role  string     `json:"role"`
		First string     `json:"first"`
		Refs  []TrailRef `json:"refs"`
	} `json:"infrastructure"`
	Access struct {
		Technique string     `json:"technique"`
		Text      string     `json:"text"`
		Refs      []TrailRef `json:"refs"`
	} `json:"access"`
	Hosts []struct {
		Host string `json:"host"`
	} `json:"hosts"`
	Accounts []struct {
		Account string     `json:"account"`
		Made    bool       `json:"made"`
		Refs    []TrailRef `json:"refs"`
	} `json:"accounts"`
	Persistence []struct {
		Kind string     `json:"kind"`
		Name string     `json:"name"`
		Refs []TrailRef `json:"refs"`
	} `json:"persistence"`
	Staged []struct {
		Path string     `json:"path"`
		Refs []TrailRef `json:"refs"`
	} `json:"staged"`
}

// TrailNode is a node of a trail.
type TrailNode struct {
	ID    string     `json:"id"`
	Kind  string     `json:"kind"`
	Host  string     `json:"host"`
	Label string     `json:"label"`
	Refs  []TrailRef `json:"refs"`
}

// Stage is one technique of a trail.
type Stage struct {
	Tactic    string     `json:"tactic"`
	Technique string     `json:"technique"`
	Time      string     `json:"time"`
	Text      string     `json:"text"`
	Refs      []TrailRef `json:"refs"`
}

// TrailRef is a reference of a trail with its role.
type TrailRef struct {
	File   string `json:"file"`
	Record uint64 `json:"record"`
	Role   string `json:"role"`
}

// maxTrailBytes bounds a trail.json.
const maxTrailBytes = 256 << 20

// ReadTrail reads a trail.json. Keys that are not needed are let pass.
func ReadTrail(r io.Reader) (*Trail, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxTrailBytes+1))
	if err != nil {
		return nil, fmt.Errorf("fingerprint: read trail: %w", err)
	}
	if len(b) > maxTrailBytes {
		return nil, fmt.Errorf("fingerprint: read trail: longer than %d bytes", maxTrailBytes)
	}
	t := &Trail{}
	if err := json.Unmarshal(b, t); err != nil {
		return nil, fmt.Errorf("fingerprint: read trail: %w", err)
	}
	return t, nil
}

// Intrusion says whether the trail established one.
func (t *Trail) Intrusion() bool {
	if t.Established != nil {
		return *t.Established
	}
	return len(t.Implant) > 0 || len(t.Stages) > 0
}

// Techniques gives the ATT&CK techniques in the order in which they were first used, the way in left out because other intruders share it.
func (t *Trail) Techniques() []string {
	var out []string
	seen := map[string]bool{}
	for _, s := range t.byTime() {
		if s.Tactic == "initial-access" || !isTechnique(s.Technique) || seen[s.Technique] {
			continue
		}
		seen[s.Technique] = true
		out = append(out, s.Technique)
	}
	return out
}

// Tools gives the names of the public programs among the trail's processes, sorted.
func (t *Trail) Tools() []string {
	tools := map[string]bool{}
	for i := range t.Nodes {
		if n := &t.Nodes[i]; n.Kind == "process" {
			image, _, _ := strings.Cut(n.Label, " [")
			if b := strings.ToLower(baseName(image)); publicName(b) {
				tools[strings.TrimSuffix(b, ".exe")] = true
			}
		}
	}
	return sortedKeys(tools)
}

// onDevice gives the commands that were given to a network device and by no program, service or task.
func (t *Trail) onDevice() map[string]bool {
	kind := map[string]string{}
	for i := range t.Nodes {
		kind[t.Nodes[i].ID] = t.Nodes[i].Kind
	}
	out := map[string]bool{}
	for i := range t.Edges {
		e := &t.Edges[i]
		if e.Kind != "has-command" {
			continue
		}
		switch kind[e.From] {
		case "process", "service", "task", "wmi":
			out[e.To] = false
		default:
			if _, known := out[e.To]; !known {
				out[e.To] = true
			}
		}
	}
	return out
}

// Hours gives the hours of the day, UTC, in which the trail's stages began, as a working-hours item has them; "" when there are too few
// stages or they spread over the day.
func (t *Trail) Hours() string { return workingHours(t.Stages) }

// First gives the time of the first known activity: that of the intruder's own program, and of the stages before it of which each lies
// within three days of the next. A stage that stands apart from all others weeks before is not taken for the beginning, since what was
// followed wrongly would make ordinary days the intruder's. Without a program of his own it is the earliest stage; "" when none has a time.
func (t *Trail) First() string {
	stages := slices.DeleteFunc(t.byTime(), func(s Stage) bool { at, err := moment(s.Time); return err != nil || at.IsZero() })
	if len(stages) == 0 {
		return ""
	}
	first, _ := moment(stages[0].Time)
	text := stages[0].Time
	own, ok := t.firstOfProgram()
	if !ok {
		return text
	}
	const apart = 72 * time.Hour
	begin, at := own, own.UTC().Format(time.RFC3339Nano)
	for _, s := range slices.Backward(stages) {
		if then, _ := moment(s.Time); then.Before(begin) && begin.Sub(then) <= apart {
			begin, at = then, s.Time
		}
	}
	if begin.Before(first) {
		return text
	}
	return at
}

// firstOfProgram gives the earliest time at which a process of the intruder's own program did or suffered anything.
func (t *Trail) firstOfProgram() (first time.Time, ok bool) {
	mine := map[string]bool{}
	for _, i := range t.Implant {
		if n := strings.ToLower(baseName(i.Name)); !publicName(n) {
			mine[n] = true
		}
	}
	names := t.programs()
	for _, e := range t.Edges {
		if !mine[names[e.From]] && !mine[names[e.To]] {
			continue
		}
		if at, err := moment(e.Time); err == nil && !at.IsZero() && (!ok || at.Before(first)) {
			first, ok = at, true
		}
	}
	return first, ok
}
