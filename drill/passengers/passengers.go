// Package passengers writes synthetic passenger data in the forms that airlines hold and intruders
// carry off: delimited text, SQL dumps, JSON, machine readable zones, PNRGOV and PAXLST, with a known
// truth. The same seed gives the same bytes. Names, numbers and addresses are made up from lists and a
// generator; check digits are right so that readers can be tested. It computes them on its own, so that
// a mistake in a reader's arithmetic is not repeated here.
package passengers

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"time"
)

// Passenger is one made-up person on one booking.
type Passenger struct {
	Surname, Given string
	Birth          time.Time
	Sex            byte
	Nationality    string // alpha-3; also the passport's issuer
	Passport       string
	Expiry         time.Time
	Resident       string // Chinese resident number, "" for others
	Email, Mobile  string
	Ticket, Card   string
	FrequentFlyer  string
	Carrier        string
	Locator        string
	Created        time.Time
	Index          int // in the booking
	From, To       string
	Flight         string
	Departure      time.Time
}

// Truth is what a set of passengers holds.
type Truth struct {
	Persons       int
	Bookings      int
	Tickets       int
	Cards         int
	Nationalities map[string]int
}

var surnames = strings.Fields(`SMITH JONES GARCIA MULLER ROSSI NOVAK TANAKA KIM WANG LI ZHANG CHEN SINGH PATEL KUMAR SILVA SANTOS DUBOIS MARTIN BERNARD
	JANSEN LARSEN HANSEN KOWALSKI IVANOV PETROV OKAFOR MENSAH TESFAYE YILMAZ HADDAD COHEN NGUYEN TRAN SUZUKI SATO PARK LEE ONEILL MURPHY`)

var givens = strings.Fields(`ANNA MARIA JOHN PETER LUCAS EMMA OLIVIA NOAH LIAM MIA SOFIA LEO HUGO ALICE CLARA PAUL MARK LAURA SARA DAVID DANIEL EVA NINA
	IVAN OLGA YUKI HANA MINJUN JISOO WEI FANG PRIYA RAHUL ANIL MEERA KOFI AMA LEILA OMAR YUSUF THANH LINH`)

var nations = []string{"CHN", "CHN", "CHN", "GBR", "USA", "IND", "JPN", "KOR", "FRA", "DEU", "BRA", "AUS", "SGP", "CAN"}

var airports = strings.Fields("PEK PVG CAN LHR CDG FRA JFK LAX NRT ICN SIN SYD DEL BOM GRU YYZ DXB AMS MUC")

var carriers = [...]struct{ code, accounting string }{{"CA", "999"}, {"MU", "781"}, {"BA", "125"}, {"LH", "220"}, {"SQ", "618"}, {"AI", "098"}, {"UA", "016"}}

// Generator makes passengers one after another.
type Generator struct {
	r       *rand.Rand
	n       int
	booking Passenger
	left    int
	truth   Truth
}

// New returns a Generator.
func New(seed uint64) *Generator {
	return &Generator{r: rand.New(rand.NewPCG(seed, 0x9e3779b9)), truth: Truth{Nationalities: map[string]int{}}}
}

// Truth says what was made so far.
func (g *Generator) Truth() Truth { return g.truth }

// Next makes the next passenger; those of one booking follow each other.
func (g *Generator) Next() Passenger {
	if g.left == 0 {
		g.startBooking()
	}
	g.left--
	g.n++
	p := g.booking
	g.booking.Index++
	p.Surname, p.Given = surnames[g.r.IntN(len(surnames))], givens[g.r.IntN(len(givens))]
	p.Birth = time.Date(1935, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, g.r.IntN(365*80))
	p.Sex = "MF"[g.r.IntN(2)]
	p.Nationality = nations[g.r.IntN(len(nations))]
	// Serial numbers make passports, mails and tickets unique.
	p.Passport = fmt.Sprintf("%c%08d", "EGKPX"[g.r.IntN(5)], g.n)
	p.Expiry = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, g.r.IntN(3650))
	if p.Nationality == "CHN" {
		p.Resident = residentNumber(g.n, p.Birth)
	}
	p.Email = fmt.Sprintf("%s.%s%d@example.com", strings.ToLower(p.Given), strings.ToLower(p.Surname), g.n)
	p.Mobile = fmt.Sprintf("+8613%09d", g.n)
	p.Ticket = fmt.Sprintf("%s24%08d", accounting(p.Carrier), g.n)
	if g.r.IntN(3) == 0 {
		p.Card = luhn(fmt.Sprintf("45%013d", g.n) + "7")
		g.truth.Cards++
	}
	if g.r.IntN(4) == 0 {
		p.FrequentFlyer = fmt.Sprintf("%010d", 3000000000+g.n)
	}
	g.truth.Persons++
	g.truth.Tickets++
	g.truth.Nationalities[p.Nationality]++
	return p
}

func (g *Generator) startBooking() {
	g.truth.Bookings++
	g.left = 1 + g.r.IntN(4)
	c := carriers[g.r.IntN(len(carriers))]
	from := airports[g.r.IntN(len(airports))]
	to := airports[g.r.IntN(len(airports))]
	for to == from {
		to = airports[g.r.IntN(len(airports))]
	}
	departure := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(g.r.IntN(365*24*60)) * time.Minute)
	g.booking = Passenger{Carrier: c.code, Locator: locator(g.truth.Bookings), Created: departure.AddDate(0, 0, -1-g.r.IntN(90)), Index: 1,
		From: from, To: to, Flight: fmt.Sprintf("%s%d", c.code, 100+g.r.IntN(900)), Departure: departure}
}

func accounting(carrier string) string {
	for _, c := range carriers {
		if c.code == carrier {
			return c.accounting
		}
	}
	return carriers[0].accounting
}

// locator spells a number in 20 letters and 8 digits; the first place is a letter.
func locator(n int) string {
	const letters, all = "BCDFGHJKLMNPQRSTVWXZ", "BCDFGHJKLMNPQRSTVWXZ23456789"
	out := make([]byte, 6)
	for i := 5; i > 0; i-- {
		out[i] = all[n%len(all)]
		n /= len(all)
	}
	out[0] = letters[n%len(letters)]
	return string(out)
}

// luhn gives number with its last digit made right.
func luhn(number string) string {
	body := number[:len(number)-1]
	total := 0
	for i := range body {
		d := int(body[len(body)-1-i] - '0')
		if i%2 == 0 {
			d = d * 2
			d = d/10 + d%10
		}
		total += d
	}
	return body + string(rune('0'+(10-total%10)%10))
}

// residentNumber is unique for ten million persons: area and sequence spell n.
func residentNumber(n int, birth time.Time) string {
	body := fmt.Sprintf("31%04d%s%03d", n/1000%10000, birth.Format("20060102"), n%1000)
	// ISO 7064 MOD 11-2, the recursive form.
	s := 0
	for _, c := range body {
		s = (s + int(c-'0')) * 2 % 11
	}
	return body + string("0123456789X"[(12-s)%11])
}

// Write writes n passengers in a form: csv, csv-zh, sql-mysql, sql-postgres, sql-copy, sql-mssql, sql-oracle, json, jsonl,
// mrz, pnrgov or paxlst.
func (g *Generator) Write(w io.Writer, form string, n int) error {
	write, ok := forms[form]
	if !ok {
		return fmt.Errorf("passengers: write %s: unknown form", form)
	}
	b := bufio.NewWriterSize(w, 1<<16)
	write(g, b, n)
	return b.Flush()
}

// Forms lists the forms in a fixed order.
func Forms() []string {
	return []string{"csv", "csv-zh", "sql-mysql", "sql-postgres", "sql-copy", "sql-mssql", "sql-oracle", "json", "jsonl", "mrz", "pnrgov", "paxlst"}
}

var forms = map[string]func(*Generator, *bufio.Writer, int){
	"csv": writeCSV, "csv-zh": writeChineseCSV, "sql-mysql": writeMySQL, "sql-postgres": writePostgres, "sql-copy": writeCopy,
	"sql-mssql": writeMSSQL, "sql-oracle": writeOracle, "json": writeJSON, "jsonl": writeJSONLines, "mrz": writeMRZ,
	"pnrgov": writePNRGOV, "paxlst": writePAXLST,
}
