package textwrite

import (
	"fmt"
	"strings"
	"time"
)

// Flow is a connection as a firewall or a proxy tells it. Ports of a proxied request are not told.
type Flow struct {
	From, To         string // addresses
	FromPort, ToPort uint16
	Proto            string // tcp, udp
	Number           uint64 // of the session
	Last             time.Duration
	Out, In          int64  // bytes from the one who opened it, and to him
	Inbound          bool   // opened from outside
	Outside          string // the address that the organisation shows
	User             string
	Name             string // of the server
	Method, URI      string // "" when it is a tunnel for TLS
	Agent            string
	Mime             string
	Status           int
}

// Squid gives a line of Squid's native access log.
func Squid(t time.Time, f Flow) string {
	action, method, target := "TCP_MISS", f.Method, "http://"+f.Name+f.URI
	if f.Method == "" {
		action, method, target = "TCP_TUNNEL", "CONNECT", f.Name+":"+fmt.Sprint(f.ToPort)
	}
	return fmt.Sprintf("%d.%03d %6d %s %s/%d %d %s %s %s HIER_DIRECT/%s %s", t.Unix(), t.Nanosecond()/1e6, f.Last.Milliseconds(), f.From, action, f.Status,
		f.In, method, target, dash(f.User), f.To, dash(f.Mime))
}

// ProxyW3CFields is the line that names the columns of ProxyW3C.
const ProxyW3CFields = "#Fields: date time time-taken c-ip cs-username s-action sc-status cs-method cs-uri-scheme cs-host cs-uri-port cs-uri-path cs(User-Agent) rs(Content-Type) sc-bytes cs-bytes r-ip"

// ProxyW3C gives a line of a proxy's log in the W3C extended form.
func ProxyW3C(t time.Time, f Flow) string {
	action, method, scheme, path := "TCP_NC_MISS", f.Method, "http", f.URI
	if f.Method == "" {
		action, method, scheme, path = "TCP_TUNNELED", "CONNECT", "ssl", "-"
	}
	return fmt.Sprintf("%s %d %s %s %s %d %s %s %s %d %s %s %s %d %d %s", t.UTC().Format("2006-01-02 15:04:05"), f.Last.Milliseconds(), f.From, dash(f.User),
		action, f.Status, method, scheme, f.Name, f.ToPort, dash(path), quoted(f.Agent), dash(f.Mime), f.In, f.Out, f.To)
}

// Header is the beginning of a line of a syslog file: the time with its zone, and the sender.
func Header(t time.Time, sender string) string {
	return t.Format("2006-01-02T15:04:05.000000-07:00") + " " + sender + " "
}

// ASABuilt and ASATeardown give the two lines that a Cisco ASA writes of a connection.
func ASABuilt(f Flow) string {
	direction, number := "outbound", 302013
	if f.Proto == "udp" {
		number = 302015
	}
	outside, inside := side("outside", f.To, f.ToPort, f.To), side("inside", f.From, f.FromPort, f.Outside)
	if f.Inbound {
		direction = "inbound"
		return fmt.Sprintf("%%ASA-6-%d: Built %s %s connection %d for %s to %s", number, direction, strings.ToUpper(f.Proto), f.Number,
			side("outside", f.From, f.FromPort, f.From), side("dmz", f.To, f.ToPort, f.Outside))
	}
	return fmt.Sprintf("%%ASA-6-%d: Built %s %s connection %d for %s to %s", number, direction, strings.ToUpper(f.Proto), f.Number, outside, inside)
}

// ASATeardown is the second: how long it lasted and how much it carried.
func ASATeardown(f Flow) string {
	number, reason := 302014, " TCP FINs"
	if f.Proto == "udp" {
		number, reason = 302016, ""
	}
	s := int(f.Last.Seconds())
	from, to := fmt.Sprintf("outside:%s/%d", f.To, f.ToPort), fmt.Sprintf("inside:%s/%d", f.From, f.FromPort)
	if f.Inbound {
		from, to = fmt.Sprintf("outside:%s/%d", f.From, f.FromPort), fmt.Sprintf("dmz:%s/%d", f.To, f.ToPort)
	}
	return fmt.Sprintf("%%ASA-6-%d: Teardown %s connection %d for %s to %s duration %d:%02d:%02d bytes %d%s", number, strings.ToUpper(f.Proto), f.Number,
		from, to, s/3600, s/60%60, s%60, f.Out+f.In, reason)
}

// ASADeny gives the line of a packet that a Cisco ASA refuses.
func ASADeny(f Flow) string {
	return fmt.Sprintf(`%%ASA-4-106023: Deny %s src outside:%s/%d dst dmz:%s/%d by access-group "outside_in" [0x0, 0x0]`, f.Proto, f.From, f.FromPort, f.To, f.ToPort)
}

func side(name, ip string, port uint16, mapped string) string {
	return fmt.Sprintf("%s:%s/%d (%s/%d)", name, ip, port, mapped, port)
}

// Pair is a key with its value in a FortiGate's line.
type Pair struct {
	Key, Value string
	Bare       bool // written without quotes, as numbers and addresses are
}

// FortiGate gives a line of a FortiGate: its own time, then the pairs.
func FortiGate(t time.Time, device string, pairs ...Pair) string {
	var b strings.Builder
	fmt.Fprintf(&b, `date=%s time=%s devname="%s" devid="FGVM01000000%04d" eventtime=%d tz="%s"`, t.Format("2006-01-02"), t.Format("15:04:05"),
		device, len(device)*7%10000, t.UnixNano(), t.Format("-0700"))
	for _, p := range pairs {
		if p.Bare {
			fmt.Fprintf(&b, " %s=%s", p.Key, p.Value)
		} else {
			fmt.Fprintf(&b, ` %s="%s"`, p.Key, strings.ReplaceAll(p.Value, `"`, `\"`))
		}
	}
	return b.String()
}

// Bare is a pair without quotes.
func Bare(key string, value any) Pair { return Pair{key, fmt.Sprint(value), true} }

// Quoted is a pair with quotes.
func Quoted(key, value string) Pair { return Pair{key, value, false} }

// FortiGateTraffic gives the pairs of a session that a FortiGate let through.
func FortiGateTraffic(f Flow) []Pair {
	from, to, proto := "inside", "wan1", 6
	if f.Inbound {
		from, to = "wan1", "dmz"
	}
	if f.Proto == "udp" {
		proto = 17
	}
	return []Pair{Quoted("logid", "0000000013"), Quoted("type", "traffic"), Quoted("subtype", "forward"), Quoted("level", "notice"), Quoted("vd", "root"),
		Bare("srcip", f.From), Bare("srcport", f.FromPort), Quoted("srcintf", from), Quoted("srcintfrole", "lan"), Bare("dstip", f.To), Bare("dstport", f.ToPort),
		Quoted("dstintf", to), Quoted("dstintfrole", "wan"), Bare("sessionid", f.Number), Bare("proto", proto), Quoted("action", "close"), Bare("policyid", 7),
		Quoted("policytype", "policy"), Quoted("service", service(f.ToPort)), Quoted("trandisp", "snat"), Bare("duration", int(f.Last.Seconds())),
		Bare("sentbyte", f.Out), Bare("rcvdbyte", f.In), Bare("sentpkt", 1+f.Out/1200), Bare("rcvdpkt", 1+f.In/1200)}
}

func service(port uint16) string {
	switch port {
	case 80:
		return "HTTP"
	case 443:
		return "HTTPS"
	case 53:
		return "DNS"
	case 123:
		return "NTP"
	case 22:
		return "SSH"
	}
	return fmt.Sprintf("tcp/%d", port)
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func quoted(s string) string {
	if s == "" {
		return "-"
	}
	return `"` + strings.ReplaceAll(s, `"`, `""`) + `"`
}
