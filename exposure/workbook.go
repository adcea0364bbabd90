package exposure

import (
	"context"
	"errors"
	"io"

	"github.com/contrail-ir/contrail/exposure/internal/table"
)

// Part is what a member of a spreadsheet file (XLSX and its kin) holds: nothing that counts, a sheet, or what sheets share.
type Part = table.Part

// The parts of which a caller must know.
const (
	NoPart    = table.NoPart
	SheetPart = table.SheetPart
)

// PartOf says by its beginning which part of a spreadsheet file a member is.
func PartOf(head []byte) Part { return table.PartOf(head) }

// Workbook is what the sheets of one spreadsheet file share: strings, which cells are dates, the first day. Macros, formulas and links of it are not
// looked at. It must be closed.
type Workbook struct{ book *table.Workbook }

// Workbook returns one of which nothing is known yet.
func (c *Counter) Workbook() *Workbook {
	return &Workbook{table.NewWorkbook(c.opts.SpoolDir, c.opts.SpoolLimit)}
}

// Close removes its temporary files.
func (w *Workbook) Close() { w.book.Close() }

// Share takes in a part that is no sheet. When its strings are more than may be kept, that is told with the sheets that miss them.
func (w *Workbook) Share(ctx context.Context, part Part, r io.Reader) error {
	err := w.book.Read(part, &countingReader{ctx: ctx, src: r})
	if errors.Is(err, table.ErrStrings) {
		return nil
	}
	return err
}

// AddSheet is Add for a sheet of a workbook. Whatever it shares must have been shared before.
func (c *Counter) AddSheet(ctx context.Context, src Source, w *Workbook, r io.Reader) (File, error) {
	return c.add(ctx, src, r, func(in *intake, counting io.Reader) error {
		in.file.Format, in.file.Encoding = "sheet", "utf-8"
		return table.ReadSheet(counting, w.book, src.Name, in.out())
	})
}
