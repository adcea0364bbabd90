package report

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/finding"
	"github.com/contrail-ir/contrail/legible"
	"github.com/contrail-ir/contrail/sweep"
)

// Timesketch writes timesketch.jsonl and timesketch.csv into a folder that exists: timelines as Timesketch imports them.
//
// A finding without a time stands at 1970 with the description "Not a time", as Plaso has it: an importer refuses lines without a time,
// and to leave a finding out would hide it.
type Timesketch struct {
	lines, table *pending
	csv          *csv.Writer
}

var timesketchColumns = []string{"message", "datetime", "timestamp_desc", "timestamp", "data_type", "tag", "level", "rule_title", "rule_id", "rule_author", "org", "hostname", "matched", "filename", "record", "sha256_hash"}

// NewTimesketch begins the files. Close must be called.
func NewTimesketch(dir string) (*Timesketch, error) {
	lines, err := begin(filepath.Join(dir, "timesketch.jsonl"))
	if err != nil {
		return nil, err
	}
	table, err := begin(filepath.Join(dir, "timesketch.csv"))
	if err != nil {
		return nil, errors.Join(err, lines.abandon())
	}
	t := &Timesketch{lines, table, csv.NewWriter(table.out)}
	return t, t.csv.Write(timesketchColumns)
}

// timesketchEvent is one line. The whole event goes along as text: its fields would collide with Timesketch's own and differ in type from
// log to log, which its index does not take.
type timesketchEvent struct {
	Message       string   `json:"message"`
	Datetime      string   `json:"datetime"`
	TimestampDesc string   `json:"timestamp_desc"`
	Timestamp     int64    `json:"timestamp"` // microseconds since 1970
	DataType      string   `json:"data_type"`
	Tag           []string `json:"tag"`
	Level         string   `json:"level"`
	RuleTitle     string   `json:"rule_title"`
	RuleID        string   `json:"rule_id"`
	RuleAuthor    string   `json:"rule_author"`
	Org           string   `json:"org"`
	Hostname      string   `json:"hostname"`
	Matched       string   `json:"matched"`
	Filename      string   `json:"filename"`
	Record        string   `json:"record"`
	SHA256        string   `json:"sha256_hash"`
	Event         string   `json:"event,omitempty"`
}

// Finding implements sweep.Handler.
func (t *Timesketch) Finding(f *finding.Finding) error {
	var matched []string
	for _, m := range f.Matched {
		matched = append(matched, m.Field+"="+m.Value)
	}
	e := timesketchEvent{
		TimestampDesc: "Event logged", DataType: "contrail:finding:" + string(f.Rule.Kind), Tag: f.Rule.Tags, Level: f.Rule.Level.String(), RuleTitle: f.Rule.Title,
		RuleID: string(f.Rule.ID), RuleAuthor: f.Rule.Author, Org: f.Org, Hostname: f.Host, Matched: strings.Join(matched, "; "), Filename: f.File,
		Record: strconv.FormatUint(f.Record, 10), SHA256: f.SHA256, Event: string(f.Event),
	}
	e.Message = legible.Visible(fmt.Sprintf("[%s] %s on %s: %s", orDash(e.Level), e.RuleTitle, orDash(e.Hostname), e.Matched))
	at := time.Unix(0, 0)
	if f.Time == event.NoTime {
		e.TimestampDesc = "Not a time"
	} else {
		at = time.Unix(0, f.Time)
	}
	e.Datetime = at.UTC().Format("2006-01-02T15:04:05.000000+00:00")
	e.Timestamp = at.UnixMicro()
	if e.Tag == nil {
		e.Tag = []string{}
	}
	line, err := json.Marshal(&e)
	if err != nil {
		return fmt.Errorf("write timesketch.jsonl: %w", err)
	}
	if err := t.lines.write(append(line, '\n')); err != nil {
		return err
	}
	tags, err := json.Marshal(e.Tag) // the importer reads a list in brackets as JSON
	if err != nil {
		return fmt.Errorf("write timesketch.csv: %w", err)
	}
	cells := []string{e.Message, e.Datetime, e.TimestampDesc, strconv.FormatInt(e.Timestamp, 10), e.DataType, string(tags), e.Level, e.RuleTitle, e.RuleID, e.RuleAuthor, e.Org, e.Hostname, e.Matched, e.Filename, e.Record, e.SHA256}
	for i, s := range cells {
		if timesketchColumns[i] != "timestamp" { // before 1970 it begins with a minus
			cells[i] = tableCell(s)
		}
	}
	return t.csv.Write(cells)
}

// End implements sweep.Handler.
func (t *Timesketch) End(*sweep.Result) error {
	t.csv.Flush()
	if err := t.csv.Error(); err != nil {
		return fmt.Errorf("write timesketch.csv: %w", err)
	}
	return errors.Join(t.lines.commit(), t.table.commit())
}

// Close removes what was begun and not finished.
func (t *Timesketch) Close() error { return errors.Join(t.lines.abandon(), t.table.abandon()) }
