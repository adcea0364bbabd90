package trail

import "bytes"

// named finds what administration programs name by their own syntax: the service of sc.exe, the task of schtasks, the host of wmic or
// mstsc, the account of net user. The words are the programs' documented ones.
func named(base, text []byte, say func(kind Kind, host, value []byte)) {
	p := string(lower(bytes.Clone(base)))
	if i := bytes.IndexByte([]byte(p), '.'); i > 0 {
		p = p[:i]
	}
	switch p {
	case "ssh", "scp", "sftp", "rsync", "plink", "pscp":
		for _, w := range wordsOf(text) {
			if user, host, ok := bytes.Cut(w, []byte{'@'}); ok && len(user) > 0 && bytes.IndexByte(user, '/') < 0 {
				host, _, _ = bytes.Cut(host, []byte{':'})
				say(Session, lower(bytes.Clone(host)), lower(bytes.Clone(user)))
			}
		}
		return
	case "sc", "schtasks", "wmic", "mstsc", "net", "net1", "psexec", "winrs", "at":
		if user := asUser(text); len(user) > 0 {
			say(Session, nil, user)
		}
	default:
		return
	}
	var words [][]byte
	for at := 0; at < len(text) && len(words) < 40; {
		var w []byte
		if w, at = nextQuoted(text, at); len(w) > 0 {
			words = append(words, w)
		}
	}
	for i, w := range words {
		f := string(lower(bytes.Clone(w)))
		next := func(n int) []byte {
			if i+n < len(words) {
				return bytes.Clone(words[i+n])
			}
			return nil
		}
		switch p {
		case "sc":
			switch f {
			case "create", "start", "stop", "config", "delete", "failure":
				var host []byte
				if i > 0 && bytes.HasPrefix(words[i-1], []byte(`\\`)) {
					host = shortHost(bytes.Clone(words[i-1]))
				}
				say(Service, host, lower(next(1)))
				return
			}
		case "schtasks":
			if f == "/tn" {
				name := lower(next(1))
				if len(name) > 0 && name[0] != '\\' {
					name = append([]byte{'\\'}, name...)
				}
				say(Task, nil, name)
			}
			if f == "/s" {
				say(Pair, nil, shortHost(next(1)))
			}
		case "wmic":
			if v, ok := bytes.CutPrefix([]byte(f), []byte("/node:")); ok {
				say(Pair, nil, shortHost(bytes.Trim(v, `"'`)))
			}
		case "mstsc":
			if v, ok := bytes.CutPrefix([]byte(f), []byte("/v:")); ok {
				say(Pair, nil, shortHost(v))
			}
		case "winrs":
			if v, ok := bytes.CutPrefix([]byte(f), []byte("-r:")); ok {
				say(Pair, nil, shortHost(v))
			}
		case "net", "net1":
			if f == "user" && bytes.Contains(lower(bytes.Clone(text)), []byte("/add")) {
				say(Account, nil, next(1))
			}
		}
	}
}

// asUser gives the account as whom a program of Windows is told to act elsewhere: /user:DOMAIN\NAME, -u:NAME, /u NAME.
func asUser(text []byte) []byte {
	words := wordsOf(text)
	for i, w := range words {
		f := lower(bytes.Clone(w))
		for _, s := range []string{"/user:", "-u:", "-username:", "/u:"} {
			if v, ok := bytes.CutPrefix(f, []byte(s)); ok && len(v) > 0 {
				return accountName(bytes.Trim(v, `"`))
			}
		}
		if (string(f) == "/u" || string(f) == "-u") && i+1 < len(words) {
			return accountName(bytes.Clone(words[i+1]))
		}
	}
	return nil
}

// nextQuoted is nextWord for whole quoted words, blanks included.
func nextQuoted(text []byte, at int) ([]byte, int) {
	for at < len(text) && (text[at] == ' ' || text[at] == '\t') {
		at++
	}
	if at < len(text) && text[at] == '"' {
		if i := bytes.IndexByte(text[at+1:], '"'); i >= 0 {
			return text[at+1 : at+1+i], at + i + 2
		}
		return nil, len(text)
	}
	end := at
	for end < len(text) && text[end] != ' ' && text[end] != '\t' {
		end++
	}
	return text[at:end], max(end, at+1)
}
