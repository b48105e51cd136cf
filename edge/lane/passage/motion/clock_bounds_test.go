package motion

import (
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

// TestClockSmallDelays: a delay of reports below what a clock's offset is told from is no clock that is behind.
func TestClockSmallDelays(t *testing.T) {
	for _, delay := range []float64{0.01, 0.3, 1} {
		var k Clock
		for i := range 100 {
			at := 30 * float64(i)
			k.AddArrival(at, at+delay)
		}
		if got := k.Offset(3000); got != 0 {
			t.Errorf("reports %.2f s late: the offset is %.2f s", delay, got)
		}
	}
}

// TestClockFixes: an offset by vehicles counts before that of arrivals, once there are enough of them; some that are of
// other vehicles do not disturb it.
func TestClockFixes(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 8))
	var k Clock
	for i := range 100 {
		at := 60 * float64(i)
		k.AddArrival(at+30, at+4) // reports come 4 s late: it seems to be 26 s ahead
		if k.Known() && i < 28 {
			t.Fatalf("known after %d vehicles", i-20)
		}
		if before := k.Offset(at); !k.Known() && i > 10 && math.Abs(before-26) > 1e-6 {
			t.Errorf("by arrivals it is %.2f s ahead", before)
		}
		if i < 20 {
			continue
		}
		off := 30 + 0.1*random.NormFloat64()
		if i%7 == 0 {
			off += 20 * random.NormFloat64()
		}
		k.AddOffset(at, off)
	}
	if !k.Known() {
		t.Fatal("80 vehicles do not make it known")
	}
	near(t, "the offset", k.Offset(6000), 30, 0.3)
}

// TestClockDrift: a drift is told only over some time, with either sign, and never more than a clock can have.
func TestClockDrift(t *testing.T) {
	drift := func(ppm, every float64, vehicles int) float64 {
		var k Clock
		for i := range vehicles {
			at := every * float64(i)
			k.AddOffset(at, 5+ppm*1e-6*at)
		}
		last := every * float64(vehicles-1)
		if ppm < 500 {
			near(t, "the offset", k.Offset(last), 5+ppm*1e-6*last, 0.2)
		}
		return 1e6 * k.Drift()
	}
	near(t, "gaining", drift(80, 60, 200), 80, 5)
	near(t, "losing", drift(-80, 60, 200), -80, 5)
	near(t, "keeping time", drift(0, 60, 200), 0, 1e-6)
	near(t, "within two minutes", drift(80, 5, 24), 0, 0)
	if got := drift(5000, 60, 100); got > 1e6*maxDrift*1.0001 {
		t.Errorf("it drifts by %.0f ppm", got)
	}
	var k Clock
	if k.Drift() != 0 || k.Offset(100) != 0 || k.Known() || k.Bursty() {
		t.Error("a clock that nothing is known of says something")
	}
}

// TestClockMemory: of a clock that wandered, the last vehicles count; and what is kept of it is bounded.
func TestClockMemory(t *testing.T) {
	var k Clock
	for i := range 3000 {
		at := 60 * float64(i)
		k.AddOffset(at, 30*math.Sin(at/40_000))
		if len(k.samples) > maxOffsets {
			t.Fatalf("%d vehicles are kept", len(k.samples))
		}
	}
	at := 60.0 * 2999
	near(t, "the offset", k.Offset(at), 30*math.Sin(at/40_000), 3)
}

// TestClockStepForgets: when a clock was set, what vehicles told of it before does not count any more.
func TestClockStepForgets(t *testing.T) {
	var k Clock
	for i := range 60 {
		at := 60 * float64(i)
		k.AddArrival(at+5, at+0.5)
		k.AddOffset(at, 5)
	}
	if !k.Known() {
		t.Fatal("it is not known")
	}
	for i := 60; i < 80; i++ {
		at := 60 * float64(i)
		k.AddArrival(at+305, at+0.5)
	}
	if k.Known() {
		t.Error("what vehicles told before it was set still counts")
	}
	near(t, "the offset", k.Offset(4800), 305, 1.5)
}

// TestClockOneBurst: many reports of one moment that are strange are not a clock that was set, nor are those that are
// strange in different ways.
func TestClockOneBurst(t *testing.T) {
	usual := func() *Clock {
		k := &Clock{}
		for i := range 50 {
			k.AddArrival(60*float64(i), 60*float64(i)+0.5)
		}
		return k
	}
	k := usual()
	for i := range 40 {
		if step := k.AddArrival(3000, 3400+float64(i)/10); step != 0 {
			t.Fatalf("after %d reports of one moment it stepped by %.1f s", i, step)
		}
	}
	k = usual()
	for i := range 12 {
		at := 3000 + 60*float64(i)
		if step := k.AddArrival(at+400*float64(1+i%5), at+0.5); step != 0 {
			t.Fatalf("times from anywhere are a step by %.1f s", step)
		}
	}
}

// TestClockShift: how far ahead a clock is does not depend on the time of day, and is more by as much as all its times
// are.
func TestClockShift(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		by := rapid.Float64Range(10, 5000).Draw(t, "ahead")
		later := rapid.Float64Range(0, 1e5).Draw(t, "later")
		var a, b Clock
		for i := range rapid.IntRange(10, 80).Draw(t, "reports") {
			at := 60 * float64(i)
			delay := rapid.Float64Range(0.1, 3).Draw(t, "delay")
			a.AddArrival(at+20, at+delay)
			b.AddArrival(at+20+by+later, at+delay+later)
		}
		if d := b.Offset(later) - a.Offset(0) - by; math.Abs(d) > 1e-6 || a.Bursty() != b.Bursty() {
			t.Errorf("one is %.4f s ahead, the other %.4f s", a.Offset(0), b.Offset(later))
		}
	})
}

// TestLateAfterAStep: a device whose reports come late still does when its clock was set.
func TestLateAfterAStep(t *testing.T) {
	k := &Clock{}
	delays := []float64{30, 85, 70, 88, 35, 72}
	step := 0.0
	for i := 0; i < 40 && step == 0; i++ {
		at, set := 60*float64(i), 0.0
		if i >= 20 {
			set = 600
		}
		step = k.AddArrival(at+set, at+delays[i%len(delays)])
		if i >= 10 && !k.Bursty() {
			t.Fatalf("report %d: reports come late no more", i)
		}
	}
	if step < 500 || step > 700 || !k.Bursty() {
		t.Errorf("set by %.0f s, late %v", step, k.Bursty())
	}
}
