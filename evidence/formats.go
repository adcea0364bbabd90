package evidence

import (
	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/evidence/auditd"
	"github.com/contrail-ir/contrail/evidence/dbaudit"
	"github.com/contrail-ir/contrail/evidence/device"
	"github.com/contrail-ir/contrail/evidence/dnslog"
	"github.com/contrail-ir/contrail/evidence/evtx"
	"github.com/contrail-ir/contrail/evidence/fastlog"
	"github.com/contrail-ir/contrail/evidence/file"
	"github.com/contrail-ir/contrail/evidence/jsonlog"
	"github.com/contrail-ir/contrail/evidence/keyvalue"
	"github.com/contrail-ir/contrail/evidence/maillog"
	"github.com/contrail-ir/contrail/evidence/squid"
	"github.com/contrail-ir/contrail/evidence/syslog"
	"github.com/contrail-ir/contrail/evidence/table"
	"github.com/contrail-ir/contrail/evidence/task"
	"github.com/contrail-ir/contrail/evidence/utmp"
	"github.com/contrail-ir/contrail/evidence/w3c"
	"github.com/contrail-ir/contrail/evidence/web"
	"github.com/contrail-ir/contrail/evidence/winxml"
	"github.com/contrail-ir/contrail/evidence/zeek"
)

// Formats lists every kind of file that is read. docs/adding/reader.md says how to add one.
func Formats() []event.Format {
	return []event.Format{
		evtx.New(),
		winxml.Format{},
		jsonlog.Format{},
		zeek.Format{},
		syslog.Format{},
		syslog.Journal{},
		auditd.Format{},
		device.Radius{},
		device.Accounting{},
		device.Config{},
		web.Format{},
		w3c.Format{},
		squid.Format{},
		dnslog.Format{},
		maillog.Format{},
		dbaudit.Format{},
		fastlog.Format{},
		table.Format{},
		keyvalue.Format{},
		task.Format{},
		utmp.Format{},
		utmp.Lastlog{},
		file.Format{}, // last: it describes what nobody reads
	}
}
