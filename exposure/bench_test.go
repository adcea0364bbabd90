//go:build unix

package exposure

import (
	"bytes"
	"context"
	"runtime"
	"syscall"
	"testing"

	"github.com/contrail-ir/contrail/drill/passengers"
)

// Megabytes per second on one core, from bytes in memory to counted persons, by form.
func BenchmarkAdd(b *testing.B) {
	for _, form := range passengers.Forms() {
		var text bytes.Buffer
		if err := passengers.New(1).Write(&text, form, 200_000); err != nil {
			b.Fatal(err)
		}
		b.Run(form, func(b *testing.B) {
			b.SetBytes(int64(text.Len()))
			runtime.GC()
			before := cpuSeconds()
			defer func() { b.ReportMetric(float64(b.N)*float64(text.Len())/1e6/(cpuSeconds()-before), "MB/cpu-s") }()
			for range b.N {
				c := newCounter(b)
				if _, err := c.Add(context.Background(), Source{"A", form, Taken}, bytes.NewReader(text.Bytes())); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// Text without passengers: what the detectors cost on logs.
func BenchmarkLog(b *testing.B) {
	line := []byte("2024-05-01T12:00:00Z host sshd[4711]: Accepted publickey for deploy from 198.51.100.7 port 50022 ssh2: ED25519 SHA256:abcdefgh\n")
	text := bytes.Repeat(line, 200_000)
	b.SetBytes(int64(len(text)))
	for range b.N {
		c := newCounter(b)
		if _, err := c.Add(context.Background(), Source{"A", "log", Taken}, bytes.NewReader(text)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkMask(b *testing.B) {
	text := []byte(`{"rule_title":"Archive created","host":"RES-DB-01","event":{"CommandLine":"7z a -p out.7z D:\\export\\pnr_2024.csv","User":"CORP\\svc"},"record":48123456789,"time":"2024-05-01T12:00:00Z"}`)
	b.SetBytes(int64(len(text)))
	m := NewMasker(nil)
	for range b.N {
		m.Mask(text)
	}
}

// cpuSeconds is the time that this process had a core: on a shared machine the clock on the wall tells
// nothing.
func cpuSeconds() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}

// BenchmarkSearch asks short texts, as the scan of a release decodes them by the thousand.
func BenchmarkSearch(b *testing.B) {
	text := []byte(`the implant called cdn.fare-sync.example at 2026-03-16 06:24:21 and sent 4096 bytes, process 4711, account svc-res`)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if found, err := Search(text); err != nil || len(found) > 0 {
			b.Fatal(found, err)
		}
	}
}
