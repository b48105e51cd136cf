package passage

import (
	"fmt"
	"testing"

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
