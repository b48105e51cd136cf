package rfid_test

import (
	"context"
	"fmt"
	"net"
	"testing"
	"time"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/driver/drivertest"
	"lanewarden/drivers/observation"
	"lanewarden/drivers/transport"
	"lanewarden/drivers/vehicle/llrp"
	"lanewarden/drivers/vehicle/llrp/sim"
	"lanewarden/drivers/vehicle/rfid"
)

// TestWholeSession runs the driver against a reader that sends fragments of messages, and several at a time.
func TestWholeSession(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	reader := &sim.Reader{Fragment: true, ClockError: 90 * time.Second}
	served := make(chan error, 1)
	go func() { served <- reader.Serve(ctx, l) }()
	links, err := transport.NewOpener(nil)
	if err != nil {
		t.Fatal(err)
	}
	d, err := rfid.Spec.New(&rfid.Config{
		Address: l.Addr().String(), Antennas: []uint16{1, 2}, TIDWords: 2, UserWords: 1, Hold: 300 * time.Millisecond,
		Longest: time.Minute, Keepalive: 100 * time.Millisecond, SilentAfter: 20 * time.Second,
	}, driver.Env{Device: "rfid", Links: links})
	if err != nil {
		t.Fatal(err)
	}
	sink := drivertest.NewSink()
	running, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- d.Run(running, sink) }()
	eventually(ctx, t, "the reader to be started", reader.Started)
	const tags = 20
	for i := range 200 {
		reader.Read(sim.Tag{EPC: sim.EPC(614141, uint64(i%tags)), Antenna: uint16(1 + i%2),
			RSSI: -60, At: time.Now(), TID: []byte{0xe2, 0x80, 1, 2, 3, 4}})
	}
	reader.End()
	reader.Antenna(2, false)
	reader.Antenna(2, true)
	if !sink.Wait(ctx, func() bool {
		return len(sink.Of(observation.Kind_KIND_VEHICLE_TAG)) == tags &&
			len(sink.Of(observation.Kind_KIND_DEVICE_CONDITION)) == 3
	}) {
		t.Fatalf("%d tags, %d conditions", len(sink.Of(observation.Kind_KIND_VEHICLE_TAG)),
			len(sink.Of(observation.Kind_KIND_DEVICE_CONDITION)))
	}
	eventually(ctx, t, "the reader to be started again", func() bool { return reader.Starts() == 2 })
	stop()
	<-done
	reads := uint32(0)
	for _, o := range sink.Of(observation.Kind_KIND_VEHICLE_TAG) {
		tag := o.Body.GetVehicleTag()
		reads += tag.Reads
		if string(tag.Tid) != "\xe2\x80\x01\x02" ||
			fmt.Sprint(tag.MemoryFaults) != "[user memory: the tag did not answer]" {
			t.Errorf("memory: %v", tag)
		}
		if tag.Scheme != "giai-96" || len(tag.Antennas) == 0 || o.Body.DeviceTimeNs-o.TimeNs < int64(60*time.Second) {
			t.Errorf("%v", o)
		}
	}
	if n := len(sink.Of(observation.Kind_KIND_DEVICE_FAULT)); reads != 200 || n != 0 {
		t.Errorf("%d reads of 200, %d faults", reads, n)
	}
	for _, want := range []llrp.MessageType{llrp.GetCapabilities, llrp.SetConfig, llrp.AddROSpec,
		llrp.AddAccessSpec, llrp.EnableAccessSpec, llrp.GetConfig, llrp.EnableROSpec, llrp.StartROSpec,
		llrp.KeepaliveAck, llrp.DeleteROSpec, llrp.CloseConnection} {
		eventually(ctx, t, "the driver's "+want.String(), func() bool { return reader.Seen(want) })
	}
	cancel()
	<-served
}

// eventually waits until something holds that no observation tells of.
func eventually(ctx context.Context, t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("waited in vain for %s", what)
		}
	}
}
