package scene

import (
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/contrail-ir/contrail/drill/textwrite"
)

// Flow is a connection and what sensors can see of it. Empty parts are made up from the rest.
type Flow struct {
	At       time.Time
	From, To Endpoint
	UDP      bool
	Last     time.Duration
	Out, In  int64  // bytes from the one who opened it, and to him
	Name     string // of the server: of TLS or of the HTTP host
	Method   string // of a request in clear text
	URI      string
	Agent    string
	Mime     string
	Status   int
	User     string
	Client   string // the TLS client: what its JA3 is made from
	Cert     string // the TLS server's certificate, when it is not of a public issuer: its subject and what its JA3S is made from
	Query    string // a name asked for
	Answer   string
	File     string // name of a file carried in clear text, whose hash the sensor sees
	Refused  bool
}

// Flow tells every sensor that can see a connection: the network monitor all of it, firewall and proxy what crosses the
// border. The records share the five-tuple with what hosts say.
func (s *Scene) Flow(f Flow) []*Entry {
	n := s.Network
	if n.Zeek == "" && n.Firewall == "" && n.Proxy == "" {
		return nil
	}
	r := s.Web.rng
	if f.Last == 0 {
		f.Last = time.Duration(20+r.IntN(4000)) * time.Millisecond
	}
	if f.Out == 0 {
		f.Out, f.In = 400+int64(r.IntN(2500)), 600+int64(r.IntN(9000))
	}
	if f.Name == "" && !s.Inside(f.To.IP) {
		f.Name = f.To.Name
	}
	var seen []*Entry
	if n.Zeek != "" {
		seen = append(seen, s.zeek(f)...)
	}
	crosses := s.Inside(f.From.IP) != s.Inside(f.To.IP)
	if crosses && n.Firewall != "" {
		seen = append(seen, s.firewall(f)...)
	}
	if crosses && n.Proxy != "" && !f.Refused && s.Inside(f.From.IP) && (f.To.Port == 80 || f.To.Port == 443) {
		seen = append(seen, s.proxy(f))
	}
	for _, e := range seen {
		e.Joins(fmt.Sprintf("flow:%s:%d:%s:%d", f.From.IP, f.From.Port, f.To.IP, f.To.Port), fmt.Sprintf("flow:%s:%d:%s", f.From.IP, f.From.Port, f.To.IP))
		if f.Name != "" {
			e.Joins("name:" + f.Name)
		}
		if f.Query != "" {
			e.Joins("name:" + f.Query)
		}
		if f.User != "" {
			e.Joins("account:" + f.User + ":" + s.hostName(f.To.IP))
		}
	}
	return seen
}

func (s *Scene) hostName(ip string) string {
	if h := s.byIP[ip]; h != nil {
		return h.Name
	}
	return ip
}

// sensor stands for the network monitor in inventories; its clock is right.
func (s *Scene) sensor() *Host { return &Host{scene: s, Name: "sensor"} }

func (s *Scene) zeekLog(z textwrite.Zeek, at time.Time, values []string) *Entry {
	l := TextLog{File: "network/zeek/" + z.Path + ".log", Host: s.sensor(), Product: "zeek-" + s.Network.Zeek}
	form := z.JSON
	if s.Network.Zeek == "tsv" {
		l.Head, form = z.Head, z.TSV
	}
	return s.Line(l, at, func(t time.Time) string {
		values[0] = textwrite.Epoch(t)
		return form(values)
	})
}

const base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

func (s *Scene) uid(letter byte) string {
	b := []byte{letter}
	for range 17 {
		b = append(b, base62[s.Web.rng.IntN(62)])
	}
	return string(b)
}

// fingerprint makes a value of the length of a JA3 from what it stands for.
func fingerprint(of string) string {
	sum := md5.Sum([]byte("contrail drill tls " + of))
	return hex.EncodeToString(sum[:])
}

func (s *Scene) zeek(f Flow) []*Entry {
	uid := s.uid('C')
	ends := []string{f.From.IP, strconv.Itoa(int(f.From.Port)), f.To.IP, strconv.Itoa(int(f.To.Port))}
	count := func(n int64) string { return strconv.FormatInt(n, 10) }
	proto, state, history, service := "tcp", "SF", "ShADadFf", map[uint16]string{443: "ssl", 80: "http", 22: "ssh", 53: "dns", 123: "ntp", 445: "gssapi,smb,ntlm", 3389: "rdp,ssl", 88: "krb_tcp", 135: "dce_rpc"}[f.To.Port]
	if f.UDP {
		proto, history = "udp", "Dd"
	}
	out, in, last := count(f.Out), count(f.In), textwrite.Seconds(f.Last)
	packets := func(n int64) string { return count(4 + n/1300) }
	if f.Refused {
		state, history, service, out, in, last = "S0", "S", "", "", "", ""
	}
	// Zeek writes a connection when it ends, but stamps it with its beginning; here logs are in the order of the stamps.
	all := []*Entry{s.zeekLog(textwrite.ZeekConn, f.At, append(append([]string{"", uid}, ends...), proto, service, last, out, in, state,
		textwrite.Flag(s.Inside(f.From.IP)), textwrite.Flag(s.Inside(f.To.IP)), "0", history, packets(f.Out), count(f.Out+40*(4+f.Out/1300)), packets(f.In), count(f.In+40*(4+f.In/1300)), ""))}
	if f.Refused {
		return all
	}
	at := f.At.Add(3 * time.Millisecond)
	switch {
	case f.Query != "":
		code, name := "0", "NOERROR"
		ttl := "300.000000"
		if f.Answer == "" {
			code, name, ttl = "3", "NXDOMAIN", ""
		}
		all = append(all, s.zeekLog(textwrite.ZeekDNS, f.At, append(append([]string{"", uid}, ends...), "udp", count(int64(s.Web.rng.IntN(65536))), "0.000412", f.Query,
			"1", "C_INTERNET", "1", "A", code, name, "F", "F", "T", "T", "0", f.Answer, ttl, "F")))
	case f.Method != "":
		fuid := ""
		if f.File != "" {
			fuid = s.uid('F')
		}
		all = append(all, s.zeekLog(textwrite.ZeekHTTP, at, append(append([]string{"", uid}, ends...), "1", f.Method, orElse(f.Name, f.To.IP), f.URI, "", "1.1", f.Agent, "",
			count(f.Out-min(f.Out, 300)), count(f.In-min(f.In, 300)), strconv.Itoa(or(f.Status, 200)), statusText(or(f.Status, 200)), "(empty)", fuid, f.Mime)))
		if fuid != "" {
			all = append(all, s.zeekLog(textwrite.ZeekFiles, at.Add(time.Millisecond), append(append([]string{"", fuid, uid}, ends...), "HTTP", "0", "MD5,SHA1,SHA256", orElse(f.Mime, "application/octet-stream"), "",
				textwrite.Seconds(f.Last/2), "F", "F", count(f.In), count(f.In), "0", "0", "F", strings.ToLower(s.Hash("MD5", f.File)[:32]), strings.ToLower(s.Hash("SHA1", f.File)[:40]), strings.ToLower(s.Hash("SHA256", f.File)))).
				Joins("hash:"+s.Hash("SHA256", f.File)))
		}
	case f.To.Port == 443 && !f.UDP:
		subject, issuer, valid := "CN="+f.Name, "CN=Example Public CA R3,O=Example Trust,C=CH", "ok"
		if f.Cert != "" {
			subject, issuer, valid = f.Cert, f.Cert, "self signed certificate"
		}
		all = append(all, s.zeekLog(textwrite.ZeekSSL, at, append(append([]string{"", uid}, ends...), "TLSv12", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "x25519", f.Name,
			"F", "T", "CsxknGIi", subject, issuer, valid, fingerprint("client "+orElse(f.Client, "windows")), fingerprint("server "+orElse(f.Cert, f.Name)))))
	}
	return all
}

func (s *Scene) textFlow(f Flow) textwrite.Flow {
	proto := "tcp"
	if f.UDP {
		proto = "udp"
	}
	s.session += 1 + uint64(s.Web.rng.IntN(40))
	return textwrite.Flow{From: f.From.IP, To: f.To.IP, FromPort: f.From.Port, ToPort: f.To.Port, Proto: proto, Number: 400000 + s.session, Last: f.Last, Out: f.Out, In: f.In,
		Inbound: s.Inside(f.To.IP), Outside: s.Network.Outside, User: f.User, Name: orElse(f.Name, f.To.IP), Method: f.Method, URI: f.URI, Agent: f.Agent, Mime: f.Mime, Status: or(f.Status, 200)}
}

func (s *Scene) firewall(f Flow) []*Entry {
	tf := s.textFlow(f)
	if s.Network.Firewall == "asa" {
		l := TextLog{File: "network/firewall/" + s.Wall.Name + ".log", Host: s.Wall, Product: "cisco-asa"}
		line := func(text string) func(time.Time) string {
			return func(t time.Time) string { return textwrite.Header(t, s.Wall.Name) + text }
		}
		if f.Refused {
			return []*Entry{s.Line(l, f.At, line(textwrite.ASADeny(tf)))}
		}
		return []*Entry{s.Line(l, f.At, line(textwrite.ASABuilt(tf))), s.Line(l, f.At.Add(f.Last), line(textwrite.ASATeardown(tf)))}
	}
	pairs := textwrite.FortiGateTraffic(tf)
	if f.Refused {
		for i := range pairs {
			if pairs[i].Key == "action" {
				pairs[i].Value = "deny"
			}
		}
	}
	return []*Entry{s.Line(s.wallLog(), f.At.Add(f.Last), func(t time.Time) string { return textwrite.FortiGate(t, s.Wall.Name, pairs...) })}
}

func (s *Scene) wallLog() TextLog {
	return TextLog{File: "network/firewall/" + s.Wall.Name + ".log", Host: s.Wall, Product: "fortigate"}
}

func (s *Scene) proxy(f Flow) *Entry {
	tf := s.textFlow(f)
	h := &Host{scene: s, Name: "proxy01"}
	if s.Network.Proxy == "squid" {
		return s.Line(TextLog{File: "network/proxy/access.log", Host: h, Product: "squid"}, f.At.Add(f.Last), func(t time.Time) string { return textwrite.Squid(t, tf) })
	}
	head := func(t time.Time) []string {
		return []string{"#Software: SGOS 7.3.11.1", "#Version: 1.0", "#Date: " + t.UTC().Format("2006-01-02 15:04:05"), textwrite.ProxyW3CFields}
	}
	return s.Line(TextLog{File: "network/proxy/main.log", Host: h, Product: "w3c", Head: head}, f.At.Add(f.Last), func(t time.Time) string { return textwrite.ProxyW3C(t, tf) })
}

// Talk is a connection that a program opens: what its host says, and what sensors see.
func (s *Scene) Talk(p *Process, f Flow) *Entry {
	return s.connection(f.At, p, true, f.From, f.To).Also(s.Flow(f)...)
}

// Connect is a connection of which nothing more is known, seen on the side of p: Sysmon 3. What sensors see is told
// once, with the side that opened it or, where that is outside, with the other.
func (s *Scene) Connect(at time.Time, p *Process, initiated bool, from, to Endpoint) *Entry {
	e := s.connection(at, p, initiated, from, to)
	if initiated || !s.Inside(from.IP) {
		e.Also(s.Flow(Flow{At: at, From: from, To: to})...)
	}
	return e
}

// Resolve is a name looked up: Sysmon 22, and the question on the wire.
func (s *Scene) Resolve(at time.Time, p *Process, name, result string) *Entry {
	e := s.resolved(at, p, name, result)
	if s.Network.Zeek != "" && p.Host != s.DC {
		answer := strings.TrimSuffix(strings.TrimPrefix(result, "::ffff:"), ";")
		e.Also(s.Flow(Flow{At: at, From: p.Host.Here(), To: Endpoint{s.DC.IP, s.DC.FQDN(), 53}, UDP: true, Last: 400 * time.Microsecond, Out: int64(30 + len(name)), In: int64(60 + len(name)), Query: name, Answer: answer})...)
	}
	return e
}

func or(v, other int) int {
	if v == 0 {
		return other
	}
	return v
}

func orElse(v, other string) string {
	if v == "" {
		return other
	}
	return v
}

func statusText(code int) string {
	return map[int]string{200: "OK", 302: "Found", 404: "Not Found", 500: "Internal Server Error", 403: "Forbidden"}[code]
}
