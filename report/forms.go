package report

import (
	"errors"
	"slices"

	"github.com/contrail-ir/contrail/sweep"
)

// Closer is a handler that writes files. Close removes what was begun and not finished.
type Closer interface {
	sweep.Handler
	Close() error
}

// ErrUnknownForm is the error of New for a name that Forms does not list.
var ErrUnknownForm = errors.New("no such form of report")

// form is one way to write findings into a folder.
type form struct {
	name  string
	files []string
	begin func(dir string) (Closer, error) // nil for what Folder always writes
}

// forms lists every form; the one place where a form is added. docs/adding/report.md has the recipe.
var forms = []form{
	{"jsonl", []string{"findings.jsonl"}, nil},
	{"csv", []string{"findings.csv"}, func(dir string) (Closer, error) { return NewCSV(dir) }},
	{"html", []string{"report.html"}, func(dir string) (Closer, error) { return NewPage(dir) }},
	{"timesketch", []string{"timesketch.jsonl", "timesketch.csv"}, func(dir string) (Closer, error) { return NewTimesketch(dir) }},
	{"navigator", []string{"layer.json"}, func(dir string) (Closer, error) { return NewLayer(dir), nil }},
	{"stix", []string{"bundle.json"}, func(dir string) (Closer, error) { return NewBundle(dir), nil }},
}

// Forms gives the names of the forms, as --format takes them.
func Forms() []string {
	var names []string
	for _, f := range forms {
		names = append(names, f.name)
	}
	return names
}

// New begins a form of that name in a folder that exists. It is nil for jsonl, which Folder always writes.
func New(name, dir string) (Closer, error) {
	i := slices.IndexFunc(forms, func(f form) bool { return f.name == name })
	if i < 0 {
		return nil, ErrUnknownForm
	}
	if forms[i].begin == nil {
		return nil, nil
	}
	return forms[i].begin(dir)
}
