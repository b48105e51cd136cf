package n42

import (
	"time"

	"lanewarden/drivers/observation/coded"
	"lanewarden/drivers/observation/units"
)

// slice is the time slice at hand: RadMeasurement or DerivedData (2011), DetectorData or Measurement (2006). Its
// times are for what in it has none of its own.
type slice struct {
	id         string
	class      string
	derived    bool
	start      time.Time
	real, live units.Seconds // live is written here by mistake, for all that the slice measured
	spectra    []spectrum
	counts     []spectrum // gross counts
	doses      []dose
	meters     []string // detectors of exposure rates and total doses
}

// spectrum is a Spectrum or a count element (gross) at hand. counted says that a gross count was read.
type spectrum struct {
	id, detector, calibrationRef, class string
	start                               time.Time
	live, real                          units.Seconds
	gamma, neutron                      units.Counts
	calibration                         []float64
	neutrons                            bool // neutron was measured
	gross, counted                      bool
	// 2006: sets of coefficients; channels of one scale, where they stand one behind the other
	scales, size int
	doses        []units.MicrosievertsPerHour
	channels     []float32
	n            int // channels, also when they are not kept
}

// dose is a dose rate at hand.
type dose struct {
	detector, unit string
	rate           units.MicrosievertsPerHour
}

// detectorKeys are the attributes that name a detector.
var detectorKeys = []string{"raddetectorinformationreference", "detector", "detectorname"}

// newSpectrum begins a spectrum or a gross count, with the detector that it or an element around it names.
func (d *decoder) newSpectrum(e element, gross bool) spectrum {
	s := spectrum{
		gross: gross,
		id:    first(e.attrs, "id"), detector: d.around(detectorKeys...),
		calibrationRef: first(e.attrs, "energycalibrationreference", "calibrationids"),
	}
	s.neutrons = d.isNeutron(s, d.around("detectortype"))
	return s
}

// endSpectrum sums a spectrum and keeps it until its slice is whole. That of a neutron detector is a count of neutrons.
func (d *decoder) endSpectrum() error {
	s := d.spec
	if s.scales > 1 && s.size > 0 && len(s.channels) == s.scales*s.size {
		s.channels = s.channels[:s.size] // portals that write the same counts in several scales
	}
	s.n = len(s.channels)
	if s.n == 0 {
		return nil
	}
	sum := units.Counts(0)
	for _, c := range s.channels {
		sum += units.Counts(c)
	}
	if len(d.slice.spectra)+len(d.slice.counts) >= maxDetectors {
		return coded.Errorf("n42.more-than-spectra-counts",
			"more than %d spectra and counts in one slice", maxDetectors)
	}
	if s.neutrons {
		s.neutron, s.channels, s.gross = sum, nil, true
		d.slice.counts = append(d.slice.counts, s)
		return nil
	}
	s.gamma, s.channels = sum, d.retain(s.channels)
	d.doc.Channels = max(d.doc.Channels, s.n)
	d.slice.spectra = append(d.slice.spectra, s)
	return nil
}

// retain copies channels for the visitor, as long as the bound allows.
func (d *decoder) retain(channels []float32) []float32 {
	if d.Visit == nil {
		return nil
	}
	if d.kept += len(channels); d.kept > maxKept {
		d.warn("n42.more-than-channels-one", "more than %d channels in one slice: the others are summed only", maxKept)
		return nil
	}
	return append([]float32(nil), channels...)
}

// endGross keeps a count until its slice is whole, also when it is 0: a detector that counted nothing is one that may
// be dead.
func (d *decoder) endGross() error {
	s := d.gross
	d.gross = spectrum{}
	if !s.counted {
		return nil
	}
	if len(d.slice.spectra)+len(d.slice.counts) >= maxDetectors {
		return coded.Errorf("n42.more-than-spectra-counts",
			"more than %d spectra and counts in one slice", maxDetectors)
	}
	if s.neutrons {
		s.gamma, s.neutron = 0, s.gamma
	}
	d.slice.counts = append(d.slice.counts, s)
	return nil
}

// endSlice turns what a slice holds into measurements: one for each detector. Those of DerivedData wait for the
// document's end.
func (d *decoder) endSlice() error {
	sl := d.slice
	d.slice = slice{start: sl.start, class: sl.class}
	spectra := sl.join()
	if !sl.derived {
		d.kept = d.waiting
	}
	if len(spectra) == 0 {
		return nil
	}
	if !sl.derived {
		d.doc.Samples++
	}
	for _, s := range spectra {
		m := d.measurement(&sl, &s)
		if sl.derived {
			d.deferDerived(&sl, &s, m)
			continue
		}
		key := sourceOf(m)
		d.raw[key] = d.raw[key] || s.n > 0
		if err := d.addMeasurement(m, s.n); err != nil {
			return err
		}
	}
	return nil
}

// measurement makes a measurement of a spectrum or count and what its slice says of all.
func (d *decoder) measurement(sl *slice, s *spectrum) *Measurement {
	m := &Measurement{
		Detector: s.detector, Class: classOf(sl, s), Start: sl.start, Live: s.live, Real: s.real, Gamma: s.gamma,
		Neutron: s.neutron, HasNeutrons: s.neutrons,
		DoseRates: s.doses, Derived: sl.derived, Channels: s.channels, Calibration: s.calibration,
	}
	if m.Detector == "" {
		m.Detector = d.onlyDetector()
	}
	if m.Live == 0 {
		m.Live = sl.live
	}
	// a background in DerivedData was not measured in the time of the analysis
	if m.Real == 0 && (!sl.derived || m.Live <= sl.real) {
		m.Real = sl.real
	}
	if !s.start.IsZero() {
		m.Start = s.start
	}
	if m.Calibration == nil {
		m.Calibration = d.calibrationOf(s.calibrationRef)
	}
	return m
}

// addMeasurement adds a measurement to the sums. n is the number of its channels.
func (d *decoder) addMeasurement(m *Measurement, n int) error {
	doc := d.doc
	if doc.Measurements++; doc.Measurements > maxMeasurements {
		return coded.Errorf("n42.more-than-measurements", "more than %d measurements", maxMeasurements)
	}
	det := d.detectors[m.Detector]
	if det == nil {
		if len(d.detectors) >= maxDetectors {
			return coded.Errorf("n42.more-than-detectors", "more than %d detectors", maxDetectors)
		}
		det = &Detector{Name: m.Detector, Calibration: m.Calibration}
		d.detectors[m.Detector] = det
		doc.Detectors = append(doc.Detectors, det)
	}
	if n > 0 {
		det.Spectra++
		doc.Spectra++
	}
	det.add(m)
	doc.class(m.Class).add(m)
	doc.GammaCounts, doc.NeutronCounts = doc.GammaCounts+m.Gamma, doc.NeutronCounts+m.Neutron
	doc.Live, doc.Real = doc.Live+m.Live, doc.Real+m.Real
	doc.DoseRateMax = max(doc.DoseRateMax, det.DoseRateMax)
	if m.Derived {
		doc.Derived++
	}
	if !m.Start.IsZero() && (doc.Start.IsZero() || m.Start.Before(doc.Start)) {
		doc.Start = m.Start
	}
	if d.Visit != nil {
		return d.Visit(m)
	}
	return nil
}

// add sums a measurement; of dose rates the first maxDoseRates are kept, and the largest of all.
func (det *Detector) add(m *Measurement) {
	det.Gamma, det.Neutron, det.Live, det.Real = det.Gamma+m.Gamma, det.Neutron+m.Neutron,
		det.Live+m.Live, det.Real+m.Real
	det.Neutrons = det.Neutrons || m.HasNeutrons
	for _, rate := range m.DoseRates {
		det.DoseRateMax = max(det.DoseRateMax, rate)
		if len(det.DoseRates) < maxDoseRates {
			det.DoseRates = append(det.DoseRates, rate)
		}
	}
}

// class returns the sums of a class.
func (doc *Document) class(name string) *ClassSum {
	for _, c := range doc.Classes {
		if c.Class == name {
			return c
		}
	}
	c := &ClassSum{Class: name}
	doc.Classes = append(doc.Classes, c)
	return c
}

func (c *ClassSum) add(m *Measurement) {
	c.Measurements++
	c.Gamma, c.Neutron, c.Live, c.Real = c.Gamma+m.Gamma, c.Neutron+m.Neutron, c.Live+m.Live, c.Real+m.Real
}
