package ioc

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/contrail-ir/contrail/stix/pattern"
)

// property is where logs have a property of a STIX object. Most of what indicators ask is looked for in every field by its meaning; a
// comparison that says what a value is not, or how large it is, needs to know which field it speaks of.
type property struct {
	fields []string // by the logs' own names
	part   valuePart
	folds  bool // its case says nothing
	common bool // it has the same values nearly everywhere
}

// valuePart says what of a field's value is the property.
type valuePart uint8

const (
	wholeValue valuePart = iota
	lastPart             // of a path
	folderPart           // a path without its last part
	digestPart           // one of several digests in a field
	typePart             // what kind of object the value is
)

var (
	imageFields    = strings.Fields("Image NewProcessName ProcessName process.executable process.name exe")
	fileFields     = strings.Fields("TargetFilename TargetFileName ImageLoaded ServiceFileName RelativeTargetName filename file.path file.name")
	hashFields     = strings.Fields("Hashes Hash md5 sha1 sha256 file.hash.md5 file.hash.sha1 file.hash.sha256 process.hash.md5 process.hash.sha1 process.hash.sha256 fileinfo.md5 fileinfo.sha1 fileinfo.sha256")
	srcFields      = strings.Fields("SourceIp SourceAddress IpAddress src_ip id.orig_h c-ip source.ip sourceIPAddress ClientIP client remote_addr src src-ip srcIp srcip srcaddr src_addr")
	dstFields      = strings.Fields("DestinationIp DestAddress dest_ip dst_ip id.resp_h s-ip destination.ip dst dst-ip dstIp dstip dstaddr dst_addr")
	domainFields   = strings.Fields("QueryName DestinationHostname query server_name host cs-host dns.question.name dns.rrname rrname tls.sni")
	urlFields      = strings.Fields("url url.full c-uri")
	accountFields  = strings.Fields("User SubjectUserName TargetUserName user.name username cs-username userIdentity.userName user")
	registryFields = strings.Fields("TargetObject registry.path registry.key")
	bothAddresses  = append(append([]string{}, srcFields...), dstFields...)
)

// properties are the paths, without indices, that logs have fields for.
var properties = map[string]property{
	"process:name":                                {fields: imageFields, part: lastPart, folds: true},
	"process:image_ref.name":                      {fields: imageFields, part: lastPart, folds: true},
	"process:binary_ref.name":                     {fields: imageFields, part: lastPart, folds: true},
	"process:image_ref.parent_directory_ref.path": {fields: imageFields, part: folderPart, folds: true},
	"process:command_line":                        {fields: strings.Fields("CommandLine ProcessCommandLine process.command_line cmdline proctitle")},
	"process:cwd":                                 {fields: strings.Fields("CurrentDirectory process.working_directory cwd"), folds: true},
	"process:pid":                                 {fields: strings.Fields("ProcessId NewProcessId process.pid pid"), common: true},
	"process:parent_ref.pid":                      {fields: strings.Fields("ParentProcessId process.parent.pid ppid"), common: true},
	"process:parent_ref.command_line":             {fields: strings.Fields("ParentCommandLine process.parent.command_line")},
	"process:parent_ref.name":                     {fields: strings.Fields("ParentImage ParentProcessName process.parent.executable process.parent.name"), part: lastPart, folds: true, common: true},
	"process:parent_ref.image_ref.name":           {fields: strings.Fields("ParentImage ParentProcessName process.parent.executable process.parent.name"), part: lastPart, folds: true, common: true},
	"process:creator_user_ref.account_login":      {fields: accountFields, folds: true},
	"file:name":                                   {fields: fileFields, part: lastPart, folds: true},
	"file:path":                                   {fields: fileFields, folds: true},
	"file:parent_directory_ref.path":              {fields: fileFields, part: folderPart, folds: true},
	"file:size":                                   {fields: strings.Fields("size file.size fileinfo.size total_bytes")},
	"file:mime_type":                              {fields: strings.Fields("mime_type resp_mime_types orig_mime_types file.mime_type"), folds: true, common: true},
	"directory:path":                              {fields: strings.Fields("CurrentDirectory process.working_directory cwd file.directory"), folds: true},
	"ipv4-addr:value":                             {fields: bothAddresses},
	"ipv6-addr:value":                             {fields: bothAddresses},
	"network-traffic:src_ref.value":               {fields: srcFields},
	"network-traffic:dst_ref.value":               {fields: dstFields},
	"network-traffic:src_ref.type":                {fields: srcFields, part: typePart, common: true},
	"network-traffic:dst_ref.type":                {fields: dstFields, part: typePart, common: true},
	"network-traffic:src_port":                    {fields: strings.Fields("SourcePort IpPort src_port sport id.orig_p source.port c-port spt SrcPort srcPort srcport src-port sPort lport")},
	"network-traffic:dst_port":                    {fields: strings.Fields("DestinationPort DestPort dest_port dst_port dport id.resp_p destination.port s-port dpt DstPort dstPort dstport dst-port dPort cs-uri-port c-uri-port")},
	"network-traffic:protocols":                   {fields: strings.Fields("Protocol proto protocol service app_proto network.transport network.protocol"), folds: true, common: true},
	"network-traffic:src_byte_count":              {fields: strings.Fields("orig_bytes flow.bytes_toserver source.bytes cs-bytes")},
	"network-traffic:dst_byte_count":              {fields: strings.Fields("resp_bytes flow.bytes_toclient destination.bytes sc-bytes")},
	"network-traffic:src_packets":                 {fields: strings.Fields("orig_pkts flow.pkts_toserver source.packets")},
	"network-traffic:dst_packets":                 {fields: strings.Fields("resp_pkts flow.pkts_toclient destination.packets")},
	"network-traffic:extensions.http-request-ext.request_method":            {fields: strings.Fields("method cs-method http.http_method http.request.method"), folds: true, common: true},
	"network-traffic:extensions.http-request-ext.request_version":           {fields: strings.Fields("cs-version http.protocol http.version"), folds: true, common: true},
	"network-traffic:extensions.http-request-ext.request_value":             {fields: strings.Fields("uri cs-uri-stem cs-uri http.url url.path url.original")},
	"network-traffic:extensions.http-request-ext.request_header.user-agent": {fields: strings.Fields("user_agent cs(User-Agent) http.http_user_agent user_agent.original")},
	"network-traffic:extensions.http-request-ext.message_body_length":       {fields: strings.Fields("request_body_len http.request.body.bytes")},
	"domain-name:value":                    {fields: domainFields, folds: true},
	"url:value":                            {fields: urlFields},
	"email-message:subject":                {fields: strings.Fields("subject email.subject")},
	"email-message:from_ref.value":         {fields: strings.Fields("from sender mailfrom sender-address email.from.address"), folds: true},
	"email-message:to_refs.value":          {fields: strings.Fields("to rcptto recipient recipient-address email.to.address"), folds: true},
	"windows-registry-key:key":             {fields: registryFields, folds: true},
	"windows-registry-key:values.data":     {fields: strings.Fields("Details NewValue registry.data.strings")},
	"windows-registry-key:values.name":     {fields: strings.Fields("ObjectValueName registry.value"), folds: true},
	"user-account:user_id":                 {fields: strings.Fields("SubjectUserSid TargetUserSid TargetSid user.id UserId uid"), folds: true},
	"user-account:account_login":           {fields: accountFields, folds: true},
	"x509-certificate:issuer":              {fields: strings.Fields("certificate.issuer issuer tls.issuerdn tls.server.issuer")},
	"x509-certificate:subject":             {fields: strings.Fields("certificate.subject subject tls.subject tls.server.subject")},
	"x509-certificate:validity_not_before": {fields: strings.Fields("certificate.not_valid_before tls.notbefore tls.server.not_before")},
	"x509-certificate:validity_not_after":  {fields: strings.Fields("certificate.not_valid_after tls.notafter tls.server.not_after")},
	"autonomous-system:number":             {fields: strings.Fields("source.as.number destination.as.number")},
}

// led are references that lead to an object of the same event of which nothing else is said: what is asked of it is asked as of any such.
var led = map[string]string{
	"process:opened_connection_refs": "network-traffic", "process:creator_user_ref": "user-account", "process:child_refs": "process", "windows-registry-key:creator_user_ref": "user-account",
	"directory:contains_refs": "file", "file:contains_refs": "file", "file:extensions.archive-ext.contains_refs": "file", "network-traffic:encapsulates_refs": "network-traffic",
	"network-traffic:encapsulated_by_ref": "network-traffic", "email-addr:belongs_to_ref": "user-account", "email-message:body_multipart.body_raw_ref": "file",
}

// dereferenced gives the object that a path speaks of and the names of the properties, in lower case and without indices: no log keeps the
// order of a list.
func dereferenced(p pattern.Path) (object string, names []string) {
	object = p.Object
	for _, s := range p.Steps {
		if s.Kind == pattern.Property {
			names = append(names, strings.ToLower(s.Name))
		}
	}
	for i := 1; i < len(names); i++ {
		if to, ok := led[object+":"+strings.Join(names[:i], ".")]; ok {
			object, names, i = to, names[i:], 0
		}
	}
	return object, names
}

// propertyOf gives where logs have what a path leads to.
func propertyOf(p pattern.Path) (property, bool) {
	object, names := dereferenced(p)
	path := strings.Join(names, ".")
	if last := names[len(names)-1]; strings.Contains(last, "ssdeep") || strings.Contains(last, "tlsh") {
		return property{}, false // no digest of the whole
	}
	if object == "file" && strings.HasPrefix(path, "hashes.") || object == "process" && (strings.HasPrefix(path, "image_ref.hashes.") || strings.HasPrefix(path, "binary_ref.hashes.")) {
		return property{fields: hashFields, part: digestPart, folds: true}, true
	}
	at, ok := properties[object+":"+path]
	return at, ok
}

// of gives what of a field's value is the property; several digests stand in one value.
func (p *property) of(value string) []string {
	if p.folds {
		value = strings.ToLower(value)
	}
	cut := strings.LastIndexAny(value, `\/`)
	switch p.part {
	case lastPart:
		return []string{value[cut+1:]}
	case folderPart:
		if cut < 0 {
			return nil
		}
		return []string{value[:cut]}
	case typePart:
		switch a, err := netip.ParseAddr(value); {
		case err != nil:
			return []string{"domain-name"}
		case a.Unmap().Is4():
			return []string{"ipv4-addr"}
		}
		return []string{"ipv6-addr"}
	case digestPart:
		return strings.FieldsFunc(value, func(r rune) bool { return r != 'x' && (r < '0' || r > '9') && (r < 'a' || r > 'z') })
	}
	return []string{value}
}

// implied says whether a test of the type that a reference leads to says nothing beside the others: one of them names the value.
func implied(t pattern.Comparison, others []pattern.Comparison) bool {
	ref, is := referenceOf(t, "type")
	return is && slices.ContainsFunc(others, func(o pattern.Comparison) bool {
		value, ok := referenceOf(o, "value")
		return ok && value == ref
	})
}

// referenceOf gives the reference in front of a property that a test says something of, and not the contrary.
func referenceOf(c pattern.Comparison, property string) (ref string, ok bool) {
	t, ok := c.(*pattern.Test)
	if !ok || t.Not || t.Op != pattern.Eq && (property == "type" || t.Op != pattern.In && t.Op != pattern.IsSubset) {
		return "", false
	}
	return strings.CutSuffix(t.Path.String(), "_ref."+property)
}
