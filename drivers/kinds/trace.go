package kinds

import (
	"lanewarden/drivers/observation"
)

func traceAnalysis(b *observation.TraceAnalysis) Text {
	var found []string
	for _, f := range b.Found {
		if f.Instead == "" {
			found = append(found, f.Substance)
		}
	}
	if len(found) == 0 {
		found = b.InstrumentSubstances
	}
	return sentence(
		when(b.Sample != "", say("trace-analysis.sample", arg("sample", b.Sample))),
		when(len(found) > 0, list(distinct(found))),
		when(b.Verdict != "", say("trace-analysis.lanewarden", arg("verdict", name("verdicts", b.Verdict)))),
		when(b.InstrumentVerdict != "", say("trace-analysis.instrument", arg("instrumentVerdict", name("verdicts", b.InstrumentVerdict)))),
		when(b.Disagreement, say("trace-analysis.two-results-differ")),
		when(len(b.Peaks) > 0, count("count.peak", len(b.Peaks))),
		when(b.Partial, say("trace-analysis.points-spectrum-are-missing")),
		when(b.Qc == "due", say("trace-analysis.verification-due")),
		when(b.Qc == "out", say("trace-analysis.instrument-not-verified")),
	)
}

// passed is the outcome of a check.
func passed(ok bool) Text {
	if ok {
		return say("passed.passed")
	}
	return say("passed.failed")
}

func traceVerification(b *observation.TraceVerification) Text {
	t := say("trace-verification.verification-failed")
	if b.Passed {
		t = say("trace-verification.verification-passed")
	}
	return sentence(t, when(b.Analysis != nil, lower(traceAnalysis(b.GetAnalysis()))))
}

// lower makes a sentence one that stands behind another.
func lower(t Text) Text {
	for _, s := range []*string{&t.EN, &t.FR} {
		if len(*s) > 1 && (*s)[0] >= 'A' && (*s)[0] <= 'Z' && (*s)[1] >= 'a' && (*s)[1] <= 'z' {
			*s = string((*s)[0]+'a'-'A') + (*s)[1:]
		}
	}
	return t
}

func traceBlank(b *observation.TraceBlank) Text {
	t := say("trace-blank.blank-not-clean")
	if b.Clean {
		t = say("trace-blank.blank-clean")
	}
	return sentence(t,
		when(b.AfterAlarm, say("trace-blank.cleared-down-after-alarm")),
		when(b.ClearDownSeconds > 0, say("trace-blank.after", arg("clearDownSeconds", span(float64(b.ClearDownSeconds))))))
}

func traceCalibration(b *observation.TraceCalibration) Text {
	return sentence(
		say("trace-calibration.calibration", arg("passed", passed(b.Passed))),
		when(b.Calibrant != "", plainly(b.Calibrant)),
		when(b.DriftMs > 0, say("trace-calibration.drift-time", arg("driftMs", unit(float64(b.DriftMs), 3, "ms")))),
		when(b.K0 > 0, say("trace-calibration.k0", arg("k0", unit(float64(b.K0), 4, "cm²/(V·s)")))),
		when(b.Polarity != "", name("polarities", b.Polarity)))
}

// zeroCelsius is 0 °C in kelvin.
const zeroCelsius = 273.15

// optional says a value that may be missing.
func optional[N float32 | uint32](code string, v *N, show func(float64) Text) Text {
	if v == nil {
		return Text{}
	}
	return say(code, arg("value", show(float64(*v))))
}

// in shows a value with a unit.
func in(decimals int, name string) func(float64) Text {
	return func(v float64) Text { return unit(v, decimals, name) }
}

// celsius says a temperature in K as people read it.
func celsius(kelvin float64) Text { return unit(kelvin-zeroCelsius, 1, "°C") }

func traceHealth(b *observation.TraceHealth) Text {
	return sentence(
		optional("trace-health.drift-tube", b.DriftTemperatureK, celsius),
		optional("trace-health.pressure", b.PressureTorr, in(1, "Torr")),
		optional("trace-health.flow", b.FlowMlMin, in(0, "ml/min")),
		optional("trace-health.reactant-peak", b.RipMs, in(3, "ms")),
		optional("trace-health.dryer", b.DryerPercent, in(0, "%")),
		optional("trace-health.desorber", b.DesorberK, celsius),
		optional("trace-health.samples-so-far", b.Samples, func(n float64) Text { return num(n, 0) }),
		when(b.Polarity != "", name("polarities", b.Polarity)))
}

func traceQuality(b *observation.TraceQuality) Text {
	state := name("quality-states", b.State)
	t := sentence(state, count("count.sample-shift", b.Samples),
		when(b.Alarms > 0, count("count.alarm", b.Alarms)))
	if len(b.Reasons) > 0 {
		var m *observation.Message // absent in rows of older versions
		if len(b.Messages) > 0 {
			m = b.Messages[0]
		}
		t = t.saying(m, b.Reasons[0]) // the pages show all in the card of quality control
	}
	return t
}
