package exposure

import (
	"encoding/gob"
	"errors"
	"fmt"
	"io"

	"github.com/contrail-ir/contrail/exposure/internal/distinct"
	"github.com/contrail-ir/contrail/exposure/internal/identifier"
	"github.com/contrail-ir/contrail/exposure/internal/record"
)

// savedCounter is a Counter on its way to disk and back: keyed hashes, numbers and file names, never the key.
type savedCounter struct {
	Check    uint64 // a hash under the key, so that another key is noticed
	Limit    int
	Tallies  map[string]map[Status]*savedTally
	Files    map[string][]File
	Empty    map[string]int
	Payloads []Payload
	Observed []Observation
	Losses   []Loss
}

type savedTally struct {
	Rows                       [record.Kinds]uint64
	Sketches                   []*distinct.Sketch
	Nameless, Unlocated        uint64
	OtherRoutes                uint64
	Routes                     map[string]uint64
	Months                     map[int]uint64
	First, Last                int32
	Skipped                    int64
	Missing, Damages, Broken   uint64
	SizesOfBytes, SizesOfCount []float64
}

const keyCheck = "contrail exposure key check"

// Save writes what was counted so far, without the key.
func (c *Counter) Save(w io.Writer) error {
	s := savedCounter{Check: c.key.Sum([]byte(keyCheck)), Limit: c.opts.MaxDistinct, Tallies: map[string]map[Status]*savedTally{}, Files: c.files, Empty: c.empty,
		Payloads: c.payloads, Observed: c.observed, Losses: c.losses}
	for org, byStatus := range c.tallies {
		s.Tallies[org] = map[Status]*savedTally{}
		for status, t := range byStatus {
			st := &savedTally{Rows: t.rows, Nameless: t.nameless, Unlocated: t.unlocated, OtherRoutes: t.otherRoutes, Routes: map[string]uint64{}, Months: t.months,
				First: int32(t.first), Last: int32(t.last), Skipped: t.skipped, Missing: t.missing, Damages: t.damages, Broken: t.broken}
			for _, sketch := range t.sketches() {
				st.Sketches = append(st.Sketches, *sketch)
			}
			for k, n := range t.routes {
				st.Routes[string(k[:])] = n
			}
			for _, f := range t.sizes {
				st.SizesOfBytes, st.SizesOfCount = append(st.SizesOfBytes, f.bytes), append(st.SizesOfCount, f.rows)
			}
			s.Tallies[org][status] = st
		}
	}
	if err := gob.NewEncoder(w).Encode(&s); err != nil {
		return fmt.Errorf("exposure: save counts: %w", err)
	}
	return nil
}

// Load puts what Save wrote into a Counter that has counted nothing yet; it must have the same key and limit.
func (c *Counter) Load(r io.Reader) error {
	var s savedCounter
	if err := gob.NewDecoder(r).Decode(&s); err != nil {
		return fmt.Errorf("exposure: load counts: %w", err)
	}
	if s.Check != c.key.Sum([]byte(keyCheck)) || s.Limit != c.opts.MaxDistinct {
		return errors.New("exposure: load counts: they were counted under another key or limit")
	}
	if len(c.tallies) > 0 {
		return errors.New("exposure: load counts: the counter has counted already")
	}
	for org, byStatus := range s.Tallies {
		for status, st := range byStatus {
			t := c.tally(org, status)
			list := t.sketches()
			if len(list) != len(st.Sketches) {
				return errors.New("exposure: load counts: they were written by another version")
			}
			for i, sketch := range list {
				*sketch = st.Sketches[i]
			}
			t.rows, t.nameless, t.unlocated, t.otherRoutes = st.Rows, st.Nameless, st.Unlocated, st.OtherRoutes
			t.first, t.last, t.skipped = identifier.Day(st.First), identifier.Day(st.Last), st.Skipped
			t.missing, t.damages, t.broken = st.Missing, st.Damages, st.Broken
			for k, n := range st.Routes {
				if len(k) == 6 {
					t.routes[[6]byte([]byte(k))] = n
				}
			}
			for m, n := range st.Months {
				t.months[m] = n
			}
			for i := range min(len(st.SizesOfBytes), len(st.SizesOfCount)) {
				t.sizes = append(t.sizes, fileSize{st.SizesOfBytes[i], st.SizesOfCount[i]})
			}
		}
	}
	for org, files := range s.Files {
		c.files[org] = files
	}
	for org, n := range s.Empty {
		c.empty[org] = n
	}
	c.payloads, c.observed, c.losses = s.Payloads, s.Observed, s.Losses
	return nil
}
