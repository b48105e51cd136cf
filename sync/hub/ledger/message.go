package ledger

import (
	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/sync/hub/ledger/store"
	"lanewarden/sync/wire"
)

// Message is a message that Apply commits: a Hello, a Batch or a Chunk of an agent, a Pull or a Rekey.
type Message interface{ message() }

// Sender names an agent, as the topic of its messages does.
type Sender = store.Sender

// Hello begins an agent's session: which journal it has, under which key, and how far it goes.
type Hello struct {
	From Sender
	Body *wire.Hello
}

// Batch holds rows of one class of an agent's journal, in the order of their idx.
type Batch struct {
	From Sender
	Body *wire.Batch
}

// Carried is a batch that came in a file. Rows of it that the ledger passed already are held against what it has: the
// answer becomes a receipt, and the journal may have been restored since it sent others.
type Carried struct{ Batch }

// Chunk is a piece of an artifact that a row of the agent's journal names.
type Chunk struct {
	From Sender
	Body *wire.Chunk
}

// Pull asks for an artifact that somebody waits for, from whichever agents have it.
type Pull struct{ SHA256 []byte }

// Rekey has the ledger take another key of an agent, whose own was lost: Key, or the one of its next hello when Key is "".
// What was signed before stays as it is, and journals that are here are accepted with the key that signed them.
type Rekey struct {
	Agent Sender
	Key   string // public, as golang.org/x/mod/sumdb/note writes it
}

func (Hello) message() {}
func (Batch) message() {}
func (Chunk) message() {}
func (Pull) message()  {}
func (Rekey) message() {}

// agentMessage is a message that an agent sent about one of its journals.
type agentMessage interface {
	Message
	sender() Sender
	journal() []byte
	// applyTo files the message and returns the answer to it. The journals whose trees and cursors changed are added
	// to touched, to be saved at the end of the savepoint.
	applyTo(l *Ledger, touched map[*replica]bool) (Answer, error)
}

func (m Hello) sender() Sender { return m.From }
func (m Batch) sender() Sender { return m.From }
func (m Chunk) sender() Sender { return m.From }

func (m Hello) journal() []byte { return m.Body.GetJournal() }
func (m Batch) journal() []byte { return m.Body.GetJournal() }
func (m Chunk) journal() []byte { return m.Body.GetJournal() }

// applyTo accepts or refuses the journal that the agent says it has.
func (m Hello) applyTo(l *Ledger, touched map[*replica]bool) (Answer, error) {
	ack, err := l.hello(m.From, m.Body, touched)
	return Answer{Sender: m.From, Ack: ack}, err
}

// applyTo adds the rows of the batch, if they continue their class.
func (m Batch) applyTo(l *Ledger, touched map[*replica]bool) (Answer, error) {
	c, refusal, err := l.journalOf(m)
	if err != nil || refusal != nil {
		return Answer{Sender: m.From, Ack: refusal}, err
	}
	touched[c] = true
	rows, ack, err := l.batch(c, m.Body)
	a := Answer{Sender: m.From, Ack: ack, Rows: len(rows)}
	if m.Body.Class == observation.Class_CLASS_ALARM {
		a.Alarms = len(rows)
	}
	for i := range rows {
		if rows[i].Kind == observation.Kind_KIND_PASSAGE_CLOSED {
			a.Passages++
		}
	}
	return a, err
}

// applyTo adds the rows of the batch, as Batch does, unless those that should be here already are others here.
func (m Carried) applyTo(l *Ledger, touched map[*replica]bool) (Answer, error) {
	c, refusal, err := l.journalOf(m)
	if err != nil || refusal != nil {
		return Answer{Sender: m.From, Ack: refusal}, err
	}
	if rows, err := m.Body.Rows(); err == nil { // else it is refused below, or holds no rows
		said, err := l.otherPast(c, m.Body.Class, rows)
		if err != nil || !said.IsZero() {
			return Answer{Sender: m.From, Ack: refuse(c.journal, wire.Refusal_REFUSAL_ROLLED_BACK, said)}, err
		}
	}
	return m.Batch.applyTo(l, touched)
}

// applyTo adds the part of the artifact. It changes neither tree nor cursors.
func (m Chunk) applyTo(l *Ledger, _ map[*replica]bool) (Answer, error) {
	c, refusal, err := l.journalOf(m)
	if err != nil || refusal != nil {
		return Answer{Sender: m.From, Ack: refusal}, err
	}
	held, err := l.chunk(c, m.Body)
	ack := &wire.Ack{Journal: c.journal, Artifacts: []*wire.Held{held}, Verified: c.verified}
	return Answer{Sender: m.From, Ack: ack}, err
}

// journalOf returns the copy of the journal that a message is about, or the refusal to answer when its sender has no
// such journal or nothing more of it is accepted.
func (l *Ledger) journalOf(m agentMessage) (*replica, *wire.Ack, error) {
	c, err := l.replicaOf(m.journal())
	switch {
	case err != nil:
		return nil, nil, err
	case c == nil || c.sender != m.sender():
		said := message.New("refusal.unknown-journal")
		return nil, refuse(m.journal(), wire.Refusal_REFUSAL_HELLO_NEEDED, said), nil
	case !c.refused.IsZero():
		return nil, refuse(c.journal, c.refusal, c.refused), nil
	}
	return c, nil, nil
}
