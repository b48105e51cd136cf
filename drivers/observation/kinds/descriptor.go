// Package kinds describes every kind of observation in one place: what it is about, what a passage learns from it, and
// how people are shown it. A journal row or an observation goes in; its descriptor, its evidence of a vehicle and its
// sentence in English and French come out. Whatever depends on the kind of an observation asks here, so that a new
// kind is one entry of the table in table.go.
package kinds

import (
	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/observation"
)

// Subject is what observations of a kind are about.
type Subject int

// The subjects.
const (
	OfVehicle Subject = iota + 1 // what a device observed of a vehicle, or of what it carries
	OfDevice                     // the device's own state: faults, backgrounds, calibrations, settings
	OfSite                       // the surroundings: climate, power, clock
	OfAgent                      // the agent itself
	OfPassage                    // to which vehicle readings belong
	OfPeople                     // what a person did
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

// Descriptor says what one kind of observation is, and how it is used.
type Descriptor struct {
	Kind     observation.Kind
	Subject  Subject
	Unit     string // of the value that is named first, "kg"; "" when it has none
	View     View
	Sentence func(proto.Message) Text
	// Evidence adds to e what o says of a vehicle. It is nil for kinds that are about none.
	Evidence func(o *observation.Observation, e *Evidence)
	Reads    string // kind of name that it is a read of, "plate" or "tag"; "" when it names nothing for certain
	// Detections counts how many vehicles an observation stands for in a device's counters; nil for none.
	Detections func(proto.Message) uint64
	// Faults counts how many inputs that could not be decoded an observation stands for; nil for none.
	Faults func(proto.Message) uint64
	// DependsOnPast is set when an observation rests on what was before a recording of its device: a replay of the
	// recording cannot give the same.
	DependsOnPast bool
}

// Find returns the descriptor of a kind. ok is false for one that this version does not know.
func Find(k observation.Kind) (d *Descriptor, ok bool) {
	d, ok = byKind[k]
	return d, ok
}

// All returns the descriptors of all kinds, in the order of the table. They are not to be changed.
func All() []Descriptor { return table }

var byKind = func() map[observation.Kind]*Descriptor {
	m := make(map[observation.Kind]*Descriptor, len(table))
	for i := range table {
		m[table[i].Kind] = &table[i]
	}
	return m
}()

// About returns what observations of a kind are about; 0 for one that this version does not know.
func About(k observation.Kind) Subject {
	if d, ok := byKind[k]; ok {
		return d.Subject
	}
	return 0
}

// ViewOf returns how observations of a kind are drawn.
func ViewOf(k observation.Kind) View {
	if d, ok := byKind[k]; ok {
		return d.View
	}
	return ""
}

// IsOfVehicle reports whether observations of a kind belong to passages.
func IsOfVehicle(k observation.Kind) bool {
	d, ok := byKind[k]
	return ok && d.Evidence != nil
}

// Sentence returns what an observation says in one sentence. It is empty for a kind that this version does not know:
// whoever shows it has the kind's name beside it.
func Sentence(o *observation.Observation) Text {
	if o.GetBody() == nil {
		return Text{}
	}
	d, ok := byKind[o.Body.Kind()]
	if !ok {
		return Text{}
	}
	return d.Sentence(o.Body.Typed())
}

// sentenceOf makes a function of one body a function of any.
func sentenceOf[M proto.Message](say func(M) Text) func(proto.Message) Text {
	return func(m proto.Message) Text {
		body, ok := m.(M)
		if !ok {
			return Text{}
		}
		return say(body)
	}
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
