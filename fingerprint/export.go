package fingerprint

import (
	"cmp"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"time"

	"github.com/contrail-ir/contrail/marking"
	"github.com/contrail-ir/contrail/stix"
)

// Exports are the formats that Export knows.
func Exports() []string { return []string{"stix", "misp", "sigma", "csv"} }

// Export writes a fingerprint in a format that others read, one of Exports. References never leave. The same fingerprint gives the
// same bytes.
func (f *Fingerprint) Export(w io.Writer, format string) error {
	switch format {
	case "stix":
		return f.exportSTIX(w)
	case "misp":
		return f.exportMISP(w)
	case "sigma":
		rules, err := f.Rules()
		if err != nil {
			return err
		}
		for i, r := range rules {
			sep := "---\n"
			if i == 0 {
				sep = ""
			}
			if _, err := io.WriteString(w, sep+r.Text); err != nil {
				return err
			}
		}
		return nil
	case "csv":
		c := csv.NewWriter(w)
		rows := [][]string{{"kind", "value", "tier", "decibans", "expires", "marking", "reasons"}}
		for _, it := range f.Items {
			rows = append(rows, []string{string(it.Kind), inert(it.Value), string(it.Tier), fmt.Sprintf("%.2f", it.Specificity.Decibans), it.Expires, f.markingOf(&it).String(), inert(strings.Join(it.Reasons, "; "))})
		}
		return c.WriteAll(rows)
	}
	return fmt.Errorf("fingerprint: export: format %.40q is not known: want stix, misp, sigma or csv", format)
}

// inert keeps spreadsheets from taking a value for a formula.
func inert(v string) string {
	if v != "" && strings.ContainsRune("=+-@", rune(v[0])) {
		return "'" + v
	}
	return v
}

func (f *Fingerprint) markingOf(it *Item) marking.Marking {
	if it.Marking == nil {
		return f.Marking
	}
	return marking.Combine(f.Marking, *it.Marking)
}

// begins is the time that exported objects carry, so that a second export gives the same bytes.
func (f *Fingerprint) begins() time.Time {
	for _, s := range []string{f.NotBefore, f.FirstSeen} {
		if t, err := moment(s); err == nil && !t.IsZero() {
			return t
		}
	}
	return time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
}

var tlpOf = map[marking.TLP]stix.TLP{marking.Clear: stix.TLPClear, marking.Green: stix.TLPGreen, marking.Amber: stix.TLPAmber, marking.AmberStrict: stix.TLPAmberStrict, marking.Red: stix.TLPRed}

const stixNamespace = "3b1f52c0-6a1e-4f53-9c0a-517e0d2b8a45"

func (f *Fingerprint) exportSTIX(w io.Writer) error {
	at := stix.At(f.begins())
	derived := func(typ, name string) (stix.ID, error) { return stix.DerivedID(typ, stixNamespace, name) }
	creatorID, err := derived("identity", "contrail")
	if err != nil {
		return fmt.Errorf("fingerprint: export: %w", err)
	}
	creator := &stix.Identity{Name: "Contrail", IdentityClass: "system"}
	creator.Type, creator.SpecVersion, creator.ID, creator.Created, creator.Modified = "identity", "2.1", creatorID, at, at
	bundle := &stix.Bundle{}
	marked := map[stix.TLP]stix.ID{}
	mark := func(m marking.Marking) stix.ID {
		level, ok := tlpOf[m.TLP]
		if !ok {
			level = stix.TLPRed
		}
		if _, there := marked[level]; !there {
			def := level.Marking()
			marked[level] = def.ID
			bundle.Objects = append(bundle.Objects, def)
		}
		return marked[level]
	}
	mark(f.Marking)
	bundle.Objects = append(bundle.Objects, creator)
	report := &stix.Report{Name: f.Name, Published: at, ReportTypes: []string{"indicator"}}
	for i := range f.Items {
		it := &f.Items[i]
		id, err := derived("indicator", it.Rule)
		if err != nil {
			return fmt.Errorf("fingerprint: export: %w", err)
		}
		o := &stix.Indicator{Name: fmt.Sprintf("%s: %s", it.Kind, it.Value), Description: strings.Join(it.Reasons, "; "), IndicatorTypes: []string{"malicious-activity"}, ValidFrom: at}
		o.Type, o.SpecVersion, o.ID, o.Created, o.Modified, o.CreatedByRef = "indicator", "2.1", id, at, at, creatorID
		o.ObjectMarkingRefs = []stix.ID{mark(f.markingOf(it))}
		o.Labels = []string{"tier:" + string(it.Tier)}
		if end, _ := moment(cmp.Or(it.Expires, f.Expires)); end.After(f.begins()) {
			o.ValidUntil = stix.At(end)
		}
		if o.Pattern = stixPattern(it); o.Pattern != "" {
			o.PatternType, o.PatternVersion = "stix", "2.1"
		} else if all := searches(it.Kind, it.Value); len(all) > 0 {
			o.PatternType, o.Pattern = "sigma", f.rule(it, it.Rule, all[0])
		} else {
			// Habits that no rule looks for: the report tells them.
			report.Description = strings.TrimSpace(report.Description + "\n" + string(it.Kind) + ": " + it.Value)
			continue
		}
		bundle.Objects = append(bundle.Objects, o)
		report.ObjectRefs = append(report.ObjectRefs, id)
	}
	if len(report.ObjectRefs) == 0 {
		report.ObjectRefs = []stix.ID{creatorID}
	}
	reportID, err := derived("report", fmt.Sprintf("%s\x00%d", f.Name, f.Version))
	if err != nil {
		return fmt.Errorf("fingerprint: export: %w", err)
	}
	report.Type, report.SpecVersion, report.ID, report.Created, report.Modified, report.CreatedByRef = "report", "2.1", reportID, at, at, creatorID
	report.ObjectMarkingRefs = []stix.ID{mark(f.Marking)}
	bundle.Objects = append(bundle.Objects, report)
	if bad := stix.Errors(stix.ValidateBundle(bundle)); len(bad) > 0 {
		return fmt.Errorf("fingerprint: export: %s %s: %s", bad[0].ID, bad[0].Path, bad[0].Text)
	}
	b, err := bundle.Marshal()
	if err != nil {
		return fmt.Errorf("fingerprint: export: %w", err)
	}
	_, err = w.Write(append(b, '\n'))
	return err
}

// stixPattern gives the pattern of an item, "" when STIX has no object for it.
func stixPattern(it *Item) string {
	quote := func(s string) string { return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'" }
	switch it.Kind {
	case IP:
		typ := "ipv4-addr"
		if a, err := netip.ParseAddr(it.Value); err == nil && a.Is6() {
			typ = "ipv6-addr"
		}
		return "[" + typ + ":value = " + quote(it.Value) + "]"
	case Certificate:
		name := map[int]string{32: "MD5", 40: "'SHA-1'", 64: "'SHA-256'"}[len(it.Value)]
		return "[x509-certificate:hashes." + name + " = " + quote(it.Value) + "]"
	case Registry:
		if strings.Contains(it.Value, "*") {
			return "[windows-registry-key:key LIKE " + quote(strings.ReplaceAll(it.Value, "*", "%")) + "]"
		}
	}
	if path := kinds[it.Kind].stix; path != "" {
		return "[" + path + " = " + quote(it.Value) + "]"
	}
	return ""
}

func (f *Fingerprint) exportMISP(w io.Writer) error {
	type tag struct {
		Name string `json:"name"`
	}
	type attribute struct {
		UUID     string `json:"uuid"`
		Type     string `json:"type"`
		Category string `json:"category"`
		Value    string `json:"value"`
		ToIDs    bool   `json:"to_ids"`
		Comment  string `json:"comment"`
		Time     string `json:"timestamp"`
		Tag      []tag  `json:"Tag"`
	}
	category := func(t string) string {
		switch t {
		case "domain", "ip-dst", "url", "ja3-fingerprint-md5", "x509-fingerprint-sha1", "user-agent":
			return "Network activity"
		case "email-src":
			return "Payload delivery"
		case "target-user":
			return "Targeting data"
		case "text":
			return "Other"
		}
		return "Artifacts dropped"
	}
	tlp := func(m marking.Marking) []tag {
		name := strings.ToLower(m.TLP.String())
		if name == "" {
			name = "tlp:red"
		}
		return []tag{{name}}
	}
	begins := f.begins()
	stamp := fmt.Sprint(begins.Unix())
	attributes := []attribute{}
	for i := range f.Items {
		it := &f.Items[i]
		typ := kinds[it.Kind].misp
		value := it.Value
		if it.Kind == Certificate && len(value) != 40 {
			typ = map[int]string{32: "x509-fingerprint-md5", 64: "x509-fingerprint-sha256"}[len(value)]
		}
		switch typ {
		case "text":
			value = string(it.Kind) + ": " + value
		case "pattern-in-file":
			typ, value = "filename-pattern", strings.ReplaceAll(value, "*", "%")
		}
		attributes = append(attributes, attribute{it.Rule, typ, category(typ), value, typ != "text" && it.Tier != NeverAlone, strings.Join(append([]string{"tier " + string(it.Tier)}, it.Reasons...), "; "), stamp, append(tlp(f.markingOf(it)), tag{"contrail:kind=\"" + string(it.Kind) + "\""})})
	}
	if len(attributes) == 0 {
		return errors.New("fingerprint: export: there is no item")
	}
	event := map[string]any{"Event": map[string]any{
		"uuid": derivedUUID(fmt.Sprintf("event\x00%s\x00%d", f.Name, f.Version)), "info": f.Name, "date": begins.Format("2006-01-02"), "timestamp": stamp,
		"threat_level_id": "1", "analysis": "2", "distribution": "0", "published": false, "Tag": tlp(f.Marking), "Attribute": attributes,
	}}
	b, err := json.MarshalIndent(event, "", " ")
	if err != nil {
		return fmt.Errorf("fingerprint: export: %w", err)
	}
	_, err = w.Write(append(b, '\n'))
	return err
}
