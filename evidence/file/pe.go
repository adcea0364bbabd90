package file

import (
	"fmt"
	"strings"
	"time"

	"github.com/saferwall/pe"
	"github.com/saferwall/pe/log"
)

// silent keeps the library from writing to standard output.
type silent struct{}

func (silent) Log(log.Level, ...any) error { return nil }

// pe describes a Windows program. What an earlier part says stays when a later one is broken.
func (d *description) pe(data []byte) {
	defer d.guard("PE")
	f, err := pe.NewBytes(data, &pe.Options{
		Logger:                 silent{},
		DisableCertValidation:  true,
		OmitExceptionDirectory: true, OmitRelocDirectory: true, OmitArchitectureDirectory: true, OmitGlobalPtrDirectory: true, OmitTLSDirectory: true,
		OmitLoadConfigDirectory: true, OmitBoundImportDirectory: true, OmitIATDirectory: true, OmitDelayImportDirectory: true,
		OmitCLRHeaderDirectory: true, OmitCLRMetadata: true, DisableSignatureValidation: true, OmitSecurityDirectory: true,
	})
	if err == nil {
		err = f.Parse()
	}
	if f == nil || f.NtHeader.OptionalHeader == nil {
		d.faults = append(d.faults, fmt.Sprintf("the PE headers cannot be read: %v", err))
		return
	}
	if at := f.NtHeader.FileHeader.TimeDateStamp; at != 0 {
		d.add("compile_time", time.Unix(int64(at), 0).UTC().Format(time.RFC3339))
	}
	d.add("signed", fmt.Sprint(signed(f)))
	for i := range f.Sections {
		if i == 96 { // as many as Windows loads
			break
		}
		h := f.Sections[i].Header
		from := min(int(h.PointerToRawData), len(data))
		to := min(from+int(h.SizeOfRawData), len(data))
		name := strings.TrimRight(string(h.Name[:]), "\x00")
		d.add("entropy", fmt.Sprintf("%s %s", strings.ToValidUTF8(name, "\ufffd"), decimal(entropy(data[from:to]))))
	}
	for _, x := range f.Debugs {
		switch info := x.Info.(type) {
		case pe.CVInfoPDB70:
			d.add("pdb", strings.TrimRight(info.PDBFileName, "\x00"))
		case pe.CVInfoPDB20:
			d.add("pdb", strings.TrimRight(info.PDBFileName, "\x00"))
		}
	}
	n := 0
	for _, x := range f.Imports {
		for _, fn := range x.Functions {
			if n++; n > maxList {
				break
			}
			d.add("imports", x.Name+"!"+fn.Name)
		}
	}
	d.version(f)
	if hash, err := f.ImpHash(); err == nil {
		d.add("imphash", hash)
	}
}

// signed says whether a signature is present, by the security directory. It is not verified.
func signed(f *pe.File) bool {
	const security = 4
	switch h := f.NtHeader.OptionalHeader.(type) {
	case pe.ImageOptionalHeader32:
		return h.DataDirectory[security].Size > 8
	case pe.ImageOptionalHeader64:
		return h.DataDirectory[security].Size > 8
	}
	return false
}

// version adds what the version resource says.
func (d *description) version(f *pe.File) {
	defer d.guard("version")
	info, err := f.ParseVersionResources()
	if err != nil {
		return
	}
	for _, v := range []struct{ field, key string }{
		{"company", "CompanyName"}, {"product", "ProductName"}, {"description", "FileDescription"}, {"file_version", "FileVersion"},
		{"original_name", "OriginalFilename"}, {"internal_name", "InternalName"},
	} {
		d.add(v.field, strings.TrimRight(info[v.key], "\x00"))
	}
}
