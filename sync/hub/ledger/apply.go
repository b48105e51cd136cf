package ledger

import (
	"errors"
	"fmt"
	"runtime/debug"

	"lanewarden/drivers/message"
	"lanewarden/edge/evidence/sqlog"
	"lanewarden/sync/wire"
)

// Answer is a message to an agent, to be sent once Apply has returned: only then is durable what it
// acknowledges.
type Answer struct {
	Sender // whom to tell
	Ack    *wire.Ack
	Rows   int    // that were new
	Defect string // where this program failed on the message; empty when it did not
}

// fault is an error in an agent's message, worded for that agent: the message is refused and
// nothing of it is kept.
type fault struct {
	refusal wire.Refusal
	said    message.Message
	forGood bool   // nothing more of the journal is accepted until a person has looked at it
	stack   string // where this program failed on the message; empty when it did not
}

func (f *fault) Error() string { return f.said.English() + f.stack }

// Apply commits a group of messages in one transaction and returns the answers: one for each
// message, but for a Pull one for each agent that has the artifact, and none for a Rekey. What is wrong with one agent's
// messages is that agent's refusal and leaves the others' untouched. An error means that the
// machine could not do it, a full disk mostly: nothing of the group was committed, and the same
// group may be applied again. Only one goroutine may call Apply.
func (l *Ledger) Apply(group []Message) ([]Answer, error) {
	var answers []Answer
	before := l.seq
	err := l.db.Tx(func() (err error) {
		if answers, err = l.applyGroup(group); err != nil {
			return err
		}
		return l.parts.settle()
	})
	if err != nil {
		// Everything that is cached may be ahead of the database now, which is back at the state
		// before the group.
		l.parts.abandon()
		l.spent = l.spent[:0]
		l.seq, l.journals, l.usage = before, map[string]*replica{}, nil // to be read again
		return nil, fmt.Errorf("ledger: %w", err)
	}
	l.dropSpent()
	l.emptyLog()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.durable != l.seq {
		l.durable = l.seq
		close(l.changed)
		l.changed = make(chan struct{})
	}
	return answers, nil
}

// applyGroup applies the pulls of a group, and then the messages of each agent in the order in
// which they came. Messages are grouped by sender, as the order matters only within one agent's and
// a savepoint costs.
func (l *Ledger) applyGroup(group []Message) ([]Answer, error) {
	answers := make([]Answer, 0, len(group))
	var order []Sender
	bySender := map[Sender][]agentMessage{}
	for _, m := range group {
		switch m := m.(type) {
		case Pull:
			asked, err := l.pull(m.SHA256)
			if err != nil {
				return nil, err
			}
			answers = append(answers, asked...)
		case Erase:
			if err := l.eraseAsked(m); err != nil {
				return nil, err
			}
		case Rekey:
			if err := l.rekey(m); err != nil {
				return nil, err
			}
		case agentMessage:
			from := m.sender()
			if bySender[from] == nil {
				order = append(order, from)
			}
			bySender[from] = append(bySender[from], m)
		}
	}
	for _, from := range order {
		a, err := l.applySender(from, bySender[from])
		if err != nil {
			return nil, err
		}
		answers = append(answers, a...)
	}
	return answers, nil
}

// applySender applies one agent's messages: all at once first and, when one of them is at fault,
// each by itself, so that those before and after it are committed. An error of the machine is
// returned as it is.
func (l *Ledger) applySender(from Sender, messages []agentMessage) ([]Answer, error) {
	answers, err := l.attempt(from, messages)
	if err == nil || sqlog.IsMachine(err) {
		return answers, err
	}
	answers = answers[:0]
	for _, m := range messages {
		one, err := l.attempt(from, []agentMessage{m})
		if err != nil && !sqlog.IsMachine(err) {
			one, err = l.refuseFault(m, err)
		}
		if err != nil {
			return nil, err
		}
		answers = append(answers, one...)
	}
	return answers, nil
}

// attempt applies an agent's messages in a savepoint. When one of them is at fault, database and
// memory are as they were before. The trees and cursors of the journals are saved once at the end,
// not with every message.
func (l *Ledger) attempt(from Sender, messages []agentMessage) ([]Answer, error) {
	answers := make([]Answer, 0, len(messages))
	touched := map[*replica]bool{}
	seq, spent := l.seq, len(l.spent)
	err := l.db.Savepoint(func() error {
		for _, m := range messages {
			a, err := l.applyGuarded(m, touched)
			if err != nil {
				return err
			}
			answers = append(answers, a)
		}
		for c := range touched {
			if err := l.saveTree(c); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		l.seq, l.spent, l.usage = seq, l.spent[:spent], nil
		for id, c := range l.journals {
			if c.sender == from {
				delete(l.journals, id) // to be read again: what is in memory is ahead of the database
			}
		}
	}
	return answers, err
}

// applyGuarded applies a message. A panic that one message brings to light is a fault of that
// message: it must not end the hub, on which all other agents depend. The stack goes into the hub's
// log, not to the agent.
func (l *Ledger) applyGuarded(m agentMessage, touched map[*replica]bool) (a Answer, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = &fault{refusal: wire.Refusal_REFUSAL_MALFORMED, stack: fmt.Sprintf(": %v\n%s", r, debug.Stack()),
				said: message.New("refusal.defect")}
		}
	}()
	return m.applyTo(l, touched)
}

// refuseFault answers a message that is at fault, and records the refusal of its journal when it is
// for good. A journal that is refused already keeps its first reason.
func (l *Ledger) refuseFault(m agentMessage, cause error) ([]Answer, error) {
	from := m.sender()
	var f *fault
	if !errors.As(cause, &f) {
		f = &fault{refusal: wire.Refusal_REFUSAL_MALFORMED, said: message.Of(cause)}
	}
	if f.forGood {
		err := l.db.Exec("UPDATE journal SET refused=? WHERE journal=? AND site=? AND agent=? AND refused=''",
			encodeRefusal(f.said), m.journal(), from.Site, from.Agent)
		if err != nil {
			return nil, err
		}
		delete(l.journals, string(m.journal()))
	}
	return []Answer{{Sender: from, Ack: refuse(m.journal(), f.refusal, f.said), Defect: f.stack}}, nil
}
