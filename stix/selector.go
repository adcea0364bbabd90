package stix

import (
	"fmt"
	"strconv"
	"strings"
)

// Selector names a property inside an object for a granular marking (section 7.2.3.1): "labels.[0]", "definition.tlp".
type Selector []selectorStep

type selectorStep struct {
	name  string // empty: index is meant
	index int
}

// ParseSelector reads a selector.
func ParseSelector(s string) (Selector, error) {
	var sel Selector
	if s == "" || len(s) > 4096 {
		return nil, fmt.Errorf("%.60q is not a selector", s)
	}
	for i, part := range strings.Split(s, ".") {
		if inner, ok := strings.CutPrefix(part, "["); ok {
			inner, ok = strings.CutSuffix(inner, "]")
			n, err := strconv.ParseUint(inner, 10, 31)
			if !ok || err != nil || i == 0 || strconv.FormatUint(n, 10) != inner {
				return nil, fmt.Errorf("%.60q is not a selector: %.20q is no list index", s, part)
			}
			sel = append(sel, selectorStep{index: int(n)})
			continue
		}
		if part == "" || len(part) > 250 || !plainName(part) {
			return nil, fmt.Errorf("%.60q is not a selector: %.20q is no property name", s, part)
		}
		sel = append(sel, selectorStep{name: part})
	}
	return sel, nil
}

// String is the selector as written.
func (sel Selector) String() string {
	parts := make([]string, len(sel))
	for i, st := range sel {
		if st.name == "" {
			parts[i] = "[" + strconv.Itoa(st.index) + "]"
		} else {
			parts[i] = st.name
		}
	}
	return strings.Join(parts, ".")
}

func (sel Selector) find(tree any) (any, error) {
	for _, st := range sel {
		switch v := tree.(type) {
		case map[string]any:
			next, ok := v[st.name]
			if !ok || st.name == "" {
				return nil, fmt.Errorf("the selector %s names nothing in the object", sel)
			}
			tree = next
		case []any:
			if st.name != "" || st.index >= len(v) {
				return nil, fmt.Errorf("the selector %s names nothing in the object", sel)
			}
			tree = v[st.index]
		default:
			return nil, fmt.Errorf("the selector %s names nothing in the object", sel)
		}
	}
	return tree, nil
}

// tombstone stands where a list element was cut until all cuts are made, so that the indexes of other selectors hold.
type tombstone struct{}

// cut removes what the selector names.
func (sel Selector) cut(tree any) {
	parent, err := sel[:len(sel)-1].find(tree)
	if err != nil {
		return
	}
	last := sel[len(sel)-1]
	switch v := parent.(type) {
	case map[string]any:
		delete(v, last.name)
	case []any:
		if last.name == "" && last.index < len(v) {
			v[last.index] = tombstone{}
		}
	}
}

// sweepTombstones drops cut elements, and lists and dictionaries that the cuts left empty, which may not be written.
func sweepTombstones(v any) any {
	switch v := v.(type) {
	case tombstone:
		return v
	case map[string]any:
		for k, e := range v {
			if s := sweepTombstones(e); s == (tombstone{}) {
				delete(v, k)
			} else {
				v[k] = s
			}
		}
		if len(v) == 0 {
			return tombstone{}
		}
	case []any:
		kept := v[:0]
		for _, e := range v {
			if s := sweepTombstones(e); s != (tombstone{}) {
				kept = append(kept, s)
			}
		}
		if len(kept) == 0 {
			return tombstone{}
		}
		return kept
	}
	return v
}

// Release makes the form of an object that an audience may have: properties under a granular marking that may refuses
// are cut, and all granular markings are taken out, since the selectors alone tell what was there. It returns the
// selectors that were cut. An object whose own markings are refused, or that would lose a required property or break
// another MUST, is not released: the result is nil and the error says why.
//
// A cut object keeps id and modified, so it must not meet the whole one: give it a new id with [RewriteIDs].
func Release(o Object, may func(marking ID) bool) (Object, []string, error) {
	h := o.Head()
	for _, ref := range h.ObjectMarkingRefs {
		if !may(ref) {
			return nil, nil, fmt.Errorf("stix: release %s: its marking %s does not allow it", h.ID, ref)
		}
	}
	tree, ok := copyTree(encodeTree(o)).(map[string]any)
	if !ok {
		return nil, nil, fmt.Errorf("stix: release %T: not an object of this package", o)
	}
	var cut []string
	for _, g := range h.GranularMarkings {
		if g.MarkingRef == "" || may(g.MarkingRef) {
			continue
		}
		for _, text := range g.Selectors {
			sel, err := ParseSelector(text)
			if err != nil {
				return nil, nil, fmt.Errorf("stix: release %s: %w", h.ID, err)
			}
			sel.cut(tree)
			cut = append(cut, text)
		}
	}
	if _, broken := h.Extra["granular_markings"]; broken {
		return nil, nil, fmt.Errorf("stix: release %s: its granular markings cannot be read", h.ID)
	}
	delete(tree, "granular_markings")
	if len(cut) > 0 {
		if swept, ok := sweepTombstones(tree).(map[string]any); ok {
			tree = swept
		}
	}
	out, err := decodeTree(tree)
	if err != nil {
		return nil, nil, fmt.Errorf("stix: release %s: %w", h.ID, err)
	}
	if len(cut) > 0 {
		before := map[string]bool{}
		for _, p := range Errors(Validate(o)) {
			before[p.Path+p.Text] = true
		}
		for _, p := range Errors(Validate(out)) {
			if !before[p.Path+p.Text] {
				return nil, nil, fmt.Errorf("stix: release %s: cutting %s would break it: %s: %s", h.ID, strings.Join(cut, ", "), p.Path, p.Text)
			}
		}
	}
	return out, cut, nil
}
