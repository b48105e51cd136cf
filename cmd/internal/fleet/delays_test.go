package fleet

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// A quantile is never shorter than the right one, and a sixteenth and a microsecond longer at most.
func TestQuantile(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		took := rapid.SliceOfN(rapid.Map(rapid.Int64Range(0, int64(24*time.Hour)),
			func(n int64) time.Duration { return time.Duration(n) }), 1, 200).Draw(t, "took")
		share := rapid.Float64Range(0, 1).Draw(t, "share")
		var d delays
		for _, one := range took {
			d.add(one)
		}
		slices.Sort(took)
		n := 0
		for n+1 < len(took) && float64(n+1) < share*float64(len(took)) {
			n++
		}
		right, got := took[n], d.counts().quantile(share)
		if got < right || got > right+right/16+time.Microsecond {
			t.Errorf("%v for %v", got, right)
		}
	})
}

// What was counted before a moment is not in what came since.
func TestSince(t *testing.T) {
	var d delays
	d.add(time.Hour)
	before := d.counts()
	d.add(time.Millisecond)
	if got := d.counts().since(before).quantile(1); got > 2*time.Millisecond {
		t.Error(got)
	}
	if got := before.since(before).quantile(0.5); got != 0 {
		t.Error(got)
	}
}
