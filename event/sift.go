package event

import "slices"

// A Sifter tells records that may hold what a matcher seeks from those that cannot, by their text as the log has it, so that no columns
// need be made of most. One goroutine uses it.
type Sifter interface {
	// Suspects says whether a record may hold something. No is a promise: nothing that is sought is in any value that is a stretch of the
	// text and begins and ends at an end of the text, or beside a byte that parts values (see Parts).
	Suspects(text []byte) bool
}

// A Surveyor is a Sifter that can look at many records at once, which costs a fraction of asking about each.
type Surveyor interface {
	Sifter
	// Survey appends to places, ascending, where in a text of whole lines something may be. Lines without a place are a promise: Suspects
	// clears them, one by one and joined. False says that it cannot tell, now and ever.
	Survey(text []byte, places []int) (all []int, ok bool)
}

// Parts says whether a byte beside a value keeps what is sought in it apart from what stands around it. Bytes of words and names do not,
// nor do those that go on in escapes and paths of Windows; a colon, which stands in addresses too, parts values that have none.
func Parts(c byte) bool { return parts[c] }

var parts = func() (t [256]bool) {
	for c := range 0x80 {
		word := '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z' || c == '_'
		t[c] = !word && c != '.' && c != '-' && c != '%' && c != '\\' && c != ':'
	}
	return t
}()

// Sifters joins the sifters of several needs, nil when none has one.
func Sifters(needs ...Needs) func() Sifter {
	var all []func() Sifter
	for _, n := range needs {
		if n.Sifter != nil {
			all = append(all, n.Sifter)
		}
	}
	if len(all) < 2 {
		if len(all) == 0 {
			return nil
		}
		return all[0]
	}
	return func() Sifter {
		var s sifters
		for _, make := range all {
			s = append(s, make())
		}
		return s
	}
}

type sifters []Sifter

func (s sifters) Suspects(text []byte) bool {
	for _, one := range s {
		if one.Suspects(text) {
			return true
		}
	}
	return false
}

// Survey implements Surveyor where all of them do.
func (s sifters) Survey(text []byte, places []int) ([]int, bool) {
	for _, one := range s {
		surveyor, ok := one.(Surveyor)
		if !ok {
			return places, false
		}
		if places, ok = surveyor.Survey(text, places); !ok {
			return places, false
		}
	}
	slices.Sort(places)
	return places, true
}
