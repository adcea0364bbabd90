package sigma

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/contrail-ir/contrail/event"
)

func windows(channel, provider string, id uint32) event.Source {
	return event.Source{Product: event.ProductWindows, Channel: channel, Provider: provider, ID: id}
}

const (
	auditing = "Microsoft-Windows-Security-Auditing"
	sysmons  = "Microsoft-Windows-Sysmon"
)

func TestRouting(t *testing.T) {
	for _, c := range []struct {
		product, category, service string
		source                     event.Source
		want                       bool
	}{
		{"windows", "process_creation", "", windows(channelSysmon, sysmons, 1), true},
		{"windows", "process_creation", "", windows("security", auditing, 4688), true},
		{"windows", "process_creation", "", windows("", auditing, 4688), true},
		{"windows", "process_creation", "", windows("Security", "", 4688), true},
		{"windows", "process_creation", "", windows("", "", 4688), false},
		{"windows", "process_creation", "", windows("System", auditing, 4688), false},
		{"windows", "process_creation", "", windows("Security", "Other", 4688), false},
		{"windows", "process_creation", "", windows("Application", "Application Error", 1), false},
		{"windows", "process_creation", "", windows(channelSysmon, sysmons, 5), false},
		{"windows", "process_creation", "", event.Source{Product: "windows", Category: "process_creation"}, true},
		{"windows", "process_creation", "", event.Source{Product: "linux", Category: "process_creation"}, false},
		{"windows", "process_creation", "sysmon", windows(channelSysmon, sysmons, 1), true},
		{"windows", "process_creation", "sysmon", windows("Security", auditing, 4688), false},
		{"", "process_creation", "", windows("Security", auditing, 4688), true},
		{"", "process_creation", "", event.Source{Product: "macos", Category: "process_creation"}, true},
		{"", "process_creation", "", event.Source{Product: "linux", Channel: "Linux-Sysmon/Operational", Provider: "Linux-Sysmon", ID: 1}, true},
		{"linux", "process_creation", "", windows(channelSysmon, sysmons, 1), false},
		{"windows", "", "", windows("Anything", "P", 7), true},
		{"windows", "", "", event.Source{Product: "linux"}, false},
		{"windows", "", "sysmon", windows(channelSysmon, sysmons, 255), true},
		{"windows", "", "security", windows("Security", auditing, 4625), true},
		{"windows", "", "security", windows("System", "x", 4625), false},
		{"Windows", "", "Security", windows("Security", auditing, 4625), true},
		{"windows", "", "system", windows("System", "Service Control Manager", 7045), true},
		{"windows", "registry_set", "", windows(channelSysmon, sysmons, 13), true},
		{"windows", "registry_set", "", windows(channelSysmon, sysmons, 12), false},
		{"windows", "registry_event", "", windows(channelSysmon, sysmons, 14), true},
		{"windows", "ps_script", "", windows("PowerShellCore/Operational", "PowerShellCore", 4104), true},
		{"windows", "ps_script", "", windows("Windows PowerShell", "PowerShell", 4104), false},
		{"windows", "ps_classic_start", "", windows("Windows PowerShell", "PowerShell", 400), true},
		{"windows", "unheard_of", "", windows(channelSysmon, sysmons, 1), false},
		{"windows", "", "unheard-of", windows("Security", auditing, 1), false},
		{"", "antivirus", "", windows("Microsoft-Windows-Windows Defender/Operational", "Microsoft-Windows-Windows Defender", 1116), true},
		{"", "antivirus", "", event.Source{Category: "antivirus"}, true},
		{"", "webserver", "", event.Source{Category: "webserver", Service: "nginx"}, true},
		{"", "proxy", "", event.Source{Product: "zeek", Service: "http"}, true},
		{"", "proxy", "", event.Source{Product: "zeek", Service: "dns"}, false},
		{"", "dns", "", event.Source{Product: "zeek", Service: "dns"}, true},
		{"", "", "apache", event.Source{Category: "webserver", Service: "apache"}, true},
		{"zeek", "", "dce_rpc", event.Source{Product: "zeek", Service: "dce_rpc"}, true},
		{"cisco", "", "aaa", event.Source{Product: "cisco", Service: "aaa"}, true},
		{"cisco", "", "aaa", event.Source{Product: "juniper", Service: "aaa"}, false},
		{"kubernetes", "application", "audit", event.Source{Product: "kubernetes", Service: "audit"}, true},
		{"django", "application", "", event.Source{Product: "django"}, true},
		{"rpc_firewall", "application", "", windows("RPCFW", "RPCFWP", 3), true},
		{"linux", "", "auth", event.Source{Product: "linux", Service: "sshd"}, true},
		{"linux", "", "sshd", event.Source{Product: "linux", Service: "auth"}, false},
		{"linux", "", "", event.Source{Product: "linux", Service: "auditd"}, true},
	} {
		l := Logsource{Product: c.product, Category: c.category, Service: c.service}
		got := slices.ContainsFunc(l.Routes(), func(r *Route) bool { return r.Matches(c.source) })
		if got != c.want {
			t.Errorf("%s reads %s: %t", l, c.source, got)
		}
	}
}

func TestAliasesAndConditionsOfRoutes(t *testing.T) {
	text := func(category, detection string) string {
		return "title: t\nid: " + category + "\nlogsource: {product: windows, category: " + category + "}\ndetection: {sel: " + detection + ", condition: sel}\n---\n"
	}
	s := setOf(t, text("process_creation", `{Image|endswith: \x.exe, ParentImage: p, CommandLine: c, User: u, ProcessId: 16, ParentProcessId: 8}`)+
		text("registry_set", "{TargetObject|contains: run, Details: v}")+text("registry_add", "{TargetObject|contains: run}")+text("registry_delete", "{TargetObject|contains: run}"), Options{})
	for _, c := range []struct {
		source event.Source
		row    []string
		want   string
	}{
		{processCreation, []string{`Image=\x.exe`, "ParentImage=p", "CommandLine=c", "User=u", "ProcessId=16", "ParentProcessId=8"}, "0:process_creation"},
		{windows("Security", auditing, 4688), []string{`NewProcessName=\x.exe`, "ParentProcessName=p", "CommandLine=c", "SubjectUserName=u", "NewProcessId=0x10", "ProcessId=0x8"}, "0:process_creation"},
		{windows("Security", auditing, 4688), []string{`Image=\x.exe`, "ParentImage=p", "CommandLine=c", "User=u"}, ""},
		{windows(channelSysmon, sysmons, 13), []string{"TargetObject=\\Run\\a", "Details=v"}, "0:registry_set"},
		{windows(channelSysmon, sysmons, 12), []string{"TargetObject=\\Run\\a", "EventType=CreateKey"}, "0:registry_add"},
		{windows(channelSysmon, sysmons, 12), []string{"TargetObject=\\Run\\a", "EventType=DeleteValue"}, "0:registry_delete"},
		{windows("Security", auditing, 4657), []string{"ObjectName=\\Run\\a", "NewValue=v", "OperationType=%%1905"}, "0:registry_set"},
		{windows("Security", auditing, 4657), []string{"ObjectName=\\Run\\a", "NewValue=v", "OperationType=%%1906"}, "0:registry_delete"},
	} {
		if got := strings.Join(scanAll(t, s, batchOf(c.source, c.row)), " "); got != c.want {
			t.Errorf("%s %v: %q, want %q", c.source, c.row, got, c.want)
		}
	}
	if got := s.Needs().Want(windows("Security", auditing, 4688)).Fields; fmt.Sprint(got) != "[CommandLine NewProcessId NewProcessName ParentProcessName ProcessId SubjectUserName]" {
		t.Error(got)
	}
	if want := s.Needs().Want(windows("Security", auditing, 4624)); !want.Nothing() {
		t.Error(want)
	}
	if got := s.Fields(0, windows("Security", auditing, 4688)); len(got) != 6 {
		t.Error(got)
	}
}

// TestEventIDNeedsItsChannel: the classic false match is an event id of another log.
func TestEventIDNeedsItsChannel(t *testing.T) {
	s := setOf(t, "title: t\nid: r\nlogsource: {product: windows, service: security}\ndetection: {sel: {EventID: [1102, 4720]}, no: {A: x}, condition: sel and not no}\n", Options{})
	for source, want := range map[event.Source]int{
		windows("Security", "Microsoft-Windows-Eventlog", 1102): 1, windows("Security", auditing, 4720): 1,
		windows("Security", auditing, 4721): 0, windows("System", "x", 1102): 0, windows(channelSysmon, sysmons, 1102): 0,
	} {
		if got := scanAll(t, s, batchOf(source, []string{"EventID=" + fmt.Sprint(source.ID)})); len(got) != want {
			t.Errorf("%s: %v", source, got)
		}
	}
	// Where the source does not tell the id, the field decides.
	if got := scanAll(t, s, batchOf(windows("Security", auditing, 0), []string{"EventID=4720"}, []string{"EventID=4721"})); fmt.Sprint(got) != "[0:r]" {
		t.Error(got)
	}
}

func TestTheWholeTableCompiles(t *testing.T) {
	c := &Collection{}
	add := func(category, service string) {
		c.Add(Parse("x", []byte(fmt.Sprintf("title: t\nlogsource: {product: windows, category: %q, service: %q}\ndetection: {s: {A: x}, condition: s}", category, service))))
	}
	for category := range windowsCategories {
		add(category, "")
	}
	for service := range windowsServices {
		add("", service)
	}
	s, rejected := Compile(c, Options{})
	if len(rejected) > 0 {
		t.Fatal(rejected)
	}
	for i := range s.Len() {
		if !s.Searchable(event.RuleIndex(i)) {
			t.Errorf("%s is in the table and not searchable", s.Rule(event.RuleIndex(i)).Logsource)
		}
	}
}

func TestEveryCorpusLogsourceRoutes(t *testing.T) {
	count := map[string]int{}
	routes := map[string]int{}
	for _, r := range corpus(t).Rules {
		l := r.Logsource
		l.Definition = ""
		count[l.String()]++
		routes[l.String()] = len(l.Routes())
	}
	var lines []string
	for l, n := range count {
		searchable := "routes"
		if routes[l] == 0 {
			searchable = "NOT SEARCHABLE"
			t.Errorf("%s (%d rules) has no route", l, n)
		}
		lines = append(lines, fmt.Sprintf("%s: %d rules, %s", l, n, searchable))
	}
	slices.Sort(lines)
	golden(t, "logsources.txt", strings.Join(lines, "\n")+"\n")
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != got {
		t.Errorf("%s differs; run with -update and look at the difference\n%s", path, got)
	}
}

// TestSourcesOfAKindAreSearchedByTheSameRules asks every public rule about sources of all sorts.
func TestSourcesOfAKindAreSearchedByTheSameRules(t *testing.T) {
	set, _ := Compile(corpus(t), Options{})
	sources := []event.Source{{}, {Product: "linux"}, {Product: "linux", Service: "auditd"}, {Product: "zeek", Service: "dns"}, {Category: "webserver"}, {Product: "windows", Category: "process_creation"}}
	for i := range uint32(60) {
		for _, channel := range []string{channelSysmon, "Security", "System", "Application", "Microsoft-Windows-PowerShell/Operational", fmt.Sprint("c", i)} {
			sources = append(sources, windows(channel, []string{sysmons, auditing, "P", ""}[i%4], i), windows(channel, auditing, 4600+i), windows(channel, fmt.Sprint("p", i), 4090+i))
		}
	}
	searching := func(source event.Source) (rules []int) {
		for i := range set.Len() {
			if set.Route(event.RuleIndex(i), source) != nil {
				rules = append(rules, i)
			}
		}
		return rules
	}
	kinds := map[string][]int{}
	for _, s := range sources {
		rules := searching(s)
		if known, ok := kinds[set.Kind(s)]; !ok {
			kinds[set.Kind(s)] = rules
		} else if !slices.Equal(known, rules) {
			t.Errorf("%v is of a kind that other rules search", s)
		}
	}
	if len(kinds) < 20 || len(kinds) > len(sources)/3 {
		t.Errorf("%d kinds of %d sources", len(kinds), len(sources))
	}
}
