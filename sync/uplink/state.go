package uplink

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/protobuf/encoding/protojson"

	"lanewarden/drivers/observation"
	"lanewarden/sync/wire"
)

// When the agent's state is said: once in statePeriod, and when it has changed, at most stateBurst times at once and then
// once in stateEvery, as a device that comes and goes would fill a thin link. Its health is part of what is said of a
// change, and of one state in healthPeriod.
const (
	statePeriod  = time.Minute
	healthPeriod = 10 * time.Minute
	stateBurst   = 4
	stateEvery   = 10 * time.Second
	// alarmsFirst is how long a change waits for alarms that the hub has not acknowledged.
	alarmsFirst = 3 * time.Second
	alarmsLook  = 200 * time.Millisecond
)

// stateClock says when a state is due. Its zero value begins with one at once. It has no clock of its own.
type stateClock struct {
	said, healthSaid time.Time // last
	changed          time.Time // since when a change waits; zero for none
	spent            float64   // of stateBurst
	spentAt          time.Time
}

// change notes that the state is not as it was said.
func (c *stateClock) change(now time.Time) {
	if c.changed.IsZero() {
		c.changed = now
	}
}

// wait returns how long until a state is due, and whether its health is to be said. alarms reports that alarms are on
// their way, before which nothing else goes.
func (c *stateClock) wait(now time.Time, alarms bool) (d time.Duration, health bool) {
	health = c.healthSaid.IsZero() || !c.changed.IsZero() || now.Sub(c.healthSaid) >= healthPeriod
	switch {
	case c.said.IsZero():
		return 0, health
	case c.changed.IsZero():
		return c.said.Add(statePeriod).Sub(now), health
	case alarms && now.Sub(c.changed) < alarmsFirst:
		return alarmsLook, health
	}
	over := max(0, c.spent-now.Sub(c.spentAt).Seconds()/stateEvery.Seconds()) - (stateBurst - 1)
	return time.Duration(over * float64(stateEvery)), health
}

// say notes that a state goes out.
func (c *stateClock) say(now time.Time, health bool) {
	if !c.changed.IsZero() {
		c.spent = max(0, c.spent-now.Sub(c.spentAt).Seconds()/stateEvery.Seconds()) + 1
		c.spentAt = now
	}
	c.said, c.changed = now, time.Time{}
	if health {
		c.healthSaid = now
	}
}

// publishStateWhenDue publishes the agent's state, retained, and returns how long to wait at most before it is due again.
func (s *session) publishStateWhenDue(ctx context.Context, now time.Time) (time.Duration, error) {
	if s.opts.Beside != nil {
		return statePeriod, nil
	}
	const alarm = observation.Class_CLASS_ALARM
	wait, health := s.says.wait(now, s.ready && s.journal.Acked(alarm) < s.journal.Last(alarm))
	if wait > 0 {
		return wait, nil
	}
	s.says.say(now, health)
	return statePeriod, s.sayState(ctx, now, health)
}

// sayState publishes what the agent is now.
func (s *session) sayState(ctx context.Context, now time.Time, withHealth bool) error {
	waiting, err := s.journal.Waiting(ctx)
	if err != nil {
		return err
	}
	artifacts, bytes, err := s.journal.Backlog()
	if err != nil {
		return err
	}
	var trouble []*wire.DeviceTrouble
	if s.opts.Trouble != nil {
		trouble = s.opts.Trouble()
		trouble = trouble[:min(len(trouble), maxTrouble)]
	}
	var health *wire.Health
	if s.opts.Health != nil && withHealth {
		health = s.opts.Health()
		health.Due = health.Due[:min(len(health.Due), maxDue)]
		health.Maintenance = health.Maintenance[:min(len(health.Maintenance), maxTrouble)]
	}
	return s.publishState(&wire.State{
		Trouble: trouble, Health: health, Devices: uint32(len(s.opts.Inventory.GetDevices())),
		WaitingArtifacts: artifacts, WaitingArtifactBytes: bytes,
		Online: true, Journal: fmt.Sprintf("%x", s.id.ID), Software: s.opts.Software, Size: s.journal.Size(), TimeNs: now.UnixNano(),
		WaitingAlarms: waiting[observation.Class_CLASS_ALARM], WaitingEvents: waiting[observation.Class_CLASS_EVENT],
		WaitingTelemetry: waiting[observation.Class_CLASS_TELEMETRY],
	})
}

// What a state message names at most, as the hub bounds its size.
const (
	maxTrouble = 100 // devices
	maxDue     = 20  // tests
)

// publishState publishes a state with QoS 1, without waiting. That the one before was refused by
// the broker is an error, which ends the connection; one that was not answered yet is only logged.
func (s *session) publishState(st *wire.State) error {
	text, err := protojson.Marshal(st)
	if err != nil {
		return err
	}
	if said := s.stateToken; said != nil {
		select {
		case <-said.Done():
			if err := said.Error(); err != nil {
				return fmt.Errorf("the broker does not accept the state message: %w", err)
			}
		default:
			s.opts.Log.Warn("the broker has not answered the last state message: the centre may show an old state")
		}
	}
	s.window.pace.sent(len(text), s.window.rate, time.Unix(0, st.TimeNs)) // what is no alarm waits until the link has carried it
	s.stateToken = s.client.Publish(wire.Topic(s.id.Site, s.id.Agent, wire.LeafState), 1, true, text)
	return nil
}

// sayOffline does what the last will would do, when the agent stops in order: a broker sends no
// will then.
func (s *session) sayOffline(ctx context.Context) {
	if ctx.Err() != nil && s.opts.Beside == nil {
		s.publishState(&wire.State{Journal: fmt.Sprintf("%x", s.id.ID), Software: s.opts.Software, Size: s.journal.Size(), TimeNs: time.Now().UnixNano()})
	}
}
