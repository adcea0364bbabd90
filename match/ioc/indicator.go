package ioc

import (
	"crypto/sha1"
	"fmt"
	"strings"
	"time"
)

// Kind says what an indicator's value is.
type Kind uint8

// The kinds of indicators.
const (
	Address Kind = iota + 1 // an IP address or a network
	Domain                  // a domain with its subdomains
	URL
	Hash // of a file or a certificate, any of the hexadecimal digests
	Email
	FileName
	FilePath
	Directory // with what lies in it
	Process   // name of a program
	CommandLine
	UserAgent
	Mutex
	Registry    // key, with its subkeys and values
	Certificate // serial number
	Application // identifier of a mobile application
	Text        // any other text
	Compound    // several of these in one event
	Several     // a STIX pattern over several events
)

var kindNames = [...]string{"", "address", "domain", "url", "hash", "email", "file-name", "file-path", "directory", "process", "command-line",
	"user-agent", "mutex", "registry", "certificate", "application", "text", "compound", "observations"}

// Kinds lists all kinds in order.
func Kinds() []Kind {
	all := make([]Kind, 0, len(kindNames)-1)
	for k := Address; k <= Several; k++ {
		all = append(all, k)
	}
	return all
}

func (k Kind) String() string { return kindNames[k] }

// How says how a value is compared.
type How uint8

const (
	Is       How = iota // the thing itself, by the meaning of its kind
	Contains            // the text anywhere
	Starts              // the text at the beginning of a value or word
	Ends                // the text at the end of a value or word
	Pattern             // a regular expression in RE2's syntax
)

// Term is one comparison. Its value is canonical: see Canonical.
type Term struct {
	Kind  Kind
	How   How
	Value string
}

func (t Term) String() string {
	switch t.How {
	case Contains:
		return t.Kind.String() + " containing " + t.Value
	case Starts:
		return t.Kind.String() + " starting with " + t.Value
	case Ends:
		return t.Kind.String() + " ending with " + t.Value
	case Pattern:
		return t.Kind.String() + " like " + t.Value
	}
	return t.Kind.String() + " " + t.Value
}

// Expression joins terms and conditions that must hold in one event. A leaf has neither And nor Or.
type Expression struct {
	Term      Term
	Condition *Condition // of a leaf, instead of a term
	And       []*Expression
	Or        []*Expression
}

// Indicator is a term, an expression when All is set, or a pattern over several events.
type Indicator struct {
	ID      string // as its source gives it; "" when it gives none
	Term    Term
	All     *Expression
	Several *Observations
	About   *About
}

// About is what indicators of one origin have in common. It is shared and not changed once a collection is compiled.
type About struct {
	Title      string // of the indicator or its report
	Source     string // the file it came from
	Tags       []string
	Marking    string // of the traffic light protocol, as TLP:AMBER; "" when not stated
	Confidence int    // 1 to 100; 0 when not stated
	Level      string // informational to critical when the source states it
	ValidFrom  time.Time
	ValidUntil time.Time
}

// Kind gives the kind of the indicator, Compound for an expression.
func (i *Indicator) Kind() Kind {
	if i.Several != nil {
		return Several
	}
	if i.All != nil {
		return Compound
	}
	return i.Term.Kind
}

// RuleID gives the source's id, or one that depends on kind and value alone: a UUID of version 5.
func (i *Indicator) RuleID() string {
	if i.ID != "" {
		return i.ID
	}
	return derivedID(i.describe())
}

func (i *Indicator) describe() string {
	if i.Several != nil {
		return "observations " + i.Several.Text
	}
	if i.All != nil {
		return "compound " + i.All.String()
	}
	return i.Term.String()
}

// namespace is the name space of derived ids: the version 5 UUID of "contrail indicator" in the name space of URLs.
var namespace = [16]byte{0x6b, 0xa7, 0xb8, 0x11, 0x9d, 0xad, 0x11, 0xd1, 0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8}

// derivedID is a UUID of version 5 (RFC 9562, section 5.5).
func derivedID(name string) string {
	sum := sha1.Sum(append(namespace[:], "contrail indicator "+name...))
	u := sum[:16]
	u[6], u[8] = u[6]&0x0f|0x50, u[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:])
}

func (e *Expression) String() string {
	op, parts := " and ", e.And
	if len(e.Or) > 0 {
		op, parts = " or ", e.Or
	}
	if len(parts) == 0 {
		if e.Condition != nil {
			return e.Condition.Text
		}
		return e.Term.String()
	}
	texts := make([]string, len(parts))
	for i, p := range parts {
		texts[i] = p.String()
	}
	return "(" + strings.Join(texts, op) + ")"
}

// Rejected is an indicator, or a part of one, that is not used.
type Rejected struct {
	ID     string // of the indicator, or its value
	File   string
	Reason string
	// Unshown says that nothing is wrong with the indicator: no evidence that is read can show what it asks.
	Unshown bool
}

// Report is what became of one file.
type Report struct {
	File    string
	Format  string // stix, misp, openioc, csv, list, document; "" when the file holds no indicators by nature
	Why     string // when there are none: what the file is
	Counts  map[Kind]int
	Refused int
	Context int  // values that the report gives as context, not to detect by: to_ids is false
	Skipped int  // lines that hold no indicator
	Failed  bool // the file could not be read as what it is
}

// Collection is what was loaded.
type Collection struct {
	Indicators []Indicator
	Rejected   []Rejected
	// MoreRejected counts refusals beyond those that are told one by one.
	MoreRejected int
	Reports      []Report
}

// Level gives how grave a sighting is, as a Sigma level: what the source states, its confidence, or the habit of the kind.
func (i *Indicator) Level() string {
	if i.About.Level != "" {
		return i.About.Level
	}
	levels := []string{"low", "medium", "high"}
	at := 1
	switch i.Kind() {
	case Hash, Certificate, Compound, Several, Domain, URL:
		at = 2
	case FileName, Process, Application, Text:
		at = 0
	}
	switch c := i.About.Confidence; {
	case c > 0 && c < 30:
		at--
	case c >= 85:
		at = max(at, 1)
	}
	return levels[max(at, 0)]
}
