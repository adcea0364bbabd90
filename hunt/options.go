package hunt

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/contrail-ir/contrail/evidence"
	"github.com/contrail-ir/contrail/fingerprint"
	"github.com/contrail-ir/contrail/match"
	"github.com/contrail-ir/contrail/sweep"
	"github.com/contrail-ir/contrail/trail"
)

// Options are what a hunt begins with.
type Options struct {
	// Evidence names the organisations by their roots, and gives formats, inventory, sources, passwords, threads. Rules, tap, journal and span of
	// time are the hunt's own.
	Evidence sweep.Question
	// Rules are asked beside the fingerprint; the zero value means those that come with Contrail.
	Rules match.Question

	First string        // the organisation that reported; its trace gives the first fingerprint
	From  []trail.Start // where its trace begins; none: its findings
	// Fingerprint is asked instead of one made from a first victim.
	Fingerprint *fingerprint.Fingerprint

	Name   string                    // of the fingerprint; "" for "intrusion"
	Victim fingerprint.Victim        // what must never enter it, beside what inventories and trails name
	Lists  *fingerprint.Warninglists // may be nil
	Refuse func(value string) bool   // says of a value that it must never enter it; may be nil
	Prior  float64                   // as kinship.Options
	Out    string                    // folder to write to

	capped map[string]fingerprint.Tier // by rule: tiers that earlier waves brought down

	Tell func(Step) // what is being done; may be nil. Calls come one at a time
}

// Step tells what a hunt is doing.
type Step struct {
	Wave     int
	Text     string          // in words
	Orgs     []string        // whose evidence is read
	Progress *sweep.Progress // of that reading; nil when nothing is read
}

func (o *Options) tell(wave int, format string, args ...any) {
	if o.Tell != nil {
		o.Tell(Step{Wave: wave, Text: fmt.Sprintf(format, args...)})
	}
}

// orgs lists the organisations in their order.
func (o *Options) orgs() (names []string) {
	for _, r := range o.Evidence.Roots {
		if !slices.Contains(names, r.Org) {
			names = append(names, r.Org)
		}
	}
	return names
}

// check says what is missing, and makes an item's victim of every inventory: what one organisation has must not enter by another's trail.
func (o *Options) check() error {
	names := o.orgs()
	for _, n := range names {
		if _, err := OrgFolder(o.Out, n); err != nil {
			return err
		}
	}
	switch {
	case o.Out == "":
		return errors.New("hunt: no folder to write to")
	case o.Fingerprint == nil && o.First == "":
		return errors.New("hunt: it begins with a first victim or with a fingerprint: name one")
	case o.Fingerprint != nil && o.First != "":
		return errors.New("hunt: it begins with a first victim or with a fingerprint, not with both")
	case o.First != "" && !slices.Contains(names, o.First):
		return fmt.Errorf("hunt: the first victim %.80q is none of the organisations %q", o.First, names)
	case o.First != "" && len(names) < 2:
		return errors.New("hunt: there is no organisation beside the first victim")
	}
	o.Victim = withInventory(o.Victim, o)
	return nil
}

func withInventory(v fingerprint.Victim, o *Options) fingerprint.Victim {
	v.Hosts, v.Networks = slices.Clone(v.Hosts), slices.Clone(v.Networks)
	for _, d := range o.Evidence.Inventory {
		v.Hosts = append(v.Hosts, d.Host)
		for _, a := range d.Addresses {
			if ip, err := netip.ParseAddr(a); err == nil {
				v.Networks = append(v.Networks, netip.PrefixFrom(ip, ip.BitLen()))
			}
		}
	}
	return v
}

// rootsOf gives the roots of some organisations.
func (o *Options) rootsOf(orgs []string) (roots []evidence.Root) {
	for _, r := range o.Evidence.Roots {
		if slices.Contains(orgs, r.Org) {
			roots = append(roots, r)
		}
	}
	return roots
}

// margin is how long before the first victim's first known activity another organisation's history is taken for ordinary: the intruder may have
// been with it earlier.
const margin = 30 * 24 * time.Hour
