package background

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/contrail-ir/contrail/drill/scene"
	"github.com/contrail-ir/contrail/drill/textwrite"
)

const postgres = `C:\Program Files\PostgreSQL\16\bin\`

// address is that of an innocent name: always the same for one name of one organisation.
func address(s *scene.Scene, name string) string { return s.Public(s.Random("address/" + name)) }

// patchDay: the second Tuesday of the month, late in the evening.
func (s life) patchDay(r *rand.Rand, day int) {
	for i, h := range s.Machines() {
		at := s.Between(r, day, 2, 23)
		s.Update(at, h, fmt.Sprintf("Security Intelligence Update for Microsoft Defender Antivirus - KB2267602 (Version 1.407.%d.0)", 100+day*7+i))
		date := s.At(day, 0, 0, 0)
		if date.Weekday() != time.Tuesday || date.Day() < 8 || date.Day() > 14 {
			continue
		}
		at = s.At(day, 22, 5+10*i, 0)
		s.StartType(at.Add(-time.Minute), h, "Windows Modules Installer", "demand start", "auto start", "TrustedInstaller")
		p, _ := s.Run(at, h.Services, `C:\Windows\servicing\TrustedInstaller.exe`, `C:\Windows\servicing\TrustedInstaller.exe`, h.Session(scene.System, 5))
		worker, _ := s.Run(at.Add(2*time.Second), h.Svchost, `C:\Windows\WinSxS\amd64_microsoft-windows-servicingstack_31bf3856ad364e35_10.0.20348.2400_none\TiWorker.exe`,
			`C:\Windows\winsxs\amd64_microsoft-windows-servicingstack_31bf3856ad364e35_10.0.20348.2400_none\TiWorker.exe -Embedding`, h.Session(scene.System, 5))
		for n := range s.OftenByHand(r, day, 4) {
			s.Create(at.Add(time.Duration(5+n)*time.Second), worker, fmt.Sprintf(`C:\Windows\WinSxS\Temp\InFlight\%08x\component-%03d.dll`, 0xa1b20000+r.IntN(0xffff), n))
		}
		s.Update(at.Add(time.Minute), h, date.Format("2006-01")+fmt.Sprintf(" Cumulative Update for Microsoft server operating system version 21H2 (KB50%d)", 35857+date.YearDay()*7))
		s.StartType(at.Add(6*time.Minute), h, "Windows Modules Installer", "auto start", "demand start", "TrustedInstaller")
		s.End(at.Add(7*time.Minute), worker)
		s.End(at.Add(8*time.Minute), p)
	}
}

// administration: the administrator looks after servers from the workstation, by remote desktop in office hours.
func (s life) administration(r *rand.Rand, day int) {
	if s.Weekend(day) {
		return
	}
	admin := s.Administrator()
	for i := range 1 + s.OftenByHand(r, day, 1) {
		h := []*scene.Host{s.App, s.Web, s.DB, s.DC}[(day+i)%4]
		at := s.Between(r, day, 8, 16)
		from := s.Admin.Here()
		client, _ := s.Run(at, s.Admin.Explorer, `C:\Windows\System32\mstsc.exe`, `"C:\Windows\system32\mstsc.exe"`, s.Admin.Explorer.Session)
		s.Connect(at.Add(3*time.Second), client, true, from, scene.Peer(h.IP, h.FQDN(), 3389))
		se := h.Session(admin, 10)
		s.Ticket(at.Add(5*time.Second), admin, s.Admin, "TERMSRV/"+h.FQDN())
		logon := s.Logon(at.Add(6*time.Second), se, scene.Peer(s.Admin.IP, "", 0), h.Name)
		arrived := s.Remote(at.Add(6*time.Second), se, s.Admin.IP)
		if day == s.BusyFrom && i == 0 {
			s.Decoy("the administrator's ordinary remote desktop session", append(logon, arrived...)...)
		}
		shell, _ := s.Run(at.Add(8*time.Second), h.Svchost, `C:\Windows\explorer.exe`, `C:\Windows\Explorer.EXE`, se)
		for k := range 1 + r.IntN(3) {
			tool := pick(r, []string{`C:\Windows\System32\mmc.exe|"C:\Windows\system32\mmc.exe" "C:\Windows\system32\eventvwr.msc"`,
				`C:\Windows\System32\mmc.exe|"C:\Windows\system32\mmc.exe" "C:\Windows\system32\services.msc"`,
				`C:\Windows\System32\Taskmgr.exe|"C:\Windows\system32\taskmgr.exe"`,
				`C:\Windows\System32\notepad.exe|"C:\Windows\system32\notepad.exe" D:\Operations\handover.txt`})
			image, command, _ := strings.Cut(tool, "|")
			p, _ := s.Run(at.Add(time.Duration(60+90*k)*time.Second), shell, image, command, se)
			s.End(at.Add(time.Duration(140+90*k)*time.Second), p)
		}
		ps := `C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe`
		p, _ := s.Run(at.Add(7*time.Minute), shell, ps, `"`+ps+`"`, se)
		s.Engine(at.Add(7*time.Minute+400*time.Millisecond), p, 5*time.Minute)
		for k, block := range []string{"Get-Service | Where-Object Status -ne 'Running'", "Get-EventLog -LogName System -Newest 20", "Get-PSDrive -PSProvider FileSystem"} {
			s.Script(at.Add(7*time.Minute+time.Duration(20*k+5)*time.Second), p, block, "")
		}
		s.End(at.Add(13*time.Minute), p)
		s.Disconnect(at.Add(15*time.Minute), se, s.Admin.IP)
		s.Logoff(at.Add(15*time.Minute+time.Second), se)
		s.End(at.Add(15*time.Minute+2*time.Second), client)
	}
}

// databaseCare: the database administrator asks for counts, and jobs of the agent back the database up.
func (s life) databaseCare(r *rand.Rand, day int) {
	h := s.DB
	tools := `C:\Program Files\Microsoft SQL Server\Client SDK\ODBC\170\Tools\Binn\`
	for range s.OftenByHand(r, day, 1) {
		if s.Weekend(day) {
			break
		}
		at := s.Between(r, day, 9, 17)
		se := h.Session(s.DBA(), 10)
		s.Logon(at, se, scene.Peer(s.Admin.IP, "", 0), h.Name)
		s.Remote(at, se, s.Admin.IP)
		shell, _ := s.Run(at.Add(5*time.Second), h.Svchost, `C:\Windows\explorer.exe`, `C:\Windows\Explorer.EXE`, se)
		image, command := tools+"SQLCMD.EXE", `sqlcmd -S localhost -E -Q "SELECT name, state_desc FROM sys.databases"`
		if s.Cast.Postgres {
			image, command = postgres+"psql.exe", `psql -h localhost -U `+s.Cast.DBA+` -d reservations -c "SELECT relname, n_live_tup FROM pg_stat_user_tables"`
		}
		p, asked := s.Run(at.Add(40*time.Second), shell, image, command, se)
		asked = append(asked, s.Statement(at.Add(41*time.Second), textwrite.Statement{User: s.Cast.DBA, Client: "127.0.0.1", Application: "psql", Class: "READ", Command: "SELECT",
			Object: "pg_catalog.pg_stat_user_tables", SQL: "SELECT relname, n_live_tup FROM pg_stat_user_tables"})...)
		s.End(at.Add(42*time.Second), p)
		if day == s.BusyFrom {
			s.Decoy("the database administrator asks which databases are online", asked...)
		}
		s.Disconnect(at.Add(20*time.Minute), se, s.Admin.IP)
		s.Logoff(at.Add(20*time.Minute), se)
	}
	at := s.At(day, 3, 0, r.IntN(50))
	own := h.Session(s.ServiceAccount("svc-sql", 1153), 5)
	image, command, file := `C:\Program Files\Microsoft SQL Server\MSSQL16.MSSQLSERVER\MSSQL\Binn\SQLAGENT.EXE`, ` -i MSSQLSERVER`, `E:\Backup\RESERVATIONS_%s.bak`
	if s.Cast.Postgres {
		image, command, file = postgres+"pg_dump.exe", ` -h localhost -U backup -Fc -f E:\Backup\reservations.dump reservations`, `E:\Backup\reservations_%s.dump`
	}
	agent, _ := s.Run(at, h.Services, image, `"`+image+`"`+command, own)
	made := s.Create(at.Add(5*time.Second), h.Server, fmt.Sprintf(file, at.Format("20060102")))
	if s.Cast.Postgres {
		for i, table := range []string{"passenger", "travel_document", "booking", "payment_card"} {
			s.Statement(at.Add(time.Duration(6+60*i)*time.Second), textwrite.Statement{User: "backup", Client: "127.0.0.1", Application: "pg_dump", Class: "READ", Command: "COPY",
				Object: "public." + table, SQL: "COPY public." + table + " TO stdout"})
		}
	}
	s.End(at.Add(25*time.Minute), agent)
	if day == s.BusyFrom {
		s.Decoy("the nightly backup of the reservation database by the database's own agent", made)
	}
}

// browsing: the workstation's browser.
func (s life) browsing(r *rand.Rand, day int) {
	if s.Weekend(day) {
		return
	}
	edge := `C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe`
	sites := []string{"www.example.com", "news.example.org", "weather.example.net", "intranet." + s.Org.Domain, "docs.example.com", "travel.example.org"}
	at := s.Between(r, day, 7, 9)
	main, _ := s.Run(at, s.Admin.Explorer, edge, `"`+edge+`" --profile-directory=Default`, s.Admin.Explorer.Session)
	for range s.OftenByHand(r, day, 8) {
		at := s.Between(r, day, 9, 17)
		site := pick(r, sites)
		ip := address(s.Scene, site)
		s.Resolve(at, main, site, "::ffff:"+ip+";")
		s.Connect(at.Add(30*time.Millisecond), main, true, s.Admin.Here(), scene.Peer(ip, site, 443))
		if r.IntN(3) == 0 {
			p, _ := s.Run(at.Add(time.Second), main, edge, fmt.Sprintf(`"%s" --type=renderer --renderer-client-id=%d`, edge, r.IntN(900)), s.Admin.Explorer.Session)
			s.End(at.Add(4*time.Minute), p)
		}
	}
	s.End(s.At(day, 17, 30, r.IntN(59)), main)
}

// approvedChange: on Thursday a monitoring agent is installed as a service and a report becomes a task.
func (s life) approvedChange(r *rand.Rand, day int) {
	if day != s.BusyFrom+3 {
		return
	}
	for i, h := range []*scene.Host{s.Web, s.App, s.DB} {
		at := s.At(day, 9, 10+9*i, r.IntN(50))
		by := h.Session(s.Administrator(), 10)
		s.Logon(at, by, scene.Peer(s.Admin.IP, "", 0), h.Name)
		s.Remote(at, by, s.Admin.IP)
		shell, _ := s.Run(at.Add(4*time.Second), h.Svchost, `C:\Windows\explorer.exe`, `C:\Windows\Explorer.EXE`, by)
		image := `C:\Windows\System32\msiexec.exe`
		p, _ := s.Run(at.Add(30*time.Second), shell, image, `"`+image+`" /i "D:\Install\HealthAgent-1.4.2.msi"`, by)
		agent := `C:\Program Files\HealthAgent\HealthAgent.exe`
		s.Create(at.Add(50*time.Second), p, agent)
		service := s.Service(at.Add(55*time.Second), by, h, "HealthAgent", `"`+agent+`"`, "auto start")
		s.Run(at.Add(56*time.Second), h.Services, agent, `"`+agent+`"`, h.Session(scene.System, 5))
		task := s.Schedule(at.Add(3*time.Minute), by, h, `\`+s.Org.Short+`\CapacityReport`, `C:\Program Files\HealthAgent\report.exe`, "--daily")
		s.Decoy("a monitoring agent installed under an approved change, as a service and a task", append(service, task...)...)
		s.Logoff(at.Add(9*time.Minute), by)
	}
}
