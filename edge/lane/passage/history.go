package passage

import (
	"strconv"

	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/edge/journal"
)

// byLane is the author of corrections that the lane itself makes on later evidence.
const byLane = "lane"

// statement is an assignment of a reading in the journal.
type statement struct {
	passage string // "" for none
	reading *observation.PassageReading
}

// assignment converts the statement to the form that readings carry.
func (s statement) assignment() *stated {
	return &stated{passage: s.passage, confidence: float64(s.reading.GetConfidence()), other: s.reading.GetOther()}
}

// history folds the agent's own rows about passages, to be taken up again after a restart.
type history struct {
	lane     map[int64]statement // the lane's last word about each reading: names of passages are taken from it
	last     map[int64]statement // the last word of all, which may be a person's
	opened   map[string]string
	closed   map[string]*observation.PassageClosed
	mute     map[string]bool // devices that are said to read nothing
	farthest int64           // the last row that anything is said of; -1 for none
}

func newHistory() *history {
	return &history{
		lane: map[int64]statement{}, last: map[int64]statement{}, opened: map[string]string{},
		closed: map[string]*observation.PassageClosed{}, mute: map[string]bool{}, farthest: -1,
	}
}

// tellsOfPassages reports whether a row is one that note reads.
func tellsOfPassages(r *journal.Row) bool {
	return r.Device == observation.AgentDevice && (r.Kind == observation.Kind_KIND_DEVICE_CONDITION ||
		observation.Describe(r.Kind).Subject == observation.OfPassage)
}

// note folds a row in; rows that are not about passages are ignored. An error is of a row that
// cannot be decoded.
func (h *history) note(r *journal.Row) error {
	if !tellsOfPassages(r) {
		return nil
	}
	b := &observation.Body{}
	if err := proto.Unmarshal(r.Body, b); err != nil {
		return message.Wrap(err, "evidence.row", message.String("row", strconv.FormatInt(r.Idx, 10)))
	}
	if p := b.GetPassageOpened(); p != nil {
		h.opened[p.Id] = p.Lane
	}
	if p := b.GetPassageClosed(); p != nil {
		h.closed[p.Id] = p
	}
	if p := b.GetDeviceCondition(); p != nil && p.Condition == muteCondition {
		if h.mute[p.Subject] = !p.Cleared; p.Cleared {
			delete(h.mute, p.Subject)
		}
	}
	person := b.GetPassageCorrected() != nil && b.GetPassageCorrected().By != byLane
	eachStatement(b, func(idx int64, s statement) {
		if s.reading == nil { // a row of before readings stood in corrections
			s.reading = h.last[idx].reading
		}
		h.last[idx] = s
		h.farthest = max(h.farthest, idx)
		if !person {
			h.lane[idx] = s
		}
	})
	return nil
}

// eachStatement calls put for each assignment in a row's body.
func eachStatement(b *observation.Body, put func(idx int64, s statement)) {
	observation.AssignmentsIn(b.Typed(), func(idx int64, passage string, r *observation.PassageReading) {
		put(idx, statement{passage, r})
	})
}

// lost returns the document that ends a passage that was open when the agent stopped and of which
// no reading is known any more: the lanes have other stations now, or it was long ago.
func (h *history) lost(id string, at float64) *observation.PassageClosed {
	p := &observation.PassageClosed{
		Id: id, Lane: h.opened[id], ClosedNs: nanos(at), End: observation.PassageEnd_PASSAGE_END_RESTART, Confidence: 1,
		State:     observation.PassageState_PASSAGE_STATE_CLOSED,
		Direction: observation.PassageDirection_PASSAGE_DIRECTION_FORWARD,
	}
	for _, s := range h.last {
		if s.passage != id || s.reading == nil {
			continue
		}
		r := proto.CloneOf(s.reading)
		r.Terms = nil
		p.Readings = append(p.Readings, r)
		p.Alarm = p.Alarm || r.Class == uint32(observation.Class_CLASS_ALARM)
		p.Confidence = min(p.Confidence, r.Confidence)
		if p.OpenedNs == 0 || r.TimeNs < p.OpenedNs {
			p.OpenedNs = r.TimeNs
		}
	}
	sortReadings(p.Readings)
	return p
}
