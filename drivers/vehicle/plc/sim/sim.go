// Package sim is an I/O module, simulated from its side of Modbus: bits and registers in memory.
package sim

import (
	"context"
	"io"
	"log"
	"math"
	"sync"
	"time"

	"github.com/simonvetter/modbus"
)

// Module is an I/O module with 64 of everything. Its methods may be called while it serves.
type Module struct {
	mu              sync.Mutex
	coils, discrete [64]bool
	holding, input  [64]uint16
}

// Input sets a discrete input.
func (m *Module) Input(address int, on bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.discrete[address] = on
}

// Register sets an input register.
func (m *Module) Register(address int, v uint16) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.input[address] = v
}

// Float sets two input registers to a number, high word first.
func (m *Module) Float(address int, v float32) {
	n := math.Float32bits(v)
	m.Register(address, uint16(n>>16))
	m.Register(address+1, uint16(n))
}

// Coil returns the state that a client has set last; false at the start.
func (m *Module) Coil(address int) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.coils[address]
}

// Serve answers at an address, HOST:PORT, until ctx ends, to at most 4 clients. An address that is taken is an
// error.
func (m *Module) Serve(ctx context.Context, address string) error {
	s, err := modbus.NewServer(&modbus.ServerConfiguration{URL: "tcp://" + address, Timeout: time.Minute,
		MaxClients: 4, Logger: log.New(io.Discard, "", 0)}, m)
	if err != nil {
		return err
	}
	if err := s.Start(); err != nil {
		return err
	}
	<-ctx.Done()
	return s.Stop()
}

// serve reads from a table, or writes to it. Addresses beyond its end are exception 2, illegal data address.
func serve[T any](m *Module, table []T, address, quantity uint16, write bool, values []T) ([]T, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	end := int(address) + int(quantity)
	if end > len(table) {
		return nil, modbus.ErrIllegalDataAddress
	}
	if write {
		copy(table[address:end], values)
	}
	return append([]T(nil), table[address:end]...), nil
}

// HandleCoils implements modbus.RequestHandler.
func (m *Module) HandleCoils(r *modbus.CoilsRequest) ([]bool, error) {
	return serve(m, m.coils[:], r.Addr, r.Quantity, r.IsWrite, r.Args)
}

// HandleDiscreteInputs implements modbus.RequestHandler.
func (m *Module) HandleDiscreteInputs(r *modbus.DiscreteInputsRequest) ([]bool, error) {
	return serve(m, m.discrete[:], r.Addr, r.Quantity, false, nil)
}

// HandleHoldingRegisters implements modbus.RequestHandler.
func (m *Module) HandleHoldingRegisters(r *modbus.HoldingRegistersRequest) ([]uint16, error) {
	return serve(m, m.holding[:], r.Addr, r.Quantity, r.IsWrite, r.Args)
}

// HandleInputRegisters implements modbus.RequestHandler.
func (m *Module) HandleInputRegisters(r *modbus.InputRegistersRequest) ([]uint16, error) {
	return serve(m, m.input[:], r.Addr, r.Quantity, false, nil)
}
