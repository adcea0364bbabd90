package evtx

import (
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/ianaindex"
)

// codePage gives the decoder of ANSI strings. The log does not say which code page they are in; where nobody does, it
// is Windows-1252.
func codePage(iana string) *encoding.Decoder {
	if iana != "" {
		if e, err := ianaindex.IANA.Encoding(iana); err == nil && e != nil {
			return e.NewDecoder()
		}
	}
	return charmap.Windows1252.NewDecoder()
}
