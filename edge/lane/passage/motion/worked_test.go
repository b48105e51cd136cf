package motion

import (
	"math"
	"testing"

	"lanewarden/drivers/observation/units"
)

// The tests of this file work examples out by hand: their figures are those of docs/association.md.

// TestRateWorked: shares as Bayes' rule has them, from two of three on.
func TestRateWorked(t *testing.T) {
	for _, c := range []struct {
		seen, missed int
		want         float64
	}{
		{0, 0, 2.0 / 3}, {3, 0, 5.0 / 6}, {9, 1, 11.0 / 13}, {10, 2, 12.0 / 15},
		{10, 3, 12.0 / 16 * 0.015625 / (0.015625 + 3e-4)}, // a quarter to the third, or stopped for three vehicles
		{200, 0, 0.995}, {201, 0, 102.5 / 103.5}, {200, 1, 102.0 / 103.5}, {200, 30, 0.005},
	} {
		var r HitRate
		for i := range c.seen + c.missed {
			r.Add(i < c.seen)
		}
		near(t, "the share", r.Probability(), c.want, 1e-9)
		if r.Hits() > r.Total() {
			t.Errorf("%.1f of %.1f are seen", r.Hits(), r.Total())
		}
	}
}

// TestGapWorked: which times between vehicles are gaps of a queue, and within which bounds they spread.
func TestGapWorked(t *testing.T) {
	for gap, counts := range map[float64]bool{-5: false, -4.9: true, 0: true, 19.9: true, 20: false} {
		var g gapEstimator
		g.add(100, 4)
		if g.add(104+gap, 4); (g.window.Len() == 1) != counts {
			t.Errorf("a gap of %.1f s counts: %v", gap, !counts)
		}
	}
	for at, cleared := range map[float64]float64{83.9: 87.9, 84: 104} { // set back by more than a gap can be, or not
		g := gapEstimator{cleared: 104}
		g.add(at, 4)
		near(t, "cleared", g.cleared, cleared, 1e-9)
	}
	var same, wide gapEstimator
	for i := range 41 {
		same.window.Add(2)
		wide.window.Add(0.45 * float64(i))
	}
	same.add(0.5, 0)
	wide.add(0.5, 0)
	near(t, "the spread of one gap", same.gap.Sigma, 0.3, 0)
	near(t, "the spread of any gap", wide.gap.Sigma, 5, 0)
	m := New(1, 2)
	for i := range 11 {
		want := Gap{1.5, 0.7}
		if i == 10 {
			want = Gap{3, 0.3}
		}
		if got := m.Gap(0); math.Abs(got.Mean-want.Mean) > 1e-9 || got.Sigma != want.Sigma {
			t.Errorf("after %d: %+v", i, got)
		}
		m.gaps[0].add(m.gaps[0].cleared+3, 4)
	}
}

// TestPresenceWorked: how long a vehicle stays at a place: as measured, by its length, or by that of short vehicles
// here.
func TestPresenceWorked(t *testing.T) {
	m := New(1, 2)
	check := func(what string, f Fix, lasts, seconds, sigma float64) {
		t.Helper()
		s, dev := m.PresenceTime(f, lasts, 2)
		near(t, what, s, seconds, 1e-9)
		near(t, what+", its spread", dev, sigma, 1e-9)
	}
	check("measured", Fix{Length: 9}, 0.5, 0.5, 0)
	check("by its length", Fix{Length: 0.8}, 0, 0.4, 1.5)
	check("not known", Fix{}, 0, 4, math.Hypot(1.5, 2))
	for i := range 9 {
		m.LearnLength(units.Metres(2 + i))
	}
	check("hardly known", Fix{}, 0, 4, math.Hypot(1.5, 2))
	m.LearnLength(11)
	check("by short vehicles", Fix{}, 0, 2.5, math.Hypot(1.5, 1.25)) // 3 of 10 are shorter than 5 m
	own, beside := Fix{Position: 10, Presence: 0.5}, Fix{Position: 10.9, Presence: 7}
	far := Fix{Position: 11, Presence: 9}
	near(t, "its own", presenceAt([]Fix{beside, own}, own), 0.5, 0)
	near(t, "beside it", presenceAt([]Fix{far, beside}, Fix{Position: 10}), 7, 0)
	near(t, "far from it", presenceAt([]Fix{far}, Fix{Position: 10}), 0, 0)
}

// speeds is a model that has seen speeds of 1 to n m/s.
func speeds(n int) *Model {
	m := New(1, 2)
	for i := range n {
		m.Learn(nil, units.MetresPerSecond(i+1), 0, 0)
	}
	return m
}

// TestSpeedsWorked: which speeds are usual, from ten vehicles on, and how far they spread.
func TestSpeedsWorked(t *testing.T) {
	for _, c := range []struct {
		vehicles  int
		low, high float64
		estimate  float64
	}{
		{0, 2.0 / 3, 8, 2}, {4, 2.0 / 3, 8, 2}, {5, 2.0 / 3, 8, 3}, {9, 2.0 / 3, 8, 5}, {10, 1.5, 14, 6},
		{30, 3, 39.2, 16},
	} {
		m := speeds(c.vehicles)
		near(t, "the speed", float64(m.SpeedEstimate()), c.estimate, 1e-9)
		for speed, want := range map[float64]bool{
			c.low - 0.01: false, c.low + 0.01: true, c.high - 0.01: true, c.high + 0.01: false,
		} {
			if m.PlausibleSpeed(units.MetresPerSecond(speed)) != want {
				t.Errorf("after %d vehicles %.2f m/s is usual: %v", c.vehicles, speed, !want)
			}
		}
		if c.vehicles < 10 {
			near(t, "the spread of speeds that are not known", m.speedSigma(), 0.15, 1e-9)
			if m.tooFast(1000, 1) {
				t.Error("too fast, and speeds are not known")
			}
		}
	}
	m := speeds(10)
	for _, c := range []struct {
		way, seconds float64
		want         bool
	}{{28, 0.99, true}, {28, 1.01, false}, {-28, -0.99, true}, {-28, -1.01, false}, {28, -5, true}, {0, -0.9, false}} {
		if m.tooFast(c.way, c.seconds) != c.want {
			t.Errorf("%.0f m in %.2f s are too fast: %v", c.way, c.seconds, !c.want)
		}
	}
	near(t, "any speeds", m.speedSigma(), 0.3, 1e-9)
	same, some := New(1, 2), New(1, 2)
	for i := range 10 {
		same.Learn(nil, 2, 0, 0)
		some.Learn(nil, [...]units.MetresPerSecond{1.8, 2, 2.2}[i%3], 0, 0)
	}
	near(t, "one speed", same.speedSigma(), 0.06, 1e-9)
	near(t, "some speeds", some.speedSigma(), 1.4826*0.2/2, 1e-6)
}

// TestUsualWorked: headways, the overhang of portals and lengths, with the counts from which they are used.
func TestUsualWorked(t *testing.T) {
	births := func(gap float64, n int) float64 {
		m := New(1, 2)
		for range n {
			m.AddHeadway(gap)
		}
		return 1 / m.BirthRate()
	}
	for _, c := range []struct {
		gap  float64
		n    int
		want float64
	}{
		{9, 4, 30}, {9, 5, 9}, {0.5, 5, 2}, {3, 5, 3}, {119, 5, 119}, {500, 5, 120}, {0, 9, 30}, {3600, 9, 30},
		{3599, 5, 120},
	} {
		near(t, "one vehicle", births(c.gap, c.n), c.want, 1e-9)
	}
	m := New(1, 2)
	for range 5 {
		m.Learn(nil, 2, 0, 5)
		m.Learn(nil, 2, 5, 0)
	}
	for i := range 6 {
		if over, ok := m.PortalOverhang(); ok != (i >= 5) || ok && math.Abs(float64(over)-0.4) > 1e-9 {
			t.Errorf("after %d vehicles: %.2f m, %v", i, over, ok)
		}
		m.Learn(nil, 2, 0.5, 0.9)
	}
	m = New(1, 2)
	for i := range 10 {
		near(t, "the longest, not known", float64(m.PlausibleLength(60)), 26, 0)
		near(t, "the least, not known", float64(m.MinLength(60)), 4, 0)
		for _, none := range []units.Metres{0, 26.1} {
			m.LearnLength(none)
		}
		m.LearnLength(units.Metres(2 + i))
	}
	near(t, "the longest", float64(m.PlausibleLength(60)), 1.15*11, 1e-9)
	near(t, "the least", float64(m.MinLength(60)), 5, 0)
	for i := range 10 {
		m.LearnLength(units.Metres(12 + i))
	}
	near(t, "the longest of twenty", float64(m.PlausibleLength(60)), 1.15*20, 1e-9) // two are longer
	near(t, "the least of twenty", float64(m.MinLength(60)), 8, 0)
	for range 41 {
		m.LearnLength(26)
	}
	near(t, "the least of long ones", float64(m.MinLength(60)), 26, 0)
	for range 41 {
		m.LearnLength(0.5)
	}
	near(t, "the least of short ones", float64(m.MinLength(60)), 0.5, 0)
	for i := range 6 {
		if _, _, ok := m.TagLevel(0); ok != (i >= 5) {
			t.Errorf("tags are known after %d: %v", i, ok)
		}
		m.LearnTagLevel(0, -50)
	}
}

// TestStandingWorked: standing is what a device sees beyond the passing, and beyond what it adds to that for the
// quarter that drives fastest, when that is more than a second and a half.
func TestStandingWorked(t *testing.T) {
	m := New(1, 2)
	for i := range 5 {
		near(t, "of a device that is not known", m.StandingTime(0, 60, 1, 1), 0, 0)
		m.LearnPresence(0, float64(2+i), 1, 1) // 1 to 5 s more than it takes to pass
	}
	near(t, "hesitating", m.StandingTime(0, 4.5, 1, 1), 0, 0)
	near(t, "standing", m.StandingTime(0, 4.6, 1, 1), 1.6, 1e-9)
	near(t, "a short one standing", m.StandingTime(0, 4.6, 0.5, 0.5), 1.6, 1e-9)
	for _, c := range [][3]float64{{0, 1, 1}, {9, 0, 1}, {9, 1, 0}} {
		near(t, "of what is not known", m.StandingTime(0, c[0], units.Metres(c[1]), units.MetresPerSecond(c[2])), 0, 0)
		m.LearnPresence(0, c[0], units.Metres(c[1]), units.MetresPerSecond(c[2]))
	}
	if m.LearnPresence(0, 0.9, 0.5, 0.5); m.excessTimes[0].Len() != 6 {
		t.Errorf("%d are learnt from", m.excessTimes[0].Len())
	}
}

// TestPredictWorked: the spread of a prediction: of a way that is not learnt, by the run and both clocks; of a learnt
// one, by the run and the spread of the ways, which few values make wider.
func TestPredictWorked(t *testing.T) {
	m := New(2, 2)
	a, b := row(0, 0, 100), row(1, 10, 105) // 5 s at 2 m/s
	near(t, "not learnt", m.Predict(a, b, 2).Sigma, 1.5+0.3*5, 1e-9)
	near(t, "not learnt, back", m.Predict(b, a, 2).Sigma, 1.5+0.3*5, 1e-9)
	m.SetClock(0, 0, 4)
	near(t, "with a clock", m.Predict(a, b, 2).Sigma, 5, 1e-9)
	m.SetClock(1, 0, 12)
	near(t, "with two", m.Predict(a, b, 2).Sigma, 13, 1e-9)
	for i := range 5 {
		if m.Predict(a, b, 2).Learned {
			t.Errorf("learnt after %d", i)
		}
		m.LearnLate([]Fix{a}, row(1, 10, 106+float64(i)), 2) // 1 to 5 s more than the run
	}
	p := m.Predict(a, b, 2)
	near(t, "the residual", p.Residual, -3, 1e-9)
	near(t, "learnt", p.Sigma, math.Sqrt(0.15*0.15+0.3*0.3+math.Pow(1.4826*1.8, 2)), 1e-9)
	near(t, "learnt, by the usual speed", m.Predict(a, b, 0).Sigma,
		math.Sqrt(0.15*0.15+0.75*0.75+math.Pow(1.4826*1.8, 2)), 1e-9)
	for length, want := range map[units.Metres]bool{10: true, 10.1: false} { // 12.5 m are 1.15 times 10 m, and one more
		from, to := row(0, 0, 100), row(1, 12.51, 105)
		if from.Length = length; m.Predict(from, to, 2).RearPassed != want {
			t.Errorf("the end of one of %.1f m has passed: %v", length, !want)
		}
	}
	from, to := row(0, 0, 100), row(1, 10, 105)
	from.Standing, to.Standing = 7, 9
	for way, want := range map[units.Metres]float64{1.1: 7, 1: 0, -1: 0, -1.1: -9} {
		to.Position = way
		near(t, "standing", standingBetween(from, to), want, 0)
	}
}

// TestDelaysWorked: one vehicle that came so much later than predicted, beside twenty ways and three delays that are
// taken for known.
func TestDelaysWorked(t *testing.T) {
	for _, c := range []struct{ late, way, share, mean float64 }{
		{13, 10, 2.2 / 21, 43.0 / 4}, {3, 10, 1.2 / 21, 10}, {3.1, 10, 2.2 / 21, 33.1 / 4},
		{400, 10, 2.2 / 21, 330.0 / 4},
		{-4, 10, 1.2 / 21, 10}, {13, 1, 2.2 / 21, 43.0 / 4}, {13, 0.9, 1.2 / 20, 10},
	} {
		m := New(2, 2)
		run := c.way / 2
		for range 5 {
			m.LearnLate([]Fix{row(0, 0, 100)}, row(1, c.way, 100+run), 2)
		}
		m.Learn([]Fix{row(0, 0, 1000), row(1, c.way, 1000+run+c.late)}, 2, 8, 0)
		near(t, "the share", m.Delays().Share, c.share, 1e-6)
		near(t, "the mean", m.Delays().Mean, c.mean, 1e-6)
	}
}
