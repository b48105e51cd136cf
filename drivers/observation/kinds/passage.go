package kinds

import (
	"lanewarden/drivers/observation"
)

func passageOpened(b *observation.PassageOpened) Text {
	t := say("vehicle entered lane %s", "véhicule entré dans la voie %s", b.Lane)
	if len(b.Readings) > 0 && b.Readings[0].GetStation() != "" {
		t = say("%s at %s", "%s au poste %s", t, b.Readings[0].Station)
	}
	return sentence(t,
		when(len(b.Readings) > 1, count(len(b.Readings), "reading", "readings", "lecture", "lectures")),
		uncertain(b.Readings))
}

// passageUpdated names the readings; a single one with the reason of its assignment. Whether they are new, or only
// their confidence, the row does not say.
func passageUpdated(b *observation.PassageUpdated) Text {
	t := say("%s belong to passage %s", "%s : passage %s",
		count(len(b.Readings), "reading", "readings", "lecture", "lectures"), b.Id)
	switch {
	case len(b.Readings) == 0:
		t = say("passage %s", "passage %s", b.Id)
	case len(b.Readings) == 1 && unsure(b.Readings[0]):
		t = say("in passage %s", "dans le passage %s", b.Id)
	case len(b.Readings) == 1:
		t = say("%s belongs to passage %s", "%s : passage %s", readingOf(b.Readings[0]), b.Id)
	default:
		t = say("%s (%s)", "%s (%s)", t, list(devices(b.Readings)))
	}
	t = sentence(t, uncertain(b.Readings),
		when(b.AfterClose, Text{EN: "after the vehicle had left", FR: "après le départ du véhicule"}))
	if len(b.Readings) == 1 {
		t = t.saying(b.Readings[0].GetMessage(), b.Readings[0].GetReason())
	}
	return t
}

func devices(readings []*observation.PassageReading) []string {
	var out []string
	for _, r := range readings {
		out = append(out, r.GetDevice())
	}
	return distinct(out)
}

// readingOf names a reading by its device; an alarm is called one.
func readingOf(r *observation.PassageReading) Text {
	if observation.Class(r.GetClass()) == observation.Class_CLASS_ALARM {
		return say("alarm of %s", "alarme de %s", r.GetDevice())
	}
	return say("reading of %s", "lecture de %s", r.GetDevice())
}

// unsure reports whether a reading may be of another vehicle, or of none, as well.
func unsure(r *observation.PassageReading) bool {
	return r.GetOther() != "" || r.GetOtherConfidence() > 0
}

// Uncertain says of a reading that may be of two vehicles how likely each is; it is empty for any other reading. "This
// vehicle" is the one of the passage in whose document or row the reading stands.
func Uncertain(r *observation.PassageReading) Text {
	if !unsure(r) {
		return Text{}
	}
	return say("%s: %s", "%s : %s", readingOf(r), candidates(r))
}

// candidates names the two vehicles that a reading may be of; it is empty for a reading of one.
func candidates(r *observation.PassageReading) Text {
	if !unsure(r) {
		return Text{}
	}
	other := say("passage %s", "passage %s", r.Other)
	if r.Other == "" {
		other = Text{EN: "no vehicle of this lane", FR: "aucun véhicule de cette voie"}
	}
	return say("this vehicle (%s) or %s (%s)", "ce véhicule (%s) ou %s (%s)",
		Probability(r.Confidence), other, Probability(r.OtherConfidence))
}

// Probability is a probability as a percentage. What is not certain is never shown as 0 or 100.
func Probability(p float32) Text {
	whole := float64(int(100*float64(p) + 0.5))
	switch {
	case p > 0 && whole < 1:
		whole = 1
	case p < 1 && whole > 99:
		whole = 99
	}
	return unit(whole, 0, "%")
}

// maxUncertain bounds the uncertain readings that a sentence names one by one.
const maxUncertain = 3

// uncertain names the readings that may be of two vehicles, alarms first.
func uncertain(readings []*observation.PassageReading) Text {
	var alarms, others []Text
	for _, r := range readings {
		switch {
		case !unsure(r):
		case observation.Class(r.GetClass()) == observation.Class_CLASS_ALARM:
			alarms = append(alarms, Uncertain(r))
		default:
			others = append(others, Uncertain(r))
		}
	}
	all := append(alarms, others...)
	if len(all) <= maxUncertain {
		return join("; ", all...)
	}
	rest := count(len(all)-maxUncertain, "more reading is uncertain", "more readings are uncertain",
		"autre lecture est incertaine", "autres lectures sont incertaines")
	return join("; ", append(all[:maxUncertain:maxUncertain], rest)...)
}

// ends are the predicates of a vehicle whose passage is over.
var ends = map[observation.PassageEnd]Text{
	observation.PassageEnd_PASSAGE_END_UNSPECIFIED: {EN: "closed, it is not known why", FR: "fermé, motif inconnu"},
	observation.PassageEnd_PASSAGE_END_LEFT:        {EN: "left the lane", FR: "sorti de la voie"},
	observation.PassageEnd_PASSAGE_END_TIMEOUT: {
		EN: "closed: nothing more was seen of it", FR: "fermé : plus rien n’en a été vu",
	},
	observation.PassageEnd_PASSAGE_END_REVERSED: {EN: "reversed out of the lane", FR: "reparti en marche arrière"},
	observation.PassageEnd_PASSAGE_END_MERGED:   {EN: "was another vehicle’s", FR: "appartenait à un autre véhicule"},
	observation.PassageEnd_PASSAGE_END_RESTART: {
		EN: "closed when the agent restarted", FR: "fermé au redémarrage de l’agent",
	},
}

var gaps = map[observation.PassageGap]Text{
	observation.PassageGap_PASSAGE_GAP_UNSPECIFIED:  {EN: "nothing, it is not known why", FR: "rien, motif inconnu"},
	observation.PassageGap_PASSAGE_GAP_NOT_YET:      {EN: "not yet", FR: "pas encore"},
	observation.PassageGap_PASSAGE_GAP_NOT_EXPECTED: {EN: "not expected", FR: "pas attendu"},
	observation.PassageGap_PASSAGE_GAP_NOTHING_READ: {EN: "nothing read", FR: "rien lu"},
	observation.PassageGap_PASSAGE_GAP_MISSED:       {EN: "missed", FR: "manqué"},
	observation.PassageGap_PASSAGE_GAP_BLIND:        {EN: "blind (device down)", FR: "aveugle (appareil en panne)"},
}

var passageDirections = map[observation.PassageDirection]Text{
	observation.PassageDirection_PASSAGE_DIRECTION_UNSPECIFIED: {EN: "direction not known", FR: "sens inconnu"},
	observation.PassageDirection_PASSAGE_DIRECTION_FORWARD:     {EN: "forward", FR: "marche avant"},
	observation.PassageDirection_PASSAGE_DIRECTION_REVERSE:     {EN: "in reverse", FR: "marche arrière"},
}

var passageStates = map[observation.PassageState]Text{
	observation.PassageState_PASSAGE_STATE_UNSPECIFIED: {EN: "state not known", FR: "état inconnu"},
	observation.PassageState_PASSAGE_STATE_OPEN:        {EN: "in the lane", FR: "dans la voie"},
	observation.PassageState_PASSAGE_STATE_CLOSED:      {EN: "closed", FR: "fermé"},
}

// PassageEnd says why a passage is over, of its vehicle: "left the lane".
func PassageEnd(e observation.PassageEnd) Text { return word(ends, e) }

// PassageGap says why a station has nothing of a vehicle.
func PassageGap(g observation.PassageGap) Text { return word(gaps, g) }

// PassageDirection says which way a vehicle went.
func PassageDirection(d observation.PassageDirection) Text { return word(passageDirections, d) }

// PassageState says whether a vehicle is still in the lane.
func PassageState(s observation.PassageState) Text { return word(passageStates, s) }

// word is the wording of an enumeration's value. A value of a later version has that of the unspecified one.
func word[E ~int32](of map[E]Text, value E) Text {
	if t, ok := of[value]; ok {
		return t
	}
	return of[0]
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
	outcome := PassageEnd(b.End)
	if b.State == observation.PassageState_PASSAGE_STATE_OPEN {
		outcome = say("%s", "%s", PassageState(b.State))
	}
	backwards := b.Direction == observation.PassageDirection_PASSAGE_DIRECTION_REVERSE &&
		b.End != observation.PassageEnd_PASSAGE_END_REVERSED
	return sentence(
		say("%s %s", "%s %s", vehicle, outcome),
		when(backwards, PassageDirection(b.Direction)),
		when(b.Alarm, Text{EN: "with an alarm", FR: "avec une alarme"}),
		when(b.AlarmPossible, Text{EN: "possible alarm", FR: "alarme possible"}),
		when(b.WeightKg > 0, unit(b.WeightKg, 0, "kg")),
		when(b.SpeedKph > 0, speed(b.SpeedKph)),
		count(len(b.Readings), "reading", "readings", "lecture", "lectures"),
		uncertain(append(b.Readings[:len(b.Readings):len(b.Readings)], b.Possible...)))
}

func passageCorrected(b *observation.PassageCorrected) Text {
	by := say("by %s", "par %s", b.By)
	if b.By == "lane" {
		by = Text{EN: "by Lanewarden", FR: "par Lanewarden"}
	}
	return sentence(moved(b), when(b.By != "", by), candidates(b.Reading)).saying(b.Message, b.Reason)
}

// moved says which reading went where.
func moved(b *observation.PassageCorrected) Text {
	row := say("row %s", "ligne %s", plainNumber(b.Idx))
	if b.Reading.GetDevice() != "" {
		row = say("%s (row %s)", "%s (ligne %s)", readingOf(b.Reading), plainNumber(b.Idx))
	}
	switch {
	case b.From == "" && b.To == "":
		return say("%s belongs to no passage", "%s : à aucun passage", row)
	case b.From == "":
		return say("%s moved to passage %s", "%s : au passage %s", row, b.To)
	case b.To == "":
		return say("%s detached from passage %s", "%s : détachée du passage %s", row, b.From)
	case b.From == b.To:
		return say("%s stays in passage %s", "%s : reste dans le passage %s", row, b.To)
	}
	return say("%s moved from passage %s to passage %s", "%s : du passage %s au passage %s", row, b.From, b.To)
}

// Correction says to the person who moved a reading what came of it; plate is that of the passage that it is in now,
// empty for none.
func Correction(b *observation.PassageCorrected, plate string) Text {
	return sentence(moved(b),
		when(plate != "", say("vehicle %s", "véhicule %s", plate)),
		Text{EN: "and no later assignment changes that", FR: "et aucune attribution ultérieure n’y change rien"})
}
