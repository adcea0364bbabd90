package ledger

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

const (
	tileHeight = 8
	tileWidth  = 1 << tileHeight
	levels     = 8 // 256^8 entries are all that a uint64 can count
)

// tilePath is the file of tile n of a level, relative to the ledger.
func tilePath(level int, n uint64) string {
	return filepath.FromSlash(tlog.Tile{H: tileHeight, L: level, N: int64(n), W: tileWidth}.Path())
}

// segmentPath is the file of entries n·256 to n·256+255, relative to the ledger.
func segmentPath(n uint64) string {
	name := strings.TrimPrefix(tlog.Tile{H: tileHeight, N: int64(n), W: tileWidth}.Path(), "tile/8/0/")
	return filepath.Join("entries", filepath.FromSlash(name)+".jsonl")
}

func readSmall(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(b)) > limit {
		return nil, fmt.Errorf("%s is larger than %d bytes", path, limit)
	}
	return b, nil
}

// readTile reads the first width hashes of a tile.
func readTile(dir string, t tlog.Tile) ([]byte, error) {
	f, err := os.Open(filepath.Join(dir, tilePath(t.L, uint64(t.N))))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b := make([]byte, t.W*tlog.HashSize)
	if _, err := io.ReadFull(f, b); err != nil {
		return nil, fmt.Errorf("%s holds fewer than %d hashes: %w", tilePath(t.L, uint64(t.N)), t.W, err)
	}
	return b, nil
}

// diskTiles lets tlog read tiles; what it reads through TileHashReader is checked against the head.
type diskTiles string

func (diskTiles) Height() int                     { return tileHeight }
func (diskTiles) SaveTiles([]tlog.Tile, [][]byte) {}
func (d diskTiles) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	out := make([][]byte, len(tiles))
	for i, t := range tiles {
		b, err := readTile(string(d), t)
		if err != nil {
			return nil, err
		}
		out[i] = b
	}
	return out, nil
}

// segment reads the lines of one file of entries.
type segment struct {
	f *os.File
	r *bufio.Reader
	n uint64
}

func openSegment(dir string, n uint64) (*segment, error) {
	f, err := os.Open(filepath.Join(dir, segmentPath(n)))
	if err != nil {
		return nil, err
	}
	return &segment{f: f, r: bufio.NewReaderSize(f, 64<<10), n: n}, nil
}

func (s *segment) Close() error { return s.f.Close() }

// line reads one line without its newline into buf. A line without a newline, or longer than an entry may be, is an error.
func (s *segment) line(buf []byte) ([]byte, error) {
	buf = buf[:0]
	for {
		part, err := s.r.ReadSlice('\n')
		if len(buf)+len(part) > MaxEntry+1 {
			return nil, fmt.Errorf("%s: line longer than an entry may be", segmentPath(s.n))
		}
		buf = append(buf, part...)
		switch {
		case err == nil:
			return buf[:len(buf)-1], nil
		case errors.Is(err, bufio.ErrBufferFull):
		case err == io.EOF:
			return nil, fmt.Errorf("%s ends here: %w", segmentPath(s.n), ErrLost)
		default:
			return nil, err
		}
	}
}

// entries yields the segment's entries from *seq up to to, counting *seq on, and says whether the caller wants more.
func (s *segment) entries(ctx context.Context, seq *uint64, to uint64, yield func(Entry, error) bool) (bool, error) {
	var buf []byte
	var err error
	for at := s.n * tileWidth; at < (s.n+1)*tileWidth && at < to; at++ {
		if err := ctx.Err(); err != nil {
			return false, err
		}
		if buf, err = s.line(buf); err != nil {
			return false, err
		}
		if at < *seq {
			continue
		}
		e, err := parseEntry(buf)
		if err != nil {
			return false, err
		}
		if e.Seq != at {
			return false, fmt.Errorf("it says it is number %d", e.Seq)
		}
		if !yield(e, nil) {
			return false, nil
		}
		*seq = at + 1
	}
	return true, nil
}

// endOf finds where the first n lines of a segment end.
func endOf(dir string, segmentN, n uint64) (int64, error) {
	if n == 0 {
		return 0, nil
	}
	s, err := openSegment(dir, segmentN)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, fmt.Errorf("%s is gone: %w", segmentPath(segmentN), ErrLost)
	}
	if err != nil {
		return 0, err
	}
	defer s.Close()
	var end int64
	var buf []byte
	for range n {
		if buf, err = s.line(buf); err != nil {
			return 0, err
		}
		end += int64(len(buf)) + 1
	}
	return end, nil
}

// createFile makes a new file with its content, durable.
func (l *Ledger) createFile(name string, content []byte) error {
	path := filepath.Join(l.dir, name)
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = l.write(f, content)
	return errors.Join(err, l.sync(f), f.Close())
}

// extend writes data at the end of the first keep bytes of a file, durable. Folders and the file are made if need be.
func (l *Ledger) extend(name string, keep int64, data []byte) error {
	path := filepath.Join(l.dir, name)
	if keep == 0 {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return err
		}
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	err = func() error {
		info, err := f.Stat()
		if err != nil {
			return err
		}
		if info.Size() < keep {
			return fmt.Errorf("%s: %w", name, ErrLost)
		}
		if info.Size() > keep {
			if err := f.Truncate(keep); err != nil {
				return err
			}
		}
		if _, err := f.Seek(keep, io.SeekStart); err != nil {
			return err
		}
		if _, err := l.write(f, data); err != nil {
			return err
		}
		return l.sync(f)
	}()
	if err = errors.Join(err, f.Close()); err != nil || keep > 0 {
		return err
	}
	return l.syncFolders(filepath.Dir(path))
}

// syncFolders makes new names durable, from a folder up to the ledger's own.
func (l *Ledger) syncFolders(dir string) error {
	for {
		if err := syncDir(dir); err != nil {
			return err
		}
		if dir == l.dir || len(dir) <= len(l.dir) {
			return nil
		}
		dir = filepath.Dir(dir)
	}
}

func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil // folders cannot be synced there; NTFS journals its names
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	if errors.Is(err, syscall.EINVAL) {
		err = nil // some network file systems cannot
	}
	return errors.Join(err, d.Close())
}

// replaceHead makes a head the acknowledged one.
func (l *Ledger) replaceHead(h Head) error {
	tmp, path := filepath.Join(l.dir, tmpFile), filepath.Join(l.dir, headFile)
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = l.write(f, h.Note)
	if err == nil {
		err = l.sync(f)
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, os.Remove(tmp))
	}
	// On Windows a reader that has the head open at this moment makes the rename fail; readers hold it for an instant.
	for try := 0; ; try++ {
		if err = os.Rename(tmp, path); err == nil || try == 50 || !errors.Is(err, fs.ErrPermission) {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if err != nil {
		return err
	}
	return syncDir(l.dir)
}

// plainer says in words what the most common failures of a disk mean.
func plainer(err error) error {
	switch {
	case errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT):
		return fmt.Errorf("the disk is full; nothing was entered, free some space and repeat: %w", err)
	case errors.Is(err, syscall.EROFS) || errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("the folder cannot be written; it can still be read and verified: %w", err)
	}
	return err
}
