package casefile

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/contrail-ir/contrail/dsse"
	"github.com/contrail-ir/contrail/keys"
	"github.com/contrail-ir/contrail/ledger"
	"github.com/contrail-ir/contrail/marking"
	"github.com/contrail-ir/contrail/member"
)

// Inert look-alikes: the victim's names are SRV-BOOKING7.corp.sky-air.example, SKYCORP\m.tanaka, "Sky Air"; the attacker's are under *.invalid.
const (
	testFindings = `{"kind":"sigma","rule_id":"r1","rule_title":"Rare service","level":"high","tags":["attack.t1543"],"org":"Sky Air","time":"2020-01-10T00:00:00Z","host":"SRV-BOOKING7.corp.sky-air.example","source":{"product":"windows","service":"security"},"file":"SRV-BOOKING7/Security.evtx","offset":4096,"record":17,"matched":{"Image":"C:\\Users\\m.tanaka\\svch0st.exe","User":"SKYCORP\\m.tanaka","DestinationHostname":"relay.bad.invalid","SourceIp":"10.20.30.40","ProcessId":4242,"Hashes":["0123abcd"]},"event":{"CommandLine":"type passengers.csv","TargetUserName":"m.tanaka","Url":"https://relay.bad.invalid/x"},"file_sha256":"00","internal_note":"ask m.tanaka"}
{"kind":"ioc","rule_id":"r2","level":"low","org":"Sky Air","host":"10.20.30.40","file":"zeek/conn.log","record":3,"matched":{"id.resp_h":"203.0.113.9"}}
`
	testTrail       = `{"nodes":[{"id":"SRV-BOOKING7/p/4242","kind":"process","label":"svch0st.exe -k","refs":[{"file":"SRV-BOOKING7/Security.evtx","record":17,"role":"intrusion"}]},{"id":"h1","kind":"host","label":"SRV-BOOKING7.corp.sky-air.example"}],"edges":[{"from":"SRV-BOOKING7/p/4242","to":"h1","kind":"runs-on","weight":2}],"stages":[{"tactic":"persistence","technique":"T1543","time":"2020-01-10T00:00:00Z","text":"m.tanaka's account installed it"}],"implant":["svch0st.exe",{"name":"kite.dll","host":"SRV-BOOKING7","path":"C:\\\\Users\\\\m.tanaka\\\\kite.dll"}],"infrastructure":[{"value":"203.0.113.9","role":"first-hop"}],"access":"via m.tanaka","staged":["D:\\export\\passengers.rar"],"sent_bytes":12345}`
	testFingerprint = `{"name":"grey kite","version":1,"marking":"TLP:AMBER","items":[{"kind":"domain","value":"relay.bad.invalid","tier":1,"specificity":0.9,"reasons":["seen by m.tanaka"],"refs":[{"file":"SRV-BOOKING7/Security.evtx","record":17}],"approved_by":"ana"}]}`
)

func documents(tb testing.TB) []HandoverDocument {
	tb.Helper()
	dir := tb.TempDir()
	return []HandoverDocument{
		{Findings, write(tb, filepath.Join(dir, "findings.jsonl"), testFindings)},
		{Trail, write(tb, filepath.Join(dir, "trail.json"), testTrail)},
		{Fingerprint, write(tb, filepath.Join(dir, "fingerprint.json"), testFingerprint)},
		{Coverage, write(tb, filepath.Join(dir, "coverage.json"), `{"orgs":[{"name":"Sky Air","denominator":"unknown","hosts":[{"host":"SRV-BOOKING7.corp.sky-air.example","sources":[{"source":"windows/Security/4688","records":9,"gaps":[]}]}]}],"files":[{"path":"SRV-BOOKING7/Security.evtx","org":"Sky Air","bytes":7,"sha256":"00"}],"rules":{"loaded":3,"not_searchable":[{"id":"r9","reason":"no such source"}]},"inventory":["SRV-BOOKING7"]}`)},
	}
}

// victimNames must not leave in any spelling.
var victimNames = []string{"srv-booking7", "tanaka", "skycorp", "sky air", "sky-air", "10.20.30.40", "passengers", "internal_note", "ask "}

func leaks(b []byte) []string {
	var out []string
	lower := bytes.ToLower(b)
	for _, n := range victimNames {
		wide := new(bytes.Buffer)
		for _, u := range utf16.Encode([]rune(n)) {
			wide.Write([]byte{byte(u), byte(u >> 8)})
		}
		if bytes.Contains(lower, []byte(n)) || bytes.Contains(lower, wide.Bytes()) || bytes.Contains(b, []byte(base64.RawStdEncoding.EncodeToString([]byte(n)))) {
			out = append(out, n)
		}
	}
	return out
}

func TestHandoverBetweenAirlineAndAuthority(t *testing.T) {
	airline, cert := key(t, "lead@airline"), key(t, "desk@cert")
	ac, cc := newCase(t, airline), newCase(t, cert)
	pack := filepath.Join(t.TempDir(), "to-cert.age")
	o := HandoverOptions{
		To: cert.Public, ToOrganisation: "national CERT", Documents: documents(t), Authority: "request 12", Marking: marking.Of(marking.AmberStrict, "airline-a"), Why: "the authority asked",
		Custody: []CustodyStep{{From: "analysis", To: "liaison", When: moment(t, "2020-02"), What: "four documents"}},
	}
	sent, err := ac.Handover(bg, airline, pack, o)
	if err != nil {
		t.Fatal(err)
	}
	raw := must[[]byte](t)(os.ReadFile(pack))
	if got := leaks(raw); len(got) > 0 {
		t.Errorf("the package holds %v", got)
	}
	in, err := cc.Receive(bg, cert, pack, airline.Public, Limits{}, "from the airline")
	if err != nil {
		t.Fatal(err)
	}
	var all []byte
	for _, f := range in.Files {
		all = append(all, must[[]byte](t)(os.ReadFile(filepath.Join(cc.Dir(), f)))...)
	}
	all = append(all, must[[]byte](t)(json.Marshal(in.Manifest))...)
	if got := leaks(all); len(got) > 0 {
		t.Errorf("what was received holds %v:\n%s", got, all)
	}
	for _, want := range []string{"relay.bad.invalid", "203.0.113.9", "svch0st.exe\"", "kite.dll", "grey kite", "Rare service", "T1543", `"record":17`, "sent_bytes", "no such source"} {
		if !bytes.Contains(all, []byte(want)) {
			t.Errorf("%q did not arrive:\n%s", want, all)
		}
	}
	ps := must[*member.Pseudonyms](t)(ac.Pseudonyms())
	if h := ps.Of("host", "srv-booking7.corp.sky-air.example"); bytes.Count(all, []byte(h)) < 3 {
		t.Errorf("the host's pseudonym is not the same in all documents:\n%s", all)
	}
	if bytes.Contains(all, []byte("CommandLine")) {
		t.Error("a raw event left")
	}
	got, err := ac.AcceptReceipt(bg, airline, in.Receipt, cert.Public, "they confirmed")
	if err != nil || got.Kind != ReceiptReceived {
		t.Fatal(err)
	}
	for _, c := range []*Case{ac, cc} {
		if rep := verified(t, c.Dir(), VerifyOptions{}); !rep.OK() {
			t.Errorf("%s", rep)
		}
	}
	if in.Entry.Kind != HandoverReceived || sent.Kind != HandoverSent || in.Entry.Seen[0] != sent.Seen[0] {
		t.Error("both ends do not speak of the same package")
	}
	if _, err := cc.Receive(bg, cert, pack, airline.Public, Limits{}, "again"); err == nil || !strings.Contains(err.Error(), "already") {
		t.Errorf("received twice: %v", err)
	}
	write(t, filepath.Join(cc.Dir(), in.Files[0]), "other")
	if rep := verified(t, cc.Dir(), VerifyOptions{}); rep.OK() || rep.Problems[0].File != in.Files[0] {
		t.Errorf("a changed received file: %s", rep)
	}
}

func TestHandoverPolicy(t *testing.T) {
	airline, cert := key(t, "lead@airline"), key(t, "desk@cert")
	c := newCase(t, airline)
	run := func(p Policy, docs []HandoverDocument, change func(*HandoverOptions)) (string, error) {
		cc := newCase(t, cert)
		pack := filepath.Join(t.TempDir(), "p.age")
		o := HandoverOptions{To: cert.Public, Documents: docs, Policy: p, Why: "w"}
		if change != nil {
			change(&o)
		}
		if _, err := c.Handover(bg, airline, pack, o); err != nil {
			if _, serr := os.Stat(pack); serr == nil {
				t.Error("a refused package was left behind")
			}
			return "", err
		}
		in, err := cc.Receive(bg, cert, pack, airline.Public, Limits{}, "w")
		if err != nil {
			t.Fatal(err)
		}
		return string(must[[]byte](t)(os.ReadFile(filepath.Join(cc.Dir(), in.Files[0])))), nil
	}
	docs := documents(t)
	got, err := run(Policy{KeepEvents: true}, docs, nil)
	if err != nil || !strings.Contains(got, `"CommandLine":"[withheld]"`) || len(leaks([]byte(got))) > 0 {
		t.Errorf("kept events: %v %s", err, got)
	}
	got, err = run(Policy{AttackerOwned: []string{"0123ABCD"}}, docs, nil)
	if err != nil || !strings.Contains(got, "0123abcd") {
		t.Errorf("%v %s", err, got)
	}
	var leak *LeakError
	if _, err := run(Policy{KeepText: true}, docs, nil); !errors.As(err, &leak) {
		t.Errorf("free text with a victim's user left: %v", err)
	}
	before := must[ledger.Head](t)(c.Head()).Size
	for name, bad := range map[string]string{
		"plain":  `{"kind":"sigma","rule_title":"seen on srv-booking7","host":"SRV-BOOKING7","record":1}`,
		"base64": `{"kind":"sigma","rule_title":"x ` + base64.StdEncoding.EncodeToString([]byte("xx srv-booking7 yy")) + `","host":"SRV-BOOKING7","record":1}`,
		"utf-16": `{"kind":"sigma","rule_title":"s\u0000r\u0000v\u0000-\u0000b\u0000o\u0000o\u0000k\u0000i\u0000n\u0000g\u00007\u0000","host":"SRV-BOOKING7"}`,
		"short":  `{"kind":"sigma","rule_title":"on SRV-BOOKING7","host":"srv-booking7.corp.example"}`,
		"draft":  `{"kind":"sigma","draft":true}`,
		"broken": `{"kind":`,
	} {
		d := []HandoverDocument{{Findings, write(t, filepath.Join(t.TempDir(), "f.jsonl"), bad+"\n")}}
		if got, err := run(Policy{}, d, nil); err == nil {
			t.Errorf("%s left: %s", name, got)
		}
	}
	if _, err := run(Policy{}, docs, func(o *HandoverOptions) {
		o.Screen = func(_ string, r io.Reader) error { return errors.New("a passenger's document number") }
	}); err == nil {
		t.Error("what the screen refused left")
	}
	if _, err := run(Policy{}, docs, func(o *HandoverOptions) { o.Victim = "airline-a" }); err == nil {
		t.Error("handed over without the victim's consent")
	}
	if _, err := run(Policy{}, docs, func(o *HandoverOptions) { o.Custody = []CustodyStep{{What: "taken from srv-booking7"}} }); !errors.As(err, &leak) {
		t.Errorf("the custody named a host: %v", err)
	}
	if _, err := run(Policy{}, docs, func(o *HandoverOptions) { o.Marking = marking.Of(marking.Red, "Sky Air") }); !errors.As(err, &leak) {
		t.Errorf("the marking named the victim: %v", err)
	}
	if _, err := run(Policy{Allow: []string{"Sky Air"}}, docs, func(o *HandoverOptions) { o.Marking = marking.Of(marking.Red, "Sky Air") }); err != nil {
		t.Errorf("an approved name was refused: %v", err)
	}
	if _, err := run(Policy{}, docs, func(o *HandoverOptions) { o.To.Recipient = "" }); err == nil {
		t.Error("sent to a key that cannot decrypt")
	}
	before++ // the one that was allowed
	if after := must[ledger.Head](t)(c.Head()).Size; after != before {
		t.Errorf("%d refused hand-overs were entered", after-before)
	}
	if _, err := ParsePolicy([]byte("keep_event: true\n")); err == nil || !strings.Contains(err.Error(), `unknown key "keep_event"`) {
		t.Errorf("%v", err)
	}
}

func TestReceiveRefuses(t *testing.T) {
	airline, cert, thief := key(t, "lead@airline"), key(t, "desk@cert"), key(t, "thief")
	c, cc := newCase(t, airline), newCase(t, cert)
	pack := filepath.Join(t.TempDir(), "p.age")
	if _, err := c.Handover(bg, airline, pack, HandoverOptions{To: cert.Public, Documents: documents(t), Why: "w"}); err != nil {
		t.Fatal(err)
	}
	good := must[[]byte](t)(os.ReadFile(pack))
	try := func(name string, by *keys.Private, b []byte, from keys.Public, l Limits) {
		t.Helper()
		path := write(t, filepath.Join(t.TempDir(), "x.age"), string(b))
		if _, err := cc.Receive(bg, by, path, from, l, "w"); err == nil {
			t.Errorf("%s: received", name)
		}
	}
	try("another receiver", thief, good, airline.Public, Limits{})
	try("another sender", cert, good, thief.Public, Limits{})
	try("limits", cert, good, airline.Public, Limits{Files: 2})
	try("cut", cert, good[:len(good)-5], airline.Public, Limits{})
	for i := 0; i < len(good); i += 97 {
		b := bytes.Clone(good)
		b[i] ^= 0x10
		try("flipped", cert, b, airline.Public, Limits{})
	}
	if names := must[[]os.DirEntry](t)(os.ReadDir(filepath.Join(cc.Dir(), evidenceDir))); len(names) > 0 {
		t.Errorf("refused packages left %v", names)
	}
	if h := must[ledger.Head](t)(cc.Head()); h.Size != 1 {
		t.Errorf("refused packages were entered: %d", h.Size)
	}
	in, err := cc.Receive(bg, cert, pack, airline.Public, Limits{}, "w")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.AcceptReceipt(bg, airline, in.Receipt, thief.Public, "w"); err == nil {
		t.Error("a receipt by somebody else")
	}
	forged := must[*dsse.Envelope](t)(dsse.Sign(receiptType, []byte(`{"format":"contrail/receipt/v1","package":"`+string(ledger.DigestOf(nil))+`"}`), cert.Signer()))
	if _, err := c.AcceptReceipt(bg, airline, must[[]byte](t)(forged.Encode()), cert.Public, "w"); err == nil {
		t.Error("a receipt for what was never handed over")
	}
}

func FuzzRedaction(f *testing.F) {
	f.Add([]byte(testFindings), 0)
	f.Add([]byte(testTrail), 2)
	f.Add([]byte(testFingerprint), 3)
	ps := must[*member.Pseudonyms](f)(member.NewPseudonyms(bytes.Repeat([]byte{7}, 32)))
	kinds := []DocumentKind{Findings, Coverage, Trail, Fingerprint}
	f.Fuzz(func(t *testing.T, b []byte, k int) {
		kind := kinds[uint(k)%4]
		r := newRedaction(ps, Policy{KeepEvents: true, KeepText: true})
		r.learn(kind, bytes.NewReader(b))
		if r.document(kind, bytes.NewReader(b), nil) != nil {
			return
		}
		var out bytes.Buffer
		if r.document(kind, bytes.NewReader(b), &out) != nil {
			return
		}
		for name := range r.names {
			if len(name) > 5 && strings.Contains(strings.ToLower(out.String()), `"`+name+`"`) && !strings.Contains(strings.ToLower(string(b)), `"`+name+`":`) {
				t.Errorf("%q left: %s", name, out.String())
			}
		}
	})
}
