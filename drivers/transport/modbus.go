package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"sync"
	"time"

	"github.com/simonvetter/modbus"
)

// Modbus is a device that answers Modbus requests, over TCP or a serial line (RTU).
type Modbus struct {
	Link    `yaml:",inline"`
	Unit    int           `yaml:"unit" default:"1" min:"0" max:"255" help:"unit id (slave address) of the device"`
	Timeout time.Duration `yaml:"timeout" default:"800ms" min:"50ms" max:"30s" help:"how long the device may take for an answer; behind gateways and radio links more"`
	Pause   time.Duration `yaml:"pause" default:"0s" min:"0s" max:"10s" help:"pause between an answer and the next request, for devices that need it; on serial lines 3.5 characters at least"`
}

// defaultModbusTimeout is used where the settings were not decoded from a file.
const defaultModbusTimeout = 800 * time.Millisecond

// ModbusClient is a connection to a device. Close it when done.
type ModbusClient struct {
	*modbus.ModbusClient
	Modbus
	bridge *modbusBridge
	close  func() error
}

// Open connects. The client is closed when ctx ends. What passes is taped.
func (m Modbus) Open(ctx context.Context, tape *Tape) (*ModbusClient, error) {
	if m.Timeout == 0 {
		m.Timeout = defaultModbusTimeout
	}
	p, err := m.Link.open(ctx)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", m.Link, err)
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

// exceptions are what a device may answer instead, and what to do. Source: Modbus Application Protocol 1.1b3,
// section 7.
var exceptions = []struct {
	err  error
	text string
}{
	{modbus.ErrIllegalFunction, "the device does not know that function (exception 1): is it in another table?"},
	{modbus.ErrIllegalDataAddress,
		"the device has nothing at that address (exception 2): addresses count from 0; does the block reach beyond its end?"},
	{modbus.ErrIllegalDataValue, "the device refuses the value, or the number of values (exception 3)"},
	{modbus.ErrServerDeviceFailure, "the device failed while doing it (exception 4): see its own display or log"},
	{modbus.ErrAcknowledge, "the device has begun and needs longer (exception 5): ask less often"},
	{modbus.ErrServerDeviceBusy, "the device is busy (exception 6): ask less often, or set pause"},
	{modbus.ErrMemoryParityError, "the device's memory is damaged (exception 8): have it repaired"},
	{modbus.ErrGWPathUnavailable,
		"the gateway has no way to that unit (exception 10): the gateway's settings of its serial port, or its load"},
	{modbus.ErrGWTargetFailedToRespond,
		"the gateway got no answer from the unit (exception 11): unit id, wiring, speed of the gateway's serial line?"},
}

// Explain words what a request gave.
func (c *ModbusClient) Explain(what string, err error) error {
	if why := c.bridge.failure(); why != nil {
		return fmt.Errorf("%s: %s, unit %d: %w", what, c.Link, c.Unit, why)
	}
	for _, e := range exceptions {
		if errors.Is(err, e.err) {
			return fmt.Errorf("%s: %s, unit %d: %s", what, c.Link, c.Unit, e.text)
		}
	}
	return fmt.Errorf("%s: %w", what, err)
}
