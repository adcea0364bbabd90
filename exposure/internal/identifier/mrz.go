package identifier

// Document is what a machine readable zone says of its holder. Slices point into the zone.
type Document struct {
	Kind        byte   // P, V, I, A, C
	Issuer      []byte // without fillers
	Number      []byte
	Nationality []byte
	Birth       Day
	Surname     []byte
	Given       []byte // fillers inside are left as they are
	Checks      int    // check digits that were present and fitted
}

// Valid says whether the document is one that carries personal data: a zone that fits always does.
func (d *Document) Valid() bool { return d.Checks > 0 }

// The weight of each character in the check digit: 0–9, A=10 … Z=35, < = 0 (ICAO 9303-3, 4.9).
func mrzValue(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'A' && c <= 'Z':
		return int(c-'A') + 10
	case c == '<':
		return 0
	}
	return -1
}

// mrzSum continues the weighted sum at position at; -1 is a character that cannot stand in a zone.
func mrzSum(p []byte, at int) int {
	sum := 0
	for i, c := range p {
		v := mrzValue(c)
		if v < 0 {
			return -1
		}
		sum += v * [3]int{7, 3, 1}[(at+i)%3]
	}
	return sum
}

// CheckDigit is the 7-3-1 check digit modulo 10 of ICAO 9303-3, '0' to '9'; 0 when a character
// cannot stand in a zone.
func CheckDigit(p []byte) byte {
	sum := mrzSum(p, 0)
	if sum < 0 {
		return 0
	}
	return '0' + byte(sum%10)
}

func checks(p []byte, digit byte) bool {
	c := CheckDigit(p)
	return c != 0 && c == digit
}

func composite(digit byte, fields ...[]byte) bool {
	sum, at := 0, 0
	for _, f := range fields {
		s := mrzSum(f, at)
		if s < 0 {
			return false
		}
		sum, at = sum+s, at+len(f)
	}
	return '0'+byte(sum%10) == digit
}

func unfill(p []byte) []byte {
	for len(p) > 0 && p[len(p)-1] == '<' {
		p = p[:len(p)-1]
	}
	return p
}

func names(d *Document, p []byte) bool {
	if len(p) == 0 || p[0] < 'A' || p[0] > 'Z' {
		return false
	}
	for _, c := range p {
		if c != '<' && (c < 'A' || c > 'Z') {
			return false
		}
	}
	p = unfill(p)
	for i := 0; i+1 < len(p); i++ {
		if p[i] == '<' && p[i+1] == '<' {
			d.Surname, d.Given = p[:i], p[i+2:]
			return true
		}
	}
	d.Surname = p
	return true
}

func sex(c byte) bool { return c == 'M' || c == 'F' || c == '<' || c == 'X' }

func country(p []byte) ([]byte, bool) { c := unfill(p); return c, KnownNationality(c) }

// birth accepts unknown parts written as fillers, as the standard allows; the day is then 0.
func birth(p []byte) (Day, bool) {
	for _, c := range p {
		if c == '<' {
			return 0, true
		}
	}
	d := YYMMDD(p, true)
	return d, d != 0
}

// TD3 reads the two lines of 44 of a passport (ICAO 9303-4) and, when the first begins with V, of a
// machine readable visa of format A (9303-7), which has no composite check digit. The first line may
// be missing (nil): the second alone has every check digit.
func TD3(line1, line2 []byte) (Document, bool) {
	var d Document
	if len(line2) != 44 || line1 != nil && len(line1) != 44 {
		return d, false
	}
	if line1 != nil {
		d.Kind = line1[0]
		if d.Kind != 'P' && d.Kind != 'V' || !names(&d, line1[5:]) {
			return d, false
		}
		var ok bool
		if d.Issuer, ok = country(line1[2:5]); !ok {
			return d, false
		}
	} else {
		d.Kind = 'P'
	}
	if !d.secondLine(line2[:28]) {
		return d, false
	}
	d.Checks = 3
	if d.Kind == 'V' {
		return d, true
	}
	optional := line2[28:42]
	if !checks(optional, line2[42]) && !(line2[42] == '<' && len(unfill(optional)) == 0) {
		return d, false
	}
	if !composite(line2[43], line2[:10], line2[13:20], line2[21:43]) {
		return d, false
	}
	d.Checks = 5
	if d.Issuer == nil {
		d.Issuer = d.Nationality
	}
	return d, true
}

// TD2 reads the two lines of 36 (ICAO 9303-6, and visas of format B).
func TD2(line1, line2 []byte) (Document, bool) {
	var d Document
	if len(line1) != 36 || len(line2) != 36 {
		return d, false
	}
	d.Kind = line1[0]
	if d.Kind != 'A' && d.Kind != 'C' && d.Kind != 'I' && d.Kind != 'P' && d.Kind != 'V' || !names(&d, line1[5:]) {
		return d, false
	}
	var ok bool
	if d.Issuer, ok = country(line1[2:5]); !ok || !d.secondLine(line2[:28]) {
		return d, false
	}
	d.Checks = 3
	if d.Kind == 'V' {
		return d, true
	}
	if !composite(line2[35], line2[:10], line2[13:20], line2[21:35]) {
		return d, false
	}
	d.Checks = 4
	return d, true
}

// secondLine reads what the second lines of TD2, TD3 and visas share: number, nationality, birth,
// sex and expiry with three check digits.
func (d *Document) secondLine(p []byte) bool {
	var ok bool
	d.Number = unfill(p[:9])
	if len(d.Number) == 0 || !checks(p[:9], p[9]) {
		return false
	}
	if d.Nationality, ok = country(p[10:13]); !ok {
		return false
	}
	if d.Birth, ok = birth(p[13:19]); !ok || !checks(p[13:19], p[19]) {
		return false
	}
	return sex(p[20]) && YYMMDD(p[21:27], false) != 0 && checks(p[21:27], p[27])
}

// TD1 reads the three lines of 30 of an identity card (ICAO 9303-5). A document number longer than
// nine characters goes on in the optional field, and its check digit with it.
func TD1(line1, line2, line3 []byte) (Document, bool) {
	var d Document
	if len(line1) != 30 || len(line2) != 30 || len(line3) != 30 {
		return d, false
	}
	d.Kind = line1[0]
	if d.Kind != 'A' && d.Kind != 'C' && d.Kind != 'I' || !names(&d, line3) {
		return d, false
	}
	var ok bool
	if d.Issuer, ok = country(line1[2:5]); !ok {
		return d, false
	}
	d.Number = unfill(line1[5:14])
	if line1[14] == '<' {
		rest := line1[15:30]
		end := 0
		for end < len(rest) && rest[end] != '<' {
			end++
		}
		if end < 2 {
			return d, false
		}
		long := make([]byte, 0, 24)
		long = append(append(long, line1[5:14]...), rest[:end-1]...)
		if !checks(long, rest[end-1]) {
			return d, false
		}
		d.Number = long
	} else if len(d.Number) == 0 || !checks(line1[5:14], line1[14]) {
		return d, false
	}
	if d.Birth, ok = birth(line2[:6]); !ok || !checks(line2[:6], line2[6]) || !sex(line2[7]) {
		return d, false
	}
	if YYMMDD(line2[8:14], false) == 0 || !checks(line2[8:14], line2[14]) {
		return d, false
	}
	if d.Nationality, ok = country(line2[15:18]); !ok {
		return d, false
	}
	if !composite(line2[29], line1[5:30], line2[:7], line2[8:15], line2[18:29]) {
		return d, false
	}
	d.Checks = 4
	return d, true
}
