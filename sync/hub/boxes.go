package hub

import (
	"sync"
	"time"

	"lanewarden/drivers/message"
)

// contestWindow is the time after the last change for which two boxes still count as using one name.
const contestWindow = 2 * time.Minute

// minReturns is the number of returns of a run that prove two boxes: once may be a message that the broker
// delivered late.
const minReturns = 2

// boxes recognises two machines that use one agent's name: a box that was cloned, or replaced without being switched
// off. The broker lets only one of them in at a time, so their hellos take turns.
type boxes struct {
	mu     sync.Mutex
	agents map[[2]string]*instanceHistory // by site and agent
	now    func() time.Time
}

// instanceHistory is which runs of an agent said hello.
type instanceHistory struct {
	current, previous       uint64 // instances; 0 for none
	currentBox, previousBox string
	returns                 int       // how often an instance came back after another
	lastReturn              time.Time // when it last did; zero for never
}

func newBoxes() *boxes { return &boxes{agents: map[[2]string]*instanceHistory{}, now: time.Now} }

// maxBoxName bounds what is kept of a machine's name and address, in bytes.
const maxBoxName = 200

// noteHello notes the hello of a run of an agent. It returns why it is refused, the zero message while no other box uses its name.
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
