package fingerprint

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/contrail-ir/contrail/match/sigma"
)

// Rule is one generated Sigma rule.
type Rule struct {
	ID   string // UUID, derived from the item's and the log that the rule reads
	Item int    // index in Fingerprint.Items
	Text string // YAML
	// Network says that the log speaks of the traffic of many hosts, so that one of it searches all of them.
	Network bool
}

// search is a rule to be: a log and what is looked for in it, alternatives field by field.
type search struct {
	product, category, service string
	where                      []test // must hold besides
	any                        []test
}

// network says whether the log is one that sees what many hosts send.
func (s *search) network() bool {
	return s.product == "zeek" || s.product == "" && (s.category == "dns" || s.category == "proxy" || s.category == "firewall")
}

type test struct{ field, modifier, value string } // the value is a Sigma pattern; with the modifier "re" it is as it stands

// Rules gives the Sigma rules of all items that logs can show, in the order of the items. An item's first rule has the item's own id.
// Rules are plain Sigma 2: logsources of the public taxonomy, string modifiers, no extension. A rule that would match everything is
// an error.
func (f *Fingerprint) Rules() ([]Rule, error) {
	var out []Rule
	for i := range f.Items {
		it := &f.Items[i]
		for n, s := range searches(it.Kind, it.Value) {
			id := it.Rule
			if n > 0 {
				id = derivedUUID(fmt.Sprintf("%s\x00%d", it.Rule, n))
			}
			text := f.rule(it, id, s)
			if err := CheckRule(text); err != nil {
				return nil, fmt.Errorf("fingerprint %.60s: item %d (%s): %w", f.Name, i+1, it.Kind, err)
			}
			out = append(out, Rule{ID: id, Item: i, Text: text, Network: s.network()})
		}
	}
	return out, nil
}

// CheckRule refuses a rule that Sigma does not take, or that would match everything: every way through it must demand a text of three
// letters or digits somewhere.
func CheckRule(text string) error {
	c := sigma.Parse("fingerprint", []byte(text))
	if len(c.Rejected) > 0 {
		return fmt.Errorf("the rule is no Sigma: %s", c.Rejected[0].Reason)
	}
	if len(c.Rules) == 0 {
		return fmt.Errorf("there is no rule in it")
	}
	for _, r := range c.Rules {
		for _, cond := range r.Conditions {
			if !demands(&r.Detection, cond) {
				return fmt.Errorf("the rule would match everything")
			}
		}
	}
	if _, rejected := sigma.Compile(c, sigma.Options{}); len(rejected) > 0 {
		return fmt.Errorf("the rule cannot be used: %s", rejected[0].Reason)
	}
	return nil
}

// demands says whether whatever satisfies the condition holds a telling text.
func demands(d *sigma.Detection, c *sigma.Condition) bool {
	switch c.Op {
	case sigma.OpNot:
		return false
	case sigma.OpAnd:
		for _, a := range c.Args {
			if demands(d, a) {
				return true
			}
		}
		return false
	case sigma.OpOr:
		for _, a := range c.Args {
			if !demands(d, a) {
				return false
			}
		}
		return true
	}
	selections := d.Named(c.Name)
	if c.Op == sigma.OpSelection {
		selections = []*sigma.Selection{d.Selection(c.Name)}
	}
	some := false
	for _, s := range selections {
		if s == nil {
			return false
		}
		ok := groupDemands(&s.Group)
		if !ok && c.Op != sigma.OpAllOf {
			return false
		}
		some = some || ok
	}
	return some
}

func groupDemands(g *sigma.Group) bool {
	n, total := 0, len(g.Items)+len(g.Groups)
	for i := range g.Items {
		if itemDemands(&g.Items[i]) {
			n++
		}
	}
	for i := range g.Groups {
		if groupDemands(&g.Groups[i]) {
			n++
		}
	}
	if g.Any {
		return n == total && n > 0
	}
	return n > 0
}

// Fields that say which log or kind of event it is, and nothing of what happened.
var kindFields = map[string]bool{"EventID": true, "Channel": true, "Provider_Name": true, "Computer": true, "ComputerName": true}

func itemDemands(it *sigma.Item) bool {
	if kindFields[it.Field] || len(it.Values) == 0 {
		return false
	}
	for _, v := range it.Values {
		if literal(v.Text) < 3 {
			return false
		}
	}
	return true
}

// rule writes one rule. Values are single-quoted, where YAML knows no escape but the doubled quote.
func (f *Fingerprint) rule(it *Item, id string, s search) string {
	var b strings.Builder
	q := func(v string) string { return "'" + strings.ReplaceAll(v, "'", "''") + "'" }
	level := map[Tier]string{Unique: "critical", Strong: "high", Supporting: "medium", NeverAlone: "low"}[it.Tier]
	title := fmt.Sprintf("%s: %s", it.Kind, it.Value)
	if r := []rune(title); len(r) > 120 {
		title = string(r[:119]) + "…"
	}
	fmt.Fprintf(&b, "title: %s\nid: %s\nstatus: experimental\ndescription: %s\n", q(title), id, q(fmt.Sprintf("Item of a fingerprint, tier %s.", it.Tier)))
	b.WriteString("logsource:\n")
	for _, l := range [][2]string{{"product", s.product}, {"category", s.category}, {"service", s.service}} {
		if l[1] != "" {
			fmt.Fprintf(&b, "    %s: %s\n", l[0], l[1])
		}
	}
	key := func(t test) string {
		if t.modifier == "" {
			return t.field
		}
		return t.field + "|" + t.modifier
	}
	b.WriteString("detection:\n    selection:\n")
	for _, t := range s.any {
		fmt.Fprintf(&b, "        - %s: %s\n", key(t), q(t.value))
	}
	condition := "selection"
	if len(s.where) > 0 {
		b.WriteString("    kind:\n")
		for _, t := range s.where {
			fmt.Fprintf(&b, "        %s: %s\n", key(t), q(t.value))
		}
		condition = "kind and selection"
	}
	fmt.Fprintf(&b, "    condition: %s\nlevel: %s\n", condition, level)
	return b.String()
}

// plain writes a text as a Sigma pattern that means just it; wild keeps its stars.
func plain(text string) string { return sigma.Literal(text).String() }

func wild(text string) string {
	var p sigma.Pattern
	for i, part := range strings.Split(text, "*") {
		if i > 0 {
			p = append(p, sigma.Token{Wild: '*'})
		}
		if part != "" {
			p = append(p, sigma.Token{Text: part})
		}
	}
	return p.String()
}

// searches says where logs show an item. Kinds that no log shows have none.
func searches(k Kind, value string) []search {
	is := func(field string) test { return test{field, "", plain(value)} }
	on := func(product, category, service string, any ...test) search {
		return search{product: product, category: category, service: service, any: any}
	}
	windows := "windows"
	switch k {
	case SHA256, SHA1, MD5, ImpHash:
		name := map[Kind]string{SHA256: "SHA256", SHA1: "SHA1", MD5: "MD5", ImpHash: "IMPHASH"}[k]
		hash := test{"Hashes", "contains", name + "=" + value}
		out := []search{on(windows, "process_creation", "", hash), on(windows, "image_load", "", hash), on(windows, "driver_load", "", hash)}
		if k == ImpHash {
			return append(out, on("file", "", "pe", is("imphash")))
		}
		return append(out, on(windows, "file_executable_detected", "", hash), on("file", "", "", is(string(k))), on("zeek", "", "files", is(string(k))))
	case FileName, FilePath:
		t := func(field string) test {
			if k == FileName {
				return test{field, "endswith", plain(`\` + value)}
			}
			return test{field, "", wild(value)}
		}
		unix := func(field string) test {
			if k == FileName {
				return test{field, "endswith", "/" + plain(value)}
			}
			return test{field, "", wild(value)}
		}
		var out []search
		if !strings.Contains(value, "/") {
			out = append(out, on(windows, "process_creation", "", t("Image"), t("ParentImage")), on(windows, "file_event", "", t("TargetFilename")), on(windows, "image_load", "", t("ImageLoaded")))
		}
		if !strings.Contains(value, `\`) {
			out = append(out, on("linux", "process_creation", "", unix("Image")), on("linux", "file_event", "", unix("TargetFilename")), on("linux", "", "auditd", unix("exe"), unix("name")))
		}
		if k == FileName {
			out = append(out, on("file", "", "", is("name")), on("zeek", "", "files", is("filename")))
		}
		return out
	case Pipe:
		return []search{on(windows, "pipe_created", "", is("PipeName"))}
	case Service:
		return []search{
			{product: windows, service: "system", where: []test{{"Provider_Name", "", "Service Control Manager"}, {"EventID", "", "7045"}}, any: []test{is("ServiceName")}},
			{product: windows, service: "security", where: []test{{"EventID", "", "4697"}}, any: []test{is("ServiceName")}},
		}
	case Task:
		task := test{"TaskName", "endswith", plain(strings.TrimPrefix(value, `\`))}
		return []search{
			{product: windows, service: "security", where: []test{{"EventID", "", "4698"}}, any: []test{task}},
			{product: windows, service: "taskscheduler", where: []test{{"EventID", "", "106"}}, any: []test{task}},
		}
	case Registry:
		return []search{on(windows, "registry_set", "", test{"TargetObject", "", wild(value)})}
	case Domain:
		name := func(field string) []test { return []test{is(field), {field, "endswith", "." + plain(value)}} }
		return []search{on(windows, "dns_query", "", name("QueryName")...), on("", "dns", "", name("query")...), on("", "proxy", "", name("cs-host")...),
			on(windows, "network_connection", "", name("DestinationHostname")...), on("zeek", "", "ssl", name("server_name")...)}
	case IP:
		return []search{on("", "firewall", "", is("dst_ip"), is("src_ip")), on(windows, "network_connection", "", is("DestinationIp")), on("linux", "network_connection", "", is("DestinationIp")), on("linux", "", "auditd", is("laddr"), is("addr")),
			on("zeek", "", "ssl", is("id.resp_h")), on("", "dns", "", is("answer")),
			// Who came from there, and what network devices were told about it.
			on("", "webserver", "", is("c-ip")), {product: windows, service: "security", where: []test{{"EventID", "", "4624"}}, any: []test{is("IpAddress")}},
			on("fortigate", "", "event", is("remip"), is("src_ip")), on("cisco", "", "", is("src_ip"), test{"command", "endswith", " " + plain(value)}, test{"command", "contains", " " + plain(value) + " "})}
	case URL:
		u, err := url.Parse(value)
		if err != nil {
			return nil
		}
		path := u.EscapedPath()
		if u.RawQuery != "" {
			path += "?" + u.RawQuery
		}
		return []search{{category: "proxy", where: []test{{"cs-host", "", plain(u.Hostname())}}, any: []test{{"c-uri", "contains", plain(path)}}}}
	case JA3, JA4:
		return []search{on("zeek", "", "ssl", is(string(k)))}
	case Certificate:
		return []search{on("zeek", "", "x509", is("fingerprint")), on("zeek", "", "ssl", test{"cert_chain_fps", "contains", value})}
	case UserAgent:
		return []search{on("", "proxy", "", is("c-useragent")), on("", "webserver", "", is("cs-user-agent"))}
	case EMail:
		return []search{on("zeek", "", "smtp", test{"mailfrom", "contains", plain(value)}, test{"from", "contains", plain(value)})}
	case Account:
		return []search{
			{product: windows, service: "security", where: []test{{"EventID", "", "4720"}}, any: []test{is("TargetUserName")}},
			{product: windows, service: "security", where: []test{{"EventID", "", "4624"}}, any: []test{is("TargetUserName")}},
		}
	case CommandLine:
		t := test{"CommandLine", "", wild(value)}
		// The audit daemon cuts a command into words. Other engines than ours find it in the title that the process was given.
		return []search{on(windows, "process_creation", "", t), on("linux", "process_creation", "", t), on("linux", "", "auditd", t, test{"proctitle", "", wild(value)})}
	case ProcessChain:
		parent, child, _ := strings.Cut(value, " > ")
		chain := func(sep string) search {
			return search{product: map[string]string{`\`: windows, "/": "linux"}[sep], category: "process_creation",
				where: []test{{"ParentImage", "endswith", plain(sep + parent)}}, any: []test{{"Image", "endswith", plain(sep + child)}}}
		}
		if strings.HasSuffix(child, ".exe") {
			return []search{chain(`\`)}
		}
		return []search{chain("/")}
	}
	return nil
}
