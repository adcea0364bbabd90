package casefile

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/contrail-ir/contrail/keys"
	"github.com/contrail-ir/contrail/ledger"
)

const archiveRoot = "case/"

// ExportOptions say what goes into an archive.
type ExportOptions struct {
	Private bool          // also the private keys, with which the case can be continued and pseudonyms be linked to names
	By      *keys.Private // enters the export; may be nil, and is not used when the case is sealed
	Why     string
}

// Export writes the whole case as one archive that OpenArchive opens. The same case gives the same bytes.
func (c *Case) Export(ctx context.Context, w io.Writer, o ExportOptions) error {
	if err := c.export(ctx, w, o); err != nil {
		return fmt.Errorf("casefile: export %s: %w", c.dir, err)
	}
	return nil
}

func (c *Case) export(ctx context.Context, w io.Writer, o ExportOptions) error {
	if o.By != nil && !c.Sealed() {
		what := "without private keys"
		if o.Private {
			what = "with private keys"
		}
		if _, err := c.record(ctx, o.By, nil, Draft{Kind: CaseExported, Why: o.Why, Summary: "case exported " + what, Detail: map[string]bool{"private": o.Private}}); err != nil {
			return err
		}
	}
	c.mu.Lock()
	_, err := c.current(ctx)
	c.mu.Unlock()
	if err = errors.Join(err, c.Close()); err != nil {
		return err
	}
	// The lock keeps other writers from changing files under the export.
	err = c.led.Update(ctx, func(*ledger.Writer) error {
		if err := c.clearUnfinished(); err != nil {
			return err
		}
		return writeArchive(ctx, w, c.dir, o.Private)
	})
	if errors.Is(err, ledger.ErrReadOnly) {
		return writeArchive(ctx, w, c.dir, o.Private) // nobody writes a copy without its key
	}
	return err
}

func writeArchive(ctx context.Context, w io.Writer, dir string, private bool) error {
	files, strange, err := caseFiles(dir)
	if err != nil {
		return err
	}
	if len(strange) > 0 {
		return errors.New(strange[0].String())
	}
	zw, err := zstd.NewWriter(w, zstd.WithEncoderConcurrency(1)) // one goroutine: the same bytes every time
	if err != nil {
		return err
	}
	tw := tar.NewWriter(zw)
	for _, f := range files {
		if strings.HasPrefix(f, privateDir+"/") && !private {
			continue
		}
		if err := addFile(ctx, tw, archiveRoot+f, filepath.Join(dir, filepath.FromSlash(f))); err != nil {
			return errors.Join(err, zw.Close())
		}
	}
	return errors.Join(tw.Close(), zw.Close())
}

// addFile writes one file with a header that says nothing about this machine.
func addFile(ctx context.Context, tw *tar.Writer, name, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	h := tar.Header{Typeflag: tar.TypeReg, Name: name, Size: info.Size(), Mode: 0o600, ModTime: time.Unix(0, 0), Format: tar.FormatUSTAR}
	if err := tw.WriteHeader(&h); err != nil {
		return err
	}
	_, err = io.Copy(tw, &patient{ctx, f})
	return err
}

// Limits bound what an archive or package from elsewhere may ask for. Zero fields take the default.
type Limits struct {
	Files int   // 100,000
	File  int64 // bytes of one file; 64 GiB
	Total int64 // bytes of all; 256 GiB
}

func (l Limits) orDefault() Limits {
	if l.Files == 0 {
		l.Files = 100_000
	}
	if l.File == 0 {
		l.File = 64 << 30
	}
	if l.Total == 0 {
		l.Total = 256 << 30
	}
	return l
}

// OpenArchive unpacks an archive of Export into the folder dir, which must not exist, and verifies the case before it gets that name. Nothing is left behind
// when it fails; the report then says what did not fit.
func OpenArchive(ctx context.Context, r io.Reader, dir string, l Limits, o VerifyOptions) (*Report, error) {
	rep, err := openArchive(ctx, r, dir, l.orDefault(), o)
	if err != nil {
		return rep, fmt.Errorf("casefile: open archive into %s: %w", dir, err)
	}
	return rep, nil
}

func openArchive(ctx context.Context, r io.Reader, dir string, l Limits, o VerifyOptions) (*Report, error) {
	if _, err := os.Lstat(dir); err == nil {
		return nil, fs.ErrExist
	}
	tmp, err := os.MkdirTemp(filepath.Dir(dir), "."+filepath.Base(dir)+".open-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(tmp)
	zr, err := newDecoder(&patient{ctx, r})
	if err != nil {
		return nil, err
	}
	defer zr.Close()
	last := ""
	err = eachMember(zr, l, func(h *tar.Header, body io.Reader) error {
		rel, ok := strings.CutPrefix(h.Name, archiveRoot)
		switch {
		case !ok || !casePath.MatchString(rel):
			return fmt.Errorf("%.100q is no file of a case", h.Name)
		case h.Name <= last:
			return fmt.Errorf("%q is out of order or twice there", h.Name)
		}
		last = h.Name
		_, err := writeFile(filepath.Join(tmp, filepath.FromSlash(rel)), body, h.Size)
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, sub := range []string{evidenceDir, privateDir} {
		if err := os.MkdirAll(filepath.Join(tmp, sub), 0o700); err != nil {
			return nil, err
		}
	}
	rep, err := Verify(ctx, tmp, o)
	if err != nil {
		return rep, err
	}
	if err := rep.Err(); err != nil {
		return rep, err
	}
	return rep, os.Rename(tmp, dir)
}

// newDecoder bounds the memory that a hostile stream can ask for.
func newDecoder(r io.Reader) (*zstd.Decoder, error) {
	return zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(64<<20), zstd.WithDecoderMaxMemory(128<<20))
}

// eachMember walks a tar in which only plain files are allowed, within limits.
func eachMember(r io.Reader, l Limits, fn func(*tar.Header, io.Reader) error) error {
	tr := tar.NewReader(r)
	var total int64
	for n := 0; ; n++ {
		h, err := tr.Next()
		if err == io.EOF {
			return trailing(r)
		}
		if err != nil {
			return fmt.Errorf("archive member %d: %w", n, err)
		}
		total += h.Size
		switch {
		case n >= l.Files:
			return fmt.Errorf("more than %d files", l.Files)
		case h.Typeflag != tar.TypeReg || h.Linkname != "" || h.Format != tar.FormatUSTAR || len(h.PAXRecords) > 0:
			return fmt.Errorf("member %.100q is no plain file", h.Name)
		case h.Size < 0 || h.Size > l.File || total > l.Total:
			return fmt.Errorf("member %.100q of %d bytes is beyond the limits (%d a file, %d in all)", h.Name, h.Size, l.File, l.Total)
		}
		if err := fn(h, tr); err != nil {
			return err
		}
	}
}

// trailing refuses anything but the zeros that pad a tar.
func trailing(r io.Reader) error {
	const most = 1 << 20
	b := make([]byte, 4096)
	for n := 0; n <= most; {
		k, err := r.Read(b)
		for _, x := range b[:k] {
			if x != 0 {
				return errors.New("something follows the archive")
			}
		}
		n += k
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return errors.New("something follows the archive")
}
