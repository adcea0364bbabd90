package background

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/contrail-ir/contrail/drill/scene"
)

// deskWork: at their workstations people read mail, write documents and browse.
func (s life) deskWork(r *rand.Rand, day int) {
	if s.Weekend(day) {
		return
	}
	edge := `C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe`
	office := `C:\Program Files\Microsoft Office\root\Office16\`
	for _, h := range s.Desks {
		se := h.Explorer.Session
		begin := s.Between(r, day, 6, 8)
		s.Logon(begin, se, scene.Endpoint{}, "")
		outlook, _ := s.Run(begin.Add(time.Minute), h.Explorer, office+"OUTLOOK.EXE", `"`+office+`OUTLOOK.EXE"`, se)
		browser, _ := s.Run(begin.Add(2*time.Minute), h.Explorer, edge, `"`+edge+`" --profile-directory=Default`, se)
		for range s.OftenByHand(r, day, 5) {
			at := s.Between(r, day, 9, 17)
			switch r.IntN(4) {
			case 0:
				file := fmt.Sprintf(`C:\Users\%s\AppData\Local\Microsoft\Windows\INetCache\Content.Outlook\Q7K2M1XD\roster-%d.docx`, se.Account.Name, r.IntN(400))
				s.Create(at, outlook, file)
				word, _ := s.Run(at.Add(2*time.Second), outlook, office+"WINWORD.EXE", `"`+office+`WINWORD.EXE" /n "`+file+`"`, se)
				s.End(at.Add(time.Duration(3+r.IntN(20))*time.Minute), word)
			default:
				site := pick(r, []string{"www.example.com", "news.example.org", "weather.example.net", "intranet." + s.Org.Domain, "docs.example.com", "travel.example.org", "mail.example.com"})
				ip := address(s.Scene, site)
				s.Resolve(at, browser, site, "::ffff:"+ip+";")
				s.Talk(browser, scene.Flow{At: at.Add(30 * time.Millisecond), From: h.Here(), To: scene.Peer(ip, site, 443), User: se.Account.Name, Client: "edge",
					Out: 900 + r.Int64N(9000), In: 9000 + r.Int64N(900000), Last: time.Duration(1+r.IntN(60)) * time.Second})
			}
		}
		s.End(s.At(day, 17, 10+r.IntN(40), r.IntN(60)), browser)
		s.End(s.At(day, 17, 51, r.IntN(60)), outlook)
	}
}

// mail: what the relay hands on.
func (s life) mail(r *rand.Rand, day int) {
	for range s.OftenByHand(r, day, 10) {
		to := pick(r, s.Cast.Agents) + "@" + s.Org.Domain
		attachment := ""
		if r.IntN(4) == 0 {
			attachment = pick(r, []string{"invoice.pdf", "roster.xlsx", "itinerary.pdf", "minutes.docx"})
		}
		s.MailDelivered(s.Between(r, day, 5, 22), pick(r, []string{"news@travel.example.org", "orders@example.com", "crew@partner-air.example", "desk@hotels.example"}), to, s.Public(r), attachment)
	}
}

// deployment: software is spread from the domain controller's share by services made from afar, as an intruder would do it.
func (s life) deployment(r *rand.Rand, day int) {
	if s.Files == nil || s.At(day, 0, 0, 0).Weekday() != time.Thursday {
		return
	}
	account := s.Person("svc-deploy", 1158, true)
	var seen []*scene.Entry
	for i, h := range s.Machines() {
		if h == s.Files || h == s.DC {
			continue
		}
		at := s.At(day, 20, 2+3*i, r.IntN(60))
		from := s.Files.Here()
		se := h.Session(account, 3)
		image := `C:\Program Files\FleetDeploy\fdserver.exe`
		p, _ := s.Run(at, s.Files.Services, image, `"`+image+`" push --host `+h.Name+` --package office-fonts`, s.Files.Session(account, 5))
		seen = append(seen, s.Connect(at.Add(time.Second), p, true, from, scene.Peer(h.IP, h.FQDN(), 445)))
		seen = append(seen, s.Logon(at.Add(1100*time.Millisecond), se, from, s.Files.Name)...)
		seen = append(seen, s.Share(at.Add(2*time.Second), se, from, "ADMIN$", `\??\C:\Windows`, `FDRunner.exe`, 0x2)...)
		seen = append(seen, s.Service(at.Add(3*time.Second), se, h, "FleetDeployRunner", `C:\Windows\FDRunner.exe`, "demand start")...)
		_, ran := s.Run(at.Add(4*time.Second), h.Services, `C:\Windows\FDRunner.exe`, `C:\Windows\FDRunner.exe --package office-fonts`, h.Session(scene.System, 5))
		seen = append(append(seen, ran...), s.Logoff(at.Add(40*time.Second), se))
		s.End(at.Add(time.Minute), p)
	}
	if s.Busy(day) {
		s.Decoy("software deployed to all hosts by share and service", seen...)
	}
}
