package hub

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
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
	Idx         string          `json:"lwidx"`     // row of the journal, leaf of the evidence log
	Journal     string          `json:"lwjournal"` // hex
	Data        json.RawMessage `json:"data"`      // lanewarden.v1.Body as protojson
}

// cloudEvent makes the event of a row. A body that this version cannot read is passed on as base64, never dropped.
func cloudEvent(e *ledger.Event, lanes map[string]string) CloudEvent {
	out := CloudEvent{
		SpecVersion: "1.0", ID: fmt.Sprintf("%x/%d", e.Journal, e.Idx), Source: "/lanewarden/" + e.Site + "/" + e.Agent,
		Type: "lanewarden." + e.Kind.Name() + ".v1", Subject: e.Device, Time: time.Unix(0, e.TimeNs).UTC().Format(time.RFC3339Nano),
		ContentType: "application/json", Cursor: strconv.FormatInt(e.Seq, 10), Class: e.Class.Name(), Lane: lanes[e.Device],
		Idx: strconv.FormatInt(e.Idx, 10), Journal: fmt.Sprintf("%x", e.Journal),
	}
	var body observation.Body
	err := proto.Unmarshal(e.Body, &body)
	if err == nil {
		out.Data, err = protojson.Marshal(&body)
	}
	if err != nil {
		out.Data, _ = json.Marshal(map[string]any{"undecoded": e.Body, "error": err.Error()})
	}
	return out
}

// feedRequest is what a reader of the feed asks for.
type feedRequest struct {
	after  int64
	limit  int
	wait   time.Duration
	filter ledger.Filter
	sse    bool
}

// feedParameters are the query parameters of the feed. Another one is an error: a misspelt filter must not filter nothing.
var feedParameters = []string{"after", "limit", "wait", "class", "site", "agent"}

func parseFeed(r *http.Request) (f feedRequest, err error) {
	q := r.URL.Query()
	f = feedRequest{limit: feedLimit, filter: ledger.Filter{Site: q.Get("site"), Agent: q.Get("agent")}}
	for name := range q {
		if !slices.Contains(feedParameters, name) {
			return f, fmt.Errorf("parameter %q is unknown; known are %s", name, strings.Join(feedParameters, ", "))
		}
	}
	f.sse = strings.Contains(r.Header.Get("Accept"), "text/event-stream")
	after := q.Get("after")
	if id := r.Header.Get("Last-Event-ID"); id != "" {
		after = id
	}
	if after != "" {
		if f.after, err = strconv.ParseInt(after, 10, 64); err != nil || f.after < 0 {
			return f, fmt.Errorf("after=%q is no cursor: give lwcursor of the last event you have", after)
		}
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
	return f, nil
}

// feed serves GET /v1/feed: NDJSON up to the newest event, waiting for the first if asked to; or server-sent events without
// end.
func (h *Hub) feed(w http.ResponseWriter, r *http.Request) {
	f, err := parseFeed(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	s := &feedWriter{h: h, w: w, control: http.NewResponseController(w), feedRequest: f}
	if f.sse {
		w.Header().Set("Content-Type", "text/event-stream")
		s.stream(r)
		return
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	s.page(r)
}

// feedWriter writes one reader's events.
type feedWriter struct {
	feedRequest
	h       *Hub
	w       http.ResponseWriter
	control *http.ResponseController
}

// page answers with what there is, or with the first that comes within the wait.
func (s *feedWriter) page(r *http.Request) {
	deadline := time.After(s.wait)
	for sent := 0; sent < s.limit; {
		_, changed := s.h.ledger.Durable()
		n, err := s.write(min(feedPage, s.limit-sent))
		if err != nil {
			s.h.opts.Log.Debug("feed", "err", err)
			return
		}
		sent += n
		if n > 0 {
			continue
		}
		if sent > 0 || s.wait == 0 {
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
	lanes, err := s.h.lanes()
	if err != nil {
		return 0, err
	}
	if err := s.control.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return 0, err
	}
	for i := range events {
		e := &events[i]
		text, err := json.Marshal(cloudEvent(e, lanes[string(e.Journal)]))
		if err != nil {
			return i, err
		}
		format := "%[2]s\n"
		if s.sse {
			format = "id: %[1]d\ndata: %[2]s\n\n"
		}
		if _, err := fmt.Fprintf(s.w, format, e.Seq, text); err != nil {
			return i, err
		}
		s.after = e.Seq
	}
	return len(events), s.control.Flush()
}
