package instrument

import (
	"crypto/sha256"
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/message"
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

	document *n42.Document
	fault    error // Fault
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
		document:    d,
	}
	s.problems(d)
	if d.Measurements == 0 {
		s.fault = noMeasurement(d)
		s.Fault = s.fault.Error()
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
	for _, w := range d.Warnings {
		s.Warnings = append(s.Warnings, w.Error())
	}
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
func (s *Summary) Text() []message.Message {
	instrument := message.Verbatim(strings.Join(strings.Fields(s.Manufacturer+" "+s.Model+" "+s.Serial), " "))
	if instrument.IsZero() {
		instrument = message.New("decode.unnamed-instrument")
	}
	out := []message.Message{
		message.New("decode.document", message.String("format", s.Format), message.Nested("instrument", instrument)),
		message.New("decode.contents", measurements(s.Measurements),
			message.Nested("detectors", message.New("decode.detectors", message.Count("n", s.Detectors))),
			message.Nested("slices", message.New("decode.slices", message.Count("n", s.Samples))),
			message.Nested("spectra", message.New("decode.spectra", message.Count("n", s.Spectra))),
			message.Count("n", s.Channels)),
		message.New("decode.counts", message.Number("gamma", s.GammaSum, 0), message.Number("neutron", s.NeutronSum, 0),
			message.Aligned("live", s.LiveSeconds, 3, "s"), message.Aligned("real", s.RealSeconds, 3, "s")),
	}
	if s.fault != nil {
		out = append(out, message.New("decode.fault", message.Nested("what", message.Of(s.fault))))
	}
	for _, f := range s.document.Faults {
		if f.Severe() {
			out = append(out, message.New("decode.device-fault", message.Nested("what", faultMessage(f))))
		}
	}
	if s.Derived > 0 {
		out = append(out, message.New("decode.derived", measurements(s.Derived)))
	}
	if len(s.Classes) > 1 {
		for _, c := range s.Classes {
			out = append(out, driver.Indented(message.New("decode.class", message.String("class", c.Class),
				measurements(c.Measurements), message.Number("gamma", c.Gamma, 0),
				message.Number("neutron", c.Neutron, 0), message.Aligned("live", c.Live, 3, "s"))))
		}
	}
	out = append(out, s.doses()...)
	for _, d := range s.Detector {
		out = append(out, driver.Indented(d.line()))
	}
	for _, a := range s.Alarms {
		out = append(out, message.New("decode.alarm",
			message.String("what", strings.TrimSpace(a.Category+" "+a.Description))))
	}
	for _, n := range s.Nuclides {
		out = append(out, message.New("decode.nuclide",
			message.String("what", strings.TrimSpace(n.Name+" "+n.Category)), message.Number("confidence", n.Confidence, 3)))
	}
	return append(out, s.warnings()...)
}

// measurements returns an argument that says how many measurements there are.
func measurements(n int) message.Arg {
	return message.Nested("measurements", message.New("decode.measurements", message.Count("n", n)))
}

// doses describes the largest dose, dose rate and exposure rate, those that were measured.
func (s *Summary) doses() (out []message.Message) {
	var rates []message.Message
	if s.DoseRateMax > 0 {
		rates = append(rates, message.New("decode.dose-rate", message.Quantity("rate", s.DoseRateMax, 6, "µSv/h")))
	}
	if s.ExposureMax > 0 {
		rates = append(rates, message.New("decode.exposure-rate", message.Quantity("rate", s.ExposureMax, 6, "mR/h")))
	}
	if len(rates) > 0 {
		out = append(out, message.New("decode.largest", message.Nested("rates", message.Join(", ", rates...))))
	}
	if s.TotalDose > 0 {
		out = append(out, message.New("decode.total-dose", message.Quantity("dose", s.TotalDose, 6, "µSv")))
	}
	return out
}

// warnings describes what the instrument says of itself that is not severe, then what could not be read.
func (s *Summary) warnings() (out []message.Message) {
	for _, f := range s.document.Faults {
		if !f.Severe() {
			out = append(out, message.New("decode.warning", message.Nested("what", faultMessage(f))))
		}
	}
	for _, w := range s.document.Warnings {
		out = append(out, message.New("decode.warning", message.Nested("what", message.Of(w))))
	}
	if more := s.WarningCount - len(s.Warnings); more > 0 {
		out = append(out, message.New("decode.more-warnings", message.Count("n", more)))
	}
	return out
}

// maxShown is how many dose rates of a detector a person is shown; the JSON has all.
const maxShown = 10

func (d DetectorSummary) line() message.Message {
	name := message.Verbatim(d.Name)
	if d.Name == "" {
		name = message.New("decode.unnamed")
	}
	neutron := message.Nested("neutron", message.Message{})
	if d.Neutrons {
		neutron = message.Number("neutron", d.Neutron, 0)
	}
	var rates []message.Message
	for _, rate := range d.DoseRates[:min(len(d.DoseRates), maxShown)] {
		rates = append(rates, message.New("decode.number", message.Number("value", rate, 6)))
	}
	if len(d.DoseRates) > maxShown {
		rates = append(rates, message.New("decode.further"))
	}
	return message.New("decode.detector", message.Nested("name", name), message.Number("gamma", d.Gamma, 0), neutron,
		message.Aligned("live", d.Live, 3, "s"), message.Nested("rates", message.Join("; ", rates...)))
}
