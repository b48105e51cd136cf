package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"lanewarden/drivers/kinds"
	"lanewarden/drivers/observation"
	"lanewarden/edge/api"
)

// terminal is a text for a terminal: English, with plain spaces, so that it can be searched and wrapped.
func terminal(t kinds.Text) string { return strings.ReplaceAll(t.English(), "\u00a0", " ") }

// passagesOf decodes a list.
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

// vehicleNames are the plates of passages, or the containers of those without, by passage.
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

// printPassages prints a line for each passage; all of those that are asked for by id, or of all with full.
func printPassages(w io.Writer, list api.PassageList, args []string, full bool) error {
	all, err := passagesOf(list)
	if err != nil {
		return err
	}
	if len(args) == 1 {
		i := slices.IndexFunc(all, func(p *observation.PassageClosed) bool { return p.Id == args[0] })
		if i < 0 {
			return fmt.Errorf("passage %q is not among the last ones; 'lanectl passages' lists them", args[0])
		}
		return passageText(w, all[i], vehicleNames(list))
	}
	if full {
		for _, p := range all {
			if err := passageText(w, p, vehicleNames(list)); err != nil {
				return err
			}
		}
	} else if err := passageLines(w, all); err != nil {
		return err
	}
	for device, s := range list.Clocks {
		if s > 2 || s < -2 {
			way := map[bool]string{true: "ahead", false: "behind"}[s > 0]
			fmt.Fprintf(w, "clock of %s is %.1f s %s: corrected\n", device, max(s, -s), way)
		}
	}
	return nil
}

func passageLines(w io.Writer, all []*observation.PassageClosed) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "PASSAGE\tOPENED\tSTATE\tPLATE\tTAGS, CONTAINERS\tKG\tKM/H\tREADINGS\tGAPS\tALARM\tSURE")
	for _, p := range all {
		sure := ""
		if p.Confidence > 0 {
			sure = terminal(kinds.Probability(p.Confidence))
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%d\t%s\t%s\t%s\n",
			p.Id, momentWithZone(p.OpenedNs), passageState(p), p.Plate,
			strings.Join(append(p.Tags, p.Containers...), " "),
			measured("%.0f", p.WeightKg), measured("%.1f", float64(p.SpeedKph)), len(p.Readings), gaps(p),
			alarmWord(p), sure)
	}
	return t.Flush()
}

// measured is a weight or a speed in a table; nothing for 0, which stands for one that nobody measured.
func measured(format string, value float64) string {
	if value == 0 {
		return ""
	}
	return fmt.Sprintf(format, value)
}

// passageState says that a vehicle is in the lane, or why its passage is over.
func passageState(p *observation.PassageClosed) string {
	if p.State == observation.PassageState_PASSAGE_STATE_OPEN {
		return terminal(kinds.PassageState(p.State))
	}
	return terminal(kinds.PassageEnd(p.End))
}

// alarmWord is as loud for an alarm that may be another vehicle's.
func alarmWord(p *observation.PassageClosed) string {
	switch {
	case p.Alarm:
		return "ALARM"
	case p.AlarmPossible:
		return "ALARM (possible)"
	}
	return ""
}

// gaps names the stations that should have seen a vehicle.
func gaps(p *observation.PassageClosed) string {
	var out []string
	for _, s := range p.Stations {
		if s.Gap == observation.PassageGap_PASSAGE_GAP_MISSED || s.Gap == observation.PassageGap_PASSAGE_GAP_BLIND {
			out = append(out, s.Station+" "+terminal(kinds.PassageGap(s.Gap)))
		}
	}
	return strings.Join(out, ", ")
}

// momentWithZone is a time with its zone, that of this machine; a dash for none.
func momentWithZone(ns int64) string {
	if ns <= 0 {
		return "–"
	}
	return time.Unix(0, ns).Format("2006-01-02 15:04:05 MST")
}

// timeOfDay is a time in a table whose head has the zone.
func timeOfDay(ns int64) string {
	if ns <= 0 {
		return "–"
	}
	return time.Unix(0, ns).Format("15:04:05.0")
}

// zoneOf is the zone of a passage's times.
func zoneOf(p *observation.PassageClosed) string {
	at := time.Now()
	if p.OpenedNs > 0 {
		at = time.Unix(0, p.OpenedNs)
	}
	return at.Format("MST")
}

// passageHead prints what a passage is as a whole.
func passageHead(w io.Writer, p *observation.PassageClosed) {
	facts := []string{passageState(p)}
	if p.Direction == observation.PassageDirection_PASSAGE_DIRECTION_REVERSE {
		facts = append(facts, terminal(kinds.PassageDirection(p.Direction)))
	}
	add := func(known bool, format string, v any) {
		if known {
			facts = append(facts, fmt.Sprintf(format, v))
		}
	}
	add(p.Plate != "", "plate %s", p.Plate)
	add(p.WeightKg > 0, "%.0f kg", p.WeightKg)
	add(p.SpeedKph > 0, "%.1f km/h", p.SpeedKph)
	add(p.LengthM > 0, "%.1f m", p.LengthM)
	add(alarmWord(p) != "", "%s", alarmWord(p))
	fmt.Fprintf(w, "%s  %s\n", p.Id, strings.Join(facts, ", "))
	times := "opened " + momentWithZone(p.OpenedNs)
	if p.ClosedNs > 0 {
		times += ", closed " + momentWithZone(p.ClosedNs)
	}
	fmt.Fprintf(w, "  %s\n", times)
}

// passageText prints a passage with all its readings, those that may be its own, and what it lacks.
func passageText(w io.Writer, p *observation.PassageClosed, names map[string]string) error {
	passageHead(w, p)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "  TIME (%s)\tROW\tSTATION\tDEVICE\tREADING\tSURE\tWHY\n", zoneOf(p))
	for _, r := range p.Readings {
		readingLine(t, r, "", names)
	}
	for _, r := range p.Possible {
		readingLine(t, r, "possibly: ", names)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, s := range p.Stations {
		if s.Gap != observation.PassageGap_PASSAGE_GAP_UNSPECIFIED {
			fmt.Fprintf(w, "  nothing from %s: %s\n", s.Station, terminal(kinds.PassageGap(s.Gap)))
		}
	}
	return nil
}

func readingLine(t io.Writer, r *observation.PassageReading, mark string, names map[string]string) {
	why := r.Reason
	if r.PinnedBy != "" {
		why += " (said by " + r.PinnedBy + ")"
	}
	if other := otherWords(r, names); other != "" {
		why = other + "; " + why
	}
	fmt.Fprintf(t, "  %s\t%d\t%s\t%s\t%s%s\t%s\t%s\n",
		timeOfDay(r.TimeNs), r.Idx, r.Station, r.Device, mark, readingWords(r), percent(r.Confidence), why)
}

// readingWords is what a reading is: Radiation occupancy, ALARM.
func readingWords(r *observation.PassageReading) string {
	words := "Reading"
	if kind := observation.Kind(r.Kind); kind != observation.Kind_KIND_UNSPECIFIED {
		words = strings.NewReplacer(".", " ", "_", " ", "xray", "X-ray").Replace(kind.Name())
		words = strings.ToUpper(words[:1]) + words[1:]
	}
	if observation.Class(r.Class) == observation.Class_CLASS_ALARM {
		words += ", ALARM"
	}
	return words
}

// otherWords names the other vehicle of which a reading may be; empty for none.
func otherWords(r *observation.PassageReading, names map[string]string) string {
	switch {
	case r.Other != "":
		return fmt.Sprintf("or %s %s", vehicleName(r.Other, names), percent(r.OtherConfidence))
	case r.OtherConfidence > 0:
		return "or no vehicle of this lane " + percent(r.OtherConfidence)
	}
	return ""
}

// vehicleName is a passage, with what its vehicle is called.
func vehicleName(id string, names map[string]string) string {
	if name := names[id]; name != "" {
		return fmt.Sprintf("%s (%s)", id, name)
	}
	return "passage " + id
}

func percent(p float32) string { return strings.ReplaceAll(kinds.Probability(p).EN, "\u00a0", " ") }
