package passage

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/kinds"
	"lanewarden/drivers/observation"
	"lanewarden/edge/lane/passage/associate"
	"lanewarden/edge/lane/passage/detection"
	"lanewarden/edge/lane/passage/motion"
)

// TestTaughtWhen: the correlator remembers when the fortieth vehicle had gone through, and when the two hundredth.
func TestTaughtWhen(t *testing.T) {
	k := New(twoLanes())
	g := k.groups[0]
	for i := 1; i <= 210; i++ {
		k.now = 1000 + float64(i)
		k.teach(g, &vehicle{})
	}
	if g.taught != 210 || g.begun != 1040 || g.since != 1200 {
		t.Errorf("%d, the fortieth at %.0f, the two hundredth at %.0f", g.taught, g.begun, g.since)
	}
}

// TestPrepare: a tag is heard up to two and a half seconds before its vehicle comes; a speed that no vehicle drives here
// says nothing, nor do the lengths that follow from it.
func TestPrepare(t *testing.T) {
	for name, c := range map[string]struct {
		e             kinds.Evidence
		order, speed  float64
		length, heard bool
	}{
		"a loop":               {kinds.Evidence{Lasts: 4, Speed: 2, Length: 8, Extent: 9}, 0, 2, true, false},
		"too fast":             {kinds.Evidence{Lasts: 4, Speed: 50, Length: 8, Extent: 9}, 0, 0, false, false},
		"a tag":                {kinds.Evidence{Tag: true, Lasts: 1}, 1, 0, false, true},
		"a tag heard for long": {kinds.Evidence{Tag: true, Lasts: 30}, 2.5, 0, false, true},
	} {
		g := newGroups(twoLanes())[0]
		d := at("lpr-1", 0, c.e)
		g.prepare(d)
		if d.Dev != 1 || d.Order != sec(c.order) || d.Speed != c.speed || (d.Length == 8 && d.Extent == 9) != c.length ||
			(d.Length == 0 && d.Extent == 0) == c.length || g.layout.Devices[1].HearsTags != c.heard {
			t.Errorf("%s: %+v", name, d)
		}
	}
}

// TestDeviceStates: a device is down in every state but running and connecting; states of devices in no lane say nothing.
func TestDeviceStates(t *testing.T) {
	for state := range observation.DeviceState_State_name {
		k := New(twoLanes())
		o := seen("rpm-1", 10, &observation.DeviceState{State: observation.DeviceState_State(state)})
		k.Take(Row{0, o})
		g := k.groups[0]
		s := observation.DeviceState_State(state)
		up := s == observation.DeviceState_STATE_RUNNING || s == observation.DeviceState_STATE_CONNECTING
		if got := g.wasDown(g.devices["rpm-1"], sec(20)); got == up || len(g.readings) != 0 || g.wasDown(g.devices["loop-1"], sec(20)) {
			t.Errorf("%v: down %v", s, got)
		}
		o.Device = "nobody"
		if k.Take(Row{1, o}); len(g.down) != 1 {
			t.Errorf("%d devices are known to be down", len(g.down))
		}
	}
}

// TestSettled: what is decided keeps its terms without the window's graph.
func TestSettled(t *testing.T) {
	own, other := explained(), unexplainedTerms(3)
	r := &reading{terms: &own, otherTerms: &other}
	r.settle()
	if !r.final || r.terms == &own || r.otherTerms == &other || *r.terms != own || *r.otherTerms != other {
		t.Errorf("%+v", r)
	}
	r = &reading{}
	if r.settle(); r.terms != nil || r.otherTerms != nil {
		t.Errorf("%+v", r)
	}
}

// TestNextSecond: there is something to do in the next second while anything waits, can change, or is in the lane.
func TestNextSecond(t *testing.T) {
	for name, fill := range map[string]func(g *group){
		"waiting":   func(g *group) { g.waiting = make([]*detection.Detection, 1) },
		"unsettled": func(g *group) { g.unsettled = make([]*reading, 1) },
		"active":    func(g *group) { g.active = make([]*vehicle, 1) },
		"fixed":     func(g *group) { g.fixed = make([]*report, 1) },
		"in the window": func(g *group) {
			d := detection.Of(1, loop("loop-3", 0), 0)
			g.prepare(d)
			g.window.Insert(d)
		},
	} {
		k := New(twoLanes())
		if k.now = 50; k.next() != math.Inf(1) {
			t.Errorf("empty: %.0f", k.next())
		}
		if fill(k.groups[1]); k.next() != 51 {
			t.Errorf("%s: %.0f", name, k.next())
		}
	}
}

// TestClosed: a passage that is over is told once it was opened, and once; who left it is remembered by lane.
func TestClosed(t *testing.T) {
	k := New(twoLanes())
	g := k.groups[0]
	v := sightings(g, "a", map[string]float64{"loop-1": 0, "loop-2": 12})
	behind := sightings(g, "b", map[string]float64{"loop-1": 1})
	k.now = sec(100)
	if rows := k.close(g); len(rows) != 0 || v.closed != sec(100) || v.ended || v.end != observation.PassageEnd_PASSAGE_END_LEFT {
		t.Errorf("%d rows; %+v", len(rows), v)
	}
	if g.lastLeft[0] != sec(100) || behind.closed != 0 { // it may stand in a queue
		t.Errorf("the last left at %.0f s", g.lastLeft[0]-sec(0))
	}
	v.opened = true
	k.now = sec(110)
	rows := k.close(g)
	if len(rows) != 1 || !v.ended || rows[0].Key != "closed a" || rows[0].Body.GetPassageClosed().GetClosedNs() != nanos(sec(100)) ||
		rows[0].TimeNs != nanos(sec(100)) {
		t.Errorf("%v", rows)
	}
	if rows := k.close(g); len(rows) != 0 || v.closed != sec(100) {
		t.Errorf("%v", rows)
	}
}

// TestDropAll: with a passage goes everything that refers to it, and nothing of others.
func TestDropAll(t *testing.T) {
	k := New(twoLanes())
	g := k.groups[0]
	v := sightings(g, "old", map[string]float64{"loop-1": 0})
	stay := sightings(g, "new", map[string]float64{"loop-1": 60})
	own, other := v.readings[0], stay.readings[0]
	own.det.Idx, other.det.Idx, own.label, other.label = 1, 2, 1, 2
	own.det.Links, other.det.Links = []string{"scan"}, []string{"other"}
	stranger := &reading{det: &detection.Detection{Idx: 3, Device: "nobody", At: sec(1)}, final: true, label: noLabel}
	stranger.assign(v)
	g.readings[1], g.readings[2], k.strangers[3], k.strangers[4] = own, other, stranger, &reading{}
	g.links["scan"], g.links["other"] = &report{}, &report{}
	g.byLabel[1], g.byLabel[2] = v, stay
	other.setOther(v, 0.1, nil)
	v.closed, v.counted = sec(20), true
	k.drop(g, sec(20)+DefaultLate.Seconds())
	if len(g.vehicles) != 1 || len(g.byID) != 1 || len(g.readings) != 1 || len(k.strangers) != 1 || len(g.links) != 1 || len(g.byLabel) != 1 ||
		g.byID["new"] != stay || g.readings[2] != other || g.links["other"] == nil || g.byLabel[2] != stay || k.strangers[4] == nil {
		t.Errorf("%d vehicles, %d readings, %d strangers, %d links, %d labels", len(g.vehicles), len(g.readings), len(k.strangers), len(g.links), len(g.byLabel))
	}
	if other.other != nil || v.home != nil || stay.home != g {
		t.Errorf("still referred to: %v", other.other)
	}
}

// TestOutageSlack: a device is taken to be down from ten seconds before it was noticed to five after it ran again.
func TestOutageSlack(t *testing.T) {
	o := outages{all: []outage{{100, 200}}}
	for when, want := range map[float64]bool{90: false, 90.1: true, 150: true, 204.9: true, 205: false, 1000: false} {
		if o.at(when) != want {
			t.Errorf("at %.1f s: %v", when, !want)
		}
	}
	for i := range 20 {
		o.note(1000+float64(10*i), true)
		o.note(1005+float64(10*i), false)
	}
	if len(o.all) != 16 || o.all[15] != (outage{1190, 1195}) {
		t.Errorf("%v", o.all)
	}
}

// TestWitnesses: devices that surely saw a vehicle count once each.
func TestWitnesses(t *testing.T) {
	g := newGroups(twoLanes())[0]
	v := sightings(g, "a", map[string]float64{"loop-1": 0, "rpm-1": 5, "loop-2": 12})
	sightings(g, "b", map[string]float64{"loop-1": 1}).readings[0].assign(v)
	if n := v.witnesses(); n != 3 {
		t.Errorf("%d", n)
	}
	v.readings[2].foreign = true
	if v.readings[3].confidence = 0.9; v.witnesses() != 1 {
		t.Errorf("%d surely", v.witnesses())
	}
}

// TestLearnWhom: which vehicles count for the devices' shares: who left, and who was lost after two devices saw it; not
// who reversed or was merged with another. A device that was down is not counted, nor reported while results come late.
func TestLearnWhom(t *testing.T) {
	left, timeout := observation.PassageEnd_PASSAGE_END_LEFT, observation.PassageEnd_PASSAGE_END_TIMEOUT
	both := map[string]float64{"loop-1": 0, "rpm-1": 5}
	for name, c := range map[string]struct {
		seen   map[string]float64
		end    observation.PassageEnd
		change func(g *group, v *vehicle)
		counts bool
		taught int
	}{
		"left":               {both, left, nil, true, 1},
		"lost":               {both, timeout, nil, true, 0},
		"lost, seen by one":  {map[string]float64{"loop-1": 0}, timeout, nil, false, 0},
		"merged":             {both, observation.PassageEnd_PASSAGE_END_MERGED, nil, false, 0},
		"reversed":           {both, left, func(_ *group, v *vehicle) { v.readings[0].det.Reverse = true }, false, 0},
		"of another lane":    {both, timeout, func(_ *group, v *vehicle) { v.readings[0].foreign = true }, false, 0},
		"while it was down":  {both, left, func(g *group, _ *vehicle) { g.down["loop-1"] = &outages{all: []outage{{from: 1}}} }, false, 1},
		"when it runs again": {both, left, func(g *group, _ *vehicle) { g.down["loop-1"] = &outages{all: []outage{{1, 2}}} }, true, 1},
	} {
		k := New(twoLanes())
		g := k.groups[0]
		v := sightings(g, "a", c.seen)
		if v.end = c.end; c.change != nil {
			c.change(g, v)
		}
		k.learn(g, v)
		want := 0.0
		if c.counts {
			want = 1
		}
		if rate := g.model.HitRate(g.devices["loop-1"]); !v.counted || rate.Total() != want || rate.Hits() != want || g.taught != c.taught {
			t.Errorf("%s: seen %.0f of %.0f, %d taught", name, rate.Hits(), rate.Total(), g.taught)
		}
	}
	k := New(twoLanes())
	g := k.groups[0]
	portal := &watch{times: times{sec(5)}}
	g.phaseWatches[g.devices["rpm-1"]] = portal
	through := sightings(g, "a", both)
	through.end = left
	if k.learn(g, through); portal.own.Len() != 1 {
		t.Error("the portal's time is not compared with who went through")
	}
	k = New(twoLanes())
	g = k.groups[0]
	g.missRuns["xray-1"], g.missRuns["rpm-1"] = &missRun{run: 500}, &missRun{run: 500}
	v := sightings(g, "a", map[string]float64{"loop-1": 0, "loop-2": 12})
	v.end = left
	rows := k.learn(g, v)
	if len(rows) != 1 || rows[0].Body.GetDeviceCondition().GetSubject() != "rpm-1" || g.missRuns["xray-1"].run != 501 {
		t.Errorf("%v", rows)
	}
}

// TestRecall: a row that was let go is read again for a person's word, when it is a device's and of a vehicle; a device in
// no lane has no number.
func TestRecall(t *testing.T) {
	d := newDay(t, twoLanes())
	d.take(loop("loop-1", 0), seen("loop-1", 1, &observation.DeviceState{}), plate("elsewhere", 2, "A"))
	agents := loop(observation.AgentDevice, 3)
	agents.Device = observation.AgentDevice
	d.journal(agents)
	for idx, want := range map[int64]bool{0: true, 1: false, 2: true, 3: false, 99: false} {
		r, g := d.recall(&observation.PassageCorrected{Idx: idx, Reading: &observation.PassageReading{TimeNs: nanos(sec(50))}})
		if (r != nil) != want || want && math.Abs(r.det.At-sec(50)) > 1e-3 || (g != nil) != (idx == 0) {
			t.Errorf("row %d: %v", idx, r)
		}
		if idx == 2 && (r.det.Dev != -1 || d.strangers[2] != r) || idx == 0 && d.groups[0].readings[0] != r {
			t.Errorf("row %d is not in memory", idx)
		}
	}
	d.Fetch = nil
	if r, g := d.recall(&observation.PassageCorrected{Idx: 0}); r != nil || g != nil {
		t.Errorf("nobody can read it: %v", r)
	}
}

// TestCorrectionInTime: what is due before a person's word is done first; what the lane says itself is not read again.
func TestCorrectionInTime(t *testing.T) {
	d := newDay(t, twoLanes())
	three(d)
	row := func(by string, after float64) Row {
		o := observation.New(observation.Class_CLASS_EVENT, detection.Time(d.Correlator.now).Add(seconds(after)),
			&observation.PassageCorrected{Idx: d.row("scale-1 13.00"), By: by})
		o.Device = observation.AgentDevice
		return Row{1 << 30, o}
	}
	before := d.Correlator.now
	if out := d.Take(row(byLane, 100)); out != nil || d.Correlator.now != before {
		t.Errorf("the lane's own: %v", out)
	}
	r, _ := d.find(d.row("scale-1 13.00"))
	if d.Take(row("ada", -50)); d.Correlator.now != before || r.pin == nil || r.vehicle != nil {
		t.Errorf("of before: %+v", r)
	}
	if d.Take(row("ada", 100)); d.Correlator.now != before+100 {
		t.Errorf("the time went on by %.0f s", d.Correlator.now-before)
	}
}

// TestClockBecomesKnown: when vehicles have told how far a clock is ahead, its times count; where it was taken for
// another vehicle's until then, by more than 0.7 s, what was learnt by it is forgotten.
func TestClockBecomesKnown(t *testing.T) {
	for _, c := range []struct {
		ahead  float64
		forget bool
	}{{0, false}, {0.5, false}, {1.2, true}, {-1.2, true}} {
		k := New(twoLanes())
		g := k.groups[0]
		own := &clock{}
		k.clocks["lpr-1"] = own
		dev := g.devices["lpr-1"]
		learnt := func(v *vehicle) bool {
			from := g.fix(v, v.readings[0].det)
			to := from
			to.Dev = dev
			return g.model.Predict(from, to, 2).Learned
		}
		forgotten := false
		for i := range 60 {
			at := 100*float64(i) + float64(i*i%17)
			v := sightings(g, "a", map[string]float64{"loop-1": at})
			fix := g.fix(v, v.readings[0].det)
			to := fix
			to.Dev = dev
			g.model.LearnLate([]motion.Fix{fix}, to, 2)
			own.raws.note(sec(at) + c.ahead)
			had := learnt(v)
			k.compareClocks(g, v)
			forgotten = forgotten || had && !learnt(v)
		}
		if !own.Known() || math.Abs(own.Offset(sec(6000))-c.ahead) > 0.3 || forgotten != c.forget {
			t.Errorf("%.1f s ahead: known %v as %.2f, forgotten %v", c.ahead, own.Known(), own.Offset(sec(6000)), forgotten)
		}
	}
}

// TestUpdatedRows: a passage that was told gets further readings by rows of their own, which say when they came after its
// end; the first row opens it.
func TestUpdatedRows(t *testing.T) {
	k := New(twoLanes())
	g := k.groups[0]
	v := sightings(g, "a", map[string]float64{"loop-1": 3, "rpm-1": 8})
	k.now = sec(20)
	first := k.news(g, v, v.readings[:1])
	if p := first.Body.GetPassageOpened(); !v.opened || p.GetId() != "a" || p.GetLane() != "lane-1" || len(p.GetReadings()) != 1 ||
		len(p.Readings[0].Terms) != 0 || first.Key != "opened a" || first.TimeNs != nanos(sec(3)) {
		t.Errorf("%v", first)
	}
	terms := explained()
	terms.Score[associate.Names] = 2
	v.readings[1].terms = &terms
	more := k.news(g, v, v.readings[1:])
	if p := more.Body.GetPassageUpdated(); p.GetId() != "a" || p.GetAfterClose() || len(p.GetReadings()) != 1 || len(p.Readings[0].Terms) != 1 ||
		more.TimeNs != nanos(sec(8)) || more.Class != observation.Class_CLASS_EVENT {
		t.Errorf("%v", more)
	}
	v.closed = sec(30)
	if o := k.news(g, v, v.readings[1:]); !o.Body.GetPassageUpdated().GetAfterClose() {
		t.Errorf("%v", o)
	}
	v.opened, g.active = false, nil
	if k.news(g, v, v.readings[:1]); !slices.Contains(g.active, v) {
		t.Error("its end is not told")
	}
	if got := nanos(0); got != 0 || nanos(1.5) != int64(1500*time.Millisecond) {
		t.Errorf("%d", got)
	}
}

// TestToldWhat: which readings are journalled at a round: new ones of vehicles, and those that differ from what was said;
// one of no vehicle when that is for good, and then as nobody's.
func TestToldWhat(t *testing.T) {
	for name, c := range map[string]struct {
		vehicle, final, placed, due, alarm bool
		said                               *stated
		rows                               int
		told                               bool
	}{
		"new":                        {vehicle: true, placed: true, due: true, rows: 1, told: true},
		"not decided":                {vehicle: true, due: true},
		"not due":                    {vehicle: true, placed: true},
		"an alarm, not due":          {vehicle: true, placed: true, alarm: true, rows: 1, told: true},
		"an alarm told, not due":     {vehicle: true, placed: true, alarm: true, said: &stated{"a", 0.5, ""}},
		"of none, for now":           {placed: true, due: true},
		"of none, for good":          {placed: true, due: true, final: true, told: true},
		"said already":               {vehicle: true, placed: true, due: true, said: &stated{"a", 0.9, ""}},
		"said, a little surer":       {vehicle: true, placed: true, due: true, said: &stated{"a", 0.8, ""}},
		"said, surer for good":       {vehicle: true, placed: true, due: true, final: true, said: &stated{"a", 0.8, ""}, rows: 1, told: true},
		"said to be another's":       {vehicle: true, placed: true, due: true, said: &stated{"b", 0.9, ""}, rows: 1, told: true},
		"said to be somebody's":      {placed: true, due: true, said: &stated{"b", 0.9, ""}, rows: 1, told: true},
		"said to be nobody's, for a": {vehicle: true, placed: true, due: true, said: &stated{"", 0.9, ""}, rows: 1, told: true},
	} {
		k := New(twoLanes())
		g := k.groups[0]
		v := g.known("a")
		r := &reading{det: detection.Of(1, loop("loop-1", 0), 0), confidence: 0.9, placed: c.placed, final: c.final, stated: c.said}
		if c.alarm {
			r.det.Class = observation.Class_CLASS_ALARM
		}
		if c.vehicle {
			r.assign(v)
		}
		g.readings[1], g.unsettled = r, []*reading{r}
		told := false
		k.Assigned = func(Assignment) { told = true }
		if rows := k.reportAssignments(g, c.due); len(rows) != c.rows || told != c.told {
			t.Errorf("%s: %d rows, told %v", name, len(rows), told)
		}
		if kept := len(g.unsettled) == 1; kept == (c.final && r.stated != nil) || (g.readings[1] == nil) != (!c.vehicle && c.final) {
			t.Errorf("%s: it can still change: %v", name, kept)
		}
	}
}

// TestToldInOrder: the readings of a row are in the order in which the vehicle came to the devices, however late their
// reports came.
func TestToldInOrder(t *testing.T) {
	k := New(twoLanes())
	g := k.groups[0]
	v := sightings(g, "a", map[string]float64{"loop-1": 3, "rpm-1": 8, "loop-2": 15})
	g.unsettled = []*reading{v.readings[1], v.readings[2], v.readings[0]}
	rows := k.reportAssignments(g, true)
	if len(rows) != 1 {
		t.Fatalf("%d rows", len(rows))
	}
	var devices []string
	for _, r := range rows[0].Body.GetPassageOpened().GetReadings() {
		devices = append(devices, r.Device)
	}
	if !slices.Equal(devices, []string{"loop-1", "rpm-1", "loop-2"}) {
		t.Errorf("%q", devices)
	}
}

// TestLateTeaches: a late result that is sure teaches the way to its device, not one of a vehicle that reversed, nor one
// that is in doubt.
func TestLateTeaches(t *testing.T) {
	for name, c := range map[string]struct {
		confidence float64
		reversed   bool
		want       bool
	}{"sure": {1, false, true}, "in doubt": {0.9, false, false}, "reversed": {1, true, false}} {
		k := New(twoLanes())
		g := k.groups[0]
		learned := false
		for i := range 20 {
			v := sightings(g, "a", map[string]float64{"loop-1": 100 * float64(i), "loop-2": 100*float64(i) + 12})
			v.readings[1].det.Turned = c.reversed
			r := scanned(g, int64(1000+i), 100*float64(i)+8)
			r.assign(v)
			r.confidence = c.confidence
			p := &report{readings: []*reading{r}, vehicle: v}
			g.finish(p)
			from, to := g.fix(v, v.readings[0].det), g.fix(v, r.det)
			learned = g.model.Predict(from, to, 2).Learned
		}
		if learned != c.want {
			t.Errorf("%s: learnt %v", name, learned)
		}
	}
}

// TestPinOfNothing: a person's word about a row and a passage of which neither is in memory changes nothing here.
func TestPinOfNothing(t *testing.T) {
	d := newDay(t, twoLanes())
	d.take(loop("loop-1", 0))
	idx := d.journal(loop("loop-1", 50)) // it was let go
	for to, want := range map[string]bool{"long ago": false, "": false, "here": true} {
		d.groups[0].known("here")
		delete(d.groups[0].readings, idx)
		d.Correlator.pin(&observation.PassageCorrected{Idx: idx, To: to, By: "ada"})
		if r, _ := d.find(idx); (r != nil) != want {
			t.Errorf("to %q: %v", to, r)
		}
	}
}

// TestCorrectedBehind: the time of a clock that is known to be behind is later by that.
func TestCorrectedBehind(t *testing.T) {
	a := start(t, newShelf(), twoLanes())
	for v := range 30 {
		at := 60 * float64(v)
		a.takes(loop("loop-1", at), ownClock(plate("lpr-1", at+0.5, "ABC123"), -80*time.Second), loop("loop-2", at+12))
	}
	own := ownClock(plate("lpr-1", 5000, "ABC123"), -80*time.Second)
	if got, want := a.Corrected(own), dawn.Add(5000*time.Second); got.Sub(want).Abs() > 2*time.Second {
		t.Errorf("%v, not %v", got, want)
	}
}

// TestNameThatSaysNothing: a name is a reason when it speaks for the vehicle, not when it says nothing of it.
func TestNameThatSaysNothing(t *testing.T) {
	for score, want := range map[float32]bool{-1: false, 0: false, 1: true} {
		terms := associate.Terms{From: 0, Read: &kinds.Name{Kind: "plate", Value: "A", Shown: "A"}, Name: &kinds.Name{Kind: "plate", Value: "A", Shown: "AAA"}}
		terms.Score[associate.Names] = score
		k, g, r := wordy(terms)
		if got := k.reason(g, r).English(); strings.Contains(got, "AAA") != want {
			t.Errorf("%.0f: %q", score, got)
		}
	}
}

// TestAxlesAreNoWeight: the model learns what whole vehicles weigh, by their lengths, and not what an axle does; nor what
// a reading in doubt, or one of another lane, says.
func TestAxlesAreNoWeight(t *testing.T) {
	for name, c := range map[string]struct {
		change func(r *reading)
		want   bool
	}{
		"whole":           {func(*reading) {}, true},
		"an axle":         {func(r *reading) { r.det.Axle = 1 }, false},
		"in doubt":        {func(r *reading) { r.confidence = 0.9 }, false},
		"of another lane": {func(r *reading) { r.foreign = true }, false},
	} {
		k := New(twoLanes())
		g := k.groups[0]
		for i := range 40 {
			v := sightings(g, "a", map[string]float64{"loop-1": 100 * float64(i), "loop-2": 100*float64(i) + 12})
			d := at("scale-1", 100*float64(i)+13, kinds.Evidence{Weighs: true, Kg: 9000 + 10*float64(i%5)})
			g.prepare(d)
			r := &reading{det: d, confidence: 1, label: noLabel}
			r.assign(v)
			c.change(r)
			k.teach(g, v)
		}
		if own, other := g.model.WeightLogRatio(7.5, 9000), g.model.WeightLogRatio(7.5, 40_000); (own > other) != c.want {
			t.Errorf("%s: 9 t count %.2f, 40 t %.2f", name, own, other)
		}
	}
}

// TestPinIsSaidOnce: what a person said is in the journal, so the lane does not say it again.
func TestPinIsSaidOnce(t *testing.T) {
	d := newDay(t, twoLanes())
	d.take(loop("loop-1", 0), plate("lpr-1", 0.4, "AAA111"), portal("rpm-1", 5, true))
	d.wait(12)
	d.correct("rpm-1 5.00", d.said()["rpm-1 5.00"])
	n, idx := len(d.rows), d.row("rpm-1 5.00")
	if r, _ := d.find(idx); *r.stated != r.now() || r.stated.confidence != 1 {
		t.Errorf("said %+v, it is %+v", r.stated, r.now())
	}
	d.take(loop("loop-2", 12))
	d.wait(600)
	for _, row := range d.rows[n:] {
		eachStatement(row.Body, func(of int64, s statement) {
			if c := row.Body.GetPassageClosed(); of == idx && c == nil {
				t.Errorf("said again: %v", row.Body)
			}
		})
	}
}

// A device in maintenance sees no vehicles although it runs, and what it reports is of none.
func TestMaintenanceIsAnOutage(t *testing.T) {
	k := New(twoLanes())
	g := k.groups[0]
	down := func(second float64) bool { return g.wasDown(g.devices["rpm-1"], sec(second)) }
	row := int64(0)
	say := func(second float64, o *observation.Observation) {
		o = seen("rpm-1", second, o.Body.Typed())
		row++
		k.Take(Row{row, o})
	}
	said := func(m proto.Message) *observation.Observation {
		return observation.New(observation.Class_CLASS_EVENT, time.Unix(0, 0), m)
	}
	say(10, said(&observation.DeviceMaintenance{UntilNs: 1e18}))
	say(20, said(&observation.DeviceState{State: observation.DeviceState_STATE_DOWN}))
	say(30, said(&observation.DeviceState{State: observation.DeviceState_STATE_RUNNING}))
	o := seen("rpm-1", 40, &observation.RadiationOccupancy{})
	o.Body.Maintenance = true
	k.Take(Row{100, o})
	if !down(45) || len(g.readings) != 0 {
		t.Errorf("down %v, %d readings", down(45), len(g.readings))
	}
	say(100, said(&observation.DeviceMaintenance{}))
	if down(150) || !down(50) {
		t.Error("when it is over it sees again")
	}
}
