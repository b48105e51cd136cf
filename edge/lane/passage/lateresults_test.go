package passage

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"lanewarden/drivers/kinds"
	"lanewarden/drivers/observation"
	"lanewarden/drivers/observation/units"
	"lanewarden/edge/lane/passage/associate"
	"lanewarden/edge/lane/passage/detection"
)

// TestReportTake: all readings of a report go to its likeliest vehicle, those behind the first as of the same scan. They
// are told at once when that is sure, or for an alarm, else after two minutes; what a person decided stays.
func TestReportTake(t *testing.T) {
	for name, c := range map[string]struct {
		vehicle     int
		probability float64
		alarm       bool
		now         float64
		want        bool
	}{
		"sure":            {0, sure, false, 1, true},
		"not sure":        {0, sure - 0.01, false, 1, false},
		"an alarm":        {0, 0.5, true, 1, true},
		"of no vehicle":   {associate.None, 0.99, false, 1, false},
		"after all":       {0, 0.5, false, reportLast, true},
		"just before":     {0, 0.5, false, reportLast - 0.1, false},
		"none, after all": {associate.None, 0.5, false, reportLast, true},
	} {
		v, other := &vehicle{id: "a"}, &vehicle{id: "b"}
		first, second := &reading{det: &detection.Detection{Idx: 1}}, &reading{det: &detection.Detection{Idx: 2}}
		held := &reading{det: &detection.Detection{Idx: 3}, pin: &pin{}}
		if c.alarm {
			first.det.Class = observation.Class_CLASS_ALARM
		}
		p := &report{readings: []*reading{first, second, held}}
		fits := []associate.Candidate{{Vehicle: c.vehicle, Probability: c.probability}, {Vehicle: 1, Probability: 0.01}}
		p.assign([]*vehicle{v, other}, fits, c.now)
		if first.terms != &fits[0].Terms || first.otherTerms != &fits[1].Terms {
			t.Errorf("%s: the terms are not those of the two candidates", name)
		}
		if first.placed != c.want || second.placed != (c.want && !c.alarm) {
			t.Errorf("%s: placed %v, %v", name, first.placed, second.placed)
		}
		if first.linked || !second.linked || first.other != other || first.otherShare != 0.01 || held.vehicle != nil ||
			held.confidence != 0 {
			t.Errorf("%s: %+v, %+v, %+v", name, first, second, held)
		}
		if (first.vehicle == v) != (c.vehicle == 0) || first.confidence != c.probability {
			t.Errorf("%s: it is of %v with %.2f", name, first.vehicle, first.confidence)
		}
	}
}

// TestFirstRow: a passage's name ends with the row of its first reading.
func TestFirstRow(t *testing.T) {
	for name, want := range map[string]int64{"lane-1-20260504T060000-17": 17, "lane-1-20260504T060000-0": 0, "": 99,
		"x": 99, "lane-": 99, "a--5": 5} {
		if got := firstRow(name, 99); got != want {
			t.Errorf("%q: row %d, not %d", name, got, want)
		}
	}
}

// TestVotes: passages go on under the name under which most of their readings were told, of two with as many the first
// by name; one that is another vehicle's already is not taken.
func TestVotes(t *testing.T) {
	g := newGroups(twoLanes())[0]
	toldIn := func(passage string) stated { return stated{passage: passage} }
	said := func(passages ...string) (out []*reading) {
		for i, p := range passages {
			r := &reading{det: &detection.Detection{Idx: int64(i)}, label: noLabel}
			if p != "-" {
				was := toldIn(p)
				r.stated = &was
			}
			out = append(out, r)
		}
		return out
	}
	none := map[*vehicle]bool{}
	for _, c := range []struct {
		passages []string
		want     string
	}{
		{[]string{"-", ""}, ""}, {[]string{"b"}, "b"}, {[]string{"b", "a", "b"}, "b"}, {[]string{"b", "a"}, "a"},
		{[]string{"a", "b"}, "a"},
		{[]string{"-", "c", "", "c", "a"}, "c"},
	} {
		v := g.elect(1, said(c.passages...), none)
		if (v == nil) != (c.want == "") || v != nil && v.id != c.want {
			t.Errorf("%q: %+v", c.passages, v)
		}
	}
	if v := g.elect(1, said("a", "a", "b"), map[*vehicle]bool{g.byID["a"]: true}); v == nil || v.id != "b" {
		t.Errorf("taken already: %+v", v)
	}
	g.byID["a"].readings = []*reading{{final: true, label: 7}}
	if v := g.elect(1, said("a", "a", "b"), none); v == nil || v.id != "b" {
		t.Errorf("decided under another label: %+v", v)
	}
	if v := g.elect(7, said("a", "a", "b"), none); v == nil || v.id != "a" {
		t.Errorf("decided under its own label: %+v", v)
	}
	was := toldIn("c")
	past := said("b", "b")
	past[0].past = &was
	if v := g.elect(1, past[:1], none); v == nil || v.id != "c" {
		t.Errorf("as it was told before a restart: %+v", v)
	}
}

// TestKnown: a passage that was told belongs to the lane that its name begins with, the longest that fits.
func TestKnown(t *testing.T) {
	g := newGroups(sharing([]string{"x"}, []string{"x"}))[0]
	g.lanes[0].ID, g.lanes[1].ID = "lane", "lane-1"
	for id, lane := range map[string]int{"lane-20260504T060000-1": 0, "lane-1-20260504T060000-1": 1, "other-1": 0} {
		v := g.known(id)
		if v.lane != lane || !v.opened || g.known(id) != v {
			t.Errorf("%s is in lane %d", id, v.lane)
		}
	}
}

// TestNamedReports: late results find a vehicle that left long ago by a name of the same kind.
func TestNamedReports(t *testing.T) {
	report := func(names ...kinds.Name) []*report {
		return []*report{{readings: []*reading{{det: &detection.Detection{}},
			{det: &detection.Detection{Evidence: kinds.Evidence{Names: names}}}}}}
	}
	plate, tag := kinds.Name{Kind: "plate", Value: "A"}, kinds.Name{Kind: "tag", Value: "A"}
	if !named([]kinds.Name{tag, plate}, report(plate)) {
		t.Error("the same plate")
	}
	if named([]kinds.Name{tag}, report(plate)) || named([]kinds.Name{{Kind: "plate", Value: "B"}}, report(plate)) ||
		named(nil, report(plate)) {
		t.Error("another kind, another plate, none")
	}
}

// TestPassedFrom: when a vehicle was at a place follows from its nearest detection that counts, at its speed or the usual
// one.
func TestPassedFrom(t *testing.T) {
	g := newGroups(twoLanes())[0]
	v := sightings(g, "a", map[string]float64{"loop-1": 0, "rpm-1": 100, "loop-2": 200})
	for _, c := range []struct{ position, want float64 }{{0, 0}, {4, 2}, {10, 100}, {16, 103}, {18, 197}, {24, 200}} {
		if got := g.expectedAt(v, units.Metres(c.position)); math.Abs(got-sec(c.want)) > 0.1 {
			t.Errorf("at %.0f m after %.2f s, not %.0f", c.position, got-sec(0), c.want)
		}
	}
	for _, r := range v.readings {
		r.det.Speed = 0
	}
	if v.changed(); v.facts(g).speed != 0 {
		t.Fatal("a speed is left")
	}
	if got := g.expectedAt(v, 4); math.Abs(got-sec(2)) > 0.1 {
		t.Errorf("at the usual speed after %.2f s", got-sec(0))
	}
	v.readings[1].det.Reverse = true
	if got := g.expectedAt(v, 10); math.Abs(got-sec(5)) > 0.1 {
		t.Errorf("the portal saw it go back: after %.2f s", got-sec(0))
	}
}

// TestMissesRate: the share that counts is that of before the run of misses, which the run itself does not change.
func TestMissesRate(t *testing.T) {
	m := &missRun{}
	m.add(false, 95, 100)
	first := m.rate
	m.add(false, 5, 200)
	if m.rate != first || m.total != 100 || m.run != 2 || math.Abs(first-96.0/102) > 1e-9 {
		t.Errorf("%+v", m)
	}
	if m.add(true, 5, 200); m.run != 0 || m.rate != 0 {
		t.Errorf("it saw one: %+v", m)
	}
}

// TestTimesKept: the last times of a device are kept, each once, in a bounded number.
func TestTimesKept(t *testing.T) {
	var all times
	for i := range 1000 {
		all.note(float64(i))
		all.note(float64(i))
		if len(all) > maxTimes || all[len(all)-1] != float64(i) || i > 300 && len(all) < maxTimes/2 {
			t.Fatalf("%d times after %d, the last %.0f", len(all), i+1, all[len(all)-1])
		}
	}
	if got := (times{0, 10, 20, 30.5}).lagsFrom(9, 1, 10.1); !slices.Equal(got, []float64{-9, 1, 11}) {
		t.Errorf("%v", got)
	}
	if got := (times{0, 0.5, 19.5, 20}).lagsFrom(9, 1, 10); !slices.Equal(got, []float64{-8.5, 10.5}) {
		t.Errorf("%v", got)
	}
}

// TestEnter: a detection that comes more than a minute after its end is a late result; how late reports come lately is
// remembered, and fades.
func TestEnter(t *testing.T) {
	g := newGroups(twoLanes())[0]
	enter := func(idx int64, at, delay float64) *reading {
		d := detection.Of(idx, loop("loop-1", at), 0)
		d.Arrived = d.End() + delay
		g.prepare(d)
		r := &reading{det: d, label: noLabel}
		g.readings[idx] = r
		g.enter(d)
		return r
	}
	enter(1, 0, 20)
	if g.delay != 24 || g.window.Len() != 1 || !g.dirty {
		t.Errorf("delay %.1f s, %d in the window", g.delay, g.window.Len())
	}
	if enter(2, 30, 0); math.Abs(g.delay-24*fading) > 1e-9 {
		t.Errorf("delay %.2f s", g.delay)
	}
	enter(3, 60, lateAfter)
	if g.window.Len() != 3 || math.Abs(g.delay-64) > 1e-6 {
		t.Errorf("%d are in the window, delay %.1f s", g.window.Len(), g.delay)
	}
	enter(4, 90, lateAfter+1)
	if g.window.Len() != 3 || len(g.reports["loop-1"]) != 1 || g.delay > 64 {
		t.Errorf("%d are in the window, %d late, delay %.1f s", g.window.Len(), len(g.reports["loop-1"]), g.delay)
	}
	g.late["loop-1"] = true
	if enter(5, 120, 0); len(g.reports["loop-1"]) != 2 {
		t.Error("a device that is late is not taken for it")
	}
	pinned := detection.Of(6, loop("loop-1", 150), 0)
	g.readings[6] = &reading{det: pinned, pin: &pin{}}
	if g.enter(pinned); g.window.Len() != 3 {
		t.Error("what a person decided is associated")
	}
}

// TestNoticed: a watched device is one without names, in order, by a clock that is known.
func TestNoticed(t *testing.T) {
	for name, c := range map[string]struct {
		change func(g *group, d *detection.Detection)
		want   bool
	}{
		"a portal":           {func(*group, *detection.Detection) {}, true},
		"a tag":              {func(_ *group, d *detection.Detection) { d.Tag = true }, false},
		"backwards":          {func(_ *group, d *detection.Detection) { d.Reverse = true }, false},
		"a clock of its own": {func(_ *group, d *detection.Detection) { d.Raw++ }, false},
		"an unknown clock":   {func(g *group, d *detection.Detection) { d.Raw++; g.clocks[d.Device] = &clock{} }, false},
		"with a name":        {func(_ *group, d *detection.Detection) { d.Names = []kinds.Name{{Kind: "plate"}} }, false},
		"late":               {func(g *group, d *detection.Detection) { d.Dev = g.devices["xray-1"] }, false},
	} {
		g := New(twoLanes()).groups[0]
		d := detection.Of(1, portal("rpm-1", 5, false), 0)
		g.prepare(d)
		c.change(g, d)
		if g.watchDetection(d); (g.phaseWatches[d.Dev] != nil) != c.want {
			t.Errorf("%s: %v", name, !c.want)
		}
	}
}

// TestBorneOutBound: a device's own detections are borne out when they lie within two seconds of most.
func TestBorneOutBound(t *testing.T) {
	g := newGroups(twoLanes())[0]
	if g.borneOut(0) {
		t.Error("nothing is known")
	}
	for _, c := range []struct {
		own  float64
		want bool
	}{{0.1, true}, {1.5, true}, {3, false}, {-3, false}} {
		w := &watch{}
		for i := range 60 {
			w.phase.Add([]float64{0.02 * float64(i%5), float64(i*37%40) - 20})
			w.own.Add(c.own + 0.02*float64(i%5))
		}
		g.phaseWatches[0] = w
		if got := g.borneOut(0); got != c.want {
			t.Errorf("%.1f s from most: %v", c.own, got)
		}
	}
}

// TestBesideBound: a vehicle as long away as asked for is beside another one.
func TestBesideBound(t *testing.T) {
	_, g, r := doubted(0.9, explained()) // 9 s apart
	if g.beside(r.vehicle, -1, 9) == nil || g.beside(r.vehicle, -1, 8.9) != nil {
		t.Error("the bound")
	}
}

// TestArrivalWords: a difference within one standard deviation, or half a second, is not worth a number.
func TestArrivalWords(t *testing.T) {
	_, g, _ := doubted(0.9, explained())
	for _, c := range []struct {
		off, sigma float32
		want       string
	}{{0.49, 0.1, "matches"}, {0.5, 0.1, "later"}, {-0.5, 0.1, "earlier"}, {1.9, 2, "matches"}, {2, 2, "later"}, {-2, 2,
		"earlier"}} {
		if got := g.arrivalMessage(&associate.Terms{Residual: c.off,
			Sigma: c.sigma}).English(); !strings.Contains(got, c.want) {
			t.Errorf("%.2f ± %.2f s: %q", c.off, c.sigma, got)
		}
	}
	name := kinds.Name{Kind: "seal", Value: "X1", Shown: "X 1"}
	if got := nameMessage(&associate.Terms{Name: &name, Read: &name}).English(); !strings.Contains(got, "seal") ||
		!strings.Contains(got, "X 1") {
		t.Errorf("a kind of name without a word of its own: %q", got)
	}
}

// TestLinksBound: names of scans are remembered up to a number, so that a device that names each anew cannot fill the
// memory; a report whose name is not remembered stands by itself.
func TestLinksBound(t *testing.T) {
	g := newGroups(twoLanes())[0]
	p := &report{}
	for i := range maxLinks - 1 {
		g.link(strconv.Itoa(i), p)
	}
	last := &detection.Detection{Evidence: kinds.Evidence{Links: []string{"last"}}}
	g.link("last", p)
	if got, ok := g.byLink(last); !ok || got != p || len(g.links) != maxLinks {
		t.Errorf("the last one that has room: %v, %d are remembered", ok, len(g.links))
	}
	g.link("one more", p)
	more := &detection.Detection{Evidence: kinds.Evidence{Links: []string{"one more"}}}
	if _, ok := g.byLink(more); ok || len(g.links) != maxLinks {
		t.Errorf("one more: %v, %d are remembered", ok, len(g.links))
	}
}

// TestOpenUnderFreeName: a vehicle whose names others have already gets the name of the next second that is free.
func TestOpenUnderFreeName(t *testing.T) {
	g := New(twoLanes()).groups[0]
	d := detection.Of(7, loop("loop-1", 10), 0)
	g.prepare(d)
	for s, want := range []string{"lane-1-20260504T060010-7", "lane-1-20260504T060011-7", "lane-1-20260504T060012-7"} {
		if v := g.open([]*reading{{det: d}}); v.id != want {
			t.Errorf("the vehicle behind %d others is %s, not %s", s, v.id, want)
		}
	}
}
