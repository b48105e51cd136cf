package uplink

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/protobuf/encoding/protojson"

	"lanewarden/drivers/observation"
	"lanewarden/sync/wire"
)

// statePeriod is the pause between two state messages.
const statePeriod = time.Minute

// publishStateWhenDue publishes the agent's state, retained, once in statePeriod.
func (s *session) publishStateWhenDue(ctx context.Context, now time.Time) error {
	if s.opts.Beside != nil || !s.stateAt.IsZero() && now.Sub(s.stateAt) < statePeriod {
		return nil
	}
	s.stateAt = now
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
	return s.publishState(&wire.State{
		Trouble: trouble, Devices: uint32(len(s.opts.Inventory.GetDevices())),
		WaitingArtifacts: artifacts, WaitingArtifactBytes: bytes,
		Online: true, Journal: fmt.Sprintf("%x", s.id.ID), Software: s.opts.Software, Size: s.journal.Size(), TimeNs: now.UnixNano(),
		WaitingAlarms: waiting[observation.Class_CLASS_ALARM], WaitingEvents: waiting[observation.Class_CLASS_EVENT],
		WaitingTelemetry: waiting[observation.Class_CLASS_TELEMETRY],
	})
}

// maxTrouble is the number of devices that a state message names at most, as the hub bounds its
// size.
const maxTrouble = 100

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
