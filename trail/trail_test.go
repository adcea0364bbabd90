package trail

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/finding"
	"github.com/contrail-ir/contrail/internal/growth"
)

var monday = time.Date(2026, 3, 9, 8, 0, 0, 0, time.UTC)

// told is an event of a test: a source, when, and its fields as name, value, name, value …
type said struct {
	host    string
	channel string
	id      uint32
	at      time.Duration // after monday
	fields  []string
}

func sys(host string, id uint32, at time.Duration, fields ...string) said {
	return said{host, "Microsoft-Windows-Sysmon/Operational", id, at, fields}
}

func audit(host string, id uint32, at time.Duration, fields ...string) said {
	return said{host, "Security", id, at, fields}
}

// graphOf collects events, each a record of the file HOST, numbered from 1 in their order.
func graphOf(t testing.TB, all ...said) *Graph {
	t.Helper()
	g, err := NewGraph(Options{TempDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	})
	c := g.Collect()
	for i, e := range all {
		var names, values []string
		for k := 0; k+1 < len(e.fields); k += 2 {
			names, values = append(names, e.fields[k]), append(values, e.fields[k+1])
		}
		source := event.Source{Product: event.ProductWindows, Channel: e.channel, ID: e.id}
		if service, ok := strings.CutPrefix(e.channel, "zeek/"); ok {
			source = event.Source{Product: "zeek", Service: service}
		}
		b := textBatch(source, e.host, names, 1, uint64(i), func(int) (int64, []string) {
			return monday.Add(e.at).UnixNano(), values
		})
		if err := c.Batch(e.host, b); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Flush(); err != nil {
		t.Fatal(err)
	}
	return g
}

func from(t testing.TB, g *Graph, start string, findings ...finding.Finding) *Trail {
	t.Helper()
	s, err := ParseStart(start)
	if err != nil {
		t.Fatal(err)
	}
	out, err := Trace(g, Question{Org: "a", From: []Start{s}, Findings: findings})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// reached gives the records that a trail refers to, whatever their role.
func reached(t *Trail) (out []uint64) {
	for _, e := range t.Edges {
		for _, r := range e.Refs {
			out = append(out, r.Record)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func guid(n int) string { return fmt.Sprintf("{11111111-2222-3333-4444-%012X}", n) }

func start(host string, at time.Duration, n, pid, parent, parentPid int, image, command string) said {
	return sys(host, 1, at, "ProcessGuid", guid(n), "ProcessId", fmt.Sprint(pid), "Image", image, "CommandLine", command, "LogonId", "0x3e7", "ParentProcessGuid", guid(parent), "ParentProcessId", fmt.Sprint(parentPid), "ParentImage", `C:\Windows\System32\cmd.exe`)
}

func TestAReusedProcessIDIsTheProcessOfItsTime(t *testing.T) {
	g := graphOf(t,
		start("h", 0, 1, 400, 9, 8, `C:\ProgramData\x\evil.exe`, "evil.exe"),
		start("h", time.Hour, 2, 400, 7, 6, `C:\Windows\System32\ping.exe`, "ping"),
		audit("h", 4663, time.Minute, "ObjectType", "File", "ObjectName", `C:\ProgramData\x\loot.txt`, "ProcessId", "0x190", "ProcessName", "evil.exe", "AccessMask", "0x2", "SubjectLogonId", "0x3e7"),
		audit("h", 4663, 2*time.Hour, "ObjectType", "File", "ObjectName", `C:\ProgramData\y\other.txt`, "ProcessId", "0x190", "ProcessName", "ping.exe", "AccessMask", "0x2", "SubjectLogonId", "0x3e7"))
	got := reached(from(t, g, "h:1"))
	if !slices.Contains(got, 3) || slices.Contains(got, 4) {
		t.Errorf("reached records %v: want 3, which the first process wrote, and not 4", got)
	}
}

func TestSysmonAndAuditLogSpeakOfOneProcess(t *testing.T) {
	g := graphOf(t,
		start("h", 0, 1, 400, 9, 8, `C:\ProgramData\x\evil.exe`, "evil.exe"),
		audit("h", 4688, 300*time.Millisecond, "NewProcessId", "0x190", "NewProcessName", `C:\ProgramData\x\evil.exe`, "ProcessId", "0x8", "CommandLine", "evil.exe", "SubjectLogonId", "0x3e7"),
		audit("h", 4688, time.Minute, "NewProcessId", "0x200", "NewProcessName", `C:\Windows\System32\whoami.exe`, "ProcessId", "0x190", "CommandLine", "whoami", "SubjectLogonId", "0x3e7"))
	got := reached(from(t, g, "h:1"))
	if !slices.Equal(got, []uint64{1, 2, 3}) {
		t.Errorf("reached %v, want 1 2 3", got)
	}
}

func TestMissingParentsAndLoopsEnd(t *testing.T) {
	g := graphOf(t,
		start("h", 0, 1, 400, 2, 500, `C:\ProgramData\a.exe`, "a"),
		start("h", time.Second, 2, 500, 1, 400, `C:\ProgramData\b.exe`, "b"), // each the other's parent
		sys("h", 8, 2*time.Second, "SourceProcessGuid", guid(1), "SourceProcessId", "400", "TargetProcessGuid", guid(1), "TargetProcessId", "400"),
		audit("h", 4688, 3*time.Second, "NewProcessId", "0x1", "NewProcessName", `C:\x\y.exe`, "ProcessId", "0x77"),
		audit("h", 4688, 3*time.Second, "NewProcessId", "0x77", "NewProcessName", `C:\x\z.exe`, "ProcessId", "0x1"))
	if got := reached(from(t, g, "h:1")); !slices.Contains(got, 2) {
		t.Errorf("reached %v", got)
	}
}

func TestAClockThatJumpsBackLosesNothingOfSysmon(t *testing.T) {
	g := graphOf(t,
		start("h", 5*time.Hour, 1, 400, 9, 8, `C:\ProgramData\a.exe`, "a"),
		sys("h", 11, time.Hour, "ProcessGuid", guid(1), "ProcessId", "400", "Image", `C:\ProgramData\a.exe`, "TargetFilename", `C:\ProgramData\left.dat`))
	if got := reached(from(t, g, "h:1")); !slices.Equal(got, []uint64{1, 2}) {
		t.Errorf("reached %v, want both: the GUID joins them whatever the clock says", got)
	}
}

func TestARenamedHostIsFollowedByGUID(t *testing.T) {
	g := graphOf(t,
		start("old", 0, 1, 400, 9, 8, `C:\ProgramData\a.exe`, "a"),
		start("new.corp.example", time.Hour, 2, 401, 1, 400, `C:\Windows\System32\whoami.exe`, "whoami"))
	out := from(t, g, "old:1")
	if got := reached(out); !slices.Equal(got, []uint64{1, 2}) {
		t.Errorf("reached %v, want both", got)
	}
}

func TestALogonJoinsHostsAlsoWhenOnlyOneSideLogged(t *testing.T) {
	connect := sys("web", 3, time.Minute, "ProcessGuid", guid(1), "ProcessId", "400", "Image", `C:\ProgramData\a.exe`, "Initiated", "true", "SourceIp", "10.0.0.1", "SourcePort", "50000", "DestinationIp", "10.0.0.2", "DestinationPort", "445")
	logon := audit("db", 4624, time.Minute+time.Second, "TargetLogonId", "0xabc", "TargetUserName", "admin", "LogonType", "3", "IpAddress", "10.0.0.1", "IpPort", "50000", "WorkstationName", "WEB")
	inside := audit("db", 4688, time.Minute+5*time.Second, "NewProcessId", "0x99", "NewProcessName", `C:\Windows\System32\cmd.exe`, "ProcessId", "0x5", "SubjectLogonId", "0xabc", "CommandLine", "cmd /c dir")
	both := graphOf(t, start("web", 0, 1, 400, 9, 8, `C:\ProgramData\a.exe`, "a"), connect, logon, inside)
	if got := reached(from(t, both, "web:1")); !slices.Equal(got, []uint64{1, 2, 3, 4}) {
		t.Errorf("both sides: reached %v", got)
	}
	// The client's connection was not logged, but that other credentials were given for the host was.
	one := graphOf(t, start("web", 0, 1, 400, 9, 8, `C:\ProgramData\a.exe`, "a"),
		audit("web", 4648, time.Minute, "SubjectLogonId", "0x3e7", "TargetUserName", "admin", "TargetServerName", "db.corp.example", "ProcessId", "0x190", "ProcessName", `C:\ProgramData\a.exe`), logon, inside)
	if got := reached(from(t, one, "web:1")); !slices.Equal(got, []uint64{1, 2, 3, 4}) {
		t.Errorf("one side: reached %v", got)
	}
}

func TestWhatEverythingSharesJoinsNothing(t *testing.T) {
	g := graphOf(t,
		sys("h", 1, 0, "ProcessGuid", guid(1), "ProcessId", "400", "Image", `C:\ProgramData\a.exe`, "CommandLine", "a", "LogonId", "0x3e7", "ParentProcessGuid", guid(9), "ParentProcessId", "8", "ParentImage", `C:\Windows\System32\services.exe`),
		sys("h", 1, time.Minute, "ProcessGuid", guid(2), "ProcessId", "401", "Image", `C:\Windows\System32\ping.exe`, "CommandLine", "p", "LogonId", "0x3e7", "ParentProcessGuid", guid(9), "ParentProcessId", "8", "ParentImage", `C:\Windows\System32\services.exe`))
	if got := reached(from(t, g, "h:1")); !slices.Equal(got, []uint64{1}) {
		t.Errorf("reached %v: services.exe and the system's session are everybody's", got)
	}
}

func TestStartsThatDoNotExist(t *testing.T) {
	for s, want := range map[string]string{"h:77": "no such record", "other:1": "no such file", "nowhere.example": "no node of that name"} {
		g := graphOf(t, start("h", 0, 1, 400, 9, 8, `C:\ProgramData\a.exe`, "a"))
		p, err := ParseStart(s)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Trace(g, Question{From: []Start{p}}); !errors.Is(err, ErrNoStart) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", s, err, want)
		}
	}
	if _, err := ParseStart(""); err == nil {
		t.Error("an empty start was accepted")
	}
}

func TestOneAlertIsNoIntrusion(t *testing.T) {
	rule := &finding.Rule{ID: "r", Level: finding.Critical, Tags: []string{"attack.execution", "attack.persistence"}}
	g := graphOf(t, start("h", 0, 1, 400, 9, 8, `C:\ProgramData\a.exe`, "a"))
	out := from(t, g, "h:1", finding.Finding{Rule: rule, File: "h", Record: 1})
	if out.Established {
		t.Errorf("established: %s", out.Why)
	}
	for _, e := range out.Edges {
		if e.Refs[0].Role != Rejected {
			t.Errorf("role %s of what was not established", e.Refs[0].Role)
		}
	}
}

func TestABaselineMakesThingsOrdinary(t *testing.T) {
	events := []said{
		start("h", 0, 1, 400, 9, 8, `C:\Tools\agent.exe`, "agent"),
		start("g", time.Hour, 2, 400, 7, 6, `C:\Tools\agent.exe`, "agent")}
	if got := reached(from(t, graphOf(t, events...), "h:1")); !slices.Contains(got, 2) {
		t.Fatalf("reached %v: a rare program joins hosts", got)
	}
	out, err := Trace(graphOf(t, events...), Question{From: []Start{{Ref: finding.Ref{File: "h", Record: 1}}}, Baseline: []*Baseline{NewBaseline(graphOf(t, start("x", 0, 1, 1, 2, 2, `C:\Tools\agent.exe`, "agent")))}})
	if err != nil {
		t.Fatal(err)
	}
	if got := reached(out); slices.Contains(got, 2) {
		t.Errorf("reached %v: the baseline knows the program", got)
	}
}

// TestSpillingChangesNothing holds a graph that keeps everything in memory against one that keeps almost nothing.
func TestSpillingChangesNothing(t *testing.T) {
	tell := func(budget int) string {
		g, err := NewGraph(Options{TempDir: t.TempDir(), Budget: budget})
		if err != nil {
			t.Fatal(err)
		}
		defer g.Close()
		for _, part := range []int{0, 1} { // two collectors, as two goroutines would
			c := g.Collect()
			for n := part; n < 40; n += 2 {
				if err := c.Batch(fmt.Sprintf("host%02d", n%40), sysmonBatch(n, 200)); err != nil {
					t.Fatal(err)
				}
			}
			if err := c.Flush(); err != nil {
				t.Fatal(err)
			}
		}
		out, err := Trace(g, Question{From: []Start{{Ref: finding.Ref{File: "host00", Record: 5}}, {Ref: finding.Ref{File: "host04", Record: 803}}}})
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := out.Write(&b); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	memory, disk := tell(1<<30), tell(1)
	if memory != disk {
		t.Error("a graph on disk gives another trail")
	}
	if len(memory) < 2000 {
		t.Errorf("the trail is too small to tell anything: %s", memory)
	}
}

// manyEvents gives a graph of one process that writes 2,000 files a batch.
func manyEvents(t *testing.T, batches int) *Graph {
	t.Helper()
	g, err := NewGraph(Options{TempDir: t.TempDir(), Budget: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { g.Close() })
	c := g.Collect()
	source := event.Source{Product: event.ProductWindows, Channel: "Microsoft-Windows-Sysmon/Operational", ID: 11}
	for n := range batches {
		b := textBatch(source, "h", []string{"ProcessGuid", "ProcessId", "Image", "TargetFilename"}, 2000, uint64(n*2000), func(r int) (int64, []string) {
			return monday.UnixNano() + int64(n*2000+r)*int64(time.Millisecond), []string{guid(1), "400", `C:\Program Files\Indexer\indexer.exe`, fmt.Sprintf(`D:\data\%d-%d`, n, r)}
		})
		if err := c.Batch("h", b); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Flush(); err != nil {
		t.Fatal(err)
	}
	return g
}

// TestOneProcessWithManyEvents: what a trail through a process with very many events costs is bounded.
func TestOneProcessWithManyEvents(t *testing.T) {
	var asked [2]uint64
	batches := []int{25, 100}
	if testing.Short() {
		batches = []int{11, 44}
	}
	start := Start{Ref: finding.Ref{File: "h", Record: 20000}}
	for i, batches := range batches {
		g := manyEvents(t, batches)
		found, err := g.Finish([]finding.Ref{start.Ref}) // putting the edges in order takes its share of each event
		if err != nil {
			t.Fatal(err)
		}
		// A graph is walked once, so what a walk asks of the memory stands for what it costs.
		asked[i] = growth.Allocated(func() {
			out, err := newView(g).trace(Question{From: []Start{start}}, []Start{start}, found)
			if err != nil {
				t.Fatal(err)
			}
			if n := len(out.Edges); n == 0 || n > maxScan+maxContext+10 {
				t.Errorf("%d steps", n)
			}
		})
	}
	if asked[1] > 2*asked[0] {
		t.Errorf("a walk through four times the events asks for %d bytes, not %d", asked[1], asked[0])
	}
}

func TestPagesEscapeEvidence(t *testing.T) {
	evil := "<script>alert(1)</script>`*_[x](http://y)\u202e"
	tr := &Trail{Org: evil, Established: true, Why: evil, Access: Access{Text: evil}, Hosts: []HostView{{Host: evil, First: "2026-01-01T00:00:00Z", Last: "2026-01-01T00:00:00Z"}},
		Nodes: []NodeView{{ID: "n1", Kind: "process", Host: evil, Label: evil}, {ID: "n2", Kind: "file", Host: evil, Label: evil}},
		Edges: []EdgeView{{From: "n1", To: "n2", Kind: "wrote", Host: evil, Refs: []Ref{{evil, 1, Intrusion}}}}, Unseen: []string{evil},
		Stages:  []Stage{{Tactic: "execution", Technique: evil, Host: evil, Time: "2026-01-01T00:00:00Z", Last: "2026-01-01T00:00:00Z", Text: evil, Refs: []Ref{{evil, 1, Intrusion}}}},
		Implant: []Implant{{Name: "=cmd|'/c calc'!A1", Paths: []string{"h: =1+1"}}}}
	var page, story, csv bytes.Buffer
	for _, err := range []error{tr.WritePage(&page), tr.WriteStory(&story), tr.WriteRemediation(&csv)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if strings.Contains(page.String(), "<script") {
		t.Error("trace.html holds markup from the evidence")
	}
	for _, line := range strings.Split(story.String(), "\n") {
		bare := line
		for strings.Count(bare, "`") >= 2 { // what is quoted as code is no markup
			i := strings.IndexByte(bare, '`')
			j := i + 1 + strings.IndexByte(bare[i+1:], '`')
			bare = bare[:i] + bare[j+1:]
		}
		if strings.Contains(bare, "<script") {
			t.Errorf("story.md holds markup: %q", line)
		}
	}
	if strings.Contains(csv.String(), ",=") || strings.Contains(page.String()+story.String()+csv.String(), "\u202e") {
		t.Error("a formula or a mark that turns text around got through")
	}
}

// A host's name stands in one item with the square of its colour, so that a line never breaks between them.
func TestLegendKeepsColourAndName(t *testing.T) {
	tr := &Trail{Org: "o", Established: true, Hosts: []HostView{{Host: "one-with-a-long-name.skylark.example"}, {Host: "two"}},
		Stages: []Stage{{Tactic: "execution", Host: "two", Time: "2026-01-01T00:00:00Z", Last: "2026-01-01T00:00:00Z"}}}
	var page bytes.Buffer
	if err := tr.WritePage(&page); err != nil {
		t.Fatal(err)
	}
	for i, h := range tr.Hosts {
		if item := `<li><span style="color:` + palette[i] + `">&#9632;</span><span>` + h.Host + `</span></li>`; strings.Count(page.String(), item) != 1 {
			t.Errorf("the page has not %s", item)
		}
	}
	if !strings.Contains(page.String(), ".hosts li{display:flex") {
		t.Error("an item is no row of its own")
	}
}

func FuzzEdge(f *testing.F) {
	f.Add(make([]byte, edgeSize))
	f.Add(bytes.Repeat([]byte{0xff}, edgeSize))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) != edgeSize {
			return
		}
		e := parseEdge(b)
		if back := e.append(nil); !bytes.Equal(back, b) && e != parseEdge(back) {
			t.Errorf("%x became %x", b, back)
		}
	})
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(`{"nodes":[{"id":"n1","refs":[]}],"edges":[{"from":"n1","to":"","refs":[{"file":"f","record":1,"role":"intrusion"}]}]}`))
	f.Add([]byte(`{"edges":[{"from":"x"}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		tr, err := Read(bytes.NewReader(b))
		if err != nil {
			return
		}
		var out bytes.Buffer
		if err := errors.Join(tr.Write(&out), tr.WriteStory(&bytes.Buffer{}), tr.WritePage(&bytes.Buffer{}), tr.WriteRemediation(&bytes.Buffer{})); err != nil {
			t.Fatal(err)
		}
		if _, err := Read(&out); err != nil {
			t.Errorf("what was written is not read: %v", err)
		}
	})
}

func FuzzEvents(f *testing.F) {
	f.Add(uint32(1), `C:\x\a.exe`, `cmd /c "sc \\h create x binPath= \\127.0.0.1\ADMIN$\y.exe"`, "0x3e7")
	f.Add(uint32(3), "::ffff:1.2.3.4", "[::1]:80", "99999999999999999999")
	f.Fuzz(func(t *testing.T, id uint32, a, b, c string) {
		var all []said
		for _, s := range sources {
			if s.id != 0 && s.id%64 != id%64 {
				continue
			}
			e := said{host: a, channel: s.is.channel, id: s.id}
			for i, name := range s.names() {
				e.fields = append(e.fields, name, []string{a, b, c}[i%3])
			}
			all = append(all, e)
		}
		g := graphOf(t, all...)
		if _, err := Trace(g, Question{From: []Start{{Value: a}}}); err != nil && !errors.Is(err, ErrNoStart) {
			t.Error(err)
		}
	})
}

// TestMapShowsTheWayOverHosts looks at what the picture of the whole intrusion is made of.
func TestMapShowsTheWayOverHosts(t *testing.T) {
	ref := func(n uint64) []Ref { return []Ref{{"f", n, Intrusion}} }
	tr := &Trail{Established: true, Access: Access{Host: "web", Refs: ref(1)},
		Hosts:          []HostView{{Host: "db"}, {Host: "web"}, {Host: "res"}},
		Infrastructure: []Place{{Value: "203.0.113.9", Refs: ref(1)}, {Value: "c2.example", Refs: ref(9)}},
		Nodes: []NodeView{{ID: "a", Kind: "flow", Label: "user:eve@web"}, {ID: "b", Kind: "logon", Host: "res", Label: "eve"}, {ID: "c", Kind: "flow", Label: "user:<b>@res"},
			{ID: "d", Kind: "logon", Host: "db", Label: "x"}, {ID: "e", Kind: "process", Host: "db", Label: "p"}, {ID: "f", Kind: "name", Label: "c2.example"}, {ID: "g", Kind: "flow", Label: "user:bob@elsewhere"}},
		Edges: []EdgeView{
			{From: "c", To: "d", Kind: "logged-on", Time: "2026-01-02T03:00:00Z", Refs: ref(3)}, {From: "a", To: "b", Kind: "logged-on", Time: "2026-01-02T02:00:00Z", Refs: ref(2)},
			{From: "a", To: "b", Kind: "logged-on", Time: "2026-01-02T01:00:00Z", Refs: ref(4)}, {From: "a", To: "d", Kind: "logged-on", Time: "2026-01-01T01:00:00Z", Refs: []Ref{{"f", 8, Rejected}}},
			{From: "g", To: "d", Kind: "logged-on", Time: "2026-01-01T01:00:00Z", Refs: ref(7)}, {From: "e", To: "f", Kind: "resolved", Refs: ref(9)},
		}}
	want := []move{{"web", "res", "eve", "2026-01-02T01:00:00Z"}, {"res", "db", "<b>", "2026-01-02T03:00:00Z"}}
	if got := tr.moves(); !slices.Equal(got, want) {
		t.Errorf("moves %v, want %v", got, want)
	}
	if got := tr.reaches(); len(got) != 1 || !got["db"]["c2.example"] {
		t.Errorf("reaches %v", got)
	}
	var page bytes.Buffer
	if err := tr.WritePage(&page); err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{"203.0.113.9 enters web", "db calls c2.example", "res to db as &lt;b&gt;"} {
		if !strings.Contains(page.String(), s) {
			t.Errorf("the page does not say %q", s)
		}
	}
}

// TestAReusedParentIDIsToldByItsProgram: the audit log names parents by id and program. services.exe has run since before the evidence begins; another
// program that had its id for a while, on a host whose ends of processes were not logged, is not the parent of services.
func TestAReusedParentIDIsToldByItsProgram(t *testing.T) {
	g := graphOf(t,
		start("h", 0, 1, 700, 9, 8, `C:\ProgramData\x\evil.exe`, "evil.exe"),
		audit("h", 4688, time.Hour, "NewProcessId", "0x99", "NewProcessName", `C:\Windows\System32\taskhostw.exe`, "ProcessId", "0x2bc", "ParentProcessName", `C:\Windows\System32\services.exe`, "SubjectLogonId", "0x3e7"),
		audit("h", 4688, 2*time.Hour, "NewProcessId", "0x9a", "NewProcessName", `C:\Windows\System32\whoami.exe`, "ProcessId", "0x2bc", "ParentProcessName", `C:\ProgramData\x\evil.exe`, "SubjectLogonId", "0x3e7"))
	if got := reached(from(t, g, "h:1")); !slices.Equal(got, []uint64{1, 3}) {
		t.Errorf("reached %v, want 1 and 3: the parent of 2 is another program", got)
	}
}
