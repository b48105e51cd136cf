package downlink

import (
	"errors"
	"log/slog"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"lanewarden/drivers/observation"
)

// conditions returns what a journal has of a condition: true where it began, false where it was over.
func (r *rows) conditions(name string) (out []bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, o := range r.all {
		if c := o.Body.GetDeviceCondition(); c != nil && c.Condition == name && o.Device == observation.AgentDevice {
			out = append(out, !c.Cleared)
		}
	}
	return out
}

// That the centre's newest statement has become old is said once, also where the journal could not be written at first; that
// a newer one has come is said, too; and what is in force stays so all the time.
func TestStale(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCentre(t)
		c.publish(t, "lists/targets/full-1.csv", "", "one", "lists")
		j, u := &rows{}, &user{prefix: "lists/", dir: t.TempDir()}
		s, err := New(Options{
			Dir: filepath.Join(t.TempDir(), "orders"), Site: "demo", Agent: "lane-1", Root: c.root, StaleAfter: 48 * time.Hour,
			ClockTrusted: func() bool { return true }, Consumers: []Consumer{u}, Journal: j, Log: slog.New(slog.DiscardHandler),
		})
		if err != nil {
			t.Fatal(err)
		}
		said := func(stale bool, want ...bool) {
			t.Helper()
			s.noteStale(t.Context())
			s.noteStale(t.Context())
			got := j.conditions("orders-stale")
			if len(got) != len(want) || len(got) > 0 && got[len(got)-1] != want[len(want)-1] || s.Status().Stale != stale {
				t.Errorf("rows %v, want %v; stale %v", got, want, s.Status().Stale)
			}
		}
		take := func() {
			t.Helper()
			if _, err := s.Import(t.Context(), c.dir); err != nil {
				t.Fatal(err)
			}
		}
		said(false) // nothing has ever come: that is said by itself
		take()
		time.Sleep(48 * time.Hour)
		said(false)
		time.Sleep(time.Second)
		j.mu.Lock()
		j.fail = errors.New("the disk is full")
		j.mu.Unlock()
		said(true)
		j.mu.Lock()
		j.fail = nil
		j.mu.Unlock()
		said(true, true)
		if got := u.has("lists/targets/full-1.csv"); got != "one" {
			t.Errorf("in use: %q", got)
		}
		c.publish(t, "lists/targets/full-2.csv", "", "two", "lists")
		take()
		said(false, true, false)
	})
}
