package uplink

import (
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protojson"

	"lanewarden/sync/wire"
)

// stated returns the states that were said among sent messages.
func (r *rig) stated(after time.Duration) (out []*wire.State) {
	r.t.Helper()
	r.act(after)
	for _, m := range r.hub.sent {
		if m.leaf != wire.LeafState {
			continue
		}
		st := &wire.State{}
		if err := protojson.Unmarshal(m.payload, st); err != nil {
			r.t.Fatal(err)
		}
		out = append(out, st)
	}
	return out
}

// Health is told with the first state, with a change, and now and then; not with each state.
func TestHealthIsToldOnChange(t *testing.T) {
	r := newRig(t)
	r.opts.Health = func() *wire.Health {
		return &wire.Health{DiskPercent: 40, Due: make([]*wire.TestDue, 0, 1), Maintenance: make([]string, maxTrouble+5)}
	}
	if got := r.stated(0); len(got) != 1 || got[0].Health.GetDiskPercent() != 40 || len(got[0].Health.Maintenance) != maxTrouble {
		t.Fatalf("first: %v", got)
	}
	r.greet()
	if got := r.stated(statePeriod); len(got) != 1 || got[0].Health != nil {
		t.Errorf("a minute later: %v", got)
	}
	r.says.change(r.now)
	if got := r.stated(0); len(got) != 1 || got[0].Health == nil {
		t.Errorf("after a change: %v", got)
	}
	told := 0
	for range int(healthPeriod/statePeriod) + 1 {
		for _, st := range r.stated(statePeriod) {
			if st.Health != nil {
				told++
			}
		}
	}
	if told != 1 {
		t.Errorf("%d times in the next %v", told, healthPeriod)
	}
}

// A change waits for alarms, but not for ever, and changes without end are told at a bounded rate.
func TestStateClock(t *testing.T) {
	now := time.Unix(1_780_000_000, 0)
	var c stateClock
	c.say(now, true)
	c.change(now)
	if wait, _ := c.wait(now, true); wait <= 0 {
		t.Error("a change goes before an alarm")
	}
	if wait, health := c.wait(now.Add(alarmsFirst), true); wait > 0 || !health {
		t.Errorf("a change waits %v for alarms that do not go", wait)
	}
	said, end := 0, now.Add(10*time.Minute)
	for at := now; at.Before(end); at = at.Add(time.Second) {
		c.change(at)
		if wait, health := c.wait(at, false); wait <= 0 {
			c.say(at, health)
			said++
		}
	}
	if most := stateBurst + int(10*time.Minute/stateEvery) + 1; said < most-3 || said > most {
		t.Errorf("%d states in ten minutes of changes, want up to %d", said, most)
	}
}
