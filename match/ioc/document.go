package ioc

import (
	"regexp"
	"strings"
)

var (
	hashToken     = regexp.MustCompile(`\b(?:[0-9a-fA-F]{128}|[0-9a-fA-F]{96}|[0-9a-fA-F]{64}|[0-9a-fA-F]{56}|[0-9a-fA-F]{40}|[0-9a-fA-F]{32})\b`)
	markdownLink  = regexp.MustCompile(`\]\([^)]*\)`)
	asciidocLink  = regexp.MustCompile(`(?:https?://|link:)[^\s\[\]]+\[`)
	codeSpan      = regexp.MustCompile("`([^`\n]+)`")
	defangedToken = regexp.MustCompile(`[^\s"'<>|,;` + "`" + `]*(?:\[\.\]|\(\.\)|\[dot\]|\(dot\)|\[:\]|\[at\]|\[@\]|hxxps?://)[^\s"'<>|,;` + "`" + `]*`)
)

// readDocument reads Markdown and AsciiDoc. A document also talks about things that are no indicators: taken are digests, names that
// are defanged, and what stands alone in a table's cell, a code span or a line of a listing.
func (r *reader) readDocument(text string) {
	r.report.Format = "document"
	seen := map[Term]bool{}
	take := func(t Term) {
		if !seen[t] {
			seen[t] = true
			r.take("", t, nil)
		}
	}
	listing := false
	var header []column
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line[:min(len(line), 1<<16)])
		if strings.HasPrefix(line, "----") || strings.HasPrefix(line, "```") || strings.HasPrefix(line, "....") {
			listing = !listing
			continue
		}
		if strings.HasPrefix(line, "|===") || line == "" {
			header = nil
			continue
		}
		bare := asciidocLink.ReplaceAllString(markdownLink.ReplaceAllString(line, "]"), "[")
		for _, h := range hashToken.FindAllString(bare, -1) {
			if strings.Contains(strings.ToLower(bare), "commit") { // the digest of a version of the document
				break
			}
			if t, err := Canonical(Hash, Is, h); err == nil {
				take(t)
			}
		}
		for _, d := range defangedToken.FindAllString(bare, -1) {
			if t, ok := guess(strings.Trim(d, ".:()*_")); ok {
				take(t)
			}
		}
		for _, span := range codeSpan.FindAllStringSubmatch(bare, -1) {
			if t, ok := guess(span[1]); ok && t.Kind != FileName && !strings.HasPrefix(span[1], "/") {
				take(t)
			}
		}
		if listing {
			for f := range strings.FieldsSeq(bare) {
				if t, ok := guess(f); ok && t.Kind != FileName {
					take(t)
				}
			}
			continue
		}
		if !strings.HasPrefix(line, "|") {
			continue
		}
		cells := strings.Split(strings.Trim(bare, "|"), "|")
		for i, c := range cells {
			cells[i] = strings.Trim(strings.TrimSpace(c), "`*_ ")
		}
		if header == nil && len(cells) > 1 {
			if header = headerOf(cells); header != nil {
				continue
			}
			header = []column{}
		}
		for i, c := range cells {
			t, ok := guess(c)
			if !ok || t.Kind == URL && !isDefanged(c) {
				continue
			}
			if t.Kind == FileName && (i >= len(header) || header[i].kind != FileName) {
				continue
			}
			take(t)
		}
	}
}
