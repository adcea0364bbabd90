package scene

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf16"

	ew "github.com/contrail-ir/contrail/drill/evtxwrite"
)

const (
	channelSystem     = "System"
	channelTask       = "Microsoft-Windows-TaskScheduler/Operational"
	channelSession    = "Microsoft-Windows-TerminalServices-LocalSessionManager/Operational"
	channelRemote     = "Microsoft-Windows-TerminalServices-RemoteConnectionManager/Operational"
	channelPowerShell = "Microsoft-Windows-PowerShell/Operational"
	ChannelClassicPS  = "Windows PowerShell"
)

func distinguished(domain string) string { return "DC=" + strings.ReplaceAll(domain, ".", ",DC=") }

func utf16Bytes(s string) (out []byte) {
	for _, u := range utf16.Encode([]rune(s + "\x00")) {
		out = append(out, byte(u), byte(u>>8))
	}
	return out
}

func controlManager(id uint16, level uint8, fields ...ew.Field) ew.Event {
	return ew.Event{Provider: "Service Control Manager", ProviderGUID: "{555908d1-a6d7-4695-8e1e-26931d2012f4}",
		SourceName: "Service Control Manager", Qualifiers: 16384, ID: id, Level: level, Keywords: 0x8080000000000000,
		Channel: channelSystem, ProcessID: 724, Data: fields}
}

// Service is a service installed: System 7045, Security 4697 and the registry value that Sysmon sees.
func (s *Scene) Service(at time.Time, by Session, h *Host, name, imagePath, start string) []*Entry {
	code := uint32(3)
	if start == "auto start" {
		code = 2
	}
	key := "service:" + h.Name + ":" + name
	installed := controlManager(7045, 4, Text("ServiceName", name), Text("ImagePath", imagePath),
		Text("ServiceType", "user mode service"), Text("StartType", start), Text("AccountName", "LocalSystem"))
	installed.UserSID = by.Account.sid
	a := s.Log(h, at, installed).Joins(key, h.PathKey(imagePath), s.HashKey(imagePath))
	b := s.Log(h, at.Add(time.Millisecond), security(4697, 0, 12289, true, append(subject(by), Text("ServiceName", name),
		Text("ServiceFileName", imagePath), hex32("ServiceType", 0x10), Number("ServiceStartType", code), Text("ServiceAccount", "LocalSystem"))...)).
		Joins(key, by.Key(), h.PathKey(imagePath), s.HashKey(imagePath))
	c := s.Registry(at.Add(-time.Millisecond), h.Services, `HKLM\System\CurrentControlSet\Services\`+name+`\ImagePath`, imagePath).
		Joins(key, h.PathKey(imagePath), s.HashKey(imagePath))
	return []*Entry{a, b, c}
}

// ServiceState is System 7036.
func (s *Scene) ServiceState(at time.Time, h *Host, name, state string) *Entry {
	e := controlManager(7036, 4, Text("param1", name), Text("param2", state))
	e.Binary = utf16Bytes(name + "/4")
	return s.Log(h, at, e)
}

// StartType is System 7040.
func (s *Scene) StartType(at time.Time, h *Host, name, from, to, short string) *Entry {
	e := controlManager(7040, 4, Text("param1", name), Text("param2", from), Text("param3", to), Text("param4", short))
	e.UserSID = System.sid
	return s.Log(h, at, e)
}

// Update is a patch installed: System 43 and 19 of the update client.
func (s *Scene) Update(at time.Time, h *Host, title string) []*Entry {
	id := digestGUID("update" + title)
	e := ew.Event{Provider: "Microsoft-Windows-WindowsUpdateClient", ProviderGUID: "{945A8954-C147-4ACD-923F-40C45405A658}",
		ID: 43, Version: 1, Level: 4, Task: 1, Opcode: 13, Keywords: 0x8000000000002008, Channel: channelSystem, UserSID: System.sid, ProcessID: 1500,
		Data: []ew.Field{Text("updateTitle", title), GUID("updateGuid", id), Number("updateRevisionNumber", 200)}}
	begun := s.Log(h, at, e)
	e.ID, e.Keywords = 19, 0x8000000000000018
	e.Data = append(e.Data[:3:3], GUID("serviceGuid", "9482F4B4-E343-43B6-B170-9A65BC822C77"))
	return []*Entry{begun, s.Log(h, at.Add(4*time.Minute), e)}
}

// EventLog is a record of the classic EventLog source: 6005, 6006, 6013.
func (s *Scene) EventLog(at time.Time, h *Host, id uint16, strings ...string) *Entry {
	e := ew.Event{Provider: "EventLog", Classic: true, ID: id, Qualifiers: 32768, Level: 4, Keywords: 0x80000000000000, Channel: channelSystem}
	for _, v := range strings {
		e.Data = append(e.Data, Text("", v))
	}
	return s.Log(h, at, e)
}

func task(id uint16, name string, fields ...ew.Field) ew.Event {
	return ew.Event{Provider: "Microsoft-Windows-TaskScheduler", ProviderGUID: "{DE7B24EA-73C8-4A09-985D-5BDADCFA9017}",
		ID: id, Level: 4, Task: id, Keywords: 0x8000000000000000, Channel: channelTask, UserSID: System.sid, ProcessID: 1360,
		DataName: name, Data: fields}
}

// Schedule is a task registered: TaskScheduler 106, Security 4698, and its definition file.
func (s *Scene) Schedule(at time.Time, by Session, h *Host, name, command, arguments string) []*Entry {
	key := "task:" + h.Name + ":" + name
	content := fmt.Sprintf("<?xml version=\"1.0\" encoding=\"UTF-16\"?>\r\n<Task version=\"1.2\" xmlns=\"http://schemas.microsoft.com/windows/2004/02/mit/task\">\r\n"+
		"  <RegistrationInfo>\r\n    <Date>%s</Date>\r\n    <Author>%s</Author>\r\n    <URI>%s</URI>\r\n  </RegistrationInfo>\r\n  <Principals>\r\n"+
		"    <Principal id=\"Author\">\r\n      <UserId>S-1-5-18</UserId>\r\n      <RunLevel>HighestAvailable</RunLevel>\r\n    </Principal>\r\n  </Principals>\r\n"+
		"  <Actions Context=\"Author\">\r\n    <Exec>\r\n      <Command>%s</Command>\r\n      <Arguments>%s</Arguments>\r\n    </Exec>\r\n  </Actions>\r\n</Task>",
		at.Format("2006-01-02T15:04:05"), by.Account.Full(), name, command, arguments)
	a := s.Log(h, at, task(106, "TaskRegisteredEvent", Text("TaskName", name), Text("UserContext", by.Account.Full()))).Joins(key)
	b := s.Log(h, at.Add(time.Millisecond), security(4698, 0, 12804, true,
		append(subject(by), Text("TaskName", name), Text("TaskContent", content))...)).Joins(key, by.Key(), h.PathKey(command))
	c := s.Create(at.Add(-2*time.Millisecond), h.Svchost, `C:\Windows\System32\Tasks`+name).Joins(key)
	return []*Entry{a, b, c}
}

// TaskRun is one run of a task: 100, 200, 129, 201, 102.
func (s *Scene) TaskRun(at time.Time, h *Host, name, action string, p *Process, last time.Duration) []*Entry {
	instance := digestGUID(h.Name + name + at.String())
	key := "task:" + h.Name + ":" + name
	begun := task(100, "TaskStartEvent", Text("TaskName", name), Text("UserContext", p.Session.Account.Full()), GUID("InstanceId", instance))
	begun.Opcode = 1
	ended := task(102, "TaskSuccessEvent", Text("TaskName", name), Text("UserContext", p.Session.Account.Full()), GUID("InstanceId", instance))
	ended.Opcode = 2
	acted := task(200, "ActionStart", Text("TaskName", name), Text("ActionName", action), GUID("TaskInstanceId", instance), Number("EnginePID", 1360))
	acted.Version, acted.Opcode = 1, 1
	done := task(201, "ActionSuccess", Text("TaskName", name), GUID("TaskInstanceId", instance), Text("ActionName", action), Number("ResultCode", 0), Number("EnginePID", 1360))
	done.Version, done.Opcode = 2, 2
	out := []*Entry{
		s.Log(h, at, begun),
		s.Log(h, at.Add(time.Millisecond), acted),
		s.Log(h, at.Add(2*time.Millisecond), task(129, "CreatedTaskProcess", Text("TaskName", name), Text("Path", action), Number("ProcessID", p.PID), Number("Priority", 16384))).Joins(p.pidKey()),
		s.Log(h, at.Add(last), done),
		s.Log(h, at.Add(last+time.Millisecond), ended),
	}
	for _, e := range out {
		e.Joins(key)
	}
	return out
}

// Remote is a desktop session from elsewhere: 1149, then 21, or 24 at its end.
func (s *Scene) Remote(at time.Time, se Session, from string) []*Entry {
	user := func(name, value string) ew.Element {
		v := ew.String(value)
		return ew.Element{Name: name, Value: &v}
	}
	number := ew.UInt32(se.console)
	xml := func(children ...ew.Element) *ew.Element {
		return &ew.Element{Name: "EventXML", Attrs: []ew.Attr{{Name: "xmlns", Text: "Event_NS"}}, Children: children}
	}
	a := s.Log(se.Host, at, ew.Event{Provider: "Microsoft-Windows-TerminalServices-RemoteConnectionManager",
		ProviderGUID: "{C76BAA63-AE81-421C-B425-340B4B24157F}", ID: 1149, Level: 4, Keywords: 0x1000000000000000,
		Channel: channelRemote, UserSID: networkService.sid, ProcessID: 1108,
		UserData: xml(user("Param1", se.Account.Name), user("Param2", se.Account.domain), user("Param3", from))})
	b := s.Log(se.Host, at.Add(800*time.Millisecond), ew.Event{Provider: "Microsoft-Windows-TerminalServices-LocalSessionManager",
		ProviderGUID: "{5D896912-022D-40AA-A3A8-4FA5515C76D7}", ID: 21, Level: 4, Keywords: 0x1000000000000000,
		Channel: channelSession, UserSID: System.sid, ProcessID: 1012, ActivityID: digestGUID(se.GUID + "ts"),
		UserData: xml(user("User", se.Account.Full()), ew.Element{Name: "SessionID", Value: &number}, user("Address", from))})
	for _, e := range []*Entry{a, b} {
		e.Joins("account:" + se.Account.Name + ":" + se.Host.Name)
	}
	return []*Entry{a, b}
}

// Disconnect is LocalSessionManager 24.
func (s *Scene) Disconnect(at time.Time, se Session, from string) *Entry {
	user, address, number := ew.String(se.Account.Full()), ew.String(from), ew.UInt32(se.console)
	return s.Log(se.Host, at, ew.Event{Provider: "Microsoft-Windows-TerminalServices-LocalSessionManager",
		ProviderGUID: "{5D896912-022D-40AA-A3A8-4FA5515C76D7}", ID: 24, Level: 4, Keywords: 0x1000000000000000,
		Channel: channelSession, UserSID: System.sid, ProcessID: 1012, ActivityID: digestGUID(se.GUID + "ts"),
		UserData: &ew.Element{Name: "EventXML", Attrs: []ew.Attr{{Name: "xmlns", Text: "Event_NS"}}, Children: []ew.Element{
			{Name: "User", Value: &user}, {Name: "SessionID", Value: &number}, {Name: "Address", Value: &address}}}})
}

// Script is a block of PowerShell text: Operational 4104.
func (s *Scene) Script(at time.Time, p *Process, block, path string) *Entry {
	level := uint8(5)
	for _, word := range []string{"FromBase64String", "DownloadString", "Set-MpPreference", "Add-MpPreference", "Clear-EventLog"} {
		if strings.Contains(block, word) {
			level = 3 // PowerShell marks blocks with certain words as a warning
		}
	}
	e := ew.Event{Provider: "Microsoft-Windows-PowerShell", ProviderGUID: "{A0C1853B-5C40-4B15-8766-3CF1C58F985A}",
		ID: 4104, Version: 1, Level: level, Task: 2, Opcode: 15, Channel: channelPowerShell, UserSID: p.Session.Account.sid, ProcessID: p.PID,
		ActivityID: digestGUID(p.GUID + "activity"),
		Data: []ew.Field{{Name: "MessageNumber", Value: ew.Int32(1)}, {Name: "MessageTotal", Value: ew.Int32(1)},
			Text("ScriptBlockText", block), Text("ScriptBlockId", strings.ToLower(digestGUID(p.GUID+block))), Text("Path", path)}}
	return s.Log(p.Host, at, e).Joins(p.pidKey(), p.Key())
}

// Engine is the start of PowerShell in the classic log: 400 and 403.
func (s *Scene) Engine(at time.Time, p *Process, last time.Duration) []*Entry {
	detail := func(state, before string, n int) string {
		return fmt.Sprintf("\tNewEngineState=%s\r\n\tPreviousEngineState=%s\r\n\r\n\tSequenceNumber=%d\r\n\r\n\tHostName=ConsoleHost\r\n\tHostVersion=5.1.20348.1\r\n"+
			"\tHostId=%s\r\n\tHostApplication=%s\r\n\tEngineVersion=5.1.20348.1\r\n\tRunspaceId=%s\r\n\tPipelineId=\r\n\tCommandName=\r\n\tCommandType=\r\n"+
			"\tScriptName=\r\n\tCommandPath=\r\n\tCommandLine=", state, before, n, strings.ToLower(digestGUID(p.GUID+"host")), p.command, strings.ToLower(digestGUID(p.GUID+"space")))
	}
	e := ew.Event{Provider: "PowerShell", Classic: true, ID: 400, Level: 4, Task: 4, Keywords: 0x80000000000000, Channel: ChannelClassicPS,
		Data: []ew.Field{Text("", "Available"), Text("", "None"), Text("", detail("Available", "None", 13))}}
	a := s.Log(p.Host, at, e).Joins(p.Key())
	e.ID = 403
	e.Data = []ew.Field{Text("", "Stopped"), Text("", "Available"), Text("", detail("Stopped", "Available", 15))}
	return []*Entry{a, s.Log(p.Host, at.Add(last), e).Joins(p.Key())}
}

// Wipe clears a log: 1102 in Security for itself, 104 in System for any other.
func (s *Scene) Wipe(at time.Time, by Session, h *Host, channel string) *Entry {
	s.clear(h, channel, at)
	value := func(name string, v ew.Value) ew.Element { return ew.Element{Name: name, Value: &v} }
	body := &ew.Element{Name: "LogFileCleared", Attrs: []ew.Attr{{Name: "xmlns", Text: "http://manifests.microsoft.com/win/2004/08/windows/eventlog"}}}
	e := ew.Event{Provider: "Microsoft-Windows-Eventlog", ProviderGUID: "{FC65DDD8-D6EF-4962-83D5-6E5CFE9CE148}",
		Level: 4, Task: 104, ProcessID: 1280, UserData: body}
	if channel == ChannelSecurity {
		e.ID, e.Channel, e.Keywords = 1102, ChannelSecurity, 0x4020000000000000
		body.Children = []ew.Element{value("SubjectUserSid", ew.SID(by.Account.sid)), value("SubjectUserName", ew.String(by.Account.Name)),
			value("SubjectDomainName", ew.String(by.Account.domain)), value("SubjectLogonId", ew.Hex64(by.ID))}
	} else {
		e.ID, e.Channel, e.Keywords, e.UserSID = 104, channelSystem, 0x8000000000000000, by.Account.sid
		body.Children = []ew.Element{value("SubjectUserName", ew.String(by.Account.Name)), value("SubjectDomainName", ew.String(by.Account.domain)),
			value("Channel", ew.String(channel)), value("BackupPath", ew.String(""))}
	}
	return s.Log(h, at, e).Joins(by.Key())
}

// Subscribe is a WMI subscription that runs a command: Sysmon 19, 20 and 21.
func (s *Scene) Subscribe(at time.Time, p *Process, name, command string) []*Entry {
	user := Text("User", p.Session.Account.Full())
	var out []*Entry
	for i, e := range []ew.Event{
		Sysmon(19, 3, at, Text("EventType", "WmiFilterEvent"), Text("Operation", "Created"), user, Text("EventNamespace", `"root\\cimv2"`), Text("Name", ` "`+name+`"`),
			Text("Query", ` "SELECT * FROM __InstanceModificationEvent WITHIN 300 WHERE TargetInstance ISA 'Win32_PerfFormattedData_PerfOS_System'"`)),
		Sysmon(20, 3, at, Text("EventType", "WmiConsumerEvent"), Text("Operation", "Created"), user, Text("Name", ` "`+name+`"`), Text("Type", "Command Line"), Text("Destination", ` "`+command+`"`)),
		Sysmon(21, 3, at, Text("EventType", "WmiBindingEvent"), Text("Operation", "Created"), user,
			Text("Consumer", ` "CommandLineEventConsumer.Name=\"`+name+`\""`), Text("Filter", ` "__EventFilter.Name=\"`+name+`\""`)),
	} {
		out = append(out, s.Log(p.Host, at.Add(time.Duration(i)*150*time.Millisecond), e).Joins(p.Host.PathKey(command), s.HashKey(command), "subscription:"+p.Host.Name+":"+name))
	}
	return out
}
