package device

import (
	"bytes"
	"strings"
	"time"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/evidence/lines"
	"github.com/contrail-ir/contrail/evidence/message"
)

// Radius reads the detail files of FreeRADIUS: a record is a line with its time and indented lines "Attribute = value". Attributes
// keep their names; an attribute that stands twice is a list.
type Radius struct{}

var radiusSource = event.Source{Product: "freeradius", Service: "radius"}

// Name implements event.Format.
func (Radius) Name() string { return "radius-detail" }

// Recognise implements event.Format.
func (Radius) Recognise(head []byte, _ string) event.Confidence {
	times, attributes, other := 0, 0, 0
	message.EachLine(message.Whole(lines.Text(head)), func(l []byte) bool {
		switch {
		case len(l) == 0:
		case detailTime(l, nil) != event.NoTime:
			times++
		case l[0] == '\t' && bytes.Contains(l, []byte(" = ")):
			attributes++
		default:
			other++
		}
		return times+attributes+other < 500
	})
	if times > 0 && attributes >= 2*times && 10*other <= times {
		return event.Certain
	}
	return event.No
}

// Open implements event.Format.
func (Radius) Open(f event.File) (event.Stream, error) {
	return message.Open(f, message.Cut{Last: message.LastRecord(detailBegins)})
}

func detailBegins(line []byte) bool {
	return len(line) > 0 && line[0] != '\t' && line[0] != ' ' && line[0] != '\n' && line[0] != '\r'
}

// Decoder implements event.Format.
func (Radius) Decoder() event.Decoder {
	var zone *time.Location
	return &message.Decoder{
		Begins: detailBegins,
		Start:  func(seg *event.Segment) { zone = seg.File.Hints.Zone },
		Read:   func(rows *message.Rows, r message.Record) { readDetail(rows, r, zone) },
	}
}

func detailTime(line []byte, zone *time.Location) int64 {
	if len(line) < 20 || len(line) > 40 || line[3] != ' ' {
		return event.NoTime
	}
	return parseIn("Mon Jan _2 15:04:05 2006", bytes.TrimRight(line, " \r"), zone)
}

func readDetail(rows *message.Rows, r message.Record, zone *time.Location) {
	if len(bytes.TrimSpace(r.Text)) == 0 {
		return
	}
	first, rest, _ := bytes.Cut(r.Text, []byte{'\n'})
	ns := detailTime(bytes.TrimRight(first, "\r"), zone)
	if ns == event.NoTime {
		rows.Odd(r.Offset, "no record of a detail file")
		if rows.Row(radiusSource, ns, r.Offset, r.Number, nil) {
			rows.Add("message", r.Text)
		}
		return
	}
	// The server's own count of seconds has no zone to be mistaken about.
	var host []byte
	odd := false
	eachAttribute(rest, func(name, value []byte, ok bool) {
		odd = odd || !ok
		if string(name) == "Timestamp" && len(value) > 0 && len(value) <= 10 && digitsOnly(value) {
			ns = 0
			for _, c := range value {
				ns = ns*10 + int64(c-'0')*1e9
			}
		}
	})
	if odd {
		rows.Odd(r.Offset, "a line of a record is no attribute")
	}
	if rows.Row(radiusSource, ns, r.Offset, r.Number, host) {
		eachAttribute(rest, func(name, value []byte, ok bool) {
			if ok {
				rows.AddNamed(name, value)
			} else {
				rows.Add("message", value)
			}
		})
	}
}

// eachAttribute gives the lines of a record; one that is no attribute is its value alone.
func eachAttribute(b []byte, f func(name, value []byte, ok bool)) {
	message.EachLine(b, func(l []byte) bool {
		l = bytes.TrimSpace(l)
		if len(l) == 0 {
			return true
		}
		i := bytes.Index(l, []byte(" = "))
		if i <= 0 || bytes.IndexByte(l[:i], ' ') >= 0 {
			f(nil, l, false)
			return true
		}
		value := l[i+3:]
		if len(value) >= 2 && value[0] == '"' && value[len(value)-1] == '"' {
			value = value[1 : len(value)-1]
			if bytes.IndexByte(value, '\\') >= 0 {
				value = bytes.ReplaceAll(value, []byte(`\"`), []byte{'"'})
			}
		}
		f(l[:i], value, true)
		return true
	})
}

// Accounting reads comma-separated accounting: exports and logs with a header of RADIUS or TACACS+ attributes, as Cisco's ACS and ISE
// and others write, and the two formats without one of Microsoft's Network Policy Server.
type Accounting struct{}

// Name implements event.Format.
func (Accounting) Name() string { return "aaa-csv" }

// accountingNames are names that only a header of accounting has, in lower case.
var accountingNames = map[string]bool{
	"acct-session-id": true, "acct-status-type": true, "nas-ip-address": true, "nas-port": true, "calling-station-id": true, "called-station-id": true, "framed-ip-address": true,
	"caller-id": true, "nas-portname": true, "priv-lvl": true, "task_id": true, "acct-session-time": true, "acct-input-octets": true, "acct-output-octets": true, "acct-terminate-cause": true,
	"group-name": true, "user-name": true, "acct-flags": true, "service-type": true, "acct_session_id": true, "nas_ip_address": true, "calling_station_id": true, "cmd": true,
	"calling station id": true, "account session id": true, "account status type": true, "nas port": true, "command set": true, "cmdset": true, "network device": true, "device ip address": true,
}

// npsNames are the fields of the Policy Server's database-compatible format, in their order.
var npsNames = strings.Split("ComputerName,ServiceName,Record-Date,Record-Time,Packet-Type,User-Name,Fully-Qualified-Distinguished-Name,Called-Station-ID,Calling-Station-ID,Callback-Number,Framed-IP-Address,NAS-Identifier,NAS-IP-Address,NAS-Port,Client-Vendor,Client-IP-Address,Client-Friendly-Name,Event-Timestamp,Port-Limit,NAS-Port-Type,Connect-Info,Framed-Protocol,Service-Type,Authentication-Type,Policy-Name,Reason-Code,Class,Session-Timeout,Idle-Timeout,Termination-Action,EAP-Friendly-Name,Acct-Status-Type,Acct-Delay-Time,Acct-Input-Octets,Acct-Output-Octets,Acct-Session-Id,Acct-Authentic,Acct-Session-Time,Acct-Input-Packets,Acct-Output-Packets,Acct-Terminate-Cause,Acct-Multi-Ssn-ID,Acct-Link-Count,Acct-Interim-Interval,Tunnel-Type,Tunnel-Medium-Type,Tunnel-Client-Endpt,Tunnel-Server-Endpt,Acct-Tunnel-Conn,Tunnel-Pvt-Group-ID,Tunnel-Assignment-ID,Tunnel-Preference,MS-Acct-Auth-Type,MS-Acct-EAP-Type,MS-RAS-Version,MS-RAS-Vendor,MS-CHAP-Error,MS-CHAP-Domain,MS-MPPE-Encryption-Types,MS-MPPE-Encryption-Policy,Proxy-Policy-Name,Provider-Type,Provider-Name,Remote-Server-Address,MS-RAS-Client-Name,MS-RAS-Client-Version", ",")

// npsAttributes names the numbers of the attribute-value format that an investigation asks for; the others keep their number.
var npsAttributes = map[string]string{
	"4": "NAS-IP-Address", "5": "NAS-Port", "6": "Service-Type", "7": "Framed-Protocol", "8": "Framed-IP-Address", "25": "Class", "30": "Called-Station-ID", "31": "Calling-Station-ID", "32": "NAS-Identifier",
	"40": "Acct-Status-Type", "41": "Acct-Delay-Time", "42": "Acct-Input-Octets", "43": "Acct-Output-Octets", "44": "Acct-Session-Id", "45": "Acct-Authentic", "46": "Acct-Session-Time", "47": "Acct-Input-Packets", "48": "Acct-Output-Packets",
	"49": "Acct-Terminate-Cause", "55": "Event-Timestamp", "61": "NAS-Port-Type", "66": "Tunnel-Client-Endpt", "77": "Connect-Info", "4108": "Client-IP-Address", "4116": "Client-Vendor", "4127": "Authentication-Type", "4128": "Client-Friendly-Name",
	"4129": "SAM-Account-Name", "4130": "Fully-Qualified-Distinguished-Name", "4132": "EAP-Friendly-Name", "4136": "Packet-Type", "4142": "Reason-Code", "4149": "Policy-Name", "4154": "Proxy-Policy-Name",
}

// table is what a file's first line says of the lines.
type table struct {
	names []string // nil for the Policy Server's formats
	date  int      // columns of date and time, -1 for none; the same when one column has both
	clock int
	tacs  bool // TACACS+
}

// Recognise implements event.Format.
func (Accounting) Recognise(head []byte, _ string) event.Confidence {
	text := lines.Text(head)
	first, _, _ := bytes.Cut(text, []byte{'\n'})
	if t := tableOf(bytes.TrimRight(first, "\r")); t != nil {
		return event.Likely + 10
	}
	fit := message.Tenths(text, 100, func(l []byte) (counts, fits bool) {
		return true, npsDatabase(l) || npsPairs(l)
	})
	if fit >= 8 {
		return event.Likely + 10
	}
	return event.No
}

// tableOf reads a header line; nil when it is none of accounting.
func tableOf(line []byte) *table {
	if len(line) > 16<<10 || bytes.Count(line, []byte{','}) < 3 {
		return nil
	}
	t := &table{date: -1, clock: -1}
	known, radius := 0, 0
	eachCSV(line, func(i int, v []byte) bool {
		name := strings.TrimSpace(string(v))
		t.names = append(t.names, name)
		lower := strings.ToLower(name)
		if accountingNames[lower] {
			known++
		}
		switch {
		case strings.HasPrefix(lower, "acct") && lower != "acct-flags" || strings.HasPrefix(lower, "framed"):
			radius++
		case lower == "cmd" || lower == "priv-lvl" || lower == "task_id" || lower == "command set" || lower == "cmdset":
			t.tacs = true
		}
		switch lower {
		case "date":
			t.date = i
		case "time":
			t.clock = i
		case "logged at", "timestamp", "logged time", "acs timestamp", "generated time":
			if t.date < 0 {
				t.date, t.clock = i, i
			}
		}
		return true
	})
	t.tacs = t.tacs && radius == 0
	if known < 3 {
		return nil
	}
	return t
}

// npsDatabase says whether a line is of the Policy Server's database-compatible format.
func npsDatabase(l []byte) bool {
	n := 0
	service := ""
	eachCSV(l, func(i int, v []byte) bool {
		n++
		if i == 1 {
			service = string(v)
		}
		return i < 60
	})
	return (service == "IAS" || service == "RAS" || service == "RRAS") && n >= 30 && npsTime(l, 2, 3, nil) != event.NoTime
}

// npsPairs says whether a line is of the attribute-value format: address, user, date, time, service, computer and pairs.
func npsPairs(l []byte) bool {
	service := ""
	eachCSV(l, func(i int, v []byte) bool {
		if i == 4 {
			service = string(v)
		}
		return i < 4
	})
	return (service == "IAS" || service == "RAS" || service == "RRAS") && npsTime(l, 2, 3, nil) != event.NoTime
}

func npsTime(l []byte, date, clock int, zone *time.Location) int64 {
	var d, c []byte
	eachCSV(l, func(i int, v []byte) bool {
		if i == date {
			d = v
		}
		if i == clock && clock != date {
			c = v
		}
		return i < max(date, clock)
	})
	return accountingTime(d, c, zone)
}

// accountingTime reads the forms of date and time that servers write. A day before the month is not guessed.
func accountingTime(date, clock []byte, zone *time.Location) int64 {
	text := string(date)
	if len(clock) > 0 {
		text += " " + string(clock)
	}
	if len(text) < 14 || len(text) > 40 {
		return event.NoTime
	}
	for _, layout := range []string{"01/02/2006 15:04:05", "2006-01-02 15:04:05", "2006/01/02 15:04:05", "2006-01-02T15:04:05", "2006-01-02T15:04:05Z07:00", "2006-01-02 15:04:05 -07:00", "01/02/06 15:04:05", "02-Jan-2006 15:04:05", "Jan 2, 2006 3:04:05 PM", "01/02/2006 03:04:05 PM"} {
		if ns := parseIn(layout, []byte(text), zone); ns != event.NoTime {
			return ns
		}
	}
	return event.NoTime
}

// Open implements event.Format.
func (Accounting) Open(f event.File) (event.Stream, error) {
	return lines.Open(f, lines.Options{Quoted: true, State: (*table)(nil), Header: func(line []byte, state any) (any, bool) {
		if t := tableOf(line); t != nil {
			return t, true
		}
		return state, false
	}})
}

// Decoder implements event.Format.
func (Accounting) Decoder() event.Decoder {
	d := &accounting{}
	return &message.Decoder{Quoted: true, Start: d.start, Read: d.read}
}

type accounting struct {
	table *table
	zone  *time.Location
}

func (d *accounting) start(seg *event.Segment) {
	d.table, _ = seg.State.(*table)
	d.zone = seg.File.Hints.Zone
}

func (d *accounting) read(rows *message.Rows, r message.Record) {
	if len(r.Text) == 0 {
		return
	}
	source := event.Source{Product: "radius", Service: "radius"}
	l := r.Text
	switch t := d.table; {
	case t != nil:
		if t.tacs {
			source = event.Source{Product: "cisco", Service: "aaa"}
		}
		ns := event.NoTime
		if t.date >= 0 && t.clock >= 0 {
			ns = npsTime(l, t.date, t.clock, d.zone)
		}
		if ns == event.NoTime {
			rows.Odd(r.Offset, "no time")
		}
		if rows.Row(source, ns, r.Offset, r.Number, nil) {
			eachCSV(l, func(i int, v []byte) bool {
				if i < len(t.names) && len(v) > 0 && t.names[i] != "" {
					rows.AddNamed([]byte(t.names[i]), v)
				}
				return i+1 < len(t.names)
			})
		}
	case npsDatabase(l):
		source.Product = "nps"
		if rows.Row(source, npsTime(l, 2, 3, d.zone), r.Offset, r.Number, paloNth(l, 0)) {
			eachCSV(l, func(i int, v []byte) bool {
				if i < len(npsNames) && len(v) > 0 {
					rows.Add(npsNames[i], v)
				}
				return i+1 < len(npsNames)
			})
		}
	case npsPairs(l):
		source.Product = "nps"
		if rows.Row(source, npsTime(l, 2, 3, d.zone), r.Offset, r.Number, paloNth(l, 5)) {
			var number []byte
			eachCSV(l, func(i int, v []byte) bool {
				switch {
				case i == 0:
					rows.Add("NAS-IP-Address", v)
				case i == 1:
					rows.Add("User-Name", v)
				case i == 5:
					rows.Add("ComputerName", v)
				case i > 5 && i%2 == 0:
					number = v
				case i > 5:
					if name, ok := npsAttributes[string(number)]; ok {
						rows.Add(name, v)
					} else {
						rows.AddNamed(append([]byte("Attribute-"), number...), v)
					}
				}
				return true
			})
		}
	default:
		rows.Odd(r.Offset, "no record of accounting")
		if rows.Row(source, event.NoTime, r.Offset, r.Number, nil) {
			rows.Add("message", l)
		}
	}
}
