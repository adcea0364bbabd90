package trail

import (
	"bytes"
)

// Constructors of mail: what servers say of messages, and what mail clients, browsers and archives left of them on hosts.

// mailSeen joins what a line of a mail log tells: the message under the server's number and under its sender's, from whom and whence it
// came, who got it, and what hung on it. A message has several lines, each with a part.
func mailSeen(r *row) {
	var m Node
	if id := bytes.Trim(bytes.Clone(r.get("message_id")), "<> "); len(id) > 0 {
		m = r.node(Mail, nil, id)
	}
	if q := r.get("queue_id"); len(q) > 0 {
		own := r.node(Mail, r.host, q)
		r.edge(own, SameMail, m)
		m = own
	}
	if m == noNode {
		if m = r.node(Mail, nil, r.unnamedMail()); m == noNode {
			return
		}
	}
	if from := mailAddress(r.get("from")); len(from) > 0 && bytes.IndexByte(from, '@') > 0 {
		r.edge(r.node(Mailbox, nil, from), SentMail, m)
	}
	r.each("to", func(_ int, v []byte) {
		for one := range bytes.FieldsFuncSeq(v, func(c rune) bool { return c == ';' || c == ',' || c == ' ' }) {
			if to := mailAddress(one); bytes.IndexByte(to, '@') > 0 {
				r.edge(r.account(to), Received, m)
			}
		}
	})
	from := bytes.Clone(r.get("client"))
	if i := bytes.IndexByte(from, '['); i >= 0 { // name[192.0.2.1]:25
		from, _, _ = bytes.Cut(from[i+1:], []byte{']'})
	}
	if len(r.get("relay")) == 0 || len(r.get("from")) > 0 { // else it is where the message went
		r.edge(r.address(from), Requested, m)
	}
	r.each("attachment", func(_ int, v []byte) {
		for one := range bytes.FieldsFuncSeq(v, func(c rune) bool { return c == ';' || c == ',' || c == '|' }) {
			r.edge(m, Carried, r.attachment(bytes.Trim(one, `"'<> `)))
		}
	})
	r.each("hash", func(_ int, v []byte) {
		if h := lower(v); len(h) == 64 {
			r.edge(m, HasHash, r.node(Hash, nil, h))
		}
	})
	if u := r.get("uid"); len(u) > 0 {
		r.edge(m, SameMail, r.node(Mail, []byte("zeek"), u))
	}
}

// unnamedMail is a message of a log that numbers none: by sender, recipient and minute.
func (r *row) unnamedMail() []byte {
	from, to := mailAddress(r.get("from")), mailAddress(r.get("to"))
	if len(from) == 0 || len(to) == 0 {
		return nil
	}
	return append(append(append(append(from, " to "...), to...), " at "...), stamp(r.time-r.time%(60*second))...)
}

func mailAddress(b []byte) []byte {
	b = bytes.Clone(b)
	if i := bytes.IndexByte(b, '<'); i >= 0 {
		b = b[i+1:]
	}
	b, _, _ = bytes.Cut(b, []byte{'>'})
	return lower(bytes.Trim(b, `"' `))
}

// attachment is the name of a file that travels, wherever it is laid.
func (r *row) attachment(name []byte) Node {
	name = lower(bytes.TrimSpace(bytes.Clone(baseName(name))))
	if i := bytes.LastIndexByte(name, '.'); i <= 0 || i == len(name)-1 || len(name) > 255 {
		return noNode // no name, or one without an ending
	}
	return r.node(Attachment, nil, name)
}

// received notes that a file lies where mail clients, browsers and archives lay what people receive, and to whom it came.
func (r *row) received(f Node, path []byte) {
	name, user, ok := receivedFile(path)
	if !ok || f == noNode {
		return
	}
	if isContainer(name) {
		r.edge(f, Opened, r.node(Pair, nil, append([]byte(containersMark), r.host...)))
	}
	if archive, ok := unpackedFrom(path); ok {
		r.once(f, SavedAs, r.attachment(archive))
	}
	r.once(f, SavedAs, r.attachment(name))
	if len(user) == 0 {
		return
	}
	r.once(f, AddressedTo, r.account(bytes.Clone(user)))
	if short, _, dotted := bytes.Cut(user, []byte{'.'}); dotted && len(short) > 1 { // name.DOMAIN, or a name with a dot
		r.once(f, AddressedTo, r.account(short))
	}
}

// receiving are the folders in which clients lay what people receive.
var receiving = [][]byte{[]byte(`\content.outlook\`), []byte(`\olk\attachments\`), []byte(`\downloads\`), []byte(`/downloads/`), []byte(`\appdata\local\temp\`), []byte(`\inetcache\`), []byte(`\temporary internet files\`),
	[]byte(`\microsoft\office\recent\`), []byte(`\microsoft\windows\recent\`), []byte(`\localstate\files\`), []byte(`/.thunderbird/`), []byte(`/.cache/mozilla`), []byte(`\desktop\`), []byte(`\documents\`)}

var homes = []string{`c:\users\`, "/home/", `c:\documents and settings\`}

// receivedFile gives name and owner of a file in a folder for what people receive. Clients put a number in parentheses behind a name that
// is taken; the name before it is meant.
func receivedFile(path []byte) (name, user []byte, ok bool) {
	for _, part := range receiving {
		if bytes.Contains(path, part) {
			ok = true
			break
		}
	}
	if !ok {
		return nil, nil, false
	}
	name = bytes.TrimSuffix(bytes.Clone(baseName(path)), []byte(".lnk"))
	name, _, _ = bytes.Cut(name, []byte{':'}) // name:Zone.Identifier
	if i := bytes.LastIndexByte(name, '.'); i > 3 && name[i-1] == ')' {
		if j := bytes.LastIndexByte(name[:i], '('); j > 0 && i-j <= 5 {
			name = append(bytes.TrimRight(bytes.Clone(name[:j]), " "), name[i:]...)
		}
	}
	for _, home := range homes {
		if rest, found := bytes.CutPrefix(path, []byte(home)); found {
			if i := bytes.IndexAny(rest, `\/`); i > 0 {
				user = bytes.Clone(rest[:i])
			}
		}
	}
	return name, user, true
}

// unpackedFrom gives the name of the archive in whose temporary folder a path lies, as Windows names it: Temp1_NAME.zip.
func unpackedFrom(path []byte) ([]byte, bool) {
	for part := range bytes.FieldsFuncSeq(path, func(c rune) bool { return c == '\\' || c == '/' }) {
		rest, ok := bytes.CutPrefix(part, []byte("temp"))
		if !ok {
			continue
		}
		i := bytes.IndexByte(rest, '_')
		if i < 1 || i > 3 || !isDigits(rest[:i]) || !bytes.Contains(rest[i+1:], []byte{'.'}) {
			continue
		}
		return rest[i+1:], true
	}
	return nil, false
}

func isDigits(b []byte) bool {
	for _, c := range b {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(b) > 0
}

// mailedFile joins a file that Zeek saw within a message to the message.
func (r *row) mailedFile() {
	if !bytes.EqualFold(r.get("source"), []byte("SMTP")) {
		return
	}
	m := r.node(Mail, []byte("zeek"), r.get("uid"))
	r.edge(m, Carried, r.attachment(r.get("filename")))
	if h := lower(bytes.Clone(r.get("sha256"))); len(h) == 64 {
		r.edge(m, HasHash, r.node(Hash, nil, h))
	}
}
