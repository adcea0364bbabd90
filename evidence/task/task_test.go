package task

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/contrail-ir/contrail/event"
)

const example = `<?xml version="1.0" encoding="UTF-16"?>
<Task version="1.4" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <RegistrationInfo>
    <Date>2026-03-01T10:11:12.5</Date>
    <Author>EXAMPLE\operator</Author>
    <URI>\Updates\Check &amp; report</URI>
  </RegistrationInfo>
  <Triggers><LogonTrigger><Enabled>true</Enabled></LogonTrigger></Triggers>
  <Principals><Principal id="Author"><UserId>S-1-5-18</UserId></Principal></Principals>
  <Actions Context="Author">
    <Exec><Command>C:\ProgramData\check.exe</Command><Arguments>-a -b</Arguments></Exec>
    <Exec><Command>cmd.exe</Command></Exec>
  </Actions>
</Task>`

func wide(s string) []byte {
	b := []byte{0xff, 0xfe}
	for _, u := range utf16.Encode([]rune(s)) {
		b = append(b, byte(u), byte(u>>8))
	}
	return b
}

type sink struct {
	fields []string
	damage []string
	time   int64
	rows   int
}

func (s *sink) Damage(d event.Damage) { s.damage = append(s.damage, d.String()) }

func (s *sink) Batch(b *event.Batch) error {
	var rec event.Record
	if err := b.Fetch(0, &rec); err != nil {
		return err
	}
	s.time = b.Time[0]
	s.rows += b.Rows
	for _, f := range rec.Fields {
		s.fields = append(s.fields, f.Name+"="+f.Text)
		if b.Column(f.Name) == nil {
			return fmt.Errorf("no column %s", f.Name)
		}
	}
	return nil
}

func decode(t testing.TB, name string, content []byte, h event.Hints) *sink {
	t.Helper()
	st, err := Format{}.Open(event.File{Name: name, Body: bytes.NewReader(content), Hints: h})
	if err != nil {
		t.Fatal(err)
	}
	s := &sink{}
	needs := event.Everything()
	for d := (Format{}).Decoder(); ; {
		seg, err := st.Next(context.Background())
		if err == io.EOF {
			return s
		}
		if err == nil {
			err = d.Decode(seg, &needs, s)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestTask(t *testing.T) {
	want := `version=1.4 RegistrationInfo.Date=2026-03-01T10:11:12.5 RegistrationInfo.Author=EXAMPLE\operator RegistrationInfo.URI=\Updates\Check & report ` +
		`Triggers.LogonTrigger.Enabled=true Principals.Principal.id=Author Principals.Principal.UserId=S-1-5-18 Actions.Context=Author ` +
		`Actions.Exec.Command=C:\ProgramData\check.exe Actions.Exec.Arguments=-a -b Actions.Exec.Command=cmd.exe TaskName=\Updates\Check & report`
	for name, content := range map[string][]byte{"utf-8": []byte(example), "utf-16": wide(example), "no mark": wide(example)[2:]} {
		if c := (Format{}).Recognise(content, "x"); c != event.Certain {
			t.Errorf("%s: confidence %d", name, c)
		}
		got := decode(t, "C/Windows/System32/Tasks/x", content, event.Hints{Zone: time.FixedZone("", 3600), Offset: time.Minute})
		if strings.Join(got.fields, " ") != want || len(got.damage) > 0 || got.rows != 1 {
			t.Errorf("%s: %s\n%q", name, strings.Join(got.fields, " "), got.damage)
		}
		if at := string(event.AppendTime(nil, got.time)); at != "2026-03-01T09:12:12.5Z" {
			t.Errorf("%s: time %s", name, at)
		}
	}
	got := decode(t, "h.zip!C/Windows/System32/Tasks/A/B", []byte("<Task><RegistrationInfo/><Actions><Exec><Command>x</Command></Exec></Actions></Task>"), event.Hints{})
	if strings.Join(got.fields, " ") != `Actions.Exec.Command=x TaskName=\A\B` || got.time != event.NoTime {
		t.Errorf("%q", got.fields)
	}
}

func TestBrokenTasks(t *testing.T) {
	for name, c := range map[string]struct {
		content string
		fields  int
		damage  string
	}{
		"cut off":  {example[:len(example)-60], 11, "not well formed"},
		"entity":   {strings.Replace(example, "-a -b", "&bomb;", 1), 10, "not well formed"},
		"doctype":  {"<?xml version='1.0'?><!DOCTYPE x [<!ENTITY a 'b'>]>" + example[40:], 0, "document type declaration"},
		"deep":     {"<Task><a>x</a>" + strings.Repeat("<a>", 100), 2, "within each other"},
		"many":     {"<Task>" + strings.Repeat("<a>x</a>", 5000), 2002, "more than 2000"},
		"too long": {"<Task><a>x</a>" + strings.Repeat(" ", maxBytes), 2, "longer than"},
		"binary":   {"\x00\x01\x02", 0, "not well formed"},
	} {
		got := decode(t, "x", []byte(c.content), event.Hints{})
		if len(got.fields) != c.fields || !strings.Contains(strings.Join(got.damage, ";"), c.damage) {
			t.Errorf("%s: %d fields, %q", name, len(got.fields), got.damage)
		}
	}
	for _, no := range []string{"", "<Tasks>", "<Event><Task>1</Task></Event>", "text <Task", "<!DOCTYPE x><Task xmlns='" + namespace + "'>"} {
		if c := (Format{}).Recognise([]byte(no), "Tasks/x"); c != event.No {
			t.Errorf("%q is taken for a task", no)
		}
	}
}

func FuzzTask(f *testing.F) {
	f.Add([]byte(example))
	f.Add(wide(example))
	f.Fuzz(func(t *testing.T, b []byte) {
		Format{}.Recognise(b, "x")
		decode(t, "a/Tasks/x", b, event.Hints{})
	})
}
