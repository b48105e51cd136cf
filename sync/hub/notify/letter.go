package notify

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/edge/api"
	"lanewarden/sync/hub/hubapi"
	"lanewarden/sync/hub/ledger"
)

// Letter is one message to one receiver: an event of the ledger, or a sum of several.
type letter struct {
	id       string // the same for each try, by which a receiver drops doubles
	at       time.Time
	class    observation.Class
	priority Priority

	title string   // one line, without line breaks
	lines []string // of the text
	link  string   // of the page that shows it; "" for none
	site  string
	agent string
	kind  string // name of the event's kind, "summary" or "test"

	body     []byte // for programs: a CloudEvent in JSON
	language message.Language
}

// text returns title and lines as one text.
func (l *letter) text() string { return l.title + "\n\n" + strings.Join(l.lines, "\n") + "\n" }

// hash returns an id of letters and digits alone, for protocols that take no others.
func (l *letter) hash() string {
	sum := sha256.Sum256([]byte(l.id))
	return hex.EncodeToString(sum[:16])
}

// mostDataBytes bounds the data of an event in a letter. Waveforms and the like are left out: the feed has them.
const mostDataBytes = 128 << 10

// newLetter words an event of the ledger for a rule.
func (w *writer) newLetter(e *ledger.Event, lane, cursor string) *letter {
	r := w.rule
	shown := *e
	if !r.Personal {
		shown = WithoutNames(e, "")
	}
	event := hubapi.NewCloudEvent(&shown, cursor, lane)
	said := sentence(e, r.Personal)
	event.Cause, event.CauseFR = said.In(message.English), said.In(message.French)
	if len(event.Data) > mostDataBytes {
		event.Data, _ = json.Marshal(map[string]int{"omitted_bytes": len(event.Data)}) // never fails
	}
	l := &letter{
		id: event.ID, at: time.Unix(0, e.TimeNs), class: e.Class, priority: r.priority(e.Class), site: e.Site, agent: e.Agent,
		kind: e.Kind.Name(), language: message.Language(r.Language), link: w.linkOf(e),
	}
	l.body, _ = json.Marshal(event) // its data is JSON already
	place := e.Site + "/" + e.Agent
	if lane != "" {
		place = e.Site + ", " + lane
	}
	in := func(m message.Message) string { return oneLine(m.In(l.language)) }
	what := said.In(l.language)
	if what == "" {
		what = in(kindOf(e.Kind.Name()))
	}
	l.title = in(message.New("notify.title", message.Nested("class", className(e.Class)), message.String("place", place)))
	l.lines = append(l.lines, oneLine(what), "",
		in(message.New("notify.time", message.String("time", l.at.In(r.zone()).Format("2006-01-02 15:04:05 -07:00")))),
		in(message.New("notify.place", message.String("site", e.Site), message.String("agent", e.Agent))))
	if lane != "" {
		l.lines = append(l.lines, in(message.New("notify.lane", message.String("lane", lane))))
	}
	if e.Device != "" {
		l.lines = append(l.lines, in(message.New("notify.device", message.String("device", e.Device))))
	}
	if r.Personal && e.Plate != "" {
		l.lines = append(l.lines, in(message.New("notify.vehicle", message.String("plate", e.Plate))))
	}
	if l.link != "" {
		l.lines = append(l.lines, in(message.New("notify.link", message.String("link", l.link))))
	}
	l.lines = append(l.lines, "", in(message.New("notify.rule", message.String("rule", r.ID), message.String("id", l.id))))
	return l
}

// sentence says what an event is, in one sentence.
func sentence(e *ledger.Event, withNames bool) message.Text {
	shown := *e
	if !withNames {
		shown = WithoutNames(e, "…")
	}
	o := &observation.Observation{Class: e.Class, TimeNs: e.TimeNs, Device: e.Device, Body: &observation.Body{}}
	if proto.Unmarshal(shown.Body, o.Body) != nil {
		return message.Text{}
	}
	t := api.Sentence(o)
	text := message.Text{EN: t.EN, FR: t.FR}
	if t.Words != "" {
		text.EN += ": " + t.Words
		text.FR += "\u00a0: " + t.Words
		if t.WordsFR != "" {
			text.FR = t.FR + "\u00a0: " + t.WordsFR
		}
	}
	return text
}

// linkOf returns the page of the hub that shows an event, "" without an address of the hub.
func (w *writer) linkOf(e *ledger.Event) string {
	if w.link == "" {
		return ""
	}
	base := strings.TrimSuffix(w.link, "/") + "/#/"
	passage := e.Passage
	if passage == "" {
		passage = e.Other.Passage
	}
	if passage == "" {
		return base + "lane/" + url.PathEscape(e.Site) + "/" + url.PathEscape(e.Agent)
	}
	return base + "passage/" + url.PathEscape(e.Site) + "/" + url.PathEscape(e.Agent) + "/" + url.PathEscape(passage)
}

// priority returns how loud an event of a class is.
func (r *Rule) priority(class observation.Class) Priority {
	switch {
	case r.Priority != Automatic:
		return r.Priority
	case class == observation.Class_CLASS_ALARM:
		return High
	case class == observation.Class_CLASS_TELEMETRY:
		return Low
	}
	return Default
}

// className returns what people call a class.
func className(c observation.Class) message.Message {
	switch c {
	case observation.Class_CLASS_ALARM:
		return message.New("notify.alarm")
	case observation.Class_CLASS_TELEMETRY:
		return message.New("notify.telemetry")
	}
	return message.New("notify.event")
}

// kindOf returns what people call a kind.
func kindOf(name string) message.Message {
	if code := "kind." + name; message.Known(code) {
		return message.New(code)
	}
	return message.Verbatim(name)
}

// oneLine returns a text without control characters: what ends a line elsewhere would begin a header, or a line of a log.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == 0x85 || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, text)
}
