// Package sim is an ion scanner, simulated from its drift tube up: what is on a swab goes in; spectra, JCAMP-DX files
// and the lines of a serial instrument come out.
package sim

import (
	"math"
	"math/rand/v2"

	"lanewarden/drivers/trace/plasmagram"
)

// Tube is a drift tube.
type Tube struct {
	Cell      plasmagram.Cell // as it really is at the moment
	Resolving float64         // td/FWHM
	StepMs    float64
	Points    int
	Scans     int     // of one analysis
	Noise     float64 // standard deviation of an ordinate
	Reactant  float64 // amplitude of the reactant ions
	Calibrant float64 // amplitude of the calibrant, which is always there
	// Errors of the instrument's own sensors, standard deviations.
	TemperatureErrorK, PressureErrorTorr float64
}

// NewTube returns a tube as instruments of this kind have: 8 cm, 250 V/cm, 105 °C.
func NewTube() Tube {
	return Tube{
		Cell:      plasmagram.Cell{LengthCm: 8, FieldVPerCm: 250, TemperatureK: 378, PressureTorr: 750, DelayMs: 0.1},
		Resolving: 32, StepMs: 0.025, Points: 1200, Scans: 24, Noise: 10, Reactant: 6000, Calibrant: 900,
		TemperatureErrorK: 0.5, PressureErrorTorr: 1,
	}
}

// Ion is one kind of ion that a sample gives.
type Ion struct {
	K0        float64
	Amplitude float64 // in the scan in which it is strongest
}

// Reduced mobilities of ions that are there without a sample.
const (
	reactantPositive = 2.18 // hydrated protons
	reactantNegative = 2.32 // chloride, hydrated
)

// Measure returns the spectrum of a sample with these ions. calibrant is the reduced mobility of the calibrant's ion.
func (t Tube) Measure(rng *rand.Rand, polarity plasmagram.Polarity, calibrant float64,
	ions []Ion) *plasmagram.Spectrum {
	s := &plasmagram.Spectrum{Polarity: polarity, Cell: t.Cell, StepMs: t.StepMs, Scans: make([][]float64, t.Scans)}
	s.Cell.TemperatureK += rng.NormFloat64() * t.TemperatureErrorK
	s.Cell.PressureTorr += rng.NormFloat64() * t.PressureErrorTorr
	reactant := reactantPositive
	if polarity == plasmagram.Negative {
		reactant = reactantNegative
	}
	offset, slope, wave := 200+50*rng.Float64(), 40*rng.NormFloat64(), 15*rng.NormFloat64()
	desorption := float64(t.Scans) * (0.35 + 0.1*rng.NormFloat64())
	spread := float64(t.Scans) * (0.12 + 0.08*rng.Float64())
	nearest := math.Round(desorption) // the scan in which the ions are strongest, so that amplitudes are what they say
	for k := range s.Scans {
		y := make([]float64, t.Points)
		for i := range y {
			x := float64(i) / float64(t.Points)
			y[i] = offset + slope*x + wave*math.Sin(5*x) + 4000*math.Exp(-float64(i)*t.StepMs/0.15) +
				rng.NormFloat64()*t.Noise
		}
		share := math.Exp(-0.5 * math.Pow((float64(k)-nearest)/spread, 2))
		taken := 0.0
		for _, ion := range ions {
			t.peak(y, ion.K0, ion.Amplitude*share)
			taken += ion.Amplitude * share
		}
		left := 1 / (1 + taken/t.Reactant) // charge that analytes took is missing from the reactant ions
		t.peak(y, reactant, t.Reactant*left)
		t.peak(y, calibrant, t.Calibrant*(0.5+0.5*left))
		s.Scans[k] = y
	}
	return s
}

// peak adds an ion's peak: a Gaussian with a slight tail, as ions that react on their way leave.
func (t Tube) peak(y []float64, k0, amplitude float64) {
	td := t.Cell.DriftMs(k0)
	sigma := td / t.Resolving / 2.3548
	for i := max(0, int((td-6*sigma)/t.StepMs)); i < min(len(y), int((td+9*sigma)/t.StepMs)+1); i++ {
		d := (float64(i)*t.StepMs - td) / sigma
		y[i] += amplitude * (math.Exp(-0.5*d*d) + 0.03*math.Exp(-0.5*(d-2)*(d-2)/1.5))
	}
}
