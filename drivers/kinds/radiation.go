package kinds

import (
	"strings"

	"lanewarden/drivers/observation"
)

// occupancy says the portal's verdict first, then what was measured, and where our own recomputation differs.
func occupancy(b *observation.RadiationOccupancy) Text {
	alarm := say("occupancy.no-alarm")
	switch {
	case b.GammaAlarm && b.NeutronAlarm:
		alarm = say("occupancy.gamma-and-neutron-alarm")
	case b.GammaAlarm:
		alarm = say("occupancy.gamma-alarm")
	case b.NeutronAlarm:
		alarm = say("occupancy.neutron-alarm")
	}
	sigma := say("occupancy.gamma-over-background-limit", arg("sigmaMax", num(float64(b.SigmaMax), 1)), arg("sigmaLimit", num(float64(b.SigmaLimit), 1)))
	return sentence(
		alarm,
		when(b.SigmaLimit > 0 && b.SigmaMax > 0, sigma),
		when(b.SigmaLimit > 0 && b.SigmaMax < 0, say("occupancy.gamma-not-above-background")),
		when(b.NeutronMax > 0, say("occupancy.up-neutrons-per-second", arg("neutronMax", b.NeutronMax))),
		when(b.SpeedKph > 0, speed(b.SpeedKph)),
		when(b.Direction != "", name("directions", b.Direction)),
		when(b.AlarmDisagreement, say("occupancy.lanewardens-own-computation-says")),
		when(b.Tamper, say("occupancy.cabinet-open")),
		occupancyEnd(b),
	)
}

// occupancyEnd explains why a record is not whole.
func occupancyEnd(b *observation.RadiationOccupancy) Text {
	switch {
	case b.End == observation.RadiationOccupancy_END_DISCONNECT:
		return say("occupancy-end.record-incomplete-connection-broke")
	case b.End == observation.RadiationOccupancy_END_TIMEOUT:
		return say("occupancy-end.record-ended-without-portals")
	case b.Incomplete:
		return say("occupancy-end.record-incomplete-maxima-are")
	}
	return Text{}
}

// rate is a sum over detectors of counts in 1 s.
func rate(code string, counts []int32) Text {
	total, any := sum(counts)
	return when(any, say(code, arg("value", unit(total, 0, "/s"))))
}

// background says rates in counts per second, summed over detectors.
func background(b *observation.RadiationBackground) Text {
	t := sentence(rate("background.background-gamma", b.Gamma), rate("background.neutrons", b.Neutron))
	if t.EN == "" {
		return say("background.background-without-values")
	}
	return t
}

var radiationFaults = map[observation.RadiationFault_Fault]string{
	observation.RadiationFault_FAULT_GAMMA_HIGH:   "radiation-faults.gamma-background-too-high",
	observation.RadiationFault_FAULT_GAMMA_LOW:    "radiation-faults.gamma-background-too-low",
	observation.RadiationFault_FAULT_NEUTRON_HIGH: "radiation-faults.neutron-background-too-high",
}

func radiationFault(b *observation.RadiationFault) Text {
	code, ok := radiationFaults[b.Fault]
	what := say(code)
	if !ok {
		what = say("radiation-fault.background-outside-its-limits")
	}
	if b.Cleared {
		return sentence(say("radiation-fault.over", arg("what", what)))
	}
	return sentence(what, rate("radiation-fault.now", b.Counts))
}

func tamper(b *observation.RadiationTamper) Text {
	if b.Tripped {
		return say("tamper.cabinet-opened")
	}
	return say("tamper.cabinet-closed")
}

func radiationSetup(b *observation.RadiationSetup) Text {
	var settings []Text
	for _, s := range b.Settings {
		if s.Name != "" {
			settings = append(settings, join(" ", name("portal-settings", s.Name), plainly(s.Value)))
		}
	}
	return say("radiation-setup.portal-reported-its-settings", arg("settings", listOf(settings)))
}

func spectrum(b *observation.RadiationSpectrum) Text {
	parts := []Text{spectrumAlarms(b), nuclides(b.Nuclides)}
	if len(b.Classes) > 1 {
		for _, c := range b.Classes {
			parts = append(parts, say("spectrum.class", arg("name", name("measurement-classes", c.Name)), arg("gammaCounts", count("count.count", uint64(max(c.GammaCounts, 0)))), arg("liveSeconds", unit(c.LiveSeconds, 1, "s"))))
		}
	} else {
		parts = append(parts, say("spectrum.gamma", arg("gammaCounts", count("count.count", uint64(max(b.GammaCounts, 0)))), arg("liveSeconds", unit(b.LiveSeconds, 1, "s"))))
	}
	return sentence(append(parts,
		when(b.NeutronCounts > 0 || countsNeutrons(b.Detector),
			count("count.neutron", uint64(max(b.NeutronCounts, 0)))),
		when(b.DoseRateMax > 0, say("spectrum.most", arg("doseRateMax", unit(float64(b.DoseRateMax), 2, "µSv/h")))),
		when(b.ExposureRateMax > 0, say("spectrum.most-2", arg("exposureRateMax", unit(float64(b.ExposureRateMax), 3, "mR/h")))),
		count("count.detector", b.Detectors),
		when(b.SpeedKph > 0, speed(b.SpeedKph)),
		when(b.WarningCount > 0, count("count.part-document-not-read", b.WarningCount)),
	)...)
}

// countsNeutrons reports whether any detector does: 0 neutrons of one that does not are not worth a word.
func countsNeutrons(all []*observation.DetectorSummary) bool {
	for _, d := range all {
		if d.Neutrons {
			return true
		}
	}
	return false
}

// spectrumAlarms lists the instrument's own alarms.
func spectrumAlarms(b *observation.RadiationSpectrum) Text {
	var of []string
	for _, a := range b.Alarms {
		of = append(of, strings.ToLower(a.Category))
	}
	if len(b.Alarms) == 0 {
		return Text{}
	}
	return say("spectrum-alarms.alarm", arg("of", list(distinct(of))))
}

// nuclides lists the nuclides that the instrument identified, with its own confidence from 0 to 100.
func nuclides(all []*observation.Nuclide) Text {
	const most = 4
	var parts []Text
	for _, n := range all[:min(len(all), most)] {
		t := plainly(n.Name)
		if n.Confidence > 0 {
			t = say("nuclides.at", arg("name", n.Name), arg("confidence", percent(float64(n.Confidence)/100, 0)))
		}
		parts = append(parts, t)
	}
	if len(all) > most {
		parts = append(parts, say("nuclides.more-nuclides", arg("most", len(all)-most)))
	}
	return join(", ", parts...)
}
