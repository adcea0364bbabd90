package disclosure

import (
	"html"
	"regexp"
	"strings"
)

var link = regexp.MustCompile(`\[([^\]]*)\]\((#e[0-9]+)\)`)

// page renders the Markdown that the templates use – headings, lists, paragraphs, links inside the page – as one self-contained page.
// Everything else is text.
func page(markdown, language string) []byte {
	if language != "zh" {
		language = "en"
	}
	first, _, _ := strings.Cut(markdown, "\n")
	title := strings.TrimPrefix(first, "# ")
	var out strings.Builder
	out.WriteString(`<!DOCTYPE html><html lang="` + language + `"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">` +
		`<title>` + html.EscapeString(title) + `</title><style>body{font:16px/1.5 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem;color:#1b1b1b}h3{font-size:1rem}</style></head><body>` + "\n")
	list := false
	for _, l := range strings.Split(markdown, "\n") {
		item, isItem := strings.CutPrefix(l, "- ")
		if isItem != list && (isItem || l != "") {
			out.WriteString(map[bool]string{true: "<ul>\n", false: "</ul>\n"}[isItem])
			list = isItem
		}
		switch {
		case isItem:
			out.WriteString("<li>" + inline(item) + "</li>\n")
		case strings.HasPrefix(l, "### "):
			id := html.EscapeString(l[4:])
			out.WriteString(`<h3 id="` + id + `">` + id + "</h3>\n")
		case strings.HasPrefix(l, "## "):
			out.WriteString("<h2>" + inline(l[3:]) + "</h2>\n")
		case strings.HasPrefix(l, "# "):
			out.WriteString("<h1>" + inline(l[2:]) + "</h1>\n")
		case strings.TrimSpace(l) != "":
			out.WriteString("<p>" + inline(l) + "</p>\n")
		}
	}
	if list {
		out.WriteString("</ul>\n")
	}
	out.WriteString("</body></html>\n")
	return []byte(out.String())
}

func inline(s string) string {
	return link.ReplaceAllString(html.EscapeString(s), `<a href="$2">$1</a>`)
}
