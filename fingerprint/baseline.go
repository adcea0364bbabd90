package fingerprint

import "fmt"

// Baseline counts a fingerprint's items in what a sweep of ordinary evidence found with its rules: the organisation's own history, other
// hosts, a public set. It is a Counter.
type Baseline struct {
	item  map[string]string          // rule → the item's id
	hosts map[string]map[string]bool // item's id → hosts whose evidence could show it
	seen  map[string]map[string]bool // item's id → hosts that do
}

// NewBaseline begins a count of the fingerprint that the sweep was asked with. Items of other versions are not counted by it.
func NewBaseline(asked *Fingerprint) (*Baseline, error) {
	rules, err := asked.Rules()
	if err != nil {
		return nil, fmt.Errorf("fingerprint: count: %w", err)
	}
	b := &Baseline{item: map[string]string{}, hosts: map[string]map[string]bool{}, seen: map[string]map[string]bool{}}
	for _, r := range rules {
		id := asked.Items[r.Item].Rule
		b.item[r.ID] = id
		b.hosts[id], b.seen[id] = map[string]bool{}, map[string]bool{}
	}
	return b, nil
}

// Host adds a host that is not of the intrusion, with the rules that its evidence cannot answer: where an item could not have been seen it
// is not rare.
func (b *Baseline) Host(host string, cannot map[string]bool) {
	for rule, id := range b.item {
		if !cannot[rule] {
			b.hosts[id][host] = true
		}
	}
}

// Found notes that a rule matched on a host. Other rules and hosts that were not added do not count.
func (b *Baseline) Found(rule, host string) {
	if id, ok := b.item[rule]; ok && b.hosts[id][host] {
		b.seen[id][host] = true
	}
}

// Count is that of Counter. An item that no rule looks for was counted nowhere.
func (b *Baseline) Count(k Kind, value string) (seen, hosts int) {
	id := itemID(k, value)
	return len(b.seen[id]), len(b.hosts[id])
}
