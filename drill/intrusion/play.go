package intrusion

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/contrail-ir/contrail/drill/scene"
)

// Attack is one intrusion into one organisation.
type Attack struct {
	Scenario Scenario
	Hand     Hand
	Kit      Kit
	Hole     Hole
	Day      int    // of the scene, on which it begins
	Prefix   string // of its actions' ids, where two intruders are in one place
	Marks    bool   // names the records from which a trace may begin
	Data     uint64 // seed of the passenger data taken
	Persons  int    // about how many passengers' records are taken
}

// Play puts the attack into the scene: way in, persistence, passwords, other hosts, the router, the data, and out.
func Play(s *scene.Scene, a Attack) error {
	t := begin(s, a)
	s.Indicator("sha256", s.Hash("SHA256", a.Kit.File))
	for _, kind := range []string{"domain", "ip", "user_agent", "mutex"} {
		for _, v := range a.Kit.Indicators()[kind] {
			if v != a.Kit.From || a.Scenario != Supplier { // who comes with an update comes from nowhere
				s.Indicator(kind, v)
			}
		}
	}
	t.enter()
	t.settle()
	t.look()
	t.passwords(t.host, a.Hand.Credentials[0])
	if t.host != s.App {
		t.spread(s.App, a.Hand.Spread[0], s.Administrator())
	}
	t.passwords(s.App, a.Hand.Credentials[1])
	t.spread(s.DB, a.Hand.Spread[1], s.DBA())
	t.domain()
	t.router()
	if err := t.take(); err != nil {
		return err
	}
	t.send()
	t.cover()
	t.callHome()
	return t.leaveFiles()
}

// Hop puts only the use of a network device into the scene: the intruder passes through on his way to somebody else.
func Hop(s *scene.Scene, a Attack) {
	t := begin(s, a)
	s.Indicator("ip", a.Kit.From, a.Kit.Relay)
	t.hop()
}

// story is an attack while it plays.
type story struct {
	*scene.Scene
	Attack
	r       *rand.Rand
	now     time.Time
	host    *scene.Host    // where the way in ended
	shell   *scene.Process // where commands come from there
	implant map[*scene.Host]*scene.Process
	started map[*scene.Host]string // the action that started the implant there
	order   []*scene.Host
	folder  map[*scene.Host]string
	source  string // the action on which the next one rests
	packed  []string
	session map[*scene.Host]scene.Session
}

func begin(s *scene.Scene, a Attack) *story {
	t := &story{Scene: s, Attack: a, r: s.Random("intrusion/" + a.Prefix + a.Kit.Name), implant: map[*scene.Host]*scene.Process{}, started: map[*scene.Host]string{},
		folder: map[*scene.Host]string{}, session: map[*scene.Host]scene.Session{}}
	t.now = s.At(a.Day, 0, t.r.IntN(60), t.r.IntN(60))
	t.open()
	k := a.Kit
	s.Reserve(k.ControlIP, k.DropIP, k.From, k.Relay, a.Hole.Address)
	s.Implant(k.File, k.Identity, k.Mutex, k.Control, k.Build, k.Agent, k.URI, `\\.\pipe`+k.Pipe)
	// Public tools keep their hashes under any name.
	for tool, of := range map[string]string{"dumper.exe": "public dumper 9.2", "rclone.exe": "rclone 1.66", "7z.exe": "7z 23.01", "rar.exe": "rar 6.24"} {
		s.Identity(tool, of)
	}
	return t
}

// open moves on to the hand's working hours.
func (t *story) open() {
	for !t.Hand.Works(t.now) {
		t.now = t.now.Truncate(time.Hour).Add(time.Hour + time.Duration(t.r.IntN(1500))*time.Second)
	}
}

// wait is about d, in working hours.
func (t *story) wait(d time.Duration) time.Time {
	t.now = t.now.Add(d/2 + time.Duration(t.r.Int64N(int64(d))))
	t.open()
	return t.now
}

func (t *story) pause() time.Time { return t.wait(t.Hand.Pause) }
func (t *story) rest() time.Time  { return t.wait(t.Hand.Rest) }

// act begins an action on which the next ones may rest.
func (t *story) act(id string, h *scene.Host, technique, stage, text string, causes ...string) *scene.Deed {
	for i, c := range causes {
		if !strings.HasPrefix(c, t.Prefix) {
			causes[i] = t.Prefix + c
		}
	}
	return t.Act(t.Prefix+id, h, technique, stage, t.now, text, causes...)
}

// start names records, the best first, from which a trace may begin.
func (t *story) start(name string, records ...*scene.Entry) {
	if t.Marks {
		t.Starts[name] = records
	}
}

// tool is a program by its name: Windows' own, or one that was brought.
func tool(line string) string {
	name, _, _ := strings.Cut(strings.TrimPrefix(line, `"`), " ")
	if strings.Contains(name, `\`) {
		return strings.TrimSuffix(name, `"`)
	}
	switch name {
	case "wmic":
		return scene.System32 + `wbem\WMIC.exe`
	case "powershell":
		return powershell
	}
	return scene.System32 + name + ".exe"
}

const (
	cmd        = scene.System32 + "cmd.exe"
	powershell = scene.System32 + `WindowsPowerShell\v1.0\powershell.exe`
)

// do runs a command line under a process in the hand's way of doing so; the program it ran is given.
func (t *story) do(at time.Time, parent *scene.Process, line string) (*scene.Process, []*scene.Entry) {
	se := parent.Session
	var all []*scene.Entry
	image := tool(line)
	under := parent
	outer := ""
	switch t.Hand.Shell {
	case 0:
		outer = `cmd.exe /c ` + line
	case 1:
		outer = fmt.Sprintf(`cmd.exe /Q /c %s 1> %so%d.txt 2>&1`, line, t.at(parent.Host), 1+t.r.IntN(9))
	case 2:
		outer = `powershell -nop -w hidden -c "` + strings.ReplaceAll(line, `"`, `'`) + `"`
	}
	if outer != "" {
		shell := cmd
		if t.Hand.Shell == 2 {
			shell = powershell
		}
		p, ran := t.Run(at, parent, shell, outer, se)
		all = append(all, ran...)
		if t.Hand.Shell == 2 {
			all = append(all, t.Engine(at.Add(90*time.Millisecond), p, 6*time.Second)...)
			all = append(all, t.Script(at.Add(120*time.Millisecond), p, line, ""))
		}
		all = append(all, t.End(at.Add(7*time.Second), p))
		under, at = p, at.Add(150*time.Millisecond)
	}
	if image == powershell && t.Hand.Shell == 2 {
		return under, all // it is the shell already
	}
	p, ran := t.Run(at, under, image, line, se)
	if image == powershell {
		_, block, _ := strings.Cut(line, "-c ")
		all = append(all, t.Script(at.Add(200*time.Millisecond), p, block, ""))
	}
	return p, append(append(all, ran...), t.End(at.Add(5*time.Second), p))
}

// at is the intruder's folder on a host.
func (t *story) at(h *scene.Host) string {
	if t.folder[h] == "" {
		t.folder[h] = fmt.Sprintf(t.Hand.Folder, t.Kit.Folder)
	}
	return t.folder[h]
}

func (t *story) implantPath(h *scene.Host) string { return t.at(h) + t.Kit.File }

// arrived notes where an implant runs.
func (t *story) arrived(h *scene.Host, p *scene.Process, by string) {
	if t.implant[h] == nil {
		t.order = append(t.order, h)
	}
	t.implant[h], t.started[h] = p, by
	t.Indicator("path", t.implantPath(h))
}

// call is one connection of a program to the intruder, after the name was asked for.
func (t *story) call(at time.Time, p *scene.Process, name, ip string, out, in int64) []*scene.Entry {
	return []*scene.Entry{t.ask(at, p, name, ip), t.talk(at.Add(25*time.Millisecond), p, name, ip, out, in)}
}

func (t *story) ask(at time.Time, p *scene.Process, name, ip string) *scene.Entry {
	return t.Resolve(at, p, name, "::ffff:"+ip+";").Joins("address:" + ip)
}

func (t *story) talk(at time.Time, p *scene.Process, name, ip string, out, in int64) *scene.Entry {
	return t.Talk(p, scene.Flow{At: at, From: p.Host.Here(), To: scene.Peer(ip, name, 443), Out: out, In: in, Client: t.Kit.Identity, Cert: t.Kit.Certificate,
		Last: time.Duration(200+out/2000) * time.Millisecond}).Joins("address:" + ip)
}
