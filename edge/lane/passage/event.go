package passage

import (
	"time"

	"lanewarden/drivers/identifier"
	"lanewarden/drivers/observation"
)

// Row is an observation of the journal.
type Row struct {
	Idx int64
	*observation.Observation
}

// event is what the correlator takes of a row.
type event struct {
	Row
	kind    observation.Kind
	station *Station
	raw     time.Time // as the device says
	at      time.Time // corrected by the device's clock offset: the vehicle's front is at the station
	until   time.Time // zero when it is not known
	speed   float64   // m/s; 0 when it is not known
	length  float64   // m
	extent  float64   // m, speed by duration: the length and the detector's own, or more when it stopped
	reverse bool      // it goes out the way it came
	back    bool      // it turned back over one detector
	weak    bool      // too weak to open a passage: a tag may be the neighbouring lane's
	faint   bool      // and this one was hardly heard
	linked  bool      // another observation says whose it is: its own time says nothing
	follows bool      // it is about an image that comes beside it
	again   bool      // it has waited for its vehicle
	due     time.Time // when it will have
	many    bool      // one vehicle gives several of these: axles
	ids     []identity
	links   []string // names of scans and images that this observation is about
}

// identity is something that names a vehicle or what it carries.
type identity struct {
	kind  string // plate, tag, container, code, party
	value string // for comparison
	shown string // for people
	sure  float64
	guess bool   // what it names is not known: a text that a person entered
	by    string // the device that said it first
}

// relevant reports whether observations of a kind belong to passages at all.
func relevant(k observation.Kind) bool {
	switch k {
	case observation.Kind_KIND_RADIATION_OCCUPANCY, observation.Kind_KIND_RADIATION_SPECTRUM, observation.Kind_KIND_XRAY_IMAGE, observation.Kind_KIND_XRAY_THREAT_REPORT,
		observation.Kind_KIND_XRAY_QUALITY, observation.Kind_KIND_XRAY_PREVIEW, observation.Kind_KIND_TRACE_ANALYSIS, observation.Kind_KIND_VEHICLE_DETECTION,
		observation.Kind_KIND_VEHICLE_TAG, observation.Kind_KIND_VEHICLE_PLATE, observation.Kind_KIND_VEHICLE_WEIGHT, observation.Kind_KIND_VEHICLE_CODE:
		return true
	}
	return false
}

// eventOf takes a row apart. at is its time, corrected.
func eventOf(r Row, station *Station, at time.Time) *event {
	e := &event{Row: r, kind: r.Body.Kind(), station: station, raw: r.Time(), at: at}
	shift := at.Sub(r.Time())
	ns := func(v int64) time.Time {
		if v == 0 {
			return time.Time{}
		}
		return time.Unix(0, v).UTC().Add(shift)
	}
	id := func(kind, value, shown string, sure float64) {
		if value != "" {
			e.ids = append(e.ids, identity{kind: kind, value: value, shown: shown, sure: sure, by: r.Device})
		}
	}
	switch b := r.Body.Typed().(type) {
	case *observation.RadiationOccupancy:
		e.until, e.speed, e.reverse = ns(b.EndNs), float64(b.SpeedKph)/3.6, b.Direction == "reverse"
		if e.speed > 0 && !b.Incomplete {
			e.extent = e.speed * e.until.Sub(at).Seconds()
		}
	case *observation.RadiationSpectrum:
		e.speed = float64(b.SpeedKph) / 3.6
	case *observation.VehicleDetection:
		e.until, e.speed, e.length = ns(b.EndNs), float64(b.SpeedKph)/3.6, float64(b.LengthM)
		e.reverse, e.back = b.Direction == "reverse", b.TurnedBack
	case *observation.VehicleTag:
		id("tag", b.Uri, b.Uri, 1)
		e.until = at.Add(time.Duration(b.LastNs - b.FirstNs))
		e.weak, e.faint = true, b.Reads <= 2
	case *observation.VehiclePlate:
		id("plate", b.Skeleton, b.Normal, float64(b.Confidence))
		e.reverse = b.Direction == "reverse"
	case *observation.VehicleWeight:
		e.many = b.Axle > 0
	case *observation.VehicleCode:
		id(codeKind(b.Type), b.Value, b.Value, 1)
	case *observation.XrayImage:
		identify(e, b.OoiId)
		e.links = []string{b.ScanInstance, b.SopInstance}
	case *observation.XrayThreatReport:
		identify(e, b.OoiId)
		e.links = append([]string{b.ScanInstance}, b.ImageInstances...)
	case *observation.XrayQuality:
		e.links, e.follows = []string{b.ScanInstance, b.ImageInstance}, true
	case *observation.XrayPreview:
		e.links, e.follows = []string{b.ImageInstance}, true
	case *observation.TraceAnalysis:
		identify(e, b.Sample)
	}
	return e
}

// codeKind is the kind of identity that a scanned code of a type is. Carriers and importers have many vehicles: their codes belong to the
// presentation, and say nothing for or against two vehicles being one.
func codeKind(kind string) string {
	switch identifier.Kind(kind) {
	case identifier.Container:
		return "container"
	case identifier.CarrierCode, identifier.CarrierCard, identifier.SCAC, identifier.Importer:
		return "party"
	}
	return "code"
}

// identify takes a text that a person or a device gave as the name of what is inspected: a plate, a container, a tag.
func identify(e *event, text string) {
	if text == "" {
		return
	}
	add := func(kind, value, shown string) {
		e.ids = append(e.ids, identity{kind, value, shown, 1, true, e.Device})
	}
	plain := normal(text)
	if r, err := identifier.ParseContainer(text); err == nil && r.Check != identifier.CheckWrong {
		add("container", r.Value, r.Value)
		return
	}
	add("container", plain, plain)
	add("plate", skeleton(plain), plain)
	add("tag", text, text)
	add("code", plain, plain)
}
