package associate

import (
	"math"
	"testing"

	"lanewarden/drivers/kinds"
	"lanewarden/drivers/observation"
	"lanewarden/drivers/observation/units"
	"lanewarden/edge/lane/passage/detection"
	"lanewarden/edge/lane/passage/motion"
)

// scene is one hypothesis, followed detection by detection as a test says: tests look at what each assignment costs.
type scene struct {
	t     *testing.T
	w     *Window
	n     *node
	count int64
}

// newScene begins with empty lanes.
func newScene(t *testing.T, l *Layout, m *motion.Model) *scene {
	return &scene{t: t, w: wide(l, m), n: &node{}}
}

// one is a scene in one lane of four devices, 8 m apart, of which vehicles at 2 m/s are known.
func one(t *testing.T) *scene {
	l := layouts["one lane"]()
	return newScene(t, l, known(l))
}

// known is a model that has seen many vehicles of 8 m at 2 m/s, all by all devices but the tag readers.
func known(l *Layout) *motion.Model {
	m := taught(l)
	for i := range 40 {
		m.LearnLength(units.Metres(8 + 0.2*float64(i%4-1)))
		for dev := range l.Devices {
			m.LearnPresence(dev, 4.2, 8, 2)
			m.HitRate(dev).Add(i%10 != 0)
		}
		m.LearnTagLevel(min(2, len(l.Devices)-1), -50+float64(i%3))
	}
	return m
}

// choice is what it costs to give a detection to a vehicle.
type choice struct {
	terms Terms
	sum   float64 // with what went by until then
	next  *node
}

// sees makes a detection of a device that sees begin and end of a vehicle of 8 m at 2 m/s; with changes it.
func (s *scene) sees(dev int, at float64, with ...func(d *detection.Detection)) *detection.Detection {
	d := &detection.Detection{Idx: s.count, Device: s.w.layout.Devices[dev].ID, Key: string(rune('a' + s.count)), Dev: dev, Kind: observation.Kind_KIND_VEHICLE_DETECTION, At: at, Evidence: kinds.Evidence{Lasts: 4.2, Speed: 2, Length: 8}}
	s.count++
	for _, f := range with {
		f(d)
	}
	d.Raw, d.Order, d.Arrived = d.At, d.At, d.At+1
	return d
}

// choices returns whose a detection may be, by the row of the vehicle's first detection, the likeliest of each.
func (s *scene) choices(d *detection.Detection) map[int64]choice {
	step := newStepper(s.w, d)
	step.expand(s.n)
	out := map[int64]choice{}
	for _, n := range step.nodes {
		for _, e := range n.edges {
			if had, ok := out[e.label]; !ok || e.sum > had.sum {
				out[e.label] = choice{e.terms, e.sum, &node{queue: n.queue}}
			}
		}
	}
	return out
}

// of returns what it costs that a detection is of a vehicle; the test fails when it cannot be.
func (s *scene) of(vehicle int64, d *detection.Detection) choice {
	s.t.Helper()
	c, ok := s.choices(d)[vehicle]
	if !ok {
		s.t.Fatalf("the detection by %s at %.1f s cannot be of %d", d.Device, d.At, vehicle)
	}
	return c
}

// score returns one term of that.
func (s *scene) score(k Kind, vehicle int64, d *detection.Detection) float64 {
	s.t.Helper()
	return float64(s.of(vehicle, d).terms.Score[k])
}

// can reports whether a detection may be of a vehicle.
func (s *scene) can(vehicle int64, d *detection.Detection) bool {
	_, ok := s.choices(d)[vehicle]
	return ok
}

// goes gives a detection to a vehicle, and returns what that costs.
func (s *scene) goes(vehicle int64, d *detection.Detection) choice {
	s.t.Helper()
	c := s.of(vehicle, d)
	s.n = c.next
	return c
}

// born lets a vehicle be seen first.
func (s *scene) born(dev int, at float64, with ...func(d *detection.Detection)) int64 {
	s.t.Helper()
	d := s.sees(dev, at, with...)
	s.goes(d.Idx, d)
	return d.Idx
}

// Changes of detections.

func lasting(seconds float64) func(*detection.Detection) {
	return func(d *detection.Detection) { d.Lasts = seconds }
}

func long(metres float64) func(*detection.Detection) {
	return func(d *detection.Detection) { d.Length = metres }
}

func extending(metres float64) func(*detection.Detection) {
	return func(d *detection.Detection) { d.Length, d.Extent = 0, metres }
}

func bare(d *detection.Detection) { d.Lasts, d.Speed, d.Length = 0, 0, 0 }

func backwards(d *detection.Detection) { d.Reverse = true }

func portal(d *detection.Detection) { d.Blind = true }

func named(kind, value string) func(*detection.Detection) {
	return func(d *detection.Detection) {
		d.Names = []kinds.Name{{Kind: kind, Value: value, Shown: value, Sure: 1}}
	}
}

func tagged(value string, dbm float64, faint bool) func(*detection.Detection) {
	return func(d *detection.Detection) {
		named("tag", value)(d)
		bare(d)
		d.Tag, d.Faint, d.Rssi, d.Kind = true, faint, dbm, observation.Kind_KIND_VEHICLE_TAG
	}
}

func weighing(axle uint32) func(*detection.Detection) {
	return func(d *detection.Detection) {
		bare(d)
		d.Weighs, d.Axle, d.Kind = true, axle, observation.Kind_KIND_VEHICLE_WEIGHT
	}
}

// falls fails unless numbers become clearly less from one to the next.
func falls(t *testing.T, what string, values ...float64) {
	t.Helper()
	for i := 1; i < len(values); i++ {
		if !(values[i] < values[i-1]-1e-4) || math.IsInf(values[i], 0) {
			t.Errorf("%s: %.4f is not less than %.4f (number %d)", what, values[i], values[i-1], i)
		}
	}
}

// equal fails unless two numbers are nearly the same.
func equal(t *testing.T, what string, got, want float64) {
	t.Helper()
	if !(math.Abs(got-want) <= 1e-3) { // nor not a number
		t.Errorf("%s: %.4f, not %.4f", what, got, want)
	}
}
