package motion

import (
	"math"
	"testing"

	"lanewarden/drivers/observation/units"
)

// TestReweigh: weighings that were all taken for those of the vehicle beside are found by the lengths: what was
// learnt of the scale's times moves by the time between vehicles, and their own weights are learnt. Those that are
// right are left alone.
func TestReweigh(t *testing.T) {
	length := func(v int) float64 { return 4 + float64(v*7%12) }
	for _, c := range []struct {
		name string
		off  int     // whose weighing a vehicle was given: of the one so many behind it
		want float64 // s, by which the way to the scale becomes longer
	}{{"their own", 0, 0}, {"of the vehicle ahead", -1, 10}, {"of the vehicle behind", 1, -10}} {
		t.Run(c.name, func(t *testing.T) {
			m := New(2, 2)
			sights := func(v int) []Fix {
				at, off := 10*float64(v), 10*float64(c.off)
				return []Fix{row(0, 0, at), row(1, 10, at+12+off)}
			}
			for v := range 60 {
				m.AddHeadway(10)
				m.Learn(sights(v), 2, units.Metres(length(v)), 0)
				m.LearnSize(units.Metres(length(v)), units.Kilograms(1500*length(v+c.off)), 0)
			}
			before := m.Predict(sights(0)[0], sights(0)[1], 2).Residual
			m.RealignWeights(1)
			if got := before - m.Predict(sights(0)[0], sights(0)[1], 2).Residual; math.Abs(got-c.want) > 0.5 {
				t.Errorf("the way to the scale is %.1f s longer", got)
			}
			if own, other := m.WeightLogRatio(10, 15000), m.WeightLogRatio(10, 7500); own < other+1 {
				t.Errorf("its own weight %.2f, another one's %.2f", own, other)
			}
		})
	}
	m := New(2, 2)
	for v := range 20 {
		m.LearnSize(units.Metres(length(v)), units.Kilograms(1500*length(v+1)), 0)
	}
	if m.RealignWeights(1); m.neighbours.Len() == 0 {
		t.Error("20 vehicles are enough to say something")
	}
}
