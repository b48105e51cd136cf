package associate

import (
	"testing"

	"lanewarden/drivers/kinds"
	"lanewarden/drivers/observation/units"
	"lanewarden/edge/lane/passage/detection"
)

func weighed(kg float64) func(*detection.Detection) {
	return func(d *detection.Detection) { weighing(0)(d); d.Kg = kg }
}

// TestSized: a weight, a tag or a better length counts by how vehicles of that size are here, and each of them once.
func TestSized(t *testing.T) {
	l := layouts["one lane"]()
	m := known(l)
	for i := range 60 {
		m.LearnSize(12, units.Kilograms(18000+500*float64(i%9)), Load([]kinds.Name{{Kind: "tag"},
			{Kind: "container"}}[:i%3]))
		m.LearnSize(4.5, units.Kilograms(1500+50*float64(i%5)), 0)
	}
	score := func(first, then func(*detection.Detection)) float64 {
		s := newScene(t, l, m)
		v := s.born(0, 1000, first)
		return s.score(Size, v, s.sees(1, 1004, then))
	}
	falls(t, "20 t, of a long vehicle and of a short one", score(long(12), weighed(20000)), 0, score(long(4.5), weighed(20000)))
	falls(t, "1.6 t, of a short vehicle and of a long one", score(long(4.5), weighed(1600)), 0, score(long(12), weighed(1600)))
	falls(t, "a container, on a long vehicle and on a short one",
		score(long(12), named("container", "CSQU3054383")), 0, score(long(4.5), named("container", "CSQU3054383")))
	equal(t, "a vehicle that was not measured", score(long(0), weighed(20000)), 0)
	equal(t, "an axle", score(long(4.5), weighing(1)), 0)
	equal(t, "a plate", score(long(4.5), named("plate", "ABC123")), 0)

	s := newScene(t, l, m)
	v := s.born(0, 1000, long(80)) // it stopped over the loop
	s.goes(v, s.sees(1, 1004, weighed(20000)))
	falls(t, "a better length, a long and a short one",
		s.score(Size, v, s.sees(3, 1012, long(12))), s.score(Size, v, s.sees(3, 1012, long(4.5))))
	equal(t, "a length that is no better", s.score(Size, v, s.sees(3, 1012, long(90))), 0)
}
