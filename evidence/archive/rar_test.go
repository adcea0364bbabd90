package archive

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/contrail-ir/contrail/internal/require"
)

// rarFile is a RAR 5 archive under way, of members that are stored as they are.
type rarFile struct {
	b     []byte
	flags uint64 // of the archive
	key   []byte // of headers, where they are encrypted
}

const rarSignature = "Rar!\x1a\x07\x01\x00"

// header writes a block: kind, flags and what the kind has, extra records, and how long the content is that follows.
func (r *rarFile) header(kind, flags uint64, body, extra, data []byte) {
	h := binary.AppendUvarint(nil, kind)
	if extra != nil {
		flags |= 1
	}
	if data != nil {
		flags |= 2
	}
	h = binary.AppendUvarint(h, flags)
	if extra != nil {
		h = binary.AppendUvarint(h, uint64(len(extra)))
	}
	if data != nil {
		h = binary.AppendUvarint(h, uint64(len(data)))
	}
	h = append(append(h, body...), extra...)
	h = append(binary.AppendUvarint(nil, uint64(len(h))), h...)
	h = append(binary.LittleEndian.AppendUint32(nil, crc32.ChecksumIEEE(h)), h...)
	if r.key != nil {
		iv := bytes.Repeat([]byte{byte(len(r.b))}, 16)
		r.b = append(r.b, iv...)
		h = rarSealed(r.key, iv, h)
	}
	r.b = append(append(r.b, h...), data...)
}

// rarSealed encrypts what is filled up to whole blocks.
func rarSealed(key, iv, plain []byte) []byte {
	plain = append(plain, make([]byte, -len(plain)&15)...)
	block, _ := aes.NewCipher(key)
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(plain, plain)
	return plain
}

func (r *rarFile) begin() { r.header(1, 0, binary.AppendUvarint(nil, r.flags), nil, nil) }

func (r *rarFile) end() { r.header(5, 0, []byte{0}, nil, nil) }

// file writes a member; with a password, encrypted under a salt with 2 to the power of rounds steps.
func (r *rarFile) file(name, content, password string, salt byte, rounds int) {
	body := []byte{4, byte(len(content)&0x7f) | 0x80, byte(len(content) >> 7), 0} // flags: has a checksum; size; attributes
	body = binary.LittleEndian.AppendUint32(body, crc32.ChecksumIEEE([]byte(content)))
	body = append(body, 0, 1) // stored, Unix
	body = append(binary.AppendUvarint(body, uint64(len(name))), name...)
	data, extra := []byte(content), []byte(nil)
	if password != "" {
		salted, iv := bytes.Repeat([]byte{salt}, 16), bytes.Repeat([]byte{7}, 16)
		record := append(append(append([]byte{1, 0, 1, byte(rounds)}, salted...), iv...), rarCheck(password, salted, rounds)...)
		extra = append([]byte{byte(len(record))}, record...)
		data = rarSealed(rarKey(password, salted, rounds), iv, data)
	}
	r.header(2, 0, body, extra, data)
}

func rarKey(password string, salt []byte, rounds int) []byte {
	if rounds > 15 {
		return make([]byte, 32) // never looked at: making it is what must not happen
	}
	key, _ := pbkdf2.Key(sha256.New, password, salt, 1<<rounds, 32)
	return key
}

// rarCheck is by what a password is told to be right: the key of 32 more steps, folded.
func rarCheck(password string, salt []byte, rounds int) []byte {
	if rounds > 15 {
		return make([]byte, 12)
	}
	long, _ := pbkdf2.Key(sha256.New, password, salt, 1<<rounds+32, 32)
	sum := make([]byte, 8)
	for i, c := range long {
		sum[i&7] ^= c
	}
	whole := sha256.Sum256(sum)
	return append(sum, whole[:4]...)
}

// hide makes the headers that follow encrypted.
func (r *rarFile) hide(password string, rounds int) {
	salt := bytes.Repeat([]byte{3}, 16)
	r.header(4, 0, append(append([]byte{0, 1, byte(rounds)}, salt...), rarCheck(password, salt, rounds)...), nil, nil)
	r.key = rarKey(password, salt, rounds)
}

func readRAR(b []byte, passwords ...string) (map[string]string, []string) {
	return contents(NewRAR(bytes.NewReader(b), int64(len(b)), options(passwords...)))
}

func newRAR() *rarFile { return &rarFile{b: []byte(rarSignature)} }

func TestRAR(t *testing.T) {
	long := text(10_000)
	plain := newRAR()
	plain.begin()
	plain.file("logs/a.log", long, "", 0, 0)
	plain.file(`..\outside`, "b", "", 0, 0)
	plain.end()
	if Detect(plain.b) != RAR || !RAR.Random() {
		t.Error("a RAR archive is not recognised")
	}
	if files, told := readRAR(plain.b); files["logs/a.log"] != long || files["outside"] != "b" || len(told) != 1 || !strings.HasPrefix(told[0], "renamed") {
		t.Errorf("%d files, told %q", len(files), told)
	}
	if files, told := readRAR(plain.b[:5000]); len(files["logs/a.log"]) < 4000 || len(told) != 2 {
		t.Errorf("cut off: %d bytes, told %q", len(files["logs/a.log"]), told)
	}
	wrong := bytes.Replace(plain.b, []byte(long[:20]), bytes.Repeat([]byte{'x'}, 20), 1)
	if _, told := readRAR(wrong); len(told) != 2 || !strings.Contains(told[0], "checksum") {
		t.Errorf("changed: told %q", told)
	}

	for _, hidden := range []bool{false, true} {
		sealed := newRAR()
		if hidden {
			sealed.hide("secret", 5)
		}
		sealed.begin()
		if !hidden {
			sealed.file("open", "o", "", 0, 0)
		}
		sealed.file("a.log", long, "secret", 1, 5)
		sealed.file("b.log", "b", "secret", 2, 5)
		sealed.end()
		if files, told := readRAR(sealed.b, "wrong", "secret"); files["a.log"] != long || files["b.log"] != "b" || len(told) > 0 {
			t.Errorf("hidden %v: %d files, told %q", hidden, len(files), told)
		}
		files, told := readRAR(sealed.b, "wrong")
		want := map[bool]int{false: 2, true: 1}[hidden]
		if len(told) != want || !strings.Contains(told[0], errNoPassword.Error()) || files["a.log"] != "" || !hidden && files["open"] != "o" {
			t.Errorf("hidden %v, without its password: %v, told %q", hidden, files, told)
		}
	}
}

// TestRARKeysAreCounted counts what keys would cost. That they are not made is seen by the test ending: those refused would take hours.
func TestRARKeysAreCounted(t *testing.T) {
	for name, c := range map[string]struct {
		salts, rounds int
		hidden        bool
		refused       bool
	}{
		"salts of their own": {salts: 200, rounds: 1, refused: false},
		"slow keys":          {salts: 5, rounds: 24, refused: true},
		"slow hidden keys":   {salts: 5, rounds: 24, hidden: true, refused: true},
	} {
		r := newRAR()
		if c.hidden {
			r.hide("infected", 3)
		}
		r.begin()
		for i := range c.salts {
			r.file("a", "a", "infected", byte(i), c.rounds)
		}
		_, err := readRARHeaders(bytes.NewReader(r.b), int64(len(r.b)), "infected")
		var asked *keysError
		if errors.As(err, &asked) != c.refused {
			t.Errorf("%s: %v", name, err)
		}
		if !c.refused {
			continue
		}
		if files, told := readRAR(r.b); len(files) != 0 || len(told) != 1 || !strings.Contains(told[0], "more time") {
			t.Errorf("%s: %d files, told %q", name, len(files), told)
		}
	}
	// RAR 3 and 4: a file with a salt of its own, and nothing else.
	old := []byte("Rar!\x1a\x07\x00\xcf\x90\x73\x00\x00\x0d\x00\x00\x00\x00\x00\x00\x00")
	for i := range 3000 {
		h := make([]byte, 33+8)
		h[2] = 0x74
		binary.LittleEndian.PutUint16(h[3:], 0x8000|0x400|4)
		binary.LittleEndian.PutUint16(h[5:], uint16(len(h)))
		h[26], h[32] = 1, 'a'
		binary.LittleEndian.PutUint32(h[33:], uint32(i))
		old = append(old, h...)
	}
	if found, err := readRARHeaders(bytes.NewReader(old), int64(len(old)), "infected"); err == nil || !found.encrypted {
		t.Errorf("3,000 salts of RAR 4 are affordable: %v", err)
	}
	if found, err := readRARHeaders(bytes.NewReader(old[:20+100*41]), 20+100*41, "infected"); err != nil || !found.encrypted {
		t.Errorf("100 salts of RAR 4 are not affordable: %v", err)
	}
}

// TestRARSamples reads the archives that rarfile's own tests read, written by RAR 1.5 to 7; .ci/run fetches them.
func TestRARSamples(t *testing.T) {
	dir := require.Named(t, "CONTRAIL_RAR_SAMPLES")
	if dir == "" {
		require.Missing(t, "CONTRAIL_RAR_SAMPLES names no folder of RAR archives")
	}
	// What is told of each, and how many files with how many bytes it has; what is not listed has files and tells nothing.
	told := map[string]string{
		"rar15-comment.rar":      "FILE1.TXT: it is packed in a way that is not read",
		"rar15-comment-lock.rar": "FILE1.TXT: it is packed in a way that is not read",
		"rar202-comment-psw.rar": "FILE1.TXT: encrypted, and no password given opens it;FILE2.TXT: encrypted, and no password given opens it", // RAR 2's own cipher
	}
	sizes := map[string][2]int{
		"rar3-solid.rar": {2, 4096}, "rar5-solid.rar": {2, 4096}, "rar5-solid-qo.rar": {4, 8192}, "rar5-crc.rar": {2, 4096}, "rar5-blake.rar": {2, 4096},
		"rar5-hpsw.rar": {2, 4096}, "rar5-psw.rar": {2, 4096}, "rar5-psw-blake.rar": {2, 4096}, "rar3-comment-hpsw.rar": {2, 0},
		"rar3-subdirs.rar": {4, 25}, "rar5-subdirs.rar": {4, 25}, "rar2-unix-owner.rar": {1, 4}, "rar5-hlink.rar": {1, 2048}, "rar3-symlink-unix.rar": {1, 5},
	}
	names, err := filepath.Glob(filepath.Join(dir, "*.r[0-9a][0-9r]"))
	if err != nil || len(names) < 40 {
		t.Fatalf("%d archives in %s (%v)", len(names), dir, err)
	}
	seen := 0
	for _, path := range names {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Base(path)
		files, all := readRAR(b, "wrong", "password")
		line := strings.Join(all, ";")
		if strings.Contains(name, "-vols.") || strings.HasPrefix(name, "rar3-old.") {
			if len(all) != 1 || !strings.Contains(line, "another volume") {
				t.Errorf("%s: told %q", name, all)
			}
			continue
		}
		if line != told[name] || len(files) == 0 && told[name] == "" {
			t.Errorf("%s: %d files, told %q", name, len(files), all)
		}
		if want, ok := sizes[name]; ok {
			seen++
			if got := [2]int{len(files), len(strings.Join(slices.Collect(maps.Values(files)), ""))}; got != want {
				t.Errorf("%s: files and bytes %v, want %v", name, got, want)
			}
		}
	}
	if seen != len(sizes) {
		t.Errorf("%d of %d archives are there", seen, len(sizes))
	}
}

func FuzzRAR(f *testing.F) {
	r := newRAR()
	r.begin()
	r.file("a.log", "hello", "", 0, 0)
	r.file("b.log", "hello", "infected", 1, 1)
	f.Add(r.b)
	h := newRAR()
	h.hide("infected", 1)
	h.begin()
	h.file("c.log", "hello", "infected", 1, 1)
	f.Add(h.b)
	f.Add([]byte("Rar!\x1a\x07\x00\xcf\x90\x73\x00\x00\x0d\x00\x00\x00\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		m := NewMeter(Limits{Grace: 1 << 20, Total: 8 << 20, Members: 1000}, int64(len(b)))
		a := NewRAR(bytes.NewReader(b), int64(len(b)), Options{Meter: m})
		for range 2000 {
			member, err := a.Next()
			if err == io.EOF {
				return
			}
			if err == nil && member.Body != nil {
				_, _ = io.Copy(io.Discard, member.Body)
			}
		}
		t.Error("no end")
	})
}
