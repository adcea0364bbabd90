package device

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sort"

	"github.com/contrail-ir/contrail/event"
)

// Statement is one statement of a configuration or one line of a command's output.
type Statement struct {
	Section string        `json:"section"` // the sections it stands in, joined by " > "
	Text    string        `json:"statement"`
	Kind    StatementKind `json:"kind"`
	Name    string        `json:"name,omitempty"` // of the user, the tunnel, the session
	Hash    string        `json:"hash,omitempty"` // of an image, in lower case
	Line    uint64        `json:"line"`           // from 1
}

// MaxStatements bounds what ReadConfig returns.
const MaxStatements = 2_000_000

// ReadConfig reads a configuration as a whole, with the name that it gives its device.
func ReadConfig(ctx context.Context, f event.File) (host string, all []Statement, err error) {
	s, err := Config{}.Open(f)
	if err != nil {
		return "", nil, fmt.Errorf("read configuration %s: %w", f.Name, err)
	}
	d := Config{}.Decoder()
	needs := event.Everything()
	out := &statements{}
	for {
		seg, err := s.Next(ctx)
		if err == io.EOF {
			sort.Slice(out.all, func(i, j int) bool { return out.all[i].Line < out.all[j].Line })
			return out.host, out.all, nil
		}
		if err == nil {
			err = d.Decode(seg, &needs, out)
			seg.Release()
		}
		if err != nil {
			return out.host, out.all, fmt.Errorf("read configuration %s: %w", f.Name, err)
		}
	}
}

type statements struct {
	host  string
	named uint64 // the line that named the host last
	all   []Statement
}

func (s *statements) Damage(event.Damage) {}

func (s *statements) Batch(b *event.Batch) error {
	for row := range b.Rows {
		if len(s.all) == MaxStatements {
			return errors.New("more statements than are compared")
		}
		if h := b.Host.Text(row); h != "" && b.Record[row] >= s.named {
			s.host, s.named = h, b.Record[row]
		}
		s.all = append(s.all, Statement{
			Section: b.Column("section").Text(row), Text: b.Column("statement").Text(row), Kind: StatementKind(b.Column("kind").Text(row)),
			Name: b.Column("name").Text(row), Hash: b.Column("hash").Text(row), Line: b.Record[row],
		})
	}
	return nil
}

// Change is a difference between two configurations of one device. Old is nil for what was added, New for what was removed; both are
// set where a thing of the same kind and name in the same section says something else.
type Change struct {
	Old *Statement `json:"old"`
	New *Statement `json:"new"`
}

// Kind gives what the change is about.
func (c *Change) Kind() StatementKind {
	if c.New != nil {
		return c.New.Kind
	}
	return c.Old.Kind
}

// Compare gives what is different between an older and a newer configuration of one device, of the kinds asked for, or of all when
// none is: what is new or says something else in the order of the newer, then what is gone in the order of the older. The order of
// statements in a section does not matter, and words of configurations that count bytes or seconds are compared like others.
func Compare(older, newer []Statement, kinds ...StatementKind) []Change {
	type key struct{ section, text string }
	left := map[key]int{}
	asked := func(s *Statement) bool {
		for _, k := range kinds {
			if s.Kind == k {
				return true
			}
		}
		return len(kinds) == 0
	}
	for i := range older {
		if asked(&older[i]) {
			left[key{older[i].Section, older[i].Text}]++
		}
	}
	var added []*Statement
	for i := range newer {
		s := &newer[i]
		if !asked(s) {
			continue
		}
		if k := (key{s.Section, s.Text}); left[k] > 0 {
			left[k]--
		} else {
			added = append(added, s)
		}
	}
	// What is left of the older is gone, the last occurrences of repeated statements.
	type thing struct {
		kind          StatementKind
		section, what string
	}
	thingOf := func(s *Statement) thing {
		what := s.Name
		if what == "" {
			what = string(bytes.TrimSpace(subject([]byte(s.Text))))
		}
		return thing{s.Kind, s.Section, what}
	}
	gone := map[thing][]*Statement{}
	var removed []*Statement
	for i := len(older) - 1; i >= 0; i-- {
		s := &older[i]
		if k := (key{s.Section, s.Text}); asked(s) && left[k] > 0 {
			left[k]--
			removed = append(removed, s)
		}
	}
	for i := len(removed) - 1; i >= 0; i-- {
		gone[thingOf(removed[i])] = append(gone[thingOf(removed[i])], removed[i])
	}
	var out []Change
	paired := map[*Statement]bool{}
	for _, s := range added {
		c := Change{New: s}
		if t := thingOf(s); len(gone[t]) > 0 {
			c.Old, gone[t] = gone[t][0], gone[t][1:]
			paired[c.Old] = true
		}
		out = append(out, c)
	}
	for i := len(removed) - 1; i >= 0; i-- {
		if !paired[removed[i]] {
			out = append(out, Change{Old: removed[i]})
		}
	}
	return out
}

// subject gives the words of a statement without its last, which is what most statements set.
func subject(text []byte) []byte {
	text = bytes.TrimRight(text, " ")
	if i := bytes.LastIndexByte(text, ' '); i > 0 {
		return text[:i]
	}
	return text
}
