// Package yara asks YARA rules of bytes, by running the yara program.
//
// It promises that rules are compiled once, that a file that makes the program hang or crash costs that file and no more, and that what
// the program says is read strictly: a line that is not understood is an error, never a match. The bytes are handed over in a file of
// the package's own making, so no name from evidence reaches a command line. It writes nothing else, and interprets no rule itself.
// Where the program is not installed, ErrNoEngine says so: the question was not asked, which is no "not found".
package yara

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ErrNoEngine tells that there is no yara program: not searchable, no engine.
var ErrNoEngine = errors.New("not searchable: no engine (the programs yara and yarac are not installed)")

// Limits.
const (
	defaultTimeout = 60 * time.Second
	defaultBytes   = 256 << 20
	maxOutput      = 4 << 20
	maxMatches     = 10_000
)

// Options say how rules are compiled and asked.
type Options struct {
	// Program is the yara program; "" looks for yara and yarac where programs are.
	Program string
	// Timeout is for one file; 0 for a minute.
	Timeout time.Duration
	// MaxBytes is how much of a file is looked at; 0 for 256 MiB.
	MaxBytes int64
	// TempDir is where files lie while they are looked at; "" for the system's.
	TempDir string
	// Variables are the external variables that rules may use, such as filename and filepath, with their defaults. Nil defines the
	// usual ones as "".
	Variables map[string]string
}

// Rejected is a file of rules that does not compile.
type Rejected struct {
	File   string
	Reason string
}

// Match is a rule that matches.
type Match struct {
	File string // of rules, as given or found in a folder
	Rule string
	Tags []string
}

// Result is what was found in one file.
type Result struct {
	Matches []Match // by file of rules and rule
	// Cut tells that the file was longer than what was looked at.
	Cut bool
}

// Rules are compiled rules, in a folder of their own until Close. They are immutable and shared between goroutines.
type Rules struct {
	options  Options
	program  string
	dir      string
	compiled string
	sources  []string // by the number of their namespace
	Rejected []Rejected
}

// usual are the external variables that collections of rules expect.
func usual() map[string]string {
	return map[string]string{"filename": "", "filepath": "", "extension": "", "filetype": "", "owner": "", "md5": ""}
}

// Compile compiles files of rules and all files ending in .yar, .yara or .rule in folders. A file that does not compile is rejected
// with the compiler's reason and the others count. The error is ErrNoEngine, or of the file system, or that no rule is left.
func Compile(ctx context.Context, o Options, paths ...string) (rules *Rules, err error) {
	if o.Timeout <= 0 {
		o.Timeout = defaultTimeout
	}
	if o.MaxBytes <= 0 {
		o.MaxBytes = defaultBytes
	}
	if o.Variables == nil {
		o.Variables = usual()
	}
	program, compiler, err := programs(o.Program)
	if err != nil {
		return nil, err
	}
	sources, err := list(paths)
	if err != nil {
		return nil, fmt.Errorf("compile YARA rules: %w", err)
	}
	dir, err := os.MkdirTemp(o.TempDir, "contrail-yara-")
	if err != nil {
		return nil, fmt.Errorf("compile YARA rules: %w", err)
	}
	r := &Rules{options: o, program: program, dir: dir, compiled: filepath.Join(dir, "rules")}
	defer func() {
		if err != nil {
			err = errors.Join(err, r.Close())
			rules = nil
		}
	}()
	flags := []string{"-w"}
	for _, name := range sortedKeys(o.Variables) {
		flags = append(flags, "-d", name+"="+o.Variables[name])
	}
	// One by one first, to know which cannot be used; then together, each in a namespace of its own.
	var together []string
	for _, source := range sources {
		abs, err := filepath.Abs(source) // a path that begins with "-" must not be taken for a flag
		if err != nil {
			return nil, err
		}
		given := fmt.Sprintf("r%d:%s", len(r.sources), abs)
		if _, said, err := run(ctx, o.Timeout, compiler, append(slices.Clone(flags), given, r.compiled)...); ctx.Err() != nil {
			return nil, ctx.Err()
		} else if err != nil {
			r.Rejected = append(r.Rejected, Rejected{source, reason(said, abs, err)})
			continue
		}
		together = append(together, given)
		r.sources = append(r.sources, source)
	}
	if len(r.sources) == 0 {
		return nil, fmt.Errorf("compile YARA rules: none of %d files can be used", len(sources))
	}
	if _, said, err := run(ctx, 10*o.Timeout, compiler, append(append(flags, together...), r.compiled)...); err != nil {
		return nil, fmt.Errorf("compile YARA rules together: %s", reason(said, r.dir, err))
	}
	return r, nil
}

// Files lists the files of rules that compiled.
func (r *Rules) Files() []string { return slices.Clone(r.sources) }

// Close removes the compiled rules.
func (r *Rules) Close() error { return os.RemoveAll(r.dir) }

// Scan asks all rules of what body holds. name, of a file of evidence, is only what rules see as filename, filepath and extension.
func (r *Rules) Scan(ctx context.Context, name string, body io.Reader) (result Result, err error) {
	file, err := os.CreateTemp(r.dir, "scan-")
	if err != nil {
		return result, fmt.Errorf("scan with YARA: %w", err)
	}
	defer func() { err = errors.Join(err, os.Remove(file.Name())) }()
	n, err := io.Copy(file, io.LimitReader(body, r.options.MaxBytes))
	if err == nil && n == r.options.MaxBytes {
		var more [1]byte
		m, _ := io.ReadFull(body, more[:])
		result.Cut = m > 0
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return result, fmt.Errorf("scan with YARA: %w", err)
	}
	args := []string{"-C", "-e", "-g", "-w", "-a", fmt.Sprint(int(r.options.Timeout.Seconds()) + 1)}
	slash := strings.LastIndexAny(name, `/\!`)
	values := map[string]string{"filename": name[slash+1:], "filepath": name[:slash+1], "extension": filepath.Ext(name[slash+1:])}
	for _, key := range sortedKeys(r.options.Variables) {
		value := values[key]
		if value == "" {
			value = r.options.Variables[key]
		}
		args = append(args, "-d", key+"="+clean(value))
	}
	out, said, err := run(ctx, r.options.Timeout, r.program, append(args, r.compiled, file.Name())...)
	if err != nil {
		if ctx.Err() != nil {
			return result, ctx.Err()
		}
		return result, fmt.Errorf("scan with YARA: %s", reason(said, file.Name(), err))
	}
	if result.Matches, err = parse(out, file.Name(), r.sources); err != nil {
		return result, fmt.Errorf("scan with YARA: %w", err)
	}
	slices.SortFunc(result.Matches, func(a, b Match) int {
		return cmp.Or(strings.Compare(a.File, b.File), strings.Compare(a.Rule, b.Rule))
	})
	return result, nil
}

// clean keeps what a variable's value may be: the program takes digits, true and false for other types.
func clean(value string) string {
	value = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '_'
		}
		return r
	}, value)
	if len(value) > 1024 {
		value = value[:1024]
	}
	if number.MatchString(value) || value == "true" || value == "false" {
		return "_" + value
	}
	return value
}

var (
	number  = regexp.MustCompile(`^[+-]?[0-9]*\.?[0-9]*$`)
	matched = regexp.MustCompile(`^r([0-9]{1,9}):([A-Za-z_][A-Za-z0-9_]{0,127}) \[([A-Za-z0-9_,]*)\] (.+)$`)
)

// parse reads the program's lines "NAMESPACE:RULE [tag,tag] PATH", which must all be about the path.
func parse(out []byte, path string, sources []string) (matches []Match, err error) {
	lines := bufio.NewScanner(bytes.NewReader(out))
	lines.Buffer(nil, maxOutput)
	for lines.Scan() {
		m := matched.FindStringSubmatch(lines.Text())
		if m == nil || m[4] != path {
			return nil, fmt.Errorf("the yara program said what is not understood: %.200q", lines.Text())
		}
		source, _ := strconv.Atoi(m[1])
		if source >= len(sources) {
			return nil, fmt.Errorf("the yara program names rules that it was not given: %.200q", lines.Text())
		}
		if len(matches) == maxMatches {
			return nil, fmt.Errorf("more than %d rules match", maxMatches)
		}
		match := Match{File: sources[source], Rule: m[2]}
		if m[3] != "" {
			match.Tags = strings.Split(m[3], ",")
		}
		matches = append(matches, match)
	}
	return matches, lines.Err()
}

// run runs a program without input, environment or more output than is bounded.
func run(ctx context.Context, timeout time.Duration, program string, args ...string) (out, said []byte, err error) {
	ctx, stop := context.WithTimeout(ctx, timeout+5*time.Second) // the program has the timeout, too
	defer stop()
	c := exec.CommandContext(ctx, program, args...)
	c.Env = []string{"LC_ALL=C"}
	c.WaitDelay = time.Second
	stdout, stderr := &bounded{}, &bounded{}
	c.Stdout, c.Stderr = stdout, stderr
	err = c.Run()
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		err = fmt.Errorf("gave no answer within %v", timeout)
	}
	if err == nil && stdout.over {
		err = fmt.Errorf("the yara program said more than %d bytes", maxOutput)
	}
	return stdout.kept, stderr.kept, err
}

// bounded keeps the first bytes that are written to it.
type bounded struct {
	kept []byte
	over bool
}

func (b *bounded) Write(p []byte) (int, error) {
	room := min(maxOutput-len(b.kept), len(p))
	b.over = b.over || room < len(p)
	b.kept = append(b.kept, p[:room]...)
	return len(p), nil
}

// reason is the first line that a program said about a path, without the path, or how it ended.
func reason(said []byte, path string, err error) string {
	for line := range strings.Lines(string(said)) {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "warning:") {
			line = strings.ReplaceAll(line, path, "")
			if len(line) > 500 {
				line = line[:500]
			}
			return strings.TrimSpace(strings.ToValidUTF8(line, "\ufffd"))
		}
	}
	return err.Error()
}

// programs finds yara and yarac.
func programs(program string) (yara, yarac string, err error) {
	if program == "" {
		program = "yara"
	}
	if yara, err = exec.LookPath(program); err != nil {
		return "", "", ErrNoEngine
	}
	if yarac, err = exec.LookPath(filepath.Join(filepath.Dir(yara), "yarac")); err != nil {
		return "", "", ErrNoEngine
	}
	return yara, yarac, nil
}

// list gives the files of rules, in a fixed order.
func list(paths []string) (files []string, err error) {
	for _, p := range paths {
		info, err := os.Stat(p)
		if err != nil {
			return nil, err
		}
		if !info.IsDir() {
			files = append(files, p)
			continue
		}
		err = filepath.WalkDir(p, func(p string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			switch strings.ToLower(filepath.Ext(p)) {
			case ".yar", ".yara", ".rule":
				if d.Type().IsRegular() {
					files = append(files, p)
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	slices.Sort(files)
	return slices.Compact(files), nil
}

func sortedKeys(m map[string]string) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
