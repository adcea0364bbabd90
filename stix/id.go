package stix

import (
	"crypto/rand"
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"sort"
	"strings"

	"github.com/gowebpki/jcs"
)

// ID is a STIX identifier, `type--uuid`.
type ID string

// Type is what stands before the last "--"; empty when the id has no such form.
func (id ID) Type() string {
	if i := strings.LastIndex(string(id), "--"); i > 0 {
		return string(id[:i])
	}
	return ""
}

// UUID is what stands after the last "--"; empty when the id has no such form.
func (id ID) UUID() string {
	if i := strings.LastIndex(string(id), "--"); i > 0 {
		return string(id[i+2:])
	}
	return ""
}

// scoNamespace is the namespace of deterministic SCO ids (section 2.9); it is never used for other objects.
var scoNamespace = [16]byte{0x00, 0xab, 0xed, 0xb4, 0xaa, 0x42, 0x46, 0x6c, 0x9c, 0x01, 0xfe, 0xd2, 0x33, 0x15, 0xa9, 0xb7}

// NewID is a random (UUIDv4) id for an object of the type.
func NewID(typ string) ID {
	var u [16]byte
	_, _ = rand.Read(u[:]) // crypto/rand.Read never fails since Go 1.24
	u[6] = u[6]&0x0f | 0x40
	u[8] = u[8]&0x3f | 0x80
	return ID(typ + "--" + formatUUID(u))
}

// DerivedID is the same id for the same name each time: a UUIDv5 in the caller's own namespace (a UUID as text).
// It is for objects that have to be re-made identically, such as those of an import; the namespace of SCO ids is refused.
func DerivedID(typ, namespace, name string) (ID, error) {
	ns, err := parseUUID(namespace)
	if err != nil {
		return "", fmt.Errorf("stix: derive an id for %s: namespace: %w", typ, err)
	}
	if ns == scoNamespace {
		return "", fmt.Errorf("stix: derive an id for %s: the namespace of observables may not be used for it", typ)
	}
	return ID(typ + "--" + formatUUID(uuid5(ns, []byte(name)))), nil
}

// ObservableID is the deterministic id of an SCO: UUIDv5 over the canonical JSON of the properties that
// contribute to it (section 2.9). A process, and an SCO with none of those properties, has no such id: the
// result is then empty, and [NewID] is to be used.
func ObservableID(o Object) (ID, error) {
	s := schemaOf(o)
	if s == nil || s.family != familySCO || len(s.contributing) == 0 {
		return "", nil
	}
	all := encodeTree(o)
	chosen := map[string]any{}
	for _, p := range s.contributing {
		v, ok := all[p]
		if !ok {
			continue
		}
		if p == "hashes" {
			if v = oneHash(v); v == nil {
				continue
			}
		}
		chosen[p] = v
	}
	if len(chosen) == 0 {
		return "", nil
	}
	raw, err := json.Marshal(chosen)
	if err != nil {
		return "", fmt.Errorf("stix: id of a %s: %w", s.typ, err)
	}
	canonical, err := jcs.Transform(raw)
	if err != nil {
		return "", fmt.Errorf("stix: id of a %s: %w", s.typ, err)
	}
	return ID(s.typ + "--" + formatUUID(uuid5(scoNamespace, canonical))), nil
}

// oneHash keeps the single hash that contributes to an id: MD5, SHA-1, SHA-256, SHA-512, else the first by name.
func oneHash(v any) any {
	m, ok := v.(map[string]any)
	if !ok || len(m) == 0 {
		return nil
	}
	for _, name := range []string{"MD5", "SHA-1", "SHA-256", "SHA-512"} {
		if h, ok := m[name]; ok {
			return map[string]any{name: h}
		}
	}
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	sort.Strings(names)
	return map[string]any{names[0]: m[names[0]]}
}

func uuid5(ns [16]byte, name []byte) [16]byte {
	h := sha1.New()
	h.Write(ns[:])
	h.Write(name)
	var u [16]byte
	copy(u[:], h.Sum(nil))
	u[6] = u[6]&0x0f | 0x50
	u[8] = u[8]&0x3f | 0x80
	return u
}

func formatUUID(u [16]byte) string {
	x := hex.EncodeToString(u[:])
	return x[:8] + "-" + x[8:12] + "-" + x[12:16] + "-" + x[16:20] + "-" + x[20:]
}

// parseUUID reads the 8-4-4-4-12 form of an RFC 4122 UUID.
func parseUUID(s string) ([16]byte, error) {
	var u [16]byte
	if len(s) == 36 && s[8] == '-' && s[13] == '-' && s[18] == '-' && s[23] == '-' {
		digits := s[:8] + s[9:13] + s[14:18] + s[19:23] + s[24:]
		if _, err := hex.Decode(u[:], []byte(digits)); err == nil {
			return u, nil
		}
	}
	return u, fmt.Errorf("%.60q is not a UUID", s)
}

// checkID says what is wrong with an id, or nothing. want is the type it has to name; empty means any.
func checkID(id ID, want string) string {
	typ := id.Type()
	if typ == "" {
		return fmt.Sprintf("%.80q is not of the form type--UUID", string(id))
	}
	if want != "" && typ != want {
		return fmt.Sprintf("%.80q does not begin with %q", string(id), want+"--")
	}
	if bad := checkTypeName(typ); bad != "" {
		return bad
	}
	u, err := parseUUID(id.UUID())
	if err != nil {
		return err.Error()
	}
	if u[8]&0xc0 != 0x80 {
		return fmt.Sprintf("%.80q does not hold an RFC 4122 UUID", string(id))
	}
	return ""
}

// checkTypeName applies the rules for object type names (section 3.2): a–z, 0–9 and single hyphens, 3 to 250 long.
func checkTypeName(typ string) string {
	if len(typ) < 3 || len(typ) > 250 || strings.Contains(typ, "--") || typ[0] < 'a' || typ[0] > 'z' {
		return fmt.Sprintf("%.80q is not an object type name", typ)
	}
	for i := 0; i < len(typ); i++ {
		if c := typ[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return fmt.Sprintf("%.80q is not an object type name", typ)
		}
	}
	return ""
}
