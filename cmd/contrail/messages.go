package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/contrail-ir/contrail/census"
	"github.com/contrail-ir/contrail/report"
	"github.com/contrail-ir/contrail/sweep"
)

// plainHandler writes a message as a person would read it: the text, then what belongs to it.
type plainHandler struct {
	w  io.Writer
	mu sync.Mutex
}

func (*plainHandler) Enabled(context.Context, slog.Level) bool { return true }

func (h *plainHandler) Handle(_ context.Context, r slog.Record) error {
	var b strings.Builder
	if r.Level >= slog.LevelWarn {
		b.WriteString(strings.ToLower(r.Level.String()) + ": ")
	}
	b.WriteString(report.Clean(r.Message))
	r.Attrs(func(a slog.Attr) bool {
		fmt.Fprintf(&b, " %s=%s", a.Key, report.Clean(a.Value.String()))
		return true
	})
	b.WriteByte('\n')
	h.mu.Lock()
	defer h.mu.Unlock()
	_, err := io.WriteString(h.w, b.String())
	return err
}

func (h *plainHandler) WithAttrs([]slog.Attr) slog.Handler { return h }
func (h *plainHandler) WithGroup(string) slog.Handler      { return h }

// watch draws progress of a sweep on a terminal until the returned function is called.
func (t *terminal) watch(p *sweep.Progress) (stop func()) {
	began := time.Now()
	return t.draw(func() (total, done int64, text string) {
		r := p.Read()
		rate := float64(r.Events) / time.Since(began).Seconds()
		return r.Bytes, r.BytesDone, fmt.Sprintf("%d of %d files, %d events (%.0f/s), %d hits", r.FilesDone, r.Files, r.Events, rate, r.Hits)
	})
}

// watchCount draws progress of a count.
func (t *terminal) watchCount(p *census.Progress) (stop func()) {
	return t.draw(func() (total, done int64, text string) {
		files, filesDone, bytes, bytesDone, rows := p.Read()
		return bytes, bytesDone, fmt.Sprintf("%d of %d files, %d records", filesDone, files, rows)
	})
}

func (t *terminal) draw(read func() (total, done int64, text string)) (stop func()) {
	columns, is := width(t.err)
	if !is || t.quiet {
		return func() {}
	}
	bar := progressbar.NewOptions64(-1,
		progressbar.OptionSetWriter(t.err), progressbar.OptionShowBytes(true), progressbar.OptionSetPredictTime(true),
		progressbar.OptionSetWidth(min(30, columns/4)), progressbar.OptionClearOnFinish(), progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionShowElapsedTimeOnFinish(), progressbar.OptionUseANSICodes(true))
	done := make(chan struct{})
	var drawn sync.WaitGroup
	drawn.Go(func() {
		tick := time.NewTicker(200 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-done:
				_ = bar.Finish()
				return
			case <-tick.C:
				total, done, text := read()
				if total > 0 {
					bar.ChangeMax64(total)
				}
				bar.Describe(text)
				_ = bar.Set64(done)
			}
		}
	})
	return sync.OnceFunc(func() { close(done); drawn.Wait() })
}
