package trail

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/finding"
)

// wire is a network's log that grows line by line, with what the rules on connections found in it.
type wire struct {
	storyline
	port int
}

func (w *wire) conn(at time.Duration, from, to string, sent int) int {
	w.port++
	return w.say(said{"sensor", "zeek/conn", 0, at, []string{"id.orig_h", from, "id.orig_p", fmt.Sprint(30000 + w.port), "id.resp_h", to, "id.resp_p", "443", "orig_bytes", fmt.Sprint(sent)}})
}

func (w *wire) looksUp(at time.Duration, from, name, answer string) {
	w.say(said{"sensor", "zeek/dns", 0, at, []string{"id.orig_h", from, "id.resp_h", "10.0.0.4", "query", name, "answers", answer}})
}

// note says what a rule on connections found at a record.
func (w *wire) note(kind finding.Kind, record int, from, to string, score float64) {
	w.alerts = append(w.alerts, finding.Finding{Rule: &finding.Rule{ID: finding.RuleID(fmt.Sprint(kind)), Title: "flow", Kind: kind, Level: finding.Medium, Tags: []string{"attack.command_and_control"}},
		File: "sensor", Record: uint64(record), Score: score, Matched: []event.Matched{{Field: "source", Value: from}, {Field: "destination", Value: to + ":443"}}})
}

// calls is one a minute; the first is noted as a beacon's.
func (w *wire) calls(at time.Duration, from, to string, n int, score float64) {
	first := w.conn(at, from, to, 400)
	for i := 1; i < n; i++ {
		w.conn(at+time.Duration(i)*time.Minute, from, to, 400)
	}
	w.note(finding.Beacon, first, from, to, score)
}

func (w *wire) upload(at time.Duration, from, to string) {
	w.begin = w.conn(at, from, to, 3<<20)
	w.note(finding.Upload, w.begin, from, to, 0.8)
}

func (w *wire) answer(t *testing.T) *Trail {
	t.Helper()
	return from(t, graphOf(t, w.all...), fmt.Sprintf("sensor:%d", w.begin), w.alerts...)
}

// TestASecondHostCallsWhereTheFirstSent: in an hour of a network's logs nothing is ordinary and nothing lasts; what speaks is the order.
func TestASecondHostCallsWhereTheFirstSent(t *testing.T) {
	const first, second, place = "10.0.1.4", "10.0.1.6", "192.168.7.4"
	type parts struct{ asks, sends, comes, begins time.Duration }
	told := func(w *wire, p parts) {
		w.looksUp(p.asks, first, "files.corp.example", "10.0.0.9")
		w.upload(p.sends, first, place)
		w.conn(p.comes, first, second, 50_000)
		w.calls(p.begins, second, place, 30, 0.45)
	}
	usual := parts{0, 20 * time.Minute, 25 * time.Minute, 30 * time.Minute}
	for _, x := range []struct {
		name        string
		build       func(w *wire)
		established bool
	}{
		{"sent, came, and the other calls", func(w *wire) { told(w, usual) }, true},
		{"to a public address", func(w *wire) {
			w.upload(usual.sends, first, "203.0.113.4")
			w.conn(usual.comes, first, second, 50_000)
			w.calls(usual.begins, second, "203.0.113.4", 30, 0.45)
		}, true},
		{"the two had met before", func(w *wire) { w.conn(time.Minute, first, second, 500); told(w, usual) }, false},
		{"the other called before", func(w *wire) { w.conn(time.Minute, second, place, 500); told(w, usual) }, false},
		{"hours lie between", func(w *wire) {
			told(w, parts{0, usual.sends, usual.comes, usual.comes + 2*time.Hour})
		}, false},
		{"a name leads there", func(w *wire) { w.looksUp(time.Minute, second, "backup.corp.example", place); told(w, usual) }, false},
		{"somebody in that network opens connections", func(w *wire) { w.conn(time.Minute, "192.168.7.9", second, 500); told(w, usual) }, false},
		{"no names were logged", func(w *wire) {
			told(w, usual)
			w.all[0] = said{"sensor", "zeek/conn", 0, 0, []string{"id.orig_h", first, "id.resp_h", "10.0.0.9"}}
		}, false},
		{"nobody came from the first", func(w *wire) {
			w.looksUp(0, first, "files.corp.example", "10.0.0.9")
			w.upload(usual.sends, first, place)
			w.calls(usual.begins, second, place, 30, 0.45)
		}, false},
	} {
		t.Run(x.name, func(t *testing.T) {
			var w wire
			x.build(&w)
			out := w.answer(t)
			if out.Established != x.established {
				t.Fatalf("established %t: %s", out.Established, out.Why)
			}
			if !x.established {
				return
			}
			if len(out.Infrastructure) != 1 || !strings.Contains(out.Why, out.Infrastructure[0].Value) || out.SentBytes < 3<<20 || out.SentBytes > 4<<20 {
				t.Errorf("%+v, %d bytes: %s", out.Infrastructure, out.SentBytes, out.Why)
			}
		})
	}
}

// TestTheWireIsExcusedByKnownWork: a silent host calls a place for a day and sends much there. Where an administrator's program, at ordinary work,
// reaches for the same place, that is the administrator's.
func TestTheWireIsExcusedByKnownWork(t *testing.T) {
	const place = "203.0.113.9"
	silent := func(w *wire) {
		w.calls(11*dayLong+time.Hour, "10.1.9.9", place, 20*60, 0.9)
		w.upload(12*dayLong, "10.1.9.9", place)
	}
	night := func(w *wire, known, grave bool) {
		const robocopy = `C:\Windows\System32\robocopy.exe`
		if known {
			w.ordinary("adm", "10.1.1.77")
		}
		w.say(runs("desk", 11*dayLong-time.Minute, 120, 90, explorer, command, "cmd", "0x77"))
		w.say(runs("desk", 11*dayLong, 121, 120, command, robocopy, `robocopy D:\Tools \\server\C$\ProgramData\t tool.exe`, "0x77"))
		w.night("adm", "10.1.1.77", 121, robocopy, true)
		if !grave {
			w.alerts = nil
		}
	}
	for _, x := range []struct {
		name        string
		build       func(w *wire)
		established bool
		why         string
	}{
		{"alone", silent, true, "with regularity and sent much"},
		{"beside an administrator's program", func(w *wire) { night(w, true, false); silent(w) }, false, "go back to somebody's ordinary work"},
		{"beside an administrator's program that rules speak of", func(w *wire) { night(w, true, true); silent(w) }, false, "goes back to adm"},
		{"beside the same of somebody who is not known", func(w *wire) { night(w, false, false); silent(w) }, true, "with regularity and sent much"},
	} {
		t.Run(x.name, func(t *testing.T) {
			var w wire
			x.build(&w)
			if out := w.answer(t); out.Established != x.established || !strings.Contains(out.Why, x.why) {
				t.Errorf("established %t: %s; want %t and %q", out.Established, out.Why, x.established, x.why)
			}
		})
	}
}
