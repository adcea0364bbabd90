package trail

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// WritePictures writes the trail in numbers, the way of the intruder over the hosts, and the stages over time, to stand inside a page that has
// PictureStyle. Nothing of the evidence becomes markup. Without an established intrusion it writes why.
func (t *Trail) WritePictures(out io.Writer) error {
	w := bufio.NewWriter(out)
	p := func(format string, args ...any) { fmt.Fprintf(w, format, args...) }
	if !t.Established {
		p("<p><b>No intrusion established.</b> %s</p>", esc(t.reason()))
		return w.Flush()
	}
	t.figures(p)
	t.mapPicture(p)
	t.timeline(p)
	return w.Flush()
}

// PictureStyle is the style of the pictures; scope is a selector that they stand under, "" for the whole page. It uses the custom properties
// --surface, --ink, --soft, --line, --accent and --grave.
func PictureStyle(scope string) string {
	if scope != "" {
		scope += " "
	}
	return strings.ReplaceAll(pictureStyle, "§", scope)
}

const pictureStyle = `§svg{width:100%;height:auto;border:1px solid var(--line);border-radius:8px;background:var(--surface);margin:.3em 0}§svg text{font:11.5px system-ui,sans-serif;fill:var(--ink)}§svg text.sub{font-size:10px;fill:var(--soft)}` +
	`§.map path{fill:none;stroke-width:1.4}§.map .step{stroke:var(--grave)}§.map .call{stroke:var(--soft);stroke-opacity:.45}§.map .tip{fill:var(--soft);stroke:none}§.map rect{fill:var(--surface);stroke:var(--accent)}§.map .place rect{stroke:var(--grave);stroke-dasharray:4 2}§.box rect{fill:var(--surface)}§.link{fill:none;stroke:var(--soft);stroke-opacity:.45}§.link:hover,§.map path:hover{stroke-width:3;stroke-opacity:1}§.lane{stroke:var(--line)}`
