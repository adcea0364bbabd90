package ioc

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Bounds of what is read.
const (
	maxFile       = 1 << 30 // bytes of one file, unpacked
	maxIndicators = 1 << 26
	maxRejected   = 10_000 // told one by one
	maxDepth      = 64     // of nested expressions
	maxTerms      = 4096   // of one expression
)

// Load reads files and folders of indicators. What cannot be read or used is rejected with the reason, and the rest counts.
func Load(paths ...string) *Collection {
	c := &Collection{}
	for _, p := range paths {
		err := filepath.WalkDir(p, func(name string, d fs.DirEntry, err error) error {
			if err != nil {
				c.fail(name, err)
				return nil
			}
			if strings.HasPrefix(d.Name(), ".") && name != p {
				if d.IsDir() {
					return fs.SkipDir
				}
				return nil
			}
			if d.Type().IsRegular() || name == p && !d.IsDir() {
				c.loadFile(name)
			}
			return nil
		})
		if err != nil {
			c.fail(p, err)
		}
	}
	return c
}

func (c *Collection) fail(name string, err error) {
	var in *fs.PathError
	if errors.As(err, &in) {
		err = in.Err
	}
	c.Rejected = append(c.Rejected, Rejected{File: name, Reason: "cannot be read: " + err.Error()})
	c.Reports = append(c.Reports, Report{File: name, Why: "cannot be read: " + err.Error(), Failed: true})
}

func (c *Collection) loadFile(name string) {
	f, err := os.Open(name)
	if err != nil {
		c.fail(name, err)
		return
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(text) > maxFile {
		err = fmt.Errorf("larger than %d bytes", maxFile)
	}
	if err != nil {
		c.fail(name, err)
		return
	}
	c.Read(name, text)
}

// Read adds the indicators of one file's content. The name supports the content where that leaves open what a value is.
func (c *Collection) Read(name string, text []byte) {
	inner := name
	if len(text) > 2 && text[0] == 0x1f && text[1] == 0x8b {
		z, err := gzip.NewReader(bytes.NewReader(text))
		if err == nil {
			text, err = io.ReadAll(io.LimitReader(z, maxFile+1))
		}
		if err == nil && len(text) > maxFile {
			err = fmt.Errorf("larger than %d bytes when unpacked", maxFile)
		}
		if err != nil {
			c.fail(name, fmt.Errorf("unpack: %w", err))
			return
		}
		inner = strings.TrimSuffix(name, ".gz")
	}
	r := &reader{c: c, name: name, report: Report{File: name, Counts: map[Kind]int{}}, base: filepath.Base(inner)}
	r.read(decodeText(text))
	c.Reports = append(c.Reports, r.report)
}

// decodeText takes off a byte order mark and turns UTF-16 into UTF-8.
func decodeText(b []byte) []byte {
	switch {
	case bytes.HasPrefix(b, []byte("\xef\xbb\xbf")):
		return b[3:]
	case bytes.HasPrefix(b, []byte("\xff\xfe")), bytes.HasPrefix(b, []byte("\xfe\xff")):
		big := b[0] == 0xfe
		units := make([]uint16, 0, len(b)/2)
		for i := 2; i+1 < len(b); i += 2 {
			u := uint16(b[i]) | uint16(b[i+1])<<8
			if big {
				u = u>>8 | u<<8
			}
			units = append(units, u)
		}
		return []byte(string(utf16.Decode(units)))
	}
	return b
}

// reader takes the indicators out of one file.
type reader struct {
	c      *Collection
	name   string
	base   string // of the file, without .gz
	report Report
	about  *About // for indicators that have nothing of their own
}

var (
	yaraRule  = regexp.MustCompile(`(?m)^\s*(?:(?:private|global)\s+)*rule\s+\w+\s*(?::[^{]*)?\{?\s*$|^\s*(?:(?:private|global)\s+)*rule\s+\w+[^{\n]*\{`)
	yaraWhole = regexp.MustCompile(`(?m)^\s*condition\s*:`)
	snortRule = regexp.MustCompile(`(?m)^\s*(?:#\s*)?(?:alert|drop|log|pass|reject|sdrop)\s+(?:tcp|udp|icmp|ip|http|tls|dns|ssl|smtp|ftp|\$?\w+)\s+\S+\s+\S+\s+(?:->|<>)\s`)
	sigmaRule = regexp.MustCompile(`(?m)^detection\s*:`)
)

func (r *reader) read(text []byte) {
	r.about = &About{Title: titleOf(r.name), Source: r.name}
	trimmed := bytes.TrimSpace(text)
	ending := strings.ToLower(filepath.Ext(r.base))
	switch {
	case len(trimmed) == 0:
		r.report.Why = "the file is empty"
	case trimmed[0] == '{' || trimmed[0] == '[' && looksLikeJSON(trimmed):
		r.readJSON(trimmed)
	case trimmed[0] == '<':
		r.readXML(trimmed)
	case yaraRule.Match(text) && yaraWhole.Match(text):
		r.report.Why = "YARA rules, which are no indicators"
	case snortRule.Match(text):
		r.report.Why = "Snort or Suricata rules, which are no indicators"
	case sigmaRule.Match(text) && (ending == ".yml" || ending == ".yaml" || bytes.Contains(text, []byte("logsource"))):
		r.report.Why = "Sigma rules: load them as rules"
	case ending == ".yml" || ending == ".yaml":
		r.report.Why = "YAML of no kind that is read"
	case bytes.IndexByte(trimmed[:min(len(trimmed), 4096)], 0) >= 0:
		r.report.Why = "binary data of no kind that is read"
	case !utf8.Valid(text) && !mostlyText(text):
		r.report.Why = "binary data of no kind that is read"
	case ending == ".md" || ending == ".adoc" || ending == ".rst" || ending == ".html":
		r.readDocument(string(text))
	default:
		r.readTable(string(text))
	}
	if len(r.report.Counts) == 0 && r.report.Why == "" {
		switch {
		case r.report.Refused > 0:
			r.report.Why = "no indicator can be used"
		case r.report.Context > 0:
			r.report.Why = "every value is given as context, none to detect by"
		default:
			r.report.Why = "no indicators in it"
		}
	}
}

func looksLikeJSON(b []byte) bool {
	rest := bytes.TrimSpace(b[1:])
	return len(rest) > 0 && (rest[0] == '{' || rest[0] == ']' || rest[0] == '"')
}

// mostlyText says whether few bytes are control characters.
func mostlyText(b []byte) bool {
	bad := 0
	b = b[:min(len(b), 1<<16)]
	for _, c := range b {
		if c < 0x20 && c != '\n' && c != '\r' && c != '\t' {
			bad++
		}
	}
	return bad*100 < len(b)
}

// titleOf makes a title of a path: its folder and name say what the report is about.
func titleOf(name string) string {
	dir, base := filepath.Split(filepath.ToSlash(name))
	parent := filepath.Base(strings.TrimSuffix(dir, "/"))
	if parent == "." || parent == "/" || parent == "" {
		return base
	}
	return parent + "/" + base
}

// add takes a value of a known kind; a refusal is told under the indicator's id, or the value.
func (r *reader) add(id string, kind Kind, how How, value string, about *About) bool {
	t, err := Canonical(kind, how, value)
	if err != nil {
		r.refuse(orValue(id, value), kind.String()+": "+err.Error())
		return false
	}
	r.take(id, t, about)
	return true
}

func orValue(id, value string) string {
	if id != "" {
		return id
	}
	if len(value) > 100 {
		value = strings.ToValidUTF8(value[:100], "") + "…"
	}
	return value
}

func (r *reader) take(id string, t Term, about *About) {
	if about == nil {
		about = r.about
	}
	if t.How == Is && t.ordinary() {
		r.refuse(orValue(id, t.Value), t.Kind.String()+": it is part of every system: it would match everywhere by itself")
		return
	}
	if len(r.c.Indicators) >= maxIndicators {
		r.refuse(orValue(id, t.Value), "there are too many indicators")
		return
	}
	t.Value = strings.Clone(t.Value) // not the whole file's text
	r.report.Counts[t.Kind]++
	r.c.Indicators = append(r.c.Indicators, Indicator{ID: id, Term: t, About: about})
}

// takeAll takes an expression: its alternatives become indicators of their own, so that one of them that matches everywhere does not
// devalue the others.
func (r *reader) takeAll(id string, e *Expression, about *About) {
	if len(e.Or) > 0 {
		for _, part := range e.Or {
			r.takeAll(id, part, about)
		}
		return
	}
	if len(e.And) == 0 && e.Condition == nil {
		r.take(id, e.Term, about)
		return
	}
	r.report.Counts[Compound]++
	r.c.Indicators = append(r.c.Indicators, Indicator{ID: id, All: e, About: about})
}

func (r *reader) refuse(id, reason string) {
	r.report.Refused++
	if len(r.c.Rejected) >= maxRejected {
		r.c.MoreRejected++
		return
	}
	r.c.Rejected = append(r.c.Rejected, Rejected{ID: strings.Clone(id), File: r.name, Reason: reason})
}

// broken says that the file as a whole is not what it seems to be.
func (r *reader) broken(format, reason string) {
	r.report.Format, r.report.Why, r.report.Failed = format, reason, true
	r.c.Rejected = append(r.c.Rejected, Rejected{File: r.name, Reason: reason})
}

// join makes an expression of parts that could be taken; nil when there are none.
func join(and bool, parts []*Expression) *Expression {
	parts = slices.DeleteFunc(parts, func(e *Expression) bool { return e == nil })
	switch {
	case len(parts) == 0:
		return nil
	case len(parts) == 1:
		return parts[0]
	case and:
		return &Expression{And: parts}
	}
	return &Expression{Or: parts}
}
