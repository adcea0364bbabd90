//go:build !linux

package sweep

import "runtime"

// peakRSS gives what the runtime took from the system, which is at least the resident set of the program's own memory.
func peakRSS() int64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.Sys)
}
