// Package require says what a test requires beyond this repository, and is the only place from which a test is left out: what Data, Program,
// Permission, Time and BenchCheck ask for and do not find is said with its reason.
//
// What is left out is bounded. Real data is left out where its whole folder is absent, and nothing less: a file that is missing or cannot be read
// fails. Programs that users need not have may be missing, but not where CONTRAIL_NOTHING_MISSING is set: .ci/run installs them all and sets it.
// What -short leaves out runs without it; .ci/run does both. What an environment variable names has to be there.
package require

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Data gives the path of a file or folder of the real data, which lies in ../shared/data beside the module's root; its path below that is given with
// slashes. The test is left out where there is no such data at all, and fails where there is data but not this.
func Data(tb testing.TB, below string) string {
	tb.Helper()
	root := need(tb, below)
	path := filepath.Join(root, filepath.FromSlash(below))
	if err := readable(path); err != nil {
		tb.Fatalf("the real data is in %s, but not all of it: %v", root, err)
	}
	return path
}

// Files gives the files of the real data that match a pattern of path.Match, one at least, in order.
func Files(tb testing.TB, pattern string) []string {
	tb.Helper()
	root := need(tb, pattern)
	files, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(pattern)))
	if err != nil || len(files) == 0 {
		tb.Fatalf("the real data is in %s, but nothing there matches %s (%v)", root, pattern, err)
	}
	return files
}

// Read gives the content of a file of the real data.
func Read(tb testing.TB, below string) []byte {
	tb.Helper()
	b, err := os.ReadFile(Data(tb, below))
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// HasData says whether the real data is here, for tests that take it in addition to what they have.
func HasData(tb testing.TB) bool {
	tb.Helper()
	_, here := data(tb)
	return here
}

// need gives the folder of the real data, or leaves the test out.
func need(tb testing.TB, what string) string {
	tb.Helper()
	root, here := data(tb)
	if !here {
		tb.Skipf("there is no real data in %s: %s is not tested on %s", root, tb.Name(), what)
	}
	return root
}

// data gives the folder of the real data, relative to the working directory, and whether it is there.
func data(tb testing.TB) (root string, here bool) {
	tb.Helper()
	at, err := os.Getwd()
	if err != nil {
		tb.Fatal(err)
	}
	up := "."
	for ; ; at, up = filepath.Dir(at), filepath.Join("..", up) {
		if _, err := os.Stat(filepath.Join(at, "go.mod")); err == nil {
			break
		}
		if filepath.Dir(at) == at {
			tb.Fatal("the test does not run within a Go module, so there is no saying where the real data is")
		}
	}
	root = filepath.Join(up, "..", "shared", "data")
	if _, err = os.Stat(root); err != nil && !errors.Is(err, fs.ErrNotExist) {
		tb.Fatal(err)
	}
	return root, err == nil
}

// readable opens a file or folder, and says what is wrong with it; a folder with nothing in it is wrong too.
func readable(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.IsDir() {
		return err
	}
	_, err = f.Readdirnames(1)
	if err == io.EOF {
		return errors.New(path + " is empty")
	}
	return err
}

// Named gives the path that an environment variable names, which has to be there; nothing where the variable is not set.
func Named(tb testing.TB, variable string) string {
	tb.Helper()
	path := os.Getenv(variable)
	if path == "" {
		return ""
	}
	if err := readable(path); err != nil {
		tb.Fatalf("%s: %v", variable, err)
	}
	return path
}

// Program gives the path of the first of the programs that is installed.
func Program(tb testing.TB, names ...string) string {
	tb.Helper()
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	Missing(tb, "there is no program "+strings.Join(names, " or "))
	return ""
}

// Missing leaves a test out for want of something that is installed apart, or fails it where nothing may be missing. The reason says what it is.
func Missing(tb testing.TB, reason string) {
	tb.Helper()
	if err := asked(reason); err != nil {
		tb.Fatal(err)
	}
	tb.Skipf("%s: %s is not tested", reason, tb.Name())
}

// Has says whether a program is installed, for scripts that leave themselves out. The error is there where nothing may be missing.
func Has(name string) (bool, error) {
	if _, err := exec.LookPath(name); err != nil {
		return false, asked("there is no program " + name)
	}
	return true, nil
}

func asked(missing string) error {
	if os.Getenv("CONTRAIL_NOTHING_MISSING") == "" {
		return nil
	}
	return errors.New(missing + " (CONTRAIL_NOTHING_MISSING asks for it)")
}

// Permission leaves a test out that this user may not run, as err says. Any other error fails it.
func Permission(tb testing.TB, err error, otherwise string) {
	tb.Helper()
	if errors.Is(err, fs.ErrPermission) {
		tb.Skipf("not permitted here (%v): %s", err, otherwise)
	}
	if err != nil {
		tb.Fatal(err)
	}
}

// Time leaves a test out under -short, with which the race detector runs. The reason says why the detector can do without it, or what takes the time.
func Time(tb testing.TB, reason string) {
	tb.Helper()
	if testing.Short() {
		tb.Skipf("left out by -short, run without it: %s", reason)
	}
}

// BenchCheck leaves a test out that compares times, except in "make bench-check".
func BenchCheck(tb testing.TB) {
	tb.Helper()
	if os.Getenv("CONTRAIL_BENCH_CHECK") == "" {
		tb.Skip(`compares times, which a busy machine distorts: run by "make bench-check" alone`)
	}
}
