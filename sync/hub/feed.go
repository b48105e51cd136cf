package hub

import (
	"cmp"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/edge/api"
	"lanewarden/sync/hub/hubapi"
	"lanewarden/sync/hub/ledger"
	"lanewarden/sync/hub/views"
)

// feedPageRows bounds the memory of one reader. sseKeepAlive is below the minute after which
// proxies close a silent connection.
const (
	feedPageRows = 500 // rows read at once
	sseKeepAlive = 15 * time.Second
	writeTimeout = 30 * time.Second // of one page: a reader that is slower comes again with its cursor
)

// feedRequest is a reader's checked request. after is moved on as events are sent.
type feedRequest struct {
	after  int64
	limit  int
	wait   time.Duration
	filter ledger.Filter
	format feedFormat
}

// feedFormat describes how events are written in one media type.
type feedFormat struct {
	mediaType string
	endless   bool   // the answer goes on with what comes
	head      string // before the first event
	event     string // an event: its cursor is %[1]s, its text %[2]s
	between   string // two events
	tail      string // after the last
}

// feedFormats are the media types that Accept may name; the first one is used when it names none of
// them.
var feedFormats = []feedFormat{
	{mediaType: "application/x-ndjson", event: "%[2]s\n"},
	{mediaType: "application/cloudevents-batch+json", head: "[", event: "%[2]s", between: ",\n", tail: "]\n"},
	{mediaType: "text/event-stream", endless: true, event: "id: %[1]s\ndata: %[2]s\n\n"},
}

// acceptedFormat returns the format that an Accept header names. Quality values are ignored:
// readers name one type.
func acceptedFormat(accept string) feedFormat {
	for _, f := range feedFormats {
		if strings.Contains(accept, f.mediaType) {
			return f
		}
	}
	return feedFormats[0]
}

// newFeedRequest checks a reader's query. Last-Event-ID, which a browser sends when it reconnects,
// counts before the query's own cursor. A cursor of rows from before a restored backup is 410,
// everything else that is wrong is 400.
func (s *httpServer) newFeedRequest(in *hubapi.FeedQuery, accept string) (f feedRequest, err error) {
	f = feedRequest{limit: in.Limit, wait: in.Wait, format: acceptedFormat(accept)}
	f.filter = ledger.Filter{Site: in.Site, Agent: in.Agent}
	after := cmp.Or(in.LastEventID, in.After)
	f.after, err = s.ledger.ParseCursor(after)
	switch {
	case errors.Is(err, ledger.ErrCursorGone):
		return f, api.NewProblem(api.CursorGone, message.New("api.after",
			message.Quoted("after", after), message.CausedBy(err)))
	case err != nil:
		return f, api.NewProblem(api.BadRequest, message.New("api.after",
			message.Quoted("after", after), message.CausedBy(err)))
	}
	for name := range strings.SplitSeq(in.Class, ",") {
		if in.Class == "" {
			break
		}
		class, err := observation.ParseClass(name)
		if err != nil {
			return f, api.ProblemOf(api.BadRequest, err)
		}
		f.filter.Classes = append(f.filter.Classes, class)
	}
	for _, name := range strings.FieldsFunc(in.Kind, func(c rune) bool { return c == ',' }) {
		if err := f.filter.AddKind(name); err != nil {
			return f, api.ProblemOf(api.BadRequest, err)
		}
	}
	return f, nil
}

// feed serves hubapi.GetFeed: events up to the newest, as NDJSON or as a CloudEvents batch, waiting
// for the first one when asked to; or server-sent events without end. Errors after the header has
// been sent end the answer, and the reader continues from the last cursor that it has.
func (s *httpServer) feed(w http.ResponseWriter, c *api.Call, in hubapi.FeedQuery) error {
	if err := oneSite(c.User, &in); err != nil {
		return err
	}
	f, err := s.newFeedRequest(&in, c.Request.Header.Get("Accept"))
	if err != nil {
		return err
	}
	s.access.noteLook(c, message.New("look.feed"))
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Type", f.format.mediaType)
	out := &feedWriter{ledger: s.ledger, views: s.views, log: s.opts.Log, user: c.User, cases: s.cases, w: w, control: http.NewResponseController(w), feedRequest: f}
	if f.format.endless {
		out.writeStream(c.Request)
		return nil
	}
	out.writePage(c.Request)
	fmt.Fprint(w, f.format.tail) // a reader that is gone is none of our concern
	return nil
}

// oneSite keeps a person to the sites that they see: of several they name one.
func oneSite(u api.User, in *hubapi.FeedQuery) error {
	if in.Site == "" && len(u.Sites) == 1 {
		in.Site = u.Sites[0]
	}
	if !u.Sees(in.Site) {
		return siteNotSeen(u, in.Site)
	}
	return nil
}

// feedWriter writes one reader's events, on the goroutine of its request.
type feedWriter struct {
	feedRequest
	ledger  *ledger.Ledger
	views   *views.Views
	user    api.User
	cases   *caseServer
	log     *slog.Logger
	w       http.ResponseWriter
	control *http.ResponseController
	sent    int // events
}

// writePage answers with the events that there are, or with the first that comes within the wait.
// The channel of Durable is taken before the read, so that a row that is committed between the two
// wakes the wait.
func (s *feedWriter) writePage(r *http.Request) {
	deadline := time.After(s.wait)
	fmt.Fprint(s.w, s.format.head)
	for s.sent < s.limit {
		_, changed := s.ledger.Durable()
		n, err := s.writeEvents(min(feedPageRows, s.limit-s.sent))
		if err != nil {
			s.log.Debug("feed", "err", err)
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

// writeStream sends events as they are committed, until the reader goes. When there are none it
// flushes the header at once and a comment line every sseKeepAlive, as server-sent events allow.
func (s *feedWriter) writeStream(r *http.Request) {
	keepAlive := time.NewTicker(sseKeepAlive)
	defer keepAlive.Stop()
	for r.Context().Err() == nil {
		_, changed := s.ledger.Durable()
		n, err := s.writeEvents(feedPageRows)
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

// writeEvents sends up to n events after the cursor and moves the cursor behind each that was
// written. It returns the number of events. The write deadline is set anew for each page, so that a
// stalled reader holds its connection for writeTimeout at most.
func (s *feedWriter) writeEvents(n int) (int, error) {
	events, err := s.ledger.Events(s.after, n, s.filter)
	if err != nil || len(events) == 0 {
		return 0, err
	}
	if err := s.control.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return 0, err
	}
	for i := range events {
		e := &events[i]
		if err := s.cases.concealed(s.user, e); err != nil {
			return i, err
		}
		lane, err := s.ledger.LaneOf(e.Journal, e.Device)
		if err != nil {
			return i, err
		}
		cursor := s.ledger.Cursor(e.Seq)
		event := hubapi.NewCloudEvent(e, cursor, lane)
		if e.Class == observation.Class_CLASS_ALARM {
			s.explain(&event, e)
		}
		text, err := json.Marshal(event)
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

// explain adds to an alarm's event what it is, in a sentence, and a small picture of its vehicle. What cannot be told is left
// out: the event itself says all that the lane sent.
func (s *feedWriter) explain(event *hubapi.CloudEvent, e *ledger.Event) {
	o := &observation.Observation{Class: e.Class, TimeNs: e.TimeNs, Device: e.Device, Body: &observation.Body{}}
	if proto.Unmarshal(e.Body, o.Body) == nil {
		if line, err := api.NewLine(e.Idx, o); err == nil {
			event.Cause, event.CauseFR = line.Summary.In(message.English), line.Summary.In(message.French)
		}
	}
	passage := cmp.Or(e.Passage, e.Other.Passage)
	if passage == "" || s.views == nil {
		return
	}
	preview, err := s.views.Preview(ledger.Sender{Site: e.Site, Agent: e.Agent}, passage)
	if err != nil && !errors.Is(err, views.ErrNone) {
		s.log.Warn("the feed tells an alarm without a picture", "passage", passage, "err", err)
	}
	event.Preview = hex.EncodeToString(preview)
}
