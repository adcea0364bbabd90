package table

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"

	"github.com/contrail-ir/contrail/exposure/internal/record"
)

// maxColumnChunk bounds what one column chunk may unpack to, by its own statement.
const maxColumnChunk = 1 << 30

// ReadParquet counts the rows of a Parquet file. Of a repeated column the first value is taken.
// The library beneath may panic on hostile files; that becomes an error here.
func ReadParquet(src io.ReaderAt, size int64, name string, out *Out) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("read Parquet %s: the file is malformed: %v", name, p)
		}
	}()
	f, err := parquet.OpenFile(src, size, parquet.SkipBloomFilters(true))
	if err != nil {
		return fmt.Errorf("open Parquet %s: %w", name, err)
	}
	schema := f.Schema()
	var headers []string
	for _, path := range schema.Columns() {
		headers = append(headers, strings.Join(path, " "))
	}
	if len(headers) > maxColumns {
		return fmt.Errorf("read Parquet %s: %d columns are more than the limit of %d", name, len(headers), maxColumns)
	}
	types := make([]parquet.Type, len(headers))
	for i, path := range schema.Columns() {
		if leaf, ok := schema.Lookup(path...); ok {
			types[i] = leaf.Node.Type()
		}
	}
	for _, g := range f.Metadata().RowGroups {
		for _, c := range g.Columns {
			if c.MetaData.TotalUncompressedSize > maxColumnChunk {
				return fmt.Errorf("read Parquet %s: a column chunk of %d bytes is larger than the limit", name, c.MetaData.TotalUncompressedSize)
			}
		}
	}
	t := New(name, headers, out)
	defer t.Close()
	cells := make([][]byte, len(headers))
	var arena []byte
	rows := make([]parquet.Row, 64)
	for n, group := range f.RowGroups() {
		r := group.Rows()
		for {
			n, err := r.ReadRows(rows)
			for _, row := range rows[:n] {
				clear(cells)
				arena = arena[:0]
				for _, v := range row {
					c := v.Column()
					if c < 0 || c >= len(cells) || v.IsNull() || cells[c] != nil {
						continue
					}
					start := len(arena)
					arena = appendValue(arena, v, types[c])
					cells[c] = arena[start:len(arena):len(arena)]
				}
				t.Row(cells)
			}
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				_ = r.Close()
				out.Damage(record.Damage{Reason: fmt.Sprintf("row group %d of the Parquet file is damaged: %v", n, err)})
				return fmt.Errorf("read Parquet %s: %w", name, err)
			}
		}
		if err := r.Close(); err != nil {
			return fmt.Errorf("read Parquet %s: row group %d: %w", name, n, err)
		}
	}
	return nil
}

func appendValue(dst []byte, v parquet.Value, t parquet.Type) []byte {
	if t != nil {
		if l := t.LogicalType(); l != nil {
			switch kind := l.Value.(type) {
			case *format.DateType:
				return time.Unix(int64(v.Int32())*86400, 0).UTC().AppendFormat(dst, time.DateOnly)
			case *format.TimestampType:
				per := int64(1e3) // ticks per second
				switch kind.Unit.Value.(type) {
				case *format.MicroSeconds:
					per = 1e6
				case *format.NanoSeconds:
					per = 1e9
				}
				ticks := v.Int64()
				return time.Unix(ticks/per, ticks%per*(1e9/per)).UTC().AppendFormat(dst, time.DateTime)
			}
		}
	}
	switch v.Kind() {
	case parquet.ByteArray, parquet.FixedLenByteArray:
		b := v.ByteArray()
		return append(dst, b[:min(len(b), maxCell)]...)
	case parquet.Int32:
		return strconv.AppendInt(dst, int64(v.Int32()), 10)
	case parquet.Int64:
		return strconv.AppendInt(dst, v.Int64(), 10)
	case parquet.Float:
		return strconv.AppendFloat(dst, float64(v.Float()), 'f', -1, 32)
	case parquet.Double:
		return strconv.AppendFloat(dst, v.Double(), 'f', -1, 64)
	}
	return dst
}
