package kinds

import (
	"strings"

	"lanewarden/drivers/observation"
)

// directions of travel.
var directions = map[string]Text{
	"forward": {EN: "forward", FR: "vers l’avant"},
	"reverse": {EN: "in reverse", FR: "en marche arrière"},
}

func occupancy(b *observation.RadiationOccupancy) Text {
	alarm := Text{EN: "no alarm", FR: "aucune alarme"}
	switch {
	case b.GammaAlarm && b.NeutronAlarm:
		alarm = Text{EN: "gamma and neutron alarm", FR: "alarme gamma et neutrons"}
	case b.GammaAlarm:
		alarm = Text{EN: "gamma alarm", FR: "alarme gamma"}
	case b.NeutronAlarm:
		alarm = Text{EN: "neutron alarm", FR: "alarme neutrons"}
	}
	sigma := say("gamma %s σ over background (limit %s σ)", "gamma à %s σ au-dessus du fond (seuil %s σ)",
		num(float64(b.SigmaMax), 1), num(float64(b.SigmaLimit), 1))
	return sentence(
		alarm,
		when(b.SigmaLimit > 0 && b.SigmaMax > 0, sigma),
		when(b.SigmaLimit > 0 && b.SigmaMax < 0, Text{EN: "gamma not above background", FR: "gamma pas au-dessus du fond"}),
		when(b.NeutronMax > 0, say("up to %s neutrons per second", "jusqu’à %s neutrons par seconde", b.NeutronMax)),
		when(b.SpeedKph > 0, speed(b.SpeedKph)),
		when(b.Direction != "", name(directions, b.Direction)),
		when(b.AlarmDisagreement, Text{EN: "Lanewarden’s own computation says otherwise",
			FR: "le calcul de Lanewarden dit le contraire"}),
		when(b.Tamper, Text{EN: "cabinet open", FR: "armoire ouverte"}),
		occupancyEnd(b),
	)
}

// occupancyEnd says why a record is not whole.
func occupancyEnd(b *observation.RadiationOccupancy) Text {
	switch {
	case b.End == observation.RadiationOccupancy_END_DISCONNECT:
		return Text{EN: "record incomplete: the connection broke", FR: "mesure incomplète : liaison rompue"}
	case b.End == observation.RadiationOccupancy_END_TIMEOUT:
		return Text{EN: "record ended without the portal’s end mark", FR: "mesure finie sans la marque du portique"}
	case b.Incomplete:
		return Text{EN: "record incomplete: maxima are lower bounds", FR: "mesure incomplète : maxima minorés"}
	}
	return Text{}
}

// rate is a sum over detectors of counts in 1 s.
func rate(en, fr string, counts []int32) Text {
	total, any := sum(counts)
	return when(any, say(en+" %s", fr+" %s", unit(total, 0, "/s")))
}

func background(b *observation.RadiationBackground) Text {
	t := sentence(rate("background: gamma", "fond : gamma", b.Gamma), rate("neutrons", "neutrons", b.Neutron))
	if t.EN == "" {
		return Text{EN: "Background without values", FR: "Fond sans valeurs"}
	}
	return t
}

var radiationFaults = map[observation.RadiationFault_Fault]Text{
	observation.RadiationFault_FAULT_GAMMA_HIGH: {EN: "gamma background too high", FR: "fond gamma trop haut"},
	observation.RadiationFault_FAULT_GAMMA_LOW:  {EN: "gamma background too low", FR: "fond gamma trop bas"},
	observation.RadiationFault_FAULT_NEUTRON_HIGH: {EN: "neutron background too high",
		FR: "fond de neutrons trop haut"},
}

func radiationFault(b *observation.RadiationFault) Text {
	what, ok := radiationFaults[b.Fault]
	if !ok {
		what = Text{EN: "background outside its limits", FR: "fond hors des limites"}
	}
	if b.Cleared {
		return sentence(say("%s: over", "%s : terminé", what))
	}
	return sentence(what, rate("now", "maintenant", b.Counts))
}

func tamper(b *observation.RadiationTamper) Text {
	if b.Tripped {
		return Text{EN: "Cabinet opened", FR: "Armoire ouverte"}
	}
	return Text{EN: "Cabinet closed", FR: "Armoire fermée"}
}

func radiationSetup(b *observation.RadiationSetup) Text {
	var settings []string
	for _, s := range b.Settings {
		if s.Name != "" {
			settings = append(settings, strings.ReplaceAll(s.Name, "_", " ")+" "+s.Value)
		}
	}
	return say("The portal reported its settings: %s", "Réglages annoncés par le portique : %s", list(settings))
}

var measurementClasses = map[string]Text{
	"foreground":        {EN: "vehicle", FR: "véhicule"},
	"background":        {EN: "background", FR: "fond"},
	"calibration":       {EN: "calibration", FR: "étalonnage"},
	"intrinsicactivity": {EN: "the detector’s own source", FR: "source propre du détecteur"},
	"notspecified":      {EN: "purpose not given", FR: "but non indiqué"},
}

func spectrum(b *observation.RadiationSpectrum) Text {
	parts := []Text{spectrumAlarms(b), nuclides(b.Nuclides)}
	if len(b.Classes) > 1 {
		for _, c := range b.Classes {
			parts = append(parts, say("%s %s in %s", "%s %s en %s", name(measurementClasses, c.Name),
				count(uint64(max(c.GammaCounts, 0)), "count", "counts", "coup", "coups"), unit(c.LiveSeconds, 1, "s")))
		}
	} else {
		parts = append(parts, say("gamma %s in %s", "gamma %s en %s",
			count(uint64(max(b.GammaCounts, 0)), "count", "counts", "coup", "coups"), unit(b.LiveSeconds, 1, "s")))
	}
	return sentence(append(parts,
		when(b.NeutronCounts > 0 || countsNeutrons(b.Detector),
			count(uint64(max(b.NeutronCounts, 0)), "neutron", "neutrons", "neutron", "neutrons")),
		when(b.DoseRateMax > 0, say("at most %s", "au plus %s", unit(float64(b.DoseRateMax), 2, "µSv/h"))),
		when(b.ExposureRateMax > 0, say("at most %s", "au plus %s", unit(float64(b.ExposureRateMax), 3, "mR/h"))),
		count(b.Detectors, "detector", "detectors", "détecteur", "détecteurs"),
		when(b.SpeedKph > 0, speed(b.SpeedKph)),
		when(b.WarningCount > 0, count(b.WarningCount, "part of the document not read",
			"parts of the document not read", "partie du document non lue", "parties du document non lues")),
	)...)
}

func countsNeutrons(all []*observation.DetectorSummary) bool {
	for _, d := range all {
		if d.Neutrons {
			return true
		}
	}
	return false
}

func spectrumAlarms(b *observation.RadiationSpectrum) Text {
	var of []string
	for _, a := range b.Alarms {
		of = append(of, strings.ToLower(a.Category))
	}
	if len(b.Alarms) == 0 {
		return Text{}
	}
	return say("alarm (%s)", "alarme (%s)", list(distinct(of)))
}

// nuclides are what the instrument identified, with its own confidence from 0 to 100.
func nuclides(all []*observation.Nuclide) Text {
	const most = 4
	var parts []Text
	for _, n := range all[:min(len(all), most)] {
		t := say("%s", "%s", n.Name)
		if n.Confidence > 0 {
			t = say("%s at %s", "%s à %s", n.Name, percent(float64(n.Confidence)/100, 0))
		}
		parts = append(parts, t)
	}
	if len(all) > most {
		parts = append(parts, say("%s more nuclides", "%s autres nucléides", len(all)-most))
	}
	return join(", ", parts...)
}
