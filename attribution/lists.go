package attribution

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"sort"
	"strings"

	"github.com/contrail-ir/contrail/stix"
	"github.com/contrail-ir/contrail/stix/pattern"
)

// List is a published list of indicators: values as [NormaliseIndicator] writes them.
type List struct {
	Name   string
	Values map[string]bool
	// Together counts the values that are left out because the list's patterns mean them only together with others.
	Together int
}

// ReadList takes the indicators out of a STIX bundle: the constants that its patterns compare with by =, each of which is an indicator alone.
func ReadList(name string, r io.Reader, lim stix.Limits) (List, error) {
	l := List{Name: name, Values: map[string]bool{}}
	rd := stix.NewReader(r, lim)
	for {
		o, err := rd.Next()
		if err == io.EOF {
			return l, nil
		}
		if _, bad := err.(*stix.BadObjectError); bad {
			continue
		}
		if err != nil {
			return l, fmt.Errorf("read list %s: %w", name, err)
		}
		i, ok := o.(*stix.Indicator)
		if !ok || i.PatternType != "stix" {
			continue
		}
		e, err := pattern.Parse(i.Pattern)
		if err != nil {
			continue
		}
		pattern.Each(e, func(t *pattern.Test, together bool) {
			switch {
			case t.Op != pattern.Eq || t.Not || t.Value.Kind != pattern.String:
			case together:
				l.Together++
			default:
				l.Values[NormaliseIndicator(t.Value.Text)] = true
			}
		})
	}
}

// ReadTextList takes the indicators out of plain text or CSV: every word or cell that looks like an address, domain name,
// URL, mail address or digest. Lines of more than 1 MiB end the reading with an error.
func ReadTextList(name string, r io.Reader) (List, error) {
	l := List{Name: name, Values: map[string]bool{}}
	sc := bufio.NewScanner(r)
	sc.Buffer(make([]byte, 64<<10), 1<<20)
	for sc.Scan() {
		for _, word := range strings.FieldsFunc(strings.TrimPrefix(sc.Text(), "\ufeff"), func(c rune) bool {
			return strings.ContainsRune(" \t,;|\"'<>()`", c)
		}) {
			if v := NormaliseIndicator(word); looksLikeIndicator(v) {
				l.Values[v] = true
			}
		}
	}
	if err := sc.Err(); err != nil {
		return l, fmt.Errorf("read list %s: %w", name, err)
	}
	return l, nil
}

func looksLikeIndicator(v string) bool {
	if _, err := netip.ParseAddr(v); err == nil || strings.Contains(v, "://") {
		return true
	}
	if n := len(v); (n == 32 || n == 40 || n == 64 || n == 128) && strings.Trim(v, "0123456789abcdef") == "" {
		return true
	}
	if at := strings.LastIndexByte(v, '@'); at > 0 {
		v = v[at+1:]
	}
	labels := strings.Split(v, ".")
	last := labels[len(labels)-1]
	if len(labels) < 2 || len(v) > 253 || len(last) < 2 || strings.Trim(last, "abcdefghijklmnopqrstuvwxyz") != "" && !strings.HasPrefix(last, "xn--") {
		return false
	}
	for _, label := range labels {
		if label == "" || len(label) > 63 || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			return false
		}
	}
	return true
}

const maxGalaxyBytes = 64 << 20

// ReadGalaxy reads the clusters of a MISP galaxy as groups: names, synonyms and the sectors they are said to target, under
// whichever of the galaxies' keys. Galaxies of actors hold no techniques.
func ReadGalaxy(r io.Reader) ([]Group, error) {
	raw, err := io.ReadAll(io.LimitReader(r, maxGalaxyBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read galaxy: %w", err)
	}
	if len(raw) > maxGalaxyBytes {
		return nil, fmt.Errorf("read galaxy: it is longer than %d bytes", maxGalaxyBytes)
	}
	var galaxy struct {
		Values []struct {
			Value, UUID string
			Meta        map[string]json.RawMessage
		}
	}
	if err := json.Unmarshal(raw, &galaxy); err != nil {
		return nil, fmt.Errorf("read galaxy: %w", err)
	}
	var out []Group
	for _, v := range galaxy.Values {
		g := Group{ID: v.UUID, Name: v.Value, Aliases: words(v.Meta["synonyms"])}
		sectors := map[string]bool{}
		for _, key := range []string{"cfr-target-category", "target-category", "target_categories", "sector"} {
			for _, s := range words(v.Meta[key]) {
				sectors[s] = true
			}
		}
		g.Sectors = sortedKeys(sectors)
		out = append(out, g)
	}
	sort.SliceStable(out, func(i, j int) bool { return out[i].Name < out[j].Name })
	return out, nil
}

// words reads a string or a list of strings; anything else is nothing.
func words(raw json.RawMessage) []string {
	var list []string
	if json.Unmarshal(raw, &list) == nil {
		return list
	}
	var one string
	if json.Unmarshal(raw, &one) == nil && one != "" {
		return []string{one}
	}
	return nil
}

// NormaliseIndicator undoes defanging and case where case means nothing, so that the same indicator is the same text.
func NormaliseIndicator(s string) string {
	s = strings.TrimSpace(s)
	s = strings.NewReplacer("[.]", ".", "(.)", ".", "[:]", ":", "hxxp", "http", "hXXp", "http").Replace(s)
	if a, err := netip.ParseAddr(s); err == nil {
		return a.String()
	}
	if scheme, rest, ok := strings.Cut(s, "://"); ok {
		host, path, _ := strings.Cut(rest, "/")
		return strings.ToLower(scheme+"://"+host) + "/" + path
	}
	if strings.ContainsAny(s, `\/`) {
		return s
	}
	return strings.TrimSuffix(strings.ToLower(s), ".")
}
