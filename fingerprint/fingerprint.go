package fingerprint

import (
	"bytes"
	"cmp"
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/contrail-ir/contrail/marking"
)

// Fingerprint is what identifies an intrusion; docs/formats/fingerprint.md describes its JSON.
type Fingerprint struct {
	Name      string          `json:"name"`
	Version   int             `json:"version"`
	Marking   marking.Marking `json:"marking"`
	NotBefore string          `json:"not_before"` // RFC 3339; "" in a draft
	Expires   string          `json:"expires"`
	// FirstSeen is the first known activity of the intruder, where a trail told it.
	FirstSeen string `json:"first_seen,omitempty"`
	Items     []Item `json:"items"`
}

// Item is one thing that the intruder leaves.
type Item struct {
	Kind  Kind   `json:"kind"`
	Value string `json:"value"`
	// Rule is the UUID of the item: that of its first Sigma rule, from which those of its others are derived.
	Rule        string      `json:"rule"`
	Tier        Tier        `json:"tier"`
	Specificity Specificity `json:"specificity"`
	Reasons     []string    `json:"reasons"`
	Refs        []Ref       `json:"refs"`
	ApprovedBy  string      `json:"approved_by"` // "" until a person did
	Expires     string      `json:"expires,omitempty"`
	// Marking of this item where it is stricter than the whole.
	Marking *marking.Marking `json:"marking,omitempty"`
	// Group names what correlated items belong to: one file, one infrastructure. They share one weight. "" is a group of its own.
	Group string `json:"group,omitempty"`
	// WayIn tells that the item belongs to how the intruder came in, which different intruders share.
	WayIn bool `json:"way_in,omitempty"`
}

// Ref is a record that an item comes from, or a report's object. It stays at home: Release drops it.
type Ref struct {
	File   string `json:"file"`
	Record uint64 `json:"record"`
}

// Tier says how far an item carries.
type Tier string

// The tiers, best first.
const (
	Unique     Tier = "unique"      // decides by itself that it is the same intruder's thing
	Strong     Tier = "strong"      // hardly anybody else's
	Supporting Tier = "supporting"  // adds to others
	NeverAlone Tier = "never-alone" // public tools, shared hosting, common names
)

// Tiers gives the tiers, best first.
func Tiers() []Tier { return []Tier{Unique, Strong, Supporting, NeverAlone} }

var tierRank = map[Tier]int{Unique: 0, Strong: 1, Supporting: 2, NeverAlone: 3}

// Bounds of a fingerprint that is read.
const (
	MaxBytes = 16 << 20
	MaxItems = 20_000
)

// Read reads a fingerprint and checks it. Unknown keys are refused: what is signed must be understood.
func Read(r io.Reader) (*Fingerprint, error) {
	b, err := io.ReadAll(io.LimitReader(r, MaxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("fingerprint: read: %w", err)
	}
	return parse(b)
}

func parse(b []byte) (*Fingerprint, error) {
	if len(b) > MaxBytes {
		return nil, fmt.Errorf("fingerprint: read: longer than %d bytes", MaxBytes)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	f := &Fingerprint{}
	if err := d.Decode(f); err != nil {
		return nil, fmt.Errorf("fingerprint: read: %w", err)
	}
	if d.More() {
		return nil, fmt.Errorf("fingerprint: read: something follows the fingerprint")
	}
	if err := f.Check(); err != nil {
		return nil, err
	}
	return f, nil
}

// Check says what is wrong with a fingerprint: values that are none of their kind, unknown tiers, times that are none, items twice.
func (f *Fingerprint) Check() error {
	if strings.TrimSpace(f.Name) == "" || len(f.Name) > 200 {
		return fmt.Errorf("fingerprint: a name has 1 to 200 bytes")
	}
	if f.Version < 1 {
		return fmt.Errorf("fingerprint %s: versions count from 1", f.Name)
	}
	if len(f.Items) > MaxItems {
		return fmt.Errorf("fingerprint %s: more than %d items", f.Name, MaxItems)
	}
	for _, at := range []string{f.NotBefore, f.Expires, f.FirstSeen} {
		if _, err := moment(at); err != nil {
			return fmt.Errorf("fingerprint %s: %w", f.Name, err)
		}
	}
	seen := map[string]bool{}
	for i := range f.Items {
		it := &f.Items[i]
		where := fmt.Sprintf("fingerprint %.60s: item %d", f.Name, i+1)
		v, err := Normalise(it.Kind, it.Value)
		if err != nil {
			return fmt.Errorf("%s: %w", where, err)
		}
		if v != it.Value {
			return fmt.Errorf("%s: %.80q is to be written %.80q", where, it.Value, v)
		}
		if it.Rule != itemID(it.Kind, it.Value) {
			return fmt.Errorf("%s: its rule is not the one of its kind and value", where)
		}
		if seen[it.Rule] {
			return fmt.Errorf("%s: %s %.80q is there twice", where, it.Kind, it.Value)
		}
		seen[it.Rule] = true
		if rank, ok := tierRank[it.Tier]; !ok {
			return fmt.Errorf("%s: tier %.40q is not known", where, string(it.Tier))
		} else if rank < tierRank[kinds[it.Kind].ceiling] {
			return fmt.Errorf("%s: a %s cannot be %s", where, it.Kind, it.Tier)
		}
		if _, err := moment(it.Expires); err != nil {
			return fmt.Errorf("%s: %w", where, err)
		}
		if it.Tier == Unique && it.Specificity.Seen > 0 {
			return fmt.Errorf("%s: it was counted elsewhere and cannot be unique", where)
		}
		if s := it.Specificity; s.Seen < 0 || s.Hosts < s.Seen {
			return fmt.Errorf("%s: seen on %d of %d hosts", where, s.Seen, s.Hosts)
		} else if s.Shared < 0 || s.Intrusions < s.Shared {
			return fmt.Errorf("%s: shared by %d of %d intrusions", where, s.Shared, s.Intrusions)
		} else if !(s.KindShared >= 0 && s.KindShared <= 1) {
			return fmt.Errorf("%s: the share %g of its kind is none between 0 and 1", where, s.KindShared)
		}
	}
	return nil
}

func moment(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return t, fmt.Errorf("%.60q is no time: want 2020-01-31T08:00:00Z", s)
	}
	return t, nil
}

// Write writes the fingerprint as indented JSON with a final newline, items in order.
func (f *Fingerprint) Write(w io.Writer) error {
	b, err := json.MarshalIndent(f, "", " ")
	if err != nil {
		return fmt.Errorf("fingerprint: encode: %w", err)
	}
	_, err = w.Write(append(b, '\n'))
	return err
}

// Add adds an item, or joins its references and reasons to the one that is there. Items stay sorted by tier, kind and value.
func (f *Fingerprint) Add(it Item) error {
	v, err := Normalise(it.Kind, it.Value)
	if err != nil {
		return fmt.Errorf("fingerprint: add: %w", err)
	}
	it.Value, it.Rule = v, itemID(it.Kind, v)
	for i := range f.Items {
		if old := &f.Items[i]; old.Rule == it.Rule {
			for _, r := range it.Refs {
				if !slices.Contains(old.Refs, r) {
					old.Refs = append(old.Refs, r)
				}
			}
			for _, r := range it.Reasons {
				if !slices.Contains(old.Reasons, r) {
					old.Reasons = append(old.Reasons, r)
				}
			}
			old.WayIn = old.WayIn || it.WayIn
			return nil
		}
	}
	if it.Reasons == nil {
		it.Reasons = []string{}
	}
	if it.Refs == nil {
		it.Refs = []Ref{}
	}
	if it.Tier == "" {
		it.rate()
	}
	f.Items = append(f.Items, it)
	f.sort()
	return nil
}

func (f *Fingerprint) sort() {
	slices.SortStableFunc(f.Items, func(a, b Item) int {
		return cmp.Or(tierRank[a.Tier]-tierRank[b.Tier], cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Value, b.Value))
	})
}

// Specificity says how unlikely an item is elsewhere.
type Specificity struct {
	Hosts int `json:"hosts"` // on which it was counted: the organisation's others and the baseline
	Seen  int `json:"seen"`  // of these that show it
	// Intrusions are those by others in whose trails a habit was looked for, Shared those that show it.
	Intrusions int `json:"intrusions,omitempty"`
	Shared     int `json:"shared,omitempty"`
	// KindShared is the share of this intruder's habits of the kind that those intrusions show, at the mean.
	KindShared float64  `json:"kind_shared,omitempty"`
	Lists      []string `json:"lists,omitempty"` // warning lists that name it
	Decibans   float64  `json:"decibans"`        // what sharing it weighs: 10·log10 of the likelihood ratio
}

// exactDecibans is the weight of a key that cannot be shared by chance and was seen nowhere else: one in ten thousand that somebody else's
// copy of it, a shared builder or a mistake of collection puts it there.
const exactDecibans = 40

// neverAloneDecibans bounds what a public tool or a shared address can weigh.
const neverAloneDecibans = 3

// Cap is the most that a ratio estimated from frequencies on n hosts can weigh, in decibans: 10·log10(n+1).
func Cap(n int) float64 { return 10 * math.Log10(float64(max(n, 0))+1) }

// Weigh computes what sharing an item weighs. The frequency elsewhere is estimated by (seen+1)/(hosts+1), so that the ratio never
// exceeds hosts+1; an exact key that was seen nowhere is exempt. A habit weighs no more than it tells this intruder from others; what
// only trails show is counted among intrusions instead of hosts.
func Weigh(k Kind, t Tier, s Specificity) float64 {
	w := Cap(s.Hosts) - Cap(s.Seen)
	if k.OfTrails() {
		w = Cap(s.Intrusions) - Cap(s.Shared)
	}
	if kinds[k].behaviour {
		w = min(w, 10*math.Log10(k.Reuse()/k.Others(s)))
	}
	if kinds[k].exact && s.Seen == 0 && len(s.Lists) == 0 && t != NeverAlone {
		w = max(w, exactDecibans)
	}
	if t == NeverAlone {
		w = min(w, neverAloneDecibans)
	}
	return math.Round(max(w, 0)*100) / 100
}

// rate sets tier and weight from what was counted.
func (it *Item) rate() {
	s := &it.Specificity
	it.Tier = kinds[it.Kind].ceiling
	lower := func(t Tier, why string) {
		if tierRank[it.Tier] < tierRank[t] {
			it.Tier = t
			if !slices.Contains(it.Reasons, why) {
				it.Reasons = append(it.Reasons, why)
			}
		}
	}
	switch {
	case len(s.Lists) > 0:
		lower(NeverAlone, "named by warning list "+strings.Join(s.Lists, ", "))
	case publicTool(it.Kind, it.Value):
		lower(NeverAlone, "a tool that anyone can get")
	case s.Seen > 0 && s.Seen*20 >= s.Hosts:
		lower(NeverAlone, "common where it was counted")
	case s.Seen > 0:
		lower(Supporting, "seen elsewhere where it was counted")
	case s.Shared > 0 && s.Shared*2 >= s.Intrusions:
		lower(NeverAlone, "most other intruders do it, too")
	case !it.Counted() && !kinds[it.Kind].exact:
		lower(Supporting, whyUncounted)
	}
	if it.WayIn {
		lower(NeverAlone, "the way in, which other intruders use too")
	}
	s.Decibans = Weigh(it.Kind, it.Tier, *s)
}

// Counted says whether it was counted anywhere how common an item is.
func (it *Item) Counted() bool {
	if it.Kind.OfTrails() {
		return it.Specificity.Intrusions > 0
	}
	return it.Specificity.Hosts > 0
}

// itemID is the UUIDv5 of an item's kind and value.
func itemID(k Kind, value string) string { return derivedUUID(string(k) + "\x00" + value) }

var namespace = [16]byte{0x3b, 0x1f, 0x52, 0xc0, 0x6a, 0x1e, 0x4f, 0x53, 0x9c, 0x0a, 0x51, 0x7e, 0x0d, 0x2b, 0x8a, 0x44}

func derivedUUID(name string) string {
	h := sha1.New() // as RFC 9562 defines version 5
	h.Write(namespace[:])
	h.Write([]byte(name))
	u := h.Sum(nil)[:16]
	u[6], u[8] = u[6]&0x0f|0x50, u[8]&0x3f|0x80
	x := hex.EncodeToString(u)
	return x[:8] + "-" + x[8:12] + "-" + x[12:16] + "-" + x[16:20] + "-" + x[20:]
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }
