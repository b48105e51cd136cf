package plc_test

import (
	"context"
	"fmt"
	"maps"
	"math"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/driver/drivertest"
	"lanewarden/drivers/driver/drivertest/peer"
	"lanewarden/drivers/observation"
	"lanewarden/drivers/transport"
	"lanewarden/drivers/vehicle/plc"
	"lanewarden/drivers/vehicle/plc/sim"
)

func profile() *plc.Profile {
	hot, bit := 60.0, 3
	return &plc.Profile{
		Name: "test", Title: "t", Manual: "m",
		Points: []plc.Point{
			{Name: "loop", Table: "discrete", Address: 0, Event: "both", Scale: 1},
			{Name: "stop", Table: "discrete", Address: 5, Invert: true, Event: "both", Alarm: "on", Scale: 1},
			{Name: "temperature", Table: "input", Address: 0, Type: "s16", Scale: 0.1, Unit: "degC",
				Change: 2, Above: &hot},
			{Name: "wind", Table: "input", Address: 1, Type: "f32", Scale: 1, Unit: "m/s", Change: 5},
			{Name: "flag", Table: "holding", Address: 2, Bit: &bit, Event: "rising", Scale: 1},
		},
		Outputs: []plc.Output{{Name: "barrier", Table: "coil", Address: 0, Safe: "off"},
			{Name: "red", Table: "coil", Address: 2, Safe: "on"},
			{Name: "level", Table: "holding", Address: 9, Max: 100}},
	}
}

func run(ctx context.Context, t *testing.T, at string) (driver.Driver, *drivertest.Sink, func()) {
	return drivertest.Supervise(ctx, t, plc.Spec, &plc.Config{
		Modbus:  transport.Modbus{Link: transport.Link{Address: at}, Unit: 1},
		Profile: driver.Ref[plc.Profile]{Name: "test", Value: profile()}, Poll: 20 * time.Millisecond,
		Report: time.Hour,
	})
}

func TestModule(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	at := drivertest.FreeAddress(t)
	m := &sim.Module{}
	m.Input(5, true)
	m.Register(0, 215)
	m.Float(1, 3.5)
	served := make(chan error, 1)
	go func() { served <- m.Serve(ctx, at) }()
	d, sink, stop := run(ctx, t, at)
	readings := func(name string) (out []*observation.Observation) {
		for _, o := range sink.Of(observation.Kind_KIND_DEVICE_READING) {
			if o.Body.GetDeviceReading().Message == name {
				out = append(out, o)
			}
		}
		return out
	}
	wait := func(what string, ok func() bool) {
		t.Helper()
		if !sink.Wait(ctx, ok) {
			t.Fatalf("waited in vain for %s: %v", what, sink.Observations())
		}
	}
	wait("telemetry", func() bool { return len(readings("status")) == 1 })
	for _, want := range []string{"off", "21.5", "3.5"} {
		found := false
		for _, v := range readings("status")[0].Body.GetDeviceReading().Values {
			found = found || v.Text == want
		}
		if !found {
			t.Errorf("no %s in %v", want, readings("status")[0])
		}
	}
	if !m.Coil(2) || m.Coil(0) {
		t.Error("outputs are not in their safe state")
	}
	m.Input(0, true)
	wait("the loop's edge", func() bool { return len(readings("loop")) == 1 })
	m.Input(0, false)
	wait("its other edge", func() bool { return len(readings("loop")) == 2 })
	m.Input(5, false)
	wait("the stop", func() bool {
		return len(readings("stop")) == 1 && readings("stop")[0].Class == observation.Class_CLASS_ALARM
	})
	m.Register(0, 230)
	m.Register(0, 650)
	wait("heat", func() bool {
		return len(readings("temperature")) >= 1 &&
			readings("temperature")[len(readings("temperature"))-1].Class == observation.Class_CLASS_ALARM
	})
	c := d.(driver.Commander)
	if err := c.Command(ctx, "barrier", "on", "officer"); err != nil || !m.Coil(0) {
		t.Errorf("%v, barrier %v", err, m.Coil(0))
	}
	for _, bad := range [][2]string{{"gate", "on"}, {"barrier", "7"}, {"level", "101"}, {"level", "1.5"}} {
		if err := c.Command(ctx, bad[0], bad[1], "test"); err == nil || !strings.Contains(err.Error(), "output") {
			t.Errorf("%v: %v", bad, err)
		}
	}
	stop()
	if m.Coil(0) {
		t.Error("the barrier is not in its safe state after the end")
	}
	if n := len(sink.Of(observation.Kind_KIND_LANE_OUTPUT)); n != 5 {
		t.Errorf("%d outputs were reported", n)
	}
	if err := c.Command(ctx, "barrier", "on", "officer"); err == nil ||
		!strings.Contains(err.Error(), "not connected") {
		t.Errorf("a command without device: %v", err)
	}
}

func TestProfileCheck(t *testing.T) {
	bit := 1
	for want, p := range map[string]plc.Profile{
		"neither points":   {},
		"x is given twice": {Points: []plc.Point{{Name: "x"}, {Name: "x"}}},
		"has single bits":  {Points: []plc.Point{{Name: "x", Table: "coil", Bit: &bit}}},
		"output y: safe":   {Outputs: []plc.Output{{Name: "y", Table: "coil", Safe: "open"}}},
	} {
		if err := p.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// TestPymodbus has a device that others wrote, with words in big-endian order.
func TestPymodbus(t *testing.T) {
	peer.Need(t, peer.Pymodbus)
	at := drivertest.FreeAddress(t)
	_, port, _ := net.SplitHostPort(at)
	n := math.Float32bits(3.5)
	script := filepath.Join(t.TempDir(), "io.py")
	if err := os.WriteFile(script, fmt.Appendf(nil, `
import threading, time
from pymodbus.server import StartTcpServer
from pymodbus.datastore import ModbusSequentialDataBlock as Block, ModbusSlaveContext, ModbusServerContext
store = ModbusSlaveContext(di=Block(0, [0]*5 + [1] + [0]*20), co=Block(0, [0]*20), hr=Block(0, [0]*20), ir=Block(0, [215, %d, %d] + [0]*20), zero_mode=True)
def edge():
    time.sleep(2)
    store.setValues(2, 0, [1])
threading.Thread(target=edge, daemon=True).start()
StartTcpServer(context=ModbusServerContext(slaves=store, single=True), address=("127.0.0.1", %s))
`, n>>16, n&0xffff, port), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute) // machines are slow at times
	defer cancel()
	ctx = peer.Start(ctx, t, exec.Command(peer.Python, script))
	_, sink, stop := run(ctx, t, at)
	defer stop()
	if !sink.Wait(ctx, func() bool { return len(sink.Of(observation.Kind_KIND_DEVICE_READING)) == 2 }) {
		t.Fatalf("%v", sink.Observations())
	}
	all := sink.Of(observation.Kind_KIND_DEVICE_READING)
	if text := all[0].String(); !strings.Contains(text, "21.5") || !strings.Contains(text, "3.5") {
		t.Errorf("%v", all[0])
	}
	if r := all[1].Body.GetDeviceReading(); r.Message != "loop" || r.Values[0].Text != "on" {
		t.Errorf("%v", all[1])
	}
}

// TestUnplugged: the module goes away and comes back.
func TestUnplugged(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	at := drivertest.FreeAddress(t)
	m := &sim.Module{}
	plugged, unplug := context.WithCancel(ctx)
	served := make(chan error, 1)
	go func() { served <- m.Serve(plugged, at) }()
	_, sink, stop := run(ctx, t, at)
	defer stop()
	status := func() int { return len(sink.Of(observation.Kind_KIND_DEVICE_READING)) }
	if !sink.Wait(ctx, func() bool { return status() > 0 }) {
		t.Fatal("nothing came")
	}
	unplug()
	<-served
	n := status()
	again, end := context.WithCancel(ctx)
	defer end()
	go func() { served <- m.Serve(again, at) }()
	if !sink.Wait(ctx, func() bool { return status() > n }) {
		t.Fatal("nothing came after the device was plugged in again")
	}
}

// TestAsk: one question gives every point with its unit, and why it is an alarm.
func TestAsk(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	at := drivertest.FreeAddress(t)
	m := &sim.Module{}
	m.Input(5, true)
	m.Register(0, 655)
	m.Float(1, 3.5)
	served := make(chan error, 1)
	go func() { served <- m.Serve(ctx, at) }()
	var values []plc.Value
	var err error
	for { // until the module listens
		values, err = plc.Ask(ctx, transport.Modbus{Link: transport.Link{Address: at}, Unit: 1}, profile())
		if err == nil || ctx.Err() != nil {
			break
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, v := range values {
		got[v.Name] = strings.TrimSpace(v.Text + " " + v.Unit + " " + v.Alarm.English())
	}
	want := map[string]string{
		"loop": "off", "stop": "off", "temperature": "65.5 degC temperature is 65.5 °C, above 60",
		"wind": "3.5 m/s", "flag": "off",
	}
	if !maps.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	if m.Coil(2) {
		t.Error("an output was set")
	}
	cancel()
	<-served
}
