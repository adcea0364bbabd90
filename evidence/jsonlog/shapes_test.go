package jsonlog

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/contrail-ir/contrail/event"
)

// wantSource and wantFields are the two events of testdata/shapes, as the binary log holds them.
var wantSource = map[string]event.Source{
	"sysmon1":      {Product: "windows", Provider: "Microsoft-Windows-Sysmon", Channel: "Microsoft-Windows-Sysmon/Operational", ID: 1},
	"security4688": {Product: "windows", Provider: "Microsoft-Windows-Security-Auditing", Channel: "Security", ID: 4688},
}

var wantFields = map[string]map[string]string{
	"sysmon1": {
		"Provider_Name": "Microsoft-Windows-Sysmon", "Provider_Guid": "{5770385F-C22A-43E0-BF4C-06F5698FFBD9}", "EventID": "1",
		"Version": "5", "Level": "4", "Task": "1", "Opcode": "0", "Keywords": "0x8000000000000000",
		"TimeCreated": "2024-03-05T09:15:22.4815678Z", "EventRecordID": "7311", "Execution_ProcessID": "2812",
		"Execution_ThreadID": "3916", "Channel": "Microsoft-Windows-Sysmon/Operational", "Computer": "WS07.example.test",
		"Security_UserID": "S-1-5-18",
		"RuleName":        "-", "UtcTime": "2024-03-05 09:15:22.481", "ProcessGuid": "{A1B2C3D4-0001-65E6-0A00-000000000F00}",
		"ProcessId": "4242", "Image": `C:\Windows\System32\whoami.exe`, "CommandLine": "whoami /all", "User": `EXAMPLE\anna`,
		"LogonId": "0x3e7a1", "ParentImage": `C:\Windows\explorer.exe`, "Company": "",
	},
	"security4688": {
		"Provider_Name": "Microsoft-Windows-Security-Auditing", "Provider_Guid": "{54849625-5478-4994-A5BA-3E3B0328C30D}",
		"EventID": "4688", "Version": "2", "Level": "0", "Task": "13312", "Opcode": "0", "Keywords": "0x8020000000000000",
		"TimeCreated": "2024-03-05T09:15:23.002Z", "EventRecordID": "90412", "Execution_ProcessID": "4", "Execution_ThreadID": "212",
		"Channel": "Security", "Computer": "WS07.example.test",
		"SubjectUserSid": "S-1-5-21-1-2-3-1105", "SubjectUserName": "anna", "NewProcessId": "0x1a2b",
		"NewProcessName": `C:\Windows\System32\net.exe`, "TokenElevationType": "%%1936", "CommandLine": "net user élève /domain",
		"MandatoryLabel": "S-1-16-8192",
	},
}

// shapeLacks lists the columns that a shape cannot carry, and those that it carries otherwise.
var shapeLacks = map[string]struct {
	lacks []string
	other map[string]string
	extra []string // fields of the shipper, under their own names
}{
	"evtx_dump":          {},
	"chainsaw":           {extra: []string{"document.kind", "document.path", "group", "kind", "name", "timestamp"}},
	"evtx_dump-separate": {extra: []string{"Event.System.Provider", "Event.System.TimeCreated"}},
	"xmltodict":          {},
	"velociraptor":       {extra: []string{"Message"}},
	"winlogbeat7":        {lacks: []string{"Task"}, extra: winlogbeat7},
	"winlogbeat7-dotted": {lacks: []string{"Task"}, extra: winlogbeat7},
	"elasticsearch":      {lacks: []string{"Task"}, extra: append([]string{"_id", "_index", "_score"}, winlogbeat7...)},
	"winlogbeat6": {lacks: []string{"Task"}, extra: []string{"@metadata.beat", "Message", "beat.hostname", "beat.name", "host.name",
		"task", "type", "user.name"}},
	"nxlog": {extra: []string{"@timestamp", "@version", "EventReceivedTime", "Message", "OpcodeName", "Severity", "SeverityValue", "SourceModuleName",
		"SourceModuleType", "host", "port", "tags"}},
	"flat":       {lacks: []string{"EventRecordID", "Execution_ProcessID", "Execution_ThreadID", "Security_UserID"}, extra: []string{"@timestamp", "Message", "host"}},
	"splunk-xml": {extra: []string{"_time", "host", "offset", "preview", "source", "sourcetype"}},
	"splunk": {lacks: []string{"Provider_Guid", "Version", "Level", "Task", "Opcode", "Keywords", "Execution_ProcessID",
		"Execution_ThreadID", "Security_UserID"}, extra: []string{"host", "lastrow", "preview", "sourcetype"}},
	"evtxecmd": {lacks: []string{"Provider_Guid", "Version", "Task", "Opcode"}, extra: []string{"ChunkNumber", "MapDescription",
		"PayloadData1", "RecordNumber", "SourceFile", "UserId"}},
	"sentinel": {lacks: []string{"Provider_Guid", "Version", "Opcode", "Keywords", "EventRecordID", "Execution_ProcessID", "Execution_ThreadID",
		"Security_UserID"}, extra: []string{"Type"}},
}

var winlogbeat7 = []string{"@version", "Message", "agent.hostname", "agent.type", "event.code", "event.created", "event.kind", "event.provider",
	"host.name", "winlog.api", "winlog.task", "winlog.user.name"}

// TestShapesGiveTheSameColumns reads the same two events in every shape.
func TestShapesGiveTheSameColumns(t *testing.T) {
	for name, shape := range shapeLacks {
		for file, want := range wantFields {
			path := filepath.Join("testdata", "shapes", file+"."+name+".json")
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if c := (Format{}).Recognise(text, "x"); c != event.Certain {
				t.Errorf("%s: recognised as %d", path, c)
			}
			rows, damage := readRows(t, event.File{Name: "x", Body: strings.NewReader(string(text))}, event.Everything())
			if len(rows) != 1 || len(damage) > 0 {
				t.Errorf("%s: %d rows, damage %v", path, len(rows), damage)
				continue
			}
			row := rows[0]
			if row.source != wantSource[file] {
				t.Errorf("%s: source %v", path, row.source)
			}
			if row.host != "WS07.example.test" {
				t.Errorf("%s: host %q", path, row.host)
			}
			for field, text := range want {
				if name == "nxlog" && field == "TimeCreated" { // whole seconds
					text, _, _ = strings.Cut(text, ".")
					text += "Z"
				}
				if slices.Contains(shape.lacks, field) || file == "sysmon1" && field == "Keywords" && strings.Contains("winlogbeat6 winlogbeat7 winlogbeat7-dotted elasticsearch", name) { // no name, no keyword
					text = "absent"
				} else {
					text = fmt.Sprintf("%q", []string{text})
				}
				got := "absent"
				if v, ok := row.fields[field]; ok {
					got = fmt.Sprintf("%q", v)
				}
				if got != text {
					t.Errorf("%s: %s is %s, want %s", path, field, got, text)
				}
			}
			for _, field := range slices.Sorted(maps.Keys(row.fields)) {
				if _, ok := want[field]; !ok && !slices.Contains(shape.extra, field) {
					t.Errorf("%s: has %s = %q", path, field, row.fields[field])
				}
			}
		}
	}
}

// row is a row of a batch as plain values; null is "\x00".
type row struct {
	source         event.Source
	host           string
	time           int64
	offset, record uint64
	fields         map[string][]string
}

func readRows(t testing.TB, f event.File, needs event.Needs) ([]row, []event.Damage) {
	t.Helper()
	var rows []row
	g := &gather{look: func(b *event.Batch) error {
		for i := range b.Rows {
			r := rowOf(b, i)
			var rec event.Record
			if err := b.Fetch(i, &rec); err != nil {
				t.Errorf("fetch: %v", err)
			}
			fetched := map[string][]string{}
			for _, f := range rec.Fields {
				v := f.Text
				if f.Null {
					v = "\x00"
				}
				fetched[f.Name] = append(fetched[f.Name], v)
			}
			for name, v := range r.fields { // with all fields wanted the two are the same
				if !slices.Equal(v, fetched[name]) {
					t.Errorf("row %d: column %s is %q, fetched %q", i, name, v, fetched[name])
				}
			}
			rows = append(rows, r)
		}
		return nil
	}}
	if err := read(f, needs, g); err != nil {
		t.Fatalf("read: %v", err)
	}
	slices.SortStableFunc(rows, func(a, b row) int {
		if a.offset != b.offset {
			return int(int64(a.offset) - int64(b.offset))
		}
		return 0
	})
	return rows, g.damage
}

func rowOf(b *event.Batch, i int) row {
	r := row{source: b.Schema.Source, host: b.Host.Text(i), time: b.Time[i], offset: b.Offset[i], record: b.Record[i], fields: map[string][]string{}}
	for c, name := range b.Schema.Fields {
		for _, code := range b.Cols[c].At(i) {
			if v, ok := code.Value(); ok {
				r.fields[name] = append(r.fields[name], string(b.Cols[c].Dict.AppendText(nil, v)))
			} else if code == event.Null {
				r.fields[name] = append(r.fields[name], "\x00")
			}
		}
	}
	return r
}

// TestTablesAreSound looks for paths with two meanings, which would be taken for one or the other by chance.
func TestTablesAreSound(t *testing.T) {
	for i := range shapes {
		s := &shapes[i]
		seen := map[string]slot{}
		for sl, paths := range s.slots {
			for _, p := range paths {
				if other, ok := seen[p]; ok {
					t.Errorf("%s: %s is in slots %d and %d", s.name, p, other, sl)
				}
				seen[p] = sl
			}
		}
		if _, ok := seen[s.service]; ok {
			t.Errorf("%s: %s is a slot and the service", s.name, s.service)
		}
		if len(s.marks) == 0 && i < len(shapes)-1 {
			t.Errorf("%s has no marks and hides what follows", s.name)
		}
	}
}
