package motion

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// leading is a clock of which half of forty leads are 0 s, and the others low.
func leading(low float64) *Clock {
	k := &Clock{}
	for i := range 40 {
		k.addLead(low * float64(i%2))
	}
	return k
}

// TestClockSlack: a lead is usual up to fifteen seconds, and a quarter of their range, outside of what leads were; the
// first eight are whatever they are.
func TestClockSlack(t *testing.T) {
	for _, c := range []struct {
		low, lead float64
		usual     bool
	}{
		{0, 15, true}, {0, 15.1, false}, {0, -15, true}, {0, -15.1, false},
		{-8, 17, true}, {-8, 17.1, false}, {-8, -25, true}, {-8, -25.1, false},
	} {
		k := leading(c.low)
		if k.AddArrival(1000+c.lead, 1000); (len(k.outliers) == 0) != c.usual || (k.leads.last.Len() == 41) != c.usual {
			t.Errorf("of 0 and %.0f s, %.1f s is usual: %v", c.low, c.lead, !c.usual)
		}
	}
	even := &Clock{}
	for i := range 40 {
		even.addLead(float64(i))
	}
	if low, high := even.bounds(); low != 2 || high != 37 { // of forty leads two are beyond on either side
		t.Errorf("nearly all leads are from %.0f to %.0f s", low, high)
	}
	for n, usual := range map[int]bool{7: true, 8: false} {
		k := &Clock{}
		for range n {
			k.AddArrival(1000, 1000)
		}
		if k.AddArrival(9000, 1000); (len(k.outliers) == 0) != usual {
			t.Errorf("after %d leads any is usual: %v", n, !usual)
		}
	}
}

// TestClockSteps: which reports show that a clock was set: four that are ahead, eight that are behind, as reports may
// be late; each more than half a minute after the one before, alike, and with nothing usual between.
func TestClockSteps(t *testing.T) {
	type report struct{ after, lead float64 } // s since the one before
	alike := func(n int, after float64, leads ...float64) (out []report) {
		for i := range n {
			out = append(out, report{after, leads[i%len(leads)]})
		}
		return out
	}
	for name, c := range map[string]struct {
		reports []report
		at      int // which of them shows it; 0 for none
		step    float64
	}{
		"ahead":              {alike(9, 31, 100, 101, 99), 4, 101},
		"behind":             {alike(9, 31, -100), 8, -100},
		"at half a minute":   {alike(9, 30, 100), 7, 100}, // every second one counts
		"within a burst":     {alike(9, 0, 100), 0, 0},
		"a little different": {alike(9, 31, 100, 115), 4, 115},
		"different":          {alike(9, 31, 100, 116), 0, 0},
		"usual ones between": {alike(9, 31, 100, 100, 0), 0, 0},
		"different at first": {append(alike(3, 31, 200), alike(5, 31, 100)...), 7, 100},
	} {
		k := leading(0)
		now, at, step := 10_000.0, 0, 0.0
		for i, r := range c.reports {
			now += r.after
			if s := k.AddArrival(now+r.lead, now); s != 0 {
				at, step = i+1, s
				break
			}
		}
		if at != c.at || math.Abs(step-c.step) > 1e-6 {
			t.Errorf("%s: the report %d shows a step of %.1f s", name, at, step)
		}
		if at > 0 && (k.Offset(now) != c.step || len(k.outliers) != 0 || k.leads.last.Len() > 8 || k.fitted) {
			t.Errorf("%s: ahead by %.0f s, %d leads, %d that are strange, known %v", name, k.Offset(now),
				k.leads.last.Len(), len(k.outliers), k.fitted)
		}
	}
}

// TestClockOffsetWorked: the offset by arrivals is the largest lead but for a sixteenth of them, and the largest where
// reports come late; what is less than a second and a half behind is a delay.
func TestClockOffsetWorked(t *testing.T) {
	offset := func(leads ...float64) (float64, bool) {
		k := &Clock{}
		for _, l := range leads {
			k.addLead(l)
		}
		return k.Offset(0), k.Bursty()
	}
	var many []float64
	for i := range 80 {
		many = append(many, 100-float64(i)) // the last 64 are from 84 s down, and half of these 32 s behind the top
	}
	late := append([]float64{5}, append(slices.Repeat([]float64{0}, 6), slices.Repeat([]float64{-15.1}, 9)...)...)
	timely := append([]float64{5}, append(slices.Repeat([]float64{0}, 6), slices.Repeat([]float64{-15}, 9)...)...)
	for name, c := range map[string]struct {
		leads  []float64
		want   float64
		bursty bool
	}{
		"one": {[]float64{7}, 7, false}, "many": {many, 84, true}, "late": {late, 5, true},
		"not late": {timely, 0, false}, "a delay": {[]float64{-1.4}, 0, false},
		"behind": {[]float64{-1.5}, -1.5, false}, "hardly ahead": {[]float64{0.4}, 0.4, false},
	} {
		if got, bursty := offset(c.leads...); got != c.want || bursty != c.bursty {
			t.Errorf("%s: %.1f s, late %v", name, got, bursty)
		}
	}
	var close []float64
	for i := range 80 {
		close = append(close, 10-float64(i)/8)
	}
	if got, bursty := offset(close...); got != 10-20.0/8 || bursty { // the top 4 of 64 are passed over
		t.Errorf("close together: %.3f s, late %v", got, bursty)
	}
}

// TestClockFitsWhen: offset and drift are found of twelve vehicles, and anew with every fourth.
func TestClockFitsWhen(t *testing.T) {
	k := &Clock{}
	for i := range 17 {
		n := i + 1
		before := k.Offset(0)
		k.AddOffset(float64(i), 5+float64(i))
		if anew := k.Offset(0) != before; anew != (n == 12 || n == 16) || k.Known() != (n >= 12) {
			t.Errorf("after %d vehicles: found anew %v, known %v", n, anew, k.Known())
		}
	}
	k = &Clock{}
	for i := range 257 {
		k.AddOffset(float64(i), 5)
	}
	if len(k.samples) != 193 || k.samples[0].at != 64 {
		t.Errorf("%d vehicles are kept, from the time %.0f s on", len(k.samples), k.samples[0].at)
	}
}

// TestClockFitReference holds offset and drift against the textbook's least squares: once over all vehicles, and once
// more without those that are off by more than three times the median.
func TestClockFitReference(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := 4 * rapid.IntRange(3, 12).Draw(t, "a quarter of the vehicles")
		every := rapid.SampledFrom([]float64{10, 60, 300}).Draw(t, "s between them")
		drift := rapid.Float64Range(-800e-6, 800e-6).Draw(t, "drift")
		k := &Clock{}
		var all []offsetSample
		for i := range n {
			s := offsetSample{5000 + every*float64(i), 20 + drift*every*float64(i)}
			s.offset += rapid.Float64Range(-0.5, 0.5).Draw(t, "noise")
			if rapid.IntRange(0, 9).Draw(t, "of another vehicle") == 0 {
				s.offset += 9
			}
			all = append(all, s)
			k.AddOffset(s.at, s.offset)
		}
		want := line(all)
		var off []float64
		for _, s := range all {
			off = append(off, math.Abs(s.offset-want(s.at)))
		}
		sorted := slices.Sorted(slices.Values(off))
		limit := 3 * max(sorted[n/2], 0.1)
		var good []offsetSample
		for i, s := range all {
			if math.Abs(off[i]-limit) < 1e-9 {
				return // which side it is on is a matter of rounding
			}
			if off[i] < limit {
				good = append(good, s)
			}
		}
		want = line(good)
		for _, at := range []float64{0, every * float64(n), 1e5} {
			if got := k.Offset(at); !(math.Abs(got-want(at)) <= 1e-6) {
				t.Errorf("at %.0f s it is %.6f s ahead, not %.6f s", at, got, want(at))
			}
		}
	})
}

// line returns the least-squares line through samples, by the sums of products. It is level when they are of ten
// minutes or less, and never steeper than a clock drifts.
func line(all []offsetSample) func(at float64) float64 {
	n, x, y, xx, xy := float64(len(all)), 0.0, 0.0, 0.0, 0.0
	for _, s := range all {
		x, y, xx, xy = x+s.at, y+s.offset, xx+s.at*s.at, xy+s.at*s.offset
	}
	slope := 0.0
	if all[len(all)-1].at-all[0].at > 600 {
		slope = math.Max(-500e-6, math.Min(500e-6, (n*xy-x*y)/(n*xx-x*x)))
	}
	return func(at float64) float64 { return y/n + slope*(at-x/n) }
}

// TestPhaseWorked: how many differences have to agree, how closely, and against how many others.
func TestPhaseWorked(t *testing.T) {
	type some struct {
		n  int
		at float64
	}
	for name, c := range map[string]struct {
		all   []some
		want  float64
		known bool
	}{
		"ten":                        {[]some{{10, 5}}, 5, true},
		"nine":                       {[]some{{9, 5}}, 5, false},
		"of two halves, near":        {[]some{{5, 5}, {5, 6}}, 5.5, true},
		"of two halves, apart":       {[]some{{5, 5}, {5, 6.1}}, 5, false},
		"against seven":              {[]some{{7, -20}, {10, 5}}, 5, true},
		"against eight":              {[]some{{8, -20}, {10, 5}}, 5, false},
		"thirteen against ten":       {[]some{{13, 5}, {10, 30}}, 5, true},
		"against its own neighbour":  {[]some{{10, 0}, {9, 1.4}}, 0, true},
		"against what is before":     {[]some{{9, -1.4}, {10, 0}}, 0, true},
		"against the next one":       {[]some{{10, 0}, {9, 1.6}}, 0, false},
		"against the one before":     {[]some{{9, -1.6}, {10, 0}}, 0, false},
		"of equals the lowest":       {[]some{{10, -30}, {10, 5}}, -30, false},
		"the next one and something": {[]some{{10, 0}, {4, 1.6}, {5, 2.6}}, 0, false},
	} {
		p := &Phase{}
		for i, s := range c.all {
			for range s.n {
				p.diffs.add(s.at, phaseSize)
			}
			if i == len(c.all)-1 {
				for n := range 4 {
					if _, ok := p.Mode(); ok {
						t.Errorf("%s: known after %d vehicles", name, n)
					}
					p.Add(nil)
				}
			}
		}
		if mode, ok := p.Mode(); ok != c.known || math.Abs(mode-c.want) > 1e-9 {
			t.Errorf("%s: %.2f s, %v", name, mode, ok)
		}
		got := p.Inliers([]float64{c.want - 1, c.want - 0.99, c.want, c.want + 0.99, c.want + 1})
		want := []float64{c.want - 0.99, c.want, c.want + 0.99}
		if c.known != slices.Equal(got, want) || !c.known && got != nil {
			t.Errorf("%s: near it are %v", name, got)
		}
	}
}

// TestPhaseAnew: what most vehicles agree about is found anew after every fourth.
func TestPhaseAnew(t *testing.T) {
	p := &Phase{}
	for n := range 13 {
		want := 0.0
		if n >= 4 {
			want = float64(n/4) * 10
		}
		if mode, ok := p.Mode(); mode != want || ok != (n >= 4) {
			t.Errorf("after %d vehicles: %.0f s, %v", n, mode, ok)
		}
		for range 20 * (n + 1) {
			p.diffs.add(10*float64(n/4+1), phaseSize)
		}
		p.Add(nil)
	}
}

// TestModeReference holds the mode of a window against all intervals that hold two in five of its values: the first of
// the shortest, and the mean of what lies within two standard deviations of its middle.
func TestModeReference(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.Float64Range(-9, 9), 1, 41).Draw(t, "values")
		w := &Window{}
		for i, v := range values {
			if rapid.Bool().Draw(t, "whole") {
				values[i] = math.Round(v)
			}
			w.Add(values[i])
		}
		s := slices.Sorted(slices.Values(values))
		low, high := s[0], s[len(s)-1]
		for i := range s {
			for j := i; j < len(s); j++ {
				if held := j - i + 1; 5*held >= 2*len(s) && held >= 2 && s[j]-s[i] < high-low {
					low, high = s[i], s[j]
				}
			}
		}
		spread := (high - low) / 1.049
		sum, of := 0.0, 0.0
		for _, v := range s {
			if math.Abs(v-(low+high)/2) <= 2*spread {
				sum, of = sum+v, of+1
			}
		}
		if middle, got := w.Mode(); !(math.Abs(got-spread) <= 1e-9 && math.Abs(middle-sum/of) <= 1e-9) {
			t.Errorf("%v: %.3f ± %.3f, not %.3f ± %.3f", s, middle, got, sum/of, spread)
		}
	})
	if middle, spread := (&Window{}).Mode(); middle != 0 || spread != 0 {
		t.Errorf("of nothing: %.1f ± %.1f", middle, spread)
	}
}
