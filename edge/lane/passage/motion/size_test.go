package motion

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"lanewarden/drivers/observation/units"
)

// mixedTraffic is a model of a lane in which trucks of 11 to 13 m weigh 16 to 24 t, half of them with a tag and some
// with a container, and cars of 4 to 5 m weigh 1.4 to 1.8 t.
func mixedTraffic() *Model {
	m := New(2, 2)
	for i := range 60 {
		load := Load(0)
		if i%2 == 0 {
			load = Tagged
		}
		if i%3 == 0 {
			load |= Container
		}
		m.LearnSize(units.Metres(11+float64(i%3)), units.Kilograms(16000+1000*float64(i%9)), load)
		m.LearnSize(units.Metres(4+0.25*float64(i%5)), units.Kilograms(1400+100*float64(i%5)), 0)
	}
	return m
}

// TestWeighs: a weight that vehicles of a length have speaks for one vehicle, one that others have against it; what
// is not known, here or of the lane, says nothing.
func TestWeighs(t *testing.T) {
	m := mixedTraffic()
	for _, c := range []struct {
		name       string
		length, kg float64
		low, high  float64
	}{
		{"a truck", 12, 20000, 0.3, 2},
		{"a car", 4.5, 1600, 0.3, 2},
		{"a car that weighs 20 t", 4.5, 20000, -10, -3},
		{"a truck that weighs 1.6 t", 12, 1600, -10, -3},
		{"a length that nothing has", 8, 20000, -0.5, 0.5},
		{"not measured", 0, 20000, 0, 0},
		{"not weighed", 12, 0, 0, 0},
	} {
		if got := m.WeightLogRatio(units.Metres(c.length), units.Kilograms(c.kg)); got < c.low || got > c.high {
			t.Errorf("%s: %.2f", c.name, got)
		}
	}
	if got := New(2, 2).WeightLogRatio(12, 20000); got != 0 {
		t.Errorf("in a lane that is not known: %.2f", got)
	}
}

// TestCarries: what long vehicles carry is not of a short one.
func TestCarries(t *testing.T) {
	m := mixedTraffic()
	for _, load := range []Load{Tagged, Container} {
		if truck, car := m.LoadLogRatio(12, load), m.LoadLogRatio(4.5, load); truck < 0.3 || car > -3 {
			t.Errorf("load %d: %.2f of a truck, %.2f of a car", load, truck, car)
		}
	}
	if m.LoadLogRatio(0, Tagged) != 0 || New(2, 2).LoadLogRatio(12, Tagged) != 0 {
		t.Error("something is said of what is not known")
	}
}

// TestExtent: a length is what was measured; of a vehicle that stopped over the detector the weight tells it, of one
// that was not weighed nothing does.
func TestExtent(t *testing.T) {
	m := mixedTraffic()
	for _, c := range []struct {
		name              string
		length            units.Metres
		kg                units.Kilograms
		want, sigma, most units.Metres
	}{
		{"measured", 12, 0, 12, 0, 1},
		{"measured, and weighed", 4.5, 1600, 4.5, 0, 1},
		{"stopped, 20 t", 140, 20000, 12, 0.5, 2.5},
		{"not measured, 1.6 t", 0, 1600, 4.5, 0.5, 2},
		{"stopped", 140, 0, stoppedLength, stoppedSigma, stoppedSigma},
		{"stopped, of a weight that nothing has", 140, 1e6, stoppedLength, stoppedSigma, stoppedSigma},
	} {
		got, sigma := m.LengthEstimate(c.length, c.kg)
		if (got-c.want).Abs() > 0.7 || sigma < c.sigma || sigma > c.most {
			t.Errorf("%s: %.2f ± %.2f m", c.name, got, sigma)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		length, kg := rapid.Float64Range(0, 300).Draw(t, "length"), rapid.Float64Range(0, 1e5).Draw(t, "kg")
		got, sigma := m.LengthEstimate(units.Metres(length), units.Kilograms(kg))
		if !(got > 0 || length > 0) || !(got <= longestVehicle) || math.IsNaN(float64(sigma)) ||
			math.IsNaN(m.WeightLogRatio(units.Metres(length), units.Kilograms(kg))) {
			t.Errorf("%.2f m, %.2f kg: %.2f ± %.2f m", length, kg, got, sigma)
		}
	})
}
