// Package trail follows an intruder through one organisation's evidence.
//
// Events become a provenance graph across hosts: who started, wrote, loaded, opened, reached, logged on to what, each edge
// with its time and record. From the seeds a selective walk goes backward to the way in and forward to the effects, and what it
// accepted is told by stage, with every reference named. The literature it builds on stands at the functions that use it.
//
// Memory: a node costs about 22 bytes, a process 20 more while events come in and 16 when they are settled; an edge costs nothing. Names and
// edges beyond a budget lie in a temporary folder, names at their length and edges at about 14 bytes and then twice at 40. So memory grows with
// distinct names and with processes, not with events, and what puts edges in order holds a bounded part of them, whatever a single node does.
//
// The package promises the same result for any number of threads and any order of the evidence, and that "no intrusion established"
// is an answer: grave steps that somebody's habitual work explains, or that lead nowhere outside in logs that would show it, are none. It refuses to follow what everything is connected by – system sessions, the programs every host runs, addresses that
// everybody reaches – and it never calls a record the intruder's because it is near in time alone.
package trail
