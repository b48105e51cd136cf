package associate

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"lanewarden/edge/lane/passage/motion"
)

// momentOf returns what a vehicle's detections say of a report of the image device at a time.
func momentOf(m *motion.Model, at float64, sights ...motion.Fix) (smoothed, bool) {
	a := aligner{Layout: lateLane(), model: m, orderly: true, down: works}
	v := &Vehicle{Fixes: sights, Speed: 2, Length: 8, First: 1000, Last: 1020}
	d := imaged(at, "").Detections[0]
	n := a.neighboursOf(v, d)
	return a.smooth(v, &n, d, &[2]motion.Prediction{})
}

// integral sums the density of a report's time over all times.
func integral(m *motion.Model, q *clearing, sights ...motion.Fix) (sum float64) {
	const step = 0.05
	for at := 900.0; at < 1400; at += step {
		one, _ := momentOf(m, at, sights...)
		density := one.density
		if q != nil {
			density = one.densityGiven(q, at)
		}
		sum += density * step
	}
	return sum
}

// TestMomentIntegral: the density of a report's time is one: over all times it sums to about one, whatever detections there
// are of the vehicle, and whether it drove on, stood on its way, or had to wait for the one ahead.
func TestMomentIntegral(t *testing.T) {
	first, near, beyond := sightOf(0, 0, 1000), sightOf(1, 10, 1005), sightOf(3, 24, 1012)
	held := sightOf(3, 24, 1042)
	stood := near
	stood.Standing, stood.Length = 12, 4
	for _, c := range []struct {
		name   string
		sights []motion.Fix
	}{
		{"seen before", []motion.Fix{first}},
		{"seen before twice", []motion.Fix{first, near}},
		{"seen beyond", []motion.Fix{beyond}},
		{"seen on both sides", []motion.Fix{first, near, beyond}},
		{"held up between", []motion.Fix{first, near, held}},
		{"stood before", []motion.Fix{stood}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for name, m := range map[string]*motion.Model{"learnt": imaging(true), "not learnt": motion.New(5, 2)} {
				if got := integral(m, nil, c.sights...); got < 0.75 || got > 1.25 {
					t.Errorf("%s: it sums to %.3f", name, got)
				}
			}
		})
	}
	q := &clearing{at: 1015.5, sigma: lengthTimeSigma, held: true}
	if got := integral(imaging(true), q, first, near); got < 0.75 || got > 1.25 {
		t.Errorf("behind another vehicle it sums to %.3f", got)
	}
	if got := integral(imaging(true), q, first, near, held); got < 0.6 || got > 1.4 {
		t.Errorf("behind another vehicle, and seen beyond, it sums to %.3f", got)
	}
}

// TestMomentNearest: of several detections on one side the nearest counts; the device's own does not; and without detections
// there is nothing to say.
func TestMomentNearest(t *testing.T) {
	m := imaging(true)
	first, near, beyond := sightOf(0, 0, 1000), sightOf(1, 10, 1005), sightOf(3, 24, 1012)
	own, far := sightOf(imager, 16, 1100), sightOf(4, 40, 1020)
	for _, sights := range [][]motion.Fix{{first, near, own, beyond, far}, {far, near, first, beyond, own}} {
		got, ok := momentOf(m, 1008, sights...)
		if !ok || got.before == nil || got.before.Dev != 1 || got.beyond == nil || got.beyond.Dev != 3 {
			t.Errorf("from %v: %+v", sights, got)
		}
	}
	if got, ok := momentOf(m, 1008, beyond); !ok || got.before != nil || got.beyond == nil || got.Dev != 3 ||
		got.Distance >= 0 {
		t.Errorf("from beyond: %+v", got)
	}
	if _, ok := momentOf(m, 1008, own); ok {
		t.Error("its own sight predicts it")
	}
	if _, ok := momentOf(m, 1008); ok {
		t.Error("no sight predicts it")
	}
}

// TestMomentLater: a report in time is the densest; the further off, the less so, and early is worse than late.
func TestMomentLater(t *testing.T) {
	m := imaging(true)
	first, near, beyond := sightOf(0, 0, 1000), sightOf(1, 10, 1005), sightOf(3, 24, 1012)
	density := func(at float64, sights ...motion.Fix) float64 {
		one, _ := momentOf(m, at, sights...)
		return one.density
	}
	for _, c := range []struct {
		name   string
		sights []motion.Fix
	}{{"seen before", []motion.Fix{first, near}}, {"seen on both sides", []motion.Fix{first, near, beyond}}} {
		t.Run(c.name, func(t *testing.T) {
			last := density(1008.3, c.sights...)
			for _, off := range []float64{2, 4, 8, 16} {
				now := density(1008.3+off, c.sights...)
				if now > last {
					t.Errorf("%.0f s late: %g is denser than %g", off, now, last)
				}
				if early := density(1008.3-off, c.sights...); early > now*1.001 && len(c.sights) == 2 {
					t.Errorf("%.0f s early: %g, as late %g", off, early, now)
				}
				last = now
			}
		})
	}
	if before, both := density(1013, first, near), density(1013, first, near, beyond); both >= before {
		t.Errorf("after it was seen beyond: %g, when it was not: %g", both, before)
	}
}

// TestMomentBetween: of a vehicle that was held up between two detections, any time between them is possible, none before
// or after them.
func TestMomentBetween(t *testing.T) {
	m := imaging(true)
	near, held := sightOf(1, 10, 1005), sightOf(3, 24, 1072)
	density := func(at float64) float64 {
		one, _ := momentOf(m, at, near, held)
		return one.density
	}
	rapid.Check(t, func(t *rapid.T) {
		in := rapid.Float64Range(1009, 1066).Draw(t, "between")
		out := rapid.OneOf(rapid.Float64Range(900, 1003), rapid.Float64Range(1074, 1200)).Draw(t, "outside")
		if d := density(in); d < 1e-4 || d < 30*density(out) {
			t.Errorf("between at %.1f s %g, outside at %.1f s %g", in, d, out, density(out))
		}
	})
}

// TestMomentSurer: two detections tell the time better than one of them, as long as they agree; and they are not combined
// when the vehicle stood between them.
func TestMomentSurer(t *testing.T) {
	m := imaging(true)
	near, beyond, held := sightOf(1, 10, 1005), sightOf(3, 24, 1012), sightOf(3, 24, 1052)
	one, _ := momentOf(m, 1008, near)
	two, _ := momentOf(m, 1008, near, beyond)
	if two.Sigma >= one.Sigma || two.Sigma >= two.beyond.Sigma || two.Dev != one.Dev {
		t.Errorf("sigma of one is %.3f, of both %.3f", one.Sigma, two.Sigma)
	}
	if low, high := min(two.before.Residual, two.beyond.Residual), max(two.before.Residual,
		two.beyond.Residual); two.Residual < low || two.Residual > high {
		t.Errorf("off by %.3f, of %.3f and %.3f", two.Residual, low, high)
	}
	torn, _ := momentOf(m, 1008, near, held)
	if torn.Residual != torn.before.Residual || torn.Sigma != torn.before.Sigma {
		t.Errorf("held up between: %.3f ± %.3f, not %.3f ± %.3f", torn.Residual, torn.Sigma, torn.before.Residual,
			torn.before.Sigma)
	}
}

// TestMomentBehind: nobody is scanned before the vehicle ahead has left the place; who had to wait is scanned right
// then.
func TestMomentBehind(t *testing.T) {
	m := imaging(true)
	near := sightOf(1, 10, 1005)
	q := &clearing{at: 1020.5, sigma: lengthTimeSigma, stopsAgain: 0.006, stopMean: 10, held: true}
	at := func(at float64, q *clearing) float64 {
		one, _ := momentOf(m, at, near)
		return one.densityGiven(q, at)
	}
	if free, waits := at(1008.3, nil), at(1008.3, q); waits > free/20 {
		t.Errorf("while the one ahead is there: %g, without it %g", waits, free)
	}
	if free, waits := at(1021, nil), at(1021, q); waits < 3*free {
		t.Errorf("when it has left: %g, without it %g", waits, free)
	}
	if then, later := at(1021, q), at(1030, q); later > then {
		t.Errorf("when it has left: %g, ten seconds later %g", then, later)
	}
	gone := &clearing{at: 961.5, sigma: lengthTimeSigma, stopsAgain: 0.006, stopMean: 10, held: true}
	if free, after := at(1008.3, nil), at(1008.3, gone); math.Abs(math.Log(free/after)) > 0.7 {
		t.Errorf("long after it has left: %g, without it %g", after, free)
	}
}

// TestMomentWorked: two detections that agree are averaged by their variances, and agree when they are less than two
// standard deviations apart; the nearer of two counts, and of two as near the surer.
func TestMomentWorked(t *testing.T) {
	one, _ := momentOf(motion.New(5, 2), 1009, sightOf(1, 10, 1005), sightOf(3, 24, 1012))
	a, b := one.before, one.beyond // 3 s and 4 s from there
	equal(t, "sure from before", a.Sigma, 2.4)
	equal(t, "sure from beyond", b.Sigma, 2.7)
	equal(t, "off", one.Residual, (a.Residual*2.7*2.7+b.Residual*2.4*2.4)/(2.4*2.4+2.7*2.7))
	equal(t, "sure", one.Sigma, 2.4*2.7/math.Hypot(2.4, 2.7))
	for slack, want := range map[float64]bool{9.99: false, 10.01: true, -20: false} {
		before := &motion.Prediction{Residual: 7 + slack, Sigma: 3}
		m := smoothed{before: before, beyond: &motion.Prediction{Residual: 7, Sigma: 4}}
		if m.heldBetween() != want {
			t.Errorf("%.2f s later from before: held up between: %v", slack, !want)
		}
	}
	type prediction = motion.Prediction
	for name, c := range map[string]struct {
		p, than prediction
		want    bool
	}{
		"nearer":          {prediction{Distance: 3, Sigma: 9}, prediction{Distance: -4.1, Sigma: 1}, true},
		"farther":         {prediction{Distance: -4.1, Sigma: 1}, prediction{Distance: 3, Sigma: 9}, false},
		"as near, surer":  {prediction{Distance: 4, Sigma: 1}, prediction{Distance: -3, Sigma: 2}, true},
		"as near, unsure": {prediction{Distance: 3, Sigma: 2}, prediction{Distance: 4, Sigma: 1}, false},
	} {
		if closer(&c.p, &c.than) != c.want {
			t.Errorf("%s: %v", name, !c.want)
		}
	}
	m := smoothed{before: &motion.Prediction{Sigma: 0.1}, beyond: &motion.Prediction{Sigma: 2}}
	equal(t, "widened", m.widened(m.before).Sigma, 0.3)
	equal(t, "wide enough", m.widened(m.beyond).Sigma, 2)
	never := smoothed{before: &prediction{Residual: -500, Sigma: 1}, beyond: &prediction{Sigma: 1}}
	never.holdups = motion.Delays{Share: 0.2, Mean: 10}
	if total := never.marginal(); !(total > 0 && total < 1e-5) {
		t.Errorf("the density of what cannot be is %g", total)
	}
}
