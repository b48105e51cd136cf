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
	Link `yaml:",inline"`
	Unit int `yaml:"unit" default:"1" min:"0" max:"255" help:"unit id (slave address) of the device"`
}

// modbusTimeout bounds one request, and so how long a driver needs to end.
const modbusTimeout = 800 * time.Millisecond

// ModbusClient is a connection to a device. Close it when done.
type ModbusClient struct {
	*modbus.ModbusClient
	link  Link
	close func() error
}

// Open connects. The client is closed when ctx ends. What passes is taped.
func (m Modbus) Open(ctx context.Context, tape *Tape) (*ModbusClient, error) {
	p, err := m.Link.open(ctx)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", m.Link, err)
	}
	c, scheme := net.Conn(portConn{port: p, link: m.Link}), "rtuovertcp"
	if tcp, ok := p.(tcpPort); ok {
		c, scheme = tcp.Conn, "tcp"
	}
	address, stop, err := relay(tape.Conn(c, Tap{})) // the library hides the bytes
	if err != nil {
		return nil, err
	}
	client, err := modbus.NewClient(&modbus.ClientConfiguration{URL: scheme + "://" + address, Timeout: modbusTimeout, Logger: log.New(io.Discard, "", 0), Speed: m.baud()})
	if err == nil {
		err = client.Open()
	}
	if err == nil {
		err = client.SetUnitId(uint8(m.Unit))
	}
	if err != nil {
		stop()
		return nil, err
	}
	out := &ModbusClient{ModbusClient: client, link: m.Link, close: sync.OnceValue(func() error { defer stop(); return client.Close() })}
	unhook := context.AfterFunc(ctx, func() { out.close() })
	once := out.close
	out.close = func() error { unhook(); return once() }
	return out, nil
}

func (m Modbus) baud() uint {
	if m.Serial == nil {
		return 0
	}
	return uint(m.Serial.Baud)
}

// Close ends the connection.
func (c *ModbusClient) Close() error { return c.close() }

// Explain words what a request gave.
func (c *ModbusClient) Explain(what string, err error) error {
	switch {
	case errors.Is(err, modbus.ErrRequestTimedOut):
		return fmt.Errorf("%s: %s did not answer within %s: unit id, wiring, speed of the line?", what, c.link, modbusTimeout)
	case errors.Is(err, modbus.ErrIllegalDataAddress):
		return fmt.Errorf("%s: the device has nothing at that address", what)
	case errors.Is(err, modbus.ErrIllegalFunction):
		return fmt.Errorf("%s: the device does not know that function", what)
	}
	return fmt.Errorf("%s: %w", what, err)
}
