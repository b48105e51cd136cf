package scale

import (
	"fmt"
	"time"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
)

const (
	// stableShare is the share of the largest weight that a weight at rest must have to be the vehicle's: less was
	// weighed while it drove on.
	stableShare = 0.9
	// forgetAfter is the silence of a scale after which its platform counts as empty: scales that print on demand
	// never say zero.
	forgetAfter = 30 * time.Second
)

// platform follows what stands on a scale. It knows no clock but the times of what it is given.
//
//	empty     --MinKg or more-->                          occupied
//	occupied  --Stable readings alike, at rest-->         reported, once
//	occupied  --less than MinKg, 30 s of silence-->       empty; what was not reported is, as far as it is known
type platform struct {
	*Config
	conditions driver.Conditions

	since    time.Time // something is on the platform; zero for nothing
	heard    time.Time // of the last reading
	previous float64   // kg of the reading before
	same     int       // readings in a row with it, at rest
	largest  reading   // while something is on the platform
	rested   reading   // the largest that the scale itself said is at rest
	reported bool
	over     bool // the scale said that it is more than it can weigh
	axle     uint32
	left     time.Time // when the platform became empty

	tareKg    float64 // that the scale told last; it ends when the platform is empty
	tareKnown bool
	keyed     time.Time // of the last key, and how many had it before
	sameTime  int
}

// follow handles a reading that came at the time at. A line that only tells the tare is remembered for the net
// weights after it.
func (p *platform) follow(at time.Time, r reading) (out []*observation.Observation) {
	p.heard = at
	if r.has(tare) {
		if r.weighed {
			p.tareKg, p.tareKnown = r.kg, true
		}
		return nil
	}
	if r.has(net) && !r.tareKnown {
		r.tareKg, r.tareKnown = p.tareKg, p.tareKnown
	}
	if r.weighed || r.has(overload|underload|invalid) {
		out = p.health(at, r)
	}
	if r.has(overload) {
		p.begin(at)
		p.over = true
	}
	if !r.weighed {
		return out
	}
	return append(out, p.weight(at, r)...)
}

// health reports what the scale says of itself: overload, underload, error, each when it begins and when it is over.
func (p *platform) health(at time.Time, r reading) (out []*observation.Observation) {
	out = append(out, p.conditions.Set(at, "overload", "", r.has(overload),
		message.New("scale.overload"))...)
	out = append(out, p.conditions.Set(at, "underload", "", r.has(underload),
		message.New("scale.underload"))...)
	return append(out, p.conditions.Set(at, "scale-error", "", r.has(invalid),
		message.New("scale.invalid"))...)
}

// weight handles a reading that is a weight. A vehicle is reported after Config.Stable readings in a row that are
// equal and not in motion.
func (p *platform) weight(at time.Time, r reading) []*observation.Observation {
	on, known := r.grossKg()
	if !known {
		on = r.kg // less than what stands there
	}
	if on < p.MinKg {
		if r.has(gross) {
			p.tareKnown = false // nothing stands there: what was told is of a load before
		}
		return p.leave(at)
	}
	p.begin(at)
	if r.kg > p.largest.kg {
		p.largest = r
	}
	if r.has(stable) && r.kg > p.rested.kg {
		p.rested = r
	}
	p.same++
	if r.has(motion) || r.kg != p.previous {
		p.same = 0
	}
	p.previous = r.kg
	if p.reported || p.same < p.Stable {
		return nil
	}
	return p.report(at, r, false)
}

// begin notes that something stands on the platform. With Config.Axles it is the next axle of the same vehicle when
// the platform was empty for no longer than AxleGap.
func (p *platform) begin(at time.Time) {
	if !p.since.IsZero() {
		return
	}
	if !p.Axles || at.Sub(p.left) > p.AxleGap {
		p.axle = 0
	}
	p.since, p.same, p.largest, p.rested, p.reported, p.over = at, 0, reading{}, reading{}, false, false
	p.axle++
}

// pause deals with a scale that has said nothing since its last reading: what it said was at rest is the weight.
func (p *platform) pause(at time.Time) (out []*observation.Observation) {
	if p.since.IsZero() {
		return nil
	}
	quiet := at.Sub(p.heard)
	if quiet > forgetAfter {
		return p.leave(p.heard)
	}
	if p.SilentAfter > 0 && quiet > p.SilentAfter && !p.reported && p.isRested() {
		return p.report(p.heard, p.rested, false)
	}
	return nil
}

// isRested reports whether a weight at rest was seen that is the whole vehicle's.
func (p *platform) isRested() bool {
	return p.rested.weighed && p.rested.kg >= stableShare*p.largest.kg
}

// leave ends what is on the platform: what was not reported is, by the largest weight at rest when that is nearly
// the largest of all, else by the largest, as unstable.
func (p *platform) leave(at time.Time) (out []*observation.Observation) {
	if p.since.IsZero() {
		return nil
	}
	switch {
	case p.reported:
	case p.isRested():
		out = p.report(at, p.rested, false)
	case p.largest.weighed:
		out = p.report(at, p.largest, true)
	}
	p.since, p.left = time.Time{}, at
	p.tareKnown = false // it was that vehicle's
	return out
}

// report makes the observation of what is on the platform, once; its time is that of arrival on the platform.
// Without a known tare a net weight has no gross weight, and cannot be held against LimitKg.
func (p *platform) report(at time.Time, r reading, unstable bool) (out []*observation.Observation) {
	p.reported = true
	body := &observation.VehicleWeight{
		Kg: r.kg, Net: r.has(net), TareKg: r.tareKg, Overload: p.over || r.has(overload),
		Seconds: float32(at.Sub(p.since).Seconds()), Unstable: unstable,
	}
	grossKg, known := r.grossKg()
	if known {
		body.GrossKg = &grossKg
		body.Overload = body.Overload || p.LimitKg > 0 && grossKg > p.LimitKg
	}
	if p.LimitKg > 0 {
		out = p.conditions.Set(at, "tare-unknown", "", !known,
			message.New("scale.tare-unknown"))
	}
	if p.Axles {
		body.Axle = p.axle
	}
	o := observation.New(observation.Class_CLASS_EVENT, p.since, body)
	if p.keyed.Equal(p.since) {
		p.sameTime++
	} else {
		p.keyed, p.sameTime = p.since, 0
	}
	// No digest of the content: the tare may be of lines before this vehicle's, which a replay after a crash may lack.
	o.Key = driver.Key(fmt.Sprintf("weight@%d#%d", p.since.UnixNano(), p.sameTime))
	return append(out, o)
}
