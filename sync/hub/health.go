package hub

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"lanewarden/drivers/message"
	"lanewarden/edge/api"
)

// Parts of the hub that can be in trouble, as /healthz names them.
const (
	partLedger = "ledger"
	partBroker = "broker"
)

// health holds the reasons why the hub cannot do its work at the moment. Its zero value is healthy;
// it may be used by many goroutines.
type health struct {
	mu       sync.Mutex
	troubles map[string]message.Message // by part
}

// set records the trouble of a part, for the administrator; the zero Message says that the part
// works again.
func (h *health) set(part string, trouble message.Message) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.troubles == nil {
		h.troubles = map[string]message.Message{}
	}
	if h.troubles[part] = trouble; trouble.IsZero() {
		delete(h.troubles, part)
	}
}

// troubleLines returns one line for each part in trouble, PART: REASON, sorted by part; none while
// all is well.
func (h *health) troubleLines() (out []message.Message) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, part := range slices.Sorted(maps.Keys(h.troubles)) {
		out = append(out, message.New("within", message.Nested("where", partName(part)),
			message.Nested("cause", h.troubles[part])))
	}
	return out
}

// partName returns what people call a part of the hub.
func partName(part string) message.Message {
	if part == partLedger {
		return message.New("hub.ledger")
	}
	return message.New("hub.broker")
}

// healthRetryAfter is the Retry-After of an unhealthy answer.
const healthRetryAfter = 5 * time.Second

// writeHealth serves hubapi.GetHealth: 200 and "ok" while the hub does its work, else 503 with a
// reason for each part. The embedded broker needs room for its own files. It is stopped before the
// disk is full, as a broker that could not write has to be started again, and started only when
// there is half as much more, so that it does not go on and off.
func (s *httpServer) writeHealth(w http.ResponseWriter, _ *api.Call, _ api.None) error {
	if lines := s.health.troubleLines(); len(lines) > 0 {
		return api.NewProblem(api.Unavailable, message.Join("; ", lines...)).After(healthRetryAfter)
	}
	fmt.Fprintln(w, "ok")
	return nil
}

// The embedded broker needs room for its own files. It is stopped before the disk is full, as a
// broker that could not write has to be started again, and started only when there is half as much
// more, so that it does not go on and off.
const (
	minFreeRunning = 32 << 20 // bytes
	minFreeToStart = 48 << 20
)

// freeBytes returns how many bytes the hub may still use on the disk of a directory: without those
// reserved for root.
func freeBytes(dir string) (uint64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, fmt.Errorf("%s: %w", dir, err)
	}
	return s.Bavail * uint64(s.Bsize), nil
}

// noRoomError explains to the administrator why a hub whose disk has only free bytes left accepts
// nothing.
func noRoomError(dir string, free uint64) error {
	return message.Errorf("hub.no-room", message.String("dir", dir), message.Int("free", free>>20),
		message.Int("need", minFreeToStart>>20))
}
