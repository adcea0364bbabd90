package archive

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/subtle"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

var (
	errNoPassword = errors.New("encrypted, and no password given opens it")
	errHidden     = fmt.Errorf("the list of members is %w", errNoPassword)
)

// probeBytes is how much of a member is unpacked to tell a right password from one that passes the check by chance.
const probeBytes = 256 << 10

// decrypt gives a member's packed bytes in the clear.
func (z *zipReader) decrypt(e *zipEntry, packed *io.SectionReader) (io.Reader, error) {
	switch {
	case e.flags&flagEncrypted == 0:
		return packed, nil
	case e.flags&flagStrong != 0 && e.method != 99:
		return nil, errors.New("encrypted by PKWARE's strong encryption, which is not read")
	case e.method == 99:
		return z.decryptAES(e, packed)
	}
	check := byte(e.crc >> 24)
	if e.flags&flagDescriptor != 0 {
		check = byte(e.dosTime >> 8)
	}
	for _, password := range z.options.passwords() {
		body, ok := zipCrypto(packed, password, check)
		if ok && z.plausible(e, body) {
			body, _ = zipCrypto(packed, password, check)
			return body, nil
		}
	}
	return nil, errNoPassword
}

// plausible unpacks the beginning of a member: the check byte of the classic encryption lets one wrong password of 256 pass.
func (z *zipReader) plausible(e *zipEntry, body io.Reader) bool {
	probe := &zipReader{options: Options{Meter: NewMeter(Limits{}, 1<<20)}}
	out, err := probe.inflate(e.method, e, body)
	if err != nil {
		return e.method != 0 && e.method != 8 // a method that is not read says nothing about the password
	}
	sum := crc32.NewIEEE()
	n, err := io.CopyN(sum, out, probeBytes)
	if errors.Is(err, io.EOF) {
		return e.crc == 0 || sum.Sum32() == e.crc || n != e.size
	}
	return err == nil
}

// zipCrypto undoes the classic encryption of PKWARE, APPNOTE.TXT section 6.1. The last byte of its header of 12 is known.
func zipCrypto(packed *io.SectionReader, password string, check byte) (io.Reader, bool) {
	if _, err := packed.Seek(0, io.SeekStart); err != nil {
		return nil, false
	}
	c := &zipCipher{from: packed, keys: [3]uint32{0x12345678, 0x23456789, 0x34567890}}
	for i := range len(password) {
		c.update(password[i])
	}
	var head [12]byte
	if _, err := io.ReadFull(c, head[:]); err != nil || head[11] != check {
		return nil, false
	}
	return c, true
}

type zipCipher struct {
	from io.Reader
	keys [3]uint32
}

func (c *zipCipher) update(b byte) {
	k := &c.keys
	k[0] = crc32.IEEETable[byte(k[0])^b] ^ k[0]>>8
	k[1] = (k[1]+k[0]&0xff)*134775813 + 1
	k[2] = crc32.IEEETable[byte(k[2])^byte(k[1]>>24)] ^ k[2]>>8
}

func (c *zipCipher) Read(p []byte) (int, error) {
	n, err := c.from.Read(p)
	for i := range p[:n] {
		t := uint16(c.keys[2] | 2)
		p[i] ^= byte(uint32(t) * uint32(t^1) >> 8)
		c.update(p[i])
	}
	return n, err
}

// decryptAES undoes the encryption of WinZip, AE-1 and AE-2: salt, two bytes that check the password, data, ten bytes that
// authenticate it. Keys are derived by PBKDF2 with 1000 rounds of HMAC-SHA1; the counter of the mode is little-endian.
func (z *zipReader) decryptAES(e *zipEntry, packed *io.SectionReader) (io.Reader, error) {
	if e.aesKey < 1 || e.aesKey > 3 {
		return nil, errors.New("encrypted by AES of an unknown kind")
	}
	keyLen := 8 + 8*int(e.aesKey)
	saltLen := keyLen / 2
	head := make([]byte, saltLen+2)
	if _, err := packed.ReadAt(head, 0); err != nil || packed.Size() < int64(len(head)+10) {
		return nil, errors.New("encrypted, and cut off before its data")
	}
	for _, password := range z.options.passwords() {
		keys, err := pbkdf2.Key(sha1.New, password, head[:saltLen], 1000, 2*keyLen+2)
		if err != nil {
			return nil, err
		}
		if subtle.ConstantTimeCompare(keys[2*keyLen:], head[saltLen:]) == 0 {
			continue
		}
		data := packed.Size() - int64(len(head)) - 10
		tag := make([]byte, 10)
		if _, err := packed.ReadAt(tag, packed.Size()-10); err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		// Two bytes check by chance once in 65,536: the code over the data decides, when there is another password to try or not.
		mac := hmac.New(sha1.New, keys[keyLen:2*keyLen])
		if _, err := io.Copy(mac, io.NewSectionReader(packed, int64(len(head)), data)); err != nil {
			return nil, err
		}
		right := bytes.Equal(mac.Sum(nil)[:10], tag)
		block, err := aes.NewCipher(keys[:keyLen])
		if err != nil {
			return nil, err
		}
		body := &aesReader{from: io.NewSectionReader(packed, int64(len(head)), data), block: block, next: aes.BlockSize}
		if !right {
			z.damage(e.offset, "a member's authentication code does not match: it was changed or is cut off")
		}
		return body, nil
	}
	return nil, errNoPassword
}

type aesReader struct {
	from    io.Reader
	block   cipher.Block
	counter [aes.BlockSize]byte
	stream  [aes.BlockSize]byte
	next    int // unused byte of stream
}

func (a *aesReader) Read(p []byte) (int, error) {
	n, err := a.from.Read(p)
	for i := range p[:n] {
		if a.next == aes.BlockSize {
			for j := range a.counter {
				if a.counter[j]++; a.counter[j] != 0 {
					break
				}
			}
			a.block.Encrypt(a.stream[:], a.counter[:])
			a.next = 0
		}
		p[i] ^= a.stream[a.next]
		a.next++
	}
	return n, err
}
