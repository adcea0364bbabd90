package winxml

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/internal/growth"
)

type gather struct {
	rows   []string // "offset/record source host time fields"
	damage []event.Damage
	t      testing.TB
}

func (g *gather) Damage(d event.Damage) { g.damage = append(g.damage, d) }

func (g *gather) Batch(b *event.Batch) error {
	for row := range b.Rows {
		var rec event.Record
		if err := b.Fetch(row, &rec); err != nil {
			g.t.Errorf("fetch: %v", err)
		}
		text, _ := rec.MarshalJSON()
		g.rows = append(g.rows, fmt.Sprintf("%d/%d %s %s %s", b.Offset[row], b.Record[row], b.Schema.Source, b.Host.Text(row), text))
		for c, name := range b.Schema.Fields {
			var want []string
			for _, f := range rec.Fields {
				if f.Name == name {
					want = append(want, f.Text)
				}
			}
			var got []string
			for _, code := range b.Cols[c].At(row) {
				if i, ok := code.Value(); ok {
					got = append(got, string(b.Cols[c].Dict.Raw(i)))
				}
			}
			if fmt.Sprint(got) != fmt.Sprint(want) {
				g.t.Errorf("column %s is %q, fetched %q", name, got, want)
			}
		}
	}
	return nil
}

func read(t testing.TB, data []byte) *gather {
	t.Helper()
	s, err := Format{}.Open(event.File{Name: "x.xml", Size: int64(len(data)), Body: bytes.NewReader(data)})
	if err != nil {
		t.Fatal(err)
	}
	g := &gather{t: t}
	d := Format{}.Decoder()
	needs := event.Everything()
	for {
		seg, err := s.Next(context.Background())
		if errors.Is(err, io.EOF) {
			return g
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Decode(seg, &needs, g); err != nil {
			t.Fatal(err)
		}
		seg.Release()
	}
}

// small gives an event with one Data element.
func small(id int, data string) string {
	return fmt.Sprintf("<Event xmlns='%s'><System><Provider Name='p'/><EventID Qualifiers='7'>%d</EventID><Channel>c</Channel><Computer>h</Computer></System><EventData><Data Name='d'>%s</Data></EventData></Event>", namespace, id, data)
}

func smallRow(offset, record, id int, data string) string {
	return fmt.Sprintf(`%d/%d windows/c/%d h {"Provider_Name":"p","EventID_Qualifiers":7,"EventID":%d,"Channel":"c","Computer":"h","d":"%s"}`, offset, record, id, id, data)
}

func TestFilesOfEvents(t *testing.T) {
	one, two := small(1, "a"), small(2, "b")
	for name, c := range map[string]struct {
		text   string
		want   []string
		damage int
	}{
		"end to end":      {one + two, []string{smallRow(0, 1, 1, "a"), smallRow(len(one), 2, 2, "b")}, 0},
		"in Events":       {"<?xml version='1.0'?>\r\n<Events>" + one + "\r\n" + two + "</Events>", []string{smallRow(31, 1, 1, "a"), smallRow(33+len(one), 2, 2, "b")}, 0},
		"CDATA":           {small(1, "<![CDATA[</Event><x>&amp;]]>"), []string{smallRow(0, 1, 1, `\u003c/Event\u003e\u003cx\u003e\u0026amp;`)}, 0},
		"comment":         {small(1, "a<!-- </Event> -->b"), []string{smallRow(0, 1, 1, "ab")}, 0},
		"entities":        {small(1, "&lt;&#65;&#x42;&gt;&amp;&quot;&apos;&unknown;&"), []string{smallRow(0, 1, 1, `\u003cAB\u003e\u0026\"'\u0026unknown;\u0026`)}, 0},
		"empty":           {small(1, ""), []string{smallRow(0, 1, 1, "")}, 0},
		"control":         {small(1, "a\x01b"), []string{smallRow(0, 1, 1, `a\u0001b`)}, 0},
		"cut off":         {one + two[:len(two)-20], []string{smallRow(0, 1, 1, "a")}, 1},
		"cut off between": {one[:len(one)-20] + two, []string{smallRow(len(one)-20, 1, 2, "b")}, 1},
		"mismatched":      {strings.Replace(one, "</Channel>", "</Chanel>", 1) + two, []string{smallRow(len(one)-1, 2, 2, "b")}, 1},
		"nothing":         {"<Events></Events>", nil, 0},
		"plain doctype":   {"<!DOCTYPE Events>" + one, []string{smallRow(17, 1, 1, "a")}, 0},
		"entities of its own": {"<!DOCTYPE Events [<!-- don't ]> --><?x ]>?><!ENTITY e \"]><Event><System/></Event>\"><!ENTITY b '&e;&e;'>]>" + small(1, "&b;"),
			[]string{smallRow(105, 1, 1, "\\u0026b;")}, 1},
		"from elsewhere":   {"<!DOCTYPE Events SYSTEM 'file:///etc/passwd'>" + one, []string{smallRow(45, 1, 1, "a")}, 1},
		"doctype between":  {one + "<!DOCTYPE Events []>" + two, []string{smallRow(0, 1, 1, "a"), smallRow(len(one)+20, 2, 2, "b")}, 0},
		"doctype no end":   {"<!DOCTYPE Events [" + one, []string{smallRow(18, 1, 1, "a")}, 1},
		"doctype cut away": {one + "<!DOCTYPE", []string{smallRow(0, 1, 1, "a")}, 1},
	} {
		g := read(t, []byte(c.text))
		if name == "mismatched" && len(g.rows) == 2 { // what was read of the broken event counts
			g.rows = g.rows[1:]
		}
		if fmt.Sprint(g.rows) != fmt.Sprint(c.want) || len(g.damage) != c.damage {
			t.Errorf("%s:\n%s, want\n%s\n%v", name, g.rows, c.want, g.damage)
		}
	}
}

func TestElementsBecomeColumns(t *testing.T) {
	for text, want := range map[string]string{
		`<EventData Name="N"><Data>u</Data><Data>v</Data><Data Name="e"/><Binary>00FF</Binary></EventData>`:                                                                                                                                    `{"EventData_Name":"N","Data":["u","v"],"e":"","Binary":"00FF"}`,
		`<EventData><Data Name="g">{a1b2c3d4-0000-0000-0000-00000000000f}</Data></EventData>`:                                                                                                                                                  `{"g":"{A1B2C3D4-0000-0000-0000-00000000000F}"}`,
		`<UserData><LogFileCleared xmlns="x"><SubjectUserName>u</SubjectUserName><Channel>Security</Channel><A><B>1</B></A></LogFileCleared></UserData>`:                                                                                       `{"SubjectUserName":"u","Channel":"Security","A.B":"1"}`,
		`<RenderingInfo Culture="en-US"><Message>m</Message><Keywords><Keyword>k</Keyword></Keywords></RenderingInfo>`:                                                                                                                         `{"RenderingInfo.Culture":"en-US","Message":"m","RenderingInfo.Keywords.Keyword":"k"}`,
		`<System><TimeCreated SystemTime="2024-03-05T09:15:22.4815678Z"/><Keywords>0x8020000000000000</Keywords><Correlation ActivityID="{a1b2c3d4-0000-0000-0000-00000000000f}"/><Execution ProcessID="4" ThreadID="8"/><Security/></System>`: `{"TimeCreated":"2024-03-05T09:15:22.4815678Z","Keywords":"0x8020000000000000","Correlation_ActivityID":"{A1B2C3D4-0000-0000-0000-00000000000F}","Execution_ProcessID":4,"Execution_ThreadID":8}`,
	} {
		var ev Event
		if _, err := Parse([]byte("<Event>"+text+"</Event>"), &ev); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		var rec event.Record
		for _, f := range ev.Fields {
			rec.Add(f.Name, f.Kind, f.Text)
		}
		if got, _ := rec.MarshalJSON(); string(got) != want {
			t.Errorf("%s:\n%s, want\n%s", text, got, want)
		}
		if ev.Channel != "" {
			t.Errorf("%s: channel %q is not the event's", text, ev.Channel)
		}
	}
}

func TestUTF16AsEventViewerExportsIt(t *testing.T) {
	text := "\ufeff<?xml version=\"1.0\" encoding=\"utf-16\"?>\r\n<Events>" + small(1, "é😀") + small(2, "b") + "</Events>"
	var data []byte
	for _, u := range utf16.Encode([]rune(text)) {
		data = binary.LittleEndian.AppendUint16(data, u)
	}
	g := read(t, data)
	first := 2 * len(utf16.Encode([]rune(text[:strings.Index(text, "<Event ")])))
	want := []string{smallRow(first, 1, 1, "é😀"), smallRow(first+2*len(utf16.Encode([]rune(small(1, "é😀")))), 2, 2, "b")}
	if fmt.Sprint(g.rows) != fmt.Sprint(want) || len(g.damage) > 0 {
		t.Errorf("%s, want\n%s %v", g.rows, want, g.damage)
	}
	if c := (Format{}).Recognise(data, "x"); c != event.Certain {
		t.Errorf("recognised as %d", c)
	}
}

func TestRecognise(t *testing.T) {
	for text, want := range map[string]event.Confidence{
		small(1, ""): event.Certain, "<Event><System>": event.Likely, "<html><Event>": event.No, "{}": event.No, "": event.No,
		"<!DOCTYPE Events [<!ENTITY a 'b'>]>" + small(1, ""): event.Certain, "<!DOCTYPE Events SYSTEM 'events.dtd' [<!ENTITY a '": event.Likely, "<!DOCTYPE html><html><Event>": event.No,
		"<!DOCTYPE html [<!ENTITY a '" + small(1, "") + "'": event.No, "<!DOCTYPE html [<!ENTITY a '" + small(1, "") + "'>]><html/>": event.No,
	} {
		if got := (Format{}).Recognise([]byte(text), "x.xml"); got != want {
			t.Errorf("%.40q is %d, want %d", text, got, want)
		}
	}
}

func TestHostileXMLIsBounded(t *testing.T) {
	hostile := map[string]func(n int) string{ // of about n bytes
		"deep":       func(n int) string { return "<Event><UserData>" + strings.Repeat("<a>", n/3) + "</Event>" },
		"attributes": func(n int) string { return "<Event><System " + strings.Repeat("a='' ", n/5) + "/></Event>" },
		"fields": func(n int) string {
			return "<Event><EventData>" + strings.Repeat("<Data/>", n/7) + "</EventData></Event>"
		},
		"open":     func(n int) string { return strings.Repeat("<Event ><System>", n/16) },
		"doctypes": func(n int) string { return small(1, "a") + strings.Repeat("<!DOCTYPE a [", n/13) },
		"nested":   func(n int) string { return strings.Repeat("<Event >", n/8) },
	}
	for name, text := range hostile {
		if g := read(t, []byte(text(4<<20))); len(g.damage) == 0 || len(g.rows) > 1 {
			t.Errorf("%s: %d rows, damage %v", name, len(g.rows), g.damage)
		}
		growth.Linear(t, name, 1<<19, func(n int) func() {
			text := []byte(text(n))
			return func() { read(t, text) }
		})
	}
	for name, text := range map[string]string{
		"doctype": "<Event><!DOCTYPE x></Event>",
		"huge":    "<Event>" + strings.Repeat("x", 2*maxEvent+segmentSize) + "</Event>" + small(1, "a"),
	} {
		if g := read(t, []byte(text)); len(g.damage) == 0 || name != "huge" && len(g.rows) > 1 {
			t.Errorf("%s: %d rows, damage %v", name, len(g.rows), g.damage)
		}
	}
}

// naive reads EventData with encoding/xml.
func naive(text []byte) (map[string][]string, bool) {
	var e struct {
		XMLName   xml.Name `xml:"Event"`
		EventData struct {
			Data []struct {
				Name string `xml:"Name,attr"`
				Text string `xml:",chardata"`
			} `xml:"Data"`
		} `xml:"EventData"`
		Computer string `xml:"System>Computer"`
	}
	if err := xml.Unmarshal(text, &e); err != nil {
		return nil, false
	}
	out := map[string][]string{"Computer": {e.Computer}}
	for _, d := range e.EventData.Data {
		name := d.Name
		if name == "" {
			name = "Data"
		}
		out[name] = append(out[name], d.Text)
	}
	return out, true
}

func TestAgainstEncodingXML(t *testing.T) {
	for _, file := range []string{"testdata/sysmon1.xml", "testdata/security4688.xml"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		want, ok := naive(text)
		var ev Event
		if _, err := Parse(text, &ev); err != nil || !ok {
			t.Fatalf("%s: %v", file, err)
		}
		got := map[string][]string{}
		for _, f := range ev.Fields {
			if _, known := want[f.Name]; known {
				got[f.Name] = append(got[f.Name], f.Text)
			}
		}
		if !strings.EqualFold(fmt.Sprint(got), fmt.Sprint(want)) {
			t.Errorf("%s: %q, want %q", file, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(small(1, "a")))
	f.Add([]byte("<!DOCTYPE Events [<!ENTITY a '<Event>'>]><Events>" + small(1, "&a;")))
	f.Add([]byte("<Events>" + small(1, "<![CDATA[x]]>") + "<Event><UserData><a b='c'><d/>e</a></UserData></Event>"))
	f.Add([]byte("\xff\xfe<\x00E\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		Format{}.Recognise(data, "x")
		var ev Event
		n, _ := Parse(data, &ev)
		if n > len(data) {
			t.Fatal("longer than the text")
		}
		_, _ = Data(data)
		read(t, data)
	})
}

func BenchmarkRead(b *testing.B) {
	text, err := os.ReadFile("testdata/sysmon1.xml")
	if err != nil {
		b.Fatal(err)
	}
	text = bytes.Repeat(text, 8<<20/len(text))
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		s, _ := Format{}.Open(event.File{Body: bytes.NewReader(text)})
		d := Format{}.Decoder()
		needs := event.Everything()
		for {
			seg, err := s.Next(context.Background())
			if err != nil {
				break
			}
			if err := d.Decode(seg, &needs, discard{}); err != nil {
				b.Fatal(err)
			}
		}
	}
}

type discard struct{}

func (discard) Batch(*event.Batch) error { return nil }
func (discard) Damage(event.Damage)      {}
