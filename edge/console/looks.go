package console

import (
	"time"

	"lanewarden/drivers/message"
	"lanewarden/edge/api"
	"lanewarden/edge/api/looks"
)

// noteLook journals that the caller looks at what a text says, unless they did so lately: before it is answered, and it
// is answered all the same when the journal takes nothing, as a lane with a full disk must be seen.
func (c *Console) noteLook(r *api.Call, at message.Message) {
	one := looks.Look{User: r.User.Name, Peer: r.User.Peer, At: at.English()}
	if !c.looks.Fresh(one, time.Now()) {
		return
	}
	if err := c.access.Audit(r.Context(), r.User, looks.Action, at); err != nil {
		c.looks.Forget(one)
		c.Log.Warn("a look is not journalled", "user", one.User, "err", err)
	}
}
