package hunt

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/contrail-ir/contrail/finding"
	"github.com/contrail-ir/contrail/fingerprint"
	"github.com/contrail-ir/contrail/kinship"
	"github.com/contrail-ir/contrail/report"
)

// Status says where a hunt stands.
type Status string

// The statuses.
const (
	Running    Status = "running"                // interrupted, when nobody runs it
	Approving  Status = "waiting-for-approval"   // items wait for a person
	Signing    Status = "waiting-for-signatures" // a version wants more signatures
	Quiet      Status = "quiet"                  // a wave taught nothing new
	WaveLimit  Status = "wave-limit"             // it would go on
	NoneToHunt Status = "no-intrusion"           // the first victim's trace established none
	NoneToAsk  Status = "nothing-to-ask"         // nothing of the first version was let in
)

// State is what hunt.json holds; docs/formats/hunt.md describes it. It is written after every step, so that a hunt goes on where it was.
type State struct {
	Name   string   `json:"name"`
	First  string   `json:"first,omitempty"`
	Orgs   []string `json:"orgs"`
	Status Status   `json:"status"`
	Why    string   `json:"why"`
	Draft  bool     `json:"draft,omitempty"` // versions are not signed
	// Version is the one to be settled next, or the last one asked.
	Version int    `json:"version"`
	File    string `json:"file"` // of that version, relative to the folder
	// Settled says that the version is approved and, where keys are given, signed.
	Settled bool       `json:"settled"`
	Waves   []WaveView `json:"waves"`
	Lessons []Lesson   `json:"lessons"`
	// Demoted are the tiers beyond which an item does not rise again in this hunt, by the item's rule.
	Demoted map[string]fingerprint.Tier `json:"demoted"`
}

// WaveView is a wave in short.
type WaveView struct {
	Wave     int        `json:"wave"`
	Version  int        `json:"version"`
	Items    int        `json:"items"`
	Folder   string     `json:"folder"`
	SignedBy []string   `json:"signed_by"`
	Orgs     []OrgView  `json:"orgs"`
	Demoted  []Demotion `json:"demoted"`
	Taught   int        `json:"taught"`   // new items that were put forward
	Complete bool       `json:"complete"` // everything that was there was read
}

// OrgView is an organisation's judgement in short.
type OrgView struct {
	Org            string          `json:"org"`
	Verdict        kinship.Verdict `json:"verdict"`
	Why            string          `json:"why"`
	Decibans       float64         `json:"decibans"`
	Posterior      float64         `json:"posterior"`
	Band           string          `json:"band"`
	OtherIntrusion bool            `json:"other_intrusion"`
	First          string          `json:"first,omitempty"` // when something of the fingerprint was seen first
}

// Decision is what became of an item that was put forward.
type Decision string

// The decisions.
const (
	Waiting  Decision = "waiting"
	Approved Decision = "approved"
	Rejected Decision = "rejected" // by a person, who removed it
	LeftOut  Decision = "left-out" // by the policy
)

// Lesson is an item that was put forward, with its provenance.
type Lesson struct {
	Rule     string           `json:"rule"`
	Kind     fingerprint.Kind `json:"kind"`
	Value    string           `json:"value"`
	Tier     fingerprint.Tier `json:"tier"`
	Decibans float64          `json:"decibans"`
	Wave     int              `json:"wave"` // that taught it; 0 for the first victim's trace
	Orgs     []string         `json:"orgs"` // that show it
	Tied     bool             `json:"tied"` // a record ties it to what was known before
	// Doubt says why a person should look twice.
	Doubt    string        `json:"doubt,omitempty"`
	Refs     []finding.Ref `json:"refs"` // records of the first organisation that shows it
	Decision Decision      `json:"decision"`
	By       string        `json:"by,omitempty"`
	Version  int           `json:"version,omitempty"` // from which on it is asked
}

const stateFile = "hunt.json"

// maxState bounds a hunt.json that is read, in bytes.
const maxState = 256 << 20

// ReadState reads the hunt.json of a folder; nil when there is none.
func ReadState(dir string) (*State, error) {
	in, err := os.Open(filepath.Join(dir, stateFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("hunt: %w", err)
	}
	defer in.Close()
	s, err := parseState(in)
	if err != nil {
		return nil, fmt.Errorf("hunt: read %s: %w", in.Name(), err)
	}
	return s, nil
}

func parseState(in io.Reader) (*State, error) {
	s := &State{}
	if err := json.NewDecoder(io.LimitReader(in, maxState)).Decode(s); err != nil {
		return nil, err
	}
	known := []Status{Running, Approving, Signing, Quiet, WaveLimit, NoneToHunt, NoneToAsk}
	if !slices.Contains(known, s.Status) || s.Status != NoneToHunt && (s.Version < 1 || s.File != versionFile(s.Version)) {
		return nil, errors.New("it is none that a hunt wrote: name another folder")
	}
	rules := map[string]bool{}
	for _, l := range s.Lessons {
		if rules[l.Rule] || !slices.Contains([]Decision{Waiting, Approved, Rejected, LeftOut}, l.Decision) {
			return nil, fmt.Errorf("item %.60q is there twice or decided in a way that is not known", l.Value)
		}
		rules[l.Rule] = true
	}
	for rule, tier := range s.Demoted {
		if !slices.Contains(tierOrder, tier) {
			return nil, fmt.Errorf("item %.60q has the unknown tier %.40q", rule, string(tier))
		}
	}
	if s.Demoted == nil {
		s.Demoted = map[string]fingerprint.Tier{}
	}
	return s, nil
}

func (s *State) save(dir string) error {
	return report.WriteFile(filepath.Join(dir, stateFile), func(w io.Writer) error {
		b, err := json.MarshalIndent(s, "", " ")
		if err != nil {
			return err
		}
		_, err = w.Write(append(b, '\n'))
		return err
	})
}

// lesson gives what was put forward for an item, nil when nothing was.
func (s *State) lesson(rule string) *Lesson {
	for i := range s.Lessons {
		if s.Lessons[i].Rule == rule {
			return &s.Lessons[i]
		}
	}
	return nil
}

// WaitingItems lists the items that wait for a person.
func (s *State) WaitingItems() (out []Lesson) {
	for _, l := range s.Lessons {
		if l.Decision == Waiting {
			out = append(out, l)
		}
	}
	return out
}
