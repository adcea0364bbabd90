package scene

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"time"
)

// Host is a computer or a network device. It draws process, logon and thread numbers as a machine gives them out.
type Host struct {
	scene    *Scene
	Name     string
	IP       string
	Role     string
	Critical bool
	Windows  bool
	Silent   bool           // its logs were not handed over
	NoSysmon bool           // whatever the others have
	Skew     time.Duration  // how far its clock is ahead
	Zone     *time.Location // of its text logs; nil is UTC
	rng      *rand.Rand
	recent   [64]uint32 // processes begun last
	resident []uint32   // ids of processes that never end
	begun    int
	boot     time.Time

	Services, LSASS, Svchost, WMI, Explorer, Server *Process // running since before the scene
}

// FQDN is the full name of the host.
func (h *Host) FQDN() string { return h.Name + "." + h.scene.Org.Domain }

func (h *Host) thread() uint32 { return 4 * uint32(200+h.rng.IntN(2000)) }

func (h *Host) pid() uint32 {
	for {
		pid := 4 * uint32(250+h.rng.IntN(15000))
		if !slices.Contains(h.recent[:], pid) && !slices.Contains(h.resident, pid) {
			h.recent[h.begun%len(h.recent)] = pid
			h.begun++
			return pid
		}
	}
}

// Account is somebody who can log on.
type Account struct {
	Name, domain, sid string
	admin             bool
}

// Full is the account with its domain, as Windows writes it.
func (a Account) Full() string { return a.domain + `\` + a.Name }

var (
	System         = Account{Name: "SYSTEM", domain: "NT AUTHORITY", sid: "S-1-5-18", admin: true}
	networkService = Account{Name: "NETWORK SERVICE", domain: "NT AUTHORITY", sid: "S-1-5-20"}
)

// Session is a logon on one host.
type Session struct {
	Account Account
	Host    *Host
	ID      uint64
	Kind    uint32 // logon type
	GUID    string
	console uint32 // terminal session
}

// Key joins records of one logon session.
func (se Session) Key() string { return fmt.Sprintf("logon:%s:%#x", se.Host.Name, se.ID) }

// Session is a logon of an account; kind is the logon type of Windows.
func (h *Host) Session(a Account, kind uint32) Session {
	id := uint64(0x3e7)
	switch a.sid {
	case networkService.sid:
		id = 0x3e4
	case System.sid:
	default:
		id = 0x10000 + h.rng.Uint64N(1<<32)
	}
	console := uint32(0)
	switch kind {
	case 2, 7:
		console = 1
	case 10:
		console = 2 + uint32(h.rng.IntN(3))
	}
	return Session{Account: a, Host: h, ID: id, Kind: kind, console: console,
		GUID: digestGUID(fmt.Sprint("logon", h.Name, id, h.scene.Seed))}
}

// Process is a running program.
type Process struct {
	Host    *Host
	PID     uint32
	GUID    string
	Image   string
	command string
	Session Session
	parent  *Process
	Begun   time.Time
}

// Key joins records of one process.
func (p *Process) Key() string { return "process:" + p.GUID }

// Resident is a process that was running before the scene began, so no record tells of its start.
func (h *Host) Resident(image, command string, se Session) *Process {
	p := h.process(h.boot, nil, image, command, se)
	h.resident = append(h.resident, p.PID)
	return p
}

func (h *Host) process(at time.Time, parent *Process, image, command string, se Session) *Process {
	p := &Process{Host: h, PID: h.pid(), Image: image, command: command, Session: se, parent: parent, Begun: at}
	sum := sha256.Sum256([]byte(h.Name))
	p.GUID = strings.ToUpper(fmt.Sprintf("%x-%04x-%04x-%04x-%012x", sum[:4],
		uint16(at.Unix()>>16), uint16(at.Unix()), uint16(h.rng.Uint32()), 0x1000000000+uint64(p.PID)))
	return p
}

// base is the file name of a Windows path.
func base(image string) string { return path.Base(strings.ReplaceAll(image, `\`, "/")) }

// program cuts the arguments off a command line that begins with a program.
func program(command string) string {
	command = strings.TrimPrefix(command, `"`)
	for _, end := range []string{".exe", ".dll"} {
		if i := strings.Index(strings.ToLower(command), end); i >= 0 {
			return command[:i+len(end)]
		}
	}
	return command
}

// PathKey joins records that speak of one file.
func (h *Host) PathKey(file string) string {
	return "path:" + h.Name + ":" + strings.ToLower(program(file))
}

// HashKey joins records of the same program on any host.
func (s *Scene) HashKey(image string) string { return "hash:" + s.Hash("SHA256", program(image)) }

// hashes makes the Hashes field of Sysmon.
func (s *Scene) hashes(image string) string {
	return "SHA1=" + s.Hash("SHA1", image)[:40] + ",MD5=" + s.Hash("MD5", image)[:32] +
		",SHA256=" + s.Hash("SHA256", image) + ",IMPHASH=" + s.Hash("IMPHASH", image)[:32]
}

// Hash makes a hash of a kind from a program's identity, which is its file name unless Identity said otherwise. It is
// fixed text; no real file has it.
func (s *Scene) Hash(kind, image string) string {
	name := strings.ToLower(base(image))
	if of, ok := s.identity[name]; ok {
		name = of
		if d := s.digests[of]; d[kind] != "" {
			return d[kind]
		}
	}
	sum := sha256.Sum256([]byte("contrail drill " + kind + " " + name))
	return strings.ToUpper(hex.EncodeToString(sum[:]))
}

func digestGUID(text string) string {
	sum := sha256.Sum256([]byte(text))
	b := sum[:16]
	return strings.ToUpper(fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:]))
}
