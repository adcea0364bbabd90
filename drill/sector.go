package drill

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/contrail-ir/contrail/drill/background"
	"github.com/contrail-ir/contrail/drill/intrusion"
	"github.com/contrail-ir/contrail/drill/scene"
)

// Role is what happened to an airline of a sector.
type Role string

// The roles. "The intruder" is the one of the first victim: a hand and a kit.
const (
	FirstVictim    Role = "first-victim"    // entered by the intruder; logs everything
	SameIndicators Role = "same-indicators" // entered by the intruder with the same kit
	Rebuilt        Role = "rebuilt"         // by the same hand with everything built anew
	HopOnly        Role = "hop-only"        // the intruder passed through its router, and no further
	SameWayIn      Role = "same-way-in"     // another hand through the same hole
	SharedSupplier Role = "shared-supplier" // another hand through the supplier that the first victim has too
	Double         Role = "double"          // the intruder, and another one at the same time
	Unrelated      Role = "unrelated"       // another hand by another way, with the same public tools
	Lookalike      Role = "lookalike"       // an administrator and a penetration test that look like intruders
	Clean          Role = "clean"           // nothing but its ordinary days
	Thin           Role = "thin"            // nothing, and logs too thin to say so
	ThinAndHit     Role = "thin-and-hit"    // the intruder, and logs too thin to follow him
	Earlier        Role = "earlier"         // the intruder, days before the first victim
)

// Roles lists them in the order in which a small sector takes them.
func Roles() []Role {
	return []Role{FirstVictim, Rebuilt, Clean, SameIndicators, Lookalike, Unrelated, HopOnly, SameWayIn, ThinAndHit, Earlier, Double, SharedSupplier, Thin}
}

// Days of a sector: enough before the first activity of anybody that a search of ninety days can be certified.
const (
	sectorDays = 118
	busyDay    = 104
	earlyDay   = 92
	thinDay    = sectorDays - 11 // from when on thin logs were kept
	maxSector  = 200
)

var sectorStart = time.Date(2025, 12, 1, 0, 0, 0, 0, time.UTC)

// Check says whether there can be a sector of these airlines and roles.
func (o *Options) Check() error {
	if len(o.Roles) > 0 && o.Airlines != 0 && o.Airlines != len(o.Roles) {
		return fmt.Errorf("drill: %d airlines and %d roles: name one of the two", o.Airlines, len(o.Roles))
	}
	for i, r := range o.Roles {
		if !slices.Contains(Roles(), r) || (r == FirstVictim) != (i == 0) {
			return fmt.Errorf("drill: role %q of airline %d: want %q for the first, and for the others of %q", r, i+1, FirstVictim, Roles()[1:])
		}
	}
	if n := cmp.Or(len(o.Roles), o.Airlines); n < 0 || n > maxSector {
		return fmt.Errorf("drill: %d airlines: from 1 to %d can be written", n, maxSector)
	}
	return nil
}

// Sector writes the evidence of several airlines, each in a folder of its own under dir with evidence/, inventory.csv and
// sources.yaml, and the truth about all of them in truth.json, which is written last. dir is made when absent and must be
// empty. Options.Airlines 0 gives one airline of each role; fewer take the first of Roles, more repeat those after the first. Options.Roles
// names them instead. When ctx ends, what was written stays, without truth.json.
func Sector(ctx context.Context, dir string, o Options) (Truth, error) {
	scale, err := o.Size.scale()
	if err != nil {
		return Truth{}, err
	}
	if o.Scenario == "" {
		o.Scenario = intrusion.WebExploit
	}
	if !slices.Contains(intrusion.Scenarios(), o.Scenario) {
		return Truth{}, fmt.Errorf("drill: scenario %q is none of %v", o.Scenario, intrusion.Scenarios())
	}
	if err := o.Check(); err != nil {
		return Truth{}, err
	}
	switch {
	case len(o.Roles) > 0:
		o.Airlines = len(o.Roles)
	case o.Airlines == 0:
		o.Airlines = len(Roles())
	}
	if err := newFolder(dir); err != nil {
		return Truth{}, err
	}
	c := newCampaign(o)
	parts := make([]part, o.Airlines)
	for i := range parts {
		parts[i] = c.part(i, scale)
	}
	if o.Only != nil {
		parts = slices.DeleteFunc(parts, func(p part) bool { return !slices.Contains(o.Only, p.role) })
	}
	var addresses []string
	for _, p := range parts {
		for _, a := range p.attacks {
			addresses = append(addresses, a.Kit.ControlIP, a.Kit.DropIP, a.Kit.From, a.Kit.Relay, a.Hole.Address)
		}
	}
	for i := range parts {
		parts[i].reserved = addresses
	}
	if err := writeAll(ctx, dir, parts); err != nil {
		return Truth{}, err
	}
	t := Truth{Scenario: string(o.Scenario), Seed: o.Seed, Starts: map[string]Start{}}
	for _, p := range parts {
		t.Airlines = append(t.Airlines, p.truth.Airlines...)
		for name, start := range p.truth.Starts {
			if _, there := t.Starts[name]; !there || p.role == Lookalike {
				t.Starts[name] = start
			}
		}
	}
	return t, writeTruth(filepath.Join(dir, "truth.json"), t)
}

// writeAll writes airlines beside each other, as many as there are processors. What each one is was drawn before, so
// their order does not matter.
func writeAll(ctx context.Context, dir string, parts []part) error {
	next := make(chan *part)
	errs := make([]error, max(1, runtime.GOMAXPROCS(0)))
	var workers sync.WaitGroup
	for w := range errs {
		workers.Go(func() {
			for p := range next {
				if errs[w] == nil {
					errs[w] = p.write(ctx, dir)
				}
			}
		})
	}
	for i := range parts {
		next <- &parts[i]
	}
	close(next)
	workers.Wait()
	return errors.Join(errs...)
}

// campaign is what the airlines of a sector have in common: the intruder, the others, and the hole.
type campaign struct {
	Options
	r     *rand.Rand
	taken intrusion.Names
	named map[string]bool
	hole  intrusion.Hole
	hands []intrusion.Hand // the intruder's is the first
	kit   intrusion.Kit
}

func newCampaign(o Options) *campaign {
	h := fnv.New64a()
	h.Write([]byte("sector " + o.Scenario))
	c := &campaign{Options: o, r: rand.New(rand.NewPCG(o.Seed, h.Sum64())), taken: intrusion.Names{}, named: map[string]bool{}}
	c.hole = intrusion.NewHole(c.r, c.taken)
	c.hands = intrusion.Hands(c.r)
	c.kit = intrusion.NewKit(c.r, c.taken)
	return c
}

// role of the i-th airline.
func (c *campaign) role(i int) Role {
	all := Roles()
	if len(c.Roles) > 0 {
		all = c.Roles
	}
	if i < len(all) {
		return all[i]
	}
	return all[1+(i-len(all))%(len(all)-1)]
}

// part is one airline of the sector: drawn first, then written.
type part struct {
	role     Role
	folder   string
	scenario string
	suffices bool
	plan     scene.Plan
	attacks  []intrusion.Attack
	reserved []string // addresses of all the sector's intruders: the drill has so few that customers of other airlines would often have them
	r        *rand.Rand
	truth    Truth
}

// part draws the i-th airline.
func (c *campaign) part(i, scale int) part {
	role := c.role(i)
	seed := c.r.Uint64()
	r := rand.New(rand.NewPCG(seed, 0x6169726c))
	org, cast, network := castFor(r, i, c.named)
	plan := scene.Plan{Seed: seed, Scale: scale, Start: sectorStart, Days: sectorDays, BusyFrom: busyDay, BusyTo: sectorDays, Org: org, Cast: cast, Network: network, Logging: scene.FullLogging}
	if role == Earlier {
		plan.BusyFrom, plan.BusyTo = earlyDay, earlyDay+14
	}
	if i == 0 || role == SharedSupplier || r.IntN(3) == 0 || c.Scenario == intrusion.Supplier && role != Clean {
		plan.Cast.Supplier, plan.Cast.SupplierDomain, plan.Cast.SupplierAddress = c.hole.Supplier, c.hole.Domain, c.hole.Address
	}
	suffices := logging(r, role, &plan)
	return part{role: role, folder: strings.ToLower(org.Short), scenario: string(c.Scenario), suffices: suffices, plan: plan, attacks: c.attacks(r, role, scale), r: r}
}

// write plays and writes the airline.
func (p *part) write(ctx context.Context, dir string) error {
	s := scene.New(p.plan)
	clocks(p.r, p.role, s)
	root := filepath.Join(dir, p.folder)
	evidence := filepath.Join(root, "evidence")
	if err := os.MkdirAll(evidence, 0o755); err != nil {
		return fmt.Errorf("drill: make folder: %w", err)
	}
	s.Into(evidence)
	s.Reserve(p.reserved...)
	for _, a := range p.attacks {
		if p.role == HopOnly {
			intrusion.Hop(s, a)
		} else if err := intrusion.Play(s, a); err != nil {
			return err
		}
	}
	if p.role == FirstVictim || p.role == Lookalike { // at the first victim too there is somebody who looks like an intruder
		background.Lookalike(s)
	}
	if err := background.Play(ctx, s); err != nil {
		return err
	}
	if err := s.Write(evidence); err != nil {
		return err
	}
	p.truth = s.Truth(p.scenario, string(p.role), p.suffices)
	p.truth.Airlines[0].Folder = p.folder
	if err := writeInventory(s, filepath.Join(root, "inventory.csv")); err != nil {
		return err
	}
	return writeSources(s, filepath.Join(root, "sources.yaml"))
}

// logging says what an airline records, and whether that is enough to settle what happened to it.
func logging(r *rand.Rand, role Role, p *scene.Plan) (suffices bool) {
	p.Network.Zeek, p.Network.Firewall, p.Network.Proxy = pick(r, "tsv", "json"), pick(r, "asa", "fortigate"), pick(r, "squid", "w3c")
	switch role {
	case Thin, ThinAndHit:
		p.Logging = scene.Logging{Logons: true, Since: p.Start.AddDate(0, 0, thinDay)}
		p.Network.Zeek, p.Network.Proxy, p.Network.Firewall, p.Network.WebLogs = "", "", "", false
		return false
	case FirstVictim, SameIndicators, Earlier:
		return true // everything is there
	}
	switch r.IntN(4) {
	case 0: // no Sysmon, but command lines
		p.Logging.Sysmon = false
	case 1: // Sysmon, but no command lines in Security
		p.Logging.CommandLines = false
	case 2: // no network monitor
		p.Network.Zeek = ""
	}
	return true
}

// clocks sets zones and errors of clocks, and takes away the logs of a few hosts that matter little.
func clocks(r *rand.Rand, role Role, s *scene.Scene) {
	zone := time.FixedZone("", 3600*(r.IntN(12)-4))
	for _, h := range []*scene.Host{s.Router, s.Wall, s.Gateway, s.Portal, s.Mail} {
		h.Zone = zone
	}
	s.Wall.Skew = time.Duration(r.IntN(180)-90) * time.Second
	s.Router.Skew = time.Duration(r.IntN(600)-300) * time.Second
	if role != FirstVictim {
		s.Desks[len(s.Desks)-1].Silent = r.IntN(2) == 0
		s.Desks[0].NoSysmon = r.IntN(3) == 0
		s.Files.Skew = time.Duration(r.IntN(40)-20) * time.Second
		s.Mail.Silent = r.IntN(4) == 0
	}
	if role == Thin || role == ThinAndHit {
		for _, h := range []*scene.Host{s.DB, s.DC, s.Router, s.Gateway, s.Mail, s.Portal, s.Files} {
			h.Silent = true
		}
	}
}

// attacks gives the intrusions that a role means.
func (c *campaign) attacks(r *rand.Rand, role Role, scale int) []intrusion.Attack {
	own := intrusion.Attack{Scenario: c.Scenario, Hand: c.hands[0], Kit: c.kit, Hole: c.hole, Day: busyDay + r.IntN(2), Data: r.Uint64(), Persons: 300 * scale}
	other := func(hand int) intrusion.Attack {
		a := own
		a.Hand, a.Kit, a.Data = c.hands[hand], intrusion.NewKit(c.r, c.taken), r.Uint64()
		return a
	}
	switch role {
	case FirstVictim:
		own.Marks, own.Day = true, busyDay+1
		return []intrusion.Attack{own}
	case SameIndicators, HopOnly:
		return []intrusion.Attack{own}
	case Earlier:
		own.Day = earlyDay + 1
		return []intrusion.Attack{own}
	case ThinAndHit:
		own.Day = thinDay + 1
		return []intrusion.Attack{own}
	case Rebuilt:
		return []intrusion.Attack{other(0)}
	case SameWayIn:
		a := other(1)
		if a.Scenario == intrusion.SpearPhish {
			a.Kit.Sender, a.Kit.Lure = c.kit.Sender, c.kit.Lure // both bought the same letters
		}
		return []intrusion.Attack{a}
	case SharedSupplier:
		a := other(2)
		a.Scenario = intrusion.Supplier
		return []intrusion.Attack{a}
	case Double:
		a := other(3)
		a.Prefix, a.Scenario = "other-", c.elsewhere()
		return []intrusion.Attack{own, a}
	case Unrelated:
		a := other(3)
		a.Scenario = c.elsewhere()
		return []intrusion.Attack{a}
	}
	return nil // lookalike, clean, thin
}

// elsewhere is another way in than the scenario's.
func (c *campaign) elsewhere() intrusion.Scenario {
	all := intrusion.Scenarios()
	return all[(slices.Index(all, c.Scenario)+1)%3]
}
