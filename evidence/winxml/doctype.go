package winxml

import "bytes"

// maxDoctype bounds a document type declaration. None that a program writes is near.
const maxDoctype = 1 << 20

var doctypeOpen = []byte("<!DOCTYPE")

// doctypeEnd gives the end of the declaration that data begins with, -1 when it is not in the text. What it declares is passed over: an event in the text
// of an entity is none.
func doctypeEnd(data []byte) int {
	depth := 0
	for at := len(doctypeOpen); at < len(data); {
		rest, n := data[at:], 1
		switch c := rest[0]; {
		case c == '>' && depth == 0:
			return at + 1
		case c == '[':
			depth++
		case c == ']':
			depth = max(0, depth-1)
		case c == '"' || c == '\'':
			if n = bytes.IndexByte(rest[1:], c) + 2; n < 2 {
				return -1
			}
		case bytes.HasPrefix(rest, commentOpen):
			n = after(rest, commentClose)
		case bytes.HasPrefix(rest, []byte("<?")):
			n = after(rest, []byte("?>"))
		}
		if n < 0 {
			return -1
		}
		at += n
	}
	return -1
}

// declares says whether a declaration can make text mean something else than is written: it has entities, or lies elsewhere.
func declares(doctype []byte) bool {
	name, _, _ := bytes.Cut(doctype, []byte("["))
	return bytes.Contains(doctype, []byte("<!ENTITY")) || bytes.Contains(name, []byte("SYSTEM")) || bytes.Contains(name, []byte("PUBLIC"))
}

// ofEvents says whether a declaration whose end is not in sight is that of events, by the root element it names.
func ofEvents(doctype []byte) bool {
	root := bytes.Fields(doctype[len(doctypeOpen):])
	return len(root) > 0 && (string(local(root[0])) == "Events" || string(local(root[0])) == "Event")
}
