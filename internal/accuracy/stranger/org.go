// Package stranger writes small cases of intrusion, and of innocent work that looks like one, for measuring the trace. They were written from public reports
// by somebody who had not seen how the trace works, before it was mended by what they showed: other names, hours, products and choices of what is logged
// than the drill's. The same case is the same bytes. Nothing in them runs or does anything.
package stranger

import (
	"fmt"
	"maps"
	"math/rand"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Case is one organisation's evidence.
type Case struct {
	Name  string
	write func(*org)
}

// Cases gives all cases.
func Cases() []Case {
	return []Case{
		{"mail server", proxyshell}, {"stolen remote access", vpnStolen}, {"disk image by mail", isoLnk}, {"update", updateDNS}, {"keys between servers", sshKeys},
		{"nothing of his own", lolbin}, {"booking site", phpShell}, {"firewall", fortigate}, {"library of a service", serviceLibrary}, {"tunnel to a jump host", tunnelToJumpHost},
		{"administrator by night", adminNight}, {"administrator, once", adminOnce}, {"backup", backup}, {"new backup", newBackup}, {"scanner", scanner}, {"new software", newSoftware}, {"new agent", newAgent}, {"support from afar", rmmSupport},
	}
}

// Ref is a record: file within the evidence, number of its first line.
type Ref struct {
	File   string
	Record uint64
}

// Truth is what happened.
type Truth struct {
	Innocent                   bool
	Steps                      map[string][]Ref  // "stage/what"; the records of each
	Starts                     map[string]string // as trace --from takes them; "" for what is found
	Implant, Outside, Archives []string          // what a trace must name
	WayIn                      []string          // steps, one of which the way in must rest on
}

// Write writes the evidence of a case into a folder.
func (c Case) Write(dir string) (*Truth, error) {
	seed := int64(7919)
	for _, b := range c.Name {
		seed = seed*31 + int64(b)
	}
	o := &org{r: rand.New(rand.NewSource(seed)), files: map[string]*logFile{}, starts: map[string]string{}}
	c.write(o)
	return o.lay(dir)
}

type record struct {
	t    time.Time
	step string // "" ordinary, "~…" neither, else "stage/what"
	text string
}

type logFile struct {
	head    string
	records []record
}

// org is an organisation while its logs are written.
type org struct {
	r       *rand.Rand
	files   map[string]*logFile
	starts  map[string]string // value, or "@stage/what": its first record
	want    want
	serial  int    // of audit events and device messages
	session string // of the audit daemon, "" for none
	port    int    // source port of the next connection, 0 for any
}

type want struct {
	Implant, C2, Staged, WayIn []string
	Decoy                      bool
}

func (o *org) put(file string, t time.Time, step, text string) {
	f := o.files[file]
	if f == nil {
		f = &logFile{}
		o.files[file] = f
	}
	f.records = append(f.records, record{t, step, text})
}

func (o *org) head(file, head string) { o.files[file] = &logFile{head: head} }

// lay writes the files in order of time and notes under which number each record of a step stands.
func (o *org) lay(dir string) (*Truth, error) {
	out := &Truth{Innocent: o.want.Decoy, Steps: map[string][]Ref{}, Starts: map[string]string{}, Implant: o.want.Implant, Outside: o.want.C2, Archives: o.want.Staged, WayIn: o.want.WayIn}
	for _, name := range slices.Sorted(maps.Keys(o.files)) {
		f := o.files[name]
		slices.SortStableFunc(f.records, func(a, b record) int { return a.t.Compare(b.t) })
		var b strings.Builder
		b.WriteString(f.head)
		line := strings.Count(f.head, "\n") + 1
		var last time.Time
		for _, r := range f.records {
			if r.step != "" && r.step[0] != '~' {
				out.Steps[r.step] = append(out.Steps[r.step], Ref{name, uint64(line)})
			}
			text := strings.TrimSuffix(r.text, "\n") + "\n"
			b.WriteString(text)
			line += strings.Count(text, "\n")
			last = r.t
		}
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return nil, err
		}
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			return nil, err
		}
		if err := os.Chtimes(path, last, last); err != nil { // the year of lines that name none
			return nil, err
		}
	}
	for name, v := range o.starts {
		if step, ok := strings.CutPrefix(v, "@"); ok {
			all := out.Steps[step]
			if len(all) == 0 {
				return nil, fmt.Errorf("no record of %s", step)
			}
			v = fmt.Sprintf("%s:%d", all[0].File, all[0].Record)
		}
		out.Starts[name] = v
	}
	return out, nil
}
