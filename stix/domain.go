package stix

// The STIX Domain Objects of section 4, in its order.

// AttackPattern is a way in which adversaries attempt to compromise targets.
type AttackPattern struct {
	Common
	Name            string           `stix:"name,req"`
	Description     string           `stix:"description"`
	Aliases         []string         `stix:"aliases"`
	KillChainPhases []KillChainPhase `stix:"kill_chain_phases"`
}

// Campaign is a set of malicious activities over time against specific targets.
type Campaign struct {
	Common
	Name        string    `stix:"name,req"`
	Description string    `stix:"description"`
	Aliases     []string  `stix:"aliases"`
	FirstSeen   Timestamp `stix:"first_seen"`
	LastSeen    Timestamp `stix:"last_seen"`
	Objective   string    `stix:"objective"`
}

// CourseOfAction is an action taken to prevent or to answer an attack.
type CourseOfAction struct {
	Common
	Name        string `stix:"name,req"`
	Description string `stix:"description"`
}

// Grouping asserts that objects share a context.
type Grouping struct {
	Common
	Name        string `stix:"name"`
	Description string `stix:"description"`
	Context     string `stix:"context,req,vocab=grouping-context-ov"`
	ObjectRefs  []ID   `stix:"object_refs,req"`
}

// Identity is a person, an organisation, or a class of them.
type Identity struct {
	Common
	Name               string   `stix:"name,req"`
	Description        string   `stix:"description"`
	Roles              []string `stix:"roles"`
	IdentityClass      string   `stix:"identity_class,vocab=identity-class-ov"`
	Sectors            []string `stix:"sectors,vocab=industry-sector-ov"`
	ContactInformation string   `stix:"contact_information"`
}

// Incident is the stub of section 4.7; what it lacks is in [IncidentCore].
type Incident struct {
	Common
	Name        string `stix:"name,req"`
	Description string `stix:"description"`
}

// Indicator holds a pattern to detect suspicious or malicious activity.
type Indicator struct {
	Common
	Name            string           `stix:"name"`
	Description     string           `stix:"description"`
	IndicatorTypes  []string         `stix:"indicator_types,vocab=indicator-type-ov"`
	Pattern         string           `stix:"pattern,req"`
	PatternType     string           `stix:"pattern_type,req,vocab=pattern-type-ov"`
	PatternVersion  string           `stix:"pattern_version"`
	ValidFrom       Timestamp        `stix:"valid_from,req"`
	ValidUntil      Timestamp        `stix:"valid_until"`
	KillChainPhases []KillChainPhase `stix:"kill_chain_phases"`
}

// Infrastructure is systems, services or resources that serve a purpose.
type Infrastructure struct {
	Common
	Name                string           `stix:"name,req"`
	Description         string           `stix:"description"`
	InfrastructureTypes []string         `stix:"infrastructure_types,vocab=infrastructure-type-ov"`
	Aliases             []string         `stix:"aliases"`
	KillChainPhases     []KillChainPhase `stix:"kill_chain_phases"`
	FirstSeen           Timestamp        `stix:"first_seen"`
	LastSeen            Timestamp        `stix:"last_seen"`
}

// IntrusionSet is adversary behaviour and resources believed to be orchestrated by one organisation.
type IntrusionSet struct {
	Common
	Name                 string    `stix:"name,req"`
	Description          string    `stix:"description"`
	Aliases              []string  `stix:"aliases"`
	FirstSeen            Timestamp `stix:"first_seen"`
	LastSeen             Timestamp `stix:"last_seen"`
	Goals                []string  `stix:"goals"`
	ResourceLevel        string    `stix:"resource_level,vocab=attack-resource-level-ov"`
	PrimaryMotivation    string    `stix:"primary_motivation,vocab=attack-motivation-ov"`
	SecondaryMotivations []string  `stix:"secondary_motivations,vocab=attack-motivation-ov"`
}

// Location is a place; at least region, country, or latitude with longitude is required.
type Location struct {
	Common
	Name               string   `stix:"name"`
	Description        string   `stix:"description"`
	Latitude           *float64 `stix:"latitude,min=-90,max=90"`
	Longitude          *float64 `stix:"longitude,min=-180,max=180"`
	Precision          *float64 `stix:"precision,min=0"`
	Region             string   `stix:"region,vocab=region-ov"`
	Country            string   `stix:"country"`
	AdministrativeArea string   `stix:"administrative_area"`
	City               string   `stix:"city"`
	StreetAddress      string   `stix:"street_address"`
	PostalCode         string   `stix:"postal_code"`
}

// Malware is malicious code: an instance or a family.
type Malware struct {
	Common
	Name                      string           `stix:"name"`
	Description               string           `stix:"description"`
	MalwareTypes              []string         `stix:"malware_types,vocab=malware-type-ov"`
	IsFamily                  *bool            `stix:"is_family,req"`
	Aliases                   []string         `stix:"aliases"`
	KillChainPhases           []KillChainPhase `stix:"kill_chain_phases"`
	FirstSeen                 Timestamp        `stix:"first_seen"`
	LastSeen                  Timestamp        `stix:"last_seen"`
	OperatingSystemRefs       []ID             `stix:"operating_system_refs,ref=software"`
	ArchitectureExecutionEnvs []string         `stix:"architecture_execution_envs,vocab=processor-architecture-ov"`
	ImplementationLanguages   []string         `stix:"implementation_languages,vocab=implementation-language-ov"`
	Capabilities              []string         `stix:"capabilities,vocab=malware-capabilities-ov"`
	SampleRefs                []ID             `stix:"sample_refs,ref=file|artifact"`
}

// MalwareAnalysis is the result of a static or dynamic analysis.
type MalwareAnalysis struct {
	Common
	Product                   string    `stix:"product,req"`
	Version                   string    `stix:"version"`
	HostVMRef                 ID        `stix:"host_vm_ref,ref=software"`
	OperatingSystemRef        ID        `stix:"operating_system_ref,ref=software"`
	InstalledSoftwareRefs     []ID      `stix:"installed_software_refs,ref=software"`
	ConfigurationVersion      string    `stix:"configuration_version"`
	Modules                   []string  `stix:"modules"`
	AnalysisEngineVersion     string    `stix:"analysis_engine_version"`
	AnalysisDefinitionVersion string    `stix:"analysis_definition_version"`
	Submitted                 Timestamp `stix:"submitted"`
	AnalysisStarted           Timestamp `stix:"analysis_started"`
	AnalysisEnded             Timestamp `stix:"analysis_ended"`
	ResultName                string    `stix:"result_name"`
	Result                    string    `stix:"result,vocab=malware-result-ov"`
	AnalysisSCORefs           []ID      `stix:"analysis_sco_refs,ref=sco"`
	SampleRef                 ID        `stix:"sample_ref,ref=file|artifact|network-traffic"`
}

// Note conveys text about other objects.
type Note struct {
	Common
	Abstract   string   `stix:"abstract"`
	Content    string   `stix:"content,req"`
	Authors    []string `stix:"authors"`
	ObjectRefs []ID     `stix:"object_refs,req"`
}

// ObservedData says that observables were seen, when and how often. Objects is the deprecated embedded form of STIX 2.0.
type ObservedData struct {
	Common
	FirstObserved  Timestamp      `stix:"first_observed,req"`
	LastObserved   Timestamp      `stix:"last_observed,req"`
	NumberObserved *int64         `stix:"number_observed,req,min=1,max=999999999"`
	Objects        map[string]any `stix:"objects"`
	ObjectRefs     []ID           `stix:"object_refs,ref=sco|sro"`
}

// Opinion is an assessment of how correct another object is.
type Opinion struct {
	Common
	Explanation string   `stix:"explanation"`
	Authors     []string `stix:"authors"`
	Opinion     string   `stix:"opinion,req,enum=opinion-enum"`
	ObjectRefs  []ID     `stix:"object_refs,req"`
}

// Report is a published collection of threat intelligence.
type Report struct {
	Common
	Name        string    `stix:"name,req"`
	Description string    `stix:"description"`
	ReportTypes []string  `stix:"report_types,vocab=report-type-ov"`
	Published   Timestamp `stix:"published,req"`
	ObjectRefs  []ID      `stix:"object_refs,req"`
}

// ThreatActor is an individual, group or organisation believed to act with malicious intent.
type ThreatActor struct {
	Common
	Name                 string    `stix:"name,req"`
	Description          string    `stix:"description"`
	ThreatActorTypes     []string  `stix:"threat_actor_types,vocab=threat-actor-type-ov"`
	Aliases              []string  `stix:"aliases"`
	FirstSeen            Timestamp `stix:"first_seen"`
	LastSeen             Timestamp `stix:"last_seen"`
	Roles                []string  `stix:"roles,vocab=threat-actor-role-ov"`
	Goals                []string  `stix:"goals"`
	Sophistication       string    `stix:"sophistication,vocab=threat-actor-sophistication-ov"`
	ResourceLevel        string    `stix:"resource_level,vocab=attack-resource-level-ov"`
	PrimaryMotivation    string    `stix:"primary_motivation,vocab=attack-motivation-ov"`
	SecondaryMotivations []string  `stix:"secondary_motivations,vocab=attack-motivation-ov"`
	PersonalMotivations  []string  `stix:"personal_motivations,vocab=attack-motivation-ov"`
}

// Tool is legitimate software that an attacker can use.
type Tool struct {
	Common
	Name            string           `stix:"name,req"`
	Description     string           `stix:"description"`
	ToolTypes       []string         `stix:"tool_types,vocab=tool-type-ov"`
	Aliases         []string         `stix:"aliases"`
	KillChainPhases []KillChainPhase `stix:"kill_chain_phases"`
	ToolVersion     string           `stix:"tool_version"`
}

// Vulnerability is a weakness that can be exploited.
type Vulnerability struct {
	Common
	Name        string `stix:"name,req"`
	Description string `stix:"description"`
}

// Relationship links two objects (section 5.1).
type Relationship struct {
	Common
	RelationshipType string    `stix:"relationship_type,req"`
	Description      string    `stix:"description"`
	SourceRef        ID        `stix:"source_ref,req,ref=node"`
	TargetRef        ID        `stix:"target_ref,req,ref=node"`
	StartTime        Timestamp `stix:"start_time"`
	StopTime         Timestamp `stix:"stop_time"`
}

// Sighting says that something was seen, or, with Count 0, that it was looked for and not found (section 5.2).
type Sighting struct {
	Common
	Description      string    `stix:"description"`
	FirstSeen        Timestamp `stix:"first_seen"`
	LastSeen         Timestamp `stix:"last_seen"`
	Count            *int64    `stix:"count,min=0,max=999999999"`
	SightingOfRef    ID        `stix:"sighting_of_ref,req,ref=sdo"`
	ObservedDataRefs []ID      `stix:"observed_data_refs,ref=observed-data"`
	WhereSightedRefs []ID      `stix:"where_sighted_refs,ref=identity|location"`
	Summary          *bool     `stix:"summary"`
}

// MarkingDefinition is a marking that objects refer to (section 7.2.1). It has no versions: Modified stays empty.
type MarkingDefinition struct {
	Common
	Name           string         `stix:"name"`
	DefinitionType string         `stix:"definition_type"`
	Definition     map[string]any `stix:"definition"`
}

// LanguageContent translates properties of another object (section 7.1).
type LanguageContent struct {
	Common
	ObjectRef      ID             `stix:"object_ref,req"`
	ObjectModified Timestamp      `stix:"object_modified"`
	Contents       map[string]any `stix:"contents,req"`
}

// ExtensionDefinition describes an extension (section 7.3).
type ExtensionDefinition struct {
	Common
	Name                string   `stix:"name,req"`
	Description         string   `stix:"description"`
	Schema              string   `stix:"schema,req"`
	Version             string   `stix:"version,req"`
	ExtensionTypes      []string `stix:"extension_types,req,enum=extension-type-enum"`
	ExtensionProperties []string `stix:"extension_properties"`
}
