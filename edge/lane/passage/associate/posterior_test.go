package associate

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"lanewarden/edge/lane/passage/detection"
	"lanewarden/edge/lane/passage/motion"
)

// filledWith returns a window of detections.
func filledWith(l *Layout, m *motion.Model, dets []*detection.Detection) *Window {
	w := NewWindow(l, m, nil)
	for _, d := range dets {
		w.Insert(d)
	}
	return w
}

// TestShares: what a detection may be of sums to one, the vehicle that it is given to first and the others by
// probability; each is named once; and a vehicle is named by a detection of its own.
func TestShares(t *testing.T) {
	everywhere(t, func(t *rapid.T, l *Layout, m *motion.Model) {
		dets := someDetections(t, l)
		all := filledWith(l, m, dets).Assignments()
		of := map[int64]int64{}
		for _, a := range all {
			of[a.Detection.Idx] = a.Label
		}
		for _, a := range all {
			if a.Label != None && of[a.Label] != a.Label {
				t.Errorf("detection %d is of %d, whose own detection is of %d", a.Detection.Idx, a.Label, of[a.Label])
			}
			sum, seen := 0.0, map[int64]bool{}
			for i, s := range a.Shares {
				if sum += s.Probability; seen[s.Label] {
					t.Errorf("detection %d names %d twice", a.Detection.Idx, s.Label)
				}
				if seen[s.Label] = true; i > 1 && s.Probability > a.Shares[i-1].Probability {
					t.Errorf("detection %d: share %d is more than the one before", a.Detection.Idx, i)
				}
				if s.Terms == nil {
					t.Errorf("detection %d: share %d has no terms", a.Detection.Idx, i)
				}
			}
			if a.Shares[0].Label != a.Label || sum > 1+1e-6 || sum < 0.99 {
				t.Errorf("detection %d is of %d, shares %+v, sum %.6f", a.Detection.Idx, a.Label, a.Shares, sum)
			}
		}
	})
}

// TestTimeOfDay: association depends on differences of times only.
func TestTimeOfDay(t *testing.T) {
	everywhere(t, func(t *rapid.T, l *Layout, m *motion.Model) {
		dets := someDetections(t, l)
		for _, d := range dets { // to parts of a second that differences keep exactly
			d.At, d.Lasts = math.Round(d.At*1024)/1024, math.Round(d.Lasts*1024)/1024
			d.Raw, d.Order, d.Arrived = d.At, d.At, d.At+1
		}
		was := filledWith(l, m, dets).Assignments()
		const by = 1 << 17 // s
		for _, d := range dets {
			d.At, d.Raw, d.Order, d.Arrived = d.At+by, d.Raw+by, d.Order+by, d.Arrived+by
		}
		agree(t, "the day after", filledWith(l, m, dets).Assignments(), was, 1e-5)
	})
}

// TestLanesRenamed: which of two lanes that are alike is called the first changes nothing.
func TestLanesRenamed(t *testing.T) {
	place := func(dev Device, swap bool) Device {
		out := dev
		out.Places = nil
		for _, p := range dev.Places {
			if swap {
				p.Lane = 1 - p.Lane
			}
			out.Places = append(out.Places, p)
		}
		return out
	}
	devices := []Device{
		{ID: "a", Places: append(at(0, 0), at(1, 0)...)}, {ID: "b", Places: at(0, 8)}, {ID: "c", Places: at(1, 8)},
		{ID: "d", Places: append(at(0, 16), at(1, 16)...)},
	}
	layout := func(swap bool) *Layout {
		var all []Device
		for _, d := range devices {
			all = append(all, place(d, swap))
		}
		return filled(2, all...)
	}
	l, other := layout(false), layout(true)
	m := taught(l)
	rapid.Check(t, func(t *rapid.T) {
		dets := someDetections(t, l)
		was := filledWith(l, m, dets).Assignments()
		now := filledWith(other, m, dets).Assignments()
		for i := range was {
			for _, s := range was[i].Shares {
				for _, o := range now[i].Shares {
					if s.Label == o.Label && was[i].Label == now[i].Label && math.Abs(s.Probability-o.Probability) > 0.02 {
						t.Errorf("detection %d is of %d with %.4f and %.4f", was[i].Detection.Idx, s.Label,
							s.Probability, o.Probability)
					}
				}
			}
		}
	})
}

// together returns the probability that the last detection of a few is of the first one's vehicle.
func together(t *testing.T, with ...func(d *detection.Detection)) float64 {
	t.Helper()
	s := one(t)
	w := NewWindow(s.w.layout, s.w.model, nil)
	first := s.sees(0, 1000, with...)
	w.Insert(first)
	w.Insert(s.sees(0, 1005))
	w.Insert(s.sees(1, 1008, with...))
	all := w.Assignments()
	for _, share := range all[len(all)-1].Shares {
		if share.Label == first.Idx {
			return share.Probability
		}
	}
	return 0
}

// TestEvidence: what two detections have in common makes it likelier that they are of one vehicle.
func TestEvidence(t *testing.T) {
	plain := together(t)
	if plain <= 0.01 || plain >= 0.99 {
		t.Fatalf("nothing is to be found out: %.4f", plain)
	}
	for name, with := range map[string]func(d *detection.Detection){
		"a plate": named("plate", "ABC123"), "a container": named("container", "CSQU3054383"),
	} {
		if got := together(t, with); got < plain+0.1*(1-plain) {
			t.Errorf("%s in common: %.4f, nothing: %.4f", name, got, plain)
		}
	}
}

// TestOtherCandidate: a detection that fits two vehicles equally well is of neither surely; and when it comes in time
// for one of them it is that one's.
func TestOtherCandidate(t *testing.T) {
	s := one(t)
	w := NewWindow(s.w.layout, s.w.model, nil)
	first, next := s.sees(0, 1000, bare), s.sees(0, 1004, bare)
	w.Insert(first)
	w.Insert(next)
	probe := func(at float64) map[int64]float64 {
		d := s.sees(1, at, bare)
		w.Insert(d)
		all := w.Assignments()
		w.Remove(d.Idx)
		out := map[int64]float64{}
		for _, share := range all[len(all)-1].Shares {
			out[share.Label] = share.Probability
		}
		return out
	}
	early, late := probe(1004), probe(1009)
	if early[first.Idx] < 0.95 || late[next.Idx] <= early[next.Idx] {
		t.Errorf("in time for the first: %v; for the second: %v", early, late)
	}
	sure := 0.0
	for at := 1004.0; at < 1010; at += 0.25 { // somewhere between, nobody knows
		p := probe(at)
		sure = max(sure, min(p[first.Idx], p[next.Idx]))
	}
	if sure < 0.1 {
		t.Errorf("wherever it comes, one of the two has it with %.4f", 1-sure)
	}
}

// TestSilence: the longer a vehicle is not seen where it should be, the less likely was it there at all: a detection by one
// device alone becomes less sure to be of the vehicle that the others saw.
func TestSilence(t *testing.T) {
	s := one(t)
	w := NewWindow(s.w.layout, s.w.model, nil)
	tag := s.sees(0, 1000, tagged("urn:1", 0, false))
	w.Insert(tag)
	after := func(seconds float64) float64 {
		w.Settle(0, 1000+seconds)
		a := w.Assignments()[0]
		for _, share := range a.Shares {
			if share.Label == None {
				return share.Probability
			}
		}
		return 0
	}
	soon, later := after(1), after(50)
	if later <= soon {
		t.Errorf("a tag that nothing follows is of no vehicle with %.4f, and at first with %.4f", later, soon)
	}
}
