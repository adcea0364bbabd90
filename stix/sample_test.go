package stix

import (
	"testing"
)

// must is for literals of tests.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

var sampleTime = must(ParseTimestamp("2021-11-01T08:00:00.000Z"))

const sampleNamespace = "d2c6a7b0-2f0b-4c3e-8a1d-6f0e9d7c5b4a"

func sampleID(typ, name string) ID { return must(DerivedID(typ, sampleNamespace, typ+" "+name)) }

func common(typ, name string) Common {
	return Common{Header: Header{Type: typ, SpecVersion: "2.1", ID: sampleID(typ, name)}, CreatedByRef: sampleID("identity", "author"), Created: sampleTime, Modified: sampleTime}
}

func sco[T Object](o T) T {
	h := o.Head()
	h.Type, h.SpecVersion = TypeOf(o), "2.1"
	h.ID = must(ObservableID(o))
	if h.ID == "" {
		h.ID = asVersion4(sampleID(h.Type, "sample"))
	}
	return o
}

func newSDO(key string) map[string]Extension {
	return map[string]Extension{key: &CustomExtension{ExtensionType: "new-sdo"}}
}

// samples is one object of every type and one use of every extension, all of them right.
func samples() []Object {
	later := must(ParseTimestamp("2021-11-02T08:00:00.5Z"))
	phases := []KillChainPhase{{KillChainName: "mitre-attack", PhaseName: "exfiltration"}}
	md5 := Hashes{"MD5": "d41d8cd98f00b204e9800998ecf8427e", "SHA-256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}
	v4 := sco(&IPv4Addr{Value: "198.51.100.3"})
	v6 := sco(&IPv6Addr{Value: "2001:db8::1"})
	mac := sco(&MACAddr{Value: "02:00:5e:10:00:01"})
	as := sco(&AutonomousSystem{Number: new(int64(64500)), Name: "Example", RIR: "RIPE"})
	v4.BelongsToRefs, v4.ResolvesToRefs = []ID{as.ID}, []ID{mac.ID}
	domain := sco(&DomainName{Value: "relay.example", ResolvesToRefs: []ID{v4.ID, v6.ID}})
	dir := sco(&Directory{Path: `C:\ProgramData`, PathEnc: "UTF-8", Ctime: sampleTime, Mtime: sampleTime, Atime: later})
	artifact := sco(&Artifact{MimeType: "application/zip", PayloadBin: "aW5lcnQ=", Hashes: md5, EncryptionAlgorithm: "mime-type-indicated", DecryptionKey: "infected"})
	file := &File{Hashes: md5, Size: new(int64(0)), Name: "svc.exe", NameEnc: "UTF-8", MagicNumberHex: "4d5a", MimeType: "application/x-dosexec",
		Ctime: sampleTime, Mtime: sampleTime, Atime: sampleTime, ParentDirectoryRef: dir.ID, ContentRef: artifact.ID}
	file.Extensions = map[string]Extension{
		"archive-ext":      &ArchiveExt{ContainsRefs: []ID{dir.ID}, Comment: "no"},
		"ntfs-ext":         &NTFSExt{SID: "S-1-5-18", AlternateDataStreams: []AlternateDataStream{{Name: "x", Size: new(int64(3)), Hashes: md5}}},
		"pdf-ext":          &PDFExt{Version: "1.4", IsOptimized: new(false), DocumentInfoDict: map[string]any{"Title": "none"}, PDFID0: "a", PDFID1: "b"},
		"raster-image-ext": &RasterImageExt{ImageHeight: new(int64(1)), ImageWidth: new(int64(2)), BitsPerPixel: new(int64(8)), EXIFTags: map[string]any{"Make": "none"}},
		"windows-pebinary-ext": &WindowsPEBinaryExt{PEType: "exe", Imphash: "d41d8cd98f00b204e9800998ecf8427e", MachineHex: "014c", NumberOfSections: new(int64(1)),
			TimeDateStamp: must(ParseTimestamp("2021-11-01T08:00:00Z")), PointerToSymbolTableHex: "00000000", NumberOfSymbols: new(int64(0)), SizeOfOptionalHeader: new(int64(224)), CharacteristicsHex: "0102", FileHeaderHashes: md5,
			OptionalHeader: &WindowsPEOptionalHeader{MagicHex: "010b", MajorLinkerVersion: new(int64(14)), SizeOfCode: new(int64(512)), ChecksumHex: "0000", SubsystemHex: "03", Hashes: md5},
			Sections:       []WindowsPESection{{Name: ".text", Size: new(int64(512)), Entropy: new(6.25), Hashes: md5}}},
	}
	sco(file)
	account := &UserAccount{UserID: "1001", AccountLogin: "svc", AccountType: "unix", DisplayName: "service", IsServiceAccount: new(true), IsPrivileged: new(false),
		CanEscalatePrivs: new(true), IsDisabled: new(false), AccountCreated: sampleTime, AccountFirstLogin: sampleTime, AccountLastLogin: later}
	account.Extensions = map[string]Extension{"unix-account-ext": &UnixAccountExt{GID: new(int64(100)), Groups: []string{"wheel"}, HomeDir: "/home/svc", Shell: "/bin/sh"}}
	sco(account)
	mail := sco(&EmailAddr{Value: "desk@example.org", DisplayName: "Desk", BelongsToRef: account.ID})
	message := sco(&EmailMessage{IsMultipart: new(true), Date: sampleTime, ContentType: "multipart/mixed", FromRef: mail.ID, SenderRef: mail.ID, ToRefs: []ID{mail.ID}, CcRefs: []ID{mail.ID},
		BccRefs: []ID{mail.ID}, MessageID: "<1@example.org>", Subject: "none", ReceivedLines: []string{"from example.org"}, AdditionalHeaderFields: map[string]any{"X-Mailer": "none"},
		BodyMultipart: []MIMEPart{{Body: "text", ContentType: "text/plain", ContentDisposition: "inline"}, {BodyRawRef: artifact.ID, ContentType: "application/zip"}}, RawEmailRef: artifact.ID})
	traffic := &NetworkTraffic{Start: sampleTime, End: later, IsActive: new(false), SrcRef: v4.ID, DstRef: domain.ID, SrcPort: new(int64(49152)), DstPort: new(int64(443)), Protocols: []string{"ipv4", "tcp", "http"},
		SrcByteCount: new(int64(10)), DstByteCount: new(int64(20)), SrcPackets: new(int64(1)), DstPackets: new(int64(2)), IPFIX: map[string]any{"minimumIpTotalLength": "32"}, SrcPayloadRef: artifact.ID, DstPayloadRef: artifact.ID}
	traffic.Extensions = map[string]Extension{
		"http-request-ext": &HTTPRequestExt{RequestMethod: "get", RequestValue: "/", RequestVersion: "http/1.1", RequestHeader: map[string]any{"User-Agent": []any{"none"}}, MessageBodyLength: new(int64(0)), MessageBodyDataRef: artifact.ID},
		"icmp-ext":         &ICMPExt{ICMPTypeHex: "08", ICMPCodeHex: "00"},
		"socket-ext":       &SocketExt{AddressFamily: "AF_INET", IsBlocking: new(true), IsListening: new(false), Options: map[string]any{"SO_KEEPALIVE": 1.0}, SocketType: "SOCK_STREAM", SocketDescriptor: new(int64(3)), SocketHandle: new(int64(4))},
		"tcp-ext":          &TCPExt{SrcFlagsHex: "02", DstFlagsHex: "12"},
	}
	sco(traffic)
	tunnel := sco(&NetworkTraffic{SrcRef: v4.ID, Protocols: []string{"ipv4", "gre"}, EncapsulatesRefs: []ID{traffic.ID}})
	process := &Process{IsHidden: new(false), PID: new(int64(4)), CreatedTime: sampleTime, Cwd: `C:\`, CommandLine: "svc.exe -k", EnvironmentVariables: map[string]any{"PATH": `C:\`},
		OpenedConnectionRefs: []ID{traffic.ID}, CreatorUserRef: account.ID, ImageRef: file.ID}
	process.Extensions = map[string]Extension{
		"windows-process-ext": &WindowsProcessExt{ASLREnabled: new(true), DEPEnabled: new(true), Priority: "NORMAL_PRIORITY_CLASS", OwnerSID: "S-1-5-18", WindowTitle: "none", IntegrityLevel: "system"},
		"windows-service-ext": &WindowsServiceExt{ServiceName: "svc", Descriptions: []string{"none"}, DisplayName: "Service", GroupName: "none", StartType: "SERVICE_AUTO_START",
			ServiceDLLRefs: []ID{file.ID}, ServiceType: "SERVICE_WIN32_OWN_PROCESS", ServiceStatus: "SERVICE_RUNNING"},
	}
	sco(process)
	software := sco(&Software{Name: "Example OS", CPE: "cpe:2.3:o:example:os:1.0:*:*:*:*:*:*:*", Languages: []string{"en"}, Vendor: "Example", Version: "1.0"})
	key := sco(&WindowsRegistryKey{Key: `HKEY_LOCAL_MACHINE\System\Foo`, Values: []WindowsRegistryValue{{Name: "Run", Data: "svc.exe", DataType: "REG_SZ"}}, ModifiedTime: sampleTime, CreatorUserRef: account.ID, NumberOfSubkeys: new(int64(0))})
	cert := sco(&X509Certificate{IsSelfSigned: new(true), Hashes: md5, Version: "3", SerialNumber: "01", SignatureAlgorithm: "sha256WithRSAEncryption", Issuer: "CN=none", ValidityNotBefore: sampleTime, ValidityNotAfter: later,
		Subject: "CN=none", SubjectPublicKeyAlgorithm: "rsa", SubjectPublicKeyModulus: "00", SubjectPublicKeyExponent: new(int64(65537)), V3Extensions: &X509V3Extensions{BasicConstraints: "critical,CA:TRUE", KeyUsage: "none", PrivateKeyUsagePeriodNotBefore: sampleTime}})
	link := sco(&URL{Value: "https://relay.example/a?b=c"})
	mutex := sco(&Mutex{Name: "Global\\none"})

	author := &Identity{Common: common("identity", "author"), Name: "Example CERT", Description: "a fictional team", Roles: []string{"analyst"}, IdentityClass: "organization", Sectors: []string{"transportation"}, ContactInformation: "none"}
	author.CreatedByRef = ""
	pattern_ := &AttackPattern{Common: common("attack-pattern", "1"), Name: "Exfiltration over C2", Aliases: []string{"out"}, KillChainPhases: phases}
	pattern_.ExternalReferences = []ExternalReference{{SourceName: "mitre-attack", ExternalID: "T1041", URL: "https://attack.example/T1041", Description: "technique"}}
	campaign := &Campaign{Common: common("campaign", "1"), Name: "Winter", Aliases: []string{"w"}, FirstSeen: sampleTime, LastSeen: later, Objective: "passenger records"}
	action := &CourseOfAction{Common: common("course-of-action", "1"), Name: "Remove the service"}
	impact := &Impact{Common: common("impact", "1"), ImpactCategory: "confidentiality-ext", Criticality: new(int64(70)), Description: "passenger records", ImpactedEntityCounts: map[string]int64{"customer-individual": 1200},
		ImpactedRefs: []ID{author.ID}, Recoverability: "not-recoverable", StartTime: sampleTime, StartTimeFidelity: "month", EndTime: later, EndTimeFidelity: "day"}
	impact.Extensions = newSDO(ImpactExtension)
	impact.Extensions["confidentiality-ext"] = &ConfidentialityImpact{InformationType: "pii", LossType: "confirmed-loss", RecordCount: new(int64(1200)), RecordSize: new(int64(0))}
	others := []Object{impact}
	for category, ext := range map[string]Extension{
		"availability-ext": &AvailabilityImpact{AvailabilityImpact: new(int64(15))}, "external-ext": &ExternalImpact{ImpactType: "public-confidence"},
		"integrity-ext": &IntegrityImpact{Alteration: "partial-modification", InformationType: "system"}, "monetary-ext": &MonetaryImpact{Variety: "response-and-recovery", Currency: "EUR", MinAmount: new(1.5), MaxAmount: new(2.0)},
		"physical-ext": &PhysicalImpact{ImpactType: "none"}, "traceability-ext": &TraceabilityImpact{TraceabilityImpact: "partial-accountability"},
	} {
		i := &Impact{Common: common("impact", category), ImpactCategory: category, StartTime: sampleTime}
		i.Extensions = newSDO(ImpactExtension)
		i.Extensions[category] = ext
		others = append(others, i)
	}
	event := &Event{Common: common("event", "1"), Name: "Copying", Status: "occurred", EventTypes: []string{"data-exfiltration"}, StartTime: sampleTime, StartTimeFidelity: "day", EndTime: later, Goal: "records",
		ChangedObjects: []StateChange{{StateChangeType: "caused", ResultRef: impact.ID}}}
	event.Extensions = newSDO(EventExtension)
	task := &Task{Common: common("task", "1"), Name: "Removal", Outcome: "successful", TaskTypes: []string{"eradication"}, Priority: new(int64(90)), StartTime: sampleTime}
	task.Extensions = newSDO(TaskExtension)
	incident := &Incident{Common: common("incident", "1"), Name: "Airline A", Description: "fictional"}
	incident.Extensions = map[string]Extension{IncidentCoreExtension: &IncidentCore{Determination: "confirmed", InvestigationStatus: "open", Criticality: new(int64(80)), DetectionMethods: []string{"human-review"},
		Events: []EventEntry{{EventRef: event.ID, SequenceStart: new(true)}}, ImpactRefs: []ID{impact.ID}, ImpactedEntityCounts: map[string]int64{"computers-server": 3, "network-device": 0},
		IncidentTypes: []string{"data-exfiltration"}, Recoverability: "supplemented", Scores: []IncidentScore{{Name: "house score", Value: new(7.5)}}, Tasks: []TaskEntry{{TaskRef: task.ID}}}}
	indicator := &Indicator{Common: common("indicator", "1"), Name: "relay", Description: "first hop", IndicatorTypes: []string{"malicious-activity"}, Pattern: "[domain-name:value = 'relay.example'] WITHIN 5 SECONDS", PatternType: "stix",
		PatternVersion: "2.1", ValidFrom: sampleTime, ValidUntil: later, KillChainPhases: phases}
	indicator.ObjectMarkingRefs = []ID{TLPAmberStrict.Marking().ID}
	indicator.Confidence, indicator.Lang, indicator.Revoked = new(int64(0)), "en", new(false)
	indicator.GranularMarkings = []GranularMarking{{MarkingRef: TLPRed.Marking().ID, Selectors: []string{"description", "kill_chain_phases.[0]"}}}
	infra := &Infrastructure{Common: common("infrastructure", "1"), Name: "Relay", InfrastructureTypes: []string{"command-and-control"}, Aliases: []string{"r"}, KillChainPhases: phases, FirstSeen: sampleTime, LastSeen: later}
	set := &IntrusionSet{Common: common("intrusion-set", "1"), Name: "Set 1", Aliases: []string{"s"}, FirstSeen: sampleTime, LastSeen: later, Goals: []string{"records"}, ResourceLevel: "government", PrimaryMotivation: "organizational-gain", SecondaryMotivations: []string{"dominance"}}
	place := &Location{Common: common("location", "1"), Name: "Somewhere", Latitude: new(0.0), Longitude: new(-10.5), Precision: new(1000.0), Region: "northern-europe", Country: "SE", AdministrativeArea: "SE-AB", City: "Town", StreetAddress: "Street 1", PostalCode: "00000"}
	malware := &Malware{Common: common("malware", "1"), Name: "Inert", MalwareTypes: []string{"trojan"}, IsFamily: new(false), Aliases: []string{"i"}, KillChainPhases: phases, FirstSeen: sampleTime, LastSeen: later, OperatingSystemRefs: []ID{software.ID},
		ArchitectureExecutionEnvs: []string{"x86-64"}, ImplementationLanguages: []string{"go"}, Capabilities: []string{"communicates-with-c2"}, SampleRefs: []ID{file.ID}}
	analysis := &MalwareAnalysis{Common: common("malware-analysis", "1"), Product: "house", Version: "1", HostVMRef: software.ID, OperatingSystemRef: software.ID, InstalledSoftwareRefs: []ID{software.ID}, ConfigurationVersion: "1", Modules: []string{"m"},
		AnalysisEngineVersion: "1", AnalysisDefinitionVersion: "1", Submitted: sampleTime, AnalysisStarted: sampleTime, AnalysisEnded: later, ResultName: "none", Result: "malicious", AnalysisSCORefs: []ID{domain.ID}, SampleRef: file.ID}
	observed := &ObservedData{Common: common("observed-data", "1"), FirstObserved: sampleTime, LastObserved: later, NumberObserved: new(int64(2)), ObjectRefs: []ID{domain.ID, v4.ID}}
	actor := &ThreatActor{Common: common("threat-actor", "1"), Name: "Actor", ThreatActorTypes: []string{"nation-state"}, Aliases: []string{"a"}, FirstSeen: sampleTime, LastSeen: later, Roles: []string{"agent"}, Goals: []string{"records"}, Sophistication: "expert",
		ResourceLevel: "government", PrimaryMotivation: "organizational-gain", SecondaryMotivations: []string{"dominance"}, PersonalMotivations: []string{"ideology"}}
	tool := &Tool{Common: common("tool", "1"), Name: "Archiver", ToolTypes: []string{"information-gathering"}, Aliases: []string{"z"}, KillChainPhases: phases, ToolVersion: "1"}
	vuln := &Vulnerability{Common: common("vulnerability", "1"), Name: "CVE-2099-0001"}
	vuln.ExternalReferences = []ExternalReference{{SourceName: "cve", ExternalID: "CVE-2099-0001"}}
	note := &Note{Common: common("note", "1"), Abstract: "none", Content: "none", Authors: []string{"x"}, ObjectRefs: []ID{incident.ID}}
	opinion := &Opinion{Common: common("opinion", "1"), Opinion: "agree", Explanation: "none", Authors: []string{"x"}, ObjectRefs: []ID{incident.ID}}
	report := &Report{Common: common("report", "1"), Name: "Report", ReportTypes: []string{"indicator"}, Published: sampleTime, ObjectRefs: []ID{indicator.ID}}
	grouping := &Grouping{Common: common("grouping", "1"), Name: "Group", Context: "suspicious-activity", ObjectRefs: []ID{indicator.ID}}
	rel := &Relationship{Common: common("relationship", "1"), RelationshipType: "indicates", SourceRef: indicator.ID, TargetRef: malware.ID, StartTime: sampleTime, StopTime: later, Description: "none"}
	notSeen := &Sighting{Common: common("sighting", "1"), SightingOfRef: indicator.ID, Count: new(int64(0)), FirstSeen: sampleTime, LastSeen: later, WhereSightedRefs: []ID{author.ID}, ObservedDataRefs: []ID{observed.ID}, Summary: new(true)}
	statement := &MarkingDefinition{Common: common("marking-definition", "1"), Name: "statement", DefinitionType: "statement", Definition: map[string]any{"statement": "Example"}}
	statement.Modified = Timestamp{}
	language := &LanguageContent{Common: common("language-content", "1"), ObjectRef: campaign.ID, ObjectModified: campaign.Modified, Contents: map[string]any{"de": map[string]any{"name": "Winter (deutsch)"}}}
	definition := &ExtensionDefinition{Common: common("extension-definition", "1"), Name: "house", Description: "none", Schema: "https://example.org/schema.json", Version: "1.0.0", ExtensionTypes: []string{"toplevel-property-extension"}, ExtensionProperties: []string{"house_score"}}
	tool.Extensions = map[string]Extension{string(definition.ID): &CustomExtension{ExtensionType: "toplevel-property-extension"}}
	tool.Extra = map[string]any{"house_score": "seven"}

	out := append(others, v4, v6, mac, as, domain, dir, artifact, file, account, mail, message, traffic, tunnel, process, software, key, cert, link, mutex,
		author, pattern_, campaign, action, incident, event, task, indicator, infra, set, place, malware, analysis, observed, actor, tool, vuln, note, opinion, report, grouping,
		rel, notSeen, statement, language, definition)
	for _, l := range tlpLevels {
		out = append(out, l.level.Marking())
	}
	return out
}

func TestSamplesCoverEveryTypeAndExtension(t *testing.T) {
	types, extensions := map[string]bool{}, map[string]bool{}
	for _, o := range samples() {
		types[TypeOf(o)] = true
		for k := range o.Head().Extensions {
			extensions[k] = true
		}
	}
	for _, s := range objectTable {
		if !types[s.typ] {
			t.Errorf("no sample of %s", s.typ)
		}
	}
	for k := range extensionTable {
		if !extensions[k] && !extensions[k+"-ext"] {
			t.Errorf("no sample of extension %s", k)
		}
	}
}

func TestSamplesAreValid(t *testing.T) {
	for _, p := range ValidateBundle(&Bundle{Objects: samples()}) {
		t.Error(p)
	}
}
