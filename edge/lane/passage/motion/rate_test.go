package motion

import (
	"testing"

	"pgregory.net/rapid"
)

// seen draws vehicles that a device saw or not.
func seen(t *rapid.T, what string) []bool { return rapid.SliceOfN(rapid.Bool(), 0, 300).Draw(t, what) }

func rateOf(all ...[]bool) *Rate {
	r := &Rate{}
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
			r.Late()
		}
		if p := r.Share(); p <= 0 || p >= 1 {
			t.Errorf("share is %f", p)
		}
		if r.Seen() < 0 || r.Seen() > r.Of() || r.Of() > 2*rateMemory {
			t.Errorf("%.1f of %.1f", r.Seen(), r.Of())
		}
	})
}

// TestRateNext: a vehicle that is seen makes the share no less, one that is missed no more; and a late result makes up
// for a miss.
func TestRateNext(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		history := seen(t, "vehicles")
		before := rateOf(history).Share()
		saw, missed := rateOf(history, []bool{true}), rateOf(history, []bool{false})
		const least = 1e-9
		if len(history) < rateMemory-1 && saw.Share() < before-least {
			t.Errorf("one more was seen: from %f to %f", before, saw.Share())
		}
		if missed.Share() > before+least && len(history) < rateMemory-1 {
			t.Errorf("one more was missed: from %f to %f", before, missed.Share())
		}
		if saw.Share() < missed.Share() {
			t.Errorf("seen %f, missed %f", saw.Share(), missed.Share())
		}
		if missed.Late(); missed.Share() < before-least && len(history) < rateMemory-1 {
			t.Errorf("the result came late: from %f to %f", before, missed.Share())
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
	last := rateOf(good).Share()
	for _, n := range []int{2, 4, 6, 10, 20} {
		now := rateOf(good, run(n)).Share()
		if now > last || now == last && n < 10 {
			t.Errorf("after %d misses in a row %f, after fewer %f", n, now, last)
		}
		last = now
	}
	ten := rateOf(good, run(10)).Share()
	if strewn := rateOf(run(10), good).Share(); ten > strewn/2 {
		t.Errorf("ten misses in a row give %f, ten long ago %f", ten, strewn)
	}
	if back := rateOf(good, run(10), []bool{true}).Share(); back < 0.7 {
		t.Errorf("it sees again: %f", back)
	}
	late := rateOf(good, run(10))
	if late.Late(); late.Share() < 0.7 {
		t.Errorf("its last result came late, so that it works: %f", late.Share())
	}
	half := history(100, 2)
	before, after := rateOf(half).Share(), rateOf(half, run(4)).Share()
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
	for name, r := range map[string]*Rate{"that saw nothing once": better, "that saw all once": worse} {
		if p := r.Seen() / r.Of(); p < 0.3 || p > 0.7 {
			t.Errorf("of a device %s it is %f after 400 of which it saw half", name, p)
		}
	}
	if better.Seen()/better.Of() > worse.Seen()/worse.Of() {
		t.Error("what was long ago counts the wrong way")
	}
}
