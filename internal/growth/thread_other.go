//go:build !linux

package growth

import "time"

var began = time.Now()

// threadTime gives the time that passed, where the system does not tell a thread's.
func threadTime() time.Duration { return time.Since(began) }
