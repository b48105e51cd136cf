package passage

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/observation"
)

// late lets an observation be reported some seconds after the vehicle was there.
func late(o *observation.Observation, s float64) *observation.Observation {
	o.Body.AgentDelayNs = int64(s * 1e9)
	return o
}

// ownClock lets an observation be stamped by its device's clock, which is ahead.
func ownClock(o *observation.Observation, ahead time.Duration) *observation.Observation {
	o.TimeNs += int64(ahead)
	o.Body.DeviceTimeNs = o.TimeNs
	o.Body.AgentDelayNs = int64(time.Second - ahead)
	return o
}

// TestOneVehicle: one vehicle is one document, with everything that saw it, and says why others did not.
func TestOneVehicle(t *testing.T) {
	d := newDay(t, twoLanes())
	d.take(loop("loop-1", 0), plate("lpr-1", 0.4, "AAA111"), portal("rpm-1", 5, true), loop("loop-2", 12))
	d.wait(15)
	if open := d.documents(); len(open) != 1 || open[0].State != observation.PassageState_PASSAGE_STATE_OPEN || open[0].ClosedNs != 0 {
		t.Fatalf("open are %v", open)
	}
	d.wait(200)
	d.together("loop-1 0.00", "lpr-1 0.40", "rpm-1 5.00", "loop-2 12.00")
	doc := d.doc("loop-1 0.00")
	if doc.Plate != "AAA111" || !doc.Alarm || doc.LengthM != 7.5 || doc.SpeedKph < 7 || doc.WeightKg != 0 || doc.Confidence < 0.9 ||
		doc.End != observation.PassageEnd_PASSAGE_END_LEFT || doc.State != observation.PassageState_PASSAGE_STATE_CLOSED ||
		doc.Direction != observation.PassageDirection_PASSAGE_DIRECTION_FORWARD || doc.OpenedNs != dawn.UnixNano() || doc.ClosedNs < doc.OpenedNs {
		t.Errorf("%v", doc)
	}
	for _, s := range doc.Stations {
		if want := s.Station != "scan"; s.Seen != want || !want && s.Gap != observation.PassageGap_PASSAGE_GAP_NOT_EXPECTED {
			t.Errorf("%v", s)
		}
	}
}

// TestAlarmAtOnce: an alarm is told as soon as it is decided, not with the next round.
func TestAlarmAtOnce(t *testing.T) {
	d := newDay(t, twoLanes())
	d.take(loop("loop-1", 3), portal("rpm-1", 8, true))
	d.wait(9)
	if d.said()["rpm-1 8.00"] == "" {
		t.Error("an alarm of 9 s ago is not told")
	}
}

// TestLateResults: a scan and all that is about it come to the vehicle minutes after it has left, by name or by order.
func TestLateResults(t *testing.T) {
	for _, name := range []string{"BBB222", ""} {
		t.Run("named "+name, func(t *testing.T) {
			d := newDay(t, twoLanes())
			for v := range 30 { // the lane learns its ways
				d.take(through(60*float64(v), fmt.Sprintf("W%02dX", v))...)
			}
			d.wait(100)
			d.take(loop("loop-1", 1900), loop("loop-2", 1912))
			d.take(loop("loop-1", 1930), plate("lpr-1", 1930.4, "BBB222"), loop("loop-2", 1942))
			d.take(loop("loop-1", 1960), loop("loop-2", 1972))
			d.wait(100)
			scan := late(image("xray-1", 1938, name), 200)
			about := late(quality("xray-1", 1939, name), 230)
			threat := late(seen("xray-1", 1940, &observation.XrayThreatReport{ScanInstance: "scan " + name}), 260)
			threat.Class = observation.Class_CLASS_ALARM
			d.take(scan, about, threat)
			d.wait(600)
			d.together("loop-1 1930.00", "lpr-1 1930.40", "loop-2 1942.00", scan.Key, about.Key, threat.Key)
			last := d.doc("loop-1 1930.00")
			if !last.Alarm || last.End != observation.PassageEnd_PASSAGE_END_LEFT {
				t.Errorf("%v", last)
			}
			after := false
			for _, r := range d.rows {
				after = after || r.Body.GetPassageUpdated().GetAfterClose()
			}
			if !after {
				t.Error("no row says that it came after the end")
			}
		})
	}
}

// TestClocks: a plate reader whose clock is far off finds its vehicles, after the first ones.
func TestClocks(t *testing.T) {
	for _, ahead := range []time.Duration{80 * time.Second, -80 * time.Second, 26 * time.Hour} {
		d := newDay(t, twoLanes())
		for v := range 12 {
			at := 60 * float64(v)
			p := ownClock(plate("lpr-1", at+0.5, string(rune('A'+v))+"XY77"), ahead)
			d.take(loop("loop-1", at), p, portal("rpm-1", at+5, false), loop("loop-2", at+12))
		}
		d.wait(300)
		said := d.said()
		for v := 2; v < 12; v++ {
			own := said[fmt.Sprintf("loop-1 %.2f", 60*float64(v))]
			if got := said[fmt.Sprintf("lpr-1 %.2f", 60*float64(v)+0.5)]; got == "" || got != own {
				t.Errorf("ahead by %v: the plate of vehicle %d is in %q, not in %q", ahead, v, got, own)
			}
		}
		if off := d.Offset("lpr-1"); (off - ahead).Abs() > 2*time.Second {
			t.Errorf("the offset is %v, not %v", off, ahead)
		}
	}
}

// TestReversing: who goes out backwards is the last that came in.
func TestReversing(t *testing.T) {
	d := newDay(t, twoLanes())
	d.take(loop("loop-1", 0), portal("rpm-1", 5, false), loop("loop-2", 12), loop("loop-1", 20))
	back := loop("loop-1", 40)
	back.Body.GetVehicleDetection().Direction = "reverse"
	d.take(back)
	d.wait(600)
	d.together("loop-1 20.00", back.Key)
	doc := d.doc(back.Key)
	if doc.End != observation.PassageEnd_PASSAGE_END_REVERSED || doc.Direction != observation.PassageDirection_PASSAGE_DIRECTION_REVERSE {
		t.Errorf("%v", doc)
	}
	d.together("loop-1 0.00", "rpm-1 5.00", "loop-2 12.00")
}

// TestTailgating: vehicles close behind each other keep their order, and each its weighing.
func TestTailgating(t *testing.T) {
	d := newDay(t, twoLanes())
	for v := range 20 {
		d.take(through(60*float64(v), fmt.Sprintf("W%02dX", v))...)
	}
	first, second := through(1300, "AAA111"), through(1305.5, "BBB222")
	d.take(first[:2]...)
	d.take(first[2], second[0], second[1], first[3], second[2], first[4], first[5], second[3], second[4], second[5])
	d.wait(300)
	d.together(keysOf(first)...)
	d.together(keysOf(second)...)
}

// TestTimeout: who is not seen any more has not left, and what nobody else sees of a neighbour's tag is of no vehicle.
func TestTimeout(t *testing.T) {
	lanes := twoLanes()
	lanes[0].Stations[1].Devices = append(lanes[0].Stations[1].Devices, "rfid-1")
	d := newDay(t, lanes)
	d.take(loop("loop-1", 0), portal("rpm-1", 5, false))
	d.wait(300)
	if doc := d.doc("loop-1 0.00"); doc.End != observation.PassageEnd_PASSAGE_END_TIMEOUT {
		t.Errorf("%v", doc)
	}
	d.take(seen("rfid-1", 400, &observation.VehicleTag{Uri: "urn:epc:id:sgtin:1.2.3", Reads: 1, RssiMaxDbm: -70}))
	d.wait(300)
	if id := d.said()["rfid-1 400.00"]; id != "" {
		t.Errorf("a tag that was heard once is in %s", id)
	}
}

// TestBlind: a station whose device does not run is called blind.
func TestBlind(t *testing.T) {
	d := newDay(t, twoLanes())
	d.take(seen("rpm-1", 0, &observation.DeviceState{State: observation.DeviceState_STATE_RUNNING}))
	d.take(seen("rpm-1", 10, &observation.DeviceState{State: observation.DeviceState_STATE_DOWN}))
	d.take(loop("loop-1", 100), loop("loop-2", 112))
	d.wait(200)
	for _, s := range d.doc("loop-1 100.00").Stations {
		if s.Station == "portal" && s.Gap != observation.PassageGap_PASSAGE_GAP_BLIND {
			t.Errorf("%v", s)
		}
	}
}

// TestWords: what is said of readings, for people.
func TestWords(t *testing.T) {
	d := newDay(t, twoLanes())
	for v := range 12 {
		d.take(through(60*float64(v), fmt.Sprintf("W%02dX", v))...)
	}
	d.wait(300)
	words := map[string]string{}
	terms := map[string]int{}
	for _, r := range d.rows {
		eachStatement(r.Body, func(idx int64, s statement) {
			words[d.rows[idx].Key] = s.reading.Reason
			terms[d.rows[idx].Key] = len(s.reading.Terms)
		})
	}
	for key, want := range map[string]string{
		"loop-1 660.00": "first detection", "loop-2 672.00": "matches ", "xray-1 668.00": "W11X",
	} {
		if !strings.Contains(words[key], want) || terms[key] == 0 {
			t.Errorf("of %s it says %q with %d terms", key, words[key], terms[key])
		}
	}
	for _, p := range d.documents() {
		for _, r := range p.Readings {
			if len(r.Terms) > 0 || r.Reason == "" || r.Station == "" {
				t.Errorf("%v", r)
			}
		}
	}
}

// TestWeight: the last weighing of the whole vehicle counts, else the sum of the last of each axle.
func TestWeight(t *testing.T) {
	axle := func(at float64, n uint32, kg float64) proto.Message {
		return &observation.VehicleWeight{Axle: n, Kg: kg}
	}
	for _, c := range []struct {
		name string
		all  []proto.Message
		want float64
	}{
		{"none", nil, 0},
		{"the whole", []proto.Message{axle(0, 0, 9000)}, 9000},
		{"twice", []proto.Message{axle(0, 0, 9000), axle(1, 0, 9100)}, 9100},
		{"axles", []proto.Message{axle(0, 1, 4000), axle(1, 2, 5000)}, 9000},
		{"an axle twice", []proto.Message{axle(0, 1, 4000), axle(1, 1, 4100), axle(2, 2, 5000)}, 9100},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDay(t, twoLanes())
			d.take(loop("loop-1", 0), portal("rpm-1", 5, false), loop("loop-2", 12))
			for i, m := range c.all {
				d.take(seen("scale-1", 13+0.6*float64(i), m))
			}
			d.wait(200)
			if got := d.doc("loop-1 0.00").WeightKg; got != c.want {
				t.Errorf("%.0f kg, not %.0f", got, c.want)
			}
		})
	}
}
