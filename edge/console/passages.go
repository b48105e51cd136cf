package console

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"lanewarden/drivers/observation"
)

// PassageList is what GET /v1/passages answers.
type PassageList struct {
	Passages []json.RawMessage `json:"passages"` // lanewarden.v1.PassageClosed as observation.JSON has it, newest first; open ones have no closedNs
	// Clocks is how far the clocks of devices are ahead of the agent's, as estimated from what they sent, s.
	Clocks map[string]float64 `json:"clocks"`
}

const askTimeout = 3 * time.Second

// passages serves GET /v1/passages.
func (c *Console) passages(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), askTimeout)
	defer cancel()
	all, clocks, err := c.Passages.Passages(ctx)
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	out := PassageList{Passages: []json.RawMessage{}, Clocks: map[string]float64{}}
	for _, p := range all {
		text, err := observation.JSON(p)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		out.Passages = append(out.Passages, text)
	}
	for device, d := range clocks {
		out.Clocks[device] = d.Seconds()
	}
	answer(w, out)
}

// Correction moves a reading to another passage.
type Correction struct {
	Idx    int64  `json:"idx"`
	To     string `json:"to"` // passage id; empty for none
	Reason string `json:"reason"`
	By     string `json:"by"`
}

// Output sets an output of a device.
type Output struct {
	Output string `json:"output"`
	Value  string `json:"value"`
	Reason string `json:"reason"`
}

const maxOrder = 16 << 10

// order decodes what a POST says.
func order(w http.ResponseWriter, r *http.Request, v any) bool {
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxOrder))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return false
	}
	return true
}

// carry does what somebody asked for, once it is journalled who.
func (c *Console) carry(w http.ResponseWriter, r *http.Request, action, text string, do func(context.Context) error) {
	ctx, cancel := context.WithTimeout(r.Context(), askTimeout)
	defer cancel()
	if err := c.access.audit(ctx, user(r), action, text); err != nil {
		http.Error(w, "not journalled, so not done: "+err.Error(), http.StatusServiceUnavailable)
		return
	}
	if err := do(ctx); err != nil {
		http.Error(w, err.Error(), http.StatusConflict)
		return
	}
	fmt.Fprintln(w, "done")
}

// correct serves POST /v1/passages/corrections.
func (c *Console) correct(w http.ResponseWriter, r *http.Request) {
	var o Correction
	if !order(w, r, &o) {
		return
	}
	if u := user(r); u.Name != localUser { // who has signed in speaks for themselves
		o.By = u.Name
	}
	if o.Reason == "" || o.By == "" {
		http.Error(w, "reason and by are needed: they stand in the journal", http.StatusBadRequest)
		return
	}
	c.carry(w, r, "correction", fmt.Sprintf("row %d to passage %q: %s", o.Idx, o.To, o.Reason), func(ctx context.Context) error {
		return c.Passages.Correct(ctx, o.Idx, o.To, o.Reason, o.By)
	})
}

// output serves POST /v1/devices/{device}/outputs.
func (c *Console) output(w http.ResponseWriter, r *http.Request) {
	var o Output
	if !order(w, r, &o) {
		return
	}
	if o.Reason == "" {
		http.Error(w, "a reason is needed: it stands in the journal", http.StatusBadRequest)
		return
	}
	device := r.PathValue("device")
	c.carry(w, r, "output", fmt.Sprintf("%s %s %s: %s", device, o.Output, o.Value, o.Reason), func(ctx context.Context) error {
		return c.Lane.Command(ctx, device, o.Output, o.Value, o.Reason)
	})
}
