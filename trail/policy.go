package trail

import (
	"path"
	"strings"
	"time"
)

// policy says how a walk passes a node: not at all, within a span of time around its arrival, or altogether; and what each step from it keeps
// of the weight.
type policy struct {
	shut   bool
	within int64 // nanoseconds around the arrival; 0 for no bound
	from   int64 // no edges before this time; 0 for no bound
	factor float64
	step   func(e *edge, other Node, forward bool) float64
}

var shut = policy{shut: true}

const (
	second = int64(time.Second)
	// meeting is how far apart two sides may log the same connection or logon.
	meeting = 5 * second
	// burst is how far apart refused logons of one spray may lie.
	burst = 75 * second
)

// policy chooses by the node's kind. This is the table of the walk.
func (w *walker) policy(a *arrival) policy {
	if p, ok := w.entry(a); ok { // entry.go: where gateways, servers and mail logs hold the way in
		return p
	}
	switch w.kind(a.node) {
	case Process, pidRef:
		return w.atProcess(a)
	case File:
		return w.atFile(a)
	case Hash, Program:
		return w.atProgram(a)
	case Session:
		return w.atSession(a)
	case Socket:
		return policy{within: meeting, factor: 0.98, step: w.sameMeeting(a)}
	case Pair:
		return w.atPair(a)
	case Address, Name:
		return w.atPlace(a)
	case Account:
		return w.atAccount(a)
	case Service, Task, WMI:
		return w.atPersistence(a)
	case Registry:
		return w.atRegistry(a)
	case Pipe:
		return w.atPipe(a)
	case URL:
		if w.traitsOf(a.node).peers <= 3 && !w.established(a.node) {
			return policy{factor: 0.85}
		}
	case Script, Command, Log, Mail, Query:
		if a.from == noNode && !w.traitsOf(a.node).many {
			return policy{factor: 0.95}
		}
	}
	return shut
}

func (w *walker) atProcess(a *arrival) policy {
	image, name := w.image(a.node), w.program(a.node)
	resident, server := residents[name], servers[name]
	if image != "" && w.stranger(a.node) && a.trust != asCause || w.library(a.node) != noNode { // a program that nobody installed only borrows a name
		resident = false
	}
	inSession := a.via.Rel == InSession && a.from != noNode && w.kind(a.from) == Session
	child := a.via.Rel == Started && a.trust == asEffect && a.via.To == a.node
	switch {
	case resident && inSession && w.kind(a.node) == pidRef: // its number was given to others before and after
		return policy{within: maxLease, factor: 0.95, step: w.processStep}
	case (resident || server) && (child || inSession):
		return w.wholeProcess(0.95)
	case a.via.Rel == Loaded && a.trust != asCause && w.hostsService(a.node, a.from):
		return w.wholeProcess(0.95)
	case resident:
		return shut
	case server:
		if a.trust == asCause && a.via.Rel == Started {
			return w.exploited(a)
		}
		return shut
	case a.via.Rel == Accessed && a.trust != asSeed && a.via.To == a.node:
		return shut // being read does not make a process the intruder's
	case a.via.Rel == Accepted && a.trust == asEffect && installed(image):
		return shut
	}
	if browser(name) || readers[name] {
		if child || inSession {
			return w.wholeProcess(0.95)
		}
		// It fetched or opened what turned out to be the intruder's, and did much else before and after.
		return policy{within: meeting, factor: 0.2}
	}
	if image != "" && w.stranger(a.node) {
		w.toCalls(a) // fresh.go
	}
	if shells[name] {
		w.toContainer(a)
	}
	if a.trust == asCause && installed(image) {
		// Concentration, as in DepImpact: a program that everybody has and that did much else is only believed within seconds.
		if t := w.traitsOf(a.node); t.many || t.edges > 400 {
			return policy{within: meeting, factor: 0.8, step: w.processStep}
		}
		if w.established(a.node) { // it ran on ordinary days, and was made to do something else on this one
			return policy{within: 12 * meeting, factor: 0.8, step: w.processStep}
		}
	}
	return w.wholeProcess(0.98)
}

func browser(name string) bool {
	switch name {
	case "msedge.exe", "chrome.exe", "firefox.exe", "iexplore.exe", "opera.exe", "brave.exe":
		return true
	}
	return false
}

func (w *walker) wholeProcess(factor float64) policy {
	return policy{factor: factor, step: w.processStep}
}

// processStep weighs what a process does.
func (w *walker) processStep(e *edge, other Node, forward bool) float64 {
	switch e.Rel {
	case Accessed:
		// Whoever opens the intruder's process is a scanner, a manager or its parent; whom the intruder opens is told by what it is.
		if !forward || !secretKeepers[w.program(other)] {
			return 0
		}
	case InSession:
		return 0.95
	case Mentioned:
		return 0.95
	case Loaded:
		return 0.9
	}
	return 1
}

// exploited judges a server that started something of the intruder's. It answers many; what it did for the intruder is told by what it never
// does otherwise: starting shells and writing programs or pages (rare steps, as in NoDoze), and by requests in the moments before.
func (w *walker) exploited(a *arrival) policy {
	var starts []int64
	out, _ := w.out(a.node, never, always)
	usual := map[string]map[int64]bool{} // program → days on which the server started it
	for i := range out {
		if out[i].Rel == Started {
			p := w.program(out[i].To)
			if usual[p] == nil {
				usual[p] = map[int64]bool{}
			}
			usual[p][out[i].Time/int64(24*time.Hour)] = true
			if shells[p] {
				starts = append(starts, out[i].Time)
			}
		}
	}
	return policy{factor: 1, step: func(e *edge, other Node, forward bool) float64 {
		switch {
		case forward && e.Rel == Started:
			p := w.program(other)
			if days := len(usual[p]); shells[p] && (days <= 3 || abs(e.Time-a.time) < meeting) {
				return 0.9
			}
		case forward && e.Rel == Wrote:
			if dangerous(w.key(other).value) && abs(e.Time-a.time) < int64(72*time.Hour) {
				return 0.85
			}
		case !forward && (e.Rel == Connected || e.Rel == Accepted):
			if precedes(e.Time, starts) && w.aimed(e, other, starts) {
				return 0.85
			}
		}
		return 0
	}}
}

// precedes says whether one of the moments follows a time within two seconds.
func precedes(t int64, moments []int64) bool {
	for _, m := range moments {
		if t <= m && m-t <= 2*second {
			return true
		}
	}
	return false
}

// aimed says whether connections from an address mostly come just before the server starts a shell: a visitor who happened to come then
// came at other times as well, or the intruder came for nothing else.
func (w *walker) aimed(e *edge, from Node, starts []int64) bool {
	if w.kind(from) == Socket {
		value := w.key(from).value
		i := strings.LastIndexByte(value, ':')
		from = w.g.names.find(appendKey(nil, Address, nil, []byte(value[:max(i, 0)])))
	}
	all, more := w.out(from, never, always)
	hits, n := 0, 0
	for i := range all {
		if all[i].Rel == Connected {
			n++
			if precedes(all[i].Time, starts) {
				hits++
			}
		}
	}
	return !more && hits*2 >= n
}

// dangerous says whether a file can run: a program or a page that a server executes.
func dangerous(p string) bool {
	switch strings.ToLower(path.Ext(strings.ReplaceAll(p, `\`, "/"))) {
	case ".exe", ".dll", ".sys", ".ps1", ".bat", ".cmd", ".vbs", ".js", ".hta", ".aspx", ".ashx", ".asmx", ".asp", ".jsp", ".jspx", ".war", ".php", ".phtml", ".cfm", ".so", ".sh", ".py", ".pl", ".elf":
		return true
	}
	return false
}

func (w *walker) atFile(a *arrival) policy {
	p := w.key(a.node).value
	written := (a.via.Rel == Wrote || a.via.Rel == Packed) && a.trust != asCause
	named := a.from == noNode || w.kind(a.from) == Hash // by somebody
	if installed(p) && !named && !((written || a.via.Rel == ServedAs) && (dangerous(p) || served([]byte(p)))) && !w.brought(a.node) {
		return shut
	}
	t := w.traitsOf(a.node)
	if t.many || t.programs > 12 || w.established(a.node) || !strings.ContainsAny(p, `\/`) || len(p) < 4 || strings.HasPrefix(p, `\device\`) {
		return shut
	}
	return policy{factor: 0.95, step: func(e *edge, other Node, forward bool) float64 {
		if e.Rel == Loaded && forward {
			return 0
		}
		if days := abs(e.Time-a.time) / int64(24*time.Hour); days > 30 {
			return 0.6
		}
		if k := w.kind(other); k == Process || k == pidRef {
			if n := w.program(other); (residents[n] || servers[n]) && e.Rel != Wrote && e.Rel != Packed && e.Rel != RunsImage && !(e.Rel == Loaded && w.hostsService(other, a.node)) {
				return 0
			}
		}
		return 1
	}}
}

// atProgram passes from one process to others of the same program, by hash or name, when it is neither one that is installed nor common.
func (w *walker) atProgram(a *arrival) policy {
	if a.from == noNode {
		return policy{factor: 0.95} // the value that somebody named
	}
	k := w.key(a.node)
	if w.kind(a.from) == Process && !w.stranger(a.from) {
		return shut
	}
	if by := w.authorityAt(a.time); by.explains(a.from) {
		return shut // the same tool in other hands is no cause
	}
	if k.kind == Program && (residents[k.value] || servers[k.value] || shells[k.value] || len(k.value) < 4 || w.kind(a.from) != Process) {
		return shut
	}
	t := w.traitsOf(a.node)
	if t.many || t.peers > 400 || w.established(a.node) {
		return shut
	}
	factor := 0.95
	if k.kind == Program {
		factor = 0.9
	}
	return policy{factor: factor, step: func(e *edge, other Node, forward bool) float64 {
		if image := w.image(other); image == "" || !w.stranger(other) || w.authorityAt(e.Time).explains(other) {
			return 0
		}
		return 1
	}}
}

func (w *walker) atSession(a *arrival) policy {
	if systemSession(w.key(a.node).value) {
		return shut
	}
	s := w.session(a.node)
	if a.trust == asCause && a.via.Rel == InSession {
		switch s.kind {
		case 4, 5:
			return shut // a service's or a job's: every run of it shares the session
		case 2, 7, 11, 12, 13:
			return shut // a person's own desktop
		case 10:
			return policy{factor: 0.75}
		}
		if s.desktop || s.processes > 400 || w.established(a.node) {
			return shut
		}
		return policy{factor: 0.9}
	}
	if s.kind == 5 || s.kind == 4 {
		return shut
	}
	if a.trust != asSeed && a.via.From == a.node {
		// Something of the intruder's was made in it. A person's own desktop is his, and the rest of what he does there is not the intruder's; what
		// was done in those seconds may be.
		switch s.kind {
		case 2, 7, 11, 12, 13:
			return policy{within: meeting, factor: 0.85}
		}
		if s.kind == 0 && (s.desktop || w.established(a.node)) {
			return policy{within: meeting, factor: 0.85}
		}
	}
	return policy{factor: 0.97}
}

// side says on which side of a connection an edge was logged.
func side(r Relation) int {
	switch r {
	case Opened, UsedLogon, Connected:
		return 1
	case LoggedOn, RefusedLogon, Accepted, Checked:
		return 2
	}
	return 0
}

// sameMeeting lets a walk pass from one side of a connection to the other.
func (w *walker) sameMeeting(a *arrival) func(*edge, Node, bool) float64 {
	return func(e *edge, other Node, forward bool) float64 {
		if abs(e.Time-a.time) > meeting {
			return 0
		}
		return 1
	}
}

// atRulers goes from a service that was installed to the privileged logon over the network of the half minute before, when there was only one.
func (w *walker) atRulers(a *arrival) policy {
	if a.from == noNode || w.kind(a.from) != Service {
		return shut
	}
	const before = 30 * second
	logons := map[Node]bool{}
	in, _ := w.in(a.node, a.time-before, a.time+second)
	for i := range in {
		if s := in[i].From; w.kind(s) == Session && w.session(s).kind == 3 {
			logons[s] = true
		}
	}
	if len(logons) != 1 {
		return shut
	}
	return policy{within: before, factor: 0.8, step: func(e *edge, other Node, _ bool) float64 {
		return when(logons[other] && e.Time <= a.time+second, 1)
	}}
}

func (w *walker) atPair(a *arrival) policy {
	if strings.HasPrefix(w.key(a.node).value, rulersMark) {
		return w.atRulers(a)
	}
	if a.via.Rel == LoggedOn && a.from != noNode {
		w.toOpener(a) // fresh.go
	}
	refused := a.via.Rel == RefusedLogon
	within := meeting
	if refused {
		within = burst
	}
	return policy{within: within, factor: 0.95, step: func(e *edge, other Node, forward bool) float64 {
		both := refused && e.Rel == RefusedLogon
		if !both && side(e.Rel) == side(a.via.Rel) && !(refused && e.Rel == LoggedOn) && a.from != noNode && !(e.Rel == Checked || a.via.Rel == Checked) {
			return 0
		}
		if k := w.kind(other); k == Process || k == pidRef {
			if n := w.program(other); servers[n] && abs(e.Time-a.time) > second {
				return 0
			}
		}
		return 1
	}}
}

// atPlace is an address or name. What is internal or what many talk to joins nothing.
func (w *walker) atPlace(a *arrival) policy {
	known := a.from == noNode
	k := w.key(a.node)
	if !known && w.internal(k) && !w.strange(a.node) {
		return shut
	}
	t := w.traitsOf(a.node)
	if !known && (t.many || t.programs > 6 || w.established(a.node) || t.hosts > 12) {
		return shut
	}
	return policy{factor: 0.95, step: func(e *edge, other Node, forward bool) float64 {
		if e.Rel == Answered && k.kind == Name && w.kind(other) == Name {
			return when(w.carries(a.node) || w.carries(other), 1) // a name and the zone for which it carries data
		}
		if kind := w.kind(other); kind == Process || kind == pidRef {
			n := w.program(other)
			if (servers[n] || residents[n] || browser(n)) && abs(e.Time-a.time) > meeting {
				return 0
			}
		}
		return 1
	}}
}

func (w *walker) atAccount(a *arrival) policy {
	if a.via.Rel != MadeAccount && a.from != noNode && !w.madeBy(a.node) {
		return shut
	}
	return policy{factor: 0.95}
}

// madeBy says whether the account was made within the evidence by somebody the walk already follows.
func (w *walker) madeBy(account Node) bool {
	in, _ := w.in(account, never, always)
	for i := range in {
		if in[i].Rel == MadeAccount && w.opened[in[i].From] {
			return true
		}
	}
	return false
}

func (w *walker) atPersistence(a *arrival) policy {
	k := w.key(a.node)
	if k.value == webServerName {
		return shut
	}
	t := w.traitsOf(a.node)
	if a.trust != asSeed && (t.many || w.established(a.node)) {
		return shut
	}
	if k.kind == Task && strings.HasPrefix(k.value, `\microsoft\windows\`) && t.many {
		return shut
	}
	return policy{factor: 0.97}
}

func (w *walker) atRegistry(a *arrival) policy {
	t := w.traitsOf(a.node)
	if !autostart(w.key(a.node).value) {
		return shut // settings and inventories are written by whoever passes
	}
	if t.many || t.peers > 8 || w.established(a.node) {
		return shut
	}
	return policy{factor: 0.8}
}

// commonPipes are those through which Windows offers its services.
var commonPipes = set(`\svcctl \atsvc \samr \lsarpc \lsass \srvsvc \wkssvc \spoolss \netlogon \drsuapi \epmapper \eventlog \winreg \ntsvcs \browser \efsrpc \initshutdown \trkwks \w32time \protected_storage \keysvc \scerpc \plugplay \router \rpcss \tsvcpipe \termsrv_api_service \mojo \crashpad \chrome`)

func (w *walker) atPipe(a *arrival) policy {
	k := w.key(a.node)
	t := w.traitsOf(a.node)
	name, _, _ := strings.Cut(strings.TrimPrefix(k.value, `\`), ".")
	if commonPipes[k.value] || commonPipes[`\`+name] || t.many || t.programs > 3 || w.established(a.node) || strings.HasPrefix(k.value, `\pshost`) || strings.HasPrefix(k.value, "<anonymous") {
		return shut
	}
	return policy{factor: 0.8}
}
