package console

import (
	"fmt"
	"net/http"
	"path/filepath"
	"time"

	"lanewarden/drivers/observation"
	"lanewarden/drivers/transport/wait"
	"lanewarden/edge/diag"
	"lanewarden/edge/journal"
)

// recording serves GET /v1/devices/{device}/recording?from=…&to=…: what passed between the device and the agent, in the tape's format.
func (c *Console) recording(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("device")
	device, ok := c.device(id)
	if !ok {
		http.Error(w, fmt.Sprintf("there is no device %s", id), http.StatusNotFound)
		return
	}
	from, to, err := span(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	journalled := to.Add(diag.CommitTime) // what the last bytes brought
	if err := wait.For(r.Context(), time.Until(journalled)); err != nil {
		return // nobody waits for the answer any more
	}
	rec := diag.Recording{About: diag.About{
		Site: c.Site, Agent: c.Agent, Software: c.Software, Device: id, Driver: device.Driver, From: from, To: to, Config: c.Config,
	}}
	if rec.Records, err = diag.Take(filepath.Join(c.TapeDir, id), from, to); err == nil {
		rec.Observed, err = c.observed(id, from, to.Add(diag.CommitTime))
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	if err := rec.Write(w); err != nil {
		c.Log.Debug("recording", "err", err)
	}
}

// span reads a request's from and to.
func span(r *http.Request) (from, to time.Time, err error) {
	for name, at := range map[string]*time.Time{"from": &from, "to": &to} {
		text := r.URL.Query().Get(name)
		if *at, err = time.Parse(time.RFC3339Nano, text); err != nil {
			return from, to, fmt.Errorf("%s=%q is not a time like 2026-11-25T03:12:00Z", name, text)
		}
	}
	if !from.Before(to) {
		return from, to, fmt.Errorf("from %s is not before to %s", from, to)
	}
	return from, to, nil
}

// observed returns what was journalled of a device in a time.
func (c *Console) observed(device string, from, to time.Time) (out []*observation.Observation, err error) {
	size := 0
	err = c.Journal.Between(from, to, func(row *journal.Row) error {
		if row.Device != device {
			return nil
		}
		if size += len(row.Body); size > diag.MaxBytes {
			return fmt.Errorf("over %d MiB of observations: ask for a shorter time", diag.MaxBytes>>20)
		}
		o, err := row.Observation()
		out = append(out, o)
		return err
	})
	return out, err
}
