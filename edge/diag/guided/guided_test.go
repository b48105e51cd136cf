package guided

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/edge/journal"
)

// lane is a lane that has outputs only.
type lane struct{ set []string }

func (l *lane) Live(string) []driver.Sample { return nil }

func (l *lane) Command(_ context.Context, device, output, value, _ string) error {
	if output == "broken" {
		return errors.New("the device does not answer")
	}
	l.set = append(l.set, device+" "+output+" "+value)
	return nil
}

func words(s string) message.Message { return message.Verbatim(s) }

// tests has every kind of step.
var tests = []driver.Test{
	{ID: "whole", Title: words("whole"), Every: time.Hour, Steps: func(any) []driver.Step {
		return []driver.Step{
			{Do: words("set"), Set: &driver.SetOutput{Output: "light", Value: "on"}, Ask: words("on?"), Limit: time.Minute},
			{Do: words("weigh"), Number: words("kg"), Limit: time.Minute, Judge: func(e driver.Evidence) ([]*observation.TestCheck, bool) {
				return driver.WaitFor(words("weight"), words("none"), func(r driver.Row) *observation.TestCheck {
					if w := r.Body.GetVehicleWeight(); w != nil {
						return driver.Within(words("weight"), w.Kg, &e.Number, &e.Number, "kg", r.Idx)
					}
					return nil
				})(e)
			}},
		}
	}},
	{ID: "short", Title: words("short"), Steps: func(any) []driver.Step {
		return []driver.Step{{Do: words("wait"), Limit: time.Millisecond, Judge: driver.WaitFor(words("thing"), words("nothing came"), func(driver.Row) *observation.TestCheck { return nil })}, {Do: words("never")}}
	}},
	{ID: "broken", Title: words("broken"), Steps: func(any) []driver.Step {
		return []driver.Step{{Do: words("set"), Set: &driver.SetOutput{Output: "broken", Value: "on"}, Ask: words("?"), Limit: time.Minute}}
	}},
	{ID: "none", Title: words("none"), Steps: func(any) []driver.Step { return nil }},
}

// bench is a runner over a journal.
type bench struct {
	*Runner
	t    *testing.T
	j    *journal.Journal
	lane *lane
}

func newBench(t *testing.T, dir string) *bench {
	j, err := journal.Open(filepath.Join(dir, "journal"), journal.Options{Site: "s", Agent: "a"})
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, j: j, lane: &lane{}}
	b.Runner = New([]Device{{ID: "d", Tests: tests}}, b.lane, j, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- b.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		j.Close()
	})
	return b
}

// see waits until the test under way is so.
func (b *bench) see(what string, ok func(*View) bool) *View {
	b.t.Helper()
	for begin := time.Now(); time.Since(begin) < 30*time.Second; <-time.After(5 * time.Millisecond) {
		if v := b.View(); v != nil && ok(v) {
			return v
		}
	}
	b.t.Fatalf("waited for %s: %+v", what, b.View())
	return nil
}

func (b *bench) start(test string) {
	b.t.Helper()
	if err := b.Start(b.t.Context(), "d", test, "tester"); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) act(what string, n float64) {
	b.t.Helper()
	if err := b.Act(b.t.Context(), what, n); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) weigh(kg float64) {
	o := observation.New(observation.Class_CLASS_EVENT, time.Now(), &observation.VehicleWeight{Kg: kg})
	o.Device = "d"
	if _, err := b.j.Commit(b.t.Context(), o); err != nil {
		b.t.Fatal(err)
	}
}

func ended(v *View) bool { return v.Verdict != "" }

// A test that was begun is the one that is seen, at once: an answer sent straight after reaches it, not the one before.
func TestBegunIsSeen(t *testing.T) {
	b := newBench(t, t.TempDir())
	for range 50 {
		b.start("whole")
		if v := b.View(); v == nil || v.Verdict != "" {
			t.Fatalf("after the start there is %+v", v)
		}
		b.act("abandon", 0)
		b.see("the end", ended)
	}
}

func TestPassesAndIsRemembered(t *testing.T) {
	dir := t.TempDir()
	b := newBench(t, dir)
	if o := b.Offers(time.Now()); len(o) != 4 || !o[0].Due || o[1].Due {
		t.Errorf("offers %+v", o)
	}
	b.weigh(1) // before the test: it does not count
	b.start("whole")
	b.see("the first step", func(v *View) bool { return v.Steps[0].State == "now" })
	if err := b.Start(t.Context(), "d", "short", "other"); !errors.Is(err, ErrBusy) {
		t.Errorf("a second test began: %v", err)
	}
	if err := b.Act(t.Context(), "number", 1); err == nil {
		t.Error("a number was taken where none is asked for")
	}
	b.act("yes", 0)
	b.see("the second step", func(v *View) bool { return v.Step == 1 })
	b.act("number", 500)
	b.weigh(500)
	if v := b.see("the end", ended); v.Verdict != "passed" || len(v.Steps[1].Checks) != 1 || v.Steps[1].Checks[0].Rows[0] != 1 {
		t.Errorf("%+v", v)
	}
	if len(b.lane.set) != 1 || b.lane.set[0] != "d light on" {
		t.Errorf("outputs %v", b.lane.set)
	}
	if o := b.Offers(time.Now())[0]; o.Due || o.Last == nil || o.Last.By != "tester" || len(o.Last.Checks) != 2 {
		t.Errorf("offer %+v", o)
	}
	if o := b.Offers(time.Now().Add(2 * time.Hour))[0]; !o.Due {
		t.Error("it is not due again after its time")
	}
}

func TestResultSurvivesARestart(t *testing.T) {
	dir := t.TempDir()
	t.Run("first", func(t *testing.T) {
		b := newBench(t, dir)
		b.start("short")
		if v := b.see("the end", ended); v.Verdict != "failed" || v.Steps[1].State != "waiting" {
			t.Errorf("%+v", v)
		}
	})
	b := newBench(t, dir)
	for begin := time.Now(); b.Offers(time.Now())[1].Last == nil; <-time.After(5 * time.Millisecond) {
		if time.Since(begin) > 20*time.Second {
			t.Fatal("the result of before is forgotten")
		}
	}
}

func TestFailures(t *testing.T) {
	b := newBench(t, t.TempDir())
	b.start("broken")
	if v := b.see("the end", ended); v.Verdict != "failed" || v.Steps[0].Checks[0].Text != "the device does not answer" {
		t.Errorf("%+v", v)
	}
	b.start("whole")
	b.see("the first step", func(v *View) bool { return v.Test == "whole" && v.Steps[0].State == "now" })
	b.act("abandon", 0)
	b.see("the end", func(v *View) bool { return v.Verdict == "abandoned" })
	if err := b.Act(t.Context(), "yes", 0); !errors.Is(err, ErrNone) {
		t.Errorf("an answer without a test: %v", err)
	}
	for _, test := range []string{"none", "unknown"} {
		if err := b.Start(t.Context(), "d", test, "x"); err == nil {
			t.Errorf("test %s began", test)
		}
	}
}
