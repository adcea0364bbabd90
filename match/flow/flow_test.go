package flow

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/contrail-ir/contrail/event"
)

// trafficBuilder makes connections as Zeek's conn log tells them.
type trafficBuilder struct {
	b    *event.Builder
	rows int
}

func newTraffic() *trafficBuilder {
	return &trafficBuilder{b: event.NewBuilder(event.Source{Product: "zeek", Service: "conn"})}
}

func (x *trafficBuilder) conn(at time.Time, src, dst, port string, sent, received int) {
	x.rows++
	x.b.Row(at.UnixNano(), uint64(x.rows), uint64(x.rows), nil)
	for f, v := range map[string]string{"id.orig_h": src, "id.resp_h": dst, "id.resp_p": port, "orig_bytes": fmt.Sprint(sent), "resp_bytes": fmt.Sprint(received)} {
		x.b.Text(x.b.Field(f), []byte(v))
	}
}

type noted struct{ o event.Observation }

// conclude runs batches through watcher, sort and judge.
func conclude(t testing.TB, batches ...*event.Batch) []event.Conclusion {
	t.Helper()
	var all []noted
	for n, b := range batches {
		w := Observer{}.Watcher()
		if err := w.Watch(b, func(row int, key, value []byte) {
			all = append(all, noted{event.Observation{Key: bytes.Clone(key), Value: bytes.Clone(value), Time: b.Time[row], File: fmt.Sprint(n), Record: b.Record[row]}})
		}); err != nil {
			t.Fatal(err)
		}
	}
	slices.SortFunc(all, func(a, b noted) int {
		if c := bytes.Compare(a.o.Key, b.o.Key); c != 0 {
			return c
		}
		return int(max(-1, min(1, a.o.Time-b.o.Time)))
	})
	j := Observer{}.Judge()
	for i := range all {
		j.Add(&all[i].o)
	}
	var out []event.Conclusion
	j.Conclude(func(c event.Conclusion) { out = append(out, c) })
	return out
}

func value(c event.Conclusion, field string) string {
	for _, m := range c.Matched {
		if m.Field == field {
			return m.Value
		}
	}
	return ""
}

func TestABeaconStandsOutOfBrowsing(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	x := newTraffic()
	start := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	for i := range 288 { // every five minutes for a day, with a little jitter
		x.conn(start.Add(time.Duration(i)*5*time.Minute+time.Duration(r.IntN(20))*time.Second), "10.0.0.7", "198.51.100.9", "443", 300+r.IntN(4), 900)
	}
	for host := range 30 { // people browse at all sorts of times, in bursts
		for range 60 {
			at := start.Add(8*time.Hour + time.Duration(r.IntN(9*3600))*time.Second)
			for range 1 + r.IntN(5) {
				at = at.Add(time.Duration(r.IntN(4000)) * time.Millisecond)
				x.conn(at, fmt.Sprintf("10.0.0.%d", 20+host), fmt.Sprintf("203.0.113.%d", r.IntN(8)), "443", 200+r.IntN(4000), 5000+r.IntN(90000))
			}
		}
	}
	got := conclude(t, x.b.Batch())
	if len(got) == 0 || got[0].Rule != Beacon || value(got[0], "destination") != "198.51.100.9:443" || got[0].Score < 0.9 {
		t.Fatalf("first is %+v", got)
	}
	if len(got) > 1 && got[1].Score > got[0].Score-0.2 {
		t.Errorf("browsing comes close: %+v", got[1])
	}
	for _, c := range got {
		if c.Score < 0 || c.Score > 1 || math.IsNaN(c.Score) {
			t.Errorf("score %v", c.Score)
		}
	}
}

// TestTwoLogsOfOneConnectionAreOneConnection: a sensor tells when it began, a firewall when it ended, and how much it carried, each once.
func TestTwoLogsOfOneConnectionAreOneConnection(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	start := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	x := newTraffic()
	forti, palo := event.NewBuilder(event.Source{Product: "fortigate", Service: "traffic"}), event.NewBuilder(event.Source{Product: "paloalto", Service: "traffic"})
	row := func(b *event.Builder, at time.Time, names string, values ...string) {
		b.Row(at.UnixNano(), uint64(at.Unix()), uint64(at.Unix()), nil)
		for i, n := range strings.Fields(names) {
			b.Text(b.Field(n), []byte(values[i]))
		}
	}
	for i := range 100 {
		at, sent := start.Add(time.Duration(i)*20*time.Minute+time.Duration(r.IntN(9))*time.Second), fmt.Sprint(480+r.IntN(5))
		if i == 50 {
			sent = fmt.Sprint(500 << 20)
		}
		n, _ := strconv.Atoi(sent)
		x.conn(at, "10.0.0.7", "198.51.100.9", "443", n, 900)
		end := at.Add(time.Duration(1+r.IntN(40)) * time.Second)
		row(forti, end, "srcip dstip dstport sentbyte rcvdbyte logid", "10.0.0.7", "198.51.100.9", "443", sent, "900", "0000000013")
		row(forti, at.Add(time.Second), "srcip dstip dstport sentbyte rcvdbyte logid", "10.0.0.7", "198.51.100.9", "443", sent, "900", "0000000020")
		row(palo, at, "src dst dport bytes_sent bytes_received subtype", "10.0.0.7", "198.51.100.9", "443", "0", "0", "start")
		row(palo, end, "src dst dport bytes_sent bytes_received subtype", "10.0.0.7", "198.51.100.9", "443", sent, "900", "end")
	}
	for name, all := range map[string][]*event.Batch{"sensor": {x.b.Batch()}, "FortiGate": {forti.Batch()}, "Palo Alto": {palo.Batch()}, "all": {x.b.Batch(), forti.Batch(), palo.Batch()}} {
		got := conclude(t, all...)
		if len(got) != 2 || got[0].Rule != Beacon || got[0].Score < 0.8 || value(got[0], "connections") != "100" || got[1].Rule != Upload {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// TestBeatsAreNoUpload: an agent that reports four kilobytes every half hour sends a megabyte in a week, in even beats; who sends it at once, or
// a hundred times as much in beats, uploads.
func TestBeatsAreNoUpload(t *testing.T) {
	uploads := func(beat, once int) (n int) {
		x := newTraffic()
		start := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
		for host := range 8 {
			for i := range 20 {
				x.conn(start.Add(time.Duration(i*313+host)*time.Minute), fmt.Sprintf("10.0.0.%d", host), "203.0.113.5", "443", 700+i*3, 5000)
			}
		}
		for i := range 300 {
			sent := beat
			if i == 200 && once > 0 {
				sent = once
			}
			x.conn(start.Add(time.Duration(i)*30*time.Minute+time.Duration(i%9)*time.Second), "10.0.0.3", "198.51.100.7", "443", sent+i%7, 220)
		}
		for _, c := range conclude(t, x.b.Batch()) {
			if c.Rule == Upload {
				n++
			}
		}
		return n
	}
	if n := uploads(4000, 0); n != 0 {
		t.Errorf("%d uploads in even beats", n)
	}
	if n := uploads(4000, 30<<20); n != 1 {
		t.Errorf("%d uploads where one beat carries 30 MiB", n)
	}
	if n := uploads(400_000, 0); n != 1 {
		t.Errorf("%d uploads of 120 MB in beats", n)
	}
}

func TestUploadsStandOut(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	x := newTraffic()
	start := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	for host := range 10 {
		for i := range 50 {
			x.conn(start.Add(time.Duration(i*13+host)*time.Minute), fmt.Sprintf("10.0.0.%d", host), fmt.Sprintf("203.0.113.%d", r.IntN(5)), "443", 1000+r.IntN(30000), 90000)
		}
	}
	x.conn(start.Add(3*time.Hour), "10.0.0.3", "198.51.100.7", "443", 800<<20, 5000)
	var uploads []event.Conclusion
	for _, c := range conclude(t, x.b.Batch()) {
		if c.Rule == Upload {
			uploads = append(uploads, c)
		}
	}
	if len(uploads) != 1 || value(uploads[0], "destination") != "198.51.100.7:443" || uploads[0].Score < 0.9 {
		t.Errorf("uploads %+v", uploads)
	}
	// A packed file that is put is enough, its size need not be logged.
	h := event.NewBuilder(event.Source{Product: "zeek", Service: "http"})
	for i, line := range []string{"GET /a.7z", "PUT /webdav/Loot.7z", "POST /form", "POST /x.zip?y=1"} {
		method, path, _ := strings.Cut(line, " ")
		h.Row(start.UnixNano()+int64(i), uint64(i), uint64(i+1), nil)
		for f, v := range map[string]string{"id.orig_h": "10.0.0.1", "id.resp_h": "10.0.9.9", "id.resp_p": "80", "method": method, "uri": path, "request_body_len": "0", "host": fmt.Sprintf("h%d", i)} {
			h.Text(h.Field(f), []byte(v))
		}
	}
	var files []string
	for _, c := range conclude(t, h.Batch()) {
		files = append(files, value(c, "file"))
	}
	slices.Sort(files)
	if got := strings.Join(files, " "); got != "Loot.7z x.zip" {
		t.Errorf("packed files %q", got)
	}
}

func TestTheOrderOfTheEvidenceDoesNotMatter(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	start := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	type row struct {
		at       time.Time
		src, dst string
		sent     int
	}
	var rows []row
	for range 3000 {
		rows = append(rows, row{start.Add(time.Duration(r.IntN(86400)) * time.Second), fmt.Sprintf("10.0.0.%d", r.IntN(5)), fmt.Sprintf("203.0.113.%d", r.IntN(5)), r.IntN(1 << 21)})
	}
	var want string
	for range 3 {
		var batches []*event.Batch
		for part := range 3 {
			x := newTraffic()
			for _, p := range rows[part*1000 : part*1000+1000] {
				x.conn(p.at, p.src, p.dst, "443", p.sent, 10)
			}
			batches = append(batches, x.b.Batch())
		}
		var got strings.Builder
		for _, c := range conclude(t, batches...) {
			fmt.Fprintf(&got, "%d %v %v\n", c.Rule, c.Score, c.Matched)
		}
		if want == "" {
			want = got.String()
		}
		if got.String() != want || want == "" {
			t.Fatal("another order gives other conclusions")
		}
		r.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
	}
}

func TestRegularityMeasures(t *testing.T) {
	same := slices.Repeat([]float64{60}, 20)
	if got := regularity(same); got != 1 {
		t.Errorf("equal numbers: %v", got)
	}
	var wild []float64
	for i := range 20 {
		wild = append(wild, math.Pow(2, float64(i)))
	}
	if got := regularity(wild); got > 0.35 {
		t.Errorf("powers of two: %v", got)
	}
	if got := regularity(make([]float64, 20)); got != 0 {
		t.Errorf("zeros: %v", got)
	}
	var h [buckets]float64
	for i := range h {
		h[i] = 7
	}
	if evenness(h) != 1 || evenness([buckets]float64{}) != 0 {
		t.Error("evenness of an even and of an empty histogram")
	}
	if got := quantile([]float64{1, 2, 3, 4}, 0.5); got != 2.5 {
		t.Errorf("median %v", got)
	}
}

// TestSourcesReadTheirColumns: each row of the table of sources is used by events of its source.
func TestSourcesReadTheirColumns(t *testing.T) {
	for _, s := range sources {
		src := event.Source{Product: s.product, Category: s.category, Service: s.service, Channel: s.channel, ID: s.id}
		if !Searches(src) {
			t.Errorf("%s is not found by its own source", src)
		}
		needs := Observer{}.Needs()
		if want := needs.Of(src); len(want.Fields) < 3 {
			t.Errorf("%s wants %v", src, want)
		}
	}
	if Searches(event.Source{Product: "windows", Channel: "Security", ID: 4688}) {
		t.Error("process creation tells of connections")
	}
}

func FuzzJudge(f *testing.F) {
	x := newTraffic()
	x.conn(time.Unix(1, 0), "10.0.0.1", "10.0.0.2", "80", 1, 1)
	f.Add([]byte("a\x00d\x00p\x00s\x00"), []byte("1234567890123456789012345x.7z"), int64(5))
	f.Fuzz(func(t *testing.T, key, val []byte, at int64) {
		j := Observer{}.Judge()
		for i := range 20 {
			j.Add(&event.Observation{Key: key, Value: val, Time: at + int64(i)*1e9})
		}
		j.Conclude(func(c event.Conclusion) {
			if math.IsNaN(c.Score) || c.Score < 0 || c.Score > 1 {
				t.Errorf("score %v of %q %q", c.Score, key, val)
			}
		})
	})
}

// TestDecimalsAreThoseOfStrconv holds the quick reading of numbers against the slow one.
func TestDecimalsAreThoseOfStrconv(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 3))
	quick := 0
	check := func(text string) {
		v, ok := decimal([]byte(text))
		if !ok {
			return
		}
		quick++
		if want, err := strconv.ParseFloat(text, 64); err != nil || v != want {
			t.Errorf("%q is %v, want %v, %v", text, v, want, err)
		}
	}
	for range 20_000 {
		check(fmt.Sprintf("%.*f", r.IntN(10), r.ExpFloat64()*[]float64{1e-4, 1, 1e6, 1e14}[r.IntN(4)]))
	}
	for _, text := range []string{"", ".", "1.", ".5", "1.2.3", "-1", "1e5", "0", "00.10", "9007199254740992", "9007199254740993", "0x1", "1_0"} {
		check(text)
	}
	if quick < 15_000 {
		t.Errorf("only %d numbers are read quickly", quick)
	}
}
