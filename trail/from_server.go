package trail

import (
	"bytes"
)

// Constructors of what servers tell: requests to web servers and through proxies, statements to databases.

// webServer is the service that requests reach; it stands for the process that answers them, which the web log does not name.
func (r *row) webServer() Node { return r.node(Service, r.serverName(), []byte(webServerName)) }

const webServerName = "(web server)"

// serverName is the host of a server's log: the one that the log names, else the address at which the server says it was asked.
func (r *row) serverName() []byte {
	if !inFolder(r.host) {
		return r.host
	}
	if ip := plainAddress(bytes.Clone(r.get("s-ip"))); len(ip) > 0 {
		return ip
	}
	return r.host
}

func webRequest(r *row) {
	src := plainAddress(bytes.Clone(r.get("c-ip")))
	from := r.node(Address, nil, src)
	if r.b.Schema.Source.Category != "webserver" {
		proxied(r, from)
		return
	}
	path := stem(r.get("cs-uri-stem"))
	u := r.node(URL, r.serverName(), path)
	if refused(r.get("sc-status")) {
		r.edge(from, Probed, u)
		return
	}
	asks := Requested
	if m := r.get("cs-method"); bytes.EqualFold(m, []byte("POST")) || bytes.EqualFold(m, []byte("PUT")) {
		asks = Posted
	}
	r.edge(from, asks, u)
	r.edge(from, asks, r.webServer())
	name := pageName(path)
	if n, ok := number(r.get("sc-bytes")); len(name) == 0 && ok && n >= manyBytes { // somebody's collection, under whatever name
		name = lower(bytes.Clone(baseName(path)))
	}
	if len(name) > 0 {
		r.once(u, Serves, r.node(Page, nil, name))
	}
}

// manyBytes is from which size on an answer may be what was staged for fetching.
const manyBytes = 1 << 20

// refused says whether a server had nothing for a request: it was not there, or not allowed. What a server fails at may have worked.
func refused(status []byte) bool {
	switch string(status) {
	case "400", "401", "403", "404", "405", "410":
		return true
	}
	return false
}

// pageName is the name of a page that a server executes, "" for other paths.
func pageName(path []byte) []byte {
	i := bytes.LastIndexByte(path, '.')
	if i <= 0 || len(path)-i > 6 || bytes.ContainsAny(path[i:], `/\`) {
		return nil
	}
	if name := lower(bytes.Clone(baseName(path))); pages[string(name[len(name)-(len(path)-i):])] {
		return name
	}
	return nil
}

// pages are the endings of what a server executes when it is asked for.
var pages = set(".aspx .ashx .asmx .asp .jsp .jspx .jspf .php .php5 .phtml .phar .cfm .cfml .cgi .pl .do .war")

func proxied(r *row, from Node) {
	host := lower(bytes.Clone(r.get("cs-host")))
	if uri := r.get("cs-uri"); len(host) == 0 && len(uri) > 0 {
		if _, rest, ok := bytes.Cut(uri, []byte("://")); ok {
			uri = rest
		}
		host, _, _ = bytes.Cut(lower(bytes.Clone(uri)), []byte{'/'})
	}
	if i := bytes.LastIndexByte(host, ':'); i > 0 && bytes.Count(host, []byte{':'}) == 1 {
		host = host[:i]
	}
	to := r.address(bytes.Clone(host))
	if to == noNode {
		to = r.node(Name, nil, host)
	}
	r.edge(from, Resolved, to)
	r.sent(from, to, r.get("cs-bytes"))
	r.edge(to, Answered, r.address(bytes.Clone(r.get("r-ip"))))
	if user := accountName(bytes.Clone(r.get("cs-username"))); len(user) > 0 {
		r.edge(r.userPair(user, append([]byte("via "), host...)), Resolved, to)
	}
}

// serverStarts notes that a server that answers requests started a program: the request that made it do so stands in the server's log.
func (r *row) serverStarts(parent, image []byte, p Node) {
	if name := string(baseName(cleanPath(parent))); servers[name] && !remoteTools[name] && shells[string(baseName(cleanPath(image)))] {
		r.edge(r.node(Service, r.host, []byte(webServerName)), Started, p)
	}
}

// databaseSession gives the session of a statement: by the number that the database gives, else by who asked from where.
func databaseQuery(r *row) {
	user := accountName(bytes.Clone(r.get("user")))
	ip := plainAddress(bytes.Clone(r.get("client_ip")))
	if ip == nil {
		ip = plainAddress(bytes.Clone(r.get("src_ip")))
	}
	q := r.node(Query, r.serverName(), bytes.TrimSpace(r.get("statement")))
	if len(user) == 0 {
		r.edge(r.node(Address, nil, ip), Queried, q)
		return
	}
	id := append(append([]byte("database "), user...), append([]byte(" from "), ip...)...)
	if v := r.get("session"); len(v) > 0 {
		id = append(append(id, ' '), v...)
	}
	s := r.node(Session, r.serverName(), id)
	r.counted(s, OfAccount, r.node(Account, nil, user), databaseLogon)
	place := ip
	if len(place) == 0 {
		place = r.serverName() // asked on the server itself
	} else {
		r.edge(r.pair(ip, r.serverName()), LoggedOn, s)
		r.edge(r.node(Address, nil, ip), LoggedOn, s)
	}
	r.edge(r.databaseUser(user, place), LoggedOn, s)
	r.edge(s, Queried, q)
}

// databaseUser joins a database's word on who asked from where with the client program's command line.
func (r *row) databaseUser(user, place []byte) Node {
	return r.node(Pair, nil, userAt(append([]byte("database "), user...), '@', place))
}

// anything reads a row of a table or of a device that no other constructor knows, by the names of its fields.
func anything(r *row) {
	switch {
	case len(r.get("from")) > 0 && len(r.get("to")) > 0 && bytes.IndexByte(r.get("from"), '@') > 0:
		mailSeen(r)
	case len(r.get("statement")) > 0 && len(r.get("user")) > 0:
		databaseQuery(r)
	default:
		deviceEvent(r)
	}
}
