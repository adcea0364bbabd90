package sigma

import (
	"strings"
)

// parseDetection reads selections and conditions. Keys in skip belong to the surrounding format.
func parseDetection(what string, n *node, skip map[string]bool) (Detection, error) {
	var d Detection
	if n.kind != mapNode {
		return d, errorAt(n.line, "%s is a map of selections and a condition", what)
	}
	cond := n.get("condition")
	if cond.isNull() {
		return d, errorAt(n.line, "%s has no condition; say which selections must match", what)
	}
	conditions, err := texts("condition", cond)
	if err != nil {
		return d, err
	}
	for i, key := range n.keys {
		// timeframe belonged to the aggregations that correlations replaced; by itself it restricts nothing.
		if key == "condition" || key == "timeframe" || skip[key] {
			continue
		}
		g, err := parseGroup(n.vals[i], 0)
		if err != nil {
			return d, err
		}
		d.Selections = append(d.Selections, Selection{Name: key, Line: n.vals[i].line, Group: g})
	}
	if len(d.Selections) == 0 {
		return d, errorAt(n.line, "%s has no selection; add one", what)
	}
	if len(conditions) == 0 {
		return d, errorAt(cond.line, "the list of conditions is empty; say which selections must match")
	}
	for _, text := range conditions {
		c, err := ParseCondition(text)
		if err == nil {
			err = d.check(c)
		}
		if err != nil {
			return d, errorAt(cond.line, "%v", err)
		}
		d.Conditions = append(d.Conditions, c)
	}
	return d, nil
}

func parseGroup(n *node, depth int) (Group, error) {
	switch n.kind {
	case scalarNode:
		v, err := parseValue(n)
		if err != nil {
			return Group{}, err
		}
		return Group{Any: true, Items: []Item{{Values: []Value{v}, Line: n.line}}}, nil
	case mapNode:
		if len(n.keys) == 0 {
			return Group{}, errorAt(n.line, "the selection is empty; add a field")
		}
		var g Group
		for i, key := range n.keys {
			item, err := parseItem(key, n.vals[i])
			if err != nil {
				return Group{}, err
			}
			g.Items = append(g.Items, item)
		}
		return g, nil
	}
	if len(n.vals) == 0 {
		return Group{}, errorAt(n.line, "the selection is an empty list; add a value")
	}
	if allScalars(n.vals) {
		item := Item{Line: n.line}
		for _, v := range n.vals {
			value, err := parseValue(v)
			if err != nil {
				return Group{}, err
			}
			item.Values = append(item.Values, value)
		}
		return Group{Any: true, Items: []Item{item}}, nil
	}
	g := Group{Any: true}
	for _, v := range n.vals {
		part, err := parseGroup(v, depth+1)
		if err != nil {
			return Group{}, err
		}
		g.Groups = append(g.Groups, part)
	}
	return g, nil
}

func allScalars(ns []*node) bool {
	for _, n := range ns {
		if n.kind != scalarNode {
			return false
		}
	}
	return true
}

func parseItem(key string, n *node) (Item, error) {
	parts := strings.Split(key, "|")
	item := Item{Field: parts[0], Modifiers: parts[1:], Line: n.line}
	for i, m := range item.Modifiers {
		item.Modifiers[i] = strings.TrimSpace(m)
		if item.Modifiers[i] == "" {
			return item, errorAt(n.line, "%q names an empty modifier; remove the |", key)
		}
	}
	switch n.kind {
	case scalarNode:
		v, err := parseValue(n)
		if err != nil {
			return item, err
		}
		item.Values = []Value{v}
	case listNode:
		for _, e := range n.vals {
			if e.kind != scalarNode {
				return item, errorAt(e.line, "a value of %q is a list or map; write plain values", key)
			}
			v, err := parseValue(e)
			if err != nil {
				return item, err
			}
			item.Values = append(item.Values, v)
		}
	default:
		return item, errorAt(n.line, "the value of %q is a map; write a value or a list of values", key)
	}
	return item, nil
}

// maxValue bounds one value of a rule. Public rules stay below 4 KiB.
const maxValue = 64 << 10

func parseValue(n *node) (Value, error) {
	if len(n.text) > maxValue {
		return Value{}, errorAt(n.line, "a value of %d bytes, more than the %d allowed; shorten it", len(n.text), maxValue)
	}
	v := Value{Text: n.text}
	switch n.tag {
	case "!!null":
		v.Kind = NullValue
	case "!!bool":
		v.Kind, v.Bool = BoolValue, strings.EqualFold(n.text, "true")
	case "!!int", "!!float":
		digits := strings.TrimLeft(n.text, "+-")
		leadingZero := len(digits) > 1 && digits[0] == '0' && digits[1] >= '0' && digits[1] <= '9'
		if number, ok := NumberOf([]byte(n.text)); ok && !leadingZero {
			v.Kind, v.Number = NumberValue, number
		}
	}
	return v, nil
}
