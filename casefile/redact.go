package casefile

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/contrail-ir/contrail/dsse"
	"github.com/contrail-ir/contrail/member"
)

// withheld stands where a value was and may not leave.
const withheld = "[withheld]"

// DocumentKind is a kind of document that a hand-over can carry.
type DocumentKind string

const (
	Findings    DocumentKind = "findings"    // findings.jsonl
	Coverage    DocumentKind = "coverage"    // coverage.json
	Trail       DocumentKind = "trail"       // trail.json
	Fingerprint DocumentKind = "fingerprint" // a fingerprint, signed or not
)

// action is what happens to a value.
type action uint8

const (
	drop  action = iota // with its key
	keep                // structure, rules, times, numbers
	org                 // becomes a pseudonym
	host                //
	user                //
	file                //
	node                // an id that may hold a name
	value               // kept when the attacker owns it, else a pseudonym or withheld
	text                // free text: withheld unless the policy keeps it
	raw                 // raw event: dropped unless the policy keeps it, and then each value as value
)

// shapes say, per document and path, what may leave. It is an allow-list: a path that is not in it is dropped. A path is
// made of keys and "[]" for the elements of lists; "*" stands for any one key.
var shapes = map[DocumentKind]map[string]action{
	Findings: {
		"kind": keep, "rule_id": keep, "rule_title": keep, "level": keep, "score": keep, "tags[]": keep, "org": org, "time": keep, "host": host,
		"source.product": keep, "source.category": keep, "source.service": keep, "file": file, "offset": keep, "record": keep,
		"matched.*": value, "matched.*[]": value, "event.*": raw, "event.*[]": raw, "file_sha256": keep,
	},
	Coverage: {
		"orgs[].name": org, "orgs[].denominator": keep, "orgs[].denominator.declared": keep, "orgs[].denominator.covered": keep,
		"orgs[].hosts[].host": host, "orgs[].hosts[].sources[].source": keep, "orgs[].hosts[].sources[].first": keep, "orgs[].hosts[].sources[].last": keep, "orgs[].hosts[].sources[].no_times": keep,
		"orgs[].hosts[].sources[].records": keep, "orgs[].hosts[].sources[].gaps[].from": keep, "orgs[].hosts[].sources[].gaps[].to": keep,
		"orgs[].hosts[].sources[].gaps[].why": keep,
		"files[].path":                        file, "files[].org": org, "files[].format": keep, "files[].bytes": keep, "files[].sha256": keep, "files[].records": keep,
		"files[].recovered": keep, "files[].first": keep, "files[].last": keep, "files[].no_times": keep, "files[].damage[].offset": keep, "files[].damage[].reason": keep,
		"unrecognised[].path": file, "unrecognised[].reason": keep, "not_read[].path": file, "not_read[].what": keep,
		"rules.loaded": keep, "rules.found": keep, "rules.searched_clean": keep, "rules.rejected[].id": keep, "rules.rejected[].reason": keep,
		"rules.not_searchable[].id": keep, "rules.not_searchable[].reason": keep,
	},
	Trail: {
		"nodes[].id": node, "nodes[].kind": keep, "nodes[].label": value, "nodes[].refs[].file": file, "nodes[].refs[].record": keep, "nodes[].refs[].role": keep,
		"edges[].from": node, "edges[].to": node, "edges[].kind": keep, "edges[].time": keep, "edges[].weight": keep,
		"edges[].refs[].file": file, "edges[].refs[].record": keep, "edges[].refs[].role": keep,
		"signs[].what": text, "signs[].tactic": keep, "signs[].strong": keep, "signs[].first": keep, "signs[].refs[].file": file, "signs[].refs[].record": keep, "signs[].refs[].role": keep,
		"stages[].tactic": keep, "stages[].technique": keep, "stages[].time": keep, "stages[].text": text,
		"stages[].refs[].file": file, "stages[].refs[].record": keep, "stages[].refs[].role": keep,
		"implant[]": value, "implant[].*": value, "infrastructure[].value": value, "infrastructure[].role": keep, "access": text,
		"staged[]": value, "staged[].*": value, "sent_bytes": keep,
	},
	Fingerprint: {
		"name": keep, "version": keep, "marking": keep, "not_before": keep, "expires": keep,
		"items[].kind": keep, "items[].value": value, "items[].rule": keep, "items[].tier": keep, "items[].specificity": keep, "items[].reasons[]": text,
		"items[].refs[].file": file, "items[].refs[].record": keep, "items[].refs[].role": keep,
	},
}

// Policy says what a hand-over may hold beyond the allow-list. The zero Policy is the strictest. In YAML, unknown keys are refused.
type Policy struct {
	Name          string   `json:"name,omitempty" yaml:"name"`
	KeepEvents    bool     `json:"keep_events,omitempty" yaml:"keep_events"`       // raw events, their values treated like matched ones
	KeepText      bool     `json:"keep_text,omitempty" yaml:"keep_text"`           // free text written by analysts, after the search for names
	AttackerOwned []string `json:"attacker_owned,omitempty" yaml:"attacker_owned"` // values kept besides those of fingerprint and trail
	Allow         []string `json:"allow,omitempty" yaml:"allow"`                   // names that may appear because their owner approved
}

// ParsePolicy reads a policy from YAML.
func ParsePolicy(b []byte) (Policy, error) {
	var p Policy
	if err := decodeYAML(b, &p); err != nil {
		return Policy{}, fmt.Errorf("casefile: hand-over policy: %w", err)
	}
	return p, nil
}

// redaction turns documents into what may leave. It is used for one hand-over and not concurrently.
type redaction struct {
	ps     *member.Pseudonyms
	policy Policy
	own    map[string]bool // attacker-owned values, lower case
	allow  map[string]bool // lower case
	names  map[string]bool // single words that were replaced, lower case
	multi  map[string]bool // replaced names of several words, lower case
	counts counts
	label  action // what the label of the trail's present node is
}

type counts struct {
	Records       int64 `json:"records"`
	Pseudonymised int64 `json:"pseudonymised"`
	Withheld      int64 `json:"withheld"`
	Dropped       int64 `json:"dropped"`
}

func newRedaction(ps *member.Pseudonyms, p Policy) *redaction {
	r := &redaction{ps: ps, policy: p, own: map[string]bool{}, allow: map[string]bool{}, names: map[string]bool{}, multi: map[string]bool{}}
	for _, v := range p.AttackerOwned {
		r.own[fold(v)] = true
	}
	for _, v := range p.Allow {
		r.allow[fold(v)] = true
	}
	return r
}

func fold(s string) string { return strings.ToLower(strings.TrimSpace(s)) }

// learn takes the attacker-owned values from a fingerprint or a trail.
func (r *redaction) learn(kind DocumentKind, rd io.Reader) error {
	raw, err := readDocument(kind, rd)
	if err != nil {
		return err
	}
	var d struct {
		Items          []struct{ Value any }       `json:"items"`
		Infrastructure []struct{ Value, Kind any } `json:"infrastructure"`
		Implant        []any                       `json:"implant"`
	}
	if err := json.Unmarshal(raw, &d); err != nil {
		return err
	}
	add := func(v any) {
		if s, ok := v.(string); ok && fold(s) != "" {
			r.own[fold(s)] = true
		}
	}
	for _, i := range d.Items {
		add(i.Value)
	}
	for _, i := range d.Infrastructure {
		if i.Kind != "device" { // the victim's own, through which the intruder passed
			add(i.Value)
		}
	}
	for _, i := range d.Implant {
		add(i)
		if parts, ok := i.(map[string]any); ok {
			for _, key := range []string{"value", "name", "sha256"} { // where it ran is the victim's, what it is the attacker's
				add(parts[key])
			}
		}
	}
	return nil
}

const maxDocument = 256 << 20

// readDocument reads a JSON document; a signed fingerprint is taken out of its envelope.
func readDocument(kind DocumentKind, rd io.Reader) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(rd, maxDocument+1))
	if err != nil {
		return nil, err
	}
	if len(b) > maxDocument {
		return nil, fmt.Errorf("larger than %d bytes", maxDocument)
	}
	if kind == Fingerprint {
		if env, err := dsse.Parse(b); err == nil {
			return env.Payload, nil
		}
	}
	return b, nil
}

// document writes what may leave of a document to w; with w nil it only learns which names occur.
func (r *redaction) document(kind DocumentKind, rd io.Reader, w io.Writer) error {
	shape, ok := shapes[kind]
	if !ok {
		return fmt.Errorf("%q is not a kind of document that can be handed over", kind)
	}
	r.counts = counts{}
	one := func(b []byte) error {
		dec := json.NewDecoder(bytes.NewReader(b))
		dec.UseNumber()
		var v map[string]any
		if err := dec.Decode(&v); err != nil {
			return err
		}
		if v["draft"] == true {
			return errors.New("it is marked DRAFT; nothing made from something unsigned is handed over")
		}
		out, err := r.object(shape, "", v, w != nil, 0)
		if err != nil || w == nil {
			return err
		}
		r.counts.Records++
		enc := json.NewEncoder(w)
		enc.SetEscapeHTML(false)
		return enc.Encode(out)
	}
	if kind == Findings {
		return eachLine(rd, func(_ int, line []byte) error { return one(line) })
	}
	b, err := readDocument(kind, rd)
	if err != nil {
		return err
	}
	return one(b)
}

func (r *redaction) object(shape map[string]action, path string, in map[string]any, search bool, depth int) (map[string]any, error) {
	if depth > 32 {
		return nil, errors.New("nested too deeply")
	}
	if kind, ok := in["kind"].(string); ok && path == "nodes[]" {
		r.label = value
		switch kind {
		case "host", "computer":
			r.label = host
		case "user", "account":
			r.label = user
		}
	}
	out := map[string]any{}
	for key, v := range in {
		p := key
		if path != "" {
			p = path + "." + key
		}
		got, ok, err := r.visit(shape, p, key, v, search, depth)
		if err != nil {
			return nil, err
		}
		if ok {
			out[key] = got
		} else {
			r.counts.Dropped++
		}
	}
	return out, nil
}

func (r *redaction) visit(shape map[string]action, path, key string, v any, search bool, depth int) (any, bool, error) {
	switch x := v.(type) {
	case map[string]any:
		if !hasPrefix(shape, path+".") {
			return nil, false, nil
		}
		out, err := r.object(shape, path, x, search, depth+1)
		return out, err == nil, err
	case []any:
		if !hasPrefix(shape, path+"[]") && !hasPrefix(shape, wildcard(path)+"[]") {
			return nil, false, nil
		}
		out := []any{}
		for _, el := range x {
			got, ok, err := r.visit(shape, path+"[]", key, el, search, depth+1)
			if err != nil {
				return nil, false, err
			}
			if ok {
				out = append(out, got)
			}
		}
		return out, true, nil
	}
	a, ok := shape[path]
	if !ok {
		a = shape[wildcard(path)]
	}
	return r.scalar(a, path, key, v, search)
}

// wildcard replaces the last key of a path by "*".
func wildcard(path string) string {
	bare, list := strings.CutSuffix(path, "[]")
	i := strings.LastIndexByte(bare, '.')
	if i < 0 {
		return ""
	}
	bare = bare[:i] + ".*"
	if list {
		bare += "[]"
	}
	return bare
}

func hasPrefix(shape map[string]action, prefix string) bool {
	for p := range shape {
		if strings.HasPrefix(p, prefix) {
			return true
		}
	}
	return false
}

func (r *redaction) scalar(a action, path, key string, v any, search bool) (any, bool, error) {
	if a == drop || a == raw && !r.policy.KeepEvents {
		return nil, false, nil
	}
	if path == "nodes[].label" {
		a = r.label
	}
	s, isText := v.(string)
	if !isText {
		if n, ok := v.(json.Number); ok && (a == value || a == raw) {
			return r.owned(n.String(), json.Number(n))
		}
		if a == keep || v == nil || a == value || a == raw {
			return v, true, nil // numbers, booleans, null
		}
		return nil, false, nil
	}
	if strings.TrimSpace(s) == "" {
		return s, true, nil
	}
	switch a {
	case keep:
		return s, true, r.search(search, path, s)
	case text:
		if !r.policy.KeepText {
			r.counts.Withheld++
			return withheld, true, nil
		}
		return s, true, r.search(search, path, s)
	case org, host, user, file, node:
		return r.pseudonym(a, s), true, nil
	}
	if r.own[fold(s)] {
		return s, true, r.search(search, path, s)
	}
	switch named := fieldAction(key, s); named {
	case host, user:
		return r.pseudonym(named, s), true, nil
	}
	r.counts.Withheld++
	return withheld, true, nil
}

func (r *redaction) owned(s string, v any) (any, bool, error) {
	if r.own[fold(s)] {
		return v, true, nil
	}
	r.counts.Withheld++
	return withheld, true, nil
}

var (
	userField = regexp.MustCompile(`(?i)(user|account|logonname|owner|subject.*name|target.*name|\bsid$|usersid)`)
	hostField = regexp.MustCompile(`(?i)(host|computer|workstation|machine|server.*name)`)
)

// fieldAction says whether a field names a host or a user of the victim. Addresses of private ranges are hosts.
func fieldAction(key, s string) action {
	switch {
	case hostField.MatchString(key):
		return host
	case userField.MatchString(key):
		return user
	}
	if a, err := netip.ParseAddr(s); err == nil && (a.IsPrivate() || a.IsLinkLocalUnicast()) {
		return host
	}
	return value
}

var sorts = map[action]string{org: "member", host: "host", user: "user", file: "file", node: "node"}

func (r *redaction) pseudonym(a action, s string) string {
	r.counts.Pseudonymised++
	f := fold(s)
	if r.allow[f] {
		return s
	}
	switch a {
	case org, host, user:
		r.remember(f)
	}
	if a == host {
		if label, _, ok := strings.Cut(f, "."); ok {
			if _, err := netip.ParseAddr(f); err != nil {
				r.remember(label) // the same host without its domain
			}
		}
	}
	if a == user {
		if i := strings.LastIndexByte(f, '\\'); i >= 0 {
			r.remember(f[i+1:])
		} else if name, _, ok := strings.Cut(f, "@"); ok {
			r.remember(name)
		}
	}
	return r.ps.Of(sorts[a], s)
}

// everywhere lists names that every organisation has and that therefore give nothing away.
var everywhere = []string{"system", "administrator", "root", "admin", "localhost", "guest", "anonymous", "nobody", "local service", "network service", "unknown"}

func (r *redaction) remember(name string) {
	if len(name) < 3 || slices.Contains(everywhere, name) || r.allow[name] {
		return
	}
	if strings.IndexFunc(name, separates) < 0 {
		r.names[name] = true
	} else {
		r.multi[name] = true
	}
}

func separates(c rune) bool {
	return !unicode.IsLetter(c) && !unicode.IsDigit(c) && c != '_' && c != '-'
}

// LeakError says that a name which was to be replaced is left in what was to leave.
type LeakError struct {
	Path string // where in the document
	Name string
}

func (e *LeakError) Error() string {
	return fmt.Sprintf("%s would still hold the name %q; let the policy allow it, if its owner approved, or correct the document", e.Path, e.Name)
}

var base64Run = regexp.MustCompile(`[A-Za-z0-9+/_-]{12,}={0,2}`)

// search looks for replaced names in a text that is about to leave, also inside base64 and UTF-16.
func (r *redaction) search(really bool, path, s string) error {
	if !really {
		return nil
	}
	if name := r.find(s); name != "" {
		return &LeakError{path, name}
	}
	for _, run := range base64Run.FindAllString(s, 64) {
		clean := strings.NewReplacer("-", "+", "_", "/", "=", "").Replace(run)
		for off := 0; off < 4 && off < len(clean); off++ { // a name may begin within a longer run
			part := clean[off:]
			b, err := base64.RawStdEncoding.DecodeString(part[:len(part)/4*4])
			if err != nil {
				continue
			}
			for _, text := range []string{string(b), string(bytes.ReplaceAll(b, []byte{0}, nil))} {
				if name := r.find(text); name != "" {
					return &LeakError{path, name}
				}
			}
		}
	}
	return nil
}

func (r *redaction) find(s string) string {
	f := strings.ToLower(strings.ReplaceAll(s, "\x00", ""))
	for word := range strings.FieldsFuncSeq(f, separates) {
		if r.names[word] {
			return word
		}
	}
	for name := range r.multi {
		if strings.Contains(f, name) {
			return name
		}
	}
	return ""
}
