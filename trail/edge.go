package trail

import (
	"cmp"
	"encoding/binary"
)

// Relation is what an edge says.
type Relation uint8

const (
	noRelation   Relation = iota
	Started               // process → process
	Ended                 // process
	RunsImage             // process → file
	RunsProgram           // process → program
	HasHash               // process → hash
	HasCommand            // process → command
	InSession             // process → session
	Mentioned             // process, service, task, WMI, script → file, URL, name, service, task, account
	Wrote                 // process, session → file
	ReadFrom              // process, session → file
	Deleted               // process → file
	Loaded                // process → file
	Injected              // process → process
	Accessed              // process → process
	SetValue              // process → registry, service, task
	Opened                // process → socket
	Accepted              // socket → process
	Connected             // process, address → address
	Sent                  // process, address → address; Count is KiB
	Resolved              // process, address → name
	Answered              // name → address
	Requested             // process, address → URL
	LoggedOn              // socket, pair, address → session
	RefusedLogon          // socket, pair → account
	Checked               // pair → account: a password or ticket checked by a controller
	OfAccount             // session → account
	Gained                // session → account: special privileges
	LoggedOff             // session
	UsedLogon             // process, session → pair: other credentials towards a host
	Installed             // session → service, task, WMI
	Changed               // service, task, log: a state change told by the log
	Runs                  // service, task, WMI → file
	RanAs                 // task → process
	RanScript             // process → script
	MadeAccount           // session → account
	AddedMember           // session → account
	Cleared               // session → log
	UsedPipe              // process, session → pipe
	Queried               // account, address → query
	Received              // account → mail
	Assigned              // session → address inside that it was given; Count is how many seconds before
	Reached               // address → device
	Failed                // address → device, or a device alone: a program of it broke
	Configured            // session, address, device → setting
	PassedOn              // session, address → address to which a device was told to hand traffic
	Probed                // address → URL for which the server had nothing
	Serves                // URL → page
	ServedAs              // file → page
	SentMail              // mailbox → mail
	SameMail              // mail → mail: one message under two numbers
	Carried               // mail → attachment
	SavedAs               // file → attachment, in a folder for what people receive
	AddressedTo           // file → account in whose folder it lies
	Packed                // process → archive that its command line makes
	Posted                // address → URL, with something for the server to work on
	relationCount
)

// asks says whether an edge is a request: what brings something is kept apart from what only fetches, since edges that say the same are folded.
func (r Relation) asks() bool { return r == Requested || r == Posted }

var relationNames = [relationCount]string{"", "started", "ended", "runs-image", "runs-program", "has-hash", "has-command", "in-session", "mentioned", "wrote", "read", "deleted",
	"loaded", "injected", "accessed", "set", "opened", "accepted", "connected", "sent", "resolved", "answered", "requested", "logged-on", "refused-logon", "checked", "of-account", "gained-privileges", "logged-off",
	"used-credentials", "installed", "changed", "runs", "ran", "ran-script", "made-account", "added-member", "cleared", "used-pipe", "queried", "received",
	"assigned", "reached", "failed", "configured", "passed-on", "probed", "serves", "served-as", "sent-mail", "same-mail", "carried", "saved-as", "addressed-to", "packed", "posted"}

func (r Relation) String() string {
	if r < relationCount {
		return relationNames[r]
	}
	return "?"
}

// edge is one relation at one time with the record that told it; after folding, with the first of several records.
type edge struct {
	From, To Node
	Rel      Relation
	Host     uint32 // 24 bits: number of the host that logged it
	Count    uint32 // of records folded into it; of KiB for Sent
	Time     int64  // nanoseconds
	File     uint32 // number of the evidence file
	Span     uint32 // seconds from the first to the last record folded into it
	Record   uint64
}

// edgeSize is the length of an edge on disk where edges are found by bisection.
const edgeSize = 40

func (e *edge) append(dst []byte) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, uint32(e.From))
	dst = binary.LittleEndian.AppendUint32(dst, uint32(e.To))
	dst = binary.LittleEndian.AppendUint32(dst, uint32(e.Rel)|e.Host<<8)
	dst = binary.LittleEndian.AppendUint32(dst, e.Count)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(e.Time))
	dst = binary.LittleEndian.AppendUint32(dst, e.File)
	dst = binary.LittleEndian.AppendUint32(dst, e.Span)
	return binary.LittleEndian.AppendUint64(dst, e.Record)
}

func parseEdge(b []byte) edge {
	_ = b[edgeSize-1]
	u32, u64 := binary.LittleEndian.Uint32, binary.LittleEndian.Uint64
	return edge{From: Node(u32(b)), To: Node(u32(b[4:])), Rel: Relation(b[8]), Host: u32(b[8:]) >> 8, Count: u32(b[12:]), Time: int64(u64(b[16:])), File: u32(b[24:]), Span: u32(b[28:]), Record: u64(b[32:])}
}

// What a record tells is several edges, mostly of one node, so where edges are only read in their order each is written as what differs from the
// one before: about 14 bytes. Span is not written: what was not folded yet has none.
const (
	sameRecord = 1 << iota // host, time, file and record
	sameFrom
	countOne
)

// maxDifference is the most bytes that an edge takes as what differs from another.
const maxDifference = 2 + 4 + 4 + 4 + 4 + 8 + 4 + 8

// appendAfter appends what differs from the edge before.
func (e *edge) appendAfter(dst []byte, before *edge) []byte {
	flags := byte(0)
	if e.Record == before.Record && e.Time == before.Time && e.File == before.File && e.Host == before.Host {
		flags |= sameRecord
	}
	if e.From == before.From {
		flags |= sameFrom
	}
	if e.Count == 1 {
		flags |= countOne
	}
	dst = append(dst, flags, byte(e.Rel))
	dst = binary.LittleEndian.AppendUint32(dst, uint32(e.To))
	if flags&sameFrom == 0 {
		dst = binary.LittleEndian.AppendUint32(dst, uint32(e.From))
	}
	if flags&countOne == 0 {
		dst = binary.LittleEndian.AppendUint32(dst, e.Count)
	}
	if flags&sameRecord == 0 {
		dst = binary.LittleEndian.AppendUint32(dst, e.Host)
		dst = binary.LittleEndian.AppendUint64(dst, uint64(e.Time))
		dst = binary.LittleEndian.AppendUint32(dst, e.File)
		dst = binary.LittleEndian.AppendUint64(dst, e.Record)
	}
	return dst
}

// parseAfter turns the edge before into the one that b begins with and gives its length, 0 when b is too short.
func (e *edge) parseAfter(b []byte) int {
	if len(b) < 6 {
		return 0
	}
	flags, n := b[0], 6
	if flags&sameFrom == 0 {
		n += 4
	}
	if flags&countOne == 0 {
		n += 4
	}
	if flags&sameRecord == 0 {
		n += 24
	}
	if len(b) < n {
		return 0
	}
	u32, u64 := binary.LittleEndian.Uint32, binary.LittleEndian.Uint64
	e.Rel, e.To, e.Count = Relation(b[1]), Node(u32(b[2:])), 1
	b = b[6:]
	if flags&sameFrom == 0 {
		e.From, b = Node(u32(b)), b[4:]
	}
	if flags&countOne == 0 {
		e.Count, b = u32(b), b[4:]
	}
	if flags&sameRecord == 0 {
		e.Host, e.Time, e.File, e.Record = u32(b), int64(u64(b[4:])), u32(b[12:]), u64(b[16:])
	}
	return n
}

// compareEdges orders the edges at one node by what does not depend on the order of reading.
func compareEdges(a, b *edge) int {
	if c := cmp.Compare(a.Time, b.Time); c != 0 { // most often decided here
		return c
	}
	return cmp.Or(cmp.Compare(a.Rel, b.Rel), cmp.Compare(a.File, b.File), cmp.Compare(a.Record, b.Record), cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To))
}
