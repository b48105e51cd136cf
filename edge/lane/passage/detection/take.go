package detection

import (
	"time"

	"lanewarden/drivers/observation"
)

// Of takes an observation of a relevant kind apart. offset is how far the clock that stamped it is ahead of the
// agent's.
func Of(idx int64, o *observation.Observation, offset time.Duration) *Detection {
	d := &Detection{
		Idx: idx, Device: o.Device, Key: o.Key, Kind: o.Body.Kind(), Class: o.Class,
		Raw: Seconds(o.Time()), At: Seconds(o.Time().Add(-offset)), Arrived: Seconds(Arrival(o)),
	}
	for _, a := range o.Body.Artifacts {
		d.Artifacts = append(d.Artifacts, a.Sha256)
	}
	switch b := o.Body.Typed().(type) {
	case *observation.RadiationOccupancy:
		d.lasts(o.TimeNs, b.EndNs)
		d.Speed, d.Reverse = float64(b.SpeedKph)/3.6, b.Direction == "reverse"
		if d.Speed > 0 && !b.Incomplete {
			d.Extent = d.Speed * d.Lasts
		}
	case *observation.RadiationSpectrum:
		d.Speed = float64(b.SpeedKph) / 3.6
	case *observation.VehicleDetection:
		d.lasts(o.TimeNs, b.EndNs)
		d.Speed, d.Length = float64(b.SpeedKph)/3.6, float64(b.LengthM)
		d.Reverse, d.Turned = b.Direction == "reverse" && !b.TurnedBack, b.TurnedBack
	case *observation.VehicleTag:
		d.name("tag", b.Uri, b.Uri, 1)
		d.lasts(b.FirstNs, b.LastNs)
		d.Tag, d.Faint, d.Rssi = true, b.Reads <= faintReads, float64(b.RssiMaxDbm)
	case *observation.VehiclePlate:
		d.name("plate", b.Skeleton, b.Normal, float64(b.Confidence))
		d.Reverse = b.Direction == "reverse"
	case *observation.VehicleWeight:
		d.Weighs, d.Axle, d.Kg = true, b.Axle, b.Kg
		if d.Axle == 0 {
			d.Lasts = float64(b.Seconds)
		}
	case *observation.VehicleCode:
		d.name(codeKind(b.Type), b.Value, b.Value, 1)
	case *observation.XrayImage:
		d.identify(b.OoiId)
		d.link(b.ScanInstance, b.SopInstance)
	case *observation.XrayThreatReport:
		d.identify(b.OoiId)
		d.link(append([]string{b.ScanInstance}, b.ImageInstances...)...)
	case *observation.XrayQuality:
		d.link(b.ScanInstance, b.ImageInstance)
		d.Follows = true
	case *observation.XrayPreview:
		d.link(b.ImageInstance)
		d.Follows = true
	case *observation.TraceAnalysis:
		d.identify(b.Sample)
	}
	return d
}

// faintReads is the number of reads up to which a tag was hardly heard: an antenna reads a tag in its own lane 5 to 50
// times while a vehicle drives by (docs/traffic.md), a reflection from the next lane once or twice.
const faintReads = 2

// lasts takes the duration from two times in ns, of which 0 is unknown.
func (d *Detection) lasts(from, to int64) {
	if to > from && from > 0 {
		d.Lasts = float64(to-from) / 1e9
	}
}

func (d *Detection) link(names ...string) {
	for _, n := range names {
		if n != "" {
			d.Links = append(d.Links, n)
		}
	}
}
