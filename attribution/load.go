package attribution

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strings"

	"go.yaml.in/yaml/v3"
)

const (
	maxFileBytes = 4 << 20
	maxFiles     = 5000
)

type caseFile struct {
	Name       string           `yaml:"name"`
	Incident   Incident         `yaml:"incident"`
	Sources    []Source         `yaml:"sources"`
	Roots      []Root           `yaml:"roots"`
	Assessment *Assessment      `yaml:"assessment"`
	Naming     []NamingDecision `yaml:"naming"`
}

type hypothesesFile struct {
	Hypotheses []Hypothesis `yaml:"hypotheses"`
}

type evidenceFile struct {
	Evidence []Evidence `yaml:"evidence"`
}

// Load reads a case folder – case.yaml, claims/*.yaml, hypotheses.yaml, evidence.yaml, analysts/*.yaml, of which only the
// first must be there – and checks it. Errors give file and line; a key that is not part of the format is refused by name.
func Load(dir string) (*Case, error) {
	var head caseFile
	if err := readYAML(dir, "case.yaml", &head); err != nil {
		return nil, err
	}
	c := &Case{Name: head.Name, Incident: head.Incident, Sources: head.Sources, Roots: head.Roots, Assessment: head.Assessment, Naming: head.Naming}
	var h hypothesesFile
	if err := readYAML(dir, "hypotheses.yaml", &h); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	var e evidenceFile
	if err := readYAML(dir, "evidence.yaml", &e); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	c.Hypotheses, c.Evidence = h.Hypotheses, e.Evidence
	names, err := yamlFiles(dir, "claims")
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		claim := Claim{file: name}
		if err := readYAML(dir, name, &claim); err != nil {
			return nil, err
		}
		c.Claims = append(c.Claims, claim)
	}
	if names, err = yamlFiles(dir, "analysts"); err != nil {
		return nil, err
	}
	for _, name := range names {
		var a Analyst
		if err := readYAML(dir, name, &a); err != nil {
			return nil, err
		}
		c.Analysts = append(c.Analysts, a)
	}
	return c, Check(c)
}

func yamlFiles(dir, sub string) ([]string, error) {
	entries, err := os.ReadDir(filepath.Join(dir, sub))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read case: %w", err)
	}
	var names []string
	for _, e := range entries {
		if ext := filepath.Ext(e.Name()); e.Type().IsRegular() && (ext == ".yaml" || ext == ".yml") {
			names = append(names, sub+"/"+e.Name())
		}
	}
	if len(names) > maxFiles {
		return nil, fmt.Errorf("read case: %s holds more than %d files", sub, maxFiles)
	}
	sort.Strings(names)
	return names, nil
}

func readYAML(dir, name string, into any) error {
	path := filepath.Join(dir, filepath.FromSlash(name))
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("it is not a regular file")
	}
	if err != nil {
		return fmt.Errorf("read case: %s: %w", name, err)
	}
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("read case: %w", err)
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, maxFileBytes+1))
	if err != nil {
		return fmt.Errorf("read case: %s: %w", name, err)
	}
	if len(raw) > maxFileBytes {
		return fmt.Errorf("read case: %s is longer than %d bytes", name, maxFileBytes)
	}
	return decodeYAML(name, raw, into)
}

var (
	unknownKey = regexp.MustCompile(`line (\d+): field (.+) not found in type \S+`)
	lineOf     = regexp.MustCompile(`^(?:yaml: )?(?:line (\d+): )?(.*)$`)
)

func decodeYAML(name string, raw []byte, into any) error {
	dec := yaml.NewDecoder(bytes.NewReader(raw))
	dec.KnownFields(true)
	err := dec.Decode(into)
	if err == io.EOF {
		return fmt.Errorf("read case: %s is empty", name)
	}
	if err == nil {
		if err = dec.Decode(new(yaml.Node)); err == io.EOF {
			return nil
		}
		return fmt.Errorf("read case: %s: a second document follows the first", name)
	}
	messages := []string{err.Error()}
	var typed *yaml.TypeError
	if errors.As(err, &typed) {
		messages = typed.Errors
	}
	var out []string
	for _, m := range messages {
		if k := unknownKey.FindStringSubmatch(m); k != nil {
			out = append(out, fmt.Sprintf("%s:%s: unknown key %.80q", name, k[1], k[2]))
			continue
		}
		first, _, _ := strings.Cut(m, "\n")
		if k := lineOf.FindStringSubmatch(first); k != nil && k[1] != "" {
			out = append(out, fmt.Sprintf("%s:%s: %.300s", name, k[1], k[2]))
		} else {
			out = append(out, fmt.Sprintf("%s: %.300s", name, strings.TrimPrefix(first, "yaml: ")))
		}
	}
	if len(out) > maxErrors {
		out = append(out[:maxErrors], "and more")
	}
	return fmt.Errorf("read case: %s", strings.Join(out, "; "))
}
