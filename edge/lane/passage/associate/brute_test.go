package associate

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"lanewarden/drivers/kinds"
	"lanewarden/drivers/observation"
	"lanewarden/drivers/observation/units"
	"lanewarden/edge/lane/passage/detection"
	"lanewarden/edge/lane/passage/motion"
)

// layouts are one lane with four devices, two lanes that share their first device, and two that merge before their
// last.
var layouts = map[string]func() *Layout{
	"one lane": func() *Layout {
		return filled(1, Device{ID: "a", Places: at(0, 0)}, Device{ID: "b", Places: at(0, 8)},
			Device{ID: "c", Places: at(0, 16)}, Device{ID: "d", Places: at(0, 24)})
	},
	"shared first": func() *Layout {
		return filled(2, Device{ID: "a", Places: append(at(0, 0), at(1, 0)...)}, Device{ID: "b", Places: at(0, 8)},
			Device{ID: "c", Places: at(1, 8)})
	},
	"merging": func() *Layout {
		return filled(2, Device{ID: "a", Places: at(0, 0)}, Device{ID: "b", Places: at(1, 0)},
			Device{ID: "c", Places: append(at(0, 12), at(1, 12)...)})
	},
	"tags of both": func() *Layout {
		return filled(2, Device{ID: "a", Places: at(0, 0)}, Device{ID: "b", Places: at(1, 0)},
			Device{ID: "c", Places: append(at(0, 6), at(1, 6)...), HearsTags: true}, Device{ID: "d", Places: at(0, 12)})
	},
}

func at(lane int, position float64) []Place {
	return []Place{{Lane: lane, Position: units.Metres(position)}}
}

func filled(lanes int, devices ...Device) *Layout {
	l := &Layout{Devices: devices, Lanes: lanes, Timeout: 60}
	l.Fill()
	return l
}

// someDetections draws what up to six vehicles leave at up to four devices, with misses, strays and what was seen
// twice: eight detections at most, of which there are some thousands of assignments.
func someDetections(t *rapid.T, l *Layout) (out []*detection.Detection) {
	const most = 8
	vehicles := rapid.IntRange(1, 6).Draw(t, "vehicles")
	headway := rapid.Float64Range(1, 20).Draw(t, "headway")
	for v := range vehicles {
		lane := rapid.IntRange(0, l.Lanes-1).Draw(t, "lane")
		speed := rapid.Float64Range(1, 3).Draw(t, "speed")
		length := rapid.Float64Range(3, 18).Draw(t, "length")
		named := rapid.Bool().Draw(t, "named")
		for dev := range l.Devices {
			place := l.Position(lane, dev)
			if len(out) == most || math.IsInf(float64(place), 1) || rapid.IntRange(0, 9).Draw(t, "missed") < 3 {
				continue
			}
			d := &detection.Detection{Idx: int64(len(out)), Device: l.Devices[dev].ID, Key: fmt.Sprint(len(out)),
				Dev: dev, Kind: observation.Kind_KIND_VEHICLE_DETECTION,
				Evidence: kinds.Evidence{Tag: l.Devices[dev].HearsTags, Blind: l.Devices[dev].HearsTags}}
			d.At = 1000 + float64(v)*headway + float64(place)/speed + rapid.Float64Range(-1, 3).Draw(t, "off")
			d.Raw, d.Arrived, d.Order = d.At, d.At+1, d.At
			if dev != 1 {
				d.Lasts, d.Speed, d.Length = length/speed, speed, length
			}
			d.Reverse = rapid.IntRange(0, 30).Draw(t, "reverse") == 0
			if named {
				name := string(rune('A'+v)) + "BC123"
				d.Names = []kinds.Name{{Kind: "plate", Value: name, Shown: name, Sure: 0.9}}
			}
			out = append(out, d)
		}
	}
	return out
}

// path is one way to give all detections to vehicles.
type path struct {
	labels []int64
	weight float64
}

// mostPaths is how many assignments are listed at most: of drawn detections, the first that have no more.
const mostPaths = 4000

// enumerate lists all assignments of detections, in their order, with the sum of their terms: each hypothesis is
// followed for itself, step by step, and none is dropped or put together with another one. It stops before the
// detection with which there would be too many, and returns of how many detections they are.
func enumerate(w *Window, dets []*detection.Detection) (out []path, of int) {
	type hypothesis struct {
		path
		queue []*track
	}
	all := []hypothesis{{}}
	for of < len(dets) {
		var more []hypothesis
		for _, h := range all {
			s := newStepper(w, dets[of])
			s.expand(&node{queue: h.queue, weight: h.weight, best: h.weight})
			for _, next := range s.nodes {
				e := next.edges[0]
				labels := append(h.labels[:of:of], e.label)
				more = append(more, hypothesis{path{labels, h.weight + e.sum}, next.queue})
			}
		}
		if len(more) > mostPaths {
			break
		}
		all, of = more, of+1
	}
	for _, h := range all {
		h.weight += newStepper(w, nil).pending(&node{queue: h.queue})
		out = append(out, h.path)
	}
	return out, of
}

// tie is the difference of log-probabilities up to which two assignments are equally likely.
const tie = 1e-9

// likeliest returns the likeliest assignment; of several that are equally likely the one with these labels, if it is
// among them.
func likeliest(paths []path, labels []int64) path {
	best := slices.MaxFunc(paths, func(a, b path) int { return cmp.Compare(a.weight, b.weight) })
	for _, p := range paths {
		if p.weight > best.weight-tie && slices.Equal(p.labels, labels) {
			return p
		}
	}
	return best
}

// shares returns, for each detection, the probability of each vehicle: of each assignment's vehicle as the best one
// calls it.
func shares(paths []path, best path, dets []*detection.Detection) (out []map[int64]float64) {
	total := math.Inf(-1)
	for _, p := range paths {
		total = logAdd(total, p.weight)
	}
	owner := map[int64]int64{}
	for i, d := range dets {
		owner[d.Idx] = best.labels[i]
	}
	for i, d := range dets {
		of := map[int64]float64{}
		for _, p := range paths {
			label := p.labels[i]
			if o, ok := owner[label]; ok && label != d.Idx && o != None {
				label = o
			}
			of[label] += math.Exp(p.weight - total)
		}
		out = append(out, of)
	}
	return out
}

func wide(l *Layout, m *motion.Model) *Window {
	w := NewWindow(l, m, nil)
	w.beam, w.pruneAt = math.MaxInt, math.Inf(1)
	return w
}

// taught is a model that has seen some vehicles.
func taught(l *Layout) *motion.Model {
	m := motion.New(len(l.Devices), 2)
	for i := range 12 {
		var sights []motion.Fix
		for dev := range l.Devices {
			if place := l.Position(0, dev); !math.IsInf(float64(place), 1) {
				at := 60*float64(i) + float64(place)/2 + 0.1*float64(i%3)
				sights = append(sights, motion.Fix{Dev: dev, Position: place, Raw: at, At: at})
			}
			m.HitRate(dev).Add(i%6 != 0)
		}
		m.Learn(sights, 2, 8, 0)
		m.AddHeadway(20)
	}
	return m
}

// everywhere checks a property in each layout, of which something has been learnt.
func everywhere(t *testing.T, property func(t *rapid.T, l *Layout, m *motion.Model)) {
	for name, layout := range layouts {
		t.Run(name, func(t *testing.T) {
			l := layout()
			m := taught(l)
			rapid.Check(t, func(t *rapid.T) { property(t, l, m) })
		})
	}
}

// TestBruteForce: with the bounds of the search off, the window's assignment is the likeliest of all, and its
// probabilities are the sums over all, at every detection.
func TestBruteForce(t *testing.T) {
	everywhere(t, func(t *rapid.T, l *Layout, m *motion.Model) {
		dets := someDetections(t, l)
		slices.SortFunc(dets, compareDetections)
		w, tree := wide(l, m), wide(l, m)
		tree.keepApart = true
		w.now = 1000 + rapid.Float64Range(0, 100).Draw(t, "now")
		tree.now = w.now
		paths, n := enumerate(tree, dets)
		dets = dets[:n]
		for _, d := range rapid.Permutation(dets).Draw(t, "order") {
			if !w.Insert(d) {
				t.Fatal("a detection came too late")
			}
		}
		w.backwardPass()
		all := w.byLabel(w.likeliestPath())
		if len(all) != n {
			t.Fatalf("%d assignments of %d detections", len(all), n)
		}
		if n == 0 {
			return
		}
		labels := make([]int64, n)
		for i, a := range all {
			labels[i] = a.Label
		}
		best := likeliest(paths, labels)
		want := shares(paths, best, dets)
		for i, a := range all {
			if a.Label != best.labels[i] {
				t.Errorf("detection %d is of %d, not of %d", a.Detection.Idx, a.Label, best.labels[i])
			}
			got := map[int64]float64{}
			for _, s := range a.Shares {
				got[s.Label] = s.Probability
			}
			for label, p := range want[i] {
				if math.Abs(got[label]-p) > 2*minShare {
					t.Errorf("detection %d is of %d with %.4f, not %.4f", a.Detection.Idx, label, got[label], p)
				}
			}
		}
	})
}
