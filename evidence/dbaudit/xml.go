package dbaudit

import (
	"bytes"
	"encoding/xml"
	"strings"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/evidence/internal/stamp"
	"github.com/contrail-ir/contrail/evidence/message"
)

// recordTag tells which element of an export is a record.
func recordTag(text []byte) string {
	for _, tag := range []string{"AuditRecord", "ROW", "row", "event", "Record"} {
		if xmlOpen(text, tag) >= 0 {
			return tag
		}
	}
	return ""
}

// known says whether an export names fields of an audit trail.
func known(text []byte) bool {
	for _, names := range [][]string{{"<Audit", "<DB_User"}, {"<Audit", "<OS_User"}, {"DBUSERNAME", "ACTION_NAME"}, {"server_principal_name", "action_id"}, {`package="sqlserver"`, `name="sql_`}, {`package="sqlserver"`, `name="statement"`}} {
		all := true
		for _, n := range names {
			all = all && bytes.Contains(text, []byte(n))
		}
		if all {
			return true
		}
	}
	return false
}

// xmlOpen gives where the first element of that name begins, -1 when there is none.
func xmlOpen(b []byte, tag string) int {
	open := []byte("<" + tag)
	for from := 0; ; {
		i := bytes.Index(b[from:], open)
		if i < 0 {
			return -1
		}
		end := from + i + len(open)
		if end < len(b) && strings.IndexByte(" >\t\r\n/", b[end]) >= 0 {
			return from + i
		}
		from = end
	}
}

// xmlEnd gives where the record at the beginning of b ends, -1 when its end is not there.
func xmlEnd(b []byte, tag string) int {
	if i := bytes.Index(b, []byte("</"+tag+">")); i >= 0 {
		return i + len(tag) + 3
	}
	if i := bytes.IndexByte(b, '>'); i > 0 && b[i-1] == '/' {
		return i + 1
	}
	return -1
}

// xmlCut gives a record with what follows it up to the next.
func xmlCut(b []byte, tag string) (int, uint64) {
	from := 0
	if bytes.HasPrefix(b, []byte("<"+tag)) {
		from = 1
	}
	n := len(b)
	if i := xmlOpen(b[from:], tag); i >= 0 {
		n = from + i
	}
	return n, uint64(bytes.Count(b[:n], []byte{'\n'}))
}

// pair is a field of a record.
type pair struct{ name, value string }

// maxPairs bounds the fields of a record.
const maxPairs = 2000

func (d *decoder) xml(rows *message.Rows, r message.Record) bool {
	tag := d.state.tag
	if xmlOpen(r.Text[:min(len(r.Text), len(tag)+2)], tag) != 0 {
		return r.Text[0] == '<' // what stands before the first record
	}
	end := xmlEnd(r.Text, tag)
	if end < 0 {
		return false
	}
	pairs, ok := fieldsOf(r.Text[:end])
	if !ok {
		return false
	}
	source, times, names := Oracle, []string{"Extended_Timestamp", "EVENT_TIMESTAMP_UTC", "EVENT_TIMESTAMP", "TIMESTAMP"}, oracleNames
	get := func(name string) string {
		for _, p := range pairs {
			if p.name == name {
				return p.value
			}
		}
		return ""
	}
	if get("server_principal_name") != "" || get("action_id") != "" || get("package") == "sqlserver" {
		source, times, names = SQLServer, []string{"event_time", "timestamp"}, sqlServerNames
	}
	ns := event.NoTime
	for _, t := range times {
		if at, ok := stamp.Parse([]byte(get(t)), d.zone); ok {
			ns = at
			break
		}
	}
	if !rows.Row(source, ns, r.Offset, r.Number, []byte(get("server_instance_name"))) {
		return true
	}
	for _, p := range pairs {
		if p.value == "" {
			continue
		}
		rows.AddNamed([]byte(p.name), []byte(p.value))
		if alias := names[p.name]; alias != "" && alias != p.name {
			rows.Add(alias, []byte(p.value))
		}
	}
	return true
}

var (
	oracleNames = map[string]string{"DB_User": "user", "DBUSERNAME": "user", "Userhost": "client", "USERHOST": "client", "DB_Name": "database", "DBID": "database", "Object_Name": "object", "OBJECT_NAME": "object",
		"Sql_Text": "statement", "SQL_TEXT": "statement", "ACTION_NAME": "command", "Action": "command"}
	sqlServerNames = map[string]string{"server_principal_name": "user", "client_ip": "client", "client_hostname": "client", "database_name": "database", "object_name": "object", "statement": "statement",
		"batch_text": "statement", "action_id": "command", "name": "command", "affected_rows": "affected_rows", "response_rows": "rows", "row_count": "rows", "username": "user"}
)

// fieldsOf gives attributes and the text of elements that hold nothing else. An element with a name attribute, as <data name="x">
// or <COLUMN NAME="x">, is called by it.
func fieldsOf(record []byte) ([]pair, bool) {
	x := xml.NewDecoder(bytes.NewReader(record))
	x.Strict = false
	var out []pair
	var stack []string
	var text strings.Builder
	leaf := false
	for len(out) < maxPairs && len(stack) < 64 {
		token, err := x.Token()
		if err != nil {
			return out, len(out) > 0
		}
		switch t := token.(type) {
		case xml.StartElement:
			name := t.Name.Local
			if name == "value" && len(stack) > 1 {
				name = stack[len(stack)-1]
			}
			for _, a := range t.Attr {
				if len(stack) > 0 && strings.EqualFold(a.Name.Local, "name") {
					name = a.Value
				} else {
					out = append(out, pair{a.Name.Local, a.Value})
				}
			}
			stack = append(stack, name)
			text.Reset()
			leaf = true
		case xml.CharData:
			text.Write(t)
		case xml.EndElement:
			if len(stack) == 0 {
				return out, len(out) > 0
			}
			if leaf && len(stack) > 1 {
				out = append(out, pair{stack[len(stack)-1], strings.TrimSpace(text.String())})
			}
			stack = stack[:len(stack)-1]
			leaf = false
		}
	}
	return out, true
}
