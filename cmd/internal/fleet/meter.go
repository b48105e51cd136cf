package fleet

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"lanewarden/drivers/observation"
	"lanewarden/edge/journal"
	"lanewarden/sync/uplink"
)

// tally is what all agents together did. It may be used by many goroutines.
type tally struct {
	connected    atomic.Int64 // agents that the hub has answered on their present connection
	lost, failed atomic.Int64 // connections that ended by themselves after the hub's answer, and before or never made
	held         atomic.Int64 // observations that were not recorded because too much waited
	end          atomic.Int64 // of the traffic, ns since 1970; 0 while it flows
	classes      observation.PerClass[classTally]
}

// classTally is what all agents did with rows of a class.
type classTally struct {
	recorded, sent, acked atomic.Int64 // rows; sent are those that were so at least once
	// Of rows that were sent while the traffic flowed: at the end the rest comes at once, which is a load of its own.
	fromSent     delays // from the first sending of a row to its acknowledgement
	fromRecorded delays // from its commit to the agent's journal, so with the wait of telemetry
}

// waiting returns how many rows are not acknowledged.
func (t *tally) waiting() (n int64) {
	for _, class := range observation.Classes {
		n += t.classes[class].recorded.Load() - t.classes[class].acked.Load()
	}
	return n
}

// store is the journal of an agent, *journal.Memory or *journal.Journal.
type store interface {
	uplink.Source
	Commit(ctx context.Context, obs ...*observation.Observation) (added int, err error)
}

// meter is an agent's journal that notes when each row was recorded, sent and acknowledged. It has one committer; the
// uplink uses it from other goroutines.
type meter struct {
	store
	tally *tally
	line  *line

	mu      sync.Mutex
	classes observation.PerClass[track]
}

// track follows the rows of a class that are not acknowledged, oldest first.
type track struct {
	rows        []passing
	sent, acked int64 // idx of the last such row, -1 for none
	marked      int   // of rows: so many have a time of sending
}

// passing is a row on its way.
type passing struct {
	idx            int64
	recorded, sent time.Time
}

func newMeter(s store, t *tally, l *line) *meter {
	m := &meter{store: s, tally: t, line: l}
	for _, class := range observation.Classes {
		m.classes[class].sent, m.classes[class].acked = s.Acked(class), s.Acked(class)
	}
	return m
}

// commit records observations, all of them new.
func (m *meter) commit(ctx context.Context, obs []*observation.Observation) error {
	begin := time.Now()
	next := m.Size()
	if _, err := m.Commit(ctx, obs...); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, o := range obs {
		m.tally.classes[o.Class].recorded.Add(1)
		m.note(o.Class, passing{idx: next + int64(i), recorded: begin})
	}
	return nil
}

// note begins to follow a row. It may have been sent and acknowledged in the meantime. The caller holds mu.
func (m *meter) note(class observation.Class, p passing) {
	t, all := &m.classes[class], &m.tally.classes[class]
	now := time.Now()
	if p.idx <= t.sent {
		p.sent = now
		all.sent.Add(1)
	}
	if p.idx <= t.acked {
		m.tally.count(class, p, now)
		return
	}
	t.rows = append(t.rows, p)
	if !p.sent.IsZero() {
		t.marked = len(t.rows)
	}
}

// count counts a row of a class that was acknowledged.
func (t *tally) count(class observation.Class, p passing, now time.Time) {
	c := &t.classes[class]
	c.acked.Add(1)
	if end := t.end.Load(); end != 0 && p.sent.UnixNano() > end {
		return
	}
	c.fromSent.add(now.Sub(p.sent))
	c.fromRecorded.add(now.Sub(p.recorded))
}

// Next implements uplink.Source: what it returns is sent at once.
func (m *meter) Next(class observation.Class, after int64, most journal.Limits) (journal.Following, error) {
	next, err := m.store.Next(class, after, most)
	if err != nil || len(next.Rows) == 0 {
		return next, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	t, now := &m.classes[class], time.Now()
	t.sent = max(t.sent, next.Rows[len(next.Rows)-1].Idx)
	for ; t.marked < len(t.rows) && t.rows[t.marked].idx <= t.sent; t.marked++ {
		t.rows[t.marked].sent = now
		m.tally.classes[class].sent.Add(1)
	}
	return next, nil
}

// SetAcked implements uplink.Source: the hub answered.
func (m *meter) SetAcked(class observation.Class, idx int64) {
	m.store.SetAcked(class, idx)
	m.mu.Lock()
	defer m.mu.Unlock()
	t, now := &m.classes[class], time.Now()
	m.line.answered(now, idx > t.acked)
	t.acked = max(t.acked, idx)
	n := 0
	for ; n < t.marked && t.rows[n].idx <= t.acked; n++ {
		m.tally.count(class, t.rows[n], now)
	}
	t.rows, t.marked = t.rows[n:], t.marked-n
}

// waiting returns how many rows the hub has not acknowledged.
func (m *meter) waiting() (n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, class := range observation.Classes {
		n += len(m.classes[class].rows)
	}
	return n
}
