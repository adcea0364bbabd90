// Package file describes files that are no logs: programs, scripts, and whatever else lies among evidence.
//
// Every file becomes one event with its digests, and what it is: of a Windows program its import hash, compile time, PDB path, version
// and sections, of an ELF its build id, interpreter and imports, of a script its language and what makes it suspicious. So rules,
// indicators and signatures can look at files as they look at logs. It gives no verdict, verifies no signature, and runs nothing.
package file

import (
	"bytes"
	"context"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/contrail-ir/contrail/event"
)

const (
	// MaxDescribed is how much of a file is looked at; it is hashed to its end.
	MaxDescribed = 64 << 20
	maxScript    = 4 << 20
	maxList      = 5000 // imports listed
)

// Described is how sure Recognise is of a file that is no log, program or script: it only describes it.
const Described event.Confidence = 1

// Format is the format of files that are described.
type Format struct{}

var _ event.Format = Format{}

// Name implements event.Format.
func (Format) Name() string { return "file" }

// Recognise implements event.Format: certain of programs, likely of scripts, Described of anything else.
func (Format) Recognise(head []byte, name string) event.Confidence {
	switch kindOf(head) {
	case "pe", "elf":
		return event.Certain
	}
	if len(head) == 0 {
		return event.No
	}
	if _, sure := languageOf(head, name); sure != event.No {
		return sure
	}
	return Described
}

// kindOf tells programs by their magic numbers.
func kindOf(head []byte) string {
	switch {
	case len(head) >= 64 && bytes.HasPrefix(head, []byte("MZ")):
		at := int64(binary.LittleEndian.Uint32(head[60:]))
		if at+4 > int64(len(head)) && at < MaxDescribed || at+4 <= int64(len(head)) && bytes.Equal(head[at:at+4], []byte("PE\x00\x00")) {
			return "pe"
		}
	case len(head) >= 52 && bytes.HasPrefix(head, []byte("\x7fELF")):
		return "elf"
	}
	return ""
}

// Open implements event.Format.
func (Format) Open(f event.File) (event.Stream, error) { return &stream{file: f}, nil }

// Decoder implements event.Format.
func (Format) Decoder() event.Decoder { return &decoder{builders: map[string]*event.Builder{}} }

type stream struct {
	file event.File
	done bool
}

// digests is what a segment carries. It is immutable.
type digests struct {
	md5    [md5.Size]byte
	sha1   [sha1.Size]byte
	sha256 [sha256.Size]byte
	size   int64
}

// Next implements event.Stream: one segment, the beginning of the file with the digests of all of it, read in one pass.
func (s *stream) Next(ctx context.Context) (*event.Segment, error) {
	if s.done {
		return nil, io.EOF
	}
	s.done = true
	d := &digests{}
	m, h, l := md5.New(), sha1.New(), sha256.New()
	all := io.MultiWriter(m, h, l)
	var data []byte
	room := int64(128 << 10)
	if s.file.Size >= 0 { // many files are small
		room = min(room, s.file.Size+512)
	}
	buf := make([]byte, room)
	most := -1
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		n, err := s.file.Body.Read(buf)
		_, _ = all.Write(buf[:n])
		d.size += int64(n)
		if most < 0 && n > 0 {
			most = maxScript
			if kindOf(buf[:n]) != "" {
				most = MaxDescribed
			}
		}
		if room := most - len(data); room > 0 {
			data = append(data, buf[:min(n, room)]...)
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("read %s at offset %d: %w", s.file.Name, d.size, err)
		}
	}
	m.Sum(d.md5[:0])
	h.Sum(d.sha1[:0])
	l.Sum(d.sha256[:0])
	return &event.Segment{Data: data, State: d, File: &s.file, Record: 1}, nil
}

type decoder struct{ builders map[string]*event.Builder }

// Decode implements event.Decoder.
func (d *decoder) Decode(seg *event.Segment, needs *event.Needs, sink event.Sink) error {
	sums, _ := seg.State.(*digests)
	if sums == nil {
		return fmt.Errorf("decode file: the segment was not cut by this format")
	}
	service := kindOf(seg.Data)
	language, sure := "", event.No
	if service == "" {
		service = "other"
		if language, sure = languageOf(seg.Data[:min(len(seg.Data), 64<<10)], seg.File.Name); sure != event.No {
			service = "script"
		}
	}
	b := d.builders[service]
	if b == nil {
		b = event.NewBuilder(event.Source{Product: "file", Service: service})
		d.builders[service] = b
	}
	b.Reset()
	want := needs.Of(b.Source())
	b.Row(event.NoTime, 0, 1, []byte(seg.File.Hints.Host))
	if !want.Nothing() { // what nobody asks for is not worked out
		fields, faults := describe(seg, sums, service, language)
		for _, f := range faults {
			sink.Damage(event.Damage{Reason: f})
		}
		for _, f := range fields {
			if _, wanted := slices.BinarySearch(want.Fields, f.name); wanted || want.All {
				b.Text(b.Field(f.name), []byte(f.value))
			}
		}
	}
	batch := b.Compact()
	batch.Fetch = func(_ int, rec *event.Record) error {
		fields, _ := describe(seg, sums, service, language)
		for _, f := range fields {
			rec.Add(f.name, event.Text, f.value)
		}
		return nil
	}
	return sink.Batch(batch)
}

type field struct{ name, value string }

type description struct {
	fields []field
	faults []string
}

func (d *description) add(name, value string) {
	if value != "" {
		d.fields = append(d.fields, field{name, strings.ToValidUTF8(value, "\ufffd")})
	}
}

// describe gives all that is known of a file.
func describe(seg *event.Segment, sums *digests, service, language string) ([]field, []string) {
	d := &description{}
	shown := strings.ReplaceAll(seg.File.Name, "!", "/")
	d.add("name", path.Base(shown))
	d.add("path", seg.File.Name)
	d.add("size", strconv.FormatInt(sums.size, 10))
	d.add("md5", fmt.Sprintf("%x", sums.md5))
	d.add("sha1", fmt.Sprintf("%x", sums.sha1))
	d.add("sha256", fmt.Sprintf("%x", sums.sha256))
	if strings.Contains(seg.File.Name, "!") && !seg.File.ModTime.IsZero() { // archives keep it; a copy on disk has its own
		d.add("modified", seg.File.ModTime.UTC().Format(time.RFC3339))
	}
	switch service {
	case "pe":
		d.pe(seg.Data)
	case "elf":
		d.elf(seg.Data)
	case "script":
		d.add("language", language)
		for _, s := range suspicious(seg.Data, language) {
			d.add("suspicious", s)
		}
	default:
		d.add("entropy", decimal(entropy(seg.Data)))
	}
	return d.fields, d.faults
}

// guard turns a fault of a parser that hostile bytes found into a note beside what was found before.
func (d *description) guard(what string) {
	if fault := recover(); fault != nil {
		d.faults = append(d.faults, fmt.Sprintf("the %s headers cannot be read further: the parser failed", what))
	}
}

// entropy is Shannon's, in bits per byte.
func entropy(b []byte) float64 {
	if len(b) == 0 {
		return 0
	}
	var counts [256]int
	for _, c := range b {
		counts[c]++
	}
	sum := 0.0
	for _, n := range counts {
		if n > 0 {
			p := float64(n) / float64(len(b))
			sum -= p * math.Log2(p)
		}
	}
	return sum
}

func decimal(f float64) string { return strconv.FormatFloat(f, 'f', 2, 64) }
