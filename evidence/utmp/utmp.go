// Package utmp reads the binary login records of Linux: wtmp, btmp and utmp, and lastlog.
//
// It promises every record that is not empty, as an event, in the order of the file. Records of x86 (32 and 64 bit, whose times are 32
// bits wide) have 384 bytes, those of aarch64 and others with a time of 64 bits 400. A file that was cut off or overwritten costs the
// records that are damaged. It does not decide what a login means.
package utmp

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net/netip"
	"path"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/contrail-ir/contrail/event"
)

const (
	narrow = 384
	wide   = 400
	// lastlog has a time of four or eight bytes, 32 of line and 256 of host.
	lastlogNarrow = 292
	lastlogWide   = 296

	segmentRecords = 512
)

// Format is the format of utmp, wtmp and btmp.
type Format struct{}

// Lastlog is the format of lastlog, in which the place of a record is the number of the user.
type Lastlog struct{}

var (
	_ event.Format = Format{}
	_ event.Format = Lastlog{}
)

// Name implements event.Format.
func (Format) Name() string { return "utmp" }

// Name implements event.Format.
func (Lastlog) Name() string { return "lastlog" }

// Recognise implements event.Format. The records have no magic number: all of the first ones must be well formed.
func (Format) Recognise(head []byte, name string) event.Confidence {
	n, filled := sizeOf(head)
	if n == 0 {
		return event.No
	}
	if base := serviceOf(name); base != "utmp" || strings.Contains(path.Base(name), "utmp") {
		return event.Certain
	}
	if filled < 3 {
		return event.Possible
	}
	return event.Likely
}

// sizeOf gives the size of records whose beginnings are well formed, 0 when there is none, and how many of them are filled.
func sizeOf(head []byte) (size, filled int) {
	for _, n := range []int{narrow, wide} {
		if len(head) < n {
			continue
		}
		good, some := true, 0
		for at := 0; good && at+n <= len(head); at += n {
			r := head[at : at+n]
			if len(bytes.Trim(r, "\x00")) == 0 {
				continue
			}
			good = plausible(r)
			some++
		}
		if good && some > 0 {
			return n, some
		}
	}
	return 0, 0
}

func plausible(r []byte) bool {
	kind := binary.LittleEndian.Uint16(r)
	if kind > 9 || r[2] != 0 || r[3] != 0 {
		return false
	}
	for _, f := range [][]byte{r[8:40], r[44:76], r[76:332]} {
		if !isText(f) {
			return false
		}
	}
	sec, micro := moment(r)
	return sec >= 0 && sec < 1<<33 && micro >= 0 && micro < 1_000_000 && (kind == 0 || sec > 0) && len(bytes.Trim(r[len(r)-20:], "\x00")) == 0
}

// isText says whether a field holds text that zeros end; what stands behind them is left from earlier records.
func isText(f []byte) bool {
	if i := bytes.IndexByte(f, 0); i >= 0 {
		f = f[:i]
	}
	for _, b := range f {
		if b < ' ' || b == 0x7f {
			return false
		}
	}
	return utf8.Valid(f)
}

func moment(r []byte) (sec, micro int64) {
	if len(r) == wide {
		return int64(binary.LittleEndian.Uint64(r[344:])), int64(binary.LittleEndian.Uint64(r[352:]))
	}
	return int64(binary.LittleEndian.Uint32(r[340:])), int64(int32(binary.LittleEndian.Uint32(r[344:])))
}

// Recognise implements event.Format. Lastlog says little about itself, so its name must speak for it.
func (Lastlog) Recognise(head []byte, name string) event.Confidence {
	if !strings.HasPrefix(path.Base(name[strings.LastIndexByte(name, '!')+1:]), "lastlog") || lastlogSizeOf(head) == 0 {
		return event.No
	}
	return event.Certain
}

// lastlogSizeOf gives the size of records that are all well formed, the one in which fewer bytes stand where they do not belong; 0
// when there is none.
func lastlogSizeOf(head []byte) int {
	for _, n := range []int{lastlogNarrow, lastlogWide} {
		good := len(head) >= n
		for at := 0; good && at+n <= len(head); at += n {
			good = plausibleLastlog(head[at : at+n])
		}
		if good {
			return n
		}
	}
	return 0
}

func plausibleLastlog(r []byte) bool {
	at := len(r) - 288
	sec := lastlogTime(r)
	line := r[at : at+32]
	return isPadded(line) && isPadded(r[at+32:]) && sec < 1<<33 && (sec > 1e8 || len(bytes.Trim(r, "\x00")) == 0)
}

// isPadded says whether a field holds text and then only zeros, as whoever writes lastlog leaves it.
func isPadded(f []byte) bool {
	text := bytes.TrimRight(f, "\x00")
	return bytes.IndexByte(text, 0) < 0 && isText(text)
}

func lastlogTime(r []byte) uint64 {
	if len(r) == lastlogWide {
		return binary.LittleEndian.Uint64(r)
	}
	return uint64(binary.LittleEndian.Uint32(r))
}

// serviceOf gives which of the files it is, by its name: content is the same.
func serviceOf(name string) string {
	base := path.Base(name[strings.LastIndexByte(name, '!')+1:])
	for _, s := range []string{"wtmp", "btmp"} {
		if strings.Contains(base, s) {
			return s
		}
	}
	return "utmp"
}

// Open implements event.Format.
func (Format) Open(f event.File) (event.Stream, error) {
	return open(f, serviceOf(f.Name))
}

// Open implements event.Format.
func (Lastlog) Open(f event.File) (event.Stream, error) { return open(f, "lastlog") }

// Decoder implements event.Format.
func (Format) Decoder() event.Decoder { return newDecoder() }

// Decoder implements event.Format.
func (Lastlog) Decoder() event.Decoder { return newDecoder() }

func open(f event.File, service string) (event.Stream, error) {
	head := make([]byte, 64<<10)
	n, err := io.ReadFull(f.Body, head)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return nil, fmt.Errorf("open %s: %w", f.Name, err)
	}
	f.Body = io.MultiReader(bytes.NewReader(head[:n]), f.Body)
	// When sources.yaml says that it is one, what fits is read.
	size, sizes := 0, [2]int{narrow, wide}
	if service == "lastlog" {
		size, sizes = lastlogSizeOf(head[:n]), [2]int{lastlogNarrow, lastlogWide}
	} else {
		size, _ = sizeOf(head[:n])
	}
	if size == 0 || len(bytes.Trim(head[:n], "\x00")) == 0 {
		if size = sizes[0]; f.Size > 0 && f.Size%int64(sizes[0]) != 0 && f.Size%int64(sizes[1]) == 0 {
			size = sizes[1]
		}
	}
	return &stream{file: f, size: size, service: service}, nil
}

type stream struct {
	file    event.File
	size    int
	service string
	record  uint64
	offset  uint64
	ended   bool
}

// cut says what a segment holds. It is immutable.
type cut struct {
	size    int
	service string
}

// Next implements event.Stream. Stretches of zeros, which make up most of a lastlog, are passed over.
func (s *stream) Next(ctx context.Context) (*event.Segment, error) {
	for !s.ended {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		buf := make([]byte, segmentRecords*s.size)
		n, err := io.ReadFull(s.file.Body, buf)
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			s.ended, err = true, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read %s at offset %d: %w", s.file.Name, s.offset, err)
		}
		seg := &event.Segment{Data: buf[:n], Offset: s.offset, Record: s.record, File: &s.file, State: &cut{s.size, s.service}}
		s.offset += uint64(n)
		s.record += uint64(n / s.size)
		if rest := n % s.size; rest != 0 {
			seg.Damage = append(seg.Damage, event.Damage{Offset: s.offset - uint64(rest), Reason: fmt.Sprintf("the last record has %d bytes of %d: cut off", rest, s.size)})
			seg.Data = buf[:n-rest]
		}
		if len(bytes.Trim(seg.Data, "\x00")) > 0 || len(seg.Damage) > 0 {
			return seg, nil
		}
	}
	return nil, io.EOF
}

type decoder struct {
	builders map[string]*event.Builder
	rows     []int
}

func newDecoder() event.Decoder { return &decoder{builders: map[string]*event.Builder{}} }

// types are the names of ut_type in utmp.h.
var types = [...]string{"EMPTY", "RUN_LVL", "BOOT_TIME", "NEW_TIME", "OLD_TIME", "INIT_PROCESS", "LOGIN_PROCESS", "USER_PROCESS", "DEAD_PROCESS", "ACCOUNTING"}

// Decode implements event.Decoder.
func (d *decoder) Decode(seg *event.Segment, needs *event.Needs, sink event.Sink) error {
	state, _ := seg.State.(*cut)
	if state == nil {
		return fmt.Errorf("decode utmp: the segment was not cut by this format")
	}
	for _, x := range seg.Damage {
		sink.Damage(x)
	}
	b := d.builders[state.service]
	if b == nil {
		b = event.NewBuilder(event.Source{Product: "linux", Service: state.service})
		d.builders[state.service] = b
	}
	b.Reset()
	d.rows = d.rows[:0]
	want := needs.Of(b.Source())
	fields := map[string]bool{}
	for _, f := range want.Fields {
		fields[f] = true
	}
	host := []byte(seg.File.Hints.Host)
	for i := 0; (i+1)*state.size <= len(seg.Data); i++ {
		r := seg.Data[i*state.size : (i+1)*state.size]
		offset := seg.Offset + uint64(i*state.size)
		ns, values, err := record(r, seg.Record+uint64(i), state.service)
		if err != nil {
			sink.Damage(event.Damage{Offset: offset, Reason: err.Error()})
			continue
		}
		if values == nil {
			continue
		}
		ns = shift(ns, int64(seg.File.Hints.Offset))
		if !needs.Covers(ns) {
			continue
		}
		b.Row(ns, offset, seg.Record+uint64(i)+1, host)
		d.rows = append(d.rows, i)
		for _, v := range values {
			if want.All || fields[v.name] {
				b.Text(b.Field(v.name), []byte(v.value))
			}
		}
	}
	if b.Rows() == 0 {
		return nil
	}
	batch := b.Compact()
	batch.Fetch = func(row int, rec *event.Record) error {
		if row < 0 || row >= len(d.rows) {
			return fmt.Errorf("fetch row %d of %d", row, len(d.rows))
		}
		i := d.rows[row]
		_, values, _ := record(seg.Data[i*state.size:(i+1)*state.size], seg.Record+uint64(i), state.service)
		for _, v := range values {
			rec.Add(v.name, event.Text, v.value)
		}
		return nil
	}
	return sink.Batch(batch)
}

type value struct{ name, value string }

// record reads one record; no values when it is empty.
func record(r []byte, number uint64, service string) (ns int64, values []value, err error) {
	if len(bytes.Trim(r, "\x00")) == 0 {
		return event.NoTime, nil, nil
	}
	add := func(name, v string) {
		if v != "" {
			values = append(values, value{name, v})
		}
	}
	if service == "lastlog" {
		if !plausibleLastlog(r) {
			return 0, nil, fmt.Errorf("record %d is not well formed", number)
		}
		at := len(r) - 288
		add("uid", strconv.FormatUint(number, 10))
		add("line", text(r[at:at+32]))
		add("host", text(r[at+32:]))
		return int64(lastlogTime(r)) * 1e9, values, nil
	}
	if !plausible(r) {
		return 0, nil, fmt.Errorf("record %d is not well formed", number)
	}
	add("type", types[binary.LittleEndian.Uint16(r)])
	add("pid", strconv.Itoa(int(int32(binary.LittleEndian.Uint32(r[4:])))))
	add("line", text(r[8:40]))
	add("id", text(r[40:44]))
	add("user", text(r[44:76]))
	add("host", text(r[76:332]))
	add("session", strconv.Itoa(int(int32(binary.LittleEndian.Uint32(r[336:])))))
	address := r[348:364]
	if len(r) == wide {
		address = r[360:376]
	}
	if a := addressOf(address); a.IsValid() {
		add("addr", a.String())
	}
	sec, micro := moment(r)
	if sec == 0 {
		return event.NoTime, values, nil
	}
	return sec*1e9 + micro*1e3, values, nil
}

// addressOf reads ut_addr_v6: an IPv4 address stands in its first four bytes.
func addressOf(b []byte) netip.Addr {
	if len(bytes.Trim(b, "\x00")) == 0 {
		return netip.Addr{}
	}
	if len(bytes.Trim(b[4:], "\x00")) == 0 {
		return netip.AddrFrom4([4]byte(b[:4]))
	}
	return netip.AddrFrom16([16]byte(b)).Unmap()
}

func text(f []byte) string {
	if i := bytes.IndexByte(f, 0); i >= 0 {
		f = f[:i]
	}
	return string(f)
}

// shift adds the clock offset; a time that leaves the range is no time.
func shift(ns, by int64) int64 {
	sum := ns + by
	if ns == event.NoTime || by > 0 && sum < ns || by < 0 && sum > ns {
		return event.NoTime
	}
	return sum
}
