// Package plasmagram reads ion mobility spectra: scans and what is known of the drift tube go in; peaks with their
// reduced mobility, the substances that a library's rules find in them, and a decision with its reasons in words come
// out. It does no I/O and keeps no state. Sources: Eiceman, Karpas and Hill, Ion Mobility Spectrometry (3rd ed.),
// chapters 1 and 10; docs/protocols/ionscan.md.
package plasmagram

import (
	"math"

	"lanewarden/drivers/observation/coded"
)

// Polarity is of the ions that a scan shows.
type Polarity string

// The polarities, as libraries and observations say them.
const (
	Positive Polarity = "positive"
	Negative Polarity = "negative"
)

// Cell describes the drift tube while it measured a spectrum. A field that is 0 is not known; see Normal and K0 for
// what follows then.
type Cell struct {
	LengthCm     float64 // of the drift region
	FieldVPerCm  float64
	TemperatureK float64 // of the drift gas
	PressureTorr float64
	DelayMs      float64 // from the trigger of a scan to the middle of the gate's opening
}

// Conditions at which mobilities are compared.
const (
	StandardK    = 273.15 // K
	StandardTorr = 760.0  // Torr
)

// Normal returns the cell with 25 °C and 760 Torr where they are not known.
func (c Cell) Normal() Cell {
	if c.TemperatureK == 0 {
		c.TemperatureK = 298.15
	}
	if c.PressureTorr == 0 {
		c.PressureTorr = StandardTorr
	}
	return c
}

// K0 returns the reduced mobility, cm2/(V s), of ions that arrive driftMs after the gate: (L/(E t))(273.15/T)(P/760).
// It is 0 when the geometry is not known.
func (c Cell) K0(driftMs float64) float64 {
	if c.LengthCm == 0 || c.FieldVPerCm == 0 || driftMs <= c.DelayMs {
		return 0
	}
	c = c.Normal()
	seconds := (driftMs - c.DelayMs) / 1000
	return c.LengthCm / c.FieldVPerCm / seconds * (StandardK / c.TemperatureK) * (c.PressureTorr / StandardTorr)
}

// DriftMs returns the drift time, ms after the trigger, at which ions of a reduced mobility, cm2/(V s), arrive: the
// inverse of K0. It is 0 when the geometry is not known.
func (c Cell) DriftMs(k0 float64) float64 {
	if c.LengthCm == 0 || c.FieldVPerCm == 0 || k0 <= 0 {
		return 0
	}
	c = c.Normal()
	return c.LengthCm/c.FieldVPerCm/k0*1000*(StandardK/c.TemperatureK)*(c.PressureTorr/StandardTorr) + c.DelayMs
}

// Spectrum is the scans of one sample in one polarity, in the order of the desorption.
type Spectrum struct {
	Polarity Polarity
	Cell     Cell
	StartMs  float64     // drift time of the first ordinate
	StepMs   float64     // between ordinates
	Scans    [][]float64 // ordinates of each scan; all of one length, NaN for no value
}

// Bounds on a spectrum.
const (
	MinPoints = 32
	MaxPoints = 1 << 16 // of a scan
	MaxScans  = 4096
	MaxMs     = 1000.0 // drift time; ions need some ten
	MinStepMs = 1e-6
)

func (s *Spectrum) check() error {
	if len(s.Scans) == 0 {
		return coded.Errorf("plasmagram.no-scans", "no scans")
	}
	n := len(s.Scans[0])
	switch {
	case n < MinPoints || n > MaxPoints:
		return coded.Errorf("plasmagram.scan-expected", "a scan of %v: %d to %d are expected",
			coded.CountOf(n, "point"), MinPoints, MaxPoints)
	case len(s.Scans) > MaxScans:
		return coded.Errorf("plasmagram.scans-at-most-read", "%d scans: at most %d are read", len(s.Scans), MaxScans)
	case !(s.StepMs >= MinStepMs):
		return coded.Errorf("plasmagram.drift-time-steps-ms",
			"drift time steps of %v\u00a0ms: %v or more are expected", s.StepMs, MinStepMs)
	case !(s.ms(0) >= -MaxMs && s.ms(float64(n-1)) <= MaxMs):
		return coded.Errorf("plasmagram.drift-times-from-ms",
			"drift times from %v to %v\u00a0ms: 0 to %v are expected", s.ms(0), s.ms(float64(n-1)), MaxMs)
	}
	for i, scan := range s.Scans {
		if len(scan) != n {
			return coded.Errorf("plasmagram.scan-first", "scan %d has %v, the first %d",
				i+1, coded.CountOf(len(scan), "point"), n)
		}
		for k, v := range scan {
			if math.IsInf(v, 0) || math.Abs(v) > 1e100 {
				return coded.Errorf("plasmagram.scan-point", "scan %d, point %d is %v", i+1, k+1, v)
			}
		}
	}
	return nil
}

func (s *Spectrum) ms(index float64) float64 { return s.StartMs + index*s.StepMs }

func (s *Spectrum) index(ms float64) float64 { return (ms - s.StartMs) / s.StepMs }

// Options are an analysis' settings. The zero value of each field stands for its default.
type Options struct {
	MinSNR       float64 // a peak stands out of the smoothed noise by so much; 5
	ResolvingPow float64 // td/FWHM expected of the tube, where no peak shows it; 30
	FirstMs      float64 // what comes before is the gate's own pulse; 2
	Blocks       int     // scans that are averaged before peaks are looked for; 3
}

func (o Options) filled() Options {
	fill := func(v *float64, d float64) {
		if *v == 0 {
			*v = d
		}
	}
	fill(&o.MinSNR, 5)
	fill(&o.ResolvingPow, 30)
	fill(&o.FirstMs, 2)
	if o.Blocks == 0 {
		o.Blocks = 3
	}
	return o
}

// Peak is one kind of ion.
type Peak struct {
	DriftMs   float64 // centroid
	Amplitude float64 // over the baseline, in the spectrum's own unit; of the scans in which it is strongest
	FWHMMs    float64
	Resolving float64 // td/FWHM
	SNR       float64 // amplitude over the noise of one unsmoothed scan
	Contrast  float64 // amplitude over the noise after smoothing and averaging: what MinSNR is held against
	K0        float64 // cm2/(V s); 0 when neither calibrant nor geometry is known
	Scans     int     // in a row in which it stands out
	FirstScan int     // of those, from 0
	Role      string  // "", RoleReactant or RoleCalibrant
	Substance string  // that it was taken for
}

// Roles of peaks that are there without a sample.
const (
	RoleReactant  = "reactant"
	RoleCalibrant = "calibrant"
)

// K0 sources.
const (
	ByCalibrant = "calibrant" // K0(cal) td(cal)/td
	ByGeometry  = "geometry"  // length, field, temperature and pressure
)

// Analysis is the result of Analyse: the peaks of a spectrum, how their mobilities were found, and the decision.
type Analysis struct {
	Polarity Polarity
	Noise    float64 // standard deviation of one scan's ordinates, by MAD of neighbours' differences
	Peaks    []Peak  // by drift time
	K0Source string  // ByCalibrant, ByGeometry or "" for none
	// Reactant and Calibrant are indices into Peaks, -1 when they were not found.
	Reactant, Calibrant int
	// CalibrantShift is the calibrant's drift time over that which the geometry says, less 1; 0 when either is not
	// known.
	CalibrantShift float64
	Decision
}

// Analyse finds the peaks of a spectrum, gives them reduced mobilities, by the calibrant where it is found and else by
// the geometry, and compares them with a library. It returns an error when the spectrum is outside the bounds above; a
// spectrum in which nothing could have been seen is no error but Invalid.
func Analyse(s *Spectrum, lib *Library, o Options) (*Analysis, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	o = o.filled()
	f := newFinder(s, o)
	a := &Analysis{Polarity: s.Polarity, Noise: f.noise, Peaks: f.peaks(), Reactant: -1, Calibrant: -1}
	a.roles(s.Cell, lib)
	a.mobilities(s.Cell, lib)
	a.Decision = lib.Decide(a.Polarity, a.Peaks, a.reactantAmplitude())
	a.judge(lib)
	return a, nil
}

func (a *Analysis) reactantAmplitude() float64 {
	if a.Reactant < 0 {
		return 0
	}
	return a.Peaks[a.Reactant].Amplitude
}

// roles marks the reactant ion peak, the strongest of those between reactantHigh and reactantLow, and the calibrant.
// The windows are wider where temperature and pressure were not measured.
func (a *Analysis) roles(c Cell, lib *Library) {
	cal, known := lib.calibrant(a.Polarity)
	near := func(p Peak, k0, window float64) bool {
		td := c.DriftMs(k0)
		return td > 0 && math.Abs(p.DriftMs/td-1) <= window
	}
	window := searchKnown
	if c.TemperatureK == 0 || c.PressureTorr == 0 {
		window = searchUnknown
	}
	strongest := func(ok func(Peak) bool) int { // -1 for none
		best := -1
		for i, p := range a.Peaks {
			if ok(p) && (best < 0 || p.Amplitude > a.Peaks[best].Amplitude) {
				best = i
			}
		}
		return best
	}
	// The reactant ions are lighter than anything that is looked for; where the geometry is not known they are the
	// first strong peak.
	a.Reactant = strongest(func(p Peak) bool {
		if c.DriftMs(reactantLow) == 0 {
			return p.Amplitude > 0
		}
		return p.DriftMs > c.DriftMs(reactantHigh)*(1-window) && p.DriftMs < c.DriftMs(reactantLow)*(1+window) &&
			!(known && near(p, cal.K0, calibrantCore))
	})
	if a.Reactant >= 0 {
		a.Peaks[a.Reactant].Role = RoleReactant
	}
	if !known {
		return
	}
	for _, w := range []float64{calibrantCore, window} { // strong dirt beside it is not the calibrant
		if a.Calibrant = strongest(func(p Peak) bool { return p.Role == "" && near(p, cal.K0, w) }); a.Calibrant >= 0 {
			break
		}
	}
	if a.Calibrant < 0 {
		return
	}
	p := &a.Peaks[a.Calibrant]
	p.Role = RoleCalibrant
	a.CalibrantShift = p.DriftMs/c.DriftMs(cal.K0) - 1
}

const (
	searchKnown   = 0.04  // of drift time, when temperature and pressure are measured
	searchUnknown = 0.12  // when they are not: 15 K and 40 Torr make 5 % each
	calibrantCore = 0.012 // a peak this near the calibrant's place is the calibrant's
	reactantHigh  = 2.60  // cm2/(V s): hydrated protons in dry hot gas; chloride in the negative
	reactantLow   = 1.95  // cm2/(V s): large clusters, cold or wet
)

// mobilities sets K0, cm2/(V s), of every peak. Drift times at one temperature, pressure and field are as the inverse
// mobilities, so that with a calibrant K0 = K0(cal) td(cal)/td, and what is wrong with the three cancels.
func (a *Analysis) mobilities(c Cell, lib *Library) {
	if a.Calibrant >= 0 { // td is from the middle of the gate's opening
		cal, _ := lib.calibrant(a.Polarity)
		at := a.Peaks[a.Calibrant].DriftMs - c.DelayMs
		for i := range a.Peaks {
			if td := a.Peaks[i].DriftMs - c.DelayMs; td > 0 {
				a.Peaks[i].K0 = cal.K0 * at / td
			}
		}
		a.K0Source = ByCalibrant
		return
	}
	for i := range a.Peaks {
		a.Peaks[i].K0 = c.K0(a.Peaks[i].DriftMs)
		if a.Peaks[i].K0 > 0 {
			a.K0Source = ByGeometry
		}
	}
}

// judge turns a clear verdict into none when the spectrum shows that the instrument could not have seen anything.
func (a *Analysis) judge(lib *Library) {
	_, hasCalibrant := lib.calibrant(a.Polarity)
	switch {
	case a.Alarm:
	case len(a.Peaks) == 0:
		a.Invalid, a.Reasons = true, append(a.Reasons, coded.New("verdict.no-peaks"))
	case a.K0Source == "":
		a.Invalid, a.Reasons = true, append(a.Reasons, coded.New("verdict.no-mobilities"))
	case a.Reactant < 0:
		a.Invalid, a.Reasons = true, append(a.Reasons, coded.New("verdict.no-reactant"))
	}
	if hasCalibrant && a.Calibrant < 0 && a.K0Source == ByGeometry {
		a.Reasons = append(a.Reasons, coded.New("verdict.no-calibrant"))
	}
}

// Attribute gives roles and reduced mobilities to peaks that an instrument found itself. Mobilities that they have
// already stay.
func Attribute(a *Analysis, c Cell, lib *Library) {
	own := make([]float64, len(a.Peaks))
	for i, p := range a.Peaks {
		own[i] = p.K0
	}
	if c.DriftMs(1) > 0 {
		a.roles(c, lib)
	}
	a.mobilities(c, lib)
	for i, k0 := range own {
		if k0 > 0 && a.K0Source != ByCalibrant {
			a.Peaks[i].K0 = k0
		}
	}
}
