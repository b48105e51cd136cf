package associate

import (
	"math"

	"lanewarden/drivers/observation/units"
	"lanewarden/edge/lane/passage/detection"
	"lanewarden/edge/lane/passage/motion"
)

// Parameters of the model that are not learnt at the lane. Probabilities; times in s. docs/association.md says on which
// data each was fitted.
const (
	unexplained         = 0.003 // share of arrivals that no prediction explains
	tagHeardBefore      = 2.0   // s by which a tag is heard before the vehicle's front comes to the antenna
	tagFar              = 6.0   // m from an antenna up to which a vehicle may stand where it is heard
	tagReach            = 2.0   // m by which the place where a tag is heard first differs
	lengthTimeSigma     = 1.5   // s, of when a vehicle's end leaves a place as its length and its front's place say
	besideSigma         = 0.3   // s, of how long a vehicle stays, where another device of the place says it
	besideLateShare     = 0.002 // share of vehicles of which one of two devices of a place is late
	stopAgainShare      = 0.1   // of the share of ways with a holdup: the one ahead stops again in the gap
	repeatedShare       = 0.02  // share of detections that a device reports twice
	secondMomentShare   = 0.004 // share of vehicles that a device sees at two moments
	otherNameShare      = 0.002 // share of vehicles at which a device reads two names
	twinContainerShare  = 0.1   // share of vehicles with a container that carry two
	twinContainerMean   = 1.0   // s, mean between the readings of their numbers
	secondMomentMean    = 3.0   // s, mean time between these
	turnBackShare       = 0.01  // share of vehicles that turn back in the lane
	turnBackMean        = 60.0  // s, mean until they come by again
	outboundMean        = 20.0  // s, mean, in which a vehicle that turned back is seen by one device after the other
	longVehicle         = 20.0  // m, at most, from the device over which it turned back to its front
	overtakeProbability = 1e-4  // share of vehicles that pass another one in the lane
	notLastShare        = 0.002 // share of reversing vehicles that others had followed
	faintOwn            = 0.01  // share of a lane's own tags that are hardly heard
	faintOther          = 0.9   // of neighbouring lanes' tags
	clutterAny          = 1e-7  // detections a second that are of nothing
	maxGhostCost        = -14.0 // log-probability, at the least, of what nobody else sees of a vehicle that was seen
)

var (
	logClutterAny = math.Log(clutterAny)
	logOvertakes  = math.Log(overtakeProbability)
)

// normal is the density of a normal distribution, a share of which is wider: what a device, a
// driver or a learnt figure errs by is now and then much more than usual.
func normal(x, sigma float64) float64 {
	x /= sigma
	wide := x / wideRatio
	const root2Pi = 2.5066282746310002
	return ((1-wideShare)*math.Exp(-0.5*x*x) + wideShare/wideRatio*math.Exp(-0.5*wide*wide)) / (sigma * root2Pi)
}

// below is the distribution function of normal.
func below(x, sigma float64) float64 {
	x /= sigma * math.Sqrt2
	return 0.5 * ((1-wideShare)*math.Erfc(-x) + wideShare*math.Erfc(-x/wideRatio))
}

// wider is the share of errors that are so many times as wide as usual.
const (
	wideShare = 0.1
	wideRatio = 2.5
)

// heldUpArrival returns density and distribution of an arrival off seconds later than predicted, of
// a vehicle that something may hold up.
func heldUpArrival(off, sigma float64, by motion.Delays) (density, share float64) {
	density, share = (1-by.Share)*normal(off, sigma), (1-by.Share)*below(off, sigma)
	if off > 0 && by.Share > 0 {
		tail := math.Exp(-off / by.Mean)
		density += by.Share * tail / by.Mean
		share += by.Share * (1 - tail)
	}
	return density, share
}

// freeFlowArrival returns density and distribution of an arrival when nobody is ahead, of a vehicle
// that may have stood where it was seen: with its front there, or with its end, after it had come
// farther.
func freeFlowArrival(p motion.Prediction, by motion.Delays) (density, share float64) {
	sign := 1.0
	if p.Distance < 0 { // seen further on already: what it stood before that place was after this one
		sign = -1
	}
	density, share = heldUpArrival(sign*p.Residual, p.Sigma, by)
	if p.EitherSide { // it may have stood where it was heard, before the other place or after it
		d, s := heldUpArrival(-sign*p.Residual, p.Sigma, by)
		density, share = (density+d)/2, (share+s)/2
	}
	if p.Standing != 0 {
		d, s := heldUpArrival(sign*(p.Residual-p.Standing), math.Hypot(p.Sigma, standingSigma), by)
		w := 0.5
		if p.RearPassed {
			w = stoodBefore
		}
		density, share = (1-w)*density+w*d, (1-w)*share+w*s
	}
	return density, share
}

// stoodSigma is the uncertainty of how long a vehicle stood, s: its end is seen exactly, its length and speed are not.
// stoodThrough is the probability that it stood before it came by, when the way is longer than the vehicle: its length
// may have been measured wrongly.
const (
	standingSigma = 1.0
	stoodBefore   = 0.9
)

// clearing is the distribution of the time at which the vehicle ahead lets the next one reach a
// device: normal, or later, when it stops once more before there is room.
type clearing struct {
	at         float64 // s
	sigma      float64 // s
	stopsAgain float64 // probability that it stops once more
	stopMean   float64 // s, mean of how long
	held       bool    // the next one comes right then when it had to wait
}

// freeBy is the probability that the place was free by a time.
func (c *clearing) freeBy(at float64) float64 {
	p := (1 - c.stopsAgain) * below(at-c.at, c.sigma)
	if at > c.at {
		p += c.stopsAgain * (1 - math.Exp((c.at-at)/c.stopMean))
	}
	return max(p, impossible)
}

// density is the density, per second, of a vehicle arriving that had to wait.
func (c *clearing) density(at float64) float64 {
	d := (1 - c.stopsAgain) * normal(at-c.at, c.sigma)
	if at > c.at {
		d += c.stopsAgain * math.Exp((c.at-at)/c.stopMean) / c.stopMean
	}
	return d
}

// arrivalLogLikelihood returns the log-density of an arrival: at the later of when the vehicle
// would come by itself, and of when the one ahead has cleared the place. q is nil when nobody is
// known to be ahead. queued says that it had to wait.
func arrivalLogLikelihood(
	p motion.Prediction, by motion.Delays, at float64, q *clearing, timeout float64,
) (score float64, waited bool) {
	own := by
	if p.Distance.Abs() < motion.SamePlace {
		own = motion.Delays{Share: besideLateShare, Mean: 10}
	}
	density, share := freeFlowArrival(p, own)
	if q != nil {
		density *= q.freeBy(at)
		if q.held {
			held := q.density(at) * share
			waited = held > density
			density += held
		}
	}
	if p.TooFast {
		density *= impossible
	}
	return math.Log((1-unexplained)*density + unexplained/(2*timeout)), waited
}

// predict returns when a device should detect a track: from its most advanced fix before the place,
// else from its hindmost one beyond it.
func (l *Layout) predict(m *motion.Model, t *track, d *detection.Detection) (p motion.Prediction, ok bool) {
	to := t.fix(l, m, d)
	best := math.Inf(-1)
	for s := t; s != nil; s = s.prev {
		if s.latest.Reverse || s.latest.Dev == d.Dev || l.position[t.lane][s.latest.Dev] == nowhere {
			continue
		}
		from := t.fix(l, m, s.latest)
		one := m.Predict(from, to, t.speed)
		// Nearer is better, as the vehicle may have stopped on the way; then what is surer.
		rank := float64(from.Position) - 0.01*one.Sigma
		if from.Position > to.Position {
			rank = -float64(from.Position) - 1e6
		}
		if rank > best {
			best, p, ok = rank, one, true
			first := s.latest
			if p.Distance < 0 {
				first = d
			}
			p.EitherSide = (d.Tag || s.latest.Tag) && p.Distance.Abs() < tagFar
			// A device may see the front late, not early.
			p.TooFast = p.TooFast && timesFront(first) && !d.Tag && !s.latest.Tag
		}
	}
	return p, ok
}

// lengthLogRatio returns the log-likelihood ratio of two lengths being of one vehicle.
func lengthLogRatio(m *motion.Model, t *track, d *detection.Detection) float64 {
	const (
		sigma, sigmaExtent = 0.07, 0.15 // relative, of one length measured twice
		differ             = 0.35       // relative, of two vehicles' lengths
		worst              = -3.0       // a vehicle that stopped, a detector that errs
		stopping           = -0.5       // one is longer than vehicles are here: it stopped
	)
	ratio, width, floor := 0.0, 0.0, worst
	switch {
	case t.length <= 0:
		return 0
	case d.Length > 0:
		length := units.Metres(d.Length)
		ratio, width = float64(length/t.length), sigma
		if m.PlausibleLength(length) < length || m.PlausibleLength(t.length) < t.length {
			floor = stopping
		}
	case d.Extent > 0:
		reach, ok := m.PortalOverhang()
		if !ok {
			return 0
		}
		extent := units.Metres(d.Extent)
		ratio, width = float64(extent/max(t.length+reach, 1)), sigmaExtent
		if m.PlausibleLength(extent-reach) < extent-reach || m.PlausibleLength(t.length) < t.length {
			floor = stopping
		}
	default:
		return 0
	}
	x := math.Log(ratio) / width
	return max(floor, -0.5*x*x+math.Log(differ/width))
}

// repeatLogDensity returns the log-density of a device detecting a vehicle again. alike says that
// the names, if any, are the same; back, that it may have turned back.
func repeatLogDensity(d, before *detection.Detection, alike, back bool) float64 {
	apart := math.Abs(d.At - before.At)
	switch {
	case d.Axle > 0 || before.Axle > 0: // one weighing after the other
		return math.Log(0.8 * math.Exp(-apart/5) / 5)
	case apart < 0.05 && alike:
		return math.Log(repeatedShare / 0.1)
	}
	switch {
	case !alike && d.Several: // another container: beside the first, or of a neighbour
		return math.Log(twinContainerShare*math.Exp(-apart/twinContainerMean)/twinContainerMean + otherNameShare/60)
	case !alike: // another tag: a vehicle seldom carries two
		return math.Log(otherNameShare / 60)
	}
	again := secondMomentShare * (0.9*math.Exp(-apart/secondMomentMean)/secondMomentMean + 0.1*math.Exp(-apart/60)/60)
	if back {
		again += turnBackShare * math.Exp(-apart/turnBackMean) / turnBackMean
	}
	return math.Log(again)
}

// strengthTerm returns the log-density of a tag being received as strongly as it was, if it is of
// this lane (own), or of the next one.
func (s *stepper) strengthTerm(own bool) float64 {
	share := faintOther
	if own {
		share = faintOwn
	}
	if !s.detection.Faint {
		share = 1 - share
	}
	score := math.Log(share)
	if usual, sigma, ok := s.model.TagLevel(s.detection.Dev); ok && s.detection.Rssi != 0 {
		sigma = math.Hypot(sigma, levelSigma)
		if !own {
			usual, sigma = usual-neighbourLoss, sigma+levelSigma
		}
		x := min(math.Abs(s.detection.Rssi-usual)/sigma, 3)
		score += -0.5*x*x - math.Log(sigma)
	}
	return score
}

// How loudly the neighbouring lane's tags are heard, dB: so much less than this lane's, and that is as uncertain.
const (
	neighbourLoss = 15.0
	levelSigma    = 3.0
)
