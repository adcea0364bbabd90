// Package textwrite gives the lines that network sensors, proxies, firewalls, network devices, web servers and databases
// write, each in the form its product is known for. A function takes what happened and gives one line without its end.
//
// It promises the genuine order of fields, their escapes and their times in the zone of the time given. It refuses to
// decide anything: no randomness, no clock.
package textwrite

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"
)

// Zeek is one of Zeek's logs: its name and its columns, as "name type" each.
type Zeek struct {
	Path    string
	Columns []string
}

// The logs that a drill has, with the columns of Zeek 6 that it fills.
var (
	ZeekConn = Zeek{"conn", []string{"ts time", "uid string", "id.orig_h addr", "id.orig_p port", "id.resp_h addr", "id.resp_p port", "proto enum",
		"service string", "duration interval", "orig_bytes count", "resp_bytes count", "conn_state string", "local_orig bool", "local_resp bool",
		"missed_bytes count", "history string", "orig_pkts count", "orig_ip_bytes count", "resp_pkts count", "resp_ip_bytes count", "tunnel_parents set[string]"}}
	ZeekDNS = Zeek{"dns", []string{"ts time", "uid string", "id.orig_h addr", "id.orig_p port", "id.resp_h addr", "id.resp_p port", "proto enum",
		"trans_id count", "rtt interval", "query string", "qclass count", "qclass_name string", "qtype count", "qtype_name string", "rcode count", "rcode_name string",
		"AA bool", "TC bool", "RD bool", "RA bool", "Z count", "answers vector[string]", "TTLs vector[interval]", "rejected bool"}}
	ZeekHTTP = Zeek{"http", []string{"ts time", "uid string", "id.orig_h addr", "id.orig_p port", "id.resp_h addr", "id.resp_p port", "trans_depth count",
		"method string", "host string", "uri string", "referrer string", "version string", "user_agent string", "origin string", "request_body_len count",
		"response_body_len count", "status_code count", "status_msg string", "tags set[enum]", "resp_fuids vector[string]", "resp_mime_types vector[string]"}}
	ZeekSSL = Zeek{"ssl", []string{"ts time", "uid string", "id.orig_h addr", "id.orig_p port", "id.resp_h addr", "id.resp_p port", "version string",
		"cipher string", "curve string", "server_name string", "resumed bool", "established bool", "ssl_history string", "subject string", "issuer string",
		"validation_status string", "ja3 string", "ja3s string"}}
	ZeekFiles = Zeek{"files", []string{"ts time", "fuid string", "uid string", "id.orig_h addr", "id.orig_p port", "id.resp_h addr", "id.resp_p port",
		"source string", "depth count", "analyzers set[string]", "mime_type string", "filename string", "duration interval", "local_orig bool", "is_orig bool",
		"seen_bytes count", "total_bytes count", "missing_bytes count", "overflow_bytes count", "timedout bool", "md5 string", "sha1 string", "sha256 string"}}
)

// Head gives the lines that begin a tab-separated log.
func (z Zeek) Head(open time.Time) []string {
	names, kinds := "#fields", "#types"
	for _, c := range z.Columns {
		name, kind, _ := strings.Cut(c, " ")
		names += "\t" + name
		kinds += "\t" + kind
	}
	return []string{`#separator \x09`, "#set_separator\t,", "#empty_field\t(empty)", "#unset_field\t-", "#path\t" + z.Path,
		"#open\t" + open.Format("2006-01-02-15-04-05"), names, kinds}
}

var zeekEscape = strings.NewReplacer("\t", `\x09`, "\n", `\x0a`, "\r", `\x0d`, `\x`, `\x5cx`)

// TSV gives a row; an empty value is unset.
func (z Zeek) TSV(values []string) string {
	var b strings.Builder
	for i, v := range values {
		if i > 0 {
			b.WriteByte('\t')
		}
		if v == "" {
			v = "-"
		}
		b.WriteString(zeekEscape.Replace(v))
	}
	return b.String()
}

// JSON gives the same row as a JSON object; unset values are left out.
func (z Zeek) JSON(values []string) string {
	b := []byte(`{"_path":"` + z.Path + `"`)
	for i, v := range values {
		if v == "" {
			continue
		}
		name, kind, _ := strings.Cut(z.Columns[i], " ")
		b = append(b, `,"`+name+`":`...)
		switch kind {
		case "time", "interval", "count", "port":
			b = append(b, v...)
		case "bool":
			b = strconv.AppendBool(b, v == "T")
		case "vector[interval]":
			b = append(append(append(b, '['), v...), ']')
		case "vector[string]", "set[string]", "set[enum]":
			list, _ := json.Marshal(strings.Split(v, ","))
			b = append(b, list...)
		default:
			text, _ := json.Marshal(v)
			b = append(b, text...)
		}
	}
	return string(append(b, '}'))
}

// Epoch gives a time as Zeek does: seconds with six places.
func Epoch(t time.Time) string {
	return strconv.FormatInt(t.Unix(), 10) + "." + pad(t.Nanosecond()/1000, 6)
}

// Seconds gives a duration as Zeek does.
func Seconds(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', 6, 64) }

// Flag gives a truth value as Zeek does.
func Flag(v bool) string {
	if v {
		return "T"
	}
	return "F"
}

func pad(n, width int) string {
	s := strconv.Itoa(n)
	return strings.Repeat("0", max(0, width-len(s))) + s
}
