package web

import (
	"bytes"
	"time"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/evidence/internal/request"
)

// balancer reads the access logs of AWS load balancers and of HAProxy.
func balancer(l []byte, zone *time.Location, to receiver) (kind, int64) {
	first, rest, _ := word(l)
	switch string(first) {
	case "http", "https", "h2", "ws", "wss", "grpcs":
		return elasticBalancer(first, rest, zone, to)
	}
	if len(first) >= 20 && len(first) < 40 && first[4] == '-' && first[10] == 'T' {
		return elasticBalancer(nil, l, zone, to)
	}
	if len(rest) > 25 && rest[0] == '[' && rest[3] == '/' && bytes.IndexByte(first, ':') > 0 {
		return haproxyLine(first, rest, zone, to)
	}
	return unknown, event.NoTime
}

// behindSyslog gives what HAProxy says behind the beginning that syslog puts before it, and the host that is named there; nil for other lines.
func behindSyslog(l []byte) (host, text []byte) {
	const name = " haproxy"
	head := l[:min(len(l), 160)]
	at := -1
	// Brackets are rare. To look for the name by its blank, or by a letter, took a sixth of reading an access log.
	for from := 0; at < 0; from++ {
		i := bytes.IndexByte(head[from:], '[')
		if i < 0 {
			return nil, nil
		}
		if from += i; bytes.HasSuffix(head[:from], []byte(name)) {
			at = from - len(name)
		}
	}
	end := bytes.Index(head[at:], []byte("]: "))
	if end < 0 {
		return nil, nil
	}
	return head[bytes.LastIndexByte(head[:at], ' ')+1 : at], l[at+end+3:]
}

// elasticBalancer reads [type] time elb client:port target:port three times two statuses received sent "request" "agent" cipher protocol ….
func elasticBalancer(scheme, l []byte, zone *time.Location, to receiver) (kind, int64) {
	var w [11][]byte
	rest := l
	for i := range w {
		w[i], rest, _ = word(rest)
	}
	if len(rest) == 0 || rest[0] != '"' || !status(w[7]) || bytes.IndexByte(w[2], ':') < 0 {
		return unknown, event.NoTime
	}
	ns := when(w[0], zone)
	if !to.Begin(Access, ns) {
		return elb, ns
	}
	line, rest, _ := word(rest)
	client, port := request.HostPort(w[2])
	put(to, "c-ip", client)
	put(to, "c-port", port)
	put(to, "cs-uri-scheme", scheme)
	put(to, "s-computername", w[1])
	put(to, "s-upstream", w[3])
	put(to, "sc-status", w[7])
	put(to, "target-status", w[8])
	put(to, "cs-bytes", w[9])
	put(to, "sc-bytes", w[10])
	requested(to, line)
	agent, rest, _ := word(rest)
	put(to, "cs-user-agent", agent)
	extras(to, rest)
	return elb, ns
}

// haproxyLine reads client:port [time] frontend backend/server timers status bytes cookies state counts queues {captures} "request",
// and what HAProxy says of connections that made no request.
func haproxyLine(client, rest []byte, zone *time.Location, to receiver) (kind, int64) {
	stampText, rest, ok := bracket(rest)
	if !ok || bytes.IndexByte(rest, '/') < 0 {
		return unknown, event.NoTime
	}
	ns := when(stampText, zone)
	ip, port := request.HostPort(client)
	frontend, rest, _ := word(rest)
	if bytes.HasSuffix(frontend, []byte{':'}) {
		if to.Begin(event.Source{Product: "haproxy", Service: "haproxy"}, ns) {
			put(to, "c-ip", ip)
			put(to, "c-port", port)
			put(to, "frontend", bytes.TrimSuffix(frontend, []byte{':'}))
			put(to, "message", rest)
		}
		return haproxy, ns
	}
	var w [4][]byte
	for i := range w {
		w[i], rest, _ = word(rest)
	}
	if bytes.IndexByte(w[1], '/') < 0 || !(status(w[2]) || string(w[2]) == "-1") {
		return unknown, event.NoTime
	}
	if !to.Begin(Access, ns) {
		return haproxy, ns
	}
	put(to, "c-ip", ip)
	put(to, "c-port", port)
	put(to, "s-frontend", frontend)
	put(to, "s-upstream", w[0])
	put(to, "sc-status", w[2])
	put(to, "sc-bytes", w[3])
	if i := bytes.IndexByte(rest, '{'); i >= 0 {
		if j := bytes.IndexByte(rest[i:], '}'); j > 0 {
			for _, v := range bytes.Split(rest[i+1:i+j], []byte{'|'}) {
				put(to, "_extra", v)
			}
		}
	}
	if i := bytes.IndexByte(rest, '"'); i >= 0 {
		line, _, _ := word(rest[i:])
		requested(to, line)
	}
	return haproxy, ns
}
