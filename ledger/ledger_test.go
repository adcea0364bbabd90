package ledger

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type fixture struct {
	key    string
	signer note.Signer
	author ed25519.PrivateKey
}

func newFixture(tb testing.TB) fixture {
	tb.Helper()
	skey, vkey, err := note.GenerateKey(nil, "contrail-case-test")
	if err != nil {
		tb.Fatal(err)
	}
	s, err := note.NewSigner(skey)
	if err != nil {
		tb.Fatal(err)
	}
	_, author, err := ed25519.GenerateKey(nil)
	if err != nil {
		tb.Fatal(err)
	}
	return fixture{vkey, s, author}
}

func (fx fixture) create(tb testing.TB) *Ledger {
	tb.Helper()
	l, err := Create(filepath.Join(tb.TempDir(), "ledger"), fx.key, Options{Head: fx.signer})
	if err != nil {
		tb.Fatal(err)
	}
	return l
}

func (fx fixture) append(tb testing.TB, l *Ledger, n int) []Entry {
	tb.Helper()
	drafts := make([]Draft, n)
	for i := range drafts {
		drafts[i] = Draft{Kind: "note", Version: 1, Why: fmt.Sprintf("entry <%d> & 第", i), Seen: []Digest{DigestOf([]byte{byte(i)})}, Data: json.RawMessage(fmt.Sprintf(`{"z":%d,"a":[1.50,"x"]}`, i))}
	}
	es, err := l.Append(context.Background(), fx.author, drafts...)
	if err != nil {
		tb.Fatal(err)
	}
	return es
}

func mustVerify(tb testing.TB, dir string, opts VerifyOptions) *Report {
	tb.Helper()
	r, err := Verify(context.Background(), dir, opts)
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

// mth is the definition of RFC 6962, section 2.1, followed to the letter.
func mth(leaves [][]byte) [32]byte {
	switch len(leaves) {
	case 0:
		return sha256.Sum256(nil)
	case 1:
		return sha256.Sum256(append([]byte{0}, leaves[0]...))
	}
	k := 1
	for k*2 < len(leaves) {
		k *= 2
	}
	a, b := mth(leaves[:k]), mth(leaves[k:])
	return sha256.Sum256(append(append([]byte{1}, a[:]...), b[:]...))
}

func TestRootIsThatOfRFC6962(t *testing.T) {
	fx := newFixture(t)
	l := fx.create(t)
	var leaves [][]byte
	for _, n := range []int{1, 1, 1, 4, 57, 191, 1, 1, 300, 1, 513} {
		for _, e := range fx.append(t, l, n) {
			leaves = append(leaves, bytes.Clone(e.Line()))
		}
		h, err := l.Head()
		if err != nil {
			t.Fatal(err)
		}
		if want := mth(leaves); h.Root != tlog.Hash(want) || h.Size != uint64(len(leaves)) {
			t.Fatalf("after %d entries: root %v, want %x", len(leaves), h.Root, want)
		}
		if r := mustVerify(t, l.Dir(), VerifyOptions{Key: fx.key}); !r.OK() || r.Entries != h.Size || len(r.Notes) > 0 {
			t.Fatalf("after %d entries: %v %v", len(leaves), r.Problems, r.Notes)
		}
	}
	i := 0
	for e, err := range l.Entries(context.Background(), 200, 600) {
		if err != nil || e.Seq != uint64(200+i) || !bytes.Equal(e.Line(), leaves[200+i]) {
			t.Fatalf("entry %d: %v", 200+i, err)
		}
		i++
	}
	if i != 400 {
		t.Errorf("%d entries of 400", i)
	}
	if _, err := l.Entry(context.Background(), uint64(len(leaves))); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("entry behind the head: %v", err)
	}
}

func TestProofsVerifyOffline(t *testing.T) {
	fx := newFixture(t)
	l := fx.create(t)
	heads := []Head{}
	keep := func() {
		h, err := l.Head()
		if err != nil {
			t.Fatal(err)
		}
		heads = append(heads, h)
	}
	keep()
	var all []Entry
	for _, n := range []int{1, 2, 5, 248, 1, 44} {
		all = append(all, fx.append(t, l, n)...)
		keep()
	}
	for _, i := range []int{0, 1, 7, 254, 255, 256, 300} {
		p, err := l.ProveInclusion(&all[i])
		if err != nil {
			t.Fatal(err)
		}
		e, h, err := VerifyInclusion(p, fx.key)
		if err != nil || e.Seq != uint64(i) || h.Size != 301 {
			t.Errorf("inclusion of %d: %v", i, err)
		}
		if _, _, err := VerifyInclusion(p, newFixture(t).key); err == nil {
			t.Error("verified with another ledger's key")
		}
		other := bytes.Replace(p, []byte(`entry \u003c`), []byte(`entry \u003e`), 1)
		if _, _, err := VerifyInclusion(other, fx.key); bytes.Equal(other, p) || err == nil {
			t.Error("a changed entry is included")
		}
	}
	for _, h := range heads {
		p, err := l.ProveConsistency(h)
		if err != nil {
			t.Fatal(err)
		}
		from, to, err := VerifyConsistency(p, fx.key)
		if err != nil || from.Size != h.Size || to.Size != 301 {
			t.Errorf("growth from %d: %v", h.Size, err)
		}
	}
	// Another history under the same key.
	twin := fx.create(t)
	fx.append(t, twin, 3)
	h, _ := twin.Head()
	if _, err := l.ProveConsistency(h); err == nil {
		t.Error("growth proved from a history that was never this ledger's")
	}
	if r := mustVerify(t, l.Dir(), VerifyOptions{Saved: h.Note}); r.OK() || !strings.Contains(r.Problems[0].What, "another history") {
		t.Errorf("%v", r.Problems)
	}
	if _, err := twin.ProveInclusion(&all[1]); err == nil {
		t.Error("inclusion proved of an entry of another ledger")
	}
}

func TestEveryFlippedByteIsNoticed(t *testing.T) {
	fx := newFixture(t)
	l := fx.create(t)
	fx.append(t, l, 5)
	each, step := 0, 1
	if testing.Short() {
		step = 5
	}
	filepath.WalkDir(l.Dir(), func(path string, d fs.DirEntry, err error) error {
		if d.IsDir() {
			return nil
		}
		good, _ := os.ReadFile(path)
		for i := 0; i < len(good); i += step {
			bad := bytes.Clone(good)
			bit := byte(1) << (i % 8)
			if i%2 == 0 {
				bit = 1 << 5 // changes the case of a letter
			}
			bad[i] ^= bit
			os.WriteFile(path, bad, 0o600)
			if r := mustVerify(t, l.Dir(), VerifyOptions{}); r.OK() {
				t.Errorf("%s: flip of %02x at %d of %d not noticed", path, bit, i, len(good))
			}
			each++
		}
		os.WriteFile(path, good, 0o600)
		return nil
	})
	if each < 1000/step {
		t.Errorf("only %d flips tried", each)
	}
}

func TestVerifyNamesTheFirstWrongEntry(t *testing.T) {
	fx := newFixture(t)
	l := fx.create(t)
	fx.append(t, l, 300)
	path := filepath.Join(l.Dir(), segmentPath(0))
	good, _ := os.ReadFile(path)
	lines := bytes.SplitAfter(good, []byte("\n"))
	for name, change := range map[string]func([][]byte) [][]byte{
		"changed": func(l [][]byte) [][]byte {
			l[17] = bytes.Replace(l[17], []byte(`"z":17`), []byte(`"z":18`), 1)
			return l
		},
		"swapped":  func(l [][]byte) [][]byte { l[17], l[18] = l[18], l[17]; return l },
		"removed":  func(l [][]byte) [][]byte { return append(l[:17:17], l[18:]...) },
		"repeated": func(l [][]byte) [][]byte { l[17] = l[16]; return l },
		"cut":      func(l [][]byte) [][]byte { return l[:17] },
		"cut within": func(l [][]byte) [][]byte {
			l[17] = l[17][:20]
			return l[:18]
		},
		"emptied": func(l [][]byte) [][]byte { l[17] = []byte("\n"); return l },
		"long":    func(l [][]byte) [][]byte { l[17] = append(bytes.Repeat([]byte("x"), 3<<20), '\n'); return l },
	} {
		os.WriteFile(path, bytes.Join(change(append([][]byte(nil), lines...)), nil), 0o600)
		r := mustVerify(t, l.Dir(), VerifyOptions{})
		if r.OK() || r.Problems[0].Entry != 17 || r.Entries != 17 {
			t.Errorf("%s: %v", name, r.Problems)
		}
	}
}

func TestRollbackIsNoticedAgainstASavedHead(t *testing.T) {
	fx := newFixture(t)
	l := fx.create(t)
	fx.append(t, l, 10)
	old := filepath.Join(t.TempDir(), "old")
	if err := os.CopyFS(old, os.DirFS(l.Dir())); err != nil {
		t.Fatal(err)
	}
	fx.append(t, l, 3)
	saved, _ := l.Head()
	if r := mustVerify(t, old, VerifyOptions{}); !r.OK() {
		t.Fatalf("the old copy alone is whole: %v", r.Problems)
	}
	r := mustVerify(t, old, VerifyOptions{Saved: saved.Note})
	if r.OK() || !strings.Contains(r.Problems[0].What, "rolled back") {
		t.Errorf("%v", r.Problems)
	}
	fx.append(t, l, 300)
	if r := mustVerify(t, l.Dir(), VerifyOptions{Saved: saved.Note}); !r.OK() {
		t.Errorf("a grown ledger is not rolled back: %v", r.Problems)
	}
}

// TestCrashAtEveryWrite takes a copy of the folder at every write and sync, with the write done by half, as a crash there would leave it.
func TestCrashAtEveryWrite(t *testing.T) {
	fx := newFixture(t)
	l := fx.create(t)
	fx.append(t, l, 250)
	acked := uint64(250)
	type copied struct {
		dir   string
		acked uint64
	}
	var copies []copied
	snapshot := func() {
		dir := filepath.Join(t.TempDir(), "ledger")
		if err := os.CopyFS(dir, os.DirFS(l.Dir())); err != nil {
			t.Fatal(err)
		}
		copies = append(copies, copied{dir, acked})
	}
	l.write = func(f *os.File, b []byte) (int, error) {
		n, err := f.Write(b[:len(b)/2])
		if err != nil {
			return n, err
		}
		snapshot()
		m, err := f.Write(b[len(b)/2:])
		return n + m, err
	}
	l.sync = func(f *os.File) error { snapshot(); return f.Sync() }
	for _, n := range []int{1, 4, 3, 1, 257, 1} { // crosses a tile and spans one
		fx.append(t, l, n)
		acked += uint64(n)
	}
	torn := 0
	for i, c := range copies {
		r := mustVerify(t, c.dir, VerifyOptions{Key: fx.key})
		if !r.OK() || r.Entries < c.acked {
			t.Fatalf("crash %d: before repair %d of %d entries: %v", i, r.Entries, c.acked, r.Problems)
		}
		again, err := Open(c.dir, Options{Head: fx.signer})
		if err != nil {
			t.Fatalf("crash %d: %v", i, err)
		}
		fx.append(t, again, 2)
		r = mustVerify(t, c.dir, VerifyOptions{Key: fx.key})
		if !r.OK() || r.Entries < c.acked+2 {
			t.Fatalf("crash %d: after repair %d of %d entries: %v", i, r.Entries, c.acked+2, r.Problems)
		}
		for _, x := range again.Torn() {
			torn++
			if x.Bytes > 0 {
				if info, err := os.Stat(filepath.Join(c.dir, filepath.FromSlash(x.Saved))); err != nil || info.Size() != x.Bytes {
					t.Errorf("crash %d: the cut bytes were not kept: %v", i, err)
				}
			}
		}
	}
	if torn < len(copies)/2 {
		t.Errorf("only %d of %d crashes left something to repair", torn, len(copies))
	}
}

func TestFullDiskLosesNothing(t *testing.T) {
	fx := newFixture(t)
	l := fx.create(t)
	fx.append(t, l, 254)
	size := uint64(254)
	failed := 0
	for call := 0; size == 254; call++ { // fails at the first write, then at the second … until no failure is left to come
		n := 0
		full := func() bool { n++; return n == call+1 }
		l.write = func(f *os.File, b []byte) (int, error) {
			if full() {
				k, _ := f.Write(b[:len(b)/3])
				return k, &fs.PathError{Op: "write", Path: f.Name(), Err: syscall.ENOSPC}
			}
			return f.Write(b)
		}
		l.sync = func(f *os.File) error {
			if full() {
				return &fs.PathError{Op: "sync", Path: f.Name(), Err: syscall.ENOSPC}
			}
			return f.Sync()
		}
		_, err := l.Append(context.Background(), fx.author, Draft{Kind: "note", Version: 1}, Draft{Kind: "note", Version: 1}, Draft{Kind: "note", Version: 1})
		if err != nil {
			failed++
			if !strings.Contains(err.Error(), "disk is full") || !strings.Contains(err.Error(), l.Dir()) {
				t.Errorf("unclear: %v", err)
			}
		} else {
			size += 3
		}
		if r := mustVerify(t, l.Dir(), VerifyOptions{}); !r.OK() || r.Entries != size || len(r.Notes) > 0 {
			t.Fatalf("after failure %d: %d of %d entries, %v %v", call, r.Entries, size, r.Problems, r.Notes)
		}
	}
	if failed != 12 {
		t.Errorf("only %d failures", failed)
	}
}

func TestLostEntriesAreNotRepaired(t *testing.T) {
	for _, name := range []string{segmentPath(0), tilePath(0, 0)} {
		fx := newFixture(t)
		l := fx.create(t)
		fx.append(t, l, 5)
		path := filepath.Join(l.Dir(), name)
		info, _ := os.Stat(path)
		os.Truncate(path, info.Size()-10)
		again, err := Open(l.Dir(), Options{Head: fx.signer})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := again.Append(context.Background(), fx.author, Draft{Kind: "note", Version: 1}); !errors.Is(err, ErrLost) {
			t.Errorf("%s cut: %v", name, err)
		}
		os.Remove(path)
		if _, err := again.Append(context.Background(), fx.author, Draft{Kind: "note", Version: 1}); !errors.Is(err, ErrLost) {
			t.Errorf("%s removed: %v", name, err)
		}
	}
}

func TestSecondWriterWaitsOrIsTold(t *testing.T) {
	fx := newFixture(t)
	l := fx.create(t)
	hasty, err := Open(l.Dir(), Options{Head: fx.signer, Wait: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	patient, err := Open(l.Dir(), Options{Head: fx.signer, Wait: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	err = l.Update(context.Background(), func(w *Writer) error {
		if _, err := hasty.Append(context.Background(), fx.author, Draft{Kind: "note", Version: 1}); !errors.Is(err, ErrLocked) {
			t.Errorf("the second writer was not told: %v", err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if _, err := patient.Append(ctx, fx.author, Draft{Kind: "note", Version: 1}); !errors.Is(err, context.Canceled) {
			t.Errorf("waiting cannot be interrupted: %v", err)
		}
		go func() {
			_, err := patient.Append(context.Background(), fx.author, Draft{Kind: "note", Version: 1})
			done <- err
		}()
		time.Sleep(30 * time.Millisecond)
		_, err := w.Append(fx.author, Draft{Kind: "note", Version: 1})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Errorf("the patient writer: %v", err)
	}
	if r := mustVerify(t, l.Dir(), VerifyOptions{}); !r.OK() || r.Entries != 2 {
		t.Errorf("%d entries, %v", r.Entries, r.Problems)
	}
}

func TestAppendRefuses(t *testing.T) {
	fx := newFixture(t)
	l := fx.create(t)
	for name, d := range map[string]Draft{
		"kind": {Kind: "Note", Version: 1}, "no kind": {Version: 1}, "version": {Kind: "note"},
		"digest": {Kind: "note", Version: 1, Seen: []Digest{"md5:00"}}, "list": {Kind: "note", Version: 1, Data: json.RawMessage(`[]`)},
		"duplicate": {Kind: "note", Version: 1, Data: json.RawMessage(`{"a":1,"a":2}`)}, "large": {Kind: "note", Version: 1, Why: strings.Repeat("x", MaxEntry)},
		"big number": {Kind: "note", Version: 1, Data: json.RawMessage(`{"a":9007199254740993}`)},
	} {
		if _, err := l.Append(context.Background(), fx.author, Draft{Kind: "note", Version: 1}, d); err == nil {
			t.Errorf("%s accepted", name)
		}
	}
	if h, _ := l.Head(); h.Size != 0 {
		t.Errorf("half of a batch was entered: %d", h.Size)
	}
	reader, _ := Open(l.Dir(), Options{})
	if _, err := reader.Append(context.Background(), fx.author, Draft{Kind: "note", Version: 1}); !errors.Is(err, ErrReadOnly) {
		t.Errorf("%v", err)
	}
	if _, err := Open(l.Dir(), Options{Head: newFixture(t).signer}); err == nil {
		t.Error("opened with another ledger's signer")
	}
	if _, err := Create(l.Dir(), fx.key, Options{Head: fx.signer}); err == nil {
		t.Error("created over an existing ledger")
	}
}

func TestCanonicalOfRFC8785(t *testing.T) {
	for in, want := range map[string]string{
		`{"numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
		  "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/", "literals": [null, true, false]}`: `{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}`,
		`{"\u20ac":1,"\r":2,"\ufb33":3,"1":4,"\ud83d\ude00":5,"\u0080":6,"\u00f6":7}`: "{\"\\r\":2,\"1\":4,\"\u0080\":6,\"ö\":7,\"€\":1,\"😀\":5,\"\ufb33\":3}",
		`-0`: `0`, `[ ]`: `[]`, ` {} `: `{}`, `"<\u2028>"`: "\"<\u2028>\"", `9007199254740992`: `9007199254740992`, `1e21`: `1e+21`, `0.0`: `0`,
	} {
		got, err := Canonical([]byte(in))
		if err != nil || string(got) != want {
			t.Errorf("Canonical(%s) = %s, %v; want %s", in, got, err, want)
		}
	}
	for _, in := range []string{``, `{`, `[1,]`, `{"a":1,"a":1}`, `{"a":1,"\u0061":1}`, `"\ud800"`, `"\ud800\u0041"`, "\"\xff\"", `01`, `1.`, `.5`, `1e`, `+1`, `1e999`, `NaN`,
		`9007199254740993`, `tru`, `[] []`, "\"\n\"", `"\x"`, `"\u00g0"`, `"\u+123"`, strings.Repeat("[", 100) + strings.Repeat("]", 100)} {
		if got, err := Canonical([]byte(in)); err == nil {
			t.Errorf("Canonical(%.40q) = %s", in, got)
		}
	}
}

func FuzzCanonical(f *testing.F) {
	f.Add([]byte(`{"b":[1,2.5,-1e-7],"a":"\u00e9\ud83d\ude00"}`))
	f.Add([]byte(`"\ud800"`))
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := Canonical(b)
		if err != nil {
			return
		}
		if !json.Valid(b) || !json.Valid(got) {
			t.Fatalf("%q is not JSON", b)
		}
		again, err := Canonical(got)
		if err != nil || !bytes.Equal(again, got) {
			t.Errorf("not stable: %q, %q, %v", got, again, err)
		}
		var x, y any
		if json.Unmarshal(b, &x) == nil && json.Unmarshal(got, &y) == nil && !reflect.DeepEqual(x, y) {
			t.Errorf("%q changed its value: %q", b, got)
		}
	})
}

func FuzzParseEntry(f *testing.F) {
	fx := newFixture(f)
	e := Entry{Time: time.Unix(1, 5).UTC(), Author: fx.author.Public().(ed25519.PublicKey), Kind: "note", Version: 1}
	if err := e.sign(fx.author); err != nil {
		f.Fatal(err)
	}
	f.Add(e.line)
	f.Add(bytes.Replace(e.line, []byte(`"seen":[]`), []byte(`"seen":null`), 1))
	f.Fuzz(func(t *testing.T, line []byte) {
		e, err := ParseEntry(line)
		if err != nil {
			return
		}
		if !bytes.Equal(e.Line(), line) {
			t.Error("two spellings of one entry")
		}
		body, err := e.encode(nil)
		if err != nil {
			t.Fatal(err)
		}
		if want := ed25519.Verify(e.Author, append([]byte(signaturePrefix), body...), e.Sig); want != (e.VerifySignature() == nil) {
			t.Error("the signature was verified over other bytes than those that were encoded")
		}
	})
}

func FuzzParseHead(f *testing.F) {
	fx := newFixture(f)
	h, _ := Head{Name: "contrail-case-test", Size: 3}.sign(fx.signer)
	f.Add(h.Note)
	f.Fuzz(func(t *testing.T, b []byte) {
		if got, err := ParseHead(b, fx.key); err == nil && !bytes.Equal(b, h.Note) {
			t.Errorf("a head that nobody signed: %q %v", b, got)
		}
	})
}

func FuzzVerifyProof(f *testing.F) {
	fx := newFixture(f)
	l := fx.create(f)
	es := fx.append(f, l, 3)
	p, err := l.ProveInclusion(&es[1])
	if err != nil {
		f.Fatal(err)
	}
	h, _ := l.Head()
	q, _ := l.ProveConsistency(h)
	f.Add(p)
	f.Add(q)
	f.Fuzz(func(t *testing.T, b []byte) {
		if e, _, err := VerifyInclusion(b, fx.key); err == nil && !bytes.Equal(e.Line(), es[1].Line()) {
			t.Error("an entry that was never entered")
		}
		VerifyConsistency(b, fx.key)
	})
}
