package associate

import (
	"fmt"
	"math"
	"testing"

	"pgregory.net/rapid"

	"lanewarden/drivers/kinds"
	"lanewarden/drivers/observation"
	"lanewarden/drivers/observation/units"
	"lanewarden/edge/lane/passage/detection"
	"lanewarden/edge/lane/passage/motion"
)

// lateLane is a lane with an image device, whose results come late, between two loops.
func lateLane() *Layout {
	return filled(2, Device{ID: "a", Places: at(0, 0)}, Device{ID: "b", Places: at(0, 10)},
		Device{ID: "x", Places: []Place{{Lane: 0, Position: 16, Late: true}}}, Device{ID: "d", Places: at(0, 24)},
		Device{ID: "e", Places: at(1, 0)})
}

// imager is the index of the late device.
const imager = 2

// imaging is a model of the late lane: of images that follow the vehicles, or that a person takes at leisure.
func imaging(orderly bool) *motion.Model {
	m := motion.New(5, 2)
	for i := range 20 {
		at := 60 * float64(i)
		sights := []motion.Fix{sightOf(0, 0, at), sightOf(1, 10, at+5+0.1*float64(i%3)), sightOf(3, 24, at+12)}
		m.Learn(sights, 2, 8, 0)
		off := 0.2 * float64(i%4)
		if !orderly {
			off = 31 * float64(i*i%13)
		}
		m.LearnLate(sights, sightOf(imager, 16, at+8+off), 2)
		m.HitRate(imager).Add(i%3 != 0)
	}
	return m
}

func sightOf(dev int, position, at float64) motion.Fix {
	return motion.Fix{Dev: dev, Position: units.Metres(position), Raw: at, At: at}
}

// passed is a vehicle that was seen by both loops, and was there without stopping at 2 m/s.
func passed(at float64, plate string) *Vehicle {
	v := &Vehicle{First: at, Last: at + 16, Speed: 2, Length: 8}
	v.Fixes = []motion.Fix{sightOf(0, 0, at), sightOf(1, 10, at+5), sightOf(3, 24, at+12)}
	if plate != "" {
		v.Names = []kinds.Name{{Kind: "plate", Value: plate, Shown: plate, Sure: 0.95}}
	}
	return v
}

// imaged is a report of the late device.
func imaged(at float64, plate string) *Report {
	d := &detection.Detection{
		Idx: int64(at), Device: "x", Dev: imager, Kind: observation.Kind_KIND_XRAY_IMAGE, At: at, Raw: at,
		Order: at, Arrived: at + 100,
	}
	if plate != "" {
		d.Names = []kinds.Name{{Kind: "plate", Value: plate, Shown: plate, Sure: 0.95}}
	}
	return &Report{Detections: []*detection.Detection{d}}
}

func works(int, float64) bool { return false }

// likely returns the probability of each vehicle, and of none under None.
func likely(fits []Candidate) map[int]float64 {
	out := map[int]float64{}
	for _, f := range fits {
		out[f.Vehicle] += f.Probability
	}
	return out
}

// someLate draws up to six vehicles of the late lane in a row, and up to four reports of the image device. Times are a
// little beside the grid on which predictions are: a density jumps where a vehicle can be late at all.
func someLate(t *rapid.T) (vehicles []*Vehicle, reports []*Report) {
	at := 1000.0
	for v := range rapid.IntRange(0, 6).Draw(t, "vehicles") {
		at += float64(rapid.IntRange(200, 2500).Draw(t, "headway"))/100 + 0.0007
		plate := ""
		if rapid.Bool().Draw(t, "named") {
			plate = fmt.Sprintf("%cBC12%d", 'A'+v, v)
		}
		one := passed(at, plate)
		kept := one.Fixes[:0:0]
		for i, s := range one.Fixes {
			if s.At += float64(rapid.IntRange(0, 200).Draw(t, "off"))/100 + 0.0031*float64(1+i*i); rapid.IntRange(0, 4).Draw(t, "missed") > 0 {
				s.Raw = s.At
				kept = append(kept, s)
			}
		}
		one.Fixes = kept
		if rapid.IntRange(0, 7).Draw(t, "given") == 0 {
			one.Reported = 1 << imager
		}
		one.Reversed = rapid.IntRange(0, 9).Draw(t, "back") == 0
		vehicles = append(vehicles, one)
	}
	when := 1005.0
	for range rapid.IntRange(1, 4).Draw(t, "reports") {
		when += float64(rapid.IntRange(0, 3000).Draw(t, "gap"))/100 + 0.0013
		plate := ""
		if n := rapid.IntRange(-4, 6).Draw(t, "name"); n >= 0 {
			plate = fmt.Sprintf("%cBC12%d", 'A'+n, n)
		}
		reports = append(reports, imaged(when, plate))
	}
	return vehicles, reports
}

// alignment is one way to give all reports to vehicles.
type alignment struct {
	of     []int
	weight float64
}

// alignments lists all ways to give reports to vehicles in their order, with their weights. Who came before the first
// report is not known: each vehicle may have been the last one then, and may have been seen already.
func (a *aligner) alignments() (out []alignment) {
	missed := a.missedDetectionCosts()
	var follow func(last int, w alignment) // last is the vehicle seen last; -1 for none
	follow = func(last int, w alignment) {
		j := len(w.of)
		if j == len(a.reports) {
			out = append(out, w)
			return
		}
		give := func(vehicle, last int, weight float64) {
			follow(last, alignment{append(w.of[:j:j], vehicle), w.weight + weight})
		}
		give(None, last, falseAlarmScore)
		if last >= 0 { // once more
			give(last, last, a.scores[j][last]+math.Log(secondScan))
		}
		for v := last + 1; v < len(a.vehicles); v++ {
			weight := a.scores[j][v] + missed[v] - missed[last+1]
			if j > 0 && last >= 0 && v == last+1 && w.of[j-1] == last {
				weight += a.queueGain(j, v)
			}
			give(v, v, weight)
		}
	}
	for first := -1; first < len(a.vehicles); first++ {
		follow(first, alignment{})
	}
	return out
}

// TestAlignBruteForce: the probabilities of late reports are the sums over all alignments in order.
func TestAlignBruteForce(t *testing.T) {
	l, m := lateLane(), imaging(true)
	if !m.Orderly(imager) {
		t.Fatal("images keep no order")
	}
	rapid.Check(t, func(t *rapid.T) {
		vehicles, reports := someLate(t)
		a := aligner{Layout: l, model: m, vehicles: vehicles, reports: reports, down: works, orderly: true}
		a.score()
		total := math.Inf(-1)
		all := a.alignments()
		for _, w := range all {
			total = logAdd(total, w.weight)
		}
		want := make([]map[int]float64, len(reports))
		for j := range reports {
			want[j] = map[int]float64{}
			for _, w := range all {
				want[j][w.of[j]] += math.Exp(w.weight - total)
			}
		}
		for j, fits := range l.Align(m, vehicles, reports, works) {
			got := likely(fits)
			for v, p := range want[j] {
				if math.Abs(got[v]-p) > 2*minShare {
					t.Errorf("report %d is of %d with %.4f, not %.4f", j, v, got[v], p)
				}
			}
		}
	})
}

// TestAlignEach: where a device keeps no order, each report is weighed for itself, against all vehicles and none.
func TestAlignEach(t *testing.T) {
	l, m := lateLane(), imaging(false)
	if m.Orderly(imager) {
		t.Fatal("images are in order")
	}
	rapid.Check(t, func(t *rapid.T) {
		vehicles, reports := someLate(t)
		all := l.Align(m, vehicles, reports, works)
		for j, r := range reports {
			alone := likely(l.Align(m, vehicles, []*Report{r}, works)[0])
			for v, p := range likely(all[j]) {
				if math.Abs(p-alone[v]) > 1e-9 {
					t.Errorf("report %d is of %d with %.4f, and for itself with %.4f", j, v, p, alone[v])
				}
			}
			for _, f := range all[j] {
				for _, g := range all[j] {
					if f.Vehicle == None || g.Vehicle == None {
						continue
					}
					ratio := math.Log(f.Probability / g.Probability)
					if d := f.Terms.Sum() - g.Terms.Sum(); math.Abs(ratio-d) > 1e-4 {
						t.Errorf("report %d: odds of %d to %d are e^%.3f, and their terms differ by %.3f", j, f.Vehicle, g.Vehicle, ratio, d)
					}
				}
			}
		}
	})
}

// TestAlignProbabilities: what a report may be of sums to one, likeliest first, and each vehicle is named once.
func TestAlignProbabilities(t *testing.T) {
	l := lateLane()
	for name, m := range map[string]*motion.Model{"in order": imaging(true), "each": imaging(false)} {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				vehicles, reports := someLate(t)
				for j, fits := range l.Align(m, vehicles, reports, works) {
					sum, seen := 0.0, map[int]bool{}
					for i, f := range fits {
						if sum += f.Probability; seen[f.Vehicle] || f.Vehicle >= len(vehicles) {
							t.Errorf("report %d names vehicle %d again, or it is none", j, f.Vehicle)
						}
						if seen[f.Vehicle] = true; i > 0 && f.Probability > fits[i-1].Probability {
							t.Errorf("report %d: number %d is likelier than the one before", j, i)
						}
					}
					if sum > 1+1e-9 || sum < 1-minShare*float64(len(vehicles)+1) {
						t.Errorf("report %d: the sum is %.6f", j, sum)
					}
				}
			})
		})
	}
}

// TestAlignTimeOfDay: alignment depends on differences of times only.
func TestAlignTimeOfDay(t *testing.T) {
	l, m := lateLane(), imaging(true)
	rapid.Check(t, func(t *rapid.T) {
		vehicles, reports := someLate(t)
		want := l.Align(m, vehicles, reports, works)
		const by = 1 << 17
		for _, v := range vehicles {
			v.First, v.Last = v.First+by, v.Last+by
			for i := range v.Fixes {
				v.Fixes[i].At += by
				v.Fixes[i].Raw += by
			}
		}
		for _, r := range reports {
			r.Detections[0].At += by
			r.Detections[0].Raw += by
		}
		for j, fits := range l.Align(m, vehicles, reports, works) {
			w := likely(want[j])
			for v, p := range likely(fits) {
				if math.Abs(p-w[v]) > minShare+1e-5 {
					t.Errorf("report %d is of %d with %.5f, and the day after with %.5f", j, v, w[v], p)
				}
			}
		}
	})
}
