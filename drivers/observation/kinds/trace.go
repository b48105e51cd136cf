package kinds

import (
	"lanewarden/drivers/observation"
)

var verdicts = map[string]Text{
	"alarm":   {EN: "alarm", FR: "alarme"},
	"clear":   {EN: "clear", FR: "négatif"},
	"invalid": {EN: "invalid", FR: "non valable"},
}

var polarities = map[string]Text{
	"positive": {EN: "positive ions", FR: "ions positifs"},
	"negative": {EN: "negative ions", FR: "ions négatifs"},
	"both":     {EN: "both polarities", FR: "deux polarités"},
}

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
		when(b.Sample != "", say("sample %s", "échantillon %s", b.Sample)),
		when(len(found) > 0, list(distinct(found))),
		when(b.Verdict != "", say("Lanewarden: %s", "Lanewarden : %s", name(verdicts, b.Verdict))),
		when(b.InstrumentVerdict != "", say("instrument: %s", "instrument : %s", name(verdicts, b.InstrumentVerdict))),
		when(b.Disagreement, Text{EN: "the two results differ", FR: "les deux résultats diffèrent"}),
		when(len(b.Peaks) > 0, count(len(b.Peaks), "peak", "peaks", "pic", "pics")),
		when(b.Partial, Text{EN: "points of the spectrum are missing", FR: "des points du spectre manquent"}),
		when(b.Qc == "due", Text{EN: "verification was due", FR: "vérification due"}),
		when(b.Qc == "out", Text{EN: "instrument was not verified", FR: "instrument non conforme"}),
	)
}

// passed is the outcome of a check.
func passed(ok bool) Text {
	if ok {
		return Text{EN: "passed", FR: "réussi"}
	}
	return Text{EN: "failed", FR: "échoué"}
}

func traceVerification(b *observation.TraceVerification) Text {
	t := Text{EN: "verification failed", FR: "vérification échouée"}
	if b.Passed {
		t = Text{EN: "verification passed", FR: "vérification réussie"}
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
	t := Text{EN: "blank not clean", FR: "blanc contaminé"}
	if b.Clean {
		t = Text{EN: "blank clean", FR: "blanc propre"}
	}
	return sentence(t,
		when(b.AfterAlarm, Text{EN: "cleared down after the alarm", FR: "décontaminé après l’alarme"}),
		when(b.ClearDownSeconds > 0, say("%s after it", "%s après elle", span(float64(b.ClearDownSeconds)))))
}

func traceCalibration(b *observation.TraceCalibration) Text {
	return sentence(
		say("calibration %s", "étalonnage %s", passed(b.Passed)),
		when(b.Calibrant != "", say("%s", "%s", b.Calibrant)),
		when(b.DriftMs > 0, say("drift time %s", "temps de dérive %s", unit(float64(b.DriftMs), 3, "ms"))),
		when(b.K0 > 0, say("K₀ %s", "K₀ %s", unit(float64(b.K0), 4, "cm²/(V·s)"))),
		when(b.Polarity != "", name(polarities, b.Polarity)))
}

// zeroCelsius is 0 °C in kelvin.
const zeroCelsius = 273.15

// optional says a value that may be missing.
func optional[N float32 | uint32](v *N, en, fr string, show func(float64) Text) Text {
	if v == nil {
		return Text{}
	}
	return say(en+" %s", fr+" %s", show(float64(*v)))
}

// in shows a value with a unit.
func in(decimals int, name string) func(float64) Text {
	return func(v float64) Text { return unit(v, decimals, name) }
}

func celsius(kelvin float64) Text { return unit(kelvin-zeroCelsius, 1, "°C") }

func traceHealth(b *observation.TraceHealth) Text {
	return sentence(
		optional(b.DriftTemperatureK, "drift tube", "tube de dérive", celsius),
		optional(b.PressureTorr, "pressure", "pression", in(1, "Torr")),
		optional(b.FlowMlMin, "flow", "débit", in(0, "ml/min")),
		optional(b.RipMs, "reactant peak at", "pic de réactif à", in(3, "ms")),
		optional(b.DryerPercent, "dryer", "dessiccant", in(0, "%")),
		optional(b.DesorberK, "desorber", "désorbeur", celsius),
		optional(b.Samples, "samples so far:", "échantillons jusqu’ici :", func(n float64) Text { return num(n, 0) }),
		when(b.Polarity != "", name(polarities, b.Polarity)))
}

var qualityStates = map[string]Text{
	"in":  {EN: "quality control OK", FR: "contrôle de qualité conforme"},
	"due": {EN: "verification due", FR: "vérification due"},
	"out": {EN: "quality control failed", FR: "contrôle de qualité non conforme"},
}

func traceQuality(b *observation.TraceQuality) Text {
	state := name(qualityStates, b.State)
	t := sentence(state, count(b.Samples, "sample in the shift", "samples in the shift",
		"échantillon du quart", "échantillons du quart"),
		when(b.Alarms > 0, count(b.Alarms, "alarm", "alarms", "alarme", "alarmes")))
	if len(b.Reasons) > 0 {
		var m *observation.Message // absent in rows of older versions
		if len(b.Messages) > 0 {
			m = b.Messages[0]
		}
		t = t.saying(m, b.Reasons[0]) // the pages show all in the card of quality control
	}
	return t
}
