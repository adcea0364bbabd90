package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/contrail-ir/contrail/casefile"
)

// readFlag is a flag whose value has a form. It is read while the command line is, so that a bad value is wrong usage whatever else is wrong, and is told
// before anything is opened.
type readFlag[T any] struct {
	text string
	to   *T
	read func(string) (T, error)
}

func (f *readFlag[T]) String() string { return f.text }
func (f *readFlag[T]) Type() string   { return "string" }

func (f *readFlag[T]) Set(text string) error {
	v, err := f.read(text)
	if err == nil {
		f.text, *f.to = text, v
	}
	return err
}

func addRead[T any](fs *pflag.FlagSet, to *T, name, usage string, read func(string) (T, error)) {
	fs.Var(&readFlag[T]{to: to, read: read}, name, usage)
}

// instant reads a day or a time, as moment does.
func instant(s string) (time.Time, error) {
	ns, err := moment(s)
	return time.Unix(0, ns).UTC(), err
}

// addWhen adds a flag of a moment with whatever precision it has.
func addWhen(fs *pflag.FlagSet, to *casefile.Moment, name, usage string) {
	addRead(fs, to, name, usage, casefile.ParseMoment)
}

// oneOf reads a value of a list.
func oneOf[T ~string](all ...T) func(string) (T, error) {
	return func(s string) (T, error) {
		if slices.Contains(all, T(s)) {
			return T(s), nil
		}
		return "", fmt.Errorf("want one of %s", joined(all))
	}
}

// addChoice adds a flag that is one of a list, with the value that it has.
func addChoice[T ~string](fs *pflag.FlagSet, to *T, name, usage string, all ...T) {
	fs.Var(&readFlag[T]{text: string(*to), to: to, read: oneOf(all...)}, name, usage)
}

// countFlag is a number that is not below another.
type countFlag struct {
	to    *int
	least int
}

func (f *countFlag) String() string { return strconv.Itoa(*f.to) }
func (f *countFlag) Type() string   { return "int" }

func (f *countFlag) Set(text string) error {
	n, err := strconv.Atoi(text)
	if err != nil || n < f.least {
		return fmt.Errorf("want a number from %d on", f.least)
	}
	*f.to = n
	return nil
}

// addCount adds a flag of a number, with the value that it has when it is not given.
func addCount(fs *pflag.FlagSet, to *int, name string, value, least int, usage string) {
	*to = value
	fs.Var(&countFlag{to, least}, name, usage)
}

func joined[T ~string](all []T) string {
	var b strings.Builder
	for i, x := range all {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(string(x))
	}
	return b.String()
}
