package associate

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"lanewarden/edge/lane/passage/motion"
)

// TestArrivalFree: who drives freely comes when predicted; the more it is off the less likely, late less so than early,
// as something may hold it up; and nothing is impossible.
func TestArrivalFree(t *testing.T) {
	s := one(t)
	v := s.born(0, 1000)
	score := func(off float64) float64 { return s.score(Arrival, v, s.sees(1, 1004+off, bare)) }
	falls(t, "later and later", score(0), score(1), score(3), score(6), score(12), score(24))
	falls(t, "earlier and earlier", score(0), score(-0.5), score(-1), score(-2))
	for _, off := range []float64{1, 3, 6, 12} {
		falls(t, "late, then early", score(off), score(-off))
	}
	if worst := score(-100); worst < -30 || math.Abs(worst-score(-50)) > 1 {
		t.Errorf("a minute and more too early is %.2f, %.2f", score(-50), worst)
	}
	c := s.of(v, s.sees(1, 1010.1, bare))
	if c.terms.Queued || c.terms.From != 0 || math.Abs(float64(c.terms.Residual)-6) > 0.3 || c.terms.Sigma <= 0 {
		t.Errorf("%+v", c.terms)
	}
}

// TestArrivalDensity: the score of an arrival is the logarithm of a density, which sums to about one over all times.
func TestArrivalDensity(t *testing.T) {
	for _, c := range []struct {
		name  string
		ahead bool // a vehicle stands at the place until 20 s after this one would come
		hold  float64
	}{{"free", false, 0}, {"behind another one", true, 0}, {"stood where it was seen", false, 12}} {
		t.Run(c.name, func(t *testing.T) {
			s := one(t)
			if c.ahead {
				first := s.born(0, 990)
				s.goes(first, s.sees(1, 994.1, lasting(30)))
			}
			v := s.born(0, 1000, lasting(4.2+c.hold))
			sum := 0.0
			for at := 980.0; at < 1060; at += 0.1 {
				sum += 0.1 * math.Exp(s.score(Arrival, v, s.sees(1, at, bare)))
			}
			if sum < 0.7 || sum > 1.3 {
				t.Errorf("it sums to %.3f", sum)
			}
		})
	}
}

// TestArrivalHeld: where vehicles are held up on their way, a late one is likelier, and one in time less.
func TestArrivalHeld(t *testing.T) {
	score := func(m *motion.Model, off float64) float64 {
		s := newScene(t, layouts["one lane"](), m)
		v := s.born(0, 1000)
		return s.score(Arrival, v, s.sees(1, 1004+off, bare))
	}
	free, queue := known(layouts["one lane"]()), known(layouts["one lane"]())
	for i := range 41 {
		at, late := 100*float64(i), 0.0
		if i%3 == 0 {
			late = 15
		}
		queue.Learn([]motion.Fix{sightOf(0, 0, at), sightOf(1, 8, at+4+late)}, 2, 8, 0)
	}
	falls(t, "20 s late, in a queue and free", score(queue, 20), score(free, 20))
	falls(t, "in time, free and in a queue", score(free, 0), score(queue, 0))
}

// TestArrivalBeside: between two devices of one place nothing holds a vehicle up, also in a queue.
func TestArrivalBeside(t *testing.T) {
	score := func(queue bool, place float64) float64 {
		l := filled(1, Device{ID: "a", Places: at(0, 0)}, Device{ID: "b", Places: at(0, place)}, Device{ID: "c", Places: at(0, 30)})
		m := motion.New(3, 2)
		for i := range 80 {
			at, late := 100*float64(i), 0.0
			if queue && i%2 == 0 {
				late = 15
			}
			m.Learn([]motion.Fix{sightOf(0, 0, at), sightOf(2, 30, at+15+late)}, 2, 8, 0)
		}
		s := newScene(t, l, m)
		v := s.born(0, 1000)
		return s.score(Arrival, v, s.sees(1, 1000+place/2+15, bare))
	}
	falls(t, "15 s late 10 m further on, in a queue and not", score(true, 10), score(false, 10)+0.5)
	equal(t, "15 s late in the same place, in a queue and not", score(true, 0.5), score(false, 0.5))
}

// TestArrivalStood: who stood with its front where it was seen goes on from there when that device lets go of it. Where
// the way is longer than the vehicle it surely did; where it is shorter it may have stood with its end there.
func TestArrivalStood(t *testing.T) {
	const hold = 20.0
	for _, c := range []struct {
		name    string
		metres  float64
		through bool
	}{{"a short one", 4, true}, {"a long one", 16, false}} {
		t.Run(c.name, func(t *testing.T) {
			l := layouts["one lane"]()
			m := known(l)
			for range 41 { // vehicles are 4 to 16 m long here
				m.LearnLength(4)
				m.LearnLength(16)
			}
			score := func(late, hold float64) float64 {
				s := newScene(t, l, m)
				v := s.born(0, 1000, long(c.metres), lasting(c.metres/2+0.2+hold))
				return s.score(Arrival, v, s.sees(1, 1004+late, bare))
			}
			falls(t, "late by what it stood, and when it did not stand", score(hold, hold), score(hold, 0))
			falls(t, "late by what it stood, and by half of it", score(hold, hold), score(hold/2, hold))
			if c.through {
				falls(t, "late by what it stood, and in time", score(hold, hold), score(0, hold))
				falls(t, "in time when it did not stand, and when it did", score(0, 0), score(0, hold)+2)
			} else if d := score(0, 0) - score(0, hold); d < 0 || d > 1.5 {
				t.Errorf("in time when it may have stood with its end there: %.2f less", d)
			}
		})
	}
}

// TestArrivalQueue: nobody comes to a place before the vehicle ahead has left it; who had to wait comes right then.
func TestArrivalQueue(t *testing.T) {
	score := func(at float64, stands float64) (float64, bool) {
		s := one(t)
		first := s.born(0, 990)
		s.goes(first, s.sees(1, 994.1, lasting(stands)))
		second := s.born(0, 1000)
		c := s.of(second, s.sees(1, at, bare))
		return float64(c.terms.Score[Arrival]), c.terms.Queued
	}
	const stood, drove = 40.0, 4.2 // until 1034
	while, waits := score(1020, stood)
	then, waited := score(1036, stood)
	later, _ := score(1060, stood)
	falls(t, "when it has left, long after, while it is there", then, later, while)
	if waits || !waited {
		t.Errorf("it waited before the other one had left: %v, and afterwards: %v", waits, waited)
	}
	free, _ := score(1036, drove)
	falls(t, "30 s late behind one that stood, and behind one that drove", then, free)
	in, _ := score(1004.2, drove)
	blocked, _ := score(1004.2, stood)
	falls(t, "in time behind one that drove, and behind one that stands", in, blocked+3)
	s := one(t)
	alone := s.born(0, 1000)
	if d := in - s.score(Arrival, alone, s.sees(1, 1004.2, bare)); math.Abs(d) > 0.1 {
		t.Errorf("in time behind one that has left, and alone, differ by %.3f", d)
	}
}

// TestArrivalSumsOverQueue draws where a vehicle and the one ahead are: the later the one ahead leaves, the less likely
// is it that the next one comes by a time before that.
func TestArrivalSumsOverQueue(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		stands := rapid.Float64Range(12, 60).Draw(r, "stands")
		longer := stands + rapid.Float64Range(3, 30).Draw(r, "longer")
		at := 994.1 + rapid.Float64Range(10, stands-1).Draw(r, "comes")
		score := func(stands float64) float64 {
			s := one(t)
			first := s.born(0, 990)
			s.goes(first, s.sees(1, 994.1, lasting(stands)))
			return s.score(Arrival, s.born(0, 1000), s.sees(1, at, bare))
		}
		if a, b := score(stands), score(longer); b > a+1e-3 {
			r.Errorf("at %.1f s with one that stands for %.1f s: %.3f, for %.1f s: %.3f", at, stands, a, longer, b)
		}
	})
}

// TestArrivalOnward: who was seen further on already was here before that.
func TestArrivalOnward(t *testing.T) {
	score := func(at float64, beyond bool) float64 {
		s := one(t)
		v := s.born(0, 1000)
		if beyond {
			s.goes(v, s.sees(2, 1008.1))
		}
		return s.score(Arrival, v, s.sees(1, at, bare))
	}
	equal(t, "in time, seen beyond and not", score(1004.1, true), score(1004.1, false))
	falls(t, "late, not seen beyond and seen there before", score(1012, false), score(1012, true)+2)
	if worst := score(1050, true); worst < -60 {
		t.Errorf("what cannot be is %.1f", worst)
	}
}
