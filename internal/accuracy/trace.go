package accuracy

import "github.com/contrail-ir/contrail/trail"

// Claims gives the references of role intrusion of a trail. Connections and look-ups between the same two nodes are one channel.
func Claims(t *trail.Trail) (out []Claim) {
	for _, e := range t.Edges {
		channel := ""
		switch e.Kind {
		case "connected", "resolved", "answered", "opened", "accepted", "sent", "requested", "posted":
			channel = e.Kind + " " + e.From + " " + e.To
		}
		for _, r := range e.Refs {
			if r.Role == trail.Intrusion {
				out = append(out, Claim{Ref{r.File, r.Record}, channel})
			}
		}
	}
	return out
}
