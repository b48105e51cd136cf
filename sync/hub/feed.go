package hub

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/observation"
	"lanewarden/sync/hub/ledger"
)

const (
	feedPage     = 500 // rows read at once
	feedLimit    = 1000
	feedLimitMax = 100_000
	feedWaitMax  = time.Minute
	sseKeepAlive = 15 * time.Second
	writeTimeout = 30 * time.Second // of one page: a reader that is slower comes again with its cursor
)

// CloudEvent is an event of the feed: CloudEvents 1.0 in JSON. Extension attributes begin with lw.
type CloudEvent struct {
	SpecVersion string          `json:"specversion"`
	ID          string          `json:"id"`     // JOURNAL/IDX: the same observation has the same id for ever
	Source      string          `json:"source"` // /lanewarden/SITE/AGENT
	Type        string          `json:"type"`   // lanewarden.radiation.occupancy.v1
	Subject     string          `json:"subject"`
	Time        string          `json:"time"` // phenomenon time, RFC 3339
	ContentType string          `json:"datacontenttype"`
	Cursor      string          `json:"lwcursor"` // the feed's cursor after this event
	Class       string          `json:"lwclass"`
	Lane        string          `json:"lwlane,omitempty"`
	Passage     string          `json:"lwpassage,omitempty"`         // of the reading, as the lane has said so far
	Plate       string          `json:"lwplate,omitempty"`           // of that passage
	Confidence  string          `json:"lwconfidence,omitempty"`      // that it is that one, from 0 to 1
	Other       string          `json:"lwother,omitempty"`           // passage of which it may be as well
	OtherPlate  string          `json:"lwotherplate,omitempty"`      // of that passage
	OtherShare  string          `json:"lwotherconfidence,omitempty"` // that it is the other one
	Idx         string          `json:"lwidx"`                       // row of the journal, leaf of the evidence log
	Journal     string          `json:"lwjournal"`                   // hex
	Data        json.RawMessage `json:"data"`                        // lanewarden.v1.Body as observation.ShownJSON has it
}

// cloudEvent makes the event of a row. A body that this version cannot read is passed on in hex, never dropped.
func cloudEvent(e *ledger.Event, cursor, lane string) CloudEvent {
	out := CloudEvent{
		SpecVersion: "1.0", ID: fmt.Sprintf("%x/%d", e.Journal, e.Idx), Source: "/lanewarden/" + e.Site + "/" + e.Agent,
		Type: "lanewarden." + e.Kind.Name() + ".v1", Subject: e.Device, Time: time.Unix(0, e.TimeNs).UTC().Format(time.RFC3339Nano),
		ContentType: "application/json", Cursor: cursor, Class: e.Class.Name(), Lane: lane,
		Passage: e.Passage, Plate: e.Plate, Confidence: probability(e.Confidence),
		Other: e.Other.Passage, OtherPlate: e.Other.Plate, OtherShare: probability(e.Other.Confidence),
		Idx: strconv.FormatInt(e.Idx, 10), Journal: fmt.Sprintf("%x", e.Journal),
	}
	var body observation.Body
	err := proto.Unmarshal(e.Body, &body)
	if err == nil {
		out.Data, err = observation.ShownJSON(&body)
	}
	if err != nil {
		out.Data, _ = json.Marshal(map[string]any{"undecoded": hex.EncodeToString(e.Body), "error": err.Error()})
	}
	return out
}

// probability writes a number from 0 to 1: CloudEvents have no attributes with fractions, so it is text; "" for one
// that is not known.
func probability(p float64) string {
	if p == 0 {
		return ""
	}
	return strconv.FormatFloat(p, 'f', -1, 32)
}

// feedRequest is what a reader of the feed asks for.
type feedRequest struct {
	after  int64
	limit  int
	wait   time.Duration
	filter ledger.Filter
	format feedFormat
}

// feedFormat is how events are written.
type feedFormat struct {
	mediaType string
	endless   bool   // the answer goes on with what comes
	head      string // before the first event
	event     string // an event: its cursor is %[1]s, its text %[2]s
	between   string // two events
	tail      string // after the last
}

// feedFormats are what Accept may name; the first is given to who names none.
var feedFormats = []feedFormat{
	{mediaType: "application/x-ndjson", event: "%[2]s\n"},
	{mediaType: "application/cloudevents-batch+json", head: "[", event: "%[2]s", between: ",\n", tail: "]\n"},
	{mediaType: "text/event-stream", endless: true, event: "id: %[1]s\ndata: %[2]s\n\n"},
}

// acceptedFormat is the format that a request's Accept header names.
func acceptedFormat(accept string) feedFormat {
	for _, f := range feedFormats {
		if strings.Contains(accept, f.mediaType) {
			return f
		}
	}
	return feedFormats[0]
}

// feedParameters are the query parameters of the feed. Another one is an error: a misspelt filter must not filter nothing.
var feedParameters = []string{"after", "limit", "wait", "class", "kind", "site", "agent"}

func (h *Hub) parseFeed(r *http.Request) (f feedRequest, err error) {
	q := r.URL.Query()
	f = feedRequest{limit: feedLimit, filter: ledger.Filter{Site: q.Get("site"), Agent: q.Get("agent")}}
	for name := range q {
		if !slices.Contains(feedParameters, name) {
			return f, fmt.Errorf("parameter %q is unknown; known are %s", name, strings.Join(feedParameters, ", "))
		}
	}
	f.format = acceptedFormat(r.Header.Get("Accept"))
	after := q.Get("after")
	if id := r.Header.Get("Last-Event-ID"); id != "" {
		after = id
	}
	if f.after, err = h.ledger.ParseCursor(after); err != nil {
		return f, fmt.Errorf("after=%.80q: %w", after, err)
	}
	if text := q.Get("limit"); text != "" {
		if f.limit, err = strconv.Atoi(text); err != nil || f.limit < 1 || f.limit > feedLimitMax {
			return f, fmt.Errorf("limit=%q is not a number from 1 to %d", text, feedLimitMax)
		}
	}
	if text := q.Get("wait"); text != "" {
		if f.wait, err = time.ParseDuration(text); err != nil || f.wait < 0 || f.wait > feedWaitMax {
			return f, fmt.Errorf("wait=%q is not a time up to %s, such as 30s", text, feedWaitMax)
		}
	}
	if text := q.Get("class"); text != "" {
		for _, name := range strings.Split(text, ",") {
			class, err := observation.ParseClass(name)
			if err != nil {
				return f, err
			}
			f.filter.Classes = append(f.filter.Classes, class)
		}
	}
	for _, name := range strings.FieldsFunc(q.Get("kind"), func(c rune) bool { return c == ',' }) {
		if err := f.filter.AddKind(name); err != nil {
			return f, err
		}
	}
	return f, nil
}

// feed serves GET /v1/feed: events up to the newest, as NDJSON or as a CloudEvents batch, waiting for the first if asked to;
// or server-sent events without end.
func (h *Hub) feed(w http.ResponseWriter, r *http.Request) {
	f, err := h.parseFeed(r)
	if errors.Is(err, ledger.ErrCursorGone) {
		http.Error(w, err.Error(), http.StatusGone)
		return
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	s := &feedWriter{h: h, w: w, control: http.NewResponseController(w), feedRequest: f}
	w.Header().Set("Content-Type", f.format.mediaType)
	if f.format.endless {
		s.stream(r)
		return
	}
	s.page(r)
	fmt.Fprint(w, f.format.tail) // a reader that is gone is none of our concern
}

// feedWriter writes one reader's events.
type feedWriter struct {
	feedRequest
	h       *Hub
	w       http.ResponseWriter
	control *http.ResponseController
	sent    int // events
}

// page answers with what there is, or with the first that comes within the wait.
func (s *feedWriter) page(r *http.Request) {
	deadline := time.After(s.wait)
	fmt.Fprint(s.w, s.format.head)
	for s.sent < s.limit {
		_, changed := s.h.ledger.Durable()
		n, err := s.write(min(feedPage, s.limit-s.sent))
		if err != nil {
			s.h.opts.Log.Debug("feed", "err", err)
			return
		}
		if n > 0 {
			continue
		}
		if s.sent > 0 || s.wait == 0 {
			return
		}
		select {
		case <-changed:
		case <-deadline:
			return
		case <-r.Context().Done():
			return
		}
	}
}

// stream sends events as they are filed, until the reader goes.
func (s *feedWriter) stream(r *http.Request) {
	keepAlive := time.NewTicker(sseKeepAlive)
	defer keepAlive.Stop()
	for r.Context().Err() == nil {
		_, changed := s.h.ledger.Durable()
		n, err := s.write(feedPage)
		if err == nil && n == 0 {
			err = s.control.Flush()
		}
		if err != nil {
			return
		}
		if n > 0 {
			continue
		}
		select {
		case <-changed:
		case <-keepAlive.C:
			if _, err := fmt.Fprint(s.w, ": still here\n\n"); err != nil {
				return
			}
		case <-r.Context().Done():
		}
	}
}

// write sends up to n events after the cursor and moves it. It returns how many rows there were.
func (s *feedWriter) write(n int) (int, error) {
	events, err := s.h.ledger.Events(s.after, n, s.filter)
	if err != nil || len(events) == 0 {
		return 0, err
	}
	if err := s.control.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return 0, err
	}
	for i := range events {
		e := &events[i]
		lane, err := s.h.ledger.LaneOf(e.Journal, e.Device)
		if err != nil {
			return i, err
		}
		cursor := s.h.ledger.Cursor(e.Seq)
		text, err := json.Marshal(cloudEvent(e, cursor, lane))
		if err != nil {
			return i, err
		}
		if s.sent > 0 {
			fmt.Fprint(s.w, s.format.between)
		}
		if _, err := fmt.Fprintf(s.w, s.format.event, cursor, text); err != nil {
			return i, err
		}
		s.after = e.Seq
		s.sent++
	}
	return len(events), s.control.Flush()
}
