package passage

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"lanewarden/drivers/observation"
	"lanewarden/edge/journal"
)

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
		eachStatement(o.Body, func(idx int64, s statement) { out[a.s.rows[idx].Key] = s.passage })
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

// TestRestartAnywhere draws traffic and corrections, and stops the agent after any rows: what it says in the end is
// what one says that never stopped, and what a correlator says that reads the journal anew; what a person said holds.
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
