package transport

import (
	"errors"
	"fmt"
	"io/fs"
	"time"

	"go.bug.st/serial"
)

// Serial is a serial line. The zero values of all but Port mean 9600 baud, 8 data bits, no parity, 1 stop bit.
type Serial struct {
	Port     string `yaml:"port" required:"true" example:"/dev/ttyUSB0"`
	Baud     int    `yaml:"baud" default:"9600" min:"300" max:"4000000" unit:"baud"`
	DataBits int    `yaml:"data_bits" default:"8" min:"5" max:"8"`
	Parity   string `yaml:"parity" default:"none" enum:"none,even,odd"`
	StopBits int    `yaml:"stop_bits" default:"1" min:"1" max:"2"`
}

// open opens the port with its settings. Its errors say what to do: plug it in, give the agent the right, end the
// other program.
func (s *Serial) open() (port, error) {
	mode := &serial.Mode{BaudRate: s.Baud, DataBits: s.DataBits}
	if mode.BaudRate == 0 {
		mode.BaudRate = 9600
	}
	if mode.DataBits == 0 {
		mode.DataBits = 8
	}
	switch s.Parity {
	case "even":
		mode.Parity = serial.EvenParity
	case "odd":
		mode.Parity = serial.OddParity
	}
	if s.StopBits == 2 {
		mode.StopBits = serial.TwoStopBits
	}
	p, err := serial.Open(s.Port, mode)
	if err != nil {
		return nil, s.explain(err)
	}
	return &serialPort{Port: p}, nil
}

// explain adds what a technician can do about an error of the serial library.
func (s *Serial) explain(err error) error {
	var pe *serial.PortError
	code := serial.PortErrorCode(-1)
	if errors.As(err, &pe) {
		code = pe.Code()
	}
	switch {
	case code == serial.PortNotFound || errors.Is(err, fs.ErrNotExist):
		return newError("serial.missing", arg("port", s.Port)).because(err)
	case code == serial.PermissionDenied || errors.Is(err, fs.ErrPermission):
		return newError("serial.denied", arg("port", s.Port)).because(err)
	case code == serial.PortBusy:
		return newError("serial.busy", arg("port", s.Port)).because(err)
	}
	return fmt.Errorf("%s: %w", s.Port, err)
}

// serialPort is an open serial line as a port.
type serialPort struct {
	serial.Port
	timeout time.Duration
}

// readFor implements port. The time-out of the port is set only when it changes, which costs a system call.
func (p *serialPort) readFor(buf []byte, d time.Duration) (int, error) {
	if d != p.timeout {
		if err := p.SetReadTimeout(d); err != nil {
			return 0, err
		}
		p.timeout = d
	}
	return p.Read(buf)
}
