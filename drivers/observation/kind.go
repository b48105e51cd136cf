package observation

import "google.golang.org/protobuf/proto"

// Subject is the thing that observations of a kind describe.
type Subject int

// The subjects.
const (
	OfVehicle   Subject = iota + 1 // what a device observed of a vehicle, or of what it carries
	OfDevice                       // the device's own state: faults, backgrounds, calibrations, settings
	OfSite                         // the surroundings: climate, power, clock
	OfAgent                        // the agent itself
	OfPassage                      // to which vehicle readings belong
	OfPeople                       // what a person did
	OfClearance                    // whether a vehicle may go on
	OfCase                         // how an alarm is adjudicated
)

// View names how the pages draw an observation beside its sentence.
type View string

// The views. For "", and for one that they do not know, pages draw nothing beside the sentence.
const (
	StripChart View = "strip-chart" // counts over time, with background and limit
	Spectrum   View = "spectrum"    // counts and nuclides by detector
	Scan       View = "scan"        // an X-ray image
	Threats    View = "threats"     // the objects of a threat report
	Plasmagram View = "plasmagram"  // an ion scanner's analysis
	Plate      View = "plate"       // the plate's picture
	Weight     View = "weight"      // the weight in large
	Card       View = "card"        // its sentence, and what was measured
)

// The kinds of names that vehicles and what they carry are read by.
const (
	PlateName     = "plate"
	TagName       = "tag"
	ContainerName = "container"
	CodeName      = "code"  // of a document or of a person
	PartyName     = "party" // a carrier or an importer, who have many vehicles
)

// Descriptor describes what one kind of observation is, and how it is used. What a passage learns from it, and its
// sentence, are in package kinds.
type Descriptor struct {
	Kind    Kind
	Subject Subject
	Unit    string // of the value that is named first, "kg"; "" when it has none
	View    View
	Reads   string // kind of name that it is a read of, PlateName or TagName; "" when it names nothing for certain
	// Detections counts how many vehicles an observation stands for in a device's counters; nil for none.
	Detections func(proto.Message) uint64
	// Faults counts how many inputs that could not be decoded an observation stands for; nil for none.
	Faults func(proto.Message) uint64
	// DependsOnPast is set when an observation rests on what was before a recording of its device: a replay of the
	// recording cannot give the same.
	DependsOnPast bool
}

// Describe returns the descriptor of a kind; the zero Descriptor for one that this version does not know.
func Describe(k Kind) Descriptor { return byKind[k] }

var byKind = func() map[Kind]Descriptor {
	m := make(map[Kind]Descriptor, len(descriptors))
	for _, d := range descriptors {
		m[d.Kind] = d
	}
	return m
}()

// descriptors has one entry for every kind. A test compares it with the schema.
var descriptors = []Descriptor{
	{Kind: Kind_KIND_RADIATION_OCCUPANCY, Subject: OfVehicle, Unit: "σ", View: StripChart,
		Detections: countOf(func(*RadiationOccupancy) uint64 { return 1 })},
	{Kind: Kind_KIND_RADIATION_SPECTRUM, Subject: OfVehicle, Unit: "/s", View: Spectrum,
		Detections: countOf(occupied)},
	{Kind: Kind_KIND_RADIATION_BACKGROUND, Subject: OfDevice, Unit: "/s"},
	{Kind: Kind_KIND_RADIATION_FAULT, Subject: OfDevice, Unit: "/s"},
	{Kind: Kind_KIND_RADIATION_TAMPER, Subject: OfDevice},
	{Kind: Kind_KIND_RADIATION_SETUP, Subject: OfDevice},
	{Kind: Kind_KIND_XRAY_IMAGE, Subject: OfVehicle, Unit: "kV", View: Scan},
	{Kind: Kind_KIND_XRAY_THREAT_REPORT, Subject: OfVehicle, View: Threats},
	{Kind: Kind_KIND_XRAY_QUALITY, Subject: OfVehicle},
	{Kind: Kind_KIND_XRAY_PREVIEW, Subject: OfVehicle},
	{Kind: Kind_KIND_XRAY_FAULT, Subject: OfDevice},
	{Kind: Kind_KIND_TRACE_ANALYSIS, Subject: OfVehicle, View: Plasmagram},
	{Kind: Kind_KIND_TRACE_VERIFICATION, Subject: OfDevice},
	{Kind: Kind_KIND_TRACE_BLANK, Subject: OfDevice},
	{Kind: Kind_KIND_TRACE_CALIBRATION, Subject: OfDevice},
	{Kind: Kind_KIND_TRACE_HEALTH, Subject: OfDevice},
	{Kind: Kind_KIND_TRACE_QUALITY, Subject: OfDevice, DependsOnPast: true},
	{Kind: Kind_KIND_VEHICLE_DETECTION, Subject: OfVehicle, Unit: "km/h"},
	{Kind: Kind_KIND_VEHICLE_TAG, Subject: OfVehicle, Unit: "dBm", Reads: TagName},
	{Kind: Kind_KIND_VEHICLE_PLATE, Subject: OfVehicle, View: Plate, Reads: PlateName},
	{Kind: Kind_KIND_VEHICLE_WEIGHT, Subject: OfVehicle, Unit: "kg", View: Weight},
	{Kind: Kind_KIND_VEHICLE_CODE, Subject: OfVehicle, View: Card},
	{Kind: Kind_KIND_VEHICLE_READING, Subject: OfVehicle, View: Card},
	{Kind: Kind_KIND_DEVICE_READING, Subject: OfDevice},
	{Kind: Kind_KIND_DEVICE_STATE, Subject: OfDevice, DependsOnPast: true},
	{Kind: Kind_KIND_DEVICE_MAINTENANCE, Subject: OfPeople},
	{Kind: Kind_KIND_DEVICE_FAULT, Subject: OfDevice,
		Faults: countOf(func(b *DeviceFault) uint64 { return uint64(b.Count) })},
	{Kind: Kind_KIND_DEVICE_CONDITION, Subject: OfDevice},
	{Kind: Kind_KIND_DEVICE_IMPORT, Subject: OfDevice},
	{Kind: Kind_KIND_SITE_CLIMATE, Subject: OfSite, Unit: "°C"},
	{Kind: Kind_KIND_SITE_POWER, Subject: OfSite, Unit: "V"},
	{Kind: Kind_KIND_SITE_CLOCK, Subject: OfSite, Unit: "ms"},
	{Kind: Kind_KIND_AGENT_STARTED, Subject: OfAgent},
	{Kind: Kind_KIND_AGENT_CLOCK_STEP, Subject: OfAgent, Unit: "s"},
	{Kind: Kind_KIND_AGENT_PRUNED, Subject: OfAgent},
	{Kind: Kind_KIND_AGENT_ERASED, Subject: OfAgent},
	{Kind: Kind_KIND_ORDER_RECEIVED, Subject: OfPeople},
	{Kind: Kind_KIND_ORDER_RESULT, Subject: OfAgent},
	{Kind: Kind_KIND_ORDERS_CHECKED, Subject: OfAgent},
	{Kind: Kind_KIND_BUNDLE_STATE, Subject: OfAgent},
	{Kind: Kind_KIND_PASSAGE_OPENED, Subject: OfPassage},
	{Kind: Kind_KIND_PASSAGE_UPDATED, Subject: OfPassage},
	{Kind: Kind_KIND_PASSAGE_CLOSED, Subject: OfPassage},
	{Kind: Kind_KIND_PASSAGE_CORRECTED, Subject: OfPassage},
	{Kind: Kind_KIND_AGENT_ACCESS, Subject: OfPeople},
	{Kind: Kind_KIND_DEVICE_TEST, Subject: OfPeople},
	{Kind: Kind_KIND_LANE_OUTPUT, Subject: OfPeople},
	{Kind: Kind_KIND_CLEARANCE_DECISION, Subject: OfClearance},
	{Kind: Kind_KIND_CLEARANCE_OVERRIDE, Subject: OfPeople},
	{Kind: Kind_KIND_CLEARANCE_SECRET, Subject: OfClearance},
	{Kind: Kind_KIND_CLEARANCE_SEEN, Subject: OfClearance},
	{Kind: Kind_KIND_CASE_OPENED, Subject: OfCase},
	{Kind: Kind_KIND_CASE_ALARMS, Subject: OfCase},
	{Kind: Kind_KIND_CASE_EVENT, Subject: OfCase},
}

// countOf makes a count of one body a count of any.
func countOf[M proto.Message](count func(M) uint64) func(proto.Message) uint64 {
	return func(m proto.Message) uint64 {
		body, ok := m.(M)
		if !ok {
			return 0
		}
		return count(body)
	}
}

// occupied counts a spectrum that was taken of a vehicle, not of the background.
func occupied(b *RadiationSpectrum) uint64 {
	if b.Occupied {
		return 1
	}
	return 0
}
