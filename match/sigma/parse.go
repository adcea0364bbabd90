package sigma

import (
	"errors"
	"fmt"
)

// Parse reads a rule file: one or more YAML documents, each a rule, a correlation, a filter, or an action of the
// collection format (global, reset, repeat). A document that cannot be read is in Rejected and the others count. The
// file name is for messages only.
func Parse(file string, text []byte) *Collection {
	c := &Collection{}
	if len(text) > maxFileSize {
		c.reject(Place{File: file}, nil, fmt.Errorf("the file has %d bytes, more than the %d allowed; split it", len(text), maxFileSize))
		return c
	}
	docs, err := splitDocuments(text)
	if err != nil {
		c.reject(Place{File: file}, nil, err)
		return c
	}
	if len(docs) == 0 {
		c.reject(Place{File: file}, nil, errors.New("the file holds no rule; remove it or write one"))
		return c
	}
	var global, previous *node
	for i, d := range docs {
		place := Place{File: file, Document: i + 1, Line: d.line}
		doc, err := parseDocument(d)
		if err == nil && doc.kind != mapNode {
			err = errorAt(doc.line, "a rule is a YAML map with title, logsource and detection; this document is not a map")
		}
		if err != nil {
			c.reject(place, nil, err)
			continue
		}
		action := doc.get("action")
		switch {
		case action == nil:
			if doc.get("correlation") == nil && doc.get("filter") == nil && global != nil {
				doc = overlay(doc, global)
			}
			c.document(place, doc)
			previous = doc
		case action.text == "global":
			global = doc.without("action")
			previous = global
		case action.text == "reset":
			global = nil
		case action.text == "repeat":
			if previous == nil {
				c.reject(place, doc, errorAt(action.line, "action repeat has no rule before it to repeat"))
				continue
			}
			previous = overlay(previous, doc.without("action"))
			c.document(place, previous)
		default:
			c.reject(place, doc, errorAt(action.line, "unknown action %q; global, reset and repeat are known", action.text))
		}
	}
	return c
}

func (c *Collection) reject(p Place, doc *node, err error) {
	r := Rejected{Place: p, Reason: err.Error()}
	var at *lineError
	if errors.As(err, &at) && at.line > 0 {
		r.Place.Line = at.line
	}
	if doc != nil {
		if id := doc.get("id"); id != nil {
			r.ID = id.text
		}
		if title := doc.get("title"); title != nil {
			r.Title = title.text
		}
	}
	c.Rejected = append(c.Rejected, r)
}

func (c *Collection) document(p Place, doc *node) {
	meta, err := parseMeta(p, doc)
	if err != nil {
		c.reject(p, doc, err)
		return
	}
	switch {
	case doc.get("correlation") != nil:
		r, err := parseCorrelation(meta, doc)
		if err != nil {
			c.reject(p, doc, err)
			return
		}
		c.Correlations = append(c.Correlations, r)
	case doc.get("filter") != nil:
		f, err := parseFilter(meta, doc)
		if err != nil {
			c.reject(p, doc, err)
			return
		}
		c.Filters = append(c.Filters, f)
	default:
		r, err := parseRule(meta, doc)
		if err != nil {
			c.reject(p, doc, err)
			return
		}
		c.Rules = append(c.Rules, r)
	}
}

func parseMeta(p Place, doc *node) (Meta, error) {
	m := Meta{Place: p}
	var err error
	one := func(key string, to *string) {
		n := doc.get(key)
		if n.isNull() || err != nil {
			return
		}
		if n.kind != scalarNode {
			err = errorAt(n.line, "%s is one text, not a list or map", key)
			return
		}
		*to = n.text
	}
	many := func(key string, to *[]string) {
		if err == nil {
			*to, err = texts(key, doc.get(key))
		}
	}
	one("title", &m.Title)
	one("id", &m.ID)
	one("name", &m.Name)
	one("taxonomy", &m.Taxonomy)
	one("status", &m.Status)
	one("description", &m.Description)
	one("license", &m.License)
	one("date", &m.Date)
	one("modified", &m.Modified)
	one("level", &m.Level)
	many("references", &m.References)
	many("fields", &m.Fields)
	many("falsepositives", &m.FalsePositives)
	many("tags", &m.Tags)
	many("scope", &m.Scope)
	var authors []string
	many("author", &authors)
	for i, a := range authors {
		if i > 0 {
			m.Author += ", "
		}
		m.Author += a
	}
	if related := doc.get("related"); !related.isNull() && err == nil {
		m.Related, err = parseRelated(related)
	}
	if err == nil && m.Title == "" {
		err = errorAt(p.Line, "the rule has no title; add one")
	}
	return m, err
}

func parseRelated(n *node) ([]Related, error) {
	if n.kind != listNode {
		return nil, errorAt(n.line, "related is a list of maps with id and type")
	}
	var out []Related
	for _, r := range n.vals {
		id, kind := r.get("id"), r.get("type")
		if id == nil || kind == nil {
			return nil, errorAt(r.line, "an entry of related needs id and type")
		}
		out = append(out, Related{ID: id.text, Type: kind.text})
	}
	return out, nil
}

// texts reads a list of plain values or one plain value.
func texts(key string, n *node) ([]string, error) {
	switch {
	case n.isNull():
		return nil, nil
	case n.kind == scalarNode:
		return []string{n.text}, nil
	case n.kind == mapNode:
		return nil, errorAt(n.line, "%s is a list of texts, not a map", key)
	}
	out := make([]string, 0, len(n.vals))
	for _, v := range n.vals {
		if v.kind != scalarNode {
			return nil, errorAt(v.line, "%s is a list of texts; this entry is not a text", key)
		}
		if !v.isNull() {
			out = append(out, v.text)
		}
	}
	return out, nil
}

func parseRule(meta Meta, doc *node) (*Rule, error) {
	r := &Rule{Meta: meta}
	var err error
	if r.Logsource, err = parseLogsource(doc, meta.Place.Line); err != nil {
		return nil, err
	}
	det := doc.get("detection")
	if det == nil {
		return nil, errorAt(meta.Place.Line, "the rule has no detection; add selections and a condition")
	}
	if r.Detection, err = parseDetection("detection", det, nil); err != nil {
		return nil, err
	}
	return r, nil
}

func parseLogsource(doc *node, line int) (Logsource, error) {
	n := doc.get("logsource")
	if n.isNull() {
		return Logsource{}, errorAt(line, "the rule has no logsource; name product, category or service")
	}
	if n.kind != mapNode {
		return Logsource{}, errorAt(n.line, "logsource is a map of product, category, service")
	}
	var l Logsource
	for _, part := range []struct {
		key string
		to  *string
	}{{"product", &l.Product}, {"category", &l.Category}, {"service", &l.Service}, {"definition", &l.Definition}} {
		v := n.get(part.key)
		if v.isNull() {
			continue
		}
		if v.kind != scalarNode {
			if part.key == "definition" {
				continue // prose, sometimes written as a list; it decides nothing
			}
			return Logsource{}, errorAt(v.line, "logsource %s is one text", part.key)
		}
		*part.to = v.text
	}
	if l.Product == "" && l.Category == "" && l.Service == "" {
		return Logsource{}, errorAt(n.line, "the logsource names no product, category or service")
	}
	return l, nil
}

func parseFilter(meta Meta, doc *node) (*Filter, error) {
	f := &Filter{Meta: meta}
	var err error
	if f.Logsource, err = parseLogsource(doc, meta.Place.Line); err != nil {
		return nil, err
	}
	body := doc.get("filter")
	if body.kind != mapNode {
		return nil, errorAt(body.line, "filter is a map of rules, selections and a condition")
	}
	rules := body.get("rules")
	if rules == nil {
		return nil, errorAt(body.line, `the filter has no rules; list ids or names, or write "any"`)
	}
	if rules.kind == scalarNode && (rules.text == "any" || rules.text == "Any" || rules.text == "ANY") {
		f.Any = true
	} else {
		if f.Rules, err = texts("rules", rules); err != nil {
			return nil, err
		}
		if len(f.Rules) == 0 {
			return nil, errorAt(rules.line, `the filter's list of rules is empty; list ids or names, or write "any"`)
		}
	}
	if f.Detection, err = parseDetection("filter", body, map[string]bool{"rules": true}); err != nil {
		return nil, err
	}
	return f, nil
}
