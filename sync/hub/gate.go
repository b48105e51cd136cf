package hub

import (
	"crypto/rand"
	"encoding/hex"
	"sync"

	"github.com/nats-io/nats-server/v2/server"
)

// gate decides who may connect to the embedded broker: the hub itself by the secret of this start; agents as their book
// says, or whoever is on this machine as any agent. Agents wait until the broker is ready. It implements
// server.Authentication and may be used by many goroutines.
type gate struct {
	secret string
	book   *agentBook // nil: everyone may

	json    bool       // events are published as JSON
	readers *agentBook // who may subscribe to them; nil for those who may be agents, where everyone may

	ready, closed         chan struct{}
	openOnce, closingOnce sync.Once
}

// newGate returns a gate that is not open yet. A nil book lets everyone in.
func newGate(book *agentBook) *gate {
	secret := make([]byte, 16)
	rand.Read(secret)
	return &gate{secret: hex.EncodeToString(secret), book: book, ready: make(chan struct{}), closed: make(chan struct{})}
}

// open lets agents in from now on.
func (g *gate) open() { g.openOnce.Do(func() { close(g.ready) }) }

// close refuses everyone who still waits.
func (g *gate) close() { g.closingOnce.Do(func() { close(g.closed) }) }

// Check implements server.Authentication: it registers the permissions of whoever is let in.
func (g *gate) Check(c server.ClientAuthentication) bool {
	o := c.GetOpts()
	if o.Username == hubUser {
		if o.Password != g.secret {
			return false
		}
		c.RegisterUser(&server.User{Username: hubUser})
		return true
	}
	select {
	case <-g.ready:
	case <-g.closed:
		return false
	}
	if g.readers != nil && g.readers.names(c) {
		return g.readers.Check(c)
	}
	if g.book != nil {
		return g.book.Check(c)
	}
	may := agentPermissions("*", "*")
	if g.json && g.readers == nil {
		may.Subscribe.Allow = append(may.Subscribe.Allow, readerPermissions("").Subscribe.Allow...)
	}
	c.RegisterUser(&server.User{Username: "anyone", Permissions: may})
	return true
}
