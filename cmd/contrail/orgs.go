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

func addInventory(fs *pflag.FlagSet, to *[]string) {
	fs.StringArrayVar(to, "inventory", nil, "CSV of the hosts there are (host,addresses,role,critical): what coverage is measured against; NAME=FILE for one organisation's (repeat)")
}

func addSources(fs *pflag.FlagSet, to *[]string) {
	fs.StringArrayVar(to, "sources", nil, "sources.yaml: organisation, host, time zone, clock offset, encoding, format, custody by path; NAME=FILE for one organisation's (repeat)")
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
