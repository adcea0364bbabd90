package archive

import (
	"archive/tar"
	stdzip "archive/zip"
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/aes"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha1"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/flate"

	"github.com/contrail-ir/contrail/internal/require"
)

// contents reads a whole archive: name to content, and all that was told.
func contents(r Reader) (files map[string]string, told []string) {
	files = map[string]string{}
	for range 100_000 {
		m, err := r.Next()
		if errors.Is(err, io.EOF) {
			return files, told
		}
		if err != nil {
			told = append(told, err.Error())
			continue
		}
		if m.Renamed != "" {
			told = append(told, "renamed "+m.Renamed)
		}
		if m.Body == nil {
			told = append(told, m.Name+": "+m.Lost)
			continue
		}
		b, err := io.ReadAll(m.Body)
		files[m.Name] = string(b)
		if err != nil {
			told = append(told, m.Name+": "+err.Error())
		}
	}
	return files, append(told, "no end")
}

func options(passwords ...string) Options {
	return Options{Passwords: passwords, Meter: NewMeter(Limits{}, 1<<20)}
}

func readZip(b []byte, o Options) (map[string]string, []string) {
	return contents(NewZip(bytes.NewReader(b), int64(len(b)), o))
}

func makeZip(t testing.TB, method uint16, files ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := stdzip.NewWriter(&b)
	for i := 0; i < len(files); i += 2 {
		f, err := w.CreateHeader(&stdzip.FileHeader{Name: files[i], Method: method, Modified: time.Date(2026, 1, 2, 3, 4, 6, 0, time.UTC)})
		if err == nil {
			_, err = io.WriteString(f, files[i+1])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func text(n int) string {
	r := rand.New(rand.NewPCG(1, uint64(n)))
	var b strings.Builder
	for b.Len() < n {
		fmt.Fprintf(&b, "line %d of %d\n", r.IntN(1000), r.IntN(7))
	}
	return b.String()[:n]
}

// TestZipAgreesWithTheStandardLibrary holds our directory reader against archive/zip.
func TestZipAgreesWithTheStandardLibrary(t *testing.T) {
	for _, method := range []uint16{stdzip.Store, stdzip.Deflate} {
		for _, before := range []string{"", "something before the archive"} {
			packed := append([]byte(before), makeZip(t, method, "a.txt", text(10), "dir/", "", "dir/b.log", text(300_000), "empty", "")...)
			files, told := readZip(packed, options())
			if len(told) > 0 || len(files) != 3 {
				t.Errorf("%d files, told %q", len(files), told)
			}
			std, err := stdzip.NewReader(bytes.NewReader(packed), int64(len(packed)))
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range std.File {
				if strings.HasSuffix(f.Name, "/") {
					continue
				}
				r, _ := f.Open()
				want, _ := io.ReadAll(r)
				if files[f.Name] != string(want) {
					t.Errorf("%s differs", f.Name)
				}
			}
		}
	}
}

func TestZipThatIsCutOffGivesWhatIsThere(t *testing.T) {
	whole := makeZip(t, stdzip.Deflate, "a.txt", text(5000), "b.log", text(300_000), "c.log", text(9))
	files, told := readZip(whole[:len(whole)/2], options())
	if files["a.txt"] != text(5000) || len(files["b.log"]) < 1000 || !strings.HasPrefix(text(300_000), files["b.log"]) {
		t.Errorf("%d and %d bytes of two files", len(files["a.txt"]), len(files["b.log"]))
	}
	if s := strings.Join(told, "; "); !strings.Contains(s, "the central directory is missing") || !strings.Contains(s, "b.log: the member is cut off") {
		t.Error(s)
	}
}

func TestZipThatLies(t *testing.T) {
	whole := makeZip(t, stdzip.Deflate, "a.txt", text(5000), "b.log", text(300))
	dir := bytes.Index(whole, []byte("PK\x01\x02"))
	for name, c := range map[string]struct {
		change func(b []byte)
		want   string
	}{
		"size":         {func(b []byte) { binary.LittleEndian.PutUint32(b[dir+24:], 17) }, "says 17 bytes, 5000 were found"},
		"checksum":     {func(b []byte) { b[dir+16] ^= 1 }, "checksum does not match"},
		"packed":       {func(b []byte) { binary.LittleEndian.PutUint32(b[dir+20:], 1<<30) }, "cut off"},
		"offset":       {func(b []byte) { binary.LittleEndian.PutUint32(b[dir+42:], 1<<30) }, "not where the archive says"},
		"method":       {func(b []byte) { binary.LittleEndian.PutUint16(b[dir+10:], 77) }, "method 77"},
		"other name":   {func(b []byte) { b[30] = 'x' }, `called "a.txt" in the directory and "x.txt" at its place`},
		"broken data":  {func(b []byte) { copy(b[60:], "\xff\xff\xff\xff\xff\xff") }, "broken"},
		"count":        {func(b []byte) { b[len(b)-12] = 9 }, "says 9 members and lists 2"},
		"directory at": {func(b []byte) { binary.LittleEndian.PutUint32(b[len(b)-6:], 1<<30) }, "outside the archive; members are found"},
	} {
		b := bytes.Clone(whole)
		c.change(b)
		files, told := readZip(b, options())
		if s := strings.Join(told, "; "); !strings.Contains(s, c.want) {
			t.Errorf("%s: %q, want %q", name, s, c.want)
		}
		if files["b.log"] != text(300) {
			t.Errorf("%s: the other member is lost", name)
		}
	}
}

func TestNamesLeadNowhere(t *testing.T) {
	b := makeZip(t, stdzip.Store, "/etc/passwd", "1", `..\..\x.exe`, "2", "a/../../b", "3", "C:/x", "4", "a\x1b[2Jb", "5", "..", "6", strings.Repeat("n", 5000), "7")
	files, told := readZip(b, options())
	for name, want := range map[string]string{"etc/passwd": "1", "x.exe": "2", "b": "3", "C:/x": "4", "a\ufffd[2Jb": "5", "unnamed": "6"} {
		if files[name] != want {
			t.Errorf("%q is %q, want %q (%q)", name, files[name], want, told)
		}
	}
	for name := range files {
		if strings.HasPrefix(name, "/") || strings.Contains("/"+name+"/", "/../") || len(name) > maxName+8 {
			t.Errorf("name %q", name)
		}
	}
	if len(told) != 6 {
		t.Errorf("told %q", told)
	}
}

// encryptClassic and encryptAES write what the readers undo, from the specifications.
func encryptClassic(data []byte, password string, check byte) []byte {
	c := zipCipher{keys: [3]uint32{0x12345678, 0x23456789, 0x34567890}}
	for i := range len(password) {
		c.update(password[i])
	}
	plain := append([]byte("saltsaltsal"), check)
	plain = append(plain, data...)
	for i, p := range plain {
		k := uint16(c.keys[2] | 2)
		plain[i] ^= byte(uint32(k) * uint32(k^1) >> 8)
		c.update(p)
	}
	return plain
}

func encryptAES(data []byte, password string, strength int) []byte {
	keyLen := 8 + 8*strength
	salt := bytes.Repeat([]byte{7}, keyLen/2)
	keys, _ := pbkdf2.Key(sha1.New, password, salt, 1000, 2*keyLen+2)
	block, _ := aes.NewCipher(keys[:keyLen])
	out := append([]byte(nil), data...)
	var counter, stream [16]byte
	for i := range out {
		if i%16 == 0 {
			binary.LittleEndian.PutUint64(counter[:], uint64(i/16+1))
			block.Encrypt(stream[:], counter[:])
		}
		out[i] ^= stream[i%16]
	}
	mac := hmac.New(sha1.New, keys[keyLen:2*keyLen])
	mac.Write(out)
	return append(append(append(salt, keys[2*keyLen:]...), out...), mac.Sum(nil)[:10]...)
}

func deflated(s string) []byte {
	var b bytes.Buffer
	w, _ := flate.NewWriter(&b, 6)
	_, _ = io.WriteString(w, s)
	_ = w.Close()
	return b.Bytes()
}

// encryptedZip has a member of each way of encryption, all of the same text.
func encryptedZip(t testing.TB, password, content string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := stdzip.NewWriter(&b)
	crc := crc32.ChecksumIEEE([]byte(content))
	raw := func(h *stdzip.FileHeader, packed []byte) {
		h.Flags |= 1
		h.CRC32, h.CompressedSize64, h.UncompressedSize64 = crc, uint64(len(packed)), uint64(len(content))
		f, err := w.CreateRaw(h)
		if err == nil {
			_, err = f.Write(packed)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	raw(&stdzip.FileHeader{Name: "classic", Method: 8}, encryptClassic(deflated(content), password, byte(crc>>24)))
	raw(&stdzip.FileHeader{Name: "classic-stored", Method: 0}, encryptClassic([]byte(content), password, byte(crc>>24)))
	for strength := 1; strength <= 3; strength++ {
		extra := []byte{0x01, 0x99, 7, 0, 1, 0, 'A', 'E', byte(strength), 8, 0}
		raw(&stdzip.FileHeader{Name: fmt.Sprint("aes", strength), Method: 99, Extra: extra}, encryptAES(deflated(content), password, strength))
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestEncryptedZip(t *testing.T) {
	content := text(40_000)
	for password, given := range map[string][]string{"infected": nil, "other": {"wrong", "other"}} {
		files, told := readZip(encryptedZip(t, password, content), options(given...))
		for _, name := range []string{"classic", "classic-stored", "aes1", "aes2", "aes3"} {
			if files[name] != content {
				t.Errorf("%s, %s: %d bytes, told %q", password, name, len(files[name]), told)
			}
		}
	}
	files, told := readZip(encryptedZip(t, "nobody knows", content), options("wrong"))
	if len(files) != 0 || len(told) != 5 || !strings.Contains(told[0], "encrypted, and no password") {
		t.Errorf("%d files, %q", len(files), told)
	}
	changed := encryptedZip(t, "infected", content)
	at := bytes.LastIndex(changed, []byte("aes3")) // in the directory; its data ends before it
	changed[bytes.Index(changed, []byte("PK\x01\x02"))-40] ^= 1
	if _, told := readZip(changed, options()); at < 0 || !strings.Contains(strings.Join(told, ";"), "authentication code does not match") {
		t.Errorf("a changed member is not told: %q", told)
	}
}

func TestArchivesOfTheUsualTools(t *testing.T) {
	dir := t.TempDir()
	content := text(200_000)
	if err := os.WriteFile(filepath.Join(dir, "a.log"), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, args := range map[string][]string{
		"classic.zip": {"zip", "-q", "-P", "secret"},
		"plain.zip":   {"zip", "-q"},
		"plain.7z":    {"7zz", "a", "-bso0"},
		"aes.7z":      {"7zz", "a", "-bso0", "-psecret"},
		"header.7z":   {"7zz", "a", "-bso0", "-psecret", "-mhe=on"},
		"d64.zip":     {"7zz", "a", "-bso0", "-tzip", "-mm=Deflate64"},
		"lzma.zip":    {"7zz", "a", "-bso0", "-tzip", "-mm=LZMA"},
		"aes.zip":     {"7zz", "a", "-bso0", "-tzip", "-mem=AES256", "-psecret"},
	} {
		t.Run(name, func(t *testing.T) {
			names := args[:1]
			if args[0] == "7zz" {
				names = []string{"7zz", "7z"} // as distributions call it
			}
			c := exec.Command(require.Program(t, names...), append(args[1:], name, "a.log")...)
			c.Dir = dir
			if out, err := c.CombinedOutput(); err != nil {
				t.Fatalf("%v %s", err, out)
			}
			b, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			open := func(o Options) (map[string]string, []string) {
				if strings.HasSuffix(name, ".7z") {
					return contents(NewSevenZip(bytes.NewReader(b), int64(len(b)), o))
				}
				return readZip(b, o)
			}
			if files, told := open(options("wrong", "secret")); files["a.log"] != content || len(told) > 0 {
				t.Errorf("%d bytes, told %q", len(files["a.log"]), told)
			}
			if strings.Contains(strings.Join(args, " "), "secret") {
				if files, told := open(options("wrong")); len(files) > 0 || len(told) != 1 || !strings.Contains(told[0], "no password given opens it") {
					t.Errorf("without its password: %d files, %q", len(files), told)
				}
			}
		})
	}
}

// TestSevenZipThatClaimsTooMuch must not take the process down: the claims are for more memory than any machine has.
func TestSevenZipThatClaimsTooMuch(t *testing.T) {
	build := func(header []byte) []byte {
		b := make([]byte, 32)
		copy(b, "7z\xbc\xaf\x27\x1c\x00\x04")
		binary.LittleEndian.PutUint64(b[20:], uint64(len(header)))
		binary.LittleEndian.PutUint32(b[28:], sum32(header))
		binary.LittleEndian.PutUint32(b[8:], sum32(b[12:]))
		return append(b, header...)
	}
	many := []byte{0xf0, 0xff, 0xff, 0xff, 0xff}
	for name, header := range map[string][]byte{
		"files":      append([]byte{1, 5}, many...),
		"streams":    append([]byte{1, 4, 6, 0}, many...),
		"folders":    append([]byte{1, 4, 7, 0x0b}, many...),
		"substreams": append(append([]byte{1, 4, 6, 0, 1, 9, 1, 0, 7, 0x0b, 1, 0, 1, 1, 0, 0x0c, 1, 0, 8, 0x0d}, many...), 0, 0, 0),
		"window":     {1, 4, 6, 0, 1, 9, 1, 0, 7, 0x0b, 1, 0, 1, 0x23, 3, 1, 1, 5, 0x5d, 0xff, 0xff, 0xff, 0xff, 0x0c, 1, 0, 0},
		"rounds":     {1, 4, 6, 0, 1, 9, 1, 0, 7, 0x0b, 1, 0, 1, 0x24, 6, 0xf1, 7, 1, 2, 24, 0, 0x0c, 1, 0, 0},
		"empty":      {},
	} {
		files, told := contents(NewSevenZip(bytes.NewReader(build(header)), int64(32+len(header)), options()))
		if len(files) != 0 || len(told) != 1 {
			t.Errorf("%s: %d files, %q", name, len(files), told)
		}
	}
}

func TestBombsStopAtTheLimits(t *testing.T) {
	limits := Limits{Grace: 1 << 20, Ratio: 100, Members: 50}
	zeros := strings.Repeat("\x00", 20<<20)
	bomb := makeZip(t, stdzip.Deflate, "bomb", zeros, "log", "still read")
	files, told := readZip(bomb, Options{Meter: NewMeter(limits, int64(len(bomb)))})
	if n := len(files["bomb"]); n > 3<<20 || files["log"] != "still read" || len(told) != 1 || !strings.Contains(told[0], "bomb") {
		t.Errorf("%d bytes of a bomb, log %q, told %q", n, files["log"], told)
	}
	var many []string
	for i := range 60 {
		many = append(many, fmt.Sprint(i), "x")
	}
	b := makeZip(t, stdzip.Store, many...)
	if files, told := readZip(b, Options{Meter: NewMeter(limits, int64(len(b)))}); len(files) != 50 || len(told) != 1 {
		t.Errorf("%d members, told %q", len(files), told)
	}
	// Members that share their bytes: each is small, together they are too much.
	var shared []string
	for i := range 45 {
		shared = append(shared, fmt.Sprint(i), zeros[:1<<20])
	}
	b = makeZip(t, stdzip.Deflate, shared...)
	total := 0
	files, told = readZip(b, Options{Meter: NewMeter(limits, int64(len(b)))})
	for _, f := range files {
		total += len(f)
	}
	if total > 5<<20 || !strings.Contains(strings.Join(told, ";"), "from one file") {
		t.Errorf("%d bytes, told %d", total, len(told))
	}
}

func TestTar(t *testing.T) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range []tar.Header{
		{Name: "var/log/auth.log", Size: 300_000, Mode: 0o600},
		{Name: "link", Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"},
		{Name: "../../outside", Size: 5},
		{Name: "last", Size: 2000},
	} {
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(w, text(int(h.Size)))
	}
	_ = w.Close()
	if Detect(b.Bytes()[:512]) != Tar {
		t.Error("a tar archive is not recognised")
	}
	files, told := contents(NewTar(bytes.NewReader(b.Bytes()), options()))
	if len(files) != 3 || files["var/log/auth.log"] != text(300_000) || files["outside"] != text(5) || len(told) != 1 {
		t.Errorf("%d files, told %q", len(files), told)
	}
	files, told = contents(NewTar(bytes.NewReader(b.Bytes()[:200_000]), options()))
	if n := len(files["var/log/auth.log"]); n < 190_000 || len(told) == 0 || !strings.Contains(told[0], "ends in the middle") {
		t.Errorf("cut off: %d bytes, %q", n, told)
	}
}

func TestStreams(t *testing.T) {
	content := text(500_000)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "f"), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	for kind, tool := range map[Kind][]string{Gzip: {"gzip"}, Bzip2: {"bzip2"}, XZ: {"xz"}, Zstd: {"zstd", "-q"}, LZ4: {"lz4", "-q"}} {
		t.Run(string(kind), func(t *testing.T) {
			packed, err := exec.Command(require.Program(t, tool[0]), append(tool[1:], "-c", filepath.Join(dir, "f"))...).Output()
			if err != nil {
				t.Fatal(err)
			}
			unpack := func(b []byte) (string, error) {
				if got := Detect(b[:min(len(b), HeadBytes)]); got != kind {
					t.Errorf("%s is taken for %q", kind, got)
				}
				r, err := Unpack(kind, bufio.NewReader(bytes.NewReader(b)), NewMeter(Limits{}, int64(len(b))))
				if err != nil {
					return "", err
				}
				out, err := io.ReadAll(r)
				return string(out), err
			}
			for name, c := range map[string]struct {
				b    []byte
				want string
				fail bool
			}{
				"whole":   {packed, content, false},
				"members": {append(bytes.Clone(packed), packed...), content + content, false},
				"cut off": {packed[:len(packed)/2], "", true},
				"garbage": {append(bytes.Clone(packed), "garbage garbage"...), content, true},
			} {
				got, err := unpack(c.b)
				if c.want != "" && got != c.want || !strings.HasPrefix(content+content, got) {
					t.Errorf("%s, %s: %d bytes, want %d (%v)", kind, name, len(got), len(c.want), err)
				}
				if (err != nil) != c.fail {
					t.Errorf("%s, %s: error %v", kind, name, err)
				}
				if err != nil && Reason(kind, err) == "" {
					t.Error("no reason")
				}
			}
		})
	}
}

func FuzzArchives(f *testing.F) {
	f.Add(encryptedZip(f, "infected", "hello"))
	f.Add(makeZip(f, stdzip.Deflate, "a", "b", "c", text(1000)))
	f.Add([]byte("7z\xbc\xaf\x27\x1c\x00\x04"))
	var gz bytes.Buffer
	w := gzip.NewWriter(&gz)
	_, _ = w.Write([]byte("hello"))
	_ = w.Close()
	f.Add(gz.Bytes())
	f.Fuzz(func(t *testing.T, b []byte) {
		limits := Limits{Grace: 1 << 20, Total: 8 << 20, Members: 1000}
		o := Options{Meter: NewMeter(limits, int64(len(b)))}
		_, _ = readZip(b, o)
		if len(b) > 6 && !bytes.HasPrefix(b, []byte("7z")) {
			_, _ = contents(NewTar(bytes.NewReader(b), o))
		}
		_, _ = contents(NewSevenZip(bytes.NewReader(b), int64(len(b)), o))
		for _, kind := range []Kind{Gzip, Bzip2, XZ, Zstd, LZ4} {
			if r, err := Unpack(kind, bufio.NewReader(bytes.NewReader(b)), o.Meter); err == nil {
				_, _ = io.Copy(io.Discard, r)
			}
		}
	})
}

func FuzzInflate64(f *testing.F) {
	f.Add(deflated(text(1000)))
	f.Fuzz(func(t *testing.T, b []byte) {
		_, _ = io.CopyN(io.Discard, newInflate64(bufio.NewReader(bytes.NewReader(b))), 1<<20)
	})
}

// TestInflate64AgreesWithDeflate uses that the two differ in long copies and distances only.
func TestInflate64AgreesWithDeflate(t *testing.T) {
	var noise strings.Builder // few copies of more than 257 bytes
	r := rand.New(rand.NewPCG(5, 6))
	for range 100_000 {
		noise.WriteByte(byte(r.IntN(40)))
	}
	for _, s := range []string{"", "a", noise.String()} {
		got, err := io.ReadAll(newInflate64(bufio.NewReader(bytes.NewReader(deflated(s)))))
		if err != nil || string(got) != s {
			t.Errorf("%d bytes, want %d (%v)", len(got), len(s), err)
		}
	}
}
