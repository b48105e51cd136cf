package motion

import (
	"testing"

	"pgregory.net/rapid"
)

// TestLearnAnyOrder: in which order a vehicle's detections are given does not change what its ways teach.
func TestLearnAnyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := New(4, 2), New(4, 2)
		for i := range 8 {
			at := 100 * float64(i)
			var sights []Fix
			for dev := range 4 {
				off := rapid.Float64Range(0, 1).Draw(t, "off")
				sights = append(sights, row(dev, 7*float64(dev), at+3.5*float64(dev)+off))
			}
			a.Learn(sights, 2, 8, 0)
			b.Learn(rapid.Permutation(sights).Draw(t, "order"), 2, 8, 0)
		}
		for from := range 4 {
			for to := range 4 {
				x, y := row(from, 7*float64(from), 5000), row(to, 7*float64(to), 5010)
				if p, q := a.Predict(x, y, 2), b.Predict(x, y, 2); from != to && (p.Residual != q.Residual ||
					p.Sigma != q.Sigma || !p.Learned) {
					t.Errorf("from %d to %d: %+v, %+v", from, to, p, q)
				}
			}
		}
	})
}

// TestLearnStanding: the way of a vehicle that stood where it set out is not learnt from: it says how long it stood.
func TestLearnStanding(t *testing.T) {
	m := New(2, 2)
	for i := range 20 {
		at := 100 * float64(i)
		a, b := row(0, 0, at), row(1, 10, at+25)
		a.Standing = 20
		m.Learn([]Fix{a, b}, 2, 8, 0)
	}
	if p := m.Predict(row(0, 0, 9000), row(1, 10, 9005), 2); p.Learned || p.Residual != 0 {
		t.Errorf("%+v", p)
	}
}

// TestLearnLate: the way from each of a vehicle's detections to a late one is learnt, and only that.
func TestLearnLate(t *testing.T) {
	m := New(3, 2)
	if m.Orderly(2) {
		t.Error("a device is orderly that nothing is known of")
	}
	for i := range 10 {
		at := 100 * float64(i)
		m.LearnLate([]Fix{row(0, 0, at), row(1, 10, at+5)}, row(2, 20, at+13), 0) // 3 s more than the usual speed needs
	}
	near(t, "off from the first", m.Predict(row(0, 0, 9000), row(2, 20, 9013), 2).Residual, 0, 1e-9)
	near(t, "off from the second", m.Predict(row(1, 10, 9005), row(2, 20, 9013), 2).Residual, 0, 1e-9)
	if m.Predict(row(0, 0, 9000), row(1, 10, 9005), 2).Learned {
		t.Error("the way between the two that are not late is learnt")
	}
	if m.SpeedEstimate() != 2 || !m.Orderly(2) {
		t.Errorf("speed %.1f m/s, orderly %v", m.SpeedEstimate(), m.Orderly(2))
	}
}

// TestOrderly: a device to which a person comes when it suits keeps no order; one such way does not make a device
// orderly, one even way does.
func TestOrderly(t *testing.T) {
	m := New(3, 2)
	for i := range 20 {
		at := 2000 * float64(i)
		m.LearnLate([]Fix{row(0, 0, at)}, row(2, 20, at+10+97*float64(i*i%11)), 2)
	}
	if m.Orderly(2) {
		t.Error("minutes of spread are an order")
	}
	for i := range 20 {
		at := 2000 * float64(i)
		m.LearnLate([]Fix{row(1, 10, at)}, row(2, 20, at+5), 2)
	}
	if !m.Orderly(2) {
		t.Error("it follows another device evenly, and is not orderly")
	}
}

// TestGap: how soon the next vehicle comes in a queue is learnt of those that follow closely; who comes at their leisure
// says nothing of it, and few say nothing yet.
func TestGap(t *testing.T) {
	drive := func(vehicles int, gaps ...float64) Gap { // s from a vehicle's end, which takes 4 s to come by, to the next
		m := New(1, 2)
		at := 0.0
		for i := range vehicles {
			m.Learn([]Fix{{Dev: 0, Raw: at, At: at, Length: 8, Presence: 4}}, 2, 8, 0)
			at += 4 + gaps[i%len(gaps)]
		}
		return m.Gap(0)
	}
	usual := New(1, 2).Gap(0)
	near(t, "the gap of a queue", drive(60, 2, 2.2, 1.8).Mean, 2, 0.15)
	near(t, "of a queue in which some come later", drive(80, 2, 2.2, 9, 1.8, 200).Mean, 2, 0.3)
	near(t, "where none ever queues", drive(60, 500).Mean, usual.Mean, 0)
	near(t, "of a few", drive(5, 3).Mean, usual.Mean, 0)
	if g := drive(60, 2); g.Sigma < minGapSigma {
		t.Errorf("a queue of one gap has a spread of %g s", g.Sigma)
	}
}

// TestBirths: the rate of births is that of the middle headway, and bounded.
func TestBirths(t *testing.T) {
	for _, c := range []struct {
		name      string
		gaps      []float64
		low, high float64 // s between vehicles
	}{
		{"nothing is known", nil, 10, 120},
		{"four are too few", []float64{9, 9, 9, 9}, 10, 120},
		{"each 9 s", []float64{9, 9, 9, 9, 9, 9}, 8.9, 9.1},
		{"one long break is none", []float64{9, 9, 9, 1800, 9, 9}, 8.9, 9.1},
		{"faster than a lane can be", []float64{0.1, 0.1, 0.1, 0.1, 0.1, 0.1}, 1, 5},
		{"each half an hour", []float64{1800, 1800, 1800, 1800, 1800}, 60, 600},
		{"gaps that cannot be", []float64{-5, 0, 1e6, -1, 0, 0, 1e5}, 10, 120},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := New(1, 2)
			for _, g := range c.gaps {
				m.AddHeadway(g)
			}
			if s := 1 / m.BirthRate(); s < c.low || s > c.high {
				t.Errorf("one in %.2f s, not in %.1f to %.1f", s, c.low, c.high)
			}
		})
	}
}

// TestLoudness: how loudly tags are heard is of each antenna, and is not known at once.
func TestLoudness(t *testing.T) {
	m := New(2, 2)
	for i := range 20 {
		if _, _, ok := m.TagLevel(0); ok && i < 3 {
			t.Errorf("known after %d", i)
		}
		m.LearnTagLevel(0, -50+float64(i%3))
	}
	if dbm, spread, ok := m.TagLevel(0); !ok || dbm < -50 || dbm > -48 || spread <= 0 || spread > 3 {
		t.Errorf("%.1f ± %.1f dBm, %v", dbm, spread, ok)
	}
	if _, _, ok := m.TagLevel(1); ok {
		t.Error("another antenna is known by it")
	}
}
