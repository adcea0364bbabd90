package trail

import (
	"encoding/json"
	"fmt"
	"io"
)

// Trail is what trail.json holds; docs/formats/trail.md describes it.
type Trail struct {
	Org         string `json:"org"`
	Established bool   `json:"established"` // an intrusion; when false Why says what was missing
	Why         string `json:"why"`
	Signs       []Sign `json:"signs"`         // that speak for an intrusion, of the start that came closest when none is established
	Cut         bool   `json:"cut,omitempty"` // the walk was ended by its bound

	Nodes  []NodeView `json:"nodes"`
	Edges  []EdgeView `json:"edges"`
	Stages []Stage    `json:"stages"`

	Implant        []Implant     `json:"implant"`
	Tools          []Implant     `json:"tools"` // programs that nobody installed and that are no implants
	Infrastructure []Place       `json:"infrastructure"`
	Access         Access        `json:"access"`
	Hosts          []HostView    `json:"hosts"`
	Accounts       []AccountView `json:"accounts"`
	Persistence    []Persistence `json:"persistence"`
	Staged         []Staged      `json:"staged"`
	SentBytes      int64         `json:"sent_bytes"`      // 0 when no record tells
	Parts          []Part        `json:"parts,omitempty"` // two or more, by their first step
	Starts         []StartView   `json:"starts"`
	Unseen         []string      `json:"unseen"` // what this evidence could not show
}

// Role of a reference.
type Role string

const (
	Intrusion Role = "intrusion" // the intruder's doing
	Context   Role = "context"   // beside it: what joined weakly
	Rejected  Role = "rejected"  // looked at and found innocent or unprovable
)

// Ref points at a record of the evidence and says what it is to the trail.
type Ref struct {
	File   string `json:"file"`
	Record uint64 `json:"record"`
	Role   Role   `json:"role"`
}

// Sign is what steps mean by themselves, whether or not a rule speaks of them.
type Sign struct {
	What   string `json:"what"`
	Tactic string `json:"tactic"` // "" for an indicator, which may be of any
	Strong bool   `json:"strong"` // hardly ever anybody's ordinary work
	First  string `json:"first"`
	Refs   []Ref  `json:"refs"`
}

// NodeView is a node of the intrusion.
type NodeView struct {
	ID    string `json:"id"`
	Kind  string `json:"kind"`
	Host  string `json:"host,omitempty"`
	Label string `json:"label"`
	Refs  []Ref  `json:"refs"`
}

// EdgeView is a relation of the intrusion.
type EdgeView struct {
	From   string  `json:"from"`
	To     string  `json:"to"` // "" for what happens to From alone
	Kind   string  `json:"kind"`
	Time   string  `json:"time"`
	Weight float64 `json:"weight"`
	Count  uint32  `json:"count,omitempty"` // records that the references stand for, when more
	Host   string  `json:"host"`
	Part   int     `json:"part,omitempty"` // of Parts, from 1, where there are any
	Refs   []Ref   `json:"refs"`
}

// Stage is one technique on one host.
type Stage struct {
	Tactic    string `json:"tactic"`
	Technique string `json:"technique"`
	Host      string `json:"host"`
	Time      string `json:"time"` // of the first record
	Last      string `json:"last"`
	Text      string `json:"text"`
	Refs      []Ref  `json:"refs"`
}

// Implant is a candidate for the implant: a program that recurs as the source of effects.
type Implant struct {
	Name    string   `json:"name"`
	Paths   []string `json:"paths"` // host: path
	SHA256  []string `json:"sha256"`
	Hosts   []string `json:"hosts"`
	Effects int      `json:"effects"`
	Refs    []Ref    `json:"refs"`
}

// Place is an address or name that the intruder used.
type Place struct {
	Value string `json:"value"`
	Kind  string `json:"kind"` // address or name
	Role  string `json:"role"` // first-hop, relay or unknown
	First string `json:"first"`
	Last  string `json:"last"`
	Refs  []Ref  `json:"refs"`
}

// Access is the way in as far as the evidence shows it.
type Access struct {
	Technique string `json:"technique"` // "" when not seen
	Host      string `json:"host"`
	Text      string `json:"text"`
	Refs      []Ref  `json:"refs"`
}

// HostView is a host of the intrusion.
type HostView struct {
	Host  string `json:"host"`
	First string `json:"first"`
	Last  string `json:"last"`
	Steps int    `json:"steps"`
}

// AccountView is an account that the intruder used or made.
type AccountView struct {
	Account string `json:"account"`
	Made    bool   `json:"made"` // by the intruder
	Refs    []Ref  `json:"refs"`
}

// Persistence is what starts the implant again.
type Persistence struct {
	Kind string `json:"kind"`
	Host string `json:"host"`
	Name string `json:"name"`
	Runs string `json:"runs"`
	Refs []Ref  `json:"refs"`
}

// Staged is data put together to be taken.
type Staged struct {
	Host string `json:"host"`
	Path string `json:"path"`
	Time string `json:"time"`
	Refs []Ref  `json:"refs"`
}

// StartView says what became of a start.
type StartView struct {
	Start       string `json:"start"`
	Established bool   `json:"established"`
	Why         string `json:"why"`
	Missing     error  `json:"-"` // why it could not be followed at all: it is not in the evidence
}

// Write writes trail.json.
func (t *Trail) Write(out io.Writer) error {
	b, err := json.MarshalIndent(t, "", " ")
	if err != nil {
		return fmt.Errorf("trail: encode: %w", err)
	}
	_, err = out.Write(append(b, '\n'))
	return err
}

// maxTrail bounds a trail.json that is read, in bytes.
const maxTrail = 256 << 20

// Read reads what Write wrote. Unknown keys are let pass; a role, or an edge to a node, that does not exist is an error.
func Read(in io.Reader) (*Trail, error) {
	var t Trail
	d := json.NewDecoder(io.LimitReader(in, maxTrail))
	if err := d.Decode(&t); err != nil {
		return nil, fmt.Errorf("trail: read trail.json: %w", err)
	}
	known := map[string]bool{"": true}
	for i := range t.Nodes {
		if id := t.Nodes[i].ID; id == "" || known[id] {
			return nil, fmt.Errorf("trail: read trail.json: node %q is empty or there twice", id)
		}
		known[t.Nodes[i].ID] = true
	}
	for _, e := range t.Edges {
		if !known[e.From] || !known[e.To] {
			return nil, fmt.Errorf("trail: read trail.json: edge %q → %q names a node that is not there", e.From, e.To)
		}
		for _, r := range e.Refs {
			if r.Role != Intrusion && r.Role != Context && r.Role != Rejected {
				return nil, fmt.Errorf("trail: read trail.json: role %q is none of intrusion, context, rejected", r.Role)
			}
		}
	}
	return &t, nil
}
