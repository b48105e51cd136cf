package rfid

import (
	"context"
	"math"
	"net"
	"strings"
	"testing"
	"time"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/driver/drivertest"
	"lanewarden/drivers/observation"
	"lanewarden/drivers/transport"
	"lanewarden/drivers/vehicle/llrp"
)

var at = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

// report is a report of one read.
func report(epc byte, antenna uint16, rssi int8, t time.Time) []byte {
	e := make([]byte, 12)
	e[0], e[11] = 0xe2, epc
	us := llrp.B8(uint64(t.UnixMicro()))
	return llrp.Encode(llrp.ROAccessReport, 7,
		llrp.TLV(240, llrp.TV(13, e), llrp.TV(1, llrp.B2(antenna)), llrp.TV(6, []byte{byte(rssi)}),
			llrp.TV(2, us), llrp.TV(4, us), llrp.TV(8, llrp.B2(1))))
}

// input is what a sound reader sends, unasked.
func input() (out []byte) {
	out = append(out,
		llrp.Encode(llrp.ReaderEvent, 1, llrp.TLV(246, llrp.TLV(128, llrp.B8(uint64(at.UnixMicro()))),
			llrp.TLV(256, llrp.B2(0))))...)
	for i := range 5 {
		out = append(out, report(1, 1, int8(-60+i), at.Add(time.Duration(i)*100*time.Millisecond))...)
		out = append(out, report(2, 2, -70, at.Add(time.Duration(i)*100*time.Millisecond))...)
	}
	out = append(out,
		llrp.Encode(llrp.ReaderEvent, 9, llrp.TLV(246, llrp.TLV(128, llrp.B8(uint64(at.UnixMicro()))),
			llrp.TLV(255, []byte{0}, llrp.B2(2))))...)
	return append(out, llrp.Encode(llrp.Keepalive, 10)...)
}

func settings(address string) any {
	return &Config{Address: address, Hold: 200 * time.Millisecond, Longest: 30 * time.Second,
		Keepalive: time.Second, SilentAfter: 20 * time.Second}
}

func TestConforms(t *testing.T) {
	in := input()
	drivertest.Stream{Spec: Spec, Settings: settings, Input: in, Cut: len(in) - 25,
		Normal: func(*observation.Observation) {}}.Run(t)
}

func TestPresence(t *testing.T) {
	p := presences{hold: time.Second, longest: 10 * time.Second, here: map[string]*presence{}}
	var all []*observation.Observation
	read1 := func(sec float64, antenna uint32, rssi int32) {
		now := at.Add(time.Duration(sec * float64(time.Second)))
		all = append(all,
			p.add(now, read{epc: []byte{1, 2}, antenna: antenna, rssi: rssi, count: 2, first: now.UnixNano(),
				last: now.UnixNano()})...)
	}
	read1(0, 1, -60)
	read1(0.5, 2, -50)
	read1(0.9, 1, -55)
	all = append(all, p.tick(at.Add(3*time.Second))...)
	for i := range 24 { // stays for twelve seconds
		read1(5+float64(i)/2, 1, -60)
	}
	all = append(all, p.flush()...)
	if len(all) != 2 {
		t.Fatalf("%d presences: %v", len(all), all)
	}
	one := all[0].Body.GetVehicleTag()
	if one.Reads != 6 || one.RssiMaxDbm != -50 || len(one.Antennas) != 2 || one.Antennas[0].Reads != 4 ||
		one.Antennas[0].RssiMaxDbm != -55 || one.LastNs-one.FirstNs != 9e8 {
		t.Errorf("%v", one)
	}
	if two := all[1].Body.GetVehicleTag(); two.Reads < 40 || all[1].TimeNs != at.Add(5*time.Second).UnixNano() {
		t.Errorf("%v", two)
	}
	if math.Abs(float64(len(p.here))) != 0 {
		t.Error("something is left")
	}
}

// TestClockThatBeginsAnew reads one tag twice at one time of the reader, whose clock began anew: both are kept, a
// repeat once.
func TestClockThatBeginsAnew(t *testing.T) {
	sink := drivertest.NewSink()
	for _, rssi := range []int32{-60, -40, -60} {
		p := presences{hold: time.Second, longest: 10 * time.Second, here: map[string]*presence{}}
		obs := append(p.add(at, read{epc: []byte{1, 2}, antenna: 1, rssi: rssi, count: 1, first: 1000, last: 1000}),
			p.flush()...)
		if _, err := sink.Commit(t.Context(), obs...); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(sink.Observations()); n != 2 {
		t.Errorf("%d presences", n)
	}
}

// TestRefusals: a reader that has another client, or does not like what we ask, is told with its own words.
func TestRefusals(t *testing.T) {
	for want, first := range map[string][]byte{
		"another client is connected": llrp.Encode(llrp.ReaderEvent, 1,
			llrp.TLV(246, llrp.TLV(128, llrp.B8(1)), llrp.TLV(256, llrp.B2(2)))),
		"refused our GET_READER_CAPABILITIES (its capabilities): status 401, not today": append(
			llrp.Encode(llrp.ReaderEvent, 1, llrp.TLV(246, llrp.TLV(128, llrp.B8(1)), llrp.TLV(256, llrp.B2(0)))),
			llrp.Encode(llrp.GetCapabilitiesResponse, 1,
				llrp.TLV(287, llrp.B2(401), llrp.B2(9), []byte("not today")))...),
	} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			c, err := l.Accept()
			if err == nil {
				c.Write(first)
				time.Sleep(time.Second)
				c.Close()
			}
		}()
		links, err := transport.NewOpener(nil)
		if err != nil {
			t.Fatal(err)
		}
		d, err := Spec.New(settings(l.Addr().String()), driver.Env{Device: "rfid", Links: links})
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Run(context.Background(), drivertest.NewSink()); err == nil ||
			!strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
		l.Close()
	}
}

func FuzzReadOf(f *testing.F) {
	f.Add(llrp.TLV(240, llrp.TV(13, make([]byte, 12)), llrp.TV(1, llrp.B2(1))))
	f.Fuzz(func(t *testing.T, payload []byte) {
		m, err := llrp.Decode(llrp.ROAccessReport, 1, payload)
		if err != nil {
			return
		}
		for i := range m.Params {
			readOf(&m.Params[i])
		}
	})
}
