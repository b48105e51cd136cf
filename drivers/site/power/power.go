// Package power is the driver of UPSs that Network UPS Tools (NUT) watches: its server is asked for the UPS's
// variables. docs/protocols/site.md.
package power

import (
	"bytes"
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/drivers/transport"
)

// Config is the settings of a UPS (SETTINGS.md). UPS is its name in the server's ups.conf; Low the charge below
// which a battery that is in use counts as low, whatever the UPS itself says.
type Config struct {
	Address string        `yaml:"address" default:"127.0.0.1:3493" format:"hostport"`
	UPS     string        `yaml:"ups" required:"true" format:"id" example:"lane-ups"`
	Poll    time.Duration `yaml:"poll" default:"5s" min:"200ms" max:"10m"`
	Report  time.Duration `yaml:"report" default:"1m" min:"1s" max:"24h"`
	Low     float64       `yaml:"low_charge" default:"30" min:"0" max:"100" unit:"%"`
}

// Sandbox implements driver.Sandboxed.
func (c *Config) Sandbox(driver.Sandbox) {}

// Spec describes the driver.
var Spec = driver.New("power", "UPS, through Network UPS Tools", func(c Config, env driver.Env) (driver.Driver, error) {
	return &ups{Config: c, env: env}, nil
}).WithTests(tests...)

// ups is a UPS over all connections to its server.
type ups struct {
	Config
	env driver.Env
	state
}

// maxLine bounds a line of the server in bytes, maxVars the variables of one answer: a large UPS has some 100.
const (
	maxLine = 4096
	maxVars = 1000
)

// answerTimeout bounds the wait for the server's answer.
const answerTimeout = 10 * time.Second

// Run implements driver.Driver: one connection to the server, until it ends. When it was lost while the UPS was on
// its battery, that is an alarm.
func (u *ups) Run(ctx context.Context, sink driver.Sink) error {
	if err := u.restore(ctx, sink); err != nil {
		return err
	}
	s := &session{ups: u, vars: map[string]string{}}
	l := driver.Listener{
		Link: transport.Link{Address: u.Address}, Decoder: s, Faults: &s.faults, SilentAfter: answerTimeout,
		Silent: message.New("power.check"), Talk: s.talk, About: func() message.Message {
			return inWords(s.vars["ups.status"])
		},
	}
	err := l.Run(ctx, u.env.Links, rollbackSink{sink, u})
	if ctx.Err() != nil {
		return err
	}
	return u.contactLost(ctx, sink, time.Now().UTC(), err)
}

// session reads the server's answers (RFC 9271). A question and its answer:
//
//	LIST VAR lane-ups
//	BEGIN LIST VAR lane-ups
//	VAR lane-ups ups.status "OL CHRG"
//	VAR lane-ups battery.charge "85"
//	END LIST VAR lane-ups
//
// or ERR UNKNOWN-UPS, ERR DATA-STALE, ... Only whole answers are evaluated.
type session struct {
	*ups
	buf    []byte
	offset int64             // of buf in the input, for faults
	vars   map[string]string // of the answer at hand
	faults driver.Faults

	// answers counts whole ones, asked is when the last question was sent.
	answers uint64
	asked   time.Time
	waiting bool  // for the answer to what was asked
	refused error // the server's own words
}

// Sound implements driver.Decoder.
func (s *session) Sound() uint64 { return s.answers }

// Idle implements driver.Decoder.
func (s *session) Idle() bool { return len(s.buf) == 0 && !s.waiting }

// Break implements driver.Decoder: half an answer is none.
func (s *session) Break(time.Time) []*observation.Observation {
	s.offset += int64(len(s.buf))
	s.buf = s.buf[:0]
	return nil
}

// talk asks, when it is time, and ends a connection on which the server refuses or does not answer. One question is
// open at a time.
func (s *session) talk(stream transport.Stream) error {
	switch {
	case s.refused != nil:
		return s.refused
	case s.waiting && time.Since(s.asked) > answerTimeout:
		return message.Errorf("power.no-answer", message.ExactDuration("for", answerTimeout))
	case s.waiting || time.Since(s.asked) < s.Poll:
		return nil
	}
	_, err := stream.Write([]byte("LIST VAR " + s.UPS + "\n"))
	if errors.Is(err, transport.ErrReplaying) {
		return nil
	}
	s.asked, s.waiting = time.Now(), true
	return err
}

// Feed implements driver.Decoder.
func (s *session) Feed(at time.Time, data []byte) (obs []*observation.Observation) {
	s.buf = append(s.buf, data...)
	for {
		n := bytes.IndexByte(s.buf, '\n')
		if n < 0 {
			break
		}
		obs = append(obs, s.handleLine(at, strings.TrimRight(string(s.buf[:n]), "\r"))...)
		s.offset += int64(n + 1)
		s.buf = append(s.buf[:0], s.buf[n+1:]...)
	}
	if len(s.buf) > maxLine {
		s.faults.Add(at, message.New("power.long-line", message.Count("n", maxLine)), s.offset, s.buf)
		s.offset += int64(len(s.buf))
		s.buf = s.buf[:0]
	}
	return obs
}

// handleLine handles one line: VAR UPS NAME "VALUE", the begin and end of a list, or ERR. What it cannot read is a
// fault and costs one variable.
func (s *session) handleLine(at time.Time, line string) []*observation.Observation {
	word, rest, _ := strings.Cut(line, " ")
	switch {
	case word == "ERR":
		s.refused = explain(s.UPS, rest)
	case word == "BEGIN":
		clear(s.vars)
	case word == "END":
		s.answers++
		s.waiting = false
		return s.answer(at, s.Low, body(s.vars), s.Report)
	case word == "VAR":
		name, value, ok := strings.Cut(strings.TrimPrefix(rest, s.UPS+" "), " ")
		text, err := strconv.Unquote(value)
		if !ok || err != nil {
			s.faults.Add(at, message.New("power.bad-var"), s.offset, []byte(line))
		} else if len(s.vars) < maxVars {
			s.vars[name] = text
		}
	case line != "":
		s.faults.Add(at, message.New("power.bad-line"), s.offset, []byte(line))
	}
	return nil
}

// explain words an error of the server (RFC 9271) for a UPS; code is what stands behind ERR.
func explain(name, code string) error {
	known := map[string]message.Message{
		"UNKNOWN-UPS":          message.New("power.unknown-ups"),
		"DATA-STALE":           message.New("power.stale"),
		"DRIVER-NOT-CONNECTED": message.New("power.no-driver"),
		"ACCESS-DENIED":        message.New("power.denied"),
	}
	first, _, _ := strings.Cut(code, " ")
	if why, ok := known[first]; ok {
		return message.Errorf("power.refused", message.String("ups", name), message.Nested("why", why),
			message.String("code", first))
	}
	return message.Errorf("power.other", message.String("ups", name), message.String("text", code))
}
