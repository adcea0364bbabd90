package coverage

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/contrail-ir/contrail/event"
)

// TestTimesThatAreNotKnownAreSaid: first and last are always there, null with a reason where no record has a time, and what was written is read again as it was.
func TestTimesThatAreNotKnownAreSaid(t *testing.T) {
	for _, c := range []struct {
		span Span
		want string
	}{
		{Span{Records: 2, First: 0, Last: 1e9}, `"first":"1970-01-01T00:00:00Z","last":"1970-01-01T00:00:01Z","records":2`},
		{Span{Records: 2, First: event.NoTime, Last: event.NoTime}, `"first":null,"last":null,"no_times":"no record has a time","records":2`},
		{Span{First: event.NoTime, Last: event.NoTime}, `"first":null,"last":null,"no_times":"no record was read","records":0`},
	} {
		s, f := Source{Source: "a", Records: c.span.Records, Gaps: []Gap{}}, File{Path: "p", Org: "o", Records: c.span.Records, Damage: []Damage{}}
		s.First, s.Last, s.NoTimes = bounds(c.span)
		f.First, f.Last, f.NoTimes = bounds(c.span)
		b, err := json.Marshal(s)
		if err != nil || !strings.Contains(string(b), c.want) {
			t.Errorf("%v: %s, want %s (%v)", c.span, b, c.want, err)
		}
		var source Source
		if err := json.Unmarshal(b, &source); err != nil || !reflect.DeepEqual(source, s) {
			t.Errorf("%s is read as %+v: %v", b, source, err)
		}
		if b, err = json.Marshal(f); err != nil {
			t.Fatal(err)
		}
		var fields map[string]any
		var file File
		if err := json.Unmarshal(b, &file); err != nil || !reflect.DeepEqual(file, f) {
			t.Errorf("%s is read as %+v: %v", b, file, err)
		}
		if err := json.Unmarshal(b, &fields); err != nil {
			t.Fatal(err)
		}
		first, has := fields["first"]
		if _, why := fields["no_times"]; !has || (first == nil) != why || (first == nil) != (f.First == "") {
			t.Errorf("%s", b)
		}
	}
}
