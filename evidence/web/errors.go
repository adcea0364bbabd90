package web

import (
	"bytes"
	"time"

	"github.com/contrail-ir/contrail/event"
)

// errorOfApache reads [time] [module:level] [pid n:tid n] [client a:port] text, of 2.4 and before.
func errorOfApache(stampText, rest []byte, zone *time.Location, to receiver) (kind, int64) {
	if len(stampText) < 20 || len(stampText) > 40 || stampText[3] != ' ' {
		return unknown, event.NoTime
	}
	severity, rest, ok := bracket(rest)
	if !ok {
		return unknown, event.NoTime
	}
	ns := when(stampText, zone)
	if !to.Begin(ApacheError, ns) {
		return apacheError, ns
	}
	module, level, found := bytes.Cut(severity, []byte{':'})
	if !found {
		module, level = nil, severity
	}
	put(to, "module", module)
	put(to, "level", level)
	for {
		inner, more, ok := bracket(rest)
		name, v, _ := bytes.Cut(inner, []byte{' '})
		if !ok || len(v) == 0 {
			break
		}
		switch string(name) {
		case "pid":
			pid, tid, _ := bytes.Cut(v, []byte(":tid "))
			put(to, "pid", pid)
			put(to, "tid", tid)
		case "client", "remote":
			client(to, v)
		default:
			put(to, "_extra", inner)
		}
		rest = more
	}
	put(to, "message", rest)
	tags(to, rest)
	if i := bytes.LastIndex(rest, []byte(", referer: ")); i >= 0 {
		put(to, "cs-referer", rest[i+len(", referer: "):])
	}
	return apacheError, ns
}

func client(to receiver, v []byte) {
	var port []byte
	if i := bytes.LastIndexByte(v, ':'); i > 0 && !address(v) && number(v[i+1:]) { // ::1:37752 too
		v, port = v[:i], v[i+1:]
	}
	put(to, "c-ip", bytes.Trim(v, "[]"))
	put(to, "c-port", port)
}

// tags adds what ModSecurity appends: [id "930100"] [msg "…"] [uri "…"].
func tags(to receiver, text []byte) {
	i := bytes.Index(text, []byte("ModSecurity: "))
	if i < 0 {
		return
	}
	text = text[i:]
	for range 200 {
		i := bytes.Index(text, []byte(" ["))
		if i < 0 {
			return
		}
		text = text[i+2:]
		name, v, ok := bytes.Cut(text, []byte(` "`))
		if !ok || len(name) > 16 || bytes.IndexByte(name, ' ') >= 0 {
			continue
		}
		end := bytes.Index(v, []byte(`"]`))
		if end < 0 {
			return
		}
		if field := modsecurity[string(name)]; field != "" {
			put(to, field, v[:end])
		}
		text = v[end+1:]
	}
}

var modsecurity = map[string]string{"id": "modsecurity.id", "msg": "modsecurity.msg", "data": "modsecurity.data", "severity": "modsecurity.severity",
	"tag": "modsecurity.tag", "uri": "cs-uri-stem", "hostname": "cs-host", "unique_id": "modsecurity.unique_id", "file": "modsecurity.file", "line": "modsecurity.line"}

// errorOfNginx reads 2006/01/02 15:04:05 [level] pid#tid: *connection text, client: a, server: b, request: "…", host: "…".
func errorOfNginx(l []byte, zone *time.Location, to receiver) (kind, int64) {
	end := bytes.IndexByte(l, '[')
	if end < 19 || end > 40 {
		return unknown, event.NoTime
	}
	level, rest, ok := bracket(l[end:])
	if !ok || len(level) > 8 {
		return unknown, event.NoTime
	}
	process, text, _ := word(rest)
	pid, tid, ok := bytes.Cut(bytes.TrimSuffix(process, []byte{':'}), []byte{'#'})
	if !ok || !number(pid) || !number(tid) {
		return unknown, event.NoTime
	}
	ns := when(l[:end], zone)
	if !to.Begin(NginxError, ns) {
		return nginxError, ns
	}
	to.Add("level", level)
	to.Add("pid", pid)
	to.Add("tid", tid)
	if len(text) > 0 && text[0] == '*' {
		id, more, _ := word(text)
		put(to, "connection", id[1:])
		text = more
	}
	put(to, "message", text)
	tags(to, text)
	// The pairs behind the text, from the last to the first, for the text may hold what looks like them.
	for rest := text; ; {
		at, field := -1, ""
		for _, p := range nginxPairs {
			if i := bytes.LastIndex(rest, []byte(p.mark)); i > at {
				at, field = i, p.field
			}
		}
		if at < 0 {
			break
		}
		_, v, _ := bytes.Cut(rest[at+2:], []byte(": "))
		if len(v) > 1 && v[0] == '"' {
			v, _, _ = word(v)
		}
		switch field {
		case "request":
			requested(to, v)
		case "c-ip":
			client(to, v)
		default:
			put(to, field, v)
		}
		rest = rest[:at]
	}
	return nginxError, ns
}

var nginxPairs = []struct{ mark, field string }{
	{", client: ", "c-ip"}, {", server: ", "s-computername"}, {", request: ", "request"}, {", upstream: ", "s-upstream"}, {", host: ", "cs-host"},
	{", referrer: ", "cs-referer"}, {", login: ", "cs-username"},
}
