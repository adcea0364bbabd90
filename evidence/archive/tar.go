package archive

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// isTar says whether a file begins with a tar header: 512 bytes whose sum stands among them.
func isTar(head []byte) bool {
	if len(head) < 512 || head[0] == 0 {
		return false
	}
	digits := strings.Trim(string(head[148:156]), " \x00")
	want, err := strconv.ParseInt(digits, 8, 32)
	if err != nil {
		return false
	}
	sum, signed := int64(0), int64(0)
	for i, b := range head[:512] {
		if i >= 148 && i < 156 {
			b = ' '
		}
		sum += int64(b)
		signed += int64(int8(b))
	}
	return (sum == want || signed == want) && (bytes.HasPrefix(head[257:], []byte("ustar")) || head[257] == 0)
}

// NewTar reads a tar archive as it goes by.
func NewTar(r io.Reader, o Options) Reader {
	count := &counter{from: r}
	return &tarReader{in: tar.NewReader(count), at: count, meter: o.Meter}
}

type tarReader struct {
	in    *tar.Reader
	at    *counter
	meter *Meter
	ended bool
}

func (t *tarReader) Next() (m *Member, err error) {
	if t.ended {
		return nil, io.EOF
	}
	defer shield("tar", &err)
	for {
		h, err := t.in.Next()
		if errors.Is(err, io.EOF) {
			t.ended = true
			return nil, io.EOF
		}
		if err != nil {
			t.ended = true
			return nil, &Damage{uint64(t.at.n), fmt.Sprintf("the tar archive is broken or cut off (%v): the rest is not read", err)}
		}
		if h.Typeflag != tar.TypeReg && h.Typeflag != tar.TypeGNUSparse {
			continue // folders, links and devices hold no evidence
		}
		if err := t.meter.member(); err != nil {
			t.ended = true
			return nil, &Damage{uint64(t.at.n), err.Error()}
		}
		m := &Member{Size: h.Size, ModTime: h.ModTime}
		m.Name, m.Renamed = clean(h.Name)
		var body io.Reader = &shielded{"tar", t.in}
		if h.Typeflag == tar.TypeGNUSparse || h.PAXRecords["GNU.sparse.major"] != "" || h.PAXRecords["GNU.sparse.map"] != "" {
			body = t.meter.unpacked(body, t.at) // holes give bytes that were never there
		}
		m.Body = &tarBody{body}
		return m, nil
	}
}

type tarBody struct{ from io.Reader }

func (b *tarBody) Read(p []byte) (int, error) {
	n, err := b.from.Read(p)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = errors.New("the archive ends in the middle of this file; what came before was read")
	}
	return n, err
}
