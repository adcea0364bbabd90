package scene

import (
	"fmt"
	"strings"
	"time"

	ew "github.com/contrail-ir/contrail/drill/evtxwrite"
)

const (
	// System32 is the folder of Windows' own programs.
	System32 = `C:\Windows\System32\`

	channelSysmon = "Microsoft-Windows-Sysmon/Operational"
	SysmonTime    = "2006-01-02 15:04:05.000"
)

// Sysmon builds a record; field lists follow Sysmon's schema 4.90 (event versions as of
// Sysmon 15). UtcTime goes where the schema has it: after the rule's name and the event's type.
func Sysmon(id uint16, version uint8, at time.Time, fields ...ew.Field) ew.Event {
	data := []ew.Field{Text("RuleName", "-")}
	if fields[0].Name == "EventType" {
		data, fields = append(data, fields[0]), fields[1:]
	}
	data = append(append(data, Text("UtcTime", at.Format(SysmonTime))), fields...)
	return ew.Event{Provider: "Microsoft-Windows-Sysmon", ProviderGUID: "{5770385F-C22A-43E0-BF4C-06F5698FFBD9}",
		ID: id, Version: version, Level: 4, Task: id, Keywords: 0x8000000000000000,
		Channel: channelSysmon, UserSID: System.sid, ProcessID: 2876, Data: data}
}

// Text, GUID and Number are fields of an event.
func Text(name, value string) ew.Field          { return ew.Field{Name: name, Value: ew.String(value)} }
func GUID(name, value string) ew.Field          { return ew.Field{Name: name, Value: ew.GUID(value)} }
func Number(name string, value uint32) ew.Field { return ew.Field{Name: name, Value: ew.UInt32(value)} }
func hex32(name string, value uint32) ew.Field  { return ew.Field{Name: name, Value: ew.Hex32(value)} }
func hex64(name string, value uint64) ew.Field  { return ew.Field{Name: name, Value: ew.Hex64(value)} }
func sid(name, value string) ew.Field           { return ew.Field{Name: name, Value: ew.SID(value)} }
func flag(name string, value bool) ew.Field     { return ew.Field{Name: name, Value: ew.Bool(value)} }
func port(name string, value uint16) ew.Field   { return ew.Field{Name: name, Value: ew.UInt16(value)} }

// Run starts a program: Sysmon 1 and Security 4688.
func (s *Scene) Run(at time.Time, parent *Process, image, command string, se Session) (*Process, []*Entry) {
	h := parent.Host
	p := h.process(at, parent, image, command, se)
	d := h.scene.describe(image)
	integrity := "Medium"
	switch {
	case se.Account.sid == System.sid || strings.HasPrefix(se.Account.sid, "S-1-5-8") || se.Kind == 5:
		integrity = "System"
	case se.Account.admin:
		integrity = "High"
	}
	folder := `C:\Windows\system32\`
	if se.Kind == 2 || se.Kind == 10 {
		folder = `C:\Users\` + se.Account.Name + `\`
	}
	created := s.Log(h, at, Sysmon(1, 5, at,
		GUID("ProcessGuid", p.GUID), Number("ProcessId", p.PID), Text("Image", image),
		Text("FileVersion", d.version), Text("Description", d.what), Text("Product", d.product), Text("Company", d.company),
		Text("OriginalFileName", d.original), Text("CommandLine", command), Text("CurrentDirectory", folder),
		Text("User", se.Account.Full()), GUID("LogonGuid", se.GUID), hex64("LogonId", se.ID),
		Number("TerminalSessionId", se.console), Text("IntegrityLevel", integrity), Text("Hashes", s.hashes(image)),
		GUID("ParentProcessGuid", parent.GUID), Number("ParentProcessId", parent.PID), Text("ParentImage", parent.Image),
		Text("ParentCommandLine", parent.command), Text("ParentUser", parent.Session.Account.Full())))
	created.Joins(p.Key(), parent.Key())
	audited := s.Log(h, at.Add(200*time.Microsecond), security(4688, 2, 13312, true,
		sid("SubjectUserSid", se.Account.sid), Text("SubjectUserName", se.Account.Name), Text("SubjectDomainName", se.Account.domain),
		hex64("SubjectLogonId", se.ID), hex64("NewProcessId", uint64(p.PID)), Text("NewProcessName", image),
		Text("TokenElevationType", "%%1936"), hex64("ProcessId", uint64(parent.PID)), Text("CommandLine", command),
		sid("TargetUserSid", "S-1-0-0"), Text("TargetUserName", "-"), Text("TargetDomainName", "-"), hex64("TargetLogonId", 0),
		Text("ParentProcessName", parent.Image), sid("MandatoryLabel", label(integrity))))
	for _, e := range []*Entry{created, audited} {
		e.Joins(p.pidKey(), parent.pidKey())
		if se.ID > 0x3e7 {
			e.Joins(se.Key())
		}
		if !strings.HasPrefix(image, System32) { // every happening runs cmd.exe; that joins nothing
			e.Joins(s.HashKey(image), h.PathKey(image))
		}
	}
	return p, []*Entry{created, audited}
}

func (p *Process) pidKey() string {
	return fmt.Sprintf("pid:%s:%d:%d", p.Host.Name, p.PID, p.Begun.Unix())
}

func label(integrity string) string {
	switch integrity {
	case "System":
		return "S-1-16-16384"
	case "High":
		return "S-1-16-12288"
	}
	return "S-1-16-8192"
}

// End is Sysmon 5.
func (s *Scene) End(at time.Time, p *Process) *Entry {
	return s.Log(p.Host, at, Sysmon(5, 3, at, GUID("ProcessGuid", p.GUID), Number("ProcessId", p.PID),
		Text("Image", p.Image), Text("User", p.Session.Account.Full()))).Joins(p.Key())
}

// Endpoint is one side of a connection.
type Endpoint struct {
	IP, Name string
	Port     uint16
}

// Peer is an endpoint by address, name and port.
func Peer(ip, name string, port uint16) Endpoint { return Endpoint{ip, name, port} }

// connection is Sysmon 3, seen on the side of p.
func (s *Scene) connection(at time.Time, p *Process, initiated bool, from, to Endpoint) *Entry {
	return s.Log(p.Host, at, Sysmon(3, 5, at, GUID("ProcessGuid", p.GUID), Number("ProcessId", p.PID), Text("Image", p.Image),
		Text("User", p.Session.Account.Full()), Text("Protocol", "tcp"), flag("Initiated", initiated),
		flag("SourceIsIpv6", false), Text("SourceIp", from.IP), Text("SourceHostname", dash(from.Name)), port("SourcePort", from.Port),
		Text("SourcePortName", "-"), flag("DestinationIsIpv6", false), Text("DestinationIp", to.IP),
		Text("DestinationHostname", dash(to.Name)), port("DestinationPort", to.Port), Text("DestinationPortName", dash(portNames[to.Port])))).
		Joins(p.Key(), fmt.Sprintf("flow:%s:%d:%s:%d", from.IP, from.Port, to.IP, to.Port), "address:"+p.Host.Name+":"+to.IP)
}

var portNames = map[uint16]string{22: "ssh", 80: "http", 135: "epmap", 443: "https", 445: "microsoft-ds", 1433: "ms-sql-s", 3389: "ms-wbt-server"}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// Here is a free port of the host.
func (h *Host) Here() Endpoint {
	return Endpoint{h.IP, h.FQDN(), uint16(49152 + h.rng.IntN(16000))}
}

// Open is access of one process to another: Sysmon 10.
func (s *Scene) Open(at time.Time, source, target *Process, access uint32, trace string) *Entry {
	return s.Log(source.Host, at, Sysmon(10, 3, at, GUID("SourceProcessGUID", source.GUID), Number("SourceProcessId", source.PID),
		Number("SourceThreadId", source.Host.thread()), Text("SourceImage", source.Image),
		GUID("TargetProcessGUID", target.GUID), Number("TargetProcessId", target.PID), Text("TargetImage", target.Image),
		hex32("GrantedAccess", access), Text("CallTrace", trace),
		Text("SourceUser", source.Session.Account.Full()), Text("TargetUser", target.Session.Account.Full()))).Joins(source.Key(), target.Key())
}

// Create is a file written: Sysmon 11.
func (s *Scene) Create(at time.Time, p *Process, file string) *Entry {
	return s.Log(p.Host, at, Sysmon(11, 2, at, GUID("ProcessGuid", p.GUID), Number("ProcessId", p.PID), Text("Image", p.Image),
		Text("TargetFilename", file), Text("CreationUtcTime", at.Format(SysmonTime)), Text("User", p.Session.Account.Full()))).
		Joins(p.Key(), p.Host.PathKey(file))
}

// Registry is a value set: Sysmon 13.
func (s *Scene) Registry(at time.Time, p *Process, value, details string) *Entry {
	return s.Log(p.Host, at, Sysmon(13, 2, at, Text("EventType", "SetValue"), GUID("ProcessGuid", p.GUID), Number("ProcessId", p.PID),
		Text("Image", p.Image), Text("TargetObject", value), Text("Details", details), Text("User", p.Session.Account.Full()))).
		Joins(p.Key(), "value:"+p.Host.Name+":"+strings.ToLower(value))
}

// Pipe is a named pipe made (17) or used (18).
func (s *Scene) Pipe(at time.Time, p *Process, made bool, name string) *Entry {
	id, kind := uint16(18), "ConnectPipe"
	if made {
		id, kind = 17, "CreatePipe"
	}
	return s.Log(p.Host, at, Sysmon(id, 1, at, Text("EventType", kind), GUID("ProcessGuid", p.GUID), Number("ProcessId", p.PID),
		Text("PipeName", name), Text("Image", p.Image), Text("User", p.Session.Account.Full()))).Joins(p.Key())
}

// resolved is Sysmon 22.
func (s *Scene) resolved(at time.Time, p *Process, name, result string) *Entry {
	return s.Log(p.Host, at, Sysmon(22, 5, at, GUID("ProcessGuid", p.GUID), Number("ProcessId", p.PID), Text("QueryName", name),
		Text("QueryStatus", "0"), Text("QueryResults", result), Text("Image", p.Image), Text("User", p.Session.Account.Full()))).
		Joins(p.Key(), "name:"+name)
}

type description struct{ version, what, product, company, original string }

// describe gives the version resource of a program; programs of the intruder have none.
func (s *Scene) describe(image string) description {
	name := base(image)
	windows := description{"10.0.20348.1 (WinBuild.160101.0800)", strings.TrimSuffix(name, ".exe"),
		"Microsoft® Windows® Operating System", "Microsoft Corporation", name}
	switch strings.ToLower(name) {
	case "cmd.exe":
		windows.what, windows.original = "Windows Command Processor", "Cmd.Exe"
	case "powershell.exe":
		windows.what, windows.original = "Windows PowerShell", "PowerShell.EXE"
	case "rundll32.exe":
		windows.what, windows.original = "Windows host process (Rundll32)", "RUNDLL32.EXE"
	case "7z.exe":
		return description{"23.01", "7-Zip Console", "7-Zip", "Igor Pavlov", "7z.exe"}
	case "curl.exe":
		return description{"8.0.1", "The curl executable", "The curl executable", "curl", "curl.exe"}
	case "rclone.exe":
		return description{"1.66.0", "Rsync for cloud storage", "Rclone", "Rclone", "rclone.exe"}
	case "plink.exe":
		return description{"Release 0.80", "Command-line SSH, Telnet, and Rlogin client", "PuTTY suite", "Simon Tatham", "Plink"}
	case "java.exe":
		return description{"17.0.10.0", "OpenJDK Platform binary", "OpenJDK Platform 17.0.10", "Eclipse Adoptium", "java.exe"}
	}
	if strings.HasPrefix(strings.ToLower(image), `c:\windows\`) && !s.foreign[strings.ToLower(name)] {
		return windows
	}
	if strings.HasPrefix(image, `C:\Program Files`) {
		return description{"1.4.2.0", strings.TrimSuffix(name, ".exe"), strings.TrimSuffix(name, ".exe"), "Vendor", name}
	}
	return description{"-", "-", "-", "-", "-"}
}
