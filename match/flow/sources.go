package flow

import (
	"net/netip"
	"strings"

	"github.com/contrail-ir/contrail/event"
)

// fields names where a source keeps what the rules look at. Several names are alternatives: the first that the schema has.
type fields struct {
	src, dst, port      []string
	name                []string // the destination by name: HTTP host, TLS server name
	sent, received      []string // payload bytes, by the one who opened the connection
	duration            []string // seconds
	method, path, agent []string // HTTP
	connections         bool     // every row is a connection; otherwise a message within one
	kind                []string // what sort of row it is
	beside              []string // sorts of rows that tell of a connection that another row tells of, or of none
}

// source is a row of the table of sources that tell of connections.
type source struct {
	product, category, service, channel string
	id                                  uint32
	fields                              fields
}

var zeekEnds = fields{
	src: []string{"id.orig_h", "id_orig_h"}, dst: []string{"id.resp_h", "id_resp_h"}, port: []string{"id.resp_p", "id_resp_p"},
}

func zeek(change func(*fields)) fields {
	f := zeekEnds
	change(&f)
	return f
}

// sources lists what tells of connections. A new reader adds a row here.
var sources = []source{
	{product: "zeek", service: "conn", fields: zeek(func(f *fields) {
		f.sent, f.received, f.duration, f.connections = []string{"orig_bytes"}, []string{"resp_bytes"}, []string{"duration"}, true
	})},
	{product: "zeek", service: "http", fields: zeek(func(f *fields) {
		f.name, f.method, f.path, f.agent = []string{"host"}, []string{"method"}, []string{"uri"}, []string{"user_agent"}
		f.sent, f.received = []string{"request_body_len"}, []string{"response_body_len"}
	})},
	{product: "zeek", service: "ssl", fields: zeek(func(f *fields) { f.name = []string{"server_name"} })},
	{product: "suricata", service: "flow", fields: fields{
		src: []string{"src_ip"}, dst: []string{"dest_ip"}, port: []string{"dest_port"},
		sent: []string{"flow.bytes_toserver"}, received: []string{"flow.bytes_toclient"}, duration: []string{"flow.age"}, connections: true}},
	{product: "suricata", service: "http", fields: fields{
		src: []string{"src_ip"}, dst: []string{"dest_ip"}, port: []string{"dest_port"}, name: []string{"http.hostname"},
		method: []string{"http.http_method"}, path: []string{"http.url"}, agent: []string{"http.http_user_agent"}, received: []string{"http.length"}}},
	{product: "suricata", service: "tls", fields: fields{src: []string{"src_ip"}, dst: []string{"dest_ip"}, port: []string{"dest_port"}, name: []string{"tls.sni"}}},
	{product: "netflow", fields: fields{
		src: []string{"sa", "srcaddr"}, dst: []string{"da", "dstaddr"}, port: []string{"dp", "dstport"}, sent: []string{"ibyt", "bytes"}, received: []string{"obyt"},
		duration: []string{"td"}, connections: true}},
	{category: "proxy", fields: fields{
		src: []string{"c-ip"}, dst: []string{"r-ip"}, port: []string{"cs-uri-port", "s-port"}, name: []string{"cs-host", "r-dns"}, sent: []string{"cs-bytes"},
		received: []string{"sc-bytes"}, method: []string{"cs-method"}, path: []string{"cs-uri", "c-uri"}, agent: []string{"cs-user-agent", "c-useragent"}}},
	{category: "firewall", fields: fields{
		src: []string{"src_ip"}, dst: []string{"dst_ip"}, port: []string{"dst_port"}, sent: []string{"bytes_sent", "sentbyte"}, received: []string{"bytes_received", "rcvdbyte"},
		duration: []string{"duration"}, connections: true}},
	{product: "fortigate", service: "traffic", fields: fields{
		src: []string{"srcip"}, dst: []string{"dstip"}, port: []string{"dstport"}, sent: []string{"sentbyte"}, received: []string{"rcvdbyte"}, duration: []string{"duration"}, connections: true,
		kind: []string{"logid"}, beside: []string{"0000000020", "0000000011"}}}, // a long session goes on; refused
	{product: "paloalto", service: "traffic", fields: fields{
		src: []string{"src"}, dst: []string{"dst"}, port: []string{"dport"}, sent: []string{"bytes_sent"}, received: []string{"bytes_received"}, duration: []string{"elapsed"}, connections: true,
		kind: []string{"subtype"}, beside: []string{"start", "drop", "deny"}}},
	{product: event.ProductWindows, channel: "Microsoft-Windows-Sysmon/Operational", id: 3, fields: fields{
		src: []string{"SourceIp"}, dst: []string{"DestinationIp"}, port: []string{"DestinationPort"}, name: []string{"DestinationHostname"}, connections: true}},
}

// sourceOf gives the row of the table for a source, and its number.
func sourceOf(s event.Source) (*fields, uint8) {
	for i := range sources {
		x := &sources[i]
		if (x.product == "" || x.product == s.Product) && (x.category == "" || x.category == s.Category) && (x.service == "" || x.service == s.Service) &&
			(x.channel == "" || x.channel == s.Channel) && (x.id == 0 || x.id == s.ID) && (x.product != "" || x.category != "") {
			return &x.fields, uint8(i)
		}
	}
	return nil, 0
}

func (f *fields) all() (names []string) {
	for _, alternatives := range [][]string{f.src, f.dst, f.port, f.name, f.sent, f.received, f.duration, f.method, f.path, f.agent, f.kind} {
		names = append(names, alternatives...)
	}
	return names
}

// columns are a batch's columns by their meaning.
type columns struct {
	src, dst, port, name, sent, received, duration, method, path, agent, kind *event.Column
	connections                                                               bool
}

func (f *fields) of(b *event.Batch) columns {
	pick := func(names []string) *event.Column {
		for _, n := range names {
			if c := b.Column(n); c != nil && c.Dict.Len() > 0 {
				return c
			}
		}
		return nil
	}
	return columns{pick(f.src), pick(f.dst), pick(f.port), pick(f.name), pick(f.sent), pick(f.received), pick(f.duration), pick(f.method), pick(f.path), pick(f.agent), pick(f.kind), f.connections}
}

// unroutable says whether an address cannot be a destination that an intruder runs: multicast, broadcast, link-local, loopback.
func unroutable(text string) bool {
	a, err := netip.ParseAddr(text)
	if err != nil {
		return false
	}
	a = a.Unmap()
	return a.IsMulticast() || a.IsLoopback() || a.IsLinkLocalUnicast() || a.IsUnspecified() || strings.HasSuffix(text, ".255")
}

func private(text string) bool {
	a, err := netip.ParseAddr(text)
	return err == nil && a.Unmap().IsPrivate()
}

// external says whether an address lies outside private networks.
func external(text string) bool {
	a, err := netip.ParseAddr(text)
	return err == nil && !a.Unmap().IsPrivate() && !unroutable(text)
}
