package dbaudit

import (
	"bytes"
	"strings"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/evidence/internal/stamp"
	"github.com/contrail-ir/contrail/evidence/message"
)

// session is what a connection's beginning says of what follows.
type session struct{ user, client, database []byte }

// maxSessions bounds the connections remembered within a segment.
const maxSessions = 10000

var commands = []string{"Sleep", "Quit", "Init DB", "Query", "Field List", "Create DB", "Drop DB", "Refresh", "Shutdown", "Statistics", "Processlist", "Connect", "Kill", "Debug", "Ping", "Time",
	"Delayed insert", "Change user", "Binlog Dump", "Table Dump", "Connect Out", "Register Slave", "Prepare", "Execute", "Long Data", "Close stmt", "Reset stmt", "Set option", "Fetch", "Daemon",
	"Binlog Dump GTID", "Reset Connection"}

// mysqlSplit parts a line of the general or error log: [time] id command-or-[level] argument.
func mysqlSplit(l []byte) (at, id, command, rest []byte, ok bool) {
	i := 0
	switch {
	case len(l) > 27 && l[4] == '-' && (l[10] == 'T' || l[10] == ' '):
		end := bytes.IndexAny(l[11:], " \t")
		if end < 8 {
			return
		}
		i = 11 + end
	case len(l) > 16 && l[6] == ' ' && l[9] == ':' && number(l[:6]) && l[12] == ':': // 230703  9:08:07
		i = 15
	case len(l) > 2 && l[0] == '\t' && (l[1] == '\t' || l[1] == ' '):
	default:
		return
	}
	at = l[:i]
	l = bytes.TrimLeft(l[i:], " \t")
	n := 0
	for n < len(l) && n < 20 && l[n] >= '0' && l[n] <= '9' {
		n++
	}
	if n == 0 || n >= len(l) || l[n] != ' ' {
		if len(at) > 0 && len(l) > 0 && l[0] == '[' { // an error log without a thread
			n = 0
		} else {
			return
		}
	}
	id = l[:n]
	l = bytes.TrimLeft(l[n:], " ")
	if len(l) > 1 && l[0] == '[' && len(at) > 0 {
		if end := bytes.IndexByte(l, ']'); end > 0 && mysqlLevel(l[1:end]) {
			return at, id, l[:end+1], bytes.TrimLeft(l[end+1:], " "), true
		}
		return
	}
	longest := 0
	for _, c := range commands {
		if len(c) > longest && bytes.HasPrefix(l, []byte(c)) && (len(l) == len(c) || l[len(c)] == '\t' || l[len(c)] == ' ') {
			longest = len(c)
		}
	}
	if longest == 0 {
		return
	}
	return at, id, l[:longest], bytes.TrimLeft(l[longest:], " \t"), true
}

func mysqlLevel(b []byte) bool {
	switch strings.ToLower(string(b[:min(len(b), 16)])) {
	case "note", "warning", "error", "system", "info":
		return true
	}
	return false
}

func number(b []byte) bool {
	for _, c := range b {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(b) > 0
}

func mysqlBegins(l []byte) bool {
	if len(l) > 0 && l[0] >= '0' && l[0] <= '9' || len(l) > 1 && l[0] == '\t' {
		_, _, _, _, ok := mysqlSplit(l)
		return ok
	}
	return mysqlPreamble(l)
}

// mysqlPreamble knows what a server writes into its logs when it starts.
func mysqlPreamble(l []byte) bool {
	return bytes.HasSuffix(l, []byte("started with:")) || bytes.HasPrefix(l, []byte("Tcp port: ")) || bytes.HasPrefix(l, []byte("TCP Port: ")) || bytes.HasPrefix(l, []byte("Time                 Id Command"))
}

func (d *decoder) mysql(rows *message.Rows, r message.Record) bool {
	at, id, command, rest, ok := mysqlSplit(r.Text)
	if !ok {
		return mysqlPreamble(bytes.TrimSpace(firstOf(r.Text)))
	}
	if len(at) > 0 {
		if ns, ok := stamp.Parse(at, d.zone); ok {
			d.at = ns
		} else {
			d.at = event.NoTime
		}
	}
	wanted := rows.Row(MySQL, d.at, r.Offset, r.Number, nil)
	if command[0] == '[' {
		if wanted {
			rows.Add("thread", id)
			rows.Add("level", command[1:len(command)-1])
			mysqlError(rows, rest)
		}
		return true
	}
	key := string(id)
	s := d.sessions[key]
	switch string(command) {
	case "Connect", "Change user":
		s = connected(rest)
	case "Init DB":
		s.database = rest
	}
	if len(d.sessions) < maxSessions || d.sessions[key].user != nil {
		d.sessions[key] = s
	}
	if string(command) == "Quit" {
		delete(d.sessions, key)
	}
	if !wanted {
		return true
	}
	rows.Add("thread", id)
	rows.Add("command", command)
	put(rows, "user", s.user)
	put(rows, "client", s.client)
	put(rows, "database", s.database)
	switch string(command) {
	case "Query", "Prepare", "Execute":
		put(rows, "statement", rest)
	default:
		put(rows, "message", rest)
	}
	return true
}

func firstOf(b []byte) []byte {
	l, _, _ := bytes.Cut(b, []byte{'\n'})
	return bytes.TrimSuffix(l, []byte{'\r'})
}

// connected reads user@client on database using protocol, and the refusal of a user.
func connected(text []byte) session {
	if _, rest, ok := bytes.Cut(text, []byte("Access denied for user '")); ok {
		return denied(rest)
	}
	text = firstOf(text)
	who, rest, _ := bytes.Cut(text, []byte(" on "))
	var s session
	s.user, s.client, _ = bytes.Cut(bytes.TrimSpace(who), []byte{'@'})
	s.client, _, _ = bytes.Cut(s.client, []byte{' '})
	if db, _, _ := bytes.Cut(rest, []byte(" using ")); len(db) > 0 && !bytes.HasPrefix(rest, []byte("using ")) {
		s.database = bytes.TrimSpace(db)
	}
	return s
}

// denied reads user'@'client'.
func denied(rest []byte) session {
	var s session
	s.user, rest, _ = bytes.Cut(rest, []byte("'@'"))
	s.client, _, _ = bytes.Cut(rest, []byte{'\''})
	return s
}

// mysqlError adds [code] [subsystem] text.
func mysqlError(rows *message.Rows, rest []byte) {
	for _, field := range []string{"code", "subsystem"} {
		if len(rest) < 2 || rest[0] != '[' {
			break
		}
		end := bytes.IndexByte(rest, ']')
		if end < 0 || end > 40 {
			break
		}
		put(rows, field, rest[1:end])
		rest = bytes.TrimLeft(rest[end+1:], " ")
	}
	put(rows, "message", rest)
	if _, who, ok := bytes.Cut(rest, []byte("Access denied for user '")); ok {
		s := denied(who)
		put(rows, "user", s.user)
		put(rows, "client", s.client)
	}
}

func slowHead(l []byte) bool {
	return bytes.HasPrefix(l, []byte("# Time: ")) || bytes.HasPrefix(l, []byte("# User@Host: ")) || mysqlPreamble(l)
}

func slowBegins(l []byte) bool { return slowHead(l) && l[0] == '#' }

// slow reads an entry of the slow query log: comments, then "use database;", "SET timestamp=…;" and the statement.
func (d *decoder) slow(rows *message.Rows, r message.Record) bool {
	if !slowBegins(r.Text) {
		return mysqlPreamble(bytes.TrimSpace(firstOf(r.Text)))
	}
	rest := r.Text
	var s session
	var figures [][2][]byte
	for len(rest) > 0 && rest[0] == '#' {
		var l []byte
		l, rest, _ = bytes.Cut(rest, []byte{'\n'})
		l = bytes.TrimSuffix(l, []byte{'\r'})
		if t, ok := bytes.CutPrefix(l, []byte("# Time: ")); ok {
			if ns, ok := stamp.Parse(t, d.zone); ok {
				d.at = ns
			}
			continue
		}
		if who, ok := bytes.CutPrefix(l, []byte("# User@Host: ")); ok {
			user, at, _ := bytes.Cut(who, []byte(" @ "))
			s.user, _, _ = bytes.Cut(user, []byte{'['})
			name, ip, _ := bytes.Cut(at, []byte{'['})
			ip, l, _ = bytes.Cut(ip, []byte{']'})
			if s.client = bytes.TrimSpace(name); len(ip) > 0 {
				s.client = ip
			}
		} else {
			l = l[1:]
		}
		words := bytes.Fields(l)
		for i := 0; i+1 < len(words) && i < 100; i += 2 {
			if name, ok := bytes.CutSuffix(words[i], []byte{':'}); ok {
				figures = append(figures, [2][]byte{name, words[i+1]})
			}
		}
	}
	ns := d.at
	for range 2 {
		l, more, _ := bytes.Cut(rest, []byte{'\n'})
		l = bytes.TrimSuffix(l, []byte{'\r'})
		if db, ok := bytes.CutPrefix(l, []byte("use ")); ok {
			s.database, rest = bytes.Trim(db, "`;"), more
		} else if at, ok := bytes.CutPrefix(l, []byte("SET timestamp=")); ok {
			if t, ok := stamp.Parse(bytes.TrimSuffix(at, []byte{';'}), nil); ok {
				ns = t
			}
			rest = more
		}
	}
	if len(bytes.TrimSpace(rest)) == 0 && len(figures) == 0 { // the time of the entry that follows
		return true
	}
	if !rows.Row(MySQL, ns, r.Offset, r.Number, nil) {
		return true
	}
	put(rows, "user", s.user)
	put(rows, "client", s.client)
	put(rows, "database", s.database)
	put(rows, "statement", bytes.TrimSpace(rest))
	put(rows, "command", verb(rest))
	for _, f := range figures {
		rows.AddNamed(f[0], f[1])
		if string(f[0]) == "Rows_sent" {
			put(rows, "rows", f[1])
		}
	}
	return true
}
