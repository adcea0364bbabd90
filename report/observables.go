package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/contrail-ir/contrail/finding"
	"github.com/contrail-ir/contrail/stix"
)

// Fields that say what an event speaks of, by the logs' own names: Windows security log and Sysmon, Zeek, Suricata, web and cloud logs.
var (
	addressFields = []string{"SourceIp", "DestinationIp", "SourceAddress", "DestAddress", "IpAddress", "ClientAddress", "Client_Address", "id.orig_h", "id.resp_h", "src_ip", "dest_ip",
		"dst_ip", "c-ip", "s-ip", "sourceIPAddress", "ClientIP", "ClientIPAddress", "CallerIPAddress", "callerIpAddress", "remote_addr", "source.ip", "destination.ip"}
	domainFields = []string{"QueryName", "DestinationHostname", "query", "server_name", "host", "cs-host", "DestinationHost", "dns.question.name", "rrname", "tls.sni"}
	urlFields    = []string{"url", "Url", "URL", "c-uri", "uri", "RemoteUrl", "url.full", "remoteName"}
	fileFields   = []string{"TargetFilename", "TargetFileName", "ImageLoaded", "ImagePath", "ServiceFileName", "RelativeTargetName", "filename", "Filename"}
	userFields   = [][3]string{{"", "User", ""}, {"SubjectDomainName", "SubjectUserName", "SubjectUserSid"}, {"TargetDomainName", "TargetUserName", "TargetUserSid"}, {"TargetDomainName", "TargetUserName", "TargetSid"},
		{"", "UserId", ""}, {"", "username", ""}, {"", "cs-username", ""}, {"", "userIdentity.userName", ""}}
)

const maxObservableText = 4000 // bytes of a value; longer ones are left out

// eventFields reads the values of an event that are text or numbers, those of inner objects by path.
func eventFields(raw []byte) map[string]string {
	fields := map[string]string{}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return fields
	}
	var walk func(path string, v any, depth int)
	walk = func(path string, v any, depth int) {
		if len(fields) > 1000 {
			return
		}
		switch v := v.(type) {
		case map[string]any:
			for _, name := range slices.Sorted(maps.Keys(v)) { // in order: which fields the bound leaves out must not depend on chance
				if depth == 0 {
					walk(name, v[name], 1)
				} else if depth < 4 {
					walk(path+"."+name, v[name], depth+1)
				}
			}
		case []any:
			if len(v) == 1 {
				walk(path, v[0], depth+1)
			}
		case string:
			if v != "" && v != "-" && len(v) <= maxObservableText {
				fields[path] = v
			}
		case json.Number:
			fields[path] = v.String()
		}
	}
	walk("", v, 0)
	return fields
}

// observables gives what the event of a finding speaks of, each once: processes, files, accounts, addresses, names, URLs. Only
// properties that make an object's id are filled, so the same thing is the same object in every bundle; processes have more.
func observables(f *finding.Finding) ([]stix.Object, error) {
	c := &collector{seen: map[stix.ID]bool{}}
	fields := eventFields(f.Event)
	if f.Event == nil {
		for _, m := range f.Matched {
			fields[m.Field] = m.Value
		}
	}
	get := func(names ...string) string {
		for _, n := range names {
			if fields[n] != "" {
				return fields[n]
			}
		}
		return ""
	}
	var accounts []stix.ID
	for _, u := range userFields {
		domain, name, sid := fields[u[0]], fields[u[1]], fields[u[2]]
		if name == "" && sid == "" {
			continue
		}
		if domain != "" && name != "" {
			name = domain + `\` + name
		}
		accounts = append(accounts, c.add(&stix.UserAccount{AccountLogin: Clean(name), UserID: Clean(sid)}))
	}
	image := c.file(get("Image", "NewProcessName", "ProcessName"), hashesOf(get("Hashes")))
	if line, pid := get("CommandLine", "ProcessCommandLine"), number(get("NewProcessId", "ProcessId")); image != "" || line != "" {
		p := &stix.Process{CommandLine: Clean(line), PID: pid, ImageRef: image, Cwd: Clean(get("CurrentDirectory"))}
		if len(accounts) > 0 {
			p.CreatorUserRef = accounts[0]
		}
		parentImage := c.file(get("ParentImage", "ParentProcessName"), nil)
		if parentLine := get("ParentCommandLine"); parentImage != "" || parentLine != "" {
			parent := &stix.Process{CommandLine: Clean(parentLine), ImageRef: parentImage, PID: number(get("ParentProcessId"))}
			parent.ID = processID(f, "parent")
			p.ParentRef = c.add(parent)
		}
		p.ID = processID(f, "process")
		c.add(p)
	}
	for _, name := range fileFields {
		c.file(fields[name], nil)
	}
	for _, name := range addressFields {
		c.address(fields[name])
	}
	for _, name := range domainFields {
		c.domain(fields[name])
	}
	for _, name := range urlFields {
		if u, err := url.Parse(fields[name]); err == nil && u.Scheme != "" && u.Host != "" && fields[name] == Clean(fields[name]) && !strings.ContainsAny(fields[name], " <>\"{}|\\^`") {
			c.add(&stix.URL{Value: fields[name]})
		}
	}
	return c.objects, c.err
}

type collector struct {
	objects []stix.Object
	seen    map[stix.ID]bool
	err     error
}

// add takes an object unless it is there, and gives its id.
func (c *collector) add(o stix.Object) stix.ID {
	h := o.Head()
	h.Type, h.SpecVersion = stix.TypeOf(o), "2.1"
	if h.ID == "" {
		id, err := stix.ObservableID(o)
		if err != nil || id == "" {
			if err == nil {
				err = fmt.Errorf("a %s without content", h.Type)
			}
			if c.err == nil {
				c.err = err
			}
			return ""
		}
		h.ID = id
	}
	h.ObjectMarkingRefs = []stix.ID{stix.TLPAmberStrict.Marking().ID}
	if !c.seen[h.ID] {
		c.seen[h.ID] = true
		c.objects = append(c.objects, o)
	}
	return h.ID
}

// file takes a path of either kind; "" gives none.
func (c *collector) file(path string, hashes stix.Hashes) stix.ID {
	path = Clean(path)
	at := strings.LastIndexAny(path, `\/`)
	name := path[at+1:]
	if name == "" {
		return ""
	}
	f := &stix.File{Name: name, Hashes: hashes}
	if at > 0 {
		f.ParentDirectoryRef = c.add(&stix.Directory{Path: path[:at]})
	}
	return c.add(f)
}

func (c *collector) address(text string) {
	a, err := netip.ParseAddr(strings.TrimPrefix(text, "::ffff:"))
	if err != nil || a.Zone() != "" || a.IsUnspecified() {
		return
	}
	if a.Is4() {
		c.add(&stix.IPv4Addr{Value: a.String()})
		return
	}
	c.add(&stix.IPv6Addr{Value: a.String()})
}

// domain takes what can be a name of the DNS: letters, digits, hyphens and underscores in labels, one dot at least, no address.
func (c *collector) domain(text string) {
	name := strings.ToLower(strings.TrimSuffix(text, "."))
	if _, err := netip.ParseAddr(name); err == nil || len(name) > 253 || !strings.Contains(name, ".") {
		return
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			return
		}
	}
	c.add(&stix.DomainName{Value: name})
}

// hashesOf reads Sysmon's "SHA1=…,MD5=…,SHA256=…,IMPHASH=…".
func hashesOf(text string) stix.Hashes {
	var out stix.Hashes
	for part := range strings.SplitSeq(text, ",") {
		algorithm, digest, ok := strings.Cut(strings.TrimSpace(part), "=")
		known := map[string]struct {
			name   string
			digits int
		}{"MD5": {"MD5", 32}, "SHA1": {"SHA-1", 40}, "SHA256": {"SHA-256", 64}}[strings.ToUpper(algorithm)]
		if digest = strings.ToLower(digest); !ok || len(digest) != known.digits || known.digits == 0 || strings.Trim(digest, "0123456789abcdef") != "" || strings.Trim(digest, "0") == "" {
			continue
		}
		if out == nil {
			out = stix.Hashes{}
		}
		out[known.name] = digest
	}
	return out
}

// number reads a process number, decimal or 0x….
func number(text string) *int64 {
	n, err := strconv.ParseInt(text, 0, 64)
	if err != nil || n < 0 || n > 1<<32 {
		return nil
	}
	return &n
}
