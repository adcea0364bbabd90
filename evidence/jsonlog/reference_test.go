package jsonlog

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/internal/require"
)

// The reference reads one record the slow and obvious way: encoding/json's tokens, a list of paths and values, and plain
// searches in the tables of shapes. It knows nothing of tapes, interned paths, actions or slots by number.

type leafValue struct {
	path  string
	value any // string, json.Number, bool, nil, or container{} when it was empty
}

type container struct{}

// leaves flattens the next value; ok is false where the limits or wrappers would come into play.
func leaves(dec *json.Decoder, path string, depth int, out *[]leafValue) error {
	tok, err := dec.Token()
	if err != nil {
		return err
	}
	if depth > maxDepth-2 || len(path) > 1000 {
		return fmt.Errorf("beyond the reference")
	}
	switch v := tok.(type) {
	case json.Delim:
		n := len(*out)
		for dec.More() {
			below := path
			if v == '{' {
				key, err := dec.Token()
				if err != nil {
					return err
				}
				if below = key.(string); path != "" {
					below = path + "." + key.(string)
				}
				switch below {
				case "_source", "result", "AuditData", "Payload", "":
					return fmt.Errorf("beyond the reference")
				}
			}
			if err := leaves(dec, below, depth+1, out); err != nil {
				return err
			}
		}
		if len(*out) == n && path != "" {
			*out = append(*out, leafValue{path, container{}})
		}
		_, err := dec.Token()
		return err
	default:
		*out = append(*out, leafValue{path, tok})
		return nil
	}
}

func naiveText(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case bool:
		return fmt.Sprint(v)
	case json.Number:
		s := string(v)
		if !strings.ContainsAny(s, ".eE") {
			return map[bool]string{true: "0", false: s}[s == "-0"]
		}
		f, err := strconv.ParseFloat(s, 64)
		if err != nil || math.IsInf(f, 0) {
			return s
		}
		out, _ := json.Marshal(f + 0) // ECMAScript's form; it writes 1e-7 where strconv writes 1e-07
		if f == 0 {
			return "0"
		}
		if at := bytes.IndexByte(out, 'e'); at >= 0 && len(out) == at+3 {
			out = slices.Insert(out, at+2, '0')
		}
		return string(out)
	}
	return "\x00"
}

// naive gives shape and fields of a record; ok is false where only the reader itself knows (markup, limits, wrappers).
func naive(text []byte) (name string, fields map[string][]string, ok bool) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var all []leafValue
	if err := leaves(dec, "", 0, &all); err != nil || len(all) > 1000 {
		return "", nil, false
	}
	present := map[string]bool{}
	for _, l := range all { // a path and all above it
		for p := l.path; p != ""; {
			present[p] = true
			at := strings.LastIndexByte(p, '.')
			p = p[:max(at, 0)]
		}
	}
	s := &shapes[len(shapes)-1]
search:
	for i := range shapes {
		for _, alternatives := range shapes[i].marks {
			if !slices.ContainsFunc(strings.Split(alternatives, "|"), func(p string) bool { return present[p] }) {
				continue search
			}
		}
		s = &shapes[i]
		break
	}
	if s.slots[slotXML] != nil {
		return "", nil, false
	}
	// The path that fills each slot: the first of the list with a text that is not empty (and is a time).
	filled := map[string]slot{}
	for sl, paths := range s.slots {
	best:
		for _, p := range paths {
			for _, l := range all {
				text := naiveText(l.value)
				if l.value == (container{}) || l.value == nil || l.path != p || text == "" {
					continue
				}
				if _, _, isTime := instant([]byte(text)); sl == slotTime && !isTime {
					continue
				}
				filled[p] = sl
				break best
			}
		}
	}
	fields = map[string][]string{}
	for _, l := range all {
		text := naiveText(l.value)
		if l.value == (container{}) {
			text = "\x00"
		}
		field := l.path
		if to, ok := s.rename[field]; ok {
			field = to
		}
		if s.isWindows() {
			if _, ok := filled[l.path]; ok {
				continue // system columns have a test of their own
			}
			a := s.resolve(newPaths(), l.path)
			if a.op != opField || a.slot != slotNone {
				continue
			}
			for _, d := range s.data {
				if rest, ok := strings.CutPrefix(l.path, d+"."); ok {
					if field = rest; rest == "#attributes.Name" || rest == "@Name" { // of EventData itself
						field = "EventData_Name"
					}
				}
			}
			if len(s.user) > 0 && strings.HasPrefix(l.path, s.user[0]+".") {
				continue
			}
			if slices.Contains(systemField[:], field) {
				continue
			}
			if canonical, _, ok := event.CanonicalGUID([]byte(text), nil); ok && text != "\x00" {
				text = string(canonical)
			}
		}
		fields[field] = append(fields[field], text)
	}
	return s.name, fields, true
}

// compare holds the rows of a text against the reference, record by record.
func compare(t testing.TB, where string, rows []row, text func(row) []byte) (compared int) {
	t.Helper()
	for _, r := range rows {
		if t.Failed() {
			return compared
		}
		record := text(r)
		name, want, ok := naive(record)
		if !ok {
			continue
		}
		compared++
		got := r.fields
		if r.source.Product == event.ProductWindows {
			got = maps.Clone(got)
			for field := range got {
				if _, ok := want[field]; !ok && !slices.Contains(systemField[:], field) && field != event.FieldUnnamedData &&
					!strings.Contains(name, "dump") && !strings.Contains(name, "chainsaw") && !strings.Contains(name, "velociraptor") && !slotNamed(name, field) {
					t.Errorf("%s at %d (%s): has %s", where, r.offset, name, field)
				}
			}
			for field, v := range want {
				if !slices.Equal(got[field], v) {
					t.Errorf("%s at %d (%s): %s is %q, want %q", where, r.offset, name, field, got[field], v)
				}
			}
			continue
		}
		if !maps.EqualFunc(got, want, slices.Equal[[]string]) {
			t.Errorf("%s at %d (%s):\n%q, want\n%q", where, r.offset, name, got, want)
		}
	}
	return compared
}

// slotNamed says that the field is a path of a slot of the shape, or what it is renamed to.
func slotNamed(name, field string) bool {
	for i := range shapes {
		if s := &shapes[i]; s.name == name {
			for _, paths := range s.slots {
				for _, p := range paths {
					if p == field || s.rename[p] == field {
						return true
					}
				}
			}
		}
	}
	return false
}

// TestCorpusAgainstReference compares the beginning of every JSON file of the real data with the reference.
func TestCorpusAgainstReference(t *testing.T) {
	require.Time(t, "reads the beginning of every real log by the slow reference, in one goroutine")
	var files []string
	for _, under := range []string{"winlog-json", "sigma/regression_data", "zeek", "suricata"} {
		files = append(files, jsonFiles(t, under)...)
	}
	const size = 1 << 20
	records := 0
	for _, path := range files {
		text, err := io.ReadAll(io.LimitReader(open(t, path), size))
		if err != nil {
			t.Fatal(err)
		}
		if len(text) == size { // whole lines only
			text = text[:bytes.LastIndexByte(text, '\n')+1]
		}
		rows, _ := readRows(t, event.File{Name: "x", Body: bytes.NewReader(text)}, event.Everything())
		records += compare(t, path, rows, func(r row) []byte { return text[r.offset:] })
		if t.Failed() {
			return
		}
	}
	if records < len(files) {
		t.Errorf("only %d records compared", records)
	}
	t.Logf("%d records of %d files", records, len(files))
}

func FuzzRead(f *testing.F) {
	for _, seed := range []string{"{\"a\":1}\n{\"a\":{\"b\":[1,null,\"x\"]}}", `[{"EventID":1,"Channel":"c","Keywords":-1},{"Event":{"System":{"EventID":{"#text":"1"},"Channel":"x"},"EventData":{"Data":[{"@Name":"n","#text":"v"}]}}}]`,
		`{"Records":[{"eventSource":"s","eventName":"n","awsRegion":"r"}]}`, "Record 1\n{\n\"log_name\":\"Security\",\"event_id\":4688,\"computer_name\":\"h\",\"keywords\":[\"Audit Success\"]}",
		`{"result":{"_raw":"<Event><System><EventID>1</EventID><Channel>c</Channel></System></Event>"}}`, "\xff\xfe{\x00}\x00", `{"_path":"conn","ts":1.5,"id_orig_h":"x"}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		Format{}.Recognise(data, "x")
		rows, _ := readRows(t, event.File{Name: "x", Body: bytes.NewReader(data)}, event.Everything())
		for i, r := range rows {
			if r.offset >= uint64(len(data)) || i > 0 && r.offset < rows[i-1].offset {
				t.Fatalf("row %d at offset %d of %d", i, r.offset, len(data))
			}
		}
		if json.Valid(data) && bytes.HasPrefix(data, []byte("{")) && len(rows) == 1 && rows[0].offset == 0 {
			compare(t, "fuzz", rows, func(row) []byte { return data })
		}
	})
}
