// Package flow finds beacons and uploads in network connections.
//
// It reads whatever tells of connections – Zeek conn, http and ssl, Suricata, NetFlow, proxy and firewall logs, Sysmon – through
// one table of sources, and judges each pair of source and destination over the whole evidence of an organisation.
//
// A beacon is a connection that recurs with a machine's regularity. It is scored as RITA does (Active Countermeasures, RITA v5,
// documentation of beacon scoring): four parts of equal weight – regularity in time, regularity in size, evenness over the
// span of the evidence, and how much of the span it lasts – with modifiers for how many hosts talk to the destination and how
// recently it was first seen. Where this differs from RITA is said at each part.
//
// An upload is a transfer that sends far more than the host and its peers usually send, or that carries a packed file outward.
//
// The package promises scores between 0 and 1 with every part beside them, the same for any order of the evidence, and bounded
// memory per pair. It refuses to judge pairs with too few connections, and never calls anything malicious: a score is a reason
// to look.
package flow
