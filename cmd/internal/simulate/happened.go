package simulate

import (
	"cmp"
	"context"
	"strings"
	"time"

	"lanewarden/cmd/internal/cli"
	"lanewarden/drivers/driver"
	"lanewarden/drivers/kinds"
	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/edge/api"
)

// happened returns a line for each thing that a row of the journal reports and that is worth one;
// none for most rows. vehicle returns what the vehicle of a passage is called.
func happened(p cli.Printer, line api.Line, o *observation.Observation, vehicle func(passage string) string) []string {
	text, device := "", message.String("device", line.Device)
	switch b := o.Body.Typed().(type) {
	case *observation.PassageOpened:
		return uncertainAlarms(p, b.Id, b.Readings, vehicle)
	case *observation.PassageUpdated:
		return uncertainAlarms(p, b.Id, b.Readings, vehicle)
	case *observation.PassageCorrected:
		return alarmMoved(p, b, vehicle)
	case *observation.PassageClosed:
		text = passageEnded(p, b)
	case *observation.ClearanceDecision:
		if b.Ended { // its last word: what came before changes with each code
			text = said(p, kinds.Sentence(o))
		}
	case *observation.ClearanceOverride:
		text = said(p, kinds.Sentence(o))
	case *observation.DeviceState:
		if b.State == observation.DeviceState_STATE_DOWN || b.State == observation.DeviceState_STATE_SILENT {
			text = p.Phrase("sim.device-down", device, message.Nested("why", driver.DecodeMessage(b.Message, b.Reason)))
		}
	case *observation.DeviceFault:
		text = p.Phrase("sim.device-fault", device, message.Nested("why", driver.DecodeMessage(b.Message, b.Reason)))
	case *observation.DeviceCondition:
		text = p.Phrase("within", message.String("where", line.Device), message.Nested("cause", driver.DecodeMessage(b.Message, b.Text)))
	}
	if text == "" && o.Class == observation.Class_CLASS_ALARM {
		text = p.Phrase("sim.alarm", device, message.String("what", said(p, kinds.Sentence(o))))
	}
	if text == "" {
		return nil
	}
	return []string{text}
}

// passageEnded says which vehicle left and how; "" for a passage whose readings proved to be
// another vehicle's.
func passageEnded(p cli.Printer, b *observation.PassageClosed) string {
	if b.End == observation.PassageEnd_PASSAGE_END_MERGED {
		return ""
	}
	who := nameOf(b)
	if who == "" {
		who = p.Phrase("sim.no-plate")
	}
	text := p.Phrase("sim.ended-passage", message.String("vehicle", who), message.String("end", said(p, kinds.PassageEnd(b.End))),
		message.Nested("readings", message.New("kinds.count.reading", message.Count("n", len(b.Readings)))))
	if b.Alarm {
		text += ", " + p.Phrase("sim.with-alarm")
	}
	if b.AlarmPossible {
		text += ", " + p.Phrase("sim.with-possible-alarm")
	}
	return text
}

// uncertainAlarms names both vehicles of each alarm that may be of two: an officer has to stop
// both.
func uncertainAlarms(
	p cli.Printer, passage string, readings []*observation.PassageReading, vehicle func(string) string,
) (out []string) {
	for _, r := range readings {
		if observation.Class(r.Class) == observation.Class_CLASS_ALARM && (r.Other != "" || r.OtherConfidence > 0) {
			out = append(out, p.Phrase("sim.alarm-of", message.String("device", r.Device),
				message.String("vehicles", either(p, passage, r, vehicle))))
		}
	}
	return out
}

// either names the vehicles that a reading may be of, and how likely each is.
func either(p cli.Printer, passage string, r *observation.PassageReading, vehicle func(string) string) string {
	if r.Other == "" && r.OtherConfidence == 0 {
		return called(p, passage, vehicle)
	}
	return p.Phrase("sim.either", message.String("first", called(p, passage, vehicle)),
		message.String("share", said(p, kinds.Probability(r.Confidence))),
		message.String("second", called(p, r.Other, vehicle)),
		message.String("otherShare", said(p, kinds.Probability(r.OtherConfidence))))
}

// called names the vehicle of a passage; "" is no vehicle of the lane.
func called(p cli.Printer, passage string, vehicle func(string) string) string {
	if passage == "" {
		return p.Phrase("kinds.candidates.no-vehicle-this-lane")
	}
	return vehicle(passage)
}

// alarmMoved says that an alarm has been given to another vehicle than before; nothing for other
// readings.
func alarmMoved(p cli.Printer, b *observation.PassageCorrected, vehicle func(string) string) []string {
	if observation.Class(b.GetReading().GetClass()) != observation.Class_CLASS_ALARM {
		return nil
	}
	text := p.Phrase("sim.alarm-moved", message.String("device", b.Reading.Device),
		message.String("to", either(p, b.To, b.Reading, vehicle)), message.String("from", called(p, b.From, vehicle)))
	if b.By != "lane" {
		text += ", " + p.Phrase("sim.says", message.String("who", b.By))
	}
	return []string{text}
}

// said returns a text as it stands on a terminal.
func said(p cli.Printer, t kinds.Text) string { return cli.Plain(t.In(p.Language)) }

// vehicleTime bounds the time in which the agent answers what a vehicle is called; after it, the
// passage is named instead.
const vehicleTime = 2 * time.Second

// vehicle returns the name of a passage's vehicle: its plate, else its container, else its passage.
func (s *site) vehicle(p cli.Printer, passage string) string {
	client := api.NewClient(s.socket(), vehicleTime)
	list, err := api.GetPassages.Ask(context.Background(), client, api.PassagesQuery{})
	if err != nil {
		return p.Phrase("kinds.candidates.passage", message.String("other", passage))
	}
	return vehicleIn(p, list, passage)
}

// vehicleIn looks up the name of a passage's vehicle in a list of passages.
func vehicleIn(p cli.Printer, list api.PassageList, passage string) string {
	for _, text := range list.Passages {
		v := &observation.PassageClosed{}
		if observation.FromJSON(text, v) != nil || v.Id != passage {
			continue
		}
		if name := nameOf(v); name != "" {
			return name
		}
	}
	return p.Phrase("kinds.candidates.passage", message.String("other", passage))
}

// nameOf returns the plate of a passage's vehicle, else its first container, else "".
func nameOf(v *observation.PassageClosed) string {
	return cmp.Or(v.Plate, strings.Join(v.Containers[:min(1, len(v.Containers))], ""))
}
