package wide

import (
	"bytes"
	"encoding/binary"
	"io"
	"testing"
	"testing/iotest"
	"unicode/utf16"
)

func FuzzReader(f *testing.F) {
	f.Add([]byte("a\x00b\x00"), true)
	f.Add([]byte("\xd8\x3d\xde\x00\xd8\x3d"), false)
	f.Add([]byte("\xff"), true)
	f.Fuzz(func(t *testing.T, data []byte, little bool) {
		order, bytesOf := Big, binary.ByteOrder(binary.BigEndian)
		if little {
			order, bytesOf = Little, binary.LittleEndian
		}
		got, err := io.ReadAll(&Reader{From: iotest.OneByteReader(bytes.NewReader(data)), Order: order})
		if err != nil {
			t.Fatal(err)
		}
		var units []uint16
		for at := 0; at+2 <= len(data); at += 2 {
			units = append(units, bytesOf.Uint16(data[at:]))
		}
		want := string(utf16.Decode(units))
		if len(data)%2 == 1 {
			want += "\ufffd"
		}
		if string(got) != want {
			t.Fatalf("%q, want %q", got, want)
		}
		if n := Bytes(got); n != uint64(len(data)+len(data)%2) {
			t.Fatalf("%d bytes of %d", n, len(data))
		}
		var p Place
		if p.Bytes(got, len(got)/2) != Bytes(got[:len(got)/2]) || p.Bytes(got, len(got)) != Bytes(got) {
			t.Fatal("places differ")
		}
	})
}

func TestErrorsPassThrough(t *testing.T) {
	r := &Reader{From: io.MultiReader(bytes.NewReader([]byte("a\x00")), iotest.ErrReader(io.ErrClosedPipe)), Order: Little}
	got, err := io.ReadAll(r)
	if string(got) != "a" || err != io.ErrClosedPipe {
		t.Errorf("%q, %v", got, err)
	}
}
