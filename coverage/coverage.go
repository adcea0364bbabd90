// Package coverage says what was searched, what could not be, and how sure a negative is.
//
// "No finding" is worth nothing by itself. The certificate of a sweep lists, per organisation and host, which sources were
// there and from when to when; per file what was read and what was damaged; what was not recognised; and for every rule
// whether it was found, searched and not found, or not searchable here and why. The package only counts and reports: it
// never fills a gap with a guess, and an unknown denominator is called unknown.
package coverage

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"github.com/contrail-ir/contrail/event"
)

// Certificate is what coverage.json holds; docs/formats/coverage.md describes it.
type Certificate struct {
	Orgs         []Org     `json:"orgs"`
	Files        []File    `json:"files"`
	Unrecognised []Unread  `json:"unrecognised"`
	NotRead      []NotRead `json:"not_read"`
	Rules        Rules     `json:"rules"`
}

// Org is one organisation's evidence by host.
type Org struct {
	Name        string      `json:"name"`
	Denominator Denominator `json:"denominator"`
	Hosts       []Host      `json:"hosts"`
	// Collections are the triage collections met, with what their layout says.
	Collections []Collection `json:"collections,omitempty"`
	// Silent lists declared hosts of which nothing was handed over.
	Silent   []Declared `json:"not_covered,omitempty"`
	Profiles []Profile  `json:"profiles"`
}

// Collection is a triage collection: of which host, by which tool, when. What its layout does not say is left out.
type Collection struct {
	Path   string `json:"path"`
	Tool   string `json:"tool"`
	Host   string `json:"host,omitempty"`
	System string `json:"system,omitempty"`
	Time   string `json:"time,omitempty"`
}

// Denominator is how many hosts there are and how many of them were covered; nil pointers mean that nobody declared it.
type Denominator struct {
	Declared int
	Covered  int
	Known    bool
}

func (d Denominator) MarshalJSON() ([]byte, error) {
	if !d.Known {
		return []byte(`"unknown"`), nil
	}
	return fmt.Appendf(nil, `{"declared":%d,"covered":%d}`, d.Declared, d.Covered), nil
}

func (d *Denominator) UnmarshalJSON(b []byte) error {
	if bytes.Equal(b, []byte(`"unknown"`)) {
		*d = Denominator{}
		return nil
	}
	v := struct{ Declared, Covered int }{}
	if err := json.Unmarshal(b, &v); err != nil {
		return err
	}
	*d = Denominator{Declared: v.Declared, Covered: v.Covered, Known: true}
	return nil
}

// Host lists the sources of one host. The name "" stands for events that name none.
type Host struct {
	Host string `json:"host"`
	// Profile names what the host's evidence can answer; empty when the organisation has too many different hosts.
	Profile string   `json:"profile"`
	Found   []string `json:"found"` // rules found on the host
	Sources []Source `json:"sources"`
}

// Source is one kind of log of one host; Windows event ids are counted together.
type Source struct {
	Source  string `json:"source"`
	First   string `json:"first"` // RFC 3339, UTC; empty, in JSON null, when no record has a time
	Last    string `json:"last"`
	NoTimes string `json:"no_times,omitempty"` // why there is no first and last
	Records uint64 `json:"records"`
	Gaps    []Gap  `json:"gaps"`
}

// MarshalJSON says null of times that are not known.
func (s Source) MarshalJSON() ([]byte, error) {
	type plain Source
	return json.Marshal(struct {
		Source string  `json:"source"`
		First  *string `json:"first"`
		Last   *string `json:"last"`
		plain
	}{s.Source, known(s.First), known(s.Last), plain(s)})
}

// MarshalJSON says null of times that are not known.
func (f File) MarshalJSON() ([]byte, error) {
	type plain File
	return json.Marshal(struct {
		Path  string  `json:"path"`
		Org   string  `json:"org"`
		First *string `json:"first"`
		Last  *string `json:"last"`
		plain
	}{f.Path, f.Org, known(f.First), known(f.Last), plain(f)})
}

func known(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// Gap is a stretch in which a source that used to speak was silent.
type Gap struct {
	From string `json:"from"`
	To   string `json:"to"`
	Why  string `json:"why"`
	// Usual is, of a silence, the length in seconds that the source's own seldom pass.
	Usual   float64 `json:"usual_seconds,omitempty"`
	Missing uint64  `json:"missing,omitempty"` // records that its numbers say were there
	Cleared bool    `json:"cleared,omitempty"` // the log was cleared
}

// File is one file that was read.
type File struct {
	Path      string   `json:"path"`
	Org       string   `json:"org"`
	Format    string   `json:"format"`
	Bytes     int64    `json:"bytes"`
	SHA256    string   `json:"sha256"`
	Records   uint64   `json:"records"`
	Recovered uint64   `json:"recovered"`
	First     string   `json:"first"` // as of a Source
	Last      string   `json:"last"`
	NoTimes   string   `json:"no_times,omitempty"` // why there is no first and last
	Damage    []Damage `json:"damage"`
	// MoreDamage counts what is beyond the bound of Damage.
	MoreDamage int `json:"more_damage,omitempty"`
	// Members counts the files in an archive, which are listed by themselves.
	Members int    `json:"members,omitempty"`
	Custody string `json:"custody,omitempty"`
	// Original is what an archive calls a member whose name cannot be shown as it is, quoted.
	Original string `json:"original_name,omitempty"`
	// SameAs names the file before it with the same bytes. Correlations count the events of one of them.
	SameAs string `json:"same_as,omitempty"`
}

// Damage is a place that could not be read.
type Damage struct {
	Offset uint64 `json:"offset"`
	Reason string `json:"reason"`
}

// Unread is a file that no format knows, or that could not be opened.
type Unread struct {
	Path   string `json:"path"`
	Org    string `json:"org"`
	Reason string `json:"reason"`
	SHA256 string `json:"sha256,omitempty"`
	Bytes  int64  `json:"bytes,omitempty"`
	// Lost tells that evidence was there and could not be read, which is more than a file of no concern.
	Lost bool `json:"lost,omitempty"`
	// Original is what an archive calls a member whose name cannot be shown as it is, quoted.
	Original string `json:"original_name,omitempty"`
}

// NotRead is an artefact that is known to matter and is not read by this version.
type NotRead struct {
	Path   string `json:"path"`
	What   string `json:"what"`
	Org    string `json:"org,omitempty"`
	SHA256 string `json:"sha256,omitempty"`
	Bytes  int64  `json:"bytes,omitempty"`
}

// Rules says what became of every rule.
type Rules struct {
	Loaded        int             `json:"loaded"`
	Found         int             `json:"found"`
	SearchedClean int             `json:"searched_clean"`
	Rejected      []Rejected      `json:"rejected"`
	NotSearchable []NotSearchable `json:"not_searchable"`
	// Uncertain counts what bounded memory made a rule forget: correlations over more groups than fit.
	Uncertain []NotSearchable `json:"uncertain,omitempty"`
	// Indicators tells of indicators by kind; in the counts above each kind is one rule.
	Indicators []Indicators `json:"indicators,omitempty"`
}

// Indicators is how many indicators of a kind were asked for, and how many of them were found.
type Indicators struct {
	Kind   string `json:"kind"`
	Loaded int    `json:"loaded"`
	Found  int    `json:"found"`
}

// Rejected is a rule that could not be used, with the reason.
type Rejected struct {
	ID     string `json:"id"`
	File   string `json:"file"`
	Reason string `json:"reason"`
}

// NotSearchable is a rule that this evidence cannot answer.
type NotSearchable struct {
	ID     string `json:"id"`
	Reason string `json:"reason"`
}

// Complete says whether everything that was there was read and every rule could be used; exit code 3 otherwise.
func (c *Certificate) Complete() bool {
	for i := range c.Files {
		if len(c.Files[i].Damage) > 0 {
			return false
		}
	}
	for i := range c.Unrecognised {
		if c.Unrecognised[i].Lost {
			return false
		}
	}
	return len(c.Rules.Rejected) == 0 && len(c.Rules.Uncertain) == 0
}

// Write writes the certificate as indented JSON with a final newline.
func (c *Certificate) Write(w io.Writer) error {
	b, err := json.Marshal(c)
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(w, 1<<16)
	indent(out, b)
	out.WriteByte('\n')
	return out.Flush()
}

// indent writes compact JSON as json.MarshalIndent would with one space, without holding all of it: a certificate can be large.
func indent(out *bufio.Writer, compact []byte) {
	depth, opened := 0, false
	line := func() {
		out.WriteByte('\n')
		for range depth {
			out.WriteByte(' ')
		}
	}
	for i := 0; i < len(compact); i++ {
		c := compact[i]
		if opened && c != '}' && c != ']' {
			line()
		}
		switch c {
		case '"':
			end := i + 1
			for ; compact[end] != '"'; end++ {
				if compact[end] == '\\' {
					end++
				}
			}
			out.Write(compact[i : end+1])
			i = end
		case '{', '[':
			out.WriteByte(c)
			depth++
		case '}', ']':
			depth--
			if !opened {
				line()
			}
			out.WriteByte(c)
		case ',':
			out.WriteByte(c)
			line()
		case ':':
			out.WriteString(": ")
		default:
			out.WriteByte(c)
		}
		opened = c == '{' || c == '['
	}
}

// bounds gives when records begin and end, or why that is not known.
func bounds(s Span) (first, last, why string) {
	switch {
	case s.Records == 0:
		return "", "", "no record was read"
	case s.First == event.NoTime:
		return "", "", "no record has a time"
	}
	return formatTime(s.First), formatTime(s.Last), ""
}

// formatTime renders nanoseconds, "" for none.
func formatTime(ns int64) string { return string(event.AppendTime(nil, ns)) }
