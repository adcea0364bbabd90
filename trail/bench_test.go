package trail

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/finding"
)

var benchEvents = flag.Int("trail.events", 400_000, "events of BenchmarkCollect")

// BenchmarkCollect measures the graph alone: batches of Sysmon 1, 3, 11 and 22 of 40 hosts, a tenth of the values new, on two goroutines; then
// Finish. It reports events per second, bytes of memory at the peak, and nodes.
func BenchmarkCollect(b *testing.B) {
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(640 << 20)) // as the verb does
	for range b.N {
		g, err := NewGraph(Options{TempDir: b.TempDir()})
		if err != nil {
			b.Fatal(err)
		}
		began := time.Now()
		const workers = 2
		var all sync.WaitGroup
		for w := range workers {
			all.Go(func() {
				c := g.Collect()
				for n := w; n < *benchEvents/1000; n += workers {
					if err := c.Batch(fmt.Sprintf("host%02d/Sysmon.evtx", n%40), sysmonBatch(n, 1000)); err != nil {
						panic(err)
					}
				}
				if err := c.Flush(); err != nil {
					panic(err)
				}
			})
		}
		all.Wait()
		collected := time.Since(began)
		var at runtime.MemStats
		runtime.ReadMemStats(&at)
		if _, err := g.Finish([]finding.Ref{{File: "host00/Sysmon.evtx", Record: 1}}); err != nil {
			b.Fatal(err)
		}
		total := time.Since(began)
		var then runtime.MemStats
		runtime.ReadMemStats(&then)
		b.ReportMetric(float64(*benchEvents)/collected.Seconds(), "collected/s")
		b.ReportMetric(float64(*benchEvents)/total.Seconds(), "events/s")
		b.ReportMetric(float64(max(at.HeapInuse, then.HeapInuse))/(1<<20), "heap-MiB")
		b.ReportMetric(float64(peak())/(1<<20), "peak-MiB")
		b.ReportMetric(float64(g.Size().Nodes), "nodes")
		b.ReportMetric(float64(g.Size().Records), "edges")
		if err := g.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// peak is the most memory the process had, as Linux tells; 0 elsewhere.
func peak() (n int64) {
	b, _ := os.ReadFile("/proc/self/status")
	if _, rest, ok := strings.Cut(string(b), "VmHWM:"); ok {
		fmt.Sscanf(strings.TrimSpace(rest), "%d", &n)
	}
	return n << 10
}

// sysmonBatch makes a batch of one event id; a tenth of its names are new.
func sysmonBatch(n, rows int) *event.Batch {
	host := fmt.Sprintf("host%02d.corp.example", n%40)
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano() + int64(n)*int64(20*time.Second)
	text := func(row int, what string) string {
		if row%10 == 0 {
			return fmt.Sprintf("%s-%d-%d", what, n, row)
		}
		return fmt.Sprintf("%s-%d", what, (n*7+row)%5000)
	}
	guid := func(k int) string { return fmt.Sprintf("{747F3D96-E7B9-5FF4-%04X-%012X}", n%40, k) }
	var id uint32
	var fields []string
	var values func(row int) []string
	switch n % 4 {
	case 0:
		id, fields = 1, []string{"ProcessGuid", "ProcessId", "Image", "CommandLine", "LogonId", "Hashes", "ParentProcessGuid", "ParentProcessId", "ParentImage"}
		values = func(r int) []string {
			return []string{guid(n*1000 + r), fmt.Sprint(1000 + r*4), `C:\Windows\System32\` + text(r, "tool") + ".exe", text(r, "tool") + " /a /b " + text(r, "x"), "0x3e7", "SHA256=" + fmt.Sprintf("%064x", (n*7+r)%5000), guid(n%40 + 1), "900", `C:\Windows\System32\svchost.exe`}
		}
	case 1:
		id, fields = 3, []string{"ProcessGuid", "ProcessId", "Image", "Initiated", "SourceIp", "SourcePort", "DestinationIp", "DestinationPort"}
		values = func(r int) []string {
			return []string{guid(n%40 + r%50), "900", `C:\Windows\System32\svchost.exe`, "true", fmt.Sprintf("10.0.0.%d", n%40), fmt.Sprint(49152 + (n*13+r)%16000), fmt.Sprintf("203.0.%d.%d", r%20, (n+r)%250), "443"}
		}
	case 2:
		id, fields = 11, []string{"ProcessGuid", "ProcessId", "Image", "TargetFilename"}
		values = func(r int) []string {
			return []string{guid(n%40 + r%50), "900", `C:\Windows\System32\svchost.exe`, `C:\Users\someone\AppData\Local\Temp\` + text(r, "file") + ".tmp"}
		}
	default:
		id, fields = 22, []string{"ProcessGuid", "ProcessId", "Image", "QueryName", "QueryResults"}
		values = func(r int) []string {
			return []string{guid(n%40 + r%50), "900", `C:\Windows\System32\svchost.exe`, text(r, "name") + ".example.com", fmt.Sprintf("::ffff:203.0.%d.%d;", r%20, (n+r)%250)}
		}
	}
	return textBatch(event.Source{Product: event.ProductWindows, Provider: "Microsoft-Windows-Sysmon", Channel: "Microsoft-Windows-Sysmon/Operational", ID: id}, host, fields, rows, uint64(n*rows), func(r int) (int64, []string) {
		return at + int64(r)*int64(time.Millisecond), values(r)
	})
}

// textBatch makes a batch of text columns; an empty value is absent.
func textBatch(source event.Source, host string, fields []string, rows int, record uint64, row func(r int) (int64, []string)) *event.Batch {
	b := &event.Batch{Schema: event.NewSchema(source, fields), Rows: rows, Host: constant(host)}
	index := make([]map[string]event.Code, len(fields))
	for i := range fields {
		index[i] = map[string]event.Code{}
		b.Cols = append(b.Cols, &event.Column{Dict: &event.Dict{Kind: event.Text}})
	}
	for r := range rows {
		at, values := row(r)
		b.Time, b.Record, b.Offset = append(b.Time, at), append(b.Record, record+uint64(r)+1), append(b.Offset, 0)
		for i, v := range values {
			c := b.Cols[i]
			code, ok := index[i][v]
			if !ok && v != "" {
				code = event.ValueCode(len(c.Dict.Ends))
				c.Dict.Bytes = append(c.Dict.Bytes, v...)
				c.Dict.Ends = append(c.Dict.Ends, uint32(len(c.Dict.Bytes)))
				index[i][v] = code
			}
			c.Codes = append(c.Codes, code)
		}
	}
	return b
}

func constant(v string) *event.Column {
	return &event.Column{Dict: &event.Dict{Kind: event.Text, Bytes: []byte(v), Ends: []uint32{uint32(len(v))}}, Codes: []event.Code{event.ValueCode(0)}, Const: true}
}
