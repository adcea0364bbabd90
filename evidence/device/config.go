package device

import (
	"bytes"
	"slices"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/evidence/lines"
	"github.com/contrail-ir/contrail/evidence/message"
)

// Config reads configurations and the output of show and display commands: of Cisco IOS, NX-OS, XR and ASA, Huawei VRP and H3C
// Comware by indentation, of Junos with braces or as set commands, of FortiOS. A statement is a row with the path of its sections,
// and says which of the things an intruder changes it is about.
type Config struct{}

// Name implements event.Format.
func (Config) Name() string { return "device-config" }

// signs are what lines of configurations begin with, by the dialect they tell; at most one sign counts per text.
var signs = []struct {
	dialect dialect
	text    string
}{
	{ios, "hostname "}, {ios, "interface "}, {ios, "username "}, {ios, "enable secret"}, {ios, "enable password"}, {ios, "line vty"}, {ios, "line con"}, {ios, "router "}, {ios, "ip route "}, {ios, "crypto "}, {ios, "access-list "},
	{ios, "snmp-server "}, {ios, "service "}, {ios, "ntp server"}, {ios, "aaa "}, {ios, "spanning-tree "}, {ios, "logging "}, {ios, "boot system"}, {ios, "ip http"}, {ios, "version "}, {ios, " ip address "}, {ios, "nameif "}, {ios, " nameif "},
	{ios, "Building configuration"}, {ios, "Current configuration"}, {ios, "monitor session"}, {ios, "feature "}, {ios, "ASA Version"}, {ios, " no shutdown"}, {ios, " switchport "}, {ios, "vrf "}, {ios, "ip domain"}, {ios, "no ip "}, {ios, "object network"}, {ios, "nat ("}, {ios, ": Saved"},
	{vrp, "sysname "}, {vrp, " sysname "}, {vrp, "local-user "}, {vrp, " local-user "}, {vrp, "user-interface "}, {vrp, "undo "}, {vrp, " undo "}, {vrp, "info-center "}, {vrp, "return"}, {vrp, "snmp-agent"}, {vrp, "observe-port"}, {vrp, "acl number"}, {vrp, "stelnet "}, {vrp, "ip route-static"}, {vrp, "mirroring-group"},
	{braces, "system {"}, {braces, "interfaces {"}, {braces, "routing-options {"}, {braces, "protocols {"}, {braces, "policy-options {"}, {braces, "security {"}, {braces, "## Last commit"}, {braces, "    host-name "}, {braces, "firewall {"}, {braces, "forwarding-options {"}, {braces, "    login {"}, {braces, "    services {"},
	{sets, "set system "}, {sets, "set interfaces "}, {sets, "set protocols "}, {sets, "set security "}, {sets, "set version "}, {sets, "set routing-options "}, {sets, "set policy-options "}, {sets, "set firewall "}, {sets, "set forwarding-options "}, {sets, "set snmp "}, {sets, "set deviceconfig "}, {sets, "set network "}, {sets, "set mgt-config "}, {sets, "set rulebase "},
	{forti, "#config-version="}, {forti, "config system "}, {forti, "config firewall "}, {forti, "config user "}, {forti, "config vpn "}, {forti, "config router "}, {forti, "config log "}, {forti, "    edit "}, {forti, "        set "}, {forti, "    next"}, {forti, "    set "},
	{output, "Cisco IOS "}, {output, "Cisco Nexus "}, {output, "Cisco Adaptive Security"}, {output, "System image file is "}, {output, "ROM: "}, {output, "Configuration register is "}, {output, "Huawei Versatile Routing"}, {output, "VRP (R) software"}, {output, "H3C Comware"}, {output, "Hostname: "}, {output, "JUNOS "}, {output, "Junos: "}, {output, "Technical Support: "},
}

// Recognise implements event.Format.
func (Config) Recognise(head []byte, _ string) event.Confidence {
	seen := map[string]bool{}
	count := map[dialect]int{}
	prompts, all, marks, hits := 0, 0, 0, 0
	message.EachLine(message.Whole(lines.Text(head)), func(l []byte) bool {
		all++
		if _, command := prompt(l); command != "" {
			prompts++
		}
		if string(l) == "!" || string(l) == "#" {
			marks++
		}
		for _, s := range signs {
			if bytes.HasPrefix(l, []byte(s.text)) {
				hits++
				if !seen[s.text] {
					seen[s.text] = true
					count[s.dialect]++
				}
				break
			}
		}
		return all < 4000
	})
	best := 0
	for _, n := range count {
		best = max(best, n)
	}
	switch {
	case prompts > 0 && (best >= 2 || marks > 2), best >= 4 && 20*hits >= all, best >= 3 && marks > 2, seen["#config-version="], seen["Building configuration"] && best >= 2:
		return event.Likely
	case prompts > 0 && all < 4000:
		return event.Likely - 20
	}
	return event.No
}

// Open implements event.Format.
func (Config) Open(f event.File) (event.Stream, error) {
	return message.Open(f, message.Cut{State: place{}, Track: func(data []byte, state any) any {
		p := state.(place).clone()
		message.EachLine(data, func(l []byte) bool { p.line(l); return true })
		return p
	}})
}

// Decoder implements event.Format.
func (Config) Decoder() event.Decoder {
	var p place
	var path []byte
	return &message.Decoder{
		Replay: true,
		Start: func(seg *event.Segment) {
			s, _ := seg.State.(place)
			p = s.clone()
		},
		Read: func(rows *message.Rows, r message.Record) {
			statement := p.line(r.Text)
			if len(statement) == 0 {
				return
			}
			path = p.path(path[:0])
			c := classify(path, statement)
			source := event.Source{Product: p.dialect.product(), Service: "config"}
			if !rows.Row(source, event.NoTime, r.Offset, r.Number, []byte(p.host)) {
				return
			}
			rows.Add("section", path)
			rows.Add("statement", statement)
			rows.Add("kind", []byte(c.kind))
			if len(c.name) > 0 {
				rows.Add("name", c.name)
			}
			if len(c.hash) > 0 {
				rows.Add("hash", c.hash)
			}
		},
	}
}

// dialect is how a configuration says what belongs together.
type dialect uint8

const (
	unknown dialect = iota
	ios             // Cisco: by indentation, "!" between
	vrp             // Huawei, H3C: by indentation, "#" between
	braces          // Junos
	sets            // Junos or PAN-OS as commands
	forti           // config, edit, next, end
	output          // of show commands
)

func (d dialect) product() string {
	switch d {
	case ios:
		return "cisco"
	case vrp:
		return "huawei"
	case braces, sets:
		return "juniper"
	case forti:
		return "fortigate"
	}
	return "network"
}

// place is where in a configuration a line stands.
type place struct {
	dialect dialect
	host    string
	command string // that printed what follows, behind a prompt
	open    []section
	banner  string // ends the text of a banner
	skipped int    // sections opened beyond maxDepth
}

type section struct {
	indent int
	text   string
}

// maxDepth and maxSection bound the path of sections.
const (
	maxDepth   = 32
	maxSection = 512
)

func (p place) clone() place {
	p.open = slices.Clone(p.open)
	return p
}

// path appends the command and the sections, joined by " > ".
func (p *place) path(dst []byte) []byte {
	add := func(s string) {
		if s == "" {
			return
		}
		if len(dst) > 0 {
			dst = append(dst, " > "...)
		}
		dst = append(dst, s...)
	}
	add(p.command)
	for _, s := range p.open {
		if s.indent >= 0 {
			add(s.text)
		}
	}
	return dst
}

// line takes the next line: it gives the statement, nil for a line that is none, and p.path is then that of the statement. A section's
// first line is a statement of the section around it.
func (p *place) line(l []byte) []byte {
	l = bytes.TrimRight(l, " \r\t")
	if p.banner != "" {
		if bytes.Contains(l, []byte(p.banner)) {
			p.banner = ""
		}
		return bytes.TrimSpace(l)
	}
	indent := 0
	for indent < len(l) && (l[indent] == ' ' || l[indent] == '\t') {
		indent++
	}
	text := l[indent:]
	if len(text) == 0 {
		return nil
	}
	if host, command := prompt(l); command != "" {
		*p = place{dialect: p.dialect, host: host, command: command}
		if bytes.Contains([]byte(command), []byte("display ")) {
			p.dialect = vrp
		}
		return nil
	}
	p.tell(indent, text)
	switch p.dialect {
	case braces:
		return p.brace(text)
	case forti:
		return p.config(text)
	case sets, output:
		return p.comment(text)
	}
	return p.indented(indent, text)
}

// comment passes over comments, but for those that say when or by whom something was changed.
func (p *place) comment(text []byte) []byte {
	if c := text[0]; c == '!' || c == '#' || c == ';' {
		if len(text) > 20 && (bytes.Contains(text, []byte("hange")) || bytes.Contains(text, []byte("ommit")) || bytes.Contains(text, []byte("version"))) {
			return text
		}
		return nil
	}
	return text
}

// tell learns the dialect and the device's name.
func (p *place) tell(indent int, text []byte) {
	if p.dialect == unknown || p.dialect == output {
		for _, s := range signs {
			t := s.text
			for len(t) > 0 && t[0] == ' ' {
				t = t[1:]
			}
			if bytes.HasPrefix(text, []byte(t)) && (len(t) == len(s.text) || indent > 0) && s.dialect != output {
				p.dialect = s.dialect
				break
			}
		}
	}
	for _, name := range []string{"hostname ", "sysname ", "host-name ", "switchname ", "set hostname ", "set system host-name "} {
		if rest, ok := bytes.CutPrefix(text, []byte(name)); ok && len(rest) < 256 {
			p.host = string(bytes.Trim(rest, "\"; "))
		}
	}
}

func (p *place) push(indent int, text []byte) {
	if len(p.open) >= maxDepth {
		p.skipped++
		return
	}
	p.open = append(p.open, section{indent, string(text[:min(len(text), maxSection)])})
}

func (p *place) pop() {
	if p.skipped > 0 {
		p.skipped--
	} else if len(p.open) > 0 {
		p.open = p.open[:len(p.open)-1]
	}
}

// indented reads a line whose indentation says what it belongs to. The last line is kept as a section that may open: a negative
// indent marks it until a deeper line follows.
func (p *place) indented(indent int, text []byte) []byte {
	if n := len(p.open); n > 0 && p.open[n-1].indent < 0 {
		was := -p.open[n-1].indent - 1
		if indent > was {
			p.open[n-1].indent = was
		} else {
			p.open = p.open[:n-1]
		}
	}
	for n := len(p.open); n > 0 && p.open[n-1].indent >= indent; n-- {
		p.open = p.open[:n-1]
	}
	statement := p.comment(text)
	if statement == nil || text[0] == '!' || text[0] == '#' {
		return statement
	}
	if rest, ok := bytes.CutPrefix(text, []byte("banner ")); ok && p.dialect == ios {
		if _, mark, ok := bytes.Cut(rest, []byte{' '}); ok && len(mark) > 0 {
			end := mark[:1]
			if bytes.HasPrefix(mark, []byte("^C")) {
				end = mark[:2]
			}
			if !bytes.Contains(mark[len(end):], end) {
				p.banner = string(end)
			}
		}
		return statement
	}
	if len(p.open) < maxDepth {
		p.open = append(p.open, section{-indent - 1, string(text[:min(len(text), maxSection)])})
	}
	return statement
}

func (p *place) brace(text []byte) []byte {
	switch {
	case bytes.HasPrefix(text, []byte("/*")), text[0] == '#':
		return p.comment(text)
	case text[0] == '}':
		p.pop()
		return nil
	case text[len(text)-1] == '{':
		name := bytes.TrimSpace(text[:len(text)-1])
		defer p.push(len(p.open), name)
		return nil
	}
	return bytes.TrimRight(text, ";")
}

func (p *place) config(text []byte) []byte {
	switch {
	case bytes.HasPrefix(text, []byte("config ")), bytes.HasPrefix(text, []byte("edit ")):
		p.push(len(p.open), text)
		return nil
	case string(text) == "next" || string(text) == "end":
		p.pop()
		return nil
	}
	return p.comment(text)
}

// prompt reads "host#show …", "<host>display …", "user@host> show …".
func prompt(l []byte) (host, command string) {
	if len(l) > 300 || len(l) < 5 {
		return "", ""
	}
	i := bytes.IndexAny(l, "#>")
	if i < 1 || i > 80 {
		return "", ""
	}
	name, rest := bytes.TrimLeft(l[:i], "<["), bytes.TrimSpace(l[i+1:])
	if !bytes.HasPrefix(rest, []byte("sh")) && !bytes.HasPrefix(rest, []byte("dis")) && !bytes.HasPrefix(rest, []byte("verify ")) && !bytes.HasPrefix(rest, []byte("dir")) && !bytes.HasPrefix(rest, []byte("more ")) && !bytes.HasPrefix(rest, []byte("get ")) {
		return "", ""
	}
	if first, _, _ := bytes.Cut(rest, []byte{' '}); !slices.Contains([]string{"sh", "sho", "show", "dis", "disp", "display", "verify", "dir", "more", "get"}, string(first)) {
		return "", ""
	}
	for _, c := range name {
		if !nameByte(c) && c != '-' && c != '.' && c != '@' && c != '/' && c != ':' && c != '(' && c != ')' {
			return "", ""
		}
	}
	if j := bytes.IndexByte(name, '@'); j >= 0 {
		name = name[j+1:]
	}
	name, _, _ = bytes.Cut(name, []byte{'('})
	if len(name) == 0 {
		return "", ""
	}
	return string(name), string(rest)
}
