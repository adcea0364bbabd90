package prose

import (
	"bytes"

	"github.com/contrail-ir/contrail/exposure/internal/identifier"
	"github.com/contrail-ir/contrail/exposure/internal/record"
	"github.com/contrail-ir/contrail/exposure/internal/travel"
)

// numbers looks at every run of digits, which single spaces or hyphens may part, of 10 to 19 digits.
func (d *Detector) numbers(p []byte) {
	var digits [24]byte
	residents := 0
	lastResident := -4096
	for i := 0; i < len(p); i++ {
		if p[i]-'0' > 9 {
			continue
		}
		from, n, parted := i, 0, false
		group := 0 // digits since the last separator: people part numbers into groups of six at most
		k := i
		for k < len(p) && n < len(digits) {
			if c := p[k]; c-'0' <= 9 {
				digits[n] = c
				n++
				group++
			} else if (c == ' ' || c == '-') && n >= 3 && group <= 6 && k+1 < len(p) && p[k+1]-'0' <= 9 && p[k-1]-'0' <= 9 {
				parted, group = true, 0
			} else {
				break
			}
			k++
		}
		whole := p[from:k]
		i = k
		if n < 10 || n > 19 {
			for i < len(p) && p[i]-'0' <= 9 {
				i++
			}
			continue
		}
		before := byte(' ')
		if from > 0 {
			before = p[from-1]
		}
		after := byte(' ')
		if k < len(p) {
			after = p[k]
		}
		// Inside a longer token or a decimal number it is something else.
		if alphabetic(before) || before == '.' || before == '_' || before == '%' || after == '.' && k+1 < len(p) && p[k+1]-'0' <= 9 {
			continue
		}
		if n == 17 && !parted && (after == 'X' || after == 'x') && (k+1 == len(p) || !alphanumeric(p[k+1])) {
			whole = p[from : k+1]
			k++
			i = k
		} else if alphabetic(after) && !(n >= 13 && after == 'C' && k+1 < len(p) && p[k+1]-'0' <= 9) {
			continue // a coupon number, C1, may follow a ticket
		}
		num := digits[:n]
		switch {
		case len(whole) == 18 && identifier.ChineseResident(whole):
			if from-lastResident > 4096 {
				residents = 0
			}
			residents++
			lastResident = from
			if residents >= 3 || d.near(from, k, residentWord) {
				d.add(record.Residents, from, k, bytes.ToUpper(whole), nil, nil)
				continue
			}
		case n == 12 && identifier.Aadhaar(num) && d.near(from, k, aadhaarWord):
			d.add(record.Aadhaars, from, k, d.hold(num), nil, nil)
			continue
		case n == 13 && !parted && identifier.Ticket(num):
			if d.near(from, k, strongTicketWord) || identifier.KnownAccountingCode(num) && d.near(from, k, ticketWord) {
				d.add(record.Tickets, from, k, d.hold(num), nil, nil)
				continue
			}
		case n == 13 && parted && (whole[3] == '-' || whole[3] == ' ' && len(whole) == 14) && identifier.KnownAccountingCode(num) && d.near(from, k, strongTicketWord, ticketWord):
			d.add(record.Tickets, from, k, d.hold(num), nil, nil)
			continue
		}
		if n >= 13 && identifier.CardScheme(num) != "" && identifier.Luhn(num) && varied(num) && d.near(from, k, cardWord) {
			d.add(record.Cards, from, k, d.hold(num), nil, nil)
			continue
		}
		if n <= 15 && d.near(from, k, phoneWord) && varied(num) {
			if before == '+' || identifier.ChineseMobile(num) || n == 10 && num[0] >= '6' || n == 12 && num[0] == '9' && num[1] == '1' {
				d.add(record.Phones, from, k, d.hold(num), nil, nil)
			}
		}
	}
}

// varied refuses numbers such as 4111111111111111 only when one digit makes up all of it, and zeros.
func varied(num []byte) bool {
	for _, c := range num[1:] {
		if c != num[0] {
			return true
		}
	}
	return false
}

// requests finds special service requests as they stand in text, "SSR DOCS UA HK1 /P/GBR/…" or
// "SSR+DOCS:HK:1:UA:::::/P/GBR/…", and contacts, "CTCE A//B.COM".
func (d *Detector) requests(p []byte) {
	for from := 0; ; {
		k := bytes.Index(d.folded[from:], []byte("ssr"))
		if k < 0 {
			return
		}
		at := from + k
		from = at + 3
		if at > 0 && alphanumeric(p[at-1]) || at+8 > len(p) || alphabetic(p[at+3]) || p[at] != 'S' {
			continue
		}
		code := string(p[at+4 : at+8])
		line := p[at+8:]
		if end := bytes.IndexAny(line[:min(len(line), 300)], "'\n\"\\"); end >= 0 {
			line = line[:end]
		}
		line = line[:min(len(line), 300)]
		if d.request(at, code, line) {
			from = at + 8
		}
	}
}

// afterStatus gives where the free text begins: after the last space or colon before the first slash,
// or at the slash when only a status code such as HK1 stands between.
func afterStatus(line []byte, slash int) int {
	start := bytes.LastIndexAny(line[:slash], ": ") + 1
	if w := line[start:slash]; len(w) == 3 && alphabetic(w[0]) && alphabetic(w[1]) && w[2]-'0' <= 9 {
		return slash
	}
	return start
}

func (d *Detector) request(at int, code string, line []byte) bool {
	slash := bytes.IndexByte(line, '/')
	end := at + 8 + len(line)
	switch code {
	case "DOCS":
		if slash < 0 || slash > 40 {
			return false
		}
		doc, ok := travel.ParseDOCS(line[slash:])
		if !ok {
			return false
		}
		d.document(at, end, &doc)
	case "DOCO":
		if slash < 0 {
			return false
		}
		// The birthplace may stand before the first slash.
		start := afterStatus(line, slash)
		number, country, ok := travel.ParseDOCO(line[start:])
		if !ok {
			return false
		}
		d.add(record.Visas, at, end, number, country, nil)
	case "DOCA":
		if slash < 0 {
			return false
		}
		start := afterStatus(line, slash)
		country, street, city, zip, ok := travel.ParseDOCA(line[start:])
		if !ok {
			return false
		}
		d.add(record.Addresses, at, end, d.hold(bytes.Join([][]byte{street, city, zip}, []byte{0})), country, nil)
	case "FOID":
		cut := bytes.LastIndexAny(line, ":/ ")
		kind, number, ok := travel.ParseFOID(line[cut+1:])
		if !ok {
			return false
		}
		switch {
		case identifier.ChineseResident(number):
			d.add(record.Residents, at, end, number, nil, nil)
		case string(kind) == "PP" || string(kind) == "NI":
			d.add(record.Documents, at, end, number, nil, nil)
		default:
			return false
		}
	case "CTCE":
		start := bytes.LastIndexAny(line[:max(bytes.Index(line, []byte("//")), 0)], ": /") + 1
		mail, ok := travel.ParseEmail(nil, line[start:])
		if !ok {
			return false
		}
		d.add(record.Emails, at, end, mail, nil, nil)
	case "CTCM":
		start := bytes.LastIndexAny(bytes.TrimRight(line, " "), ":/ ") + 1
		num, ok := identifier.Phone(nil, bytes.TrimRight(line[start:], " "))
		if !ok {
			return false
		}
		d.add(record.Phones, at, end, num, nil, nil)
	case "FQTV":
		start := bytes.LastIndexAny(bytes.TrimRight(line, " "), ":/ ") + 1
		num := line[start:]
		for i, c := range num {
			if !alphanumeric(c) {
				num = num[:i]
				break
			}
		}
		if !identifier.DocumentNumber(num) || alphabetic(num[len(num)-1]) {
			return false
		}
		d.add(record.FrequentFlyers, at, end, num[2:], num[:2], nil)
	default:
		return false
	}
	return true
}

// documents finds the free text of SSR DOCS without its code, as it stands where lines were taken apart: "/P/GBR/925665416/GBR/12JUL64/M/23AUG29/SMITH/JOHN".
func (d *Detector) documents(p []byte) {
	for from := 0; ; {
		k := bytes.Index(p[from:], []byte("/P/"))
		if k < 0 {
			return
		}
		at := from + k
		from = at + 3
		if at+12 > len(p) || p[at+6] != '/' && p[at+5] != '/' || !alphabetic(p[at+3]) || !alphabetic(p[at+4]) {
			continue
		}
		line := p[at:min(len(p), at+300)]
		if end := bytes.IndexAny(line, "'\n\"\\ ]"); end >= 0 {
			line = line[:end]
		}
		if doc, ok := travel.ParseDOCS(line); ok && doc.Birth != 0 && len(doc.Surname) > 0 {
			d.document(at, at+len(line), &doc)
		}
	}
}

func (d *Detector) document(from, to int, doc *travel.DOCS) {
	issuer := identifier.Nationality(doc.Issuer)
	given := doc.Given
	if cut := bytes.IndexAny(given, "-+"); cut > 0 {
		given = given[:cut]
	}
	d.add(record.Documents, from, to, doc.Number, d.hold(issuer[:]), &record.Passenger{Surname: doc.Surname, Given: given, Birth: doc.Birth,
		Issuer: d.hold(issuer[:]), Number: doc.Number, Nationality: identifier.Nationality(doc.Nationality)})
}

// label names a field whose value may follow in the same line.
type label struct {
	text string
	kind record.Kind
}

var labels = []label{
	{"pnr", record.Bookings}, {"locator", record.Bookings}, {"recloc", record.Bookings}, {"booking reference", record.Bookings}, {"booking ref", record.Bookings},
	{"booking code", record.Bookings}, {"bookingreference", record.Bookings}, {"bookingref", record.Bookings},
	{"booking_reference", record.Bookings}, {"booking_ref", record.Bookings}, {"订座", record.Bookings}, {"预订编号", record.Bookings},
	{"passport", record.Documents}, {"护照", record.Documents},
	{"frequent flyer", record.FrequentFlyers}, {"frequent-flyer", record.FrequentFlyers}, {"frequent_flyer", record.FrequentFlyers},
	{"frequentflyer", record.FrequentFlyers}, {"loyalty", record.FrequentFlyers}, {"常旅客", record.FrequentFlyers},
}

// labelled finds values by the name before them: "PNR: ABC123", "passport no. X1234567",
// "passport_number":"X1234567".
func (d *Detector) labelled(p []byte) {
	for i := range labels {
		l := &labels[i]
		text := []byte(l.text)
		for from := 0; ; {
			k := bytes.Index(d.folded[from:], text)
			if k < 0 {
				break
			}
			at := from + k
			from = at + len(text)
			if at > 0 && alphabetic(p[at-1]) && p[at] < 0x80 {
				continue
			}
			if start, end, sign := valueAfter(p, from); end > start && (sign || l.kind == record.Documents && plainNumber(p[start:end])) {
				d.value(l.kind, p, start, end)
			}
		}
	}
}

// plainNumber says whether a token can only be the number of a document, so that "passport X1234567" needs no sign between the two.
func plainNumber(v []byte) bool {
	letters := 0
	for letters < len(v) && v[letters] >= 'A' && v[letters] <= 'Z' {
		letters++
	}
	return letters >= 1 && letters <= 2 && len(v)-letters >= 6 && identifier.Digits(v[letters:])
}

// extension says whether what follows a token is the ending of a file's name.
func extension(p []byte) bool {
	n := 1
	for n < len(p) && n < 6 && p[n] >= 'a' && p[n] <= 'z' {
		n++
	}
	return n >= 3 && n <= 5 && (n == len(p) || !alphanumeric(p[n]) && p[n] != '.' && p[n] != '-' && p[n] != '_')
}

// valueAfter gives the token after a label: at most one or two words such as "no", "number", "code"
// and punctuation stand between. sign says that something there promises a value.
func valueAfter(p []byte, at int) (start, end int, sign bool) {
	limit := min(len(p), at+32)
	for i := at; i < limit; {
		c := p[i]
		switch {
		case c == ':' || c == '=' || c == '#':
			sign = true
			i++
		case c == ' ' || c == '_' || c == '-' || c == '"' || c == '\'' || c == '.' || c == '\t' || c == '\\' || c == '>':
			i++
		case c >= 0x80: // "号", "码", "：" are three bytes each
			if bytes.HasPrefix(p[i:], []byte("：")) {
				sign = true
			}
			i++
		case alphanumeric(c):
			end := i
			for end < len(p) && alphanumeric(p[end]) && end-i < 24 {
				end++
			}
			switch string(bytes.ToLower(p[i:end])) {
			case "no", "nr", "num", "number", "code", "id", "ref", "reference", "is", "locator", "record":
				switch string(bytes.ToLower(p[i:end])) {
				case "is", "no", "nr", "num", "number":
					sign = true
				}
				i = end
				continue
			}
			return i, end, sign
		default:
			return 0, 0, false
		}
	}
	return 0, 0, false
}

func (d *Detector) value(kind record.Kind, p []byte, start, end int) {
	v := p[start:end]
	if end < len(p) && (p[end] == '-' || p[end] == '_' || p[end] == '.' && end+1 < len(p) && alphanumeric(p[end+1]) && !extension(p[end:]) || p[end] == '\\') {
		return // part of a longer name, a path or an address
	}
	switch kind {
	case record.Bookings:
		letters, digits := 0, 0
		for _, c := range v {
			switch {
			case c >= 'A' && c <= 'Z':
				letters++
			case c >= '0' && c <= '9':
				digits++
			default:
				return
			}
		}
		// Hexadecimal numbers and years also have six characters: ask for what they lack.
		if len(v) == 6 && letters > 0 && (digits > 0 || !ordinary[string(v)]) {
			d.add(kind, start, end, v, nil, nil)
		}
	case record.FrequentFlyers:
		letters := 0
		for letters < len(v) && v[letters] >= 'A' && v[letters] <= 'Z' {
			letters++
		}
		if letters <= 3 && len(v)-letters >= 6 && len(v) <= 16 && identifier.Digits(v[letters:]) {
			d.add(kind, start, end, v, nil, nil)
		}
	case record.Documents:
		digits, first := 0, 0
		for i, c := range v {
			if c >= '0' && c <= '9' {
				digits++
				if digits == 1 {
					first = i
				}
			}
		}
		if len(v) >= 7 && len(v) <= 9 && digits >= len(v)-2 && first <= 2 {
			d.add(kind, start, end, d.hold(bytes.ToUpper(v)), nil, nil)
		}
	}
}
