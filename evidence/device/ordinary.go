package device

import "bytes"

// Telltales are texts without one of which, anywhere in a line, only a message's beginning and its program can tell a device: see Ordinary.
var Telltales = []string{"missing MD5 digest", "tcp_auth_ok:", "failed to unmarshal session(", "/opt/panlogs/"}

// Ordinary says that KindOf gives None for a program's messages that have no percent sign and none of Telltales, whenever
// OrdinaryBeginning says so of the message. What is asked for every message of a host is then answered once for each program.
func Ordinary(app []byte) bool {
	return !bytes.HasPrefix(app, []byte("CISE_")) && !junosDaemons[string(app)] && string(app) != "filterlog"
}

// OrdinaryBeginning says that a message begins as none does that tells its device by that.
func OrdinaryBeginning(text []byte) bool {
	if len(text) < 8 {
		return true
	}
	if text[0] == ' ' { // NetScaler's may, before a date or an address
		word, _, _ := bytes.Cut(bytes.TrimLeft(text, " "), []byte{' '})
		return len(word) == 0 || (word[0] < '0' || word[0] > '9') && bytes.IndexByte(word, ':') < 0
	}
	// FortiGate's messages have a name and '=' among the first ten bytes, Palo Alto's a comma among the first forty without a blank before.
	for _, c := range text[:min(len(text), 41)] {
		if c == ' ' {
			break
		}
		if c == ',' || c == '=' {
			return false
		}
	}
	switch c := text[0]; {
	case '0' <= c && c <= '9', c == '{', c == '%': // Pulse and NetScaler; Duo; Huawei
		return false
	case 'A' <= c && c <= 'Z':
		return !bytes.HasPrefix(text, []byte("CISE_")) && junosEvent(text) == 0
	}
	return true
}
