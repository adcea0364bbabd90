package disclosure

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/netip"
	"os"
	"slices"
	"strings"

	"github.com/contrail-ir/contrail/casefile"
	"github.com/contrail-ir/contrail/ledger"
	"github.com/contrail-ir/contrail/marking"
)

// Redaction says how much of the victims' inside is cut from a release.
type Redaction string

// The levels. Without one, Inside holds for every audience but a victim that is told what is its own.
const (
	Names  Redaction = "names"  // who they are: members, contacts
	Inside Redaction = "inside" // and names of their hosts and users, and their addresses, as results in the case hold them
)

// Of gives the level that holds for an audience when none is asked for.
func (r Redaction) of(k marking.Kind) (Redaction, error) {
	switch r {
	case Names, Inside:
		return r, nil
	case "":
		if k == marking.Victim {
			return Names, nil
		}
		return Inside, nil
	}
	return "", fmt.Errorf("redaction %q: want %s or %s", r, Names, Inside)
}

// maxLearned bounds the values that are learned. A release that would have to be held against more cannot be drafted.
const maxLearned = 500_000

// Learned are values of the victims' inside: names of hosts and users, addresses. What the intruder owns is not among them.
type Learned struct {
	values map[string]string // value in lower case → sort
	theirs map[string]bool   // the intruder's
}

// NewLearned returns an empty set.
func NewLearned() *Learned { return &Learned{map[string]string{}, map[string]bool{}} }

// everywhere are names that every organisation has and that give nothing away.
var everywhere = []string{"system", "administrator", "root", "admin", "localhost", "guest", "anonymous", "anonymous logon", "nobody", "local service", "network service", "unknown", "service", "nt authority",
	"www-data", "daemon", "local", "user", "users", "host", "server", "window manager", "font driver host", "workgroup", "builtin", "the", "and"}

func (l *Learned) add(sort, value string) {
	v := strings.ToLower(strings.TrimSpace(value))
	if len(v) < minCutBytes || len(v) > 253 || slices.Contains(everywhere, v) || len(l.values) > maxLearned {
		return
	}
	if _, ok := l.values[v]; !ok {
		l.values[v] = sort
	}
}

// host learns a host's name, and its first label by itself.
func (l *Learned) host(name string) {
	if a, err := netip.ParseAddr(name); err == nil {
		l.address(a.String())
		return
	}
	l.add("host", name)
	if label, domain, ok := strings.Cut(name, "."); ok {
		if strings.ContainsAny(label, "0123456789-") || len(label) > 5 { // www and mail are everybody's
			l.add("host", label)
		}
		if strings.Contains(domain, ".") {
			l.add("host", domain)
		}
	}
}

func (l *Learned) user(name string) {
	domain, account, ok := strings.Cut(name, `\`)
	if !ok {
		domain, account = "", name
	}
	if at, of, ok := strings.Cut(account, "@"); ok {
		account, domain = at, of
	}
	if strings.HasPrefix(account, "S-1-") || strings.HasSuffix(account, "$") { // an identifier; a machine is a host
		l.add("host", strings.TrimSuffix(account, "$"))
		return
	}
	l.add("user", account)
	l.add("host", domain)
	l.add("user", name)
}

// address learns an address that only means something inside.
func (l *Learned) address(s string) {
	a, err := netip.ParseAddr(strings.Trim(s, "[]"))
	if err == nil && (a.Unmap().IsPrivate() || a.IsLinkLocalUnicast()) {
		l.add("address", a.Unmap().String())
	}
}

// Fields of events that name users and hosts.
var (
	userFields = []string{"user", "username", "targetusername", "subjectusername", "accountname", "account", "samaccountname", "cs-username", "c-username", "userid", "logonuser", "useridentity.username"}
	hostFields = []string{"computer", "hostname", "host", "workstation", "workstationname", "computername", "machinename", "targetservername", "agent.hostname", "destinationhostname"}
)

func (l *Learned) field(name string, v any) {
	switch v := v.(type) {
	case string:
		folded := strings.ToLower(name)
		switch {
		case slices.Contains(userFields, folded):
			l.user(v)
		case slices.Contains(hostFields, folded) && !strings.ContainsAny(v, "/ "):
			if folded != "host" && folded != "destinationhostname" || !strings.Contains(v, ".") {
				l.host(v)
			}
		default:
			l.address(v)
		}
	case []any:
		for _, x := range v {
			l.field(name, x)
		}
	case map[string]any:
		for k, x := range v {
			l.field(k, x)
		}
	}
}

// Findings learns from findings.jsonl.
func (l *Learned) Findings(r io.Reader) error {
	sc := bufio.NewScanner(r)
	sc.Buffer(make([]byte, 0, 64<<10), 16<<20)
	for n := 1; sc.Scan(); n++ {
		var f struct {
			Host    string         `json:"host"`
			Event   map[string]any `json:"event"`
			Matched map[string]any `json:"matched"`
		}
		if len(strings.TrimSpace(sc.Text())) == 0 {
			continue
		}
		if err := json.Unmarshal(sc.Bytes(), &f); err != nil {
			return fmt.Errorf("disclosure: learn from findings: line %d: %w", n, err)
		}
		l.host(f.Host)
		for k, v := range f.Event {
			l.field(k, v)
		}
		for k, v := range f.Matched {
			l.field(k, v)
		}
	}
	return sc.Err()
}

// Coverage learns from coverage.json, which lists every host.
func (l *Learned) Coverage(r io.Reader) error {
	var c struct {
		Orgs []struct {
			Hosts []struct {
				Host string `json:"host"`
			} `json:"hosts"`
		} `json:"orgs"`
	}
	if err := json.NewDecoder(io.LimitReader(r, 1<<30)).Decode(&c); err != nil {
		return fmt.Errorf("disclosure: learn from coverage: %w", err)
	}
	for _, o := range c.Orgs {
		for _, h := range o.Hosts {
			l.host(h.Host)
		}
	}
	return nil
}

// Trail learns from trail.json: hosts, accounts that the intruder did not make, addresses inside; and what is the intruder's.
func (l *Learned) Trail(r io.Reader) error {
	var t struct {
		Nodes []struct{ Kind, Host, Label string } `json:"nodes"`
		Hosts []struct {
			Host string `json:"host"`
		} `json:"hosts"`
		Accounts []struct {
			Account string `json:"account"`
			Made    bool   `json:"made"`
		} `json:"accounts"`
		Infrastructure []struct {
			Value string `json:"value"`
		} `json:"infrastructure"`
	}
	if err := json.NewDecoder(io.LimitReader(r, 1<<30)).Decode(&t); err != nil {
		return fmt.Errorf("disclosure: learn from a trail: %w", err)
	}
	for _, x := range t.Infrastructure {
		l.theirs[strings.ToLower(x.Value)] = true
	}
	for _, h := range t.Hosts {
		l.host(h.Host)
	}
	for _, a := range t.Accounts {
		if a.Made {
			l.theirs[strings.ToLower(a.Account)] = true
			if _, account, ok := strings.Cut(a.Account, `\`); ok {
				l.theirs[strings.ToLower(account)] = true
			}
			continue
		}
		l.user(a.Account)
	}
	for _, n := range t.Nodes {
		l.host(n.Host)
		switch n.Kind {
		case "address":
			l.address(n.Label)
		case "account":
			l.user(n.Label)
		case "host":
			l.host(n.Label)
		}
	}
	return nil
}

// Case learns from the results that a case holds: coverage and trails, and the findings of its sweeps where they still lie where they were
// imported from, unchanged. missing names the results that could not be read.
func (l *Learned) Case(ctx context.Context, c *casefile.Case) (missing []string, err error) {
	for _, kind := range []casefile.Kind{casefile.SweepImported, casefile.TrailImported} {
		imports, err := c.Imports(ctx, kind)
		if err != nil {
			return nil, err
		}
		for _, im := range imports {
			for _, f := range im.Files {
				var learn func(io.Reader) error
				switch {
				case f.Name == "findings.jsonl":
					learn = l.Findings
				case f.Name == "coverage.json":
					learn = l.Coverage
				case kind == casefile.TrailImported:
					learn = l.Trail
				default:
					continue
				}
				r, err := c.OpenImported(ctx, f)
				if errors.Is(err, fs.ErrNotExist) {
					r, err = openUnchanged(f)
				}
				if err != nil {
					missing = append(missing, f.Name)
					continue
				}
				if err := errors.Join(learn(r), r.Close()); err != nil {
					return missing, err
				}
			}
		}
	}
	return missing, nil
}

// openUnchanged opens a result where it was imported from, if it is still what it was.
func openUnchanged(f casefile.FileRef) (io.ReadCloser, error) {
	r, err := os.Open(f.Place)
	if err != nil {
		return nil, err
	}
	digest, _, err := ledger.DigestReader(r)
	if err == nil && digest != f.Digest {
		err = fmt.Errorf("%s is not what was imported", f.Name)
	}
	if err == nil {
		_, err = r.Seek(0, io.SeekStart)
	}
	if err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

// Cuts gives what was learned as values to be cut, whole words all of them.
func (l *Learned) Cuts() ([]Cut, error) {
	if len(l.values) > maxLearned {
		return nil, fmt.Errorf("disclosure: more than %d names and addresses would have to be cut: import the results that the release speaks of only", maxLearned)
	}
	var out []Cut
	for _, v := range slices.Sorted(maps.Keys(l.values)) {
		if !l.theirs[v] {
			out = append(out, Cut{Value: v, Sort: l.values[v], Whole: true})
		}
	}
	return out, nil
}
