package sigma

import (
	"bytes"
	"fmt"
	"net/netip"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/contrail-ir/contrail/match/internal/automaton"
)

type testKind uint8

const (
	testEqual    testKind = iota // whole value
	testPrefix                   // value begins with text
	testSuffix                   // value ends with text
	testContains                 // value has text somewhere
	testGlob                     // pattern with wildcards
	testAny                      // any value at all, the empty one too
	testRegexp
	testNumber // number compared with op
	testCIDR
	testTimePart // part of a time compared with op
	testNull     // absent or null
	testExists   // not absent
	testAbsent   // absent
)

// test is one value of an item with its modifiers applied: a question to one value of one field.
type test struct {
	kind  testKind
	cased bool
	text  string // literal of the text kinds, folded unless cased; source of a regular expression
	*testDetail
}

// testDetail is what the rarer kinds need besides.
type testDetail struct {
	glob    *glob
	re      *automaton.Automaton
	needs   needs
	needles []string // testGlob and testRegexp: folded literals of which one must be in the folded value; nil unknown
	op      BoundOp
	number  Number
	prefix  netip.Prefix
	part    string // minute, hour, day, week, month, year
}

// key tells tests apart: equal keys, equal tests.
func (t *test) key() string {
	if t.testDetail == nil {
		return fmt.Sprintf("%d|%t|%q", t.kind, t.cased, t.text)
	}
	return fmt.Sprintf("%d|%t|%q|%s|%s|%s|%s", t.kind, t.cased, t.text, t.op, t.number, t.prefix, t.part)
}

// ascii says whether the test can hold for a value that is all ASCII.
func (t *test) ascii() bool {
	switch t.kind {
	case testEqual, testPrefix, testSuffix, testContains:
		return isASCII(t.text)
	case testGlob:
		for _, p := range t.glob.pieces {
			for _, token := range p.tokens {
				if !isASCII(token.Text) {
					return false
				}
			}
		}
	}
	return true
}

// newTextTest makes the cheapest test that means the pattern.
func newTextTest(p Pattern, cased bool) test {
	folded := make(Pattern, len(p))
	for i, t := range p {
		if !cased {
			t.Text = foldString(t.Text)
		}
		folded[i] = t
	}
	p = folded
	t := test{cased: cased}
	star := func(i int) bool { return p[i].Wild == '*' }
	lit := func(i int) bool { return p[i].Wild == 0 }
	switch {
	case len(p) == 0:
		t.kind = testEqual
	case len(p) == 1 && lit(0):
		t.kind, t.text = testEqual, p[0].Text
	case len(p) == 1 && star(0):
		t.kind = testAny
	case len(p) == 2 && lit(0) && star(1):
		t.kind, t.text = testPrefix, p[0].Text
	case len(p) == 2 && star(0) && lit(1):
		t.kind, t.text = testSuffix, p[1].Text
	case len(p) == 3 && star(0) && lit(1) && star(2):
		t.kind, t.text = testContains, p[1].Text
	default:
		t.kind, t.text, t.testDetail = testGlob, p.String(), &testDetail{glob: newGlob(p)}
		for _, token := range p {
			if token.Wild == 0 {
				needle := token.Text
				if cased {
					needle = foldString(needle)
				}
				if t.needles == nil || rarity(needle) > rarity(t.needles[0]) {
					t.needles = []string{needle}
				}
			}
		}
	}
	return t
}

// match asks a value that is neither absent nor null. folded is raw folded.
func (t *test) match(raw, folded []byte) bool {
	s := folded
	if t.cased {
		s = raw
	}
	switch t.kind {
	case testEqual:
		return string(s) == t.text
	case testPrefix:
		return len(s) >= len(t.text) && string(s[:len(t.text)]) == t.text
	case testSuffix:
		return len(s) >= len(t.text) && string(s[len(s)-len(t.text):]) == t.text
	case testContains:
		return bytes.Contains(s, []byte(t.text))
	case testGlob:
		return t.glob.match(s)
	case testAny, testExists:
		return true
	case testRegexp:
		return t.needs.met(folded) && t.expression(raw)
	case testNumber:
		n, ok := NumberOf(raw)
		return ok && compares(t.op, n.Compare(t.number))
	case testCIDR:
		return inNetwork(t.prefix, raw)
	case testTimePart:
		n, ok := timePart(t.part, raw)
		return ok && compares(t.op, NumberOfInt(n).Compare(t.number))
	}
	return false
}

// expression runs a regular expression: the dearest of tests, not without need.
func (t *test) expression(raw []byte) bool {
	if t.needs.line > 0 { // counting is a thousand times faster than the automaton of .{1000,}
		return hasLine(raw, t.needs.line)
	}
	return len(raw) >= t.needs.bytes && t.re.Match(raw)
}

func compares(op BoundOp, c int) bool {
	switch op {
	case LessThan:
		return c < 0
	case LessOrEqual:
		return c <= 0
	case GreaterThan:
		return c > 0
	case GreaterOrEqual:
		return c >= 0
	case Equal:
		return c == 0
	case NotEqual:
		return c != 0
	}
	return false
}

// NumberOfInt gives the number of an integer.
func NumberOfInt(n int) Number {
	if n < 0 {
		return Number{negative: true, size: uint64(-int64(n))}
	}
	return Number{size: uint64(n)}
}

// inNetwork reads the value as an address. An IPv4 address written inside IPv6 (::ffff:10.0.0.1) is that IPv4 address,
// and a zone does not matter.
func inNetwork(prefix netip.Prefix, raw []byte) bool {
	if len(raw) < 2 || len(raw) > 64 || !utf8.Valid(raw) {
		return false
	}
	a, err := netip.ParseAddr(string(raw))
	return err == nil && prefix.Contains(a.WithZone("").Unmap())
}

// timeLayouts are the forms of time that logs use. Zones are not converted: the parts are those that were written.
var timeLayouts = []string{
	time.RFC3339Nano, "2006-01-02 15:04:05.999999999", "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05Z07:00", "2006-01-02T15:04:05.999999999Z0700", "2006-01-02",
}

func timePart(part string, raw []byte) (int, bool) {
	if len(raw) < 10 || len(raw) > 40 {
		return 0, false
	}
	for _, layout := range timeLayouts {
		t, err := time.Parse(layout, string(raw))
		if err != nil {
			continue
		}
		switch part {
		case "minute":
			return t.Minute(), true
		case "hour":
			return t.Hour(), true
		case "day":
			return t.Day(), true
		case "week":
			_, week := t.ISOWeek()
			return week, true
		case "month":
			return int(t.Month()), true
		case "year":
			return t.Year(), true
		}
	}
	return 0, false
}

// parseNetwork reads a network as strictly as pySigma: no bits beyond the prefix; an address is a network of one.
func parseNetwork(text string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(text); err == nil && a.Zone() == "" {
		return netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen()), nil
	}
	p, err := netip.ParsePrefix(text)
	if err != nil {
		return p, fmt.Errorf("%s is not a network; write for example 10.0.0.0/8", strconv.Quote(text))
	}
	if p.Masked() != p {
		return p, fmt.Errorf("%s has bits beyond its prefix; write %s", strconv.Quote(text), p.Masked())
	}
	if p.Addr().Is4In6() {
		if p.Bits() < 96 {
			return p, fmt.Errorf("%s reaches beyond the mapped IPv4 addresses; write the IPv4 network", strconv.Quote(text))
		}
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p, nil
}
