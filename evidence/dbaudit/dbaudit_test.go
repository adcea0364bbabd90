package dbaudit

import (
	"encoding/csv"
	"strings"
	"testing"
	"time"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/evidence/internal/readtest"
	"github.com/contrail-ir/contrail/internal/require"
)

// Records in the forms that the vendors' documentation describes.
const (
	pgCSV = `2023-07-03 07:08:07.123 UTC,"alice","shop",4242,"203.0.113.7:50000",64a2.1,1,"SELECT",2023-07-03 07:00:00 UTC,3/1,0,LOG,00000,"AUDIT: SESSION,1,1,READ,SELECT,TABLE,public.account,""select *
from account"",<not logged>,17",,,,,,,,,"psql","client backend",,0
2023-07-03 07:08:08.000 UTC,"alice","shop",4242,"[local]",64a2.1,2,"DROP TABLE",2023-07-03 07:00:00 UTC,3/2,0,LOG,00000,"statement: drop table account",,,,,,,,,"psql"
`
	pgText = `2023-07-03 07:08:07.123 UTC [4242] alice@shop LOG:  duration: 12.3 ms  execute <unnamed>: select *
	from account
2023-07-03 07:08:08 UTC [4242]: [3-1] user=alice,db=shop,app=psql,client=203.0.113.7 ERROR:  relation "x" does not exist
2023-07-03 07:08:08 UTC [4242] alice@shop STATEMENT:  select * from x
2023-07-03 07:08:09 UTC [1] LOG:  database system is ready
`
	general = "/usr/sbin/mysqld, Version: 8.0.33 (MySQL). started with:\nTcp port: 3306  Unix socket: /x\nTime                 Id Command    Argument\n" +
		"2023-07-03T07:08:07.123456Z\t   14 Connect\talice@203.0.113.7 on shop using TCP/IP\n2023-07-03T07:08:08.000000Z\t   14 Query\tselect *\nfrom account\n2023-07-03T07:08:09.000000Z\t   14 Quit\t\n" +
		"2023-07-03T07:08:10.000000Z\t   15 Connect\tAccess denied for user 'root'@'203.0.113.8' (using password: YES)\n2023-07-03T07:08:11.000000Z 16 [Warning] [MY-010055] [Server] IP address could not be resolved\n"
	slow = "# Time: 2023-07-03T07:08:07.000000Z\n# User@Host: alice[alice] @ app [203.0.113.7]  Id:    14\n# Query_time: 2.5  Lock_time: 0.000 Rows_sent: 100000  Rows_examined: 200000\nuse shop;\nSET timestamp=1688368087;\nselect *\nfrom account;\n" +
		"# User@Host: bob[bob] @ localhost []\n# Query_time: 1  Lock_time: 0 Rows_sent: 0  Rows_examined: 0\nSET timestamp=1688368088;\nselect sleep(1);\n"
	oracleXML = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Audit xmlns=\"http://xmlns.oracle.com\">\n<Version>12.1</Version>\n<AuditRecord><Audit_Type>1</Audit_Type><Extended_Timestamp>2023-07-03T07:08:07.123456Z</Extended_Timestamp><DB_User>ALICE</DB_User>" +
		"<Userhost>pc1</Userhost><Object_Name>ACCOUNT</Object_Name><Sql_Text>select * from account where a &lt; 1</Sql_Text></AuditRecord>\n<AuditRecord>\n<DB_User>BOB</DB_User>\n</AuditRecord>\n</Audit>\n"
	sqlXML = "<audit>\n<row event_time=\"2023-07-03T07:08:07.1234567\" action_id=\"SL\" server_principal_name=\"alice\" database_name=\"shop\" object_name=\"account\" statement=\"select 1\" client_ip=\"203.0.113.7\" server_instance_name=\"SQL01\" />\n</audit>\n"
	events = "<events><event name=\"sql_batch_completed\" package=\"sqlserver\" timestamp=\"2023-07-03T07:08:07.123Z\"><data name=\"row_count\"><value>5</value></data><data name=\"batch_text\"><value>select 1</value></data><action name=\"username\" package=\"sqlserver\"><value>alice</value></action></event></events>"
)

func TestKindsOfDatabaseLogs(t *testing.T) {
	for _, c := range []struct {
		text string
		want []map[string]string
	}{
		{pgCSV, []map[string]string{{"user": "alice", "database": "shop", "client": "203.0.113.7", "statement": "select *\nfrom account", "object": "public.account", "rows": "17", "command": "SELECT", "class": "READ", "command_tag": "SELECT"},
			{"statement": "drop table account", "command": "DROP", "client": "local", "rows": ""}}},
		{pgText, []map[string]string{{"user": "alice", "database": "shop", "statement": "select *\n\tfrom account", "command": "SELECT", "duration": "12.3 ms", "process_id": "4242", "rows": ""},
			{"user": "alice", "client": "203.0.113.7", "error_severity": "ERROR", "application_name": "psql"}, {"statement": "select * from x"}, {"message": "database system is ready"}}},
		{general, []map[string]string{{"command": "Connect", "user": "alice", "client": "203.0.113.7", "database": "shop"}, {"statement": "select *\nfrom account", "user": "alice", "client": "203.0.113.7", "thread": "14"},
			{"command": "Quit"}, {"user": "root", "client": "203.0.113.8"}, {"level": "Warning", "code": "MY-010055", "subsystem": "Server"}}},
		{slow, []map[string]string{{"user": "alice", "client": "203.0.113.7", "database": "shop", "rows": "100000", "Rows_examined": "200000", "statement": "select *\nfrom account;"}, {"user": "bob", "client": "localhost", "command": "SELECT"}}},
		{oracleXML, []map[string]string{{"user": "ALICE", "client": "pc1", "object": "ACCOUNT", "statement": "select * from account where a < 1"}, {"DB_User": "BOB"}}},
		{sqlXML, []map[string]string{{"user": "alice", "object": "account", "statement": "select 1", "client": "203.0.113.7", "command": "SL"}}},
		{events, []map[string]string{{"user": "alice", "statement": "select 1", "rows": "5"}}},
	} {
		if (Format{}).Recognise([]byte(c.text), "") < event.Likely {
			t.Errorf("%.40q is not recognised", c.text)
		}
		out := readtest.Read(t, Format{}, []byte(c.text), event.File{}, event.Everything())
		rows := out.InOrder()
		if len(rows) != len(c.want) || len(out.Damage) > 0 {
			t.Errorf("%.40q: %d rows, damage %v: %+v", c.text, len(rows), out.Damage, rows)
			continue
		}
		if rows[0].Time/1e9 != time.Date(2023, 7, 3, 7, 8, 7, 0, time.UTC).Unix() {
			t.Errorf("%.40q: time %d", c.text, rows[0].Time)
		}
		for i, w := range c.want {
			for f, v := range w {
				if got := strings.Join(rows[i].Fields[f], "|"); got != v {
					t.Errorf("%.40q: row %d: %s is %q, want %q", c.text, i, f, got, v)
				}
			}
		}
	}
}

// TestAgainstReference holds PostgreSQL's CSV against encoding/csv, over several segments.
func TestAgainstReference(t *testing.T) {
	text := strings.Repeat(pgCSV, 20000)
	r := csv.NewReader(strings.NewReader(text))
	r.FieldsPerRecord = -1
	want, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	out := readtest.Read(t, Format{}, []byte(text), event.File{}, event.Always(func(event.Source) event.Want {
		return event.Want{Fields: []string{"error_severity", "message", "user_name"}}
	}))
	if len(out.Rows) != len(want) || len(out.Damage) > 0 {
		t.Fatalf("%d rows, want %d, %v", len(out.Rows), len(want), out.Damage)
	}
	for i, r := range out.InOrder() {
		if r.Get("message") != want[i][13] || r.Get("user_name") != want[i][1] || r.Record != uint64(1+i/2*3+i%2*2) {
			t.Fatalf("row %d: %+v, want %q", i, r, want[i])
		}
	}
}

func TestRealMySQLLog(t *testing.T) {
	b := require.Read(t, "weblogs/crowdsec-hub/mysql-logs/mysql-logs.log")
	if (Format{}).Recognise(b, "") < event.Likely {
		t.Error("not recognised")
	}
	out := readtest.Read(t, Format{}, b, event.File{}, event.Everything())
	if len(out.Rows) != 4 || len(out.Damage) > 0 {
		t.Fatalf("%d rows, %v", len(out.Rows), out.Damage)
	}
	for _, r := range out.Rows {
		if r.Get("user") == "" || r.Get("client") == "" || r.Time == event.NoTime {
			t.Errorf("%+v", r)
		}
	}
}

func TestOtherFilesAreLeft(t *testing.T) {
	for _, text := range []string{"", "a,b\n1,2\n", "Jul  3 09:08:07 h sshd[1]: x\n", "<Event xmlns='x'></Event>", "{}", "2023-07-03 09:08:07 something else\n"} {
		if c := (Format{}).Recognise([]byte(text), ""); c != event.No {
			t.Errorf("%q: %d", text, c)
		}
	}
}

func FuzzDBAudit(f *testing.F) {
	for _, s := range []string{pgCSV, pgText, general, slow, oracleXML, sqlXML, events} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		Format{}.Recognise(b, "")
		readtest.Read(t, Format{}, b, event.File{}, event.Everything())
	})
}

func BenchmarkPostgresCSV(b *testing.B) {
	readtest.Bench(b, Format{}, []byte(pgCSV), event.File{}, event.Everything())
}

func BenchmarkMySQLGeneral(b *testing.B) {
	readtest.Bench(b, Format{}, []byte(general), event.File{}, event.Everything())
}
