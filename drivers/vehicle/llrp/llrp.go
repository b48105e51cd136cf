// Package llrp is the driver of RFID readers that speak LLRP 1.0.1 or 1.1 (EPCglobal): it sets up one ROSpec over all antennas, folds the
// reads of a tag into one presence, and reports antennas and buffers that fail. docs/protocols/llrp.md.
package llrp

import (
	"context"
	"errors"
	"fmt"
	"time"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/observation"
	"lanewarden/drivers/transport"
)

// Config is the settings of a reader.
type Config struct {
	Address     string        `yaml:"address" required:"true" format:"hostport" help:"TCP address of the reader" example:"192.0.2.20:5084"`
	Antennas    []uint16      `yaml:"antennas" help:"antennas that are used; all when not given"`
	Hold        time.Duration `yaml:"hold" default:"2s" min:"100ms" max:"10m" help:"a tag that was not read for so long has left"`
	Longest     time.Duration `yaml:"longest" default:"30s" min:"1s" max:"1h" help:"a tag that stays is reported after so long, once"`
	Keepalive   time.Duration `yaml:"keepalive" default:"5s" min:"1s" max:"5m" help:"how often the reader says that it is there"`
	SilentAfter time.Duration `yaml:"silent_after" default:"20s" min:"2s" max:"1h" help:"the reader counts as silent when nothing came for so long; the connection is made anew"`
}

// Sandbox implements driver.Sandboxed.
func (c *Config) Sandbox(driver.Sandbox) {}

// Spec describes the driver.
var Spec = driver.New("llrp", "RFID reader, LLRP", build).OnPort(5084).WithTests(tests...)

func build(c Config, env driver.Env) (driver.Driver, error) { return &reader{c, env}, nil }

type reader struct {
	Config
	env driver.Env
}

// Run implements driver.Driver.
func (r *reader) Run(ctx context.Context, sink driver.Sink) error {
	s := &session{reader: r, heard: time.Now(), present: presences{hold: r.Hold, longest: r.Longest, here: map[string]*presence{}}}
	l := driver.Listener{
		Link: transport.Link{Address: r.Address}, Decoder: s, Faults: &s.faults, SilentAfter: r.SilentAfter, Silent: "network, reader's power?", Talk: s.talk, Bye: s.bye,
		About: func() string { return s.model },
	}
	return l.Run(ctx, r.env.Links, sink)
}

// roSpecID is the number of the one ROSpec that we make.
const roSpecID = 1

const answerTimeout = 10 * time.Second

// step is one request of the set-up.
type step struct {
	request, response MessageType
	payload           []byte
	what              string
}

func (r *reader) setup() []step {
	return []step{
		{GetCapabilities, GetCapabilitiesResponse, []byte{0}, "its capabilities"},
		{SetConfig, SetConfigResponse, r.configuration(), "its configuration"},
		{DeleteROSpec, DeleteROSpecResponse, B4(0), "old ROSpecs"},
		{AddROSpec, AddROSpecResponse, r.roSpec(), "our ROSpec"},
		{EnableROSpec, EnableROSpecResponse, B4(roSpecID), "enabling it"},
		{StartROSpec, StartROSpecResponse, B4(roSpecID), "starting it"},
	}
}

// configuration asks for keep-alives and for the events that a technician must know of.
func (r *reader) configuration() []byte {
	var states []byte
	for _, event := range []uint16{2 /* report buffer fills */, 3 /* reader exception */, 8 /* antenna */} {
		states = append(states, TLV(pEventState, B2(event), []byte{0x80})...)
	}
	return append([]byte{0x80}, append(TLV(pEventSpec, states), TLV(pKeepaliveSpec, []byte{1}, B4(uint32(r.Keepalive.Milliseconds())))...)...) // after a reset
}

// roSpec reads on all antennas for ever and reports each tag as it is read.
func (r *reader) roSpec() []byte {
	antennas := r.Antennas
	if len(antennas) == 0 {
		antennas = []uint16{0} // all
	}
	list := B2(uint16(len(antennas)))
	for _, a := range antennas {
		list = append(list, B2(a)...)
	}
	const content = 1<<12 | 1<<10 | 1<<9 | 1<<8 | 1<<7 // antenna, peak RSSI, first and last seen, count
	return TLV(pROSpec, B4(roSpecID), []byte{0, 0},
		TLV(pROBoundarySpec, TLV(pROSpecStartTrigger, []byte{0}), TLV(pROSpecStopTrigger, []byte{0}, B4(0))),
		TLV(pAISpec, list, TLV(pAISpecStopTrigger, []byte{0}, B4(0)), TLV(pInventoryParameterSpec, B2(1), []byte{1})),
		TLV(pROReportSpec, []byte{2}, B2(1), TLV(pTagReportContentSelector, B2(content))))
}

// session is one connection.
type session struct {
	*reader
	framer     Framer
	faults     driver.Faults
	present    presences
	conditions driver.Conditions
	sound      uint64

	out      [][]byte // messages that wait to be sent
	ended    error    // why the reader wants the connection to end
	accepted bool
	steps    []step // still to do; the first is under way
	asked    time.Time
	id       uint32
	heard    time.Time
	at       time.Time
	model    string
}

// Sound implements driver.Decoder.
func (s *session) Sound() uint64 { return s.sound }

// Idle implements driver.Decoder.
func (s *session) Idle() bool { return s.framer.Idle() && len(s.present.here) == 0 }

// Feed implements driver.Decoder.
func (s *session) Feed(at time.Time, data []byte) (obs []*observation.Observation) {
	s.at = at
	emit := func(f Frame) { obs = append(obs, s.frame(f)...) }
	if s.framer.Feed(data, emit); len(data) == 0 {
		s.framer.report(0, emit)
	} else {
		s.heard = time.Now()
	}
	return append(obs, s.present.tick(at)...)
}

// Break implements driver.Decoder: what is present is reported as far as it is known.
func (s *session) Break(at time.Time) (obs []*observation.Observation) {
	s.at = at
	s.framer.Reset(func(f Frame) { obs = append(obs, s.frame(f)...) })
	return append(obs, s.present.flush()...)
}

// frame deals with a message, or with what is none.
func (s *session) frame(f Frame) []*observation.Observation {
	if f.Fault != "" {
		s.faults.Add(s.at, f.Fault, f.Offset, f.Payload)
		return nil
	}
	m, err := Decode(f.Type, f.ID, f.Payload)
	if err != nil {
		s.faults.Add(s.at, err.Error(), f.Offset, f.Payload)
		return nil
	}
	obs, err := s.message(m, f)
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
	case len(s.steps) > 0 && time.Since(s.asked) > answerTimeout:
		return fmt.Errorf("the reader did not answer our %s (%s) for %s", s.steps[0].request, s.steps[0].what, answerTimeout)
	case !s.accepted && silent > answerTimeout:
		return fmt.Errorf("connected, but the reader's first message did not come for %s: is this an LLRP port?", answerTimeout)
	case silent > s.SilentAfter:
		return fmt.Errorf("the reader was silent for %s, without even a keep-alive", s.SilentAfter)
	}
	return nil
}

// bye leaves the reader as it was: without our ROSpec. The connection may be gone already.
func (s *session) bye(stream transport.Stream) {
	if s.accepted {
		s.send(DeleteROSpec, B4(0))
		s.send(CloseConnection)
		_ = s.talk(stream)
	}
}

func (s *session) send(t MessageType, payload ...[]byte) {
	s.id++
	s.out = append(s.out, Encode(t, s.id, payload...))
}

// ask sends the request that is next.
func (s *session) ask() {
	if len(s.steps) > 0 {
		s.asked = time.Now()
		s.send(s.steps[0].request, s.steps[0].payload)
	}
}

// message deals with one message. An error ends the connection.
func (s *session) message(m *Message, f Frame) ([]*observation.Observation, error) {
	switch m.Type {
	case Keepalive:
		s.send(KeepaliveAck)
		return nil, nil
	case ROAccessReport:
		var obs []*observation.Observation
		for i := range m.Params {
			if p := &m.Params[i]; p.Type == pTagReportData && !p.TV {
				if r, ok := readOf(p); ok {
					obs = append(obs, s.present.take(s.at, r)...)
				}
			}
		}
		return obs, nil
	case ReaderEvent:
		return s.event(m)
	case ErrorMessage:
		_, text := status(m)
		s.faults.Add(s.at, "the reader reports an error: "+text, f.Offset, f.Payload)
		return nil, nil
	}
	if len(s.steps) == 0 || m.Type != s.steps[0].response {
		return nil, nil // an answer that nobody waits for: of the connection before
	}
	if ok, text := status(m); !ok {
		return nil, fmt.Errorf("the reader refused our %s (%s): %s", s.steps[0].request, s.steps[0].what, text)
	}
	if c, ok := m.Params.Get(137); ok {
		s.model = fmt.Sprintf("model %d, firmware %s", c.Uint("Model"), c.Text("FirmwareVersion"))
	}
	s.steps = s.steps[1:]
	s.ask()
	return nil, nil
}

// status reads an LLRPStatus in words.
func status(m *Message) (ok bool, text string) {
	p, found := m.Params.Get(pLLRPStatus)
	if !found {
		return false, "no status"
	}
	text = fmt.Sprintf("status %d", p.Uint("Status"))
	if d := p.Text("ErrorDescription"); d != "" {
		text += ", " + d
	}
	return p.Uint("Status") == 0, text
}

// event deals with what the reader tells of itself.
func (s *session) event(m *Message) ([]*observation.Observation, error) {
	data, ok := m.Params.Get(pEventData)
	if !ok {
		return nil, nil
	}
	var obs []*observation.Observation
	for i := range data.Params {
		p := &data.Params[i]
		switch p.Type {
		case pConnectionAttempt:
			if n := p.Uint("Status"); n != 0 {
				return obs, fmt.Errorf("the reader refuses the connection (status %d): %s", n, refusals[n])
			}
			if !s.accepted {
				s.accepted, s.steps = true, s.setup()
				s.ask()
			}
		case pConnectionClose:
			return obs, errors.New("the reader closed the session")
		case pAntennaEvent:
			n := p.Uint("AntennaID")
			obs = append(obs, s.conditions.Set(s.at, "antenna", fmt.Sprint(n), p.Uint("Event") != 1, fmt.Sprintf("antenna %d is not connected: cable or connector?", n))...)
		case pBufferOverflow:
			obs = append(obs, s.conditions.Set(s.at, "buffer", "", true, "the reader's report buffer ran over: reads are lost")...)
		case pBufferWarning:
			percent := p.Uint("BufferPercentageFull")
			obs = append(obs, s.conditions.Set(s.at, "buffer", "", percent >= 50, fmt.Sprintf("the reader's report buffer is %d %% full: slow network?", percent))...)
		case pReaderException:
			s.faults.Add(s.at, "the reader reports: "+p.Text("Message"), 0, nil)
		}
	}
	return obs, nil
}

var refusals = map[uint64]string{
	1: "a connection that the reader made itself exists", 2: "another client is connected", 3: "it failed for another reason", 4: "another connection was attempted",
}
