package jsonlog

import (
	"bytes"
	"errors"
	"fmt"
)

// errIncomplete says that the text ended inside a value.
var errIncomplete = errors.New("the text ends inside a value")

// syntaxError is a place where the text is not JSON.
type syntaxError struct {
	at   int
	want string
}

func (e *syntaxError) Error() string { return "not JSON: expected " + e.want }

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == 0 }

// skipSpace passes over white space and NUL bytes, which crashed writers leave between records.
func skipSpace(data []byte, at int) int {
	for at < len(data) && isSpace(data[at]) {
		at++
	}
	return at
}

// stringEnd gives the place of the quote that closes the string whose text begins at, or -1.
func stringEnd(data []byte, at int) int {
	n := bytes.IndexByte(data[at:], '"')
	switch {
	case n < 0:
		return -1
	case n == 0 || data[at+n-1] != '\\': // nearly all
		return at + n
	}
	return escapedEnd(data, at, at+n)
}

// escapedEnd is stringEnd for a string whose first quote, at i, stands behind a backslash.
func escapedEnd(data []byte, at, i int) int {
	for {
		back := i
		for back > at && data[back-1] == '\\' {
			back--
		}
		if (i-back)&1 == 0 {
			return i
		}
		n := bytes.IndexByte(data[i+1:], '"')
		if n < 0 {
			return -1
		}
		i += 1 + n
	}
}

// words are the values without quotes that are not numbers. Python writes the last three.
var words = []struct {
	text string
	kind kind
}{{"true", kindBool}, {"false", kindBool}, {"null", kindNull}, {"NaN", kindText}, {"Infinity", kindText}, {"-Infinity", kindText}}

// bareEnd gives the end and kind of a number, true, false or null.
func bareEnd(data []byte, at int) (int, kind, error) {
	end := at
	for end < len(data) && data[end]-'0' <= 9 { // most are integers
		end++
	}
	if end < len(data) && !bareByte[data[end]] && (data[at]-'1' <= 8 || end == at+1 && data[at] == '0') {
		return end, kindNumber, nil
	}
	for end < len(data) && bareByte[data[end]] {
		end++
	}
	token := data[at:end]
	if isNumber(token) {
		return end, kindNumber, nil
	}
	for _, w := range words {
		if string(token) == w.text {
			return end, w.kind, nil
		}
	}
	if end == len(data) {
		return at, 0, errIncomplete
	}
	return at, 0, &syntaxError{at, "a value"}
}

var bareByte = func() (t [256]bool) {
	for c := '0'; c <= '9'; c++ {
		t[c] = true
	}
	for c := 'a'; c <= 'z'; c++ {
		t[c], t[c-'a'+'A'] = true, true
	}
	t['+'], t['-'], t['.'] = true, true, true
	return t
}()

// isNumber applies the grammar of RFC 8259, section 6.
func isNumber(b []byte) bool {
	i := 0
	digits := func() bool {
		from := i
		for i < len(b) && '0' <= b[i] && b[i] <= '9' {
			i++
		}
		return i > from
	}
	if i < len(b) && b[i] == '-' {
		i++
	}
	if i < len(b) && b[i] == '0' {
		i++
	} else if !digits() {
		return false
	}
	if i < len(b) && b[i] == '.' {
		i++
		if !digits() {
			return false
		}
	}
	if i < len(b) && (b[i] == 'e' || b[i] == 'E') {
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		if !digits() {
			return false
		}
	}
	return i == len(b)
}

// skimmer finds the end of a value without keeping it. Nesting costs one bit a level, so no depth is too much.
type skimmer struct {
	open  []uint64 // one bit per open container: set for an object
	depth int
}

func (s *skimmer) push(object bool) {
	if s.depth>>6 == len(s.open) {
		s.open = append(s.open, 0)
	}
	bit := uint64(1) << (s.depth & 63)
	if object {
		s.open[s.depth>>6] |= bit
	} else {
		s.open[s.depth>>6] &^= bit
	}
	s.depth++
}

func (s *skimmer) inObject() bool {
	top := s.depth - 1
	return s.open[top>>6]>>(top&63)&1 == 1
}

// value gives the end of the value that begins at. With a syntax error or errIncomplete it gives the place of it.
// A line break inside a string is an error: it is the mark of a record that was cut off.
func (s *skimmer) value(data []byte, at int) (int, error) {
	s.depth = 0
	s.open = s.open[:0]
	for {
		// A value begins here.
		at = skipSpace(data, at)
		if at == len(data) {
			return at, errIncomplete
		}
		switch c := data[at]; c {
		case '{', '[':
			object := c == '{'
			next := skipSpace(data, at+1)
			if next < len(data) && data[next] == c+2 { // '}' is '{'+2, ']' is '['+2
				at = next + 1
				break
			}
			s.push(object)
			at = next
			if object {
				var err error
				if at, err = skimKey(data, at); err != nil {
					return at, err
				}
			}
			continue
		case '"':
			end, err := skimString(data, at)
			if err != nil {
				return end, err
			}
			at = end
		default:
			end, _, err := bareEnd(data, at)
			if err != nil {
				return end, err
			}
			at = end
		}
		// A value ended here: close what closes, go on at a comma.
		for {
			if s.depth == 0 {
				return at, nil
			}
			at = skipSpace(data, at)
			if at == len(data) {
				return at, errIncomplete
			}
			object := s.inObject()
			if data[at] == ',' {
				at++
				if object {
					var err error
					if at, err = skimKey(data, skipSpace(data, at)); err != nil {
						return at, err
					}
				}
				break
			}
			if object && data[at] != '}' || !object && data[at] != ']' {
				return at, &syntaxError{at, "a comma or the end of the object or array"}
			}
			s.depth--
			at++
		}
	}
}

// skimKey passes over a key and its colon.
func skimKey(data []byte, at int) (int, error) {
	if at == len(data) {
		return at, errIncomplete
	}
	if data[at] != '"' {
		return at, &syntaxError{at, "a name in quotes"}
	}
	end, err := skimString(data, at)
	if err != nil {
		return end, err
	}
	end = skipSpace(data, end)
	if end == len(data) {
		return end, errIncomplete
	}
	if data[end] != ':' {
		return end, &syntaxError{end, "a colon"}
	}
	return end + 1, nil
}

func skimString(data []byte, at int) (int, error) {
	end := stringEnd(data, at+1)
	stop := end
	if end < 0 {
		stop = len(data)
	}
	if n := bytes.IndexByte(data[at:stop], '\n'); n >= 0 {
		return at + n, &syntaxError{at + n, "the end of a string before the end of the line"}
	}
	if end < 0 {
		return len(data), errIncomplete
	}
	return end + 1, nil
}

// envelope are the names that may stand before the list of records in an object that only wraps records.
var envelope = map[string]bool{
	"took": true, "timed_out": true, "_shards": true, "total": true, "max_score": true, "_scroll_id": true,
	"nextToken": true, "NextToken": true, "next": true, "nextPageToken": true, "@odata.context": true, "@odata.nextLink": true,
	"@odata.count": true, "count": true, "totalCount": true, "offset": true, "limit": true, "size": true, "status": true, "success": true,
	"preview": true, "init_offset": true, "messages": true, "owner": true, "logGroup": true, "logStream": true,
	"subscriptionFilters": true, "messageType": true, "kind": true, "etag": true, "version": true,
}

// lists are the names of the list of records in such an object.
var lists = map[string]bool{
	"Records": true, "records": true, "events": true, "Events": true, "hits": true, "value": true, "results": true, "items": true,
	"data": true, "logs": true, "logEvents": true, "entries": true, "rows": true, "Logs": true,
}

// wrapped says whether the object that begins at data[0] only wraps a list of records, such as {"Records":[…]} or
// {"hits":{"hits":[…]}}: nothing but envelope names stands before the list. It gives the number of bytes to the
// first record and the number of objects opened, 0 when it is a record itself. Where the text ends before that can be
// decided the answer is errIncomplete.
func wrapped(data []byte, s *skimmer) (to, opened int, err error) {
	at := 0
	for opened < 4 && at < len(data) && data[at] == '{' {
		opened++
		at = skipSpace(data, at+1)
		for {
			if at == len(data) {
				return 0, 0, errIncomplete
			}
			if data[at] != '"' {
				return 0, 0, nil
			}
			end := stringEnd(data, at+1)
			if end < 0 {
				return 0, 0, errIncomplete
			}
			name := data[at+1 : end]
			at = skipSpace(data, end+1)
			if at == len(data) {
				return 0, 0, errIncomplete
			}
			if data[at] != ':' {
				return 0, 0, nil
			}
			at = skipSpace(data, at+1)
			if at == len(data) {
				return 0, 0, errIncomplete
			}
			if lists[string(name)] && data[at] == '[' {
				first := skipSpace(data, at+1)
				if first == len(data) {
					return 0, 0, errIncomplete
				}
				if data[first] != '{' && data[first] != ']' {
					return 0, 0, nil
				}
				return at + 1, opened, nil
			}
			if lists[string(name)] && data[at] == '{' {
				break // {"hits":{"hits":[…]}}
			}
			if !envelope[string(name)] {
				return 0, 0, nil
			}
			if at, err = s.value(data, at); err != nil {
				if errors.Is(err, errIncomplete) {
					return 0, 0, err
				}
				return 0, 0, nil
			}
			at = skipSpace(data, at)
			if at == len(data) {
				return 0, 0, errIncomplete
			}
			if data[at] != ',' {
				return 0, 0, nil
			}
			at = skipSpace(data, at+1)
		}
	}
	return 0, 0, nil
}

// quoted renders the beginning of bad evidence for a message.
func quoted(data []byte) string {
	if len(data) > 24 {
		data = data[:24]
	}
	return fmt.Sprintf("%q", data)
}
