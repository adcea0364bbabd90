package fingerprint

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/contrail-ir/contrail/marking"
)

// DraftOptions says how a draft is made.
type DraftOptions struct {
	Name     string
	Marking  marking.Marking
	Victim   Victim // beside the hosts and accounts that the trail names
	Lists    *Warninglists
	Counters []Counter
	// Beacons are intervals that the sweep measured, as Go durations.
	Beacons []Item
	// Refuse says of a value that it must never enter a fingerprint. May be nil.
	Refuse func(value string) bool
}

// ErrNoIntrusion says that a trail established nothing a fingerprint could be made of.
var ErrNoIntrusion = errors.New("fingerprint: draft: the trail established no intrusion")

// Draft makes a fingerprint of a trail. What holds something of the victim is left out, or generalised where the kind allows it; dropped
// counts those. Nothing is approved.
func Draft(t *Trail, o DraftOptions) (f *Fingerprint, dropped int, err error) {
	if !t.Intrusion() {
		return nil, 0, ErrNoIntrusion
	}
	if o.Marking.IsZero() {
		o.Marking.TLP = marking.AmberStrict
	}
	d := &drafter{refuse: o.Refuse, t: t, own: t.ownNames(), f: &Fingerprint{Name: cmp.Or(o.Name, "intrusion"), Version: 1, Marking: o.Marking, Items: []Item{}}, victim: t.victim(o.Victim)}
	d.files()
	d.infrastructure()
	d.persistence()
	d.nodes()
	d.chains()
	d.habits()
	for _, b := range o.Beacons {
		d.add(b)
	}
	d.f.Rate(o.Lists, o.Counters...)
	d.f.FirstSeen = t.First()
	if err := errors.Join(d.f.Check(), d.f.Guard(d.victim)); err != nil {
		return nil, 0, fmt.Errorf("fingerprint: draft: %w", err)
	}
	return d.f, d.dropped, nil
}

type drafter struct {
	t       *Trail
	f       *Fingerprint
	victim  Victim
	own     map[string]string // names that the intruder gave, in small letters → the program, "" for what is none
	after   map[string]string // words of commands → the program before them; nil until it is needed
	wayIn   map[Ref]bool
	dropped int
	refuse  func(value string) bool
}

// victim adds what the trail itself tells of the victim.
func (t *Trail) victim(v Victim) Victim {
	v.Hosts, v.Accounts = slices.Clone(v.Hosts), slices.Clone(v.Accounts)
	add := func(h string) {
		if h == "" {
			return
		}
		if a, err := netip.ParseAddr(h); err == nil {
			v.Networks = append(slices.Clone(v.Networks), netip.PrefixFrom(a, a.BitLen()))
			return
		}
		v.Hosts = append(v.Hosts, h)
		if _, domain, full := strings.Cut(h, "."); full && strings.Contains(domain, ".") {
			v.Domains = append(slices.Clone(v.Domains), domain)
		}
	}
	for _, h := range t.Hosts {
		add(h.Host)
	}
	for i := range t.Nodes {
		add(t.Nodes[i].Host)
	}
	for _, i := range t.Implant {
		for _, h := range i.Hosts {
			add(h)
		}
	}
	for _, a := range t.Accounts {
		if domain, _, ok := strings.Cut(a.Account, `\`); ok && !slices.Contains([]string{"NT AUTHORITY", "BUILTIN", "."}, strings.ToUpper(domain)) {
			v.Domains = append(slices.Clone(v.Domains), domain)
		}
		if !a.Made {
			v.Accounts = append(v.Accounts, a.Account)
		}
	}
	return v
}

func (t *Trail) byTime() []Stage {
	s := slices.Clone(t.Stages)
	slices.SortStableFunc(s, func(a, b Stage) int {
		at, _ := moment(a.Time)
		bt, _ := moment(b.Time)
		return at.Compare(bt)
	})
	return s
}

// add adds an item unless it is of the victim or no item at all.
func (d *drafter) add(it Item, refs ...TrailRef) {
	for _, r := range refs {
		if ref := (Ref{r.File, r.Record}); (r.Role == "" || r.Role == "intrusion") && !slices.Contains(it.Refs, ref) {
			it.Refs = append(it.Refs, ref)
		}
	}
	if len(refs) > 0 && len(it.Refs) == 0 {
		return // only context
	}
	if d.victim.Holds(it.Kind, it.Value) != "" || d.refuse != nil && d.refuse(it.Value) {
		d.dropped++
		return
	}
	if d.wayIn == nil {
		d.wayIn = map[Ref]bool{}
		for _, r := range d.t.Access.Refs {
			d.wayIn[Ref{r.File, r.Record}] = true
		}
	}
	if len(it.Refs) > 0 && !slices.ContainsFunc(it.Refs, func(r Ref) bool { return !d.wayIn[r] }) {
		it.WayIn = true
	}
	const keep = 20
	it.Refs = it.Refs[:min(len(it.Refs), keep)]
	if len(d.f.Items) < MaxItems && d.f.Add(it) != nil {
		d.dropped++ // no item: too short, a placeholder
	}
}

func (d *drafter) files() {
	for _, i := range d.t.Implant {
		group := "program " + strings.ToLower(baseName(i.Name))
		why := []string{"the program that recurs as the source of effects"}
		if publicName(i.Name) {
			why = append(why, whyPublic)
		}
		for _, h := range i.SHA256 {
			d.add(Item{Kind: SHA256, Value: h, Group: group, Reasons: slices.Clone(why)}, i.Refs...)
		}
		if n := baseName(i.Name); n != "" {
			d.add(Item{Kind: FileName, Value: n, Group: group, Reasons: slices.Clone(why)}, i.Refs...)
		}
		for _, p := range i.Paths {
			if _, after, ok := strings.Cut(p, ": "); ok {
				p = after
			}
			if p = generalPath(p); p != "" {
				d.add(Item{Kind: FilePath, Value: p, Group: group, Reasons: slices.Clone(why)}, i.Refs...)
			}
		}
	}
	for _, s := range d.t.Staged {
		if p := generalPath(s.Path); p != "" {
			d.add(Item{Kind: FilePath, Value: p, Group: "staging", Reasons: []string{"data was put together there to be taken"}}, s.Refs...)
		}
	}
}

func (d *drafter) infrastructure() {
	// Names and the addresses they stood for are one thing.
	group := map[string]string{}
	label := map[string]string{}
	for i := range d.t.Nodes {
		label[d.t.Nodes[i].ID] = d.t.Nodes[i].Label
	}
	for _, e := range d.t.Edges {
		if strings.Contains(e.Kind, "resolv") || e.Kind == "answered" {
			if a, err := netip.ParseAddr(label[e.To]); err == nil {
				group[a.String()] = "infrastructure " + registered(label[e.From])
			}
		}
	}
	for _, p := range d.t.Infrastructure {
		if p.Kind == "device" { // the victim's own, through which the intruder passed
			continue
		}
		it := Item{Kind: Domain, Value: p.Value}
		switch p.Role {
		case "first-hop":
			it.Reasons = []string{"the implant's first hop"}
		case "relay":
			it.Reasons = []string{whyRelay}
		default:
			it.Reasons = []string{whyUnknown}
		}
		if strings.Contains(p.Value, "://") {
			it.Kind = URL
		} else if a, err := netip.ParseAddr(p.Value); err == nil {
			it.Kind = IP
			it.Group = group[a.String()]
		}
		if it.Group == "" {
			it.Group = "infrastructure " + registered(p.Value)
		}
		d.add(it, p.Refs...)
	}
}

func (d *drafter) persistence() {
	for _, p := range d.t.Persistence {
		k, ok := map[string]Kind{"service": Service, "task": Task, "registry": Registry}[p.Kind]
		if !ok {
			continue
		}
		d.add(Item{Kind: k, Value: generalName(k, p.Name), Group: "persistence", Reasons: []string{"starts the intruder's program again"}}, p.Refs...)
	}
	for _, a := range d.t.Accounts {
		if a.Made {
			d.add(Item{Kind: Account, Value: baseName(a.Account), Reasons: []string{"an account that the intruder made"}}, a.Refs...)
		}
	}
}

func (d *drafter) nodes() {
	// What the intruder named is made anew with the next kit: it is no habit.
	private := func(w string) bool { return d.victim.Holds(CommandLine, w) != "" || d.names(w) }
	onDevice := d.t.onDevice()
	for i := range d.t.Nodes {
		n := &d.t.Nodes[i]
		switch n.Kind {
		case "command":
			if onDevice[n.ID] {
				continue // no program's command line: hosts cannot show it, and every administrator of a device gives such commands
			}
		case "pipe":
			if strings.HasPrefix(n.Label, "<") {
				continue // an anonymous one
			}
			d.add(Item{Kind: Pipe, Value: n.Label}, n.Refs...)
		case "url":
			d.add(Item{Kind: URL, Value: n.Label, Group: "infrastructure " + registered(n.Label)}, n.Refs...)
		}
		line := n.command()
		if line == "" {
			continue
		}
		if t := Template(line, private); t != "" {
			it := Item{Kind: CommandLine, Value: t, Reasons: []string{"how the intruder calls it; variable parts generalised"}}
			program, telling := calls(t)
			if program == "" { // a shell runs what its folder tells: the same words follow where it was told apart
				program = cmp.Or(d.tails()[tail(t)], "cmd")
			}
			it.Group = d.groupOf(program)
			// Everybody's discovery commands are one habit that nearly every intruder has.
			if publicName(program) && telling < 4 {
				it.Group, it.Reasons = "public commands", append(it.Reasons, whyPublic)
			}
			d.add(it, n.Refs...)
		}
	}
}

// ownNames are the names that the intruder gave to programs, to what starts them, to accounts and pipes.
func (t *Trail) ownNames() map[string]string {
	own := map[string]string{}
	name := func(v, program string) {
		v = strings.ToLower(baseName(v))
		if v = strings.TrimSuffix(v, ".exe"); len(v) >= 5 && own[v] == "" && !publicName(v) {
			own[v] = program
		}
	}
	for _, i := range t.Implant {
		file := strings.ToLower(baseName(i.Name))
		if !publicName(file) {
			own[file] = file
			name(i.Name, file)
		}
	}
	for _, i := range t.Brought { // a tool that goes by a name of the intruder's; one by its own name is a habit
		if file := strings.ToLower(baseName(i.Name)); !publicName(file) && own[file] == "" {
			own[file] = file
		}
	}
	for _, p := range t.Persistence {
		name(p.Name, "")
	}
	for _, a := range t.Accounts {
		if a.Made {
			name(a.Account, "")
		}
	}
	for i := range t.Nodes {
		if n := &t.Nodes[i]; n.Kind == "pipe" && !publicPipes[strings.ToLower(baseName(n.Label))] {
			name(n.Label, "")
		}
	}
	return own
}

// names says whether a word is or holds a name that the intruder gave.
func (d *drafter) names(word string) bool {
	low := strings.ToLower(word)
	for n := range d.own {
		if hasWord(low, n) {
			return true
		}
	}
	return false
}

// groupOf gives the group of a command: the program's own where the intruder brought it.
func (d *drafter) groupOf(program string) string {
	if file := cmp.Or(d.own[program], d.own[program+".exe"]); file != "" {
		return "program " + file
	}
	return "command " + strings.TrimSuffix(program, ".exe")
}

// calls gives the program that a template runs, seen through a shell, and how many telling words follow it.
func calls(template string) (program string, telling int) {
	words := strings.Fields(template)
	name := func(w string) string { return strings.TrimSuffix(strings.ToLower(strings.Trim(w, "*")), ".exe") }
	if len(words) > 2 && name(words[0]) == "cmd" && strings.EqualFold(words[1], "/c") {
		words = words[2:]
	}
	for _, w := range words[1:] {
		if literal(w) > 0 {
			telling++
		}
	}
	return name(words[0]), telling
}

// tails gives the programs of commands by the words that follow them.
func (d *drafter) tails() map[string]string {
	if d.after == nil {
		d.after = map[string]string{}
		private := func(w string) bool { return d.victim.Holds(CommandLine, w) != "" || d.names(w) }
		for i := range d.t.Nodes {
			if t := Template(d.t.Nodes[i].command(), private); t != "" {
				if program, _ := calls(t); program != "" && d.after[tail(t)] == "" {
					d.after[tail(t)] = program
				}
			}
		}
	}
	return d.after
}

// tail gives the words after a template's program, seen through a shell.
func tail(template string) string {
	words := strings.Fields(template)
	if len(words) > 2 && strings.HasPrefix(strings.ToLower(words[0]), "*cmd") && strings.EqualFold(words[1], "/c") {
		words = words[2:]
	}
	return strings.Join(words[1:], " ")
}

// chains are which program started which.
func (d *drafter) chains() {
	name := d.t.programs()
	for _, e := range d.t.Edges {
		from, to := name[e.From], name[e.To]
		if from == "" || to == "" || from == to || !startsOther(e.Kind) {
			continue
		}
		group := d.groupOf(to)
		if d.own[from] != "" {
			group = "program " + d.own[from]
		}
		if publicName(from) && publicName(to) {
			group = "public commands"
		}
		d.add(Item{Kind: ProcessChain, Value: from + " > " + to, Group: group, Reasons: []string{"one started the other"}}, e.Refs...)
	}
}

func (d *drafter) habits() {
	tools := slices.DeleteFunc(d.t.Tools(), func(n string) bool { return d.victim.Holds(FileName, n) != "" })
	if len(tools) >= 2 {
		d.add(Item{Kind: ToolSet, Value: strings.Join(tools, " "), Group: "habits", Reasons: []string{"public programs that the intruder used"}})
	}
	if s := d.t.Techniques(); len(s) >= 3 {
		d.add(Item{Kind: Sequence, Value: strings.Join(s, " "), Group: "habits", Reasons: []string{"the order of the intruder's techniques"}})
	}
	if h := workingHours(d.t.Stages); h != "" {
		d.add(Item{Kind: WorkingHours, Value: h, Group: "hours", Reasons: []string{"hours of the day in which stages began, UTC"}})
	}
}

// workingHours gives the shortest span of hours that holds all stages, when there are twenty of them on three days and it is ten hours or less.
func workingHours(stages []Stage) string {
	var hours [24]bool
	days := map[string]bool{}
	n := 0
	for _, s := range stages {
		if at, err := moment(s.Time); err == nil && !at.IsZero() {
			hours[at.UTC().Hour()] = true
			days[at.UTC().Format("2006-01-02")] = true
			n++
		}
	}
	if n < 20 || len(days) < 3 {
		return ""
	}
	longest, start := 0, 0 // the longest silence ends where the day begins
	for h := range 24 {
		quiet := 0
		for quiet < 24 && !hours[(h+quiet)%24] {
			quiet++
		}
		if quiet > longest {
			longest, start = quiet, (h+quiet)%24
		}
	}
	if longest < 14 {
		return ""
	}
	return fmt.Sprintf("%02d-%02d", start, (start+24-longest)%24)
}

func baseName(p string) string { return p[strings.LastIndexAny(p, `\/`)+1:] }

// generalPath makes a pattern of a file's path: the drive and the user's folder vary, names made of digits do.
func generalPath(p string) string {
	sep := `\`
	if !strings.Contains(p, `\`) {
		sep = "/"
	}
	parts := strings.Split(p, sep)
	for i, part := range parts {
		switch {
		case i == 0:
			parts[i] = "*"
		case i >= 2 && (strings.EqualFold(parts[i-1], "users") || strings.EqualFold(parts[i-1], "home") || strings.EqualFold(parts[i-1], "documents and settings")):
			parts[i] = "*"
		case i == len(parts)-1 && varies(strings.TrimSuffix(part, extension(part))):
			parts[i] = "*" + extension(part)
		case strings.HasPrefix(part, "{"):
			parts[i] = "*"
		default:
			parts[i] = escapeStars(part)
		}
	}
	out := strings.Join(parts, sep)
	if literal(out) < 6 || len(parts) < 3 || strings.HasPrefix(parts[len(parts)-1], "*") && len(parts) < 4 {
		return ""
	}
	return out
}

// generalName writes the name of what starts again: a registry value without its hive's user.
func generalName(k Kind, name string) string {
	if k != Registry {
		return name
	}
	parts := strings.Split(name, `\`)
	for i, p := range parts {
		if strings.HasPrefix(strings.ToUpper(p), "S-1-5-21-") || i == 0 {
			parts[i] = "*"
		}
	}
	return strings.Join(parts, `\`)
}

// registered gives what of a name or URL its owner registered: the last two labels, or three below a shared suffix.
func registered(v string) string {
	if _, rest, ok := strings.Cut(v, "://"); ok {
		v, _, _ = strings.Cut(rest, "/")
		v, _, _ = strings.Cut(v, ":")
	}
	v = strings.Trim(strings.ToLower(v), ".")
	if _, err := netip.ParseAddr(v); err == nil {
		return v
	}
	labels := strings.Split(v, ".")
	n := 2
	if len(labels) > 2 && publicSuffix[strings.Join(labels[len(labels)-2:], ".")] {
		n = 3
	}
	return strings.Join(labels[max(0, len(labels)-n):], ".")
}
