package gpio

import (
	"fmt"
	"time"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
)

type pulse struct{ on, off time.Time } // off is zero while it still is

// input follows one input through its bounces. Times are those of the edges.
type input struct {
	Input
	raw     bool        // as the pin says
	changed time.Time   // the last raw edge
	level   bool        // after debouncing
	since   time.Time   // when level began
	edges   []time.Time // raw ones of the last second
	quiet   time.Time   // last moment of chattering
	pulses  []pulse     // that no pair has taken yet; only of inputs in a pair
}

// tracker turns edges of pins into detections and conditions. It knows no clock but the times of what it is given,
// which must not go back. One goroutine uses it.
type tracker struct {
	inputs     map[string]*input
	order      []*input // of the settings: a replay gives the same
	pairs      []Pair
	paired     map[string]bool // inputs of any pair: they give no detections of their own
	conditions driver.Conditions
	n          int // detections so far, which keeps keys of one moment apart
}

func newTracker(inputs []Input, pairs []Pair) *tracker {
	t := &tracker{inputs: map[string]*input{}, pairs: pairs, paired: map[string]bool{}}
	for _, i := range inputs {
		one := &input{Input: i}
		t.inputs[i.Name] = one
		t.order = append(t.order, one)
	}
	for _, p := range pairs {
		t.paired[p.First], t.paired[p.Second] = true, true
	}
	return t
}

const (
	chatterEdges = 40               // raw edges in a second: no vehicle does that
	chatterQuiet = 10 * time.Second // without such edges, and the condition is over
	maxPulses    = 64               // of an input that wait for a partner; the oldest is dropped
)

// edge records the level that a pin has from a moment on, and returns what the debounced input makes of it. A level
// that was held for Debounce before this edge counts, even when no tick came in between.
func (t *tracker) edge(at time.Time, name string, on bool) (out []*observation.Observation) {
	i := t.inputs[name]
	out = t.debounce(at, i)
	if on == i.raw {
		return out
	}
	i.raw, i.changed = on, at
	i.edges = append(i.edges, at)
	for len(i.edges) > 0 && at.Sub(i.edges[0]) > time.Second {
		i.edges = i.edges[1:]
	}
	if len(i.edges) > chatterEdges {
		i.edges = i.edges[1:]
		i.quiet = at
		out = append(out, t.conditions.Set(at, "chattering", name, true,
			message.New("gpio.chattering", message.String("input", name), message.Int("n", chatterEdges)))...)
	}
	return out
}

// tick moves the time on: bounces end, inputs that stay on become conditions, and pulses whose partner is overdue
// become vehicles.
func (t *tracker) tick(at time.Time) (out []*observation.Observation) {
	for _, i := range t.order {
		out = append(out, t.debounce(at, i)...)
		if !i.quiet.IsZero() && at.Sub(i.quiet) > chatterQuiet {
			i.quiet = time.Time{}
			out = append(out, t.conditions.Set(at, "chattering", i.Name, false, message.Message{})...)
		}
		if i.level && i.StuckAfter > 0 && at.Sub(i.since) > i.StuckAfter {
			out = append(out, t.conditions.Set(at, "stuck", i.Name, true,
				message.New("gpio.stuck", message.String("input", i.Name), message.Duration("for", i.StuckAfter)))...)
		}
	}
	for _, p := range t.pairs {
		out = append(out, t.match(at, p)...)
	}
	return out
}

// debounce accepts a level that has held for the debounce time. Its time is that of the edge, so that debouncing
// changes no speed.
func (t *tracker) debounce(at time.Time, i *input) (out []*observation.Observation) {
	if i.raw == i.level || at.Sub(i.changed) < i.Debounce {
		return nil
	}
	i.level = i.raw
	began := i.since
	i.since = i.changed
	if !i.level {
		out = append(out, t.conditions.Set(at, "stuck", i.Name, false, message.Message{})...)
	}
	if i.Button {
		if i.level {
			out = append(out,
				t.withKey(observation.New(observation.Class_CLASS_EVENT, i.changed, &observation.DeviceReading{
					Profile: "gpio", Message: i.Name, Values: []*observation.Quantity{{Name: i.Name, Text: "on"}},
				})))
		}
		return out
	}
	if !t.paired[i.Name] {
		if !i.level {
			out = append(out, t.withKey(detection(i.Name, pulse{began, i.changed})))
		}
		return out
	}
	if i.level {
		i.pulses = append(i.pulses, pulse{on: i.changed})
		if len(i.pulses) > maxPulses {
			i.pulses = i.pulses[1:]
		}
		return out
	}
	if n := len(i.pulses); n > 0 {
		i.pulses[n-1].off = i.changed
	}
	for _, p := range t.pairs {
		if p.First == i.Name || p.Second == i.Name {
			out = append(out, t.match(at, p)...)
		}
	}
	return out
}

// detection returns a vehicle that one input saw, without direction and speed.
func detection(station string, p pulse) *observation.Observation {
	return observation.New(observation.Class_CLASS_EVENT, p.on,
		&observation.VehicleDetection{Station: station, StartNs: p.on.UnixNano(), EndNs: p.off.UnixNano()})
}

// withKey gives an observation its key; a replay of the same edges gives the same keys.
func (t *tracker) withKey(o *observation.Observation) *observation.Observation {
	t.n++
	driver.SetKey(o, fmt.Sprintf("%s@%d#%d", o.Body.Kind().Name(), o.TimeNs, t.n))
	return o
}

// match takes pulses of a pair's two inputs that belong to one vehicle, oldest first. A pulse without partner is a
// vehicle too, once none can come any more: one of the detectors may be broken.
func (t *tracker) match(at time.Time, p Pair) (out []*observation.Observation) {
	a, b := t.inputs[p.First], t.inputs[p.Second]
	for {
		switch {
		case len(a.pulses) > 0 && len(b.pulses) > 0 && mayPair(a.pulses[0], b.pulses[0], p.Within):
			x, y := a.pulses[0], b.pulses[0]
			if x.off.IsZero() || y.off.IsZero() {
				return out // one of them is still on
			}
			a.pulses, b.pulses = a.pulses[1:], b.pulses[1:]
			out = append(out, t.withKey(p.vehicle(x, y)))
		case len(a.pulses) > 0 && (len(b.pulses) == 0 || a.pulses[0].on.Before(b.pulses[0].on)):
			if !alone(a.pulses[0], at, p.Within) {
				return out
			}
			out = append(out, t.withKey(detection(p.Name, a.pulses[0])))
			a.pulses = a.pulses[1:]
		case len(b.pulses) > 0:
			if !alone(b.pulses[0], at, p.Within) {
				return out
			}
			out = append(out, t.withKey(detection(p.Name, b.pulses[0])))
			b.pulses = b.pulses[1:]
		default:
			return out
		}
	}
}

// mayPair reports whether two pulses may be of one vehicle: they overlap, or one begins soon after the other's end.
func mayPair(x, y pulse, gap time.Duration) bool {
	if y.on.Before(x.on) {
		x, y = y, x
	}
	return x.off.IsZero() || y.on.Sub(x.off) <= gap
}

// alone reports whether no partner of a pulse can come any more.
func alone(p pulse, at time.Time, gap time.Duration) bool {
	return !p.off.IsZero() && at.Sub(p.off) > gap
}

// vehicle makes the detection of a vehicle over both inputs, first x and second y of the lane's direction.
//
//	first   ____/------\_______      on:  from edge to edge at its front
//	second  ________/------\___      off: the same at its rear
//
// Speed is the distance over the mean of both. Length is speed x time over a loop, less the loop, which sees the
// vehicle as long as any part of it is above. Where the second goes off first, the vehicle has turned back: neither
// is known.
func (p *Pair) vehicle(x, y pulse) *observation.Observation {
	d := &observation.VehicleDetection{Station: p.Name, Direction: "forward"}
	first, last := x, y
	if y.on.Before(x.on) {
		d.Direction, first, last = "reverse", y, x
	}
	on, off := last.on.Sub(first.on).Seconds(), last.off.Sub(first.off).Seconds()
	if off < 0 { // the detector that came on last went off first
		d.TurnedBack, d.Direction = true, ""
	} else if between := (on + max(off, on/4)) / 2; between > 0 {
		speed := p.DistanceM / between // m/s; by both edges: the mean of coming and going
		d.SpeedKph = float32(speed * 3.6)
		d.LengthM = float32(max(0, speed*(first.off.Sub(first.on).Seconds()+last.off.Sub(last.on).Seconds())/2-p.LoopM))
	}
	end := first.off
	if last.off.After(end) {
		end = last.off
	}
	d.StartNs, d.EndNs = first.on.UnixNano(), end.UnixNano()
	return observation.New(observation.Class_CLASS_EVENT, first.on, d)
}
