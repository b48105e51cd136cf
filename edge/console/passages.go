package console

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
)

// PassageList is what GET /v1/passages answers.
type PassageList struct {
	Passages []json.RawMessage `json:"passages"` // lanewarden.v1.PassageClosed as protojson, newest first; open ones have closedNs before 1970
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
		text, err := protojson.Marshal(p)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		out.Passages = append(out.Passages, text)
	}
	for device, d := range clocks {
		out.Clocks[device] = d.Seconds()
	}
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(out); err != nil {
		c.Log.Debug("passages", "err", err)
	}
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

// local reports whether a request came over the unix socket: whoever may use that is known to the machine. Others are refused.
func local(w http.ResponseWriter, r *http.Request) bool {
	a, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if ok && a.Network() == "unix" {
		return true
	}
	http.Error(w, "orders, and raw bytes, are for the agent's unix socket only", http.StatusForbidden)
	return false
}

// order decodes what a POST on the unix socket says.
func order(w http.ResponseWriter, r *http.Request, v any) bool {
	if !local(w, r) {
		return false
	}
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxOrder))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return false
	}
	return true
}

func answer(w http.ResponseWriter, err error) {
	if err != nil {
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
	if o.Reason == "" || o.By == "" {
		http.Error(w, "reason and by are needed: they stand in the journal", http.StatusBadRequest)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), askTimeout)
	defer cancel()
	answer(w, c.Passages.Correct(ctx, o.Idx, o.To, o.Reason, o.By))
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
	answer(w, c.Lane.Command(r.Context(), r.PathValue("device"), o.Output, o.Value, o.Reason))
}
