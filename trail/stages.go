package trail

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/contrail-ir/contrail/finding"
)

// tactics of ATT&CK in the order in which they are told. Stealth and defense-impairment are what newer editions call the two halves of
// defense-evasion.
var tactics = []string{"reconnaissance", "resource-development", "initial-access", "execution", "persistence", "privilege-escalation", "defense-evasion", "stealth", "defense-impairment", "credential-access", "discovery",
	"lateral-movement", "collection", "command-and-control", "exfiltration", "impact"}

// tacticsOf gives the tactics among a rule's tags, with either separator.
func tacticsOf(tags []string) (out []string) {
	for _, t := range tags {
		name, ok := strings.CutPrefix(t, "attack.")
		if name = strings.ReplaceAll(name, "_", "-"); ok && slices.Contains(tactics, name) {
			out = append(out, name)
		}
	}
	return out
}

var techniqueTag = regexp.MustCompile(`^attack\.t\d{4}(\.\d{3})?$`)

func techniqueOf(tags []string) string {
	best := ""
	for _, t := range tags {
		if techniqueTag.MatchString(t) && len(t) > len(best) {
			best = t
		}
	}
	return strings.ToUpper(strings.TrimPrefix(best, "attack."))
}

// told is what a step means by its own kind, whether or not a rule matched it. It is a table: relation and a condition to tactic, technique,
// words.
var told = []struct {
	rel       Relation
	when      func(t *teller, e *edge) bool
	tactic    string
	technique string
	text      string
}{
	{Installed, toKind(Service), "persistence", "T1543.003", "A service is installed"},
	{Runs, fromKind(Service), "persistence", "T1543.003", "A service runs a program of the intruder"},
	{Installed, toKind(Task), "persistence", "T1053.005", "A scheduled task is made"},
	{Runs, fromKind(Task), "persistence", "T1053.005", "A scheduled task runs a program of the intruder"},
	{Runs, fromKind(WMI), "persistence", "T1546.003", "A WMI subscription runs a program"},
	{SetValue, runKey, "persistence", "T1547.001", "A program is started at logon by the registry"},
	{MadeAccount, inCloud, "persistence", "T1136.003", "An account is made in a cloud service"},
	{MadeAccount, onDevice, "persistence", "T1136.001", "An account is made on a network device"},
	{MadeAccount, nil, "persistence", "T1136", "An account is made"},
	{AddedMember, nil, "persistence", "T1098", "An account is put into a group"},
	{Cleared, nil, "defense-evasion", "T1070.001", "An event log is cleared"},
	{Injected, nil, "defense-evasion", "T1055", "Code is put into another process"},
	{Accessed, toProgram("lsass.exe"), "credential-access", "T1003.001", "The memory of LSASS is opened"},
	// Where gateways, servers and mail logs hold the way in: entry_told.go.
	{LoggedOn, accessFromOutside, "initial-access", "T1133", "Remote access from an outside address begins"},
	{LoggedOn, cloudFromOutside, "initial-access", "T1078.004", "Somebody signs in to a cloud service from an outside address"},
	{LoggedOn, consoleFromOutside, "initial-access", "T1078", "Somebody logs on to a device or a shell from an outside address"},
	{LoggedOn, consoleLogon, "lateral-movement", "T1021.004", "A logon to a device or a shell from another host"},
	{Failed, nil, "initial-access", "T1190", "A program of a device that faces the internet breaks"},
	{Posted, fromOutside, "initial-access", "T1190", "An address of the intruder sends something to a web server"},
	{Requested, fromOutside, "initial-access", "T1190", "An address of the intruder asks a web server"},
	{Probed, nil, "reconnaissance", "T1595", "An address of the intruder asks for what is not there"},
	{Carried, nil, "initial-access", "T1566.001", "A letter brings a file"},
	{Received, nil, "initial-access", "T1566", "A letter arrives"},
	{Mentioned, opensReceived, "execution", "T1204.002", "A person opens a file that was sent"},
	{HasCommand, inCloud, "persistence", "T1098", "Who may do what, or where letters go, is changed in a cloud service"},
	{HasCommand, onDevice, "execution", "T1059.008", "A command is given to a network device"},
	{Configured, nil, "execution", "T1059.008", "A network device is configured"},
	{PassedOn, nil, "command-and-control", "T1090.002", "A device is told to hand traffic on"},
	{RefusedLogon, nil, "credential-access", "T1110", "Passwords are tried and refused"},
	{LoggedOn, desktopLogon, "lateral-movement", "T1021.001", "A desktop session from another host begins"},
	{LoggedOn, networkLogon, "lateral-movement", "T1021", "A logon over the network succeeds"},
	{Wrote, bySession, "lateral-movement", "T1021.002", "A file is written through a share"},
	{Connected, outward, "command-and-control", "T1071", "A program of the intruder connects to the outside"},
	{Resolved, outward, "command-and-control", "T1071", "A program of the intruder looks up a name outside"},
	{Started, startsShell, "execution", "T1059", "A command interpreter is started"},
	{Started, nil, "execution", "T1106", "A program is started"},
	{RanScript, nil, "execution", "T1059.001", "A PowerShell script runs"},
	{Packed, nil, "collection", "T1560.001", "Files are packed"},
	{Wrote, packed, "collection", "T1560.001", "Files are packed"},
	{Wrote, webPage, "persistence", "T1505.003", "A page that a server executes is written"},
	{Sent, outward, "exfiltration", "T1048", "Data are sent to the outside"},
}

func toKind(k Kind) func(*teller, *edge) bool {
	return func(t *teller, e *edge) bool { return t.kind(e.To) == k }
}

func fromKind(k Kind) func(*teller, *edge) bool {
	return func(t *teller, e *edge) bool { return t.kind(e.From) == k }
}

func toProgram(name string) func(*teller, *edge) bool {
	return func(t *teller, e *edge) bool {
		return t.kind(e.To) == Process && t.program(e.To) == name || t.kind(e.To) == File && strings.HasSuffix(t.key(e.To).value, `\`+name)
	}
}

func runKey(t *teller, e *edge) bool {
	return t.kind(e.To) == Registry && strings.Contains(t.key(e.To).value, `\currentversion\run`)
}

func desktopLogon(t *teller, e *edge) bool { return t.logonOf(e) == 10 }
func networkLogon(t *teller, e *edge) bool {
	k := t.logonOf(e)
	return k == 3 || k == 8
}

func (t *teller) logonOf(e *edge) int {
	if t.kind(e.To) != Session {
		return 0
	}
	if strings.HasPrefix(t.key(e.To).value, "desktop ") {
		return 10
	}
	return t.session(e.To).kind
}

func bySession(t *teller, e *edge) bool { return t.kind(e.From) == Session }
func outward(t *teller, e *edge) bool {
	k := t.kind(e.To)
	return (k == Address || k == Name) && (!t.internal(t.key(e.To)) || t.strange(e.To))
}
func startsShell(t *teller, e *edge) bool { return shells[t.program(e.To)] }
func webPage(t *teller, e *edge) bool {
	p := t.key(e.To).value
	for _, x := range []string{".aspx", ".ashx", ".asmx", ".asp", ".jsp", ".jspx", ".php", ".phtml", ".cfm"} {
		if strings.HasSuffix(p, x) {
			return true
		}
	}
	return false
}

var archive = regexp.MustCompile(`\.(7z|rar|zip|tar|gz|tgz|cab|ace|arj)(\.\d{3})?$|\.part\d+\.rar$|\.[rz]\d\d$`)

func packed(t *teller, e *edge) bool {
	return archive.MatchString(t.key(e.To).value) && !brings(t.program(e.From))
}

// brings says whether a program writes archives that come from elsewhere.
func brings(program string) bool {
	return fetchers[program] || browser(program) || readers[program] || residents[program]
}

// stages tells each technique on each host once: first by the rules that matched the steps, then by what steps mean by themselves where no
// rule spoke of the record.
func (t *teller) stages() {
	type key struct{ tactic, technique, host, text string }
	stages := map[key]*Stage{}
	refs := map[key]map[Ref]bool{}
	add := func(k key, e *edge) {
		s := stages[k]
		r := t.ref(e)
		if s == nil {
			s = &Stage{Tactic: k.tactic, Technique: k.technique, Host: k.host, Time: stamp(e.Time), Text: k.text}
			stages[k], refs[k] = s, map[Ref]bool{}
		}
		s.Last = stamp(e.Time)
		if len(refs[k]) < maxRefs {
			refs[k][Ref{r.File, r.Record, Intrusion}] = true
		}
	}
	for i := range t.kept {
		e := &t.kept[i].edge
		host := t.g.hosts.text[e.Host]
		spoken := false
		for _, r := range t.findings[t.ref(e)] {
			if r.Level < finding.Medium {
				continue
			}
			for _, tactic := range tacticsOf(r.Tags) {
				spoken = true
				add(key{tactic, techniqueOf(r.Tags), host, r.Title}, e)
			}
		}
		if spoken {
			continue
		}
		for _, x := range told {
			if x.rel == e.Rel && (x.when == nil || x.when(t, e)) {
				add(key{x.tactic, x.technique, host, x.text}, e)
				break
			}
		}
	}
	for k, s := range stages {
		s.Refs = sortedRefs(refs[k])
		t.trail.Stages = append(t.trail.Stages, *s)
	}
	slices.SortFunc(t.trail.Stages, func(a, b Stage) int {
		return cmp.Or(strings.Compare(a.Time, b.Time), cmp.Compare(slices.Index(tactics, a.Tactic), slices.Index(tactics, b.Tactic)), strings.Compare(a.Host, b.Host), strings.Compare(a.Technique, b.Technique), strings.Compare(a.Text, b.Text))
	})
}

// implants finds the programs that recur as the source of effects: not installed by the system or a vendor, and either started by persistence, or
// calling outside, or starting others. The other programs that nobody installed and that ran are tools: they do one thing and are gone.
func (t *teller) implants() {
	type tally struct {
		paths, hashes, hosts map[string]bool
		effects              int
		kinds                map[Relation]bool
		refs                 map[Ref]bool
		hidden               bool // in a folder for temporary or public files
		ran                  bool
		deaf                 bool // on a host whose log tells of no connections
	}
	by := map[string]*tally{}
	of := func(path string) *tally {
		name := path[strings.LastIndexAny(path, `\/`)+1:]
		if by[name] == nil {
			by[name] = &tally{map[string]bool{}, map[string]bool{}, map[string]bool{}, 0, map[Relation]bool{}, map[Ref]bool{}, temporary(path), false, false}
		}
		return by[name]
	}
	for i := range t.kept {
		e := &t.kept[i].edge
		var path string
		brought := false
		switch {
		case e.Rel == Runs:
			path, brought = t.key(e.To).value, t.brought(e.To)
		case e.Rel == HasHash && t.kind(e.From) == File:
			path, brought = t.key(e.From).value, t.brought(e.From)
		case t.kind(e.From) == Process:
			path, brought = t.acts(e.From), t.broughtProgram(e.From)
			if library := t.library(e.From); library != noNode { // a host of services acts for it
				if e.Rel == HasHash {
					continue
				}
				path, brought = t.key(library).value, true
			}
		}
		if path == "" || installed(path) && !brought || !strings.ContainsAny(path, `\/`) {
			continue
		}
		a, host, r := of(path), t.g.hosts.text[e.Host], t.ref(e)
		a.ran, a.deaf = a.ran || e.Rel != Runs, a.deaf || !t.g.talks[e.Host]
		a.kinds[Connected] = a.kinds[Connected] || e.Rel == Started && t.firstCalls(e.From) != nil
		a.paths[host+": "+path], a.hosts[host] = true, true
		if len(a.refs) < maxRefs {
			a.refs[Ref{r.File, r.Record, Intrusion}] = true
		}
		switch e.Rel {
		case HasHash:
			a.hashes[t.key(e.To).value] = true
		case Mentioned:
			if outward(t, e) {
				a.kinds[Connected] = true
			}
		case Started, Connected, Resolved, Injected, Accessed, UsedLogon, Runs, UsedPipe:
			a.effects++
			a.kinds[e.Rel] = true
		}
	}
	for _, name := range sortedKeys(by) {
		a := by[name]
		lasting := a.kinds[Runs] || len(a.hosts) > 1
		lasting = lasting || a.kinds[Started] && a.effects >= 3 && a.hidden && a.deaf
		list := &t.trail.Implant
		if !(a.kinds[Started] && (a.kinds[Connected] || a.kinds[Resolved])) && !(lasting && a.effects >= 2) {
			if list = &t.trail.Tools; !a.ran {
				continue
			}
		}
		*list = append(*list, Implant{Name: name, Paths: sortedKeys(a.paths), SHA256: sortedKeys(a.hashes), Hosts: sortedKeys(a.hosts), Effects: a.effects, Refs: sortedRefs(a.refs)})
	}
	for _, list := range [][]Implant{t.trail.Implant, t.trail.Tools} {
		slices.SortStableFunc(list, func(a, b Implant) int { return cmp.Compare(b.Effects, a.Effects) })
	}
}

// things gathers persistence, accounts and the bytes that left.
func (t *teller) things() {
	persistence := map[Node]*Persistence{}
	pRefs := map[Node]map[Ref]bool{}
	accounts := map[Node]*AccountView{}
	aRefs := map[Node]map[Ref]bool{}
	sent := map[alike][]edge{}
	note := func(m map[Node]map[Ref]bool, n Node, e *edge) {
		if m[n] == nil {
			m[n] = map[Ref]bool{}
		}
		if r := t.ref(e); len(m[n]) < maxRefs {
			m[n][Ref{r.File, r.Record, Intrusion}] = true
		}
	}
	for i := range t.kept {
		e := &t.kept[i].edge
		for _, n := range []Node{e.From, e.To} {
			k := t.key(n)
			switch k.kind {
			case Service, Task, WMI:
				if !t.opened[n] {
					continue
				}
				if persistence[n] == nil {
					persistence[n] = &Persistence{Kind: k.kind.String(), Host: k.host, Name: k.value}
				}
				if e.Rel == Runs && n == e.From {
					persistence[n].Runs = t.key(e.To).value
				}
				note(pRefs, n, e)
			case Registry:
				if n == e.To && runKey(t, e) {
					if persistence[n] == nil {
						persistence[n] = &Persistence{Kind: k.kind.String(), Host: k.host, Name: k.value}
					}
					note(pRefs, n, e)
				}
			}
		}
		switch {
		case e.Rel == MadeAccount || e.Rel == AddedMember || e.Rel == OfAccount && t.kind(e.From) == Session:
			if name := t.key(e.To).value; name == "system" || strings.HasSuffix(name, "$") {
				break
			}
			if accounts[e.To] == nil {
				accounts[e.To] = &AccountView{Account: t.key(e.To).value}
			}
			accounts[e.To].Made = accounts[e.To].Made || e.Rel == MadeAccount
			note(aRefs, e.To, e)
		case e.Rel == UsedLogon:
			value := t.key(e.To).value
			user, _, ok := strings.Cut(strings.TrimPrefix(value, "user:"), ">")
			if n := t.g.names.find(appendKey(nil, Account, nil, []byte(user))); ok && n != noNode && !strings.HasSuffix(user, "$") {
				if accounts[n] == nil {
					accounts[n] = &AccountView{Account: user}
				}
				note(aRefs, n, e)
			}
		case e.Rel == Sent && outward(t, e):
			k := alike{e.From, e.To, Sent, e.File}
			sent[k] = append(sent[k], *e)
		}
	}
	t.trail.SentBytes = mostSent(sent)
	for _, n := range t.inOrder(persistence) {
		p := *persistence[n]
		p.Refs = sortedRefs(pRefs[n])
		t.trail.Persistence = append(t.trail.Persistence, p)
	}
	for n, a := range accounts {
		a.Refs = sortedRefs(aRefs[n])
		t.trail.Accounts = append(t.trail.Accounts, *a)
	}
	slices.SortFunc(t.trail.Accounts, func(a, b AccountView) int { return strings.Compare(a.Account, b.Account) })
}

// mostSent gives the bytes that left as the log that tells most does: several sensors tell of the same. A record with which a trace began stands beside
// the edge that it was folded into, and counts once.
func mostSent(sent map[alike][]edge) (most int64) {
	byFile := map[uint32]int64{}
	for k, all := range sent {
		slices.SortFunc(all, func(a, b edge) int {
			return cmp.Or(cmp.Compare(a.Time, b.Time), cmp.Compare(b.Span, a.Span), cmp.Compare(b.Count, a.Count))
		})
		end := int64(never)
		for i := range all {
			if e := &all[i]; e.Time > end {
				byFile[k.file] += int64(e.Count) << 10
				end = e.Time + int64(e.Span+1)*second // the span is cut to seconds
			}
		}
		most = max(most, byFile[k.file])
	}
	return most
}

func (t *teller) inOrder(m map[Node]*Persistence) []Node {
	var out []Node
	for n := range m {
		out = append(out, n)
	}
	slices.SortFunc(out, t.compareNodes)
	return out
}

// places lists addresses and names outside that the intruder's steps touched. What a host of the organisation talked to itself is a first hop; what
// is only spoken of in a command is unknown.
func (t *teller) places() {
	type seen struct {
		first, last int64
		direct      bool
		refs        map[Ref]bool
	}
	all := map[Node]*seen{}
	for i := range t.kept {
		e := &t.kept[i].edge
		for _, n := range []Node{e.From, e.To} {
			k := t.key(n)
			if k.kind != Address && k.kind != Name || t.internal(k) && !t.calledByImplant(e, k) && !t.strange(n) {
				continue
			}
			if zone := t.g.names.find(appendKey(nil, Name, nil, carryingZone([]byte(k.value)))); k.kind == Name && zone != noNode && zone != n && t.carries(zone) {
				n = zone // the names below it are what was carried
			}
			s := all[n]
			if s == nil {
				s = &seen{first: e.Time, refs: map[Ref]bool{}}
				all[n] = s
			}
			s.last = e.Time
			s.direct = s.direct || e.Rel != Mentioned
			if r := t.ref(e); len(s.refs) < maxRefs {
				s.refs[Ref{r.File, r.Record, Intrusion}] = true
			}
		}
	}
	hops := t.passedOn() // entry_told.go
	for n, s := range all {
		k := t.key(n)
		p := Place{Value: k.value, Kind: k.kind.String(), Role: "unknown", First: stamp(s.first), Last: stamp(s.last), Refs: sortedRefs(s.refs)}
		if s.direct {
			p.Role = "first-hop"
		}
		if hops[n] {
			p.Role = "relay"
		}
		t.trail.Infrastructure = append(t.trail.Infrastructure, p)
	}
	t.trail.Infrastructure = append(t.trail.Infrastructure, t.hops()...) // entry_told.go
	slices.SortFunc(t.trail.Infrastructure, func(a, b Place) int {
		return cmp.Or(strings.Compare(a.First, b.First), strings.Compare(a.Value, b.Value))
	})
}

// calledByImplant says whether a program that nobody installed connected to an address of a private network that is no known host's, that lies beside none of them, and that nobody
// reaches on ordinary days: an intruder's own machine, or a host without logs.
func (t *teller) calledByImplant(e *edge, k nodeKey) bool {
	if k.kind != Address || e.Rel != Connected || t.kind(e.From) != Process || t.g.hostOf[k.value] != "" || t.established(e.To) || t.amongOwn(k.value) {
		return false
	}
	return strings.ContainsAny(t.image(e.From), `\/`) && t.stranger(e.From)
}

// onWire says whether a node is a thing of the network, and not of a host.
func onWire(k Kind) bool {
	switch k {
	case Address, Name, URL, Socket, Pair, 0:
		return true
	}
	return false
}

// hostAt gives the host of the organisation that an end of a connection is: its name, else its address within; "" for a place outside, for what a gateway assigned, and for a mere name.
func (t *teller) hostAt(n Node, to bool) string {
	if n == noNode {
		return ""
	}
	k := t.key(n)
	address := k.value
	switch k.kind {
	case Socket:
		address = address[:max(strings.LastIndexByte(address, ':'), 0)]
	case Pair:
		from, there, ok := cutPair(address)
		if address = from; to {
			address = there
		}
		if _, named := t.g.hosts.ids[address]; ok && named {
			return address
		}
	case Address:
	default:
		return ""
	}
	if host, ours := t.g.hostOf[address]; ours {
		return host
	}
	if at := t.g.names.find(appendKey(nil, Address, nil, []byte(address))); at == noNode || !t.internal(t.key(at)) || t.strange(at) || len(t.leases(at)) > 0 {
		return ""
	}
	return address
}

func (t *teller) hosts() {
	all := map[string]*HostView{}
	for i := range t.kept {
		e := &t.kept[i].edge
		name := t.g.hosts.text[e.Host]
		if onWire(t.kind(e.From)) && onWire(t.kind(e.To)) { // who wrote it down is a sensor, a firewall, a name server
			name = cmp.Or(t.hostAt(e.From, false), t.hostAt(e.To, true))
		}
		if name == "" {
			continue
		}
		if all[name] == nil {
			all[name] = &HostView{Host: name, First: stamp(e.Time)}
		}
		all[name].Last = stamp(e.Time)
		all[name].Steps++
	}
	for _, h := range all {
		t.trail.Hosts = append(t.trail.Hosts, *h)
	}
	slices.SortFunc(t.trail.Hosts, func(a, b HostView) int {
		return cmp.Or(strings.Compare(a.First, b.First), strings.Compare(a.Host, b.Host))
	})
}

// wayIn looks for the first step by which somebody came in from outside: a server that started a shell, a program that reads what people are sent and
// started another, a logon from an outside address.
func (t *teller) wayIn() {
	best := Access{Text: "The way in is not in this evidence.", Refs: []Ref{}}
	for i := range t.kept {
		e := &t.kept[i].edge
		r := t.ref(e)
		host := t.g.hosts.text[e.Host]
		switch {
		case e.Rel == Started && servers[t.program(e.From)] && shells[t.program(e.To)]:
			best = Access{"T1190", host, fmt.Sprintf("%s, which answers requests from outside, started %s.", t.program(e.From), t.program(e.To)), nil}
			for j := range t.kept {
				if c := &t.kept[j].edge; c.To == e.From && c.Rel == Connected && c.Time <= e.Time && e.Time-c.Time <= 2*second {
					best.Text += " The request came from " + t.key(c.From).value + "."
					cr := t.ref(c)
					best.Refs = append(best.Refs, Ref{cr.File, cr.Record, Intrusion})
				}
			}
			if len(best.Refs) == 0 {
				t.requestBehind(&best, e) // entry_told.go
			}
		case e.Rel == Started && readers[t.program(e.From)] && !readers[t.program(e.To)]:
			best = Access{"T1566", host, fmt.Sprintf("%s, which opens what people are sent, started %s.", t.program(e.From), t.program(e.To)), nil}
		case e.Rel == Started && t.program(e.From) == "explorer.exe" && strings.ContainsAny(t.image(e.To), `\/`) && !installed(t.image(e.To)):
			best = Access{"T1204.002", host, fmt.Sprintf("A person started %s.", t.image(e.To)), nil}
		case e.Rel == Started && t.program(e.From) == "explorer.exe" && shells[t.program(e.To)] && t.lures(e.To):
			best = Access{"T1204.002", host, fmt.Sprintf("A person opened what started %s.", t.program(e.To)), nil}
		case e.Rel == LoggedOn && t.kind(e.From) == Address && !t.internal(t.key(e.From)) && !t.access(e.To):
			best = Access{"T1133", host, fmt.Sprintf("A logon came from the outside address %s.", t.key(e.From).value), nil}
		default:
			a, ok := t.entered(e) // entry_told.go
			if !ok {
				continue
			}
			best = a
		}
		best.Refs = append(best.Refs, Ref{r.File, r.Record, Intrusion})
		break
	}
	if best.Technique == "" {
		t.updated(&best)
	}
	t.trail.Access = best
}

// updated tells a way in through a program that is installed and runs on ordinary days: it wrote a program elsewhere and started it.
func (t *teller) updated(a *Access) {
	wrote := map[string]*edge{} // by host and path
	for i := range t.kept {
		e := &t.kept[i].edge
		by := t.program(e.From)
		if t.kind(e.From) != Process || !strings.HasPrefix(t.image(e.From), `c:\program files`) || shells[by] || browser(by) || !t.established(e.From) {
			continue
		}
		switch e.Rel {
		case Wrote:
			k := t.key(e.To)
			wrote[k.host+" "+k.value] = e
		case Started:
			w := wrote[t.g.hosts.text[e.Host]+" "+t.image(e.To)]
			if w == nil || t.key(w.From) != t.key(e.From) {
				continue
			}
			*a = Access{"T1195.002", t.g.hosts.text[e.Host], fmt.Sprintf("%s, which is installed, brought %s and started it.", by, t.image(e.To)), nil}
			for _, x := range []*edge{w, e} {
				r := t.ref(x)
				a.Refs = append(a.Refs, Ref{r.File, r.Record, Intrusion})
			}
			return
		}
	}
}

// lures says whether a command interpreter that a person's desktop started names a place where what people are sent is opened: an archive, another drive.
func (t *teller) lures(p Node) bool {
	out, _ := t.out(p, never, always)
	for i := range out {
		if k := t.key(out[i].To); out[i].Rel == Mentioned && k.kind == File {
			if _, ok := unpackedFrom([]byte(k.value)); ok || len(k.value) > 3 && k.value[1] == ':' && k.value[0] != 'c' {
				return true
			}
			if _, _, ok := receivedFile([]byte(k.value)); ok {
				return true
			}
		}
	}
	return false
}

// unseen says what the evidence could not show, from the certificate.
func (t *teller) unseen() {
	c := t.question.Coverage
	if c == nil {
		t.trail.Unseen = append(t.trail.Unseen, "No coverage certificate was given: what is missing is not known.")
		return
	}
	concerned := map[string]bool{}
	for _, h := range t.trail.Hosts {
		concerned[h.Host] = true
	}
	say := func(format string, args ...any) {
		t.trail.Unseen = append(t.trail.Unseen, fmt.Sprintf(format, args...))
	}
	for _, org := range c.Orgs {
		if org.Name != t.question.Org {
			continue
		}
		if !org.Denominator.Known {
			say("How many hosts there are was not declared: hosts that handed over nothing cannot be named.")
		}
		for _, d := range org.Silent {
			say("%s handed over nothing.", d.Host)
		}
		logs := kindsOfLog{} // unseen.go
		for _, h := range org.Hosts {
			has := kindsOfLog{}
			ours := concerned[string(shortHost([]byte(h.Host)))]
			for _, s := range h.Sources {
				has.add(s.Source)
				logs.add(s.Source)
				if ours {
					for _, g := range s.Gaps {
						say("%s: %s is silent from %s to %s: %s.", h.Host, s.Source, g.From, g.To, g.Why)
					}
				}
			}
			if ours {
				has.unseenOnHost(h.Host, say)
			}
		}
		logs.unseenAnywhere(t.trail.Access.Technique == "", say)
	}
}
