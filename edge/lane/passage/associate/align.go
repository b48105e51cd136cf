package associate

import (
	"cmp"
	"math"
	"slices"

	"lanewarden/drivers/kinds"
	"lanewarden/drivers/observation/units"
	"lanewarden/edge/lane/passage/detection"
	"lanewarden/edge/lane/passage/motion"
)

// Vehicle is a vehicle as far as it is known when late results come.
type Vehicle struct {
	Lane   int
	Sights []motion.Sight        // by position
	Speed  units.MetresPerSecond // 0 when unknown
	Length units.Metres          // 0 when unknown
	Names  []kinds.Name
	First  float64 // s, of the first sight
	Last   float64 // s, when its end left the place of the latest
	Back   bool    // it went out backwards
	Seen   uint64  // devices whose results are already given to it for good
}

// Report is a late report of one device about one vehicle: an image with all that is about it, a series of swabs.
type Report struct {
	Dets []*detection.Detection // the one that says when it was first
}

// Fit is a vehicle that a report may be of.
type Fit struct {
	Vehicle     int // index; None for none
	Probability float64
	Terms       Terms
}

// Parameters of late results; docs/association.md.
const (
	strayReport = 5e-7      // reports a second of vehicles that nobody else saw
	anyTime     = 0.02      // share of reports whose time says nothing
	within      = 24 * 3600 // s in which such a report comes
	secondScan  = 0.003     // share of vehicles that are scanned twice
	skips       = 6         // vehicles in a row that a device sees nothing of, at most
)

// Align finds whose the reports of one device are, all together. They are in the order of their times, and the
// vehicles in the order in which they came to the place. A device that sees vehicles in their row keeps their order:
// the sum over all assignments in order is made by the forward-backward algorithm. Another one gets each report for
// itself.
func (l *Layout) Align(
	m *motion.Model, vehicles []*Vehicle, reports []*Report, down func(dev int, at float64) bool,
) [][]Fit {
	a := aligner{Layout: l, model: m, vehicles: vehicles, reports: reports, down: down}
	a.orderly = len(reports) > 0 && m.Orderly(reports[0].Dets[0].Dev)
	a.weigh()
	if a.orderly {
		return a.inOrder()
	}
	return a.each()
}

// aligner aligns the reports of one device.
type aligner struct {
	*Layout
	model    *motion.Model
	vehicles []*Vehicle
	reports  []*Report
	down     func(dev int, at float64) bool
	orderly  bool
	nearest  []nearest  // sights of each vehicle
	moments  [][]moment // [report][vehicle]
	terms    [][]Terms
	weight   [][]float64
}

// stray is the weight of a report of no known vehicle.
var stray, logSecondScan = math.Log(strayReport), math.Log(secondScan)

func (a *aligner) weigh() {
	n, m := len(a.reports), len(a.vehicles)
	a.nearest = make([]nearest, m)
	for i, v := range a.vehicles {
		if n > 0 {
			a.nearest[i] = a.near(v, a.reports[0].Dets[0])
		}
	}
	a.moments, a.terms, a.weight = rows[moment](n, m), rows[Terms](n, m), rows[float64](n, m)
	predictions := rows[[2]motion.Prediction](n, m)
	for j, r := range a.reports {
		for i, v := range a.vehicles {
			var ok bool
			a.moments[j][i], ok = a.moment(v, &a.nearest[i], r.Dets[0], &predictions[j][i])
			a.terms[j][i] = a.fit(v, r, &a.moments[j][i], ok)
			a.weight[j][i] = a.terms[j][i].Sum()
		}
	}
}

// rows makes a table of n rows in one piece.
func rows[T any](n, m int) [][]T {
	all, out := make([]T, n*m), make([][]T, n)
	for i := range out {
		out[i] = all[i*m : (i+1)*m : (i+1)*m]
	}
	return out
}

// timely returns the log-density of a report's time, of which some say nothing.
func (a *aligner) timely(density float64) float64 {
	if a.orderly {
		return math.Log((1-unexplained)*density + unexplained/(2*a.Timeout))
	}
	return math.Log((1-anyTime)*density + anyTime/within)
}

// fit weighs a report of a vehicle.
func (a *aligner) fit(v *Vehicle, r *Report, p *moment, ok bool) Terms {
	d := r.Dets[0]
	t := Terms{From: -1}
	if a.position[v.Lane][d.Dev] == nowhere {
		t.add(Arrival, math.Inf(-1))
		return t
	}
	if ok {
		t.Off, t.Sigma, t.From = float32(p.Off), float32(p.Sigma), int16(p.Dev)
	}
	t.add(Arrival, a.timely(p.density))
	var best detection.Likeness
	for _, d := range r.Dets {
		best = best.Stronger(detection.Like(d.Names, v.Names))
	}
	t.add(Names, best.Score)
	t.Read, t.Name = best.A, best.B
	if v.Seen&(1<<d.Dev) != 0 {
		t.add(Repeated, logSecondScan)
	} else {
		t.add(Missed, math.Log(a.model.Rate(d.Dev).Share()))
	}
	return t
}

// each gives each report for itself.
func (a *aligner) each() [][]Fit {
	out := make([][]Fit, len(a.reports))
	for j := range a.reports {
		total := stray
		for i := range a.vehicles {
			total = logAdd(total, a.weight[j][i])
		}
		out[j] = a.fits(j, func(i int) float64 { return math.Exp(a.weight[j][i] - total) }, math.Exp(stray-total))
	}
	return out
}

// fits lists who may be whose, likeliest first, by the probabilities of vehicles and of none.
func (a *aligner) fits(j int, of func(i int) float64, none float64) []Fit {
	fits := []Fit{{Vehicle: None, Probability: none, Terms: Terms{From: -1}}}
	fits[0].Terms.add(Clutter, stray)
	for i := range a.vehicles {
		if p := of(i); p > leastShare {
			fits = append(fits, Fit{i, p, a.terms[j][i]})
		}
	}
	slices.SortStableFunc(fits, func(x, y Fit) int {
		return cmp.Compare(y.Probability, x.Probability)
	})
	return fits
}

// next returns by how much the time of a report fits better when the report before it is of the vehicle ahead.
func (a *aligner) next(j, i int) float64 {
	m := &a.moments[j][i]
	if m.ahead == nil && m.behind == nil {
		return 0
	}
	ahead, before := a.vehicles[i-1], a.reports[j-1].Dets[0]
	at := a.reports[j].Dets[0].At
	q := leaves(a.model, before.Dev, before.At+a.passing(ahead), stayGuess, true)
	return a.timely(m.at(&q, at)) - a.timely(m.density)
}

// passing returns how long a vehicle takes to pass a place, s.
func (a *aligner) passing(v *Vehicle) float64 {
	speed, length := v.Speed, v.Length
	if speed <= 0 {
		speed = a.model.Speed()
	}
	if length <= 0 {
		length = 6
	}
	return (length + queueRoom).SecondsAt(speed)
}

// missed returns, for each vehicle, the sum of what it costs that those before it were not seen.
func (a *aligner) missed() []float64 {
	out := make([]float64, len(a.vehicles)+1)
	dev := a.reports[0].Dets[0].Dev
	cost := math.Log(1 - a.model.Rate(dev).Share())
	for i, v := range a.vehicles {
		out[i+1] = out[i]
		if v.Seen&(1<<dev) == 0 && !v.Back && !a.down(dev, v.Last) {
			out[i+1] += cost
		}
	}
	return out
}
