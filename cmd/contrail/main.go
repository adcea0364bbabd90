// Command contrail follows an intrusion from the first victim's evidence to everybody else's. It is a door: flags, wiring
// and exit codes; what it does is in the packages that ARCHITECTURE.md names.
package main

import (
	"context"
	"math"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
)

func main() {
	tuneMemory()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// tuneMemory lets the garbage wait, as long as memory stays well below what a sweep may take: on the public rules and a log
// of 577,000 events that takes a seventh off the processor time and leaves the peak at 300 MiB. Who sets GOGC or
// GOMEMLIMIT knows better.
func tuneMemory() {
	if os.Getenv("GOGC") == "" && os.Getenv("GOMEMLIMIT") == "" {
		debug.SetGCPercent(400)
		debug.SetMemoryLimit(320 << 20)
	}
}

// holdMuch is for commands that hold what they make: with a limit below that the collector never rests (a drill of 20 million events
// took ten times as long).
func holdMuch() {
	if os.Getenv("GOGC") == "" && os.Getenv("GOMEMLIMIT") == "" {
		debug.SetGCPercent(100)
		debug.SetMemoryLimit(math.MaxInt64)
	}
}
