package table

import (
	"errors"
	"os"
)

// spool is bytes that are added at the end and read anywhere: the first in memory, all of them in a temporary file when there are more.
type spool struct {
	dir   string
	limit int64
	size  int64
	held  []byte
	file  *os.File
	next  []byte // of the file, not written yet
	ahead []byte // of the file, read lately
	from  int64
	err   error
}

const (
	heldBytes = 8 << 20
	spoolPage = 4 << 10
)

// ErrStrings says that a spreadsheet's strings are more than may be kept.
var ErrStrings = errors.New("the spreadsheet's strings are more than may be kept")

func (s *spool) append(p []byte) error {
	if s.err != nil {
		return s.err
	}
	if s.size+int64(len(p)) > s.limit {
		s.err = ErrStrings
		return s.err
	}
	s.size += int64(len(p))
	if s.file == nil {
		if s.held = append(s.held, p...); len(s.held) < heldBytes {
			return nil
		}
		if s.file, s.err = os.CreateTemp(s.dir, "exposure-*.strings"); s.err != nil {
			return s.err
		}
		_ = os.Remove(s.file.Name()) // where an open file can be removed, nothing is left behind
		_, s.err = s.file.Write(s.held)
		s.held = nil
		return s.err
	}
	if s.next = append(s.next, p...); len(s.next) >= spoolPage {
		_, s.err = s.file.Write(s.next)
		s.next = s.next[:0]
	}
	return s.err
}

// read gives the bytes at a place; it says whether they are all there.
func (s *spool) read(p []byte, at int64) bool {
	if at < 0 || at+int64(len(p)) > s.size || s.err != nil {
		return false
	}
	if s.file == nil {
		copy(p, s.held[at:])
		return true
	}
	if len(s.next) > 0 {
		if _, s.err = s.file.Write(s.next); s.err != nil {
			return false
		}
		s.next = s.next[:0]
	}
	if at < s.from || at+int64(len(p)) > s.from+int64(len(s.ahead)) {
		if s.ahead == nil {
			s.ahead = make([]byte, 0, spoolPage)
		}
		if len(p) > spoolPage {
			_, err := s.file.ReadAt(p, at)
			return err == nil
		}
		n, _ := s.file.ReadAt(s.ahead[:spoolPage], at)
		s.from, s.ahead = at, s.ahead[:n]
		if n < len(p) {
			return false
		}
	}
	copy(p, s.ahead[at-s.from:])
	return true
}

func (s *spool) close() {
	if s.file != nil {
		_ = s.file.Close()
		_ = os.Remove(s.file.Name())
	}
	*s = spool{dir: s.dir, limit: s.limit}
}
