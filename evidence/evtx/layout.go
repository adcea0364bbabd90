package evtx

import (
	"encoding/binary"
	"hash/crc32"
)

// The fixed layout: a file header, then chunks of one size, each with its own tables. See docs/formats/evtx.md.
const (
	fileMagic   = "ElfFile\x00"
	chunkMagic  = "ElfChnk\x00"
	recordMagic = "**\x00\x00"

	fileHeaderSize   = 4096
	chunkSize        = 1 << 16
	chunkHeaderSize  = 512
	chunkFixedSize   = 128 // what the chunk header says of its own size
	recordHeaderSize = 24
	smallestRecord   = recordHeaderSize + 4 // header and the trailing copy of the size
	templateHeader   = 24                   // next, GUID, size

	flagDirty = 1 // file: not closed properly. Chunk: set in every chunk seen
	flagNoCRC = 4 // file and chunk: written without checksums

	// segmentSize holds 63 chunks and the one that is looked ahead at.
	segmentSize = 64 * chunkSize
)

func le16(b []byte) uint16 { return binary.LittleEndian.Uint16(b) }
func le32(b []byte) uint32 { return binary.LittleEndian.Uint32(b) }
func le64(b []byte) uint64 { return binary.LittleEndian.Uint64(b) }

// span is a piece of a segment that holds one chunk, or what is left of one.
type span struct {
	at, size int32
	headless bool // no chunk header where one belongs
	unused   bool // beyond the chunks that the file header counts: what it holds is slack
	nocrc    bool // the file says that it has no checksums
}

// checksum of the chunk header: everything but itself and what stands between it and the tables.
func headerChecksum(chunk []byte) uint32 {
	return crc32.Update(crc32.ChecksumIEEE(chunk[:120]), crc32.IEEETable, chunk[128:chunkHeaderSize])
}
