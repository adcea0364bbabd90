package census

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"strings"
)

// closedForm is a form of file that is not, or not wholly, looked into.
type closedForm struct {
	what    string
	legible bool // parts of it are plain text
	packed  bool // its size says something about what it holds
}

// closed names the forms that may hold tables and are not read as such.
func closed(body io.Reader, name, artefact string) closedForm {
	b, ok := body.(*bufio.Reader)
	if !ok {
		return closedForm{}
	}
	head, _ := b.Peek(sampleBytes)
	switch {
	case bytes.HasPrefix(head, []byte("%PDF-")):
		return closedForm{what: "PDF"}
	case bytes.HasPrefix(head, []byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")):
		return closedForm{what: "OLE container (old Office, mail)"}
	case bytes.HasPrefix(head, []byte("!BDN")):
		return closedForm{what: "Outlook mailbox", legible: true}
	case strings.HasPrefix(artefact, "cabinet"):
		return closedForm{what: artefact, packed: true}
	case bytes.HasPrefix(head, []byte("age-encryption.org/")), bytes.HasPrefix(head, []byte("-----BEGIN AGE ENCRYPTED")), bytes.HasPrefix(head, []byte("-----BEGIN PGP MESSAGE")), bytes.HasPrefix(head, []byte("Salted__")), openPGP(head):
		return closedForm{what: "encrypted file", packed: true}
	case officeText(name):
		return closedForm{what: "office document", legible: true}
	}
	if artefact == "" && !program(head) && random(head) {
		return closedForm{what: "data that look encrypted", packed: true}
	}
	for _, part := range []string{"SQLite", "ESE database", "packet capture", "disk image", "memory"} {
		if strings.Contains(artefact, part) {
			return closedForm{what: artefact, legible: true}
		}
	}
	return closedForm{}
}

// program says whether a program begins here, packed or not: its size says nothing of passengers.
func program(head []byte) bool {
	return bytes.HasPrefix(head, []byte("MZ")) || bytes.HasPrefix(head, []byte("\x7fELF"))
}

// openPGP says whether a binary OpenPGP message begins here: an encrypted session key (RFC 9580, packets 1 and 3) of a version there is.
func openPGP(head []byte) bool {
	if len(head) < 8 || head[0]&0x80 == 0 {
		return false
	}
	tag, body := head[0]>>2&15, 0
	if head[0]&0x40 != 0 { // the new format of packets
		tag = head[0] & 63
		switch {
		case head[1] < 192:
			body = 2
		case head[1] < 224:
			body = 3
		default:
			return false
		}
	} else {
		switch head[0] & 3 {
		case 0:
			body = 2
		case 1:
			body = 3
		default:
			return false
		}
	}
	version, next := head[body], head[body+1]
	switch tag {
	case 1:
		return version == 3 || version == 6
	case 3:
		return (version == 4 || version == 5) && next >= 1 && next <= 13
	}
	return false
}

// officeText says whether the name is that of the part of an office document that holds its text or cells.
func officeText(name string) bool {
	_, inside, ok := cutLast(name, "!")
	return ok && (inside == "word/document.xml" || inside == "content.xml" || strings.HasPrefix(inside, "xl/worksheets/sheet") && !strings.HasSuffix(inside, ".xml") || strings.HasPrefix(inside, "ppt/slides/slide"))
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

const sampleBytes = 4096

// random says whether bytes of no known form are spread as evenly as chance spreads them, which only ciphers and good compression do. Pearson's
// chi-squared over 256 values is 255 on average with a deviation of 22.6; five of these above, chance meets once in millions.
func random(head []byte) bool {
	if len(head) < sampleBytes || !strings.HasPrefix(http.DetectContentType(head), "application/octet-stream") {
		return false
	}
	var count [256]int
	for _, c := range head {
		count[c]++
	}
	expected, chi := float64(len(head))/256, 0.0
	for _, n := range count {
		chi += (float64(n) - expected) * (float64(n) - expected) / expected
	}
	return chi < 255+5*22.6
}
