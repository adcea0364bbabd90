package archive

import (
	"errors"
	"fmt"
	"io"

	"github.com/nwaples/rardecode/v2"
)

// NewRAR reads a RAR archive, of the formats of RAR 1.5 to 7, in the order in which its members lie there. Volumes are read one by one.
func NewRAR(r io.ReaderAt, size int64, o Options) Reader {
	a := &rarReader{options: o, file: r, size: size}
	a.err = a.open()
	return a
}

type rarReader struct {
	options Options
	file    io.ReaderAt
	size    int64
	solid   bool
	in      *rardecode.Reader
	now     *rarBody // the member that was given last
	begun   bool     // a member was met
	err     error
}

// rarFault is an error of the library in our words. What it needs of a caller is left as it is.
func rarFault(err error) error {
	switch {
	case err == nil, err == io.EOF:
		return err
	case errors.Is(err, rardecode.ErrArchiveEncrypted):
		return errHidden
	case errors.Is(err, rardecode.ErrArchivedFileEncrypted), errors.Is(err, rardecode.ErrBadPassword):
		return errNoPassword
	case errors.Is(err, rardecode.ErrMultiVolume):
		return errors.New("it goes on in another volume: unpack the volumes together, and give what comes out as evidence")
	case errors.Is(err, rardecode.ErrDictionaryTooLarge):
		return fmt.Errorf("a window of more than %d bytes is asked for: not unpacked", maxRARWindow)
	case errors.Is(err, rardecode.ErrBadFileChecksum):
		return errors.New("the checksum is another than the archive says, so bytes are wrong, or the password is")
	case errors.Is(err, rardecode.ErrUnsupportedDecoder), errors.Is(err, rardecode.ErrUnknownDecoder):
		return errors.New("it is packed in a way that is not read")
	}
	return err
}

// start reads the archive from its beginning; "" stands for no password.
func (a *rarReader) start(password string) (in *rardecode.Reader, headers rarHeaders, err error) {
	defer shield("RAR", &err)
	if headers, err = readRARHeaders(a.file, a.size, password); err != nil {
		return nil, headers, err
	}
	a.solid = headers.solid
	options := []rardecode.Option{rardecode.MaxDictionarySize(maxRARWindow)}
	if password != "" {
		options = append(options, rardecode.Password(password))
	}
	in, err = rardecode.NewReader(io.NewSectionReader(a.file, 0, a.size), options...)
	return in, headers, err
}

// open finds out which password is needed, if any. Where none fits, what is not encrypted is read and the rest named.
func (a *rarReader) open() error {
	in, headers, without := a.start("")
	if headers.encrypted {
		for _, password := range a.options.passwords() {
			with, _, err := a.start(password)
			if err == nil {
				err = a.probe(with)
			}
			var asked *keysError
			if errors.As(err, &asked) {
				return err
			}
			if err == nil {
				a.in, _, err = a.start(password)
				return err
			}
		}
	}
	a.in = in
	return without
}

// probe unpacks the beginning of the first encrypted member that has a content.
func (a *rarReader) probe(in *rardecode.Reader) (err error) {
	defer shield("RAR", &err)
	for {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if h.IsDir || h.UnPackedSize == 0 || !h.Encrypted && !h.HeaderEncrypted && !a.solid {
			continue
		}
		if _, err = io.CopyN(io.Discard, in, probeBytes); errors.Is(err, io.EOF) || errors.Is(err, rardecode.ErrMultiVolume) {
			err = nil
		}
		return err
	}
}

// Next implements Reader.
func (a *rarReader) Next() (m *Member, err error) {
	defer shield("RAR", &err)
	if a.err != nil {
		if a.err == io.EOF {
			return nil, io.EOF
		}
		err, a.err = a.err, io.EOF
		return nil, a.damage(err)
	}
	if a.now != nil {
		// In a solid archive members are made of those before: the rest is unpacked through the meter, not behind its back.
		if a.solid {
			_, _ = io.Copy(io.Discard, a.now)
		}
		var limit *LimitError
		if a.now.goesOn || a.solid && errors.As(a.now.err, &limit) { // told at the member: nothing of what follows is here, or may be made
			a.err = io.EOF
			return nil, io.EOF
		}
		a.now = nil
	}
	for {
		h, err := a.in.Next()
		if err != nil {
			a.err = io.EOF
			if err == io.EOF {
				return nil, io.EOF
			}
			return nil, a.damage(err)
		}
		a.begun = true
		if h.IsDir || h.LinkType != 0 || !h.Mode().IsRegular() {
			continue // links of every kind have no content of their own
		}
		if err := a.options.Meter.member(); err != nil {
			a.err = io.EOF
			return nil, &Damage{0, err.Error()}
		}
		m := &Member{Size: h.UnPackedSize, ModTime: h.ModificationTime.UTC()}
		if h.UnKnownSize {
			m.Size = -1
		}
		m.Name, m.Renamed = clean(h.Name)
		a.now = &rarBody{from: a.options.Meter.unpacked(&shielded{"RAR", a.in}, &counter{n: min(h.PackedSize, a.size)})}
		// The library tells what it cannot open at the first byte; a member of which nothing can be had is named, not empty.
		var head [1]byte
		n, err := a.now.Read(head[:])
		if n == 0 && err != nil && err != io.EOF {
			m.Lost = err.Error()
			return m, nil
		}
		a.now.head = head[:n]
		m.Body = a.now
		return m, nil
	}
}

// damage tells why no more members come.
func (a *rarReader) damage(err error) error {
	var asked *keysError
	switch {
	case errors.As(err, &asked), errors.Is(err, rardecode.ErrArchiveEncrypted):
		return &Damage{0, rarFault(err).Error()}
	case (errors.Is(err, rardecode.ErrInvalidFileBlock) || errors.Is(err, rardecode.ErrBadVolumeNumber)) && !a.begun:
		return &Damage{0, "the archive begins in another volume: unpack the volumes together, and give what comes out as evidence"}
	case errors.Is(err, rardecode.ErrMultiVolume):
		return &Damage{uint64(a.size), rarFault(err).Error()}
	}
	return &Damage{0, fmt.Sprintf("the RAR archive is broken or cut off (%v): the rest is not read", err)}
}

// rarBody is a member's content.
type rarBody struct {
	from io.Reader
	head []byte
	err  error

	goesOn bool // in another volume
}

func (b *rarBody) Read(p []byte) (int, error) {
	if len(b.head) > 0 && len(p) > 0 {
		n := copy(p, b.head)
		b.head = b.head[n:]
		return n, nil
	}
	if b.err != nil {
		return 0, b.err
	}
	n, err := b.from.Read(p)
	b.err, b.goesOn = rarFault(err), errors.Is(err, rardecode.ErrMultiVolume)
	return n, b.err
}
