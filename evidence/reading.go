package evidence

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/zeebo/xxh3"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/evidence/archive"
)

// Options say how evidence is opened.
type Options struct {
	Formats []event.Format
	// Slack also reads records from slack space, marked recovered.
	Slack bool
	// Sources is what sources.yaml says; nil for nothing.
	Sources *Sources
	// Collections are those that Walk's items lie in; nil for none.
	Collections *Collections
	// Passwords are tried on encrypted archives, and "infected" always.
	Passwords []string
	Limits    archive.Limits
	// TempDir is where an archive within an archive lies, without a name, when it is too large for memory; "" for the system's.
	TempDir string
}

// Reading gives the files of one item of evidence in a fixed order: the item itself, or, when it is an archive, its members, those
// of archives within it among them, each archive itself after its members. One goroutine uses it at a time.
type Reading struct {
	item    Item
	options Options
	disk    *os.File
	meter   *archive.Meter
	begun   bool
	stack   []*container // archives that are open, the innermost last
	root    *File
	spare   []*bufio.Reader
}

// container is an archive under way.
type container struct {
	file    *File
	members archive.Reader
	names   map[uint64]int // how often a name was met, by its hash
	temp    io.Closer
	within  Collection // what the archive's layout says of its members
}

// Open begins to read an item. The error is of the file system.
func Open(item Item, o Options) (*Reading, error) {
	disk, err := os.Open(item.Path)
	if err != nil {
		return nil, fmt.Errorf("open evidence: %w", err)
	}
	return &Reading{item: item, options: o, disk: disk, meter: archive.NewMeter(o.Limits, item.Size)}, nil
}

func (r *Reading) depth() int { return len(r.stack) }

// Next gives the next file, io.EOF after the last. The file before must be finished. An error is of the file system.
func (r *Reading) Next(ctx context.Context) (*File, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if !r.begun {
			r.begun = true
			f := &File{Org: r.options.Sources.Of(r.item.Org).For(r.item.Name).org(r.item.Org), Name: r.item.Name, Size: r.item.Size, modTime: r.item.ModTime}
			r.root = f
			if given, err := r.enter(f, r.disk); err != nil || given {
				return f, err
			}
			continue
		}
		if len(r.stack) == 0 {
			return nil, io.EOF
		}
		top := r.stack[len(r.stack)-1]
		m, err := top.members.Next()
		var damage *archive.Damage
		switch {
		case errors.Is(err, io.EOF):
			r.leave()
			return top.file, nil
		case errors.As(err, &damage):
			top.file.tell(event.Damage{Offset: damage.Offset, Reason: damage.Reason})
			continue
		case err != nil:
			top.file.tell(event.Damage{Offset: uint64(top.file.Offset()), Reason: err.Error()})
			r.leave()
			return top.file, nil
		}
		top.file.Members++
		f := r.memberFile(top, m)
		if m.Body == nil {
			f.Why, f.Lost = m.Lost, true
			return f, nil
		}
		if given, err := r.enter(f, m.Body); err != nil || given {
			return f, err
		}
	}
}

// memberFile names a member.
func (r *Reading) memberFile(in *container, m *archive.Member) *File {
	name := m.Name
	key := xxh3.HashString(name)
	for n := in.names[key]; n > 0; n = in.names[key] { // two members of one name must be told apart
		in.names[key]++
		name = fmt.Sprintf("%s~%d", m.Name, n+1)
		key = xxh3.HashString(name)
	}
	in.names[key]++
	f := &File{Name: in.file.Name + "!" + name, Renamed: m.Renamed, Size: m.Size, modTime: m.ModTime}
	f.Org = r.options.Sources.Of(r.item.Org).For(f.Name).org(in.file.Org)
	return f
}

// enter begins a file. It is given out, unless it is an archive whose members come first.
func (r *Reading) enter(f *File, body io.Reader) (given bool, err error) {
	if err := r.begin(f, body); err != nil {
		return false, err
	}
	if f.Why != "" {
		return true, nil
	}
	if f.Archive == "" {
		return true, r.recognise(f)
	}
	if len(r.stack) >= r.meter.Limits.Depth {
		f.Why, f.Lost = fmt.Sprintf("%s archive within %d archives: not unpacked further", f.Archive, len(r.stack)), true
		f.Archive = ""
		return true, nil
	}
	c := &container{file: f, names: map[uint64]int{}}
	options := archive.Options{Passwords: r.options.Passwords, Meter: r.meter}
	if !f.Archive.Random() {
		c.members = archive.NewTar(f.body, options)
		c.within = byName(f.Name)
		f.Collection = c.within
		r.stack = append(r.stack, c)
		return false, nil
	}
	at, size, temp, err := r.random(f)
	if err != nil {
		f.Why, f.Lost = fmt.Sprintf("%s archive that cannot be held: %v", f.Archive, err), true
		f.Archive = ""
		return true, nil
	}
	c.temp = temp
	c.within = byName(f.Name)
	switch f.Archive {
	case archive.Zip:
		c.within = zipLayout(f.Name, at, size, options)
		c.members = archive.NewZip(at, size, options)
	case archive.SevenZip:
		c.members = archive.NewSevenZip(at, size, options)
	case archive.RAR:
		c.members = archive.NewRAR(at, size, options)
	}
	f.Collection = c.within
	r.stack = append(r.stack, c)
	return false, nil
}

// random gives access to any place of an archive: on disk by itself, else in memory or, beyond a bound, in a temporary file that
// has no name any more.
func (r *Reading) random(f *File) (at io.ReaderAt, size int64, temp io.Closer, err error) {
	if len(r.stack) == 0 && len(f.layers) == 1 {
		info, err := r.disk.Stat()
		if err != nil {
			return nil, 0, nil, err
		}
		return r.disk, info.Size(), nil, nil
	}
	var held bytes.Buffer
	n, err := io.CopyN(&held, f.body, r.meter.Limits.Memory)
	if err == io.EOF {
		return bytes.NewReader(held.Bytes()), n, nil, nil
	}
	if err != nil {
		return nil, 0, nil, err
	}
	file, err := os.CreateTemp(r.options.TempDir, "contrail-archive-")
	if err != nil {
		return nil, 0, nil, err
	}
	t := &nameless{file}
	if os.Remove(file.Name()) == nil {
		t.File = file
	}
	if _, err = file.Write(held.Bytes()); err == nil {
		var more int64
		if more, err = io.Copy(file, f.body); err == nil {
			return file, n + more, t, nil
		}
	}
	return nil, 0, nil, errors.Join(err, t.Close())
}

// nameless is a temporary file that was removed when it was made, or is when it is closed on systems that keep open files.
type nameless struct{ *os.File }

func (t *nameless) Close() error {
	err := t.File.Close()
	if gone := os.Remove(t.Name()); gone != nil && !errors.Is(gone, os.ErrNotExist) {
		return errors.Join(err, gone)
	}
	return err
}

// buffer gives a buffered reader of a file's layer.
func (r *Reading) buffer(f *File, from io.Reader) *bufio.Reader {
	f.reading = r
	var b *bufio.Reader
	if n := len(r.spare); n > 0 {
		b, r.spare = r.spare[n-1], r.spare[:n-1]
		b.Reset(from)
	} else {
		b = bufio.NewReaderSize(from, sniffBytes)
	}
	f.buffers = append(f.buffers, b)
	return b
}

func (r *Reading) takeBack(f *File) {
	for _, b := range f.buffers {
		b.Reset(nil)
	}
	r.spare = append(r.spare, f.buffers...)
	f.buffers, f.body, f.layers, f.reading = nil, nil, nil, nil
}

// leave ends the innermost archive, which is given out as a file of its own.
func (r *Reading) leave() {
	c := r.stack[len(r.stack)-1]
	r.stack = r.stack[:len(r.stack)-1]
	if c.temp != nil {
		if err := c.temp.Close(); err != nil {
			c.file.tell(event.Damage{Reason: "the temporary file of the archive: " + Reason(err)})
		}
		c.temp = nil
	}
}

// BytesRead tells how many bytes of the item were read so far, for progress; of an archive that is read at random none until its
// end.
func (r *Reading) BytesRead() int64 {
	if r.root == nil {
		return 0
	}
	return r.root.Offset()
}

// Close ends reading. It can be called at any time, once.
func (r *Reading) Close() error {
	for len(r.stack) > 0 {
		r.leave()
	}
	return r.disk.Close()
}

// hints joins what is known of a file from outside: sources.yaml before the layout of the collection it lies in.
func (r *Reading) hints(f *File, set Setting) event.Hints {
	h := event.Hints{Slack: r.options.Slack, Host: set.Host, Zone: set.Zone, Offset: set.Offset, Encoding: set.Encoding, Columns: set.Columns}
	for i := len(r.stack) - 1; i >= 0 && h.Host == ""; i-- {
		h.Host = r.stack[i].within.Host
	}
	if h.Host == "" {
		h.Host = r.options.Collections.of(r.item.Org, r.item.Name).Host
	}
	return h
}
