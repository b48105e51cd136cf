package notify

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"

	"lanewarden/sync/hub/ledger"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func protoMarshal(m proto.Message) ([]byte, error) { return proto.Marshal(m) }

// rows is a ledger of events whose seqs are their places, from 1.
type rows struct {
	mu      sync.Mutex
	all     []ledger.Event
	changed chan struct{}
	epoch   string
	restart int64 // seq of the row before the newest epoch
}

func newRows() *rows { return &rows{changed: make(chan struct{}), epoch: "aaaaaaaa"} }

func (r *rows) add(events ...ledger.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range events {
		e.Seq = int64(len(r.all) + 1)
		e.Idx = e.Seq
		r.all = append(r.all, e)
	}
	close(r.changed)
	r.changed = make(chan struct{})
}

func (r *rows) Events(after int64, limit int, f ledger.Filter) (out []ledger.Event, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.all[min(after, int64(len(r.all))):] {
		if len(out) < limit && (len(f.Classes) == 0 || slices.Contains(f.Classes, e.Class)) {
			out = append(out, e)
		}
	}
	return out, nil
}
func (r *rows) LaneOf([]byte, string) (string, error) { return "lane-4a", nil }
func (r *rows) Durable() (int64, <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return int64(len(r.all)), r.changed
}
func (r *rows) Cursor(seq int64) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return fmt.Sprintf("%s-%d", r.epoch, seq)
}
func (r *rows) ParseCursor(text string) (seq int64, err error) {
	epoch, number, _ := strings.Cut(text, "-")
	if r.mu.Lock(); epoch != r.epoch {
		err = ledger.ErrCursorGone
	}
	r.mu.Unlock()
	if err == nil {
		_, err = fmt.Sscan(number, &seq)
	}
	return seq, err
}
func (r *rows) AfterRestore(string) int64 { return r.restart }

// sink is an outlet that keeps letters, and fails as it is told.
type sink struct {
	got[*letter]
	mu   sync.Mutex
	fail error
	hang bool // send does not return before ctx ends
}

func (s *sink) send(ctx context.Context, l *letter) error {
	s.mu.Lock()
	fail, hang := s.fail, s.hang
	s.mu.Unlock()
	if hang {
		<-ctx.Done()
		return ctx.Err()
	}
	if fail == nil {
		s.add(l)
	}
	return fail
}

func (s *sink) become(fail error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = fail
}

func (s *sink) ids() (out []string) {
	for _, l := range s.list() {
		out = append(out, l.id)
	}
	return out
}

var standard = Rule{ID: "alarms", To: []string{"x"}, Classes: []Class{"alarm"}, Language: "en", Priority: Automatic, MaxAge: time.Hour, PerMinute: 10}

// begin runs a sender in the bubble until the returned function ends it.
func begin(t *testing.T, r *rows, out outlet, rule Rule, file string) (*sender, func()) {
	t.Helper()
	s, err := newSender(&writer{rule: &rule, to: &Receiver{ID: "x", Ntfy: &Ntfy{}}}, out, r, file, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); s.run(ctx) }()
	return s, func() { cancel(); <-done }
}

func alarms(n int, at time.Time) (out []ledger.Event) {
	for range n {
		out = append(out, alarm(0, at))
	}
	return out
}

// TestOneByOne: what comes after the first start is told once, over restarts; what was there before is not.
func TestOneByOne(t *testing.T) {
	file := t.TempDir() + "/p.json"
	synctest.Test(t, func(t *testing.T) {
		r, out := newRows(), &sink{}
		r.add(alarms(3, time.Now())...)
		_, end := begin(t, r, out, standard, file)
		synctest.Wait()
		r.add(alarms(2, time.Now())...)
		time.Sleep(time.Second)
		end()
		r.add(alarms(1, time.Now())...) // while it is away
		_, end = begin(t, r, out, standard, file)
		time.Sleep(time.Second)
		end()
		if got := fmt.Sprint(out.ids()); got != "[abcd/4 abcd/5 abcd/6]" {
			t.Error(got)
		}
	})
}

// TestFlood: of 10,000 alarms at once the rule's number is told one by one, and the rest in one message that counts them;
// what comes later is told by itself again.
func TestFlood(t *testing.T) {
	file := t.TempDir() + "/p.json"
	synctest.Test(t, func(t *testing.T) {
		r, out := newRows(), &sink{}
		s, end := begin(t, r, out, standard, file)
		synctest.Wait()
		r.add(alarms(10_000, time.Now())...)
		time.Sleep(5 * time.Minute)
		all := out.list()
		if len(all) != 11 || all[10].kind != "summary" || !strings.Contains(all[10].title, "9,990") {
			t.Fatalf("%d letters, the last is %q", len(all), all[len(all)-1].title)
		}
		if st := s.state(); st.Sent != 11 || st.Summed != 9990 || st.Waiting != 0 || st.Error != nil {
			t.Errorf("%+v", st)
		}
		r.add(alarms(1, time.Now())...)
		time.Sleep(time.Minute)
		if ids := out.ids(); len(ids) != 12 || ids[11] != "abcd/10001" {
			t.Errorf("%v", ids)
		}
		end()
	})
}

// TestFloodOverRestarts: the sum survives restarts at any time, and no event is in neither.
func TestFloodOverRestarts(t *testing.T) {
	file := t.TempDir() + "/p.json"
	synctest.Test(t, func(t *testing.T) {
		r, out := newRows(), &sink{}
		_, end := begin(t, r, out, standard, file)
		synctest.Wait()
		r.add(alarms(300, time.Now())...)
		for range 20 {
			time.Sleep(1500 * time.Millisecond)
			end()
			_, end = begin(t, r, out, standard, file)
		}
		time.Sleep(5 * time.Minute)
		end()
		told := map[string]bool{}
		for _, l := range out.list() {
			told[l.id] = true
			if l.kind == "summary" && !strings.Contains(l.lines[0], fmt.Sprint(300-len(told)+1)) {
				t.Errorf("%d are told, and the sum says %q", len(told)-1, l.lines[0])
			}
		}
		if len(told) > 60 {
			t.Errorf("%d letters", len(told))
		}
	})
}

// TestDeadThenBack: a receiver that is away for a day holds nothing but its own; back again it gets what is young one by
// one, and what is older than the rule says in the sum that it was tried with, and in one for the rest.
func TestDeadThenBack(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		r, dead, alive := newRows(), &sink{fail: errors.New("away")}, &sink{}
		s, end := begin(t, r, dead, standard, dir+"/dead.json")
		_, endAlive := begin(t, r, alive, standard, dir+"/alive.json")
		synctest.Wait()
		for range 24 {
			r.add(alarms(5, time.Now())...)
			time.Sleep(time.Hour)
		}
		if n := len(alive.list()); n != 120 {
			t.Errorf("the other receiver got %d", n)
		}
		if st := s.state(); st.State != "failing" || st.Error == nil || st.Waiting < 100 || st.Failed < 100 || len(dead.list()) != 0 {
			t.Errorf("%+v", st)
		}
		r.add(alarms(2, time.Now())...)
		dead.become(nil)
		time.Sleep(20 * time.Minute)
		fresh, summed, sums := 0, 0, 0
		for _, l := range dead.list() {
			if l.kind != "summary" {
				fresh++
				continue
			}
			n := 0
			if _, err := fmt.Sscan(l.lines[0], &n); err != nil {
				t.Fatal(err)
			}
			sums, summed = sums+1, summed+n
		}
		if fresh != 2 || sums > 2 || summed != 120 {
			t.Errorf("%d fresh, %d in %d sums: %v", fresh, summed, sums, dead.ids())
		}
		if st := s.state(); st.State != "ok" || st.Error != nil || st.Waiting != 0 {
			t.Errorf("%+v", st)
		}
		end()
		endAlive()
	})
}

// TestRefused: a message that the receiver refuses three times does not hold those behind it, and is counted.
func TestRefused(t *testing.T) {
	file := t.TempDir() + "/p.json"
	synctest.Test(t, func(t *testing.T) {
		r, out := newRows(), &sink{fail: fmt.Errorf("%w", errRefused)}
		_, end := begin(t, r, out, standard, file)
		synctest.Wait()
		r.add(alarms(1, time.Now())...)
		time.Sleep(10 * time.Second)
		out.become(nil)
		r.add(alarms(1, time.Now())...)
		time.Sleep(2 * time.Minute)
		end()
		all := out.list()
		if len(all) != 2 || all[0].id != "abcd/2" || all[1].kind != "summary" || !strings.Contains(all[1].text(), "1 was refused") {
			t.Errorf("%v", out.ids())
		}
	})
}

// TestHanging: a receiver that never answers does not keep the hub from ending.
func TestHanging(t *testing.T) {
	file := t.TempDir() + "/p.json"
	synctest.Test(t, func(t *testing.T) {
		r, out := newRows(), &sink{hang: true}
		_, end := begin(t, r, out, standard, file)
		synctest.Wait()
		r.add(alarms(1, time.Now())...)
		synctest.Wait()
		end()
	})
}

// TestRestoredLedger: where a backup took the ledger's place, a sender goes on with the first row of the new epoch.
func TestRestoredLedger(t *testing.T) {
	file := t.TempDir() + "/p.json"
	synctest.Test(t, func(t *testing.T) {
		r, out := newRows(), &sink{}
		_, end := begin(t, r, out, standard, file)
		synctest.Wait()
		r.add(alarms(5, time.Now())...)
		time.Sleep(time.Second)
		end()
		r.all, r.epoch, r.restart = r.all[:2], "bbbbbbbb", 2
		r.add(alarms(2, time.Now())...)
		_, end = begin(t, r, out, standard, file)
		time.Sleep(time.Second)
		end()
		if got := fmt.Sprint(out.ids()[5:]); got != "[abcd/3 abcd/4]" {
			t.Error(got)
		}
	})
}

// TestConditions: site, lane, hours in a zone, and kinds.
func TestConditions(t *testing.T) {
	night := time.Date(2026, 12, 1, 4, 0, 0, 0, time.UTC) // 22:00 in Winnipeg
	for name, c := range map[string]struct {
		change func(*Rule)
		want   bool
	}{
		"all":        {func(*Rule) {}, true},
		"site":       {func(r *Rule) { r.Sites = []string{"windsor", "emerson-east"} }, true},
		"other site": {func(r *Rule) { r.Sites = []string{"windsor", "detroit"} }, false},
		"lane":       {func(r *Rule) { r.Lanes = []string{"lane-4a"} }, true},
		"other lane": {func(r *Rule) { r.Lanes = []string{"lane-5"} }, false},
		"night":      {func(r *Rule) { r.Hours, r.Zone = "21:00-06:00", "America/Winnipeg" }, true},
		"day":        {func(r *Rule) { r.Hours, r.Zone = "06:00-21:00", "America/Winnipeg" }, false},
	} {
		r := standard
		c.change(&r)
		s, err := newSender(&writer{rule: &r, to: &Receiver{ID: "x", Ntfy: &Ntfy{}}}, &sink{}, newRows(), t.TempDir()+"/p.json", slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		e := alarm(1, night)
		if got, err := s.concerns(&e); err != nil || got != c.want {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

// TestDamagedProgress: a file that cannot be read is an error that names it, and not a flood.
func TestDamagedProgress(t *testing.T) {
	file := write(t, "p.json", "{")
	_, err := newSender(&writer{rule: &standard, to: &Receiver{ID: "x", Ntfy: &Ntfy{}}}, &sink{}, newRows(), file, slog.New(slog.DiscardHandler))
	if err == nil || !strings.Contains(err.Error(), file) {
		t.Error(err)
	}
}
