package report

import (
	"encoding/csv"
	"fmt"
	"path/filepath"
	"strings"
	"unicode"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/finding"
	"github.com/contrail-ir/contrail/sweep"
)

// CSV writes findings.csv into a folder that exists.
type CSV struct {
	file *pending
	csv  *csv.Writer
}

// NewCSV begins the file. Close must be called.
func NewCSV(dir string) (*CSV, error) {
	p, err := begin(filepath.Join(dir, "findings.csv"))
	if err != nil {
		return nil, err
	}
	c := &CSV{file: p, csv: csv.NewWriter(p.out)}
	return c, c.csv.Write([]string{"time", "level", "rule_title", "org", "host", "matched", "file", "record", "kind", "rule_id", "tags", "source", "file_sha256"})
}

// Finding implements sweep.Handler.
func (c *CSV) Finding(f *finding.Finding) error {
	var matched []string
	for _, m := range f.Matched {
		matched = append(matched, m.Field+"="+m.Value)
	}
	cells := []string{
		string(event.AppendTime(nil, f.Time)), f.Rule.Level.String(), f.Rule.Title, f.Org, f.Host, strings.Join(matched, "; "),
		f.File, fmt.Sprint(f.Record), string(f.Rule.Kind), string(f.Rule.ID), strings.Join(f.Rule.Tags, " "), f.Rule.Source, f.SHA256,
	}
	for i, s := range cells {
		cells[i] = tableCell(s)
	}
	return c.csv.Write(cells)
}

// harmless replaces what is no text and what a terminal would obey: bytes that are not UTF-8, control characters but for tabs and line ends, and marks
// that turn the direction of text.
func harmless(r rune) rune {
	if unicode.IsControl(r) && r != '\t' && r != '\n' && r != '\r' || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
		return unicode.ReplacementChar
	}
	return r
}

// tableCell keeps a spreadsheet from calculating what an intruder wrote, and a terminal from obeying it.
func tableCell(s string) string {
	s = strings.Map(harmless, s)
	if s != "" && strings.ContainsRune("=+-@\t\r\n", rune(s[0])) {
		return "'" + s
	}
	return s
}

// End implements sweep.Handler.
func (c *CSV) End(*sweep.Result) error {
	c.csv.Flush()
	if err := c.csv.Error(); err != nil {
		return fmt.Errorf("write findings.csv: %w", err)
	}
	return c.file.commit()
}

// Close removes what was begun and not finished.
func (c *CSV) Close() error { return c.file.abandon() }
