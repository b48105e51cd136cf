package motion

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

// seen draws vehicles that a device saw or not.
func seen(t *rapid.T, what string) []bool { return rapid.SliceOfN(rapid.Bool(), 0, 300).Draw(t, what) }

func rateOf(all ...[]bool) *HitRate {
	r := &HitRate{}
	for _, some := range all {
		for _, saw := range some {
			r.Add(saw)
		}
	}
	return r
}

// TestRateBounds: whatever a device saw, its share is a probability of which the logarithm of both sides can be taken;
// and no more are seen than there were.
func TestRateBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := rateOf(seen(t, "vehicles"))
		for range rapid.IntRange(0, 5).Draw(t, "late") {
			r.AddLateHit()
		}
		if p := r.Probability(); p <= 0 || p >= 1 {
			t.Errorf("share is %f", p)
		}
		if r.Hits() < 0 || r.Hits() > r.Total() || r.Total() > 2*hitRateMemory {
			t.Errorf("%.1f of %.1f", r.Hits(), r.Total())
		}
	})
}

// TestRateNext: a vehicle that is seen makes the share no less, one that is missed no more; and a late result makes up
// for a miss.
func TestRateNext(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		history := seen(t, "vehicles")
		before := rateOf(history).Probability()
		saw, missed := rateOf(history, []bool{true}), rateOf(history, []bool{false})
		const least = 1e-9
		if len(history) < hitRateMemory-1 && saw.Probability() < before-least {
			t.Errorf("one more was seen: from %f to %f", before, saw.Probability())
		}
		if missed.Probability() > before+least && len(history) < hitRateMemory-1 {
			t.Errorf("one more was missed: from %f to %f", before, missed.Probability())
		}
		if saw.Probability() < missed.Probability() {
			t.Errorf("seen %f, missed %f", saw.Probability(), missed.Probability())
		}
		if missed.AddLateHit(); missed.Probability() < before-least && len(history) < hitRateMemory-1 {
			t.Errorf("the result came late: from %f to %f", before, missed.Probability())
		}
	})
}

// TestRateRuns: a run of misses counts for more than the same misses strewn among others, the longer the more; of a
// device that misses often it says less; and one vehicle that is seen ends it.
func TestRateRuns(t *testing.T) {
	history := func(n, every int) (out []bool) {
		for i := range n {
			out = append(out, (i+1)%every != 0)
		}
		return out
	}
	run := func(n int) []bool { return make([]bool, n) }
	good := history(100, 20)
	last := rateOf(good).Probability()
	for _, n := range []int{2, 4, 6, 10, 20} {
		now := rateOf(good, run(n)).Probability()
		if now > last || now == last && n < 10 {
			t.Errorf("after %d misses in a row %f, after fewer %f", n, now, last)
		}
		last = now
	}
	ten := rateOf(good, run(10)).Probability()
	if strewn := rateOf(run(10), good).Probability(); ten > strewn/2 {
		t.Errorf("ten misses in a row give %f, ten long ago %f", ten, strewn)
	}
	if back := rateOf(good, run(10), []bool{true}).Probability(); back < 0.7 {
		t.Errorf("it sees again: %f", back)
	}
	late := rateOf(good, run(10))
	if late.AddLateHit(); late.Probability() < 0.7 {
		t.Errorf("its last result came late, so that it works: %f", late.Probability())
	}
	half := history(100, 2)
	before, after := rateOf(half).Probability(), rateOf(half, run(4)).Probability()
	if after < before/2 {
		t.Errorf("four in a row are nothing for a device that misses half: from %f to %f", before, after)
	}
}

// TestRateFades: what was long ago counts less than what was lately.
func TestRateFades(t *testing.T) {
	all, none := make([]bool, 400), make([]bool, 400)
	for i := range all {
		all[i] = true
	}
	mixed := make([]bool, 400)
	for i := range mixed {
		mixed[i] = i%2 == 0
	}
	better, worse := rateOf(none, mixed), rateOf(all, mixed)
	for name, r := range map[string]*HitRate{"that saw nothing once": better, "that saw all once": worse} {
		if p := r.Hits() / r.Total(); p < 0.3 || p > 0.7 {
			t.Errorf("of a device %s it is %f after 400 of which it saw half", name, p)
		}
	}
	if better.Hits()/better.Total() > worse.Hits()/worse.Total() {
		t.Error("what was long ago counts the wrong way")
	}
}

// TestStrayRate: tags of no vehicle here are counted by their probability, over the time that passed; what is long ago
// counts for less.
func TestStrayRate(t *testing.T) {
	var r StrayRate
	if got := r.Rate(); got != 1/strayPrior {
		t.Errorf("at first %g a second", got)
	}
	r.Add(1000, 1)
	r.Add(1000+strayPrior, 0.5)
	if got, want := r.Rate(), 2.5/(2*strayPrior); math.Abs(got-want) > 1e-12 {
		t.Errorf("after an hour %g a second, not %g", got, want)
	}
	r.Add(1001+strayMemory, 0.5) // more than the memory
	if got, want := r.Rate(), 2/((strayMemory+1)/2+strayPrior); math.Abs(got-want) > 1e-12 {
		t.Errorf("after the memory's time %g a second, not %g", got, want)
	}
}
