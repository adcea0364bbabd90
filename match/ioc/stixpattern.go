package ioc

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/contrail-ir/contrail/stix/pattern"
)

func quoted(s string) string {
	if len(s) > 60 {
		s = strings.ToValidUTF8(s[:60], "") + "…"
	}
	return strconv.Quote(s)
}

// comparison gives the expression of a comparison. Of an OR, what cannot be decided is left out and told; an AND needs all its parts.
func (r *reader) comparison(id string, c pattern.Comparison) (*Expression, error) {
	switch c := c.(type) {
	case *pattern.Test:
		return testExpression(c)
	case *pattern.Logical:
		var parts []*Expression
		var why error
		for _, t := range c.Terms {
			if c.Op == pattern.And && implied(t, c.Terms) {
				continue
			}
			x, err := r.comparison(id, t)
			if err != nil {
				if c.Op == pattern.And {
					return nil, err
				}
				why = err
				r.refuseFor(id, "left out of the pattern: ", err)
			}
			parts = append(parts, x)
		}
		if x := join(c.Op == pattern.And, parts); x != nil {
			return x, nil
		}
		return nil, why
	}
	return nil, errors.New("an unknown comparison")
}

func testExpression(t *pattern.Test) (*Expression, error) {
	path := t.Path.String()
	kind := kindOfPath(t.Path)
	if kind == 0 || asksOfField(t) {
		c, err := newCondition(t)
		if err != nil {
			return nil, err
		}
		return &Expression{Condition: c}, nil
	}
	one := func(how How, l pattern.Literal) (*Expression, error) {
		text, err := literalText(property{part: map[bool]valuePart{true: digestPart}[kind == Hash || kind == Certificate]}, l)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		if how == Pattern && t.Op == pattern.Like {
			if !strings.ContainsAny(text, "%_") {
				how = Is
			} else {
				text = likeToRegexp(text)
			}
		}
		k := kind
		if k == Address || k == Domain { // references lead to either
			if looksLike(Address, text) {
				k = Address
			} else if how == Is && strings.HasSuffix(path, "_ref.value") {
				k = Domain
			}
		}
		term, err := Canonical(k, how, text)
		if err != nil {
			return nil, fmt.Errorf("%s %s %s: %w", path, t.Op, quoted(text), err)
		}
		return &Expression{Term: term}, nil
	}
	switch t.Op {
	case pattern.Eq:
		return one(Is, t.Value)
	case pattern.In:
		var parts []*Expression
		for _, l := range t.Set {
			x, err := one(Is, l)
			if err != nil {
				return nil, err
			}
			parts = append(parts, x)
		}
		if x := join(false, parts); x != nil {
			return x, nil
		}
		return nil, fmt.Errorf("%s IN () matches nothing", path)
	case pattern.Like, pattern.Matches:
		return one(Pattern, t.Value)
	case pattern.IsSubset:
		if kind != Address {
			return nil, fmt.Errorf("%s ISSUBSET is about networks", path)
		}
		return one(Is, t.Value)
	case pattern.IsSuperset:
		x, err := one(Is, t.Value)
		if err != nil {
			return nil, err
		}
		if kind != Address || strings.Contains(x.Term.Value, "/") {
			return nil, unshown{fmt.Errorf("%s ISSUPERSET asks for a network that holds %s: events hold addresses", path, t.Value)}
		}
		return x, nil
	}
	return nil, fmt.Errorf("%s %s is not decided from logs", path, t.Op)
}

// asksOfField says whether a comparison is about one field's value, and not about a value wherever it stands.
func asksOfField(t *pattern.Test) bool {
	number := func(l pattern.Literal) bool {
		return l.Kind != pattern.String && l.Kind != pattern.Hex && l.Kind != pattern.Binary
	}
	switch t.Op {
	case pattern.Ne, pattern.Lt, pattern.Le, pattern.Gt, pattern.Ge, pattern.Exists:
		return true
	case pattern.In:
		return t.Not || slices.ContainsFunc(t.Set, number)
	}
	return t.Not || number(t.Value)
}

// kindOfPath maps an object path to what it is in a log, 0 for what logs do not hold.
func kindOfPath(p pattern.Path) Kind {
	object, names := dereferenced(p)
	path := strings.Join(names, ".")
	last := names[len(names)-1]
	if names[0] == "hashes" || strings.Contains(path, ".hashes.") || strings.HasPrefix(path, "cert.") {
		if strings.Contains(last, "ssdeep") || strings.Contains(last, "tlsh") {
			return 0
		}
		return Hash
	}
	switch object {
	case "ipv4-addr", "ipv6-addr":
		return when(path == "value", Address)
	case "mac-addr":
		return when(path == "value", Text)
	case "domain-name":
		return when(path == "value" || path == "resolves_to_refs.value", Domain)
	case "url":
		return when(path == "value", URL)
	case "file":
		switch path {
		case "name", "content_ref.name":
			return FileName
		case "path":
			return FilePath
		case "parent_directory_ref.path":
			return Directory
		}
		return when(strings.HasSuffix(path, "pe.imphash") || strings.HasSuffix(path, ".imphash"), Hash)
	case "directory":
		return when(path == "path", Directory)
	case "email-addr":
		switch path {
		case "value":
			return Email
		case "display_name":
			return Text
		}
	case "email-message":
		switch {
		case strings.HasSuffix(path, "_ref.value"), strings.HasSuffix(path, "_refs.value"):
			return Email
		case path == "subject", path == "body", strings.HasPrefix(path, "additional_header_fields."), path == "message_id":
			return Text
		}
	case "network-traffic":
		switch {
		case strings.HasSuffix(path, "user-agent"):
			return UserAgent
		case path == "src_ref.value" || path == "dst_ref.value":
			return Address
		case strings.HasSuffix(path, "request_header.host"), strings.HasSuffix(path, "request_header.'host'"):
			return Domain
		case strings.HasSuffix(path, "request_value"):
			return Text
		}
	case "windows-registry-key":
		switch path {
		case "key":
			return Registry
		case "values.name", "values.data":
			return Text
		}
	case "mutex":
		return when(path == "name", Mutex)
	case "process":
		switch path {
		case "name", "binary_ref.name", "image_ref.name":
			return Process
		case "command_line":
			return CommandLine
		case "cwd", "image_ref.parent_directory_ref.path", "binary_ref.parent_directory_ref.path":
			return Directory
		case "extensions.windows-service-ext.service_name", "extensions.windows-service-ext.display_name":
			return Text
		}
	case "x509-certificate":
		switch path {
		case "serial_number":
			return Certificate
		case "issuer", "subject":
			return Text
		}
	case "user-account":
		return when(path == "user_id" || path == "account_login" || path == "display_name", Text)
	case "app":
		return when(path == "id", Application)
	case "android-property", "configuration-profile":
		return when(path == "name" || path == "id", Text)
	case "artifact":
		return when(path == "url", URL)
	}
	return 0
}

func when(ok bool, k Kind) Kind {
	if ok {
		return k
	}
	return 0
}
