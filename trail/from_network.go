package trail

import (
	"bytes"
	"math"
)

// Constructors of connections, names and requests: Sysmon 3 and 22, 5156, Zeek.

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
	r.tunnelled(p, name, dnsName(r.get("QueryName")))
	r.answered(name, r.get("QueryName"), r.get("QueryResults"))
}

func dnsName(b []byte) []byte { return bytes.TrimSuffix(lower(bytes.Clone(b)), []byte{'.'}) }

func (r *row) ends() (src, port, dst []byte) {
	return plainAddress(bytes.Clone(r.get("id.orig_h"))), r.get("id.orig_p"), plainAddress(bytes.Clone(r.get("id.resp_h")))
}

// nameServed is a query as a name server's own log tells it.
func nameServed(r *row) {
	src := plainAddress(bytes.Clone(r.get("c-ip")))
	name := r.node(Name, nil, dnsName(r.get("query")))
	r.edge(r.node(Address, nil, src), Resolved, name)
	r.tunnelled(r.node(Address, nil, src), name, dnsName(r.get("query")))
	r.answered(name, r.get("query"), r.get("answer"))
}

// maxZones bounds the zones that are looked at for names that carry data.
const maxZones = 1 << 14

// tunnelled joins names that may carry data to the zone below which they lie: who asks for one asks for the zone, whatever the rest says.
func (r *row) tunnelled(by, name Node, asked []byte) {
	if zone := carryingZone(asked); len(zone) > 0 {
		z := r.node(Name, nil, zone)
		r.edge(by, Resolved, z)
		r.once(name, Answered, z)
		if len(r.c.zones) < maxZones {
			r.c.zones[z] = struct{}{}
		}
	}
}

// carryingZone gives the zone of a name that is long enough to carry data: two labels, three below a short one as in co.uk. Nothing for other names, and
// for those by which addresses are looked up.
func carryingZone(name []byte) []byte {
	if len(name) < 32 || bytes.HasSuffix(name, []byte(".arpa")) {
		return nil
	}
	labels := bytes.Split(name, []byte{'.'})
	longest := 0
	for _, l := range labels {
		longest = max(longest, len(l))
	}
	if len(labels) < 3 || longest < 16 {
		return nil
	}
	n := 2
	if len(labels) > 3 && len(labels[len(labels)-1]) == 2 && len(labels[len(labels)-2]) <= 3 {
		n = 3
	}
	return bytes.Join(labels[len(labels)-n:], []byte{'.'})
}

// answered notes the addresses in an answer. A name that is answered with an address within is a host's.
func (r *row) answered(name Node, asked, answers []byte) {
	for part := range bytes.FieldsFuncSeq(answers, func(c rune) bool { return c == ',' || c == ' ' || c == '"' || c == '[' || c == ']' || c == ';' }) {
		if a := plainAddress(bytes.Clone(part)); len(a) > 0 {
			r.edge(name, Answered, r.node(Address, nil, a))
			if private(a) {
				r.ownedBy(shortHost(bytes.Clone(asked)), a)
			}
		}
	}
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
	src, port, dst := r.ends()
	if string(port) == "53" { // an answer, told from the server's side
		src = dst
	}
	name := r.node(Name, nil, dnsName(r.get("query")))
	r.edge(r.node(Address, nil, src), Resolved, name)
	r.tunnelled(r.node(Address, nil, src), name, dnsName(r.get("query")))
	r.answered(name, r.get("query"), r.get("answers"))
}

func netRequest(r *row) {
	src, port, dst := r.ends()
	host := lower(bytes.Clone(r.get("host")))
	if len(host) == 0 {
		host = dst
	}
	from := r.node(Address, nil, src)
	asks := Requested
	if m := r.get("method"); bytes.EqualFold(m, []byte("POST")) || bytes.EqualFold(m, []byte("PUT")) {
		asks = Posted
	}
	r.edge(from, asks, r.node(URL, host, stem(r.get("uri"))))
	if private(dst) && !private(src) { // a server of the organisation was asked, whose own log may be missing
		r.edge(from, asks, r.node(Service, dst, []byte(webServerName)))
	}
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
	host := dnsName(r.get("server_name"))
	if isAddress(host) { // no name, though clients that were told none may put it there
		return
	}
	name := r.node(Name, nil, host)
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
	r.mailedFile()
}

// netMail is a message as the network saw it. What it carried is told by the files of the same connection.
func netMail(r *row) {
	src, port, dst := r.ends()
	m := r.node(Mail, nil, bytes.Trim(bytes.Clone(r.get("msg_id")), "<> "))
	own := r.node(Mail, []byte("zeek"), r.get("uid"))
	if m == noNode {
		m = own
	}
	r.edge(m, SameMail, own)
	if from := mailAddress(r.get("mailfrom")); bytes.IndexByte(from, '@') > 0 {
		r.edge(r.node(Mailbox, nil, from), SentMail, m)
	}
	r.each("rcptto", func(_ int, v []byte) {
		if to := mailAddress(v); bytes.IndexByte(to, '@') > 0 {
			r.edge(r.account(to), Received, m)
		}
	})
	r.edge(r.node(Address, nil, src), Requested, m)
	r.edge(r.socket(src, port), Connected, r.node(Address, nil, dst))
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
