package console

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"lanewarden/drivers/message"
	"lanewarden/drivers/transport"
	"lanewarden/edge/api"
)

// Limits of streams. statusEvery ticks are a second.
const (
	maxStreams  = 32
	streamTick  = 200 * time.Millisecond
	statusEvery = 5  // ticks
	streamRows  = 50 // of a tick; what is over that is left out: a page shows the newest
	writeLimit  = 10 * time.Second
)

// retryStream is the Retry-After of a stream beyond maxStreams.
const retryStream = 10 * time.Second

// stream serves api.GetStream: server-sent events of status, rows, and one device's samples and raw
// bytes, until the page goes.
func (c *Console) stream(w http.ResponseWriter, r *api.Call, in api.StreamQuery) error {
	select {
	case c.streams <- struct{}{}:
		defer func() { <-c.streams }()
	default:
		return api.NewProblem(api.Unavailable, message.New("api.pages", message.Int("n", maxStreams))).After(retryStream)
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	// The stream begins with what comes: the page asks for the past by itself.
	s := streamer{c: c, w: w, control: http.NewResponseController(w), device: in.Device, next: c.Journal.Size()}
	t := time.NewTicker(streamTick)
	defer t.Stop()
	for n := 0; ; n++ {
		if err := s.tick(r.Request, n%statusEvery == 0); err != nil {
			c.Log.Debug("stream", "err", err)
			return nil
		}
		select {
		case <-t.C:
		case <-r.Context().Done():
			return nil
		}
	}
}

// streamer is one page that follows, on the goroutine of its request.
type streamer struct {
	c       *Console
	w       http.ResponseWriter
	control *http.ResponseController
	device  string
	next    int64     // row
	seen    time.Time // of live samples
	testing bool      // a test was under way
	raw     uint64    // records of the device's tape
}

// tick sends what is new. A page that does not read for writeLimit is disconnected; it connects
// again by itself.
func (s *streamer) tick(r *http.Request, withStatus bool) error {
	if err := s.control.SetWriteDeadline(time.Now().Add(writeLimit)); err != nil {
		return err
	}
	if withStatus {
		status, err := s.c.Status(r.Context())
		if err != nil {
			return err
		}
		if err := s.send("status", status); err != nil {
			return err
		}
	}
	if withStatus && s.c.Tests != nil {
		if run := s.c.Tests.View(); run != nil && run.Verdict == "" || s.testing {
			s.testing = run.Verdict == ""
			if err := s.send("test", run); err != nil {
				return err
			}
		}
	}
	if err := s.rows(); err != nil {
		return err
	}
	if err := s.live(); err != nil {
		return err
	}
	if err := s.lines(); err != nil {
		return err
	}
	return s.control.Flush()
}

// send writes one event with JSON data, which has no line breaks.
func (s *streamer) send(event string, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.w, "event: %s\ndata: %s\n\n", event, text)
	return err
}

// rows sends the heads of the newest rows. Rows beyond streamRows within a tick are left out.
func (s *streamer) rows() error {
	size := s.c.Journal.Size()
	if size == s.next {
		return nil
	}
	rows, err := s.c.Journal.Read(max(s.next, size-streamRows), streamRows)
	if err != nil || len(rows) == 0 {
		return err
	}
	heads := make([]api.Head, len(rows))
	for i, row := range rows {
		heads[i] = api.Head{Idx: row.Idx, Time: time.Unix(0, row.Time).UTC(), Class: row.Class.Name(), Device: row.Device, Kind: row.Kind.Name()}
	}
	s.next = rows[len(rows)-1].Idx + 1
	return s.send("rows", heads)
}

// lines sends the beginnings of what passed between the device and the agent, quoted as Go does it.
func (s *streamer) lines() error {
	if s.device == "" {
		return nil
	}
	records, recorded := s.c.Lane.Raw(s.device, s.raw)
	s.raw = recorded
	var out []api.RawLine
	for _, r := range records {
		switch r.Kind {
		case transport.RecordIn, transport.RecordOut, transport.RecordDocument:
			quoted := strconv.Quote(string(r.Data))
			out = append(out, api.RawLine{At: r.At, To: r.Kind == transport.RecordOut, Text: quoted[1 : len(quoted)-1]})
		}
	}
	if len(out) == 0 {
		return nil
	}
	return s.send("raw", out)
}

// live sends the device's samples since the last tick.
func (s *streamer) live() error {
	if s.device == "" {
		return nil
	}
	fresh := []api.Sample{}
	for _, one := range s.c.Lane.Live(s.device) {
		if one.At.After(s.seen) {
			fresh = append(fresh, sampleOf(one))
		}
	}
	if len(fresh) == 0 {
		return nil
	}
	s.seen = fresh[len(fresh)-1].At
	return s.send("live", fresh)
}
