package console

import (
	"math"
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/observation"
	"lanewarden/edge/api"
	"lanewarden/edge/journal"
)

// Counts of a background and of a vehicle compare only as rates.
func TestSamplesAreRates(t *testing.T) {
	nan := float32(math.NaN())
	for name, c := range map[string]struct {
		sample driver.Sample
		unit   string
		want   float32
	}{
		"background in 1 s":   {driver.Sample{Values: []float32{300, nan}, Interval: time.Second}, "1/s", 300},
		"vehicle in 200 ms":   {driver.Sample{Values: []float32{60, nan}, Interval: 200 * time.Millisecond}, "1/s", 300},
		"a weight is no rate": {driver.Sample{Values: []float32{24_050, nan}}, "", 24_050},
	} {
		t.Run(name, func(t *testing.T) {
			got := sampleOf(c.sample)
			if got.Unit != c.unit || math.Abs(float64(*got.Values[0]-c.want)) > 0.01 || got.Values[1] != nil {
				t.Errorf("%v %q, expected %v %q", *got.Values[0], got.Unit, c.want, c.unit)
			}
		})
	}
}

// row makes a row of the journal as the sink stamps it.
func row(t *testing.T, idx int64, at, arrived time.Time, own bool) journal.Row {
	t.Helper()
	body := observation.New(observation.Class_CLASS_EVENT, at, &observation.XrayImage{OoiId: "x", Kvp: 6000}).Body
	if own {
		body.DeviceTimeNs = at.UnixNano()
	}
	body.AgentDelayNs = int64(arrived.Sub(at))
	text, err := proto.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	return journal.Row{Idx: idx, Time: at.UnixNano(), Class: observation.Class_CLASS_EVENT, Kind: observation.Kind_KIND_XRAY_IMAGE, Device: "xray-1", Body: text}
}

// A device's wrong clock is shown corrected, and lines are ordered by what is shown.
func TestLinesShowCorrectedTimes(t *testing.T) {
	c := &Console{Options: Options{Passages: noPassages{}}}
	now := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	var lines []api.Line
	for _, r := range []journal.Row{
		row(t, 1, now.Add(5*time.Minute), now, true), // the device is 5 min ahead
		row(t, 2, now.Add(time.Minute), now.Add(time.Minute), false),
		row(t, 3, now.Add(-time.Minute), now.Add(2*time.Minute), true), // told late
	} {
		l, err := c.lineOf(&r, api.User{})
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, l)
	}
	if got := lines[0]; !got.Corrected.Equal(now) || !got.Time.Equal(now.Add(5*time.Minute)) || !got.Shown().Equal(now) {
		t.Errorf("%+v", got)
	}
	if lines[1].Corrected != (time.Time{}) || lines[2].Corrected != (time.Time{}) {
		t.Errorf("corrected without reason: %v %v", lines[1].Corrected, lines[2].Corrected)
	}
	if lines[0].Summary.EN == "" || lines[0].Summary.FR == "" {
		t.Errorf("no sentence: %+v", lines[0].Summary)
	}
	newestFirst(lines)
	if order := []int64{lines[0].Idx, lines[1].Idx, lines[2].Idx}; !slices.Equal(order, []int64{2, 1, 3}) {
		t.Errorf("order %v", order)
	}
}
