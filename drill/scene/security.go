package scene

import (
	"fmt"
	"strconv"
	"time"

	ew "github.com/contrail-ir/contrail/drill/evtxwrite"
)

const ChannelSecurity = "Security"

// security builds a record of the audit log; field lists are those of the provider's manifest on Windows Server 2022.
func security(id uint16, version uint8, task uint16, success bool, fields ...ew.Field) ew.Event {
	keywords := uint64(0x8010000000000000)
	if success {
		keywords = 0x8020000000000000
	}
	return ew.Event{Provider: "Microsoft-Windows-Security-Auditing", ProviderGUID: "{54849625-5478-4994-A5BA-3E3B0328C30D}",
		ID: id, Version: version, Task: task, Keywords: keywords, Channel: ChannelSecurity, ProcessID: 728, Data: fields}
}

func subject(se Session) []ew.Field {
	return []ew.Field{sid("SubjectUserSid", se.Account.sid), Text("SubjectUserName", se.Account.Name),
		Text("SubjectDomainName", se.Account.domain), hex64("SubjectLogonId", se.ID)}
}

// Machine is the session of the computer itself.
func (h *Host) Machine() Session {
	return Session{Account: Account{Name: h.Name + "$", domain: h.scene.Org.NetBIOS, sid: System.sid, admin: true}, Host: h, ID: 0x3e7, Kind: 5}
}

const NullGUID = "00000000-0000-0000-0000-000000000000"

// Logon is Security 4624, with 4672 for an administrator, of a session from a host or address.
func (s *Scene) Logon(at time.Time, se Session, from Endpoint, workstation string) []*Entry {
	process, authority, caller := "Kerberos", "Kerberos", "-"
	sub := Session{Account: Account{Name: "-", domain: "-", sid: "S-1-0-0"}}
	pid := uint64(0)
	ip, sourcePort := from.IP, strconv.Itoa(int(from.Port))
	switch se.Kind {
	case 2, 7, 10:
		process, authority, caller, sub, pid = "User32 ", "Negotiate", `C:\Windows\System32\svchost.exe`, se.Host.Machine(), 0x3d4
	case 5, 4:
		process, authority, caller, sub, pid = "Advapi  ", "Negotiate", `C:\Windows\System32\services.exe`, se.Host.Machine(), 0x2d4
		ip, sourcePort = "-", "-"
	}
	lm := "-"
	if workstation != "" && se.Kind == 3 {
		process, authority, lm = "NtLmSsp ", "NTLM", "NTLM V2"
	}
	key := uint32(0)
	if lm != "-" {
		key = 128
	}
	fields := append(subject(sub), sid("TargetUserSid", se.Account.sid), Text("TargetUserName", se.Account.Name),
		Text("TargetDomainName", se.Account.domain), hex64("TargetLogonId", se.ID), Number("LogonType", se.Kind),
		Text("LogonProcessName", process), Text("AuthenticationPackageName", authority), Text("WorkstationName", dash(workstation)),
		GUID("LogonGuid", se.GUID), Text("TransmittedServices", "-"), Text("LmPackageName", lm), Number("KeyLength", key),
		hex64("ProcessId", pid), Text("ProcessName", caller), Text("IpAddress", dash(ip)), Text("IpPort", sourcePort),
		Text("ImpersonationLevel", "%%1833"), Text("RestrictedAdminMode", "-"), Text("TargetOutboundUserName", "-"),
		Text("TargetOutboundDomainName", "-"), Text("VirtualAccount", "%%1843"), hex64("TargetLinkedLogonId", 0), Text("ElevatedToken", "%%1842"))
	out := []*Entry{s.Log(se.Host, at, security(4624, 2, 12544, true, fields...)).
		Joins(se.Key(), "account:"+se.Account.Name+":"+se.Host.Name, FlowTo(from, se.Host))}
	if se.Account.admin {
		out = append(out, s.Log(se.Host, at.Add(100*time.Microsecond), security(4672, 0, 12548, true,
			append(subject(se), Text("PrivilegeList", "SeSecurityPrivilege\r\n\t\t\tSeBackupPrivilege\r\n\t\t\tSeRestorePrivilege\r\n\t\t\tSeDebugPrivilege"))...)).Joins(se.Key()))
	}
	return out
}

// FlowTo joins records of a connection to a host whose port is not told.
func FlowTo(from Endpoint, h *Host) string {
	return fmt.Sprintf("flow:%s:%d:%s", from.IP, from.Port, h.IP)
}

// Logoff is Security 4634.
func (s *Scene) Logoff(at time.Time, se Session) *Entry {
	return s.Log(se.Host, at, security(4634, 0, 12545, true, sid("TargetUserSid", se.Account.sid), Text("TargetUserName", se.Account.Name),
		Text("TargetDomainName", se.Account.domain), hex64("TargetLogonId", se.ID), Number("LogonType", se.Kind))).Joins(se.Key())
}

// Refuse is Security 4625: a wrong password over the network.
func (s *Scene) Refuse(at time.Time, h *Host, name string, from Endpoint, workstation string) *Entry {
	return s.Log(h, at, security(4625, 0, 12544, false,
		append(subject(Session{Account: Account{Name: "-", domain: "-", sid: "S-1-0-0"}}),
			sid("TargetUserSid", "S-1-0-0"), Text("TargetUserName", name), Text("TargetDomainName", s.Org.NetBIOS),
			hex32("Status", 0xc000006d), Text("FailureReason", "%%2313"), hex32("SubStatus", 0xc000006a), Number("LogonType", 3),
			Text("LogonProcessName", "NtLmSsp "), Text("AuthenticationPackageName", "NTLM"), Text("WorkstationName", workstation),
			Text("TransmittedServices", "-"), Text("LmPackageName", "-"), Number("KeyLength", 0), hex64("ProcessId", 0),
			Text("ProcessName", "-"), Text("IpAddress", from.IP), Text("IpPort", strconv.Itoa(int(from.Port))))...)).
		Joins("account:"+name+":"+h.Name, FlowTo(from, h), "address:"+h.Name+":"+from.IP)
}

// Explicit is Security 4648: other credentials used towards a target.
func (s *Scene) Explicit(at time.Time, p *Process, as Account, target *Host) *Entry {
	return s.Log(p.Host, at, security(4648, 0, 12544, true, append(subject(p.Session), GUID("LogonGuid", NullGUID),
		Text("TargetUserName", as.Name), Text("TargetDomainName", as.domain), GUID("TargetLogonGuid", NullGUID),
		Text("TargetServerName", target.FQDN()), Text("TargetInfo", target.FQDN()), hex64("ProcessId", uint64(p.PID)),
		Text("ProcessName", p.Image), Text("IpAddress", "-"), Text("IpPort", "-"))...)).
		Joins(p.Session.Key(), p.pidKey(), "account:"+as.Name+":"+target.Name)
}

// Ticket is a Kerberos service ticket (4769), after a ticket-granting one (4768), on the domain controller.
func (s *Scene) Ticket(at time.Time, who Account, from *Host, service string) []*Entry {
	ip := "::ffff:" + from.IP
	first := s.Log(s.DC, at, security(4768, 0, 14339, true, Text("TargetUserName", who.Name), Text("TargetDomainName", s.Org.NetBIOS),
		sid("TargetSid", who.sid), Text("ServiceName", "krbtgt"), sid("ServiceSid", s.Org.SID+"-502"), hex32("TicketOptions", 0x40810010),
		hex32("Status", 0), hex32("TicketEncryptionType", 0x12), Text("PreAuthType", "2"), Text("IpAddress", ip),
		Text("IpPort", strconv.Itoa(int(from.Here().Port))), Text("CertIssuerName", ""), Text("CertSerialNumber", ""), Text("CertThumbprint", "")))
	second := s.Log(s.DC, at.Add(3*time.Millisecond), security(4769, 0, 14337, true, Text("TargetUserName", who.Name+"@"+s.Org.Domain),
		Text("TargetDomainName", s.Org.Domain), Text("ServiceName", service), sid("ServiceSid", s.Org.SID+"-1000"),
		hex32("TicketOptions", 0x40810000), hex32("TicketEncryptionType", 0x12), Text("IpAddress", ip),
		Text("IpPort", strconv.Itoa(int(from.Here().Port))), hex32("Status", 0), GUID("LogonGuid", digestGUID(who.Name+service)), Text("TransmittedServices", "-")))
	return []*Entry{first.Joins("account:" + who.Name + ":" + from.Name), second}
}

// Validate is Security 4776: the domain controller checks an NTLM password.
func (s *Scene) Validate(at time.Time, name, workstation string, ok bool) *Entry {
	status := uint32(0)
	if !ok {
		status = 0xc000006a
	}
	return s.Log(s.DC, at, security(4776, 0, 14336, ok, Text("PackageName", "MICROSOFT_AUTHENTICATION_PACKAGE_V1_0"),
		Text("TargetUserName", name), Text("Workstation", workstation), hex32("Status", status)))
}

// Share is a share opened (5140) and a file in it checked (5145).
func (s *Scene) Share(at time.Time, se Session, from Endpoint, share, local, file string, mask uint32) []*Entry {
	source := []ew.Field{Text("ObjectType", "File"), Text("IpAddress", from.IP), Text("IpPort", strconv.Itoa(int(from.Port))),
		Text("ShareName", `\\*\`+share), Text("ShareLocalPath", local)}
	head := append(subject(se), source...)
	opened := s.Log(se.Host, at, security(5140, 1, 12808, true,
		append(head[:len(head):len(head)], hex32("AccessMask", 1), Text("AccessList", "%%4416\r\n\t\t\t\t"))...))
	checked := s.Log(se.Host, at.Add(2*time.Millisecond), security(5145, 0, 12811, true,
		append(head[:len(head):len(head)], Text("RelativeTargetName", file), hex32("AccessMask", mask),
			Text("AccessList", "%%4417\r\n\t\t\t\t%%4418\r\n\t\t\t\t"), Text("AccessReason", "-"))...))
	for _, e := range []*Entry{opened, checked} {
		e.Joins(se.Key(), FlowTo(from, se.Host), "account:"+se.Account.Name+":"+se.Host.Name)
	}
	return []*Entry{opened, checked}
}

// User is Security 4720: an account made.
func (s *Scene) User(at time.Time, h *Host, by Session, made Account) *Entry {
	f := []ew.Field{Text("TargetUserName", made.Name), Text("TargetDomainName", made.domain), sid("TargetSid", made.sid)}
	f = append(f, subject(by)...)
	f = append(f, Text("PrivilegeList", "-"), Text("SamAccountName", made.Name), Text("DisplayName", "%%1793"), Text("UserPrincipalName", "-"),
		Text("HomeDirectory", "%%1793"), Text("HomePath", "%%1793"), Text("ScriptPath", "%%1793"), Text("ProfilePath", "%%1793"),
		Text("UserWorkstations", "%%1793"), Text("PasswordLastSet", "%%1794"), Text("AccountExpires", "%%1794"), Text("PrimaryGroupId", "513"),
		Text("AllowedToDelegateTo", "-"), hex32("OldUacValue", 0), hex32("NewUacValue", 0x15),
		Text("UserAccountControl", "\r\n\t\t%%2080\r\n\t\t%%2082\r\n\t\t%%2084"), Text("UserParameters", "%%1793"), Text("SidHistory", "-"), Text("LogonHours", "%%1797"))
	return s.Log(h, at, security(4720, 0, 13824, true, f...)).Joins(by.Key(), "account:"+made.Name+":"+h.Name)
}

// Member is an account added to a group: 4728 for a global group of the domain.
func (s *Scene) Member(at time.Time, h *Host, by Session, who Account, group, groupSID string) *Entry {
	f := []ew.Field{Text("MemberName", "CN="+who.Name+",CN=Users,"+distinguished(s.Org.Domain)), sid("MemberSid", who.sid),
		Text("TargetUserName", group), Text("TargetDomainName", s.Org.NetBIOS), sid("TargetSid", groupSID)}
	f = append(append(f, subject(by)...), Text("PrivilegeList", "-"))
	return s.Log(h, at, security(4728, 0, 13826, true, f...)).Joins(by.Key(), "account:"+who.Name+":"+h.Name)
}
