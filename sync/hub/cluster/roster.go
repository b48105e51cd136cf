package cluster

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// BeatEvery is the pause between two beats of a process. One is taken for dead when missedBeats beats of one's own have
// come back through the NATS servers since its last: a server that delivers nothing to anybody kills nobody, and clocks
// play no part.
const (
	BeatEvery   = 500 * time.Millisecond
	missedBeats = 6
	// joinBeats is how many of its own beats a process hears before it takes part: by then it has heard all others.
	joinBeats = 3
)

// Beat is what a process says of itself every BeatEvery, and at once when what it serves changed.
type Beat struct {
	ID      string `json:"id"`      // random, of this run of the process
	Name    string `json:"name"`    // of its machine, for people
	Key     string `json:"key"`     // public key of the hub: all of a cluster have the same
	Serves  []int  `json:"serves"`  // partitions, ascending
	Leaving bool   `json:"leaving"` // it serves these until others do
}

// Encode returns the beat as it is sent.
func (b Beat) Encode() ([]byte, error) { return json.Marshal(b) }

// DecodeBeat decodes a beat.
func DecodeBeat(text []byte) (b Beat, err error) {
	if err = json.Unmarshal(text, &b); err == nil && b.ID == "" {
		err = fmt.Errorf("a beat of nobody: %.100q", text)
	}
	return b, err
}

// maxMembers bounds the processes that are remembered.
const maxMembers = 1000

// Roster is what one process knows of the others. It has no clock and does nothing by itself: beats go in, partitions to
// serve come out. It belongs to one goroutine.
type Roster struct {
	self    string
	own     int // own beats that came back
	members map[string]*member
}

type member struct {
	Beat
	heard int // Roster.own when its last beat came
}

// NewRoster returns the roster of the process with an id, which knows nobody yet.
func NewRoster(self string) *Roster { return &Roster{self: self, members: map[string]*member{}} }

// Note notes a beat, one's own among them.
func (r *Roster) Note(b Beat) {
	if b.ID == r.self {
		r.own++
	}
	if m := r.members[b.ID]; m == nil && len(r.members) >= maxMembers {
		return
	}
	r.members[b.ID] = &member{b, r.own}
	for id, m := range r.members {
		if r.own-m.heard >= missedBeats {
			delete(r.members, id)
		}
	}
}

// Joined reports whether enough has been heard to take part.
func (r *Roster) Joined() bool { return r.own >= joinBeats }

// Members returns the processes that live, by their ids.
func (r *Roster) Members() (all []Beat) {
	for _, m := range r.members {
		all = append(all, m.Beat)
	}
	slices.SortFunc(all, func(a, b Beat) int { return strings.Compare(a.ID, b.ID) })
	return all
}

// Next returns the partitions that the process is to serve now, given those that it serves: its share, and what others
// are to serve and do not serve yet, so that no partition is without a process when one comes or leaves in good order.
// leaving says that the process itself leaves.
func (r *Roster) Next(serves []int, leaving bool) (next []int) {
	if !r.Joined() {
		return nil
	}
	var staying []string
	for id, m := range r.members {
		if !m.Leaving && (id != r.self || !leaving) {
			staying = append(staying, id)
		}
	}
	for p, owner := range share(staying) {
		switch {
		case owner == r.self:
			next = append(next, p)
		case slices.Contains(serves, p) && owner != "" && !slices.Contains(r.members[owner].Serves, p):
			next = append(next, p)
		}
	}
	return next
}

// Forget forgets the others: the process was stopped for so long that they have taken it for dead.
func (r *Roster) Forget() {
	r.own = 0
	clear(r.members)
}
