package stix

// The Incident Core Extension suite, version 2.0 (OASIS CTI common objects repository, draft of 10 October 2023):
// a property extension of Incident and three new objects, Event, Impact and Task, each with its own extension id.

// The ids of the extensions this package writes.
const (
	IncidentCoreExtension = "extension-definition--ef765651-680c-498d-9894-99799f2fa126"
	EventExtension        = "extension-definition--4ca6de00-5b0d-45ef-a1dc-ea7279ea910e"
	ImpactExtension       = "extension-definition--7cc33dd6-f6a1-489b-98ea-522d351d71b9"
	TaskExtension         = "extension-definition--2074a052-8be4-4932-849e-f5e7798e0030"
	TLP2Extension         = "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d"
)

// IncidentCore is the extension of Incident under [IncidentCoreExtension]. ExtensionType is filled in on writing.
type IncidentCore struct {
	ExtensionType        string           `stix:"extension_type,req,enum=extension-type-enum"`
	Determination        string           `stix:"determination,req,enum=incident-determination-enum"`
	InvestigationStatus  string           `stix:"investigation_status,req,vocab=incident-investigation-ov"`
	Criticality          *int64           `stix:"criticality,min=0,max=100"`
	DetectionMethods     []string         `stix:"detection_methods,vocab=detection-methods-ov"`
	Events               []EventEntry     `stix:"events"`
	ImpactRefs           []ID             `stix:"impact_refs,ref=impact"`
	ImpactedEntityCounts map[string]int64 `stix:"impacted_entity_counts,vocab=entity-type-ov"`
	IncidentTypes        []string         `stix:"incident_types"`
	Recoverability       string           `stix:"recoverability,enum=recoverability-enum"`
	Scores               []IncidentScore  `stix:"scores"`
	Tasks                []TaskEntry      `stix:"tasks"`
	Extra                map[string]any
}

// EventEntry places an event in the sequence of an incident.
type EventEntry struct {
	EventRef      ID                   `stix:"event_ref,req,ref=event"`
	NextSteps     []EventSequenceEntry `stix:"next_steps"`
	SequenceStart *bool                `stix:"sequence_start"`
	Extra         map[string]any
}

// EventSequenceEntry names a following event and how it depends on this one.
type EventSequenceEntry struct {
	EventRef       ID     `stix:"event_ref,req,ref=event"`
	ConditionType  string `stix:"condition_type,req,enum=activity-condition-enum"`
	TransitionType string `stix:"transition_type,req,enum=activity-transition-enum"`
	Extra          map[string]any
}

// TaskEntry places a task in the sequence of an incident.
type TaskEntry struct {
	TaskRef       ID                  `stix:"task_ref,req,ref=task"`
	NextSteps     []TaskSequenceEntry `stix:"next_steps"`
	SequenceStart *bool               `stix:"sequence_start"`
	Extra         map[string]any
}

// TaskSequenceEntry names a following task and how it depends on this one.
type TaskSequenceEntry struct {
	TaskRef        ID     `stix:"task_ref,req,ref=task"`
	ConditionType  string `stix:"condition_type,req,enum=activity-condition-enum"`
	TransitionType string `stix:"transition_type,req,enum=activity-transition-enum"`
	Extra          map[string]any
}

// IncidentScore is a named number that some process gave an incident.
type IncidentScore struct {
	Name        string   `stix:"name,req"`
	Value       *float64 `stix:"value,req"`
	Description string   `stix:"description"`
	Extra       map[string]any
}

// StateChange says how an event or task changed an object, such as an impact.
type StateChange struct {
	StateChangeType string `stix:"state_change_type,req,vocab=state-change-type-ov"`
	InitialRef      ID     `stix:"initial_ref"`
	ResultRef       ID     `stix:"result_ref"`
	Extra           map[string]any
}

// Event is something that happened in an incident; an object under [EventExtension].
type Event struct {
	Common
	Name              string        `stix:"name"`
	Description       string        `stix:"description"`
	Status            string        `stix:"status,req,enum=event-status-enum"`
	ChangedObjects    []StateChange `stix:"changed_objects"`
	EventTypes        []string      `stix:"event_types"`
	Goal              string        `stix:"goal"`
	SightingRefs      []ID          `stix:"sighting_refs,ref=sighting"`
	StartTime         Timestamp     `stix:"start_time"`
	StartTimeFidelity string        `stix:"start_time_fidelity,enum=timestamp-fidelity-enum"`
	EndTime           Timestamp     `stix:"end_time"`
	EndTimeFidelity   string        `stix:"end_time_fidelity,enum=timestamp-fidelity-enum"`
	Subevents         []EventEntry  `stix:"subevents"`
}

// Task is work done on an incident; an object under [TaskExtension].
type Task struct {
	Common
	Name                 string           `stix:"name"`
	Description          string           `stix:"description"`
	Outcome              string           `stix:"outcome,req,enum=task-outcome-enum"`
	TaskTypes            []string         `stix:"task_types,vocab=task-type-ov"`
	ChangedObjects       []StateChange    `stix:"changed_objects"`
	Error                string           `stix:"error"`
	ImpactedEntityCounts map[string]int64 `stix:"impacted_entity_counts,vocab=entity-type-ov"`
	Priority             *int64           `stix:"priority,min=0,max=100"`
	StartTime            Timestamp        `stix:"start_time"`
	StartTimeFidelity    string           `stix:"start_time_fidelity,enum=timestamp-fidelity-enum"`
	EndTime              Timestamp        `stix:"end_time"`
	EndTimeFidelity      string           `stix:"end_time_fidelity,enum=timestamp-fidelity-enum"`
	Subtasks             []TaskEntry      `stix:"subtasks"`
	TemplateRefs         []ID             `stix:"template_refs"`
}

// Impact is what an incident did; an object under [ImpactExtension]. Its category names the extension that holds the
// detail: availability-ext, confidentiality-ext, external-ext, integrity-ext, monetary-ext, physical-ext or
// traceability-ext. The draft writes these names without -ext, which STIX itself does not allow as keys of extensions
// (and its common validator refuses); both are read.
type Impact struct {
	Common
	ImpactCategory       string           `stix:"impact_category,req"`
	Description          string           `stix:"description"`
	Criticality          *int64           `stix:"criticality,min=0,max=100"`
	ImpactedEntityCounts map[string]int64 `stix:"impacted_entity_counts,vocab=entity-type-ov"`
	ImpactedRefs         []ID             `stix:"impacted_refs"`
	Recoverability       string           `stix:"recoverability,enum=recoverability-enum"`
	StartTime            Timestamp        `stix:"start_time"`
	StartTimeFidelity    string           `stix:"start_time_fidelity,enum=timestamp-fidelity-enum"`
	EndTime              Timestamp        `stix:"end_time"`
	EndTimeFidelity      string           `stix:"end_time_fidelity,enum=timestamp-fidelity-enum"`
	SupersededByRef      ID               `stix:"superseded_by_ref,ref=impact"`
}

// AvailabilityImpact says how far a service was lost, 0 to 100.
type AvailabilityImpact struct {
	AvailabilityImpact *int64 `stix:"availability_impact,req,min=0,max=100"`
	Extra              map[string]any
}

// ConfidentialityImpact says what information was lost and how many records.
type ConfidentialityImpact struct {
	InformationType string `stix:"information_type,vocab=information-type-ov"`
	LossType        string `stix:"loss_type,req,enum=incident-confidentiality-loss-enum"`
	RecordCount     *int64 `stix:"record_count,min=0"`
	RecordSize      *int64 `stix:"record_size,min=0"`
	Extra           map[string]any
}

// ExternalImpact is an impact outside the organisation.
type ExternalImpact struct {
	ImpactType string `stix:"impact_type,req,vocab=external-impact-ov"`
	Extra      map[string]any
}

// IntegrityImpact says what information was altered.
type IntegrityImpact struct {
	Alteration      string `stix:"alteration,req,enum=integrity-alteration-enum"`
	InformationType string `stix:"information_type,vocab=information-type-ov"`
	RecordCount     *int64 `stix:"record_count,min=0"`
	RecordSize      *int64 `stix:"record_size,min=0"`
	Extra           map[string]any
}

// MonetaryImpact is a cost.
type MonetaryImpact struct {
	Variety        string    `stix:"variety,req,vocab=monetary-impact-type-ov"`
	ConversionRate *float64  `stix:"conversion_rate"`
	ConversionTime Timestamp `stix:"conversion_time"`
	Currency       string    `stix:"currency"`
	CurrencyActual string    `stix:"currency_actual"`
	MaxAmount      *float64  `stix:"max_amount"`
	MinAmount      *float64  `stix:"min_amount"`
	Extra          map[string]any
}

// PhysicalImpact is damage to things.
type PhysicalImpact struct {
	ImpactType string `stix:"impact_type,req,enum=physical-impact-enum"`
	AssetType  string `stix:"asset_type,vocab=asset-type-ov"`
	Extra      map[string]any
}

// TraceabilityImpact says how far accountability was lost.
type TraceabilityImpact struct {
	TraceabilityImpact string `stix:"traceability_impact,req,enum=traceability-enum"`
	Extra              map[string]any
}

func (*IncidentCore) extension()          {}
func (*AvailabilityImpact) extension()    {}
func (*ConfidentialityImpact) extension() {}
func (*ExternalImpact) extension()        {}
func (*IntegrityImpact) extension()       {}
func (*MonetaryImpact) extension()        {}
func (*PhysicalImpact) extension()        {}
func (*TraceabilityImpact) extension()    {}
