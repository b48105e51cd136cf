package motion

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"lanewarden/drivers/observation/units"
)

// row is a device at a place of the tests' lane, seen at a time.
func row(dev int, position, at float64) Fix {
	return Fix{Dev: dev, Position: units.Metres(position), Raw: at, At: at}
}

// drawn draws a detection of one of four devices that stand 7 m apart.
func drawn(t *rapid.T, what string) Fix {
	dev := rapid.IntRange(0, 3).Draw(t, what)
	s := row(dev, 7*float64(dev), 1000+rapid.Float64Range(0, 60).Draw(t, what+" at"))
	if rapid.Bool().Draw(t, what+" stood") {
		s.Standing = rapid.Float64Range(2, 40).Draw(t, what+" for")
	}
	s.Length = units.Metres(rapid.Float64Range(0, 20).Draw(t, what+" length"))
	return s
}

// trained is a model of four devices that knows the ways between the first three.
func trained() *Model {
	m := New(4, 2)
	for i := range 20 {
		at := 50 * float64(i)
		jitter := 0.1 * float64(i%3)
		m.Learn([]Fix{row(0, 0, at), row(1, 7, at+4+jitter), row(2, 14, at+6-jitter)}, 2, 8, 0)
	}
	return m
}

// TestPredictBothWays: what one detection predicts of another one is the opposite of what that one predicts of it: as much
// later as the other is earlier, as sure, as far, and standing counts with the other sign.
func TestPredictBothWays(t *testing.T) {
	m := trained()
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawn(t, "a"), drawn(t, "b")
		if a.Dev == b.Dev {
			return
		}
		speed := rapid.Float64Range(0, 5).Draw(t, "speed")
		there, back := m.Predict(a, b, units.MetresPerSecond(speed)), m.Predict(b, a, units.MetresPerSecond(speed))
		for _, c := range []struct {
			name        string
			there, back float64
		}{{"off", there.Residual, -back.Residual}, {"sigma", there.Sigma, back.Sigma}, {"ahead",
			float64(there.Distance), float64(-back.Distance)},
			{"stood", there.Standing, -back.Standing}} {
			if math.Abs(c.there-c.back) > 1e-9 {
				t.Errorf("%s is %.6f, and from the other end %.6f", c.name, c.there, c.back)
			}
		}
		if there.Learned != back.Learned || there.Dev != a.Dev || back.Dev != b.Dev {
			t.Errorf("%+v, %+v", there, back)
		}
		if there.Sigma <= 0 {
			t.Errorf("a sigma of %.3f", there.Sigma)
		}
	})
}

// TestPredictLater: who comes a second later is a second later than predicted, and nothing else changes by that.
func TestPredictLater(t *testing.T) {
	m := trained()
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawn(t, "a"), drawn(t, "b")
		by := rapid.Float64Range(-20, 20).Draw(t, "by")
		was := m.Predict(a, b, 2)
		b.Raw, b.At = b.Raw+by, b.At+by
		now := m.Predict(a, b, 2)
		if math.Abs(now.Residual-was.Residual-by) > 1e-6 || now.Sigma != was.Sigma {
			t.Errorf("off by %.3f, not by %.3f more than %.3f; sigma %.3f, %.3f", now.Residual, by, was.Residual,
				was.Sigma, now.Sigma)
		}
	})
}

// TestPredictStanding: standing at the detection from which the way begins makes who comes later; seen from further on, it
// is the detection before at which it stood.
func TestPredictStanding(t *testing.T) {
	m := New(2, 2)
	a, b := row(0, 0, 100), row(1, 10, 125)
	a.Standing = 20
	if p := m.Predict(a, b, 2); p.Residual != 20 || p.Standing != 20 {
		t.Errorf("from where it stood: %+v", p)
	}
	if p := m.Predict(b, a, 2); p.Residual != -20 || p.Standing != -20 {
		t.Errorf("from beyond: %+v", p)
	}
	a.Standing, b.Standing = 0, 20
	if p := m.Predict(a, b, 2); p.Standing != 0 {
		t.Errorf("who stands at the end of the way came there before: %+v", p)
	}
	beside := row(1, SamePlace/2, 100)
	a.Standing, beside.Standing = 9, 9
	if p := m.Predict(a, beside, 2); p.Standing != 0 {
		t.Errorf("two devices of one place see the front at one moment: %+v", p)
	}
}

// TestPredictThrough: on a way that is clearly longer than the vehicle it stood before it set out; a way that is
// shorter leaves open at which of the two it stood.
func TestPredictThrough(t *testing.T) {
	m := New(2, 2)
	for _, c := range []struct {
		length, way float64
		want        bool
	}{{4, 10, true}, {0, 10, true}, {10, 10, false}, {18, 10, false}, {4, -10, true}, {18, -10, false}} {
		a, b := row(0, 0, 100), row(1, c.way, 105)
		a.Length, b.Length = units.Metres(c.length), units.Metres(c.length)
		if p := m.Predict(a, b, 2); p.RearPassed != c.want {
			t.Errorf("a vehicle of %.0f m on a way of %.0f m: through is %v", c.length, c.way, p.RearPassed)
		}
	}
}

// TestPredictDoubt: a clock in doubt makes predictions less sure at both its ends, until the way is learnt.
func TestPredictDoubt(t *testing.T) {
	m := New(3, 2)
	a, b := row(0, 0, 100), row(1, 10, 105)
	plain := m.Predict(a, b, 2).Sigma
	if m.ClockUncertain(0) {
		t.Error("a clock is in doubt of which nobody said so")
	}
	m.SetClock(0, 0, 10)
	there, back := m.Predict(a, b, 2).Sigma, m.Predict(b, a, 2).Sigma
	if !m.ClockUncertain(0) || there <= plain || there < 10 || there != back {
		t.Errorf("sigma is %.2f, and with a doubt of 10 s %.2f and %.2f", plain, there, back)
	}
	if other := m.Predict(b, row(2, 20, 110), 2).Sigma; other != plain {
		t.Errorf("sigma of another way is %.2f", other)
	}
	m.SetClock(1, 4, 10)
	if late, early := m.Predict(a, b, 2).Residual, m.Predict(b, a, 2).Residual; late != -4 || early != 4 {
		t.Errorf("times that are 4 s late are off by %.1f and %.1f s", late, early)
	}
	if both := m.Predict(a, b, 2).Sigma; both <= there {
		t.Errorf("two clocks in doubt give %.2f, one %.2f", both, there)
	}
	for i := range 10 {
		at := 60 * float64(i)
		m.Learn([]Fix{row(0, 0, at), row(1, 10, at+5)}, 2, 8, 0)
	}
	if p := m.Predict(a, b, 2); !p.Learned || p.Sigma >= plain {
		t.Errorf("a learnt way has its own spread: %+v", p)
	}
}

// TestPredictSurer: each vehicle makes a way surer, a way with a larger spread is less sure, and so is a longer run.
func TestPredictSurer(t *testing.T) {
	sigma := func(vehicles int, spread, way float64) float64 {
		m := New(2, 2)
		for i := range vehicles {
			at := 60 * float64(i)
			m.Learn([]Fix{row(0, 0, at), row(1, way, at+way/2+spread*float64(i%3-1))}, 2, 8, 0)
		}
		return m.Predict(row(0, 0, 9000), row(1, way, 9000+way/2), 2).Sigma
	}
	if few, many := sigma(6, 0.4, 10), sigma(39, 0.4, 10); few <= many {
		t.Errorf("after 6 vehicles %.3f, after 39 %.3f", few, many)
	}
	if none, few := sigma(0, 0.4, 10), sigma(6, 0.4, 10); none <= few {
		t.Errorf("after no vehicle %.3f, after 6 %.3f", none, few)
	}
	if even, wide := sigma(20, 0.1, 10), sigma(20, 2, 10); even >= wide {
		t.Errorf("of an even way %.3f, of an uneven one %.3f", even, wide)
	}
	if short, long := sigma(20, 0.1, 10), sigma(20, 0.1, 80); short >= long {
		t.Errorf("of 10 m %.3f, of 80 m %.3f", short, long)
	}
	if short, long := sigma(0, 0, 10), sigma(0, 0, 80); short >= long {
		t.Errorf("not learnt: of 10 m %.3f, of 80 m %.3f", short, long)
	}
}

// TestPredictRaw: a learnt way is of the times as they were shown, so that what an offset is believed to be does not
// change it; a way not learnt is of the corrected times.
func TestPredictRaw(t *testing.T) {
	m := New(2, 2)
	seen := func(at float64, offset float64) []Fix {
		return []Fix{row(0, 0, at), {Dev: 1, Position: 10, Raw: at + 5 + 90, At: at + 5 + 90 - offset}}
	}
	now := seen(5000, 88)
	near(t, "off by the corrected time", m.Predict(now[0], now[1], 2).Residual, 2, 1e-9)
	for i := range 10 {
		m.Learn(seen(60*float64(i), 80+float64(i)), 2, 8, 0) // the offset becomes known
	}
	for _, offset := range []float64{0, 88, 90} {
		now = seen(5000, offset)
		near(t, "off by the shown time", m.Predict(now[0], now[1], 2).Residual, 0, 1e-6)
	}
}

// TestStepped: after a clock was set, the ways from and to its device predict as before, and the others too; when it
// is not known by how much, its ways are forgotten.
func TestStepped(t *testing.T) {
	const by = 40.0
	for dev := range 3 {
		m := trained()
		shown := func(d int, position, at float64) Fix {
			s := row(d, position, at)
			if d == dev {
				s.Raw += by
			}
			return s
		}
		m.ClockStepped(dev, by, false)
		all := []Fix{shown(0, 0, 9000), shown(1, 7, 9004.1), shown(2, 14, 9005.9)}
		for _, a := range all {
			for _, b := range all {
				if a.Dev == b.Dev {
					continue
				}
				if p := m.Predict(a, b, 2); !p.Learned || math.Abs(p.Residual) > 0.3 {
					t.Errorf("clock %d was set: from %d to %d it is off by %.2f s", dev, a.Dev, b.Dev, p.Residual)
				}
			}
		}
		m.ClockStepped(dev, 0, true)
		for _, a := range all {
			for _, b := range all {
				if own := a.Dev == dev || b.Dev == dev; a.Dev != b.Dev && m.Predict(a, b, 2).Learned == own {
					t.Errorf("clock %d was set, and reports are late: from %d to %d learnt is %v", dev, a.Dev, b.Dev, !own)
				}
			}
		}
	}
}

// TestPredictFast: by one clock nobody is faster than the fastest vehicles; by two nothing is known of that.
func TestPredictFast(t *testing.T) {
	m := New(2, 2)
	for i := range 41 {
		m.Learn([]Fix{row(0, 0, 100*float64(i))}, units.MetresPerSecond(2+float64(i%3)/10), 8, 0)
	}
	at := func(from, to, raw float64) Prediction {
		return m.Predict(Fix{Dev: 0, Raw: 1000 + from, At: 1000 + from}, Fix{Dev: 1, Position: 20, Raw: 1000 + raw,
			At: 1000 + to}, 2)
	}
	for _, c := range []struct {
		name     string
		from, to float64
		fast     bool
	}{{"at its speed", 0, 10, false}, {"at the fastest's", 0, 7, false}, {"five times as fast", 0, 2, true}, {"before it came in", 0, -3, true}} {
		if p := at(c.from, c.to, c.to); p.TooFast != c.fast {
			t.Errorf("%s: too fast: %v", c.name, p.TooFast)
		}
	}
	if at(0, 2, 90).TooFast {
		t.Error("a clock of its own says that it was too fast")
	}
}
