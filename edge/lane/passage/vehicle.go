package passage

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"lanewarden/drivers/kinds"
	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/drivers/observation/units"
	"lanewarden/edge/lane/passage/associate"
	"lanewarden/edge/lane/passage/detection"
	"lanewarden/edge/lane/passage/motion"
)

// vehicle is a passage: a vehicle that is in the lane, or was. At most one group has it.
type vehicle struct {
	id               string
	lane             int        // index in the group
	readings         []*reading // by the time of the detection
	otherCandidateOf []*reading // that were given to others, and may be this one's
	opened           bool       // told
	closed           float64    // s; 0 while it is open
	end              observation.PassageEnd
	ended            bool    // its end was told
	counted          bool    // what it teaches has been learnt
	emptied          float64 // s, since when it has no readings; 0 while it has some
	known            *facts  // what its readings say; nil when they have changed since
	seen             uint64  // devices whose late results are its own for good
	home             *group  // that it is enrolled in; nil when it was dropped
	place            float64 // s, first detection by which it was sorted; NaN when it was not yet
	listed           bool    // it is among those of its group that have changed
}

// reading is a detection and its assignment: the passage that it was given to, and the runner-up.
type reading struct {
	det        *detection.Detection
	vehicle    *vehicle // nil for none
	confidence float64
	other      *vehicle // that it may be of as well; nil for none
	otherShare float64
	terms      *associate.Terms
	otherTerms *associate.Terms
	why        message.Message // where there are no terms
	doubtful   string          // code of the message that says why it is not called sure; empty for no such reason
	label      int64           // of the window
	placed     bool            // it was decided, though perhaps not for good
	linked     bool            // it goes where another one of the same scan goes
	final      bool            // nothing that comes changes it
	foreign    bool            // its device is of other lanes than its vehicle: a person put it there
	pin        *pin
	stated     *stated
	past       *stated // what the lane said of it before a restart, while the journal is read again
}

// stated is the newest assignment of a reading in the journal.
type stated struct {
	passage    string
	confidence float64
	other      string
}

// pin is an assignment that a person made.
type pin struct {
	passage string // "" for none
	by      string
	reason  string
}

// passageID names a passage by its lane, and the time and row of its first detection:
// LANE-TIME-ROW.
func (g *group) passageID(lane int, d *detection.Detection) string {
	return fmt.Sprintf("%s-%s-%d", g.lanes[lane].ID, detection.Time(d.At).Format("20060102T150405"), d.Idx)
}

// assign gives a reading to a vehicle, or with nil to none, and keeps the readings of both in the
// order of their times.
func (r *reading) assign(v *vehicle) {
	if r.vehicle == v {
		return
	}
	if o := r.vehicle; o != nil {
		o.changed()
		o.readings = slices.DeleteFunc(o.readings, func(x *reading) bool { return x == r })
	}
	if r.vehicle = v; v == nil {
		return
	}
	v.changed()
	at, _ := slices.BinarySearchFunc(v.readings, r, byTime)
	v.readings = slices.Insert(v.readings, at, r)
}

// changed invalidates what was folded of the vehicle's readings.
func (v *vehicle) changed() {
	v.known = nil
	if v.home != nil && !v.listed {
		v.listed = true
		v.home.changed = append(v.home.changed, v)
	}
}

// setOther sets the vehicle to which a reading may belong as well, nil for none, with its
// probability and terms.
func (r *reading) setOther(v *vehicle, share float64, terms *associate.Terms) {
	r.otherShare, r.otherTerms = share, terms
	if r.other == v {
		return
	}
	if o := r.other; o != nil {
		o.otherCandidateOf = slices.DeleteFunc(o.otherCandidateOf, func(x *reading) bool { return x == r })
	}
	if r.other = v; v != nil {
		v.otherCandidateOf = append(v.otherCandidateOf, r)
	}
}

// uncertain reports whether a reading is shown with both its candidates.
func (r *reading) uncertain() bool { return r.confidence < sure && r.other != nil }

func byTime(a, b *reading) int {
	return cmp.Or(cmp.Compare(a.det.At, b.det.At), cmp.Compare(a.det.Idx, b.det.Idx))
}

// facts are what the readings of a vehicle say together.
type facts struct {
	first    float64      // s, of the first detection of a device that is not late
	early    bool         // there is none
	last     float64      // s, when its end left the place of the latest detection of a device that is not late
	front    units.Metres // how far it was seen
	reversed bool
	speed    units.MetresPerSecond // as measured first; 0 when nobody measured it
	measured units.Metres          // the least length measured, as who stops is measured too long; 0 when nobody measured
	length   units.Metres          // that, or the longest that vehicles are here
	names    []kinds.Name
}

// facts returns the fold of the vehicle's readings, which is kept until one of them changes.
func (v *vehicle) facts(g *group) *facts {
	if v.known == nil {
		v.known = v.fold(g, v.readings)
	}
	return v.known
}

// factsWithout folds the vehicle's readings without those that are asked about: they must not speak
// for themselves.
func (v *vehicle) factsWithout(g *group, asked map[*reading]bool) *facts {
	is := func(r *reading) bool { return asked[r] }
	if !slices.ContainsFunc(v.readings, is) {
		return v.facts(g)
	}
	return v.fold(g, slices.DeleteFunc(slices.Clone(v.readings), is))
}

// fold folds readings of the vehicle, which are in the order of their times.
func (v *vehicle) fold(g *group, readings []*reading) *facts {
	f := &facts{}
	for i, r := range readings {
		d := r.det
		if late := r.foreign || g.layout.Late(d.Dev); i == 0 || f.early && !late {
			f.first, f.early = d.At, late
		}
		f.reversed = f.reversed || d.Reverse || d.Turned
		if f.speed == 0 && !d.Reverse {
			f.speed = units.MetresPerSecond(d.Speed)
		}
		if length := units.Metres(d.Length); length > 0 && (f.measured == 0 || length < f.measured) {
			f.measured = length
		}
		f.names = detection.MergeNames(f.names, d)
		if r.foreign || g.layout.Late(d.Dev) {
			continue
		}
		f.last = max(f.last, d.End())
		if !d.Reverse {
			f.front = max(f.front, g.layout.Position(v.lane, d.Dev))
		}
	}
	if n := len(readings); f.last == 0 && n > 0 {
		f.last = readings[n-1].det.At
	}
	f.length = g.model.PlausibleLength(f.measured)
	return f
}

// sure is the confidence from which a reading is not called uncertain.
const sure = 0.95

// fixes returns the vehicle's fixes, the first of each device, by time; with certain, only those of
// which the model may learn. They are appended to room, which may be nil.
func (v *vehicle) fixes(g *group, certain bool, room []motion.Fix) (out []motion.Fix) {
	var have uint64
	out = slices.Grow(room, len(v.readings))
	for _, r := range v.readings {
		d := r.det
		if r.foreign || have&(1<<d.Dev) != 0 || d.Reverse || math.IsInf(float64(g.layout.Position(v.lane, d.Dev)), 1) {
			continue
		}
		if certain && !r.teaches() || g.layout.Late(d.Dev) && !r.final {
			continue
		}
		have |= 1 << d.Dev
		out = append(out, g.fix(v, d))
	}
	return out
}

// fix returns a detection as a fix of a vehicle in its lane.
func (g *group) fix(v *vehicle, d *detection.Detection) motion.Fix {
	s := motion.Fix{Dev: d.Dev, Position: g.layout.Position(v.lane, d.Dev), Raw: d.Raw, At: d.At}
	s.Late = g.layout.Late(d.Dev)
	f := v.facts(g)
	if s.Length = f.length; d.Lasts > 0 && !d.Tag {
		s.Presence = d.Lasts
		s.Standing = g.model.StandingTime(d.Dev, d.Lasts, f.length, f.speed)
	}
	return s
}
