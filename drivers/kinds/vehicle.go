package kinds

import (
	"encoding/hex"
	"fmt"
	"strings"

	"lanewarden/drivers/identifier"
	"lanewarden/drivers/observation"
)

func vehicleDetection(b *observation.VehicleDetection) Text {
	where := say("vehicle-detection.vehicle")
	if b.Station != "" {
		where = say("vehicle-detection.vehicle-at", arg("station", b.Station))
	}
	seconds := float64(b.EndNs-b.StartNs) / 1e9
	return sentence(where,
		when(b.Direction != "", name("directions", b.Direction)),
		when(b.SpeedKph > 0, speed(b.SpeedKph)),
		when(b.LengthM > 0, unit(float64(b.LengthM), 1, "m")),
		when(b.EndNs > b.StartNs, say("vehicle-detection.there-for", arg("seconds", unit(seconds, 1, "s")))),
		when(b.EndNs == 0, say("vehicle-detection.still-there")),
		when(b.TurnedBack, say("vehicle-detection.turned-back")))
}

func vehicleTag(b *observation.VehicleTag) Text {
	id := b.Uri
	if id == "" {
		id = hex.EncodeToString(b.Epc)
	}
	antennas := count("count.antenna", len(b.Antennas))
	t := sentence(
		say("vehicle-tag.tag", arg("id", id)),
		when(len(b.Tid) > 0, say("vehicle-tag.chip", arg("tid", hex.EncodeToString(b.Tid)))),
		when(b.Reads > 0, count("count.read", b.Reads)),
		when(len(b.Antennas) > 0, say("vehicle-tag.by", arg("antennas", antennas))),
		when(b.RssiMaxDbm != 0, unit(float64(b.RssiMaxDbm), 0, "dBm")))
	t.Words = join("; ", wordsOf(b.MemoryFaults)...).Words
	return t
}

// wordsOf returns a device's own words, which are in no language of ours, as texts.
func wordsOf(all []string) (out []Text) {
	for _, s := range distinct(all) {
		out = append(out, Text{Words: s})
	}
	return out
}

func vehiclePlate(b *observation.VehiclePlate) Text {
	plate := orText(b.Plate, say("vehicle-plate.no-plate-read"))
	var others []string
	for _, a := range b.Alternatives {
		if a.Plate != b.Plate {
			others = append(others, a.Plate)
		}
	}
	return sentence(
		plate,
		when(b.Region != "", plainly(strings.ToUpper(b.Region))),
		when(b.Confidence > 0, say("vehicle-plate.certainty", arg("confidence", percent(float64(b.Confidence), 0)))),
		when(len(others) > 0, say("vehicle-plate.could-also-be", arg("others", list(distinct(others))))),
		when(b.Direction != "", name("directions", b.Direction)),
		when(b.VehicleType != "", name("vehicle-types", b.VehicleType)))
}

func vehicleWeight(b *observation.VehicleWeight) Text {
	kind := Text{}
	if b.Net {
		kind = say("vehicle-weight.net")
	}
	weight := unit(b.Kg, 0, "kg")
	if kind.EN != "" {
		weight = say("vehicle-weight.of-kind", arg("weight", weight), arg("kind", kind))
	}
	return sentence(weight,
		when(b.Net && b.GrossKg != nil, say("vehicle-weight.gross", arg("grossKg", unit(b.GetGrossKg(), 0, "kg")))),
		when(b.Net && b.GrossKg == nil, say("vehicle-weight.gross-weight-not-known")),
		when(b.TareKg != 0, say("vehicle-weight.tare", arg("tareKg", unit(b.TareKg, 0, "kg")))),
		when(b.Axle > 0, say("vehicle-weight.axle", arg("axle", b.Axle))),
		when(b.Overload, say("vehicle-weight.overload")),
		when(b.Unstable, say("vehicle-weight.never-rest-largest-weight")),
		when(b.Seconds > 0, say("vehicle-weight.on-scale-for", arg("seconds", unit(float64(b.Seconds), 1, "s")))))
}

func vehicleCode(b *observation.VehicleCode) Text {
	value := b.Value
	if value == "" {
		value = b.Text
	}
	kind := b.Type
	if kind == "" {
		kind = "unknown"
	}
	what := name("code-types", kind)
	if value != "" {
		what = say("vehicle-code.code", arg("what", what), arg("code", value))
	}
	note, words := codeNote(b.Note)
	t := sentence(what,
		when(b.Carrier != "", say("vehicle-code.issued-by", arg("carrier", b.Carrier))),
		check(b.Check, b.CheckFailed),
		alternatives(b.Alternatives),
		when(b.Entry == "manual", say("vehicle-code.typed")),
		when(b.Symbology != "" && b.Entry != "manual", name("symbologies", b.Symbology)), note)
	t.Words = words
	return t
}

// codeNote words what package identifier says of a code's check. A note of another kind is returned as it stands.
func codeNote(note string) (said Text, words string) {
	var given, want rune
	if _, err := fmt.Sscanf(note, identifier.WhyDigit, &given, &want); err == nil &&
		note == fmt.Sprintf(identifier.WhyDigit, given, want) { // and nothing behind it
		return say("code-note.digit", arg("given", plainly(string(given))), arg("want", plainly(string(want)))), ""
	}
	switch note {
	case identifier.WhyRemainder:
		return say("code-note.remainder"), ""
	case identifier.WhyEleven:
		return say("code-note.eleven"), ""
	case identifier.WhyWithheld:
		return say("code-note.withheld"), ""
	}
	return Text{}, note
}

// check words the result of a check digit, where that is not that it is right.
func check(strength string, failed bool) Text {
	switch {
	case strength == "wrong", strength == "" && failed:
		return say("check.check-digit-wrong-misread")
	case strength == "weak":
		return say("check.check-digit-weak-some")
	}
	return Text{}
}

// alternatives are the other things that a code can be.
func alternatives(all []*observation.CodeReading) Text {
	const most = 3
	var parts []Text
	for _, a := range all[:min(len(all), most)] {
		part := name("code-types", a.Type)
		if a.Value != "" {
			part = say("alternatives.code", arg("part", part), arg("code", a.Value))
		}
		if c := check(a.Check, false); c.EN != "" {
			part = say("alternatives.checked", arg("part", part), arg("check", c))
		}
		parts = append(parts, part)
	}
	if len(parts) == 0 {
		return Text{}
	}
	either := parts[0]
	for _, p := range parts[1:] {
		either = say("alternatives.either", arg("first", either), arg("second", p))
	}
	return say("alternatives.could-also-be", arg("others", either))
}

func laneOutput(b *observation.LaneOutput) Text {
	t := sentence(say("lane-output.set", arg("output", b.Output), arg("state", name("on-off", b.Value))),
		when(b.SafeState, say("lane-output.safe-state")))
	return t.saying(b.Message, b.Reason)
}
