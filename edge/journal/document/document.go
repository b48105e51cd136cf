// Package document folds the document of a passage from rows of a journal: what its lane wrote when it was closed, and
// what the lane or a person said of readings since. The centre does so from its ledger, the agent from its journal for
// passages that it does not have in memory any more. Out comes what a page shows.
package document

import (
	"cmp"
	"slices"

	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/identifier"
	"lanewarden/drivers/observation"
)

// Statement is a row that says to which passages readings belong.
type Statement struct {
	Idx  int64         // of the row, in its journal
	Body proto.Message // PassageOpened, PassageUpdated or PassageCorrected
}

// Readings returns the observations of rows, by row, as far as they are there: for the names that these give a vehicle.
type Readings func(indices []int64) (map[int64]*observation.Observation, error)

// Fold returns a passage's document. closed is what its lane wrote when it was closed, nil while it is open; it is
// changed and returned. after are the statements about its readings from after that, in any order: of an open passage
// all. The only errors are those of readings.
func Fold(
	id string, closed *observation.PassageClosed, after []Statement, readings Readings,
) (*observation.PassageClosed, error) {
	had := map[int64]bool{} // readings that name the vehicle in the lane's document
	for _, r := range closed.GetReadings() {
		if namesVehicle(r) {
			had[r.Idx] = true
		}
	}
	d := fold(id, closed, after)
	if len(after) == 0 {
		return d, nil
	}
	if lostName(had, d) {
		d.Plate, d.Tags, d.Containers, d.Codes, had = "", nil, nil, nil, nil
	}
	var naming []int64
	for _, r := range d.Readings {
		if namesVehicle(r) && !had[r.Idx] {
			naming = append(naming, r.Idx)
		}
	}
	if len(naming) == 0 {
		return d, nil
	}
	found, err := readings(naming)
	if err != nil {
		return nil, err
	}
	var all []*observation.Observation
	for _, idx := range naming {
		if o := found[idx]; o != nil {
			all = append(all, o)
		}
	}
	addNames(d, all)
	return d, nil
}

// fold is Fold without names.
func fold(id string, closed *observation.PassageClosed, after []Statement) *observation.PassageClosed {
	d := closed
	if d == nil {
		d = &observation.PassageClosed{
			Id: id, State: observation.PassageState_PASSAGE_STATE_OPEN, Confidence: 1,
			Direction: observation.PassageDirection_PASSAGE_DIRECTION_FORWARD,
		}
	}
	slices.SortFunc(after, func(a, b Statement) int { return cmp.Compare(a.Idx, b.Idx) })
	for _, s := range after {
		if opened, ok := s.Body.(*observation.PassageOpened); ok && opened.Id == id {
			d.Lane = opened.Lane
		}
		observation.AssignmentsIn(s.Body, func(idx int64, passage string, r *observation.PassageReading) {
			assign(d, idx, passage, r)
		})
	}
	if len(after) > 0 {
		summarise(d, closed == nil)
	}
	return d
}

// assign does what a statement says of one reading to a document: it is this passage's, may be, or is not.
func assign(d *observation.PassageClosed, idx int64, passage string, r *observation.PassageReading) {
	isIt := func(r *observation.PassageReading) bool { return r.Idx == idx }
	known := &observation.PassageReading{Idx: idx}
	for _, all := range [][]*observation.PassageReading{d.Readings, d.Possible} {
		if i := slices.IndexFunc(all, isIt); i >= 0 {
			known = all[i]
		}
	}
	if r == nil { // a correction of an agent of an earlier version
		r = proto.CloneOf(known)
		r.Other, r.OtherConfidence = "", 0
	}
	d.Readings, d.Possible = slices.DeleteFunc(d.Readings, isIt), slices.DeleteFunc(d.Possible, isIt)
	r = proto.CloneOf(r)
	r.Terms = nil
	switch d.Id {
	case passage:
		d.Readings = append(d.Readings, r)
	case r.Other:
		r.Other, r.Confidence, r.OtherConfidence = passage, r.OtherConfidence, r.Confidence
		d.Possible = append(d.Possible, r)
	}
}

// summarise brings up to date what a document says of its readings together.
func summarise(d *observation.PassageClosed, open bool) {
	d.Alarm, d.AlarmPossible, d.Confidence = false, false, 1
	first := int64(0)
	for _, r := range d.Readings {
		d.Alarm = d.Alarm || isAlarm(r)
		d.Confidence = min(d.Confidence, r.Confidence)
		if first == 0 || r.TimeNs < first {
			first = r.TimeNs
		}
	}
	for _, r := range d.Possible {
		d.AlarmPossible = d.AlarmPossible || isAlarm(r)
		if open && first == 0 {
			first = r.TimeNs
		}
	}
	if open {
		d.OpenedNs = first
	}
	byTime := func(a, b *observation.PassageReading) int {
		return cmp.Or(cmp.Compare(a.TimeNs, b.TimeNs), cmp.Compare(a.Idx, b.Idx))
	}
	slices.SortStableFunc(d.Readings, byTime)
	slices.SortStableFunc(d.Possible, byTime)
}

func isAlarm(r *observation.PassageReading) bool {
	return r.Class == uint32(observation.Class_CLASS_ALARM)
}

// lostName reports whether a reading that named the vehicle is no longer in its passage.
func lostName(had map[int64]bool, d *observation.PassageClosed) bool {
	kept := 0
	for _, r := range d.Readings {
		if had[r.Idx] {
			kept++
		}
	}
	return kept < len(had)
}

// namesVehicle reports whether a reading is of a kind that can name a vehicle.
func namesVehicle(r *observation.PassageReading) bool {
	k := observation.Kind(r.Kind)
	return k == observation.Kind_KIND_VEHICLE_PLATE || k == observation.Kind_KIND_VEHICLE_TAG || k == observation.Kind_KIND_VEHICLE_CODE
}

// addNames adds what the rows of readings say that a vehicle is called to a document, as the lane's document has it
// when the passage is closed. Of several plates the surest is its.
func addNames(d *observation.PassageClosed, rows []*observation.Observation) {
	best := float32(0)
	if d.Plate != "" {
		best = 1
	}
	add := func(to *[]string, name string) {
		if name != "" && !slices.Contains(*to, name) {
			*to = append(*to, name)
		}
	}
	for _, o := range rows {
		switch b := o.Body.Typed().(type) {
		case *observation.VehiclePlate:
			if b.Confidence > best && b.Normal != "" {
				best, d.Plate = b.Confidence, b.Normal
			}
		case *observation.VehicleTag:
			add(&d.Tags, b.Uri)
		case *observation.VehicleCode:
			if b.Type == string(identifier.Container) {
				add(&d.Containers, b.Value)
			} else {
				add(&d.Codes, b.Value)
			}
		}
	}
}
