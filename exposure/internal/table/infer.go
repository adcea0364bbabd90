package table

import (
	"bytes"
	"iter"
	"math/bits"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/contrail-ir/contrail/exposure/internal/identifier"
)

// Type is what a column holds.
type Type uint8

// The types of column.
const (
	Untyped Type = iota
	FullName
	Surname
	GivenName
	Birth
	DocumentNumber
	DocumentIssuer
	Nationality
	NationalID
	Locator
	Carrier
	Created
	Index
	Ticket
	Card
	FrequentFlyer
	Phone
	Email
	Origin
	Destination
	TravelDate
	Street
	City
	types int = iota
)

var typeNames = [types]string{"", "full name", "surname", "given name", "date of birth", "document number", "document issuer", "nationality",
	"national identity number", "record locator", "carrier", "booking date", "index", "ticket", "payment card", "frequent flyer",
	"telephone", "e-mail", "origin", "destination", "travel date", "street", "city"}

func (t Type) String() string { return typeNames[t] }

// Group is a set of kinds of personal field; the two name columns are one kind.
type Group uint16

// Count is how many kinds are in the set.
func (g Group) Count() int { return bits.OnesCount16(uint16(g)) }

var groupOf = [types]Group{FullName: 1, Surname: 1, GivenName: 1, Birth: 2, DocumentNumber: 4, Nationality: 8, NationalID: 16, Locator: 32,
	Ticket: 64, Card: 128, FrequentFlyer: 256, Phone: 512, Email: 1024, Street: 2048}

// anchors are the kinds of which a table of persons has at least one: nationality with a street, say,
// is statistics.
const anchors = Group(1 | 4 | 16 | 32 | 64 | 128 | 256 | 512 | 1024)

// headerIndex gives the type of a column's name, reduced to letters and digits. It is read only.
var headerIndex = headerTable()

func headerTable() map[string]Type {
	m := map[string]Type{}
	for _, words := range []map[Type]string{columnNames, columnNamesElsewhere} {
		for kind, list := range words {
			for _, w := range strings.Fields(list) {
				m[w] = kind
			}
		}
	}
	return m
}

// hint gives the type that a column's name suggests. Prefixes that only say whose field it is are
// dropped.
func hint(header string) Type {
	for range 8 {
		if t := nameHint(header); t != Untyped {
			return t
		}
		// In a path of JSON or XML the names of what only wraps a record say nothing: "_source surname", "after.passport".
		at := strings.IndexAny(header, " ./")
		if at <= 0 || !wrappers[strings.Trim(strings.ToLower(header[:at]), "_$@")] {
			return Untyped
		}
		header = header[at+1:]
	}
	return Untyped
}

var wrappers = func() map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(`source doc document documents data attributes properties fields record records row rows value values item items payload body after before new old
		object result results hit hits person persons personname name passenger passengers pax paxes customer customers traveller travellers traveler travelers guest guests
		profile details detail info personal personalinfo personaldetails contact contacts contactinfo contactdetails identity travel traveldocument traveldocuments`) {
		m[w] = true
	}
	return m
}()

func nameHint(header string) Type {
	if len(header) > 128 {
		return Untyped
	}
	var b strings.Builder
	for _, r := range header {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			b.WriteRune(unicode.ToLower(r))
		}
	}
	name := b.String()
	for range 3 {
		if t, ok := headerIndex[name]; ok {
			return t
		}
		cut := name
		for _, prefix := range []string{"passenger", "pax", "customer", "cust", "traveller", "traveler", "guest", "member", "contact", "user", "primary",
			"booking", "flight", "旅客", "乘客", "乘机人", "客户", "会员"} {
			if rest, ok := strings.CutPrefix(name, prefix); ok && rest != "" {
				cut = rest
				break
			}
		}
		if cut == name {
			return Untyped
		}
		name = cut
	}
	return Untyped
}

// infer decides the types of the columns from names and sample.
func (t *Table) infer() {
	n := len(t.headers)
	for i := range t.rows {
		n = max(n, len(t.sampled(i)))
	}
	n = min(n, maxColumns)
	t.types, t.orders = make([]Type, n), make([]identifier.Order, n)
	for c := range n {
		t.types[c] = t.inferColumn(c)
	}
	t.resolve()
	groups := Group(0)
	for _, k := range t.types {
		groups |= groupOf[k]
	}
	t.qualifies = groups.Count() >= 2 && groups&anchors != 0
	for c := range t.types {
		// Beside persons, and only where no name says otherwise: codes of six are nothing by themselves.
		if t.qualifies && t.types[c] == Untyped && (c >= len(t.headers) || t.headers[c] == "") && !slices.Contains(t.types, Locator) && t.locators(c) {
			t.types[c] = Locator
		}
	}
}

// locators says whether a column holds six capitals and digits in every row, of which many have both, as record locators do.
func (t *Table) locators(c int) bool {
	filled, mixed := 0, 0
	for v := range t.column(c) {
		filled++
		if !identifier.Locator(v) || len(v) != 6 {
			return false
		}
		if n := digits(v); n > 0 && n < len(v) {
			mixed++
		}
	}
	return filled >= 10 && mixed*3 >= filled
}

// column gives the values of a column in the sampled rows that have one.
func (t *Table) column(c int) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for r := range t.rows {
			cells := t.sampled(r)
			if c >= len(cells) {
				continue
			}
			if v := trimmed(cells[c]); len(v) > 0 && !isNull(v) && !yield(v) {
				return
			}
		}
	}
}

func (t *Table) inferColumn(c int) Type {
	filled := 0
	monthFirst, dayFirst := 0, 0
	var hits [types]int
	suggested := Untyped
	if c < len(t.hints) {
		suggested = t.hints[c]
	}
	var years struct{ low, high, n int }
	for v := range t.column(c) {
		filled++
		switch leadingOrder(v) {
		case 1:
			dayFirst++
		case 2:
			monthFirst++
		}
		if suggested != Untyped && valid(suggested, v, identifier.DayFirst) {
			hits[suggested]++
		}
		// What content alone can say, whatever the name.
		for _, k := range []Type{Email, Card, NationalID, Ticket, FullName, DocumentNumber, Phone} {
			if k != suggested && byContent(k, v) {
				hits[k]++
			}
		}
		if d := identifier.Date(v, true, identifier.DayFirst); d != 0 {
			year := int(d) / 10000
			if years.n == 0 {
				years.low, years.high = year, year
			}
			years.low, years.high = min(years.low, year), max(years.high, year)
			years.n++
		}
	}
	if filled == 0 {
		return Untyped
	}
	if monthFirst > dayFirst {
		t.orders[c] = identifier.MonthFirst
		if suggested == Birth || suggested == Created || suggested == TravelDate {
			hits[suggested] = years.n
			for r := range t.rows {
				if cells := t.sampled(r); c < len(cells) {
					if v := bytes.TrimSpace(cells[c]); len(v) > 0 && identifier.Date(v, true, identifier.DayFirst) == 0 && identifier.Date(v, true, identifier.MonthFirst) != 0 {
						hits[suggested]++
					}
				}
			}
		}
	}
	enough := func(k Type) bool { return float64(hits[k]) >= hitRate*float64(filled) }
	if suggested != Untyped && enough(suggested) {
		return suggested
	}
	for _, k := range []Type{Email, NationalID, Card, Ticket, FullName} {
		if enough(k) {
			return k
		}
	}
	if c < len(t.headers) && t.headers[c] != "" || filled < 10 {
		return Untyped // weaker signs count only where there are no names to go by
	}
	switch {
	case enough(Phone):
		return Phone
	case enough(DocumentNumber):
		return DocumentNumber
	case float64(years.n) >= hitRate*float64(filled) && years.low < 1995 && years.high-years.low > 30 && years.high <= 2030:
		return Birth
	}
	return Untyped
}

// resolve keeps one column of a type where a row can have only one, the first.
func (t *Table) resolve() {
	var seen [types]bool
	for i, k := range t.types {
		switch k {
		case Untyped, Email, Phone, Card, Ticket:
			continue
		}
		if seen[k] {
			t.types[i] = Untyped
		}
		seen[k] = true
	}
	// A full name beside its parts is the same name again.
	if seen[Surname] && seen[FullName] {
		for i, k := range t.types {
			if k == FullName {
				t.types[i] = Untyped
			}
		}
	}
}

func isNull(v []byte) bool {
	switch string(v) {
	case "NULL", "null", `\N`, "-", "N/A", "n/a", "None", "(null)", "(empty)":
		return true
	}
	return false
}

// leadingOrder tells from a date such as 25/12/2020 (1) or 12/25/2020 (2) how it is written.
func leadingOrder(v []byte) int {
	if len(v) < 8 || v[0]-'0' > 9 || v[1]-'0' > 9 || v[3]-'0' > 9 || v[4]-'0' > 9 || v[2]-'0' <= 9 || v[2] != v[5] {
		return 0
	}
	a, b := int(v[0]-'0')*10+int(v[1]-'0'), int(v[3]-'0')*10+int(v[4]-'0')
	switch {
	case a > 12 && b <= 12:
		return 1
	case b > 12 && a <= 12:
		return 2
	}
	return 0
}

// byContent says whether a value has a form that needs no name to be recognised.
func byContent(k Type, v []byte) bool {
	switch k {
	case Email:
		return identifier.Email(v)
	case Card:
		return validCard(v)
	case NationalID:
		return identifier.ChineseResident(v)
	case Ticket:
		d := undashed(v)
		return identifier.Ticket(d) && len(d) == 13 && identifier.KnownAccountingCode(d)
	case FullName: // the airlines' form, SURNAME/GIVEN
		i := bytes.IndexByte(v, '/')
		return i >= 2 && i < len(v)-1 && bytes.Count(v, []byte("/")) == 1 && len(v) < 64 && capitals(v[:i]) && capitals(v[i+1:])
	case DocumentNumber:
		return len(v) >= 8 && len(v) <= 9 && v[0] >= 'A' && v[0] <= 'Z' && identifier.Digits(v[2:]) && (v[1]-'0' <= 9 || v[1] >= 'A' && v[1] <= 'Z')
	case Phone:
		return v[0] == '+' && len(v) >= 9 && validPhone(v) || identifier.ChineseMobile(v)
	}
	return false
}

func capitals(p []byte) bool {
	for _, c := range p {
		if (c < 'A' || c > 'Z') && c != ' ' && c != '-' && c != '\'' {
			return false
		}
	}
	return true
}

// undashed drops the separators that numbers are written with, without allocating for short ones.
func undashed(v []byte) []byte {
	if bytes.IndexByte(v, '-') < 0 && bytes.IndexByte(v, ' ') < 0 {
		return v
	}
	out := make([]byte, 0, 24)
	for _, c := range v {
		if c != '-' && c != ' ' {
			out = append(out, c)
		}
	}
	return out
}

func validCard(v []byte) bool {
	if len(v) < 13 || len(v) > 23 {
		return false
	}
	d := undashed(v)
	return identifier.CardScheme(d) != "" && identifier.Luhn(d)
}

func validPhone(v []byte) bool {
	var buf [32]byte
	if len(v) > len(buf) {
		return false
	}
	_, ok := identifier.Phone(buf[:0], v)
	return ok
}

// valid says whether a value has the form of its column's type.
func valid(k Type, v []byte, order identifier.Order) bool {
	switch k {
	case FullName, Surname, GivenName:
		return validName(v)
	case Birth:
		d := identifier.Date(v, true, order)
		return d >= 19000101 && d < 20400101
	case Created, TravelDate:
		return identifier.Date(v, false, order) != 0
	case DocumentNumber:
		// Columns of document numbers hold residents' numbers and foreigners' passports together.
		return identifier.ChineseResident(v) || identifier.DocumentNumber(undashed(v))
	case DocumentIssuer:
		return identifier.KnownNationality(v)
	case Nationality:
		return nationality(v) != [3]byte{}
	case NationalID:
		return identifier.ChineseResident(v) || identifier.Aadhaar(undashed(v))
	case Locator:
		return len(v) >= 5 && len(v) <= 8 && locator(v)
	case Carrier:
		return len(v) >= 2 && len(v) <= 3 && !bytes.ContainsAny(v, " ./")
	case Index:
		return small(v) > 0
	case Ticket:
		return identifier.Ticket(undashed(v))
	case Card:
		return validCard(v)
	case FrequentFlyer:
		return identifier.DocumentNumber(undashed(v))
	case Phone:
		return validPhone(v)
	case Email:
		return identifier.Email(v)
	case Origin, Destination:
		return len(v) == 3 && capitals(v)
	case Street:
		return len(v) >= 5 && len(v) <= 300 && bytes.IndexByte(v, ' ') > 0 && bytes.IndexByte(v, '@') < 0 || len(v) >= 9 && v[0] >= 0x80
	case City:
		return len(v) >= 2 && len(v) <= 60 && validName(v)
	}
	return false
}

// locator is identifier.Locator for any letter case.
func locator(v []byte) bool {
	var upper [8]byte
	for i, c := range v {
		if c >= 'a' && c <= 'z' {
			c -= 32
		}
		upper[i] = c
	}
	return identifier.Locator(upper[:len(v)])
}

// validName says whether the value is letters of any script with the marks that names have.
func validName(v []byte) bool {
	if len(v) > 100 {
		return false
	}
	letters := 0
	for i := 0; i < len(v); {
		c := v[i]
		switch {
		case c|0x20 >= 'a' && c|0x20 <= 'z':
			letters++
			i++
		case c == ' ' || c == '-' || c == '\'' || c == '.' || c == '/' || c == ',':
			i++
		case c < 0x80:
			return false
		default:
			r, size := utf8.DecodeRune(v[i:])
			if !unicode.IsLetter(r) && r != '·' && !unicode.IsMark(r) {
				return false
			}
			letters += 2 // one Chinese character is a name
			i += size
		}
	}
	return letters >= 1
}

// nationality takes a code or one of the names that dumps often hold.
func nationality(v []byte) [3]byte {
	if code := identifier.Nationality(v); code != [3]byte{} {
		return code
	}
	if name, ok := nationNames[strings.ToLower(string(v[:min(len(v), 40)]))]; ok {
		return [3]byte([]byte(name))
	}
	return [3]byte{}
}

var nationNames = map[string]string{
	"中国": "CHN", "china": "CHN", "chinese": "CHN", "中国香港": "HKG", "中国台湾": "TWN", "中国澳门": "MAC", "india": "IND", "indian": "IND", "印度": "IND",
	"japan": "JPN", "japanese": "JPN", "日本": "JPN", "korea": "KOR", "korean": "KOR", "south korea": "KOR", "韩国": "KOR", "singapore": "SGP", "新加坡": "SGP",
	"united states": "USA", "american": "USA", "usa": "USA", "美国": "USA", "united kingdom": "GBR", "british": "GBR", "uk": "GBR", "英国": "GBR",
	"germany": "DEU", "german": "DEU", "德国": "DEU", "france": "FRA", "french": "FRA", "法国": "FRA", "canada": "CAN", "canadian": "CAN", "加拿大": "CAN",
	"australia": "AUS", "australian": "AUS", "澳大利亚": "AUS", "malaysia": "MYS", "马来西亚": "MYS", "thailand": "THA", "泰国": "THA",
	"russia": "RUS", "俄罗斯": "RUS", "italy": "ITA", "italian": "ITA", "意大利": "ITA", "spain": "ESP", "spanish": "ESP", "西班牙": "ESP",
	"brazil": "BRA", "brazilian": "BRA", "巴西": "BRA", "mexico": "MEX", "墨西哥": "MEX", "netherlands": "NLD", "dutch": "NLD", "荷兰": "NLD",
	"pakistan": "PAK", "巴基斯坦": "PAK", "indonesia": "IDN", "印度尼西亚": "IDN", "vietnam": "VNM", "越南": "VNM", "philippines": "PHL", "菲律宾": "PHL",
}
