package associate

import (
	"cmp"
	"math"
	"slices"

	"lanewarden/edge/lane/passage/detection"
	"lanewarden/edge/lane/passage/motion"
)

// Vehicle is a vehicle as far as it is known when late results come.
type Vehicle struct {
	Lane   int
	Sights []motion.Sight // by position
	Speed  float64        // m/s; 0 when unknown
	Length float64        // m; 0 when unknown
	Names  []detection.Name
	First  float64 // s, of the first sight
	Last   float64 // s, when its end left the place of the latest
	Back   bool    // it went out backwards
	Seen   uint64  // devices whose results are already given to it for good
}

// Report is what one device reports late of one vehicle: an image with all that is about it, a series of swabs.
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
		out[j] = a.fits(j, func(i int) float64 { return a.weight[j][i] - total }, stray-total)
	}
	return out
}

// fits lists who may be whose, likeliest first.
func (a *aligner) fits(j int, weight func(i int) float64, none float64) []Fit {
	fits := []Fit{{Vehicle: None, Probability: math.Exp(none), Terms: Terms{From: -1}}}
	fits[0].Terms.add(Clutter, stray)
	for i := range a.vehicles {
		if p := math.Exp(weight(i)); p > leastShare {
			fits = append(fits, Fit{i, p, a.terms[j][i]})
		}
	}
	slices.SortStableFunc(fits, func(x, y Fit) int {
		return cmp.Compare(y.Probability, x.Probability)
	})
	return fits
}

// state is where the chain of reports is: the vehicle that was seen last, plus one; 0 says none. own says that the last
// report was of it, and not of an unknown one.
type state struct {
	vehicle int
	own     bool
}

// chain is a number for each state.
type chain [2][]float64

func newChain(vehicles int, v float64) chain {
	return chain{slices.Repeat([]float64{v}, vehicles+1), slices.Repeat([]float64{v}, vehicles+1)}
}

func (c *chain) at(s state) *float64 {
	if s.own {
		return &c[1][s.vehicle]
	}
	return &c[0][s.vehicle]
}

// inOrder sums over all assignments in which later reports are of later vehicles.
func (a *aligner) inOrder() [][]Fit {
	n, m := len(a.reports), len(a.vehicles)
	missed := a.missed()
	forward, backward := make([]chain, n+1), make([]chain, n+1)
	for j := range n + 1 {
		forward[j], backward[j] = newChain(m, math.Inf(-1)), newChain(m, math.Inf(-1))
	}
	for i := range m + 1 {
		forward[0][0][i] = 0 // whoever came before was dealt with
	}
	backward[n] = newChain(m, 0)
	links := make([][]link, n)
	for j := range n {
		links[j] = a.links(j, missed)
		for _, l := range links[j] {
			sum := forward[j+1].at(l.to)
			*sum = logAdd(*sum, *forward[j].at(l.from)+l.weight)
		}
	}
	for j := n - 1; j >= 0; j-- {
		for _, l := range links[j] {
			sum := backward[j].at(l.from)
			*sum = logAdd(*sum, l.weight+*backward[j+1].at(l.to))
		}
	}
	out := make([][]Fit, n)
	for j := range n {
		of, none, total := slices.Repeat([]float64{math.Inf(-1)}, m), math.Inf(-1), math.Inf(-1)
		for _, l := range links[j] {
			path := *forward[j].at(l.from) + l.weight + *backward[j+1].at(l.to)
			total = logAdd(total, path)
			if l.to.own {
				of[l.to.vehicle-1] = logAdd(of[l.to.vehicle-1], path)
			} else {
				none = logAdd(none, path)
			}
		}
		out[j] = a.fits(j, func(i int) float64 { return of[i] - total }, none-total)
	}
	return out
}

// link is an assignment of a report, as a step from one state to the next.
type link struct {
	from, to state
	weight   float64
}

// links weighs the assignments of report j. missed is what it costs that vehicles up to each one were not seen.
func (a *aligner) links(j int, missed []float64) []link {
	out := make([]link, 0, 2*(skips+3)*(len(a.vehicles)+1))
	for _, own := range []bool{false, true} {
		for i := range len(a.vehicles) + 1 {
			if own && (i == 0 || j == 0) {
				continue
			}
			from := state{i, own}
			out = append(out, link{from, state{i, false}, stray})
			if i > 0 { // once more
				out = append(out, link{from, state{i, true}, a.weight[j][i-1] + math.Log(secondScan)})
			}
			for k := i + 1; k <= min(len(a.vehicles), i+1+skips); k++ {
				weight := a.weight[j][k-1] + missed[k-1] - missed[i]
				if own && k == i+1 {
					weight += a.next(j, k-1)
				}
				out = append(out, link{from, state{k, true}, weight})
			}
		}
	}
	return out
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
	return (length + queueRoom) / speed
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
