package drill

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/contrail-ir/contrail/drill/scene"
)

// writeSources tells of every log where it comes from, in which zone its times are and how far its clock is ahead.
func writeSources(s *scene.Scene, path string) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "# Where the evidence of %s comes from. Paths are relative to evidence/.\nsources:\n", s.Org.Name)
	for _, src := range s.Sources() {
		fmt.Fprintf(&b, "  - path: %s # %s\n    org: %s\n    host: %s\n    zone: %s\n    custody: %s\n", strconv.Quote(src.File), src.Product, strconv.Quote(s.Org.Name),
			strconv.Quote(src.Host), strconv.Quote(zoneName(src.Zone)), strconv.Quote("copied by the airline's own staff, "+s.At(s.Days, 9, 0, 0).Format("2006-01-02")))
		if src.Skew != 0 {
			fmt.Fprintf(&b, "    offset: %s\n", -src.Skew) // what is to be added
		}
	}
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		return fmt.Errorf("drill: write sources: %w", err)
	}
	return nil
}

func zoneName(z *time.Location) string {
	if z == time.UTC {
		return "UTC"
	}
	return sectorStart.In(z).Format("-07:00")
}
