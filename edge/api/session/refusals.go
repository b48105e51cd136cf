package session

import (
	"context"
	"net/http"
	"sync"
	"time"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/edge/api"
)

// Every is how often refusals are journalled, equal ones as one row with a count: a flood of them must not fill the
// journal.
const Every = 5 * time.Second

const (
	maxRefusals = 20  // different ones at a time
	maxPath     = 100 // bytes of a path that was asked for
)

// Refusals counts requests that were refused until they are journalled. The zero value has none. It may be used by many
// goroutines.
type Refusals struct {
	mu    sync.Mutex
	order []*observation.AgentAccess
}

// Commit makes observations durable, as journal.Journal does.
type Commit func(context.Context, ...*observation.Observation) (int, error)

// Note counts that a request of a user was refused, and returns at once; Journal journals it. role is the user's, as the
// journal names it.
func (f *Refusals) Note(r *http.Request, u api.User, role string, why message.Message) {
	path := r.URL.Path
	text := message.New("within", message.String("where", r.Method+" "+path[:min(len(path), maxPath)]),
		message.Nested("cause", why))
	one := api.NewAccess(u, role, "refused", text)
	one.Count = 1
	f.add(one)
}

// Journal journals what was refused since the last time. What the journal does not accept is kept for the next time: a
// full disk must not make every stranger's request the end of the program.
func (f *Refusals) Journal(ctx context.Context, commit Commit) {
	all := f.drain()
	for i, one := range all {
		if _, err := commit(ctx, api.AccessRow(time.Now(), one)); err != nil {
			for _, left := range all[i:] {
				f.add(left)
			}
			return
		}
	}
}

// add counts a refusal together with equal ones. Beyond maxRefusals different ones the last entry
// stands for all others.
func (f *Refusals) add(one *observation.AgentAccess) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, o := range f.order {
		if o.User == one.User && o.Peer == one.Peer && o.Text == one.Text {
			o.Count += one.Count
			return
		}
	}
	if len(f.order) >= maxRefusals {
		last := f.order[len(f.order)-1]
		last.Count += one.Count
		others := message.New("access.others")
		last.Text, last.Message, last.Peer, last.User = others.English(), driver.EncodeMessage(others), "", ""
		return
	}
	f.order = append(f.order, one)
}

// drain returns what was counted, and begins anew.
func (f *Refusals) drain() []*observation.AgentAccess {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := f.order
	f.order = nil
	return out
}
