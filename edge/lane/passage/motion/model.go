package motion

import (
	"math"

	"lanewarden/drivers/observation/units"
)

// Fix is a vehicle's position at a time, as one device detected it.
type Fix struct {
	Dev      int          // index of the device
	Position units.Metres // of the device in the vehicle's lane
	Late     bool         // vehicles do not come to it in a row: it says so when it may
	Raw      float64      // s, by the clock that stamped it
	At       float64      // s, corrected
	Presence float64      // s that the device saw it there; 0 when it does not say
	Standing float64      // s that the vehicle stood there, as the device saw it stay longer than it takes to pass
	Length   units.Metres // of the vehicle; 0 when unknown
}

// Model learns the motion of vehicles in lanes that share devices, and how their devices see them.
// Not for concurrent use.
type Model struct {
	travelResiduals []*travelResidual // [lower index*devices + higher]; nil for none
	delays          Window            // s that vehicles came later than predicted, from one device to the next
	holdups         Delays            // of these
	defaultSpeed    float64           // m/s, until speeds are learnt
	speeds          Window            // m/s
	minSpeed        float64           // m/s, that is believed
	maxSpeed        float64           // m/s
	lengths         Window            // m
	maxLength       float64           // m, that is believed
	shortLength     float64           // m, than most vehicles are
	headways        Window            // s between vehicles
	weightsByLength bySize[float64]   // logarithms of kg
	loadsByLength   bySize[Load]
	neighbours      pairs  // lengths and weights of the last vehicles
	overhang        Window // m: extent of a portal's occupancy beyond the vehicle's length

	// Of each device:
	hitRates    []HitRate
	clockSigmas []float64      // s, of clocks until the ways to them are learnt
	clockLags   []float64      // s that their corrected times are expected to be late until then
	excessTimes []Window       // s that it sees a vehicle beyond length over speed
	freeExcess  []float64      // s, of those that do not stop
	gaps        []gapEstimator // between its detections of one vehicle and the next
	tagLevels   []Window       // dBm, of tags of the lane
	strayRates  []StrayRate
}

// New returns a model of a number of devices, which are named by their indices. usual is the speed
// until it is learnt.
func New(devices int, usual units.MetresPerSecond) *Model {
	numbers := func() []float64 { return make([]float64, devices) }
	windows := func() []Window { return make([]Window, devices) }
	return &Model{
		travelResiduals: make([]*travelResidual, devices*devices),
		holdups:         Delays{defaultHeldShare, defaultHeldMean}, defaultSpeed: float64(usual),
		hitRates: make([]HitRate, devices), clockSigmas: numbers(), clockLags: numbers(), excessTimes: windows(), freeExcess: numbers(),
		gaps: make([]gapEstimator, devices), tagLevels: windows(), strayRates: make([]StrayRate, devices),
	}
}

// SetClock sets by how much a device's corrected times are expected to be late, and the standard error of that, s. Both
// count until the ways to it are learnt.
func (m *Model) SetClock(dev int, lag, sigma float64) {
	m.clockLags[dev], m.clockSigmas[dev] = lag, sigma
}

// ClockUncertain reports whether a device's times may be off.
func (m *Model) ClockUncertain(dev int) bool { return m.clockSigmas[dev] > 0 }

// minValues is the number of values from which a learnt figure is used.
const minValues = 5

// SpeedEstimate returns the median speed of the last vehicles, the configured one until it is
// learnt.
func (m *Model) SpeedEstimate() units.MetresPerSecond {
	if m.speeds.Len() >= minValues {
		v, _ := m.speeds.Estimate()
		return units.MetresPerSecond(v)
	}
	return units.MetresPerSecond(m.defaultSpeed)
}

// fastSlack is the time by which a way may seem shorter than at the highest speed, s.
const fastSlack = 1.0

// tooFast reports whether nobody drives a distance, m, in a time, s. Both are negative when the
// vehicle was seen farther on before.
func (m *Model) tooFast(way, seconds float64) bool {
	if m.speeds.Len() < 2*minValues {
		return false
	}
	if way < 0 {
		way, seconds = -way, -seconds
	}
	return seconds < way/m.maxSpeed-fastSlack
}

// defaultSpeedSpread is the relative standard deviation of speeds until it is learnt.
const defaultSpeedSpread = 0.15

// speedSigma returns the standard deviation of the speed of a vehicle that nobody measured,
// relative to the median.
func (m *Model) speedSigma() float64 {
	if m.speeds.Len() < 2*minValues {
		return defaultSpeedSpread
	}
	middle, spread := m.speeds.Estimate()
	return min(max(spread/middle, runSigma), 2*defaultSpeedSpread)
}

// HitRate returns the estimator of how reliably a device sees vehicles. The caller may add to it.
func (m *Model) HitRate(dev int) *HitRate { return &m.hitRates[dev] }

// StrayRate returns the estimator of how often a reader hears tags of other lanes. The caller may add to it.
func (m *Model) StrayRate(dev int) *StrayRate { return &m.strayRates[dev] }

// BirthRate returns how many vehicles come in per second, from the median headway. Headways between
// 2 s and 2 minutes are believed.
func (m *Model) BirthRate() float64 {
	if m.headways.Len() < minValues {
		return 1.0 / 30
	}
	middle, _ := m.headways.Estimate()
	return 1 / min(max(middle, 2), 120)
}

// PortalOverhang returns by how many metres the extent of a portal's occupancy exceeds the
// vehicle's length; ok is false until that is learnt.
func (m *Model) PortalOverhang() (extent units.Metres, ok bool) {
	v, _ := m.overhang.Estimate()
	return units.Metres(v), m.overhang.Len() >= minValues
}

// Prediction is the normal distribution of the time at which a device detects a vehicle.
type Prediction struct {
	Residual   float64      // s that it was seen later than predicted
	Sigma      float64      // s, standard deviation of the prediction
	Dev        int          // device whose detection it is predicted from
	Distance   units.Metres // from there; negative when that detection is further on
	Standing   float64      // s by which Off is less when it stood with its front at one of the two, which saw it stay
	RearPassed bool         // it stood before its end left the device: the way is longer than the vehicle
	Learned    bool         // what was learnt of the way is in it
	TooFast    bool         // it would have driven faster than vehicles do, by one clock

	// EitherSide reports that the vehicle was heard at one of the two, and may have stood on either side of the other.
	// side.
	EitherSide bool
}

// Least uncertainties of a prediction: of a learnt way, of the speed on it, and of one that was not driven yet.
const (
	minSigma         = 0.15 // s
	runSigma         = 0.06 // of the run
	unlearntSigma    = 1.5  // s
	unlearntRunSigma = 0.3  // of the run
)

// Predict predicts, from a vehicle's fix at one device, when another device should detect it, and
// returns the residual of a fix there. speed is the vehicle's own, 0 when nobody measured it.
// docs/association.md, Motion, has the model.
func (m *Model) Predict(from, to Fix, speed units.MetresPerSecond) Prediction {
	relative := runSigma
	if speed <= 0 {
		speed, relative = m.SpeedEstimate(), m.speedSigma()
	}
	way := to.Position - from.Position
	run := way.SecondsAt(speed)
	p := Prediction{Residual: to.At - from.At - run, Dev: from.Dev, Distance: way, Standing: standingBetween(from, to)}
	p.RearPassed = math.Abs(float64(way)) >= rearPassedRatio*float64(from.Length)+rearPassedSlack
	p.TooFast = from.Raw == from.At && to.Raw == to.At && m.tooFast(float64(way), to.At-from.At)
	if w, sign := m.travelResidual(from.Dev, to.Dev, false); w.known() {
		p.Learned = true
		p.Residual = to.Raw - from.Raw - run - sign*w.median
		few := 1 + 4/float64(w.Len())
		p.Sigma = math.Sqrt(minSigma*minSigma + relative*relative*run*run + w.spread*w.spread*few*few)
		return p
	}
	p.Residual -= m.clockLags[to.Dev] - m.clockLags[from.Dev]
	clocks := math.Hypot(m.clockSigmas[from.Dev], m.clockSigmas[to.Dev])
	p.Sigma = math.Hypot(unlearntSigma+unlearntRunSigma*math.Abs(run), clocks)
	return p
}

// Learn learns from a vehicle that is through. fixes are in the order of their times; speed and
// length are 0 when unknown, and so is extent, that of a portal's occupancy.
func (m *Model) Learn(sights []Fix, speed units.MetresPerSecond, length, extent units.Metres) {
	if speed > 0 {
		m.speeds.Add(float64(speed))
		m.minSpeed, m.maxSpeed = 0.75*m.speeds.Quantile(0.1), 1.4*m.speeds.Quantile(0.9)
	} else {
		speed = m.SpeedEstimate()
	}
	if extent > 0 && length > 0 {
		m.overhang.Add(float64(extent - length))
	}
	m.learnDelays(sights, speed)
	for i, a := range sights {
		for _, b := range sights[i+1:] {
			m.learnTravel(a, b, speed)
		}
		stay, _ := m.PresenceTime(a, presenceAt(sights, a), speed)
		m.gaps[a.Dev].add(a.Raw, stay)
	}
}

// AddHeadway adds the time between a vehicle and the one before it coming in, s.
func (m *Model) AddHeadway(gap float64) {
	if gap > 0 && gap < 3600 {
		m.headways.Add(gap)
	}
}
