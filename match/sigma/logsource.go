package sigma

import (
	"strings"

	"github.com/contrail-ir/contrail/event"
)

// Route is one kind of log that a logsource reads, and how the fields of rules are called there.
type Route struct {
	// Product, Category and Service must equal those of the source where they are not empty.
	Product, Category, Service string
	// Channels, Providers and IDs restrict Windows events. A source must name a listed channel or a listed provider,
	// and what it names must be listed: channel and provider of another log never fit.
	Channels, Providers []string
	IDs                 []uint32
	// Aliases gives the native name of a field of rules; a field not listed has its own name.
	Aliases map[string]string
	// Where holds for every event of the route besides; the fields are native.
	Where []Item
}

// Native gives the evidence's name of a field.
func (r *Route) Native(field string) string {
	if native, ok := r.Aliases[field]; ok {
		return native
	}
	return field
}

// Matches says whether events of the source are of the route.
func (r *Route) Matches(s event.Source) bool {
	return (r.Product == "" || r.Product == s.Product) &&
		(r.Category == "" || r.Category == s.Category) &&
		(r.Service == "" || r.Service == s.Service) &&
		r.matchesChannel(s) && r.matchesID(s.ID)
}

func (r *Route) matchesChannel(s event.Source) bool {
	if len(r.Channels) == 0 && len(r.Providers) == 0 {
		return true
	}
	if s.Channel == "" && (s.Provider == "" || len(r.Providers) == 0) {
		return false
	}
	return (s.Channel == "" || len(r.Channels) == 0 || listed(r.Channels, s.Channel)) &&
		(s.Provider == "" || len(r.Providers) == 0 || listed(r.Providers, s.Provider))
}

func (r *Route) matchesID(id uint32) bool {
	if len(r.IDs) == 0 {
		return true
	}
	for _, want := range r.IDs {
		if want == id {
			return true
		}
	}
	return false
}

func listed(names []string, name string) bool {
	for _, n := range names {
		if strings.EqualFold(n, name) {
			return true
		}
	}
	return false
}

// Routes gives the kinds of logs that a logsource reads. There are none when it names a Windows category or service that
// is not in the table: such a rule is not searchable.
func (l Logsource) Routes() []*Route {
	product, category, service := strings.ToLower(l.Product), strings.ToLower(l.Category), strings.ToLower(l.Service)
	switch product {
	case event.ProductWindows:
		return windowsRoutes(category, service)
	case "":
		return anyProductRoutes(category, service)
	}
	if by := productCategories[product+"/"+category]; by != nil && service == "" {
		return by
	}
	if by := productServices[product+"/"+service]; by != nil && category == "" {
		return by
	}
	if anyLogOf[category] {
		category = ""
	}
	return []*Route{{Product: product, Category: category, Service: service}}
}

func windowsRoutes(category, service string) []*Route {
	channels, known := windowsServices[service]
	switch {
	case service == "scheduled-task" && category == "": // definitions as they lie in files, which no channel has
		return []*Route{{Product: event.ProductWindows, Service: service}}
	case service != "" && !known:
		return nil
	case category != "":
		var out []*Route
		for _, r := range windowsCategories[category] {
			if service == "" || overlap(r.Channels, channels) {
				out = append(out, r)
			}
		}
		if out != nil && service == "" {
			out = append(out, &Route{Product: event.ProductWindows, Category: category})
		}
		return out
	case service == "":
		return []*Route{{Product: event.ProductWindows, Aliases: windowsNames}}
	}
	aliases := windowsServiceNames[service]
	if aliases == nil {
		aliases = windowsNames
	}
	return []*Route{{Product: event.ProductWindows, Channels: channels, Aliases: aliases}}
}

// anyProductRoutes serves rules that leave the product open: every product's logs of that category or service.
func anyProductRoutes(category, service string) []*Route {
	var out []*Route
	if service == "" {
		out = append(out, openCategories[category]...)
		out = append(out, windowsCategories[category]...)
		out = append(out, productCategories["linux/"+category]...)
	} else if channels := windowsServices[service]; channels != nil && category == "" {
		out = append(out, windowsRoutes("", service)...)
	}
	return append(out, &Route{Category: category, Service: service})
}

func overlap(a, b []string) bool {
	for _, x := range a {
		if listed(b, x) {
			return true
		}
	}
	return false
}

const (
	channelSysmon   = "Microsoft-Windows-Sysmon/Operational"
	channelSecurity = "Security"
)

func sysmon(ids ...uint32) *Route {
	return &Route{Product: event.ProductWindows, Channels: []string{channelSysmon}, Providers: []string{"Microsoft-Windows-Sysmon"}, IDs: ids, Aliases: windowsNames}
}

func (r *Route) where(field string, values ...string) *Route {
	item := Item{Field: field}
	for _, v := range values {
		item.Values = append(item.Values, Value{Text: v})
	}
	r.Where = append(r.Where, item)
	return r
}

func linuxSysmon(id uint32) *Route {
	return &Route{Product: "linux", Channels: []string{"Linux-Sysmon/Operational"}, Providers: []string{"Linux-Sysmon"}, IDs: []uint32{id}}
}

func security(id uint32, aliases map[string]string) *Route {
	return &Route{Product: event.ProductWindows, Channels: []string{channelSecurity}, Providers: []string{"Microsoft-Windows-Security-Auditing"}, IDs: []uint32{id}, Aliases: aliases}
}

func powershell(id uint32) *Route {
	return &Route{Product: event.ProductWindows, Channels: windowsServices["powershell"], Providers: []string{"Microsoft-Windows-PowerShell", "PowerShellCore"}, IDs: []uint32{id}, Aliases: windowsNames}
}

func classicPowershell(id uint32) *Route {
	return &Route{Product: event.ProductWindows, Channels: windowsServices["powershell-classic"], Providers: []string{"PowerShell"}, IDs: []uint32{id}, Aliases: windowsNames}
}

// kernelFile are ETW traces of file access, which no event log holds by default.
func kernelFile(ids ...uint32) *Route {
	return &Route{Product: event.ProductWindows, Providers: []string{"Microsoft-Windows-Kernel-File"}, IDs: ids, Aliases: windowsNames}
}

// windowsNames are the fields of every Windows rule that the System element has under another name.
var windowsNames = map[string]string{"ComputerName": event.FieldComputer, "EventLog": event.FieldChannel}

// The fields of Sysmon's taxonomy in the events of the security log.
var (
	names4688 = with(windowsNames, map[string]string{
		"Image": "NewProcessName", "ParentImage": "ParentProcessName", "ProcessId": "NewProcessId", "ParentProcessId": "ProcessId",
		"User": "SubjectUserName", "LogonId": "SubjectLogonId", "IntegrityLevel": "MandatoryLabel",
	})
	names4689 = with(windowsNames, map[string]string{"Image": "ProcessName", "User": "SubjectUserName", "LogonId": "SubjectLogonId"})
	names4657 = with(windowsNames, map[string]string{"Image": "ProcessName", "TargetObject": "ObjectName", "Details": "NewValue", "User": "SubjectUserName"})
	// Defender's field names have spaces, which Sigma leaves out.
	namesDefender = with(windowsNames, map[string]string{
		"ProcessName": "Process Name", "NewValue": "New Value", "OldValue": "Old Value", "SourceName": "Source Name",
		"ThreatName": "Threat Name", "Feature_Name": "Feature Name", "SeverityName": "Severity Name",
		"CategoryName": "Category Name", "ActionName": "Action Name",
	})
	namesAntivirus = with(namesDefender, map[string]string{"Signature": "Threat Name", "Filename": "Path"})
)

// The generic names of firewall, DNS and web logs in Zeek's logs. Zeek keeps path and query of a URI in one field.
var (
	namesZeekConn = map[string]string{"src_ip": "id.orig_h", "src_port": "id.orig_p", "dst_ip": "id.resp_h", "dst_port": "id.resp_p"}
	namesZeekDNS  = map[string]string{"query": "query", "record_type": "qtype_name", "answer": "answers", "src_ip": "id.orig_h", "dst_ip": "id.resp_h"}
	namesZeekHTTP = map[string]string{
		"c-uri": "uri", "cs-uri": "uri", "cs-uri-query": "uri", "c-uri-query": "uri", "cs-uri-stem": "uri", "c-uri-stem": "uri",
		"cs-method": "method", "c-useragent": "user_agent", "cs-user-agent": "user_agent", "cs-host": "host", "cs-referer": "referrer", "cs-referrer": "referrer",
		"sc-status": "status_code", "cs-username": "username", "cs-version": "version", "src_ip": "id.orig_h", "dst_ip": "id.resp_h", "dst_port": "id.resp_p", "c-ip": "id.orig_h",
	}
)

func with(base, more map[string]string) map[string]string {
	out := make(map[string]string, len(base)+len(more))
	for k, v := range base {
		out[k] = v
	}
	for k, v := range more {
		out[k] = v
	}
	return out
}

// windowsServices: service → channels.
var windowsServices = map[string][]string{
	"application":                 {"Application"},
	"applocker":                   {"Microsoft-Windows-AppLocker/MSI and Script", "Microsoft-Windows-AppLocker/EXE and DLL", "Microsoft-Windows-AppLocker/Packaged app-Deployment", "Microsoft-Windows-AppLocker/Packaged app-Execution"},
	"appmodel-runtime":            {"Microsoft-Windows-AppModel-Runtime/Admin"},
	"appxdeployment-server":       {"Microsoft-Windows-AppXDeploymentServer/Operational"},
	"appxpackaging-om":            {"Microsoft-Windows-AppxPackaging/Operational"},
	"bitlocker":                   {"Microsoft-Windows-BitLocker/BitLocker Management"},
	"bits-client":                 {"Microsoft-Windows-Bits-Client/Operational"},
	"capi2":                       {"Microsoft-Windows-CAPI2/Operational"},
	"codeintegrity-operational":   {"Microsoft-Windows-CodeIntegrity/Operational"},
	"dhcp":                        {"Microsoft-Windows-DHCP-Server/Operational"},
	"diagnosis-scripted":          {"Microsoft-Windows-Diagnosis-Scripted/Operational"},
	"dns-client":                  {"Microsoft-Windows-DNS-Client/Operational", "Microsoft-Windows-DNS Client Events/Operational"},
	"dns-server":                  {"DNS Server"},
	"dns-server-analytic":         {"Microsoft-Windows-DNS-Server/Analytical"},
	"dns-server-audit":            {"Microsoft-Windows-DNS-Server/Audit"},
	"driver-framework":            {"Microsoft-Windows-DriverFrameworks-UserMode/Operational"},
	"firewall-as":                 {"Microsoft-Windows-Windows Firewall With Advanced Security/Firewall"},
	"iis-configuration":           {"Microsoft-IIS-Configuration/Operational"},
	"ldap":                        {"Microsoft-Windows-LDAP-Client/Debug"},
	"ldap_debug":                  {"Microsoft-Windows-LDAP-Client/Debug"},
	"lsa-server":                  {"Microsoft-Windows-LSA/Operational"},
	"microsoft-servicebus-client": {"Microsoft-ServiceBus-Client", "Microsoft-ServiceBus-Client/Admin", "Microsoft-ServiceBus-Client/Operational"},
	"msexchange-management":       {"MSExchange Management"},
	"ntlm":                        {"Microsoft-Windows-NTLM/Operational"},
	"openssh":                     {"OpenSSH/Operational", "OpenSSH/Admin"},
	"powershell":                  {"Microsoft-Windows-PowerShell/Operational", "PowerShellCore/Operational"},
	"powershell-classic":          {"Windows PowerShell"},
	"printservice-admin":          {"Microsoft-Windows-PrintService/Admin"},
	"printservice-operational":    {"Microsoft-Windows-PrintService/Operational"},
	"security":                    {channelSecurity},
	"security-mitigations":        {"Microsoft-Windows-Security-Mitigations/KernelMode", "Microsoft-Windows-Security-Mitigations/UserMode", "Microsoft-Windows-Security-Mitigations/Kernel Mode", "Microsoft-Windows-Security-Mitigations/User Mode"},
	"shell-core":                  {"Microsoft-Windows-Shell-Core/Operational"},
	"smbclient-connectivity":      {"Microsoft-Windows-SmbClient/Connectivity"},
	"smbclient-security":          {"Microsoft-Windows-SmbClient/Security"},
	"smbserver-connectivity":      {"Microsoft-Windows-SMBServer/Connectivity"},
	"smbserver-security":          {"Microsoft-Windows-SMBServer/Security"},
	"sysmon":                      {channelSysmon},
	"system":                      {"System"},
	"taskscheduler":               {"Microsoft-Windows-TaskScheduler/Operational"},
	"vhdmp":                       {"Microsoft-Windows-VHDMP/Operational", "Microsoft-Windows-VHDMP-Operational"},
	"windefend":                   {"Microsoft-Windows-Windows Defender/Operational"},
	"wmi":                         {"Microsoft-Windows-WMI-Activity/Operational"},
	"certificateservicesclient-lifecycle-system": {"Microsoft-Windows-CertificateServicesClient-Lifecycle-System/Operational"},
	"terminalservices-localsessionmanager":       {"Microsoft-Windows-TerminalServices-LocalSessionManager/Operational"},
}

// windowsServiceNames: services whose fields have other names in the log.
var windowsServiceNames = map[string]map[string]string{
	"windefend": namesDefender,
}

// windowsCategories: category → the events that are of it.
var windowsCategories = map[string][]*Route{
	"process_creation":          {sysmon(1), security(4688, names4688)},
	"file_change":               {sysmon(2)},
	"network_connection":        {sysmon(3)},
	"sysmon_status":             {sysmon(4, 16)},
	"process_termination":       {sysmon(5), security(4689, names4689)},
	"driver_load":               {sysmon(6)},
	"image_load":                {sysmon(7)},
	"create_remote_thread":      {sysmon(8)},
	"raw_access_thread":         {sysmon(9)},
	"process_access":            {sysmon(10)},
	"file_event":                {sysmon(11)},
	"registry_add":              {sysmon(12).where("EventType", "CreateKey"), security(4657, names4657).where("OperationType", "%%1904")},
	"registry_delete":           {sysmon(12).where("EventType", "DeleteKey", "DeleteValue"), security(4657, names4657).where("OperationType", "%%1906")},
	"registry_set":              {sysmon(13), security(4657, names4657).where("OperationType", "%%1904", "%%1905")},
	"registry_rename":           {sysmon(14)},
	"registry_event":            {sysmon(12, 13, 14), security(4657, names4657)},
	"create_stream_hash":        {sysmon(15)},
	"pipe_created":              {sysmon(17, 18)},
	"wmi_event":                 {sysmon(19, 20, 21)},
	"dns_query":                 {sysmon(22)},
	"file_delete":               {sysmon(23, 26)},
	"file_delete_detected":      {sysmon(26)},
	"clipboard_capture":         {sysmon(24)},
	"process_tampering":         {sysmon(25)},
	"file_block_executable":     {sysmon(27)},
	"file_block_shredding":      {sysmon(28)},
	"file_executable_detected":  {sysmon(29)},
	"sysmon_error":              {sysmon(255)},
	"file_access":               {kernelFile(12)},
	"file_rename":               {kernelFile(19, 27)},
	"ps_module":                 {powershell(4103)},
	"ps_script":                 {powershell(4104)},
	"ps_classic_start":          {classicPowershell(400)},
	"ps_classic_provider_start": {classicPowershell(600)},
	"ps_classic_script":         {classicPowershell(800)},
	"antivirus":                 openCategories["antivirus"],
}

// openCategories: categories that rules use without a product, and where besides logs of that category they are found.
var openCategories = map[string][]*Route{
	"antivirus": {{Product: event.ProductWindows, Channels: []string{"Microsoft-Windows-Windows Defender/Operational"}, Providers: []string{"Microsoft-Windows-Windows Defender"},
		IDs: []uint32{1006, 1007, 1008, 1009, 1116, 1117, 1118, 1119}, Aliases: namesAntivirus}},
	"firewall": {
		{Product: "zeek", Service: "conn", Aliases: namesZeekConn},
		{Product: "linux", Service: "iptables", Aliases: map[string]string{"src_ip": "SRC", "src_port": "SPT", "dst_ip": "DST", "dst_port": "DPT"}},
		{Product: "fortigate", Service: "traffic", Aliases: map[string]string{"src_ip": "srcip", "src_port": "srcport", "dst_ip": "dstip", "dst_port": "dstport"}},
		{Product: "paloalto", Service: "traffic", Aliases: map[string]string{"src_ip": "src", "src_port": "sport", "dst_ip": "dst", "dst_port": "dport"}},
	},
	"dns":       {{Product: "zeek", Service: "dns", Aliases: namesZeekDNS}},
	"proxy":     {{Product: "zeek", Service: "http", Aliases: namesZeekHTTP}},
	"webserver": {{Product: "zeek", Service: "http", Aliases: namesZeekHTTP}},
}

// productCategories: product/category → routes, where a log of that category by its own name is not all.
var productCategories = map[string][]*Route{
	"linux/process_creation":    {{Product: "linux", Category: "process_creation"}, linuxSysmon(1)},
	"linux/process_termination": {{Product: "linux", Category: "process_termination"}, linuxSysmon(5)},
	"linux/network_connection":  {{Product: "linux", Category: "network_connection"}, linuxSysmon(3)},
	"linux/file_event":          {{Product: "linux", Category: "file_event"}, linuxSysmon(11)},
	"linux/file_delete":         {{Product: "linux", Category: "file_delete"}, linuxSysmon(23)},
	// The RPC firewall writes to a Windows channel of its own.
	"rpc_firewall/application": {{Product: "rpc_firewall"}, {Product: event.ProductWindows, Channels: []string{"RPCFW"}, Aliases: windowsNames}},
}

// productServices: product/service → routes, where a log of that service by its own name is not all.
var productServices = map[string][]*Route{
	// sshd and sudo write to the authentication log.
	"linux/auth": {{Product: "linux", Service: "auth"}, {Product: "linux", Service: "sshd"}, {Product: "linux", Service: "sudo"}},
}

// anyLogOf are categories that say no more than "a log of this product".
var anyLogOf = map[string]bool{"application": true, "appliance": true}
