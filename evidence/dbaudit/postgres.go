package dbaudit

import (
	"bytes"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/evidence/internal/stamp"
	"github.com/contrail-ir/contrail/evidence/message"
)

// csvColumns are those of PostgreSQL's csvlog, in the order of its documentation; older servers end after application_name.
var csvColumns = []string{"log_time", "user_name", "database_name", "process_id", "connection_from", "session_id", "session_line_num", "command_tag", "session_start_time",
	"virtual_transaction_id", "transaction_id", "error_severity", "sql_state_code", "message", "detail", "hint", "internal_query", "internal_query_pos", "context", "query", "query_pos",
	"location", "application_name", "backend_type", "leader_pid", "query_id"}

var severities = []string{"DEBUG", "DEBUG1", "DEBUG2", "DEBUG3", "DEBUG4", "DEBUG5", "INFO", "NOTICE", "WARNING", "ERROR", "LOG", "FATAL", "PANIC", "DETAIL", "HINT", "STATEMENT", "CONTEXT", "QUERY", "LOCATION"}

func severity(b []byte) bool {
	for _, s := range severities {
		if string(b) == s {
			return true
		}
	}
	return false
}

func postgresRecord(f [][]byte) bool {
	if len(f) < 22 || len(f) > 40 || !severity(f[11]) {
		return false
	}
	_, ok := stamp.Parse(f[0], nil)
	return ok
}

func (d *decoder) postgresCSV(rows *message.Rows, r message.Record) bool {
	d.split.Split(r.Text, ',')
	f := d.split.Fields
	if len(f) < 14 || !severity(f[11]) {
		return false
	}
	ns, ok := stamp.Parse(f[0], d.zone)
	if !ok {
		ns = event.NoTime
	}
	if !rows.Row(PostgreSQL, ns, r.Offset, r.Number, nil) {
		return true
	}
	for i, v := range f {
		if i < len(csvColumns) {
			put(rows, csvColumns[i], v)
		} else {
			put(rows, "_extra", v)
		}
	}
	put(rows, "user", f[1])
	put(rows, "database", f[2])
	put(rows, "client", host(f[4]))
	command := f[7]
	if !d.statement(rows, f[13]) {
		put(rows, "command", command)
		if len(f) > 19 {
			put(rows, "statement", f[19])
		}
	}
	return true
}

// host gives what stands before the port.
func host(b []byte) []byte {
	if i := bytes.LastIndexByte(b, ':'); i > 0 && len(b)-i <= 6 {
		return bytes.Trim(b[:i], "[]")
	}
	if i := bytes.LastIndexByte(b, '('); i > 0 && b[len(b)-1] == ')' { // %r writes host(port)
		return b[:i]
	}
	return bytes.Trim(b, "[]")
}

// statement adds what a message says of a statement; false when it says nothing of one.
func (d *decoder) statement(rows *message.Rows, text []byte) bool {
	if audit, ok := bytes.CutPrefix(text, []byte("AUDIT: ")); ok {
		d.inner.Split(audit, ',')
		for i, v := range d.inner.Fields {
			if i < len(auditColumns) {
				put(rows, auditColumns[i], v)
			} else {
				put(rows, "_extra", v)
			}
		}
		return true
	}
	if rest, ok := bytes.CutPrefix(text, []byte("duration: ")); ok {
		took, more, found := bytes.Cut(rest, []byte("  "))
		put(rows, "duration", took)
		if !found {
			return false
		}
		text = more
	}
	for _, mark := range []string{"statement: ", "execute ", "parse ", "bind "} {
		rest, ok := bytes.CutPrefix(text, []byte(mark))
		if !ok {
			continue
		}
		if mark != "statement: " {
			if _, rest, ok = bytes.Cut(rest, []byte(": ")); !ok {
				return false
			}
		}
		put(rows, "statement", rest)
		put(rows, "command", verb(rest))
		return true
	}
	return false
}

// auditColumns are those of a pgaudit record; rows is written only when pgaudit.log_rows is on.
var auditColumns = []string{"audit_type", "statement_id", "substatement_id", "class", "command", "object_type", "object", "statement", "parameter", "rows"}

// verb gives the first word of a statement in capitals.
func verb(statement []byte) []byte {
	statement = bytes.TrimLeft(statement, " \t\r\n(")
	n := 0
	for n < len(statement) && n < 32 && (statement[n]|0x20) >= 'a' && (statement[n]|0x20) <= 'z' {
		n++
	}
	return bytes.ToUpper(statement[:n])
}

// postgresBegins knows a line of PostgreSQL's log: a time, what log_line_prefix puts there, and SEVERITY: two spaces.
func postgresBegins(l []byte) bool {
	_, _, ok := postgresSplit(l)
	return ok
}

// postgresSplit gives where the prefix ends and the severity begins and ends.
func postgresSplit(l []byte) (at, end int, ok bool) {
	if len(l) < 25 || l[4] != '-' || l[10] != ' ' || l[13] != ':' {
		return 0, 0, false
	}
	head := l[:min(len(l), 400)]
	for from := 19; ; {
		i := bytes.Index(head[from:], []byte(":  "))
		if i < 0 {
			return 0, 0, false
		}
		end = from + i
		at = bytes.LastIndexAny(head[:end], " :,|]") + 1
		if severity(head[at:end]) {
			return at, end, true
		}
		from = end + 1
	}
}

func (d *decoder) postgresText(rows *message.Rows, r message.Record) bool {
	at, end, ok := postgresSplit(r.Text)
	if !ok {
		return false
	}
	// The time: two or three words, the third a zone.
	prefix := r.Text[:at]
	words := bytes.SplitN(prefix, []byte{' '}, 4)
	ns, size := event.NoTime, 0
	for n := min(3, len(words)); n >= 2 && size == 0; n-- {
		text := bytes.Join(words[:n], []byte{' '})
		if t, ok := stamp.Parse(text, d.zone); ok {
			ns, size = t, len(text)
		}
	}
	if !rows.Row(PostgreSQL, ns, r.Offset, r.Number, nil) {
		return true
	}
	text := bytes.ReplaceAll(bytes.TrimLeft(r.Text[end+1:], " "), []byte("\r\n"), []byte("\n"))
	rows.Add("error_severity", r.Text[at:end])
	put(rows, "message", text)
	prefixed(rows, prefix[size:])
	if string(r.Text[at:end]) == "STATEMENT" {
		put(rows, "statement", text)
		put(rows, "command", verb(text))
	} else {
		d.statement(rows, text)
	}
	return true
}

// prefixed adds what log_line_prefix says in the usual forms: [pid], user@database, user=x,db=y,app=z,client=a.
func prefixed(rows *message.Rows, prefix []byte) {
	for _, w := range bytes.FieldsFunc(prefix, func(r rune) bool { return r == ' ' || r == ',' || r == ':' || r == '|' }) {
		if len(w) > 2 && w[0] == '[' && w[len(w)-1] == ']' {
			pid, _, _ := bytes.Cut(w[1:len(w)-1], []byte{'-'})
			put(rows, "process_id", pid)
			continue
		}
		if name, v, ok := bytes.Cut(w, []byte{'='}); ok {
			switch string(name) {
			case "user", "usr", "u":
				put(rows, "user", v)
			case "db", "database", "d":
				put(rows, "database", v)
			case "app", "application_name", "a":
				put(rows, "application_name", v)
			case "client", "host", "h", "r":
				put(rows, "client", host(v))
			}
		} else if user, db, ok := bytes.Cut(w, []byte{'@'}); ok {
			put(rows, "user", user)
			put(rows, "database", db)
		}
	}
}
