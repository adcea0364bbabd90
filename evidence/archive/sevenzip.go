package archive

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/bodgit/sevenzip"
)

// NewSevenZip reads a 7z archive.
func NewSevenZip(r io.ReaderAt, size int64, o Options) Reader {
	s := &sevenReader{options: o}
	if s.err = s.open(r, size); s.err == nil && len(s.files) > o.Meter.Limits.Members {
		s.err = &LimitError{fmt.Sprintf("%d members, more than %d: not read", len(s.files), o.Meter.Limits.Members)}
	}
	return s
}

type sevenReader struct {
	options Options
	files   []*sevenzip.File
	size    int64
	at      int
	now     io.Closer
	err     error
	lost    bool // no password opens the content
}

// open tries passwords until the first file gives its first bytes.
func (s *sevenReader) open(r io.ReaderAt, size int64) (err error) {
	defer shield("7z", &err)
	s.size = size
	passwords := append([]string{""}, s.options.passwords()...)
	if err := checkSeven(r, size, s.options.Meter.Limits.Members, passwords); err != nil {
		return sevenError(err)
	}
	var first error
	for _, password := range passwords {
		z, err := sevenzip.NewReaderWithPassword(r, size, password)
		if err != nil {
			if first == nil {
				first = err
			}
			continue
		}
		encrypted, err := sevenProbe(z)
		if err == nil {
			// Deriving a key, the library writes over the parameters it was read with: a folder can be opened once.
			if z, err = sevenzip.NewReaderWithPassword(r, size, password); err != nil {
				return sevenError(err)
			}
			s.files, s.lost = z.File, false
			return nil
		}
		if s.files == nil {
			s.files = z.File
		}
		s.lost = s.lost || encrypted
	}
	if s.files != nil {
		return nil
	}
	return sevenError(first)
}

func sevenError(err error) error {
	var read *sevenzip.ReadError
	if errors.Is(err, errNoPassword) || errors.As(err, &read) && read.Encrypted {
		return errHidden
	}
	return fmt.Errorf("the 7z archive is broken or cut off (%w): not read", err)
}

func sum32(b []byte) uint32 { return crc32.ChecksumIEEE(b) }

// sevenProbe reads the beginning of the first file.
func sevenProbe(z *sevenzip.Reader) (encrypted bool, err error) {
	for _, f := range z.File {
		if f.UncompressedSize == 0 || f.FileInfo().IsDir() {
			continue
		}
		body, err := f.Open()
		if err == nil {
			sum := crc32.NewIEEE()
			_, err = io.CopyN(sum, body, probeBytes)
			if errors.Is(err, io.EOF) {
				err = nil
				if f.CRC32 != 0 && sum.Sum32() != f.CRC32 {
					encrypted, err = true, errors.New("checksum")
				}
			}
			body.Close()
		}
		var read *sevenzip.ReadError
		if errors.As(err, &read) {
			encrypted = read.Encrypted
		}
		return encrypted, err
	}
	return false, nil
}

// Next implements Reader.
func (s *sevenReader) Next() (m *Member, err error) {
	defer shield("7z", &err)
	if s.err != nil {
		err, s.err, s.files = s.err, nil, nil
		return nil, &Damage{0, err.Error()}
	}
	if s.now != nil {
		// A member that was not read to its end costs its block's rest, not the archive.
		_ = s.now.Close()
		s.now = nil
	}
	for s.at < len(s.files) {
		f := s.files[s.at]
		s.at++
		if f.FileInfo().IsDir() || !f.FileInfo().Mode().IsRegular() {
			continue
		}
		if err := s.options.Meter.member(); err != nil {
			s.files = nil
			return nil, &Damage{0, err.Error()}
		}
		m := &Member{Size: int64(f.UncompressedSize), ModTime: f.Modified}
		m.Name, m.Renamed = clean(f.Name)
		if s.lost {
			m.Lost = errNoPassword.Error()
			return m, nil
		}
		body, err := f.Open()
		if err != nil {
			m.Lost = fmt.Sprintf("it cannot be unpacked: %v", err)
			return m, nil
		}
		s.now = body
		// The packed size of one file is not told, since files share blocks: the archive's stands for it.
		out := s.options.Meter.unpacked(&shielded{"7z", body}, &counter{n: s.size})
		m.Body = &checked{from: out, want: f.CRC32, size: m.Size, sum: f.CRC32 != 0}
		return m, nil
	}
	return nil, io.EOF
}
