package passage

import (
	"fmt"
	"math"
	"testing"

	"lanewarden/drivers/kinds"
	"lanewarden/edge/lane/passage/detection"
)

// TestVerify: what was learnt of a portal whose detections were all taken for those of the vehicle ahead is forgotten; what
// was learnt of its own detections stays.
func TestVerify(t *testing.T) {
	for _, c := range []struct {
		name    string
		shifted int // vehicles by which its detections were taken for another one's
		ahead   float64
		learnt  bool
	}{
		{"its own", 0, 0, true}, {"the next one's", 1, 0, false},
		{"its own, by a clock that is known", 0, 37, true}, {"the next one's, by a clock that is known", 1, 37, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := New(twoLanes()).groups[0]
			known := &clock{}
			for i := range 40 {
				known.AddOffset(60*float64(i), c.ahead)
			}
			g.clocks["rpm-1"] = known
			var at []float64
			forgotten := false
			for v, now := 0, 0.0; v < 60; v++ {
				now += 6 + float64(v*7%5) // s between vehicles
				at = append(at, now)
				g.watchDetection(taken(g, int64(1000+v), now+5.2, c.ahead))
			}
			for v := range 50 {
				one := &vehicle{id: fmt.Sprint(v)}
				first := detection.Of(int64(v), loop("loop-1", at[v]), 0)
				g.prepare(first)
				(&reading{det: first, confidence: 1}).assign(one)
				(&reading{det: taken(g, int64(2000+v), at[v+c.shifted]+5.2, c.ahead), confidence: 1}).assign(one)
				g.model.Learn(one.fixes(g, true, nil), 2, 8, 0)
				g.verify(one)
				if from, to := g.fix(one, one.readings[0].det), g.fix(one, one.readings[1].det); v > 10 {
					forgotten = forgotten || !g.model.Predict(from, to, 2).Learned
				}
			}
			if forgotten == c.learnt {
				t.Errorf("it was forgotten: %v", forgotten)
			}
		})
	}
}

// taken is a portal's detection, by a clock that is so many seconds ahead.
func taken(g *group, idx int64, at, ahead float64) *detection.Detection {
	d := detection.Of(idx, portal("rpm-1", at, false), 0)
	d.Raw += ahead
	g.prepare(d)
	return d
}

// TestScaleOneOff: where vehicles follow each other evenly and a scale's weighings were all given to the vehicle behind
// the right one, the lengths of vehicles show that, and the times at which the scale sees them are moved by the time
// between two vehicles; right weighings move nothing.
func TestScaleOneOff(t *testing.T) {
	const every = 10.0 // s
	length := func(v int) float64 { return 4 + float64(v*7%12) }
	for off, want := range map[int]float64{0: 0, 1: -every} {
		k := New(twoLanes())
		g := k.groups[0]
		moved := 0.0
		residual := func(v *vehicle) float64 {
			return g.model.Predict(g.fix(v, v.readings[0].det), g.fix(v, v.readings[1].det), 2).Residual
		}
		for i := range 60 {
			at0 := every * float64(i)
			v := seenBy(g, fmt.Sprint(i),
				at("loop-1", at0, kinds.Evidence{Lasts: 4, Speed: 2, Length: length(i)}),
				at("scale-1", at0+13+every*float64(off), kinds.Evidence{Weighs: true, Kg: 1500 * length(i+off)}))
			before := residual(v)
			if k.teach(g, v); i > 10 {
				moved += before - residual(v)
			}
		}
		if math.Abs(moved-want) > 1 {
			t.Errorf("%d vehicles off: the way to the scale became %.1f s longer, not %.1f s", off, moved, want)
		}
	}
}
