package passage

import (
	"fmt"
	"math"
	"testing"

	"lanewarden/drivers/kinds"
	"lanewarden/edge/lane/passage/associate"
	"lanewarden/edge/lane/passage/detection"
	"lanewarden/edge/lane/passage/motion"
)

// doubted is a group with two vehicles, and a reading that is given to the second one.
func doubted(confidence float64, terms associate.Terms) (*Correlator, *group, *reading) {
	c := New(twoLanes())
	g := c.groups[0]
	first := &vehicle{id: "first", readings: []*reading{{det: &detection.Detection{At: 1}}}}
	own := &vehicle{id: "own"}
	beside := &vehicle{id: "beside", lane: 1}
	g.vehicles, g.taught = []*vehicle{first, beside, own}, fewTaught
	r := &reading{
		det: &detection.Detection{Device: "lpr-1", At: 10, Raw: 10}, vehicle: own, confidence: confidence, terms: &terms,
	}
	own.readings = []*reading{r}
	return c, g, r
}

// explained are terms of an arrival in time, unexplained of one that no prediction explains.
func explained() associate.Terms { return associate.Terms{From: 0} }

func unexplainedTerms(names float32) associate.Terms {
	t := associate.Terms{From: 0}
	t.Score[associate.Arrival], t.Score[associate.Names] = -30, names
	return t
}

// TestDoubt: what the model does not explain is not called sure, and the vehicle ahead is named beside it; what has a
// name, is a vehicle's first detection, or is not sure anyway, stays as it is.
func TestDoubt(t *testing.T) {
	first := unexplainedTerms(0)
	first.Score[associate.Birth] = -3
	late := associate.Terms{From: -1}
	late.Score[associate.Arrival] = -30
	for _, c := range []struct {
		name       string
		confidence float64
		terms      associate.Terms
		doubtful   bool
	}{
		{"in time", 0.999, explained(), false},
		{"no prediction explains it", 0.999, unexplainedTerms(0), true},
		{"another name speaks against it", 0.999, unexplainedTerms(-6), true},
		{"a name says so", 0.999, unexplainedTerms(11), false},
		{"the first sight", 0.999, first, false},
		{"nothing predicts it", 0.999, late, false},
		{"not sure anyway", 0.6, unexplainedTerms(0), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			k, g, r := doubted(c.confidence, c.terms)
			k.doubt(g, r)
			if (r.doubtful != "") != c.doubtful || r.uncertain() != c.doubtful {
				t.Errorf("doubtful %q, uncertain %v", r.doubtful, r.uncertain())
			}
			if !c.doubtful && r.confidence != c.confidence || r.confidence > c.confidence {
				t.Errorf("confidence is %.3f", r.confidence)
			}
			if c.doubtful && (r.other == nil || r.other.id != "first" || r.otherShare <= 0 || r.confidence+r.otherShare > 1) {
				t.Errorf("the other candidate is %v with %.2f, beside %.2f", r.other, r.otherShare, r.confidence)
			}
		})
	}
}

// TestDoubtKeepsOther: a candidate that the association named stays; and doubt goes when its reason has gone.
func TestDoubtKeepsOther(t *testing.T) {
	c, g, r := doubted(0.99, unexplainedTerms(0))
	other := &vehicle{id: "other"}
	r.setOther(other, 0.008, nil)
	if c.doubt(g, r); r.other != other || r.otherShare != 0.008 {
		t.Errorf("the other candidate is %v with %.3f", r.other.id, r.otherShare)
	}
	now := explained()
	r.terms, r.confidence = &now, 0.99
	if c.doubt(g, r); r.doubtful != "" || r.confidence != 0.99 {
		t.Errorf("still doubtful: %q, %.2f", r.doubtful, r.confidence)
	}
}

// TestDoubtClock: a time by a clock of which only arrivals are known makes nothing sure; one that vehicles have told
// does, and so does the agent's own.
func TestDoubtClock(t *testing.T) {
	known := &clock{}
	for i := range 40 {
		known.AddOffset(60*float64(i), 5)
	}
	for _, c := range []struct {
		name     string
		clock    *clock
		at       float64
		doubtful bool
	}{
		{"the agent's", nil, 10, false},
		{"its own, by arrivals", &clock{}, 4, true},
		{"its own, without an offset", &clock{}, 10, false},
		{"its own, told by vehicles", known, 4, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			k, g, r := doubted(0.999, explained())
			if r.det.At = c.at; c.clock != nil {
				k.clocks["lpr-1"] = c.clock
			}
			if k.doubt(g, r); (r.doubtful != "") != c.doubtful || (r.confidence < sure) != c.doubtful {
				t.Errorf("doubtful %q with %.3f", r.doubtful, r.confidence)
			}
		})
	}
}

// TestDoubtBeside: what comes at another time than predicted is in doubt beside a vehicle that the device did not
// see, and so is what the device sees once more; in a standing queue all that is beside one that the device did not
// see.
func TestDoubtBeside(t *testing.T) {
	const dev = 3
	for _, c := range []struct {
		name                      string
		off                       float32 // s
		aheadSeen, before, stands bool
		doubtful                  bool
	}{
		{"in time, the vehicle ahead was missed", 0, false, false, false, false},
		{"late, the vehicle ahead was missed", 8, false, false, false, true},
		{"late, the vehicle ahead was seen", 8, true, false, false, false},
		{"once more, with one behind it", 0, true, true, false, true},
		{"in time in a queue, the vehicle ahead was missed", 0, false, false, true, true},
		{"in time in a queue, the vehicle ahead was seen", 0, true, false, true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			k, g, r := doubted(0.999, associate.Terms{From: 0, Residual: c.off, Sigma: 1})
			r.det.Dev = dev
			if c.aheadSeen {
				ahead := g.vehicles[0]
				ahead.readings = append(ahead.readings, &reading{det: &detection.Detection{At: 4, Dev: dev}})
			}
			if c.before {
				seen := &reading{det: &detection.Detection{At: 7, Dev: dev}}
				r.vehicle.readings = append(r.vehicle.readings, seen)
				behind := &reading{det: &detection.Detection{At: 12, Dev: dev}}
				g.vehicles = append(g.vehicles, &vehicle{id: "behind", readings: []*reading{behind}})
			}
			if c.stands {
				heldUp(g)
			}
			if k.doubt(g, r); (r.doubtful != "") != c.doubtful || r.uncertain() != c.doubtful {
				t.Errorf("doubtful %q, uncertain %v", r.doubtful, r.uncertain())
			}
		})
	}
}

// heldUp lets a group's vehicles stand in a queue, so that most take longer than predicted.
func heldUp(g *group) {
	for i := range 40 {
		at, held := 100*float64(i), float64(i%4*(10+7*i%40))
		g.model.Learn([]motion.Fix{
			{Dev: 0, At: at, Raw: at}, {Dev: 1, Position: 10, At: at + 5 + held, Raw: at + 5 + held},
		}, 2, 8, 0)
	}
}

// TestQueued: in a queue that stands, a reading that came more than twenty seconds late, once more, or first of a
// vehicle that nobody saw entering may be of the vehicle behind; where traffic flows, and of no vehicle, it is not.
func TestQueued(t *testing.T) {
	late, again, born := explained(), explained(), associate.Terms{From: -1}
	late.Residual, late.Sigma = longHeld+0.1, 10 // within what the prediction allows
	justNot := late
	justNot.Residual = longHeld
	again.Score[associate.Repeated], born.Score[associate.Birth] = -4, -3
	for name, c := range map[string]struct {
		terms  associate.Terms
		change func(r *reading)
		want   bool
	}{
		"in time":                      {explained(), nil, false},
		"twenty seconds late":          {justNot, nil, false},
		"later than that":              {late, nil, true},
		"of no vehicle":                {late, func(r *reading) { r.assign(nil) }, false},
		"once more":                    {again, nil, true},
		"first, at the entry":          {born, nil, false},
		"first, beyond the entry":      {born, func(r *reading) { r.det.Dev, r.det.Device = 2, "rpm-1" }, true},
		"first, beyond, of no vehicle": {born, func(r *reading) { r.det.Dev = 2; r.assign(nil) }, false},
	} {
		for _, stands := range []bool{false, true} {
			k, g, r := doubted(0.999, c.terms)
			if c.change != nil {
				c.change(r)
			}
			if stands {
				heldUp(g)
			}
			if got := g.queued(r); got != (c.want && stands) {
				t.Errorf("%s, in a queue %v: %v", name, stands, got)
			}
			code, neighbour := k.why(g, r)
			if inQueue := code == "doubt.queue"; inQueue != (c.want && stands) || inQueue && neighbour != 1 {
				t.Errorf("%s, in a queue %v: %q and %d", name, stands, code, neighbour)
			}
		}
	}
}

// TestLimitByName: a late result that is a vehicle's by a name, and what a device tells twice, is no surer than the
// surest other reading with that name.
func TestLimitByName(t *testing.T) {
	name := kinds.Name{Kind: "container", Value: "CSQU3054383"}
	for _, c := range []struct {
		by, want float64
		twice    bool // told by the same device
	}{
		{0.7, 0.85, false}, {0.9, 0.9, false}, {sure, 0.99, false}, {0.96, 0.99, false}, {0.995, 0.99, false},
		{0.7, 0.7, true}, {sure, 0.99, true}, {0.96, 0.99, true},
	} {
		terms := associate.Terms{Name: &name}
		terms.Score[associate.Names] = 11
		k, g, r := doubted(0.99, terms)
		by := &reading{
			det: &detection.Detection{Evidence: kinds.Evidence{Names: []kinds.Name{name}}}, vehicle: r.vehicle, confidence: c.by,
			other: g.vehicles[0], otherShare: 1 - c.by,
		}
		r.vehicle.readings = append(r.vehicle.readings, by)
		if r.det.Names = by.det.Names; c.twice { // the reading itself does not count
			r.terms.Score[associate.Repeated] = -2
			k.doubt(g, r)
		} else {
			r.limitByName(lateDoubtLeft)
		}
		if r.confidence != c.want || (r.other == g.vehicles[0]) != (c.want < sure) {
			t.Errorf("the name is of a reading with %.3f: %.3f, or %v", c.by, r.confidence, r.other)
		}
	}
}

// TestNameToldOnce: a reading that is a vehicle's by a name which another device read in doubt keeps its confidence when
// its own device tells it for the first time.
func TestNameToldOnce(t *testing.T) {
	name := kinds.Name{Kind: "container", Value: "CSQU3054383"}
	terms := associate.Terms{Name: &name}
	terms.Score[associate.Names] = 11
	k, g, r := doubted(0.99, terms)
	by := &detection.Detection{Evidence: kinds.Evidence{Names: []kinds.Name{name}}}
	r.vehicle.readings = append(r.vehicle.readings, &reading{det: by, vehicle: r.vehicle, confidence: 0.7})
	if k.doubt(g, r); r.confidence != 0.99 || r.doubtful != "" || r.other != nil {
		t.Errorf("%.3f, %q", r.confidence, r.doubtful)
	}
}

// TestLimitBySurest: of several readings with the name the surest counts, and not one that has no name.
func TestLimitBySurest(t *testing.T) {
	name := kinds.Name{Kind: "container", Value: "CSQU3054383"}
	terms := associate.Terms{Name: &name}
	terms.Score[associate.Names] = 11
	_, _, r := doubted(0.99, terms)
	r.det.Names = []kinds.Name{name}
	for _, one := range []struct {
		confidence float64
		names      []kinds.Name
	}{
		{0.6, r.det.Names}, {0.8, r.det.Names}, {0.7, r.det.Names}, {0.999, nil},
		{0.999, []kinds.Name{{Kind: "container", Value: "MSCU6639870"}}},
		{0.999, []kinds.Name{{Kind: "container", Value: name.Value, Guess: true}}},
		{0.999, []kinds.Name{{Kind: "code", Value: name.Value}}},
	} {
		d := &detection.Detection{Evidence: kinds.Evidence{Names: one.names}}
		r.vehicle.readings = append(r.vehicle.readings, &reading{det: d, vehicle: r.vehicle, confidence: one.confidence})
	}
	if r.limitByName(1); math.Abs(r.confidence-0.8) > 1e-9 || r.doubtful != "doubt.uncertain-name" {
		t.Errorf("%.3f, %q", r.confidence, r.doubtful)
	}
}

// TestDoubtNone: what is of no vehicle, and what a person or another reading decided, is not doubted.
func TestDoubtNone(t *testing.T) {
	c, g, r := doubted(0.999, unexplainedTerms(0))
	r.assign(nil)
	if c.doubt(g, r); r.doubtful != "" {
		t.Error("a reading of no vehicle is doubted")
	}
	c, g, r = doubted(0.999, unexplainedTerms(0))
	r.terms = nil
	if c.doubt(g, r); r.doubtful != "" {
		t.Error("a reading without terms is doubted")
	}
}

// TestBeside: the vehicle ahead is the one before it in its own lane that has readings, the one behind that after it;
// who came long before is not beside it.
func TestBeside(t *testing.T) {
	g := New(twoLanes()).groups[0]
	some := []*reading{{det: &detection.Detection{}}}
	a, empty := &vehicle{id: "a", readings: some}, &vehicle{id: "empty"}
	other := &vehicle{id: "other", lane: 1, readings: some}
	b := &vehicle{id: "b", readings: []*reading{{det: &detection.Detection{At: 20}}}}
	g.vehicles = []*vehicle{a, empty, other, b}
	all := math.Inf(1)
	if ahead, behind := g.beside(b, -1, all), g.beside(a, 1, all); ahead != a || behind != b {
		t.Errorf("ahead is %v, behind %v", ahead, behind)
	}
	if g.beside(b, -1, 10) != nil || g.beside(b, -1, 30) != a {
		t.Error("it does not count when the one ahead came")
	}
	for _, v := range []*vehicle{a, other, {id: "unknown"}} {
		if g.beside(v, -1, all) != nil {
			t.Errorf("one is ahead of %s", v.id)
		}
	}
	if g.beside(b, 1, all) != nil {
		t.Error("one is behind the last")
	}
}

// TestUncertainAtBoth: of two vehicles close behind each other, a reading that may be of either is in the document of
// one, and possible in that of the other; an alarm is shown at both.
func TestUncertainAtBoth(t *testing.T) {
	d := newDay(t, twoLanes())
	for v := range 40 { // the portal's time is uneven, so that it tells little
		at := 60 * float64(v)
		d.take(loop("loop-1", at), portal("rpm-1", at+5+float64(v*5%7), false), loop("loop-2", at+20))
	}
	d.take(loop("loop-1", 2500), loop("loop-1", 2505), portal("rpm-1", 2512, true), loop("loop-2", 2520), loop("loop-2", 2525))
	d.wait(300)
	r, g := d.find(d.row("rpm-1 2512.00"))
	if r.confidence >= sure || r.other == nil {
		t.Skipf("this model is sure of it: %.3f", r.confidence)
	}
	for _, v := range g.vehicles {
		doc := d.document(g, v)
		if got := len(doc.Possible) > 0; got != (v == r.other) || doc.AlarmPossible != got || doc.Alarm != (v == r.vehicle) {
			t.Errorf("%s: possible %v, alarm %v, alarm possible %v", v.id, doc.Possible, doc.Alarm, doc.AlarmPossible)
		}
		for _, p := range doc.Possible {
			if p.Other != r.vehicle.id || p.Confidence > p.OtherConfidence {
				t.Errorf("%v", p)
			}
		}
	}
}

// TestCompareFar: vehicles that only devices far away saw tell nothing of a clock.
func TestCompareFar(t *testing.T) {
	lanes := twoLanes()
	lanes[0].Stations[3].Position = 200
	d := newDay(t, lanes)
	g := d.groups[0]
	k := &clock{}
	d.clocks["scale-1"] = k
	for v := range 40 {
		at := 60 * float64(v)
		k.raws = append(k.raws, at+100)
		one := &vehicle{id: fmt.Sprint(v)}
		det := detection.Of(int64(v), loop("loop-1", at), 0)
		(&reading{det: det, confidence: 1}).assign(one)
		d.compareClocks(g, one)
	}
	if k.Known() {
		t.Error("a clock 200 m away is known by the entry")
	}
	if _, ok := g.frontAt(&vehicle{}, 0); ok {
		t.Error("a vehicle without sights was somewhere")
	}
}
