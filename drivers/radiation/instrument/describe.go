package instrument

import (
	"crypto/sha256"
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"github.com/dustin/go-humanize/english"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/radiation/n42"
)

// Format is the format of N42 documents.
var Format = driver.Format{Name: "n42", Title: "ANSI N42.42 document", Recognise: n42.Recognise, Describe: describe}

// Summary describes what a document holds: what lanectl decode prints as JSON, a stable form for scripts. Sums are
// over all measurements; units are in the names.
type Summary struct {
	Format       string  `json:"format"`
	SHA256       string  `json:"sha256"`
	Manufacturer string  `json:"manufacturer"`
	Model        string  `json:"model"`
	Serial       string  `json:"serial"`
	Measurements int     `json:"measurements"`
	Spectra      int     `json:"spectra"`
	Channels     int     `json:"channels"`
	GammaSum     float64 `json:"gamma_sum"`
	NeutronSum   float64 `json:"neutron_sum"`
	LiveSeconds  float64 `json:"live_s"`
	RealSeconds  float64 `json:"real_s"`
	Detectors    int     `json:"detectors"`
	Samples      int     `json:"samples"`
	// Start is the earliest time of a measurement; nil when none can be read.
	Start    *time.Time        `json:"start,omitempty"`
	Detector []DetectorSummary `json:"detector"`
	Classes  []ClassSummary    `json:"classes"`
	// Derived counts measurements that stand only in DerivedData.
	Derived      int           `json:"derived_measurements"`
	DoseRateMax  float64       `json:"dose_rate_max_usv_h,omitempty"`
	ExposureMax  float64       `json:"exposure_rate_max_mr_h,omitempty"`
	Alarms       []n42.Alarm   `json:"alarms"`
	Nuclides     []n42.Nuclide `json:"nuclides"`
	Warnings     []string      `json:"warnings"`
	WarningCount int           `json:"warning_count"`
	TotalDose    float64       `json:"total_dose_usv,omitempty"`
	Faults       []string      `json:"device_faults,omitempty"` // severe ones, by the instrument's own account
	Fault        string        `json:"fault,omitempty"`         // why the driver refuses the document
}

// DetectorSummary sums up one detector. Calibration holds the coefficients of energy in keV by channel, constant
// first. Neutrons says that it counts neutrons, also when it counted none.
type DetectorSummary struct {
	Name        string    `json:"name"`
	Spectra     int       `json:"spectra"`
	Gamma       float64   `json:"gamma"`
	Neutron     float64   `json:"neutron"`
	Neutrons    bool      `json:"counts_neutrons"`
	Live        float64   `json:"live_s"`
	Real        float64   `json:"real_s"`
	Calibration []float64 `json:"calibration_kev"`
	DoseRates   []float64 `json:"dose_rates_usv_h,omitempty"`
	DoseRateMax float64   `json:"dose_rate_max_usv_h,omitempty"`
}

// ClassSummary sums up the measurements of one class: Foreground, Background, Calibration, ... (N42.42-2011,
// MeasurementClassCode).
type ClassSummary struct {
	Class        string  `json:"class"`
	Measurements int     `json:"measurements"`
	Gamma        float64 `json:"gamma"`
	Neutron      float64 `json:"neutron"`
	Live         float64 `json:"live_s"`
	Real         float64 `json:"real_s"`
}

// describe reads the whole of r; times without a zone are taken as UTC. A document without measurements is described
// nevertheless, with Fault set.
func describe(r io.Reader, _ string) (driver.Description, error) {
	h := sha256.New()
	in := io.TeeReader(r, h)
	d, err := n42.Decode(in, nil)
	if err != nil {
		return nil, err
	}
	if _, err := io.Copy(io.Discard, in); err != nil {
		return nil, err
	}
	s := &Summary{
		Format: d.Format, SHA256: fmt.Sprintf("%x", h.Sum(nil)), Manufacturer: d.Manufacturer, Model: d.Model,
		Serial:       d.Serial,
		Measurements: d.Measurements, Spectra: d.Spectra, Channels: d.Channels, GammaSum: float64(d.GammaCounts),
		NeutronSum:  float64(d.NeutronCounts),
		LiveSeconds: micro(d.Live), RealSeconds: micro(d.Real), Detectors: len(d.Detectors), Samples: d.Samples,
		Alarms: append([]n42.Alarm{}, d.Alarms...), Nuclides: append([]n42.Nuclide{}, d.Nuclides...),
		Detector: []DetectorSummary{},
		Classes:  []ClassSummary{}, Derived: d.Derived, DoseRateMax: micro(d.DoseRateMax),
		ExposureMax: micro(d.ExposureRateMax),
		TotalDose:   micro(d.TotalDose),
		Warnings:    []string{},
	}
	s.problems(d)
	if d.Measurements == 0 {
		s.Fault = noMeasurement(d).Error()
	}
	if !d.Start.IsZero() {
		s.Start = &d.Start
	}
	for _, det := range d.Detectors {
		s.Detector = append(s.Detector, DetectorSummary{
			Name: det.Name, Spectra: det.Spectra, Gamma: float64(det.Gamma), Neutron: float64(det.Neutron),
			Live:        micro(det.Live),
			Real:        micro(det.Real),
			Calibration: det.Calibration, Neutrons: det.Neutrons, DoseRates: micros(det.DoseRates),
			DoseRateMax: micro(det.DoseRateMax),
		})
	}
	for _, c := range d.Classes {
		s.Classes = append(s.Classes, ClassSummary{
			c.Class, c.Measurements, float64(c.Gamma), float64(c.Neutron), micro(c.Live), micro(c.Real),
		})
	}
	return s, nil
}

// problems files what is wrong: severe faults of the device apart from what is a warning.
func (s *Summary) problems(d *n42.Document) {
	for _, f := range d.Faults {
		if f.Severe() {
			s.Faults = append(s.Faults, f.String())
			continue
		}
		s.Warnings = append(s.Warnings, f.String())
	}
	s.Warnings = append(s.Warnings, d.Warnings...)
	s.WarningCount = d.WarningCount + len(d.Faults) - len(s.Faults)
}

// micro rounds to millionths, seconds to microseconds: sums of decimal fractions show no binary dust.
func micro[T ~float64](v T) float64 { return math.Round(float64(v)*1e6) / 1e6 }

func micros[T ~float64](values []T) (out []float64) {
	for _, v := range values {
		out = append(out, micro(v))
	}
	return out
}

// Text implements driver.Description.
func (s *Summary) Text() []string {
	instrument := strings.Join(strings.Fields(s.Manufacturer+" "+s.Model+" "+s.Serial), " ")
	if instrument == "" {
		instrument = "unnamed instrument"
	}
	out := []string{
		fmt.Sprintf("%s document of %s", s.Format, instrument),
		fmt.Sprintf("%d %s by %d %s in %d %s, %d %s of up to %d channels",
			s.Measurements, english.PluralWord(s.Measurements, "measurement", ""), s.Detectors,
			english.PluralWord(s.Detectors, "detector", ""), s.Samples,
			english.PluralWord(s.Samples, "time slice", ""), s.Spectra,
			english.PluralWord(s.Spectra, "spectrum", "spectra"), s.Channels),
		fmt.Sprintf("gamma %.0f counts, neutron %.0f counts, live %.3f s, real %.3f s", s.GammaSum, s.NeutronSum,
			s.LiveSeconds, s.RealSeconds),
	}
	if s.Fault != "" {
		out = append(out, "FAULT "+s.Fault)
	}
	for _, f := range s.Faults {
		out = append(out, "DEVICE FAULT "+f)
	}
	if s.Derived > 0 {
		out = append(out, fmt.Sprintf("in DerivedData only: %d %s",
			s.Derived, english.PluralWord(s.Derived, "measurement", "")))
	}
	if len(s.Classes) > 1 {
		for _, c := range s.Classes {
			out = append(out, fmt.Sprintf("  %s: %d %s, gamma %.0f, neutron %.0f, live %.3f s", c.Class,
				c.Measurements, english.PluralWord(c.Measurements, "measurement", ""), c.Gamma, c.Neutron, c.Live))
		}
	}
	if s.DoseRateMax > 0 || s.ExposureMax > 0 {
		out = append(out, "largest "+strings.Join(rates(s.DoseRateMax, s.ExposureMax), ", "))
	}
	if s.TotalDose > 0 {
		out = append(out, fmt.Sprintf("largest total dose %g uSv", s.TotalDose))
	}
	for _, d := range s.Detector {
		out = append(out, d.line())
	}
	for _, a := range s.Alarms {
		out = append(out, strings.TrimSpace("ALARM "+a.Category+" "+a.Description))
	}
	for _, n := range s.Nuclides {
		out = append(out,
			strings.TrimSpace(fmt.Sprintf("nuclide %s %s confidence %g", n.Name, n.Category, n.Confidence)))
	}
	for _, w := range s.Warnings {
		out = append(out, "WARNING "+w)
	}
	if more := s.WarningCount - len(s.Warnings); more > 0 {
		out = append(out, fmt.Sprintf("and %d %s more", more, english.PluralWord(more, "warning", "")))
	}
	return out
}

func rates(dose, exposure float64) (out []string) {
	if dose > 0 {
		out = append(out, fmt.Sprintf("dose rate %g uSv/h", dose))
	}
	if exposure > 0 {
		out = append(out, fmt.Sprintf("exposure rate %g mR/h", exposure))
	}
	return out
}

// maxShown is how many dose rates of a detector a person is shown; the JSON has all.
const maxShown = 10

func (d DetectorSummary) line() string {
	name := d.Name
	if name == "" {
		name = "(unnamed)"
	}
	text := fmt.Sprintf("  detector %s: gamma %.0f", name, d.Gamma)
	if d.Neutrons {
		text += fmt.Sprintf(", neutron %.0f", d.Neutron)
	}
	text += fmt.Sprintf(", live %.3f s", d.Live)
	if len(d.DoseRates) == 0 {
		return text
	}
	var shown []string
	for _, rate := range d.DoseRates[:min(len(d.DoseRates), maxShown)] {
		shown = append(shown, fmt.Sprintf("%g", rate))
	}
	if len(d.DoseRates) > maxShown {
		shown = append(shown, "...")
	}
	return text + ", dose rate " + strings.Join(shown, ", ") + " uSv/h"
}
