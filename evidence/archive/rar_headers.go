package archive

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"unicode/utf16"
)

// Making a key of a password is slow on purpose, the archive says how slow, and the library makes one for every salt that it meets. So
// the headers are walked first, by the format's description (technote.txt of RAR 5 and of RAR 4.x), and an archive that asks for more keys
// than any has is refused. RAR writes one salt into an archive.
const (
	maxRARKeys     = 1 << 26 // rounds of all keys of an archive; RAR 5 and later take 1<<15 for one
	rarOldKey      = 1 << 15 // what a key of RAR 3 and 4 costs, in rounds of RAR 5
	rarKeysKept    = 4       // keys that the library remembers
	maxRARHeader   = 2 << 20
	maxRARWindow   = 512 << 20
	maxRARPassword = 127 // characters
)

// keysError tells of an archive that is not read because of what its keys would cost.
type keysError struct{ reason string }

func (e *keysError) Error() string { return e.reason }

// rarHeaders are what an archive's headers say of all of it.
type rarHeaders struct {
	encrypted bool // something in it
	solid     bool // members are made of those before
}

// readRARHeaders walks the headers; "" stands for no password. The error is a *keysError, for an archive whose keys cost too much. What is
// broken is left to the reader to say.
func readRARHeaders(r io.ReaderAt, size int64, password string) (rarHeaders, error) {
	w := &rarWalk{file: r, size: size, password: []rune(password)}
	w.password = w.password[:min(len(w.password), maxRARPassword)]
	if head := w.take(7); string(head) == "Rar!\x1a\x07\x00" {
		for w.at < size && w.old() {
		}
	} else if string(head)+string(w.take(1)) == "Rar!\x1a\x07\x01\x00" {
		for w.at < size && w.block() {
		}
	}
	if w.spent > maxRARKeys {
		return w.found, &keysError{"its encryption asks for more time than any archive needs: not read"}
	}
	return w.found, nil
}

type rarWalk struct {
	file     io.ReaderAt
	size, at int64
	password []rune
	found    rarHeaders
	spent    int64
	recent   []string // salts, the latest first
	key, iv  []byte   // of headers, where they are encrypted
	hidden   bool     // headers are encrypted, in RAR 3 and 4
}

// take gives the next bytes, nil when there are not so many.
func (w *rarWalk) take(n int64) []byte {
	if n < 0 || n > maxRARHeader || w.at+n > w.size {
		return nil
	}
	b := make([]byte, n)
	if got, _ := w.file.ReadAt(b, w.at); int64(got) < n {
		return nil
	}
	w.at += n
	return b
}

// pay counts a key, and says whether it is new and can be afforded.
func (w *rarWalk) pay(salt []byte, rounds int64) (made bool) {
	w.found.encrypted = true
	if len(w.password) == 0 {
		return false
	}
	id := fmt.Sprint(rounds, string(salt))
	if slices.Contains(w.recent, id) {
		return false
	}
	w.recent = append([]string{id}, w.recent[:min(len(w.recent), rarKeysKept-1)]...)
	w.spent += rounds
	return w.spent <= maxRARKeys
}

// header gives the bytes of a header, in the clear: whole says how many there are, by the first block of 16 or, unencrypted, by the first 16
// bytes or less.
func (w *rarWalk) header(encrypted bool, whole func(head []byte) int64) []byte {
	begin := w.at
	head := w.take(min(16, w.size-w.at))
	if head == nil || encrypted && len(head) < 16 {
		return nil
	}
	if !encrypted {
		w.at = begin
		return w.take(whole(head))
	}
	block, err := aes.NewCipher(w.key)
	if err != nil {
		return nil
	}
	cbc := cipher.NewCBCDecrypter(block, w.iv)
	cbc.CryptBlocks(head, head)
	n := whole(head)
	rest := w.take((n+15)/16*16 - 16)
	if n < 1 || rest == nil {
		return nil
	}
	cbc.CryptBlocks(rest, rest)
	return append(head, rest...)[:n]
}

// block walks a block of RAR 5: checksum, length, type, flags, and what the type has. It says whether another may follow.
func (w *rarWalk) block() bool {
	if w.key != nil {
		if w.iv = w.take(16); w.iv == nil {
			return false
		}
	}
	b := rarBytes(w.header(w.key != nil, func(head []byte) int64 {
		rest := rarBytes(head[min(4, len(head)):])
		before := len(rest)
		n := rest.number()
		return int64(min(n, maxRARHeader)) + 4 + int64(before-len(rest))
	}))
	b.bytes(4)
	b.number()
	kind, flags := b.number(), b.number()
	extra, data := uint64(0), uint64(0)
	if flags&1 != 0 {
		extra = b.number()
	}
	if flags&2 != 0 {
		data = b.number()
	}
	if b == nil || data > uint64(w.size) || extra > uint64(len(b)) {
		return false
	}
	switch kind {
	case 1: // the archive
		w.found.solid = w.found.solid || b.number()&4 != 0
	case 4: // archive encryption: version, flags, rounds, salt
		b.number()
		b.number()
		w.key = w.derive(b.bytes(1), b.bytes(16))
		if w.key == nil {
			return false
		}
	case 2, 3: // a file, or what belongs to one
		for b = b[len(b)-int(extra):]; len(b) > 0; {
			record := rarBytes(b.bytes(int(min(b.number(), maxRARHeader))))
			if record.number() == 1 {
				record.number()
				record.number()
				if rounds, salt := record.bytes(1), record.bytes(16); rounds != nil && salt != nil && rounds[0] <= 24 {
					w.pay(salt, 1<<rounds[0])
				}
			}
		}
	case 5:
		return false
	}
	w.at += int64(data)
	return w.spent <= maxRARKeys
}

// derive makes the key of headers of RAR 5.
func (w *rarWalk) derive(rounds, salt []byte) []byte {
	if rounds == nil || salt == nil || rounds[0] > 24 || !w.pay(salt, 1<<rounds[0]) {
		return nil
	}
	key, err := pbkdf2.Key(sha256.New, string(w.password), salt, 1<<rounds[0], 32)
	if err != nil {
		return nil
	}
	return key
}

// old walks a block of RAR 1.5 to 4: checksum, type, flags, length, and the length of what follows where there is any.
func (w *rarWalk) old() bool {
	const (
		head, file, service, end                             = 0x73, 0x74, 0x7a, 0x7b
		solid, hidden, encrypted, salted, large, hasData int = 8, 0x80, 4, 0x400, 0x100, 0x8000
	)
	if w.hidden {
		salt := w.take(8)
		if salt == nil {
			return false
		}
		if w.pay(salt, rarOldKey) {
			w.key, w.iv = oldRARKey(w.password, salt)
		} else if w.spent > maxRARKeys {
			return false
		}
	}
	b := w.header(w.hidden, func(head []byte) int64 {
		if len(head) < 7 {
			return -1
		}
		return int64(binary.LittleEndian.Uint16(head[5:]))
	})
	if len(b) < 7 {
		return false
	}
	kind, flags, data := b[2], int(binary.LittleEndian.Uint16(b[3:])), int64(0)
	if flags&hasData != 0 && len(b) >= 11 {
		data = int64(binary.LittleEndian.Uint32(b[7:]))
	}
	switch kind {
	case head:
		w.hidden, w.found.solid = flags&hidden != 0, flags&solid != 0
	case file, service:
		if len(b) < 32 {
			return false
		}
		at := 32 + int(binary.LittleEndian.Uint16(b[26:])) // where the name ends
		if flags&large != 0 && len(b) >= 40 {
			data |= int64(binary.LittleEndian.Uint32(b[32:])) << 32
			at += 8
		}
		w.found.encrypted = w.found.encrypted || flags&encrypted != 0
		if flags&salted != 0 && len(b) >= at+8 {
			w.pay(b[at:at+8], rarOldKey)
		}
	case end:
		return false
	}
	if data < 0 || data > w.size {
		return false
	}
	w.at += data
	return w.spent <= maxRARKeys
}

// oldRARKey makes the key and vector of RAR 3 and 4: SHA-1 over password, salt and a counter, 2 to the power of 18 times.
func oldRARKey(password []rune, salt []byte) (key, iv []byte) {
	var seed []byte
	for _, unit := range utf16.Encode(password) {
		seed = binary.LittleEndian.AppendUint16(seed, unit)
	}
	seed = append(append(seed, salt...), 0, 0, 0)
	sum, iv := sha1.New(), make([]byte, 0, 16)
	for i := range 1 << 18 {
		count := seed[len(seed)-3:]
		count[0], count[1], count[2] = byte(i), byte(i>>8), byte(i>>16)
		sum.Write(seed)
		if i%(1<<14) == 0 {
			iv = append(iv, sum.Sum(nil)[19])
		}
	}
	key = sum.Sum(nil)[:16]
	for word := range slices.Chunk(key, 4) {
		slices.Reverse(word)
	}
	return key, iv
}

// rarBytes is what is left of a header. Beyond its end everything is nil and 0.
type rarBytes []byte

func (b *rarBytes) bytes(n int) []byte {
	if n > len(*b) {
		*b = nil
		return nil
	}
	out := (*b)[:n]
	*b = (*b)[n:]
	return out
}

// number reads seven bits a byte, the lowest first.
func (b *rarBytes) number() (n uint64) {
	for i := 0; i < 70; i += 7 {
		c := b.bytes(1)
		if c == nil {
			return 0
		}
		if n |= uint64(c[0]&0x7f) << i; c[0] < 0x80 {
			return n
		}
	}
	*b = nil
	return 0
}
