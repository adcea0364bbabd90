package trail

import (
	"slices"
	"strings"

	"github.com/contrail-ir/contrail/finding"
)

// Signs are what steps mean by their own structure, whether or not a rule speaks of them: HOLMES (Milajerdi et al., S&P 2019) judges by such stages
// and not by alerts. Rules know programs and command lines; an intruder's next tool is in none of them, but it still has to be kept alive, to call
// out, to ask around, to pack and to send. Each sign alone is an everyday thing, so it takes more of them than of grave rules.
type sign struct {
	name   string
	tactic string
	strong bool // hardly ever anybody's ordinary work
	entry  bool // a way in, which is told as such
	means  func(t *teller, e *edge) bool
}

// signs stand in the order in which they are told, what says most first.
var signs = []sign{
	{"a server that answers requests started a command interpreter", "initial-access", true, true, serverStartedShell},
	{"a program that opens what people are sent started a command interpreter", "execution", true, true, readerStartedShell},
	{"an indicator that was asked for was found", "", true, false, func(t *teller, e *edge) bool {
		return slices.ContainsFunc(t.findings[t.ref(e)], func(r *finding.Rule) bool { return r.Kind == finding.IOC && r.Level >= finding.Medium })
	}},
	{"names without number below one zone were asked for", "exfiltration", true, false, func(t *teller, e *edge) bool {
		return e.Rel == Resolved && t.carries(e.To)
	}},
	{"a server wrote a page that it executes", "persistence", true, false, func(t *teller, e *edge) bool {
		return e.Rel == Wrote && webPage(t, e) && servers[t.program(e.From)]
	}},
	{"much was sent to a place unknown on ordinary days", "exfiltration", false, false, func(t *teller, e *edge) bool {
		return t.flowOf(e).upload > 0 && t.strange(e.To)
	}},
	{"a connection kept time with a place unknown on ordinary days", "command-and-control", false, false, func(t *teller, e *edge) bool {
		return t.flowOf(e).beacon >= 0.5 && t.strange(e.To) && t.lasts(e.From, e.To)
	}},
	{"stored secrets were read", "credential-access", false, false, func(t *teller, e *edge) bool {
		return (e.Rel == Mentioned || e.Rel == ReadFrom) && t.kind(e.To) == File && secret(t.key(e.To).value)
	}},
	{"a program outside installed folders is started again", "persistence", false, false, keepsAlive},
	{"a program outside installed folders called a rare place", "command-and-control", false, false, func(t *teller, e *edge) bool {
		return (e.Rel == Connected || e.Rel == Resolved) && t.uninstalled(e.From) && t.rareOutside(e.To)
	}},
	{"files were packed", "collection", false, false, func(t *teller, e *edge) bool { return e.Rel == Packed || e.Rel == Wrote && packed(t, e) }},
	{"an event log was cleared", "defense-evasion", false, false, func(t *teller, e *edge) bool { return e.Rel == Cleared }},
	{"an account was made", "persistence", false, false, func(t *teller, e *edge) bool { return e.Rel == MadeAccount }},
	{"a program ran from a folder for temporary or public files", "execution", false, false, func(t *teller, e *edge) bool {
		return e.Rel == Started && temporary(t.image(e.To))
	}},
	{"several programs that tell of hosts, users and networks ran within an hour", "discovery", false, false, nil}, // evidence.asksAround
}

var asksAround = set("whoami.exe net.exe net1.exe nltest.exe ipconfig.exe systeminfo.exe tasklist.exe netstat.exe arp.exe quser.exe query.exe qwinsta.exe hostname.exe route.exe nslookup.exe dsquery.exe csvde.exe adfind.exe ping.exe cmdkey.exe " +
	"id whoami uname w who last ps netstat ss ifconfig ip arp hostname getent lsof env crontab")

// asksAround is the sign that takes several steps: three different programs that tell of a host, its users or its network within an hour.
func (e *evidence) asksAround(t *teller, s *edge) bool {
	program := t.program(s.To)
	if s.Rel != Started || !asksAround[program] {
		return false
	}
	e.asked[program] = append(e.asked[program], s.Time)
	near := 0
	for _, times := range e.asked {
		if slices.ContainsFunc(times, func(at int64) bool { return abs(at-s.Time) <= int64(3600e9) }) {
			near++
		}
	}
	return near >= 3
}

// sighted is where a sign was seen.
type sighted struct {
	first int64
	refs  map[Ref]bool
}

// full says whether a step of a time would add nothing.
func (x *sighted) full(at int64) bool { return x != nil && len(x.refs) >= maxRefs && at >= x.first }

// signsOf gives the signs of a step.
func (e *evidence) signsOf(t *teller, s *edge) {
	note := func(x *sign) {
		e.strong = e.strong || x.strong
		e.stages[x.tactic] = true
		e.noticed = min(e.noticed, s.Time)
		seen := e.signs[x.name]
		if seen == nil {
			seen = &sighted{first: s.Time, refs: map[Ref]bool{}}
			e.signs[x.name] = seen
		}
		seen.first = min(seen.first, s.Time)
		if r := t.ref(s); len(seen.refs) < maxRefs {
			seen.refs[Ref{r.File, r.Record, Intrusion}] = true
		}
	}
	for i := range signs {
		if x := &signs[i]; !e.signs[x.name].full(s.Time) {
			if means := x.means; means != nil && means(t, s) || means == nil && e.asksAround(t, s) {
				note(x)
			}
		}
	}
	for _, r := range t.findings[t.ref(s)] {
		if r.Level >= finding.Medium {
			for _, tactic := range tacticsOf(r.Tags) {
				e.stages[tactic] = true
			}
		}
	}
}

// told gives the signs that were seen, what says most first.
func (e *evidence) told(role Role) []Sign {
	out := []Sign{}
	for i := range signs {
		if x, seen := &signs[i], e.signs[signs[i].name]; seen != nil {
			refs := sortedRefs(seen.refs)
			for k := range refs {
				refs[k].Role = role
			}
			out = append(out, Sign{What: x.name, Tactic: x.tactic, Strong: x.strong, First: stamp(seen.first), Refs: refs})
		}
	}
	return out
}

// showsStages is whether the signs of a group, with the rules that matched, make an intrusion of it: a grave rule or what is hardly anybody's work and some
// signs, or many signs; and three tactics in either case.
func (e *evidence) showsStages() bool {
	stages := len(e.stages)
	if e.stages[""] {
		stages--
	}
	return stages >= 3 && (len(e.rules) >= 1 && len(e.signs) >= 2 || len(e.signs) >= 3 && e.strong || len(e.signs) >= 4)
}

// manyNames is how many names below one zone carry data rather than name hosts.
const manyNames = 100

// carries says whether a name is a zone below which very many long names were asked for, and which was not there on ordinary days.
func (v *view) carries(n Node) bool { return once(v.carrying, n, v.carriesNames) }

func (v *view) carriesNames(n Node) bool {
	if v.kind(n) != Name || v.internal(v.key(n)) || v.established(n) {
		return false
	}
	names := 0
	in, _ := v.in(n, never, always)
	for i := range in {
		if in[i].Rel == Answered && v.kind(in[i].From) == Name {
			names++
		}
	}
	return names >= manyNames
}

// uninstalled says whether a process runs a program outside the places of installed ones.
func (t *teller) uninstalled(p Node) bool {
	if k := t.kind(p); k != Process && k != pidRef {
		return false
	}
	image := t.acts(p)
	return strings.ContainsAny(image, `\/`) && !installed(image) || t.broughtProgram(p) || t.library(p) != noNode
}

// acts gives the path of what acts in a process: its program, or the script or library that an interpreter was told to run.
func (v *view) acts(p Node) string {
	image := v.image(p)
	if !interpreters[v.program(p)] {
		return image
	}
	out, _ := v.out(p, never, always)
	for i := range out {
		if k := v.key(out[i].To); out[i].Rel == Mentioned && k.kind == File && !installed(k.value) {
			return k.value
		}
	}
	return image
}

func (t *teller) flowOf(e *edge) traffic {
	if t.kind(e.From) != Address {
		return traffic{}
	}
	return t.flows[[2]string{t.key(e.From).value, t.key(e.To).value}]
}

func serverStartedShell(t *teller, e *edge) bool {
	if e.Rel != Started || !shells[t.program(e.To)] {
		return false
	}
	if t.key(e.From).value == webServerName {
		return t.shellDays(e.From) <= 5
	}
	return servers[t.program(e.From)] && t.seldomStarts(e.From, t.program(e.To))
}

// seldomStarts says whether a server started a program on few days.
func (t *teller) seldomStarts(server Node, program string) bool {
	days := map[int64]bool{}
	out, more := t.out(server, never, always)
	for i := range out {
		if out[i].Rel == Started && t.program(out[i].To) == program {
			days[out[i].Time/day] = true
		}
	}
	return !more && len(days) <= 3
}

func readerStartedShell(t *teller, e *edge) bool {
	return e.Rel == Started && readers[t.program(e.From)] && shells[t.program(e.To)]
}

// keepsAlive says whether a step makes something start a program that nobody installed: a service, a task, a subscription, the registry, or a file that Unix
// reads for it.
func keepsAlive(t *teller, e *edge) bool {
	path := t.key(e.To).value
	switch {
	case e.Rel == Runs:
		return strings.ContainsAny(path, `\/`) && !installed(path)
	case e.Rel == Mentioned && t.kind(e.From) == Registry:
		return t.kind(e.To) == File && runKeyName(t.key(e.From).value) && !installed(path)
	case e.Rel == Wrote:
		for _, p := range []string{"/var/spool/cron/", "/etc/cron", "/etc/systemd/system/", "/etc/rc.local", "/etc/init.d/", "/etc/profile.d/", "/etc/ld.so.preload"} {
			if strings.HasPrefix(path, p) {
				return true
			}
		}
		return strings.HasSuffix(path, "/.ssh/authorized_keys")
	}
	return false
}

func runKeyName(key string) bool {
	return strings.Contains(key, `\currentversion\run`) || strings.Contains(key, `\winlogon\`) || strings.Contains(key, `\userinitmprlogonscript`)
}

// temporary says whether a path lies where everybody may write and nobody installs.
func temporary(path string) bool {
	for _, p := range []string{"/tmp/", "/var/tmp/", "/dev/shm/", `c:\windows\temp\`, `c:\users\public\`, `c:\perflogs\`, `c:\$recycle.bin\`, `c:\windows\tasks\`, `c:\windows\debug\`, `c:\windows\tracing\`} {
		if strings.HasPrefix(path, p) {
			return true
		}
	}
	return strings.HasPrefix(path, `c:\users\`) && (strings.Contains(path, `\music\`) || strings.Contains(path, `\pictures\`) || strings.Contains(path, `\videos\`))
}

// secret says whether a file holds passwords or keys.
func secret(path string) bool {
	name := path[strings.LastIndexAny(path, `\/`)+1:]
	switch name {
	case "ntds.dit", "id_rsa", "id_ed25519", "id_ecdsa", "shadow", "master.key", ".pgpass", ".my.cnf", "wp-config.php", "login data", "key4.db", "logins.json":
		return true
	}
	return path == `c:\windows\system32\config\sam` || path == `c:\windows\system32\config\security`
}
