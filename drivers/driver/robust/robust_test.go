package robust

import (
	"fmt"
	"testing"
)

func TestQuantile(t *testing.T) {
	for _, c := range []struct {
		sorted []float64
		share  float64
		want   float64
	}{
		{nil, 0.5, 0},
		{[]float64{3}, 0.5, 3},
		{[]float64{1, 2, 3}, 0.5, 2},
		{[]float64{1, 2, 3, 4}, 0.5, 3},
		{[]float64{1, 2, 3, 4}, 0, 1},
		{[]float64{1, 2, 3, 4}, 1, 4},
		{[]float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, 0.9, 10},
	} {
		if got := Quantile(c.sorted, c.share); got != c.want {
			t.Errorf("%v at %v: %v, want %v", c.sorted, c.share, got, c.want)
		}
	}
}

// One wrong value does not move a median.
func ExampleMedian() {
	fmt.Println(Median([]float64{7, 5, 1000, 6, 4}))
	// Output: 6
}
