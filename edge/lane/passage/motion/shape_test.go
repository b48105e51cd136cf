package motion

import (
	"testing"

	"pgregory.net/rapid"

	"lanewarden/drivers/observation/units"
)

// shaped is a model of two devices that has seen vehicles of 8 to 12 m, at 2.5 to 3.5 m/s.
func shaped() *Model {
	m := New(2, 2)
	for i := range 40 {
		at, length := 30*float64(i), 8+float64(i%5)
		speed := 2.5 + 0.25*float64(i%5)
		m.Learn([]Fix{row(0, 0, at), row(1, 10, at+10/speed)}, units.MetresPerSecond(speed), units.Metres(length),
			units.Metres(length+1.5))
		m.LearnLength(units.Metres(length))
		m.LearnPresence(0, length/speed+0.4, units.Metres(length), units.MetresPerSecond(speed))
	}
	return m
}

// TestSteady: a speed at which vehicles drive here is steady; who crept over the detector, or flew, is not.
func TestSteady(t *testing.T) {
	fresh, m := New(2, 2), shaped()
	for _, c := range []struct {
		name  string
		m     *Model
		speed float64
		want  bool
	}{
		{"not measured", m, 0, false},
		{"creeping", m, 0.4, false},
		{"usual", m, 3, true},
		{"the slowest of them", m, 2.5, true},
		{"the fastest of them", m, 3.5, true},
		{"racing", m, 20, false},
		{"usual, before any was learnt", fresh, 2, true},
		{"half of that", fresh, 1, true},
		{"twice that", fresh, 4, true},
		{"creeping, before any was learnt", fresh, 0.2, false},
		{"racing, before any was learnt", fresh, 40, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.m.PlausibleSpeed(units.MetresPerSecond(c.speed)); got != c.want {
				t.Errorf("steady is %v", got)
			}
		})
	}
}

// TestPlausible: a length that vehicles have here is left as it is; a longer one becomes the longest that they have.
func TestPlausible(t *testing.T) {
	m := shaped()
	for _, length := range []float64{0, 3, 8, 10, 12} {
		if got := m.PlausibleLength(units.Metres(length)); got != units.Metres(length) {
			t.Errorf("%.0f m become %.2f", length, got)
		}
	}
	longest := m.PlausibleLength(1e6)
	if longest < 12 || longest > 20 || m.PlausibleLength(40) != longest {
		t.Errorf("the longest is %.2f m", longest)
	}
	fresh := New(2, 2)
	if fresh.PlausibleLength(18) != 18 || fresh.PlausibleLength(200) > 40 {
		t.Errorf("before any was learnt: %.1f, %.1f m", fresh.PlausibleLength(18), fresh.PlausibleLength(200))
	}
}

// TestLeast: as long as a vehicle is at the least is no longer than was measured, nor than most vehicles are.
func TestLeast(t *testing.T) {
	for name, m := range map[string]*Model{"learnt": shaped(), "not learnt": New(2, 2)} {
		rapid.Check(t, func(t *rapid.T) {
			length := units.Metres(rapid.Float64Range(0, 100).Draw(t, "length"))
			least, plausible := m.MinLength(length), m.PlausibleLength(length)
			if least > length || plausible > length || least > plausible {
				t.Errorf("%s: measured %.2f m, at least %.2f m, plausible %.2f m", name, length, least, plausible)
			}
			longer := length + units.Metres(rapid.Float64Range(0, 20).Draw(t, "more"))
			if m.MinLength(longer) < least || m.PlausibleLength(longer) < plausible {
				t.Errorf("%s: a longer measurement makes the vehicle shorter", name)
			}
		})
	}
	if least := shaped().MinLength(60); least > 10 || least < 8 {
		t.Errorf("most vehicles are longer than %.2f m", least)
	}
	m := New(2, 2)
	if m.LearnLength(0); m.lengths.Len() != 0 {
		t.Error("what was not measured is a length")
	}
}

// TestStood: what is more than it takes to pass is standing. Of that, nothing is said while it is not known how long
// passing takes, or how long or fast the vehicle is.
func TestStood(t *testing.T) {
	m := shaped()
	const length, speed = 9.0, 3.0 // passes in 3 s and the 0.4 s that the device adds
	for _, c := range []struct {
		name                 string
		dev                  int
		lasts, length, speed float64
		want                 float64
	}{
		{"drove by", 0, 3.4, length, speed, 0},
		{"hesitated", 0, 4, length, speed, 0},
		{"stood", 0, 13.4, length, speed, 10},
		{"a longer one stood less", 0, 13.4, 18, speed, 7},
		{"a slower one stood less", 0, 13.4, length, 1.5, 7},
		{"length not known", 0, 13.4, 0, speed, 0},
		{"speed not known", 0, 13.4, length, 0, 0},
		{"duration not known", 0, 0, length, speed, 0},
		{"the device is not known yet", 1, 13.4, length, speed, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			near(t, "standing", m.StandingTime(c.dev, c.lasts, units.Metres(c.length),
				units.MetresPerSecond(c.speed)), c.want, 1e-9)
		})
	}
	if m.LearnPresence(1, 0, length, speed); m.excessTimes[1].Len() != 0 {
		t.Error("a passing of unknown duration is learnt")
	}
}

// TestDelays: the share of ways on which vehicles are held up, and for how long, follow what is seen, and never say
// that none ever is or that all are.
func TestDelays(t *testing.T) {
	drive := func(m *Model, vehicles int, delay func(i int) float64) {
		for i := range vehicles {
			at := 100 * float64(i)
			m.Learn([]Fix{row(0, 0, at), row(1, 10, at+5+delay(i))}, 2, 8, 0)
		}
	}
	m := New(2, 2)
	prior := m.Delays()
	if prior.Share <= 0 || prior.Share >= 0.5 || prior.Mean <= 0 {
		t.Fatalf("before any was seen: %+v", prior)
	}
	drive(m, 60, func(int) float64 { return 0 })
	free := m.Delays()
	if free.Share >= prior.Share || free.Share <= 0 {
		t.Errorf("of those that drive freely: %+v, before: %+v", free, prior)
	}
	drive(m, 41, func(i int) float64 { return 40 * float64(i%3) })
	queue := m.Delays()
	if queue.Share <= 0.15 || queue.Share > 0.9 || queue.Mean <= free.Mean || queue.Mean > 80 {
		t.Errorf("in a queue: %+v", queue)
	}
	drive(m, 60, func(int) float64 { return 0 })
	if after := m.Delays(); after.Share >= queue.Share {
		t.Errorf("after the queue: %+v, in it: %+v", after, queue)
	}
	if drive(m, 41, func(i int) float64 { return 1e4 * float64(i%2) }); m.Delays().Mean > 1000 {
		t.Errorf("one that parked is all that counts: %+v", m.Delays())
	}
}

// TestDelaysEarly: who comes earlier than predicted was not held up for less than no time.
func TestDelaysEarly(t *testing.T) {
	m := New(2, 2)
	for i := range 60 {
		at := 100 * float64(i)
		m.Learn([]Fix{row(0, 0, at), row(1, 10, at+5-4*float64(i%2))}, 2, 8, 0)
	}
	if d := m.Delays(); d.Share <= 0 || d.Share > 0.6 || d.Mean <= 0 {
		t.Errorf("%+v", d)
	}
	for _, v := range m.delays.last.Values() {
		if v < 0 {
			t.Fatalf("a delay of %.1f s", v)
		}
	}
}
