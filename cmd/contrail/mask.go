package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/contrail-ir/contrail/casefile"
	"github.com/contrail-ir/contrail/coverage"
	"github.com/contrail-ir/contrail/evidence"
	"github.com/contrail-ir/contrail/exposure"
	"github.com/contrail-ir/contrail/finding"
	"github.com/contrail-ir/contrail/fingerprint"
	"github.com/contrail-ir/contrail/keys"
	"github.com/contrail-ir/contrail/marking"
	"github.com/contrail-ir/contrail/sweep"
	"github.com/contrail-ir/contrail/trail"
)

// maskNote begins every note that stands for a value.
const maskNote = "[masked"

// masking is the one place where passenger values are taken out of findings, on their way to every report, the terminal and the trail.
type masking struct {
	sweep.Handler
	masker *exposure.Masker
	fields []exposure.Field
	count  uint64
}

// rawFlags are those of a command that can show passenger values as they are.
type rawFlags struct {
	raw  bool
	file string // the case in which the look is entered
	look change
}

func (f *rawFlags) add(fs *pflag.FlagSet) {
	fs.BoolVar(&f.raw, "raw", false, "do not mask the passenger values that the exposure detectors recognise; stats.json says so")
	fs.StringVar(&f.file, "case", "", "with --raw: the case whose ledger says who looked at values that are not masked, at what and why")
	f.look.flags(fs, false)
}

// enter puts the look into the case before there is anything to look at.
func (f *rawFlags) enter(ctx context.Context, t *terminal, command string, evidence []evidence.Root, out string) error {
	if !f.raw || f.file == "" {
		if f.file != "" || f.look.key != "" || f.look.why != "" {
			return usageError{errors.New("--case, --key and --why go with --raw, and with each other: whose look at values that are not masked is entered where, and why")}
		}
		return nil
	}
	v := casefile.View{How: command + " --raw", Result: filepath.ToSlash(out)}
	for _, r := range evidence {
		v.Of = append(v.Of, casefile.Viewed{Organisation: r.Org, Place: filepath.ToSlash(r.Path)})
	}
	return f.look.in(ctx, f.file, func(k *casefile.Case, by *keys.Private, _ marking.Marking) error {
		e, err := k.RecordView(ctx, by, v, f.look.why)
		if err == nil {
			t.log().Info(fmt.Sprintf("Entered in %s as %d: %s", f.file, e.Seq, e.Title()))
		}
		return err
	})
}

// masked lets a handler see findings without passenger values, unless raw.
func (t *terminal) masked(h sweep.Handler, raw bool) sweep.Handler {
	if raw {
		t.log().Warn("--raw: passenger values are not masked in what is written; --case enters the look in the ledger of a case")
		return unmasked{h}
	}
	return &masking{Handler: h, masker: exposure.NewMasker(nil)}
}

func (m *masking) Finding(f *finding.Finding) error {
	m.fields = m.fields[:0]
	for _, x := range f.Matched {
		m.fields = append(m.fields, exposure.Field{Name: x.Field, Value: x.Value})
	}
	event, changed := m.masker.JSON(f.Event, m.fields...)
	file, host := m.name(f.File), m.name(f.Host)
	if changed || file != f.File || host != f.Host {
		g := *f
		g.Event, g.File, g.Host = event, file, host
		g.Matched = slices.Clone(f.Matched)
		for i := range g.Matched {
			g.Matched[i].Value = m.fields[i].Value
		}
		f = &g
		m.count++
	}
	for i, r := range f.Refs {
		if name := m.name(r.File); name != r.File {
			f = new(*f)
			f.Refs = slices.Clone(f.Refs)
			f.Refs[i].File = name
		}
	}
	return m.Handler.Finding(f)
}

// name masks the name of a file or host. The same name always becomes the same.
func (m *masking) name(s string) string {
	return m.masker.Name(s)
}

func (m *masking) End(r *sweep.Result) error {
	own := *r // others see the same result
	own.Stats.Masked = m.count
	own.Certificate = m.certificate(r.Certificate)
	return m.Handler.End(&own)
}

func (m *masking) certificate(of *coverage.Certificate) *coverage.Certificate {
	c := new(*of)
	c.Files, c.Unrecognised, c.NotRead = slices.Clone(c.Files), slices.Clone(c.Unrecognised), slices.Clone(c.NotRead)
	for i := range c.Files {
		f := &c.Files[i]
		f.Path, f.Original, f.SameAs = m.name(f.Path), m.name(f.Original), m.name(f.SameAs)
		f.Damage = slices.Clone(f.Damage)
		for k := range f.Damage {
			f.Damage[k].Reason = m.name(f.Damage[k].Reason)
		}
	}
	for i := range c.Unrecognised {
		u := &c.Unrecognised[i]
		u.Path, u.Original, u.Reason = m.name(u.Path), m.name(u.Original), m.name(u.Reason)
	}
	for i := range c.NotRead {
		c.NotRead[i].Path = m.name(c.NotRead[i].Path)
	}
	return c
}

// unmasked notes that nothing was masked.
type unmasked struct{ sweep.Handler }

func (u unmasked) End(r *sweep.Result) error {
	own := *r
	own.Stats.Raw = true
	return u.Handler.End(&own)
}

// maskTrail takes passenger values out of everything that a trail tells.
func maskTrail(out *trail.Trail) {
	m := exposure.NewMasker(nil)
	out.Replace(func(s string) string {
		if !exposure.Suspicious([]byte(s)) {
			return s
		}
		return m.Value("", s)
	})
}

// maskEntry takes passenger values out of an entry of a case; what people write down about whom to call stays.
func maskEntry(entry []byte) []byte {
	m := exposure.NewMasker(nil)
	m.KeepContacts = true
	masked, _ := m.JSON(entry)
	return masked
}

// passengerValue says whether a value must never enter a fingerprint.
func passengerValue(s string) bool {
	return strings.Contains(s, maskNote) || exposure.Suspicious([]byte(s)) && exposure.MaskString(s) != s
}

// screenItems refuses a fingerprint that holds a passenger's value.
func screenItems(f *fingerprint.Fingerprint) error {
	for i, it := range f.Items {
		if passengerValue(it.Value) {
			return fmt.Errorf("item %d (%s) holds what looks like a passenger's data: remove it", i+1, it.Kind)
		}
	}
	return nil
}
