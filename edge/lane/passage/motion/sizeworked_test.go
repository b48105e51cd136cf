package motion

import (
	"math"
	"testing"

	"lanewarden/drivers/observation/units"
)

// half is the kernel's height one width from its middle.
var half = math.Exp(-0.5)

// twoKinds is a model that has seen n trucks of 10 m and 20 t with tags, and as many cars of 5 m and 2 t without.
func twoKinds(n int) *Model {
	m := New(1, 2)
	for range n {
		m.LearnSize(10, 20_000, Tagged)
		m.LearnSize(5, 2000, 0)
	}
	return m
}

// TestWeighsWorked: the weights of ten trucks and ten cars by their lengths, with a fifth of a vehicle that is like all
// others, and a hundredth where no weight is.
func TestWeighsWorked(t *testing.T) {
	m := twoKinds(10)
	const usual = 0.51
	for name, c := range map[string]struct{ length, kg, want float64 }{
		"a truck":          {10, 20_000, math.Log((10 + 0.2*usual) / 10.2 / usual)},
		"a truck as light": {10, 2000, math.Log(0.2 * usual / 10.2 / usual)},
		"a little longer":  {10 * math.Exp(0.1), 20_000, math.Log((10*half + 0.2*usual) / (10*half + 0.2) / usual)},
		"a little heavier": {10, 20_000 * math.Exp(0.25),
			math.Log((10*half + 0.2*(half/2+0.01)) / 10.2 / (half/2 + 0.01))},
		"as long as nothing":     {20, 20_000, 0},
		"longer than any is":     {80, 20_000, 0},
		"of no length":           {0, 20_000, 0},
		"of no weight":           {10, 0, 0},
		"of a weight of nothing": {10, 0.5, math.Log(0.2 * 0.01 / 10.2 / 0.01)},
	} {
		near(t, name, m.WeightLogRatio(units.Metres(c.length), units.Kilograms(c.kg)), c.want, 1e-6)
	}
	long := New(1, 2)
	for range 10 {
		long.LearnSize(40, 20_000, 0)
		long.LearnSize(5, 2000, 0)
	}
	near(t, "one that stopped", long.WeightLogRatio(99, 20_000), math.Log((10+0.2*usual)/10.2/usual), 1e-6)
}

// TestCarriesWorked: what ten trucks and ten cars carry, with half a vehicle that carries everything.
func TestCarriesWorked(t *testing.T) {
	m := twoKinds(10)
	for name, c := range map[string]struct {
		length float64
		load   Load
		want   float64
	}{
		"a truck with a tag":       {10, Tagged, math.Log((10 + 0.1) / 10.2 / 0.5)},
		"a car with a tag":         {5, Tagged, math.Log(0.1 / 10.2 / 0.5)},
		"a truck with a container": {10, Container, math.Log(0.2 / 10.2)},
		"a little longer":          {10 * math.Exp(0.1), Tagged, math.Log((10*half + 0.1) / (10*half + 0.2) / 0.5)},
		"of no length":             {0, Tagged, 0},
	} {
		near(t, name, m.LoadLogRatio(units.Metres(c.length), c.load), c.want, 1e-6)
	}
}

// TestSizesFrom: twenty vehicles are enough, of which the last 128 count; what is not known of one is left out.
func TestSizesFrom(t *testing.T) {
	few, enough := twoKinds(9), twoKinds(9)
	few.LearnSize(10, 20_000, Tagged)
	enough.LearnSize(10, 20_000, Tagged)
	enough.LearnSize(10, 20_000, Tagged)
	for m, want := range map[*Model]bool{few: false, enough: true} {
		if m.WeightLogRatio(10, 20_000) != 0 != want || m.LoadLogRatio(10, Tagged) != 0 != want {
			t.Errorf("of %d vehicles something is said: %v", m.weightsByLength.Len(), !want)
		}
	}
	m := twoKinds(200)
	if m.weightsByLength.Len() != 128 || m.loadsByLength.Len() != 128 {
		t.Errorf("%d weights are kept", m.weightsByLength.Len())
	}
	m = New(1, 2)
	m.LearnSize(0, 9000, Tagged)
	m.LearnSize(0.5, 0, Tagged)
	m.LearnSize(0.5, 0.5, Tagged)
	if m.loadsByLength.Len() != 2 || m.weightsByLength.Len() != 1 || m.neighbours.Len() != 3 {
		t.Errorf("%d loads, %d weights, %d neighbours", m.loadsByLength.Len(), m.weightsByLength.Len(),
			m.neighbours.Len())
	}
}

// TestExtentWorked: a length that was not measured is the mean of those of vehicles of that weight, and spreads as they
// do and by a metre more.
func TestExtentWorked(t *testing.T) {
	m := New(1, 2)
	m.LearnSize(8, 20_000, 0)
	for _, kg := range []units.Kilograms{0, 20_001, 20_000} {
		length, sigma := m.LengthEstimate(0, kg)
		if known := kg == 20_000; known && (math.Abs(float64(length-8)) > 1e-9 || math.Abs(float64(sigma-1)) > 1e-6) ||
			!known && (length != 14 || sigma != 7) {
			t.Errorf("of one vehicle of 20 t, %.0f kg: %.2f ± %.2f m", kg, length, sigma)
		}
	}
	m.LearnSize(12, 20_000, 0)
	m.LearnSize(40, 20_000, 0) // it stopped
	m.LearnSize(26, 20_000, 0) // as long as one that stopped
	for name, c := range map[string]struct{ length, kg, want, sigma float64 }{
		"by its weight": {0, 20_000, 10, 3}, "stopped": {26.1, 20_000, 10, 3}, "measured": {26, 20_000, 26, 26 * 0.07},
		"a short one": {0.5, 20_000, 0.5, 0.035}, "nothing is known": {0, 0, 14, 7},
	} {
		length, sigma := m.LengthEstimate(units.Metres(c.length), units.Kilograms(c.kg))
		near(t, name, float64(length), c.want, 1e-6)
		near(t, name+", its spread", float64(sigma), c.sigma, 1e-6)
	}
	m.LearnSize(12, units.Kilograms(20_000*math.Exp(0.25)), 0)
	length, _ := m.LengthEstimate(0, 20_000)
	near(t, "with one that is a little heavier", float64(length), (20+12*half)/(2+half), 1e-6)
	m = New(1, 2)
	m.LearnSize(0.5, 0.8, 0)
	if length, _ := m.LengthEstimate(0, 0.8); math.Abs(float64(length-0.5)) > 1e-9 {
		t.Errorf("of a weight below a kilogram: %.2f m", length)
	}
}
