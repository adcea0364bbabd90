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

	"github.com/contrail-ir/contrail/internal/require"
)

// TestKilledSweepsGoOn kills sweeps of real evidence at random moments, lets them go on, and compares the bytes with those of a sweep
// that nobody disturbed.
func TestKilledSweepsGoOn(t *testing.T) {
	evidence, rules, most := []string{require.Data(t, "evtx-baseline"), require.Data(t, "suricata")}, require.Data(t, "sigma/rules"), 20
	if testing.Short() {
		evidence, rules, most = []string{require.Data(t, "evtx-baseline/plaso"), require.Data(t, "suricata/slips")}, require.Data(t, "sigma/rules/windows/builtin/security"), 3
	}
	if os.Getenv("CONTRAIL_WHOLE") != "" { // minutes instead of seconds
		evidence = append(evidence, require.Data(t, "zeek"), require.Data(t, "weblogs"), require.Data(t, "evtx-attack"))
	}
	sweep := func(ctx context.Context, out string) error {
		args := append([]string{"sweep", "-q", "--no-html", "--resume", "--threads", "2", "--rules", rules, "--out", out}, evidence...)
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
	for kills < most {
		out := filepath.Join(t.TempDir(), "out")
		for {
			ctx, stop := context.Background(), func() {}
			if kills < most { // then it may end: on a machine that has become slower it might never
				ctx, stop = context.WithTimeout(ctx, time.Duration(r.Float64()*float64(took)))
			}
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
