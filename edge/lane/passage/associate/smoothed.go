package associate

import (
	"math"

	"lanewarden/edge/lane/passage/detection"
	"lanewarden/edge/lane/passage/motion"
)

// smoothed is a prediction of when a vehicle was at a device, from its fixes before the place and
// beyond it (fixed-interval smoothing, in tracking's terms).
type smoothed struct {
	motion.Prediction
	before, beyond *motion.Prediction // from before the place and from beyond; nil for none
	holdups        motion.Delays
	density        float64 // of the detection's time, a second
}

// neighbours are a vehicle's nearest fixes before and beyond a place: indices, -1 for none.
type neighbours struct{ before, beyond int }

// neighboursOf finds a vehicle's nearest detections before and behind the place of a device's detection, at whatever time.
func (a *aligner) neighboursOf(v *Vehicle, d *detection.Detection) neighbours {
	to := motion.Fix{Dev: d.Dev, Position: a.position[v.Lane][d.Dev], Raw: d.Raw, At: d.At}
	n := neighbours{-1, -1}
	var ahead, behind motion.Prediction
	for i := range v.Fixes {
		if v.Fixes[i].Dev == d.Dev {
			continue
		}
		p := a.model.Predict(v.Fixes[i], to, v.Speed)
		if p.Distance >= 0 && (n.before < 0 || closer(&p, &ahead)) {
			n.before, ahead = i, p
		} else if p.Distance < 0 && (n.beyond < 0 || closer(&p, &behind)) {
			n.beyond, behind = i, p
		}
	}
	return n
}

// smooth predicts when a vehicle was at a place from its nearest fixes, and compares a detection
// with that; ok is false when there are none. The two predictions are stored in room. Where they
// agree, they are averaged by their variances.
func (a *aligner) smooth(
	v *Vehicle, n *neighbours, d *detection.Detection, room *[2]motion.Prediction,
) (m smoothed, ok bool) {
	to := motion.Fix{Dev: d.Dev, Position: a.position[v.Lane][d.Dev], Raw: d.Raw, At: d.At}
	if n.before >= 0 {
		room[0] = a.model.Predict(v.Fixes[n.before], to, v.Speed)
		m.before = &room[0]
	}
	if n.beyond >= 0 {
		room[1] = a.model.Predict(v.Fixes[n.beyond], to, v.Speed)
		m.beyond = &room[1]
	}
	switch {
	case m.before == nil && m.beyond == nil:
		return m, false
	case m.before == nil:
		m.Prediction = *m.beyond
	default:
		m.Prediction = *m.before
	}
	if m.before != nil && m.beyond != nil && !m.heldBetween() && m.before.Standing == 0 {
		x, y := 1/(m.before.Sigma*m.before.Sigma), 1/(m.beyond.Sigma*m.beyond.Sigma)
		m.Residual, m.Sigma = (m.before.Residual*x+m.beyond.Residual*y)/(x+y), 1/math.Sqrt(x+y)
	}
	m.holdups = a.model.Delays()
	m.holdups.Share = max(m.holdups.Share, minHeldShare)
	m.density = m.densityGiven(nil, 0)
	return m, true
}

// minHeldShare is the least share of vehicles that are taken to be held up on their way to a late device: its time is
// looked at between two detections.
const minHeldShare = 0.15

// heldBetween reports whether the vehicle took longer between the two fixes than predicted: it
// stood before the place, after it, or there.
func (m *smoothed) heldBetween() bool {
	return m.before.Residual-m.beyond.Residual > 2*math.Hypot(m.before.Sigma, m.beyond.Sigma)
}

// densityGiven returns the density of the detection's time, given both fixes. q is when the vehicle
// ahead left the place, as the report before this one says; nil when it does not. at is the
// detection's time.
func (m *smoothed) densityGiven(q *clearing, at float64) float64 {
	before, came := 1.0, 1.0
	if m.before != nil {
		before, came = freeFlowArrival(m.widened(m.before), m.holdups)
	}
	then := func(off float64) float64 { // on to the detection beyond
		p := m.widened(m.beyond)
		p.Residual = off
		density, _ := freeFlowArrival(p, m.holdups)
		return density
	}
	after, total := 1.0, 1.0
	switch {
	case m.beyond != nil && m.before != nil:
		after, total = then(m.beyond.Residual), m.marginal()
	case m.beyond != nil:
		before, after = then(m.beyond.Residual), 1
	}
	if q != nil && m.before != nil {
		held := q.density(at) * came
		before = before*q.freeBy(at) + held
		if m.beyond != nil { // all that is held has one moment
			total += came * then(m.beyond.Residual-(at-q.at))
		}
	}
	return before * after / total
}

// widened returns a prediction that is not surer than minLateSigma.
func (m *smoothed) widened(p *motion.Prediction) motion.Prediction {
	out := *p
	out.Sigma = max(p.Sigma, minLateSigma)
	return out
}

// marginal is the density of the fix beyond the place, given the one before it, over all times at
// the place: what the joint density is divided by.
func (m *smoothed) marginal() float64 {
	slack := m.before.Residual - m.beyond.Residual
	sigma := math.Hypot(max(m.before.Sigma, minLateSigma), max(m.beyond.Sigma, minLateSigma))
	free, held := 1-m.holdups.Share, m.holdups.Share
	sum := free * free * normal(slack, sigma)
	if slack > 0 {
		tail := math.Exp(-slack/m.holdups.Mean) / m.holdups.Mean
		sum += held * tail * (2*free + held*slack/m.holdups.Mean)
	}
	return sum + 1e-6
}

// minLateSigma is the least uncertainty of a prediction of a late device, s.
const minLateSigma = 0.3

// closer reports whether a prediction is from nearer than another one, or as near and surer.
func closer(p, than *motion.Prediction) bool {
	if d := p.Distance.Abs() - than.Distance.Abs(); d.Abs() > 1 {
		return d < 0
	}
	return p.Sigma < than.Sigma
}
