package passage

import (
	"fmt"
	"slices"
	"testing"

	"lanewarden/drivers/observation"
)

// conditions returns what was reported of devices that read nothing.
func (d *day) conditions() (out []string) {
	for _, r := range d.rows {
		if c := r.Body.GetDeviceCondition(); c != nil && r.Device == observation.AgentDevice {
			out = append(out, fmt.Sprintf("%s %s %v", c.Condition, c.Subject, !c.Cleared))
		}
	}
	return out
}

// TestReadsNothing: a plate reader that saw every vehicle and sees none any more is reported, and when it sees one
// again.
func TestReadsNothing(t *testing.T) {
	d := newDay(t, twoLanes())
	vehicles := func(from, n int, plates bool) {
		for v := from; v < from+n; v++ {
			at := 120 * float64(v)
			d.take(loop("loop-1", at))
			if plates {
				d.take(plate("lpr-1", at+0.4, fmt.Sprintf("ABC%03d", v)))
			}
			d.take(portal("rpm-1", at+5, false), loop("loop-2", at+12), weight("scale-1", at+13, 9000))
		}
	}
	vehicles(0, 30, true)
	vehicles(30, 15, false)
	vehicles(45, 5, true)
	d.wait(400)
	want := []string{"reads-nothing lpr-1 true", "reads-nothing lpr-1 false"}
	if got := d.conditions(); !slices.Equal(got, want) {
		t.Errorf("%q, not %q", got, want)
	}
}

// TestMisses: how many vehicles in a row are enough.
func TestMisses(t *testing.T) {
	for _, c := range []struct {
		seen, of float64 // before
		want     int
	}{
		{0, 0, 100}, {0, 150, 100}, {5, 10, 100}, {95, 100, 10}, {30, 100, 20}, {5, 100, 114},
	} {
		m := &missRun{}
		for !m.mute() && m.run < 1000 {
			m.add(false, c.seen, c.of)
		}
		if m.run != c.want {
			t.Errorf("%.0f of %.0f: %d vehicles, not %d", c.seen, c.of, m.run, c.want)
		}
		if m.add(true, c.seen, c.of); m.mute() {
			t.Error("it has read, and is mute")
		}
	}
}

// TestOutages: when a device did not run, with some slack; only the last times are kept.
func TestOutages(t *testing.T) {
	var o outages
	if o.at(100) {
		t.Error("nothing is known, and it did not run")
	}
	o.note(100, true)
	o.note(110, true) // still
	if !o.at(100-outageSlack/2) || o.at(100-2*outageSlack) || !o.at(1e6) {
		t.Error("an outage that lasts")
	}
	o.note(200, false)
	o.note(210, false)
	if !o.at(150) || o.at(200+outageSlack) {
		t.Error("an outage that is over")
	}
	for i := range 100 {
		o.note(1000+float64(100*i), true)
		o.note(1050+float64(100*i), false)
	}
	if len(o.all) > maxOutages || o.at(1025) || !o.at(1000+9900+25) {
		t.Errorf("%d are kept", len(o.all))
	}
}
