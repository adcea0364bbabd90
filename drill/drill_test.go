package drill

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/contrail-ir/contrail/internal/require"
)

// airline writes a drill into a new folder and gives it with the truth.
func airline(t *testing.T, o Options) (string, Truth) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "airline")
	truth, err := Airline(t.Context(), dir, o)
	if err != nil {
		t.Fatal(err)
	}
	return dir, truth
}

func files(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		out[path], err = os.ReadFile(filepath.Join(dir, path))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// recordIDs walks the record headers of a log.
func recordIDs(t *testing.T, log []byte) []uint64 {
	t.Helper()
	var ids []uint64
	for chunk := log[0x1000:]; len(chunk) > 0; chunk = chunk[0x10000:] {
		free := int(binary.LittleEndian.Uint32(chunk[48:]))
		for at := 0x200; at < free; {
			if string(chunk[at:at+4]) != "**\x00\x00" {
				t.Fatalf("no record at %#x", at)
			}
			ids = append(ids, binary.LittleEndian.Uint64(chunk[at+8:]))
			at += int(binary.LittleEndian.Uint32(chunk[at+4:]))
		}
	}
	return ids
}

func TestSameSeedSameBytes(t *testing.T) {
	require.Time(t, "writes three airlines, in one goroutine")
	sum := func(seed uint64) string {
		dir, _ := airline(t, Options{Seed: seed})
		h := sha256.New()
		for _, name := range sortedNames(files(t, dir)) {
			fmt.Fprintln(h, name)
			b, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			h.Write(b)
		}
		return fmt.Sprintf("%x", h.Sum(nil))
	}
	first := sum(3)
	if first != sum(3) {
		t.Error("the same seed gave other bytes")
	}
	if first == sum(4) {
		t.Error("another seed gave the same bytes")
	}
}

func sortedNames(m map[string][]byte) (names []string) {
	for name := range m {
		names = append(names, name)
	}
	for i := range names {
		for j := i; j > 0 && names[j] < names[j-1]; j-- {
			names[j], names[j-1] = names[j-1], names[j]
		}
	}
	return names
}

func TestTruthNamesRecordsThatAreThere(t *testing.T) {
	dir, truth := airline(t, Options{Seed: 1})
	there := map[Ref]bool{}
	total := 0
	for name, b := range files(t, dir) {
		if strings.HasSuffix(name, ".evtx") {
			for _, id := range recordIDs(t, b) {
				there[Ref{File: strings.TrimPrefix(name, "evidence/"), Record: id}] = true
				total++
			}
		}
	}
	if total < 5000 || total > 9000 {
		t.Errorf("a small drill has %d events", total)
	}
	air := truth.Airlines[0]
	if len(air.Actions) < 25 || len(air.Decoys) < 5 {
		t.Errorf("%d actions, %d decoys", len(air.Actions), len(air.Decoys))
	}
	known := map[string]bool{}
	used := map[Ref]string{}
	for _, a := range air.Actions {
		known[a.ID] = true
	}
	for i, a := range air.Actions {
		if !a.Visible || len(a.Refs) == 0 {
			t.Errorf("%s left no record", a.ID)
		}
		if i > 0 && a.Time.Before(air.Actions[i-1].Time) {
			t.Errorf("%s is out of order", a.ID)
		}
		for _, cause := range a.CausedBy {
			if !known[cause] {
				t.Errorf("%s is caused by %s, which is no action", a.ID, cause)
			}
		}
		for _, r := range a.Refs {
			if !there[r] {
				t.Errorf("%s: %v is not in the logs", a.ID, r)
			}
			if other := used[r]; other != "" {
				t.Errorf("%v belongs to %s and to %s", r, other, a.ID)
			}
			used[r] = a.ID
		}
		if !a.Reachable["service"] {
			t.Errorf("%s cannot be reached from the service", a.ID)
		}
	}
	for _, d := range air.Decoys {
		if len(d.Refs) == 0 {
			t.Errorf("decoy %q has no record", d.What)
		}
		for _, r := range d.Refs {
			if !there[r] || used[r] != "" {
				t.Errorf("decoy %q: %v is missing or an intruder's", d.What, r)
			}
		}
	}
	for name, r := range truth.Starts {
		if used[r.Ref] == "" {
			t.Errorf("start %s is no record of the intruder", name)
		}
	}
	b, err := os.ReadFile(filepath.Join(dir, "truth.json"))
	if err != nil {
		t.Fatal(err)
	}
	var back Truth
	if err := json.Unmarshal(b, &back); err != nil || len(back.Airlines[0].Actions) != len(air.Actions) {
		t.Errorf("truth.json does not read back: %v", err)
	}
}

func TestClearedLogBeginsWithItsClearing(t *testing.T) {
	require.Time(t, "writes an airline, in one goroutine")
	dir, truth := airline(t, Options{Seed: 1})
	b, err := os.ReadFile(filepath.Join(dir, "evidence", "RES-DB01", "Security.evtx"))
	if err != nil {
		t.Fatal(err)
	}
	if first := recordIDs(t, b)[0]; first != truth.Starts["clearing"].Record {
		t.Errorf("first record is %d, the clearing is %d", first, truth.Starts["clearing"].Record)
	}
}

// TestOnlyReservedNamesAndAddresses reads the logs as text: no address outside RFC 5737 and
// loopback, no host name outside RFC 2606 but those that belong to the formats.
func TestOnlyReservedNamesAndAddresses(t *testing.T) {
	require.Time(t, "writes an airline and searches its text, in one goroutine")
	dir, _ := airline(t, Options{Seed: 1})
	address := regexp.MustCompile(`\b\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}\b`)
	// Values stand beside each other without a separator, so a name may run into the next value.
	name := regexp.MustCompile(`(?i)[a-z][a-z-]{2,}\.(com|net|org|info|aero)`)
	reserved := regexp.MustCompile(`(?i)example\.(com|net|org)$|^microsoft\.com$`)
	formats := regexp.MustCompile(`^(10\.0\.20348|1\.407|4\.18|0\.0\.0\.0|127\.0\.0\.1|1\.4\.2\.0|17\.0\.10)`)
	for file, b := range files(t, dir) {
		plain := string(bytes.ReplaceAll(b, []byte{0}, nil))
		for _, a := range address.FindAllString(plain, -1) {
			ip, err := netip.ParseAddr(a)
			ok := err != nil || formats.MatchString(a)
			for _, net := range []string{"192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"} {
				ok = ok || netip.MustParsePrefix(net).Contains(ip)
			}
			if !ok {
				t.Errorf("%s: address %s", file, a)
			}
		}
		for _, n := range name.FindAllString(plain, -1) {
			if !reserved.MatchString(n) {
				t.Errorf("%s: name %s", file, n)
			}
		}
	}
}

func TestRefusals(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "mine"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Airline(t.Context(), dir, Options{}); err == nil || !strings.Contains(err.Error(), "not empty") {
		t.Errorf("a folder in use: %v", err)
	}
	if _, err := Airline(t.Context(), filepath.Join(dir, "new"), Options{Size: "enormous"}); err == nil || !strings.Contains(err.Error(), `"enormous"`) {
		t.Errorf("an unknown size: %v", err)
	}
	if _, err := Airline(t.Context(), filepath.Join(dir, "mine", "new"), Options{}); err == nil {
		t.Error("a folder below a file was accepted")
	}
}
