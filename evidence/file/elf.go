package file

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"io"
	"strings"
)

// elf describes an ELF program.
func (d *description) elf(data []byte) {
	defer d.guard("ELF")
	f, err := elf.NewFile(bytes.NewReader(data))
	if err != nil {
		d.faults = append(d.faults, fmt.Sprintf("the ELF headers cannot be read: %q", err.Error()))
		return
	}
	d.add("machine", strings.TrimPrefix(f.Machine.String(), "EM_"))
	d.add("type", strings.TrimPrefix(f.Type.String(), "ET_"))
	id := ""
	for _, s := range f.Sections {
		if s.Type == elf.SHT_NOTE && id == "" {
			id = buildID(f.ByteOrder, slice(data, s.Offset, s.FileSize))
		}
	}
	for _, p := range f.Progs {
		b := slice(data, p.Off, p.Filesz)
		switch p.Type {
		case elf.PT_INTERP:
			d.add("interpreter", strings.TrimRight(string(b[:min(len(b), 4096)]), "\x00"))
		case elf.PT_NOTE:
			if id == "" {
				id = buildID(f.ByteOrder, b)
			}
		}
	}
	d.add("build_id", id)
	for i, s := range f.Sections {
		if i == 256 {
			break
		}
		if s.Type == elf.SHT_PROGBITS && s.Size > 0 {
			d.add("entropy", fmt.Sprintf("%s %s", s.Name, decimal(entropy(slice(data, s.Offset, s.FileSize)))))
		}
	}
	if libraries, err := f.ImportedLibraries(); err == nil {
		for _, l := range libraries[:min(len(libraries), maxList)] {
			d.add("libraries", l)
		}
	}
	if symbols, err := f.ImportedSymbols(); err == nil {
		for _, s := range symbols[:min(len(symbols), maxList)] {
			d.add("imports", s.Name)
		}
	}
}

func slice(data []byte, at, n uint64) []byte {
	if at > uint64(len(data)) {
		return nil
	}
	return data[at : at+min(n, uint64(len(data))-at)]
}

// buildID finds the note NT_GNU_BUILD_ID.
func buildID(order binary.ByteOrder, b []byte) string {
	in := bytes.NewReader(b)
	for {
		var h struct{ Name, Desc, Type uint32 }
		if binary.Read(in, order, &h) != nil || h.Name > 1024 || h.Desc > 1<<20 {
			return ""
		}
		body := make([]byte, (h.Name+3)&^3+(h.Desc+3)&^3)
		n, err := io.ReadFull(in, body)
		if err != nil && n < int((h.Name+3)&^3+h.Desc) {
			return ""
		}
		if h.Type == 3 && bytes.HasPrefix(body, []byte("GNU\x00")) {
			return fmt.Sprintf("%x", body[(h.Name+3)&^3:][:h.Desc])
		}
	}
}
