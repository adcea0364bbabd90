package textwrite

import (
	"fmt"
	"strings"
	"time"
)

// Request is what a web server tells of a request.
type Request struct {
	Client, Server      string // addresses
	Port                uint16
	Method, Path, Query string
	Agent, Referer      string
	User                string
	Status              int
	Bytes               int64
	Taken               time.Duration
}

// IISHead gives the lines that begin a log of Internet Information Services.
func IISHead(t time.Time) []string {
	return []string{"#Software: Microsoft Internet Information Services 10.0", "#Version: 1.0", "#Date: " + t.UTC().Format("2006-01-02 15:04:05"),
		"#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) cs(Referer) sc-status sc-substatus sc-win32-status time-taken"}
}

// IIS gives a line of that log; its times are UTC and blanks are written "+".
func IIS(t time.Time, r Request) string {
	plus := func(s string) string { return dash(strings.ReplaceAll(s, " ", "+")) }
	return fmt.Sprintf("%s %s %s %s %s %d %s %s %s %s %d 0 0 %d", t.UTC().Format("2006-01-02 15:04:05"), r.Server, r.Method, plus(r.Path), plus(r.Query), r.Port,
		dash(r.User), r.Client, plus(r.Agent), plus(r.Referer), r.Status, r.Taken.Milliseconds())
}

// Apache gives a line of the combined log.
func Apache(t time.Time, r Request) string {
	target := r.Path
	if r.Query != "" {
		target += "?" + r.Query
	}
	return fmt.Sprintf(`%s - %s [%s] "%s %s HTTP/1.1" %d %d "%s" "%s"`, r.Client, dash(r.User), t.Format("02/Jan/2006:15:04:05 -0700"), r.Method, target, r.Status,
		r.Bytes, dash(r.Referer), dash(r.Agent))
}

// Statement is what a database tells of a statement it was asked to run.
type Statement struct {
	User, Database, Client, Application string
	PID                                 uint32
	Session                             string
	Line, Number                        int
	Begun                               time.Time
	Class, Command                      string // READ SELECT, WRITE INSERT, ROLE GRANT …
	Object                              string // schema.table, "" when the statement is about none
	SQL                                 string
}

// PGAudit gives a row of PostgreSQL's csvlog with a message of the pgaudit extension.
func PGAudit(t time.Time, s Statement) string {
	csv := func(v string) string { return `"` + strings.ReplaceAll(v, `"`, `""`) + `"` }
	kind := ""
	if s.Object != "" {
		kind = "TABLE"
	}
	message := fmt.Sprintf("AUDIT: SESSION,%d,1,%s,%s,%s,%s,%s,<not logged>", s.Number, s.Class, s.Command, kind, s.Object, auditText(s.SQL))
	return fmt.Sprintf("%s,%s,%s,%d,%s,%s,%d,%s,%s,%s,0,LOG,00000,%s,,,,,,,,,%s,%s,,0", t.UTC().Format("2006-01-02 15:04:05.000 UTC"), csv(s.User), csv(s.Database), s.PID,
		csv(s.Client), s.Session, s.Line, csv(s.Command), s.Begun.UTC().Format("2006-01-02 15:04:05 UTC"), fmt.Sprintf("%d/%d", 3+s.PID%40, 100+s.Line),
		csv(message), csv(s.Application), csv("client backend"))
}

// auditText quotes a statement inside pgaudit's own comma-separated message when it must be.
func auditText(sql string) string {
	if strings.ContainsAny(sql, ",\"\n") {
		return `"` + strings.ReplaceAll(sql, `"`, `""`) + `"`
	}
	return sql
}

// TACACS gives a line of a TACACS+ accounting file.
func TACACS(t time.Time, device, user, line, from string, task int, command string) string {
	return strings.Join([]string{t.Format("Mon Jan _2 15:04:05 2006"), device, user, line, from, "stop", fmt.Sprintf("task_id=%d", task), "timezone=UTC",
		"service=shell", fmt.Sprintf("start_time=%d", t.Unix()), "priv-lvl=15", "cmd=" + command + " <cr>"}, "\t")
}
