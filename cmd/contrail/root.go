package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/contrail-ir/contrail/report"
)

// terminal is where a command talks to its user.
type terminal struct {
	in       io.Reader
	out, err io.Writer

	quiet     bool
	strict    bool
	logFormat string
}

// run executes one command line and gives its exit code.
func run(ctx context.Context, args []string, in io.Reader, out, errOut io.Writer) int {
	t := &terminal{in: in, out: out, err: errOut}
	root := t.root()
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errOut)
	err := root.ExecuteContext(ctx)
	if err == nil && ctx.Err() != nil {
		err = ctx.Err()
	}
	code := exitCode(err, t.strict)
	switch code {
	case exitDone, exitIncomplete:
	case exitInterrupted:
		fmt.Fprintln(errOut, "contrail: interrupted")
	case exitUsage:
		fmt.Fprintf(errOut, "contrail: %s\nSee: contrail help\n", report.Clean(err.Error()))
	default:
		fmt.Fprintf(errOut, "contrail: %s\n", cleanLines(err.Error()))
	}
	return code
}

func cleanLines(s string) string {
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = report.Clean(lines[i])
	}
	return strings.Join(lines, "\n")
}

func (t *terminal) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "contrail",
		Short: "Find the same intrusion in everybody's evidence",
		Long: `Contrail sweeps organisations' evidence for an intrusion, says what it found and certifies what was searched.
It runs where the evidence is, sends nothing anywhere and changes nothing it reads.`,
		Example: `  contrail demo                                   see it work on made-up evidence
  contrail sweep --out result /evidence           ask the rules that come with it
  contrail sweep --rules sigma/rules --out result logs.zip /evidence`,
		Args: cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return c.Help()
			}
			err := fmt.Errorf("unknown command %q", args[0])
			if like := c.SuggestionsFor(args[0]); len(like) > 0 {
				err = fmt.Errorf("%w: did you mean %s?", err, strings.Join(like, " or "))
			}
			return usageError{err}
		},
		SilenceUsage:  true,
		SilenceErrors: true,
		// Commands of a group share flags below.
		PersistentPreRunE: func(*cobra.Command, []string) error {
			switch t.logFormat {
			case "text", "json":
				return nil
			}
			return usageError{fmt.Errorf("--log-format %q: want text or json", t.logFormat)}
		},
	}
	root.PersistentFlags().BoolVarP(&t.quiet, "quiet", "q", false, "no progress and no messages but errors")
	root.PersistentFlags().BoolVar(&t.strict, "strict", false, "exit with 1 instead of 3 when some evidence or rule could not be used")
	root.PersistentFlags().StringVar(&t.logFormat, "log-format", "text", "messages as text or json")
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.AddCommand(t.sweepCommand(), t.traceCommand(), t.huntCommand(), t.coverageCommand(), t.compareCommand(), t.fingerprintCommand(), t.kinshipCommand(), t.keysCommand(), t.discloseCommand(), t.exposeCommand(), t.attributeCommand(), t.caseCommand(), t.handoverCommand(), t.receiveCommand(), t.drillCommand(), t.demoCommand(), t.benchCommand(), versionCommand())
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() { // a shell that there is no completion for
		if c.Name() == "completion" {
			c.Args = arguments(cobra.NoArgs)
			c.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
		}
	}
	return root
}

// exactly and its like give usage errors where cobra gives plain ones.
func arguments(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if err := check(c, args); err != nil {
			return usageError{err}
		}
		return nil
	}
}

// log gives where messages go.
func (t *terminal) log() *slog.Logger {
	w := t.err
	if t.quiet {
		w = io.Discard
	}
	if t.logFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, nil))
	}
	return slog.New(&plainHandler{w: w})
}

// width gives the columns of the terminal that w is, and false when it is none.
func width(w io.Writer) (int, bool) {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return 0, false
	}
	columns, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0, false
	}
	return columns, true
}

func colors(w io.Writer) bool {
	_, is := width(w)
	return is && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version",
		Example: "  contrail version",
		Args:    arguments(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			info, ok := debug.ReadBuildInfo()
			if !ok {
				return errors.New("this program carries no build information")
			}
			version := info.Main.Version
			if version == "" {
				version = "(devel)"
			}
			_, err := fmt.Fprintf(c.OutOrStdout(), "contrail %s %s\n", version, info.GoVersion)
			return err
		},
	}
}
