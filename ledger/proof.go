package ledger

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"golang.org/x/mod/sumdb/tlog"
)

const (
	inclusionFormat   = "contrail/ledger-inclusion/v1"
	consistencyFormat = "contrail/ledger-consistency/v1"
	maxPath           = 64 // a tree of 2^62 leaves has no longer path
)

// MaxProof bounds the bytes of a proof.
const MaxProof = 2*MaxEntry + 16<<10

// ErrOtherProof says that a file proves something else than what was to be checked.
var ErrOtherProof = errors.New("it is no proof of this")

type proofFile struct {
	Format string   `json:"format"`
	Entry  string   `json:"entry,omitempty"`
	Head   string   `json:"head,omitempty"`
	Old    string   `json:"old,omitempty"`
	New    string   `json:"new,omitempty"`
	Proof  []string `json:"proof"`
}

// ProveInclusion gives a proof that the entry is in the ledger, for VerifyInclusion. The hashes it uses are checked
// against the head, so a damaged ledger gives an error, not a proof that fails elsewhere.
func (l *Ledger) ProveInclusion(e *Entry) ([]byte, error) {
	h, err := l.Head()
	if err != nil {
		return nil, err
	}
	fail := func(err error) ([]byte, error) { return nil, fmt.Errorf("ledger: prove entry %d: %w", e.Seq, err) }
	if e.Seq >= h.Size {
		return fail(fmt.Errorf("there are only %d entries", h.Size))
	}
	p, err := tlog.ProveRecord(int64(h.Size), int64(e.Seq), l.authentic(h))
	if err != nil {
		return fail(err)
	}
	if err := tlog.CheckRecord(p, int64(h.Size), h.Root, int64(e.Seq), e.Hash()); err != nil {
		return fail(errors.New("this entry is not the one in the tree"))
	}
	return json.Marshal(proofFile{Format: inclusionFormat, Entry: string(e.line), Head: string(h.Note), Proof: encodePath(p)})
}

// ProveConsistency gives a proof that the ledger extends an earlier head of it, for VerifyConsistency.
func (l *Ledger) ProveConsistency(old Head) ([]byte, error) {
	h, err := l.Head()
	if err != nil {
		return nil, err
	}
	fail := func(err error) ([]byte, error) {
		return nil, fmt.Errorf("ledger: prove growth from %d to %d entries: %w", old.Size, h.Size, err)
	}
	if old.Size > h.Size {
		return fail(errors.New("the ledger was rolled back or truncated"))
	}
	var p tlog.TreeProof
	if old.Size > 0 {
		if p, err = tlog.ProveTree(int64(h.Size), int64(old.Size), l.authentic(h)); err != nil {
			return fail(err)
		}
	}
	if err := checkGrowth(p, old, h); err != nil {
		return fail(errors.New("its beginning is not what the earlier head says"))
	}
	return json.Marshal(proofFile{Format: consistencyFormat, Old: string(old.Note), New: string(h.Note), Proof: encodePath(p)})
}

func (l *Ledger) authentic(h Head) tlog.HashReader {
	return tlog.TileHashReader(tlog.Tree{N: int64(h.Size), Hash: h.Root}, diskTiles(l.dir))
}

// VerifyInclusion checks, with nothing but the ledger's verifier key, a proof of ProveInclusion, and gives the entry and the head
// under which it is in the ledger. The author's signature is checked too; whether that author may is not the ledger's to say.
func VerifyInclusion(proof []byte, key string) (Entry, Head, error) {
	e, h, err := verifyInclusion(proof, key)
	if err != nil {
		return Entry{}, Head{}, fmt.Errorf("ledger: proof of inclusion: %w", err)
	}
	return e, h, nil
}

func verifyInclusion(proof []byte, key string) (e Entry, h Head, err error) {
	p, path, err := parseProof(proof, inclusionFormat)
	if err != nil {
		return e, h, err
	}
	if h, err = ParseHead([]byte(p.Head), key); err != nil {
		return e, h, err
	}
	if e, err = ParseEntry([]byte(p.Entry)); err != nil {
		return e, h, err
	}
	if err := e.VerifySignature(); err != nil {
		return e, h, err
	}
	if e.Seq >= h.Size {
		return e, h, fmt.Errorf("entry %d is not among %d", e.Seq, h.Size)
	}
	return e, h, tlog.CheckRecord(path, int64(h.Size), h.Root, int64(e.Seq), e.Hash())
}

// VerifyConsistency checks, with nothing but the ledger's verifier key, a proof of ProveConsistency, and gives both heads.
func VerifyConsistency(proof []byte, key string) (from, to Head, err error) {
	from, to, err = verifyConsistency(proof, key)
	if err != nil {
		return Head{}, Head{}, fmt.Errorf("ledger: proof of consistency: %w", err)
	}
	return from, to, nil
}

func verifyConsistency(proof []byte, key string) (from, to Head, err error) {
	p, path, err := parseProof(proof, consistencyFormat)
	if err != nil {
		return from, to, err
	}
	if from, err = ParseHead([]byte(p.Old), key); err != nil {
		return from, to, err
	}
	if to, err = ParseHead([]byte(p.New), key); err != nil {
		return from, to, err
	}
	return from, to, checkGrowth(path, from, to)
}

func checkGrowth(path []tlog.Hash, from, to Head) error {
	if from.Size > to.Size {
		return fmt.Errorf("the old head has %d entries, the new one %d", from.Size, to.Size)
	}
	if from.Size == 0 { // tlog proves nothing about the empty tree, of which every tree is an extension
		if empty, err := tlog.TreeHash(0, nil); err != nil || empty != from.Root || len(path) != 0 {
			return errors.New("malformed empty head")
		}
		return nil
	}
	return tlog.CheckTree(path, int64(to.Size), to.Root, int64(from.Size), from.Root)
}

func encodePath(path []tlog.Hash) []string {
	out := make([]string, len(path))
	for i, h := range path {
		out[i] = b64(h[:])
	}
	return out
}

func parseProof(b []byte, format string) (p proofFile, path []tlog.Hash, err error) {
	if len(b) > MaxProof {
		return p, nil, fmt.Errorf("larger than %d bytes", MaxProof)
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&p); err != nil {
		return p, nil, err
	}
	if _, err := dec.Token(); err != io.EOF {
		return p, nil, errors.New("something follows it")
	}
	if p.Format != format {
		return p, nil, fmt.Errorf("%w: format is %.60q, not %q", ErrOtherProof, p.Format, format)
	}
	if len(p.Proof) > 2*maxPath {
		return p, nil, fmt.Errorf("%d hashes", len(p.Proof))
	}
	for _, s := range p.Proof {
		h, err := tlog.ParseHash(s)
		if err != nil {
			return p, nil, err
		}
		path = append(path, h)
	}
	return p, path, nil
}
