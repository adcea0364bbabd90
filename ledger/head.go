package ledger

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// maxHead bounds the bytes of a head: three lines and one signature.
const maxHead = 1 << 10

// Head is a signed state of a ledger.
type Head struct {
	Name string    // the ledger's
	Size uint64    // entries
	Root tlog.Hash // of the tree over them
	Note []byte    // the signed note; it is what is saved elsewhere
}

func (h Head) text() string {
	return fmt.Sprintf("%s\n%d\n%s\n", h.Name, h.Size, base64.StdEncoding.EncodeToString(h.Root[:]))
}

func (h Head) sign(s note.Signer) (Head, error) {
	b, err := note.Sign(&note.Note{Text: h.text()}, s)
	if err != nil {
		return Head{}, fmt.Errorf("ledger: sign head: %w", err)
	}
	h.Note = b
	return h, nil
}

// ParseHead verifies a signed head with the ledger's key (NAME+HASH+BASE64). The head must be in its one spelling, with this one signature.
func ParseHead(b []byte, key string) (Head, error) {
	h, err := parseHead(b, key)
	if err != nil {
		return Head{}, fmt.Errorf("ledger: head: %w", err)
	}
	return h, nil
}

func parseHead(b []byte, key string) (Head, error) {
	if len(b) > maxHead {
		return Head{}, fmt.Errorf("larger than %d bytes", maxHead)
	}
	v, err := note.NewVerifier(key)
	if err != nil {
		return Head{}, fmt.Errorf("%.80q is not a ledger key: %w", key, err)
	}
	n, err := note.Open(b, note.VerifierList(v))
	if err != nil {
		return Head{}, err
	}
	lines := strings.Split(n.Text, "\n")
	if len(lines) != 4 || lines[3] != "" {
		return Head{}, errors.New("not three lines")
	}
	h := Head{Name: lines[0], Note: append([]byte(nil), b...)}
	if h.Name != v.Name() {
		return Head{}, fmt.Errorf("of ledger %.80q, not %q", h.Name, v.Name())
	}
	if h.Size, err = strconv.ParseUint(lines[1], 10, 62); err != nil {
		return Head{}, fmt.Errorf("size %.30q", lines[1])
	}
	if h.Root, err = tlog.ParseHash(lines[2]); err != nil {
		return Head{}, fmt.Errorf("root %.60q", lines[2])
	}
	// Base64 has spellings that decode alike; only one of them is a head, so that no byte of it can change unnoticed.
	if len(n.Sigs) != 1 || len(n.UnverifiedSigs) != 0 {
		return Head{}, errors.New("not exactly one signature")
	}
	raw, err := base64.StdEncoding.DecodeString(n.Sigs[0].Base64)
	if err != nil {
		return Head{}, err
	}
	spelled := h.text() + "\n— " + h.Name + " " + base64.StdEncoding.EncodeToString(raw) + "\n"
	if spelled != string(b) {
		return Head{}, errors.New("not in its canonical spelling")
	}
	return h, nil
}
