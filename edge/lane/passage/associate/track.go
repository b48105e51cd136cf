package associate

import (
	"math"

	"lanewarden/drivers/kinds"
	"lanewarden/drivers/observation/units"
	"lanewarden/edge/lane/passage/detection"
	"lanewarden/edge/lane/passage/motion"
)

// track is a vehicle's hypothesised path: the detections that are taken to be of it. Tracks are never changed: each
// detection, and each device that passes it over, makes a new one.
type track struct {
	det      *detection.Detection // the latest
	prev     *track               // without it; nil for the first
	birth    *detection.Detection // the first, by which hypotheses name the vehicle
	lane     int
	merged   bool // seen where lanes are one row
	reversed bool
	turned   bool   // over a detector: others of that place see it still
	seen     uint64 // devices that saw it
	charged  uint64 // devices that it was charged for as missed
	front    units.Metres
	first    float64               // s, of the first sight
	last     float64               // s, when its end left the place of the latest sight
	free     float64               // s, when the vehicle ahead of it was gone
	speed    units.MetresPerSecond // as measured first; 0 when nobody measured
	length   units.Metres          // the least that was measured; 0 when nobody measured
	kg       units.Kilograms       // as it was weighed first; 0 when nobody weighed it
	names    []kinds.Name
	hash     uint64 // of the detections and of the devices that were charged
	slot     int    // of its memo in the current step
}

// state returns a hash of all that later detections depend on.
func (t *track) state() uint64 {
	h := t.hash + uint64(t.lane)<<1 + math.Float64bits(t.free)*0x9e3779b97f4a7c15
	if t.merged {
		h++
	}
	return h
}

// mix is the finaliser of SplitMix64 (Steele, Lea, Flood 2014).
func mix(x uint64) uint64 {
	x ^= x >> 30
	x *= 0xbf58476d1ce4e5b9
	x ^= x >> 27
	x *= 0x94d049bb133111eb
	return x ^ x>>31
}

// born returns a track of one detection.
func born(l *Layout, lane int, d *detection.Detection) *track {
	t := &track{birth: d, lane: lane, first: d.At}
	t.add(l, d)
	return t
}

// with returns the track with one detection more.
func (t *track) with(l *Layout, d *detection.Detection) *track {
	n := *t
	n.prev = t
	n.add(l, d)
	return &n
}

func (t *track) add(l *Layout, d *detection.Detection) {
	t.det = d
	t.seen |= 1 << d.Dev
	t.reversed = t.reversed || d.Reverse || d.Turned
	t.turned = t.turned || d.Turned
	if !d.Reverse {
		t.front = max(t.front, l.position[t.lane][d.Dev])
		t.merged = t.merged || l.merges[d.Dev]
	}
	t.last = max(t.last, d.End())
	if t.speed <= 0 && !d.Reverse {
		t.speed = units.MetresPerSecond(d.Speed)
	}
	if d.Length > 0 && (t.length == 0 || units.Metres(d.Length) < t.length) {
		t.length = units.Metres(d.Length)
	}
	if t.kg == 0 && wholeWeighing(d) {
		t.kg = units.Kilograms(d.Kg)
	}
	t.names = detection.Learn(t.names, d)
	t.hash ^= mix(uint64(d.Idx)*2 + 1)
}

// charge returns the track with devices charged as missed, or set free of that.
func (t *track) charge(devices uint64) *track {
	n := *t
	n.recharge(devices)
	return &n
}

// recharge is charge, of a track that nobody else has yet.
func (t *track) recharge(devices uint64) {
	t.hash ^= mix(t.charged^0x5bd1e995) ^ mix(devices^0x5bd1e995)
	t.charged = devices
}

// at returns the track's latest sight by a device; nil when it has none.
func (t *track) at(dev int) *detection.Detection {
	if t.seen&(1<<dev) == 0 {
		return nil
	}
	for s := t; s != nil; s = s.prev {
		if s.det.Dev == dev {
			return s.det
		}
	}
	return nil
}

// out returns a device's latest sight of the track's vehicle since it turned back; nil when it has none.
func (t *track) out(dev int) *detection.Detection {
	for s := t; s != nil && s.reversed; s = s.prev {
		if s.det.Dev == dev {
			return s.det
		}
	}
	return nil
}

// sight returns a detection as a sight of a vehicle in the track's lane.
func (t *track) sight(l *Layout, m *motion.Model, d *detection.Detection) motion.Sight {
	s := motion.Sight{Dev: d.Dev, Position: l.position[t.lane][d.Dev], Raw: d.Raw, At: d.At}
	if s.Length = m.Plausible(t.length); d.Lasts > 0 && !d.Tag {
		s.Hold = m.Stood(d.Dev, d.Lasts, s.Length, t.pace(m))
	}
	return s
}

// one reports whether two tracks are of one row, in which they keep their order.
func (t *track) one(o *track) bool { return t.lane == o.lane || t.merged && o.merged }
