package device

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"sort"
	"strconv"
	"time"

	"github.com/contrail-ir/contrail/event"
)

// between gives the text between two marks; false when they are not there.
func between(b []byte, before, after string) ([]byte, bool) {
	i := bytes.Index(b, []byte(before))
	if i < 0 {
		return nil, false
	}
	b = b[i+len(before):]
	j := bytes.Index(b, []byte(after))
	if after == "" {
		j = len(b)
	}
	if j < 0 {
		return nil, false
	}
	return b[:j], true
}

// addBetween adds the text between two marks as a field; "" as the second is the end of the text.
func addBetween(to Adder, field string, b []byte, before, after string) bool {
	v, ok := between(b, before, after)
	if ok && len(v) > 0 {
		to.Add(field, bytes.TrimSpace(v))
	}
	return ok
}

// endpoint reads "address", "address/port", "address(port)", each with an interface before it and ':' or '/' between.
func endpoint(word []byte) (addr, port []byte, ok bool) {
	word = bytes.Trim(word, ",;.()[]<>\"'")
	if len(word) < 3 || len(word) > 128 {
		return nil, nil, false
	}
	if i := bytes.IndexByte(word, '('); i > 0 {
		word, port = word[:i], word[i+1:]
		if j := bytes.IndexByte(port, ')'); j >= 0 {
			port = port[:j]
		}
	}
	if isAddr(word) {
		return word, port, true
	}
	if i := bytes.LastIndexByte(word, '/'); i > 0 {
		if rest := word[i+1:]; isAddr(rest) { // interface/address
			return rest, port, true
		}
		if port == nil {
			word, port = word[:i], word[i+1:]
		}
		if isAddr(word) {
			return word, port, true
		}
	}
	for i := 0; i < len(word); i++ {
		if word[i] == ':' || word[i] == '/' {
			if isAddr(word[i+1:]) { // interface:address
				return word[i+1:], port, true
			}
			if i := bytes.LastIndexByte(word, ':'); port == nil && i > 0 && isAddr(word[:i]) { // address:port
				return word[:i], word[i+1:], true
			}
			break
		}
	}
	return nil, nil, false
}

func isAddr(b []byte) bool {
	if len(b) < 3 || len(b) > 45 || bytes.IndexByte(b, '.') < 0 && bytes.Count(b, []byte{':'}) < 2 {
		return false
	}
	for _, c := range b {
		if (c < '0' || c > '9') && c != '.' && c != ':' && (c < 'a' || c > 'f') && (c < 'A' || c > 'F') {
			return false
		}
	}
	_, err := netip.ParseAddr(string(b))
	return err == nil
}

// addEndpoints adds the first two addresses of a text as source and destination, swapped when the text names them so. Text in
// parentheses is a translation and not looked at, unless it holds a port.
func addEndpoints(to Adder, b []byte, swap bool) int {
	var ends [2][2][]byte
	n := 0
	for n < 2 && len(b) > 0 {
		word := b
		if i := bytes.IndexAny(b, " \t"); i >= 0 {
			word, b = b[:i], b[i+1:]
		} else {
			b = nil
		}
		if len(word) > 0 && word[0] == '(' {
			continue
		}
		for _, part := range bytes.Split(word, []byte("->")) {
			if addr, port, ok := endpoint(part); ok && n < 2 {
				ends[n] = [2][]byte{addr, port}
				n++
			}
		}
	}
	if swap && n == 2 {
		ends[0], ends[1] = ends[1], ends[0]
	}
	names := [2][2]string{{"src_ip", "src_port"}, {"dst_ip", "dst_port"}}
	for i := range n {
		to.Add(names[i][0], ends[i][0])
		if ends[i][1] != nil {
			to.Add(names[i][1], ends[i][1])
		}
	}
	return n
}

// eachPair gives the pairs of a text of name=value and name="value", separated by blanks. A backslash keeps a quote inside.
func eachPair(b []byte, f func(name, value []byte) bool) {
	for len(b) > 0 {
		n := 0
		for n < len(b) && b[n] != '=' && b[n] != ' ' && b[n] != '\t' && b[n] != '"' {
			n++
		}
		if n == 0 || n == len(b) || b[n] != '=' {
			if n == len(b) {
				return
			}
			b = b[n+1:]
			continue
		}
		name, rest := b[:n], b[n+1:]
		var value []byte
		if len(rest) > 0 && rest[0] == '"' {
			end := 1
			for end < len(rest) && rest[end] != '"' {
				if rest[end] == '\\' && end+1 < len(rest) && rest[end+1] == '"' {
					end++
				}
				end++
			}
			value = rest[1:min(end, len(rest))]
			b = rest[min(end+1, len(rest)):]
		} else {
			end := bytes.IndexAny(rest, " \t")
			if end < 0 {
				end = len(rest)
			}
			value, b = rest[:end], rest[end:]
		}
		if !f(name, value) {
			return
		}
	}
}

func pairOf(b []byte, name string) (value []byte) {
	eachPair(b, func(n, v []byte) bool {
		if string(n) == name {
			value = v
			return false
		}
		return true
	})
	return value
}

// maxJSON bounds a JSON text in a message, and its depth.
const (
	maxJSON      = 256 << 10
	maxJSONDepth = 16
)

// jsonFields adds the values of a JSON object; members of members are joined with dots.
func jsonFields(b []byte, to Adder) {
	if len(b) > maxJSON {
		return
	}
	var object map[string]any
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if d.Decode(&object) == nil {
		addJSON("", object, to, 0)
	}
}

func addJSON(name string, v any, to Adder, depth int) {
	switch v := v.(type) {
	case map[string]any:
		if depth == maxJSONDepth {
			return
		}
		keys := make([]string, 0, len(v))
		for k := range v {
			keys = append(keys, k)
		}
		sort.Strings(keys)
		for _, k := range keys {
			under := k
			if name != "" {
				under = name + "." + k
			}
			if depth == 0 && k == "message" { // beside the whole text
				under = "json.message"
			}
			addJSON(under, v[k], to, depth+1)
		}
	case []any:
		if depth == maxJSONDepth {
			return
		}
		for _, e := range v {
			addJSON(name, e, to, depth+1)
		}
	case string:
		to.AddNamed([]byte(name), []byte(v))
	case json.Number:
		to.AddNamed([]byte(name), []byte(v))
	case bool:
		to.AddNamed([]byte(name), strconv.AppendBool(nil, v))
	}
}

func jsonTime(b []byte) int64 {
	text, ok := between(b[:min(len(b), 1000)], `"time":"`, `"`)
	if !ok {
		return event.NoTime
	}
	t, err := time.Parse(time.RFC3339Nano, string(text))
	if err != nil || t.Year() < 1700 || t.Year() > 2250 {
		return event.NoTime
	}
	return t.UnixNano()
}

// isDuo says whether a JSON text is an event of Duo, which names itself by its factor or integration.
func isDuo(b []byte) bool {
	b = b[:min(len(b), 4000)]
	return bytes.Contains(b, []byte(`"event_type"`)) && (bytes.Contains(b, []byte(`"auth_device"`)) || bytes.Contains(b, []byte(`"access_device"`)) || bytes.Contains(b, []byte(`"integration"`)) || bytes.Contains(b, []byte(`"factor"`)))
}
