package maillog

import (
	"bytes"
	"time"

	"github.com/contrail-ir/contrail/evidence/internal/stamp"
	"github.com/contrail-ir/contrail/evidence/message"
)

// exim is a line of Exim's main or reject log: time [zone] [[pid]] [message id] [flag] text.
type exim struct {
	time         int64
	pid, id      []byte
	action, text []byte
	likely       bool // the line says that it is Exim's
}

var eximFlags = map[string]string{"<=": "arrival", "=>": "delivery", "->": "additional delivery", ">>": "cutthrough delivery", "*>": "suppressed delivery", "**": "failure", "==": "deferral", "(=": "fakereject"}

func eximLine(l []byte, zone *time.Location) (e exim, ok bool) {
	if len(l) < 21 || l[4] != '-' || l[10] != ' ' || l[13] != ':' {
		return e, false
	}
	end := bytes.IndexByte(l[11:], ' ')
	if end < 0 {
		return e, false
	}
	end += 11
	if len(l) > end+6 && (l[end+1] == '+' || l[end+1] == '-') && l[end+6] == ' ' && l[end+2] >= '0' && l[end+2] <= '9' {
		end += 6
	}
	if e.time, ok = stamp.Parse(l[:end], zone); !ok || bytes.IndexByte(l[:end], ',') >= 0 {
		return e, false
	}
	rest := l[end+1:]
	if len(rest) > 2 && rest[0] == '[' && rest[1] >= '0' && rest[1] <= '9' {
		if i := bytes.Index(rest, []byte("] ")); i > 0 && i < 12 {
			e.pid, rest = rest[1:i], rest[i+2:]
		}
	}
	word, more, _ := bytes.Cut(rest, []byte{' '})
	if n := len(word); (n == 16 || n == 23) && word[6] == '-' && word[n-3] == '-' || n == 23 && word[6] == '-' && word[n-5] == '-' {
		e.id, e.likely, rest = word, true, more
		word, more, _ = bytes.Cut(rest, []byte{' '})
	}
	if action := eximFlags[string(word)]; action != "" {
		e.action, e.likely, rest = []byte(action), true, more
	}
	e.text = rest
	for _, mark := range []string{"H=", " H=", "authenticator failed", " rejected ", "SMTP ", "no host name found", "Start queue run", "End queue run", "exim ", "unexpected disconnection", "sender verify fail"} {
		if i := bytes.Index(rest, []byte(mark)); i > 0 || i == 0 && mark != " H=" {
			e.likely = true
		}
	}
	return e, true
}

func (e *exim) add(rows *message.Rows) {
	put(rows, "pid", e.pid)
	put(rows, "queue_id", e.id)
	put(rows, "action", e.action)
	put(rows, "message", e.text)
	if a := lastPeer(e.text); a != nil {
		rows.Add("c-ip", a)
	}
	if e.action != nil {
		address, _, _ := bytes.Cut(e.text, []byte{' '})
		if string(e.action) == "arrival" {
			put(rows, "from", address)
		} else {
			put(rows, "to", address)
		}
	}
	for i, word := range bytes.Fields(e.text) {
		if i == 200 {
			return
		}
		name, v, ok := bytes.Cut(word, []byte{'='})
		name = bytes.TrimPrefix(name, []byte{'('})
		if field := eximFields[string(name)]; ok && field != "" {
			put(rows, field, bytes.Trim(v, "<>():"))
		}
	}
}

// lastPeer gives the last address in brackets: what is before is what the client said of itself.
func lastPeer(text []byte) []byte {
	var last []byte
	for range 16 {
		a := peer(text)
		if a == nil {
			break
		}
		last = a
		text = text[bytes.Index(text, a)+len(a):]
	}
	return last
}

var eximFields = map[string]string{"H": "client", "F": "from", "P": "proto", "S": "size", "id": "message_id", "A": "authenticator", "U": "user", "R": "router", "T": "transport", "set_id": "sasl_username", "X": "tls", "Q": "queue"}
