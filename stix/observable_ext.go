package stix

// The predefined extensions of SCOs (section 6). The key each stands under is in the table of schema.go.

// ArchiveExt lists what an archive holds.
type ArchiveExt struct {
	ContainsRefs []ID   `stix:"contains_refs,req,ref=file|directory"`
	Comment      string `stix:"comment"`
	Extra        map[string]any
}

// NTFSExt holds what NTFS keeps of a file.
type NTFSExt struct {
	SID                  string                `stix:"sid"`
	AlternateDataStreams []AlternateDataStream `stix:"alternate_data_streams"`
	Extra                map[string]any
}

// AlternateDataStream is one NTFS stream besides the main one.
type AlternateDataStream struct {
	Name   string `stix:"name,req"`
	Hashes Hashes `stix:"hashes,vocab=hash-algorithm-ov"`
	Size   *int64 `stix:"size,min=0"`
	Extra  map[string]any
}

// PDFExt describes a PDF file.
type PDFExt struct {
	Version          string         `stix:"version"`
	IsOptimized      *bool          `stix:"is_optimized"`
	DocumentInfoDict map[string]any `stix:"document_info_dict"`
	PDFID0           string         `stix:"pdfid0"`
	PDFID1           string         `stix:"pdfid1"`
	Extra            map[string]any
}

// RasterImageExt describes an image file.
type RasterImageExt struct {
	ImageHeight  *int64         `stix:"image_height,min=0"`
	ImageWidth   *int64         `stix:"image_width,min=0"`
	BitsPerPixel *int64         `stix:"bits_per_pixel,min=0"`
	EXIFTags     map[string]any `stix:"exif_tags"`
	Extra        map[string]any
}

// WindowsPEBinaryExt describes a Windows executable.
type WindowsPEBinaryExt struct {
	PEType                  string                   `stix:"pe_type,req,vocab=windows-pebinary-type-ov"`
	Imphash                 string                   `stix:"imphash"`
	MachineHex              string                   `stix:"machine_hex,format=hex"`
	NumberOfSections        *int64                   `stix:"number_of_sections,min=0"`
	TimeDateStamp           Timestamp                `stix:"time_date_stamp"`
	PointerToSymbolTableHex string                   `stix:"pointer_to_symbol_table_hex,format=hex"`
	NumberOfSymbols         *int64                   `stix:"number_of_symbols,min=0"`
	SizeOfOptionalHeader    *int64                   `stix:"size_of_optional_header,min=0"`
	CharacteristicsHex      string                   `stix:"characteristics_hex,format=hex"`
	FileHeaderHashes        Hashes                   `stix:"file_header_hashes,vocab=hash-algorithm-ov"`
	OptionalHeader          *WindowsPEOptionalHeader `stix:"optional_header"`
	Sections                []WindowsPESection       `stix:"sections"`
	Extra                   map[string]any
}

// WindowsPEOptionalHeader is the optional header of a Windows executable.
type WindowsPEOptionalHeader struct {
	MagicHex                string `stix:"magic_hex,format=hex"`
	MajorLinkerVersion      *int64 `stix:"major_linker_version"`
	MinorLinkerVersion      *int64 `stix:"minor_linker_version"`
	SizeOfCode              *int64 `stix:"size_of_code,min=0"`
	SizeOfInitializedData   *int64 `stix:"size_of_initialized_data,min=0"`
	SizeOfUninitializedData *int64 `stix:"size_of_uninitialized_data,min=0"`
	AddressOfEntryPoint     *int64 `stix:"address_of_entry_point"`
	BaseOfCode              *int64 `stix:"base_of_code"`
	BaseOfData              *int64 `stix:"base_of_data"`
	ImageBase               *int64 `stix:"image_base"`
	SectionAlignment        *int64 `stix:"section_alignment"`
	FileAlignment           *int64 `stix:"file_alignment"`
	MajorOSVersion          *int64 `stix:"major_os_version"`
	MinorOSVersion          *int64 `stix:"minor_os_version"`
	MajorImageVersion       *int64 `stix:"major_image_version"`
	MinorImageVersion       *int64 `stix:"minor_image_version"`
	MajorSubsystemVersion   *int64 `stix:"major_subsystem_version"`
	MinorSubsystemVersion   *int64 `stix:"minor_subsystem_version"`
	Win32VersionValueHex    string `stix:"win32_version_value_hex,format=hex"`
	SizeOfImage             *int64 `stix:"size_of_image,min=0"`
	SizeOfHeaders           *int64 `stix:"size_of_headers,min=0"`
	ChecksumHex             string `stix:"checksum_hex,format=hex"`
	SubsystemHex            string `stix:"subsystem_hex,format=hex"`
	DLLCharacteristicsHex   string `stix:"dll_characteristics_hex,format=hex"`
	SizeOfStackReserve      *int64 `stix:"size_of_stack_reserve,min=0"`
	SizeOfStackCommit       *int64 `stix:"size_of_stack_commit,min=0"`
	SizeOfHeapReserve       *int64 `stix:"size_of_heap_reserve"`
	SizeOfHeapCommit        *int64 `stix:"size_of_heap_commit"`
	LoaderFlagsHex          string `stix:"loader_flags_hex,format=hex"`
	NumberOfRVAAndSizes     *int64 `stix:"number_of_rva_and_sizes"`
	Hashes                  Hashes `stix:"hashes,vocab=hash-algorithm-ov"`
	Extra                   map[string]any
}

// WindowsPESection is one section of a Windows executable.
type WindowsPESection struct {
	Name    string   `stix:"name,req"`
	Size    *int64   `stix:"size,min=0"`
	Entropy *float64 `stix:"entropy"`
	Hashes  Hashes   `stix:"hashes,vocab=hash-algorithm-ov"`
	Extra   map[string]any
}

// HTTPRequestExt describes an HTTP request.
type HTTPRequestExt struct {
	RequestMethod      string         `stix:"request_method,req"`
	RequestValue       string         `stix:"request_value,req"`
	RequestVersion     string         `stix:"request_version"`
	RequestHeader      map[string]any `stix:"request_header"`
	MessageBodyLength  *int64         `stix:"message_body_length"`
	MessageBodyDataRef ID             `stix:"message_body_data_ref,ref=artifact"`
	Extra              map[string]any
}

// ICMPExt describes ICMP traffic.
type ICMPExt struct {
	ICMPTypeHex string `stix:"icmp_type_hex,req,format=hex"`
	ICMPCodeHex string `stix:"icmp_code_hex,req,format=hex"`
	Extra       map[string]any
}

// SocketExt describes a network socket.
type SocketExt struct {
	AddressFamily    string         `stix:"address_family,req,enum=network-socket-address-family-enum"`
	IsBlocking       *bool          `stix:"is_blocking"`
	IsListening      *bool          `stix:"is_listening"`
	Options          map[string]any `stix:"options"`
	SocketType       string         `stix:"socket_type,enum=network-socket-type-enum"`
	SocketDescriptor *int64         `stix:"socket_descriptor,min=0"`
	SocketHandle     *int64         `stix:"socket_handle"`
	Extra            map[string]any
}

// TCPExt holds TCP flags.
type TCPExt struct {
	SrcFlagsHex string `stix:"src_flags_hex,format=hex"`
	DstFlagsHex string `stix:"dst_flags_hex,format=hex"`
	Extra       map[string]any
}

// WindowsProcessExt describes a Windows process.
type WindowsProcessExt struct {
	ASLREnabled    *bool          `stix:"aslr_enabled"`
	DEPEnabled     *bool          `stix:"dep_enabled"`
	Priority       string         `stix:"priority"`
	OwnerSID       string         `stix:"owner_sid"`
	WindowTitle    string         `stix:"window_title"`
	StartupInfo    map[string]any `stix:"startup_info"`
	IntegrityLevel string         `stix:"integrity_level,enum=windows-integrity-level-enum"`
	Extra          map[string]any
}

// WindowsServiceExt describes a Windows service.
type WindowsServiceExt struct {
	ServiceName    string   `stix:"service_name"`
	Descriptions   []string `stix:"descriptions"`
	DisplayName    string   `stix:"display_name"`
	GroupName      string   `stix:"group_name"`
	StartType      string   `stix:"start_type,enum=windows-service-start-type-enum"`
	ServiceDLLRefs []ID     `stix:"service_dll_refs,ref=file"`
	ServiceType    string   `stix:"service_type,enum=windows-service-type-enum"`
	ServiceStatus  string   `stix:"service_status,enum=windows-service-status-enum"`
	Extra          map[string]any
}

// UnixAccountExt describes a Unix account.
type UnixAccountExt struct {
	GID     *int64   `stix:"gid"`
	Groups  []string `stix:"groups"`
	HomeDir string   `stix:"home_dir"`
	Shell   string   `stix:"shell"`
	Extra   map[string]any
}

func (*ArchiveExt) extension()         {}
func (*NTFSExt) extension()            {}
func (*PDFExt) extension()             {}
func (*RasterImageExt) extension()     {}
func (*WindowsPEBinaryExt) extension() {}
func (*HTTPRequestExt) extension()     {}
func (*ICMPExt) extension()            {}
func (*SocketExt) extension()          {}
func (*TCPExt) extension()             {}
func (*WindowsProcessExt) extension()  {}
func (*WindowsServiceExt) extension()  {}
func (*UnixAccountExt) extension()     {}
