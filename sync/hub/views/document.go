package views

import (
	"cmp"
	"slices"

	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/observation"
)

// statement is a row that says to which passages readings belong.
type statement struct {
	idx  int64
	body proto.Message // PassageOpened, PassageUpdated or PassageCorrected
}

// document folds a passage's document from its rows: what its lane wrote when it was closed, nil while it is open,
// and the statements about its readings from after that. The lane's page folds the same from its memory.
func document(id string, closed *observation.PassageClosed, after []statement) *observation.PassageClosed {
	d := closed
	if d == nil {
		d = &observation.PassageClosed{
			Id: id, State: observation.PassageState_PASSAGE_STATE_OPEN, Confidence: 1,
			Direction: observation.PassageDirection_PASSAGE_DIRECTION_FORWARD,
		}
	}
	slices.SortFunc(after, func(a, b statement) int { return cmp.Compare(a.idx, b.idx) })
	for _, s := range after {
		if opened, ok := s.body.(*observation.PassageOpened); ok && opened.Id == id {
			d.Lane = opened.Lane
		}
		observation.AssignmentsIn(s.body, func(idx int64, passage string, r *observation.PassageReading) {
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

// foldRows folds a passage's document from the rows that the table names. readings returns rows of readings, which
// name the vehicle as long as the lane's document does not. statementBody decodes a row that says to which passages readings
// belong: people read their reasons, which are personal values; the tables need none of these.
func foldRows(
	id string, p passageRow, rows map[int64]*row, readings func([]int64) (map[int64]*row, error),
	statementBody func(*row) (*observation.Body, error),
) (*observation.PassageClosed, error) {
	var closed *observation.PassageClosed
	if r := rows[p.closed]; r != nil {
		if body, err := r.values(); err == nil && body.GetPassageClosed() != nil {
			closed = body.GetPassageClosed()
		}
	}
	var after []statement
	for _, idx := range p.statements {
		if r := rows[idx]; r != nil {
			if body, err := statementBody(r); err == nil {
				after = append(after, statement{idx, body.Typed()})
			}
		}
	}
	had := map[int64]bool{} // readings that name the vehicle in the lane's document
	for _, r := range closed.GetReadings() {
		if namesVehicle(observation.Kind(r.Kind)) {
			had[r.Idx] = true
		}
	}
	d := document(id, closed, after)
	if len(after) == 0 {
		return d, nil
	}
	if lostName(had, d) {
		d.Plate, d.Tags, d.Containers, d.Codes, had = "", nil, nil, nil, nil
	}
	var naming []int64
	for _, r := range d.Readings {
		if namesVehicle(observation.Kind(r.Kind)) && !had[r.Idx] {
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
		if r := found[idx]; r != nil {
			if o, err := r.record(); err == nil {
				all = append(all, o)
			}
		}
	}
	addNames(d, all)
	return d, nil
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
