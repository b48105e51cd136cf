package simulate

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/dustin/go-humanize/english"

	"lanewarden/drivers/kinds"
	"lanewarden/drivers/observation"
	"lanewarden/edge/api"
)

// happened says in words what a row tells that is worth a line; nothing for the others. vehicle says what the vehicle
// of a passage is called.
func happened(line api.Line, o *observation.Observation, vehicle func(passage string) string) []string {
	said := ""
	switch b := o.Body.Typed().(type) {
	case *observation.PassageOpened:
		return uncertainAlarms(b.Id, b.Readings, vehicle)
	case *observation.PassageUpdated:
		return uncertainAlarms(b.Id, b.Readings, vehicle)
	case *observation.PassageCorrected:
		return alarmMoved(b, vehicle)
	case *observation.PassageClosed:
		said = passageEnded(b)
	case *observation.DeviceState:
		if b.State == observation.DeviceState_STATE_DOWN || b.State == observation.DeviceState_STATE_SILENT {
			said = line.Device + " does not work: " + b.Reason
		}
	case *observation.DeviceFault:
		said = fmt.Sprintf("%s sent what cannot be read: %s", line.Device, b.Reason)
	case *observation.DeviceCondition:
		said = line.Device + ": " + b.Text
	}
	if said == "" && o.Class == observation.Class_CLASS_ALARM {
		said = fmt.Sprintf("ALARM at %s: %s", line.Device, plain(kinds.Sentence(o)))
	}
	if said == "" {
		return nil
	}
	return []string{said}
}

// passageEnded says how a vehicle left; nothing of a passage whose readings proved to be another vehicle's.
func passageEnded(b *observation.PassageClosed) string {
	if b.End == observation.PassageEnd_PASSAGE_END_MERGED {
		return ""
	}
	who := b.Plate
	if who == "" {
		who = "a vehicle without a plate"
	}
	said := fmt.Sprintf("%s: %s; %s", who, plain(kinds.PassageEnd(b.End)), english.Plural(len(b.Readings), "reading", ""))
	if b.Alarm {
		said += ", with an ALARM"
	}
	if b.AlarmPossible {
		said += ", with an ALARM that may be another vehicle's"
	}
	return said
}

// uncertainAlarms names both vehicles of each alarm that may be of two.
func uncertainAlarms(
	passage string, readings []*observation.PassageReading, vehicle func(string) string,
) (out []string) {
	for _, r := range readings {
		if observation.Class(r.Class) == observation.Class_CLASS_ALARM && (r.Other != "" || r.OtherConfidence > 0) {
			out = append(out, fmt.Sprintf("The ALARM at %s is of %s", r.Device, either(passage, r, vehicle)))
		}
	}
	return out
}

// either names the vehicles that a reading may be of, and how likely each is.
func either(passage string, r *observation.PassageReading, vehicle func(string) string) string {
	first := fmt.Sprintf("%s (%s)", called(passage, vehicle), plain(kinds.Probability(r.Confidence)))
	if r.Other == "" && r.OtherConfidence == 0 {
		return called(passage, vehicle)
	}
	return fmt.Sprintf("%s or of %s (%s)", first, called(r.Other, vehicle), plain(kinds.Probability(r.OtherConfidence)))
}

func called(passage string, vehicle func(string) string) string {
	if passage == "" {
		return "no vehicle of this lane"
	}
	return vehicle(passage)
}

// alarmMoved says that an alarm is another vehicle's than was said before.
func alarmMoved(b *observation.PassageCorrected, vehicle func(string) string) []string {
	if observation.Class(b.GetReading().GetClass()) != observation.Class_CLASS_ALARM {
		return nil
	}
	said := fmt.Sprintf("The ALARM at %s is of %s, not of %s",
		b.Reading.Device, either(b.To, b.Reading, vehicle), called(b.From, vehicle))
	if b.By != "lane" {
		said += ", says " + b.By
	}
	return []string{said}
}

func plain(t kinds.Text) string { return strings.ReplaceAll(t.EN, "\u00a0", " ") }

// vehicleTime is how long the agent may take to name a vehicle; its passage is named instead.
const vehicleTime = 2 * time.Second

// vehicle says what the vehicle of a passage is called: by its plate, else its container, else its passage.
func (d *demo) vehicle(passage string) string {
	client := api.NewClient(d.socket(), vehicleTime)
	list, err := api.GetPassages.Ask(context.Background(), client, api.PassagesQuery{})
	if err != nil {
		return "passage " + passage
	}
	return vehicleIn(list, passage)
}

func vehicleIn(list api.PassageList, passage string) string {
	for _, text := range list.Passages {
		p := &observation.PassageClosed{}
		if observation.FromJSON(text, p) != nil || p.Id != passage {
			continue
		}
		if p.Plate != "" {
			return p.Plate
		}
		if len(p.Containers) > 0 {
			return p.Containers[0]
		}
	}
	return "passage " + passage
}
