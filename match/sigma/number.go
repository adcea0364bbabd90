package sigma

import (
	"math"
	"strconv"
)

// Number is an exact integer of up to 64 bits with a sign, or a float.
type Number struct {
	negative bool
	size     uint64
	float    float64
	isFloat  bool
}

// NumberOf reads a text as a number: decimal digits with an optional sign, fraction and exponent, or 0x and
// hexadecimal digits. Nothing else, no spaces and no infinities, is a number. Integers beyond 64 bits are floats.
func NumberOf(text []byte) (Number, bool) {
	s := text
	var n Number
	if len(s) > 0 && (s[0] == '-' || s[0] == '+') {
		n.negative = s[0] == '-'
		s = s[1:]
	}
	if len(s) == 0 || len(s) > 400 {
		return Number{}, false
	}
	if len(s) > 2 && s[0] == '0' && (s[1] == 'x' || s[1] == 'X') {
		for _, c := range s[2:] {
			d := hexDigit(c)
			if d > 15 || n.size >= 1<<60 {
				return Number{}, false
			}
			n.size = n.size<<4 | uint64(d)
		}
		return n.normal(), true
	}
	digits, integer, fits := 0, true, true
	i := 0
	for ; i < len(s) && s[i] >= '0' && s[i] <= '9'; i++ {
		d := uint64(s[i] - '0')
		if n.size > (math.MaxUint64-d)/10 {
			fits = false
		} else {
			n.size = n.size*10 + d
		}
		digits++
	}
	if i < len(s) && s[i] == '.' {
		integer = false
		for i++; i < len(s) && s[i] >= '0' && s[i] <= '9'; i++ {
			digits++
		}
	}
	if digits == 0 {
		return Number{}, false
	}
	if i < len(s) && (s[i] == 'e' || s[i] == 'E') {
		integer = false
		i++
		if i < len(s) && (s[i] == '-' || s[i] == '+') {
			i++
		}
		from := i
		for ; i < len(s) && s[i] >= '0' && s[i] <= '9'; i++ {
		}
		if i == from {
			return Number{}, false
		}
	}
	if i < len(s) {
		return Number{}, false
	}
	if integer && fits {
		return n.normal(), true
	}
	f, err := strconv.ParseFloat(string(s), 64)
	if err != nil || math.IsInf(f, 0) {
		return Number{}, false
	}
	if n.negative {
		f = -f
	}
	return Number{isFloat: true, float: f}.normal(), true
}

func hexDigit(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10
	}
	return 255
}

// normal makes equal numbers equal values: 1.0 is the integer 1 and -0 is 0.
func (n Number) normal() Number {
	if n.isFloat && n.float == math.Trunc(n.float) && math.Abs(n.float) < 1<<53 {
		n = Number{negative: n.float < 0, size: uint64(math.Abs(n.float))}
	}
	if !n.isFloat && n.size == 0 {
		n.negative = false
	}
	return n
}

// Float gives the nearest float.
func (n Number) Float() float64 {
	switch {
	case n.isFloat:
		return n.float
	case n.negative:
		return -float64(n.size)
	}
	return float64(n.size)
}

// Compare gives -1, 0 or 1. Integers compare exactly.
func (n Number) Compare(m Number) int {
	if n.isFloat || m.isFloat {
		a, b := n.Float(), m.Float()
		switch {
		case a < b:
			return -1
		case a > b:
			return 1
		}
		return 0
	}
	if n.negative != m.negative {
		if n.negative {
			return -1
		}
		return 1
	}
	less := n.size < m.size
	switch {
	case n.size == m.size:
		return 0
	case less != n.negative:
		return -1
	}
	return 1
}

// String gives the decimal text.
func (n Number) String() string {
	switch {
	case n.isFloat:
		return strconv.FormatFloat(n.float, 'g', -1, 64)
	case n.negative:
		return "-" + strconv.FormatUint(n.size, 10)
	}
	return strconv.FormatUint(n.size, 10)
}
