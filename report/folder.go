package report

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/contrail-ir/contrail/finding"
	"github.com/contrail-ir/contrail/sweep"
)

// Folder writes findings.jsonl, coverage.json and stats.json into a folder.
type Folder struct {
	dir      string
	findings *pending
	line     []byte
}

// NewFolder makes the folder and begins its files. Close must be called.
func NewFolder(dir string) (*Folder, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("make output folder: %w", err)
	}
	// What a killed sweep left unfinished has no name of its own and is no result.
	left, err := filepath.Glob(filepath.Join(dir, ".*.json*.[0-9]*"))
	if err != nil {
		return nil, fmt.Errorf("make output folder: %w", err)
	}
	for _, p := range left {
		if err := os.Remove(p); err != nil {
			return nil, fmt.Errorf("clear output folder: %w", err)
		}
	}
	p, err := begin(filepath.Join(dir, "findings.jsonl"))
	if err != nil {
		return nil, err
	}
	return &Folder{dir: dir, findings: p}, nil
}

// Finding implements sweep.Handler.
func (w *Folder) Finding(f *finding.Finding) (err error) {
	if w.line, err = f.AppendJSON(w.line[:0]); err != nil {
		return fmt.Errorf("write finding: %w", err)
	}
	return w.findings.write(w.line)
}

// End implements sweep.Handler.
func (w *Folder) End(r *sweep.Result) error {
	if err := w.findings.commit(); err != nil {
		return err
	}
	if err := WriteFile(filepath.Join(w.dir, "coverage.json"), r.Certificate.Write); err != nil {
		return err
	}
	return WriteFile(filepath.Join(w.dir, "stats.json"), func(out io.Writer) error {
		e := json.NewEncoder(out)
		e.SetIndent("", " ")
		return e.Encode(r.Stats)
	})
}

// Close removes what was begun and not finished.
func (w *Folder) Close() error { return w.findings.abandon() }

// WriteFile writes a file that gets its name when it is complete.
func WriteFile(path string, content func(io.Writer) error) error {
	p, err := begin(path)
	if err != nil {
		return err
	}
	if err := content(p.out); err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", path, err), p.abandon())
	}
	return p.commit()
}

// pending is a file that gets its name when it is complete.
type pending struct {
	path string
	file *os.File
	out  *bufio.Writer
}

func begin(path string) (*pending, error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return nil, fmt.Errorf("write %s: %w", path, err)
	}
	return &pending{path: path, file: f, out: bufio.NewWriterSize(f, 256<<10)}, nil
}

func (p *pending) write(b []byte) error {
	if _, err := p.out.Write(b); err != nil {
		return fmt.Errorf("write %s: %w", p.path, err)
	}
	return nil
}

func (p *pending) commit() error {
	err := errors.Join(p.out.Flush(), p.file.Chmod(0o644), p.file.Close())
	if err == nil {
		err = os.Rename(p.file.Name(), p.path)
	}
	if err != nil {
		err = fmt.Errorf("write %s: %w", p.path, err)
		os.Remove(p.file.Name())
	}
	p.file = nil
	return err
}

func (p *pending) abandon() error {
	if p.file == nil {
		return nil
	}
	err := errors.Join(p.file.Close(), os.Remove(p.file.Name()))
	p.file = nil
	return err
}
