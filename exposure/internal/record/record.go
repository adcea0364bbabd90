// Package record is where the readers of exposed data meet the count: what they find is handed, value
// by value, to a Collector, which keeps keyed hashes and numbers only. Values are borrowed for the
// length of one call.
package record

import "github.com/contrail-ir/contrail/exposure/internal/identifier"

// Kind is a kind of thing that is counted by its own identity.
type Kind uint8

// The kinds, in the order in which results list them.
const (
	Rows Kind = iota // records about one person: a table row, a TIF, a NAD+FL, an SSR line
	Persons
	Bookings
	Documents
	Visas
	Residents
	Aadhaars
	Tickets
	Cards
	MaskedCards
	FrequentFlyers
	Phones
	Emails
	Addresses
	Kinds int = iota
)

var kindNames = [Kinds]struct{ name, unit string }{
	{"passenger-record", "rows"}, {"person", "persons"}, {"booking", "bookings"}, {"travel-document", "documents"},
	{"visa", "documents"}, {"chinese-resident-id", "documents"}, {"aadhaar", "documents"}, {"ticket", "tickets"},
	{"payment-card", "cards"}, {"payment-card-masked", "cards"}, {"frequent-flyer", "accounts"}, {"phone", "numbers"},
	{"email", "addresses"}, {"postal-address", "addresses"},
}

// String is the name of the kind in results.
func (k Kind) String() string { return kindNames[k].name }

// Unit is what one of the kind is called.
func (k Kind) Unit() string { return kindNames[k].unit }

// Passenger is one record about one person.
type Passenger struct {
	Surname, Given []byte // UTF-8; a full name stands in Surname with Given nil
	Birth          identifier.Day
	Issuer, Number []byte // travel document
	National       []byte // national identity number, "" when none
	Nationality    [3]byte
	Carrier        []byte // booking
	Locator        []byte
	Created        identifier.Day
	Index          int    // 1-based position in the booking, 0 unknown
	Contact        []byte // frequent-flyer number, e-mail or telephone, for want of anything better
}

// Message is the report of one EDIFACT message or interchange.
type Message struct {
	Offset     int64    `json:"offset"`
	Type       string   `json:"type"` // "PNRGOV:11:1:IA"
	Reference  string   `json:"reference"`
	Passengers int      `json:"passengers"`
	Crew       int      `json:"crew,omitempty"`
	Bookings   int      `json:"bookings"`
	Segments   int      `json:"segments"`
	Declared   int      `json:"declared_segments"` // by UNT, -1 when it has none
	Notes      []string `json:"notes,omitempty"`
}

// Damage is a place that could not be read as its format demands.
type Damage struct {
	Offset int64  `json:"offset"`
	Reason string `json:"reason"`
	Bytes  int64  `json:"bytes,omitempty"` // skipped, so that records may hide there
	// Missing is how many records the evidence itself says are absent.
	Missing int `json:"missing,omitempty"`
	// Cut says that the stream breaks off here: nobody knows what came behind.
	Cut bool `json:"-"`
}

// Collector takes what readers find.
type Collector interface {
	// Passenger counts one record about one person, with the document and national number it names.
	Passenger(*Passenger)
	// Booking counts a booking; at tells bookings without a locator apart.
	Booking(carrier, locator []byte, created identifier.Day, at int64)
	// Item counts an identifier of a kind by its parts, which must be in canonical form.
	Item(kind Kind, parts ...[]byte)
	// Leg counts a journey of n passengers. Codes may be empty, the day 0.
	Leg(from, to []byte, day identifier.Day, n int)
	// Message and Damage report how reading went.
	Message(*Message)
	Damage(Damage)
}
