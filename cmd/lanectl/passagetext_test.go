package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
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

// inUTC makes this machine's zone UTC, for texts with times.
func inUTC(t *testing.T) {
	local := time.Local
	time.Local = time.UTC
	t.Cleanup(func() { time.Local = local })
}

func jsonOf(t *testing.T, m proto.Message) json.RawMessage {
	t.Helper()
	text, err := observation.JSON(m)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// named returns a passage of a list.
func named(t *testing.T, list api.PassageList, id string) *observation.PassageClosed {
	t.Helper()
	all, err := passagesOf(list)
	i := slices.IndexFunc(all, func(p *observation.PassageClosed) bool { return p.Id == id })
	if err != nil || i < 0 {
		t.Fatalf("there is no passage %s: %v", id, err)
	}
	return all[i]
}

// noon is when the vehicles of these tests came.
var noon = time.Date(2026, 11, 28, 12, 3, 0, 0, time.UTC).UnixNano()

const second = int64(time.Second)

// twoVehicles are two passages; an alarm is of the first, or of the second.
func twoVehicles() (first, next *observation.PassageClosed) {
	alarm := &observation.PassageReading{
		Idx: 104, Device: "rpm-1", Station: "portal", Kind: uint32(observation.Kind_KIND_RADIATION_OCCUPANCY), Class: uint32(observation.Class_CLASS_ALARM),
		TimeNs: noon + 4*second, Confidence: 0.62, Other: "lane-1-2", OtherConfidence: 0.38, Reason: "matches loop-1",
	}
	possible := proto.CloneOf(alarm)
	possible.Confidence, possible.Other, possible.OtherConfidence = 0.38, "lane-1-1", 0.62
	weight := &observation.PassageReading{
		Idx: 105, Device: "scale-1", Station: "scale", Kind: uint32(observation.Kind_KIND_VEHICLE_WEIGHT), TimeNs: noon + 9*second, Confidence: 1,
		Reason: "the driver showed the ticket", PinnedBy: "officer-7",
	}
	image := &observation.PassageReading{
		Idx: 106, Device: "xray-1", Station: "xray", Kind: uint32(observation.Kind_KIND_XRAY_IMAGE), TimeNs: noon + 12*second,
		Confidence: 0.7, OtherConfidence: 0.3, Reason: "matches rpm-1",
	}
	first = &observation.PassageClosed{
		Id: "lane-1-1", Lane: "lane-1", State: observation.PassageState_PASSAGE_STATE_CLOSED, End: observation.PassageEnd_PASSAGE_END_LEFT,
		Direction: observation.PassageDirection_PASSAGE_DIRECTION_FORWARD, OpenedNs: noon, ClosedNs: noon + 60*second, Plate: "BCKR482", WeightKg: 24050,
		SpeedKph: 6.7, LengthM: 14.2, Alarm: true, Confidence: 0.62, Readings: []*observation.PassageReading{alarm, weight, image},
		Stations: []*observation.PassageStation{{Station: "portal", Seen: true}, {Station: "exit", Gap: observation.PassageGap_PASSAGE_GAP_MISSED}},
	}
	next = &observation.PassageClosed{
		Id: "lane-1-2", Lane: "lane-1", State: observation.PassageState_PASSAGE_STATE_OPEN, Direction: observation.PassageDirection_PASSAGE_DIRECTION_REVERSE,
		OpenedNs: noon + 2*second, Containers: []string{"MSCU6639871"}, Possible: []*observation.PassageReading{possible}, AlarmPossible: true, Confidence: 1,
		Stations: []*observation.PassageStation{{Station: "exit", Gap: observation.PassageGap_PASSAGE_GAP_NOT_YET}},
	}
	return first, next
}

// Passages are told in words, times have their zone, and an alarm that is only possible is as loud.
func TestPassageText(t *testing.T) {
	inUTC(t)
	first, next := twoVehicles()
	empty := &observation.PassageClosed{Id: "lane-1-3", State: observation.PassageState_PASSAGE_STATE_CLOSED, End: observation.PassageEnd_PASSAGE_END_MERGED, ClosedNs: noon}
	earlier := &observation.PassageClosed{Id: "lane-1-4", OpenedNs: noon, ClosedNs: noon, Readings: []*observation.PassageReading{{Idx: 1, Device: "loop-1", Confidence: 0.7}}}
	list := api.PassageList{Clocks: map[string]float64{"rfid-1": 12, "lpr-1": 80, "cam-2": -3, "loop-1": 1.9}}
	for _, p := range []*observation.PassageClosed{next, first, empty, earlier} {
		list.Passages = append(list.Passages, jsonOf(t, p))
	}
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"list": {nil, `PASSAGE   OPENED                   STATE                        PLATE    TAGS, CONTAINERS  KG     KM/H  READINGS  GAPS         ALARM             SURE
lane-1-2  2026-11-28 12:03:02 UTC  in the lane                           MSCU6639871                    0                      ALARM (possible)  100 %
lane-1-1  2026-11-28 12:03:00 UTC  left the lane                BCKR482                    24050  6.7   3         exit missed  ALARM             62 %
lane-1-3  –                        was another vehicle’s                                                0                                        
lane-1-4  2026-11-28 12:03:00 UTC  closed, it is not known why                                          1                                        
clock of cam-2 is 3.0 s behind: corrected
clock of lpr-1 is 80.0 s ahead: corrected
clock of rfid-1 is 12.0 s ahead: corrected
`},
		"alarm of this vehicle or the next": {[]string{"lane-1-1"}, `lane-1-1  left the lane, plate BCKR482, 24050 kg, 6.7 km/h, 14.2 m, ALARM
  opened 2026-11-28 12:03:00 UTC, closed 2026-11-28 12:04:00 UTC
  TIME (UTC)  ROW  STATION  DEVICE   READING                     SURE   WHY
  12:03:04.0  104  portal   rpm-1    Radiation occupancy, ALARM  62 %   or lane-1-2 (MSCU6639871) 38 %; matches loop-1
  12:03:09.0  105  scale    scale-1  Vehicle weight              100 %  the driver showed the ticket (said by officer-7)
  12:03:12.0  106  xray     xray-1   X-ray image                 70 %   or no vehicle of this lane 30 %; matches rpm-1
  nothing from exit: missed
`},
		"possible alarm": {[]string{"lane-1-2"}, `lane-1-2  in the lane, in reverse, ALARM (possible)
  opened 2026-11-28 12:03:02 UTC
  TIME (UTC)  ROW  STATION  DEVICE  READING                               SURE  WHY
  12:03:04.0  104  portal   rpm-1   possibly: Radiation occupancy, ALARM  38 %  or lane-1-1 (BCKR482) 62 %; matches loop-1
  nothing from exit: not yet
`},
		"of an earlier version": {[]string{"lane-1-4"}, `lane-1-4  closed, it is not known why
  opened 2026-11-28 12:03:00 UTC, closed 2026-11-28 12:03:00 UTC
  TIME (UTC)  ROW  STATION  DEVICE  READING  SURE  WHY
  –           1             loop-1  Reading  70 %
`},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			err := printPassages(english(&out), list, false)
			if len(c.args) > 0 {
				out.Reset()
				err = passageText(english(&out), named(t, list, c.args[0]), vehicleNames(list))
			}
			if err != nil {
				t.Fatal(err)
			}
			if trimmed(out.String()) != trimmed(c.want) {
				t.Errorf("\n%s, expected\n%s", out.String(), c.want)
			}
		})
	}
	var full bytes.Buffer
	if err := printPassages(english(&full), list, true); err != nil || strings.Count(full.String(), "opened ") != 4 || strings.Contains(full.String(), "1970") {
		t.Errorf("%v: %s", err, full.String())
	}
}

// trimmed has no spaces at the ends of lines: columns leave some.
func trimmed(text string) string {
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.Join(lines, "\n")
}

// What an assignment rests on is told in words and numbers beside the runner-up, at both passages, within 100 columns.
// english prints as for a person who reads English.
func english(w io.Writer) cli.Printer { return cli.Printer{Writer: w, Language: message.English} }

func TestExplanation(t *testing.T) {
	inUTC(t)
	first, next := twoVehicles()
	alarm, weight := proto.CloneOf(first.Readings[0]), proto.CloneOf(first.Readings[1])
	alarm.Terms = []*observation.PassageTerm{
		{Kind: observation.PassageTerm_KIND_ARRIVAL, Score: 1.25, OtherScore: -3, ResidualS: 0.4, SigmaS: 0.6, From: "loop-1"},
		{Kind: observation.PassageTerm_KIND_NAME, Score: -0.01, OtherScore: 2, From: strings.Repeat("A", 40) + " " + strings.Repeat("B", 40)},
		{Kind: observation.PassageTerm_KIND_MISSED, OtherScore: -1.5},
	}
	weight.Terms = []*observation.PassageTerm{{Kind: observation.PassageTerm_KIND_PIN, From: "officer-7"}}
	say := func(passage string, r *observation.PassageReading) api.Assignment {
		return api.Assignment{Row: 200, Passage: passage, Reading: jsonOf(t, r)}
	}
	names := map[string]string{"lane-1-1": "BCKR482", "lane-1-2": "MSCU6639871"}
	table := `
                                                                                →       or
    arrival 0.4 s later than predicted from loop-1 (± 0.6 s)                 +1.2     −3.0
    name AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA
    BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB                                 +0.0     +2.0
    devices that should have seen it and did not                             +0.0     −1.5
    sum                                                                      +1.2     −2.5
`
	for name, c := range map[string]struct {
		of   *observation.PassageClosed
		said []api.Assignment
		want string
	}{
		"this vehicle or the next": {first, []api.Assignment{say("lane-1-1", alarm), say("lane-1-1", weight)}, `lane-1-1  left the lane, plate BCKR482, 24050 kg, 6.7 km/h, 14.2 m, ALARM
  opened 2026-11-28 12:03:00 UTC, closed 2026-11-28 12:04:00 UTC
  times in UTC; scores are natural logarithms of likelihoods, the larger the likelier

12:03:04.0 rpm-1 Radiation occupancy, ALARM (row 104)
  → this passage 62 %, or lane-1-2 (MSCU6639871) 38 %` + table + `
12:03:09.0 scale-1 Vehicle weight (row 105)
  → this passage 100 %
    officer-7 said so

12:03:12.0 xray-1 X-ray image (row 106)
    the journal's rows nearby do not say what this rests on
`},
		"at the next": {next, []api.Assignment{say("lane-1-1", alarm)}, `lane-1-2  in the lane, in reverse, ALARM (possible)
  opened 2026-11-28 12:03:02 UTC
  times in UTC; scores are natural logarithms of likelihoods, the larger the likelier

12:03:04.0 rpm-1 Radiation occupancy, ALARM (row 104)
  → lane-1-1 (BCKR482) 62 %, or this passage 38 %` + table},
		"without terms": {next, []api.Assignment{say("lane-1-1", first.Readings[0])}, `lane-1-2  in the lane, in reverse, ALARM (possible)
  opened 2026-11-28 12:03:02 UTC
  times in UTC; scores are natural logarithms of likelihoods, the larger the likelier

12:03:04.0 rpm-1 Radiation occupancy, ALARM (row 104)
  → lane-1-1 (BCKR482) 62 %, or this passage 38 %
    matches loop-1
`},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			if err := printExplanation(english(&out), api.PassageDetail{Passage: jsonOf(t, c.of), Assignments: c.said}, names); err != nil {
				t.Fatal(err)
			}
			if out.String() != c.want {
				t.Errorf("\n%s, expected\n%s", out.String(), c.want)
			}
			for line := range strings.SplitSeq(out.String(), "\n") {
				if n := len([]rune(line)); n > 100 {
					t.Errorf("%d columns: %s", n, line)
				}
			}
		})
	}
}

// The command asks for the terms, for people and for programs, and needs to know of which passage.
func TestExplainCommand(t *testing.T) {
	first, _ := twoVehicles()
	reading := proto.CloneOf(first.Readings[0])
	reading.Terms = []*observation.PassageTerm{{Kind: observation.PassageTerm_KIND_BIRTH, Score: 2}}
	detail := fmt.Sprintf(`{"passage":%s,"observations":[],"assignments":[{"row":1,"passage":"lane-1-1","reading":%s}]}`, jsonOf(t, first), jsonOf(t, reading))
	socket := fakeAgent(t, map[string]string{"/v1/passages": `{"passages":[],"clocks":{}}`, "/v1/passages/lane-1-1": detail})
	for name, c := range map[string]struct {
		args []string
		want string // part of it
		fail bool
	}{
		"in words":         {[]string{"lane-1-1", "--explain"}, "a vehicle that nobody had seen before", false},
		"as JSON":          {[]string{"lane-1-1", "--explain", "--json"}, `"kind":"KIND_BIRTH"`, false},
		"of which":         {[]string{"--explain"}, "needs the ID", true},
		"one that is gone": {[]string{"lane-1-9", "--explain"}, "no such passage", true},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			cmd := passagesCommand()
			cmd.SetArgs(append(c.args, "--socket", socket))
			cmd.SetOut(&out)
			cmd.SetErr(&out)
			err := cmd.Execute()
			if (err != nil) != c.fail || !strings.Contains(out.String(), c.want) {
				t.Errorf("%v: %s", err, out.String())
			}
		})
	}
}

// Who corrects reads what came of it.
func TestAssign(t *testing.T) {
	socket := fakeAgent(t, map[string]string{
		"/v1/passages/corrections": `{"idx":104,"from":"lane-1-1","to":"lane-1-2","summary":{"en":"Alarm of rpm-1 (row 104) moved","fr":"Alarme"}}`,
	})
	var out bytes.Buffer
	cmd := assignCommand()
	cmd.SetArgs([]string{"104", "lane-1-2", "--reason", "seen", "--by", "officer-7", "--socket", socket})
	cmd.SetOut(&out)
	if err := cmd.Execute(); err != nil || out.String() != "Alarm of rpm-1 (row 104) moved\n" {
		t.Errorf("%v: %q", err, out.String())
	}
}
