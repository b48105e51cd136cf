package detection

import (
	"reflect"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/kinds"
	"lanewarden/drivers/observation"
)

var start = time.Date(2026, 5, 4, 6, 0, 0, 0, time.UTC)

func after(s float64) int64 { return start.Add(time.Duration(s * 1e9)).UnixNano() }

// TestOf: what each kind of observation says of a vehicle.
func TestOf(t *testing.T) {
	for _, c := range []struct {
		name string
		body proto.Message
		want Detection // without what all have
	}{
		{"occupancy", &observation.RadiationOccupancy{EndNs: after(4), SpeedKph: 7.2}, Detection{Evidence: kinds.Evidence{Blind: true, Lasts: 4, Speed: 2, Extent: 8}}},
		{"occupancy without its end", &observation.RadiationOccupancy{EndNs: after(4), SpeedKph: 7.2, Incomplete: true}, Detection{Evidence: kinds.Evidence{Blind: true, Lasts: 4, Speed: 2}}},
		{"occupancy that ends before it begins", &observation.RadiationOccupancy{EndNs: after(-4)}, Detection{Evidence: kinds.Evidence{Blind: true}}},
		{"occupancy of a reversing vehicle", &observation.RadiationOccupancy{Direction: "reverse"}, Detection{Evidence: kinds.Evidence{Blind: true, Reverse: true}}},
		{"spectrum", &observation.RadiationSpectrum{SpeedKph: 3.6}, Detection{Evidence: kinds.Evidence{Speed: 1}}},
		{"loop", &observation.VehicleDetection{EndNs: after(2), SpeedKph: 7.2, LengthM: 8}, Detection{Evidence: kinds.Evidence{Lasts: 2, Speed: 2, Length: 8}}},
		{"loop that was left backwards", &observation.VehicleDetection{TurnedBack: true}, Detection{Evidence: kinds.Evidence{Turned: true}}},
		{"tag", &observation.VehicleTag{Uri: "urn:x", FirstNs: after(0), LastNs: after(3), Reads: 9, RssiMaxDbm: -51},
			Detection{Evidence: kinds.Evidence{Lasts: 3, Tag: true, Blind: true, Rssi: -51, Names: []kinds.Name{{Kind: "tag", Value: "urn:x", Shown: "urn:x", Sure: 1}}}}},
		{"tag hardly heard", &observation.VehicleTag{Uri: "urn:x", Reads: 2},
			Detection{Evidence: kinds.Evidence{Tag: true, Blind: true, Faint: true, Names: []kinds.Name{{Kind: "tag", Value: "urn:x", Shown: "urn:x", Sure: 1}}}}},
		{"plate", &observation.VehiclePlate{Normal: "B0X1", Skeleton: "80X1", Confidence: 0.5},
			Detection{Evidence: kinds.Evidence{Names: []kinds.Name{{Kind: "plate", Value: "80X1", Shown: "B0X1", Sure: 0.5}}}}},
		{"plate that could not be read", &observation.VehiclePlate{}, Detection{}},
		{"weight of an axle", &observation.VehicleWeight{Axle: 2, Kg: 6000}, Detection{Evidence: kinds.Evidence{Weighs: true, Axle: 2, Kg: 6000}}},
		{"code", &observation.VehicleCode{Type: "container", Value: "CSQU3054383"},
			Detection{Evidence: kinds.Evidence{Several: true, Names: []kinds.Name{{Kind: "container", Value: "CSQU3054383", Shown: "CSQU3054383", Sure: 1}}}}},
		{"a device without a kind of its own", &observation.VehicleReading{EndNs: after(2), SpeedKph: 7.2, LengthM: 8},
			Detection{Evidence: kinds.Evidence{Lasts: 2, Told: 2, Speed: 2, Length: 8, Extent: 4, Blind: true}}},
		{"quality of a scan", &observation.XrayQuality{ScanInstance: "1.2", ImageInstance: "1.3"}, Detection{Evidence: kinds.Evidence{Follows: true, Links: []string{"1.2", "1.3"}}}},
		{"preview", &observation.XrayPreview{ImageInstance: "1.3"}, Detection{Evidence: kinds.Evidence{Follows: true, Links: []string{"1.3"}}}},
		{"image without a name", &observation.XrayImage{ScanInstance: "1.2"}, Detection{Evidence: kinds.Evidence{Links: []string{"1.2"}}}},
		{"threat report", &observation.XrayThreatReport{ScanInstance: "1.2", ImageInstances: []string{"1.3", "1.4"}}, Detection{Evidence: kinds.Evidence{Links: []string{"1.2", "1.3", "1.4"}}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := observation.New(observation.Class_CLASS_EVENT, start, c.body)
			o.Device, o.Key = "d", "k"
			o.Body.AgentDelayNs = 2e9
			got := *Of(7, o, 0)
			want := c.want
			want.Idx, want.Device, want.Key, want.Kind, want.Class = 7, "d", "k", o.Body.Kind(), o.Class
			want.Raw, want.At, want.Arrived = Seconds(start), Seconds(start), Seconds(start)+2
			got.Speed, want.Speed = float64(float32(got.Speed)), float64(float32(want.Speed))
			got.Extent, want.Extent = float64(float32(got.Extent)), float64(float32(want.Extent))
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got %+v\nwant %+v", got, want)
			}
		})
	}
}

// TestOffset: a time is corrected by the offset of the clock that stamped it, and says which clock that was.
func TestOffset(t *testing.T) {
	o := observation.New(observation.Class_CLASS_EVENT, start.Add(80*time.Second), &observation.VehiclePlate{})
	o.Body.AgentDelayNs = -79e9
	if ByOwnClock(o) {
		t.Error("it is by the agent's clock")
	}
	if o.Body.DeviceTimeNs = o.TimeNs; !ByOwnClock(o) {
		t.Error("it is by the device's clock")
	}
	if o.Body.DeviceTimeNs++; ByOwnClock(o) {
		t.Error("its time is another one than its device's")
	}
	o.Body.DeviceTimeNs--
	if ByOwnClock(&observation.Observation{Body: &observation.Body{}}) {
		t.Error("it has no time, and is by a device's clock")
	}
	d := Of(1, o, 80*time.Second)
	if d.Raw != Seconds(start)+80 || d.At != Seconds(start) || d.Arrived != Seconds(start)+1 {
		t.Errorf("%+v", d)
	}
	if d.Lasts = 4; d.End() != Seconds(start)+4 {
		t.Errorf("its end left at %.1f", d.End())
	}
	if got := Time(Seconds(start) + 0.25); !got.Equal(start.Add(250 * time.Millisecond)) {
		t.Errorf("time is %v", got)
	}
}

// TestOfNone: what is of no vehicle makes no detection.
func TestOfNone(t *testing.T) {
	for _, body := range []proto.Message{
		&observation.DeviceState{}, &observation.DeviceCondition{}, &observation.PassageClosed{},
	} {
		if d := Of(1, observation.New(observation.Class_CLASS_EVENT, start, body), 0); d != nil {
			t.Errorf("%T: %+v", body, d)
		}
	}
}
