package motion

import (
	"math"
	"testing"
)

// evenly is a way of n values that are so far apart, with what is known of it.
func evenly(n int, apart, spread float64, age int) *travelResidual {
	w := &travelResidual{spread: spread, age: age}
	for i := range n {
		w.Window.Add(apart * float64(i))
	}
	return w
}

// TestAdopt: values that are spread more than what is known are taken over when that is not much more, the more so the
// longer ago that was, while there are few, and of results that come late.
func TestAdopt(t *testing.T) {
	const apart = 0.4 / 14.826 // of 41 values, so that they spread by 0.4 s
	for name, c := range map[string]struct {
		n      int
		spread float64
		age    int
		late   bool
		want   bool
	}{
		"twice as much, after 20":         {41, 0.2, 19, false, false},
		"twice as much, after 21":         {41, 0.2, 20, false, true},
		"twice as much, of a late result": {41, 0.2, 0, true, true},
		"of one that hardly spreads":      {41, 0.05, 20, false, false},
		"half as much again":              {41, 0.4 / 1.5, 0, false, true},
		"ten values":                      {9, 0.001, 0, false, true},
		"eleven values":                   {10, 0.001, 0, false, false},
	} {
		w := evenly(c.n, apart, c.spread, c.age)
		if c.n < 41 {
			w = evenly(c.n, 1, c.spread, c.age)
		}
		age := w.age
		if w.add(w.last.Values()[w.Len()-1]+0.01, c.late); (w.median != 0) != c.want || (w.age == 0) != c.want {
			t.Errorf("%s: taken over %v, after %d it is %d", name, !c.want, age, w.age)
		}
	}
}

// TestAdoptAgreeing: where eight of twenty ways agree, they are those of vehicles that nothing held up; of nineteen
// ways the median counts, and so it does where those that agree spread as all do.
func TestAdoptAgreeing(t *testing.T) {
	values := []float64{0, 0, 0, 0, 0, 0, 0, 0, 0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110}
	for n, want := range map[int]float64{19: 10, 20: 0} {
		w := &travelResidual{}
		for _, v := range values[:n] {
			w.add(v, true)
		}
		near(t, "the way", w.median, want, 1e-9)
	}
	w := &travelResidual{}
	for i := range 20 {
		w.add(float64(i), true)
	}
	near(t, "an even way", w.median, 10, 1e-9)
	for _, n := range []int{4, 5} {
		w := &travelResidual{}
		for range n {
			w.add(7, false)
		}
		if w.known() != (n == 5) || (w.median == 7) != (n == 5) {
			t.Errorf("after %d: %v, %.1f s", n, w.known(), w.median)
		}
	}
}

// TestOrderlyWorked: a device is orderly from ten ways on that spread by less than eight seconds, as far as so few
// tell.
func TestOrderlyWorked(t *testing.T) {
	for _, c := range []struct {
		n      int
		spread float64
		want   bool
	}{{9, 0, false}, {10, 0, true}, {10, 4.4, true}, {10, 4.5, false}, {40, 6.6, true}, {40, 6.7, false}} {
		m := New(2, 2)
		w, _ := m.travelResidual(0, 1, true)
		for range c.n {
			w.Window.Add(0)
		}
		w.spread = c.spread
		if m.Orderly(1) != c.want {
			t.Errorf("%d ways of %.1f s: orderly %v", c.n, c.spread, !c.want)
		}
	}
}

// TestShiftWays: what was learnt of ways moves with a clock that was set, in the direction in which the way leads.
func TestShiftWays(t *testing.T) {
	for dev, want := range map[int]float64{0: -30, 1: 30} {
		m := New(2, 2)
		for range 5 {
			m.LearnLate([]Fix{row(0, 0, 100)}, row(1, 10, 107), 2) // 2 s more than the run
		}
		m.ClockStepped(dev, 30, false)
		w, sign := m.travelResidual(0, 1, false)
		near(t, "the way", w.median, 2+want, 1e-9)
		if middle, _ := w.Estimate(); math.Abs(middle-w.median) > 1e-9 || sign != 1 {
			t.Errorf("its values are about %.1f s", middle)
		}
	}
}

// TestPairsWorked: weighings are taken for the neighbours' when 45 pairs say so, of which lengths or weights that are
// not known are none.
func TestPairsWorked(t *testing.T) {
	length := func(v int) float64 { return 4 + float64(v*7%12) }
	shifted := func(n int, by int, spoilt func(v int) (long, kg float64)) int {
		var p pairs
		for v := range n {
			long, kg := length(v+12), 1500*length(v+12+by)
			if spoilt != nil && v%9 == 0 {
				long, kg = spoilt(v)
			}
			p.add(long, kg)
		}
		return p.shiftedBy()
	}
	for _, c := range []struct{ n, by, want int }{{46, 1, -1}, {45, 1, 0}, {46, -1, 1}, {45, -1, 0}, {90, 0, 0}} {
		if got := shifted(c.n, c.by, nil); got != c.want {
			t.Errorf("%d pairs, given those %d behind: %d", c.n, c.by, got)
		}
	}
	var square pairs // weights grow faster than lengths, and are told by them
	for v := range 60 {
		square.add(length(v), 100*length(v)*length(v))
	}
	if r, ok := square.correlation(0); !ok || math.Abs(r-1) > 1e-9 {
		t.Errorf("weights that lengths tell exactly: %.4f", r)
	}
	var slowly pairs // longer and longer vehicles: the neighbours' weights fit nearly as well as their own
	for v := range 90 {
		slowly.add(4+float64(v%30)/2, 1500*(4+float64(v%30)/2))
	}
	if got := slowly.shiftedBy(); got != 0 {
		t.Errorf("vehicles that become longer slowly: %d", got)
	}
	for name, spoilt := range map[string]func(int) (float64, float64){
		"not measured": func(int) (float64, float64) { return 0, 9000 },
		"not weighed":  func(int) (float64, float64) { return 9, 0 },
		"too long":     func(int) (float64, float64) { return 26, 9000 },
	} {
		if few, many := shifted(46, 1, spoilt), shifted(80, 1, spoilt); few != 0 || many != -1 {
			t.Errorf("%s: %d of 46, %d of 80", name, few, many)
		}
	}
	for _, c := range []struct{ length, kg float64 }{{0, 0}, {0, 0.1}, {0.1, 0}} { // how much they differ
		var same pairs
		for v := range 60 {
			same.add(10*(1+c.length*float64(v%2)), 9000*(1+c.kg*float64(v%3)))
		}
		if r, ok := same.correlation(0); ok || same.shiftedBy() != 0 {
			t.Errorf("vehicles that are alike correlate: %.2f", r)
		}
	}
}
