// Package table recognises tables of personal data and counts what is in their rows: delimited text,
// SQL dumps, JSON, XML and Parquet. What a column holds is inferred from its name (in the languages of
// columnNames) and its content: at least 60 % of the values seen first must have the form. A table counts when at least
// two kinds of personal field stand in a row. All else is handed back as text.
//
// Memory is bounded: rows, cells, columns and the sample have limits, and what exceeds them is damage
// that is reported, not silence.
package table

import (
	"bytes"

	"github.com/contrail-ir/contrail/exposure/internal/identifier"
	"github.com/contrail-ir/contrail/exposure/internal/record"
)

// Limits of one table.
const (
	MaxRow      = 1 << 20
	maxCell     = 64 << 10
	maxColumns  = 2048
	sampleRows  = 256
	sampleBytes = 1 << 20
	hitRate     = 0.6
	textBytes   = 16 << 10 // the detectors cost less on larger pieces
)

// Out takes what tables hold.
type Out struct {
	record.Collector
	// Text takes the untyped cells of a row, one "name: value" a line, for detectors of text.
	Text func([]byte)
	// Table is told what a table was taken to be, when that is decided. May be nil.
	Table func(Report)
}

// Report says what a table was taken to be.
type Report struct {
	Name      string   `json:"name,omitempty"`
	Columns   []string `json:"columns"` // "header: kind" of the typed ones
	Qualifies bool     `json:"qualifies"`
}

// Table is one table being read.
type Table struct {
	name    string
	headers []string
	out     *Out

	decided   bool
	qualifies bool
	types     []Type
	orders    []identifier.Order
	hints     []Type

	arena []byte
	ends  []int // cell ends of the sample, in arena; -1-end marks null
	rows  []int // end index into ends of each sampled row

	person  record.Passenger
	scratch []byte
	texts   []byte    // untyped cells on their way to the detectors
	parts   [3][]byte // of an identifier: kept here, they need no memory of their own
	buf     [][]byte
}

// New begins a table. headers may be nil.
func New(name string, headers []string, out *Out) *Table {
	t := &Table{name: name, out: out}
	for _, h := range headers {
		t.addColumn(h)
	}
	return t
}

func (t *Table) addColumn(header string) int {
	t.headers = append(t.headers, header)
	t.hints = append(t.hints, hint(header))
	return len(t.headers) - 1
}

// Row takes one row; a nil cell is null. Cells are borrowed.
func (t *Table) Row(cells [][]byte) {
	if t.decided {
		t.count(cells)
		return
	}
	for _, c := range cells {
		t.arena = append(t.arena, c...)
		t.ends = append(t.ends, len(t.arena))
	}
	t.rows = append(t.rows, len(t.ends))
	if len(t.rows) >= sampleRows || len(t.arena) >= sampleBytes {
		t.decide()
	}
}

// Close decides what is undecided and counts the rows that are held.
func (t *Table) Close() {
	if !t.decided {
		t.decide()
	}
	t.flushText()
}

func (t *Table) sampled(row int) [][]byte {
	from := 0
	if row > 0 {
		from = t.rows[row-1]
	}
	t.buf = t.buf[:0]
	for i := from; i < t.rows[row]; i++ {
		start := 0
		if i > 0 {
			start = t.ends[i-1]
		}
		t.buf = append(t.buf, t.arena[start:t.ends[i]])
	}
	return t.buf
}

func (t *Table) decide() {
	t.decided = true
	t.infer()
	if t.out.Table != nil {
		r := Report{Name: t.name, Qualifies: t.qualifies, Columns: []string{}}
		for i, k := range t.types {
			if k != Untyped {
				header := ""
				if i < len(t.headers) {
					header = t.headers[i]
				}
				r.Columns = append(r.Columns, header+": "+k.String())
			}
		}
		t.out.Table(r)
	}
	for i := range t.rows {
		t.count(t.sampled(i))
	}
	t.arena, t.ends, t.rows = nil, nil, nil
}

// typeOf gives the type of column i.
func (t *Table) typeOf(i int) Type {
	if i < len(t.types) {
		return t.types[i]
	}
	return Untyped
}

// count takes a row of a decided table.
func (t *Table) count(cells [][]byte) {
	if !t.qualifies {
		t.text(cells, false)
		return
	}
	p := &t.person
	*p = record.Passenger{}
	t.scratch = t.scratch[:0]
	var from, to, street, city []byte
	var day identifier.Day
	groups := Group(0)
	untyped := false
	for i, c := range cells {
		kind := t.typeOf(i)
		if kind == Untyped {
			untyped = untyped || len(c) >= 10
			continue
		}
		if c = trimmed(c); len(c) == 0 {
			continue
		}
		// Dates and telephones are valid when they can be read.
		var read identifier.Day
		var number []byte
		switch kind {
		case Birth:
			if read = identifier.Date(c, true, t.orders[i]); read < 19000101 || read >= 20400101 {
				continue
			}
		case Created, TravelDate:
			if read = identifier.Date(c, false, t.orders[i]); read == 0 {
				continue
			}
		case Phone:
			start, ok := len(t.scratch), len(c) <= 32
			if ok {
				t.scratch, ok = identifier.Phone(t.scratch, c)
			}
			if !ok {
				continue
			}
			number = t.scratch[start:]
		default:
			if !valid(kind, c, t.orders[i]) {
				continue
			}
		}
		groups |= groupOf[kind]
		switch kind {
		case FullName:
			p.Surname, p.Given = splitName(c)
		case Surname:
			p.Surname = c
		case GivenName:
			p.Given = c
		case Birth:
			p.Birth = read
		case DocumentNumber:
			if identifier.ChineseResident(c) {
				p.National = t.canonical(c)
			} else {
				p.Number = t.canonical(c)
			}
		case DocumentIssuer:
			code := identifier.Nationality(c)
			p.Issuer = t.hold(code[:])
		case Nationality:
			p.Nationality = nationality(c)
		case NationalID:
			p.National = t.canonical(c)
		case Locator:
			p.Locator = t.canonical(c)
		case Carrier:
			p.Carrier = c
		case Created:
			p.Created = read
		case Index:
			p.Index = small(c)
		case Ticket:
			if d := t.digits(c); len(d) >= 13 {
				t.item(record.Tickets, d[:13])
			}
		case Card:
			t.item(record.Cards, t.digits(c))
		case FrequentFlyer:
			p.Contact = t.canonical(c)
			t.parts[0], t.parts[1] = nil, p.Contact
			t.out.Item(record.FrequentFlyers, t.parts[:2]...)
		case Phone:
			t.item(record.Phones, number)
			if p.Contact == nil {
				p.Contact = number
			}
		case Email:
			start := len(t.scratch)
			for _, b := range c {
				if b >= 'A' && b <= 'Z' {
					b += 32
				}
				t.scratch = append(t.scratch, b)
			}
			mail := t.scratch[start:]
			t.item(record.Emails, mail)
			if p.Contact == nil {
				p.Contact = mail
			}
		case Origin:
			from = c
		case Destination:
			to = c
		case TravelDate:
			day = read
		case Street:
			street = c
		case City:
			city = c
		}
	}
	if groups.Count() >= 2 {
		t.out.Passenger(p)
		if len(p.Locator) > 0 {
			t.out.Booking(p.Carrier, p.Locator, p.Created, 0)
		}
		if len(from) > 0 || len(to) > 0 || day != 0 {
			t.out.Leg(from, to, day, 1)
		}
	} else {
		t.loose(p)
	}
	if len(street) > 0 {
		t.out.Item(record.Addresses, street, city, nil)
	}
	if untyped {
		t.text(cells, true)
	}
}

// item hands on an identifier of one part.
func (t *Table) item(kind record.Kind, part []byte) {
	t.parts[0] = part
	t.out.Item(kind, t.parts[:1]...)
}

// trimmed is bytes.TrimSpace, quick for what has no space at its ends, and takes the ".0" from long numbers that some program held as fractions.
func trimmed(p []byte) []byte {
	if n := len(p); n == 0 || p[0]-'!' >= 0x80-'!' || p[n-1]-'!' >= 0x80-'!' {
		p = bytes.TrimSpace(p)
	}
	if n := len(p); n >= 10 && p[n-1] == '0' && p[n-2] == '.' && identifier.Digits(p[:n-2]) {
		return p[:n-2]
	}
	return p
}

// loose counts the identifiers of a row that has too little to be a person's record.
func (t *Table) loose(p *record.Passenger) {
	if len(p.Number) > 0 {
		t.out.Item(record.Documents, make([]byte, 3), p.Number)
	}
	if len(p.National) == 18 {
		t.out.Item(record.Residents, p.National)
	}
	if len(p.Locator) > 0 {
		t.out.Booking(p.Carrier, p.Locator, p.Created, 0)
	}
}

// text hands on cells that have no type, each under its name so that context is not lost.
func (t *Table) text(cells [][]byte, untypedOnly bool) {
	if t.out.Text == nil {
		return
	}
	for i, c := range cells {
		if len(c) < 10 || untypedOnly && t.typeOf(i) != Untyped {
			continue
		}
		if i < len(t.headers) {
			t.texts = append(append(t.texts, t.headers[i]...), ": "...)
		}
		t.texts = append(append(t.texts, c...), '\n')
	}
	if len(t.texts) >= textBytes {
		t.flushText()
	}
}

func (t *Table) flushText() {
	if len(t.texts) > 0 {
		t.out.Text(t.texts)
		t.texts = t.texts[:0]
	}
}

// hold copies p to the row's scratch memory.
func (t *Table) hold(p []byte) []byte {
	start := len(t.scratch)
	t.scratch = append(t.scratch, p...)
	return t.scratch[start:len(t.scratch):len(t.scratch)]
}

// canonical gives the letters and digits of a number in capitals.
func (t *Table) canonical(p []byte) []byte {
	start := len(t.scratch)
	for _, c := range p {
		switch {
		case c >= 'a' && c <= 'z':
			t.scratch = append(t.scratch, c-32)
		case c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
			t.scratch = append(t.scratch, c)
		}
	}
	return t.scratch[start:len(t.scratch):len(t.scratch)]
}

func (t *Table) digits(p []byte) []byte {
	start := len(t.scratch)
	for _, c := range p {
		if c >= '0' && c <= '9' {
			t.scratch = append(t.scratch, c)
		}
	}
	return t.scratch[start:len(t.scratch):len(t.scratch)]
}

func small(p []byte) int {
	n := 0
	for _, c := range p {
		if c < '0' || c > '9' || n > 100000 {
			return 0
		}
		n = n*10 + int(c-'0')
	}
	return n
}

// splitName takes "SURNAME/GIVEN MR", "Surname, Given" and "Given Surname"; a name without a space
// (as in Chinese) stays whole.
func splitName(p []byte) (surname, given []byte) {
	if i := bytes.IndexAny(p, "/,"); i > 0 {
		return p[:i], bytes.TrimSpace(p[i+1:])
	}
	if i := bytes.LastIndexByte(p, ' '); i > 0 {
		return p[i+1:], p[:i]
	}
	return p, nil
}
