package flow

import (
	"math"
	"net/netip"
	"path"
	"slices"
	"strings"

	"github.com/contrail-ir/contrail/event"
)

const (
	// minUpload is the payload in bytes from which a pair is judged by its amount.
	minUpload = 1 << 20
	// uploadScore is the score from which an upload is a finding.
	uploadScore = 0.6
)

// packed lists the endings of files that gather others: archives, disk images, dumps of databases and of memory.
var packed = map[string]bool{
	".7z": true, ".zip": true, ".rar": true, ".tar": true, ".gz": true, ".tgz": true, ".bz2": true, ".xz": true, ".zst": true, ".cab": true, ".arj": true, ".ace": true,
	".bak": true, ".dmp": true, ".sql": true, ".mdf": true, ".bacpac": true, ".dit": true, ".pst": true, ".ost": true, ".vhd": true, ".vhdx": true, ".vmdk": true, ".001": true,
}

// packedFile gives the last part of a URL's path when it names a packed file, "" otherwise.
func packedFile(url string) string {
	url, _, _ = strings.Cut(url, "?")
	url, _, _ = strings.Cut(url, "#")
	name := path.Base(strings.ReplaceAll(url, "\\", "/"))
	if packed[strings.ToLower(path.Ext(name))] && len(name) <= maxPart {
		return name
	}
	return ""
}

// upload judges what a pair sent. Its parts, each 0 to 1: the amount on a logarithmic scale from 1 MiB to 1 GiB; how much more was sent
// than received; how much of everything the source sent went here, and how far that is above what its peers send; and whether a
// packed file was put. A packed file that was put by a method made for it is enough by itself: its size is often not logged.
func (j *judge) upload(p *judged) (event.Conclusion, bool) {
	t := &p.out
	if t.file == "" && (t.sent < minUpload || t.sent <= t.received) {
		return event.Conclusion{}, false
	}
	amountPart := math.Max(0, math.Min(1, math.Log2(t.sent/minUpload+1)/10))
	ratio := 0.0
	if t.sent+t.received > 0 {
		ratio = math.Max(0, (t.sent-t.received)/(t.sent+t.received))
	}
	unusual := j.unusual(p)
	file := 0.0
	if t.file != "" {
		file = 1
	}
	away := 0.0
	if external(p.pair.dst) || namesDomain(p.pair.dst) {
		away = 1
	}
	score := 0.3*amountPart + 0.2*ratio + 0.3*unusual + 0.2*away
	if t.file != "" {
		score = modify(score, 0.6)
	}
	if score < uploadScore {
		return event.Conclusion{}, false
	}
	matched := append(p.ends(),
		event.Matched{Field: "sent", Value: amount(t.sent)},
		event.Matched{Field: "received", Value: amount(t.received)})
	if t.file != "" {
		matched = append(matched, event.Matched{Field: "file", Value: t.file})
	}
	matched = append(matched,
		event.Matched{Field: "amount", Value: figure(amountPart)},
		event.Matched{Field: "ratio", Value: figure(ratio)},
		event.Matched{Field: "unusual", Value: figure(unusual)},
		event.Matched{Field: "packed", Value: figure(file)})
	return event.Conclusion{Rule: Upload, At: t.at, Score: round(score), Matched: matched}, true
}

// unusual says how far a pair's amount is above what the organisation's sources send to one destination at most: 0 at the
// median of their largest, 1 at a hundred times of it; a half when there are too few sources to compare with.
func (j *judge) unusual(p *judged) float64 {
	if j.typical == 0 {
		return 0.5
	}
	return math.Max(0, math.Min(1, math.Log10(p.out.sent/j.typical)/2))
}

// typicalOf gives the median of the largest amounts that sources sent to one destination, 0 when fewer than four sent any.
func typicalOf(sources map[string]*traffic) float64 {
	var all []float64
	for _, t := range sources {
		if t.largest > 0 {
			all = append(all, t.largest)
		}
	}
	if len(all) < 4 {
		return 0
	}
	slices.Sort(all)
	return quantile(all, 0.5)
}

func namesDomain(dst string) bool {
	_, err := netip.ParseAddr(dst)
	return err != nil && strings.Contains(dst, ".")
}
