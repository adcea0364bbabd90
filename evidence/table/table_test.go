package table

import (
	"encoding/csv"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/evidence/internal/readtest"
)

// Tables in the forms that the vendors' documentation describes.
const (
	nfdump = "ts,te,td,sa,da,sp,dp,pr,flg,ipkt,ibyt,opkt,obyt\n2023-07-03 07:08:07,2023-07-03 07:08:08,1.000,10.0.0.9,203.0.113.7,50000,443,TCP,...AP.S.,10,1000,8,9000\nSummary\nflows,bytes,packets,avg_bps,avg_pps,avg_bpp\n1,1000,10,8000,10,100\n"
	evtx   = "RecordNumber,EventRecordId,TimeCreated,EventId,Level,Provider,Channel,ProcessId,ThreadId,Computer,UserId,MapDescription,PayloadData1,Keywords,Payload\n" +
		"1,77,2023-07-03 07:08:07.1234567,4688,LogAlways,Microsoft-Windows-Security-Auditing,Security,4,8,pc1,,,,Audit success,\"{\"\"EventData\"\":{\"\"Data\"\":[{\"\"@Name\"\":\"\"NewProcessName\"\",\"\"#text\"\":\"\"C:\\\\a.exe\"\"}]}}\"\n"
	getWinEvent = "#TYPE System.Diagnostics.Eventing.Reader.EventLogRecord\n\"Message\",\"Id\",\"ProviderName\",\"LogName\",\"MachineName\",\"TimeCreated\",\"RecordId\"\n\"A service was\ninstalled\",\"7045\",\"Service Control Manager\",\"System\",\"pc1\",\"7/3/2023 7:08:07 AM\",\"5\"\n"
	viewerCSV   = "Keywords,Date and Time,Source,Event ID,Task Category\nAudit Success,7/3/2023 7:08:07 AM,Microsoft-Windows-Security-Auditing,4624,Logon,\"An account was logged on.\"\n"
	m365        = "RecordId,CreationDate,RecordType,Operation,UserId,AuditData\nx,2023-07-03T07:08:07Z,1,New-InboxRule,a@example,\"{\"\"CreationTime\"\":\"\"2023-07-03T07:08:07\"\",\"\"Id\"\":\"\"x\"\",\"\"Operation\"\":\"\"New-InboxRule\"\",\"\"OrganizationId\"\":\"\"o\"\",\"\"RecordType\"\":1,\"\"Workload\"\":\"\"Exchange\"\",\"\"UserId\"\":\"\"a@example\"\",\"\"UserType\"\":0,\"\"Version\"\":1}\"\n"
	oracle      = "EVENT_TIMESTAMP;DBUSERNAME;USERHOST;ACTION_NAME;OBJECT_NAME;SQL_TEXT\n03-JUL-23 07.08.07.000000 AM;ALICE;pc1;SELECT;ACCOUNT;\"select *\nfrom account\"\n"
	sqlServer   = "event_time,sequence_number,action_id,succeeded,server_principal_name,database_name,object_name,statement,client_ip\n2023-07-03 07:08:07.1234567,1,SL,True,alice,shop,account,\"select 1, 2\",203.0.113.7\n"
	plain       = "name\twhen\tsize\na\t2023-07-03 07:08:07\t5\nb\t2023-07-03 07:08:08\t6\tmore\nc\n"
)

func TestTables(t *testing.T) {
	at := time.Date(2023, 7, 3, 7, 8, 7, 0, time.UTC).Unix()
	for _, c := range []struct {
		name, text string
		rows       int
		damage     int
		source     event.Source
		want       map[string]string
	}{
		{"nfdump", nfdump, 1, 0, event.Source{Product: "netflow"}, map[string]string{"sa": "10.0.0.9", "da": "203.0.113.7", "dp": "443", "ibyt": "1000", "obyt": "9000", "td": "1.000"}},
		{"EvtxECmd", evtx, 1, 0, event.Source{Product: "windows", Provider: "Microsoft-Windows-Security-Auditing", Channel: "Security", ID: 4688}, map[string]string{"NewProcessName": `C:\a.exe`, "Computer": "pc1", "EventRecordID": "77"}},
		{"Get-WinEvent", getWinEvent, 1, 0, event.Source{Product: "windows", Provider: "Service Control Manager", Channel: "System", ID: 7045}, map[string]string{"Message": "A service was\ninstalled", "EventRecordID": "5"}},
		{"Event Viewer", viewerCSV, 1, 0, event.Source{Product: "windows", Provider: "Microsoft-Windows-Security-Auditing", Channel: "Security", ID: 4624}, map[string]string{"EventID": "4624"}},
		{"Microsoft 365", m365, 1, 0, event.Source{Product: "m365", Service: "exchange"}, map[string]string{"Operation": "New-InboxRule", "Workload": "Exchange"}},
		{"Oracle", oracle, 1, 0, event.Source{Product: "oracle", Category: "database"}, map[string]string{"user": "ALICE", "statement": "select *\nfrom account", "command": "SELECT", "object": "ACCOUNT", "client": "pc1"}},
		{"SQL Server", sqlServer, 1, 0, event.Source{Product: "mssql", Category: "database"}, map[string]string{"user": "alice", "statement": "select 1, 2", "client": "203.0.113.7", "rows": ""}},
		{"plain", plain, 3, 1, event.Source{Service: "table"}, map[string]string{"name": "a", "size": "5"}},
	} {
		if (Format{}).Recognise([]byte(c.text), "") == event.No {
			t.Errorf("%s is not recognised", c.name)
		}
		out := readtest.Read(t, Format{}, []byte(c.text), event.File{}, event.Everything())
		rows := out.InOrder()
		if len(rows) != c.rows || len(out.Damage) != c.damage {
			t.Errorf("%s: %d rows, %v: %+v", c.name, len(rows), out.Damage, rows)
			continue
		}
		if rows[0].Source != c.source || rows[0].Time/1e9 != at {
			t.Errorf("%s: %+v", c.name, rows[0])
		}
		for f, v := range c.want {
			if got := strings.Join(rows[0].Fields[f], "|"); got != v {
				t.Errorf("%s: %s is %q, want %q (%v)", c.name, f, got, v, rows[0].Fields)
			}
		}
	}
}

func TestRaggedRows(t *testing.T) {
	rows := readtest.Read(t, Format{}, []byte(plain), event.File{}, event.Everything()).Rows
	if rows[1].Get("_extra") != "more" || rows[2].Get("name") != "c" || rows[2].Fields["size"] != nil || rows[1].Record != 3 {
		t.Errorf("%+v", rows)
	}
}

func TestColumnsOfAQueryLog(t *testing.T) {
	hints := event.Hints{Columns: map[string]string{"time": "when", "statement": "q", "user": "who", "source.product": "db2", "source.category": "database"}}
	rows := readtest.Read(t, Format{}, []byte("when,who,q\n2023-07-03 07:08:07,alice,drop table x\n"), event.File{Hints: hints}, event.Everything()).Rows
	if len(rows) != 1 || rows[0].Source != (event.Source{Product: "db2", Category: "database"}) || rows[0].Get("statement") != "drop table x" || rows[0].Get("user") != "alice" || rows[0].Get("q") != "drop table x" || rows[0].Time == event.NoTime {
		t.Errorf("%+v", rows)
	}
}

func TestTextIsNoTable(t *testing.T) {
	for _, text := range []string{"", "one line", "plain text\nof two lines\n", "1,2,3\n4,5,6\n", "{\"a\":1,\"b\":2}\n{\"a\":1,\"b\":2}\n", "2023-07-03 07:08:07,a,b\n2023-07-03 07:08:08,c,d\n", "Jul  3 09:08:07 h a[1]: x\n", "a=1,b=2\na=3,b=4\n"} {
		if c := (Format{}).Recognise([]byte(text), ""); c != event.No {
			t.Errorf("%q: %d", text, c)
		}
	}
}

// TestAgainstReference holds several segments of quoted records against encoding/csv.
func TestAgainstReference(t *testing.T) {
	var b strings.Builder
	b.WriteString("id,text,other\n")
	for i := range 60000 {
		fmt.Fprintf(&b, "%d,\"line one, \"\"%d\"\"\nline two %s\",x\n", i, i*7, strings.Repeat("y", i%90))
	}
	r := csv.NewReader(strings.NewReader(b.String()))
	want, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	out := readtest.Read(t, Format{}, []byte(b.String()), event.File{}, event.Everything())
	rows := out.InOrder()
	if len(rows) != len(want)-1 || len(out.Damage) > 0 {
		t.Fatalf("%d rows, want %d, %v", len(rows), len(want)-1, out.Damage)
	}
	for i, row := range rows {
		w := want[i+1]
		if row.Get("id") != w[0] || row.Get("text") != w[1] || row.Get("other") != w[2] || row.Record != uint64(2+2*i) {
			t.Fatalf("row %d: %+v, want %q", i, row, w)
		}
	}
}

func FuzzTable(f *testing.F) {
	for _, s := range []string{nfdump, evtx, getWinEvent, viewerCSV, m365, oracle, sqlServer, plain} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		Format{}.Recognise(b, "")
		readtest.Read(t, Format{}, b, event.File{}, event.Everything())
	})
}

func Benchmark(b *testing.B) {
	readtest.Bench(b, Format{}, []byte(nfdump[:strings.Index(nfdump, "Summary")]), event.File{}, event.Everything())
}

func BenchmarkWindows(b *testing.B) {
	readtest.Bench(b, Format{}, []byte(evtx), event.File{}, event.Everything())
}
