package peers

import (
	"fmt"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/observation"
)

// The observations are a portal's background every 5 s, with an event in each hundred: what an outage leaves behind.
// Each has a number, from 0 on, which its time tells.
const (
	device     = "rpm-1"
	firstMs    = 1_800_000_000_000 // time of number 0, ms since 1970
	stepMs     = 5000
	eventEvery = 100
)

// numbered returns the observation of a number.
func numbered(number int) *observation.Observation {
	k := int32(number)
	at := time.UnixMilli(firstMs + int64(number)*stepMs)
	o := observation.New(observation.Class_CLASS_TELEMETRY, at, &observation.RadiationBackground{
		Gamma:   []int32{240 + k%17, 250 + k%13, 245 + k%11, 255 + k%19},
		Neutron: []int32{k % 3, k % 2, 1, k % 4},
	})
	if number%eventEvery == 0 {
		o = observation.New(observation.Class_CLASS_EVENT, at, &observation.DeviceState{State: 2, Reason: fmt.Sprint(k)})
	}
	o.Device = device
	return o
}

// numberAt returns the number of the observation with a time, ns since 1970; ok is false for those that are not ours.
func numberAt(ns int64) (number int, ok bool) {
	n := (ns/1e6 - firstMs) / stepMs
	return int(n), n >= 0
}

// payload returns an observation as a message of peers that carry bytes: in our own encoding, so that none of them pays
// for a larger one.
func payload(o *observation.Observation) ([]byte, error) { return proto.Marshal(o) }

// timeField is the field of an Observation that has its time.
var timeField = (&observation.Observation{}).ProtoReflect().Descriptor().Fields().ByName("time_ns").Number()

// payloadTime returns the time in what payload made, ns since 1970, without decoding the rest of it.
func payloadTime(b []byte) (ns int64, ok bool) {
	for len(b) > 0 {
		field, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			return 0, false
		}
		b = b[n:]
		if field == timeField && kind == protowire.VarintType {
			v, n := protowire.ConsumeVarint(b)
			return int64(v), n > 0
		}
		if n = protowire.ConsumeFieldValue(field, kind, b); n < 0 {
			return 0, false
		}
		b = b[n:]
	}
	return 0, false
}

// jsonSample is how many observations jsonBytes looks at.
const jsonSample = 10_000

// jsonBytes returns the mean size of an observation as JSON, bytes.
func jsonBytes() (float64, error) {
	total := 0
	for i := range jsonSample {
		text, err := protojson.Marshal(numbered(i))
		if err != nil {
			return 0, err
		}
		total += len(text)
	}
	return float64(total) / jsonSample, nil
}
