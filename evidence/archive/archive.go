// Package archive reads containers: compressed streams, and archives of many files.
//
// It gives the members of an archive as streams, one after another, and unpacks nothing to a path: names are only shown, so an
// absolute name or one with ".." leads nowhere. What a hostile archive could make grow is bounded by Limits; a bomb, a member that
// cannot be decrypted and an archive that lies about itself are told in words, and what could be read is read. It executes
// nothing, follows no link inside an archive, and repairs nothing.
package archive

import (
	"bytes"
	"fmt"
	"io"
	"path"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// Kind is a kind of container, "" for none.
type Kind string

const (
	Gzip  Kind = "gzip"
	Bzip2 Kind = "bzip2"
	XZ    Kind = "xz"
	Zstd  Kind = "zstd"
	LZ4   Kind = "lz4"

	Tar      Kind = "tar"
	Zip      Kind = "zip"
	SevenZip Kind = "7z"
	RAR      Kind = "rar"
)

// HeadBytes is how much of a file's beginning Detect wants to see.
const HeadBytes = 512

// Compressed says whether the kind is one compressed stream, not an archive of members.
func (k Kind) Compressed() bool {
	switch k {
	case Gzip, Bzip2, XZ, Zstd, LZ4:
		return true
	}
	return false
}

// Random says whether an archive of the kind can only be read with access to any place in it.
func (k Kind) Random() bool { return k == Zip || k == SevenZip || k == RAR }

// Detect tells the kind of container from the beginning of a file.
func Detect(head []byte) Kind {
	for _, m := range []struct {
		magic string
		kind  Kind
	}{
		{"\x1f\x8b\x08", Gzip},
		{"\xfd7zXZ\x00", XZ},
		{"\x28\xb5\x2f\xfd", Zstd},
		{"\x04\x22\x4d\x18", LZ4},
		{"PK\x03\x04", Zip},
		{"PK\x05\x06", Zip},
		{"PK\x07\x08PK\x03\x04", Zip},
		{"7z\xbc\xaf\x27\x1c", SevenZip},
		{"Rar!\x1a\x07\x00", RAR},
		{"Rar!\x1a\x07\x01\x00", RAR},
	} {
		if bytes.HasPrefix(head, []byte(m.magic)) {
			return m.kind
		}
	}
	if len(head) >= 10 && bytes.HasPrefix(head, []byte("BZh")) && head[3] >= '1' && head[3] <= '9' &&
		(bytes.Equal(head[4:10], []byte("1AY&SY")) || bytes.Equal(head[4:10], []byte("\x17\x72\x45\x38\x50\x90"))) {
		return Bzip2
	}
	if isTar(head) {
		return Tar
	}
	return ""
}

// Member is a file in an archive.
type Member struct {
	Name    string    // for display: "/"-separated, without root, "." and ".."
	Renamed string    // the name as the archive has it, quoted, where it is not Name
	Size    int64     // as the archive claims; -1 when it does not say
	ModTime time.Time // zero when unknown
	Body    io.Reader // until the next call of Next; nil when the member cannot be read
	Lost    string    // why Body is nil
}

// A Reader gives the members of an archive in the order in which they lie there or are listed.
type Reader interface {
	// Next gives the next member, io.EOF after the last. Any other error is a *Damage, after which Next may be called again.
	Next() (*Member, error)
}

// Damage is a place of an archive that could not be read as its format says. What can still be read comes after it.
type Damage struct {
	Offset uint64
	Reason string
}

func (d *Damage) Error() string { return d.Reason }

// Options are what opening an archive needs to know.
type Options struct {
	// Passwords are tried in order; "infected" is tried always.
	Passwords []string
	Meter     *Meter
}

func (o *Options) passwords() []string {
	return append(append([]string(nil), o.Passwords...), "infected")
}

// Limits bound what one file of evidence can be unpacked to. A limit of 0 stands for its default.
type Limits struct {
	Depth   int   // archives within archives; 8
	Members int   // files in all archives of one file; 1,000,000
	Ratio   int64 // bytes out for each byte in, beyond Grace; 500
	Grace   int64 // bytes that any stream may give, whatever its ratio; 256 MiB
	Total   int64 // bytes unpacked from one file, at every depth counted; 4 TiB
	Memory  int64 // bytes of an archive within an archive that are held in memory, beyond which a nameless temporary file is used; 32 MiB
}

// WithDefaults fills in what is 0.
func (l Limits) WithDefaults() Limits {
	set := func(to *int64, value int64) {
		if *to <= 0 {
			*to = value
		}
	}
	if l.Depth <= 0 {
		l.Depth = 8
	}
	if l.Members <= 0 {
		l.Members = 1_000_000
	}
	set(&l.Ratio, 500)
	set(&l.Grace, 256<<20)
	set(&l.Total, 4<<40)
	set(&l.Memory, 32<<20)
	return l
}

// Meter counts what is unpacked from one file of evidence and stops at the limits. One goroutine uses it at a time.
type Meter struct {
	Limits  Limits
	total   int64 // what may be unpacked altogether
	used    int64
	members int
}

// NewMeter begins to count for a file of the given size in bytes. All that is unpacked from it may be Ratio times its size and
// never more than Total; a small file may give four times Grace.
func NewMeter(l Limits, size int64) *Meter {
	l = l.WithDefaults()
	total := l.Total
	if size >= 0 && size < l.Total/l.Ratio {
		total = min(l.Total, max(4*l.Grace, l.Ratio*size))
	}
	return &Meter{Limits: l, total: total}
}

// LimitError tells that a limit was reached: what came before was read.
type LimitError struct{ reason string }

func (e *LimitError) Error() string { return e.reason }

// member counts one more member.
func (m *Meter) member() error {
	if m.members++; m.members > m.Limits.Members {
		return &LimitError{fmt.Sprintf("more than %d members: the rest is not read", m.Limits.Members)}
	}
	return nil
}

// unpacked bounds what is unpacked from packed.
func (m *Meter) unpacked(out io.Reader, packed *counter) io.Reader {
	return &metered{from: out, packed: packed, meter: m}
}

type metered struct {
	from   io.Reader
	packed *counter
	meter  *Meter
	n      int64
}

func (r *metered) Read(p []byte) (int, error) {
	m := r.meter
	room := m.total - m.used
	if room <= 0 {
		return 0, &LimitError{fmt.Sprintf("more than %d bytes unpacked from one file, which is a bomb or nearly one: not unpacked further", m.total)}
	}
	if r.n > m.Limits.Grace && r.n/m.Limits.Ratio > r.packed.n {
		return 0, &LimitError{fmt.Sprintf("%d bytes unpacked from %d, more than %d for one, which is a bomb: not unpacked further", r.n, r.packed.n, m.Limits.Ratio)}
	}
	if int64(len(p)) > room {
		p = p[:room]
	}
	n, err := r.from.Read(p)
	r.n += int64(n)
	m.used += int64(n)
	return n, err
}

// counter counts what is read through it.
type counter struct {
	from io.Reader
	n    int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.from.Read(p)
	c.n += int64(n)
	return n, err
}

// maxName bounds names that are shown.
const maxName = 1024

// clean makes a name that can be shown and means no place: renamed is the original, quoted, when that changed anything but
// separators of Windows.
func clean(name string) (shown, renamed string) {
	text := name
	if !utf8.ValidString(text) {
		text, _ = charmap.CodePage437.NewDecoder().String(text)
	}
	changed := false
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
			changed = true
			return utf8.RuneError
		}
		return r
	}, text)
	text = strings.ReplaceAll(text, `\`, "/")
	if strings.HasPrefix(text, "/") {
		changed = true
	}
	for part := range strings.SplitSeq(text, "/") {
		if part == ".." {
			changed = true
		}
	}
	// Rooting the name first keeps Clean from leaving "..".
	text = strings.TrimPrefix(path.Clean("/"+text), "/")
	if text == "" {
		text, changed = "unnamed", true
	}
	if len(text) > maxName {
		text, changed = strings.ToValidUTF8(text[:maxName], "")+"…", true
	}
	if changed {
		if len(name) > maxName {
			name = name[:maxName]
		}
		renamed = fmt.Sprintf("%q", name)
	}
	return text, renamed
}

// shield turns a panic of a library that hostile bytes found into an error.
func shield(what string, err *error) {
	if fault := recover(); fault != nil {
		*err = fmt.Errorf("%s: the reader failed: %v", what, fault)
	}
}

type shielded struct {
	what string
	from io.Reader
}

func (s *shielded) Read(p []byte) (n int, err error) {
	defer shield(s.what, &err)
	return s.from.Read(p)
}
