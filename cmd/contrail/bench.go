package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/spf13/cobra"

	"github.com/contrail-ir/contrail/drill/evtxwrite"
	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/evidence"
	"github.com/contrail-ir/contrail/match"
	"github.com/contrail-ir/contrail/report"
	"github.com/contrail-ir/contrail/sweep"
)

// benchFlags are the flags as typed.
type benchFlags struct {
	evidence []string
	rules    []string
	threads  int
	unique   float64
}

func (t *terminal) benchCommand() *cobra.Command {
	var f benchFlags
	c := &cobra.Command{
		Use:   "bench --evidence PATH [--rules PATH]",
		Short: "Measure how fast this machine sweeps your evidence",
		Long: `Sweeps the evidence three times and says where the time went: once cold (rules just read, nothing prepared) and once warm on
one thread, and once warm on all. Findings are written to a temporary folder, which is removed.
Times of phases are summed over the threads. A file that was not read lately is slower than its second reading: that is the disk.
Evidence that repeats itself is searched faster, so the share of values that are new is told with the figures. With --unique a copy of
the evidence is measured in which that share of the longer text values of EVTX logs is unlike every other; the copy is made in
the temporary folder and needs as much room.`,
		Example: "  contrail bench --evidence /evidence/host1 --rules sigma/rules/windows",
		Args:    arguments(cobra.NoArgs),
		RunE:    func(c *cobra.Command, _ []string) error { return t.bench(c.Context(), f) },
	}
	fs := c.Flags()
	fs.StringArrayVarP(&f.evidence, "evidence", "e", nil, "file or folder of evidence (repeat)")
	fs.StringArrayVarP(&f.rules, "rules", "r", nil, "file or folder of Sigma rules (repeat)")
	fs.Float64Var(&f.unique, "unique", 0, "measure a copy in which this share of text values is new, 0 to 1")
	addCount(fs, &f.threads, "threads", 0, 0, "threads of the last run; 0 for one per processor")
	return c
}

func (t *terminal) bench(ctx context.Context, f benchFlags) (err error) {
	if len(f.evidence) == 0 {
		return usageError{errors.New("--evidence is missing: name a file or folder")}
	}
	if !(f.unique >= 0 && f.unique <= 1) {
		return usageError{fmt.Errorf("--unique %g: want a share from 0 to 1", f.unique)}
	}
	if f.threads <= 0 {
		f.threads = runtime.GOMAXPROCS(0)
	}
	temp, err := os.MkdirTemp("", "contrail-bench-")
	if err != nil {
		return fmt.Errorf("measure: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temp)) }()
	began, cpu := time.Now(), cpuSeconds()
	rules, rejected, err := loadRules(match.Question{Sigma: f.rules})
	if err != nil {
		return err
	}
	fmt.Fprintf(t.out, "%d rules ready in %.2f s (%.2f s of processor time)\n\n", len(rules.Rules()), time.Since(began).Seconds(), cpuSeconds()-cpu)
	q := sweep.Question{Formats: evidence.Formats(), Rules: rules, Rejected: rejected, TempDir: temp}
	bounds := event.Always(nil)
	q.Since, q.Until = bounds.Since, bounds.Until
	if f.unique > 0 {
		if f.evidence, err = t.varied(ctx, f.evidence, f.unique, filepath.Join(temp, "evidence")); err != nil {
			return err
		}
	}
	for _, path := range f.evidence {
		q.Roots = append(q.Roots, evidence.Root{Org: "local", Path: path})
	}
	fmt.Fprintln(t.out, "run    threads  seconds   events/s  events/s of processor    MB/s     open   decode    match    write  peak MiB")
	var last sweep.Stats
	for i, run := range []struct {
		name    string
		threads int
	}{{"cold", 1}, {"warm", 1}, {"warm", f.threads}} {
		if i == 2 && f.threads == 1 {
			break
		}
		q.Threads = run.threads
		s, cpu, err := measure(ctx, q, filepath.Join(temp, fmt.Sprint(i)))
		if err != nil {
			return err
		}
		perCPU := "-"
		if cpu > 0 {
			perCPU = fmt.Sprintf("%.0f", float64(s.Events)/cpu)
		}
		fmt.Fprintf(t.out, "%-6s %7d %8.2f %10.0f %22s %7.0f %8.2f %8.2f %8.2f %8.2f %9d\n", run.name, s.Threads, s.Seconds.Total, s.EventsPerSecond, perCPU,
			float64(s.Bytes)/1e6/s.Seconds.Total, s.Seconds.Open, s.Seconds.Decode, s.Seconds.Match, s.Seconds.Write, s.PeakRSS>>20)
		last = s
	}
	d, err := sweep.CountDistinct(ctx, q)
	if err != nil {
		return err
	}
	fmt.Fprintf(t.out, "\n%d events, %d findings, %d files, %.0f MB\n", last.Events, last.Findings, last.Files, float64(last.Bytes)/1e6)
	if d.Cells > 0 {
		share := func(n uint64) float64 { return 100 * float64(n) / float64(d.Cells) }
		fmt.Fprintf(t.out, "%d values in the fields that the rules ask for: %.1f %% are new in their batch, %.1f %% in all of the evidence\n", d.Cells, share(d.Batch), share(d.Values))
	}
	// Asked for last: it prepares the rules for every source, which the cold run is to do by itself.
	tried := rules.Unwitnessed()
	fmt.Fprintf(t.out, "%d rules have no required value and are tried on every event of their sources\n", len(tried))
	for _, i := range tried {
		r := rules.Rule(i)
		fmt.Fprintf(t.out, "  %s %s (%s)\n", r.ID, r.Title, r.Source)
	}
	return nil
}

// varied copies evidence with a share of the values of its EVTX logs made new, and gives the copies. Other files are copied as they are.
func (t *terminal) varied(ctx context.Context, paths []string, share float64, to string) (copies []string, err error) {
	v := evtxwrite.Vary{Share: share}
	for i, root := range paths {
		items, _, err := evidence.Walk(ctx, []evidence.Root{{Org: "local", Path: root}})
		if err != nil {
			return nil, err
		}
		dir := filepath.Join(to, fmt.Sprint(i))
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, fmt.Errorf("measure: %w", err)
		}
		for n, it := range items {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			if err := vary(&v, filepath.Join(dir, fmt.Sprintf("%06d-%s", n, filepath.Base(it.Path))), it.Path); err != nil {
				return nil, err
			}
		}
		copies = append(copies, dir)
	}
	fmt.Fprintf(t.out, "of %d longer text values in EVTX logs %d were made new\n\n", v.Values, v.Made)
	return copies, nil
}

func vary(v *evtxwrite.Vary, to, from string) (err error) {
	src, err := os.Open(from)
	if err != nil {
		return fmt.Errorf("measure: %w", err)
	}
	defer src.Close()
	dst, err := os.Create(to)
	if err != nil {
		return fmt.Errorf("measure: %w", err)
	}
	defer func() { err = errors.Join(err, dst.Close()) }()
	return v.Copy(dst, src)
}

// measure sweeps once, with findings written as a sweep writes them.
func measure(ctx context.Context, q sweep.Question, dir string) (s sweep.Stats, cpu float64, err error) {
	folder, err := report.NewFolder(dir)
	if err != nil {
		return s, 0, err
	}
	defer func() { err = errors.Join(err, folder.Close()) }()
	cpu = cpuSeconds()
	m := &measured{Folder: folder}
	if err := sweep.Run(ctx, q, m, nil); err != nil {
		return s, 0, err
	}
	return m.stats, cpuSeconds() - cpu, nil
}

// measured is a folder that keeps the figures.
type measured struct {
	*report.Folder
	stats sweep.Stats
}

func (m *measured) End(r *sweep.Result) error {
	m.stats = r.Stats
	return m.Folder.End(r)
}
