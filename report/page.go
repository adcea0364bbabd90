package report

import (
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io"
	"path/filepath"

	"github.com/contrail-ir/contrail/finding"
	"github.com/contrail-ir/contrail/legible"
	"github.com/contrail-ir/contrail/sweep"
)

//go:embed page
var pageFiles embed.FS

// pageScripts are joined in this order into one script.
var pageScripts = []string{"show.js", "data.js", "filter.js", "timeline.js", "matrix.js", "table.js", "detail.js", "coverage.js", "main.js"}

// Page writes report.html into a folder that exists: one self-contained page for people, without network.
//
// Findings stream through a temporary file, so memory is bounded by what the rules and the certificate weigh. The page holds the
// gravest findings that fit pageBounds and says what it leaves out. What evidence says stands in JSON blocks that no markup can leave,
// and in markup through html/template; a content security policy names the one script and the one style by their digests.
type Page struct {
	file  *pending
	rows  *rowStore
	facts factsBuilder
}

// NewPage begins the page. Close must be called.
func NewPage(dir string) (*Page, error) { return newPage(dir, pageBounds) }

func newPage(dir string, limits pageLimits) (*Page, error) {
	p, err := begin(filepath.Join(dir, "report.html"))
	if err != nil {
		return nil, err
	}
	rows, err := newRowStore(dir, limits)
	if err != nil {
		return nil, errors.Join(err, p.abandon())
	}
	return &Page{file: p, rows: rows, facts: newFactsBuilder()}, nil
}

// Finding implements sweep.Handler.
func (p *Page) Finding(f *finding.Finding) error {
	return p.rows.add(f, p.facts.add(f))
}

// End implements sweep.Handler.
func (p *Page) End(r *sweep.Result) error {
	style, err := pageFiles.ReadFile("page/page.css")
	if err != nil {
		return err
	}
	script, err := pageScript()
	if err != nil {
		return err
	}
	parts, err := template.New("").Funcs(template.FuncMap{"visible": legible.Visible, "count": func(n int) string { return count(uint64(n)) }}).ParseFS(pageFiles, "page/*.html")
	if err != nil {
		return err
	}
	all := p.facts.facts(r)
	view := struct {
		*facts
		Policy template.HTMLAttr
		Style  template.CSS
		Script template.JS
	}{all, template.HTMLAttr(`content="` + policy(style, script) + `"`), template.CSS(style), template.JS(script)}
	if err := parts.ExecuteTemplate(p.file.out, "head.html", view); err != nil {
		return fmt.Errorf("write report.html: %w", err)
	}
	all.Embedded, all.WithEvents, err = p.rows.each(p.block)
	if err != nil {
		return err
	}
	b, err := json.Marshal(all)
	if err != nil {
		return fmt.Errorf("write report.html: %w", err)
	}
	fmt.Fprintf(p.file.out, "<script type=\"application/json\" id=\"facts\">%s</script>\n", b)
	if err := parts.ExecuteTemplate(p.file.out, "tail.html", view); err != nil {
		return fmt.Errorf("write report.html: %w", err)
	}
	return errors.Join(p.file.commit(), p.rows.close())
}

// block writes a block of findings and, where there is room, that of their events.
func (p *Page) block(_ finding.Level, rows, events io.Reader) error {
	for _, b := range []struct {
		class   string
		content io.Reader
	}{{"rows", rows}, {"events", events}} {
		if b.content == nil {
			// The events of a block are found by its place, so an empty one stands where they were left out.
			fmt.Fprintf(p.file.out, "<script type=\"application/json\" class=\"%s\"></script>\n", b.class)
			continue
		}
		fmt.Fprintf(p.file.out, "<script type=\"application/json\" class=\"%s\">", b.class)
		if _, err := io.Copy(p.file.out, b.content); err != nil {
			return fmt.Errorf("write report.html: %w", err)
		}
		if _, err := io.WriteString(p.file.out, "</script>\n"); err != nil {
			return fmt.Errorf("write report.html: %w", err)
		}
	}
	return nil
}

// Close removes what was begun and not finished.
func (p *Page) Close() error { return errors.Join(p.file.abandon(), p.rows.close()) }

// pageScript joins the scripts; what they name stays among themselves.
func pageScript() ([]byte, error) {
	script := []byte("(() => {\n\"use strict\";\n")
	for _, name := range pageScripts {
		b, err := pageFiles.ReadFile("page/" + name)
		if err != nil {
			return nil, err
		}
		script = append(script, b...)
	}
	return append(script, "})();\n"...), nil
}

// policy allows the one script and the one style and nothing else: no connection, no image, no frame, no form.
func policy(style, script []byte) string {
	digest := func(b []byte) string {
		sum := sha256.Sum256(b)
		return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	return "default-src 'none'; script-src " + digest(script) + "; style-src " + digest(style) + "; base-uri 'none'; form-action 'none'"
}
