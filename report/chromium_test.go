package report

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"html"
	"image"
	"image/png"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/contrail-ir/contrail/finding"
	"github.com/contrail-ir/contrail/internal/require"
	"github.com/contrail-ir/contrail/legible"
)

// browser is a headless Chromium that is driven through its pipe: JSON messages, each ended by a zero byte.
type browser struct {
	t       *testing.T
	program *program
	session string
}

// chromium gives a tab of the browser, in a profile that is new and empty. The browser is started once for all tests.
func chromium(t *testing.T) *browser {
	t.Helper()
	require.Time(t, "drives a browser, which the race detector does not see into")
	p, err := started()
	if err != nil {
		t.Fatal(err)
	}
	if p == nil {
		require.Missing(t, "there is no Chromium (Debian package chromium), and CONTRAIL_CHROMIUM names none")
	}
	patience := time.AfterFunc(4*time.Minute, func() { p.cmd.Process.Kill() })
	b := &browser{t: t, program: p}
	var profile struct{ BrowserContextID string }
	b.call("Target.createBrowserContext", nil, &profile)
	t.Cleanup(func() {
		b.session = ""
		b.call("Target.disposeBrowserContext", map[string]any{"browserContextId": profile.BrowserContextID}, nil)
		patience.Stop()
	})
	var target struct{ TargetID string }
	b.call("Target.createTarget", map[string]any{"url": "about:blank", "browserContextId": profile.BrowserContextID}, &target)
	var attached struct{ SessionID string }
	b.call("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &attached)
	b.session = attached.SessionID
	b.size(1280, 1600)
	return b
}

// program is a browser that runs, and the pipe to it.
type program struct {
	cmd  *exec.Cmd
	to   *os.File
	from *bufio.Reader
	last int
}

var theProgram *program // once it is started

// started starts the browser; none where there is no browser. CONTRAIL_CHROMIUM names the program where it is not on the path.
var started = sync.OnceValues(func() (*program, error) {
	name := os.Getenv("CONTRAIL_CHROMIUM")
	for _, n := range []string{"chromium", "chromium-browser"} {
		if name == "" {
			name, _ = exec.LookPath(n)
		}
	}
	if name == "" {
		return nil, nil
	}
	dir, err := os.MkdirTemp("", "contrail-browser-")
	if err != nil {
		return nil, err
	}
	theirIn, to, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	from, theirOut, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(name, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
		"--disable-dev-shm-usage", "--hide-scrollbars", "--user-data-dir="+dir, "--remote-debugging-pipe", "about:blank")
	cmd.ExtraFiles = []*os.File{theirIn, theirOut} // 3 and 4, as the pipe wants them
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	theirIn.Close()
	theirOut.Close()
	theProgram = &program{cmd: cmd, to: to, from: bufio.NewReaderSize(from, 1<<20)}
	return theProgram, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if p := theProgram; p != nil {
		p.to.Close() // the end of its pipe is the end of it
		_ = p.cmd.Wait()
		for _, a := range p.cmd.Args {
			if dir, ok := strings.CutPrefix(a, "--user-data-dir="); ok {
				os.RemoveAll(dir)
			}
		}
	}
	os.Exit(code)
}

func (b *browser) send(method string, params any) {
	b.program.last++
	message := map[string]any{"id": b.program.last, "method": method}
	if params != nil {
		message["params"] = params
	}
	if b.session != "" {
		message["sessionId"] = b.session
	}
	raw, err := json.Marshal(message)
	if err == nil {
		_, err = b.program.to.Write(append(raw, 0))
	}
	if err != nil {
		b.t.Errorf("browser: %s: %v", method, err)
	}
}

// call sends a command and reads its answer; what the browser tells besides is passed over.
func (b *browser) call(method string, params, result any) {
	b.t.Helper()
	b.send(method, params)
	for {
		raw, err := b.program.from.ReadBytes(0)
		if err != nil {
			b.t.Fatalf("browser: %s: %v", method, err)
		}
		var answer struct {
			ID     int
			Result json.RawMessage
			Error  *struct{ Message string }
		}
		if err := json.Unmarshal(raw[:len(raw)-1], &answer); err != nil {
			b.t.Fatalf("browser: %s: %v", method, err)
		}
		if answer.ID != b.program.last {
			continue
		}
		if answer.Error != nil {
			b.t.Fatalf("browser: %s: %s", method, answer.Error.Message)
		}
		if result != nil {
			if err := json.Unmarshal(answer.Result, result); err != nil {
				b.t.Fatalf("browser: %s: %v", method, err)
			}
		}
		return
	}
}

// eval gives the value of an expression as text. It is the debugger's and stands outside the page's policy.
func (b *browser) eval(expression string) string {
	b.t.Helper()
	var out struct {
		Result           struct{ Value any }
		ExceptionDetails *struct{ Text string }
	}
	b.call("Runtime.evaluate", map[string]any{"expression": "String(" + expression + ")", "returnByValue": true}, &out)
	if out.ExceptionDetails != nil {
		b.t.Fatalf("browser: %s: %s", expression, out.ExceptionDetails.Text)
	}
	return fmt.Sprint(out.Result.Value)
}

func (b *browser) size(width, height int) {
	b.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}, nil)
}

// key presses a key as a person does.
func (b *browser) key(name string) {
	codes := map[string]int{"Enter": 13, "Escape": 27, "ArrowDown": 40, "ArrowUp": 38, "End": 35, "Home": 36, "PageDown": 34, "Tab": 9}
	down := map[string]any{"type": "keyDown", "key": name, "windowsVirtualKeyCode": codes[name]}
	switch {
	case len(name) == 1:
		down["text"] = name
	case name == "Enter":
		down["text"] = "\r"
	}
	b.call("Input.dispatchKeyEvent", down, nil)
	b.call("Input.dispatchKeyEvent", map[string]any{"type": "keyUp", "key": name, "windowsVirtualKeyCode": codes[name]}, nil)
}

// open goes to a page and waits until its script has come to its end.
func (b *browser) open(page, address string) {
	b.t.Helper()
	b.call("Page.navigate", map[string]any{"url": "about:blank"}, nil)
	b.call("Page.navigate", map[string]any{"url": "file://" + page + address}, nil)
	for range 1200 {
		if b.eval(`document.getElementById("page") && document.getElementById("page").dataset.ready`) == "yes" {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	b.t.Fatalf("the page's script did not come to its end:\n%.3000s", b.eval("document.documentElement.outerHTML"))
}

// dom gives the page as the browser shows it, without the blocks of data.
func (b *browser) dom(page, address string) string {
	b.t.Helper()
	b.open(page, address)
	return scriptElement.ReplaceAllString(b.eval("document.documentElement.outerHTML"), "")
}

// picture gives what is seen.
func (b *browser) picture() image.Image {
	b.t.Helper()
	var out struct{ Data []byte }
	b.call("Page.captureScreenshot", map[string]any{"format": "png"}, &out)
	img, err := png.Decode(bytes.NewReader(out.Data))
	if err != nil {
		b.t.Fatal(err)
	}
	return img
}

func attribute(t *testing.T, shown, name string) string {
	t.Helper()
	m := regexp.MustCompile(` ` + name + `="([^"]*)"`).FindStringSubmatch(shown)
	if m == nil {
		t.Fatalf("the page has no %s", name)
	}
	return m[1]
}

// text gives what a reader sees: the dumped page without its tags.
func text(shown string) string {
	return html.UnescapeString(regexp.MustCompile(`<[^>]*>`).ReplaceAllString(shown, ""))
}

func TestHostileTextStaysText(t *testing.T) {
	b := chromium(t)
	findings := hostileFindings()
	page := writePage(t, pageBounds, findings)
	for _, i := range []int{0, 1, 2, 4, 6, 7, 8, 9, 10, 11, 13} {
		shown := b.dom(page, fmt.Sprintf("#open=%d", i))
		if strings.Contains(shown, "data-pwned") || !strings.Contains(shown, "<title>Contrail – sweep report</title>") {
			t.Fatalf("a script of the evidence ran:\n%.2000s", shown)
		}
		if strings.Contains(shown, "<img") || strings.Contains(shown, "<script>") || strings.Contains(shown, "onload=") && strings.Contains(shown, "<svg onload") {
			t.Error("hostile text became an element")
		}
		if at := strings.IndexFunc(shown, func(r rune) bool { return r != '\n' && r != '\t' && legible.Treacherous(r) }); at >= 0 {
			t.Errorf("a character that turns or hides text passes: %q", shown[max(0, at-80):at+20])
		}
		detail := text(shown[strings.Index(shown, `id="detail"`):])
		if want := legible.Visible(strings.ToValidUTF8(hostile[i], "\uFFFD")); strings.Count(detail, want) < 5 {
			t.Errorf("the detail of %d shows its text %d times, want title, host, file, matched and event:\n%s", i, strings.Count(detail, want), detail)
		}
	}
}

func TestPageShowsVerdictTimelineMatrixTableAndCertificate(t *testing.T) {
	b := chromium(t)
	findings := manyFindings(3000)
	page := writePage(t, pageBounds, findings)
	shown := b.dom(page, "")
	for what, want := range map[string]string{
		"headline":             "2 with findings of level high or critical.",
		"verdict":              "rules of level high or critical matched on",
		"limits":               "Nothing was handed over from 1 declared host, ",
		"hosts":                "4 of 6",
		"gravest rule":         "Rule number 5",
		"matrix":               "T1005",
		"tactic":               "Execution",
		"table":                "3,000 findings",
		"certificate":          "2 of 3 declared hosts covered.",
		"rules":                "30 asked",
		"damage":               "byte 77",
		"gap of a host":        "2 gaps",
		"not read":             "Files not read",
		"present and not read": "Present and not read by this version",
		"rejected":             "Rejected rules",
		"uncertain":            "Uncertain",
	} {
		if !strings.Contains(text(shown), want) {
			t.Errorf("%s: the page does not show %q", what, want)
		}
	}
	for what, want := range map[string]string{"columns of findings": `class="hits lv-critical"`, "covered span": `class="cover share3"`, "gap": `class="cover share0"`, "table's size": `aria-rowcount="3001"`, "order": `aria-sort="none"`, "theme": `id="theme"`} {
		if !strings.Contains(shown, want) {
			t.Errorf("%s: no %s", what, want)
		}
	}

	// Filters, order and detail by the address.
	criticals := 0
	for _, f := range findings {
		if f.Rule.Level == finding.Critical {
			criticals++
		}
	}
	for address, want := range map[string]string{
		"#level=critical":                          fmt.Sprintf("%d of 3,000 findings", criticals),
		"#q=program7.exe":                          "30 of 3,000 findings",
		"#host=HOST7&org=1":                        "60 of 3,000 findings",
		"#rule=Rule%20number%205":                  "75 of 3,000 findings",
		"#technique=T1005&tactic=execution":        "75 of 3,000 findings",
		"#from=1969-12-21&until=1969-12-22":        fmt.Sprintf("%d of 3,000 findings", between(findings, "1969-12-21", "1969-12-22")),
		"#level=low,critical&sort=-time&q=nowhere": "0 of 3,000 findings",
	} {
		if shown := b.dom(page, address); !strings.Contains(text(shown), want) {
			t.Errorf("%s: the page does not show %q, but %q", address, want, regexp.MustCompile(`[\d,]+ of [\d,]+ findings`).FindString(text(shown)))
		}
	}
	if opened := b.dom(page, "#open=1"); !strings.Contains(opened, `<tr class="decided"><th scope="row">CommandLine</th><td><mark>`) || !strings.Contains(opened, "T1005") {
		t.Error("the detail does not mark what decided")
	}

	// The table of a host is made when it is opened; a log without times says why.
	b.open(page, "")
	open := `(document.querySelectorAll("details").forEach((d) => { d.open = true; d.dispatchEvent(new Event("toggle")); }), document.getElementById("certificate").textContent.includes("lastlogno timeno record has a time3"))`
	if b.eval(open); b.eval(open) != "true" {
		t.Error("a log without times does not say why it has none")
	}

	// What is drawn is looked at as well: not one colour, and the picture has the width that was asked for.
	for _, scheme := range []string{"light", "dark"} {
		b.call("Emulation.setEmulatedMedia", map[string]any{"features": []map[string]string{{"name": "prefers-color-scheme", "value": scheme}}}, nil)
		b.open(page, "")
		img := b.picture()
		colours := map[[3]uint32]int{}
		for y := 0; y < img.Bounds().Dy(); y += 2 {
			for x := 0; x < img.Bounds().Dx(); x += 2 {
				r, g, b, _ := img.At(x, y).RGBA()
				colours[[3]uint32{r >> 8, g >> 8, b >> 8}]++
			}
		}
		dark := colours[[3]uint32{0x10, 0x15, 0x1d}] > 10_000
		if img.Bounds().Dx() != 1280 || len(colours) < 50 || dark != (scheme == "dark") {
			t.Errorf("scheme %s: %v, %d colours, dark %v", scheme, img.Bounds(), len(colours), dark)
		}
		if b.eval(`(document.getElementById("theme").click(), getComputedStyle(document.body).backgroundColor)`) != map[string]string{"light": "rgb(16, 21, 29)", "dark": "rgb(246, 247, 249)"}[scheme] {
			t.Errorf("the toggle does not leave %s", scheme)
		}
	}
}

func TestPageByKeyboard(t *testing.T) {
	b := chromium(t)
	b.open(writePage(t, pageBounds, manyFindings(3000)), "")
	want := func(what, expression, value string) {
		t.Helper()
		if got := b.eval(expression); got != value {
			t.Errorf("%s: %s is %q, want %q", what, expression, got, value)
		}
	}
	const focus, current, detail = `document.activeElement.id`, `document.querySelector(".grid-body .row.at").getAttribute("aria-rowindex")`, `document.getElementById("detail").hidden`
	b.key("/")
	want("the slash goes to the search", focus, "f-text")
	for _, c := range "program7.exe" {
		b.key(string(c))
	}
	b.key("Enter")
	want("the search is asked at once", `document.getElementById("shown").textContent`, "30 of 3,000 findings")
	want("Enter goes to the table", focus, "grid")
	b.key("ArrowDown")
	b.key("ArrowDown")
	want("arrows move", current, "4")
	b.key("End")
	want("End goes to the last", current, "31")
	b.key("Home")
	b.key("ArrowUp")
	want("the first row is the end", current, "2")
	want("the table tells which row is current", `document.getElementById("grid").getAttribute("aria-activedescendant")`, "row-0")
	b.key("ArrowDown")
	b.key("Enter")
	want("Enter opens the finding", detail, "false")
	want("the focus is in it", `document.getElementById("detail").contains(document.activeElement)`, "true")
	b.key("Escape")
	want("Escape closes it", detail, "true")
	want("and goes back", focus, "grid")
	b.key("PageDown")
	if n := b.eval(current); n == "3" {
		t.Error("PageDown does not move")
	}
	// By Tab alone, everything that can be pressed is reached in the order in which it stands.
	b.eval(`document.querySelector(".skip").focus()`)
	var reached []string
	for range 12 {
		b.key("Tab")
		reached = append(reached, b.eval(`document.activeElement.id || document.activeElement.className || document.activeElement.getAttribute("href")`))
	}
	if !strings.Contains(strings.Join(reached, " "), "print theme") || !strings.Contains(strings.Join(reached, " "), "#timeline #attack #findings #coverage") {
		t.Errorf("Tab goes through %v", reached)
	}
}

// overflowing names elements whose own content is wider than they are, for the message of a test that fails.
const overflowing = `[...document.querySelectorAll("body *")].filter((e) => e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).overflowX === "visible" && e.clientWidth > 0).slice(0, 8).map((e) => e.tagName + "." + e.className + "#" + e.id).join(" ")`

func TestPageOnANarrowScreenAndOnPaper(t *testing.T) {
	b := chromium(t)
	b.size(375, 800)
	page := writePage(t, pageBounds, append(manyFindings(2000), hostileFindings()...))
	for _, address := range []string{"", "#open=0"} {
		b.open(page, address)
		if w := b.eval(`document.documentElement.scrollWidth`); w != "375" {
			t.Errorf("%q: the page is %s pixels wide on a screen of 375: %s", address, w, b.eval(overflowing))
		}
	}
	if h := b.eval(`document.querySelector(".grid-body .row").offsetHeight`); h != "84" {
		t.Errorf("rows are %s pixels high", h)
	}
	b.size(1280, 900)
	b.open(page, "")
	b.call("Emulation.setEmulatedMedia", map[string]any{"media": "print"}, nil)
	for what, want := range map[string]string{`"findings"`: "none", `"summary"`: "block", `"timeline"`: "block", `"matrix"`: "block", `"coverage"`: "block", `"top-rules"`: "block"} {
		display := `getComputedStyle(document.getElementById(` + what + `)).display`
		if got := b.eval(display); !strings.Contains(want, got) {
			t.Errorf("on paper %s is %q", what, got)
		}
	}
	var pdf struct{ Data []byte }
	b.call("Page.printToPDF", map[string]any{"preferCSSPageSize": true}, &pdf)
	if !bytes.HasPrefix(pdf.Data, []byte("%PDF-")) || len(pdf.Data) < 20_000 {
		t.Errorf("printed %d bytes", len(pdf.Data))
	}
}

func between(findings []*finding.Finding, from, until string) (n int) {
	a, _ := time.Parse("2006-01-02", from)
	b, _ := time.Parse("2006-01-02", until)
	for _, f := range findings {
		if f.Time >= a.UnixNano() && f.Time < b.UnixNano() && f.Time > -1e16 {
			n++
		}
	}
	return n
}

func TestPolicyKeepsForeignScriptsFromRunning(t *testing.T) {
	b := chromium(t)
	page := writePage(t, pageBounds, manyFindings(10))
	raw, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	for _, foreign := range []string{`<script>document.title="pwned"</script>`, `<img src="data:," onerror='document.title="pwned"'>`, `<script src="data:text/javascript,document.title='pwned'"></script>`} {
		if err := os.WriteFile(page, []byte(strings.Replace(string(raw), "</body>", foreign+"</body>", 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		if shown := b.dom(page, ""); !strings.Contains(shown, "<title>Contrail – sweep report</title>") {
			t.Errorf("%s ran", foreign)
		}
	}
}

func TestAHundredThousandFindings(t *testing.T) {
	b := chromium(t)
	began := time.Now()
	page := writePage(t, pageBounds, manyFindings(100_000))
	wrote := time.Since(began)
	info, err := os.Stat(page)
	if err != nil {
		t.Fatal(err)
	}
	shown := b.dom(page, "#q=program7.exe&sort=-host")
	if got := attribute(t, shown, "data-rows"); got != "100000" {
		t.Errorf("%s rows", got)
	}
	if !strings.Contains(text(shown), "1,000 of 100,000 findings") {
		t.Error("the search did not find its thousand")
	}
	if n := strings.Count(shown, `role="row"`); n < 10 || n > 120 {
		t.Errorf("%d rows exist as elements", n)
	}
	t.Logf("written in %v, %d bytes; in the browser loaded in %s ms, filtered and sorted in %s ms", wrote.Round(time.Millisecond), info.Size(), attribute(t, shown, "data-load-ms"), attribute(t, shown, "data-filter-ms"))
}
