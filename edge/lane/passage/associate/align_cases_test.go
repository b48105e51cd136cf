package associate

import (
	"math"
	"testing"

	"lanewarden/drivers/observation/units"
)

// TestAlign: whose late reports are, in cases where it is clear.
func TestAlign(t *testing.T) {
	three := func(a, b, c string) []*Vehicle { return []*Vehicle{passed(1000, a), passed(1030, b), passed(1060, c)} }
	given := func(v *Vehicle) *Vehicle { v.Reported = 1 << imager; return v }
	beside := &Vehicle{Lane: 1, First: 1030, Last: 1034, Speed: 2, Length: 8}
	for _, c := range []struct {
		name     string
		vehicles []*Vehicle
		reports  []*Report
		want     []int
	}{
		{"in time", three("", "", ""), []*Report{imaged(1038, "")}, []int{1}},
		{"two in time", three("", "", ""), []*Report{imaged(1008, ""), imaged(1068, "")}, []int{0, 2}},
		{"by name, ten minutes late", three("AAA111", "BBB222", "CCC333"), []*Report{imaged(1638, "BBB222")}, []int{1}},
		{"a name counts before the time", three("AAA111", "BBB222", "CCC333"), []*Report{imaged(1040, "CCC333")}, []int{2}},
		{"no vehicle at all", nil, []*Report{imaged(1008, "")}, []int{None}},
		{"only one in a lane that the device does not see", []*Vehicle{beside}, []*Report{imaged(1038, "")}, []int{None}},
		{"the one in time has its scan", []*Vehicle{given(passed(1000, "")), passed(1010, "")}, []*Report{imaged(1013, "")}, []int{1}},
		{"twice of one, by name", three("AAA111", "BBB222", "CCC333"), []*Report{imaged(1038, "BBB222"), imaged(1039, "BBB222")}, []int{1, 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := lateLane()
			for j, fits := range l.Align(imaging(true), c.vehicles, c.reports, works) {
				if fits[0].Vehicle != c.want[j] {
					t.Errorf("report %d is of %d with %.3f, not of %d", j, fits[0].Vehicle, fits[0].Probability, c.want[j])
				}
			}
		})
	}
}

// TestAlignOrder: three reports, of which the times alone would give two to the one in the middle, are of three
// vehicles in a row; a device that keeps no order does not help them.
func TestAlignOrder(t *testing.T) {
	l := lateLane()
	vehicles := []*Vehicle{passed(1000, ""), passed(1012, "AAA111"), passed(1024, "")}
	reports := []*Report{imaged(1013, ""), imaged(1020, "AAA111"), imaged(1027, "")}
	sure := func(orderly bool) (sum float64) {
		for j, fits := range l.Align(imaging(orderly), vehicles, reports, works) {
			sum += likely(fits)[j] / 3
		}
		return sum
	}
	if in, each := sure(true), sure(false); in <= each || in < 0.5 {
		t.Errorf("right with %.3f in order, and with %.3f each for itself", in, each)
	}
}

// TestAlignDown: vehicles that passed while the device did not work are not missing from its reports.
func TestAlignDown(t *testing.T) {
	l, m := lateLane(), imaging(true)
	for range 40 {
		m.HitRate(imager).Add(true)
	}
	vehicles := []*Vehicle{passed(1000, ""), passed(1006, ""), passed(1012, ""), passed(1018, "")}
	reports := []*Report{imaged(1008, ""), imaged(1024, "")}
	was := likely(l.Align(m, vehicles, reports, works)[1])
	down := func(_ int, at float64) bool { return at > 1020 && at < 1032 }
	now := likely(l.Align(m, vehicles, reports, down)[1])
	if now[3]+now[2] <= was[3]+was[2] {
		t.Errorf("of the last two with %.4f while it did not work, with %.4f while it did", now[3]+now[2], was[3]+was[2])
	}
}

// TestAlignPassedBy: vehicles that have their result, or that went out backwards, are not missing from a device's
// reports.
func TestAlignPassedBy(t *testing.T) {
	l, m := lateLane(), imaging(true)
	for range 40 {
		m.HitRate(imager).Add(true)
	}
	last := func(change func(v *Vehicle)) float64 { // of two reports, the second is of the last of four vehicles
		vehicles := []*Vehicle{passed(1000, ""), passed(1006, ""), passed(1012, ""), passed(1018, "")}
		change(vehicles[1])
		change(vehicles[2])
		return likely(l.Align(m, vehicles, []*Report{imaged(1008, ""), imaged(1024, "")}, works)[1])[3]
	}
	plain := last(func(*Vehicle) {})
	if seen := last(func(v *Vehicle) { v.Reported = 1 << imager }); seen <= plain {
		t.Errorf("with %.4f, when those between have their result with %.4f", plain, seen)
	}
	if back := last(func(v *Vehicle) { v.Reversed = true }); back <= plain {
		t.Errorf("with %.4f, when those between went out backwards with %.4f", plain, back)
	}
}

// TestAlignMissed: who was not seen costs once; not who has its result, went out backwards, or passed while the device
// did not work.
func TestAlignMissed(t *testing.T) {
	vehicles := []*Vehicle{passed(1000, ""), passed(1020, ""), passed(1040, ""), passed(1060, ""), passed(1080, "")}
	vehicles[1].Reported, vehicles[2].Reversed = 1<<imager, true
	down := func(_ int, at float64) bool { return at == vehicles[3].Last }
	a := aligner{
		Layout: lateLane(), model: imaging(true), vehicles: vehicles, reports: []*Report{imaged(1008, "")}, down: down,
	}
	got := a.missedDetectionCosts()
	falls(t, "before the first, after it, after all", got[0], got[1], got[5])
	for i := 2; i <= 4; i++ {
		equal(t, "with those that are not missing", got[i], got[1])
	}
	equal(t, "two are twice one", got[5], 2*got[1])
}

// TestAlignHoursLater: of a device to which results come when they come, a name counts at any time of the day.
func TestAlignHoursLater(t *testing.T) {
	vehicles := []*Vehicle{passed(1000, "AAA111"), passed(1030, "BBB222")}
	fits := lateLane().Align(imaging(false), vehicles, []*Report{imaged(1038+7*3600, "BBB222")}, works)[0]
	if fits[0].Vehicle != 1 || fits[0].Probability < 0.5 {
		t.Errorf("of %d with %.4f", fits[0].Vehicle, fits[0].Probability)
	}
}

// TestAlignScanned: a vehicle that has its result takes a second one less likely than another vehicle as near, but
// rather than none.
func TestAlignScanned(t *testing.T) {
	l, m := lateLane(), imaging(true)
	v := passed(1000, "AAA111")
	fresh := likely(l.Align(m, []*Vehicle{v}, []*Report{imaged(1008, "AAA111")}, works)[0])
	v.Reported = 1 << imager
	again := likely(l.Align(m, []*Vehicle{v}, []*Report{imaged(1008, "AAA111")}, works)[0])
	if again[0] >= fresh[0] || again[0] < again[None] {
		t.Errorf("the first result is its own with %.6f, a second one with %.6f", fresh[0], again[0])
	}
	v.Reported = 1 << 0
	if other := likely(l.Align(m, []*Vehicle{v}, []*Report{imaged(1008, "AAA111")}, works)[0]); other[0] != fresh[0] {
		t.Errorf("another device's result changes it from %.6f to %.6f", fresh[0], other[0])
	}
}

// TestAlignTerms: a fit says which name and which time made it, and that no time did.
func TestAlignTerms(t *testing.T) {
	l, m := lateLane(), imaging(true)
	vehicles := []*Vehicle{passed(1000, "AAA111"), passed(1030, "BBB222")}
	f := l.Align(m, vehicles, []*Report{imaged(1038.2, "BBB222")}, works)[0][0]
	if f.Vehicle != 1 || f.Terms.Name == nil || f.Terms.Name.Value != "BBB222" || f.Terms.From < 0 ||
		f.Terms.Residual > 2 {
		t.Errorf("%+v", f)
	}
	if f.Terms.Score[Names] <= 0 || f.Terms.Score[Missed] >= 0 || f.Terms.Score[Repeated] != 0 {
		t.Errorf("scores are %v", f.Terms.Score)
	}
	vehicles[1].Fixes = nil
	f = l.Align(m, vehicles, []*Report{imaged(1038.2, "BBB222")}, works)[0][0]
	if f.Vehicle != 1 || f.Terms.From != -1 || f.Terms.Residual != 0 || f.Terms.Sigma != 0 {
		t.Errorf("of a vehicle that nothing predicts: %+v", f)
	}
	none := l.Align(m, nil, []*Report{imaged(1038, "")}, works)[0][0]
	if none.Vehicle != None || none.Probability < 0.999 || none.Terms.Score[Clutter] >= 0 || none.Terms.From != -1 {
		t.Errorf("%+v", none)
	}
}

// TestAlignNothing: no reports need no vehicles.
func TestAlignNothing(t *testing.T) {
	if got := lateLane().Align(imaging(true), []*Vehicle{passed(1000, "")}, nil, works); len(got) != 0 {
		t.Errorf("%v", got)
	}
}

// TestAlignTimeDensity: reports whose time says something and reports whose time says nothing are all there are, so a
// prediction that is as vague as the latter gives the density of just that: one over the time in which they come.
func TestAlignTimeDensity(t *testing.T) {
	l := lateLane()
	for _, c := range []struct {
		orderly bool
		within  float64 // s
	}{{true, 2 * l.Timeout}, {false, untimedWithin}} {
		a := aligner{Layout: l, orderly: c.orderly}
		if got, want := a.arrivalLogLikelihood(1/c.within), -math.Log(c.within); math.Abs(got-want) > 1e-9 {
			t.Errorf("in order %v: %.6f, not %.6f", c.orderly, got, want)
		}
	}
}

// TestAlignSkips: in a row of reports six vehicles are passed over at most.
func TestAlignSkips(t *testing.T) {
	var vehicles []*Vehicle
	for i := range 12 {
		vehicles = append(vehicles, passed(1000+20*float64(i), ""))
	}
	a := aligner{
		Layout: lateLane(), model: imaging(true), vehicles: vehicles, reports: []*Report{imaged(1008, "")}, down: works,
		orderly: true,
	}
	a.score()
	farthest := map[int]int{}
	for _, one := range a.transitions(0, a.missedDetectionCosts()) {
		farthest[one.from.vehicle] = max(farthest[one.from.vehicle], one.to.vehicle)
	}
	for from, to := range farthest {
		if want := min(from+7, 12); to != want {
			t.Errorf("after the vehicle %d the next one is up to the %d., not the %d.", from, to, want)
		}
	}
}

// TestAlignHeldByAhead: a late result fits better or worse by when the vehicle ahead was reported and by how long that
// one is, whatever its own length.
func TestAlignHeldByAhead(t *testing.T) {
	gain := func(ahead, own *Vehicle, before float64) float64 {
		a := aligner{
			Layout: lateLane(), model: imaging(true), vehicles: []*Vehicle{ahead, own},
			reports: []*Report{imaged(before, ""), imaged(1022, "")}, down: works, orderly: true,
		}
		a.score()
		return a.queueGain(1, 1)
	}
	long := func(at float64, length units.Metres) *Vehicle {
		v := passed(at, "")
		v.Length = length
		return v
	}
	usual := gain(long(1000, 8), long(1006, 8), 1014)
	equal(t, "its own length", gain(long(1000, 8), long(1006, 4), 1014), usual)
	if longer := gain(long(1000, 16), long(1006, 8), 1014); longer == usual {
		t.Errorf("one ahead of 8 m and one of 16 m: %.4f", usual)
	}
	if later := gain(long(1000, 8), long(1006, 8), 1017); later == usual {
		t.Errorf("the one ahead reported 3 s later: %.4f", usual)
	}
}
