package census

import (
	"cmp"
	"math"
	"net/netip"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/exposure"
)

// Logs adds up what logs say that somebody took who is known by accounts and addresses: the rows that his statements returned, where a database's
// log tells, and the bytes of the files that Zeek or Suricata saw sent to him. It adds up by log, because several logs can tell of the same, and says nothing
// of what was in the rows.
type Logs struct {
	by     map[string]string // in small letters → as named
	within event.Needs

	mu    sync.Mutex
	taken map[taking]amount
	read  uint64
}

// taking is what is added up: all of it is named by people or is a file of the evidence, so that hostile records do not make it grow.
type taking struct {
	org, file, by string
	sent, packed  bool
}

type amount struct {
	records, unsaid uint64 // of the log; and those that do not say how much
	least, most     uint64
}

func (a *amount) plus(o amount, sent bool) {
	a.records += o.records
	a.unsaid += o.unsaid
	a.most = bounded(a.most + o.most)
	if sent {
		a.least = bounded(a.least + o.least)
	} else { // the next statement may have returned the same rows
		a.least = max(a.least, o.least)
	}
}

// bounded keeps sums of what hostile records say from running over.
func bounded(n uint64) uint64 { return min(n, math.MaxInt64) }

// NewLogs looks for accounts and addresses. within bounds the times; records without a time are within.
func NewLogs(by []string, within event.Needs) *Logs {
	l := &Logs{by: map[string]string{}, within: within, taken: map[taking]amount{}}
	for _, b := range by {
		l.by[strings.ToLower(strings.TrimSpace(b))] = b
	}
	return l
}

var (
	queryFields = []string{"client", "command", "rows", "statement", "user"}
	fileFields  = []string{"filename", "id.orig_h", "id.resp_h", "id_orig_h", "id_resp_h", "is_orig", "mime_type", "missing_bytes", "rx_hosts", "seen_bytes", "total_bytes", "tx_hosts"}
	infoFields  = []string{"dest_ip", "fileinfo.filename", "fileinfo.gaps", "fileinfo.magic", "fileinfo.size", "fileinfo.state"}
)

// Needs says what is wanted of logs.
func (l *Logs) Needs() event.Needs {
	return event.Always(func(s event.Source) event.Want {
		switch {
		case s.Category == "database":
			return event.Want{Fields: queryFields}
		case s.Product == "zeek" && s.Service == "files":
			return event.Want{Fields: fileFields}
		case s.Product == "suricata" && s.Service == "fileinfo":
			return event.Want{Fields: infoFields}
		}
		return event.Want{}
	})
}

// LogReader adds up for one goroutine and one organisation.
type LogReader struct {
	logs  *Logs
	org   string
	taken map[taking]amount
	read  uint64
}

// Reader returns the working memory of one goroutine for one organisation.
func (l *Logs) Reader(org string) *LogReader {
	return &LogReader{logs: l, org: org, taken: map[taking]amount{}}
}

// Batch adds up a batch of a log.
func (r *LogReader) Batch(file string, b *event.Batch) error {
	if w := r.logs.Needs(); b.Rows == 0 || w.Of(b.Schema.Source).Nothing() {
		return nil
	}
	r.read += uint64(b.Rows)
	one := r.statement
	switch s := b.Schema.Source; {
	case s.Category == "database":
	case s.Product == "suricata":
		one = r.info
	default:
		one = r.file
	}
	for i := range b.Rows {
		if r.logs.within.Covers(b.Time[i]) {
			one(file, b, i)
		}
	}
	return nil
}

// Flush adds what was read to the whole.
func (r *LogReader) Flush() error {
	r.logs.mu.Lock()
	defer r.logs.mu.Unlock()
	for k, a := range r.taken {
		whole := r.logs.taken[k]
		whole.plus(a, k.sent)
		r.logs.taken[k] = whole
	}
	clear(r.taken)
	r.logs.read += r.read
	r.read = 0
	return nil
}

// Read gives how many records there were that could tell, whoever they speak of.
func (l *Logs) Read() uint64 { return l.read }

func (r *LogReader) add(k taking, a amount) {
	k.org = r.org
	whole := r.taken[k]
	whole.plus(a, k.sent)
	r.taken[k] = whole
}

// statement adds up the rows that a statement returned.
func (r *LogReader) statement(file string, b *event.Batch, row int) {
	by := r.logs.whose(b.Column("user").Text(row))
	if by == "" {
		by = r.logs.whose(b.Column("client").Text(row))
	}
	if by == "" {
		return
	}
	n, said := number(b.Column("rows"), row)
	if !returns(cmp.Or(b.Column("statement").Text(row), b.Column("command").Text(row)), n) {
		return
	}
	a := amount{records: 1, least: n, most: n}
	if !said {
		a.unsaid = 1
	}
	r.add(taking{file: file, by: by}, a)
}

// returns says whether a statement is of those that return rows to whoever sent it. Of what is written the log counts rows, too.
func returns(statement string, rows uint64) bool {
	word := strings.TrimLeft(statement, " \t\r\n(")
	for comment := true; comment; {
		for _, c := range [][2]string{{"/*", "*/"}, {"--", "\n"}, {"#", "\n"}} {
			if comment = strings.HasPrefix(word, c[0]); comment {
				_, word, _ = strings.Cut(word, c[1])
				word = strings.TrimLeft(word, " \t\r\n(")
				break
			}
		}
	}
	if i := strings.IndexFunc(word, func(c rune) bool { return c < 'A' || c > 'Z' && c < 'a' || c > 'z' }); i >= 0 {
		word = word[:i]
	}
	switch strings.ToUpper(word) {
	case "SELECT", "WITH", "TABLE", "VALUES", "COPY", "FETCH", "EXEC", "EXECUTE", "CALL", "SL":
		return true
	case "INSERT", "UPDATE", "DELETE", "MERGE", "REPLACE", "LOAD", "IN", "UP", "DL":
		return false
	}
	return rows > 0
}

// file adds up a file that was sent. Newer sensors name the ends of the connection and which of them sent it.
func (r *LogReader) file(file string, b *event.Batch, row int) {
	to := texts(b.Column("rx_hosts"), row)
	if len(to) == 0 {
		end, other := "id.resp_h", "id_resp_h"
		if sent := b.Column("is_orig").Text(row); sent != "T" && sent != "true" {
			end, other = "id.orig_h", "id_orig_h"
		}
		to = append(texts(b.Column(end), row), texts(b.Column(other), row)...)
	}
	for _, address := range to {
		by := r.logs.whose(address)
		if by == "" {
			continue
		}
		seen, said := number(b.Column("seen_bytes"), row)
		missing, _ := number(b.Column("missing_bytes"), row)
		total, _ := number(b.Column("total_bytes"), row)
		a := amount{records: 1, least: seen, most: max(total, bounded(seen+missing))}
		if !said {
			a.unsaid = 1
		}
		r.add(taking{file: file, by: by, sent: true, packed: compressed(b.Column("mime_type").Text(row), b.Column("filename").Text(row))}, a)
		return
	}
}

// info adds up a file that Suricata tells of, whose two ends are those of the file: it was sent to dest_ip. A file that was not seen to its end, or
// with gaps, was longer by nobody knows how much.
func (r *LogReader) info(file string, b *event.Batch, row int) {
	by := r.logs.whose(b.Column("dest_ip").Text(row))
	if by == "" {
		return
	}
	seen, said := number(b.Column("fileinfo.size"), row)
	a := amount{records: 1, least: seen, most: seen}
	if !said || b.Column("fileinfo.state").Text(row) != "CLOSED" || b.Column("fileinfo.gaps").Text(row) == "true" {
		a.unsaid = 1
	}
	r.add(taking{file: file, by: by, sent: true, packed: compressed(strings.ToLower(b.Column("fileinfo.magic").Text(row)), b.Column("fileinfo.filename").Text(row))}, a)
}

func compressed(mime, name string) bool {
	for _, word := range []string{"zip", "7z", "rar", "bzip2", "x-xz", "zstd", "cab", "compress"} {
		if strings.Contains(mime, word) {
			return true
		}
	}
	return slices.Contains([]string{".zip", ".7z", ".rar", ".gz", ".tgz", ".bz2", ".xz", ".zst", ".cab"}, strings.ToLower(path.Ext(name)))
}

// whose gives the account or address that a value is, as it was named; "" when it is nobody's that is looked for. An account stands for
// itself in every domain.
func (l *Logs) whose(value string) string {
	v := strings.ToLower(strings.TrimSpace(value))
	if v == "" {
		return ""
	}
	if by := l.by[v]; by != "" {
		return by
	}
	if a, err := netip.ParseAddrPort(v); err == nil {
		return l.by[a.Addr().Unmap().String()]
	}
	if i := strings.LastIndexByte(v, '\\'); i >= 0 {
		return l.by[v[i+1:]]
	}
	name, _, _ := strings.Cut(v, "@")
	return l.by[name]
}

func number(c *event.Column, row int) (n uint64, said bool) {
	n, err := strconv.ParseUint(strings.TrimSpace(c.Text(row)), 10, 62)
	return n, err == nil
}

func texts(c *event.Column, row int) (all []string) {
	for _, code := range c.At(row) {
		if i, ok := code.Value(); ok {
			all = append(all, string(c.Dict.AppendText(nil, i)))
		}
	}
	return all
}

// Into enters what was added up: rows and bytes as observations, and the files that were sent as payloads that nobody can open. Of a log
// that cut says could not be read to its end the numbers have no upper bound.
func (l *Logs) Into(c *exposure.Counter, cut func(org, file string) bool) {
	all := make([]taking, 0, len(l.taken))
	for k := range l.taken {
		all = append(all, k)
	}
	slices.SortFunc(all, func(a, b taking) int {
		return cmp.Or(cmp.Compare(a.org, b.org), cmp.Compare(a.file, b.file), cmp.Compare(a.by, b.by), order(a.sent, b.sent), order(a.packed, b.packed))
	})
	for _, k := range all {
		a := l.taken[k]
		o := exposure.Observation{Org: k.org, Status: exposure.Accessed, Kind: "database-row", Unit: "rows", Lower: a.least, Source: k.file, By: k.by, Records: a.records, Unsaid: a.unsaid}
		if a.unsaid == 0 && !cut(k.org, k.file) {
			o.Upper = &a.most
		}
		if k.sent {
			o.Status, o.Kind, o.Unit = exposure.Taken, "sent-file", "bytes"
			c.AddPayload(exposure.Payload{Org: k.org, Status: o.Status, Name: "files sent to " + k.by + ", told by " + k.file, Bytes: int64(a.most), Packed: k.packed})
		}
		c.Observe(o)
	}
}

func order(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}
