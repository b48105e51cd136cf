package console

import (
	"net/http"
	"path/filepath"
	"time"

	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/drivers/transport/wait"
	"lanewarden/edge/api"
	"lanewarden/edge/diag"
	"lanewarden/edge/journal"
)

// recording serves api.GetRecording: what passed between a device and the agent, and what came of
// it. It waits until that can have been journalled; a time in the future is waited for.
func (c *Console) recording(w http.ResponseWriter, r *api.Call, in api.RecordingQuery) error {
	device, err := c.device(in.Device)
	if err != nil {
		return err
	}
	if in.From.IsZero() || in.To.IsZero() || !in.From.Before(in.To) {
		return api.NewProblem(api.BadRequest, message.New("api.from-to"))
	}
	journalled := in.To.Add(diag.CommitTime) // what the last bytes brought
	if err := wait.For(r.Context(), time.Until(journalled)); err != nil {
		return err
	}
	rec := diag.Recording{About: diag.About{
		Site: c.Site, Agent: c.Agent, Software: c.Software, Device: device.ID, Driver: device.Driver,
		From: in.From, To: in.To, Config: c.config.Load().Config,
	}}
	if rec.Records, err = diag.Take(filepath.Join(c.TapeDir, device.ID), in.From, in.To); err != nil {
		return err
	}
	if rec.Observed, err = c.observed(device.ID, in.From, in.To.Add(diag.CommitTime)); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	if err := rec.Write(w); err != nil {
		c.Log.Debug("recording", "err", err)
	}
	return nil
}

// observed returns the observations of a device that were journalled within a time; more than a
// recording may have is 400.
func (c *Console) observed(device string, from, to time.Time) (out []*observation.Observation, err error) {
	size := 0
	err = c.Journal.Between(from, to, func(row *journal.Row) error {
		if row.Device != device {
			return nil
		}
		if size += len(row.Body); size > diag.MaxBytes {
			return api.NewProblem(api.BadRequest, message.New("api.recording-large", message.Int("mebibytes", diag.MaxBytes>>20)))
		}
		o, err := row.Observation()
		out = append(out, o)
		return err
	})
	return out, err
}
