package casefile

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"time"

	"filippo.io/age"
	"github.com/klauspost/compress/zstd"

	"github.com/contrail-ir/contrail/dsse"
	"github.com/contrail-ir/contrail/keys"
	"github.com/contrail-ir/contrail/ledger"
	"github.com/contrail-ir/contrail/marking"
	"github.com/contrail-ir/contrail/member"
)

const (
	handoverType   = "application/vnd.contrail.handover+json"
	handoverFormat = "contrail/handover/v1"
	receiptType    = "application/vnd.contrail.receipt+json"
	receiptFormat  = "contrail/receipt/v1"
	manifestName   = "manifest.json"
	maxManifest    = 16 << 20
)

// Party is one end of a hand-over.
type Party struct {
	Name         string `json:"name"`
	Organisation string `json:"organisation,omitempty"`
	Key          string `json:"key"` // verifier key
}

// CustodyStep is one step of how the material came to be handed over, in words that may cross the boundary.
type CustodyStep struct {
	From string `json:"from"`
	To   string `json:"to"`
	When Moment `json:"when"`
	What string `json:"what"`
}

// HandoverManifest is what both ends sign for.
type HandoverManifest struct {
	Format    string          `json:"format"`
	Case      string          `json:"case"` // pseudonym
	From      Party           `json:"from"`
	To        Party           `json:"to"`
	Made      time.Time       `json:"made"`
	Authority string          `json:"authority,omitempty"`
	Marking   marking.Marking `json:"marking"`
	Policy    Policy          `json:"policy"`
	Custody   []CustodyStep   `json:"custody,omitempty"`
	Files     []HandoverFile  `json:"files"`
}

// HandoverFile is one file of a hand-over.
type HandoverFile struct {
	Name   string        `json:"name"`
	Kind   DocumentKind  `json:"kind"`
	Bytes  int64         `json:"bytes"`
	Digest ledger.Digest `json:"sha256"`
	Source string        `json:"source"` // keyed digest of the original: known to the sender only
	counts
}

// HandoverDetail is the detail of handover.sent and handover.received.
type HandoverDetail struct {
	Package  ledger.Digest  `json:"package"`
	Bytes    int64          `json:"bytes"`
	Manifest ledger.Digest  `json:"manifest"` // of the signed payload
	From     Party          `json:"from"`
	To       Party          `json:"to"`
	Files    []HandoverFile `json:"files"`
}

func (h HandoverDetail) check() error {
	for _, d := range []ledger.Digest{h.Package, h.Manifest} {
		if _, err := ledger.ParseDigest(string(d)); err != nil {
			return err
		}
	}
	for _, f := range h.Files {
		if _, err := ledger.ParseDigest(string(f.Digest)); err != nil {
			return err
		}
	}
	return nil
}

// ReceiptDetail is the payload of a receipt and the detail of receipt.received.
type ReceiptDetail struct {
	Format    string        `json:"format"`
	Package   ledger.Digest `json:"package"`
	Manifest  ledger.Digest `json:"manifest"`
	Signature string        `json:"signature"` // the sender's, countersigned by this receipt
	From      Party         `json:"from"`
	To        Party         `json:"to"`
	Received  time.Time     `json:"received"`
	Files     int           `json:"files"` // checked
}

func (r ReceiptDetail) check() error {
	if r.Format != receiptFormat {
		return fmt.Errorf("format is %.60q, not %q", r.Format, receiptFormat)
	}
	_, err := ledger.ParseDigest(string(r.Package))
	return err
}

// HandoverDocument is a document to be handed over.
type HandoverDocument struct {
	Kind DocumentKind
	Path string
}

// HandoverOptions say what is handed over to whom.
type HandoverOptions struct {
	To             keys.Public
	ToOrganisation string
	Documents      []HandoverDocument
	Policy         Policy
	Victim         member.ID // whose consent to hand over to an authority is required; "" asks for none
	Authority      string    // under which it is handed over
	Custody        []CustodyStep
	Marking        marking.Marking
	Why            string
	// Screen looks at every file as it will leave and may refuse it, for example because it finds passenger values. May be nil.
	Screen func(name string, r io.Reader) error
}

// Handover makes a signed and encrypted package in the file out, which must not exist. It is entered before the package gets its
// name, so that nothing leaves that is not in the ledger.
func (c *Case) Handover(ctx context.Context, by *keys.Private, out string, o HandoverOptions) (Entry, error) {
	e, err := c.handover(ctx, by, out, o)
	if err != nil {
		return Entry{}, fmt.Errorf("casefile: hand over to %s: %w", o.To.Name, err)
	}
	return e, nil
}

func (c *Case) handover(ctx context.Context, by *keys.Private, out string, o HandoverOptions) (Entry, error) {
	if by == nil {
		return Entry{}, errors.New("nobody signs")
	}
	if len(o.Documents) == 0 {
		return Entry{}, errors.New("nothing to hand over")
	}
	if _, err := os.Lstat(out); err == nil {
		return Entry{}, fmt.Errorf("%s exists already", out)
	}
	recipient, err := age.ParseX25519Recipient(o.To.Recipient)
	if err != nil {
		return Entry{}, fmt.Errorf("the receiver's key has no part to encrypt to: %w", err)
	}
	if o.Victim != "" {
		m, ok := c.Member(o.Victim)
		if !ok {
			return Entry{}, fmt.Errorf("%q is no member of this case", o.Victim)
		}
		if err := m.Allows(member.Authority, c.now()); err != nil {
			return Entry{}, err
		}
	}
	work, err := os.MkdirTemp(filepath.Dir(out), ".handover-")
	if err != nil {
		return Entry{}, err
	}
	defer os.RemoveAll(work)
	m, err := c.prepare(ctx, by, work, o)
	if err != nil {
		return Entry{}, err
	}
	payload, err := ledger.MarshalCanonical(m)
	if err != nil {
		return Entry{}, err
	}
	env, err := dsse.Sign(handoverType, payload, by.Signer())
	if err != nil {
		return Entry{}, err
	}
	pack := filepath.Join(work, "package")
	if err := writePackage(ctx, pack, work, env, m, recipient); err != nil {
		return Entry{}, err
	}
	d := HandoverDetail{Manifest: ledger.DigestOf(payload), From: m.From, To: m.To, Files: m.Files}
	if d.Package, d.Bytes, err = digestFile(ctx, pack); err != nil {
		return Entry{}, err
	}
	e, err := c.one(ctx, by, Draft{
		Kind: HandoverSent, Why: o.Why, Seen: []ledger.Digest{d.Package, d.Manifest}, About: []string{o.To.Name}, When: At(m.Made), Marking: o.Marking,
		Summary: fmt.Sprintf("%d files handed over to %s", len(m.Files), o.To.Name), Detail: d,
	})
	if err != nil {
		return Entry{}, err
	}
	return e, os.Rename(pack, out)
}

// prepare redacts the documents into files work/0, work/1 … and describes them.
func (c *Case) prepare(ctx context.Context, by *keys.Private, work string, o HandoverOptions) (HandoverManifest, error) {
	var m HandoverManifest
	ps, err := c.Pseudonyms()
	if err != nil {
		return m, err
	}
	red := newRedaction(ps, o.Policy)
	each := func(fn func(i int, d HandoverDocument, r io.Reader) error) error {
		for i, d := range o.Documents {
			f, err := os.Open(d.Path)
			if err != nil {
				return err
			}
			err = fn(i, d, &patient{ctx, f})
			if err = errors.Join(err, f.Close()); err != nil {
				return fmt.Errorf("%s: %w", d.Path, err)
			}
		}
		return nil
	}
	me, _ := c.Person(by.ID())
	m = HandoverManifest{
		Format: handoverFormat, Case: ps.Of("case", c.Info().ID), Made: c.now(), Authority: o.Authority, Marking: o.Marking, Policy: o.Policy, Custody: o.Custody,
		From: Party{by.Name, me.Organisation, by.VerifierKey()}, To: Party{o.To.Name, o.ToOrganisation, o.To.VerifierKey()},
	}
	// First all attacker-owned values, then all names, then the text: a name may occur before the document that tells it is one.
	if err := each(func(_ int, d HandoverDocument, r io.Reader) error {
		if d.Kind != Fingerprint && d.Kind != Trail {
			return nil
		}
		return red.learn(d.Kind, r)
	}); err != nil {
		return m, err
	}
	if err := each(func(_ int, d HandoverDocument, r io.Reader) error { return red.document(d.Kind, r, nil) }); err != nil {
		return m, err
	}
	err = each(func(i int, d HandoverDocument, r io.Reader) error {
		path := filepath.Join(work, fmt.Sprint(i))
		h := &hashing{r: r}
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return err
		}
		if err := errors.Join(red.document(d.Kind, h, f), f.Close()); err != nil {
			return err
		}
		hf := HandoverFile{Name: fmt.Sprintf("files/%d-%s.json", i, d.Kind), Kind: d.Kind, counts: red.counts}
		source := ps.Digest("source", h.sum())
		hf.Source = hex.EncodeToString(source[:])
		if hf.Digest, hf.Bytes, err = digestFile(ctx, path); err != nil {
			return err
		}
		m.Files = append(m.Files, hf)
		if o.Screen == nil {
			return nil
		}
		out, err := os.Open(path)
		if err != nil {
			return err
		}
		defer out.Close()
		return o.Screen(hf.Name, out)
	})
	if err != nil {
		return m, err
	}
	return m, red.searchManifest(m)
}

// searchManifest looks for replaced names in the words that people put into the manifest.
func (r *redaction) searchManifest(m HandoverManifest) error {
	for _, s := range m.Custody {
		for _, t := range []string{s.What, s.From, s.To} {
			if err := r.search(true, "custody", t); err != nil {
				return err
			}
		}
	}
	for _, t := range slices.Concat(m.Marking.Owners, m.Marking.Recipients) {
		if t == m.From.Organisation || t == m.To.Organisation {
			continue // the two ends know each other
		}
		if err := r.search(true, "marking", t); err != nil {
			return err
		}
	}
	for _, t := range append([]string{m.Authority, m.Policy.Name}, m.Policy.AttackerOwned...) {
		if err := r.search(true, "manifest", t); err != nil {
			return err
		}
	}
	return nil
}

func writePackage(ctx context.Context, path, work string, env *dsse.Envelope, m HandoverManifest, to age.Recipient) (err error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Sync(), f.Close()) }()
	aw, err := age.Encrypt(f, to)
	if err != nil {
		return err
	}
	zw, err := zstd.NewWriter(aw, zstd.WithEncoderConcurrency(1))
	if err != nil {
		return err
	}
	tw := tar.NewWriter(zw)
	b, err := env.Encode()
	if err != nil {
		return err
	}
	h := tar.Header{Typeflag: tar.TypeReg, Name: manifestName, Size: int64(len(b)), Mode: 0o600, ModTime: time.Unix(0, 0), Format: tar.FormatUSTAR}
	if err := tw.WriteHeader(&h); err != nil {
		return err
	}
	if _, err := tw.Write(b); err != nil {
		return err
	}
	for i, hf := range m.Files {
		if err := addFile(ctx, tw, hf.Name, filepath.Join(work, fmt.Sprint(i))); err != nil {
			return err
		}
	}
	return errors.Join(tw.Close(), zw.Close(), aw.Close())
}

// Received is what a hand-over brought.
type Received struct {
	Manifest HandoverManifest
	Files    []string // paths of the files inside the case's folder, in the manifest's order
	Entry    Entry
	Receipt  []byte // signed, for the sender's AcceptReceipt
}

// Receive opens a package that from has signed for by, checks every file against the manifest, keeps the files under evidence/,
// enters it and gives a countersigned receipt. A package is received once.
func (c *Case) Receive(ctx context.Context, by *keys.Private, path string, from keys.Public, l Limits, why string) (Received, error) {
	r, err := c.receive(ctx, by, path, from, l.orDefault(), why)
	if err != nil {
		return Received{}, fmt.Errorf("casefile: receive %s: %w", path, err)
	}
	return r, nil
}

func (c *Case) receive(ctx context.Context, by *keys.Private, path string, from keys.Public, l Limits, why string) (Received, error) {
	var out Received
	if by == nil || by.Identity() == nil {
		return out, errors.New("a secret key with which it can be decrypted is needed")
	}
	pack, size, err := digestFile(ctx, path)
	if err != nil {
		return out, err
	}
	for e, err := range c.Entries(ctx, Query{Kinds: []Kind{HandoverReceived}, Seen: pack}) {
		if err != nil {
			return out, err
		}
		return out, fmt.Errorf("this package was received already, entry %d", e.Seq)
	}
	work, err := os.MkdirTemp(filepath.Dir(c.dir), "."+filepath.Base(c.dir)+".receive-")
	if err != nil {
		return out, err
	}
	defer os.RemoveAll(work)
	m, env, err := openPackage(ctx, path, work, by, from, l)
	if err != nil {
		return out, err
	}
	d := HandoverDetail{Package: pack, Bytes: size, Manifest: ledger.DigestOf(env.Payload), From: m.From, To: m.To, Files: m.Files}
	es, err := c.record(ctx, by, func() error {
		for _, hf := range m.Files {
			dst := filepath.Join(c.dir, filepath.FromSlash(copyPath(hf.Digest)))
			if err := os.MkdirAll(filepath.Dir(dst), 0o700); err != nil {
				return err
			}
			src, err := os.Open(filepath.Join(work, filepath.Base(copyPath(hf.Digest))))
			if err != nil {
				return err
			}
			_, err = writeFile(dst, src, hf.Bytes)
			if err = errors.Join(err, src.Close()); err != nil {
				return err
			}
		}
		return nil
	}, Draft{
		Kind: HandoverReceived, Why: why, Seen: []ledger.Digest{d.Package, d.Manifest}, About: []string{m.From.Name}, When: At(c.now()), Marking: m.Marking,
		Summary: fmt.Sprintf("%d files received from %s", len(m.Files), m.From.Name), Detail: d,
	})
	if err != nil {
		return out, err
	}
	out.Manifest, out.Entry = m, es[0]
	for _, hf := range m.Files {
		out.Files = append(out.Files, copyPath(hf.Digest))
	}
	receipt := ReceiptDetail{
		Format: receiptFormat, Package: d.Package, Manifest: d.Manifest, Signature: base64.StdEncoding.EncodeToString(env.Signatures[0].Sig),
		From: m.From, To: m.To, Received: es[0].Recorded, Files: len(m.Files),
	}
	payload, err := ledger.MarshalCanonical(receipt)
	if err != nil {
		return out, err
	}
	signed, err := dsse.Sign(receiptType, payload, by.Signer())
	if err != nil {
		return out, err
	}
	out.Receipt, err = signed.Encode()
	return out, err
}

var handoverName = regexp.MustCompile(`^files/[0-9]{1,6}-[a-z]{1,32}\.json$`)

// openPackage decrypts a package and unpacks it into work under the files' digests, believing nothing before it is checked.
func openPackage(ctx context.Context, path, work string, by *keys.Private, from keys.Public, l Limits) (HandoverManifest, *dsse.Envelope, error) {
	var m HandoverManifest
	var env *dsse.Envelope
	f, err := os.Open(path)
	if err != nil {
		return m, nil, err
	}
	defer f.Close()
	ar, err := age.Decrypt(&patient{ctx, f}, by.Identity())
	if err != nil {
		return m, nil, fmt.Errorf("it cannot be decrypted with this key: %w", err)
	}
	zr, err := newDecoder(ar)
	if err != nil {
		return m, nil, err
	}
	defer zr.Close()
	next := 0
	err = eachMember(zr, l, func(h *tar.Header, body io.Reader) error {
		if env == nil {
			if h.Name != manifestName || h.Size > maxManifest {
				return errors.New("it does not begin with a manifest")
			}
			b, err := io.ReadAll(body)
			if err != nil {
				return err
			}
			if env, err = dsse.Parse(b); err != nil {
				return err
			}
			m, err = readManifest(env, by, from)
			return err
		}
		if next >= len(m.Files) || h.Name != m.Files[next].Name || h.Size != m.Files[next].Bytes {
			return fmt.Errorf("file %.100q is not what the manifest says comes next", h.Name)
		}
		hf := m.Files[next]
		next++
		d, err := writeFile(filepath.Join(work, filepath.Base(copyPath(hf.Digest))), body, hf.Bytes)
		if err == nil && d != hf.Digest {
			err = fmt.Errorf("file %s is not the one that was signed", hf.Name)
		}
		return err
	})
	switch {
	case err != nil:
		return m, nil, err
	case env == nil:
		return m, nil, errors.New("it is empty")
	case next != len(m.Files):
		return m, nil, fmt.Errorf("%d of %d files are missing", len(m.Files)-next, len(m.Files))
	}
	return m, env, nil
}

func readManifest(env *dsse.Envelope, by *keys.Private, from keys.Public) (HandoverManifest, error) {
	var m HandoverManifest
	if len(env.Signatures) != 1 {
		return m, errors.New("the manifest has not exactly one signature")
	}
	payload, _, err := env.Verify(handoverType, 1, from.Key)
	if err != nil {
		return m, fmt.Errorf("it was not signed by %s: %w", from.Name, err)
	}
	if err := json.Unmarshal(payload, &m); err != nil {
		return m, err
	}
	if m.Format != handoverFormat {
		return m, fmt.Errorf("its format is %.60q, not %q", m.Format, handoverFormat)
	}
	to, err := keys.ParsePublic([]byte(m.To.Key))
	if err != nil {
		return m, err
	}
	if !bytes.Equal(to.Key, by.Key) {
		return m, fmt.Errorf("it is meant for %.80q, not for %s", m.To.Name, by.Name)
	}
	sender, err := keys.ParsePublic([]byte(m.From.Key))
	if err != nil {
		return m, err
	}
	if !bytes.Equal(sender.Key, from.Key) {
		return m, errors.New("it names another sender than signed it")
	}
	for _, f := range m.Files {
		if _, err := ledger.ParseDigest(string(f.Digest)); err != nil {
			return m, err
		}
		if !handoverName.MatchString(f.Name) || f.Bytes < 0 {
			return m, fmt.Errorf("file %.100q has no valid name or size", f.Name)
		}
	}
	return m, nil
}

// AcceptReceipt checks a receipt signed by from against this case's own handover.sent, and enters it.
func (c *Case) AcceptReceipt(ctx context.Context, by *keys.Private, receipt []byte, from keys.Public, why string) (Entry, error) {
	e, err := c.acceptReceipt(ctx, by, receipt, from, why)
	if err != nil {
		return Entry{}, fmt.Errorf("casefile: receipt of %s: %w", from.Name, err)
	}
	return e, nil
}

func (c *Case) acceptReceipt(ctx context.Context, by *keys.Private, receipt []byte, from keys.Public, why string) (Entry, error) {
	env, err := dsse.Parse(receipt)
	if err != nil {
		return Entry{}, err
	}
	payload, _, err := env.Verify(receiptType, 1, from.Key)
	if err != nil {
		return Entry{}, err
	}
	var r ReceiptDetail
	if err := json.Unmarshal(payload, &r); err != nil {
		return Entry{}, err
	}
	if err := r.check(); err != nil {
		return Entry{}, err
	}
	for sent, err := range c.Entries(ctx, Query{Kinds: []Kind{HandoverSent}, Seen: r.Package}) {
		if err != nil {
			return Entry{}, err
		}
		var d HandoverDetail
		if err := sent.Decode(&d); err != nil {
			return Entry{}, err
		}
		to, err := keys.ParsePublic([]byte(d.To.Key))
		if err != nil {
			return Entry{}, err
		}
		switch {
		case !ed25519.PublicKey.Equal(to.Key, from.Key):
			return Entry{}, fmt.Errorf("entry %d was handed over to %s, not to %s", sent.Seq, d.To.Name, from.Name)
		case r.Manifest != d.Manifest || r.Files != len(d.Files):
			return Entry{}, fmt.Errorf("it is not for what entry %d handed over", sent.Seq)
		}
		return c.one(ctx, by, Draft{
			Kind: ReceiptReceived, Why: why, Seen: []ledger.Digest{r.Package, ledger.DigestOf(receipt)}, About: []string{from.Name}, When: At(r.Received),
			Marking: sent.Marking, Summary: fmt.Sprintf("%s confirms the hand-over of entry %d", from.Name, sent.Seq), Detail: r,
		})
	}
	return Entry{}, errors.New("no such package was handed over from this case")
}
