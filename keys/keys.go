// Package keys makes, lists and loads the keys with which people sign and are written to.
//
// A person's key is a pair of files: NAME.key, secret, readable by its owner only, and NAME.pub, to be handed out.
// Each holds two lines, an Ed25519 key in the notation of golang.org/x/mod/sumdb/note and an X25519 key in that of age, because
// one key must not both sign and decrypt. Empty lines and lines beginning with # are ignored.
//
// The package promises never to overwrite a key. It refuses to load a secret key that others can read, where the
// system keeps such permissions, and it does not encrypt keys: that is the disk's duty.
package keys

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"filippo.io/age"
	"golang.org/x/mod/sumdb/note"
)

const (
	secretSuffix = ".key"
	publicSuffix = ".pub"
	maxFile      = 16 << 10
)

// Public is what others know of a key.
type Public struct {
	Name      string            // the name its owner gave it; a label, not an identity
	Key       ed25519.PublicKey // verifies signatures
	Recipient string            // age recipient ("age1…"); "" when nothing can be encrypted to it
}

// Private signs and decrypts.
type Private struct {
	Public
	signing  ed25519.PrivateKey
	identity *age.X25519Identity
}

// CheckName says whether a name can be a key's: 1 to 64 of letters, digits, dot, underscore, at sign and hyphen, beginning with
// a letter or digit.
func CheckName(name string) error {
	if name == "" || len(name) > 64 {
		return fmt.Errorf("keys: name %.70q must have 1 to 64 characters", name)
	}
	for i, c := range []byte(name) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		case i > 0 && strings.IndexByte("._@-", c) >= 0:
		default:
			return fmt.Errorf("keys: name %q: only letters, digits and . _ @ - are allowed, a letter or digit first", name)
		}
	}
	return nil
}

// Generate makes a key in memory.
func Generate(name string) (*Private, error) {
	if err := CheckName(name); err != nil {
		return nil, err
	}
	pub, priv, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("keys: generate %s: %w", name, err)
	}
	id, err := age.GenerateX25519Identity()
	if err != nil {
		return nil, fmt.Errorf("keys: generate %s: %w", name, err)
	}
	return &Private{Public{name, pub, id.Recipient().String()}, priv, id}, nil
}

// New makes a key and writes NAME.key (mode 0600) and NAME.pub into dir, which is made if need be (mode 0700). An existing key
// of that name is an error.
func New(dir, name string) (*Private, error) {
	k, err := Generate(name)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("keys: new %s: %w", name, err)
	}
	secret := filepath.Join(dir, name+secretSuffix)
	if err := k.Save(secret); err != nil {
		return nil, err
	}
	if err := create(filepath.Join(dir, name+publicSuffix), 0o644, []byte(k.Public.String())); err != nil {
		return nil, errors.Join(err, os.Remove(secret))
	}
	return k, nil
}

// Save writes the secret key to a file of mode 0600 that must not exist yet.
func (k *Private) Save(path string) error {
	text := "# Contrail secret key of " + k.Name + ". Whoever has it signs as you and reads what is sent to you.\n" + k.encodeSigner() + "\n"
	if k.identity != nil {
		text += k.identity.String() + "\n"
	}
	return create(path, 0o600, []byte(text))
}

func create(path string, mode fs.FileMode, content []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return fmt.Errorf("keys: write: %w", err)
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("keys: write %s: %w", path, errors.Join(err, os.Remove(path)))
	}
	return nil
}

// List gives the public keys of the files NAME.pub in dir, by name. Files that cannot be read as keys are told in the error, beside those that can.
func List(dir string) ([]Public, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("keys: list: %w", err)
	}
	var out []Public
	var bad error
	for _, e := range entries {
		if e.IsDir() || !strings.HasSuffix(e.Name(), publicSuffix) {
			continue
		}
		p, err := LoadPublic(filepath.Join(dir, e.Name()))
		if err != nil {
			bad = errors.Join(bad, err)
			continue
		}
		out = append(out, p)
	}
	slices.SortFunc(out, func(a, b Public) int { return strings.Compare(a.Name, b.Name) })
	return out, bad
}

// Load reads a secret key file.
func Load(path string) (*Private, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("keys: load: %w", err)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("keys: load %s: others can read or write it (mode %04o); run chmod 600 on it", path, info.Mode().Perm())
	}
	b, err := read(path)
	if err != nil {
		return nil, err
	}
	k, err := ParsePrivate(b)
	if err != nil {
		return nil, fmt.Errorf("keys: load %s: %w", path, err)
	}
	return k, nil
}

// LoadPublic reads a public key file.
func LoadPublic(path string) (Public, error) {
	b, err := read(path)
	if err != nil {
		return Public{}, err
	}
	p, err := ParsePublic(b)
	if err != nil {
		return Public{}, fmt.Errorf("keys: load %s: %w", path, err)
	}
	return p, nil
}

func read(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("keys: load: %w", err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("keys: load %s: %w", path, err)
	}
	if len(b) > maxFile {
		return nil, fmt.Errorf("keys: load %s: larger than any key", path)
	}
	return b, nil
}

func lines(b []byte) []string {
	var out []string
	for line := range strings.SplitSeq(string(bytes.ReplaceAll(b, []byte("\r\n"), []byte("\n"))), "\n") {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			out = append(out, line)
		}
	}
	return out
}

// ParsePublic reads the text of a public key: a note verifier key, and an age recipient if there is one.
func ParsePublic(b []byte) (Public, error) {
	var p Public
	for _, line := range lines(b) {
		switch {
		case strings.HasPrefix(line, "PRIVATE+KEY+") || strings.HasPrefix(line, "AGE-SECRET-KEY-"):
			return Public{}, errors.New("keys: this is a secret key, not a public one; do not hand it out")
		case strings.HasPrefix(line, "age1") && p.Recipient == "":
			r, err := age.ParseX25519Recipient(line)
			if err != nil {
				return Public{}, fmt.Errorf("keys: age recipient: %w", err)
			}
			p.Recipient = r.String()
		case p.Key == nil:
			name, key, err := parseVerifier(line)
			if err != nil {
				return Public{}, err
			}
			p.Name, p.Key = name, key
		default:
			return Public{}, fmt.Errorf("keys: unexpected line %.40q in a public key", line)
		}
	}
	if p.Key == nil {
		return Public{}, errors.New("keys: no verifier key (NAME+HASH+BASE64) found")
	}
	return p, nil
}

// ParsePrivate reads the text of a secret key: a note signer key, and an age identity if there is one.
func ParsePrivate(b []byte) (*Private, error) {
	k := &Private{}
	for _, line := range lines(b) {
		switch {
		case strings.HasPrefix(line, "AGE-SECRET-KEY-") && k.identity == nil:
			id, err := age.ParseX25519Identity(line)
			if err != nil {
				return nil, errors.New("keys: malformed age identity") // the cause may quote the secret
			}
			k.identity, k.Recipient = id, id.Recipient().String()
		case strings.HasPrefix(line, "PRIVATE+KEY+") && k.signing == nil:
			if err := k.parseSigner(line); err != nil {
				return nil, err
			}
		default:
			return nil, errors.New("keys: unexpected line in a secret key")
		}
	}
	if k.signing == nil {
		return nil, errors.New("keys: no signer key (PRIVATE+KEY+NAME+HASH+BASE64) found")
	}
	return k, nil
}

const algEd25519 = 1 // of the note format

func parseVerifier(line string) (string, ed25519.PublicKey, error) {
	v, err := note.NewVerifier(line)
	if err != nil {
		return "", nil, fmt.Errorf("keys: %.60q is not a verifier key (NAME+HASH+BASE64)", line)
	}
	if err := CheckName(v.Name()); err != nil {
		return "", nil, err
	}
	_, rest, _ := strings.Cut(line, "+")
	_, b64, _ := strings.Cut(rest, "+")
	raw, err := base64.StdEncoding.DecodeString(b64)
	if err != nil || len(raw) != 1+ed25519.PublicKeySize || raw[0] != algEd25519 {
		return "", nil, fmt.Errorf("keys: %s is not an Ed25519 key", v.Name())
	}
	return v.Name(), ed25519.PublicKey(raw[1:]), nil
}

func (k *Private) parseSigner(line string) error {
	s, err := note.NewSigner(line)
	if err != nil {
		return errors.New("keys: malformed signer key")
	}
	if err := CheckName(s.Name()); err != nil {
		return err
	}
	parts := strings.SplitN(line, "+", 5)
	if len(parts) != 5 {
		return errors.New("keys: malformed signer key")
	}
	raw, err := base64.StdEncoding.DecodeString(parts[4])
	if err != nil || len(raw) != 1+ed25519.SeedSize || raw[0] != algEd25519 {
		return errors.New("keys: signer key is not Ed25519")
	}
	k.Name, k.signing = s.Name(), ed25519.NewKeyFromSeed(raw[1:])
	k.Key = k.signing.Public().(ed25519.PublicKey)
	return nil
}

// VerifierKey is the key as one line in note notation: NAME+HASH+BASE64.
func (p Public) VerifierKey() string {
	s, err := note.NewEd25519VerifierKey(p.Name, p.Key)
	if err != nil {
		return ""
	}
	return s
}

// ID is the standard base64 of the public key: what tells two keys apart.
func (p Public) ID() string { return base64.StdEncoding.EncodeToString(p.Key) }

// String is the public file's text.
func (p Public) String() string {
	s := p.VerifierKey() + "\n"
	if p.Recipient != "" {
		s += p.Recipient + "\n"
	}
	return s
}

func (k *Private) encodeSigner() string {
	hash := strings.Split(k.VerifierKey(), "+")[1]
	raw := append([]byte{algEd25519}, k.signing.Seed()...)
	return "PRIVATE+KEY+" + k.Name + "+" + hash + "+" + base64.StdEncoding.EncodeToString(raw)
}

// Signer signs with the Ed25519 key.
func (k *Private) Signer() crypto.Signer { return k.signing }

// NoteSigner signs notes, such as tree heads, under the key's name.
func (k *Private) NoteSigner() (note.Signer, error) { return note.NewSigner(k.encodeSigner()) }

// Identity decrypts what was encrypted to Recipient; nil when the key has no such part.
func (k *Private) Identity() age.Identity {
	if k.identity == nil {
		return nil // a typed nil would not compare equal to nil
	}
	return k.identity
}

// String hides the secret from logs and formatted errors.
func (k *Private) String() string { return "secret key of " + k.Name }

// GoString hides the secret from %#v.
func (k *Private) GoString() string { return k.String() }
