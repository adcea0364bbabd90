package travel

import (
	"bytes"
	"fmt"

	"github.com/contrail-ir/contrail/exposure/internal/edifact"
	"github.com/contrail-ir/contrail/exposure/internal/identifier"
	"github.com/contrail-ir/contrail/exposure/internal/record"
)

// paxlst counts the persons of an advance passenger list: NAD+FL (passenger), NAD+FM (crew),
// NAD+DDU and NAD+DDT (in transit). CNT says how many there should be.
type paxlst struct {
	in       *interpreter
	carrier  []byte
	legs     []leg
	pending  leg
	persons  int
	crew     int
	declared int // CNT+42
	crewSaid int // CNT+41
	locators map[string]bool

	open      bool
	isCrew    bool
	surname   []byte
	given     []byte
	nation    [3]byte
	birth     identifier.Day
	number    []byte
	issuer    []byte
	locator   []byte
	upper     []byte
	contact   []byte
	national  []byte
	docs      int
	visa      bool
	from, to  [3]byte
	visaNo    []byte
	collected record.Passenger
}

const maxLocators = 10000

func (p *paxlst) reset(in *interpreter) {
	*p = paxlst{in: in, declared: -1, crewSaid: -1, locators: map[string]bool{}, carrier: p.carrier[:0], surname: p.surname[:0], given: p.given[:0],
		number: p.number[:0], issuer: p.issuer[:0], locator: p.locator[:0], upper: p.upper[:0], contact: p.contact[:0], national: p.national[:0]}
}

func (p *paxlst) wants(tag string) bool {
	switch tag {
	case "TDT", "NAD", "CNT", "LOC", "DTM", "NAT", "RFF", "DOC", "COM":
		return true
	}
	return false
}

func (p *paxlst) segment(tag string, f *edifact.Fields, at int64) {
	switch tag {
	case "TDT":
		p.close(at)
		flight := f.Component(2, 0)
		if c := f.Component(5, 0); len(c) >= 2 && len(c) <= 3 {
			p.carrier = append(p.carrier[:0], c...)
		} else if len(flight) > 2 {
			p.carrier = append(p.carrier[:0], flight[:2]...)
		}
	case "NAD":
		p.close(at)
		switch string(f.Component(1, 0)) {
		case "FL", "FM", "DDU", "DDT", "CJ":
			p.person(f)
		}
	case "CNT":
		p.close(at)
		switch n := atoi(f.Component(1, 1)); string(f.Component(1, 0)) {
		case "42":
			p.declared = n
		case "41":
			p.crewSaid = n
		}
	case "LOC":
		p.place(f)
	case "DTM":
		p.date(f)
	}
	if !p.open {
		return
	}
	switch tag {
	case "NAT":
		p.nation = identifier.Nationality(f.Component(2, 0))
	case "RFF":
		p.reference(f)
	case "DOC":
		p.document(f)
	case "COM":
		for e := 1; e < f.Len(); e++ {
			value := f.Component(e, 0)
			switch string(f.Component(e, 1)) {
			case "TE", "FX", "AL":
				if d := p.in.phone(value); len(d) > 0 {
					p.contact = append(p.contact[:0], d...)
				}
			case "EM":
				if mail := bytes.ToLower(value); identifier.Email(mail) {
					p.in.out.Item(record.Emails, mail)
					p.contact = append(p.contact[:0], mail...)
				}
			}
		}
	}
}

// person begins NAD+FL+++surname:given:middle+street+city+state+zip+country.
func (p *paxlst) person(f *edifact.Fields) {
	p.open = true
	p.isCrew = string(f.Component(1, 0)) == "FM"
	e := 4
	if len(f.Component(4, 0)) == 0 && len(f.Component(3, 0)) > 0 {
		e = 3
	}
	p.surname = append(p.surname[:0], p.in.text(f.Component(e, 0))...)
	p.given = append(p.given[:0], p.in.text(f.Component(e, 1))...)
	p.nation, p.birth, p.docs, p.visa = [3]byte{}, 0, 0, false
	p.number, p.issuer, p.locator, p.contact, p.national = p.number[:0], p.issuer[:0], p.locator[:0], p.contact[:0], p.national[:0]
	p.from, p.to = [3]byte{}, [3]byte{}
	if e == 4 {
		street, city := f.Component(5, 0), f.Component(6, 0)
		if len(street)+len(city) >= 3 {
			p.in.out.Item(record.Addresses, p.in.text(street), p.in.text(city), f.Component(8, 0))
		}
	}
}

// place takes LOC: 125 and 92 departure, 87 and others arrival of the flight; 178 and 179 where the
// person boards and leaves; 91 the issuer of the document before it.
func (p *paxlst) place(f *edifact.Fields) {
	code := f.Component(2, 0)
	if len(code) != 3 {
		return
	}
	three := [3]byte(code)
	switch string(f.Component(1, 0)) {
	case "125", "5", "9":
		if !p.open {
			p.pending = leg{from: three}
		}
	case "87", "8", "61":
		if !p.open && p.pending.from != [3]byte{} && len(p.legs) < maxLegs {
			p.pending.to = three
			p.legs = append(p.legs, p.pending)
			p.pending = leg{from: three}
		}
	case "92", "130":
		if p.open {
			break
		}
		// A list of calls: each place after the first ends a leg.
		if p.pending.from != [3]byte{} && p.pending.from != three && len(p.legs) < maxLegs {
			p.pending.to = three
			p.legs = append(p.legs, p.pending)
		}
		p.pending = leg{from: three}
	case "178":
		p.from = three
	case "179":
		p.to = three
	case "91":
		p.issue(three[:])
	}
}

// issue takes the issuer of the current document.
func (p *paxlst) issue(code []byte) {
	if !p.open || p.docs == 0 {
		return
	}
	three := identifier.Nationality(code)
	if p.visa {
		p.in.out.Item(record.Visas, three[:], p.visaNo)
		p.visa = false
		return
	}
	if len(p.issuer) == 0 && three != [3]byte{} {
		p.issuer = append(p.issuer[:0], three[:]...)
	}
}

func (p *paxlst) date(f *edifact.Fields) {
	value, form := f.Component(1, 1), string(f.Component(1, 2))
	switch string(f.Component(1, 0)) {
	case "329":
		if !p.open {
			return
		}
		if form == "102" || len(value) == 8 {
			p.birth = identifier.Date(value, true, identifier.DayFirst)
		} else {
			p.birth = identifier.YYMMDD(value, true)
		}
	case "189", "232":
		if !p.open && len(value) >= 6 {
			day := identifier.YYMMDD(value[:6], false)
			if p.pending.day == 0 {
				p.pending.day = day
			}
			if n := len(p.legs); n > 0 && p.legs[n-1].day == 0 {
				p.legs[n-1].day = day
			}
		}
	}
}

func (p *paxlst) reference(f *edifact.Fields) {
	value := f.Component(1, 1)
	switch string(f.Component(1, 0)) {
	case "AVF":
		p.upper = append(p.upper[:0], value...)
		for i, c := range p.upper {
			if c >= 'a' && c <= 'z' {
				p.upper[i] = c - 32
			}
		}
		loc := p.upper
		if !identifier.Locator(loc) {
			return
		}
		p.locator = append(p.locator[:0], loc...)
		p.in.out.Booking(p.carrier, loc, 0, 0)
		if !p.locators[string(loc)] && len(p.locators) < maxLocators {
			p.locators[string(loc)] = true
		}
	case "AEA": // government-held reference of the person's document
	case "CR": // customer reference
	case "FFN", "ABO": // frequent flyer; ABO is the carrier's own
		if string(f.Component(1, 0)) == "FFN" && len(value) >= 4 && len(value) <= 20 {
			p.in.out.Item(record.FrequentFlyers, p.carrier, value)
			p.contact = append(p.contact[:0], value...)
		}
	}
}

// document takes DOC+kind+number. Kinds: P passport, V visa, A, C, I identity cards and so on.
func (p *paxlst) document(f *edifact.Fields) {
	number := bytes.Trim(f.Component(2, 0), " ")
	if !identifier.DocumentNumber(number) {
		return
	}
	p.flushVisa()
	p.docs++
	if kind := f.Component(1, 0); len(kind) > 0 && kind[0] == 'V' {
		p.visa = true
		p.visaNo = append(p.visaNo[:0], number...)
		return
	}
	switch {
	case identifier.ChineseResident(number):
		p.national = append(p.national[:0], number...)
	case len(p.number) > 0:
		p.in.out.Item(record.Documents, make([]byte, 3), number)
	default:
		p.number = append(p.number[:0], number...)
	}
}

func (p *paxlst) flushVisa() {
	if p.visa {
		p.in.out.Item(record.Visas, make([]byte, 3), p.visaNo)
		p.visa = false
	}
}

// close counts the person that is open. A flight's legs end where its persons begin.
func (p *paxlst) close(at int64) {
	if !p.open {
		return
	}
	p.open = false
	p.flushVisa()
	out := p.in.out
	if p.isCrew {
		p.crew++
	} else {
		p.persons++
	}
	p.collected = record.Passenger{Surname: p.surname, Given: p.given, Birth: p.birth, Issuer: p.issuer, Number: p.number, National: p.national,
		Nationality: p.nation, Carrier: p.carrier, Locator: p.locator, Contact: p.contact}
	out.Passenger(&p.collected)
	switch {
	case p.from != [3]byte{} && p.to != [3]byte{}:
		var day identifier.Day
		if len(p.legs) > 0 {
			day = p.legs[0].day
		}
		out.Leg(p.from[:], p.to[:], day, 1)
	default:
		for _, l := range p.legs {
			out.Leg(l.from[:], l.to[:], l.day, 1)
		}
	}
}

func (p *paxlst) end(m *record.Message) {
	p.close(m.Offset)
	m.Passengers, m.Crew, m.Bookings = p.persons, p.crew, len(p.locators)
	missing := func(what string, said, found int) {
		if said >= 0 && said != found {
			note := fmt.Sprintf("CNT declares %d %s, %d were found", said, what, found)
			m.Notes = append(m.Notes, note)
			p.in.out.Damage(record.Damage{Offset: m.Offset, Reason: note, Missing: max(0, said-found)})
		}
	}
	// A crew list also counts its people under 42.
	if p.crew > 0 && p.persons == 0 {
		missing("persons", p.declared, p.crew)
	} else {
		missing("passengers", p.declared, p.persons)
	}
	missing("crew", p.crewSaid, p.crew)
}
