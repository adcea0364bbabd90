package trail

import (
	"bytes"
	"net/netip"
)

// cleanPath brings the forms in which logs write one file's path together: lower case, without \??\ and the device prefix, and an
// administrative share of the host itself as the folder that it is.
func cleanPath(p []byte) []byte {
	p = lower(bytes.Trim(bytes.Clone(p), "\"' \t\r\n"))
	p = bytes.TrimPrefix(p, []byte(`\??\`))
	p = bytes.TrimPrefix(p, []byte(`\\?\`))
	if v, ok := bytes.CutPrefix(p, []byte(`\device\harddiskvolume`)); ok {
		if i := bytes.IndexByte(v, '\\'); i >= 0 {
			p = append([]byte("c:"), v[i:]...)
		}
	}
	for _, own := range []string{`\\127.0.0.1\`, `\\localhost\`, `\\*\`} {
		if v, ok := bytes.CutPrefix(p, []byte(own)); ok {
			p = localShare(v)
		}
	}
	for _, env := range []struct{ name, path string }{{"%systemroot%", `c:\windows`}, {"%windir%", `c:\windows`}, {`\systemroot`, `c:\windows`}, {"%comspec%", `c:\windows\system32\cmd.exe`}, {"%programdata%", `c:\programdata`}, {"%systemdrive%", "c:"}} {
		if v, ok := bytes.CutPrefix(p, []byte(env.name)); ok {
			p = append([]byte(env.path), v...)
		}
	}
	if v, ok := bytes.CutPrefix(p, []byte(`system32\`)); ok {
		p = append([]byte(`c:\windows\system32\`), v...)
	}
	return bytes.TrimRight(p, `\`)
}

// localShare turns "admin$\x" and "c$\x" into paths.
func localShare(p []byte) []byte {
	share, rest, _ := bytes.Cut(p, []byte{'\\'})
	switch {
	case string(share) == "admin$":
		return append([]byte(`c:\windows\`), rest...)
	case len(share) == 2 && share[1] == '$':
		return append([]byte{share[0], ':', '\\'}, rest...)
	}
	return append([]byte(`\\*\`), p...)
}

func baseName(p []byte) []byte {
	if i := bytes.LastIndexAny(p, `\/`); i >= 0 {
		return p[i+1:]
	}
	return p
}

// program gives the path of the program that a command line begins with: quoted, or up to a name that ends like a program, or the first word.
func program(command []byte) []byte {
	c := bytes.TrimSpace(command)
	if len(c) > 0 && c[0] == '"' {
		if i := bytes.IndexByte(c[1:], '"'); i >= 0 {
			return c[1 : i+1]
		}
	}
	folded := lower(bytes.Clone(c))
	for _, ext := range []string{".exe", ".sys", ".dll", ".bat", ".cmd", ".ps1", ".com"} {
		if i := bytes.Index(folded, []byte(ext)); i >= 0 {
			end := i + len(ext)
			if end == len(c) || c[end] == ' ' || c[end] == '"' || c[end] == ',' {
				return c[:end]
			}
		}
	}
	w, _, _ := bytes.Cut(c, []byte{' '})
	return w
}

// mention is something that a text speaks of.
type mention struct {
	kind  Kind
	host  []byte // of a file on another host
	value []byte
}

// maxMentions bounds what is taken from one text, and maxMentioning the text that is looked at.
const (
	maxMentions   = 24
	maxMentioning = 16 << 10
)

// mentions finds paths, UNC paths, URLs, names of registry keys and user@host targets in a command line or script. Words are parted as a
// shell would; nothing is evaluated.
func mentions(text []byte, say func(m mention)) {
	text = text[:min(len(text), maxMentioning)]
	n := 0
	for at := 0; at < len(text) && n < maxMentions; {
		word, next := nextWord(text, at)
		at = next
		m, ok := mentionOf(word)
		if !ok && len(word) > 2 {
			if i := bytes.IndexAny(word, "=:"); i > 0 && i+1 < len(word) { // name=value, /tr:value
				m, ok = mentionOf(bytes.TrimLeft(word[i+1:], "@")) // curl -F name=@file
			}
			if i := bytes.IndexByte(word, '@'); !ok && i > 0 && bytes.IndexByte(word[i:], '.') > 0 && word[0] != '-' && bytes.IndexByte(word, '\\') < 0 {
				host, _, _ := bytes.Cut(word[i+1:], []byte{':'}) // user@host:path
				if m, ok = addressMention(host); !ok {
					m, ok = mention{kind: Name, value: host}, true
				}
			}
		}
		if ok {
			n++
			say(m)
		}
	}
}

// nextWord gives the word at or after a place: up to a blank, or within quotes.
func nextWord(text []byte, at int) (word []byte, next int) {
	for at < len(text) && (text[at] == ' ' || text[at] == '\t' || text[at] == '\r' || text[at] == '\n' || text[at] == '(' || text[at] == ';') {
		at++
	}
	if at < len(text) && (text[at] == '"' || text[at] == '\'') {
		if i := bytes.IndexByte(text[at+1:], text[at]); i >= 0 {
			inner := text[at+1 : at+1+i]
			if bytes.IndexByte(inner, ' ') < 0 || isPath(inner) && bytes.IndexByte(inner, '"') < 0 {
				return inner, at + i + 2
			}
			return nil, at + 1 // a command within quotes: its words count
		}
		at++
	}
	end := at
	for end < len(text) && !bytes.ContainsRune([]byte(" \t\r\n\"';,)|<>"), rune(text[end])) {
		end++
	}
	return text[at:end], max(end, at+1)
}

func isPath(w []byte) bool {
	return len(w) > 3 && w[1] == ':' && (w[2] == '\\' || w[2] == '/') && (w[0]|0x20 >= 'a' && w[0]|0x20 <= 'z') || bytes.HasPrefix(w, []byte(`\\`))
}

func mentionOf(w []byte) (m mention, ok bool) {
	switch {
	case bytes.HasPrefix(w, []byte("http://")) || bytes.HasPrefix(w, []byte("https://")) || bytes.HasPrefix(w, []byte("ftp://")):
		_, rest, _ := bytes.Cut(w, []byte("://"))
		host := rest
		if i := bytes.IndexAny(rest, "/:?"); i >= 0 {
			host = rest[:i]
		}
		if a := plainAddress(bytes.Clone(host)); len(a) > 0 {
			return mention{kind: Address, value: a}, true
		}
		return mention{kind: Name, value: lower(bytes.Clone(host))}, len(host) > 3
	case bytes.HasPrefix(w, []byte(`\\`)) && len(w) > 4:
		server, rest, has := bytes.Cut(w[2:], []byte{'\\'})
		if !has || len(server) == 0 || server[0] == '.' || server[0] == '?' {
			return m, false
		}
		switch string(lower(bytes.Clone(server))) {
		case "127.0.0.1", "localhost":
			return mention{kind: File, value: cleanPath(w)}, true
		}
		return mention{kind: File, host: shortHost(bytes.Clone(server)), value: localShare(lower(bytes.Clone(rest)))}, true
	case isPath(w):
		p := cleanPath(w)
		if i := bytes.IndexByte(p, '*'); i > 0 {
			if _, ok := unpackedFrom(p[:i]); !ok {
				return m, false
			}
			p = bytes.TrimRight(p[:i], `\`) // what lay in an archive
		}
		return mention{kind: File, value: p}, len(p) > 3
	case len(w) > 2 && w[0] == '/' && bytes.Count(w, []byte{'/'}) >= 2 && w[1] != '/':
		return mention{kind: File, value: bytes.Clone(w)}, true
	}
	return addressMention(w)
}

// addressMention reads an IPv4 address, with a port or not. Four numbers may also be a version; those begin low and end in nothing that a host has.
func addressMention(w []byte) (m mention, ok bool) {
	host, _, _ := bytes.Cut(w, []byte{':'})
	if ip, err := netip.ParseAddr(string(host)); err != nil || !ip.Is4() || ip.As4()[3] == 0 {
		return m, false
	}
	a := plainAddress(bytes.Clone(host))
	return mention{kind: Address, value: a}, len(a) > 0
}
