package associate

import (
	"math"
	"testing"

	"lanewarden/edge/lane/passage/motion"
)

// sums fails unless a density and a distribution function belong together from one time to another: the share grows by
// what the density sums to, and ends at total.
func sums(t *testing.T, name string, total float64, of func(x float64) (density, share float64)) {
	t.Helper()
	const from, to, step, every = -40.0, 400.0, 0.02, 50
	sum, worst, n := 0.0, 0.0, 0
	_, begin := of(from)
	for x := from; x < to; x += step {
		d, _ := of(x + step/2)
		if d < 0 {
			t.Fatalf("%s: the density at %.2f is %g", name, x, d)
		}
		sum += d * step
		if n++; n%every == 0 {
			_, share := of(x + step)
			worst = max(worst, math.Abs(share-begin-sum))
		}
	}
	if worst > 2e-3 {
		t.Errorf("%s: share and sum of the density differ by %.4f", name, worst)
	}
	if math.Abs(sum+begin-total) > 5e-3 {
		t.Errorf("%s: all times sum to %.4f, not %.4f", name, sum+begin, total)
	}
}

// TestDistributions: each density is the derivative of its distribution function, and sums to one.
func TestDistributions(t *testing.T) {
	by := motion.Delays{Share: 0.3, Mean: 7}
	sums(t, "errors", 1, func(x float64) (float64, float64) { return normal(x, 1.7), below(x, 1.7) })
	sums(t, "free flow", 1, func(x float64) (float64, float64) { return heldUpArrival(x, 1.7, by) })
	sums(t, "free flow, never held up", 1, func(x float64) (float64, float64) {
		return heldUpArrival(x, 1.7,
			motion.Delays{Mean: 7})
	})
	for name, p := range map[string]motion.Prediction{
		"from before":                   {Sigma: 1.7, Distance: 8},
		"stood with its front there":    {Sigma: 1.7, Distance: 8, Standing: 20},
		"stood there, on a longer way":  {Sigma: 1.7, Distance: 8, Standing: 20, RearPassed: true},
		"before the antenna or beyond":  {Sigma: 1.7, Distance: 2, EitherSide: true},
		"stood, and is on either side":  {Sigma: 1.7, Distance: 2, EitherSide: true, Standing: 20},
		"the same place, on both sides": {Sigma: 1.7, EitherSide: true},
	} {
		if p.EitherSide { // it is late on one side, early on the other: both densities sum to one
			sum := 0.0
			for off := -400.0; off < 400; off += 0.02 {
				p.Residual = off
				d, _ := freeFlowArrival(p, by)
				sum += 0.02 * d
			}
			equal(t, name, sum, 1)
			continue
		}
		sums(t, name, 1, func(x float64) (float64, float64) {
			p.Residual = x
			return freeFlowArrival(p, by)
		})
	}
	for name, c := range map[string]clearing{
		"seen": {at: 30, sigma: 2}, "it may stop again": {at: 30, sigma: 2, stopsAgain: 0.4, stopMean: 9},
	} {
		sums(t, "cleared, "+name, 1, func(x float64) (float64, float64) { return c.density(x), c.freeBy(x) })
	}
}

// TestErrorsAreWideNowAndThen: one error in ten is 2.5 times as wide; errors have no side.
func TestErrorsAreWideNowAndThen(t *testing.T) {
	gauss := func(x, s float64) float64 { return math.Exp(-x*x/2/s/s) / s / math.Sqrt(2*math.Pi) }
	for _, x := range []float64{0, 0.7, 2, 5, 9} {
		equal(t, "density", normal(x, 2), 0.9*gauss(x, 2)+0.1*gauss(x, 5))
		equal(t, "density on the other side", normal(-x, 2), normal(x, 2))
		equal(t, "both sides together", below(x, 2)+below(-x, 2), 1)
	}
	equal(t, "two in a thousand or so are beyond three sigmas", 1-below(6, 2), 0.9*0.00135+0.1*0.11507)
}

// TestComesSides: an arrival that is seen from further on is late where it is seen early; beside an antenna both sides
// count alike; and of a vehicle that stood, the probability that it did so with its front is as documented.
func TestComesSides(t *testing.T) {
	by := motion.Delays{Share: 0.3, Mean: 7}
	density := func(p motion.Prediction) float64 { d, _ := freeFlowArrival(p, by); return d }
	from, beyond := motion.Prediction{Residual: 6, Sigma: 1, Distance: 8}, motion.Prediction{Residual: -6, Sigma: 1,
		Distance: -8}
	equal(t, "late, seen from before and from beyond", density(beyond), density(from))
	falls(t, "late and early", density(from), density(motion.Prediction{Residual: -6, Sigma: 1, Distance: 8}))
	late, early := motion.Prediction{Residual: 6, Sigma: 1, EitherSide: true}, motion.Prediction{Residual: -6, Sigma: 1,
		EitherSide: true}
	equal(t, "on either side", density(early), density(late))
	equal(t, "on either side it is half of each", 2*density(late), density(from)+density(motion.Prediction{Residual: -6,
		Sigma: 1}))
	stood := func(through bool, from, to float64) (sum float64) {
		for off := from; off < to; off += 0.01 {
			d, _ := freeFlowArrival(motion.Prediction{Residual: off, Sigma: 0.5, Distance: 8, Standing: 30,
				RearPassed: through},
				motion.Delays{Mean: 1})
			sum += 0.01 * d
		}
		return sum
	}
	equal(t, "it may have stood with its end there", stood(false, -10, 10), 0.5)
	equal(t, "it stood with its front there", stood(false, 20, 40), 0.5)
	equal(t, "it stood before a longer way", stood(true, 20, 40), stoodBefore)
	equal(t, "it stood after a longer way", stood(true, -10, 10), 1-stoodBefore)
}

// TestArrivalWaits: an arrival right when the one ahead has made room has waited; one long after that, or that nobody
// was ahead of, has not. What came too fast is as good as impossible.
func TestArrivalWaits(t *testing.T) {
	by := motion.Delays{Share: 0.06, Mean: 10}
	p := motion.Prediction{Residual: 20, Sigma: 1, Distance: 8}
	q := &clearing{at: 1000, sigma: 1, held: true}
	if _, waited := arrivalLogLikelihood(p, by, 1000, q, 60); !waited {
		t.Error("who came when there was room did not wait")
	}
	unheld := *q
	unheld.held = false
	for name, c := range map[string]*clearing{"nobody ahead": nil, "room since long": {at: 900, sigma: 1, held: true},
		"not held": &unheld} {
		if _, waited := arrivalLogLikelihood(p, by, 1000, c, 60); waited {
			t.Errorf("%s: it waited", name)
		}
	}
	score := func(p motion.Prediction, q *clearing) float64 {
		s, _ := arrivalLogLikelihood(p, by, 1000, q, 60)
		return s
	}
	falls(t, "20 s late in a queue, and freely", score(p, q), score(p, nil))
	inTime := motion.Prediction{Sigma: 1, Distance: 8}
	falls(t, "in time, before there is room", score(inTime, nil), score(inTime, &clearing{at: 1010, sigma: 1,
		held: true}))
	never := math.Log(unexplained / 120)
	inTime.TooFast = true
	if got := score(inTime, nil); math.Abs(got-never) > 0.3 {
		t.Errorf("too fast is %.3f, what nothing explains %.3f", got, never)
	}
	p = motion.Prediction{Residual: 10, Sigma: 0.5, Distance: motion.SamePlace / 2}
	falls(t, "10 s late from 8 m away, and in the same place", score(motion.Prediction{Residual: 10, Sigma: 0.5,
		Distance: 8},
		nil), score(p, nil))
	p.Distance = motion.SamePlace
	equal(t, "one metre is not the same place", score(p, nil), score(motion.Prediction{Residual: 10, Sigma: 0.5,
		Distance: 8},
		nil))
}

// TestLeaves: there is room one gap after the end has left; who was seen to leave seldom stops again.
func TestLeaves(t *testing.T) {
	m := motion.New(1, 2)
	gap, by := m.Gap(0), m.Delays()
	for _, seen := range []bool{false, true} {
		c := clearingAfter(m, 0, 1000, 1.2, seen)
		again := by.Share
		if seen {
			again /= 10
		}
		equal(t, "at", c.at, 1000+gap.Mean)
		equal(t, "sigma", c.sigma, math.Sqrt(1.2*1.2+gap.Sigma*gap.Sigma))
		equal(t, "again", c.stopsAgain, again)
		if c.stopMean != by.Mean || !c.held {
			t.Errorf("%+v", c)
		}
	}
}
