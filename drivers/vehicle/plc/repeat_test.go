package plc

import (
	"testing"
	"time"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/driver/drivertest"
	"lanewarden/drivers/observation"
)

// TestRepeats plays recorded values again and again: many points change at one moment.
func TestRepeats(t *testing.T) {
	hot := 60.0
	p := &Profile{Name: "test"}
	for _, name := range []string{"loop", "stop", "gate", "lamp"} {
		p.Points = append(p.Points, Point{Name: name, Table: "discrete", Address: len(p.Points), Event: "both",
			Alarm: "on", Vehicle: name == "loop"})
	}
	p.Points = append(p.Points, Point{Name: "temperature", Table: "input", Change: 2, Above: &hot})
	drivertest.Repeat(t, func() (out []*observation.Observation) {
		s := session{device: &device{Config: Config{Profile: driver.Ref[Profile]{Value: p}},
			blocks: plan(p.Points)}, last: map[string]float64{}}
		at := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
		for _, v := range []float64{0, 1, 0, 1, 80} {
			at = at.Add(time.Second)
			for _, b := range s.blocks {
				for _, one := range b.points {
					out = append(out, s.evaluate(at, one, v)...)
				}
			}
		}
		return out
	})
}
