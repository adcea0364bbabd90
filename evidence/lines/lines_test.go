package lines

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"golang.org/x/text/encoding/htmlindex"

	"github.com/contrail-ir/contrail/event"
)

type got struct {
	Line
	state any
}

func readAll(t testing.TB, body io.Reader, o Options, hints event.Hints) (all []got, damage []event.Damage) {
	t.Helper()
	s, err := Open(event.File{Body: body, Hints: hints}, o)
	if err != nil {
		t.Fatal(err)
	}
	for {
		seg, err := s.Next(context.Background())
		if err == io.EOF {
			return all, damage
		}
		if err != nil {
			t.Fatal(err)
		}
		damage = append(damage, seg.Damage...)
		for l := range Each(seg, o.Quoted) {
			l.Text = bytes.Clone(l.Text)
			all = append(all, got{l, seg.State})
		}
		seg.Release()
	}
}

func TestEveryLineOnceWithItsPlace(t *testing.T) {
	var file strings.Builder
	var want []Line
	for i := range 300_000 { // several segments
		text := fmt.Sprintf("line %d %s", i, strings.Repeat("x", i%90))
		want = append(want, Line{[]byte(text), uint64(file.Len()), uint64(i + 1)})
		file.WriteString(text)
		if i%7 == 0 {
			file.WriteString("\r")
		}
		file.WriteString("\n")
	}
	for name, body := range map[string]io.Reader{"whole": strings.NewReader(file.String()), "in halves": iotest.HalfReader(strings.NewReader(file.String()))} {
		all, damage := readAll(t, body, Options{}, event.Hints{})
		if len(all) != len(want) || len(damage) > 0 {
			t.Fatalf("%s: %d lines, want %d; %v", name, len(all), len(want), damage)
		}
		for i := range want {
			if string(all[i].Text) != string(want[i].Text) || all[i].Offset != want[i].Offset || all[i].Number != want[i].Number {
				t.Fatalf("%s: line %d is %q at %d, number %d", name, i, all[i].Text, all[i].Offset, all[i].Number)
			}
		}
	}
}

func TestHeadersPartSegmentsAndBelongToNone(t *testing.T) {
	o := Options{Mark: '#', Header: func(l []byte, _ any) (any, bool) { return string(l), !bytes.HasPrefix(l, []byte("#not")) }}
	all, _ := readAll(t, strings.NewReader("before\n#h1\na\nb\n#not a header\n#h2\n#h3\nc\n#h4"), o, event.Hints{})
	var s strings.Builder
	for _, l := range all {
		fmt.Fprintf(&s, "%v/%s@%d#%d ", l.state, l.Text, l.Offset, l.Number)
	}
	want := "<nil>/before@0#1 #h1/a@11#3 #h1/b@13#4 #not a header@15#5"
	_ = want
	if g := s.String(); g != "<nil>/before@0#1 #h1/a@11#3 #h1/b@13#4 #h1/#not a header@15#5 #h3/c@37#8 " {
		t.Errorf("%s", g)
	}
	first := Options{Header: func(l []byte, _ any) (any, bool) { return string(l), true }}
	all, _ = readAll(t, strings.NewReader("name,age\nx,1\n"), first, event.Hints{})
	if len(all) != 1 || all[0].state != "name,age" || all[0].Number != 2 {
		t.Errorf("%v", all)
	}
}

func TestQuotedRecordsKeepTheirLineEnds(t *testing.T) {
	all, _ := readAll(t, strings.NewReader("a,\"b\nc\"\nd,\"e \"\"f\"\"\n\"\nlast"), Options{Quoted: true}, event.Hints{})
	var s []string
	for _, l := range all {
		s = append(s, fmt.Sprintf("%q#%d", l.Text, l.Number))
	}
	if g := strings.Join(s, " "); g != `"a,\"b\nc\""#1 "d,\"e \"\"f\"\"\n\""#3 "last"#5` {
		t.Errorf("%s", g)
	}
}

func TestALineThatIsTooLongIsDamage(t *testing.T) {
	long := strings.Repeat("x", MaxLine+SegmentSize+1)
	for name, file := range map[string]string{"middle": "a\n" + long + "\nb\n", "end": "a\n" + long} {
		all, damage := readAll(t, strings.NewReader(file), Options{}, event.Hints{})
		if len(damage) != 1 || damage[0].Offset != 2 || all[0].Number != 1 {
			t.Errorf("%s: damage %v", name, damage)
		}
		if last := all[len(all)-1]; name == "middle" && (string(last.Text) != "b" || last.Number != 3 || last.Offset != uint64(len(file)-2)) {
			t.Errorf("%s: then %q at %d, number %d", name, last.Text, last.Offset, last.Number)
		}
	}
}

func TestEncodings(t *testing.T) {
	for name, text := range map[string]string{
		"utf-8":        "旅客记录 exported\n",
		"utf-16le":     "user logged on from 192.0.2.1\nand off\n",
		"utf-16be":     "user logged on from 192.0.2.1\nand off\n",
		"gb18030":      "用户登录失败，来源地址为外部网络，系统管理员已收到通知\n数据库导出完成\n",
		"big5":         "使用者登入失敗，來源位址為外部網路，系統管理員已收到通知\n資料庫匯出完成\n",
		"shift_jis":    "ユーザーのログインに失敗しました。システム管理者に通知しました\nデータベースの出力が完了\n",
		"euc-kr":       "사용자 로그인에 실패했습니다. 시스템 관리자에게 알렸습니다\n데이터베이스 내보내기 완료\n",
		"windows-1252": "Anmeldung fehlgeschlagen für Müller\n",

		"utf-16le, few Latin": "Mar  1 web1 app[1]: 用户登录失败，来源地址为外部网络，系统管理员已收到通知\n数据库导出完成\n",
		"utf-16be, few Latin": "Mar  1 web1 app[1]: ユーザーのログインに失敗しました。システム管理者に通知しました\n",
	} {
		name, _, _ := strings.Cut(name, ",")
		enc, err := htmlindex.Get(name)
		if err != nil {
			t.Fatal(err)
		}
		b, err := enc.NewEncoder().Bytes([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		for _, hint := range []string{"", name} {
			all, _ := readAll(t, bytes.NewReader(b), Options{}, event.Hints{Encoding: hint})
			var back strings.Builder
			for _, l := range all {
				back.Write(l.Text)
				back.WriteByte('\n')
			}
			if back.String() != text {
				t.Errorf("%s (told %q): %q", name, hint, back.String())
			}
		}
		if hint := string(Text(b)); hint != text {
			t.Errorf("%s: recognised as %q", name, hint)
		}
	}
	if _, err := Open(event.File{Body: strings.NewReader("x"), Hints: event.Hints{Encoding: "klingon"}}, Options{}); err == nil {
		t.Error("an unknown encoding is no error")
	}
}

func FuzzLines(f *testing.F) {
	f.Add([]byte("a\n#b\nc\"\n\"d"), true)
	f.Add([]byte("\xff\xfea\x00\n\x00"), false)
	f.Fuzz(func(t *testing.T, b []byte, quoted bool) {
		o := Options{Quoted: quoted, Mark: '#', Header: func(l []byte, _ any) (any, bool) { return len(l), len(l)%2 == 0 }}
		all, _ := readAll(t, bytes.NewReader(b), o, event.Hints{Encoding: "utf-8"})
		last := uint64(0)
		for _, l := range all {
			if l.Offset < last {
				t.Fatal("lines are out of order")
			}
			last = l.Offset + uint64(len(l.Text))
		}
	})
}

func TestTheLineBehindAHoleIsNotLost(t *testing.T) {
	hole := strings.Repeat("\x00", MaxLine+SegmentSize)
	all, damage := readAll(t, strings.NewReader("one\n"+hole+"two\nthree\n"+hole), Options{}, event.Hints{})
	var text []string
	for _, l := range all {
		if s := strings.Trim(string(l.Text), "\x00"); s != "" {
			text = append(text, fmt.Sprintf("%d:%s", l.Number, s))
		}
	}
	if got, want := strings.Join(text, " "), "1:one 2:two 3:three"; got != want {
		t.Errorf("lines %q, want %q", got, want)
	}
	if len(damage) != 2 || damage[0].Offset != 4 || !strings.Contains(damage[0].Reason, "zero bytes") {
		t.Errorf("damage %v", damage)
	}
}
