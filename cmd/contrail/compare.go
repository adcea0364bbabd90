package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/evidence/device"
	"github.com/contrail-ir/contrail/report"
)

func (t *terminal) compareCommand() *cobra.Command {
	var kinds []string
	var asJSON bool
	c := &cobra.Command{
		Use:   "compare OLDER NEWER",
		Short: "Say what is different between two configurations of a network device",
		Long: `Reads two configurations, or what show and display commands printed, of one device and says what is new, gone, or says something else:
users, tunnels, mirrored ports, forwards, images and all else. The order of statements in a section does not matter.`,
		Example: "  contrail compare --kind user,tunnel,mirror,forward,image january.cfg march.cfg",
		Args:    arguments(cobra.ExactArgs(2)),
		RunE: func(c *cobra.Command, args []string) error {
			var asked []device.StatementKind
			for _, k := range kinds {
				if !slices.Contains(device.StatementKinds(), device.StatementKind(k)) {
					return usageError{fmt.Errorf("--kind %q: want some of %v", k, device.StatementKinds())}
				}
				asked = append(asked, device.StatementKind(k))
			}
			olderHost, older, err := readConfiguration(c.Context(), args[0])
			if err != nil {
				return err
			}
			newerHost, newer, err := readConfiguration(c.Context(), args[1])
			if err != nil {
				return err
			}
			if olderHost != newerHost {
				t.log().Warn(fmt.Sprintf("They name different devices: %q and %q", report.Clean(olderHost), report.Clean(newerHost)))
			}
			return t.printChanges(device.Compare(older, newer, asked...), asJSON)
		},
	}
	c.Flags().StringSliceVar(&kinds, "kind", nil, "only statements of these kinds: user, tunnel, mirror, forward, image, route, access, management, aaa, logging, schedule, change, other")
	c.Flags().BoolVar(&asJSON, "json", false, "print as JSON lines")
	return c
}

func (t *terminal) printChanges(changes []device.Change, asJSON bool) error {
	if asJSON {
		enc := json.NewEncoder(t.out)
		for _, ch := range changes {
			if err := enc.Encode(ch); err != nil {
				return err
			}
		}
		return nil
	}
	line := func(mark string, s *device.Statement) {
		if s == nil {
			return
		}
		where := ""
		if s.Section != "" {
			where = s.Section + ": "
		}
		fmt.Fprintf(t.out, "%s %-10s %s (line %d)\n", mark, s.Kind, report.Clean(where+s.Text), s.Line)
	}
	for _, ch := range changes {
		line("-", ch.Old)
		line("+", ch.New)
	}
	if len(changes) == 0 {
		fmt.Fprintln(t.out, "No difference.")
	}
	return nil
}

func readConfiguration(ctx context.Context, path string) (host string, all []device.Statement, err error) {
	f, err := os.Open(path)
	if err != nil {
		return "", nil, fmt.Errorf("read configuration: %w", err)
	}
	defer f.Close()
	body := bufio.NewReaderSize(f, 64<<10)
	head, _ := body.Peek(64 << 10) // an error comes again when it is read
	if (device.Config{}).Recognise(head, path) == event.No {
		return "", nil, fmt.Errorf("read configuration %s: it is none that is known, and no output of show or display commands behind a prompt", path)
	}
	return device.ReadConfig(ctx, event.File{Name: path, Size: -1, Body: body})
}
