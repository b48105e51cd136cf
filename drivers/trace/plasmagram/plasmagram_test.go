package plasmagram

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

var cell = Cell{LengthCm: 8, FieldVPerCm: 250, TemperatureK: 378, PressureTorr: 750}

// drawn is a spectrum of Gaussians at these reduced mobilities with these amplitudes, in 8 scans.
func drawn(noise float64, ions map[float64]float64) *Spectrum {
	rng := rand.New(rand.NewPCG(1, 2))
	s := &Spectrum{Polarity: Positive, Cell: cell, StepMs: 0.025}
	for range 8 {
		y := make([]float64, 1200)
		for i := range y {
			y[i] = 200 - 0.05*float64(i) + noise*rng.NormFloat64()
			for k0, amplitude := range ions {
				td := cell.DriftMs(k0)
				d := (float64(i)*s.StepMs - td) / (td / 32 / 2.3548)
				y[i] += amplitude * math.Exp(-0.5*d*d)
			}
		}
		s.Scans = append(s.Scans, y)
	}
	return s
}

var lib = &Library{
	Name: "test", Version: "1",
	Calibrants: []Calibrant{{Name: "nicotinamide", Polarity: "positive", K0: 1.86}},
	Substances: []Substance{
		{Name: "a", Category: "narcotic", Polarity: "positive", Require: 1, MinScans: 2,
			Peaks: []Ion{{Adduct: "[M+H]+", K0: 1.16, Window: 0.02, MinSNR: 6}}},
		{Name: "b", Category: "explosive", Polarity: "positive", Require: 2, MinScans: 2, Peaks: []Ion{
			{Adduct: "[M+H]+", K0: 1.40, Window: 0.02, MinSNR: 6},
			{Adduct: "[2M+H]+", K0: 1.00, Window: 0.02, MinSNR: 6},
		}},
		{Name: "c", Category: "narcotic", Polarity: "positive", Require: 1, MinScans: 2,
			Peaks: []Ion{{Adduct: "[M+H]+", K0: 1.30, Window: 0.02, MinSNR: 6, Threshold: 0.1}}},
		{Name: "d", Category: "narcotic", Polarity: "positive", Require: 1, MinScans: 2,
			Peaks: []Ion{{Adduct: "[M+H]+", K0: 1.18, Window: 0.02, MinSNR: 6}}},
		{Name: "other polarity", Category: "explosive", Polarity: "negative", Require: 1, MinScans: 2,
			Peaks: []Ion{{Adduct: "[M-H]-", K0: 1.16, Window: 0.02, MinSNR: 6}}},
	},
}

// background are the ions that are always there.
func background(more map[float64]float64) map[float64]float64 {
	out := map[float64]float64{2.18: 6000, 1.86: 900}
	for k0, amplitude := range more {
		out[k0] = amplitude
	}
	return out
}

func analysis(t testing.TB, s *Spectrum) *Analysis {
	t.Helper()
	a, err := Analyse(s, lib, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestMobility(t *testing.T) {
	// 8 cm at 250 V/cm, 25 °C and 760 Torr: an ion of K0 1.86 needs (8/250)/1.86 s, times 273.15/298.15.
	c := Cell{LengthCm: 8, FieldVPerCm: 250}
	if td := c.DriftMs(1.86); math.Abs(td-15.7615) > 0.001 {
		t.Errorf("drift time %v ms", td)
	}
	rapid.Check(t, func(t *rapid.T) {
		c := Cell{
			LengthCm: rapid.Float64Range(1, 30).Draw(t, "cm"), FieldVPerCm: rapid.Float64Range(50, 800).Draw(t, "V/cm"),
			TemperatureK: rapid.Float64Range(250, 520).Draw(t, "K"), PressureTorr: rapid.Float64Range(300, 820).
					Draw(t, "Torr"),
			DelayMs: rapid.Float64Range(0, 1).Draw(t, "ms"),
		}
		k0 := rapid.Float64Range(0.4, 3).Draw(t, "K0")
		if back := c.K0(c.DriftMs(k0)); math.Abs(back/k0-1) > 1e-9 {
			t.Fatalf("%v came back as %v", k0, back)
		}
	})
	if (Cell{}).K0(10) != 0 || (Cell{}).DriftMs(1) != 0 || c.K0(0) != 0 {
		t.Error("a mobility without geometry or time")
	}
}

func TestPeaks(t *testing.T) {
	ions := background(map[float64]float64{1.40: 300, 1.16: 150})
	a := analysis(t, drawn(5, ions))
	if len(a.Peaks) != len(ions) {
		t.Fatalf("%d peaks of %d: %+v", len(a.Peaks), len(ions), a.Peaks)
	}
	if math.Abs(a.Noise-5) > 0.3 {
		t.Errorf("noise %v, not 5", a.Noise)
	}
	for _, p := range a.Peaks {
		amplitude := 0.0
		for k0, h := range ions {
			if math.Abs(p.K0/k0-1) < 0.0005 {
				amplitude = h
			}
		}
		if math.Abs(p.Amplitude/amplitude-1) > 0.1 || math.Abs(p.Resolving/32-1) > 0.1 ||
			math.Abs(p.SNR/(amplitude/5)-1) > 0.15 || p.Scans != 8 {
			t.Errorf("%+v, amplitude %v", p, amplitude)
		}
	}
	if a.Peaks[0].Role != RoleReactant || a.Peaks[1].Role != RoleCalibrant || a.K0Source != ByCalibrant ||
		math.Abs(a.CalibrantShift) > 0.0005 {
		t.Errorf("roles %+v, K0 by %s, shift %v", a.Peaks, a.K0Source, a.CalibrantShift)
	}
}

// A peak in the foot of a much stronger one is where it is, not nearer.
func TestNeighbours(t *testing.T) {
	for _, widths := range []float64{1.5, 2, 3, 4} {
		for _, ratio := range []float64{1, 10, 30} {
			strong := 1.30
			weak := strong / (1 + widths/32)
			a := analysis(t, drawn(3, background(map[float64]float64{strong: 100 * ratio, weak: 100})))
			best := 1.0
			for _, p := range a.Peaks {
				best = min(best, math.Abs(p.K0/weak-1))
			}
			if best > 0.002 {
				t.Errorf("%v widths from one %v times as strong: K0 is off by %.2f %%", widths, ratio, 100*best)
			}
		}
	}
}

func TestDecision(t *testing.T) {
	for name, c := range map[string]struct {
		ions  map[float64]float64
		found string
		words string // part of one of the reasons; empty for no reason
	}{
		"nothing":          {nil, "", ""},
		"one peak":         {map[float64]float64{1.155: 100}, "a", "verdict.found peak=verdict.peak substance=a"},
		"one of two peaks": {map[float64]float64{1.40: 300}, "", "verdict.few-peaks substance=b n=1 needed=2"},
		"both peaks":       {map[float64]float64{1.40: 300, 1.00: 100}, "b", "adduct=[2M+H]+ expected=1.000"},
		"under threshold":  {map[float64]float64{1.30: 300}, "", "needed=0.1000"},
		"over threshold":   {map[float64]float64{1.30: 900}, "c", "verdict.found peak=verdict.peak substance=c"},
		"in two windows": {map[float64]float64{1.168: 200}, "a d",
			"verdict.shared substance=d instead=a"},
		"beside the windows": {map[float64]float64{1.25: 500}, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			a := analysis(t, drawn(5, background(c.ions)))
			var found []string
			for _, f := range a.Found {
				found = append(found, f.Substance)
			}
			if got := strings.Join(found, " "); got != c.found || a.Alarm != (c.found != "") || a.Invalid {
				t.Errorf("found %q, not %q; alarm %v, invalid %v", got, c.found, a.Alarm, a.Invalid)
			}
			if !strings.Contains(a.Words(), c.words) || c.words == "" && len(a.Reasons) > 0 {
				t.Errorf("%q does not say %q", a.Words(), c.words)
			}
		})
	}
}

// A spectrum in which nothing could have been seen gives no verdict, and says why.
func TestNoVerdict(t *testing.T) {
	for name, c := range map[string]struct {
		spectrum *Spectrum
		words    string
	}{
		"flat":             {drawn(5, nil), "verdict.no-peaks"},
		"no reactant ions": {drawn(5, map[float64]float64{1.86: 900}), "verdict.no-reactant"},
		"no calibrant, no geometry": {func() *Spectrum {
			s := drawn(5, map[float64]float64{2.18: 6000})
			s.Cell = Cell{}
			return s
		}(), "verdict.no-mobilities"},
	} {
		if a := analysis(t, c.spectrum); !a.Invalid || !strings.Contains(a.Words(), c.words) {
			t.Errorf("%s: invalid %v, %q", name, a.Invalid, a.Words())
		}
	}
	a := analysis(t, drawn(5, map[float64]float64{2.18: 6000, 1.16: 200}))
	if a.Invalid || !a.Alarm || a.K0Source != ByGeometry || !strings.Contains(a.Words(), "verdict.no-calibrant") {
		t.Errorf("without calibrant: %v %v by %s: %s", a.Invalid, a.Alarm, a.K0Source, a.Words())
	}
}

// Ordinates without value are holes in single scans, not in the result.
func TestHoles(t *testing.T) {
	s := drawn(5, background(map[float64]float64{1.16: 200}))
	for k, scan := range s.Scans {
		for i := k; i < len(scan); i += 7 {
			scan[i] = math.NaN()
		}
	}
	if a := analysis(t, s); !a.Alarm || len(a.Found) != 1 || a.Found[0].Substance != "a" {
		t.Errorf("%+v", a.Decision)
	}
}

// Whatever a file says, Analyse returns: an error, or numbers.
func TestAnyNumbers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := &Spectrum{
			Polarity: Positive, Cell: cell,
			StartMs: rapid.SampledFrom([]float64{0, -20, -15.0125, 5, 1e9, -1e300, math.NaN()}).Draw(t, "start"),
			StepMs:  rapid.SampledFrom([]float64{0.025, 1e-12, 1e12, 0, -1, math.Inf(1)}).Draw(t, "step"),
		}
		if rapid.Bool().Draw(t, "no geometry") {
			s.Cell = Cell{}
		}
		n := rapid.IntRange(1, 400).Draw(t, "points")
		value := rapid.OneOf(rapid.Just(0.0), rapid.Just(math.NaN()), rapid.Just(1e100), rapid.Just(-1e99),
			rapid.Float64Range(-1000, 1000))
		few := rapid.SliceOfN(value, 1, 40)
		for range rapid.IntRange(0, 5).Draw(t, "scans") {
			pattern := few.Draw(t, "pattern")
			scan := make([]float64, n)
			for i := range scan {
				scan[i] = pattern[i%len(pattern)]
			}
			s.Scans = append(s.Scans, scan)
		}
		a, err := Analyse(s, lib, Options{})
		if err != nil {
			return
		}
		for _, p := range a.Peaks {
			if math.IsNaN(p.DriftMs) || math.IsNaN(p.K0) || p.Scans < 0 || p.FirstScan < 0 ||
				p.FirstScan+p.Scans > len(s.Scans) {
				t.Fatalf("%+v", p)
			}
		}
	})
}

func TestSpectrumBounds(t *testing.T) {
	for want, s := range map[string]*Spectrum{
		"no scans":               {StepMs: 1},
		"a scan of 3 points":     {StepMs: 1, Scans: [][]float64{{1, 2, 3}}},
		"scan 2 has 33 points":   {StepMs: 1, Scans: [][]float64{make([]float64, 32), make([]float64, 33)}},
		"drift times from 1e+09": {StepMs: 1, StartMs: 1e9, Scans: [][]float64{make([]float64, 32)}},
		"drift time steps of 0":  {Scans: [][]float64{make([]float64, 32)}},
	} {
		if _, err := Analyse(s, lib, Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

func BenchmarkAnalyse(b *testing.B) {
	s := drawn(5, background(map[float64]float64{1.40: 300, 1.16: 150}))
	for b.Loop() {
		analysis(b, s)
	}
}
