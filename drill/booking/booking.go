// Package booking plays the intrusion of the one-airline drill: through the booking front server to the reservation
// database, by one intruder with one implant. Every step is fixed, so that the rules that come with Contrail can be held
// against it. None of what it names exists.
package booking

import (
	"time"

	"github.com/contrail-ir/contrail/drill/scene"
)

// What the intruder of this scenario uses. None of it exists.
const (
	implantFile    = "aerosync.exe"
	implantPath    = `C:\ProgramData\AeroSync\aerosync.exe`
	implantService = "AeroSyncSvc"
	implantTask    = `\Microsoft\Windows\AeroSync\CacheRefresh`
	controlName    = "cdn.fare-sync.example"
	controlAddress = "198.51.100.23"
	dropName       = "files.fare-sync.example"
	dropAddress    = "198.51.100.77"
	intruderFrom   = "198.51.100.140"
	stagingFolder  = `C:\ProgramData\AeroSync\tmp\`
)

const (
	powershell = scene.System32 + `WindowsPowerShell\v1.0\powershell.exe`
	cmdExe     = scene.System32 + "cmd.exe"
)

// story adds the stages to the scene.
type story struct{ *scene.Scene }

// foothold is what one stage leaves for the next.
type foothold struct {
	webShell *scene.Process // the web server's worker, which answers the intruder
	implant  map[*scene.Host]*scene.Process
	stolen   scene.Account // the administrator whose password was taken
	dba      scene.Account
	onApp    *scene.Process
	onDB     *scene.Process
	dbLogon  scene.Session
}

// Play puts the intrusion into the scene: its stages in order, with the actions' records and causes as the truth.
func Play(of *scene.Scene) {
	s := story{of}
	s.Foreign(implantFile)
	f := &foothold{implant: map[*scene.Host]*scene.Process{}, stolen: s.Administrator(), dba: s.DBA()}
	s.enter(f)
	s.settle(f)
	s.steal(f)
	s.spread(f)
	s.reachDomain(f)
	s.dump(f)
	s.send(f)
	s.cover(f)
	s.callHome(f)
	s.Indicator("domain", controlName, dropName)
	s.Indicator("ip", controlAddress, dropAddress, intruderFrom)
	s.Indicator("sha256", s.Hash("SHA256", implantFile))
	s.Indicator("service", implantService)
	s.Indicator("task", implantTask)
	s.Indicator("path", implantPath)
	s.Persons = 1_204_377
}

// do runs a command line under a shell: cmd.exe /c first, then the tool, both ended soon after.
// The tool's process and all records are given.
func (s story) do(at time.Time, parent *scene.Process, image, command string) (*scene.Process, []*scene.Entry) {
	p, started := s.Run(at, parent, image, command, parent.Session)
	return p, append(started, s.End(at.Add(4*time.Second), p))
}

// viaShell is do through cmd.exe, as a web shell or an implant does it.
func (s story) viaShell(at time.Time, parent *scene.Process, image, command string) (*scene.Process, []*scene.Entry) {
	shell, first := s.Run(at, parent, cmdExe, `"cmd.exe" /c `+command, parent.Session)
	p, second := s.do(at.Add(40*time.Millisecond), shell, image, command)
	return p, append(append(first, second...), s.End(at.Add(5*time.Second), shell))
}

// beacon is one call of the implant to its control address.
func (s story) beacon(at time.Time, p *scene.Process) []*scene.Entry {
	return []*scene.Entry{
		s.Resolve(at, p, controlName, "::ffff:"+controlAddress+";").Joins("address:" + controlAddress),
		s.Connect(at.Add(25*time.Millisecond), p, true, p.Host.Here(), scene.Peer(controlAddress, controlName, 443)).Joins("address:" + controlAddress),
	}
}

// callHome lets every implant call about every eleven minutes until the intruder's last night.
func (s story) callHome(f *foothold) {
	r := s.Random("intrusion/beacon")
	for i, h := range []*scene.Host{s.Web, s.App, s.DB} {
		p := f.implant[h]
		cause := []string{"web-service", "app-service", "db-implant"}[i]
		a := s.Act([]string{"web-beacon", "app-beacon", "db-beacon"}[i], h, "T1071.001", "command-and-control",
			p.Begun.Add(30*time.Second), "The implant calls its control address", cause)
		for at := p.Begun.Add(30 * time.Second); at.Before(s.At(5, 4, 0, 0)); at = at.Add(660*time.Second + time.Duration(r.IntN(60000))*time.Millisecond) {
			a.Note(s.beacon(at, p)...)
		}
	}
}
