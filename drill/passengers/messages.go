package passengers

import (
	"bufio"
	"fmt"
	"strings"
	"time"
)

func filled(s string, n int) string {
	s = strings.ReplaceAll(s, " ", "<")
	if len(s) > n {
		return s[:n]
	}
	return s + strings.Repeat("<", n-len(s))
}

// checkDigit is the weighted sum of ICAO 9303-3, written out from the table of values.
func checkDigit(s string) string {
	const values = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	total := 0
	for i, c := range s {
		v := strings.IndexRune(values, c)
		if v < 0 {
			v = 0
		}
		total += v * []int{7, 3, 1}[i%3]
	}
	return fmt.Sprint(total % 10)
}

func checked(s string) string { return s + checkDigit(s) }

// MRZ gives the two lines of a passport (TD3).
func (p *Passenger) MRZ() (line1, line2 string) {
	line1 = "P<" + p.Nationality + filled(p.Surname+"<<"+p.Given, 39)
	number, birth, expiry, optional := checked(filled(p.Passport, 9)), checked(p.Birth.Format("060102")), checked(p.Expiry.Format("060102")), checked(filled("", 14))
	line2 = number + p.Nationality + birth + string(p.Sex) + expiry + optional
	return line1, line2 + checkDigit(number+birth+expiry+optional)
}

// IdentityCard gives the three lines of a card (TD1) with the passport's number.
func (p *Passenger) IdentityCard() [3]string {
	number := checked(filled(p.Passport, 9))
	line1 := "I<" + p.Nationality + number + filled("", 15)
	birth, expiry := checked(p.Birth.Format("060102")), checked(p.Expiry.Format("060102"))
	line2 := birth + string(p.Sex) + expiry + p.Nationality + filled("", 11)
	line2 += checkDigit(line1[5:30] + line2[0:7] + line2[8:15] + line2[18:29])
	return [3]string{line1, line2, filled(p.Surname+"<<"+p.Given, 30)}
}

// IdentityCard2 gives the two lines of a document of size TD2.
func (p *Passenger) IdentityCard2() (line1, line2 string) {
	line1 = "I<" + p.Nationality + filled(p.Surname+"<<"+p.Given, 31)
	line2 = checked(filled(p.Passport, 9)) + p.Nationality + checked(p.Birth.Format("060102")) + string(p.Sex) + checked(p.Expiry.Format("060102")) + filled("", 7)
	return line1, line2 + checkDigit(line2[:10]+line2[13:20]+line2[21:35])
}

// writeMRZ writes passports, cards and TD2 documents in turn, each with a line of scanner output.
func writeMRZ(g *Generator, w *bufio.Writer, n int) {
	for i := range n {
		p := g.Next()
		fmt.Fprintf(w, "scan %d ok\n", i)
		switch i % 3 {
		case 0:
			a, b := p.MRZ()
			fmt.Fprintf(w, "%s\n%s\n", a, b)
		case 1:
			l := p.IdentityCard()
			fmt.Fprintf(w, "%s\r\n%s\r\n%s\r\n", l[0], l[1], l[2])
		default:
			a, b := p.IdentityCard2()
			fmt.Fprintf(w, "{\"mrz\":\"%s\\n%s\"}\n", a, b)
		}
	}
}

// message counts segments as they are written.
type message struct {
	w        *bufio.Writer
	segments int
}

func (m *message) put(format string, args ...any) {
	m.segments++
	fmt.Fprintf(m.w, format+"'\n", args...)
}

func ssr(t time.Time) string { return strings.ToUpper(t.Format("02Jan06")) }

// writePNRGOV writes one message per fifty passengers or so, in one interchange.
func writePNRGOV(g *Generator, w *bufio.Writer, n int) {
	fmt.Fprint(w, "UNA:+.?*'\nUNB+IATA:1+XX++240101:1200+REF1'\nUNG+PNRGOV+XX+GOV+240101:1200+G1+IA+13:1'\n")
	messages := 0
	for done := 0; done < n; {
		messages++
		m := message{w: w}
		m.put("UNH+%d+PNRGOV:13:1:IA+F6C2C268", messages)
		m.put("MSG+:22")
		m.put("ORG+XX:PEK+52519950")
		m.put("TVL+120124:0915+PEK+LHR+XX+324")
		var passengers []Passenger
		for (len(passengers) < 50 || g.left > 0) && done < n {
			passengers = append(passengers, g.Next())
			done++
		}
		m.put("EQN+%d", len(passengers))
		for i := 0; i < len(passengers); {
			end := i + 1
			for end < len(passengers) && passengers[end].Locator == passengers[i].Locator {
				end++
			}
			putBooking(&m, passengers[i:end])
			i = end
		}
		fmt.Fprintf(w, "UNT+%d+%d'\n", m.segments+1, messages)
	}
	fmt.Fprintf(w, "UNE+%d+G1'\nUNZ+1+REF1'\n", messages)
}

func putBooking(m *message, b []Passenger) {
	first := b[0]
	m.put("SRC")
	m.put("RCI+%s:%s::%s:1354", first.Carrier, first.Locator, first.Created.Format("020106"))
	m.put("DAT+700:%s:1010", first.Created.Format("020106"))
	m.put("ORG+%s:PEK+52519950:LON+++A+GB:GBP+D050517", first.Carrier)
	for _, p := range b {
		title := "MR"
		if p.Sex == 'F' {
			title = "MRS"
		}
		m.put("TIF+%s+%s%s:A:%d", p.Surname, p.Given, title, p.Index)
		if p.FrequentFlyer != "" {
			m.put("FTI+%s:%s:::ELITE", p.Carrier, p.FrequentFlyer)
		}
		m.put("IFT+4:28::YY+CTCE %s", strings.ToUpper(strings.Replace(p.Email, "@", "//", 1)))
		m.put("REF+:%s", p.Ticket)
		m.put("SSR+DOCS:HK::%s:::::/P/%s/%s/%s/%s/%c/%s/%s/%s", p.Carrier, p.Nationality, p.Passport, p.Nationality, ssr(p.Birth), p.Sex, ssr(p.Expiry), p.Surname, p.Given)
		m.put("TKT+%s:T:1", p.Ticket)
		m.put("IFT+4:43+WHAT?'S THAT?+?:??")
		if p.Card != "" {
			m.put("FOP+CC::100.00:VI:%s:1230", p.Card)
		}
	}
	m.put("TVL+%s:0915:%s:1230+%s+%s+%s+%s:B", first.Departure.Format("020106"), first.Departure.Format("020106"), first.From, first.To, first.Carrier, first.Flight[2:])
	m.put("RPI+%d+HK", len(b))
	for _, p := range b {
		m.put("TRI++%d:::%d", p.Index, p.Index)
		m.put("TIF+%s+%s:A:%d", p.Surname, p.Given, p.Index)
		m.put("SSD+17A++++Y")
	}
}

// writePAXLST writes one message per booking-independent hundred passengers.
func writePAXLST(g *Generator, w *bufio.Writer, n int) {
	fmt.Fprint(w, "UNA:+.?*'UNB+UNOA:4+AIR1+GOV+240101:1200+77'")
	messages := 0
	for done := 0; done < n; {
		messages++
		m := message{w: w}
		m.put("UNH+%d+PAXLST:D:05B:UN:IATA", messages)
		m.put("BGM+745")
		m.put("NAD+MS+++DUTY OFFICE")
		m.put("TDT+20+CA123+++CA")
		m.put("LOC+125+PEK")
		m.put("DTM+189:2401011200:201")
		m.put("LOC+87+LHR")
		m.put("DTM+232:2401012200:201")
		k := 0
		for ; k < 100 && done < n; k++ {
			p := g.Next()
			m.put("NAD+FL+++%s:%s", p.Surname, p.Given)
			m.put("ATT+2++%c", p.Sex)
			m.put("DTM+329:%s", p.Birth.Format("060102"))
			m.put("LOC+178+PEK")
			m.put("LOC+179+LHR")
			m.put("NAT+2+%s", p.Nationality)
			m.put("RFF+AVF:%s", p.Locator)
			m.put("DOC+P:110:111+%s", p.Passport)
			m.put("DTM+36:%s", p.Expiry.Format("060102"))
			m.put("LOC+91+%s", p.Nationality)
			done++
		}
		m.put("CNT+42:%d", k)
		fmt.Fprintf(w, "UNT+%d+%d'\n", m.segments+1, messages)
	}
	fmt.Fprintf(w, "UNZ+%d+77'", messages)
}
