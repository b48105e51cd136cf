package hub

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"lanewarden/drivers/message"
	"lanewarden/edge/api"
)

// Parts of the hub that can be in trouble.
const (
	partLedger = "ledger"
	partBroker = "broker"
)

// health holds the reasons why the hub cannot do its work at the moment.
type health struct {
	mu       sync.Mutex
	troubles map[string]string // by part
}

// set notes the trouble of a part; "" says that it works.
func (h *health) set(part, trouble string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.troubles == nil {
		h.troubles = map[string]string{}
	}
	if h.troubles[part] = trouble; trouble == "" {
		delete(h.troubles, part)
	}
}

// troubleLines returns what is wrong, a line for each part.
func (h *health) troubleLines() (out []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, part := range slices.Sorted(maps.Keys(h.troubles)) {
		out = append(out, part+": "+h.troubles[part])
	}
	return out
}

// healthRetryAfter is the Retry-After of an unhealthy answer.
const healthRetryAfter = 5 * time.Second

// writeHealth serves hubapi.GetHealth: ok while the hub does its work.
func (s *httpServer) writeHealth(w http.ResponseWriter, _ *api.Call, _ api.None) error {
	if lines := s.health.troubleLines(); len(lines) > 0 {
		return api.NewProblem(api.Unavailable, message.Quote(strings.Join(lines, "; "))).After(healthRetryAfter)
	}
	fmt.Fprintln(w, "ok")
	return nil
}

// The broker needs room for its own files. It is stopped before the disk is full, for a broker that could not write
// has to be started again, and started when there is some more, so that it does not go on and off.
const (
	minFreeRunning = 32 << 20 // bytes
	minFreeToStart = 48 << 20
)

// freeBytes returns how much of the disk of a directory the hub may still use.
func freeBytes(dir string) (uint64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, fmt.Errorf("%s: %w", dir, err)
	}
	return s.Bavail * uint64(s.Bsize), nil
}

// noRoomError is why a hub with little room accepts nothing.
func noRoomError(dir string, free uint64) error {
	return fmt.Errorf("the disk of %s has %d MB left, and %d MB are needed: make room. Nothing is accepted until then; the agents keep what they have",
		dir, free>>20, minFreeToStart>>20)
}
