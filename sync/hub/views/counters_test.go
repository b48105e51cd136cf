package views

import (
	"maps"
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestBuckets: a duration is kept to 3 % of itself, and one under 32 s as it is; longer ones never come before shorter
// ones.
func TestBuckets(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seconds := rapid.Int64Range(0, 1<<30).Draw(t, "seconds")
		bucket := bucketOf(seconds)
		if bucket < 0 || bucket >= buckets {
			t.Fatalf("bucket %d", bucket)
		}
		kept := secondsOf(bucket)
		if off := math.Abs(kept - float64(seconds)); off > 0.032*float64(seconds) || seconds < 32 && off != 0 {
			t.Fatalf("%d s are kept as %g", seconds, kept)
		}
		if more := bucketOf(seconds + 1); more < bucket {
			t.Fatalf("%d s are in bucket %d, and %d s in %d", seconds, bucket, seconds+1, more)
		}
	})
}

// TestCells: what is packed comes back.
func TestCells(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cells := rapid.MapOf(rapid.Int64Range(0, 24*buckets-1), rapid.Int64()).Draw(t, "cells")
		back := map[int64]int64{}
		eachCell(encodeCells(cells), func(cell, n int64) { back[cell] = n })
		if !maps.Equal(cells, back) {
			t.Fatalf("%v, packed %v", cells, back)
		}
	})
	eachCell([]byte{2}, func(cell, n int64) { t.Error("half a cell:", cell, n) })
}

// TestQuantile: by rank, of all that were counted.
func TestQuantile(t *testing.T) {
	s := Spread{}
	for seconds := range int64(30) {
		s.Add(Spread{bucketOf(seconds + 1): 1})
	}
	for q, want := range map[float64]time.Duration{0: time.Second, 0.5: 15 * time.Second, 0.95: 29 * time.Second, 1: 30 * time.Second} {
		if got := s.Quantile(q); got != want {
			t.Errorf("%g: %v, expected %v", q, got, want)
		}
	}
	if got := (Spread{}).Quantile(0.5); got != 0 {
		t.Errorf("of nothing: %v", got)
	}
}
