// Package background plays the ordinary days of an organisation: users, services, patch days, backups, administration.
// It writes nothing that an intruder did; what looks like it is told to the scene as a decoy.
package background

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/contrail-ir/contrail/drill/scene"
)

// life adds the activities to the scene.
type life struct{ *scene.Scene }

// Play puts the ordinary days into the scene. An activity draws from a random stream of its own;
// adding one means adding a line here.
// What is over is written at the end of each day, so what others add to the scene must be there before.
func Play(ctx context.Context, of *scene.Scene) error {
	s := life{of}
	s.Foreign("FDRunner.exe")
	activities := []struct {
		name string
		play func(r *rand.Rand, day int)
	}{
		{"agents", s.agentsWork},
		{"passwords", s.forgottenPasswords},
		{"visitors", s.visitors},
		{"system", s.systemChores},
		{"jobs", s.scheduledJobs},
		{"backup", s.nightlyBackup},
		{"patches", s.patchDay},
		{"administration", s.administration},
		{"database", s.databaseCare},
		{"browsing", s.browsing},
		{"change", s.approvedChange},
		{"portal", s.portal},
		{"noise", s.internetNoise},
		{"remote", s.remoteAccess},
		{"clocks", s.steadyCalls},
		{"uploads", s.cloudBackup},
		{"network", s.networkCare},
		{"statements", s.reservations},
		{"desks", s.deskWork},
		{"mail", s.mail},
		{"deployment", s.deployment},
		{"scan", s.inventoryScan},
		{"supplier", s.supplierCare},
	}
	streams := make([]*rand.Rand, len(activities))
	for i, a := range activities {
		streams[i] = s.Random("background/" + a.name)
	}
	for day := range s.Days {
		for i, a := range activities {
			if err := ctx.Err(); err != nil {
				return err
			}
			a.play(streams[i], day)
		}
		// The next day's activities reach back a little before midnight.
		if err := s.Flush(s.At(day, 23, 0, 0)); err != nil {
			return err
		}
	}
	return nil
}

func pick[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }

// agentsWork: reservation agents reach the application server over the network all day.
func (s life) agentsWork(r *rand.Rand, day int) {
	n := s.Often(r, day, 14)
	if s.Weekend(day) {
		n /= 3
	}
	for range n {
		at := s.Between(r, day, 5, 21)
		agent := pick(r, s.Agents())
		desk := s.Desk(r)
		s.Ticket(at, agent, s.App, s.App.Name+"$")
		se := s.App.Session(agent, 3)
		s.Logon(at.Add(20*time.Millisecond), se, desk, "")
		if r.IntN(4) == 0 {
			s.Share(at.Add(time.Second), se, desk, "Schedules", `\??\D:\Schedules`, fmt.Sprintf(`2026\roster-%02d.xlsx`, 1+r.IntN(30)), 0x120089)
		}
		s.Logoff(at.Add(time.Duration(1+r.IntN(3600))*time.Second), se)
	}
}

// forgottenPasswords: once or twice wrong, then right; never many.
func (s life) forgottenPasswords(r *rand.Rand, day int) {
	for range (1 + s.OftenByHand(r, day, 1)) / 2 {
		at := s.Between(r, day, 6, 18)
		agent := pick(r, s.Agents())
		desk := s.Desk(r)
		station := fmt.Sprintf("DESK-%02d", 1+r.IntN(40))
		for i := range 1 + r.IntN(2) {
			s.Refuse(at.Add(time.Duration(i*9)*time.Second), s.App, agent.Name, desk, station)
			s.Validate(at.Add(time.Duration(i*9)*time.Second-2*time.Millisecond), agent.Name, station, false)
		}
		s.Validate(at.Add(31*time.Second), agent.Name, station, true)
		s.Logon(at.Add(31*time.Second+2*time.Millisecond), s.App.Session(agent, 3), desk, station)
	}
}

// visitors: customers reach the booking server, which asks the application server.
func (s life) visitors(r *rand.Rand, day int) {
	for range s.Often(r, day, 30) {
		at := s.Between(r, day, 0, 24)
		visitor := scene.Peer(s.Public(r), "", uint16(1024+r.IntN(60000)))
		if s.Network.WebLogs {
			s.Visit(at, s.Web, bookingPage(r), visitor)
		} else {
			s.Connect(at, s.Web.Server, false, visitor, scene.Peer(s.Web.IP, s.Web.FQDN(), 443))
		}
		if r.IntN(2) == 0 {
			from := s.Web.Here()
			to := scene.Peer(s.App.IP, s.App.FQDN(), 8443)
			s.Connect(at.Add(12*time.Millisecond), s.Web.Server, true, from, to)
			s.Connect(at.Add(13*time.Millisecond), s.App.Server, false, from, to)
		}
		if r.IntN(5) == 0 {
			from := s.App.Here()
			s.Connect(at.Add(20*time.Millisecond), s.App.Server, true, from, scene.Peer(s.DB.IP, s.DB.FQDN(), 1433))
			s.Connect(at.Add(21*time.Millisecond), s.DB.Server, false, from, scene.Peer(s.DB.IP, s.DB.FQDN(), 1433))
		}
	}
}

// systemChores: what Windows does by itself on every host.
func (s life) systemChores(r *rand.Rand, day int) {
	chores := []struct{ image, arguments string }{
		{`C:\Windows\System32\svchost.exe`, ` -k netsvcs -p -s wuauserv`},
		{`C:\Windows\System32\taskhostw.exe`, ``},
		{`C:\Windows\System32\wbem\WmiPrvSE.exe`, ` -secured -Embedding`},
		{`C:\Windows\System32\backgroundTaskHost.exe`, ` -ServerName:BackgroundTaskHost.WebAccountProvider`},
		{`C:\Windows\System32\gpupdate.exe`, ` /target:computer`},
		{`C:\Windows\System32\sppsvc.exe`, ``},
		{`C:\Windows\System32\wevtutil.exe`, ` gli Application`},
		{`C:\Windows\System32\conhost.exe`, ` 0xffffffff -ForceV1`},
		{`C:\ProgramData\Microsoft\Windows Defender\Platform\4.18.24010.12-0\MpCmdRun.exe`, ` SignatureUpdate -ScheduleJob`},
	}
	services := []string{"Windows Modules Installer", "Background Intelligent Transfer Service", "Software Protection", "Windows Update", "WMI Performance Adapter"}
	for _, h := range s.Machines() {
		own := h.Session(scene.System, 5)
		for range s.Often(r, day, 6) {
			at := s.Between(r, day, 0, 24)
			c := pick(r, chores)
			p, _ := s.Run(at, h.Services, c.image, c.image+c.arguments, own)
			s.End(at.Add(time.Duration(2+r.IntN(120))*time.Second), p)
		}
		for range s.Often(r, day, 3) {
			at := s.Between(r, day, 0, 24)
			service := pick(r, services)
			s.ServiceState(at, h, service, "running")
			s.ServiceState(at.Add(time.Duration(60+r.IntN(900))*time.Second), h, service, "stopped")
			s.Logon(at.Add(-time.Second), scene.Session{Account: scene.System, Host: h, ID: 0x3e7, Kind: 5, GUID: scene.NullGUID}, scene.Endpoint{}, "")
		}
		for range s.Often(r, day, 2) {
			at := s.Between(r, day, 0, 24)
			s.Open(at, h.Svchost, h.LSASS, 0x1000, `C:\Windows\SYSTEM32\ntdll.dll+9d4c4|C:\Windows\System32\KERNELBASE.dll+2c13e|c:\windows\system32\lsm.dll+10e93`)
			s.Registry(at.Add(time.Second), h.Svchost, `HKLM\System\CurrentControlSet\Services\W32Time\SecureTimeLimits\RunTime\SecureTimeTickCount`, "QWORD (0x00000000-0x0a1b2c3d)")
			s.Resolve(at.Add(2*time.Second), h.Svchost, "time.example.net", "::ffff:203.0.113.123;")
		}
		s.EventLog(s.At(day, 12, 0, 0), h, 6013, "", "", "", "", fmt.Sprint(86400*(20+day)+43200), "60", "0 Coordinated Universal Time")
	}
}

// scheduledJobs: reports and clean-ups, some in PowerShell.
func (s life) scheduledJobs(r *rand.Rand, day int) {
	for _, h := range s.Machines() {
		own := h.Session(scene.System, 5)
		for i := range s.Often(r, day, 2) {
			at := s.Between(r, day, 0, 24)
			if i%2 == 0 {
				image := `C:\Windows\System32\defrag.exe`
				p, _ := s.Run(at, h.Svchost, image, image+` -c -h -o -$`, own)
				s.TaskRun(at.Add(-3*time.Millisecond), h, `\Microsoft\Windows\Defrag\ScheduledDefrag`, image, p, 40*time.Second)
				s.End(at.Add(39*time.Second), p)
				continue
			}
			image := `C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe`
			script := `C:\Operations\Rotate-Logs.ps1`
			p, _ := s.Run(at, h.Svchost, image, image+` -NoProfile -File `+script, own)
			s.TaskRun(at.Add(-3*time.Millisecond), h, `\`+s.Org.Short+`\RotateLogs`, image, p, 20*time.Second)
			s.Engine(at.Add(300*time.Millisecond), p, 18*time.Second)
			s.Script(at.Add(600*time.Millisecond), p, "param([int]$Days = 30)\r\nGet-ChildItem 'D:\\Logs' -Filter *.log -Recurse |\r\n"+
				"    Where-Object { $_.LastWriteTime -lt (Get-Date).AddDays(-$Days) } |\r\n    Remove-Item -WhatIf:$false", script)
			s.End(at.Add(19*time.Second), p)
		}
	}
}

// nightlyBackup: the backup account reads, packs old logs without a password, and leaves.
func (s life) nightlyBackup(r *rand.Rand, day int) {
	backup := s.Person("svc-backup", 1154, true)
	for _, h := range []*scene.Host{s.Web, s.App, s.DB, s.DC} {
		at := s.At(day, 1, 5+r.IntN(20), r.IntN(60))
		se := h.Session(backup, 4)
		s.Logon(at, se, scene.Endpoint{}, "")
		image := `C:\Program Files\7-Zip\7z.exe`
		p, started := s.Run(at.Add(2*time.Second), h.Svchost, image, fmt.Sprintf(`"%s" a -tzip E:\Backup\%s-logs-%s.zip D:\Logs\*.log`, image, h.Name, at.Format("20060102")), se)
		made := s.Create(at.Add(3*time.Second), p, fmt.Sprintf(`E:\Backup\%s-logs-%s.zip`, h.Name, at.Format("20060102")))
		s.TaskRun(at.Add(2*time.Second-3*time.Millisecond), h, `\`+s.Org.Short+`\PackLogs`, image, p, 90*time.Second)
		s.End(at.Add(91*time.Second), p)
		s.Logoff(at.Add(95*time.Second), se)
		if day == s.BusyFrom+3 && h == s.DB {
			s.Decoy("nightly packing of old logs, without a password", append(started, made)...)
		}
	}
}
