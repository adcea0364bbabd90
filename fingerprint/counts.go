package fingerprint

import (
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"math"
	"net/netip"
	"path"
	"regexp"
	"slices"
	"strings"
)

// Counter counts how common a thing is where the intruder was not: in the organisation's own history, in a baseline.
type Counter interface {
	// Count gives the hosts that show the value and all hosts that were looked at. Hosts of the intrusion are not among them.
	Count(kind Kind, value string) (seen, hosts int)
}

// TrailCounter is a Counter that counts habits in the trails of other intrusions.
type TrailCounter interface {
	Counter
	// Shared gives the intrusions that show the habit and all whose trails were looked at.
	Shared(kind Kind, value string) (shared, intrusions int)
}

// Rate counts every item with each counter, looks it up in the warning lists, and sets tier and weight anew. A person's approval of an
// item whose tier got better does not stand.
func (f *Fingerprint) Rate(lists *Warninglists, counters ...Counter) {
	f.count(counters)
	for i := range f.Items {
		it := &f.Items[i]
		before := it.Tier
		if lists != nil {
			it.Specificity.Lists = lists.Match(it.Kind, it.Value)
		}
		fixed := Tier("")
		for _, why := range it.Reasons {
			if t, ok := fixedTiers[why]; ok {
				fixed = t
			}
		}
		it.Reasons = slices.DeleteFunc(it.Reasons, func(why string) bool { return why == whyUncounted })
		it.rate()
		if tierRank[it.Tier] < tierRank[fixed] {
			it.Tier = fixed
			it.Specificity.Decibans = Weigh(it.Kind, it.Tier, it.Specificity)
		}
		if tierRank[it.Tier] < tierRank[before] {
			it.ApprovedBy = ""
		}
	}
	f.sort()
}

// count counts every item with each counter. What is counted anew replaces what was counted; hosts and intrusions are counted apart.
func (f *Fingerprint) count(counters []Counter) {
	var ofHosts []Counter
	var ofTrails []TrailCounter
	for _, c := range counters {
		if t, ok := c.(TrailCounter); ok {
			ofTrails = append(ofTrails, t)
		} else {
			ofHosts = append(ofHosts, c)
		}
	}
	for i := range f.Items {
		it := &f.Items[i]
		if ofHosts != nil {
			it.Specificity.Hosts, it.Specificity.Seen = 0, 0
		}
		for _, c := range ofHosts {
			seen, n := c.Count(it.Kind, it.Value)
			it.Specificity.Hosts += max(n, 0)
			it.Specificity.Seen += min(max(seen, 0), max(n, 0))
		}
	}
	if ofTrails != nil {
		f.CountHabits(func(i int) (shared, intrusions int) {
			for _, c := range ofTrails {
				s, n := c.Shared(f.Items[i].Kind, f.Items[i].Value)
				intrusions += max(n, 0)
				shared += min(max(s, 0), max(n, 0))
			}
			return shared, intrusions
		})
	}
}

// CountHabits sets, of every habit, in how many intrusions by others it was looked for and how many show it. While it counts, items have
// what they had. Weights and tiers stay as they were.
func (f *Fingerprint) CountHabits(count func(item int) (shared, intrusions int)) {
	sum, n := map[Kind]float64{}, map[Kind]float64{}
	for i := range f.Items {
		it := &f.Items[i]
		s := &it.Specificity
		if !it.Kind.Behaviour() {
			s.Intrusions, s.Shared, s.KindShared = 0, 0, 0
			continue
		}
		if s.Shared, s.Intrusions = count(i); s.Intrusions == 0 {
			s.KindShared = 0
		} else {
			sum[it.Kind] += float64(s.Shared) / float64(s.Intrusions)
			n[it.Kind]++
		}
	}
	for i := range f.Items {
		if it := &f.Items[i]; it.Specificity.Intrusions > 0 {
			it.Specificity.KindShared = math.Round(1000*sum[it.Kind]/n[it.Kind]) / 1000
		}
	}
}

// whyUncounted is taken back when something is counted.
const whyUncounted = "counted nowhere yet"

// Reasons that hold whatever is counted.
const (
	whyRelay   = "a device was told to hand traffic on to it: the intruder set it up, and others may pass through it as well"
	whyUnknown = "whether it is a first hop or a relay is not known"
	whyPublic  = "a program of the system or a public tool"
	// Such values may be a victim's or a bystander's.
	whyNotMarked = "the report does not mark it for detection"
	// Alone such a value is not what the report describes.
	whyTogether = "the report means it only together with others"
)

var fixedTiers = map[string]Tier{whyRelay: Supporting, whyUnknown: Supporting, whyPublic: NeverAlone, whyNotMarked: Supporting, whyTogether: Supporting}

// publicNames are programs that every Windows or Linux has, and tools that administrators and intruders alike take off the shelf.
var publicNames = words(`cmd powershell pwsh wscript cscript mshta rundll32 regsvr32 msbuild installutil certutil bitsadmin schtasks at sc net net1 nltest
whoami ipconfig systeminfo tasklist taskkill netstat ping nslookup arp route reg regedit wmic wevtutil vssadmin ntdsutil esentutl makecab expand
svchost services explorer lsass winlogon w3wp sqlservr conhost dllhost wmiprvse taskeng taskhostw msiexec curl wget ssh scp sftp bash sh dash zsh
python python3 perl php java node nc ncat netcat socat tar gzip zip unzip 7z 7za 7zr rar winrar rclone winscp filezilla megasync putty plink pscp
psexec psexesvc paexec psloggedon procdump procdump64 adfind sharphound bloodhound mimikatz rubeus lazagne secretsdump impacket wmiexec smbexec
nmap masscan advanced_ip_scanner angryip anydesk teamviewer screenconnect ngrok frpc frps chisel ligolo cloudflared tor cobaltstrike beacon
meterpreter sliver havoc empire apache2 httpd nginx sshd sudo su cron crond systemd init`)

// publicPipes are pipes that every Windows has.
var publicPipes = words(`wkssvc srvsvc lsarpc samr netlogon svcctl atsvc winreg spoolss epmapper browser ntsvcs eventlog lsass initshutdown w32time_alt trkwks protected_storage`)

func words(s string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(s) {
		m[w] = true
	}
	return m
}

func publicName(name string) bool {
	name = strings.ToLower(name[strings.LastIndexAny(name, `\/`)+1:])
	for _, e := range []string{".exe", ".com", ".dll", ".ps1", ".py", ".sh"} {
		name = strings.TrimSuffix(name, e)
	}
	return publicNames[name]
}

// publicTool says whether an item is no more than a program that anyone can get.
func publicTool(k Kind, value string) bool {
	switch k {
	case FileName, FilePath, Service:
		return publicName(value)
	case Pipe:
		return publicPipes[strings.ToLower(baseName(value))]
	case ProcessChain:
		parent, child, _ := strings.Cut(value, " > ")
		return publicName(parent) && publicName(child)
	case ToolSet:
		return true
	}
	return false
}

// Warninglists are lists of values that are well known and harmless, shared hosting among them, in the format of MISP.
type Warninglists struct{ lists []warninglist }

type warninglist struct {
	name     string
	exact    map[string]bool // also names: an entry holds for what is below it
	names    bool
	networks []netip.Prefix
	parts    []string
	patterns []*regexp.Regexp
}

const maxListBytes = 64 << 20

// ReadWarninglists reads every list.json below a folder, as MISP keeps them. A pattern that RE2 does not know is an error, because a list
// that is silently shorter makes items look rarer than they are.
func ReadWarninglists(fsys fs.FS) (*Warninglists, error) {
	w := &Warninglists{}
	err := fs.WalkDir(fsys, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path.Base(p) != "list.json" {
			return err
		}
		f, err := fsys.Open(p)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := w.add(f); err != nil {
			return fmt.Errorf("%s: %w", p, err)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("fingerprint: read warning lists: %w", err)
	}
	if len(w.lists) == 0 {
		return nil, fmt.Errorf("fingerprint: read warning lists: there is no list.json")
	}
	return w, nil
}

func (w *Warninglists) add(r io.Reader) error {
	b, err := io.ReadAll(io.LimitReader(r, maxListBytes+1))
	if err != nil {
		return err
	}
	if len(b) > maxListBytes {
		return fmt.Errorf("longer than %d bytes", maxListBytes)
	}
	var in struct {
		Name string   `json:"name"`
		Type string   `json:"type"`
		List []string `json:"list"`
	}
	if err := json.Unmarshal(b, &in); err != nil {
		return err
	}
	l := warninglist{name: in.Name, exact: map[string]bool{}}
	for _, e := range in.List {
		e = strings.TrimSpace(e)
		switch in.Type {
		case "cidr":
			if p, err := netip.ParsePrefix(e); err == nil {
				l.networks = append(l.networks, p.Masked())
			} else if a, err := netip.ParseAddr(e); err == nil {
				l.networks = append(l.networks, netip.PrefixFrom(a, a.BitLen()))
			}
		case "hostname":
			l.names = true
			l.exact[strings.Trim(strings.ToLower(e), ".")] = true
		case "substring":
			if e != "" {
				l.parts = append(l.parts, strings.ToLower(e))
			}
		case "regex":
			re, err := regexp.Compile(strings.Trim(e, "/"))
			if err != nil {
				return fmt.Errorf("pattern %.80q: %w", e, err)
			}
			l.patterns = append(l.patterns, re)
		default:
			l.exact[strings.ToLower(e)] = true
		}
	}
	w.lists = append(w.lists, l)
	return nil
}

// Match gives the names of the lists that hold a value, sorted. Of a URL and a mail address it looks up the host as well.
func (w *Warninglists) Match(k Kind, value string) []string {
	if kinds[k].behaviour {
		return nil
	}
	values := []string{strings.ToLower(value)}
	switch k {
	case URL:
		if _, rest, ok := strings.Cut(values[0], "://"); ok {
			host, _, _ := strings.Cut(rest, "/")
			values = append(values, strings.Split(host, ":")[0])
		}
	case EMail:
		values = append(values, values[0][strings.LastIndexByte(values[0], '@')+1:])
	}
	var out []string
	for i := range w.lists {
		if slices.ContainsFunc(values, w.lists[i].has) && !slices.Contains(out, w.lists[i].name) {
			out = append(out, w.lists[i].name)
		}
	}
	slices.Sort(out)
	return out
}

func (l *warninglist) has(v string) bool {
	if l.exact[v] {
		return true
	}
	if l.names {
		for rest := v; ; {
			_, parent, more := strings.Cut(rest, ".")
			if !more {
				break
			}
			if l.exact[parent] {
				return true
			}
			rest = parent
		}
	}
	if a, err := netip.ParseAddr(v); err == nil {
		for _, p := range l.networks {
			if p.Contains(a) {
				return true
			}
		}
	}
	for _, p := range l.parts {
		if strings.Contains(v, p) {
			return true
		}
	}
	for _, re := range l.patterns {
		if re.MatchString(v) {
			return true
		}
	}
	return false
}

// PublicProgram says whether a program, by its name or path, is one that every Windows or Linux has, or a tool that anyone can get.
func PublicProgram(path string) bool { return publicName(path) }
