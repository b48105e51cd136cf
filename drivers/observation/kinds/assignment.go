package kinds

import (
	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/observation"
)

// AssignmentsIn calls each for every reading of which a row about a passage says where it belongs: the reading's row,
// the passage, "" for none, and what is said of it, nil in rows of earlier agents, which name only the row. It
// reports whether the body is one that assigns readings.
func AssignmentsIn(body proto.Message, each func(idx int64, passage string, r *observation.PassageReading)) bool {
	all := func(passage string, readings []*observation.PassageReading) {
		for _, r := range readings {
			each(r.Idx, passage, r)
		}
	}
	switch p := body.(type) {
	case *observation.PassageOpened:
		all(p.Id, p.Readings)
	case *observation.PassageUpdated:
		all(p.Id, p.Readings)
	case *observation.PassageCorrected:
		each(p.Idx, p.To, p.Reading)
	default:
		return false
	}
	return true
}
