package passage

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"lanewarden/drivers/observation"
	"lanewarden/edge/journal"
)

// shelf is a journal in memory.
type shelf struct {
	mu      sync.Mutex
	rows    []journal.Row
	keys    map[string]bool
	changed chan struct{}
	refuses int // commits that fail
	broken  bool
}

func newShelf() *shelf { return &shelf{keys: map[string]bool{}, changed: make(chan struct{})} }

func (s *shelf) Read(from int64, most int) ([]journal.Row, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken {
		return nil, io.ErrUnexpectedEOF
	}
	n := int64(len(s.rows))
	return slices.Clone(s.rows[min(from, n):min(from+int64(most), n)]), nil
}

func (s *shelf) Size() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return int64(len(s.rows))
}

func (s *shelf) Changed() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.changed
}

func (s *shelf) Commit(_ context.Context, obs ...*observation.Observation) (added int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refuses > 0 {
		s.refuses--
		return 0, errors.New("the disk is full")
	}
	for _, o := range obs {
		key := o.Device + " " + o.Key
		if s.keys[key] {
			continue
		}
		s.keys[key] = true
		body, err := proto.Marshal(o.Body)
		if err != nil {
			return added, err
		}
		s.rows = append(s.rows, journal.Row{
			Idx: int64(len(s.rows)), Class: o.Class, Time: o.TimeNs, Device: o.Device, Kind: o.Body.Kind(), Key: o.Key,
			Body: body,
		})
		added++
	}
	close(s.changed)
	s.changed = make(chan struct{})
	return added, nil
}

// agent is a follower that is driven by hand: no goroutine, no clock but the rows' own.
type agent struct {
	*Follower
	t failer
	s *shelf
}

// start starts an agent on a journal, as after a stop at any moment.
func start(t failer, s *shelf, lanes []Lane) *agent {
	t.Helper()
	a := &agent{NewFollower(s, lanes, slog.New(slog.DiscardHandler)), t, s}
	a.must(a.restore(context.Background()))
	a.must(a.catchUp(context.Background()))
	return a
}

func (a *agent) must(err error) {
	a.t.Helper()
	if err != nil {
		a.t.Fatalf("%v", err)
	}
}

// takes commits what devices report, each being read before the next one comes.
func (a *agent) takes(all ...*observation.Observation) {
	a.t.Helper()
	for _, o := range all {
		if _, err := a.s.Commit(context.Background(), proto.CloneOf(o)); err != nil {
			a.t.Fatalf("%v", err)
		}
		a.must(a.catchUp(context.Background()))
	}
}

// waits lets the correlator's time go on.
func (a *agent) waits(s float64) {
	at := dawn.Add(seconds(a.correlator.now - float64(dawn.Unix()) + s))
	a.commit(context.Background(), a.correlator.Tick(at))
	a.must(a.catchUp(context.Background()))
}

// puts has a person put a reading somewhere.
func (a *agent) puts(key, to string) {
	a.t.Helper()
	i := slices.IndexFunc(a.s.rows, func(r journal.Row) bool { return r.Key == key })
	want := &correction{idx: int64(i), to: to, reason: "seen by eye", by: "ada"}
	err := a.correct(context.Background(), want)
	if errors.Is(err, errElsewhere) {
		if want.found, err = a.search(context.Background(), want.idx, to); err == nil {
			err = a.correct(context.Background(), want)
		}
	}
	a.must(err)
}

// said returns, by key, the passage of each reading, as the journal says it.
func (a *agent) said() map[string]string {
	out := map[string]string{}
	for i := range a.s.rows {
		r := &a.s.rows[i]
		if r.Device != observation.AgentDevice {
			continue
		}
		o, err := r.Observation()
		a.must(err)
		eachSaid(o.Body, func(idx int64, s said) { out[a.s.rows[idx].Key] = s.passage })
	}
	return out
}

// groupsOf returns which readings are in one passage.
func groupsOf(said map[string]string) map[string][]string {
	members, out := map[string][]string{}, map[string][]string{}
	for key, id := range said {
		members[id] = append(members[id], key)
	}
	for key, id := range said {
		if id != "" {
			slices.Sort(members[id])
			out[key] = members[id]
		}
	}
	return out
}

// TestRestartAnywhere draws traffic and corrections, and stops the agent after any rows: what it says in the end is what
// one says that never stopped, and what a correlator says that reads the journal anew; what a person said holds.
func TestRestartAnywhere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		traffic := someTraffic(t)
		stops := rapid.SliceOfN(rapid.IntRange(0, len(traffic)), 1, 3).Draw(t, "stops")
		moved, to := -1, -1
		if n := len(traffic); n > 3 && rapid.Bool().Draw(t, "corrected") {
			moved, to = rapid.IntRange(0, n-1).Draw(t, "reading"), rapid.IntRange(0, n-1).Draw(t, "passage of")
		}
		correctAfter := rapid.IntRange(1, max(1, len(traffic))).Draw(t, "corrected after")
		pinned := ""
		run := func(stops []int) *agent {
			a := start(t, newShelf(), twoLanes())
			for i, o := range traffic {
				if slices.Contains(stops, i) {
					a = start(t, a.s, twoLanes())
				}
				a.takes(o)
				if i+1 == correctAfter && moved >= 0 {
					said := a.said()
					if id := said[traffic[to].Key]; said[traffic[moved].Key] != "" && id != "" {
						a.puts(traffic[moved].Key, id)
						pinned = id
					}
				}
			}
			if slices.Contains(stops, len(traffic)) {
				a = start(t, a.s, twoLanes())
			}
			a.waits(1000)
			return a
		}
		whole, stopped := run(nil), run(stops)
		want, got := groupsOf(whole.said()), groupsOf(stopped.said())
		for key := range want {
			if !slices.Equal(want[key], got[key]) {
				t.Errorf("stopped after %v: %s is with %q, and without a stop with %q", stops, key, got[key], want[key])
			}
		}
		if id := stopped.said()[keyOr(traffic, moved)]; pinned != "" && id != pinned {
			t.Errorf("a person put it into %s, and it is in %s", pinned, id)
		}
		again := newDay(t, twoLanes())
		for i := range stopped.s.rows {
			r, ok := stopped.fetch(int64(i))
			if !ok { // a row of the agent that is no correction
				o, err := stopped.s.rows[i].Observation()
				stopped.must(err)
				r = Row{int64(i), o}
			}
			again.rows = append(again.rows, r)
		}
		decided := map[string]string{}
		again.Assigned = func(a Assignment) { decided[again.rows[a.Idx].Key] = a.Passage }
		for _, r := range again.rows {
			again.Take(r)
		}
		again.Flush()
		replayed := groupsOf(decided)
		for key := range got {
			if !slices.Equal(replayed[key], got[key]) {
				t.Errorf("stopped after %v: %s is with %q, and replayed with %q", stops, key, got[key], replayed[key])
			}
		}
	})
}

func keyOr(all []*observation.Observation, i int) string {
	if i < 0 {
		return ""
	}
	return all[i].Key
}

// TestFollowerRefused: what the journal refuses is committed when it can be, once.
func TestFollowerRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShelf()
		a := start(t, s, twoLanes())
		a.takes(through(0, "AAA111")...)
		s.refuses = 3
		begin := time.Now()
		a.waits(300)
		if s.refuses != 0 || time.Since(begin) == 0 {
			t.Errorf("%d refusals are left after %v", s.refuses, time.Since(begin))
		}
		if id := a.said()["loop-1 0.00"]; id == "" {
			t.Error("it was not told in the end")
		}
	})
}

// TestFollowerRuns: a follower that runs tells of vehicles without being asked, also when no more rows come; a journal
// that cannot be read for a while ends nothing.
func TestFollowerRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShelf()
		ctx, cancel := context.WithCancel(t.Context())
		f := NewFollower(s, twoLanes(), slog.New(slog.DiscardHandler))
		done := make(chan error)
		go func() { done <- f.Run(ctx) }()
		f.Passages(ctx) // it answers when it has read what there is
		s.mu.Lock()
		s.broken = true
		s.mu.Unlock()
		for _, o := range through(0, "AAA111") {
			if _, err := s.Commit(ctx, o); err != nil {
				t.Fatal(err)
			}
		}
		<-time.After(10 * time.Second)
		s.mu.Lock()
		s.broken = false
		s.mu.Unlock()
		<-time.After(10 * time.Minute)
		all, _, err := f.Passages(ctx)
		if err != nil || len(all) != 1 || all[0].Plate != "AAA111" || all[0].State != observation.PassageState_PASSAGE_STATE_CLOSED {
			t.Errorf("%v, %v", all, err)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if _, _, err := f.Passages(ctx); err == nil {
			t.Error("a follower that has ended answers")
		}
		if err := f.Correct(ctx, 0, "", "", "ada"); err == nil {
			t.Error("a follower that has ended corrects")
		}
	})
}

// TestFollowerWithoutLanes: an agent whose lanes have no stations has no passages, and says so.
func TestFollowerWithoutLanes(t *testing.T) {
	f := NewFollower(newShelf(), []Lane{{ID: "lane-1"}}, slog.New(slog.DiscardHandler))
	if all, _, err := f.Passages(t.Context()); all != nil || err != nil {
		t.Errorf("%v, %v", all, err)
	}
	if err := f.Correct(t.Context(), 1, "", "", "ada"); !errors.Is(err, errNoStations) {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := f.Run(ctx); err != nil {
		t.Error(err)
	}
}

// TestCorrected: when an observation happened by the agent's clock: its own time, less the offset of the clock that
// stamped it, and never later than it arrived.
func TestCorrected(t *testing.T) {
	a := start(t, newShelf(), twoLanes())
	for v := range 30 {
		at := 60 * float64(v)
		a.takes(loop("loop-1", at), ownClock(plate("lpr-1", at+0.5, "ABC123"), 80*time.Second), loop("loop-2", at+12))
	}
	plain := loop("loop-1", 5000)
	own := ownClock(plate("lpr-1", 5000, "ABC123"), 80*time.Second)
	near := dawn.Add(5000 * time.Second)
	if got := a.Corrected(plain); !got.Equal(plain.Time()) {
		t.Errorf("by the agent's clock: %v", got)
	}
	if got := a.Corrected(own); got.Sub(near).Abs() > 2*time.Second {
		t.Errorf("by its own clock: %v, not %v", got, near)
	}
	var none *Follower
	if got := none.Corrected(own); got.After(near.Add(early)) {
		t.Errorf("nobody knows the clock: %v is later than it arrived", got)
	}
	slow := ownClock(plate("lpr-2", 5000, "ABC123"), -time.Hour)
	if got := none.Corrected(slow); !got.Equal(slow.Time()) {
		t.Errorf("a clock that is behind, and that nobody knows: %v", got)
	}
}
