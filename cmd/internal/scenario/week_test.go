package scenario

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lanewarden/drivers/driver/drivertest"
	"lanewarden/drivers/observation"
	"lanewarden/edge/journal"
	"lanewarden/edge/lane/booth"
	"lanewarden/edge/lane/clearance"
	"lanewarden/edge/lane/clearance/draw"
	"lanewarden/edge/lane/liststore"
	"lanewarden/edge/lane/passage"
	"lanewarden/firmware-config/lists"
	"lanewarden/firmware-config/policy"
	"lanewarden/sync/hub"
	"lanewarden/sync/hub/ledger"
	"lanewarden/sync/uplink"
	"lanewarden/sync/wire"
)

// makeWeek makes days that follow each other, as one, with the portal's background every ten minutes. Clocks run on from
// day to day.
func makeWeek(s *Scenario, seed uint64) *Day {
	week, clocks := &Day{}, newGenerator(s, seed, Begin).clocks
	for n := range *downDays {
		g := newGenerator(s, seed+uint64(n), Begin.AddDate(0, 0, n))
		for id, c := range clocks {
			ahead := c.ahead + time.Duration(c.ppm*1e-6*float64(g.begin.Sub(Begin)))
			g.clocks[id] = &clock{ahead: ahead, ppm: c.ppm}
		}
		day := g.make()
		for _, t := range day.Told {
			if t.Vehicle >= 0 {
				t.Vehicle += len(week.Vehicles)
			}
			t.Obs.Key = fmt.Sprint(n, " ", len(week.Told)) // the days repeat their keys
			week.Told = append(week.Told, t)
		}
		week.Vehicles = append(week.Vehicles, day.Vehicles...)
	}
	for at := Begin; at.Before(Begin.AddDate(0, 0, *downDays)); at = at.Add(10 * time.Minute) {
		o := observation.New(observation.Class_CLASS_TELEMETRY, at, &observation.RadiationBackground{Gamma: []int32{240, 250, 245, 255}})
		o.Device = "rpm-1"
		week.Told = append(week.Told, Told{At: at, Obs: o, Vehicle: -1})
	}
	slices.SortStableFunc(week.Told, func(a, b Told) int { return a.At.Compare(b.At) })
	return week
}

// post is a lane that decides by itself: its journal, passages, lists, draws and booth are the agent's own, on a disk. Its
// time is the bubble's.
type post struct {
	t       *testing.T
	journal *journal.Journal
	lists   *liststore.Store
	policy  *policy.Policy
	draws   *draw.Keeper
}

// idleJournal answers readers that have read all without asking the disk: followers look every second of the week.
type idleJournal struct{ *journal.Journal }

func (j idleJournal) Read(from int64, most int) ([]journal.Row, error) {
	if from >= j.Size() {
		return nil, nil
	}
	return j.Journal.Read(from, most)
}

// runWeek lets the vehicles of a week come to a post whose state is in dir. It returns which row each report became.
func runWeek(t *testing.T, s *Scenario, dir string, week *Day, p *policy.Policy) (told map[int64]int) {
	told = map[int64]int{}
	time.Sleep(time.Until(Begin.Add(-time.Hour)))
	j, err := journal.Open(filepath.Join(dir, "journal"), journal.Options{Site: "joint", Agent: "lane-1"})
	must(t, err)
	defer j.Close()
	at := &post{t: t, journal: j, policy: p}
	at.openLists(dir)
	defer at.lists.Close()
	at.openDraws(dir)
	log := slog.New(slog.DiscardHandler)
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	passages := passage.NewFollower(idleJournal{j}, s.Lanes(), log)
	booths := booth.NewFollower([]booth.Settings{{Lane: s.booth(p)}}, booth.Options{
		Journal: idleJournal{j}, Decide: at.decide, Remember: func(*observation.ClearanceDecision) {},
		Set:          func(context.Context, string, string, string, string) error { return nil },
		ClockTrusted: func() bool { return true }, Log: log,
	})
	for _, run := range []func(context.Context) error{passages.Run, booths.Run} {
		running.Go(func() {
			if err := run(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	for i, one := range week.Told {
		time.Sleep(time.Until(one.At))
		synctest.Wait()
		told[j.Size()] = i
		_, err := j.Commit(ctx, one.Obs)
		must(t, err)
	}
	time.Sleep(time.Hour) // the last vehicle leaves
	synctest.Wait()
	return told
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// openLists has the trade's lists, as the centre issued them at Begin, in force.
func (p *post) openLists(dir string) {
	p.t.Helper()
	var err error
	p.lists, err = liststore.Open(filepath.Join(dir, "lists"))
	must(p.t, err)
	for _, kind := range lists.Kinds() {
		f, err := os.Create(filepath.Join(dir, string(kind)))
		must(p.t, err)
		must(p.t, NewTrade(Begin).WriteList(f, kind, 1, Begin))
		_, err = f.Seek(0, io.SeekStart)
		must(p.t, err)
		_, err = p.lists.Install(p.t.Context(), f)
		must(p.t, err)
		must(p.t, f.Close())
	}
}

// openDraws has the lane make secrets of its own: no link brings those of the centre.
func (p *post) openDraws(dir string) {
	p.t.Helper()
	secrets, err := draw.OpenSecrets(filepath.Join(dir, "secrets"), []byte("key of the agent"),
		func(ctx context.Context, o *observation.Observation) error {
			_, err := p.journal.Commit(ctx, o)
			return err
		})
	must(p.t, err)
	p.draws = draw.NewKeeper(secrets)
}

// decide decides as the agent does.
func (p *post) decide(ctx context.Context, in *clearance.Input) (out clearance.Decision) {
	err := p.lists.View(func(l clearance.Lists) error {
		if identity, ready := clearance.DrawFor(*in, l, p.policy); ready {
			one, err := p.draws.Draw(ctx, in.Presented.ID, identity, in.Now)
			if err != nil {
				return err
			}
			in.Draw = one
		}
		out = clearance.Decide(*in, l, p.policy)
		return nil
	})
	if err != nil {
		p.t.Error(err)
	}
	return out
}

// Seven days without link at a joint post of 40 vehicles a day: every decision is as the policy says, by lists that are 7
// days old in the end, and when the link is back the hub has all of it, alarms first, each row once and byte for byte.
func TestWeekWithoutLink(t *testing.T) {
	s, p, dir := load(t, "joint-post"), loadPolicy(t, "joint-post"), t.TempDir()
	week := makeWeek(s, 41)
	var told map[int64]int
	synctest.Test(t, func(t *testing.T) { told = runWeek(t, s, dir, week, p) })
	j, err := journal.Open(filepath.Join(dir, "journal"), journal.Options{Site: "joint", Agent: "lane-1"})
	must(t, err)
	defer j.Close()
	rows := allRows(t, j)
	score := judgeWeek(t, s, p, week, told, rows)
	t.Logf("%d rows; %s", len(rows), score.Report())
	if score.Vehicles < *downDays*s.Vehicles*3/4 || score.Decided*100 < score.Vehicles*98 || score.Right*100 < score.Decided*97 ||
		score.Released > 0 || score.Alarms == 0 {
		t.Errorf("%s", strings.Join(score.Wrong, "\n"))
	}
	checkSynced(t, rows, synced(t, j))
}

// allRows returns all rows of a journal.
func allRows(t *testing.T, j *journal.Journal) (out []journal.Row) {
	t.Helper()
	for int64(len(out)) < j.Size() {
		rows, err := j.Read(int64(len(out)), 1000)
		must(t, err)
		out = append(out, rows...)
	}
	return out
}

// judgeWeek holds the journalled decisions of a week against the truth. Each revision is there once, by lists of Begin
// that are not stale yet.
func judgeWeek(t *testing.T, s *Scenario, p *policy.Policy, week *Day, told map[int64]int, rows []journal.Row) *DecisionScore {
	t.Helper()
	d := &decisions{s: s, day: week, policy: p, told: told, last: map[string]*observation.ClearanceDecision{}, begun: map[string]int{},
		score: &DecisionScore{}}
	revision := map[string]uint32{}
	for i := range rows {
		if rows[i].Kind != observation.Kind_KIND_CLEARANCE_DECISION {
			continue
		}
		o, err := rows[i].Observation()
		must(t, err)
		said := o.Body.GetClearanceDecision()
		d.score.Revisions++
		if revision[said.Presentation]++; revision[said.Presentation] != said.Revision {
			t.Errorf("%s: revision %d is the number %d", said.Presentation, said.Revision, revision[said.Presentation])
		}
		d.begun[said.Presentation] = vehicleOf(t, week, told, said.Presentation)
		if !said.Ended {
			d.last[said.Presentation] = said
		}
		if len(said.Lists) == 0 || said.Lists[0].IssuedNs != Begin.UnixNano() || hasReason(said, "LIST-STALE") {
			t.Errorf("%s is by %v: %s", said.Presentation, said.Lists, codesOf(said))
		}
	}
	d.judge()
	return d.score
}

// vehicleOf returns the vehicle of whose row a presentation's id speaks; -1 for none.
func vehicleOf(t *testing.T, week *Day, told map[int64]int, presentation string) int {
	t.Helper()
	var row int64
	_, err := fmt.Sscan(presentation[strings.LastIndex(presentation, "-")+1:], &row)
	must(t, err)
	if i, ok := told[row]; ok {
		return week.Told[i].Vehicle
	}
	return -1
}

// synced runs a hub, connects the journal, and returns the hub's rows in the order in which it committed them, when it has
// acknowledged all.
func synced(t *testing.T, j *journal.Journal) (out []ledger.Event) {
	t.Helper()
	dir, address, log := t.TempDir(), drivertest.FreeAddress(t), slog.New(slog.DiscardHandler)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	stop := sync.OnceFunc(func() { cancel(); running.Wait() })
	defer stop()
	running.Go(func() {
		if err := hub.Run(ctx, hub.Options{Dir: dir, HTTP: drivertest.FreeAddress(t), MQTT: address, Log: log}); err != nil {
			t.Error(err)
		}
	})
	up, err := uplink.New(j, uplink.Options{
		Paths: uplink.Direct(wire.Broker{URL: "mqtt://" + address, KeepAlive: 20 * time.Second}), TelemetryDelay: time.Millisecond, Log: log,
	})
	must(t, err)
	running.Go(func() {
		if err := up.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	deadline := time.Now().Add(3 * time.Minute)
	for _, class := range observation.Classes {
		for j.Acked(class) < j.Last(class) {
			if time.Now().After(deadline) {
				t.Fatalf("%s: the hub has rows up to %d of %d: %+v", class, j.Acked(class), j.Last(class), up.Status())
			}
			<-time.After(20 * time.Millisecond)
		}
	}
	stop()
	l, err := ledger.Open(dir)
	must(t, err)
	defer l.Close()
	for after := int64(0); ; after = out[len(out)-1].Seq {
		page, err := l.Events(after, 1000, ledger.Filter{})
		must(t, err)
		if out = append(out, page...); len(page) == 0 {
			return out
		}
	}
}

// checkSynced holds the hub's rows against the journal's: each once, the same bytes, alarms before events before telemetry.
func checkSynced(t *testing.T, rows []journal.Row, at []ledger.Event) {
	t.Helper()
	if len(at) != len(rows) {
		t.Fatalf("the hub has %d rows of %d", len(at), len(rows))
	}
	seen, class := map[int64]bool{}, observation.Class_CLASS_ALARM
	for _, e := range at {
		if seen[e.Idx] || e.Idx >= int64(len(rows)) {
			t.Fatalf("row %d is there twice, or never was", e.Idx)
		}
		seen[e.Idx] = true
		mine := &rows[e.Idx]
		if string(e.Body) != string(mine.Body) || e.Class != mine.Class || e.Device != mine.Device || e.TimeNs != mine.Time {
			t.Fatalf("row %d of %s is another one at the hub", e.Idx, mine.Device)
		}
		if e.Class < class {
			t.Fatalf("row %d, %s, came after rows of %s", e.Idx, e.Class, class)
		}
		class = e.Class
	}
	if class != observation.Class_CLASS_TELEMETRY {
		t.Errorf("the last row is of %s", class)
	}
}
