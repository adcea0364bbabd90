package evidence

import (
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"time"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/evidence/archive"
)

const (
	sniffBytes = 64 << 10
	// maxLayers bounds compressions around one file: log.gz.xz.
	maxLayers = 4
)

// File is a file of evidence being read, on disk or in an archive: recognised, unpacked where it was compressed, and hashed as it
// goes by. One goroutine uses it at a time.
type File struct {
	Org  string
	Name string // relative to the evidence root, "/"-separated, "!" before a path inside an archive
	// Renamed is what an archive calls the member, quoted, where that cannot be shown: an absolute path, "..", control characters.
	Renamed string
	Size    int64 // of the bytes as they lie there; what an archive claims until Finish
	// Format reads the file; nil when nothing does.
	Format event.Format
	// Why says, when the file is no log of a known format, what it seems to be; it may be described by Format all the same.
	Why string
	// Lost tells, of such a file, that evidence was there and could not be read.
	Lost bool
	// NotRead names an artefact that matters and is not read by this version.
	NotRead string
	// Archive is the kind of archive that the file is, whose members come as files of their own.
	Archive archive.Kind
	// Members counts them.
	Members int
	// Collection is what an archive's layout and name say of its members.
	Collection Collection
	// Custody is what sources.yaml says of who handed the file over.
	Custody string

	modTime time.Time
	hashed  *hashReader
	layers  []*tolerantReader // from the file's own bytes to what the format reads
	body    *bufio.Reader
	stream  event.Stream
	damage  []event.Damage
	more    int // damage beyond maxDamage
	closed  bool
	reading *Reading
	buffers []*bufio.Reader // given back to the reading at the end: an archive can have a million members
}

// maxDamage bounds the places told of one archive.
const maxDamage = 1000

// begin looks at a file's first bytes and undoes compression.
func (r *Reading) begin(f *File, body io.Reader) error {
	f.hashed = &hashReader{from: body, sum: sha256.New()}
	raw := &tolerantReader{from: f.hashed, reason: func(err error) string { return Reason(err) }}
	if r.depth() == 0 {
		raw.reason = func(err error) string { return "cannot be read further: " + Reason(err) }
	}
	f.layers = append(f.layers, raw)
	f.body = r.buffer(f, raw)
	for {
		head, err := f.body.Peek(archive.HeadBytes)
		if err != nil && err != io.EOF {
			return err
		}
		kind := archive.Detect(head)
		if !kind.Compressed() || len(f.layers) > maxLayers {
			f.Archive = kind
			if kind.Compressed() {
				f.Archive = ""
			}
			return nil
		}
		out, err := archive.Unpack(kind, f.body, r.meter)
		if err != nil {
			f.Why, f.Lost = string(kind)+" data that cannot be unpacked: "+err.Error(), true
			return nil
		}
		f.layers = append(f.layers, &tolerantReader{from: out, reason: func(err error) string { return archive.Reason(kind, err) }})
		f.body = r.buffer(f, f.layers[len(f.layers)-1])
	}
}

// recognise finds the format that reads the file.
func (r *Reading) recognise(f *File) error {
	head, err := f.body.Peek(sniffBytes)
	if err != nil && err != io.EOF {
		return err
	}
	set := r.options.Sources.Of(r.item.Org).For(f.Name)
	hints := r.hints(f, set)
	f.Custody = set.Custody
	if len(r.options.Formats) == 0 { // the bytes are wanted as they are
		f.NotRead = artefact(head, f.Name)
		return nil
	}
	if set.Format != "" {
		for _, x := range r.options.Formats {
			if x.Name() == set.Format {
				f.Format = x
			}
		}
		if f.Format == nil {
			f.Why, f.Lost = fmt.Sprintf("sources.yaml says format %q, which is not known", set.Format), true
			return nil
		}
	} else {
		sure := event.No
		for _, x := range r.options.Formats {
			if c := x.Recognise(head, f.Name); c > sure {
				f.Format, sure = x, c
			}
		}
		if sure < event.Possible { // nobody reads it as a log; it may be described
			if f.NotRead = artefact(head, f.Name); f.NotRead != "" {
				f.Format = nil
				return nil
			}
			f.Why, f.Lost = describe(head, f.Name)
		}
	}
	if f.Format == nil {
		return nil
	}
	size := f.Size
	if len(f.layers) > 1 {
		size = -1
	}
	f.stream, err = f.Format.Open(event.File{Name: f.Name, Size: size, Body: f.body, ModTime: f.modTime, Hints: hints})
	if err != nil {
		f.Why = fmt.Sprintf("looks like %s, but: %v", f.Format.Name(), err)
		f.Format, f.Lost = nil, true
	}
	return nil
}

// Next gives the next segment, io.EOF after the last.
func (f *File) Next(ctx context.Context) (*event.Segment, error) {
	if f.stream == nil {
		return nil, io.EOF
	}
	return f.stream.Next(ctx)
}

// Content gives the bytes of a file that no format reads, unpacked where they are compressed; nil when there are none. For use before
// Finish, instead of Next.
func (f *File) Content() io.Reader {
	if f.stream != nil || f.body == nil || f.closed {
		return nil
	}
	return f.body
}

// Offset tells how many bytes of the file were read so far.
func (f *File) Offset() int64 {
	if f.hashed == nil {
		return 0
	}
	return f.hashed.n
}

// Finish reads what nobody read and gives the digest of all the file's bytes and the damage met on the way: the file that could
// not be read to its end, the compressed stream that broke off. A member that could not be opened has no digest.
func (f *File) Finish() (digest string, damage []event.Damage, err error) {
	if f.closed {
		return "", nil, errors.New("finish evidence: called twice")
	}
	f.closed = true
	f.stream = nil
	if f.reading != nil {
		defer f.reading.takeBack(f)
	}
	if f.hashed == nil {
		return "", f.told(), nil
	}
	for i := len(f.layers) - 1; i >= 0; i-- {
		if i == 0 { // what follows a broken compressed stream still belongs to the digest
			_, _ = io.Copy(io.Discard, f.layers[0])
		}
		if l := f.layers[i]; l.err != nil {
			f.tell(event.Damage{Offset: uint64(l.n), Reason: l.reason(l.err)})
		}
	}
	f.Size = max(f.Size, f.hashed.n)
	if f.layers[0].err == nil {
		f.Size = f.hashed.n
	}
	return fmt.Sprintf("%x", f.hashed.sum.Sum(nil)), f.told(), nil
}

func (f *File) tell(d event.Damage) {
	if len(f.damage) == maxDamage {
		f.more++
		return
	}
	f.damage = append(f.damage, d)
}

func (f *File) told() []event.Damage {
	if f.more > 0 {
		f.damage = append(f.damage, event.Damage{Reason: fmt.Sprintf("%d more places of the archive are damaged", f.more)})
		f.more = 0
	}
	return f.damage
}

type hashReader struct {
	from io.Reader
	sum  hash.Hash
	n    int64
}

func (h *hashReader) Read(p []byte) (int, error) {
	n, err := h.from.Read(p)
	h.sum.Write(p[:n])
	h.n += int64(n)
	return n, err
}

// tolerantReader ends where its source fails and keeps the failure, so that a format reads what there is and the loss
// is told once, with its place.
type tolerantReader struct {
	from   io.Reader
	reason func(error) string
	n      int64
	err    error
}

func (t *tolerantReader) Read(p []byte) (int, error) {
	if t.err != nil {
		return 0, io.EOF
	}
	n, err := t.from.Read(p)
	t.n += int64(n)
	if err != nil && err != io.EOF {
		t.err, err = err, io.EOF
	}
	return n, err
}
