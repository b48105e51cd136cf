package scenario

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"

	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/observation"
	"lanewarden/edge/journal"
	"lanewarden/edge/lane/passage"
)

// memory is a journal in memory.
type memory struct {
	mu      sync.Mutex
	rows    []journal.Row
	keys    map[string]bool
	changed chan struct{}
	refuse  int // of the agent's commits that are still taken; then all are refused. Negative: none is
}

func newMemory() *memory {
	return &memory{keys: map[string]bool{}, changed: make(chan struct{}), refuse: -1}
}

func (m *memory) Read(from int64, most int) ([]journal.Row, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.rows[min(int(from), len(m.rows)):min(int(from)+most, len(m.rows))]), nil
}

func (m *memory) Size() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return int64(len(m.rows))
}

func (m *memory) Changed() <-chan struct{} {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.changed
}

// Commit adds rows whose keys are new. What the agent says after its kill is lost.
func (m *memory) Commit(_ context.Context, obs ...*observation.Observation) (added int, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, o := range obs {
		key := o.Device + " " + o.Key
		if m.keys[key] || o.Device == observation.AgentDevice && !m.alive() {
			continue
		}
		m.keys[key] = true
		body, err := proto.Marshal(o.Body)
		if err != nil {
			return added, err
		}
		m.rows = append(m.rows, journal.Row{
			Idx: int64(len(m.rows)), Class: o.Class, Time: o.TimeNs, Device: o.Device, Kind: o.Body.Kind(), Key: o.Key, Body: body,
		})
		added++
	}
	close(m.changed)
	m.changed = make(chan struct{})
	return added, nil
}

// alive counts a row of the agent, and reports whether it is before the kill.
func (m *memory) alive() bool {
	if m.refuse < 0 {
		return true
	}
	if m.refuse == 0 {
		return false
	}
	m.refuse--
	return true
}

// kill loses all that the agent commits after so many more rows; -1 lets it live again.
func (m *memory) kill(after int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.refuse = after
}

// assigned returns the passage of each reading, by the reading's own key, as the journal says it in the end.
func (m *memory) assigned(t *testing.T) map[string]string {
	out, opened, closed := map[string]string{}, map[string]bool{}, map[string]bool{}
	all := func(id string, readings []*observation.PassageReading) {
		for _, r := range readings {
			out[m.rows[r.Idx].Key] = id
		}
	}
	for _, r := range m.rows {
		if r.Device != observation.AgentDevice {
			continue
		}
		b := &observation.Body{}
		if err := proto.Unmarshal(r.Body, b); err != nil {
			t.Fatal(err)
		}
		switch p := b.Typed().(type) {
		case *observation.PassageOpened:
			if opened[p.Id] {
				t.Errorf("passage %s was opened twice", p.Id)
			}
			opened[p.Id] = true
			all(p.Id, p.Readings)
		case *observation.PassageUpdated:
			if !opened[p.Id] {
				t.Errorf("passage %s was updated, and never opened", p.Id)
			}
			all(p.Id, p.Readings)
		case *observation.PassageClosed:
			if closed[p.Id] || !opened[p.Id] {
				t.Errorf("passage %s was closed twice, or never opened", p.Id)
			}
			closed[p.Id] = true
		case *observation.PassageCorrected:
			out[m.rows[p.Idx].Key] = p.To
		}
	}
	for id := range opened {
		if !closed[id] {
			t.Errorf("passage %s was opened, and never closed", id)
		}
	}
	return out
}

// replayed returns the passage of each reading as a new correlator finds it that reads the whole journal.
func (m *memory) replayed(lanes []passage.Lane) map[string]string {
	c := passage.New(lanes)
	out := map[string]string{}
	c.Assigned = func(a passage.Assignment) {
		if a.Passage != "" || out[m.rows[a.Idx].Key] != "" {
			out[m.rows[a.Idx].Key] = a.Passage
		}
	}
	at := func(idx int64) (passage.Row, bool) {
		r := &m.rows[idx]
		o := &observation.Observation{Class: r.Class, TimeNs: r.Time, Device: r.Device, Key: r.Key, Body: &observation.Body{}}
		return passage.Row{Idx: idx, Observation: o}, proto.Unmarshal(r.Body, o.Body) == nil
	}
	c.Fetch = at
	for i := range m.rows {
		if r, ok := at(int64(i)); ok {
			c.Take(r)
		}
	}
	c.Flush()
	return out
}

// partition returns which readings are together: for each, all that are in its passage, in order; "" for those of none.
func partition(in map[string]string) map[string]string {
	members := map[string][]string{}
	for key, id := range in {
		members[id] = append(members[id], key)
	}
	out := map[string]string{}
	for id, keys := range members {
		slices.Sort(keys)
		for _, k := range keys {
			if out[k] = strings.Join(keys, " "); id == "" {
				delete(out, k)
			}
		}
	}
	return out
}

// differences returns the readings that are not together with the same others in both.
func differences(a, b map[string]string) (out []string) {
	x, y := partition(a), partition(b)
	for key := range x {
		if x[key] != y[key] {
			out = append(out, key)
		}
	}
	for key := range y {
		if _, ok := x[key]; !ok {
			out = append(out, key)
		}
	}
	slices.Sort(out)
	return out
}
