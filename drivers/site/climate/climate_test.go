package climate

import (
	"context"
	"encoding/binary"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"periph.io/x/conn/v3/i2c"
	"periph.io/x/conn/v3/i2c/i2ctest"

	"lanewarden/drivers/driver/drivertest"
	"lanewarden/drivers/observation"
)

// calibration is that of the BMP280 data sheet's worked example (table 22).
func calibration() []byte {
	b := make([]byte, 26)
	for i, v := range []int{27504, 26435, -1000, 36477, -10685, 3024, 2855, 140, -7, 15500, -14600, 6000} {
		binary.LittleEndian.PutUint16(b[2*i:], uint16(v))
	}
	b[25] = 75
	return b
}

func data(t, p, h int) []byte {
	b := []byte{byte(p >> 12), byte(p >> 4), byte(p << 4), byte(t >> 12), byte(t >> 4), byte(t << 4)}
	if h > 0 {
		b = append(b, byte(h>>8), byte(h))
	}
	return b
}

// playback is a bus with the sensor's side of two readings.
func playback(id byte, readings ...[]byte) *i2ctest.Playback {
	ops := []i2ctest.IO{{Addr: 118, W: []byte{0xd0}, R: []byte{id}}, {Addr: 118, W: []byte{0x88}, R: calibration()}}
	if id == idBME280 {
		// h2 361, h3 0, h4 324, h5 50, h6 30: of a real sensor
		ops = append(ops, i2ctest.IO{Addr: 118, W: []byte{0xe1}, R: []byte{0x69, 0x01, 0x00, 0x14, 0x24, 0x03, 0x1e}})
	}
	for _, r := range readings {
		if id == idBME280 {
			ops = append(ops, i2ctest.IO{Addr: 118, W: []byte{0xf2, 1}})
		}
		ops = append(ops, i2ctest.IO{Addr: 118, W: []byte{0xf4, 0x25}}, i2ctest.IO{Addr: 118, W: []byte{0xf7}, R: r})
	}
	return &i2ctest.Playback{Ops: ops, DontPanic: true}
}

func run(t *testing.T, bus i2c.BusCloser, until func(*drivertest.Sink) bool) (*drivertest.Sink, error) {
	s := &sensor{Config{Address: 118, Every: 100 * time.Millisecond, Low: -30, High: 60, Humid: 90},
		func(string) (i2c.BusCloser, error) {
			return bus, nil
		}}
	sink := drivertest.NewSink()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	done := make(chan error, 1)
	running, stop := context.WithCancel(ctx)
	go func() { done <- s.Run(running, sink) }()
	sink.Wait(ctx, func() bool { return until(sink) })
	stop()
	return sink, <-done
}

func TestDataSheet(t *testing.T) {
	sink, _ := run(t, playback(idBMP280, data(519888, 415148, 0)), func(s *drivertest.Sink) bool {
		return len(s.Of(observation.Kind_KIND_SITE_CLIMATE)) > 0
	})
	v := sink.Of(observation.Kind_KIND_SITE_CLIMATE)[0].Body.GetSiteClimate()
	if math.Abs(float64(v.TemperatureC)-25.08) > 0.01 || math.Abs(float64(v.PressureHpa)-1006.5327) > 0.001 ||
		v.HumidityPercent != nil {
		t.Errorf("%v; the data sheet says 25.08 °C and 100653.27 Pa", v)
	}
}

func TestLimits(t *testing.T) {
	sink, err := run(t, playback(idBME280, data(519888, 415148, 30000), data(660000, 415148, 30000),
		data(519888, 415148, 30000)),
		func(s *drivertest.Sink) bool { return len(s.Of(observation.Kind_KIND_DEVICE_CONDITION)) == 2 })
	all := sink.Of(observation.Kind_KIND_DEVICE_CONDITION)
	if len(all) != 2 || all[0].Body.GetDeviceCondition().Condition != "hot" ||
		!all[1].Body.GetDeviceCondition().Cleared {
		t.Errorf("%v, %v", all, err)
	}
	v := sink.Of(observation.Kind_KIND_SITE_CLIMATE)[0].Body.GetSiteClimate()
	if v.HumidityPercent == nil || *v.HumidityPercent < 30 || *v.HumidityPercent > 70 {
		t.Errorf("%v", v)
	}
}

func TestNoSensor(t *testing.T) {
	_, err := run(t, playback(0x11), func(*drivertest.Sink) bool { return true })
	if err == nil || !strings.Contains(err.Error(), "is no BME280 or BMP280: its id is 0x11") &&
		!errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if _, err := openBus("no-such-bus"); err == nil || !strings.Contains(err.Error(), "I2C bus") {
		t.Error(err)
	}
}

func FuzzFormulas(f *testing.F) {
	f.Add(calibration(), int32(519888), int32(415148), int32(30000))
	f.Fuzz(func(t *testing.T, b []byte, rawT, rawP, rawH int32) {
		if len(b) < 26 {
			return
		}
		bus := &i2ctest.Playback{Ops: []i2ctest.IO{{Addr: 118, W: []byte{0xd0}, R: []byte{idBMP280}},
			{Addr: 118, W: []byte{0x88}, R: b[:26]}}, DontPanic: true}
		c, err := newChip(&i2c.Dev{Bus: bus, Addr: 118})
		if err != nil {
			t.Fatal(err)
		}
		_, fine := c.temperature(rawT & 0xfffff)
		c.pressure(rawP&0xfffff, fine)
		if h := c.relative(rawH&0xffff, fine); h < 0 || h > 100 {
			t.Error(h)
		}
	})
}
