package travel

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/contrail-ir/contrail/exposure/internal/edifact"
	"github.com/contrail-ir/contrail/exposure/internal/identifier"
	"github.com/contrail-ir/contrail/exposure/internal/record"
)

// Bounds of one booking: a group booking has some hundred passengers, a hostile one has no end.
const (
	maxPassengers = 10000
	maxDocuments  = 20000
	maxArena      = 4 << 20
	maxLegs       = 1000
)

// span is a piece of the booking's arena: segments are borrowed, bookings live longer.
type span struct{ from, to int32 }

type traveller struct {
	surname, given span // as TIF has them
	reference      span
	contact        span
	infant         bool
	doc            int // index of its document, -1
}

type document struct {
	surname, given, number, issuer span
	nationality                    [3]byte
	birth                          identifier.Day
	reference                      span
	current                        int // traveller in whose group it stood, -1
	infant                         bool
}

type leg struct {
	from, to [3]byte
	day      identifier.Day
}

// pnrgov counts bookings (SRC/RCI) and passengers (TIF). In a booking the TIF before the first TVL are
// its passengers; a TIF after it (check-in, history) speaks of one of them again, unless its name is
// new: then it adds a passenger whose data are in the evidence too.
type pnrgov struct {
	in         *interpreter
	declared   int // EQN of the message
	passengers int
	bookings   int
	flight     leg // of the message

	open             bool
	at               int64
	carrier, locator span
	created          identifier.Day
	located          bool // RCI seen
	itinerary        bool // a TVL was seen
	history          bool // ABI was seen
	arena            []byte
	travellers       []traveller
	documents        []document
	legs             []leg
	full             bool
	current          int
	nameA, nameB     []byte
	person           record.Passenger
}

func (p *pnrgov) reset(in *interpreter) {
	p.in, p.declared, p.passengers, p.bookings, p.flight = in, -1, 0, 0, leg{}
	p.begin(0)
	p.open = false
}

func (p *pnrgov) begin(at int64) {
	p.open, p.at, p.located, p.itinerary, p.history, p.full = true, at, false, false, false, false
	p.carrier, p.locator, p.created = span{}, span{}, 0
	p.arena, p.travellers, p.documents, p.legs = p.arena[:0], p.travellers[:0], p.documents[:0], p.legs[:0]
	p.current = -1
}

func (p *pnrgov) keep(b []byte) span {
	if len(p.arena)+len(b) > maxArena {
		if !p.full {
			p.in.note(p.at, "a booking is larger than the limit")
		}
		p.full = true
		return span{}
	}
	from := int32(len(p.arena))
	p.arena = append(p.arena, b...)
	return span{from, int32(len(p.arena))}
}

func (p *pnrgov) get(s span) []byte { return p.arena[s.from:s.to] }

func (p *pnrgov) wants(tag string) bool {
	switch tag {
	case "EQN", "SRC", "TVL", "TIF", "RCI", "ABI", "SSR", "TKT", "FOP", "FTI", "IFT", "ADD":
		return true
	}
	return false
}

func (p *pnrgov) segment(tag string, f *edifact.Fields, at int64) {
	switch tag {
	case "EQN":
		if !p.open {
			p.declared = atoi(f.Component(1, 0))
		}
		return
	case "SRC":
		p.close()
		p.begin(at)
		return
	case "TVL":
		p.journey(f)
		return
	case "TIF":
		p.traveller(f, at)
		return
	}
	if !p.open {
		// RCI before SRC: the booking's frame is missing, its content is not.
		if tag != "RCI" {
			return
		}
		p.begin(at)
		p.in.note(at, "RCI without SRC")
	}
	switch tag {
	case "RCI":
		if !p.located {
			p.located = true
			p.carrier = p.keep(f.Component(1, 0))
			if loc := bytes.ToUpper(bytes.Trim(f.Component(1, 1), " ")); identifier.Locator(loc) {
				p.locator = p.keep(loc)
			}
			// carrier:locator:type:date:time; some leave the type out.
			if p.created = identifier.DDMMYY(f.Component(1, 3), false); p.created == 0 {
				p.created = identifier.DDMMYY(f.Component(1, 2), false)
			}
		}
	case "ABI":
		p.history = true
	case "SSR":
		p.service(f)
	case "TKT":
		p.in.ticket(f.Component(1, 0))
	case "FOP":
		for e := 1; e < f.Len(); e++ {
			if string(f.Component(e, 0)) == "CC" {
				p.in.card(f.Component(e, 3), f.Component(e, 4), f.Component(e, 5))
			}
		}
	case "FTI":
		for e := 1; e < f.Len(); e++ {
			p.frequent(f.Component(e, 0), f.Component(e, 1))
		}
	case "IFT":
		for e := 2; e < f.Len(); e++ {
			p.contact(f.Element(e))
		}
	case "ADD":
		p.address(f)
	}
}

func (p *pnrgov) contact(text []byte) {
	value := p.in.contact(text)
	if len(value) > 0 && p.current >= 0 && !p.itinerary && p.travellers[p.current].contact == (span{}) {
		p.travellers[p.current].contact = p.keep(value)
	}
}

func (p *pnrgov) frequent(carrier, number []byte) {
	if len(number) < 4 || len(number) > 20 || identifier.KnownNationality(number) {
		return
	}
	p.in.out.Item(record.FrequentFlyers, carrier, number)
	if p.current >= 0 && !p.itinerary {
		p.travellers[p.current].contact = p.keep(number)
	}
}

// address takes ADD++type:street:city:state:name:country:zip:telephone.
func (p *pnrgov) address(f *edifact.Fields) {
	for e := 2; e < f.Len(); e++ {
		street, city := f.Component(e, 1), f.Component(e, 2)
		if len(street)+len(city) >= 3 {
			p.in.out.Item(record.Addresses, p.in.text(street), p.in.text(city), f.Component(e, 6))
		}
		if tel := f.Component(e, 7); len(tel) > 0 {
			if bytes.Contains(tel, []byte("CTC")) {
				p.contact(tel)
			} else {
				p.in.phone(tel)
			}
		}
	}
}

func (p *pnrgov) journey(f *edifact.Fields) {
	var l leg
	if a := f.Component(2, 0); len(a) == 3 {
		copy(l.from[:], a)
	}
	if b := f.Component(3, 0); len(b) == 3 {
		copy(l.to[:], b)
	}
	l.day = identifier.DDMMYY(f.Component(1, 0), false)
	if !p.open {
		p.flight = l
		return
	}
	p.itinerary = true
	// A TVL without places repeats the one before under another carrier's number; history is not
	// itinerary.
	if l.from != [3]byte{} && l.to != [3]byte{} && !p.history && len(p.legs) < maxLegs {
		p.legs = append(p.legs, l)
	}
}

func (p *pnrgov) traveller(f *edifact.Fields, at int64) {
	if !p.open {
		p.begin(at)
		p.in.note(at, "TIF without SRC")
	}
	surname, given := p.in.text(f.Component(1, 0)), p.in.text(f.Component(2, 0))
	if p.itinerary {
		for i := range p.travellers {
			if p.sameName(&p.travellers[i], surname, given) || p.sameReference(&p.travellers[i], surname, f.Component(2, 2)) {
				p.current = i
				return
			}
		}
	}
	if len(p.travellers) >= maxPassengers {
		p.in.out.Damage(record.Damage{Offset: at, Reason: "a booking has more passengers than the limit", Missing: 1})
		return
	}
	kind := f.Component(2, 1)
	t := traveller{surname: p.keep(surname), given: p.keep(given), reference: p.keep(f.Component(2, 2)),
		infant: len(kind) > 0 && kind[0] == 'I', doc: -1}
	p.travellers = append(p.travellers, t)
	p.current = len(p.travellers) - 1
}

// sameReference accepts a given name that is written differently when surname and reference agree.
func (p *pnrgov) sameReference(t *traveller, surname, reference []byte) bool {
	return len(reference) > 0 && bytes.Equal(p.get(t.reference), reference) && bytes.EqualFold(p.get(t.surname), surname)
}

func (p *pnrgov) sameName(t *traveller, surname, given []byte) bool {
	p.nameA = identifier.AppendName(identifier.AppendName(p.nameA[:0], p.get(t.surname), false), p.get(t.given), true)
	p.nameB = identifier.AppendName(identifier.AppendName(p.nameB[:0], surname, false), given, true)
	return bytes.Equal(p.nameA, p.nameB)
}

// service takes an SSR. Its free text is the ninth component of the first composite.
func (p *pnrgov) service(f *edifact.Fields) {
	text := f.Rest(1, 8)
	switch string(f.Component(1, 0)) {
	case "DOCS":
		if d, ok := ParseDOCS(text); ok {
			p.document(&d, f)
		}
	case "DOCO":
		if number, country, ok := ParseDOCO(text); ok {
			p.in.out.Item(record.Visas, country, number)
		}
	case "DOCA":
		if _, street, city, zip, ok := ParseDOCA(text); ok {
			p.in.out.Item(record.Addresses, p.in.text(street), p.in.text(city), zip)
		}
	case "FOID":
		if kind, number, ok := ParseFOID(text); ok {
			p.identity(string(kind), number)
		}
	case "FQTV", "FQTR", "FQTU", "FQTS":
		number := bytes.TrimLeft(text, " /")
		if end := bytes.IndexAny(number, " /-"); end >= 0 {
			number = number[:end]
		}
		carrier := f.Component(1, 3)
		if len(number) > 2 && len(carrier) == 2 && bytes.HasPrefix(number, carrier) {
			number = number[2:]
		}
		p.frequent(carrier, number)
	case "CTCM", "CTCE":
		p.contact(append([]byte(string(f.Component(1, 0))+" "), text...))
	case "TKNE", "TKNA", "TKNM", "TKNR":
		p.in.ticket(text)
	}
}

// identity takes a form of identification. A national number is a person's best identity where
// there is no passport, as on domestic flights.
func (p *pnrgov) identity(kind string, number []byte) {
	switch kind {
	case "PP":
		p.in.out.Item(record.Documents, nil, number)
	case "NI", "ID":
		switch {
		case identifier.ChineseResident(number), identifier.Aadhaar(number):
		default:
			p.in.out.Item(record.Documents, []byte("NI"), number)
			return
		}
		if p.current >= 0 && p.travellers[p.current].doc < 0 && len(p.documents) < maxDocuments {
			p.documents = append(p.documents, document{number: p.keep(number), issuer: p.keep([]byte("NI")), current: p.current})
			p.travellers[p.current].doc = len(p.documents) - 1
		} else {
			p.in.national(number)
		}
	case "CC":
		p.in.card(nil, number, nil)
	case "FF":
		p.frequent(nil, number)
	case "TN":
		p.in.ticket(number)
	}
}

func (p *pnrgov) document(d *DOCS, f *edifact.Fields) {
	if len(p.documents) >= maxDocuments {
		return
	}
	issuer := identifier.Nationality(d.Issuer)
	doc := document{birth: d.Birth, nationality: identifier.Nationality(d.Nationality), infant: d.Infant(), current: p.current,
		number: p.keep(d.Number), surname: p.keep(p.in.text(d.Surname)), given: p.keep(p.in.text(d.Given)),
		reference: p.keep(f.Component(2, 2))}
	if issuer != [3]byte{} {
		doc.issuer = p.keep(issuer[:])
	}
	p.documents = append(p.documents, doc)
}

// assign gives each document to its holder: by name, else by reference, else to the traveller in
// whose group it stood unless it is an infant's.
func (p *pnrgov) assign() {
	for n := range p.documents {
		d := &p.documents[n]
		if string(p.get(d.issuer)) == "NI" {
			continue
		}
		holder, prefix := -1, -1
		surname, given := p.get(d.surname), p.get(d.given)
		for i := range p.travellers {
			t := &p.travellers[i]
			p.nameA = identifier.AppendName(p.nameA[:0], p.get(t.surname), false)
			p.nameB = identifier.AppendName(p.nameB[:0], surname, false)
			if len(p.nameA) == 0 || !bytes.Equal(p.nameA, p.nameB) {
				continue
			}
			p.nameA = identifier.AppendName(p.nameA[:0], p.get(t.given), true)
			p.nameB = identifier.AppendName(p.nameB[:0], given, true)
			if bytes.Equal(p.nameA, p.nameB) {
				if holder < 0 || i == d.current {
					holder = i
				}
			} else if len(p.nameA) > 0 && (bytes.HasPrefix(p.nameB, p.nameA) || bytes.HasPrefix(p.nameA, p.nameB)) && (prefix < 0 || i == d.current) {
				prefix = i
			}
		}
		if holder < 0 {
			holder = prefix
		}
		if ref := p.get(d.reference); holder < 0 && len(ref) > 0 {
			for i := range p.travellers {
				if bytes.Equal(p.get(p.travellers[i].reference), ref) {
					holder = i
				}
			}
		}
		if holder < 0 && d.current >= 0 && !d.infant {
			holder = d.current
		}
		if holder >= 0 && (p.travellers[holder].doc < 0 || p.better(d, &p.documents[p.travellers[holder].doc])) {
			p.travellers[holder].doc = n
		}
	}
	for n := range p.documents {
		d := &p.documents[n]
		held := slices.ContainsFunc(p.travellers, func(t traveller) bool { return t.doc == n })
		if !held && d.number.to > d.number.from {
			var issuer [3]byte
			if copy(issuer[:], p.get(d.issuer)); issuer == [3]byte{} {
				issuer = d.nationality
			}
			p.in.out.Item(record.Documents, issuer[:], p.get(d.number))
		}
	}
}

func (p *pnrgov) better(d, old *document) bool {
	return d.number.to > d.number.from && old.number.to == old.number.from
}

// close counts the booking that is open.
func (p *pnrgov) close() {
	if !p.open {
		return
	}
	p.open = false
	p.bookings++
	p.passengers += len(p.travellers)
	out := p.in.out
	out.Booking(p.get(p.carrier), p.get(p.locator), p.created, p.at)
	p.assign()
	for i := range p.travellers {
		t := &p.travellers[i]
		p.person = record.Passenger{Surname: p.get(t.surname), Given: p.get(t.given), Carrier: p.get(p.carrier), Locator: p.get(p.locator),
			Created: p.created, Index: i + 1, Contact: p.get(t.contact)}
		if t.doc >= 0 {
			d := &p.documents[t.doc]
			p.person.Birth, p.person.Nationality = d.birth, d.nationality
			if string(p.get(d.issuer)) == "NI" {
				p.person.National = p.get(d.number)
			} else {
				p.person.Issuer, p.person.Number = p.get(d.issuer), p.get(d.number)
			}
			// The document's names are the full ones; TIF abbreviates and adds titles.
			if d.surname.to > d.surname.from && d.given.to > d.given.from {
				p.person.Surname, p.person.Given = p.get(d.surname), p.get(d.given)
			}
		}
		out.Passenger(&p.person)
	}
	if len(p.legs) == 0 && p.flight.from != [3]byte{} {
		p.legs = append(p.legs, p.flight)
	}
	for _, l := range p.legs {
		out.Leg(l.from[:], l.to[:], l.day, len(p.travellers))
	}
}

func (p *pnrgov) end(m *record.Message) {
	p.close()
	m.Passengers, m.Bookings = p.passengers, p.bookings
	// Some senders declare bookings, others passengers. A number that is neither says that something is missing.
	note, missing := "", 0
	switch {
	case p.declared > p.passengers:
		note, missing = fmt.Sprintf("EQN declares %d passengers, %d were found", p.declared, p.passengers), p.declared-p.passengers
	case p.declared > p.bookings && p.declared != p.passengers:
		note, missing = fmt.Sprintf("EQN declares %d, but %d bookings and %d passengers were found", p.declared, p.bookings, p.passengers), p.declared-p.bookings
	default:
		return
	}
	m.Notes = append(m.Notes, note)
	p.in.out.Damage(record.Damage{Offset: m.Offset, Reason: note, Missing: missing})
}
