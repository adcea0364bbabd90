package jsonlog

import "github.com/contrail-ir/contrail/event"

var windows = event.Source{Product: event.ProductWindows}

// windowsShapes are the ways in which Windows events are met as JSON; docs/formats/windows-json.md says who writes them.
var windowsShapes = []shape{
	// The XML of the event turned into JSON: evtx_dump, xmltodict and kin.
	xmlLike("evtx_dump", "Event."),
	// The same inside a Chainsaw detection.
	xmlLike("chainsaw", "document.data.Event."),
	// The same without the outer element: Velociraptor.
	xmlLike("velociraptor", ""),
	{
		name: "winlogbeat 7", source: windows,
		marks: []string{"winlog.channel", "winlog.event_id|event.code"},
		slots: map[slot][]string{
			slotTime:         {"winlog.time_created", "@timestamp", "event.created"},
			slotHost:         {"winlog.computer_name", "host.name", "host.hostname"},
			slotProvider:     {"winlog.provider_name", "event.provider"},
			slotProviderGUID: {"winlog.provider_guid"},
			slotEventID:      {"winlog.event_id", "event.code"},
			slotVersion:      {"winlog.version"},
			slotLevel:        {"winlog.level", "log.level"},
			slotTask:         {"winlog.task"},
			slotOpcode:       {"winlog.opcode"},
			slotKeywords:     {"winlog.keywords"},
			slotRecordID:     {"winlog.record_id"},
			slotActivityID:   {"winlog.activity_id"},
			slotRelatedID:    {"winlog.related_activity_id"},
			slotProcessID:    {"winlog.process.pid"},
			slotThreadID:     {"winlog.process.thread.id"},
			slotChannel:      {"winlog.channel"},
			slotUserID:       {"winlog.user.identifier"},
		},
		data:   []string{"winlog.event_data", "winlog.user_data"},
		rename: map[string]string{"message": "Message"},
	},
	{
		name: "winlogbeat 6", source: windows,
		marks: []string{"log_name", "event_id", "computer_name|source_name|event_data"},
		slots: map[slot][]string{
			slotTime:         {"@timestamp"},
			slotHost:         {"computer_name"},
			slotProvider:     {"source_name"},
			slotProviderGUID: {"provider_guid"},
			slotEventID:      {"event_id"},
			slotVersion:      {"version"},
			slotLevel:        {"level"},
			slotTask:         {"task"},
			slotOpcode:       {"opcode"},
			slotKeywords:     {"keywords"},
			slotRecordID:     {"record_number"},
			slotActivityID:   {"activity_id"},
			slotRelatedID:    {"related_activity_id"},
			slotProcessID:    {"process_id"},
			slotThreadID:     {"thread_id"},
			slotChannel:      {"log_name"},
			slotUserID:       {"user.identifier"},
		},
		data:   []string{"event_data", "user_data"},
		rename: map[string]string{"message": "Message"},
	},
	{
		// The event's XML as a text in an object of some carrier: Splunk's _raw, ECS event.original.
		name: "event xml", source: windows,
		marks: []string{"_raw|event.original|xml|Xml|EventXml|EventXML|event_xml|RawXml"},
		slots: map[slot][]string{
			slotXML: {"_raw", "event.original", "xml", "Xml", "EventXml", "EventXML", "event_xml", "RawXml"},
		},
	},
	{
		name: "EvtxECmd", source: windows,
		marks: []string{"EventId", "EventRecordId", "Channel", "ChunkNumber|Payload|PayloadData1|MapDescription"},
		slots: map[slot][]string{
			slotTime:      {"TimeCreated"},
			slotHost:      {"Computer"},
			slotProvider:  {"Provider"},
			slotEventID:   {"EventId"},
			slotLevel:     {"Level"},
			slotKeywords:  {"Keywords"},
			slotRecordID:  {"EventRecordId"},
			slotProcessID: {"ProcessId"},
			slotThreadID:  {"ThreadId"},
			slotChannel:   {"Channel"},
			slotUserID:    {"UserId"},
		},
		data: []string{"EventData"},
		user: []string{"UserData"},
	},
	{
		// Get-WinEvent | ConvertTo-Json: data without names.
		name: "PowerShell", source: windows,
		marks: []string{"LogName", "ProviderName", "Id", "MachineName"},
		slots: map[slot][]string{
			slotTime:         {"TimeCreated.value", "TimeCreated"},
			slotHost:         {"MachineName"},
			slotProvider:     {"ProviderName"},
			slotProviderGUID: {"ProviderId"},
			slotEventID:      {"Id"},
			slotQualifiers:   {"Qualifiers"},
			slotVersion:      {"Version"},
			slotLevel:        {"Level"},
			slotTask:         {"Task"},
			slotOpcode:       {"Opcode"},
			slotKeywords:     {"Keywords"},
			slotRecordID:     {"RecordId"},
			slotActivityID:   {"ActivityId"},
			slotRelatedID:    {"RelatedActivityId"},
			slotProcessID:    {"ProcessId"},
			slotThreadID:     {"ThreadId"},
			slotChannel:      {"LogName"},
			slotUserID:       {"UserId.Value", "UserId"},
		},
		rename: map[string]string{"Properties.Value": event.FieldUnnamedData},
	},
	{
		name: "NXLog", source: windows,
		marks: []string{"EventTime", "EventReceivedTime|SourceModuleName|ExecutionProcessID", "Channel", "EventID"},
		slots: map[slot][]string{
			slotTime:         {"EventTime"},
			slotReceived:     {"EventReceivedTime"},
			slotShipped:      {"@timestamp"},
			slotHost:         {"Hostname", "Computer"},
			slotProvider:     {"SourceName"},
			slotProviderGUID: {"ProviderGuid"},
			slotEventID:      {"EventID"},
			slotVersion:      {"Version"},
			slotLevel:        {"Level", "Severity"},
			slotTask:         {"Task"},
			slotOpcode:       {"OpcodeValue", "Opcode"},
			slotKeywords:     {"Keywords"},
			slotRecordID:     {"RecordNumber"},
			slotActivityID:   {"ActivityID"},
			slotRelatedID:    {"RelatedActivityID"},
			slotProcessID:    {"ExecutionProcessID"},
			slotThreadID:     {"ExecutionThreadID", "ThreadID"},
			slotChannel:      {"Channel"},
			slotUserID:       {"UserID"},
		},
		data:   []string{"EventData"},
		rename: map[string]string{"Opcode": "OpcodeName"}, // where it is not the number itself
	},
	{
		// Everything in one object: OTRF from 2020 on, Splunk's field extraction, Sentinel's Event and SecurityEvent,
		// Velociraptor's artefacts with EventData inside.
		name: "flat", source: windows,
		marks: []string{"EventID|EventCode|EventId|event_id", "Channel|LogName|EventLog|log_name|channel"},
		slots: map[slot][]string{
			slotTime: {"TimeCreated.SystemTime", "TimeCreated", "SystemTime", "EventTime", "UtcTimeCreated", "TimeGenerated", "@timestamp",
				"Timestamp", "timestamp", "_time", "Time"},
			slotHost:         {"Computer", "Hostname", "ComputerName", "computer_name", "MachineName", "dvc_nt_host"},
			slotProvider:     {"SourceName", "ProviderName", "Provider", "EventSourceName", "provider_name", "source_name", "Provider_Name", "Source"},
			slotProviderGUID: {"ProviderGuid", "provider_guid", "ProviderGUID", "Provider_Guid"},
			slotEventSource:  {"Provider_EventSourceName"},
			slotEventID:      {"EventID", "EventCode", "EventId", "event_id"},
			slotQualifiers:   {"Qualifiers", "EventID_Qualifiers"},
			slotVersion:      {"Version"},
			slotLevel:        {"Level", "EventLevel", "level"},
			slotTask:         {"Task"},
			slotOpcode:       {"OpcodeValue", "Opcode"},
			slotKeywords:     {"Keywords", "keywords"},
			slotRecordID:     {"EventRecordID", "EventRecordId", "RecordNumber", "RecordID", "record_number"},
			slotActivityID:   {"Correlation_ActivityID", "ActivityID"},
			slotRelatedID:    {"Correlation_RelatedActivityID", "RelatedActivityID"},
			slotProcessID:    {"Execution_ProcessID", "ExecutionProcessID", "SystemProcessId"},
			slotThreadID:     {"Execution_ThreadID", "ExecutionThreadID", "SystemThreadId"},
			slotChannel:      {"Channel", "LogName", "EventLog", "log_name", "channel"},
			slotUserID:       {"Security_UserID", "UserID", "UserSID", "SystemUserId"},
		},
		data:   []string{"EventData", "event_data"},
		user:   []string{"UserData"},
		rename: map[string]string{"message": "Message", "Opcode": "OpcodeName"},
	},
}

// xmlLike is the shape of an event whose JSON follows its XML below a path. Attributes stand in "#attributes" or
// ELEMENT_attributes (evtx_dump), behind "@" (xmltodict) or among the children (Velociraptor).
func xmlLike(name, below string) shape {
	system := below + "System."
	attribute := func(element, name string) []string {
		return []string{
			system + element + ".#attributes." + name, system + element + "_attributes." + name,
			system + element + ".@" + name, system + element + "." + name,
		}
	}
	element := func(name string) []string { return []string{system + name, system + name + ".#text"} }
	return shape{
		name: name, source: windows,
		marks: []string{system + "EventID", system + "Channel|" + system + "Provider"},
		slots: map[slot][]string{
			slotTime:         append(attribute("TimeCreated", "SystemTime"), element("TimeCreated")...),
			slotHost:         element("Computer"),
			slotProvider:     attribute("Provider", "Name"),
			slotProviderGUID: attribute("Provider", "Guid"),
			slotEventSource:  attribute("Provider", "EventSourceName"),
			slotEventID:      append(element("EventID"), system+"EventID.Value"),
			slotQualifiers:   attribute("EventID", "Qualifiers"),
			slotVersion:      element("Version"),
			slotLevel:        element("Level"),
			slotTask:         element("Task"),
			slotOpcode:       element("Opcode"),
			slotKeywords:     element("Keywords"),
			slotRecordID:     element("EventRecordID"),
			slotActivityID:   attribute("Correlation", "ActivityID"),
			slotRelatedID:    attribute("Correlation", "RelatedActivityID"),
			slotProcessID:    attribute("Execution", "ProcessID"),
			slotThreadID:     attribute("Execution", "ThreadID"),
			slotChannel:      element("Channel"),
			slotUserID:       attribute("Security", "UserID"),
		},
		data: []string{below + "EventData"},
		user: []string{below + "UserData"},
	}
}
