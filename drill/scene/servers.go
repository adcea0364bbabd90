package scene

import (
	"fmt"
	"time"

	"github.com/contrail-ir/contrail/drill/textwrite"
)

// Visit is a request to a web server: its access log, the connection its worker answers, and what sensors see.
func (s *Scene) Visit(at time.Time, h *Host, r textwrite.Request, from Endpoint) []*Entry {
	if !s.Network.WebLogs {
		return nil
	}
	r.Client, r.Server, r.Port = from.IP, h.IP, 443
	if r.Taken == 0 {
		r.Taken = time.Duration(3+h.rng.IntN(300)) * time.Millisecond
	}
	var logged *Entry
	if h.Windows {
		logged = s.Line(TextLog{File: h.Name + "/iis/W3SVC1/u_ex.log", Host: h, Product: "iis-w3c", Head: textwrite.IISHead}, at.Add(r.Taken), func(t time.Time) string { return textwrite.IIS(t, r) })
	} else {
		logged = s.Line(TextLog{File: h.Name + "/apache2/access.log", Host: h, Product: "apache-combined"}, at, func(t time.Time) string { return textwrite.Apache(t, r) })
	}
	logged.Joins(fmt.Sprintf("address:%s:%s", h.Name, from.IP), "url:"+h.Name+":"+r.Path)
	to := Endpoint{h.IP, h.FQDN(), 443}
	f := Flow{At: at, From: from, To: to, Name: "www." + s.Org.Domain, Out: 500 + int64(len(r.Query)) + r.Bytes/50, In: 300 + r.Bytes, Last: r.Taken, Client: r.Agent}
	if h.Windows {
		return []*Entry{logged, s.connection(at, h.Server, false, from, to).Also(s.Flow(f)...)}
	}
	return append([]*Entry{logged}, s.Flow(f)...)
}

// Statement is what the reservation database is asked: its audit log.
func (s *Scene) Statement(at time.Time, st textwrite.Statement) []*Entry {
	if !s.Cast.Postgres {
		return nil
	}
	h := s.DB
	if st.Session == "" {
		st.Session = fmt.Sprintf("%x.%x", at.Unix(), h.rng.IntN(65536))
	}
	st.Database, st.Begun = "reservations", at.Add(-time.Second)
	if st.PID == 0 {
		st.PID = h.pid()
	}
	st.Line, st.Number = max(1, st.Line), max(1, st.Number)
	e := s.Line(TextLog{File: h.Name + "/pgaudit/postgresql.csv", Host: h, Product: "postgres-csvlog"}, at, func(t time.Time) string { return textwrite.PGAudit(t, st) })
	return []*Entry{e.Joins("account:"+st.User+":"+h.Name, "client:"+h.Name+":"+st.Client)}
}

// Command is a command line entered on the edge router: TACACS+ accounting and, when it changes something, the device's own log.
func (s *Scene) Command(at time.Time, user, from string, changes bool, commands ...string) (all []*Entry) {
	h := s.Router
	key := []string{"account:" + user + ":" + h.Name, "address:" + h.Name + ":" + from}
	for i, c := range commands {
		t := at.Add(time.Duration(i*7) * time.Second)
		task := 1000 + h.rng.IntN(60000)
		all = append(all, s.Line(TextLog{File: "network/aaa/tac_plus.acct", Host: &Host{scene: s, Name: "aaa01"}, Product: "tacacs-accounting"}, t,
			func(t time.Time) string { return textwrite.TACACS(t, h.IP, user, "tty2", from, task, c) }).Joins(key...))
	}
	if changes {
		all = append(all, s.Device(at.Add(time.Duration(len(commands)*7)*time.Second), fmt.Sprintf("%%SYS-5-CONFIG_I: Configured from console by %s on vty0 (%s)", user, from)).Joins(key...))
	}
	return all
}

// DeviceLogin is a login to the edge router.
func (s *Scene) DeviceLogin(at time.Time, user, from string, ok bool) *Entry {
	state := "%SEC_LOGIN-5-LOGIN_SUCCESS: Login Success"
	if !ok {
		state = "%SEC_LOGIN-4-LOGIN_FAILED: Login failed"
	}
	return s.Line(s.routerLog(), at, func(t time.Time) string {
		reason := ""
		if !ok {
			reason = " [Reason: Login Authentication Failed]"
		}
		return textwrite.Header(t, s.Router.Name) + fmt.Sprintf("%s [user: %s] [Source: %s] [localport: 22]%s at %s", state, user, from, reason, t.Format("15:04:05 MST Mon Jan 2 2006"))
	}).Joins("account:"+user+":"+s.Router.Name, "address:"+s.Router.Name+":"+from)
}

// Device is a message of the edge router.
func (s *Scene) Device(at time.Time, message string) *Entry {
	return s.Line(s.routerLog(), at, func(t time.Time) string { return textwrite.Header(t, s.Router.Name) + message })
}

func (s *Scene) routerLog() TextLog {
	return TextLog{File: "network/router/" + s.Router.Name + ".log", Host: s.Router, Product: "cisco-ios"}
}

// GatewayEvent is an event of the remote access gateway, in the form of a FortiGate.
func (s *Scene) GatewayEvent(at time.Time, id, subtype, action, level, description string, pairs ...textwrite.Pair) *Entry {
	if s.Gateway == nil {
		return &Entry{at: at}
	}
	all := append([]textwrite.Pair{textwrite.Quoted("logid", id), textwrite.Quoted("type", "event"), textwrite.Quoted("subtype", subtype), textwrite.Quoted("level", level),
		textwrite.Quoted("vd", "root"), textwrite.Quoted("logdesc", description), textwrite.Quoted("action", action)}, pairs...)
	e := s.Line(TextLog{File: "network/vpn/" + s.Gateway.Name + ".log", Host: s.Gateway, Product: "fortigate"}, at, func(t time.Time) string { return textwrite.FortiGate(t, s.Gateway.Name, all...) })
	for _, p := range pairs {
		switch p.Key {
		case "remip", "srcip":
			e.Joins("address:" + s.Gateway.Name + ":" + p.Value)
		case "user":
			e.Joins("account:" + p.Value + ":" + s.Gateway.Name)
		case "tunnelip":
			e.Joins("tunnel:" + p.Value)
		case "tunnelid":
			e.Joins("session:" + s.Gateway.Name + ":" + p.Value)
		}
	}
	return e
}

// Tunnel is a session of remote access that comes up, with the address it is given inside.
func (s *Scene) Tunnel(at time.Time, user, from, inside string, last time.Duration, in, out int64) []*Entry {
	id := textwrite.Bare("tunnelid", 100000+s.Web.rng.IntN(900000000))
	common := []textwrite.Pair{textwrite.Quoted("tunneltype", "ssl-tunnel"), id, textwrite.Bare("remip", from), textwrite.Bare("tunnelip", inside), textwrite.Quoted("user", user), textwrite.Quoted("group", "vpn-staff")}
	with := func(more ...textwrite.Pair) []textwrite.Pair {
		return append(common[:len(common):len(common)], more...)
	}
	return []*Entry{
		s.GatewayEvent(at, "0101039424", "vpn", "tunnel-up", "information", "SSL VPN tunnel up", with(textwrite.Quoted("reason", "tunnel established"), textwrite.Quoted("msg", "SSL tunnel established"))...),
		s.GatewayEvent(at.Add(last), "0101039425", "vpn", "tunnel-down", "information", "SSL VPN tunnel down",
			with(textwrite.Bare("duration", int(last.Seconds())), textwrite.Bare("sentbyte", out), textwrite.Bare("rcvdbyte", in), textwrite.Quoted("reason", "User requested termination of service"))...),
	}
}

// MailDelivered is a message that the mail relay handed on.
func (s *Scene) MailDelivered(at time.Time, sender, recipient, client, attachment string) *Entry {
	h := s.Mail
	if h == nil {
		return &Entry{at: at}
	}
	id := s.uid('4')[:11]
	return s.Line(TextLog{File: h.Name + "/mail.log", Host: h, Product: "syslog"}, at, func(t time.Time) string {
		extra := ""
		if attachment != "" {
			extra = " attachment=<" + attachment + ">"
		}
		return textwrite.Header(t, h.Name) + fmt.Sprintf("postfix/smtp[%d]: %s: to=<%s>, from=<%s>, client=[%s], relay=exchange[%s.16]:25, delay=0.8, dsn=2.6.0, status=sent (250 2.6.0 Queued mail for delivery)%s",
			2000+h.rng.IntN(3000), id, recipient, sender, client, s.Network.Inside, extra)
	}).Joins("mail:"+recipient, "attachment:"+attachment)
}
