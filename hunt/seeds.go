package hunt

import (
	"strings"

	"github.com/contrail-ir/contrail/coverage"
	"github.com/contrail-ir/contrail/fingerprint"
	"github.com/contrail-ir/contrail/kinship"
)

// Seeds says which rules of a fingerprint begin a trace: those of items that can stand alone and are not the way in. What everybody has or
// other intruders share would begin traces of innocent things.
func Seeds(f *fingerprint.Fingerprint) func(rule string) bool {
	return rulesOf(f, func(it *fingerprint.Item) bool { return it.Tier != fingerprint.NeverAlone && !it.WayIn })
}

// rulesOf says which rules look for some of a fingerprint's items.
func rulesOf(f *fingerprint.Fingerprint, which func(*fingerprint.Item) bool) func(rule string) bool {
	of := map[string]bool{}
	all, err := f.Rules()
	if err != nil {
		return func(string) bool { return false } // a fingerprint whose rules cannot be made asks none
	}
	for _, r := range all {
		of[r.ID] = which(&f.Items[r.Item])
	}
	return func(rule string) bool { return of[rule] }
}

// DeclareCritical tells which hosts of each organisation are critical by an inventory. Of an organisation that it does not speak of nothing is
// declared, and every host counts as critical.
func DeclareCritical(all []kinship.Evidence, inventory []coverage.Declared) {
	for i := range all {
		for _, d := range inventory {
			if d.Org != "" && d.Org != all[i].Org {
				continue
			}
			if all[i].Critical == nil {
				all[i].Critical = []string{}
			}
			if d.Critical && !contains(all[i].Critical, d.Host) {
				all[i].Critical = append(all[i].Critical, d.Host)
			}
		}
	}
}

func contains(all []string, name string) bool {
	for _, x := range all {
		if strings.EqualFold(x, name) {
			return true
		}
	}
	return false
}
