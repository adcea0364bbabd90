package evidence

import (
	"bytes"
	"encoding/binary"
	"path"
	"strings"
)

// artefact names what a file is when it is an artefact that investigators know and this version does not read; "" otherwise. The
// content decides, the name only supports it.
func artefact(head []byte, name string) string {
	base := strings.ToLower(path.Base(name[strings.LastIndexByte(name, '!')+1:]))
	is := func(magic string) bool { return bytes.HasPrefix(head, []byte(magic)) }
	switch {
	case is("FILE0\x00") || is("FILE*\x00") || is("BAAD0\x00"):
		return "NTFS master file table ($MFT)"
	case is("regf"):
		switch {
		case strings.HasPrefix(base, "amcache.hve"):
			return "Amcache registry hive"
		case strings.HasSuffix(base, ".log1") || strings.HasSuffix(base, ".log2") || strings.HasSuffix(base, ".log"):
			return "transaction log of a registry hive"
		}
		return "Windows registry hive"
	case is("MAM\x04"), len(head) > 8 && bytes.Equal(head[4:8], []byte("SCCA")):
		return "Windows prefetch file"
	case len(head) > 8 && binary.LittleEndian.Uint32(head[4:]) == 0x89abcdef:
		switch {
		case base == "srudb.dat":
			return "SRUM database"
		case strings.HasPrefix(base, "webcache"):
			return "browser history database (WebCache)"
		}
		return "ESE database"
	case is("SQLite format 3\x00"):
		switch base {
		case "history", "places.sqlite", "history.db", "archived history", "downloads.sqlite":
			return "browser history database"
		case "cookies", "cookies.sqlite", "web data", "login data", "formhistory.sqlite":
			return "browser database"
		}
		return "SQLite database"
	case is("LPKSHHRH"):
		return "systemd journal"
	case is("vhdxfile"):
		return "VHDX disk image (KAPE can write its collections into one)"
	case is("conectix"):
		return "VHD disk image"
	case is("KDMV"), is("# Disk DescriptorFile"):
		return "VMware disk image"
	case is("QFI\xfb"):
		return "QEMU disk image"
	case is("EVF\x09\x0d\x0a\xff\x00"), is("EVF2\x0d\x0a\x81\x00"), is("LVF\x09\x0d\x0a\xff\x00"):
		return "EnCase disk image (E01)"
	case is("AFF"):
		return "AFF disk image"
	case is("PAGEDUMP"), is("PAGEDU64"):
		return "Windows memory dump"
	case is("EMiL"):
		return "LiME memory image"
	case is("AVML"), is("hibr"), is("HIBR"), is("wake"), is("WAKE"):
		return "memory image"
	case is("MDMP"):
		return "process memory dump"
	case is("\xd4\xc3\xb2\xa1"), is("\xa1\xb2\xc3\xd4"), is("\x4d\x3c\xb2\xa1"), is("\xa1\xb2\x3c\x4d"), is("\x0a\x0d\x0d\x0a"):
		return "packet capture"
	case is("MSCF\x00\x00\x00\x00"):
		return "cabinet archive"
	case is("L\x00\x00\x00\x01\x14\x02\x00"):
		return "Windows shortcut"
	case is("ElfFile\x00"), is("ElfChnk\x00"):
		return "" // the reader of event logs said no: it is damaged, and lost
	case base == "$usnjrnl", base == "$usnjrnl%3a$j", base == "$usnjrnl:$j", base == "$j", base == "$logfile":
		if is("RSTR") || bytes.Equal(bytes.Trim(head[:min(len(head), 512)], "\x00"), nil) || len(head) > 8 && binary.LittleEndian.Uint16(head[4:]) == 2 {
			return "NTFS journal"
		}
	case strings.HasPrefix(base, "hiberfil") || strings.HasPrefix(base, "pagefile.sys") || strings.HasPrefix(base, "swapfile.sys"):
		return "memory paged to disk"
	}
	if len(head) > 520 && bytes.Equal(head[510:512], []byte{0x55, 0xaa}) && (bytes.Equal(head[3:7], []byte("NTFS")) || strings.HasSuffix(base, ".dd") || strings.HasSuffix(base, ".raw") || strings.HasSuffix(base, ".img")) {
		return "raw disk image"
	}
	return ""
}

// describe says what a file that no format knows seems to be, for a person who decides whether it matters, and whether
// its name says that it should have been evidence.
func describe(head []byte, name string) (what string, lost bool) {
	lost = strings.HasSuffix(strings.ToLower(name), ".evtx")
	switch {
	case len(head) == 0:
		return "empty file", lost
	case len(bytes.Trim(head, "\x00")) == 0:
		return "only zero bytes at the beginning", lost
	}
	for _, m := range magics {
		if bytes.HasPrefix(head, []byte(m.prefix)) {
			return m.what, lost
		}
	}
	for _, b := range head {
		if b < 0x20 && b != '\t' && b != '\n' && b != '\r' && b != '\f' && b != 0x1b {
			return "binary data of no known format", lost
		}
	}
	return "text of no known log format", lost
}

var magics = []struct{ prefix, what string }{
	{"MZ", "Windows executable"},
	{"\x7fELF", "ELF executable"},
}
