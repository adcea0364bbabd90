// Package prose finds passenger data in text that is neither EDIFACT nor a table: machine readable
// zones, special service requests, tickets, cards, identity numbers, telephones, record locators and
// passports. Naked patterns drown in ordinary logs, so each needs context: check digits in every line,
// the words that go with it, or, for identity numbers, several of them close together.
//
// It works on pieces of text and reports spans, so the same detectors count and mask.
package prose

import (
	"bytes"
	"encoding/binary"
	"slices"

	"github.com/contrail-ir/contrail/exposure/internal/identifier"
	"github.com/contrail-ir/contrail/exposure/internal/record"
)

// Hit is a value that was found.
type Hit struct {
	Kind     record.Kind
	From, To int // span in the piece
	Value    []byte
	Issuer   []byte // country, carrier or ""
	Holder   *record.Passenger
}

// Detector searches pieces of text. One goroutine uses it at a time.
type Detector struct {
	folded []byte // the piece in lower case
	hits   []Hit
	values []byte
	people []*record.Passenger // reused from piece to piece
	used   int
}

// person gives an empty record that stays until the next call of Find.
func (d *Detector) person() *record.Passenger {
	if d.used == len(d.people) {
		d.people = append(d.people, &record.Passenger{})
	}
	p := d.people[d.used]
	*p = record.Passenger{}
	d.used++
	return p
}

// Find gives the values in p, ordered by place, without overlaps. They are borrowed until the next call.
func (d *Detector) Find(p []byte) []Hit {
	d.hits, d.values, d.used = d.hits[:0], d.values[:0], 0
	d.fold(p)
	d.zones(p)
	d.numbers(p)
	d.requests(p)
	d.documents(p)
	d.labelled(p)
	return d.tidy()
}

func (d *Detector) fold(p []byte) {
	if cap(d.folded) < len(p) {
		d.folded = make([]byte, len(p)+len(p)/4)
	}
	d.folded = d.folded[:len(p)]
	// Eight bytes at once: the high bit of each byte of isCapital says that it is a capital letter.
	const ones, high = 0x0101010101010101, 0x8080808080808080
	i := 0
	for ; i+8 <= len(p); i += 8 {
		w := binary.LittleEndian.Uint64(p[i:])
		low := w &^ high
		isCapital := (low + (0x80-'A')*ones) &^ (low + (0x80-'Z'-1)*ones) &^ w & high
		binary.LittleEndian.PutUint64(d.folded[i:], w|isCapital>>2)
	}
	for ; i < len(p); i++ {
		c := p[i]
		if c-'A' <= 'Z'-'A' {
			c |= 0x20
		}
		d.folded[i] = c
	}
}

func (d *Detector) add(kind record.Kind, from, to int, value, issuer []byte, holder *record.Passenger) {
	d.hits = append(d.hits, Hit{kind, from, to, value, issuer, holder})
}

// hold copies a value whose text is not in the piece as it is.
func (d *Detector) hold(p []byte) []byte {
	start := len(d.values)
	d.values = append(d.values, p...)
	return d.values[start:len(d.values):len(d.values)]
}

// tidy orders the hits and drops what lies inside another: the number of a passport is part of its
// zone, and digits inside an SSR belong to that.
func (d *Detector) tidy() []Hit {
	h := d.hits
	slices.SortStableFunc(h, func(a, b Hit) int {
		if a.From != b.From {
			return a.From - b.From
		}
		return b.To - a.To
	})
	out := h[:0]
	end := -1
	for _, x := range h {
		if x.From >= end {
			out = append(out, x)
			end = x.To
		}
	}
	d.hits = out
	return out
}

// --- machine readable zones ---

func zoneByte(c byte) bool { return c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c == '<' }

type run struct{ from, to int }

// zones finds runs of the zone alphabet of the right length and reads neighbouring ones together.
// Lines may be parted by line breaks, their escapes, markup and names of fields, of at most zoneGap bytes: every line has check digits.
func (d *Detector) zones(p []byte) {
	var held [3]run // the last runs
	n := 0
	for i := 0; i < len(p); {
		k := bytes.IndexByte(p[i:], '<')
		if k < 0 {
			return
		}
		at := i + k
		from, to := at, at
		for from > i && zoneByte(p[from-1]) && at-from < 100 {
			from--
		}
		for to < len(p) && zoneByte(p[to]) && to-from <= 100 {
			to++
		}
		i = max(to, at+1)
		length := to - from
		// A line without a filler is no line of its own in the search, but TD1's and TD3's second
		// lines may be: look on at what follows.
		switch length {
		case 72, 88, 90:
			d.joined(p, from, to)
			continue
		case 30, 36, 44:
		default:
			continue
		}
		if n > 0 && (from-held[n-1].to > zoneGap || n == 3) {
			n = 0
		}
		held[n] = run{from, to}
		n++
		for n < 3 { // a following line that has no filler
			next := nextLine(p, to, length)
			if next.to == 0 || bytes.IndexByte(p[next.from:next.to], '<') >= 0 {
				break
			}
			held[n] = next
			n++
			to, i = next.to, next.to
		}
		if d.zone(p, held[:n], length) {
			n = 0
		}
	}
}

const zoneGap = 32

// nextLine gives the run of the length that begins at most 8 bytes after at.
func nextLine(p []byte, at, length int) run {
	for from := at; from < min(len(p), at+9); from++ {
		if zoneByte(p[from]) && (from == at || !zoneByte(p[from-1])) && from+length <= len(p) {
			to := from
			for to < len(p) && zoneByte(p[to]) && to-from <= length {
				to++
			}
			if to-from == length {
				return run{from, to}
			}
		}
		// An escaped line break, \n, ends in a letter; only small ones are skipped.
	}
	return run{}
}

func (d *Detector) zone(p []byte, lines []run, length int) bool {
	at := func(k int) []byte { return p[lines[k].from:lines[k].to] }
	n := len(lines)
	switch {
	case length == 30 && n >= 3:
		if doc, ok := identifier.TD1(at(n-3), at(n-2), at(n-1)); ok {
			d.zoneHit(&doc, lines[n-3].from, lines[n-1].to)
			return true
		}
	case length == 36 && n >= 2:
		if doc, ok := identifier.TD2(at(n-2), at(n-1)); ok {
			d.zoneHit(&doc, lines[n-2].from, lines[n-1].to)
			return true
		}
	case length == 44 && n >= 2:
		if doc, ok := identifier.TD3(at(n-2), at(n-1)); ok {
			d.zoneHit(&doc, lines[n-2].from, lines[n-1].to)
			return true
		}
	}
	return false
}

func (d *Detector) joined(p []byte, from, to int) {
	z := p[from:to]
	var doc identifier.Document
	ok := false
	switch len(z) {
	case 72:
		doc, ok = identifier.TD2(z[:36], z[36:])
	case 88:
		doc, ok = identifier.TD3(z[:44], z[44:])
	case 90:
		doc, ok = identifier.TD1(z[:30], z[30:60], z[60:])
	}
	if ok {
		d.zoneHit(&doc, from, to)
	}
}

func (d *Detector) zoneHit(doc *identifier.Document, from, to int) {
	issuer := identifier.Nationality(doc.Issuer)
	holder, given, held := d.person(), d.hold(doc.Given), d.hold(issuer[:])
	for i, c := range given {
		if c == '<' {
			given[i] = ' '
		}
	}
	*holder = record.Passenger{Surname: doc.Surname, Given: given, Birth: doc.Birth, Issuer: held, Number: doc.Number, Nationality: issuer}
	if !bytes.Equal(doc.Nationality, doc.Issuer) {
		holder.Nationality = identifier.Nationality(doc.Nationality)
	}
	if issuer == [3]byte{} {
		holder.Issuer = doc.Issuer
	}
	kind := record.Documents
	if doc.Kind == 'V' {
		kind = record.Visas
		holder.Number, holder.Issuer = nil, nil
	}
	d.add(kind, from, to, doc.Number, held, holder)
}

// --- context ---

type context uint8

const (
	ticketWord context = iota
	strongTicketWord
	cardWord
	residentWord
	aadhaarWord
	phoneWord
)

type keyword struct {
	text  string
	kind  context
	whole bool // no letter before or after
}

// keywords are in lower case. The order does not matter.
var keywords = []keyword{
	{"ticket", ticketWord, false}, {"tkne", strongTicketWord, true}, {"etkt", strongTicketWord, false}, {"tkt", strongTicketWord, true},
	{"e-ticket", strongTicketWord, false}, {"eticket", strongTicketWord, false}, {"票号", strongTicketWord, false}, {"客票", strongTicketWord, false},
	{"card", cardWord, false}, {"visa", cardWord, true}, {"mastercard", cardWord, false}, {"amex", cardWord, true}, {"pan", cardWord, true},
	{"credit", cardWord, false}, {"cvv", cardWord, true}, {"cvc", cardWord, true}, {"unionpay", cardWord, false}, {"卡号", cardWord, false},
	{"ccnum", cardWord, false}, {"身份证", residentWord, false}, {"证件", residentWord, false}, {"idcard", residentWord, false}, {"id card", residentWord, false},
	{"id_card", residentWord, false}, {"foid", residentWord, true}, {"sfz", residentWord, false}, {"idno", residentWord, false}, {"id_no", residentWord, false},
	{"id no", residentWord, false}, {"id number", residentWord, false}, {"identity", residentWord, false}, {"resident", residentWord, false},
	{"公民", residentWord, false}, {"aadhaar", aadhaarWord, false}, {"aadhar", aadhaarWord, false}, {"uidai", aadhaarWord, false}, {"आधार", aadhaarWord, false},
	{"mobile", phoneWord, false}, {"phone", phoneWord, false}, {"msisdn", phoneWord, false}, {"手机", phoneWord, false}, {"电话", phoneWord, false},
	{"cell", phoneWord, true}, {"whatsapp", phoneWord, false}, {"ctcm", phoneWord, true}, {"tel", phoneWord, true},
}

// near says whether a word of the kind stands in the same line within 48 bytes before at, or within
// 24 bytes after end. It is asked only for numbers that already have the form and the check digits.
func (d *Detector) near(at, end int, kinds ...context) bool {
	from := max(0, at-48)
	if nl := bytes.LastIndexByte(d.folded[from:at], '\n'); nl >= 0 {
		from += nl + 1
	}
	to := min(len(d.folded), end+24)
	if nl := bytes.IndexByte(d.folded[end:to], '\n'); nl >= 0 {
		to = end + nl
	}
	window := d.folded[from:to]
	for i := range keywords {
		k := &keywords[i]
		for _, want := range kinds {
			if k.kind == want && contains(window, k) {
				return true
			}
		}
	}
	return false
}

func contains(window []byte, k *keyword) bool {
	text := []byte(k.text)
	for from := 0; ; {
		i := bytes.Index(window[from:], text)
		if i < 0 {
			return false
		}
		i += from
		end := i + len(text)
		if !k.whole || (i == 0 || !alphabetic(window[i-1])) && (end == len(window) || !alphabetic(window[end])) {
			return true
		}
		from = i + 1
	}
}

func alphabetic(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

func alphanumeric(c byte) bool { return alphabetic(c) || c >= '0' && c <= '9' }
