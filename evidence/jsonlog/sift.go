package jsonlog

import (
	"bytes"

	"github.com/contrail-ir/contrail/event"
)

// named is a source that takes the fields that its want names, of a record that is not suspected.
type named struct{ *source }

func (s named) wants(f fieldID) bool {
	c := s.column(f)
	return c > 0 && s.source.named[c-1]
}

func (s named) value(f fieldID, k event.Kind, text []byte) {
	if s.wants(f) {
		s.source.value(f, k, text)
	}
}

func (s named) null(f fieldID) {
	if s.wants(f) {
		s.source.null(f)
	}
}

// sifts says whether the sifter can be asked about the records of a source: Windows events have values that are not in their text.
func (d *decoder) sifts(of event.Source) bool {
	w := d.needs.Of(of)
	return w.All && w.Sifted && d.sifter != nil && of.Product != event.ProductWindows
}

// suspects asks the sifter about the record on the tape: about its text with every escape resolved, in which each value stands between
// quotes or signs, and about the numbers that are not written in their canonical form.
func (d *decoder) suspects(s span) bool {
	t := &d.rec.tape
	if t.deep || t.full || len(t.unwrap) > 0 || shapes[d.rec.shape].slots[slotXML] != nil {
		return true
	}
	var text []byte
	if text, d.text = plain(d.seg.Data[s.from:s.to], d.text[:0], t.valid); d.sifter.Suspects(text) {
		return true
	}
	for i := range t.nodes {
		n := &t.nodes[i]
		if n.kind != kindNumber {
			continue
		}
		text, ok := canonical(n.raw)
		if !ok {
			text, d.text = number(n.raw, d.text[:0])
		}
		if !bytes.Equal(text, n.raw) && d.sifter.Suspects(text) {
			return true
		}
	}
	return false
}

// canonical gives quickly what number gives for most numbers: for integers, and for decimals not so small that they are given with an exponent
// and with so few digits that each reads as a float64 of its own, which lose the zeros at their end.
func canonical(raw []byte) (text []byte, ok bool) {
	var digits uint64
	many := false
	point, zeros := -1, 0 // zeros behind the point, before other digits
	for i, c := range raw {
		switch {
		case c-'0' <= 9:
			if digits = digits*10 + uint64(c-'0'); point >= 0 && digits == 0 {
				zeros++
			}
			many = many || digits >= 1<<52
		case c == '.':
			point = i
		case c != '-' || i > 0:
			return nil, false
		}
	}
	if point < 0 {
		return raw, string(raw) != "-0"
	}
	if many || digits == 0 && raw[0] == '-' || digits > 0 && zeros > 5 {
		return nil, false
	}
	n := len(raw)
	for raw[n-1] == '0' {
		n--
	}
	if n == point+1 {
		n = point
	}
	return raw[:n], true
}
