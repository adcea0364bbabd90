package jsonlog

import "github.com/contrail-ir/contrail/event"

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
	if text, d.text = plain(d.seg.Data[s.from:s.to], d.text[:0]); d.sifter.Suspects(text) {
		return true
	}
	for i := range t.nodes {
		if n := &t.nodes[i]; n.kind == kindNumber && !canonical(n.raw) {
			if text, d.text = number(n.raw, d.text[:0]); d.sifter.Suspects(text) {
				return true
			}
		}
	}
	return false
}

// canonical says quickly of most numbers that they are written as number gives them: integers, and decimals without zeros at their end,
// not so small that they are given with an exponent, and with so few digits that each reads as a float64 of its own.
func canonical(raw []byte) bool {
	var digits uint64
	point, zeros := false, 0 // zeros behind the point, before other digits
	for i, c := range raw {
		switch {
		case '0' <= c && c <= '9':
			if digits = digits*10 + uint64(c-'0'); point && digits == 0 {
				zeros++
			}
		case c == '.':
			point = true
		case c != '-' || i > 0:
			return false
		}
	}
	if !point {
		return string(raw) != "-0"
	}
	return len(raw) <= 18 && digits < 1<<52 && zeros <= 5 && raw[len(raw)-1] != '0'
}
