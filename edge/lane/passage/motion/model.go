package motion

import (
	"math"

	"lanewarden/drivers/observation/units"
)

// Sight is a device's sight of a vehicle.
type Sight struct {
	Dev      int          // index of the device
	Position units.Metres // of the device in the vehicle's lane
	Late     bool         // vehicles do not come to it in a row: it says so when it may
	Raw      float64      // s, by the clock that stamped it
	At       float64      // s, corrected
	Lasts    float64      // s that the device saw it there; 0 when it does not say
	Hold     float64      // s that the vehicle stood there, as the device saw it stay longer than it takes to pass
	Length   units.Metres // of the vehicle; 0 when unknown
}

// Model estimates the motion of vehicles in lanes that share devices.
type Model struct {
	travels []*way          // [lower index*devices + higher]; nil for none
	delays  Window          // s that vehicles were longer on their way than predicted, from one device to the next
	held    Delays          // of these
	usual   float64         // m/s, until speeds are learnt
	speeds  Window          // m/s
	slowest float64         // m/s, that is believed
	fastest float64         // m/s
	lengths Window          // m
	longest float64         // m, that is believed
	shorter float64         // m, than most vehicles are
	births  Window          // s between vehicles
	weights bySize[float64] // logarithms of kg
	loads   bySize[Load]
	pairs   pairs  // lengths and weights of the last vehicles
	reach   Window // m: extent of a portal's occupancy beyond the vehicle's length

	// Of each device:
	rates   []Rate
	doubts  []float64 // s, of clocks until the ways to them are learnt
	passes  []Window  // s that it sees a vehicle beyond length over speed
	passing []float64 // s, of those that do not stop
	gaps    []gaps    // between its sights of one vehicle and the next
	loud    []Window  // dBm, of tags of the lane
}

// New makes a model of a number of devices. usual is the speed until it is learnt.
func New(devices int, usual units.MetresPerSecond) *Model {
	numbers := func() []float64 { return make([]float64, devices) }
	windows := func() []Window { return make([]Window, devices) }
	return &Model{
		travels: make([]*way, devices*devices), held: Delays{usuallyHeld, usuallyFor}, usual: float64(usual),
		rates: make([]Rate, devices), doubts: numbers(), passes: windows(), passing: numbers(),
		gaps: make([]gaps, devices), loud: windows(),
	}
}

// Doubt sets the standard error of a device's corrected times until the ways to it are learnt, s.
func (m *Model) Doubt(dev int, sigma float64) { m.doubts[dev] = sigma }

// Doubtful reports whether a device's times may be off.
func (m *Model) Doubtful(dev int) bool { return m.doubts[dev] > 0 }

// least is the number of values from which a learnt figure is used.
const least = 5

// Speed returns the usual speed.
func (m *Model) Speed() units.MetresPerSecond {
	if m.speeds.Len() >= least {
		v, _ := m.speeds.Estimate()
		return units.MetresPerSecond(v)
	}
	return units.MetresPerSecond(m.usual)
}

// fasterBy is the time by which a way may seem shorter than at the highest speed, s.
const fasterBy = 1.0

// tooFast reports whether nobody drives a way, m, in a time, s.
func (m *Model) tooFast(way, seconds float64) bool {
	if m.speeds.Len() < 2*least {
		return false
	}
	if way < 0 {
		way, seconds = -way, -seconds
	}
	return seconds < way/m.fastest-fasterBy
}

// usualSpread is the relative standard deviation of speeds until it is learnt.
const usualSpread = 0.15

// speedSigma returns how uncertain the speed of a vehicle is that nobody measured, relative to the usual one.
func (m *Model) speedSigma() float64 {
	if m.speeds.Len() < 2*least {
		return usualSpread
	}
	middle, spread := m.speeds.Estimate()
	return min(max(spread/middle, sigmaRun), 2*usualSpread)
}

// Rate returns what is known of how a device sees vehicles.
func (m *Model) Rate(dev int) *Rate { return &m.rates[dev] }

// BirthRate returns how many vehicles come in a second. Headways between 2 s and 2 minutes are believed.
func (m *Model) BirthRate() float64 {
	if m.births.Len() < least {
		return 1.0 / 30
	}
	middle, _ := m.births.Estimate()
	return 1 / min(max(middle, 2), 120)
}

// Reach returns by how many metres the extent of an occupancy is more than the vehicle's length; ok is false while that
// is not known.
func (m *Model) Reach() (extent units.Metres, ok bool) {
	v, _ := m.reach.Estimate()
	return units.Metres(v), m.reach.Len() >= least
}

// Prediction is the normal distribution of the time at which a device detects a vehicle.
type Prediction struct {
	Off     float64      // s that it was seen later than predicted
	Sigma   float64      // s, standard deviation of the prediction
	Dev     int          // device whose sight it is predicted from
	Ahead   units.Metres // from there; negative when that sight is further on
	Stood   float64      // s by which Off is less when it stood with its front at one of the two, which saw it stay
	Through bool         // it stood so in any case: the way is longer than the vehicle, whose end left the device after that
	Learned bool         // what was learnt of the way is in it
	Fast    bool         // it would have driven faster than vehicles do, by one clock

	// EitherSide reports that the vehicle was heard at one of the two, and may have stood on either side of the other.
	// side.
	EitherSide bool
}

// Least uncertainties of a prediction: of a learnt way, of the speed on it, and of one that was not driven yet.
const (
	sigmaLeast   = 0.15 // s
	sigmaRun     = 0.06 // of the run
	sigmaUnknown = 1.5  // s
	runUnknown   = 0.3  // of the run
)

// Predict compares a sight with one that another device had of a vehicle whose speed is known, or 0.
func (m *Model) Predict(from, to Sight, speed units.MetresPerSecond) Prediction {
	relative := sigmaRun
	if speed <= 0 {
		speed, relative = m.Speed(), m.speedSigma()
	}
	way := to.Position - from.Position
	run := way.SecondsAt(speed)
	p := Prediction{Off: to.At - from.At - run, Dev: from.Dev, Ahead: way, Stood: stood(from, to)}
	p.Through = math.Abs(float64(way)) >= throughRatio*float64(from.Length)+throughMore
	p.Fast = from.Raw == from.At && to.Raw == to.At && m.tooFast(float64(way), to.At-from.At)
	if w, sign := m.travel(from.Dev, to.Dev, false); w.known() {
		p.Learned = true
		p.Off = to.Raw - from.Raw - run - sign*w.extra
		few := 1 + 4/float64(w.Len())
		p.Sigma = math.Sqrt(sigmaLeast*sigmaLeast + relative*relative*run*run + w.spread*w.spread*few*few)
		return p
	}
	p.Sigma = math.Hypot(sigmaUnknown+runUnknown*math.Abs(run), math.Hypot(m.doubts[from.Dev], m.doubts[to.Dev]))
	return p
}

// Learn takes what a vehicle that is through teaches. sights are in their order; speed and length are 0 when unknown.
// extent is a portal's, 0 when unknown.
func (m *Model) Learn(sights []Sight, speed units.MetresPerSecond, length, extent units.Metres) {
	if speed > 0 {
		m.speeds.Add(float64(speed))
		m.slowest, m.fastest = 0.75*m.speeds.Quantile(0.1), 1.4*m.speeds.Quantile(0.9)
	} else {
		speed = m.Speed()
	}
	if extent > 0 && length > 0 {
		m.reach.Add(float64(extent - length))
	}
	m.learnDelays(sights, speed)
	for i, a := range sights {
		for _, b := range sights[i+1:] {
			m.learnWay(a, b, speed)
		}
		stay, _ := m.Stay(a, lasting(sights, a), speed)
		m.gaps[a.Dev].passed(a.Raw, stay)
	}
}

// Born notes that a vehicle came in, gap seconds after the one before.
func (m *Model) Born(gap float64) {
	if gap > 0 && gap < 3600 {
		m.births.Add(gap)
	}
}
