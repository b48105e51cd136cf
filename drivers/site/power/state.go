package power

import (
	"context"
	"fmt"
	"time"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
)

// state is the last known state of a UPS, over all connections, and over restarts of the agent. One goroutine uses
// it.
type state struct {
	conditions driver.Conditions
	status     string                 // that was reported last
	reported   time.Time              // when
	last       *observation.SitePower // nil when it was never heard of
	heard      time.Time              // when last was said
	restored   bool
}

// contactLost is the condition of a UPS that was on its battery when the connection ended.
const contactLost = "contact-lost"

// restore resumes what was known when the agent stopped, from the journal, once: conditions that were in force are
// not reported again, and are over when the UPS says so.
func (s *ups) restore(ctx context.Context, sink driver.Sink) error {
	if s.restored {
		return nil
	}
	o, err := sink.Latest(ctx, observation.Kind_KIND_SITE_POWER)
	if err != nil {
		return fmt.Errorf("the last state of the UPS: %w", err)
	}
	if o != nil {
		s.last, s.heard = o.Body.GetSitePower(), o.Time()
		s.status = s.last.GetStatus()
		for _, f := range findings(s.last, s.Low) {
			if f.on {
				s.conditions.Resume(f.condition, f.subject)
			}
		}
	}
	o, err = sink.Latest(ctx, observation.Kind_KIND_DEVICE_CONDITION)
	if err != nil {
		return fmt.Errorf("the last condition of the UPS: %w", err)
	}
	// While contact is lost nothing else is reported: it is the last one then.
	if c := o.GetBody().GetDeviceCondition(); c.GetCondition() == contactLost && !c.GetCleared() {
		s.conditions.Resume(contactLost, "")
	}
	s.restored = true
	return nil
}

// answer handles a UPS's variables and returns what is to be committed: conditions that begin or end, and the state,
// as an event when its status changed, else as telemetry every report. low is Config.Low.
func (s *state) answer(at time.Time, low float64, p *observation.SitePower,
	report time.Duration) (out []*observation.Observation) {
	s.last, s.heard = p, at
	out = s.conditions.Alarm(at, contactLost, "", false, message.Message{})
	for _, f := range findings(p, low) {
		set := s.conditions.Set
		if f.alarm {
			set = s.conditions.Alarm
		}
		out = append(out, set(at, f.condition, f.subject, f.on, f.text)...)
	}
	class := observation.Class_CLASS_TELEMETRY
	if p.Status != s.status {
		class = observation.Class_CLASS_EVENT
	}
	if p.Status == s.status && at.Sub(s.reported) < report {
		return out
	}
	s.status, s.reported = p.Status, at
	o := observation.New(class, at, p)
	driver.SetKey(o, fmt.Sprintf("power@%d", at.UnixNano())) // two answers may come in one piece
	return append(out, o)
}

// rollbackSink forgets what was reported of a UPS when the journal refuses it: the next connection takes it up from the
// journal, and reports what is missing there.
type rollbackSink struct {
	driver.Sink
	ups *ups
}

// Commit implements driver.Sink.
func (r rollbackSink) Commit(ctx context.Context, obs ...*observation.Observation) (int, error) {
	added, err := r.Sink.Commit(ctx, obs...)
	if err != nil {
		r.ups.state = state{}
	}
	return added, err
}

// contactLost deals with the end of a connection. A UPS that was last on its battery may be empty by now, and what
// is between it and us without power: that is an alarm, and no mere reconnect.
func (s *ups) contactLost(ctx context.Context, sink driver.Sink, at time.Time, why error) error {
	if s.last == nil || !onBattery(s.last) {
		return why
	}
	// Its time, key and text are those of the last contact: a replay, and a restart of the agent, say the same.
	text := message.New("power.contact-lost", message.Arg{
		Name: "time", Value: message.Instant{Time: s.heard.UTC().Truncate(time.Second), Precision: message.ToSecond},
	})
	obs := s.conditions.Alarm(s.heard, contactLost, "", true, text)
	if err := driver.CommitAny(ctx, sink, obs); err != nil {
		s.state = state{} // it is reported with the next try
		return err
	}
	return message.Wrap(why, "power.last-on-battery", message.Duration("ago", at.Sub(s.heard)))
}
