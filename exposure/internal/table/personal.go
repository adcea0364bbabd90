package table

import (
	"bytes"

	"github.com/contrail-ir/contrail/exposure/internal/identifier"
)

// travel are the kinds of which a single record has at least one when it is a passenger's: a name with an e-mail address may be anybody's.
const travelAnchors = Group(4 | 16 | 32 | 64 | 128 | 256)

// Personal says, of one record alone, which of its values are a passenger's, by the names of its fields: at least two kinds of personal
// field, one of them of travel. It is what a table's inference is where there is no table to infer from.
func Personal(names []string, values [][]byte, personal []bool) bool {
	groups := Group(0)
	found := false
	for i, name := range names {
		personal[i] = false
		kind := hint(name)
		if groupOf[kind] == 0 || kind == Nationality {
			continue
		}
		v := bytes.TrimSpace(values[i])
		if len(v) == 0 || isNull(v) || !valid(kind, v, identifier.DayFirst) && (kind != Birth || !valid(kind, v, identifier.MonthFirst)) {
			continue
		}
		groups |= groupOf[kind]
		personal[i], found = true, true
	}
	if found && groups.Count() >= 2 && groups&travelAnchors != 0 {
		return true
	}
	clear(personal)
	return false
}
