package evtx

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/internal/require"
)

// TestTwins compares with what another reader wrote: the regression cases hold the same events as JSON.
func TestTwins(t *testing.T) {
	events := 0
	for _, name := range sharedFiles(t, "sigma/regression_data") {
		twin, data := require.Read(t, strings.TrimSuffix(name, ".evtx")+".json"), require.Read(t, name)
		all := &collector{byNumber: map[string]event.Record{}}
		read(t, data, event.Hints{}, event.Everything(), all)
		for _, e := range twinEvents(t, name, twin) {
			events++
			compareTwin(t, name, e, all.byNumber)
		}
	}
	t.Logf("%d events compared", events)
	if events < 160 {
		t.Errorf("%d events compared, want one a file at least", events)
	}
}

// collector keeps whole records by their EventRecordID.
type collector struct{ byNumber map[string]event.Record }

func (c *collector) Damage(event.Damage) {}

func (c *collector) Batch(b *event.Batch) error {
	for row := range b.Rows {
		var rec event.Record
		if err := b.Fetch(row, &rec); err != nil {
			return err
		}
		c.byNumber[fmt.Sprint(b.Record[row])] = rec
	}
	return nil
}

// twinEvents reads one object, several, or an array.
func twinEvents(t *testing.T, name string, data []byte) []map[string]any {
	var out []map[string]any
	d := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))))
	d.UseNumber()
	for {
		var v any
		err := d.Decode(&v)
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			return out
		}
		list, ok := v.([]any)
		if !ok {
			list = []any{v}
		}
		for _, e := range list {
			out = append(out, e.(map[string]any))
		}
	}
}

func compareTwin(t *testing.T, name string, twin map[string]any, records map[string]event.Record) {
	want := map[string][]string{}
	root, _ := twin["Event"].(map[string]any)
	for section, v := range root {
		if section != "#attributes" {
			flattenTwin(section, section, v, want)
		}
	}
	number := strings.Join(want[event.FieldRecordID], "")
	rec, ok := records[number]
	if !ok {
		t.Errorf("%s: no record %s", name, number)
		return
	}
	got := map[string][]string{}
	for _, f := range rec.Fields {
		if !f.Null {
			got[f.Name] = append(got[f.Name], comparable(f.Text))
		} else if _, ok := got[f.Name]; !ok {
			got[f.Name] = nil
		}
	}
	for field, w := range want {
		if g := got[field]; !slices.Equal(g, w) {
			t.Errorf("%s: record %s: %s is %q, the twin has %q", name, number, field, g, w)
		}
	}
	for field, g := range got {
		if _, ok := want[field]; !ok && g != nil {
			t.Errorf("%s: record %s: %s is %q, the twin lacks it", name, number, field, g)
		}
	}
}

// flattenTwin applies the naming of package event to the other reader's nesting.
func flattenTwin(section, element string, v any, out map[string][]string) {
	switch v := v.(type) {
	case map[string]any:
		for k, child := range v {
			switch {
			case k == "#attributes":
				for a, x := range child.(map[string]any) {
					switch {
					case a == "xmlns" || strings.HasPrefix(a, "xmlns:"):
					case element == "TimeCreated" && section == "System":
						out["TimeCreated"] = append(out["TimeCreated"], twinText(x))
					case section == "EventData" && element == "Data" && a == "Name":
					default:
						out[element+"_"+a] = append(out[element+"_"+a], twinText(x))
					}
				}
			case k == "#text":
				flattenTwin(section, element, child, out)
			default:
				flattenTwin(section, k, child, out)
			}
		}
	case []any:
		for _, x := range v {
			flattenTwin(section, element, x, out)
		}
	case nil:
	default:
		out[element] = append(out[element], twinText(v))
	}
}

func twinText(v any) string { return comparable(fmt.Sprint(v)) }

// comparable takes away how readers differ in writing the same value: braces and case of GUIDs, fractions of a second.
func comparable(s string) string {
	s = strings.TrimSpace(s)
	if len(s) == 38 && s[0] == '{' {
		s = s[1:37]
	}
	if len(s) == 36 && strings.Count(s, "-") == 4 {
		return strings.ToUpper(s)
	}
	if at := strings.IndexByte(s, '.'); strings.HasSuffix(s, "Z") && len(s) > 20 && at > 0 {
		if _, err := strconv.ParseUint(s[at+1:len(s)-1], 10, 64); err == nil {
			frac := (s[at+1:len(s)-1] + "000000")[:6]
			return s[:at+1] + frac + "Z"
		}
	}
	return s
}
