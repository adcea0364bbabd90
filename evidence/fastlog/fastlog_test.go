package fastlog

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/evidence/internal/readtest"
	"github.com/contrail-ir/contrail/internal/require"
)

const sample = `07/11/2022-10:29:01.860293  [**] [1:2200074:2] SURICATA text [x] [**] [Classification: Generic Protocol] [Priority: 3] {TCP} 192.0.2.9:28487 -> 10.0.0.1:80
07/11-10:29:01.860293  [Drop] [**] [1:7:2] snort [**] [Priority: 0] {UDP} 2001:db8::1:53 -> 2001:db8::2:5353
what
`

func TestAlerts(t *testing.T) {
	out := readtest.Read(t, Format{}, []byte(sample), event.File{ModTime: time.Date(2022, 8, 1, 0, 0, 0, 0, time.UTC)}, event.Everything())
	rows := out.InOrder()
	if len(rows) != 3 || len(out.Damage) != 1 {
		t.Fatalf("%+v %v", rows, out.Damage)
	}
	for i, want := range []map[string]string{
		{"alert.signature_id": "2200074", "alert.signature": "SURICATA text [x]", "alert.category": "Generic Protocol", "alert.severity": "3", "proto": "TCP", "src_ip": "192.0.2.9", "src_port": "28487", "dest_ip": "10.0.0.1", "dest_port": "80"},
		{"alert.signature": "snort", "src_ip": "2001:db8::1", "dest_port": "5353"}, {"message": "what"}} {
		for f, v := range want {
			if rows[i].Get(f) != v {
				t.Errorf("line %d: %s is %q, want %q", i+1, f, rows[i].Get(f), v)
			}
		}
	}
	at := time.Date(2022, 7, 11, 10, 29, 1, 860293000, time.UTC).UnixNano()
	if rows[0].Time != at || rows[1].Time != at {
		t.Errorf("%d %d", rows[0].Time, rows[1].Time)
	}
}

var form = regexp.MustCompile(`\[\*\*\] \[(\d+):(\d+):(\d+)\] (.*) \[\*\*\].*\{(\w+)\} ([\d.]+):(\d+) -> ([\d.]+):(\d+)`)

// TestRealLog holds a real log against a regular expression.
func TestRealLog(t *testing.T) {
	b := require.Read(t, "weblogs/crowdsec-hub/suricata-logs-fastlog/suricata-logs-fastlog.log")
	if (Format{}).Recognise(b, "") < event.Likely {
		t.Error("not recognised")
	}
	out := readtest.Read(t, Format{}, b, event.File{}, event.Everything())
	want := form.FindAllStringSubmatch(string(b), -1)
	if len(want) == 0 || len(out.Rows) != len(want) || len(out.Damage) > 0 {
		t.Fatalf("%d rows, want %d, %v", len(out.Rows), len(want), out.Damage)
	}
	for i, r := range out.InOrder() {
		for n, f := range []string{"alert.gid", "alert.signature_id", "alert.rev", "alert.signature", "proto", "src_ip", "src_port", "dest_ip", "dest_port"} {
			if r.Get(f) != want[i][n+1] {
				t.Errorf("row %d: %s is %q, want %q", i, f, r.Get(f), want[i][n+1])
			}
		}
	}
}

func TestTextIsNoAlert(t *testing.T) {
	for _, s := range []string{"", "a [**] b\n", strings.Repeat("x", 100)} {
		if (Format{}).Recognise([]byte(s), "") != event.No {
			t.Errorf("%q", s)
		}
	}
}

func FuzzFastLog(f *testing.F) {
	f.Add([]byte(sample))
	f.Fuzz(func(t *testing.T, b []byte) {
		Format{}.Recognise(b, "")
		readtest.Read(t, Format{}, b, event.File{ModTime: time.Date(2022, 8, 1, 0, 0, 0, 0, time.UTC)}, event.Everything())
	})
}

func Benchmark(b *testing.B) {
	readtest.Bench(b, Format{}, []byte(sample), event.File{}, event.Everything())
}
