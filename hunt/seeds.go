package hunt

import "github.com/contrail-ir/contrail/fingerprint"

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
