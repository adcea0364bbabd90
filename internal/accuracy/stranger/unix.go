package stranger

import (
	"fmt"
	"strings"
	"time"
)

func (o *org) syslog(file string, t time.Time, step, host, tag, msg string) {
	o.put(file, t, step, t.Format("Jan _2 15:04:05 ")+host+" "+tag+": "+msg)
}

func (o *org) ses() string {
	if o.session == "" {
		return "4294967295"
	}
	return o.session
}

func (o *org) audit(file string, t time.Time, step, node string, pid, ppid int, uid, comm, exe string, args ...string) {
	o.serial++
	id := fmt.Sprintf("audit(%d.%03d:%d)", t.Unix(), t.Nanosecond()/1e6, 1000+o.serial)
	pre := ""
	if node != "" {
		pre = "node=" + node + " "
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%stype=SYSCALL msg=%s: arch=c000003e syscall=59 success=yes exit=0 a0=55d0 a1=55d1 a2=55d2 a3=8 items=2 ppid=%d pid=%d auid=%s uid=%s gid=%s euid=%s suid=%s fsuid=%s egid=%s sgid=%s fsgid=%s tty=(none) ses=%s comm=\"%s\" exe=\"%s\" key=\"exec\"\n",
		pre, id, ppid, pid, "4294967295", uid, uid, uid, uid, uid, uid, uid, uid, o.ses(), comm, exe)
	fmt.Fprintf(&b, "%stype=EXECVE msg=%s: argc=%d", pre, id, len(args))
	for i, a := range args {
		if strings.ContainsAny(a, " \"") {
			fmt.Fprintf(&b, " a%d=%X", i, a)
		} else {
			fmt.Fprintf(&b, " a%d=\"%s\"", i, a)
		}
	}
	fmt.Fprintf(&b, "\n%stype=CWD msg=%s: cwd=\"/\"\n%stype=PATH msg=%s: item=0 name=\"%s\" inode=%d dev=08:01 mode=0100755 ouid=0 ogid=0 rdev=00:00 nametype=NORMAL", pre, id, pre, id, exe, 4000+o.serial)
	o.put(file, t, step, b.String())
}

// auditOpen is a file that a process created.
func (o *org) auditOpen(file string, t time.Time, step, node string, pid, ppid int, uid, comm, exe, path string) {
	o.serial++
	id := fmt.Sprintf("audit(%d.%03d:%d)", t.Unix(), t.Nanosecond()/1e6, 1000+o.serial)
	pre := ""
	if node != "" {
		pre = "node=" + node + " "
	}
	o.put(file, t, step, fmt.Sprintf("%stype=SYSCALL msg=%s: arch=c000003e syscall=257 success=yes exit=3 a0=ffffff9c a1=7ffd a2=241 a3=1b6 items=2 ppid=%d pid=%d auid=4294967295 uid=%s gid=%s euid=%s tty=(none) ses=%s comm=\"%s\" exe=\"%s\" key=\"watch\"\n%stype=CWD msg=%s: cwd=\"/tmp\"\n%stype=PATH msg=%s: item=1 name=\"%s\" inode=%d dev=08:01 mode=0100644 ouid=%s ogid=%s rdev=00:00 nametype=CREATE",
		pre, id, ppid, pid, uid, uid, uid, o.ses(), comm, exe, pre, id, pre, id, path, 9000+o.serial, uid, uid))
}

// auditConnect is a connect(2) with the address in hexadecimal.
func (o *org) auditConnect(file string, t time.Time, step, node string, pid, ppid int, uid, comm, exe, ip string, port int) {
	o.serial++
	id := fmt.Sprintf("audit(%d.%03d:%d)", t.Unix(), t.Nanosecond()/1e6, 1000+o.serial)
	pre := ""
	if node != "" {
		pre = "node=" + node + " "
	}
	var a, b, c, d int
	fmt.Sscanf(ip, "%d.%d.%d.%d", &a, &b, &c, &d)
	o.put(file, t, step, fmt.Sprintf("%stype=SYSCALL msg=%s: arch=c000003e syscall=42 success=yes exit=0 a0=3 a1=7ffd a2=10 a3=0 items=0 ppid=%d pid=%d auid=4294967295 uid=%s gid=%s euid=%s tty=(none) ses=%s comm=\"%s\" exe=\"%s\" key=\"net\"\n%stype=SOCKADDR msg=%s: saddr=0200%04X%02X%02X%02X%02X0000000000000000",
		pre, id, ppid, pid, uid, uid, uid, o.ses(), comm, exe, pre, id, port, a, b, c, d))
}
