package views

import (
	"strings"
	"testing"
	"time"

	"lanewarden/drivers/observation"
)

// TestAvailability: each half hour has the worst state that a device was in, also where it said nothing in it; folding again
// gives the same.
func TestAvailability(t *testing.T) {
	onBoth(t, func(t *testing.T, c *centre) {
		l := newLane(c, "emerson", "lane-7")
		begin := l.now.Truncate(Slot)
		tell := func(after time.Duration, states ...observation.DeviceState_State) {
			for i, s := range states {
				l.now = begin.Add(after + time.Duration(i)*time.Minute)
				l.add(observation.Class_CLASS_EVENT, "rpm-1", &observation.DeviceState{State: s, Reason: s.String()})
			}
		}
		const running, down, silent = observation.DeviceState_STATE_RUNNING, observation.DeviceState_STATE_DOWN, observation.DeviceState_STATE_SILENT
		tell(Slot, running)
		tell(3*Slot, down, running)
		tell(5*Slot, silent)
		l.now = begin.Add(5 * Slot)
		l.add(observation.Class_CLASS_EVENT, "lpr-1", &observation.DeviceState{State: running})
		tell(7*Slot, running)
		l.send()
		c.follow(2)
		for n, want := range map[int]string{9: "-rrdrssss", 8: "-rrdrsss", 1: "-"} {
			got, err := c.Availability(1, begin, n)
			if err != nil || n > 1 && got["rpm-1"] != want[:7]+strings.Repeat("s", 1)+strings.Repeat("r", n-8) || n == 1 && len(got) > 0 {
				t.Errorf("%d half hours: %v, %v", n, got, err)
			}
		}
		if got, err := c.Availability(1, begin.Add(6*Slot), 4); err != nil || got["rpm-1"] != "ssrr" || got["lpr-1"] != "rrrr" {
			t.Errorf("the last: %v, %v", got, err)
		}
		c.sameAgain()
	})
}

// TestOpenConditions: those of devices that last, with their rows; none of the agent's own.
func TestOpenConditions(t *testing.T) {
	onBoth(t, func(t *testing.T, c *centre) {
		l := newLane(c, "emerson", "lane-7")
		for _, device := range []string{observation.AgentDevice, "rpm-1", "lpr-1"} {
			l.add(observation.Class_CLASS_EVENT, device, &observation.DeviceCondition{Condition: "stuck", Text: "it is stuck"})
		}
		l.add(observation.Class_CLASS_EVENT, "lpr-1", &observation.DeviceCondition{Condition: "stuck", Cleared: true})
		l.send()
		if open, err := c.OpenConditions(10); err != nil || len(open) > 0 {
			t.Errorf("before the first batch: %v, %v", open, err)
		}
		c.follow(10)
		open, err := c.OpenConditions(10)
		if err != nil || len(open) != 1 {
			t.Fatalf("%v, %v", open, err)
		}
		rows, err := c.Rows(open[0].Owner, []int64{open[0].Idx})
		if err != nil || rows[open[0].Idx].GetDevice() != "rpm-1" {
			t.Errorf("%v, %v", rows, err)
		}
	})
}
