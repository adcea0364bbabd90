package finding

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/internal/require"
)

// MarshalJSON makes encoding/json write what appendMatched writes, for the comparison below.
func (m matched) MarshalJSON() ([]byte, error) { return appendMatched(nil, m), nil }

// appendSlowly is what AppendJSON must equal: encoding/json and a struct.
func appendSlowly(f *Finding, dst []byte) ([]byte, error) {
	l := line{
		Kind: f.Rule.Kind, RuleID: f.Rule.ID, RuleTitle: f.Rule.Title, Author: f.Rule.Author,
		Level: f.Rule.Level.String(), Tags: f.Rule.Tags, Org: f.Org, Host: f.Host, Source: f.Rule.Source,
		File: f.File, Offset: f.Offset, Record: f.Record, Recovered: f.Recovered,
		Matched: f.Matched, Refs: f.Refs, Event: f.Event, SHA256: f.SHA256,
	}
	if l.Tags == nil {
		l.Tags = []string{}
	}
	switch f.Rule.Kind {
	case Beacon, Upload, Behaviour:
		l.Score = &f.Score
	}
	if f.Time != event.NoTime {
		t := string(event.AppendTime(nil, f.Time))
		l.Time = &t
	}
	b, err := json.Marshal(&l)
	if err != nil {
		return dst, err
	}
	return append(append(dst, b...), '\n'), nil
}

func TestLinesAreWrittenAsEncodingJSONWould(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 9))
	texts := []string{"", "a", "C:\\x\\y.exe", "<b>&", "\x00\n\t\x7f", "é\u2028", "\xff\xfe", "keywords", "Bearbeitung läuft"}
	text := func() string { return texts[rng.IntN(len(texts))] }
	events := []string{"", "{}", `{"a":1}`, `{"a":"b","c":[1,null,"x"],"d":true}`, `{"a": 1}`, `{"a":"<"}`, `{"a":"\u003c\\"}`, `{"a":"` + "\u2028" + `"}`, `{"a":1.5}`, `{"a":01}`, `{"a":}`, `{"a":"b`, `{"a":"b"},`,
		`{"a":{"b":1}}`, `{"a":[]}`, `[1]`, `null`, `{"a":"\x"}`, `{"a":"\u12g4"}`, `{"a":-}`, `{"a":-0}`, "{\"a\":\"\xff\"}", "{\"a\":\"\t\"}", `{"a":tru}`, `{"a":[1,]}`, `{,}`, `{"a":1,}`, "x"}
	for range 20_000 {
		f := &Finding{Rule: &Rule{ID: RuleID(text()), Kind: []Kind{Sigma, Correlation, Beacon, Behaviour}[rng.IntN(4)], Title: text(), Level: Level(rng.IntN(6)), Author: text(), Source: text()},
			Org: text(), Host: text(), File: text(), SHA256: text(), Offset: rng.Uint64(), Record: rng.Uint64(), Recovered: rng.IntN(2) == 0,
			Score: []float64{0, 0.5, 1e-9, 1e30, math.NaN()}[rng.IntN(5)], Time: []int64{event.NoTime, 0, -1, 1598340000123456700}[rng.IntN(4)]}
		for range rng.IntN(3) {
			f.Rule.Tags = append(f.Rule.Tags, text())
			f.Refs = append(f.Refs, Ref{text(), rng.Uint64()})
		}
		for range rng.IntN(4) {
			f.Matched = append(f.Matched, event.Matched{Field: text(), Value: text()})
		}
		if e := events[rng.IntN(len(events))]; e != "" {
			f.Event = []byte(e)
		}
		got, err := f.AppendJSON([]byte("before"))
		want, wrong := appendSlowly(f, []byte("before"))
		if (err != nil) != (wrong != nil) || !bytes.Equal(got, want) {
			t.Fatalf("%+v\ngot  %s %v\nwant %s %v", f, got, err, want, wrong)
		}
	}
}

// What flat lets through is JSON that encoding/json would write just so.
func FuzzFlat(f *testing.F) {
	for _, s := range []string{`{"a":"b","c":[1,null,"x"],"d":true}`, `{"a":"\u003c\\"}`, `{"a":-1}`, `{"":[false]}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if !flat(b) {
			return
		}
		if again, err := json.Marshal(json.RawMessage(b)); err != nil || !bytes.Equal(again, b) {
			t.Errorf("%q: %q %v", b, again, err)
		}
	})
}

// TestEncoderKeepsItsLead is part of "make bench-check": lines must be written at least two and a half times faster
// than encoding/json writes them; 5.6 times was measured.
func TestEncoderKeepsItsLead(t *testing.T) {
	require.BenchCheck(t)
	f := &Finding{Rule: &Rule{ID: "0b9ad457-2554-44c1-82c2-d56a99c42377", Kind: Sigma, Title: "A Title Of Usual Length", Author: "A. Author", Level: High, Tags: []string{"attack.execution", "attack.t1059.001"}, Source: "windows/process_creation/"},
		Org: "local", Host: "host.example.org", File: "folder/file.evtx", Record: 123456, Offset: 1 << 22, Time: 1598340000123456700, SHA256: strings.Repeat("0a", 32),
		Matched: []event.Matched{{Field: "Image", Value: `C:\Windows\System32\cmd.exe`}, {Field: "CommandLine", Value: `cmd.exe /c "whoami"`}}}
	var r event.Record
	for i := range 20 {
		r.Add(fmt.Sprint("Field", i), event.Text, `C:\Windows\System32\something of some length.exe`)
	}
	f.Event = r.AppendJSON(nil)
	best := [2]time.Duration{time.Hour, time.Hour}
	var line []byte
	for range 20 {
		for which, write := range []func([]byte) ([]byte, error){f.AppendJSON, func(b []byte) ([]byte, error) { return appendSlowly(f, b) }} {
			began := time.Now()
			for range 200 {
				line, _ = write(line[:0])
			}
			best[which] = min(best[which], time.Since(began))
		}
	}
	ratio := float64(best[1]) / float64(best[0])
	t.Logf("%.1f times faster", ratio)
	if ratio < 2.5 {
		t.Errorf("lines are written only %.1f times faster than by encoding/json", ratio)
	}
}
