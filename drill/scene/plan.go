package scene

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"
)

// Plan says what organisation to build and what it logs.
type Plan struct {
	Seed             uint64
	Scale            int       // ordinary activity on a busy day
	Start            time.Time // midnight of the first day
	Days             int
	BusyFrom, BusyTo int // the days that are told in full
	Org              Org
	Cast             Cast
	Logging          Logging
	Network          Network
}

// Org is what the names of an organisation are made of.
type Org struct {
	Name    string // as the truth names it
	Domain  string // DNS
	NetBIOS string
	SID     string // of the domain
	Short   string // one word, for folders and tasks
}

// Cast names hosts and people. Hosts whose name is empty are not there.
type Cast struct {
	Web, App, DB, DC, Admin, Files            string
	Desks                                     []string
	Portal, Router, Wall, Gateway, Mail       string
	Administrator, AdminUser, DBA             string // account names: of the administrator his privileged and his daily one
	Agents                                    []string
	Postgres                                  bool   // the reservation database is PostgreSQL; else SQL Server
	Supplier, SupplierDomain, SupplierAddress string // whose support agent runs on the application server
}

// Logging says what Windows hosts record.
type Logging struct {
	Sysmon       bool
	CommandLines bool      // of Security 4688
	Scripts      bool      // PowerShell script blocks
	Tasks        bool      // the task scheduler's operational log
	Logons       bool      // Security holds logons only
	Since        time.Time // what is older was not kept
}

// FullLogging is everything.
var FullLogging = Logging{Sysmon: true, CommandLines: true, Scripts: true, Tasks: true}

// Network says what sensors there are; an empty name is none.
type Network struct {
	Inside   string // first three parts of the servers' addresses
	Desks    string // first three parts of the workstations' addresses
	Outside  string // the address that the organisation shows
	Zeek     string // tsv, json
	Proxy    string // squid, w3c
	Firewall string // asa, fortigate
	WebLogs  bool   // access logs of web servers
}

// First is the plan of the one-airline drill: five hosts in one domain, over seven days from a Monday.
func First(seed uint64, scale int) Plan {
	return Plan{Seed: seed, Scale: scale, Days: 7, BusyTo: 7, Start: time.Date(2026, 3, 9, 0, 0, 0, 0, time.UTC), Logging: FullLogging,
		Org: Org{Name: "Skylark Air", Domain: "skylark.example", NetBIOS: "SKYLARK", SID: "S-1-5-21-1804289383-846930886-1681692777", Short: "Skylark"},
		Cast: Cast{Web: "BOOK-WEB01", App: "RES-APP01", DB: "RES-DB01", DC: "SKY-DC01", Admin: "ADM-WS07",
			Administrator: "adm-moreau", AdminUser: "moreau", DBA: "adm-okafor", Agents: []string{"l.brandt", "j.silva", "m.haddad", "t.nguyen", "c.rossi", "p.novak"}},
		Network: Network{Inside: "192.0.2", Desks: "192.0.2"}}
}

// New builds the organisation.
func New(plan Plan) *Scene {
	s := &Scene{Plan: plan, journals: map[journalKey]*journal{}, texts: map[string]*journal{}, Starts: map[string][]*Entry{},
		indicators: map[string][]string{}, foreign: map[string]bool{}, identity: map[string]string{}, byIP: map[string]*Host{},
		reserved: map[string]bool{}, digests: map[string]map[string]string{}, contents: map[string][]byte{}}
	in, c := plan.Network.Inside, plan.Cast
	s.Web = s.windows(c.Web, in+".10", "booking front server", true)
	s.App = s.windows(c.App, in+".20", "reservation application server", true)
	s.DB = s.windows(c.DB, in+".30", "passenger reservation database", true)
	s.DC = s.windows(c.DC, in+".5", "domain controller", true)
	s.Admin = s.windows(c.Admin, plan.Network.Desks+".77", "administrator's workstation", false)
	if c.Files != "" {
		s.Files = s.windows(c.Files, in+".40", "file server", false)
	}
	for i, name := range c.Desks {
		s.Desks = append(s.Desks, s.windows(name, plan.Network.Desks+"."+strconv.Itoa(101+7*i), "workstation", false))
	}
	device := func(name, ip, role string, critical bool) *Host {
		if name == "" {
			return nil
		}
		return s.host(name, ip, role, critical)
	}
	s.Portal = device(c.Portal, in+".12", "loyalty portal", false)
	s.Router = device(c.Router, in+".1", "edge router", true)
	s.Wall = device(c.Wall, in+".2", "firewall", true)
	s.Gateway = device(c.Gateway, in+".3", "remote access gateway", true)
	s.Mail = device(c.Mail, in+".15", "mail relay", false)

	s.Web.Server = s.Web.Resident(`C:\Windows\System32\inetsrv\w3wp.exe`,
		`c:\windows\system32\inetsrv\w3wp.exe -ap "booking" -v "v4.0" -l "webengine4.dll" -a \\.\pipe\iisipm1 -h "C:\inetpub\temp\apppools\booking\booking.config" -w "" -m 0`,
		s.Web.Session(s.ServiceAccount("svc-booking", 1151), 5))
	s.App.Server = s.App.Resident(`C:\Program Files\ReservationServer\jre\bin\java.exe`,
		`"C:\Program Files\ReservationServer\jre\bin\java.exe" -Xmx8g -jar "C:\Program Files\ReservationServer\res-server.jar"`,
		s.App.Session(s.ServiceAccount("svc-res", 1152), 5))
	if c.Postgres {
		s.DB.Server = s.DB.Resident(`C:\Program Files\PostgreSQL\16\bin\postgres.exe`, `"C:/Program Files/PostgreSQL/16/bin/postgres.exe" -D "D:/pgdata"`,
			s.DB.Session(s.ServiceAccount("svc-sql", 1153), 5))
	} else {
		s.DB.Server = s.DB.Resident(`C:\Program Files\Microsoft SQL Server\MSSQL16.MSSQLSERVER\MSSQL\Binn\sqlservr.exe`,
			`"C:\Program Files\Microsoft SQL Server\MSSQL16.MSSQLSERVER\MSSQL\Binn\sqlservr.exe" -sMSSQLSERVER`,
			s.DB.Session(s.ServiceAccount("svc-sql", 1153), 5))
	}
	s.Admin.Explorer = s.Admin.Resident(`C:\Windows\explorer.exe`, `C:\Windows\Explorer.EXE`, s.Admin.Session(s.Person(c.AdminUser, 1104, false), 2))
	for i, d := range s.Desks {
		d.Explorer = d.Resident(`C:\Windows\explorer.exe`, `C:\Windows\Explorer.EXE`, d.Session(s.Agents()[i%len(c.Agents)], 2))
	}
	return s
}

func (s *Scene) host(name, ip, role string, critical bool) *Host {
	h := &Host{scene: s, Name: name, IP: ip, Role: role, Critical: critical, rng: s.Random("host/" + name), boot: s.Start.AddDate(0, 0, -20)}
	s.Hosts = append(s.Hosts, h)
	s.byIP[ip] = h
	return h
}

func (s *Scene) windows(name, ip, role string, critical bool) *Host {
	h := s.host(name, ip, role, critical)
	h.Windows = true
	own := h.Machine()
	own.Account = System
	h.Services = h.Resident(`C:\Windows\System32\services.exe`, `C:\Windows\system32\services.exe`, own)
	h.LSASS = h.Resident(`C:\Windows\System32\lsass.exe`, `C:\Windows\system32\lsass.exe`, own)
	h.Svchost = h.Resident(`C:\Windows\System32\svchost.exe`, `C:\Windows\system32\svchost.exe -k netsvcs -p -s Schedule`, own)
	h.WMI = h.Resident(`C:\Windows\System32\wbem\WmiPrvSE.exe`, `C:\Windows\system32\wbem\wmiprvse.exe -secured -Embedding`, own)
	return h
}

// Machines lists the hosts that run Windows.
func (s *Scene) Machines() (out []*Host) {
	for _, h := range s.Hosts {
		if h.Windows {
			out = append(out, h)
		}
	}
	return out
}

// Person is an account of the domain; ServiceAccount one that no person uses.
func (s *Scene) Person(name string, number int, admin bool) Account {
	return Account{Name: name, domain: s.Org.NetBIOS, sid: s.Org.SID + "-" + strconv.Itoa(number), admin: admin}
}

// ServiceAccount is an account that no person uses.
func (s *Scene) ServiceAccount(name string, number int) Account { return s.Person(name, number, false) }

// Administrator is the privileged account of the administrator, DBA that of the database's.
func (s *Scene) Administrator() Account { return s.Person(s.Cast.Administrator, 1105, true) }

// DBA is the privileged account of the database administrator.
func (s *Scene) DBA() Account { return s.Person(s.Cast.DBA, 1107, true) }

// Agents are the reservation agents.
func (s *Scene) Agents() (out []Account) {
	for i, name := range s.Cast.Agents {
		out = append(out, s.Person(name, 1121+i, false))
	}
	return out
}

// Desk is a free port of one of the many workstations that keep no logs of their own.
func (s *Scene) Desk(r *rand.Rand) Endpoint {
	from := 100
	if s.Network.Desks != s.Network.Inside {
		from = 140
	}
	return Endpoint{fmt.Sprintf("%s.%d", s.Network.Desks, from+r.IntN(40)), "", uint16(49152 + r.IntN(16000))}
}

// Inside says whether an address is the organisation's.
func (s *Scene) Inside(ip string) bool {
	return strings.HasPrefix(ip, s.Network.Inside+".") || strings.HasPrefix(ip, s.Network.Desks+".")
}

// Public draws an address outside that is not reserved, from those that are kept for documentation and for benchmarks.
func (s *Scene) Public(r *rand.Rand) string {
	if s.Network.Outside == "" {
		return fmt.Sprintf("203.0.113.%d", 1+r.IntN(250))
	}
	for {
		if ip := Public(r); !s.reserved[ip] {
			return ip
		}
	}
}

// Reserve keeps addresses for those who have them: the addresses to draw from are so few that a customer would often have an intruder's.
func (s *Scene) Reserve(ips ...string) {
	for _, ip := range ips {
		s.reserved[ip] = true
	}
}

// Public draws an address from those that are kept for benchmarks (RFC 2544) and documentation (RFC 5737).
func Public(r *rand.Rand) string {
	if r.IntN(12) == 0 {
		return fmt.Sprintf("%s.%d", []string{"192.0.2", "198.51.100", "203.0.113"}[r.IntN(3)], 1+r.IntN(254))
	}
	return fmt.Sprintf("198.%d.%d.%d", 18+r.IntN(2), r.IntN(256), 1+r.IntN(254))
}
