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

// Vehicle describes a vehicle to which late results may belong.
type Vehicle struct {
	Lane     int
	Fixes    []motion.Fix          // by position
	Speed    units.MetresPerSecond // 0 when unknown
	Length   units.Metres          // 0 when unknown
	Names    []kinds.Name
	First    float64 // s, of the first detection
	Last     float64 // s, when its end left the place of the latest
	Reversed bool    // it went out backwards
	Reported uint64  // devices whose results are already given to it for good
}

// Report is a late report of one device about one vehicle: an image with all that is about it, a series of swabs.
type Report struct {
	Detections []*detection.Detection // the one that says when it was first
}

// Candidate is a vehicle that a report may be of, with the posterior probability of that.
type Candidate struct {
	Vehicle     int // index; None for none
	Probability float64
	Terms       Terms
}

// Parameters of late results; docs/association.md.
const (
	falseAlarmRate = 5e-7      // reports a second of vehicles that nobody else saw
	untimedShare   = 0.02      // share of reports whose time says nothing
	untimedWithin  = 24 * 3600 // s in which such a report comes
	secondScan     = 0.003     // share of vehicles that are scanned twice
	maxSkipped     = 6         // vehicles in a row that a device sees nothing of, at most
)

// Align returns, for each report of one device, the vehicles that it may be of, likeliest first,
// none among them. Reports are in the order of their times, vehicles in the order in which they
// came to the place. A device that sees vehicles in their row keeps their order: the
// forward-backward algorithm sums over all assignments in order. For another device each report is
// assigned by itself. down says when a device is known not to have worked.
func (l *Layout) Align(
	m *motion.Model, vehicles []*Vehicle, reports []*Report, down func(dev int, at float64) bool,
) [][]Candidate {
	a := aligner{Layout: l, model: m, vehicles: vehicles, reports: reports, down: down}
	a.orderly = len(reports) > 0 && m.Orderly(reports[0].Detections[0].Dev)
	a.score()
	if a.orderly {
		return a.inOrder()
	}
	return a.independently()
}

// aligner aligns the reports of one device, once.
type aligner struct {
	*Layout
	model      *motion.Model
	vehicles   []*Vehicle
	reports    []*Report
	down       func(dev int, at float64) bool
	orderly    bool
	neighbours []neighbours // detections of each vehicle
	arrivals   [][]smoothed // [report][vehicle]
	terms      [][]Terms
	scores     [][]float64
}

// falseAlarmScore is the score of a report of no known vehicle.
var falseAlarmScore, logSecondScan = math.Log(falseAlarmRate), math.Log(secondScan)

// score computes the score of each report with each vehicle.
func (a *aligner) score() {
	n, m := len(a.reports), len(a.vehicles)
	a.neighbours = make([]neighbours, m)
	for i, v := range a.vehicles {
		if n > 0 {
			a.neighbours[i] = a.neighboursOf(v, a.reports[0].Detections[0])
		}
	}
	a.arrivals, a.terms, a.scores = rows[smoothed](n, m), rows[Terms](n, m), rows[float64](n, m)
	predictions := rows[[2]motion.Prediction](n, m)
	for j, r := range a.reports {
		for i, v := range a.vehicles {
			var ok bool
			a.arrivals[j][i], ok = a.smooth(v, &a.neighbours[i], r.Detections[0], &predictions[j][i])
			a.terms[j][i] = a.termsOf(v, r, &a.arrivals[j][i], ok)
			a.scores[j][i] = a.terms[j][i].Sum()
		}
	}
}

// rows returns a table of n rows and m columns, allocated in one piece.
func rows[T any](n, m int) [][]T {
	all, out := make([]T, n*m), make([][]T, n)
	for i := range out {
		out[i] = all[i*m : (i+1)*m : (i+1)*m]
	}
	return out
}

// arrivalLogLikelihood returns the log-density of a report's time, some of which say nothing.
func (a *aligner) arrivalLogLikelihood(density float64) float64 {
	if a.orderly {
		return math.Log((1-unexplained)*density + unexplained/(2*a.Timeout))
	}
	return math.Log((1-untimedShare)*density + untimedShare/untimedWithin)
}

// termsOf returns the terms of a report being of a vehicle. p is the prediction of its time, ok
// whether there is one.
func (a *aligner) termsOf(v *Vehicle, r *Report, p *smoothed, ok bool) Terms {
	d := r.Detections[0]
	t := Terms{From: -1}
	if a.position[v.Lane][d.Dev] == nowhere {
		t.add(Arrival, math.Inf(-1))
		return t
	}
	if ok {
		t.Residual, t.Sigma, t.From = float32(p.Residual), float32(p.Sigma), int16(p.Dev)
	}
	t.add(Arrival, a.arrivalLogLikelihood(p.density))
	var best detection.IdentityScore
	for _, d := range r.Detections {
		best = best.Stronger(detection.CompareNames(d.Names, v.Names))
	}
	t.add(Names, best.Score)
	t.Read, t.Name = best.A, best.B
	if v.Reported&(1<<d.Dev) != 0 {
		t.add(Repeated, logSecondScan)
	} else {
		t.add(Missed, math.Log(a.model.HitRate(d.Dev).Probability()))
	}
	return t
}

// independently assigns each report by itself.
func (a *aligner) independently() [][]Candidate {
	out := make([][]Candidate, len(a.reports))
	for j := range a.reports {
		total := falseAlarmScore
		for i := range a.vehicles {
			total = logAdd(total, a.scores[j][i])
		}
		posterior := func(i int) float64 { return math.Exp(a.scores[j][i] - total) }
		out[j] = a.candidates(j, posterior, math.Exp(falseAlarmScore-total))
	}
	return out
}

// candidates lists the candidates of a report, likeliest first, given the probabilities of vehicles
// and of none.
func (a *aligner) candidates(j int, of func(i int) float64, none float64) []Candidate {
	fits := []Candidate{{Vehicle: None, Probability: none, Terms: Terms{From: -1}}}
	fits[0].Terms.add(Clutter, falseAlarmScore)
	for i := range a.vehicles {
		if p := of(i); p > minShare {
			fits = append(fits, Candidate{i, p, a.terms[j][i]})
		}
	}
	slices.SortStableFunc(fits, func(x, y Candidate) int {
		return cmp.Compare(y.Probability, x.Probability)
	})
	return fits
}

// queueGain returns by how much the time of report j fits vehicle i better, or worse, when the
// report before it is of the vehicle ahead, which then held it up.
func (a *aligner) queueGain(j, i int) float64 {
	m := &a.arrivals[j][i]
	if m.before == nil && m.beyond == nil {
		return 0
	}
	ahead, before := a.vehicles[i-1], a.reports[j-1].Detections[0]
	at := a.reports[j].Detections[0].At
	q := clearingAfter(a.model, before.Dev, before.At+a.passing(ahead), lengthTimeSigma, true)
	return a.arrivalLogLikelihood(m.densityGiven(&q, at)) - a.arrivalLogLikelihood(m.density)
}

// passing returns how long a vehicle takes to pass a place and make room, s.
func (a *aligner) passing(v *Vehicle) float64 {
	speed, length := v.Speed, v.Length
	if speed <= 0 {
		speed = a.model.SpeedEstimate()
	}
	if length <= 0 {
		length = 6
	}
	return (length + queueRoom).SecondsAt(speed)
}

// missedDetectionCosts returns, for each vehicle, the sum of the scores of all vehicles before it
// not having been seen, so that a difference of two is the score of skipping those in between.
func (a *aligner) missedDetectionCosts() []float64 {
	out := make([]float64, len(a.vehicles)+1)
	dev := a.reports[0].Detections[0].Dev
	cost := math.Log(1 - a.model.HitRate(dev).Probability())
	for i, v := range a.vehicles {
		out[i+1] = out[i]
		if v.Reported&(1<<dev) == 0 && !v.Reversed && !a.down(dev, v.Last) {
			out[i+1] += cost
		}
	}
	return out
}
