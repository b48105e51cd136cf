package rfid

import (
	"fmt"
	"time"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/drivers/transport"
	"lanewarden/drivers/vehicle/llrp"
)

// session is one connection. The reader speaks first (ConnectionAttempt); then the steps of setup are asked one
// after another, each when the one before was answered; then it reports tags and says Keepalive.
type session struct {
	*reader
	framer  llrp.Framer
	faults  driver.Faults
	present presences
	health  health
	sound   uint64 // messages since it reads

	out      [][]byte // messages that wait to be sent
	ended    error    // why the reader wants the connection to end
	accepted bool
	steps    []step // still to do; the first is under way
	asked    time.Time
	id       uint32          // of the last message sent
	heard    time.Time       // the last bytes, by the wall clock
	at       time.Time       // of the chunk at hand
	model    message.Message // what the reader says it is
}

// Sound implements driver.Decoder.
func (s *session) Sound() uint64 { return s.sound }

// Idle implements driver.Decoder.
func (s *session) Idle() bool { return s.framer.Idle() && len(s.present.here) == 0 }

// Feed implements driver.Decoder.
func (s *session) Feed(at time.Time, data []byte) (obs []*observation.Observation) {
	s.at = at
	obs = s.health.tick(at)
	s.restart(at) // before what comes now: a replay finds the answer there
	emit := func(f llrp.Frame) { obs = append(obs, s.handleFrame(f)...) }
	if s.framer.Feed(data, emit); len(data) == 0 {
		s.framer.Flush(emit)
	} else {
		s.heard = time.Now()
	}
	return append(obs, s.present.tick(at)...)
}

// restart starts our ROSpec again when it has ended by itself: a reader ends it after an exception, or for another
// client's ROSpec.
func (s *session) restart(at time.Time) {
	if s.health.mayRestart(at) && s.accepted && len(s.steps) == 0 {
		s.health.restarted()
		s.steps = []step{startStep}
		s.sendStep()
	}
}

// Break implements driver.Decoder: what is present is reported as far as it is known.
func (s *session) Break(at time.Time) (obs []*observation.Observation) {
	s.at = at
	s.framer.Reset(func(f llrp.Frame) { obs = append(obs, s.handleFrame(f)...) })
	s.accepted, s.steps, s.out, s.ended = false, nil, nil, nil // what comes next is another connection
	return append(obs, s.present.flush()...)
}

// handleFrame handles a message, or what is none, which is a fault. What ends the connection is kept in ended for
// talk.
func (s *session) handleFrame(f llrp.Frame) []*observation.Observation {
	if f.Fault != nil {
		s.faults.Add(s.at, message.New("llrp.unreadable", message.Nested("cause", message.Of(f.Fault))), f.Offset, f.Payload)
		return nil
	}
	m, err := llrp.Decode(f.Type, f.ID, f.Payload)
	if err != nil {
		s.faults.Add(s.at, message.New("llrp.unreadable", message.CausedBy(err)), f.Offset, f.Payload)
		return nil
	}
	obs, err := s.handleMessage(m, f)
	if err != nil && s.ended == nil {
		s.ended = err
	}
	if s.accepted && len(s.steps) == 0 { // it counts as running when it reads
		s.sound++
	}
	return obs
}

// talk sends what waits to be sent, and ends a connection that the reader refused, or in which it does not answer.
func (s *session) talk(stream transport.Stream) error {
	for ; len(s.out) > 0; s.out = s.out[1:] {
		if err := driver.Say(stream, s.out[0]); err != nil {
			return err
		}
	}
	silent := time.Since(s.heard)
	switch {
	case s.ended != nil:
		return s.ended
	case len(s.steps) > 0 && s.steps[0].optional && time.Since(s.asked) > answerTimeout:
		s.faults.Add(s.at, message.New("llrp.no-answer-optional", s.steps[0].args()...), 0, nil)
		s.steps = s.steps[1:]
		s.sendStep()
	case len(s.steps) > 0 && time.Since(s.asked) > answerTimeout:
		return message.Errorf("llrp.no-answer",
			append(s.steps[0].args(), message.ExactDuration("for", answerTimeout))...)
	case !s.accepted && silent > answerTimeout:
		return message.Errorf("llrp.no-first", message.ExactDuration("for", answerTimeout))
	case silent > s.SilentAfter:
		return message.Errorf("llrp.silent", message.ExactDuration("for", s.SilentAfter))
	}
	return nil
}

// bye leaves the reader as it was: without our ROSpec and AccessSpec (LLRP means all by the number 0). The
// connection may be gone already.
func (s *session) bye(stream transport.Stream) {
	if s.accepted {
		s.send(llrp.DeleteROSpec, llrp.B4(0))
		if s.readsMemory() {
			s.send(llrp.DeleteAccessSpec, llrp.B4(0))
		}
		s.send(llrp.CloseConnection)
		_ = s.talk(stream)
	}
}

// send queues a message; talk writes it once what came before is durable.
func (s *session) send(t llrp.MessageType, payload ...[]byte) {
	s.id++
	s.out = append(s.out, llrp.Encode(t, s.id, payload...))
}

// sendStep queues the request of the step that is next, if there is one.
func (s *session) sendStep() {
	if len(s.steps) > 0 {
		s.asked = time.Now()
		s.send(s.steps[0].request, s.steps[0].payload)
	}
}

// handleMessage handles one message. An error ends the connection. Answers are matched by type; their ids are not
// checked, but for ERROR_MESSAGE.
func (s *session) handleMessage(m *llrp.Message, f llrp.Frame) ([]*observation.Observation, error) {
	switch m.Type {
	case llrp.Keepalive:
		s.send(llrp.KeepaliveAck)
		return nil, nil
	case llrp.ROAccessReport:
		var obs []*observation.Observation
		for i := range m.Params {
			if p := &m.Params[i]; p.Type == llrp.ParamTagReportData && !p.TV {
				if r, ok := readOf(p); ok {
					obs = append(obs, s.present.add(s.at, r)...)
				}
			}
		}
		return obs, nil
	case llrp.ReaderEvent:
		return s.onReaderEvent(m)
	case llrp.ErrorMessage:
		if len(s.steps) > 0 && m.ID == s.id {
			return s.onAnswer(m)
		}
		_, text := status(m)
		s.faults.Add(s.at, message.New("llrp.reports-error", message.Nested("why", text)), f.Offset, f.Payload)
		return nil, nil
	}
	if len(s.steps) == 0 || m.Type != s.steps[0].response {
		return nil, nil // an answer that nobody waits for: of the connection before
	}
	return s.onAnswer(m)
}

// onAnswer handles the answer to the step that is under way, and asks for the next. A refusal ends the connection,
// or, of an optional step, is a condition.
func (s *session) onAnswer(m *llrp.Message) (obs []*observation.Observation, err error) {
	one := s.steps[0]
	ok, text := status(m)
	if !ok && !one.optional {
		return nil, message.Errorf("llrp.refused-step", append(one.args(), message.Nested("why", text))...)
	}
	if one.request != llrp.DeleteAccessSpec && one.optional {
		obs = s.health.refused(s.at, one, !ok, text)
	}
	if c, found := m.Params.Get(137); found {
		s.model = message.New("llrp.model", message.String("model", fmt.Sprint(c.Uint("Model"))),
			message.String("firmware", c.Text("FirmwareVersion")))
	}
	if one.request == llrp.GetConfig {
		obs = append(obs, s.health.antennas(s.at, s.Antennas, m.Params)...)
	}
	s.steps = s.steps[1:]
	s.sendStep()
	return obs, nil
}

// status reads an LLRPStatus, 0 being success, and what the reader says of it.
func status(m *llrp.Message) (ok bool, why message.Message) {
	p, found := m.Params.Get(llrp.ParamLLRPStatus)
	if !found {
		return false, message.New("llrp.no-status")
	}
	why = message.New("llrp.status", message.Int("status", p.Uint("Status")),
		message.String("text", p.Text("ErrorDescription")))
	return p.Uint("Status") == 0, why
}
