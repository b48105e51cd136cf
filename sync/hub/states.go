package hub

import (
	"fmt"
	"sync"
	"time"

	"github.com/dustin/go-humanize/english"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"lanewarden/sync/wire"
)

// Bounds of what is kept in memory of states, which anyone with an agent's permissions can send.
const (
	// maxAgents bounds the agents whose state is kept: ten times what a country has.
	maxAgents = 20_000
	// maxState bounds one agent's state, in bytes as it comes: 100 devices that do not work, each with a sentence.
	maxState = 64 << 10
	// maxStates bounds the states of all agents, in bytes encoded. A state is some 100 bytes where all devices work.
	maxStates = 64 << 20
)

// agentState is the state that an agent reported last, or its last will, and when it came by the
// hub's clock.
type agentState struct {
	*wire.State
	received time.Time
}

// states keeps in memory what agents last said of themselves. It is empty after a start and fills
// as agents connect, since each publishes its state at once and then every minute. It may be used
// by many goroutines.
type states struct {
	mu     sync.Mutex
	agents map[[2]string]agentState
	bytes  int // of all, encoded
	up     int // agents that say they are online
}

func newStates() *states { return &states{agents: map[[2]string]agentState{}} }

// store keeps a state message, and returns the state, which is not to be changed. Its error says why the message is
// dropped; the agent's state from before stays then.
func (s *states) store(site, agent string, payload []byte, now time.Time) (*wire.State, error) {
	if len(payload) > maxState {
		return nil, fmt.Errorf("the state has %d bytes, more than %d", len(payload), maxState)
	}
	var said wire.State
	if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(payload, &said); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	name := [2]string{site, agent}
	before, known := s.agents[name]
	if !known && len(s.agents) >= maxAgents {
		return nil, fmt.Errorf("one agent too many: %d are known", len(s.agents))
	}
	more := proto.Size(&said)
	if known {
		more -= proto.Size(before.State)
	}
	if more > 0 && s.bytes+more > maxStates {
		return nil, fmt.Errorf("the states of all agents have %d %s, and %d are kept",
			s.bytes, english.PluralWord(s.bytes, "byte", ""), maxStates)
	}
	s.bytes += more
	if known && before.Online {
		s.up--
	}
	if said.Online {
		s.up++
	}
	s.agents[name] = agentState{&said, now}
	return &said, nil
}

// latest returns the state that an agent reported last; ok is false when it has reported none. The
// state is shared and not to be changed.
func (s *states) latest(site, agent string) (agentState, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	state, ok := s.agents[[2]string{site, agent}]
	return state, ok
}

// online returns the number of agents that say they are online. It is asked for with every group of acknowledgements,
// so it does not look at each agent.
func (s *states) online() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.up
}
