package hub

import (
	"context"
	"io"
	"net/http"
	"time"

	"lanewarden/drivers/message"
	"lanewarden/edge/api"
	"lanewarden/sync/hub/carry"
	"lanewarden/sync/hub/ledger"
	"lanewarden/sync/wire"
)

// takeCarried serves hubapi.TakeCarried: what was carried here in a file is filed, and receipts are the answer. The file is
// read as it comes, so that its size does not matter.
func (s *httpServer) takeCarried(w http.ResponseWriter, c *api.Call, _ api.None) error {
	body := patientReader{c.Request.Body, http.NewResponseController(w)}
	taken, err := carry.Import(c.Request.Context(), body, carriedHub{s})
	if err != nil {
		s.opts.Log.Warn("a carried file was not taken in whole", "site", taken.From.Site, "agent", taken.From.Agent,
			"rows", taken.Rows, "by", c.User.Name, "err", err)
		return api.NewProblem(api.BadRequest, message.Of(err))
	}
	receipts, err := taken.Receipts(s.key)
	if err != nil {
		return err
	}
	s.opts.Log.Info("took a carried file in", "site", taken.From.Site, "agent", taken.From.Agent, "rows", taken.Rows,
		"artifacts", len(taken.Artifacts), "by", c.User.Name)
	w.Header().Set("Content-Type", receiptMedia)
	for _, receipt := range receipts {
		if _, err := io.WriteString(w, receipt); err != nil {
			return nil // whoever asked is gone; the same file may be taken in again
		}
	}
	return nil
}

// receiptMedia is the media type of receipts.
const receiptMedia = "text/plain; charset=utf-8"

// carriedHub files what a carried file holds.
type carriedHub struct{ *httpServer }

// Hello implements carry.Hub.
func (h carriedHub) Hello(ctx context.Context, from carry.Sender, m *wire.Hello) (*wire.Ack, error) {
	return h.applyAlone(ctx, ledger.Hello{From: ledger.Sender(from), Body: m})
}

// Batch implements carry.Hub.
func (h carriedHub) Batch(ctx context.Context, from carry.Sender, m *wire.Batch) (*wire.Ack, error) {
	return h.applyAlone(ctx, ledger.Carried{Batch: ledger.Batch{From: ledger.Sender(from), Body: m}})
}

// Chunk implements carry.Hub.
func (h carriedHub) Chunk(ctx context.Context, from carry.Sender, m *wire.Chunk) (*wire.Ack, error) {
	return h.applyAlone(ctx, ledger.Chunk{From: ledger.Sender(from), Body: m})
}

// applyAlone files one message and returns the answer, which does not go to the agent; nil for a message without one.
func (s *httpServer) applyAlone(ctx context.Context, m ledger.Message) (*wire.Ack, error) {
	var ack *wire.Ack
	err := s.request(ctx, decoded{Message: m, answered: func(all []ledger.Answer) {
		if len(all) > 0 {
			ack = all[0].Ack
		}
	}})
	if err != nil {
		return nil, err
	}
	return ack, nil
}

// patientReader reads a long request body: each read has bodyPause to bring something.
type patientReader struct {
	io.Reader
	control *http.ResponseController
}

// bodyPause is how long a sender of a file may be silent.
const bodyPause = time.Minute

// Read implements io.Reader.
func (r patientReader) Read(p []byte) (int, error) {
	_ = r.control.SetReadDeadline(time.Now().Add(bodyPause)) // where that cannot be set, the sender's silence ends with its connection
	return r.Reader.Read(p)
}
