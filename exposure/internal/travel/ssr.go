package travel

import (
	"bytes"

	"github.com/contrail-ir/contrail/exposure/internal/identifier"
)

// DOCS is the travel document of a special service request, in the positional form of AIRIMP:
// /type/issuer/number/nationality/birth/sex/expiry/surname/given/middle.
type DOCS struct {
	Type, Issuer, Number []byte
	Nationality          []byte
	Birth                identifier.Day
	Sex                  []byte
	Expiry               identifier.Day
	Surname, Given       []byte
	Fields               int // that are filled and well-formed
}

// ParseDOCS reads the free text of SSR DOCS. It reports false when fewer than two of issuer, number,
// nationality, birth, sex and expiry are well-formed: then the text is something else.
func ParseDOCS(text []byte) (DOCS, bool) {
	var d DOCS
	text = trim(text)
	if len(text) > 0 && text[0] == '/' {
		text = text[1:]
	}
	for i := 0; i < 10 && text != nil; i++ {
		var p []byte
		if cut := bytes.IndexByte(text, '/'); cut >= 0 {
			p, text = text[:cut], text[cut+1:]
		} else {
			p, text = text, nil
		}
		p = trim(p)
		if len(p) == 0 {
			continue
		}
		good := true
		switch i {
		case 0:
			d.Type, good = p, false
		case 1:
			d.Issuer, good = p, identifier.KnownNationality(p)
		case 2:
			d.Number, good = p, identifier.DocumentNumber(p)
		case 3:
			d.Nationality, good = p, identifier.KnownNationality(p)
		case 4:
			d.Birth = identifier.SSRDate(p, true)
			good = d.Birth != 0
		case 5:
			d.Sex = p
			good = len(p) <= 2 && (p[0] == 'M' || p[0] == 'F' || p[0] == 'X' || p[0] == 'U')
		case 6:
			d.Expiry = identifier.SSRDate(p, false)
			good = d.Expiry != 0
		case 7:
			d.Surname, good = p, false
		case 8:
			d.Given, good = p, false
		default:
			good = false
		}
		if good {
			d.Fields++
		}
	}
	if d.Number != nil && !identifier.DocumentNumber(d.Number) {
		d.Number = nil
	}
	return d, d.Fields >= 2
}

// Infant says whether the document belongs to a child without a seat (sex MI or FI).
func (d *DOCS) Infant() bool { return len(d.Sex) == 2 && d.Sex[1] == 'I' }

// ParseDOCO reads the free text of SSR DOCO: birthplace/type/number/place/date/country. It gives the
// visa's number and country.
func ParseDOCO(text []byte) (number, country []byte, ok bool) {
	p := positions(text, 6)
	if p[2] == nil || !identifier.DocumentNumber(p[2]) {
		return nil, nil, false
	}
	// The date of issue, the type V or a real country of use make it a visa and not any text.
	if identifier.SSRDate(p[4], false) == 0 && !(len(p[1]) == 1 && (p[1][0] == 'V' || p[1][0] == 'K' || p[1][0] == 'R')) &&
		!identifier.KnownNationality(p[5]) {
		return nil, nil, false
	}
	return p[2], p[5], true
}

// ParseDOCA reads the free text of SSR DOCA: type/country/address/city/state/zip. It gives the
// address when there is a street or city.
func ParseDOCA(text []byte) (country, street, city, zip []byte, ok bool) {
	p := positions(text, 6)
	if len(p[0]) != 1 || (p[0][0] != 'R' && p[0][0] != 'D' && p[0][0] != 'B') || len(p[2])+len(p[3]) < 3 {
		return nil, nil, nil, nil, false
	}
	return p[1], p[2], p[3], p[5], true
}

// ParseFOID reads SSR FOID: two letters of type and the number (PP passport, NI national identity,
// CC card, FF frequent flyer, DL driver's licence, CN confirmation, TN ticket, ID local).
func ParseFOID(text []byte) (kind, number []byte, ok bool) {
	text = bytes.Trim(text, " /")
	if len(text) < 6 || text[0] < 'A' || text[0] > 'Z' || text[1] < 'A' || text[1] > 'Z' {
		return nil, nil, false
	}
	kind = text[:2]
	number = bytes.Trim(text[2:], " /-")
	end := 0
	for end < len(number) && (number[end] >= '0' && number[end] <= '9' || number[end] >= 'A' && number[end] <= 'Z') {
		end++
	}
	number = number[:end]
	switch string(kind) {
	case "PP", "NI", "CC", "FF", "DL", "CN", "TN", "ID":
		return kind, number, len(number) >= 4
	}
	return nil, nil, false
}

// ParseEmail turns the e-mail of SSR or OSI CTCE into its usual form: // is @, .. is _ and ./ is -.
func ParseEmail(dst, text []byte) ([]byte, bool) {
	start := len(dst)
	text = bytes.Trim(text, " /")
	if end := bytes.IndexAny(text, " +"); end >= 0 {
		text = text[:end]
	}
	for i := 0; i < len(text); i++ {
		c := text[i]
		two := i+1 < len(text)
		switch {
		case two && c == '/' && text[i+1] == '/':
			dst = append(dst, '@')
			i++
		case two && c == '.' && text[i+1] == '.':
			dst = append(dst, '_')
			i++
		case two && c == '.' && text[i+1] == '/':
			dst = append(dst, '-')
			i++
		case c >= 'A' && c <= 'Z':
			dst = append(dst, c+32)
		default:
			dst = append(dst, c)
		}
	}
	if !identifier.Email(dst[start:]) {
		return dst[:start], false
	}
	return dst, true
}

func positions(text []byte, n int) [6][]byte {
	var out [6][]byte
	text = trim(text)
	if len(text) > 0 && text[0] == '/' {
		text = text[1:]
	}
	for i := 0; i < n && text != nil; i++ {
		p := text
		if cut := bytes.IndexByte(text, '/'); cut >= 0 {
			p, text = text[:cut], text[cut+1:]
		} else {
			text = nil
		}
		if p = trim(p); len(p) > 0 {
			out[i] = p
		}
	}
	return out
}

// trim drops spaces at both ends; bytes.Trim costs several times as much.
func trim(p []byte) []byte {
	for len(p) > 0 && p[0] == ' ' {
		p = p[1:]
	}
	for len(p) > 0 && p[len(p)-1] == ' ' {
		p = p[:len(p)-1]
	}
	return p
}
