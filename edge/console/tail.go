package console

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"lanewarden/drivers/observation"
	"lanewarden/edge/api"
	"lanewarden/edge/journal"
	"lanewarden/edge/lane"
)

const (
	tailPage    = 200 // rows read at once
	tailDefault = 20
)

// tailer writes the rows that match, as NDJSON.
type tailer struct {
	c      *Console
	class  observation.Class // 0 for all
	device string            // "" for all
	next   int64
	enc    *json.Encoder
}

// tail serves GET /v1/tail?n=20&follow=true&class=alarm&device=rpm-1: the newest n observations that match, as NDJSON, and
// with follow those that come.
func (c *Console) tail(w http.ResponseWriter, r *http.Request) {
	t, n, err := c.parseTail(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	t.next, t.enc = c.Journal.Size(), json.NewEncoder(w)
	rows, err := c.Journal.Newest(n, t.class, t.device)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	if len(rows) == 0 && t.device != "" && t.device != observation.AgentDevice {
		if _, ok := c.device(t.device); !ok {
			http.Error(w, c.noDevice(t.device), http.StatusNotFound)
			return
		}
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	err = t.write(rows)
	if err == nil && r.URL.Query().Get("follow") == "true" {
		err = t.follow(w, r)
	}
	if err != nil {
		c.Log.Debug("tail", "err", err)
	}
}

func (c *Console) parseTail(r *http.Request) (t tailer, n int, err error) {
	q := r.URL.Query()
	t, n = tailer{c: c, device: q.Get("device")}, tailDefault
	if text := q.Get("n"); text != "" {
		if n, err = strconv.Atoi(text); err != nil || n < 0 || n > api.TailMax {
			return t, 0, fmt.Errorf("n=%.80q is not a number from 0 to %d", text, api.TailMax)
		}
	}
	if text := q.Get("class"); text != "" {
		t.class, err = observation.ParseClass(text)
	}
	return t, n, err
}

// noDevice says that there is no such device, and which there are.
func (c *Console) noDevice(id string) string {
	var known []string
	for _, d := range c.Lane.Devices() {
		known = append(known, d.ID)
	}
	return fmt.Sprintf("there is no device %.80q; there are %s", id, strings.Join(known, ", "))
}

// follow writes the rows that come, until the reader goes.
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

func (t *tailer) write(rows []journal.Row) error {
	for i := range rows {
		line, err := t.c.lineOf(&rows[i])
		if err != nil {
			return err
		}
		if err := t.enc.Encode(line); err != nil {
			return err
		}
	}
	return nil
}

// device returns what a device says of itself.
func (c *Console) device(id string) (lane.Status, bool) {
	all := c.Lane.Devices()
	i := slices.IndexFunc(all, func(d lane.Status) bool { return d.ID == id })
	if i < 0 {
		return lane.Status{}, false
	}
	return all[i], true
}
