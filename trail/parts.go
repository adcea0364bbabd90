package trail

import "slices"

// Part is what hangs together of several intrusions that are established in one organisation and that no record joins. They may be one intruder's, whose
// steps between were not logged, or different ones'.
type Part struct {
	First string   `json:"first"`
	Last  string   `json:"last"`
	Hosts []string `json:"hosts"`
}

// parts numbers the groups of what is kept by their first step, from 1; no numbers where there is one group alone.
func (t *teller) parts() map[int]int {
	number := map[int]int{}
	for i := range t.kept {
		if g := t.find(t.kept[i].seed); number[g] == 0 {
			number[g] = len(number) + 1
		}
	}
	if len(number) < 2 {
		return nil
	}
	t.trail.Parts = make([]Part, len(number))
	for i := range t.kept {
		s := &t.kept[i]
		p := &t.trail.Parts[number[t.find(s.seed)]-1]
		if p.First == "" {
			p.First, p.Hosts = stamp(s.edge.Time), []string{}
		}
		p.Last = stamp(s.edge.Time)
		if host := t.g.hosts.text[s.edge.Host]; host != "" && !inFolder([]byte(host)) && !slices.Contains(p.Hosts, host) {
			p.Hosts = append(p.Hosts, host)
		}
	}
	return number
}
