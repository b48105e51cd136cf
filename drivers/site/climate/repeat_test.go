package climate

import (
	"testing"
	"time"

	"lanewarden/drivers/driver/drivertest"
	"lanewarden/drivers/observation"
)

// TestRepeats plays recorded readings again and again.
func TestRepeats(t *testing.T) {
	humid := float32(95)
	drivertest.Repeat(t, func() (out []*observation.Observation) {
		l := limits{Config: Config{High: 60, Low: -20, Humid: 90}}
		for i, c := range []float32{20, 70, 59, 20, -30, 20} {
			at := time.Date(2026, 11, 25, 12, i, 0, 0, time.UTC)
			out = append(out, l.report(at, &observation.SiteClimate{TemperatureC: c, HumidityPercent: &humid})...)
		}
		return out
	})
}
