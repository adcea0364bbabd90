package evidence

import (
	"context"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Root is a place where one organisation's evidence stands: a file or a folder.
type Root struct {
	Org  string
	Path string
}

// Item is one file of evidence on disk.
type Item struct {
	Org     string
	Name    string // relative to the organisation's evidence root, "/"-separated
	Path    string
	Size    int64
	ModTime time.Time
}

// Unread is a file or folder that was met and not read, with the reason.
type Unread struct {
	Org    string
	Name   string
	Reason string
	Lost   bool // evidence may have been there: a folder that cannot be listed
}

// Walk lists the files below the roots in a fixed order: by organisation as given, then by name. An organisation with
// several roots has their closest common folder as its evidence root. Symbolic links below a root are not followed, so a
// loop cannot be walked and nothing outside the root is read; they, special files and folders that cannot be listed
// come back as unread. Only a root that does not exist is an error. Folders of results within a root are passed over.
func Walk(ctx context.Context, roots []Root, results ...string) ([]Item, []Unread, error) {
	w := walker{ctx: ctx, seen: map[string]bool{}}
	for _, r := range results {
		if info, err := os.Stat(r); r != "" && err == nil {
			w.results = append(w.results, info)
		}
	}
	var orgs []string
	byOrg := map[string][]string{}
	for _, r := range roots {
		if _, ok := byOrg[r.Org]; !ok {
			orgs = append(orgs, r.Org)
		}
		abs, err := filepath.Abs(r.Path)
		if err != nil {
			return nil, nil, err
		}
		byOrg[r.Org] = append(byOrg[r.Org], abs)
	}
	for _, org := range orgs {
		base, err := commonFolder(byOrg[org])
		if err != nil {
			return nil, nil, err
		}
		from := len(w.items)
		for _, p := range byOrg[org] {
			if err := w.root(org, base, p); err != nil {
				return nil, nil, err
			}
		}
		slices.SortFunc(w.items[from:], func(a, b Item) int { return strings.Compare(a.Name, b.Name) })
	}
	slices.SortStableFunc(w.unread, func(a, b Unread) int { return strings.Compare(a.Name, b.Name) })
	return w.items, w.unread, nil
}

// commonFolder gives the folder that names are relative to: the root itself when it is the only one and a folder, else
// the closest folder that holds all of them.
func commonFolder(paths []string) (string, error) {
	var common []string
	for i, p := range paths {
		info, err := os.Stat(p)
		if err != nil {
			return "", err
		}
		folder := p
		if !info.IsDir() {
			folder = filepath.Dir(p)
		}
		parts := strings.Split(folder, string(filepath.Separator))
		if i == 0 {
			common = parts
			continue
		}
		n := 0
		for n < len(common) && n < len(parts) && common[n] == parts[n] {
			n++
		}
		common = common[:n]
	}
	folder := strings.Join(common, string(filepath.Separator))
	if folder == "" || strings.HasSuffix(folder, ":") {
		folder += string(filepath.Separator)
	}
	return folder, nil
}

type walker struct {
	ctx    context.Context
	items  []Item
	unread []Unread
	// results are folders in which we write. Within evidence they are not of it: what a sweep found must not be found again by the next.
	results []fs.FileInfo
	seen    map[string]bool // organisation and path, for roots that lie within each other
}

func (w *walker) root(org, base, root string) error {
	// A root may itself be a link: the user named it.
	resolved, err := filepath.EvalSymlinks(root)
	if err != nil {
		return err
	}
	return filepath.WalkDir(resolved, func(p string, d fs.DirEntry, err error) error {
		if stop := w.ctx.Err(); stop != nil {
			return stop
		}
		name := nameIn(base, filepath.Join(root, strings.TrimPrefix(p, resolved)))
		if err != nil {
			if p == resolved && d == nil {
				return err
			}
			w.unread = append(w.unread, Unread{org, name, "cannot be read: " + Reason(err), true})
			if d != nil && d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		switch mode := d.Type(); {
		case mode.IsDir():
			if p != resolved && w.ours(d) {
				w.unread = append(w.unread, Unread{org, name, "the folder of these results, no evidence", false})
				return fs.SkipDir
			}
			return nil
		case mode&fs.ModeSymlink != 0:
			w.unread = append(w.unread, Unread{org, name, "symbolic link, not followed: name its target as evidence if it belongs to it", false})
			return nil
		case !mode.IsRegular():
			// Somebody who names it as evidence must not hear that all was read.
			w.unread = append(w.unread, Unread{org, name, "not a regular file (" + mode.String() + ")", p == resolved})
			return nil
		}
		if key := org + "\x00" + p; !w.seen[key] {
			w.seen[key] = true
			item := Item{Org: org, Name: name, Path: p}
			if info, err := d.Info(); err == nil {
				item.Size, item.ModTime = info.Size(), info.ModTime()
			}
			w.items = append(w.items, item)
		}
		return nil
	})
}

func (w *walker) ours(d fs.DirEntry) bool {
	if len(w.results) == 0 {
		return false
	}
	info, err := d.Info()
	return err == nil && slices.ContainsFunc(w.results, func(r fs.FileInfo) bool { return os.SameFile(info, r) })
}

func nameIn(base, p string) string {
	rel, err := filepath.Rel(base, p)
	if err != nil {
		rel = p
	}
	return path.Clean(filepath.ToSlash(rel))
}

// Reason takes the path out of a file system error: the place is told beside it.
func Reason(err error) string {
	if pe, ok := err.(*fs.PathError); ok {
		return pe.Err.Error()
	}
	return err.Error()
}
