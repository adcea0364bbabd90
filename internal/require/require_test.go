package require

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// outcome is a test that writes down how it ended.
type outcome struct {
	testing.TB
	how string
}

func (o *outcome) Helper()                   {}
func (o *outcome) Name() string              { return "TestX" }
func (o *outcome) end(how, text string)      { o.how = how + ": " + text; runtime.Goexit() }
func (o *outcome) Skip(a ...any)             { o.end("left out", fmt.Sprint(a...)) }
func (o *outcome) Fatal(a ...any)            { o.end("failed", fmt.Sprint(a...)) }
func (o *outcome) Skipf(f string, a ...any)  { o.end("left out", fmt.Sprintf(f, a...)) }
func (o *outcome) Fatalf(f string, a ...any) { o.end("failed", fmt.Sprintf(f, a...)) }

// ends gives how a test ended, or what it went on with.
func ends(run func(tb testing.TB) string) string {
	o, done := &outcome{}, make(chan bool)
	go func() {
		defer close(done)
		o.how = "goes on with " + filepath.ToSlash(run(o))
	}()
	<-done
	return o.how
}

func TestDataIsLeftOutOnlyAsAWhole(t *testing.T) {
	dir := t.TempDir()
	pkg := filepath.Join(dir, "module", "a", "b")
	if err := os.MkdirAll(pkg, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Chdir(pkg)
	data := func(below string) func(testing.TB) string {
		return func(tb testing.TB) string { return Data(tb, below) }
	}
	files := func(pattern string) func(testing.TB) string {
		return func(tb testing.TB) string { return strings.Join(Files(tb, pattern), " ") }
	}
	read := func(below string) func(testing.TB) string {
		return func(tb testing.TB) string { return string(Read(tb, below)) }
	}
	has := func(tb testing.TB) string { return fmt.Sprint(HasData(tb)) }
	expect := func(want string, run func(testing.TB) string) {
		t.Helper()
		if got := ends(run); !strings.HasPrefix(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	}
	expect("failed: the test does not run within a Go module", data("x"))
	write := func(name, text string) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("module/go.mod", "module x\n")
	where := filepath.FromSlash("../../../shared/data")
	expect("left out: there is no real data in "+where+": TestX is not tested on x/y.log", data("x/y.log"))
	expect("left out: ", files("x/*.log"))
	expect("left out: ", read("x/y.log"))
	expect("goes on with false", has)

	write("shared/data/x/y.log", "text")
	expect("goes on with ../../../shared/data/x/y.log", data("x/y.log"))
	expect("goes on with ../../../shared/data/x", data("x"))
	expect("goes on with ../../../shared/data/x/y.log", files("*/*.log"))
	expect("goes on with text", read("x/y.log"))
	expect("goes on with true", has)
	expect("failed: the real data is in "+where+", but not all of it", data("x/z.log"))
	expect("failed: the real data is in "+where+", but nothing there matches x/*.gz", files("x/*.gz"))
	expect("failed: ", files("[")) // no pattern
	expect("failed: ", read("x/z.log"))
	if err := os.Mkdir(filepath.Join(dir, "shared/data/none"), 0o755); err != nil {
		t.Fatal(err)
	}
	expect("failed: ", data("none"))

	if err := os.RemoveAll(filepath.Join(dir, "shared")); err != nil {
		t.Fatal(err)
	}
	write("shared", "no folder")
	if got := ends(data("x")); runtime.GOOS != "windows" && !strings.HasPrefix(got, "failed: ") {
		t.Errorf("%q", got)
	}
}

func TestProgramsMayNotBeMissingWhereNothingMay(t *testing.T) {
	program := func(tb testing.TB) string { return Program(tb, "no-such-program", "nor-this-one") }
	t.Setenv("CONTRAIL_NOTHING_MISSING", "")
	if got := ends(program); got != "left out: there is no program no-such-program or nor-this-one: TestX is not tested" {
		t.Error(got)
	}
	t.Setenv("CONTRAIL_NOTHING_MISSING", "1")
	if got := ends(program); !strings.HasPrefix(got, "failed: there is no program no-such-program") {
		t.Error(got)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if got := ends(func(tb testing.TB) string { return Program(tb, "no-such-program", self) }); got != "goes on with "+filepath.ToSlash(self) {
		t.Error(got)
	}
}

func TestWhatIsNamedHasToBeThere(t *testing.T) {
	named := func(tb testing.TB) string { return Named(tb, "CONTRAIL_SUCH_A_PATH") }
	for value, want := range map[string]string{"": "goes on with ", "require.go": "goes on with require.go", "no-such-file": "failed: CONTRAIL_SUCH_A_PATH: "} {
		t.Setenv("CONTRAIL_SUCH_A_PATH", value)
		if got := ends(named); !strings.HasPrefix(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestOnlyAWantOfPermissionIsPermitted(t *testing.T) {
	for want, err := range map[string]error{"goes on": nil, "left out: ": &fs.PathError{Op: "mount", Err: syscall.EPERM}, "failed: ": syscall.EINVAL} {
		if got := ends(func(tb testing.TB) string { Permission(tb, err, "why not"); return "" }); !strings.HasPrefix(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestNoTestLeavesItselfOut holds all tests to this package: it alone skips, so that the reasons stand in one place.
func TestNoTestLeavesItselfOut(t *testing.T) {
	looked := 0
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (path == filepath.Join("..", "..", "internal", "require") || strings.HasPrefix(d.Name(), ".") && d.Name() != "..") {
			return fs.SkipDir
		}
		if d.IsDir() || filepath.Ext(path) != ".go" {
			return nil
		}
		set := token.NewFileSet()
		f, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		tests := false
		for _, imp := range f.Imports {
			tests = tests || imp.Path.Value == `"testing"`
		}
		if !tests {
			return nil
		}
		looked++
		ast.Inspect(f, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok {
				if s, ok := call.Fun.(*ast.SelectorExpr); ok && (s.Sel.Name == "Skip" || s.Sel.Name == "Skipf" || s.Sel.Name == "SkipNow") {
					t.Errorf("%s: a test is left out by hand; say what it needs by internal/require", set.Position(call.Pos()))
				}
			}
			return true
		})
		return nil
	})
	if err != nil || looked < 100 {
		t.Errorf("%d files looked at: %v", looked, err)
	}
}
