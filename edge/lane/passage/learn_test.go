package passage

import (
	"fmt"
	"testing"

	"lanewarden/drivers/observation"
	"lanewarden/edge/lane/passage/detection"
)

// learnt lets vehicles through lane 1; change may change what is seen of each, or leave nothing.
func learnt(t *testing.T, n int, change func(v int, all []*observation.Observation) []*observation.Observation) *day {
	d := newDay(t, twoLanes())
	for v := range n {
		all := through(60*float64(v), fmt.Sprintf("%c%cX%d", 'A'+v%26, 'C'+v*5%20, 100+v))
		if change != nil {
			all = change(v, all)
		}
		d.take(all...)
	}
	d.wait(400)
	return d
}

// rate returns the share of vehicles that a device of lane 1 saw, and of how many.
func (d *day) rate(device string) (share, of float64) {
	g := d.where[device]
	r := g.model.HitRate(g.devices[device])
	return r.Hits() / max(r.Total(), 1), r.Total()
}

// TestLearnThrough: who went through teaches which devices saw it, ways, speed and headway.
func TestLearnThrough(t *testing.T) {
	d := learnt(t, 30, func(v int, all []*observation.Observation) []*observation.Observation {
		if v%2 == 0 { // the scale sees every second one
			return all[:5]
		}
		return all
	})
	g := d.groups[0]
	for device, want := range map[string]float64{"loop-1": 1, "rpm-1": 1, "loop-2": 1, "scale-1": 0.5} {
		if share, of := d.rate(device); of < 29 || share < want-0.05 || share > want+0.05 {
			t.Errorf("%s saw %.2f of %.0f vehicles, not %.2f", device, share, of, want)
		}
	}
	if _, of := d.rate("loop-3"); of != 0 {
		t.Errorf("a device of another lane should have seen %.0f", of)
	}
	if s := g.model.SpeedEstimate(); s < 1.9 || s > 2.1 {
		t.Errorf("the speed is %.2f m/s", s)
	}
	if l := g.model.PlausibleLength(20); l < 7.5 || l > 9 {
		t.Errorf("vehicles of 7.5 m are up to %.1f m long", l)
	}
	if r := 1 / g.model.BirthRate(); r < 55 || r > 65 {
		t.Errorf("one in %.1f s", r)
	}
	v := &vehicle{}
	from, to := detection.Of(1, loop("loop-1", 9000), 0), detection.Of(2, loop("loop-2", 9012), 0)
	g.prepare(from)
	g.prepare(to)
	if p := g.model.Predict(g.fix(v, from), g.fix(v, to), 2); !p.Learned {
		t.Error("the way from the entry to the exit is not learnt")
	}
}

// TestLearnNothing: who did not go through teaches nothing: it has turned back, or one device alone saw it.
func TestLearnNothing(t *testing.T) {
	for _, c := range []struct {
		name string
		seen func(at float64) []*observation.Observation
	}{
		{"seen once", func(at float64) []*observation.Observation {
			return []*observation.Observation{loop("loop-1", at)}
		}},
		{"turned back", func(at float64) []*observation.Observation {
			back := loop("loop-1", at+30)
			back.Body.GetVehicleDetection().Direction = "reverse"
			return []*observation.Observation{loop("loop-1", at), portal("rpm-1", at+5, false), back}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDay(t, twoLanes())
			for v := range 5 {
				d.take(c.seen(400 * float64(v))...)
			}
			d.wait(1000)
			if _, of := d.rate("loop-1"); of != 0 {
				t.Errorf("%.0f vehicles were counted", of)
			}
		})
	}
}

// TestLearnUnseenLeaving: who was seen by two devices and never at the exit was missed there: the exit's share falls, so
// that its death is noticed.
func TestLearnUnseenLeaving(t *testing.T) {
	d := newDay(t, twoLanes())
	for v := range 5 {
		d.take(loop("loop-1", 400*float64(v)), portal("rpm-1", 400*float64(v)+5, false))
	}
	d.wait(1000)
	if share, of := d.rate("loop-2"); share != 0 || of != 5 {
		t.Errorf("the exit saw %.2f of %.0f", share, of)
	}
	if share, of := d.rate("rpm-1"); share != 1 || of != 5 {
		t.Errorf("the portal saw %.2f of %.0f", share, of)
	}
}

// TestLearnDown: a device that did not run has missed nobody.
func TestLearnDown(t *testing.T) {
	d := newDay(t, twoLanes())
	state := func(at float64, s observation.DeviceState_State) {
		d.take(seen("rpm-1", at, &observation.DeviceState{State: s}))
	}
	for v := range 20 {
		at := 60 * float64(v)
		switch v {
		case 5:
			state(at-20, observation.DeviceState_STATE_DOWN)
		case 15:
			state(at-20, observation.DeviceState_STATE_RUNNING)
		}
		all := through(at, fmt.Sprintf("%c%cX%d", 'A'+v, 'C'+v, 100+v))
		if v >= 5 && v < 15 {
			all = append(all[:2:2], all[3:]...)
		}
		d.take(all...)
	}
	d.wait(400)
	if share, of := d.rate("rpm-1"); share != 1 || of < 9 || of > 11 {
		t.Errorf("it saw %.2f of %.0f", share, of)
	}
	if share, of := d.rate("loop-1"); share != 1 || of < 19 {
		t.Errorf("another one saw %.2f of %.0f", share, of)
	}
	if got := d.conditions(); len(got) != 0 {
		t.Errorf("it is said that %q", got)
	}
}

// TestLearnForeign: a reading that a person gave to a vehicle of another lane teaches nothing of that lane's devices.
func TestLearnForeign(t *testing.T) {
	d := newDay(t, twoLanes())
	three(d)
	before := *d.groups[1].model.HitRate(0)
	d.correct("scale-1 13.00", d.said()["loop-3 41.00"])
	d.take(loop("loop-3", 500), loop("loop-4", 510))
	d.wait(400)
	r := d.groups[1].model.HitRate(0)
	if r.Total() != before.Total()+1 || r.Hits() != before.Hits()+1 {
		t.Errorf("%.0f of %.0f, before %.0f of %.0f", r.Hits(), r.Total(), before.Hits(), before.Total())
	}
}

// TestLearnLateResult: a late result makes up for the miss that was counted when its vehicle left.
func TestLearnLateResult(t *testing.T) {
	d := newDay(t, twoLanes())
	for v := range 12 {
		all := through(60*float64(v), fmt.Sprintf("%c%cX%d", 'A'+v, 'C'+v, 100+v))
		d.take(append(all[:3:3], all[4:]...)...)
		if v == 5 {
			continue
		}
	}
	d.wait(300)
	if share, of := d.rate("xray-1"); share != 0 || of < 11 {
		t.Fatalf("it saw %.2f of %.0f", share, of)
	}
	d.take(late(image("xray-1", 308, "FHX105"), 1000))
	d.wait(900)
	share, of := d.rate("xray-1")
	if seen := share * of; seen < 0.99 || seen > 1.01 {
		t.Errorf("it saw %.2f of %.0f after a late result of one", seen, of)
	}
}

// TestLearnSureWays: the way between two devices is learnt of readings that are surely the vehicle's only.
func TestLearnSureWays(t *testing.T) {
	for _, confidence := range []float64{1, 0.6} {
		k := New(twoLanes())
		g := k.groups[0]
		var v *vehicle
		for i := range 40 {
			at := 60 * float64(i)
			v = sightings(g, fmt.Sprint(i), map[string]float64{"loop-1": at, "loop-2": at + 12 + float64(i%5)})
			v.readings[1].confidence = confidence
			k.teach(g, v)
		}
		from, to := g.fix(v, v.readings[0].det), g.fix(v, v.readings[1].det)
		if learnt := g.model.Predict(from, to, 2).Learned; learnt != (confidence == 1) {
			t.Errorf("of readings with %.1f: %v", confidence, learnt)
		}
	}
}
