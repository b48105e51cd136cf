package lod

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// series draws measurements of a known model.
func series(rng *rand.Rand, m model, masses []float64, n int) (out []Point) {
	for _, mass := range masses {
		for range n {
			out = append(out, Point{mass, max(0, m.mean(mass)+rng.NormFloat64()*m.sigma(mass))})
		}
	}
	return out
}

// LOD90 is an upper bound that nine series in ten keep; LOD itself is about right.
func TestCoverage(t *testing.T) {
	m := model{blank: 2, slope: 10, sigma0: 5, rise: 1.5}
	truth := m.limit()
	rng := rand.New(rand.NewPCG(1, 2))
	const n = 40
	covered, sum := 0, 0.0
	for range n {
		r, err := Estimate(series(rng, m, []float64{0, 1, 2, 4}, 12))
		if err != nil {
			t.Fatal(err)
		}
		if r.LOD90 >= truth {
			covered++
		}
		if r.LOD90 < r.LOD {
			t.Errorf("LOD90 %.3f is under LOD %.3f", r.LOD90, r.LOD)
		}
		sum += r.LOD / n
	}
	t.Logf("true limit %.3f, mean estimate %.3f, LOD90 above it in %d of %d series", truth, sum, covered, n)
	if covered < n*75/100 || math.Abs(sum/truth-1) > 0.15 {
		t.Errorf("true limit %.3f, mean estimate %.3f, LOD90 above it in %d of %d series", truth, sum, covered, n)
	}
}

func TestWhatASeriesLacks(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	m := model{blank: 2, slope: 10, sigma0: 5, rise: 1.5}
	for want, points := range map[string][]Point{
		"E2677 demands 10":        series(rng, m, []float64{0, 1, 2}, 9),
		"E2677 demands 3":         series(rng, m, []float64{0, 1}, 10),
		"no process blanks":       series(rng, m, []float64{1, 2, 3}, 10),
		"do not differ":           series(rng, model{blank: 20, sigma0: 5}, []float64{0, 1, 2}, 10),
		"neither may be negative": {{-1, 2}},
	} {
		if _, err := Estimate(points); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v; want %q", err, want)
		}
	}
}
