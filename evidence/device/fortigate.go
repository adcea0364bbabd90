package device

import (
	"bytes"
	"time"

	"github.com/contrail-ir/contrail/event"
)

// FortiGate writes name=value pairs; a message begins with its date, its device or its id.

func isFortiGate(b []byte) bool {
	if bytes.IndexByte(b[:min(len(b), 10)], '=') < 0 {
		return false
	}
	for _, p := range []string{"date=", "devname=", "logver=", "timestamp=", "eventtime=", "logid=", "time="} {
		if bytes.HasPrefix(b, []byte(p)) {
			head := b[:min(len(b), 1000)]
			return bytes.Contains(head, []byte("logid=")) && bytes.Contains(head, []byte("type=")) || bytes.Contains(head, []byte("log_id=")) && bytes.Contains(head, []byte("type="))
		}
	}
	return false
}

func fortiSource(text []byte) event.Source {
	s := event.Source{Product: "fortigate", Service: "event"}
	eachPair(text, func(name, value []byte) bool {
		switch string(name) {
		case "type":
			switch string(value) {
			case "traffic":
				s.Service = "traffic"
			case "utm":
				s.Service = "utm"
			case "anomaly", "dns", "webfilter", "ips", "virus", "app-ctrl", "voip", "waf", "ssl", "ssh":
				s.Service = string(value)
			}
			return false
		}
		return true
	})
	return s
}

func fortiFields(text []byte, to Adder) {
	eachPair(text, func(name, value []byte) bool {
		if bytes.IndexByte(value, '\\') >= 0 {
			value = bytes.ReplaceAll(value, []byte(`\"`), []byte{'"'})
		}
		to.AddNamed(name, value)
		return true
	})
}

// fortiTime reads eventtime, in whichever unit its length tells, else date, time and tz.
func fortiTime(text []byte, zone *time.Location) int64 {
	var date, clock, tz, eventtime []byte
	seen := 0
	eachPair(text, func(name, value []byte) bool {
		switch string(name) {
		case "date":
			date = value
		case "time":
			clock = value
		case "tz":
			tz = value
		case "eventtime":
			eventtime = value
		}
		seen++
		return seen < 24 && !(eventtime != nil && date != nil)
	})
	if n := len(eventtime); n >= 10 && n <= 19 && digitsOnly(eventtime) {
		var ns int64
		for _, c := range eventtime {
			ns = ns*10 + int64(c-'0')
		}
		for ; n < 19; n++ {
			if ns > 922337203685477580 {
				return event.NoTime
			}
			ns *= 10
		}
		if ns > 0 {
			return ns
		}
	}
	if len(date) != 10 || len(clock) < 8 {
		return event.NoTime
	}
	stamp := string(date) + " " + string(clock)
	if len(tz) == 5 {
		return parseIn("2006-01-02 15:04:05 -0700", []byte(stamp+" "+string(tz)), zone)
	}
	return parseIn("2006-01-02 15:04:05", []byte(stamp), zone)
}

func digitsOnly(b []byte) bool {
	for _, c := range b {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}
