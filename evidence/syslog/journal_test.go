package syslog

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/evidence/internal/readtest"
)

// binaryField writes a field as the export format writes what is no line of text.
func binaryField(name, value string) string {
	return name + "\n" + string(binary.LittleEndian.AppendUint64(nil, uint64(len(value)))) + value + "\n"
}

const journalHead = "__CURSOR=s=1;i=1\n__REALTIME_TIMESTAMP=1708177203500000\n_HOSTNAME=web1\nSYSLOG_IDENTIFIER=sshd\n_PID=9\nSYSLOG_FACILITY=10\nPRIORITY=6\n"

func TestJournal(t *testing.T) {
	const login = "Accepted password for root from 192.0.2.1 port 22 ssh2"
	const want = "linux/sshd web1 2024-02-17T13:40:03.5Z root 192.0.2.1 authpriv"
	forged := "x\n\n__CURSOR=s=2\n__REALTIME_TIMESTAMP=1\nMESSAGE=forged"
	for name, x := range map[string]struct {
		text   string
		want   []string // of each row: source, host, time, user, src_ip, facility; number of the record
		damage int
	}{
		"export":                            {journalHead + "MESSAGE=" + login + "\n\n" + journalHead + "MESSAGE=" + login + "\n\n", []string{want + " 1", want + " 10"}, 0},
		"export without the last line":      {journalHead + "MESSAGE=" + login, []string{want + " 1"}, 0},
		"export, CRLF":                      {strings.ReplaceAll(journalHead+"MESSAGE="+login+"\n\n", "\n", "\r\n"), []string{want + " 1"}, 0},
		"a message of several lines":        {journalHead + binaryField("MESSAGE", login+"\nmore") + "\n", []string{want + " 1"}, 0},
		"a value that looks like an entry":  {journalHead + binaryField("EVIL", forged) + "MESSAGE=" + login + "\n\n", []string{want + " 1"}, 0},
		"a length that cannot be":           {journalHead + "MESSAGE=" + login + "\nEVIL\n\xff\xff\xff\xff\xff\xff\xff\x7fx\n\n" + journalHead + "MESSAGE=" + login + "\n\n", []string{want + " 1", want + " 12"}, 1},
		"JSON":                              {`{"__REALTIME_TIMESTAMP":"1708177203500000","_HOSTNAME":"web1","SYSLOG_IDENTIFIER":"sshd","SYSLOG_FACILITY":"10","MESSAGE":"` + login + `"}` + "\n", []string{want + " 1"}, 0},
		"JSON sequence, bytes and null":     {"\x1e" + `{"__REALTIME_TIMESTAMP":"1708177203500000","_HOSTNAME":"web1","_COMM":"sshd","SYSLOG_FACILITY":["10","3"],"COREDUMP":null,"MESSAGE":` + strings.ReplaceAll(fmt.Sprint([]byte(login)), " ", ",") + "}\n", []string{want + " 1"}, 0},
		"JSON that is cut off behind whole": {`{"__REALTIME_TIMESTAMP":"1708177203500000","_HOSTNAME":"web1","SYSLOG_IDENTIFIER":"sshd","SYSLOG_FACILITY":"10","MESSAGE":"` + login + `"}` + "\n{\"__REALT", []string{want + " 1", "linux/syslog      2"}, 1},
	} {
		if c := (Journal{}).Recognise([]byte(x.text), ""); c != event.Certain {
			t.Errorf("%s: recognised with %d", name, c)
		}
		got := readtest.Read(t, Journal{}, []byte(x.text), event.File{}, event.Everything())
		var rows []string
		for _, r := range got.Rows {
			value := func(name string) string { return strings.Join(r.Fields[name], ",") }
			rows = append(rows, fmt.Sprintf("%s %s %s %s %s %s %d", r.Source, r.Host, event.AppendTime(nil, r.Time), value("user"), value("src_ip"), value("syslog_facility"), r.Record))
		}
		if strings.Join(rows, "\n") != strings.Join(x.want, "\n") || len(got.Damage) != x.damage {
			t.Errorf("%s:\n%q, want\n%q; %v", name, rows, x.want, got.Damage)
		}
	}
	for name, text := range map[string]string{"other JSON": `{"a":{"__REALTIME_TIMESTAMP":"1"}}` + "\n", "settings": "A=b\nC=d\n\n", "nothing": ""} {
		if c := (Journal{}).Recognise([]byte(text), ""); c != event.No {
			t.Errorf("%s: recognised with %d", name, c)
		}
	}
}

// Entries that lie across the ends of segments are whole, and none is lost: as many as were written, whatever is in them.
func TestJournalAcrossSegments(t *testing.T) {
	var b strings.Builder
	const n = 30_000
	for i := range n {
		fmt.Fprintf(&b, "%sN=%d\n%sMESSAGE=m\n\n", journalHead, i, binaryField("TEXT", strings.Repeat("y\n\n", i%50)))
	}
	got := readtest.Read(t, Journal{}, []byte(b.String()), event.File{}, event.Everything())
	if len(got.Rows) != n || len(got.Damage) > 0 {
		t.Fatalf("%d rows, want %d; %v", len(got.Rows), n, got.Damage)
	}
	for i, r := range got.Rows {
		if strings.Join(r.Fields["N"], "") != fmt.Sprint(i) {
			t.Fatalf("row %d is %v", i, r.Fields["N"])
		}
	}
}

func FuzzJournal(f *testing.F) {
	f.Add([]byte(journalHead + binaryField("MESSAGE", "a\n\nb") + "\n"))
	f.Add([]byte(`{"__REALTIME_TIMESTAMP":"1","MESSAGE":[1,2],"A":["x",["y"]]}` + "\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		Journal{}.Recognise(b, "")
		readtest.Read(t, Journal{}, b, event.File{}, event.Everything())
	})
}
