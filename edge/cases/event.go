package cases

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/observation"
)

// Ref names a row: of the journal of a lane or of the hub.
type Ref struct {
	Journal string // its id, the bytes
	Idx     int64
}

// Event is a row about a case. One of Opened, Alarms and Act is set.
type Event struct {
	Ref
	Row    int64 // where it was read: of a copy, the copy's own row
	Time   time.Time
	Opened *observation.CaseOpened
	Alarms *observation.CaseAlarms
	Act    *observation.CaseEvent
}

// EventOf returns the event of a row; ok is false when the row is about no case. A copy of another journal's row is
// that row: it counts once, wherever it stands.
func EventOf(journal []byte, idx int64, at time.Time, body proto.Message) (e Event, ok bool) {
	e = Event{Ref: Ref{string(journal), idx}, Row: idx, Time: at}
	switch b := body.(type) {
	case *observation.CaseOpened:
		e.Opened = b
	case *observation.CaseAlarms:
		e.Alarms = b
	case *observation.CaseEvent:
		e.Act = b
		if o := b.Origin; o != nil {
			e.Ref, e.Time = Ref{string(o.Journal), o.Idx}, time.Unix(0, o.TimeNs).UTC()
		}
	default:
		return Event{}, false
	}
	return e, true
}

// IsKind reports whether rows of a kind are about cases.
func IsKind(k observation.Kind) bool { return slices.Contains(Kinds(), k) }

// Kinds are the kinds of rows about cases.
func Kinds() []observation.Kind {
	return []observation.Kind{observation.Kind_KIND_CASE_OPENED, observation.Kind_KIND_CASE_ALARMS, observation.Kind_KIND_CASE_EVENT}
}

// Case returns the id of the case that an event is about.
func (e *Event) Case() string { return cmp.Or(e.Opened.GetId(), e.Alarms.GetId(), e.Act.GetId()) }

// Body returns what the row says.
func (e *Event) Body() proto.Message {
	switch {
	case e.Opened != nil:
		return e.Opened
	case e.Alarms != nil:
		return e.Alarms
	}
	return e.Act
}

// saw reports whether who wrote an event knew of a row. The lane's own rows about alarms know all of their journal
// before them.
func (e *Event) saw(r Ref) bool {
	if r == (Ref{}) || e.Act == nil {
		return r == (Ref{}) || r.Journal == e.Journal && r.Idx < e.Idx
	}
	for _, s := range e.Act.Seen {
		if string(s.Journal) == r.Journal {
			return r.Idx <= s.Idx
		}
	}
	return false
}

// ordered returns events, each once, in the order in which they count: the opening first, each behind all that its writer
// knew of, and where two did not know of each other, the earlier one first. Rows of one journal stay in their order. It
// depends on the events alone, not on the order in which they come.
func ordered(events []Event) []Event {
	byJournal := map[string][]Event{}
	for _, e := range events {
		byJournal[e.Journal] = append(byJournal[e.Journal], e)
	}
	var queues [][]Event
	for _, q := range byJournal {
		slices.SortFunc(q, func(a, b Event) int { return cmp.Compare(a.Idx, b.Idx) })
		queues = append(queues, slices.CompactFunc(q, func(a, b Event) bool { return a.Idx == b.Idx }))
	}
	out := make([]Event, 0, len(events))
	for len(queues) > 0 {
		i := next(queues)
		out = append(out, queues[i][0])
		if queues[i] = queues[i][1:]; len(queues[i]) == 0 {
			queues = slices.Delete(queues, i, i+1)
		}
	}
	return out
}

// next returns the queue whose first event comes next. Rows that contradict each other, each behind the other, are taken
// by their times: there is an order for every input.
func next(queues [][]Event) int {
	best := -1
	for _, strict := range []bool{true, false} {
		for i, q := range queues {
			if strict && waits(&q[0], queues, i) {
				continue
			}
			if best < 0 || compare(&q[0], &queues[best][0]) < 0 {
				best = i
			}
		}
		if best >= 0 {
			break
		}
	}
	return best
}

// waits reports whether an event knew of another one that is still to come.
func waits(e *Event, queues [][]Event, own int) bool {
	for i, q := range queues {
		if i != own && e.Opened == nil && (q[0].Opened != nil || e.saw(q[0].Ref)) {
			return true
		}
	}
	return false
}

func compare(a, b *Event) int {
	first := func(e *Event) int {
		if e.Opened != nil {
			return 0
		}
		return 1
	}
	return cmp.Or(first(a)-first(b), a.Time.Compare(b.Time), strings.Compare(a.Journal, b.Journal), cmp.Compare(a.Idx, b.Idx))
}
