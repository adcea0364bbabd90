package fingerprint

import (
	"bufio"
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"

	"github.com/contrail-ir/contrail/marking"
	"github.com/contrail-ir/contrail/stix"
	"github.com/contrail-ir/contrail/stix/pattern"
)

// maxReport bounds a report that is imported.
const maxReport = 64 << 20

// Import makes a draft of other people's report: STIX 2.0 or 2.1, MISP, OpenIOC, CSV or plain text, told apart by content. Items keep from
// which report they are; nothing is approved and nothing is known of how rare they are until Rate. left says how many values were no
// item – internal addresses, placeholders, kinds that this package does not hold.
func Import(name string, r io.Reader, v Victim) (f *Fingerprint, left int, err error) {
	b, err := io.ReadAll(io.LimitReader(r, maxReport+1))
	if err != nil {
		return nil, 0, fmt.Errorf("fingerprint: import %s: %w", name, err)
	}
	if len(b) > maxReport {
		return nil, 0, fmt.Errorf("fingerprint: import %s: longer than %d bytes", name, maxReport)
	}
	label := baseName(name)
	if len(label) > 150 {
		label = "report"
	}
	im := &importer{f: &Fingerprint{Name: label, Version: 1, Marking: marking.Marking{TLP: marking.AmberStrict}, Items: []Item{}}, victim: v, from: "from the report " + label, at: map[string]int{}}
	head := bytes.TrimPrefix(bytes.TrimSpace(b[:min(len(b), 4096)]), []byte("\ufeff"))
	switch {
	case bytes.HasPrefix(head, []byte("{")) || bytes.HasPrefix(head, []byte("[")):
		err = im.json(b)
	case bytes.HasPrefix(head, []byte("<")):
		err = im.openIOC(b)
	default:
		err = im.text(b)
	}
	if err != nil {
		return nil, 0, fmt.Errorf("fingerprint: import %s: %w", name, err)
	}
	if len(im.f.Items) == 0 {
		return nil, im.left, fmt.Errorf("fingerprint: import %s: there is no indicator in it", name)
	}
	im.f.Rate(nil)
	return im.f, im.left, im.f.Check()
}

type importer struct {
	f      *Fingerprint
	victim Victim
	from   string
	left   int
	at     map[string]int // rule → index, so that long reports stay linear
}

// add adds a value that its report means alone, or only together with others; what it means alone in one place is meant alone.
func (im *importer) add(k Kind, value, group string, together bool) {
	v, err := Normalise(k, value)
	if err != nil || im.victim.Holds(k, v) != "" || len(im.f.Items) >= MaxItems {
		im.left++
		return
	}
	id := itemID(k, v)
	if i, there := im.at[id]; there {
		if it := &im.f.Items[i]; !together {
			it.Reasons = slices.DeleteFunc(it.Reasons, func(why string) bool { return why == whyTogether })
		}
		return
	}
	im.at[id] = len(im.f.Items)
	it := Item{Kind: k, Value: v, Rule: id, Reasons: []string{im.from}, Refs: []Ref{}, Group: group}
	if together {
		it.Reasons = append(it.Reasons, whyTogether)
	}
	it.rate()
	im.f.Items = append(im.f.Items, it)
}

func (im *importer) json(b []byte) error {
	objects, _, err := stix.ReadAll(bytes.NewReader(b), stix.Limits{TotalBytes: maxReport})
	misp := false
	if err != nil || len(objects) == 0 || !bytes.Contains(b, []byte(`"spec_version"`)) && bytes.Contains(b, []byte(`"Attribute"`)) {
		m, _, mispErr := stix.ReadMISP(bytes.NewReader(b), stix.Limits{})
		if mispErr != nil && (err != nil || len(objects) == 0) {
			return fmt.Errorf("it is neither STIX nor MISP: %w", mispErr)
		}
		if mispErr == nil {
			objects, misp = m, true
		}
	}
	for _, o := range objects {
		ind, ok := o.(*stix.Indicator)
		if !ok {
			if misp {
				im.observable(o)
			}
			continue
		}
		if ind.PatternType != "stix" {
			im.left++
			continue
		}
		e, err := pattern.Parse(ind.Pattern)
		if err != nil {
			im.left++
			continue
		}
		group := ""
		if len(pattern.Tests(e)) > 1 {
			group = "report " + derivedUUID(ind.Pattern)
		}
		pattern.Each(e, func(t *pattern.Test, together bool) {
			values := []pattern.Literal{t.Value}
			if t.Op == pattern.In {
				values = t.Set
			}
			k := stixKind(t.Path)
			for _, v := range values {
				if k == "" || t.Not || t.Op != pattern.Eq && t.Op != pattern.In || v.Kind != pattern.String {
					im.left++
					continue
				}
				im.add(k, v.Text, group, together)
			}
		})
	}
	return nil
}

// observable takes what an event of MISP names without the mark for detection: many events in the wild mark nothing.
func (im *importer) observable(o stix.Object) {
	before := len(im.f.Items)
	switch o := o.(type) {
	case *stix.DomainName:
		im.add(Domain, o.Value, "", false)
	case *stix.IPv4Addr:
		im.add(IP, o.Value, "", false)
	case *stix.IPv6Addr:
		im.add(IP, o.Value, "", false)
	case *stix.URL:
		im.add(URL, o.Value, "", false)
	case *stix.Mutex:
		im.add(Mutex, o.Name, "", false)
	case *stix.File:
		group := "report " + string(o.ID)
		for algorithm, k := range map[string]Kind{"SHA-256": SHA256, "SHA-1": SHA1, "MD5": MD5} {
			if v := o.Hashes[algorithm]; v != "" {
				im.add(k, v, group, false)
			}
		}
	}
	for i := before; i < len(im.f.Items); i++ {
		im.f.Items[i].Reasons = append(im.f.Items[i].Reasons, whyNotMarked)
	}
}

func stixKind(p pattern.Path) Kind {
	path := p.String()
	switch {
	case path == "domain-name:value", strings.HasPrefix(path, "network-traffic:dst_ref") && p.Object == "domain-name":
		return Domain
	case path == "ipv4-addr:value", path == "ipv6-addr:value":
		return IP
	case path == "url:value":
		return URL
	case path == "email-addr:value", path == "email-message:from_ref.value":
		return EMail
	case path == "mutex:name":
		return Mutex
	case path == "file:name":
		return FileName
	case path == "windows-registry-key:key":
		return Registry
	}
	low := strings.ToLower(strings.NewReplacer("'", "", "-", "", "\"", "").Replace(path))
	for suffix, k := range map[string]Kind{"hashes.md5": MD5, "hashes.sha1": SHA1, "hashes.sha256": SHA256, "hashes.ssdeep": SSDeep, "hashes.tlsh": TLSH} {
		if strings.HasSuffix(low, suffix) && p.Object == "file" {
			return k
		}
	}
	return ""
}

// openIOC reads the definitions of Mandiant's OpenIOC 1.0 and 1.1: items that a value "is" or "contains" under the contexts known here.
func (im *importer) openIOC(b []byte) error {
	d := xml.NewDecoder(bytes.NewReader(b))
	d.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil } // us-ascii and its like
	var search, condition string
	var content strings.Builder
	depth, inContent, known := 0, false, false
	groups := []string{""}
	for {
		t, err := d.Token()
		if err == io.EOF {
			if !known {
				return fmt.Errorf("it is XML and no OpenIOC")
			}
			return nil
		}
		if err != nil {
			return fmt.Errorf("read OpenIOC: %w", err)
		}
		switch t := t.(type) {
		case xml.StartElement:
			if depth++; depth > 200 {
				return fmt.Errorf("read OpenIOC: nested deeper than 200")
			}
			attr := func(name string) string {
				for _, a := range t.Attr {
					if a.Name.Local == name {
						return a.Value
					}
				}
				return ""
			}
			switch t.Name.Local {
			case "ioc", "OpenIOC":
				known = true
			case "Indicator":
				g := ""
				if strings.EqualFold(attr("operator"), "AND") {
					g = "report " + derivedUUID("openioc\x00"+attr("id"))
				} else if groups[len(groups)-1] != "" {
					g = groups[len(groups)-1]
				}
				groups = append(groups, g)
			case "IndicatorItem":
				condition = attr("condition")
			case "Context":
				search = attr("search")
			case "Content":
				inContent = true
				content.Reset()
			}
		case xml.CharData:
			if inContent && content.Len() < maxValue*2 {
				content.Write(t)
			}
		case xml.EndElement:
			depth--
			switch t.Name.Local {
			case "Indicator":
				if len(groups) > 1 {
					groups = groups[:len(groups)-1]
				}
			case "Content":
				inContent = false
				k, ok := openIOCKinds[search]
				if !ok || condition != "is" && condition != "contains" || condition == "contains" && kinds[k].hex > 0 {
					im.left++
					continue
				}
				v := strings.TrimSpace(content.String())
				if k == Domain {
					if _, err := netip.ParseAddr(v); err == nil {
						k = IP
					}
				}
				group := groups[len(groups)-1]
				im.add(k, v, group, group != "" && kinds[k].hex == 0)
			}
		}
	}
}

var openIOCKinds = map[string]Kind{
	"FileItem/Md5sum": MD5, "FileItem/Sha1sum": SHA1, "FileItem/Sha256sum": SHA256, "FileItem/FileName": FileName,
	"Network/DNS": Domain, "DnsEntryItem/Host": Domain, "DnsEntryItem/RecordName": Domain, "PortItem/remoteIP": IP, "RouteEntryItem/Destination": IP,
	"Network/UserAgent": UserAgent, "UrlHistoryItem/HostName": Domain, "UrlHistoryItem/URL": URL, "ServiceItem/name": Service,
	"ProcessItem/HandleList/Handle/Name": Mutex, "TaskItem/Name": Task, "Email/From": EMail, "FileItem/PEInfo/ImportHash": ImpHash,
}

// text takes what looks like an indicator out of words and cells. Names must be unmistakable: a word that ends like a file is none.
func (im *importer) text(b []byte) error {
	sc := bufio.NewScanner(bytes.NewReader(b))
	sc.Buffer(make([]byte, 64<<10), 1<<20)
	for sc.Scan() {
		for _, w := range strings.FieldsFunc(sc.Text(), func(r rune) bool { return strings.ContainsRune(" \t,;|\"'<>`\u00a0", r) }) {
			w = strings.Trim(w, ".:!?*()")
			if k := guess(w); k != "" {
				im.add(k, w, "", false)
			}
		}
	}
	if err := sc.Err(); err != nil {
		return fmt.Errorf("read text: %w", err)
	}
	return nil
}

func guess(w string) Kind {
	low := strings.ToLower(refang(w))
	if strings.Trim(low, "0123456789abcdef") == "" {
		return map[int]Kind{32: MD5, 40: SHA1, 64: SHA256}[len(low)]
	}
	if strings.Contains(low, "://") {
		return URL
	}
	if a, err := netip.ParseAddr(low); err == nil && a.IsValid() {
		return IP
	}
	if at := strings.LastIndexByte(low, '@'); at > 0 && isDomain(low[at+1:]) {
		return EMail
	}
	if isDomain(low) && !fileEndings[extension(low)] {
		return Domain
	}
	return ""
}

var fileEndings = map[string]bool{".exe": true, ".dll": true, ".sys": true, ".bat": true, ".cmd": true, ".ps": true, ".vbs": true, ".js": true, ".py": true, ".sh": true, ".pl": true,
	".txt": true, ".log": true, ".md": true, ".html": true, ".htm": true, ".php": true, ".asp": true, ".aspx": true, ".jsp": true, ".doc": true, ".docx": true, ".xls": true, ".xlsx": true, ".pdf": true,
	".rtf": true, ".zip": true, ".rar": true, ".tar": true, ".gz": true, ".dat": true, ".bin": true, ".tmp": true, ".ini": true, ".lnk": true, ".yml": true, ".yar": true, ".csv": true, ".json": true, ".xml": true, ".png": true, ".jpg": true, ".gif": true, ".apk": true, ".jar": true, ".so": true, ".conf": true, ".scr": true, ".hta": true, ".msi": true, ".iso": true, ".img": true}
