package associate

import (
	"math"
	"testing"

	"lanewarden/edge/lane/passage/detection"
)

// TestHeldOnward: who had to wait was at the place when there was room, whenever its report says it was: its way from
// there to the detection beyond counts from that moment.
func TestHeldOnward(t *testing.T) {
	m := imaging(true)
	near, beyond := sightOf(1, 10, 1005), sightOf(3, 24, 1042)
	q := &clearing{at: 1037, sigma: lengthTimeSigma, stopsAgain: 0.006, stopMean: 10, held: true}
	right, _ := momentOf(m, q.at, near, beyond)
	want, _ := freeFlowArrival(right.widened(right.beyond), right.holdups)
	for _, at := range []float64{1035, 1036, 1038, 1040} {
		one, _ := momentOf(m, at, near, beyond)
		before, came := freeFlowArrival(one.widened(one.before), one.holdups)
		after, _ := freeFlowArrival(one.widened(one.beyond), one.holdups)
		all := (before*q.freeBy(at) + q.density(at)*came) * after / one.densityGiven(q,
			at) // what the density is divided by
		if got := (all - one.marginal()) / came; math.Abs(got-want) > 0.02*want {
			t.Errorf("reported at %.0f s: on to the sight beyond %.5f, not %.5f", at, got, want)
		}
	}
}

// TestTurnedSeenThere: a device sees a vehicle that turned back over it once more, be it at the lane's begin or further
// on; one at another place only when it cannot tell directions.
func TestTurnedSeenThere(t *testing.T) {
	turned := func(d *detection.Detection) { d.Turned = true }
	for dev := range 3 {
		s := one(t)
		v := s.born(0, 1000)
		for k := 1; k <= dev; k++ {
			s.goes(v, s.sees(k, 1000+4*float64(k)))
		}
		s.goes(v, s.sees(dev, 1010+4*float64(dev), turned))
		if !s.can(v, s.sees(dev, 1013+4*float64(dev))) {
			t.Errorf("device %d does not see it again", dev)
		}
		if dev > 0 && s.can(v, s.sees(dev-1, 1020+4*float64(dev))) {
			t.Errorf("device %d sees it on its way out", dev-1)
		}
	}
}

// TestPackedFrom: the room behind a track is that from the place where those behind it were seen, be it at the lane's
// begin or further on, to the detection's; places beside the detection's or beyond say nothing.
func TestPackedFrom(t *testing.T) {
	packed := func(seen int, by int) (got float64, s *scene) {
		s = one(t)
		row := []*track{born(s.w.layout, 0, s.sees(seen, 1000))}
		for i := range 3 {
			row = append(row, born(s.w.layout, 0, s.sees(seen, 1010+10*float64(i))))
		}
		return newStepper(s.w, s.sees(by, 1100)).roomForQueue(row, 1, row[0]), s
	}
	for _, seen := range []int{0, 1, 2} {
		got, s := packed(seen, 3)
		way := float64(s.w.layout.position[0][3] - s.w.layout.position[0][seen])
		need := 4*float64(s.w.model.MinLength(8)) + 3*queueRoom
		equal(t, "packed", got, logBelow(way-need, queueWaySigma))
	}
	for _, by := range []int{2, 1} {
		got, _ := packed(2, by)
		equal(t, "beside the place or before it", got, 0)
	}
}
