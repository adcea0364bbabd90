package hunt

import (
	"strings"

	"github.com/contrail-ir/contrail/finding"
	"github.com/contrail-ir/contrail/fingerprint"
)

// tied gives the records of a trail that follow from known ones: an organisation may have two intruders, and only what the known one's things did
// teaches anything about him.
//
// It begins at the processes, files, services, tasks and registry values of the known records and goes forward along cause and effect only, through
// everything that they started, wrote, installed or changed. Backward, everything hangs together: both intruders' programs are
// started by the same services and come through the same hole. Programs that every host runs begin nothing.
func tied(t *fingerprint.Trail, known map[finding.Ref]bool) map[finding.Ref]bool {
	at := map[string]int{}
	for i := range t.Nodes {
		at[t.Nodes[i].ID] = i
	}
	doer := func(id string) bool {
		i, there := at[id]
		return there && doers[t.Nodes[i].Kind]
	}
	out := map[string][]int{}
	reached := map[string]bool{}
	var queue []string
	reach := func(id string) {
		if doer(id) && !reached[id] {
			reached[id] = true
			queue = append(queue, id)
		}
	}
	for i := range t.Edges {
		e := &t.Edges[i]
		ours, begins := false, false
		for _, r := range e.Refs {
			if r.Role == "intrusion" {
				ours = true
				begins = begins || known[finding.Ref{File: r.File, Record: r.Record}]
			}
		}
		if !ours {
			continue
		}
		out[e.From] = append(out[e.From], i)
		if !begins {
			continue
		}
		for _, id := range []string{e.From, e.To} {
			if n, there := at[id]; there && !fingerprint.PublicProgram(programOf(t.Nodes[n].Label)) {
				reach(id)
			}
		}
	}
	records := map[finding.Ref]bool{}
	for r := range known {
		records[r] = true
	}
	for len(queue) > 0 {
		id := queue[0]
		queue = queue[1:]
		for _, i := range out[id] {
			e := &t.Edges[i]
			for _, r := range e.Refs {
				if r.Role == "intrusion" {
					records[finding.Ref{File: r.File, Record: r.Record}] = true
				}
			}
			if !looks[e.Kind] {
				reach(e.To)
			}
		}
	}
	return records
}

// doers are the kinds of nodes through which an intruder's doing goes on. Addresses, accounts and logons are shared.
var doers = map[string]bool{"process": true, "file": true, "service": true, "task": true, "wmi": true, "registry": true}

// looks are relations that change nothing in what they reach.
var looks = map[string]bool{"accessed": true, "loaded": true, "read": true, "opened": true, "used-pipe": true}

// programOf is the program in a node's label: a path, or a process with its command line in brackets.
func programOf(label string) string {
	image, _, _ := strings.Cut(label, " [")
	return image
}
