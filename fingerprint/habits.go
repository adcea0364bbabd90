package fingerprint

import (
	"slices"
	"strings"
)

// Follows gives how far a trail follows an order of techniques: the longest common subsequence as a share of the steps, counted from one
// half on, because half of any intrusion's steps are everybody's. Three steps at least must fit; 0 when it does not follow.
func (t *Trail) Follows(steps []string) float64 {
	if len(steps) == 0 {
		return 0
	}
	n := common(steps, t.Techniques())
	share := (float64(n)/float64(len(steps)) - 0.5) * 2
	if n < 3 || share <= 0 {
		return 0
	}
	return share
}

// common is the length of the longest common subsequence. Both are techniques without repetition, so they are short.
func common(a, b []string) int {
	row := make([]int, len(b)+1)
	for _, x := range a {
		diagonal := 0
		for k, y := range b {
			above := row[k+1]
			if x == y {
				row[k+1] = diagonal + 1
			} else {
				row[k+1] = max(row[k+1], row[k])
			}
			diagonal = above
		}
	}
	return row[len(b)]
}

// Uses says whether a trail shows four fifths of a set of tools.
func (t *Trail) Uses(want []string) bool {
	have := t.Tools()
	n := 0
	for _, w := range want {
		if slices.Contains(have, w) {
			n++
		}
	}
	return len(want) > 0 && float64(n) >= 0.8*float64(len(want))
}

// Trails are trails of other intrusions – earlier cases, recorded campaigns, penetration tests – in which habits are counted. It is a
// TrailCounter. Trails that established no intrusion do not count.
type Trails []*Trail

// Count is that of Counter: trails count no hosts.
func (Trails) Count(Kind, string) (seen, hosts int) { return 0, 0 }

// Shared is that of TrailCounter.
func (all Trails) Shared(k Kind, value string) (shared, intrusions int) {
	for _, t := range all {
		if !t.Intrusion() {
			continue
		}
		shows, can := t.shows(k, value)
		if can {
			intrusions++
		}
		if shows {
			shared++
		}
	}
	return shared, intrusions
}

// shows says whether a trail shows a habit, and whether it could: one without any program's command line cannot show commands.
func (t *Trail) shows(k Kind, value string) (shows, can bool) {
	switch k {
	case Sequence:
		return t.Follows(strings.Fields(value)) > 0, len(t.Techniques()) >= 3
	case ToolSet:
		return t.Uses(strings.Fields(value)), len(t.Tools()) > 0
	case WorkingHours:
		h := t.Hours()
		return h == value, h != ""
	case CommandLine:
		pattern := strings.ToLower(value)
		for i := range t.Nodes {
			if line := t.Nodes[i].command(); line != "" {
				can = true
				if glob(pattern, strings.ToLower(line)) {
					return true, true
				}
			}
		}
	case ProcessChain:
		names := t.programs()
		for _, e := range t.Edges {
			if from, to := names[e.From], names[e.To]; from != "" && to != "" && startsOther(e.Kind) {
				can = true
				if from+" > "+to == value {
					return true, true
				}
			}
		}
	}
	return false, can
}

// command gives the command line that a node shows, "" when it shows none.
func (n *TrailNode) command() string {
	switch n.Kind {
	case "command":
		return n.Label
	case "process":
		if _, after, ok := strings.Cut(n.Label, " ["); ok {
			return strings.TrimSuffix(after, "]")
		}
	}
	return ""
}

// programs gives the names of programs by the processes that ran them.
func (t *Trail) programs() map[string]string {
	name := map[string]string{}
	for i := range t.Nodes {
		if n := &t.Nodes[i]; n.Kind == "process" {
			image, _, _ := strings.Cut(n.Label, " [")
			b := strings.ToLower(baseName(image))
			// A Windows path without a file's ending was cut short.
			if strings.Contains(image, "/") || strings.Contains(b, ".") {
				name[n.ID] = b
			}
		}
	}
	return name
}

func startsOther(kind string) bool { return kind == "started" || kind == "created" }

// glob says whether a text is one of a pattern's in which * stands for anything. It takes the leftmost place for every part, which is
// right because parts are literal.
func glob(pattern, text string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == text
	}
	if !strings.HasPrefix(text, parts[0]) {
		return false
	}
	text = text[len(parts[0]):]
	last := parts[len(parts)-1]
	for _, p := range parts[1 : len(parts)-1] {
		i := strings.Index(text, p)
		if i < 0 {
			return false
		}
		text = text[i+len(p):]
	}
	return strings.HasSuffix(text, last)
}
