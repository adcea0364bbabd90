package table

import (
	"bytes"
	"strings"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/evidence/internal/delimited"
	"github.com/contrail-ir/contrail/evidence/internal/stamp"
)

// header is what a table's beginning says. It is immutable.
type header struct {
	comma   byte
	line    []byte // the header itself
	end     uint64 // where the header ends
	columns []column
	source  event.Source
	known   bool
	json    bool // rows are read as JSON objects
	whole   int  // the column that holds the record as JSON, -1 for none
	flows   bool // nfdump's, which ends with a summary
	people  bool // the Event Viewer's, whose columns have names for people

	time, date, host int // columns, -1 for none
}

type column struct {
	name    string
	aliases []string
}

// read finds the header at the beginning of a text; nil when it is no table.
func read(text []byte, hints map[string]string) *header {
	h := &header{time: -1, date: -1, host: -1, whole: -1}
	for range 3 { // what tools put before the header
		l, rest, found := bytes.Cut(text, []byte{'\n'})
		l = bytes.TrimSpace(l)
		if found && (len(l) == 0 || bytes.HasPrefix(l, []byte("sep=")) || bytes.HasPrefix(l, []byte("#TYPE "))) {
			h.end += uint64(len(text) - len(rest))
			text = rest
		}
	}
	comma, width, fit, all := delimited.Sniff(text)
	if comma == 0 || width > maxColumns {
		return nil
	}
	h.comma = comma
	cut, split := delimited.Cutter{Comma: comma}, delimited.Splitter{}
	n, _ := cut.Cut(text)
	h.line = bytes.Clone(bytes.TrimRight(text[:n], "\r\n"))
	h.end += uint64(n)
	split.Split(h.line, comma)
	names := make([]string, len(split.Fields))
	seen := map[string]bool{}
	for i, f := range split.Fields {
		name := strings.ToValidUTF8(strings.TrimSpace(string(f)), "\uFFFD")
		if !nameLike(name) || seen[name] && name != "" {
			return nil
		}
		seen[name] = true
		if name == "" {
			name = "_column" + string(rune('a'+i%26))
		}
		names[i] = name
	}
	for _, n := range names {
		h.columns = append(h.columns, column{name: n})
	}
	first := [][]byte{}
	if rest := text[n:]; len(rest) > 0 {
		n, _ := cut.Cut(rest)
		split.Split(bytes.TrimRight(rest[:n], "\r\n"), comma)
		first = split.Fields
	}
	h.tell(names, first, hints)
	if !h.known && 10*fit < 7*all && (width < 3 || 2*fit < all) {
		return nil
	}
	return h
}

// nameLike says whether a text can be a column's name: no number, no time, no address, no sentence.
func nameLike(s string) bool {
	if len(s) > 100 || strings.ContainsAny(s, "{}<>\"\n=") || strings.Count(s, " ") > 5 {
		return false
	}
	if s == "" {
		return true
	}
	letters := 0
	for _, r := range s {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r > 0x7f {
			letters++
		}
	}
	if letters == 0 || strings.HasPrefix(s, "/") || strings.HasPrefix(s, "http") && strings.Contains(s, "://") {
		return false
	}
	_, timed := stamp.Parse([]byte(s), nil)
	return !timed
}

// profile is a table that is known by columns of its header.
type profile struct {
	marks   []string // all must be there; "a|b" is either
	source  event.Source
	time    []string
	host    string
	aliases map[string]string // column → what rules call it
	json    bool              // read as JSON
	whole   string            // the column with the record as JSON
	flows   bool
}

var profiles = []profile{
	{marks: []string{"AuditData", "RecordType|CreationDate|Operations|Operation"}, source: event.Source{Product: "m365", Service: "audit"}, json: true, whole: "AuditData"},
	{marks: []string{"_raw", "_time"}, source: event.Source{Product: "splunk"}, json: true, whole: "_raw"},
	{marks: []string{"EventId", "EventRecordId", "Channel", "PayloadData1|Payload|MapDescription"}, source: event.Source{Product: event.ProductWindows}, json: true},
	{marks: []string{"LogName", "ProviderName", "Id", "MachineName"}, source: event.Source{Product: event.ProductWindows}, json: true},
	{marks: []string{"EventID|EventCode|EventId|event_id", "Channel|LogName|EventLog|log_name|channel", "Computer|Hostname|ComputerName|MachineName|TimeCreated|TimeGenerated|computer_name|host"}, source: event.Source{Product: event.ProductWindows}, json: true},
	{marks: []string{"Event ID", "Source", "Date and Time", "Level|Keywords"}, source: event.Source{Product: event.ProductWindows}, json: true},
	{marks: []string{"sa|srcaddr|src4_addr|sip", "da|dstaddr|dst4_addr|dip", "ibyt|bytes|in_bytes|dOctets", "pr|prot|protocol|proto"}, source: event.Source{Product: "netflow"}, flows: true,
		time:    []string{"ts", "first", "firstSeen", "start", "unix_secs", "sTime", "te"},
		aliases: map[string]string{"src4_addr": "sa", "sip": "sa", "dst4_addr": "da", "dip": "da", "dst_port": "dp", "dPort": "dp", "src_port": "sp", "sPort": "sp", "in_bytes": "ibyt", "out_bytes": "obyt", "dOctets": "bytes", "duration": "td", "dur": "td"}},
	{marks: []string{"server_principal_name|session_server_principal_name", "action_id|action_name", "statement|object_name"}, source: event.Source{Product: "mssql", Category: "database"}, time: []string{"event_time", "Event Time", "Date"}, host: "server_instance_name",
		aliases: map[string]string{"server_principal_name": "user", "client_ip": "client", "database_name": "database", "object_name": "object", "action_id": "command", "affected_rows": "affected_rows", "response_rows": "rows"}},
	{marks: []string{"DBUSERNAME|DB_USER|USERNAME", "ACTION_NAME|ACTION", "SQL_TEXT|OBJECT_NAME|OBJ_NAME", "EVENT_TIMESTAMP|EVENT_TIMESTAMP_UTC|EXTENDED_TIMESTAMP|TIMESTAMP"}, source: event.Source{Product: "oracle", Category: "database"},
		time:    []string{"EVENT_TIMESTAMP_UTC", "EVENT_TIMESTAMP", "EXTENDED_TIMESTAMP", "TIMESTAMP"},
		aliases: map[string]string{"DBUSERNAME": "user", "DB_USER": "user", "USERNAME": "user", "USERHOST": "client", "DB_NAME": "database", "OBJECT_NAME": "object", "OBJ_NAME": "object", "SQL_TEXT": "statement", "ACTION_NAME": "command", "ACTION": "command", "RETURN_ROWS": "rows"}},
	{marks: []string{"user_name", "database_name", "command_tag", "error_severity", "message"}, source: event.Source{Product: "postgresql", Category: "database"}, time: []string{"log_time"},
		aliases: map[string]string{"user_name": "user", "database_name": "database", "connection_from": "client", "command_tag": "command", "query": "statement"}},
}

// tell compares a header with the profiles, applies hints, and otherwise looks for a column with a time.
func (h *header) tell(names []string, first [][]byte, hints map[string]string) {
	at := func(any string) int {
		for _, want := range strings.Split(any, "|") {
			for i, n := range names {
				if n == want {
					return i
				}
			}
		}
		return -1
	}
	h.source = event.Source{Service: "table"}
	h.people = at("Event ID") >= 0
	if len(hints) > 0 {
		h.mapped(at, hints)
		return
	}
	for i := range profiles {
		p := &profiles[i]
		fits := true
		for _, m := range p.marks {
			fits = fits && at(m) >= 0
		}
		if !fits {
			continue
		}
		h.known, h.source, h.json, h.flows = true, p.source, p.json, p.flows
		h.whole = at(p.whole)
		h.host = at(p.host)
		for _, t := range p.time {
			if h.time < 0 {
				h.time = at(t)
			}
		}
		for name, alias := range p.aliases {
			if i := at(name); i >= 0 && alias != name && at(alias) < 0 {
				h.columns[i].aliases = append(h.columns[i].aliases, alias)
			}
		}
		return
	}
	h.host = hostColumn(names)
	h.guessTime(names, first)
}

func (h *header) mapped(at func(string) int, hints map[string]string) {
	h.known = true
	for field, col := range hints {
		switch field {
		case "source.product":
			h.source.Product = col
		case "source.category":
			h.source.Category = col
		case "source.service":
			h.source.Service = col
		case "time":
			h.time = at(col)
		case "date":
			h.date = at(col)
		case "host":
			h.host = at(col)
		default:
			if i := at(col); i >= 0 && field != col {
				h.columns[i].aliases = append(h.columns[i].aliases, field)
			}
		}
	}
	if h.source.Service == "table" && (h.source.Product != "" || h.source.Category != "") {
		h.source.Service = ""
	} else if hints["statement"] != "" && h.source.Category == "" && h.source.Product == "" {
		h.source = event.Source{Category: "database"}
	}
}

func hostColumn(names []string) int {
	for i, n := range names {
		switch strings.ToLower(n) {
		case "computer", "hostname", "computername", "machinename", "device_name", "devicename":
			return i
		}
	}
	return -1
}

// guessTime takes the column whose name speaks of a time and whose first value is one, else the first whose value is.
func (h *header) guessTime(names []string, first [][]byte) {
	best := 0
	for i, n := range names {
		if i >= len(first) {
			return
		}
		score := 0
		switch n = strings.ToLower(strings.TrimLeft(n, "_@# ")); n {
		case "time", "timestamp", "datetime", "timegenerated", "eventtime", "event_time", "date_time", "creationdate", "timecreated", "date (utc)":
			score = 3
		default:
			if strings.Contains(n, "time") || strings.Contains(n, "date") || n == "ts" {
				score = 2
			}
		}
		if _, ok := stamp.Parse(first[i], nil); !ok || score == 0 && len(first[i]) < 15 || !bytes.ContainsAny(first[i], "-/: .") && score == 0 {
			continue
		}
		if score+1 > best {
			best, h.time = score+1, i
		}
	}
}

// summary knows the lines behind nfdump's flows.
func (h *header) summary(l []byte) bool {
	if !h.flows {
		return false
	}
	return bytes.HasPrefix(l, []byte("Summary")) || bytes.HasPrefix(l, []byte("flows,bytes,packets,avg_")) || bytes.Count(l, []byte{h.comma}) == 5 && len(h.columns) > 8
}
