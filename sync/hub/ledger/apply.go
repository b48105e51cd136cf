package ledger

import (
	"errors"
	"fmt"
	"runtime/debug"

	"lanewarden/drivers/message"
	"lanewarden/sync/hub/ledger/store"
	"lanewarden/sync/wire"
)

// Answer is a message to an agent, to be sent once Apply has returned: only then is durable what it
// acknowledges.
type Answer struct {
	Sender   // whom to tell
	Ack      *wire.Ack
	Rows     int    // that were new
	Alarms   int    // of these
	Passages int    // that ended, by these rows
	Defect   string // where this program failed on the message; empty when it did not
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

// conflictRetries is how often a group is applied again at once when another hub process was in the way.
const conflictRetries = 3

// Apply commits a group of messages in one transaction and returns the answers: one for each
// message, but for a Pull one for each agent that has the artifact, and none for a Rekey. What is wrong with one agent's
// messages is that agent's refusal and leaves the others' untouched. An error means that the
// machine could not do it, a full disk or a lost database mostly: the same group may be applied again, which does no harm
// where it was committed after all. Only one goroutine may call Apply.
func (l *Ledger) Apply(group []Message) ([]Answer, error) {
	answers, err := l.applyOnce(group)
	for n := 0; n < conflictRetries && store.IsConflict(err); n++ {
		answers, err = l.applyOnce(group)
	}
	return answers, err
}

// applyOnce applies a group, and drops what is remembered when the machine could not do it.
func (l *Ledger) applyOnce(group []Message) (answers []Answer, err error) {
	if m, alone := aloneDerive(group); alone {
		err = l.deriveAlone(m)
	} else {
		answers, err = l.applyMessages(group)
	}
	if err != nil {
		l.journals = map[string]*replica{}
		return nil, fmt.Errorf("ledger: %w", err)
	}
	l.dropSpent()
	l.dropErased()
	return answers, nil
}

// applyMessages applies a group as if no message were at fault first, as a savepoint for each agent costs. When one is,
// nothing of that was committed, and each agent's part is applied in a savepoint.
func (l *Ledger) applyMessages(group []Message) ([]Answer, error) {
	answers, err := l.applyBy(group, l.file)
	if err != nil && !store.IsMachine(err) {
		answers, err = l.applyBy(group, l.applySender)
	}
	return answers, err
}

// filing applies messages of one agent. Journals whose states are to be saved at the end it adds to touched.
type filing func(messages []agentMessage, touched map[*replica]bool) ([]Answer, error)

// applyBy applies a group in one transaction, with a function for the messages of agents.
func (l *Ledger) applyBy(group []Message, file filing) ([]Answer, error) {
	var answers []Answer
	err := l.transact(func() (err error) {
		if err := l.dropStale(group); err != nil {
			return err
		}
		if answers, err = l.applyGroup(group, file); err != nil {
			return err
		}
		return l.parts.settle()
	})
	if err != nil {
		// What is cached of these journals may be ahead of the database now, which is back at the state
		// before the group.
		l.parts.abandon()
		l.spent, l.usage = l.spent[:0], nil
		for _, m := range group {
			if m, ok := m.(agentMessage); ok {
				delete(l.journals, string(m.journal()))
			}
		}
	}
	return answers, err
}

// transact runs f in a transaction, l.tx.
func (l *Ledger) transact(f func() error) error {
	defer func() { l.tx = nil }()
	newest, err := l.store.Transact(func(tx store.Tx) error {
		l.tx = tx
		l.recent.begin()
		l.dropReset()
		return f()
	})
	if err == nil {
		l.recent.commit(newest)
	}
	return err
}

// dropReset drops what is remembered of a ledger that may have been replaced by an older one.
func (l *Ledger) dropReset() {
	if l.takeReset() {
		l.journals, l.usage = map[string]*replica{}, nil
		l.recent.clear()
	}
}

// dropStale locks the journals of a group's messages against other hub processes, and drops the copies of those that
// another one has changed.
func (l *Ledger) dropStale(group []Message) error {
	held := map[string]int64{}
	for _, m := range group {
		if m, ok := m.(agentMessage); ok {
			id := string(m.journal())
			held[id] = -1
			if c := l.journals[id]; c != nil {
				held[id] = c.saved.version
			}
		}
	}
	stale, err := l.tx.Stale(held)
	for _, id := range stale {
		delete(l.journals, id)
	}
	return err
}

// applyGroup applies the pulls of a group, and then the messages of each agent in the order in
// which they came. Messages are grouped by sender, as the order matters only within one agent's and
// a savepoint costs.
func (l *Ledger) applyGroup(group []Message, file filing) ([]Answer, error) {
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
		case Derive:
			if err := l.derive(m); err != nil {
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
	touched := map[*replica]bool{}
	for _, from := range order {
		a, err := file(bySender[from], touched)
		if err != nil {
			return nil, err
		}
		answers = append(answers, a...)
	}
	return answers, l.saveStates(touched)
}

// applySender applies one agent's messages in a savepoint: all at once first and, when one of them is at fault,
// each by itself, so that those before and after it are committed. An error of the machine is
// returned as it is.
func (l *Ledger) applySender(messages []agentMessage, _ map[*replica]bool) ([]Answer, error) {
	answers, err := l.attempt(messages)
	if err == nil || store.IsMachine(err) {
		return answers, err
	}
	answers = answers[:0]
	for _, m := range messages {
		one, err := l.attempt([]agentMessage{m})
		if err != nil && !store.IsMachine(err) {
			one, err = l.refuseFault(m, err)
		}
		if err != nil {
			return nil, err
		}
		answers = append(answers, one...)
	}
	return answers, nil
}

// attempt applies messages of one agent in a savepoint. When one of them is at fault, database and
// memory are as they were before. The trees and cursors of the journals are saved once at the end,
// not with every message.
func (l *Ledger) attempt(messages []agentMessage) (answers []Answer, err error) {
	touched := map[*replica]bool{}
	spent, added := len(l.spent), len(l.recent.adding)
	err = l.tx.Savepoint(func() error {
		if answers, err = l.file(messages, touched); err != nil {
			return err
		}
		return l.saveStates(touched)
	})
	if err != nil {
		l.spent, l.usage = l.spent[:spent], nil
		l.recent.undo(added)
		for _, m := range messages {
			delete(l.journals, string(m.journal())) // to be read again: what is in memory is ahead of the database
		}
	}
	return answers, err
}

// file applies messages and adds the journals whose states are to be saved to touched.
func (l *Ledger) file(messages []agentMessage, touched map[*replica]bool) ([]Answer, error) {
	answers := make([]Answer, 0, len(messages))
	for _, m := range messages {
		a, err := l.applyGuarded(m, touched)
		if err != nil {
			return nil, err
		}
		answers = append(answers, a)
	}
	return answers, nil
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
	if errors.Is(cause, store.ErrConstraint) {
		if cause = l.contradiction(m, cause); store.IsMachine(cause) {
			return nil, cause
		}
	}
	var f *fault
	if !errors.As(cause, &f) {
		f = &fault{refusal: wire.Refusal_REFUSAL_MALFORMED, said: message.Of(cause)}
	}
	if f.forGood {
		if err := l.tx.Refuse(m.journal(), from, encodeRefusal(f.said)); err != nil {
			return nil, err
		}
		delete(l.journals, string(m.journal()))
	}
	return []Answer{{Sender: from, Ack: refuse(m.journal(), f.refusal, f.said), Defect: f.stack}}, nil
}
