// Command gendict makes the dictionary that both sides of the wire hold, from synthetic messages of every kind that
// an agent sends often. It writes dictionary.bin into the current directory and is run by hand: agents in the field
// hold the one that is there, and another training gives another. A new dictionary needs a new id, and a hub that
// knows both.
package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"time"

	"github.com/klauspost/compress/dict"
	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/observation"
	"lanewarden/drivers/radiation/tsa/sim"
	"lanewarden/sync/wire"
)

// dictID is the dictionary's id in zstd frames.
const dictID = 0x4c5701 // "LW", first edition

func main() {
	d, err := dict.BuildZstdDict(samples(), dict.Options{MaxDictSize: 6 << 10, HashBytes: 5, ZstdDictID: dictID})
	if err == nil {
		err = os.WriteFile("dictionary.bin", d, 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "gendict:", err)
		os.Exit(1)
	}
}

var rng = rand.New(rand.NewPCG(1, 2))

func counts(n int, mean float64) []int32 {
	out := make([]int32, n)
	for i := range out {
		out[i] = int32(sim.Poisson(rng, mean))
	}
	return out
}

func samples() (out [][]byte) {
	journal := make([]byte, 16)
	for i := range 1500 {
		for j := range journal {
			journal[j] = byte(rng.Uint32())
		}
		class, bodies := message(i)
		rows := make([]wire.Row, len(bodies))
		idx, t := rng.Int64N(1<<24), time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()+rng.Int64N(1e10)
		for k, m := range bodies {
			o := observation.New(class, time.UnixMilli(t), m)
			o.Body.ClockErrorMs, o.Body.AgentDelayNs = 1<<rng.IntN(6), rng.Int64N(4)*1e6
			body, err := proto.MarshalOptions{Deterministic: true}.Marshal(o.Body)
			if err != nil {
				panic(err)
			}
			idx, t = idx+1+rng.Int64N(2), t+5000+rng.Int64N(5)
			rows[k] = wire.Row{Idx: idx, Time: t * 1e6, Device: []string{"rpm-1", "rpm-2", "asp-1"}[i%3],
				Kind: o.Body.Kind(), Body: body}
		}
		raw, err := proto.Marshal(wire.NewBatch(journal, class, rows[0].Idx-1, rows))
		if err != nil {
			panic(err)
		}
		out = append(out, raw)
	}
	return out
}

// message draws the rows of a batch.
func message(i int) (class observation.Class, out []proto.Message) {
	class = observation.Class_CLASS_EVENT
	switch i % 10 {
	case 0:
		return class, []proto.Message{occupancy(false)}
	case 1:
		return observation.Class_CLASS_ALARM, []proto.Message{occupancy(true)}
	case 2:
		state := observation.DeviceState_State(2 + rng.IntN(4))
		return class, []proto.Message{&observation.DeviceState{State: state,
			Reason: "the portal closed the connection"}}
	case 3:
		return class, []proto.Message{&observation.DeviceFault{Reason: "byte 0: line has no counts", Count: 1,
			Source: "192.0.2.10:1601"}}
	}
	for range 1 + rng.IntN(30) {
		out = append(out, &observation.RadiationBackground{Gamma: counts(4, 230+40*rng.Float64()),
			Neutron: counts(4, 1.2)})
	}
	return observation.Class_CLASS_TELEMETRY, out
}

func occupancy(alarm bool) proto.Message {
	n, start := 30+rng.IntN(60), rng.Int64N(1e18)
	o := &observation.RadiationOccupancy{
		Number: rng.Uint32N(5000), StartNs: start, EndNs: start + int64(n)*200e6,
		End:             observation.RadiationOccupancy_END_MARKED,
		GammaIntervalMs: 200, NeutronIntervalMs: 1000, GammaBackground: counts(4, 250),
		NeutronBackground: counts(4, 1.2),
		GammaMax:          uint32(900 + rng.IntN(300)), SigmaLimit: 7, WindowIntervals: 5, GammaAlarm: alarm,
		GammaAlarmRecomputed: alarm,
		SpeedKph:             5 + 3*rng.Float32(), SigmaMax: rng.Float32(), BeamSeconds: 0.2 + rng.Float32(),
	}
	for range 4 {
		o.Gamma = append(o.Gamma, &observation.Series{Counts: counts(n, 45)})
		o.Neutron = append(o.Neutron, &observation.Series{Counts: counts(n/5, 1.2)})
		o.GammaMaxDetector = append(o.GammaMaxDetector, uint32(250+rng.IntN(50)))
	}
	return o
}
