package exposure

import (
	"context"
	"encoding/json"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/contrail-ir/contrail/internal/require"
)

var update = flag.Bool("update", false, "rewrite golden files")

type gtasMessage struct {
	Type       string
	Passengers int
	Crew       int      `json:",omitempty"`
	Bookings   int      `json:",omitempty"`
	Segments   int      `json:",omitempty"`
	Notes      []string `json:",omitempty"`
}

type gtasFile struct {
	File     string
	Messages []gtasMessage
	Persons  uint64
	Damage   []string `json:",omitempty"`
}

// Passengers and bookings per message of the published test messages, malformed ones included, against
// a golden file and against a second method: regular expressions over lines.
func TestGTASMessages(t *testing.T) {
	root := require.Data(t, "aviation/gtas-edifact")
	var got []gtasFile
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".txt") && !strings.HasSuffix(path, ".edi") {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(root, path)
		entry := gtasFile{File: filepath.ToSlash(rel)}
		c, err := New(Options{Key: testKey, OnMessage: func(_ Source, m Message) {
			entry.Messages = append(entry.Messages, gtasMessage{m.Type, m.Passengers, m.Crew, m.Bookings, m.Segments, m.Notes})
		}})
		if err != nil {
			return err
		}
		f, err := c.Add(context.Background(), Source{"gtas", entry.File, Taken}, strings.NewReader(string(text)))
		if err != nil {
			return err
		}
		if f.Format != "edifact" {
			t.Errorf("%s: taken for %s", rel, f.Format)
		}
		for _, d := range f.Damage {
			entry.Damage = append(entry.Damage, d.Reason)
		}
		entry.Persons = kind(t, c.Result(), "gtas", "person", Taken).Estimate
		naive := countNaively(string(text))
		if len(naive) != len(entry.Messages) {
			t.Errorf("%s: %d messages, the second method finds %d", rel, len(entry.Messages), len(naive))
		} else {
			for i, n := range naive {
				m := entry.Messages[i]
				if m.Passengers != n.passengers || m.Bookings != n.bookings {
					t.Errorf("%s: message %d: %d passengers in %d bookings, the second method finds %d in %d", rel, i+1, m.Passengers, m.Bookings, n.passengers, n.bookings)
				}
			}
		}
		got = append(got, entry)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 27 {
		t.Errorf("%d files", len(got))
	}
	golden(t, "testdata/gtas.golden.json", got)
}

func golden(t *testing.T, path string, got any) {
	t.Helper()
	text, err := json.MarshalIndent(got, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	text = append(text, '\n')
	if *update {
		if err := os.WriteFile(path, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != string(text) {
		t.Errorf("%s differs; run with -update and read the difference:\n%s", path, text)
	}
}

type naiveCount struct{ passengers, bookings int }

var (
	missingTerminator = regexp.MustCompile(`\n\s*((?:UN[BGHTEZ]|MSG|ORG|TVL|EQN|SRC|RCI|SSR|DAT|IFT|ADD|EBD|TIF|FTI|REF|FAR|TKT|MON|PTK|TXD|FOP|RPI|APD|SAC|ABI|TRI|SSD|TBD|LTS|TRA|BGM|NAD|COM|TDT|LOC|DTM|ATT|NAT|RFF|DOC|CNT)[+'])`)
	released          = regexp.MustCompile(`[?\\]'`)
	title             = regexp.MustCompile(`(?i)(.{2,}?)[ .]*(MSTR|MISS|MRS|MR|MS|DR|CHD|INF)[ .]*$`)
	notLetters        = regexp.MustCompile(`[^A-Za-z]`)
)

// countNaively is the second method: it cuts text at apostrophes and looks at beginnings.
func countNaively(text string) []naiveCount {
	if len(text) > 9 && strings.HasPrefix(text, "UNA") && text[4] == '-' { // other service characters
		text = strings.NewReplacer(text[4:5], "+", text[8:9], "'").Replace(text)
	}
	text = released.ReplaceAllString(text, " ")
	text = missingTerminator.ReplaceAllString(text, "'$1")
	var out []naiveCount
	var names map[string]bool
	itinerary, source := false, false
	for _, seg := range strings.Split(text, "'") {
		seg = strings.TrimSpace(strings.NewReplacer("\r", "", "\n", "").Replace(seg))
		if len(seg) < 3 {
			continue
		}
		fields := strings.Split(seg, "+")
		if fields[0] == "UNH" {
			out = append(out, naiveCount{})
			source, itinerary, names = false, false, nil
			continue
		}
		if len(out) == 0 {
			continue
		}
		m := &out[len(out)-1]
		switch {
		case fields[0] == "SRC":
			m.bookings++
			source, itinerary, names = true, false, map[string]bool{}
		case fields[0] == "TVL":
			itinerary = source
		case fields[0] == "TIF" && source:
			name := ""
			if len(fields) > 1 {
				name = strings.Split(fields[1], ":")[0]
			}
			if len(fields) > 2 {
				name += title.ReplaceAllString(strings.Split(fields[2], ":")[0], "$1")
			}
			name = strings.ToUpper(notLetters.ReplaceAllString(name, ""))
			reference := ""
			if len(fields) > 2 && strings.Count(fields[2], ":") >= 2 && strings.Split(fields[2], ":")[2] != "" {
				reference = strings.ToUpper(fields[1]) + "#" + strings.Split(fields[2], ":")[2]
			}
			if !itinerary || !names[name] && !names[reference] {
				m.passengers++
				names[name] = true
				if reference != "" {
					names[reference] = true
				}
			}
		case fields[0] == "NAD" && len(fields) > 1 && fields[1] == "FL":
			m.passengers++
		case fields[0] == "RFF" && strings.HasPrefix(seg, "RFF+AVF:"):
			// Bookings of a passenger list are its different locators.
			if names == nil {
				names = map[string]bool{}
			}
			if !names[seg] {
				names[seg] = true
				m.bookings++
			}
		}
	}
	return out
}
