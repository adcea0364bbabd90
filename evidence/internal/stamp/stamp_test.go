package stamp

import (
	"strings"
	"testing"
	"time"
)

func TestTimesOfLogs(t *testing.T) {
	berlin := time.FixedZone("CEST", 7200)
	want := time.Date(2023, 7, 3, 9, 8, 7, 0, time.UTC)
	for text, w := range map[string]time.Time{
		"2023-07-03 09:08:07":            want.Add(-2 * time.Hour),
		"2023-07-03T09:08:07Z":           want,
		"2023-07-03T09:08:07.25+02:00":   want.Add(-2*time.Hour + 250*time.Millisecond),
		"2023/07/03 09:08:07 UTC":        want,
		"2023-07-03 09:08:07,123 -0130":  want.Add(90*time.Minute + 123*time.Millisecond),
		"03/Jul/2023:09:08:07 +0000":     want,
		"03-Jul-2023 09:08:07.5":         want.Add(-2*time.Hour + time.Second/2),
		"1688375287":                     want,
		"1688375287.000000001":           want.Add(1),
		"1688375287000":                  want,
		"1688375287000000":               want,
		"7/3/2023 9:08:07 AM":            want.Add(-2 * time.Hour),
		"23/7/2023 9:08:07 AM":           want.Add(-2*time.Hour + 20*24*time.Hour),
		"Mon Jul  3 09:08:07.5 2023":     want.Add(-2*time.Hour + time.Second/2),
		"Mon, 03 Jul 2023 09:08:07 GMT":  want,
		"03-JUL-23 09.08.07.000000 AM":   want.Add(-2 * time.Hour),
		"2023-07-03":                     time.Date(2023, 7, 2, 22, 0, 0, 0, time.UTC),
		"2023-07-03 09:08:07.123456789Z": want.Add(123456789),
	} {
		if ns, ok := Parse([]byte(text), berlin); !ok || ns != w.UnixNano() {
			t.Errorf("%s: %v %v, want %v", text, time.Unix(0, ns).UTC(), ok, w)
		}
	}
	for _, text := range []string{"", "hello world", "2023-02-29 00:00:00", "2023-13-01 00:00:00", "12345678", "192.168.10.200", "2023-07-03 09:08:07 elsewhere", "99999999999"} {
		if ns, ok := Parse([]byte(text), nil); ok {
			t.Errorf("%s: %v", text, time.Unix(0, ns).UTC())
		}
	}
}

// FuzzStamp holds the fast paths against Go's own parser.
func FuzzStamp(f *testing.F) {
	f.Add("2023-07-03T09:08:07.25+02:00")
	f.Add("2023-07-03T9:08:07.25+02:00")
	f.Add("03/Jul/2023:09:08:07 +0000")
	f.Add("2023-07-03T9:08:07.25+02:60")
	f.Fuzz(func(t *testing.T, s string) {
		got, ok := Parse([]byte(s), nil)
		for _, l := range []string{"2006-01-02T15:04:05Z07:00", "2006-01-02 15:04:05", "02/Jan/2006:15:04:05 -0700"} {
			w, err := time.Parse(l, s)
			_, offset := w.Zone()
			if err != nil || w.Year() < 1700 || w.Year() > 2200 || offset%60 != 0 || offset > 18*3600 || offset < -18*3600 || len(s) > 64 || offset != 0 && strings.HasSuffix(s, "60") {
				continue // Go reads a zone of +02:60 as +03:00, which nobody means
			}
			if len(s) >= 19 && (!ok || got != w.UnixNano()) {
				t.Errorf("%q: %d %v, want %d", s, got, ok, w.UnixNano())
			}
		}
	})
}
