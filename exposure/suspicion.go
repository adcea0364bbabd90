package exposure

import (
	"bytes"
	"encoding/base64"
	"unicode/utf16"

	"github.com/contrail-ir/contrail/exposure/internal/identifier"
)

// Of what is written almost nothing is a passenger's. Text is searched in earnest only when one pass over its bytes has met a word
// without which no detector finds anything, so that all else costs about a nanosecond a byte. TestSuspicionMissesNothing holds
// this against the detectors.

// A word that makes text worth a search: always, or only together with ten digits.
type trigger struct {
	text   string // every byte with its bit 0x20, so that letters are small
	behind int    // where in it the three bytes end by which it is looked for: the rarest
	digits bool
	ends   bool // no letter follows

}

// common are the letters of logs, the commonest last; what is not among them is rarer.
const common = "zqjx%+&v_kbgywfp0hu9m8d3l67452cir1ns at.oe"

func rarest(text []byte) (end int) {
	end, best := len(text), 1<<30
	for i := 3; i <= len(text); i++ {
		weight := 0
		for _, c := range text[i-3 : i] {
			k := bytes.IndexByte([]byte(common), c) + 1
			weight += k * k
		}
		if weight < best {
			end, best = i, weight
		}
	}
	return end
}

var triggers = func() (byGram [1 << 15][]trigger) {
	add := func(digits bool, words ...string) {
		for _, w := range words {
			text := []byte(w)
			for i := range text {
				text[i] |= 0x20
			}
			end := rarest(text)
			g := gram(text[end-3 : end])
			t := trigger{text: string(text), behind: end - 1, digits: digits}
			switch w {
			case "pan", "tel", "cell", "visa", "amex":
				t.ends = true
			case "ssr":
				t.ends = true
			}
			byGram[g] = append(byGram[g], t)
		}
	}
	// Labels, and names of fields that make a record a passenger's.
	add(false, "pnr", "locator", "recloc", "rloc", "booking", "passport", "订座", "预订", "护照", "证件", "记录编号", "常旅客", "会员", "docno", "docnum", "doc_n", "doc-n", "doc n",
		"documentn", "document_n", "document-n", "document n", "documentid", "document_id", "traveldoc", "travel_doc", "travel doc", "pptno", "ppt_no", "ppno", "idno", "id_no", "id no", "idnumber", "id_number", "id number",
		"certno", "cert_no", "certificaten", "reservation",
		"confirmation", "ffn", "ffp", "ff_n", "frequent", "loyalty", "membershipn", "membership_n", "membership-n", "membership n", "memberno", "member_no", "membernumber", "member_number", "memberid", "member_id", "milesno",
		"ssr", "/p/", "insert ", "replace into ", "3c\\u003c", "%3c%3c", "&lt;&lt;", "%e8%ae%a2%e5%ba%a7", "%e9%a2%84%e8%ae%a2", "%e6%8a%a4%e7%85%a7",
		"tif+", "nad+", "add+", "fti+", "tkt+", "fop+", "rci+", "doc+", "rff+", "ift+", "ref+", "lts+", "com+", "foid")
	// Words that go with long numbers.
	add(true, "ticket", "tkne", "etkt", "tkt", "票号", "客票", "card", "visa", "amex", "pan", "credit", "cvv", "cvc", "unionpay", "卡号", "ccnum", "ccno", "身份证", "公民", "resident", "identity", "citizenid", "nationalid", "national_id", "national id", "idcard", "id_card", "id card", "sfz", "shenfenzheng", "aadhaar", "aadhar",
		"uidai", "आधार", "mobile", "phone", "msisdn", "手机", "电话", "cell", "whatsapp", "ctcm", "tel")
	return byGram
}()

var triggerBits = func() (bits [1 << 15 / 64]uint64) {
	for g, list := range triggers {
		if len(list) > 0 {
			bits[g/64] |= 1 << (g % 64)
		}
	}
	return bits
}()

// gram is the hash of three bytes.
func gram(b []byte) (h uint32) {
	for _, c := range b {
		h = (h<<5 ^ uint32(c|0x20)) & (1<<15 - 1)
	}
	return h
}

// Suspicious says whether a search of text could find anything. It errs on the side of searching.
func Suspicious(text []byte) bool {
	numbers := false // a word that goes with numbers was met
	h := uint32(0)
	for i, c := range text {
		h = (h<<5 ^ uint32(c|0x20)) & (1<<15 - 1)
		if triggerBits[h>>6&511]&(1<<(h&63)) == 0 {
			continue
		}
		for k := range triggers[h] {
			t := &triggers[h][k]
			if (!t.digits || !numbers) && i >= t.behind && t.at(text, i-t.behind) {
				if !t.digits {
					return true
				}
				numbers = true
			}
		}
	}
	if bytes.Contains(text, []byte("<<")) {
		return true
	}
	return numbers && tenDigits(text) || longRuns(text)
}

func (t *trigger) at(text []byte, at int) bool {
	end := at + len(t.text)
	return foldedAt(text, at, t.text) && (!t.ends || end == len(text) || !alphabetic(text[end]))
}

func foldedAt(text []byte, at int, word string) bool {
	if len(text)-at < len(word) {
		return false
	}
	for i := range len(word) {
		if text[at+i]|0x20 != word[i] {
			return false
		}
	}
	return true
}

// tenDigits says whether ten digits stand together, single spaces and hyphens between them.
func tenDigits(text []byte) bool {
	n := 0
	for i, c := range text {
		switch {
		case c-'0' <= 9:
			if n++; n == 10 {
				return true
			}
		case (c == ' ' || c == '-') && i > 0 && text[i-1]-'0' <= 9:
		default:
			n = 0
		}
	}
	return false
}

const (
	longDigits = 17 // identity numbers need no word when there are several
	long64     = 24 // characters of base64 that can hold something
)

// longRuns looks for runs of digits as long as identity numbers, and for base64 with something in it. Every run that is long enough
// covers one of the places looked at.
func longRuns(text []byte) bool {
	for at := longDigits - 1; at < len(text); at += longDigits {
		if text[at]-'0' > 9 {
			continue
		}
		from, to := at, at
		for from > 0 && text[from-1]-'0' <= 9 {
			from--
		}
		for to < len(text) && text[to]-'0' <= 9 {
			to++
		}
		if to-from == longDigits && to < len(text) && text[to]|0x20 == 'x' {
			to++
		}
		if to-from == longDigits+1 && identifier.ChineseResident(text[from:to]) {
			return true
		}
	}
	done := 0
	for at := long64 - 1; at < len(text); at += long64 {
		if at < done || !byte64(text[at]) {
			continue
		}
		from, to := at, at
		for from > done && byte64(text[from-1]) {
			from--
		}
		for to < len(text) && byte64(text[to]) {
			to++
		}
		done = to
		if to-from < long64 {
			continue
		}
		for _, inside := range decoded64(text[from:to]) {
			if Suspicious(inside) {
				return true
			}
		}
	}
	return false
}

func byte64(c byte) bool {
	return c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9' || c == '+' || c == '/'
}

// decoded64 gives the texts that a run of base64 holds, as bytes and as UTF-16; none when it holds no text. Names and digests, which look like base64, decode
// to bytes that are no text. Other letters may stand right before the base64, as in %20SQBu.
func decoded64(run []byte) (out [][]byte) {
	if hexadecimal(run) {
		return nil
	}
	for offset := range 4 {
		// The beginning tells cheaply whether there is text at this offset; when it does, the others hold none.
		if head := run[offset:min(len(run), offset+32)]; len(aligned64(head)) == 0 && len(run) > offset+64 && len(aligned64(run[offset+32:offset+64])) == 0 {
			continue
		}
		if texts := aligned64(run[offset:]); len(texts) > 0 {
			return texts
		}
	}
	return nil
}

// narrow gives UTF-16 of ASCII alone, in either order, without its zeros; nil for other text.
func narrow(b []byte) []byte {
	even, odd := 0, 0
	for i := 0; i+1 < len(b); i += 2 {
		if b[i] == 0 {
			even++
		}
		if b[i+1] == 0 {
			odd++
		}
	}
	if n := len(b) / 2; even != n && odd != n {
		return nil
	}
	out := b[:0]
	for _, c := range b {
		if c != 0 {
			out = append(out, c)
		}
	}
	return out
}

func hexadecimal(run []byte) bool {
	for _, c := range run {
		if c-'0' > 9 && (c|0x20)-'a' > 5 {
			return false
		}
	}
	return true
}

func aligned64(run []byte) [][]byte {
	whole := run[:len(run)/4*4]
	rest := run[len(whole):]
	b := make([]byte, base64.RawStdEncoding.DecodedLen(len(run)))
	n, err := base64.RawStdEncoding.Decode(b, whole)
	if err != nil {
		return nil
	}
	if len(rest) > 1 {
		if k, err := base64.RawStdEncoding.Decode(b[n:], rest); err == nil {
			n += k
		}
	}
	b = b[:n]
	zeros, controls := 0, 0
	for _, c := range b {
		switch {
		case c == 0:
			zeros++
		case c < ' ' && c != '\n' && c != '\r' && c != '\t', c == 0x7f:
			controls++
		}
	}
	switch {
	case controls*10 > len(b):
		return nil
	case zeros*3 > len(b):
		if plain := narrow(b); plain != nil {
			return [][]byte{plain}
		}
		units := make([]uint16, len(b)/2)
		for i := range units {
			units[i] = uint16(b[2*i]) | uint16(b[2*i+1])<<8
		}
		little := []byte(string(utf16.Decode(units)))
		for i := range units {
			units[i] = units[i]<<8 | units[i]>>8
		}
		return [][]byte{little, []byte(string(utf16.Decode(units)))}
	case zeros > 0:
		return nil
	}
	return [][]byte{b}
}
