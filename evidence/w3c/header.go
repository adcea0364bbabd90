package w3c

import (
	"bytes"
	"strings"

	"github.com/contrail-ir/contrail/event"
)

type kind uint8

const (
	other kind = iota
	webserver
	proxy
	firewall
)

// header is what the lines beginning with # say. It is immutable: a line makes a new one.
type header struct {
	software, logType string
	day               []byte // of #Date, for logs that repeat only the time
	local             bool   // times are the host's
	names             []string

	separator byte
	kind      kind
	source    event.Source
	fields    []field
	native    map[string]bool

	// Places of fields, -1 for none.
	date, time, stamp, host, stem, query, uri, csHost, scheme, port, action int
	whole                                                                   bool // the target is to be put together from stem and query
}

type field struct {
	name    string
	aliases []string
	listed  bool // cs-uri-query, which is a list
}

// maxFields bounds the fields that a header may name.
const maxFields = 1000

func readHeader(line []byte, state any) (any, bool) {
	h := *state.(*header)
	name, value, ok := strings.Cut(string(line), ":")
	if !ok {
		return state, len(bytes.Trim(line, "# \t")) == 0
	}
	value = strings.TrimSpace(value)
	switch strings.ToLower(name) {
	case "#fields":
		h.separator = ' '
		switch {
		case strings.Contains(value, ","):
			h.separator = ','
		case strings.Contains(value, "\t"):
			h.separator = '\t'
		}
		h.names = strings.FieldsFunc(value, func(r rune) bool { return r == rune(h.separator) || r == ' ' })
		if strings.Contains(value, "x-edge-location") {
			h.separator = '\t' // names are parted by spaces, values by tabs
		}
	case "#software":
		h = header{software: value}
	case "#log-type", "#log-name":
		h.logType = value
	case "#date", "#start-date":
		if h.day = nil; len(value) >= 10 {
			h.day = []byte(value[:10])
		}
	case "#time format":
		h.local = strings.EqualFold(value, "Local")
	case "#version", "#end-date", "#remark", "#start-time", "#end-time":
	default:
		return state, false // a value that begins with #
	}
	if len(h.names) > maxFields {
		h.names = h.names[:maxFields]
	}
	h.prepare()
	return &h, true
}

// prepare tells the kind of log by its fields, and what each field is called besides.
func (h *header) prepare() {
	h.fields, h.native = nil, map[string]bool{}
	places := map[string]int{}
	for i, n := range h.names {
		if key := lower(n); places[key] == 0 {
			places[key] = i + 1
		}
		h.native[n] = true
	}
	at := func(names ...string) int {
		for _, n := range names {
			if i := places[n]; i > 0 {
				return i - 1
			}
		}
		return -1
	}
	h.date, h.time = at("date"), at("time")
	h.stamp = at("date-time", "datetime", "timestamp", "x-timestamp", "gmttime", "localtime")
	if h.date >= 0 && h.time >= 0 {
		h.stamp = -1
	}
	h.host = at("s-computername", "server-hostname", "server-name", "serverhostname")
	h.stem, h.query = at("cs-uri-stem", "cs-uri-path", "c-uri-path", "c-uri-stem"), at("cs-uri-query", "c-uri-query")
	h.uri, h.csHost = at("c-uri", "cs-uri"), at("cs-host", "cs(host)", "r-host", "r-dns")
	h.scheme, h.port, h.action = at("cs-uri-scheme", "c-uri-scheme", "cs-protocol"), at("cs-uri-port", "c-uri-port"), at("action")
	h.source, h.kind = h.tell(at)
	h.whole = h.kind == webserver && h.stem >= 0
	for _, n := range h.names {
		f := field{name: n, listed: n == "cs-uri-query"}
		for _, a := range h.aliases(lower(n)) {
			if !h.native[a] {
				f.aliases = append(f.aliases, a)
			}
		}
		h.fields = append(h.fields, f)
	}
}

func (h *header) tell(at func(...string) int) (event.Source, kind) {
	software := lower(h.software)
	switch {
	case at("src-ip") >= 0 && at("dst-ip") >= 0 && h.action >= 0:
		return event.Source{Category: "firewall", Service: "pfirewall"}, firewall
	case at("sender-address") >= 0 && at("recipient-address") >= 0:
		return event.Source{Product: "exchange", Category: "mail", Service: "messagetracking"}, other
	case strings.Contains(software, "exchange"):
		return event.Source{Product: "exchange", Service: slug(h.logType)}, other
	case strings.Contains(software, "ftp") || at("x-session") >= 0:
		return event.Source{Product: "iis", Service: "ftp"}, other
	case at("x-edge-location") >= 0:
		return event.Source{Product: "cloudfront", Category: "webserver"}, webserver
	case at("sc-filter-result", "s-action", "cs-categories", "cs-uri-path", "r-ip", "r-host", "x-exception-id", "c-uri", "s-object-source", "r-dns", "x-bluecoat-application-name", "cs-category") >= 0 || strings.Contains(software, "sgos") || strings.Contains(software, "acceleration server"):
		return event.Source{Category: "proxy"}, proxy
	case strings.Contains(software, "internet information services") || at("s-sitename", "sc-win32-status") >= 0:
		return event.Source{Product: "iis", Category: "webserver"}, webserver
	case at("cs-uri-stem", "cs-uri") >= 0 && at("cs-method") >= 0:
		return event.Source{Category: "webserver"}, webserver
	}
	return event.Source{Service: "w3c"}, other
}

// slug makes a service's name of a log's type: "SMTP Receive Protocol Log" is smtp_receive_protocol_log.
func slug(s string) string {
	out := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			return r
		case r == ' ' || r == '-' || r == '_':
			return '_'
		}
		return -1
	}, lower(s))
	return out[:min(len(out), 40)]
}

// aliases gives what rules call a field besides.
func (h *header) aliases(name string) []string {
	var out []string
	if inner, ok := strings.CutPrefix(name, "cs("); ok && strings.HasSuffix(inner, ")") {
		out = append(out, "cs-"+strings.TrimSuffix(inner, ")"))
	}
	switch h.kind {
	case proxy:
		switch name {
		case "cs(user-agent)", "cs-user-agent", "c-agent":
			out = append(out, "c-useragent", "cs-user-agent")
		case "c-useragent":
			out = append(out, "cs-user-agent")
		case "c-ip":
			out = append(out, "src_ip")
		case "r-ip", "r-supplier-ip", "s-supplier-ip":
			out = append(out, "dst_ip")
		case "r-port":
			out = append(out, "dst_port")
		case "r-host":
			out = append(out, "r-dns")
		case "s-operation":
			out = append(out, "cs-method")
		case "rs(content-type)":
			out = append(out, "sc-content-type")
		}
	case firewall:
		switch name {
		case "src-ip", "dst-ip", "src-port", "dst-port":
			out = append(out, strings.ReplaceAll(name, "-", "_"))
		}
	}
	seen := map[string]bool{name: true}
	kept := out[:0]
	for _, a := range out {
		if !seen[a] {
			seen[a] = true
			kept = append(kept, a)
		}
	}
	return kept
}

// bare knows logs whose header was cut away by the form of their first line: CloudFront's, Exchange's protocol logs.
func bare(text []byte) *header {
	line, _, _ := bytes.Cut(text, []byte{'\n'})
	line = bytes.TrimSuffix(line, []byte{'\r'})
	dated := func(at int) bool {
		return len(line) > at && at >= 10 && line[4] == '-' && line[7] == '-'
	}
	tabs := bytes.Count(line, []byte{'\t'})
	switch {
	case dated(30) && line[10] == '\t' && line[13] == ':' && tabs >= 25 && tabs <= 35:
		return headed("", "", '\t', cloudfront[:min(tabs+1, len(cloudfront))])
	case dated(40) && line[10] == 'T' && bytes.Contains(line[:30], []byte("Z,")):
		commas := bytes.Split(line, []byte{','})
		switch {
		case len(commas) >= 13 && endpoint(commas[3]) && endpoint(commas[4]):
			service := "IMAP4 Log"
			if bytes.HasSuffix(commas[3], []byte(":110")) || bytes.HasSuffix(commas[3], []byte(":995")) {
				service = "POP3 Log"
			}
			return headed("Microsoft Exchange Server", service, ',', exchangeClient)
		case len(commas) >= 8 && endpoint(commas[4]) && endpoint(commas[5]):
			return headed("Microsoft Exchange Server", "SMTP Receive Protocol Log", ',', exchangeSMTP)
		}
	}
	return nil
}

func endpoint(b []byte) bool {
	i := bytes.LastIndexByte(b, ':')
	if i < 2 || i+1 == len(b) {
		return false
	}
	for _, c := range b[i+1:] {
		if c < '0' || c > '9' {
			return false
		}
	}
	return bytes.ContainsAny(b[:i], ".:")
}

func headed(software, logType string, separator byte, names []string) *header {
	h := &header{software: software, logType: logType, separator: separator, names: names}
	h.prepare()
	return h
}

var (
	cloudfront = []string{"date", "time", "x-edge-location", "sc-bytes", "c-ip", "cs-method", "cs(Host)", "cs-uri-stem", "sc-status", "cs(Referer)", "cs(User-Agent)", "cs-uri-query", "cs(Cookie)",
		"x-edge-result-type", "x-edge-request-id", "x-host-header", "cs-protocol", "cs-bytes", "time-taken", "x-forwarded-for", "ssl-protocol", "ssl-cipher", "x-edge-response-result-type",
		"cs-protocol-version", "fle-status", "fle-encrypted-fields", "c-port", "time-to-first-byte", "x-edge-detailed-result-type", "sc-content-type", "sc-content-len", "sc-range-start", "sc-range-end"}
	exchangeClient = []string{"dateTime", "sessionId", "seqNumber", "sIp", "cIp", "user", "duration", "rqsize", "rpsize", "command", "parameters", "context", "puid"}
	exchangeSMTP   = []string{"date-time", "connector-id", "session-id", "sequence-number", "local-endpoint", "remote-endpoint", "event", "data", "context"}
)
