package stix

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"reflect"
	"sort"
	"strconv"
	"strings"
)

// Severity says whether the specification demands or advises.
type Severity uint8

// A MUST of the specification is broken, or a SHOULD.
const (
	Must Severity = iota + 1
	Should
)

func (s Severity) String() string {
	if s == Must {
		return "error"
	}
	return "warning"
}

// Problem is one thing that is wrong with an object.
type Problem struct {
	ID       ID
	Type     string
	Path     string // property, as a selector: "external_references.[0].url"
	Severity Severity
	Text     string
}

func (p Problem) String() string {
	return fmt.Sprintf("%s: %s: %s: %s", p.Severity, p.ID, p.Path, p.Text)
}

// Validate checks one object by itself: required properties, types and ranges, ids, kinds of references, vocabularies,
// order of times, extensions, markings, patterns, and what else the section on its type demands. What needs other objects
// is checked by [ValidateBundle]. Problems come ordered by path.
func Validate(o Object) []Problem {
	l := layoutOf(o)
	c := &checker{o: o, typ: TypeOf(o)}
	if l == nil {
		return []Problem{{Severity: Must, Text: fmt.Sprintf("%T is not an object of this package", o)}}
	}
	c.fields(reflect.ValueOf(o).Elem(), l, "")
	c.header()
	c.rules()
	sort.SliceStable(c.problems, func(i, j int) bool { return c.problems[i].Path < c.problems[j].Path })
	return c.problems
}

// Errors keeps the problems that break a MUST.
func Errors(problems []Problem) []Problem {
	var out []Problem
	for _, p := range problems {
		if p.Severity == Must {
			out = append(out, p)
		}
	}
	return out
}

type checker struct {
	o        Object
	typ      string
	problems []Problem
}

func (c *checker) must(path, format string, args ...any) {
	c.problems = append(c.problems, Problem{c.o.Head().ID, c.typ, path, Must, fmt.Sprintf(format, args...)})
}

func (c *checker) should(path, format string, args ...any) {
	c.problems = append(c.problems, Problem{c.o.Head().ID, c.typ, path, Should, fmt.Sprintf(format, args...)})
}

// fields applies the tags of a struct to its values, and the naming rules to what is in Extra.
func (c *checker) fields(v reflect.Value, l *layout, at string) {
	extra, _ := v.FieldByIndex(l.extra).Interface().(map[string]any)
	for i := range l.props {
		p := &l.props[i]
		f := v.FieldByIndex(p.index)
		if !f.IsZero() {
			c.value(f, p, at+p.name)
			continue
		}
		raw, present := extra[p.name]
		switch {
		case present:
			c.misfit(f.Type(), raw, p, at+p.name)
		case p.required && c.needs(p.name, at):
			c.must(at+p.name, "a required property is missing")
		}
	}
	names := make([]string, 0, len(extra))
	for name := range extra {
		if l.byName[name] == nil {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	for _, name := range names {
		c.extraProperty(name, at)
	}
}

// needs exempts what hand-made objects leave to the writer and what some types do not have.
func (c *checker) needs(name, at string) bool {
	if at != "" {
		return name != "extension_type" || !strings.HasPrefix(at, "extensions.")
	}
	switch name {
	case "type":
		return c.typ == ""
	case "modified":
		if c.typ == "marking-definition" {
			return false
		}
		fallthrough
	case "created":
		custom, ok := c.o.(*Custom)
		return !ok || custom.isSDO()
	}
	return true
}

// isSDO tells a custom SDO or SRO from a custom SCO by its own extension, else by its having been created.
func (o *Custom) isSDO() bool {
	for _, e := range o.Extensions {
		if x, ok := e.(*CustomExtension); ok {
			switch x.ExtensionType {
			case "new-sdo", "new-sro":
				return true
			case "new-sco":
				return false
			}
		}
	}
	return !o.Created.IsZero() || !o.Modified.IsZero() || o.CreatedByRef != ""
}

// misfit reports a known property that is in Extra: of the wrong type, or one of the empty values that no field keeps.
func (c *checker) misfit(t reflect.Type, raw any, p *property, path string) {
	if v, ok := decodeValue(t, raw); ok && v.IsZero() {
		if p.required {
			c.must(path, "a required property is empty")
		} else {
			c.should(path, "it is empty")
		}
		return
	}
	switch raw := raw.(type) {
	case []any:
		if len(raw) == 0 {
			c.must(path, "a list may not be empty")
			return
		}
	case map[string]any:
		if len(raw) == 0 {
			c.must(path, "a dictionary may not be empty")
			return
		}
	}
	c.must(path, "the value does not have the type that the specification gives it")
}

func (c *checker) extraProperty(name, at string) {
	path := at + name
	if len(name) > 250 || len(name) < 3 || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789_") != "" || (name[0] >= '0' && name[0] <= '9') {
		c.must(path, "%.80q is not a property name (a–z, 0–9, underscore; 3 to 250 characters)", name)
		return
	}
	if at != "" || c.typ == "" {
		return
	}
	for key, e := range c.o.Head().Extensions {
		if x, ok := e.(*CustomExtension); ok && (x.ExtensionType == "toplevel-property-extension" || strings.HasPrefix(x.ExtensionType, "new-")) && strings.HasPrefix(key, "extension-definition--") {
			return
		}
	}
	if _, ok := c.o.(*Custom); !ok {
		c.should(path, "a property the specification does not know, and no toplevel-property-extension explains it")
	}
}

func (c *checker) value(v reflect.Value, p *property, path string) {
	switch v.Kind() {
	case reflect.String:
		c.text(v, p, path)
	case reflect.Pointer:
		switch e := v.Elem(); e.Kind() {
		case reflect.Int64:
			c.number(float64(e.Int()), p, path)
		case reflect.Float64:
			c.number(e.Float(), p, path)
		case reflect.Struct:
			c.value(e, p, path)
		}
	case reflect.Struct:
		if v.Type() != timestampType {
			c.fields(v, layouts[v.Type()], path+".")
		}
	case reflect.Slice:
		if v.Len() == 0 {
			c.must(path, "a list may not be empty")
		}
		for i := 0; i < v.Len(); i++ {
			c.value(v.Index(i), p, path+".["+strconv.Itoa(i)+"]")
		}
	case reflect.Map:
		c.dictionary(v, p, path)
	}
}

func (c *checker) text(v reflect.Value, p *property, path string) {
	s := v.String()
	if v.Type() == reflect.TypeFor[ID]() {
		if p.name == "id" {
			return // judged with the header
		}
		if bad := checkID(ID(s), ""); bad != "" {
			c.must(path, "%s", bad)
		} else if typ := ID(s).Type(); p.refs != nil && !refAllowed(p.refs, typ) {
			c.must(path, "it refers to a %s; allowed is %s", typ, strings.Join(p.refs, ", "))
		}
		return
	}
	if p.enum != "" && !vocabularies[p.enum][s] {
		c.must(path, "%.60q is not one of %s", s, p.enum)
	}
	if p.vocab != "" && !vocabularies[p.vocab][s] {
		c.should(path, "%.60q is not in %s", s, p.vocab)
	}
	if bad := checkFormat(p.format, s); bad != "" {
		c.must(path, "%s", bad)
	}
}

func (c *checker) number(f float64, p *property, path string) {
	if p.min != nil && f < *p.min || p.max != nil && f > *p.max {
		low, high := "−∞", "∞"
		if p.min != nil {
			low = strconv.FormatFloat(*p.min, 'f', -1, 64)
		}
		if p.max != nil {
			high = strconv.FormatFloat(*p.max, 'f', -1, 64)
		}
		c.must(path, "%v is outside %s to %s", f, low, high)
	}
	if f > maxSafeInteger || f < -maxSafeInteger {
		c.must(path, "%v is beyond ±(2^53−1)", f)
	}
}

// dictionary checks the keys of a dictionary (section 2.3), the digests of hashes (2.7) and the keys of extensions (7.3).
func (c *checker) dictionary(v reflect.Value, p *property, path string) {
	keys := make([]string, 0, v.Len())
	for _, k := range v.MapKeys() {
		keys = append(keys, k.String())
	}
	sort.Strings(keys)
	if len(keys) == 0 {
		c.must(path, "a dictionary may not be empty")
	}
	for _, key := range keys {
		item := v.MapIndex(reflect.ValueOf(key))
		at := path + "." + key
		if v.Type() == reflect.TypeFor[Hashes]() {
			c.hash(key, item.String(), at)
			continue
		}
		if v.Type().Elem() == extensionType {
			c.extension(key, item.Interface().(Extension), at)
			continue
		}
		if len(key) == 0 || len(key) > 250 || !plainName(key) {
			c.must(at, "%.80q is not a dictionary key (letters, digits, hyphen, underscore; up to 250)", key)
		}
		if v.Type().Elem().Kind() == reflect.Int64 {
			if item.Int() < 0 {
				c.must(at, "a count may not be negative")
			}
			if p.vocab != "" && !vocabularies[p.vocab][key] {
				c.should(at, "%.60q is not in %s", key, p.vocab)
			}
		}
	}
}

func plainName(s string) bool {
	for i := 0; i < len(s); i++ {
		if ch := s[i] | 0x20; (ch < 'a' || ch > 'z') && (s[i] < '0' || s[i] > '9') && s[i] != '-' && s[i] != '_' {
			return false
		}
	}
	return true
}

var digestLength = map[string]int{"MD5": 32, "SHA-1": 40, "SHA-256": 64, "SHA-512": 128, "SHA3-256": 64, "SHA3-512": 128}

func (c *checker) hash(key, digest, path string) {
	if n := digestLength[key]; n > 0 {
		if _, err := hex.DecodeString(digest); err != nil || len(digest) != n {
			c.must(path, "%.140q is not a %s digest of %d hexadecimal digits", digest, key, n)
		}
	} else if !vocabularies["hash-algorithm-ov"][key] {
		if len(key) < 3 || len(key) > 250 || !plainName(key) {
			c.must(path, "%.80q is not the name of a hash", key)
		} else {
			c.should(path, "%.60q is not in hash-algorithm-ov", key)
		}
	}
	if digest == "" {
		c.must(path, "the digest is empty")
	}
}

func (c *checker) extension(key string, e Extension, path string) {
	known, ok := extensionTable[key]
	v := reflect.ValueOf(e)
	if v.Kind() != reflect.Pointer || v.IsNil() {
		c.must(path, "the extension is missing")
		return
	}
	switch {
	case ok && known.on != c.typ:
		c.must(path, "this extension belongs to %s", known.on)
	case ok && v.Type().Elem() != known.kind:
		c.must(path, "this key is that of a %s", known.kind.Name())
	case ok && known.on == "impact" && !strings.HasSuffix(key, "-ext"):
		c.should(path, "the name is that of the draft; as a key of extensions STIX wants %s-ext", key)
	case ok:
	case strings.HasPrefix(key, "extension-definition--"):
		if bad := checkID(ID(key), "extension-definition"); bad != "" {
			c.must(path, "%s", bad)
		}
		if x, isCustom := e.(*CustomExtension); isCustom && x.ExtensionType == "" && x.Extra["extension_type"] == nil {
			c.must(path+".extension_type", "a required property is missing")
		}
	default:
		c.should(path, "a key of extensions is the id of an extension definition; the old form with a free name is deprecated")
	}
	if known, ok := layouts[v.Type().Elem()]; ok {
		c.fields(v.Elem(), known, path+".")
		if len(encodeStruct(v.Elem(), known)) == 0 {
			c.must(path, "an extension holds at least one property")
		}
	}
}

func refAllowed(allowed []string, typ string) bool {
	s := schemaByType[typ]
	for _, a := range allowed {
		switch {
		case a == typ:
			return true
		case a == "sco" && (s == nil || s.family == familySCO):
			return true
		case a == "sdo" && (s == nil && typ != "bundle" || s != nil && s.family == familySDO):
			return true
		case a == "sro" && s != nil && s.family == familySRO:
			return true
		case a == "node" && (s == nil && typ != "bundle" || s != nil && (s.family == familySDO || s.family == familySCO)):
			return true
		}
	}
	return false
}

func checkFormat(format, s string) string {
	switch format {
	case "hex":
		if _, err := hex.DecodeString(s); err != nil {
			return fmt.Sprintf("%.60q is not hexadecimal with an even number of digits", s)
		}
	case "base64":
		if _, err := base64.StdEncoding.DecodeString(s); err != nil {
			return "it is not base64"
		}
	case "url":
		return checkURL(s)
	case "lang":
		return checkLanguage(s)
	}
	return ""
}

// checkURL applies RFC 3986 as far as a URL can be told from other text: a scheme, something after it, no spaces or controls.
func checkURL(s string) string {
	scheme, rest, found := strings.Cut(s, ":")
	ok := found && scheme != "" && rest != ""
	for i := 0; i < len(scheme) && ok; i++ {
		ch := scheme[i] | 0x20
		ok = ch >= 'a' && ch <= 'z' || i > 0 && (scheme[i] >= '0' && scheme[i] <= '9' || strings.IndexByte("+-.", scheme[i]) >= 0)
	}
	if !ok || strings.ContainsAny(s, " \"<>\\^`{|}") || strings.ContainsFunc(s, func(r rune) bool { return r < 0x20 || r == 0x7f }) {
		return fmt.Sprintf("%.120q is not a URL (RFC 3986)", s)
	}
	return ""
}

// checkLanguage checks the form of an RFC 5646 tag: subtags of letters and digits, the first of 2 to 8 letters, or x, i.
func checkLanguage(s string) string {
	for i, sub := range strings.Split(s, "-") {
		ok := len(sub) >= 1 && len(sub) <= 8
		for j := 0; j < len(sub) && ok; j++ {
			ch := sub[j] | 0x20
			ok = ch >= 'a' && ch <= 'z' || i > 0 && sub[j] >= '0' && sub[j] <= '9'
		}
		if i == 0 && len(sub) == 1 && sub != "x" && sub != "i" {
			ok = false
		}
		if !ok {
			return fmt.Sprintf("%.60q is not a language tag (RFC 5646)", s)
		}
	}
	return ""
}
