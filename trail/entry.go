package trail

import (
	"time"
)

// Joins by which a walk finds the way in where only gateways, servers and mail logs hold it. Each has a key, a window of time and a reason why it
// is not everybody's:
//
//	assigned address  ↔ session of remote access: the address, within the session; a host's own address is never one that was assigned
//	account           ↔ its making on a device: the name, at most a month before the session, and before it was ever used
//	making, change    ↔ failure of the device: the device, the hour before
//	file received     ↔ attachment ↔ message: the file's name and whose folder it lies in, from a fortnight before; of several the last
//	file received     ↔ message, where no log names attachments: the recipient, the day before, and only from a sender who wrote hardly ever
//	shell of a server ↔ request: the server's host, seconds, and only of whoever came for little else
//	page written      ↔ URL: the page's name, the host where both are known, and how much of the path is the same
//
// The windows are wide enough for clocks of devices that nobody sets.

const (
	// maxLease bounds a session of remote access whose end no record tells.
	maxLease = int64(24 * time.Hour)
	// deviceClock is how far the clock of a device may be off.
	deviceClock = int64(10 * time.Minute)
	// deviceSession is how long after a logon to a device a command of the same account is believed to be of it.
	deviceSession = int64(2 * time.Hour)
	// fresh is how long before its first use the making of an account belongs to it.
	fresh = int64(30 * 24 * time.Hour)
	// lately is how long a letter may lie before it is opened.
	lately = int64(14 * 24 * time.Hour)
)

// entry chooses for nodes that tell of the way in; false leaves the choice to the table.
func (w *walker) entry(a *arrival) (policy, bool) {
	switch w.kind(a.node) {
	case Address:
		return w.atAssigned(a)
	case Session:
		if w.access(a.node) {
			return w.atAccess(a), true
		}
	case Account:
		return w.atEntryAccount(a)
	case Device:
		return w.atDevice(a), true
	case Attachment:
		return w.atAttachment(a), true
	case Mail:
		if a.from == noNode {
			return policy{factor: 0.97}, true
		}
		return policy{within: int64(24 * time.Hour), factor: 0.97}, true
	case Mailbox:
		return w.atMailbox(a), true
	case Page:
		return w.atPage(a), true
	case Pair:
		return w.atDevicePair(a)
	case URL:
		if a.via.Rel == Serves && a.from != noNode && w.kind(a.from) == Page && !w.traitsOf(a.node).many {
			return policy{factor: 0.9, step: func(e *edge, _ Node, _ bool) float64 {
				return when(e.Rel.asks() && e.Time >= a.time-deviceClock, 1)
			}}, true
		}
	case Service:
		if w.key(a.node).value == webServerName && (a.via.Rel == Started || a.via.Rel.asks()) {
			return w.atWebServer(a), true
		}
	case Process:
		return w.atReader(a)
	case Setting:
		return shut, true
	}
	return policy{}, false
}

func when(yes bool, weight float64) float64 {
	if yes {
		return weight
	}
	return 0
}
