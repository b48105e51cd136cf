package passage

import (
	"fmt"
	"math"
	"testing"
	"time"

	"lanewarden/drivers/observation"
	"lanewarden/edge/lane/passage/detection"
)

// clockDay is a day of vehicles, of which a plate reader has a clock of its own.
type clockDay struct {
	*day
	v     int
	ahead func(at float64) float64 // s, of the reader's clock
	delay func(at float64) float64 // s, of its reports
}

// drive lets vehicles come, a minute apart with some seconds more or less.
func (c *clockDay) drive(n int) {
	for range n {
		at := 60*float64(c.v) + float64(c.v*7%13)
		name := fmt.Sprintf("%c%c%c%d", 'A'+c.v%26, 'B'+c.v*3%22, 'D'+c.v*5%20, 100+c.v)
		c.v++
		p := plate("lpr-1", at+0.5, name)
		p.TimeNs = dawn.Add(seconds(at + 0.5 + c.ahead(at))).UnixNano()
		p.Body.DeviceTimeNs = p.TimeNs
		p.Body.AgentDelayNs = int64(seconds(c.delay(at) - c.ahead(at)))
		first := loop("loop-1", at)
		first.Body.AgentDelayNs = int64(4 * time.Second)
		c.take(first, portal("rpm-1", at+5, false), loop("loop-2", at+12))
		c.take(p)
	}
}

func steadily(s float64) func(float64) float64 { return func(float64) float64 { return s } }

func newClockDay(t *testing.T, ahead, delay func(at float64) float64) *clockDay {
	return &clockDay{day: newDay(t, twoLanes()), ahead: ahead, delay: delay}
}

// own returns the share of plates from the n-th vehicle on that are with their own vehicle.
func (c *clockDay) own(from int) float64 {
	said, right := c.said(), 0
	for v := from; v < c.v; v++ {
		at := 60*float64(v) + float64(v*7%13)
		id := said[fmt.Sprintf("loop-1 %.2f", at)]
		if id != "" && said[fmt.Sprintf("lpr-1 %.2f", at+0.5)] == id {
			right++
		}
	}
	return float64(right) / float64(c.v-from)
}

// TestClockOffsets: offset and drift of a device's clock become known by vehicles, to a fraction of a second, though
// its reports come seconds late; and its readings find their vehicles.
func TestClockOffsets(t *testing.T) {
	for _, c := range []struct {
		name  string
		ahead func(at float64) float64
		delay float64
	}{
		{"exact, reports late", steadily(0), 14},
		{"ahead", steadily(37), 16},
		{"behind", steadily(-37), 16},
		{"drifting", func(at float64) float64 { return 20 + 150e-6*at }, 15},
		{"drifting backwards", func(at float64) float64 { return -20 - 150e-6*at }, 15},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newClockDay(t, c.ahead, steadily(c.delay))
			d.drive(120)
			d.wait(300)
			k := d.clocks["lpr-1"]
			if k == nil || !k.Known() {
				t.Fatal("the clock is not known after 120 vehicles")
			}
			want := c.ahead(d.Correlator.now - float64(dawn.Unix()))
			if off := d.Offset("lpr-1").Seconds(); math.Abs(off-want) > 1 {
				t.Errorf("it is %.2f s ahead, not %.2f s", off, want)
			}
			if got := d.own(60); got < 0.95 {
				t.Errorf("%.2f of the plates are with their vehicle", got)
			}
		})
	}
}

// TestClockSet: a clock that is set is followed after some reports, in both directions; nothing is forgotten of others.
func TestClockSet(t *testing.T) {
	for _, by := range []float64{300, -300} {
		t.Run(fmt.Sprintf("by %.0f s", by), func(t *testing.T) {
			ahead := 0.0
			d := newClockDay(t, func(float64) float64 { return ahead }, steadily(0.8))
			d.drive(40)
			ahead = by
			d.drive(40)
			d.wait(300)
			if off := d.Offset("lpr-1").Seconds(); math.Abs(off-by) > 2 {
				t.Errorf("it is %.2f s ahead, not %.2f s", off, by)
			}
			if got := d.own(60); got < 0.95 {
				t.Errorf("%.2f of the plates are with their vehicle", got)
			}
		})
	}
}

// TestClockOfAgent: what the agent stamps has no offset, and a device of which nothing came has none.
func TestClockOfAgent(t *testing.T) {
	d := newDay(t, twoLanes())
	d.take(loop("loop-1", 0), late(loop("loop-2", 12), 100))
	d.wait(100)
	if len(d.clocks) != 0 || d.Offset("loop-1") != 0 || d.Offset("nobody") != 0 {
		t.Errorf("clocks %v", d.clocks)
	}
}

// TestClockBursts: a device that reports in bursts of ten minutes says so by its reports. Where the shortest delay leaves
// open how far its clock is ahead, its readings may be given to the next vehicle, but none is called sure that is not
// where it belongs: what a reading says itself does not confirm where it was put before.
func TestClockBursts(t *testing.T) {
	const every, burst = 60.0, 600.0
	d := newDay(t, twoLanes())
	begin := func(v int) float64 { return every*float64(v) + float64(v*7%13) }
	var waiting []*observation.Observation
	for v := range 60 {
		at := begin(v)
		if len(waiting) > 0 && detection.Arrival(waiting[0]).Before(dawn.Add(seconds(at))) {
			d.take(waiting...)
			waiting = nil
		}
		p := plate("lpr-1", at+0.5, fmt.Sprintf("%c%c%c%d", 'A'+v%26, 'B'+v*3%22, 'D'+v*5%20, 100+v))
		p.Body.DeviceTimeNs = p.TimeNs
		p.Body.AgentDelayNs = int64(seconds(burst*(math.Floor(at/burst)+1) - at - 0.5))
		d.take(loop("loop-1", at), portal("rpm-1", at+5, false), loop("loop-2", at+12))
		waiting = append(waiting, p)
	}
	d.take(waiting...)
	d.wait(900)
	if k := d.clocks["lpr-1"]; !k.Bursty() || !d.groups[0].late["lpr-1"] {
		t.Error("bursts are not called late")
	}
	said := d.said()
	wrong := 0
	for v := range 60 {
		key, own := fmt.Sprintf("lpr-1 %.2f", begin(v)+0.5), fmt.Sprintf("loop-1 %.2f", begin(v))
		if r, _ := d.find(d.row(key)); r != nil && r.confidence >= sure && said[key] != said[own] {
			wrong++
		}
	}
	if wrong > 0 {
		t.Errorf("%d of 60 plates are with another vehicle, and called sure", wrong)
	}
}

// TestClockOfEnds: a device that reports a vehicle when its end has passed is not taken for one whose clock is behind by
// that time.
func TestClockOfEnds(t *testing.T) {
	d := newDay(t, twoLanes())
	for v := range 20 {
		at := dawn.Add(time.Duration(v) * time.Minute)
		o := observation.New(observation.Class_CLASS_EVENT, at, &observation.VehicleReading{
			Name: "height", EndNs: at.Add(5 * time.Second).UnixNano(),
		})
		o.Device, o.Key = "lpr-1", fmt.Sprint("height ", v)
		o.Body.DeviceTimeNs, o.Body.AgentDelayNs = o.TimeNs, int64(5*time.Second+100*time.Millisecond)
		d.take(o)
	}
	if off := d.Offset("lpr-1").Seconds(); math.Abs(off) > 0.2 {
		t.Errorf("the clock is taken to be %.1f s ahead", off)
	}
}
