package main

import (
	"context"
	"errors"
)

// Exit codes, as docs/formats/commands.md promises them. They are decided here and nowhere else.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitIncomplete  = 3
	exitInterrupted = 130
)

// errIncomplete says that the work was done but some evidence could not be read or some rule could not be used.
var errIncomplete = errors.New("some evidence could not be read or some rules could not be used: see coverage.json (of expose: exposure.json)")

// usageError is a command line that cannot be understood.
type usageError struct{ err error }

func (e usageError) Error() string { return e.err.Error() }
func (e usageError) Unwrap() error { return e.err }

func exitCode(err error, strict bool) int {
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, context.Canceled):
		return exitInterrupted
	case errors.Is(err, errIncomplete) && !strict:
		return exitIncomplete
	case errors.As(err, &usageError{}):
		return exitUsage
	default:
		return exitFailed
	}
}
