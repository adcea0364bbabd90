package disclosure

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/contrail-ir/contrail/ledger"
	"github.com/contrail-ir/contrail/marking"
	"github.com/contrail-ir/contrail/member"
	"github.com/contrail-ir/contrail/stix"
)

// Cut is a value that must not leave.
type Cut struct {
	Value string `json:"value" yaml:"value"`
	Sort  string `json:"sort" yaml:"sort"` // member, host, user, passenger …; part of the pseudonym
	// Whole says that the value is cut where it stands as a word, and not inside one.
	Whole bool `json:"whole,omitempty" yaml:"whole"`
}

// Change is a line that a release has differently from the case.
type Change struct {
	File   string `json:"file"`
	Line   int    `json:"line"` // from 1
	Before string `json:"before"`
	After  string `json:"after"` // "" when it was left out
}

// Cuts lists what must not leave for an audience: the names of all members that are not named in the release, the contacts of
// the reports that the case took, and what the caller adds. A member's own name is not cut from what it alone is told.
func (s *State) Cuts(p Proposal, more ...Cut) []Cut {
	cuts := slices.Clone(more)
	for id, m := range s.members {
		if slices.Contains(p.Named, id) || Itself(p, m) {
			continue
		}
		cuts = append(cuts, Cut{Value: m.Name, Sort: "member"}, Cut{Value: string(id), Sort: "member"})
	}
	for _, in := range s.reporting {
		if m, ok := s.named(in.Organisation); ok && Itself(p, m) {
			continue
		}
		cuts = append(cuts, Cut{Value: in.Reporter, Sort: "person"}, Cut{Value: in.Contact, Sort: "contact"}, Cut{Value: in.Noticed.Who, Sort: "person"})
		if m, ok := s.named(in.Organisation); !ok || !slices.Contains(p.Named, m.ID) {
			cuts = append(cuts, Cut{Value: in.Organisation, Sort: "member"})
		}
	}
	for org := range s.verdicts {
		if _, ok := s.find(org); !ok { // judged, and nobody to be named yet
			cuts = append(cuts, Cut{Value: org, Sort: "member"})
		}
	}
	cuts = slices.DeleteFunc(cuts, func(c Cut) bool { return c.Value == "" })
	slices.SortFunc(cuts, func(a, b Cut) int { // the longest first, so that a part does not hide the whole
		if d := len(b.Value) - len(a.Value); d != 0 {
			return d
		}
		return strings.Compare(a.Value+"\x00"+a.Sort, b.Value+"\x00"+b.Sort)
	})
	return slices.Compact(cuts)
}

func (s *State) named(name string) (member.Member, bool) {
	for _, m := range s.members {
		if strings.EqualFold(m.Name, name) {
			return m, true
		}
	}
	return member.Member{}, false
}

// cutList is the keyed digest of a list of cuts.
func cutList(ps *member.Pseudonyms, cuts []Cut) (ledger.Digest, error) {
	b, err := json.Marshal(cuts)
	if err != nil {
		return "", err
	}
	sum := ps.Digest("cut list", b)
	return ledger.FromSum(sum[:]), nil
}

// redactor replaces values by pseudonyms and their plain digests by keyed ones.
type redactor struct {
	patterns []*regexp.Regexp
	with     []string
	words    words
	keyed    func(string) string
	ps       *member.Pseudonyms
}

func newRedactor(cuts []Cut, ps *member.Pseudonyms, release string) *redactor {
	r := &redactor{ps: ps}
	r.keyed = func(value string) string {
		salted := ps.Digest("digest in "+release, []byte(value))
		return "keyed-" + hex.EncodeToString(salted[:16])
	}
	add := func(value, with string) {
		r.patterns = append(r.patterns, regexp.MustCompile("(?i)"+regexp.QuoteMeta(value)))
		r.with = append(r.with, with)
	}
	for _, c := range cuts {
		if c.Whole {
			r.words.add(c)
			continue
		}
		salted := ps.Digest("digest in "+release, []byte(c.Value))
		for _, v := range spellings(c.Value) {
			for _, end := range []string{"", "\n", "\r\n"} {
				for _, d := range digests([]byte(v + end)) {
					add(hex.EncodeToString(d.sum), "keyed-"+hex.EncodeToString(salted[:16]))
				}
			}
		}
	}
	for _, c := range cuts {
		if c.Whole {
			continue
		}
		add(c.Value, ps.Of(c.Sort, c.Value))
	}
	return r
}

func (r *redactor) text(s string) string {
	for i, p := range r.patterns {
		s = p.ReplaceAllLiteralString(s, r.with[i])
	}
	return r.words.replace(s, func(sort, value string) string {
		if _, plain := r.words.sorts[strings.ToLower(value)]; !plain {
			return r.keyed(strings.ToLower(value))
		}
		return r.ps.Of(sort, strings.ToLower(value))
	})
}

// file redacts line by line and tells the difference.
func (r *redactor) file(name, s string) (string, []Change) {
	lines := strings.Split(s, "\n")
	var changes []Change
	for i, l := range lines {
		if n := r.text(l); n != l {
			changes = append(changes, Change{File: name, Line: i + 1, Before: l, After: n})
			lines[i] = n
		}
	}
	return strings.Join(lines, "\n"), changes
}

// withheldMarking marks objects that hold a cut value, for ReleaseAll to withhold.
const withheldMarking stix.ID = "marking-definition--7e1f6d0a-6a5b-4c0e-9f43-5d3c1b0a9e11"

// bundle makes the objects that an audience may have: those under a label that lets it look, none that holds a cut value, no reference to
// what is missing, and every id issued anew, so that deterministic ids do not tell what was cut.
func bundle(objects []stix.Object, scan *Scanner, limit marking.TLP, ps *member.Pseudonyms, release string) ([]byte, []Change, error) {
	const name = "bundle.json"
	var in []stix.Object
	var changes []Change
	for _, o := range objects {
		raw, err := stix.Marshal(o)
		if err != nil {
			return nil, nil, fmt.Errorf("disclosure: %s: %w", name, err)
		}
		w := &walk{scanner: scan, left: maxScan}
		w.search(name, maxDepth, raw)
		c := stix.Clone(o)
		if _, isMarking := o.(*stix.MarkingDefinition); len(w.leaks) > 0 || !isMarking && len(c.Head().ObjectMarkingRefs) == 0 && limit.Rank() < marking.Red.Rank() {
			c.Head().ObjectMarkingRefs = append(c.Head().ObjectMarkingRefs, withheldMarking)
		}
		in = append(in, c)
	}
	may := func(id stix.ID) bool {
		if id == withheldMarking {
			return false
		}
		l, ok := stix.TLPOf(id)
		if !ok {
			return false // nobody knows what it asks
		}
		label, err := marking.ParseTLP(string(l))
		return err == nil && label.Rank() <= limit.Rank()
	}
	rename := func(id stix.ID) stix.ID {
		if _, fixed := stix.TLPOf(id); fixed {
			return id
		}
		sum := ps.Digest("id in "+release, []byte(id))
		sum[6], sum[8] = sum[6]&0x0f|0x40, sum[8]&0x3f|0x80
		return stix.ID(fmt.Sprintf("%s--%x-%x-%x-%x-%x", id.Type(), sum[0:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16]))
	}
	out, withheld, err := stix.ReleaseAll(in, may, rename)
	if err != nil {
		return nil, nil, fmt.Errorf("disclosure: %s: %w", name, err)
	}
	for _, w := range withheld {
		changes = append(changes, Change{File: name, Before: string(w.ID) + ": " + w.Reason})
	}
	bid := ps.Digest("bundle in "+release, nil)
	bid[6], bid[8] = bid[6]&0x0f|0x40, bid[8]&0x3f|0x80
	b := &stix.Bundle{ID: stix.ID(fmt.Sprintf("bundle--%x-%x-%x-%x-%x", bid[0:4], bid[4:6], bid[6:8], bid[8:10], bid[10:16])), Objects: out}
	raw, err := b.Marshal()
	return raw, changes, err
}
