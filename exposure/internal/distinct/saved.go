package distinct

import (
	"encoding/binary"
	"errors"
	"slices"
)

// GobEncode writes the hashes in order, so that equal sets give equal bytes.
func (s *Sketch) GobEncode() ([]byte, error) {
	s.flush()
	out := binary.LittleEndian.AppendUint64(nil, uint64(s.limit))
	out = binary.LittleEndian.AppendUint64(out, s.theta)
	out = binary.LittleEndian.AppendUint64(out, uint64(s.most))
	tagged := byte(0)
	if s.tagged {
		tagged = 1
	}
	out = append(out, tagged)
	order := make([]int, 0, s.count)
	for i, key := range s.slots {
		if key != 0 {
			order = append(order, i)
		}
	}
	slices.SortFunc(order, func(a, b int) int {
		if s.slots[a] < s.slots[b] {
			return -1
		}
		return 1
	})
	for _, i := range order {
		out = binary.LittleEndian.AppendUint64(out, s.slots[i]-1)
		if s.tagged {
			out = binary.LittleEndian.AppendUint16(out, s.tags[i])
		}
	}
	return out, nil
}

// GobDecode reads what GobEncode wrote.
func (s *Sketch) GobDecode(b []byte) error {
	const head = 25
	if len(b) < head {
		return errors.New("distinct: a saved set is cut short")
	}
	limit, theta, most, tagged := binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:]), binary.LittleEndian.Uint64(b[16:]), b[24] == 1
	width := 8
	if tagged {
		width = 10
	}
	if b = b[head:]; len(b)%width != 0 || limit > 1<<40 || most > 1<<40 || theta == 0 {
		return errors.New("distinct: a saved set is damaged")
	}
	*s = *New(int(limit), tagged)
	s.theta = theta
	for ; len(b) > 0; b = b[width:] {
		var tag uint16
		if tagged {
			tag = binary.LittleEndian.Uint16(b[8:])
		}
		s.Add(binary.LittleEndian.Uint64(b), tag)
	}
	s.flush()
	s.most = max(s.most, int(most))
	return nil
}
