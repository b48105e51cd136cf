package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"lanewarden/cmd/internal/cli"
	"lanewarden/drivers/driver"
	"lanewarden/drivers/kinds"
	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/edge/api"
)

// said returns a text as it stands on a terminal.
func said(p cli.Printer, t kinds.Text) string { return cli.Plain(t.In(p.Language)) }

// passagesOf decodes the passages of a list, in its order.
func passagesOf(list api.PassageList) ([]*observation.PassageClosed, error) {
	var out []*observation.PassageClosed
	for _, text := range list.Passages {
		p := &observation.PassageClosed{}
		if err := observation.FromJSON(text, p); err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

// vehicleNames returns the plates of passages, or the containers of those without, by passage id.
func vehicleNames(list api.PassageList) map[string]string {
	out := map[string]string{}
	all, _ := passagesOf(list) // without names, ids are shown
	for _, p := range all {
		out[p.Id] = p.Plate
		if p.Plate == "" && len(p.Containers) > 0 {
			out[p.Id] = p.Containers[0]
		}
	}
	return out
}

// printPassages prints a line for each passage, or the whole of each with full. Below, it names the devices whose
// clocks are off by more than two seconds.
func printPassages(p cli.Printer, list api.PassageList, full bool) error {
	all, err := passagesOf(list)
	if err != nil {
		return err
	}
	if full {
		for _, one := range all {
			if err := passageText(p, one, vehicleNames(list)); err != nil {
				return err
			}
		}
	} else if err := passageLines(p, all); err != nil {
		return err
	}
	for _, device := range slices.Sorted(maps.Keys(list.Clocks)) {
		// Less is the delay of a line.
		if s := list.Clocks[device]; s > 2 || s < -2 {
			off := message.Aligned("off", max(s, -s), 1, "s")
			if s > 0 {
				p.Say("lanectl.clock-ahead", message.String("device", device), off)
			} else {
				p.Say("lanectl.clock-behind", message.String("device", device), off)
			}
		}
	}
	return nil
}

// passageLines prints a table with a line for each passage.
func passageLines(p cli.Printer, all []*observation.PassageClosed) error {
	t := p.Table("lanectl.table-passages")
	for _, v := range all {
		sure := ""
		if v.Confidence > 0 {
			sure = percent(p, v.Confidence)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%d\t%s\t%s\t%s\n",
			v.Id, momentWithZone(v.OpenedNs), passageState(p, v), v.Plate,
			strings.Join(append(v.Tags, v.Containers...), " "),
			measured(p, 0, v.WeightKg), measured(p, 1, float64(v.SpeedKph)), len(v.Readings), gaps(p, v),
			alarmWord(p, v), sure)
	}
	return t.Flush()
}

// measured formats a weight or a speed for a table; "" for 0, which stands for one that nobody
// measured.
func measured(p cli.Printer, decimals int, value float64) string {
	if value == 0 {
		return ""
	}
	text := strconv.FormatFloat(value, 'f', decimals, 64)
	if p.Language == message.French {
		text = strings.Replace(text, ".", ",", 1)
	}
	return text
}

// passageState says that a vehicle is in the lane, or why its passage is over.
func passageState(p cli.Printer, v *observation.PassageClosed) string {
	if v.State == observation.PassageState_PASSAGE_STATE_OPEN {
		return said(p, kinds.PassageState(v.State))
	}
	return said(p, kinds.PassageEnd(v.End))
}

// alarmWord returns the word for an alarm, and as loud a one for an alarm that may be another
// vehicle's; "" for neither.
func alarmWord(p cli.Printer, v *observation.PassageClosed) string {
	switch {
	case v.Alarm:
		return p.Phrase("lanectl.alarm")
	case v.AlarmPossible:
		return p.Phrase("lanectl.alarm-possible")
	}
	return ""
}

// gaps names the stations that should have seen a vehicle and did not, with the reason.
func gaps(p cli.Printer, v *observation.PassageClosed) string {
	var out []string
	for _, s := range v.Stations {
		if s.Gap == observation.PassageGap_PASSAGE_GAP_MISSED || s.Gap == observation.PassageGap_PASSAGE_GAP_BLIND {
			out = append(out, s.Station+" "+said(p, kinds.PassageGap(s.Gap)))
		}
	}
	return strings.Join(out, ", ")
}

// momentWithZone formats ns since 1970 in this machine's zone, which it names; a dash for 0, which
// is no time.
func momentWithZone(ns int64) string {
	if ns <= 0 {
		return "–"
	}
	return time.Unix(0, ns).Format("2006-01-02 15:04:05 MST")
}

// timeOfDay formats ns since 1970 for a table whose head names the zone; a dash for no time.
func timeOfDay(ns int64) string {
	if ns <= 0 {
		return "–"
	}
	return time.Unix(0, ns).Format("15:04:05.0")
}

// zoneOf returns the abbreviation of this machine's zone at the time of a passage: winter and
// summer differ.
func zoneOf(p *observation.PassageClosed) string {
	at := time.Now()
	if p.OpenedNs > 0 {
		at = time.Unix(0, p.OpenedNs)
	}
	return at.Format("MST")
}

// passageHead prints what is known of a passage as a whole, and when it was opened and closed.
func passageHead(p cli.Printer, v *observation.PassageClosed) {
	facts := []string{passageState(p, v)}
	if v.Direction == observation.PassageDirection_PASSAGE_DIRECTION_REVERSE {
		facts = append(facts, said(p, kinds.PassageDirection(v.Direction)))
	}
	add := func(known bool, text string) {
		if known {
			facts = append(facts, text)
		}
	}
	add(v.Plate != "", p.Phrase("passage.name",
		message.Nested("kind", message.New("name.plate")), message.String("name", v.Plate)))
	add(v.WeightKg > 0, measured(p, 0, v.WeightKg)+" kg")
	add(v.SpeedKph > 0, measured(p, 1, float64(v.SpeedKph))+" km/h")
	add(v.LengthM > 0, measured(p, 1, float64(v.LengthM))+" m")
	add(alarmWord(p, v) != "", alarmWord(p, v))
	fmt.Fprintf(p.Writer, "%s  %s\n", v.Id, strings.Join(facts, ", "))
	opened := message.String("opened", momentWithZone(v.OpenedNs))
	if v.ClosedNs > 0 {
		p.Say("lanectl.opened-closed", opened, message.String("closed", momentWithZone(v.ClosedNs)))
		return
	}
	p.Say("lanectl.opened", opened)
}

// passageText prints a passage with all its readings, those that may be its own, and the stations
// that saw nothing.
func passageText(p cli.Printer, v *observation.PassageClosed, names map[string]string) error {
	passageHead(p, v)
	t := p.Table("lanectl.table-readings", message.String("zone", zoneOf(v)))
	for _, r := range v.Readings {
		readingLine(p, t, r, "", names)
	}
	for _, r := range v.Possible {
		readingLine(p, t, r, p.Phrase("lanectl.possibly")+" ", names)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, s := range v.Stations {
		if s.Gap != observation.PassageGap_PASSAGE_GAP_UNSPECIFIED {
			p.Say("lanectl.nothing-from", message.String("station", s.Station), message.String("why", said(p, kinds.PassageGap(s.Gap))))
		}
	}
	return nil
}

// readingLine prints one reading into a table. mark stands before its kind.
func readingLine(p cli.Printer, t io.Writer, r *observation.PassageReading, mark string, names map[string]string) {
	why := reasonOf(p, r)
	if r.PinnedBy != "" {
		why += " " + p.Phrase("lanectl.said-by", message.String("who", r.PinnedBy))
	}
	if other := otherWords(p, r, names); other != "" {
		why = other + p.Language.Separator("; ") + why
	}
	fmt.Fprintf(t, "  %s\t%d\t%s\t%s\t%s%s\t%s\t%s\n", timeOfDay(r.TimeNs), r.Idx, r.Station, r.Device, mark,
		p.In(readingWords(r)), percent(p, r.Confidence), cli.Plain(why))
}

// reasonOf returns why a reading is of its vehicle. A reading of an earlier version has the
// sentence in English alone.
func reasonOf(p cli.Printer, r *observation.PassageReading) string {
	return p.In(driver.DecodeMessage(r.Message, r.Reason))
}

// readingWords returns what a reading is, such as "Radiation occupancy, ALARM"; of a kind that this
// version does not know, only that it is a reading.
func readingWords(r *observation.PassageReading) message.Message {
	words := message.New("kind.reading")
	if code := "kind." + observation.Kind(r.Kind).Name(); message.Known(code) {
		words = message.New(code)
	}
	if observation.Class(r.Class) == observation.Class_CLASS_ALARM {
		return message.Join(", ", words, message.New("lanectl.alarm"))
	}
	return words
}

// classWord returns the class of an observation in words: alarm, event, telemetry.
func classWord(p cli.Printer, class observation.Class) string {
	return p.In(message.New("class." + strings.ToLower(class.Name())))
}

// otherWords names the other vehicle that a reading may be of, and how likely that is; "" for none.
func otherWords(p cli.Printer, r *observation.PassageReading, names map[string]string) string {
	other := p.Phrase("kinds.candidates.no-vehicle-this-lane")
	if r.Other != "" {
		other = vehicleName(p, r.Other, names)
	} else if r.OtherConfidence <= 0 {
		return ""
	}
	return p.Phrase("lanectl.or", message.String("other", other), message.String("share", percent(p, r.OtherConfidence)))
}

// vehicleName names a passage by its id and what its vehicle is called, if that is known.
func vehicleName(p cli.Printer, id string, names map[string]string) string {
	if name := names[id]; name != "" {
		return fmt.Sprintf("%s (%s)", id, name)
	}
	return p.Phrase("kinds.candidates.passage", message.String("other", id))
}

// percent formats a probability of 0 to 1 as people say it.
func percent(p cli.Printer, share float32) string { return said(p, kinds.Probability(share)) }
