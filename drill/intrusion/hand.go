// Package intrusion plays an intruder into a scene: a scenario says how he comes in, a Hand how he works and a Kit what
// he brings. Every step is an action of the truth, with its causes and its records.
//
// A Hand is habit: it stays when everything else is built anew. A Kit is names, addresses and programs: it is drawn from
// a stream of random numbers, so that nothing can be tuned to it. The package refuses to bring anything that works: programs
// are look-alikes, commands are text in records.
package intrusion

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/contrail-ir/contrail/drill/scene"
)

// Scenario is a way in.
type Scenario string

// The scenarios, each after what public reports tell of intrusions into airlines and those who serve them.
const (
	WebExploit   Scenario = "web-exploit"   // a hole in the booking site
	VPNAppliance Scenario = "vpn-appliance" // a mass-exploited remote access gateway
	SpearPhish   Scenario = "spear-phish"   // a letter to an agent
	Supplier     Scenario = "supplier"      // the update of a supplier's remote support agent
)

// Scenarios lists them.
func Scenarios() []Scenario { return []Scenario{WebExploit, VPNAppliance, SpearPhish, Supplier} }

// Hand is how an intruder works.
type Hand struct {
	Opens, Closes int // working hours, UTC
	Weekends      bool
	Pause         time.Duration // between commands, about
	Rest          time.Duration // between stages, about
	Shell         int           // how a command line is started
	Fetch         string        // what downloads: certutil, curl, powershell, bitsadmin
	Folder        string        // where he puts things, with the kit's folder name in it
	Staging       string        // below it
	Discovery     []string
	Persistence   [2]string // service, task, runkey, wmi
	Spread        [2]string // share-service, wmi, winrm, task
	Credentials   [2]string // comsvcs, lsass, hives, dumper
	Dump          string    // psql, pg_dump, copy, bulk
	Pack          string    // 7z, rar, zip, tar
	PackFlags     string
	Volume        int    // megabytes of a volume; 0: one file
	Send          string // rclone, curl, bits, implant
	Cover         string // del, clear, wipe, none
	Beacon        time.Duration
	Jitter        float64 // part of the interval
	BeaconBytes   int64
}

// hands have nothing in common with each other. NewHand mixes them no further, so that two are never half alike.
var hands = [...]Hand{
	{Opens: 1, Closes: 9, Pause: 25 * time.Second, Rest: 70 * time.Minute, Shell: 0, Fetch: "certutil", Folder: `C:\ProgramData\%s\`, Staging: `tmp\`,
		Discovery:   []string{`whoami /all`, `ipconfig /all`, `net group "Domain Admins" /domain`, `nltest /dclist:%s`, `netstat -ano`},
		Persistence: [2]string{"service", "task"}, Spread: [2]string{"share-service", "wmi"}, Credentials: [2]string{"comsvcs", "hives"}, Dump: "psql",
		Pack: "7z", PackFlags: "a -t7z -mhe=on -p%s -v500m", Volume: 500, Send: "rclone", Cover: "del", Beacon: 31 * time.Minute, Jitter: 0.1, BeaconBytes: 720},
	{Opens: 6, Closes: 15, Pause: 70 * time.Second, Rest: 150 * time.Minute, Shell: 1, Fetch: "curl", Folder: `C:\Users\Public\%s\`, Staging: `cache\`,
		Discovery:   []string{`systeminfo`, `tasklist /svc`, `net view /all`, `quser`, `dsquery computer -limit 0`},
		Persistence: [2]string{"task", "runkey"}, Spread: [2]string{"wmi", "task"}, Credentials: [2]string{"hives", "dumper"}, Dump: "pg_dump",
		Pack: "rar", PackFlags: "a -hp%s -m5 -v200m", Volume: 200, Send: "curl", Cover: "clear", Beacon: 53 * time.Minute, Jitter: 0.3, BeaconBytes: 2100},
	{Opens: 13, Closes: 22, Weekends: true, Pause: 9 * time.Second, Rest: 100 * time.Minute, Shell: 2, Fetch: "powershell", Folder: `C:\Windows\Temp\%s\`, Staging: `a\`,
		Discovery:   []string{`net localgroup administrators`, `arp -a`, `route print`, `net share`, `setspn -q */*`},
		Persistence: [2]string{"wmi", "service"}, Spread: [2]string{"winrm", "share-service"}, Credentials: [2]string{"lsass", "comsvcs"}, Dump: "copy",
		Pack: "zip", PackFlags: "-CompressionLevel Fastest", Volume: 0, Send: "implant", Cover: "wipe", Beacon: 19 * time.Minute, Jitter: 0.2, BeaconBytes: 330},
	{Opens: 17, Closes: 1, Pause: 3 * time.Minute, Rest: 2 * time.Hour, Shell: 3, Fetch: "bitsadmin", Folder: `C:\PerfLogs\%s\`, Staging: `Admin\`,
		Discovery:   []string{`net user /domain`, `net accounts /domain`, `cmdkey /list`, `wmic qfe list brief`, `query session`},
		Persistence: [2]string{"runkey", "wmi"}, Spread: [2]string{"task", "winrm"}, Credentials: [2]string{"dumper", "lsass"}, Dump: "bulk",
		Pack: "tar", PackFlags: "-czf", Volume: 0, Send: "bits", Cover: "none", Beacon: 90 * time.Minute, Jitter: 0.05, BeaconBytes: 5400},
}

// Hands gives the hands in an order drawn from r: any two are different in every habit.
func Hands(r *rand.Rand) []Hand {
	out := make([]Hand, len(hands))
	shift := r.IntN(24) // where in the day the first one lives
	for i, k := range r.Perm(len(hands)) {
		h := hands[k]
		h.Opens, h.Closes = (h.Opens+shift)%24, (h.Closes+shift)%24
		h.Beacon = time.Duration(float64(h.Beacon) * (0.8 + 0.4*r.Float64())).Round(time.Second)
		h.BeaconBytes += r.Int64N(h.BeaconBytes / 4)
		out[i] = h
	}
	return out
}

// Works says whether the hand works at a moment.
func (h Hand) Works(t time.Time) bool {
	if d := t.Weekday(); !h.Weekends && (d == time.Saturday || d == time.Sunday) {
		return false
	}
	if h.Opens < h.Closes {
		return t.Hour() >= h.Opens && t.Hour() < h.Closes
	}
	return t.Hour() >= h.Opens || t.Hour() < h.Closes
}

// Kit is what an intruder brings: no two have a value in common.
type Kit struct {
	Name           string // the implant's, as its service is called
	File           string
	Folder         string
	Service, Shown string
	Task, Pipe     string
	RunValue       string
	Control, Drop  string // names
	ControlIP      string
	DropIP         string
	From, Relay    string // where he comes from, and an address that only passes on
	Account        string // that he makes
	Page           string // that he leaves on a web server
	Mutex          string
	Agent          string // user agent
	URI            string
	Identity       string // what the implant's hash is made from
	Password       string
	Sender, Lure   string
	Certificate    string
	Build          string // a sentence in the implant
}

// Names keeps what was drawn, so that it is not drawn again.
type Names map[string]bool

func (n Names) draw(one func() string) string {
	for {
		if v := one(); !n[v] {
			n[v] = true
			return v
		}
	}
}

func pick[T any](r *rand.Rand, from ...T) T { return from[r.IntN(len(from))] }

var first = strings.Fields("Fleet Crew Gate Cargo Slot Turn Ramp Baggage Fare Wing Jet Apron Hangar Cabin Route Tariff Meal Seat Tower Stand Fuel Taxi Pier Dispatch Catering Lounge Manifest")
var second = strings.Fields("Sync Cache Telemetry Agent Host Broker Helper Relay Update Monitor Index Bridge Queue Loader Notify Watch Spool Print Report Health")

// NewKit draws a kit.
func NewKit(r *rand.Rand, taken Names) Kit {
	word := func() string { return taken.draw(func() string { return pick(r, first...) + pick(r, second...) }) }
	lower := strings.ToLower
	ip := func() string { return taken.draw(func() string { return scene.Public(r) }) }
	name := func() string {
		return taken.draw(func() string {
			label := lower(pick(r, first...)) + pick(r, "-", "") + lower(pick(r, second...))
			return pick(r, "cdn", "api", "static", "img", "assets", "sync", "login", "edge") + "." + label + pick(r, ".example", ".example.net", ".example.org", ".example.com")
		})
	}
	k := Kit{Name: word(), Folder: word(), Control: name(), Drop: name(), ControlIP: ip(), DropIP: ip(), From: ip(), Relay: ip()}
	k.File = lower(k.Name) + pick(r, ".exe", "svc.exe", "32.exe", "hlp.exe")
	k.Service, k.Shown = word(), "Windows "+pick(r, first...)+" "+pick(r, second...)+" Service"
	k.Task = fmt.Sprintf(`\Microsoft\Windows\%s\%s`, word(), pick(r, "Refresh", "Maintenance", "Sync", "Logon"))
	k.Pipe = `\` + lower(word()) + pick(r, "-ctl", ".srv", "_io", "pipe")
	k.RunValue, k.Mutex = word(), `Global\`+taken.draw(func() string { return fmt.Sprintf("%08x-%04x", r.Uint32(), r.IntN(65536)) })
	k.Account = taken.draw(func() string {
		return pick(r, "svc-", "adm-", "sql", "sys.", "bk_") + lower(pick(r, first...)) + fmt.Sprint(r.IntN(90)+10)
	})
	k.Page = lower(word()) + pick(r, ".aspx", ".ashx", ".asmx")
	k.Agent = taken.draw(func() string {
		return fmt.Sprintf("Mozilla/5.0 (Windows NT 10.0; %s) %s/%d.%d", pick(r, "WOW64", "Win64; x64"), word(), 1+r.IntN(9), r.IntN(90))
	})
	k.URI = "/" + lower(word()) + pick(r, "/v1/ping", "/status", "/check", "/i.gif")
	k.Identity = fmt.Sprintf("implant %x", r.Uint64())
	k.Password = taken.draw(func() string { return pick(r, first...) + fmt.Sprint(1000+r.IntN(9000)) + pick(r, "!", "#", "_") })
	k.Sender = taken.draw(func() string {
		return lower(pick(r, first...)) + "@" + lower(pick(r, second...)) + "-" + lower(pick(r, first...)) + ".example"
	})
	k.Lure = taken.draw(func() string {
		return pick(r, "Roster", "Delay-Claim", "Schedule", "Refund", "Crew-Notice") + fmt.Sprintf("-%04d", r.IntN(10000))
	})
	k.Certificate = "CN=" + word() + ",O=" + pick(r, first...)
	k.Build = fmt.Sprintf(`D:\build\%s\%s\x64\Release\%s.pdb`, lower(word()), lower(pick(r, second...)), lower(k.Name))
	return k
}

// Indicators are the values by which the kit can be known.
func (k Kit) Indicators() map[string][]string {
	return map[string][]string{"domain": {k.Control, k.Drop}, "ip": {k.ControlIP, k.DropIP, k.From}, "user_agent": {k.Agent}, "mutex": {k.Mutex}}
}

// Hole is what a mass-exploited product has: it is the same for everybody who uses it.
type Hole struct {
	Path, Query string // of the booking site
	Crash       string // what the gateway logs
	Supplier    string // whose agent it is
	Domain      string // where its updates come from
	Address     string
	Folder      string // of its agent
}

// NewHole draws one.
func NewHole(r *rand.Rand, taken Names) Hole {
	name := taken.draw(func() string { return pick(r, first...) + pick(r, "Care", "Support", "Desk", "Link", "Works") })
	return Hole{Path: "/booking/content/" + strings.ToLower(pick(r, second...)) + ".aspx", Query: fmt.Sprintf("%s=%s&s=%x", pick(r, "handler", "op", "view"), pick(r, "import", "render", "export"), r.Uint32()),
		Crash:    fmt.Sprintf("Pid: %05d, application: sslvpnd, Signal 11 received, Backtrace: [0x%x] => /bin/sslvpnd", 200+r.IntN(9000), 0x400000+r.IntN(0x900000)),
		Supplier: name, Domain: "update." + strings.ToLower(name) + ".example", Address: taken.draw(func() string { return scene.Public(r) }), Folder: `C:\Program Files\` + name + `\Agent\`}
}
