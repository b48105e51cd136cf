package scale

import (
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/driver/drivertest"
	"lanewarden/drivers/observation"
	"lanewarden/drivers/transport"
)

func config(address string) *Config {
	return &Config{Link: transport.Link{Address: address}, MinKg: 300, Stable: 5, AxleGap: 10 * time.Second,
		SilentAfter: 5 * time.Second}
}

// vehicle is what the scale sends while one comes, stands and leaves.
func vehicle(kg float64, rest int) (out []byte) {
	frame := func(v float64, motion bool) { out = append(out, Encode(Frame{Kg: v, Motion: motion}, false)...) }
	frame(0, false)
	for i := range 10 {
		frame(kg*float64(i+1)/10, true)
	}
	for range rest {
		frame(kg, false)
	}
	frame(kg/2, true)
	frame(20, false)
	return out
}

func TestConforms(t *testing.T) {
	in := append(vehicle(18240, 8), vehicle(7000, 0)...)
	drivertest.Stream{
		Spec: Spec, Settings: func(address string) any { return config(address) }, Input: in, Cut: 17*12 + 5,
		Normal: func(o *observation.Observation) {
			if w := o.Body.GetVehicleWeight(); w != nil {
				w.Seconds = 0
			}
		},
	}.Run(t)
}

func feed(d *decoder, at time.Time, data []byte) (out []*observation.VehicleWeight) {
	for ; len(data) > 0; data = data[min(17, len(data)):] {
		at = at.Add(100 * time.Millisecond)
		for _, o := range d.Feed(at, data[:min(17, len(data))]) {
			if w := o.Body.GetVehicleWeight(); w != nil {
				out = append(out, w)
			}
		}
	}
	return out
}

func testDecoder(c *Config) *decoder {
	return newDecoder(*c, &driver.Faults{}, func(driver.Sample) {})
}

func TestWeights(t *testing.T) {
	c := config("")
	c.LimitKg = 18000
	d := testDecoder(c)
	at := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	got := feed(d, at, append(vehicle(18240, 8), vehicle(7000, 0)...))
	if len(got) != 2 || got[0].Kg != 18240 || !got[0].Overload || got[0].Unstable || got[0].Axle != 0 ||
		got[1].Kg != 7000 || !got[1].Unstable || got[1].Overload {
		t.Errorf("%v", got)
	}
	c.Axles = true
	d = testDecoder(c)
	got = feed(d, at, append(vehicle(6000, 8), vehicle(7000, 8)...))
	got = append(got, feed(d, at.Add(time.Minute), vehicle(5000, 8))...)
	if len(got) != 3 || got[0].Axle != 1 || got[1].Axle != 2 || got[2].Axle != 1 {
		t.Errorf("axles: %v", got)
	}
}

func TestFrames(t *testing.T) {
	f, err := Decode([]byte("\x02\x2c\x31\x20   123     0\r")) // 0.01 kg, net
	if err != nil || f.Kg != 1.23 || !f.Net {
		t.Errorf("%+v %v", f, err)
	}
	f, err = Decode([]byte("\x02\x22\x2a\x20   100     0\r")) // pounds, negative, motion
	if err != nil || math.Abs(f.Kg+45.359) > 1e-9 || !f.Motion {
		t.Errorf("%+v %v", f, err)
	}
	for text, want := range map[string]string{
		"\x02\x22\x30\x20  12x4     0\r": `weight "  12x4" is no number`,
		"\x02\x02\x30\x20  1234     0\r": "bit 5 is always set",
		"\x02\x22\x30":                   "a frame of 3 bytes",
	} {
		if _, err := Decode([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
	c := config("")
	c.Checksum = true
	d := testDecoder(c)
	good := Encode(Frame{Kg: 500}, true)
	bad := append([]byte(nil), good...)
	bad[17] ^= 1
	d.Feed(time.Unix(1, 0), append(append([]byte("noise"), bad...), good...))
	if d.Sound() != 1 || d.faults.Total != 2 {
		t.Errorf("%d sound frames, %d faults", d.Sound(), d.faults.Total)
	}
	rapid.Check(t, func(t *rapid.T) {
		f := Frame{
			Kg:     float64(rapid.IntRange(-99999, 999999).Draw(t, "kg")),
			TareKg: float64(rapid.IntRange(0, 99999).Draw(t, "tare")), Motion: rapid.Bool().Draw(t, "motion"),
			Net: rapid.Bool().Draw(t, "net"), OutOfRange: rapid.Bool().Draw(t, "range"),
		}
		f.Negative = f.Kg < 0
		got, err := Decode(Encode(f, false))
		if err != nil || got != f {
			t.Fatalf("%+v came back as %+v, %v", f, got, err)
		}
	})
}

func FuzzDecoder(f *testing.F) {
	f.Add(vehicle(18240, 8), false)
	f.Add([]byte("\x02\x02\x22"), true)
	f.Fuzz(func(t *testing.T, data []byte, sum bool) {
		c := config("")
		c.Checksum = sum
		d := testDecoder(c)
		for i := 0; i < len(data); i += 7 {
			d.Feed(time.Unix(int64(i), 0), data[i:min(i+7, len(data))])
		}
		d.Break(time.Unix(1e6, 0))
		if len(d.buf) > 18 {
			t.Errorf("%d bytes are kept", len(d.buf))
		}
	})
}
