package notify

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/sync/hub/hubapi"
	"lanewarden/sync/hub/ledger"
)

// why an event is summed up instead of being sent by itself.
type why string

const (
	tooOld  why = "old"     // than the rule's max_age when its turn came
	tooMany why = "many"    // more than the rule's per_minute
	refused why = "refused" // by the receiver, for what it is
)

// sum is what was not sent one by one: how many events of what, where and when. It is kept durably beside the cursor, as the
// rows in it are behind the cursor. Its size is bounded by mostPlaces and the number of kinds.
type sum struct {
	Number int64            `json:"number"` // of this sum; part of its id
	Why    map[why]int64    `json:"why"`
	Kinds  map[string]int64 `json:"kinds"`
	Places map[string]int64 `json:"places"` // by site, the first mostPlaces; others under ""
	Class  int32            `json:"class"`  // the first to leave: the worst
	From   int64            `json:"from"`   // ns since 1970 of the earliest and of the latest event
	To     int64            `json:"to"`
	First  string           `json:"first"` // cursor of the first row and of the last one
	Last   string           `json:"last"`
}

// mostPlaces bounds the sites that a sum names.
const mostPlaces = 20

// total returns the number of events.
func (s *sum) total() (n int64) {
	for _, one := range s.Why {
		n += one
	}
	return n
}

// add adds an event.
func (s *sum) add(e *ledger.Event, reason why, cursor string) {
	if s.Why == nil {
		s.Why, s.Kinds, s.Places = map[why]int64{}, map[string]int64{}, map[string]int64{}
		s.From, s.To, s.First, s.Class = e.TimeNs, e.TimeNs, cursor, int32(e.Class)
	}
	s.Why[reason]++
	s.Kinds[e.Kind.Name()]++
	place := e.Site
	if _, known := s.Places[place]; !known && len(s.Places) >= mostPlaces {
		place = ""
	}
	s.Places[place]++
	s.From, s.To, s.Last = min(s.From, e.TimeNs), max(s.To, e.TimeNs), cursor
	if int32(e.Class) < s.Class {
		s.Class = int32(e.Class)
	}
}

// ordered returns the keys of counts, the largest first.
func ordered(counts map[string]int64) []string {
	return slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), strings.Compare(a, b))
	})
}

// mostKinds is how many kinds and sites a text lists; programs get all of them.
const mostKinds = 8

// summaryData is the data of a summary's event.
type summaryData struct {
	Total int64            `json:"total"`
	Why   map[why]int64    `json:"why"`
	Kinds map[string]int64 `json:"kinds"`
	Sites map[string]int64 `json:"sites"`
	From  time.Time        `json:"from"`
	To    time.Time        `json:"to"`
	First string           `json:"first"` // cursors of the feed: all of it is there
	Last  string           `json:"last"`
}

// summaryOf words a sum.
func (w *writer) summaryOf(s *sum) *letter {
	r, class := w.rule, observation.Class(s.Class)
	l := &letter{
		id: fmt.Sprintf("summary-%s-%s-%d-%s", r.ID, w.to.ID, s.Number, s.First), at: time.Unix(0, s.To), class: class,
		priority: r.priority(class), kind: "summary", language: message.Language(r.Language),
	}
	in := func(m message.Message) string { return oneLine(m.In(l.language)) }
	l.title = in(message.New("notify.summary-title", message.Count("n", s.total())))
	l.lines = append(l.lines, in(message.New("notify.summary", message.Count("n", s.total()),
		message.String("from", time.Unix(0, s.From).In(r.zone()).Format("2006-01-02 15:04 -07:00")),
		message.String("to", time.Unix(0, s.To).In(r.zone()).Format("2006-01-02 15:04 -07:00")))))
	for _, reason := range []struct {
		why  why
		said message.Message
	}{
		{tooOld, message.New("notify.too-old", message.Count("n", s.Why[tooOld]), message.Duration("age", r.MaxAge))},
		{tooMany, message.New("notify.too-many", message.Count("n", s.Why[tooMany]), message.Int("most", r.PerMinute))},
		{refused, message.New("notify.refused", message.Count("n", s.Why[refused]))},
	} {
		if s.Why[reason.why] > 0 {
			l.lines = append(l.lines, in(reason.said))
		}
	}
	list := func(counts map[string]int64, name func(string) message.Message) {
		l.lines = append(l.lines, "")
		for i, key := range ordered(counts) {
			if i == mostKinds {
				l.lines = append(l.lines, "…")
				break
			}
			l.lines = append(l.lines, in(message.New("notify.counted", message.Nested("what", name(key)), message.Int("n", counts[key]))))
		}
	}
	list(s.Kinds, kindOf)
	list(s.Places, func(site string) message.Message {
		if site == "" {
			return message.New("notify.elsewhere")
		}
		return message.Verbatim(site)
	})
	if w.link != "" {
		l.link = w.link
		l.lines = append(l.lines, "", in(message.New("notify.link", message.String("link", l.link))))
	}
	l.lines = append(l.lines, "", in(message.New("notify.rule", message.String("rule", r.ID), message.String("id", l.id))))
	l.body = w.ownEvent(l, "lanewarden.notify.summary.v1", summaryData{
		Total: s.total(), Why: s.Why, Kinds: s.Kinds, Sites: s.Places, From: time.Unix(0, s.From).UTC(), To: time.Unix(0, s.To).UTC(),
		First: s.First, Last: s.Last,
	})
	return l
}

// testLetter is what `lanehub notify test` sends.
func (w *writer) testLetter(now time.Time) *letter {
	r := w.rule
	l := &letter{
		id: fmt.Sprintf("test-%s-%s-%d", r.ID, w.to.ID, now.UnixNano()), at: now, class: observation.Class_CLASS_EVENT,
		priority: r.priority(observation.Class_CLASS_EVENT), kind: "test", language: message.Language(r.Language), link: w.link,
	}
	in := func(m message.Message) string { return oneLine(m.In(l.language)) }
	l.title = in(message.New("notify.test-title"))
	l.lines = []string{in(message.New("notify.test")), "",
		in(message.New("notify.time", message.String("time", now.In(r.zone()).Format("2006-01-02 15:04:05 -07:00")))),
		in(message.New("notify.rule", message.String("rule", r.ID), message.String("id", l.id)))}
	l.body = w.ownEvent(l, "lanewarden.notify.test.v1", map[string]string{"rule": r.ID, "receiver": w.to.ID})
	return l
}

// ownEvent returns the event of a letter that stands for no row of its own.
func (w *writer) ownEvent(l *letter, kind string, data any) []byte {
	text, _ := json.Marshal(data) // maps of numbers and texts: never fails
	event := hubapi.NotifyEvent{
		SpecVersion: "1.0", ID: l.id, Source: "/lanewarden/hub/notify/" + w.rule.ID, Type: kind, Subject: w.to.ID,
		Time: l.at.UTC().Format(time.RFC3339Nano), ContentType: "application/json", Class: l.class.Name(), Data: text,
	}
	body, _ := json.Marshal(event)
	return body
}
