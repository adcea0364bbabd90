package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/contrail-ir/contrail/drill"
	"github.com/contrail-ir/contrail/drill/intrusion"
	"github.com/contrail-ir/contrail/evidence"
	"github.com/contrail-ir/contrail/exposure"
	"github.com/contrail-ir/contrail/hunt"
	"github.com/contrail-ir/contrail/report"
)

// demoRoles are the airlines of the demo: each asks for another answer.
var demoRoles = []drill.Role{drill.FirstVictim, drill.SameIndicators, drill.Rebuilt, drill.Lookalike, drill.Clean, drill.Thin}

func (t *terminal) demoCommand() *cobra.Command {
	var d demo
	var size, scenario string
	var airlines int
	c := &cobra.Command{
		Use:   "demo",
		Short: "Follow a made-up intrusion from the first victim to the others, and open a case",
		Long: `Writes the evidence of six fictional airlines into a folder. One of them tells the authorities that something is wrong: its evidence is traced,
a fingerprint is drafted of what is found, the others' evidence is swept with it and judged, the passengers in what was taken are counted, and
all of it goes into a case, whose report is one page. Then the answers are held against what is known to have happened. Everything is inert text.`,
		Example: `  contrail demo
  contrail demo --seed 7 --scenario vpn-appliance --out /tmp/demo`,
		Args: arguments(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			if airlines < 2 || airlines > len(demoRoles) {
				return usageError{fmt.Errorf("--airlines %d: want 2 to %d", airlines, len(demoRoles))}
			}
			if err := known(size, scenario); err != nil {
				return err
			}
			d.t, d.drill.Size, d.drill.Scenario, d.drill.Roles = t, drill.Size(size), intrusion.Scenario(scenario), demoRoles[:airlines]
			return d.run(c.Context())
		},
	}
	fs := c.Flags()
	fs.StringVarP(&d.out, "out", "o", "", "folder to write to; a new temporary one when not given")
	fs.Uint64Var(&d.drill.Seed, "seed", 1, "another seed is another drill")
	fs.IntVar(&airlines, "airlines", len(demoRoles), "how many airlines, the first victim among them")
	fs.StringVar(&size, "size", string(drill.Small), "how many ordinary events: small, medium, large, huge")
	fs.StringVar(&scenario, "scenario", string(intrusion.WebExploit), "the way in: web-exploit, vpn-appliance, spear-phish, supplier")
	return c
}

// demo is the whole story on made-up evidence. What a user would type is shown and, but for the evidence itself, done by the same commands.
type demo struct {
	t     *terminal
	out   string
	drill drill.Options
	truth drill.Truth
	began time.Time
	since string // day of the first step that the trail tells
}

func (d *demo) run(ctx context.Context) (err error) {
	if d.out == "" {
		if d.out, err = os.MkdirTemp("", "contrail-demo-"); err != nil {
			return fmt.Errorf("make a folder for the demo: %w", err)
		}
	}
	d.began = time.Now()
	for _, step := range []func(context.Context) error{d.evidence, d.hunt, d.expose, d.openCase} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	d.say("\nOpen %s in a browser: the case on one page.\nThe sweep of all: %s. The trail of the first victim: %s.\nAsk your own evidence: contrail sweep --out result /path/to/evidence\n",
		filepath.Join(d.out, "report.html"), filepath.Join(d.out, "hunt", "sweep", "report.html"), filepath.Join(d.out, "hunt", "first", "trace.html"))
	return nil
}

func (d *demo) say(format string, args ...any) { fmt.Fprintf(d.t.out, format, args...) }

// command runs a command as a user would type it. What it prints is shown when it fails.
func (d *demo) command(ctx context.Context, args ...string) error {
	var told bytes.Buffer
	switch run(ctx, args, strings.NewReader(""), &told, &told) {
	case exitDone, exitIncomplete:
		return nil
	}
	return fmt.Errorf("contrail %s: %s", strings.Join(args, " "), strings.TrimSpace(told.String()))
}

func (d *demo) first() *drill.AirlineTruth { return &d.truth.Airlines[0] }

func (d *demo) path(parts ...string) string {
	return filepath.Join(append([]string{d.out}, parts...)...)
}

// evidence writes the sector.
func (d *demo) evidence(ctx context.Context) (err error) {
	if d.truth, err = drill.Sector(ctx, d.path("sector"), d.drill); err != nil {
		return err
	}
	var others []string
	for _, a := range d.truth.Airlines[1:] {
		others = append(others, a.Name)
	}
	d.say("%s, a fictional airline, tells the authorities that something is wrong, and hands over its logs.\nOthers hand over theirs: %s.\n", d.first().Name, strings.Join(others, ", "))
	return nil
}

// hunt follows the intruder through the first victim, and from its fingerprint to the others.
func (d *demo) hunt(ctx context.Context) (err error) {
	o := hunt.Options{Out: d.path("hunt"), First: d.first().Folder, Name: "demo", Refuse: passengerValue, Tell: func(hunt.Step) {}}
	var orgs, inventory, sources []string
	for _, a := range d.truth.Airlines {
		orgs = append(orgs, a.Folder)
		o.Evidence.Roots = append(o.Evidence.Roots, evidence.Root{Org: a.Folder, Path: d.path("sector", a.Folder, "evidence")})
		inventory = append(inventory, a.Folder+"="+d.path("sector", a.Folder, "inventory.csv"))
		sources = append(sources, a.Folder+"="+d.path("sector", a.Folder, "sources.yaml"))
	}
	o.Evidence.Formats = evidence.Formats()
	if o.Evidence.Inventory, err = inventories(inventory, orgs); err != nil {
		return err
	}
	if o.Evidence.Sources, err = sourcesOf(sources, orgs, o.Evidence.Formats); err != nil {
		return err
	}
	stop := func() {}
	o.Tell = func(s hunt.Step) {
		stop()
		if stop = func() {}; s.Progress != nil {
			stop = d.t.watch(s.Progress)
		}
	}
	found, err := hunt.FromFirst(ctx, o)
	stop()
	if err != nil {
		return err
	}
	first := found.First
	d.since = first.Stages[0].Time
	for _, s := range first.Stages {
		d.since = min(d.since, s.Time)
	}
	d.since, _, _ = strings.Cut(d.since, "T")
	d.say("\nWhat its evidence tells\n")
	d.say("  Way in:   %s\n", report.Clean(first.Access.Text))
	for _, p := range first.Implant {
		d.say("  Implant:  %s on %s\n", report.Clean(p.Name), report.Clean(strings.Join(p.Hosts, ", ")))
	}
	for _, p := range first.Infrastructure {
		d.say("  Outside:  %s (%s)\n", report.Clean(p.Value), p.Role)
	}
	for _, p := range first.Staged {
		d.say("  Staged:   %s on %s\n", report.Clean(p.Path), report.Clean(p.Host))
	}
	d.steps(found)

	d.say("\nWho else? A draft fingerprint of %d items was asked of %s.\n\n", len(found.Fingerprint.Items), searched(found))
	w := tabwriter.NewWriter(d.t.out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "  AIRLINE\tVERDICT\tSAME INTRUDER\tWHAT HAPPENED IN TRUTH")
	for _, x := range found.Kinship.Orgs {
		for _, a := range d.truth.Airlines {
			if a.Folder == x.Org {
				fmt.Fprintf(w, "  %s\t%s\t%.0f %%\t%s\n", a.Name, x.Verdict, 100*x.Posterior, a.Role)
			}
		}
	}
	return w.Flush()
}

func searched(found *hunt.Outcome) string {
	n, hosts := uint64(0), 0
	for _, o := range found.Certificate.Orgs {
		hosts += len(o.Hosts)
	}
	for _, f := range found.Certificate.Files {
		n += f.Records
	}
	return fmt.Sprintf("%d events from %d hosts", n, hosts)
}

// steps holds the trail against what is known to have happened.
func (d *demo) steps(found *hunt.Outcome) {
	told := map[drill.Ref]bool{}
	for _, e := range found.First.Edges {
		for _, r := range e.Refs {
			told[drill.Ref{File: r.File, Record: r.Record}] = true
		}
	}
	for _, s := range found.First.Stages {
		for _, r := range s.Refs {
			told[drill.Ref{File: r.File, Record: r.Record}] = true
		}
	}
	left, followed := 0, 0
	var missed []string
	for _, a := range d.first().Actions {
		if !a.Visible {
			continue
		}
		left++
		has := false
		for _, r := range a.Refs {
			has = has || told[r]
		}
		if has {
			followed++
		} else {
			missed = append(missed, a.Text)
		}
	}
	d.say("  The trail holds %d of the %d actions of the intruder that left a record.\n", followed, left)
	for _, text := range missed {
		d.say("    missed: %s\n", report.Clean(text))
	}
}

// expose counts the passengers in what was staged at the first victim.
func (d *demo) expose(ctx context.Context) error {
	name := d.first().Folder
	if err := d.command(ctx, "expose", "--status", "staged", "--out", d.path("exposure"), "--org", name+"="+d.path("sector", name, "evidence")); err != nil {
		return err
	}
	b, err := os.ReadFile(d.path("exposure", "exposure.json"))
	if err != nil {
		return fmt.Errorf("read what was counted: %w", err)
	}
	var counted exposure.Result
	if err := json.Unmarshal(b, &counted); err != nil {
		return fmt.Errorf("read what was counted: %w", err)
	}
	d.say("\nWhose data was staged to be taken\n")
	for _, o := range counted.Orgs {
		for _, k := range o.Kinds {
			d.say("  %8s  %s (%s)\n", amount(&k), k.Unit, k.Kind)
		}
	}
	d.say("  In truth %d passengers' records left.\n", d.first().Persons)
	return nil
}

// amount gives a count as far as it is known.
func amount(k *exposure.KindCount) string {
	switch {
	case k.Exact != nil:
		return fmt.Sprint(*k.Exact)
	case k.Upper != nil:
		return fmt.Sprintf("%d–%d", k.Lower, *k.Upper)
	}
	return fmt.Sprintf("%d+", k.Lower)
}

// openCase keeps all of it in a case and writes its report.
func (d *demo) openCase(ctx context.Context) error {
	folder, key := d.path("case"), d.path("keys", "lead.key")
	signed := func(why string) []string { return []string{"--key", key, "--tlp", "amber+strict", "--why", why} }
	first := d.first()
	noticed := first.Actions[len(first.Actions)-1].Time.UTC().Format("2006-01-02")
	steps := [][]string{
		{"keys", "new", "--dir", d.path("keys"), "lead"},
		append([]string{"case", "new", "--name", "Demo: " + first.Name, "--organisation", "Sector CERT", folder}, signed("report of "+first.Name)...),
		append([]string{"case", "intake", "--organisation", first.Name, "--member", first.Folder, "--reporter", "head of security", "--contact", "by telephone", "--noticed-by", "night shift",
			"--noticed", "Something is wrong in our systems", "--noticed-when", noticed, "--at-risk", "passenger records", "--consent", "sweep:head of security; share:head of security", folder}, signed("telephone call")...),
	}
	for _, x := range []struct{ name, when, source string }{{"intrusion", d.since, "trail of " + first.Name}, {"discovery", noticed, "report of " + first.Name}, {"report", noticed, "report of " + first.Name}} {
		steps = append(steps, append([]string{"case", "add", "milestone", "--when", x.when, "--source", x.source, folder, x.name}, signed("for the clock")...))
	}
	for _, a := range d.truth.Airlines[1:] {
		steps = append(steps, append([]string{"case", "add", "member", "--member", a.Folder, folder, a.Name}, signed("asked to search")...),
			append([]string{"case", "add", "consent", "--by", "head of security", folder, a.Folder, "sweep"}, signed("agreed by telephone")...))
	}
	for _, x := range []struct{ kind, path, org, why string }{
		{"sweep", d.path("hunt", "first"), "", "what the first victim's evidence shows"},
		{"trail", d.path("hunt", "first", "trail.json"), first.Folder, "the intruder's way"},
		{"fingerprint", d.path("hunt", "sweep", "fingerprint.json"), "", "what identifies the intrusion"},
		{"sweep", d.path("hunt", "sweep"), "", "who else"},
		{"kinship", d.path("hunt", "sweep", "kinship.json"), "", "the same intruder or not"},
		{"exposure", d.path("exposure", "exposure.json"), first.Folder, "whose data"},
	} {
		args := append([]string{"case", "add", x.kind, folder, x.path}, signed(x.why)...)
		if x.org != "" {
			args = append(args, "--organisation", x.org)
		}
		steps = append(steps, args)
	}
	for _, args := range append(steps, []string{"case", "verify", folder}, []string{"case", "report", "--out", d.path("report.html"), folder}) {
		if err := d.command(ctx, args...); err != nil {
			return err
		}
	}
	d.say("\nThe case is in %s: every step is a signed entry; contrail case verify %s checks them. All of this took %s.\n", folder, folder, time.Since(d.began).Round(time.Second))
	return nil
}
