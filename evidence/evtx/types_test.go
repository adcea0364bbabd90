package evtx

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/contrail-ir/contrail/event"
)

// keeper collects whole records as text, in the order of delivery.
type keeper struct {
	lines  []string
	damage []string
	times  []int64
	hosts  []string
	slack  []bool
}

func (k *keeper) Damage(d event.Damage) { k.damage = append(k.damage, d.String()) }

func (k *keeper) Batch(b *event.Batch) error {
	for row := range b.Rows {
		var rec event.Record
		if err := b.Fetch(row, &rec); err != nil {
			return err
		}
		line := ""
		for _, f := range rec.Fields {
			text := f.Text
			if f.Null {
				text = "NULL"
			}
			line += f.Name + "=" + text + "\n"
		}
		k.lines = append(k.lines, line)
		k.times = append(k.times, b.Time[row])
		k.hosts = append(k.hosts, b.Host.Text(row))
		k.slack = append(k.slack, b.Recovered)
	}
	return nil
}

// check decodes one event in all three ways and compares with the reference, then gives the fields behind System.
func check(t *testing.T, body xml) []string {
	t.Helper()
	w := newBuilder()
	w.record(1, aTime, body)
	data := file(w.chunk())
	c := newChecker(t, "synthetic", data)
	read(t, data, event.Hints{}, event.Everything(), c)
	if c.rows != 1 || len(c.damage) > 0 {
		t.Fatalf("%d rows, damage %v", c.rows, c.damage)
	}
	var k keeper
	read(t, data, event.Hints{}, event.Everything(), &k)
	lines := strings.Split(strings.TrimSuffix(k.lines[0], "\n"), "\n")
	for i, l := range lines {
		if strings.HasPrefix(l, "Computer=") {
			return lines[i+1:]
		}
	}
	return lines
}

func le(values ...any) []byte {
	var b bytes.Buffer
	for _, v := range values {
		if err := binary.Write(&b, binary.LittleEndian, v); err != nil {
			panic(err)
		}
	}
	return b.Bytes()
}

func TestValueTypes(t *testing.T) {
	guid := []byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}
	sid := []byte{1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 32, 2, 0, 0}
	for _, c := range []struct {
		name string
		v    value
		want []string // of the field F; nil: null
	}{
		{"null", value{typ: typeNull}, nil},
		{"null with bytes", value{typ: typeNull, raw: []byte{1, 2}}, nil},
		{"string", value{typ: typeString, raw: utf16le("aé€😀z")}, []string{"aé€😀z"}},
		{"string, empty", value{typ: typeString}, []string{""}},
		{"string, terminated", value{typ: typeString, raw: utf16le("abcdefgh\x00\x00")}, []string{"abcdefgh"}},
		{"string, lone surrogate", value{typ: typeString, raw: le(uint16('a'), uint16(0xd800), uint16('b'))}, []string{"a\ufffdb"}},
		{"string, odd size", value{typ: typeString, raw: []byte{'a', 0, 'b'}}, []string{"a"}},
		{"ANSI", value{typ: typeANSI, raw: []byte("a\xe9\x80\x00")}, []string{"aé€"}},
		{"int8", value{typ: typeInt8, raw: []byte{0xff}}, []string{"-1"}},
		{"uint8", value{typ: typeUint8, raw: []byte{0xff}}, []string{"255"}},
		{"int16", value{typ: typeInt16, raw: le(int16(-2))}, []string{"-2"}},
		{"uint16", value{typ: typeUint16, raw: le(uint16(65535))}, []string{"65535"}},
		{"int32", value{typ: typeInt32, raw: le(int32(-3))}, []string{"-3"}},
		{"uint32", value{typ: typeUint32, raw: le(uint32(4294967295))}, []string{"4294967295"}},
		{"int64", value{typ: typeInt64, raw: le(int64(-4))}, []string{"-4"}},
		{"uint64", value{typ: typeUint64, raw: le(^uint64(0))}, []string{"18446744073709551615"}},
		{"int32 of two bytes", value{typ: typeInt32, raw: []byte{1, 2}}, []string{"0102"}},
		{"int32 of none", value{typ: typeInt32}, nil},
		{"float", value{typ: typeFloat32, raw: le(float32(1.5))}, []string{"1.5"}},
		{"double", value{typ: typeFloat64, raw: le(float64(-0.1))}, []string{"-0.1"}},
		{"bool", value{typ: typeBool, raw: le(uint32(1))}, []string{"true"}},
		{"bool, false", value{typ: typeBool, raw: le(uint32(0))}, []string{"false"}},
		{"binary", value{typ: typeBinary, raw: []byte{0xab, 0x01}}, []string{"AB01"}},
		{"binary, empty", value{typ: typeBinary}, []string{""}},
		{"GUID", value{typ: typeGUID, raw: guid}, []string{"{04030201-0605-0807-090A-0B0C0D0E0F10}"}},
		{"GUID, short", value{typ: typeGUID, raw: guid[:3]}, []string{"010203"}},
		{"size", value{typ: typeSize, raw: le(uint64(0x10))}, []string{"0x10"}},
		{"size of 32 bits", value{typ: typeSize, raw: le(uint32(0x10))}, []string{"0x10"}},
		{"filetime", value{typ: typeFiletime, raw: le(uint64(aTime))}, []string{"2020-01-02T03:04:05.6789012Z"}},
		{"filetime 0", value{typ: typeFiletime, raw: le(uint64(0))}, []string{"1601-01-01T00:00:00Z"}},
		{"filetime, far", value{typ: typeFiletime, raw: le(uint64(0x7fffffffffffffff))}, []string{"30828-09-14T02:48:05.4775807Z"}},
		{"systemtime", value{typ: typeSystemtime, raw: le([]uint16{2020, 2, 6, 29, 23, 59, 58, 70})}, []string{"2020-02-29T23:59:58.07Z"}},
		{"SID", value{typ: typeSID, raw: sid}, []string{"S-1-5-32-544"}},
		{"SID, short", value{typ: typeSID, raw: sid[:12]}, []string{strings.ToUpper(fmt.Sprintf("%x", sid[:12]))}},
		{"hexint32", value{typ: typeHex32, raw: le(uint32(0xC000006D))}, []string{"0xc000006d"}},
		{"hexint64", value{typ: typeHex64, raw: le(uint64(0x8020000000000000))}, []string{"0x8020000000000000"}},
		{"strings", value{typ: typeArray | typeString, raw: utf16le("a\x00\x00b")}, []string{"a", "", "b"}},
		{"strings, none", value{typ: typeArray | typeString}, nil},
		{"ANSI strings", value{typ: typeArray | typeANSI, raw: []byte("a\x00b\x00")}, []string{"a", "b"}},
		{"int8s", value{typ: typeArray | typeInt8, raw: []byte{1, 0xfe}}, []string{"1", "-2"}},
		{"uint8s", value{typ: typeArray | typeUint8, raw: []byte{1, 0xfe}}, []string{"1", "254"}},
		{"int16s", value{typ: typeArray | typeInt16, raw: le([]int16{1, -1})}, []string{"1", "-1"}},
		{"uint16s", value{typ: typeArray | typeUint16, raw: le([]uint16{1, 2})}, []string{"1", "2"}},
		{"int32s", value{typ: typeArray | typeInt32, raw: le([]int32{1, -1})}, []string{"1", "-1"}},
		{"uint32s, one cut off", value{typ: typeArray | typeUint32, raw: append(le([]uint32{1}), 2, 3)}, []string{"1", "0203"}},
		{"int64s", value{typ: typeArray | typeInt64, raw: le([]int64{1, -1})}, []string{"1", "-1"}},
		{"uint64s", value{typ: typeArray | typeUint64, raw: le([]uint64{1, 2})}, []string{"1", "2"}},
		{"floats", value{typ: typeArray | typeFloat32, raw: le([]float32{1, 2.5})}, []string{"1", "2.5"}},
		{"doubles", value{typ: typeArray | typeFloat64, raw: le([]float64{1, 2.5})}, []string{"1", "2.5"}},
		{"bools", value{typ: typeArray | typeBool, raw: le([]uint32{1, 0})}, []string{"true", "false"}},
		{"GUIDs", value{typ: typeArray | typeGUID, raw: append(guid, guid...)}, []string{
			"{04030201-0605-0807-090A-0B0C0D0E0F10}", "{04030201-0605-0807-090A-0B0C0D0E0F10}"}},
		{"filetimes", value{typ: typeArray | typeFiletime, raw: le([]uint64{aTime, 0})}, []string{
			"2020-01-02T03:04:05.6789012Z", "1601-01-01T00:00:00Z"}},
		{"systemtimes", value{typ: typeArray | typeSystemtime, raw: le([]uint16{2020, 2, 6, 29, 23, 59, 58, 70})}, []string{"2020-02-29T23:59:58.07Z"}},
		{"SIDs", value{typ: typeArray | typeSID, raw: append(slices.Clone(sid), sid...)}, []string{"S-1-5-32-544", "S-1-5-32-544"}},
		{"sizes", value{typ: typeArray | typeSize, raw: le([]uint64{1, 2})}, []string{"0x1", "0x2"}},
		{"hexint32s", value{typ: typeArray | typeHex32, raw: le([]uint32{1, 255})}, []string{"0x1", "0xff"}},
		{"hexint64s", value{typ: typeArray | typeHex64, raw: le([]uint64{1, 255})}, []string{"0x1", "0xff"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := check(t, instance(9, element("Event", system("P", "C", "1", "H"),
				element("EventData", element("Data", attribute("Name", text("F")), slot(0)))), c.v))
			var want []string
			for _, w := range c.want {
				want = append(want, "F="+w)
			}
			if want == nil {
				want = []string{"F=NULL"}
			}
			if !slices.Equal(got, want) {
				t.Errorf("%q, want %q", got, want)
			}
		})
	}
}

func TestStructure(t *testing.T) {
	data := func(content ...xml) xml { return element("EventData", content...) }
	event_ := func(content ...xml) xml {
		return element("Event", append([]xml{system("P", "C", "1", "H")}, content...)...)
	}
	str := func(s string) value { return value{typ: typeString, raw: utf16le(s)} }
	for _, c := range []struct {
		name string
		body xml
		want []string
	}{
		{"written out", event_(data(element("Data", attribute("Name", text("A")), text("x")))), []string{"A=x"}},
		{"references", event_(data(element("Data", attribute("Name", text("A")),
			text("a"), entity("lt"), charRef(0x20ac), entity("amp"), cdata("<b>"), entity("nbsp")))), []string{"A=a<€&<b>&nbsp;"}},
		{"instructions", event_(data(instruction("t", "d"), element("Data", text("x")))), []string{"Data=x"}},
		{"unnamed data", event_(data(element("Data", text("x")), element("Data"), element("Data", text("")))),
			[]string{"Data=x", "Data=NULL", "Data="}},
		{"other elements", event_(data(element("Binary", text("00")), element("Param1", attribute("k", text("v")), text("x")))),
			[]string{"Binary=00", "Param1_k=v", "Param1=x"}},
		{"user data", event_(element("UserData", element("Op", attribute("xmlns", text("u")), attribute("a", text("1")),
			element("Leaf", text("x")), element("Empty"), element("Only", attribute("k", text("v")))))),
			[]string{"Op_a=1", "Leaf=x", "Empty=NULL", "Only_k=v"}},
		{"a name met again", event_(data(element("Data", attribute("Name", text("Channel")), text("x")))), []string{"Channel=x"}},
		{"complex data", event_(data(element("ComplexData", attribute("Name", text("N")), element("Data", attribute("Name", text("M")), text("x"))))),
			[]string{"M=x"}},
		{"rendering", event_(element("RenderingInfo", attribute("Culture", text("en")), element("Message", text("hello")))),
			[]string{"RenderingInfo_Culture=en", "Message=hello"}},
		{"name substituted", instance(1, event_(data(element("Data", attribute("Name", slot(0)), slot(1)))), str("A"), str("x")), []string{"A=x"}},
		{"name put together", instance(2, event_(data(element("Data", attribute("Name", text("A"), slot(0)), slot(1)))), str("B"), str("x")), []string{"AB=x"}},
		{"value put together", instance(3, event_(data(element("Data", attribute("Name", text("A")), text("<"), slot(0), text(":"), slot(1), text(">")))),
			str("x"), value{typ: typeArray | typeUint16, raw: le([]uint16{1, 2})}), []string{"A=<x:1, 2>"}},
		{"optional", instance(4, event_(data(element("Data", attribute("Name", text("A")), attribute("k", optional(0, 1)), optional(0, 1)))),
			value{}), []string{"A=NULL"}},
		{"slot that is not there", instance(5, event_(data(element("Data", attribute("Name", text("A")), slot(44))))), []string{"A=NULL"}},
		{"slot twice", instance(6, event_(data(element("Data", text("0")), element("Data", slot(0)), element("Data", slot(0)))), str("x")),
			[]string{"Data=0", "Data=x", "Data=x"}},
		{"nested element", instance(7, event_(optional(0, typeXML)), value{typ: typeXML,
			fragment: data(element("Data", attribute("Name", text("A")), text("x")))}), []string{"A=x"}},
		{"nested template", instance(8, event_(optional(0, typeXML)), value{typ: typeXML, fragment: instance(9,
			data(element("Data", attribute("Name", text("A")), slot(0))), str("x"))}), []string{"A=x"}},
		{"nested where another type is declared", instance(10, event_(data(element("Data", attribute("Name", text("A")), slot(0)))), value{typ: typeXML,
			fragment: element("Inner", text("x"))}), []string{"Inner=x"}},
		{"nested with text", instance(11, event_(data(element("Data", attribute("Name", text("A")), text("a"), slot(0)))), value{typ: typeXML,
			fragment: element("Inner", text("x"))}), []string{"Inner=x", "A=a"}},
		{"nothing nested", instance(12, event_(optional(0, typeXML)), value{}), nil},
		{"white space between elements", event_(text("\r\n  "), data(text(" "), element("Data", text(" "))), text("\n")), []string{"Data= "}},
		{"processing error", event_(element("ProcessingErrorData", element("ErrorCode", text("15005")))), []string{"ErrorCode=15005"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := check(t, c.body); !slices.Equal(got, c.want) && len(got)+len(c.want) > 0 {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}
