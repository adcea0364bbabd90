package main

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/contrail-ir/contrail/drill/evtxwrite"
)

func exitText(err error) string {
	if e := (*exec.ExitError)(nil); errors.As(err, &e) {
		return fmt.Sprint(e.ExitCode())
	}
	return err.Error()
}

// makeHostile writes a file of the named sort: make SORT PATH.
func makeHostile(ts *testscript.TestScript, _ bool, args []string) {
	var b []byte
	switch sort := args[0]; sort {
	case "evtx", "truncated", "flipped", "overwritten":
		b = eventLog(ts)
		switch sort {
		case "truncated":
			b = b[:4096+30000]
		case "flipped":
			for at := 4096 + 600; at < len(b); at += 9973 {
				b[at] ^= 0x10
			}
		case "overwritten":
			copy(b[4096+2000:], bytes.Repeat([]byte{0xff}, 5000))
		}
	case "deep-json":
		b = fmt.Appendf(nil, `{"Channel":"Security","EventID":1,"x":%s1%s}`+"\n"+`{"Channel":"Security","EventID":4688,"Hostname":"h","TimeCreated":"2020-01-01T00:00:00Z","NewProcessName":"evil.exe"}`+"\n",
			strings.Repeat(`{"a":`, 1000), strings.Repeat("}", 1000))
	case "bomb-rule":
		b = []byte("title: bomb\nlogsource: {product: windows}\na: &a [x,x,x,x,x,x,x,x,x,x]\n")
		for c := 'b'; c < 'k'; c++ {
			b = fmt.Appendf(b, "%c: &%c [%s]\n", c, c, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*%c,", c-1), 10), ","))
		}
		b = append(b, "detection: {s: {f: *j}, condition: s}\n"...)
	case "long-rule":
		b = []byte("title: long\nid: 00000000-0000-4000-8000-00000000000f\nlogsource: {product: windows, category: process_creation}\ndetection:\n  s:\n    Image:\n")
		b = append(b, bytes.Repeat([]byte("      - 'C:\\x.exe'\n"), 1_000_000)...)
		b = append(b, "  condition: s\n"...)
	case "gzip-cut":
		var z bytes.Buffer
		w := gzip.NewWriter(&z)
		fmt.Fprint(w, strings.Repeat(`{"Channel":"Security","EventID":4688,"Hostname":"h","TimeCreated":"2020-01-01T00:00:00Z","NewProcessName":"evil.exe"}`+"\n", 1000))
		ts.Check(w.Close())
		b = z.Bytes()[:z.Len()-20]
	default:
		ts.Fatalf("nothing of the sort %s", sort)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), b, 0o644))
}

// eventLog gives a Windows event log with 400 process creations, every tenth of evil.exe.
func eventLog(ts *testscript.TestScript) []byte {
	var out bytes.Buffer
	w, err := evtxwrite.New(&out)
	ts.Check(err)
	for i := range 400 {
		image := `C:\Windows\explorer.exe`
		if i%10 == 0 {
			image = `C:\Temp\evil.exe`
		}
		_, err := w.Write(evtxwrite.Event{
			Provider: "Microsoft-Windows-Sysmon", ID: 1, Channel: "Microsoft-Windows-Sysmon/Operational", Computer: "host1.example",
			Time: time.Date(2026, 1, 2, 3, 4, i, 0, time.UTC),
			Data: []evtxwrite.Field{{Name: "Image", Value: evtxwrite.String(image)}, {Name: "CommandLine", Value: evtxwrite.String(fmt.Sprint(image, " ", i))}},
		})
		ts.Check(err)
	}
	ts.Check(w.Close())
	return out.Bytes()
}
