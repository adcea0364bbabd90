package stix

import (
	"bytes"
	"io"
	"testing"

	"github.com/contrail-ir/contrail/internal/require"
)

// BenchmarkRead reads ATT&CK for enterprise (STIX 2.0) object by object, upgrade included.
func BenchmarkRead(b *testing.B) {
	raw, err := io.ReadAll(open(b, require.Data(b, "attack-stix/enterprise-attack-stix20.json.gz")))
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		rd := NewReader(bytes.NewReader(raw), Limits{})
		n := 0
		for {
			if _, err := rd.Next(); err == io.EOF {
				break
			} else if err != nil {
				b.Fatal(err)
			}
			n++
		}
		b.ReportMetric(float64(n), "objects")
	}
}

// BenchmarkMarshal writes one object of every type as canonical JSON.
func BenchmarkMarshal(b *testing.B) {
	objects := samples()
	b.ReportAllocs()
	for b.Loop() {
		for _, o := range objects {
			if _, err := Marshal(o); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(len(objects)), "objects")
}
