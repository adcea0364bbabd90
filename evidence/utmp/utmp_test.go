package utmp

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/internal/require"
)

// login is a record as the manual page utmp(5) lays it out.
type login struct {
	kind           int
	pid            int
	line, id, user string
	host           string
	sec, micro     int64
	addr           string
}

func (l login) bytes(size int) []byte {
	r := make([]byte, size)
	binary.LittleEndian.PutUint16(r, uint16(l.kind))
	binary.LittleEndian.PutUint32(r[4:], uint32(l.pid))
	copy(r[8:40], l.line)
	copy(r[40:44], l.id)
	copy(r[44:76], l.user)
	copy(r[76:332], l.host)
	at := 348
	if size == wide {
		binary.LittleEndian.PutUint64(r[344:], uint64(l.sec))
		binary.LittleEndian.PutUint64(r[352:], uint64(l.micro))
		at = 360
	} else {
		binary.LittleEndian.PutUint32(r[340:], uint32(l.sec))
		binary.LittleEndian.PutUint32(r[344:], uint32(l.micro))
	}
	if l.addr != "" {
		a := netip.MustParseAddr(l.addr)
		copy(r[at:], a.AsSlice())
	}
	return r
}

var logins = []login{
	{kind: 2, line: "~", id: "~~", user: "reboot", host: "5.10.0", sec: 1_767_000_000, micro: 5},
	{kind: 7, pid: 4711, line: "pts/0", id: "ts/0", user: "operator", host: "192.0.2.9", sec: 1_767_000_100, micro: 999_999, addr: "192.0.2.9"},
	{kind: 7, pid: 4712, line: "pts/1", user: "root", host: "2001:db8::7", sec: 4_000_000_000, addr: "2001:db8::7"},
	{kind: 8, pid: 4711, line: "pts/0", sec: 1_767_000_300},
}

func file(size int, more ...[]byte) []byte {
	var b []byte
	for _, l := range logins {
		b = append(b, l.bytes(size)...)
	}
	for _, m := range more {
		b = append(b, m...)
	}
	return b
}

type sink struct {
	rows   []string
	damage []string
}

func (s *sink) Damage(d event.Damage) { s.damage = append(s.damage, d.String()) }

func (s *sink) Batch(b *event.Batch) error {
	for row := range b.Rows {
		var rec event.Record
		if err := b.Fetch(row, &rec); err != nil {
			return err
		}
		var line strings.Builder
		fmt.Fprintf(&line, "%s %s@%d %s", b.Schema.Source, b.Host.Text(row), b.Record[row], event.AppendTime(nil, b.Time[row]))
		for _, f := range rec.Fields {
			fmt.Fprintf(&line, " %s=%s", f.Name, f.Text)
			if c := b.Column(f.Name); c == nil || c.Text(row) != f.Text {
				return fmt.Errorf("row %d: column %s differs from the record", row, f.Name)
			}
		}
		s.rows = append(s.rows, line.String())
	}
	return nil
}

func decode(t testing.TB, f event.Format, name string, content []byte) *sink {
	t.Helper()
	st, err := f.Open(event.File{Name: name, Size: int64(len(content)), Body: bytes.NewReader(content), Hints: event.Hints{Host: "h"}})
	if err != nil {
		t.Fatal(err)
	}
	s := &sink{}
	d := f.Decoder()
	needs := event.Everything()
	for {
		seg, err := st.Next(context.Background())
		if err == io.EOF {
			return s
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Decode(seg, &needs, s); err != nil {
			t.Fatal(err)
		}
		seg.Release()
	}
}

func TestBothLayouts(t *testing.T) {
	want := []string{
		"linux/wtmp h@1 2025-12-29T09:20:00.000005Z type=BOOT_TIME pid=0 line=~ id=~~ user=reboot host=5.10.0 session=0",
		"linux/wtmp h@2 2025-12-29T09:21:40.999999Z type=USER_PROCESS pid=4711 line=pts/0 id=ts/0 user=operator host=192.0.2.9 session=0 addr=192.0.2.9",
		"linux/wtmp h@3 2096-10-02T07:06:40Z type=USER_PROCESS pid=4712 line=pts/1 user=root host=2001:db8::7 session=0 addr=2001:db8::7",
		"linux/wtmp h@4 2025-12-29T09:25:00Z type=DEAD_PROCESS pid=4711 line=pts/0 session=0",
	}
	for _, size := range []int{narrow, wide} {
		content := file(size)
		if c := (Format{}).Recognise(content, "var/log/wtmp"); c != event.Certain {
			t.Errorf("%d: confidence %d", size, c)
		}
		got := decode(t, Format{}, "x.zip!var/log/wtmp.1", content)
		if strings.Join(got.rows, "\n") != strings.Join(want, "\n") || len(got.damage) > 0 {
			t.Errorf("%d:\n%s\nwant\n%s\n%q", size, strings.Join(got.rows, "\n"), strings.Join(want, "\n"), got.damage)
		}
		got = decode(t, Format{}, "btmp", append(content, "cut off"...))
		if len(got.rows) != 4 || !strings.HasPrefix(got.rows[0], "linux/btmp") || len(got.damage) != 1 || !strings.Contains(got.damage[0], "cut off") {
			t.Errorf("cut off: %d rows, %q", len(got.rows), got.damage)
		}
		bad := login{kind: 99, user: "x", sec: 1}.bytes(size)
		got = decode(t, Format{}, "wtmp", file(size, make([]byte, 300*size), bad, logins[1].bytes(size)))
		if len(got.rows) != 5 || len(got.damage) != 1 || !strings.Contains(got.rows[4], "@306 ") {
			t.Errorf("zeros and a broken record: %q, %q", got.rows, got.damage)
		}
	}
	for _, no := range []string{"", strings.Repeat("x", 384), strings.Repeat("\x00", 768), "MZ" + strings.Repeat("\x00", 1000)} {
		if c := (Format{}).Recognise([]byte(no), "wtmp"); c != event.No {
			t.Errorf("%.10q is taken for wtmp", no)
		}
	}
}

// TestAgainstUtmpdump compares with the tool that Linux has for it.
func TestAgainstUtmpdump(t *testing.T) {
	tool := require.Program(t, "utmpdump")
	size := narrow
	path := filepath.Join(t.TempDir(), "wtmp")
	if err := os.WriteFile(path, file(size), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(tool, path).Output()
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	got := decode(t, Format{}, "wtmp", file(size))
	if len(lines) != len(got.rows) {
		t.Fatalf("%d records, utmpdump has %d", len(got.rows), len(lines))
	}
	for i, l := range logins {
		at := time.Unix(l.sec, l.micro*1000).UTC().Format("2006-01-02T15:04:05")
		if l.sec < 1<<31 && (!strings.Contains(lines[i], at) || !strings.Contains(got.rows[i], at)) || !strings.Contains(lines[i], l.user) {
			t.Errorf("%s against %s", got.rows[i], lines[i])
		}
	}
}

func TestLastlog(t *testing.T) {
	for _, size := range []int{lastlogNarrow, lastlogWide} {
		b := make([]byte, 1001*size)
		for uid, host := range map[int]string{0: "192.0.2.1", 1000: "gate.example"} {
			r := b[uid*size : (uid+1)*size]
			binary.LittleEndian.PutUint32(r, 1_767_000_000)
			copy(r[size-288:], "pts/3")
			copy(r[size-256:], host)
		}
		if (Lastlog{}).Recognise(b[:64<<10], "var/log/lastlog") != event.Certain || (Lastlog{}).Recognise(b[:64<<10], "other") != event.No {
			t.Errorf("%d: not recognised", size)
		}
		got := decode(t, Lastlog{}, "a.tar!lastlog", b)
		want := "linux/lastlog h@1 2025-12-29T09:20:00Z uid=0 line=pts/3 host=192.0.2.1\nlinux/lastlog h@1001 2025-12-29T09:20:00Z uid=1000 line=pts/3 host=gate.example"
		if strings.Join(got.rows, "\n") != want || len(got.damage) > 0 {
			t.Errorf("%d: %s %q", size, strings.Join(got.rows, "\n"), got.damage)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(file(narrow), "wtmp")
	f.Add(file(wide), "utmp")
	f.Add(make([]byte, 5*lastlogWide), "lastlog")
	f.Fuzz(func(t *testing.T, b []byte, name string) {
		Format{}.Recognise(b, name)
		Lastlog{}.Recognise(b, name)
		for _, x := range []event.Format{Format{}, Lastlog{}} {
			got := decode(t, x, name, b)
			if len(got.rows)*lastlogNarrow > len(b) {
				t.Errorf("%d records of %d bytes", len(got.rows), len(b))
			}
		}
	})
}
