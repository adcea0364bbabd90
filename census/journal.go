package census

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/contrail-ir/contrail/event"
)

type damageOf = event.Damage

// journal keeps what was counted: state.json says how far, counts.N holds it. A state is written beside the last one and takes its
// place by a rename, so that a crash leaves one of the two.
type journal struct {
	dir   string
	asked string
	last  time.Time     // when the state was written last
	took  time.Duration // and how long that took
	at    int
}

type savedState struct {
	Asked    string `json:"asked"` // digest of question and evidence
	Items    int    `json:"items"` // merged
	Complete bool   `json:"complete"`
	Counts   string `json:"counts"` // name of the file
}

const (
	stateName = "state.json"
	// A state is written at the soonest after keepAfter, and so seldom that writing takes a twentieth of the time.
	keepAfter = 5 * time.Second
	keepShare = 20
)

// ErrNothingToResume is wrapped when the journal does not hold a census of this question.
var ErrNothingToResume = errors.New("no interrupted census of this evidence")

// asked tells censuses apart: what is counted, how, and the evidence by name, size and time.
func (r *run) asked() string {
	h := sha256.New()
	q := &r.question
	fmt.Fprintf(h, "1 %q %d %q %+v\n", q.Status, q.MaxDistinct, q.Passwords, q.Limits)
	for _, it := range r.items {
		fmt.Fprintf(h, "%q %q %d %d\n", it.Org, it.Name, it.Size, it.ModTime.UnixNano())
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}

func (r *run) begin() error {
	if r.question.Journal == "" {
		return nil
	}
	j := &journal{dir: r.question.Journal, asked: r.asked(), last: time.Now()}
	r.journal = j
	if err := os.MkdirAll(j.dir, 0o700); err != nil {
		return fmt.Errorf("make journal: %w", err)
	}
	if !r.question.Resume {
		return j.clear()
	}
	b, err := os.ReadFile(filepath.Join(j.dir, stateName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil // it was interrupted before anything was kept
	}
	if err != nil {
		return fmt.Errorf("read journal: %w", err)
	}
	var s savedState
	if err := json.Unmarshal(b, &s); err != nil {
		return fmt.Errorf("read journal: %w", err)
	}
	if s.Asked != j.asked || s.Items < 0 || s.Items > len(r.items) || s.Counts != filepath.Base(s.Counts) {
		return fmt.Errorf("%w: files, status, passwords or limits differ; start anew without resuming", ErrNothingToResume)
	}
	f, err := os.Open(filepath.Join(j.dir, s.Counts))
	if err != nil {
		return fmt.Errorf("read journal: %w", err)
	}
	defer f.Close()
	if err := r.whole.Load(f); err != nil {
		return fmt.Errorf("read journal: %w", err)
	}
	r.next, r.complete = s.Items, s.Complete
	r.progress.filesDone.Store(int64(r.next))
	for _, it := range r.items[:r.next] {
		r.progress.bytesDone.Add(it.Size)
	}
	return nil
}

// keep writes the state when it is time, or now.
func (r *run) keep(now bool) error {
	j := r.journal
	if j == nil || !now && time.Since(j.last) < max(keepAfter, keepShare*j.took) {
		return nil
	}
	began := time.Now()
	j.at++
	name := fmt.Sprintf("counts.%d.%d", r.next, j.at)
	f, err := os.OpenFile(filepath.Join(j.dir, name), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("write journal: %w", err)
	}
	if err := errors.Join(r.whole.Save(f), f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write journal: %w", err)
	}
	b, err := json.Marshal(savedState{j.asked, r.next, r.complete, name})
	if err != nil {
		return err
	}
	beside := filepath.Join(j.dir, stateName+".new")
	if err := errors.Join(os.WriteFile(beside, b, 0o600), os.Rename(beside, filepath.Join(j.dir, stateName))); err != nil {
		return fmt.Errorf("write journal: %w", err)
	}
	old, _ := filepath.Glob(filepath.Join(j.dir, "counts.*"))
	for _, p := range old {
		if filepath.Base(p) != name {
			_ = os.Remove(p) // of no use any more
		}
	}
	j.last, j.took = time.Now(), time.Since(began)
	return nil
}

// clear removes what an earlier census left.
func (j *journal) clear() error {
	for _, pattern := range []string{"counts.*", stateName + "*"} {
		old, err := filepath.Glob(filepath.Join(j.dir, pattern))
		if err != nil {
			return err
		}
		for _, p := range old {
			if err := os.Remove(p); err != nil {
				return fmt.Errorf("clear journal: %w", err)
			}
		}
	}
	return nil
}

// end removes the journal.
func (r *run) end() error {
	if r.journal == nil {
		return nil
	}
	return os.RemoveAll(r.journal.dir)
}
