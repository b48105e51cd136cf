package passage

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"lanewarden/drivers/kinds"
	"lanewarden/drivers/observation"
	"lanewarden/edge/lane/passage/associate"
	"lanewarden/edge/lane/passage/detection"
	"lanewarden/edge/lane/passage/motion"
)

// seenBy makes a vehicle of lane 1 of readings of devices, all for sure.
func seenBy(g *group, id string, all ...*detection.Detection) *vehicle {
	v := &vehicle{id: id}
	g.enroll(v)
	for i, d := range all {
		d.Idx = int64(100 + i)
		d.Dev = g.devices[d.Device]
		(&reading{det: d, confidence: 1, label: noLabel}).assign(v)
	}
	return v
}

// at is a detection of a device at so many seconds, with what it says of the vehicle.
func at(device string, s float64, e kinds.Evidence) *detection.Detection {
	return &detection.Detection{Device: device, At: sec(s), Raw: sec(s), Evidence: e}
}

// TestFactsOf: what a vehicle's readings say together: it came when the first device that is not late saw it, its speed is
// the one measured first, its length the least, and its front is where it was seen farthest, not on its way back.
func TestFactsOf(t *testing.T) {
	evidence := kinds.Evidence{Lasts: 4, Speed: 2, Length: 8}
	for name, c := range map[string]struct {
		all    []*detection.Detection
		change func(v *vehicle)
		want   facts
	}{
		"one device": {[]*detection.Detection{at("loop-1", 0, evidence)}, nil,
			facts{first: 0, last: 4, front: 0, speed: 2, measured: 8}},
		"through": {[]*detection.Detection{at("loop-1", 0, evidence), at("rpm-1", 5, kinds.Evidence{Lasts: 30, Speed: 3, Length: 7}),
			at("loop-2", 12, kinds.Evidence{Lasts: 1, Length: 9})}, nil,
			facts{first: 0, last: 35, front: 24, speed: 2, measured: 7}},
		"a late result before": {[]*detection.Detection{at("xray-1", -9, kinds.Evidence{Lasts: 99}), at("rpm-1", 5, evidence)}, nil,
			facts{first: 5, last: 9, front: 10, speed: 2, measured: 8}},
		"a late result alone": {[]*detection.Detection{at("xray-1", 8, kinds.Evidence{Lasts: 9}), at("xray-1", 9, kinds.Evidence{Lasts: 9})}, nil,
			facts{first: 8, early: true, last: 9}},
		"backwards": {[]*detection.Detection{at("loop-1", 0, evidence), at("rpm-1", 50, kinds.Evidence{Reverse: true, Speed: 5, Lasts: 1})}, nil,
			facts{first: 0, last: 51, front: 0, speed: 2, measured: 8, reversed: true}},
		"backwards first": {[]*detection.Detection{at("rpm-1", 0, kinds.Evidence{Reverse: true, Speed: 5}), at("rpm-1", 5, evidence)}, nil,
			facts{first: 0, last: 9, front: 10, speed: 2, measured: 8, reversed: true}},
		"turned over a loop": {[]*detection.Detection{at("loop-1", 0, kinds.Evidence{Turned: true})}, nil,
			facts{first: 0, last: 0, front: 0, reversed: true}},
		"of another lane": {[]*detection.Detection{at("loop-1", 0, evidence), at("loop-2", 12, evidence)},
			func(v *vehicle) { v.readings[1].foreign = true }, facts{first: 0, last: 4, front: 0, speed: 2, measured: 8}},
	} {
		g := newGroups(twoLanes())[0]
		v := seenBy(g, "a", c.all...)
		if c.change != nil {
			c.change(v)
		}
		got := *v.facts(g)
		got.first, got.last = got.first-sec(0), got.last-sec(0)
		if got.length != got.measured {
			t.Errorf("%s: length %.1f m", name, got.length)
		}
		if got.length = 0; got.first != c.want.first || math.Abs(got.last-c.want.last) > 1e-6 || got.front != c.want.front ||
			got.speed != c.want.speed || got.measured != c.want.measured || got.reversed != c.want.reversed || got.early != c.want.early {
			t.Errorf("%s: %+v, not %+v", name, got, c.want)
		}
	}
}

// TestFactsKept: facts hold until a reading comes or goes; those without some readings are folded apart.
func TestFactsKept(t *testing.T) {
	g := newGroups(twoLanes())[0]
	v := sightings(g, "a", map[string]float64{"loop-1": 0, "loop-2": 12})
	g.changed, v.listed = nil, false
	f := v.facts(g)
	if v.facts(g) != f || v.factsWithout(g, nil) != f {
		t.Error("they are folded again")
	}
	last := v.readings[1]
	if w := v.factsWithout(g, map[*reading]bool{last: true}); w == f || w.last != sec(4) || f.last != sec(16) || len(v.readings) != 2 {
		t.Errorf("without the last: %+v", w)
	}
	if last.assign(v); v.facts(g) != f || len(g.changed) != 0 {
		t.Error("nothing has changed")
	}
	if last.assign(nil); v.facts(g) == f || v.facts(g).last != sec(4) || len(g.changed) != 1 || !v.listed {
		t.Errorf("after it has gone: %+v, %d have changed", v.facts(g), len(g.changed))
	}
	if last.assign(v); len(g.changed) != 1 {
		t.Errorf("%d have changed", len(g.changed))
	}
	v.home = nil
	v.listed = false
	if last.assign(nil); len(g.changed) != 1 {
		t.Error("a vehicle that was dropped is to be sorted")
	}
}

// TestReadingsInOrder: a vehicle's readings are in the order of their times, at one time in that of their rows.
func TestReadingsInOrder(t *testing.T) {
	v := &vehicle{}
	for _, d := range []detection.Detection{{Idx: 3, At: 5}, {Idx: 9, At: 1}, {Idx: 1, At: 5}, {Idx: 2, At: 9}, {Idx: 2, At: 5}} {
		(&reading{det: &d}).assign(v)
	}
	var got []string
	for _, r := range v.readings {
		got = append(got, fmt.Sprint(r.det.At, " ", r.det.Idx))
	}
	if want := []string{"1 9", "5 1", "5 2", "5 3", "9 2"}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

// TestFixes: a vehicle's fixes are the first detection of each device that has a place in its lane; the model learns of
// those that are sure, and of late results that are decided.
func TestFixes(t *testing.T) {
	for name, c := range map[string]struct {
		change        func(r *reading)
		all, teaching int
	}{
		"sure":              {func(*reading) {}, 3, 3},
		"not sure":          {func(r *reading) { r.confidence = sure - 0.001 }, 3, 2},
		"in a new lane":     {func(r *reading) { r.confidence, r.doubtful = 0.9, newLane }, 3, 3},
		"in another doubt":  {func(r *reading) { r.confidence, r.doubtful = 0.9, "doubt.queue" }, 3, 2},
		"backwards":         {func(r *reading) { r.det.Reverse = true }, 2, 2},
		"of another lane":   {func(r *reading) { r.foreign = true }, 2, 2},
		"late, not decided": {func(r *reading) { r.det.Dev, r.final = 3, false }, 2, 2},
		"late, decided":     {func(r *reading) { r.det.Dev, r.final = 3, true }, 3, 3},
	} {
		g := newGroups(twoLanes())[0]
		v := sightings(g, "a", map[string]float64{"loop-1": 0, "rpm-1": 5, "loop-2": 12})
		again := sightings(g, "b", map[string]float64{"loop-1": 1}).readings[0]
		if again.assign(v); g.layout.Devices[3].ID != "xray-1" {
			t.Fatal("the scanner has another number")
		}
		c.change(v.readings[2])
		room := make([]motion.Fix, 1, 8)
		all, teaching := v.fixes(g, false, nil), v.fixes(g, true, room)
		if len(all) != c.all || len(teaching) != 1+c.teaching || all[0].At != sec(0) {
			t.Errorf("%s: %d, to learn from %d", name, len(all), len(teaching)-1)
		}
	}
}

// TestAround: late results may be of the vehicles that were near in time, of a device to which a person goes of those up
// to twenty minutes before, and of older ones by name; in the order in which they came to it.
func TestAround(t *testing.T) {
	for name, c := range map[string]struct {
		orderly bool
		first   float64 // s before the result
		names   []kinds.Name
		want    bool
	}{
		"just now":                        {false, 30, nil, true},
		"after it":                        {false, -120, nil, true},
		"long after it":                   {false, -120 - 1, nil, false},
		"twenty minutes ago":              {false, 1200 + 16, nil, true},
		"before that":                     {false, 1200 + 17, nil, false},
		"before that, by name":            {false, 1200 + 17, []kinds.Name{{Kind: "plate", Value: "A"}}, true},
		"in a row, just now":              {true, 30, nil, true},
		"in a row, two minutes ago":       {true, 120 + 16, nil, true},
		"in a row, before that":           {true, 120 + 17, nil, false},
		"in a row, before that, by name":  {true, 120 + 17, []kinds.Name{{Kind: "plate", Value: "A"}}, false},
		"in a row, two minutes after it":  {true, -120, nil, true},
		"in a row, longer after it":       {true, -120 - 1, nil, false},
		"in a row, three minutes after":   {true, -2 * reachRow, nil, false},
		"in a row, much longer after it":  {true, -2*reachRow - 1, nil, false},
		"in a row, five minutes ago":      {true, 2*reachRow + 16, nil, false},
		"in a row, longer ago, with name": {true, 2*reachRow + 17, []kinds.Name{{Kind: "plate", Value: "A"}}, false},
	} {
		g := newGroups(twoLanes())[0]
		dev := g.devices["xray-1"]
		for i := range 40 {
			if c.orderly {
				from := motion.Fix{Dev: 0, At: 100 * float64(i), Raw: 100 * float64(i)}
				g.model.LearnLate([]motion.Fix{from}, motion.Fix{Dev: dev, Position: 16, At: from.At + 8, Raw: from.At + 8}, 2)
			}
		}
		if g.model.Orderly(dev) != c.orderly {
			t.Fatalf("%s: in a row is %v", name, !c.orderly)
		}
		v := sightings(g, "a", map[string]float64{"loop-1": -c.first, "loop-2": 12 - c.first})
		empty := &vehicle{id: "empty"}
		g.enroll(empty)
		v.readings[0].det.Names = c.names
		v.changed()
		g.sortVehicles()
		r := &reading{det: &detection.Detection{Evidence: kinds.Evidence{Names: []kinds.Name{{Kind: "plate", Value: "A"}}}}}
		got := g.around(dev, []*report{{at: sec(0), readings: []*reading{r}}})
		if want := []*vehicle{v}; c.want != slices.Equal(got, want) || !c.want && len(got) != 0 {
			t.Errorf("%s: %d vehicles", name, len(got))
		}
	}
}

// TestAroundOrder: vehicles are in the order in which they came to the device, whoever entered first; those of a lane
// that has no such device are left out.
func TestAroundOrder(t *testing.T) {
	g := newGroups(twoLanes())[0]
	sightings(g, "slow", map[string]float64{"loop-1": 0, "loop-2": 90})
	sightings(g, "b", map[string]float64{"loop-1": 5, "rpm-1": 10, "loop-2": 17})
	sightings(g, "a", map[string]float64{"loop-1": 5, "rpm-1": 10, "loop-2": 17})
	var got []string
	for _, v := range g.around(g.devices["xray-1"], []*report{{at: sec(10)}, {at: sec(200)}}) {
		got = append(got, v.id)
	}
	if want := []string{"a", "b", "slow"}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	two := newGroups([]Lane{
		{ID: "lane-1", Stations: []Station{{ID: "in", Devices: []string{"x"}}, {ID: "scan", Position: 9, Devices: []string{"scan"}}}},
		{ID: "lane-2", Stations: []Station{{ID: "in", Devices: []string{"x", "y"}}}},
	})[0]
	v := sightings(two, "other", map[string]float64{"y": 0})
	if v.lane = 1; len(two.around(two.devices["scan"], []*report{{at: sec(5)}})) != 0 {
		t.Error("a vehicle of a lane without the device may have a result of it")
	}
}

// TestNewLane: a lane is new for the first 200 vehicles, for the first forty of which everything is in doubt, also what
// is decided later of these.
func TestNewLane(t *testing.T) {
	for name, c := range map[string]struct {
		taught          int
		begun, since    float64
		at              float64
		isNew, brandNew bool
	}{
		"nothing went through":   {0, 0, 0, 10, true, true},
		"before the fortieth":    {39, 0, 0, 10, true, true},
		"the fortieth":           {40, 10, 0, 10, true, false},
		"of before that":         {40, 10, 0, 9, true, true},
		"before the last":        {199, 10, 0, 50, true, false},
		"the last":               {200, 10, 50, 50, false, false},
		"of before the last":     {200, 10, 50, 49, true, false},
		"of before the fortieth": {500, 10, 50, 9, true, true},
	} {
		g := &group{taught: c.taught, begun: c.begun, since: c.since}
		if g.isNew(c.at) != c.isNew || g.isBrandNew(c.at) != c.brandNew {
			t.Errorf("%s: %v, %v", name, g.isNew(c.at), g.isBrandNew(c.at))
		}
	}
}

// TestShaky: what a reading of a new lane rests on: another clock than the agent's, its own or that of the device from
// which it was predicted; a time far off; a device whose detections are not borne out.
func TestShaky(t *testing.T) {
	for name, c := range map[string]struct {
		change func(k *Correlator, r *reading)
		want   bool
	}{
		"borne out":             {func(*Correlator, *reading) {}, false},
		"its own clock":         {func(_ *Correlator, r *reading) { r.det.Raw++ }, true},
		"predicted by a clock":  {func(k *Correlator, _ *reading) { k.clocks["loop-1"] = &clock{} }, true},
		"predicted by none":     {func(k *Correlator, r *reading) { k.clocks["loop-1"], r.terms.From = &clock{}, -1 }, false},
		"three deviations":      {func(_ *Correlator, r *reading) { r.terms.Residual, r.terms.Sigma = -3, 1 }, false},
		"more than three":       {func(_ *Correlator, r *reading) { r.terms.Residual, r.terms.Sigma = -3.1, 1 }, true},
		"more, by no device":    {func(_ *Correlator, r *reading) { r.terms.Residual, r.terms.Sigma, r.terms.From = 9, 1, -1 }, false},
		"of a device not known": {func(_ *Correlator, r *reading) { r.det.Dev = 1 }, true},
	} {
		k, g, r := doubted(0.99, explained())
		w := &watch{}
		for i := range 60 {
			w.phase.Add([]float64{0.02 * float64(i%5), float64(i*37%40) - 20})
			w.own.Add(0.02 * float64(i%5))
		}
		g.phaseWatches[r.det.Dev] = w
		if c.change(k, r); k.shaky(g, r) != c.want {
			t.Errorf("%s: %v", name, !c.want)
		}
	}
}

// TestNeighbours: which neighbour the device did not see, the one ahead before the one behind, up to a minute apart;
// and what counts as seen before by the device itself.
func TestNeighbours(t *testing.T) {
	const dev = 3
	for name, c := range map[string]struct {
		ahead, behind float64 // s from the vehicle; 0 for none
		saw           string
		want          int
	}{
		"nobody":                  {0, 0, "", 0},
		"one ahead":               {60, 0, "", -1},
		"one ahead, long ago":     {60.1, 0, "", 0},
		"one behind":              {0, 60, "", 1},
		"one behind, much later":  {0, 60.1, "", 0},
		"both":                    {10, 10, "", -1},
		"both, it saw one":        {10, 10, "ahead", 1},
		"both, it saw the other":  {10, 10, "behind", -1},
		"one ahead, that it saw":  {10, 0, "ahead", 0},
		"one behind, that it saw": {0, 10, "behind", 0},
	} {
		_, g, r := doubted(0.99, explained())
		r.det.Dev = dev
		own := r.vehicle
		g.vehicles = nil
		add := func(id string, s float64) {
			d := &detection.Detection{At: r.det.At + s}
			if id == c.saw {
				d.Dev = dev
			}
			g.vehicles = append(g.vehicles, &vehicle{id: id, readings: []*reading{{det: d}}})
		}
		if c.ahead > 0 {
			add("ahead", -c.ahead)
		}
		if g.vehicles = append(g.vehicles, own); c.behind > 0 {
			add("behind", c.behind)
		}
		if got := g.missedBeside(r); got != c.want {
			t.Errorf("%s: %d", name, got)
		}
	}
	_, _, r := doubted(0.99, explained())
	for since, want := range map[float64]bool{0: false, again: false, again + 0.1: true, -5: false} {
		other := &reading{det: &detection.Detection{Dev: r.det.Dev, At: r.det.At - since}}
		if r.vehicle.readings = []*reading{r, other}; r.seenBefore() != want {
			t.Errorf("seen %.1f s before: %v", since, !want)
		}
		if other.det.Dev++; r.seenBefore() {
			t.Error("seen before by another device")
		}
	}
}

// TestLimitAtBound: a confidence that is as low as the limit already stays as it is, without a reason for doubt; so does
// what is surely named, and what is no vehicle's by name.
func TestLimitAtBound(t *testing.T) {
	name := kinds.Name{Kind: "plate", Value: "A"}
	for what, c := range map[string]struct {
		confidence, by float64
		names          float32
		want           string
	}{
		"lower":           {0.79, 0.8, knownByName, ""},
		"as low":          {0.8, 0.8, knownByName, ""},
		"surer":           {0.81, 0.8, knownByName, "doubt.uncertain-name"},
		"surely named":    {0.99, sure, knownByName, ""},
		"not by name":     {0.99, 0.8, knownByName - 0.1, ""},
		"nearly surely":   {0.99, sure - 0.001, knownByName, "doubt.uncertain-name"},
		"in doubt enough": {0.9, 0.949, knownByName, ""},
	} {
		terms := associate.Terms{Name: &name}
		terms.Score[associate.Names] = c.names
		_, _, r := doubted(c.confidence, terms)
		by := &reading{det: &detection.Detection{Evidence: kinds.Evidence{Names: []kinds.Name{name}}}, confidence: c.by}
		r.vehicle.readings = append(r.vehicle.readings, by)
		if r.limitByName(1); r.doubtful != c.want || (r.confidence == c.confidence) != (c.want == "") {
			t.Errorf("%s: %q, %.3f", what, r.doubtful, r.confidence)
		}
	}
}

// TestDoubtAtBound: what is in doubt already is not called doubtful, and a name that tells enough ends all doubt.
func TestDoubtAtBound(t *testing.T) {
	for name, c := range map[string]struct {
		confidence float64
		names      float32
		want       string
	}{
		"surer":            {maxInDoubt + 0.001, 0, "doubt.no-prediction"},
		"as much":          {maxInDoubt, 0, ""},
		"a name":           {0.99, knownByName, ""},
		"hardly by a name": {0.99, knownByName - 0.1, "doubt.no-prediction"},
	} {
		k, g, r := doubted(c.confidence, unexplainedTerms(c.names))
		if k.doubt(g, r); r.doubtful != c.want {
			t.Errorf("%s: %q", name, r.doubtful)
		}
	}
	for score, want := range map[float32]string{surprise: "", surprise - 0.01: "doubt.no-prediction"} {
		terms := explained()
		terms.Score[associate.Arrival] = score
		k, g, r := doubted(0.99, terms)
		if k.doubt(g, r); r.doubtful != want {
			t.Errorf("an arrival of e^%.2f: %q", score, r.doubtful)
		}
	}
}

// TestExpectClock: what is expected of a device's times goes by how its reports come, until vehicles have told its clock.
func TestExpectClock(t *testing.T) {
	g := newGroups(twoLanes())[0]
	own, brought := g.devices["lpr-1"], g.devices["xray-1"]
	off := func(dev int, k *clock) (late, sigma float64) { // as predicted from a device with the agent's clock
		g.expectClock(dev, k)
		from := motion.Fix{Dev: g.devices["loop-1"]}
		p := g.model.Predict(from, motion.Fix{Dev: dev, Position: from.Position}, 2)
		return -p.Residual, p.Sigma
	}
	bursty := &clock{}
	for i := range 20 {
		bursty.AddArrival(float64(i), float64(i+10*(i%10)))
	}
	ownLate, ownSigma := off(own, &clock{})
	broughtLate, broughtSigma := off(brought, &clock{})
	burstLate, burstSigma := off(own, bursty)
	if ownLate != 0 || broughtLate != 0 || burstLate != lateLag {
		t.Errorf("late by %.1f, %.1f and %.1f s", ownLate, broughtLate, burstLate)
	}
	if ownSigma >= burstSigma || burstSigma >= broughtSigma || broughtSigma < broughtDoubt {
		t.Errorf("± %.1f, %.1f and %.1f s", ownSigma, burstSigma, broughtSigma)
	}
	g.model.SetClock(own, 0, knownDoubt)
	for i := range 20 {
		bursty.AddOffset(float64(60*i), 3)
	}
	if late, sigma := off(own, bursty); late != 0 || sigma >= ownSigma {
		t.Errorf("once it is known, late by %.1f ± %.1f s", late, sigma)
	}
}

// TestMuteBound: a share of vehicles counts when it rests on twenty of them.
func TestMuteBound(t *testing.T) {
	for total, want := range map[float64]int{19: 100, 20: 10} {
		m := &missRun{}
		for !m.mute() {
			m.add(false, total, total)
		}
		if m.run != want {
			t.Errorf("of %.0f vehicles: mute after %d", total, m.run)
		}
	}
}

// TestDocumentsBound: of each lane's passages the last hundred that were told are listed, also when as many that were not
// told came after them.
func TestDocumentsBound(t *testing.T) {
	k := New(twoLanes())
	g := k.groups[0]
	for i := range 300 {
		v := sightings(g, fmt.Sprintf("v%03d", i), map[string]float64{"loop-1": 60 * float64(i)})
		v.opened = i < 190 || i > 290
	}
	var got []string
	for _, d := range k.documents() {
		got = append(got, d.Id)
	}
	if len(got) != 99 || got[0] != "v299" || got[8] != "v291" || got[9] != "v189" || got[98] != "v100" {
		t.Errorf("%d passages: %q", len(got), got)
	}
	for i := range 50 {
		sightings(newGroupOf(k), fmt.Sprintf("w%03d", i), map[string]float64{"loop-3": 60*float64(i) + 30}).opened = true
	}
	if all := k.documents(); len(all) != 100 || !slices.IsSortedFunc(all, func(a, b *observation.PassageClosed) int {
		return int(b.OpenedNs/1e9 - a.OpenedNs/1e9)
	}) {
		t.Errorf("%d passages of two lanes", len(all))
	}
}

// newGroupOf returns the second lane's group.
func newGroupOf(k *Correlator) *group { return k.groups[1] }

// TestCorrectInMemory: a correction of what is in memory needs no look into the journal; without the reading or the
// passage it does.
func TestCorrectInMemory(t *testing.T) {
	d := newDay(t, twoLanes())
	three(d)
	idx, id := d.row("scale-1 13.00"), d.said()["loop-1 30.00"]
	for name, c := range map[string]struct {
		idx  int64
		to   string
		want error
	}{
		"both": {idx, id, nil}, "to none": {idx, "", nil}, "no passage": {idx, "x", errElsewhere}, "no row": {1 << 40, id, errElsewhere},
	} {
		o, err := d.Correlator.correct(&correction{idx: c.idx, to: c.to, by: "ada"}, dawn)
		if err != c.want || (o == nil) != (c.want != nil) {
			t.Errorf("%s: %v, %v", name, o, err)
		}
		if p := o; c.want == nil && p.Body.GetPassageCorrected().GetFrom() != d.said()["loop-1 0.00"] {
			t.Errorf("%s: %v", name, p)
		}
	}
}
