package main

import (
	"bytes"
	"context"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestKilledSweepsGoOn kills sweeps of real evidence at random moments, lets them go on, and compares the bytes with those of a sweep
// that nobody disturbed.
func TestKilledSweepsGoOn(t *testing.T) {
	if testing.Short() {
		t.Skip("sweeps real evidence many times: left out by -short")
	}
	root := filepath.Join("..", "..", "..", "shared", "data")
	if _, err := os.Stat(root); err != nil {
		t.Skipf("the shared real data is not here, so this is not tested: %v", err)
	}
	evidence := []string{filepath.Join(root, "evtx-baseline"), filepath.Join(root, "suricata")}
	if os.Getenv("CONTRAIL_WHOLE") != "" { // minutes instead of seconds
		evidence = append(evidence, filepath.Join(root, "zeek"), filepath.Join(root, "weblogs"), filepath.Join(root, "evtx-attack"))
	}
	sweep := func(ctx context.Context, out string) error {
		args := append([]string{"sweep", "-q", "--no-html", "--resume", "--threads", "2", "--rules", filepath.Join(root, "sigma/rules"), "--out", out}, evidence...)
		c := exec.CommandContext(ctx, os.Args[0], args...) // killed, not asked, when the context ends
		c.Env = append(os.Environ(), "CONTRAIL_TEST_MAIN=1")
		return c.Run()
	}
	read := func(out string) []byte {
		findings, err := os.ReadFile(filepath.Join(out, "findings.jsonl"))
		if err != nil {
			t.Fatal(err)
		}
		cert, err := os.ReadFile(filepath.Join(out, "coverage.json"))
		if err != nil {
			t.Fatal(err)
		}
		return append(findings, cert...)
	}
	whole := filepath.Join(t.TempDir(), "whole")
	began := time.Now()
	if err := sweep(context.Background(), whole); err != nil && !strings.Contains(err.Error(), "exit status 3") {
		t.Fatal(err)
	}
	took := time.Since(began)
	want := read(whole)
	r := rand.New(rand.NewPCG(uint64(began.UnixNano()), 0))
	kills := 0
	for kills < 20 {
		out := filepath.Join(t.TempDir(), "out")
		for {
			ctx, stop := context.WithTimeout(context.Background(), time.Duration(r.Float64()*float64(took)))
			err := sweep(ctx, out)
			stop()
			if err == nil || strings.Contains(err.Error(), "exit status 3") {
				break
			}
			if !strings.Contains(err.Error(), "killed") && ctx.Err() == nil {
				t.Fatal(err)
			}
			kills++
		}
		if got := read(out); !bytes.Equal(got, want) {
			t.Fatalf("after %d kills the result differs (%d bytes, want %d)", kills, len(got), len(want))
		}
		left, _ := filepath.Glob(filepath.Join(out, ".*"))
		if len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
	}
	t.Logf("%d kills", kills)
}
