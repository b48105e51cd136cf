package casebook

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/observation"
	"lanewarden/edge/cases"
	"lanewarden/edge/journal"
)

// tracker knows which alarm is of which case, as far as the journal says it.
type tracker struct {
	of      map[int64]string                    // row of an alarm: its case
	alarms  map[string][]*observation.CaseAlarm // of each case
	order   []string                            // cases, oldest first
	because int64                               // the last row of a passage from which a row followed; -1 for none
}

// keptTracked bounds the cases whose alarms are followed: an alarm is moved within hours.
const keptTracked = 2048

func newTracker() *tracker {
	return &tracker{of: map[int64]string{}, alarms: map[string][]*observation.CaseAlarm{}, because: -1}
}

// take notes what a row of the lane about a case says of alarms.
func (t *tracker) take(e *cases.Event) {
	switch {
	case e.Opened != nil:
		t.set(e.Opened.Id, e.Opened.Alarms)
		t.because = max(t.because, e.Opened.Because)
	case e.Alarms != nil:
		t.set(e.Alarms.Id, e.Alarms.Alarms)
		t.because = max(t.because, e.Alarms.Because)
	}
}

// set notes all alarms of a case.
func (t *tracker) set(id string, alarms []*observation.CaseAlarm) {
	if _, known := t.alarms[id]; !known {
		t.order = append(t.order, id)
	}
	for _, a := range t.alarms[id] {
		if t.of[a.Idx] == id {
			delete(t.of, a.Idx)
		}
	}
	t.alarms[id] = alarms
	for _, a := range alarms {
		t.of[a.Idx] = id
	}
	for len(t.order) > keptTracked {
		for _, a := range t.alarms[t.order[0]] {
			delete(t.of, a.Idx)
		}
		delete(t.alarms, t.order[0])
		t.order = t.order[1:]
	}
}

// move is an alarm that a passage has now.
type move struct {
	alarm *observation.CaseAlarm
	to    string // passage; empty for none
}

// passage processes a row about a passage, and returns what the lane says of cases: an alarm without a case opens that of
// its passage, or comes to it; one that has another passage now leaves its case.
func (t *tracker) passage(r *journal.Row, c *Casebook) []*observation.Observation {
	o, err := r.Observation()
	if err != nil {
		c.o.Log.Error("cases: a row of the journal cannot be read", "idx", r.Idx, "err", err)
		return nil
	}
	var moves []move
	observation.AssignmentsIn(o.Body.Typed(), func(idx int64, to string, p *observation.PassageReading) {
		if was, has := t.of[idx]; was == to && has || to == "" && !has {
			return
		}
		if a := c.alarm(idx, p); a != nil {
			moves = append(moves, move{a, to})
		}
	})
	return t.apply(r.Idx, o.Time(), moves, c.o.Rules)
}

// apply moves alarms, and words what is new of each case.
func (t *tracker) apply(because int64, at time.Time, moves []move, rules *observation.CaseRules) (out []*observation.Observation) {
	gone, came := map[string][]*observation.CaseMove{}, map[string][]*observation.CaseAlarm{}
	var touched []string
	touch := func(id string) {
		if !slices.Contains(touched, id) {
			touched = append(touched, id)
		}
	}
	for _, m := range moves {
		if was, has := t.of[m.alarm.Idx]; has {
			gone[was] = append(gone[was], &observation.CaseMove{Idx: m.alarm.Idx, To: m.to})
			touch(was)
		}
		if m.to != "" {
			came[m.to] = append(came[m.to], m.alarm)
			touch(m.to)
		}
	}
	for _, id := range touched {
		had, known := t.alarms[id]
		now := slices.Clone(had)
		now = slices.DeleteFunc(now, func(a *observation.CaseAlarm) bool {
			return slices.ContainsFunc(gone[id], func(g *observation.CaseMove) bool { return g.Idx == a.Idx })
		})
		now = append(now, came[id]...)
		t.set(id, now)
		var body proto.Message = &observation.CaseAlarms{Id: id, Alarms: now, Gone: gone[id], Because: because}
		key := fmt.Sprintf("case %s alarms %d", id, because)
		if !known {
			body, key = &observation.CaseOpened{Id: id, Lane: laneOf(id), Alarms: now, Rules: rules, Because: because}, "case "+id
		}
		row := observation.New(observation.Class_CLASS_EVENT, at, body)
		row.Device, row.Key = observation.AgentDevice, key
		out = append(out, row)
	}
	t.because = max(t.because, because)
	return out
}

// laneOf returns the lane of a passage, whose id is LANE-YYYYMMDDThhmmss-IDX.
func laneOf(passage string) string {
	parts := strings.Split(passage, "-")
	return strings.Join(parts[:max(0, len(parts)-2)], "-")
}

// openedAt returns the moment in the id of a passage, a little earlier.
func openedAt(passage string) (time.Time, bool) {
	parts := strings.Split(passage, "-")
	if len(parts) < 3 {
		return time.Time{}, false
	}
	at, err := time.Parse("20060102T150405", parts[len(parts)-2])
	return at.Add(-time.Minute), err == nil
}

// alarm returns what a case has of an alarm: what its row says, or, where the journal does not have that any more, what
// the passage says of it; nil for a reading that is no alarm.
func (c *Casebook) alarm(idx int64, p *observation.PassageReading) *observation.CaseAlarm {
	rows, err := c.o.Journal.Read(idx, 1)
	if err == nil && len(rows) == 1 && rows[0].Idx == idx && rows[0].Class != observation.Class_CLASS_ALARM {
		return nil
	}
	if p != nil && observation.Class(p.Class) != observation.Class_CLASS_ALARM {
		return nil
	}
	a := &observation.CaseAlarm{
		Idx: idx, Device: p.GetDevice(), Kind: p.GetKind(), TimeNs: p.GetTimeNs(), Station: p.GetStation(), Other: p.GetOther(),
	}
	if err != nil || len(rows) == 0 || rows[0].Idx != idx {
		if p == nil {
			return nil
		}
		return a
	}
	a.Device, a.Kind, a.TimeNs = rows[0].Device, uint32(rows[0].Kind), rows[0].Time
	if a.Station == "" {
		a.Station = c.station[a.Device]
	}
	if o, err := rows[0].Observation(); err == nil {
		cases.Describe(a, o.Body.Typed())
	}
	return a
}
