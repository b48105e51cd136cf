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
	latest         *detection.Detection // the latest
	prev           *track               // without it; nil for the first
	firstDetection *detection.Detection // the first, by which hypotheses name the vehicle
	lane           int
	merged         bool // seen where lanes are one row
	reversed       bool
	turned         bool   // over a detector: others of that place see it still
	seen           uint64 // devices that saw it
	missed         uint64 // devices that it was charged for as missed
	front          units.Metres
	first          float64               // s, of the first detection
	last           float64               // s, when its end left the place of the latest detection
	aheadGone      float64               // s, when the vehicle ahead of it was gone
	speed          units.MetresPerSecond // as measured first; 0 when nobody measured
	length         units.Metres          // the least that was measured; 0 when nobody measured
	kg             units.Kilograms       // as it was weighed first; 0 when nobody weighed it
	names          []kinds.Name
	hash           uint64 // of the detections and of the devices that were charged
	slot           int    // of its memo in the current step
}

// state returns a hash of all that later detections depend on.
func (t *track) state() uint64 {
	h := t.hash + uint64(t.lane)<<1 + math.Float64bits(t.aheadGone)*0x9e3779b97f4a7c15
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
	t := &track{firstDetection: d, lane: lane, first: d.At}
	t.add(l, d)
	return t
}

// withDetection returns the track with one more detection.
func (t *track) withDetection(l *Layout, d *detection.Detection) *track {
	n := *t
	n.prev = t
	n.add(l, d)
	return &n
}

// add adds a detection to a track that nobody else has yet.
func (t *track) add(l *Layout, d *detection.Detection) {
	t.latest = d
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
	t.names = detection.MergeNames(t.names, d)
	t.hash ^= mix(uint64(d.Idx)*2 + 1)
}

// withMisses returns the track with a set of devices charged as missed, in place of those before.
func (t *track) withMisses(devices uint64) *track {
	n := *t
	n.setMisses(devices)
	return &n
}

// setMisses is withMisses, in place, of a track that nobody else has yet.
func (t *track) setMisses(devices uint64) {
	t.hash ^= mix(t.missed^0x5bd1e995) ^ mix(devices^0x5bd1e995)
	t.missed = devices
}

// detectionBy returns the track's latest detection by a device; nil when it has none.
func (t *track) detectionBy(dev int) *detection.Detection {
	if t.seen&(1<<dev) == 0 {
		return nil
	}
	for s := t; s != nil; s = s.prev {
		if s.latest.Dev == dev {
			return s.latest
		}
	}
	return nil
}

// outboundBy returns a device's latest detection of the track's vehicle since it turned back; nil when it has none.
func (t *track) outboundBy(dev int) *detection.Detection {
	for s := t; s != nil && s.reversed; s = s.prev {
		if s.latest.Dev == dev {
			return s.latest
		}
	}
	return nil
}

// fix returns a detection as a fix of a vehicle in the track's lane.
func (t *track) fix(l *Layout, m *motion.Model, d *detection.Detection) motion.Fix {
	s := motion.Fix{Dev: d.Dev, Position: l.position[t.lane][d.Dev], Raw: d.Raw, At: d.At}
	if s.Length = m.PlausibleLength(t.length); d.Lasts > 0 && !d.Tag {
		s.Standing = m.StandingTime(d.Dev, d.Lasts, s.Length, t.speedEstimate(m))
	}
	return s
}

// sameRow reports whether two tracks are of one row, in which they keep their order.
func (t *track) sameRow(o *track) bool { return t.lane == o.lane || t.merged && o.merged }
