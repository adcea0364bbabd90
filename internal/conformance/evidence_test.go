package conformance

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/internal/require"
	"github.com/contrail-ir/contrail/match/sigma"
)

// corpus reads every public rule and gives besides the text of each by id.
func corpus(t *testing.T) (*sigma.Collection, map[string]string) {
	t.Helper()
	c := &sigma.Collection{}
	texts := map[string]string{}
	for _, dir := range []string{"rules", "rules-emerging-threats", "rules-threat-hunting"} {
		for _, path := range files(t, filepath.Join("sigma", dir), ".yml") {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			one := sigma.Parse(path, text)
			for _, r := range one.Rules {
				texts[r.ID] = string(text)
			}
			c.Add(one)
		}
	}
	return c, texts
}

func files(t *testing.T, dir string, suffixes ...string) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(require.Data(t, dir), func(path string, d fs.DirEntry, err error) error {
		if err == nil && slices.ContainsFunc(suffixes, func(s string) bool { return strings.HasSuffix(path, s) }) {
			out = append(out, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Of the large collections the first events of each kind in the smaller files are taken.
const (
	eventsPerKind = 3
	largestFile   = 500_000
)

// evidence gives events by their source: all of the regression cases, some of the others.
func evidence(t *testing.T) map[event.Source][]*event.Record {
	t.Helper()
	out := map[event.Source][]*event.Record{}
	add := func(path string, text []byte) {
		d := json.NewDecoder(bytes.NewReader(text))
		d.UseNumber()
		var v map[string]any
		if err := d.Decode(&v); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		source, rec := flatten(v)
		out[source] = append(out[source], rec)
	}
	for _, path := range files(t, "sigma/regression_data", ".json") {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		// One object after another; each begins on a line of its own.
		for _, part := range bytes.SplitAfter(bytes.TrimSpace(text), []byte("\n}")) {
			if len(part) > 0 {
				add(path, part)
			}
		}
	}
	for _, path := range files(t, "winlog-json", ".json", ".json.gz") {
		file, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		var in io.Reader = file
		if info, err := file.Stat(); err != nil || info.Size() > largestFile {
			file.Close()
			continue
		}
		if strings.HasSuffix(path, ".gz") {
			if in, err = gzip.NewReader(file); err != nil {
				t.Fatal(path, err)
			}
		}
		seen := map[string]int{}
		lines := bufio.NewScanner(in)
		lines.Buffer(nil, 64<<20)
		for lines.Scan() {
			if len(bytes.TrimSpace(lines.Bytes())) == 0 {
				continue
			}
			_, rest, _ := bytes.Cut(lines.Bytes(), []byte(`"EventID":`))
			id := string(rest[:max(0, bytes.IndexAny(rest, ",}"))])
			if seen[id]++; seen[id] <= eventsPerKind {
				add(path, lines.Bytes())
			}
		}
		if err := lines.Err(); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		file.Close()
	}
	return out
}

// flatten names fields as package event does and decides the source.
func flatten(v map[string]any) (event.Source, *event.Record) {
	rec := &event.Record{}
	if e, ok := v["Event"].(map[string]any); ok {
		system, _ := e["System"].(map[string]any)
		for _, k := range slices.Sorted(maps.Keys(system)) {
			part, ok := system[k].(map[string]any)
			if !ok {
				put(rec, k, system[k])
				continue
			}
			attributes, _ := part["#attributes"].(map[string]any)
			for _, a := range slices.Sorted(maps.Keys(attributes)) {
				name := k + "_" + a
				if a == "SystemTime" {
					name = k
				}
				put(rec, name, attributes[a])
			}
			if text, ok := part["#text"]; ok {
				put(rec, k, text)
			}
		}
		for _, name := range []string{"EventData", "UserData"} {
			data, _ := e[name].(map[string]any)
			put(rec, "", data)
		}
	} else {
		put(rec, "", v)
	}
	text := func(name string) string { s, _ := rec.Get(name); return s }
	if text(event.FieldChannel) == "" {
		if text("awsRegion") != "" {
			return event.Source{Product: "aws", Service: "cloudtrail"}, rec
		}
		return event.Source{Product: "azure", Service: "signinlogs"}, rec
	}
	if text(event.FieldProvider) == "" {
		rec.Add(event.FieldProvider, event.Text, text("SourceName"))
	}
	id, _ := strconv.ParseUint(text(event.FieldEventID), 10, 32)
	return event.Source{Product: event.ProductWindows, Provider: text(event.FieldProvider), Channel: text(event.FieldChannel), ID: uint32(id)}, rec
}

func put(rec *event.Record, name string, v any) {
	switch v := v.(type) {
	case nil:
		rec.AddNull(name)
	case []any:
		for _, e := range v {
			put(rec, name, e)
		}
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(v)) {
			under := k
			if name != "" {
				under = name + "." + k
			}
			put(rec, under, v[k])
		}
	default:
		rec.Add(name, event.Text, fmt.Sprint(v))
	}
}
