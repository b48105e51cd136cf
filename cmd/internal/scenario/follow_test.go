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
	told := Make(s, 5).Told[:700]
	lanes := s.Lanes()
	synctest.Test(t, func(t *testing.T) {
		m := whole(t, lanes, told)
		want := m.assigned(t)
		same(t, "a replay", want, m.replayed(lanes))
		for _, every := range []int{101, 53, 400} {
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
	told := Make(s, 6).Told[:700]
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

// TestRestartLongAfter stops the agent when most of the journal has been decided long ago, and is not associated anew.
func TestRestartLongAfter(t *testing.T) {
	s := load(t, "busy-lane")
	told := Make(s, 8).Told[:6200]
	lanes := s.Lanes()
	synctest.Test(t, func(t *testing.T) {
		want := whole(t, lanes, told).assigned(t)
		m := newMemory()
		for at := 0; at < len(told); at += 2000 {
			r := follow(t, m, lanes)
			r.caughtUp()
			give(t, m, r, told[at:min(at+2000, len(told))])
			r.end()
		}
		r := follow(t, m, lanes)
		r.leave()
		r.end()
		same(t, "restarts", want, m.assigned(t))
	})
}

// TestOtherLanes restarts the agent with other stations: passages that it does not know any more are ended.
func TestOtherLanes(t *testing.T) {
	s := load(t, "busy-lane")
	told := Make(s, 5).Told[:60]
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		r := follow(t, m, s.Lanes())
		give(t, m, r, told)
		r.end()
		r = follow(t, m, []passage.Lane{{ID: "other", Stations: []passage.Station{{ID: "entry", Devices: []string{"loop-9"}}}}})
		r.caughtUp()
		r.end()
		m.assigned(t)
	})
}

// TestCorrect has persons put readings elsewhere: of any device, into any passage. It holds after a restart, and when
// the journal is read anew.
func TestCorrect(t *testing.T) {
	s := load(t, "busy-lane")
	told := Make(s, 9).Told[:300]
	lanes := s.Lanes()
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		r := follow(t, m, lanes)
		r.caughtUp()
		stranger := observation.New(observation.Class_CLASS_EVENT, told[0].Obs.Time(), &observation.VehicleTag{Uri: "urn:epc:id:sgtin:1.2.3"})
		stranger.Device, stranger.Key = "rfid-9", "stranger"
		give(t, m, r, append([]Told{{Obs: stranger}}, told...))
		all := r.caughtUp()
		a, b := all[4], all[7]
		moved := a.Readings[0].Idx
		for _, c := range []struct {
			name string
			idx  int64
			to   string
			fine bool
		}{
			{"to another passage", moved, b.Id, true},
			{"of a device in no lane", 0, b.Id, true},
			{"to none", b.Readings[1].Idx, "", true},
			{"to none once more", b.Readings[1].Idx, "", true},
			{"into a passage that is not", moved, "lane-1-20200101T000000-1", false},
			{"a row that is not", 1 << 40, b.Id, false},
			{"a row of the agent", agentRow(m), b.Id, false},
		} {
			if err := r.f.Correct(t.Context(), c.idx, c.to, "seen by eye", "ada"); (err == nil) != c.fine {
				t.Errorf("%s: error %v", c.name, err)
			}
		}
		check := func(when string) {
			for _, p := range r.caughtUp() {
				in := map[int64]bool{}
				for _, x := range p.Readings {
					in[x.Idx] = true
				}
				if in[moved] != (p.Id == b.Id) || in[0] != (p.Id == b.Id) || in[b.Readings[1].Idx] {
					t.Errorf("%s %s has %v", when, p.Id, p.Readings)
				}
			}
		}
		check("at once")
		r.end()
		r = follow(t, m, lanes)
		check("after a restart")
		r.leave()
		r.end()
		want := m.assigned(t)
		if want[m.rows[moved].Key] != b.Id || want["stranger"] != b.Id || want[m.rows[b.Readings[1].Idx].Key] != "" {
			t.Errorf("in the end they are in %q, %q and %q", want[m.rows[moved].Key], want["stranger"], want[m.rows[b.Readings[1].Idx].Key])
		}
		same(t, "a replay", want, m.replayed(lanes))
	})
}

// agentRow returns a row of the agent.
func agentRow(m *memory) int64 {
	for i, r := range m.rows {
		if r.Device == observation.AgentDevice {
			return int64(i)
		}
	}
	return -1
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
