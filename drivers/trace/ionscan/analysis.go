package ionscan

import (
	"fmt"
	"math"
	"time"

	"lanewarden/drivers/observation"
	"lanewarden/drivers/observation/coded"
	"lanewarden/drivers/trace/plasmagram"
)

// analyse evaluates a sample by the library. The verdict is "alarm", "clear" or "invalid" (it cannot be told), and
// "" with a nil Analysis when the instrument gave neither spectrum nor peaks. An alarm wins over invalid.
// Disagreement with the instrument is noted only where both have a verdict. An error means that the spectrum cannot
// be analysed.
func (c *Config) analyse(s *sample) (*observation.TraceAnalysis, *plasmagram.Analysis, error) {
	lib := c.Library.Value
	out := &observation.TraceAnalysis{
		Sample: s.id, Operator: s.operator, Mode: s.mode, Polarity: string(s.polarity), InstrumentVerdict: s.verdict,
		InstrumentSubstances: s.substances,
		Library:              lib.Name + " " + lib.Version, LibrarySha256: c.Library.SHA256[:], Partial: s.partial,
		DriftTemperatureK: float32(s.cell.TemperatureK), PressureTorr: float32(s.cell.PressureTorr),
	}
	var a *plasmagram.Analysis
	switch {
	case s.spectrum != nil:
		var err error
		if a, err = plasmagram.Analyse(s.spectrum, lib, c.options()); err != nil {
			return nil, nil, err
		}
		out.Scans = uint32(len(s.spectrum.Scans))
	case len(s.peaks) > 0:
		a = c.evaluatePeaks(s)
	default:
		return out, nil, nil // the instrument gave its verdict only
	}
	out.K0Source, out.CalibrantShift = a.K0Source, float32(a.CalibrantShift)
	out.Verdict = "clear"
	out.Reasons, out.Messages = encodeReasons(reasonsOf(a))
	switch {
	case a.Alarm:
		out.Verdict = "alarm"
	case a.Invalid:
		out.Verdict = "invalid"
	}
	for _, f := range a.Found {
		out.Found = append(out.Found, &observation.TraceFind{Substance: f.Substance, Category: f.Category,
			Instead: f.Instead})
	}
	for _, p := range a.Peaks {
		out.Peaks = append(out.Peaks, &observation.TracePeak{
			DriftMs: float32(p.DriftMs), K0: float32(p.K0), Amplitude: float32(p.Amplitude),
			FwhmMs: float32(p.FWHMMs), Snr: float32(p.SNR),
			Scans: uint32(p.Scans), Role: p.Role, Substance: p.Substance,
		})
	}
	out.Disagreement = (out.Verdict == "alarm") != (s.verdict == "alarm") && s.verdict != "" &&
		(out.Verdict == "alarm" || out.Verdict == "clear")
	return out, a, nil
}

// evaluatePeaks evaluates peaks that the instrument found itself. Their contrast is its own signal to noise ratio,
// where it gives one. Without polarity or any K0 the result is invalid unless a rule holds.
func (c *Config) evaluatePeaks(s *sample) *plasmagram.Analysis {
	a := &plasmagram.Analysis{Polarity: s.polarity, Peaks: s.peaks, Reactant: -1, Calibrant: -1}
	plasmagram.Attribute(a, s.cell, c.Library.Value)
	for _, p := range a.Peaks {
		if p.K0 > 0 && a.K0Source == "" {
			a.K0Source = "instrument"
		}
	}
	reactant := 0.0
	if a.Reactant >= 0 {
		reactant = a.Peaks[a.Reactant].Amplitude
	}
	a.Decision = c.Library.Value.Decide(s.polarity, a.Peaks, reactant)
	if a.K0Source == "" || s.polarity == "" {
		a.Invalid = !a.Alarm
		a.Reasons = append(a.Reasons, coded.New("verdict.not-known"))
	}
	return a
}

// health is the last reported state of an instrument; 0 is not known. Temperatures in K (drift tube, desorber),
// pressure in Torr, flow in ml/min, dryer in % of what it can take.
type health struct {
	temperatureK, pressureTorr, flow, dryer, desorberK float64
	ripMs, ripAmplitude, ripFWHMMs                     float64 // reactant ion peak: drift time and width in ms
	samples                                            uint32  // the instrument's own counter
}

// setReactant takes over the reactant ion peak of an analysis, if there is one; it is better than the instrument's
// own.
func (h *health) setReactant(a *plasmagram.Analysis) {
	if a != nil && a.Reactant >= 0 {
		p := a.Peaks[a.Reactant]
		h.ripMs, h.ripAmplitude, h.ripFWHMMs = p.DriftMs, p.Amplitude, p.FWHMMs
	}
}

// observation returns the health as an observation; nil when nothing is known. What is not known is absent, not 0.
func (h health) observation(at time.Time, polarity plasmagram.Polarity) *observation.Observation {
	out := &observation.TraceHealth{Polarity: string(polarity)}
	known := false
	set := func(into **float32, v float64) {
		if v != 0 && !math.IsNaN(v) {
			f := float32(v)
			*into, known = &f, true
		}
	}
	set(&out.DriftTemperatureK, h.temperatureK)
	set(&out.PressureTorr, h.pressureTorr)
	set(&out.FlowMlMin, h.flow)
	set(&out.RipMs, h.ripMs)
	set(&out.RipAmplitude, h.ripAmplitude)
	set(&out.RipFwhmMs, h.ripFWHMMs)
	set(&out.DryerPercent, h.dryer)
	set(&out.DesorberK, h.desorberK)
	if h.samples != 0 {
		out.Samples, known = &h.samples, true
	}
	if !known {
		return nil
	}
	return observation.New(observation.Class_CLASS_TELEMETRY, at, out)
}

// notFuture returns an instrument's time, or now when that is in the future: quality control must not wait for the day of a
// clock that is ahead.
func notFuture(at time.Time) time.Time {
	if now := time.Now().UTC(); at.After(now) {
		return now
	}
	return at
}

// observe turns a sample into observations: its own, the instrument's health, and what quality control makes of it.
// key names the sample, the same when it comes again; artifact may be nil. Quality control counts the sample here,
// before the commit: rollbackSink takes it back. A verification passes when the instrument says so, or alarms
// without saying that it failed.
func (n *instrument) observe(s *sample, at time.Time, key string,
	artifact *observation.Artifact) ([]*observation.Observation, error) {
	result, a, err := n.analyse(s)
	if err != nil {
		return nil, err
	}
	s.health.setReactant(a)
	m := measurement{at: notFuture(at), kind: s.kind, key: key, polarity: s.polarity, health: s.health,
		alarm: s.verdict == "alarm" || result.Verdict == "alarm" || s.profileAlarm}
	if a != nil && a.Calibrant >= 0 {
		m.calibrantShift, m.hasShift = a.CalibrantShift, s.cell.TemperatureK > 0 && s.cell.PressureTorr > 0
	}
	m.passed = s.verdict == "passed" || s.verdict != "failed" && m.alarm
	n.mu.Lock()
	changed := n.quality.add(&m)
	state, reasons := n.quality.verdict(m.at) // at the sample's time, whenever its file comes
	result.Qc = state
	result.QcReasons, result.QcMessages = encodeReasons(reasons)
	n.mu.Unlock()

	var o *observation.Observation
	switch s.kind {
	case "verification":
		o = observation.New(observation.Class_CLASS_EVENT, at,
			&observation.TraceVerification{Analysis: result, Passed: m.passed})
	case "blank":
		o = observation.New(observation.Class_CLASS_EVENT, at, &observation.TraceBlank{
			Analysis: result, Clean: !m.alarm, AfterAlarm: m.clearDown > 0,
			ClearDownSeconds: float32(m.clearDown.Seconds()),
		})
	default:
		class := observation.Class_CLASS_EVENT
		if m.alarm {
			class = observation.Class_CLASS_ALARM
		}
		o = observation.New(class, at, result)
	}
	o.Key = key
	if artifact != nil {
		o.Body.Artifacts = []*observation.Artifact{artifact}
	}
	if !s.at.IsZero() {
		o.Body.DeviceTimeNs = s.at.UnixNano()
	}
	out := []*observation.Observation{o}
	if h := s.health.observation(at, s.polarity); h != nil {
		h.Key = fmt.Sprintf("health:%s", key)
		out = append(out, h)
	}
	return append(out, changed...), nil
}
