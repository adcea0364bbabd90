package scene

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
)

// Place writes a file of a Windows host's disk as it was collected, and notes it in the truth. Of a silent host nothing
// was collected. Files are never executable.
func (s *Scene) Place(h *Host, path, what, action string, write func(w io.Writer) error) (err error) {
	if h.Silent || s.dir == "" {
		return nil
	}
	name := h.Name + "/files/" + strings.ReplaceAll(strings.Replace(path, ":", "", 1), `\`, "/")
	full := filepath.Join(s.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
		return fmt.Errorf("drill: folder of %s: %w", name, err)
	}
	f, err := os.OpenFile(full, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return fmt.Errorf("drill: create %s: %w", name, err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := write(f); err != nil {
		return fmt.Errorf("drill: write %s: %w", name, err)
	}
	s.artefacts = append(s.artefacts, Artefact{File: name, What: what, Action: action})
	return nil
}

// Lookalike gives the content of a program that does not exist: the two letters with which programs begin, the sentence
// that stands in all of them, the given texts, and noise. It is no program: its header points beyond its end, and there
// is no code in it. The same identity and texts give the same bytes.
func Lookalike(identity string, texts ...string) []byte {
	h := fnv.New64a()
	h.Write([]byte(identity))
	r := rand.New(rand.NewPCG(h.Sum64(), 0x6c6f6f6b))
	b := make([]byte, 40<<10+r.IntN(60<<10))
	for i := 0; i+8 <= len(b); i += 8 {
		binary.LittleEndian.PutUint64(b[i:], r.Uint64())
	}
	copy(b, "MZ\x90\x00\x03\x00\x00\x00\x04\x00\x00\x00\xff\xff\x00\x00")
	binary.LittleEndian.PutUint32(b[0x3c:], 0xfffffff0)
	at := 0x4e
	for _, t := range append([]string{"This program cannot be run in DOS mode.\r\r\n$", "contrail drill: inert text, not a program"}, texts...) {
		at += copy(b[at:], t+"\x00") + 16
	}
	return b
}

// Implant says that a program's hashes are those of its look-alike, whatever its file is called.
func (s *Scene) Implant(file, identity string, texts ...string) {
	s.Foreign(file)
	s.Identity(file, identity)
	content := Lookalike(identity, texts...)
	m, a, b := md5.Sum(content), sha1.Sum(content), sha256.Sum256(content)
	s.digests[identity] = map[string]string{"MD5": upper(m[:]), "SHA1": upper(a[:]), "SHA256": upper(b[:])}
	s.contents[strings.ToLower(file)] = content
}

// Content is the look-alike of an implant's file.
func (s *Scene) Content(file string) []byte { return s.contents[strings.ToLower(file)] }

func upper(b []byte) string { return strings.ToUpper(hex.EncodeToString(b)) }
