package reference

import (
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/contrail-ir/contrail/match/sigma"
)

// kind says what the modifiers so far have made of a value.
type kind uint8

const (
	isString kind = iota
	isNumber
	isBool
	isNull
	isRegexp
	isCIDR
	isFieldRef
	isExists
	isCompare
	isTimePart
)

// operand is one value of an item on its way through the modifiers.
type operand struct {
	kind   kind
	text   string       // as written
	raw    []string     // the text with its placeholders expanded, for re; nil is text alone
	alts   [][]part     // isString: alternatives
	num    sigma.Number // isNumber, isCompare, isTimePart
	yes    bool         // isBool, isExists
	fields []string     // isFieldRef: any of them
	word   string       // isCompare: operator; isTimePart: unit
	cased,
	front, back bool // isFieldRef: text may stand before, behind
	flags string // isRegexp: of i, m, s; isTimePart: operator
}

func operandOf(v sigma.Value) operand {
	o := operand{text: v.Text, num: v.Number, yes: v.Bool}
	switch v.Kind {
	case sigma.NumberValue:
		o.kind = isNumber
	case sigma.BoolValue:
		o.kind = isBool
	case sigma.NullValue:
		o.kind = isNull
	default:
		o.alts = [][]part{parseString(v.Text)}
	}
	return o
}

// item reads one line of a selection.
func item(it *sigma.Item, opt Options) (test, error) {
	if len(it.Values) == 0 { // an empty list is null, as in pySigma
		if it.Field == "" {
			return nil, errors.New("a keyword list is empty")
		}
		it = &sigma.Item{Field: it.Field, Modifiers: it.Modifiers, Values: []sigma.Value{{Kind: sigma.NullValue}}}
	}
	all, negate := false, false
	for _, m := range it.Modifiers {
		all = all || m == "all"
		negate = negate || m == "neq"
	}
	var values []test
	for _, v := range it.Values {
		o := operandOf(v)
		var applied []string
		for _, m := range it.Modifiers {
			if m == "all" || m == "neq" {
				continue
			}
			var err error
			if o, err = modify(o, m, applied, opt); err != nil {
				return nil, fmt.Errorf("%s|%s: %w", it.Field, strings.Join(it.Modifiers, "|"), err)
			}
			applied = append(applied, m)
		}
		p, err := o.predicate(it.Field == "")
		if err != nil {
			return nil, fmt.Errorf("%s: %w", it.Field, err)
		}
		values = append(values, onField(it.Field, p))
	}
	t := anyOf(values)
	if all {
		t = allOf(values)
	}
	if negate {
		t = not(t)
	}
	return t, nil
}

// onField hands the elements of the field, or for keywords every value of the event, to the predicate.
func onField(field string, p predicate) test {
	return func(e *Event, names nameMap) bool {
		if field == "" {
			return p(e, e.all, names)
		}
		return p(e, e.Fields[names(field)], names)
	}
}

func modify(o operand, m string, applied []string, opt Options) (operand, error) {
	wrong := fmt.Errorf("the modifier %s cannot follow %v on the value %q", m, applied, o.text)
	// Numbers and truth values are strings to the modifiers of strings.
	asString := func() bool {
		if o.kind == isNumber || o.kind == isBool {
			o.kind, o.alts = isString, [][]part{{{text: o.text}}}
		}
		return o.kind == isString
	}
	switch m {
	case "contains", "startswith", "endswith":
		front, back := m != "startswith", m != "endswith"
		switch {
		case o.kind == isFieldRef:
			o.front, o.back = o.front || front, o.back || back
		case asString():
			for i, alt := range o.alts {
				if front {
					alt = append([]part{{wild: '*'}}, alt...)
				}
				if back {
					alt = append(append([]part(nil), alt...), part{wild: '*'})
				}
				o.alts[i] = alt
			}
		default:
			return o, wrong
		}
	case "cased":
		if o.kind != isFieldRef && !asString() {
			return o, wrong
		}
		o.cased = true
	case "windash":
		if !asString() {
			return o, wrong
		}
		for i := range o.alts {
			o.alts[i] = freeDashes(o.alts[i])
		}
	case "base64", "base64offset", "utf16", "utf16le", "utf16be", "wide":
		if !asString() {
			return o, wrong
		}
		return encode(o, m)
	case "re":
		if len(applied) > 0 && (len(applied) > 1 || applied[0] != "expand") || !asString() {
			return o, wrong
		}
		o.kind = isRegexp
	case "i", "m", "s", "ignorecase", "multiline", "dotall":
		if o.kind != isRegexp {
			return o, wrong
		}
		flag := map[string]string{"ignorecase": "i", "multiline": "m", "dotall": "s"}[m]
		if flag == "" {
			flag = m
		}
		o.flags += flag
	case "cidr":
		if o.kind != isString || len(applied) > 0 {
			return o, wrong
		}
		o.kind = isCIDR
	case "exists":
		if o.kind != isBool || len(applied) > 0 {
			return o, wrong
		}
		o.kind = isExists
	case "fieldref":
		if !asString() || slices.ContainsFunc(applied, func(m string) bool { return m != "expand" && m != "cased" }) {
			return o, wrong
		}
		for _, alt := range o.alts {
			name := ""
			for _, p := range alt {
				if p.wild != 0 {
					return o, fmt.Errorf("a field reference has no wildcards: %q", o.text)
				}
				name += p.text
			}
			if name == "" {
				return o, wrong
			}
			o.fields = append(o.fields, name)
		}
		o.kind = isFieldRef
	case "lt", "lte", "gt", "gte":
		if o.kind == isTimePart {
			o.flags = m
			return o, nil
		}
		if o.kind != isNumber {
			return o, wrong
		}
		o.kind, o.word = isCompare, m
	case "minute", "hour", "day", "week", "month", "year":
		if f := o.num.Float(); o.kind != isNumber || f != math.Trunc(f) {
			return o, wrong
		}
		o.kind, o.word = isTimePart, m
	case "expand":
		if o.kind != isRegexp && !asString() {
			return o, wrong
		}
		for _, m := range applied {
			if o.kind != isRegexp && m != "contains" && m != "startswith" && m != "endswith" && m != "cased" {
				return o, wrong
			}
		}
		o, err := expand(o, opt)
		for _, m := range applied { // again, on the new text
			if err == nil && o.kind != isRegexp {
				o, err = modify(o, m, nil, opt)
			}
		}
		return o, err
	default:
		return o, fmt.Errorf("the modifier %q is not known", m)
	}
	return o, nil
}

// freeDashes marks each hyphen or slash that begins a word and follows none: "-param-name" has one.
func freeDashes(ps []part) []part {
	var out []part
	for _, p := range ps {
		if p.wild != 0 {
			out = append(out, p)
			continue
		}
		rs := []rune(p.text)
		if !utf8.ValidString(p.text) {
			out = append(out, p)
			continue
		}
		for i, r := range rs {
			beforeIsWord := i > 0 && wordRune(rs[i-1])
			afterIsWord := i+1 < len(rs) && wordRune(rs[i+1])
			if isDash(r) && !beforeIsWord && afterIsWord {
				out = append(out, part{wild: anyDash, text: string(r)})
			} else {
				out = appendText(out, string(r))
			}
		}
	}
	return out
}

func isDash(r rune) bool {
	for _, d := range dashes {
		if string(r) == d {
			return true
		}
	}
	return false
}

func wordRune(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsNumber(r) }

// maxSpellings bounds the spellings of one value under windash and an encoding together.
const maxSpellings = 625

// spell writes every permutation of the dashes out, which the encodings need.
func spell(ps []part) ([][]part, error) {
	out := [][]part{nil}
	for _, p := range ps {
		choices := []part{p}
		if p.wild == anyDash {
			choices = nil
			for _, d := range dashes {
				choices = append(choices, part{text: d})
			}
		}
		var next [][]part
		for _, so := range out {
			for _, c := range choices {
				grown := append([]part(nil), so...)
				if c.wild == 0 {
					grown = appendText(grown, c.text)
				} else {
					grown = append(grown, c)
				}
				next = append(next, grown)
			}
		}
		if out = next; len(out) > maxSpellings {
			return nil, fmt.Errorf("more than %d spellings of the dashes", maxSpellings)
		}
	}
	return out, nil
}

// encode applies the encodings. Wildcards survive UTF-16, where they stand for characters of the event, but not
// Base64, whose letters depend on their neighbours.
func encode(o operand, m string) (operand, error) {
	var out [][]part
	for _, alt := range o.alts {
		spelled, err := spell(alt)
		if err != nil {
			return o, err
		}
		for _, ps := range spelled {
			if strings.HasPrefix(m, "base64") {
				plain := ""
				for _, p := range ps {
					if p.wild != 0 {
						return o, fmt.Errorf("a value with wildcards cannot be encoded as Base64")
					}
					plain += p.text
				}
				for _, text := range inBase64(plain, m == "base64offset") {
					if text == "" && m == "base64offset" {
						return o, fmt.Errorf("%q is too short: at some offset none of its letters is certain", plain)
					}
					out = append(out, []part{{text: text}})
				}
				continue
			}
			var wide []part
			if m == "utf16" {
				wide = appendText(wide, "\xff\xfe")
			}
			for _, p := range ps {
				if p.wild != 0 {
					wide = append(wide, p)
					continue
				}
				if !utf8.ValidString(p.text) {
					return o, fmt.Errorf("a value that is not text cannot be encoded as UTF-16")
				}
				for _, unit := range utf16.Encode([]rune(p.text)) {
					b := []byte{byte(unit), byte(unit >> 8)}
					if m == "utf16be" {
						b[0], b[1] = b[1], b[0]
					}
					wide = appendText(wide, string(b))
				}
			}
			out = append(out, wide)
		}
	}
	o.alts = out
	return o, nil
}

// inBase64 encodes a text, or gives the part of its encoding at each of the three offsets that does not depend on what
// stands before and after it.
func inBase64(s string, offsets bool) []string {
	if !offsets {
		return []string{base64.StdEncoding.EncodeToString([]byte(s))}
	}
	var out []string
	for offset := range 3 {
		whole := base64.StdEncoding.EncodeToString([]byte(strings.Repeat(" ", offset) + s))
		// A letter holds six bits. Those that hold a bit before or behind the text are cut.
		first := (offset*8 + 5) / 6
		last := (offset + len(s)) * 8 / 6
		if first > last {
			last = first
		}
		out = append(out, whole[first:last])
	}
	return out
}

// expand replaces %name% by its values; a backslash before the percent sign makes it plain.
func expand(o operand, opt Options) (operand, error) {
	o.raw = []string{""}
	for _, p := range placeholders(o.text) {
		choices := []string{p.text}
		if p.name {
			var ok bool
			if choices, ok = opt.Placeholders[p.text]; !ok || len(choices) == 0 {
				return o, fmt.Errorf("the placeholder %%%s%% has no values", p.text)
			}
		}
		var next []string
		for _, so := range o.raw {
			for _, c := range choices {
				next = append(next, so+c)
			}
		}
		o.raw = next
	}
	if o.kind == isString {
		o.alts = nil
		for _, text := range o.raw {
			o.alts = append(o.alts, parseString(text))
		}
	}
	return o, nil
}

type piece struct {
	text string
	name bool // a placeholder, not text
}

func placeholders(s string) []piece {
	var out []piece
	for s != "" {
		at := strings.IndexByte(s, '%')
		switch {
		case at < 0:
			return append(out, piece{text: s})
		case at > 0 && s[at-1] == '\\':
			out = append(out, piece{text: s[:at-1] + "%"})
			s = s[at+1:]
			continue
		}
		end := strings.IndexByte(s[at+1:], '%')
		if end <= 0 {
			out = append(out, piece{text: s[:at+1]})
			s = s[at+1:]
			continue
		}
		out = append(out, piece{text: s[:at]}, piece{text: s[at+1 : at+1+end], name: true})
		s = s[at+end+2:]
	}
	return out
}
