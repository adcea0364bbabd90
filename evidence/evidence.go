// Package evidence walks, unpacks, hashes, recognises and reads.
//
// It turns the files of an organisation into segments that any goroutine can decode into event batches. Evidence is
// written by intruders: what cannot be read becomes recorded damage with file and offset, never a failure of the
// whole; nothing outside the named roots is opened; nothing is executed or written.
package evidence
