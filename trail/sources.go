package trail

import (
	"slices"
	"strings"

	"github.com/contrail-ir/contrail/event"
)

// source is a row of the table of what tells of an intrusion: which events, the native fields that are read, and what they say. Fields
// are parted by spaces; a name of several alternatives is written a|b, the first that is filled counts.
type source struct {
	is     origin
	id     uint32
	fields string
	says   func(r *row)
}

// origin selects events; an empty part matches all. A channel matches the provider as well, since exports lose one or the other.
type origin struct {
	product, category, service, channel, provider string
	other                                         bool // tables, pairs and devices that no other row knows
}

var (
	sysmon     = origin{channel: "Microsoft-Windows-Sysmon/Operational", provider: "Microsoft-Windows-Sysmon"}
	sysmonUnix = origin{product: "linux", channel: "Linux-Sysmon/Operational", provider: "Linux-Sysmon"}
	security   = origin{channel: "Security", provider: "Microsoft-Windows-Security-Auditing"}
	cleared    = origin{provider: "Microsoft-Windows-Eventlog"}
	system     = origin{channel: "System", provider: "Service Control Manager"}
	powershell = origin{channel: "Microsoft-Windows-PowerShell/Operational", provider: "Microsoft-Windows-PowerShell"}
	psCore     = origin{channel: "PowerShellCore/Operational", provider: "PowerShellCore"}
	scheduler  = origin{channel: "Microsoft-Windows-TaskScheduler/Operational", provider: "Microsoft-Windows-TaskScheduler"}
	sessions   = origin{channel: "Microsoft-Windows-TerminalServices-LocalSessionManager/Operational", provider: "Microsoft-Windows-TerminalServices-LocalSessionManager"}
	remoting   = origin{channel: "Microsoft-Windows-TerminalServices-RemoteConnectionManager/Operational", provider: "Microsoft-Windows-TerminalServices-RemoteConnectionManager"}
	wmi        = origin{channel: "Microsoft-Windows-WMI-Activity/Operational", provider: "Microsoft-Windows-WMI-Activity"}
)

func zeek(service string) origin     { return origin{product: "zeek", service: service} }
func suricata(service string) origin { return origin{product: "suricata", service: service} }

const (
	subject   = " SubjectUserName SubjectDomainName SubjectLogonId"
	target    = " TargetUserName TargetDomainName TargetLogonId"
	eveEnds   = "id.orig_h|src_ip id.orig_p|src_port id.resp_h|dest_ip id.resp_p|dest_port"
	zeekEnds  = "id.orig_h|id_orig_h id.orig_p|id_orig_p id.resp_h|id_resp_h id.resp_p|id_resp_p"
	byProcess = "ProcessGuid ProcessId Image User"
)

// sources is the table. A new reader adds rows here; what a row says is in the constructors.
var sources = []source{
	{sysmon, 1, byProcess + " CommandLine LogonId Hashes ParentProcessGuid ParentProcessId ParentImage", sysmonStart},
	{sysmon, 2, byProcess + " TargetFilename", fileWritten},
	{sysmon, 3, byProcess + " Initiated SourceIp SourcePort SourceHostname DestinationIp DestinationPort DestinationHostname", sysmonConnect},
	{sysmon, 5, byProcess, processEnd},
	{sysmon, 6, "ImageLoaded Hashes", driverLoad},
	{sysmon, 7, byProcess + " ImageLoaded Signed Hashes", imageLoad},
	{sysmon, 8, "SourceProcessGuid SourceProcessId SourceImage TargetProcessGuid TargetProcessId TargetImage StartModule", processInjected},
	{sysmon, 9, byProcess + " Device", fileRead},
	{sysmon, 10, "SourceProcessGUID|SourceProcessGuid SourceProcessId SourceImage TargetProcessGUID|TargetProcessGuid TargetProcessId TargetImage GrantedAccess", processAccessed},
	{sysmon, 11, byProcess + " TargetFilename", fileWritten},
	{sysmon, 12, byProcess + " TargetObject", registrySet},
	{sysmon, 13, byProcess + " TargetObject Details", registrySet},
	{sysmon, 14, byProcess + " TargetObject NewName", registrySet},
	{sysmon, 15, byProcess + " TargetFilename Hash|Hashes Contents", fileWritten},
	{sysmon, 17, byProcess + " PipeName", pipe},
	{sysmon, 18, byProcess + " PipeName", pipe},
	{sysmon, 19, "Operation User Name Query", wmiPart},
	{sysmon, 20, "Operation User Name Destination", wmiPart},
	{sysmon, 21, "Operation User Consumer Filter", wmiPart},
	{sysmon, 22, byProcess + " QueryName QueryResults", dnsQuery},
	{sysmon, 23, byProcess + " TargetFilename Hashes", fileDeleted},
	{sysmon, 24, byProcess, processSeen},
	{sysmon, 25, byProcess + " Type", processTampered},
	{sysmon, 26, byProcess + " TargetFilename Hashes", fileDeleted},
	{sysmon, 27, byProcess + " TargetFilename Hashes", fileWritten},
	{sysmon, 28, byProcess + " TargetFilename Hashes", fileDeleted},
	{sysmon, 29, byProcess + " TargetFilename Hashes", fileWritten},

	{sysmonUnix, 1, byProcess + " CommandLine LogonId Hashes ParentProcessGuid ParentProcessId ParentImage", sysmonStart},
	{sysmonUnix, 3, byProcess + " Initiated SourceIp SourcePort SourceHostname DestinationIp DestinationPort DestinationHostname", sysmonConnect},
	{sysmonUnix, 5, byProcess, processEnd},
	{sysmonUnix, 9, byProcess + " Device", fileRead},
	{sysmonUnix, 11, byProcess + " TargetFilename", fileWritten},
	{sysmonUnix, 23, byProcess + " TargetFilename", fileDeleted},

	{security, 4624, subject[1:] + target + " LogonType WorkstationName IpAddress IpPort ProcessId ProcessName TargetUserSid", logon},
	{security, 4625, subject[1:] + " TargetUserName TargetDomainName LogonType WorkstationName IpAddress IpPort", logonRefused},
	{security, 4634, "TargetUserName TargetLogonId", logoff},
	{security, 4647, "TargetUserName TargetLogonId", logoff},
	{security, 4648, subject[1:] + " TargetUserName TargetDomainName TargetServerName ProcessId ProcessName IpAddress IpPort", credentialsUsed},
	{security, 4656, subject[1:] + " ObjectType ObjectName ProcessId ProcessName AccessMask", objectAccessed},
	{security, 4657, subject[1:] + " ObjectName ObjectValueName NewValue ProcessId ProcessName", registryAudited},
	{security, 4663, subject[1:] + " ObjectType ObjectName ProcessId ProcessName AccessMask", objectAccessed},
	{security, 4672, subject[1:], privileges},
	{security, 4688, subject[1:] + target + " NewProcessId NewProcessName ProcessId ParentProcessName CommandLine", auditedStart},
	{security, 4689, subject[1:] + " ProcessId ProcessName", auditedEnd},
	{security, 4697, subject[1:] + " ServiceName ServiceFileName", serviceInstalled},
	{security, 4698, subject[1:] + " TaskName TaskContent", taskMade},
	{security, 4699, subject[1:] + " TaskName", taskMade},
	{security, 4702, subject[1:] + " TaskName TaskContentNew", taskMade},
	{security, 4720, subject[1:] + " TargetUserName TargetDomainName", accountMade},
	{security, 4728, subject[1:] + " MemberName MemberSid TargetUserName", memberAdded},
	{security, 4732, subject[1:] + " MemberName MemberSid TargetUserName", memberAdded},
	{security, 4756, subject[1:] + " MemberName MemberSid TargetUserName", memberAdded},
	{security, 4768, "TargetUserName IpAddress Status", ticket},
	{security, 4769, "TargetUserName ServiceName IpAddress Status", ticket},
	{security, 4776, "TargetUserName Workstation Status", passwordChecked},
	{security, 5140, subject[1:] + " IpAddress IpPort ShareName ShareLocalPath", shareOpened},
	{security, 5145, subject[1:] + " IpAddress IpPort ShareName ShareLocalPath RelativeTargetName AccessMask", shareOpened},
	{security, 5156, "ProcessID|ProcessId Application Direction SourceAddress SourcePort DestAddress DestPort", filteredConnect},
	{cleared, 1102, subject[1:], logCleared},
	{cleared, 104, "SubjectUserName SubjectDomainName Channel", logCleared},

	{system, 7045, "ServiceName ImagePath AccountName", serviceInstalled},
	{system, 7036, "param1 param2", serviceState},
	{system, 7040, "param1 param4", serviceState},

	{powershell, 4103, "ContextInfo Payload Execution_ProcessID", scriptBlock},
	{powershell, 4104, "ScriptBlockText ScriptBlockId Path Execution_ProcessID", scriptBlock},
	{psCore, 4104, "ScriptBlockText ScriptBlockId Path Execution_ProcessID", scriptBlock},

	{scheduler, 100, "TaskName", taskState},
	{scheduler, 102, "TaskName", taskState},
	{scheduler, 106, "TaskName UserContext", taskState},
	{scheduler, 129, "TaskName Path ProcessID", taskRan},
	{scheduler, 140, "TaskName UserName", taskState},
	{scheduler, 141, "TaskName UserName", taskState},
	{scheduler, 200, "TaskName ActionName", taskRan},
	{scheduler, 201, "TaskName ActionName", taskRan},

	{sessions, 21, "User SessionID Address", remoteSession},
	{sessions, 22, "User SessionID Address", remoteSession},
	{sessions, 24, "User SessionID Address", remoteSession},
	{sessions, 25, "User SessionID Address", remoteSession},
	{remoting, 1149, "Param1 Param2 Param3", remoteSession},

	{wmi, 5857, "ProviderName ProviderPath ProcessID", processByWMI},
	{wmi, 5860, "Query User processid|ClientProcessId", processByWMI},
	{wmi, 5861, "ESS CONSUMER PossibleCause", wmiBinding},

	{zeek("conn"), 0, zeekEnds + " orig_bytes service", flowSeen},
	{zeek("dns"), 0, zeekEnds + " query answers", netQuery},
	{zeek("http"), 0, zeekEnds + " method host uri request_body_len", netRequest},
	{zeek("ssl"), 0, zeekEnds + " server_name", netName},
	{zeek("files"), 0, "tx_hosts rx_hosts filename sha256 md5 id.orig_h|id_orig_h id.resp_h|id_resp_h source uid|conn_uids", netFile},
	{zeek("smb_files"), 0, zeekEnds + " action path name", netShare},
	{zeek("smb_mapping"), 0, zeekEnds + " path", netShare},
	{zeek("kerberos"), 0, zeekEnds + " client service success", netLogon},
	{zeek("ntlm"), 0, zeekEnds + " username success", netLogon},
	{zeek("rdp"), 0, zeekEnds + " cookie", netLogon},
	{zeek("dce_rpc"), 0, zeekEnds + " endpoint operation named_pipe", netPipe},

	{zeek("smtp"), 0, zeekEnds + " mailfrom|from rcptto|to msg_id uid subject", netMail},

	{suricata("flow"), 0, eveEnds + " orig_bytes|flow.bytes_toserver", flowSeen},
	{suricata("netflow"), 0, eveEnds + " orig_bytes|netflow.bytes", flowSeen},
	{suricata("alert"), 0, eveEnds + " orig_bytes|flow.bytes_toserver", flowSeen},
	{suricata("dns"), 0, eveEnds + " query|dns.rrname|dns.query.rrname|dns.queries.rrname answers|dns.rdata|dns.grouped.A|dns.answers.rdata", netQuery},
	{suricata("http"), 0, eveEnds + " method|http.http_method host|http.hostname uri|http.url request_body_len", netRequest},
	{suricata("tls"), 0, eveEnds + " server_name|tls.sni", netName},
	{suricata("fileinfo"), 0, "tx_hosts|src_ip rx_hosts|dest_ip filename|fileinfo.filename sha256|fileinfo.sha256 source|app_proto uid", netFile},
	{suricata("smtp"), 0, eveEnds + " mailfrom|smtp.mail_from rcptto|smtp.rcpt_to msg_id|email.message_id uid subject", netMail},

	{origin{category: "dns"}, 0, "c-ip query answer", nameServed},
	{origin{category: "webserver"}, 0, "c-ip|src_ip cs-host|s-computername|host s-ip|dst_ip cs-uri-stem|c-uri|uri cs-uri-query|c-uri-query cs-method|method sc-status|status sc-bytes|bytes", webRequest},
	{origin{category: "proxy"}, 0, "c-ip|src_ip cs-host|r-dns|host cs-uri|c-uri|url cs-method|method cs-bytes|bytes_sent cs-username|user r-ip|dst_ip", webRequest},
	{origin{category: "firewall"}, 0, firewallFields, deviceFlow},
	{origin{product: "linux", service: "iptables"}, 0, firewallFields, deviceFlow},
	{origin{product: "fortigate", service: "traffic"}, 0, firewallFields, deviceFlow},
	{origin{product: "paloalto", service: "traffic"}, 0, firewallFields, deviceFlow},
	{origin{product: "netflow"}, 0, firewallFields, deviceFlow},
	{origin{service: "vpn"}, 0, deviceFields, deviceEvent},
	{origin{service: "sslvpnd"}, 0, deviceFields, deviceEvent},
	{origin{service: "globalprotect"}, 0, deviceFields, deviceEvent},
	{origin{product: "paloalto", service: "system"}, 0, deviceFields, deviceEvent},
	{origin{product: "paloalto", service: "config"}, 0, "src_ip|host user|admin action|result command|cmd cfgpath|path cfgattr|after_change_detail interface|client cfgobj session device status mnemonic name subtype src_port dst_ip bytes_sent assigned_ip duration opaque", deviceEvent},
	{origin{product: "fortigate", service: "event"}, 0, deviceFields, deviceEvent},
	{origin{product: "cisco"}, 0, deviceFields, deviceEvent},
	{origin{product: "juniper"}, 0, deviceFields, deviceEvent},
	{origin{product: "huawei"}, 0, deviceFields, deviceEvent},
	{origin{product: "h3c"}, 0, deviceFields, deviceEvent},
	{origin{service: "radius"}, 0, deviceFields, deviceEvent},
	{origin{service: "aaa"}, 0, deviceFields, deviceEvent},
	{origin{product: "linux", service: "sshd"}, 0, deviceFields + " pid", shellLogon},
	{origin{product: "linux", service: "sudo"}, 0, "user COMMAND pid", sudoCommand},
	{origin{product: "linux", service: "auth"}, 0, "action name|user pid device", accountTool},
	{origin{product: "linux", service: "auditd"}, 0, "type pid ppid exe ses uid|UID proctitle name nametype cwd laddr lport key SYSCALL syscall success a0 a1 a2 a3 a4 a5 a6 a7 a8 a9 a10 a11 acct addr res cmd", audited},
	{origin{product: "azure", service: "signinlogs"}, 0, cloudFields, cloudEvent},
	{origin{product: "okta"}, 0, cloudFields, cloudEvent},
	{origin{product: "aws", service: "cloudtrail"}, 0, cloudFields, cloudEvent},
	{origin{product: "m365", service: "audit"}, 0, cloudFields, cloudEvent},
	{origin{product: "m365", service: "exchange"}, 0, cloudFields, cloudEvent},
	{origin{category: "database"}, 0, databaseFields, databaseQuery},
	{origin{category: "mail"}, 0, mailFields, mailSeen},
	{origin{other: true}, 0, otherFields, anything},
}

// Names that products give to one thing. A name with a blank is written with ~.
const (
	firewallFields = "src_ip|srcip|src|SRC|sourceAddress|source_address|sa dst_ip|dstip|dst|DST|destination_address|da src_port|srcport|sport|SPT|source_port|sp dst_port|dstport|dport|DPT|destination_port|dp bytes_sent|sentbyte|ibyt action"

	remoteNames   = "src_ip|remip|srcip|public_ip|Calling-Station-Id|Calling-Station-ID|calling-station-id|calling_station_id|Calling~Station~ID|Caller-ID|caller-id|Caller~ID|Remote-Address|RemoteAddress|Tunnel-Client-Endpoint|client_ip|clientip|remote_ip|RemoteIP|rhost|Client-IP-Address"
	userNames     = "user|User-Name|UserName|user-name|User~Name|username|user_name|xauthuser|srcuser|admin|suser|usrName|User"
	assignedNames = "assigned_ip|tunnelip|assignip|Framed-IP-Address|framed-ip-address|framed_ip_address|Framed~IP~Address|private_ip|virtual_ip|tunnel_ip|assigned-ip"
	sessionNames  = "tunnelid|Acct-Session-Id|acct-session-id|acct_session_id|Account~Session~ID|AcctSessionId|session_id|sessionid|session"
	actionNames   = "action|Acct-Status-Type|acct-status-type|acct_status_type|Account~Status~Type|eventid|stage|Acct-Flags|acct-flags|act|outcome"
	lastedNames   = "duration|Acct-Session-Time|acct-session-time|login_duration|elapsed_time"
	deviceNames   = "device|NAS-IP-Address|nas-ip-address|nas_ip_address|NetworkDeviceName|Network~Device|NAS-Identifier|Device~IP~Address|Device-IP-Address|dvc"

	deviceFields = remoteNames + " " + userNames + " " + assignedNames + " " + sessionNames + " " + actionNames + " " + lastedNames + " " + deviceNames +
		" status|result mnemonic name|logdesc|msg command|cmd|CmdSet|Command~Set cfgpath cfgobj cfgattr interface|ui subtype src_port|remport dst_ip|dstip bytes_sent|sentbyte opaque"
	databaseFields = "user|user_name|username|USERNAME|DBUSERNAME|server_principal_name client_ip|client|src_ip|connection_from|remote_host|host statement|query|sql_text|SQL_TEXT|command session|session_id|SESSIONID|sessionid s-ip"
	mailFields     = "message_id|message-id queue_id|internal-message-id from|sender-address|sender|mailfrom to|recipient-address|recipient|recipients client|original-client-ip|client-ip|c-ip|src_ip attachment|attachments|filename|fname hash|sha256|fileHash uid relay"
	otherFields    = deviceFields + " from|SenderFromAddress|sender|sender_address|mailfrom|Sender to|RecipientEmailAddress|recipient|recipient_address|rcptto|duser message_id|InternetMessageId|MessageId|internetMessageId queue_id|NetworkMessageId client attachment|attachments|AttachmentName|FileName|fname hash|SHA256|sha256|fileHash uid statement|query|sql_text" +
		" dst_port|dstport|dport"
)

// sourceOf gives the row for a source, nil when it tells nothing that a trail follows.
func sourceOf(s event.Source) *source {
	for i := range sources {
		if x := &sources[i]; (x.id == 0 || x.id == s.ID) && x.is.matches(s) {
			return x
		}
	}
	return nil
}

func (o *origin) matches(s event.Source) bool {
	if o.other {
		return s.Channel == "" && s.Provider == "" && s.Category == "" && (s.Service == "table" || s.Service == "keyvalue" || !ownProducts[s.Product] && s.Product != "" && s.Service != "config")
	}
	if o.product != "" && o.product != s.Product || o.category != "" && o.category != s.Category || o.service != "" && o.service != s.Service {
		return false
	}
	if o.channel == "" && o.provider == "" {
		return true
	}
	return o.channel != "" && o.channel == s.Channel || o.provider != "" && strings.EqualFold(o.provider, s.Provider)
}

// ownProducts are those whose logs other rows read, as far as they tell anything.
var ownProducts = set("windows linux zeek suricata aws gcp github kubernetes apache nginx haproxy couchdb clamav")

// sensor says whether a source is a network's own log of who talked to whom.
func (s *source) sensor() bool {
	switch s.is.category {
	case "firewall", "proxy":
		return true
	}
	return s.is.product == "zeek" && s.is.service == "conn" || s.is.product == "suricata" && s.is.service == "flow"
}

// talk says whether a source tells which program of a host talked to whom.
func (s *source) talk() bool {
	switch s.is {
	case sysmon, sysmonUnix:
		return s.id == 3 || s.id == 22
	case security:
		return s.id == 5156
	}
	return false
}

// names gives all native names of the row's fields, sorted.
func (s *source) names() []string {
	all := strings.FieldsFunc(s.fields, func(r rune) bool { return r == ' ' || r == '|' })
	for i := range all {
		all[i] = strings.ReplaceAll(all[i], "~", " ")
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// Needs says what a trail wants of the evidence.
func Needs() event.Needs {
	return event.Always(func(s event.Source) event.Want {
		x := sourceOf(s)
		if x == nil {
			return event.Want{}
		}
		return event.Want{Fields: x.names()}
	})
}
