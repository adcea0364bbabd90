// Package request names the parts of HTTP requests in server and proxy logs as rules name them.
//
// Values stay as they were logged: nothing is decoded. The corpus of rules means the whole of what was requested by
// cs-uri-query of a web server, path and query; so that field is a list of the query alone and the whole.
package request

import "bytes"

// Adder takes the fields of a row.
type Adder interface {
	Add(name string, value []byte)
}

// Line parts a request line into method, target and version; false when it is none, as when a client spoke another protocol.
func Line(line []byte) (method, target, version []byte, ok bool) {
	i := bytes.IndexByte(line, ' ')
	if i <= 0 || i > 32 {
		return nil, nil, nil, false
	}
	for _, c := range line[:i] {
		if (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && c != '-' && c != '_' {
			return nil, nil, nil, false
		}
	}
	method, target = line[:i], line[i+1:]
	if j := bytes.LastIndexByte(target, ' '); j >= 0 && bytes.HasPrefix(target[j+1:], []byte("HTTP/")) {
		target, version = target[:j], target[j+1:]
	}
	return method, target, version, len(target) > 0
}

// URI is a request's target in parts, as logged.
type URI struct{ Scheme, Host, Port, Path, Query, Local []byte }

// Split parts a target: a path, a URL, or host and port of CONNECT. Local is path and query.
func Split(target []byte) (u URI) {
	rest := target
	if len(target) > 0 && target[0] != '/' {
		i := bytes.Index(target, []byte("://"))
		if q := bytes.IndexAny(target, "/?"); i > 0 && i < 16 && q == i+1 {
			u.Scheme, rest = target[:i], target[i+3:]
			end := bytes.IndexAny(rest, "/?")
			if end < 0 {
				end = len(rest)
			}
			u.Host, u.Port = HostPort(rest[:end])
			rest = rest[end:]
		} else if h, p := HostPort(target); len(p) > 0 && q < 0 {
			u.Host, u.Port, rest = h, p, nil
		}
	}
	u.Local, u.Path = rest, rest
	if i := bytes.IndexByte(rest, '?'); i >= 0 {
		u.Path, u.Query = rest[:i], rest[i+1:]
	}
	return u
}

// HostPort parts host:port, [v6]:port and user@host; the port is nil when there is none.
func HostPort(b []byte) (host, port []byte) {
	if i := bytes.LastIndexByte(b, '@'); i >= 0 {
		b = b[i+1:]
	}
	i := bytes.LastIndexByte(b, ':')
	if i < 0 || !digits(b[i+1:]) {
		return bytes.Trim(b, "[]"), nil
	}
	if bytes.IndexByte(b[:i], ':') >= 0 && (len(b) == 0 || b[0] != '[') { // a bare IPv6 address
		return b, nil
	}
	return bytes.Trim(b[:i], "[]"), b[i+1:]
}

func digits(b []byte) bool {
	for _, c := range b {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(b) > 0
}

// Extension gives what stands behind the last point of a path's last part.
func Extension(path []byte) []byte {
	path = path[bytes.LastIndexByte(path, '/')+1:]
	if i := bytes.IndexByte(path, ';'); i >= 0 {
		path = path[:i]
	}
	if i := bytes.LastIndexByte(path, '.'); i >= 0 && len(path)-i <= 16 {
		return path[i+1:]
	}
	return nil
}

// Webserver adds the fields of a target as rules for web servers name them: cs-uri, cs-uri-stem, cs-uri-query; and cs-host
// when the target has a host.
func Webserver(to Adder, target []byte) {
	u := Split(target)
	to.Add("cs-uri", target)
	Stem(to, "cs-uri-stem", u.Path)
	if len(u.Query) > 0 {
		to.Add("cs-uri-query", u.Query)
	}
	to.Add("cs-uri-query", target)
	if len(u.Host) > 0 {
		to.Add("cs-host", u.Host)
	}
}

// Stem adds a path when there is one.
func Stem(to Adder, field string, path []byte) {
	if len(path) > 0 {
		to.Add(field, path)
	}
}

// Proxy adds the fields of a URL that a client asked of a proxy: c-uri whole, cs-uri whole and without its host, the parts of
// both families of names, cs-host and r-dns. A host that is given, because the log names it besides, wins.
func Proxy(to Adder, url, host []byte) {
	u := Split(url)
	to.Add("c-uri", url)
	to.Add("cs-uri", url)
	if len(u.Host) > 0 && len(u.Local) > 0 {
		to.Add("cs-uri", u.Local)
	}
	for _, family := range [...]struct{ stem, query, extension, scheme string }{
		{"c-uri-stem", "c-uri-query", "c-uri-extension", ""}, {"cs-uri-stem", "cs-uri-query", "cs-uri-extension", "cs-uri-scheme"}} {
		Stem(to, family.stem, u.Path)
		Stem(to, family.query, u.Query)
		Stem(to, family.extension, Extension(u.Path))
		if family.scheme != "" {
			Stem(to, family.scheme, u.Scheme)
		}
	}
	if len(host) == 0 {
		host = u.Host
	}
	Stem(to, "cs-host", host)
	Stem(to, "r-dns", host)
	Stem(to, "cs-uri-port", u.Port)
}
