package travel

import (
	"bytes"

	"github.com/contrail-ir/contrail/exposure/internal/identifier"
	"github.com/contrail-ir/contrail/exposure/internal/record"
)

// contact takes the contact of an OSI or SSR text: "CTCE A.B//C.COM", "CTCM 441234567890",
// "EK CTC M 5432109876". It returns the canonical form, "" when there is none.
func (in *interpreter) contact(text []byte) []byte {
	at := bytes.Index(text, []byte("CTC"))
	if at < 0 || at+4 > len(text) {
		return nil
	}
	rest := bytes.TrimLeft(text[at+3:], " ")
	if len(rest) < 2 {
		return nil
	}
	code := rest[0]
	rest = bytes.Trim(rest[1:], " /")
	if code == 'E' {
		mail, ok := ParseEmail(in.mail[:0], rest)
		if in.mail = mail; !ok {
			return nil
		}
		in.out.Item(record.Emails, mail)
		return mail
	}
	switch code {
	case 'M', 'H', 'B', 'P', 'R', 'T', 'A', 'F':
		return in.phone(rest)
	}
	return nil
}

// phone takes the leading telephone number of a text.
func (in *interpreter) phone(text []byte) []byte {
	end := 0
	for end < len(text) && end < 24 && (text[end]-'0' <= 9 || text[end] == '+' || text[end] == ' ' || text[end] == '-' || text[end] == '(' || text[end] == ')') {
		end++
	}
	digits, ok := identifier.Phone(in.digits[:0], bytes.TrimRight(text[:end], " -("))
	if in.digits = digits; !ok {
		return nil
	}
	in.out.Item(record.Phones, digits)
	return digits
}

// ticket takes the ticket number in a text such as "0062120234533", "1392178947000C2",
// "INF1392178947000C2" or "TKT NBR 03751019954019 …". Ten digits lack the airline's code.
func (in *interpreter) ticket(text []byte) {
	for i := 0; i < len(text); i++ {
		if text[i]-'0' > 9 {
			continue
		}
		start := i
		for i < len(text) && text[i]-'0' <= 9 {
			i++
		}
		switch n := i - start; n {
		case 13, 14:
			if identifier.Ticket(text[start:i]) {
				in.out.Item(record.Tickets, text[start:start+13])
				return
			}
		case 10:
			in.out.Item(record.Tickets, text[start:i])
			return
		}
	}
}

// card takes a card number that may be partly crossed out. Only whole numbers that pass count as cards.
func (in *interpreter) card(vendor, number, expiry []byte) {
	if len(number) < 12 || len(number) > 19 {
		return
	}
	if identifier.Digits(number) {
		if identifier.Luhn(number) && identifier.CardScheme(number) != "" {
			in.out.Item(record.Cards, number)
		}
		return
	}
	shown := 0
	for _, c := range number {
		switch {
		case c >= '0' && c <= '9':
			shown++
		case c != 'X' && c != 'x' && c != '*' && c != '#':
			return
		}
	}
	if shown >= 2 {
		in.out.Item(record.MaskedCards, vendor, number, expiry)
	}
}

// national counts a national identity number that belongs to no traveller of the message.
func (in *interpreter) national(number []byte) {
	if identifier.ChineseResident(number) {
		in.out.Item(record.Residents, bytes.ToUpper(number))
	} else {
		in.out.Item(record.Aadhaars, number)
	}
}
