package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
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

// Open connects. The client is closed when ctx ends.
func (m Modbus) Open(ctx context.Context) (*ModbusClient, error) {
	c := modbus.ClientConfiguration{Timeout: modbusTimeout, Logger: log.New(io.Discard, "", 0)}
	if s := m.Serial; s != nil {
		c.URL, c.Speed, c.DataBits, c.StopBits = "rtu://"+s.Port, uint(s.Baud), uint(s.DataBits), uint(s.StopBits)
		c.Parity = map[string]uint{"": modbus.PARITY_NONE, "none": modbus.PARITY_NONE, "even": modbus.PARITY_EVEN, "odd": modbus.PARITY_ODD}[s.Parity]
	} else {
		c.URL = "tcp://" + m.Address
	}
	client, err := modbus.NewClient(&c)
	if err != nil {
		return nil, err
	}
	if err := client.Open(); err != nil {
		return nil, err
	}
	if err := client.SetUnitId(uint8(m.Unit)); err != nil {
		return nil, errors.Join(err, client.Close())
	}
	out := &ModbusClient{ModbusClient: client, link: m.Link, close: sync.OnceValue(client.Close)}
	stop := context.AfterFunc(ctx, func() { out.close() })
	once := out.close
	out.close = func() error { stop(); return once() }
	return out, nil
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
