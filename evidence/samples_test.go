package evidence

import (
	"bytes"
	"compress/gzip"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/internal/require"
)

// described are the samples that no format reads as a log, with the reason; they are hashed and described as files.
var described = map[string]string{
	"adguardhome-": "AdGuard Home's own log: not a format we read", "apache-guacamole": "Guacamole's and Tomcat's own log: not a format we read", "asterisk-": "Asterisk's own log: not a format we read",
	"keycloak-": "Keycloak's own log: not a format we read", "smb-logs": "Samba's audit line without what syslog puts before it", "zimbra-": "Zimbra's own log: not a format we read",
	"http-magento-bf": "Magento's own log: JSON behind a text that is not read", "windows-logs": "an event copied out of a browser, with its outline marks; not XML",
	"zeek/rita/text_file/": "Latin prose under a log's name", "zeek/rita/truncated/conn_top.log": "Zeek records without the header that names their fields",
	"zeek/zat/intel_example.intel": "a feed of indicators for Zeek, not a log", "winlog-json/otrf/_metadata/": "descriptions of the data sets, not logs", "zeek/stratosphere/": "configuration of a labelling tool, not a log",
	"honeypot-2018/": "lists of signatures, not logs", "wrccdc-2018/": "lists of signatures, not logs",
}

// readAs are families of samples and the format that must read them.
var readAs = map[string]string{
	"apache2-": "web", "apache_log4j2": "web", "apache-cve": "web", "apache-http": "web", "aws-alb": "web", "couchdb": "web", "haproxy-logs/": "web", "http-": "web", "modsecurity": "web", "nginx": "web",
	"traefik_clf": "web", "aws-cloudfront": "w3c", "exchange-": "w3c", "bind9": "dnslog", "postfix": "maillog", "exim": "maillog", "mysql-logs": "dbaudit", "suricata-logs-fastlog": "fast-log",
	"suricata-eve": "json", "suricata-logs-evelog": "json", "caddy": "json", "traefik_json": "json", "traefik_base": "json", "aws-cloudtrail": "json", "auditd": "auditd", "ssh": "syslog", "syslog-logs": "syslog",
	"windows-bf": "winxml", "iis-xml": "winxml", "dovecot": "syslog", "palo-alto": "syslog", "fortinet-vpn": "syslog", "slips/": "json", "apache_logs/": "web", "nginx_json": "json",
}

// TestSamplesAreRecognised looks at every real file of web, mail, database and sensor logs: a format reads it, or the table says why not.
func TestSamplesAreRecognised(t *testing.T) {
	count := map[string]int{}
	for _, dir := range []string{"weblogs", "suricata", "zeek", "winlog-json"} {
		root := require.Data(t, dir)
		err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || d.Name() == "LICENSE" || strings.HasSuffix(p, ".md") {
				return err
			}
			b, err := os.ReadFile(p)
			if err != nil {
				return err
			}
			if strings.HasSuffix(p, ".gz") {
				z, err := gzip.NewReader(bytes.NewReader(b))
				if err != nil {
					return err
				}
				if b, err = io.ReadAll(io.LimitReader(z, 64<<10)); err != nil && len(b) == 0 {
					return err // one sample is broken on purpose: what comes before the break counts
				}
			}
			name := strings.TrimSuffix(dir+strings.TrimPrefix(filepath.ToSlash(p), filepath.ToSlash(root)), ".gz")
			got, sure := "none", event.No
			for _, f := range Formats() {
				if c := f.Recognise(b[:min(len(b), 64<<10)], name); c > sure {
					got, sure = f.Name(), c
				}
			}
			count[got]++
			short := strings.TrimPrefix(name, "weblogs/crowdsec-hub/")
			for _, cut := range []string{"suricata/alerts/", "suricata/", "weblogs/elastic-examples/Common Data Formats/"} {
				short = strings.TrimPrefix(short, cut)
			}
			if got == "none" || got == "file" {
				for prefix := range described {
					if strings.HasPrefix(short, prefix) {
						return nil
					}
				}
				t.Errorf("%s is not recognised, and no reason is listed", name)
			}
			best := ""
			for prefix := range readAs {
				if strings.HasPrefix(short, prefix) && len(prefix) > len(best) {
					best = prefix
				}
			}
			if best != "" && readAs[best] != got {
				t.Errorf("%s is read as %s, want %s", name, got, readAs[best])
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Log(count)
}
