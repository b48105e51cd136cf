package observation

import "google.golang.org/protobuf/proto"

// AssignmentsIn calls each for every reading of which a row about a passage says where it belongs: the reading's row,
// the passage, "" for none, and what is said of it, nil in rows of earlier agents, which name only the row. It
// reports whether the body is one that assigns readings.
func AssignmentsIn(body proto.Message, each func(idx int64, passage string, r *PassageReading)) bool {
	all := func(passage string, readings []*PassageReading) {
		for _, r := range readings {
			each(r.Idx, passage, r)
		}
	}
	switch p := body.(type) {
	case *PassageOpened:
		all(p.Id, p.Readings)
	case *PassageUpdated:
		all(p.Id, p.Readings)
	case *PassageCorrected:
		each(p.Idx, p.To, p.Reading)
	default:
		return false
	}
	return true
}
