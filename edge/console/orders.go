package console

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"lanewarden/edge/api"
)

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

// carry does what somebody asked for, once it is journalled who, and answers with the outcome; with "done" when that
// is nil.
func (c *Console) carry(
	w http.ResponseWriter, r *http.Request, action, text string, do func(context.Context) (any, error),
) {
	ctx, cancel := context.WithTimeout(r.Context(), askTimeout)
	defer cancel()
	if err := c.access.audit(ctx, user(r), action, text); err != nil {
		http.Error(w, "not journalled, so not done: "+err.Error(), http.StatusServiceUnavailable)
		return
	}
	outcome, err := do(ctx)
	if err != nil {
		http.Error(w, err.Error(), http.StatusConflict)
		return
	}
	if outcome == nil {
		fmt.Fprintln(w, "done")
		return
	}
	answer(w, outcome)
}

// output serves POST /v1/devices/{device}/outputs.
func (c *Console) output(w http.ResponseWriter, r *http.Request) {
	var o api.Output
	if !order(w, r, &o) {
		return
	}
	if o.Reason == "" {
		http.Error(w, "a reason is needed: it stands in the journal", http.StatusBadRequest)
		return
	}
	device := r.PathValue("device")
	text := fmt.Sprintf("%s %s %s: %s", device, o.Output, o.Value, o.Reason)
	c.carry(w, r, "output", text, func(ctx context.Context) (any, error) {
		return nil, c.Lane.Command(ctx, device, o.Output, o.Value, o.Reason)
	})
}
