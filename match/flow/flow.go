package flow

import (
	"bytes"
	"encoding/binary"
	"math"
	"slices"
	"strconv"

	"github.com/contrail-ir/contrail/event"
)

// The rules of this package by their index.
const (
	Beacon event.RuleIndex = iota
	Upload
)

// Observer implements event.Observer. Its zero value is ready.
type Observer struct{}

// Searches says whether a source tells of connections.
func Searches(s event.Source) bool {
	f, _ := sourceOf(s)
	return f != nil
}

// Needs implements event.Observer.
func (Observer) Needs() event.Needs {
	return event.Always(func(s event.Source) event.Want {
		f, _ := sourceOf(s)
		if f == nil {
			return event.Want{}
		}
		names := f.all()
		slices.Sort(names)
		return event.Want{Fields: slices.Compact(names)}
	})
}

// Watcher implements event.Observer.
func (Observer) Watcher() event.Watcher { return &watcher{} }

// Judge implements event.Observer.
func (Observer) Judge() event.Judge { return newJudge() }

// A key is: what it is about, destination, port, source; with the destination first, hosts that talk to it are neighbours.
const (
	byAddress = 'a'
	byName    = 'n'
)

const maxPart = 255 // bytes of a name or address in a key; a longer one is cut, which can only join pairs

type watcher struct {
	key, value []byte
	text       []byte
	src, port  []byte
	reach      []bool // by destination of the batch: whether it can be routed
}

func (w *watcher) Watch(b *event.Batch, note func(row int, key, value []byte)) error {
	f, log := sourceOf(b.Schema.Source)
	if f == nil {
		return nil
	}
	c := f.of(b)
	if c.src == nil {
		return nil
	}
	w.reach = w.reach[:0]
	if c.dst != nil {
		for i := range c.dst.Dict.Len() {
			w.text = c.dst.Dict.AppendText(w.text[:0], i)
			w.reach = append(w.reach, !unroutable(string(w.text)))
		}
	}
	for row := range b.Rows {
		if b.Time[row] == event.NoTime {
			continue
		}
		w.src = c.src.AppendText(w.src[:0], row)
		if len(w.src) == 0 || !w.routable(c.dst, row) || len(f.beside) > 0 && slices.Contains(f.beside, string(w.get(c.kind, row))) {
			continue
		}
		o := observed{log: log, sent: w.number(c.sent, row), received: w.number(c.received, row), duration: w.number(c.duration, row)}
		w.port = c.port.AppendText(w.port[:0], row)
		if c.connections && len(w.get(c.dst, row)) > 0 {
			w.write(byAddress, w.get(c.dst, row))
			w.value = o.append(w.value[:0])
			note(row, w.key, w.value)
		}
		name := bytes.ToLower(bytes.Clone(w.get(c.name, row)))
		if len(name) == 0 || !c.connections && bytes.Equal(name, w.get(c.dst, row)) {
			// The address stands for a host without a name; messages to it count for what they carry only.
			name = bytes.Clone(w.get(c.dst, row))
			if o.message(w, &c, row); !o.carries() || c.connections {
				continue
			}
		} else {
			o.message(w, &c, row)
		}
		if len(name) == 0 {
			continue
		}
		w.write(byName, name)
		w.value = o.append(w.value[:0])
		note(row, w.key, w.value)
	}
	return nil
}

func (w *watcher) get(c *event.Column, row int) []byte {
	w.text = c.AppendText(w.text[:0], row)
	return w.text
}

// decimal reads digits with or without a point, so few that the quotient of the two numbers that they and their places are is the nearest
// there is: what strconv.ParseFloat gives.
func decimal(text []byte) (v float64, ok bool) {
	if len(text) == 0 || len(text) > 16 {
		return 0, false
	}
	var digits uint64
	point := len(text) - 1
	for i, c := range text {
		switch {
		case '0' <= c && c <= '9':
			digits = digits*10 + uint64(c-'0')
		case c == '.' && point == len(text)-1 && i > 0 && i < len(text)-1:
			point = i
		default:
			return 0, false
		}
	}
	return float64(digits) / powers[len(text)-1-point], digits < 1<<53
}

var powers = [...]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15}

// routable says whether a row's destination can be routed; one that is not told can.
func (w *watcher) routable(c *event.Column, row int) bool {
	for _, code := range c.At(row) {
		if i, ok := code.Value(); ok {
			return w.reach[i]
		}
	}
	return true
}

// number reads a count or seconds, NaN when there is none.
func (w *watcher) number(c *event.Column, row int) float64 {
	text := w.get(c, row)
	if v, ok := decimal(text); ok {
		return v
	}
	if len(text) == 0 {
		return math.NaN()
	}
	v, err := strconv.ParseFloat(string(text), 64)
	if err != nil || v < 0 || v > 1e18 {
		return math.NaN()
	}
	return v
}

// write makes the key of a connection from w.src to w.port of a destination.
func (w *watcher) write(kind byte, dst []byte) {
	w.key = append(w.key[:0], kind, 0)
	for _, part := range [][]byte{dst, w.port, w.src} {
		for _, c := range part[:min(len(part), maxPart)] {
			if c == 0 { // it parts the key
				c = ' '
			}
			w.key = append(w.key, c)
		}
		w.key = append(w.key, 0)
	}
}

// pair is a key taken apart.
type pair struct {
	kind           byte
	dst, port, src string
}

func parsePair(key []byte) (p pair, ok bool) {
	parts := bytes.Split(key, []byte{0})
	if len(parts) != 5 || len(parts[0]) != 1 {
		return p, false
	}
	return pair{parts[0][0], string(parts[1]), string(parts[2]), string(parts[3])}, true
}

// observed is what one row tells; NaN where the source does not say.
type observed struct {
	log                      uint8 // which row of the table of sources
	sent, received, duration float64
	puts                     bool   // a method that sends
	file                     string // the file name in the path when it is a packed one
}

// message reads what an HTTP request says about an upload.
func (o *observed) message(w *watcher, c *columns, row int) {
	switch string(bytes.ToUpper(w.get(c.method, row))) {
	case "PUT", "POST", "PATCH", "MOVE", "STOR", "SEND":
		o.puts = true
	}
	if o.puts {
		o.file = packedFile(string(w.get(c.path, row)))
	}
}

// carries says whether a message matters beside its connection.
func (o *observed) carries() bool { return o.puts }

func (o *observed) append(dst []byte) []byte {
	for _, v := range []float64{o.sent, o.received, o.duration} {
		dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(v))
	}
	flag := byte(0)
	if o.puts {
		flag = 1
	}
	return append(append(dst, flag, o.log), o.file...)
}

func parseObserved(b []byte) (o observed, ok bool) {
	if len(b) < 26 || int(b[25]) >= len(sources) {
		return o, false
	}
	f := func(at int) float64 {
		v := math.Float64frombits(binary.LittleEndian.Uint64(b[at:]))
		if v < 0 || v > 1e18 { // no count of bytes or seconds
			return math.NaN()
		}
		return v
	}
	return observed{b[25], f(0), f(8), f(16), b[24] == 1, string(b[26:])}, true
}
