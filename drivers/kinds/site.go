package kinds

import (
	"strings"

	"lanewarden/drivers/observation"
)

func siteClimate(b *observation.SiteClimate) Text {
	return sentence(
		unit(float64(b.TemperatureC), 1, "°C"),
		optional("site-climate.humidity", b.HumidityPercent, in(0, "%")),
		when(b.PressureHpa > 0, unit(float64(b.PressureHpa), 1, "hPa")))
}

func sitePower(b *observation.SitePower) Text {
	var parts []Text
	for _, word := range strings.Fields(b.Status) {
		parts = append(parts, name("power-words", word))
	}
	parts = append(parts,
		optional("site-power.battery", b.ChargePercent, in(0, "%")),
		optional("site-power.lasts", b.RuntimeSeconds, span),
		optional("site-power.load", b.LoadPercent, in(0, "%")),
		mains(b),
		optional("site-power.battery-voltage", b.BatteryVolts, in(1, "V")))
	t := sentence(parts...)
	t.Words = b.Alarm
	return t
}

// mains is the mains' voltage, by phase where there are several.
func mains(b *observation.SitePower) Text {
	if len(b.InputPhases) == 0 {
		return optional("mains.mains", b.InputVolts, in(0, "V"))
	}
	var phases []Text
	for _, p := range b.InputPhases[:min(len(b.InputPhases), 6)] {
		phases = append(phases, say("mains.phase", arg("phase", p.Phase), arg("volts", unit(float64(p.Volts), 0, "V"))))
	}
	return say("mains.mains-2", arg("phases", join(", ", phases...)))
}

func siteClock(b *observation.SiteClock) Text {
	state := say("site-clock.not-synchronised")
	if b.Synchronised {
		state = say("site-clock.synchronised-error-about", arg("estimatedErrorMs", milliseconds(b.EstimatedErrorMs)))
	}
	return sentence(state,
		when(b.GpsMode != "", name("gps-fix", b.GpsMode)),
		when(b.Satellites > 0, count("count.satellite", b.Satellites)))
}

// milliseconds shows a span of a clock's error.
func milliseconds(ms float64) Text {
	if ms < 1 && ms >= 0 {
		return unit(ms*1000, 0, "µs")
	}
	return unit(ms, 1, "ms")
}
