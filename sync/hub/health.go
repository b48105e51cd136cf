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
// reason for each part, also when nothing came yet that a full disk could not take.
func (s *httpServer) writeHealth(w http.ResponseWriter, _ *api.Call, _ api.None) error {
	lines := s.health.troubleLines()
	if said := noRoom(s.opts.Dir); !said.IsZero() && len(lines) == 0 {
		lines = append(lines, said)
	}
	if len(lines) > 0 {
		return api.NewProblem(api.Unavailable, message.Join("; ", lines...)).After(healthRetryAfter)
	}
	fmt.Fprintln(w, "ok")
	return nil
}

// lowDisk is what a disk has left, in bytes, when the ledger soon cannot be written: the write-ahead log of a large
// group. When a write failed it is the likeliest reason.
const lowDisk = 8 << 20

// freeBytes returns how many bytes the hub may still use on the disk of a directory: without those
// reserved for root.
func freeBytes(dir string) (uint64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, fmt.Errorf("%s: %w", dir, err)
	}
	return s.Bavail * uint64(s.Bsize), nil
}

// noRoom tells the administrator to make room when the disk of dir has less than lowDisk left; else it is zero.
func noRoom(dir string) message.Message {
	free, err := freeBytes(dir)
	if err != nil || free >= lowDisk {
		return message.Message{}
	}
	return message.New("hub.no-room", message.String("dir", dir), message.Int("free", free>>20))
}

// troubleOf returns why a write to the disk of dir failed with err, in words for the administrator.
func troubleOf(dir string, err error) message.Message {
	if said := noRoom(dir); !said.IsZero() {
		return said
	}
	return message.Of(err)
}
