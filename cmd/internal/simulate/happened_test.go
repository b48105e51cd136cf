package simulate

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"lanewarden/cmd/internal/cli"
	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/edge/api"
)

// What is worth a line of the demonstration's screen, and how it is told.
func TestHappened(t *testing.T) {
	const event, alarm = observation.Class_CLASS_EVENT, observation.Class_CLASS_ALARM
	reading := func(class observation.Class, confidence float32, other string, otherConfidence float32) *observation.PassageReading {
		return &observation.PassageReading{
			Device: "rpm-1", Class: uint32(class), Confidence: confidence, Other: other, OtherConfidence: otherConfidence,
		}
	}
	updated := func(r ...*observation.PassageReading) proto.Message {
		return &observation.PassageUpdated{Id: "a", Readings: r}
	}
	for name, c := range map[string]struct {
		of   proto.Message
		want []string
	}{
		"uncertain alarm": {updated(reading(alarm, 0.62, "b", 0.38)), []string{"The ALARM at rpm-1 is of AAA111 (62 %) or of BBB222 (38 %)"}},
		"when it opens the passage": {
			&observation.PassageOpened{Id: "a", Readings: []*observation.PassageReading{reading(alarm, 0.62, "b", 0.38)}},
			[]string{"The ALARM at rpm-1 is of AAA111 (62 %) or of BBB222 (38 %)"},
		},
		"of this vehicle or none": {updated(reading(alarm, 0.7, "", 0.3)), []string{"The ALARM at rpm-1 is of AAA111 (70 %) or of no vehicle of this lane (30 %)"}},
		"among several":           {updated(reading(event, 0.7, "b", 0.3), reading(alarm, 0.7, "b", 0.3), reading(alarm, 1, "", 0)), []string{"The ALARM at rpm-1 is of AAA111 (70 %) or of BBB222 (30 %)"}},
		"certain alarm":           {updated(reading(alarm, 1, "", 0)), nil},
		"uncertain reading":       {updated(reading(event, 0.62, "b", 0.38)), nil},
		"alarm moved": {
			&observation.PassageCorrected{From: "a", To: "b", By: "lane", Reading: reading(alarm, 0.97, "", 0)},
			[]string{"The ALARM at rpm-1 is of BBB222, not of AAA111"},
		},
		"alarm moved by a person": {
			&observation.PassageCorrected{From: "a", To: "", By: "officer-7", Reading: reading(alarm, 1, "", 0)},
			[]string{"The ALARM at rpm-1 is of no vehicle of this lane, not of AAA111, says officer-7"},
		},
		"reading moved":            {&observation.PassageCorrected{From: "a", To: "b", Reading: reading(event, 1, "", 0)}, nil},
		"moved by earlier version": {&observation.PassageCorrected{From: "a", To: "b"}, nil},
		"left": {
			&observation.PassageClosed{Plate: "AAA111", End: observation.PassageEnd_PASSAGE_END_LEFT, Readings: make([]*observation.PassageReading, 2)},
			[]string{"AAA111: left the lane; 2 readings"},
		},
		"left with alarms": {
			&observation.PassageClosed{End: observation.PassageEnd_PASSAGE_END_REVERSED, Alarm: true, AlarmPossible: true},
			[]string{"a vehicle without a plate: reversed out of the lane; 0 readings, with an ALARM, with an ALARM that may be another vehicle's"},
		},
		"another vehicle's": {&observation.PassageClosed{End: observation.PassageEnd_PASSAGE_END_MERGED}, nil},
		"telemetry":         {&observation.SiteClimate{}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			o := observation.New(event, time.Unix(1, 0), c.of)
			got := happened(cli.Printer{Language: message.English}, api.Line{Device: "agent"}, o, func(id string) string { return map[string]string{"a": "AAA111", "b": "BBB222"}[id] })
			if !slices.Equal(got, c.want) {
				t.Errorf("%q, expected %q", got, c.want)
			}
		})
	}
}

// An alarm of each kind is told in the words of the events page, not by the name of its kind.
func TestAlarmsInWords(t *testing.T) {
	for _, c := range []struct {
		of   proto.Message
		want string
	}{
		{&observation.RadiationTamper{}, "ALARM at x-1: "},
		{&observation.RadiationOccupancy{GammaAlarm: true, SigmaMax: 66.5, SigmaLimit: 7, NeutronMax: 8},
			"ALARM at x-1: Gamma alarm, gamma 66.5 σ over background (limit 7 σ), up to 8 neutrons per second"},
		{&observation.TraceAnalysis{Sample: "S1"}, "ALARM at x-1: Sample S1"},
		{&observation.XrayThreatReport{}, "ALARM at x-1: "},
		{&observation.RadiationSpectrum{}, "ALARM at x-1: "},
	} {
		o := observation.New(observation.Class_CLASS_ALARM, time.Unix(1, 0), c.of)
		kind := o.Body.Kind().Name()
		got := happened(cli.Printer{Language: message.English}, api.Line{Device: "x-1", Kind: kind}, o, nil)
		if len(got) != 1 || !strings.HasPrefix(got[0], c.want) || len(got[0]) < len("ALARM at x-1: ")+3 ||
			strings.Contains(got[0], kind) || strings.Contains(got[0], "_") {
			t.Errorf("%s: %q, expected %q", kind, got, c.want)
		}
	}
}

// A vehicle is called by its plate, else its container, else its passage.
func TestVehicleIn(t *testing.T) {
	var list api.PassageList
	for _, p := range []*observation.PassageClosed{{Id: "a", Plate: "AAA111", Containers: []string{"c"}}, {Id: "b", Containers: []string{"MSCU6639871"}}, {Id: "c"}} {
		text, err := observation.JSON(p)
		if err != nil {
			t.Fatal(err)
		}
		list.Passages = append(list.Passages, json.RawMessage(text))
	}
	for id, want := range map[string]string{"a": "AAA111", "b": "MSCU6639871", "c": "passage c", "d": "passage d"} {
		if got := vehicleIn(cli.Printer{Language: message.English}, list, id); got != want {
			t.Errorf("%s is called %q, expected %q", id, got, want)
		}
	}
}
