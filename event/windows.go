package event

// Native field names of the System element of a Windows event. Every reader that delivers Windows events, whatever
// they came wrapped in, uses these, so that the same event gives the same columns. Fields of EventData and
// UserData keep their own names; data without a name is the list "Data"; a name that occurs twice, in System and
// UserData for instance, is a list.
const (
	FieldProvider          = "Provider_Name"
	FieldProviderGUID      = "Provider_Guid"
	FieldEventSourceName   = "Provider_EventSourceName"
	FieldEventID           = "EventID"
	FieldQualifiers        = "EventID_Qualifiers"
	FieldVersion           = "Version"
	FieldLevel             = "Level"
	FieldTask              = "Task"
	FieldOpcode            = "Opcode"
	FieldKeywords          = "Keywords"
	FieldTimeCreated       = "TimeCreated"
	FieldRecordID          = "EventRecordID"
	FieldActivityID        = "Correlation_ActivityID"
	FieldRelatedActivityID = "Correlation_RelatedActivityID"
	FieldProcessID         = "Execution_ProcessID"
	FieldThreadID          = "Execution_ThreadID"
	FieldChannel           = "Channel"
	FieldComputer          = "Computer"
	FieldUserID            = "Security_UserID"
	FieldUnnamedData       = "Data"
	FieldBinary            = "Binary"
)

// ProductWindows is the Product of every Windows event.
const ProductWindows = "windows"
