package console

import (
	"encoding/json"
	"net/http"
	"slices"

	"lanewarden/drivers/observation"
	"lanewarden/edge/api"
	"lanewarden/edge/journal"
)

const tailPage = 200 // rows read at once

// tailer writes rows of the journal as NDJSON.
type tailer struct {
	c      *Console
	user   api.User
	class  observation.Class // 0 for all
	device string            // "" for all
	next   int64
	enc    *json.Encoder
}

// tail serves api.GetTail: the newest rows that match and, if asked, those that come. A device that
// has no rows and does not exist is 404.
func (c *Console) tail(w http.ResponseWriter, r *api.Call, in api.TailQuery) (err error) {
	// The end is noted before the newest rows are read: rows that come in between are sent twice,
	// rather than not at all.
	t := tailer{c: c, user: r.User, device: in.Device, next: c.Journal.Size(), enc: json.NewEncoder(w)}
	if in.Class != "" {
		if t.class, err = observation.ParseClass(in.Class); err != nil {
			return err
		}
	}
	rows, err := c.Journal.Newest(in.N, t.class, t.device)
	if err != nil {
		return err
	}
	if len(rows) == 0 && t.device != "" && t.device != observation.AgentDevice {
		if _, err := c.device(t.device); err != nil {
			return err
		}
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	err = t.write(rows)
	if err == nil && in.Follow {
		err = t.follow(w, r.Request)
	}
	if err != nil {
		c.Log.Debug("tail", "err", err)
	}
	return nil
}

// follow writes the rows that come, until the reader goes. Changed is asked before the read, so
// that no row is missed between the two.
func (t *tailer) follow(w http.ResponseWriter, r *http.Request) error {
	control := http.NewResponseController(w)
	for {
		changed := t.c.Journal.Changed()
		rows, err := t.c.Journal.Read(t.next, tailPage)
		if err != nil {
			return err
		}
		if len(rows) > 0 {
			t.next = rows[len(rows)-1].Idx + 1
			rows = slices.DeleteFunc(rows, func(row journal.Row) bool {
				return t.class != 0 && row.Class != t.class || t.device != "" && row.Device != t.device
			})
			if err := t.write(rows); err != nil {
				return err
			}
			continue
		}
		if err := control.Flush(); err != nil {
			return err
		}
		select {
		case <-changed:
		case <-r.Context().Done():
			return nil
		}
	}
}

// write writes one line for each row.
func (t *tailer) write(rows []journal.Row) error {
	for i := range rows {
		line, err := t.c.lineOf(&rows[i], t.user)
		if err != nil {
			return err
		}
		if err := t.enc.Encode(line); err != nil {
			return err
		}
	}
	return nil
}
