package hub

import (
	"sync"
	"time"

	"lanewarden/drivers/message"
)

// contestWindow is the time after the last return for which two boxes count as using one name:
// longer than the pauses between the hellos of a refused agent (a minute), so that a refusal does
// not lift itself while both still run.
const contestWindow = 2 * time.Minute

// minReturns is the number of returns of a run that prove two boxes. One return may be a hello that
// the broker delivered late.
const minReturns = 2

// boxes recognises two machines that use one agent's name: a box that was cloned, or replaced
// without being switched off. Both would write to one ledger copy, and each would undo the other's
// cursors. The broker lets only one of them in at a time, so their hellos take turns. Safe for
// concurrent use.
type boxes struct {
	mu     sync.Mutex
	agents map[[2]string]*instanceHistory // by site and agent
	now    func() time.Time
}

// instanceHistory records which runs of an agent said hello. A run's instance is a random number
// that is drawn at start (wire.Hello.Instance), so a restart of one box gives A, B, C, and two
// boxes give A, B, A.
type instanceHistory struct {
	current, previous       uint64 // instances; 0 for none
	currentBox, previousBox string
	returns                 int       // how often an instance came back after another
	lastReturn              time.Time // when it last did; zero for never
}

func newBoxes() *boxes { return &boxes{agents: map[[2]string]*instanceHistory{}, now: time.Now} }

// maxBoxName bounds what is kept of a machine's name and address, in bytes: they come from the
// network.
const maxBoxName = 200

// run returns the run of an agent that said hello last; 0 for none since the hub's start.
func (b *boxes) run(site, agent string) uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	if t := b.agents[[2]string{site, agent}]; t != nil {
		return t.current
	}
	return 0
}

// noteHello records the hello of one run of an agent. It returns why the hello is refused, or the
// zero message while no other box uses the agent's name. Both boxes are refused, as the hub cannot
// know which of them is the right one.
func (b *boxes) noteHello(site, agent string, instance uint64, box string) message.Message {
	if instance == 0 {
		return message.Message{} // an agent of a version that does not say
	}
	box = box[:min(len(box), maxBoxName)]
	b.mu.Lock()
	defer b.mu.Unlock()
	t := b.agents[[2]string{site, agent}]
	if t == nil {
		if len(b.agents) >= maxAgents {
			return message.Message{} // strangers' names: nothing is known of them
		}
		t = &instanceHistory{}
		b.agents[[2]string{site, agent}] = t
	}
	if instance != t.current {
		if instance == t.previous { // a run that ended does not come back: both are alive
			t.returns++
			t.lastReturn = b.now()
		}
		t.previous, t.previousBox = t.current, t.currentBox
		t.current, t.currentBox = instance, box
	}
	if b.now().Sub(t.lastReturn) > contestWindow {
		t.returns = 0
	}
	if t.returns < minReturns {
		return message.Message{}
	}
	return message.New("refusal.two-boxes", message.String("site", site), message.String("agent", agent),
		message.String("this", t.currentBox), message.String("other", t.previousBox))
}
