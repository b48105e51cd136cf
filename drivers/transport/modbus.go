package transport

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"sync"
	"time"

	"github.com/simonvetter/modbus"
)

// Modbus is a device that answers Modbus requests, over TCP or a serial line (RTU). Unit is its address on the line,
// or behind a gateway; Timeout how long it may take for an answer, Pause what it needs between an answer and the
// next request.
type Modbus struct {
	Link    `yaml:",inline"`
	Unit    int           `yaml:"unit" default:"1" min:"0" max:"255"`
	Timeout time.Duration `yaml:"timeout" default:"800ms" min:"50ms" max:"30s"`
	Pause   time.Duration `yaml:"pause" default:"0s" min:"0s" max:"10s"`
}

// defaultModbusTimeout is used where the settings were not decoded from a file.
const defaultModbusTimeout = 800 * time.Millisecond

// ModbusClient is a connection to a device, with the requests of package modbus. Requests may not be made at the
// same time. After a request that got no answer it is of no more use: Cause says why. Close it when done.
type ModbusClient struct {
	*modbus.ModbusClient
	Modbus
	bridge *modbusBridge
	close  func() error
}

// Open connects. The client is closed when ctx ends. What passes is taped; tape may be nil. Errors are those of the
// port, in words for a technician.
func (m Modbus) Open(ctx context.Context, tape *Tape) (*ModbusClient, error) {
	if m.Timeout == 0 {
		m.Timeout = defaultModbusTimeout
	}
	p, err := m.Link.open(ctx)
	if err != nil {
		return nil, err
	}
	c := net.Conn(portConn{port: p, link: m.Link})
	if tcp, ok := p.(tcpPort); ok {
		c = tcp.Conn
	}
	bridge, err := startModbusBridge(newModbusLine(tape.Conn(c, Tap{}), m))
	if err != nil {
		return nil, err
	}
	// The bridge keeps time: the library shall never give up before it.
	patience := 3*(m.Timeout+m.Pause) + time.Minute
	client, err := modbus.NewClient(&modbus.ClientConfiguration{URL: "tcp://" + bridge.address, Timeout: patience,
		Logger: log.New(io.Discard, "", 0)})
	if err == nil {
		err = client.Open()
	}
	if err == nil {
		err = client.SetUnitId(uint8(m.Unit))
	}
	if err != nil {
		bridge.stop()
		return nil, err
	}
	out := &ModbusClient{ModbusClient: client, Modbus: m, bridge: bridge}
	once := sync.OnceValue(func() error { bridge.stop(); return client.Close() })
	unhook := context.AfterFunc(ctx, func() { once() })
	out.close = func() error { unhook(); return once() }
	return out, nil
}

// Close ends the connection.
func (c *ModbusClient) Close() error { return c.close() }

// Hurry says that the caller wants to end: requests take no longer than the usual time-out from now on.
func (c *ModbusClient) Hurry() { c.bridge.line.hurry() }

// exceptions are the codes of exception responses, and the remedies. Source: Modbus Application Protocol 1.1b3,
// section 7.
var exceptions = []struct {
	err   error
	means *Error
}{
	{modbus.ErrIllegalFunction, newError("modbus.exception-1")},
	{modbus.ErrIllegalDataAddress, newError("modbus.exception-2")},
	{modbus.ErrIllegalDataValue, newError("modbus.exception-3")},
	{modbus.ErrServerDeviceFailure, newError("modbus.exception-4")},
	{modbus.ErrAcknowledge, newError("modbus.exception-5")},
	{modbus.ErrServerDeviceBusy, newError("modbus.exception-6")},
	{modbus.ErrMemoryParityError, newError("modbus.exception-8")},
	{modbus.ErrGWPathUnavailable, newError("modbus.exception-10")},
	{modbus.ErrGWTargetFailedToRespond, newError("modbus.exception-11")},
}

// Cause returns why a request failed, better than the library's err: what passed on the line, or what the device's
// exception means.
func (c *ModbusClient) Cause(err error) error {
	if why := c.bridge.failure(); why != nil {
		return why
	}
	for _, e := range exceptions {
		if errors.Is(err, e.err) {
			return e.means.because(err)
		}
	}
	return err
}
