package passage

import (
	"math"
	"slices"
	"testing"

	"lanewarden/drivers/observation"
	"lanewarden/drivers/observation/units"
	"lanewarden/edge/lane/passage/detection"
	"lanewarden/edge/lane/passage/motion"
)

// journalled is what the journal says of a reading.
func journalled(passage string, confidence float32, other string) statement {
	return statement{passage, &observation.PassageReading{
		Confidence: confidence, Other: other, OtherConfidence: 0.25, Reason: "as it was",
	}}
}

// replaying is a correlator that reads a past of which rows below decided and believed are old.
func replaying(decided, believed int64) (*Correlator, *group, *replay) {
	k := New(twoLanes())
	p := &replay{history: newHistory(), decided: decided, believed: believed}
	k.begin(p)
	return k, k.groups[0], p
}

// TestReplayDecided: a row that was decided before the stop goes where the journal says, with what it said; one of
// which it says nothing, or that it is of no vehicle, is not looked at again.
func TestReplayDecided(t *testing.T) {
	k, g, p := replaying(10, 20)
	p.lane[1], p.lane[2] = journalled("lane-1-a-1", 0.75, "x"), journalled("", 0.75, "")
	for i := range int64(4) {
		k.addPast(g, detection.Of(i, loop("loop-1", 60*float64(i)), 0))
	}
	if len(g.readings) != 1 || len(g.waiting)+len(g.unsettled) != 0 {
		t.Fatalf("%d readings, %d are to be decided", len(g.readings), len(g.waiting)+len(g.unsettled))
	}
	r := g.readings[1]
	if r == nil || r.vehicle == nil || r.vehicle.id != "lane-1-a-1" || r.confidence != 0.75 || !r.placed || !r.final ||
		r.label != noLabel || r.why.English() != "as it was" || r.det.Dev != g.devices["loop-1"] {
		t.Fatalf("%+v", r)
	}
	if want := (stated{"lane-1-a-1", 0.75, "x"}); *r.stated != want {
		t.Errorf("stated %+v", r.stated)
	}
	if len(g.reports["loop-1"])+len(g.fixed) != 0 {
		t.Error("a loop's detection is a late result")
	}
}

// TestReplayUndecided: from the first row on that was not decided, rows are associated; the names of passages that
// the lane gave them are remembered where there are any.
func TestReplayUndecided(t *testing.T) {
	k, g, p := replaying(10, 20)
	p.lane[10], p.last[10] = journalled("lane-1-a-1", 0.75, ""), journalled("lane-1-b-2", 1, "")
	k.addPast(g, detection.Of(9, loop("loop-1", 0), 0))
	k.addPast(g, detection.Of(10, loop("loop-1", 60), 0))
	k.addPast(g, detection.Of(11, loop("loop-1", 120), 0))
	if len(g.readings) != 2 || len(g.waiting) != 2 || len(g.unsettled) != 2 {
		t.Fatalf("%d readings, %d wait", len(g.readings), len(g.waiting))
	}
	if past := g.readings[10].past; past == nil || past.passage != "lane-1-a-1" || g.readings[10].vehicle != nil {
		t.Errorf("%+v", g.readings[10])
	}
	if g.readings[11].past != nil {
		t.Errorf("of a row that nothing was said of: %+v", g.readings[11].past)
	}
}

// TestReplayLateResult: a scan that was decided before the stop stays with its vehicle, and what is of the same
// scan, before the stop or after it, goes there too; the scan is learnt from when all that belongs to it has come.
func TestReplayLateResult(t *testing.T) {
	k, g, p := replaying(10, 20)
	p.lane[1], p.lane[2] = journalled("lane-1-a-1", 0.75, ""), journalled("lane-1-a-1", 0.75, "")
	k.addPast(g, detection.Of(1, image("xray-1", 8, "AAA111"), 0))
	k.addPast(g, detection.Of(2, quality("xray-1", 9, "AAA111"), 0))
	scan, about := g.readings[1], g.readings[2]
	if scan.final || scan.linked || !about.linked || about.final || about.vehicle != scan.vehicle || scan.vehicle == nil {
		t.Fatalf("%+v, %+v", scan, about)
	}
	if len(g.reports["xray-1"]) != 0 || len(g.fixed) != 1 || len(g.fixed[0].readings) != 2 {
		t.Fatalf("%d are to be decided, %d are fixed", len(g.reports["xray-1"]), len(g.fixed))
	}
	k.addPast(g, detection.Of(10, quality("xray-1", 9.5, "AAA111"), 0))
	if more := g.readings[10]; more.vehicle != scan.vehicle || !more.linked {
		t.Errorf("after the stop: %+v", more)
	}
	if g.finishFixed(scan.det.Arrived + reportLast - 1); scan.final {
		t.Error("it is over before all has come")
	}
	g.finishFixed(scan.det.Arrived + reportLast)
	p.lane[3] = journalled("lane-1-a-1", 0.75, "")
	if k.addPast(g, detection.Of(3, quality("xray-1", 200, "AAA111"), 0)); !scan.final || !g.readings[3].final {
		t.Errorf("after two minutes: %+v, %+v", scan, g.readings[3])
	}
}

// TestJournalledTime: the time that the journal has holds, as the clock's offset of that day is in it. A difference
// below what it resolves is none, so that a detection by the agent's clock stays one.
func TestJournalledTime(t *testing.T) {
	for name, c := range map[string]struct{ raw, at, journal, want float64 }{
		"no time":              {100, 90, 0, 90},
		"the same":             {100, 90, 90, 90},
		"of another offset":    {100, 90, 85, 85},
		"by the agent's clock": {100, 90, 100, 100},
		"nearly its own":       {100, 90, 100.000004, 100},
		"nearly the same":      {100, 90, 90.000004, 90},
		"not nearly":           {100, 90, 100.00004, 100.00004},
	} {
		d := &detection.Detection{Raw: c.raw, At: c.at}
		correctAs(d, &observation.PassageReading{TimeNs: int64(math.Round(c.journal * 1e9))})
		if d.At != c.want {
			t.Errorf("%s: %.6f, not %.6f", name, d.At, c.want)
		}
	}
}

// TestBelieves: what the association makes of a row that the journal decided gives way to the journal; of one that
// it may not have decided, it holds and is to be said.
func TestBelieves(t *testing.T) {
	for name, c := range map[string]struct {
		idx         int64
		said        *statement
		vehicle     string // that the association gave it to
		confidence  float64
		pinned      bool
		want        bool
		passage     string // that it is in afterwards
		overwritten bool
	}{
		"the same":                    {1, ptr(journalled("a", 0.75, "")), "a", 0.76, false, true, "a", false},
		"the same, after the stop":    {20, ptr(journalled("a", 0.75, "")), "a", 0.76, false, true, "a", false},
		"surer":                       {1, ptr(journalled("a", 0.75, "")), "a", 0.99, false, true, "a", true},
		"surer, after the stop":       {20, ptr(journalled("a", 0.75, "")), "a", 0.99, false, false, "a", false},
		"another":                     {1, ptr(journalled("b", 0.75, "")), "a", 0.75, false, true, "b", true},
		"another, the last before":    {19, ptr(journalled("b", 0.75, "")), "a", 0.75, false, true, "b", true},
		"another, after the stop":     {20, ptr(journalled("b", 0.75, "")), "a", 0.75, false, false, "a", false},
		"another, by a person":        {20, ptr(journalled("b", 0.75, "")), "a", 0.75, true, true, "a", false},
		"of no vehicle":               {1, ptr(journalled("", 0.75, "")), "a", 0.75, false, true, "", true},
		"nothing was said, and none":  {20, nil, "", 0.75, false, true, "", false},
		"nothing was said":            {1, nil, "a", 0.75, false, true, "", true},
		"nothing was said, after it":  {20, nil, "a", 0.75, false, false, "a", false},
		"an empty word, after a stop": {20, ptr(journalled("a", 0.75, "")), "", 0.75, false, false, "", false},
	} {
		_, g, p := replaying(10, 20)
		terms := explained()
		other := &vehicle{id: "other"}
		r := &reading{det: &detection.Detection{Idx: c.idx}, confidence: c.confidence, terms: &terms}
		r.assign(g.known("a"))
		if c.vehicle == "" {
			r.assign(nil)
		}
		r.setOther(other, 0.001, &terms)
		if r.confidence < sure {
			r.setOther(nil, 0, nil)
		}
		if c.pinned {
			r.pin = &pin{passage: "a"}
		}
		if c.said != nil {
			p.lane[c.idx] = *c.said
		}
		if got := p.believes(g, r); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
		in := ""
		if r.vehicle != nil {
			in = r.vehicle.id
		}
		if in != c.passage || (r.terms == nil) != c.overwritten || (r.stated != nil) != c.overwritten {
			t.Errorf("%s: in %q, terms %v, stated %v", name, in, r.terms, r.stated)
		}
		if !c.overwritten {
			continue
		}
		confidence, why := 0.0, ""
		if c.said != nil {
			confidence, why = 0.75, "as it was"
		}
		if r.confidence != confidence || r.why.English() != why || r.other != nil || r.otherShare != 0 ||
			r.stated.passage != c.passage || len(other.otherCandidateOf) != 0 {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

func ptr[T any](v T) *T { return &v }

// TestResumeState: after the past, passages are open, closed and ended as the journal says, candidates are as it
// says of rows that it decided, and what is left to be said is in the order of the rows.
func TestResumeState(t *testing.T) {
	k, g, p := replaying(10, 20)
	v := sightings(g, "seen", map[string]float64{"loop-1": 0, "rpm-1": 5, "loop-2": 12, "scale-1": 13})
	closed := sightings(g, "closed", map[string]float64{"loop-1": 100})
	other, mine := g.known("other"), &vehicle{id: "mine"}
	closed.ended, v.ended = false, true // as the association said of the past
	for i, r := range v.readings {
		r.det.Idx = int64(18 + i)
		r.past = &stated{}
		g.readings[r.det.Idx] = r
		p.last[r.det.Idx] = journalled("seen", 0.75, "other")
	}
	v.readings[1].setOther(mine, 0.5, nil)
	g.readings[5] = &reading{det: &detection.Detection{Idx: 5, Device: "loop-1"}, pin: &pin{}}
	p.last[5] = journalled("seen", 1, "other")
	p.opened["seen"], p.opened["closed"] = "lane-1", "lane-1"
	p.closed["closed"] = &observation.PassageClosed{
		Id: "closed", ClosedNs: nanos(sec(130)), End: observation.PassageEnd_PASSAGE_END_TIMEOUT,
	}
	p.unsaid = []*reading{v.readings[3], v.readings[2]}
	g.active = []*vehicle{v}
	if rows := k.resume(); len(rows) != 0 || k.past != nil {
		t.Errorf("rows %v", rows)
	}
	if got := v.readings; got[0].other != other || got[0].otherShare != 0.25 || got[1].other != mine ||
		got[2].other != nil || got[0].past != nil || got[3].past != nil {
		t.Errorf("candidates %v, %v, %v", got[0].other, got[1].other, got[2].other)
	}
	if g.readings[5].other != nil {
		t.Error("what a person decided may be of another vehicle")
	}
	if !slices.Equal(g.unsettled, []*reading{v.readings[2], v.readings[3]}) || v.readings[2].stated.passage != "seen" {
		t.Errorf("%d are to be said", len(g.unsettled))
	}
	if !v.opened || v.ended || !closed.opened || !closed.ended || other.opened ||
		math.Abs(closed.closed-sec(130)) > 1e-3 || closed.end != observation.PassageEnd_PASSAGE_END_TIMEOUT {
		t.Errorf("%+v, %+v, %+v", v, closed, other)
	}
	if !slices.Equal(g.active, []*vehicle{v, other}) {
		t.Errorf("%d are followed", len(g.active))
	}
}

// TestResumeLost: a passage that was open at the stop and of which no reading is known any more is closed; those
// that are known, or that the journal has closed, are not.
func TestResumeLost(t *testing.T) {
	k, g, p := replaying(0, 0)
	sightings(g, "here", map[string]float64{"loop-1": 0}).opened = true
	k.now = sec(50)
	for _, id := range []string{"gone-2", "here", "over", "gone-1"} {
		p.opened[id] = "lane-1"
	}
	p.closed["over"] = &observation.PassageClosed{Id: "over"}
	var got []string
	for _, o := range k.resume() {
		d := o.Body.GetPassageClosed()
		got = append(got, d.GetId())
		if d.GetEnd() != observation.PassageEnd_PASSAGE_END_RESTART || d.ClosedNs != nanos(sec(50)) ||
			o.Key != "closed "+d.Id {
			t.Errorf("%v %v", o.Key, d)
		}
	}
	if !slices.Equal(got, []string{"gone-1", "gone-2"}) {
		t.Errorf("closed are %q", got)
	}
}

// TestResumeConditions: devices that were said to read nothing are so after a restart, without being said again;
// those that have read since, or ceased to, are said.
func TestResumeConditions(t *testing.T) {
	for name, c := range map[string]struct {
		said bool
		run  int
		want string // "on", "off" or nothing
	}{
		"well": {false, 0, ""}, "still": {true, muteNever, ""}, "back": {true, 0, "off"}, "new": {false, muteNever, "on"},
	} {
		k, g, p := replaying(0, 0)
		p.mute["lpr-1"] = c.said
		if !c.said {
			delete(p.mute, "lpr-1")
		}
		g.missRuns["lpr-1"] = &missRun{run: c.run}
		k.evaluateMute("lpr-1", g.missRuns["lpr-1"]) // in the past, of which nothing is committed
		got := ""
		for _, o := range k.resume() {
			d := o.Body.GetDeviceCondition()
			if got += "on"; d.GetCleared() {
				got = "off"
			}
			if d.GetCondition() != muteCondition || d.GetSubject() != "lpr-1" || o.Device != observation.AgentDevice {
				t.Errorf("%s: %v", name, o)
			}
		}
		if got != c.want {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// TestVerifyWhich: a device is compared with the vehicles that came in when it stands between the entry and sixty
// metres behind, by its own first detection forwards.
func TestVerifyWhich(t *testing.T) {
	for name, c := range map[string]struct {
		position float64 // m, of the portal
		change   func(g *group, v *vehicle)
		own      int
	}{
		"a portal":          {10, nil, 1},
		"at the entry":      {motion.SamePlace, nil, 0},
		"just behind it":    {motion.SamePlace + 0.1, nil, 1},
		"far":               {watched - 0.1, nil, 1},
		"too far":           {watched, nil, 0},
		"backwards":         {10, func(_ *group, v *vehicle) { v.readings[1].det.Reverse = true }, 0},
		"of another lane":   {10, func(_ *group, v *vehicle) { v.readings[1].foreign = true }, 0},
		"of another device": {10, func(_ *group, v *vehicle) { v.readings[1].det.Dev = 3 }, 0},
		"nobody saw its front": {10, func(_ *group, v *vehicle) {
			for _, r := range v.readings {
				r.det.Lasts = 0
			}
		}, 0},
		"nobody measured its speed": {20, func(_ *group, v *vehicle) {
			for _, r := range v.readings {
				r.det.Speed = 0
			}
		}, 1},
		"in a queue":  {10, func(g *group, _ *vehicle) { heldUp(g) }, 0},
		"not watched": {10, func(g *group, _ *vehicle) { g.phaseWatches[g.devices["rpm-1"]] = nil }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			lanes := twoLanes()
			lanes[0].Stations[1].Position = units.Metres(c.position)
			g := newGroups(lanes)[0]
			v := sightings(g, "a", map[string]float64{"loop-1": 0, "rpm-1": 5})
			again := detection.Of(99, portal("rpm-1", 6, false), 0)
			g.prepare(again)
			(&reading{det: again, confidence: 1}).assign(v)
			w := &watch{times: times{sec(5), sec(6), sec(5 + 2*timelyReach + 100)}}
			g.phaseWatches[g.devices["rpm-1"]] = w
			if c.change != nil {
				c.change(g, v)
			}
			g.verify(v)
			own := w.own.Len()
			if name == "backwards" || name == "of another lane" || name == "of another device" {
				own-- // its next one
			}
			if own != c.own {
				t.Errorf("%d own detections", w.own.Len())
			}
			if middle, _ := w.own.Estimate(); c.own == 1 && math.Abs(middle-(5-c.position/2)) > 1e-3 {
				t.Errorf("it lies %.2f s from where it is expected", middle)
			}
		})
	}
}

// TestPhaseError: a device's own detections are judged when there are twenty that lie together and most differences
// agree.
func TestPhaseError(t *testing.T) {
	for name, c := range map[string]struct {
		own    int
		spread float64
		phases int
		known  bool
	}{
		"enough":       {minOwn, 0.02, 60, true},
		"too few":      {minOwn - 1, 0.02, 60, false},
		"spread wide":  {minOwn, 10, 60, false},
		"nothing else": {minOwn, 0.02, 0, false},
	} {
		w := &watch{}
		for i := range c.phases {
			w.phase.Add([]float64{3 + 0.02*float64(i%5), float64(i*37%40) - 20})
		}
		for i := range c.own {
			w.own.Add(1 + c.spread*float64(i%5))
		}
		seconds, known := w.phaseError()
		if known != c.known || known && math.Abs(seconds-2) > 0.5 {
			t.Errorf("%s: %.2f s, %v", name, seconds, known)
		}
	}
}
