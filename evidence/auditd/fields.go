package auditd

import (
	"bytes"
	"encoding/hex"
	"net/netip"
	"strconv"

	"github.com/contrail-ir/contrail/evidence/message"
)

// encoded are the fields that the kernel writes in hexadecimal when they hold a blank, a quote or a control character, and in
// quotes otherwise.
var encoded = map[string]bool{
	"proctitle": true, "comm": true, "exe": true, "name": true, "cwd": true, "key": true, "path": true, "dir": true, "data": true, "acct": true,
	"cmd": true, "file": true, "old": true, "new": true, "watch": true, "device": true, "grp": true, "ocomm": true, "profile": true, "vm": true,
}

// fields adds the fields of one line's body.
type fields struct {
	rows    *message.Rows
	args    bool   // of EXECVE: arguments are encoded as well
	arch    []byte // of SYSCALL
	syscall []byte
	named   bool // the log says the system call's name itself
	sockets bool // the log says the address itself
	part    []byte
	parts   []byte // an argument that was written in several pieces
	line    []byte // the arguments so far, as one line
	scratch []byte
	depth   int
}

// Fields adds the fields of a line of the given type. Text that is not of the form name=value is kept as message, together with all
// the body.
func Fields(rows *message.Rows, kind, body []byte) {
	f := fields{rows: rows, args: string(kind) == "EXECVE", sockets: string(kind) == "SOCKADDR" && bytes.Contains(body, []byte("SADDR={"))}
	rows.Add("type", kind)
	if f.walk(body) {
		rows.Add("message", bytes.TrimSpace(body))
	}
	f.endPart()
	if len(f.line) > 0 {
		rows.Add("CommandLine", f.line)
	}
	if f.syscall != nil && !f.named {
		if name := syscallName(f.arch, f.syscall); name != "" {
			rows.Add("SYSCALL", []byte(name))
		}
	}
}

// walk adds the fields of a text and says whether there was other text between them.
func (f *fields) walk(b []byte) (other bool) {
	for {
		for len(b) > 0 && (b[0] <= ' ' || b[0] == ',') {
			b = b[1:]
		}
		if len(b) == 0 {
			return other
		}
		n := 0
		for n < len(b) && nameByte(b[n]) {
			n++
		}
		if n == 0 || n == len(b) || b[n] != '=' {
			other = true
			i := bytes.IndexAny(b, " \x1d")
			if i < 0 {
				return other
			}
			b = b[i+1:]
			continue
		}
		name := b[:n]
		var value []byte
		var quoted bool
		value, quoted, b = cut(b[n+1:])
		f.field(name, value, quoted)
	}
}

func nameByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_' || c == '-' || c == '[' || c == ']' || c == '.'
}

// cut takes the value at the beginning of b.
func cut(b []byte) (value []byte, quoted bool, rest []byte) {
	if len(b) == 0 {
		return nil, false, nil
	}
	switch q := b[0]; q {
	case '"', '\'':
		if i := bytes.IndexByte(b[1:], q); i >= 0 {
			return b[1 : 1+i], true, b[i+2:]
		}
		return b[1:], true, nil // cut off
	case '{':
		if i := bytes.IndexByte(b, '}'); i >= 0 {
			return b[1:i], true, b[i+1:]
		}
	}
	i := 0
	for i < len(b) && b[i] > ' ' {
		i++
	}
	if j := bytes.Index(b[:i], []byte(`="`)); j > 0 { // the enriched fields follow, and the separator before them was lost
		for i = j; i > 0 && 'A' <= b[i-1] && b[i-1] <= 'Z'; i-- {
		}
	}
	return bytes.TrimRight(b[:i], ",\r"), false, b[i:]
}

func (f *fields) field(name, value []byte, quoted bool) {
	switch string(name) {
	case "msg", "SADDR":
		if quoted && f.depth == 0 && bytes.IndexByte(value, '=') >= 0 { // fields inside quotes
			f.depth++
			if f.walk(value) {
				f.rows.Add("message", value)
			}
			f.depth--
			return
		}
	case "arch":
		f.arch = value
	case "syscall":
		f.syscall = value
	case "SYSCALL":
		f.named = true
	case "saddr":
		f.address(value)
	}
	if !quoted && string(value) == "(null)" {
		return
	}
	argument := f.args && argumentName(name)
	if argument && bytes.HasSuffix(name, []byte("_len")) {
		return
	}
	if !quoted && (argument || encoded[string(name)]) {
		if text, ok := f.decode(value); ok {
			if string(name) == "key" { // several keys are one value
				for _, k := range bytes.Split(text, []byte{1}) {
					f.rows.Add("key", k)
				}
				return
			}
			value = text
		}
	}
	if argument {
		if i := bytes.IndexByte(name, '['); i > 0 {
			if !bytes.Equal(f.part, name[:i]) {
				f.endPart()
				f.part = append(f.part[:0], name[:i]...)
			}
			f.parts = append(f.parts, value...)
			return
		}
		f.endPart()
		f.word(value)
	}
	f.rows.AddNamed(name, value)
}

// word adds an argument to the command line.
func (f *fields) word(v []byte) {
	if len(f.line) > 0 {
		f.line = append(f.line, ' ')
	}
	f.line = append(f.line, v...)
}

func (f *fields) endPart() {
	if len(f.part) > 0 {
		f.rows.AddNamed(f.part, f.parts)
		f.word(f.parts)
		f.part, f.parts = f.part[:0], f.parts[:0]
	}
}

func argumentName(name []byte) bool {
	return len(name) > 1 && name[0] == 'a' && '0' <= name[1] && name[1] <= '9'
}

// decode undoes hexadecimal. Zeros between arguments become blanks.
func (f *fields) decode(v []byte) ([]byte, bool) {
	if len(v) == 0 || len(v)%2 != 0 {
		return nil, false
	}
	n := len(v) / 2
	if cap(f.scratch) < n {
		f.scratch = make([]byte, n)
	}
	out := f.scratch[:n]
	if _, err := hex.Decode(out, v); err != nil {
		return nil, false
	}
	out = bytes.TrimRight(out, "\x00")
	for i, c := range out {
		if c == 0 {
			out[i] = ' '
		}
	}
	return out, true
}

// address adds what a socket address says, under the names of the enriched log, where the log is not enriched.
func (f *fields) address(v []byte) {
	if f.sockets {
		return
	}
	var raw [28]byte
	v = v[:min(len(v), 2*len(raw))]
	n, err := hex.Decode(raw[:], v[:len(v)&^1])
	if err != nil || n < 8 {
		return
	}
	port := []byte(strconv.Itoa(int(raw[2])<<8 | int(raw[3])))
	var addr netip.Addr
	switch {
	case raw[0] == 2 && raw[1] == 0:
		addr = netip.AddrFrom4([4]byte(raw[4:8]))
		f.rows.Add("saddr_fam", []byte("inet"))
	case raw[0] == 10 && raw[1] == 0 && n >= 24:
		addr = netip.AddrFrom16([16]byte(raw[8:24])).Unmap()
		f.rows.Add("saddr_fam", []byte("inet6"))
	default:
		return
	}
	f.rows.Add("laddr", []byte(addr.String()))
	f.rows.Add("lport", port)
}
