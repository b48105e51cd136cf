package motion

import (
	"math"
	"math/rand/v2"
	"testing"

	"lanewarden/drivers/observation/units"
)

func near(t *testing.T, what string, got, want, within float64) {
	t.Helper()
	if !(math.Abs(got-want) <= within) { // nor not a number
		t.Errorf("%s is %.4f, not %.4f ± %.4f", what, got, want, within)
	}
}

// TestWindow: median and spread of the last values, whatever is far off among them.
func TestWindow(t *testing.T) {
	var w Window
	if m, s := w.Estimate(); m != 0 || s != 0 || w.Quantile(0.5) != 0 {
		t.Error("an empty window says something")
	}
	var none *Window
	if m, s := none.Estimate(); m != 0 || s != 0 || none.Quantile(0.5) != 0 || none.Len() != 0 {
		t.Error("no window says something")
	}
	random := rand.New(rand.NewPCG(1, 2))
	for i := range 1000 {
		v := 100.0 // long ago
		if i > 500 {
			v = 5 + 0.5*random.NormFloat64()
		}
		if i%8 == 0 {
			v = 1000
		}
		w.Add(v)
	}
	m, s := w.Estimate()
	near(t, "the median", m, 5, 0.3)
	near(t, "the spread", s, 0.5, 0.35)
	if w.Len() != windowSize {
		t.Errorf("%d values", w.Len())
	}
	w.Shift(2)
	shifted, spread := w.Estimate()
	near(t, "the shifted median", shifted, m+2, 1e-9)
	near(t, "its spread", spread, s, 1e-9)
	if w.Quantile(0) > w.Quantile(0.5) || w.Quantile(0.5) > w.Quantile(1) {
		t.Error("quantiles are out of order")
	}
}

// TestRate: the probability to see the next vehicle.
func TestRate(t *testing.T) {
	for _, c := range []struct {
		name      string
		seen, not int // vehicles, in this order
		low, high float64
	}{
		{"nothing is known", 0, 0, 0.6, 0.7},
		{"all were seen", 200, 0, 0.97, 0.9951},
		{"none ever was", 0, 200, 0.005, 0.02},
		{"it has stopped", 200, 20, 0.005, 0.1},
		{"one was missed", 200, 1, 0.95, 0.99},
	} {
		t.Run(c.name, func(t *testing.T) {
			var r HitRate
			for range c.seen {
				r.Add(true)
			}
			for range c.not {
				r.Add(false)
			}
			if got := r.Probability(); got < c.low || got > c.high {
				t.Errorf("share is %.4f", got)
			}
			if r.Total() > hitRateMemory+1 || r.Hits() > r.Total() {
				t.Errorf("%.1f of %.1f", r.Hits(), r.Total())
			}
		})
	}
	var r HitRate
	r.Add(false)
	if r.AddLateHit(); r.Hits() != 1 {
		t.Error("a late result is not counted")
	}
	if r.AddLateHit(); r.Hits() != 1 {
		t.Error("more are seen than there were")
	}
}

// TestClock: what arrivals and named vehicles say of a clock.
func TestClock(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	delay := func() float64 { return 0.3 + random.ExpFloat64()*0.5 }
	for _, c := range []struct {
		name   string
		ahead  func(at float64) float64
		within float64
		fixes  bool
	}{
		{"exact", func(float64) float64 { return 0 }, 1.5, false},
		{"90 s ahead", func(float64) float64 { return 90 }, 1.5, false},
		{"90 s behind", func(float64) float64 { return -90 }, 1.5, false},
		{"an hour ahead", func(float64) float64 { return 3600 }, 1.5, false},
		{"drifting by 100 ppm", func(at float64) float64 { return 10 + 100e-6*at }, 0.2, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			var k Clock
			for i := range 400 {
				at := 60 * float64(i)
				if step := k.AddArrival(at+c.ahead(at), at+delay()); step != 0 {
					t.Errorf("at %.0f s it stepped by %.1f s", at, step)
				}
				if c.fixes {
					k.AddOffset(at, c.ahead(at)+0.2*random.NormFloat64())
				}
			}
			near(t, "the offset", k.Offset(24_000), c.ahead(24_000), c.within)
			if c.fixes {
				near(t, "the drift", k.Drift(), 100e-6, 15e-6)
			}
			if k.Bursty() {
				t.Error("it is called late")
			}
		})
	}
}

// TestClockStep: a clock that is set is followed, and by how much it was is told once; one late report is no step.
func TestClockStep(t *testing.T) {
	for _, by := range []float64{60, -60, 3600} {
		var k Clock
		told, steps := 0.0, 0
		for i := range 100 {
			at, ahead := 60*float64(i), 5.0
			if i >= 50 {
				ahead += by
			}
			delay := 0.5
			if i == 20 {
				delay = 400
			}
			if step := k.AddArrival(at+ahead, at+delay); step != 0 {
				told, steps = step, steps+1
			}
		}
		near(t, "the offset", k.Offset(6000), 5+by, 1.5)
		near(t, "the step", told, by, 1.5)
		if steps != 1 {
			t.Errorf("%d steps", steps)
		}
	}
}

// TestClockLate: reports that come in bursts say that they do, and their clock is not called behind by their delay.
func TestClockLate(t *testing.T) {
	var k Clock
	for i := range 300 {
		at := 20 * float64(i)
		burst := 600 * (math.Floor(at/600) + 1)
		k.AddArrival(at, burst)
	}
	if !k.Bursty() {
		t.Error("bursts of ten minutes are not late")
	}
	near(t, "the offset", k.Offset(6000), 0, 25)
}

// TestPhase: the offset that most vehicles agree about is found among detections of which nothing says whose they are.
func TestPhase(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	var even, uneven Phase
	for v := range 60 {
		var a, b []float64
		for other := -5; other <= 5; other++ {
			off := 12.0 + 0.1*random.NormFloat64()
			if a = append(a, off+float64(10*other)); other != 0 {
				off += float64(other) * (8 + 30*random.Float64())
			}
			b = append(b, off)
		}
		even.Add(a)
		uneven.Add(b)
		if _, ok := uneven.Mode(); ok && v < phaseEvery-1 {
			t.Error("it is known at once")
		}
	}
	mode, ok := uneven.Mode()
	if !ok {
		t.Fatal("no mode stands out")
	}
	near(t, "the mode", mode, 12, 0.5)
	if right := uneven.Inliers([]float64{12.1, 30, -8}); len(right) != 1 || right[0] != 12.1 {
		t.Errorf("right are %v", right)
	}
	if mode, ok := even.Mode(); ok {
		t.Errorf("vehicles that follow each other evenly say %.1f s", mode)
	}
}

// TestPredict: before anything is learnt distance over speed counts, then the ways that vehicles needed.
func TestPredict(t *testing.T) {
	m := New(3, 2)
	sight := func(dev int, at float64) Fix {
		return Fix{Dev: dev, Position: units.Metres(10 * float64(dev)), Raw: at, At: at}
	}
	p := m.Predict(sight(0, 100), sight(1, 106), 0)
	near(t, "off", p.Residual, 1, 1e-9) // 10 m at 2 m/s are 5 s
	if p.Learned || p.Sigma < 1 || p.Distance != 10 {
		t.Errorf("%+v", p)
	}
	for i := range 30 {
		at := 60 * float64(i)
		m.Learn([]Fix{sight(0, at), sight(1, at+8), sight(2, at+13)}, 2, 8, 0)
	}
	p = m.Predict(sight(0, 9000), sight(1, 9008.2), 2)
	near(t, "off", p.Residual, 0.2, 1e-6)
	if !p.Learned || p.Sigma > 0.7 {
		t.Errorf("%+v", p)
	}
	back := m.Predict(sight(1, 9008), sight(0, 9000), 2)
	near(t, "off from beyond", back.Residual, 0, 1e-6)
	if back.Distance != -10 {
		t.Errorf("%+v", back)
	}
	slow := m.Predict(sight(0, 9000), sight(1, 9013), 1) // 10 s at 1 m/s, and 3 s that all need
	near(t, "off of a slow one", slow.Residual, 0, 1e-6)
}

// TestUsual: what is usual in a lane.
func TestUsual(t *testing.T) {
	m := New(2, 2)
	near(t, "the speed until it is learnt", float64(m.SpeedEstimate()), 2, 0)
	if !m.PlausibleSpeed(2) || m.PlausibleSpeed(0.1) || m.PlausibleSpeed(30) {
		t.Error("steady before anything is learnt")
	}
	if _, ok := m.PortalOverhang(); ok || m.PlausibleLength(60) >= 60 || m.PlausibleLength(9) != 9 {
		t.Error("what was not learnt is known")
	}
	if m.Orderly(1) {
		t.Error("a device is orderly that nothing is known of")
	}
	for i := range 40 {
		at := 20 * float64(i)
		m.Learn([]Fix{{Dev: 0, Raw: at, At: at}, {Dev: 1, Position: 12, Raw: at + 4, At: at + 4}},
			units.MetresPerSecond(3+0.01*float64(i%5)), 10, 11.5)
		m.LearnLength(10)
		m.LearnPresence(0, 10.0/3+0.5, 10, 3)
		m.AddHeadway(20)
		m.LearnTagLevel(1, -50)
	}
	near(t, "the speed", float64(m.SpeedEstimate()), 3, 0.05)
	near(t, "births", m.BirthRate(), 1.0/20, 0.01)
	if !m.Orderly(1) || m.PlausibleSpeed(0.5) || !m.PlausibleSpeed(3) {
		t.Error("what was learnt is not usual")
	}
	reach, ok := m.PortalOverhang()
	near(t, "the reach", float64(reach), 1.5, 1e-9)
	dbm, _, heard := m.TagLevel(1)
	near(t, "loudness", dbm, -50, 1e-9)
	if !ok || !heard {
		t.Error("reach or loudness are not known")
	}
	near(t, "a plausible length", float64(m.PlausibleLength(40)), 11.5, 0.1)
	near(t, "how long it stood", m.StandingTime(0, 30, 10, 3), 26.2, 0.2)
	if m.StandingTime(0, 10.0/3+0.6, 10, 3) != 0 || m.StandingTime(0, 30, 10, 0) != 0 {
		t.Error("who drove by stood")
	}
	if m.BirthRate() > 0.5 {
		t.Error("headways are not bounded")
	}
}
