package hub

import (
	"sync"
	"time"

	"lanewarden/drivers/message"
)

// twoBoxesFor is the time after the last change for which two boxes still count as using one name.
const twoBoxesFor = 2 * time.Minute

// returnsToContest is the number of returns of a run that prove two boxes: once may be a message that the broker
// delivered late.
const returnsToContest = 2

// boxes recognises two machines that use one agent's name: a box that was cloned, or replaced without being switched
// off. The broker lets only one of them in at a time, so their hellos take turns.
type boxes struct {
	mu     sync.Mutex
	agents map[[2]string]*turns // by site and agent
	now    func() time.Time
}

// turns is which runs of an agent said hello.
type turns struct {
	current, before uint64 // instances; 0 for none
	box, boxBefore  string
	returns         int       // how often an instance came back after another
	contested       time.Time // when it last did; zero for never
}

func newBoxes() *boxes { return &boxes{agents: map[[2]string]*turns{}, now: time.Now} }

// maxBox bounds what is kept of a machine's name and address, in bytes.
const maxBox = 200

// hello notes the hello of a run of an agent. It returns why it is refused, the zero message while no other box uses its name.
func (b *boxes) hello(site, agent string, instance uint64, box string) message.Message {
	if instance == 0 {
		return message.Message{} // an agent of a version that does not say
	}
	box = box[:min(len(box), maxBox)]
	b.mu.Lock()
	defer b.mu.Unlock()
	t := b.agents[[2]string{site, agent}]
	if t == nil {
		if len(b.agents) >= maxAgents {
			return message.Message{} // strangers' names: nothing is known of them
		}
		t = &turns{}
		b.agents[[2]string{site, agent}] = t
	}
	if instance != t.current {
		if instance == t.before { // a run that ended does not come back: both are alive
			t.returns++
			t.contested = b.now()
		}
		t.before, t.boxBefore = t.current, t.box
		t.current, t.box = instance, box
	}
	if b.now().Sub(t.contested) > twoBoxesFor {
		t.returns = 0
	}
	if t.returns < returnsToContest {
		return message.Message{}
	}
	return message.New("refusal.two-boxes", message.String("site", site), message.String("agent", agent),
		message.String("this", t.box), message.String("other", t.boxBefore))
}
