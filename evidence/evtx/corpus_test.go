package evtx

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/internal/require"
)

// sharedFiles lists the EVTX files of the real data, by path relative to it.
func sharedFiles(tb testing.TB, folders ...string) []string {
	tb.Helper()
	var out []string
	for _, folder := range folders {
		root := require.Data(tb, folder)
		err := filepath.WalkDir(root, func(path string, e os.DirEntry, err error) error {
			if err == nil && !e.IsDir() && strings.EqualFold(filepath.Ext(path), ".evtx") {
				out = append(out, folder+strings.TrimPrefix(filepath.ToSlash(path), filepath.ToSlash(root)))
			}
			return err
		})
		if err != nil {
			tb.Fatal(err)
		}
	}
	return out
}

// read decodes a whole file on one goroutine.
func read(tb testing.TB, data []byte, hints event.Hints, needs event.Needs, sink event.Sink) {
	tb.Helper()
	f := New()
	if err := decodeAll(f, f.Decoder(), bytes.NewReader(data), hints, &needs, sink); err != nil {
		tb.Fatal(err)
	}
}

func decodeAll(f *Format, d event.Decoder, body io.Reader, hints event.Hints, needs *event.Needs, sink event.Sink) error {
	s, err := f.Open(event.File{Name: "test.evtx", Size: -1, Body: body, Hints: hints})
	if err != nil {
		return err
	}
	for {
		seg, err := s.Next(context.Background())
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := d.Decode(seg, needs, sink); err != nil {
			return err
		}
		seg.Release()
	}
}

// summary is what labels.tsv says of a file.
type summary struct {
	records, recovered  int
	first, last         int64
	computers, channels map[string]bool
	ids                 map[uint32]int
	damage              []event.Damage
	offsets             map[uint64]bool
	repeated            int
}

func newSummary() *summary {
	return &summary{computers: map[string]bool{}, channels: map[string]bool{}, ids: map[uint32]int{}, offsets: map[uint64]bool{}}
}

func (s *summary) Damage(d event.Damage) { s.damage = append(s.damage, d) }

func (s *summary) Batch(b *event.Batch) error {
	for row := range b.Rows {
		if s.offsets[b.Offset[row]] {
			s.repeated++
		}
		s.offsets[b.Offset[row]] = true
	}
	if b.Recovered {
		s.recovered += b.Rows
		return nil
	}
	s.records += b.Rows
	s.channels[b.Schema.Source.Channel] = true
	s.ids[b.Schema.Source.ID] += b.Rows
	for row := range b.Rows {
		if t := b.Time[row]; t != event.NoTime {
			if s.first == 0 || t < s.first {
				s.first = t
			}
			if s.last == 0 || t > s.last {
				s.last = t
			}
		}
		s.computers[b.Host.Text(row)] = true
	}
	return nil
}

func names(set map[string]bool) string {
	return strings.Join(slices.Sorted(maps.Keys(set)), "|")
}

func stamp(ns int64) string {
	if ns == 0 {
		return ""
	}
	return time.Unix(0, ns).UTC().Format("2006-01-02T15:04:05.000000000Z")
}

type label map[string]string

func labels(tb testing.TB, folder string) []label {
	tb.Helper()
	r := csv.NewReader(bytes.NewReader(require.Read(tb, folder+"/labels.tsv")))
	r.Comma = '\t'
	r.LazyQuotes = true
	r.FieldsPerRecord = -1
	rows, err := r.ReadAll()
	if err != nil {
		tb.Fatal(err)
	}
	var out []label
	for _, row := range rows[1:] {
		l := label{"file": folder + "/" + row[0]}
		for i, v := range row {
			l[rows[0][i]] = v
		}
		out = append(out, l)
	}
	return out
}

// difference is one point in which a file and its label do not agree.
type difference struct{ file, what, ours, label string }

func (d difference) String() string {
	return strings.Join([]string{d.file, d.what, d.ours, d.label}, "\t")
}

// differences compares a file with its label. A label without times was made from records that its reader could not
// render.
func differences(l label, live, slack *summary, headers int) []difference {
	var out []difference
	check := func(what, want, got string) {
		if want != got {
			out = append(out, difference{l["file"], what, got, want})
		}
	}
	check("records", l["records"], fmt.Sprint(live.records))
	check("recovered", l["recovered_records"], fmt.Sprint(slack.recovered))
	check("slack headers", l["recovered_records"], fmt.Sprint(headers))
	check("first", l["first"], stamp(live.first))
	check("last", l["last"], stamp(live.last))
	split := func(s string) map[string]bool {
		m := map[string]bool{}
		for _, v := range strings.Split(s, "|") {
			if v != "" {
				m[v] = true
			}
		}
		return m
	}
	check("computers", names(split(l["computers"])), names(live.computers))
	check("channels", names(split(l["channels"])), names(live.channels))
	for _, v := range strings.Split(l["event_ids(top12)"], ",") {
		if v == "" {
			continue
		}
		var id uint32
		var n int
		fmt.Sscanf(v, "%d:%d", &id, &n)
		check("event id "+fmt.Sprint(id), fmt.Sprint(n), fmt.Sprint(live.ids[id]))
	}
	return out
}

// slackHeaders counts what looks like a record behind the end of the records of each chunk.
func slackHeaders(data []byte) int {
	n := 0
	for begin := fileHeaderSize; begin+chunkSize <= len(data); begin += chunkSize {
		chunk := data[begin : begin+chunkSize]
		if !startsWith(chunk, chunkMagic) {
			continue
		}
		for at := int(le32(chunk[48:])); at+smallestRecord <= chunkSize; {
			size := int(le32(chunk[at+4:]))
			if startsWith(chunk[at:], recordMagic) && size >= smallestRecord && at+size <= chunkSize && int(le32(chunk[at+size-4:])) == size {
				n++
				at += size
			} else {
				at++
			}
		}
	}
	return n
}

var update = flag.Bool("update", false, "rewrite the golden files")

// TestLabels compares all files with their labels, which libevtx made. Every difference stands with its reason in
// testdata/differences.tsv; -update keeps the reasons given and asks for new ones.
func TestLabels(t *testing.T) {
	require.Time(t, "reads all labelled logs twice, in one goroutine")
	const golden = "testdata/differences.tsv"
	text, err := os.ReadFile(golden)
	if err != nil && !*update {
		t.Fatal(err)
	}
	why := map[string]string{}
	for _, line := range strings.Split(string(text), "\n") {
		if at := strings.LastIndexByte(line, '\t'); at >= 0 && !strings.HasPrefix(line, "#") {
			why[line[:at]] = line[at+1:]
		}
	}
	n := 0
	var lines []string
	seen := map[string]bool{}
	for _, folder := range []string{"evtx-attack", "evtx-baseline"} {
		for _, l := range labels(t, folder) {
			n++
			data := require.Read(t, l["file"])
			live, slack := newSummary(), newSummary()
			read(t, data, event.Hints{}, event.Everything(), live)
			read(t, data, event.Hints{Slack: true}, event.Everything(), slack)
			if live.repeated+slack.repeated > 0 || live.recovered > 0 || live.records != slack.records {
				t.Errorf("%s: records delivered twice, or slack without being asked for", l["file"])
			}
			for _, d := range differences(l, live, slack, slackHeaders(data)) {
				seen[d.String()] = true
				lines = append(lines, d.String()+"\t"+why[d.String()])
				if why[d.String()] == "" && !*update {
					t.Errorf("not explained in %s: %s", golden, d)
				}
			}
		}
	}
	if n != 408 {
		t.Errorf("%d files, want 408", n)
	}
	for d := range why {
		if !seen[d] && !*update {
			t.Errorf("explained in %s, but no longer so: %s", golden, d)
		}
	}
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		head := "# file, what differs, ours, the label's (libevtx), why\n"
		if err := os.WriteFile(golden, []byte(head+strings.Join(lines, "\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// TestDamageOfRealFiles pins what is reported on the files that are damaged, and that all others are sound.
func TestDamageOfRealFiles(t *testing.T) {
	require.Time(t, "reads all real logs twice, in one goroutine")
	want := map[string][]string{
		"evtx-baseline/omerbenamram/samples/sample-with-zero-data-size-event.evtx": {
			"offset 4608: the records of the chunk do not match their checksum",
			"offset 6176: record says that it is 0 bytes long, 63208 are left",
		},
		"evtx-baseline/omerbenamram/samples/security_bad_string_cache.evtx": {
			"offset 4096: chunk header does not match its checksum",
		},
	}
	for _, name := range sharedFiles(t, "evtx-attack", "evtx-baseline", "sigma/regression_data") {
		data := require.Read(t, name)
		for _, slack := range []bool{false, true} {
			s := newSummary()
			read(t, data, event.Hints{Slack: slack}, event.Everything(), s)
			var got []string
			for _, d := range s.damage {
				got = append(got, d.String())
			}
			if !slices.Equal(got, want[name]) {
				t.Errorf("%s: %q, want %q", name, got, want[name])
			}
		}
	}
}
