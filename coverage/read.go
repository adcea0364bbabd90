package coverage

import (
	"encoding/json"
	"fmt"
	"io"
)

// maxCertificate bounds the size of a certificate that is read, in bytes.
const maxCertificate = 1 << 30

// Read reads what Write wrote. name is for errors.
func Read(r io.Reader, name string) (*Certificate, error) {
	limited := &io.LimitedReader{R: r, N: maxCertificate}
	c := &Certificate{}
	if err := json.NewDecoder(limited).Decode(c); err != nil {
		if limited.N == 0 {
			err = fmt.Errorf("larger than %d bytes", maxCertificate)
		}
		return nil, fmt.Errorf("read certificate %s: %w", name, err)
	}
	return c, nil
}
