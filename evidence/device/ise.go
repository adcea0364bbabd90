package device

import (
	"bytes"

	"github.com/contrail-ir/contrail/event"
)

// Cisco ISE writes "CISE_Category id parts part time zone sequence code severity class: text, name=value, …"; the category is
// also syslog's tag.

func iseBody(text []byte) []byte {
	if bytes.HasPrefix(text, []byte("CISE_")) {
		if i := bytes.IndexByte(text, ' '); i > 0 {
			return text[i+1:]
		}
	}
	return text
}

func iseSource(app, text []byte) event.Source {
	s := event.Source{Product: "cisco", Service: "radius"}
	head := text[:min(len(text), 300)]
	if bytes.Contains(bytes.ToUpper(app), []byte("TACACS")) || bytes.Contains(bytes.ToUpper(head), []byte("TACACS")) {
		s.Service = "aaa"
	}
	return s
}

// iseTime reads the fourth and fifth word.
func iseTime(text []byte) int64 {
	words := bytes.SplitN(iseBody(text), []byte{' '}, 8)
	if len(words) < 7 {
		return event.NoTime
	}
	stamp := bytes.Join(words[3:6], []byte{' '})
	return parseIn("2006-01-02 15:04:05.999 -07:00", stamp, nil)
}

func iseFields(text []byte, to Adder) {
	body := iseBody(text)
	if words := bytes.SplitN(body, []byte{' '}, 10); len(words) == 10 {
		to.Add("code", words[7])
		to.Add("severity", words[8])
	}
	// Values may hold escaped commas.
	for len(body) > 0 {
		end := 0
		for end < len(body) && body[end] != ',' {
			if body[end] == '\\' && end+1 < len(body) {
				end++
			}
			end++
		}
		end = min(end, len(body))
		part := bytes.TrimSpace(body[:end])
		if name, value, ok := bytes.Cut(part, []byte{'='}); ok && len(name) > 0 && len(name) < 80 {
			to.AddNamed(name, value)
			switch string(name) {
			case "CmdSet":
				iseCommand(value, to)
			case "UserName", "User-Name":
				to.Add("user", value)
			}
		}
		body = body[min(end+1, len(body)):]
	}
}

// iseCommand puts "[ CmdAV=show CmdArgAV=version CmdArgAV=<cr> ]" together.
func iseCommand(set []byte, to Adder) {
	var command []byte
	for _, w := range bytes.Fields(bytes.Trim(set, "[] ")) {
		w = bytes.TrimPrefix(bytes.TrimPrefix(w, []byte("CmdAV=")), []byte("CmdArgAV="))
		if string(w) == "<cr>" || len(w) == 0 {
			continue
		}
		if len(command) > 0 {
			command = append(command, ' ')
		}
		command = append(command, w...)
	}
	if len(command) > 0 {
		to.Add("command", command)
	}
}

// tacacsFields reads a line of tac_plus behind its time: tab-separated device, user, line, caller, kind and attributes.
func tacacsFields(text []byte, to Adder) {
	parts := bytes.Split(bytes.TrimLeft(text, "\t"), []byte{'\t'})
	for i, name := range []string{"device", "user", "line", "src_ip", "action"} {
		if i < len(parts) && bytes.IndexByte(parts[i], '=') < 0 {
			to.Add(name, parts[i])
		}
	}
	for _, p := range parts[min(len(parts), 4):] {
		if name, value, ok := bytes.Cut(p, []byte{'='}); ok {
			to.AddNamed(name, value)
			if string(name) == "cmd" {
				to.Add("command", bytes.TrimSuffix(value, []byte(" <cr>")))
			}
		}
	}
}

// IsTacacs says whether what stands behind a time is an accounting record of tac_plus.
func IsTacacs(text []byte) bool {
	if bytes.IndexByte(text, '\t') < 0 { // nearly all
		return false
	}
	parts := bytes.Split(bytes.Trim(text[:min(len(text), 4000)], "\t "), []byte{'\t'})
	if len(parts) < 5 {
		return false
	}
	for _, p := range parts[4:] {
		switch string(p) {
		case "start", "stop", "update", "unknown":
			return true
		}
	}
	return bytes.Contains(text, []byte("task_id=")) || bytes.Contains(text, []byte("\tcmd="))
}
