package summary

import (
	"lanewarden/drivers/observation"
)

func passageOpened(b *observation.PassageOpened) Text {
	t := say("Vehicle entered lane %s", "Véhicule entré dans la voie %s", b.Lane)
	if at := b.GetFirst().GetStation(); at != "" {
		t = say("%s at %s", "%s au poste %s", t, at)
	}
	return t
}

func passageUpdated(b *observation.PassageUpdated) Text {
	r := b.GetReading()
	t := sentence(say("reading of %s added to passage %s", "lecture de %s ajoutée au passage %s", r.GetDevice(), b.Id),
		when(b.AfterClose, Text{EN: "after the vehicle had left", FR: "après le départ du véhicule"}))
	t.Words = r.GetReason()
	return t
}

var ends = map[string]Text{
	"left":     {EN: "left the lane", FR: "sorti de la voie"},
	"timeout":  {EN: "closed: nothing more was seen of it", FR: "fermé : plus rien n’en a été vu"},
	"reversed": {EN: "reversed out of the lane", FR: "reparti en marche arrière"},
	"restart":  {EN: "closed when the agent restarted", FR: "fermé au redémarrage de l’agent"},
	"merged":   {EN: "was another vehicle’s", FR: "appartenait à un autre véhicule"},
	"crowded":  {EN: "closed: too many vehicles were open", FR: "fermé : trop de véhicules ouverts"},
}

func passageClosed(b *observation.PassageClosed) Text {
	who := b.Plate
	if who == "" && len(b.Containers) > 0 {
		who = b.Containers[0]
	}
	vehicle := say("vehicle %s", "véhicule %s", who)
	if who == "" {
		vehicle = Text{EN: "vehicle without plate", FR: "véhicule sans plaque"}
	}
	return sentence(
		say("%s %s", "%s %s", vehicle, name(ends, b.End)),
		when(b.Alarm, Text{EN: "with an alarm", FR: "avec une alarme"}),
		when(b.WeightKg > 0, unit(b.WeightKg, 0, "kg")),
		when(b.SpeedKph > 0, speed(b.SpeedKph)),
		count(len(b.Readings), "reading", "readings", "lecture", "lectures"))
}

func passageCorrected(b *observation.PassageCorrected) Text {
	t := say("row %s moved from passage %s to passage %s", "ligne %s déplacée du passage %s au passage %s",
		plainNumber(b.Idx), b.From, b.To)
	switch {
	case b.From == "":
		t = say("row %s moved to passage %s", "ligne %s déplacée au passage %s", plainNumber(b.Idx), b.To)
	case b.To == "":
		t = say("row %s detached from passage %s", "ligne %s détachée du passage %s", plainNumber(b.Idx), b.From)
	}
	by := say("by %s", "par %s", b.By)
	if b.By == "lane" {
		by = Text{EN: "by Lanewarden", FR: "par Lanewarden"}
	}
	t = sentence(t, when(b.By != "", by))
	t.Words = b.Reason
	return t
}
