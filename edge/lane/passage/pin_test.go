package passage

import (
	"math"
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/observation"
	"lanewarden/edge/lane/passage/detection"
)

// three lets three vehicles through lane 1, one through lane 2, and hears nobody's plate once.
func three(d *day) {
	d.take(through(0, "AAA111")...)
	d.take(through(30, "BBB222")...)
	d.take(loop("loop-3", 41), loop("loop-4", 51))
	d.take(through(60, "CCC333")...)
	d.wait(200)
}

// TestPin puts readings elsewhere, and holds live state against the state of a correlator that reads the journal anew.
func TestPin(t *testing.T) {
	const scale = "scale-1 13.00"
	for _, c := range []struct {
		name string
		key  string
		to   string // a reading of the passage; "" for none
		late bool   // more comes of the vehicles afterwards
	}{
		{"a weighing to the next vehicle", scale, "loop-1 30.00", false},
		{"a weighing to none", scale, "", false},
		{"a weighing stays", scale, "loop-1 0.00", false},
		{"the first detection to the next vehicle", "loop-1 0.00", "loop-1 30.00", false},
		{"a reading to a vehicle of a lane that the device does not see", scale, "loop-3 41.00", false},
		{"a reading of another lane to a vehicle of this one", "loop-3 41.00", "loop-1 0.00", false},
		{"a scan, whose quality comes afterwards", "xray-1 8.00", "loop-1 30.00", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDay(t, twoLanes())
			three(d)
			to := ""
			if c.to != "" {
				to = d.said()[c.to]
			}
			d.correct(c.key, to)
			if c.late {
				d.take(quality("xray-1", 300, "AAA111"))
			}
			d.take(through(400, "DDD444")...)
			d.wait(600)
			d.pinned(c.key, to)
			if c.late && d.said()["xray-1 300.00"] != to {
				t.Errorf("what is of the same scan is in %q", d.said()["xray-1 300.00"])
			}
			again := newDay(t, twoLanes())
			again.rows = d.rows
			for _, r := range d.rows {
				again.Take(r)
			}
			again.Flush()
			again.pinned(c.key, to)
			d.Flush()
			sameDocuments(t, d.Correlator, again.Correlator)
		})
	}
}

// pinned fails unless a reading is in a passage, in the journal, in memory and in the passage's document, and in no
// other's.
func (d *day) pinned(key, to string) {
	d.t.Helper()
	if got := d.said()[key]; got != to {
		d.t.Errorf("the journal says that %s is in %q, not %q", key, got, to)
	}
	idx := d.row(key)
	for _, g := range d.groups {
		for _, v := range g.vehicles {
			doc := d.document(g, v)
			i := slices.IndexFunc(doc.Readings, func(r *observation.PassageReading) bool { return r.Idx == idx })
			if (i >= 0) != (v.id == to) {
				d.t.Errorf("the document of %s has the reading: %v", v.id, i >= 0)
			}
			if i >= 0 && (doc.Readings[i].PinnedBy != "ada" || doc.Readings[i].Confidence != 1) {
				d.t.Errorf("the reading is %v", doc.Readings[i])
			}
		}
	}
}

// sameDocuments fails unless two correlators have the same passages.
func sameDocuments(t *testing.T, a, b *Correlator) {
	t.Helper()
	all := func(c *Correlator) map[string]*observation.PassageClosed {
		out := map[string]*observation.PassageClosed{}
		for _, g := range c.groups {
			for _, v := range g.vehicles {
				if len(v.readings) > 0 {
					out[v.id] = c.document(g, v)
				}
			}
		}
		return out
	}
	x, y := all(a), all(b)
	if len(x) != len(y) {
		t.Errorf("%d passages and %d", len(x), len(y))
	}
	for id, doc := range x {
		if y[id] == nil || !proto.Equal(doc, y[id]) {
			t.Errorf("passage %s:\n%v\n%v", id, doc, y[id])
		}
	}
}

// TestPinHolds: a weighing that a person gave to another vehicle is in its document and in no other's, and what the
// lane finds out later does not move it.
func TestPinHolds(t *testing.T) {
	d := newDay(t, twoLanes())
	three(d)
	d.correct("scale-1 13.00", "")
	if kg := d.doc("loop-1 0.00").WeightKg; kg != 0 {
		t.Errorf("the vehicle still weighs %.0f kg", kg)
	}
	next := d.said()["loop-1 30.00"]
	d.correct("scale-1 13.00", next)
	d.correct("scale-1 43.00", "")
	if kg := d.doc("loop-1 30.00").WeightKg; kg != 12_000 {
		t.Errorf("the next vehicle weighs %.0f kg", kg)
	}
	d.wait(3600)
	d.pinned("scale-1 13.00", next)
	if p := d.rows[len(d.rows)-1].Body.GetPassageCorrected(); p != nil && p.By == byLane {
		t.Errorf("the lane corrected a person: %v", p)
	}
}

// TestPinInLane pins while vehicles are in the lane: what else is seen of them stays together.
func TestPinInLane(t *testing.T) {
	d := newDay(t, twoLanes())
	d.take(loop("loop-1", 0), plate("lpr-1", 0.4, "AAA111"), portal("rpm-1", 5, true))
	d.wait(12)
	own := d.said()["rpm-1 5.00"]
	if own == "" {
		t.Fatal("the alarm is in no passage")
	}
	d.correct("rpm-1 5.00", own)
	d.take(loop("loop-2", 12), weight("scale-1", 13, 12_000))
	d.wait(300)
	d.together("loop-1 0.00", "lpr-1 0.40", "rpm-1 5.00", "loop-2 12.00", "scale-1 13.00")
	if doc := d.doc("loop-1 0.00"); !doc.Alarm {
		t.Error("the passage has lost its alarm")
	}
}

// TestPinForgotten pins what is not in memory any more, or was of a device in no lane.
func TestPinForgotten(t *testing.T) {
	stray := seen("rfid-9", 20, &observation.VehicleTag{Uri: "urn:epc:id:sgtin:1.2.3", Reads: 9})
	d := newDay(t, twoLanes())
	d.take(stray)
	three(d)
	to := d.said()["loop-1 0.00"]
	idx := d.row(stray.Key)
	if _, err := d.Correlator.correct(&correction{idx: idx, to: to, by: "ada"}, dawn); err != errElsewhere {
		t.Fatalf("error %v", err)
	}
	row, _ := d.fetch(idx)
	want := &correction{idx: idx, to: to, reason: "seen by eye", by: "ada", found: &found{row: row}}
	o, err := d.Correlator.correct(want, dawn)
	if err != nil {
		t.Fatal(err)
	}
	d.take(o)
	d.pinned(stray.Key, to)
	if tags := d.doc("loop-1 0.00").Tags; len(tags) != 1 {
		t.Errorf("tags are %v", tags)
	}
	d.correct(stray.Key, "") // now it is in memory
	d.pinned(stray.Key, "")
	want.to, want.found = "lane-1-20260101T000000-0", &found{row: row}
	if _, err := d.Correlator.correct(want, dawn); err == nil {
		t.Error("a passage that never was is accepted")
	}
	want.found.to = true // it was, long ago: nothing here changes
	if o, err = d.Correlator.correct(want, dawn); err != nil {
		t.Fatal(err)
	}
	d.take(o)
	if got := d.said()[stray.Key]; got != want.to {
		t.Errorf("it is in %q", got)
	}
}

// TestPinLateResult: a late result that a person gives to another vehicle counts as that one's scan, and no longer as
// the first one's; a device that is not late leaves no such note.
func TestPinLateResult(t *testing.T) {
	k := New(twoLanes())
	g := k.groups[0]
	first := sightings(g, "first", map[string]float64{"loop-1": 0, "xray-1": 8, "loop-2": 12})
	second := sightings(g, "second", map[string]float64{"loop-1": 60, "loop-2": 72})
	scan := first.readings[1]
	bit := uint64(1) << scan.det.Dev
	first.seen = bit | 1<<63 // and one of another device
	k.assignPinned(scan, second)
	if first.seen != 1<<63 || second.seen != bit || scan.vehicle != second || scan.confidence != 1 {
		t.Errorf("given away: results of devices %b and %b, confidence %.2f", first.seen, second.seen, scan.confidence)
	}
	if k.assignPinned(scan, nil); second.seen != 0 || scan.vehicle != nil {
		t.Errorf("given to none: results of devices %b", second.seen)
	}
	if k.assignPinned(first.readings[0], second); second.seen != 0 {
		t.Errorf("an induction loop's: results of devices %b", second.seen)
	}
}

// TestPinByOwnClock: a row that is not in memory, and of which the journal says nothing yet, gets the time of the
// agent's clock when a person puts it into a passage; of a row that the journal has a time for, that one holds.
func TestPinByOwnClock(t *testing.T) {
	const ahead = 80.0 // s
	k := New(twoLanes())
	k.now = sec(100)
	k.clocks["lpr-1"] = &clock{}
	for i := range 40 {
		k.clocks["lpr-1"].AddOffset(sec(float64(i)), ahead)
	}
	o := ownClock(plate("lpr-1", 50, "AAA111"), ahead*time.Second)
	want := &correction{idx: 7, to: "a", by: "ada", found: &found{row: Row{7, o}}}
	p := k.pinnedRow(want)
	if off := float64(p.TimeNs)/1e9 - sec(50); math.Abs(off) > 1 || p.PinnedBy != "ada" || p.Station != "entry" {
		t.Errorf("%.1f s off: %v", off, p)
	}
	want.found.from.reading = &observation.PassageReading{TimeNs: nanos(sec(49)), Station: "gate"}
	if p = k.pinnedRow(want); p.TimeNs != nanos(sec(49)) || p.Station != "gate" {
		t.Errorf("of what the journal says: %v", p)
	}
}

// TestPinFollows: all that is of a scan goes where a person puts the scan, and is of no other vehicle then; what a
// person put elsewhere by itself stays there.
func TestPinFollows(t *testing.T) {
	g := newGroups(twoLanes())[0]
	was := sightings(g, "was", map[string]float64{"loop-1": 0})
	to := sightings(g, "to", map[string]float64{"loop-1": 60})
	scan := func(idx int64) *reading {
		d := detection.Of(idx, image("xray-1", 8, "AAA111"), 0)
		g.prepare(d)
		r := &reading{det: d, label: noLabel, confidence: 0.8}
		r.assign(was)
		r.setOther(to, 0.2, nil)
		return r
	}
	first, second, pinned := scan(100), scan(101), scan(102)
	pinned.pin = &pin{passage: "was", by: "ada"}
	p := &report{readings: []*reading{first, second, pinned}}
	g.reports["xray-1"] = []*report{{readings: []*reading{scan(103)}}, p}
	first.assign(to) // as the person said
	g.follow(first)
	if second.vehicle != to || second.confidence != 1 || second.other != nil || !second.final || !second.placed ||
		!second.linked || second.foreign {
		t.Errorf("what is of the scan: %+v", second)
	}
	if pinned.vehicle != was || pinned.final {
		t.Errorf("what a person put elsewhere: %+v", pinned)
	}
	if slices.Contains(to.otherCandidateOf, second) || len(to.otherCandidateOf) != 3 {
		t.Errorf("%d readings may still be of the vehicle", len(to.otherCandidateOf))
	}
	if len(g.reports["xray-1"]) != 1 || len(g.fixed) != 1 || p.vehicle != to {
		t.Errorf("%d reports are still to be decided, %d are fixed", len(g.reports["xray-1"]), len(g.fixed))
	}
}

// TestPinFirstDevice: a scan that a person moves is no longer settled for the vehicle that had it, and is for the one
// that gets it, also where the scanner is the first device of the lane.
func TestPinFirstDevice(t *testing.T) {
	k := New([]Lane{{ID: "lane-1", Stations: []Station{
		{ID: "scan", Devices: []string{"xray-1"}, Late: true}, {ID: "exit", Position: 10, Devices: []string{"loop-2"}},
	}}})
	g := k.groups[0]
	from, to := sightings(g, "a", map[string]float64{"loop-2": 0}), sightings(g, "b", map[string]float64{"loop-2": 60})
	d := detection.Of(50, image("xray-1", 1, "A"), 0)
	g.prepare(d)
	scan := &reading{det: d, final: true}
	scan.assign(from)
	from.seen = 1
	if k.assignPinned(scan, to); from.seen != 0 || to.seen != 1 || scan.vehicle != to {
		t.Errorf("settled are scans %b and %b", from.seen, to.seen)
	}
}
