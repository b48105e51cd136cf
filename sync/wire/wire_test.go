package wire

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/google/go-cmp/cmp"

	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/drivers/radiation/tsa/sim"
)

func codec(t testing.TB) *Codec {
	c, err := NewCodec()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

var drawRow = rapid.Custom(func(t *rapid.T) Row {
	return Row{
		Idx: rapid.Int64Range(1, 1000).Draw(t, "step"), Time: rapid.Int64Range(0, 4e18).Draw(t, "time"),
		Device: rapid.StringMatching(`[a-z]{1,8}`).Draw(t, "device"), Kind: observation.Kind(rapid.IntRange(16, 26).Draw(t, "kind")),
		Body: rapid.SliceOfN(rapid.Byte(), 0, 50).Draw(t, "body"),
	}
})

func TestBatchRoundTrip(t *testing.T) {
	c := codec(t)
	rapid.Check(t, func(rt *rapid.T) {
		rows := rapid.SliceOfN(drawRow, 1, 40).Draw(rt, "rows")
		prev := rapid.Int64Range(-1, 1e12).Draw(rt, "prev")
		unit := rapid.SampledFrom(timeUnits).Draw(rt, "unit")
		idx := prev
		for i := range rows {
			idx += rows[i].Idx
			rows[i].Idx, rows[i].Time = idx, rows[i].Time/unit*unit
		}
		payload, err := c.Encode(NewBatch([]byte("journal"), observation.Class_CLASS_EVENT, prev, rows))
		if err != nil {
			rt.Fatal(err)
		}
		var b Batch
		if err := c.Decode(payload, &b); err != nil {
			rt.Fatal(err)
		}
		got, err := b.Rows()
		if err != nil {
			rt.Fatal(err)
		}
		for i := range rows {
			if string(rows[i].Body) != string(got[i].Body) {
				rt.Fatalf("row %d: bodies differ", i)
			}
			rows[i].Body, got[i].Body = nil, nil
		}
		if d := cmp.Diff(rows, got); d != "" {
			rt.Fatal(d)
		}
	})
}

func TestBadBatchesAreRefused(t *testing.T) {
	good := func() *Batch {
		return NewBatch(nil, observation.Class_CLASS_EVENT, 4, []Row{{Idx: 5, Device: "a", Kind: 16, Body: []byte("x")}, {Idx: 7, Device: "b", Kind: 17, Body: []byte("yz")}})
	}
	if _, err := good().Rows(); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*Batch){
		"no rows":           func(b *Batch) { b.IdxDelta = nil },
		"class":             func(b *Batch) { b.Class = 9 },
		"prev":              func(b *Batch) { b.Prev = -2 },
		"idx stands still":  func(b *Batch) { b.IdxDelta[1] = 0 },
		"idx overflows":     func(b *Batch) { b.IdxDelta[1] = 1 << 63 },
		"time column":       func(b *Batch) { b.TimeDelta = nil },
		"time unit":         func(b *Batch) { b.TimeUnitNs = 0 },
		"device number":     func(b *Batch) { b.Device[1] = 2 },
		"device column":     func(b *Batch) { b.Device = b.Device[:1] },
		"no devices":        func(b *Batch) { b.Devices = nil },
		"empty device":      func(b *Batch) { b.Devices[0] = "" },
		"long device":       func(b *Batch) { b.Devices[0] = strings.Repeat("x", 256) },
		"body too long":     func(b *Batch) { b.BodyLen[1] = 99 },
		"bytes left":        func(b *Batch) { b.Bodies = append(b.Bodies, 1) },
		"kind out of range": func(b *Batch) { b.Kind[0] = 1 << 16 },
	} {
		b := good()
		spoil(b)
		_, err := b.Rows()
		if err == nil {
			t.Errorf("%s: accepted", name)
			continue
		}
		if m := message.Of(err); m.Is("quoted") || m.In(message.French) == m.English() {
			t.Errorf("%s: %q in French", name, m.In(message.French))
		}
	}
}

func TestTopics(t *testing.T) {
	for _, class := range observation.Classes {
		topic := ClassTopic("site", "agent", class)
		site, agent, leaf, err := ParseTopic(topic)
		if err != nil || site != "site" || agent != "agent" || leaf == "" {
			t.Errorf("%s: %q %q %q %v", topic, site, agent, leaf, err)
		}
	}
	for _, bad := range []string{"", "lw1/a/b", "lw2/a/b/t", "lw1//b/t", "lw1/a/b/t/x"} {
		if _, _, _, err := ParseTopic(bad); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}

func FuzzDecode(f *testing.F) {
	c, err := NewCodec()
	if err != nil {
		f.Fatal(err)
	}
	payload, err := c.Encode(NewBatch(make([]byte, 16), observation.Class_CLASS_EVENT, 4, []Row{{Idx: 5, Device: "a", Kind: 16, Body: []byte("x")}}))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(payload)
	raw, err := proto.Marshal(NewBatch(make([]byte, 16), observation.Class_CLASS_ALARM, -1, []Row{{Idx: 0, Device: "a", Kind: 16}, {Idx: 3, Device: "b", Kind: 17}}))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Fuzz(func(t *testing.T, in []byte) {
		var b Batch
		if c.Decode(in, &b) == nil {
			b.Rows()
		}
		if proto.Unmarshal(in, &b) == nil { // behind the compression, where fuzzing gets deeper
			b.Rows()
		}
	})
}

// backgrounds makes rows of background telemetry, 8 counts each, every 5 s with a millisecond or two of jitter.
func backgrounds(n int) []Row {
	r := rand.New(rand.NewPCG(7, 7))
	rows := make([]Row, n)
	t := time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC)
	for i := range rows {
		o := observation.New(observation.Class_CLASS_TELEMETRY, t, &observation.RadiationBackground{Gamma: make([]int32, 4), Neutron: make([]int32, 4)})
		b := o.Body.GetRadiationBackground()
		for k := range 4 {
			b.Gamma[k], b.Neutron[k] = int32(sim.Poisson(r, 250)), int32(sim.Poisson(r, 1.2))
		}
		o.Body.ClockErrorMs, o.Body.AgentDelayNs = 8, r.Int64N(2)*1e6
		body, err := proto.Marshal(o.Body)
		if err != nil {
			panic(err)
		}
		rows[i] = Row{Idx: int64(1000 + i), Time: t.UnixNano(), Device: "rpm-1", Kind: o.Body.Kind(), Body: body}
		t = t.Add(5*time.Second + time.Duration(r.Int64N(3))*time.Millisecond)
	}
	return rows
}

// BenchmarkWireBytes shows what an observation costs on the wire, by rows in a batch, beside the same as JSON.
func BenchmarkWireBytes(b *testing.B) {
	c := codec(b)
	for _, n := range []int{1, 12, 60, 720, 4096} {
		b.Run(fmt.Sprintf("background/rows=%d", n), func(b *testing.B) {
			rows := backgrounds(n)
			payload := 0
			for b.Loop() {
				p, err := c.Encode(NewBatch(make([]byte, 16), observation.Class_CLASS_TELEMETRY, 999, rows))
				if err != nil {
					b.Fatal(err)
				}
				payload = len(p)
			}
			b.ReportMetric(float64(payload)/float64(n), "bytes/obs")
			b.ReportMetric(float64(jsonBytes(b, rows))/float64(n), "json-bytes/obs")
		})
	}
}

// kindSamples are typical observations of each kind.
func kindSamples(r *rand.Rand) map[string]proto.Message {
	counts := func(n int, mean float64) []int32 {
		out := make([]int32, n)
		for i := range out {
			out[i] = int32(sim.Poisson(r, mean))
		}
		return out
	}
	occupancy := &observation.RadiationOccupancy{
		Number: r.Uint32N(9000), StartNs: 1_800_000_000_000_000_000, EndNs: 1_800_000_010_000_000_000, End: observation.RadiationOccupancy_END_MARKED, GammaIntervalMs: 200,
		NeutronIntervalMs: 1000, GammaBackground: counts(4, 250), NeutronBackground: counts(4, 1.2), GammaMax: 1000, SigmaMax: r.Float32(), SigmaLimit: 7,
		WindowIntervals: 5, SpeedKph: 5 + r.Float32(), BeamSeconds: r.Float32(), GammaMaxDetector: []uint32{260, 270, 255, 266},
	}
	for range 4 {
		occupancy.Gamma = append(occupancy.Gamma, &observation.Series{Counts: counts(50, 45)})
		occupancy.Neutron = append(occupancy.Neutron, &observation.Series{Counts: counts(10, 1.2)})
	}
	return map[string]proto.Message{
		"radiation.background":                        &observation.RadiationBackground{Gamma: counts(4, 250), Neutron: counts(4, 1.2)},
		"radiation.occupancy (10 s, 4 + 4 detectors)": occupancy,
		"radiation.tamper":                            &observation.RadiationTamper{Tripped: r.IntN(2) == 0},
		"radiation.fault":                             &observation.RadiationFault{Fault: 1, Counts: counts(4, 900)},
		"device.state":                                &observation.DeviceState{State: 4, Reason: "192.0.2.10:1601: dial tcp 192.0.2.10:1601: connect: connection refused"},
		"device.fault":                                &observation.DeviceFault{Reason: "byte 1042: line has no counts", Offset: r.Int64N(1e6), Excerpt: []byte("GB"), Count: 1, Source: "192.0.2.10:1601"},
	}
}

// BenchmarkWireKinds shows what each kind costs on the wire in a batch of twelve, beside the same as JSON.
func BenchmarkWireKinds(b *testing.B) {
	c := codec(b)
	r := rand.New(rand.NewPCG(8, 8))
	for name := range kindSamples(r) {
		b.Run(name, func(b *testing.B) {
			rows := make([]Row, 12)
			for i := range rows {
				o := observation.New(observation.Class_CLASS_EVENT, time.UnixMilli(1_800_000_000_000+int64(i)*5000), kindSamples(r)[name])
				o.Body.ClockErrorMs = 8
				body, err := proto.Marshal(o.Body)
				if err != nil {
					b.Fatal(err)
				}
				rows[i] = Row{Idx: int64(100 + i), Time: o.TimeNs, Device: "rpm-1", Kind: o.Body.Kind(), Body: body}
			}
			payload := 0
			for b.Loop() {
				p, err := c.Encode(NewBatch(make([]byte, 16), observation.Class_CLASS_EVENT, 99, rows))
				if err != nil {
					b.Fatal(err)
				}
				payload = len(p)
			}
			b.ReportMetric(float64(payload)/12, "bytes/obs")
			b.ReportMetric(float64(jsonBytes(b, rows))/12, "json-bytes/obs")
		})
	}
}

func jsonBytes(b *testing.B, rows []Row) (n int) {
	for _, r := range rows {
		body := &observation.Body{}
		if err := proto.Unmarshal(r.Body, body); err != nil {
			b.Fatal(err)
		}
		j, err := protojson.Marshal(&observation.Observation{Class: observation.Class_CLASS_TELEMETRY, TimeNs: r.Time, Device: r.Device, Body: body})
		if err != nil {
			b.Fatal(err)
		}
		n += len(j)
	}
	return n
}
