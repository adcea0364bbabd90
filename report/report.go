// Package report turns the result of a sweep into something that people and programs read.
//
// Every form is a handler of the same ordered stream: a folder of files, a table on the terminal, a page, files for other programs. What evidence says
// is written by intruders, so nothing it says is ever rendered as terminal codes, markup or a spreadsheet formula. Files
// appear under their names only when they are complete.
package report

import (
	"errors"

	"github.com/contrail-ir/contrail/finding"
	"github.com/contrail-ir/contrail/sweep"
)

// All gives every result to each handler in turn.
func All(handlers ...sweep.Handler) sweep.Handler { return all(handlers) }

type all []sweep.Handler

func (a all) Finding(f *finding.Finding) error {
	for _, h := range a {
		if err := h.Finding(f); err != nil {
			return err
		}
	}
	return nil
}

func (a all) End(r *sweep.Result) error {
	var errs []error
	for _, h := range a {
		errs = append(errs, h.End(r))
	}
	return errors.Join(errs...)
}
