package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/contrail-ir/contrail/coverage"
	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/evidence"
	"github.com/contrail-ir/contrail/hunt"
)

// rootsOf gives the evidence of --org flags and of arguments.
func rootsOf(orgs, args []string) (roots []evidence.Root, err error) {
	for _, o := range orgs {
		name, path, ok := strings.Cut(o, "=")
		if !ok || name == "" || path == "" {
			return nil, usageError{fmt.Errorf("--org %q: want NAME=PATH", o)}
		}
		roots = append(roots, evidence.Root{Org: name, Path: path})
	}
	for _, a := range args {
		roots = append(roots, evidence.Root{Org: local, Path: a})
	}
	if len(roots) == 0 {
		return nil, usageError{errors.New("no evidence: name files or folders, or --org NAME=PATH")}
	}
	return roots, nil
}

// reading declares what every command takes that reads evidence and asks it rules.
func (f *sweepFlags) reading(fs *pflag.FlagSet) {
	fs.StringArrayVarP(&f.rules, "rules", "r", nil, "file or folder of Sigma rules, instead of those that come with Contrail (repeat)")
	fs.StringArrayVar(&f.indicators, "ioc", nil, "file or folder of indicators: STIX, MISP, OpenIOC, CSV, text (repeat)")
	fs.StringVar(&f.warninglists, "warninglists", "", "folder of MISP warninglists; what is on them counts as informational, and in a fingerprint never alone")
	fs.StringArrayVar(&f.orgs, "org", nil, "NAME=PATH of an organisation's evidence (repeat); results are kept apart")
	fs.StringVarP(&f.out, "out", "o", "", "folder to write to")
	addCount(fs, &f.threads, "threads", 0, 0, "threads; 0 for one per processor")
	fs.BoolVar(&f.slack, "slack", false, "also search what is left of deleted Windows event records")
	fs.StringArrayVar(&f.inventory, "inventory", nil, "CSV of the hosts there are (host,addresses,role,critical): what coverage is measured against; NAME=FILE for one organisation's (repeat)")
	fs.StringArrayVar(&f.sources, "sources", nil, "sources.yaml: organisation, host, time zone, clock offset, encoding, format, custody by path; NAME=FILE for one organisation's (repeat)")
	addPacked(fs, &f.passwords, &f.maxDepth)
}

// addPacked declares how archives are opened.
func addPacked(fs *pflag.FlagSet, passwords *[]string, depth *int) {
	fs.StringArrayVar(passwords, "zip-password", nil, "password of encrypted archives (repeat); \"infected\" is always tried")
	addCount(fs, depth, "max-depth", 0, 0, "archives within archives that are read; 0 for 8")
}

// local is the organisation of evidence that was named without one.
const local = "local"

// orgNames lists the organisations of roots, in their order.
func orgNames(roots []evidence.Root) (names []string) {
	for _, r := range roots {
		if !slices.Contains(names, r.Org) {
			names = append(names, r.Org)
		}
	}
	return names
}

// haveFolders says which organisation cannot have a folder among the results, before anything is read.
func haveFolders(out string, orgs []string) error {
	for _, org := range orgs {
		if _, err := hunt.OrgFolder(out, org); err != nil {
			return usageError{err}
		}
	}
	return nil
}

// ofOrg takes NAME=FILE apart, where NAME is one of the organisations; anything else is a file.
func ofOrg(value string, orgs []string) (org, rest string) {
	if name, rest, ok := strings.Cut(value, "="); ok && slices.Contains(orgs, name) {
		return name, rest
	}
	return "", value
}

// inventories reads --inventory flags: [NAME=]FILE. What one file says of an organisation holds for it alone.
func inventories(flags []string, orgs []string) (all []coverage.Declared, err error) {
	for _, flag := range flags {
		org, path := ofOrg(flag, orgs)
		some, err := readInventory(path)
		if err != nil {
			return nil, err
		}
		for i := range some {
			if org != "" {
				some[i].Org = org
			}
		}
		all = append(all, some...)
	}
	if flags != nil && all == nil {
		all = []coverage.Declared{} // an inventory of nothing is one
	}
	return all, nil
}

// sourcesOf reads --sources flags: [NAME=]FILE.
func sourcesOf(flags []string, orgs []string, formats []event.Format) (*evidence.Sources, error) {
	var rest *evidence.Sources
	by := map[string]*evidence.Sources{}
	for _, flag := range flags {
		org, path := ofOrg(flag, orgs)
		s, err := readSources(path, formats)
		if err != nil {
			return nil, err
		}
		switch {
		case org == "" && rest == nil:
			rest = s
		case org != "" && by[org] == nil:
			by[org] = s
		default:
			return nil, usageError{fmt.Errorf("--sources %s: one file for each organisation, and one for the others", flag)}
		}
	}
	if len(by) == 0 {
		return rest, nil
	}
	return evidence.JoinSources(by, rest), nil
}

func readSources(path string, formats []event.Format) (*evidence.Sources, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	s, err := evidence.ReadSources(file, formats)
	if err != nil {
		return nil, usageError{fmt.Errorf("--sources %s: %w", path, err)}
	}
	return s, nil
}

func readInventory(path string) ([]coverage.Declared, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read inventory: %w", err)
	}
	defer f.Close()
	return coverage.ReadInventory(f, path)
}

// orgsOfFlags lists the names of --org flags.
func orgsOfFlags(flags []string) (names []string) {
	for _, o := range flags {
		name, _, _ := strings.Cut(o, "=")
		names = append(names, name)
	}
	return append(names, local)
}
