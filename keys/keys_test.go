package keys

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"
	"golang.org/x/mod/sumdb/note"
)

func TestNewLoadSignDecrypt(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	made, err := New(dir, "alice@airline-a")
	if err != nil {
		t.Fatal(err)
	}
	k, err := Load(filepath.Join(dir, "alice@airline-a.key"))
	if err != nil {
		t.Fatal(err)
	}
	pub, err := LoadPublic(filepath.Join(dir, "alice@airline-a.pub"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(pub.Key, made.Key) || !bytes.Equal(k.Key, made.Key) || pub.Recipient != made.Recipient || pub.Name != "alice@airline-a" {
		t.Fatal("what was loaded is not what was made")
	}
	sig, err := k.Signer().Sign(nil, []byte("m"), crypto.Hash(0))
	if err != nil || !ed25519.Verify(pub.Key, []byte("m"), sig) {
		t.Errorf("signature: %v", err)
	}
	s, err := k.NoteSigner()
	if err != nil {
		t.Fatal(err)
	}
	v, err := note.NewVerifier(pub.VerifierKey())
	if err != nil {
		t.Fatal(err)
	}
	msg, err := note.Sign(&note.Note{Text: "hello\n"}, s)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := note.Open(msg, note.VerifierList(v)); err != nil {
		t.Errorf("note: %v", err)
	}
	r, err := age.ParseX25519Recipient(pub.Recipient)
	if err != nil {
		t.Fatal(err)
	}
	var box bytes.Buffer
	w, _ := age.Encrypt(&box, r)
	io.WriteString(w, "secret")
	w.Close()
	open, err := age.Decrypt(&box, k.Identity())
	if err != nil {
		t.Fatal(err)
	}
	if b, _ := io.ReadAll(open); string(b) != "secret" {
		t.Errorf("decrypted %q", b)
	}
}

func TestNeverOverwrites(t *testing.T) {
	dir := t.TempDir()
	if _, err := New(dir, "a"); err != nil {
		t.Fatal(err)
	}
	before, _ := os.ReadFile(filepath.Join(dir, "a.key"))
	if _, err := New(dir, "a"); err == nil {
		t.Error("a second key of the same name was made")
	}
	after, _ := os.ReadFile(filepath.Join(dir, "a.key"))
	if !bytes.Equal(before, after) {
		t.Error("the key was changed")
	}
	os.Remove(filepath.Join(dir, "a.key"))
	if _, err := New(dir, "a"); err == nil {
		t.Error("a foreign public key was replaced")
	}
	if _, err := os.Stat(filepath.Join(dir, "a.key")); err == nil {
		t.Error("half a key was left behind")
	}
}

func TestListTellsBadFiles(t *testing.T) {
	dir := t.TempDir()
	for _, n := range []string{"b", "a"} {
		if _, err := New(dir, n); err != nil {
			t.Fatal(err)
		}
	}
	os.WriteFile(filepath.Join(dir, "x.pub"), []byte("nonsense\n"), 0o644)
	got, err := List(dir)
	if len(got) != 2 || got[0].Name != "a" || err == nil || !strings.Contains(err.Error(), "x.pub") {
		t.Errorf("List = %v, %v", got, err)
	}
}

func TestSecretIsNotPrinted(t *testing.T) {
	k, _ := Generate("a")
	for _, s := range []string{fmt.Sprint(k), fmt.Sprintf("%v %+v %#v %s", k, k, k, k)} {
		if strings.Contains(s, "PRIVATE") || strings.Contains(s, "AGE-SECRET") || strings.Contains(s, "signing") {
			t.Errorf("printed: %s", s)
		}
	}
	path := filepath.Join(t.TempDir(), "k")
	k.Save(path)
	b, _ := os.ReadFile(path)
	if _, err := ParsePublic(b); err == nil || strings.Contains(err.Error(), k.encodeSigner()) {
		t.Errorf("a secret key taken for a public one: %v", err)
	}
}

func TestCheckName(t *testing.T) {
	for _, bad := range []string{"", "a b", "a+b", "../a", ".a", "a/b", strings.Repeat("a", 65), "é", "a\\b"} {
		if CheckName(bad) == nil {
			t.Errorf("%q accepted", bad)
		}
	}
}

func FuzzParse(f *testing.F) {
	k, _ := Generate("a")
	f.Add([]byte(k.Public.String()))
	f.Add([]byte(k.encodeSigner() + "\n" + k.identity.String()))
	f.Fuzz(func(t *testing.T, b []byte) {
		if p, err := ParsePublic(b); err == nil {
			if back, err := ParsePublic([]byte(p.String())); err != nil || !bytes.Equal(back.Key, p.Key) {
				t.Errorf("does not read back: %v", err)
			}
		}
		if k, err := ParsePrivate(b); err == nil && len(k.Key) != ed25519.PublicKeySize {
			t.Error("key without a public half")
		}
	})
}
