package jsonlog

import (
	"strings"

	"github.com/contrail-ir/contrail/event"
)

// otherShapes are the JSON logs that are not Windows events. Their fields keep their dotted paths; the last takes whatever
// nobody else knows. The order matters where one log has the marks of another.
var otherShapes = []shape{
	{
		name: "zeek", zeek: true, source: event.Source{Product: "zeek"},
		marks:   []string{"_path|@stream|uid|fuid|id.orig_h|id_orig_h|certificate.version|_write_ts|tx_hosts|peer", "ts|_write_ts"},
		service: "_path",
		slots:   map[slot][]string{slotTime: {"ts", "_write_ts", "@timestamp"}, slotHost: {"_system_name", "@system"}},
		rename: map[string]string{
			"id_orig_h": "id.orig_h", "id_orig_p": "id.orig_p", "id_resp_h": "id.resp_h", "id_resp_p": "id.resp_p",
		},
	},
	{
		name: "suricata", source: event.Source{Product: "suricata"},
		marks:   []string{"event_type", "flow_id|src_ip|stats|pcap_cnt|in_iface|engine", "timestamp"},
		service: "event_type",
		slots:   map[slot][]string{slotTime: {"timestamp", "@timestamp"}},
	},
	{
		name: "cloudtrail", source: event.Source{Product: "aws", Service: "cloudtrail"},
		marks: []string{"eventSource", "eventName", "awsRegion|userIdentity|eventVersion"},
		slots: map[slot][]string{slotTime: {"eventTime", "@timestamp"}},
	},
	{
		name: "kubernetes audit", source: event.Source{Product: "kubernetes", Service: "audit"},
		marks: []string{"auditID", "verb", "requestURI|objectRef|stage"},
		slots: map[slot][]string{slotTime: {"requestReceivedTimestamp", "stageTimestamp", "timestamp"}},
	},
	{
		name: "gcp audit", source: event.Source{Product: "gcp", Service: "gcp.audit"},
		marks: []string{"protoPayload|protoPayload.methodName", "logName|insertId"},
		slots: map[slot][]string{slotTime: {"timestamp", "receiveTimestamp"}},
	},
	{
		name: "google workspace", source: event.Source{Product: "gcp", Service: "google_workspace"},
		marks:   []string{"id.applicationName", "actor.email|actor.profileId|actor.callerType|actor"},
		service: "id.applicationName",
		services: map[string]string{
			"admin": "google_workspace.admin", "login": "google_workspace.login", "drive": "google_workspace.drive",
			"token": "google_workspace.token", "mobile": "google_workspace.mobile", "groups": "google_workspace.groups",
		},
		slots: map[slot][]string{slotTime: {"id.time"}},
	},
	{
		name: "okta", source: event.Source{Product: "okta", Service: "okta"},
		marks: []string{"eventType|eventtype", "outcome.result|legacyEventType|debugContext.debugData", "published|displayMessage"},
		slots: map[slot][]string{slotTime: {"published", "@timestamp"}},
	},
	{
		name: "github audit", source: event.Source{Product: "github", Service: "audit"},
		marks: []string{"action", "actor", "_document_id|org|repo|business", "@timestamp|created_at"},
		slots: map[slot][]string{slotTime: {"@timestamp", "created_at"}},
	},
	{
		name: "bitbucket audit", source: event.Source{Product: "bitbucket", Service: "audit"},
		marks: []string{"auditType.action", "auditType.category|auditType.area"},
		slots: map[slot][]string{slotTime: {"timestamp", "createdDate"}},
	},
	{
		name: "onelogin", source: event.Source{Product: "onelogin", Service: "onelogin.events"},
		marks: []string{"event_type_id", "account_id", "created_at|event_timestamp"},
		slots: map[slot][]string{slotTime: {"created_at", "event_timestamp"}},
	},
	{
		name: "opencanary", source: event.Source{Product: "opencanary", Category: "application"},
		marks: []string{"logtype", "node_id", "logdata|src_host"},
		slots: map[slot][]string{slotTime: {"utc_time", "local_time"}},
	},
	{
		name: "m365 unified audit", source: event.Source{Product: "m365", Service: "audit"},
		marks:    []string{"Workload|OfficeWorkload|AuditData", "Operation|Operations", "RecordType"},
		service:  "Workload",
		services: map[string]string{"Exchange": "exchange", "SecurityComplianceCenter": "threat_management"},
		slots:    map[slot][]string{slotTime: {"CreationTime", "CreationDate", "TimeGenerated", "Start_Time"}},
	},
	{
		name: "m365 defender", source: event.Source{Product: "m365", Service: "defender"},
		marks: []string{"ActionType", "Timestamp", "DeviceName|AccountUpn|AccountObjectId|ReportId"},
		slots: map[slot][]string{slotTime: {"Timestamp"}, slotHost: {"DeviceName"}},
	},
	{
		name: "azure risk detection", source: event.Source{Product: "azure", Service: "riskdetection"},
		marks: []string{"riskEventType|properties.riskEventType", "riskLevel|riskState|properties.riskLevel|properties.riskState"},
		slots: map[slot][]string{slotTime: {"activityDateTime", "detectedDateTime", "properties.activityDateTime", "time", "TimeGenerated"}},
	},
	{
		name: "azure sign-in", source: event.Source{Product: "azure", Service: "signinlogs"},
		marks: []string{"createdDateTime|CreatedDateTime|TimeGenerated", "userPrincipalName|UserPrincipalName", "appDisplayName|AppDisplayName|AppId"},
		slots: map[slot][]string{slotTime: {"createdDateTime", "CreatedDateTime", "TimeGenerated"}},
	},
	{
		name: "azure audit", source: event.Source{Product: "azure", Service: "auditlogs"},
		marks: []string{"activityDisplayName|ActivityDisplayName", "activityDateTime|ActivityDateTime|AADOperationType"},
		slots: map[slot][]string{slotTime: {"activityDateTime", "ActivityDateTime", "TimeGenerated"}},
	},
	{
		// Diagnostic settings export every log of Azure in one envelope.
		name: "azure diagnostics", source: event.Source{Product: "azure", Service: "activitylogs"},
		marks:   []string{"category", "operationName", "time", "resourceId|tenantId|properties"},
		service: "category",
		services: map[string]string{
			"SignInLogs": "signinlogs", "NonInteractiveUserSignInLogs": "signinlogs", "ServicePrincipalSignInLogs": "signinlogs",
			"ManagedIdentitySignInLogs": "signinlogs", "AuditLogs": "auditlogs", "UserRiskEvents": "riskdetection",
			"ServicePrincipalRiskEvents": "riskdetection", "RiskyUsers": "riskdetection",
		},
		slots: map[slot][]string{slotTime: {"time", "properties.createdDateTime"}},
	},
	{
		name: "azure activity", source: event.Source{Product: "azure", Service: "activitylogs"},
		marks: []string{"eventTimestamp|TimeGenerated", "operationName|operationName.value|OperationNameValue|OperationName", "caller|Caller|ResourceId|authorization"},
		slots: map[slot][]string{slotTime: {"eventTimestamp", "TimeGenerated"}},
	},
	{
		name: "json", source: event.Source{Service: "json"},
		slots: map[slot][]string{
			slotTime: {"@timestamp", "timestamp", "time", "ts", "eventTime", "EventTime", "event_time", "datetime", "date", "Timestamp",
				"TimeGenerated", "TimeCreated", "created_at", "createdAt", "log_time", "_time", "event.created"},
			slotHost: {"host.name", "host.hostname", "hostname", "Hostname", "Computer", "ComputerName", "DeviceName"},
		},
	},
}

// zeekByField tells a Zeek log that does not name itself by fields that only it has; the first that is present counts.
var zeekByField = []struct{ field, log string }{
	{"conn_state", "conn"}, {"qtype_name", "dns"}, {"qclass_name", "dns"}, {"trans_depth", "http"}, {"user_agent", "http"}, {"uri", "http"},
	{"cert_chain_fuids", "ssl"}, {"server_name", "ssl"}, {"curve", "ssl"}, {"certificate.version", "x509"}, {"tx_hosts", "files"},
	{"note", "notice"}, {"request_type", "kerberos"}, {"named_pipe", "dce_rpc"}, {"share_type", "smb_mapping"}, {"auth_success", "ssh"},
}

// zeekLogs are the names of Zeek's logs, for files that are named for the log.
var zeekLogs = func() map[string]bool {
	names := map[string]bool{}
	for name := range strings.FieldsSeq(`analyzer broker capture_loss cluster config conn conn_long dce_rpc dhcp dnp3 dns dpd files ftp
		http intel irc kerberos known_certs known_hosts known_services ldap ldap_search loaded_scripts modbus mqtt_connect
		mqtt_publish mqtt_subscribe mysql netcontrol notice notice_alarm ntlm ntp ocsp packet_filter pe postgresql
		print quic radius rdp reporter rfb signatures sip smb_cmd smb_files smb_mapping smtp snmp socks software ssh ssl stats
		syslog traceroute tunnel unknown_protocols weird websocket x509 zeek`) {
		names[name] = true
	}
	return names
}()

// zeekByName gives the log that a file is named for, such as "conn" for "NASHUA_conn.20:00.log.gz".
func zeekByName(file string) string {
	base := strings.ToLower(file[strings.LastIndexAny(file, "/!")+1:])
	base, _, _ = strings.Cut(base, ".")
	for {
		if zeekLogs[base] {
			return base
		}
		at := strings.IndexAny(base, "_-")
		if at < 0 {
			return ""
		}
		base = base[at+1:]
	}
}
