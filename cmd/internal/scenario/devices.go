package scenario

import (
	"fmt"
	"math"
	"time"

	"lanewarden/drivers/identifier"
	"lanewarden/drivers/observation"
	"lanewarden/drivers/vehicle/barcode"
	"lanewarden/drivers/vehicle/llrp"
	platesim "lanewarden/drivers/vehicle/plate/sim"
)

// see generates the reports of a device about a vehicle in its zone.
func (g *generator) see(s sight) {
	switch s.Kind {
	case "loop":
		g.loop(s)
	case "portal":
		g.portal(s)
	case "tag":
		g.tagOf(s)
	}
	if s.reverse { // the others look at who comes in
		return
	}
	switch s.Kind {
	case "plate":
		g.plateOf(s)
	case "scale":
		g.weigh(s)
	case "code":
		g.codes(s)
	case "papers":
		g.show(s)
	case "spectrum":
		g.spectrum(s)
	case "xray":
		g.image(s)
	}
}

// loop is a pair of loops: speed between the two, length by how long the first was covered, as drivers/vehicle/gpio has
// it. Both err when the vehicle stops there.
func (g *generator) loop(s sight) {
	speed := s.speed * between(g.rng, 0.97, 1.03)
	direction := "forward"
	if s.reverse {
		direction = "reverse"
	}
	d := &observation.VehicleDetection{
		Station: s.ID, StartNs: g.ns(s.ID, s.from), EndNs: g.ns(s.ID, s.until), Direction: direction, TurnedBack: s.turned,
		SpeedKph: float32(speed * 3.6), LengthM: float32(max(0, speed*(s.until-s.from)-zone)),
	}
	if s.turned {
		d.SpeedKph, d.LengthM = 0, 0 // it did not go over both from end to end
	}
	g.tell(g.report(s, s.from, s.until+0.05, d))
}

// loud is the class of a report of a portal.
func (s *sight) loud() observation.Class {
	if s.alarm {
		return observation.Class_CLASS_ALARM
	}
	return observation.Class_CLASS_EVENT
}

// portal is a radiation portal's occupancy. It cannot tell which way the vehicle went.
func (g *generator) portal(s sight) {
	r := g.report(s, s.from, s.until+0.3, &observation.RadiationOccupancy{
		StartNs: g.ns(s.ID, s.from), EndNs: g.ns(s.ID, s.until), End: observation.RadiationOccupancy_END_MARKED,
		SpeedKph: float32(s.speed * 3.6 * between(g.rng, 0.9, 1.1)), GammaAlarm: s.alarm,
	})
	r.class = s.loud()
	g.tell(r)
}

// spectrum is a spectroscopic portal's measurement.
func (g *generator) spectrum(s sight) {
	r := g.report(s, s.from, s.until+2, &observation.RadiationSpectrum{Occupied: true, StartNs: g.ns(s.ID, s.from)})
	r.class = s.loud()
	g.tell(r)
}

// plateOf is a plate reader's reading.
func (g *generator) plateOf(s sight) {
	if s.Plate == "" {
		return
	}
	read, sure := platesim.Misread(g.rng, s.Plate, 1-g.Faults.Misread)
	normal := identifier.NormalPlate(read)
	shot := s.from + between(g.rng, 0.5, 1.5)
	g.tell(g.report(s, shot, shot+between(g.rng, 0.5, 2), &observation.VehiclePlate{
		Plate: read, Normal: normal, Skeleton: identifier.PlateSkeleton(normal), Confidence: float32(sure), Camera: s.ID,
	}))
}

// tagOf is the presence of a vehicle's tag before an antenna. It sits behind the windscreen, and is heard some metres
// before the antenna and behind it.
func (g *generator) tagOf(s sight) {
	if !s.HasTag {
		return
	}
	near, far := s.position-between(g.rng, 2, 5), s.position+between(g.rng, 2, 5)
	var first, last float64
	switch heard := s.path.reaches(far); {
	case s.reverse && heard: // it went out of the field, and comes again
		first, last = s.path.back(far, s.Speed), s.path.back(near, s.Speed)
	case s.reverse: // it is heard all the time
		return
	case heard:
		first, last = s.path.at(near), s.path.at(far)
	default:
		first, last = s.path.at(near), s.path.back(near, s.Speed)
	}
	r := g.tag(s.ID, s.Tag, first, last, uint32(5+g.rng.IntN(20)), -58)
	r.vehicle, r.special = s.index, s.Case
	g.tell(r)
}

// tag is the presence of a tag, from and to seconds since the day began.
func (g *generator) tag(device string, epc [12]byte, first, last float64, reads uint32, dbm int32) report {
	_, uri := llrp.EPCURI(epc[:])
	return report{-1, device, "neighbour", g.at(first), g.at(last + 2), observation.Class_CLASS_EVENT, &observation.VehicleTag{
		Epc: epc[:], Scheme: "giai-96", Uri: uri, FirstNs: g.ns(device, first), LastNs: g.ns(device, last),
		Reads: reads, RssiMaxDbm: dbm,
	}}
}

// neighbour is a tag of a lane that is none of these, heard once.
func (g *generator) neighbour(device string, at time.Time) {
	epc := [12]byte{0x34, 0x14, 0x25, 0x7b, 0xf4, 9}
	for i := 6; i < 10; i++ {
		epc[i] = byte(g.rng.Uint32())
	}
	first := at.Sub(g.begin).Seconds()
	g.tell(g.tag(device, epc, first, first+0.2, 1, -78))
}

// weigh is a weighbridge's weighing, told when the whole vehicle is on it.
func (g *generator) weigh(s sight) {
	kg := s.Type.Kg * between(g.rng, 0.7, 1.3)
	at := s.from + 2
	rest := max(at+1, s.until-1)
	g.tell(g.report(s, at, rest, &observation.VehicleWeight{Kg: math.Round(kg/20) * 20, Seconds: float32(rest - at)}))
}

// codes are the container numbers of a vehicle, one report each.
func (g *generator) codes(s sight) {
	shot := s.from + between(g.rng, 1, 2)
	for i, code := range s.Containers {
		if g.rng.Float64() < g.Faults.Code {
			code = misreadCode(g.rng, code)
		}
		at := shot + 0.3*float64(i)
		g.tell(g.report(s, at, at+0.5, barcode.Classify(code, nil)))
	}
}

// show is a driver at the booth, who holds one code after the other before the scanner.
func (g *generator) show(s sight) {
	at := s.from + between(g.rng, 1, 3)
	for _, code := range s.Shown.Codes {
		g.tell(g.report(s, at, at+0.1, barcode.Classify(code, nil)))
		at += between(g.rng, 0.5, 1.5)
	}
}

// image is an X-ray scan: the image, and later its preview and report. One in a hundred comes an hour late.
func (g *generator) image(s sight) {
	scan := fmt.Sprintf("1.2.3.%d.%d", s.index, g.rng.Uint32())
	image := scan + ".1"
	ooi := s.Container
	if ooi == "" {
		ooi = s.Plate
	}
	if g.rng.Float64() < g.Faults.Anonymous {
		ooi = ""
	}
	told := s.from + between(g.rng, 30, 90)
	if g.rng.Float64() < 0.01 {
		told += 3600
	}
	g.tell(g.report(s, s.from+1, told, &observation.XrayImage{OoiId: ooi, ScanInstance: scan, SopInstance: image}))
	g.tell(g.report(s, s.from+1, told+2, &observation.XrayPreview{ImageInstance: image}))
	r := g.report(s, s.from+20, told+5, &observation.XrayThreatReport{
		OoiId: ooi, ScanInstance: scan, ImageInstances: []string{image},
	})
	if g.rng.Float64() < g.Faults.Alarms {
		r.class = observation.Class_CLASS_ALARM
	}
	g.tell(r)
}

// swab is an officer's swab, two minutes or so after the vehicle was through.
func (g *generator) swab(i int, device string) {
	v := &g.day.Vehicles[i]
	end := g.begin
	for _, t := range v.Leave {
		if t.After(end) {
			end = t
		}
	}
	at := end.Add(sec(between(g.rng, 60, 180)))
	class := observation.Class_CLASS_EVENT
	if g.rng.Float64() < 0.05 {
		class = observation.Class_CLASS_ALARM
	}
	body := &observation.TraceAnalysis{Sample: v.name(), Verdict: "clear"}
	g.tell(report{i, device, v.Case, at, at.Add(sec(15)), class, body})
}
