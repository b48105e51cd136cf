package associate

import (
	"math"

	"lanewarden/edge/lane/passage/detection"
	"lanewarden/edge/lane/passage/motion"
)

// moment is a prediction of when a vehicle was at a device.
type moment struct {
	motion.Prediction
	ahead, behind *motion.Prediction // from before the place and from beyond; nil for none
	by            motion.Delays
	density       float64 // of the detection's time, a second
}

// nearest is a vehicle's nearest sights before and behind a place: indices, -1 for none.
type nearest struct{ ahead, behind int }

// near finds a vehicle's nearest sights before and behind the place of a device's detection, at whatever time.
func (a *aligner) near(v *Vehicle, d *detection.Detection) nearest {
	to := motion.Sight{Dev: d.Dev, Position: a.position[v.Lane][d.Dev], Raw: d.Raw, At: d.At}
	n := nearest{-1, -1}
	var ahead, behind motion.Prediction
	for i := range v.Sights {
		if v.Sights[i].Dev == d.Dev {
			continue
		}
		p := a.model.Predict(v.Sights[i], to, v.Speed)
		if p.Ahead >= 0 && (n.ahead < 0 || closer(&p, &ahead)) {
			n.ahead, ahead = i, p
		} else if p.Ahead < 0 && (n.behind < 0 || closer(&p, &behind)) {
			n.behind, behind = i, p
		}
	}
	return n
}

// moment compares a detection with the vehicle's nearest sights before and behind the place. It uses room for what it
// predicts from these.
func (a *aligner) moment(
	v *Vehicle, n *nearest, d *detection.Detection, room *[2]motion.Prediction,
) (m moment, ok bool) {
	to := motion.Sight{Dev: d.Dev, Position: a.position[v.Lane][d.Dev], Raw: d.Raw, At: d.At}
	if n.ahead >= 0 {
		room[0] = a.model.Predict(v.Sights[n.ahead], to, v.Speed)
		m.ahead = &room[0]
	}
	if n.behind >= 0 {
		room[1] = a.model.Predict(v.Sights[n.behind], to, v.Speed)
		m.behind = &room[1]
	}
	switch {
	case m.ahead == nil && m.behind == nil:
		return m, false
	case m.ahead == nil:
		m.Prediction = *m.behind
	default:
		m.Prediction = *m.ahead
	}
	if m.ahead != nil && m.behind != nil && !m.torn() && m.ahead.Stood == 0 {
		x, y := 1/(m.ahead.Sigma*m.ahead.Sigma), 1/(m.behind.Sigma*m.behind.Sigma)
		m.Off, m.Sigma = (m.ahead.Off*x+m.behind.Off*y)/(x+y), 1/math.Sqrt(x+y)
	}
	m.by = a.model.Delays()
	m.by.Share = max(m.by.Share, standing)
	m.density = m.at(nil, 0)
	return m, true
}

// standing is the least share of vehicles that are taken to be held up on their way to a late device: its time is
// looked at between two sights.
const standing = 0.15

// torn reports whether the vehicle was longer on its way between the two sights than predicted: it stood before the
// place, after it, or there.
func (m *moment) torn() bool {
	return m.ahead.Off-m.behind.Off > 2*math.Hypot(m.ahead.Sigma, m.behind.Sigma)
}

// at returns the density of the detection's time, given both sights. q is when the vehicle ahead left the place,
// which the report before this one says; nil when it does not. at is the detection's time.
func (m *moment) at(q *clearing, at float64) float64 {
	before, came := 1.0, 1.0
	if m.ahead != nil {
		before, came = comes(m.least(m.ahead), m.by)
	}
	then := func(off float64) float64 { // on to the sight beyond
		p := m.least(m.behind)
		p.Off = off
		density, _ := comes(p, m.by)
		return density
	}
	after, total := 1.0, 1.0
	switch {
	case m.behind != nil && m.ahead != nil:
		after, total = then(m.behind.Off), m.total()
	case m.behind != nil:
		before, after = then(m.behind.Off), 1
	}
	if q != nil && m.ahead != nil {
		held := q.density(at) * came
		before = before*q.after(at) + held
		if m.behind != nil { // all that is held has one moment
			total += came * then(m.behind.Off-(at-q.at))
		}
	}
	return before * after / max(total, 1e-12)
}

// least returns a prediction that is not surer than predictions of late devices are.
func (m *moment) least(p *motion.Prediction) motion.Prediction {
	out := *p
	out.Sigma = max(p.Sigma, sigmaBoth)
	return out
}

// total is the density of the sight beyond the place, given the one before it, over all times at the place.
func (m *moment) total() float64 {
	slack := m.ahead.Off - m.behind.Off
	sigma := math.Hypot(max(m.ahead.Sigma, sigmaBoth), max(m.behind.Sigma, sigmaBoth))
	free, held := 1-m.by.Share, m.by.Share
	sum := free * free * normal(slack, sigma)
	if slack > 0 {
		tail := math.Exp(-slack/m.by.Mean) / m.by.Mean
		sum += held * tail * (2*free + held*slack/m.by.Mean)
	}
	return sum + 1e-6
}

// sigmaBoth is the least uncertainty of a prediction of a late device, s.
const sigmaBoth = 0.3

// closer reports whether a prediction is from nearer than another one, or as near and surer.
func closer(p, than *motion.Prediction) bool {
	if d := p.Ahead.Abs() - than.Ahead.Abs(); d.Abs() > 1 {
		return d < 0
	}
	return p.Sigma < than.Sigma
}
