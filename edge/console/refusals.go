package console

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

// Refusals are journalled every refusalsEvery, equal ones as one row with a count: a flood of them
// must not fill the journal.
const (
	refusalsEvery = 5 * time.Second
	maxRefusals   = 20  // different ones at a time
	maxPath       = 100 // bytes of a path that was asked for
)

// refusals counts requests that were refused until they are journalled. It may be used by many
// goroutines.
type refusals struct {
	mu    sync.Mutex
	order []*observation.AgentAccess
}

// Refuse implements api.Guard. It returns at once; run journals the refusal.
func (a *access) Refuse(r *http.Request, why message.Message) {
	u := user(r)
	path := r.URL.Path
	text := message.New("within", message.String("where", r.Method+" "+path[:min(len(path), maxPath)]),
		message.Nested("cause", why))
	one := api.NewAccess(u, u.Role.String(), "refused", text)
	one.Count = 1
	a.refusals.add(one)
}

// journalRefusals journals what was refused since the last time. What the journal does not accept
// is kept for the next time: a full disk must not make every stranger's request the end of the
// agent.
func (a *access) journalRefusals(ctx context.Context) {
	all := a.refusals.drain()
	for i, one := range all {
		if _, err := a.commit(ctx, api.AccessRow(time.Now(), one)); err != nil {
			for _, left := range all[i:] {
				a.refusals.add(left)
			}
			return
		}
	}
}

// add counts a refusal together with equal ones. Beyond maxRefusals different ones the last entry
// stands for all others.
func (f *refusals) add(one *observation.AgentAccess) {
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
func (f *refusals) drain() []*observation.AgentAccess {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := f.order
	f.order = nil
	return out
}
