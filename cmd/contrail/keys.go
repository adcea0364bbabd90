package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/contrail-ir/contrail/keys"
	"github.com/contrail-ir/contrail/report"
)

func (t *terminal) keysCommand() *cobra.Command {
	c := &cobra.Command{
		Use:     "keys",
		Short:   "Make and list the keys with which people sign",
		Example: "  contrail keys new ana\n  contrail keys list",
		Args:    arguments(cobra.NoArgs),
		RunE:    func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	var dir string
	c.PersistentFlags().StringVar(&dir, "dir", "", "folder of the keys; by default contrail/keys in the user's configuration folder")
	c.AddCommand(&cobra.Command{
		Use:     "new NAME",
		Short:   "Make a key: NAME.key to keep, NAME.pub to hand out",
		Example: "  contrail keys new ana",
		Args:    arguments(cobra.ExactArgs(1)),
		RunE: func(_ *cobra.Command, args []string) error {
			if err := keys.CheckName(args[0]); err != nil {
				return usageError{err}
			}
			dir, err := keyFolder(dir)
			if err != nil {
				return err
			}
			k, err := keys.New(dir, args[0])
			if err != nil {
				return err
			}
			fmt.Fprintf(t.out, "%s  %s\n", filepath.Join(dir, args[0]+".pub"), k.ID())
			return nil
		},
	}, &cobra.Command{
		Use:     "list [DIR]",
		Short:   "List the public keys of a folder",
		Example: "  contrail keys list trusted",
		Args:    arguments(cobra.MaximumNArgs(1)),
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 1 {
				dir = args[0]
			}
			dir, err := keyFolder(dir)
			if err != nil {
				return err
			}
			all, err := keys.List(dir)
			for _, k := range all {
				fmt.Fprintf(t.out, "%-24s %s\n", report.Clean(k.Name), k.ID())
			}
			return err
		},
	})
	return c
}

func keyFolder(dir string) (string, error) {
	if dir != "" {
		return dir, nil
	}
	home, err := os.UserConfigDir()
	if err != nil {
		return "", usageError{fmt.Errorf("where are the keys? Name their folder: %w", err)}
	}
	return filepath.Join(home, "contrail", "keys"), nil
}

// trustedKeys reads the public keys that files and folders name; nothing named means the user's own folder.
func trustedKeys(paths []string) (all []keys.Public, err error) {
	if len(paths) == 0 {
		dir, err := keyFolder("")
		if err != nil {
			return nil, err
		}
		paths = []string{dir}
	}
	for _, p := range paths {
		if info, err := os.Stat(p); err == nil && info.IsDir() {
			some, err := keys.List(p)
			if err != nil {
				return nil, err
			}
			all = append(all, some...)
			continue
		}
		if strings.HasSuffix(p, ".key") {
			return nil, usageError{fmt.Errorf("--trust %s is a secret key: want the .pub file", p)}
		}
		k, err := keys.LoadPublic(p)
		if err != nil {
			return nil, err
		}
		all = append(all, k)
	}
	return all, nil
}
