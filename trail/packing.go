package trail

import (
	"bytes"
	"cmp"
	"regexp"
	"slices"
	"strings"
)

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
	if bytes.Contains(text, []byte("rchive ")) || bytes.Contains(text, []byte("RCHIVE ")) {
		if i := bytes.Index(lower(bytes.Clone(text)), []byte("compress-archive ")); i >= 0 { // also within quotes
			return compressed(wordsOf(text[i+len("compress-archive "):]))
		}
	}
	if p := plainName(base); !packers[p] && !mayPack(text) {
		return nil
	}
	words := wordsOf(text)
	if len(words) < 2 {
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

// packers are told by their names; others by what their first argument is.
var packers = set("gzip bzip2 xz zstd zip makecab tar bsdtar gtar")

// mayPack says whether the second word of a command line is what 7z and rar are told to pack with.
func mayPack(text []byte) bool {
	_, at := nextQuoted(text, 0)
	w, _ := nextQuoted(text, min(at, len(text)))
	return len(w) == 1 && bytes.IndexByte([]byte("aumAUM"), w[0]) >= 0
}

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

// staged lists the archives that were written. A packing program that is told to make volumes names them after the archive of its command line, and that one
// is never there: it gives way to its volumes, and the record of the command stands with the first of them. What was itself seen being written stays.
func (t *teller) staged() {
	type tally struct {
		Staged
		named bool // by a command alone
	}
	all := map[Node]*tally{}
	var order []Node
	for i := range t.kept {
		e := &t.kept[i].edge
		wrote := e.Rel == Wrote && packed(t, e)
		if e.Rel != Packed && !wrote {
			continue
		}
		if all[e.To] == nil {
			r, k := t.ref(e), t.key(e.To)
			all[e.To] = &tally{Staged{Host: k.host, Path: k.value, Time: stamp(e.Time), Refs: []Ref{{r.File, r.Record, Intrusion}}}, true}
			order = append(order, e.To)
		}
		all[e.To].named = all[e.To].named && !wrote
	}
	type place struct{ host, stem string }
	first := map[place]*tally{} // volume that was seen being written
	for _, n := range order {
		if s := all[n]; !s.named {
			if stem, ok := volumeOf(s.Path); ok && first[place{s.Host, stem}] == nil {
				first[place{s.Host, stem}] = s
			}
		}
	}
	for _, n := range order {
		if s := all[n]; s.named {
			if v := first[place{s.Host, stemOf(s.Path)}]; v != nil {
				if !slices.Contains(v.Refs, s.Refs[0]) {
					v.Refs = append(v.Refs, s.Refs[0])
				}
				delete(all, n)
			}
		}
	}
	for _, s := range all {
		t.trail.Staged = append(t.trail.Staged, s.Staged)
	}
	slices.SortFunc(t.trail.Staged, func(a, b Staged) int {
		return cmp.Or(strings.Compare(a.Time, b.Time), strings.Compare(a.Host, b.Host), strings.Compare(a.Path, b.Path))
	})
}

var volume = regexp.MustCompile(`^(.+?)(?:\.(?:7z|zip|rar|tar|tgz|gz))*(?:\.part\d+\.rar|\.\d{3}|\.[zr]\d\d)$`)

// volumeOf gives what a volume's archive is called without its extension.
func volumeOf(path string) (string, bool) {
	m := volume.FindStringSubmatch(path)
	if m == nil {
		return "", false
	}
	return m[1], true
}

var archiveExtension = regexp.MustCompile(`(?:\.(?:7z|zip|rar|tar|tgz|gz))+$`)

func stemOf(path string) string { return archiveExtension.ReplaceAllString(path, "") }
