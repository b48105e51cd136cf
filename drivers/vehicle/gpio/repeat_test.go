package gpio

import (
	"testing"
	"time"

	"lanewarden/drivers/driver/drivertest"
	"lanewarden/drivers/observation"
)

// TestRepeats plays recorded edges again and again: several inputs change at one moment.
func TestRepeats(t *testing.T) {
	events := map[int][]string{
		1000: {"a+", "button+", "single+"}, 2000: {"b+"}, 4000: {"a-", "single-", "button-"}, 5000: {"b-"},
		6000: {"button+", "single+", "a+"}, 6500: {"a-", "button-", "single-"}, 8000: {"single+", "a+"},
	}
	drivertest.Repeat(t, func() []*observation.Observation {
		l := lane()
		for _, i := range l.inputs {
			i.StuckAfter = 10 * time.Second
		}
		return play(l, 20_000, events)
	})
}
