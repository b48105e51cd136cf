package console

import (
	"sync"
	"time"

	"lanewarden/drivers/message"
	"lanewarden/edge/api"
)

// Who looks at a plate or an image is a row of the journal: one for each person and passage, image or search in ten
// minutes, so that a page that asks again and again does not fill the journal. A look is journalled before it is
// answered, and answered all the same when the journal takes nothing: a lane with a full disk must be seen.

// lookEvery is how long repeated looks of one person at one thing are one row.
const lookEvery = 10 * time.Minute

// maxLooks bounds what is remembered of them.
const maxLooks = 4096

// look is a person and what they looked at, for instance a passage.
type look struct{ user, peer, text string }

// looks remembers who looked at what lately. It may be used by many goroutines.
type looks struct {
	mu   sync.Mutex
	last map[look]time.Time
}

// fresh notes a look, and reports whether it is to be journalled: the person did not look at the same within
// lookEvery.
func (l *looks) fresh(one look, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if at, ok := l.last[one]; ok && now.Sub(at) < lookEvery && !at.After(now) {
		return false
	}
	if l.last == nil || len(l.last) >= maxLooks { // what is forgotten is journalled once more
		l.last = map[look]time.Time{}
	}
	l.last[one] = now
	return true
}

// forget makes the next look of the same person at the same a fresh one.
func (l *looks) forget(one look) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.last, one)
}

// lookAction is the action of agent.access that says who looked.
const lookAction = "look"

// noteLook journals that the caller looks at what a text says, unless they did so lately.
func (c *Console) noteLook(r *api.Call, at message.Message) {
	one := look{r.User.Name, r.User.Peer, at.English()}
	if !c.looks.fresh(one, time.Now()) {
		return
	}
	if err := c.access.Audit(r.Context(), r.User, lookAction, at); err != nil {
		c.looks.forget(one)
		c.Log.Warn("a look is not journalled", "user", one.user, "err", err)
	}
}
