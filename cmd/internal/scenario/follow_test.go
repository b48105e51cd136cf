package scenario

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

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
}

func newMemory() *memory { return &memory{keys: map[string]bool{}, changed: make(chan struct{})} }

func (m *memory) Read(from int64, most int) ([]journal.Row, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]journal.Row(nil), m.rows[min(int(from), len(m.rows)):min(int(from)+most, len(m.rows))]...), nil
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

func (m *memory) Commit(_ context.Context, obs ...*observation.Observation) (added int, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, o := range obs {
		if key := o.Device + " " + o.Key; !m.keys[key] {
			m.keys[key] = true
			body, err := proto.Marshal(o.Body)
			if err != nil {
				return added, err
			}
			m.rows = append(m.rows, journal.Row{Idx: int64(len(m.rows)), Class: o.Class, Time: o.TimeNs, Device: o.Device, Kind: o.Body.Kind(), Key: o.Key, Body: body})
			added++
		}
	}
	close(m.changed)
	m.changed = make(chan struct{})
	return added, nil
}

// assigned returns the passage of each reading, by the reading's own key, as the journal says it in the end.
func (m *memory) assigned(t *testing.T) map[string]string {
	out, opened := map[string]string{}, map[string]bool{}
	for _, r := range m.rows {
		b := &observation.Body{}
		if err := proto.Unmarshal(r.Body, b); err != nil {
			t.Fatal(err)
		}
		put := func(idx int64, id string) { out[m.rows[idx].Key] = id }
		switch p := b.Typed().(type) {
		case *observation.PassageOpened:
			if opened[p.Id] {
				t.Errorf("passage %s was opened twice", p.Id)
			}
			opened[p.Id] = true
			for _, r := range p.Readings {
				put(r.Idx, p.Id)
			}
		case *observation.PassageUpdated:
			if !opened[p.Id] {
				t.Errorf("passage %s was updated, and never opened", p.Id)
			}
			for _, r := range p.Readings {
				put(r.Idx, p.Id)
			}
		case *observation.PassageCorrected:
			put(p.Idx, p.To)
		}
	}
	return out
}

// TestRestart stops the agent again and again with vehicles in the lane: vehicles stay whole, no reading is told twice.
func TestRestart(t *testing.T) {
	s := load(t, "busy-lane")
	day := Make(s, 5)
	told := day.Told[:2500]
	lanes := []passage.Lane{s.Lane("lane-1")}
	play := func(every int) map[string]string {
		m := newMemory()
		for at := 0; at < len(told); at += every {
			run(t, m, lanes, told[at:min(at+every, len(told))])
		}
		return m.assigned(t)
	}
	whole, parts := play(len(told)), play(101)
	same, n := 0, 0
	main := map[string]map[string]int{} // passage in whole: in parts
	for key, id := range whole {
		if main[id] == nil {
			main[id] = map[string]int{}
		}
		main[id][parts[key]]++
		n++
	}
	for _, in := range main {
		best := 0
		for id, k := range in {
			if id != "" {
				best = max(best, k)
			}
		}
		same += best
	}
	if share := float64(same) / float64(n); share < 0.97 || n < 2000 {
		t.Errorf("with a restart after every 101 readings %.2f %% of %d readings are together as they were", 100*share, n)
	}
}

// run lets a follower read while observations come, and stops it.
func run(t *testing.T, m *memory, lanes []passage.Lane, told []Told) {
	ctx, cancel := context.WithCancel(t.Context())
	f := passage.NewFollower(m, lanes, slog.New(slog.DiscardHandler))
	done := make(chan error, 1)
	go func() { done <- f.Run(ctx) }()
	asked, give := context.WithTimeout(ctx, 30*time.Second)
	defer give()
	ask := func() { // it answers when it has caught up
		if _, _, err := f.Passages(asked); err != nil {
			t.Error(err)
		}
	}
	ask()
	for _, one := range told {
		if _, err := m.Commit(t.Context(), proto.CloneOf(one.Obs)); err != nil {
			t.Fatal(err)
		}
	}
	ask()
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// BenchmarkImport commits a day of the busy lane to a journal, in groups, with passages being followed; of-bare is its rate over that of the
// journal alone.
func BenchmarkImport(b *testing.B) {
	s := load(b, "busy-lane")
	day := Make(s, 1)
	commit := func(follow bool) time.Duration {
		j, err := journal.Open(b.TempDir(), journal.Options{Site: "s", Agent: "a"})
		if err != nil {
			b.Fatal(err)
		}
		defer j.Close()
		ctx, cancel := context.WithCancel(b.Context())
		defer cancel()
		f := passage.NewFollower(j, []passage.Lane{s.Lane("lane-1")}, slog.New(slog.DiscardHandler))
		done := make(chan error, 1)
		if follow {
			go func() { done <- f.Run(ctx) }()
			f.Passages(ctx)
		}
		begin := time.Now()
		const group = 64
		for i := 0; i < len(day.Told); i += group {
			var obs []*observation.Observation
			for _, t := range day.Told[i:min(i+group, len(day.Told))] {
				obs = append(obs, proto.CloneOf(t.Obs))
			}
			if _, err := j.Commit(ctx, obs...); err != nil {
				b.Fatal(err)
			}
		}
		if follow {
			f.Passages(ctx) // it answers when it has caught up
			cancel()
			<-done
		}
		return time.Since(begin)
	}
	var bare, with time.Duration
	for range b.N {
		bare += commit(false)
		with += commit(true)
	}
	b.ReportMetric(float64(len(day.Told)*b.N)/with.Seconds(), "observations/s")
	b.ReportMetric(bare.Seconds()/with.Seconds(), "of-bare")
}
