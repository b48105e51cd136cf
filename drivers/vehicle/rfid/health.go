package rfid

import (
	"fmt"
	"slices"
	"time"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/drivers/vehicle/llrp"
)

const (
	restartPause = time.Second      // between the end of our ROSpec and its new start
	steadyAfter  = 30 * time.Second // a ROSpec that ran so long after a restart counts as running again
	bufferCalm   = time.Minute      // without a word of the report buffer: it is empty again
)

// health folds a reader's own events (antennas, buffer, ROSpec) into conditions. It knows no clock but the times of
// what it is given.
type health struct {
	driver.Conditions
	ended   time.Time // our ROSpec ended, and was not started since; zero when it runs
	started time.Time // again; zero when that was long ago
	buffer  time.Time // the report buffer was last said to be filling
}

// mayRestart reports whether our ROSpec has ended and is to be started again.
func (h *health) mayRestart(at time.Time) bool {
	return !h.ended.IsZero() && at.Sub(h.ended) >= restartPause
}

// restarted notes that it is. Times are those at which things were due, not those at which they were noticed: a
// replay gives the same.
func (h *health) restarted() { h.ended, h.started = time.Time{}, h.ended.Add(restartPause) }

// tick reports what is over because nothing more was said of it.
func (h *health) tick(at time.Time) (obs []*observation.Observation) {
	if due := h.started.Add(steadyAfter); !h.started.IsZero() && !at.Before(due) {
		h.started = time.Time{}
		obs = h.Set(due, "rospec-ended", "", false, message.Message{})
	}
	if due := h.buffer.Add(bufferCalm); !h.buffer.IsZero() && !at.Before(due) {
		h.buffer = time.Time{}
		obs = append(obs, h.Set(due, "buffer", "", false, message.Message{})...)
	}
	return obs
}

// refused reports that the reader does not do an optional step (on), or does it again.
func (h *health) refused(at time.Time, s step, on bool, why message.Message) []*observation.Observation {
	return h.Set(at, "refused", s.request.String(), on,
		message.New("llrp.refuses", message.Nested("step", s.what), message.Nested("why", why)))
}

// antennas reports which of the antennas in the settings are connected.
func (h *health) antennas(at time.Time, used []uint16, p llrp.Params) (obs []*observation.Observation) {
	for i := range p {
		if n := p[i].Uint("AntennaID"); p[i].Type == llrp.ParamAntennaProperties && !p[i].TV &&
			slices.Contains(used, uint16(n)) {
			obs = append(obs, h.antenna(at, n, p[i].Flag("AntennaConnected"))...)
		}
	}
	return obs
}

func (h *health) antenna(at time.Time, n uint64, connected bool) []*observation.Observation {
	return h.Set(at, "antenna", fmt.Sprint(n), !connected,
		message.New("llrp.antenna", message.Int("antenna", n)))
}

// Events of a ROSpecEvent: LLRP 1.0.1, 13.1.3.1. 0 is its start.
const (
	roSpecEnd     = 1
	roSpecPreempt = 2
)

// onROSpec handles the start and end of a ROSpec. Only ours matters.
func (h *health) onROSpec(at time.Time, p *llrp.Param) []*observation.Observation {
	if p.Uint("ROSpecID") != roSpecID {
		return nil
	}
	text := message.Message{}
	switch p.Uint("Event") {
	case roSpecEnd:
		text = message.New("llrp.ended")
	case roSpecPreempt:
		text = message.New("llrp.preempted", message.Int("rospec", p.Uint("PreemptingROSpecID")))
	default:
		return nil
	}
	h.ended, h.started = at, time.Time{}
	return h.Set(at, "rospec-ended", "", true, text)
}

// onReaderEvent handles what the reader tells of itself (READER_EVENT_NOTIFICATION). That it takes no connection, or
// closes it, is an error; that it takes it begins the set-up. A buffer that is half full is a condition.
func (s *session) onReaderEvent(m *llrp.Message) ([]*observation.Observation, error) {
	data, ok := m.Params.Get(llrp.ParamEventData)
	if !ok {
		return nil, nil
	}
	h := &s.health
	var obs []*observation.Observation
	for i := range data.Params {
		p := &data.Params[i]
		switch p.Type {
		case llrp.ParamConnectionAttempt:
			if n := p.Uint("Status"); n != 0 {
				return obs, message.Errorf("llrp.refused", message.Int("status", n), message.Nested("why", refusals[n]))
			}
			if !s.accepted {
				s.accepted, s.steps = true, s.setup()
				s.sendStep()
			}
		case llrp.ParamConnectionClose:
			return obs, message.Errorf("llrp.closed")
		case llrp.ParamAntennaEvent:
			obs = append(obs, h.antenna(s.at, p.Uint("AntennaID"), p.Uint("Event") == 1)...)
		case llrp.ParamROSpecEvent:
			if s.reading() {
				obs = append(obs, h.onROSpec(s.at, p)...)
			}
		case llrp.ParamBufferOverflow:
			h.buffer = s.at
			obs = append(obs, h.Set(s.at, "buffer", "", true, message.New("llrp.buffer-over"))...)
		case llrp.ParamBufferWarning:
			percent := p.Uint("BufferPercentageFull")
			h.buffer = s.at
			obs = append(obs, h.Set(s.at, "buffer", "", percent >= 50,
				message.New("llrp.buffer-filling", message.Quantity("full", float64(percent), 0, "%")))...)
		case llrp.ParamReaderException:
			s.faults.Add(s.at, message.New("llrp.reports", message.String("text", p.Text("Message"))), 0, nil)
		}
	}
	return obs, nil
}

// reading reports whether our ROSpec was started, or is being started.
func (s *session) reading() bool {
	return s.accepted && (len(s.steps) == 0 || s.steps[0].request == llrp.StartROSpec)
}

// refusals are the values of ConnectionAttemptEvent's status: LLRP 1.0.1, 15.2.7.5.
var refusals = map[uint64]message.Message{
	1: message.New("llrp.refused-own"), 2: message.New("llrp.refused-other"),
	3: message.New("llrp.refused-failed"), 4: message.New("llrp.refused-attempt"),
}
