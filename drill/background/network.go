package background

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/contrail-ir/contrail/drill/scene"
	"github.com/contrail-ir/contrail/drill/textwrite"
)

var browsers = []string{
	"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/122.0.0.0 Safari/537.36",
	"Mozilla/5.0 (iPhone; CPU iPhone OS 17_3 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.3 Mobile/15E148 Safari/604.1",
	"Mozilla/5.0 (X11; Linux x86_64; rv:123.0) Gecko/20100101 Firefox/123.0",
	"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.2 Safari/605.1.15",
	"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/121.0.0.0 Safari/537.36 Edg/121.0.0.0",
}

func locator(r *rand.Rand) string {
	b := make([]byte, 6)
	for i := range b {
		b[i] = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"[r.IntN(32)]
	}
	return string(b)
}

// bookingPage is a request as customers make it.
func bookingPage(r *rand.Rand) textwrite.Request {
	q := textwrite.Request{Method: "GET", Agent: pick(r, browsers), Status: 200, Bytes: int64(2000 + r.IntN(60000))}
	switch r.IntN(6) {
	case 0:
		q.Path, q.Query = "/booking/search.aspx", fmt.Sprintf("from=%s&to=%s&adults=%d", pick(r, cities), pick(r, cities), 1+r.IntN(4))
	case 1:
		q.Path, q.Query = "/booking/manage.aspx", "pnr="+locator(r)
	case 2:
		q.Method, q.Path, q.Bytes = "POST", "/booking/pay.aspx", int64(900+r.IntN(2000))
	case 3:
		q.Path, q.Status = fmt.Sprintf("/booking/content/img/%d.webp", r.IntN(400)), 304
	case 4:
		q.Method, q.Path = "POST", "/booking/checkin.aspx"
	default:
		q.Path = "/"
	}
	return q
}

var cities = []string{"AMS", "CDG", "FRA", "JFK", "LHR", "NRT", "PEK", "SIN", "SYD", "YYZ"}

// portal: the loyalty portal's own visitors.
func (s life) portal(r *rand.Rand, day int) {
	if s.Portal == nil || !s.Network.WebLogs {
		return
	}
	for range s.Often(r, day, 24) {
		q := textwrite.Request{Method: "GET", Path: pick(r, []string{"/", "/login", "/miles", "/offers", "/static/app.js", "/api/v1/balance"}), Agent: pick(r, browsers), Status: 200, Bytes: int64(500 + r.IntN(30000))}
		s.Visit(s.Between(r, day, 0, 24), s.Portal, q, scene.Peer(s.Public(r), "", uint16(1024+r.IntN(60000))))
	}
}

// internetNoise: whoever scans the internet tries known holes and passwords here too, and gets nothing.
func (s life) internetNoise(r *rand.Rand, day int) {
	paths := []string{"/.env", "/wp-login.php", "/cgi-bin/luci", "/vendor/phpunit/phpunit/src/Util/PHP/eval-stdin.php", "/owa/auth/logon.aspx", "/autodiscover/autodiscover.json",
		"/booking/content/upload.aspx", "/actuator/env", "/solr/admin/info/system", "/boaform/admin/formLogin"}
	for range s.OftenByHand(r, day, 4) {
		from := s.Public(r)
		at := s.Between(r, day, 0, 23)
		var tried []*scene.Entry
		for i := range 2 + r.IntN(6) {
			q := textwrite.Request{Method: "GET", Path: pick(r, paths), Agent: pick(r, []string{"python-requests/2.31.0", "Go-http-client/1.1", "curl/8.4.0", "Mozilla/5.0 zgrab/0.x"}), Status: 404, Bytes: 1245}
			h := s.Web
			if i%2 == 1 && s.Portal != nil {
				h = s.Portal
			}
			tried = append(tried, s.Visit(at.Add(time.Duration(i)*700*time.Millisecond), h, q, scene.Peer(from, "", uint16(30000+r.IntN(30000))))...)
		}
		if day == s.BusyFrom && len(tried) > 0 {
			s.Decoy("scanning of web servers from the internet, refused", tried...)
		}
	}
	if s.Gateway == nil {
		return
	}
	for range s.OftenByHand(r, day, 2) {
		from, at := s.Public(r), s.Between(r, day, 0, 23)
		var tried []*scene.Entry
		for i := range 6 + r.IntN(10) {
			user := pick(r, append([]string{"admin", "test", "guest", "vpnuser", "backup", "info", "support"}, s.Cast.Agents...))
			tried = append(tried, s.GatewayEvent(at.Add(time.Duration(i*(9+r.IntN(30)))*time.Second), "0101039426", "vpn", "ssl-login-fail", "alert", "SSL VPN login fail",
				textwrite.Quoted("tunneltype", "ssl-web"), textwrite.Bare("remip", from), textwrite.Quoted("user", user), textwrite.Quoted("reason", "sslvpn_login_unknown_user"), textwrite.Quoted("msg", "SSL user failed to logged in")))
		}
		if day == s.BusyFrom+1 {
			s.Decoy("passwords sprayed at the remote access gateway from the internet, refused", tried...)
		}
	}
	if s.Network.Firewall != "" {
		for range s.OftenByHand(r, day, 8) {
			s.Flow(scene.Flow{At: s.Between(r, day, 0, 24), From: scene.Peer(s.Public(r), "", uint16(1024+r.IntN(60000))), To: scene.Peer(s.Web.IP, "", pick(r, []uint16{22, 23, 445, 3389, 8080, 5900})), Refused: true})
		}
	}
}

// remoteAccess: staff work from elsewhere through the gateway.
func (s life) remoteAccess(r *rand.Rand, day int) {
	if s.Gateway == nil {
		return
	}
	for range s.OftenByHand(r, day, 3) {
		who := pick(r, s.Agents())
		at := s.Between(r, day, 6, 19)
		home := s.Public(s.Random("home/" + who.Name)) // from one place mostly
		if r.IntN(8) == 0 {
			home = s.Public(r)
		}
		last := time.Duration(20+r.IntN(200)) * time.Minute
		s.Tunnel(at, who.Name, home, fmt.Sprintf("%s.%d", s.Network.Desks, 200+r.IntN(40)), last, int64(1e6+r.IntN(4e7)), int64(1e6+r.IntN(9e7)))
	}
}

// steadyCalls: what calls home at an even pace and is innocent: clocks, telemetry, monitoring.
func (s life) steadyCalls(r *rand.Rand, day int) {
	if s.Network.Zeek == "" && s.Network.Firewall == "" {
		return
	}
	minutes := 720
	if s.Busy(day) {
		minutes = max(5, 60/s.Scale)
	}
	monitor := "collect.fleet-monitor.example"
	for i, h := range []*scene.Host{s.Web, s.App, s.DB} {
		for at := s.At(day, 0, i, 10+r.IntN(20)); at.Before(s.At(day+1, 0, 0, 0)); at = at.Add(time.Duration(minutes)*time.Minute + time.Duration(r.IntN(4000))*time.Millisecond) {
			s.Flow(scene.Flow{At: at, From: h.Here(), To: scene.Peer(address(s.Scene, "time.example.net"), "time.example.net", 123), UDP: true, Last: 20 * time.Millisecond, Out: 48, In: 48})
			s.Flow(scene.Flow{At: at.Add(9 * time.Second), From: h.Here(), To: scene.Peer(address(s.Scene, monitor), monitor, 443), Last: 700 * time.Millisecond, Out: 1900 + int64(r.IntN(200)), In: 480, Client: "monitor", Cert: "CN=fleet-monitor,O=Operations"})
		}
	}
}

// cloudBackup: every night many gigabytes leave, by contract.
func (s life) cloudBackup(r *rand.Rand, day int) {
	if s.Files == nil {
		return
	}
	at := s.At(day, 2, 10+r.IntN(10), r.IntN(60))
	image := `C:\Program Files\VaultKeeper\vkagent.exe`
	p, _ := s.Run(at, s.Files.Services, image, `"`+image+`" --job nightly --target vault.backup-cloud.example`, s.Files.Session(scene.System, 5))
	name := "vault.backup-cloud.example"
	ip := address(s.Scene, name)
	asked := s.Resolve(at.Add(time.Second), p, name, "::ffff:"+ip+";")
	var sent []*scene.Entry
	for i := range 3 {
		sent = append(sent, s.Talk(p, scene.Flow{At: at.Add(time.Duration(2+i*600) * time.Second), From: s.Files.Here(), To: scene.Peer(ip, name, 443), Last: 9 * time.Minute,
			Out: 2_000_000_000 + r.Int64N(3_000_000_000), In: 4_000_000 + r.Int64N(1_000_000), Client: "vkagent", Cert: "CN=VaultKeeper Node"}))
	}
	s.End(at.Add(31*time.Minute), p)
	if day == s.BusyFrom+2 {
		s.Decoy("the nightly backup to a storage provider under contract", append(sent, asked)...)
	}
}

// networkCare: the administrator looks at the router, and now and then changes it.
func (s life) networkCare(r *rand.Rand, day int) {
	if s.Router == nil {
		return
	}
	for i := range s.OftenByHand(r, day, 5) {
		s.Device(s.Between(r, day, 0, 23), fmt.Sprintf("%%LINK-3-UPDOWN: Interface GigabitEthernet0/0/%d, changed state to %s", i%4, pick(r, []string{"up", "down"})))
	}
	if s.Weekend(day) || s.OftenByHand(r, day, 2) == 0 {
		return
	}
	at := s.Between(r, day, 8, 16)
	login := s.DeviceLogin(at, "netops", s.Admin.IP, true)
	if r.IntN(3) == 0 {
		s.DeviceLogin(at.Add(-9*time.Second), "netops", s.Admin.IP, false)
	}
	seen := s.Command(at.Add(4*time.Second), "netops", s.Admin.IP, false, "show ip interface brief", "show logging", "show running-config")
	if day == s.BusyFrom+4 || r.IntN(9) == 0 {
		seen = append(seen, s.Command(at.Add(3*time.Minute), "netops", s.Admin.IP, true, "configure terminal", "interface GigabitEthernet0/0/2", "description uplink to terminal 2", "end", "write memory")...)
	}
	if day == s.BusyFrom+4 {
		s.Decoy("the administrator reads and changes the router's configuration in office hours", append(seen, login)...)
	}
}

// reservations: what the application asks of the database all day.
func (s life) reservations(r *rand.Rand, day int) {
	statements := []textwrite.Statement{
		{Class: "READ", Command: "SELECT", Object: "public.booking", SQL: "SELECT * FROM booking WHERE locator = $1"},
		{Class: "READ", Command: "SELECT", Object: "public.passenger", SQL: "SELECT surname, given FROM passenger WHERE booking_id = $1"},
		{Class: "WRITE", Command: "INSERT", Object: "public.booking", SQL: "INSERT INTO booking (locator, flight, created) VALUES ($1, $2, now())"},
		{Class: "WRITE", Command: "UPDATE", Object: "public.travel_document", SQL: "UPDATE travel_document SET number = $1 WHERE passenger_id = $2"},
	}
	for range s.Often(r, day, 30) {
		st := pick(r, statements)
		st.User, st.Client, st.Application = "svc-res", s.App.IP, "res-server"
		s.Statement(s.Between(r, day, 0, 24), st)
	}
}

// inventoryScan: once a week the security team's scanner looks at every server.
func (s life) inventoryScan(r *rand.Rand, day int) {
	if s.Network.Zeek == "" || s.At(day, 0, 0, 0).Weekday() != time.Sunday {
		return
	}
	at := s.At(day, 4, r.IntN(30), 0)
	scanner := s.Network.Inside + ".60"
	var seen []*scene.Entry
	for i, h := range s.Machines() {
		for k, port := range []uint16{22, 80, 135, 443, 445, 1433, 3389, 5432, 5985} {
			seen = append(seen, s.Flow(scene.Flow{At: at.Add(time.Duration(i*40+k) * time.Second), From: scene.Peer(scanner, "", uint16(40000+r.IntN(20000))), To: scene.Peer(h.IP, h.FQDN(), port), Refused: k%3 == 0, Last: time.Second})...)
		}
	}
	if s.Busy(day) {
		s.Decoy("the security team's weekly scan of all servers", seen...)
	}
}

// supplierCare: the supplier's support agent asks every day whether there is an update.
func (s life) supplierCare(r *rand.Rand, day int) {
	c := s.Cast
	if c.Supplier == "" || s.Network.Outside == "" {
		return
	}
	h := s.App
	folder := `C:\Program Files\` + c.Supplier + `\Agent\`
	at := s.Between(r, day, 1, 22)
	p, _ := s.Run(at, h.Services, folder+"agent.exe", `"`+folder+`agent.exe" --check`, h.Session(scene.System, 5))
	s.Resolve(at.Add(time.Second), p, c.SupplierDomain, "::ffff:"+c.SupplierAddress+";")
	s.Talk(p, scene.Flow{At: at.Add(2 * time.Second), From: h.Here(), To: scene.Peer(c.SupplierAddress, c.SupplierDomain, 80), Method: "GET", URI: "/agent/version", Agent: "SupportAgent/5.2", Out: 380, In: 640, Mime: "text/plain"})
	s.End(at.Add(8*time.Second), p)
}
