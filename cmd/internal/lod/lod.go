// Package lod estimates limits of detection of trace detectors from replicated measurements: masses and responses go
// in; the limit of detection and its upper 90 % confidence bound, LOD90, come out. It follows the design and
// definitions of ASTM E2677: responses that are normal about a mean that rises with the mass, cut off at zero, with a
// spread that may rise too; false alarms on blanks and misses at the limit are both 10 %. The confidence bound is by
// parametric bootstrap where the standard's own calculator has a closed form (Rukhin and Samarov, Chemom. Intell. Lab.
// Syst. 105 (2011) 188), so its figures differ a little from that calculator's. docs/protocols/ionscan.md.
package lod

import (
	"math"
	"math/rand/v2"
	"slices"

	"lanewarden/drivers/message"
)

// Point is one measurement.
type Point struct {
	Mass     float64 // ng, or any unit, on the swab; 0 for a process blank
	Response float64 // the detector's, in any unit; not below 0
}

// Result is the statistics of a series.
type Result struct {
	CriticalValue float64 `json:"critical_value"` // response that one blank in ten passes
	LOD           float64 `json:"lod"`            // mass at which nine measurements in ten pass the critical value
	LOD90         float64 `json:"lod90"`          // upper 90 % confidence bound of LOD
	Slope         float64 `json:"slope"`          // response per mass
	BlankMean     float64 `json:"blank_mean"`     // of the uncensored response to blanks
	BlankSigma    float64 `json:"blank_sigma"`
	Levels        []Level `json:"levels"`
}

// Level sums up the replicates of one mass.
type Level struct {
	Mass  float64 `json:"mass"`
	N     int     `json:"n"`
	Mean  float64 `json:"mean"`
	Sigma float64 `json:"sigma"`
}

// What the standard demands of a series.
const (
	MinReplicates = 10
	MinLevels     = 3
)

const (
	z90       = 1.2815515655446004 // 90 % of the normal distribution
	bootstrap = 400                // series that the confidence bound is taken from
)

// Estimate computes the limits. The error says what the series lacks.
func Estimate(points []Point) (*Result, error) {
	levels, err := levelsOf(points)
	if err != nil {
		return nil, err
	}
	m, err := fit(levels)
	if err != nil {
		return nil, err
	}
	r := &Result{CriticalValue: m.critical(), LOD: m.limit(), Slope: m.slope, BlankMean: m.blank, BlankSigma: m.sigma0}
	if math.IsInf(r.LOD, 0) || math.IsNaN(r.LOD) {
		return nil, message.Errorf("lod.spread")
	}
	for _, l := range levels {
		mean, sigma := meanSigma(l.responses)
		r.Levels = append(r.Levels, Level{l.mass, len(l.responses), mean, sigma})
	}
	r.LOD90 = m.bound(levels)
	return r, nil
}

type level struct {
	mass      float64
	responses []float64
}

func levelsOf(points []Point) ([]level, error) {
	by := map[float64][]float64{}
	for i, p := range points {
		if !(p.Mass >= 0) || math.IsInf(p.Mass, 0) || !(p.Response >= 0) || math.IsInf(p.Response, 0) {
			return nil, message.Errorf("lod.negative", message.Int("row", i+1),
				message.Quantity("mass", p.Mass, 6, ""), message.Quantity("response", p.Response, 6, ""))
		}
		by[p.Mass] = append(by[p.Mass], p.Response)
	}
	var out []level
	for mass, responses := range by {
		if len(responses) < MinReplicates {
			return nil, message.Errorf("lod.replicates", message.Quantity("mass", mass, 6, ""),
				message.Count("n", len(responses)), message.Int("least", MinReplicates))
		}
		out = append(out, level{mass, responses})
	}
	slices.SortFunc(out, func(a, b level) int {
		if a.mass < b.mass {
			return -1
		}
		return 1
	})
	if len(out) < MinLevels {
		return nil, message.Errorf("lod.masses", message.Count("n", len(out)), message.Int("least", MinLevels))
	}
	if out[0].mass != 0 {
		return nil, message.Errorf("lod.no-blanks")
	}
	bm, bs := meanSigma(out[0].responses)
	top := out[len(out)-1]
	tm, ts := meanSigma(top.responses)
	if t := (tm - bm) / math.Sqrt(bs*bs/float64(len(out[0].responses))+ts*ts/float64(len(top.responses))); !(t > 2.5) {
		return nil, message.Errorf("lod.no-difference", message.Quantity("mass", top.mass, 6, ""))
	}
	return out, nil
}

func meanSigma(v []float64) (mean, sigma float64) {
	for _, x := range v {
		mean += x / float64(len(v))
	}
	for _, x := range v {
		sigma += (x - mean) * (x - mean) / float64(max(len(v)-1, 1))
	}
	return mean, math.Sqrt(sigma)
}

// model is the mean and spread of the uncensored response: blank + slope m, and sqrt(sigma0^2 + (rise m)^2).
type model struct{ blank, slope, sigma0, rise float64 }

func (m model) mean(mass float64) float64  { return m.blank + m.slope*mass }
func (m model) sigma(mass float64) float64 { return math.Hypot(m.sigma0, m.rise*mass) }

// critical is the response that 10 % of blanks pass; a detector shows none below 0.
func (m model) critical() float64 { return max(m.blank+z90*m.sigma0, 0) }

// limit is the mass of which 90 % pass the critical value: blank + slope x - z sigma(x) = critical, a quadratic.
func (m model) limit() float64 {
	d := m.critical() - m.blank
	// (slope x - d)^2 = z^2 (sigma0^2 + rise^2 x^2), the larger root
	a := m.slope*m.slope - z90*z90*m.rise*m.rise
	b := -2 * m.slope * d
	c := d*d - z90*z90*m.sigma0*m.sigma0
	if a <= 0 {
		return math.Inf(1)
	}
	return (-b + math.Sqrt(max(b*b-4*a*c, 0))) / (2 * a)
}

// logLikelihood of the levels, with responses of 0 as cut off.
func (m model) logLikelihood(levels []level) float64 {
	sum := 0.0
	for _, l := range levels {
		mu, s := m.mean(l.mass), m.sigma(l.mass)
		for _, y := range l.responses {
			if y == 0 {
				sum += math.Log(max(0.5*math.Erfc(mu/s/math.Sqrt2), 1e-300))
				continue
			}
			z := (y - mu) / s
			sum += -0.5*z*z - math.Log(s)
		}
	}
	return sum
}

// fit finds the likeliest model (Nelder and Mead's simplex, on logarithms of what is positive).
func fit(levels []level) (model, error) {
	bm, bs := meanSigma(levels[0].responses)
	top := levels[len(levels)-1]
	tm, ts := meanSigma(top.responses)
	floor := 1e-6 * max(tm, 1e-12)
	start := []float64{bm / max(bs, floor), math.Log(max((tm-bm)/top.mass, 1e-12)), math.Log(max(bs, ts/20, floor)), math.Log(max(ts/top.mass, floor/top.mass))}
	scale := max(bs, floor)
	of := func(v []float64) model {
		return model{blank: v[0] * scale, slope: math.Exp(v[1]), sigma0: math.Exp(v[2]), rise: math.Exp(v[3])}
	}
	best := simplex(start, func(v []float64) float64 {
		m := of(v)
		l := m.logLikelihood(levels)
		if math.IsNaN(l) || m.sigma0 < floor {
			return math.Inf(1)
		}
		return -l
	})
	m := of(best)
	if math.IsNaN(m.slope) || math.IsInf(m.slope, 0) {
		return m, message.Errorf("lod.no-model")
	}
	return m, nil
}

// simplex minimises f from start.
func simplex(start []float64, f func([]float64) float64) []float64 {
	type vertex struct {
		v []float64
		f float64
	}
	n := len(start)
	at := func(v []float64) vertex { return vertex{v, f(v)} }
	s := []vertex{at(slices.Clone(start))}
	for i := range n {
		v := slices.Clone(start)
		v[i] += 0.5
		s = append(s, at(v))
	}
	toward := func(center, from []float64, k float64) vertex {
		v := make([]float64, n)
		for i := range v {
			v[i] = center[i] + k*(from[i]-center[i])
		}
		return at(v)
	}
	for range 800 {
		slices.SortStableFunc(s, func(a, b vertex) int {
			if a.f < b.f {
				return -1
			} else if a.f > b.f {
				return 1
			}
			return 0
		})
		if s[n].f-s[0].f < 1e-9 {
			break
		}
		center := make([]float64, n)
		for _, x := range s[:n] {
			for i := range center {
				center[i] += x.v[i] / float64(n)
			}
		}
		reflected := toward(center, s[n].v, -1)
		switch {
		case reflected.f < s[0].f:
			if e := toward(center, s[n].v, -2); e.f < reflected.f {
				reflected = e
			}
			s[n] = reflected
		case reflected.f < s[n-1].f:
			s[n] = reflected
		default:
			if c := toward(center, s[n].v, 0.5); c.f < s[n].f {
				s[n] = c
				continue
			}
			for i := 1; i <= n; i++ {
				s[i] = toward(s[0].v, s[i].v, 0.5)
			}
		}
	}
	return s[0].v
}

// bound draws series from the model, whose limit is known, and sees how far below it their own limits fall: the tenth
// percentile of that ratio, turned about the estimate (a pivotal bootstrap: it also takes the estimate's bias off).
// The same series gives the same bound.
func (m model) bound(levels []level) float64 {
	rng := rand.New(rand.NewPCG(0x2677, 0x90))
	limits := make([]float64, 0, bootstrap)
	for range bootstrap {
		drawn := make([]level, len(levels))
		for i, l := range levels {
			drawn[i] = level{mass: l.mass, responses: make([]float64, len(l.responses))}
			for k := range drawn[i].responses {
				drawn[i].responses[k] = max(0, m.mean(l.mass)+rng.NormFloat64()*m.sigma(l.mass))
			}
		}
		if d, err := fit(drawn); err == nil && !math.IsNaN(d.limit()) {
			limits = append(limits, d.limit())
		}
	}
	if len(limits) == 0 {
		return math.Inf(1)
	}
	slices.Sort(limits)
	return m.limit() * m.limit() / limits[len(limits)/10]
}
