package driver

import (
	"context"
	"slices"
	"sync"

	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/observation"
)

// Memory keeps observations as the journal does: each key once, in the order in which they came. It is the part of a
// Sink in memory that all of them share. The zero Memory is empty and ready; its methods may be called from any
// goroutine.
type Memory struct {
	mu   sync.Mutex
	all  []*observation.Observation
	keys map[string]bool
}

// Commit implements Sink: it keeps copies, and returns how many were new. It fails when ctx has ended.
func (m *Memory) Commit(ctx context.Context, obs ...*observation.Observation) (added int, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	if m.keys == nil {
		m.keys = map[string]bool{}
	}
	for _, o := range obs {
		if o.Key != "" && m.keys[o.Key] {
			continue
		}
		m.keys[o.Key] = true
		one := proto.CloneOf(o)
		observation.ReplaceInvalidText(one.Body)
		m.all = append(m.all, one)
		added++
	}
	return added, nil
}

// Latest implements Sink.
func (m *Memory) Latest(_ context.Context, kind observation.Kind) (*observation.Observation, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, o := range slices.Backward(m.all) {
		if o.Body.Kind() == kind {
			return o, nil
		}
	}
	return nil, nil
}

// Observations returns what was committed so far.
func (m *Memory) Observations() []*observation.Observation {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.all)
}
