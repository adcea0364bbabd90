package sigma

import (
	"slices"
	"strings"
)

// rarity estimates how seldom a folded literal occurs in a value of a log, in bits: the logarithm of one in how many
// values. It steers speed and never results.
func rarity(s string) float64 {
	bits := 0.0
	for i := 0; i < len(s); i++ {
		bits += charBits[s[i]]
	}
	// Characters of words predict each other, so that every further one says less.
	if n := len(s); n > 4 {
		bits *= 0.55 + 1.8/float64(n)
	}
	for i := range len(s) {
		for _, c := range commonBy[s[i]] {
			if strings.HasPrefix(s[i:], c.text) {
				// The literal can be no more than its other characters rarer than the common part.
				bits = min(bits, c.bits+float64(len(s)-len(c.text))*2.2)
			}
		}
	}
	return bits
}

// gramRarity is rarity of a gram of four bytes, with regard to the common texts that it is a part of: "wind" is as
// common as "windows". A letter again and again is in much that is encoded.
func gramRarity(s string) float64 {
	bits := rarity(s)
	if known, ok := commonGrams[s]; ok {
		bits = min(bits, known)
	}
	if s[0] == s[1] && s[1] == s[2] && s[2] == s[3] {
		bits = min(bits, 4)
	}
	return bits
}

var commonGrams = func() map[string]float64 {
	grams := map[string]float64{}
	for _, c := range slices.Concat(common, commonInScripts) {
		for at := 0; at+4 <= len(c.text); at++ {
			gram := c.text[at : at+4]
			if known, ok := grams[gram]; !ok || c.bits < known {
				grams[gram] = c.bits
			}
		}
	}
	return grams
}()

// commonBy has the common texts by their first byte: literals are rated by the ten thousand when rules are prepared.
var commonBy = func() (t [256][]commonText) {
	for _, c := range common {
		t[c.text[0]] = append(t[c.text[0]], c)
	}
	return t
}()

type commonText struct {
	text string
	bits float64
}

// charBits is the surprise of a byte in command lines, paths and registry keys, roughly.
var charBits = func() (t [256]float64) {
	for i := range t {
		t[i] = 9
	}
	for _, g := range []struct {
		chars string
		bits  float64
	}{
		{"e\\ ", 3.2}, {"snirtoac", 4}, {"dlmup-.", 4.7}, {"hfgwx\":/", 5.3}, {"bvyk_0123", 6}, {"45678j9zq=,(){}'", 6.5}, {"$&;%@!<>|*?+[]#~^`", 7.5},
	} {
		for i := range len(g.chars) {
			t[g.chars[i]] = g.bits
		}
	}
	return t
}()

// common are texts that many values have, with the bits that seeing one is worth.
var common = []commonText{
	{".exe", 0.3}, {"c:\\", 0.3}, {"\\windows\\", 0.7}, {"system32", 1}, {"\\program files", 1.5}, {"\\users\\", 1.5}, {"\\appdata\\", 2}, {"\\local\\", 2.5},
	{"\\temp\\", 3}, {"\\tmp\\", 4}, {"microsoft", 1.5}, {"powershell", 2.5}, {"\\powershell.exe", 3}, {"\\cmd.exe", 2.7}, {"cmd.exe", 2.7}, {"svchost", 2}, {".dll", 1}, {"rundll32", 4.5},
	{"http", 4}, {"https://", 4.5}, {" -", 1.5}, {" /", 1.5}, {" /c", 3}, {"\\currentversion\\", 2}, {"software\\", 0.7}, {"hklm", 0.5}, {"hku", 2}, {"\\services\\", 2.5}, {"currentcontrolset", 1.5},
	{"nt authority", 1}, {"system", 0.7}, {"\\device\\", 1}, {"explorer.exe", 3}, {".com", 3}, {".net", 4}, {"true", 1}, {"false", 1}, {"python", 4.5}, {"\\syswow64\\", 3}, {"net", 2.5},
	{"get-", 3}, {"set-", 3.5}, {"new-object", 4}, {"write-", 3}, {"function", 2.5}, {"invoke-", 4}, {"system.", 2}, {"-object", 2.5}, {"import-module", 4}, {"\\", 0.1}, {" ", 0.2}, {".", 0.1},
	{"version", 2}, {"update", 3}, {"install", 3}, {"service", 2}, {"user", 1.5}, {"admin", 3}, {"pass", 4}, {"windows", 0.7}, {"program", 1.2}, {"data", 1.5}, {"config", 3}, {"process", 2}, {"host", 2},
}

// commonInScripts are texts that long values have: their grams are seldom worth a look, but what rules look for is not rated
// by them.
var commonInScripts = []commonText{
	{"name", 2}, {"value", 2.5}, {"type", 2.5}, {"object", 2.5}, {"property", 3}, {"parameter", 3}, {"string", 3}, {"input", 3.5}, {"filter", 4}, {"cmdletization", 3}, {"onedrive", 4},
}
