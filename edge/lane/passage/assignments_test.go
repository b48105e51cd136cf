package passage

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"lanewarden/drivers/observation"
	"lanewarden/edge/lane/passage/associate"
)

// TestDiffers: what is worth telling after what was told.
func TestDiffers(t *testing.T) {
	was := stated{passage: "a", confidence: 0.9, other: "b"}
	for _, c := range []struct {
		name          string
		now           stated
		before, final bool // whether it is told while it may change, and when nothing changes it any more
	}{
		{"the same", stated{"a", 0.9, "b"}, false, false},
		{"another passage", stated{"c", 0.9, "b"}, true, true},
		{"no passage", stated{"", 0.9, "b"}, true, true},
		{"another candidate", stated{"a", 0.9, "c"}, true, true},
		{"no other candidate any more", stated{"a", 0.9, ""}, true, true},
		{"a little surer", stated{"a", 0.95, "b"}, false, true},
		{"hardly surer", stated{"a", 0.905, "b"}, false, false},
		{"much less sure", stated{"a", 0.5, "b"}, true, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := was.differs(c.now, false); got != c.before {
				t.Errorf("while it may change: %v", got)
			}
			if got := was.differs(c.now, true); got != c.final {
				t.Errorf("when it is final: %v", got)
			}
		})
	}
}

// ledger is what a reader of the journal keeps of passages.
type ledger struct {
	opened, closed map[string]bool
	in             map[int64]string
}

// reads folds a row of the agent, and fails where a reader could not follow: a passage that was not opened, a reading
// that is taken from where it is not, a row that says nothing new.
func (l *ledger) reads(t failer, o *observation.Observation) {
	t.Helper()
	put := func(id string, readings []*observation.PassageReading) {
		for _, r := range readings {
			if had := l.in[r.Idx]; had != "" && had != id {
				t.Fatalf("reading %d goes from %s to %s, and nobody corrected it", r.Idx, had, id)
			}
			l.in[r.Idx] = id
		}
	}
	switch p := o.Body.Typed().(type) {
	case *observation.PassageOpened:
		if l.opened[p.Id] || !strings.HasPrefix(p.Id, p.Lane+"-") {
			t.Fatalf("%s of %s is opened again, or named after another lane", p.Id, p.Lane)
		}
		l.opened[p.Id] = true
		put(p.Id, p.Readings)
	case *observation.PassageUpdated:
		if !l.opened[p.Id] || len(p.Readings) == 0 || p.AfterClose != l.closed[p.Id] {
			t.Fatalf("%s is updated: opened %v, closed %v, after its end %v", p.Id, l.opened[p.Id], l.closed[p.Id], p.AfterClose)
		}
		put(p.Id, p.Readings)
	case *observation.PassageCorrected:
		if p.From != l.in[p.Idx] || p.To == p.From && p.By == byLane || p.To != "" && !l.opened[p.To] {
			t.Fatalf("reading %d is corrected from %q to %q by %s; it is in %q", p.Idx, p.From, p.To, p.By, l.in[p.Idx])
		}
		l.in[p.Idx] = p.To
	case *observation.PassageClosed:
		if !l.opened[p.Id] || l.closed[p.Id] {
			t.Fatalf("%s is closed: opened %v, closed already %v", p.Id, l.opened[p.Id], l.closed[p.Id])
		}
		l.closed[p.Id] = true
	}
}

// TestTold draws traffic and corrections: whoever reads the rows one after the other can follow. Each passage is opened
// before anything else is said of it, and closed once; a reading leaves a passage only by a correction, and is in one
// at most; no row is told twice; and in the end all that were opened are closed.
func TestTold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := newDay(t, twoLanes())
		for _, o := range someTraffic(t) {
			d.take(o)
			d.corrections(t, map[string]string{})
		}
		d.wait(1000)
		l := &ledger{opened: map[string]bool{}, closed: map[string]bool{}, in: map[int64]string{}}
		keys := map[string]bool{}
		for _, r := range d.rows {
			if r.Device != observation.AgentDevice {
				continue
			}
			if p := r.Body.GetPassageCorrected(); keys[r.Key] && (p == nil || p.By == byLane) {
				t.Fatalf("%s is told twice", r.Key)
			}
			keys[r.Key] = true
			l.reads(t, r.Observation)
		}
		for id := range l.opened {
			if !l.closed[id] {
				t.Errorf("%s is still open", id)
			}
		}
		for key, id := range d.said() {
			if v, _ := d.passage(id); id != "" && v == nil {
				t.Errorf("%s is in %s, of which nothing is known", key, id)
			}
		}
	})
}

// TestAssigned: whoever listens hears of each reading what the journal says of it, in the end.
func TestAssigned(t *testing.T) {
	d := newDay(t, twoLanes())
	heard := map[string]Assignment{}
	d.Assigned = func(a Assignment) { heard[d.rows[a.Idx].Key] = a }
	three(d)
	d.correct("scale-1 13.00", "")
	d.wait(300)
	said := d.said()
	for key, id := range said {
		if a, ok := heard[key]; !ok || a.Passage != id || a.Confidence < 0 || a.Confidence > 1 || a.Reason == "" {
			t.Errorf("%s is in %q, and was told to be %+v", key, id, a)
		}
	}
	if len(heard) != len(said) {
		t.Errorf("%d are told, %d journalled", len(heard), len(said))
	}
}

// TestTellDue: what is not an alarm waits for the next round, and an alarm does not.
func TestTellDue(t *testing.T) {
	first := func(alarm bool) float64 {
		d := newDay(t, twoLanes())
		d.take(loop("loop-1", 1), portal("rpm-1", 6, alarm))
		for s := range 60 {
			if d.wait(1); d.said()["rpm-1 6.00"] != "" {
				return float64(s)
			}
		}
		return 1000
	}
	if alarm, other := first(true), first(false); alarm >= other || other > 20 {
		t.Errorf("an alarm is told after %.0f s, another reading after %.0f s", alarm, other)
	}
}

// TestDrop: what is kept of passages is bounded, in number and in time; those in the lane are kept.
func TestDrop(t *testing.T) {
	d := newDay(t, twoLanes())
	const n = maxVehicles + 400
	for v := range n {
		at := 20 * float64(v)
		d.Take(Row{int64(2 * v), loop("loop-3", at)})
		d.Take(Row{int64(2*v + 1), loop("loop-4", at+10)})
	}
	g := d.groups[1]
	if len(g.vehicles) > maxVehicles+50 || len(g.vehicles) < maxVehicles-50 || len(g.byID) != len(g.vehicles) {
		t.Errorf("%d vehicles are kept, %d by name", len(g.vehicles), len(g.byID))
	}
	if len(g.readings) > 2*len(g.vehicles)+10 || len(g.byLabel) > len(g.vehicles)+10 {
		t.Errorf("%d readings, %d labels", len(g.readings), len(g.byLabel))
	}
	if len(d.documents()) != maxShown {
		t.Errorf("%d are shown", len(d.documents()))
	}
	d.Take(Row{2 * n, loop("loop-3", 20*n+2*DefaultLate.Seconds())})
	d.wait(30)
	if len(g.vehicles) > 5 {
		t.Errorf("%d are kept after two days", len(g.vehicles))
	}
}

// TestDocuments: passages are shown newest first, those of all lanes.
func TestDocuments(t *testing.T) {
	d := newDay(t, twoLanes())
	three(d)
	all := d.documents()
	if len(all) != 4 {
		t.Fatalf("%d passages", len(all))
	}
	if !slices.IsSortedFunc(all, func(a, b *observation.PassageClosed) int { return int(b.OpenedNs/1e6 - a.OpenedNs/1e6) }) {
		t.Error("they are not newest first")
	}
	lanes := fmt.Sprint(all[0].Lane, all[1].Lane, all[2].Lane, all[3].Lane)
	if lanes != "lane-1lane-2lane-1lane-1" {
		t.Errorf("lanes are %s", lanes)
	}
}

// TestOpenedAfterEnd: a passage whose first reading is told after it was over is followed, once, until its end is told
// too.
func TestOpenedAfterEnd(t *testing.T) {
	for name, followed := range map[string]bool{"it is still followed": true, "it was let go": false} {
		c := New(twoLanes())
		g := c.groups[0]
		v := sightings(g, "a", map[string]float64{"loop-1": 0})
		v.closed, v.end, v.counted = sec(30), observation.PassageEnd_PASSAGE_END_TIMEOUT, true
		if !followed {
			g.active = nil
		}
		o := c.news(g, v, v.readings)
		if p := o.Body.GetPassageOpened(); p.GetId() != "a" || !v.opened || !slices.Equal(g.active, []*vehicle{v}) {
			t.Errorf("%s: %v, %d are followed", name, o, len(g.active))
		}
		c.now = sec(40)
		all := c.close(g)
		if len(all) != 1 || all[0].Body.GetPassageClosed().GetId() != "a" || len(g.active) != 0 {
			t.Errorf("%s: at its end %v, %d are followed", name, all, len(g.active))
		}
		if o = c.news(g, v, v.readings); !o.Body.GetPassageUpdated().GetAfterClose() || len(g.active) != 0 {
			t.Errorf("%s: what is told afterwards is %v, %d are followed", name, o, len(g.active))
		}
	}
}

// TestLaneCorrects: when the lane itself gives a reading to another vehicle, its row says from where to where, why, and
// with which terms.
func TestLaneCorrects(t *testing.T) {
	k, g, r := wordy(explained())
	terms := associate.Terms{From: 0, Residual: 1}
	terms.Score[associate.Arrival] = -2
	r.terms, r.stated = &terms, &stated{passage: "before"}
	o := k.corrected(r)
	p := o.Body.GetPassageCorrected()
	if p.From != "before" || p.To != "own" || p.By != byLane || p.Idx != r.det.Idx || p.Reading.GetDevice() != "lpr-1" ||
		len(p.Reading.GetTerms()) == 0 || p.Message == nil || !strings.Contains(p.Reason, "later") {
		t.Errorf("%v", p)
	}
	if o.Device != observation.AgentDevice || !strings.HasPrefix(o.Key, "corrected ") || g == nil {
		t.Errorf("%v", o.Key)
	}
}
