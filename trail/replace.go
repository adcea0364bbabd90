package trail

import "fmt"

// Replace puts every text that evidence has put into the trail through a function, for example to mask values. What is alike stays alike, so
// references hold; nodes that become alike keep ids of their own.
func (t *Trail) Replace(text func(string) string) {
	ids, taken := map[string]string{"": ""}, map[string]bool{}
	refs := func(list []Ref) {
		for i := range list {
			list[i].File = text(list[i].File)
		}
	}
	all := func(list []string) {
		for i := range list {
			list[i] = text(list[i])
		}
	}
	t.Why = text(t.Why)
	for i := range t.Signs {
		refs(t.Signs[i].Refs)
	}
	for i := range t.Nodes {
		n := &t.Nodes[i]
		id := text(n.ID)
		for k := 2; taken[id]; k++ {
			id = fmt.Sprintf("%s~%d", text(n.ID), k)
		}
		taken[id], ids[n.ID] = true, id
		n.ID, n.Host, n.Label = id, text(n.Host), text(n.Label)
		refs(n.Refs)
	}
	for i := range t.Edges {
		e := &t.Edges[i]
		e.From, e.To, e.Host = ids[e.From], ids[e.To], text(e.Host)
		refs(e.Refs)
	}
	for i := range t.Parts {
		all(t.Parts[i].Hosts)
	}
	for i := range t.Stages {
		s := &t.Stages[i]
		s.Host, s.Text = text(s.Host), text(s.Text)
		refs(s.Refs)
	}
	for _, list := range [][]Implant{t.Implant, t.Tools} {
		for i := range list {
			p := &list[i]
			p.Name = text(p.Name)
			all(p.Paths)
			all(p.Hosts)
			refs(p.Refs)
		}
	}
	for i := range t.Infrastructure {
		t.Infrastructure[i].Value = text(t.Infrastructure[i].Value)
		refs(t.Infrastructure[i].Refs)
	}
	t.Access.Host, t.Access.Text = text(t.Access.Host), text(t.Access.Text)
	refs(t.Access.Refs)
	for i := range t.Hosts {
		t.Hosts[i].Host = text(t.Hosts[i].Host)
	}
	for i := range t.Accounts {
		t.Accounts[i].Account = text(t.Accounts[i].Account)
		refs(t.Accounts[i].Refs)
	}
	for i := range t.Persistence {
		p := &t.Persistence[i]
		p.Host, p.Name, p.Runs = text(p.Host), text(p.Name), text(p.Runs)
		refs(p.Refs)
	}
	for i := range t.Staged {
		t.Staged[i].Host, t.Staged[i].Path = text(t.Staged[i].Host), text(t.Staged[i].Path)
		refs(t.Staged[i].Refs)
	}
	for i := range t.Starts {
		t.Starts[i].Start, t.Starts[i].Why = text(t.Starts[i].Start), text(t.Starts[i].Why)
	}
	all(t.Unseen)
}
