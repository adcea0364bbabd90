package trail

import "bytes"

// packs finds the archive that a command line makes, by the syntax of the packing programs: a program renamed keeps its switches, and an archive renamed
// keeps its place among them.
//
//	7z, rar    X a [-switches] ARCHIVE FILES…      also u and m
//	tar        X -czf ARCHIVE FILES…, X czf …, X --create --file=ARCHIVE
//	zip        zip [-switches] ARCHIVE FILES…
//	gzip &c.   gzip FILE: FILE.gz
//	makecab    makecab [/switches] FILE ARCHIVE
//	PowerShell Compress-Archive [-Path] FILES [-DestinationPath] ARCHIVE
func packs(base, text []byte) []byte {
	if len(text) > maxMentioning {
		return nil
	}
	words := wordsOf(text)
	for i, w := range words { // wherever it stands: behind sudo, within cmd /c or a script
		f := string(lower(bytes.Clone(w)))
		if f == "compress-archive" {
			return compressed(words[i+1:])
		}
	}
	if len(words) < 3 && !packers[plainName(base)] || len(words) < 2 {
		return nil
	}
	rest := words[1:]
	switch p := plainName(base); p {
	case "gzip", "bzip2", "xz", "zstd":
		for _, w := range rest {
			if w[0] != '-' {
				return append(bytes.Clone(w), "."+map[string]string{"gzip": "gz", "bzip2": "bz2", "xz": "xz", "zstd": "zst"}[p]...)
			}
		}
		return nil
	case "zip":
		return firstPlain(rest)
	case "makecab":
		if plain := plainWords(rest, '/'); len(plain) == 2 {
			return plain[1]
		}
		return nil
	case "tar", "bsdtar", "gtar":
		return tarred(rest)
	}
	switch string(lower(bytes.Clone(rest[0]))) {
	case "a", "u", "m":
		if to := firstPlain(rest[1:]); bytes.ContainsAny(to, `.\/`) {
			return to
		}
	}
	return nil
}

// packers need no second argument to be told.
var packers = set("gzip bzip2 xz zstd")

func plainName(base []byte) string {
	name := string(lower(bytes.Clone(base)))
	if i := bytes.LastIndexByte([]byte(name), '.'); i > 0 && name[i:] == ".exe" {
		name = name[:i]
	}
	return name
}

// wordsOf parts a command line, quoted words whole.
func wordsOf(text []byte) (words [][]byte) {
	for at := 0; at < len(text) && len(words) < 60; {
		var w []byte
		if w, at = nextQuoted(text, at); len(w) > 0 {
			words = append(words, w)
		}
	}
	return words
}

func plainWords(words [][]byte, mark byte) (out [][]byte) {
	for _, w := range words {
		if w[0] != '-' && w[0] != mark {
			out = append(out, w)
		}
	}
	return out
}

func firstPlain(words [][]byte) []byte {
	if all := plainWords(words, '-'); len(all) > 0 {
		return all[0]
	}
	return nil
}

func tarred(words [][]byte) []byte {
	creates, next := false, false
	for i, w := range words {
		switch {
		case next:
			if creates {
				return w
			}
			next = false
		case bytes.HasPrefix(w, []byte("--")):
			creates = creates || string(w) == "--create"
			if to, ok := bytes.CutPrefix(w, []byte("--file=")); ok && creates {
				return to
			}
		case w[0] == '-' || i == 0:
			letters := bytes.TrimPrefix(w, []byte{'-'})
			creates = creates || bytes.IndexByte(letters, 'c') >= 0
			next = bytes.IndexByte(letters, 'f') >= 0
		}
	}
	return nil
}

func compressed(words [][]byte) []byte {
	var plain [][]byte
	for i := 0; i < len(words); i++ {
		switch f := string(lower(bytes.Clone(words[i]))); {
		case f == "-destinationpath" && i+1 < len(words):
			return bytes.Trim(words[i+1], `"'`)
		case f == "-path" || f == "-literalpath" || f == "-compressionlevel":
			if f == "-compressionlevel" {
				i++
			}
		case f[0] == '-':
		default:
			plain = append(plain, words[i])
		}
	}
	if len(plain) >= 2 {
		return bytes.Trim(plain[1], `"'`)
	}
	return nil
}
