package yara

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/contrail-ir/contrail/internal/require"
)

func rulesOf(t *testing.T, o Options, rules map[string]string) *Rules {
	t.Helper()
	dir := t.TempDir()
	for name, text := range rules {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	o.TempDir = t.TempDir()
	r, err := Compile(context.Background(), o, dir)
	if errors.Is(err, ErrNoEngine) {
		require.Missing(t, err.Error())
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		if left, _ := os.ReadDir(o.TempDir); len(left) > 0 {
			t.Error("files are left behind")
		}
	})
	return r
}

func TestScan(t *testing.T) {
	r := rulesOf(t, Options{MaxBytes: 1000}, map[string]string{
		"a.yar":    `rule one : x y { strings: $a = "needle" condition: $a } rule never { condition: false }`,
		"b.yar":    `rule one { condition: filename == "evil.exe" and extension == ".exe" }`,
		"bad.yar":  `rule broken { strings: $a = "x" condition: $b }`,
		"note.txt": "no rules",
	})
	if len(r.Files()) != 2 || len(r.Rejected) != 1 || !strings.Contains(r.Rejected[0].Reason, "undefined string") || strings.Contains(r.Rejected[0].Reason, t.TempDir()) {
		t.Errorf("%q, rejected %q", r.Files(), r.Rejected)
	}
	for name, c := range map[string]struct {
		body string
		want string
		cut  bool
	}{
		"x":              {"a needle", "a.yar:one[x y]", false},
		"dir!evil.exe":   {"a needle", "a.yar:one[x y] b.yar:one[]", false},
		"-C":             {"nothing", "", false},
		"$(touch x)\n\"": {"nothing", "", false},
		"12":             {"", "", false},
		"long":           {strings.Repeat("x", 1000) + "needle", "", true},
	} {
		got, err := r.Scan(context.Background(), name, strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		var all []string
		for _, m := range got.Matches {
			all = append(all, filepath.Base(m.File)+":"+m.Rule+"["+strings.Join(m.Tags, " ")+"]")
		}
		if strings.Join(all, " ") != c.want || got.Cut != c.cut {
			t.Errorf("%q: %q cut %v, want %q %v", name, all, got.Cut, c.want, c.cut)
		}
	}
	ctx, stop := context.WithCancel(context.Background())
	stop()
	if _, err := r.Scan(ctx, "x", strings.NewReader("x")); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
}

func TestNoEngine(t *testing.T) {
	if _, err := Compile(context.Background(), Options{Program: filepath.Join(t.TempDir(), "yara")}, "."); !errors.Is(err, ErrNoEngine) {
		t.Errorf("%v", err)
	}
}

// program writes a script that stands for yara, and for yarac one that does nothing.
func program(t *testing.T, script string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"yara": script, "yarac": "exit 0"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+text+"\n"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "yara")
}

func TestAProgramThatMisbehaves(t *testing.T) {
	require.Program(t, "/bin/sh")
	for name, c := range map[string]struct{ script, want string }{
		"nonsense":   {"echo hello", "not understood"},
		"other path": {"echo 'r0:one [] /etc/passwd'", "not understood"},
		"other rule": {`for last; do :; done; echo "r9:one [] $last"`, "was not given"},
		"crash":      {"echo 'error: internal fault' >&2; exit 3", "internal fault"},
		"silent":     {"exit 7", "exit status 7"},
		"flood":      {"yes 'r0:x [] y' | head -c 9000000", "more than"},
		"hang":       {"exec sleep 36000", "gave no answer within"},
	} {
		r := rulesOf(t, Options{Program: program(t, c.script), Timeout: time.Millisecond}, map[string]string{"a.yar": "rule one {condition: true}"})
		got, err := r.Scan(context.Background(), "x", bytes.NewReader(nil))
		if err == nil || !strings.Contains(err.Error(), c.want) || len(got.Matches) > 0 {
			t.Errorf("%s: %v, %d matches", name, err, len(got.Matches))
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("r0:one [a,b] /tmp/x\n"))
	f.Fuzz(func(t *testing.T, out []byte) {
		matches, err := parse(out, "/tmp/x", []string{"a.yar"})
		if err == nil && len(matches) != len(bytes.Split(bytes.TrimRight(out, "\n"), []byte("\n"))) && len(bytes.TrimSpace(out)) > 0 {
			t.Errorf("%q gives %d matches", out, len(matches))
		}
	})
}

// TestRulesOfTheField holds the whole of a public collection against what yara itself said of the same files.
func TestRulesOfTheField(t *testing.T) {
	require.Time(t, "compiles 737 files of rules by another program")
	r := csv.NewReader(bytes.NewReader(require.Read(t, "yara/expected.tsv")))
	r.Comma = '\t'
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][]string{}
	for _, row := range rows[1:] {
		want[row[0]] = append(want[row[0]], row[1]+":"+row[2])
	}
	began := time.Now()
	rules, err := Compile(context.Background(), Options{TempDir: t.TempDir()}, require.Data(t, "yara/signature-base"))
	if errors.Is(err, ErrNoEngine) {
		require.Missing(t, err.Error())
	}
	if err != nil {
		t.Fatal(err)
	}
	defer rules.Close()
	t.Logf("%d files of rules compiled, %d rejected, in %v", len(rules.Files()), len(rules.Rejected), time.Since(began))
	began = time.Now()
	for path, names := range want {
		f, err := os.Open(require.Data(t, path))
		if err != nil {
			t.Fatal(err)
		}
		got, err := rules.Scan(context.Background(), path, f)
		f.Close()
		if err != nil {
			t.Fatal(err)
		}
		var all []string
		for _, m := range got.Matches {
			all = append(all, filepath.Base(m.File)+":"+m.Rule)
		}
		slices.Sort(names)
		slices.Sort(all)
		if !slices.Equal(all, names) {
			t.Errorf("%s: %q, want %q", path, all, names)
		}
	}
	t.Logf("%d files scanned in %v", len(want), time.Since(began))
}
