package ioc

import (
	"errors"
	"net/netip"
	"strings"
)

// guess says what a bare value is by its form. It takes only what can be told from ordinary words.
func guess(s string) (Term, bool) {
	s = strings.Trim(strings.TrimSpace(s), "\"'`,;")
	if len(s) < 4 || len(s) > maxValue || strings.ContainsAny(s, "\n\r\t") {
		return Term{}, false
	}
	for _, try := range []Kind{Hash, Address, URL, Email, Registry, FilePath, Domain, FileName} {
		if !looksLike(try, s) {
			continue
		}
		if t, err := Canonical(try, Is, s); err == nil {
			return t, true
		}
		if try == Hash || try == Address || try == URL {
			return Term{}, false
		}
	}
	return Term{}, false
}

// refused says why a value that has the form of an indicator cannot be one, nil for what has no such form.
func refused(s string) error {
	s = strings.Trim(s, "\"'`,;")
	if len(s) < 4 || len(s) > maxValue {
		return nil
	}
	for _, try := range []Kind{Hash, Address, URL} {
		if looksLike(try, s) {
			_, err := Canonical(try, Is, s)
			return err
		}
	}
	if _, err := Canonical(Domain, Is, s); errors.Is(err, errSuffix) {
		return err
	}
	return nil
}

func looksLike(k Kind, s string) bool {
	spaced := strings.ContainsAny(s, " ")
	switch k {
	case Hash:
		return isHex(s) && hashNames[len(s)] != ""
	case Address:
		a := strings.Trim(Refang(s), "[]")
		if _, err := netip.ParseAddr(a); err == nil {
			return true
		}
		if _, err := netip.ParsePrefix(a); err == nil {
			return true
		}
		_, err := netip.ParseAddrPort(a)
		return err == nil
	case URL:
		if spaced {
			return false
		}
		r := Refang(s)
		if parseURL(r) {
			return true
		}
		host, _, ok := strings.Cut(r, "/")
		if !ok || strings.Contains(host, `\`) {
			return false
		}
		host, _, _ = strings.Cut(strings.ToLower(host), ":")
		return isAddress4(host) || isDomain(host) && known(host)
	case Email:
		r := Refang(s)
		_, domain, ok := strings.Cut(r, "@")
		return ok && !spaced && (known(strings.ToLower(domain)) || isDefanged(s))
	case Registry:
		l := strings.ToLower(s)
		return strings.HasPrefix(l, "hk") && strings.Contains(l, `\`) && (strings.HasPrefix(l, "hkey_") || len(strings.SplitN(l, `\`, 2)[0]) == 4)
	case FilePath:
		if len(s) > 3 && s[1] == ':' && (s[2] == '\\') || strings.HasPrefix(s, `\\`) && strings.Count(s, `\`) > 2 {
			return true
		}
		if m := variable.FindString(s); m != "" && len(s) > len(m)+3 && m[0] != '<' {
			return true
		}
		return s[0] == '/' && strings.Count(s, "/") >= 2 && !spaced && s[1] != '/'
	case Domain:
		d := strings.TrimSuffix(strings.TrimPrefix(strings.ToLower(Refang(s)), "*."), ".")
		d, port, ok := strings.Cut(d, ":")
		if spaced || ok && !isDigits(port) {
			return false
		}
		return isDefanged(s) || known(d) && !isFileName(d)
	case FileName:
		return isFileName(strings.ToLower(s))
	}
	return false
}

// isFileName says whether a text is a name with the ending of a file. Endings that are also top-level domains count for names with
// one dot.
func isFileName(s string) bool {
	dot := strings.LastIndexByte(s, '.')
	if dot < 1 || len(s) > 120 || strings.ContainsAny(s, `\/:*?"<>|@=,;`) || strings.Count(s, " ") > 2 {
		return false
	}
	ending := s[dot+1:]
	return endings[ending] || (endingsAndDomains[ending] && !strings.Contains(s[:dot], "."))
}

func setOf(names string) map[string]bool {
	m := map[string]bool{}
	for n := range strings.FieldsSeq(names) {
		m[n] = true
	}
	return m
}

var (
	endings = setOf("exe dll sys bat cmd ps1 psm1 vbs vbe js jse wsf wsh hta lnk scr pif cpl msi msp jar class apk dex doc docx docm dot dotm rtf xls xlsx xlsm xlsb ppt pptx pptm pps pdf " +
		"tar gz rar 7z cab iso img vhd vhdx dmg pkg plist dat bin tmp log txt ini cfg conf xml json csv db sqlite php asp aspx ashx asmx jsp jspx cgi htm html chm ocx drv ax inf reg dylib elf o ko " +
		"jpg jpeg png gif bmp ico mp3 mp4 wav avi swf ttf eml msg pcap key pem cer crt pfx nls mof url job xsl sct odt ods oxt sfx lock")
	endingsAndDomains = setOf("sh py pl md zip mov ps")
)

// Names of kinds as reports write them, in lower case without anything but letters and digits.
var kindByName = map[string]Kind{
	"ip": Address, "ips": Address, "ipaddress": Address, "ipaddresses": Address, "ipv4": Address, "ipv6": Address, "ipv4addr": Address, "ipv6addr": Address, "cidr": Address, "network": Address, "subnet": Address,
	"ipsrc": Address, "ipdst": Address, "srcip": Address, "dstip": Address, "destip": Address, "sourceip": Address, "destinationip": Address, "address": Address, "c2ips": Address, "c2ip": Address,
	"domain": Domain, "domains": Domain, "domainname": Domain, "fqdn": Domain, "fqdns": Domain, "host": Domain, "hostname": Domain, "hostnames": Domain, "c2domain": Domain, "c2domains": Domain, "dns": Domain,
	"url": URL, "urls": URL, "uri": URL, "associatedurl": URL, "downloadurl": URL, "c2url": URL,
	"md5": Hash, "sha1": Hash, "sha224": Hash, "sha256": Hash, "sha384": Hash, "sha512": Hash, "hash": Hash, "hashes": Hash, "filehash": Hash, "md5hash": Hash, "sha1hash": Hash, "sha256hash": Hash, "imphash": Hash,
	"filehashmd5": Hash, "filehashsha1": Hash, "filehashsha256": Hash, "authentihash": Hash, "certificatefingerprint": Hash, "thumbprint": Hash,
	"email": Email, "emails": Email, "emailaddress": Email, "emailaddresses": Email, "emailsrc": Email, "emaildst": Email, "sender": Email,
	"filename": FileName, "filenames": FileName, "filepath": FilePath, "filepaths": FilePath, "fullpath": FilePath, "path": FilePath, "directory": Directory, "folder": Directory,
	"process": Process, "processes": Process, "processname": Process, "commandline": CommandLine, "cmdline": CommandLine,
	"useragent": UserAgent, "useragents": UserAgent, "mutex": Mutex, "mutexes": Mutex, "mutant": Mutex,
	"registry": Registry, "registrykey": Registry, "regkey": Registry, "registrypath": Registry, "serial": Certificate, "serialnumber": Certificate, "certificateserial": Certificate,
	"packagenames": Application, "packagename": Application, "package": Application, "appid": Application, "androidproperties": Text, "configprofiles": Text, "packagecerthashes": Hash,
}

// kindNamed reads the name of a column, a type or a file.
func kindNamed(name string) Kind { return kindByName[plain(name)] }

func plain(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z' || '0' <= r && r <= '9':
			return r
		case 'A' <= r && r <= 'Z':
			return r + 'a' - 'A'
		}
		return -1
	}, name)
}
