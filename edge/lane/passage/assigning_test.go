package passage

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"testing"

	"lanewarden/drivers/observation"
	"lanewarden/edge/lane/passage/associate"
	"lanewarden/edge/lane/passage/motion"
)

// TestFixedReportTeaches: a late result whose vehicle was fixed is decided when all that belongs to it has come, not
// before, and from then on its vehicle has had its result of that device.
func TestFixedReportTeaches(t *testing.T) {
	g := newGroups(twoLanes())[0]
	v := sightings(g, "a", map[string]float64{"loop-1": 0, "xray-1": 8, "loop-2": 12})
	r := v.readings[1]
	r.final = false
	p := &report{readings: []*reading{r}, arrived: 1000}
	g.reports["xray-1"] = []*report{p}
	g.settleReport(p, v)
	if len(g.reports["xray-1"]) != 0 || p.vehicle != v {
		t.Errorf("fixed: %d reports are still to be decided, it is of %v", len(g.reports["xray-1"]), p.vehicle)
	}
	if g.finishFixed(1000 + reportLast - 0.1); r.final || v.seen != 0 || len(g.fixed) != 1 {
		t.Errorf("before its time: final %v, results of %b, %d fixed", r.final, v.seen, len(g.fixed))
	}
	if g.finishFixed(1000 + reportLast); !r.final || v.seen != 1<<r.det.Dev || len(g.fixed) != 0 {
		t.Errorf("in its time: final %v, results of %b, %d fixed", r.final, v.seen, len(g.fixed))
	}
}

// TestGapAtFront: a vehicle has come to a station that is at the very place where it was seen last.
func TestGapAtFront(t *testing.T) {
	lanes := twoLanes()
	lanes[0].Stations = append(lanes[0].Stations, Station{ID: "camera", Position: 10, Devices: []string{"lpr-9"}})
	k := New(lanes)
	g := k.groups[0]
	i := slices.IndexFunc(g.lanes[0].Stations, func(s Station) bool { return s.ID == "camera" })
	v := sightings(g, "a", map[string]float64{"loop-1": 0, "rpm-1": 5})
	const nothing = observation.PassageGap_PASSAGE_GAP_NOTHING_READ
	if s := k.station(g, v, &g.lanes[0].Stations[i]); s.Gap != nothing {
		t.Errorf("while it is in the lane: %v", s.Gap)
	}
	v.closed, v.end = sec(100), observation.PassageEnd_PASSAGE_END_TIMEOUT
	if s := k.station(g, v, &g.lanes[0].Stations[i]); s.Gap != nothing {
		t.Errorf("timed out there: %v", s.Gap)
	}
}

// TestLearnsAfterSettling: a passage that is over is learnt from when nothing of it changes any more, not before.
func TestLearnsAfterSettling(t *testing.T) {
	k := New(twoLanes())
	g := k.groups[0]
	v := sightings(g, "a", map[string]float64{"loop-1": 0, "loop-2": 12})
	v.closed, v.end, v.opened, v.ended = sec(100), observation.PassageEnd_PASSAGE_END_LEFT, true, true
	k.now = v.closed + settle - 1
	if k.close(g); v.counted || g.taught != 0 || !slices.Contains(g.active, v) {
		t.Errorf("before that: counted %v, %d taught", v.counted, g.taught)
	}
	k.now = v.closed + settle
	if k.close(g); !v.counted || g.taught != 1 || slices.Contains(g.active, v) {
		t.Errorf("then: counted %v, %d taught", v.counted, g.taught)
	}
}

// TestOneVehicleOneLabel: no two labels have the same vehicle, whether its readings are decided or not.
func TestOneVehicleOneLabel(t *testing.T) {
	for name, final := range map[string]bool{"decided": true, "not decided": false} {
		g := newGroups(twoLanes())[0]
		v := sightings(g, "a", map[string]float64{"loop-1": 0, "rpm-1": 5})
		var all []associate.Assignment
		for i, r := range v.readings {
			r.label, r.final = int64(i+1), final
			r.det.Idx = int64(i + 1)
			g.readings[r.det.Idx] = r
			g.byLabel[r.label] = v
			all = append(all, associate.Assignment{Detection: r.det, Label: r.label})
		}
		if g.labelVehicles(all); g.byLabel[1] != v || g.byLabel[2] == v || g.byLabel[2] == nil {
			t.Errorf("%s: labels have %p and %p, the vehicle is %p", name, g.byLabel[1], g.byLabel[2], v)
		}
	}
}

// TestUnsaidBeforeStop: what was decided while the past is read, and what the journal does not say, is to be said after
// it; what the journal says is not.
func TestUnsaidBeforeStop(t *testing.T) {
	k := New(twoLanes())
	g := k.groups[0]
	v := sightings(g, "a", map[string]float64{"loop-1": 0, "loop-2": 12})
	k.past = &replay{history: newHistory()}
	for i, r := range v.readings {
		r.det.Idx = int64(i + 1)
		now := r.now()
		r.stated = &now
		g.readings[r.det.Idx] = r
		g.unsettled = append(g.unsettled, r)
	}
	k.past.lane[1] = statement{passage: "a", reading: &observation.PassageReading{Confidence: 1}}
	g.releaseSettled(k)
	if len(g.unsettled) != 0 || len(k.past.unsaid) != 1 || k.past.unsaid[0] != v.readings[1] {
		t.Fatalf("%d are loose, to be said %v", len(g.unsettled), k.past.unsaid)
	}
	k.resume()
	if r := v.readings[1]; len(g.unsettled) != 1 || g.unsettled[0] != r || r.stated != nil {
		t.Errorf("after it %d are loose", len(g.unsettled))
	}
}

// TestResumeActive: after a restart a passage of which the journal has no end is followed until it has one.
func TestResumeActive(t *testing.T) {
	g := newGroups(twoLanes())[0]
	open := sightings(g, "open", map[string]float64{"loop-1": 0})
	over := sightings(g, "over", map[string]float64{"loop-1": 100})
	p := &replay{history: newHistory()}
	p.closed["over"] = &observation.PassageClosed{Id: "over", ClosedNs: 5e9}
	g.active = nil
	g.resume(p)
	if !slices.Equal(g.active, []*vehicle{open}) || !over.ended || over.closed != 5 {
		t.Errorf("%d are followed; the other one: %+v", len(g.active), over)
	}
}

// TestLaneAlone: one device that stands in a lane alone counts for more than all that stand in several.
func TestLaneAlone(t *testing.T) {
	station := func(devices ...string) []Station { return []Station{{ID: "s", Devices: devices}} }
	g := newGroups([]Lane{
		{ID: "lane-1", Stations: station("x", "y", "z")}, {ID: "lane-2", Stations: station("x", "y", "z", "link")},
		{ID: "lane-3", Stations: station("link", "own")},
	})[0]
	var all []*reading
	for _, d := range []string{"x", "y", "z", "own"} {
		r := sightings(g, d, map[string]float64{d: 0}).readings[0]
		all = append(all, r)
	}
	if got := g.laneOf(all); g.lanes[got].ID != "lane-3" {
		t.Errorf("it is of %s", g.lanes[got].ID)
	}
}

// TestFollowerFetches: the follower's correlator finds rows that it has let go in the journal.
func TestFollowerFetches(t *testing.T) {
	a := start(t, newShelf(), twoLanes())
	a.takes(loop("loop-1", 0))
	if row, ok := a.correlator.Fetch(0); !ok || row.Key != "loop-1 0.00" {
		t.Errorf("%v, %v", row, ok)
	}
}

// TestRunReportsUnreadable: what cannot be read back at the start is reported in the log; else nothing is.
func TestRunReportsUnreadable(t *testing.T) {
	s := newShelf()
	start(t, s, twoLanes()).takes(loop("loop-1", 0))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	run := func(j Journal) string {
		var log strings.Builder
		if err := NewFollower(j, twoLanes(), slog.New(slog.NewTextHandler(&log, nil))).Run(ctx); err != nil {
			t.Fatal(err)
		}
		return log.String()
	}
	const cannot = "cannot be read back"
	if got := run(newShelf()); strings.Contains(got, cannot) {
		t.Errorf("of an empty journal: %s", got)
	}
	if got := run(brokenAt{s}); !strings.Contains(got, cannot) {
		t.Errorf("of one that cannot be read: %q", got)
	}
}

// TestAlignWhenDue: late results are compared with vehicles when that is due, an alarm at any second.
func TestAlignWhenDue(t *testing.T) {
	for name, c := range map[string]struct{ due, alarm, want bool }{
		"not due": {}, "due": {due: true, want: true}, "an alarm": {alarm: true, want: true},
	} {
		k := New(twoLanes())
		g := k.groups[0]
		v := sightings(g, "a", map[string]float64{"loop-1": 0, "xray-1": 8, "loop-2": 12})
		r := v.readings[1]
		r.assign(nil)
		r.final, r.placed = false, false
		if c.alarm {
			r.det.Class = observation.Class_CLASS_ALARM
		}
		k.now = sec(30)
		g.reports["xray-1"] = []*report{{readings: []*reading{r}, at: r.det.At, arrived: sec(29), again: sec(30)}}
		if g.align(k, c.due); (r.terms != nil) != c.want {
			t.Errorf("%s: compared %v", name, r.terms != nil)
		}
	}
}

// TestBoundUnreadable: where the journal is to be read from is not known when it cannot be read.
func TestBoundUnreadable(t *testing.T) {
	s := newShelf()
	start(t, s, twoLanes()).takes(loop("loop-1", 0))
	f := NewFollower(brokenAt{s}, twoLanes(), slog.New(slog.DiscardHandler))
	if _, err := f.restoreFrom(s.Size()); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("error %v", err)
	}
}

// TestCompareReach: times of a device by its own clock are held against vehicles within 20 s, of one that reports late
// within 150 s.
func TestCompareReach(t *testing.T) {
	for _, c := range []struct {
		device string
		lag    float64
		want   bool
	}{
		{"lpr-1", timelyReach - 1, true}, {"lpr-1", timelyReach + 1, false}, {"xray-1", timelyReach + 1, true},
		{"xray-1", lateReach - 1, true}, {"xray-1", lateReach + 1, false},
	} {
		k := New(twoLanes())
		g := k.groups[0]
		v := sightings(g, "a", map[string]float64{"loop-1": 0, "rpm-1": 5, "loop-2": 12})
		own := &clock{}
		at, ok := g.frontAt(v, g.layout.Position(0, g.devices[c.device]))
		if !ok {
			t.Fatal("nobody saw it near")
		}
		own.raws.note(at + c.lag)
		k.clocks[c.device] = own
		var want motion.Phase
		if c.want {
			want.Add([]float64{own.raws[0] - at})
		} else {
			want.Add(nil)
		}
		if k.compareClocks(g, v); !reflect.DeepEqual(own.phase, want) {
			t.Errorf("%s, %.0f s apart: %+v, not %+v", c.device, c.lag, own.phase, want)
		}
	}
}

// TestAdoptAnew: a reading has the other candidate that the window names now, not the one that it named before; a
// vehicle of this detection alone is none.
func TestAdoptAnew(t *testing.T) {
	k := New(twoLanes())
	g := k.groups[0]
	g.taught = fewTaught
	own := sightings(g, "own", map[string]float64{"loop-1": 0})
	other := sightings(g, "other", map[string]float64{"loop-1": 60})
	r := own.readings[0]
	r.label, r.det.Idx = 1, 1
	g.readings[1], g.byLabel[1], g.byLabel[2] = r, own, other
	terms := associate.Terms{From: -1}
	shares := func(also ...associate.Share) {
		all := append([]associate.Share{{Label: 1, Probability: 0.7, Terms: &terms}}, also...)
		g.adopt(k, []associate.Assignment{{Detection: r.det, Label: 1, Shares: all}})
	}
	shares(associate.Share{Label: 2, Probability: 0.3, Terms: &terms})
	if r.other != other || r.otherShare != 0.3 || len(other.otherCandidateOf) != 1 || r.vehicle != own {
		t.Errorf("of two: %v with %.2f", r.other, r.otherShare)
	}
	if shares(); r.other != nil || r.otherShare != 0 || r.otherTerms != nil || len(other.otherCandidateOf) != 0 {
		t.Errorf("of one: still %v with %.2f", r.other, r.otherShare)
	}
	if shares(associate.Share{Label: 1, Probability: 0.3, Terms: &terms}); r.other != nil || r.otherShare != 0.3 {
		t.Errorf("of one that nobody else saw: %v with %.2f", r.other, r.otherShare)
	}
}

// TestFixPresence: a fix says how long the device saw the vehicle, and for how long it stood there; a tag
// that was heard for long says nothing of that.
func TestFixPresence(t *testing.T) {
	g := newGroups(twoLanes())[0]
	v := sightings(g, "a", map[string]float64{"loop-1": 0})
	d := v.readings[0].det
	if s := g.fix(v, d); s.Presence != d.Lasts || s.Presence < 3.9 || s.At != d.At || s.Late {
		t.Errorf("%+v", s)
	}
	for range 40 {
		g.model.LearnPresence(d.Dev, 4, 7.5, 2)
	}
	d.Lasts = 100 // a vehicle of 8 m at 2 m/s passes in less than ten seconds
	if s := g.fix(v, d); s.Presence != 100 || s.Standing < 80 || s.Standing >= 100 {
		t.Errorf("of one that stood there: %+v", s)
	}
	d.Tag = true
	if s := g.fix(v, d); s.Presence != 0 || s.Standing != 0 {
		t.Errorf("of a tag: %+v", s)
	}
}

// TestVehiclesSorted: vehicles are in the order of their first detections, also when one of them loses its first; late
// results are looked for in that order.
func TestVehiclesSorted(t *testing.T) {
	g := newGroups(twoLanes())[0]
	b := sightings(g, "b", map[string]float64{"loop-1": 60, "loop-2": 200})
	a := sightings(g, "a", map[string]float64{"loop-1": 30})
	c := sightings(g, "c", map[string]float64{"loop-1": 90})
	if g.sortVehicles(); !slices.Equal(g.vehicles, []*vehicle{a, b, c}) || len(g.changed) != 0 {
		t.Errorf("%s, %s, %s; %d have changed", g.vehicles[0].id, g.vehicles[1].id, g.vehicles[2].id, len(g.changed))
	}
	b.readings[0].assign(nil)
	if g.sortVehicles(); !slices.Equal(g.vehicles, []*vehicle{a, c, b}) || b.listed {
		t.Errorf("without its first: %s, %s, %s", g.vehicles[0].id, g.vehicles[1].id, g.vehicles[2].id)
	}
}
