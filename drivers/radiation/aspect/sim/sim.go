// Package sim is an Aspect portal, simulated from its side of Modbus.
package sim

import (
	"context"
	"io"
	"log"
	"math"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/simonvetter/modbus"

	"lanewarden/drivers/radiation/aspect"
)

// Portal is a portal. Its background is 900 counts of gamma, 1 of neutrons. Its methods may be called while it
// serves.
type Portal struct {
	mu      sync.Mutex
	rng     *rand.Rand
	begin   time.Time
	objects uint16
	here    bool
	until   time.Time
	source  float64 // counts over background, in the middle of the vehicle
	from    time.Time
	Extra   uint16 // input bits that are set beside
}

// New makes a portal.
func New(seed uint64) *Portal { return &Portal{rng: rand.New(rand.NewPCG(seed, 3)), begin: time.Now()} }

const background, neutrons = 900, 1

// Vehicle lets a vehicle pass from now on, for d. source is what it radiates in its middle, counts over background;
// the vehicle itself hides 15 % of the background.
func (p *Portal) Vehicle(d time.Duration, source float64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.objects++
	p.from, p.until, p.source, p.here = time.Now(), time.Now().Add(d), source, true
}

// Set replaces the input bits that stand beside those of the vehicle, aspect.InCabinet and the like; 0 clears them.
func (p *Portal) Set(bits uint16) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.Extra = bits
}

// Registers returns all registers from 0 on: the header, and the monitor block at 100. Each call draws new counts.
func (p *Portal) Registers() []uint16 {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	gamma, status, inputs, speed := float64(background), uint16(aspect.StReady), p.Extra, uint16(0)
	if p.here = p.here && now.Before(p.until); p.here {
		x := now.Sub(p.from).Seconds()/p.until.Sub(p.from).Seconds() - 0.5
		gamma = background*0.85 + p.source*math.Exp(-x*x*30)
		inputs |= 1 | aspect.InForward
		speed = 2000
	}
	count := uint32(max(0, gamma+math.Sqrt(gamma)*p.rng.NormFloat64()))
	if float64(count) > background+7*math.Sqrt(background) && p.here {
		status |= 1
	}
	r := make([]uint16, 121)
	copy(r, []uint16{0x4153, 121, 1, 100, 21})
	u32 := func(i int, v uint32) { r[i], r[i+1] = uint16(v), uint16(v>>16) }
	f32 := func(i int, v float32) { u32(i, math.Float32bits(v)) }
	u32(100, uint32(now.Sub(p.begin).Milliseconds()))
	r[102], r[103] = inputs, status
	u32(104, count)
	f32(106, background)
	f32(108, background)
	r[110] = aspect.StReady
	u32(111, uint32(p.rng.IntN(3)))
	f32(113, neutrons)
	f32(115, neutrons)
	r[117], r[119] = p.objects, speed
	return r
}

// Serve answers at an address, HOST:PORT, until ctx ends. An address that is taken is an error.
func (p *Portal) Serve(ctx context.Context, address string) error {
	s, err := modbus.NewServer(&modbus.ServerConfiguration{URL: "tcp://" + address, Timeout: time.Minute,
		MaxClients: 4, Logger: log.New(io.Discard, "", 0)}, handler{p})
	if err != nil {
		return err
	}
	if err := s.Start(); err != nil {
		return err
	}
	<-ctx.Done()
	return s.Stop()
}

// handler answers requests: function 3 inside the registers; what is outside is exception 2, other functions are 1.
type handler struct{ p *Portal }

func (h handler) HandleHoldingRegisters(r *modbus.HoldingRegistersRequest) ([]uint16, error) {
	all := h.p.Registers()
	if r.IsWrite || int(r.Addr)+int(r.Quantity) > len(all) {
		return nil, modbus.ErrIllegalDataAddress
	}
	return all[r.Addr : r.Addr+r.Quantity], nil
}

func (handler) HandleCoils(*modbus.CoilsRequest) ([]bool, error) {
	return nil, modbus.ErrIllegalFunction
}

func (handler) HandleDiscreteInputs(*modbus.DiscreteInputsRequest) ([]bool, error) {
	return nil, modbus.ErrIllegalFunction
}

func (handler) HandleInputRegisters(*modbus.InputRegistersRequest) ([]uint16, error) {
	return nil, modbus.ErrIllegalFunction
}
