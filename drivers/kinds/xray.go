package kinds

import (
	"lanewarden/drivers/observation"
)

// energy is a tube voltage, in kV, or MV from 1000 kV: a linear accelerator.
func energy(kv float64) Text {
	if kv >= 1000 {
		return unit(kv/1000, 1, "MV")
	}
	return unit(kv, 0, "kV")
}

func xrayImage(b *observation.XrayImage) Text {
	which := Text{}
	switch {
	case b.LowEnergy && !b.HighEnergy:
		which = say("xray-image.low-energy")
	case b.HighEnergy && !b.LowEnergy:
		which = say("xray-image.high-energy")
	}
	return sentence(
		when(b.Test, say("xray-image.test-object")),
		say("xray-image.image", arg("object", orText(b.OoiId, say("xray-image.object-without-number")))),
		say("xray-image.pixels", arg("columns", b.Columns), arg("rows", b.Rows)),
		when(b.Frames > 1, count("count.slice", b.Frames)),
		when(b.Kvp > 0, energy(float64(b.Kvp))), which,
		when(b.Aborted, aborted(b.AbortReason)),
	)
}

// orText is a text that a device gave, or what is said in its place.
func orText(s string, none Text) Text {
	if s != "" {
		return Text{EN: s, FR: s}
	}
	return none
}

func aborted(reason string) Text {
	t := say("aborted.scan-aborted")
	if reason != "" {
		t = say("aborted.because", arg("aborted", t), arg("reason", reason))
	}
	return t
}

// threatReport says the decision and who made it, how many objects alarm, and the worst of them; that it is of a
// test object comes before all.
func threatReport(b *observation.XrayThreatReport) Text {
	decision := name("threat-decisions", b.Decision)
	if b.Decision == "" {
		decision = name("threat-decisions", "unknown")
	}
	if b.Type != "" {
		decision = say("threat-report.by", arg("source", name("threat-sources", b.Type)), arg("decision", decision))
	}
	return sentence(
		when(b.Test, say("threat-report.test-object")),
		decision,
		when(b.AlarmObjects > 0, count("count.suspicious-object", b.AlarmObjects)),
		worstThreat(b.Objects),
		when(b.OoiId != "", plainly(b.OoiId)),
		when(b.Aborted, aborted(b.AbortReason)),
	)
}

// worstThreat names the assessment that is most probable.
func worstThreat(objects []*observation.ThreatObject) Text {
	var worst *observation.ThreatAssessment
	for _, o := range objects {
		for _, a := range o.Assessments {
			if a.Flag != "NO_THREAT" && (worst == nil || a.Probability > worst.Probability) {
				worst = a
			}
		}
	}
	if worst == nil || worst.Category == "" && worst.Description == "" {
		return Text{}
	}
	what := plainly(worst.Description)
	if worst.Description == "" {
		what = name("threat-categories", worst.Category)
	}
	if worst.Probability > 0 {
		what = say("worst-threat.at", arg("what", what), arg("probability", percent(float64(worst.Probability), 0)))
	}
	return what
}

func xrayQuality(b *observation.XrayQuality) Text {
	return sentence(
		when(b.AirShare > 0, say("xray-quality.air-level-noise", arg("airLevel", num(float64(b.AirLevel), 0)), arg("airNoise", percent(float64(b.AirNoise), 2)))),
		when(b.AirShare == 0, say("xray-quality.no-clear-air-image")),
		when(b.AirScans > 0, say("xray-quality.air-drift", arg("airDrift", percent(float64(b.AirDrift), 2)))),
		when(b.SaturatedShare > 0, say("xray-quality.saturated", arg("saturatedShare", percent(float64(b.SaturatedShare), 1)))),
		when(b.StarvedShare > 0, say("xray-quality.without-signal", arg("starvedShare", percent(float64(b.StarvedShare), 1)))),
		deadDetectors(b),
	)
}

// deadDetectors says how many detectors are dead or stuck, of how many; empty when the image was not measured by
// detector.
func deadDetectors(b *observation.XrayQuality) Text {
	switch {
	case b.Detectors == 0:
		return Text{}
	case b.DeadDetectors+b.StuckDetectors == 0:
		return say("dead-detectors.all-detectors-ok", arg("detectors", b.Detectors))
	}
	return join(", ",
		when(b.DeadDetectors > 0, say("dead-detectors.detectors-dead", arg("deadDetectors", b.DeadDetectors), arg("detectors", b.Detectors))),
		when(b.StuckDetectors > 0, say("dead-detectors.stuck", arg("stuckDetectors", b.StuckDetectors))))
}

// shares are the measures of image quality that are shares from 0 to 1.
var shares = map[string]bool{"air_noise": true, "air_drift": true, "saturated": true}

func xrayFault(b *observation.XrayFault) Text {
	measure := name("measures", b.Measure)
	value, limit := num(float64(b.Value), 1), num(float64(b.Limit), 1)
	if shares[b.Measure] {
		value, limit = percent(float64(b.Value), 2), percent(float64(b.Limit), 2)
	}
	if b.Cleared {
		return sentence(say("xray-fault.over", arg("measure", measure), arg("value", value), arg("limit", limit)))
	}
	return sentence(say("xray-fault.outside", arg("measure", measure), arg("value", value), arg("limit", limit)))
}

func xrayPreview(b *observation.XrayPreview) Text {
	if b.NotRendered != "" {
		return Text{EN: "No preview", FR: "Pas d’aperçu", Words: b.NotRendered}
	}
	return sentence(
		say("xray-preview.preview-pixels", arg("width", b.Width), arg("height", b.Height)),
		when(b.PseudoColour, say("xray-preview.colour")),
		when(b.Outlines > 0, count("count.object-outlined", b.Outlines)),
	)
}
