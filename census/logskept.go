package census

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/contrail-ir/contrail/evidence"
)

// KeptLogs keeps what logs told in the journal of a census, so that an interrupted one does not read them again.
type KeptLogs struct{ path, asked string }

type savedLogs struct {
	Asked string       `json:"asked"` // digest of question and evidence
	Read  uint64       `json:"read"`
	Taken []savedTaken `json:"taken"`
	Cut   [][2]string  `json:"cut"` // organisation and file of logs that could not be read to their end
}

type savedTaken struct {
	Org     string `json:"org"`
	File    string `json:"file"`
	By      string `json:"by"`
	Sent    bool   `json:"sent,omitempty"`
	Packed  bool   `json:"packed,omitempty"`
	Records uint64 `json:"records"`
	Unsaid  uint64 `json:"unsaid,omitempty"`
	Least   uint64 `json:"least"`
	Most    uint64 `json:"most"`
}

const logsName = "logs.json"

// KeptLogs gives the place for logs read for a question by l. sources is what sources.yaml says, whose zones and clocks move times. It is nil when the
// question has no journal.
func (q Question) KeptLogs(ctx context.Context, l *Logs, sources []byte) (*KeptLogs, error) {
	if q.Journal == "" {
		return nil, nil
	}
	items, _, err := evidence.Walk(ctx, q.Roots, q.Results)
	if err != nil {
		return nil, fmt.Errorf("list evidence: %w", err)
	}
	h := sha256.New()
	by := make([]string, 0, len(l.by))
	for _, name := range l.by {
		by = append(by, name)
	}
	slices.Sort(by)
	fmt.Fprintf(h, "logs 1 %q %d %d %q %q %+v\n", by, l.within.Since, l.within.Until, sources, q.Passwords, q.Limits)
	for _, it := range items {
		fmt.Fprintf(h, "%q %q %d %d\n", it.Org, it.Name, it.Size, it.ModTime.UnixNano())
	}
	return &KeptLogs{filepath.Join(q.Journal, logsName), fmt.Sprintf("%x", h.Sum(nil))}, nil
}

// Load fills l with what was kept and gives the logs that could not be read to their end. ok is false when nothing was kept, or of another question: then
// logs must be read.
func (k *KeptLogs) Load(l *Logs) (cut map[[2]string]bool, ok bool, err error) {
	b, err := os.ReadFile(k.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("read journal: %w", err)
	}
	var s savedLogs
	if json.Unmarshal(b, &s) != nil || s.Asked != k.asked {
		return nil, false, nil
	}
	l.read = s.Read
	clear(l.taken)
	for _, t := range s.Taken {
		l.taken[taking{t.Org, t.File, t.By, t.Sent, t.Packed}] = amount{t.Records, t.Unsaid, t.Least, t.Most}
	}
	cut = map[[2]string]bool{}
	for _, c := range s.Cut {
		cut[c] = true
	}
	return cut, true, nil
}

// Save keeps what l was told.
func (k *KeptLogs) Save(l *Logs, cut map[[2]string]bool) error {
	s := savedLogs{Asked: k.asked, Read: l.read, Taken: []savedTaken{}, Cut: [][2]string{}}
	for t, a := range l.taken {
		s.Taken = append(s.Taken, savedTaken{t.org, t.file, t.by, t.sent, t.packed, a.records, a.unsaid, a.least, a.most})
	}
	for c := range cut {
		s.Cut = append(s.Cut, c)
	}
	b, err := json.Marshal(s)
	if err != nil {
		return err
	}
	beside := k.path + ".new"
	if err := errors.Join(os.WriteFile(beside, b, 0o600), os.Rename(beside, k.path)); err != nil {
		return fmt.Errorf("write journal: %w", err)
	}
	return nil
}
