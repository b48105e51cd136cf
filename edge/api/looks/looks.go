// Package looks says which looks at plates, pictures and persons are recorded: one of each person at each thing in ten
// minutes, so that a page that asks again and again does not fill the journal.
package looks

import (
	"sync"
	"time"
)

// Action is the action of agent.access that says who looked.
const Action = "look"

// Every is how long repeated looks of one person at one thing are one row.
const Every = 10 * time.Minute

// maxLooks bounds what is remembered of them.
const maxLooks = 4096

// Look is a person, where they are, and what they looked at, for instance a passage.
type Look struct{ User, Peer, At string }

// Recent remembers who looked at what lately. The zero value remembers nothing yet. It may be used by many goroutines.
type Recent struct {
	mu   sync.Mutex
	last map[Look]time.Time
}

// Fresh notes a look, and reports whether it is to be recorded: the person did not look at the same within Every.
func (r *Recent) Fresh(one Look, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if at, ok := r.last[one]; ok && now.Sub(at) < Every && !at.After(now) {
		return false
	}
	if r.last == nil || len(r.last) >= maxLooks { // what is forgotten is recorded once more
		r.last = map[Look]time.Time{}
	}
	r.last[one] = now
	return true
}

// Forget makes the next look of the same person at the same a fresh one: it could not be recorded.
func (r *Recent) Forget(one Look) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.last, one)
}
