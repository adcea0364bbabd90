package request

import "testing"

func TestSplit(t *testing.T) {
	for in, want := range map[string][5]string{
		"/a/b.php?x=http://y/": {"", "", "", "/a/b.php", "x=http://y/"},
		"http://h:80/p?q":      {"http", "h", "80", "/p", "q"},
		"h.example:443":        {"", "h.example", "443", "", ""},
		"https://[::1]:8443/":  {"https", "::1", "8443", "/", ""},
		"*":                    {"", "", "", "*", ""},
		"http://u@h?q":         {"http", "h", "", "", "q"},
	} {
		u := Split([]byte(in))
		if got := [5]string{string(u.Scheme), string(u.Host), string(u.Port), string(u.Path), string(u.Query)}; got != want {
			t.Errorf("%s: %q, want %q", in, got, want)
		}
	}
	if e := Extension([]byte("/x.y/file.tar.GZ;v=1.2")); string(e) != "GZ" {
		t.Errorf("%s", e)
	}
	if _, _, _, ok := Line([]byte(`\x16\x03`)); ok {
		t.Error("not a request line")
	}
	if m, u, v, _ := Line([]byte("GET /a b HTTP/1.1")); string(m) != "GET" || string(u) != "/a b" || string(v) != "HTTP/1.1" {
		t.Errorf("%s %s %s", m, u, v)
	}
}

func FuzzRequest(f *testing.F) {
	f.Add("GET http://u@[::1]:1/a.b?c HTTP/1.1")
	f.Fuzz(func(t *testing.T, s string) {
		if _, target, _, ok := Line([]byte(s)); ok {
			Proxy(nowhere{}, target, nil)
			Webserver(nowhere{}, target)
		}
	})
}

type nowhere struct{}

func (nowhere) Add(string, []byte) {}
