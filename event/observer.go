package event

// An Observer is a compiled set of rules that judge many events together: how regular a connection is, how much a host sends.
// It is immutable and shared between goroutines. It sees events twice: a Watcher notes what each event contributes, in any order
// and on any goroutine; a Judge gets all that was noted in one organisation, sorted, and concludes.
type Observer interface {
	Needs() Needs
	Watcher() Watcher
	Judge() Judge
}

// A Watcher holds the scratch memory of one goroutine.
type Watcher interface {
	// Watch calls note for each contribution of a row. Contributions with the same key are judged together; the value is the
	// rule's own. Both are copied.
	Watch(b *Batch, note func(row int, key, value []byte)) error
}

// Observation is what a watcher noted, with the place it came from.
type Observation struct {
	Key    []byte
	Value  []byte
	Time   int64
	Host   string
	File   string
	Record uint64
	Offset uint64
}

// A Judge concludes about one organisation. One goroutine uses it.
type Judge interface {
	// Add takes the observations in order of key, time, file and record. The observation is borrowed for the call.
	Add(o *Observation)
	// Conclude calls emit for every conclusion, in an order that depends only on what was added.
	Conclude(emit func(Conclusion))
}

// Conclusion is what observations add up to.
type Conclusion struct {
	Rule    RuleIndex
	At      Observation // the event that stands for all: the first of a beacon, the largest of an upload
	Score   float64     // 0 to 1
	Matched []Matched   // the parts of the score and the figures behind them
}
