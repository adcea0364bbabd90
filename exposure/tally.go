package exposure

import (
	"encoding/binary"

	"github.com/contrail-ir/contrail/exposure/internal/distinct"
	"github.com/contrail-ir/contrail/exposure/internal/identifier"
	"github.com/contrail-ir/contrail/exposure/internal/record"
)

// The smallest record about a person: what was skipped cannot hide more than one per that many bytes.
const smallestRecord = 16

const (
	maxRoutes = 100_000
	maxMonths = 3_000
	keptSizes = 4096
)

// tally is what was found of one organisation under one status.
//
// A person is known by document and issuer (or national number), else by name and birth date, else by
// locator and index, else by a contact. A weaker identity that was also seen beside a stronger one is
// the same person; so each weaker level keeps two sets, and counts the first without the second:
// seen alone, and seen beside something stronger. Sets merge, so the order of files does not matter.
type tally struct {
	key   distinct.Key
	limit int

	rows  [record.Kinds]uint64 // occurrences
	items [record.Kinds]*distinct.Sketch

	documents            *distinct.Sketch // persons by document; tagged with nationality
	namesAlone, namesTo  *distinct.Sketch
	placesAlone, placeTo *distinct.Sketch // locator and index
	contactsAlone, cntTo *distinct.Sketch
	nameless             uint64 // records without any identity

	bookings, bookLinked, bookLoose *distinct.Sketch // with date; their undated form; undated only
	unlocated                       uint64
	lastBooking                     uint64

	routes      map[[6]byte]uint64
	otherRoutes uint64
	months      map[int]uint64
	first, last identifier.Day

	skipped int64
	missing uint64
	damages uint64
	broken  uint64 // streams that break off
	sizes   []fileSize
	scratch []byte
}

type fileSize struct{ bytes, rows float64 }

func newTally(key distinct.Key, limit int) *tally {
	t := &tally{key: key, limit: limit, routes: map[[6]byte]uint64{}, months: map[int]uint64{}}
	for _, s := range t.sketches() {
		*s = distinct.New(limit, false)
	}
	for _, s := range []**distinct.Sketch{&t.documents, &t.namesAlone, &t.placesAlone, &t.contactsAlone} {
		*s = distinct.New(limit, true)
	}
	return t
}

// sketches lists every sketch, in a fixed order.
func (t *tally) sketches() []**distinct.Sketch {
	list := []**distinct.Sketch{&t.documents, &t.namesAlone, &t.namesTo, &t.placesAlone, &t.placeTo, &t.contactsAlone, &t.cntTo,
		&t.bookings, &t.bookLinked, &t.bookLoose}
	for i := range t.items {
		list = append(list, &t.items[i])
	}
	return list
}

// start begins an identity in the scratch memory; field adds a part, so that parts cannot run into
// each other.
func (t *tally) start(domain byte) { t.scratch = append(t.scratch[:0], domain) }

func (t *tally) field(p []byte) {
	t.scratch = append(t.scratch, p...)
	t.scratch = append(t.scratch, 0)
}

func (t *tally) sum() uint64 { return t.key.Sum(t.scratch) }

// Item counts an identifier.
func (t *tally) Item(kind record.Kind, parts ...[]byte) {
	t.rows[kind]++
	t.start(byte(kind))
	for _, p := range parts {
		t.field(p)
	}
	t.items[kind].Add(t.sum(), 0)
}

func (t *tally) documentKey(p *record.Passenger) (uint64, record.Kind, bool) {
	switch {
	case len(p.National) > 0:
		kind := record.Residents
		if len(p.National) == 12 {
			kind = record.Aadhaars
		}
		t.start(byte(kind))
		for _, c := range p.National {
			if c == 'x' {
				c = 'X'
			}
			t.scratch = append(t.scratch, c)
		}
		t.scratch = append(t.scratch, 0)
		return t.sum(), kind, true
	case len(p.Number) > 0:
		issuer := p.Issuer
		if len(issuer) == 0 || issuer[0] == 0 {
			issuer = p.Nationality[:]
		}
		t.start(byte(record.Documents))
		t.field(issuer)
		t.field(p.Number)
		return t.sum(), record.Documents, true
	}
	return 0, 0, false
}

// Passenger counts one record about one person.
func (t *tally) Passenger(p *record.Passenger) {
	t.rows[record.Rows]++
	tag := identifier.Tag(p.Nationality)
	doc, kind, known := t.documentKey(p)
	if known {
		t.rows[kind]++
		t.items[kind].Add(doc, 0)
		t.documents.Add(doc, tag)
		if kind != record.Documents && len(p.Number) > 0 { // a passport beside the national number
			q := record.Passenger{Number: p.Number, Issuer: p.Issuer, Nationality: p.Nationality}
			h, _, _ := t.documentKey(&q)
			t.rows[record.Documents]++
			t.items[record.Documents].Add(h, 0)
		}
	}
	if p.Birth != 0 && len(p.Surname) > 0 {
		t.start('n')
		at := len(t.scratch)
		t.scratch = identifier.AppendName(t.scratch, p.Surname, false)
		t.scratch = identifier.AppendName(t.scratch, p.Given, true)
		if len(t.scratch) > at {
			t.scratch = binary.LittleEndian.AppendUint32(t.scratch, uint32(p.Birth.BirthKey()))
			t.link(t.namesAlone, t.namesTo, t.sum(), tag, known)
			known = true
		}
	}
	if len(p.Locator) > 0 && (p.Index > 0 || len(p.Surname) > 0) {
		t.start('l')
		t.field(p.Carrier)
		t.field(p.Locator)
		if p.Index > 0 {
			t.scratch = binary.LittleEndian.AppendUint32(t.scratch, uint32(p.Created))
			t.scratch = binary.LittleEndian.AppendUint32(t.scratch, uint32(p.Index))
		} else {
			t.scratch = identifier.AppendName(t.scratch, p.Surname, false)
			t.scratch = identifier.AppendName(t.scratch, p.Given, true)
		}
		t.link(t.placesAlone, t.placeTo, t.sum(), tag, known)
		known = true
	}
	if len(p.Contact) > 0 {
		t.start('c')
		t.field(p.Contact)
		t.link(t.contactsAlone, t.cntTo, t.sum(), tag, known)
		known = true
	}
	if !known {
		t.nameless++
	}
}

func (t *tally) link(alone, linked *distinct.Sketch, h uint64, tag uint16, known bool) {
	if known {
		linked.Add(h, 0)
	} else {
		alone.Add(h, tag)
	}
}

// Booking counts a booking. Locators are reused, so carrier and day of creation are part of the key;
// an undated mention of a booking that is also dated is the same.
func (t *tally) Booking(carrier, locator []byte, created identifier.Day, _ int64) {
	t.rows[record.Bookings]++
	if len(locator) == 0 {
		t.unlocated++
		return
	}
	t.start('b')
	t.field(carrier)
	t.field(locator)
	loose := t.sum()
	if created == 0 {
		t.bookLoose.Add(loose, 0)
		return
	}
	t.scratch = binary.LittleEndian.AppendUint32(t.scratch, uint32(created))
	dated := t.sum()
	if dated == t.lastBooking { // the rows of one booking follow each other
		return
	}
	t.lastBooking = dated
	t.bookings.Add(dated, 0)
	t.bookLinked.Add(loose, 0)
}

// Leg counts a journey of n passengers.
func (t *tally) Leg(from, to []byte, day identifier.Day, n int) {
	if len(from) == 3 && len(to) == 3 {
		k := [6]byte{from[0], from[1], from[2], to[0], to[1], to[2]}
		for i, c := range k {
			if c >= 'a' && c <= 'z' {
				k[i] = c - 32
			} else if c < 'A' || c > 'Z' {
				k = [6]byte{}
				break
			}
		}
		if _, ok := t.routes[k]; (ok || len(t.routes) < maxRoutes) && k != [6]byte{} {
			t.routes[k] += uint64(n)
		} else {
			t.otherRoutes += uint64(n)
		}
	}
	if day != 0 {
		if t.first == 0 || day < t.first {
			t.first = day
		}
		t.last = max(t.last, day)
		if _, ok := t.months[day.Month()]; ok || len(t.months) < maxMonths {
			t.months[day.Month()] += uint64(n)
		}
	}
}

func (t *tally) lost(d record.Damage) {
	t.damages++
	t.skipped += d.Bytes
	t.missing += uint64(max(d.Missing, 0))
	if d.Cut {
		t.broken++
	}
}

func (t *tally) merge(o *tally) {
	for i, s := range o.sketches() {
		(*t.sketches()[i]).Merge(*s)
	}
	for k, n := range o.rows {
		t.rows[k] += n
	}
	t.nameless += o.nameless
	t.unlocated += o.unlocated
	for k, n := range o.routes {
		if _, ok := t.routes[k]; ok || len(t.routes) < maxRoutes {
			t.routes[k] += n
		} else {
			t.otherRoutes += n
		}
	}
	t.otherRoutes += o.otherRoutes
	for m, n := range o.months {
		t.months[m] += n
	}
	if o.first != 0 && (t.first == 0 || o.first < t.first) {
		t.first = o.first
	}
	t.last = max(t.last, o.last)
	t.skipped += o.skipped
	t.missing += o.missing
	t.damages += o.damages
	t.broken += o.broken
	t.sizes = append(t.sizes, o.sizes...)
	if n := len(t.sizes); n > keptSizes {
		t.sizes = t.sizes[n-keptSizes:]
	}
}
