package document

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"lanewarden/drivers/observation"
)

var dawn = time.Date(2026, 5, 4, 6, 0, 0, 0, time.UTC)

// reading is a reading of a row, in class event or alarm.
func reading(idx int64, kind observation.Kind, class observation.Class) *observation.PassageReading {
	return &observation.PassageReading{Idx: idx, Kind: uint32(kind), Class: uint32(class), Confidence: 0.9, TimeNs: 100 * idx}
}

func plateRow(text string) *observation.Observation {
	return &observation.Observation{Body: observation.New(observation.Class_CLASS_EVENT, dawn, &observation.VehiclePlate{
		Normal: text, Confidence: 0.9,
	}).Body}
}

// TestFold: the statements since the lane's document decide, in their order, whichever way they come.
func TestFold(t *testing.T) {
	const plate, portal = observation.Kind_KIND_VEHICLE_PLATE, observation.Kind_KIND_RADIATION_OCCUPANCY
	const event, alarm = observation.Class_CLASS_EVENT, observation.Class_CLASS_ALARM
	closed := &observation.PassageClosed{
		Id: "a", Lane: "lane-1", OpenedNs: 100, Plate: "AAA111", State: observation.PassageState_PASSAGE_STATE_CLOSED, Confidence: 0.9,
		Readings: []*observation.PassageReading{reading(1, plate, event), reading(2, portal, event)},
	}
	doubtful := reading(9, portal, alarm)
	doubtful.Other, doubtful.OtherConfidence = "a", 0.1
	for name, c := range map[string]struct {
		closed *observation.PassageClosed
		after  []Statement
		want   string
	}{
		"as the lane wrote it": {closed, nil, "AAA111 [1 2] [] alarm false false"},
		"a late alarm": {closed, []Statement{{12, &observation.PassageUpdated{Id: "a", Readings: []*observation.PassageReading{reading(9, portal, alarm)}}}},
			"AAA111 [1 2 9] [] alarm true false"},
		"an alarm that may be its own": {closed, []Statement{{12, &observation.PassageUpdated{Id: "b", Readings: []*observation.PassageReading{doubtful}}}},
			"AAA111 [1 2] [9] alarm false true"},
		"its plate is another's": {closed, []Statement{{12, &observation.PassageCorrected{Idx: 1, From: "a", To: "b", Reading: reading(1, plate, event)}}},
			" [2] [] alarm false false"},
		"there and back, last first": {closed, []Statement{
			{13, &observation.PassageCorrected{Idx: 1, From: "b", To: "a", Reading: reading(1, plate, event)}},
			{12, &observation.PassageCorrected{Idx: 1, From: "a", To: "b", Reading: reading(1, plate, event)}},
		}, "AAA111 [1 2] [] alarm false false"},
		"by an earlier version, which names the row alone": {closed, []Statement{{12, &observation.PassageCorrected{Idx: 2, From: "a", To: ""}}},
			"AAA111 [1] [] alarm false false"},
		"open": {nil, []Statement{{12, &observation.PassageOpened{Id: "a", Lane: "lane-2", Readings: []*observation.PassageReading{reading(1, plate, event)}}}},
			"AAA111 [1] [] alarm false false"},
	} {
		t.Run(name, func(t *testing.T) {
			var given *observation.PassageClosed
			if c.closed != nil {
				given = proto.CloneOf(c.closed)
			}
			d, err := Fold("a", given, c.after, func(idx []int64) (map[int64]*observation.Observation, error) {
				return map[int64]*observation.Observation{1: plateRow("AAA111")}, nil
			})
			rows := func(all []*observation.PassageReading) (out []int64) {
				for _, r := range all {
					out = append(out, r.Idx)
				}
				return out
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := fmt.Sprint(d.Plate, " ", rows(d.Readings), " ", rows(d.Possible), " alarm ", d.Alarm, " ", d.AlarmPossible); got != c.want {
				t.Errorf("%s, expected %s", got, c.want)
			}
		})
	}
	_, err := Fold("a", nil, []Statement{{12, &observation.PassageOpened{Id: "a", Readings: []*observation.PassageReading{reading(1, plate, event)}}}},
		func([]int64) (map[int64]*observation.Observation, error) { return nil, io.ErrUnexpectedEOF })
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("rows that cannot be read: %v", err)
	}
}

// TestPassagesIn: the passages that a row is about are found without decoding it whole, and what is no message is an error.
func TestPassagesIn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		id := rapid.SampledFrom([]string{"", "a", "b", "c"})
		var want []string
		one := func(label string) string {
			s := id.Draw(t, label)
			if s != "" && !slices.Contains(want, s) {
				want = append(want, s)
			}
			return s
		}
		readings := func() (out []*observation.PassageReading) {
			for range rapid.IntRange(0, 3).Draw(t, "readings") {
				out = append(out, &observation.PassageReading{Idx: 7, Device: "c", Reason: "b", Other: one("other")})
			}
			return out
		}
		var m proto.Message
		switch rapid.IntRange(0, 3).Draw(t, "kind") {
		case 0:
			m = &observation.PassageOpened{Id: one("id"), Lane: "a", Readings: readings()}
		case 1:
			m = &observation.PassageUpdated{Id: one("id"), Readings: readings()}
		case 2:
			m = &observation.PassageCorrected{From: one("from"), To: one("to"), By: "a", Reading: &observation.PassageReading{Other: one("other")}}
		case 3:
			m = &observation.PassageClosed{Id: one("id"), Lane: "a", Readings: []*observation.PassageReading{{Other: "b"}}}
		}
		o := observation.New(observation.Class_CLASS_EVENT, dawn, m)
		body, err := proto.Marshal(o.Body)
		if err != nil {
			t.Fatal(err)
		}
		got, err := PassagesIn(o.Body.Kind(), body)
		slices.Sort(got)
		slices.Sort(want)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%v: %q, %v, expected %q", m, got, err, want)
		}
	})
	if ids, err := PassagesIn(observation.Kind_KIND_VEHICLE_PLATE, []byte{1}); ids != nil || err != nil {
		t.Errorf("another kind: %q, %v", ids, err)
	}
	if _, err := PassagesIn(observation.Kind_KIND_PASSAGE_OPENED, []byte{0x0a, 0xff}); err == nil {
		t.Error("no message is decoded")
	}
}
