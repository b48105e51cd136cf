package aspect_test

import (
	"context"
	"fmt"
	"math"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lanewarden/drivers/driver/drivertest"
	"lanewarden/drivers/driver/drivertest/peer"
	"lanewarden/drivers/observation"
	"lanewarden/drivers/radiation/aspect"
	"lanewarden/drivers/radiation/aspect/sim"
	"lanewarden/drivers/transport"
)

// run runs the driver until ctx ends, as its supervisor does.
func run(ctx context.Context, t *testing.T, at string) (*drivertest.Sink, func()) {
	_, sink, stop := drivertest.Supervise(ctx, t, aspect.Spec, &aspect.Config{
		Modbus: transport.Modbus{Link: transport.Link{Address: at}, Unit: 1}, Poll: 50 * time.Millisecond,
		Background: time.Second, NSigma: 7,
	})
	return sink, stop
}

func TestPortal(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	at := drivertest.FreeAddress(t)
	portal := sim.New(1)
	serving, unplug := context.WithCancel(ctx)
	served := make(chan error, 1)
	go func() { served <- portal.Serve(serving, at) }()
	sink, stop := run(ctx, t, at)
	defer stop()
	occupancies := func() []*observation.Observation { return sink.Of(observation.Kind_KIND_RADIATION_OCCUPANCY) }
	wait := func(what string, ok func() bool) {
		t.Helper()
		if !sink.Wait(ctx, ok) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
	wait("a background", func() bool { return len(sink.Of(observation.Kind_KIND_RADIATION_BACKGROUND)) > 0 })
	portal.Vehicle(time.Second, 0)
	wait("an occupancy", func() bool { return len(occupancies()) == 1 })
	portal.Vehicle(time.Second, 3000)
	wait("an alarm", func() bool { return len(occupancies()) == 2 })
	one, two := occupancies()[0], occupancies()[1]
	if o := one.Body.GetRadiationOccupancy(); one.Class != observation.Class_CLASS_EVENT ||
		o.GammaAlarm || o.Number != 1 || o.Incomplete || math.Abs(float64(o.SpeedKph)-7.2) > 0.01 ||
		o.Direction != "forward" ||
		len(o.Gamma[0].Counts) < 5 {
		t.Errorf("%v", one)
	}
	if o := two.Body.GetRadiationOccupancy(); two.Class != observation.Class_CLASS_ALARM ||
		!o.GammaAlarm || !o.GammaAlarmRecomputed || o.AlarmDisagreement || o.SigmaMax < 20 {
		t.Errorf("%v", two)
	}
	portal.Set(aspect.InCabinet | aspect.InBattery)
	wait("tamper and battery", func() bool {
		return len(sink.Of(observation.Kind_KIND_RADIATION_TAMPER)) == 1 &&
			len(sink.Of(observation.Kind_KIND_DEVICE_CONDITION)) == 1
	})
	portal.Set(0)
	wait("both to be over", func() bool {
		return len(sink.Of(observation.Kind_KIND_RADIATION_TAMPER)) == 2 &&
			len(sink.Of(observation.Kind_KIND_DEVICE_CONDITION)) == 2
	})
	portal.Vehicle(time.Minute, 0)
	time.Sleep(300 * time.Millisecond)
	unplug()
	<-served
	wait("the occupancy that was cut", func() bool { return len(occupancies()) == 3 })
	if o := occupancies()[2].Body.GetRadiationOccupancy(); !o.Incomplete ||
		o.End != observation.RadiationOccupancy_END_DISCONNECT {
		t.Errorf("%v", o)
	}
	portal.Vehicle(300*time.Millisecond, 0)
	again, end := context.WithCancel(ctx)
	go func() { served <- portal.Serve(again, at) }()
	n := len(sink.Of(observation.Kind_KIND_RADIATION_BACKGROUND))
	wait("the portal to be back", func() bool { return len(sink.Of(observation.Kind_KIND_RADIATION_BACKGROUND)) > n })
	end()
	<-served
}

func TestParseBlock(t *testing.T) {
	if _, err := aspect.ParseBlock(make([]uint16, 5)); err == nil {
		t.Error("a short block")
	}
	r := make([]uint16, 21)
	r[6], r[7] = 0, 0xffff // NaN
	if _, err := aspect.ParseBlock(r); err == nil || !strings.Contains(err.Error(), "gamma background is NaN") {
		t.Error(err)
	}
}

func FuzzParseBlock(f *testing.F) {
	f.Add([]byte(strings.Repeat("\x00\x01", 21)))
	f.Fuzz(func(t *testing.T, data []byte) {
		r := make([]uint16, len(data)/2)
		for i := range r {
			r[i] = uint16(data[2*i])<<8 | uint16(data[2*i+1])
		}
		if b, err := aspect.ParseBlock(r); err == nil && math.IsNaN(float64(b.GammaBackground)) {
			t.Error("NaN")
		}
	})
}

// TestPymodbus has a portal that others wrote: Debian's python3-pymodbus.
func TestPymodbus(t *testing.T) {
	peer.Need(t, peer.Pymodbus)
	at := drivertest.FreeAddress(t)
	_, port, _ := net.SplitHostPort(at)
	script := filepath.Join(t.TempDir(), "portal.py")
	if err := os.WriteFile(script, fmt.Appendf(nil, `
import threading, time, struct
from pymodbus.server import StartTcpServer
from pymodbus.datastore import ModbusSequentialDataBlock, ModbusSlaveContext, ModbusServerContext
r = [0] * 130
r[0:5] = [0x4153, 121, 1, 100, 21]
def f32(i, v):
    n = struct.unpack("<I", struct.pack("<f", v))[0]
    r[i], r[i + 1] = n & 0xffff, n >> 16
r[103] = 0x80; r[104] = 900; f32(106, 900.0); f32(108, 900.0); r[110] = 0x80; f32(113, 1.0); f32(115, 1.0)
store = ModbusSlaveContext(hr=ModbusSequentialDataBlock(0, r), zero_mode=True)
def lorry():
    time.sleep(2)
    store.setValues(3, 117, [7]); store.setValues(3, 119, [1500]); store.setValues(3, 102, [0x41])
    time.sleep(1)
    store.setValues(3, 104, [5000]); store.setValues(3, 103, [0x81])
    time.sleep(1)
    store.setValues(3, 102, [0])
threading.Thread(target=lorry, daemon=True).start()
StartTcpServer(context=ModbusServerContext(slaves=store, single=True), address=("127.0.0.1", %s))
`, port), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute) // machines are slow at times
	defer cancel()
	ctx = peer.Start(ctx, t, exec.Command(peer.Python, script))
	sink, stop := run(ctx, t, at)
	defer stop()
	if !sink.Wait(ctx, func() bool { return len(sink.Of(observation.Kind_KIND_RADIATION_OCCUPANCY)) == 1 }) {
		t.Fatalf("%v", sink.Observations())
	}
	o := sink.Of(observation.Kind_KIND_RADIATION_OCCUPANCY)[0].Body.GetRadiationOccupancy()
	if !o.GammaAlarm || o.Number != 7 || o.GammaMax != 5000 || o.Direction != "forward" || o.Incomplete {
		t.Errorf("%v", o)
	}
}
