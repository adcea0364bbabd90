package stix

// The STIX Cyber-observable Objects of section 6, in its order.

// Artifact is bytes, or a place where they are. This package never decodes the payload.
type Artifact struct {
	Observable
	MimeType            string `stix:"mime_type"`
	PayloadBin          string `stix:"payload_bin,format=base64"`
	URL                 string `stix:"url,format=url"`
	Hashes              Hashes `stix:"hashes,vocab=hash-algorithm-ov"`
	EncryptionAlgorithm string `stix:"encryption_algorithm,enum=encryption-algorithm-enum"`
	DecryptionKey       string `stix:"decryption_key"`
}

// AutonomousSystem is a routing domain.
type AutonomousSystem struct {
	Observable
	Number *int64 `stix:"number,req"`
	Name   string `stix:"name"`
	RIR    string `stix:"rir"`
}

// Directory is a folder in a file system.
type Directory struct {
	Observable
	Path         string    `stix:"path,req"`
	PathEnc      string    `stix:"path_enc"`
	Ctime        Timestamp `stix:"ctime"`
	Mtime        Timestamp `stix:"mtime"`
	Atime        Timestamp `stix:"atime"`
	ContainsRefs []ID      `stix:"contains_refs,ref=file|directory"`
}

// DomainName is a network domain name.
type DomainName struct {
	Observable
	Value          string `stix:"value,req"`
	ResolvesToRefs []ID   `stix:"resolves_to_refs,ref=ipv4-addr|ipv6-addr|domain-name"`
}

// EmailAddr is one mail address.
type EmailAddr struct {
	Observable
	Value        string `stix:"value,req"`
	DisplayName  string `stix:"display_name"`
	BelongsToRef ID     `stix:"belongs_to_ref,ref=user-account"`
}

// EmailMessage is one mail.
type EmailMessage struct {
	Observable
	IsMultipart            *bool          `stix:"is_multipart,req"`
	Date                   Timestamp      `stix:"date"`
	ContentType            string         `stix:"content_type"`
	FromRef                ID             `stix:"from_ref,ref=email-addr"`
	SenderRef              ID             `stix:"sender_ref,ref=email-addr"`
	ToRefs                 []ID           `stix:"to_refs,ref=email-addr"`
	CcRefs                 []ID           `stix:"cc_refs,ref=email-addr"`
	BccRefs                []ID           `stix:"bcc_refs,ref=email-addr"`
	MessageID              string         `stix:"message_id"`
	Subject                string         `stix:"subject"`
	ReceivedLines          []string       `stix:"received_lines"`
	AdditionalHeaderFields map[string]any `stix:"additional_header_fields"`
	Body                   string         `stix:"body"`
	BodyMultipart          []MIMEPart     `stix:"body_multipart"`
	RawEmailRef            ID             `stix:"raw_email_ref,ref=artifact"`
}

// MIMEPart is one part of a multipart mail.
type MIMEPart struct {
	Body               string `stix:"body"`
	BodyRawRef         ID     `stix:"body_raw_ref,ref=artifact|file"`
	ContentType        string `stix:"content_type"`
	ContentDisposition string `stix:"content_disposition"`
	Extra              map[string]any
}

// File is the properties of a file; at least hashes or a name is required.
type File struct {
	Observable
	Hashes             Hashes    `stix:"hashes,vocab=hash-algorithm-ov"`
	Size               *int64    `stix:"size,min=0"`
	Name               string    `stix:"name"`
	NameEnc            string    `stix:"name_enc"`
	MagicNumberHex     string    `stix:"magic_number_hex,format=hex"`
	MimeType           string    `stix:"mime_type"`
	Ctime              Timestamp `stix:"ctime"`
	Mtime              Timestamp `stix:"mtime"`
	Atime              Timestamp `stix:"atime"`
	ParentDirectoryRef ID        `stix:"parent_directory_ref,ref=directory"`
	ContainsRefs       []ID      `stix:"contains_refs,ref=sco"`
	ContentRef         ID        `stix:"content_ref,ref=artifact"`
}

// IPv4Addr is one or more IPv4 addresses in CIDR notation.
type IPv4Addr struct {
	Observable
	Value          string `stix:"value,req"`
	ResolvesToRefs []ID   `stix:"resolves_to_refs,ref=mac-addr"`
	BelongsToRefs  []ID   `stix:"belongs_to_refs,ref=autonomous-system"`
}

// IPv6Addr is one or more IPv6 addresses in CIDR notation.
type IPv6Addr struct {
	Observable
	Value          string `stix:"value,req"`
	ResolvesToRefs []ID   `stix:"resolves_to_refs,ref=mac-addr"`
	BelongsToRefs  []ID   `stix:"belongs_to_refs,ref=autonomous-system"`
}

// MACAddr is a media access control address.
type MACAddr struct {
	Observable
	Value string `stix:"value,req"`
}

// Mutex is a mutual exclusion object.
type Mutex struct {
	Observable
	Name string `stix:"name,req"`
}

// NetworkTraffic is arbitrary network traffic; at least one of its ends is required.
type NetworkTraffic struct {
	Observable
	Start             Timestamp      `stix:"start"`
	End               Timestamp      `stix:"end"`
	IsActive          *bool          `stix:"is_active"`
	SrcRef            ID             `stix:"src_ref,ref=ipv4-addr|ipv6-addr|mac-addr|domain-name"`
	DstRef            ID             `stix:"dst_ref,ref=ipv4-addr|ipv6-addr|mac-addr|domain-name"`
	SrcPort           *int64         `stix:"src_port,min=0,max=65535"`
	DstPort           *int64         `stix:"dst_port,min=0,max=65535"`
	Protocols         []string       `stix:"protocols,req"`
	SrcByteCount      *int64         `stix:"src_byte_count,min=0"`
	DstByteCount      *int64         `stix:"dst_byte_count,min=0"`
	SrcPackets        *int64         `stix:"src_packets,min=0"`
	DstPackets        *int64         `stix:"dst_packets,min=0"`
	IPFIX             map[string]any `stix:"ipfix"`
	SrcPayloadRef     ID             `stix:"src_payload_ref,ref=artifact"`
	DstPayloadRef     ID             `stix:"dst_payload_ref,ref=artifact"`
	EncapsulatesRefs  []ID           `stix:"encapsulates_refs,ref=network-traffic"`
	EncapsulatedByRef ID             `stix:"encapsulated_by_ref,ref=network-traffic"`
}

// Process is an instance of a running program. Its id is always random: pids come back.
type Process struct {
	Observable
	IsHidden             *bool          `stix:"is_hidden"`
	PID                  *int64         `stix:"pid"`
	CreatedTime          Timestamp      `stix:"created_time"`
	Cwd                  string         `stix:"cwd"`
	CommandLine          string         `stix:"command_line"`
	EnvironmentVariables map[string]any `stix:"environment_variables"`
	OpenedConnectionRefs []ID           `stix:"opened_connection_refs,ref=network-traffic"`
	CreatorUserRef       ID             `stix:"creator_user_ref,ref=user-account"`
	ImageRef             ID             `stix:"image_ref,ref=file"`
	ParentRef            ID             `stix:"parent_ref,ref=process"`
	ChildRefs            []ID           `stix:"child_refs,ref=process"`
}

// Software is a software product.
type Software struct {
	Observable
	Name      string   `stix:"name,req"`
	CPE       string   `stix:"cpe"`
	SWID      string   `stix:"swid"`
	Languages []string `stix:"languages,format=lang"`
	Vendor    string   `stix:"vendor"`
	Version   string   `stix:"version"`
}

// URL is a uniform resource locator.
type URL struct {
	Observable
	Value string `stix:"value,req,format=url"`
}

// UserAccount is an account on a system or service.
type UserAccount struct {
	Observable
	UserID                string    `stix:"user_id"`
	Credential            string    `stix:"credential"`
	AccountLogin          string    `stix:"account_login"`
	AccountType           string    `stix:"account_type,vocab=account-type-ov"`
	DisplayName           string    `stix:"display_name"`
	IsServiceAccount      *bool     `stix:"is_service_account"`
	IsPrivileged          *bool     `stix:"is_privileged"`
	CanEscalatePrivs      *bool     `stix:"can_escalate_privs"`
	IsDisabled            *bool     `stix:"is_disabled"`
	AccountCreated        Timestamp `stix:"account_created"`
	AccountExpires        Timestamp `stix:"account_expires"`
	CredentialLastChanged Timestamp `stix:"credential_last_changed"`
	AccountFirstLogin     Timestamp `stix:"account_first_login"`
	AccountLastLogin      Timestamp `stix:"account_last_login"`
}

// WindowsRegistryKey is a registry key with its values.
type WindowsRegistryKey struct {
	Observable
	Key             string                 `stix:"key"`
	Values          []WindowsRegistryValue `stix:"values"`
	ModifiedTime    Timestamp              `stix:"modified_time"`
	CreatorUserRef  ID                     `stix:"creator_user_ref,ref=user-account"`
	NumberOfSubkeys *int64                 `stix:"number_of_subkeys,min=0"`
}

// WindowsRegistryValue is one value of a registry key.
type WindowsRegistryValue struct {
	Name     string `stix:"name"`
	Data     string `stix:"data"`
	DataType string `stix:"data_type,enum=windows-registry-datatype-enum"`
	Extra    map[string]any
}

// X509Certificate is a certificate.
type X509Certificate struct {
	Observable
	IsSelfSigned              *bool             `stix:"is_self_signed"`
	Hashes                    Hashes            `stix:"hashes,vocab=hash-algorithm-ov"`
	Version                   string            `stix:"version"`
	SerialNumber              string            `stix:"serial_number"`
	SignatureAlgorithm        string            `stix:"signature_algorithm"`
	Issuer                    string            `stix:"issuer"`
	ValidityNotBefore         Timestamp         `stix:"validity_not_before"`
	ValidityNotAfter          Timestamp         `stix:"validity_not_after"`
	Subject                   string            `stix:"subject"`
	SubjectPublicKeyAlgorithm string            `stix:"subject_public_key_algorithm"`
	SubjectPublicKeyModulus   string            `stix:"subject_public_key_modulus"`
	SubjectPublicKeyExponent  *int64            `stix:"subject_public_key_exponent"`
	V3Extensions              *X509V3Extensions `stix:"x509_v3_extensions"`
}

// X509V3Extensions are the X.509 v3 extensions of a certificate, each as text.
type X509V3Extensions struct {
	BasicConstraints               string    `stix:"basic_constraints"`
	NameConstraints                string    `stix:"name_constraints"`
	PolicyConstraints              string    `stix:"policy_constraints"`
	KeyUsage                       string    `stix:"key_usage"`
	ExtendedKeyUsage               string    `stix:"extended_key_usage"`
	SubjectKeyIdentifier           string    `stix:"subject_key_identifier"`
	AuthorityKeyIdentifier         string    `stix:"authority_key_identifier"`
	SubjectAlternativeName         string    `stix:"subject_alternative_name"`
	IssuerAlternativeName          string    `stix:"issuer_alternative_name"`
	SubjectDirectoryAttributes     string    `stix:"subject_directory_attributes"`
	CRLDistributionPoints          string    `stix:"crl_distribution_points"`
	InhibitAnyPolicy               string    `stix:"inhibit_any_policy"`
	PrivateKeyUsagePeriodNotBefore Timestamp `stix:"private_key_usage_period_not_before"`
	PrivateKeyUsagePeriodNotAfter  Timestamp `stix:"private_key_usage_period_not_after"`
	CertificatePolicies            string    `stix:"certificate_policies"`
	PolicyMappings                 string    `stix:"policy_mappings"`
	Extra                          map[string]any
}
