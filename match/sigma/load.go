package sigma

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
)

// Load reads rule files and, below folders, every file that ends in .yml or .yaml, in the order of the paths and of
// the names below each. Hidden folders are passed over and symbolic links to folders are not followed. A file or
// folder that cannot be read is in Rejected like a rule that cannot: nothing is left out in silence. Of rules in
// different files with the same id only the first counts.
func Load(paths ...string) *Collection {
	var files []source
	for _, p := range paths {
		clean := filepath.Clean(p)
		info, err := os.Stat(clean)
		switch {
		case err != nil:
			files = append(files, source{name: filepath.ToSlash(clean), err: err})
		case info.IsDir():
			files = append(files, walk(os.DirFS(clean), ".", filepath.ToSlash(clean))...)
		default:
			files = append(files, source{name: filepath.ToSlash(clean), open: func() (fs.File, error) { return os.Open(clean) }})
		}
	}
	return load(files)
}

// LoadFS is Load for a file system, for rules that a program carries.
func LoadFS(fsys fs.FS, root string) *Collection { return load(walk(fsys, root, root)) }

// source is a rule file, or the reason why there is none.
type source struct {
	name string
	open func() (fs.File, error)
	err  error
}

func walk(fsys fs.FS, root, shown string) []source {
	var out []source
	err := fs.WalkDir(fsys, root, func(p string, d fs.DirEntry, err error) error {
		name := shown
		if p != root {
			name = path.Join(shown, p)
			if root != "." {
				name = p
			}
		}
		switch {
		case err != nil:
			out = append(out, source{name: name, err: err})
			if d != nil && d.IsDir() {
				return fs.SkipDir
			}
		case d.IsDir():
			if p != root && strings.HasPrefix(d.Name(), ".") {
				return fs.SkipDir
			}
		case isRuleName(p):
			out = append(out, source{name: name, open: func() (fs.File, error) { return fsys.Open(p) }})
		}
		return nil
	})
	if err != nil {
		out = append(out, source{name: shown, err: err})
	}
	return out
}

func isRuleName(p string) bool {
	ext := strings.ToLower(path.Ext(p))
	return ext == ".yml" || ext == ".yaml"
}

// load parses on all processors and joins the results in the order of the files.
func load(files []source) *Collection {
	parsed := make([]*Collection, len(files))
	next := make(chan int)
	var workers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(files)) {
		workers.Go(func() {
			for i := range next {
				parsed[i] = files[i].parse()
			}
		})
	}
	for i := range files {
		next <- i
	}
	close(next)
	workers.Wait()
	all := &Collection{}
	for _, c := range parsed {
		all.Add(c)
	}
	all.rejectTwins()
	return all
}

func (s source) parse() *Collection {
	text, err := s.read()
	if err != nil {
		var failed *fs.PathError
		if errors.As(err, &failed) {
			err = failed.Err
		}
		return &Collection{Rejected: []Rejected{{Place: Place{File: s.name}, Reason: fmt.Sprintf("cannot be read: %v", err)}}}
	}
	return Parse(s.name, text)
}

func (s source) read() ([]byte, error) {
	if s.err != nil {
		return nil, s.err
	}
	f, err := s.open()
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil {
		return nil, err
	} else if !info.Mode().IsRegular() {
		return nil, errors.New("it is not a regular file")
	}
	return io.ReadAll(io.LimitReader(f, maxFileSize+1))
}

// rejectTwins keeps the first of the rules in different files that have the same id. Documents of one file may share
// an id: collections with a global part do.
func (c *Collection) rejectTwins() {
	first := map[string]Place{}
	twin := func(m *Meta) bool {
		if m.ID == "" {
			return false
		}
		place, seen := first[m.ID]
		if !seen {
			first[m.ID] = m.Place
			return false
		}
		if place.File == m.Place.File {
			return false
		}
		c.Rejected = append(c.Rejected, Rejected{Place: m.Place, ID: m.ID, Title: m.Title,
			Reason: fmt.Sprintf("its id is that of %s, which is used instead; give it an id of its own or remove it", place)})
		return true
	}
	c.Rules = slices.DeleteFunc(c.Rules, func(r *Rule) bool { return twin(&r.Meta) })
	c.Correlations = slices.DeleteFunc(c.Correlations, func(r *Correlation) bool { return twin(&r.Meta) })
	c.Filters = slices.DeleteFunc(c.Filters, func(f *Filter) bool { return twin(&f.Meta) })
}
