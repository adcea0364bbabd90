package trail

import (
	"bytes"
	"math"
)

// Constructors of connections, names and requests: Sysmon 3 and 22, 5156, Zeek, web servers, proxies, firewalls, devices, databases.

func sysmonConnect(r *row) {
	p := actor(r)
	src, dst := plainAddress(bytes.Clone(r.get("SourceIp"))), plainAddress(bytes.Clone(r.get("DestinationIp")))
	if bytes.EqualFold(r.get("Initiated"), []byte("false")) {
		r.inbound(p, src, r.get("SourcePort"), dst, r.get("DestinationPort"))
		return
	}
	r.outbound(p, src, r.get("SourcePort"), dst)
}

func filteredConnect(r *row) {
	p := r.pidOf(r.get("ProcessID"), r.get("Application"))
	r.runs(p, r.get("Application"))
	src, dst := plainAddress(bytes.Clone(r.get("SourceAddress"))), plainAddress(bytes.Clone(r.get("DestAddress")))
	if bytes.Equal(r.get("Direction"), []byte("%%14592")) { // the addresses of an inbound connection stand as the host sees them
		r.inbound(p, src, r.get("SourcePort"), dst, r.get("DestPort"))
		return
	}
	r.outbound(p, src, r.get("SourcePort"), dst)
}

func (r *row) outbound(p Node, src, port, dst []byte) {
	r.owns(src)
	r.edge(p, Opened, r.socket(src, port))
	r.edge(p, Connected, r.node(Address, nil, dst))
	r.edge(p, Opened, r.pair(src, dst))
}

// inbound takes a connection that came in. Sysmon names the one who opened it as the source whichever side logs, but swaps the ends for
// some servers; the end with the ephemeral port is the one who opened.
func (r *row) inbound(p Node, src, port, dst, dstPort []byte) {
	a, _ := number(port)
	b, _ := number(dstPort)
	if a < 1024 && b >= 32768 {
		src, port, dst = dst, dstPort, src
	}
	r.owns(dst)
	r.edge(r.socket(src, port), Accepted, p)
	r.edge(r.node(Address, nil, src), Connected, p)
}

func dnsQuery(r *row) {
	p := actor(r)
	name := r.node(Name, nil, dnsName(r.get("QueryName")))
	r.edge(p, Resolved, name)
	for part := range bytes.SplitSeq(r.get("QueryResults"), []byte{';'}) {
		if a := plainAddress(bytes.Clone(part)); len(a) > 0 {
			r.edge(name, Answered, r.node(Address, nil, a))
		}
	}
}

func dnsName(b []byte) []byte { return bytes.TrimSuffix(lower(bytes.Clone(b)), []byte{'.'}) }

func (r *row) ends() (src, port, dst []byte) {
	return plainAddress(bytes.Clone(r.get("id.orig_h"))), r.get("id.orig_p"), plainAddress(bytes.Clone(r.get("id.resp_h")))
}

// flowSeen is a connection as the network saw it: it has no process, so the addresses act.
func flowSeen(r *row) {
	src, port, dst := r.ends()
	r.flow(src, port, dst, r.get("orig_bytes"))
}

func (r *row) flow(src, port, dst, sent []byte) {
	from, to := r.node(Address, nil, src), r.node(Address, nil, dst)
	r.edge(from, Connected, to)
	if s := r.socket(src, port); s != noNode {
		r.edge(s, Connected, to)
	}
	r.edge(r.pair(src, dst), Connected, to)
	r.sent(from, to, sent)
}

func (r *row) sent(from, to Node, bytes []byte) {
	if n, ok := number(bytes); ok && n >= 1024 {
		r.counted(from, Sent, to, uint32(min(n/1024, math.MaxUint32)))
	}
}

func netQuery(r *row) {
	src, _, _ := r.ends()
	name := r.node(Name, nil, dnsName(r.get("query")))
	r.edge(r.node(Address, nil, src), Resolved, name)
	for part := range bytes.FieldsFuncSeq(r.get("answers"), func(c rune) bool { return c == ',' || c == ' ' || c == '"' || c == '[' || c == ']' }) {
		if a := plainAddress(bytes.Clone(part)); len(a) > 0 {
			r.edge(name, Answered, r.node(Address, nil, a))
		}
	}
}

func netRequest(r *row) {
	src, port, dst := r.ends()
	host := lower(bytes.Clone(r.get("host")))
	if len(host) == 0 {
		host = dst
	}
	from := r.node(Address, nil, src)
	r.edge(from, Requested, r.node(URL, host, stem(r.get("uri"))))
	r.edge(r.socket(src, port), Connected, r.node(Address, nil, dst))
	if !isAddress(host) {
		r.edge(from, Resolved, r.node(Name, nil, host))
		r.edge(r.node(Name, nil, host), Answered, r.node(Address, nil, dst))
	}
	r.sent(from, r.node(Address, nil, dst), r.get("request_body_len"))
}

// stem is a URL's path without its query, at most 200 bytes.
func stem(uri []byte) []byte {
	if i := bytes.IndexAny(uri, "?#;"); i >= 0 {
		uri = uri[:i]
	}
	return uri[:min(len(uri), 200)]
}

func netName(r *row) {
	src, _, dst := r.ends()
	name := r.node(Name, nil, dnsName(r.get("server_name")))
	r.edge(r.node(Address, nil, src), Resolved, name)
	r.edge(name, Answered, r.node(Address, nil, dst))
}

func netFile(r *row) {
	from, to := plainAddress(bytes.Clone(r.get("tx_hosts"))), plainAddress(bytes.Clone(r.get("rx_hosts")))
	for _, ip := range [][]byte{from, to} {
		a := r.node(Address, nil, ip)
		if h := lower(bytes.Clone(r.get("sha256"))); len(h) == 64 {
			r.edge(a, HasHash, r.node(Hash, nil, h))
		}
		if n := lower(bytes.Clone(baseName(r.get("filename")))); len(n) > 3 {
			r.edge(a, Mentioned, r.node(Program, nil, n))
		}
	}
}

// netShare is a file of a share as the network saw it: the host is the server, known by its address only.
func netShare(r *row) {
	src, port, dst := r.ends()
	path := append(bytes.Clone(r.get("path")), '\\')
	path = append(path, r.get("name")...)
	if _, rest, ok := bytes.Cut(bytes.TrimLeft(lower(path), `\`), []byte{'\\'}); ok {
		f := r.node(File, dst, localShare(bytes.TrimRight(rest, `\`)))
		rel := ReadFrom
		if bytes.Contains(r.get("action"), []byte("WRITE")) || bytes.Contains(r.get("action"), []byte("RENAME")) {
			rel = Wrote
		}
		r.edge(r.node(Address, nil, src), rel, f)
		r.edge(r.socket(src, port), rel, f)
	}
}

func netLogon(r *row) {
	src, port, dst := r.ends()
	user := r.get("client")
	for _, f := range []string{"username", "cookie"} {
		if len(user) == 0 {
			user = r.get(f)
		}
	}
	name, _, _ := bytes.Cut(bytes.Clone(user), []byte{'/'})
	a := r.node(Account, nil, accountName(name))
	r.edge(r.node(Address, nil, src), Checked, a)
	r.edge(r.socket(src, port), Connected, r.node(Address, nil, dst))
	r.edge(r.pair(src, dst), Checked, a)
}

func netPipe(r *row) {
	src, port, dst := r.ends()
	p := r.node(Pipe, dst, lower(bytes.Clone(r.get("endpoint"))))
	r.edge(r.socket(src, port), UsedPipe, p)
	r.edge(r.pair(src, dst), UsedPipe, p)
}

// webServer is the service that requests reach; it stands for the process that answers them, which the web log does not name.
func (r *row) webServer() Node { return r.node(Service, r.host, []byte(webServerName)) }

const webServerName = "(web server)"

func webRequest(r *row) {
	src := plainAddress(bytes.Clone(r.get("c-ip")))
	from := r.node(Address, nil, src)
	if r.b.Schema.Source.Category == "webserver" {
		u := r.node(URL, r.host, stem(r.get("cs-uri-stem")))
		r.edge(from, Requested, u)
		r.edge(u, Requested, r.webServer())
		return
	}
	host := lower(bytes.Clone(r.get("cs-host")))
	if uri := r.get("cs-uri"); len(host) == 0 && len(uri) > 0 {
		if _, rest, ok := bytes.Cut(uri, []byte("://")); ok {
			uri = rest
		}
		host, _, _ = bytes.Cut(lower(bytes.Clone(uri)), []byte{'/'})
	}
	if i := bytes.LastIndexByte(host, ':'); i > 0 && bytes.Count(host, []byte{':'}) == 1 {
		host = host[:i]
	}
	to := r.address(bytes.Clone(host))
	if to == noNode {
		to = r.node(Name, nil, host)
	}
	r.edge(from, Resolved, to)
	r.sent(from, to, r.get("cs-bytes"))
	r.edge(to, Answered, r.address(bytes.Clone(r.get("r-ip"))))
}

func deviceFlow(r *row) {
	r.flow(plainAddress(bytes.Clone(r.get("src_ip"))), r.get("src_port"), plainAddress(bytes.Clone(r.get("dst_ip"))), r.get("bytes_sent"))
}

// deviceLogon is a logon to a device or through one: VPN, RADIUS and TACACS+ accounting, SSH.
func deviceLogon(r *row) {
	ip := plainAddress(bytes.Clone(r.get("src_ip")))
	user := accountName(bytes.Clone(r.get("user")))
	if len(user) == 0 {
		return
	}
	a, from := r.node(Account, nil, user), r.node(Address, nil, ip)
	switch action := lower(bytes.Clone(r.get("action"))); {
	case bytes.Contains(action, []byte("fail")), bytes.Contains(action, []byte("den")), bytes.Contains(action, []byte("reject")), bytes.Contains(action, []byte("invalid")):
		r.edge(from, RefusedLogon, a)
		return
	}
	s := r.node(Session, r.host, append(append(bytes.Clone(user), " from "...), ip...))
	r.edge(from, LoggedOn, s)
	r.edge(r.socket(ip, r.get("src_port")), LoggedOn, s)
	r.edge(r.pair(ip, r.host), LoggedOn, s)
	r.counted(s, OfAccount, a, 10)
	r.edge(s, Opened, r.address(bytes.Clone(r.get("assigned_ip"))))
	r.edge(s, HasCommand, r.node(Command, nil, r.get("cmd")))
}

// deviceMessage is a message of a device that may tell of a connection, a logon, a command, or nothing that is followed.
func deviceMessage(r *row) {
	if len(r.get("dst_ip")) > 0 {
		deviceFlow(r)
	}
	if len(r.get("user")) > 0 {
		deviceLogon(r)
	}
}

// mailReceived joins who got a message, and from which address it came.
func mailReceived(r *row) {
	m := r.node(Mail, nil, bytes.Trim(r.get("message_id"), "<> "))
	r.edge(r.node(Account, nil, accountName(bytes.Clone(r.get("to")))), Received, m)
	from := bytes.Clone(r.get("client"))
	if i := bytes.IndexByte(from, '['); i >= 0 { // name[192.0.2.1]:25
		from, _, _ = bytes.Cut(from[i+1:], []byte{']'})
	}
	r.edge(r.address(from), Requested, m)
}

func databaseQuery(r *row) {
	q := r.node(Query, r.host, bytes.TrimSpace(r.get("statement")))
	r.edge(r.account(r.get("user")), Queried, q)
	r.edge(r.address(bytes.Clone(r.get("client_ip"))), Queried, q)
}
