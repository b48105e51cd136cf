package passage

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lanewarden/drivers/kinds"
	"lanewarden/drivers/observation"
	"lanewarden/edge/journal"
	"lanewarden/edge/lane/passage/detection"
)

// scanned adds a detection of the scanner to its late results, at so many seconds and with names of scans.
func scanned(g *group, idx int64, at float64, links ...string) *reading {
	d := detection.Of(idx, image("xray-1", at, ""), 0)
	d.Links = links
	g.addDetection(d)
	return g.readings[idx]
}

// TestReportOrder: late results of a device are in the order of their times, of two at one time the one that came
// first is first.
func TestReportOrder(t *testing.T) {
	g := newGroups(twoLanes())[0]
	for i, at := range []float64{50, 20, 80, 20, 50} {
		scanned(g, int64(i), at)
	}
	var got []int64
	for _, p := range g.reports["xray-1"] {
		got = append(got, p.readings[0].det.Idx)
		if p.arrived != p.readings[0].det.Arrived || p.again != p.arrived || p.at != p.readings[0].det.At {
			t.Errorf("%+v", p)
		}
	}
	if want := []int64{1, 3, 0, 4, 2}; !slices.Equal(got, want) {
		t.Errorf("%v, not %v", got, want)
	}
	if len(g.waiting) != 0 || len(g.unsettled) != 5 {
		t.Errorf("%d wait for the window, %d can change", len(g.waiting), len(g.unsettled))
	}
}

// TestReportLinks: results that share a name of a scan or image, directly or through others, are one report, and go
// where its first one goes; it is looked at again as soon as one of them asks for that.
func TestReportLinks(t *testing.T) {
	g := newGroups(twoLanes())[0]
	v, other := g.known("a"), g.known("b")
	first := scanned(g, 1, 8, "scan 1", "image 1")
	p := g.reports["xray-1"][0]
	p.again = sec(500)
	first.assign(v)
	first.setOther(other, 0.3, nil)
	first.confidence, first.placed = 0.7, true
	second := scanned(g, 2, 9, "image 1", "image 2")
	third := scanned(g, 3, 10, "image 2")
	if len(g.reports["xray-1"]) != 1 || !slices.Equal(p.readings, []*reading{first, second, third}) {
		t.Fatalf("%d reports, of %d readings", len(g.reports["xray-1"]), len(p.readings))
	}
	if third.vehicle != v || third.other != other || third.otherShare != 0.3 || third.confidence != 0.7 || !third.placed ||
		third.final || !third.linked || first.linked {
		t.Errorf("%+v", third)
	}
	if p.again != second.det.Arrived || p.at != first.det.At {
		t.Errorf("it is looked at again at %.1f s", p.again-sec(0))
	}
	p.final = true
	if last := scanned(g, 4, 11, "scan 1"); !last.final {
		t.Error("what comes when it is decided can still change")
	}
	if scanned(g, 5, 8, "scan 2"); len(g.reports["xray-1"]) != 2 {
		t.Error("another scan is of the same report")
	}
}

// TestReportAlarm: a report hurries while one of its readings is an alarm that was not journalled.
func TestReportAlarm(t *testing.T) {
	event, alarm := observation.Class_CLASS_EVENT, observation.Class_CLASS_ALARM
	of := func(class observation.Class, said *stated) *reading {
		return &reading{det: &detection.Detection{Class: class}, stated: said}
	}
	for name, c := range map[string]struct {
		readings []*reading
		want     bool
	}{
		"no alarm":           {[]*reading{of(event, nil)}, false},
		"an alarm":           {[]*reading{of(event, nil), of(alarm, nil)}, true},
		"journalled already": {[]*reading{of(event, nil), of(alarm, &stated{})}, false},
	} {
		if got := (&report{readings: c.readings}).alarm(); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// TestReportAgain: a late result is looked at when it comes, half a minute and two minutes later; then it is decided
// for good, and let go.
func TestReportAgain(t *testing.T) {
	for name, c := range map[string]struct {
		again, now, want float64 // s after it came
		final            bool
	}{
		"at once":                {0, 0, reportSoon, false},
		"soon":                   {0, reportSoon - 0.5, reportSoon + 0.5, false},
		"just before":            {0, reportSoon - 1, reportSoon, false},
		"after half a minute":    {reportSoon, reportSoon, reportLast, false},
		"not yet again":          {reportLast, reportSoon + 1, reportLast, false},
		"just before the end":    {reportSoon, reportLast - 0.1, reportLast, false},
		"after two minutes":      {reportLast, reportLast, reportLast, true},
		"not asked, after those": {reportLast + 1, reportLast, reportLast + 1, false},
	} {
		k := New(twoLanes())
		g := k.groups[0]
		sightings(g, "a", map[string]float64{"loop-1": 0, "loop-2": 12})
		r := scanned(g, 100, 8)
		p := g.reports["xray-1"][0]
		p.again, k.now = p.arrived+c.again, p.arrived+c.now
		if g.alignDevice(k, g.reports["xray-1"]); p.again != p.arrived+c.want || p.final != c.final || r.final != c.final {
			t.Errorf("%s: again after %.1f s, final %v", name, p.again-p.arrived, p.final)
		}
	}
}

// TestReportsDue: of the late results of a device only those that are due are compared, with those near them in
// time; what is decided for good is no longer among them.
func TestReportsDue(t *testing.T) {
	k := New(twoLanes())
	g := k.groups[0]
	sightings(g, "a", map[string]float64{"loop-1": 0, "loop-2": 12})
	near, beside, far := scanned(g, 100, 8), scanned(g, 101, 20), scanned(g, 102, 1000)
	all := g.reports["xray-1"]
	for _, p := range all {
		p.arrived, p.again = sec(0), sec(5000)
	}
	k.now = sec(2000)
	if g.align(k, true); near.terms != nil || far.terms != nil {
		t.Fatal("they are compared before that is due")
	}
	all[0].again = k.now
	all[0].arrived = k.now - reportLast
	if g.align(k, true); near.terms == nil || beside.terms == nil || far.terms != nil {
		t.Errorf("compared are %v, %v, %v", near.terms != nil, beside.terms != nil, far.terms != nil)
	}
	if left := g.reports["xray-1"]; len(left) != 2 || left[0].readings[0] != beside || !near.final || beside.final {
		t.Errorf("%d are left", len(left))
	}
	if got := g.deviceOrder(); !slices.Equal(got, []string{"xray-1"}) {
		t.Errorf("devices with late results: %q", got)
	}
	g.reports["xray-1"], g.reports["scale-1"], g.reports["loop-1"] = all, all, nil
	if got := g.deviceOrder(); !slices.Equal(got, []string{"xray-1", "scale-1"}) {
		t.Errorf("devices with late results: %q", got)
	}
}

// TestReportAmongUnsorted: a late result finds its vehicle when that was enrolled behind one that came in later.
func TestReportAmongUnsorted(t *testing.T) {
	k := New(twoLanes())
	g := k.groups[0]
	sightings(g, "far", map[string]float64{"loop-1": 5000, "loop-2": 5012})
	a := sightings(g, "a", map[string]float64{"loop-1": 0, "loop-2": 12})
	scan := scanned(g, 100, 8)
	k.now = sec(1000)
	if g.align(k, true); scan.vehicle != a || g.vehicles[0] != a {
		t.Errorf("the scan is of %+v", scan.vehicle)
	}
}

// TestReportFinished: what is decided for good is the vehicle's own scan, of which the device's share of vehicles is
// learnt once; not where a person decided, or where it is of no vehicle.
func TestReportFinished(t *testing.T) {
	for name, c := range map[string]struct {
		change func(v *vehicle, p *report)
		seen   bool
		hits   float64
	}{
		"of a vehicle":           {func(v *vehicle, _ *report) { v.counted = true }, true, 1},
		"of one not counted yet": {func(*vehicle, *report) {}, true, 0},
		"of no vehicle":          {func(_ *vehicle, p *report) { p.vehicle = nil }, false, 0},
		"as a person says":       {func(_ *vehicle, p *report) { p.readings[0].pin = &pin{} }, false, 0},
		"of one that has another": {func(v *vehicle, p *report) {
			v.counted, v.seen = true, 1<<p.readings[0].det.Dev
		}, true, 0},
	} {
		k := New(twoLanes())
		g := k.groups[0]
		v := sightings(g, "a", map[string]float64{"loop-1": 0, "loop-2": 12})
		first, second := scanned(g, 100, 8, "scan"), scanned(g, 101, 9, "scan")
		p := g.reports["xray-1"][0]
		p.vehicle = v
		c.change(v, p)
		rate := g.model.HitRate(first.det.Dev)
		for range 4 {
			rate.Add(false)
		}
		before := rate.Hits()
		if g.finish(p); !p.final || !first.final || !second.final {
			t.Errorf("%s: it can still change", name)
		}
		if seen := v.seen&(1<<first.det.Dev) != 0; seen != c.seen || (rate.Hits()-before > 0.5) != (c.hits > 0) {
			t.Errorf("%s: it is the vehicle's scan: %v, %.1f hits more", name, seen, rate.Hits()-before)
		}
	}
}

// TestReportAskedAbout: what is asked about does not speak for itself: neither its name nor its time counts as the
// vehicle's.
func TestReportAskedAbout(t *testing.T) {
	g := newGroups(twoLanes())[0]
	v := sightings(g, "a", map[string]float64{"loop-1": 0, "rpm-1": 5, "loop-2": 12})
	v.seen, v.lane = 4, 0
	asked := v.readings[1]
	asked.det.Names = []kinds.Name{{Kind: "plate", Value: "A", Sure: 1}}
	v.readings[2].confidence = 0.6 // where it was counts, though nothing is learnt of it
	v.changed()
	with, without := g.vehicle(v, nil), g.vehicle(v, map[*reading]bool{asked: true})
	if len(with.Names) != 1 || len(without.Names) != 0 || with.Reported != 4 ||
		with.First != sec(0) || with.Last != sec(16) {
		t.Errorf("%+v, %+v", with, without)
	}
	if len(with.Fixes) != 3 || len(g.room) != len(with.Fixes)+len(without.Fixes) || cap(without.Fixes) != len(without.Fixes) {
		t.Errorf("%d and %d fixes in a room of %d", len(with.Fixes), len(without.Fixes), len(g.room))
	}
}

// TestAlarmed: an alarm that is assigned to nobody yet makes the correlator look at every second, once it has waited
// for what happened before it.
func TestAlarmed(t *testing.T) {
	for name, c := range map[string]struct {
		change func(g *group, r *reading)
		want   bool
	}{
		"an alarm":    {func(*group, *reading) {}, true},
		"no alarm":    {func(_ *group, r *reading) { r.det.Class = observation.Class_CLASS_EVENT }, false},
		"told":        {func(_ *group, r *reading) { r.stated = &stated{} }, false},
		"decided":     {func(_ *group, r *reading) { r.placed = true }, false},
		"still waits": {func(g *group, r *reading) { g.waiting = append(g.waiting, r.det) }, false},
		"others wait": {func(g *group, r *reading) { g.waiting = append(g.waiting, &detection.Detection{}) }, true},
		"not the last": {func(g *group, _ *reading) {
			g.unsettled = append(g.unsettled, &reading{det: &detection.Detection{}})
		}, true},
	} {
		g := newGroups(twoLanes())[0]
		r := &reading{det: &detection.Detection{Class: observation.Class_CLASS_ALARM}}
		g.unsettled = []*reading{r}
		if c.change(g, r); g.alarmed() != c.want {
			t.Errorf("%s: %v", name, !c.want)
		}
	}
}

// TestClockStepForgets: when a clock was set, the times that it showed before count no more; the same report again
// is one time.
func TestClockStepForgets(t *testing.T) {
	k := New(twoLanes())
	g := k.groups[0]
	note := func(i int, ahead time.Duration) time.Duration {
		return k.offset(g, ownClock(plate("lpr-1", 60*float64(i), "A"), ahead))
	}
	for i := range 20 {
		note(i, 0)
		note(i, 0)
	}
	c := k.clocks["lpr-1"]
	c.phase.Add([]float64{1})
	if len(c.raws) != 20 || g.late["lpr-1"] {
		t.Fatalf("%d times are known", len(c.raws))
	}
	for i := 20; i < 40; i++ {
		note(i, time.Hour)
	}
	if c != k.clocks["lpr-1"] || len(c.raws) >= 20 || c.raws[0] < sec(3600) {
		t.Errorf("%d times are known, from %.0f s", len(c.raws), c.raws[0]-sec(0))
	}
	if off := note(40, time.Hour); off < 59*time.Minute {
		t.Errorf("it is ahead by %v", off)
	}
	if off := k.offset(g, loop("loop-1", 3)); off != 0 || len(k.clocks) != 1 {
		t.Errorf("by the agent's clock: %v", off)
	}
}

// TestFrontAt: when a vehicle's front was at a place is known by what saw the front nearby, surely and by the
// agent's clock.
func TestFrontAt(t *testing.T) {
	for name, c := range map[string]struct {
		change func(r *reading)
		want   bool
	}{
		"a loop":          {func(*reading) {}, true},
		"a tag":           {func(r *reading) { r.det.Tag = true }, false},
		"a weighing":      {func(r *reading) { r.det.Weighs = true }, false},
		"its own clock":   {func(r *reading) { r.det.Raw++ }, false},
		"a moment":        {func(r *reading) { r.det.Lasts = 0 }, false},
		"not sure":        {func(r *reading) { r.confidence = sure - 0.01 }, false},
		"backwards":       {func(r *reading) { r.det.Reverse = true }, false},
		"of another lane": {func(r *reading) { r.foreign = true }, false},
	} {
		g := newGroups(twoLanes())[0]
		v := sightings(g, "a", map[string]float64{"loop-1": 0})
		c.change(v.readings[0])
		if at, ok := g.frontAt(v, 14.9); ok != c.want || ok && (at < sec(7.4) || at > sec(7.5)) {
			t.Errorf("%s: %.2f s, %v", name, at-sec(0), ok)
		}
		if _, ok := g.frontAt(v, 15); ok {
			t.Errorf("%s: 15 m away", name)
		}
	}
}

// running starts a follower of a journal in which one vehicle went through, and stops it at the test's end.
func running(t *testing.T, s *shelf) *Follower {
	ctx, cancel := context.WithCancel(t.Context())
	f := NewFollower(s, twoLanes(), slog.New(slog.DiscardHandler))
	done := make(chan error)
	go func() { done <- f.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	for _, o := range through(0, "AAA111") {
		if _, err := s.Commit(ctx, o); err != nil {
			t.Fatal(err)
		}
	}
	<-time.After(10 * time.Minute)
	return f
}

// corrections returns the corrections in a journal.
func corrections(t *testing.T, s *shelf) (out []*observation.PassageCorrected) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.rows {
		o, err := s.rows[i].Observation()
		if err != nil {
			t.Fatal(err)
		}
		if p := o.Body.GetPassageCorrected(); p != nil {
			out = append(out, p)
		}
	}
	return out
}

// TestCorrect: a person's correction is durable when Correct returns, says who made it, from where and why; an
// account with the lane's name is told apart from the lane.
func TestCorrect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShelf()
		f := running(t, s)
		s.mu.Lock()
		own := groupsOf((&agent{Follower: f, t: t, s: s}).said())["loop-1 0.00"]
		s.mu.Unlock()
		if len(own) < 5 {
			t.Fatalf("together are %q", own)
		}
		for _, by := range []string{"ada", byLane} {
			if err := f.Correct(t.Context(), 5, "", "seen by eye", by); err != nil {
				t.Fatal(err)
			}
		}
		all := corrections(t, s)
		if len(all) != 2 {
			t.Fatalf("%v", all)
		}
		if p := all[0]; p.Idx != 5 || p.From == "" || p.To != "" || p.By != "ada" || p.Reason != "seen by eye" ||
			p.Reading.GetConfidence() != 1 || p.Reading.GetPinnedBy() != "ada" || p.Reading.GetStation() != "exit" {
			t.Errorf("%v", p)
		}
		if p := all[1]; p.By != "lane (account)" || p.From != "" {
			t.Errorf("%v", p)
		}
		for idx, want := range map[int64]error{0: nil, 99: errNoRecord} {
			err := f.Correct(t.Context(), idx, "lane-1-20200101T000000-9", "", "ada")
			if err == nil || want != nil && !strings.Contains(err.Error(), want.Error()) {
				t.Errorf("row %d to a passage that never was: %v", idx, err)
			}
		}
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		if err := f.Correct(ended, 5, "", "", "ada"); !errors.Is(err, errNoPassages) {
			t.Errorf("nobody waits any more: %v", err)
		}
	})
}

var errNoRecord = errors.New("no record")

// TestCorrectRefused: a correction that cannot be journalled, or before which the journal cannot be read, is an
// error, and nothing is corrected.
func TestCorrectRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShelf()
		f := running(t, s)
		s.mu.Lock()
		s.refuses = 1
		s.mu.Unlock()
		if err := f.Correct(t.Context(), 5, "", "", "ada"); err == nil || len(corrections(t, s)) != 0 {
			t.Errorf("%v", err)
		}
		s.mu.Lock()
		s.broken = true
		s.mu.Unlock()
		if err := f.Correct(t.Context(), 5, "", "", "ada"); err == nil || len(corrections(t, s)) != 0 {
			t.Errorf("%v", err)
		}
		s.mu.Lock()
		s.broken = false
		s.mu.Unlock()
	})
}

// TestSearchLast: the last word of the journal about a reading counts; an old correction that does not repeat the
// reading leaves it as it was told before.
func TestSearchLast(t *testing.T) {
	a := start(t, newShelf(), twoLanes())
	a.takes(through(0, "AAA111")...)
	a.waits(300)
	id := a.said()["scale-1 13.00"]
	idx := int64(slices.IndexFunc(a.s.rows, func(r journal.Row) bool { return r.Key == "scale-1 13.00" }))
	said := &observation.PassageCorrected{Idx: idx, From: id, By: "ada"}
	old := observation.New(observation.Class_CLASS_EVENT, dawn.Add(time.Hour), said)
	old.Device, old.Key = observation.AgentDevice, "old"
	a.takes(old)
	got, err := a.search(t.Context(), idx, id)
	if err != nil || got.from.passage != "" || got.from.reading.GetStation() != "exit" || !got.to {
		t.Errorf("%+v, %v", got, err)
	}
	if got, err = a.search(t.Context(), idx, "lane-1-20260504T060000-9"); err != nil || got.to || got.from.reading == nil {
		t.Errorf("%+v, %v", got, err)
	}
	a.s.rows = append(a.s.rows, journal.Row{Idx: int64(len(a.s.rows)), Device: observation.AgentDevice,
		Kind: observation.Kind_KIND_PASSAGE_OPENED, Body: []byte{0xff}})
	if _, err := a.search(t.Context(), idx, id); err == nil {
		t.Error("a row that cannot be read is passed over")
	}
}
