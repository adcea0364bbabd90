package trail

import (
	"errors"
	"testing"

	"github.com/contrail-ir/contrail/event"
)

func TestMomentsOfSessions(t *testing.T) {
	for _, x := range []struct {
		words []string
		want  moment
	}{
		{[]string{"tunnel-up"}, begins}, {[]string{"tunnel-down"}, ends}, {[]string{"ssl-login-fail"}, fails}, {[]string{"tunnel-stats"}, goesOn}, {[]string{"Start"}, begins}, {[]string{"Stop"}, ends},
		{[]string{"Interim-Update"}, goesOn}, {[]string{"1"}, begins}, {[]string{"2"}, ends}, {[]string{"3"}, goesOn}, {[]string{"gateway-connected", "success"}, begins}, {[]string{"gateway-connected", "failure"}, fails},
		{[]string{"gateway-logout", "success"}, ends}, {[]string{"disconnect"}, ends}, {[]string{"", "", "LOGIN_SUCCESS"}, begins}, {[]string{"", "", "CONFIG_I"}, unsaid}, {nil, unsaid},
	} {
		var words [][]byte
		for _, w := range x.words {
			words = append(words, []byte(w))
		}
		if got := momentOf(words...); got != x.want {
			t.Errorf("%q: %d, want %d", x.words, got, x.want)
		}
	}
}

func TestAccountsThatCommandsMake(t *testing.T) {
	for command, want := range map[string]string{
		"username svc privilege 15 secret x": "svc", "local-user svc class manage": "svc", "set system login user svc class super-user": "svc", "set mgt-config users svc password": "svc", "add system user svc pw": "svc",
		"no username svc": "", "undo local-user svc": "", "show running-config": "", "show user svc": "", "": "",
	} {
		if got := string(madeByCommand([]byte(command))); got != want {
			t.Errorf("%q makes %q, want %q", command, got, want)
		}
	}
}

func TestReceivedFiles(t *testing.T) {
	for path, want := range map[string][2]string{
		`c:\users\a.jones\appdata\local\microsoft\windows\inetcache\content.outlook\0a1b\roster (2).docm`: {"roster.docm", "a.jones"},
		`c:\users\bob.corp\downloads\tool.zip:zone.identifier`:                                            {"tool.zip", "bob.corp"},
		`c:\users\bob\appdata\roaming\microsoft\office\recent\plan.xlsx.lnk`:                              {"plan.xlsx", "bob"},
		"/home/eve/downloads/x.iso": {"x.iso", "eve"},
		`c:\windows\system32\a.dll`: {"", ""},
	} {
		name, user, _ := receivedFile([]byte(path))
		if string(name) != want[0] || string(user) != want[1] {
			t.Errorf("%s: %q of %q, want %q", path, name, user, want)
		}
	}
}

// FuzzServers feeds every row of the table that is of a server, a device or a network with values that nobody meant.
func FuzzServers(f *testing.F) {
	f.Add("203.0.113.9", "svc-x", "tunnel-up", "10.9.0.7")
	f.Add("::ffff:1.2.3.4", "a@b.example; c@d.example", "username x privilege 15", "/a/b.php")
	f.Add("https(192.0.2.1)", "SYSCALL", "99999999999999999999", "entry[@name='x']")
	f.Fuzz(func(t *testing.T, a, b, c, d string) {
		g, err := NewGraph(Options{TempDir: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		defer g.Close()
		collector := g.Collect()
		for i := range sources {
			s := &sources[i]
			if s.is.channel != "" || s.is.provider != "" {
				continue
			}
			source := event.Source{Product: s.is.product, Category: s.is.category, Service: s.is.service}
			if s.is.other {
				source.Service = "table"
			}
			names := s.names()
			batch := textBatch(source, []string{a, ""}[i%2], names, 3, uint64(10*i), func(r int) (int64, []string) {
				values := make([]string, len(names))
				for k := range names {
					values[k] = []string{a, b, c, d}[(k+r)%4]
				}
				return monday.UnixNano() + int64(r)*1e9, values
			})
			if err := collector.Batch([]string{"h/x.log", "y.log"}[i%2], batch); err != nil {
				t.Fatal(err)
			}
		}
		if err := collector.Flush(); err != nil {
			t.Fatal(err)
		}
		if _, err := Trace(g, Question{From: []Start{{Value: a}}}); err != nil && !errors.Is(err, ErrNoStart) {
			t.Error(err)
		}
	})
}
