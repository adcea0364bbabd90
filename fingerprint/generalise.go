package fingerprint

import (
	"strings"
	"unicode"
)

// Template generalises a command line: what varies from victim to victim – paths' folders, addresses, names, digests, numbers, quoted
// text, long encoded text – becomes *, what is the intruder's habit – program, switches, verbs, kinds of files – stays. Words for which
// private is true become * as well. The result is "" when too little would be left to tell it from other command lines.
//
// Templates are compared without regard to case, as Sigma does.
func Template(line string, private func(word string) bool) string {
	words := wholeProgram(commandWords(line))
	if len(words) == 0 {
		return ""
	}
	var out []string
	kept := 0
	for i, w := range words {
		t := generalWord(w, i == 0, private)
		if before := strings.ToLower(words[max(i-1, 0)]); i > 0 && !isSwitch(w) && (namesAccount[before] || madeUp[before]) {
			t = "*"
		}
		if secret, ok := gluedSecret(words, w); ok && i > 0 {
			t = secret
		}
		if t == "*" && len(out) > 0 && out[len(out)-1] == "*" {
			continue
		}
		if i > 0 {
			kept += literal(t)
		}
		out = append(out, t)
	}
	text := strings.Join(out, " ")
	if len(text) > maxValue {
		text = strings.ToValidUTF8(text[:maxValue-1], "") + "*"
	}
	// A program's name alone is no habit.
	if kept < 4 || literal(text) < 8 {
		return ""
	}
	return text
}

// namesAccount are switches after which an account is named, or an account with its password: the victim's, whoever runs the program.
var namesAccount = words(`-l -u -user --user -username --username -login --login /u /user`)

// madeUp are switches after which a password or a name stands that whoever types it makes up.
var madeUp = words(`-p -k -pw -pass --pass -password --password -passin -passout /p /pass /password /transfer /tn /name /job`)

// gluedSecret finds what stands without a blank behind its switch and is somebody's own: -hpPASSWORD and -pPASSWORD of programs that pack, -uNAME and -pPASSWORD of
// MySQL's.
func gluedSecret(words []string, w string) (general string, ok bool) {
	if len(w) > 3 && strings.HasPrefix(w, "-hp") {
		return "-hp*", true
	}
	program := strings.ToLower(baseName(strings.Trim(words[0], `"'`)))
	packs := len(words) > 2 && (words[1] == "a" || words[1] == "u" || words[1] == "m" || words[1] == "x")
	if len(w) > 2 && strings.HasPrefix(w, "-p") && !strings.HasPrefix(w, "-p=") && (packs || strings.HasPrefix(program, "mysql")) {
		return "-p*", true
	}
	if len(w) > 2 && strings.HasPrefix(w, "-u") && strings.HasPrefix(program, "mysql") {
		return "-u*", true
	}
	return "", false
}

// namedBy are switches that carry a made-up name behind a colon or an equals sign.
var namedBy = words(`/name /tn /job /jobname -name --name`)

// wholeProgram joins a program's path that has spaces and no quotes: C:\Program Files\x\y.exe.
func wholeProgram(words []string) []string {
	const most = 6
	if len(words) < 2 || !strings.Contains(words[0], `\`) || strings.Contains(baseName(words[0]), ".") || strings.HasPrefix(words[0], `"`) {
		return words
	}
	for i := 1; i < min(len(words), most); i++ {
		if strings.HasSuffix(strings.ToLower(words[i]), ".exe") {
			return append([]string{strings.Join(words[:i+1], " ")}, words[i+1:]...)
		}
	}
	return words
}

// commandWords cuts a command line at spaces outside double quotes. Quotes stay, because they tell text from verbs.
func commandWords(line string) []string {
	var out []string
	var word strings.Builder
	quoted := false
	for _, r := range strings.ToValidUTF8(line, "?") {
		if r == '"' {
			quoted = !quoted
		}
		if unicode.IsSpace(r) && !quoted || unicode.IsControl(r) {
			if word.Len() > 0 {
				out = append(out, word.String())
				word.Reset()
			}
			continue
		}
		word.WriteRune(r)
	}
	if word.Len() > 0 {
		out = append(out, word.String())
	}
	return out
}

func generalWord(w string, program bool, private func(string) bool) string {
	bare := strings.Trim(w, `"'`)
	if program {
		name := bare[strings.LastIndexAny(bare, `\/`)+1:]
		if name == "" || varies(name) || private != nil && private(name) {
			return "*"
		}
		return "*" + escapeStars(name) + "*"
	}
	if private != nil && private(bare) {
		// A switch may carry something private: -pNAME, /user:NAME.
		if i := strings.IndexAny(bare, ":="); i > 1 && i < 24 && isSwitch(bare) && !private(bare[:i]) {
			return escapeStars(bare[:i+1]) + "*"
		}
		if ending := fileEnding(bare); ending != "" && !private(ending[1:]) {
			return "*" + ending
		}
		return "*"
	}
	if isSwitch(bare) {
		if i := strings.IndexAny(bare, ":="); i > 0 && i+1 < len(bare) {
			if low := strings.ToLower(bare[:i]); namedBy[low] || madeUp[low] {
				return escapeStars(bare[:i+1]) + "*"
			}
			return escapeStars(bare[:i+1]) + generalValue(bare[i+1:])
		}
		if varies(bare[1:]) {
			return escapeStars(bare[:1]) + "*"
		}
		return escapeStars(bare)
	}
	return generalValue(w)
}

// isSwitch says whether a word is an option: -x, --long, /x. Paths below / are none.
func isSwitch(w string) bool {
	if len(w) < 2 || w[0] != '-' && w[0] != '/' {
		return false
	}
	return w[0] == '-' || !strings.Contains(w[1:], "/") && len(w) < 32
}

func generalValue(v string) string {
	bare := strings.Trim(v, `"'`)
	if i := strings.LastIndexAny(bare, `\/`); i >= 0 {
		if strings.Contains(bare, "://") {
			return "*"
		}
		return "*" + fileEnding(bare[i+1:])
	}
	if strings.ContainsAny(v, `"'`) && strings.ContainsAny(bare, " ") {
		return "*"
	}
	if varies(bare) || numbered(bare) {
		return "*" + fileEnding(bare)
	}
	return escapeStars(bare)
}

// numbered says whether a word is a letter with a number, as jobs and shares are called: j70.
func numbered(w string) bool {
	return len(w) >= 2 && len(w) <= 4 && unicode.IsLetter(rune(w[0])) && allDigits(w[1:])
}

// fileEnding keeps the kind of a file: .dmp, .7z.
func fileEnding(name string) string {
	e := extension(name)
	if len(e) < 2 || len(e) > 6 || strings.IndexFunc(e[1:], func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '7' || r == '1' || r == '3' || r == '4')
	}) >= 0 {
		return ""
	}
	if topLevel[strings.ToLower(e[1:])] || strings.ContainsRune(name, '@') || strings.IndexFunc(e, unicode.IsLetter) < 0 {
		return ""
	}
	return e
}

// topLevel are endings of names rather than of files.
var topLevel = map[string]bool{"com": true, "net": true, "org": true, "info": true, "local": true, "corp": true, "lan": true, "int": true, "example": true, "test": true, "biz": true}

// varies says whether a word looks like something that is made anew each time: numbers, addresses, names with dots or at signs, digests,
// encoded text.
func varies(w string) bool {
	digits, letters, upper, lower := 0, 0, 0, 0
	for _, r := range w {
		switch {
		case unicode.IsDigit(r):
			digits++
		case unicode.IsUpper(r):
			letters++
			upper++
		case unicode.IsLetter(r):
			letters++
			lower++
		}
	}
	switch {
	case digits >= 3, len(w) > 40, strings.ContainsAny(w, "@{}"), letters == 0 && digits > 0:
		return true
	case strings.Count(w, ".") >= 2, strings.Count(w, ".") == 1 && !strings.HasSuffix(strings.ToLower(w), ".exe") && extension(w) != "":
		return true
	case strings.HasPrefix(w, "*"), len(w) >= 16 && digits > 0 && upper > 0 && lower > 0:
		return true
	}
	return false
}

// escapeStars makes wildcards of a command line literal, so that they are not taken for ours.
func escapeStars(s string) string { return strings.NewReplacer(`*`, "", `?`, "").Replace(s) }
