package census

import (
	"bufio"
	"io"
	"strings"

	"github.com/contrail-ir/contrail/exposure"
)

// workbooks are the spreadsheet files under way: one, or one within another.
type workbooks []workbook

type workbook struct {
	within string // the file with the "!" behind it, or the folder of parts that somebody unpacked
	book   *exposure.Workbook
}

// leave closes the workbooks that a file is not part of.
func (w *workbooks) leave(name string) {
	for n := len(*w); n > 0 && !strings.HasPrefix(name, (*w)[n-1].within); n = len(*w) {
		(*w)[n-1].book.Close()
		*w = (*w)[:n-1]
	}
}

func (w *workbooks) closeAll() {
	for _, b := range *w {
		b.book.Close()
	}
	*w = nil
}

// of gives the workbook that a member belongs to.
func (w *workbooks) of(name string, c *exposure.Counter) *exposure.Workbook {
	within, _, _ := cutLast(name, "!")
	if within != name {
		within += "!"
	}
	for _, b := range *w {
		if b.within == within {
			return b.book
		}
	}
	*w = append(*w, workbook{within, c.Workbook()})
	return (*w)[len(*w)-1].book
}

func partOf(body io.Reader) exposure.Part {
	b, ok := body.(*bufio.Reader)
	if !ok {
		return exposure.NoPart
	}
	head, _ := b.Peek(sampleBytes)
	return exposure.PartOf(head)
}
