package scene

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/contrail-ir/contrail/drill/evtxwrite"
)

type journalKey struct{ host, channel string }

// journal is one log of one host, or one text log, on its way into a file.
type journal struct {
	name    string // of the file, under evidence/
	host    *Host
	product string // what sources.yaml says it is
	entries []*Entry
	cleared time.Time // what is older was deleted by whoever cleared the log
	zone    *time.Location
	skew    time.Duration
	head    func(open time.Time) []string

	record uint64
	out    *os.File
	evtx   *evtxwrite.Writer
	text   *bufio.Writer
}

// Log puts an event into the journal of its channel. Of a host or a channel that keeps no log nothing stays.
func (s *Scene) Log(h *Host, at time.Time, e evtxwrite.Event) *Entry {
	en := &Entry{at: at}
	if !s.keeps(h, at, &e) {
		return en
	}
	e.Time, e.Computer = at.Add(h.Skew), h.FQDN()
	if h.Skew != 0 {
		for i, f := range e.Data {
			if f.Name == "UtcTime" || f.Name == "CreationUtcTime" {
				e.Data[i] = Text(f.Name, e.Time.Format(SysmonTime))
			}
		}
	}
	if e.ThreadID == 0 && !e.Classic {
		e.ThreadID = h.thread()
	}
	j := s.journal(h, e.Channel)
	en.event = &e
	j.entries = append(j.entries, en)
	return en
}

func (s *Scene) journal(h *Host, channel string) *journal {
	key := journalKey{h.Name, channel}
	j := s.journals[key]
	if j == nil {
		name := h.Name + "/" + fileName(channel)
		// A log that has been running for long does not begin at record 1.
		j = &journal{name: name, host: h, product: "evtx", zone: time.UTC, skew: h.Skew, record: 1000 + s.Random("record/"+name).Uint64N(500000)}
		s.journals[key] = j
		s.order = append(s.order, j)
	}
	return j
}

// keeps says whether a host's log holds such an event, and takes away what its policy does not record.
func (s *Scene) keeps(h *Host, at time.Time, e *evtxwrite.Event) bool {
	l := s.Logging
	if h.Silent || at.Before(l.Since) || e.Channel == channelSysmon && (!l.Sysmon || h.NoSysmon) || e.Channel == channelPowerShell && !l.Scripts ||
		e.Channel == channelTask && !l.Tasks {
		return false
	}
	if e.Channel == ChannelSecurity {
		switch {
		case l.Logons && e.ID != 4624 && e.ID != 4625 && e.ID != 4634 && e.ID != 4672 && e.ID != 1102:
			return false
		case e.ID == 4688 && !l.CommandLines:
			for i, f := range e.Data {
				if f.Name == "CommandLine" {
					e.Data[i] = Text(f.Name, "")
				}
			}
		}
	}
	return true
}

// TextLog is a log in lines.
type TextLog struct {
	File    string // under evidence/
	Host    *Host
	Product string
	Head    func(open time.Time) []string // nil: it has none
}

// Line puts a line into a text log. The line is made with the time as that log's clock and zone tell it.
func (s *Scene) Line(l TextLog, at time.Time, line func(t time.Time) string) *Entry {
	en := &Entry{at: at}
	if l.Host.Silent || at.Before(s.Logging.Since) {
		return en
	}
	j := s.texts[l.File]
	if j == nil {
		zone := l.Host.Zone
		if zone == nil {
			zone = time.UTC
		}
		j = &journal{name: l.File, host: l.Host, product: l.Product, zone: zone, skew: l.Host.Skew, head: l.Head}
		s.texts[l.File] = j
		s.order = append(s.order, j)
	}
	en.line = line(at.Add(j.skew).In(j.zone))
	j.entries = append(j.entries, en)
	return en
}

// clear deletes what a log holds up to a moment, as clearing it does.
func (s *Scene) clear(h *Host, channel string, at time.Time) {
	if !h.Silent {
		s.journal(h, channel).cleared = at
	}
}

// fileName is the name Windows gives the log of a channel.
func fileName(channel string) string { return strings.ReplaceAll(channel, "/", "%4") + ".evtx" }

// Into says where the evidence goes. Without it nothing is written before Write.
func (s *Scene) Into(dir string) { s.dir = dir }

// Flush writes what happened before a moment. Nothing older may be logged afterwards.
func (s *Scene) Flush(before time.Time) error {
	for _, j := range s.order {
		if err := s.flush(j, before); err != nil {
			return fmt.Errorf("drill: write %s: %w", j.name, err)
		}
	}
	return nil
}

// Write writes what is left and closes every file.
func (s *Scene) Write(dir string) error {
	s.dir = dir
	err := s.Flush(s.At(s.Days+3660, 0, 0, 0))
	for _, j := range s.order {
		if e := j.close(); e != nil {
			err = errors.Join(err, fmt.Errorf("drill: close %s: %w", j.name, e))
		}
	}
	return err
}

func (s *Scene) flush(j *journal, before time.Time) error {
	slices.SortStableFunc(j.entries, func(a, b *Entry) int { return a.at.Compare(b.at) })
	n, _ := slices.BinarySearchFunc(j.entries, before, func(e *Entry, t time.Time) int { return e.at.Compare(t) })
	if n == 0 {
		return nil
	}
	if j.out == nil {
		if err := j.open(s.dir); err != nil {
			return err
		}
	}
	for _, e := range j.entries[:n] {
		j.record++
		if e.at.Before(j.cleared) {
			e.event = nil
			continue
		}
		e.record = j.record
		if j.evtx != nil {
			e.event.RecordID = j.record
			if _, err := j.evtx.Write(*e.event); err != nil {
				return err
			}
		} else if _, err := j.text.WriteString(e.line + "\n"); err != nil {
			return err
		}
		e.event, e.line = nil, ""
		e.file, e.delivered = j.name, true
	}
	j.entries = append([]*Entry(nil), j.entries[n:]...)
	return nil
}

func (j *journal) open(dir string) (err error) {
	path := filepath.Join(dir, filepath.FromSlash(j.name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if j.out, err = os.Create(path); err != nil {
		return err
	}
	if strings.HasSuffix(j.name, ".evtx") {
		j.evtx, err = evtxwrite.New(j.out)
		return err
	}
	j.text = bufio.NewWriterSize(j.out, 1<<16)
	if j.head != nil {
		for _, line := range j.head(j.entries[0].at.Add(j.skew).In(j.zone)) {
			j.record++
			if _, err := j.text.WriteString(line + "\n"); err != nil {
				return err
			}
		}
	}
	return nil
}

func (j *journal) close() error {
	if j.out == nil {
		return nil
	}
	var err error
	if j.evtx != nil {
		err = j.evtx.Close()
	} else if j.text != nil {
		err = j.text.Flush()
	}
	return errors.Join(err, j.out.Close())
}

// Source is a log that was written.
type Source struct {
	File, Host, Product string
	Zone                *time.Location
	Skew                time.Duration // how far its clock is ahead
}

// Sources lists the logs that were written, by file.
func (s *Scene) Sources() (out []Source) {
	for _, j := range s.order {
		if j.out != nil {
			out = append(out, Source{j.name, j.host.FQDN(), j.product, j.zone, j.skew})
		}
	}
	slices.SortFunc(out, func(a, b Source) int { return strings.Compare(a.File, b.File) })
	return out
}
