package jsonlog

import (
	"strings"

	"github.com/contrail-ir/contrail/event"
)

// Shippers that render events give names where the log has numbers. The names below are those of winmeta.xml in the
// Windows SDK as Winlogbeat, NXLog and EvtxECmd write them in English.

var levelNames = map[string]string{
	"logalways": "0", "log always": "0",
	"critical": "1", "error": "2", "warning": "3", "information": "4", "info": "4", "verbose": "5", "debug": "5",
}

var opcodeNames = map[string]string{
	"info": "0", "start": "1", "stop": "2", "dcstart": "3", "dcstop": "4", "extension": "5", "reply": "6", "resume": "7",
	"suspend": "8", "send": "9", "receive": "240",
}

var keywordNames = map[string]uint64{
	"response time": 1 << 48, "wdi context": 1 << 49, "wdi diagnostic": 1 << 50, "wdi diag": 1 << 50, "sqm": 1 << 51,
	"audit failure": 1 << 52, "audit success": 1 << 53, "correlation hint": 1 << 54, "classic": 1 << 55,
}

// channelBit is set in the keywords of every event that a manifest sends to its first channel, as all of the Security
// channel's are. Rendered keywords leave it out.
const channelBit = 1 << 63

// audited says that the event comes from the Security channel, whose events have level 0, rendered as "Information".
func (r *record) audited() bool { return string(r.channel) == "Security" }

// rendered gives the number behind a rendered level, opcode or task. False means that the name is not known.
func (r *record) rendered(s slot, text []byte) (number []byte, ok bool) {
	if number16(text) == event.Uint {
		return text, true
	}
	name := strings.ToLower(string(text))
	var to string
	switch s {
	case slotLevel:
		if to = levelNames[name]; to == "4" && r.audited() {
			to = "0"
		}
	case slotOpcode:
		to = opcodeNames[name]
	}
	if to == "" {
		return text, false
	}
	return []byte(to), true
}

// keywords gives the mask, or one made of all rendered names, or the names where one is not known. It returns the place
// behind the last of them.
func (r *record) keywords(out sink, f fieldID, i int) (next int) {
	nodes := r.tape.nodes
	for next = i; next < len(nodes) && nodes[next].path == nodes[i].path && nodes[next].kind < kindNull; {
		next++
	}
	var mask uint64
	for at := i; at < next; at++ {
		text := r.text(&nodes[at])
		if canonical, grown, ok := event.CanonicalKeywords(text, r.scratch); ok {
			r.scratch = grown
			out.value(f, event.Hex64, canonical)
			continue
		}
		for name := range strings.SplitSeq(string(text), ",") {
			bit := keywordNames[strings.ToLower(strings.TrimSpace(name))]
			if bit == 0 {
				r.words(out, r.tape.paths.action(r.shape, nodes[at].path).field, text)
				break
			}
			mask |= bit
		}
	}
	if mask != 0 {
		if r.audited() {
			mask |= channelBit
		}
		out.value(f, event.Hex64, event.AppendNumber(nil, event.Hex64, mask))
	}
	return next
}
