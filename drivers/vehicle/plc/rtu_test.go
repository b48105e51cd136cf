package plc_test

import (
	"context"
	"encoding/binary"
	"os"
	"testing"
	"time"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/driver/drivertest"
	"lanewarden/drivers/observation"
	"lanewarden/drivers/transport"
	"lanewarden/drivers/vehicle/plc"
)

// slave answers requests on the other end of a serial line: registers hold 215, discrete input 5 is on, coils take what
// they are told.
func slave(line *os.File) {
	var in []byte
	buf := make([]byte, 256)
	for {
		n, err := line.Read(buf)
		if err != nil {
			return
		}
		in = append(in, buf[:n]...)
		for len(in) >= 8 {
			request := in[:8]
			in = in[8:]
			unit, function, count := request[0], request[1], int(binary.BigEndian.Uint16(request[4:]))
			out := []byte{unit, function}
			switch function {
			case 1, 2:
				bits := make([]byte, (count+7)/8)
				for i := range count {
					if int(binary.BigEndian.Uint16(request[2:]))+i == 5 {
						bits[i/8] |= 1 << (i % 8)
					}
				}
				out = append(append(out, byte(len(bits))), bits...)
			case 3, 4:
				out = append(out, byte(2*count))
				for range count {
					out = binary.BigEndian.AppendUint16(out, 215)
				}
			default: // a write: the same back
				out = append(out, request[2:6]...)
			}
			line.Write(binary.LittleEndian.AppendUint16(out, transport.ModbusCRC(out)))
		}
	}
}

// TestRTU asks a module on a serial line, a pseudo-terminal.
func TestRTU(t *testing.T) {
	master, port := drivertest.Terminal(t)
	defer master.Close()
	go slave(master)
	d, err := plc.Spec.New(&plc.Config{
		Modbus: transport.Modbus{Link: transport.Link{Serial: &transport.Serial{Port: port,
			Baud: 19200, DataBits: 8, StopBits: 1}}, Unit: 7},
		Profile: driver.Ref[plc.Profile]{Name: "test", Value: profile()}, Poll: 50 * time.Millisecond,
		Report: time.Hour,
	}, driver.Env{Device: "io"})
	if err != nil {
		t.Fatal(err)
	}
	sink := drivertest.NewSink()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	done := make(chan error, 1)
	running, stop := context.WithCancel(ctx)
	go func() { done <- d.Run(running, sink) }()
	ok := sink.Wait(ctx, func() bool { return len(sink.Of(observation.Kind_KIND_DEVICE_READING)) > 0 })
	err = d.(driver.Commander).Command(ctx, "barrier", "on", "test")
	stop()
	ended := <-done
	if !ok || err != nil {
		t.Fatalf("%v, command %v, driver %v", sink.Observations(), err, ended)
	}
	for _, v := range sink.Of(observation.Kind_KIND_DEVICE_READING)[0].Body.GetDeviceReading().Values {
		if want := map[string]string{"temperature": "21.5", "loop": "off", "stop": "off"}[v.Name]; want != "" &&
			v.Text != want {
			t.Errorf("%s is %s, not %s", v.Name, v.Text, want)
		}
	}
}
