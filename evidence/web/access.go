package web

import (
	"bytes"
	"net/netip"
	"time"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/evidence/internal/request"
)

// access reads the common and combined log formats: [vhost] client ident user [time] "request" status bytes "referer" "agent" ….
func access(l []byte, zone *time.Location, to receiver) (kind, int64) {
	i := bytes.Index(l, []byte(" ["))
	if i <= 0 || i > 1024 {
		return unknown, event.NoTime
	}
	before := l[:i]
	stampText, rest, ok := bracket(l[i+1:])
	if !ok || len(stampText) < 20 || stampText[2] != '/' || len(rest) == 0 || rest[0] != '"' {
		return unknown, event.NoTime
	}
	line, rest, _ := word(rest)
	code, rest, _ := word(rest)
	if !status(code) {
		return unknown, event.NoTime
	}
	ns := when(stampText, zone)
	if !to.Begin(Access, ns) || cuts(before, line) && to.Clear() {
		return common, ns
	}
	client, before, _ := word(before)
	if second, more, _ := word(before); !address(client) && (address(second) || bytes.Count(more, []byte{' '}) >= 1) {
		host, port := request.HostPort(client)
		put(to, "cs-host", host)
		put(to, "s-port", port)
		client, before = second, more
	}
	put(to, "c-ip", client)
	ident, user, _ := word(before)
	put(to, "c-ident", ident)
	put(to, "cs-username", bytes.Trim(user, `"`))
	requested(to, line)
	put(to, "sc-status", code)
	size, rest, _ := word(rest)
	put(to, "sc-bytes", size)
	trailing(to, rest)
	return common, ns
}

// cuts says that all fields of a line of the common format stand between spaces, quotes and other signs that part them: so they do
// when the target is a path, not a URL, and no address stands in brackets before the time.
func cuts(before, request []byte) bool {
	i := bytes.IndexByte(request, ' ') + 1
	return i > 0 && i < len(request) && request[i] == '/' && bytes.IndexByte(before, '[') < 0
}

func address(b []byte) bool {
	if len(b) < 2 || len(b) > 64 || (b[0] > '9' && bytes.IndexByte(b, ':') < 0) {
		return false
	}
	_, err := netip.ParseAddr(string(b))
	return err == nil
}

// requested adds the fields of a request line. What is no HTTP request is the whole cs-uri-query, for rules to look at.
func requested(to receiver, line []byte) {
	method, target, version, ok := request.Line(line)
	if !ok {
		put(to, "cs-uri-query", line)
		return
	}
	to.Add("cs-method", method)
	request.Webserver(to, target)
	put(to, "cs-version", version)
}

// trailing adds referer and agent, if both are quoted, and what a server appended as the list _extra.
func trailing(to receiver, rest []byte) {
	if len(rest) > 0 && rest[0] == '"' {
		referer, more, _ := word(rest)
		if len(more) > 0 && more[0] == '"' {
			put(to, "cs-referer", referer)
			var agent []byte
			agent, rest, _ = word(more)
			put(to, "cs-user-agent", agent)
		}
	}
	extras(to, rest)
}

func extras(to receiver, rest []byte) {
	for range 100 {
		if len(rest) == 0 {
			return
		}
		var w []byte
		w, rest, _ = word(rest)
		put(to, "_extra", w)
	}
	put(to, "_extra", rest)
}

// bracketedAccess reads the lines that Nginx Proxy Manager and relatives write with the time first.
func bracketedAccess(stampText, rest []byte, zone *time.Location, to receiver) (kind, int64) {
	i := bytes.IndexByte(rest, '"')
	if i < 0 || i > 4096 {
		return unknown, event.NoTime
	}
	before, quoted := rest[:i], rest[i:]
	line, after, _ := word(quoted)
	if bytes.HasPrefix(after, []byte("[Client ")) {
		return proxyManager(stampText, before, line, after, zone, to)
	}
	code, after, _ := word(after)
	if !status(code) {
		return unknown, event.NoTime
	}
	ns := when(stampText, zone)
	if !to.Begin(Access, ns) {
		return bracketed, ns
	}
	client, named := false, false
	for w, more, _ := word(before); len(w) > 0; w, more, _ = word(more) {
		switch {
		case address(w) && !client:
			to.Add("c-ip", w)
			client = true
		case !named && !client && !number(w):
			put(to, "cs-host", w)
			named = true
		default:
			put(to, "_extra", w)
		}
	}
	requested(to, line)
	put(to, "sc-status", code)
	size, after, _ := word(after)
	put(to, "sc-bytes", size)
	if len(after) > 0 && after[0] == '"' {
		trailing(to, after)
		return bracketed, ns
	}
	if w, more, _ := word(after); number(w) { // bytes received
		put(to, "cs-bytes", w)
		after = more
	}
	referer, agent, _ := word(after)
	put(to, "cs-referer", referer)
	put(to, "cs-user-agent", agent)
	return bracketed, ns
}

// proxyManager reads [cache] status [upstream status] - method scheme host "path" [Client a] [Length n] [Gzip r] [Sent-to s] "agent" "referer".
func proxyManager(stampText, before, target, after []byte, zone *time.Location, to receiver) (kind, int64) {
	words := bytes.Fields(before)
	if n := len(words); n < 5 || n > 8 || string(words[n-4]) != "-" {
		return unknown, event.NoTime
	}
	ns := when(stampText, zone)
	if !to.Begin(Access, ns) {
		return bracketed, ns
	}
	tail := words[len(words)-3:]
	for _, w := range words[:len(words)-3] {
		if status(w) && len(w) == 3 {
			to.Add("sc-status", w)
			break
		}
	}
	put(to, "cs-method", tail[0])
	put(to, "cs-uri-scheme", tail[1])
	host, port := request.HostPort(tail[2])
	put(to, "cs-host", host)
	put(to, "s-port", port)
	if len(target) > 0 {
		request.Webserver(to, target)
	}
	for {
		inner, rest, ok := bracket(after)
		if !ok {
			break
		}
		name, v, _ := bytes.Cut(inner, []byte{' '})
		switch string(name) {
		case "Client":
			put(to, "c-ip", v)
		case "Length":
			put(to, "sc-bytes", v)
		case "Sent-to":
			put(to, "s-upstream", v)
		}
		after = rest
	}
	agent, after, _ := word(after)
	put(to, "cs-user-agent", agent)
	referer, after, _ := word(after)
	put(to, "cs-referer", referer)
	extras(to, after)
	return bracketed, ns
}

// couchAccess reads [level] time node pid id host client user method path status ok ms.
func couchAccess(level, rest []byte, zone *time.Location, to receiver) (kind, int64) {
	stampText, rest, _ := word(rest)
	node, more, _ := word(rest)
	if len(stampText) < 19 || stampText[4] != '-' || bytes.IndexByte(node, '@') < 0 {
		return unknown, event.NoTime
	}
	ns := when(stampText, zone)
	w := bytes.Fields(more)
	if len(w) >= 9 && len(w) <= 11 && status(w[7]) && len(w[7]) == 3 {
		if to.Begin(Access, ns) {
			host, port := request.HostPort(w[2])
			put(to, "cs-host", host)
			put(to, "s-port", port)
			put(to, "c-ip", w[3])
			if string(w[4]) != "undefined" {
				put(to, "cs-username", w[4])
			}
			put(to, "cs-method", w[5])
			request.Webserver(to, w[6])
			put(to, "sc-status", w[7])
		}
		return couchdb, ns
	}
	if to.Begin(event.Source{Product: "couchdb"}, ns) {
		to.Add("level", level)
		to.Add("message", more)
	}
	return couchdb, ns
}
