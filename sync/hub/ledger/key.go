package ledger

import (
	"lanewarden/drivers/message"
	"lanewarden/sync/wire"
)

// pinKey pins a key to an agent that has none yet (trust on first use), and returns the key that is
// pinned to the agent then: the first one seen. refusal says why an agent without a key is not
// accepted, and is zero otherwise.
func (l *Ledger) pinKey(from Sender, verifier string) (pinned string, refusal message.Message, err error) {
	pinned, err = l.tx.Key(from)
	if err != nil || pinned != "" {
		return pinned, refusal, err
	}
	if refusal, err = l.roomForAgent(); err != nil || !refusal.IsZero() {
		return "", refusal, err
	}
	if err = l.tx.PinKey(from, verifier); err != nil {
		return "", refusal, err
	}
	l.usage.agents++
	return verifier, refusal, nil
}

// signed reports whether the ledger has the journal of a hello, or the one that it is a fork of, under the key that the
// hello shows: it stays that journal's after another was pinned.
func (l *Ledger) signed(from Sender, h *wire.Hello) (bool, error) {
	return l.tx.Signed(from, h.Journal, h.ForkOf, h.Verifier)
}

// Knows reports whether an agent has a key here. It may be called from any goroutine.
func (l *Ledger) Knows(agent Sender) (bool, error) {
	return l.store.HasKey(agent)
}

// rekey forgets the key that is pinned to an agent, or pins another. An agent that is not known stays so.
func (l *Ledger) rekey(m Rekey) error {
	if m.Key != "" {
		return l.tx.ReplaceKey(m.Agent, m.Key)
	}
	l.usage = nil // to be counted again
	return l.tx.ForgetKey(m.Agent)
}
