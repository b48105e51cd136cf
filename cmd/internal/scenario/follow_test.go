package scenario

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/observation"
	"lanewarden/edge/journal"
	"lanewarden/edge/lane/passage"
)

// running is a follower that runs.
type running struct {
	t    *testing.T
	f    *passage.Follower
	stop context.CancelFunc
	done chan error
}

func follow(t *testing.T, m *memory, lanes []passage.Lane) *running {
	ctx, cancel := context.WithCancel(t.Context())
	r := &running{t, passage.NewFollower(m, lanes, slog.New(slog.DiscardHandler)), cancel, make(chan error, 1)}
	go func() { r.done <- r.f.Run(ctx) }()
	return r
}

// caughtUp waits until the follower has read all that is committed.
func (r *running) caughtUp() []*observation.PassageClosed {
	all, _, err := r.f.Passages(r.t.Context())
	if err != nil {
		r.t.Error(err)
	}
	return all
}

func (r *running) end() {
	r.stop()
	if err := <-r.done; err != nil {
		r.t.Error(err)
	}
}

// leave lets the vehicles that are in the lanes leave them. Time is the bubble's.
func (r *running) leave() {
	r.caughtUp()
	<-time.After(20 * time.Minute)
	r.caughtUp()
}

// give commits observations one by one, as devices do, each being read before the next one comes.
func give(t *testing.T, m *memory, r *running, told []Told) {
	for _, one := range told {
		if _, err := m.Commit(t.Context(), proto.CloneOf(one.Obs)); err != nil {
			t.Fatal(err)
		}
	}
	r.caughtUp()
}

// whole is the journal of a day without a stop.
func whole(t *testing.T, lanes []passage.Lane, told []Told) *memory {
	m := newMemory()
	r := follow(t, m, lanes)
	r.caughtUp()
	give(t, m, r, told)
	r.leave()
	r.end()
	return m
}

// TestRestart stops the agent again and again with vehicles in the lane: the same readings are together, none is told
// twice, and a correlator that reads the whole journal says the same.
func TestRestart(t *testing.T) {
	s := load(t, "busy-lane")
	told := Make(s, 5).Told[:1200]
	lanes := s.Lanes()
	synctest.Test(t, func(t *testing.T) {
		m := whole(t, lanes, told)
		want := m.assigned(t)
		same(t, "a replay", want, m.replayed(lanes))
		for _, every := range []int{101, 37, 700} {
			m := newMemory()
			for at := 0; at < len(told); at += every {
				r := follow(t, m, lanes)
				r.caughtUp()
				give(t, m, r, told[at:min(at+every, len(told))])
				r.end()
			}
			r := follow(t, m, lanes)
			r.leave()
			r.end()
			same(t, "restarts", want, m.assigned(t))
			same(t, "a replay after restarts", want, m.replayed(lanes))
		}
	})
}

func same(t *testing.T, what string, want, got map[string]string) {
	t.Helper()
	if d := differences(want, got); len(d) > 0 {
		t.Errorf("%s: %d of %d readings are not together with the same others: %v", what, len(d), len(want), d[:min(len(d), 8)])
		for _, k := range d[:min(len(d), 8)] {
			t.Logf("%s: %q, %q", k, want[k], got[k])
		}
	}
}

// TestKill kills the agent 50 times with vehicles in the lane: what it said last is lost.
func TestKill(t *testing.T) {
	s := load(t, "busy-lane")
	told := Make(s, 6).Told[:1000]
	lanes := s.Lanes()
	synctest.Test(t, func(t *testing.T) {
		want := whole(t, lanes, told).assigned(t)
		random := rand.New(rand.NewPCG(1, 2))
		m := newMemory()
		at := 0
		for kill := range 50 {
			n := min(at+1+random.IntN(2*len(told)/50), len(told))
			if kill == 49 {
				n = len(told)
			}
			r := follow(t, m, lanes)
			r.caughtUp()
			m.kill(random.IntN(12))
			give(t, m, r, told[at:n])
			r.end()
			m.kill(-1)
			at = n
		}
		r := follow(t, m, lanes)
		r.leave()
		r.end()
		same(t, "50 kills", want, m.assigned(t))
	})
}

// BenchmarkImport commits a day of the busy lane to a journal, in groups, with passages being followed; of-bare is its
// rate over that of the journal alone.
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
		f := passage.NewFollower(j, s.Lanes(), slog.New(slog.DiscardHandler))
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
