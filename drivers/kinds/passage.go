package kinds

import (
	"lanewarden/drivers/observation"
)

// passageOpened says where the vehicle came in, and how many readings began the passage.
func passageOpened(b *observation.PassageOpened) Text {
	t := say("passage-opened.vehicle-entered-lane", arg("lane", b.Lane))
	if len(b.Readings) > 0 && b.Readings[0].GetStation() != "" {
		t = say("passage-opened.at", arg("entered", t), arg("station", b.Readings[0].Station))
	}
	return sentence(t,
		when(len(b.Readings) > 1, count("count.reading", len(b.Readings))),
		uncertain(b.Readings))
}

// passageUpdated names the readings; a single one with the reason of its assignment. Whether they are new, or only
// their confidence, the row does not say.
func passageUpdated(b *observation.PassageUpdated) Text {
	t := say("passage-updated.belong-passage", arg("readings", count("count.reading", len(b.Readings))), arg("id", b.Id))
	switch {
	case len(b.Readings) == 0:
		t = say("passage-updated.passage", arg("id", b.Id))
	case len(b.Readings) == 1 && unsure(b.Readings[0]):
		t = say("passage-updated.in-passage", arg("id", b.Id))
	case len(b.Readings) == 1:
		t = say("passage-updated.belongs-passage", arg("readings", readingOf(b.Readings[0])), arg("id", b.Id))
	default:
		t = say("passage-updated.devices", arg("what", t), arg("devices", list(devices(b.Readings))))
	}
	t = sentence(t, uncertain(b.Readings),
		when(b.AfterClose, say("passage-updated.after-vehicle-had-left")))
	if len(b.Readings) == 1 {
		t = t.saying(b.Readings[0].GetMessage(), b.Readings[0].GetReason())
	}
	return t
}

// devices returns the devices of readings, each once.
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
		return say("reading-of.alarm", arg("device", r.GetDevice()))
	}
	return say("reading-of.reading", arg("device", r.GetDevice()))
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
	return say("uncertain.candidates", arg("reading", readingOf(r)), arg("candidates", candidates(r)))
}

// candidates names the two vehicles that a reading may be of; it is empty for a reading of one.
func candidates(r *observation.PassageReading) Text {
	if !unsure(r) {
		return Text{}
	}
	other := say("candidates.passage", arg("other", r.Other))
	if r.Other == "" {
		other = say("candidates.no-vehicle-this-lane")
	}
	return say("candidates.this-vehicle-or", arg("confidence", Probability(r.Confidence)), arg("other", other), arg("otherConfidence", Probability(r.OtherConfidence)))
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
	rest := count("count.more-reading-uncertain", len(all)-maxUncertain)
	return join("; ", append(all[:maxUncertain:maxUncertain], rest)...)
}

// ends are the predicates of a vehicle whose passage is over.
var ends = map[observation.PassageEnd]string{
	observation.PassageEnd_PASSAGE_END_UNSPECIFIED: "ends.closed-not-known-why",
	observation.PassageEnd_PASSAGE_END_LEFT:        "ends.left-lane",
	observation.PassageEnd_PASSAGE_END_TIMEOUT:     "ends.closed-nothing-more-seen",
	observation.PassageEnd_PASSAGE_END_REVERSED:    "ends.reversed-out-lane",
	observation.PassageEnd_PASSAGE_END_MERGED:      "ends.another-vehicles",
	observation.PassageEnd_PASSAGE_END_RESTART:     "ends.closed-when-agent-restarted",
}

var gaps = map[observation.PassageGap]string{
	observation.PassageGap_PASSAGE_GAP_UNSPECIFIED:  "gaps.nothing-not-known-why",
	observation.PassageGap_PASSAGE_GAP_NOT_YET:      "gaps.not-yet",
	observation.PassageGap_PASSAGE_GAP_NOT_EXPECTED: "gaps.not-expected",
	observation.PassageGap_PASSAGE_GAP_NOTHING_READ: "gaps.nothing-read",
	observation.PassageGap_PASSAGE_GAP_MISSED:       "gaps.missed",
	observation.PassageGap_PASSAGE_GAP_BLIND:        "gaps.blind-device-down",
}

var passageDirections = map[observation.PassageDirection]string{
	observation.PassageDirection_PASSAGE_DIRECTION_UNSPECIFIED: "passage-directions.direction-not-known",
	observation.PassageDirection_PASSAGE_DIRECTION_FORWARD:     "passage-directions.forward",
	observation.PassageDirection_PASSAGE_DIRECTION_REVERSE:     "passage-directions.reverse",
}

var passageStates = map[observation.PassageState]string{
	observation.PassageState_PASSAGE_STATE_UNSPECIFIED: "passage-states.state-not-known",
	observation.PassageState_PASSAGE_STATE_OPEN:        "passage-states.lane",
	observation.PassageState_PASSAGE_STATE_CLOSED:      "passage-states.closed",
}

// PassageEnd says why a passage is over, as a predicate of its vehicle: "left the lane".
func PassageEnd(e observation.PassageEnd) Text { return word(ends, e) }

// PassageGap says why a station has nothing of a vehicle.
func PassageGap(g observation.PassageGap) Text { return word(gaps, g) }

// PassageDirection says which way a vehicle went.
func PassageDirection(d observation.PassageDirection) Text { return word(passageDirections, d) }

// PassageState says whether a vehicle is still in the lane.
func PassageState(s observation.PassageState) Text { return word(passageStates, s) }

// word is the wording of an enumeration's value, of which each has its code. A value of a later version has that of
// the unspecified one.
func word[E ~int32](of map[E]string, value E) Text {
	if code, ok := of[value]; ok {
		return say(code)
	}
	return say(of[0])
}

// passageClosed says what left, how, and what is known of it: alarm, weight, speed. A passage that is reported while
// it is open has its state instead of its end.
func passageClosed(b *observation.PassageClosed) Text {
	who := b.Plate
	if who == "" && len(b.Containers) > 0 {
		who = b.Containers[0]
	}
	vehicle := say("passage-closed.vehicle", arg("who", who))
	if who == "" {
		vehicle = say("passage-closed.vehicle-without-plate")
	}
	outcome := PassageEnd(b.End)
	if b.State == observation.PassageState_PASSAGE_STATE_OPEN {
		outcome = plainly(PassageState(b.State))
	}
	backwards := b.Direction == observation.PassageDirection_PASSAGE_DIRECTION_REVERSE &&
		b.End != observation.PassageEnd_PASSAGE_END_REVERSED
	return sentence(
		say("passage-closed.how", arg("vehicle", vehicle), arg("outcome", outcome)),
		when(backwards, PassageDirection(b.Direction)),
		when(b.Alarm, say("passage-closed.with-alarm")),
		when(b.AlarmPossible, say("passage-closed.possible-alarm")),
		when(b.WeightKg > 0, unit(b.WeightKg, 0, "kg")),
		when(b.SpeedKph > 0, speed(b.SpeedKph)),
		count("count.reading", len(b.Readings)),
		uncertain(append(b.Readings[:len(b.Readings):len(b.Readings)], b.Possible...)))
}

// passageCorrected says which reading was moved where, by whom, and why.
func passageCorrected(b *observation.PassageCorrected) Text {
	by := say("passage-corrected.by", arg("by", b.By))
	if b.By == "lane" {
		by = say("passage-corrected.by-lanewarden")
	}
	return sentence(moved(b), when(b.By != "", by), candidates(b.Reading)).saying(b.Message, b.Reason)
}

// moved words a correction: the reading and its new passage.
func moved(b *observation.PassageCorrected) Text {
	row := say("moved.row", arg("idx", plainNumber(b.Idx)))
	if b.Reading.GetDevice() != "" {
		row = say("moved.row-2", arg("reading", readingOf(b.Reading)), arg("idx", plainNumber(b.Idx)))
	}
	switch {
	case b.From == "" && b.To == "":
		return say("moved.belongs-no-passage", arg("row", row))
	case b.From == "":
		return say("moved.moved-passage", arg("row", row), arg("to", b.To))
	case b.To == "":
		return say("moved.detached-from-passage", arg("row", row), arg("from", b.From))
	case b.From == b.To:
		return say("moved.stays-passage", arg("row", row), arg("to", b.To))
	}
	return say("moved.moved-from-passage-passage", arg("row", row), arg("from", b.From), arg("to", b.To))
}

// Correction says to the person who moved a reading what came of it; plate is that of the passage that it is in now,
// empty for none.
func Correction(b *observation.PassageCorrected, plate string) Text {
	return sentence(moved(b),
		when(plate != "", say("correction.vehicle", arg("plate", plate))),
		say("correction.and-no-later-assignment"))
}
