package ledger

import (
	"database/sql/driver"

	"lanewarden/drivers/message"
	"lanewarden/edge/evidence/sqlog"
	"lanewarden/sync/wire"
)

// pinKey pins a key to an agent that has none yet (trust on first use), and returns the key that is
// pinned to the agent then: the first one seen. refusal says why an agent without a key is not
// accepted, and is zero otherwise.
func (l *Ledger) pinKey(from Sender, verifier string) (pinned string, refusal message.Message, err error) {
	err = l.db.Query("SELECT verifier FROM agent WHERE site=? AND agent=?", func(row []driver.Value) error {
		pinned = sqlog.Text(row[0])
		return nil
	}, from.Site, from.Agent)
	if err != nil || pinned != "" {
		return pinned, refusal, err
	}
	if refusal, err = l.roomForAgent(); err != nil || !refusal.IsZero() {
		return "", refusal, err
	}
	err = l.db.Exec("INSERT INTO agent(site, agent, verifier) VALUES(?,?,?)", from.Site, from.Agent, verifier)
	if err != nil {
		return "", refusal, err
	}
	l.usage.agents++
	return verifier, refusal, nil
}

// signed reports whether the ledger has the journal of a hello, or the one that it is a fork of, under the key that the
// hello shows: it stays that journal's after another was pinned.
func (l *Ledger) signed(from Sender, h *wire.Hello) (bool, error) {
	n, err := l.db.Int("SELECT count(*) FROM journal WHERE journal IN (?, ?) AND site=? AND agent=? AND verifier=?", 0,
		h.Journal, h.ForkOf, from.Site, from.Agent, h.Verifier)
	return n > 0, err
}

// Knows reports whether an agent has a key here. It may be called from any goroutine.
func (l *Ledger) Knows(agent Sender) (bool, error) {
	n, err := l.read.Int("SELECT count(*) FROM agent WHERE site=? AND agent=?", 0, agent.Site, agent.Agent)
	return n > 0, err
}

// rekey forgets the key that is pinned to an agent, or pins another. An agent that is not known stays so.
func (l *Ledger) rekey(m Rekey) error {
	if m.Key != "" {
		return l.db.Exec("UPDATE agent SET verifier=? WHERE site=? AND agent=?", m.Key, m.Agent.Site, m.Agent.Agent)
	}
	l.usage = nil // to be counted again
	return l.db.Exec("DELETE FROM agent WHERE site=? AND agent=?", m.Agent.Site, m.Agent.Agent)
}
