package evidence

import (
	"errors"
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
	"golang.org/x/text/encoding/htmlindex"

	"github.com/contrail-ir/contrail/event"
)

// Sources is what sources.yaml says of files; docs/formats/sources.md describes it. It is immutable. Nil says nothing.
type Sources struct {
	rules []sourceRule
	by    map[string]*Sources // of organisations that brought their own
}

// JoinSources makes one of several files, each of which speaks of one organisation's evidence; rest speaks of the others' and may be nil.
// What an organisation's own file says of org is left out: the evidence was named as that organisation's.
func JoinSources(by map[string]*Sources, rest *Sources) *Sources {
	s := &Sources{by: map[string]*Sources{}}
	if rest != nil {
		s.rules = rest.rules
	}
	for org, own := range by {
		kept := &Sources{}
		for _, r := range own.rules {
			r.set.Org = ""
			kept.rules = append(kept.rules, r)
		}
		s.by[org] = kept
	}
	return s
}

// Of gives what is said of an organisation's evidence.
func (s *Sources) Of(org string) *Sources {
	if s == nil || s.by[org] == nil {
		return s
	}
	return s.by[org]
}

// Setting is what is said of one file. The zero value says nothing.
type Setting struct {
	Org      string
	Host     string
	Zone     *time.Location
	Offset   time.Duration // the host's clock was that much behind: added to its times
	Encoding string
	Format   string
	Custody  string
	// Columns says which column of a table is what: the name that rules use, time, host or source.product and its like → column.
	Columns map[string]string
}

type sourceRule struct {
	pattern []string // parts of the path
	set     Setting
}

const maxSourcesBytes = 4 << 20

// ReadSources reads a sources.yaml whose formats must be among the given. An error names the line.
func ReadSources(r io.Reader, formats []event.Format) (*Sources, error) {
	content, err := io.ReadAll(io.LimitReader(r, maxSourcesBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read sources: %w", err)
	}
	if len(content) > maxSourcesBytes {
		return nil, fmt.Errorf("read sources: longer than %d bytes", maxSourcesBytes)
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(content, &doc); err != nil {
		return nil, fmt.Errorf("read sources: %w", err)
	}
	if len(doc.Content) == 0 {
		return &Sources{}, nil
	}
	top := doc.Content[0]
	if top.Kind != yaml.MappingNode {
		return nil, fmt.Errorf("read sources: line %d: want the key \"sources\" with a list", top.Line)
	}
	s := &Sources{}
	for i := 0; i+1 < len(top.Content); i += 2 {
		key, list := top.Content[i], top.Content[i+1]
		if key.Value != "sources" {
			return nil, fmt.Errorf("read sources: line %d: unknown key %q: want \"sources\"", key.Line, key.Value)
		}
		if list.Kind != yaml.SequenceNode {
			return nil, fmt.Errorf("read sources: line %d: \"sources\" must be a list", list.Line)
		}
		for _, n := range list.Content {
			rule, err := sourceRuleOf(n, formats)
			if err != nil {
				return nil, fmt.Errorf("read sources: %w", err)
			}
			s.rules = append(s.rules, rule)
		}
	}
	return s, nil
}

func sourceRuleOf(n *yaml.Node, formats []event.Format) (rule sourceRule, err error) {
	if n.Kind != yaml.MappingNode {
		return rule, fmt.Errorf("line %d: want keys such as path and host", n.Line)
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, v := n.Content[i], n.Content[i+1]
		if key.Value == "columns" {
			if rule.set.Columns, err = columnsOf(v); err != nil {
				return rule, err
			}
			continue
		}
		if v.Kind != yaml.ScalarNode || v.Tag == "!!null" {
			return rule, fmt.Errorf("line %d: %q must have one value", v.Line, key.Value)
		}
		s := &rule.set
		switch key.Value {
		case "path":
			rule.pattern = strings.Split(strings.Trim(path.Clean(strings.ReplaceAll(v.Value, `\`, "/")), "/"), "/")
			for _, part := range rule.pattern {
				if _, bad := path.Match(part, ""); bad != nil {
					err = fmt.Errorf("%q is no pattern", v.Value)
				}
			}
		case "org":
			s.Org = v.Value
		case "host":
			s.Host = v.Value
		case "zone":
			s.Zone, err = zone(v.Value)
		case "offset":
			s.Offset, err = time.ParseDuration(v.Value)
			if err != nil {
				err = fmt.Errorf("%q is no duration such as -90s or 1h2m", v.Value)
			}
		case "encoding":
			s.Encoding = v.Value
			if _, unknown := htmlindex.Get(v.Value); unknown != nil {
				err = fmt.Errorf("encoding %q is not known: use an IANA name such as utf-16le, gb18030, big5", v.Value)
			}
		case "format":
			s.Format, err = v.Value, fmt.Errorf("format %q is not known", v.Value)
			for _, f := range formats {
				if f.Name() == v.Value {
					err = nil
				}
			}
		case "custody":
			s.Custody = v.Value
		default:
			err = fmt.Errorf("unknown key %q: want path, org, host, zone, offset, encoding, format, columns or custody", key.Value)
		}
		if err != nil {
			return rule, fmt.Errorf("line %d: %w", key.Line, err)
		}
	}
	if len(rule.pattern) == 0 {
		return rule, fmt.Errorf("line %d: path is missing", n.Line)
	}
	return rule, nil
}

// columnsOf reads a map of names to columns.
func columnsOf(v *yaml.Node) (map[string]string, error) {
	if v.Kind != yaml.MappingNode {
		return nil, fmt.Errorf("line %d: \"columns\" must be a map such as {time: when, user: who}", v.Line)
	}
	columns := map[string]string{}
	for i := 0; i+1 < len(v.Content); i += 2 {
		name, column := v.Content[i], v.Content[i+1]
		if column.Kind != yaml.ScalarNode || column.Tag == "!!null" || column.Value == "" {
			return nil, fmt.Errorf("line %d: %q must name one column", column.Line, name.Value)
		}
		columns[name.Value] = column.Value
	}
	return columns, nil
}

// zone reads an IANA name or an offset such as +03:00.
func zone(s string) (*time.Location, error) {
	if len(s) == 6 && (s[0] == '+' || s[0] == '-') && s[3] == ':' {
		h, err1 := strconv.Atoi(s[1:3])
		m, err2 := strconv.Atoi(s[4:])
		if errors.Join(err1, err2) == nil && h <= 14 && m < 60 && h >= 0 && m >= 0 {
			seconds := h*3600 + m*60
			if s[0] == '-' {
				seconds = -seconds
			}
			return time.FixedZone(s, seconds), nil
		}
	}
	if s == "" || strings.EqualFold(s, "local") {
		return nil, fmt.Errorf("%q is no time zone: want a name such as Asia/Tokyo or an offset such as +09:00", s)
	}
	l, err := time.LoadLocation(s)
	if err != nil {
		return nil, fmt.Errorf("%q is no time zone: want a name such as Asia/Tokyo or an offset such as +09:00", s)
	}
	return l, nil
}

// For gives what is said of a file: every entry whose pattern matches adds to it, later ones win.
func (s *Sources) For(name string) (set Setting) {
	if s == nil {
		return set
	}
	parts := strings.Split(strings.ReplaceAll(name, "!", "/"), "/")
	for _, r := range s.rules {
		if !matches(r.pattern, parts) {
			continue
		}
		for _, v := range []struct{ to, from *string }{{&set.Org, &r.set.Org}, {&set.Host, &r.set.Host}, {&set.Encoding, &r.set.Encoding}, {&set.Format, &r.set.Format}, {&set.Custody, &r.set.Custody}} {
			if *v.from != "" {
				*v.to = *v.from
			}
		}
		if r.set.Columns != nil {
			set.Columns = r.set.Columns
		}
		if r.set.Zone != nil {
			set.Zone = r.set.Zone
		}
		if r.set.Offset != 0 {
			set.Offset = r.set.Offset
		}
	}
	return set
}

// Orgs lists the organisations that are named, in their order.
func (s *Sources) Orgs() (all []string) {
	if s == nil {
		return nil
	}
	for _, r := range s.rules {
		if r.set.Org != "" {
			all = append(all, r.set.Org)
		}
	}
	return all
}

// OneOrg gives the organisation that every entry names, "" when they name several or one names none.
func (s *Sources) OneOrg() string {
	if s == nil || len(s.rules) == 0 {
		return ""
	}
	org := s.rules[0].set.Org
	for _, r := range s.rules {
		if r.set.Org != org {
			return ""
		}
	}
	return org
}

func (s Setting) org(given string) string {
	if s.Org != "" {
		return s.Org
	}
	return given
}

// matches says whether a path matches: "*" and "?" within a part, "**" for any number of parts, and a folder's pattern for all that
// is in it.
func matches(pattern, parts []string) bool {
	// The tried set of rest of pattern and rest of path keeps many "**" from taking exponential time.
	reach := make([]bool, len(parts)+1)
	reach[0] = true
	for _, p := range pattern {
		next := make([]bool, len(parts)+1)
		for i := range reach {
			if !reach[i] {
				continue
			}
			if p == "**" {
				for j := i; j <= len(parts); j++ {
					next[j] = true
				}
				break
			}
			if i < len(parts) {
				if ok, _ := path.Match(p, parts[i]); ok {
					next[i+1] = true
				}
			}
		}
		reach = next
	}
	for _, end := range reach {
		if end {
			return true
		}
	}
	return false
}
