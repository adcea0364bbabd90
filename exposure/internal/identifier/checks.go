// Package identifier knows the numbers that name passengers: their check digits, dates, and lists of
// issuers. Every function is a pure test of bytes. It promises to follow the cited standards; it does
// not decide whether a number that passes is one, since that takes context.
package identifier

// Luhn tests the check digit of ISO/IEC 7812-1 (payment cards). Digits only.
func Luhn(d []byte) bool {
	sum, double := 0, false
	for i := len(d) - 1; i >= 0; i-- {
		n := int(d[i] - '0')
		if n < 0 || n > 9 {
			return false
		}
		if double {
			if n *= 2; n > 9 {
				n -= 9
			}
		}
		sum, double = sum+n, !double
	}
	return len(d) > 1 && sum%10 == 0
}

// CardScheme names the scheme whose issuer range and length the digits have, or "". The ranges are
// those that the schemes publish; schemes whose range says too little (Maestro) are left out.
func CardScheme(d []byte) string {
	n := len(d)
	if n < 13 || n > 19 || !Digits(d) {
		return ""
	}
	six := 0
	for _, c := range d[:6] {
		six = six*10 + int(c-'0')
	}
	in := func(lo, hi int) bool { return six >= lo && six <= hi }
	switch {
	case d[0] == '4' && (n == 13 || n == 16 || n == 19):
		return "visa"
	case (in(510000, 559999) || in(222100, 272099)) && n == 16:
		return "mastercard"
	case (in(340000, 349999) || in(370000, 379999)) && n == 15:
		return "amex"
	case (in(601100, 601199) || in(644000, 659999)) && n >= 16:
		return "discover"
	case in(352800, 358999) && n >= 16:
		return "jcb"
	case (in(300000, 305999) || in(309500, 309599) || in(360000, 369999) || in(380000, 399999)) && n >= 14:
		return "diners"
	case (in(620000, 629999) || in(810000, 817199)) && n >= 16:
		return "unionpay"
	case in(220000, 220499) && n >= 16:
		return "mir"
	case (in(508500, 508999) || in(606985, 607984) || in(608001, 608500) || in(817200, 820199)) && n == 16:
		return "rupay"
	case in(979200, 979289) && n == 16:
		return "troy"
	}
	return ""
}

// Digits says whether all bytes are decimal digits and there is at least one.
func Digits(p []byte) bool {
	for _, c := range p {
		if c-'0' > 9 {
			return false
		}
	}
	return len(p) > 0
}

var residentWeights = [17]int{7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2}

// ChineseResident tests an 18-character citizen identification number (GB 11643-1999): a province,
// a real date of birth, and the check character of ISO 7064 MOD 11-2.
func ChineseResident(p []byte) bool {
	if len(p) != 18 || !Digits(p[:17]) {
		return false
	}
	if !chineseProvince(int(p[0]-'0')*10 + int(p[1]-'0')) {
		return false
	}
	year, month, day := number(p[6:10]), number(p[10:12]), number(p[12:14])
	if year < 1880 || year > 2099 || !RealDay(year, month, day) {
		return false
	}
	sum := 0
	for i, w := range residentWeights {
		sum += w * int(p[i]-'0')
	}
	check := "10X98765432"[sum%11]
	last := p[17]
	if last == 'x' {
		last = 'X'
	}
	return last == check
}

// Provinces of GB/T 2260 and the codes given to residents of Taiwan, Hong Kong and Macao.
func chineseProvince(n int) bool {
	switch n {
	case 11, 12, 13, 14, 15, 21, 22, 23, 31, 32, 33, 34, 35, 36, 37, 41, 42, 43, 44, 45, 46,
		50, 51, 52, 53, 54, 61, 62, 63, 64, 65, 71, 81, 82, 83, 91:
		return true
	}
	return false
}

var verhoeffD = [10][10]uint8{
	{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, {1, 2, 3, 4, 0, 6, 7, 8, 9, 5}, {2, 3, 4, 0, 1, 7, 8, 9, 5, 6},
	{3, 4, 0, 1, 2, 8, 9, 5, 6, 7}, {4, 0, 1, 2, 3, 9, 5, 6, 7, 8}, {5, 9, 8, 7, 6, 0, 4, 3, 2, 1},
	{6, 5, 9, 8, 7, 1, 0, 4, 3, 2}, {7, 6, 5, 9, 8, 2, 1, 0, 4, 3}, {8, 7, 6, 5, 9, 3, 2, 1, 0, 4},
	{9, 8, 7, 6, 5, 4, 3, 2, 1, 0},
}

var verhoeffP = [8][10]uint8{
	{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, {1, 5, 7, 6, 2, 8, 3, 0, 9, 4}, {5, 8, 0, 3, 7, 9, 6, 1, 4, 2},
	{8, 9, 1, 6, 0, 4, 3, 5, 2, 7}, {9, 4, 5, 3, 1, 2, 6, 8, 7, 0}, {4, 2, 8, 6, 5, 7, 3, 9, 0, 1},
	{2, 7, 9, 3, 8, 0, 6, 4, 1, 5}, {7, 0, 4, 6, 9, 1, 3, 2, 5, 8},
}

// Verhoeff tests the check digit of Verhoeff's dihedral scheme (1969).
func Verhoeff(d []byte) bool {
	var c uint8
	for i := range d {
		n := d[len(d)-1-i] - '0'
		if n > 9 {
			return false
		}
		c = verhoeffD[c][verhoeffP[i%8][n]]
	}
	return len(d) > 1 && c == 0
}

// Aadhaar tests the form of an Indian Aadhaar number: 12 digits, not starting with 0 or 1, Verhoeff.
func Aadhaar(d []byte) bool {
	return len(d) == 12 && d[0] >= '2' && d[0] <= '9' && Verhoeff(d)
}

// Ticket tests the form of an e-ticket number: a three-digit airline accounting code and ten digits
// (form and serial number), optionally a check digit (serial modulo 7, IATA Resolution 722). The
// check digit is one of seven values and is not required to fit.
func Ticket(d []byte) bool {
	return (len(d) == 13 || len(d) == 14) && Digits(d) && (d[0] != '0' || d[1] != '0' || d[2] != '0')
}

// KnownAccountingCode says whether a ticket starts with the accounting code of a known airline.
func KnownAccountingCode(d []byte) bool {
	if len(d) < 3 {
		return false
	}
	return accountingCodes[number(d[:3])]
}

func number(p []byte) int {
	n := 0
	for _, c := range p {
		n = n*10 + int(c-'0')
	}
	return n
}

// Locator tests the form of a record locator: five to eight, nearly always six, capital letters and
// digits, with at least one letter. Context must say that it is one.
func Locator(p []byte) bool {
	if len(p) < 5 || len(p) > 8 {
		return false
	}
	letters := 0
	for _, c := range p {
		switch {
		case c >= 'A' && c <= 'Z':
			letters++
		case c < '0' || c > '9':
			return false
		}
	}
	return letters > 0
}

// DocumentNumber tests the form of a travel document's number: 5 to 15 letters and digits, of
// which at least four are digits.
func DocumentNumber(p []byte) bool {
	if len(p) < 5 || len(p) > 15 {
		return false
	}
	digits := 0
	for _, c := range p {
		switch {
		case c >= '0' && c <= '9':
			digits++
		case c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z':
		default:
			return false
		}
	}
	return digits >= 4
}

// Phone reduces a telephone number to its digits, appended to dst, and says whether it has the form
// of one: 7 to 15 digits (ITU-T E.164) with the usual separators only.
func Phone(dst, p []byte) ([]byte, bool) {
	start := len(dst)
	for i, c := range p {
		switch {
		case c >= '0' && c <= '9':
			dst = append(dst, c)
		case c == '+' && i == 0, c == ' ', c == '-', c == '(', c == ')', c == '.', c == '/':
		default:
			return dst[:start], false
		}
	}
	n := len(dst) - start
	if n >= 9 && dst[start] == '0' && dst[start+1] == '0' { // international prefix
		copy(dst[start:], dst[start+2:])
		dst = dst[:len(dst)-2]
		n -= 2
	}
	return dst, n >= 7 && n <= 15
}

// ChineseMobile tests eleven digits starting 13 to 19.
func ChineseMobile(d []byte) bool {
	return len(d) == 11 && d[0] == '1' && d[1] >= '3' && d[1] <= '9' && Digits(d)
}

// Email tests the form of an address: local part, @, domain with a dot. It is a form for finding,
// narrower than RFC 5321.
func Email(p []byte) bool {
	at, dot := -1, -1
	for i, c := range p {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '_', c == '+', c == '%', c == '\'':
		case c == '.':
			if i == 0 || p[i-1] == '.' {
				return false
			}
			if at >= 0 {
				dot = i
			}
		case c == '@':
			if at >= 0 || i == 0 {
				return false
			}
			at = i
		default:
			return false
		}
	}
	return at > 0 && at <= 64 && dot > at+1 && len(p)-dot > 2 && len(p) <= 254
}
