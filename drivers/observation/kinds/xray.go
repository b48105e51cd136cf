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
		which = Text{EN: "low energy", FR: "basse énergie"}
	case b.HighEnergy && !b.LowEnergy:
		which = Text{EN: "high energy", FR: "haute énergie"}
	}
	return sentence(
		when(b.Test, Text{EN: "test object", FR: "objet d’essai"}),
		say("image of %s", "image de %s", orText(b.OoiId, Text{EN: "an object without number", FR: "objet sans numéro"})),
		say("%s × %s pixels", "%s × %s pixels", b.Columns, b.Rows),
		when(b.Frames > 1, count(b.Frames, "slice", "slices", "coupe", "coupes")),
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
	t := Text{EN: "scan aborted", FR: "balayage interrompu"}
	if reason != "" {
		t = say("%s (%s)", "%s (%s)", t, reason)
	}
	return t
}

var threatSources = map[string]Text{
	"machine":      {EN: "machine", FR: "automate"},
	"operator":     {EN: "operator", FR: "opérateur"},
	"ground_truth": {EN: "known content", FR: "contenu connu"},
}

var threatDecisions = map[string]Text{
	"alarm":     {EN: "alarm", FR: "alarme"},
	"clear":     {EN: "clear", FR: "rien à signaler"},
	"no_alarm":  {EN: "no alarm", FR: "aucune alarme"},
	"timed_out": {EN: "no decision in time", FR: "pas de décision à temps"},
	"unknown":   {EN: "no decision", FR: "pas de décision"},
}

func threatReport(b *observation.XrayThreatReport) Text {
	decision := name(threatDecisions, b.Decision)
	if b.Decision == "" {
		decision = threatDecisions["unknown"]
	}
	if b.Type != "" {
		decision = say("%s: %s", "%s"+nbsp+": %s", name(threatSources, b.Type), decision)
	}
	return sentence(
		when(b.Test, Text{EN: "test object", FR: "objet d’essai"}),
		decision,
		when(b.AlarmObjects > 0, count(b.AlarmObjects, "suspicious object", "suspicious objects",
			"objet suspect", "objets suspects")),
		worstThreat(b.Objects),
		when(b.OoiId != "", say("%s", "%s", b.OoiId)),
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
	what := say("%s", "%s", worst.Description)
	if worst.Description == "" {
		what = name(nil, worst.Category)
	}
	if worst.Probability > 0 {
		what = say("%s at %s", "%s à %s", what, percent(float64(worst.Probability), 0))
	}
	return what
}

func xrayQuality(b *observation.XrayQuality) Text {
	return sentence(
		when(b.AirShare > 0, say("air level %s, noise %s", "niveau d’air %s, bruit %s",
			num(float64(b.AirLevel), 0), percent(float64(b.AirNoise), 2))),
		when(b.AirShare == 0, Text{EN: "no clear air in the image", FR: "pas d’air libre dans l’image"}),
		when(b.AirScans > 0, say("air drift %s", "dérive de l’air %s", percent(float64(b.AirDrift), 2))),
		when(b.SaturatedShare > 0, say("%s saturated", "%s saturé", percent(float64(b.SaturatedShare), 1))),
		when(b.StarvedShare > 0, say("%s without signal", "%s sans signal", percent(float64(b.StarvedShare), 1))),
		deadDetectors(b),
	)
}

func deadDetectors(b *observation.XrayQuality) Text {
	switch {
	case b.Detectors == 0:
		return Text{}
	case b.DeadDetectors+b.StuckDetectors == 0:
		return say("all %s detectors OK", "les %s détecteurs fonctionnent", b.Detectors)
	}
	return join(", ",
		when(b.DeadDetectors > 0, say("%s of %s detectors dead", "%s détecteurs sur %s sans signal",
			b.DeadDetectors, b.Detectors)),
		when(b.StuckDetectors > 0, say("%s stuck", "%s bloqués", b.StuckDetectors)))
}

// measures of image quality. shares are from 0 to 1.
var measures = map[string]struct {
	Text
	share bool
}{
	"air_level": {Text{EN: "air level", FR: "niveau d’air"}, false},
	"air_noise": {Text{EN: "air noise", FR: "bruit de l’air"}, true},
	"air_drift": {Text{EN: "air drift", FR: "dérive de l’air"}, true},
	"saturated": {Text{EN: "saturated pixels", FR: "pixels saturés"}, true},
	"detectors": {Text{EN: "faulty detectors", FR: "détecteurs en panne"}, false},
}

func xrayFault(b *observation.XrayFault) Text {
	m, ok := measures[b.Measure]
	if !ok {
		m.Text = name(nil, b.Measure)
	}
	value, limit := num(float64(b.Value), 1), num(float64(b.Limit), 1)
	if m.share {
		value, limit = percent(float64(b.Value), 2), percent(float64(b.Limit), 2)
	}
	if b.Cleared {
		return sentence(say("%s within its limit again: %s (limit %s)", "%s de nouveau dans la limite : %s (limite %s)",
			m.Text, value, limit))
	}
	return sentence(say("%s outside its limit: %s (limit %s)", "%s hors limite : %s (limite %s)", m.Text, value, limit))
}

func xrayPreview(b *observation.XrayPreview) Text {
	if b.NotRendered != "" {
		return Text{EN: "No preview", FR: "Pas d’aperçu", Words: b.NotRendered}
	}
	return sentence(
		say("preview of %s × %s pixels", "aperçu de %s × %s pixels", b.Width, b.Height),
		when(b.PseudoColour, Text{EN: "in colour", FR: "en couleur"}),
		when(b.Outlines > 0, count(b.Outlines, "object outlined", "objects outlined", "objet entouré", "objets entourés")),
	)
}
