package ledger

import (
	"context"
	"testing"
)

// BenchmarkAppend measures durable appends of one entry (three files synced each) on the disk of the temporary folder.
func BenchmarkAppend(b *testing.B) {
	fx := newFixture(b)
	l := fx.create(b)
	for b.Loop() {
		if _, err := l.Append(context.Background(), fx.author, Draft{Kind: "note", Version: 1, Why: "benchmark"}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkVerify measures the verification of 10,240 entries; its memory does not depend on their number.
func BenchmarkVerify(b *testing.B) {
	fx := newFixture(b)
	l := fx.create(b)
	for range 10 {
		fx.append(b, l, MaxBatch)
	}
	b.ReportAllocs()
	for b.Loop() {
		if r := mustVerify(b, l.Dir(), VerifyOptions{}); !r.OK() {
			b.Fatal(r.Problems)
		}
	}
	b.ReportMetric(float64(10*MaxBatch*b.N)/b.Elapsed().Seconds(), "entries/s")
}
