package kinds

import (
	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/identifier"
	"lanewarden/drivers/observation"
)

// Evidence is the information of one observation about its vehicle. What a device does not tell is zero.
type Evidence struct {
	Lasts   float64 // s that the vehicle was there, at the least when it was weighed
	Told    float64 // s from its time on before which the device cannot have told it: until the vehicle's end
	Speed   float64 // m/s
	Length  float64 // m
	Extent  float64 // m, speed by duration: the length and the detector's own, or more when it stopped
	Reverse bool    // the vehicle goes out the way it came
	Turned  bool    // it turned back over the detector
	Blind   bool    // the device cannot tell which way a vehicle goes

	Tag   bool    // a tag may be heard from the neighbouring lane, and alone makes no vehicle sure
	Faint bool    // a tag that was hardly heard
	Rssi  float64 // dBm, of a tag at its loudest

	Weighs bool    // it is a weighing
	Axle   uint32  // of a weighing: number of the axle; 0 for the whole vehicle
	Kg     float64 // of a weighing

	Names   []Name
	Several bool     // a vehicle may show several of them at one place, one after the other: containers, documents
	Links   []string // names of scans and images that it is about or belongs to
	Follows bool     // it is about an image that comes beside it, and says nothing by itself
}

// Name is something that names a vehicle or what it carries.
type Name struct {
	Kind  string  // one of the kinds of names
	Value string  // for comparison
	Shown string  // for people
	Sure  float64 // of the reader, 0 to 1
	Guess bool    // what it names is not known: a text that a person entered
}

// EvidenceOf returns what an observation says of a vehicle; ok is false when it is about none.
func EvidenceOf(o *observation.Observation) (e Evidence, ok bool) {
	learn := table[o.GetBody().Kind()].evidence
	if learn == nil {
		return Evidence{}, false
	}
	learn(o, &e)
	return e, true
}

// evidenceOf makes a function of one body a function of any observation.
func evidenceOf[M proto.Message](
	learn func(o *observation.Observation, b M, e *Evidence),
) func(*observation.Observation, *Evidence) {
	return func(o *observation.Observation, e *Evidence) {
		if body, ok := o.Body.Typed().(M); ok {
			learn(o, body, e)
		}
	}
}

const kphPerMetrePerSecond = 3.6

// metresPerSecond converts km/h.
func metresPerSecond(kph float32) float64 { return float64(kph) / kphPerMetrePerSecond }

const reverse = "reverse"

// The functions below fill in what one kind tells of its vehicle; Evidence has the units.
func occupancyEvidence(o *observation.Observation, b *observation.RadiationOccupancy, e *Evidence) {
	e.lasts(o.TimeNs, b.EndNs)
	e.Speed, e.Reverse, e.Blind = metresPerSecond(b.SpeedKph), b.Direction == reverse, true
	if e.Speed > 0 && !b.Incomplete {
		e.Extent = e.Speed * e.Lasts
	}
}

func spectrumEvidence(_ *observation.Observation, b *observation.RadiationSpectrum, e *Evidence) {
	e.Speed = metresPerSecond(b.SpeedKph)
}

func loopEvidence(o *observation.Observation, b *observation.VehicleDetection, e *Evidence) {
	e.lasts(o.TimeNs, b.EndNs)
	e.Speed, e.Length = metresPerSecond(b.SpeedKph), float64(b.LengthM)
	e.Reverse, e.Turned = b.Direction == reverse && !b.TurnedBack, b.TurnedBack
}

// faintReads is the number of reads up to which a tag was hardly heard: an antenna reads a tag in its own lane 5 to 50
// times while a vehicle drives by (docs/traffic.md), a reflection from the next lane once or twice.
const faintReads = 2

func tagEvidence(_ *observation.Observation, b *observation.VehicleTag, e *Evidence) {
	e.name(observation.TagName, b.Uri, b.Uri, 1)
	e.lasts(b.FirstNs, b.LastNs)
	e.Tag, e.Faint, e.Rssi, e.Blind = true, b.Reads <= faintReads, float64(b.RssiMaxDbm), true
}

func plateEvidence(_ *observation.Observation, b *observation.VehiclePlate, e *Evidence) {
	skeleton := b.Skeleton
	if skeleton == "" {
		skeleton = identifier.PlateSkeleton(b.Normal)
	}
	e.name(observation.PlateName, skeleton, b.Normal, float64(b.Confidence))
	e.Reverse = b.Direction == reverse
}

func weightEvidence(_ *observation.Observation, b *observation.VehicleWeight, e *Evidence) {
	e.Weighs, e.Axle, e.Kg = true, b.Axle, b.Kg
	if e.Axle == 0 {
		e.Lasts = float64(b.Seconds)
	}
}

func codeEvidence(_ *observation.Observation, b *observation.VehicleCode, e *Evidence) {
	e.name(nameOfCode(b.Type), b.Value, b.Value, 1)
	e.Several = true
}

func imageEvidence(_ *observation.Observation, b *observation.XrayImage, e *Evidence) {
	e.identify(b.OoiId)
	e.link(b.ScanInstance, b.SopInstance)
}

func threatEvidence(_ *observation.Observation, b *observation.XrayThreatReport, e *Evidence) {
	e.identify(b.OoiId)
	e.link(append([]string{b.ScanInstance}, b.ImageInstances...)...)
}

func qualityEvidence(_ *observation.Observation, b *observation.XrayQuality, e *Evidence) {
	e.link(b.ScanInstance, b.ImageInstance)
	e.Follows = true
}

func previewEvidence(_ *observation.Observation, b *observation.XrayPreview, e *Evidence) {
	e.link(b.ImageInstance)
	e.Follows = true
}

func analysisEvidence(_ *observation.Observation, b *observation.TraceAnalysis, e *Evidence) {
	e.identify(b.Sample)
}

func readingEvidence(o *observation.Observation, b *observation.VehicleReading, e *Evidence) {
	e.lasts(o.TimeNs, b.EndNs)
	e.Told = e.Lasts
	e.Speed, e.Length = metresPerSecond(b.SpeedKph), float64(b.LengthM)
	e.Reverse, e.Blind = b.Direction == reverse, b.Direction == ""
	if e.Speed > 0 {
		e.Extent = e.Speed * e.Lasts
	}
}

// lasts sets the duration from two times in ns, of which 0 is unknown.
func (e *Evidence) lasts(from, to int64) {
	if to > from && from > 0 {
		e.Lasts = float64(to-from) / 1e9
	}
}

// link adds names of scans and images that several observations of one vehicle share.
func (e *Evidence) link(names ...string) {
	for _, n := range names {
		if n != "" {
			e.Links = append(e.Links, n)
		}
	}
}

// name adds a name of a kind: value as it compares, shown as people see it, sure from 0 to 1.
func (e *Evidence) name(kind, value, shown string, sure float64) {
	if value != "" {
		e.Names = append(e.Names, Name{Kind: kind, Value: value, Shown: shown, Sure: sure})
	}
}

// nameOfCode returns the kind of name that a scanned code of a type is. Carriers and importers have many vehicles:
// their codes belong to the presentation, and say nothing for or against two vehicles being one.
func nameOfCode(kind string) string {
	switch identifier.Kind(kind) {
	case identifier.Container:
		return observation.ContainerName
	case identifier.CarrierCode, identifier.CarrierCard, identifier.SCAC, identifier.Importer:
		return observation.PartyName
	}
	return observation.CodeName
}

// identify adds what a text can name that a person or a device gave as the name of what is inspected: a plate, a
// container, a tag.
func (e *Evidence) identify(text string) {
	if text == "" {
		return
	}
	guess := func(kind, value, shown string) {
		e.Names = append(e.Names, Name{Kind: kind, Value: value, Shown: shown, Sure: 1, Guess: true})
	}
	if r, err := identifier.ParseContainer(text); err == nil && r.Check != identifier.CheckWrong {
		guess(observation.ContainerName, r.Value, r.Value)
		return
	}
	plain := identifier.NormalPlate(text)
	guess(observation.ContainerName, plain, plain)
	guess(observation.PlateName, identifier.PlateSkeleton(plain), plain)
	guess(observation.TagName, text, text)
	guess(observation.CodeName, plain, plain)
}
