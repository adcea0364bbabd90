package dnslog

import (
	"bytes"
	"strconv"
	"time"

	"github.com/contrail-ir/contrail/evidence/internal/stamp"
)

// packet reads time thread PACKET id protocol direction address xid [R] opcode [flags code] type name.
func packet(before, rest []byte, zone *time.Location, w *row) bool {
	before = bytes.TrimSpace(before)
	i := bytes.LastIndexByte(before, ' ')
	if i < 0 {
		return false
	}
	ns, ok := stamp.Parse(before[:i], zone)
	if !ok {
		return false
	}
	open, end := bytes.IndexByte(rest, '['), bytes.IndexByte(rest, ']')
	if open < 0 || end < open {
		return false
	}
	words := bytes.Fields(rest[:open])
	if len(words) == 0 {
		return false
	}
	if string(words[0]) != "UDP" && string(words[0]) != "TCP" { // the packet's address in memory
		words = words[1:]
	}
	if len(words) < 4 || string(words[1]) != "Snd" && string(words[1]) != "Rcv" {
		return false
	}
	if !w.begin(Microsoft, ns, nil) {
		return true
	}
	response := false
	w.put("thread", before[i+1:])
	w.put("protocol", words[0])
	w.put("direction", words[1])
	w.put("xid", words[3])
	for _, x := range words[4:] {
		if string(x) == "R" {
			response = true
		} else {
			w.put("opcode", x)
		}
	}
	w.put("response", strconv.AppendBool(nil, response))
	// Queries come from the client, and answers go to it; the others are between servers.
	if client := (string(words[1]) == "Rcv") != response; client {
		w.put("c-ip", words[2])
		w.put("src_ip", words[2])
	} else {
		w.put("dst_ip", words[2])
	}
	flags := bytes.Fields(rest[open+1 : end])
	if n := len(flags); n > 0 {
		w.put("flags", bytes.Join(flags[:n-1], []byte{' '}))
		w.put("rcode", flags[n-1])
	}
	if tail := bytes.Fields(rest[end+1:]); len(tail) > 0 {
		name := tail[len(tail)-1]
		if len(tail) > 1 {
			w.put("record_type", tail[0])
		}
		w.put("query", dotted(name))
		w.put("qname", name)
	}
	return true
}

// dotted turns (3)www(7)example(3)com(0) into www.example.com.
func dotted(name []byte) []byte {
	var out []byte
	for len(name) > 0 && name[0] == '(' {
		i := bytes.IndexByte(name, ')')
		if i < 0 {
			break
		}
		n, err := strconv.Atoi(string(name[1:i]))
		if err != nil || n <= 0 || n > len(name)-i-1 {
			if err != nil || n != 0 {
				return append(out, name...) // not what it seems
			}
			name = name[i+1:]
			continue
		}
		if len(out) > 0 {
			out = append(out, '.')
		}
		out = append(out, name[i+1:i+1+n]...)
		name = name[i+1+n:]
	}
	return append(out, name...)
}

// microsoftEvent reads lines of Microsoft's log that are no packets: time thread CONTEXT text.
func microsoftEvent(l []byte, zone *time.Location, w *row) bool {
	for _, context := range []string{"EVENT", "DSPOLL", "INIT", "LOOKUP", "NOTIFY", "RECURSE", "REMOTE", "UPDATE", "Note:", "TOMBSTN", "WRITE", "NETIO"} {
		i := bytes.Index(l, []byte(" "+context+" "))
		if i < 12 || i > 40 {
			continue
		}
		before := bytes.TrimSpace(l[:i])
		j := bytes.LastIndexByte(before, ' ')
		if j < 0 {
			return false
		}
		ns, ok := stamp.Parse(before[:j], zone)
		if !ok {
			return false
		}
		if w.begin(Microsoft, ns, nil) {
			w.put("context", []byte(context))
			w.put("message", l[i+len(context)+2:])
		}
		return true
	}
	return false
}

// details adds the answers from the lines that describe a packet in full.
func details(w *row, rest []byte) {
	w.put("details", rest)
	answers, n := false, 0
	for _, l := range bytes.Split(rest, []byte{'\n'}) {
		l = bytes.TrimSpace(l)
		switch {
		case bytes.HasPrefix(l, []byte("ANSWER SECTION")):
			answers = true
		case bytes.HasSuffix(l, []byte(" SECTION:")):
			answers = false
		case answers && bytes.HasPrefix(l, []byte("DATA ")) && n < 1000:
			w.put("answer", dotted(bytes.TrimSpace(l[5:])))
			n++
		}
	}
}
