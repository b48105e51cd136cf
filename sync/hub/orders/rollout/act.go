package rollout

import (
	"context"
	"strings"
	"time"

	"lanewarden/drivers/message"
	"lanewarden/edge/api"
)

// Act is what a person did with a rollout, or that it stopped by itself. It waits in the book until the hub has journalled it: the commands work on the
// folder, also while no hub runs.
type Act struct {
	At     time.Time `json:"at"`
	By     string    `json:"by"` // account on the hub's machine; empty for the hub itself
	What   string    `json:"what" enum:"start,stop,go-on,stopped"`
	Bundle string    `json:"bundle"`
	Site   string    `json:"site"`
	Lanes  []string  `json:"lanes,omitempty"` // go-on: without which
	// Why is why it stopped by itself.
	Why message.Text `json:"why,omitzero"`
}

// maxActs bounds the acts that wait: the oldest goes first.
const maxActs = 1000

// add adds an act that waits.
func (b *Book) add(a Act) {
	a.At = time.Now().UTC()
	b.Acts = append(b.Acts, a)
	b.Acts = b.Acts[max(0, len(b.Acts)-maxActs):]
}

// Journal is where acts are kept: the hub's own journal.
type Journal interface {
	Note(ctx context.Context, u api.User, action string, what message.Message) error
}

// action is what acts are called in the journal.
const action = "rollout"

// message says an act in words.
func (a Act) message() message.Message {
	bundle, site := message.String("bundle", a.Bundle), message.String("site", a.Site)
	switch a.What {
	case "start":
		return message.New("bundle.act-start", bundle, site)
	case "stop":
		return message.New("bundle.act-stop", bundle, site)
	case "stopped":
		return message.New("bundle.act-stopped", bundle, site, message.Nested("why", a.Why.Message()))
	}
	return message.New("bundle.act-go-on", bundle, site, message.String("lanes", strings.Join(a.Lanes, ", ")))
}

// user is who did it.
func (a Act) user() api.User {
	if a.By == "" {
		return api.User{Name: "lanehub"}
	}
	return api.User{Name: a.By, Peer: "lanehub rollout"}
}

// noteActs journals what was done. It is done under the book's lock, so that of several hubs one does.
func (k *Keeper) noteActs(ctx context.Context) error {
	if b, err := k.Book(); err != nil || len(b.Acts) == 0 {
		return err
	}
	var failed error
	_, err := change(k.dir, func(b *Book) (bool, error) {
		done := 0
		for _, a := range b.Acts {
			if k.journal != nil {
				failed = k.journal.Note(ctx, a.user(), action, a.message())
			}
			if failed != nil {
				break
			}
			done++
		}
		b.Acts = b.Acts[done:]
		return done > 0, nil
	})
	if failed != nil {
		return failed
	}
	return err
}
