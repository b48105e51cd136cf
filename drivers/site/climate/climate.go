// Package climate is the driver of BME280 and BMP280 sensors on the machine's I2C bus, through periph.io:
// temperature, humidity, pressure. docs/protocols/site.md.
package climate

import (
	"context"
	"encoding/binary"
	"fmt"
	"sync"
	"time"

	"periph.io/x/conn/v3/i2c"
	"periph.io/x/conn/v3/i2c/i2creg"
	"periph.io/x/host/v3"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
)

// Config is the settings of a sensor (SETTINGS.md). Bus is a name of periph.io's, "" for the first; Address is the
// 7-bit I2C address, 118 (76 hex) or 119 as the pin SDO says. Low, High and Humid are where conditions begin.
type Config struct {
	Bus     string        `yaml:"bus" example:"1"`
	Address int           `yaml:"address" default:"118" min:"3" max:"119"`
	Every   time.Duration `yaml:"every" default:"1m" min:"100ms" max:"1h"`
	Low     float64       `yaml:"low" default:"-30" min:"-60" max:"100" unit:"degC"`
	High    float64       `yaml:"high" default:"60" min:"-60" max:"120" unit:"degC"`
	Humid   float64       `yaml:"humid" default:"90" min:"0" max:"100" unit:"%"`
}

// Check implements driver.Checker.
func (c Config) Check() error {
	if c.Low >= c.High {
		return message.Errorf("settings.low-high")
	}
	return nil
}

// Spec describes the driver.
var Spec = driver.New("climate", "Temperature, humidity, pressure: BME280, BMP280 (I2C)",
	func(c Config, env driver.Env) (driver.Driver, error) {
		return &sensor{c, openBus}, nil
	})

// sensor is one sensor. open opens a bus; tests play a recording.
type sensor struct {
	Config
	open func(bus string) (i2c.BusCloser, error)
}

// initHost loads periph.io's drivers, once for the process.
var initHost = sync.OnceValue(func() error { _, err := host.Init(); return err })

// openBus opens a bus of this machine.
func openBus(bus string) (i2c.BusCloser, error) {
	if err := initHost(); err != nil {
		return nil, err
	}
	b, err := i2creg.Open(bus)
	if err != nil {
		return nil, message.Wrap(err, "climate.bus", message.String("bus", bus))
	}
	return b, nil
}

const hysteresis = 2 // of limits: a value must be better by so much until they are over

// Run implements driver.Driver: it measures every Every until ctx ends or the sensor does not answer. Readings that
// the journal does not take are dropped, as the next one is as good (driver.Unacknowledged).
func (s *sensor) Run(ctx context.Context, sink driver.Sink) error {
	sink = driver.Unacknowledged(sink)
	bus, err := s.open(s.Bus)
	if err != nil {
		return err
	}
	defer bus.Close()
	chip, err := newChip(&i2c.Dev{Bus: bus, Addr: uint16(s.Address)})
	if err != nil {
		return message.Wrap(err, "climate.sensor", message.String("address", fmt.Sprintf("%#02x", s.Address)))
	}
	sink.State(observation.DeviceState_STATE_RUNNING, message.Verbatim(chip.name()))
	t := time.NewTicker(s.Every)
	defer t.Stop()
	l := limits{Config: s.Config}
	for {
		v, err := chip.read()
		if err != nil {
			return message.Wrap(err, "climate.sensor", message.String("address", fmt.Sprintf("%#02x", s.Address)))
		}
		obs := l.report(time.Now().UTC(), v)
		if err := driver.CommitAny(ctx, sink, obs); err != nil {
			return err
		}
		select {
		case <-t.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// limits follows the values against the limits of the settings. It knows no clock but the times of what it is given.
type limits struct {
	Config
	conditions     driver.Conditions
	hot, cold, wet bool
}

// report returns a reading, and the conditions that it begins or ends.
func (l *limits) report(at time.Time, v *observation.SiteClimate) []*observation.Observation {
	o := observation.New(observation.Class_CLASS_TELEMETRY, at, v)
	driver.SetKey(o, fmt.Sprintf("climate@%d", at.UnixNano()))
	obs := []*observation.Observation{o}
	c := float64(v.TemperatureC)
	l.hot, l.cold = beyond(l.hot, c, l.High), beyond(l.cold, -c, -l.Low)
	obs = append(obs, l.conditions.Limit(at, "hot", l.hot, c, l.High,
		message.New("climate.hot", message.Quantity("temperature", c, 1, "°C")))...)
	obs = append(obs, l.conditions.Limit(at, "cold", l.cold, c, l.Low,
		message.New("climate.cold", message.Quantity("temperature", c, 1, "°C")))...)
	if v.HumidityPercent != nil {
		h := float64(*v.HumidityPercent)
		l.wet = beyond(l.wet, h, l.Humid)
		obs = append(obs, l.conditions.Limit(at, "humid", l.wet, h, l.Humid,
			message.New("climate.humid", message.Quantity("humidity", h, 0, "%")))...)
	}
	return obs
}

// beyond reports whether a limit is passed; one that was is so until the value is well below.
func beyond(was bool, v, limit float64) bool {
	if was {
		return v > limit-hysteresis
	}
	return v > limit
}

// chip is a sensor with its calibration. Source: Bosch BME280 data sheet 1.6, section 4.2.3; BMP280 data sheet 1.14,
// section 3.11.3. t, p and h are dig_T, dig_P and dig_H there.
type chip struct {
	dev      *i2c.Dev
	humidity bool // a BME280; a BMP280 has none
	t1, p1   uint16
	t2, t3   int16
	p        [10]int16 // 2 to 9
	h1, h3   uint8
	h2       int16
	h4, h5   int16
	h6       int8
}

const (
	// Registers and the values of regID (data sheet, 5.3 and 5.4).
	regID          = 0xd0
	idBMP280       = 0x58
	idBME280       = 0x60
	regCalibration = 0x88
	regHumidity    = 0xe1
	regControlHum  = 0xf2
	regControl     = 0xf4
	regData        = 0xf7
	conversion     = 15 * time.Millisecond // of all three, once
)

// newChip reads what the chip is, and its calibration. Another chip at the address is an error that says its id:
//
//	88 to 9f  T1 to T3, P1 to P9, 16 bits each, little endian
//	a1        H1
//	e1 to e7  H2 (16 bits), H3, H4 and H5 (12 bits each, sharing e5), H6
func newChip(dev *i2c.Dev) (*chip, error) {
	id := make([]byte, 1)
	if err := dev.Tx([]byte{regID}, id); err != nil {
		return nil, message.Wrap(err, "climate.no-answer")
	}
	if id[0] != idBMP280 && id[0] != idBME280 {
		return nil, message.Errorf("climate.other-chip", message.String("id", fmt.Sprintf("%#02x", id[0])))
	}
	c := &chip{dev: dev, humidity: id[0] == idBME280}
	b := make([]byte, 26)
	if err := dev.Tx([]byte{regCalibration}, b); err != nil {
		return nil, err
	}
	u := func(i int) uint16 { return binary.LittleEndian.Uint16(b[i:]) }
	c.t1, c.t2, c.t3, c.p1, c.h1 = u(0), int16(u(2)), int16(u(4)), u(6), b[25]
	for i := 2; i <= 9; i++ {
		c.p[i] = int16(u(4 + 2*i))
	}
	if !c.humidity {
		return c, nil
	}
	b = make([]byte, 7)
	if err := dev.Tx([]byte{regHumidity}, b); err != nil {
		return nil, err
	}
	c.h2, c.h3, c.h6 = int16(u(0)), b[2], int8(b[6])
	c.h4 = int16(int8(b[3]))<<4 | int16(b[4]&0xf)
	c.h5 = int16(int8(b[5]))<<4 | int16(b[4]>>4)
	return c, nil
}

func (c *chip) name() string {
	if c.humidity {
		return "BME280"
	}
	return "BMP280"
}

// read measures once, in forced mode: the chip sleeps in between and does not warm itself. The data registers hold
// pressure and temperature in 20 bits, humidity in 16, high byte first; 80000 hex means that nothing was measured.
// Errors are those of the bus.
func (c *chip) read() (*observation.SiteClimate, error) {
	n := 6
	if c.humidity {
		n = 8
		if err := c.dev.Tx([]byte{regControlHum, 1}, nil); err != nil {
			return nil, err
		}
	}
	if err := c.dev.Tx([]byte{regControl, 1<<5 | 1<<2 | 1}, nil); err != nil { // each once, forced
		return nil, err
	}
	time.Sleep(conversion)
	b := make([]byte, n)
	if err := c.dev.Tx([]byte{regData}, b); err != nil {
		return nil, err
	}
	rawP := int32(b[0])<<12 | int32(b[1])<<4 | int32(b[2])>>4
	rawT := int32(b[3])<<12 | int32(b[4])<<4 | int32(b[5])>>4
	if rawT == 0x80000 || rawP == 0x80000 {
		return nil, message.Errorf("climate.nothing")
	}
	t, fine := c.temperature(rawT)
	out := &observation.SiteClimate{TemperatureC: float32(t), PressureHpa: float32(c.pressure(rawP, fine) / 100)}
	if c.humidity {
		h := float32(c.relative(int32(b[6])<<8|int32(b[7]), fine))
		out.HumidityPercent = &h
	}
	return out, nil
}

// temperature returns °C, and t_fine, which the other formulas need.
func (c *chip) temperature(raw int32) (t, fine float64) {
	r := float64(raw)
	a := (r/16384 - float64(c.t1)/1024) * float64(c.t2)
	b := r/131072 - float64(c.t1)/8192
	fine = a + b*b*float64(c.t3)
	return fine / 5120, fine
}

// pressure returns Pa; 0 when the calibration is none.
func (c *chip) pressure(raw int32, fine float64) float64 {
	p := func(i int) float64 { return float64(c.p[i]) }
	a := fine/2 - 64000
	b := a*a*p(6)/32768 + a*p(5)*2
	b = b/4 + p(4)*65536
	a = (1 + (p(3)*a*a/524288+p(2)*a)/524288/32768) * float64(c.p1)
	if a == 0 {
		return 0
	}
	v := (1048576 - float64(raw) - b/4096) * 6250 / a
	return v + (p(9)*v*v/2147483648+v*p(8)/32768+p(7))/16
}

// relative returns the relative humidity in %, 0 to 100. fine is that of the temperature of the same measurement.
func (c *chip) relative(raw int32, fine float64) float64 {
	h := fine - 76800
	h = (float64(raw) - (float64(c.h4)*64 + float64(c.h5)/16384*h)) * (float64(c.h2) / 65536 * (1 +
		float64(c.h6)/67108864*h*(1+float64(c.h3)/67108864*h)))
	h *= 1 - float64(c.h1)*h/524288
	return min(max(h, 0), 100)
}
