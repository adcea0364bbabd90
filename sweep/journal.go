package sweep

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/gob"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/contrail-ir/contrail/coverage"
	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/event/packed"
	"github.com/contrail-ir/contrail/evidence"
)

// A journal remembers what a sweep has done, so that one that was interrupted anywhere goes on: what each segment gave, what
// became of each file, and which items were read to their end. It is a file of records, each with its length and checksum;
// what was torn off by the interruption is left out. Only items that ended count when a sweep goes on, and only if their
// digest is still the same. docs/formats/journal.md describes it.
type journal struct {
	mu  sync.Mutex
	out *bufio.Writer // guarded by mu
	buf []byte        // guarded by mu

	file *os.File
}

const (
	journalName  = "journal"
	journalMagic = "contrail sweep journal 2\n"
	// maxRecord bounds a record, so that a journal that somebody changed cannot ask for all memory.
	maxRecord = 1 << 30
	// maxKeptMemory bounds what a worker keeps for the next record.
	maxKeptMemory = 4 << 20
)

// Kinds of records.
const (
	recordQuestion byte = 'Q' // what was asked
	recordSegment  byte = 'S' // hits, notes and tally of a segment
	recordFile     byte = 'F' // a file that ended
	recordItem     byte = 'I' // an item that ended
)

// keptFile is a fileResult.
type keptFile struct {
	Item, Nth                int
	Org, Name, Format        string
	Size                     int64
	Why                      string
	Lost, Described          bool
	NotRead, Archive         string
	Members                  int
	Custody, Digest, Renamed string
	Collection               evidence.Collection
}

// keptItem is an item that was read to its end.
type keptItem struct {
	Item            int
	Org, Name, Path string
	Size            int64
	SHA256          string
}

// whole gives how many bytes of a journal are whole.
func whole(dir string) (int64, error) {
	n := int64(len(journalMagic))
	err := readJournal(dir, func(_ byte, payload []byte) error {
		n += 9 + int64(len(payload))
		return nil
	})
	return n, err
}

// continueJournal goes on with a journal where it is whole, or begins one where there is none. What items that had not ended left
// in it stays and is not looked at: an item's records count only from the run in which it ended, and each run begins with its
// question.
func continueJournal(dir, question string) (*journal, error) {
	n, err := whole(dir)
	if err != nil {
		return createJournal(dir, question)
	}
	f, err := os.OpenFile(filepath.Join(dir, journalName), os.O_RDWR, 0)
	if err != nil {
		return nil, fmt.Errorf("continue journal: %w", err)
	}
	if err := f.Truncate(n); err != nil {
		return nil, errors.Join(fmt.Errorf("continue journal: %w", err), f.Close())
	}
	if _, err := f.Seek(n, io.SeekStart); err != nil {
		return nil, errors.Join(fmt.Errorf("continue journal: %w", err), f.Close())
	}
	j := &journal{file: f, out: bufio.NewWriterSize(f, 1<<20)}
	return j, j.append(recordQuestion, []byte(question))
}

// create begins a journal, in a folder that is made.
func createJournal(dir, question string) (*journal, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("begin journal: %w", err)
	}
	f, err := os.Create(filepath.Join(dir, journalName))
	if err != nil {
		return nil, fmt.Errorf("begin journal: %w", err)
	}
	j := &journal{file: f, out: bufio.NewWriterSize(f, 1<<20)}
	if _, err := j.out.WriteString(journalMagic); err != nil {
		return nil, fmt.Errorf("begin journal: %w", err)
	}
	return j, j.append(recordQuestion, []byte(question))
}

// append writes a record and hands it to the system, which keeps it whatever becomes of the process.
func (j *journal) append(kind byte, payload []byte) error {
	if j == nil {
		return nil
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.buf = append(j.buf[:0], kind)
	j.buf = binary.LittleEndian.AppendUint32(j.buf, uint32(len(payload)))
	j.buf = binary.LittleEndian.AppendUint32(j.buf, crc32.ChecksumIEEE(payload))
	for _, b := range [][]byte{j.buf, payload} {
		if _, err := j.out.Write(b); err != nil {
			return fmt.Errorf("write journal: %w", err)
		}
	}
	if kind != recordItem && kind != recordQuestion {
		return nil // an item that has not ended does not count: its records can wait
	}
	if err := j.out.Flush(); err != nil {
		return fmt.Errorf("write journal: %w", err)
	}
	return nil
}

func (j *journal) appendGob(kind byte, v any) error {
	if j == nil {
		return nil
	}
	var b bytes.Buffer
	if err := gob.NewEncoder(&b).Encode(v); err != nil {
		return fmt.Errorf("write journal: %w", err)
	}
	return j.append(kind, b.Bytes())
}

// segment records what a worker found in (part of) a segment. memory is the worker's, so that a record of megabytes is not put
// together anew each time.
func (j *journal) segment(memory *[]byte, c codec, nc noteCodec, f *fileResult, hits []*hit, notes []*note, tally *coverage.Tally) error {
	if j == nil {
		return nil
	}
	b := packed.Uint((*memory)[:0], uint64(f.item))
	b = packed.Uint(b, uint64(f.nth))
	b = packed.Uint(b, uint64(len(hits)))
	for _, h := range hits {
		b = appendSized(b, func(b []byte) []byte { return c.Append(b, h) })
	}
	b = packed.Uint(b, uint64(len(notes)))
	for _, n := range notes {
		b = appendSized(b, func(b []byte) []byte { return nc.Append(b, n) })
	}
	if tally != nil {
		var err error
		if b, err = tally.Append(b); err != nil {
			return err
		}
	}
	if cap(b) <= maxKeptMemory {
		*memory = b
	}
	return j.append(recordSegment, b)
}

// appendSized appends bytes with their length before them. The length always takes three bytes, or as many more as it needs, so
// that what follows seldom has to be moved: a varint may be longer than it must be.
func appendSized(dst []byte, content func([]byte) []byte) []byte {
	at := len(dst)
	dst = content(append(dst, 0, 0, 0))
	n := len(dst) - at - 3
	if n >= 1<<21 {
		text := string(dst[at+3:])
		return packed.Text(dst[:at], text)
	}
	dst[at], dst[at+1], dst[at+2] = byte(n)|0x80, byte(n>>7)|0x80, byte(n>>14)
	return dst
}

func (j *journal) close() error {
	if j == nil {
		return nil
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	return errors.Join(j.out.Flush(), j.file.Close())
}

// records reads a journal up to where it is whole.
func readJournal(dir string, each func(kind byte, payload []byte) error) error {
	f, err := os.Open(filepath.Join(dir, journalName))
	if err != nil {
		return err
	}
	defer f.Close()
	in := bufio.NewReaderSize(f, 1<<20)
	magic := make([]byte, len(journalMagic))
	if _, err := io.ReadFull(in, magic); err != nil || string(magic) != journalMagic {
		return fmt.Errorf("%s is no journal of this version", f.Name())
	}
	var payload []byte
	for {
		var head [9]byte
		if _, err := io.ReadFull(in, head[:]); err != nil {
			return nil // the end, or torn off
		}
		n := binary.LittleEndian.Uint32(head[1:])
		if n > maxRecord {
			return nil
		}
		payload = slices.Grow(payload[:0], int(n))[:n]
		if _, err := io.ReadFull(in, payload); err != nil || crc32.ChecksumIEEE(payload) != binary.LittleEndian.Uint32(head[5:]) {
			return nil
		}
		if err := each(head[0], payload); err != nil {
			return err
		}
	}
}

// ErrOtherQuestion says that a sweep cannot go on because it asked something else.
var ErrOtherQuestion = errors.New("the interrupted sweep asked another question or other evidence: start anew without --resume")

// resume takes over what an interrupted sweep has done: it gives the items that need not be read again, with the run that read them. A journal that is not there
// means that nothing was done.
func (s *run) resume(ctx context.Context, dir, question string) (done map[int]int, err error) {
	done = map[int]int{}
	run := 0
	err = readJournal(dir, func(kind byte, payload []byte) error {
		switch kind {
		case recordQuestion:
			run++
			if string(payload) != question {
				return ErrOtherQuestion
			}
		case recordItem:
			var it keptItem
			if err := gob.NewDecoder(bytes.NewReader(payload)).Decode(&it); err != nil {
				return fmt.Errorf("read journal: %w", err)
			}
			if it.Item >= 0 && it.Item < len(s.items) && s.unchanged(ctx, &it) {
				done[it.Item] = run
			}
		}
		return ctx.Err()
	})
	if errors.Is(err, os.ErrNotExist) || err == nil && run == 0 {
		return done, nil
	}
	if err != nil {
		return nil, err
	}
	return done, s.replay(dir, done)
}

// unchanged says whether an item is still what the journal says.
func (s *run) unchanged(ctx context.Context, k *keptItem) bool {
	it := &s.items[k.Item]
	if it.Org != k.Org || it.Name != k.Name || it.Size != k.Size {
		return false
	}
	f, err := os.Open(it.Path)
	if err != nil {
		return false
	}
	defer f.Close()
	sum := sha256.New()
	for {
		if _, err := io.CopyN(sum, f, 16<<20); err == io.EOF {
			return fmt.Sprintf("%x", sum.Sum(nil)) == k.SHA256
		} else if err != nil || ctx.Err() != nil {
			return false
		}
	}
}

// replay takes what ended items gave: first the files, so that hits find theirs, then segments.
func (s *run) replay(dir string, done map[int]int) error {
	files := map[[2]int]*fileResult{}
	byName := map[string]event.Format{}
	for _, f := range s.question.Formats {
		byName[f.Name()] = f
	}
	run := 0
	if err := readJournal(dir, func(kind byte, payload []byte) error {
		if kind == recordQuestion {
			run++
		}
		if kind != recordFile {
			return nil
		}
		var k keptFile
		if err := gob.NewDecoder(bytes.NewReader(payload)).Decode(&k); err != nil {
			return fmt.Errorf("read journal: %w", err)
		}
		if done[k.Item] != run {
			return nil
		}
		f := s.files.add(&fileResult{item: k.Item, nth: k.Nth, org: k.Org, name: k.Name, format: byName[k.Format], size: k.Size, why: k.Why, lost: k.Lost,
			notRead: k.NotRead, archive: k.Archive, members: k.Members, custody: k.Custody, renamed: k.Renamed, digest: k.Digest, collection: k.Collection, counts: &counts{}})
		if k.Described {
			f.counts = s.described(k.Org)
		}
		files[[2]int{k.Item, k.Nth}] = f
		return nil
	}); err != nil {
		return err
	}
	run = 0
	if err := readJournal(dir, func(kind byte, payload []byte) error {
		switch r := packed.NewReader(payload); {
		case kind == recordQuestion:
			run++
		case kind == recordSegment && done[int(r.Uint())] == run:
			return s.replaySegment(payload, files)
		}
		return nil
	}); err != nil {
		return err
	}
	return s.takeOver(files)
}

func (s *run) replaySegment(payload []byte, files map[[2]int]*fileResult) error {
	d := packed.NewReader(payload)
	f := files[[2]int{int(d.Uint()), int(d.Uint())}]
	if f == nil {
		return nil
	}
	var hits []*hit
	size := 0
	for range d.Count() {
		h, err := (codec{s}).decodeOf(f, d.Bytes(d.Count()))
		if err != nil {
			return err
		}
		hits = append(hits, h)
		size += h.size()
	}
	if err := s.hits.Add(hits, size); err != nil {
		return err
	}
	s.progress.hits.Add(int64(len(hits)))
	var notes []*note
	size = 0
	for range d.Count() {
		n, err := (noteCodec{s}).decodeOf(f, d.Bytes(d.Count()))
		if err != nil {
			return err
		}
		notes = append(notes, n)
		size += n.size()
	}
	if d.Bad() {
		return errBrokenHit
	}
	if err := s.notes.Add(notes, size); err != nil {
		return err
	}
	if len(d.Rest()) == 0 {
		return nil
	}
	t, err := coverage.ReadTally(d.Rest())
	if err != nil {
		return err
	}
	s.progress.events.Add(int64(t.Total().Records))
	f.counts.add(t)
	return nil
}

// takeOver counts items done before as done.
func (s *run) takeOver(files map[[2]int]*fileResult) error {
	seen := map[int]bool{}
	for key := range files {
		if !seen[key[0]] {
			seen[key[0]] = true
			s.progress.filesDone.Add(1)
			s.progress.bytesDone.Add(s.items[key[0]].Size)
		}
	}
	return nil
}

// keepFile records a file that ended.
func (s *run) keepFile(f *fileResult, tally *coverage.Tally) error {
	if s.journal == nil {
		return nil
	}
	if err := s.journal.segment(new([]byte), codec{s}, noteCodec{s}, f, nil, nil, tally); err != nil {
		return err
	}
	format := ""
	if f.format != nil {
		format = f.format.Name()
	}
	return s.journal.appendGob(recordFile, &keptFile{Item: f.item, Nth: f.nth, Org: f.org, Name: f.name, Format: format, Size: f.size, Why: f.why, Lost: f.lost,
		Described: f.described, NotRead: f.notRead, Archive: f.archive, Members: f.members, Custody: f.custody, Renamed: f.renamed, Digest: f.digest, Collection: f.collection})
}

// keepItem records an item that ended, with the digest of its bytes on disk. One without a digest could not be read to its end and
// is tried again.
func (s *run) keepItem(item int, digest string) error {
	if s.journal == nil || digest == "" {
		return nil
	}
	it := &s.items[item]
	return s.journal.appendGob(recordItem, &keptItem{Item: item, Org: it.Org, Name: it.Name, Size: it.Size, SHA256: digest})
}

// fileOf gives a file by its id unless it is known.
func (s *run) fileOf(known *fileResult, id uint64) *fileResult {
	if known != nil {
		return known
	}
	return s.files.at(id)
}
