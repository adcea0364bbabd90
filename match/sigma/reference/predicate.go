package reference

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/contrail-ir/contrail/match/sigma"
)

// predicate decides on the elements of one field of an event, or on all values of it.
type predicate func(e *Event, vs []*Value, names nameMap) bool

// anyElement lifts a decision on one value to a list: a positive predicate holds when it holds for any element.
func anyElement(holds func(v *Value) bool) predicate {
	return func(_ *Event, vs []*Value, _ nameMap) bool {
		for _, v := range vs {
			if !v.Null && holds(v) {
				return true
			}
		}
		return false
	}
}

func (o operand) predicate(keyword bool) (predicate, error) {
	if keyword {
		switch o.kind {
		case isString, isRegexp:
		case isNumber, isBool:
			o.kind, o.alts = isString, [][]part{{{text: o.text}}}
		default:
			return nil, fmt.Errorf("%q cannot be sought in a whole event; name a field", o.text)
		}
	}
	switch o.kind {
	case isString:
		for _, alt := range o.alts {
			if err := usable(alt, keyword); err != nil {
				return nil, err
			}
		}
		return o.stringPredicate(keyword), nil
	case isNumber:
		return compare(o.num, func(c int) bool { return c == 0 }), nil
	case isBool:
		text := foldAll([]rune("false"))
		if o.yes {
			text = foldAll([]rune("true"))
		}
		return anyElement(func(v *Value) bool { return slices.Equal(v.runes(false), text) }), nil
	case isNull:
		return func(_ *Event, vs []*Value, _ nameMap) bool {
			for _, v := range vs {
				if v.Null {
					return true
				}
			}
			return len(vs) == 0
		}, nil
	case isRegexp:
		return o.regexpPredicate()
	case isCIDR:
		return cidr(o.text)
	case isFieldRef:
		return o.fieldRef(), nil
	case isExists:
		return func(_ *Event, vs []*Value, _ nameMap) bool { return (len(vs) > 0) == o.yes }, nil
	case isCompare:
		return compare(o.num, ordering(o.word)), nil
	case isTimePart:
		return o.timePart(), nil
	}
	return nil, errors.New("a value of no kind")
}

// usable refuses what cannot stand in a value, which is text, and a keyword that stands in every value.
func usable(ps []part, keyword bool) error {
	empty := true
	for _, p := range ps {
		if p.wild == 0 && !utf8.ValidString(p.text) {
			return errors.New("the encoded value is not text")
		}
		empty = empty && (p.wild == '*' || p.wild == 0 && p.text == "")
	}
	if keyword && empty {
		return errors.New("the keyword is empty")
	}
	return nil
}

// stringPredicate matches the whole value; a keyword may stand anywhere in a value.
func (o operand) stringPredicate(keyword bool) predicate {
	var patterns [][]symbol
	for _, alt := range o.alts {
		if keyword {
			alt = append(append([]part{{wild: '*'}}, alt...), part{wild: '*'})
		}
		patterns = append(patterns, symbols(alt, o.cased))
	}
	return anyElement(func(v *Value) bool {
		text := v.runes(o.cased)
		for _, p := range patterns {
			if matchWhole(p, text) {
				return true
			}
		}
		return false
	})
}

// regexpPredicate searches: an expression without anchors matches anywhere.
func (o operand) regexpPredicate() (predicate, error) {
	if o.raw == nil {
		o.raw = []string{o.text}
	}
	var any []*regexp.Regexp
	for _, expr := range o.raw {
		if o.flags != "" {
			expr = "(?" + o.flags + ")" + expr
		}
		re, err := regexp.Compile(expr)
		if err != nil {
			return nil, err
		}
		any = append(any, re)
	}
	return anyElement(func(v *Value) bool {
		for _, re := range any {
			if re.MatchString(v.Text) {
				return true
			}
		}
		return false
	}), nil
}

// compare compares numbers; what is no number fits nothing.
func compare(want sigma.Number, fits func(int) bool) predicate {
	return anyElement(func(v *Value) bool {
		n, ok := sigma.NumberOf([]byte(v.Text))
		return ok && fits(n.Compare(want))
	})
}

func ordering(word string) func(int) bool {
	return func(c int) bool {
		switch word {
		case "lt":
			return c < 0
		case "lte":
			return c <= 0
		case "gt":
			return c > 0
		case "gte":
			return c >= 0
		}
		return c == 0
	}
}

// cidr matches addresses of the network. An IPv4 address mapped into IPv6 is the IPv4 address; zones are ignored.
func cidr(text string) (predicate, error) {
	if !strings.Contains(text, "/") {
		a, err := netip.ParseAddr(text)
		if err != nil {
			return nil, err
		}
		text = netip.PrefixFrom(a, a.BitLen()).String()
	}
	net, err := netip.ParsePrefix(text)
	if err != nil {
		return nil, err
	}
	if net.Masked() != net {
		return nil, fmt.Errorf("%s has bits behind its prefix", text)
	}
	if net.Addr().Is4In6() {
		if net.Bits() < 96 {
			return nil, fmt.Errorf("%s is a network of both versions", text)
		}
		net = netip.PrefixFrom(net.Addr().Unmap(), net.Bits()-96)
	}
	return anyElement(func(v *Value) bool {
		a, err := netip.ParseAddr(v.Text)
		return err == nil && net.Contains(a.Unmap().WithZone(""))
	}), nil
}

// fieldRef compares two fields of the event, any element with any.
func (o operand) fieldRef() predicate {
	return func(e *Event, vs []*Value, names nameMap) bool {
		for _, v := range present(vs) {
			for _, field := range o.fields {
				for _, w := range present(e.Fields[names(field)]) {
					if stands(v.runes(o.cased), w.runes(o.cased), o.front, o.back) {
						return true
					}
				}
			}
		}
		return false
	}
}

// stands says whether b is somewhere in a with text before it only if front, and behind it only if back.
func stands(a, b []rune, front, back bool) bool {
	for i := 0; i+len(b) <= len(a); i++ {
		if slices.Equal(a[i:i+len(b)], b) && (front || i == 0) && (back || i+len(b) == len(a)) {
			return true
		}
	}
	return false
}

// timePart takes a part of the date in the field, in the zone that the field itself names.
func (o operand) timePart() predicate {
	fits := ordering(o.flags)
	return anyElement(func(v *Value) bool {
		t, ok := parseTime(v.Text)
		if !ok {
			return false
		}
		part := 0
		switch o.word {
		case "minute":
			part = t.Minute()
		case "hour":
			part = t.Hour()
		case "day":
			part = t.Day()
		case "week":
			_, part = t.ISOWeek()
		case "month":
			part = int(t.Month())
		case "year":
			part = t.Year()
		}
		n, _ := sigma.NumberOf(fmt.Appendf(nil, "%d", part))
		return fits(n.Compare(o.num))
	})
}

func parseTime(text string) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999Z07:00", "2006-01-02 15:04:05.999999999", "2006-01-02T15:04:05.999999999Z0700", "2006-01-02"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}
