package hunt

import (
	"strings"
	"testing"

	"github.com/contrail-ir/contrail/fingerprint"
)

func TestWhatIsFoundSinceTheCleanUp(t *testing.T) {
	const hash = "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0"
	at := func(k fingerprint.Kind, value string, tier fingerprint.Tier, host, last string) Sighted {
		return Sighted{Kind: k, Value: value, Tier: tier, Host: host, Last: last, Count: 1}
	}
	const now = "2026-03-28T00:00:00Z"
	file := at(fingerprint.SHA256, hash, fingerprint.Unique, "", "")
	path := at(fingerprint.FilePath, `*\x\ctl.exe`, fingerprint.Strong, "", "")
	name := at(fingerprint.Domain, "cdn.bad.example", fingerprint.Supporting, "web1", now)
	habit := at(fingerprint.CommandLine, "*tool* -x *", fingerprint.Supporting, "web1", now)
	for what, x := range map[string]struct {
		found []Sighted
		want  Gone
		says  string
	}{
		"a strong item with a time":             {[]Sighted{at(fingerprint.Domain, "cdn.bad.example", fingerprint.Strong, "web1", now), at(fingerprint.Domain, "cdn.bad.example", fingerprint.Strong, "db1", now)}, Present, "domain cdn.bad.example on 2 hosts seen since"},
		"a supporting one":                      {[]Sighted{name}, Suspected, "domain cdn.bad.example on web1 seen since, which others may have as well"},
		"the program without a time":            {[]Sighted{file}, Suspected, "collected before the clean-up"},
		"the program, and where it calls since": {[]Sighted{file, name}, Present, "in files that carry no time, this intruder's alone; and domain cdn.bad.example on web1 seen since"},
		"the program, and a habit since":        {[]Sighted{file, habit}, Suspected, "collected before"},
		"a path, and a name since":              {[]Sighted{path, name}, Suspected, "others may have"},
	} {
		if got, why := seen(x.found); got != x.want || !strings.Contains(why, x.says) {
			t.Errorf("%s: %s, %q; want %s, %q", what, got, why, x.want, x.says)
		}
	}
}
