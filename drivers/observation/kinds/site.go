package kinds

import (
	"strings"

	"lanewarden/drivers/observation"
)

func siteClimate(b *observation.SiteClimate) Text {
	return sentence(
		unit(float64(b.TemperatureC), 1, "°C"),
		optional(b.HumidityPercent, "humidity", "humidité", in(0, "%")),
		when(b.PressureHpa > 0, unit(float64(b.PressureHpa), 1, "hPa")))
}

// powerWords are the words of NUT's ups.status.
var powerWords = map[string]Text{
	"ol":       {EN: "on mains", FR: "sur secteur"},
	"ob":       {EN: "on battery", FR: "sur batterie"},
	"lb":       {EN: "battery nearly empty", FR: "batterie presque vide"},
	"hb":       {EN: "battery voltage too high", FR: "tension de batterie trop haute"},
	"rb":       {EN: "battery to be replaced", FR: "batterie à remplacer"},
	"chrg":     {EN: "charging", FR: "en charge"},
	"dischrg":  {EN: "discharging", FR: "en décharge"},
	"bypass":   {EN: "on bypass: no protection", FR: "en dérivation : aucune protection"},
	"cal":      {EN: "calibrating its battery", FR: "étalonne sa batterie"},
	"off":      {EN: "output off", FR: "sortie coupée"},
	"over":     {EN: "overloaded", FR: "surchargé"},
	"trim":     {EN: "lowering the mains voltage", FR: "abaisse la tension du secteur"},
	"boost":    {EN: "raising the mains voltage", FR: "relève la tension du secteur"},
	"fsd":      {EN: "shutting down", FR: "arrêt en cours"},
	"alarm":    {EN: "alarm", FR: "alarme"},
	"comm":     {EN: "in contact", FR: "joignable"},
	"nocomm":   {EN: "no contact with the UPS", FR: "onduleur injoignable"},
	"test":     {EN: "testing its battery", FR: "essaie sa batterie"},
	"overheat": {EN: "too hot", FR: "trop chaud"},
	"eco":      {EN: "economy mode", FR: "mode économie"},
}

func sitePower(b *observation.SitePower) Text {
	var parts []Text
	for _, word := range strings.Fields(b.Status) {
		parts = append(parts, name(powerWords, word))
	}
	parts = append(parts,
		optional(b.ChargePercent, "battery", "batterie", in(0, "%")),
		optional(b.RuntimeSeconds, "lasts", "autonomie", span),
		optional(b.LoadPercent, "load", "charge", in(0, "%")),
		mains(b),
		optional(b.BatteryVolts, "battery voltage", "tension de batterie", in(1, "V")))
	t := sentence(parts...)
	t.Words = b.Alarm
	return t
}

// mains is the mains' voltage, by phase where there are several.
func mains(b *observation.SitePower) Text {
	if len(b.InputPhases) == 0 {
		return optional(b.InputVolts, "mains", "secteur", in(0, "V"))
	}
	var phases []Text
	for _, p := range b.InputPhases[:min(len(b.InputPhases), 6)] {
		phases = append(phases, say("%s %s", "%s %s", p.Phase, unit(float64(p.Volts), 0, "V")))
	}
	return say("mains %s", "secteur %s", join(", ", phases...))
}

func siteClock(b *observation.SiteClock) Text {
	state := Text{EN: "not synchronised", FR: "non synchronisée"}
	if b.Synchronised {
		state = say("synchronised, error about %s", "synchronisée, erreur d’environ %s", milliseconds(b.EstimatedErrorMs))
	}
	fix := map[string]Text{
		"none": {EN: "no GPS", FR: "pas de GPS"}, "no-fix": {EN: "GPS without fix", FR: "GPS sans position"},
		"2d": {EN: "GPS fix", FR: "position GPS"}, "3d": {EN: "GPS fix", FR: "position GPS"},
	}
	return sentence(state,
		when(b.GpsMode != "", name(fix, b.GpsMode)),
		when(b.Satellites > 0, count(b.Satellites, "satellite", "satellites", "satellite", "satellites")))
}

// milliseconds shows a span of a clock's error.
func milliseconds(ms float64) Text {
	if ms < 1 && ms >= 0 {
		return unit(ms*1000, 0, "µs")
	}
	return unit(ms, 1, "ms")
}
