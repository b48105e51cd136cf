package views

import (
	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/observation"
)

// hours counts rows of class alarm by kind, and vehicles that a device saw, of each row. Passages and outcomes are
// counted by the fold of passages, which takes back what it counted of a passage before it counts it again. All
// counters are written here: counters.go.
var hours = fold{
	name: "hours", version: 2, tables: []string{"view_count"}, schema: counterSchema,
	bodies: []observation.Kind{observation.Kind_KIND_RADIATION_SPECTRUM},
	begin:  func(b *batch) folding { return &hourFolding{b} },
}

// What is counted. Behind those with a dot the kind of the alarm, or the outcome, stands.
const (
	CountPassages   = "passages"   // vehicles
	CountAlarms     = "alarms"     // vehicles with an alarm, or with one that may be theirs
	CountBlind      = "blind"      // vehicles that a station could not see, as its devices were not running
	CountDwell      = "dwell"      // vehicles by the seconds that they were in the lane: Counted.Seconds
	CountClass      = "class."     // closed vehicles by length: short, medium, long, unknown
	CountDetections = "detections" // vehicles as one device counts them
	CountAlarmKind  = "alarm."     // rows of class alarm
	CountOutcome    = "outcome."   // decisions in force
)

type hourFolding struct{ *batch }

func (h *hourFolding) row(r *row) error {
	d := observation.Describe(r.Kind)
	alarm := r.Class == observation.Class_CLASS_ALARM
	if d.Detections == nil && !alarm {
		return nil
	}
	if err := storable(r.Device); err != nil {
		return err
	}
	if alarm {
		h.count(r.TimeNs, r.Owner, "", r.Device, CountAlarmKind+r.Kind.Name(), 1)
	}
	if d.Detections == nil {
		return nil
	}
	var body proto.Message
	switch r.Kind {
	case observation.Kind_KIND_RADIATION_SPECTRUM:
		b, err := r.body()
		if err != nil {
			return err
		}
		body = b.Typed()
	default:
		body = &observation.RadiationOccupancy{} // each is one vehicle
	}
	if n := int64(d.Detections(body)); n > 0 {
		h.count(r.TimeNs, r.Owner, "", r.Device, CountDetections, n)
	}
	return nil
}

func (h *hourFolding) erased(*row) error { return nil }

func (h *hourFolding) finish() error { return h.writeCounters() }
