package evtxwrite

import (
	"encoding/binary"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/contrail-ir/contrail/internal/require"
)

// TestHashIsThatOfWindows follows the chains of every table in the real logs. All names
// must hang where the hash puts them; of the templates a few do not, in logs that other
// programs have put together from pieces.
func TestHashIsThatOfWindows(t *testing.T) {
	root := require.Data(t, "evtx-baseline")
	le := binary.LittleEndian
	var names, strays, templates, placed int
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".evtx") {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for at := fileHeader; at+chunkSize <= len(b); at += chunkSize {
			c := b[at : at+chunkSize]
			if string(c[:7]) != "ElfChnk" {
				continue
			}
			for i := range stringBuckets {
				next := le.Uint32(c[stringTable+4*i:])
				for n := 0; chunkHeader <= next && next < chunkSize-512 && n < 1000; n++ {
					units := le16s(c[next+8 : next+8+2*uint32(min(le.Uint16(c[next+6:]), 250))])
					names++
					if h := hash65599(units); uint16(h) != le.Uint16(c[next+4:]) || h%stringBuckets != uint32(i) {
						strays++
					}
					next = le.Uint32(c[next:])
				}
			}
			for i := range templateBuckets {
				next := le.Uint32(c[templateTable+4*i:])
				for n := 0; chunkHeader <= next && next < chunkSize-32 && n < 1000; n++ {
					templates++
					if hash65599(le16s(c[next+4:next+20]))%templateBuckets == uint32(i) {
						placed++
					}
					next = le.Uint32(c[next:])
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d names, %d strays; %d of %d templates in their bucket", names, strays, placed, templates)
	if names < 1000 || strays > 0 || templates < 500 || placed*100 < templates*95 {
		t.Errorf("%d names, %d strays; %d of %d templates in their bucket", names, strays, placed, templates)
	}
}
