package hub

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/dustin/go-humanize/english"

	"lanewarden/sync/hub/ledger"
)

// notHere is how soon to ask again for an artifact that is on its way, in seconds.
const notHere = "10"

// find returns what the ledger has of the artifact that a request names; it answers the request when that is nothing.
func (h *Hub) find(w http.ResponseWriter, r *http.Request) (sum []byte, state *ledger.ArtifactState) {
	name := r.PathValue("sha256")
	sum, err := hex.DecodeString(name)
	if err != nil || len(sum) != 32 {
		http.Error(w, fmt.Sprintf("%.80q is no SHA-256: write 64 hexadecimal digits", name), http.StatusBadRequest)
		return nil, nil
	}
	state, err = h.ledger.Artifact(sum)
	switch {
	case errors.Is(err, ledger.ErrNoArtifact):
		http.Error(w, err.Error(), http.StatusNotFound)
		return nil, nil
	case err != nil:
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return nil, nil
	}
	return sum, state
}

// artifact serves GET /v1/artifacts/{sha256}: the bytes, or ranges of them.
func (h *Hub) artifact(w http.ResponseWriter, r *http.Request) {
	sum, state := h.find(w, r)
	if state == nil {
		return
	}
	if !state.Complete {
		w.Header().Set("Retry-After", notHere)
		text := fmt.Sprintf("not here yet: %d of %d %s came; POST %s/pull to have it before others",
			state.Held, state.Size, english.PluralWord(int(state.Size), "byte", ""), r.URL.Path)
		http.Error(w, text, http.StatusServiceUnavailable)
		return
	}
	f, err := h.ledger.OpenArtifact(sum)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer f.Close()
	if state.MediaType != "" {
		w.Header().Set("Content-Type", state.MediaType)
	}
	w.Header().Set("ETag", `"`+state.SHA256+`"`)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Content-Security-Policy", "sandbox")
	if len(state.Rows) > 0 {
		w.Header().Set("Content-Disposition", fmt.Sprintf("inline; filename=%q", fileName(state.Rows[0].Name, state.SHA256)))
	}
	http.ServeContent(w, r, "", time.Time{}, f)
}

// fileName makes a name that any system takes.
func fileName(name, sum string) string {
	name = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' || strings.ContainsRune(`"\/:*?<>|`, r) {
			return '_'
		}
		return r
	}, name)
	if name == "" {
		return sum
	}
	return name
}

// artifactState serves GET /v1/artifacts/{sha256}/state.
func (h *Hub) artifactState(w http.ResponseWriter, r *http.Request) {
	if _, state := h.find(w, r); state != nil {
		h.writeState(w, http.StatusOK, state)
	}
}

func (h *Hub) writeState(w http.ResponseWriter, code int, state *ledger.ArtifactState) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	if err := json.NewEncoder(w).Encode(state); err != nil {
		h.opts.Log.Debug("artifact", "err", err)
	}
}

// pullArtifact serves POST /v1/artifacts/{sha256}/pull: the agents that have it send it before others.
func (h *Hub) pullArtifact(w http.ResponseWriter, r *http.Request) {
	sum, state := h.find(w, r)
	if state == nil {
		return
	}
	if state.Complete {
		h.writeState(w, http.StatusOK, state)
		return
	}
	filed := make(chan struct{})
	select {
	case h.pulls <- message{Message: ledger.Pull{SHA256: sum}, done: func() { close(filed) }}:
	case <-r.Context().Done():
		return
	}
	select {
	case <-filed:
	case <-r.Context().Done():
		return
	}
	if _, state := h.find(w, r); state != nil {
		h.writeState(w, http.StatusAccepted, state)
	}
}
