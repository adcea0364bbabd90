package ioc

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/text/encoding/htmlindex"
	"io"
)

// openIOC is an OpenIOC document of version 1.0 (2010) or 1.1 (2013); they differ in where things stand.
type openIOC struct {
	XMLName     xml.Name
	ID          string        `xml:"id,attr"`
	Short       string        `xml:"short_description"`
	Links       []openIOCLink `xml:"links>link"`
	Definition  *openIOCNode  `xml:"definition"`
	Metadata    openIOCMeta   `xml:"metadata"`
	CriteriaTop *openIOCNode  `xml:"criteria"`
}

type openIOCMeta struct {
	Short string        `xml:"short_description"`
	Links []openIOCLink `xml:"links>link"`
}

type openIOCLink struct {
	Rel  string `xml:"rel,attr"`
	Text string `xml:",chardata"`
}

type openIOCNode struct {
	ID        string        `xml:"id,attr"`
	Operator  string        `xml:"operator,attr"`
	Groups    []openIOCNode `xml:"Indicator"`
	Items     []openIOCItem `xml:"IndicatorItem"`
	Condition string        `xml:"condition,attr"`
}

type openIOCItem struct {
	ID        string `xml:"id,attr"`
	Condition string `xml:"condition,attr"`
	Negate    string `xml:"negate,attr"`
	Case      string `xml:"preserve-case,attr"`
	Context   struct {
		Document string `xml:"document,attr"`
		Search   string `xml:"search,attr"`
	}
	Content string
}

func (r *reader) readXML(text []byte) {
	d := xml.NewDecoder(bytes.NewReader(text))
	d.CharsetReader = func(charset string, in io.Reader) (io.Reader, error) {
		e, err := htmlindex.Get(charset)
		if err != nil {
			return nil, fmt.Errorf("encoding %q is not known", charset)
		}
		return e.NewDecoder().Reader(in), nil
	}
	var start xml.StartElement
	for depth := 0; ; depth++ {
		t, err := d.Token()
		if err != nil || depth > 1000 {
			r.report.Why = "XML of no kind that is read"
			return
		}
		if s, ok := t.(xml.StartElement); ok {
			start = s
			break
		}
	}
	if n := strings.ToLower(start.Name.Local); n != "ioc" && n != "openioc" {
		r.report.Why = "XML of no kind that is read"
		return
	}
	r.report.Format = "openioc"
	if err := nesting(text); err != nil {
		r.broken("openioc", err.Error())
		return
	}
	var doc openIOC
	if err := d.DecodeElement(&doc, &start); err != nil {
		r.broken("openioc", "is not valid XML: "+err.Error())
		return
	}
	about := &About{Title: strings.TrimSpace(doc.Short + doc.Metadata.Short), Source: r.name}
	if about.Title == "" {
		about.Title = r.about.Title
	}
	for _, l := range append(doc.Links, doc.Metadata.Links...) {
		if text := strings.TrimSpace(l.Text); text != "" && l.Rel != "license" {
			about.Tags = append(about.Tags, l.Rel+":"+text)
		}
	}
	for _, root := range []*openIOCNode{doc.Definition, doc.CriteriaTop} {
		if root == nil {
			continue
		}
		for i := range root.Groups {
			x, err := r.openIOCGroup(&root.Groups[i], 0)
			if err != nil {
				r.refuse(doc.ID, err.Error())
				continue
			}
			r.takeAll(doc.ID, x, about)
		}
	}
}

// nesting refuses XML whose elements nest deeper than an expression may: the decoder recurses with them.
func nesting(text []byte) error {
	d := xml.NewDecoder(bytes.NewReader(text))
	d.Strict = false
	d.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil }
	depth, items := 0, 0
	for {
		t, err := d.RawToken()
		if err != nil {
			return nil
		}
		switch t.(type) {
		case xml.StartElement:
			items++
			if depth++; depth > maxDepth {
				return fmt.Errorf("its elements nest deeper than %d", maxDepth)
			}
		case xml.EndElement:
			depth--
		}
	}
}

// openIOCGroup gives the expression of a group. Of an OR, what logs cannot decide is left out and told; an AND needs all its parts.
func (r *reader) openIOCGroup(n *openIOCNode, depth int) (*Expression, error) {
	and := strings.EqualFold(n.Operator, "AND")
	var parts []*Expression
	var why error
	each := func(x *Expression, err error, id string) error {
		if err != nil {
			why = err
			if and {
				return err
			}
			r.refuse(id, "left out: "+err.Error())
			return nil
		}
		parts = append(parts, x)
		return nil
	}
	for i := range n.Items {
		x, err := openIOCTerm(&n.Items[i])
		if err := each(x, err, n.Items[i].ID); err != nil {
			return nil, err
		}
	}
	for i := range n.Groups {
		x, err := r.openIOCGroup(&n.Groups[i], depth+1)
		if err := each(x, err, n.Groups[i].ID); err != nil {
			return nil, err
		}
	}
	if x := join(and, parts); x != nil {
		return x, nil
	}
	if why == nil {
		why = errors.New("a group without items")
	}
	return nil, fmt.Errorf("nothing of the group can be decided from logs; %w", why)
}

func openIOCTerm(it *openIOCItem) (*Expression, error) {
	search := it.Context.Search
	if strings.EqualFold(it.Negate, "true") || strings.HasSuffix(strings.ToLower(it.Condition), "not") {
		return nil, fmt.Errorf("%s is negated: what an event does not hold decides nothing", search)
	}
	kind := openIOCKind(search)
	if kind == 0 {
		return nil, fmt.Errorf("%s has no counterpart in logs", search)
	}
	var how How
	switch strings.ToLower(it.Condition) {
	case "is":
	case "contains":
		how = Contains
	case "starts-with":
		how = Starts
	case "ends-with":
		how = Ends
	case "matches":
		how = Pattern
	default:
		return nil, fmt.Errorf("%s: condition %s is not decided from logs", search, quoted(it.Condition))
	}
	value := strings.TrimSpace(it.Content)
	if kind == FileName && how == Is && strings.ContainsAny(value, "*?") {
		return nil, fmt.Errorf("%s: %s has wildcards", search, quoted(value))
	}
	t, err := Canonical(kind, how, value)
	if err != nil {
		return nil, fmt.Errorf("%s %s %s: %w", search, it.Condition, quoted(value), err)
	}
	return &Expression{Term: t}, nil
}

// openIOCKind maps a search term to what it is in a log, 0 for what logs do not hold.
func openIOCKind(search string) Kind {
	s := strings.ToLower(search)
	last := s[strings.LastIndexByte(s, '/')+1:]
	for _, inFile := range []string{"stringlist", "/peinfo/exports", "/peinfo/importedmodules", "/peinfo/resourceinfolist", "/peinfo/sections", "versioninfo", "petimestamp"} {
		if strings.Contains(s, inFile) {
			return when(strings.HasSuffix(s, "originalfilename"), FileName)
		}
	}
	switch last {
	case "md5sum", "sha1sum", "sha256sum", "md5", "sha1", "sha256", "sha512", "imphash", "pemd5", "httpmd5", "certificatethumbprint":
		return Hash
	case "filename", "fileextension":
		return when(last == "filename", FileName)
	case "fullpath", "filepath", "execprogrampath", "path", "devicepath", "servicepath", "pathtofile":
		switch {
		case strings.HasPrefix(s, "registryitem"):
			return Registry
		case strings.HasPrefix(s, "urlhistory") || strings.HasPrefix(s, "network"):
			return URL
		}
		return FilePath
	case "keypath", "key", "valuename", "value", "text":
		if strings.HasPrefix(s, "registry") || strings.HasPrefix(s, "regkey") {
			if last == "keypath" || last == "key" {
				return Registry
			}
			return Text // the name or the data of a value
		}
	case "recordname", "host", "hostname", "dns", "fqdn":
		return Domain
	case "remoteip", "localip", "ipv4address", "ipaddress", "remoteipaddress", "ip":
		return Address
	case "uri", "url":
		return URL
	case "useragent":
		return UserAgent
	case "httpheader", "data", "subject", "body", "servicename", "descriptivename", "username", "accountname", "certificatesubject", "certificateissuer", "pipename", "servicedll":
		return Text
	case "from", "to", "cc", "bcc":
		return when(strings.HasPrefix(s, "email"), Email)
	case "arguments", "processcmdline", "cmdline":
		return CommandLine
	case "name":
		switch {
		case strings.Contains(s, "handle"):
			return Mutex
		case strings.Contains(s, "memorysection"):
			return FilePath
		case strings.HasPrefix(s, "processitem"):
			return Process
		case strings.HasPrefix(s, "serviceitem"), strings.HasPrefix(s, "taskitem"):
			return Text
		case strings.Contains(s, "attachment"):
			return FileName
		}
	case "process", "parentprocess", "processname":
		return Process
	}
	return 0
}
