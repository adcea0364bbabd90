package edifact

import "bytes"

// Fields gives the elements and components of one segment at a time without allocating. The zero
// value is ready.
type Fields struct {
	service Service
	raw     []byte
	ends    []int32 // of each element; element i lies between ends[i-1]+1 and ends[i]
	scratch []byte
	plain   bool // no release character and no line break anywhere

	// Of a plain segment every separator is known after one pass: seps are their places, first the number of the separator that ends
	// the first component of each element.
	class  [256]byte // of every byte under the service that it was made for
	made   Service
	seps   []int32
	firsts []int32
}

const (
	data = iota
	elementEnd
	componentEnd
	special // release characters and line breaks
)

func (f *Fields) classes(s Service) {
	f.class, f.made = [256]byte{}, s
	f.class[s.Component], f.class[s.Element] = componentEnd, elementEnd
	f.class['\n'], f.class['\r'] = special, special
	if s.Release != 0 {
		f.class[s.Release] = special
	}
}

const maxElements = 512

// Split takes the segment apart. Element 0 is the tag. Elements beyond the 512th are left out.
func (f *Fields) Split(s Service, raw []byte) {
	if f.made != s {
		f.classes(s)
	}
	f.service, f.raw, f.ends, f.scratch, f.plain = s, raw, f.ends[:0], f.scratch[:0], true
	f.seps, f.firsts = f.seps[:0], append(f.firsts[:0], 0)
	for i, c := range raw {
		switch f.class[c] {
		case data:
			continue
		case componentEnd:
		case elementEnd:
			f.ends = append(f.ends, int32(i))
			if len(f.ends) == maxElements {
				f.seps = append(f.seps, int32(i))
				return
			}
			f.firsts = append(f.firsts, int32(len(f.seps)+1))
		default:
			f.splitSlowly(s, raw)
			return
		}
		f.seps = append(f.seps, int32(i))
	}
	f.ends, f.seps = append(f.ends, int32(len(raw))), append(f.seps, int32(len(raw)))
}

// splitSlowly is what Split must equal, for any segment; it alone understands release characters.
func (f *Fields) splitSlowly(s Service, raw []byte) {
	f.service, f.raw, f.ends, f.scratch, f.seps = s, raw, f.ends[:0], f.scratch[:0], f.seps[:0]
	f.plain = bytes.IndexByte(raw, '\n') < 0 && bytes.IndexByte(raw, '\r') < 0 &&
		(s.Release == 0 || bytes.IndexByte(raw, s.Release) < 0)
	for from := 0; len(f.ends) < maxElements; {
		i := bytes.IndexByte(raw[from:], s.Element)
		if i < 0 {
			f.ends = append(f.ends, int32(len(raw)))
			break
		}
		i += from
		from = i + 1
		if !f.plain && released(raw, i, s.Release) {
			continue
		}
		f.ends = append(f.ends, int32(i))
	}
}

// Len is the number of elements, the tag included.
func (f *Fields) Len() int { return len(f.ends) }

func (f *Fields) element(e int) []byte {
	if e < 0 || e >= len(f.ends) {
		return nil
	}
	from := int32(0)
	if e > 0 {
		from = f.ends[e-1] + 1
	}
	return f.raw[from:f.ends[e]]
}

// Element gives all of an element, its components still joined, as plain data.
func (f *Fields) Element(e int) []byte { return f.data(f.element(e)) }

// Component gives component c of element e as plain data, nil when there is none. The last slices
// given out stay valid until the next Split.
func (f *Fields) Component(e, c int) []byte {
	if f.plain && len(f.seps) > 0 {
		if e < 0 || e >= len(f.ends) || c < 0 {
			return nil
		}
		k := int(f.firsts[e]) + c
		if k >= len(f.seps) || f.seps[k] > f.ends[e] {
			return nil
		}
		from := int32(0)
		if k > 0 {
			from = f.seps[k-1] + 1
		}
		return f.raw[from:f.seps[k]]
	}
	p, _ := f.cut(f.element(e), c)
	return f.data(p)
}

// Rest gives component c of element e and everything after it in the element: free text in which
// component separators were not released.
func (f *Fields) Rest(e, c int) []byte {
	_, rest := f.cut(f.element(e), c)
	return f.data(rest)
}

func (f *Fields) cut(p []byte, c int) (component, rest []byte) {
	for from := 0; ; {
		i := bytes.IndexByte(p[from:], f.service.Component)
		if i >= 0 && !f.plain && released(p, from+i, f.service.Release) {
			from += i + 1
			continue
		}
		if i < 0 {
			if c == 0 {
				return p, p
			}
			return nil, nil
		}
		i += from
		if c == 0 {
			return p[:i], p
		}
		p, from, c = p[i+1:], 0, c-1
	}
}

// data removes release characters and the line breaks that transport put in.
func (f *Fields) data(p []byte) []byte {
	if f.plain || len(p) == 0 {
		return p
	}
	start := len(f.scratch)
	for i := 0; i < len(p); i++ {
		switch c := p[i]; {
		case c == '\r' || c == '\n':
		case c == f.service.Release && f.service.Release != 0 && i+1 < len(p):
			i++
			f.scratch = append(f.scratch, p[i])
		case c == f.service.Release && f.service.Release != 0:
			// A release character with nothing to release.
		default:
			f.scratch = append(f.scratch, c)
		}
	}
	return f.scratch[start:len(f.scratch):len(f.scratch)]
}
